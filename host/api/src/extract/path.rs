//! The ids, keys and names in a path.

use std::str::FromStr;

use axum::{
    extract::{FromRequestParts, Path, RawPathParams},
    http::request::Parts,
};

use crate::{
    ApiState,
    api_error::{ApiError, Slug},
    reader::UNKEPT,
};

/// The one parameter of a path. What can't be one is simply not there.
#[derive(Debug, Clone)]
pub(crate) struct At<T>(pub(crate) T);

/// A parameter of a path that has several. None for what can't be one.
pub(crate) async fn parameter(parts: &mut Parts, state: &ApiState, name: &str) -> Option<String> {
    let all = RawPathParams::from_request_parts(parts, state).await.ok()?;
    let (_, text) = all.iter().find(|(one, _)| *one == name)?;
    (!text.contains(UNKEPT)).then(|| text.to_owned())
}

impl<T: FromStr> FromRequestParts<ApiState> for At<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let nothing = || ApiError::new(Slug::NotFound, "there is no record with this id");
        let Path(text) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|_| nothing())?;
        if text.contains(UNKEPT) {
            return Err(nothing());
        }
        text.parse().map(Self).map_err(|_| nothing())
    }
}
