//! Scenes: one command on tickets, from what is read to what is written. Every command of every
//! door goes this way.
//!
//! ```text
//! read ─▶ admit ─▶ perform ─▶ ask the policies ─▶ react ─▶ notify ─▶ commit
//! ```
//!
//! No policy runs while a transaction is open, and the answer is made from the scene: no query runs
//! inside the write transaction to build it.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};
use waypost_domain::{
    approval::Approval,
    ids::{ApprovalRequestId, PersonId, TicketId},
    incident::MAX_CHILDREN,
    permission::{self, Relation},
    refusal::{Faults, Refused},
    role::Role,
    said,
    suggestion::Suggestion,
    ticket::{Action, Asks, Beside, Given, Row, State, Ticket, Turn},
};
use waypost_store::{ReadTx, WriteTx, approval, link, ticket};

use super::{
    TicketRef, TicketView,
    content::content_digest,
    decide::{self, TicketDraft},
    facts::Facts,
    given::{Found, LookUps, Reader},
    names::Names,
    reactions, read,
    write::{self, TicketWrite},
};
use crate::{Caller, CommandError, Desk};

/// What one command looks at and changes.
pub(crate) struct Scene<'a> {
    pub(crate) desk: &'a Desk,
    pub(crate) caller: &'a Caller,
    /// What is the same for all tickets of the organization.
    pub(crate) facts: Facts,
    /// The tickets that it changes. The first one is what the caller gets back.
    pub(crate) drafts: Vec<TicketDraft>,
    /// The names of what they refer to, as far as they are known.
    pub(crate) names: Names,
    /// Whether the incidents of a problem that is resolved are resolved with it.
    pub(crate) resolves_incidents: bool,
    /// What the caller gets back, if it is not the first of the tickets that change.
    answer: Option<Ticket>,
    /// The facts around the ticket that the action names, or in which one goes on.
    facts_of_other: Option<Facts>,
}

/// A stored ticket that a command is about, with what stands around it.
struct Subject {
    ticket: Ticket,
    relation: Relation,
    beside: Beside,
    /// The open round of approval.
    open: Option<Approval>,
}

/// Carries out an action on a ticket.
///
/// With `expected_version`, somebody else's change in between is [`CommandError::Stale`]; without,
/// the action starts over on what is there then.
///
/// # Errors
/// In this order: not there or not visible, role, version, state, fields, what stands around it.
pub async fn act(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
    action: Action,
    input: Map<String, Json>,
    expected_version: Option<i64>,
) -> Result<TicketView, CommandError> {
    // Votes, for one, have their own way.
    if !action.is_asked_by_name() {
        return Err(CommandError::guard(said!(
            "`{action}` is not carried out by its name.",
            action
        )));
    }
    carry_out(desk, caller, named, action, &input, expected_version).await
}

/// Changes fields. `expected_version` is the version that the caller read; without, somebody else's
/// change in between is kept, and this one comes after it.
///
/// # Errors
/// In this order: not there or not visible, role, version, state, fields.
pub async fn edit(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
    fields: Map<String, Json>,
    expected_version: Option<i64>,
) -> Result<TicketView, CommandError> {
    carry_out(desk, caller, named, Action::Edit, &fields, expected_version).await
}

async fn carry_out(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
    action: Action,
    input: &Map<String, Json>,
    expected_version: Option<i64>,
) -> Result<TicketView, CommandError> {
    let attempt = || Box::pin(try_act(desk, caller, named, action, input, expected_version));
    if expected_version.is_some() {
        return attempt().await;
    }
    start_over_if_stale(desk, attempt, async || {
        let mut tx = desk.store.read(caller.org).await?;
        Ok(read::seen(&mut tx, caller, named).await?.ticket.id)
    })
    .await
}

/// The state in which an action would leave what the caller gets back; none where policies decide
/// on that, or it is a new ticket. Nothing is changed.
///
/// # Errors
/// As [`act`].
pub(super) async fn preview(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
    action: Action,
    input: &Map<String, Json>,
    expected_version: Option<i64>,
) -> Result<Option<State>, CommandError> {
    let performed = performed(desk, caller, named, action, input, expected_version);
    let (scene, row) = Box::pin(performed).await?;
    let draft = &scene.drafts[0];
    let ticket = scene.answer.as_ref().unwrap_or(&draft.write.ticket);
    if row.asks == Some(Asks::Plan) {
        ticket.check_submission(draft.facts().item.as_ref())?;
        return Ok(None);
    }
    // One that is opened instead has no number yet that it could be told by.
    Ok(Some(ticket.state()).filter(|_| scene.answer.is_some() || !draft.write.is_new))
}

