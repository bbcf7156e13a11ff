//! Tickets as pages show them: where one stands, whom it waits for, what happened to it.

use waypost_app::{
    comments::CommentView,
    tickets::{Added, History, TicketView},
};
use waypost_domain::{
    catalog::Money,
    comment::Visibility,
    event::{ActorKind, Event},
    ids::PersonId,
    incident::MajorState,
    ticket::{Action, Phase, State, Ticket, TicketKind},
    waiting::{WaitingFor, WaitingOn},
};

use crate::{
    portal::catalog::money,
    text::{Html, html},
    time::When,
    viewer::Viewer,
};

/// A ticket as a row of a list.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) href: String,
    pub(crate) number: String,
    pub(crate) title: String,
    pub(crate) state: Badge,
    pub(crate) priority: u8,
    pub(crate) team: String,
    pub(crate) service: Option<String>,
    pub(crate) assignee: Option<String>,
    pub(crate) waits: Option<Waits>,
    pub(crate) opened: When,
    pub(crate) updated: When,
    pub(crate) expected: Option<When>,
    pub(crate) is_major: bool,
    /// Whether a policy failed on it.
    pub(crate) is_degraded: bool,
}

/// Where a ticket stands: a word, and the phase that says how it looks.
#[derive(Debug, Clone)]
pub(crate) struct Badge {
    pub(crate) word: String,
    /// `open`, `on_hold`, `done`, …
    pub(crate) phase: &'static str,
}

/// Whom or what a ticket waits for.
#[derive(Debug, Clone)]
pub(crate) struct Waits {
    pub(crate) word: String,
    pub(crate) since: When,
    /// Whether it is the viewer.
    pub(crate) is_you: bool,
}

/// One of the steps that a ticket goes through.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) word: String,
    /// `done`, `now` or `later`.
    pub(crate) place: &'static str,
}

/// Something that happened to a ticket, or was said about it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) at: When,
    pub(crate) who: String,
    /// The person, where it was one.
    pub(crate) by: Option<PersonId>,
    pub(crate) what: Told,
}

/// What an entry tells.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    /// Somebody said something.
    Said { text: Html, is_internal: bool },
    /// Something was done.
    Did { action: String, reason: Option<Html>, changes: Vec<Change> },
    /// Several things were decided at the same moment, by nobody in person.
    Decided { entries: Vec<Entry> },
}

/// A field that changed.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// The field's name in the domain.
    pub(crate) name: String,
    pub(crate) field: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

/// A state as a word.
pub(crate) fn badge(viewer: &Viewer, state: State, phase: Phase) -> Badge {
    Badge { word: viewer.words.name("state", state.as_str()), phase: phase.as_str() }
}

/// A ticket as a row, on the desk's pages or the portal's.
pub(crate) fn row(viewer: &Viewer, view: &TicketView, page: &str) -> Row {
    let ticket = &view.ticket;
    let is_major = ticket.incident().is_some_and(|incident| {
        matches!(
            incident.major.state(),
            MajorState::Proposed | MajorState::Accepted | MajorState::Review
        )
    });
    Row {
        href: viewer.at(&format!("{page}/{}", ticket.number)),
        number: ticket.number.clone(),
        title: ticket.short_description.clone(),
        state: badge(viewer, ticket.state(), ticket.phase()),
        priority: view.priority.0.0,
        team: viewer.words.team(view),
        service: view.service.as_ref().map(|service| service.name.clone()),
        assignee: view.assignee.as_ref().map(|person| viewer.words.person(person)),
        waits: view.waiting_on.as_ref().map(|on| waits(viewer, view, on)),
        opened: viewer.clock.when(ticket.opened_at),
        updated: viewer.clock.when(ticket.updated_at),
        expected: expected(ticket).map(|at| viewer.clock.at(at)),
        is_major,
        is_degraded: ticket.policy_failures.is_some() && viewer.is_desk(),
    }
}

