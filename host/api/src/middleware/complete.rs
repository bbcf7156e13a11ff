//! Completes answers: whoever found an error, it leaves as an [`ApiError`] of its request.

use axum::{
    body::HttpBody,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use waypost_app::Committed;
use waypost_edge::{Full, Refused, RequestContext};

use crate::api_error::{ApiError, PROBLEM_JSON, Slug};

/// Headers of every answer.
pub(crate) static HEADERS: [(HeaderName, HeaderValue); 4] = [
    // Answers differ by token, and hold what no shared cache should keep.
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // Nothing here is a page: a browser that is led here shows text and runs nothing.
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

/// Completes an error with the request that it answers. Other answers stay as they are.
pub(crate) fn complete(context: &RequestContext, mut response: Response) -> Response {
    let status = response.status();
    let extensions = response.extensions_mut();
    let refused = extensions.remove::<Refused>().map(ApiError::from);
    let error = match extensions.remove::<ApiError>().or(refused) {
        Some(error) => error,
        None if is_bare_error(&response) => bare(status),
        None => return response,
    };
    let error = if status.is_server_error() { honest(context, error) } else { error };
    let mut completed = error.of_request(&context.path, &context.id).into_response();
    completed.extensions_mut().remove::<ApiError>();
    // What was said beside the body still holds: `Allow`, `ETag`, `Retry-After`.
    for (name, value) in response.headers() {
        if name != header::CONTENT_LENGTH && name != header::CONTENT_TYPE {
            completed.headers_mut().insert(name.clone(), value.clone());
        }
    }
    completed
}

/// What failed after the changes were committed, or while they were, does not undo them.
fn honest(context: &RequestContext, error: ApiError) -> ApiError {
    match context.commit.read() {
        Committed::No => error,
        Committed::Unknown if error.slug() == Slug::OutcomeUnknown => error,
        Committed::Unknown => ApiError::new(
            Slug::OutcomeUnknown,
            "the request ended while its changes were being stored",
        ),
        Committed::Yes => {
            let carried_out = carried_out(&context.path);
            let detail = format!("the request {carried_out}, but its response could not be made");
            ApiError::new(Slug::AnswerLost, detail)
        }
    }
}

/// How far a request was carried out that has changed something: most are one change.
pub(crate) fn carried_out(path: &str) -> &'static str {
    if path.ends_with("/bulk-actions") {
        "was carried out, or a part of it"
    } else {
        "was carried out"
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let (slug, detail) = match refused {
            Refused::Repeated(name) => (
                Slug::MalformedRequest,
                format!("the header `{name}` is there more than once; send it once"),
            ),
            Refused::NoHost => (Slug::MalformedRequest, "the header `Host` is missing".to_owned()),
            Refused::BodyCut => {
                (Slug::MalformedBody, "the body is shorter than its announced length".to_owned())
            }
            Refused::BodyLate(limit) => (
                Slug::RequestTimeout,
                format!("the body did not arrive within {limit:?}; nothing was changed"),
            ),
            Refused::TooLarge(limit) => {
                (Slug::TooLarge, format!("the body must not exceed {limit} bytes"))
            }
            Refused::Full(Full::OfCaller) => {
                (Slug::TooManyRequests, "too many requests of this token are waiting".to_owned())
            }
            Refused::Full(Full::OfAll) => {
                (Slug::Unavailable, "too many requests are waiting".to_owned())
            }
            Refused::TimedOut { reads: true } => {
                (Slug::Unavailable, "the request timed out".to_owned())
            }
            Refused::TimedOut { reads: false } => (
                Slug::Unavailable,
                "the request timed out; read the record before you repeat the request, or use an \
                 `Idempotency-Key`"
                    .to_owned(),
            ),
            Refused::Panicked => (Slug::Internal, "the request was not carried out".to_owned()),
        };
        Self::new(slug, detail)
    }
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
        let response = complete(&context(), bare);
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
        let response = complete(&context(), StatusCode::NO_CONTENT.into_response());
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        assert!(response.headers().is_empty());
    }

    #[test]
    fn what_the_edge_refuses_has_the_status_that_the_edge_gave_it() {
        let all = [
            Refused::Repeated(header::HOST),
            Refused::NoHost,
            Refused::BodyCut,
            Refused::BodyLate(std::time::Duration::from_secs(1)),
            Refused::TooLarge(1),
            Refused::Full(Full::OfCaller),
            Refused::Full(Full::OfAll),
            Refused::TimedOut { reads: true },
            Refused::TimedOut { reads: false },
            Refused::Panicked,
        ];
        for refused in all {
            let (status, error) = (refused.status(), ApiError::from(refused.clone()));
            assert_eq!(error.slug().status(), status, "{refused:?}");
        }
    }
}
