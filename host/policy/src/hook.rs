//! Hooks: the questions that the desk asks, and the facts that a policy may declare to need.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One question that the desk asks a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    /// What kind of work has arrived?
    Categorize,
    /// Who should work on it?
    Route,
    /// Who must agree?
    Plan,
    /// What about a vote that is awaited?
    Stalled,
    /// Who should be notified?
    Notify,
}

/// A text is not the name of a hook.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a hook; use one of: categorize, route, plan, stalled, notify")]
pub struct NoSuchHook(String);

impl Hook {
    /// Every hook, in the order in which a round asks them.
    pub const ALL: [Self; 5] =
        [Self::Categorize, Self::Route, Self::Plan, Self::Stalled, Self::Notify];

    /// The hook's name, the same in WIT, JSON and SQL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Categorize => "categorize",
            Self::Route => "route",
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
            Self::Route => "routing",
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

/// A fact that a hook may declare to need. What is not declared is not read and not passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// The requester.
    Requester,
    /// The requester's manager.
    Manager,
    /// The teams, with whether they work now and who leads them.
    Teams,
    /// The teams with their loads.
    TeamLoads,
    /// The teams with their members.
    TeamMembers,
    /// The teams with who is on call.
    OnCall,
    /// The ticket's service.
    Service,
    /// The ticket's main configuration item.
    Ci,
    /// The main configuration item with the number of open tickets on it.
    OpenOnCi,
    /// All services.
    Services,
}

/// A text is not the name of a need.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not a need; use one of: requester, manager, teams, team-loads, team-members, \
     on-call, service, ci, open-on-ci, services"
)]
pub struct NoSuchNeed(String);

impl Need {
    /// Every need, in the order of the context.
    pub const ALL: [Self; 10] = [
        Self::Requester,
        Self::Manager,
        Self::Teams,
        Self::TeamLoads,
        Self::TeamMembers,
        Self::OnCall,
        Self::Service,
        Self::Ci,
        Self::OpenOnCi,
        Self::Services,
    ];

    /// The need's name, the same in WIT and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requester => "requester",
            Self::Manager => "manager",
            Self::Teams => "teams",
            Self::TeamLoads => "team-loads",
            Self::TeamMembers => "team-members",
            Self::OnCall => "on-call",
            Self::Service => "service",
            Self::Ci => "ci",
            Self::OpenOnCi => "open-on-ci",
            Self::Services => "services",
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Need {
    type Err = NoSuchNeed;

    fn from_str(text: &str) -> Result<Self, NoSuchNeed> {
        Self::ALL
            .into_iter()
            .find(|need| need.as_str() == text)
            .ok_or_else(|| NoSuchNeed(text.to_owned()))
    }
}

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
    fn every_need_parses_from_its_name_and_the_error_names_them_all() {
        let message = "mood".parse::<Need>().unwrap_err().to_string();
        for need in Need::ALL {
            assert_eq!(need.as_str().parse(), Ok(need));
            assert_eq!(serde_json::to_value(need).unwrap(), need.as_str());
            assert!(message.contains(need.as_str()), "{message}");
        }
    }
}
