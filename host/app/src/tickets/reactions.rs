//! Reactions: what follows from a move for the tickets around it. One list, run for every command
//! of every door.
//!
//! A reaction looks at what the drafts were and are, reads what it needs only when there is
//! something to do, and adds drafts of its own. All of them are written in the command's one
//! commit.

use std::{collections::BTreeSet, future::ready, pin::Pin};

use waypost_domain::{
    approval::Approval,
    event::FieldChange,
    ids::TicketId,
    incident::MAX_CHILDREN,
    link::{LinkChange, Retold, made_with, removed_from, retold},
    said,
    task::{follow_siblings, planned},
    ticket::{
        Action, Beside, Channel, Given, Notice, Opening, Phase, Stage, State, Ticket, TicketKind,
        Turn, Value,
    },
};
use waypost_store::{
    ReadTx, catalog, link, ticket,
    ticket::{TicketFilter, TicketSort},
};

use super::{
    content::content_digest,
    decide::{self, TicketDraft, system},
    scene::Scene,
};
use crate::CommandError;

/// What a reaction returns while it reads.
type Reacting<'s> = Pin<Box<dyn Future<Output = Result<(), CommandError>> + Send + 's>>;

/// One reaction.
pub(crate) type Reaction = for<'s> fn(&'s mut Scene<'_>) -> Reacting<'s>;

/// All of them, in their order.
pub(crate) const REACTIONS: &[Reaction] = &[
    |scene| {
        approvals_end(scene);
        at_once()
    },
    |scene| Box::pin(incidents_follow(scene)),
    |scene| Box::pin(children_go_on(scene)),
    |scene| Box::pin(children_follow(scene)),
    |scene| Box::pin(links_go_on(scene)),
    |scene| Box::pin(tasks_follow(scene)),
    |scene| {
        leaders_are_told(scene);
        at_once()
    },
    |scene| Box::pin(majors_are_found(scene)),
];

/// What a reaction that reads nothing returns.
fn at_once<'s>() -> Reacting<'s> {
    Box::pin(ready(Ok(())))
}

/// All children of an incident, whatever became of them.
pub(crate) fn children_of(parent: TicketId) -> TicketFilter {
    TicketFilter {
        parent: Some(parent),
        kinds: vec![TicketKind::Incident],
        ..TicketFilter::default()
    }
}

/// What is cancelled or revised needs no votes, nor does what is not what the approvers were shown
/// any more: its open round of approval ends, as an event of its own.
fn approvals_end(scene: &mut Scene<'_>) {
    let now = scene.caller.now;
    for draft in &mut scene.drafts {
        if !draft.write.changed_approvals.is_empty() {
            continue;
        }
        let ticket = &draft.write.ticket;
        let ends = |open: &Approval| {
            !ticket.can_await_approval() || open.content_digest != content_digest(ticket)
        };
        let Some(mut open) = draft.open_round.take().filter(ends) else { continue };
        let changes = open.cancel(now);
        draft.did(Action::VoidApproval, &system(), changes);
        draft.write.changed_approvals.push(open);
    }
}

/// Who leads a major incident since this command, and did not before, hears what there is to do.
/// What a rule accepts tells them itself.
fn leaders_are_told(scene: &mut Scene<'_>) {
    for draft in &mut scene.drafts {
        let Some(before) = draft.before().map(Ticket::led_by) else { continue };
        if let Some(by) = draft.write.events.first().map(|event| event.actor.clone()) {
            draft.tell_leaders(before, &by);
        }
    }
}