async fn try_act(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
    action: Action,
    input: &Map<String, Json>,
    expected_version: Option<i64>,
) -> Result<TicketView, CommandError> {
    let performed = performed(desk, caller, named, action, input, expected_version);
    let (mut scene, row) = Box::pin(performed).await?;
    scene.ask(row).await?;
    scene.finish().await
}

/// Reads what an action is about, and performs it: what is left is to ask policies and to keep it.
pub(super) async fn performed<'a>(
    desk: &'a Desk,
    caller: &'a Caller,
    named: &TicketRef,
    action: Action,
    input: &Map<String, Json>,
    expected_version: Option<i64>,
) -> Result<(Scene<'a>, &'static Row), CommandError> {
    let (mut tx, facts) = Facts::open(desk, caller).await?;
    let mut scene = Scene::new(desk, caller, facts);
    let mut subject = Subject::read(&mut tx, caller, named).await?;
    let action = subject.means(caller, action);
    let admitted = subject.admit(caller, action, expected_version);
    let mut row = match admitted {
        Ok(row) => row,
        Err(refused) => return Err(subject.naming_what_goes_on(&mut tx, refused).await?),
    };
    let mut replied_to = None;
    if action == Action::CallerReply {
        let named = subject.ticket.clone();
        subject = subject.where_it_goes_on(&mut tx, caller).await?;
        if subject.ticket.id != named.id {
            row = subject.ticket.admit(action)?;
            replied_to = Some(named);
        }
    }
    let given = subject.given(&mut tx, &mut scene, row, input).await?;
    drop(tx);

    let is_seen = permission::sees(caller.role, subject.relation);
    scene.perform(subject, row, &given)?;
    if let Some(named) = replied_to {
        scene.was_reply_to(named, is_seen);
    }
    Ok((scene, row))
}

/// The last of the tickets that go on instead of a ticket, one after the other; the ticket itself
/// if it is worked on. What is over goes on in the ticket that took it up again, if that is for
/// this person.
async fn last_of(
    tx: &mut ReadTx,
    ticket: &Ticket,
    owner: Option<PersonId>,
) -> Result<Ticket, CommandError> {
    let mut last = ticket.clone();
    let mut passed = BTreeSet::from([last.id]);
    while !last.phase().is_active() {
        let next = match (last.goes_on_in(), owner) {
            (Some(id), _) => ticket::find(tx, id).await?,
            (None, Some(owner)) => {
                let following = ticket::following(tx, last.id).await?;
                following.into_iter().rev().find(|it| it.requester == Some(owner))
            }
            (None, None) => None,
        };
        let Some(next) = next.filter(|next| passed.insert(next.id)) else { break };
        last = next;
    }
    Ok(last)
}

impl From<read::Seen> for Subject {
    fn from(seen: read::Seen) -> Self {
        let beside = Beside { parent: seen.parent, ..Beside::default() };
        let (ticket, relation) = (seen.ticket, seen.relation);
        Self { ticket, relation, beside, open: seen.open_approval }
    }
}

impl Subject {
    async fn read(
        tx: &mut ReadTx,
        caller: &Caller,
        named: &TicketRef,
    ) -> Result<Self, CommandError> {
        Ok(read::seen(tx, caller, named).await?.into())
    }

    /// What is meant by an action: a public comment by whoever the ticket is for is their reply,
    /// also if they work at the desk; and so is one by a requester who wrote it down or watches it.
    fn means(&self, caller: &Caller, action: Action) -> Action {
        let Some(person) = caller.person() else { return action };
        let stands_by = self.relation.owns || self.relation.watches;
        let replies =
            self.ticket.requester == Some(person) || (caller.role == Role::Requester && stands_by);
        let takes_replies = self.ticket.rules().row(Action::CallerReply).is_some();
        if action == Action::Comment && replies && takes_replies {
            Action::CallerReply
        } else {
            action
        }
    }

