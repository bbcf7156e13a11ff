//! What a receipt keeps of an answer beside the answer itself: the policy's log, and its reasons in
//! words.

use serde::Serialize;
use waypost_domain::said;
use waypost_policy::{Decline, LogLine, Reply};

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

/// The reasons that a kept answer or decline gives. None where nothing was kept, or where a newer
/// host wrote it.
pub(crate) fn reasons(reply: &[u8]) -> Vec<String> {
    match Reply::from_json(reply) {
        Ok(Reply::Answer(answer)) => answer.reasons().to_vec(),
        Ok(Reply::Decline(Decline::NoOpinion(reasons))) => reasons,
        Ok(Reply::Decline(Decline::Incomplete(what))) => {
            vec![said!("a fact is missing: {what}", what).into()]
        }
        Ok(Reply::Decline(Decline::Broken(why))) => vec![why],
        Err(_) => Vec::new(),
    }
}
