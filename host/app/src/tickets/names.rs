//! The names of what a ticket refers to, for a reader.

use std::collections::BTreeMap;

use waypost_domain::{
    approval::Approval,
    ids::{CatalogItemId, CiId, OrgId, PersonId, ServiceId, TeamId, TicketId},
    key::Key,
    task::TaskCount,
    ticket::{Body, Ticket, TicketKind},
};
use waypost_store::{ReadTx, approval, catalog, ci, person, service, task, team};

use super::{Named, PersonName, TicketView};
use crate::{CommandError, Desk};

/// The names that a page of tickets refers to, read in one go.
struct Names {
    people: BTreeMap<PersonId, String>,
    teams: BTreeMap<TeamId, Named>,
    services: BTreeMap<ServiceId, Named>,
    cis: BTreeMap<CiId, Named>,
    items: BTreeMap<CatalogItemId, Named>,
    tasks: BTreeMap<TicketId, TaskCount>,
}

/// Tickets as a caller may see them.
pub(crate) async fn views(
    tx: &mut ReadTx,
    tickets: Vec<Ticket>,
) -> Result<Vec<TicketView>, CommandError> {
    let settings = waypost_store::organization::load(tx).await?.settings;
    let names = Names::load(tx, &tickets).await?;
    let mut views = Vec::with_capacity(tickets.len());
    for ticket in tickets {
        let open = if ticket.state() == waypost_domain::ticket::State::AwaitingApproval {
            approval::open_of_ticket(tx, ticket.id).await?
        } else {
            None
        };
        let waiting_on = ticket.waiting_on(open.as_ref(), &settings);
        views.push(names.view(ticket, waiting_on));
    }
    Ok(views)
}

/// One ticket as a caller may see it.
pub(crate) async fn view(tx: &mut ReadTx, ticket: Ticket) -> Result<TicketView, CommandError> {
    let mut views = views(tx, vec![ticket]).await?;
    Ok(views.pop().expect("one ticket makes one view"))
}

/// One ticket as a caller may see it, read in a transaction of its own: for a command that changed nothing.
pub(crate) async fn view_now(
    desk: &Desk,
    org: OrgId,
    ticket: Ticket,
) -> Result<TicketView, CommandError> {
    let mut tx = desk.store.read(org).await?;
    view(&mut tx, ticket).await
}

impl Names {
    async fn load(tx: &mut ReadTx, tickets: &[Ticket]) -> Result<Self, CommandError> {
        let people = unique(tickets.iter().flat_map(|one| {
            let led_by = one.major.led_by();
            let leaders = led_by.map(|it| [it.manager, it.communication_owner]);
            let leaders = leaders.into_iter().flatten();
            std::iter::once(one.requester).chain(one.assignee).chain(leaders)
        }));
        let mut teams: BTreeMap<TeamId, Named> = team::serving(tx)
            .await?
            .into_iter()
            .map(|one| (one.id, named(&one.key, one.name)))
            .collect();
        for id in unique(tickets.iter().map(|one| one.team)) {
            // A team that is not active any more still owns what it owned.
            if !teams.contains_key(&id)
                && let Some(one) = team::find(tx, id).await?
            {
                teams.insert(id, named(&one.key, one.name));
            }
        }
        let mut cis = BTreeMap::new();
        for id in unique(tickets.iter().filter_map(|one| one.ci)) {
            if let Some(one) = ci::find(tx, id).await? {
                cis.insert(id, named(&one.key, one.name));
            }
        }
        let services = if tickets.iter().any(|one| one.service.is_some()) {
            service::list(tx).await?
        } else {
            Vec::new()
        };
        let items = if tickets.iter().any(|one| item(one).is_some()) {
            catalog::list(tx).await?
        } else {
            Vec::new()
        };
        let requests = tickets.iter().filter(|one| one.kind() == TicketKind::Request);
        let requests: Vec<TicketId> = requests.map(|one| one.id).collect();
        Ok(Self {
            tasks: task::counts(tx, &requests).await?.into_iter().collect(),
            people: person::find_many(tx, &people)
                .await?
                .into_iter()
                .map(|one| (one.id, one.name))
                .collect(),
            teams,
            services: services.into_iter().map(|one| (one.id, named(&one.key, one.name))).collect(),
            cis,
            items: items.into_iter().map(|one| (one.id, named(&one.key, one.name))).collect(),
        })
    }

    fn view(
        &self,
        ticket: Ticket,
        waiting_on: Option<waypost_domain::waiting::WaitingOn>,
    ) -> TicketView {
        let item = item(&ticket);
        let led_by = ticket.major.led_by();
        TicketView {
            team: self.teams.get(&ticket.team).cloned().unwrap_or_else(|| unnamed(ticket.team)),
            service: ticket.service.and_then(|id| self.services.get(&id).cloned()),
            ci: ticket.ci.and_then(|id| self.cis.get(&id).cloned()),
            catalog_item: item.and_then(|id| self.items.get(&id).cloned()),
            requester: self.person(ticket.requester),
            assignee: ticket.assignee.map(|id| self.person(id)),
            manager: led_by.map(|it| self.person(it.manager)),
            communication_owner: led_by.map(|it| self.person(it.communication_owner)),
            priority: ticket.priority.effective(),
            waiting_on,
            tasks: self.tasks.get(&ticket.id).copied().unwrap_or_default(),
            ticket,
        }
    }

    fn person(&self, id: PersonId) -> PersonName {
        let name = self.people.get(&id).cloned().unwrap_or_else(|| id.to_string());
        PersonName { id, name }
    }
}

fn item(ticket: &Ticket) -> Option<CatalogItemId> {
    match &ticket.body {
        Body::Request(request) => request.item,
        Body::Incident(_) => None,
    }
}

fn named(key: &Key, name: String) -> Named {
    Named { key: key.to_string(), name }
}

/// A team that is not visible any more keeps its id as its name.
fn unnamed(team: TeamId) -> Named {
    Named { key: team.to_string(), name: team.to_string() }
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
    let ids = unique(
        approvals
            .iter()
            .flat_map(|one| &one.stages)
            .flat_map(|stage| &stage.steps)
            .flat_map(|step| &step.requests)
            .flat_map(|request| [request.seat, request.voter]),
    );
    let people = person::find_many(tx, &ids).await?;
    Ok(people.into_iter().map(|one| (one.id, one.name)).collect())
}
