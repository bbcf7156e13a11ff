//! The names of what tickets refer to, for a reader.

use std::collections::BTreeMap;

use waypost_domain::{
    approval::Approval,
    directory::Lookup,
    ids::{CatalogItemId, CiId, PersonId, ServiceId, TeamId, TicketId},
    key::Key,
    organization::OrgSettings,
    person::Person,
    task::TaskCount,
    ticket::Ticket,
};
use waypost_store::{ReadTx, approval, catalog, ci, person, service, team, ticket};

use super::{
    Named, PersonName, ProblemName, TicketName, TicketView, decide::TicketDraft, facts::Facts,
    write::TicketWrite,
};
use crate::{Caller, CommandError, Desk, labels::former_team};

/// The names that some tickets refer to. What a command knows already is not read again.
pub(crate) struct Names {
    settings: OrgSettings,
    people: BTreeMap<PersonId, String>,
    teams: BTreeMap<TeamId, Named>,
    services: BTreeMap<ServiceId, Named>,
    cis: BTreeMap<CiId, Named>,
    items: BTreeMap<CatalogItemId, Named>,
    tasks: BTreeMap<TicketId, TaskCount>,
    tickets: BTreeMap<TicketId, Ticket>,
    open_rounds: BTreeMap<TicketId, Approval>,
}

/// Tickets as a caller may see them.
pub(crate) async fn views(
    tx: &mut ReadTx,
    tickets: Vec<Ticket>,
) -> Result<Vec<TicketView>, CommandError> {
    if tickets.is_empty() {
        return Ok(Vec::new());
    }
    let mut names = Names::begin(tx).await?;
    names.read(tx, &tickets).await?;
    let awaiting = tickets.iter().filter(|one| one.can_await_approval());
    let awaiting: Vec<TicketId> = awaiting.map(|ticket| ticket.id).collect();
    for round in approval::open_of_many(tx, &awaiting).await? {
        names.add_open_round(TicketId(round.subject.id()), Some(round));
    }
    Ok(tickets.into_iter().map(|ticket| names.view(ticket)).collect())
}

/// One ticket as a caller may see it.
pub(crate) async fn view(tx: &mut ReadTx, ticket: Ticket) -> Result<TicketView, CommandError> {
    let mut views = views(tx, vec![ticket]).await?;
    Ok(views.pop().expect("one ticket makes one view"))
}

/// As [`view()`], where the ticket's open round of approval is known.
pub(crate) async fn view_with(
    tx: &mut ReadTx,
    ticket: Ticket,
    open: Option<Approval>,
) -> Result<TicketView, CommandError> {
    let mut names = Names::begin(tx).await?;
    names.add_open_round(ticket.id, open);
    names.read(tx, std::slice::from_ref(&ticket)).await?;
    Ok(names.view(ticket))
}

impl Names {
    /// What nearly every ticket refers to.
    async fn begin(tx: &mut ReadTx) -> Result<Self, CommandError> {
        let mut names = Self::none(waypost_store::organization::load(tx).await?.settings);
        for (id, key, name) in team::names(tx).await? {
            names.teams.insert(id, named(&key, name));
        }
        Ok(names)
    }

    fn none(settings: OrgSettings) -> Self {
        Self {
            settings,
            people: BTreeMap::new(),
            teams: BTreeMap::new(),
            services: BTreeMap::new(),
            cis: BTreeMap::new(),
            items: BTreeMap::new(),
            tasks: BTreeMap::new(),
            tickets: BTreeMap::new(),
            open_rounds: BTreeMap::new(),
        }
    }

    /// The names that the facts of the organization hold.
    pub(crate) fn of(facts: &Facts) -> Self {
        let mut names = Self::none(facts.directory.org.settings.clone());
        names.add_people(facts.desk_people.values());
        names.add_facts(facts);
        for team in facts.teams() {
            names.teams.insert(team.id, named(&team.key, team.name.clone()));
        }
        for service in facts.services() {
            names.services.insert(service.id, named(&service.key, service.name.clone()));
        }
        names
    }

    /// The names that the facts of a ticket hold beside those of its organization.
    pub(crate) fn add_facts(&mut self, facts: &Facts) {
        self.add_people(facts.requester.iter().chain(&facts.manager));
        for ci in &facts.cis {
            self.cis.insert(ci.id, named(&ci.key, ci.name.clone()));
        }
        if let Some(item) = &facts.item {
            self.items.insert(item.id, named(&item.key, item.name.clone()));
        }
    }

