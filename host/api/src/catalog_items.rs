//! Catalog items: what people can ask for.

use axum::{extract::State, response::Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{
    Desk,
    catalog::{self, CatalogItemEdit, NewCatalogItem, NewFormField, NewPlannedTask},
};
use waypost_domain::{
    catalog::{CatalogItem, FieldKind, FormField},
    task::PlannedTask,
};

use crate::{
    ApiState,
    api_error::ApiError,
    extract::{At, IfMatch, JsonBody, Known, ListOut, Listing, NoFilter, PageParams, Prefer},
    reply,
    wire::{
        MoneyWire,
        patch::{nullable, settable},
    },
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(read, edit))
}

/// Add a catalog item
#[utoipa::path(
    post,
    path = "/",
    request_body = CatalogItemIn,
    responses((status = 201, description = "The new catalog item", body = CatalogItemOut)),
)]
async fn create(
    State(desk): State<Desk>,
    Known(caller): Known,
    prefer: Prefer,
    JsonBody(new): JsonBody<CatalogItemIn>,
) -> Result<Response, ApiError> {
    let view = catalog::create(&desk, &caller, new.into()).await?;
    let address = format!("/api/v1/catalog-items/{}", view.key);
    Ok(reply::created(prefer, &address, view.version, CatalogItemOut::from(view)))
}

/// List catalog items
#[utoipa::path(
    get,
    path = "/",
    params(PageParams),
    responses((status = 200, description = "A page of catalog items", body = ListOut<CatalogItemOut>)),
)]
async fn list(
    State(desk): State<Desk>,
    Known(caller): Known,
    listing: Listing<NoFilter>,
) -> Result<Response, ApiError> {
    let page = catalog::list(&desk, &caller, &listing.page).await?;
    Ok(listing.reply(page, CatalogItemOut::from))
}

/// Read a catalog item
#[utoipa::path(
    get,
    path = "/{key}",
    responses((status = 200, description = "The catalog item", body = CatalogItemOut)),
)]
async fn read(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(key): At<String>,
) -> Result<Response, ApiError> {
    let view = catalog::find(&desk, &caller, &key).await?;
    Ok(reply::read(view.version, CatalogItemOut::from(view)))
}

/// Change a catalog item
#[utoipa::path(
    patch,
    path = "/{key}",
    request_body = CatalogItemEditIn,
    responses((status = 200, description = "The changed catalog item", body = CatalogItemOut)),
)]
async fn edit(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(key): At<String>,
    IfMatch(version): IfMatch,
    prefer: Prefer,
    JsonBody(edit): JsonBody<CatalogItemEditIn>,
) -> Result<Response, ApiError> {
    let view = catalog::update(&desk, &caller, &key, edit.into(), version).await?;
    Ok(reply::changed(prefer, view.version, CatalogItemOut::from(view)))
}

/// A new catalog item.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCatalogItem)]
struct CatalogItemIn {
    /// Its key, unique in the organization; it does not change.
    key: String,
    /// The name people read.
    name: String,
    /// What the requester gets.
    #[serde(default)]
    description: String,
    /// What it costs.
    cost: Option<MoneyWire>,
    /// The questions of its form, in order.
    #[serde(default)]
    form: Vec<FormFieldWire>,
    /// The delivery time in working hours of the organization, from which a request's `expected_at`
    /// is computed.
    #[schema(minimum = 1, maximum = 2000)]
    delivery_hours: Option<u16>,
    /// The tasks that every request for it gets when its fulfilment begins.
    #[serde(default)]
    tasks: Vec<PlannedTaskWire>,
}

/// Which fields of a catalog item change. What is left out stays; null empties.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = CatalogItemEdit)]
#[expect(clippy::option_option, reason = "left out and emptied are two different wishes")]
struct CatalogItemEditIn {
    /// The name people read.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = String)]
    name: Option<String>,
    /// What the requester gets.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = String)]
    description: Option<String>,
    /// What it costs.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<MoneyWire>)]
    cost: Option<Option<MoneyWire>>,
    /// The questions of its form, all of them.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = Vec<FormFieldWire>)]
    form: Option<Vec<FormFieldWire>>,
    /// The delivery time in working hours of the organization.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 2000)]
    delivery_hours: Option<Option<u16>>,
    /// The tasks that every request for it gets, all of them.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = Vec<PlannedTaskWire>)]
    tasks: Option<Vec<PlannedTaskWire>>,
    /// Whether it can be requested.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = bool)]
    active: Option<bool>,
}

