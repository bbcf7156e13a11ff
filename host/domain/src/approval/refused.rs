//! Refused votes: what somebody tried and was not allowed to, for whoever audits it.
//!
//! The round does not change by them. They are bounded, so that nobody fills the disk by trying.

use chrono::{DateTime, Utc};

use crate::{
    event::Actor,
    ids::{ApprovalId, ApprovalRequestId, OrgId, RefusedVoteId},
    name::names,
    subject::Subject,
};

/// So many refused votes of one person on one request are kept; what they try further says nothing
/// new.
pub const MAX_REFUSED: i64 = 10;
/// Enough of what was said to see what was meant.
const MAX_KEPT_CHARS: usize = 500;

/// A vote that was not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedVote {
    /// Its id.
    pub id: RefusedVoteId,
    /// The organization.
    pub org: OrgId,
    /// The record.
    pub subject: Subject,
    /// The round.
    pub approval: ApprovalId,
    /// The request that it was to answer.
    pub request: ApprovalRequestId,
    /// When.
    pub at: DateTime<Utc>,
    /// Who tried.
    pub by: Actor,
    /// What they tried.
    pub vote: VoteKind,
    /// Why it was refused, as a word: `forbidden`, `content-changed`, ...
    pub code: String,
    /// Why it was refused, as a sentence.
    pub message: String,
    /// The beginning of what they said.
    pub comment: Option<String>,
}

/// What a voter does, without what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VoteKind {
    /// Agrees.
    Approve,
    /// Does not.
    Reject,
    /// Has no opinion.
    Abstain,
    /// Lets somebody else vote.
    Delegate,
}

names!("vote", VoteKind {
    Approve => "approve",
    Reject => "reject",
    Abstain => "abstain",
    Delegate => "delegate",
});

impl RefusedVote {
    /// The same, with its texts cut to what is kept, and with nothing in them that a database or a
    /// terminal stumbles over.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.message = cut(&self.message);
        self.comment = self.comment.as_deref().map(cut).filter(|said| !said.trim().is_empty());
        self
    }
}

fn cut(text: &str) -> String {
    let plain = |c: char| if c.is_control() && c != '\n' { '\u{fffd}' } else { c };
    text.chars().take(MAX_KEPT_CHARS).map(plain).collect()
}