    pub(crate) fn add_people<'p>(&mut self, people: impl IntoIterator<Item = &'p Person>) {
        self.people.extend(people.into_iter().map(|one| (one.id, one.name.clone())));
    }

    pub(crate) fn add_tickets<'t>(&mut self, tickets: impl IntoIterator<Item = &'t Ticket>) {
        self.tickets.extend(tickets.into_iter().map(|one| (one.id, one.clone())));
    }

    pub(crate) fn add_open_round(&mut self, ticket: TicketId, open: Option<Approval>) {
        if let Some(open) = open {
            self.open_rounds.insert(ticket, open);
        }
    }

    /// What a command has just written.
    pub(crate) fn learn(&mut self, writes: &[TicketWrite]) {
        for write in writes {
            let id = write.ticket.id;
            self.tickets.insert(id, write.ticket.clone());
            let moved = write.changed_approvals.last().or(write.new_approval.as_ref());
            if let Some(round) = moved {
                self.open_rounds.remove(&id);
                self.add_open_round(id, Some(round.clone()).filter(Approval::is_open));
            }
        }
    }

    /// What drafts make of the numbers of tasks.
    pub(crate) fn count_tasks(&mut self, drafts: &[TicketDraft]) {
        for draft in drafts {
            let task = &draft.write.ticket;
            let Some(parent) = task.task_of() else {
                continue;
            };
            let count = self.tasks.entry(parent).or_default();
            let was_open = draft.before().is_some_and(|before| before.phase().is_active());
            count.total += u32::from(draft.write.is_new);
            count.open += u32::from(task.phase().is_active());
            count.open = count.open.saturating_sub(u32::from(was_open));
        }
    }

    /// Tickets as a caller may see them; what is not known yet is read.
    pub(crate) async fn views_of(
        &mut self,
        desk: &Desk,
        caller: &Caller,
        tickets: Vec<Ticket>,
    ) -> Result<Vec<TicketView>, CommandError> {
        if tickets.iter().any(|ticket| self.lack(ticket)) {
            let mut tx = desk.store.read(caller.org).await?;
            self.read(&mut tx, &tickets).await?;
        }
        Ok(tickets.into_iter().map(|ticket| self.view(ticket)).collect())
    }

    /// Whether anything that the ticket refers to has no name yet.
    fn lack(&self, ticket: &Ticket) -> bool {
        people(ticket).any(|id| !self.people.contains_key(&id))
            || !self.teams.contains_key(&ticket.team)
            || ticket.service.is_some_and(|id| !self.services.contains_key(&id))
            || cis(ticket).any(|id| !self.cis.contains_key(&id))
            || item(ticket).is_some_and(|id| !self.items.contains_key(&id))
            || relatives(ticket).any(|id| !self.tickets.contains_key(&id))
    }

    /// Reads the names that are not known yet, of all these tickets in one go.
    pub(crate) async fn read(
        &mut self,
        tx: &mut ReadTx,
        tickets: &[Ticket],
    ) -> Result<(), CommandError> {
        let lacking =
            unique(tickets.iter().flat_map(people).filter(|id| !self.people.contains_key(id)));
        if !lacking.is_empty() {
            let found = person::find_many(tx, &lacking).await?;
            self.add_people(&found);
        }
        for id in unique(tickets.iter().map(|one| one.team)) {
            // A team that is not active any more still owns what it owned.
            if !self.teams.contains_key(&id)
                && let Some(one) = team::find(tx, id).await?
            {
                self.teams.insert(id, named(&one.key, one.name));
            }
        }
        for id in unique(tickets.iter().flat_map(cis)) {
            if !self.cis.contains_key(&id)
                && let Some(one) = ci::find(tx, id).await?
            {
                self.cis.insert(id, named(&one.key, one.name));
            }
        }
        let knows = |id: &ServiceId| self.services.contains_key(id);
        if tickets.iter().filter_map(|one| one.service).any(|id| !knows(&id)) {
            for one in service::list(tx).await? {
                self.services.insert(one.id, named(&one.key, one.name));
            }
        }
        if tickets.iter().filter_map(item).any(|id| !self.items.contains_key(&id)) {
            for one in catalog::list(tx).await? {
                self.items.insert(one.id, named(&one.key, one.name));
            }
        }
        let lacking =
            unique(tickets.iter().flat_map(relatives).filter(|id| !self.tickets.contains_key(id)));
        if !lacking.is_empty() {
            let found = ticket::find_many(tx, &lacking).await?;
            self.add_tickets(&found);
        }
        // Where it is shown; an incident's tasks are listed only.
        let shows_tasks = |one: &&Ticket| one.request().is_some() || one.problem().is_some();
        let ids: Vec<TicketId> = tickets.iter().filter(shows_tasks).map(|one| one.id).collect();
        self.tasks.extend(ticket::task_counts(tx, &ids).await?);
        Ok(())
    }

    fn view(&self, ticket: Ticket) -> TicketView {
        let led_by = ticket.led_by();
        let problem = ticket.incident().and_then(|it| it.problem);
        let numbers = |task: &waypost_domain::task::Task| {
            let numbers = task.depends_on.iter().filter_map(|id| self.tickets.get(id));
            numbers.map(|one| one.number.clone()).collect::<Vec<_>>()
        };
        let other = ticket.problem().into_iter().flat_map(|it| &it.cis);
        TicketView {
            team: self.teams.get(&ticket.team).cloned().unwrap_or_else(|| former_team(ticket.team)),
            service: ticket.service.and_then(|id| self.services.get(&id).cloned()),
            ci: ticket.ci.and_then(|id| self.cis.get(&id).cloned()),
            cis: other.filter_map(|id| self.cis.get(id).cloned()).collect(),
            catalog_item: item(&ticket).and_then(|id| self.items.get(&id).cloned()),
            requester: ticket.requester.map(|id| self.person(id)),
            assignee: ticket.assignee.map(|id| self.person(id)),
            manager: led_by.map(|it| self.person(it.manager)),
            communication_owner: led_by.map(|it| self.person(it.communication_owner)),
            risk_owner: ticket.problem().and_then(|it| it.risk_owner).map(|id| self.person(id)),
            priority: ticket.priority.effective(),
            waiting_on: ticket.waiting_on(self.open_rounds.get(&ticket.id), &self.settings),
            tasks: self.tasks.get(&ticket.id).copied().unwrap_or_default(),
            parent: ticket.parent.map(|id| self.ticket(id)),
            problem: problem.and_then(|id| self.problem(id)),
            depends_on: ticket.task().map(numbers).unwrap_or_default(),
            goes_on_in: ticket.goes_on_in().map(|id| self.ticket(id).number),
            ticket,
        }
    }

    fn person(&self, id: PersonId) -> PersonName {
        crate::labels::person_name(&self.people, id)
    }

    fn ticket(&self, id: TicketId) -> TicketName {
        let known = self.tickets.get(&id);
        TicketName {
            id,
            number: known.map(|it| it.number.clone()).unwrap_or_default(),
            short_description: known.map(|it| it.short_description.clone()).unwrap_or_default(),
        }
    }

    fn problem(&self, id: TicketId) -> Option<ProblemName> {
        let ticket = self.tickets.get(&id)?;
        let problem = ticket.problem()?;
        Some(ProblemName {
            name: self.ticket(id),
            state: ticket.state(),
            known_error: problem.known_error,
            workaround: problem.workaround.clone(),
        })
    }
}