/// Whom or what a ticket waits for.
pub(crate) fn waits(viewer: &Viewer, view: &TicketView, on: &WaitingOn) -> Waits {
    let me = viewer.caller().person();
    let is_mine = |person: &PersonId| me == Some(*person);
    let is_you = match &on.what {
        WaitingFor::Approvers(people) => people.iter().any(is_mine),
        WaitingFor::Evidence(person) | WaitingFor::Assignee(person) => is_mine(person),
        WaitingFor::Caller | WaitingFor::Confirmation { .. } => {
            view.ticket.requester.as_ref().is_some_and(is_mine)
        }
        WaitingFor::ApproverMissing
        | WaitingFor::Vendor(_)
        | WaitingFor::Problem(_)
        | WaitingFor::Other(_)
        | WaitingFor::Tasks
        | WaitingFor::Team(_) => false,
    };
    let kind = || viewer.words.name("waiting", on.what.as_str());
    let word = match &on.what {
        _ if is_you => viewer.words.text.waits_for_you(),
        WaitingFor::Assignee(_) => {
            view.assignee.as_ref().map_or_else(kind, |person| viewer.words.person(person))
        }
        WaitingFor::Team(_) => viewer.words.team(view),
        WaitingFor::Vendor(what) | WaitingFor::Other(what) => what.clone(),
        WaitingFor::Approvers(_)
        | WaitingFor::ApproverMissing
        | WaitingFor::Caller
        | WaitingFor::Evidence(_)
        | WaitingFor::Problem(_)
        | WaitingFor::Tasks
        | WaitingFor::Confirmation { .. } => kind(),
    };
    Waits { word, since: viewer.clock.since(on.since), is_you }
}

/// When it should be there, or work again; none once it is over.
pub(crate) fn expected(ticket: &Ticket) -> Option<chrono::DateTime<chrono::Utc>> {
    let expected = ticket.eta.or_else(|| ticket.request().and_then(|it| it.expected_at));
    expected.filter(|_| ticket.phase().is_active())
}

/// The steps from the report to the end, as whoever asked for it sees them; none of a task, which
/// is done or not.
pub(crate) fn steps(viewer: &Viewer, ticket: &Ticket, is_decided_on: bool) -> Vec<Step> {
    let t = &viewer.words.text;
    let phase = ticket.phase();
    if ticket.kind() == TicketKind::Task {
        return Vec::new();
    }
    if matches!(phase, Phase::Cancelled | Phase::Rejected) {
        let word = viewer.words.name("state", ticket.state().as_str());
        return vec![Step { word: t.step_received(), place: "done" }, Step { word, place: "now" }];
    }
    let mut words = vec![t.step_received()];
    let has_approval = is_decided_on || ticket.state() == State::AwaitingApproval;
    if ticket.kind() == TicketKind::Request {
        words.extend(has_approval.then(|| t.step_approval()));
        words.push(t.step_fulfilled());
        words.push(t.step_delivered());
    } else {
        words.push(t.step_worked_on());
        words.push(t.step_solved());
    }
    words.push(t.step_closed());
    let is_request = ticket.kind() == TicketKind::Request;
    let now = match (ticket.state(), phase) {
        (_, Phase::Closed) => words.len() - 1,
        (_, Phase::Done) => words.len() - 2,
        (State::New | State::Open | State::Waiting, _) => 0,
        (State::AwaitingApproval, _) => 1,
        _ if is_request && has_approval => 2,
        _ => 1,
    };
    words
        .into_iter()
        .enumerate()
        .map(|(place, word)| Step {
            word,
            place: match place.cmp(&now) {
                std::cmp::Ordering::Less => "done",
                std::cmp::Ordering::Equal => "now",
                std::cmp::Ordering::Greater => "later",
            },
        })
        .collect()
}

