//! `waypost token`: bearer tokens for the API.

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use waypost_app::tickets::PersonRef;
use waypost_app::tokens::{self, NewToken, TokenView};
use waypost_domain::ids::TokenId;
use waypost_domain::key::Key;
use waypost_domain::role::Role;

use crate::installation::Installation;
use crate::output::{Output, time};
use crate::terminal::Terminal;

/// Manage API tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Create a token; its secret is printed only once.
    Create(Create),
    /// List the tokens of an organization, without their secrets.
    List(List),
    /// Revoke a token.
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
    /// Purpose of the token.
    #[arg(long)]
    name: String,
    /// Role: requester, agent, admin or auditor.
    #[arg(long)]
    role: Role,
    /// E-mail address of the person the token acts for; omit it for a program.
    #[arg(long, value_name = "EMAIL")]
    person: Option<String>,
    /// Days until it expires; it never expires if omitted.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
}

#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// Id of the token, as printed by `waypost token list`.
    id: TokenId,
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
}

impl Token {
    pub(crate) async fn run(self, mut terminal: Terminal) -> Result<()> {
        let installation = terminal.open().await?;
        let output = &mut terminal.output;
        let done = match self {
            Self::Create(create) => create.run(&installation, output).await,
            Self::List(list) => list.run(&installation, output).await,
            Self::Revoke(revoke) => revoke.run(&installation, output).await,
        };
        installation.close().await;
        done
    }
}

impl Create {
    async fn run(self, installation: &Installation, output: &mut Output) -> Result<()> {
        let caller = installation.operator(&self.org).await?;
        let new = NewToken {
            name: self.name,
            role: self.role.to_string(),
            person: self.person.map(PersonRef::Email),
            expires_at: self.days.map(|days| caller.now + TimeDelta::days(i64::from(days))),
        };
        let issued = tokens::issue(&installation.desk, &caller, new).await?;
        let token = &issued.token;
        output.tell(
            || {
                let mut told = json(token);
                told["secret"] = json!(issued.secret);
                told
            },
            |to| {
                writeln!(to, "{}", issued.secret)?;
                writeln!(to)?;
                writeln!(to, "The secret is not stored; it is shown only this once.")?;
                writeln!(to, "Token {} for {}, {}.", token.id, token.role, until(token))
            },
        )
    }
}

impl List {
    async fn run(self, installation: &Installation, output: &mut Output) -> Result<()> {
        let caller = installation.operator(&self.org).await?;
        let tokens = tokens::list(&installation.desk, &caller).await?;
        output.tell_table(
            || Value::Array(tokens.iter().map(json).collect()),
            &["id", "name", "role", "person", "created", "state"],
            tokens.iter().map(|token| {
                vec![
                    token.id.to_string(),
                    token.name.clone(),
                    token.role.to_string(),
                    token.person.as_ref().map_or_else(String::new, |person| person.name.clone()),
                    time(token.created_at),
                    state(token, caller.now),
                ]
            }),
            "There are no tokens.",
        )
    }
}

impl Revoke {
    async fn run(self, installation: &Installation, output: &mut Output) -> Result<()> {
        let caller = installation.operator(&self.org).await?;
        tokens::revoke(&installation.desk, &caller, self.id).await?;
        output.tell(
            || json!({ "id": self.id.to_string(), "revoked": true }),
            |to| writeln!(to, "Revoked the token {}.", self.id),
        )
    }
}

fn until(token: &TokenView) -> String {
    token.expires_at.map_or_else(|| "never expires".to_owned(), |at| format!("until {}", time(at)))
}

fn state(token: &TokenView, now: DateTime<Utc>) -> String {
    match (token.revoked_at, token.expires_at) {
        (Some(at), _) => format!("revoked {}", time(at)),
        (None, Some(at)) if at <= now => format!("expired {}", time(at)),
        (None, Some(_) | None) => until(token),
    }
}

fn json(token: &TokenView) -> Value {
    json!({
        "id": token.id.to_string(),
        "name": token.name,
        "role": token.role.as_str(),
        "person": token.person.as_ref().map(|person| person.id.to_string()),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
    })
}
