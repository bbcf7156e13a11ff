//! Telling: the notification policies are asked who should hear of what happened.

use waypost_domain::{
    binding::Hook,
    event::{Actor, ActorKind},
    ids::PersonId,
    receipt::Outcome,
    ticket::{Notice, State},
};
use waypost_policy::{
    Answer,
    contract::{self, EventKind},
};

use super::{Deciding, opening};
use crate::{
    Caller, CommandError, Desk,
    tickets::{messages, round::Part},
};

/// Something that happened to a ticket, of which people may want to hear.
pub(crate) struct Happened {
    /// The public text that came with it.
    pub(crate) text: Option<String>,
    /// The people whose approval is asked for.
    pub(crate) approvers: Vec<PersonId>,
    notice: Notice,
    actor: Actor,
    was: State,
}

impl Happened {
    pub(super) fn new(notice: Notice, actor: &Actor, was: State) -> Self {
        Self { text: None, approvers: Vec::new(), notice, actor: actor.clone(), was }
    }

    fn event(&self) -> contract::Event {
        contract::Event {
            kind: event_kind(self.notice),
            actor: actor_kind(self.actor.kind),
            actor_person: self.actor.person.map(|id| id.to_string()),
            before_state: (self.notice != Notice::Created).then(|| self.was.as_str().to_owned()),
            text: self.text.clone(),
            approvers: self.approvers.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Asks the notification policies about everything that happened to these tickets and was not told yet.
pub(crate) async fn tell(
    desk: &Desk,
    caller: &Caller,
    items: &mut Vec<Deciding>,
) -> Result<(), CommandError> {
    let is_any_asked =
        |one: &Deciding| !one.happened.is_empty() && !one.facts.layers.of(Hook::Notify).is_empty();
    if items.iter().any(is_any_asked) {
        opening::phase(desk, caller, items, Deciding::notify).await?;
    }
    Ok(())
}

impl Deciding {
    fn notify(&mut self) {
        for happened in std::mem::take(&mut self.happened) {
            let event = happened.event();
            let part = Part::Event(event.clone());
            for said in self.ask(Hook::Notify, Some(&part), |_| false) {
                let Some(Answer::Notifications(answer)) = &said.answer else { continue };
                let (drafts, overruled) =
                    messages::drafts(answer, &event, &self.write.ticket, &self.facts, self.now);
                self.write.drafts.extend(drafts);
                if let Some(round) = &mut self.round
                    && !overruled.is_empty()
                {
                    round.settle(said.receipt, Outcome::Overruled(overruled));
                }
            }
        }
    }
}

fn event_kind(notice: Notice) -> EventKind {
    match notice {
        Notice::Created => EventKind::Created,
        Notice::Assigned => EventKind::Assigned,
        Notice::StateChanged => EventKind::StateChanged,
        Notice::PriorityChanged => EventKind::PriorityChanged,
        Notice::Commented => EventKind::Commented,
        Notice::EtaChanged => EventKind::EtaChanged,
        Notice::ApprovalRequested => EventKind::ApprovalRequested,
        Notice::ApprovalDecided => EventKind::ApprovalDecided,
        Notice::VoteLate | Notice::Escalated => EventKind::Escalated,
        Notice::Resolved => EventKind::Resolved,
        Notice::Closed => EventKind::Closed,
        Notice::MajorChanged => EventKind::MajorChanged,
    }
}

fn actor_kind(kind: ActorKind) -> contract::ActorKind {
    match kind {
        ActorKind::User => contract::ActorKind::User,
        ActorKind::Mail => contract::ActorKind::Mail,
        ActorKind::Api => contract::ActorKind::Api,
        ActorKind::Alert => contract::ActorKind::Alert,
        ActorKind::Policy => contract::ActorKind::Policy,
        ActorKind::System => contract::ActorKind::System,
    }
}
