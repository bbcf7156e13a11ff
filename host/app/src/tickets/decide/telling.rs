//! Telling: the notification policies are asked who should hear of what happened.

use std::collections::{BTreeMap, BTreeSet};

use waypost_domain::{
    binding::Hook,
    event::{Actor, ActorKind, FieldChange},
    ids::{EventId, PersonId, TicketId},
    receipt::Outcome,
    ticket::{Notice, State},
};
use waypost_policy::{
    Answer,
    question::{self, EventKind},
};

use super::{TicketDraft, opening};
use crate::{
    Caller, CommandError, Desk,
    same_cases::same_cases,
    tickets::{
        evaluation::Part,
        messages::{self, Draft},
        write::NewEvent,
    },
};

/// Something that happened to a ticket, of which people may want to hear.
pub(crate) struct NotifiableEvent {
    /// The public text that came with it.
    pub(crate) text: Option<String>,
    /// The people whose approval is asked for.
    pub(crate) approvers: Vec<PersonId>,
    /// Whoever hears of this ticket by the same command has heard of it.
    pub(crate) unless_told_of: Option<TicketId>,
    notice: Notice,
    actor: Actor,
    was: State,
    /// How many events there were when it happened: the last of them is it.
    events: usize,
}

impl NotifiableEvent {
    pub(super) fn new(notice: Notice, actor: &Actor, was: State, events: usize) -> Self {
        let actor = actor.clone();
        Self { text: None, approvers: Vec::new(), unless_told_of: None, notice, actor, was, events }
    }

    /// The place of its event among those of the command. A ticket is created by the first.
    fn place(&self) -> usize {
        if self.notice == Notice::Created { 0 } else { self.events.saturating_sub(1) }
    }
}

/// Asks the notification policies about everything that happened to these tickets and was not told
/// yet. They are the last ones asked.
pub(crate) async fn tell(
    desk: &Desk,
    caller: &Caller,
    items: &mut Vec<TicketDraft>,
) -> Result<(), CommandError> {
    let is_any_asked = |one: &TicketDraft| {
        !one.happened.is_empty() && !one.facts.layers.of(Hook::Notify).is_empty()
    };
    if items.iter().any(is_any_asked) {
        opening::run_stage(desk, caller, items, TicketDraft::notify_and_pack).await?;
        tell_once(items);
    }
    Ok(())
}

/// Whoever hears of one of two tickets that became one does not hear the same of the other.
fn tell_once(items: &mut [TicketDraft]) {
    let repeats = |draft: &Draft| draft.unless_told_of.is_some();
    if !items.iter().any(|one| one.write.drafts.iter().any(repeats)) {
        return;
    }
    let told: BTreeMap<TicketId, BTreeSet<PersonId>> = items
        .iter()
        .map(|one| {
            let people = one.write.drafts.iter().flat_map(Draft::people).collect();
            (one.write.ticket.id, people)
        })
        .collect();
    for draft in items.iter_mut().flat_map(|one| &mut one.write.drafts) {
        if let Some(people) = draft.unless_told_of.and_then(|id| told.get(&id)) {
            draft.leave_out(people);
        }
    }
}

impl TicketDraft {
    /// What happened, as policies are told it.
    fn event_of(&mut self, happened: &NotifiableEvent) -> question::Event {
        let (entropy, now) = (&self.desk.entropy, self.now);
        let mut id_of = |event: &mut NewEvent| {
            let id = event.id.get_or_insert_with(|| EventId(entropy.id(now)));
            id.to_string()
        };
        let events = &mut self.write.events;
        let place = happened.place();
        let cause = if place > 0 { events.first_mut().map(&mut id_of) } else { None };
        let event = events.get_mut(place);
        let (id, mut changes) = match event {
            Some(event) => (id_of(event), event.changes.iter().map(field_change).collect()),
            None => (EventId(entropy.id(now)).to_string(), Vec::new()),
        };
        // A state that an earlier event of the command changed belongs to what happened too.
        let (was, is) = (happened.was.as_str(), self.write.ticket.state().as_str());
        let has_state = changes.iter().any(|change| change.field == "state");
        if happened.notice != Notice::Created && was != is && !has_state {
            changes.push(question::FieldChange {
                field: "state".to_owned(),
                before: Some(was.to_owned()),
                after: Some(is.to_owned()),
            });
        }
        question::Event {
            id,
            kind: event_kind(happened.notice),
            cause,
            actor: actor_kind(happened.actor.kind),
            actor_person: happened.actor.person.map(|id| id.to_string()),
            changes,
            text: happened.text.clone(),
            approvers: happened.approvers.iter().map(ToString::to_string).collect(),
        }
    }

    fn notify_and_pack(&mut self) {
        self.notify();
        self.pack();
    }

    fn notify(&mut self) {
        for happened in std::mem::take(&mut self.happened) {
            let event = self.event_of(&happened);
            let part = Part::Event(event.clone());
            for said in self.ask(Hook::Notify, Some(&part), |_, _| false) {
                let Some(Answer::Notifications(answer)) = &said.answer else { continue };
                let name = self.name_of(&said);
                let told = messages::Told {
                    event: &event,
                    ticket: &self.write.ticket,
                    proposer: self.proposer(&name, &said),
                };
                let (mut drafts, overruled) = messages::drafts(answer, &told, self.now);
                for draft in &mut drafts {
                    draft.unless_told_of = happened.unless_told_of;
                }
                self.write.drafts.extend(drafts);
                if let Some(evaluation) = &mut self.asking.evaluation
                    && !overruled.is_empty()
                {
                    evaluation.set_outcome(said.receipt, Outcome::Overruled(overruled));
                }
            }
        }
    }
}

same_cases! {
    fn event_kind(Notice) -> EventKind {
        Created, Assigned, StateChanged, PriorityChanged, Commented, EtaChanged,
        ApprovalRequested, ApprovalDecided, VoteLate, Escalated, Resolved, Closed, MajorChanged,
    }
}

fn field_change(change: &FieldChange) -> question::FieldChange {
    question::FieldChange {
        field: change.field.clone(),
        before: change.before.clone(),
        after: change.after.clone(),
    }
}

same_cases! {
    fn actor_kind(ActorKind) -> question::ActorKind { User, Mail, Api, Alert, Policy, System }
}
