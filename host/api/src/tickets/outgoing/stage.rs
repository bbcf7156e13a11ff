//! The facts that a ticket has in some of its states only.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use waypost_domain::ticket::{
    Awaiting, Cancellation, Closing, Hold, Outcome, Rejection, Stage, TicketKind,
};

use crate::wire::{ActorOut, AwaitingName, CodeName};

/// Why a ticket is on hold.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Hold)]
pub(super) struct HoldOut {
    /// Whom or what it is waiting for.
    awaiting: AwaitingName,
    /// The vendor's name.
    vendor: Option<String>,
    /// The id of the person who must supply the evidence.
    person: Option<Uuid>,
    /// The id of the problem.
    problem: Option<Uuid>,
    /// What it is waiting for in a few words, if it is something else.
    reason: Option<String>,
    /// Since when.
    since: DateTime<Utc>,
    /// When to follow up.
    follow_up_at: Option<DateTime<Utc>>,
}

/// How a ticket was resolved or fulfilled.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TicketOutcome)]
pub(super) struct OutcomeOut {
    /// The outcome code.
    code: CodeName,
    /// What was done, or why nothing was.
    notes: String,
    /// When.
    at: DateTime<Utc>,
    /// By whom.
    by: ActorOut,
}

/// Why a request was not approved.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rejection)]
pub(super) struct RejectionOut {
    /// Why.
    reason: String,
    /// When.
    at: DateTime<Utc>,
}

/// Who closed a ticket, and when.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Closing)]
pub(super) struct ClosingOut {
    /// When.
    at: DateTime<Utc>,
    /// By whom.
    by: ActorOut,
}

/// Why a ticket was cancelled.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cancellation)]
pub(super) struct CancellationOut {
    /// `withdrawn`, `merged_into` or `converted_to`.
    #[schema(value_type = String)]
    outcome: &'static str,
    /// Id of the ticket that replaces it.
    ticket: Option<Uuid>,
    /// Why.
    reason: String,
    /// When.
    at: DateTime<Utc>,
    /// By whom.
    by: ActorOut,
}

/// The facts of a stage, each under its own name.
#[derive(Default)]
pub(super) struct StageOut {
    pub(super) hold: Option<HoldOut>,
    pub(super) resolution: Option<OutcomeOut>,
    pub(super) fulfillment: Option<OutcomeOut>,
    pub(super) reason: Option<String>,
    pub(super) rejection: Option<RejectionOut>,
    pub(super) closing: Option<ClosingOut>,
    pub(super) cancellation: Option<CancellationOut>,
}

impl StageOut {
    pub(super) fn of(kind: TicketKind, stage: Stage) -> Self {
        let none = Self::default();
        match stage {
            Stage::Open(_) => none,
            Stage::OnHold(hold) => {
                let hold = HoldOut::from(hold);
                Self { reason: hold.reason.clone(), hold: Some(hold), ..none }
            }
            Stage::Done(_, outcome) => none.ended(kind, outcome),
            Stage::Rejected(Rejection { reason, at }) => {
                Self { rejection: Some(RejectionOut { reason, at }), ..none }
            }
            Stage::Closed(_, outcome, Closing { at, by }) => {
                let closing = Some(ClosingOut { at, by: by.into() });
                Self { closing, ..none.ended(kind, outcome) }
            }
            Stage::Cancelled(cancellation) => {
                let reason = Some(cancellation.reason.clone());
                Self { reason, cancellation: Some(cancellation.into()), ..none }
            }
        }
    }

    /// The same with an outcome, as its kind calls it. A task has no code, only a reason.
    fn ended(self, kind: TicketKind, outcome: Outcome) -> Self {
        let Outcome { code, notes, at, by } = outcome;
        let reason = (!notes.is_empty()).then(|| notes.clone());
        let ended = code.map(|code| OutcomeOut { code: code.into(), notes, at, by: by.into() });
        match kind {
            TicketKind::Incident | TicketKind::Problem => Self { resolution: ended, ..self },
            TicketKind::Request => Self { fulfillment: ended, ..self },
            TicketKind::Task => Self { reason, ..self },
        }
    }
}

impl From<Hold> for HoldOut {
    fn from(hold: Hold) -> Self {
        let Hold { awaiting, since, follow_up_at } = hold;
        let none = Self {
            awaiting: awaiting.kind().into(),
            vendor: None,
            person: None,
            problem: None,
            reason: None,
            since,
            follow_up_at,
        };
        match awaiting {
            Awaiting::Caller => none,
            Awaiting::Vendor(vendor) => Self { vendor: Some(vendor), ..none },
            Awaiting::Evidence(person) => Self { person: Some(person.0), ..none },
            Awaiting::Problem(problem) => Self { problem: Some(problem.0), ..none },
            Awaiting::Other(reason) => Self { reason: Some(reason), ..none },
        }
    }
}

impl From<Cancellation> for CancellationOut {
    fn from(cancellation: Cancellation) -> Self {
        Self {
            outcome: cancellation.outcome.as_str(),
            ticket: cancellation.outcome.ticket().map(|ticket| ticket.0),
            reason: cancellation.reason,
            at: cancellation.at,
            by: cancellation.by.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use waypost_domain::{
        event::{Actor, ActorKind},
        ticket::{Code, State},
    };

    use super::*;

    fn outcome(code: Option<Code>, notes: &str) -> Outcome {
        let by = Actor { kind: ActorKind::System, person: None };
        Outcome { code, notes: notes.to_owned(), at: DateTime::UNIX_EPOCH, by }
    }

    #[test]
    fn an_outcome_has_the_name_that_its_kind_gives_it() {
        let done = |kind, code| {
            let out = StageOut::of(kind, Stage::Done(State::Resolved, outcome(code, "done")));
            (out.resolution.is_some(), out.fulfillment.is_some(), out.reason)
        };
        assert_eq!(done(TicketKind::Incident, Some(Code::Fixed)), (true, false, None));
        assert_eq!(done(TicketKind::Problem, Some(Code::FixApplied)), (true, false, None));
        assert_eq!(done(TicketKind::Request, Some(Code::Complete)), (false, true, None));
        assert_eq!(done(TicketKind::Task, None), (false, false, Some("done".to_owned())));
    }

    #[test]
    fn a_task_that_waits_says_for_what() {
        let awaiting = Awaiting::Other("the key".to_owned());
        let hold = Hold { awaiting, since: DateTime::UNIX_EPOCH, follow_up_at: None };
        let out = StageOut::of(TicketKind::Task, Stage::OnHold(hold));
        assert_eq!(out.reason.as_deref(), Some("the key"));
        assert_eq!(out.hold.unwrap().reason.as_deref(), Some("the key"));
    }
}
