//! Which error a refused command is answered with. Every status that a use case can lead to is
//! here.

use waypost_app::{Code, CommandError};
use waypost_domain::{
    refusal::{FieldFault, Refused},
    said::Said,
    ticket::Action,
};

use super::{ApiError, FaultOut, Slug};

/// Every code of a refused command is a kind of error.
impl From<Code> for Slug {
    fn from(code: Code) -> Self {
        match code {
            Code::NotFound => Self::NotFound,
            Code::Forbidden => Self::Forbidden,
            Code::SeparationOfDuties => Self::SeparationOfDuties,
            Code::StaleVersion => Self::StaleVersion,
            Code::InvalidTransition => Self::InvalidTransition,
            Code::MissingFields => Self::MissingFields,
            Code::ValidationFailed => Self::ValidationFailed,
            Code::GuardFailed => Self::GuardFailed,
            Code::ApprovalRequired => Self::ApprovalRequired,
            Code::ContentChanged => Self::ContentChanged,
            Code::Duplicate => Self::Duplicate,
            Code::CursorInvalid => Self::CursorInvalid,
            Code::Unavailable => Self::Unavailable,
            Code::OutcomeUnknown => Self::OutcomeUnknown,
            Code::Internal => Self::Internal,
        }
    }
}

impl From<CommandError> for ApiError {
    fn from(error: CommandError) -> Self {
        let (slug, detail) = (Slug::from(error.code()), error.to_string());
        match error {
            CommandError::NotFound(_)
            | CommandError::Forbidden(_)
            | CommandError::SeparationOfDuties(_)
            | CommandError::Stale
            | CommandError::Refused(Refused::Guard { .. })
            | CommandError::Taken(_)
            | CommandError::ContentChanged
            | CommandError::Busy => Self::new(slug, detail),
            CommandError::Overtaken => Self::new(Slug::IdempotencyInProgress, detail),
            CommandError::Refused(Refused::InvalidTransition { state, allowed, .. }) => {
                let allowed = allowed.into_iter().map(Action::as_str).collect();
                Self::new(slug, detail).with_state(state.as_str(), allowed)
            }
            CommandError::Refused(Refused::MissingFields(faults) | Refused::Invalid(faults))
            | CommandError::Invalid(faults) => Self::fields(faults),
            CommandError::Cursor(_) => Self::new(slug, detail)
                .with_errors(vec![FaultOut::parameter("after", "Omit it to start again.")]),
            CommandError::Unavailable(cause) => Self::unavailable(cause.as_ref(), detail),
            CommandError::OutcomeUnknown(cause) => {
                tracing::error!(
                    error = cause.as_ref() as &dyn std::error::Error,
                    "outcome unknown"
                );
                Self::new(
                    slug,
                    format!("{detail}. A repeat with the same `Idempotency-Key` is safe"),
                )
            }
            CommandError::Internal(cause) => Self::internal(cause.as_ref()),
        }
    }
}

impl ApiError {
    /// Not the caller's doing: the log gets the cause, once; the client does not.
    pub(crate) fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = cause, "command failed");
        Self::new(Slug::Internal, "the request was not carried out, and nothing was changed")
    }

    /// What the command needs is away: the log gets the cause, once.
    pub(crate) fn unavailable(
        cause: &(dyn std::error::Error + 'static),
        detail: impl Into<String>,
    ) -> Self {
        tracing::error!(error = cause, "the database is not available");
        Self::new(Slug::Unavailable, detail)
    }

    /// The same for a list, whose fields are the parameters of its query.
    pub(crate) fn of_query(error: CommandError) -> Self {
        let mut error = Self::from(error);
        for fault in &mut error.body.errors {
            if let Some(pointer) = fault.pointer.take() {
                fault.parameter = Some(pointer.trim_start_matches('/').to_owned());
            }
        }
        error
    }

    /// A PATCH that names the state.
    pub(crate) fn state_not_patchable() -> Self {
        let detail = "the state can be changed only by actions; use `POST …/actions/{action}`";
        let fault = FieldFault {
            pointer: "/state".to_owned(),
            code: "read-only",
            message: Said::as_is(
                "Leave it out; `GET …/actions` lists the actions that are possible now.",
            ),
        };
        Self::new(Slug::StateNotPatchable, detail).with_errors(vec![fault.into()])
    }

    fn fields(faults: Vec<FieldFault>) -> Self {
        Self::faults(faults.into_iter().map(FaultOut::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use waypost_domain::ticket::{State, TicketKind};

    use super::*;

    fn missing(pointer: &str) -> FieldFault {
        FieldFault {
            pointer: pointer.to_owned(),
            code: FieldFault::MISSING,
            message: Said::as_is("say how it ended"),
        }
    }

    #[test]
    fn r12_a_refused_resolution_names_every_missing_field() {
        let faults = vec![missing("/resolution_code"), missing("/resolution_notes")];
        let error = ApiError::from(CommandError::Refused(Refused::MissingFields(faults)));
        assert_eq!(error.slug(), Slug::MissingFields);
        let json = error.json();
        assert_eq!(json["errors"][0]["pointer"], "/resolution_code");
        assert_eq!(json["errors"][1]["pointer"], "/resolution_notes");
    }

    #[test]
    fn a_refused_action_names_the_state_and_what_it_allows() {
        let refused = Refused::InvalidTransition {
            action: Action::Reopen,
            kind: TicketKind::Incident,
            why: Said::as_is("in state `new`"),
            state: State::New,
            allowed: vec![Action::Start],
        };
        let json = ApiError::from(CommandError::from(refused)).json();
        assert_eq!(json["status"], 409);
        assert_eq!(json["state"], "new");
        assert_eq!(json["allowed_actions"], serde_json::json!(["start"]));
    }

    #[test]
    fn each_code_of_a_refused_command_is_the_kind_of_its_answer() {
        for code in Code::ALL {
            assert_eq!(Slug::from(*code).as_str(), code.as_str());
        }
    }

    #[test]
    fn an_internal_cause_is_not_told() {
        let cause = std::io::Error::other("secret");
        let json = ApiError::from(CommandError::Internal(cause.into())).json();
        assert!(!json.to_string().contains("secret"));
    }
}
