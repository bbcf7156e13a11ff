//! `waypost ticket`: tickets of every kind, at the command line. Fields and actions are those of
//! the API.

use std::io::{self, Write};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use waypost_app::tickets::{
    self, Look, OpenTicket, TicketQuery, TicketRef, TicketView, WhatIf,
    preview::{self, RequestPreview},
};
use waypost_domain::{
    catalog::Money,
    key::Key,
    ticket::{Action, TicketKind},
};

use super::listing;
use crate::cli::setting;
use crate::installation::Installation;
use crate::output::Output;
use crate::terminal::Terminal;

/// Open, list, show and change tickets.
#[derive(Debug, Subcommand)]
pub(crate) enum Ticket {
    /// Open a ticket.
    Open(Open),
    /// List tickets, the newest first.
    List(List),
    /// Show a ticket and the actions that are possible.
    Show(Show),
    /// Change fields of a ticket.
    Edit(Act),
    /// Perform an action on a ticket: `act PRB0000001 confirm --field impact=2`.
    Act(Act),
    /// Say which priority and team a ticket would have with other fields; nothing is changed.
    WhatIf(Ask),
}

/// Open a ticket.
#[derive(Debug, Args)]
pub(crate) struct Open {
    /// Kind: incident, request, problem or task; if omitted, policies decide.
    #[arg(long)]
    kind: Option<TicketKind>,
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
    /// Field, such as `short_description=The VPN is down`. Can be repeated; the API documentation
    /// lists the fields of each kind.
    #[arg(long = "field", value_name = "NAME=VALUE", value_parser = setting)]
    fields: Vec<(String, String)>,
    /// Save a request as a draft, to be submitted later.
    #[arg(long)]
    draft: bool,
    /// Only say what would come of a request; nothing is stored.
    #[arg(long, conflicts_with = "draft")]
    preview: bool,
}

/// List tickets.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
    /// Only this kind; defaults to incidents and requests. Can be repeated.
    #[arg(long)]
    kind: Vec<TicketKind>,
    /// Only active tickets.
    #[arg(long)]
    active: bool,
    /// At most this many; 0 for all.
    #[arg(long, default_value_t = 200)]
    limit: usize,
}

/// Show a ticket.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Number of the ticket, such as INC0000042.
    number: String,
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
}

/// Change a ticket.
#[derive(Debug, Args)]
pub(crate) struct Act {
    /// Number of the ticket, such as INC0000042.
    number: String,
    /// The action; `edit` changes fields.
    #[arg(default_value = "edit", value_parser = action)]
    action: Action,
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
    /// Field of the action, such as `reason=A new router`. Can be repeated. Values can be JSON:
    /// `impact=2`, `tags=["vpn"]`.
    #[arg(long = "field", value_name = "NAME=VALUE", value_parser = setting)]
    fields: Vec<(String, String)>,
}

/// Ask what if.
#[derive(Debug, Args)]
pub(crate) struct Ask {
    /// Number of the ticket, such as INC0000042.
    number: String,
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
    /// Field that would be different, such as `impact=1`. Can be repeated; without any, the
    /// policies are asked about the ticket as it is.
    #[arg(long = "field", value_name = "NAME=VALUE", value_parser = setting)]
    fields: Vec<(String, String)>,
}

impl Ticket {
    pub(crate) async fn run(self, mut terminal: Terminal) -> Result<()> {
        let installation = terminal.open().await?;
        let done = Box::pin(self.carry_out(&installation, &mut terminal.output)).await;
        installation.close().await;
        done
    }

