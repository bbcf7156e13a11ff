//! Errors: how the API says no (RFC 9457).
//!
//! Every error leaves as one of these, whoever found it: a handler, an extractor, a layer, or axum
//! itself (see [`crate::middleware::complete`]). A [`Slug`] is the kind of error; it fixes the
//! status.

mod command;
mod slug;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use waypost_domain::refusal::FieldFault;

pub(crate) use slug::Slug;

/// The media type of an error.
pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Why a request was not carried out. Nothing was changed.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    slug: Slug,
    /// Boxed, because every handler's result has room for it.
    body: Box<ApiErrorOut>,
}

/// Why a request was not carried out, as the client reads it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ApiError)]
pub(crate) struct ApiErrorOut {
    /// Kind of error: `/errors/<slug>`, where it is explained.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference", example = "/errors/validation-failed")]
    kind: String,
    /// Title, always the same for a kind of error.
    #[schema(value_type = String)]
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this request, and how to correct it.
    detail: String,
    /// Path of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri-reference")]
    instance: Option<String>,
    /// Id of the request, also in the header `X-Request-Id` and in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// All faults of the input.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FaultOut>,
    /// State of the record, if it does not allow the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    state: Option<&'static str>,
    /// Actions that the state allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    allowed_actions: Option<Vec<&'static str>>,
}

/// A fault of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Fault)]
pub(crate) struct FaultOut {
    /// Place in the body, as a JSON pointer (RFC 6901); absent if the fault is elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pointer: Option<String>,
    /// The parameter of the query or the path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parameter: Option<String>,
    /// The header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) header: Option<&'static str>,
    /// Code for programs.
    #[schema(value_type = String, example = "missing")]
    pub(crate) code: &'static str,
    /// What is wrong and how to correct it, for people.
    pub(crate) message: String,
}

impl FaultOut {
    /// A fault of a header.
    pub(crate) fn header(name: &'static str, message: impl Into<String>) -> Self {
        Self {
            pointer: None,
            parameter: None,
            header: Some(name),
            code: "invalid",
            message: message.into(),
        }
    }

    /// A fault of a parameter of the query or the path.
    pub(crate) fn parameter(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            pointer: None,
            parameter: Some(name.into()),
            header: None,
            code: "invalid",
            message: message.into(),
        }
    }
}

/// Longer places and messages quote what was sent.
const MAX_FAULT_CHARS: usize = 500;

impl FaultOut {
    /// Quotes no more of what was sent than a reader needs to find it.
    fn shorten(&mut self) {
        let texts = [self.pointer.as_mut(), self.parameter.as_mut(), Some(&mut self.message)];
        for text in texts.into_iter().flatten() {
            if let Some((end, _)) = text.char_indices().nth(MAX_FAULT_CHARS) {
                text.truncate(end);
                text.push('…');
            }
        }
    }

    /// Where it is, as the beginning of a sentence about it.
    fn place(&self) -> String {
        let places = [self.pointer.as_deref(), self.parameter.as_deref(), self.header];
        match places.into_iter().flatten().find(|place| !place.is_empty()) {
            Some(place) => format!("`{place}`: "),
            None => String::new(),
        }
    }
}

impl From<FieldFault> for FaultOut {
    fn from(fault: FieldFault) -> Self {
        Self {
            pointer: Some(fault.pointer),
            parameter: None,
            header: None,
            code: fault.code,
            message: fault.message.into(),
        }
    }
}

impl ApiError {
    /// An error of this kind; `detail` says what is wrong with this request, and what would help.
    pub(crate) fn new(slug: Slug, detail: impl Into<String>) -> Self {
        let body = ApiErrorOut {
            kind: slug.uri(),
            title: slug.title(),
            status: slug.status().as_u16(),
            detail: detail.into(),
            instance: None,
            request_id: None,
            errors: Vec::new(),
            state: None,
            allowed_actions: None,
        };
        Self { slug, body: Box::new(body) }
    }

    /// Wrong or missing fields. All missing makes it `missing-fields`, anything else
    /// `validation-failed`.
    pub(crate) fn faults(mut errors: Vec<FaultOut>) -> Self {
        let is_counted = errors.last().is_some_and(|fault| fault.code == FieldFault::MORE);
        if errors.len() > FieldFault::LISTED && !is_counted {
            let more = errors.len() - FieldFault::LISTED;
            errors.truncate(FieldFault::LISTED);
            errors.push(FieldFault::more(more).into());
        }
        errors.iter_mut().for_each(FaultOut::shorten);
        let all_missing = FieldFault::only_missing(errors.iter().map(|fault| fault.code));
        let (slug, detail) = match (all_missing, errors.as_slice()) {
            (true, [_]) => {
                (Slug::MissingFields, "a field is missing; `errors` names it".to_owned())
            }
            (true, many) => (
                Slug::MissingFields,
                format!("{} fields are missing; `errors` lists them", count(many)),
            ),
            (false, [fault]) => {
                (Slug::ValidationFailed, format!("{}{}", fault.place(), fault.message))
            }
            (false, many) => (
                Slug::ValidationFailed,
                format!("{} parts of the input are not valid; `errors` lists them", count(many)),
            ),
        };
        Self::new(slug, detail).with_errors(errors)
    }

