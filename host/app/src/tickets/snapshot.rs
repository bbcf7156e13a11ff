//! The snapshot: a ticket and the facts around it, in the words of the contract.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use waypost_domain::{
    calendar,
    directory::Lookup,
    ids::{CiId, ServiceId, TeamId},
    incident::MajorState,
    service::Criticality,
    team::Team,
    ticket::{Channel, Ticket, TicketKind},
};
use waypost_policy::contract;

use super::facts::Facts;

/// What is longer is cut for policies: a rule reads the beginning, and a decision's input stays bounded.
const MAX_DESCRIPTION_BYTES: usize = 16 * 1024;

/// What all questions of a round share. Its JSON is what a round keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// The ticket as it was before the round's first hook.
    pub(crate) ticket: contract::Ticket,
    /// All facts; each question holds those of them that its policy declared.
    pub(crate) context: contract::Context,
}

/// A time as the contract writes it.
pub(crate) fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// The ticket in the words of the contract.
pub(crate) fn ticket(ticket: &Ticket, facts: &Facts) -> contract::Ticket {
    let request = ticket.request();
    contract::Ticket {
        id: ticket.id.to_string(),
        number: ticket.number.clone(),
        kind: match ticket.kind() {
            TicketKind::Incident => contract::Kind::Incident,
            TicketKind::Request | TicketKind::Task => contract::Kind::Request,
            TicketKind::Problem => contract::Kind::Problem,
        },
        state: ticket.state().as_str().to_owned(),
        channel: channel(ticket.channel),
        short_description: ticket.short_description.clone(),
        description: cut(&ticket.description, MAX_DESCRIPTION_BYTES).to_owned(),
        requester: ticket.requester.map(|id| id.to_string()).unwrap_or_default(),
        category: ticket
            .category
            .iter()
            .flat_map(|path| path.segments().map(str::to_owned))
            .collect(),
        service: ticket.service.and_then(|id| service_key(facts, id)),
        ci: ticket.ci.and_then(|id| facts.ci(id)).map(|ci| ci.key.to_string()),
        impact: ticket.impact.map(|level| level.0),
        urgency: ticket.urgency.map(|level| level.0),
        priority: Some(ticket.priority.effective().0.0),
        team: team_key(facts, ticket.team),
        assignee: ticket.assignee.map(|id| id.to_string()),
        tags: ticket.tags.iter().cloned().collect(),
        catalog_item: facts.item.as_ref().map(|item| item.key.to_string()),
        cost: request.and_then(|request| request.cost.as_ref()).map(|cost| contract::Money {
            minor_units: float(cost.minor_units),
            currency: cost.currency.clone(),
        }),
        answers: request
            .iter()
            .flat_map(|request| &request.answers)
            .map(|(field, value)| contract::FormAnswer {
                field: field.to_string(),
                value: value.clone(),
            })
            .collect(),
        opened_at: timestamp(ticket.opened_at),
        major_state: Some(ticket.major_state())
            .filter(|state| *state != MajorState::None)
            .map(|state| state.as_str().to_owned()),
    }
}

/// The facts in the words of the contract, all of them; [`only`] takes what one policy declared.
pub(crate) fn context(facts: &Facts, ticket: &Ticket, now: DateTime<Utc>) -> contract::Context {
    let settings = &facts.directory.org.settings;
    let local = calendar::local(now, settings.zone);
    contract::Context {
        now: contract::Moment {
            utc: timestamp(now),
            local_date: local.date,
            weekday: local.weekday,
            minute_of_day: local.minute_of_day,
            zone: settings.zone.name().to_owned(),
            working_time: settings.working_hours.contains(now, settings.zone),
        },
        organization: facts.directory.org.key.to_string(),
        requester: facts.requester.as_ref().map(person),
        manager: facts.manager.as_ref().map(person),
        teams: facts
            .directory
            .teams
            .iter()
            .filter(|one| one.serves(facts.directory.org.id))
            .map(|one| team(one, facts, now))
            .collect(),
        fallback_approver: settings.fallback_approver.map(|id| id.to_string()),
        service: ticket.service.and_then(|id| service(facts, id)),
        ci: ticket.ci.and_then(|id| ci(facts, id)),
        services: facts
            .directory
            .services
            .iter()
            .filter(|one| one.active)
            .filter_map(|one| service(facts, one.id))
            .collect(),
    }
}

/// The same facts, where hooks may have changed the ticket's service or configuration item meanwhile.
pub(crate) fn following(
    facts_before: contract::Context,
    facts: &Facts,
    ticket: &Ticket,
) -> contract::Context {
    contract::Context {
        service: ticket.service.and_then(|id| service(facts, id)),
        ci: ticket.ci.and_then(|id| ci(facts, id)),
        ..facts_before
    }
}

