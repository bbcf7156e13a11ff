//! Answers with a record: its entity tag, its address, and no more than was wished for.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::extract::{Prefer, etag};

/// Says that the preference for a short answer was applied.
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// A record as it was read.
pub(crate) fn read<O: Serialize>(version: i64, record: O) -> Response {
    ([(header::ETAG, etag(version))], Json(record)).into_response()
}

/// A record that was changed: 200, or 204 for `Prefer: return=minimal`.
pub(crate) fn changed<O: Serialize>(prefer: Prefer, version: i64, record: O) -> Response {
    match prefer {
        Prefer::Representation => read(version, record),
        Prefer::Minimal => minimal(version),
    }
}

/// A record that was made, and its address: 201, or 204 for `Prefer: return=minimal`. A 201 without
/// a body would leave open whether there is a record to read in it.
pub(crate) fn created<O: Serialize>(
    prefer: Prefer,
    address: &str,
    version: i64,
    record: O,
) -> Response {
    let mut response = match prefer {
        Prefer::Representation => {
            (StatusCode::CREATED, [(header::ETAG, etag(version))], Json(record)).into_response()
        }
        Prefer::Minimal => minimal(version),
    };
    // Ids, keys and numbers are plain ASCII; an address that is not one is left out.
    if let Ok(address) = HeaderValue::from_str(address) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    response
}

fn minimal(version: i64) -> Response {
    let applied = HeaderValue::from_static("return=minimal");
    let headers = [(header::ETAG, etag(version)), (PREFERENCE_APPLIED, applied)];
    (StatusCode::NO_CONTENT, headers).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minimal_answer_has_the_tag_and_no_body() {
        let response = changed(Prefer::Minimal, 4, "record");
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        assert_eq!(response.headers()[header::ETAG], "\"4\"");
        assert_eq!(response.headers()[PREFERENCE_APPLIED], "return=minimal");
    }

    #[test]
    fn a_minimal_answer_about_what_was_made_says_where_it_is() {
        let response = created(Prefer::Minimal, "/api/v1/teams/network", 1, "record");
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        assert_eq!(response.headers()[header::LOCATION], "/api/v1/teams/network");
        assert_eq!(response.headers()[header::ETAG], "\"1\"");
    }

    #[test]
    fn what_was_made_has_an_address() {
        let response = created(Prefer::Representation, "/api/v1/teams/network", 1, "record");
        assert_eq!(response.status(), StatusCode::CREATED);
        assert_eq!(response.headers()[header::LOCATION], "/api/v1/teams/network");
    }
}
