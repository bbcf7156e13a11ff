//! Categories: the tree of what tickets are about.

use axum::{extract::State, response::Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{
    Desk,
    categories::{self, CategoryEdit, NewCategory},
};
use waypost_domain::catalog::Category;

use crate::{
    ApiState,
    api_error::ApiError,
    extract::{At, IfMatch, JsonBody, Known, ListOut, Listing, NoFilter, PageParams, Prefer},
    reply,
    wire::patch::settable,
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(read, edit))
}

/// Add a category
#[utoipa::path(
    post,
    path = "/",
    request_body = CategoryIn,
    responses((status = 201, description = "The new category", body = CategoryOut)),
)]
async fn create(
    State(desk): State<Desk>,
    Known(caller): Known,
    prefer: Prefer,
    JsonBody(new): JsonBody<CategoryIn>,
) -> Result<Response, ApiError> {
    let view = categories::create(&desk, &caller, new.into()).await?;
    let address = format!("/api/v1/categories/{}", view.path.as_str().replace('/', "%2F"));
    Ok(reply::created(prefer, &address, view.version, CategoryOut::from(view)))
}

/// List categories
#[utoipa::path(
    get,
    path = "/",
    params(PageParams),
    responses((status = 200, description = "A page of categories", body = ListOut<CategoryOut>)),
)]
async fn list(
    State(desk): State<Desk>,
    Known(caller): Known,
    listing: Listing<NoFilter>,
) -> Result<Response, ApiError> {
    let page = categories::list(&desk, &caller, &listing.page).await?;
    Ok(listing.reply(page, CategoryOut::from))
}

/// Read a category
#[utoipa::path(
    get,
    path = "/{path}",
    responses((status = 200, description = "The category", body = CategoryOut)),
)]
async fn read(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(path): At<String>,
) -> Result<Response, ApiError> {
    let view = categories::find(&desk, &caller, &path).await?;
    Ok(reply::read(view.version, CategoryOut::from(view)))
}

/// Change a category
#[utoipa::path(
    patch,
    path = "/{path}",
    request_body = CategoryEditIn,
    responses((status = 200, description = "The changed category", body = CategoryOut)),
)]
async fn edit(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(path): At<String>,
    IfMatch(version): IfMatch,
    prefer: Prefer,
    JsonBody(edit): JsonBody<CategoryEditIn>,
) -> Result<Response, ApiError> {
    let view = categories::update(&desk, &caller, &path, edit.into(), version).await?;
    Ok(reply::changed(prefer, view.version, CategoryOut::from(view)))
}

/// A new category.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCategory)]
struct CategoryIn {
    /// Its place in the tree. The category above it is there already. The path does not change.
    #[schema(example = "access/password")]
    path: String,
    /// The name people read.
    name: String,
}

/// Which fields of a category change. What is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = CategoryEdit)]
struct CategoryEditIn {
    /// The name people read.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = String)]
    name: Option<String>,
    /// Whether tickets may get it.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = bool)]
    active: Option<bool>,
}

/// A node of the category tree.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Category)]
struct CategoryOut {
    /// Its id.
    id: Uuid,
    /// Its place in the tree.
    path: String,
    /// The name people read.
    name: String,
    /// Whether tickets may get it.
    active: bool,
    /// Rises by one with every change; the `ETag`.
    version: i64,
}

impl From<CategoryIn> for NewCategory {
    fn from(input: CategoryIn) -> Self {
        Self { path: input.path, name: input.name }
    }
}

impl From<CategoryEditIn> for CategoryEdit {
    fn from(input: CategoryEditIn) -> Self {
        Self { name: input.name, active: input.active }
    }
}

impl From<Category> for CategoryOut {
    fn from(category: Category) -> Self {
        Self {
            id: category.id.0,
            path: category.path.to_string(),
            name: category.name,
            active: category.active,
            version: category.version,
        }
    }
}
