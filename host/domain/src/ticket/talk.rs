//! Talking: what the desk and the caller tell each other about a ticket.

use chrono::{DateTime, Days, Utc};

use crate::{
    event::{Actor, ActorKind, Change},
    incident::{Awaiting, IncidentState},
    organization::OrgSettings,
    refusal::{Faults, Refused},
    request::RequestState,
    text,
    ticket::{Action, Body, Ticket},
};

/// What a reply of the caller did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It is kept as a comment; the state stays.
    Kept,
    /// It is kept, and the ticket waits for the caller no longer.
    Resumed(Vec<Change>),
    /// It is kept, and the incident is open again. The reopening is an event of its own, caused by the reply.
    Reopened(Vec<Change>),
    /// The ticket is over: the reply opens another one, see [`Ticket::following`].
    OpensAnother,
}

impl Ticket {
    /// Takes a public comment of the desk. The first one by a human is the first response, also by whoever wrote the ticket
    /// down for the caller.
    pub fn comment(
        &mut self,
        text: Option<&str>,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        self.demand(Action::Comment)?;
        check_comment(text)?;
        let before = self.clone();
        let is_human = matches!(by.kind, ActorKind::User | ActorKind::Mail);
        let is_desk = by.person.is_some_and(|person| person != self.requester);
        if is_human && is_desk && self.first_response_at.is_none() {
            self.first_response_at = Some(now);
        }
        Ok(self.settle(&before, None, now))
    }

    /// Takes an internal note, which no requester ever sees. Also allowed when it is over.
    pub fn note(&mut self, text: Option<&str>, now: DateTime<Utc>) -> Result<Vec<Change>, Refused> {
        self.demand(Action::Note)?;
        check_comment(text)?;
        let before = self.clone();
        Ok(self.settle(&before, None, now))
    }

    /// Says that the desk has seen it. Said again, it changes nothing: the first time is kept.
    pub fn acknowledge(&mut self, now: DateTime<Utc>) -> Result<Vec<Change>, Refused> {
        self.demand(Action::Acknowledge)?;
        if self.acknowledged_at.is_some() {
            return Ok(Vec::new());
        }
        let before = self.clone();
        self.acknowledged_at = Some(now);
        Ok(self.settle(&before, None, now))
    }

    /// Tells when service should be back; none withdraws what was told.
    pub fn set_eta(
        &mut self,
        eta: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        self.demand(Action::SetEta)?;
        let mut faults = Faults::new();
        if eta.is_some_and(|eta| eta <= now) {
            faults.wrong("/eta", "in-the-past", "tell a time that is still to come");
        }
        faults.finish()?;
        let before = self.clone();
        self.eta = eta;
        Ok(self.settle(&before, None, now))
    }

    /// Takes a reply of the caller.
    ///
    /// An answer that was waited for ends the waiting; an objection to a resolution reopens the incident, unless the
    /// organization has switched that off. Automatic mail is no reply; whoever calls this has sorted it out.
    pub fn caller_reply(
        &mut self,
        text: Option<&str>,
        settings: &OrgSettings,
        now: DateTime<Utc>,
    ) -> Result<Reply, Refused> {
        self.demand(Action::CallerReply)?;
        check_comment(text)?;
        let before = self.clone();
        let is_in_time = self.can_reopen(settings, now);
        match &mut self.body {
            Body::Incident(state) => match state {
                IncidentState::OnHold(hold) if hold.awaiting == Awaiting::Caller => {
                    *state = IncidentState::InProgress;
                    Ok(Reply::Resumed(self.settle(&before, None, now)))
                }
                IncidentState::Resolved(_) if settings.caller_reply_reopens => {
                    if !is_in_time {
                        return Ok(Reply::OpensAnother);
                    }
                    *state = IncidentState::InProgress;
                    self.count_reopening(now);
                    Ok(Reply::Reopened(self.settle(&before, None, now)))
                }
                IncidentState::New
                | IncidentState::InProgress
                | IncidentState::OnHold(_)
                | IncidentState::Resolved(_) => Ok(self.keep_reply(&before, now)),
                IncidentState::Closed { .. } | IncidentState::Cancelled(_) => {
                    Ok(Reply::OpensAnother)
                }
            },
            Body::Request(request) => match &request.state {
                RequestState::OnHold(hold) if hold.awaiting == Awaiting::Caller => {
                    request.state = RequestState::InFulfilment;
                    Ok(Reply::Resumed(self.settle(&before, None, now)))
                }
                RequestState::New
                | RequestState::AwaitingApproval
                | RequestState::InFulfilment
                | RequestState::OnHold(_)
                | RequestState::Fulfilled(_)
                | RequestState::Rejected { .. } => Ok(self.keep_reply(&before, now)),
                RequestState::Closed { .. } | RequestState::Cancelled(_) => Ok(Reply::OpensAnother),
            },
        }
    }

    /// Whether it was resolved or fulfilled recently enough to be reopened.
    #[must_use]
    pub fn can_reopen(&self, settings: &OrgSettings, now: DateTime<Utc>) -> bool {
        let window = Days::new(settings.reopen_window_days.into());
        self.done_at()
            .is_some_and(|done_at| done_at.checked_add_days(window).is_none_or(|end| now <= end))
    }

    pub(crate) fn count_reopening(&mut self, now: DateTime<Utc>) {
        self.reopen_count += 1;
        self.last_reopened_at = Some(now);
    }

    /// Whether the person has the trouble or the wish, or wrote it down for somebody.
    #[must_use]
    pub fn is_of(&self, person: crate::ids::PersonId) -> bool {
        self.requester == person || self.opened_by == Some(person)
    }

    fn keep_reply(&mut self, before: &Self, now: DateTime<Utc>) -> Reply {
        self.settle(before, None, now);
        Reply::Kept
    }
}

fn check_comment(text: Option<&str>) -> Result<(), Refused> {
    let mut faults = Faults::new();
    text::body("/text", text, "write what you have to say", &mut faults);
    faults.finish()
}
