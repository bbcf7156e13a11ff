//! Receipts: what policies were asked, what they answered, and what became of it.

use std::time::Duration;

use axum::{Json, extract::State, response::Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{
    Desk,
    receipts::{self, ReceiptDetail, ReceiptQuery, ReceiptView, Reexecution, Verdict},
    tickets::TicketRef,
};
use waypost_domain::{
    ids::{BindingId, ReceiptId},
    receipt::Outcome,
};

use crate::{
    ApiState,
    api_error::ApiError,
    extract::{At, JsonBody, Known, ListOut, Listing, PageParams},
    wire::{HookName, NothingIn, PolicyNameOut},
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read)).routes(routes!(reexecute))
}

/// List receipts
///
/// The latest first.
#[utoipa::path(
    get,
    path = "/",
    params(PageParams, ReceiptFilter),
    responses((status = 200, description = "A page of receipts", body = ListOut<ReceiptOut>)),
)]
async fn list(
    State(desk): State<Desk>,
    Known(caller): Known,
    listing: Listing<ReceiptFilter>,
) -> Result<Response, ApiError> {
    let query = listing.filter.query();
    let page = receipts::list(&desk, &caller, &query, &listing.page).await;
    Ok(listing.reply(page.map_err(ApiError::of_query)?, ReceiptOut::from))
}

/// Read a receipt
///
/// With the question, the answer and the policy's log.
#[utoipa::path(
    get,
    path = "/{id}",
    responses((status = 200, description = "The receipt, with question and answer", body = ReceiptDetailOut)),
)]
async fn read(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(id): At<ReceiptId>,
) -> Result<Json<ReceiptDetailOut>, ApiError> {
    Ok(Json(receipts::find(&desk, &caller, id).await?.into()))
}

/// Re-execute a recorded decision
///
/// The same component with the same settings must give the same answer to the same question.
/// Nothing is changed.
#[utoipa::path(
    post,
    path = "/{id}/re-execute",
    request_body = NothingIn,
    responses((status = 200, description = "The result of the re-execution", body = ReexecutionOut)),
)]
async fn reexecute(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(id): At<ReceiptId>,
    JsonBody(NothingIn {}): JsonBody<NothingIn>,
) -> Result<Json<ReexecutionOut>, ApiError> {
    Ok(Json(receipts::reexecute(&desk, &caller, id).await?.into()))
}

/// Filter for receipts; all conditions must match.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct ReceiptFilter {
    /// Id or number of the ticket.
    ticket: Option<String>,
    /// Hook.
    #[param(value_type = Option<String>)]
    hook: Option<HookName>,
    /// Id of the binding.
    binding: Option<Uuid>,
    /// Outcome: `applied`, `overruled`, `suggested`, `declined` or `failed`.
    outcome: Option<String>,
}

impl ReceiptFilter {
    fn query(&self) -> ReceiptQuery {
        ReceiptQuery {
            ticket: self.ticket.as_deref().map(TicketRef::parse),
            hook: self.hook.map(|name| name.0.as_str().to_owned()),
            binding: self.binding.map(BindingId),
            outcome: self.outcome.clone(),
        }
    }
}

/// A recorded decision.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Receipt)]
pub(crate) struct ReceiptOut {
    /// Its id.
    id: Uuid,
    /// The ticket's id.
    ticket: Uuid,
    /// The id of the evaluation: the hooks that were asked for one event, with one snapshot.
    evaluation: Uuid,
    /// Position within the evaluation: 1, 2, 3, …
    seq: i64,
    /// The hook.
    hook: HookName,
    /// The key of the organization whose binding it was.
    layer: Option<String>,
    /// The binding's id.
    binding: Uuid,
    /// The binding's name, if the organization may see it.
    binding_name: Option<String>,
    /// The binding's revision.
    revision: i64,
    /// The component's digest.
    component: String,
    /// The policy's name and version, if the organization may see it.
    policy: Option<PolicyNameOut>,
    /// The digest of the settings.
    settings_digest: String,
    /// The digest of the data files.
    data_digest: String,
    /// The contract's version.
    wit_version: String,
    /// The engine that ran it.
    engine_version: String,
    /// The outcome.
    outcome: OutcomeOut,
    /// The policy's reasons.
    reasons: Vec<String>,
    /// The instructions used, as wasmtime counts fuel.
    fuel: u64,
    /// Duration in microseconds.
    duration_us: u64,
    /// When.
    at: DateTime<Utc>,
}

