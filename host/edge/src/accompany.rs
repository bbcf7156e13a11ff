//! Goes with a request from its arrival to its answer: gives it an id, a span and one line in the
//! log, and has the front end complete what it is answered.

use std::{
    any::Any,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    body::{Body, HttpBody},
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::Instrument;
use waypost_app::CommitNote;

use crate::{places::Edge, refused::Refused, serve::Peer};

/// Names a request, in both directions.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Through which addresses a request came, by the proxies that passed it on.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Longer than any id that generators make; a longer one would fill our log.
const MAX_REQUEST_ID_BYTES: usize = 128;

/// What is known of a request before anybody reads it.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// Its id: the client's own, or ours.
    pub id: Arc<str>,
    /// The whole path, also inside nested routers.
    pub path: Arc<str>,
    /// How far the changes of the command are committed.
    pub commit: CommitNote,
    /// When it arrived.
    began: Instant,
    is_body_awaited: Arc<AtomicBool>,
    is_body_read: Arc<AtomicBool>,
}

impl RequestContext {
    /// Of a request with this id and path.
    #[must_use]
    pub fn new(id: &str, path: &str) -> Self {
        let commit = CommitNote::default();
        let (is_body_awaited, is_body_read) = Default::default();
        let (id, path, began) = (id.into(), path.into(), Instant::now());
        Self { id, path, commit, began, is_body_awaited, is_body_read }
    }

    /// How much is left of the time that it may take.
    #[must_use]
    pub fn time_left(&self, limit: Duration) -> Duration {
        limit.saturating_sub(self.began.elapsed())
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
}

/// How a front end takes requests and dresses its answers.
#[derive(Debug, Clone)]
pub struct Accompanying {
    /// What it shares with others.
    pub edge: Edge,
    /// Completes an answer: says what was refused in the front end's own way.
    pub complete: fn(&RequestContext, Response) -> Response,
    /// Headers of every answer that does not have them.
    pub headers: &'static [(HeaderName, HeaderValue)],
}

/// Gives a request its id, its span and its line in the log, and completes its answer.
pub async fn accompany(
    State(with): State<Accompanying>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let id = request_id(request.headers()).unwrap_or_else(|| {
        let now = with.edge.clock.now();
        with.edge.entropy.id(now).to_string()
    });
    if let Some(Peer(peer)) = request.extensions().get::<Peer>().copied() {
        let from = client_address(peer, request.headers(), &with.edge.options.trusted_proxies);
        request.extensions_mut().insert(Peer(from));
    }
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
    let mut response = (with.complete)(&context, response);

    let elapsed = began.elapsed();
    span.in_scope(|| {
        tracing::info!(
            http.status = response.status().as_u16(),
            duration_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
            "request answered"
        );
    });
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&context.id) {
        headers.insert(X_REQUEST_ID, id);
    }
    for (name, value) in with.headers {
        headers.entry(name).or_insert_with(|| value.clone());
    }
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
fn once_each(request: &Request) -> Result<(), Refused> {
    let headers = request.headers();
    let is_twice = |name: &HeaderName| headers.get_all(name).iter().nth(1).is_some();
    let twice = ONCE.into_iter().find(is_twice);
    if let Some(name) = twice {
        return Err(Refused::Repeated(name));
    }
    // In process there is no connection, and no host to name.
    let is_from_network = request.extensions().get::<Peer>().is_some();
    if is_from_network && !headers.contains_key(header::HOST) && request.uri().host().is_none() {
        return Err(Refused::NoHost);
    }
    Ok(())
}

/// Where a request comes from: the last address that a proxy which is trusted did not write itself.
/// What stands before it could be anybody's invention. Who listens on both families of addresses
/// hears an IPv4 address as one of IPv6; it is the same one.
fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|one| one.to_canonical() == address);
    if !is_trusted(peer) {
        return peer;
    }
    let lists = headers.get_all(X_FORWARDED_FOR).iter().filter_map(|list| list.to_str().ok());
    let all: Vec<&str> = lists.flat_map(|list| list.split(',')).map(str::trim).collect();
    let mut from = peer;
    for one in all.into_iter().rev() {
        let Ok(address) = one.parse::<IpAddr>() else { return from };
        from = address.to_canonical();
        if !is_trusted(from) {
            break;
        }
    }
    from
}

/// What a panic in a handler is answered with. The panic hook has told the log; its text may hold a
/// ticket's.
pub fn on_panic(_panic: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("request handler panicked");
    Refused::Panicked.into_response()
}

/// The id that the client gave, if it can stand in a log line.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(X_REQUEST_ID)?.to_str().ok()?;
    let is_sane = (1..=MAX_REQUEST_ID_BYTES).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:/+=".contains(&b));
    is_sane.then(|| text.to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_believed_if_it_is_trusted_and_nobody_before_it() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let trusted = [ip("10.0.0.1"), ip("10.0.0.2")];
        let from = |peer: &str, list: &str| {
            let value = HeaderValue::from_str(list).unwrap();
            let headers = HeaderMap::from_iter([(X_FORWARDED_FOR, value)]);
            client_address(ip(peer), &headers, &trusted).to_string()
        };
        assert_eq!(from("192.0.2.9", "203.0.113.7"), "192.0.2.9");
        assert_eq!(from("10.0.0.1", "203.0.113.7"), "203.0.113.7");
        assert_eq!(from("10.0.0.1", "6.6.6.6, 203.0.113.7, 10.0.0.2"), "203.0.113.7");
        assert_eq!(from("10.0.0.1", "203.0.113.7, unknown"), "10.0.0.1");
        assert_eq!(from("10.0.0.1", ""), "10.0.0.1");
    }

    #[test]
    fn an_address_is_the_same_in_either_family() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let trusted = [ip("10.0.0.1"), ip("::ffff:10.0.0.2"), ip("2001:db8::1")];
        let from = |peer: &str, list: &str| {
            let value = HeaderValue::from_str(list).unwrap();
            let headers = HeaderMap::from_iter([(X_FORWARDED_FOR, value)]);
            client_address(ip(peer), &headers, &trusted).to_string()
        };
        assert_eq!(from("::ffff:10.0.0.1", "203.0.113.7"), "203.0.113.7");
        assert_eq!(from("10.0.0.2", "203.0.113.7"), "203.0.113.7");
        assert_eq!(from("2001:db8::1", "::ffff:203.0.113.7"), "203.0.113.7");
        assert_eq!(from("::ffff:10.0.0.1", "203.0.113.7, ::ffff:10.0.0.2"), "203.0.113.7");
        assert_eq!(from("::ffff:192.0.2.9", "203.0.113.7"), "192.0.2.9");
        assert_eq!(from("2001:db8::9", "203.0.113.7"), "2001:db8::9");
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
