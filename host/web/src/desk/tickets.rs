//! The ticket page of the desk: everything about a ticket, why it is here, and what can be done.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use waypost_app::{
    CommandError, PageRequest,
    approvals::{self, ApprovalView},
    explain, suggestions,
    tickets::{self, TicketQuery, TicketRef, TicketView},
};
use waypost_domain::{
    approval::{SeatRequest, SeatState},
    suggestion::SuggestionState,
    ticket::{Action, ActionHint, TicketKind},
};

use super::{
    queue::must_be_desk,
    why::{Because, because},
};
use crate::{
    WebState,
    choices::Choices,
    error::PageError,
    form::{Faults, Field, Fields, Form, Problem, Query, Widget},
    live::News,
    page::{Page, show as show_page},
    portal::{
        approvals::{Stage, stages},
        catalog::answers,
        my::Doing,
    },
    text::{Html, html},
    ticket::{Badge, Entry, Row, Told, Waits, badge, history, row, waits},
    time::When,
    viewer::Viewer,
};

#[derive(Template)]
#[template(path = "desk/ticket.html")]
pub(super) struct TicketPage {
    p: Page,
    number: String,
    version: i64,
    kind: String,
    priority: u8,
    state: Badge,
    major: Option<String>,
    waits: Option<Waits>,
    opened: When,
    updated: When,
    requester: Option<String>,
    description: Option<Html>,
    outcome: Option<Html>,
    facts: Vec<(String, String)>,
    entries: Vec<Entry>,
    why: Vec<Because>,
    decisions: u32,
    suggestions: Vec<Suggestion>,
    stages: Vec<Stage>,
    approval_outcome: String,
    parent: Option<Link>,
    problem: Option<Link>,
    links: Vec<Link>,
    tasks: Vec<Row>,
    children: Vec<Row>,
    /// What one does most, and everything else.
    main: Vec<Doing>,
    more: Vec<Doing>,
    say: Vec<Saying>,
    problems: Vec<Problem>,
    /// Where the viewer casts the vote that is asked of them.
    vote: Option<String>,
    once: String,
    news: News,
    /// Where it is asked where the ticket would be if something was different.
    what_if: Option<String>,
}

impl TicketPage {
    fn news_since(&self, viewer: &Viewer, seen: Option<&str>) -> News {
        News::of_ticket(viewer, PAGE, (&self.number, self.version), &self.entries, seen)
    }
}

/// A text that can be written here: a reply, a note.
struct Saying {
    action: String,
    field: Field,
    label: String,
    /// The key that opens it.
    key: &'static str,
    is_internal: bool,
    is_open: bool,
}

/// A ticket that this one has to do with.
struct Link {
    what: String,
    href: String,
    number: String,
    title: String,
}

/// What a policy would set.
struct Suggestion {
    field: String,
    value: String,
    reason: String,
    accept: Option<String>,
    dismiss: Option<String>,
    id: String,
}

/// Where tickets are.
const PAGE: &str = "desk/tickets";
/// So many children of an incident, or incidents of a problem, are listed.
const CHILDREN: u16 = 50;

pub(crate) async fn show(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, number)): Path<(String, String)>,
    query: Query,
) -> Result<Response, PageError> {
    let page = page(&state, &viewer, &number, None, &Faults::default()).await?;
    let news = page.news_since(&viewer, query.get("seen"));
    Ok(show_page(&TicketPage { p: page.p.telling(&query), news, ..page }))
}

