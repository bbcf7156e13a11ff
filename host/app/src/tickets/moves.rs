//! Moves: what each action does to the ticket, its approval and the tickets around it.

mod major;

use waypost_domain::{
    approval::Approval,
    comment::{Comment, Visibility},
    directory::References as Resolver,
    event::{Actor, ActorKind, Change},
    ids::{CommentId, PersonId, TeamId, TicketId},
    incident::AwaitingKind,
    key::CategoryPath,
    link::{Link, LinkType},
    person::Person,
    priority::Level,
    refusal::{Faults, Refused},
    task::Tasks,
    ticket::{Action, Holding, Reply, Ticket},
};
use waypost_policy::question::EventKind;
use waypost_store::{ReadTx, link, task};

use super::{
    PersonRef, TicketAction,
    decide::{self, Deciding},
    facts::Facts,
    read,
};
use crate::{Caller, CommandError, Desk, input::Reading, refs};

/// What an action refers to, looked up while the read transaction is open.
#[derive(Default)]
pub(crate) struct References {
    team: Option<TeamId>,
    person: Option<PersonId>,
    category: Option<CategoryPath>,
    target: Option<Ticket>,
    target_is_missing: bool,
    links: Vec<Link>,
    manager: Option<Person>,
    communication_owner: Option<Person>,
    /// The request's tasks, for an action that they can stand against.
    tasks: Tasks,
}

impl References {
    /// Looks up what the action names; all that lead nowhere are refused at once.
    pub(super) async fn read(
        tx: &mut ReadTx,
        caller: &Caller,
        facts: &Facts,
        subject: TicketId,
        action: &TicketAction,
    ) -> Result<Self, CommandError> {
        let mut faults = Faults::new();
        let mut found = Self::default();
        let mut resolver = Resolver { directory: facts, org: caller.org, faults: &mut faults };
        let mut named_person: Option<(&str, &PersonRef)> = None;
        match action {
            TicketAction::Assign { team, assignee } => {
                found.team = team.as_deref().and_then(|key| resolver.team("/team", key));
                named_person = assignee.as_ref().map(|person| ("/assignee", person));
            }
            TicketAction::Triage { category, .. } => {
                found.category =
                    category.as_deref().and_then(|path| resolver.category("/category", path));
            }
            TicketAction::Start { assignee } => {
                named_person = assignee.as_ref().map(|person| ("/assignee", person));
            }
            TicketAction::Hold { person, follow_up_at, .. } => {
                named_person = person.as_ref().map(|person| ("/person", person));
                resolver.faults.moment_if("/follow_up_at", *follow_up_at);
            }
            TicketAction::SetEta { eta } => {
                resolver.faults.moment_if("/eta", *eta);
            }
            TicketAction::AcceptMajor { next_update_at, .. }
            | TicketAction::UpdateMajor { next_update_at, .. } => {
                resolver.faults.moment_if("/next_update_at", *next_update_at);
            }
            TicketAction::MergeInto { target: Some(target) }
            | TicketAction::Link { target: Some(target), .. }
            | TicketAction::Unlink { target: Some(target), .. } => {
                match read::seen(tx, caller, target).await {
                    Ok(seen) => found.target = Some(seen.ticket),
                    Err(CommandError::NotFound(_)) => found.target_is_missing = true,
                    Err(error) => return Err(error),
                }
            }
            TicketAction::MergeInto { target: None }
            | TicketAction::Link { target: None, .. }
            | TicketAction::Unlink { target: None, .. }
            | TicketAction::Reroute
            | TicketAction::SetPriority { .. }
            | TicketAction::Acknowledge
            | TicketAction::Escalate { .. }
            | TicketAction::Resume
            | TicketAction::CallerReply { .. }
            | TicketAction::Resolve { .. }
            | TicketAction::Reopen { .. }
            | TicketAction::Close
            | TicketAction::Cancel { .. }
            | TicketAction::Convert { .. }
            | TicketAction::Submit
            | TicketAction::Revise
            | TicketAction::ProposeMajor { .. }
            | TicketAction::RejectMajor { .. }
            | TicketAction::FinishMajor { .. } => {}
            TicketAction::Fulfill { .. } => {
                found.tasks = Tasks::new(task::of_ticket(tx, subject).await?);
            }
        }
        found.read_leaders(tx, facts, &mut faults, action).await?;
        if let Some((pointer, named)) = named_person {
            found.person = person(tx, facts, &mut faults, pointer, named).await?;
        }
        if found.target_is_missing {
            faults.wrong("/target", "unknown", "there is no such ticket; give its id or number");
        }
        faults.finish()?;
        if let (TicketAction::Link { .. } | TicketAction::Unlink { .. }, Some(target)) =
            (action, &found.target)
        {
            found.links = link::of_tickets(tx, &[subject, target.id]).await?;
        }
        Ok(found)
    }
}

