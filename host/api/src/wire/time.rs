//! Times that come in.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A time in RFC 3339, with its offset from UTC.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(as = Time, value_type = DateTime<Utc>, example = "2026-06-01T08:00:00Z")]
pub(crate) struct TimeIn(DateTime<Utc>);

impl TryFrom<String> for TimeIn {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match DateTime::parse_from_rfc3339(text.trim()) {
            Ok(time) => Ok(Self(time.to_utc())),
            Err(_) => Err("Not a valid time; use RFC 3339, such as 2026-06-01T08:00:00Z."),
        }
    }
}

impl From<TimeIn> for DateTime<Utc> {
    fn from(TimeIn(time): TimeIn) -> Self {
        time
    }
}
