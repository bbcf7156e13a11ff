//! The desk whose pages are measured: its tickets, who looks at them, and the pages.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Page;
use crate::bench::site::Site;
use crate::command;
use crate::desks::{self, MARLOW, Row};
use crate::http::Client;
use crate::waypost::Waypost;

/// How many of the latest stay open, beside two in a hundred of all others, which the example
/// program leaves open.
const YOUNG: usize = 1_560;
/// How many requests wait for the one who votes.
const REQUESTS: usize = 20;
/// How much is said of the ticket that much is said of; with what it began with, sixty events.
const COMMENTS: usize = 57;
/// The first ticket is opened on the first of January 2024, in seconds since 1970, and the last two
/// years later.
const FROM: usize = 1_704_067_200;
const SPAN: usize = 730 * 86_400;

/// About how many tickets a person asks for, where there are enough (of 24,000, the demo's people
/// ask for all); the demo's people ask for some five times as many.
const EACH: usize = 200;

/// Who looks at pages.
const REQUESTER: &str = "jonas.weiss@marlow.example";
const APPROVER: &str = "victor.hale@marlow.example";
const AGENT: &str = "kofi.brenner@marlow.example";

/// Imports the tickets into a database, and lets most of them come to their end.
pub(super) fn fill(site: &Site<'_>, database: &str, tickets: usize) -> Result<()> {
    site.set_up(database)?;
    let rows = desks::rows(MARLOW)?;
    let groups = (tickets / EACH / rows.len()).max(1);
    let others = site.path("others.toml");
    fs::write(&others, others_file(groups, &rows)?)?;
    site.apply(database, &[others])?;
    let sheet = site.path("web.csv");
    write_csv(&sheet, tickets, groups, &rows)?;
    let sheet = sheet.display().to_string();
    let words = ["import", "tickets", &sheet, "--org", MARLOW, "--source", "web"];
    site.step(format_args!("importing {tickets} tickets"), || {
        site.installation(database).run(words.into_iter().chain(["--time-format", "%s"]))
    })?;
    site.step("bringing most of them to their end", || {
        let aged = tickets.saturating_sub(YOUNG).to_string();
        command::output(site.example("age_tickets", &[database]).args([MARLOW, &aged]))?;
        // Their letters would leave while pages are measured.
        command::output(site.example("outbox", &[database]).arg("settle")).map(drop)
    })
}

/// The desk file with those who ask beside the demo's people, as many in each further group as
/// there are rows.
fn others_file(groups: usize, rows: &[Row]) -> Result<String> {
    let mut file = format!("[organization]\nkey = \"{MARLOW}\"\n");
    for place in 0..(groups - 1) * rows.len() {
        let email = other(place);
        write!(
            file,
            "\n[[people]]\nname = \"Person {place}\"\nemail = \"{email}\"\nrole = \"requester\"\n"
        )?;
    }
    Ok(file)
}

fn other(place: usize) -> String {
    format!("person-{place}@marlow.example")
}

/// The demo's rows again and again, the oldest first; those of the first group are of whom the demo
/// says.
fn write_csv(path: &Path, count: usize, groups: usize, rows: &[Row]) -> Result<()> {
    let mut writer = csv::Writer::from_path(path).context("creating the file to import")?;
    let columns = "number opened_at requester service impact urgency short_description description";
    writer.write_record(columns.split(' '))?;
    for (place, row) in rows.iter().cycle().take(count).enumerate() {
        let (number, opened_at) = (format!("W-{place}"), (FROM + SPAN / count * place).to_string());
        let (impact, urgency) = (["2", "3"][place / 4 % 2], ["1", "2", "3"][place % 3]);
        let about = format!("{}, case {place}", row.short_description);
        let requester = match (place % (groups * rows.len())).checked_sub(rows.len()) {
            None => row.requester.clone(),
            Some(place) => other(place),
        };
        let first = [number.as_str(), &opened_at, &requester, &row.service, impact, urgency];
        writer.write_record(first.into_iter().chain([about.as_str(), &row.description]))?;
    }
    writer.flush().context("writing the file to import")
}

