//! What is asked of the API: every list with each of its filters, and what is told of one ticket.

use std::fmt;

use anyhow::Result;

use super::town;
use crate::bench::seeded::Seeded;
use crate::desks;
use crate::waypost::Waypost;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// Somebody of the desk.
    Agent,
    /// Somebody who has opened tickets.
    Requester,
    /// Somebody whose vote is waited for.
    Manager,
    /// Whoever keeps the directory.
    Admin,
}

/// The tokens of those who ask.
#[derive(Debug)]
pub(super) struct Callers {
    agents: Vec<String>,
    requesters: Vec<String>,
    managers: Vec<String>,
    admin: Vec<String>,
}

/// So many of each ask in turn.
const EACH: usize = 5;

impl Callers {
    pub(super) fn new(waypost: &Waypost) -> Result<Self> {
        let of = |role: &str, email: fn(usize) -> String| {
            let token = |place| desks::token_of(waypost, town::KEY, role, &email(place * 7));
            (0..EACH).map(token).collect::<Result<Vec<_>>>()
        };
        Ok(Self {
            agents: of("agent", town::agent)?,
            requesters: of("requester", town::person)?,
            managers: of("requester", town::manager)?,
            admin: vec![desks::token(waypost, town::KEY)?],
        })
    }

    /// The token of whoever asks for the `turn`-th time.
    pub(super) fn token(&self, whose: Whose, turn: usize) -> &str {
        let tokens = match whose {
            Whose::Agent => &self.agents,
            Whose::Requester => &self.requesters,
            Whose::Manager => &self.managers,
            Whose::Admin => &self.admin,
        };
        &tokens[turn % tokens.len()]
    }

    pub(super) fn admin(&self) -> &str {
        self.token(Whose::Admin, 0)
    }
}

/// The filters of lists of tickets. What is in braces is another one with each request.
const FILTERS: &[&str] = &[
    "",
    "order=updated",
    "active=true",
    "active=false",
    "active=true&order=queue",
    "active=true&order=queue&team={team}",
    "active=true&order=queue&assigned=false",
    "active=true&order=queue&priority=1,2",
    "team={team}",
    "assignee={agent}",
    "assignee={agent}&active=true",
    "assignee={agent}&active=true&order=queue",
    "assigned=true",
    "assigned=false",
    "state=new",
    "state=in_progress",
    "state=on_hold",
    "state=resolved",
    "state=closed",
    "state=cancelled",
    "state=awaiting_approval",
    "phase=open",
    "phase=on_hold",
    "phase=done",
    "phase=closed",
    "phase=rejected",
    "requester={person}",
    "requester={person}&active=true",
    "priority=1",
    "priority=5",
    "category=access",
    "category=security/malware",
    "service={service}",
    "service={service}&active=true",
    "ci={ci}",
    "tag={tag}",
    "tag=nobody-has-it",
    "text=password",
    "text={case}",
    "text=nobody+wrote+it",
    "waiting_on=team",
    "waiting_on=assignee",
    "waiting_on=caller",
    "waiting_on=vendor",
    "waiting_on=approvers",
    "waiting_on=approver_missing",
    "waiting_on=confirmation",
    "waiting_on=tasks",
    "waiting_before={month}",
    "policy_failures=true",
    "major_state=accepted",
    "major_state=none",
    "parent={incident}",
    "problem={problem}",
    "order_id=00000000-0000-0000-0000-000000000001",
    "opened_from={month}",
    "opened_to={month}",
    "opened_from=2024-06-01T00:00:00Z&opened_to={month}&order=updated",
    "count=true",
    "count=true&active=true",
    "count=true&active=true&team={team}",
    "count=true&requester={person}",
    "count=true&text=password",
];

/// The filters with which the other kinds are asked for, of which there are few, and requesters ask
/// for their own tickets.
const SOME_FILTERS: &[&str] =
    &["", "order=updated", "active=true", "active=true&order=queue", "state=closed", "count=true"];

/// What is told of one ticket.
const OF_ONE: &[&str] =
    &["", "/explain", "/events", "/receipts", "/comments", "/links", "/tasks", "/actions"];

/// Other lists of the organization.
const OTHERS: &[(Whose, &str)] = &[
    (Whose::Manager, "/approvals/mine"),
    (Whose::Admin, "/events"),
    (Whose::Admin, "/events?from={month}"),
    (Whose::Admin, "/receipts"),
    (Whose::Admin, "/receipts?outcome=failed"),
    (Whose::Admin, "/receipts?hook=route"),
    (Whose::Admin, "/outbox"),
    (Whose::Admin, "/people"),
    (Whose::Agent, "/teams"),
];

