//! The facts a round is decided on, read in one transaction: the organization and its policies, the
//! people around the ticket, and exactly what the policies declared to need beside it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use waypost_domain::{
    approval::{Approval, Outcome},
    catalog::{CatalogItem, Category},
    ci::Ci,
    comment::Comment,
    delegation::Delegation,
    directory::Lookup,
    ids::{CiId, PersonId, TeamId, TicketId},
    person::Person,
    service::Service,
    team::Team,
    ticket::Ticket,
};
use waypost_policy::Need;
use waypost_store::{ReadTx, directory::Directory};

use super::{
    PersonRef,
    snapshot::{MAX_COMMENTS, SharedFacts},
};
use crate::{Caller, CommandError, Desk, configuration::Configuration, layers, layers::Layers};

/// Everything a round is decided on.
#[derive(Clone)]
pub(crate) struct Facts {
    /// The organization, its lineage, teams, services and categories.
    pub(crate) directory: Arc<Directory>,
    /// The policies in force.
    pub(crate) layers: Arc<Layers>,
    /// What the snapshots of all tickets share.
    pub(crate) shared: Arc<SharedFacts>,
    /// Open tickets by team; empty unless a policy needs them.
    pub(crate) loads: Arc<BTreeMap<TeamId, u32>>,
    /// People who may get tickets, approvals or messages: members and leads of teams, owners of
    /// services, who leads what a rule makes a major incident.
    pub(crate) desk_people: Arc<BTreeMap<PersonId, Person>>,
    /// Who stands in for whom now; empty where nobody's vote can be asked for.
    pub(crate) delegations: Arc<Vec<Delegation>>,
    /// The requester.
    pub(crate) requester: Option<Person>,
    /// The requester's manager.
    pub(crate) manager: Option<Person>,
    /// The configuration items that the ticket, or a policy, names.
    pub(crate) cis: Vec<Ci>,
    /// How many tickets are open on each of them, if a policy needs that.
    pub(crate) open_on_cis: BTreeMap<CiId, u32>,
    /// The ticket's catalog item.
    pub(crate) item: Option<CatalogItem>,
    /// The ticket that it was a part of when it was read, with its number.
    pub(crate) parent: Option<(TicketId, String)>,
    /// The last public comments, the newest last; empty where no policy is asked.
    pub(crate) comments: Vec<Comment>,
    /// Its round of approval, while it awaits one.
    pub(crate) open_approval: Option<Approval>,
}

impl Facts {
    /// Opens a read transaction with the facts that are the same for all tickets of the
    /// organization.
    pub(crate) async fn open(desk: &Desk, caller: &Caller) -> Result<(ReadTx, Self), CommandError> {
        Self::open_in(desk, caller, None).await
    }

    /// As [`Facts::open`], in a transaction that was begun and has not read yet.
    pub(crate) async fn open_in(
        desk: &Desk,
        caller: &Caller,
        begun: Option<ReadTx>,
    ) -> Result<(ReadTx, Self), CommandError> {
        let (mut tx, configuration, layers) = layers::open(desk, caller, begun).await?;
        let loads = if layers.need(Need::TeamLoads) {
            waypost_store::directory::team_loads(&mut tx).await?
        } else {
            BTreeMap::new()
        };
        let mut facts = Self {
            directory: Arc::clone(&configuration.directory),
            layers: Arc::new(layers),
            shared: Arc::default(),
            loads: Arc::new(loads),
            desk_people: Arc::clone(&configuration.desk_people),
            delegations: Arc::default(),
            requester: None,
            manager: None,
            cis: Vec::new(),
            open_on_cis: BTreeMap::new(),
            item: None,
            parent: None,
            comments: Vec::new(),
            open_approval: None,
        };
        if !facts.layers.is_empty() {
            facts.shared = shared(&mut tx, &configuration, &facts, caller.now).await?;
        }
        Ok((tx, facts))
    }

    /// Adds the people around a ticket.
    pub(crate) async fn add_requester(
        &mut self,
        tx: &mut ReadTx,
        requester: Person,
    ) -> Result<(), CommandError> {
        self.manager = match requester.manager {
            Some(manager) => waypost_store::person::find(tx, manager).await?.filter(|it| it.active),
            None => None,
        };
        self.requester = Some(requester);
        Ok(())
    }