/// The children of an incident work, wait for a vendor and are resolved with it.
async fn children_follow(scene: &mut Scene<'_>) -> Result<(), CommandError> {
    let moved = |draft: &TicketDraft| {
        let before = draft.before()?;
        let ticket = &draft.write.ticket;
        let is_moved = ticket.incident().is_some() && ticket.stage != before.stage;
        is_moved.then(|| (ticket.clone(), draft.first_action()))
    };
    let parents: Vec<_> = scene.drafts.iter().filter_map(moved).collect();
    for (parent, action) in parents {
        let active = TicketFilter { active: Some(true), ..children_of(parent.id) };
        let mut tx = scene.desk.store.read(scene.caller.org).await?;
        let children =
            ticket::list(&mut tx, &active, TicketSort::Opened, None, MAX_CHILDREN).await?;
        // A child that is moved by the same command itself, with its own problem, is left to that.
        let is_moved =
            |child: &Ticket| scene.drafts.iter().any(|draft| draft.write.ticket.id == child.id);
        let children: Vec<_> = children.into_iter().filter(|child| !is_moved(child)).collect();
        for child in children {
            let mut facts = scene.facts.clone();
            facts.around(&mut tx, &child).await?;
            let mut draft =
                TicketDraft::of_stored(scene.desk, facts, child, action.as_str(), scene.caller);
            draft.follow(&parent, action);
            if !draft.is_idle() {
                scene.drafts.push(draft);
            }
        }
    }
    Ok(())
}

/// The children of an incident that was cancelled, merged or converted go to the incident that goes
/// on, and follow that; or they stand alone. One that was converted to a problem is their problem,
/// unless they have another.
async fn children_go_on(scene: &mut Scene<'_>) -> Result<(), CommandError> {
    let ended = |draft: &TicketDraft| {
        let (before, ticket) = (draft.before()?, &draft.write.ticket);
        let is_ended = ticket.incident().is_some()
            && ticket.phase() == Phase::Cancelled
            && before.phase() != Phase::Cancelled;
        is_ended.then(|| (before.clone(), ticket.goes_on_in()))
    };
    let parents: Vec<_> = scene.drafts.iter().filter_map(ended).collect();
    for (before, goes_on) in parents {
        let mut tx = scene.desk.store.read(scene.caller.org).await?;
        let goes_on = match goes_on {
            Some(id) => scene.as_it_is(&mut tx, id).await?,
            None => None,
        };
        let incident = goes_on.clone().filter(|it| it.incident().is_some());
        let parent = match &incident {
            Some(target) => parent_of_children(&mut tx, target).await?,
            None => None,
        };
        let number = &before.number;
        let why = match &goes_on {
            Some(it) if incident.is_some() => {
                said!("its parent {number} was merged into {other}", number, other = it.number)
            }
            Some(it) => {
                said!("its parent {number} was converted to {other}", number, other = it.number)
            }
            None => said!("its parent {number} was cancelled", number),
        };
        let problem = goes_on.filter(|it| it.problem().is_some());
        for child in ticket::children_of(&mut tx, before.id).await? {
            let place = scene.draft_of(&mut tx, child, Action::Edit).await?;
            let draft = &mut scene.drafts[place];
            draft.leave_parent(&before.stage, parent.as_ref(), problem.as_ref(), &why)?;
        }
    }
    Ok(())
}

/// Where the children of an incident that is merged into this one go.
pub(crate) async fn parent_of_children(
    tx: &mut ReadTx,
    target: &Ticket,
) -> Result<Option<Ticket>, CommandError> {
    let its_parent = match target.parent {
        Some(id) => ticket::find(tx, id).await?,
        None => None,
    };
    Ok(target.takes_children(its_parent.as_ref()).cloned())
}

