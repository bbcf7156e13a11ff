//! Delegations: who votes for a person while they are away.

use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{
    Desk,
    delegations::{self, DelegationView, NewDelegation},
};
use waypost_domain::{delegation::Scope, ids::DelegationId};

use crate::{
    ApiState,
    api_error::ApiError,
    extract::{At, JsonBody, Known, ListOut, Listing, NoFilter, PageParams, Prefer},
    reply,
    wire::{ActorOut, NamedOut, NothingIn, PersonIn, PersonOut, TimeIn},
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(plan, list)).routes(routes!(read)).routes(routes!(end))
}

/// Create a delegation
///
/// For your own votes; administrators can delegate anybody's. While it is in force, the delegate
/// is asked for the votes, which count for the same seat. The delegator can still vote first.
#[utoipa::path(
    post,
    path = "/",
    request_body = DelegationIn,
    responses((status = 201, description = "The new delegation", body = DelegationOut)),
)]
async fn plan(
    State(desk): State<Desk>,
    Known(caller): Known,
    prefer: Prefer,
    JsonBody(new): JsonBody<DelegationIn>,
) -> Result<Response, ApiError> {
    let view = delegations::plan(&desk, &caller, new.into()).await?;
    let address = format!("/api/v1/delegations/{}", view.delegation.id);
    Ok(reply::created(prefer, &address, view.delegation.version, DelegationOut::from(view)))
}

/// List delegations
///
/// In the order of their creation, past ones included. The desk sees all; a requester sees those
/// they gave or received.
#[utoipa::path(
    get,
    path = "/",
    params(PageParams),
    responses((status = 200, description = "A page of delegations", body = ListOut<DelegationOut>)),
)]
async fn list(
    State(desk): State<Desk>,
    Known(caller): Known,
    listing: Listing<NoFilter>,
) -> Result<Response, ApiError> {
    let page = delegations::list(&desk, &caller, &listing.page).await?;
    Ok(listing.reply(page, DelegationOut::from))
}

/// Read a delegation
#[utoipa::path(
    get,
    path = "/{id}",
    responses((status = 200, description = "The delegation", body = DelegationOut)),
)]
async fn read(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(id): At<DelegationId>,
) -> Result<Response, ApiError> {
    let view = delegations::find(&desk, &caller, id).await?;
    Ok(reply::read(view.delegation.version, DelegationOut::from(view)))
}

/// End a delegation early
///
/// The delegate can still cast the votes that were requested under it, unless the delegator casts
/// them first.
#[utoipa::path(
    post,
    path = "/{id}/end",
    request_body = NothingIn,
    responses((status = 200, description = "The ended delegation", body = DelegationOut)),
)]
async fn end(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(id): At<DelegationId>,
    prefer: Prefer,
    JsonBody(NothingIn {}): JsonBody<NothingIn>,
) -> Result<Response, ApiError> {
    let view = delegations::end(&desk, &caller, id).await?;
    Ok(reply::changed(prefer, view.delegation.version, DelegationOut::from(view)))
}

/// A new delegation. Give at most one of `category`, `service` and `catalog_item`; without any of
/// them it covers all requests.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewDelegation)]
struct DelegationIn {
    /// Id or e-mail address of the delegator, who is away; defaults to you.
    from: Option<PersonIn>,
    /// Id or e-mail address of the delegate, who votes instead.
    to: PersonIn,
    /// Only for requests of this category and its subcategories.
    #[schema(example = "access/password")]
    category: Option<String>,
    /// Only for requests about the service with this key.
    service: Option<String>,
    /// Only for requests for the catalog item with this key.
    catalog_item: Option<String>,
    /// When it begins; defaults to now.
    starts_at: Option<TimeIn>,
    /// When it ends; at most 366 days after its beginning.
    ends_at: TimeIn,
    /// Reason, shown in the approvals that it applies to.
    reason: String,
}

/// A delegation: who votes on behalf of a person who is away.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delegation)]
struct DelegationOut {
    /// Its id.
    id: Uuid,
    /// The delegator, who is away.
    from: PersonOut,
    /// The delegate, who votes instead.
    to: PersonOut,
    /// Only for requests of this category and its subcategories.
    category: Option<String>,
    /// Only for requests about this service.
    service: Option<NamedOut>,
    /// Only for requests for this catalog item.
    catalog_item: Option<NamedOut>,
    /// When it begins.
    starts_at: DateTime<Utc>,
    /// When it ends, unless it was ended early.
    ends_at: DateTime<Utc>,
    /// Reason, shown in the approvals that it applies to.
    reason: String,
    /// Whether it is in force now.
    in_force: bool,
    /// When it was created.
    created_at: DateTime<Utc>,
    /// By whom.
    created_by: ActorOut,
    /// When it was ended early.
    ended_at: Option<DateTime<Utc>>,
    /// By whom.
    ended_by: Option<ActorOut>,
    /// Version number; increases by one with every change. Also sent as the `ETag`.
    version: i64,
}

impl From<DelegationIn> for NewDelegation {
    fn from(input: DelegationIn) -> Self {
        Self {
            from: input.from.map(Into::into),
            to: input.to.into(),
            category: input.category,
            service: input.service,
            catalog_item: input.catalog_item,
            starts_at: input.starts_at.map(Into::into),
            ends_at: input.ends_at.into(),
            reason: input.reason,
        }
    }
}

impl From<DelegationView> for DelegationOut {
    fn from(view: DelegationView) -> Self {
        let delegation = view.delegation;
        let category = match delegation.scope {
            Scope::Category(path) => Some(path.to_string()),
            Scope::Everything | Scope::Service(_) | Scope::CatalogItem(_) => None,
        };
        let (ended_at, ended_by) = delegation.ended.unzip();
        Self {
            id: delegation.id.0,
            from: view.from.into(),
            to: view.to.into(),
            category,
            service: view.service.map(Into::into),
            catalog_item: view.catalog_item.map(Into::into),
            starts_at: delegation.starts_at,
            ends_at: delegation.ends_at,
            reason: delegation.reason,
            in_force: view.in_force,
            created_at: delegation.created_at,
            created_by: delegation.created_by.into(),
            ended_at,
            ended_by: ended_by.map(Into::into),
            version: delegation.version,
        }
    }
}
