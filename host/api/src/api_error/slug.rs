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

            /// What a client does about it.
            pub(crate) const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)+ }
            }
        }
    };
}

slugs! {
    /// The body is not JSON.
    MalformedBody, "malformed-body", BAD_REQUEST, "The body cannot be read",
        "Send the JSON text that the OpenAPI document describes for this request.";
    /// The cursor is of another list, or not one of ours.
    CursorInvalid, "cursor-invalid", BAD_REQUEST, "The cursor does not belong to this list",
        "Start again without `after`; a cursor is valid only with the filter and the order it came from.";
    /// No token, or none that is known.
    Unauthenticated, "unauthenticated", UNAUTHORIZED, "A valid token is needed",
        "Send `Authorization: Bearer <token>`; an administrator issues tokens, and can tell whether one expired.";
    /// The role does not allow it.
    Forbidden, "forbidden", FORBIDDEN, "The caller's role does not allow it",
        "Ask somebody with the role that `detail` names.";
    /// Nobody approves their own request.
    SeparationOfDuties, "separation-of-duties", FORBIDDEN, "You cannot approve your own request",
        "Let another person decide.";
    /// It is not there, or not for this caller.
    NotFound, "not-found", NOT_FOUND, "Not found",
        "Check the address. Records of other organizations are not visible to you.";
    /// The address has no such method.
    MethodNotAllowed, "method-not-allowed", METHOD_NOT_ALLOWED, "The address does not support this method",
        "The header `Allow` lists the methods that it has.";
    /// The state does not allow the action.
    InvalidTransition, "invalid-transition", CONFLICT, "The record's state does not allow it",
        "`allowed_actions` lists what the state allows.";
    /// A guard refuses it.
    GuardFailed, "guard-failed", CONFLICT, "A condition for the action is not met",
        "`detail` names what has to change first.";
    /// Somebody has to approve first.
    ApprovalRequired, "approval-required", CONFLICT, "An approval is needed first",
        "Wait for the approval, or request it.";
    /// What was voted on has changed.
    ContentChanged, "content-changed", CONFLICT, "The content has changed since it was shown",
        "Read the approval again and vote with its new `content_digest`.";
    /// The first request with this key still runs.
    IdempotencyInProgress, "idempotency-in-progress", CONFLICT, "The first request with this key is still running",
        "Repeat the same request in a moment; it will get the first one's answer.";
    /// The request was carried out, and its answer was not kept.
    AnswerLost, "answer-lost", CONFLICT, "The request was carried out, but its answer is lost",
        "Read the records that it was about; do not send it again with another key.";
    /// A unique value is taken.
    Duplicate, "duplicate", CONFLICT, "The value is already in use",
        "Choose another value for what `detail` names, or use the record that has it.";
    /// Somebody else changed it first.
    StaleVersion, "stale-version", PRECONDITION_FAILED, "The record was changed by somebody else",
        "Read it again, and repeat what still applies with its new `ETag`.";
    /// The version is not named.
    PreconditionRequired, "precondition-required", PRECONDITION_REQUIRED, "If-Match is missing",
        "Send `If-Match` with the `ETag` of the record as you read it.";
    /// Too much.
    TooLarge, "too-large", PAYLOAD_TOO_LARGE, "The body is too large",
        "Send less; `detail` names the limit.";
    /// A type of content that is not supported.
    UnsupportedMediaType, "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "This type of content is not supported",
        "Send the `Content-Type` that `detail` names.";
    /// Fields are missing.
    MissingFields, "missing-fields", UNPROCESSABLE_ENTITY, "Fields are missing",
        "`errors` names each missing field.";
    /// Something of the input is wrong.
    ValidationFailed, "validation-failed", UNPROCESSABLE_ENTITY, "The input is not valid",
        "`errors` names each fault and what would be right.";
    /// A state was to be edited.
    StateNotPatchable, "state-not-patchable", UNPROCESSABLE_ENTITY, "A state changes only by an action",
        "Use `POST …/actions/{action}`; `GET …/actions` lists the allowed ones.";
    /// The key was used for another request.
    IdempotencyKeyReused, "idempotency-key-reused", UNPROCESSABLE_ENTITY, "The key was used for another request",
        "Use a new `Idempotency-Key` for every new request, and the old one only to repeat the same.";
    /// Too many requests, or something that the desk depends on is away.
    Unavailable, "unavailable", SERVICE_UNAVAILABLE, "Temporarily unavailable",
        "Repeat the request after the seconds that `Retry-After` names; with an `Idempotency-Key` that is safe.";
    /// Not the caller's doing.
    Internal, "internal", INTERNAL_SERVER_ERROR, "Internal error",
        "Tell the operator the `request_id`; the cause is in the server's log.";
}

impl Slug {
    /// Where it is explained.
    pub(crate) fn uri(self) -> String {
        format!("/errors/{}", self.as_str())
    }

    /// How many seconds a client should wait, if that is all it takes.
    pub(crate) const fn retry_after(self) -> Option<u16> {
        match self {
            Self::Unavailable | Self::IdempotencyInProgress => Some(1),
            _ => None,
        }
    }

    /// The kind that says no more than a bare status does.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
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
