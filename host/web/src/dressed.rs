//! Dresses answers: an error becomes a page, and a page gets an entity tag, so that a browser that
//! has it already is not sent it again.

use axum::{
    body::{Body, HttpBody},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use waypost_edge::{Refused, RequestContext};

use crate::{
    WebState,
    error::PageError,
    viewer::{self, Viewer},
};

/// For how long a browser comes by an encrypted line only, once it has.
const ENCRYPTED_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Whose page it is.
const VIEWER: HeaderName = HeaderName::from_static("waypost-viewer");
/// How the addresses begin that hold a secret.
const SECRET: [&str; 3] = ["/s/", "/sign-in/link/", "/setup/"];
/// What a browser says of such an address when it asks for files or sends the form: from which site
/// it comes, which is what a form is checked by, and not from which page. Proxies keep logs.
const NO_PATH: HeaderValue = HeaderValue::from_static("strict-origin");

/// Makes a page of an error, tags pages, and says what else is true of every answer.
pub(crate) async fn dressed(
    State(state): State<WebState>,
    request: Request,
    next: Next,
) -> Response {
    let is_secret = SECRET.iter().any(|start| request.uri().path().starts_with(start));
    let mut response = as_page(&state, request, next).await;
    let headers = response.headers_mut();
    if is_secret {
        headers.insert(header::REFERRER_POLICY, NO_PATH);
    }
    if !headers.contains_key(header::VARY) {
        headers.insert(header::VARY, HeaderValue::from_static("cookie, accept-language"));
    }
    if state.site.is_https() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, ENCRYPTED_ONLY);
    }
    response
}

async fn as_page(state: &WebState, request: Request, next: Next) -> Response {
    let context = request.extensions().get::<RequestContext>().cloned();
    let words = viewer::accepted(request.headers());
    let is_get = request.method() == Method::GET;
    let changes = !request.method().is_safe();
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let mut response = next.run(request).await;
    let viewer = response.extensions_mut().remove::<Viewer>();
    if let Some(viewer) = &viewer
        && let Ok(person) = HeaderValue::from_str(&viewer.person())
    {
        // A page that a browser goes back to asks whether it is still the same person's.
        response.headers_mut().insert(VIEWER, person);
    }
    let is_done = changes && response.status().is_redirection();
    if let Some(viewer) = viewer.as_ref().filter(|_| is_done) {
        // Whoever looks at it here hears of it at once.
        state.live.nudge(viewer.caller().org);
    }
    let Some(context) = context else { return response };
    if let Some(error) = error_of(&mut response) {
        let words = viewer.as_ref().map_or(words, |viewer| viewer.words);
        let kept = kept(response.headers());
        let mut page = error.honest(&context).page(viewer.as_ref(), words, &context.id);
        page.headers_mut().extend(kept);
        return page;
    }
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|media| media.as_bytes().starts_with(b"text/html"));
    if is_get && is_page && response.status() == StatusCode::OK {
        return tagged(response, known.as_ref()).await;
    }
    response
}

/// The error that an answer is, if it is one.
fn error_of(response: &mut Response) -> Option<PageError> {
    let extensions = response.extensions_mut();
    if let Some(error) = extensions.remove::<PageError>() {
        return Some(error);
    }
    if let Some(refused) = extensions.remove::<Refused>() {
        return Some(PageError::from(&refused));
    }
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    // A form that was refused is a page already.
    let is_page = response.headers().get(header::CONTENT_TYPE).is_some_and(|media| {
        media.as_bytes().starts_with(b"text/html") && !response.body().is_end_stream()
    });
    (is_error && !is_page).then(|| PageError::of_status(status))
}

/// What was said beside the body of an error and still holds.
fn kept(headers: &HeaderMap) -> HeaderMap {
    let names = [header::ALLOW, header::CACHE_CONTROL, header::SET_COOKIE];
    let pairs =
        names.into_iter().filter_map(|name| Some((name.clone(), headers.get(name)?.clone())));
    pairs.collect()
}

async fn tagged(response: Response, known: Option<&HeaderValue>) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let digest = Sha256::digest(&bytes);
    let digest = digest.iter().take(12).fold(0_u128, |all, byte| (all << 8) | u128::from(*byte));
    // Weak: what is sent may be compressed.
    let tag = format!("W/\"{digest:024x}\"");
    let is_known = known
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.split(',').any(|one| one.trim() == tag));
    if let Ok(value) = HeaderValue::from_str(&tag) {
        parts.headers.insert(header::ETAG, value);
    }
    if is_known {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}
