//! The rows of a round: itself with its stages as JSON, and the requests to its voters.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;
use waypost_domain::{
    approval::{Approval, Quorum, SeatRequest, Stage, Step},
    ids::{ApprovalId, ApprovalRequestId, DelegationId, OrgId, PersonId, ReceiptId},
};

use crate::{
    StoreError,
    column::{Table, number},
    row::row,
};

const TABLE: Table = Table("approvals");
const REQUESTS: Table = Table("approval_requests");

row! {
    pub(super) struct ApprovalRow in "approvals", columns approval_columns {
        id: Uuid,
        org_id: Uuid,
        subject_kind: String,
        subject_id: Uuid,
        round: i64,
        stages: Json<Vec<StageJson>>,
        outcome: String,
        content_digest: String,
        receipt_id: Option<Uuid>,
        created_at: DateTime<Utc>,
        decided_at: Option<DateTime<Utc>>,
        version: i64,
    }
}

row! {
    pub(super) struct RequestRow in "approval_requests", columns request_columns {
        id: Uuid,
        org_id: Uuid,
        approval_id: Uuid,
        stage: i64,
        step: i64,
        place: i64,
        seat_id: Uuid,
        voter_id: Uuid,
        mandatory: bool,
        state: String,
        due_at: Option<DateTime<Utc>>,
        requested_at: Option<DateTime<Utc>>,
        decided_at: Option<DateTime<Utc>>,
        comment: Option<String>,
        reminder_count: i64,
        escalated_at: Option<DateTime<Utc>>,
        delegation_id: Option<Uuid>,
    }
}

pub(super) use {approval_columns, request_columns};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StageJson {
    rule: String,
    outcome: String,
    steps: Vec<StepJson>,
}

/// A step without its requests, which are rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct StepJson {
    name: String,
    quorum: QuorumJson,
    veto: bool,
    due_at: Option<DateTime<Utc>>,
    due_hours: Option<u16>,
    outcome: String,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum QuorumJson {
    Any,
    All,
    Count(u16),
    Majority,
    Percent(u8),
}

impl From<&Approval> for ApprovalRow {
    fn from(approval: &Approval) -> Self {
        Self {
            id: approval.id.0,
            org_id: approval.org.0,
            subject_kind: approval.subject.kind().as_str().to_owned(),
            subject_id: approval.subject.id(),
            round: approval.round,
            stages: Json(approval.stages.iter().map(StageJson::from).collect()),
            outcome: approval.outcome.as_str().to_owned(),
            content_digest: approval.content_digest.clone(),
            receipt_id: approval.receipt.map(|receipt| receipt.0),
            created_at: approval.created_at,
            decided_at: approval.decided_at,
            version: approval.version,
        }
    }
}

impl ApprovalRow {
    /// The round with its requests, which are in the order of their stages, steps and places.
    pub(super) fn into_approval(self, requests: Vec<RequestRow>) -> Result<Approval, StoreError> {
        let stages = self.stages.0.into_iter().map(Stage::try_from);
        let mut stages = stages.collect::<Result<Vec<_>, _>>()?;
        for row in requests {
            let stage: usize = REQUESTS.fit("stage", row.stage)?;
            let step: usize = REQUESTS.fit("step", row.step)?;
            let step = stages.get_mut(stage).and_then(|stage| stage.steps.get_mut(step));
            let step = step.ok_or_else(|| REQUESTS.corrupt("step"))?;
            step.requests.push(row.try_into()?);
        }
        Ok(Approval {
            id: ApprovalId(self.id),
            org: OrgId(self.org_id),
            subject: TABLE.subject(&self.subject_kind, self.subject_id)?,
            round: self.round,
            stages,
            outcome: TABLE.parse("outcome", &self.outcome)?,
            content_digest: self.content_digest,
            receipt: self.receipt_id.map(ReceiptId),
            created_at: self.created_at,
            decided_at: self.decided_at,
            version: self.version,
        })
    }
}

impl RequestRow {
    /// The requests of a round.
    pub(super) fn of(approval: &Approval) -> Result<Vec<Self>, StoreError> {
        let mut rows = Vec::new();
        for (stage_place, stage) in approval.stages.iter().enumerate() {
            for (step_place, step) in stage.steps.iter().enumerate() {
                for (place, request) in step.requests.iter().enumerate() {
                    rows.push(Self {
                        id: request.id.0,
                        org_id: approval.org.0,
                        approval_id: approval.id.0,
                        stage: number("stage", stage_place)?,
                        step: number("step", step_place)?,
                        place: number("request", place)?,
                        seat_id: request.seat.0,
                        voter_id: request.voter.0,
                        mandatory: request.mandatory,
                        state: request.state.as_str().to_owned(),
                        due_at: step.due_at,
                        requested_at: request.requested_at,
                        decided_at: request.decided_at,
                        comment: request.comment.clone(),
                        reminder_count: request.reminder_count,
                        escalated_at: request.escalated_at,
                        delegation_id: request.delegation.map(|id| id.0),
                    });
                }
            }
        }
        Ok(rows)
    }
}

impl TryFrom<RequestRow> for SeatRequest {
    type Error = StoreError;

    fn try_from(row: RequestRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: ApprovalRequestId(row.id),
            seat: PersonId(row.seat_id),
            voter: PersonId(row.voter_id),
            mandatory: row.mandatory,
            delegation: row.delegation_id.map(DelegationId),
            state: REQUESTS.parse("state", &row.state)?,
            requested_at: row.requested_at,
            decided_at: row.decided_at,
            comment: row.comment,
            reminder_count: row.reminder_count,
            escalated_at: row.escalated_at,
        })
    }
}

impl From<&Stage> for StageJson {
    fn from(stage: &Stage) -> Self {
        let steps = stage.steps.iter().map(|step| StepJson {
            name: step.name.clone(),
            quorum: match step.quorum {
                Quorum::Any => QuorumJson::Any,
                Quorum::All => QuorumJson::All,
                Quorum::Count(count) => QuorumJson::Count(count),
                Quorum::Majority => QuorumJson::Majority,
                Quorum::Percent(share) => QuorumJson::Percent(share),
            },
            veto: step.veto,
            due_at: step.due_at,
            due_hours: step.due_hours,
            outcome: step.outcome.as_str().to_owned(),
        });
        Self {
            rule: stage.rule.as_str().to_owned(),
            outcome: stage.outcome.as_str().to_owned(),
            steps: steps.collect(),
        }
    }
}

impl TryFrom<StageJson> for Stage {
    type Error = StoreError;

    fn try_from(stage: StageJson) -> Result<Self, StoreError> {
        let steps = stage.steps.into_iter().map(|step| {
            Ok::<_, StoreError>(Step {
                name: step.name,
                quorum: match step.quorum {
                    QuorumJson::Any => Quorum::Any,
                    QuorumJson::All => Quorum::All,
                    QuorumJson::Count(count) => Quorum::Count(count),
                    QuorumJson::Majority => Quorum::Majority,
                    QuorumJson::Percent(share) => Quorum::Percent(share),
                },
                veto: step.veto,
                due_at: step.due_at,
                due_hours: step.due_hours,
                requests: Vec::new(),
                outcome: TABLE.parse("stages", &step.outcome)?,
            })
        });
        Ok(Self {
            rule: TABLE.parse("stages", &stage.rule)?,
            steps: steps.collect::<Result<_, _>>()?,
            outcome: TABLE.parse("stages", &stage.outcome)?,
        })
    }
}
