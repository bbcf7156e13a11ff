//! The caller themselves: what a token is good for, and where its person is signed in.

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{
    Caller, Desk,
    me::{self, Me},
    sign_ins,
};
use waypost_domain::ids::SignInId;

use crate::{
    ApiState,
    api_error::ApiError,
    extract::{At, Known},
    sign_ins::SignInsOut,
    wire::{ActorKindName, PersonOut, RoleName},
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(me))
        .routes(routes!(list_sign_ins))
        .routes(routes!(end_sign_in))
        .routes(routes!(end_sign_ins))
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

/// List your sign-ins
///
/// The browsers in which the person that the token acts for is signed in at the pages, the latest
/// first. A token is no sign-in and not among them.
#[utoipa::path(
    get,
    path = "/me/sign-ins",
    responses((status = 200, description = "All of your sign-ins", body = SignInsOut)),
)]
async fn list_sign_ins(
    State(desk): State<Desk>,
    Known(caller): Known,
) -> Result<Json<SignInsOut>, ApiError> {
    let devices = sign_ins::devices_of_caller(&desk, &caller).await?;
    Ok(Json(devices.into()))
}

/// End a sign-in
///
/// That browser has to sign in again.
#[utoipa::path(
    post,
    path = "/me/sign-ins/{id}/end",
    responses((status = 204, description = "The sign-in is ended")),
)]
async fn end_sign_in(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(id): At<SignInId>,
) -> Result<StatusCode, ApiError> {
    sign_ins::end_of_caller(&desk, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End all of your sign-ins
///
/// The token and a password stay as they are.
#[utoipa::path(
    post,
    path = "/me/sign-ins/end",
    responses((status = 204, description = "All sign-ins are ended")),
)]
async fn end_sign_ins(
    State(desk): State<Desk>,
    Known(caller): Known,
) -> Result<StatusCode, ApiError> {
    sign_ins::end_all_of_caller(&desk, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
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
