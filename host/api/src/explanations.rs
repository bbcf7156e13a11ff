//! Explanations of problems: what a `type` like `/problems/stale-version` leads to.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    ApiState,
    extract::At,
    problem::{Problem, Slug},
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(explain))
}

/// List all kinds of problems
#[utoipa::path(
    get,
    path = "/",
    responses((status = 200, description = "Every kind of problem", body = ProblemKindsOut)),
)]
async fn list() -> Json<ProblemKindsOut> {
    Json(ProblemKindsOut { items: Slug::ALL.iter().copied().map(Into::into).collect() })
}

/// Explain a kind of problem
#[utoipa::path(
    get,
    path = "/{slug}",
    responses((status = 200, description = "What it is and what helps", body = ProblemKindOut)),
)]
async fn explain(At(name): At<String>) -> Result<Json<ProblemKindOut>, Problem> {
    let slug = Slug::ALL.iter().copied().find(|slug| slug.as_str() == name);
    let slug = slug.ok_or_else(|| {
        Problem::new(Slug::NotFound, "there is no such kind of problem; `/problems` lists all")
    })?;
    Ok(Json(slug.into()))
}

/// Every kind of problem.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProblemKinds)]
struct ProblemKindsOut {
    /// The kinds.
    items: Vec<ProblemKindOut>,
}

/// A kind of problem.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProblemKind)]
struct ProblemKindOut {
    /// The `type` of a problem.
    #[serde(rename = "type")]
    kind: String,
    /// The HTTP status it is answered with.
    status: u16,
    /// What it is.
    #[schema(value_type = String)]
    title: &'static str,
    /// What a client does about it.
    #[schema(value_type = String)]
    remedy: &'static str,
}

impl From<Slug> for ProblemKindOut {
    fn from(slug: Slug) -> Self {
        Self {
            kind: slug.uri(),
            status: slug.status().as_u16(),
            title: slug.title(),
            remedy: slug.remedy(),
        }
    }
}
