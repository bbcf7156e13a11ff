//! Opening a ticket: from what a front end got to a stored, routed, prioritized ticket.

use waypost_domain::{
    directory::Lookup,
    ids::TicketId,
    permission,
    refusal::{Faults, Refused},
    role::Role,
    said,
    ticket::{Action, ExternalRef, Given, Opening, Ticket, TicketKind, Value},
};
use waypost_store::{ReadTx, ticket};

use super::{
    OpenTicket, PersonRef, TicketRef, TicketView,
    decide::{self, TicketDraft},
    facts::Facts,
    given::{Found, LookUps, Reader},
    intake, names, read,
    scene::{self, Scene},
};
use crate::{Caller, CommandError, Desk};

/// Opens a ticket. It is stored, with a team, before this returns.
///
/// A ticket with an external reference that the organization has already is not opened again; the
/// first one is returned to who may see it. Where it is of another kind than the one that was asked
/// for, or another ticket's task, the sender is told so: it is not what they meant.
///
/// # Errors
/// The role, before anything is read; then every wrong field by name. Nothing is stored then.
pub async fn open(
    desk: &Desk,
    caller: &Caller,
    command: OpenTicket,
) -> Result<TicketView, CommandError> {
    let kind = kind_of(&command);
    permission::allows_opening(caller.role, kind, &Given::default())?;
    intake::open(desk, caller, command).await
}

/// Refuses who may not add a task to a ticket that has so many, and a ticket that takes none: what
/// [`open()`] would refuse, whatever the task is.
///
/// # Errors
/// [`CommandError::Forbidden`] for the role, [`CommandError::Refused`] for the ticket.
pub fn check_new_task(caller: &Caller, ticket: &Ticket, tasks: usize) -> Result<(), CommandError> {
    permission::allows_opening(caller.role, TicketKind::Task, &Given::default())?;
    Ok(ticket.check_room_for_task(tasks)?)
}

/// Opens a ticket that may be opened, by itself. A task changes its ticket too: it starts over
/// while somebody else was first there.
pub(super) async fn open_alone(
    desk: &Desk,
    caller: &Caller,
    command: &OpenTicket,
    mut begun: Option<ReadTx>,
) -> Result<TicketView, CommandError> {
    let attempt = || Box::pin(try_open(desk, caller, command, begun.take()));
    scene::start_over_if_stale(desk, attempt, async || {
        let named = command.fields.get("parent").and_then(serde_json::Value::as_str);
        let Some(named) = named else { return Err(CommandError::Stale) };
        let mut tx = desk.store.read(caller.org).await?;
        Ok(read::seen(&mut tx, caller, &TicketRef::parse(named)).await?.ticket.id)
    })
    .await
}

async fn try_open(
    desk: &Desk,
    caller: &Caller,
    command: &OpenTicket,
    begun: Option<ReadTx>,
) -> Result<TicketView, CommandError> {
    let (mut tx, facts) = Facts::open_in(desk, caller, begun).await?;
    let origin = origin(command);
    if let Some(reference) = &origin
        && caller.role != Role::Requester
        && let Some(known) = opened_before(&mut tx, caller, command, reference).await?
    {
        return Ok(known);
    }
    let mut scene = Scene::new(desk, caller, facts.clone());
    let mut look_ups = LookUps::default();
    look_ups.look_ahead(&mut tx, requester_of(caller, command).as_slice()).await?;
    let draft = look_ups.draft(&mut tx, desk, caller, &facts, command).await?;
    drop(tx);
    scene.drafts.push(draft);
    decide_on(&mut scene).await?;
    match scene.finish().await {
        // Two senders of the same external reference: the other one was first, and its ticket is
        // the answer.
        Err(CommandError::Taken(what)) => {
            let Some(reference) = &origin else { return Err(CommandError::Taken(what)) };
            let mut tx = desk.store.read(caller.org).await?;
            let known = opened_before(&mut tx, caller, command, reference).await?;
            known.ok_or(CommandError::Taken(what))
        }
        kept => kept,
    }
}

/// Asks the policies about new tickets. A task is planned work: it goes to the team that was named.
pub(crate) async fn decide_on(scene: &mut Scene<'_>) -> Result<(), CommandError> {
    let (desk, caller) = (scene.desk, scene.caller);
    if scene.drafts.iter().any(|draft| draft.write.ticket.kind() == TicketKind::Task) {
        for draft in &mut scene.drafts {
            let changes = draft.write.ticket.first_changes(draft.facts());
            draft.did(Action::Create, &caller.actor, changes);
        }
        return Ok(());
    }
    decide::open(desk, caller, &mut scene.drafts, false).await
}

