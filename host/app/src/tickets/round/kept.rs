//! What a receipt keeps of an answer beside the answer itself: the policy's log, and its reasons in words.

use serde::Serialize;
use waypost_policy::{Answer, Decline, LogLine};

use crate::plain;

/// The log as JSON; nothing where nothing was written.
pub(super) fn log_json(lines: &[LogLine], truncated: bool) -> Vec<u8> {
    #[derive(Serialize)]
    struct Log<'a> {
        lines: &'a [LogLine],
        truncated: bool,
    }
    if lines.is_empty() && !truncated {
        return Vec::new();
    }
    plain::json(&Log { lines, truncated })
}

/// The reasons that an answer or a decline gives.
pub(crate) fn reasons(answer: &[u8]) -> Vec<String> {
    if let Ok(answer) = serde_json::from_slice::<Answer>(answer) {
        return match answer {
            Answer::Categorization(it) => it.reasons,
            Answer::Assignment(it) => it.reasons,
            Answer::Escalation(it) => it.map(|it| it.reasons).unwrap_or_default(),
            Answer::Plan(it) => it.reasons,
            Answer::Nudge(_) => Vec::new(),
            Answer::Notifications(it) => it.reasons,
        };
    }
    match serde_json::from_slice::<Decline>(answer) {
        Ok(Decline::NoOpinion(reasons)) => reasons,
        Ok(Decline::Incomplete(what)) => vec![format!("a fact is missing: {what}")],
        Ok(Decline::Broken(why)) => vec![why],
        Err(_) => Vec::new(),
    }
}
