#![doc = include_str!("../../README.md")]

mod answers;
#[expect(
    clippy::same_length_and_capacity,
    clippy::unsafe_derive_deserialize,
    reason = "written by wit-bindgen: values cross the sandbox's border as pointer and length"
)]
#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        world: "policy-pack",
        pub_export_macro: true,
        default_bindings_module: "::waypost_sdk::bindings",
        additional_derives: [PartialEq, Clone, serde::Serialize, serde::Deserialize],
    });
}
#[doc(hidden)]
pub mod export;
pub mod log;
mod map;
mod policy;
pub mod rules;
mod settings;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
pub mod text;
pub mod vocabulary;

pub use bindings::exports::waypost::policy::approval::{
    ApprovalPlan, Approver, Nudge, Quorum, Risk, Stage, StageRule, Step, Verdict, WaitingApproval,
};
pub use bindings::exports::waypost::policy::categorization::{
    Categorization, CategoryProposal, KeyProposal, KindProposal, LevelProposal,
};
pub use bindings::exports::waypost::policy::lifecycle::{
    DataFile, Description, Hook, ServedHook, SettingsError,
};
pub use bindings::exports::waypost::policy::notification::{
    ActorKind, Event, EventKind, Message, Notifications, Recipient, Way,
};
pub use bindings::exports::waypost::policy::routing::{Assignment, Clocks, Escalation};
pub use bindings::waypost::policy::types::{
    Channel, Ci, Context, Criticality, Decline, FormAnswer, Key, Kind, Level, Moment, Money, Need,
    Person, PersonId, Service, Strength, Team, Ticket, Timestamp,
};
pub use policy::{About, Categorize, Escalate, Notify, Plan, Policy, Route, Stalled};
pub use settings::schema_of;
