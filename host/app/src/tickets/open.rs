//! Opening a ticket: from what a front end got to a stored, routed, prioritized ticket.

use std::collections::HashMap;

use waypost_domain::{
    ci::Ci,
    directory::References,
    ids::{PersonId, TicketId},
    key::Key,
    permission,
    person::Person,
    priority::Level,
    refusal::{Faults, Refused},
    role::Role,
    ticket::{Channel, ExternalRef, NewTicket, Ticket, TicketKind},
};
use waypost_store::{ReadTx, StoreError, catalog, ci, ticket};

use super::{
    OpenTicket, PersonRef, TicketRef, TicketView, conclude,
    decide::{self, Deciding},
    facts::Facts,
    names, read,
};
use crate::{Caller, CommandError, Desk, input::Reading, refs};

/// Opens a ticket. It is stored, with a team, before this returns.
///
/// A ticket with an external reference that the organization has already is not opened again; the first one is returned
/// to who may see it.
///
/// # Errors
/// The role, before anything is read; then every wrong field by name. Nothing is stored then.
pub async fn open(
    desk: &Desk,
    caller: &Caller,
    command: OpenTicket,
) -> Result<TicketView, CommandError> {
    permission::allows_opening(caller.role, &of_desk(&command))?;
    let (mut tx, facts) = Facts::open(desk, caller).await?;
    if let Some((source, id)) = &command.external_ref {
        let reference = ExternalRef { source: source.clone(), id: id.clone() };
        if let Some(known) = opened_before(&mut tx, caller, &reference).await? {
            return Ok(known);
        }
    }
    let mut look_ups = LookUps::default();
    let ticket = look_ups.deciding(&mut tx, desk, caller, &facts, command).await?;
    drop(tx);
    let mut opened = vec![ticket];
    decide::open(desk, caller, &mut opened, false).await?;
    let mut writes = Deciding::finish_all(opened)?;
    match conclude::keep(desk, caller, &mut writes).await {
        // Two senders of the same external reference: the other one was first, and its ticket is the answer.
        Err(CommandError::Taken(what)) => {
            let Some(reference) = &writes[0].ticket.external_ref else {
                return Err(CommandError::Taken(what));
            };
            let mut tx = desk.store.read(caller.org).await?;
            let known = opened_before(&mut tx, caller, reference).await?;
            known.ok_or(CommandError::Taken(what))
        }
        kept => kept,
    }
}

/// The fields of the command that only the desk may fill in.
fn of_desk(command: &OpenTicket) -> Vec<&'static str> {
    let fields = [
        ("external_ref", command.external_ref.is_some()),
        ("affected_users", command.affected_users.is_some()),
        ("sync_with_parent", command.sync_with_parent.is_some()),
    ];
    fields.into_iter().filter(|(_, is_given)| *is_given).map(|(field, _)| field).collect()
}

/// The ticket that an external reference belongs to already.
async fn opened_before(
    tx: &mut ReadTx,
    caller: &Caller,
    reference: &ExternalRef,
) -> Result<Option<TicketView>, CommandError> {
    let Some(known) = ticket::find_by_external_ref(tx, reference).await? else { return Ok(None) };
    match read::seen(tx, caller, &TicketRef::Id(known.id)).await {
        Ok(seen) => names::view(tx, seen.ticket).await.map(Some),
        // It is somebody else's: that there is one is all there is to know.
        Err(CommandError::NotFound(_)) => Err(CommandError::Taken("external_ref")),
        Err(error) => Err(error),
    }
}

/// What tickets name, looked up once for a whole batch.
#[derive(Default)]
pub(crate) struct LookUps {
    people: HashMap<String, Option<Person>>,
    managers: HashMap<PersonId, Option<Person>>,
    cis: HashMap<String, Option<Ci>>,
}

impl LookUps {
    /// Checks a ticket that comes in and prepares what its policies are asked.
    pub(crate) async fn deciding(
        &mut self,
        tx: &mut ReadTx,
        desk: &Desk,
        caller: &Caller,
        facts: &Facts,
        command: OpenTicket,
    ) -> Result<Deciding, CommandError> {
        let mut facts = facts.clone();
        let mut faults = Faults::new();
        let mut resolver = References { directory: &facts, org: caller.org, faults: &mut faults };
        let category =
            command.category.as_deref().and_then(|path| resolver.category("/category", path));
        let service = command.service.as_deref().and_then(|key| resolver.service("/service", key));
        let requester = self.requester(tx, caller, command.requester.as_ref(), &mut faults).await?;
        let ci = match command.ci.as_deref() {
            Some(key) => self.ci(tx, key, &mut faults).await?,
            None => None,
        };
        let item = match command.catalog_item.as_deref() {
            Some(key) => {
                let found = catalog::find_by_key(tx, key).await?;
                if found.is_none() {
                    let message = format!("there is no catalog item `{key}`");
                    faults.wrong("/catalog_item", "unknown", message);
                }
                found
            }
            None => None,
        };
        let answers = answers(&command.answers, &mut faults);
        let opened_at = faults.moment_if("/opened_at", command.opened_at);
        let command = OpenTicket { opened_at, ..command };
        if !faults.is_empty() || requester.is_none() {
            // The ticket's own fields are checked too, so that a sender learns of all faults at once.
            let probe = PersonId(uuid::Uuid::nil());
            let new = new_ticket(desk, caller, &command, probe, &answers);
            if let Err(Refused::Invalid(more) | Refused::MissingFields(more)) =
                Ticket::new(new, &facts.directory.org.settings, caller.now)
            {
                for fault in more {
                    faults.wrong(&fault.pointer, fault.code, fault.message);
                }
            }
            faults.finish()?;
        }
        let Some(requester) = requester else {
            return Err(CommandError::field("/requester", "missing", "name the requester"));
        };
        let new = NewTicket {
            category,
            service,
            ci: ci.as_ref().map(|ci| ci.id),
            item: item.as_ref(),
            ..new_ticket(desk, caller, &command, requester.id, &answers)
        };
        let ticket = Ticket::new(new, &facts.directory.org.settings, caller.now)?;
        if !command.draft && ticket.kind() == TicketKind::Request {
            ticket.check_submission(item.as_ref())?;
        }
        facts.manager = self.manager(tx, &requester).await?;
        facts.requester = Some(requester);
        facts.item = item;
        if let Some(ci) = ci {
            facts.add_ci(tx, ci).await?;
        }
        let mut deciding = Deciding::of_new(desk, facts, ticket, caller);
        if command.kind.is_some() && caller.role != Role::Requester {
            deciding.keep_kind();
        }
        deciding.submits = !command.draft;
        Ok(deciding)
    }