pub(super) async fn page(
    state: &WebState,
    viewer: &Viewer,
    number: &str,
    form: Option<(Action, &Form)>,
    faults: &Faults,
) -> Result<TicketPage, PageError> {
    must_be_desk(viewer)?;
    let (desk, caller) = (&state.desk, viewer.caller());
    let named = TicketRef::parse(number);
    let view = tickets::find(desk, caller, &named).await?;
    let ticket = &view.ticket;
    let told = tickets::history(desk, caller, &named).await?;
    let hints = tickets::actions(desk, caller, &named).await?;
    let explained = explain::explain(desk, caller, &named).await?;
    let links = tickets::links(desk, caller, &named).await?;
    let is_task = ticket.kind() == TicketKind::Task;
    let tasks = if view.tasks.total > 0 && !is_task {
        tickets::tasks(desk, caller, &named).await?
    } else {
        Vec::new()
    };
    let children = children(state, viewer, &view).await?;
    let rounds = if ticket.can_await_approval() {
        approvals::of_ticket(desk, caller, &named).await?
    } else {
        Vec::new()
    };
    let latest = rounds.iter().max_by_key(|round| round.approval.round);
    let words = viewer.words;
    let decisions = u32::try_from(explained.decisions.len()).unwrap_or(u32::MAX);
    let (main, more) = doings(viewer, &view, &hints);
    let say = sayings(viewer, ticket.number.as_str(), &hints, form, faults);
    let major = ticket.incident().map(|it| it.major.state().as_str()).filter(|it| *it != "none");
    let entries = history(viewer, &told, true);
    let can_edit = hints.iter().any(|hint| hint.action == Action::Edit);
    let can_route = hints.iter().any(|hint| hint.action == Action::Reroute);
    let what_if = viewer.at(&format!("{PAGE}/{}/what-if", ticket.number));
    Ok(TicketPage {
        what_if: (can_edit && can_route).then_some(what_if),
        news: News::of_ticket(viewer, PAGE, (&ticket.number, ticket.version), &entries, None),
        p: Page::of_desk(viewer, ticket.short_description.clone()).refused(!faults.is_empty()),
        number: ticket.number.clone(),
        version: ticket.version,
        kind: words.name("kind", ticket.kind().as_str()),
        priority: view.priority.0.0,
        state: badge(viewer, ticket.state(), ticket.phase()),
        major: major.map(|state| words.name("major", state)),
        waits: view.waiting_on.as_ref().map(|on| waits(viewer, &view, on)),
        opened: viewer.clock.when(ticket.opened_at),
        updated: viewer.clock.when(ticket.updated_at),
        requester: view.requester.as_ref().map(|person| words.person(person)),
        description: Some(&ticket.description).filter(|it| !it.is_empty()).map(|it| html(it)),
        outcome: ticket
            .stage
            .outcome()
            .filter(|outcome| !outcome.notes.is_empty())
            .map(|outcome| html(&outcome.notes)),
        facts: facts(viewer, &view, &answers(desk, viewer, &view).await?),
        entries,
        why: because(viewer, &explained),
        decisions,
        suggestions: open_suggestions(state, viewer, &view, &hints).await?,
        stages: latest.map(|round| stages(viewer, round)).unwrap_or_default(),
        approval_outcome: latest
            .map(|round| words.name("outcome", round.approval.outcome.as_str()))
            .unwrap_or_default(),
        parent: view.parent.as_ref().map(|parent| Link {
            what: words.name("field", "parent"),
            href: viewer.at(&format!("desk/tickets/{}", parent.number)),
            number: parent.number.clone(),
            title: parent.short_description.clone(),
        }),
        problem: view.problem.as_ref().map(|problem| Link {
            what: words.name("field", "problem"),
            href: viewer.at(&format!("desk/tickets/{}", problem.name.number)),
            number: problem.name.number.clone(),
            title: problem.name.short_description.clone(),
        }),
        links: links
            .iter()
            .map(|link| Link {
                what: words.name("link", link.link_type.as_str()),
                href: viewer.at(&format!("desk/tickets/{}", link.other.number)),
                number: link.other.number.clone(),
                title: link.other.short_description.clone(),
            })
            .collect(),
        tasks: tasks.iter().map(|task| row(viewer, task, "desk/tickets")).collect(),
        children: children.iter().map(|child| row(viewer, child, "desk/tickets")).collect(),
        main,
        more,
        vote: latest.and_then(|round| own_vote(viewer, round)),
        problems: faults
            .summary(&say.iter().map(|one| one.field.clone()).collect::<Vec<_>>(), words),
        say,
        once: format!("v{}-{}", ticket.version, told.events.len()),
    })
}