    /// Where a reply to the ticket goes: to the last of those that go on instead of it, if replies
    /// are taken there. Whoever may reply to the ticket may reply there.
    async fn where_it_goes_on(
        self,
        tx: &mut ReadTx,
        caller: &Caller,
    ) -> Result<Self, CommandError> {
        let owner = self.ticket.requester.filter(|_| self.relation.owns);
        let last = last_of(tx, &self.ticket, owner).await?;
        if last.id == self.ticket.id {
            return Ok(self);
        }
        let takes_replies = last.rules().row(Action::CallerReply).is_some();
        if takes_replies && !last.phase().is_over() {
            return Ok(read::beside(tx, caller, last).await?.into());
        }
        let beside = Beside { goes_on: Some(last), ..self.beside };
        Ok(Self { beside, ..self })
    }

    /// A refusal by where the ticket stands, with the number of the ticket that goes on instead.
    async fn naming_what_goes_on(
        &self,
        tx: &mut ReadTx,
        mut refused: CommandError,
    ) -> Result<CommandError, CommandError> {
        if let CommandError::Refused(Refused::InvalidTransition { why, .. }) = &mut refused
            && let Some(id) = self.ticket.goes_on_in()
            && let Some(goes_on) = ticket::find(tx, id).await?
        {
            *why =
                said!("{why}; {number} goes on instead of it", why = *why, number = goes_on.number);
        }
        Ok(refused)
    }

    /// Refuses who may not, what was changed meanwhile, and what the state does not allow.
    fn admit(
        &self,
        caller: &Caller,
        action: Action,
        expected_version: Option<i64>,
    ) -> Result<&'static Row, CommandError> {
        permission::allows(caller.role, self.relation, action, &self.ticket)?;
        if expected_version.is_some_and(|expected| expected != self.ticket.version) {
            return Err(CommandError::Stale);
        }
        Ok(self.ticket.admit(action)?)
    }

    /// Reads what was given, and what the action has to know beside the ticket.
    async fn given(
        &mut self,
        tx: &mut ReadTx,
        scene: &mut Scene<'_>,
        row: &'static Row,
        input: &Map<String, Json>,
    ) -> Result<Given, CommandError> {
        let rules = self.ticket.rules();
        let is_edit = row.action == Action::Edit;
        let accepted: Vec<_> = if is_edit {
            rules.fields().filter(|field| field.edits).map(|it| (it.name, it.takes)).collect()
        } else {
            row.inputs.iter().map(|input| (input.name, input.takes)).collect()
        };
        let what = if is_edit {
            format!("An edit of {}", rules.with_article)
        } else {
            format!("The action {}", row.action)
        };
        let mut look_ups = LookUps::default();
        let mut reader = Reader {
            tx: &mut *tx,
            caller: scene.caller,
            facts: &mut scene.facts,
            look_ups: &mut look_ups,
            faults: Faults::new(),
            found: Found::default(),
            rules,
            subject: Some(self.ticket.id),
            drops_blanks: !is_edit,
        };
        reader.read(input, &accepted, &what).await?;
        let Reader { found, mut faults, .. } = reader;
        if is_edit {
            permission::allows_edit(scene.caller.role, &found.given, &self.ticket)?;
            self.check_relatives(tx, &found, &mut faults).await?;
        }
        faults.finish()?;
        scene.names.add_people(found.people.values());
        scene.names.add_tickets(found.target.iter().chain(&self.beside.parent));
        self.beside.target = found.target;
        self.beside.people = found.people;
        self.beside.suggestion = found.suggestion;
        self.look_around(tx, scene, row).await?;
        Ok(found.given)
    }

    /// Notes what stands against another parent or problem.
    async fn check_relatives(
        &self,
        tx: &mut ReadTx,
        found: &Found,
        faults: &mut Faults,
    ) -> Result<(), CommandError> {
        if let Some(id) = found.given.ticket("problem")
            && let Some(problem) = ticket::find(tx, id).await?
        {
            let is_awaited =
                self.ticket.stage.hold().is_some_and(|it| it.awaiting.problem().is_some());
            if problem.problem().is_none() {
                faults.wrong(
                    "/problem",
                    "other-kind",
                    said!("This ticket is not a problem; name a problem."),
                );
            } else if problem.phase().is_over() || is_awaited {
                problem.must_be_active()?;
            }
        }
        let given = found.given.ticket("parent").filter(|id| self.ticket.parent != Some(*id));
        let Some(id) = given else { return Ok(()) };
        let Some(parent) = ticket::find(tx, id).await? else { return Ok(()) };
        let of_child = ticket::count(tx, &reactions::children_of(self.ticket.id)).await?;
        self.ticket.check_parent(&parent, of_child > 0, faults);
        let of_parent = ticket::count(tx, &reactions::children_of(id)).await?;
        if of_parent >= u64::from(MAX_CHILDREN) {
            let message =
                said!("The parent has {most} children, the maximum.", most = MAX_CHILDREN);
            faults.wrong("/parent", "too-many", message);
        }
        Ok(())
    }

    /// Reads what the action's rules look at beside the ticket, and the facts that policies are
    /// told.
    async fn look_around(
        &mut self,
        tx: &mut ReadTx,
        scene: &mut Scene<'_>,
        row: &'static Row,
    ) -> Result<(), CommandError> {
        let (desk, caller) = (scene.desk, scene.caller);
        let is_merged = row.action == Action::MergeInto;
        let other = self.beside.target.as_ref().filter(|_| is_merged);
        if let Some(other) = other.or(self.beside.goes_on.as_ref()) {
            let mut facts = scene.facts.clone();
            facts.around(tx, other).await?;
            scene.facts_of_other = Some(facts);
        }
        scene.facts.around(tx, &self.ticket).await?;
        if let Some(target) = self.beside.target.clone().filter(|_| is_merged) {
            let children = ticket::children_of(tx, self.ticket.id).await?.len();
            self.beside.children = u32::try_from(children).unwrap_or(u32::MAX);
            if let Some(parent) = reactions::parent_of_children(tx, &target).await? {
                let already = ticket::count(tx, &reactions::children_of(parent.id)).await?;
                self.beside.target_children = u32::try_from(already).unwrap_or(u32::MAX);
            }
        }
        self.beside.item.clone_from(&scene.facts.item);
        self.beside.new_id = Some(TicketId(desk.id(caller)));
        if row.reads_links {
            let ends = std::iter::once(&self.ticket).chain(&self.beside.target);
            let ends: Vec<_> = ends.map(|end| end.id.into()).collect();
            self.beside.links = link::of(tx, &ends).await?;
        }
        let own = row.reads_tasks.then_some(self.ticket.id);
        if let Some(id) = self.ticket.task_of().or(own) {
            self.beside.tasks = ticket::tasks_of(tx, id).await?;
        }
        if self.ticket.can_await_approval() {
            let latest = approval::latest_of(tx, self.ticket.id.into()).await?;
            let digest = content_digest(&self.ticket);
            self.beside.is_approved = latest.as_ref().is_some_and(|round| {
                round.outcome == waypost_domain::approval::Outcome::Approved
                    && round.content_digest == digest
            });
            self.beside.round = latest;
            self.beside.new_vote = Some(ApprovalRequestId(desk.id(caller)));
            scene.facts.add_delegations(tx, caller.now).await?;
        }
        scene.names.add_open_round(self.ticket.id, self.open.clone());
        scene.names.read(tx, std::slice::from_ref(&self.ticket)).await?;
        Ok(())
    }
}

