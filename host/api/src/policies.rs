//! Policies: components that were brought to the desk.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use waypost_app::{
    Desk,
    policies::{self, PolicySummary, PolicyView, Removable, ServedHookView},
};

use crate::{
    ApiState,
    api_error::ApiError,
    extract::{At, JsonBody, Known, ListOut, Listing, NoFilter, PageParams, WasmBody},
    wire::{HookName, UseName},
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(upload, list)).routes(routes!(read)).routes(routes!(remove))
}

/// Upload a policy
///
/// The body is the component itself. It is checked before it is stored: its imports, the contract
/// it was built for, and its description of itself. Uploading the same bytes again changes nothing.
#[utoipa::path(
    post,
    path = "/",
    request_body(content = Vec<u8>, content_type = "application/wasm"),
    responses((status = 201, description = "The policy, ready to be bound", body = PolicyOut)),
)]
async fn upload(
    State(desk): State<Desk>,
    Known(caller): Known,
    WasmBody(bytes): WasmBody,
) -> Result<Response, ApiError> {
    let policy = policies::upload(&desk, &caller, bytes.into()).await?;
    let address = format!("/api/v1/policies/{}", policy.digest);
    let policy = PolicyOut::from(policy);
    Ok((StatusCode::CREATED, [(header::LOCATION, address)], Json(policy)).into_response())
}

/// List policies
///
/// All policies that the organization can bind: its own and those of the organizations above. A
/// policy's settings schema, imports and exports are in the policy itself.
#[utoipa::path(
    get,
    path = "/",
    params(PageParams),
    responses((status = 200, description = "A page of policies", body = ListOut<PolicySummaryOut>)),
)]
async fn list(
    State(desk): State<Desk>,
    Known(caller): Known,
    listing: Listing<NoFilter>,
) -> Result<Response, ApiError> {
    let page = policies::list(&desk, &caller, &listing.page).await?;
    Ok(listing.reply(page, PolicySummaryOut::from))
}

/// Read a policy
#[utoipa::path(
    get,
    path = "/{digest}",
    responses((status = 200, description = "The policy", body = PolicyOut)),
)]
async fn read(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(digest): At<String>,
) -> Result<Json<PolicyOut>, ApiError> {
    Ok(Json(policies::find(&desk, &caller, &digest).await?.into()))
}

/// Remove a policy
///
/// The organization's own, if no active revision of a binding uses it. Revisions that used it
/// before cannot be rolled back to any more, nor can their decisions be repeated; say `superseded`
/// to remove it all the same. Organizations below that bound it keep it.
#[utoipa::path(
    post,
    path = "/{digest}/remove",
    request_body = RemovalIn,
    responses((status = 204, description = "The organization does not have the policy any more")),
)]
async fn remove(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(digest): At<String>,
    JsonBody(removal): JsonBody<RemovalIn>,
) -> Result<StatusCode, ApiError> {
    let removable = if removal.superseded { Removable::Superseded } else { Removable::Unused };
    policies::remove(&desk, &caller, &digest, removable).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which policies may be removed.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Removal)]
struct RemovalIn {
    /// Also one that earlier revisions of bindings use.
    #[serde(default)]
    superseded: bool,
}

/// A policy: a component, and its description of itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Policy)]
struct PolicyOut {
    /// The digest of its bytes.
    #[schema(example = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    digest: String,
    /// Its name.
    name: String,
    /// Its version.
    version: String,
    /// Its contact.
    author: String,
    /// What it does, in one sentence.
    summary: String,
    /// The hooks it serves.
    hooks: Vec<ServedHookOut>,
    /// The JSON Schema of its settings.
    settings_schema: Value,
    /// The version of the contract it was built for.
    wit_version: String,
    /// Its imports, by name. The host grants them no authority.
    imports: Vec<String>,
    /// Its exports, by name.
    exports: Vec<String>,
    /// Its size in bytes.
    size: u64,
    /// When it was first uploaded.
    uploaded_at: DateTime<Utc>,
}

/// A policy, as lists show it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PolicySummary)]
struct PolicySummaryOut {
    /// The digest of its bytes.
    #[schema(example = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    digest: String,
    /// Its name.
    name: String,
    /// Its version.
    version: String,
    /// Its contact.
    author: String,
    /// What it does, in one sentence.
    summary: String,
    /// The hooks it serves.
    hooks: Vec<ServedHookOut>,
    /// The version of the contract it was built for.
    wit_version: String,
    /// Its size in bytes.
    size: u64,
    /// When it was first uploaded.
    uploaded_at: DateTime<Utc>,
    /// Whether it is only an organization above that has it, which alone can remove it.
    inherited: bool,
    /// Whether the organization's own bindings use it: `active` or only `superseded` revisions, or
    /// none.
    used: UseName,
}

/// A hook that a policy serves.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServedHook)]
struct ServedHookOut {
    /// The hook.
    hook: HookName,
    /// The facts that it requires.
    #[schema(value_type = Vec<String>)]
    needs: Vec<&'static str>,
}

impl From<PolicyView> for PolicyOut {
    fn from(policy: PolicyView) -> Self {
        Self {
            digest: policy.digest,
            name: policy.name,
            version: policy.version,
            author: policy.author,
            summary: policy.summary,
            hooks: policy.hooks.into_iter().map(Into::into).collect(),
            settings_schema: policy.settings_schema,
            wit_version: policy.wit_version,
            imports: policy.imports,
            exports: policy.exports,
            size: policy.size,
            uploaded_at: policy.uploaded_at,
        }
    }
}

impl From<PolicySummary> for PolicySummaryOut {
    fn from(policy: PolicySummary) -> Self {
        Self {
            digest: policy.digest,
            name: policy.name,
            version: policy.version,
            author: policy.author,
            summary: policy.summary,
            hooks: policy.hooks.into_iter().map(Into::into).collect(),
            wit_version: policy.wit_version,
            size: policy.size,
            uploaded_at: policy.uploaded_at,
            inherited: policy.inherited,
            used: policy.used.into(),
        }
    }
}

impl From<ServedHookView> for ServedHookOut {
    fn from(served: ServedHookView) -> Self {
        Self { hook: served.hook.into(), needs: served.needs }
    }
}