/// Where the viewer casts the vote that a round asks of them, if it does.
fn own_vote(viewer: &Viewer, round: &ApprovalView) -> Option<String> {
    let me = viewer.caller().person()?;
    let is_asked = |seat: &&SeatRequest| seat.voter == me && seat.state == SeatState::Requested;
    let seat = round.approval.requests().find(is_asked)?;
    Some(viewer.at(&format!("approvals/{}", seat.id)))
}

/// The children of an incident, or the incidents of a problem.
pub(super) async fn children(
    state: &WebState,
    viewer: &Viewer,
    view: &TicketView,
) -> Result<Vec<TicketView>, CommandError> {
    let named = Some(TicketRef::Id(view.ticket.id));
    let of = TicketQuery { kinds: vec![TicketKind::Incident], ..TicketQuery::default() };
    let query = match view.ticket.kind() {
        TicketKind::Incident => TicketQuery { parent: named, ..of },
        TicketKind::Problem => TicketQuery { problem: named, ..of },
        TicketKind::Request | TicketKind::Task => return Ok(Vec::new()),
    };
    let request = PageRequest { limit: CHILDREN, after: None };
    Ok(tickets::list(&state.desk, viewer.caller(), &query, &request).await?.rows)
}

/// What is known of a ticket beside its texts.
fn facts(
    viewer: &Viewer,
    view: &TicketView,
    answers: &[(String, String)],
) -> Vec<(String, String)> {
    let words = viewer.words;
    let ticket = &view.ticket;
    let mut facts = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        facts.extend(value.map(|value| (words.name("field", name), value)));
    };
    add("requester", view.requester.as_ref().map(|it| words.person(it)));
    add("team", Some(words.team(view)));
    add("assignee", view.assignee.as_ref().map(|it| words.person(it)));
    add("category", ticket.category.as_ref().map(ToString::to_string));
    add("service", view.service.as_ref().map(|it| it.name.clone()));
    add("ci", view.ci.as_ref().map(|it| it.name.clone()));
    let cis: Vec<String> = view.cis.iter().map(|it| it.name.clone()).collect();
    add("cis", (!cis.is_empty()).then(|| cis.join(", ")));
    add("impact", ticket.impact.map(|it| it.to_string()));
    add("urgency", ticket.urgency.map(|it| it.to_string()));
    add("channel", Some(words.name("option", &format!("channel-{}", ticket.channel.as_str()))));
    add("eta", ticket.eta.map(|at| viewer.clock.at(at).short));
    if let Some(incident) = ticket.incident() {
        let affected = (incident.affected_users > 0).then(|| incident.affected_users.to_string());
        add("affected_users", affected);
    }
    if let Some(request) = ticket.request() {
        add("catalog_item", view.catalog_item.as_ref().map(|it| it.name.clone()));
        add("quantity", Some(request.quantity.to_string()).filter(|_| request.quantity > 1));
        let cost = request.cost.as_ref();
        add("cost", cost.map(|cost| crate::portal::catalog::money(viewer, cost)));
        add("expected_at", request.expected_at.map(|at| viewer.clock.at(at).short));
    }
    let tags = ticket.tags.iter().cloned().collect::<Vec<_>>().join(", ");
    add("tags", (!tags.is_empty()).then_some(tags));
    add("goes_on_in", view.goes_on_in.clone());
    facts.extend(answers.iter().cloned());
    for (name, value) in ticket.fields.iter() {
        facts.push((name.to_string(), value.to_string()));
    }
    facts
}

/// What is most likely the next thing to do.
fn main_of(hints: &[ActionHint]) -> Action {
    let next = [Action::Start, Action::Resume, Action::Resolve, Action::Fulfill, Action::Complete];
    let is_possible = |action: &Action| hints.iter().any(|hint| hint.action == *action);
    next.into_iter().find(is_possible).unwrap_or(Action::Comment)
}

