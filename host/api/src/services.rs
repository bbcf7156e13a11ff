//! Services: what people use.

use axum::{extract::State, response::Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{
    Desk,
    services::{self, NewService, ServiceEdit, ServiceView},
};

use crate::{
    ApiState,
    api_error::ApiError,
    extract::{At, IfMatch, JsonBody, Known, ListOut, Listing, NoFilter, PageParams, Prefer},
    reply,
    wire::{
        CriticalityName, FieldsWire, NamedOut, PersonIn, PersonOut, fields_in, fields_out,
        patch::{nullable, settable},
    },
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(read, edit))
}

/// Add a service
#[utoipa::path(
    post,
    path = "/",
    request_body = ServiceIn,
    responses((status = 201, description = "The new service", body = ServiceOut)),
)]
async fn create(
    State(desk): State<Desk>,
    Known(caller): Known,
    prefer: Prefer,
    JsonBody(new): JsonBody<ServiceIn>,
) -> Result<Response, ApiError> {
    let view = services::create(&desk, &caller, new.into()).await?;
    let address = format!("/api/v1/services/{}", view.service.key);
    Ok(reply::created(prefer, &address, view.service.version, ServiceOut::from(view)))
}

/// List services
#[utoipa::path(
    get,
    path = "/",
    params(PageParams),
    responses((status = 200, description = "A page of services", body = ListOut<ServiceOut>)),
)]
async fn list(
    State(desk): State<Desk>,
    Known(caller): Known,
    listing: Listing<NoFilter>,
) -> Result<Response, ApiError> {
    let page = services::list(&desk, &caller, &listing.page).await?;
    Ok(listing.reply(page, ServiceOut::from))
}

/// Read a service
#[utoipa::path(
    get,
    path = "/{key}",
    responses((status = 200, description = "The service", body = ServiceOut)),
)]
async fn read(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(key): At<String>,
) -> Result<Response, ApiError> {
    let view = services::find(&desk, &caller, &key).await?;
    Ok(reply::read(view.service.version, ServiceOut::from(view)))
}

/// Change a service
#[utoipa::path(
    patch,
    path = "/{key}",
    request_body = ServiceEditIn,
    responses((status = 200, description = "The changed service", body = ServiceOut)),
)]
async fn edit(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(key): At<String>,
    IfMatch(version): IfMatch,
    prefer: Prefer,
    JsonBody(edit): JsonBody<ServiceEditIn>,
) -> Result<Response, ApiError> {
    let view = services::update(&desk, &caller, &key, edit.into(), version).await?;
    Ok(reply::changed(prefer, view.service.version, ServiceOut::from(view)))
}

/// A new service.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewService)]
struct ServiceIn {
    /// Its key, unique in the organization; it does not change.
    key: String,
    /// The name people read.
    name: String,
    /// Its criticality; medium if left out.
    #[schema(value_type = Option<CriticalityName>)]
    criticality: Option<String>,
    /// The owner, by id or e-mail address.
    owner: Option<PersonIn>,
    /// The key of the team that supports it.
    support_team: Option<String>,
    /// Facts that the organization defined for itself: a flag, a number, a text or several texts by name.
    #[serde(default)]
    fields: FieldsWire,
}

/// Which fields of a service change. What is left out stays; null empties.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = ServiceEdit)]
#[expect(clippy::option_option, reason = "left out and emptied are two different wishes")]
struct ServiceEditIn {
    /// The name people read.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = String)]
    name: Option<String>,
    /// Its criticality.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = CriticalityName)]
    criticality: Option<String>,
    /// The owner, by id or e-mail address.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<PersonIn>)]
    owner: Option<Option<PersonIn>>,
    /// The key of the team that supports it.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    support_team: Option<Option<String>>,
    /// Whether tickets may name it.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = bool)]
    active: Option<bool>,
    /// Takes the place of all fields.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = FieldsWire)]
    fields: Option<FieldsWire>,
}

/// A service that people use.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Service)]
struct ServiceOut {
    /// Its id.
    id: Uuid,
    /// Its key.
    key: String,
    /// The name people read.
    name: String,
    /// Its criticality.
    criticality: CriticalityName,
    /// The owner.
    owner: Option<PersonOut>,
    /// The team that supports it.
    support_team: Option<NamedOut>,
    /// Whether tickets may name it.
    active: bool,
    /// Rises by one with every change; the `ETag`.
    version: i64,
    /// Facts that the organization defined for itself.
    fields: FieldsWire,
}

impl From<ServiceIn> for NewService {
    fn from(input: ServiceIn) -> Self {
        Self {
            key: input.key,
            name: input.name,
            criticality: input.criticality,
            owner: input.owner.map(Into::into),
            support_team: input.support_team,
            fields: fields_in(input.fields),
        }
    }
}

impl From<ServiceEditIn> for ServiceEdit {
    fn from(input: ServiceEditIn) -> Self {
        Self {
            name: input.name,
            criticality: input.criticality,
            owner: input.owner.map(|named| named.map(Into::into)),
            support_team: input.support_team,
            active: input.active,
            fields: input.fields.map(fields_in),
        }
    }
}

impl From<ServiceView> for ServiceOut {
    fn from(view: ServiceView) -> Self {
        let service = view.service;
        Self {
            id: service.id.0,
            key: service.key.to_string(),
            name: service.name,
            criticality: service.criticality.into(),
            owner: view.owner.map(Into::into),
            support_team: view.support_team.map(Into::into),
            fields: fields_out(&service.fields),
            active: service.active,
            version: service.version,
        }
    }
}
