//! Repeatable requests: with an `Idempotency-Key`, a POST that is sent twice is carried out once
//! and answered the same.
//!
//! A request with a key is carried out to its end even when its client goes away or its time is up:
//! the client will come back with the same key, and wants the answer.

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use serde::{Deserialize, Serialize};
use tracing::Instrument;
use waypost_app::{
    Caller,
    idempotency::{self, Begun, Carrying, Request as Repeatable},
};
use waypost_edge::{Held, RequestContext, on_panic};

use super::{carried_out, complete};
use crate::{
    ApiState,
    api_error::{ApiError, FaultOut, Slug},
    reply::PREFERENCE_APPLIED,
};

/// Names a request, so that it can be repeated.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that the answer is the first one's.
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// More than any record has; of a longer answer only its status and headers are kept.
const MAX_KEPT_BYTES: usize = 256 * 1024;
/// The headers that belong to an answer; all others are made anew.
const KEPT_HEADERS: [HeaderName; 4] =
    [header::CONTENT_TYPE, header::ETAG, header::LOCATION, PREFERENCE_APPLIED];

/// In the extensions of an answer that holds a secret: the body that a repeat gets instead, and
/// that is kept.
#[derive(Debug, Clone)]
pub(crate) struct StoredInstead(pub(crate) Bytes);

/// Carries a POST with a key out once, and answers its repeats.
pub(crate) async fn repeatable(
    State(state): State<ApiState>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if request.method() != Method::POST {
        return Ok(next.run(request).await);
    }
    let Some(key) = key(request.headers())? else { return Ok(next.run(request).await) };
    let extensions = request.extensions();
    let (Some(caller), Some(context)) =
        (extensions.get::<Caller>().cloned(), extensions.get::<RequestContext>().cloned())
    else {
        return Ok(next.run(request).await);
    };

    let (request, body) = buffered(request).await?;
    let repeatable = Repeatable {
        method: "POST".to_owned(),
        path: context.path.to_string(),
        key,
        body_digest: idempotency::digest(&body),
        at: caller.now,
    };
    match idempotency::begin(&state.desk, &caller, &repeatable).await? {
        Begun::Replay { status, response } => replay(status, &response),
        Begun::InProgress => Err(ApiError::new(
            Slug::IdempotencyInProgress,
            "the first request with this key is still running",
        )),
        Begun::AnswerLost => Err(ApiError::new(
            Slug::AnswerLost,
            format!(
                "the first request with this key {}, but the server stopped before it stored the \
                 response",
                carried_out(&context.path)
            ),
        )),
        Begun::Reused => Err(ApiError::new(
            Slug::IdempotencyKeyReused,
            "the key was used for a request with another body; use a new key",
        )),
        Begun::Fresh(carrying) => {
            let mut request = request;
            request.extensions_mut().insert(carrying.caller());
            let held = request.extensions().get::<Held>().cloned();
            let first = First { context, carrying, held };
            let task = tokio::spawn(first.carry_out(request, next).in_current_span());
            task.await.map_err(|_| {
                ApiError::new(
                    Slug::Internal,
                    "the request was not carried out, and nothing was changed",
                )
            })
        }
    }
}

/// The first request with a key.
struct First {
    context: RequestContext,
    carrying: Carrying,
    /// Its turn and its part of all bodies: it may outlive its client's connection.
    held: Option<Held>,
}

impl First {
    /// Carries it out, and keeps the answer for its repeats.
    async fn carry_out(self, request: Request, next: Next) -> Response {
        // A panic would leave the key in progress until its lease ends.
        let running = tokio::spawn(next.run(request).in_current_span());
        let response = match running.await {
            Ok(response) => response,
            Err(_) => on_panic(Box::new(())),
        };
        let refusal = response.extensions().get::<ApiError>().map(ApiError::slug);
        // Completed here, so that a repeat is told the same as the first.
        let (parts, body) = complete(&self.context, response).into_parts();
        let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
            return on_panic(Box::new(()));
        };
        // What failed, or another server was first with, is not what a repeat is to be told; nor is
        // that somebody else changed the record just then, which is no answer to what was asked.
        let may_pass = [Slug::IdempotencyInProgress, Slug::StaleVersion];
        let is_kept = refusal.is_none_or(|refusal| !may_pass.contains(&refusal));
        if !parts.status.is_server_error() && is_kept {
            let instead = parts.extensions.get::<StoredInstead>().map(|StoredInstead(bytes)| bytes);
            let kept = Kept::pack(&parts.headers, instead.unwrap_or(&bytes));
            self.carrying.answered(parts.status.as_u16(), kept);
        }
        drop(self.held);
        Response::from_parts(parts, Body::from(bytes))
    }
}

/// The headers of a kept answer: one line of JSON before its body.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    headers: Vec<(String, String)>,
}

impl Kept {
    fn pack(headers: &HeaderMap, body: &[u8]) -> Vec<u8> {
        let of = |name: &HeaderName| {
            let value = headers.get(name)?.to_str().ok()?;
            Some((name.to_string(), value.to_owned()))
        };
        let headers = KEPT_HEADERS.iter().filter_map(of).collect();
        let mut packed = serde_json::to_vec(&Self { headers })
            .expect("pairs of strings always have JSON, which has no line breaks of its own");
        packed.push(b'\n');
        if body.len() <= MAX_KEPT_BYTES {
            packed.extend_from_slice(body);
        }
        packed
    }

