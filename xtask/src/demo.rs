//! The demo: a provider and two clients with different policies, three stories, 150 tickets, and a
//! server to try.
//!
//! It uses nothing but what everybody can: the commands of `waypost` and its API.

mod story;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::desks::{self, FENNEL, MARLOW};
use crate::http::Client;
use crate::table::Table;
use crate::waypost::{self, Profile, Server, Waypost};
use crate::workspace::Workspace;
use crate::{command, plugins, say};

/// The server's port, if it is free.
const PORT: u16 = 8080;
/// The largest page that the API gives.
const PAGE: usize = 200;

/// What can be said about a demo.
#[derive(Debug, Default)]
struct Options {
    data: Option<PathBuf>,
    is_fresh: bool,
    ends: bool,
}

impl Options {
    fn read(arguments: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--data" => {
                    options.data =
                        Some(words.next().context("--data needs the path of a folder")?.into());
                }
                "--fresh" => options.is_fresh = true,
                "--exit" => options.ends = true,
                other => bail!(
                    "there is no option `{other}`; usage: cargo xtask demo [--data DIR] [--fresh] [--exit]"
                ),
            }
        }
        Ok(options)
    }
}

/// A client's desk, as the demo calls it.
struct Desk {
    org: &'static str,
    name: &'static str,
    token: String,
    api: Client,
}

/// Builds everything, fills a data folder, shows what was decided, and leaves the server running
/// until Ctrl-C.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let options = Options::read(arguments)?;
    let data = match options.data {
        Some(folder) => folder,
        None => Workspace::read()?.target()?.join("demo"),
    };
    make_room(&data, options.is_fresh)?;
    let policies = plugins::build()?;
    let program =
        say::step("Building waypost (minutes if its dependencies are not compiled yet)", || {
            Waypost::build(Profile::Dev)
        })?;
    let waypost = Waypost::new(&program, &data, &["log_filter=warn".to_owned()]);
    say::step("Creating a provider and two clients, and compiling their policies", || {
        desks::set_up(&waypost, &policies)
    })?;
    let mut server = say::step("Starting the server", || {
        waypost.serve(waypost::address(PORT)?, &data.join("server.log"))
    })?;
    let mut desks = [
        desk(&waypost, &server, MARLOW, "Marlow County")?,
        desk(&waypost, &server, FENNEL, "Fennel Foods")?,
    ];
    let stories =
        say::step("Sending the same three stories to both clients", || story::send(&mut desks))?;
    for desk in &desks {
        import(&waypost, desk)?;
    }
    say::line("");
    say::line(stories);
    say::line("");
    say::line(summary(&mut desks)?);
    say::line("");
    say::line(doors(&waypost, server.address())?);
    say::line("");
    say::line(invitation(server.address(), &desks[0], &data));
    if options.ends {
        return server.stop();
    }
    server.wait()
}

/// Makes the data folder, or empties it if that was asked for.
fn make_room(data: &Path, is_fresh: bool) -> Result<()> {
    let is_used = fs::read_dir(data).is_ok_and(|mut entries| entries.next().is_some());
    if is_used && !is_fresh {
        bail!(
            "{} holds an earlier demo. `cargo xtask demo --fresh` removes it and starts over; `--data DIR` uses \
             another folder",
            data.display()
        );
    }
    // Only what a demo made is ever removed: somebody may have named the wrong folder.
    if is_used && !data.join("waypost.db").is_file() {
        bail!("{} is not empty and holds no demo; name another folder", data.display());
    }
    if is_used {
        fs::remove_dir_all(data).with_context(|| format!("removing {}", data.display()))?;
    }
    fs::create_dir_all(data).with_context(|| format!("creating {}", data.display()))
}

fn desk(waypost: &Waypost, server: &Server, org: &'static str, name: &'static str) -> Result<Desk> {
    let token = desks::token(waypost, org)?;
    let api = Client::new(server.address(), &token);
    Ok(Desk { org, name, token, api })
}

/// Imports the tickets of the last days; the command shows its own progress.
fn import(waypost: &Waypost, desk: &Desk) -> Result<()> {
    say::step(format_args!("Importing the tickets of {}", desk.name), || {
        let file = desks::tickets(desk.org).display().to_string();
        let words = ["import", "tickets", &file, "--org", desk.org, "--source", "demo"];
        command::run(&mut waypost.command(words))
    })
}

/// Where the tickets of each client went.
fn summary(desks: &mut [Desk]) -> Result<Table> {
    let mut table =
        Table::new(["organization", "team", "tickets", "P1", "P2", "P3", "P4", "P5", "the latest"]);
    for desk in desks {
        let teams = by_team(&tickets(&mut desk.api)?);
        for (place, team) in teams.into_iter().enumerate() {
            let count = |priority: usize| match team.priorities[priority] {
                0 => "·".to_owned(),
                count => count.to_string(),
            };
            let name = if place == 0 { desk.name } else { "" };
            let total: usize = team.priorities.iter().sum();
            table.row([
                name.to_owned(),
                team.name,
                total.to_string(),
                count(0),
                count(1),
                count(2),
                count(3),
                count(4),
                team.latest,
            ]);
        }
    }
    Ok(table)
}

