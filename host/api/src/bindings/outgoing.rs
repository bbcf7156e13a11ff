//! Bindings as they are shown.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;
use waypost_app::bindings::{BindingDetail, BindingView, HookOrder, InForce, Paused, RevisionView};
use waypost_domain::{binding::Switch, resolution::Asking, suggestion::SuggestionCounts};

use super::incoming::LimitsWire;
use crate::wire::{ActorOut, HookName, NamedOut, OrgKindName, PersonOut, PolicyNameOut};

/// The organization's own bindings.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Bindings)]
pub(super) struct BindingsOut {
    /// The bindings, in the order they are asked.
    items: Vec<BindingOut>,
}

/// A binding: a policy's place at one or several hooks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Binding)]
pub(super) struct BindingOut {
    /// Its id.
    id: Uuid,
    /// The key of the organization that owns it.
    layer: String,
    /// Its name.
    name: String,
    /// Whether it is enabled; a disabled binding is not asked.
    enabled: bool,
    /// Number of the active revision.
    active: RevisionOut,
    /// Hooks at which it is paused, because it failed too often.
    paused: Vec<PausedOut>,
    /// When it was created.
    created_at: DateTime<Utc>,
    /// Version number; increases by one with every change. Also sent as the `ETag`.
    version: i64,
}

/// A pause after too many failures.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Pause)]
struct PausedOut {
    /// The hook.
    hook: HookName,
    /// Since when.
    since: DateTime<Utc>,
    /// When it is tried again.
    until: DateTime<Utc>,
}

/// One immutable state of a binding.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Revision)]
struct RevisionOut {
    /// 1, 2, 3, …
    number: i64,
    /// The hooks that it serves, in the order in which a ticket reaches them.
    hooks: Vec<HookName>,
    /// Order of evaluation at each hook, lowest first.
    position: i64,
    /// The component's digest.
    component: String,
    /// The policy's name and version, if the organization may see it.
    policy: Option<PolicyNameOut>,
    /// The settings.
    settings: Value,
    /// The digest of the settings.
    settings_digest: String,
    /// The digest of the data files.
    data_digest: String,
    /// Limits that differ from the installation's.
    limits: LimitsWire,
    /// The team that gets the ticket if the policy fails at `route`; null asks the next policy.
    fallback_team: Option<NamedOut>,
    /// Whether organizations below cannot override it.
    locked: bool,
    /// Whether it replaces the unlocked bindings of the organizations above at its hooks.
    replaces_above: bool,
    /// Reason for the revision.
    note: Option<String>,
    /// When.
    created_at: DateTime<Utc>,
    /// By whom; null from the command line or a program.
    created_by: Option<PersonOut>,
}

/// A binding with its history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BindingDetail)]
pub(super) struct BindingDetailOut {
    /// The binding.
    #[serde(flatten)]
    binding: BindingOut,
    /// All its revisions, in order.
    revisions: Vec<RevisionOut>,
    /// The data files of the active revision.
    data: Vec<DataFileOut>,
    /// Who enabled, disabled or rolled it back, oldest first.
    switches: Vec<SwitchOut>,
    /// Number of its suggestions of the last 90 days that were accepted or dismissed, as long as
    /// receipts are kept.
    suggestions: SuggestionCountsOut,
}

/// A change of a binding without a new revision.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Switch)]
struct SwitchOut {
    /// `enabled`, `disabled` or `rolled_back`.
    #[schema(value_type = String)]
    what: &'static str,
    /// Number of the revision that became active; for `disabled`, of the one that was active.
    revision: i64,
    /// When.
    at: DateTime<Utc>,
    /// By whom.
    by: ActorOut,
}

/// Numbers of suggestions by decision.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SuggestionCounts)]
struct SuggestionCountsOut {
    /// Not decided yet.
    open: u64,
    /// Accepted.
    accepted: u64,
    /// Dismissed.
    dismissed: u64,
}

/// A data file of a policy, without its content.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DataFile)]
struct DataFileOut {
    /// Its name.
    name: String,
    /// Its size in bytes.
    size: usize,
}

/// The evaluation order of policies, across all layers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InForce)]
pub(super) struct InForceOut {
    /// Each hook with its order.
    items: Vec<HookOrderOut>,
}