/// The links of what was merged, converted or is a duplicate are told of the ticket that goes on.
/// Each of the tickets tells it in its own history.
async fn links_go_on(scene: &mut Scene<'_>) -> Result<(), CommandError> {
    let ended = |draft: &TicketDraft| {
        let goes_on = draft.write.ticket.goes_on_in()?;
        let is_news = draft.before()?.goes_on_in() != Some(goes_on);
        is_news.then_some((draft.write.ticket.id, goes_on))
    };
    let ended: Vec<_> = scene.drafts.iter().filter_map(ended).collect();
    for (ended, goes_on) in ended {
        let mut tx = scene.desk.store.read(scene.caller.org).await?;
        let links = link::of(&mut tx, &[ended.into(), goes_on.into()]).await?;
        if !links.iter().any(|link| link.seen_from(ended).is_some()) {
            continue;
        }
        let (Some(source), Some(target)) =
            (scene.as_it_is(&mut tx, ended).await?, scene.as_it_is(&mut tx, goes_on).await?)
        else {
            continue;
        };
        let (number, other) = (&source.number, &target.number);
        let why = said!("{number} goes on as {other}", number, other);
        for Retold { was, is } in retold(&links, &source, &target)? {
            let Some((link_type, other)) = was.seen_from(ended) else { continue };
            let Some(id) = other.ticket() else { continue };
            let Some(other) = scene.as_it_is(&mut tx, id).await? else { continue };
            let from_there = link_type.from_the_other_end();
            let source_place = scene.draft_of(&mut tx, source.clone(), Action::Unlink).await?;
            let draft = &mut scene.drafts[source_place];
            draft.linked(Action::Unlink, removed_from(link_type, &other), &why);
            draft.write.links.push(LinkChange::Removed(was));
            draft.write.links.extend(is.clone().map(LinkChange::Made));
            let other_place = scene.draft_of(&mut tx, other.clone(), Action::Unlink).await?;
            let draft = &mut scene.drafts[other_place];
            draft.linked(Action::Unlink, removed_from(from_there, &source), &why);
            if is.is_some() {
                draft.linked(Action::Link, made_with(from_there, &target), &why);
                let place = scene.draft_of(&mut tx, target.clone(), Action::Link).await?;
                scene.drafts[place].linked(Action::Link, made_with(link_type, &other), &why);
            }
        }
    }
    Ok(())
}

/// The incidents of a problem resume or are resolved when it is, whichever action does it; they go
/// to the problem that it is a duplicate of; and each of their callers reads once how to live with
/// it.
async fn incidents_follow(scene: &mut Scene<'_>) -> Result<(), CommandError> {
    let moved = |draft: &TicketDraft| {
        let (before, ticket) = (draft.before()?, &draft.write.ticket);
        ticket.problem()?;
        let is_settled = before.phase().is_active() && !ticket.phase().is_active();
        let concerns = is_settled || draft.first_action() == Action::Communicate;
        concerns.then(|| (ticket.clone(), draft.first_action(), is_settled, draft.text_told()))
    };
    let problems: Vec<_> = scene.drafts.iter().filter_map(moved).collect();
    for (problem, action, is_settled, text) in problems {
        let mut tx = scene.desk.store.read(scene.caller.org).await?;
        let goes_on = match problem.problem().and_then(|it| it.duplicate_of) {
            Some(id) => ticket::find(&mut tx, id).await?,
            None => None,
        };
        let mut callers = BTreeSet::new();
        for incident in ticket::caused_by(&mut tx, problem.id).await? {
            let mut facts = scene.facts.clone();
            facts.around(&mut tx, &incident).await?;
            let occasion = action.as_str();
            let mut draft =
                TicketDraft::of_stored(scene.desk, facts, incident, occasion, scene.caller);
            if is_settled {
                draft.follow_problem(&problem, goes_on.as_ref(), scene.resolves_incidents)?;
            } else {
                let caller = draft.write.ticket.requester;
                let tells = draft.write.ticket.phase().is_active() && callers.insert(caller);
                draft.hear_of_problem(&problem, text.clone(), tells)?;
            }
            if !draft.is_idle() {
                scene.drafts.push(draft);
            }
        }
    }
    Ok(())
}

/// Tasks are made when a request's fulfilment begins, follow each other, and end with their ticket.
/// A task that moved moves the version of its ticket, so that whoever fulfils it has seen all of
/// them.
async fn tasks_follow(scene: &mut Scene<'_>) -> Result<(), CommandError> {
    begin_tasks(scene).await?;
    end_tasks(scene).await?;
    let of_tasks = |draft: &TicketDraft| draft.write.ticket.task_of().filter(|_| !draft.is_planned);
    let mut parents: Vec<TicketId> = scene.drafts.iter().filter_map(of_tasks).collect();
    parents.sort_unstable();
    parents.dedup();
    for parent in parents {
        siblings_follow(scene, parent).await?;
        if !scene.drafts.iter().any(|draft| draft.write.ticket.id == parent) {
            let mut tx = scene.desk.store.read(scene.caller.org).await?;
            if let Some(parent) = ticket::find(&mut tx, parent).await? {
                let now = scene.caller.now;
                let draft = scene.add_stored(parent, "task");
                draft.write.ticket.updated_at = draft.write.ticket.updated_at.max(now);
                draft.write.is_touched = true;
            }
        }
    }
    Ok(())
}