    /// Adds what stands around a stored ticket.
    pub(crate) async fn around(
        &mut self,
        tx: &mut ReadTx,
        ticket: &Ticket,
    ) -> Result<(), CommandError> {
        if let Some(id) = ticket.requester
            && let Some(requester) = waypost_store::person::find(tx, id).await?
        {
            self.add_requester(tx, requester).await?;
        }
        if let Some(id) = ticket.ci
            && let Some(found) = waypost_store::ci::find(tx, id).await?
        {
            self.add_ci(tx, found).await?;
        }
        if let Some(item) = ticket.request().and_then(|request| request.item) {
            self.item = waypost_store::catalog::find(tx, item).await?;
        }
        if self.layers.is_empty() {
            return Ok(());
        }
        for id in ticket.problem().into_iter().flat_map(|problem| &problem.cis) {
            if let Some(found) = waypost_store::ci::find(tx, *id).await? {
                self.add_ci(tx, found).await?;
            }
        }
        self.parent = match ticket.parent {
            Some(parent) => {
                let mut found = waypost_store::ticket::headings(tx, &[parent]).await?;
                found.pop().map(|(id, heading)| (id, heading.number))
            }
            None => None,
        };
        let most = u32::try_from(MAX_COMMENTS).unwrap_or(u32::MAX);
        self.comments = waypost_store::comment::last_public(tx, ticket.id.into(), most).await?;
        self.open_approval = if ticket.can_await_approval() {
            let rounds = waypost_store::approval::of(tx, ticket.id.into()).await?;
            rounds.into_iter().find(|round| round.outcome == Outcome::Pending)
        } else {
            None
        };
        Ok(())
    }

    /// Adds a configuration item that the ticket, or a policy, names.
    pub(crate) async fn add_ci(&mut self, tx: &mut ReadTx, ci: Ci) -> Result<(), CommandError> {
        if self.layers.need(Need::OpenOnCi) {
            let open = waypost_store::directory::open_tickets_on_ci(tx, ci.id).await?;
            self.open_on_cis.insert(ci.id, open);
        }
        if !self.cis.iter().any(|known| known.id == ci.id) {
            self.cis.push(ci);
        }
        Ok(())
    }

    /// Somebody who may get tickets, of the organization or of a team that serves it.
    pub(crate) fn desk_person(&self, named: &PersonRef) -> Option<&Person> {
        match named {
            PersonRef::Id(id) => self.desk_people.get(id),
            PersonRef::Email(email) => self.desk_people.values().find(|person| person.is_at(email)),
        }
    }

    /// Whether a person can be asked for their vote: of the organization, or of those who get its
    /// tickets.
    pub(crate) fn can_vote(&self, person: &Person) -> bool {
        let org = self.directory.org.id;
        person.can_vote_in(org) && (person.org == org || self.desk_people.contains_key(&person.id))
    }

    /// The organization's fallback approver, while they can vote.
    pub(crate) fn fallback_approver(&self) -> Option<PersonId> {
        let approver = self.directory.org.settings.fallback_approver?;
        let found = self.desk_people.get(&approver).filter(|person| self.can_vote(person));
        found.map(|person| person.id)
    }

    /// Adds the delegations in force now. Whoever cannot vote stands in for nobody.
    pub(crate) async fn add_delegations(
        &mut self,
        tx: &mut ReadTx,
        now: DateTime<Utc>,
    ) -> Result<(), CommandError> {
        let mut in_force = waypost_store::delegation::in_force(tx, now).await?;
        let named: BTreeSet<PersonId> = in_force.iter().map(|one| one.to).collect();
        let named: Vec<PersonId> = named.into_iter().collect();
        let people = waypost_store::person::find_many(tx, &named).await?;
        let able: BTreeSet<PersonId> =
            people.iter().filter(|one| self.can_vote(one)).map(|person| person.id).collect();
        in_force.retain(|one| able.contains(&one.to));
        self.delegations = Arc::new(in_force);
        Ok(())
    }

    /// How many tickets are open on a configuration item.
    pub(crate) fn open_on(&self, ci: CiId) -> u32 {
        self.open_on_cis.get(&ci).copied().unwrap_or(0)
    }

    /// How many open tickets a team owns.
    pub(crate) fn open_of_team(&self, id: TeamId) -> u32 {
        self.loads.get(&id).copied().unwrap_or(0)
    }
}

/// What snapshots of this moment share: made once for a configuration and a month, as soon as it is
/// stored.
async fn shared(
    tx: &mut ReadTx,
    configuration: &Configuration,
    facts: &Facts,
    now: DateTime<Utc>,
) -> Result<Arc<SharedFacts>, CommandError> {
    if let Some(known) = configuration.shared.at(now) {
        return Ok(known);
    }
    let mut made = SharedFacts::of(facts, now);
    if let Some(part) = &made.part {
        made.is_kept = waypost_store::snapshot_part::is_kept(tx, part.id).await?;
    }
    let made = Arc::new(made);
    if made.is_kept {
        configuration.shared.put(&made);
    }
    Ok(made)
}

impl Lookup for Facts {
    fn teams(&self) -> &[Team] {
        &self.directory.teams
    }

    fn services(&self) -> &[Service] {
        &self.directory.services
    }

    fn cis(&self) -> &[Ci] {
        &self.cis
    }

    fn categories(&self) -> &[Category] {
        &self.directory.categories
    }
}
