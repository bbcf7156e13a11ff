//! The wish for a short answer: `Prefer: return=minimal` (RFC 7240).

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, request::Parts},
};

use crate::ApiState;

/// How much of the changed record the client wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prefer {
    /// All of it.
    Representation,
    /// Nothing: 204.
    Minimal,
}

const PREFER: HeaderName = HeaderName::from_static("prefer");

impl FromRequestParts<ApiState> for Prefer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &ApiState) -> Result<Self, Infallible> {
        Ok(prefer(&parts.headers))
    }
}

/// Preferences that are not understood are ignored, as the RFC wants it; the first `return` counts.
fn prefer(headers: &HeaderMap) -> Prefer {
    let wishes = headers.get_all(PREFER).into_iter().filter_map(|value| value.to_str().ok());
    let returns = wishes.flat_map(|text| text.split(',')).find_map(|wish| {
        let wish = wish.split(';').next().unwrap_or(wish);
        let (name, value) = wish.split_once('=')?;
        name.trim().eq_ignore_ascii_case("return").then(|| value.trim().trim_matches('"'))
    });
    match returns {
        Some("minimal") => Prefer::Minimal,
        Some(_) | None => Prefer::Representation,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_a_wish_for_a_minimal_answer_is_heard() {
        let of = |text: &str| {
            prefer(&HeaderMap::from_iter([(PREFER, HeaderValue::from_str(text).unwrap())]))
        };
        assert_eq!(of("return=minimal"), Prefer::Minimal);
        assert_eq!(of("respond-async, Return=\"minimal\"; x=1"), Prefer::Minimal);
        assert_eq!(of("return=representation, return=minimal"), Prefer::Representation);
        assert_eq!(of("handling=strict"), Prefer::Representation);
        assert_eq!(prefer(&HeaderMap::new()), Prefer::Representation);
    }
}