/// The key that presses the button of an action.
pub(super) fn key_of(action: Action) -> Option<&'static str> {
    Some(match action {
        Action::Start => "m",
        Action::Assign => "a",
        Action::Resolve | Action::Fulfill | Action::Complete => "s",
        Action::Hold | Action::Resume => "h",
        Action::SetPriority => "p",
        Action::Edit => "e",
        Action::Link => "l",
        _ => return None,
    })
}

/// What is done most, in this order; the rest is behind it.
const MAIN: [Action; 8] = [
    Action::Start,
    Action::Assign,
    Action::Resolve,
    Action::Fulfill,
    Action::Complete,
    Action::Hold,
    Action::Resume,
    Action::Edit,
];

fn doings(viewer: &Viewer, view: &TicketView, hints: &[ActionHint]) -> (Vec<Doing>, Vec<Doing>) {
    let number = &view.ticket.number;
    let doing = |hint: &ActionHint| Doing {
        href: viewer.at(&format!("desk/tickets/{number}/do/{}", hint.action)),
        label: viewer.words.name("action", hint.action.as_str()),
        is_plain: false,
        is_main: hint.action == main_of(hints),
        key: key_of(hint.action),
    };
    let is_apart = |action: Action| {
        matches!(
            action,
            // These have their places on the page.
            Action::Comment
                | Action::Note
                | Action::CallerReply
                | Action::AcceptSuggestion
                | Action::DismissSuggestion
                | Action::Vote
        )
    };
    let main: Vec<Doing> = MAIN
        .iter()
        .filter_map(|action| hints.iter().find(|hint| hint.action == *action))
        .map(doing)
        .collect();
    let rest = hints.iter().filter(|hint| !MAIN.contains(&hint.action) && !is_apart(hint.action));
    (main, rest.map(doing).collect())
}

fn sayings(
    viewer: &Viewer,
    number: &str,
    hints: &[ActionHint],
    form: Option<(Action, &Form)>,
    faults: &Faults,
) -> Vec<Saying> {
    let none = Faults::default();
    let choices = Choices::default();
    let say = |action: Action, prefix: &'static str, is_internal: bool| {
        hints.iter().find(|hint| hint.action == action)?;
        let of_this = form.filter(|(known, _)| *known == action).map(|(_, form)| form);
        let faults = if of_this.is_some() { faults } else { &none };
        let words = viewer.words;
        let make = Fields { words, choices: &choices, form: of_this, faults, prefix };
        let value = make.value("text", None);
        let label = words.name("say", action.as_str());
        let field = make.of("text", label.clone(), None, true, Widget::Area { value });
        let action = viewer.at(&format!("desk/tickets/{number}/do/{action}"));
        let key = if is_internal { "n" } else { "r" };
        Some(Saying { action, field, label, key, is_internal, is_open: of_this.is_some() })
    };
    let all = [
        say(Action::Comment, "reply", false),
        say(Action::Note, "note", true),
        say(Action::CallerReply, "answer", false),
    ];
    all.into_iter().flatten().collect()
}

async fn open_suggestions(
    state: &WebState,
    viewer: &Viewer,
    view: &TicketView,
    hints: &[ActionHint],
) -> Result<Vec<Suggestion>, CommandError> {
    let named = TicketRef::Id(view.ticket.id);
    let all = suggestions::of_ticket(&state.desk, viewer.caller(), &named).await?;
    let at = |action: Action| {
        let is_possible = hints.iter().any(|hint| hint.action == action);
        let number = &view.ticket.number;
        is_possible.then(|| viewer.at(&format!("desk/tickets/{number}/do/{action}")))
    };
    Ok(all
        .into_iter()
        .filter(|one| one.state == SuggestionState::Open)
        .map(|one| Suggestion {
            field: viewer.words.name("field", one.field.as_str()),
            value: one.value,
            reason: one.reasons.join("; "),
            accept: at(Action::AcceptSuggestion),
            dismiss: at(Action::DismissSuggestion),
            id: one.id.to_string(),
        })
        .collect())
}
