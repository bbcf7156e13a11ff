#![doc = include_str!("../../README.md")]

mod answers;
#[expect(
    clippy::same_length_and_capacity,
    reason = "written by wit-bindgen: values cross the sandbox's border as pointer and length"
)]
#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        world: "policy-pack",
        pub_export_macro: true,
        default_bindings_module: "::waypost_sdk::bindings",
        additional_derives: [PartialEq, Clone],
    });
}
mod binding;
#[doc(hidden)]
pub mod export;
mod facts;
mod hook;
pub mod log;
mod map;
pub mod names;
mod need;
mod policy;
pub mod rules;
mod settings;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
pub mod text;
pub mod vocabulary;

pub use binding::Binding;
pub use bindings::exports::waypost::lifecycle::lifecycle::{
    DataFile, Description, ServedHook, SettingsError,
};
pub use bindings::exports::waypost::policy::approval::{
    ApprovalPlan, Approver, Nudge, Quorum, Stage, StageRule, Step, Tally, Verdict, WaitingApproval,
};
pub use bindings::exports::waypost::policy::categorization::{Categorization, Kind, KindProposal};
pub use bindings::exports::waypost::policy::notification::{
    ActorKind, DeliveryChannel, Event, EventKind, FieldChange, Message, Notifications, Recipient,
};
pub use bindings::exports::waypost::policy::routing::Assignment;
pub use bindings::waypost::policy::types::{
    Channel, Ci, Comment, Context, Criticality, Decline, Details, Field, FieldValue, FormAnswer,
    Head, IncidentDetails, Key, Level, LevelProposal, Moment, Money, Person, PersonId, Phase,
    ProblemDetails, RequestDetails, Service, Strength, TaskDetails, Team, TeamName, TeamRef,
    TextProposal, TextsProposal, Ticket, Timestamp, Waiting,
};
pub use facts::value_of;
pub use hook::Hook;
pub use need::Need;
pub use policy::{About, Categorize, Notify, Plan, Policy, Route, Stalled};
pub use settings::schema_of;