impl<'a> Scene<'a> {
    /// A scene without any ticket yet.
    pub(crate) fn new(desk: &'a Desk, caller: &'a Caller, facts: Facts) -> Self {
        let names = Names::of(&facts);
        Self {
            desk,
            caller,
            facts,
            drafts: Vec::new(),
            names,
            resolves_incidents: false,
            answer: None,
            facts_of_other: None,
        }
    }

    /// Adds a stored ticket.
    pub(crate) fn add_stored(&mut self, ticket: Ticket, occasion: &str) -> &mut TicketDraft {
        let draft =
            TicketDraft::of_stored(self.desk, self.facts.clone(), ticket, occasion, self.caller);
        self.drafts.push(draft);
        self.drafts.last_mut().expect("one was just pushed")
    }

    /// Adds the ticket that the action names, or in which one goes on.
    fn add_other(&mut self, ticket: Ticket, occasion: &str) -> &mut TicketDraft {
        let facts = self.facts_of_other.take().unwrap_or_else(|| self.facts.clone());
        let draft = TicketDraft::of_stored(self.desk, facts, ticket, occasion, self.caller);
        self.drafts.push(draft);
        self.drafts.last_mut().expect("one was just pushed")
    }

    /// Says to which ticket the caller replied, whose place the one that is changed took. Who may
    /// not see that one gets back the one that they named.
    fn was_reply_to(&mut self, named: Ticket, is_seen: bool) {
        if let Some(draft) = self.drafts.first_mut().filter(|it| !it.write.is_new) {
            draft.was_reply_to(&named.number);
            self.answer = Some(named).filter(|_| !is_seen);
        }
    }

