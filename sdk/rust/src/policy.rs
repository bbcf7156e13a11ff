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
    /// Lower-case words joined by hyphens: `team-router`.
    pub name: String,
    /// A semantic version: `1.4.0`.
    pub version: String,
    /// Who maintains it.
    pub author: String,
    /// One sentence.
    pub summary: String,
}

/// A configured policy: what it has learned from its settings, ready to be asked.
///
/// Made when a binding is prepared. The host keeps an image of the memory that [`Policy::new`]
/// leaves, and every decision starts from that image: parse, sort and index there, and a decision
/// finds the work done. Nothing that a hook leaves behind reaches the next decision.
pub trait Policy: Sized + Send + Sync + 'static {
    /// What an administrator may set. The host checks settings against the schema of this type.
    type Settings: DeserializeOwned + JsonSchema;

    /// Makes the policy from its settings, or returns every error in them, all at
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
    /// The facts that the context will have; the others stay `None`.
    #[must_use]
    fn needs() -> Vec<Need> {
        Vec::new()
    }

    /// Categorizes a ticket that has just come in.
    fn categorize(&self, ticket: &Ticket, context: &Context) -> Result<Categorization, Decline>;
}

/// Who should work on it?
pub trait Route: Policy {
    /// The facts that the context will have; the others stay `None`.
    #[must_use]
    fn needs() -> Vec<Need> {
        Vec::new()
    }

    /// Says who works on a ticket that has just come in, or that somebody asked to be routed again.
    fn route(&self, ticket: &Ticket, context: &Context) -> Result<Assignment, Decline>;
}

/// Who must approve?
pub trait Plan: Policy {
    /// The facts that the context will have; the others stay `None`.
    #[must_use]
    fn needs() -> Vec<Need> {
        Vec::new()
    }

    /// Says who must approve before work on the ticket starts.
    fn plan(&self, ticket: &Ticket, context: &Context) -> Result<ApprovalPlan, Decline>;
}

/// What should happen to an outstanding vote?
pub trait Stalled: Policy {
    /// The facts that the context will have; the others stay `None`.
    #[must_use]
    fn needs() -> Vec<Need> {
        Vec::new()
    }

    /// Says what to do about an outstanding vote.
    fn stalled(
        &self,
        ticket: &Ticket,
        approval: &WaitingApproval,
        context: &Context,
    ) -> Result<Nudge, Decline>;
}

/// Who should be notified?
pub trait Notify: Policy {
    /// The facts that the context will have; the others stay `None`.
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