/// A catalog item: something that people can request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CatalogItem)]
struct CatalogItemOut {
    /// Its id.
    id: Uuid,
    /// Its key.
    key: String,
    /// The name people read.
    name: String,
    /// What the requester gets.
    description: String,
    /// What it costs.
    cost: Option<MoneyWire>,
    /// The questions of its form, in order.
    form: Vec<FormFieldWire>,
    /// The delivery time in working hours of the organization.
    delivery_hours: Option<u16>,
    /// The tasks that every request for it gets.
    tasks: Vec<PlannedTaskWire>,
    /// Whether it can be requested.
    active: bool,
    /// Rises by one with every change; the `ETag`.
    version: i64,
}

/// One question of a catalog item's form.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FormField)]
struct FormFieldWire {
    /// Its key in the form.
    field: String,
    /// The question.
    label: String,
    /// `text`, `number`, `yes_no`, `date` or `choice`.
    kind: String,
    /// The options of a `choice`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    choices: Vec<String>,
    /// Whether it must be answered.
    #[serde(default)]
    required: bool,
}

/// A task that every request for an item gets.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlannedTask)]
struct PlannedTaskWire {
    /// Its key in the plan.
    key: String,
    /// What is to be done, in one line.
    short_description: String,
    /// The full text.
    #[serde(default)]
    description: String,
    /// The key of the team that gets it; the request's own if left out.
    team: Option<String>,
    /// Its position; its place in this list if left out.
    #[schema(maximum = 1000)]
    position: Option<u16>,
    /// Whether a request cannot be fulfilled before it is done or skipped.
    #[serde(default = "mandatory")]
    mandatory: bool,
    /// The keys of the tasks of the plan that it depends on.
    #[serde(default)]
    depends_on: Vec<String>,
}

/// Whoever plans a task wants it done.
const fn mandatory() -> bool {
    true
}

impl From<CatalogItemIn> for NewCatalogItem {
    fn from(input: CatalogItemIn) -> Self {
        Self {
            key: input.key,
            name: input.name,
            description: input.description,
            cost: input.cost.map(price),
            form: questions(input.form),
            delivery_hours: input.delivery_hours,
            tasks: planned(input.tasks),
        }
    }
}

impl From<CatalogItemEditIn> for CatalogItemEdit {
    fn from(input: CatalogItemEditIn) -> Self {
        Self {
            name: input.name,
            description: input.description,
            cost: input.cost.map(|cost| cost.map(price)),
            form: input.form.map(questions),
            delivery_hours: input.delivery_hours,
            tasks: input.tasks.map(planned),
            active: input.active,
        }
    }
}

fn price(cost: MoneyWire) -> (i64, String) {
    (cost.minor_units, cost.currency)
}

fn planned(tasks: Vec<PlannedTaskWire>) -> Vec<NewPlannedTask> {
    tasks
        .into_iter()
        .map(|task| NewPlannedTask {
            key: task.key,
            short_description: task.short_description,
            description: task.description,
            team: task.team,
            position: task.position,
            mandatory: task.mandatory,
            depends_on: task.depends_on,
        })
        .collect()
}

impl From<PlannedTask> for PlannedTaskWire {
    fn from(task: PlannedTask) -> Self {
        Self {
            key: task.key.to_string(),
            short_description: task.short_description,
            description: task.description,
            team: task.team.map(|key| key.to_string()),
            position: Some(task.position),
            mandatory: task.mandatory,
            depends_on: task.depends_on.iter().map(ToString::to_string).collect(),
        }
    }
}

fn questions(form: Vec<FormFieldWire>) -> Vec<NewFormField> {
    form.into_iter()
        .map(|question| NewFormField {
            field: question.field,
            label: question.label,
            kind: question.kind,
            choices: question.choices,
            required: question.required,
        })
        .collect()
}

impl From<FormField> for FormFieldWire {
    fn from(question: FormField) -> Self {
        let kind = question.kind.as_str().to_owned();
        let choices = match question.kind {
            FieldKind::Choice(choices) => choices,
            FieldKind::Text | FieldKind::Number | FieldKind::YesNo | FieldKind::Date => Vec::new(),
        };
        Self {
            field: question.field.to_string(),
            label: question.label,
            kind,
            choices,
            required: question.required,
        }
    }
}

impl From<CatalogItem> for CatalogItemOut {
    fn from(item: CatalogItem) -> Self {
        Self {
            id: item.id.0,
            key: item.key.to_string(),
            name: item.name,
            description: item.description,
            cost: item.cost.map(Into::into),
            form: item.form.into_iter().map(Into::into).collect(),
            delivery_hours: item.delivery_hours,
            tasks: item.tasks.into_iter().map(Into::into).collect(),
            active: item.active,
            version: item.version,
        }
    }
}
