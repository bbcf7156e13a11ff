//! The row of a ticket: what tickets of every kind share.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;
use waypost_domain::{
    ids::{CiId, OrgId, PersonId, ServiceId, TeamId, TicketId},
    priority::{Level, Priority},
    text,
    ticket::{Details, ExternalRef, Ticket, TicketKind},
};

use super::stage;
use crate::{StoreError, column::Table, fields, row::row};

pub(super) const TABLE: Table = Table("tickets");

row! {
    #[derive(Default)]
    pub(super) struct TicketRow in "tickets", columns ticket_columns {
        id: Uuid,
        org_id: Uuid,
        kind: String,
        number: String,
        state: String,
        phase: String,
        short_description: String,
        short_folded: String,
        description: String,
        channel: String,
        tags: Json<BTreeSet<String>>,
        fields: String,
        requester_id: Option<Uuid>,
        opened_by_id: Option<Uuid>,
        category: Option<String>,
        service_id: Option<Uuid>,
        ci_id: Option<Uuid>,
        impact: Option<i64>,
        urgency: Option<i64>,
        priority: i64,
        priority_matrix: i64,
        priority_policy: Option<i64>,
        priority_manual: Option<i64>,
        priority_reason: Option<String>,
        team_id: Uuid,
        assignee_id: Option<Uuid>,
        reassignment_count: i64,
        watchers: Json<Vec<Uuid>>,
        parent_id: Option<Uuid>,
        follows_id: Option<Uuid>,
        external_source: Option<String>,
        external_id: Option<String>,
        opened_at: DateTime<Utc>,
        created_at: DateTime<Utc>,
        updated_at: DateTime<Utc>,
        state_since: DateTime<Utc>,
        waiting_since: DateTime<Utc>,
        escalation_level: i64,
        acknowledged_at: Option<DateTime<Utc>>,
        first_response_at: Option<DateTime<Utc>>,
        eta: Option<DateTime<Utc>>,
        triaged_at: Option<DateTime<Utc>>,
        reopen_count: i64,
        last_reopened_at: Option<DateTime<Utc>>,
        policy_failures: Option<String>,
        hold_awaiting: Option<String>,
        hold_vendor: Option<String>,
        hold_person_id: Option<Uuid>,
        hold_problem_id: Option<Uuid>,
        hold_other: Option<String>,
        hold_since: Option<DateTime<Utc>>,
        hold_follow_up_at: Option<DateTime<Utc>>,
        outcome_code: Option<String>,
        outcome_notes: Option<String>,
        outcome_at: Option<DateTime<Utc>>,
        outcome_by: Option<String>,
        outcome_by_id: Option<Uuid>,
        closed_at: Option<DateTime<Utc>>,
        closed_by: Option<String>,
        closed_by_id: Option<Uuid>,
        cancel_outcome: Option<String>,
        cancel_ticket_id: Option<Uuid>,
        cancel_reason: Option<String>,
        cancelled_at: Option<DateTime<Utc>>,
        cancelled_by: Option<String>,
        cancelled_by_id: Option<Uuid>,
        rejected_reason: Option<String>,
        rejected_at: Option<DateTime<Utc>>,
        version: i64,
    }
}

pub(super) use ticket_columns;