/// Makes the tasks that the item of a request plans.
async fn begin_tasks(scene: &mut Scene<'_>) -> Result<(), CommandError> {
    let begins = |draft: &TicketDraft| {
        let ticket = &draft.write.ticket;
        let is_begun = draft
            .before()
            .is_some_and(|before| !matches!(before.state(), State::New | State::AwaitingApproval));
        (ticket.state() == State::InFulfilment && !is_begun).then(|| ticket.clone())
    };
    let requests: Vec<Ticket> = scene.drafts.iter().filter_map(begins).collect();
    for request in requests {
        let known = scene.drafts.iter().find(|it| it.write.ticket.id == request.id);
        let mut item = known.and_then(TicketDraft::item);
        let Some(id) = request.request().and_then(|it| it.item) else { continue };
        if item.is_none() {
            let mut tx = scene.desk.store.read(scene.caller.org).await?;
            item = catalog::find(&mut tx, id).await?;
        }
        let plan = item.map(|item| item.tasks).unwrap_or_default();
        if plan.is_empty() {
            continue;
        }
        let (desk, caller, facts) = (scene.desk, scene.caller, &scene.facts);
        let settings = &facts.directory.org.settings;
        let mut next_id = || TicketId(desk.id(caller));
        let tasks = planned(&plan, &request, facts, settings, &mut next_id, caller.now)?;
        for task in tasks {
            let mut draft = TicketDraft::of_new(desk, scene.facts.clone(), task, caller);
            draft.is_planned = true;
            let changes = draft.write.ticket.first_changes(&scene.facts);
            draft.did(Action::Create, &system(), changes);
            scene.drafts.push(draft);
        }
    }
    Ok(())
}

/// Cancels what is left of the tasks of what is over, done or rejected.
async fn end_tasks(scene: &mut Scene<'_>) -> Result<(), CommandError> {
    let ended = |draft: &TicketDraft| {
        let ticket = &draft.write.ticket;
        let before = draft.before()?;
        let ends = ticket.task().is_none() && before.phase() != ticket.phase();
        let why = ticket.ends_its_tasks().filter(|_| ends)?;
        Some((ticket.id, why))
    };
    let ended: Vec<_> = scene.drafts.iter().filter_map(ended).collect();
    for (id, why) in ended {
        let mut tx = scene.desk.store.read(scene.caller.org).await?;
        let tasks = ticket::tasks_of(&mut tx, id).await?;
        drop(tx);
        for task in tasks.into_iter().filter(|task| task.phase().is_active()) {
            // One that is linked to its ticket may have changed already.
            let known = scene.drafts.iter().position(|it| it.write.ticket.id == task.id);
            let draft = match known {
                Some(place) => &mut scene.drafts[place],
                None => scene.add_stored(task, Action::Cancel.as_str()),
            };
            let changes = draft.write.ticket.cancelled_with_parent(&why, draft.now());
            draft.is_planned = true;
            draft.did_because(Action::Cancel, &system(), changes, Some(why.clone()));
        }
    }
    Ok(())
}

/// Lets the tasks of one ticket open and wait because of each other.
async fn siblings_follow(scene: &mut Scene<'_>, parent: TicketId) -> Result<(), CommandError> {
    let mut tx = scene.desk.store.read(scene.caller.org).await?;
    let mut tasks = ticket::tasks_of(&mut tx, parent).await?;
    drop(tx);
    // As the command leaves them.
    for draft in &scene.drafts {
        let task = &draft.write.ticket;
        if task.task_of() == Some(parent) {
            match tasks.iter_mut().find(|known| known.id == task.id) {
                Some(known) => known.clone_from(task),
                None => tasks.push(task.clone()),
            }
        }
    }
    let before = tasks.clone();
    for (place, changes) in follow_siblings(&mut tasks, scene.caller.now) {
        let moved = tasks[place].clone();
        let drafted = scene.drafts.iter_mut().find(|draft| draft.write.ticket.id == moved.id);
        if let Some(draft) = drafted {
            draft.write.ticket = moved;
            draft.changed_too(changes);
        } else {
            let draft = scene.add_stored(before[place].clone(), Action::Release.as_str());
            draft.write.ticket = moved;
            draft.did(Action::Release, &system(), changes);
        }
    }
    Ok(())
}