/// Something that is asked.
#[derive(Debug, Clone)]
pub(super) struct Question {
    whose: Whose,
    /// Its address below the API, with what differs in braces.
    address: String,
    /// Whether each request asks for the page behind the last one.
    turns_pages: bool,
    /// How many tickets there are to ask about.
    tickets: usize,
}

/// Every question about an organization with so many tickets.
pub(super) fn all(tickets: usize) -> Vec<Question> {
    let mut all = Vec::new();
    let mut add = |whose: Whose, address: String| {
        all.push(Question { whose, address, turns_pages: false, tickets });
    };
    for (collection, whose, filters) in [
        ("tickets", Whose::Agent, FILTERS),
        ("incidents", Whose::Agent, FILTERS),
        ("requests", Whose::Agent, SOME_FILTERS),
        ("problems", Whose::Agent, SOME_FILTERS),
        ("tasks", Whose::Agent, SOME_FILTERS),
        ("tickets", Whose::Requester, SOME_FILTERS),
        ("tasks", Whose::Requester, SOME_FILTERS),
    ] {
        for filter in filters {
            let mark = if filter.is_empty() { "" } else { "?" };
            add(whose, format!("/{collection}{mark}{filter}"));
        }
    }
    for part in OF_ONE {
        add(Whose::Agent, format!("/incidents/{{incident}}{part}"));
    }
    for (whose, address) in OTHERS {
        add(*whose, (*address).to_owned());
    }
    for address in ["/tickets", "/tickets?order=updated", "/tickets?active=true&order=queue"] {
        let address = address.to_owned();
        all.push(Question { whose: Whose::Agent, address, turns_pages: true, tickets });
    }
    all
}

impl Question {
    pub(super) fn whose(&self) -> Whose {
        self.whose
    }

    /// The address that is asked for the `turn`-th time.
    pub(super) fn path(&self, turn: usize, next: Option<&str>) -> String {
        let mut path = format!("/api/v1{}", self.address);
        if path.contains('{') {
            // Another one each time, and in each run the same ones.
            let place = Seeded::new(turn as u64).below(self.tickets as u64);
            let place = usize::try_from(place).unwrap_or_default();
            for (name, value) in [
                ("{person}", town::person(place)),
                ("{agent}", town::agent(place)),
                ("{team}", town::team(place)),
                ("{service}", town::service(place)),
                ("{ci}", town::ci(place)),
                ("{tag}", town::TAG.to_owned()),
                ("{case}", town::case(place).replace(' ', "+")),
                ("{month}", town::month(place)),
                ("{incident}", format!("INC{:07}", place % (self.tickets / 2).max(1) + 1)),
                ("{problem}", format!("PRB{:07}", place % super::PROBLEMS + 1)),
            ] {
                path = path.replace(name, &value);
            }
        }
        match next.filter(|_| self.turns_pages) {
            Some(next) => {
                let mark = if path.contains('?') { '&' } else { '?' };
                format!("{path}{mark}after={next}")
            }
            None => path,
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = match self.whose {
            Whose::Agent => "",
            Whose::Requester => ", a requester",
            Whose::Manager => ", a manager",
            Whose::Admin => ", an administrator",
        };
        let pages = if self.turns_pages { ", page after page" } else { "" };
        write!(f, "{}{whose}{pages}", self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_names_something_that_is_there() {
        for question in all(1_000) {
            for turn in 0..50 {
                let path = question.path(turn, None);
                assert!(path.starts_with("/api/v1/") && !path.contains(['{', ' ']), "{path}");
            }
        }
    }

    #[test]
    fn no_two_questions_are_the_same() {
        let mut names: Vec<String> = all(1_000).iter().map(ToString::to_string).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn only_who_turns_pages_asks_for_the_next_one() {
        let questions = all(1_000);
        let of = |name: &str| {
            let found = questions.iter().find(|question| question.to_string() == name);
            found.unwrap().path(0, Some("cursor"))
        };
        assert_eq!(of("/tickets"), "/api/v1/tickets");
        assert_eq!(of("/tickets, page after page"), "/api/v1/tickets?after=cursor");
        let queue = "/tickets?active=true&order=queue, page after page";
        assert_eq!(of(queue), "/api/v1/tickets?active=true&order=queue&after=cursor");
    }
}
