//! Tokens: what programs and people show to be let in.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{
    Desk,
    tokens::{self, IssuedToken, NewToken, TokenView},
};
use waypost_domain::ids::TokenId;

use crate::{
    ApiState,
    api_error::ApiError,
    extract::{At, JsonBody, Known},
    middleware::StoredInstead,
    wire::{PersonIn, PersonOut, RoleName, TimeIn},
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(issue, list)).routes(routes!(revoke))
}

/// Issue a token
///
/// Only this response contains the secret; a repeated request with the same `Idempotency-Key`
/// returns the token without it.
#[utoipa::path(
    post,
    path = "/",
    request_body = TokenIn,
    responses((status = 201, description = "The token with its secret", body = IssuedTokenOut)),
)]
async fn issue(
    State(desk): State<Desk>,
    Known(caller): Known,
    JsonBody(new): JsonBody<TokenIn>,
) -> Result<Response, ApiError> {
    let IssuedToken { token, secret } = tokens::issue(&desk, &caller, new.into()).await?;
    let issued = IssuedTokenOut { token: token.into(), secret: Some(secret) };
    let mut response = (StatusCode::CREATED, Json(&issued)).into_response();
    // The secret must not lie in the database for the sake of a repeat.
    let without = IssuedTokenOut { secret: None, ..issued };
    let kept = serde_json::to_vec(&without).map_err(|error| ApiError::internal(&error))?;
    response.extensions_mut().insert(StoredInstead(kept.into()));
    Ok(response)
}

/// List the organization's tokens
#[utoipa::path(
    get,
    path = "/",
    responses((status = 200, description = "All tokens, without their secrets", body = TokensOut)),
)]
async fn list(State(desk): State<Desk>, Known(caller): Known) -> Result<Json<TokensOut>, ApiError> {
    let tokens = tokens::list(&desk, &caller).await?;
    Ok(Json(TokensOut { items: tokens.into_iter().map(Into::into).collect() }))
}

/// Revoke a token
///
/// The token stops working immediately. Revoking it again has no effect.
#[utoipa::path(
    post,
    path = "/{id}/revoke",
    responses((status = 204, description = "The token is revoked")),
)]
async fn revoke(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(id): At<TokenId>,
) -> Result<StatusCode, ApiError> {
    tokens::revoke(&desk, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A new token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewToken)]
struct TokenIn {
    /// Purpose.
    name: String,
    /// Role that it grants.
    #[schema(value_type = RoleName)]
    role: String,
    /// Id or e-mail address of the person it acts for; required for a requester's token.
    person: Option<PersonIn>,
    /// When it expires; it never expires if omitted.
    expires_at: Option<TimeIn>,
}

impl From<TokenIn> for NewToken {
    fn from(input: TokenIn) -> Self {
        Self {
            name: input.name,
            role: input.role,
            person: input.person.map(Into::into),
            expires_at: input.expires_at.map(Into::into),
        }
    }
}

/// A token with its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = IssuedToken)]
struct IssuedTokenOut {
    /// The token.
    token: TokenOut,
    /// The secret. It cannot be read again, and is null in the response to a repeated request.
    secret: Option<String>,
}

/// An organization's tokens.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tokens)]
struct TokensOut {
    /// The tokens.
    items: Vec<TokenOut>,
}

/// A token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
struct TokenOut {
    /// Its id.
    id: Uuid,
    /// Purpose.
    name: String,
    /// Role that it grants.
    role: RoleName,
    /// The person it acts for.
    person: Option<PersonOut>,
    /// When it was created.
    created_at: DateTime<Utc>,
    /// When it expires.
    expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    revoked_at: Option<DateTime<Utc>>,
}

impl From<TokenView> for TokenOut {
    fn from(token: TokenView) -> Self {
        Self {
            id: token.id.0,
            name: token.name,
            role: token.role.into(),
            person: token.person.map(Into::into),
            created_at: token.created_at,
            expires_at: token.expires_at,
            revoked_at: token.revoked_at,
        }
    }
}