/// What was said and done, the latest first. What whoever reads it need not know is left out.
pub(crate) fn history(viewer: &Viewer, history: &History, is_desk: bool) -> Vec<Entry> {
    let mut entries: Vec<(chrono::DateTime<chrono::Utc>, Entry)> = Vec::new();
    for event in &history.events {
        if is_told(event, is_desk) {
            entries.push((event.at, did(viewer, event, history, is_desk)));
        }
    }
    let comments = history.comments.iter().map(|one| (one.comment.created_at, said(viewer, one)));
    entries.extend(comments);
    entries.sort_by_key(|(at, _)| *at);
    let mut grouped = if is_desk { grouped(entries) } else { bare(entries) };
    grouped.reverse();
    grouped
}

/// Whether an event stands in the history by itself.
fn is_told(event: &Event, is_desk: bool) -> bool {
    // What was said stands as a comment.
    let is_said = matches!(event.action, Action::Comment | Action::Note | Action::CallerReply);
    let moves = event.changes.iter().any(|change| change.field == "state");
    if is_desk {
        !is_said || moves
    } else {
        moves || matches!(event.action, Action::Create | Action::SetEta)
    }
}

/// Whether the history of somebody who is not of the desk is longer by what was added to it.
pub(crate) fn is_longer_by(added: &Added) -> bool {
    added.is_said || added.events.iter().any(|event| is_told(event, false))
}

fn bare(entries: Vec<(chrono::DateTime<chrono::Utc>, Entry)>) -> Vec<Entry> {
    entries.into_iter().map(|(_, entry)| entry).collect()
}

/// One row for what policies and the desk itself decided at the same moment.
fn grouped(entries: Vec<(chrono::DateTime<chrono::Utc>, Entry)>) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    let mut together: Vec<(chrono::DateTime<chrono::Utc>, Entry)> = Vec::new();
    let close = |together: &mut Vec<(chrono::DateTime<chrono::Utc>, Entry)>,
                 all: &mut Vec<Entry>| {
        let entries = bare(std::mem::take(together));
        if entries.len() < 3 {
            all.extend(entries);
        } else {
            let (at, who) = (entries[0].at.clone(), entries[0].who.clone());
            all.push(Entry { at, who, by: None, what: Told::Decided { entries } });
        }
    };
    for (at, entry) in entries {
        let is_decided = entry.who.is_empty() && matches!(entry.what, Told::Did { .. });
        if !is_decided || together.first().is_some_and(|(first, _)| *first != at) {
            close(&mut together, &mut all);
        }
        if is_decided {
            together.push((at, entry));
        } else {
            all.push(entry);
        }
    }
    close(&mut together, &mut all);
    all
}

