//! Drafts of tickets: the policies' answers, judged by the domain and turned into what is written.
//!
//! Policies run in phases on blocking threads, with a permit of the organization's fair share;
//! between the phases, what they named is looked up. No transaction is open while one runs.

mod approving;
mod foresight;
mod keeping;
mod majors;
mod opening;
mod proposals;
mod run_blocking;
mod stalling;
mod telling;
mod voting;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use waypost_domain::{
    approval::Approval,
    binding::Hook,
    catalog::CatalogItem,
    comment::{Comment, Visibility},
    event::{Actor, ActorKind, FieldChange},
    ids::{CommentId, PersonId, SuggestionId, TicketId},
    incident::Following,
    organization::OrgSettings,
    proposal::{FieldsTaken, Judged, Proposer},
    receipt::Outcome,
    role::Role,
    said,
    said::Said,
    suggestion::{SuggestedField, Suggestion, SuggestionState},
    ticket::{self, Action, Done, Notice, Stage, State, Ticket},
};
use waypost_policy::{Answer, question};
use waypost_store::StoreError;

use super::{
    evaluation::{Evaluation, Finished, Part, PolicyAnswer},
    facts::Facts,
    snapshot::{self, Snapshot, Unwritten},
    write::{NewEvent, TicketWrite},
};
use crate::{Caller, Desk, layers::Asked};

pub(crate) use self::approving::{foresee_submission, submit};
pub(crate) use self::foresight::Foresight;
pub(crate) use self::keeping::{Kept, keep_voters, needs_care};
pub(crate) use self::majors::evaluate_major_rules;
pub(crate) use self::opening::{foresee, foresee_routing, give_numbers, open, route_again};
pub(crate) use self::stalling::{Nudged, expect_votes, looks_after_approvals, nudge};
pub(crate) use self::telling::{NotifiableEvent, tell};

/// A ticket that is being decided on.
pub(crate) struct TicketDraft {
    /// What will be written.
    pub(crate) write: TicketWrite,
    /// Whether a request is handed in at once.
    pub(crate) submits: bool,
    desk: Desk,
    facts: Facts,
    now: DateTime<Utc>,
    /// Who does it.
    by: Actor,
    occasion: String,
    asking: Asking,
    voters: Voters,
    happened: Vec<NotifiableEvent>,
    /// Votes that are waited for.
    waiting: Vec<stalling::Waiting>,
    /// The ticket as it was when the command began; none of one that is opened.
    before: Option<Ticket>,
    /// The open round of approval, as it was when the command began.
    pub(crate) open_round: Option<Approval>,
    /// Whether it is a task that is planned or ended together with its ticket, which is written in
    /// any case.
    pub(crate) is_planned: bool,
    /// The public text of what was done.
    text: Option<String>,
    /// Where it is only asked what would be decided, and nothing is kept.
    foresight: Option<Foresight>,
}

/// How far the policies were asked about a draft.
#[derive(Default)]
struct Asking {
    evaluation: Option<Evaluation>,
    /// The evaluation, once nothing more is asked; then the other one is gone.
    packed: Option<Result<Finished, StoreError>>,
    /// The facts as the last question had them, because most of them are the same for all
    /// questions.
    context: Option<question::Context>,
    /// Fields that somebody has given: a person of the desk, or an earlier policy.
    taken: FieldsTaken,
    /// What `categorize` answered and was not judged yet.
    answers: Vec<PolicyAnswer>,
    plan: Option<approving::PlanAnswer>,
    /// Whether the round of approval that begins is the policy's plan, not the fallback.
    follows_plan: bool,
}

/// Who can be asked for a vote about a draft.
struct Voters {
    /// People, and whether they can vote.
    people: BTreeMap<PersonId, bool>,
    /// The managers of people whom a plan names.
    managers: BTreeMap<PersonId, PersonId>,
    /// The number of the latest round; 0 if there was none.
    last_round: i64,
}

impl TicketDraft {
    /// A ticket that has just come in. What a person of the desk has filled in, policies leave
    /// alone.
    pub(crate) fn of_new(desk: &Desk, facts: Facts, ticket: Ticket, caller: &Caller) -> Self {
        let mut deciding = Self::of(desk, facts, TicketWrite::new(ticket), "create", caller);
        if matches!(caller.role, Role::Agent | Role::Admin) {
            deciding.take_given();
        }
        deciding
    }