impl From<&Ticket> for TicketRow {
    fn from(ticket: &Ticket) -> Self {
        let level = |level: Level| i64::from(level.0);
        let mut row = Self {
            id: ticket.id.0,
            org_id: ticket.org.0,
            kind: ticket.kind().as_str().to_owned(),
            number: ticket.number.clone(),
            state: ticket.state().as_str().to_owned(),
            phase: ticket.phase().as_str().to_owned(),
            short_description: ticket.short_description.clone(),
            short_folded: text::folded(&ticket.short_description),
            description: ticket.description.clone(),
            channel: ticket.channel.as_str().to_owned(),
            tags: Json(ticket.tags.clone()),
            fields: fields::to_json(&ticket.fields),
            requester_id: ticket.requester.map(|person| person.0),
            opened_by_id: ticket.opened_by.map(|person| person.0),
            category: ticket.category.as_ref().map(ToString::to_string),
            service_id: ticket.service.map(|service| service.0),
            ci_id: ticket.ci.map(|ci| ci.0),
            impact: ticket.impact.map(level),
            urgency: ticket.urgency.map(level),
            priority: level(ticket.priority.effective().0),
            priority_matrix: level(ticket.priority.matrix),
            priority_policy: ticket.priority.policy.map(level),
            priority_manual: ticket.priority.manual.as_ref().map(|(manual, _)| level(*manual)),
            priority_reason: ticket.priority.manual.as_ref().map(|(_, reason)| reason.clone()),
            team_id: ticket.team.0,
            assignee_id: ticket.assignee.map(|assignee| assignee.0),
            reassignment_count: ticket.reassignment_count,
            watchers: Json(ticket.watchers.iter().map(|person| person.0).collect()),
            parent_id: ticket.parent.map(|parent| parent.0),
            follows_id: ticket.follows.map(|earlier| earlier.0),
            external_source: ticket.external_ref.as_ref().map(|from| from.source.clone()),
            external_id: ticket.external_ref.as_ref().map(|from| from.id.clone()),
            opened_at: ticket.opened_at,
            created_at: ticket.created_at,
            updated_at: ticket.updated_at,
            state_since: ticket.state_since,
            waiting_since: ticket.waiting_since,
            escalation_level: i64::from(ticket.escalation_level),
            acknowledged_at: ticket.acknowledged_at,
            first_response_at: ticket.first_response_at,
            eta: ticket.eta,
            triaged_at: ticket.triaged_at,
            reopen_count: ticket.reopen_count,
            last_reopened_at: ticket.last_reopened_at,
            policy_failures: ticket.policy_failures.clone(),
            version: ticket.version,
            ..Self::default()
        };
        stage::write(&ticket.stage, &mut row);
        row
    }
}

impl TicketRow {
    pub(super) fn kind(&self) -> Result<TicketKind, StoreError> {
        TABLE.parse("kind", &self.kind)
    }

    /// The ticket, with what only its kind has.
    pub(super) fn into_ticket(self, details: Details) -> Result<Ticket, StoreError> {
        let row = self;
        let stage = stage::read(&row)?;
        let priority = priority(&row)?;
        let external_ref = row
            .external_source
            .map(|source| {
                Ok::<_, StoreError>(ExternalRef {
                    source,
                    id: TABLE.need("external_id", row.external_id)?,
                })
            })
            .transpose()?;
        Ok(Ticket {
            id: TicketId(row.id),
            org: OrgId(row.org_id),
            number: row.number,
            short_description: row.short_description,
            description: row.description,
            channel: TABLE.parse("channel", &row.channel)?,
            tags: row.tags.0,
            fields: fields::from_json(TABLE.0, &row.fields)?,
            requester: row.requester_id.map(PersonId),
            opened_by: row.opened_by_id.map(PersonId),
            category: TABLE.parse_some("category", row.category.as_deref())?,
            service: row.service_id.map(ServiceId),
            ci: row.ci_id.map(CiId),
            impact: TABLE.fit_some("impact", row.impact)?.map(Level),
            urgency: TABLE.fit_some("urgency", row.urgency)?.map(Level),
            priority,
            team: TeamId(row.team_id),
            assignee: row.assignee_id.map(PersonId),
            reassignment_count: row.reassignment_count,
            watchers: row.watchers.0.into_iter().map(PersonId).collect(),
            parent: row.parent_id.map(TicketId),
            follows: row.follows_id.map(TicketId),
            external_ref,
            stage,
            details,
            opened_at: row.opened_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            state_since: row.state_since,
            waiting_since: row.waiting_since,
            escalation_level: TABLE.fit("escalation_level", row.escalation_level)?,
            acknowledged_at: row.acknowledged_at,
            first_response_at: row.first_response_at,
            eta: row.eta,
            triaged_at: row.triaged_at,
            reopen_count: row.reopen_count,
            last_reopened_at: row.last_reopened_at,
            policy_failures: row.policy_failures,
            version: row.version,
        })
    }
}

fn priority(row: &TicketRow) -> Result<Priority, StoreError> {
    let manual = row
        .priority_manual
        .map(|level| {
            let level = Level(TABLE.fit("priority_manual", level)?);
            let reason = TABLE.need("priority_reason", row.priority_reason.clone())?;
            Ok::<_, StoreError>((level, reason))
        })
        .transpose()?;
    Ok(Priority {
        matrix: Level(TABLE.fit("priority_matrix", row.priority_matrix)?),
        policy: TABLE.fit_some("priority_policy", row.priority_policy)?.map(Level),
        manual,
    })
}
