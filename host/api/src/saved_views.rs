//! Views of the desk's queue that the caller saved: the tabs of their own at the pages.

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{Desk, saved_views};
use waypost_domain::{ids::SavedViewId, saved_view::SavedView};

use crate::{
    ApiState,
    api_error::ApiError,
    extract::{At, JsonBody, Known},
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(save, list)).routes(routes!(remove))
}

/// Save a view
///
/// For the person that the token acts for, who finds it among the tabs of the queue.
#[utoipa::path(
    post,
    path = "/",
    request_body = SavedViewIn,
    responses((status = 201, description = "The new view", body = SavedViewOut)),
)]
async fn save(
    State(desk): State<Desk>,
    Known(caller): Known,
    JsonBody(new): JsonBody<SavedViewIn>,
) -> Result<(StatusCode, Json<SavedViewOut>), ApiError> {
    let view = saved_views::save(&desk, &caller, &new.name, &new.query).await?;
    Ok((StatusCode::CREATED, Json(view.into())))
}

/// List your saved views
///
/// The oldest first: those of the person that the token acts for, in this organization.
#[utoipa::path(
    get,
    path = "/",
    responses((status = 200, description = "All of your views", body = SavedViewsOut)),
)]
async fn list(
    State(desk): State<Desk>,
    Known(caller): Known,
) -> Result<Json<SavedViewsOut>, ApiError> {
    let views = saved_views::mine(&desk, &caller).await?;
    Ok(Json(SavedViewsOut { items: views.into_iter().map(Into::into).collect() }))
}

/// Remove a saved view
#[utoipa::path(
    post,
    path = "/{id}/remove",
    responses((status = 204, description = "The view is removed")),
)]
async fn remove(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(id): At<SavedViewId>,
) -> Result<StatusCode, ApiError> {
    saved_views::remove(&desk, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A new view of the queue.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSavedView)]
struct SavedViewIn {
    /// What you call it; at most 40 characters.
    #[schema(example = "Urgent printers")]
    name: String,
    /// What it shows, as in the address of the queue behind `desk/queue/`: `mine`, `unassigned`,
    /// `waiting`, `degraded`, `major`, `all` or `team-KEY`, then a filter by `text`, `state`,
    /// `priority`, `team` and `waiting_on`, and an `order`: `queue`, `opened` or `updated`. It is
    /// kept with its filters in one order, without empty ones.
    #[schema(example = "all?text=printer&priority=1")]
    query: String,
}

/// Your saved views.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SavedViews)]
struct SavedViewsOut {
    /// The views.
    items: Vec<SavedViewOut>,
}

/// A view of the queue that you saved.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SavedView)]
struct SavedViewOut {
    /// Its id.
    id: Uuid,
    /// What you call it.
    name: String,
    /// What it shows, as in the address of the queue behind `desk/queue/`.
    query: String,
    /// When it was saved.
    created_at: DateTime<Utc>,
}

impl From<SavedView> for SavedViewOut {
    fn from(view: SavedView) -> Self {
        Self { id: view.id.0, name: view.name, query: view.query, created_at: view.created_at }
    }
}
