//! What a ticket waits for, and since when. Always computed, never kept by hand (requirement W10).

#[cfg(test)]
mod rules;

use chrono::{DateTime, Days, Utc};

use crate::{
    approval::{Approval, SeatState},
    ids::{PersonId, TeamId, TicketId},
    incident::against_ending,
    name::names,
    organization::OrgSettings,
    ticket::{Action, Awaiting, Phase, Stage, State, Ticket},
};

/// Whom or what a ticket waits for, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingOn {
    /// Whom or what.
    pub what: WaitingFor,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// Whom or what a ticket waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitingFor {
    /// The votes of these people.
    Approvers(Vec<PersonId>),
    /// An approval that nobody can give; an administrator must name an approver.
    ApproverMissing,
    /// The caller's answer.
    Caller,
    /// A vendor, by name.
    Vendor(String),
    /// Evidence from a person.
    Evidence(PersonId),
    /// The fix of a problem.
    Problem(TicketId),
    /// Something else, in a few words.
    Other(String),
    /// Other tasks, which come before it.
    Tasks,
    /// The person who works on it.
    Assignee(PersonId),
    /// The owning team, to take it.
    Team(TeamId),
    /// The caller's word that all is well, or the day on which it closes by itself.
    Confirmation {
        /// When it closes by itself; none for never.
        closes_at: Option<DateTime<Utc>>,
    },
}

/// Whom or what a ticket waits for, without names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitingKind {
    /// Votes.
    Approvers,
    /// Somebody who could vote.
    ApproverMissing,
    /// The caller's answer.
    Caller,
    /// A vendor.
    Vendor,
    /// Evidence from a person.
    Evidence,
    /// The fix of a problem.
    Problem,
    /// Something else.
    Other,
    /// Other tasks.
    Tasks,
    /// The person who works on it.
    Assignee,
    /// The owning team.
    Team,
    /// The caller's word that all is well.
    Confirmation,
}

names!("waiting_on", WaitingKind {
    Approvers => "approvers",
    ApproverMissing => "approver_missing",
    Caller => "caller",
    Vendor => "vendor",
    Evidence => "evidence",
    Problem => "problem",
    Other => "other",
    Tasks => "tasks",
    Assignee => "assignee",
    Team => "team",
    Confirmation => "confirmation",
});

impl WaitingFor {
    /// Whom or what, without names.
    #[must_use]
    pub const fn kind(&self) -> WaitingKind {
        match self {
            Self::Approvers(_) => WaitingKind::Approvers,
            Self::ApproverMissing => WaitingKind::ApproverMissing,
            Self::Caller => WaitingKind::Caller,
            Self::Vendor(_) => WaitingKind::Vendor,
            Self::Evidence(_) => WaitingKind::Evidence,
            Self::Problem(_) => WaitingKind::Problem,
            Self::Other(_) => WaitingKind::Other,
            Self::Tasks => WaitingKind::Tasks,
            Self::Assignee(_) => WaitingKind::Assignee,
            Self::Team(_) => WaitingKind::Team,
            Self::Confirmation { .. } => WaitingKind::Confirmation,
        }
    }

    /// The identifier of whom or what, without names.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        self.kind().as_str()
    }
}

/// What decides whom a ticket waits for. As long as it stays the same, the waiting goes on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Waits<'a> {
    Approval,
    Hold(&'a Awaiting),
    Tasks,
    Assignee(PersonId),
    Team(TeamId),
    Confirmation,
    Nobody,
}

impl Ticket {
    /// Whom or what it waits for; none when it is over or rejected.
    ///
    /// `approval` is the ticket's open round, if there is one.
    #[must_use]
    pub fn waiting_on(
        &self,
        approval: Option<&Approval>,
        settings: &OrgSettings,
    ) -> Option<WaitingOn> {
        let since = self.waiting_since;
        if approval.is_some() && self.can_await_approval() {
            return Some(self.waiting_on_approval(approval));
        }
        let what = match self.waits() {
            Waits::Approval => return Some(self.waiting_on_approval(approval)),
            Waits::Hold(Awaiting::Caller) => WaitingFor::Caller,
            Waits::Hold(Awaiting::Vendor(vendor)) => WaitingFor::Vendor(vendor.clone()),
            Waits::Hold(Awaiting::Evidence(person)) => WaitingFor::Evidence(*person),
            Waits::Hold(Awaiting::Problem(problem)) => WaitingFor::Problem(*problem),
            Waits::Hold(Awaiting::Other(what)) => WaitingFor::Other(what.clone()),
            Waits::Tasks => WaitingFor::Tasks,
            Waits::Assignee(person) => WaitingFor::Assignee(person),
            Waits::Team(team) => WaitingFor::Team(team),
            Waits::Confirmation => WaitingFor::Confirmation { closes_at: self.closes_at(settings) },
            Waits::Nobody => return None,
        };
        Some(WaitingOn { what, since })
    }

    /// When it closes by itself: some days after it was resolved or fulfilled. A major incident
    /// does not before its review; a problem and a task never do.
    #[must_use]
    pub fn closes_at(&self, settings: &OrgSettings) -> Option<DateTime<Utc>> {
        if self.requester.is_none() || against_ending(self, Action::Close).is_some() {
            return None;
        }
        let done_at = self.done_at()?;
        let days = settings.auto_close_days;
        (days > 0).then(|| done_at.checked_add_days(Days::new(days.into()))).flatten()
    }

    pub(crate) fn waits(&self) -> Waits<'_> {
        match (&self.stage, self.phase()) {
            (Stage::Open(State::AwaitingApproval), _) => Waits::Approval,
            (Stage::Open(State::Waiting), _) => Waits::Tasks,
            (Stage::OnHold(hold), _) => Waits::Hold(&hold.awaiting),
            // A caller says that all is well; of what has none, somebody of the desk does.
            (_, Phase::Done) if self.requester.is_some() => Waits::Confirmation,
            (_, Phase::Open | Phase::OnHold | Phase::Done) => {
                self.assignee.map_or(Waits::Team(self.team), Waits::Assignee)
            }
            (_, Phase::Rejected | Phase::Closed | Phase::Cancelled) => Waits::Nobody,
        }
    }

    fn waiting_on_approval(&self, approval: Option<&Approval>) -> WaitingOn {
        let missing = WaitingOn { what: WaitingFor::ApproverMissing, since: self.waiting_since };
        let Some(stage) = approval.and_then(Approval::open_stage) else {
            return missing;
        };
        let mut voters = Vec::new();
        let mut since = None;
        for request in stage.steps.iter().flat_map(|step| &step.requests) {
            if request.state == SeatState::Requested && !voters.contains(&request.voter) {
                voters.push(request.voter);
                since = since.into_iter().chain(request.requested_at).min();
            }
        }
        if voters.is_empty() {
            return missing;
        }
        let since = since.unwrap_or(self.waiting_since);
        WaitingOn { what: WaitingFor::Approvers(voters), since }
    }
}
