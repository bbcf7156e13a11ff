//! `waypost audit`: what happened, for whoever has to prove it (requirement P4).

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use waypost_app::audit::{self, AuditedBinding, AuditedEvent, AuditedRefusal, Period};
use waypost_app::{Caller, Desk};
use waypost_domain::binding::{Revision, Switch};
use waypost_domain::delegation::{Delegation, Scope};
use waypost_domain::event::Actor;
use waypost_domain::invariant::{Invariant, Violation};
use waypost_domain::key::Key;

use super::{listing, receipts};
use crate::cli::time;
use crate::installation::Installation;
use crate::output::Output;
use crate::terminal::Terminal;

/// Export and check the audit trail.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Export bindings, delegations, events, refused votes and receipts as JSON lines.
    Export(Export),
    /// Check the invariants of all records, and list violations.
    Check(Check),
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
    /// At or after this time: 2026-06-01 or 2026-06-01T08:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<DateTime<Utc>>,
    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<DateTime<Utc>>,
    /// Output file; defaults to the standard output.
    file: Option<PathBuf>,
}

/// How many lines of each kind were written.
#[derive(Debug, Clone, Copy, Default)]
struct Written {
    bindings: u64,
    delegations: u64,
    events: u64,
    refused_votes: u64,
    receipts: u64,
}

impl Audit {
    pub(crate) async fn run(self, mut terminal: Terminal) -> Result<ExitCode> {
        let installation = terminal.open().await?;
        let done = match self {
            Self::Export(export) => {
                let exported = export.run(&installation, &mut terminal.output).await;
                exported.map(|()| ExitCode::SUCCESS)
            }
            Self::Check(check) => check.run(&installation, &mut terminal.output).await,
        };
        installation.close().await;
        done
    }
}

