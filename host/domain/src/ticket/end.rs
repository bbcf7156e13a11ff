//! Endings: how a ticket is closed, cancelled, merged or converted, and how a resolved one is reopened.

use chrono::{DateTime, Utc};

use crate::{
    event::{Actor, Change},
    ids::TicketId,
    incident::{CancelOutcome, Cancellation, IncidentState, Major},
    organization::OrgSettings,
    priority::Priority,
    refusal::{Faults, Refused},
    request::{Request, RequestState},
    text,
    ticket::{Action, Body, Ticket, TicketKind},
};

/// What became of two tickets that are about the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The changes of the one that ends.
    pub source: Vec<Change>,
    /// The changes of the one that goes on.
    pub target: Vec<Change>,
}

impl Ticket {
    /// Opens it again, because the requester objects. Only while the organization's window is open; the old
    /// resolution stays in the history.
    pub fn reopen(
        &mut self,
        reason: Option<&str>,
        settings: &OrgSettings,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        self.demand(Action::Reopen)?;
        let mut faults = Faults::new();
        text::reason(reason, "say what is still wrong", &mut faults);
        faults.finish()?;
        if !self.can_reopen(settings, now) {
            return Err(Refused::guard(format!(
                "it can be reopened for {} days after it was done; open a new ticket instead",
                settings.reopen_window_days
            )));
        }
        let before = self.clone();
        match &mut self.body {
            Body::Incident(state) => *state = IncidentState::InProgress,
            Body::Request(request) => request.state = RequestState::InFulfilment,
        }
        self.count_reopening(now);
        Ok(self.settle(&before, None, now))
    }

    /// Ends it for good.
    pub fn close(&mut self, by: &Actor, now: DateTime<Utc>) -> Result<Vec<Change>, Refused> {
        self.demand(Action::Close)?;
        self.check_major(Action::Close)?;
        let before = self.clone();
        let by = by.clone();
        match &mut self.body {
            Body::Incident(state) => {
                if let IncidentState::Resolved(resolution) = state {
                    let resolution = resolution.clone();
                    *state = IncidentState::Closed { resolution, at: now, by };
                }
            }
            Body::Request(request) => {
                if let RequestState::Fulfilled(fulfilment) = &request.state {
                    let fulfilment = fulfilment.clone();
                    request.state = RequestState::Closed { fulfilment, at: now, by };
                }
            }
        }
        Ok(self.settle(&before, None, now))
    }

    /// Withdraws it. Whoever calls this ends its open approval, too.
    pub fn cancel(
        &mut self,
        reason: Option<&str>,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        self.demand(Action::Cancel)?;
        let mut faults = Faults::new();
        let reason = text::reason(reason, "say why it is withdrawn", &mut faults);
        faults.finish()?;
        self.check_major(Action::Cancel)?;
        let before = self.clone();
        self.cancelled(CancelOutcome::Withdrawn, reason, by, now);
        Ok(self.settle(&before, None, now))
    }

    /// Ends it, because it is about the same as another ticket, which goes on and keeps its people informed.
    pub fn merge_into(
        &mut self,
        target: &mut Self,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Merged, Refused> {
        self.demand(Action::MergeInto)?;
        let mut faults = Faults::new();
        let pointer = "/target";
        if target.id == self.id {
            faults.wrong(pointer, "itself", "a ticket can't be merged into itself; name another");
        } else if target.org != self.org || target.kind() != self.kind() {
            let message = format!(
                "name {} of the same organization; convert this one first if it is of another kind",
                self.kind().with_article()
            );
            faults.wrong(pointer, "other-kind", message);
        }
        faults.finish()?;
        self.check_major(Action::MergeInto)?;
        if target.state().is_terminal() {
            return Err(Refused::guard(format!(
                "{} is {}; merge into a ticket that goes on",
                target.number,
                target.state()
            )));
        }
        let (source_before, target_before) = (self.clone(), target.clone());
        let reason = format!("the same as {}", target.number);
        self.cancelled(CancelOutcome::MergedInto(target.id), reason, by, now);
        target.watchers.extend(self.watchers.iter().copied());
        if self.requester != target.requester {
            target.watchers.insert(self.requester);
        }
        Ok(Merged {
            source: self.settle(&source_before, None, now),
            target: target.settle(&target_before, None, now),
        })
    }

    /// Makes another kind of ticket of it: this one ends, and the new one starts in its first state with the same
    /// facts. The old number leads to the new ticket. Comments stay with
    /// the old one; whoever stores both notes its number at the new one.
    pub fn convert(
        &mut self,
        to: Option<TicketKind>,
        reason: Option<&str>,
        id: TicketId,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<(Self, Vec<Change>), Refused> {
        self.demand(Action::Convert)?;
        let mut faults = Faults::new();
        match to {
            None => faults.missing("/to", "say which kind of ticket it becomes"),
            Some(kind) if kind == self.kind() => {
                let message = format!("it is {} already", kind.with_article());
                faults.wrong("/to", "same-kind", message);
            }
            Some(_) => {}
        }
        let reason = text::reason(reason, "say why it is of another kind", &mut faults);
        faults.finish()?;
        self.check_major(Action::Convert)?;
        let before = self.clone();
        let mut converted = self.clone();
        converted.id = id;
        converted.number.clear();
        converted.body = match self.kind() {
            TicketKind::Incident => Body::Request(Request::plain()),
            TicketKind::Request => Body::Incident(IncidentState::New),
        };
        // The other system's number stays with the ticket that it was given for.
        converted.external_ref = None;
        converted.priority = Priority { manual: None, ..self.priority.clone() };
        converted.assignee = None;
        converted.reassignment_count = 0;
        converted.reopen_count = 0;
        converted.last_reopened_at = None;
        converted.triaged_at = None;
        converted.escalation_level = 0;
        converted.sync_with_parent = true;
        converted.affected_users = 0;
        converted.major = Major::None;
        converted.degraded = None;
        converted.created_at = now;
        converted.updated_at = now;
        converted.state_since = now;
        converted.waiting_since = now;
        converted.version = 1;
        self.cancelled(CancelOutcome::ConvertedTo(id), reason, by, now);
        Ok((converted, self.settle(&before, None, now)))
    }

    fn cancelled(
        &mut self,
        outcome: CancelOutcome,
        reason: String,
        by: &Actor,
        now: DateTime<Utc>,
    ) {
        let cancellation = Cancellation { outcome, reason, at: now, by: by.clone() };
        match &mut self.body {
            Body::Incident(state) => *state = IncidentState::Cancelled(cancellation),
            Body::Request(request) => request.state = RequestState::Cancelled(cancellation),
        }
    }
}
