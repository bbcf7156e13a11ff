//! Bindings: which policy the organization asks at which hooks, in which order, with which
//! settings.

mod incoming;
mod outgoing;

use axum::{Json, extract::State, response::Response};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};
use waypost_app::{
    Desk,
    bindings::{self, BindingView},
};
use waypost_domain::ids::BindingId;

use self::{
    incoming::{BindingIn, RevisionIn, RollBackIn},
    outgoing::{BindingDetailOut, BindingOut, BindingsOut, InForceOut},
};
use crate::{
    ApiState,
    api_error::ApiError,
    extract::{At, JsonBody, Known, KnownVersion, OneFilter, Prefer},
    reply,
    wire::{HookName, NothingIn},
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(bind, list))
        .routes(routes!(in_force))
        .routes(routes!(read))
        .routes(routes!(revise))
        .routes(routes!(enable))
        .routes(routes!(disable))
        .routes(routes!(roll_back))
}

/// Bind a policy
///
/// The settings are checked against the policy's schema and by the policy itself before anything
/// changes. The binding takes effect with the next ticket, at each of its hooks; one binding serves
/// several with one set of settings and data.
#[utoipa::path(
    post,
    path = "/",
    request_body = BindingIn,
    responses((status = 201, description = "The binding with its first revision", body = BindingOut)),
)]
async fn bind(
    State(desk): State<Desk>,
    Known(caller): Known,
    prefer: Prefer,
    JsonBody(new): JsonBody<BindingIn>,
) -> Result<Response, ApiError> {
    let view = bindings::bind(&desk, &caller, new.command()?).await?;
    let address = format!("/api/v1/bindings/{}", view.binding.id);
    Ok(reply::created(prefer, &address, view.binding.version, BindingOut::from(view)))
}

/// List the organization's own bindings
///
/// Including disabled ones, in the order in which they are asked.
#[utoipa::path(
    get,
    path = "/",
    params(HookFilter),
    responses((status = 200, description = "All own bindings", body = BindingsOut)),
)]
async fn list(
    State(desk): State<Desk>,
    Known(caller): Known,
    OneFilter(filter): OneFilter<HookFilter>,
) -> Result<Json<BindingsOut>, ApiError> {
    let bindings = bindings::list(&desk, &caller, filter.hook.map(|name| name.0)).await?;
    Ok(Json(bindings.into()))
}

/// Show the evaluation order of policies
///
/// For each hook, across all layers: the bindings that are asked, in order, and those that are
/// replaced.
#[utoipa::path(
    get,
    path = "/in-force",
    params(HookFilter),
    responses((status = 200, description = "The order of each hook", body = InForceOut)),
)]
async fn in_force(
    State(desk): State<Desk>,
    Known(caller): Known,
    OneFilter(filter): OneFilter<HookFilter>,
) -> Result<Json<InForceOut>, ApiError> {
    let orders = bindings::in_force(&desk, &caller, filter.hook.map(|name| name.0)).await?;
    Ok(Json(orders.into()))
}

/// Read a binding with its revisions
#[utoipa::path(
    get,
    path = "/{id}",
    responses((status = 200, description = "The binding and all its revisions", body = BindingDetailOut)),
)]
async fn read(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(id): At<BindingId>,
) -> Result<Response, ApiError> {
    let detail = bindings::find(&desk, &caller, id).await?;
    Ok(reply::read(detail.view.binding.version, BindingDetailOut::from(detail)))
}

/// Create a revision of a binding
///
/// Omitted fields keep the values of the active revision. The revision is checked like a new
/// binding and takes effect with the next ticket, at all of its hooks at once.
#[utoipa::path(
    post,
    path = "/{id}/revisions",
    request_body = RevisionIn,
    responses((status = 201, description = "The binding with its new revision", body = BindingOut)),
)]
async fn revise(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(id): At<BindingId>,
    KnownVersion(version): KnownVersion,
    prefer: Prefer,
    JsonBody(new): JsonBody<RevisionIn>,
) -> Result<Response, ApiError> {
    let view = bindings::revise(&desk, &caller, id, new.command()?, version).await?;
    let address = format!("/api/v1/bindings/{}", view.binding.id);
    Ok(reply::created(prefer, &address, view.binding.version, BindingOut::from(view)))
}

/// Enable a binding
#[utoipa::path(
    post,
    path = "/{id}/enable",
    request_body = NothingIn,
    responses((status = 200, description = "The enabled binding", body = BindingOut)),
)]
async fn enable(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(id): At<BindingId>,
    KnownVersion(version): KnownVersion,
    prefer: Prefer,
    JsonBody(NothingIn {}): JsonBody<NothingIn>,
) -> Result<Response, ApiError> {
    Ok(changed(prefer, bindings::enable(&desk, &caller, id, version).await?))
}

/// Disable a binding
#[utoipa::path(
    post,
    path = "/{id}/disable",
    request_body = NothingIn,
    responses((status = 200, description = "The disabled binding", body = BindingOut)),
)]
async fn disable(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(id): At<BindingId>,
    KnownVersion(version): KnownVersion,
    prefer: Prefer,
    JsonBody(NothingIn {}): JsonBody<NothingIn>,
) -> Result<Response, ApiError> {
    Ok(changed(prefer, bindings::disable(&desk, &caller, id, version).await?))
}

/// Roll back to an earlier revision
#[utoipa::path(
    post,
    path = "/{id}/roll-back",
    request_body = RollBackIn,
    responses((status = 200, description = "The binding with the earlier revision", body = BindingOut)),
)]
async fn roll_back(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(id): At<BindingId>,
    KnownVersion(version): KnownVersion,
    prefer: Prefer,
    JsonBody(input): JsonBody<RollBackIn>,
) -> Result<Response, ApiError> {
    Ok(changed(prefer, bindings::roll_back(&desk, &caller, id, input.to, version).await?))
}

fn changed(prefer: Prefer, view: BindingView) -> Response {
    reply::changed(prefer, view.binding.version, BindingOut::from(view))
}

/// Which bindings to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct HookFilter {
    /// Only bindings at this hook.
    #[param(value_type = Option<String>)]
    hook: Option<HookName>,
}