/// The organization's rules look for major incidents.
async fn majors_are_found(scene: &mut Scene<'_>) -> Result<(), CommandError> {
    decide::evaluate_major_rules(scene.desk, scene.caller, &mut scene.drafts).await
}

impl Scene<'_> {
    /// A ticket as the command leaves it so far.
    async fn as_it_is(
        &mut self,
        tx: &mut ReadTx,
        id: TicketId,
    ) -> Result<Option<Ticket>, CommandError> {
        match self.drafts.iter().find(|draft| draft.write.ticket.id == id) {
            Some(draft) => Ok(Some(draft.write.ticket.clone())),
            None => Ok(ticket::find(tx, id).await?),
        }
    }

    /// The place of the draft of a stored ticket; one that the command does not change yet gets
    /// one.
    async fn draft_of(
        &mut self,
        tx: &mut ReadTx,
        ticket: Ticket,
        occasion: Action,
    ) -> Result<usize, CommandError> {
        if let Some(place) = self.drafts.iter().position(|it| it.write.ticket.id == ticket.id) {
            return Ok(place);
        }
        let mut facts = self.facts.clone();
        facts.around(tx, &ticket).await?;
        let draft =
            TicketDraft::of_stored(self.desk, facts, ticket, occasion.as_str(), self.caller);
        self.drafts.push(draft);
        Ok(self.drafts.len() - 1)
    }

    /// Opens the task of the review of an accepted risk, for the team of its problem.
    pub(crate) fn plan_risk_review(&mut self, problem: Ticket) -> Result<(), CommandError> {
        let (desk, caller) = (self.desk, self.caller);
        let line = format!("Review the accepted risk of {}", problem.number);
        let given = Given::default()
            .with("short_description", Value::Text(line))
            .with("description", Value::Text(problem.short_description.clone()))
            .with("channel", Value::Text(Channel::Schedule.to_string()))
            .with("parent", Value::Tickets(vec![problem.id]));
        let opening = Opening {
            id: TicketId(desk.id(caller)),
            org: problem.org,
            kind: TicketKind::Task,
            opened_by: None,
            given: &given,
            item: None,
            team: Some(problem.team),
        };
        let settings = &self.facts.directory.org.settings;
        let task = Ticket::open(opening, settings, caller.now)?;
        let mut draft = TicketDraft::of_new(desk, self.facts.clone(), task, caller);
        let changes = draft.write.ticket.first_changes(&self.facts);
        draft.did(Action::Create, &system(), changes);
        self.drafts.push(draft);
        let draft = self.add_stored(problem, Action::Create.as_str());
        draft.write.ticket.open_risk_review(caller.now);
        draft.write.is_touched = true;
        Ok(())
    }
}

impl TicketDraft {
    /// Notes a link that was made or removed because a ticket at its end goes on as another.
    fn linked(&mut self, action: Action, change: FieldChange, why: &str) {
        let (as_it_is, now) = (self.write.ticket.clone(), self.now());
        let mut changes = self.write.ticket.absorb(as_it_is, now);
        changes.push(change);
        self.did_because(action, &system(), changes, Some(why.to_owned()));
    }

