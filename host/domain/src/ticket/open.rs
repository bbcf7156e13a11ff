//! Opening a ticket: how a new one starts.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::{
    catalog::CatalogItem,
    ids::{CiId, OrderId, OrgId, PersonId, ServiceId, TicketId},
    incident::{IncidentState, Major},
    key::{CategoryPath, Key},
    organization::OrgSettings,
    priority::{Level, Priority},
    refusal::{Faults, Refused},
    request::{Request, RequestState, answers, check_quantity, cost_of},
    text,
    ticket::{Body, Channel, ExternalRef, Ticket, TicketKind, edit::check_incident_fields},
};

/// What a ticket starts with. References are resolved already; texts and levels are checked here.
#[derive(Debug, Clone)]
pub struct NewTicket<'a> {
    /// Its id.
    pub id: TicketId,
    /// Its organization.
    pub org: OrgId,
    /// What it is.
    pub kind: TicketKind,
    /// One line.
    pub short_description: &'a str,
    /// The full text.
    pub description: &'a str,
    /// How it came in.
    pub channel: Channel,
    /// The person with the trouble or the wish.
    pub requester: PersonId,
    /// Who wrote it down.
    pub opened_by: Option<PersonId>,
    /// What it is about.
    pub category: Option<CategoryPath>,
    /// The service concerned.
    pub service: Option<ServiceId>,
    /// The configuration item concerned.
    pub ci: Option<CiId>,
    /// How much is affected.
    pub impact: Option<Level>,
    /// How soon it hurts.
    pub urgency: Option<Level>,
    /// Free labels.
    pub tags: &'a [String],
    /// What is asked for, for a request.
    pub item: Option<&'a CatalogItem>,
    /// The form's answers, for a request.
    pub answers: &'a [(Key, String)],
    /// How many of it, for a request.
    pub quantity: u16,
    /// A ticket it is a part of.
    pub parent: Option<TicketId>,
    /// Whether it follows the one that it is a part of, for an incident; none for yes.
    pub sync_with_parent: Option<bool>,
    /// How many people it keeps from their work, for an incident.
    pub affected_users: Option<u32>,
    /// Another system's name and number for it.
    pub external_ref: Option<(&'a str, &'a str)>,
    /// When the trouble began; none for now.
    pub opened_at: Option<DateTime<Utc>>,
}

/// A source's name or number is an identifier, not a text.
const MAX_EXTERNAL_CHARS: usize = 200;

impl Ticket {
    /// A ticket that has just come in: new, owned by the organization's fallback team until a policy routes it.
    ///
    /// Its number is empty, because policies can still change what kind of ticket it is. A form's answers are not
    /// checked before the request is submitted, but an item that can't be asked for is refused here.
    pub fn new(
        new: NewTicket<'_>,
        settings: &OrgSettings,
        now: DateTime<Utc>,
    ) -> Result<Self, Refused> {
        let mut faults = Faults::new();
        let short_description = text::short_description(new.short_description, &mut faults);
        let description = text::description(new.description, &mut faults);
        let tags = text::tags(new.tags, &mut faults);
        check_levels(settings, new.impact, new.urgency, &mut faults);
        if new.opened_at.is_some_and(|opened_at| opened_at > now) {
            faults.wrong("/opened_at", "in-the-future", "a ticket can't be opened after now");
        }
        let external_ref = new.external_ref.map(|(source, id)| {
            for (pointer, text) in [("/external_ref/source", source), ("/external_ref/id", id)] {
                if text.trim().is_empty() {
                    faults.missing(pointer, "name the other system and its number for the ticket");
                }
                text::at_most_chars(pointer, text.trim(), MAX_EXTERNAL_CHARS, &mut faults);
                text::plain(pointer, text.trim(), &mut faults);
            }
            ExternalRef { source: source.trim().to_owned(), id: id.trim().to_owned() }
        });
        if let Some(item) = new.item.filter(|item| !item.active) {
            let message = format!("`{}` can't be asked for any more", item.key);
            faults.wrong("/catalog_item", "inactive", message);
        }
        if new.kind == TicketKind::Incident && (new.item.is_some() || !new.answers.is_empty()) {
            let message = "only a request asks for a catalog item; leave it out or open a request";
            faults.wrong("/catalog_item", "not-a-request", message);
        }
        let answers = answers(new.answers, &mut faults);
        check_incident_fields(new.kind, new.affected_users, new.sync_with_parent, &mut faults);
        check_quantity(new.quantity, new.item.is_some(), &mut faults);
        let cost = cost_of(new.item, new.quantity, &mut faults);
        faults.finish()?;
        let body = match new.kind {
            TicketKind::Incident => Body::Incident(IncidentState::New),
            TicketKind::Request => Body::Request(Request {
                item: new.item.map(|item| item.id),
                answers,
                quantity: new.quantity,
                order: None,
                cost,
                expected_at: None,
                state: RequestState::New,
            }),
        };
        Ok(Self {
            id: new.id,
            org: new.org,
            number: String::new(),
            short_description,
            description,
            channel: new.channel,
            tags,
            requester: new.requester,
            opened_by: new.opened_by.filter(|opener| *opener != new.requester),
            category: new.category,
            service: new.service,
            ci: new.ci,
            impact: new.impact,
            urgency: new.urgency,
            priority: Priority::of_matrix(settings.matrix.lookup(new.impact, new.urgency)),
            team: settings.fallback_team,
            assignee: None,
            reassignment_count: 0,
            watchers: BTreeSet::new(),
            parent: new.parent,
            sync_with_parent: new.sync_with_parent.unwrap_or(true),
            affected_users: new.affected_users.unwrap_or(0),
            major: Major::None,
            follows: None,
            external_ref,
            body,
            opened_at: new.opened_at.unwrap_or(now),
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
            degraded: None,
            version: 1,
        })
    }