/// Opens through the API what pages are about, lets people in, and names the pages.
pub(super) fn open(waypost: &Waypost, desk: &mut Client) -> Result<Vec<Page>> {
    let mut opened = |kind: &str, fields: Value| -> Result<String> {
        let made = desk.post(&format!("/api/v1/{kind}"), &fields)?;
        Ok(made["number"].as_str().unwrap_or_default().to_owned())
    };
    let mut incident = |title: &str| {
        opened("incidents", json!({ "requester": REQUESTER, "short_description": title }))
    };
    let long = incident("The printer in the annex prints every page twice")?;
    let major = incident("The whole annex is offline")?;
    let mut request = String::new();
    for place in 0..REQUESTS {
        let fields = json!({
            "requester": REQUESTER,
            "channel": "portal",
            "short_description": format!("A laptop for desk {place}"),
            "catalog_item": "laptop",
            "answers": { "reason": "My PC stays at the desk." },
        });
        request = opened("requests", fields)?;
    }
    for (place, row) in desks::rows(MARLOW)?.iter().cycle().take(COMMENTS).enumerate() {
        let visibility = ["public", "internal"][place % 2];
        let comment = json!({ "text": row.description, "visibility": visibility });
        desk.post(&format!("/api/v1/incidents/{long}/comments"), &comment)?;
    }
    let proposed = json!({ "reason": "Nobody there can work." });
    desk.post(&format!("/api/v1/incidents/{major}/actions/propose_major"), &proposed)?;
    let token = desks::token_of(waypost, MARLOW, "requester", APPROVER)?;
    let votes = Client::new(desk.address(), &token).get("/api/v1/approvals/mine")?;
    let vote = votes["items"][0]["id"].as_str().context("reading a vote that is waited for")?;

    let site = format!("http://{}", desk.address());
    let requester = &sign_in(waypost, desk.address(), REQUESTER)?;
    let approver = &sign_in(waypost, desk.address(), APPROVER)?;
    let agent = &sign_in(waypost, desk.address(), AGENT)?;
    let page = |cookie: &str, name, path: &str| Page {
        name,
        path: format!("/o/{MARLOW}/{path}"),
        headers: format!("cookie: {cookie}\r\norigin: {site}\r\naccept-encoding: gzip\r\n"),
        form: None,
    };
    // What may be told already is not sent: it is shown beside what is like it.
    let form = Some("short_description=The+printer+prints+nothing&description=Since+today");
    let ticket = format!("desk/tickets/{long}");
    let what_if = format!("{ticket}/what-if?impact=1&_was/impact=");
    let by_fields = "desk/queue/all?state=in_progress&priority=3";
    Ok(vec![
        page(requester, "home", "home"),
        page(requester, "search", "search?q=printer"),
        page(requester, "report", "report?q=printer"),
        Page { form, ..page(requester, "report, suggestions", "report") },
        page(requester, "catalog", "catalog"),
        page(requester, "catalog item", "catalog/laptop"),
        page(requester, "my tickets", "my"),
        page(requester, "my ticket, 60 events", &format!("my/{long}")),
        page(approver, "approvals", "approvals"),
        page(approver, "approval", &format!("approvals/{vote}")),
        page(agent, "queue, unassigned", "desk/queue/unassigned"),
        page(agent, "queue, all", "desk/queue/all"),
        page(agent, "queue, state, priority", by_fields),
        page(agent, "queue, text", "desk/queue/all?text=printer"),
        page(agent, "queue, major", "desk/queue/major"),
        page(agent, "major incident", &format!("desk/major/{major}")),
        page(agent, "ticket, 60 events", &ticket),
        page(agent, "ticket, approvals", &format!("desk/tickets/{request}")),
        page(agent, "edit form", &format!("{ticket}/do/edit")),
        page(agent, "what if", &what_if),
        page(agent, "desk search", "desk/search?text=printer"),
    ])
}

/// Lets somebody in as an administrator does, and returns what their browser keeps.
fn sign_in(waypost: &Waypost, address: SocketAddr, email: &str) -> Result<String> {
    let invited = waypost.json(["person", "invite", "--org", MARLOW, "--email", email])?;
    let link = invited["link"].as_str().context("reading the link")?;
    let site = format!("http://{address}");
    let path = link.strip_prefix(&site).with_context(|| format!("{link} is not of {site}"))?;
    let sent = Client::new(address, "").browse(path, &format!("origin: {site}\r\n"), Some(""))?;
    let cookie = sent.header("set-cookie").and_then(|cookie| cookie.split(';').next());
    let status = sent.status;
    Ok(cookie.with_context(|| format!("signing in was answered with {status}"))?.to_owned())
}
