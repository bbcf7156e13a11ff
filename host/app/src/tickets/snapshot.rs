//! The snapshot: a ticket and the facts around it, as policies are asked about them.

mod shared;

use std::collections::BTreeSet;

use chrono::{DateTime, Offset, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use waypost_domain::{
    approval::Approval,
    calendar,
    comment::{Comment, Visibility},
    directory::Lookup,
    fields::{FieldValue, Fields},
    ids::{CiId, OrgId, ServiceId, TeamId},
    incident::MajorState,
    organization::Organization,
    service::Criticality,
    text::cut_bytes,
    ticket::{Channel, Code, Details, Phase, Stage, Ticket},
};
use waypost_policy::{Need, question};

pub(crate) use self::shared::{SharedFacts, SharedOnce, TeamNow, put_back};
use super::facts::Facts;
use crate::same_cases::same_cases;

/// What is longer is cut for policies: a rule reads the beginning, and a decision's input stays
/// bounded.
const MAX_DESCRIPTION_BYTES: usize = 16 * 1024;
/// As much of a comment as a policy reads.
const MAX_COMMENT_BYTES: usize = 2 * 1024;
/// So many comments are passed: those that a rule about "the last answer" reads.
pub(crate) const MAX_COMMENTS: usize = 3;

/// What all questions of a round share. Its JSON is what a round keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// The ticket as it was before the round's first hook.
    pub(crate) ticket: question::Ticket,
    /// All facts but the shared ones; each question holds those that its policy declared.
    pub(crate) context: question::Context,
    /// How the teams of the shared facts stood, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) teams_now: Vec<TeamNow>,
}

/// What is about to be written of a ticket, beside the ticket.
#[derive(Clone, Copy, Default)]
pub(crate) struct Unwritten<'a> {
    /// Comments that come with the command.
    pub(crate) comments: &'a [Comment],
    /// The round of approval that began or moved.
    pub(crate) approval: Option<&'a Approval>,
}

/// A time as policies and people read it.
pub(crate) fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// The ticket as policies see it.
pub(crate) fn ticket(ticket: &Ticket, facts: &Facts, unwritten: Unwritten<'_>) -> question::Ticket {
    let approval = unwritten.approval.or(facts.open_approval.as_ref());
    let settings = &facts.directory.org.settings;
    let waiting_on = ticket.waiting_on(approval, settings).map(|waiting| question::WaitingOn {
        what: waiting.what.as_str().to_owned(),
        since: timestamp(waiting.since),
    });
    let cis = ticket.problem().into_iter().flat_map(|problem| &problem.cis);
    let cis = cis.filter_map(|id| facts.ci(*id)).map(|ci| ci.key.to_string());
    let head = question::Head {
        id: ticket.id.to_string(),
        number: Some(ticket.number.clone()).filter(|number| !number.is_empty()),
        state: ticket.state().as_str().to_owned(),
        phase: phase(ticket.phase()),
        state_since: timestamp(ticket.state_since),
        outcome: outcome(&ticket.stage).map(str::to_owned),
        channel: channel(ticket.channel),
        short_description: ticket.short_description.clone(),
        description: cut_bytes(&ticket.description, MAX_DESCRIPTION_BYTES).to_owned(),
        requester: ticket.requester.map(|id| id.to_string()),
        opened_by: ticket.opened_by.map(|id| id.to_string()),
        opened_at: timestamp(ticket.opened_at),
        category: ticket
            .category
            .iter()
            .flat_map(|path| path.segments().map(str::to_owned))
            .collect(),
        service: ticket.service.and_then(|id| service_key(facts, id)),
        ci: ticket.ci.and_then(|id| facts.ci(id)).map(|ci| ci.key.to_string()),
        cis: cis.collect::<BTreeSet<_>>().into_iter().collect(),
        impact: ticket.impact.map(|level| level.0),
        urgency: ticket.urgency.map(|level| level.0),
        priority: Some(ticket.priority.effective().0.0),
        team: team_ref(facts, ticket.team),
        assignee: ticket.assignee.map(|id| id.to_string()),
        watchers: ticket.watchers.iter().map(ToString::to_string).collect(),
        tags: ticket.tags.iter().cloned().collect(),
        parent: parent_number(ticket, facts),
        reopen_count: u32::try_from(ticket.reopen_count).unwrap_or(u32::MAX),
        waiting_on,
        comments: last_comments(&facts.comments, unwritten.comments),
        fields: fields(&ticket.fields),
    };
    question::Ticket { head, details: details(ticket, facts) }
}

/// The number of the ticket that it is a part of. A parent that the command has just set has none
/// here.
fn parent_number(ticket: &Ticket, facts: &Facts) -> Option<String> {
    let (id, number) = facts.parent.as_ref()?;
    (ticket.parent == Some(*id)).then(|| number.clone())
}