    /// A new ticket that takes up a closed one, because its caller answered: with the caller, the service, the
    /// configuration item and the category of the old one, and the reply as its text.
    pub fn following(
        &self,
        id: TicketId,
        reply: &str,
        channel: Channel,
        settings: &OrgSettings,
        now: DateTime<Utc>,
    ) -> Result<Self, Refused> {
        let new = NewTicket {
            id,
            org: self.org,
            kind: self.kind(),
            short_description: &self.short_description,
            description: reply,
            channel,
            requester: self.requester,
            opened_by: None,
            category: self.category.clone(),
            service: self.service,
            ci: self.ci,
            impact: None,
            urgency: None,
            tags: &[],
            item: None,
            answers: &[],
            quantity: 1,
            parent: None,
            sync_with_parent: None,
            affected_users: None,
            external_ref: None,
            opened_at: None,
        };
        let mut following = Self::new(new, settings, now)?;
        following.follows = Some(self.id);
        Ok(following)
    }

    /// Says what it is ordered together with. Only a request is ordered.
    pub fn order(&mut self, order: OrderId) {
        if let Body::Request(request) = &mut self.body {
            request.order = Some(order);
        }
    }

    /// Whether it comes in at this moment: policies look at it for the first time, and nobody else has seen it.
    pub(crate) fn is_arriving(&self, now: DateTime<Utc>) -> bool {
        self.created_at == now
    }

    /// Makes a ticket that was never stored another kind; for a policy that sees what has arrived (requirement W1).
    /// A request for a catalog item stays one.
    pub(crate) fn retype(&mut self, kind: TicketKind) -> bool {
        match (&self.body, kind) {
            (Body::Incident(IncidentState::New), TicketKind::Request) => {
                self.body = Body::Request(Request::plain());
                // What only an incident has goes with it; the event shows what it was.
                self.affected_users = 0;
                self.sync_with_parent = true;
                true
            }
            (
                Body::Request(Request { item: None, state: RequestState::New, .. }),
                TicketKind::Incident,
            ) => {
                self.body = Body::Incident(IncidentState::New);
                true
            }
            (Body::Incident(_) | Body::Request(_), _) => false,
        }
    }
}

impl Request {
    /// A request in free text.
    pub(crate) const fn plain() -> Self {
        Self {
            item: None,
            answers: Vec::new(),
            quantity: 1,
            order: None,
            cost: None,
            expected_at: None,
            state: RequestState::New,
        }
    }
}

/// Refuses levels that the organization's matrix does not know.
pub(crate) fn check_levels(
    settings: &OrgSettings,
    impact: Option<Level>,
    urgency: Option<Level>,
    faults: &mut Faults,
) {
    let sizes = [
        ("/impact", impact, settings.matrix.impacts()),
        ("/urgency", urgency, settings.matrix.urgencies()),
    ];
    for (pointer, level, most) in sizes {
        if let Some(level) = level.filter(|level| !(1..=most).contains(&level.0)) {
            let message = format!("{level} is no level; valid are 1 (high) to {most} (low)");
            faults.wrong(pointer, "out-of-range", message);
        }
    }
}
