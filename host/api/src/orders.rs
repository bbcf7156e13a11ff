//! Orders: several requests of one person, made together or not at all.

use std::collections::BTreeMap;

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{
    Desk,
    orders::{self, NewOrder, NewOrderItem, OrderPreview, OrderView},
};

use crate::{
    ApiState,
    api_error::ApiError,
    extract::{JsonBody, Known},
    tickets::{PreviewOut, TicketOut},
    wire::{ChannelName, MoneyWire, PersonIn},
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(place)).routes(routes!(preview))
}

/// Order several catalog items
///
/// Opens a request for each item and submits it. The requests share `order_id`, and are stored
/// together or not at all. Each is routed, approved and fulfilled on its own.
#[utoipa::path(
    post,
    path = "/",
    request_body = OrderIn,
    responses((status = 201, description = "The requests of the order", body = OrderOut)),
)]
async fn place(
    State(desk): State<Desk>,
    Known(caller): Known,
    JsonBody(order): JsonBody<OrderIn>,
) -> Result<(StatusCode, Json<OrderOut>), ApiError> {
    // Boxed: deciding on many requests makes a future that would fill the stack.
    let placed = Box::pin(orders::place(&desk, &caller, order.command())).await?;
    Ok((StatusCode::CREATED, Json(placed.into())))
}

/// Preview an order
///
/// What would come of each of its requests if it was placed now. Nothing is stored, no number is
/// used and nobody is told. What is wrong with it is refused as it would be.
#[utoipa::path(
    post,
    path = "/preview",
    request_body = OrderIn,
    responses((status = 200, description = "What would come of it", body = OrderPreviewOut)),
)]
async fn preview(
    State(desk): State<Desk>,
    Known(caller): Known,
    JsonBody(order): JsonBody<OrderIn>,
) -> Result<Json<OrderPreviewOut>, ApiError> {
    // Boxed, as placing it is.
    Ok(Json(Box::pin(orders::preview(&desk, &caller, order.command())).await?.into()))
}

/// A new order.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOrder)]
struct OrderIn {
    /// Id or e-mail address of the person the requests are for; defaults to you.
    requester: Option<PersonIn>,
    /// Channel through which it was reported; defaults to `api`.
    channel: Option<ChannelName>,
    /// What is ordered: 1 to 20 items.
    items: Vec<OrderItemIn>,
}

/// One item of an order.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = NewOrderItem)]
struct OrderItemIn {
    /// The catalog item's key.
    #[schema(required = true)]
    catalog_item: String,
    /// Quantity; defaults to 1.
    #[schema(minimum = 1, maximum = 1000)]
    quantity: Option<u16>,
    /// Answers to the item's form: strings, numbers or Booleans.
    #[schema(value_type = BTreeMap<String, Value>)]
    answers: BTreeMap<String, Value>,
    /// Summary of the request in one line; defaults to the item's name.
    short_description: Option<String>,
    /// Full description.
    description: String,
}

/// An order, with its requests.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order)]
struct OrderOut {
    /// Its id; `GET /requests?order_id=…` lists its requests.
    id: Uuid,
    /// One for each item, in the order of the items.
    items: Vec<TicketOut>,
}

/// What would come of an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderPreview)]
struct OrderPreviewOut {
    /// One for each item, in the order of the items.
    items: Vec<PreviewOut>,
    /// What those cost together that would not be rejected, in each currency.
    cost: Vec<MoneyWire>,
    /// When the last of those should be there of which that is known.
    expected_at: Option<DateTime<Utc>>,
}

impl OrderIn {
    fn command(self) -> NewOrder {
        let items = self.items.iter().map(|item| NewOrderItem { fields: fields(item) }).collect();
        let mut shared = fields(&self);
        shared.remove("items");
        NewOrder { fields: shared, items }
    }
}

/// What was given of a record, by name.
fn fields(record: &impl Serialize) -> Map<String, Value> {
    let value = serde_json::to_value(record).expect("texts, numbers and lists always have JSON");
    let Value::Object(fields) = value else { return Map::new() };
    fields.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

impl From<OrderView> for OrderOut {
    fn from(order: OrderView) -> Self {
        Self { id: order.id.0, items: order.requests.into_iter().map(Into::into).collect() }
    }
}

impl From<OrderPreview> for OrderPreviewOut {
    fn from(order: OrderPreview) -> Self {
        Self {
            items: order.requests.into_iter().map(Into::into).collect(),
            cost: order.cost.into_iter().map(Into::into).collect(),
            expected_at: order.expected_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_left_out_of_an_order_is_left_to_the_app() {
        let given = json!({
            "requester": "ada@example.org",
            "items": [{ "catalog_item": "laptop", "answers": { "size": 14 } }],
        });
        let order = crate::reader::from_json::<OrderIn>(given).unwrap().command();
        assert_eq!(Value::Object(order.fields), json!({ "requester": "ada@example.org" }));
        let item =
            json!({ "catalog_item": "laptop", "answers": { "size": 14 }, "description": "" });
        assert_eq!(Value::Object(order.items[0].fields.clone()), item);
    }
}