    /// The headers and the body. None for what was not packed here.
    fn unpack(packed: &[u8]) -> Option<(Self, &[u8])> {
        let end = packed.iter().position(|byte| *byte == b'\n')?;
        let headers = serde_json::from_slice(&packed[..end]).ok()?;
        Some((headers, &packed[end + 1..]))
    }
}

/// Of an answer that was kept without its body.
const TOO_LONG: &str = "the first request with this key was carried out, and its response was too \
                        long to be kept";

fn replay(status: u16, packed: &[u8]) -> Result<Response, ApiError> {
    let unreadable = || {
        tracing::error!("stored response cannot be read");
        ApiError::new(
            Slug::Internal,
            "the response to the first request is stored but cannot be read",
        )
    };
    let (kept, body) = Kept::unpack(packed).ok_or_else(unreadable)?;
    let has_body = kept.headers.iter().any(|(name, _)| *name == header::CONTENT_TYPE.as_str());
    if has_body && body.is_empty() {
        let detail = match kept.headers.iter().find(|(name, _)| *name == header::LOCATION.as_str())
        {
            Some((_, place)) => format!("{TOO_LONG}; read `{place}`"),
            None => TOO_LONG.to_owned(),
        };
        return Err(ApiError::new(Slug::AnswerLost, detail));
    }
    let mut response = Response::new(Body::from(Bytes::copy_from_slice(body)));
    *response.status_mut() = StatusCode::from_u16(status).map_err(|_| unreadable())?;
    for (name, value) in kept.headers {
        let name = HeaderName::try_from(name).map_err(|_| unreadable())?;
        let value = HeaderValue::try_from(value).map_err(|_| unreadable())?;
        response.headers_mut().insert(name, value);
    }
    response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

async fn buffered(request: Request) -> Result<(Request, Bytes), ApiError> {
    let (parts, body) = request.into_parts();
    // `bounded_body` has read it within its limit already.
    let bytes = axum::body::to_bytes(body, usize::MAX)
        .await
        .map_err(|_| ApiError::new(Slug::MalformedBody, "the body could not be read completely"))?;
    Ok((Request::from_parts(parts, Body::from(bytes.clone())), bytes))
}

/// The key: a quoted string (RFC 8941), or a bare token, which many clients send.
fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = value.to_str().ok().and_then(|text| unquoted(text.trim()));
    match key {
        Some(key) if (1..=255).contains(&key.len()) => Ok(Some(key)),
        Some(_) | None => Err(ApiError::faults(vec![FaultOut::header(
            "Idempotency-Key",
            "Must be 1 to 255 characters in double quotes, such as `\"8e03978e-40d5-43dd\"`.",
        )])),
    }
}

fn unquoted(text: &str) -> Option<String> {
    let Some(quoted) = text.strip_prefix('"') else {
        let is_token = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:/+=~".contains(&b));
        return is_token.then(|| text.to_owned());
    };
    let mut key = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => return characters.as_str().is_empty().then_some(key),
            '\\' => match characters.next()? {
                escaped @ ('"' | '\\') => key.push(escaped),
                _ => return None,
            },
            character @ ' '..='~' => key.push(character),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<String>, Slug> {
        let value = HeaderValue::from_str(text).unwrap();
        let headers = HeaderMap::from_iter([(IDEMPOTENCY_KEY, value)]);
        key(&headers).map_err(|error| error.slug())
    }

    #[test]
    fn a_key_is_a_quoted_string_or_a_bare_token() {
        assert_eq!(read("\"a b\"").unwrap().as_deref(), Some("a b"));
        assert_eq!(read(r#""a\"b\\c""#).unwrap().as_deref(), Some("a\"b\\c"));
        assert_eq!(read("8e03978e-40d5").unwrap().as_deref(), Some("8e03978e-40d5"));
        assert_eq!(key(&HeaderMap::new()).unwrap(), None);
    }

    #[test]
    fn anything_else_is_no_key() {
        for text in ["\"\"", "\"a", "\"a\" b", "a b", r#""a\n""#, &"x".repeat(256)] {
            assert_eq!(read(text).unwrap_err(), Slug::ValidationFailed, "{text}");
        }
    }

    #[test]
    fn a_kept_answer_is_replayed_with_its_headers_and_a_mark() {
        let headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::ETAG, HeaderValue::from_static("\"1\"")),
            (header::DATE, HeaderValue::from_static("today")),
        ]);
        let response = replay(201, &Kept::pack(&headers, b"{\n}")).unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        assert_eq!(response.headers()[header::ETAG], "\"1\"");
        assert_eq!(response.headers()[IDEMPOTENCY_REPLAYED], "true");
        assert!(!response.headers().contains_key(header::DATE));
        assert_eq!(Kept::unpack(&Kept::pack(&headers, b"{\n}")).unwrap().1, b"{\n}");
    }

    #[test]
    fn a_large_answer_is_kept_without_its_body_and_its_repeat_is_told_so() {
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
        let packed = Kept::pack(&headers, &vec![b'x'; MAX_KEPT_BYTES + 1]);
        assert!(Kept::unpack(&packed).unwrap().1.is_empty());
        assert_eq!(replay(201, &packed).unwrap_err().slug(), Slug::AnswerLost);
    }

    #[test]
    fn an_answer_that_never_had_a_body_is_replayed_without_one() {
        let packed = Kept::pack(&HeaderMap::new(), b"");
        assert_eq!(replay(204, &packed).unwrap().status(), StatusCode::NO_CONTENT);
    }
}