/// What kind of ticket it is as long as no policy has said.
pub(super) fn kind_of(command: &OpenTicket) -> TicketKind {
    let asks_for_item = ["catalog_item", "answers"].iter().any(|name| {
        let given = command.fields.get(*name);
        given
            .is_some_and(|json| !json.is_null() && json.as_object().is_none_or(|it| !it.is_empty()))
    });
    let guessed = if asks_for_item { TicketKind::Request } else { TicketKind::Incident };
    command.kind.unwrap_or(guessed)
}

/// Whom it is for, as far as that can be said without looking them up.
pub(super) fn requester_of(caller: &Caller, command: &OpenTicket) -> Option<PersonRef> {
    match command.fields.get("requester").filter(|json| !json.is_null()) {
        Some(json) => json.as_str().map(PersonRef::parse),
        None => caller.person().map(PersonRef::Id),
    }
}

/// Where it comes from, if that was given as it should be.
pub(crate) fn origin(command: &OpenTicket) -> Option<ExternalRef> {
    let given = command.fields.get("external_ref")?.as_object()?;
    let part = |name: &str| given.get(name)?.as_str();
    let mut faults = Faults::new();
    let reference = ExternalRef::read(part("source")?, part("id")?, &mut faults);
    faults.is_empty().then_some(reference)
}

/// The ticket that an external reference belongs to already.
async fn opened_before(
    tx: &mut ReadTx,
    caller: &Caller,
    command: &OpenTicket,
    reference: &ExternalRef,
) -> Result<Option<TicketView>, CommandError> {
    let Some(known) = ticket::find_by_external_ref(tx, reference).await? else { return Ok(None) };
    match read::seen(tx, caller, &TicketRef::Id(known.id)).await {
        Ok(seen) => {
            must_be_meant(tx, caller, command, &seen.ticket).await?;
            names::view(tx, seen.ticket).await.map(Some)
        }
        // It is somebody else's: that there is one is all there is to know.
        Err(CommandError::NotFound(_)) => Err(CommandError::Taken("external_ref")),
        Err(error) => Err(error),
    }
}

/// Refuses a ticket that is there already and is not the one that the sender means.
async fn must_be_meant(
    tx: &mut ReadTx,
    caller: &Caller,
    command: &OpenTicket,
    known: &Ticket,
) -> Result<(), CommandError> {
    let number = &known.number;
    // What a requester calls it is a proposal; policies may have found that it is something else.
    if caller.role != Role::Requester && command.kind.is_some_and(|kind| kind != known.kind()) {
        let kind = known.kind();
        return Err(CommandError::guard(said!(
            "The external reference belongs to {number}, {kind}; give the new ticket a reference of \
             its own, or leave it out.",
            number,
            kind
        )));
    }
    let named = command.fields.get("parent").filter(|_| known.kind() == TicketKind::Task);
    let Some(named) = named.and_then(serde_json::Value::as_str) else { return Ok(()) };
    let parent = read::seen(tx, caller, &TicketRef::parse(named)).await;
    if parent.is_ok_and(|parent| known.parent == Some(parent.ticket.id)) {
        return Ok(());
    }
    Err(CommandError::guard(said!(
        "The external reference belongs to {number}, a task of another ticket; give the new task a \
         reference of its own, or open it under that ticket.",
        number
    )))
}

