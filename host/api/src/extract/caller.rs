//! The caller, whom [`authenticate`](crate::middleware::authenticate) found.

use axum::{extract::FromRequestParts, http::request::Parts};
use waypost_app::Caller;

use crate::{
    ApiState,
    api_error::{ApiError, Slug},
};

/// Somebody who is known. A handler that asks for this is behind the bearer token.
#[derive(Debug, Clone)]
pub(crate) struct Known(pub(crate) Caller);

impl FromRequestParts<ApiState> for Known {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &ApiState) -> Result<Self, ApiError> {
        // Absent only where a route was put outside the authenticated router; closed is the safe
        // answer.
        parts.extensions.get::<Caller>().cloned().map(Self).ok_or_else(|| {
            ApiError::new(Slug::Unauthenticated, "send the header `Authorization: Bearer <token>`")
        })
    }
}
