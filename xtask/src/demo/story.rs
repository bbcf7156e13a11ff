//! The three stories: the same tickets for two clients, and what each client's policies made of
//! them.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Desk, text};
use crate::desks::MARLOW;
use crate::table::Table;

/// Sends the stories to every desk, and shows who decided what, and why.
pub(super) fn send(desks: &mut [Desk]) -> Result<Table> {
    let mut table = Table::new(["  asked", "policy", "decided, and why"]);
    for story in STORIES {
        table.title(format!("\n{}", story.title.to_uppercase()));
        for desk in desks.iter_mut() {
            let (collection, body) = (story.ticket)(desk.org == MARLOW);
            let ticket = desk
                .api
                .post(&format!("/api/v1/{collection}"), &body)
                .with_context(|| format!("sending “{}” to {}", story.title, desk.name))?;
            let number = text(&ticket["number"]);
            let explained = desk.api.get(&format!("/api/v1/{collection}/{number}/explain"))?;
            table.title(format!("\n{}: {}", desk.name, outcome(&ticket)));
            for decision in explained["decisions"].as_array().into_iter().flatten() {
                let asked = format!("  {}", text(&decision["hook"]));
                let policy =
                    format!("{} of {}", text(&decision["binding"]), text(&decision["layer"]));
                table.row([asked, policy, reasons(decision)]);
            }
        }
    }
    Ok(table)
}

/// A ticket that any organization could get.
struct Story {
    title: &'static str,
    /// Where it is sent and what, for Marlow County or the other client.
    ticket: fn(bool) -> (&'static str, Value),
}

const STORIES: [Story; 3] = [
    Story { title: "A password reset", ticket: password },
    Story { title: "The revenue portal is down", ticket: outage },
    Story { title: "A new laptop", ticket: laptop },
];

fn password(is_marlow: bool) -> (&'static str, Value) {
    let requester =
        if is_marlow { "jonas.weiss@marlow.example" } else { "ben.adeyemi@fennel.example" };
    let body = json!({
        "requester": requester,
        "channel": "portal",
        "short_description": "I forgot my password",
        "description": "It worked before my holidays. Please reset it.",
    });
    ("incidents", body)
}

fn outage(is_marlow: bool) -> (&'static str, Value) {
    let requester =
        if is_marlow { "helen.marsh@marlow.example" } else { "samir.haddad@fennel.example" };
    let body = json!({
        "requester": requester,
        "channel": "phone",
        "short_description": "The revenue portal is down",
        "description": "Nobody can open it since half past eight, it shows a white page.",
    });
    ("incidents", body)
}

fn laptop(is_marlow: bool) -> (&'static str, Value) {
    let requester =
        if is_marlow { "jonas.weiss@marlow.example" } else { "petra.novak@fennel.example" };
    let body = json!({
        "requester": requester,
        "channel": "portal",
        "short_description": "A laptop for visits outside",
        "catalog_item": "laptop",
        "answers": { "reason": "My PC stays at the desk, and I no longer do." },
    });
    ("requests", body)
}

/// Where a ticket stands: its priority, who has it, what it waits for.
fn outcome(ticket: &Value) -> String {
    let team = text(&ticket["team"]["name"]);
    let owner = match ticket["assignee"]["name"].as_str() {
        Some(assignee) => format!("{assignee} of {team}"),
        None => team,
    };
    let waits = match ticket["waiting_on"]["what"].as_str() {
        Some("approvers") => ", waits for approval",
        _ => "",
    };
    format!(
        "{}, {}, priority {}, {owner}{waits}",
        text(&ticket["number"]),
        text(&ticket["category"]),
        ticket["priority"]["value"],
    )
}

/// What became of an answer, in the policy's words.
fn reasons(decision: &Value) -> String {
    let kind = text(&decision["outcome"]["kind"]);
    let said: Vec<&str> =
        decision["reasons"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    match (kind.as_str(), said.as_slice()) {
        ("applied", [_, ..]) => said.join("; "),
        (_, []) => kind,
        (_, [_, ..]) => format!("{kind}: {}", said.join("; ")),
    }
}