/// The id of an active person that an action names.
pub(crate) async fn person(
    tx: &mut ReadTx,
    facts: &Facts,
    faults: &mut Faults,
    pointer: &str,
    named: &PersonRef,
) -> Result<Option<PersonId>, CommandError> {
    let found = active_person(tx, facts, faults, pointer, named).await?;
    Ok(found.map(|person| person.id))
}

/// An active person that an action names: of the organization, or of a team that serves it.
async fn active_person(
    tx: &mut ReadTx,
    facts: &Facts,
    faults: &mut Faults,
    pointer: &str,
    named: &PersonRef,
) -> Result<Option<Person>, CommandError> {
    let own = refs::find_person(tx, named).await?;
    let found = own.or_else(|| facts.desk_person(named).cloned()).filter(|person| person.active);
    if found.is_none() {
        let shown = match named {
            PersonRef::Id(id) => id.to_string(),
            PersonRef::Email(email) => email.clone(),
        };
        let message = format!(
            "there is no active person `{shown}`; give the id or e-mail address of one in the directory"
        );
        faults.wrong(pointer, "unknown", message);
    }
    Ok(found)
}

/// Carries out one action.
pub(crate) struct Mover<'a> {
    pub(crate) desk: &'a Desk,
    pub(crate) caller: &'a Caller,
    pub(crate) facts: Facts,
    pub(crate) open_approval: Option<Approval>,
    pub(crate) references: References,
}

