//! Bindings: which policy an organization asks at which hooks, in which order, with which settings.
//!
//! A revision never changes; a change makes a new one, and rolling back makes an earlier one the
//! active one. The hooks are part of the revision, so all of them are switched at once, and rolling
//! back also takes back a change of them.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::{
    event::Actor,
    ids::{BindingId, OrgId, PersonId, SwitchId, TeamId},
    key::Key,
    name::names,
};

/// A question that the desk asks policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// What kind of work has arrived?
    Categorize,
    /// Who should work on it?
    Route,
    /// Who must agree?
    Plan,
    /// What to do about an approval that waits?
    Stalled,
    /// Who should hear of it?
    Notify,
}

names!("hook", Hook {
    Categorize => "categorize",
    Route => "route",
    Plan => "plan",
    Stalled => "stalled",
    Notify => "notify",
});

/// How much bindings use a component, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// No revision names it.
    Unused,
    /// Revisions do that are not active any more.
    Superseded,
    /// An active revision does.
    Active,
}

names!("use of a policy", Use {
    Unused => "unused",
    Superseded => "superseded",
    Active => "active",
});

/// The hooks that a binding serves: at least one, each once, in the order in which a ticket meets
/// them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hooks(Vec<Hook>);

impl Hooks {
    /// The hooks in their order; none if there is no hook, for such a binding would never be asked.
    #[must_use]
    pub fn new(hooks: impl IntoIterator<Item = Hook>) -> Option<Self> {
        let mut hooks = hooks.into_iter().collect::<Vec<_>>();
        hooks.sort_unstable();
        hooks.dedup();
        (!hooks.is_empty()).then_some(Self(hooks))
    }

    /// The hooks in their order.
    #[must_use]
    pub fn as_slice(&self) -> &[Hook] {
        &self.0
    }

    /// Whether the hook is one of them.
    #[must_use]
    pub fn contains(&self, hook: Hook) -> bool {
        self.0.contains(&hook)
    }
}

impl From<Hook> for Hooks {
    fn from(hook: Hook) -> Self {
        Self(vec![hook])
    }
}

impl fmt::Display for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|hook| hook.as_str()).collect::<Vec<_>>();
        f.write_str(&names.join(", "))
    }
}

/// A revision that is not asked at one of its hooks for now, because it failed there too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// The binding.
    pub binding: BindingId,
    /// The revision's number.
    pub revision: i64,
    /// The hook.
    pub hook: Hook,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it is tried again.
    pub until: DateTime<Utc>,
}

/// What happens when the policy fails: traps, runs out of fuel or time, answers nonsense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fallback {
    /// The next policy in the order is asked; the organization's default applies when none is left.
    Next,
    /// The ticket goes to this team (hook `route` only).
    Team(TeamId),
}

impl Fallback {
    /// The identifier of the fallback, without the team.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Team(_) => "team",
        }
    }
}

/// A policy's place at one or several hooks of an organization's layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Its id.
    pub id: BindingId,
    /// The layer: the organization that made it.
    pub org: OrgId,
    /// Its name, unique at the layer.
    pub name: Key,
    /// A disabled binding is not asked.
    pub enabled: bool,
    /// The revision in force.
    pub active_revision: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Rises by one with every change.
    pub version: i64,
}

/// What a person did to a binding without making a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Switched {
    /// It is asked again.
    Enabled,
    /// It is asked no more.
    Disabled,
    /// A revision that was made before is in force again.
    RolledBack,
    /// The policy of earlier revisions was removed: they cannot be put into force any more, nor
    /// what they decided be decided again.
    PolicyRemoved,
}

names!("switch", Switched {
    Enabled => "enabled",
    Disabled => "disabled",
    RolledBack => "rolled_back",
    PolicyRemoved => "policy_removed",
});

/// Who switched a binding, how and when. Appended with each switch, never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    /// Its id.
    pub id: SwitchId,
    /// The binding.
    pub binding: BindingId,
    /// What was done.
    pub what: Switched,
    /// The revision in force from then on; of a disabled binding, the one that was; where a policy
    /// was removed, the last that had it.
    pub revision: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: Actor,
}

/// One immutable state of a binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The binding.
    pub binding: BindingId,
    /// 1, 2, 3, …
    pub number: i64,
    /// The hooks that it serves.
    pub hooks: Hooks,
    /// Lower is asked first within the layer, at each of the hooks. Two enabled bindings that share
    /// a hook never share a position; bindings without a common hook may, for nobody has to order
    /// them.
    pub position: i64,
    /// The component, as `sha256:…`.
    pub component: String,
    /// The settings, as the JSON text that was checked.
    pub settings: String,
    /// The digest of the settings.
    pub settings_digest: String,
    /// The data files: name and content.
    pub data: Vec<(String, Vec<u8>)>,
    /// The digest of the data files.
    pub data_digest: String,
    /// Limits that differ from the installation's.
    pub limits: LimitChanges,
    /// What happens when the policy fails.
    pub fallback: Fallback,
    /// Whether lower layers can neither replace it nor answer before it.
    pub locked: bool,
    /// Whether the unlocked bindings of the layers above are not asked at its hooks.
    pub replaces_above: bool,
    /// Why it was made.
    pub note: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// By whom; none from the command line.
    pub created_by: Option<PersonId>,
}

impl Revision {
    /// The team that gets the ticket when the policy fails at this hook. Only `route` hands tickets
    /// to teams: at its other hooks a binding with a fallback team leaves the question to the next
    /// policy.
    #[must_use]
    pub fn fallback_team_at(&self, hook: Hook) -> Option<TeamId> {
        match (hook, &self.fallback) {
            (Hook::Route, Fallback::Team(team)) => Some(*team),
            (_, Fallback::Team(_) | Fallback::Next) => None,
        }
    }
}

/// Limits that a revision changes; the installation's maximum holds above them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LimitChanges {
    /// Instructions, as wasmtime counts fuel.
    pub fuel: Option<u64>,
    /// Wall clock, in milliseconds.
    pub deadline_ms: Option<u32>,
    /// Memory, in bytes.
    pub memory_bytes: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_are_a_set_in_the_order_of_a_ticket_and_never_empty() {
        let hooks = Hooks::new([Hook::Notify, Hook::Categorize, Hook::Notify, Hook::Route]);
        let hooks = hooks.expect("three hooks");
        assert_eq!(hooks.as_slice(), [Hook::Categorize, Hook::Route, Hook::Notify]);
        assert_eq!(hooks.to_string(), "categorize, route, notify");
        assert!(hooks.contains(Hook::Route) && !hooks.contains(Hook::Plan));
        assert_eq!(Hooks::new([]), None);
    }
}
