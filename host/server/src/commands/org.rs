//! `waypost org`: organizations, their settings, and everything that a desk file describes.

mod apply;
mod hours;
mod settings;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use waypost_app::Caller;
use waypost_app::organizations::{self, NewOrganization, OrganizationView, PLATFORM_KEY};
use waypost_domain::calendar::hours as week;
use waypost_domain::incident::{MajorOutcome, MajorRule};
use waypost_domain::key::Key;
use waypost_domain::organization::OrgKind;
use waypost_domain::service::Criticality;

use super::listing;
use crate::installation::Installation;
use crate::output::{Output, time};
use crate::terminal::Terminal;

/// Manage organizations, their settings and their directory.
#[derive(Debug, Subcommand)]
pub(crate) enum Org {
    /// Create an organization and its fallback team.
    Create(Create),
    /// List the organizations.
    List,
    /// Show an organization and its settings.
    Show(Show),
    /// Change an organization's settings.
    Set(Box<settings::Set>),
    /// Create and change records as desk files describe them; can be repeated safely.
    Apply(apply::Apply),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Key, unique within the installation. It cannot be changed.
    key: Key,
    /// Display name.
    #[arg(long)]
    name: String,
    /// Kind: provider or client.
    #[arg(long, default_value = "client")]
    kind: OrgKind,
    /// Key of the organization above.
    #[arg(long, value_name = "KEY", default_value = PLATFORM_KEY)]
    parent: Key,
    /// IANA time zone, such as Europe/Berlin; defaults to that of the organization above.
    #[arg(long)]
    zone: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Key of the organization.
    key: Key,
}

impl Org {
    pub(crate) async fn run(self, mut terminal: Terminal) -> Result<()> {
        let installation = match &self {
            Self::Create(_) | Self::Apply(_) => terminal.open_or_create().await?,
            Self::List | Self::Show(_) | Self::Set(_) => terminal.open().await?,
        };
        let output = &mut terminal.output;
        let done = match self {
            Self::Create(create) => create.run(&installation, output).await,
            Self::List => list(&installation, output).await,
            Self::Show(show) => show.run(&installation, output).await,
            Self::Set(set) => set.run(&installation, output).await,
            Self::Apply(apply) => apply.run(&installation, output).await,
        };
        installation.close().await;
        done
    }
}

impl Create {
    async fn run(self, installation: &Installation, output: &mut Output) -> Result<()> {
        let new = NewOrganization {
            kind: self.kind.to_string(),
            key: self.key.to_string(),
            name: self.name,
            parent: Some(self.parent.to_string()),
            zone: self.zone,
        };
        let caller = platform(installation).await?;
        let view = organizations::create(&installation.desk, &caller, new).await?;
        output.tell(
            || json(&view),
            |to| {
                let team = &view.fallback_team.key;
                writeln!(to, "Created {}; its fallback team is `{team}`.", self.key)
            },
        )
    }
}

impl Show {
    async fn run(self, installation: &Installation, output: &mut Output) -> Result<()> {
        let caller = platform(installation).await?;
        let view = organizations::find(&installation.desk, &caller, self.key.as_str())
            .await
            .with_context(|| format!("looking for the organization `{}`", self.key))?;
        tell(output, &view)
    }
}

async fn list(installation: &Installation, output: &mut Output) -> Result<()> {
    let caller = platform(installation).await?;
    let fetch = async |page: &_| organizations::list(&installation.desk, &caller, page).await;
    let (views, _) = listing::rows(0, fetch).await?;
    output.tell_table(
        || Value::Array(views.iter().map(json).collect()),
        &["key", "name", "kind", "parent", "zone"],
        views.iter().map(|view| {
            let organization = &view.organization;
            vec![
                organization.key.to_string(),
                organization.name.clone(),
                organization.kind.to_string(),
                view.parent.as_ref().map_or_else(String::new, Key::to_string),
                organization.settings.zone.to_string(),
            ]
        }),
        "There are no organizations.",
    )
}

/// The operator in the organization that sees all others.
async fn platform(installation: &Installation) -> Result<Caller> {
    let key = PLATFORM_KEY.parse().context("the platform's key")?;
    installation.operator(&key).await
}

