//! Questions and answers: the six hooks as values, and their JSON, which is what a receipt holds.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::contract::{
    ApprovalPlan, Assignment, Categorization, Clocks, Context, Escalation, Event, Notifications,
    Nudge, Ticket, WaitingApproval, exports::waypost::policy::lifecycle,
};

/// One question that the desk asks a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    /// What kind of work has arrived?
    Categorize,
    /// Who should work on it?
    Route,
    /// Should it go a step up?
    Escalate,
    /// Who must agree?
    Plan,
    /// What about an approval that waits?
    Stalled,
    /// Who should hear of it?
    Notify,
}

/// A text names no hook.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no hook: it is one of categorize, route, escalate, plan, stalled, notify")]
pub struct NoSuchHook(String);

impl Hook {
    /// Every hook, in the order in which a round asks them.
    pub const ALL: [Self; 6] =
        [Self::Categorize, Self::Route, Self::Escalate, Self::Plan, Self::Stalled, Self::Notify];

    /// The hook's name, the same in WIT, JSON and SQL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Categorize => "categorize",
            Self::Route => "route",
            Self::Escalate => "escalate",
            Self::Plan => "plan",
            Self::Stalled => "stalled",
            Self::Notify => "notify",
        }
    }

    /// The interface of the contract that has this hook's function.
    #[must_use]
    pub const fn interface(self) -> &'static str {
        match self {
            Self::Categorize => "categorization",
            Self::Route | Self::Escalate => "routing",
            Self::Plan | Self::Stalled => "approval",
            Self::Notify => "notification",
        }
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Hook {
    type Err = NoSuchHook;

    fn from_str(text: &str) -> Result<Self, NoSuchHook> {
        Self::ALL
            .into_iter()
            .find(|hook| hook.as_str() == text)
            .ok_or_else(|| NoSuchHook(text.to_owned()))
    }
}

impl From<lifecycle::Hook> for Hook {
    fn from(hook: lifecycle::Hook) -> Self {
        match hook {
            lifecycle::Hook::Categorize => Self::Categorize,
            lifecycle::Hook::Route => Self::Route,
            lifecycle::Hook::Escalate => Self::Escalate,
            lifecycle::Hook::Plan => Self::Plan,
            lifecycle::Hook::Stalled => Self::Stalled,
            lifecycle::Hook::Notify => Self::Notify,
        }
    }
}

/// What a hook is asked: the snapshot that a decision is a pure function of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "hook", rename_all = "snake_case")]
pub enum Question {
    /// What kind of work has arrived?
    Categorize {
        /// The ticket.
        ticket: Ticket,
        /// The facts around it.
        context: Context,
    },
    /// Who should work on it?
    Route {
        /// The ticket.
        ticket: Ticket,
        /// The facts around it.
        context: Context,
    },
    /// Should it go a step up?
    Escalate {
        /// The ticket.
        ticket: Ticket,
        /// How long it has been in which hands.
        clocks: Clocks,
        /// The facts around it.
        context: Context,
    },
    /// Who must agree?
    Plan {
        /// The ticket.
        ticket: Ticket,
        /// The facts around it.
        context: Context,
    },
    /// What about an approval that waits?
    Stalled {
        /// The ticket.
        ticket: Ticket,
        /// The approval.
        approval: WaitingApproval,
        /// The facts around it.
        context: Context,
    },
    /// Who should hear of it?
    Notify {
        /// What happened.
        event: Event,
        /// The ticket.
        ticket: Ticket,
        /// The facts around it.
        context: Context,
    },
}

impl Question {
    /// The hook that is asked.
    #[must_use]
    pub const fn hook(&self) -> Hook {
        match self {
            Self::Categorize { .. } => Hook::Categorize,
            Self::Route { .. } => Hook::Route,
            Self::Escalate { .. } => Hook::Escalate,
            Self::Plan { .. } => Hook::Plan,
            Self::Stalled { .. } => Hook::Stalled,
            Self::Notify { .. } => Hook::Notify,
        }
    }

    /// The ticket that is asked about.
    #[must_use]
    pub const fn ticket(&self) -> &Ticket {
        match self {
            Self::Categorize { ticket, .. }
            | Self::Route { ticket, .. }
            | Self::Escalate { ticket, .. }
            | Self::Plan { ticket, .. }
            | Self::Stalled { ticket, .. }
            | Self::Notify { ticket, .. } => ticket,
        }
    }

    /// The facts around the ticket.
    #[must_use]
    pub const fn context(&self) -> &Context {
        match self {
            Self::Categorize { context, .. }
            | Self::Route { context, .. }
            | Self::Escalate { context, .. }
            | Self::Plan { context, .. }
            | Self::Stalled { context, .. }
            | Self::Notify { context, .. } => context,
        }
    }

    /// The question as JSON. Equal questions give equal bytes.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "no value of these types fails to serialize")]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect(PLAIN)
    }
}

/// What a hook answers: a proposal, which the desk's own rules check before anything changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Of `categorize`.
    Categorization(Categorization),
    /// Of `route`.
    Assignment(Assignment),
    /// Of `escalate`; none leaves the ticket as it is.
    Escalation(Option<Escalation>),
    /// Of `plan`.
    Plan(ApprovalPlan),
    /// Of `stalled`.
    Nudge(Nudge),
    /// Of `notify`.
    Notifications(Notifications),
}

impl Answer {
    /// The answer as JSON. Equal answers give equal bytes: this is what "re-executes to the same
    /// bytes" compares.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "no value of these types fails to serialize")]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect(PLAIN)
    }
}

/// Why the JSON of the contract's types cannot fail: no map with keys other than strings, no
/// serializer of ours.
const PLAIN: &str = "the contract's types are plain structs and enums";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hook_parses_from_its_name() {
        for hook in Hook::ALL {
            assert_eq!(hook.as_str().parse(), Ok(hook));
            assert_eq!(serde_json::to_value(hook).unwrap(), hook.as_str());
        }
        assert!("cook".parse::<Hook>().unwrap_err().to_string().contains("cook"));
    }

    #[test]
    fn an_answer_survives_its_json() {
        let answers = [
            Answer::Escalation(None),
            Answer::Nudge(Nudge::Delegate("p-7".to_owned())),
            Answer::Notifications(Notifications {
                messages: vec![],
                reasons: vec!["ü".to_owned()],
            }),
        ];
        for answer in answers {
            let json = answer.to_json();
            assert_eq!(serde_json::from_slice::<Answer>(&json).unwrap(), answer);
        }
    }
}