    /// A stored ticket that something happens to.
    pub(crate) fn of_stored(
        desk: &Desk,
        facts: Facts,
        ticket: Ticket,
        occasion: &str,
        caller: &Caller,
    ) -> Self {
        Self::of(desk, facts, TicketWrite::of(ticket), occasion, caller)
    }

    fn of(desk: &Desk, facts: Facts, write: TicketWrite, occasion: &str, caller: &Caller) -> Self {
        let mut people: BTreeMap<PersonId, bool> =
            facts.desk_people.values().map(|one| (one.id, facts.can_vote(one))).collect();
        people.extend(facts.manager.iter().map(|one| (one.id, facts.can_vote(one))));
        let before = (!write.is_new).then(|| write.ticket.clone());
        Self {
            write,
            submits: false,
            desk: desk.clone(),
            facts,
            now: caller.now,
            by: caller.actor.clone(),
            occasion: occasion.to_owned(),
            asking: Asking::default(),
            voters: Voters { people, managers: BTreeMap::new(), last_round: 0 },
            happened: Vec::new(),
            waiting: Vec::new(),
            before,
            open_round: None,
            is_planned: false,
            text: None,
            foresight: None,
        }
    }

    /// Says that the sender chose the kind of ticket, which policies then leave alone.
    pub(crate) fn fix_kind(&mut self) {
        self.asking.taken.take(SuggestedField::Kind, &said!("the sender"));
    }

    /// Says that nothing of it is kept.
    fn only_foresee(&mut self, foresight: &Foresight) {
        self.foresight = Some(foresight.clone());
    }

    /// Whether policies were left out because the preview was over, so that it does not say what
    /// would be decided.
    pub(crate) fn is_cut_short(&self) -> bool {
        self.asking.evaluation.as_ref().is_some_and(Evaluation::is_cut_short)
    }

    /// The mark of the policies that failed so far.
    pub(crate) fn failures_so_far(&self) -> Option<String> {
        self.asking.evaluation.as_ref().and_then(Evaluation::mark_so_far)
    }

    fn take_given(&mut self) {
        let ticket = &self.write.ticket;
        let given = [
            (SuggestedField::Category, ticket.category.is_some()),
            (SuggestedField::Service, ticket.service.is_some()),
            (SuggestedField::Ci, ticket.ci.is_some()),
            (SuggestedField::Impact, ticket.impact.is_some()),
            (SuggestedField::Urgency, ticket.urgency.is_some()),
        ];
        for (field, _) in given.into_iter().filter(|(_, is_given)| *is_given) {
            self.asking.taken.take(field, &said!("the sender"));
        }
    }

    /// Notes what was done, by whom.
    pub(crate) fn did(&mut self, action: Action, by: &Actor, changes: Vec<FieldChange>) {
        self.write.events.push(NewEvent::new(action, by, changes));
    }

    /// Notes what was done, by whom, and why.
    pub(crate) fn did_because(
        &mut self,
        action: Action,
        by: &Actor,
        changes: Vec<FieldChange>,
        reason: Option<String>,
    ) {
        self.write.events.push(NewEvent::new(action, by, changes).because(reason));
    }

    /// Adds to what the last thing that was done has changed.
    pub(crate) fn changed_too(&mut self, changes: Vec<FieldChange>) {
        if let Some(last) = self.write.events.last_mut() {
            last.changes.extend(changes);
        }
    }

    /// Notes what people may want to hear of. More about it can be filled in.
    pub(crate) fn happened(
        &mut self,
        notice: Notice,
        actor: &Actor,
        was: State,
    ) -> &mut NotifiableEvent {
        self.happened.push(NotifiableEvent::new(notice, actor, was, self.write.events.len()));
        self.happened.last_mut().expect("one was just pushed")
    }

    /// Notes what a move did, as its row says that it is told.
    pub(crate) fn performed(&mut self, done: Done, by: &Actor, was: State) {
        let Done { action, changes, reason, tells, left } = done;
        self.say(left.said, by);
        match left.caused {
            // What Waypost does because of it is an event of its own, and holds the changes.
            Some(caused) => {
                self.did_because(action, by, Vec::new(), reason);
                self.did(caused, &system(), changes);
            }
            None => self.did_because(action, by, changes, reason),
        }
        self.text.clone_from(&left.text);
        if let Some(notice) = tells {
            self.happened(notice, by, was).text = left.text;
        }
        if tells != Some(Notice::PriorityChanged) {
            self.tell_of_priority(by, was);
        }
    }

