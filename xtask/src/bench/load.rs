//! Load on the API: what clients send, and what they saw.

use std::time::Duration;

use serde_json::{Value, json};

use crate::desks::Row;

/// What clients saw.
pub(super) struct Load {
    pub(super) seconds: f64,
    /// From the shortest to the longest.
    times: Vec<Duration>,
}

impl Load {
    pub(super) fn new(seconds: f64, mut times: Vec<Duration>) -> Self {
        times.sort();
        Self { seconds, times }
    }

    pub(super) fn percentile(&self, percent: usize) -> Duration {
        let place = (self.times.len() * percent / 100).min(self.times.len().saturating_sub(1));
        self.times.get(place).copied().unwrap_or_default()
    }
}

/// A row as the API takes it.
pub(super) fn body(row: &Row) -> Value {
    json!({
        "requester": row.requester,
        "short_description": row.short_description,
        "description": row.description,
        "external_ref": { "source": "bench", "id": row.number },
    })
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand tickets")]
pub(super) fn per_second(tickets: usize, seconds: f64) -> f64 {
    tickets as f64 / seconds
}

pub(super) fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
