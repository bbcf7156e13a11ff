//! Looking at a ticket: what a page tells of it is of one moment, and read in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use waypost_domain::{
    approval::Approval,
    event::Event,
    ids::PersonId,
    suggestion::Suggestion,
    ticket::{ActionHint, Ticket},
};
use waypost_store::{ReadTx, approval, event, organization, suggestion, team, ticket};

use super::{
    TicketQuery, TicketRef, TicketView, names,
    read::{self, Seen},
};
use crate::{Caller, CommandError, Desk, Page, PageRequest, labels::people_names};

/// A ticket that somebody looks at.
///
/// It holds a connection to the database: drop it before anything else is asked of the desk, or
/// pages that each wait for a second connection stall each other.
pub struct Look<'a> {
    pub(crate) desk: &'a Desk,
    pub(crate) caller: &'a Caller,
    pub(crate) tx: ReadTx,
    pub(crate) seen: Seen,
    rounds: Option<Vec<Approval>>,
    suggestions: Option<Vec<Suggestion>>,
}

impl<'a> Look<'a> {
    /// Looks at a ticket.
    ///
    /// # Errors
    /// [`CommandError::NotFound`] for a ticket that the caller may not see.
    pub async fn at(
        desk: &'a Desk,
        caller: &'a Caller,
        named: &TicketRef,
    ) -> Result<Self, CommandError> {
        let mut tx = desk.store.read(caller.org).await?;
        let seen = read::seen(&mut tx, caller, named).await?;
        Ok(Self { desk, caller, tx, seen, rounds: None, suggestions: None })
    }

    /// The ticket as it is stored.
    #[must_use]
    pub fn ticket(&self) -> &Ticket {
        &self.seen.ticket
    }

    /// The ticket, with the names of what it refers to.
    pub async fn view(&mut self) -> Result<TicketView, CommandError> {
        let (ticket, open) = (self.seen.ticket.clone(), self.seen.open_approval.clone());
        names::view_with(&mut self.tx, ticket, open).await
    }

    /// What happened to it, the oldest first. A requester sees neither internal notes nor links to
    /// other people's tickets, and no reasons of policies, also where a fallback decided because
    /// one failed.
    pub async fn events(&mut self) -> Result<Vec<Event>, CommandError> {
        let events = event::of(&mut self.tx, self.seen.ticket.id.into()).await?;
        Ok(read::readable(self.caller, events))
    }

    /// The actions that the caller may take now, with the fields that each still lacks.
    pub async fn actions(&mut self) -> Result<Vec<ActionHint>, CommandError> {
        let Seen { ticket, relation, .. } = &self.seen;
        let settings = organization::load(&mut self.tx).await?.settings;
        let team = team::find(&mut self.tx, ticket.team).await?;
        let hints = ticket.allowed_actions(self.caller.role, *relation, &settings);
        Ok(ticket.as_followed_by(self.caller.person(), team.as_ref(), hints))
    }

    /// Its tasks, by their place.
    pub async fn tasks(&mut self) -> Result<Vec<TicketView>, CommandError> {
        let tasks = ticket::tasks_of(&mut self.tx, self.seen.ticket.id).await?;
        names::views(&mut self.tx, tasks).await
    }

    /// Other tickets, as [`list`](super::list) lists them.
    ///
    /// # Errors
    /// As [`list`](super::list).
    pub async fn list(
        &mut self,
        query: &TicketQuery,
        request: &PageRequest,
    ) -> Result<Page<TicketView>, CommandError> {
        read::list_in(&mut self.tx, self.caller, query, request).await
    }

    /// The names of people, as far as the organization may know them. For the desk.
    ///
    /// # Errors
    /// [`CommandError::Forbidden`] for a requester.
    pub async fn people_called(
        &mut self,
        people: &BTreeSet<PersonId>,
    ) -> Result<BTreeMap<PersonId, String>, CommandError> {
        self.caller.must_be_desk()?;
        if people.is_empty() {
            return Ok(BTreeMap::new());
        }
        Ok(people_names(&mut self.tx, people.iter().copied()).await?)
    }

    /// Its rounds of approval, the first one first; read once.
    pub(crate) async fn stored_rounds(&mut self) -> Result<&[Approval], CommandError> {
        if self.rounds.is_none() {
            self.rounds = Some(approval::of(&mut self.tx, self.seen.ticket.id.into()).await?);
        }
        Ok(self.rounds.as_deref().unwrap_or_default())
    }

    /// What policies suggest for it, the oldest first; read once.
    pub(crate) async fn stored_suggestions(&mut self) -> Result<&[Suggestion], CommandError> {
        if self.suggestions.is_none() {
            self.suggestions =
                Some(suggestion::of_ticket(&mut self.tx, self.seen.ticket.id).await?);
        }
        Ok(self.suggestions.as_deref().unwrap_or_default())
    }
}
