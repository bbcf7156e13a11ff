//! A policy, and the five questions that the desk may ask it.
//!
//! A policy implements [`Policy`] and one trait for each hook that it serves, and names those hooks
//! in [`export!`](crate::export!). A hook that is not named there is never asked.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{
    ApprovalPlan, Assignment, Binding, Categorization, Context, Decline, Event, Need,
    Notifications, Nudge, SettingsError, Ticket, WaitingApproval,
};

/// What a policy is called and who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Lower case words joined by dashes: `team-router`.
    pub name: String,
    /// A semantic version: `1.4.0`.
    pub version: String,
    /// Who to ask.
    pub author: String,
    /// One sentence.
    pub summary: String,
}

/// A configured policy: what it has learned from its settings, ready to be asked.
///
/// It is made once for each binding. The host keeps an image of the memory that [`Policy::new`]
/// leaves, and every decision starts from that image: parse, sort and index there, and a decision
/// finds the work done. Nothing that a hook leaves behind reaches the next decision.
pub trait Policy: Sized + Send + Sync + 'static {
    /// What an administrator may set. The host checks settings against the schema of this type.
    type Settings: DeserializeOwned + JsonSchema;

    /// Makes the policy from its settings, or says which places of them are wrong, all of them at
    /// once. The binding has the data files and the hooks that will be asked.
    fn new(settings: Self::Settings, binding: &Binding) -> Result<Self, Vec<SettingsError>>;

    /// Who this policy is. The default is what `Cargo.toml` says.
    #[must_use]
    fn about(manifest: About) -> About {
        manifest
    }
}

/// What kind of work has arrived?
pub trait Categorize: Policy {
    /// The facts that the context shall have; the others stay `None`.
    #[must_use]
    fn needs() -> Vec<Need> {
        Vec::new()
    }

    /// Categorizes a ticket that has just come in.
    fn categorize(&self, ticket: &Ticket, context: &Context) -> Result<Categorization, Decline>;
}

/// Who should work on it?
pub trait Route: Policy {
    /// The facts that the context shall have; the others stay `None`.
    #[must_use]
    fn needs() -> Vec<Need> {
        Vec::new()
    }

    /// Says who works on a ticket that has just come in, or that somebody asked to be routed again.
    fn route(&self, ticket: &Ticket, context: &Context) -> Result<Assignment, Decline>;
}

/// Who must agree?
pub trait Plan: Policy {
    /// The facts that the context shall have; the others stay `None`.
    #[must_use]
    fn needs() -> Vec<Need> {
        Vec::new()
    }

    /// Says who must agree before work on the ticket starts.
    fn plan(&self, ticket: &Ticket, context: &Context) -> Result<ApprovalPlan, Decline>;
}

/// What about a vote that is awaited?
pub trait Stalled: Policy {
    /// The facts that the context shall have; the others stay `None`.
    #[must_use]
    fn needs() -> Vec<Need> {
        Vec::new()
    }

    /// Says what to do about a vote that is awaited.
    fn stalled(
        &self,
        ticket: &Ticket,
        approval: &WaitingApproval,
        context: &Context,
    ) -> Result<Nudge, Decline>;
}

/// Who should be notified?
pub trait Notify: Policy {
    /// The facts that the context shall have; the others stay `None`.
    #[must_use]
    fn needs() -> Vec<Need> {
        Vec::new()
    }

    /// Says who is notified of an event.
    fn notify(
        &self,
        event: &Event,
        ticket: &Ticket,
        context: &Context,
    ) -> Result<Notifications, Decline>;
}
