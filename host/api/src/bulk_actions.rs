//! Bulk actions: one action on several tickets, each acted on or refused for itself.

use axum::{Extension, Json, extract::State};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use waypost_app::tickets::bulk::{self, Acted, BulkAction, BulkTicket};
use waypost_edge::RequestContext;

use crate::{
    ApiState,
    api_error::{ApiError, ApiErrorOut},
    extract::{JsonBody, Known},
    tickets::takes_version,
    wire::{ActionName, StateName},
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(act_on_each))
}

/// Take an action on several tickets
///
/// Each ticket is acted on for itself, in the order given: one that is refused holds up no other,
/// and the response is 200 even if all are. The time may be over before all were tried, or the
/// desk in trouble; send those again, with another `Idempotency-Key`. With `preview`, nothing is
/// changed: the response says what each ticket would refuse now. What policies would decide is not
/// part of it, nor what would follow at other tickets.
#[utoipa::path(
    post,
    path = "/",
    request_body = BulkActionIn,
    responses((status = 200, description = "What became of each ticket", body = BulkActionOut)),
)]
async fn act_on_each(
    State(ApiState { desk, edge }): State<ApiState>,
    Extension(context): Extension<RequestContext>,
    Known(caller): Known,
    JsonBody(bulk): JsonBody<BulkActionIn>,
) -> Result<Json<BulkActionOut>, ApiError> {
    let (numbers, bulk) = bulk.command();
    // The last ticket may take as long as all before it; the rest is for the answer.
    let time = context.time_left(edge.options.request_timeout) / 3;
    // Boxed: what an action may set off makes a future that would fill the stack.
    let acted = bulk::act_on_each(&desk, &caller, edge.clock.as_ref(), &bulk, time);
    let items = numbers.into_iter().zip(Box::pin(acted).await?);
    Ok(Json(BulkActionOut { items: items.map(BulkItemOut::from).collect() }))
}

/// An action on several tickets.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBulkAction)]
struct BulkActionIn {
    /// An action that the kinds of the tickets have; `GET …/actions` lists what each allows.
    action: ActionName,
    /// The tickets, each once.
    #[schema(min_items = 1, max_items = 100)]
    tickets: Vec<BulkTicketIn>,
    /// Inputs of the action, the same for each ticket; at most 32.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    input: Map<String, Value>,
    /// Whether only to say what each ticket would refuse; defaults to false.
    #[serde(default)]
    preview: bool,
}

/// A ticket to be acted on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBulkActionTicket)]
struct BulkTicketIn {
    /// Its number.
    #[schema(example = "INC0000042")]
    number: String,
    /// Its version as you read it: if it has been changed since, it is refused. Omit it to act in
    /// any case. What is said about a ticket, or decided about a suggestion, holds in any case.
    version: Option<i64>,
}

/// What became of each ticket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BulkAction)]
struct BulkActionOut {
    /// One for each ticket, in the order given.
    items: Vec<BulkItemOut>,
}

/// What became of a ticket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BulkActionItem)]
struct BulkItemOut {
    /// Its number, as given.
    number: String,
    /// What became of it.
    outcome: BulkOutcome,
    /// The number of the ticket that `state` and `version` are of, if it is another one: what it
    /// was converted to, or where a reply went.
    state_of: Option<String>,
    /// The state after the action, or as it would be; null if it is not known.
    state: Option<StateName>,
    /// The version after the action; null if it is not known, and in a preview.
    version: Option<i64>,
    /// Why it was refused, or failed. Pointers are places in `input`.
    error: Option<ApiErrorOut>,
}

/// What became of a ticket in a bulk action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = BulkActionOutcome)]
#[serde(rename_all = "snake_case")]
enum BulkOutcome {
    /// It was acted on.
    Done,
    /// In a preview: it would be acted on.
    Possible,
    /// It was refused; in a preview, it would be.
    Refused,
    /// It was tried, and could not be carried out; nothing of it was changed.
    Failed,
    /// Nobody knows whether it was acted on; read it.
    Unknown,
    /// It was not tried; send it again.
    NotTried,
}

impl BulkActionIn {
    /// The command, and the numbers that its outcomes are of.
    fn command(self) -> (Vec<String>, BulkAction) {
        let Self { action: ActionName(action), tickets, input, preview } = self;
        let heeds = takes_version(action.as_str());
        let numbers = tickets.iter().map(|ticket| ticket.number.clone()).collect();
        let tickets = tickets.into_iter().map(|BulkTicketIn { number, version }| BulkTicket {
            number,
            version: version.filter(|_| heeds),
        });
        let tickets = tickets.collect();
        (numbers, BulkAction { action, input, tickets, is_preview: preview })
    }
}

impl From<(String, Acted)> for BulkItemOut {
    fn from((number, acted): (String, Acted)) -> Self {
        let item = |outcome| Self {
            number: number.clone(),
            outcome,
            state_of: None,
            state: None,
            version: None,
            error: None,
        };
        match acted {
            Acted::Done(None) => item(BulkOutcome::Done),
            Acted::Done(Some(ticket)) => Self {
                state_of: Some(ticket.number).filter(|is| !is.eq_ignore_ascii_case(number.trim())),
                state: Some(ticket.state.into()),
                version: Some(ticket.version),
                ..item(BulkOutcome::Done)
            },
            Acted::Possible(state) => {
                Self { state: state.map(Into::into), ..item(BulkOutcome::Possible) }
            }
            Acted::Refused(refused) => Self {
                error: Some(ApiError::from(refused).into_body()),
                ..item(BulkOutcome::Refused)
            },
            Acted::Failed(error) => {
                Self { error: Some(ApiError::from(error).into_body()), ..item(BulkOutcome::Failed) }
            }
            Acted::Unknown => item(BulkOutcome::Unknown),
            Acted::NotTried => item(BulkOutcome::NotTried),
        }
    }
}