/// The people that a ticket names.
fn people(ticket: &Ticket) -> impl Iterator<Item = PersonId> + use<> {
    let leaders = ticket.led_by().map(|it| [it.manager, it.communication_owner]);
    let risk_owner = ticket.problem().and_then(|it| it.risk_owner);
    let one = ticket.requester.into_iter().chain(ticket.assignee).chain(risk_owner);
    one.chain(leaders.into_iter().flatten())
}

/// The configuration items that a ticket names.
fn cis(ticket: &Ticket) -> impl Iterator<Item = CiId> + '_ {
    let other = ticket.problem().into_iter().flat_map(|it| it.cis.iter().copied());
    ticket.ci.into_iter().chain(other)
}

/// The tickets that a ticket names.
fn relatives(ticket: &Ticket) -> impl Iterator<Item = TicketId> + '_ {
    let before = ticket.task().into_iter().flat_map(|it| it.depends_on.iter().copied());
    let problem = ticket.incident().and_then(|it| it.problem);
    ticket.parent.into_iter().chain(problem).chain(before).chain(ticket.goes_on_in())
}

fn item(ticket: &Ticket) -> Option<CatalogItemId> {
    ticket.request().and_then(|request| request.item)
}

/// These tickets, by their ids, in one statement. What is not there is left out.
pub(crate) async fn tickets_by_id(
    tx: &mut ReadTx,
    ids: &[TicketId],
) -> Result<BTreeMap<TicketId, Ticket>, CommandError> {
    let found = ticket::find_many(tx, ids).await?;
    Ok(found.into_iter().map(|one| (one.id, one)).collect())
}

fn named(key: &Key, name: String) -> Named {
    Named { key: key.to_string(), name }
}

fn unique<T: Ord>(ids: impl Iterator<Item = T>) -> Vec<T> {
    let mut ids: Vec<T> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The names of the people that approvals mention.
pub(crate) async fn of_voters(
    tx: &mut ReadTx,
    approvals: &[Approval],
) -> Result<BTreeMap<PersonId, String>, CommandError> {
    let voters = approvals
        .iter()
        .flat_map(Approval::requests)
        .flat_map(|request| [request.seat, request.voter]);
    Ok(crate::labels::people_names(tx, voters).await?)
}
