//! Which error a refused command is answered with. Every status that a use case can lead to is
//! here.

use waypost_app::CommandError;
use waypost_domain::{
    refusal::{FieldFault, Refused},
    ticket::Action,
};

use super::{ApiError, FaultOut, Slug};

impl From<CommandError> for ApiError {
    fn from(error: CommandError) -> Self {
        let detail = error.to_string();
        match error {
            CommandError::NotFound(_) => Self::new(Slug::NotFound, detail),
            CommandError::Forbidden(_) => Self::new(Slug::Forbidden, detail),
            CommandError::SeparationOfDuties(_) => Self::new(Slug::SeparationOfDuties, detail),
            CommandError::Stale => Self::new(Slug::StaleVersion, detail),
            CommandError::Refused(refused) => refused.into(),
            CommandError::Invalid(faults) => Self::fields(faults),
            CommandError::Taken(_) => Self::new(Slug::Duplicate, detail),
            CommandError::ContentChanged => Self::new(Slug::ContentChanged, detail),
            CommandError::Cursor(_) => Self::new(Slug::CursorInvalid, detail)
                .with_errors(vec![FaultOut::parameter("after", "Omit it to start again.")]),
            CommandError::Busy => Self::new(Slug::Unavailable, detail),
            CommandError::Unavailable(cause) => Self::unavailable(cause.as_ref(), detail),
            CommandError::OutcomeUnknown(cause) => {
                tracing::error!(
                    error = cause.as_ref() as &dyn std::error::Error,
                    "outcome unknown"
                );
                Self::new(
                    Slug::OutcomeUnknown,
                    format!("{detail}. A repeat with the same `Idempotency-Key` is safe"),
                )
            }
            CommandError::Internal(cause) => Self::internal(cause.as_ref()),
        }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let detail = refused.to_string();
        match refused {
            Refused::InvalidTransition { state, allowed, .. } => {
                let allowed = allowed.into_iter().map(Action::as_str).collect();
                Self::new(Slug::InvalidTransition, detail).with_state(state.as_str(), allowed)
            }
            Refused::MissingFields(faults) | Refused::Invalid(faults) => Self::fields(faults),
            Refused::Guard { code, .. } => Self::new(guard(code), detail),
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
            message: "Leave it out; `GET …/actions` lists the actions that are possible now."
                .to_owned(),
        };
        Self::new(Slug::StateNotPatchable, detail).with_errors(vec![fault.into()])
    }

    fn fields(faults: Vec<FieldFault>) -> Self {
        Self::faults(faults.into_iter().map(FaultOut::from).collect())
    }
}

/// A guard's code is the slug of its error, where it has one of its own.
fn guard(code: &str) -> Slug {
    match code {
        "content-changed" => Slug::ContentChanged,
        "approval-required" => Slug::ApprovalRequired,
        _ => Slug::GuardFailed,
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
            message: "say how it ended".to_owned(),
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
            why: "in state `new`".to_owned(),
            state: State::New,
            allowed: vec![Action::Start],
        };
        let json = ApiError::from(refused).json();
        assert_eq!(json["status"], 409);
        assert_eq!(json["state"], "new");
        assert_eq!(json["allowed_actions"], serde_json::json!(["start"]));
    }

    #[test]
    fn an_internal_cause_is_not_told() {
        let cause = std::io::Error::other("secret");
        let json = ApiError::from(CommandError::Internal(cause.into())).json();
        assert!(!json.to_string().contains("secret"));
    }
}
