//! `waypost policy bindings`, `history`, `enable`, `disable`, `rollback` and `order`.

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::{Value, json};
use waypost_app::bindings::{self, BindingView, HookOrder, InForce, Paused, RevisionView};
use waypost_domain::binding::{Hook, Switch};
use waypost_domain::key::Key;
use waypost_domain::refusal::FieldFault;
use waypost_domain::suggestion::SuggestionCounts;

use crate::installation::Installation;
use crate::output::{Output, time};

/// One binding.
#[derive(Debug, Args)]
pub(crate) struct One {
    /// Name of the binding.
    name: String,
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
}

#[derive(Debug, Args)]
pub(crate) struct Rollback {
    #[command(flatten)]
    one: One,
    /// Number of the revision; defaults to the one before the active one.
    #[arg(long, value_name = "REVISION")]
    to: Option<i64>,
}

#[derive(Debug, Args)]
pub(crate) struct Order {
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
    /// Only this hook.
    #[arg(long)]
    hook: Option<Hook>,
}

impl One {
    pub(crate) async fn history(
        self,
        installation: &Installation,
        output: &mut Output,
    ) -> Result<()> {
        let caller = installation.operator(&self.org).await?;
        let id = bindings::by_name(&installation.desk, &caller, &self.name).await?;
        let detail = bindings::find(&installation.desk, &caller, id).await?;
        let active = detail.view.binding.active_revision;
        output.tell_table(
            || {
                let mut told = json(&detail.view);
                let revisions = detail.revisions.iter().zip(&detail.changes);
                told["revisions"] = revisions
                    .map(|(revision, changes)| {
                        let mut told = revision_json(revision);
                        told["changes"] = json!(changes);
                        told
                    })
                    .collect();
                told["switches"] = detail.switches.iter().map(switch_json).collect();
                told
            },
            &["revision", "policy", "made", "changed", "note", ""],
            detail.revisions.iter().zip(&detail.changes).map(|(revision, changes)| {
                vec![
                    revision.number.to_string(),
                    policy(revision),
                    time(revision.created_at),
                    changes.join("\n"),
                    revision.note.clone().unwrap_or_default(),
                    if revision.number == active { "active".to_owned() } else { String::new() },
                ]
            }),
            "",
        )
    }

    pub(crate) async fn enable(
        self,
        installation: &Installation,
        output: &mut Output,
    ) -> Result<()> {
        let caller = installation.operator(&self.org).await?;
        let id = bindings::by_name(&installation.desk, &caller, &self.name).await?;
        let view = bindings::enable(&installation.desk, &caller, id, None).await?;
        tell(output, &view, "Enabled")
    }

    pub(crate) async fn disable(
        self,
        installation: &Installation,
        output: &mut Output,
    ) -> Result<()> {
        let caller = installation.operator(&self.org).await?;
        let id = bindings::by_name(&installation.desk, &caller, &self.name).await?;
        let view = bindings::disable(&installation.desk, &caller, id, None).await?;
        tell(output, &view, "Disabled")
    }
}

impl Rollback {
    pub(crate) async fn run(self, installation: &Installation, output: &mut Output) -> Result<()> {
        let Self { one, to } = self;
        let caller = installation.operator(&one.org).await?;
        let id = bindings::by_name(&installation.desk, &caller, &one.name).await?;
        let found = bindings::find(&installation.desk, &caller, id).await?;
        let active = found.view.binding.active_revision;
        if to.is_none() && active == 1 {
            bail!("the first revision of `{}` is active; there is no earlier one", one.name);
        }
        let to = to.unwrap_or(active - 1);
        let version = Some(found.view.binding.version);
        let view = bindings::roll_back(&installation.desk, &caller, id, to, version).await?;
        tell(output, &view, "Rolled back")
    }
}

impl Order {
    pub(crate) async fn run(self, installation: &Installation, output: &mut Output) -> Result<()> {
        let caller = installation.operator(&self.org).await?;
        let orders = bindings::in_force(&installation.desk, &caller, self.hook).await?;
        let place = |place: usize, hook: Hook, asked: &InForce| {
            let view = &asked.view;
            let paused = view.paused.iter().find(|paused| paused.hook == hook);
            let paused = paused.map(|paused| format!(" (paused {})", pause(paused, caller.now)));
            let lock = if view.active.locked { ", locked" } else { "" };
            format!(
                "  {}. {} of {} ({}){lock}: {}{}",
                place + 1,
                view.binding.name,
                view.layer,
                asked.layer_kind,
                policy(&view.active),
                paused.unwrap_or_default()
            )
        };
        output.tell(
            || orders.iter().map(order_json).collect(),
            |to| {
                for order in &orders {
                    writeln!(to, "{}", order.hook)?;
                    for (number, asked) in order.asked.iter().enumerate() {
                        writeln!(to, "{}", place(number, order.hook, asked))?;
                    }
                    for replaced in &order.replaced {
                        let view = &replaced.view;
                        writeln!(to, "  -  {} of {}: replaced", view.binding.name, view.layer)?;
                    }
                    if order.asked.is_empty() {
                        writeln!(to, "  no policy is bound; the organization's defaults apply")?;
                    }
                }
                Ok(())
            },
        )
    }
}

