//! The id or key in a path.

use std::str::FromStr;

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};

use crate::{
    ApiState,
    problem::{Problem, Slug},
    reader::UNKEPT,
};

/// The one parameter of a path. What can't be one is simply not there.
#[derive(Debug, Clone)]
pub(crate) struct At<T>(pub(crate) T);

impl<T: FromStr> FromRequestParts<ApiState> for At<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        let nothing = || Problem::new(Slug::NotFound, "there is no record with this id");
        let Path(text) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|_| nothing())?;
        if text.contains(UNKEPT) {
            return Err(nothing());
        }
        text.parse().map(Self).map_err(|_| nothing())
    }
}