/// The part of the facts that a policy declared to need. The same for the same needs: a receipt names the component, and
/// with it the needs.
pub(crate) fn only(full: &contract::Context, needs: &[contract::Need]) -> contract::Context {
    use contract::Need;
    let needs_one = |need: Need| needs.contains(&need);
    let needs_load = needs_one(Need::TeamLoads);
    let needs_members = needs_one(Need::TeamMembers);
    let needs_on_call = needs_one(Need::OnCall);
    let needs_teams = needs_one(Need::Teams) || needs_load || needs_members || needs_on_call;
    contract::Context {
        now: full.now.clone(),
        organization: full.organization.clone(),
        requester: full.requester.clone().filter(|_| needs_one(Need::Requester)),
        manager: full.manager.clone().filter(|_| needs_one(Need::Manager)),
        teams: if needs_teams {
            full.teams
                .iter()
                .map(|team| contract::Team {
                    key: team.key.clone(),
                    name: team.name.clone(),
                    open_now: team.open_now,
                    load: if needs_load { team.load } else { 0 },
                    open_tickets: if needs_load { team.open_tickets } else { 0 },
                    on_call: team.on_call.clone().filter(|_| needs_on_call),
                    lead: team.lead.clone(),
                    members: if needs_members { team.members.clone() } else { Vec::new() },
                })
                .collect()
        } else {
            Vec::new()
        },
        fallback_approver: full.fallback_approver.clone(),
        service: full.service.clone().filter(|_| needs_one(Need::Service)),
        ci: full.ci.clone().filter(|_| needs_one(Need::Ci) || needs_one(Need::OpenOnCi)).map(
            |ci| contract::Ci {
                open_tickets: if needs_one(Need::OpenOnCi) { ci.open_tickets } else { 0 },
                ..ci
            },
        ),
        services: if needs_one(Need::Services) { full.services.clone() } else { Vec::new() },
    }
}

/// A service in the words of the contract.
pub(crate) fn service(facts: &Facts, id: ServiceId) -> Option<contract::Service> {
    let service = Lookup::service(facts, id)?;
    Some(contract::Service {
        key: service.key.to_string(),
        name: service.name.clone(),
        criticality: criticality(service.criticality),
        owner: service.owner.map(|id| id.to_string()),
        support_team: service.support_team.and_then(|id| team_key(facts, id)),
    })
}

/// A configuration item in the words of the contract.
pub(crate) fn ci(facts: &Facts, id: CiId) -> Option<contract::Ci> {
    let ci = facts.cis.iter().find(|ci| ci.id == id)?;
    Some(contract::Ci {
        key: ci.key.to_string(),
        name: ci.name.clone(),
        class: ci.class.to_string(),
        criticality: criticality(ci.criticality),
        service: ci.service.and_then(|id| service_key(facts, id)),
        support_team: ci.support_team.and_then(|id| team_key(facts, id)),
        open_tickets: facts.open_on(id),
    })
}

fn team_key(facts: &Facts, id: TeamId) -> Option<String> {
    facts.team(id).map(|team| team.key.to_string())
}

fn service_key(facts: &Facts, id: ServiceId) -> Option<String> {
    Lookup::service(facts, id).map(|service| service.key.to_string())
}

fn person(person: &waypost_domain::person::Person) -> contract::Person {
    contract::Person {
        id: person.id.to_string(),
        name: person.name.clone(),
        email: person.email.clone(),
        vip: person.vip,
        location: person.location.clone(),
        manager: person.manager.map(|id| id.to_string()),
    }
}

fn team(team: &Team, facts: &Facts, now: DateTime<Utc>) -> contract::Team {
    let settings = &facts.directory.org.settings;
    let zone = team.zone.unwrap_or(settings.zone);
    let hours = team.working_hours.as_ref().unwrap_or(&settings.working_hours);
    let open_tickets = facts.open_of_team(team.id);
    let members = u32::try_from(team.members.len().max(1)).unwrap_or(u32::MAX);
    contract::Team {
        key: team.key.to_string(),
        name: team.name.clone(),
        open_now: hours.contains(now, zone),
        load: open_tickets.saturating_mul(100) / members,
        open_tickets,
        on_call: team.on_call.map(|id| id.to_string()),
        lead: team.lead.map(|id| id.to_string()),
        members: team.members.iter().map(ToString::to_string).collect(),
    }
}

fn criticality(criticality: Criticality) -> contract::Criticality {
    match criticality {
        Criticality::Low => contract::Criticality::Low,
        Criticality::Medium => contract::Criticality::Medium,
        Criticality::High => contract::Criticality::High,
    }
}

fn channel(channel: Channel) -> contract::Channel {
    match channel {
        Channel::Portal => contract::Channel::Portal,
        Channel::Mail => contract::Channel::Mail,
        Channel::Phone => contract::Channel::Phone,
        Channel::Chat => contract::Channel::Chat,
        Channel::InPerson => contract::Channel::InPerson,
        Channel::Monitoring => contract::Channel::Monitoring,
        Channel::Api => contract::Channel::Api,
        Channel::Import => contract::Channel::Import,
        Channel::Schedule => contract::Channel::Schedule,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "costs stay far below 2^53 minor units; the domain bounds them"
)]
fn float(minor_units: i64) -> f64 {
    minor_units as f64
}

/// The longest beginning that fits, cut at a character's border.
fn cut(text: &str, max_bytes: usize) -> &str {
    if text.len() <= max_bytes {
        return text;
    }
    let mut end = max_bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
