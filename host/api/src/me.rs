//! The caller themselves: what a token is good for.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{
    Caller, Desk,
    me::{self, Me},
};

use crate::{
    ApiState,
    api_error::ApiError,
    extract::Known,
    wire::{ActorKindName, PersonOut, RoleName},
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(me))
}

/// Read the caller's identity
#[utoipa::path(
    get,
    path = "/me",
    responses((status = 200, description = "The caller, the organization and the role", body = MeOut)),
)]
async fn me(State(desk): State<Desk>, Known(caller): Known) -> Result<Json<MeOut>, ApiError> {
    let me = me::me(&desk, &caller).await?;
    Ok(Json(MeOut::new(&caller, me)))
}

/// The caller, the organization and the role.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Me)]
struct MeOut {
    /// The organization that the request acts in.
    organization: OrganizationNameOut,
    /// The caller's role there.
    role: RoleName,
    /// Kind of actor that is recorded in events for the caller.
    actor: ActorKindName,
    /// The person the token acts for.
    person: Option<PersonOut>,
    /// The token's id.
    token: Option<Uuid>,
    /// The time of the request.
    now: DateTime<Utc>,
}

/// An organization, by name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrganizationName)]
struct OrganizationNameOut {
    /// Its id.
    id: Uuid,
    /// Its key, for the header `Waypost-Organization`.
    key: String,
    /// Display name.
    name: String,
}

impl MeOut {
    fn new(caller: &Caller, me: Me) -> Self {
        Self {
            organization: OrganizationNameOut {
                id: caller.org.0,
                key: me.organization.key,
                name: me.organization.name,
            },
            role: caller.role.into(),
            actor: caller.actor.kind.into(),
            person: me.person.map(Into::into),
            token: caller.token.map(|token| token.0),
            now: caller.now,
        }
    }
}
