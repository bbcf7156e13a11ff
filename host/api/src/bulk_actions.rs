//! Bulk actions: one action on several tickets, each acted on or refused for itself.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use waypost_app::{
    CommandError, Desk,
    tickets::bulk::{self, Acted, BulkAction, BulkTicket},
};

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
/// Each ticket is acted on for itself, in the order given: one that is refused holds up no other.
/// With `preview`, nothing is changed: the answer says what each ticket would refuse now. What
/// policies would decide is not part of it.
#[utoipa::path(
    post,
    path = "/",
    request_body = BulkActionIn,
    responses((status = 200, description = "What became of each ticket", body = BulkActionOut)),
)]
async fn act_on_each(
    State(desk): State<Desk>,
    Known(caller): Known,
    JsonBody(bulk): JsonBody<BulkActionIn>,
) -> Result<Json<BulkActionOut>, ApiError> {
    let (numbers, bulk) = bulk.command();
    // Boxed: what an action may set off makes a future that would fill the stack.
    let acted = Box::pin(bulk::act_on_each(&desk, &caller, &bulk)).await?;
    let items = numbers.into_iter().zip(acted);
    Ok(Json(BulkActionOut { items: items.map(BulkItemOut::from).collect() }))
}

/// An action on several tickets.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBulkAction)]
struct BulkActionIn {
    /// The action.
    action: ActionName,
    /// The tickets: 1 to 100, each once.
    tickets: Vec<BulkTicketIn>,
    /// Inputs of the action, the same for each ticket.
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
    /// any case.
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
    /// Its number.
    number: String,
    /// Whether it was acted on; in a preview, whether it would be.
    accepted: bool,
    /// Its state after the action.
    state: Option<StateName>,
    /// Its version after the action; absent from a preview.
    version: Option<i64>,
    /// Why it was refused.
    #[schema(value_type = Option<ApiErrorOut>)]
    error: Option<ApiErrorOut>,
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

impl From<(String, Result<Acted, CommandError>)> for BulkItemOut {
    fn from((number, acted): (String, Result<Acted, CommandError>)) -> Self {
        match acted {
            Ok(Acted { state, version }) => {
                Self { number, accepted: true, state: Some(state.into()), version, error: None }
            }
            Err(refused) => Self {
                number,
                accepted: false,
                state: None,
                version: None,
                error: Some(ApiError::from(refused).into_body()),
            },
        }
    }
}
