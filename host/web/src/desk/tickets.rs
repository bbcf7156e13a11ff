//! The ticket page of the desk: everything about a ticket, why it is here, and what can be done.

use std::collections::BTreeSet;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use waypost_app::{
    CommandError,
    approvals::ApprovalView,
    tickets::{self, Look, TicketRef, TicketView},
};
use waypost_domain::{
    approval::{SeatRequest, SeatState},
    ids::PersonId,
    suggestion::SuggestedField,
    ticket::{Action, ActionHint, Ticket, TicketKind},
};

use super::{
    children::{Children, children},
    facts::{Fact, facts, people_of},
    queue::must_be_desk,
    told::{Choice, Shown},
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
    /// How to live with it until it is fixed.
    remedy: Option<Remedy>,
    facts: Vec<Fact>,
    entries: Vec<Entry>,
    /// The parts of the history to choose from.
    parts: Vec<Choice>,
    why: Vec<Because>,
    decisions: u32,
    suggestions: Vec<Suggestion>,
    stages: Vec<Stage>,
    approval_outcome: String,
    parent: Option<Link>,
    problem: Option<Link>,
    links: Vec<Link>,
    tasks: Vec<Row>,
    /// Where a task is added, if the viewer may add one.
    new_task: Option<String>,
    children: Children,
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
    /// Where it stands, if that matters here.
    state: Option<String>,
}

/// How to live with something that is not fixed yet.
struct Remedy {
    title: String,
    text: Html,
    /// The problem that it is of, where that is another ticket.
    problem: Option<(String, String)>,
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

pub(crate) async fn show(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, number)): Path<(String, String)>,
    query: Query,
) -> Result<Response, PageError> {
    let page = page(&state, &viewer, &number, &query, None, &Faults::default()).await?;
    Ok(show_page(&TicketPage { p: page.p.telling(&query), ..page }))
}