impl Mover<'_> {
    /// Makes the move. The first of the changed tickets is the one that the caller gets back.
    pub(super) async fn carry_out(
        self,
        ticket: Ticket,
        action: &TicketAction,
    ) -> Result<Vec<Deciding>, CommandError> {
        let caller = self.caller;
        let (now, by) = (caller.now, &caller.actor);
        let settings = self.facts.directory.org.settings.clone();
        let mut it = self.deciding(ticket, action.name());
        let was = it.write.ticket.state();
        match action {
            TicketAction::Assign { assignee, .. } => {
                let person = self.references.person;
                let changes = it.write.ticket.assign(
                    self.references.team,
                    assignee.as_ref().and(person),
                    &self.facts,
                    now,
                )?;
                it.did(Action::Assign, by, changes);
                it.happened(EventKind::Assigned, by, was);
            }
            TicketAction::Reroute => {
                let mut routed = vec![it];
                decide::route_again(self.desk, caller, &mut routed).await?;
                return Ok(routed);
            }
            TicketAction::Triage { impact, urgency, .. } => {
                let before = it.write.ticket.priority.effective();
                let changes = it.write.ticket.triage(
                    self.references.category.clone(),
                    impact.map(Level),
                    urgency.map(Level),
                    &settings,
                    now,
                )?;
                it.did(Action::Triage, by, changes);
                if it.write.ticket.priority.effective().0 != before.0 {
                    it.happened(EventKind::PriorityChanged, by, was);
                }
            }
            TicketAction::SetPriority { priority, reason } => {
                let changes =
                    it.write.ticket.set_priority(priority.map(Level), reason.as_deref(), now)?;
                it.did_because(Action::SetPriority, by, changes, reason.clone());
                it.happened(EventKind::PriorityChanged, by, was);
            }
            TicketAction::Acknowledge => {
                let changes = it.write.ticket.acknowledge(now)?;
                // Said again, it is no event: nothing has happened.
                if !changes.is_empty() {
                    it.did(Action::Acknowledge, by, changes);
                }
            }
            TicketAction::SetEta { eta } => {
                let changes = it.write.ticket.set_eta(*eta, now)?;
                it.did(Action::SetEta, by, changes);
                it.happened(EventKind::EtaChanged, by, was);
            }
            TicketAction::Escalate { level, reason } => {
                let changes =
                    it.write.ticket.escalate(*level, reason.as_deref(), None, &self.facts, now)?;
                it.did_because(Action::Escalate, by, changes, reason.clone());
                it.happened(EventKind::Escalated, by, was);
            }
            TicketAction::Start { assignee } => {
                let starter = match assignee {
                    Some(_) => self.references.person,
                    None => caller.person(),
                };
                let changes = it.write.ticket.start(starter, &self.facts, now)?;
                it.did(Action::Start, by, changes);
                it.happened(EventKind::StateChanged, by, was);
            }
            TicketAction::Hold { .. } => self.hold(&mut it, action)?,
            TicketAction::Resume => {
                let changes = it.write.ticket.resume(now)?;
                it.did(Action::Resume, by, changes);
                it.happened(EventKind::StateChanged, by, was);
            }
            TicketAction::CallerReply { text } => {
                let text = text.clone();
                return Box::pin(self.caller_reply(it, text)).await;
            }
            TicketAction::Resolve { code, notes } => {
                let changes =
                    it.write.ticket.resolve(*code, notes.as_deref(), &settings, by, now)?;
                it.did_because(Action::Resolve, by, changes, notes.clone());
                it.happened(EventKind::Resolved, by, was).text.clone_from(notes);
            }
            TicketAction::Reopen { reason } => {
                let changes = it.write.ticket.reopen(reason.as_deref(), &settings, now)?;
                it.did_because(Action::Reopen, by, changes, reason.clone());
                it.happened(EventKind::StateChanged, by, was).text.clone_from(reason);
            }
            TicketAction::Close => {
                let changes = it.write.ticket.close(by, now)?;
                it.did(Action::Close, by, changes);
                it.happened(EventKind::Closed, by, was);
            }
            TicketAction::Cancel { reason } => {
                let changes = it.write.ticket.cancel(reason.as_deref(), by, now)?;
                it.did_because(Action::Cancel, by, changes, reason.clone());
                it.happened(EventKind::Closed, by, was).text.clone_from(reason);
                self.end_approval(&mut it);
            }
            TicketAction::MergeInto { .. } => return self.merge(it),
            TicketAction::Link { link_type, .. } | TicketAction::Unlink { link_type, .. } => {
                return self.relate(it, action.name(), *link_type);
            }
            TicketAction::Convert { to, reason } => {
                let (to, reason) = (*to, reason.clone());
                return self.convert(it, to, reason).await;
            }
            TicketAction::Submit => {
                let mut submitted = vec![it];
                decide::submit(self.desk, caller, &mut submitted).await?;
                return Ok(submitted);
            }
            TicketAction::Revise => {
                let changes = it.write.ticket.revise(now)?;
                it.did(Action::Revise, by, changes);
                self.end_approval(&mut it);
            }
            TicketAction::Fulfill { code, notes } => {
                let (notes_given, tasks) = (notes.as_deref(), &self.references.tasks);
                let changes = it.write.ticket.fulfill(*code, notes_given, tasks, by, now)?;
                it.did_because(Action::Fulfill, by, changes, notes.clone());
                it.happened(EventKind::Resolved, by, was).text.clone_from(notes);
            }
            TicketAction::ProposeMajor { .. }
            | TicketAction::AcceptMajor { .. }
            | TicketAction::RejectMajor { .. }
            | TicketAction::UpdateMajor { .. }
            | TicketAction::FinishMajor { .. } => self.major(&mut it, action)?,
        }
        Ok(vec![it])
    }

    fn deciding(&self, ticket: Ticket, occasion: Action) -> Deciding {
        Deciding::of_stored(self.desk, self.facts.clone(), ticket, occasion.as_str(), self.caller)
    }

    /// The question to the caller is a public comment of the same command.
    fn hold(&self, it: &mut Deciding, action: &TicketAction) -> Result<(), CommandError> {
        let TicketAction::Hold { awaiting, vendor, comment, follow_up_at, .. } = action else {
            return Ok(());
        };
        let mut faults = Faults::new();
        let awaiting = awaiting.as_deref().and_then(|name| match name.parse::<AwaitingKind>() {
            Ok(kind) => Some(kind),
            Err(unknown) => {
                faults.wrong("/awaiting", "unknown", unknown.to_string());
                None
            }
        });
        faults.finish()?;
        let was = it.write.ticket.state();
        let holding = Holding {
            awaiting,
            vendor: vendor.as_deref(),
            person: self.references.person,
            comment: comment.as_deref(),
            follow_up_at: *follow_up_at,
        };
        let (now, by) = (self.caller.now, &self.caller.actor);
        let changes = it.write.ticket.hold(holding, now)?;
        it.did(Action::Hold, by, changes);
        it.happened(EventKind::StateChanged, by, was).text.clone_from(comment);
        if let Some(text) = comment {
            it.write.comments.push(self.comment(it.write.ticket.id, text));
        }
        Ok(())
    }

    /// A reply may end a wait, object to a resolution, or open another ticket when the old one is over.
    pub(super) async fn caller_reply(
        self,
        mut it: Deciding,
        text: Option<String>,
    ) -> Result<Vec<Deciding>, CommandError> {
        let (now, by) = (self.caller.now, self.caller.actor.clone());
        let was = it.write.ticket.state();
        let settings = self.facts.directory.org.settings.clone();
        let said = text.clone().unwrap_or_default();
        match it.write.ticket.caller_reply(text.as_deref(), &settings, now)? {
            Reply::Kept => it.did(Action::CallerReply, &by, Vec::new()),
            Reply::Resumed(changes) => it.did(Action::CallerReply, &by, changes),
            Reply::Reopened(changes) => {
                it.did(Action::CallerReply, &by, Vec::new());
                let system = Actor { kind: ActorKind::System, person: None };
                it.did(Action::Reopen, &system, changes);
            }
            Reply::OpensAnother => return self.follow(it, &said).await,
        }
        it.write.comments.push(self.comment(it.write.ticket.id, &said));
        it.happened(EventKind::Commented, &by, was).text = text;
        Ok(vec![it])
    }

    async fn follow(self, it: Deciding, said: &str) -> Result<Vec<Deciding>, CommandError> {
        let settings = &self.facts.directory.org.settings;
        let old = it.write.ticket;
        let id = TicketId(self.desk.id(self.caller));
        let ticket = old.following(id, said, old.channel, settings, self.caller.now)?;
        let mut opened = vec![Deciding::of_new(self.desk, self.facts.clone(), ticket, self.caller)];
        decide::open(self.desk, self.caller, &mut opened, false).await?;
        Ok(opened)
    }

    fn merge(mut self, mut it: Deciding) -> Result<Vec<Deciding>, CommandError> {
        let (now, by) = (self.caller.now, &self.caller.actor);
        let Some(mut target) = self.references.target.take() else {
            let mut faults = Faults::new();
            faults.missing("/target", "name the ticket that goes on, by its id or number");
            faults.finish()?;
            return Ok(vec![it]);
        };
        let was = it.write.ticket.state();
        let merged = it.write.ticket.merge_into(&mut target, by, now)?;
        let reason = Some(format!("merged into {}", target.number));
        it.did_because(Action::MergeInto, by, merged.source, reason);
        it.happened(EventKind::Closed, by, was);
        self.end_approval(&mut it);
        let mut goes_on = self.deciding(target, Action::MergeInto);
        let reason = Some(format!("{} was merged into it", it.write.ticket.number));
        goes_on.did_because(Action::Edit, by, merged.target, reason);
        goes_on.changed_too(vec![led_from("merged_from", &it)]);
        Ok(vec![it, goes_on])
    }

    /// Each of the two tickets tells in its own history what was said about both.
    fn relate(
        mut self,
        mut it: Deciding,
        action: Action,
        link_type: Option<LinkType>,
    ) -> Result<Vec<Deciding>, CommandError> {
        let (now, by) = (self.caller.now, &self.caller.actor);
        let (target, links) = (self.references.target.as_mut(), &self.references.links);
        let linked = if action == Action::Link {
            let linked = it.write.ticket.link(link_type, target, links, by, now)?;
            it.write.new_link = Some(linked.link.clone());
            linked
        } else {
            let linked = it.write.ticket.unlink(link_type, target, links, by, now)?;
            it.write.removed_link = Some(linked.link.clone());
            linked
        };
        it.did(action, by, linked.source);
        let other = self.references.target.take().map(|target| {
            let mut other = self.deciding(target, action);
            other.did(action, by, linked.target);
            other
        });
        Ok(std::iter::once(it).chain(other).collect())
    }

    /// The caller gets the new ticket back; the old one leads to it.
    pub(crate) async fn convert(
        self,
        mut it: Deciding,
        to: Option<waypost_domain::ticket::TicketKind>,
        reason: Option<String>,
    ) -> Result<Vec<Deciding>, CommandError> {
        let (now, by) = (self.caller.now, &self.caller.actor);
        if self.open_approval.is_some() {
            let message = "an approval is outstanding; revise or cancel it first".to_owned();
            return Err(Refused::Guard { code: Refused::GUARD_FAILED, message }.into());
        }
        let id = TicketId(self.desk.id(self.caller));
        let (converted, changes) = it.write.ticket.convert(to, reason.as_deref(), id, by, now)?;
        it.did_because(Action::Convert, by, changes, reason);
        let mut opened =
            vec![Deciding::of_new(self.desk, self.facts.clone(), converted, self.caller)];
        // What it is was just decided by a person: it is routed, not categorized again.
        decide::open(self.desk, self.caller, &mut opened, true).await?;
        if let Some(created) = opened[0].write.events.first_mut() {
            created.changes.push(led_from("converted_from", &it));
        }
        opened.push(it);
        Ok(opened)
    }

    /// Ends the open round of approval: what is cancelled or revised needs no votes. Whose seats ended stands in the event.
    fn end_approval(&self, it: &mut Deciding) {
        if let Some(mut open) = self.open_approval.clone() {
            it.changed_too(open.cancel(self.caller.now));
            it.write.changed_approvals.push(open);
        }
    }

    fn comment(&self, ticket: TicketId, text: &str) -> Comment {
        Comment {
            id: CommentId(self.desk.id(self.caller)),
            ticket,
            visibility: Visibility::Public,
            author: self.caller.actor.clone(),
            text: text.to_owned(),
            created_at: self.caller.now,
        }
    }
}

/// The pointer from a ticket that goes on back to the one that led to it, where its earlier comments are read.
fn led_from(field: &str, source: &Deciding) -> Change {
    let number = source.write.ticket.number.clone();
    Change { field: field.to_owned(), before: None, after: Some(number) }
}
