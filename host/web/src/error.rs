//! Errors as pages: what happened, whether anything was changed, and what to do.

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use waypost_app::{CommandError, Committed};
use waypost_domain::{refusal::Refused as Move, said::Said};
use waypost_edge::{Full, Refused, RequestContext};

use crate::{
    form::Form,
    once::to,
    page::{Page, show_as},
    text::Html,
    viewer::Viewer,
    words::Words,
};

/// Why there is no page, or why a form was not carried out.
#[derive(Debug, Clone)]
pub(crate) struct PageError {
    kind: Kind,
    /// What the desk says about it, where it says more.
    detail: Vec<Said>,
    /// Where to go instead.
    instead: Option<String>,
    /// What was written in the form that was not carried out: it is not to be lost.
    typed: Vec<String>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    NotFound,
    Forbidden,
    NotOfDesk,
    Stale,
    Refused,
    Invalid,
    CrossSite,
    BadRequest,
    TooLarge,
    TooMany,
    InProgress,
    Unavailable,
    TimedOut,
    OutcomeUnknown,
    AnswerLost,
    LinkOver,
    VoteLinkOver,
    MethodNotAllowed,
    Internal,
    ProveAgain,
}

impl PageError {
    fn of(kind: Kind) -> Self {
        Self { kind, detail: Vec::new(), instead: None, typed: Vec::new() }
    }

    fn because(kind: Kind, error: &CommandError) -> Self {
        Self { detail: error.sentences(), ..Self::of(kind) }
    }

    /// The same, with what was written in the form.
    pub(crate) fn of_form(self, form: &Form) -> Self {
        Self { typed: form.texts(), ..self }
    }

    /// It is not there, or not for this viewer to know of.
    pub(crate) fn not_found() -> Self {
        Self::of(Kind::NotFound)
    }

    /// It is for people of the desk.
    pub(crate) fn not_of_desk() -> Self {
        Self::of(Kind::NotOfDesk)
    }

    /// The form cannot be read.
    pub(crate) fn bad_request() -> Self {
        Self::of(Kind::BadRequest)
    }

    /// The form has more than any of ours.
    pub(crate) fn too_large() -> Self {
        Self::of(Kind::TooLarge)
    }

    /// Too many attempts came from this address.
    pub(crate) fn too_many() -> Self {
        Self::of(Kind::TooMany)
    }

    /// The same form is being carried out.
    pub(crate) fn in_progress() -> Self {
        Self::of(Kind::InProgress)
    }

    /// It was carried out, and nobody knows with which result.
    pub(crate) fn answer_lost() -> Self {
        Self::of(Kind::AnswerLost)
    }

    /// A link was used, or its time is over.
    pub(crate) fn link_over() -> Self {
        Self::of(Kind::LinkOver)
    }

    /// A vote cannot be cast by this link, or not any more.
    pub(crate) fn vote_link_over() -> Self {
        Self::of(Kind::VoteLinkOver)
    }

    /// Who they are has to be proven again first, at this address.
    pub(crate) fn prove_again(address: String) -> Self {
        Self { instead: Some(address), ..Self::of(Kind::ProveAgain) }
    }

