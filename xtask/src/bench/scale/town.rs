//! The organization with a million tickets, below the demo's provider, and the rows that become its
//! tickets. Everything is counted, so that every run writes the same.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::desks::{self, FENNEL, MARLOW};

/// Its key.
pub(super) const KEY: &str = "great-town";

/// How many people ask, and how many work for them, in teams with a service each.
const PEOPLE: usize = 5_000;
const AGENTS: usize = 100;
const TEAMS: usize = 20;
/// How many people decide for others.
const MANAGERS: usize = 20;

/// The first ticket is opened on the first of January 2024, in seconds since 1970, and the last
/// two years later.
const FROM: usize = 1_704_067_200;
const DAYS: usize = 730;

/// One of so many tickets asks for something, concerns everybody, has the tag.
const ASKS: usize = 20;
const IS_URGENT: usize = 100;
const IS_TAGGED: usize = 10_000;
pub(super) const TAG: &str = "recall";

pub(super) fn person(place: usize) -> String {
    format!("person-{:04}@great-town.example", place % PEOPLE + 1)
}

pub(super) fn agent(place: usize) -> String {
    format!("agent-{:03}@great-town.example", place % AGENTS + 1)
}

pub(super) fn manager(place: usize) -> String {
    format!("manager-{:02}@great-town.example", place % MANAGERS + 1)
}

pub(super) fn team(place: usize) -> String {
    format!("team-{:02}", place % TEAMS + 1)
}

pub(super) fn service(place: usize) -> String {
    format!("service-{:02}", place % TEAMS + 1)
}

pub(super) fn ci(place: usize) -> String {
    format!("ci-{:02}", place % TEAMS + 1)
}

/// The words that only one ticket has in its short description.
pub(super) fn case(place: usize) -> String {
    format!("case {place:07}")
}

/// The desk file: people, teams, services, and the policy that gives tickets to teams.
pub(super) fn desk_file() -> Result<String> {
    // Nothing closes by itself: what was filled in may be measured on any day.
    let mut file = format!(
        "[organization]\nkey = \"{KEY}\"\nname = \"Great Town\"\nkind = \"client\"\nparent = \"harbor-it\"\n\
         auto_close_days = 3650\n"
    );
    let mut person = |name: &str, email: String, role: &str, manager: Option<String>| {
        let manager =
            manager.map(|manager| format!("manager = \"{manager}\"\n")).unwrap_or_default();
        write!(
            file,
            "\n[[people]]\nname = \"{name}\"\nemail = \"{email}\"\nrole = \"{role}\"\n{manager}"
        )
    };
    for place in 0..MANAGERS {
        person(&format!("Manager {}", place + 1), manager(place), "requester", None)?;
    }
    for place in 0..AGENTS {
        person(&format!("Agent {}", place + 1), agent(place), "agent", Some(manager(place)))?;
    }
    for place in 0..PEOPLE {
        let name = format!("Person {}", place + 1);
        person(&name, self::person(place), "requester", Some(manager(place)))?;
    }
    for place in 0..TEAMS {
        let members: Vec<String> = (0..AGENTS / TEAMS)
            .map(|step| format!("\"{}\"", agent(place + step * TEAMS)))
            .collect();
        let (team, service, ci) = (team(place), service(place), ci(place));
        write!(
            file,
            "\n[[teams]]\nkey = \"{team}\"\nname = \"Team {0}\"\nlead = {1}\nmembers = [{2}]\n\
             \n[[services]]\nkey = \"{service}\"\nname = \"Service {0}\"\ncriticality = \"medium\"\n\
             support_team = \"{team}\"\n\
             \n[[cis]]\nkey = \"{ci}\"\nname = \"{ci}\"\nclass = \"server\"\ncriticality = \"medium\"\n\
             service = \"{service}\"\nsupport_team = \"{team}\"\n",
            place + 1,
            members[0],
            members.join(", "),
        )?;
    }
    // The provider's categorizer knows these.
    let marlow = fs::read_to_string(desks::desk_file(MARLOW)).context("reading a desk file")?;
    let from = marlow.find("[[categories]]").context("finding its categories")?;
    let to = marlow.find("[[catalog]]").context("finding the end of its categories")?;
    write!(file, "\n{}", &marlow[from..to])?;
    file.push_str(
        "[policies]\nteam-router = \"team-router.wasm\"\n\
         \n[[bindings]]\nname = \"town-teams\"\nhooks = [\"route\"]\npolicy = \"team-router\"\n\
         settings = { rules = [{ name = \"its team\", to = { support_team_of = \"service\" } }] }\n",
    );
    Ok(file)
}