    /// Makes the move, and notes what it did to the ticket and to those that it names.
    fn perform(
        &mut self,
        subject: Subject,
        row: &'static Row,
        given: &Given,
    ) -> Result<(), CommandError> {
        let Subject { ticket, mut beside, open, .. } = subject;
        let (desk, caller) = (self.desk, self.caller);
        let settings = self.facts.directory.org.settings.clone();
        let (was, target_before) = (ticket.state(), beside.target.clone());
        let action = row.action;
        let lookup = self.facts.clone();
        self.resolves_incidents = given.flag("resolve_incidents").unwrap_or(false);
        let draft = self.add_stored(ticket, action.as_str());
        draft.open_round = open;
        draft.count_rounds(beside.round.as_ref().map_or(0, |round| round.round));
        // What a policy answers decides where it goes.
        if row.asks.is_some() && row.logic.is_none() {
            return Ok(());
        }
        if action == Action::Edit {
            let (by, now) = (&caller.actor, caller.now);
            let changes = draft.write.ticket.edit(given, &beside.tasks, &lookup, &settings, now)?;
            if !changes.is_empty() {
                draft.did(Action::Edit, by, changes);
                draft.tell_of_priority(by, was);
            }
            return Ok(());
        }
        let conversion = beside.suggestion.as_ref().and_then(Suggestion::conversion);
        let mut turn = Turn::new(given, &caller.actor, caller.now, &settings, &lookup, &mut beside);
        let mut done = draft.write.ticket.perform(action, &mut turn)?;
        draft.write.decided.extend(beside.suggestion.take());
        let mut opened = done.left.opened.take();
        if done.left.is_elsewhere {
            let replied_to = self.drafts.remove(0).write.ticket;
            if let Some(opened) = opened {
                self.drafts.push(TicketDraft::of_new(desk, self.facts.clone(), opened, caller));
            } else if let Some(goes_on) = beside.goes_on.take() {
                let draft = self.add_other(goes_on, action.as_str());
                draft.heard(done, &caller.actor, &replied_to.number);
                self.answer = Some(replied_to);
            }
            return Ok(());
        }
        let link = done.left.link.take();
        let round = done.left.round.take();
        let asked = std::mem::take(&mut done.left.asked);
        let target_changes = std::mem::take(&mut done.left.target_changes);
        let is_idle = action == Action::Acknowledge && done.changes.is_empty();
        if !is_idle {
            draft.write.links.extend(link);
            draft.performed(done, &caller.actor, was);
            if let Some(round) = round {
                draft.keep_round(round, &asked);
            }
        }
        if let Some(given) = conversion.filter(|_| action == Action::AcceptSuggestion) {
            let was = draft.write.ticket.state();
            beside.new_id = Some(TicketId(desk.id(caller)));
            let mut turn =
                Turn::new(&given, &caller.actor, caller.now, &settings, &lookup, &mut beside);
            let mut done = draft.write.ticket.perform(Action::Convert, &mut turn)?;
            opened = done.left.opened.take();
            draft.performed(done, &caller.actor, was);
        }
        self.goes_on(target_before, beside.target, action, target_changes);
        if let Some(opened) = opened {
            // What was converted is a new ticket, which is what the caller gets back.
            let new = TicketDraft::of_new(desk, self.facts.clone(), opened, caller);
            self.drafts.insert(0, new);
        }
        Ok(())
    }

    /// The ticket that the action names has changed too: each tells it in its own history.
    fn goes_on(
        &mut self,
        before: Option<Ticket>,
        target: Option<Ticket>,
        action: Action,
        changes: Vec<waypost_domain::event::FieldChange>,
    ) {
        let (Some(before), Some(target)) = (before, target) else { return };
        if changes.is_empty() {
            return;
        }
        let source = self.drafts.first().map(|it| &it.write.ticket);
        let source = source.map(|it| (it.id, it.number.clone()));
        let now = self.caller.now;
        let by = self.caller.actor.clone();
        let draft = self.add_other(before, action.as_str());
        let mut all = draft.write.ticket.absorb(target, now);
        all.extend(changes);
        match source.filter(|_| action == Action::MergeInto) {
            Some((id, number)) => {
                let reason = Some(said!("{number} was merged into it", number).into());
                draft.did_because(Action::Edit, &by, all, reason);
                draft.took_in(id, &number, &by);
            }
            None => draft.did(action, &by, all),
        }
    }