/// The bindings that are asked at a hook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BindingsOfHook)]
struct HookOrderOut {
    /// The hook.
    hook: HookName,
    /// How answers are combined: `each_field` (for each field, the first answer counts),
    /// `first_opinion` or `all`.
    #[schema(value_type = String)]
    asking: &'static str,
    /// The bindings that are asked, in order.
    asked: Vec<LayeredOut>,
    /// Enabled bindings of the organizations above that are not asked, because one below replaces
    /// them.
    replaced: Vec<LayeredOut>,
}

/// A binding with the kind of its layer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LayeredBinding)]
struct LayeredOut {
    /// The kind of the organization that owns it.
    layer_kind: OrgKindName,
    /// The binding.
    #[serde(flatten)]
    binding: BindingOut,
}

impl From<Vec<BindingView>> for BindingsOut {
    fn from(bindings: Vec<BindingView>) -> Self {
        Self { items: bindings.into_iter().map(Into::into).collect() }
    }
}

impl From<BindingView> for BindingOut {
    fn from(view: BindingView) -> Self {
        let binding = view.binding;
        Self {
            id: binding.id.0,
            layer: view.layer.to_string(),
            name: binding.name.to_string(),
            enabled: binding.enabled,
            active: view.active.into(),
            paused: view.paused.into_iter().map(Into::into).collect(),
            created_at: binding.created_at,
            version: binding.version,
        }
    }
}

impl From<Paused> for PausedOut {
    fn from(paused: Paused) -> Self {
        let Paused { hook, since, until } = paused;
        Self { hook: hook.into(), since, until }
    }
}

impl From<RevisionView> for RevisionOut {
    fn from(revision: RevisionView) -> Self {
        // Settings were JSON when they were checked; should they not be, their text is better than
        // nothing.
        let settings =
            serde_json::from_str(&revision.settings).unwrap_or(Value::String(revision.settings));
        Self {
            number: revision.number,
            hooks: revision.hooks.as_slice().iter().copied().map(Into::into).collect(),
            position: revision.position,
            component: revision.component,
            policy: revision.policy.map(Into::into),
            settings,
            settings_digest: revision.settings_digest,
            data_digest: revision.data_digest,
            limits: revision.limits.into(),
            fallback_team: revision.fallback_team.map(Into::into),
            locked: revision.locked,
            replaces_above: revision.replaces_above,
            note: revision.note,
            created_at: revision.created_at,
            created_by: revision.created_by.map(Into::into),
        }
    }
}

impl From<BindingDetail> for BindingDetailOut {
    fn from(detail: BindingDetail) -> Self {
        let data = detail.data.into_iter();
        Self {
            binding: detail.view.into(),
            revisions: detail.revisions.into_iter().map(Into::into).collect(),
            data: data.map(|(name, size)| DataFileOut { name, size }).collect(),
            switches: detail.switches.into_iter().map(Into::into).collect(),
            suggestions: detail.suggestions.into(),
        }
    }
}

impl From<Switch> for SwitchOut {
    fn from(switch: Switch) -> Self {
        let Switch { what, revision, at, by, .. } = switch;
        Self { what: what.as_str(), revision, at, by: by.into() }
    }
}

impl From<SuggestionCounts> for SuggestionCountsOut {
    fn from(counts: SuggestionCounts) -> Self {
        let SuggestionCounts { open, accepted, dismissed } = counts;
        Self { open, accepted, dismissed }
    }
}

impl From<Vec<HookOrder>> for InForceOut {
    fn from(orders: Vec<HookOrder>) -> Self {
        Self { items: orders.into_iter().map(Into::into).collect() }
    }
}

impl From<HookOrder> for HookOrderOut {
    fn from(order: HookOrder) -> Self {
        Self {
            hook: order.hook.into(),
            asking: match order.asking {
                Asking::EachField => "each_field",
                Asking::FirstOpinion => "first_opinion",
                Asking::All => "all",
            },
            asked: order.asked.into_iter().map(Into::into).collect(),
            replaced: order.replaced.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<InForce> for LayeredOut {
    fn from(bound: InForce) -> Self {
        Self { layer_kind: bound.layer_kind.into(), binding: bound.view.into() }
    }
}