    async fn carry_out(self, installation: &Installation, output: &mut Output) -> Result<()> {
        let desk = &installation.desk;
        match self {
            Self::Open(Open { kind, org, fields, draft, preview }) => {
                let caller = installation.operator(&org).await?;
                let command = OpenTicket { kind, fields: read(fields), draft };
                if preview {
                    if kind.is_some_and(|kind| kind != TicketKind::Request) {
                        bail!("only a request has a preview; use --kind request");
                    }
                    let preview = Box::pin(preview::of_new(desk, &caller, command)).await;
                    return foretell(output, &preview.context("previewing a request")?);
                }
                let opened = Box::pin(tickets::open(desk, &caller, command)).await;
                let view = opened.context("opening a ticket")?;
                tell(output, &view)
            }
            Self::List(List { org, kind, active, limit }) => {
                let caller = installation.operator(&org).await?;
                let query = TicketQuery {
                    kinds: if kind.is_empty() { TicketKind::intake() } else { kind },
                    active: active.then_some(true),
                    ..TicketQuery::default()
                };
                let (views, has_more) = listing::rows(limit, async |page| {
                    tickets::list(desk, &caller, &query, page).await
                })
                .await?;
                let json = || views.iter().cloned().map(waypost_api::ticket_json).collect();
                output.tell(json, |to| {
                    views.iter().try_for_each(|view| line(to, view))?;
                    if has_more {
                        writeln!(to, "These are the newest {limit}; use --limit 0 to list all.")?;
                    }
                    Ok(())
                })
            }
            Self::Show(Show { number, org }) => {
                let caller = installation.operator(&org).await?;
                let named = TicketRef::parse(&number);
                let mut look = Look::at(desk, &caller, &named)
                    .await
                    .with_context(|| format!("reading {number} of {org}"))?;
                let (view, hints) = (look.view().await?, look.actions().await?);
                drop(look);
                let json = || {
                    let actions = hints
                        .iter()
                        .map(|hint| json!({ "action": hint.action.as_str(), "lacks": hint.lacks }));
                    let actions = actions.collect::<Vec<_>>();
                    json!({ "ticket": waypost_api::ticket_json(view.clone()), "actions": actions })
                };
                output.tell(json, |to| {
                    write(to, &view)?;
                    writeln!(to)?;
                    writeln!(to, "Possible actions and required fields:")?;
                    hints.iter().try_for_each(|hint| {
                        let needs = hint.lacks.iter().map(|it| it.trim_start_matches('/'));
                        let needs = needs.collect::<Vec<_>>().join(", ");
                        writeln!(to, "  {} {needs}", hint.action)
                    })
                })
            }
            Self::Edit(act) | Self::Act(act) => {
                let Act { number, action, org, fields } = act;
                let caller = installation.operator(&org).await?;
                if fields.is_empty() && action == Action::Edit {
                    bail!("nothing to change; use --field NAME=VALUE");
                }
                let named = TicketRef::parse(&number);
                let done = if action == Action::Edit {
                    tickets::edit(desk, &caller, &named, read(fields), None).await
                } else {
                    tickets::act(desk, &caller, &named, action, read(fields), None).await
                };
                let view = done.with_context(|| format!("{action} of {number} of {org}"))?;
                tell(output, &view)
            }
            Self::WhatIf(Ask { number, org, fields }) => {
                let caller = installation.operator(&org).await?;
                let (named, fields) = (TicketRef::parse(&number), read(fields));
                let told = Box::pin(tickets::what_if(desk, &caller, &named, &fields)).await;
                let told = told.with_context(|| format!("asking what if of {number} of {org}"))?;
                let json = || waypost_api::what_if_json(told.clone());
                output.tell(json, |to| write_what_if(to, &told))
            }
        }
    }
}

/// An action that can be asked for, of whatever kind.
fn action(name: &str) -> Result<Action, String> {
    let rows = TicketKind::ALL.iter().flat_map(|kind| kind.rules().askable());
    let mut actions = vec![Action::Edit];
    for row in rows {
        if !actions.contains(&row.action) {
            actions.push(row.action);
        }
    }
    actions.iter().copied().find(|action| action.as_str() == name).ok_or_else(|| {
        let names = actions.iter().map(|action| action.as_str()).collect::<Vec<_>>();
        format!("`{name}` is not a valid action; use one of: {}", names.join(", "))
    })
}

/// What was given: JSON where a value is some, else a text.
fn read(fields: Vec<(String, String)>) -> Map<String, Value> {
    let value = |text: String| match serde_json::from_str(&text) {
        Ok(Value::String(_)) | Err(_) => Value::String(text),
        Ok(value) => value,
    };
    fields.into_iter().map(|(name, text)| (name, value(text))).collect()
}

fn tell(output: &mut Output, view: &TicketView) -> Result<()> {
    output.tell(|| waypost_api::ticket_json(view.clone()), |to| write(to, view))
}