fn details(ticket: &Ticket, facts: &Facts) -> question::Details {
    match &ticket.details {
        Details::Incident(incident) => question::Details::Incident(question::IncidentDetails {
            major_state: Some(incident.major.state())
                .filter(|state| *state != MajorState::None)
                .map(|state| state.as_str().to_owned()),
            affected_users: Some(incident.affected_users).filter(|users| *users > 0),
            eta: ticket.eta.map(timestamp),
        }),
        Details::Request(request) => question::Details::Request(question::RequestDetails {
            catalog_item: facts.item.as_ref().map(|item| item.key.to_string()),
            quantity: request.quantity.into(),
            cost: request.cost.as_ref().map(|cost| question::Money {
                minor_units: float(cost.minor_units),
                currency: cost.currency.clone(),
            }),
            answers: request
                .answers
                .iter()
                .map(|(field, value)| question::FormAnswer {
                    field: field.to_string(),
                    value: value.clone(),
                })
                .collect(),
            expected_at: request.expected_at.map(timestamp),
        }),
        Details::Problem(problem) => question::Details::Problem(question::ProblemDetails {
            known_error: problem.known_error,
            symptom: problem.symptom.clone(),
            root_cause: problem.root_cause.clone(),
            workaround: problem.workaround.clone(),
        }),
        Details::Task(task) => {
            question::Details::Task(question::TaskDetails { mandatory: task.mandatory })
        }
    }
}

/// How it ended, once it is done or over.
fn outcome(stage: &Stage) -> Option<&'static str> {
    match stage {
        Stage::Done(_, outcome) | Stage::Closed(_, outcome, _) => outcome.code.map(Code::as_str),
        Stage::Cancelled(end) => Some(end.outcome.as_str()),
        Stage::Open(_) | Stage::OnHold(_) | Stage::Rejected(_) => None,
    }
}

same_cases! {
    fn phase(Phase) -> question::Phase { Open, OnHold, Done, Rejected, Closed, Cancelled }
}

/// The last public comments, with those that are about to be written, the newest last.
fn last_comments(stored: &[Comment], unwritten: &[Comment]) -> Vec<question::Comment> {
    let unwritten = unwritten.iter().filter(|one| one.visibility == Visibility::Public);
    let mut last: Vec<&Comment> = stored.iter().chain(unwritten).collect();
    let older = last.len().saturating_sub(MAX_COMMENTS);
    last.split_off(older)
        .into_iter()
        .map(|comment| question::Comment {
            author: comment.author.person.map(|id| id.to_string()),
            at: timestamp(comment.created_at),
            text: cut_bytes(&comment.text, MAX_COMMENT_BYTES).to_owned(),
        })
        .collect()
}

/// A moment as an organization's clocks show it.
pub(crate) fn moment(of: &Organization, now: DateTime<Utc>) -> question::Moment {
    let settings = &of.settings;
    let local = calendar::local(now, settings.zone);
    let ahead = now.with_timezone(&settings.zone).offset().fix().local_minus_utc() / 60;
    question::Moment {
        utc: timestamp(now),
        local_date: local.date,
        weekday: local.weekday,
        minute_of_day: local.minute_of_day,
        // Zones are within a day of UTC.
        utc_offset: i16::try_from(ahead).unwrap_or(0),
        zone: settings.zone.name().to_owned(),
        working_time: settings.working_hours.contains(now, settings.zone),
    }
}

/// The facts as policies see them, all but the shared ones.
pub(crate) fn context(facts: &Facts, ticket: &Ticket, now: DateTime<Utc>) -> question::Context {
    let settings = &facts.directory.org.settings;
    question::Context {
        now: moment(&facts.directory.org, now),
        organization: facts.directory.org.key.to_string(),
        layer: facts.directory.org.key.to_string(),
        lineage: facts.directory.lineage.iter().rev().map(|org| org.key.to_string()).collect(),
        fallback_approver: settings.fallback_approver.map(|id| id.to_string()),
        requester: facts.requester.as_ref().map(person),
        manager: facts.manager.as_ref().map(person),
        teams: None,
        service: ticket.service.and_then(|id| service(facts, id)),
        ci: ticket.ci.and_then(|id| ci(facts, id)),
        services: None,
    }
}

/// The same facts, where hooks may have changed the ticket's service or configuration item
/// meanwhile.
pub(crate) fn following(
    facts_before: question::Context,
    facts: &Facts,
    ticket: &Ticket,
) -> question::Context {
    question::Context {
        service: ticket.service.and_then(|id| service(facts, id)),
        ci: ticket.ci.and_then(|id| ci(facts, id)),
        ..facts_before
    }
}