/// Every ticket of an organization, the newest first.
fn tickets(api: &mut Client) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let page = api.get(&format!("/api/v1/tickets?limit={PAGE}{after}"))?;
        all.extend(page["items"].as_array().context("reading the list of tickets")?.clone());
        match page["next"].as_str() {
            None => return Ok(all),
            Some(next) => after = format!("&after={next}"),
        }
    }
}

struct TeamShare {
    name: String,
    priorities: [usize; 5],
    latest: String,
}

/// What each team got, the busiest first.
fn by_team(tickets: &[Value]) -> Vec<TeamShare> {
    let mut teams: Vec<TeamShare> = Vec::new();
    for ticket in tickets {
        let name = text(&ticket["team"]["name"]);
        let place = teams.iter().position(|team| team.name == name).unwrap_or_else(|| {
            let latest = text(&ticket["short_description"]);
            teams.push(TeamShare { name, priorities: [0; 5], latest });
            teams.len() - 1
        });
        let priority = ticket["priority"]["value"].as_u64().unwrap_or(5).clamp(1, 5);
        let priority = usize::try_from(priority).expect("one to five fits everywhere");
        teams[place].priorities[priority - 1] += 1;
    }
    teams.sort_by_key(|team| std::cmp::Reverse(team.priorities.iter().sum::<usize>()));
    teams
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("–").to_owned()
}

/// People of the demo with their organization, and the page at which each begins to look around.
const PEOPLE: [(&str, &str, &str, &str); 5] = [
    (
        "marlow-county",
        "jonas.weiss@marlow.example",
        "Jonas Weiss, who asked for a laptop",
        "/o/marlow-county/my",
    ),
    (
        "marlow-county",
        "kofi.brenner@marlow.example",
        "Kofi Brenner of the desk, at the portal that is down",
        "/o/marlow-county/desk/tickets/INC0000002",
    ),
    (
        "marlow-county",
        "yara.sandoval@marlow.example",
        "Yara Sandoval, who leads a team, at its queue",
        "/o/marlow-county/desk/queue/team-revenue-systems",
    ),
    (
        "marlow-county",
        "peter.lindgren@marlow.example",
        "Peter Lindgren, who keeps the desk, at everything that is open",
        "/o/marlow-county/desk/queue/all",
    ),
    (
        "harbor-it",
        "ines.okafor@harbor-it.example",
        "Ines Okafor of the provider, at the queue of Fennel Foods; “Organizations” in the header \
         leads to Marlow County",
        "/o/fennel-foods/desk/queue/all",
    ),
];

/// Links with which people of the demo are signed in. A browser holds one sign-in at a time.
fn doors(waypost: &Waypost, address: SocketAddr) -> Result<String> {
    let mut lines = vec![
        "Open one of these links in a browser; each works once, for a day. To be two people at the same \
         time, use a second browser or a private window.\n"
            .to_owned(),
    ];
    for (org, email, who, page) in PEOPLE {
        let invited = waypost.json(["person", "invite", "--org", org, "--email", email])?;
        let link = invited["link"].as_str().context("reading an invitation")?;
        let secret = link.rsplit('/').next().context("reading an invitation")?;
        lines.push(format!("{who}:\n  http://{address}/setup/{secret}?next={page}"));
    }
    lines.push(
        "\nFurther people: `waypost person invite`, or their address on the sign-in page; mail \
                is written to the folder `mail` of the data folder."
            .to_owned(),
    );
    Ok(lines.join("\n"))
}

/// The address, a token and three commands to try.
fn invitation(address: SocketAddr, desk: &Desk, data: &Path) -> String {
    format!(
        "The server listens on http://{address}. This token may do everything in {name}:\n\n\
         export TOKEN={token}\n\n\
         Try, in another terminal:\n\n\
         # a new ticket: see its team and priority\n\
         curl -s http://{address}/api/v1/incidents -H \"Authorization: Bearer $TOKEN\" \\\n    \
         -H 'Content-Type: application/json' \\\n    \
         -d '{{\"requester\": \"daniel.osei@marlow.example\", \"short_description\": \"Card reader at counter 2 is offline\"}}'\n\n\
         # why the first one is where it is\n\
         curl -s http://{address}/api/v1/incidents/INC0000001/explain -H \"Authorization: Bearer $TOKEN\"\n\n\
         # which policies are asked at which hook, and in which order\n\
         curl -s http://{address}/api/v1/bindings/in-force -H \"Authorization: Bearer $TOKEN\"\n\n\
         Every route: http://{address}/api/v1/openapi.json. The data is in {data}. Ctrl-C stops the server.",
        name = desk.name,
        token = desk.token,
        data = data.display(),
    )
}
