//! Versions: `ETag` and `If-Match`. A record's entity tag is its version in quotes.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
};

use crate::{
    ApiState,
    api_error::{ApiError, FaultOut, Slug},
};

/// The entity tag of a record at this version.
pub(crate) fn etag(version: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\""))
        .expect("digits and quotes can stand in a header")
}

/// The version that a client knows, where naming it is its choice: actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KnownVersion(pub(crate) Option<i64>);

impl FromRequestParts<ApiState> for KnownVersion {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &ApiState) -> Result<Self, ApiError> {
        if_match(&parts.headers).map(|named| Self(named.and_then(Named::version)))
    }
}

/// The version that a client changes, which it has to name: PATCH, PUT, DELETE. None for `*`,
/// whichever there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IfMatch(pub(crate) Option<i64>);

impl FromRequestParts<ApiState> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &ApiState) -> Result<Self, ApiError> {
        required(&parts.headers)
    }
}

fn required(headers: &HeaderMap) -> Result<IfMatch, ApiError> {
    match if_match(headers)? {
        Some(named) => Ok(IfMatch(named.version())),
        None => Err(ApiError::new(
            Slug::PreconditionRequired,
            "send `If-Match` with the `ETag` of the record as you read it, so that no other \
             changes are lost",
        )),
    }
}

/// What `If-Match` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    /// Whichever version there is.
    Any,
    /// This one.
    Version(i64),
    /// A tag that no record has: one that is weak, or not ours.
    None,
}

impl Named {
    fn version(self) -> Option<i64> {
        match self {
            Self::Any => None,
            Self::Version(version) => Some(version),
            // Versions begin at 1, so nothing is ever at this one, and the answer is 412.
            Self::None => Some(0),
        }
    }
}

fn if_match(headers: &HeaderMap) -> Result<Option<Named>, ApiError> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let fault = || {
        let message = "Must be one entity tag as received, such as `\"3\"`, or `*`.";
        ApiError::faults(vec![FaultOut::header("If-Match", message)])
    };
    let text = value.to_str().map_err(|_| fault())?.trim();
    if text == "*" {
        return Ok(Some(Named::Any));
    }
    // A weak tag never matches here (RFC 9110, section 13.1.1).
    let (is_weak, quoted) = match text.strip_prefix("W/") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let inner =
        quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(fault)?;
    if inner.contains('"') {
        return Err(fault());
    }
    Ok(Some(match inner.parse() {
        Ok(version) if !is_weak => Named::Version(version),
        Ok(_) | Err(_) => Named::None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(text: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::IF_MATCH, HeaderValue::from_str(text).unwrap())])
    }

    #[test]
    fn a_version_is_understood_as_it_was_given() {
        let tag = etag(7);
        assert_eq!(tag, "\"7\"");
        let headers = HeaderMap::from_iter([(header::IF_MATCH, tag)]);
        assert_eq!(required(&headers).unwrap(), IfMatch(Some(7)));
        assert_eq!(required(&self::headers("*")).unwrap(), IfMatch(None));
    }

    #[test]
    fn a_weak_or_foreign_tag_matches_nothing() {
        assert_eq!(required(&headers("W/\"7\"")).unwrap(), IfMatch(Some(0)));
        assert_eq!(required(&headers("\"abc\"")).unwrap(), IfMatch(Some(0)));
    }

    #[test]
    fn a_missing_or_wrong_header_is_told_apart() {
        assert_eq!(required(&HeaderMap::new()).unwrap_err().slug(), Slug::PreconditionRequired);
        for text in ["7", "\"7", "\"7\", \"8\""] {
            assert_eq!(required(&headers(text)).unwrap_err().slug(), Slug::ValidationFailed);
        }
    }
}
