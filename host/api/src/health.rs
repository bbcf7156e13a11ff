//! Health: whether the process lives, and whether it can do its work.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use waypost_app::Desk;

use crate::{
    ApiState,
    api_error::{ApiError, Slug},
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(live)).routes(routes!(ready))
}

/// Check liveness
#[utoipa::path(
    get,
    path = "/live",
    responses((status = 200, description = "The process is running", body = HealthOut)),
)]
async fn live() -> Json<HealthOut> {
    Json(HealthOut { status: "live" })
}

/// Check readiness
///
/// Checks whether the database answers and can write. A load balancer should send no requests here
/// while it answers 503.
#[utoipa::path(
    get,
    path = "/ready",
    responses((status = 200, description = "The server is ready to answer requests", body = HealthOut)),
)]
async fn ready(State(desk): State<Desk>) -> Result<Json<HealthOut>, ApiError> {
    let unavailable = |detail| ApiError::new(Slug::Unavailable, detail);
    let is_ready = desk.ready().await.map_err(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "not ready");
        unavailable("the database is not reachable, or cannot write")
    })?;
    if !is_ready {
        return Err(unavailable("the database schema is not up to date; run `waypost migrate`"));
    }
    Ok(Json(HealthOut { status: "ready" }))
}

/// The status of the server.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
struct HealthOut {
    /// `live` or `ready`.
    #[schema(value_type = String)]
    status: &'static str,
}
