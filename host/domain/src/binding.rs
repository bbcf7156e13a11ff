//! Bindings: which policy an organization asks at a hook, in which order, with which settings.
//!
//! A revision never changes; a change makes a new one, and rolling back makes an earlier one the active one.

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

/// A policy's place at a hook of an organization's layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Its id.
    pub id: BindingId,
    /// The layer: the organization that made it.
    pub org: OrgId,
    /// The hook.
    pub hook: Hook,
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
}

names!("switch", Switched {
    Enabled => "enabled",
    Disabled => "disabled",
    RolledBack => "rolled_back",
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
    /// The revision in force from then on; of a disabled binding, the one that was.
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
    /// Lower is asked first within the layer. Two enabled bindings of a hook never share one.
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
    /// Whether the unlocked bindings of the layers above are not asked at this hook.
    pub replaces_above: bool,
    /// Why it was made.
    pub note: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// By whom; none from the command line.
    pub created_by: Option<PersonId>,
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