/// Lists the organization's own bindings.
pub(crate) async fn list(
    org: &Key,
    installation: &Installation,
    output: &mut Output,
) -> Result<()> {
    let caller = installation.operator(org).await?;
    let views = bindings::list(&installation.desk, &caller, None).await?;
    let suggestions = bindings::suggestions(&installation.desk, &caller).await?;
    let counts =
        |view: &BindingView| suggestions.get(&view.binding.id).copied().unwrap_or_default();
    output.tell_table(
        || {
            let told = views.iter().map(|view| {
                let SuggestionCounts { open, accepted, dismissed } = counts(view);
                let mut told = json(view);
                told["suggestions"] =
                    json!({ "open": open, "accepted": accepted, "dismissed": dismissed });
                told
            });
            told.collect()
        },
        &["position", "name", "hooks", "policy", "revision", "suggested", "state"],
        views.iter().map(|view| {
            vec![
                view.active.position.to_string(),
                view.binding.name.to_string(),
                view.active.hooks.to_string(),
                policy(&view.active),
                view.active.number.to_string(),
                suggested(counts(view)),
                state(view, caller.now),
            ]
        }),
        "There are no bindings; create one with `waypost policy bind`.",
    )
}

/// Tells what became of a binding.
pub(crate) fn tell(output: &mut Output, view: &BindingView, done: &str) -> Result<()> {
    for FieldFault { pointer, message, .. } in &view.warnings {
        let place = pointer.trim_start_matches('/');
        output.aside(format_args!("Warning: {place}: {message}"))?;
    }
    output.tell(
        || json(view),
        |to| {
            let binding = &view.binding;
            writeln!(
                to,
                "{done} {} at {}, position {}: {}, revision {}, {}.",
                binding.name,
                view.active.hooks,
                view.active.position,
                policy(&view.active),
                view.active.number,
                if binding.enabled { "enabled" } else { "disabled" }
            )
        },
    )
}

/// How many of its suggestions people took; nothing where it made none.
fn suggested(counts: SuggestionCounts) -> String {
    let SuggestionCounts { open, accepted, dismissed } = counts;
    if counts == SuggestionCounts::default() {
        return String::new();
    }
    format!("{accepted} accepted, {dismissed} dismissed, {open} open")
}

fn state(view: &BindingView, now: DateTime<Utc>) -> String {
    if !view.binding.enabled {
        return "disabled".to_owned();
    }
    if view.paused.is_empty() {
        return "enabled".to_owned();
    }
    let pauses = view.paused.iter();
    let pauses = pauses.map(|paused| format!("{} {}", paused.hook, pause(paused, now)));
    format!("paused after failures at {}", pauses.collect::<Vec<_>>().join(", "))
}

/// How long a pause lasts.
fn pause(paused: &Paused, now: DateTime<Utc>) -> String {
    if paused.until > now {
        format!("until {}", time(paused.until))
    } else {
        "until the next ticket, which tries it".to_owned()
    }
}

/// A policy's name and version; its digest where the name is not known.
fn policy(revision: &RevisionView) -> String {
    match &revision.policy {
        Some(policy) => format!("{} {}", policy.name, policy.version),
        None => revision.component.clone(),
    }
}

fn order_json(order: &HookOrder) -> Value {
    let asked = |asked: &InForce| {
        let mut told = json(&asked.view);
        told["layer_kind"] = json!(asked.layer_kind.as_str());
        told
    };
    json!({
        "hook": order.hook.as_str(),
        "asked": order.asked.iter().map(asked).collect::<Vec<_>>(),
        "replaced": order.replaced.iter().map(asked).collect::<Vec<_>>(),
    })
}

fn json(view: &BindingView) -> Value {
    let binding = &view.binding;
    json!({
        "id": binding.id.to_string(),
        "name": binding.name.as_str(),
        "layer": view.layer.as_str(),
        "enabled": binding.enabled,
        "paused": view.paused.iter().map(|paused| json!({
            "hook": paused.hook.as_str(),
            "since": paused.since,
            "until": paused.until,
        })).collect::<Vec<_>>(),
        "active": revision_json(&view.active),
        "warnings": view.warnings.iter().map(|fault| json!({
            "pointer": fault.pointer,
            "code": fault.code,
            "message": &*fault.message,
        })).collect::<Vec<_>>(),
        "version": binding.version,
    })
}

fn switch_json(switch: &Switch) -> Value {
    json!({
        "what": switch.what.as_str(),
        "revision": switch.revision,
        "at": switch.at,
        "by": { "kind": switch.by.kind.as_str(), "person": switch.by.person.map(|id| id.to_string()) },
    })
}

fn revision_json(revision: &RevisionView) -> Value {
    json!({
        "number": revision.number,
        "hooks": revision.hooks.as_slice().iter().map(|hook| hook.as_str()).collect::<Vec<_>>(),
        "position": revision.position,
        "component": revision.component,
        "policy": revision.policy.as_ref().map(|policy| json!({ "name": policy.name, "version": policy.version })),
        "settings_digest": revision.settings_digest,
        "data_digest": revision.data_digest,
        "limits": {
            "fuel": revision.limits.fuel,
            "deadline_ms": revision.limits.deadline_ms,
            "memory_bytes": revision.limits.memory_bytes,
        },
        "fallback_team": revision.fallback_team.as_ref().map(|team| &team.key),
        "locked": revision.locked,
        "replaces_above": revision.replaces_above,
        "note": revision.note,
        "created_at": revision.created_at,
    })
}