    /// A child whose parent has ended: it becomes a child of the incident that goes on and follows
    /// that, or it stands alone; and what its parent has become is its problem, if that is one.
    fn leave_parent(
        &mut self,
        was: &Stage,
        parent: Option<&Ticket>,
        problem: Option<&Ticket>,
        why: &str,
    ) -> Result<(), CommandError> {
        let (before, now) = (self.write.ticket.state(), self.now());
        let changes = self.write.ticket.leave_parent(was, parent, now);
        self.did_because(Action::Edit, &system(), changes, Some(why.to_owned()));
        let has_none = self.write.ticket.incident().is_some_and(|it| it.problem.is_none());
        if let Some(problem) = problem.filter(|_| has_none) {
            let given = Given::default().with("problem", Value::Tickets(vec![problem.id]));
            let (facts, settings) = (self.facts().clone(), self.settings());
            let changes = self.write.ticket.edit(&given, &[], &facts, &settings, now)?;
            self.changed_too(changes);
        }
        let so_far = self.write.events.len();
        if let Some(parent) = parent {
            let action = match parent.phase() {
                Phase::Open => Action::Start,
                Phase::OnHold => Action::Hold,
                Phase::Done => Action::Resolve,
                Phase::Rejected | Phase::Closed | Phase::Cancelled => Action::Edit,
            };
            self.follow(parent, action);
        }
        // What it follows the other incident to is told by that.
        if self.write.events.len() == so_far && self.write.ticket.state() != before {
            self.happened(Notice::StateChanged, &system(), before);
        }
        Ok(())
    }

    /// An incident whose problem is settled: it resumes if it is on hold for it, is resolved if
    /// that was asked for, and goes to the problem that goes on if its own is a duplicate. On hold,
    /// it waits for that one then.
    fn follow_problem(
        &mut self,
        problem: &Ticket,
        goes_on: Option<&Ticket>,
        resolves: bool,
    ) -> Result<(), CommandError> {
        if let Some(goes_on) = goes_on {
            let given = Given::default().with("problem", Value::Tickets(vec![goes_on.id]));
            let facts = self.facts().clone();
            let settings = self.settings();
            let now = self.now();
            let changes = self.write.ticket.edit(&given, &[], &facts, &settings, now)?;
            let reason = Some(said!("{number} is a duplicate", number = problem.number).into());
            self.did_because(Action::Edit, &system(), changes, reason);
            if goes_on.phase().is_active() {
                return Ok(());
            }
        }
        let settled = goes_on.unwrap_or(problem);
        if !self.write.ticket.phase().is_active() {
            return Ok(());
        }
        if resolves {
            let was = self.write.ticket.state();
            let changes = self.moves(|ticket, with| ticket.resolve_with(settled, with));
            let notes = self.write.ticket.stage.outcome().map(|outcome| outcome.notes.clone());
            let reason = notes.clone().map(|notes| self.naming_what_lacks(notes));
            self.did_because(Action::Resolve, &system(), changes, reason);
            self.happened(Notice::Resolved, &system(), was).text = notes;
            return Ok(());
        }
        if self.write.ticket.awaits_problem(settled.id) {
            let reason = said!("{number} is resolved", number = settled.number);
            let reason = Value::Text(reason.into());
            let given = Given::default().with("reason", reason);
            return self.takes(Action::Resume, &given);
        }
        Ok(())
    }

    /// An incident whose caller reads how to live with its problem; whether they are told of it as
    /// well, or are already for another of their incidents.
    fn hear_of_problem(
        &mut self,
        problem: &Ticket,
        text: Option<String>,
        tells: bool,
    ) -> Result<(), CommandError> {
        if !self.write.ticket.phase().is_active() {
            return Ok(());
        }
        let text = Value::Text(text.unwrap_or_default());
        let reason = said!("{number} communicates", number = problem.number);
        let given = Given::default().with("text", text).with("reason", Value::Text(reason.into()));
        self.takes(Action::Comment, &given)?;
        if !tells {
            self.hush();
        }
        Ok(())
    }

    /// Takes an action that follows from another's, or from the clock.
    pub(crate) fn takes(&mut self, action: Action, given: &Given) -> Result<(), CommandError> {
        let was = self.write.ticket.state();
        let (by, settings, facts) = (system(), self.settings(), self.facts().clone());
        let mut beside = Beside::default();
        let mut turn = Turn::new(given, &by, self.now(), &settings, &facts, &mut beside);
        let done = self.write.ticket.perform(action, &mut turn)?;
        self.performed(done, &by, was);
        Ok(())
    }
}
