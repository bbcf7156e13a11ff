//! Explanations of errors: what a `type` like `/errors/stale-version` leads to.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    ApiState,
    api_error::{ApiError, Slug},
    extract::At,
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(explain))
}

/// List the kinds of errors
#[utoipa::path(
    get,
    path = "/",
    responses((status = 200, description = "Every kind of error", body = ErrorKindsOut)),
)]
async fn list() -> Json<ErrorKindsOut> {
    Json(ErrorKindsOut { items: Slug::ALL.iter().copied().map(Into::into).collect() })
}

/// Explain a kind of error
#[utoipa::path(
    get,
    path = "/{slug}",
    responses((status = 200, description = "The kind of error, with a remedy", body = ErrorKindOut)),
)]
async fn explain(At(name): At<String>) -> Result<Json<ErrorKindOut>, ApiError> {
    let slug = Slug::ALL.iter().copied().find(|slug| slug.as_str() == name);
    let slug = slug.ok_or_else(|| {
        ApiError::new(Slug::NotFound, "there is no such kind of error; `/errors` lists them all")
    })?;
    Ok(Json(slug.into()))
}

/// Every kind of error.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ErrorKinds)]
struct ErrorKindsOut {
    /// The kinds.
    items: Vec<ErrorKindOut>,
}

/// A kind of error.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ErrorKind)]
struct ErrorKindOut {
    /// The `type` of an error.
    #[serde(rename = "type")]
    kind: String,
    /// The HTTP status it is answered with.
    status: u16,
    /// What it is.
    #[schema(value_type = String)]
    title: &'static str,
    /// What a client should do.
    #[schema(value_type = String)]
    remedy: &'static str,
}

impl From<Slug> for ErrorKindOut {
    fn from(slug: Slug) -> Self {
        Self {
            kind: slug.uri(),
            status: slug.status().as_u16(),
            title: slug.title(),
            remedy: slug.remedy(),
        }
    }
}