/// The desk file that has requests wait for their requester's manager.
pub(super) fn votes_file() -> String {
    format!(
        "[organization]\nkey = \"{KEY}\"\n\
         \n[policies]\napproval-chain = \"approval-chain.wasm\"\n\
         \n[[bindings]]\nname = \"town-votes\"\nhooks = [\"plan\", \"stalled\"]\npolicy = \"approval-chain\"\n\
         settings = {{ otherwise = \"ask_manager\" }}\n"
    )
}

/// Writes the rows, the oldest first: the demo's texts again and again.
pub(super) fn write_csv(path: &Path, count: usize) -> Result<()> {
    let mut writer = csv::Writer::from_path(path).context("creating the file to import")?;
    writer.write_record([
        "number",
        "kind",
        "opened_at",
        "requester",
        "service",
        "ci",
        "impact",
        "urgency",
        "tags",
        "short_description",
        "description",
    ])?;
    let texts = [desks::rows(MARLOW)?, desks::rows(FENNEL)?].concat();
    for place in 0..count {
        let text = &texts[place % texts.len()];
        let is = |one_of: usize| place % one_of == one_of / 2;
        let short: String = text.short_description.chars().take(200).collect();
        let number = format!("S-{place}");
        let opened_at = opened(place, count).to_string();
        // Strides without a common divisor: everybody asks about everything.
        let (requester, service) = (person(place * 7), service(place * 3 + place / TEAMS));
        let ci = if place % 4 == 0 { ci(place / 4) } else { String::new() };
        let short = format!("{short}, {}", case(place));
        writer.write_record([
            number.as_str(),
            if is(ASKS) { "request" } else { "incident" },
            &opened_at,
            &requester,
            &service,
            &ci,
            if is(IS_URGENT) { "1" } else { "2" },
            ["1", "2", "3"][if is(IS_URGENT) { 0 } else { 1 + place % 2 }],
            if is(IS_TAGGED) { TAG } else { "" },
            &short,
            &text.description,
        ])?;
    }
    writer.flush().context("writing the file to import")
}

/// When a ticket was opened, in seconds since 1970.
fn opened(place: usize, of: usize) -> usize {
    FROM + DAYS * 86_400 / of.max(1) * place + place % 60
}

/// The same as a moment of the API; on the first of a month.
pub(super) fn opened_rfc3339(place: usize, of: usize) -> String {
    month(place * 24 / of.max(1))
}

/// The beginning of one of the 24 months in which tickets were opened.
pub(super) fn month(place: usize) -> String {
    let place = place % 24;
    format!("{}-{:02}-01T00:00:00Z", 2024 + place / 12, place % 12 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_come_in_one_after_the_other_within_their_two_years() {
        for count in [10, 1_000, 1_000_000] {
            assert!(opened(0, count) < opened(1, count), "{count}");
            assert!(opened(count - 1, count) < FROM + DAYS * 86_400 + 60, "{count}");
        }
        assert_eq!([month(0), month(23)], ["2024-01-01T00:00:00Z", "2025-12-01T00:00:00Z"]);
    }

    #[test]
    fn every_team_has_members_and_everybody_has_a_manager() {
        let file = desk_file().unwrap();
        assert_eq!(file.matches("[[people]]").count(), PEOPLE + AGENTS + MANAGERS);
        assert_eq!(file.matches("[[teams]]").count(), TEAMS);
        assert_eq!(file.matches("\nmanager = ").count(), PEOPLE + AGENTS);
        assert!(file.contains("members = [\"agent-001@great-town.example\", \"agent-021@"));
        assert!(file.contains("path = \"access/password\"") && !file.contains("[[catalog]]"));
    }
}