impl Check {
    async fn run(self, installation: &Installation, output: &mut Output) -> Result<ExitCode> {
        let caller = installation.operator(&self.org).await?;
        let broken = audit::check(&installation.desk, &caller).await?;
        let checked: Vec<&str> = Invariant::NAMES.to_vec();
        let one = |violation: &Violation| json!({ "invariant": violation.invariant.as_str(), "record": violation.record });
        output.tell(
            || json!({ "checked": checked, "broken": broken.iter().map(one).collect::<Vec<_>>() }),
            |to| {
                for Violation { invariant, record } in &broken {
                    writeln!(to, "{record}: violates {invariant}")?;
                }
                match broken.len() {
                    0 => writeln!(to, "No violations found: {}.", checked.join(", ")),
                    found => writeln!(
                        to,
                        "{found} found. Waypost itself cannot cause these; check what else writes \
                         to the database."
                    ),
                }
            },
        )?;
        Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Export {
    async fn run(self, installation: &Installation, output: &mut Output) -> Result<()> {
        let caller = installation.operator(&self.org).await?;
        let period = Period { from: self.from, to: self.to };
        let Some(path) = &self.file else {
            let mut to = BufWriter::new(io::stdout());
            write(&installation.desk, &caller, period, &mut to).await?;
            return to.flush().context("writing the audit trail");
        };
        let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
        let mut to = BufWriter::new(file);
        let written = write(&installation.desk, &caller, period, &mut to).await?;
        to.flush()
            .and_then(|()| to.get_ref().sync_all())
            .with_context(|| format!("writing {}", path.display()))?;
        let Written { bindings, delegations, events, refused_votes, receipts } = written;
        output.tell(
            || {
                json!({
                    "bindings": bindings, "delegations": delegations, "events": events,
                    "refused_votes": refused_votes, "receipts": receipts,
                })
            },
            |to| {
                writeln!(
                    to,
                    "{}: {bindings} lines about bindings, {delegations} about delegations, \
                     {events} events, {refused_votes} refused votes, {receipts} receipts.",
                    path.display()
                )
            },
        )
    }
}

/// Writes page by page, so that memory does not grow with the organization.
async fn write(
    desk: &Desk,
    caller: &Caller,
    period: Period,
    to: &mut impl Write,
) -> Result<Written> {
    let mut written = Written::default();
    let is_within = |at: DateTime<Utc>| {
        period.from.is_none_or(|from| at >= from) && period.to.is_none_or(|before| at < before)
    };
    for audited in audit::bindings(desk, caller).await? {
        let made = audited.revisions.iter().filter(|made| is_within(made.created_at));
        let switched = audited.switches.iter().filter(|switch| is_within(switch.at));
        let lines = made
            .map(|revision| revision_line(&audited, revision))
            .chain(switched.map(|switch| switch_line(&audited, switch)));
        for told in lines {
            line(to, &told)?;
            written.bindings += 1;
        }
    }
    listing::each_row(
        0,
        async |page| audit::delegations(desk, caller, page).await,
        |one| {
            for told in delegation_lines(&one, is_within) {
                line(to, &told)?;
                written.delegations += 1;
            }
            Ok(())
        },
    )
    .await?;
    listing::each_row(
        0,
        async |page| audit::events(desk, caller, period, page).await,
        |event| {
            written.events += 1;
            line(to, &event_line(&event))
        },
    )
    .await?;
    listing::each_row(
        0,
        async |page| audit::refused_votes(desk, caller, period, page).await,
        |one| {
            written.refused_votes += 1;
            line(to, &refused_line(&one))
        },
    )
    .await?;
    listing::each_row(
        0,
        async |page| audit::receipts(desk, caller, period, page).await,
        |view| {
            let mut told = receipts::json(&view);
            told["record"] = json!("receipt");
            written.receipts += 1;
            line(to, &told)
        },
    )
    .await?;
    Ok(written)
}

fn line(to: &mut impl Write, told: &Value) -> Result<()> {
    writeln!(to, "{told}").context("writing the audit trail")
}

fn actor(actor: &Actor) -> Value {
    json!({ "kind": actor.kind.as_str(), "person": actor.person.map(|id| id.to_string()) })
}

fn event_line(audited: &AuditedEvent) -> Value {
    let event = &audited.event;
    let change = |change: &waypost_domain::event::FieldChange| json!({ "field": change.field, "before": change.before, "after": change.after });
    json!({
        "record": "event",
        "id": event.id.to_string(),
        "ticket": event.subject.id().to_string(),
        "number": audited.number,
        "seq": event.seq,
        "at": event.at,
        "actor": actor(&event.actor),
        "cause": event.cause.map(|id| id.to_string()),
        "action": event.action.as_str(),
        "changes": event.changes.iter().map(change).collect::<Vec<_>>(),
        "policy_digest": event.policy_digest,
        "reason": event.reason,
    })
}

/// One line says who planned it, another who ended it early.
fn delegation_lines(
    delegation: &Delegation,
    is_within: impl Fn(DateTime<Utc>) -> bool,
) -> Vec<Value> {
    let (category, service, item) = match &delegation.scope {
        Scope::Everything => (None, None, None),
        Scope::Category(path) => (Some(path.to_string()), None, None),
        Scope::Service(id) => (None, Some(id.to_string()), None),
        Scope::CatalogItem(id) => (None, None, Some(id.to_string())),
    };
    let told = |record: &str, at: DateTime<Utc>, by: &Actor| {
        json!({
            "record": record,
            "id": delegation.id.to_string(),
            "from": delegation.from.to_string(),
            "to": delegation.to.to_string(),
            "category": category,
            "service": service,
            "catalog_item": item,
            "starts_at": delegation.starts_at,
            "ends_at": delegation.ends_at,
            "reason": delegation.reason,
            "at": at,
            "by": actor(by),
        })
    };
    let mut lines = Vec::new();
    if is_within(delegation.created_at) {
        lines.push(told("delegation", delegation.created_at, &delegation.created_by));
    }
    if let Some((at, by)) = &delegation.ended
        && is_within(*at)
    {
        lines.push(told("delegation_end", *at, by));
    }
    lines
}

fn refused_line(audited: &AuditedRefusal) -> Value {
    let refused = &audited.refused;
    json!({
        "record": "refused_vote",
        "id": refused.id.to_string(),
        "ticket": refused.subject.id().to_string(),
        "number": audited.number,
        "approval": refused.approval.to_string(),
        "request": refused.request.to_string(),
        "at": refused.at,
        "actor": actor(&refused.by),
        "vote": refused.vote.as_str(),
        "code": refused.code,
        "message": refused.message,
        "comment": refused.comment,
    })
}

fn hook_names(revision: &Revision) -> Vec<&'static str> {
    revision.hooks.as_slice().iter().map(|hook| hook.as_str()).collect()
}

fn revision_line(audited: &AuditedBinding, revision: &Revision) -> Value {
    json!({
        "record": "binding_revision",
        "binding": audited.binding.id.to_string(),
        "binding_name": audited.binding.name.as_str(),
        "hooks": hook_names(revision),
        "revision": revision.number,
        "component": revision.component,
        "settings_digest": revision.settings_digest,
        "data_digest": revision.data_digest,
        "note": revision.note,
        "at": revision.created_at,
        "by": revision.created_by.map(|id| id.to_string()),
    })
}

fn switch_line(audited: &AuditedBinding, switch: &Switch) -> Value {
    let mut revisions = audited.revisions.iter();
    let switched = revisions.find(|revision| revision.number == switch.revision);
    json!({
        "record": "binding_switch",
        "id": switch.id.to_string(),
        "binding": audited.binding.id.to_string(),
        "binding_name": audited.binding.name.as_str(),
        "hooks": switched.map(hook_names),
        "what": switch.what.as_str(),
        "revision": switch.revision,
        "at": switch.at,
        "by": actor(&switch.by),
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;
    use waypost_domain::{
        event::ActorKind,
        ids::{DelegationId, OrgId, PersonId},
    };

    use super::*;

    #[test]
    fn who_planned_a_delegation_and_who_ended_it_are_two_lines() {
        let at = |day: u32| DateTime::parse_from_rfc3339(&format!("2026-06-{day:02}T08:00:00Z"));
        let at = |day| at(day).expect("a time").to_utc();
        let id = Uuid::from_u128;
        let by = |person| Actor { kind: ActorKind::User, person: Some(PersonId(id(person))) };
        let mut delegation = Delegation {
            id: DelegationId(id(1)),
            org: OrgId(id(2)),
            from: PersonId(id(3)),
            to: PersonId(id(4)),
            scope: Scope::Category("access".parse().expect("a path")),
            starts_at: at(10),
            ends_at: at(20),
            reason: "On holiday".to_owned(),
            created_at: at(1),
            created_by: by(3),
            ended: None,
            version: 1,
        };
        assert_eq!(delegation_lines(&delegation, |_| true).len(), 1);
        delegation.ended = Some((at(12), by(5)));

        let lines = delegation_lines(&delegation, |_| true);

        let told: Vec<_> =
            lines.iter().map(|line| (&line["record"], &line["by"]["person"])).collect();
        let (planned, ended) = (json!(id(3).to_string()), json!(id(5).to_string()));
        assert_eq!(told, [(&json!("delegation"), &planned), (&json!("delegation_end"), &ended)]);
        assert_eq!((&lines[0]["category"], &lines[0]["service"]), (&json!("access"), &Value::Null));
        let later = delegation_lines(&delegation, |when| when > at(5));
        assert_eq!(later, lines[1..]);
    }
}
