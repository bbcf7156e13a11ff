//! Times that come in.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use waypost_domain::moment::{self, InvalidMoment};

/// A time in RFC 3339, with its offset from UTC.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(as = Time, value_type = DateTime<Utc>, example = "2026-06-01T08:00:00Z")]
pub(crate) struct TimeIn(DateTime<Utc>);

impl TryFrom<String> for TimeIn {
    type Error = InvalidMoment;

    fn try_from(text: String) -> Result<Self, InvalidMoment> {
        // Whether its year is kept, the command says, together with what else is wrong.
        moment::read(&text).map(Self)
    }
}

impl From<TimeIn> for DateTime<Utc> {
    fn from(TimeIn(time): TimeIn) -> Self {
        time
    }
}