    /// Tells of another ticket that it goes on in the place of that one, to those who hear nothing
    /// of that one by the same command.
    pub(crate) fn took_in(&mut self, source: TicketId, number: &str, by: &Actor) {
        let text = Ticket::was_merged(number);
        let said = ticket::NewComment { visibility: Visibility::Public, text: text.clone() };
        self.say(Some(said), &system());
        let was = self.write.ticket.state();
        let told = self.happened(Notice::Commented, by, was);
        told.text = Some(text);
        told.unless_told_of = Some(source);
    }

    /// Takes a reply to a ticket in whose place it goes on.
    pub(crate) fn heard(&mut self, done: Done, by: &Actor, replied_to: &str) {
        let was = self.write.ticket.state();
        let as_it_is = self.write.ticket.clone();
        let changes = self.write.ticket.absorb(as_it_is, self.now);
        let reason = Some(said!("reply to {number}", number = replied_to).into());
        self.say(done.left.said, by);
        self.did_because(Action::Comment, by, changes, reason);
        self.happened(Notice::Commented, by, was).text = done.left.text;
    }

    /// Says of a reply that it was given to another ticket, in whose place this one goes on.
    pub(crate) fn was_reply_to(&mut self, number: &str) {
        if let Some(first) = self.write.events.first_mut() {
            first.reason.get_or_insert_with(|| said!("reply to {number}", number).into());
        }
    }

    /// Says in whose place it goes on, to those who hear nothing of the other ticket by the same
    /// command.
    pub(crate) fn tell_what_goes_on(&mut self, goes_on: &Ticket) {
        if let Some(told) = self.happened.last_mut() {
            told.text = Some(goes_on.takes_its_place());
            told.unless_told_of = Some(goes_on.id);
        }
    }

    /// Keeps what was said, as a comment.
    fn say(&mut self, said: Option<ticket::NewComment>, by: &Actor) {
        let Some(ticket::NewComment { visibility, text }) = said else { return };
        self.write.comments.push(Comment {
            id: CommentId(self.desk.entropy.id(self.now)),
            subject: self.write.ticket.id.into(),
            visibility,
            author: by.clone(),
            text,
            created_at: self.now,
        });
    }

    /// Tells of another priority, whatever it follows from.
    pub(crate) fn tell_of_priority(&mut self, by: &Actor, was: State) {
        let priority = |ticket: &Ticket| ticket.priority.effective().0;
        let before = self.before.as_ref().map(priority);
        if before.is_some_and(|before| before != priority(&self.write.ticket)) {
            self.happened(Notice::PriorityChanged, by, was);
        }
    }

    /// Tells nobody of what has happened so far.
    pub(crate) fn hush(&mut self) {
        self.happened.clear();
    }

    /// Adds to what the first event says.
    pub(crate) fn add_to_first_event(&mut self, change: FieldChange) {
        if let Some(first) = self.write.events.first_mut() {
            first.changes.push(change);
        }
    }

    /// What was done first; an edit where nothing was.
    pub(crate) fn first_action(&self) -> Action {
        self.write.events.first().map_or(Action::Edit, |event| event.action)
    }

    /// The public text of what was done.
    pub(crate) fn text_told(&self) -> Option<String> {
        self.text.clone()
    }

    /// The time of the command.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Says which rounds of approval there were before.
    pub(crate) fn count_rounds(&mut self, last: i64) {
        self.voters.last_round = last;
    }

    /// Lets the child of an incident follow it, after that has moved by this action. Nothing
    /// happens where the move does not concern it.
    pub(crate) fn follow(&mut self, parent: &Ticket, action: Action) {
        let was = self.write.ticket.state();
        let changes = self.moves(|ticket, with| ticket.follow_parent(parent, with));
        if changes.is_empty() {
            return;
        }
        let (notice, text) = match &parent.stage {
            Stage::Done(_, outcome) => (Notice::Resolved, Some(outcome.notes.clone())),
            Stage::Open(_)
            | Stage::OnHold(_)
            | Stage::Rejected(_)
            | Stage::Closed(..)
            | Stage::Cancelled(_) => (Notice::StateChanged, None),
        };
        let reason = said!("follows its parent {number}", number = parent.number);
        let reason = self.naming_what_lacks(reason.into());
        self.did_because(action, &system(), changes, Some(reason));
        self.happened(notice, &system(), was).text = text;
    }

