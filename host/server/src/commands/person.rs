//! `waypost person`: who can sign in to the pages, and where they are signed in.

use anyhow::{Result, anyhow};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use waypost_app::Caller;
use waypost_app::sign_ins::{self, Device, Invitation};
use waypost_app::tickets::PersonRef;
use waypost_domain::ids::{PersonId, SignInId};
use waypost_domain::key::Key;
use waypost_domain::role::Role;

use crate::installation::Installation;
use crate::output::{Output, time};
use crate::terminal::Terminal;

/// Manage who can sign in.
#[derive(Debug, Subcommand)]
pub(crate) enum Person {
    /// Create a link with which a person signs in for the first time; it works once, for a day.
    Invite(Invite),
    /// List the browsers in which a person is signed in.
    SignIns(SignIns),
    /// Sign a person out for good: end their sign-ins and links, and remove their password.
    ///
    /// They are told by mail if they had a password. They sign in by a link then, and may set
    /// another password. To keep them out, make them inactive.
    SignOut(SignOut),
    /// Remove the password of a person; this ends their sign-ins and links as well.
    ///
    /// They are told by mail if they had a password. They sign in by a link then, and may set
    /// another password.
    RemovePassword(RemovePassword),
}

#[derive(Debug, Args)]
pub(crate) struct Invite {
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
    /// E-mail address of the person.
    #[arg(long)]
    email: String,
    /// Name of the person; required if they are not in the directory yet.
    #[arg(long)]
    name: Option<String>,
    /// Role: requester, agent, admin or auditor; for a person who is not in the directory yet.
    #[arg(long)]
    role: Option<Role>,
}

#[derive(Debug, Args)]
pub(crate) struct SignIns {
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
    /// Id of the person.
    person: PersonId,
}

#[derive(Debug, Args)]
pub(crate) struct SignOut {
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
    /// Id of a sign-in: end this one only, and leave links and the password as they are.
    #[arg(long, value_name = "ID")]
    only: Option<SignInId>,
    /// Id of the person.
    person: PersonId,
}

#[derive(Debug, Args)]
pub(crate) struct RemovePassword {
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
    /// Id of the person.
    person: PersonId,
}

impl Person {
    pub(crate) async fn run(self, mut terminal: Terminal) -> Result<()> {
        // An installation begins with its first administrator.
        let installation = match &self {
            Self::Invite(_) => terminal.open_or_create().await?,
            Self::SignIns(_) | Self::SignOut(_) | Self::RemovePassword(_) => {
                terminal.open().await?
            }
        };
        let config = &terminal.loaded.config;
        let site = config.site(config.listen);
        let output = &mut terminal.output;
        let done = match self {
            Self::Invite(invite) => match site {
                Ok(Some(site)) => invite.run(&installation, site.url(), output).await,
                Ok(None) => Err(anyhow!(
                    "the pages have no public address yet; set `public_url`, such as https://desk.example.com"
                )),
                Err(invalid) => Err(invalid.into()),
            },
            Self::SignIns(list) => list.run(&installation, output).await,
            Self::SignOut(sign_out) => sign_out.run(&installation, output).await,
            Self::RemovePassword(remove) => remove.run(&installation, output).await,
        };
        installation.close().await;
        done
    }
}

impl Invite {
    async fn run(self, installation: &Installation, site: &str, output: &mut Output) -> Result<()> {
        let caller = installation.operator(&self.org).await?;
        let invitation = Invitation { email: self.email, name: self.name, role: self.role };
        let invited = sign_ins::invite(&installation.desk, &caller, invitation).await?;
        let link = format!("{site}/setup/{}", invited.secret);
        let until = time(invited.expires_at);
        output.tell(
            || {
                json!({
                    "person": invited.person.to_string(),
                    "link": link,
                    "expires_at": invited.expires_at,
                })
            },
            |to| {
                writeln!(to, "{link}")?;
                writeln!(to)?;
                writeln!(to, "Whoever opens it is signed in as {}.", invited.person)?;
                writeln!(to, "It works once, until {until}; it is shown only this once.")
            },
        )
    }
}

impl SignIns {
    async fn run(self, installation: &Installation, output: &mut Output) -> Result<()> {
        let caller = installation.operator(&self.org).await?;
        let person = PersonRef::Id(self.person);
        let devices = sign_ins::devices_of_person(&installation.desk, &caller, &person).await?;
        output.tell_table(
            || Value::Array(devices.iter().map(device).collect()),
            &["id", "browser", "signed in", "last used"],
            devices.iter().map(|one| {
                vec![
                    one.id.to_string(),
                    one.device.clone(),
                    time(one.created_at),
                    time(one.used_at),
                ]
            }),
            "They are not signed in.",
        )
    }
}

fn device(one: &Device) -> Value {
    json!({
        "id": one.id.to_string(),
        "device": one.device,
        "created_at": one.created_at,
        "used_at": one.used_at,
    })
}

impl SignOut {
    async fn run(self, installation: &Installation, output: &mut Output) -> Result<()> {
        let caller = installation.operator(&self.org).await?;
        let Some(only) = self.only else {
            return end_all(installation, &caller, self.person, output).await;
        };
        let person = PersonRef::Id(self.person);
        sign_ins::end_of_person(&installation.desk, &caller, &person, only).await?;
        output.tell(
            || json!({ "person": self.person.to_string(), "ended": 1, "removed": false }),
            |to| writeln!(to, "Ended the sign-in {only} of {}.", self.person),
        )
    }
}

impl RemovePassword {
    async fn run(self, installation: &Installation, output: &mut Output) -> Result<()> {
        let caller = installation.operator(&self.org).await?;
        end_all(installation, &caller, self.person, output).await
    }
}

/// A password and what was begun with it end together, whichever of them somebody asks for.
async fn end_all(
    installation: &Installation,
    caller: &Caller,
    person: PersonId,
    output: &mut Output,
) -> Result<()> {
    let letter = waypost_web::letter_of_removal;
    let ended = sign_ins::end_all_of(&installation.desk, caller, person, letter).await?;
    output.tell(
        || {
            json!({
                "person": person.to_string(),
                "ended": ended.sign_ins,
                "removed": ended.password,
            })
        },
        |to| {
            writeln!(to, "Ended {} sign-ins of {person}.", ended.sign_ins)?;
            if ended.password {
                writeln!(to, "Removed their password; a message tells them.")
            } else {
                writeln!(to, "They have no password.")
            }
        },
    )
}