fn did(viewer: &Viewer, event: &Event, history: &History, is_desk: bool) -> Entry {
    let (words, people) = (viewer.words, &history.people);
    let name = |id: &str| {
        let id = id.parse::<PersonId>().ok()?;
        people.get(&id).cloned()
    };
    let called = |id: PersonId| words.person(&waypost_app::person_name(people, id));
    // Of whom the organization need not know any more who they are, no id is shown either.
    let person = |id: &str| id.parse::<PersonId>().map_or_else(|_| id.to_owned(), &called);
    let value = |field: &str, value: &String| match (field, value.as_str()) {
        (_, "true") => words.text.yes(),
        (_, "false") => words.text.no(),
        ("state", state) => words.name("state", state),
        (field, state) if vote_in(field).is_some_and(|vote| vote.2.is_none()) => {
            words.name("seat", state)
        }
        (field, id) if vote_in(field).is_some() => person(id),
        ("major" | "major_state", state) => words.name("major", state),
        ("kind", kind) => words.name("kind", kind),
        ("channel" | "awaiting" | "priority_source", option) => {
            words.name("option", &format!("{field}-{option}"))
        }
        ("links", link) => match link.split_once(' ') {
            Some((how, number)) => format!("{} {number}", words.name("link", how)),
            None => link.to_owned(),
        },
        (code, value) if code.ends_with("_code") => words.name("code", value),
        ("cost", cost) => priced(viewer, cost).unwrap_or_else(|| cost.to_owned()),
        // Events keep times as programs write them.
        (field, text) => match chrono::DateTime::parse_from_rfc3339(text) {
            Ok(at) => viewer.clock.at(at.to_utc()).short,
            Err(_) => history
                .named(field, text, |person| words.person(person))
                .or_else(|| name(text))
                .or_else(|| decides_by_itself(event).then(|| words.retold(text)).flatten())
                .unwrap_or_else(|| text.to_owned()),
        },
    };
    let changes = event
        .changes
        .iter()
        .filter(|change| is_desk || change.field == "state")
        .filter(|_| event.action != Action::Create)
        // What came of a round and its steps is told by the approval beside.
        .filter(|change| !change.field.starts_with("approval/") || vote_in(&change.field).is_some())
        .map(|change| Change {
            name: change.field.clone(),
            field: match vote_in(&change.field) {
                Some((step, voter, None)) => format!("{}: {}", words.step(step), person(voter)),
                Some((step, ..)) => {
                    format!("{}: {}", words.step(step), words.name("field", "instead_of"))
                }
                None => words.name("field", &change.field),
            },
            before: change.before.as_ref().map(|before| value(&change.field, before)),
            after: change.after.as_ref().map(|after| value(&change.field, after)),
        })
        .collect();
    let who = match (event.actor.kind, event.actor.person) {
        (ActorKind::Mail, Some(person)) if event.action == Action::Vote => {
            words.text.voted_by_link(called(person))
        }
        (_, Some(person)) => called(person),
        // Who decides by itself is told by what it did.
        (ActorKind::Policy | ActorKind::System, None) => String::new(),
        (kind, None) => words.name("actor", kind.as_str()),
    };
    let action = words.name("done", event.action.as_str());
    let reason = event.reason.as_deref().filter(|reason| !reason.is_empty());
    // Of these, people are asked for no reason, or take one over from a suggestion.
    let is_ours = matches!(
        event.action,
        Action::Edit
            | Action::Comment
            | Action::Note
            | Action::CallerReply
            | Action::Convert
            | Action::AcceptSuggestion
            | Action::DismissSuggestion
    );
    let is_ours = is_ours || decides_by_itself(event);
    let told = |reason| if is_ours { words.retell_ours(reason) } else { Html::plain(reason) };
    let reason = reason.map(told);
    let by = event.actor.person;
    Entry { at: viewer.clock.when(event.at), who, by, what: Told::Did { action, reason, changes } }
}

/// An amount of money, which events keep in minor units: `150000 EUR`.
fn priced(viewer: &Viewer, amount: &str) -> Option<String> {
    let (minor_units, currency) = amount.split_once(' ')?;
    let minor_units = minor_units.parse().ok()?;
    Some(money(viewer, &Money { minor_units, currency: currency.to_owned() }))
}

/// Whether nobody in person did it, or its reason and what it leaves are the desk's words.
fn decides_by_itself(event: &Event) -> bool {
    matches!(event.actor.kind, ActorKind::Policy | ActorKind::System)
        || event.action == Action::MergeInto
}

/// The step and the voter of a change of a vote, and whether it is about whose vote it is.
fn vote_in(field: &str) -> Option<(&str, &str, Option<&str>)> {
    let mut parts = field.strip_prefix("approval/")?.split('/').skip(2);
    let (step, voter, of) = (parts.next()?, parts.next()?, parts.next());
    (of.is_none() || of == Some("seat")).then_some((step, voter, of))
}

fn said(viewer: &Viewer, view: &CommentView) -> Entry {
    let comment = &view.comment;
    let who = match &view.author {
        Some(person) if viewer.caller().person() == Some(person.id) => viewer.words.text.you(),
        Some(person) => viewer.words.person(person),
        None => viewer.words.name("actor", comment.author.kind.as_str()),
    };
    let is_by_desk = comment.author.kind == ActorKind::System;
    let ours = is_by_desk.then(|| viewer.words.retold(&comment.text)).flatten();
    Entry {
        at: viewer.clock.when(comment.created_at),
        who,
        by: comment.author.person,
        what: Told::Said {
            text: html(ours.as_deref().unwrap_or(&comment.text)),
            is_internal: comment.visibility == Visibility::Internal,
        },
    }
}
