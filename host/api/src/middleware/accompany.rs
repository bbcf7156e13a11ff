//! Goes with a request from its arrival to its answer: gives it an id, a span and one line in the
//! log, and sees that every error leaves as an [`ApiError`].

use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use axum::{
    body::{Body, HttpBody},
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::Instrument;
use waypost_app::{CommitNote, Committed};

use crate::{
    ApiState,
    api_error::{ApiError, PROBLEM_JSON, Slug},
    serve::Peer,
};

/// Names a request, in both directions.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longer than any id that generators make; a longer one would fill our log.
const MAX_REQUEST_ID_BYTES: usize = 128;

/// What is known of a request before anybody reads it.
#[derive(Debug, Clone)]
pub(crate) struct RequestContext {
    /// Its id: the client's own, or ours.
    pub(crate) id: Arc<str>,
    /// The whole path, also inside nested routers.
    pub(crate) path: Arc<str>,
    /// How far the changes of the command are committed.
    pub(crate) commit: CommitNote,
    is_body_awaited: Arc<AtomicBool>,
    is_body_read: Arc<AtomicBool>,
}

impl RequestContext {
    fn new(id: &str, path: &str) -> Self {
        let commit = CommitNote::default();
        let (is_body_awaited, is_body_read) = Default::default();
        Self { id: id.into(), path: path.into(), commit, is_body_awaited, is_body_read }
    }

    /// From now on it is the client that everything waits for.
    pub(crate) fn note_body_is_awaited(&self) {
        self.is_body_awaited.store(true, Ordering::Relaxed);
    }

    /// Whether the client has not sent all of the body that it was waited for.
    pub(crate) fn lacks_body(&self) -> bool {
        self.is_body_awaited.load(Ordering::Relaxed) && !self.is_body_read.load(Ordering::Relaxed)
    }

    /// The body has come to its end, and the connection can be used for the next request.
    pub(crate) fn note_body_is_read(&self) {
        self.is_body_read.store(true, Ordering::Relaxed);
    }

    /// Completes an error with the request that it answers. Other answers stay as they are.
    pub(crate) fn complete(&self, mut response: Response) -> Response {
        let status = response.status();
        let error = response.extensions_mut().remove::<ApiError>();
        let error = match error {
            Some(error) => error,
            None if is_bare_error(&response) => bare(status),
            None => return response,
        };
        let error = if status.is_server_error() { self.honest(error) } else { error };
        let mut completed = error.of_request(&self.path, &self.id).into_response();
        completed.extensions_mut().remove::<ApiError>();
        // What was said beside the body still holds: `Allow`, `ETag`, `Retry-After`.
        for (name, value) in response.headers() {
            if name != header::CONTENT_LENGTH && name != header::CONTENT_TYPE {
                completed.headers_mut().insert(name.clone(), value.clone());
            }
        }
        completed
    }
}

impl RequestContext {
    /// What failed after the changes were committed, or while they were, does not undo them.
    fn honest(&self, error: ApiError) -> ApiError {
        match self.commit.read() {
            Committed::No => error,
            Committed::Unknown if error.slug() == Slug::OutcomeUnknown => error,
            Committed::Unknown => ApiError::new(
                Slug::OutcomeUnknown,
                "the request ended while its changes were being stored",
            ),
            Committed::Yes => ApiError::new(
                Slug::AnswerLost,
                "the request was carried out, but its response could not be made",
            ),
        }
    }
}

/// Gives a request its id, its span and its line in the log, and completes its answer.
pub(crate) async fn accompany(
    State(state): State<ApiState>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let id = request_id(request.headers()).unwrap_or_else(|| {
        let now = state.clock.now();
        state.entropy.id(now).to_string()
    });
    let context = RequestContext::new(&id, request.uri().path());
    let has_body = !request.body().is_end_stream();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    request.extensions_mut().insert(context.clone());

    // The route, not the path, and never the query: they can hold names and addresses.
    let span = tracing::info_span!(
        "request",
        request.id = %context.id,
        http.method = %method,
        http.route = route.as_ref().map_or("", MatchedPath::as_str),
    );
    let response = match once_each(&request) {
        Ok(()) => next.run(request).instrument(span.clone()).await,
        Err(refused) => refused.into_response(),
    };
    let response = if method == Method::OPTIONS { options(response) } else { response };
    let mut response = context.complete(response);

    let elapsed = began.elapsed();
    span.in_scope(|| {
        tracing::info!(
            http.status = response.status().as_u16(),
            duration_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
            "request answered"
        );
    });
    dress(response.headers_mut(), &context);
    if has_body && !context.is_body_read.load(Ordering::Relaxed) {
        // What is left of the body stands between this answer and the next request.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Headers of which two would contradict each other.
const ONCE: [HeaderName; 6] = [
    header::HOST,
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::IF_MATCH,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("waypost-organization"),
];

/// Refuses a request that contradicts itself: whoever stands between may have read the other one
/// of two headers.
fn once_each(request: &Request) -> Result<(), ApiError> {
    let headers = request.headers();
    let is_twice = |name: &HeaderName| headers.get_all(name).iter().nth(1).is_some();
    let twice = ONCE.into_iter().find(is_twice);
    if let Some(name) = twice {
        let detail = format!("the header `{name}` is there more than once; send it once");
        return Err(ApiError::new(Slug::MalformedRequest, detail));
    }
    // In process there is no connection, and no host to name.
    let is_from_network = request.extensions().get::<Peer>().is_some();
    if is_from_network && !headers.contains_key(header::HOST) && request.uri().host().is_none() {
        let detail = "the header `Host` is missing";
        return Err(ApiError::new(Slug::MalformedRequest, detail));
    }
    Ok(())
}

/// What a panic in a handler is answered with. The panic hook has told the log; its text may hold a
/// ticket's.
pub(crate) fn on_panic(_panic: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("request handler panicked");
    ApiError::new(Slug::Internal, "the request was not carried out").into_response()
}

/// The id that the client gave, if it can stand in a log line.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(X_REQUEST_ID)?.to_str().ok()?;
    let is_sane = (1..=MAX_REQUEST_ID_BYTES).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:/+=".contains(&b));
    is_sane.then(|| text.to_owned())
}

/// Headers of every answer.
fn dress(headers: &mut HeaderMap, context: &RequestContext) {
    if let Ok(id) = HeaderValue::from_str(&context.id) {
        headers.insert(X_REQUEST_ID, id);
    }
    for (name, value) in [
        // Answers differ by token, and hold what no shared cache should keep.
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Nothing here is a page: a browser that is led here shows text and runs nothing.
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// The router answers OPTIONS with 405 and the right `Allow`; asking what is allowed is no error.
fn options(response: Response) -> Response {
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let (mut parts, _) = response.into_parts();
        parts.status = StatusCode::NO_CONTENT;
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.remove(header::CONTENT_TYPE);
        return Response::from_parts(parts, Body::empty());
    }
    response
}

/// An error that axum or a layer answered by itself, with a bare text or nothing.
fn is_bare_error(response: &Response) -> bool {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let says_more = content_type.is_some_and(|is| is == PROBLEM_JSON || is == "application/json");
    is_error && (!says_more || response.body().is_end_stream())
}

fn bare(status: StatusCode) -> ApiError {
    let slug = Slug::of_status(status);
    let detail = if slug == Slug::NotFound {
        "there is no resource at this path; `/api/v1/openapi.json` lists all paths"
    } else if slug == Slug::MethodNotAllowed {
        "the header `Allow` lists the methods of this path"
    } else if slug == Slug::Internal {
        "the request was not carried out"
    } else {
        slug.remedy()
    };
    ApiError::new(slug, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> RequestContext {
        RequestContext::new("r-1", "/api/v1/incidents/INC1")
    }

    #[tokio::test]
    async fn a_bare_error_is_explained_and_keeps_its_headers() {
        let bare = (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")], "").into_response();
        let response = context().complete(bare);
        assert_eq!(response.headers()[header::ALLOW], "GET");
        assert_eq!(response.headers()[header::CONTENT_TYPE], PROBLEM_JSON);

        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(json["type"], "/errors/method-not-allowed");
        assert_eq!(json["instance"], "/api/v1/incidents/INC1");
        assert_eq!(json["request_id"], "r-1");
    }

    #[test]
    fn an_answer_that_is_no_error_stays_as_it_is() {
        let response = context().complete(StatusCode::NO_CONTENT.into_response());
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        assert!(response.headers().is_empty());
    }

    #[test]
    fn only_a_sane_request_id_is_taken_over() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(X_REQUEST_ID, HeaderValue::from_str(text).unwrap());
            request_id(&headers)
        };
        assert_eq!(of("a1-b2.c3").as_deref(), Some("a1-b2.c3"));
        assert_eq!(of(""), None);
        assert_eq!(of("two words"), None);
        assert_eq!(of(&"x".repeat(MAX_REQUEST_ID_BYTES + 1)), None);
    }
}
