//! Approvals: a plan of stages, in order; steps, at the same time; requests, one for each voter's
//! seat.
//!
//! The algebra is `records.md` section 7; its functions are in [`quorum`].

use std::{fmt, num::ParseIntError, str::FromStr};

use chrono::{DateTime, Utc};

use crate::ids::{ApprovalId, ApprovalRequestId, DelegationId, OrgId, PersonId, ReceiptId};
use crate::{
    name::{UnknownName, names},
    subject::Subject,
};

mod appoint;
mod duties;
mod keep;
mod plan;
pub mod quorum;
mod refused;
#[cfg(test)]
mod rules;
mod stand_in;
mod vote;

pub(crate) use self::{appoint::appoint_voter, keep::NotAppointed};
pub use self::{
    duties::Duties,
    keep::{Able, Appointed},
    plan::{MAX_STAGES, MAX_STEPS, MAX_VOTERS, NewRound, PlanFault, Planned, StagePlan, StepPlan},
    refused::{MAX_REFUSED, RefusedVote, VoteKind},
    stand_in::StoodIn,
    vote::{Ballot, MAX_DELEGATIONS, Matter, NotAwaited, Vote, VoteRefused, Voted},
};

/// How many of the voters of a step must approve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quorum {
    /// One.
    Any,
    /// Each.
    All,
    /// This many: min(max(c, 1), n).
    Count(u16),
    /// floor(n / 2) + 1.
    Majority,
    /// ceil(n·p / 100), at least 1, at most n.
    Percent(u8),
}

/// When a stage is approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StageRule {
    /// When all its steps are.
    All,
    /// When one of its steps is.
    Any,
    /// When floor(n / 2) + 1 of its n steps are.
    Majority,
    /// As the step that is decided first.
    FirstDecided,
}

names!("stage rule", StageRule {
    All => "all",
    Any => "any",
    Majority => "majority",
    FirstDecided => "first_decided",
});

/// One round of approval of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// The organization.
    pub org: OrgId,
    /// The record.
    pub subject: Subject,
    /// 1, 2, 3, … for each record.
    pub round: i64,
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// What came of it.
    pub outcome: Outcome,
    /// The digest of what was shown to the voters; votes name it, a change voids the round.
    pub content_digest: String,
    /// The recorded decision that planned it.
    pub receipt: Option<ReceiptId>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
    /// Rises by one with every change.
    pub version: i64,
}

/// What came of a round, a stage or a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Not open yet (a later stage).
    Waiting,
    /// Votes are awaited.
    Pending,
    /// Approved.
    Approved,
    /// Rejected.
    Rejected,
    /// Ended from outside: revised, cancelled, voided, or decided elsewhere.
    Cancelled,
}

names!("outcome", Outcome {
    Waiting => "waiting",
    Pending => "pending",
    Approved => "approved",
    Rejected => "rejected",
    Cancelled => "cancelled",
});

/// Steps that are asked at the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// When it is approved.
    pub rule: StageRule,
    /// Its steps.
    pub steps: Vec<Step>,
    /// What came of it.
    pub outcome: Outcome,
}

/// One question to a group of voters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is asked, in a few words.
    pub name: String,
    /// How many must approve.
    pub quorum: Quorum,
    /// Whether one rejection rejects at once.
    pub veto: bool,
    /// When it should be decided.
    pub due_at: Option<DateTime<Utc>>,
    /// From the plan: hours until due, counted from the opening.
    pub due_hours: Option<u16>,
    /// One for each voter; a delegated seat has one more for the delegate.
    pub requests: Vec<SeatRequest>,
    /// What came of it.
    pub outcome: Outcome,
}

/// The request for one seat's vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatRequest {
    /// Its id.
    pub id: ApprovalRequestId,
    /// Whose seat it is.
    pub seat: PersonId,
    /// Who is asked: the seat's holder, or a delegate.
    pub voter: PersonId,
    /// Whether the step can't be approved without this seat.
    pub mandatory: bool,
    /// The delegation under which the voter stands in for the seat's holder; none where they were
    /// asked otherwise.
    pub delegation: Option<DelegationId>,
    /// Where it stands.
    pub state: SeatState,
    /// When the vote was asked for.
    pub requested_at: Option<DateTime<Utc>>,
    /// When it was decided, delegated or ended.
    pub decided_at: Option<DateTime<Utc>>,
    /// What the voter said.
    pub comment: Option<String>,
    /// How often the voter was reminded.
    pub reminder_count: i64,
    /// When it was escalated.
    pub escalated_at: Option<DateTime<Utc>>,
}

/// Where a seat's request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SeatState {
    /// Its stage is not open yet.
    Waiting,
    /// The vote is awaited.
    Requested,
    /// Approved.
    Approved,
    /// Rejected.
    Rejected,
    /// No opinion.
    Abstained,
    /// Handed to a delegate; the same seat has another request.
    Delegated,
    /// Whoever was asked cannot vote any more, and nobody else is asked. The seat still counts.
    Vacant,
    /// Nobody voted in time.
    Expired,
    /// Not needed any more.
    Cancelled,
}

names!("state of a seat", SeatState {
    Waiting => "waiting",
    Requested => "requested",
    Approved => "approved",
    Rejected => "rejected",
    Abstained => "abstained",
    Delegated => "delegated",
    Vacant => "vacant",
    Expired => "expired",
    Cancelled => "cancelled",
});

/// A quorum is written as `any`, `all`, `majority`, `count:3` or `percent:60`.
impl fmt::Display for Quorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::All => f.write_str("all"),
            Self::Majority => f.write_str("majority"),
            Self::Count(needed) => write!(f, "count:{needed}"),
            Self::Percent(share) => write!(f, "percent:{share}"),
        }
    }
}

impl FromStr for Quorum {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let unknown = || UnknownName {
            what: "quorum",
            given: text.to_owned(),
            valid: &["any", "all", "majority", "count:N", "percent:N"],
        };
        match text {
            "any" => Ok(Self::Any),
            "all" => Ok(Self::All),
            "majority" => Ok(Self::Majority),
            _ => match text.split_once(':') {
                Some(("count", needed)) => {
                    needed.parse().map(Self::Count).map_err(|_: ParseIntError| unknown())
                }
                Some(("percent", share)) => {
                    share.parse().map(Self::Percent).map_err(|_: ParseIntError| unknown())
                }
                Some(_) | None => Err(unknown()),
            },
        }
    }
}

impl Approval {
    /// Whether it is not decided yet.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.outcome, Outcome::Waiting | Outcome::Pending)
    }

    /// The stage whose votes are awaited, while the round is not decided.
    #[must_use]
    pub fn open_stage(&self) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.outcome == Outcome::Pending)
    }
}
