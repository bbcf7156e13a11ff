//! The contract's types, as generated from `wit/0.1.0`.
//!
//! Their serde form is what a receipt holds: field and variant names as in Rust, so a receipt can
//! be read without this crate, and written back into a question for a counterfactual.

#![expect(
    missing_docs,
    reason = "generated modules carry the WIT's own documentation on their items only"
)]

wasmtime::component::bindgen!({
    path: "../../wit/0.1.0",
    world: "policy-pack",
    additional_derives: [PartialEq, Clone, serde::Serialize, serde::Deserialize],
});

pub use self::exports::waypost::policy::{
    approval::{
        ApprovalPlan, Approver, Nudge, Quorum, Risk, Stage, StageRule, Step, Verdict,
        WaitingApproval,
    },
    categorization::{Categorization, CategoryProposal, KeyProposal, KindProposal, LevelProposal},
    notification::{ActorKind, Event, EventKind, Message, Notifications, Recipient, Way},
    routing::{Assignment, Clocks, Escalation},
};
pub use self::waypost::policy::types::{
    Channel, Ci, Context, Criticality, Decline, FormAnswer, Kind, Moment, Money, Need, Person,
    Service, Strength, Team, Ticket,
};