    /// Lets the ticket follow another one, under the organization's settings.
    pub(crate) fn moves(
        &mut self,
        by: impl FnOnce(&mut Ticket, &Following<'_>) -> Vec<FieldChange>,
    ) -> Vec<FieldChange> {
        let (facts, now, actor) = (&self.facts, self.now, system());
        let settings = &facts.directory.org.settings;
        by(&mut self.write.ticket, &Following { settings, directory: facts, by: &actor, now })
    }

    /// A reason, with what the organization demands of a resolved incident and this one lacks,
    /// because nobody was there to fill it in.
    pub(crate) fn naming_what_lacks(&self, reason: String) -> String {
        match self.write.ticket.resolved_without(&self.facts.directory.org.settings) {
            Some(lacking) => {
                said!("{reason}; demanded and still empty: {lacking}", reason, lacking).into()
            }
            None => reason,
        }
    }

    /// The ticket as it was when the command began; none of one that is opened.
    pub(crate) fn before(&self) -> Option<&Ticket> {
        self.before.as_ref()
    }

    /// The facts that it is decided on.
    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The catalog item that is asked for.
    pub(crate) fn item(&self) -> Option<CatalogItem> {
        self.facts.item.clone()
    }

    /// The organization's settings.
    pub(crate) fn settings(&self) -> OrgSettings {
        self.facts.directory.org.settings.clone()
    }

    /// Whether nothing has happened, so that there is nothing to write.
    pub(crate) fn is_idle(&self) -> bool {
        self.write.events.is_empty() && !self.write.is_touched
    }

    /// Ends the asking, and packs what was asked and answered: work for the thread that asked.
    fn pack(&mut self) {
        if let Some(evaluation) = self.asking.evaluation.take() {
            self.asking.packed = Some(evaluation.finish());
        }
    }

    /// Ends the deciding: nothing more is asked.
    pub(crate) fn finish(mut self) -> Result<TicketWrite, StoreError> {
        self.pack();
        let evaluation = self.asking.packed.transpose()?;
        Ok(TicketWrite { evaluation, ..self.write })
    }

    /// As [`Self::finish`], for several.
    pub(crate) fn finish_all(decided: Vec<Self>) -> Result<Vec<TicketWrite>, StoreError> {
        decided.into_iter().map(Self::finish).collect()
    }

    /// Asks the policies at a hook about the ticket as it is now.
    fn ask(
        &mut self,
        hook: Hook,
        part: Option<&Part>,
        enough: impl Fn(&Asked, &Answer) -> bool,
    ) -> Vec<PolicyAnswer> {
        if self.facts.layers.of(hook).is_empty() {
            return Vec::new();
        }
        let ticket = self.ticket_asked_about();
        let context = self.context();
        let otherwise = self.otherwise(hook);
        let evaluation = self.evaluation(&ticket, &context);
        let said = evaluation.ask(hook, &ticket, &context, part, enough, &otherwise);
        self.asking.context = Some(context);
        said
    }

    /// What stands if no policy decides at a hook.
    fn otherwise(&self, hook: Hook) -> Said {
        let ticket = &self.write.ticket;
        let has_fallback_team = ticket.team == self.facts.directory.org.settings.fallback_team;
        match hook {
            Hook::Categorize => said!("it stays as it was submitted"),
            Hook::Route if self.write.is_new && has_fallback_team => {
                said!("the organization's fallback team")
            }
            Hook::Route => said!("its team stays as it was"),
            Hook::Plan => said!("the organization's fallback approver"),
            Hook::Stalled => said!("nobody is reminded"),
            Hook::Notify => said!("nobody is notified by it"),
        }
    }

    /// The ticket as it is now, with what is about to be written.
    fn ticket_asked_about(&self) -> question::Ticket {
        let write = &self.write;
        let approval = write.new_approval.as_ref().or(write.changed_approvals.last());
        let unwritten = Unwritten { comments: &write.comments, approval };
        snapshot::ticket(&write.ticket, &self.facts, unwritten)
    }

    /// A policy at its binding, in front of this ticket.
    fn proposer<'a>(&'a self, name: &'a str, said: &PolicyAnswer) -> Proposer<'a> {
        proposer(&self.facts, name, &said.asked)
    }

    /// The facts, which follow the ticket where a hook changed its service or configuration item.
    fn context(&mut self) -> question::Context {
        let (facts, ticket) = (&self.facts, &self.write.ticket);
        match self.asking.context.take() {
            Some(context) => snapshot::following(context, facts, ticket),
            None => snapshot::context(facts, ticket, self.now),
        }
    }

    fn evaluation(
        &mut self,
        ticket: &question::Ticket,
        context: &question::Context,
    ) -> &mut Evaluation {
        let (desk, facts, now) = (&self.desk, &self.facts, self.now);
        let of = (self.write.ticket.org, self.write.ticket.id);
        let (occasion, foresight) = (&self.occasion, &self.foresight);
        self.asking.evaluation.get_or_insert_with(|| {
            let (layers, shared) = (facts.layers.clone(), facts.shared.clone());
            let teams_now = shared.teams_now(facts, now);
            let snapshot = Snapshot { ticket: ticket.clone(), context: context.clone(), teams_now };
            let begun = Evaluation::begin(desk, layers, shared, snapshot, of, occasion, now);
            match foresight {
                Some(foresight) => begun.for_preview(foresight.clone()),
                None => begun,
            }
        })
    }

    /// Says of a receipt what became of its answer, and keeps the suggestions.
    fn record(&mut self, said: &PolicyAnswer, judged: &Judged, reasons: &[String]) {
        let Some(evaluation) = &mut self.asking.evaluation else { return };
        let receipt = evaluation.receipt_id(said.receipt);
        if !judged.overruled.is_empty() {
            evaluation.set_outcome(said.receipt, Outcome::Overruled(judged.overruled.clone()));
        } else if !judged.suggestions.is_empty() && judged.changes.is_empty() {
            evaluation.set_outcome(said.receipt, Outcome::Suggested);
        }
        for suggestion in &judged.suggestions {
            self.write.suggestions.push(Suggestion {
                id: SuggestionId(self.desk.entropy.id(self.now)),
                ticket: self.write.ticket.id,
                receipt,
                field: suggestion.field,
                seen: suggestion.seen.clone(),
                value: suggestion.value.clone(),
                confidence: suggestion.confidence,
                reasons: reasons.to_vec(),
                state: SuggestionState::Open,
                created_at: self.now,
            });
        }
    }

    /// Notes what a policy did, with its digest and its reasons.
    fn policy_did(
        &mut self,
        action: Action,
        said: &PolicyAnswer,
        changes: Vec<FieldChange>,
        reasons: &[String],
    ) {
        if changes.is_empty() {
            return;
        }
        let policy = Actor { kind: ActorKind::Policy, person: None };
        let reason = (!reasons.is_empty()).then(|| reasons.join("; "));
        self.write.events.push(NewEvent {
            policy_digest: Some(said.asked.revision.component.clone()),
            ..NewEvent::new(action, &policy, changes).because(reason)
        });
    }

    /// How a policy is named where it stands in another's way.
    fn name_of(&self, said: &PolicyAnswer) -> String {
        let layer = self
            .facts
            .directory
            .lineage
            .iter()
            .find(|org| org.id == said.asked.binding.org)
            .map_or_else(|| said!("another layer").into(), |org| org.key.to_string());
        said!("policy `{name}` of {layer}", name = said.asked.binding.name, layer).into()
    }

    /// No turn came in time: the ticket goes on without being asked about, and is marked.
    fn mark_busy(&mut self) {
        let ticket = self.ticket_asked_about();
        let context = self.context();
        self.evaluation(&ticket, &context).degrade("no turn in time: busy".to_owned());
    }
}

/// A policy at its binding, with the names of teams as its layer reads them.
fn proposer<'a>(facts: &'a Facts, name: &'a str, asked: &Asked) -> Proposer<'a> {
    let lineage = &facts.directory.lineage;
    Proposer { name, layer: asked.binding.org, lineage, directory: facts }
}

/// Waypost itself, as an actor.
pub(crate) fn system() -> Actor {
    Actor { kind: ActorKind::System, person: None }
}
