//! The approval request of `stalled`.

use serde::{Deserialize, Serialize};

/// An approval request that waits for a vote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingApproval {
    /// The step's name.
    pub step: String,
    /// The person whose vote the plan asked for.
    pub seat: String,
    /// The person who is to cast it now.
    pub voter: String,
    /// The voter's manager.
    pub voter_manager: Option<String>,
    /// When the vote was asked for.
    pub requested_at: String,
    /// When the step should be decided.
    pub due_at: Option<String>,
    /// Whole working hours since it was asked for.
    pub waiting_hours: u32,
    /// How often the voter was reminded.
    pub reminders: u32,
    /// Whether a policy has had somebody else asked in this seat before.
    pub delegated: bool,
    /// Whether the step cannot be approved without this vote.
    pub mandatory: bool,
    /// How far the voting in the step is.
    pub tally: Tally,
}

/// How far the voting in a step is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many must approve, by the step's quorum.
    pub needed: u32,
    /// How many have approved.
    pub approved: u32,
    /// How many have rejected.
    pub rejected: u32,
    /// How many votes are still awaited.
    pub outstanding: u32,
}