impl LookUps {
    /// Checks a ticket that comes in and prepares what its policies are asked.
    pub(crate) async fn draft(
        &mut self,
        tx: &mut ReadTx,
        desk: &Desk,
        caller: &Caller,
        facts: &Facts,
        command: &OpenTicket,
    ) -> Result<TicketDraft, CommandError> {
        let kind = kind_of(command);
        let rules = kind.rules();
        let mut facts = facts.clone();
        let accepted: Vec<_> =
            rules.fields().filter(|field| field.opens).map(|it| (it.name, it.takes)).collect();
        let mut reader = Reader {
            tx: &mut *tx,
            caller,
            facts: &mut facts,
            look_ups: self,
            faults: Faults::new(),
            found: Found::default(),
            rules,
            subject: None,
            drops_blanks: false,
        };
        let what = format!("A new {kind}");
        reader.read(&command.fields, &accepted, &what).await?;
        let Reader { mut found, mut faults, .. } = reader;
        permission::allows_opening(caller.role, kind, &found.given)?;
        if rules.field("requester").is_some() {
            self.requester(tx, caller, command, &mut found, &mut faults).await?;
        }
        let parent = match found.given.ticket("parent") {
            Some(id) => ticket::find(tx, id).await?,
            None => None,
        };
        let opening = Opening {
            id: TicketId(desk.id(caller)),
            org: caller.org,
            kind,
            opened_by: caller.person(),
            given: &found.given,
            item: found.item.as_ref(),
            team: parent.as_ref().map(|parent| parent.team),
        };
        let opened = Ticket::open(opening, &facts.directory.org.settings, caller.now);
        // The ticket's own fields are checked too, so that a sender learns of all faults at once.
        let mut ticket = match opened {
            Ok(ticket) => {
                faults.finish()?;
                ticket
            }
            Err(Refused::Invalid(more) | Refused::MissingFields(more)) => {
                for fault in more {
                    faults.wrong(&fault.pointer, fault.code, fault.message);
                }
                faults.finish()?;
                return Err(CommandError::Busy);
            }
            Err(other) => return Err(other.into()),
        };
        if kind == TicketKind::Task {
            let has_place = found.given.has("position");
            place(tx, &mut ticket, parent.as_ref(), has_place, &facts).await?;
        }
        if !command.draft && kind == TicketKind::Request {
            ticket.check_submission(found.item.as_ref())?;
        }
        if let Some(requester) = ticket.requester.and_then(|id| found.people.get(&id)) {
            facts.manager = self.manager(tx, requester).await?;
            facts.requester = Some(requester.clone());
        }
        facts.item = found.item;
        let mut draft = TicketDraft::of_new(desk, facts, ticket, caller);
        if command.kind.is_some() && caller.role != Role::Requester {
            draft.fix_kind();
        }
        draft.submits = !command.draft;
        Ok(draft)
    }

    /// Whom the ticket is for: the caller themselves, or whom an agent names.
    async fn requester(
        &mut self,
        tx: &mut ReadTx,
        caller: &Caller,
        command: &OpenTicket,
        found: &mut Found,
        faults: &mut Faults,
    ) -> Result<(), CommandError> {
        let is_named = command.fields.get("requester").is_some_and(|json| !json.is_null());
        if !is_named {
            let own = caller.person().map(PersonRef::Id);
            let person = match &own {
                Some(own) => self.person(tx, own).await?.filter(|person| person.active),
                None => None,
            };
            match person {
                Some(person) => {
                    found.given.put("requester", Some(Value::Person(person.id)));
                    found.people.insert(person.id, person);
                }
                None => faults.missing(
                    "/requester",
                    said!(
                        "This token does not belong to a person of the organization; give the \
                     requester's id or e-mail address."
                    ),
                ),
            }
        }
        let requester = found.given.person("requester");
        if caller.role == Role::Requester && requester.is_some() && requester != caller.person() {
            return Err(CommandError::Forbidden(said!(
                "Requesters can open tickets only for themselves; ask an agent to open them for \
                 others."
            )));
        }
        Ok(())
    }
}

/// Gives a new task its place among the others of its ticket, and checks what it depends on.
async fn place(
    tx: &mut ReadTx,
    task: &mut Ticket,
    parent: Option<&Ticket>,
    has_place: bool,
    facts: &Facts,
) -> Result<(), CommandError> {
    let mut faults = Faults::new();
    let Some(parent) = parent else {
        faults.missing(
            "/parent",
            said!("Give the id or number of the ticket that the task belongs to."),
        );
        return Ok(faults.finish()?);
    };
    let siblings = ticket::tasks_of(tx, parent.id).await?;
    parent.check_room_for_task(siblings.len())?;
    task.check_task(&siblings, facts as &dyn Lookup, &mut faults);
    faults.finish()?;
    if !has_place {
        task.go_behind(&siblings);
    }
    Ok(())
}

/// Stores new tickets that were decided on, in one commit, and answers with all of them.
pub(crate) async fn finish_all(scene: Scene<'_>) -> Result<Vec<TicketView>, CommandError> {
    let caller = scene.caller;
    keep_all(scene, &[caller]).await
}

/// As [`finish_all`], for what several callers asked for.
pub(super) async fn keep_all(
    mut scene: Scene<'_>,
    callers: &[&Caller],
) -> Result<Vec<TicketView>, CommandError> {
    scene.react().await?;
    scene.names.count_tasks(&scene.drafts);
    let facts: Vec<Facts> = scene.drafts.iter().map(|draft| draft.facts().clone()).collect();
    let (mut writes, mut names, desk, caller) = scene.finished()?;
    scene::commit(desk, callers, &mut writes).await?;
    for facts in &facts {
        names.add_facts(facts);
    }
    names.learn(&writes);
    let new = writes.iter().filter(|one| one.is_new && one.ticket.kind() != TicketKind::Task);
    names.views_of(desk, caller, new.map(|one| one.ticket.clone()).collect()).await
}
