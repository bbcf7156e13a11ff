//! Where people of the organization are signed in, for those who administer them.

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{StatusCode, request::Parts},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{
    Desk,
    sign_ins::{self, Device},
    tickets::PersonRef,
};
use waypost_domain::ids::SignInId;

use crate::{
    ApiState,
    api_error::{ApiError, Slug},
    extract::{At, Known, parameter},
};

/// Below the address of people.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list_sign_ins))
        .routes(routes!(end_sign_in))
        .routes(routes!(end_sign_ins))
}

/// List a person's sign-ins
///
/// The browsers in which a person of the organization is signed in at the pages, the latest first.
/// Tokens are not among them. For administrators.
#[utoipa::path(
    get,
    path = "/{id}/sign-ins",
    responses((status = 200, description = "All of the person's sign-ins", body = SignInsOut)),
)]
async fn list_sign_ins(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(person): At<String>,
) -> Result<Json<SignInsOut>, ApiError> {
    let person = PersonRef::parse(&person);
    let devices = sign_ins::devices_of_person(&desk, &caller, &person).await?;
    Ok(Json(devices.into()))
}

/// End a person's sign-in
///
/// That browser has to sign in again. For administrators.
#[utoipa::path(
    post,
    path = "/{id}/sign-ins/{sign_in}/end",
    responses((status = 204, description = "The sign-in is ended")),
)]
async fn end_sign_in(
    State(desk): State<Desk>,
    Known(caller): Known,
    of: OfPerson,
) -> Result<StatusCode, ApiError> {
    sign_ins::end_of_person(&desk, &caller, &of.person, of.sign_in).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End all of a person's sign-ins
///
/// Links to sign in or to vote with that the person was sent end, too. A password and tokens stay
/// as they are. For administrators.
#[utoipa::path(
    post,
    path = "/{id}/sign-ins/end",
    responses((status = 204, description = "All sign-ins are ended")),
)]
async fn end_sign_ins(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(person): At<String>,
) -> Result<StatusCode, ApiError> {
    sign_ins::end_all_of_person(&desk, &caller, &PersonRef::parse(&person)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A sign-in, and the person whose it is.
struct OfPerson {
    person: PersonRef,
    sign_in: SignInId,
}

impl FromRequestParts<ApiState> for OfPerson {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let nothing = || ApiError::new(Slug::NotFound, "there is no sign-in with this id");
        let person = parameter(parts, state, "id").await.ok_or_else(nothing)?;
        let sign_in = parameter(parts, state, "sign_in").await.ok_or_else(nothing)?;
        let sign_in = sign_in.parse().map_err(|_| nothing())?;
        Ok(Self { person: PersonRef::parse(&person), sign_in })
    }
}

/// A person's sign-ins.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignIns)]
pub(crate) struct SignInsOut {
    /// The sign-ins.
    items: Vec<SignInOut>,
}

/// A browser in which a person is signed in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignIn)]
struct SignInOut {
    /// Its id.
    id: Uuid,
    /// The browser, as it describes itself.
    device: String,
    /// When the person signed in.
    created_at: DateTime<Utc>,
    /// When it was last used, to a few minutes.
    used_at: DateTime<Utc>,
}

impl From<Vec<Device>> for SignInsOut {
    fn from(devices: Vec<Device>) -> Self {
        Self { items: devices.into_iter().map(Into::into).collect() }
    }
}

impl From<Device> for SignInOut {
    fn from(device: Device) -> Self {
        Self {
            id: device.id.0,
            device: device.device,
            created_at: device.created_at,
            used_at: device.used_at,
        }
    }
}
