//! Slugs: the kinds of errors, each with its one status, title and remedy.

use axum::http::StatusCode;

macro_rules! slugs {
    ($($(#[doc = $doc:literal])+ $variant:ident, $slug:literal, $status:ident, $title:literal, $remedy:literal;)+) => {
        /// A kind of error.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Slug {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Slug {
            /// Every kind.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its identifier.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $slug,)+ }
            }

            /// The status it is answered with.
            pub(crate) const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }

            /// What it is, in a few words.
            pub(crate) const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }

            /// What a client should do.
            pub(crate) const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)+ }
            }
        }
    };
}

slugs! {
    /// The request contradicts itself, or lacks what HTTP asks for.
    MalformedRequest, "malformed-request", BAD_REQUEST, "The request is not valid HTTP",
        "`detail` names the header; send it once.";
    /// The body is not JSON.
    MalformedBody, "malformed-body", BAD_REQUEST, "The body cannot be read",
        "Send JSON as the OpenAPI document describes it for this request.";
    /// The cursor is of another list, or not one of ours.
    CursorInvalid, "cursor-invalid", BAD_REQUEST, "The cursor does not belong to this list",
        "Start again without `after`; a cursor is valid only with the filter and sort order it \
         came from.";
    /// No token, or none that is known.
    Unauthenticated, "unauthenticated", UNAUTHORIZED, "A valid token is required",
        "Send `Authorization: Bearer <token>`; administrators issue tokens and can check whether \
         one has expired.";
    /// The role does not allow it.
    Forbidden, "forbidden", FORBIDDEN, "The caller's role does not allow it",
        "Ask somebody with the role that `detail` names.";
    /// Nobody approves their own request.
    SeparationOfDuties, "separation-of-duties", FORBIDDEN, "You cannot approve your own request",
        "Let another person decide, or delegate the vote.";
    /// It is not there, or not for this caller.
    NotFound, "not-found", NOT_FOUND, "Not found",
        "Check the path. Records of other organizations are not visible to you.";
    /// The address has no such method.
    MethodNotAllowed, "method-not-allowed", METHOD_NOT_ALLOWED, "The path does not support this method",
        "The header `Allow` lists the supported methods.";
    /// The state does not allow the action.
    InvalidTransition, "invalid-transition", CONFLICT, "The record's state does not allow it",
        "`allowed_actions` lists the actions that the state allows.";
    /// A guard refuses it.
    GuardFailed, "guard-failed", CONFLICT, "A condition for the action is not met",
        "`detail` says what has to be done first.";
    /// Somebody has to approve first.
    ApprovalRequired, "approval-required", CONFLICT, "An approval is required first",
        "Request the approval, or wait for it.";
    /// What was voted on has changed.
    ContentChanged, "content-changed", CONFLICT, "The content has changed since it was shown",
        "Read the approval again and vote with its new `content_digest`.";
    /// The first request with this key still runs.
    IdempotencyInProgress, "idempotency-in-progress", CONFLICT, "The first request with this key is still running",
        "Repeat the same request in a moment to get the response to the first one.";
    /// The request was carried out, and its answer was not kept.
    AnswerLost, "answer-lost", CONFLICT, "The request was carried out, but its response is lost",
        "Read the affected records; do not send the request again with another key.";
    /// A unique value is taken.
    Duplicate, "duplicate", CONFLICT, "The value is already in use",
        "Choose another value for the field that `detail` names, or use the existing record.";
    /// Somebody else changed it first.
    StaleVersion, "stale-version", PRECONDITION_FAILED, "The record has been changed since you read it",
        "Read it again and repeat the changes that still apply, with its new `ETag`.";
    /// The version is not named.
    PreconditionRequired, "precondition-required", PRECONDITION_REQUIRED, "If-Match is missing",
        "Send `If-Match` with the `ETag` of the record as you read it.";
    /// The client did not send all of the body in time.
    RequestTimeout, "request-timeout", REQUEST_TIMEOUT, "The body did not arrive in time",
        "Send the request again, over a new connection.";
    /// Too much.
    TooLarge, "too-large", PAYLOAD_TOO_LARGE, "The body is too large",
        "Send a smaller body; `detail` names the limit.";
    /// A type of content that is not supported.
    UnsupportedMediaType, "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The content type is not supported",
        "Send the `Content-Type` that `detail` names.";
    /// Fields are missing.
    MissingFields, "missing-fields", UNPROCESSABLE_ENTITY, "Fields are missing",
        "`errors` lists the missing fields.";
    /// Something of the input is wrong.
    ValidationFailed, "validation-failed", UNPROCESSABLE_ENTITY, "The input is not valid",
        "`errors` lists each fault and how to correct it.";
    /// A state was to be edited.
    StateNotPatchable, "state-not-patchable", UNPROCESSABLE_ENTITY, "The state can be changed only by actions",
        "Use `POST …/actions/{action}`; `GET …/actions` lists the allowed actions.";
    /// The key was used for another request.
    IdempotencyKeyReused, "idempotency-key-reused", UNPROCESSABLE_ENTITY, "The key was used for another request",
        "Use a new `Idempotency-Key` for every new request; reuse a key only to repeat the same \
         request.";
    /// Too many requests, or something that the desk depends on is away.
    Unavailable, "unavailable", SERVICE_UNAVAILABLE, "Temporarily unavailable",
        "Repeat the request after the number of seconds in `Retry-After`; this is safe with an \
         `Idempotency-Key`.";
    /// Too many requests of one caller or address.
    TooManyRequests, "too-many-requests", TOO_MANY_REQUESTS, "Too many requests",
        "Repeat the request after the number of seconds in `Retry-After`, and send fewer at once.";
    /// The answer to a commit was lost.
    OutcomeUnknown, "outcome-unknown", INTERNAL_SERVER_ERROR, "It is not known whether the request was carried out",
        "Read the records again or look for the external reference before you repeat the request; \
         with an `Idempotency-Key`, repeat it with the same key.";
    /// Not the caller's doing.
    Internal, "internal", INTERNAL_SERVER_ERROR, "Internal error",
        "Give the `request_id` to the operator, who finds the cause in the server's log.";
}

impl Slug {
    /// Where it is explained.
    pub(crate) fn uri(self) -> String {
        format!("/errors/{}", self.as_str())
    }

    /// How many seconds a client should wait, if that is all it takes.
    pub(crate) fn retry_after(self) -> Option<u16> {
        let may_wait =
            matches!(self, Self::Unavailable | Self::IdempotencyInProgress | Self::TooManyRequests);
        may_wait.then_some(1)
    }

    /// The kind that says no more than a bare status does.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::REQUEST_TIMEOUT => Self::RequestTimeout,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            status if status.is_client_error() => Self::MalformedBody,
            _ => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Slug;

    #[test]
    fn each_kind_has_an_identifier_of_its_own() {
        let all = Slug::ALL.iter().map(|slug| slug.as_str()).collect::<BTreeSet<_>>();
        assert_eq!(all.len(), Slug::ALL.len());
    }

    #[test]
    fn statuses_are_those_of_the_conventions() {
        let of = |slug: Slug| slug.status().as_u16();
        assert_eq!(of(Slug::PreconditionRequired), 428);
        assert_eq!(of(Slug::StaleVersion), 412);
        assert_eq!(of(Slug::IdempotencyKeyReused), 422);
        assert_eq!(of(Slug::IdempotencyInProgress), 409);
        assert_eq!(of(Slug::StateNotPatchable), 422);
        assert_eq!(of(Slug::SeparationOfDuties), 403);
    }
}