/// A recorded decision with the question and the answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReceiptDetail)]
struct ReceiptDetailOut {
    /// The receipt.
    #[serde(flatten)]
    receipt: ReceiptOut,
    /// The event that triggered the question: `create`, `submit`, …
    occasion: String,
    /// The question; null if the contract has changed too much since to read it.
    question: Option<Value>,
    /// The answer or decline; null if the policy failed.
    answer: Option<Value>,
    /// The policy's log.
    log: Vec<LogLineOut>,
    /// Whether the log was truncated.
    log_truncated: bool,
}

/// A line that a policy wrote.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogLine)]
struct LogLineOut {
    /// The level.
    #[schema(value_type = String)]
    level: &'static str,
    /// The text.
    text: String,
}

/// The result of a re-execution.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reexecution)]
struct ReexecutionOut {
    /// The receipt's id.
    receipt: Uuid,
    /// `same`, `different` or `not_repeatable`.
    #[schema(value_type = String)]
    verdict: &'static str,
    /// What differs, or why it cannot be repeated.
    findings: Vec<String>,
    /// The recorded answer or decline; null if the policy failed.
    recorded: Option<Value>,
    /// The answer or decline of the re-execution; null if the policy failed or was not asked.
    answer: Option<Value>,
    /// The instructions used by the recorded decision.
    fuel_recorded: u64,
    /// The instructions used by the re-execution.
    fuel: Option<u64>,
    /// Duration of the re-execution in microseconds.
    duration_us: Option<u64>,
}

/// The outcome of a decision.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Outcome)]
pub(crate) struct OutcomeOut {
    /// `applied`, `overruled`, `suggested`, `declined` or `failed`.
    #[schema(value_type = String)]
    kind: &'static str,
    /// What overruled it.
    overruled_by: Vec<String>,
    /// How it failed.
    failure: Option<FailureOut>,
}

/// How a policy failed, and which fallback applied.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Failure)]
struct FailureOut {
    /// `trap`, `out_of_fuel`, `deadline`, `memory`, `bad_answer`, …
    code: String,
    /// Details for the policy's author.
    message: String,
    /// The fallback that applied.
    fallback: String,
}

impl From<ReceiptView> for ReceiptOut {
    fn from(view: ReceiptView) -> Self {
        Self {
            id: view.id.0,
            ticket: view.subject.id(),
            evaluation: view.evaluation.0,
            seq: view.seq,
            hook: view.hook.into(),
            layer: view.layer.map(|key| key.to_string()),
            binding: view.binding.0,
            binding_name: view.binding_name,
            revision: view.revision,
            component: view.component,
            policy: view.policy.map(Into::into),
            settings_digest: view.settings_digest,
            data_digest: view.data_digest,
            wit_version: view.wit_version,
            engine_version: view.engine_version,
            outcome: view.outcome.into(),
            reasons: view.reasons,
            fuel: view.fuel,
            duration_us: view.duration_us,
            at: view.at,
        }
    }
}

impl From<ReceiptDetail> for ReceiptDetailOut {
    fn from(detail: ReceiptDetail) -> Self {
        let log = detail.log.into_iter();
        Self {
            receipt: detail.view.into(),
            occasion: detail.occasion,
            question: detail.question,
            answer: detail.answer,
            log: log.map(|(level, text)| LogLineOut { level, text }).collect(),
            log_truncated: detail.log_truncated,
        }
    }
}

impl From<Reexecution> for ReexecutionOut {
    fn from(again: Reexecution) -> Self {
        let (verdict, findings) = match again.verdict {
            Verdict::Same => ("same", Vec::new()),
            Verdict::Different(differences) => ("different", differences),
            Verdict::NotRepeatable(why) => ("not_repeatable", vec![why]),
        };
        let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self {
            receipt: again.receipt.0,
            verdict,
            findings,
            recorded: again.recorded,
            answer: again.answer,
            fuel_recorded: again.fuel_recorded,
            fuel: again.fuel,
            duration_us: again.duration.map(micros),
        }
    }
}

impl From<Outcome> for OutcomeOut {
    fn from(outcome: Outcome) -> Self {
        let none = Self { kind: outcome.as_str(), overruled_by: Vec::new(), failure: None };
        match outcome {
            Outcome::Applied | Outcome::Suggested | Outcome::Declined => none,
            Outcome::Overruled(reasons) => Self { overruled_by: reasons, ..none },
            Outcome::Failed { code, message, fallback } => {
                Self { failure: Some(FailureOut { code, message, fallback }), ..none }
            }
        }
    }
}