/// Shows one organization.
fn tell(output: &mut Output, view: &OrganizationView) -> Result<()> {
    let rows = facts(view);
    output.tell(
        || json(view),
        |to| {
            writeln!(to, "{} ({})", view.organization.name, view.organization.key)?;
            for (name, value) in rows {
                writeln!(to, "  {name:<24} {value}")?;
            }
            for warning in &view.matrix_warnings {
                writeln!(to, "  Priority matrix: {warning}")?;
            }
            Ok(())
        },
    )
}

fn facts(view: &OrganizationView) -> Vec<(&'static str, String)> {
    let settings = &view.organization.settings;
    let matrix = settings
        .matrix
        .rows()
        .iter()
        .map(|row| row.iter().map(|level| level.0.to_string()).collect::<Vec<_>>().join(" "));
    let demands = settings.resolve_demands.iter().map(|demand| demand.as_str());
    let rules = settings.major_rules.iter().map(|rule| rule.name.as_str());
    vec![
        ("kind", view.organization.kind.to_string()),
        ("parent", view.parent.as_ref().map_or_else(|| "none".to_owned(), Key::to_string)),
        ("zone", settings.zone.to_string()),
        ("working_hours", hours::told(&week::lines(&settings.working_hours))),
        ("matrix", matrix.collect::<Vec<_>>().join(" / ")),
        ("fallback_team", view.fallback_team.key.clone()),
        (
            "fallback_approver",
            view.fallback_approver
                .as_ref()
                .map_or_else(|| "none".to_owned(), |person| person.name.clone()),
        ),
        ("reopen_window_days", settings.reopen_window_days.to_string()),
        ("auto_close_days", settings.auto_close_days.to_string()),
        ("caller_reply_reopens", settings.caller_reply_reopens.to_string()),
        ("votes_by_mail", settings.votes_by_mail.to_string()),
        ("receipt_retention_days", settings.receipt_retention_days.to_string()),
        ("resolve_demands", demands.collect::<Vec<_>>().join(", ")),
        ("major_rules", rules.collect::<Vec<_>>().join(", ")),
        ("created", time(view.organization.created_at)),
    ]
}

fn json(view: &OrganizationView) -> Value {
    let organization = &view.organization;
    let settings = &organization.settings;
    let matrix = settings.matrix.rows().iter().map(|row| row.iter().map(|level| level.0).collect());
    let line = |line: &week::DayHours| json!({ "day": line.day, "from": line.from, "to": line.to });
    let rule = |rule: &MajorRule| {
        let promote = match rule.then {
            MajorOutcome::Propose => Value::Null,
            MajorOutcome::Promote { led_by, update_minutes } => json!({
                "manager": led_by.manager.to_string(),
                "communication_owner": led_by.communication_owner.to_string(),
                "update_minutes": update_minutes,
            }),
        };
        json!({
            "name": rule.name,
            "priority_at_most": rule.when.priority_at_most.map(|level| level.0),
            "criticality_at_least": rule.when.criticality_at_least.map(Criticality::as_str),
            "children_more_than": rule.when.children_more_than,
            "promote": promote,
        })
    };
    json!({
        "id": organization.id.to_string(),
        "key": organization.key.as_str(),
        "name": organization.name,
        "kind": organization.kind.as_str(),
        "parent": view.parent.as_ref().map(Key::as_str),
        "settings": {
            "zone": settings.zone.name(),
            "working_hours": week::lines(&settings.working_hours).iter().map(line).collect::<Vec<_>>(),
            "matrix": matrix.collect::<Vec<Vec<u8>>>(),
            "fallback_team": view.fallback_team.key,
            "fallback_approver": view.fallback_approver.as_ref().map(|person| person.id.to_string()),
            "reopen_window_days": settings.reopen_window_days,
            "auto_close_days": settings.auto_close_days,
            "caller_reply_reopens": settings.caller_reply_reopens,
            "votes_by_mail": settings.votes_by_mail,
            "receipt_retention_days": settings.receipt_retention_days,
            "resolve_demands": settings.resolve_demands.iter().map(|demand| demand.as_str()).collect::<Vec<_>>(),
            "major_rules": settings.major_rules.iter().map(rule).collect::<Vec<_>>(),
        },
        "created_at": organization.created_at,
        "version": organization.version,
    })
}
