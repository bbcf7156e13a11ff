//! The caller themselves: what a token is good for.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{Caller, Desk, people, tickets::PersonRef};

use crate::{
    ApiState,
    extract::Known,
    problem::Problem,
    wire::{ActorKindName, PersonOut, RoleName},
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(me))
}

/// Tell who the token's bearer is
#[utoipa::path(
    get,
    path = "/me",
    responses((status = 200, description = "Who asks, where, with which role", body = MeOut)),
)]
async fn me(State(desk): State<Desk>, Known(caller): Known) -> Result<Json<MeOut>, Problem> {
    let person = match caller.person() {
        Some(id) => Some(people::find(&desk, &caller, &PersonRef::Id(id)).await?),
        None => None,
    };
    let person = person.map(|view| PersonOut::new(view.person.id, view.person.name));
    Ok(Json(MeOut::new(&caller, person)))
}

/// Who asks, where, with which role.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Me)]
struct MeOut {
    /// The id of the organization that the request acts in.
    organization: Uuid,
    /// What the caller may do there.
    role: RoleName,
    /// What kind of actor the caller is in events.
    actor: ActorKindName,
    /// The person whom the token stands for.
    person: Option<PersonOut>,
    /// The token's id.
    token: Option<Uuid>,
    /// The time of the request.
    now: DateTime<Utc>,
}

impl MeOut {
    fn new(caller: &Caller, person: Option<PersonOut>) -> Self {
        Self {
            organization: caller.org.0,
            role: caller.role.into(),
            actor: caller.actor.kind.into(),
            person,
            token: caller.token.map(|token| token.0),
            now: caller.now,
        }
    }
}