pub(super) async fn page(
    state: &WebState,
    viewer: &Viewer,
    number: &str,
    query: &Query,
    form: Option<(Action, &Form)>,
    faults: &Faults,
) -> Result<TicketPage, PageError> {
    must_be_desk(viewer)?;
    let (desk, caller) = (&state.desk, viewer.caller());
    let named = TicketRef::parse(number);
    let mut look = Look::at(desk, caller, &named).await?;
    let view = look.view().await?;
    let ticket = &view.ticket;
    // First: what it reads of the policies in force is kept for others.
    let explained = look.explanation(&view).await?;
    let told = look.history().await?;
    let hints = look.actions().await?;
    let links = look.links().await?;
    let is_task = ticket.kind() == TicketKind::Task;
    // Views of incidents do not count their tasks.
    let may_have_tasks = view.tasks.total > 0 || ticket.incident().is_some();
    let tasks = if may_have_tasks && !is_task { look.tasks().await? } else { Vec::new() };
    let shown = Shown::of(query);
    let here = viewer.at(&format!("{PAGE}/{}", ticket.number));
    let children = children(&mut look, viewer, &view, shown, &here).await?;
    let people: BTreeSet<PersonId> = people_of(ticket).collect();
    let people = look.people_called(&people).await?;
    let rounds = if ticket.can_await_approval() { look.rounds().await? } else { Vec::new() };
    let suggestions = open_suggestions(&mut look, viewer, &view, &hints).await?;
    drop(look);
    let latest = rounds.iter().max_by_key(|round| round.approval.round);
    let words = viewer.words;
    let decisions = u32::try_from(explained.decisions.len()).unwrap_or(u32::MAX);
    let (main, more) = doings(viewer, &view, &hints);
    let say = sayings(viewer, ticket, &hints, form, faults);
    let major = ticket.incident().map(|it| it.major.state().as_str()).filter(|it| *it != "none");
    let entries = history(viewer, &told, true);
    let can_edit = hints.iter().any(|hint| hint.action == Action::Edit);
    let can_route = hints.iter().any(|hint| hint.action == Action::Reroute);
    let new_task = tickets::check_new_task(caller, ticket, tasks.len()).is_ok();
    let what_if = format!("{here}/what-if");
    let (told_of, seen) = ((ticket.number.as_str(), ticket.version), query.get("seen"));
    Ok(TicketPage {
        what_if: (can_edit && can_route).then_some(what_if),
        // All that is new, whatever part of the history is shown.
        news: News::of_ticket(viewer, PAGE, told_of, &entries, seen),
        p: Page::of_desk(viewer, ticket.short_description.clone()).refused(!faults.is_empty()),
        number: ticket.number.clone(),
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
        remedy: remedy(viewer, &view),
        facts: facts(viewer, &view, answers(desk, viewer, &view).await?, &people),
        entries: shown.entries(entries),
        parts: shown.choices(viewer, &here),
        why: because(viewer, &explained),
        decisions,
        suggestions,
        stages: latest.map(|round| stages(viewer, round)).unwrap_or_default(),
        approval_outcome: latest
            .map(|round| words.name("outcome", round.approval.outcome.as_str()))
            .unwrap_or_default(),
        parent: view.parent.as_ref().map(|parent| Link {
            what: words.name("field", "parent"),
            href: viewer.at(&format!("desk/tickets/{}", parent.number)),
            number: parent.number.clone(),
            title: parent.short_description.clone(),
            state: None,
        }),
        problem: view.problem.as_ref().map(|problem| Link {
            what: words.name("field", "problem"),
            href: viewer.at(&format!("desk/tickets/{}", problem.name.number)),
            number: problem.name.number.clone(),
            title: problem.name.short_description.clone(),
            state: Some(words.name("state", problem.state.as_str())),
        }),
        links: links
            .iter()
            .map(|link| Link {
                what: words.name("link", link.link_type.as_str()),
                href: viewer.at(&format!("desk/tickets/{}", link.other.number)),
                number: link.other.number.clone(),
                title: link.other.short_description.clone(),
                state: None,
            })
            .collect(),
        tasks: tasks.iter().map(|task| row(viewer, task, "desk/tickets")).collect(),
        new_task: new_task.then(|| format!("{here}/tasks/new")),
        children,
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

/// How to live with an incident, as its problem says, or with a known error.
fn remedy(viewer: &Viewer, view: &TicketView) -> Option<Remedy> {
    let t = &viewer.words.text;
    if let Some(problem) = &view.problem {
        let text = html(problem.workaround.as_deref()?);
        let title = if problem.known_error { t.known_error_title() } else { t.workaround_title() };
        let number = problem.name.number.clone();
        let href = viewer.at(&format!("{PAGE}/{number}"));
        return Some(Remedy { title, text, problem: Some((href, number)) });
    }
    let problem = view.ticket.problem().filter(|problem| problem.known_error)?;
    let text = html(problem.workaround.as_deref()?);
    Some(Remedy { title: t.known_error_title(), text, problem: None })
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
    ticket: &Ticket,
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
        // Where it is for nobody, nobody is replied to.
        let is_reply = action != Action::Comment || ticket.requester.is_some();
        let label = words.name("say", if is_reply { action.as_str() } else { "comment_on_it" });
        let field = make.of("text", label.clone(), None, true, Widget::Area { value });
        let action = viewer.at(&format!("{PAGE}/{}/do/{action}", ticket.number));
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
    look: &mut Look<'_>,
    viewer: &Viewer,
    view: &TicketView,
    hints: &[ActionHint],
) -> Result<Vec<Suggestion>, CommandError> {
    let open = look.open_suggestions().await?;
    let at = |action: Action| {
        let is_possible = hints.iter().any(|hint| hint.action == action);
        let number = &view.ticket.number;
        is_possible.then(|| viewer.at(&format!("desk/tickets/{number}/do/{action}")))
    };
    let words = viewer.words;
    Ok(open
        .into_iter()
        .map(|view| {
            let one = view.suggestion;
            let is_kind = one.field == SuggestedField::Kind;
            Suggestion {
                field: words.name("field", one.field.as_str()),
                value: if is_kind { words.name("kind", &one.value) } else { view.shown },
                reason: one.reasons.join("; "),
                accept: at(Action::AcceptSuggestion),
                dismiss: at(Action::DismissSuggestion),
                id: one.id.to_string(),
            }
        })
        .collect())
}