    /// The requester: the caller themselves, or whom an agent names.
    async fn requester(
        &mut self,
        tx: &mut ReadTx,
        caller: &Caller,
        named: Option<&PersonRef>,
        faults: &mut Faults,
    ) -> Result<Option<Person>, CommandError> {
        let own = caller.person().map(PersonRef::Id);
        let Some(named) = named.or(own.as_ref()) else {
            let message =
                "name the requester by id or e-mail address; this token stands for no person";
            faults.missing("/requester", message);
            return Ok(None);
        };
        let found = self.person(tx, named).await?.filter(|person| person.active);
        let Some(person) = found else {
            let shown = shown(named);
            let message = format!(
                "there is no active person `{shown}` in this organization; create the person first"
            );
            faults.wrong("/requester", "unknown", message);
            return Ok(None);
        };
        if caller.role == Role::Requester && caller.person() != Some(person.id) {
            return Err(CommandError::Forbidden(
                "a requester opens tickets for themselves; an agent opens them for others"
                    .to_owned(),
            ));
        }
        Ok(Some(person))
    }

    async fn person(
        &mut self,
        tx: &mut ReadTx,
        named: &PersonRef,
    ) -> Result<Option<Person>, StoreError> {
        let key = shown(named);
        if let Some(known) = self.people.get(&key) {
            return Ok(known.clone());
        }
        let found = refs::find_person(tx, named).await?;
        self.people.insert(key, found.clone());
        Ok(found)
    }

    async fn manager(
        &mut self,
        tx: &mut ReadTx,
        person: &Person,
    ) -> Result<Option<Person>, StoreError> {
        let Some(id) = person.manager else { return Ok(None) };
        if let Some(known) = self.managers.get(&id) {
            return Ok(known.clone());
        }
        let found = waypost_store::person::find(tx, id).await?.filter(|manager| manager.active);
        self.managers.insert(id, found.clone());
        Ok(found)
    }

    async fn ci(
        &mut self,
        tx: &mut ReadTx,
        key: &str,
        faults: &mut Faults,
    ) -> Result<Option<Ci>, StoreError> {
        if !self.cis.contains_key(key) {
            let found = ci::find_by_key(tx, key).await?.filter(|ci| ci.active);
            self.cis.insert(key.to_owned(), found);
        }
        let found = self.cis.get(key).cloned().flatten();
        if found.is_none() {
            let message = format!("there is no active configuration item `{key}`");
            faults.wrong("/ci", "unknown", message);
        }
        Ok(found)
    }
}

fn new_ticket<'a>(
    desk: &Desk,
    caller: &Caller,
    command: &'a OpenTicket,
    requester: PersonId,
    answers: &'a [(Key, String)],
) -> NewTicket<'a> {
    let asks_for_item = command.catalog_item.is_some() || !command.answers.is_empty();
    let guessed = if asks_for_item { TicketKind::Request } else { TicketKind::Incident };
    NewTicket {
        id: TicketId(desk.id(caller)),
        org: caller.org,
        kind: command.kind.unwrap_or(guessed),
        short_description: &command.short_description,
        description: &command.description,
        channel: command.channel.unwrap_or(Channel::Api),
        requester,
        opened_by: caller.person(),
        category: None,
        service: None,
        ci: None,
        impact: command.impact.map(Level),
        urgency: command.urgency.map(Level),
        tags: &command.tags,
        item: None,
        answers,
        quantity: command.quantity.unwrap_or(1),
        parent: None,
        sync_with_parent: command.sync_with_parent,
        affected_users: command.affected_users,
        external_ref: command
            .external_ref
            .as_ref()
            .map(|(source, id)| (source.as_str(), id.as_str())),
        opened_at: command.opened_at,
    }
}

fn answers(given: &[(String, String)], faults: &mut Faults) -> Vec<(Key, String)> {
    let mut answers = Vec::with_capacity(given.len());
    for (field, value) in given {
        match field.parse::<Key>() {
            Ok(key) => answers.push((key, value.clone())),
            Err(invalid) => {
                faults.wrong(&format!("/answers/{field}"), "unknown", invalid.to_string());
            }
        }
    }
    answers
}

fn shown(named: &PersonRef) -> String {
    match named {
        PersonRef::Id(id) => id.to_string(),
        PersonRef::Email(email) => email.to_lowercase(),
    }
}
