//! Finds out who asks, and for which organization.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, header},
    middleware::Next,
    response::Response,
};
use waypost_app::Unauthenticated;
use waypost_domain::key::Key;
use waypost_edge::{Peer, RequestContext};

use crate::{
    ApiState,
    api_error::{ApiError, FaultOut, Slug},
};

/// Names the organization to act in: the token's own (the default), or one below it.
pub(crate) const WAYPOST_ORGANIZATION: HeaderName = HeaderName::from_static("waypost-organization");

/// Puts the `Caller` into the request, or answers that the token is unknown.
pub(crate) async fn authenticate(
    State(state): State<ApiState>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    // What a method allows is no secret, and a browser asks without a token.
    if request.method() == Method::OPTIONS {
        return Ok(next.run(request).await);
    }
    let secret = bearer(request.headers())?;
    let asked = organization(request.headers())?;
    let (now, attempts) = (state.edge.clock.now(), &state.edge.places.attempts);
    let from = request.extensions().get::<Peer>().map(|Peer(address)| *address);
    if !attempts.allows(from, secret, now) {
        let detail = "too many requests with invalid tokens came from this address";
        return Err(ApiError::new(Slug::TooManyRequests, detail));
    }
    let found = waypost_app::authenticate(&state.desk, secret, asked.as_ref(), now).await;
    match &found {
        Ok(_) => attempts.succeeded(from, secret),
        Err(Unauthenticated::Token) => attempts.failed(from, secret, now),
        Err(Unauthenticated::OutOfReach | Unauthenticated::Failed(_)) => {}
    }
    let mut caller = found.map_err(unauthenticated)?;
    if let Some(context) = request.extensions().get::<RequestContext>() {
        caller.commit = context.commit.clone();
    }
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

fn unauthenticated(refused: Unauthenticated) -> ApiError {
    match refused {
        Unauthenticated::Token => ApiError::new(Slug::Unauthenticated, refused.to_string()),
        // Whether it exists is not for this token to know.
        Unauthenticated::OutOfReach => {
            let fault = FaultOut::header(
                "Waypost-Organization",
                "Name the token's organization or one below it, or omit the header.",
            );
            ApiError::new(Slug::NotFound, "the token has no access to such an organization")
                .with_errors(vec![fault])
        }
        Unauthenticated::Failed(error) => error.into(),
    }
}

fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let refused = |detail| ApiError::new(Slug::Unauthenticated, detail);
    let value = headers
        .get(header::AUTHORIZATION)
        .ok_or_else(|| refused("send the header `Authorization: Bearer <token>`"))?;
    let text = value.to_str().map_err(|_| refused("the token contains invalid characters"))?;
    match text.split_once(' ') {
        Some((scheme, token))
            if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() =>
        {
            Ok(token.trim())
        }
        _ => Err(refused("only `Authorization: Bearer <token>` is supported")),
    }
}

fn organization(headers: &HeaderMap) -> Result<Option<Key>, ApiError> {
    let Some(value) = headers.get(WAYPOST_ORGANIZATION) else { return Ok(None) };
    let key = value.to_str().ok().and_then(|text| text.trim().parse::<Key>().ok());
    match key {
        Some(key) => Ok(Some(key)),
        None => Err(ApiError::faults(vec![FaultOut::header(
            "Waypost-Organization",
            "Name an organization by its key, such as `acme`.",
        )])),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(name: HeaderName, text: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(text).unwrap())])
    }

    #[test]
    fn a_bearer_token_is_read_whatever_the_case_of_its_scheme() {
        assert_eq!(bearer(&headers(header::AUTHORIZATION, "bearer wp_a")).unwrap(), "wp_a");
        assert_eq!(bearer(&headers(header::AUTHORIZATION, "Bearer  wp_a ")).unwrap(), "wp_a");
    }

    #[test]
    fn anything_else_is_unauthenticated() {
        for text in ["Basic YTpi", "Bearer", "Bearer ", "wp_a"] {
            let refused = bearer(&headers(header::AUTHORIZATION, text)).unwrap_err();
            assert_eq!(refused.slug(), Slug::Unauthenticated, "{text}");
        }
        assert_eq!(bearer(&HeaderMap::new()).unwrap_err().slug(), Slug::Unauthenticated);
    }

    #[test]
    fn an_organization_is_named_by_its_key() {
        let read = |text| organization(&headers(WAYPOST_ORGANIZATION, text));
        assert_eq!(read("acme").unwrap().unwrap().as_str(), "acme");
        assert_eq!(read("No Key").unwrap_err().slug(), Slug::ValidationFailed);
        assert!(organization(&HeaderMap::new()).unwrap().is_none());
    }
}
