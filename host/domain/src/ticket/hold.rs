//! Holding: a ticket waits for somebody or something outside the desk.

use chrono::{DateTime, Utc};

use crate::{
    event::Change,
    ids::PersonId,
    incident::{Awaiting, AwaitingKind, Hold, IncidentState},
    refusal::{Faults, Refused},
    request::RequestState,
    text,
    ticket::{Action, Body, Ticket},
};

/// What a hold needs. Which fields are mandatory depends on whom it waits for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Holding<'a> {
    /// Whom or what it waits for.
    pub awaiting: Option<AwaitingKind>,
    /// The vendor's name, when it waits for one.
    pub vendor: Option<&'a str>,
    /// Who must supply the evidence, when it waits for some.
    pub person: Option<PersonId>,
    /// The public question to the caller, when it waits for them.
    pub comment: Option<&'a str>,
    /// When somebody should look again.
    pub follow_up_at: Option<DateTime<Utc>>,
}

impl Ticket {
    /// Lets it wait. Holding it again for another reason starts a new wait; for the same reason it is refused,
    /// because that would only hide how long it has waited.
    pub fn hold(
        &mut self,
        holding: Holding<'_>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        self.demand(Action::Hold)?;
        let mut faults = Faults::new();
        let awaiting = holding.awaiting(&mut faults);
        if let Some(comment) = holding.comment.filter(|_| awaiting != Some(Awaiting::Caller)) {
            text::optional("/comment", comment.trim(), &mut faults);
        }
        if holding.follow_up_at.is_some_and(|follow_up| follow_up <= now) {
            faults.wrong("/follow_up_at", "in-the-past", "name a time that is still to come");
        }
        let awaiting = faults.finish_with(awaiting)?;
        if self.held().is_some_and(|hold| hold.awaiting == awaiting) {
            return Err(Refused::guard(format!(
                "it waits for this {} already; resume it, or hold it for another reason",
                awaiting.as_str()
            )));
        }
        let before = self.clone();
        let hold = Hold { awaiting, since: now, follow_up_at: holding.follow_up_at };
        match &mut self.body {
            Body::Incident(state) => *state = IncidentState::OnHold(hold),
            Body::Request(request) => request.state = RequestState::OnHold(hold),
        }
        self.state_since = now;
        Ok(self.settle(&before, None, now))
    }

    /// Ends the waiting: the desk works on it again.
    pub fn resume(&mut self, now: DateTime<Utc>) -> Result<Vec<Change>, Refused> {
        self.demand(Action::Resume)?;
        let before = self.clone();
        match &mut self.body {
            Body::Incident(state) => *state = IncidentState::InProgress,
            Body::Request(request) => request.state = RequestState::InFulfilment,
        }
        Ok(self.settle(&before, None, now))
    }

    /// What it waits for, while it is on hold.
    #[must_use]
    pub fn held(&self) -> Option<&Hold> {
        match &self.body {
            Body::Incident(IncidentState::OnHold(hold)) => Some(hold),
            Body::Incident(_) => None,
            Body::Request(request) => match &request.state {
                RequestState::OnHold(hold) => Some(hold),
                RequestState::New
                | RequestState::AwaitingApproval
                | RequestState::InFulfilment
                | RequestState::Fulfilled(_)
                | RequestState::Rejected { .. }
                | RequestState::Closed { .. }
                | RequestState::Cancelled(_) => None,
            },
        }
    }
}

impl Holding<'_> {
    /// Whom or what it waits for; notes what is missing for it.
    fn awaiting(&self, faults: &mut Faults) -> Option<Awaiting> {
        match self.awaiting {
            None => {
                let message = format!("say what it waits for: {}", AwaitingKind::NAMES.join(", "));
                faults.missing("/awaiting", message);
                None
            }
            Some(AwaitingKind::Caller) => {
                text::body("/comment", self.comment, "ask the caller in public", faults);
                Some(Awaiting::Caller)
            }
            Some(AwaitingKind::Vendor) => {
                let vendor = self.vendor.unwrap_or("").trim();
                if vendor.is_empty() {
                    faults.missing("/vendor", "name the vendor that it waits for");
                    return None;
                }
                Some(Awaiting::Vendor(text::name("/vendor", vendor, faults)))
            }
            Some(AwaitingKind::Evidence) => {
                if self.person.is_none() {
                    faults.missing("/person", "name the person who must supply the evidence");
                }
                self.person.map(Awaiting::Evidence)
            }
        }
    }
}
