//! Opening a ticket: how a new one starts.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::{
    catalog::CatalogItem,
    fields::Fields,
    ids::{OrgId, PersonId, TeamId, TicketId},
    organization::OrgSettings,
    priority::Priority,
    refusal::{Faults, Refused},
    said,
    said::Part,
    ticket::{
        Channel, Details, Given, Stage, State, Ticket, TicketKind, Turn, Value,
        assign::check_levels,
    },
};

/// What a ticket starts with. References are resolved already; texts and levels are checked here.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    /// Its id.
    pub id: TicketId,
    /// Its organization.
    pub org: OrgId,
    /// What it is.
    pub kind: TicketKind,
    /// Who wrote it down.
    pub opened_by: Option<PersonId>,
    /// The fields that were given.
    pub given: &'a Given,
    /// The catalog item that is asked for.
    pub item: Option<&'a CatalogItem>,
    /// The team that owns it, where it is not for a policy to say.
    pub team: Option<TeamId>,
}

impl Ticket {
    /// A ticket that has just come in: in its first state, owned by the organization's fallback
    /// team until a policy routes it.
    ///
    /// Its number is empty, because policies can still change what kind of ticket it is. A form's
    /// answers are not checked before the request is submitted, but an item that can't be asked for
    /// is refused here.
    pub fn open(
        new: Opening<'_>,
        settings: &OrgSettings,
        now: DateTime<Utc>,
    ) -> Result<Self, Refused> {
        let rules = new.kind.rules();
        let mut faults = Faults::new();
        let mut ticket = Self::blank(&new, settings, now);
        for field in rules.fields().filter(|field| field.opens) {
            let value = new.given.get(field.name);
            if let Some(value) = value {
                field.takes.check(&field.pointer(), value, &mut faults);
            }
            if value.is_some() || field.name == "short_description" {
                (field.set)(&mut ticket, value, &mut faults);
            }
        }
        check_levels(settings, ticket.impact, ticket.urgency, &mut faults);
        if ticket.opened_at > now {
            let message = said!(
                "`{opened_at}` cannot be in the future; omit it to use the current time.",
                opened_at = Part::field("opened_at")
            );
            faults.wrong("/opened_at", "in-the-future", message);
        }
        ticket.opened_by = new.opened_by.filter(|opener| Some(*opener) != ticket.requester);
        ticket.priority =
            Priority::of_matrix(settings.matrix.lookup(ticket.impact, ticket.urgency));
        if let Some(request) = ticket.request_mut() {
            request.begin(new.item, &mut faults);
        }
        if ticket.task().is_some_and(|task| task.depends_on.is_empty()) {
            ticket.stage = Stage::Open(State::Open);
        }
        faults.finish()?;
        Ok(ticket)
    }

    fn blank(new: &Opening<'_>, settings: &OrgSettings, now: DateTime<Utc>) -> Self {
        Self {
            id: new.id,
            org: new.org,
            number: String::new(),
            short_description: String::new(),
            description: String::new(),
            channel: Channel::Api,
            tags: BTreeSet::new(),
            fields: Fields::default(),
            requester: None,
            opened_by: None,
            category: None,
            service: None,
            ci: None,
            impact: None,
            urgency: None,
            priority: Priority::of_matrix(settings.matrix.lookup(None, None)),
            team: new.team.unwrap_or(settings.fallback_team),
            assignee: None,
            reassignment_count: 0,
            watchers: BTreeSet::new(),
            parent: None,
            follows: None,
            external_ref: None,
            stage: Stage::Open(new.kind.rules().states[0].0),
            details: Details::of(new.kind),
            opened_at: now,
            created_at: now,
            updated_at: now,
            state_since: now,
            waiting_since: now,
            escalation_level: 0,
            acknowledged_at: None,
            first_response_at: None,
            eta: None,
            triaged_at: None,
            reopen_count: 0,
            last_reopened_at: None,
            policy_failures: None,
            version: 1,
        }
    }

    /// A new ticket that takes up a closed one, because its caller answered: with the caller, the
    /// service, the configuration item and the category of the old one, and the reply as its text.
    /// What went on instead of the old one is what it follows.
    pub(crate) fn following(&self, reply: &str, turn: &Turn<'_>) -> Result<Self, Refused> {
        let given = Given::default()
            .with("short_description", Value::Text(self.short_description.clone()))
            .with("description", Value::Text(reply.to_owned()));
        let opening = Opening {
            id: turn.beside.new_id.unwrap_or(self.id),
            org: self.org,
            kind: self.kind(),
            opened_by: None,
            given: &given,
            item: None,
            team: None,
        };
        let new = Self::open(opening, turn.settings, turn.now)?;
        Ok(Self {
            channel: self.channel,
            requester: self.requester,
            category: self.category.clone(),
            service: self.service,
            ci: self.ci,
            opened_by: turn.by.person.filter(|person| self.requester != Some(*person)),
            follows: Some(turn.beside.goes_on.as_ref().map_or(self.id, |end| end.id)),
            ..new
        })
    }

    /// Whether it comes in at this moment: policies look at it for the first time, and nobody else
    /// has seen it.
    pub(crate) fn is_arriving(&self, now: DateTime<Utc>) -> bool {
        self.created_at == now
    }

    /// Makes a ticket that was never stored another kind; for a policy that sees what has arrived
    /// (requirement W1). A request for a catalog item stays one.
    pub(crate) fn retype(&mut self, kind: TicketKind) -> bool {
        let is_free = self.request().is_none_or(|request| request.item.is_none());
        let both = self.rules().has_requester() && kind.rules().has_requester();
        let can = kind != self.kind() && both && is_free && self.state() == State::New;
        if can {
            // What only the other kind has goes with it; the event shows what it was.
            self.details = Details::of(kind);
        }
        can
    }
}