fn foretell(output: &mut Output, preview: &RequestPreview) -> Result<()> {
    output.tell(|| waypost_api::preview_json(preview.clone()), |to| write_preview(to, preview))
}

fn write_preview(to: &mut dyn Write, preview: &RequestPreview) -> io::Result<()> {
    let (kind, state) = (preview.kind.with_article(), preview.state);
    writeln!(to, "It would be {kind}, {state}; nothing was stored.")?;
    if let Some(reason) = &preview.rejection {
        writeln!(to, "  rejected: {}", crate::output::line(reason))?;
    }
    for (place, stage) in preview.stages.iter().enumerate() {
        writeln!(to, "  stage {} ({})", place + 1, stage.rule)?;
        for step in &stage.steps {
            let voters = step.voters.iter().map(|it| it.voter.name.as_str()).collect::<Vec<_>>();
            let voters = if voters.is_empty() {
                "an approver who has to be named first".to_owned()
            } else {
                voters.join(", ")
            };
            writeln!(to, "    {}: {} of {voters}", step.name, step.quorum)?;
        }
    }
    for task in &preview.tasks {
        writeln!(to, "  task of {}: {}", task.team.key, task.short_description)?;
    }
    if let Some(Money { minor_units, currency }) = &preview.cost {
        let (whole, part) = (minor_units / 100, minor_units % 100);
        writeln!(to, "  cost {whole}.{part:02} {currency}")?;
    }
    if let Some(at) = preview.expected_at {
        writeln!(to, "  expected {at}")?;
    }
    if let Some(internals) = &preview.internals {
        writeln!(to, "  priority {}, team {}", internals.priority, internals.team.key)?;
    }
    if let Some(failures) = &preview.policy_failures {
        writeln!(to, "  policies failed, and a fallback decides: {failures}")?;
    }
    Ok(())
}

fn write_what_if(to: &mut dyn Write, told: &WhatIf) -> io::Result<()> {
    let place = |view: &TicketView| {
        let assignee = view.assignee.as_ref().map_or("nobody", |person| person.name.as_str());
        format!("priority {}, team {}, assigned to {assignee}", view.priority.0, view.team.key)
    };
    writeln!(to, "{}: nothing was changed.", told.before.ticket.number)?;
    writeln!(to, "  is        {}", place(&told.before))?;
    writeln!(to, "  would be  {}", place(&told.after))?;
    for (action, reason) in &told.reasons {
        writeln!(to, "  {action}: {}", crate::output::line(reason))?;
    }
    if let Some(failures) = &told.policy_failures {
        writeln!(to, "  policies failed, so that the team would stay: {failures}")?;
    }
    Ok(())
}

fn line(to: &mut dyn Write, view: &TicketView) -> io::Result<()> {
    let ticket = &view.ticket;
    let (level, _) = view.priority;
    writeln!(
        to,
        "{:<12} {:<20} {level}  {:<20} {}",
        ticket.number,
        ticket.state(),
        view.team.key,
        ticket.short_description
    )
}

fn write(to: &mut dyn Write, view: &TicketView) -> io::Result<()> {
    let ticket = &view.ticket;
    writeln!(to, "{}  {}", ticket.number, ticket.short_description)?;
    writeln!(to, "  {} of version {}, {}", ticket.kind(), ticket.version, ticket.state())?;
    writeln!(to, "  priority {}, team {}", view.priority.0, view.team.key)?;
    if let Some(assignee) = &view.assignee {
        writeln!(to, "  assigned to {}", assignee.name)?;
    }
    if let Some(waiting) = &view.waiting_on {
        writeln!(to, "  waiting for {} since {}", waiting.what.as_str(), waiting.since)?;
    }
    if let Some(number) = &view.goes_on_in {
        writeln!(to, "  goes on as {number}")?;
    }
    if let Some(problem) = &view.problem {
        let known = if problem.known_error { "known error" } else { "problem" };
        writeln!(to, "  {known} {}: {}", problem.name.number, problem.name.short_description)?;
        if let Some(workaround) = &problem.workaround {
            writeln!(to, "  workaround: {}", crate::output::line(workaround))?;
        }
    }
    Ok(())
}