    /// A bare error of the router or a layer.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        Self::of(match status {
            StatusCode::NOT_FOUND => Kind::NotFound,
            StatusCode::FORBIDDEN => Kind::CrossSite,
            StatusCode::METHOD_NOT_ALLOWED => Kind::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => Kind::TooLarge,
            StatusCode::TOO_MANY_REQUESTS => Kind::TooMany,
            StatusCode::SERVICE_UNAVAILABLE => Kind::Unavailable,
            other if other.is_client_error() => Kind::BadRequest,
            _ => Kind::Internal,
        })
    }

    /// Its status.
    pub(crate) fn status(&self) -> StatusCode {
        match self.kind {
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::ProveAgain => StatusCode::SEE_OTHER,
            Kind::Forbidden | Kind::NotOfDesk | Kind::CrossSite => StatusCode::FORBIDDEN,
            Kind::Stale | Kind::Refused | Kind::InProgress => StatusCode::CONFLICT,
            Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Kind::BadRequest => StatusCode::BAD_REQUEST,
            Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Kind::Unavailable | Kind::TimedOut => StatusCode::SERVICE_UNAVAILABLE,
            Kind::LinkOver | Kind::VoteLinkOver => StatusCode::GONE,
            Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Kind::OutcomeUnknown | Kind::AnswerLost | Kind::Internal => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    /// The same, if what failed after the changes were committed does not undo them.
    pub(crate) fn honest(self, context: &RequestContext) -> Self {
        if !self.status().is_server_error() {
            return self;
        }
        match context.commit.read() {
            Committed::No => self,
            Committed::Unknown => Self { kind: Kind::OutcomeUnknown, ..self },
            Committed::Yes => Self { kind: Kind::AnswerLost, ..self },
        }
    }

    fn title(&self, words: &Words) -> String {
        let t = &words.text;
        match self.kind {
            Kind::NotFound => t.error_not_found(),
            Kind::Forbidden | Kind::NotOfDesk => t.error_forbidden(),
            Kind::Stale => t.error_stale(),
            Kind::Refused => t.error_refused(),
            Kind::Invalid => t.error_invalid(),
            Kind::CrossSite => t.error_cross_site(),
            Kind::BadRequest | Kind::MethodNotAllowed => t.error_bad_request(),
            Kind::TooLarge => t.error_too_large(),
            Kind::TooMany => t.error_too_many(),
            Kind::InProgress => t.error_in_progress(),
            Kind::Unavailable | Kind::TimedOut => t.error_unavailable(),
            Kind::OutcomeUnknown | Kind::AnswerLost => t.error_outcome_unknown(),
            Kind::LinkOver | Kind::VoteLinkOver => t.error_link_over(),
            Kind::Internal => t.error_internal(),
            Kind::ProveAgain => t.again_title(),
        }
    }

    fn advice(&self, words: &Words) -> String {
        let t = &words.text;
        match self.kind {
            Kind::NotFound => t.advice_not_found(),
            Kind::Forbidden => t.advice_forbidden(),
            Kind::NotOfDesk => t.needs_desk(),
            Kind::Stale => t.advice_stale(),
            Kind::Refused => t.advice_refused(),
            Kind::Invalid => t.advice_invalid(),
            Kind::CrossSite => t.advice_cross_site(),
            Kind::BadRequest | Kind::MethodNotAllowed => t.advice_bad_request(),
            Kind::TooLarge => t.advice_too_large(),
            Kind::TooMany => t.advice_too_many(),
            Kind::InProgress => t.advice_in_progress(),
            Kind::Unavailable | Kind::TimedOut => t.advice_unavailable(),
            Kind::OutcomeUnknown | Kind::AnswerLost => t.advice_outcome_unknown(),
            Kind::LinkOver => t.advice_link_over(),
            Kind::VoteLinkOver => t.advice_vote_link_over(),
            Kind::Internal => t.advice_internal(),
            Kind::ProveAgain => t.again_why(),
        }
    }

    /// The error as a page. Nothing is asked of the database for it.
    pub(crate) fn page(
        &self,
        viewer: Option<&Viewer>,
        words: &'static Words,
        request: &str,
    ) -> Response {
        let title = self.title(words);
        let p = match viewer {
            Some(viewer) if viewer.is_at_desk() => Page::of_desk(viewer, title),
            Some(viewer) => Page::of_portal(viewer, title),
            None => Page::of_stranger(words, title),
        };
        let status = self.status();
        let shown = ErrorPage {
            advice: self.advice(words),
            detail: (!self.detail.is_empty()).then(|| words.say_all(&self.detail)),
            typed: self.typed.clone(),
            // What somebody has to look up in the log.
            request: status.is_server_error().then(|| request.to_owned()),
            p,
        };
        let mut response = show_as(status, &shown);
        let wait = match self.kind {
            Kind::TooMany => Some("900"),
            Kind::Unavailable | Kind::TimedOut | Kind::InProgress => Some("5"),
            _ => None,
        };
        if let Some(wait) = wait {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(wait));
        }
        response
    }
}

/// The page of an error.
#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    p: Page,
    advice: String,
    detail: Option<Html>,
    typed: Vec<String>,
    request: Option<String>,
}

/// Bare, for [`dressed`](crate::dressed) to make a page of.
impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        if self.kind == Kind::ProveAgain {
            return to(self.instead.as_deref().unwrap_or("/"));
        }
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<CommandError> for PageError {
    fn from(error: CommandError) -> Self {
        match &error {
            CommandError::NotFound(_) => Self::not_found(),
            CommandError::Forbidden(_) | CommandError::SeparationOfDuties(_) => {
                Self::because(Kind::Forbidden, &error)
            }
            CommandError::Stale | CommandError::ContentChanged => Self::of(Kind::Stale),
            CommandError::Refused(Move::InvalidTransition { .. } | Move::Guard { .. }) => {
                Self::because(Kind::Refused, &error)
            }
            CommandError::Refused(Move::MissingFields(_) | Move::Invalid(_))
            | CommandError::Invalid(_) => Self::because(Kind::Invalid, &error),
            CommandError::Taken(_) => Self::because(Kind::Refused, &error),
            CommandError::Cursor(_) => Self::of(Kind::BadRequest),
            CommandError::Overtaken => Self::of(Kind::InProgress),
            CommandError::Busy | CommandError::Unavailable(_) => Self::of(Kind::Unavailable),
            CommandError::OutcomeUnknown(_) => Self::of(Kind::OutcomeUnknown),
            CommandError::Internal(cause) => {
                tracing::error!(error = &**cause as &dyn std::error::Error, "a page failed");
                Self::of(Kind::Internal)
            }
        }
    }
}

impl From<&Refused> for PageError {
    fn from(refused: &Refused) -> Self {
        Self::of(match refused {
            Refused::Repeated(_) | Refused::NoHost | Refused::BodyCut | Refused::BodyLate(_) => {
                Kind::BadRequest
            }
            Refused::TooLarge(_) => Kind::TooLarge,
            Refused::Full(Full::OfCaller | Full::OfAll) => Kind::Unavailable,
            Refused::TimedOut { .. } => Kind::TimedOut,
            Refused::Panicked => Kind::Internal,
        })
    }
}
