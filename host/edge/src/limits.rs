//! How much of the server one request may take: some time, some bytes, a turn.

use std::{any::Any, error::Error as _, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::Response,
};
use http_body_util::LengthLimitError;
use waypost_app::Caller;

use crate::{
    accompany::RequestContext,
    refused::Refused,
    turns::{Asker, Budget, Turns},
};

/// What one request of a group of routes may take.
#[derive(Clone)]
pub struct Limits {
    /// How many bytes its body may have.
    pub body: usize,
    /// The bytes that all bodies share.
    pub bodies: Arc<Budget>,
    /// The turns of most requests.
    pub turns: Arc<Turns>,
    /// The turns of requests that bring something to be compiled.
    pub slow_turns: Option<Arc<Turns>>,
}

/// Answers 503 when the time is up; 408 if it is the client that did not come to an end.
pub async fn deadline(
    State(timeout): State<Duration>,
    request: Request,
    next: Next,
) -> Result<Response, Refused> {
    let context = request.extensions().get::<RequestContext>().cloned();
    let reads = request.method().is_safe();
    tokio::time::timeout(timeout, next.run(request)).await.map_err(|_| {
        tracing::warn!(timeout_ms = timeout.as_millis(), "request timed out");
        if context.is_some_and(|context| context.lacks_body()) {
            Refused::BodyLate(timeout)
        } else {
            Refused::TimedOut { reads }
        }
    })
}

/// In the extensions of a request: what it holds. Whoever carries it out to its end although its
/// client has gone away holds that until then.
#[derive(Debug, Clone, Default)]
pub struct Held(Vec<Arc<dyn Any + Send + Sync>>);

impl Held {
    /// Has a request hold something, which whoever calls this goes on holding as well.
    fn add<T: Send + Sync + 'static>(request: &mut Request, what: &Arc<T>) {
        let held = request.extensions_mut().get_or_insert_default::<Self>();
        held.0.push(Arc::clone(what) as Arc<dyn Any + Send + Sync>);
    }
}

/// Waits for the caller's turn, and holds it until the request is answered.
pub async fn in_turn(
    State(limits): State<Limits>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refused> {
    let Some(of) = asker(&request) else { return Ok(next.run(request).await) };
    let slow = limits.slow_turns.filter(|_| request.method() == Method::POST);
    let turn = Arc::new(slow.unwrap_or(limits.turns).take(of).await?);
    Held::add(&mut request, &turn);
    let response = next.run(request).await;
    drop(turn);
    Ok(response)
}

/// Reads the body whole, so that whoever comes next has it, or answers 413. A body that comes
/// slowly takes a part of its caller's bytes meanwhile, and nobody's turn.
pub async fn bounded_body(
    State(limits): State<Limits>,
    request: Request,
    next: Next,
) -> Result<Response, Refused> {
    let of = asker(&request);
    let (parts, body) = request.into_parts();
    let announced = announced(&parts.headers);
    if announced.is_some_and(|bytes| bytes > limits.body as u64) {
        return Err(Refused::TooLarge(limits.body));
    }
    let is_empty = axum::body::HttpBody::is_end_stream(&body);
    let most = announced.map_or(limits.body, |bytes| usize::try_from(bytes).unwrap_or(limits.body));
    let part = match of {
        Some(of) if !is_empty => Some(Arc::new(limits.bodies.take(of, most)?)),
        _ => None,
    };
    let context = parts.extensions.get::<RequestContext>();
    context.inspect(|context| context.note_body_is_awaited());
    let bytes = read(body, limits.body).await?;
    context.inspect(|context| context.note_body_is_read());
    let mut request = Request::from_parts(parts, Body::from(bytes));
    if let Some(part) = &part {
        Held::add(&mut request, part);
    }
    let response = next.run(request).await;
    drop(part);
    Ok(response)
}

fn asker(request: &Request) -> Option<Asker> {
    request.extensions().get::<Caller>().map(Asker::from)
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn read(body: Body, limit: usize) -> Result<Bytes, Refused> {
    axum::body::to_bytes(body, limit).await.map_err(|error| {
        if error.source().is_some_and(<dyn std::error::Error>::is::<LengthLimitError>) {
            Refused::TooLarge(limit)
        } else {
            Refused::BodyCut
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        let read = |text: &'static str| async move {
            read(Body::from(text), 4).await.map(|bytes| bytes.len())
        };
        assert_eq!(read("1234").await.unwrap(), 4);
        assert_eq!(read("12345").await.unwrap_err(), Refused::TooLarge(4));
    }
}