/// The part of the facts that a policy declared to need, as a binding of this layer is asked. The
/// same for the same needs: a receipt names the component, and with it the needs.
pub(crate) fn only(full: &question::Context, layer: &str, needs: &[Need]) -> question::Context {
    let needs_one = |need: Need| needs.contains(&need);
    let teams = full.teams.as_ref().filter(|_| needs_teams(needs));
    let ci = |ci: question::Ci| question::Ci {
        open_tickets: ci.open_tickets.filter(|_| needs_one(Need::OpenOnCi)),
        ..ci
    };
    let needs_ci = needs_one(Need::Ci) || needs_one(Need::OpenOnCi);
    question::Context {
        now: full.now.clone(),
        organization: full.organization.clone(),
        layer: layer.to_owned(),
        lineage: full.lineage.clone(),
        fallback_approver: full.fallback_approver.clone(),
        requester: full.requester.clone().filter(|_| needs_one(Need::Requester)),
        manager: full.manager.clone().filter(|_| needs_one(Need::Manager)),
        teams: teams.map(|teams| teams.iter().map(|team| only_of_team(team, needs)).collect()),
        service: full.service.clone().filter(|_| needs_one(Need::Service)),
        ci: full.ci.clone().filter(|_| needs_ci).map(ci),
        services: full.services.clone().filter(|_| needs_one(Need::Services)),
    }
}

fn needs_teams(needs: &[Need]) -> bool {
    let all = [Need::Teams, Need::TeamLoads, Need::TeamMembers, Need::OnCall];
    needs.iter().any(|need| all.contains(need))
}

fn only_of_team(team: &question::Team, needs: &[Need]) -> question::Team {
    let needs_load = needs.contains(&Need::TeamLoads);
    question::Team {
        organization: team.organization.clone(),
        key: team.key.clone(),
        name: team.name.clone(),
        open_now: team.open_now,
        lead: team.lead.clone(),
        load: team.load.filter(|_| needs_load),
        open_tickets: team.open_tickets.filter(|_| needs_load),
        on_call: team.on_call.as_ref().filter(|_| needs.contains(&Need::OnCall)).cloned(),
        members: team.members.as_ref().filter(|_| needs.contains(&Need::TeamMembers)).cloned(),
    }
}

fn service(facts: &Facts, id: ServiceId) -> Option<question::Service> {
    let service = Lookup::service(facts, id)?;
    Some(question::Service {
        key: service.key.to_string(),
        name: service.name.clone(),
        criticality: criticality(service.criticality),
        owner: service.owner.map(|id| id.to_string()),
        support_team: service.support_team.and_then(|id| team_ref(facts, id)),
        fields: fields(&service.fields),
    })
}

fn ci(facts: &Facts, id: CiId) -> Option<question::Ci> {
    let ci = facts.cis.iter().find(|ci| ci.id == id)?;
    Some(question::Ci {
        key: ci.key.to_string(),
        name: ci.name.clone(),
        class: ci.class.to_string(),
        criticality: criticality(ci.criticality),
        service: ci.service.and_then(|id| service_key(facts, id)),
        support_team: ci.support_team.and_then(|id| team_ref(facts, id)),
        open_tickets: Some(facts.open_on(id)),
        fields: fields(&ci.fields),
    })
}

/// The team's key, and whose it is.
fn team_ref(facts: &Facts, id: TeamId) -> Option<question::TeamRef> {
    let team = facts.team(id)?;
    Some(question::TeamRef {
        organization: organization_key(facts, team.org),
        key: team.key.to_string(),
    })
}

/// The key of an organization that the ticket's own is below; only those have teams that serve it.
fn organization_key(facts: &Facts, org: OrgId) -> String {
    let lineage = &facts.directory.lineage;
    let found = lineage.iter().find(|one| one.id == org);
    found.map_or_else(|| org.to_string(), |one| one.key.to_string())
}

/// The fields that an organization defined, in the order of their names.
fn fields(fields: &Fields) -> Vec<question::Field> {
    let value = |value: &FieldValue| match value {
        FieldValue::Flag(flag) => question::FieldValue::Flag(*flag),
        FieldValue::Number(number) => question::FieldValue::Number(number.get()),
        FieldValue::Text(text) => question::FieldValue::Text(text.clone()),
        FieldValue::Texts(texts) => question::FieldValue::Texts(texts.clone()),
    };
    fields
        .iter()
        .map(|(name, given)| question::Field { name: name.to_string(), value: value(given) })
        .collect()
}

fn service_key(facts: &Facts, id: ServiceId) -> Option<String> {
    Lookup::service(facts, id).map(|service| service.key.to_string())
}

fn person(person: &waypost_domain::person::Person) -> question::Person {
    question::Person {
        id: person.id.to_string(),
        name: person.name.clone(),
        email: person.email.clone(),
        vip: person.vip,
        location: person.location.clone(),
        manager: person.manager.map(|id| id.to_string()),
        zone: person.zone.map(|zone| zone.name().to_owned()),
        language: person.language.as_ref().map(ToString::to_string),
        fields: fields(&person.fields),
    }
}

same_cases! {
    fn criticality(Criticality) -> question::Criticality { Low, Medium, High }
}

same_cases! {
    fn channel(Channel) -> question::Channel {
        Portal, Mail, Phone, Chat, InPerson, Monitoring, Api, Import, Schedule,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "costs stay far below 2^53 minor units; the domain bounds them"
)]
fn float(minor_units: i64) -> f64 {
    minor_units as f64
}
