//! Configuration items: what services are made of.

use axum::{extract::State, response::Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{
    Desk,
    cis::{self, CiEdit, CiView, NewCi},
};

use crate::{
    ApiState,
    api_error::ApiError,
    extract::{At, IfMatch, JsonBody, Known, ListOut, Listing, NoFilter, PageParams, Prefer},
    reply,
    wire::{
        CriticalityName, FieldsWire, NamedOut, fields_in, fields_out,
        patch::{nullable, settable},
    },
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(read, edit))
}

/// Add a configuration item
#[utoipa::path(
    post,
    path = "/",
    request_body = CiIn,
    responses((status = 201, description = "The new configuration item", body = CiOut)),
)]
async fn create(
    State(desk): State<Desk>,
    Known(caller): Known,
    prefer: Prefer,
    JsonBody(new): JsonBody<CiIn>,
) -> Result<Response, ApiError> {
    let view = cis::create(&desk, &caller, new.into()).await?;
    let address = format!("/api/v1/cis/{}", view.ci.key);
    Ok(reply::created(prefer, &address, view.ci.version, CiOut::from(view)))
}

/// List configuration items
#[utoipa::path(
    get,
    path = "/",
    params(PageParams),
    responses((status = 200, description = "A page of configuration items", body = ListOut<CiOut>)),
)]
async fn list(
    State(desk): State<Desk>,
    Known(caller): Known,
    listing: Listing<NoFilter>,
) -> Result<Response, ApiError> {
    let page = cis::list(&desk, &caller, &listing.page).await?;
    Ok(listing.reply(page, CiOut::from))
}

/// Read a configuration item
#[utoipa::path(
    get,
    path = "/{key}",
    responses((status = 200, description = "The configuration item", body = CiOut)),
)]
async fn read(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(key): At<String>,
) -> Result<Response, ApiError> {
    let view = cis::find(&desk, &caller, &key).await?;
    Ok(reply::read(view.ci.version, CiOut::from(view)))
}

/// Change a configuration item
#[utoipa::path(
    patch,
    path = "/{key}",
    request_body = CiEditIn,
    responses((status = 200, description = "The changed configuration item", body = CiOut)),
)]
async fn edit(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(key): At<String>,
    IfMatch(version): IfMatch,
    prefer: Prefer,
    JsonBody(edit): JsonBody<CiEditIn>,
) -> Result<Response, ApiError> {
    let view = cis::update(&desk, &caller, &key, edit.into(), version).await?;
    Ok(reply::changed(prefer, view.ci.version, CiOut::from(view)))
}

/// A new configuration item.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCi)]
struct CiIn {
    /// Its key, unique in the organization; it does not change.
    key: String,
    /// The name people read.
    name: String,
    /// Its class.
    #[schema(example = "database")]
    class: String,
    /// Its criticality; medium if left out.
    #[schema(value_type = Option<CriticalityName>)]
    criticality: Option<String>,
    /// The key of the service that it belongs to.
    service: Option<String>,
    /// The key of the team that supports it.
    support_team: Option<String>,
    /// Facts that the organization defined for itself: a flag, a number, a text or several texts by name.
    #[serde(default)]
    fields: FieldsWire,
}

/// Which fields of a configuration item change. What is left out stays; null empties.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = CiEdit)]
#[expect(clippy::option_option, reason = "left out and emptied are two different wishes")]
struct CiEditIn {
    /// The name people read.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = String)]
    name: Option<String>,
    /// Its class.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = String)]
    class: Option<String>,
    /// Its criticality.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = CriticalityName)]
    criticality: Option<String>,
    /// The key of the service that it belongs to.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    service: Option<Option<String>>,
    /// The key of the team that supports it.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    support_team: Option<Option<String>>,
    /// Whether new tickets may name it.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = bool)]
    active: Option<bool>,
    /// Takes the place of all fields.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = FieldsWire)]
    fields: Option<FieldsWire>,
}

/// A configuration item.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ci)]
struct CiOut {
    /// Its id.
    id: Uuid,
    /// Its key.
    key: String,
    /// The name people read.
    name: String,
    /// Its class.
    class: String,
    /// Its criticality.
    criticality: CriticalityName,
    /// The service that it belongs to.
    service: Option<NamedOut>,
    /// The team that supports it.
    support_team: Option<NamedOut>,
    /// Whether new tickets may name it.
    active: bool,
    /// Rises by one with every change; the `ETag`.
    version: i64,
    /// Facts that the organization defined for itself.
    fields: FieldsWire,
}

impl From<CiIn> for NewCi {
    fn from(input: CiIn) -> Self {
        Self {
            key: input.key,
            name: input.name,
            class: input.class,
            criticality: input.criticality,
            service: input.service,
            support_team: input.support_team,
            fields: fields_in(input.fields),
        }
    }
}

impl From<CiEditIn> for CiEdit {
    fn from(input: CiEditIn) -> Self {
        Self {
            name: input.name,
            class: input.class,
            criticality: input.criticality,
            service: input.service,
            support_team: input.support_team,
            active: input.active,
            fields: input.fields.map(fields_in),
        }
    }
}

impl From<CiView> for CiOut {
    fn from(view: CiView) -> Self {
        let ci = view.ci;
        Self {
            id: ci.id.0,
            key: ci.key.to_string(),
            name: ci.name,
            class: ci.class.to_string(),
            criticality: ci.criticality.into(),
            service: view.service.map(Into::into),
            support_team: view.support_team.map(Into::into),
            fields: fields_out(&ci.fields),
            active: ci.active,
            version: ci.version,
        }
    }
}