    /// The same error with the faults that make it up.
    pub(crate) fn with_errors(mut self, errors: Vec<FaultOut>) -> Self {
        self.body.errors = errors;
        self
    }

    /// The same error with the state that stands against the request, and what is possible in it.
    pub(crate) fn with_state(mut self, state: &'static str, allowed: Vec<&'static str>) -> Self {
        self.body.state = Some(state);
        self.body.allowed_actions = Some(allowed);
        self
    }

    /// What the client reads, as a part of an answer.
    pub(crate) fn into_body(self) -> ApiErrorOut {
        *self.body
    }

    /// What the client reads, for tests.
    #[cfg(test)]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::to_value(&self.body).expect("an error always has JSON")
    }

    /// Its kind.
    pub(crate) fn slug(&self) -> Slug {
        self.slug
    }

    /// Says which request it answers.
    pub(crate) fn of_request(mut self, path: &str, request_id: &str) -> Self {
        self.body.instance = Some(path.to_owned());
        self.body.request_id = Some(request_id.to_owned());
        self
    }
}

/// How many there are, in words: the list may end before them.
fn count(faults: &[FaultOut]) -> String {
    match faults.split_last() {
        Some((last, listed)) if last.code == FieldFault::MORE => {
            format!("more than {}", listed.len())
        }
        _ => faults.len().to_string(),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.slug.status();
        let mut response = (status, Json(&self.body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, PROBLEM_JSON);
        if let Some(seconds) = self.slug.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, CHALLENGE);
        }
        // Whoever knows the request completes it; see `middleware::complete`.
        response.extensions_mut().insert(self);
        response
    }
}

/// What a 401 has to carry (RFC 6750).
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"waypost\"");

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: &'static str) -> FaultOut {
        FaultOut { code, ..FaultOut::parameter("limit", "is wrong") }
    }

    #[test]
    fn only_missing_fields_make_missing_fields() {
        assert_eq!(ApiError::faults(vec![fault("missing")]).slug(), Slug::MissingFields);
        assert_eq!(
            ApiError::faults(vec![fault("missing"), fault("invalid")]).slug(),
            Slug::ValidationFailed
        );
        assert_eq!(ApiError::faults(vec![]).slug(), Slug::ValidationFailed);
    }

    #[test]
    fn no_more_than_fifty_faults_are_listed_and_the_rest_is_counted() {
        let long = FaultOut::parameter("x".repeat(100_000), "y".repeat(100_000));
        let json = ApiError::faults(vec![long; 5000]).json();
        let errors = json["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 51);
        assert_eq!(
            errors[50]["message"],
            "And 4950 more that are not listed; correct these first."
        );
        assert!(json["detail"].as_str().unwrap().starts_with("more than 50 parts"));
        assert!(json.to_string().len() < 100_000);
        let json = ApiError::faults(vec![fault("missing"); 60]).json();
        assert_eq!(json["type"], "/errors/missing-fields");
    }

    #[test]
    fn the_detail_of_a_single_fault_says_where_it_is() {
        let json =
            ApiError::faults(vec![FaultOut::parameter("limit", "Must be from 1 to 200.")]).json();
        assert_eq!(json["detail"], "`limit`: Must be from 1 to 200.");
    }

    #[test]
    fn an_error_leaves_as_problem_json_with_the_status_of_its_kind() {
        let response = ApiError::new(Slug::Unavailable, "busy").into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::CONTENT_TYPE], PROBLEM_JSON);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }

    #[test]
    fn w10_a_refused_action_says_what_is_possible() {
        let error = ApiError::new(
            Slug::InvalidTransition,
            "`reopen` is not possible for an incident in state `new`",
        )
        .with_state("new", vec!["start", "cancel"]);
        let json = error.json();
        assert_eq!(
            json,
            serde_json::json!({
                "type": "/errors/invalid-transition",
                "title": "The record's state does not allow it",
                "status": 409,
                "detail": "`reopen` is not possible for an incident in state `new`",
                "state": "new",
                "allowed_actions": ["start", "cancel"],
            })
        );
    }
}
