//! How much of the server one request may take: a place, some time, some bytes.

use std::{error::Error as _, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
};
use http_body_util::LengthLimitError;
use tokio::sync::Semaphore;

use crate::api_error::{ApiError, Slug};

/// What one request of a group of routes may take.
#[derive(Clone)]
pub(crate) struct Limits {
    /// The places that all groups share.
    pub(crate) places: Arc<Semaphore>,
    /// How long it may take.
    pub(crate) timeout: Duration,
    /// How many bytes its body may have.
    pub(crate) body: usize,
}

/// Answers 503 when every place is taken, or when the time is up.
pub(crate) async fn deadline(
    State(limits): State<Limits>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    // Waiting for a place would only move the queue in here, with everybody's body in memory.
    let Ok(_place) = limits.places.try_acquire() else {
        return Err(ApiError::new(Slug::Unavailable, "too many concurrent requests"));
    };
    tokio::time::timeout(limits.timeout, next.run(request)).await.map_err(|_| {
        tracing::warn!(timeout_ms = limits.timeout.as_millis(), "request timed out");
        ApiError::new(
            Slug::Unavailable,
            "the request timed out; read the record before you repeat the request, or use an \
             `Idempotency-Key`",
        )
    })
}

/// Reads the body whole, so that whoever comes next has it, or answers 413.
pub(crate) async fn bounded_body(
    State(limits): State<Limits>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let bytes = read(&parts.headers, body, limits.body).await?;
    Ok(next.run(Request::from_parts(parts, Body::from(bytes))).await)
}

async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if announced.and_then(|text| text.parse::<u64>().ok()).is_some_and(|n| n > limit as u64) {
        return Err(too_large(limit));
    }
    axum::body::to_bytes(body, limit).await.map_err(|error| {
        if error.source().is_some_and(<dyn std::error::Error>::is::<LengthLimitError>) {
            too_large(limit)
        } else {
            ApiError::new(Slug::MalformedBody, "the body is shorter than its announced length")
        }
    })
}

fn too_large(limit: usize) -> ApiError {
    ApiError::new(Slug::TooLarge, format!("the body must not exceed {limit} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        let read = |text: &'static str| async move {
            read(&HeaderMap::new(), Body::from(text), 4).await.map(|bytes| bytes.len())
        };
        assert_eq!(read("1234").await.unwrap(), 4);
        assert_eq!(read("12345").await.unwrap_err().slug(), Slug::TooLarge);
    }

    #[tokio::test]
    async fn a_body_announced_as_too_large_is_not_read() {
        let headers = HeaderMap::from_iter([(header::CONTENT_LENGTH, 5.into())]);
        let refused = read(&headers, Body::empty(), 4).await.unwrap_err();
        assert_eq!(refused.slug(), Slug::TooLarge);
    }
}
