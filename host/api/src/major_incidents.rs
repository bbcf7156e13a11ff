//! Major incidents as everybody of the organization may know of them.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use waypost_app::{Desk, majors};
use waypost_domain::incident::{PublicMajor, PublicUpdate};

use crate::{ApiState, api_error::ApiError, extract::Known, wire::StateName};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// List what is down
///
/// The accepted major incidents of the organization that are worked on, the latest first, at most
/// five: for every caller, also where they may not read the incidents.
#[utoipa::path(
    get,
    path = "/",
    responses((status = 200, description = "What is down", body = PublicMajorsOut)),
)]
async fn list(
    State(desk): State<Desk>,
    Known(caller): Known,
) -> Result<Json<PublicMajorsOut>, ApiError> {
    let majors = majors::in_public(&desk, &caller).await?;
    Ok(Json(PublicMajorsOut { items: majors.into_iter().map(Into::into).collect() }))
}

/// What is down.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PublicMajors)]
struct PublicMajorsOut {
    /// The major incidents.
    items: Vec<PublicMajorOut>,
}

/// What everybody may know of a major incident.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PublicMajor)]
struct PublicMajorOut {
    /// The incident's number.
    number: String,
    /// What it is about.
    short_description: String,
    /// Where it stands.
    state: StateName,
    /// Since when.
    opened_at: DateTime<Utc>,
    /// What was last told; null before the first update.
    last_update: Option<PublicUpdateOut>,
}

/// An update on a major incident.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PublicUpdate)]
struct PublicUpdateOut {
    /// What was told.
    text: String,
    /// When.
    at: DateTime<Utc>,
}

impl From<PublicMajor> for PublicMajorOut {
    fn from(major: PublicMajor) -> Self {
        Self {
            number: major.number,
            short_description: major.short_description,
            state: major.state.into(),
            opened_at: major.opened_at,
            last_update: major.last_update.map(Into::into),
        }
    }
}

impl From<PublicUpdate> for PublicUpdateOut {
    fn from(update: PublicUpdate) -> Self {
        Self { text: update.text, at: update.at }
    }
}