    /// Asks the policies, where the action leaves something to them.
    async fn ask(&mut self, row: &'static Row) -> Result<(), CommandError> {
        let (desk, caller) = (self.desk, self.caller);
        let is_new = |draft: &TicketDraft| draft.write.is_new;
        if self.drafts.first().is_some_and(is_new) {
            let mut opened = vec![self.drafts.remove(0)];
            // What was converted is of the kind that a person has said: it is routed, not
            // categorized again.
            let is_categorized = row.action != Action::CallerReply;
            decide::open(desk, caller, &mut opened, is_categorized).await?;
            if let (Some(source), Some(new)) = (self.drafts.first_mut(), opened.first_mut()) {
                let led_from = Ticket::converted_from(&source.write.ticket);
                new.add_to_first_event(led_from);
                source.tell_what_goes_on(&new.write.ticket);
            }
            self.drafts.splice(0..0, opened);
            return Ok(());
        }
        match row.asks {
            Some(Asks::Plan) => decide::submit(desk, caller, &mut self.drafts).await,
            Some(Asks::Route) => decide::route_again(desk, caller, &mut self.drafts).await,
            Some(Asks::RiskOwner) => {
                for draft in &mut self.drafts {
                    draft.ask_for_risk();
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Reacts, notifies and commits; answers with the first ticket.
    pub(crate) async fn finish(mut self) -> Result<TicketView, CommandError> {
        let is_idle = self.drafts.iter().all(TicketDraft::is_idle);
        if !is_idle {
            self.react().await?;
        }
        self.names.count_tasks(&self.drafts);
        let facts = self.drafts[0].facts().clone();
        self.names.add_facts(&facts);
        let answer = self.answer.take();
        let (mut writes, mut names, desk, caller) = self.finished()?;
        if !is_idle {
            commit(desk, &[caller], &mut writes).await?;
        }
        let tickets = vec![answer.unwrap_or_else(|| writes[0].ticket.clone())];
        names.learn(&writes);
        let mut views = names.views_of(desk, caller, tickets).await?;
        Ok(views.pop().expect("one ticket makes one view"))
    }

    /// Lets follow what has to follow, gives new tickets their numbers, and tells whom it concerns.
    pub(crate) async fn react(&mut self) -> Result<(), CommandError> {
        for reaction in reactions::REACTIONS {
            reaction(self).await?;
        }
        decide::give_numbers(self.desk, self.caller, &mut self.drafts).await?;
        decide::tell(self.desk, self.caller, &mut self.drafts).await
    }

    /// What is to be written.
    pub(crate) fn finished(
        self,
    ) -> Result<(Vec<TicketWrite>, Names, &'a Desk, &'a Caller), CommandError> {
        Ok((TicketDraft::finish_all(self.drafts)?, self.names, self.desk, self.caller))
    }
}

/// Writes what was decided, in one commit. All of the callers are of the same organization and
/// moment; what each of them asked for is carried out by it.
pub(crate) async fn commit(
    desk: &Desk,
    callers: &[&Caller],
    writes: &mut [TicketWrite],
) -> Result<(), CommandError> {
    let Some(first) = callers.first() else { return Ok(()) };
    let letters = write::letters(desk, writes, first.now);
    let mut tx: WriteTx = desk.write_for(callers).await?;
    write::write(desk, &mut tx, writes, letters, first.now).await?;
    write::commit(desk, tx, writes, first.now).await
}

/// Starts over while somebody else was first, at most as often as the operator says. Those who
/// start over at the same ticket do it one after the other, so that many at once do not push each
/// other aside until some give up. `which` finds out which ticket it is.
pub(crate) async fn start_over_if_stale<T, F: Future<Output = Result<T, CommandError>>>(
    desk: &Desk,
    mut attempt: impl FnMut() -> F,
    which: impl AsyncFnOnce() -> Result<TicketId, CommandError>,
) -> Result<T, CommandError> {
    let mut told = attempt().await;
    let mut left = desk.options.stale_retries;
    if left > 0 && matches!(told, Err(CommandError::Stale)) {
        let _turn = desk.queues.turn(which().await?).await;
        while left > 0 && matches!(told, Err(CommandError::Stale)) {
            left -= 1;
            told = attempt().await;
        }
    }
    told
}
