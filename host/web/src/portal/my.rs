//! The viewer's own tickets: where each stands, what was said, what they can do.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use waypost_app::{
    CommandError, PageRequest,
    tickets::{self, PersonRef, TicketOrder, TicketQuery, TicketRef, TicketView},
};
use waypost_domain::ticket::{Action, Phase, TicketKind};

use crate::{
    WebState,
    choices::Choices,
    error::PageError,
    form::{Faults, Field, Fields, Form, Problem, Query, Widget},
    once::{NotDone, once},
    page::{Page, show as show_page, show_as},
    text::{Html, html},
    ticket::{Badge, Entry, Row, Step, Told, Waits, badge, history, row, steps, waits},
    time::When,
    viewer::Viewer,
};

/// So many tickets are on a page.
const SHOWN: u16 = 25;

#[derive(Template)]
#[template(path = "portal/my.html")]
struct ListPage {
    p: Page,
    rows: Vec<Row>,
    is_all: bool,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "portal/ticket.html")]
struct TicketPage {
    p: Page,
    number: String,
    kind: String,
    state: Badge,
    steps: Vec<Step>,
    expected: Option<When>,
    waits: Option<Waits>,
    description: Option<Html>,
    outcome: Option<Html>,
    facts: Vec<(String, String)>,
    tasks: Vec<Row>,
    entries: Vec<Entry>,
    reply: Option<Field>,
    once: String,
    /// What can be done beside replying: addresses and labels.
    actions: Vec<Doing>,
}

/// Something that the viewer can do.
pub(crate) struct Doing {
    pub(crate) href: String,
    pub(crate) label: String,
    /// Whether it asks for nothing, so that a press does it.
    pub(crate) is_plain: bool,
    /// Whether it is what one is expected to do.
    pub(crate) is_main: bool,
}

#[derive(Template)]
#[template(path = "portal/do.html")]
struct DoPage {
    p: Page,
    number: String,
    about: String,
    back: String,
    label: String,
    fields: Vec<Field>,
    problems: Vec<Problem>,
    once: String,
}

pub(crate) async fn list(
    State(state): State<WebState>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let is_all = query.get("show") == Some("all");
    let asked = TicketQuery {
        requester: viewer.caller().person().map(PersonRef::Id),
        active: (!is_all).then_some(true),
        order: TicketOrder::UpdatedDesc,
        ..TicketQuery::default()
    };
    let after = query.get("after").map(|cursor| waypost_app::Cursor(cursor.to_owned()));
    let request = PageRequest { limit: SHOWN, after };
    let page = tickets::list(&state.desk, viewer.caller(), &asked, &request).await?;
    let rows = page.rows.iter().map(|view| row(&viewer, view, "my")).collect();
    let show = if is_all { "show=all&" } else { "" };
    let next = page.next.map(|cursor| viewer.at(&format!("my?{show}after={}", cursor.0)));
    let p = Page::of_portal(&viewer, viewer.words.text.my_title());
    Ok(show_page(&ListPage { p, rows, is_all, next }))
}

pub(crate) async fn show(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, number)): Path<(String, String)>,
    query: Query,
) -> Result<Response, PageError> {
    let page = page(&state, &viewer, &number, None, &Faults::default()).await?;
    Ok(show_page(&TicketPage { p: page.p.telling(&query), ..page }))
}

async fn page(
    state: &WebState,
    viewer: &Viewer,
    number: &str,
    form: Option<&Form>,
    faults: &Faults,
) -> Result<TicketPage, CommandError> {
    let (desk, caller) = (&state.desk, viewer.caller());
    let named = TicketRef::parse(number);
    let view = tickets::find(desk, caller, &named).await?;
    let told = tickets::history(desk, caller, &named).await?;
    let hints = tickets::actions(desk, caller, &named).await?;
    let tasks = if view.tasks.total > 0 && view.ticket.kind() != TicketKind::Task {
        tickets::tasks(desk, caller, &named).await?
    } else {
        Vec::new()
    };
    let words = viewer.words;
    let ticket = &view.ticket;
    let can_reply = hints.iter().any(|hint| hint.action == Action::CallerReply);
    let choices = Choices::default();
    let make = Fields { words, choices: &choices, form, faults, prefix: "reply" };
    let reply = can_reply.then(|| {
        let value = make.value("text", None);
        let label = words.text.reply_label();
        make.of("text", label, None, true, Widget::Area { value })
    });
    let actions = hints
        .iter()
        .filter(|hint| is_of_portal(hint.action))
        .map(|hint| Doing {
            href: viewer.at(&format!("my/{}/do/{}", ticket.number, hint.action)),
            label: portal_label(viewer, ticket.phase(), hint.action),
            is_plain: hint.action == Action::Close,
            is_main: hint.action == Action::Close,
        })
        .collect();
    let entries = history(viewer, &told, false);
    let title = ticket.short_description.clone();
    let expected = ticket.eta.or_else(|| ticket.request().and_then(|it| it.expected_at));
    let expected = expected.filter(|_| ticket.phase().is_active());
    Ok(TicketPage {
        p: Page::of_portal(viewer, title).refused(!faults.is_empty()),
        number: ticket.number.clone(),
        kind: words.name("kind", ticket.kind().as_str()),
        state: badge(viewer, ticket.state(), ticket.phase()),
        steps: steps(viewer, ticket),
        expected: expected.map(|at| viewer.clock.at(at)),
        waits: view.waiting_on.as_ref().map(|on| waits(viewer, &view, on)),
        description: Some(&ticket.description).filter(|it| !it.is_empty()).map(|it| html(it)),
        outcome: outcome(&view),
        facts: facts(viewer, &view),
        tasks: tasks.iter().map(|task| row(viewer, task, "my")).collect(),
        once: format!("v{}-{}", ticket.version, told.events.len()),
        entries,
        reply,
        actions,
    })
}

/// What was done, once it is.
fn outcome(view: &TicketView) -> Option<Html> {
    let outcome = view.ticket.stage.outcome()?;
    (!outcome.notes.is_empty()).then(|| html(&outcome.notes))
}

/// What one may want to look up about one's own ticket.
fn facts(viewer: &Viewer, view: &TicketView) -> Vec<(String, String)> {
    let words = viewer.words;
    let mut facts = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        facts.extend(value.map(|value| (words.name("field", name), value)));
    };
    add("service", view.service.as_ref().map(|it| it.name.clone()));
    add("catalog_item", view.catalog_item.as_ref().map(|it| it.name.clone()));
    if let Some(request) = view.ticket.request() {
        add("quantity", (request.quantity > 1).then(|| request.quantity.to_string()));
        for (key, answer) in &request.answers {
            add(key.as_str(), Some(answer.clone()));
        }
        add("cost", request.cost.as_ref().map(|cost| super::catalog::money(viewer, cost)));
    }
    add("requester", view.requester.as_ref().map(|it| it.name.clone()));
    add("assignee", view.assignee.as_ref().map(|it| it.name.clone()));
    facts
}

/// What is done in the portal. The desk has its own pages for the rest.
fn is_of_portal(action: Action) -> bool {
    matches!(
        action,
        Action::Close | Action::Reopen | Action::Cancel | Action::Submit | Action::Revise
    )
}

fn portal_label(viewer: &Viewer, phase: Phase, action: Action) -> String {
    let t = &viewer.words.text;
    match (action, phase) {
        (Action::Close, _) => t.do_confirm(),
        (Action::Reopen, _) => t.do_not_solved(),
        (Action::Cancel, _) => t.do_withdraw(),
        (other, _) => viewer.words.name("action", other.as_str()),
    }
}

/// Shows the form of an action.
pub(crate) async fn ask(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, number, action)): Path<(String, String, String)>,
) -> Result<Response, PageError> {
    let page = do_page(&state, &viewer, &number, &action, None, &Faults::default()).await?;
    Ok(show_page(&page))
}

async fn do_page(
    state: &WebState,
    viewer: &Viewer,
    number: &str,
    action: &str,
    form: Option<&Form>,
    faults: &Faults,
) -> Result<DoPage, PageError> {
    let named = TicketRef::parse(number);
    let view = tickets::find(&state.desk, viewer.caller(), &named).await?;
    let hints = tickets::actions(&state.desk, viewer.caller(), &named).await?;
    let ticket = &view.ticket;
    let is_possible = |action: &Action| hints.iter().any(|hint| hint.action == *action);
    let action = action.parse::<Action>().ok().filter(is_of_portal_or_reply);
    let action = action.filter(is_possible).ok_or_else(PageError::not_found)?;
    let rules = ticket.kind().rules();
    let row = rules.row(action).ok_or_else(PageError::not_found)?;
    let types: Vec<_> = row.inputs.iter().map(|input| input.takes).collect();
    let choices = Choices::of(&state.desk, viewer.caller(), ticket.kind(), &types).await?;
    let make = Fields { words: viewer.words, choices: &choices, form, faults, prefix: "do" };
    let inputs = row.inputs.iter();
    let fields: Vec<Field> = inputs
        .filter_map(|input| make.field(input.name, input.takes, input.is_needed(ticket), None))
        .collect();
    let problems = faults.summary(&fields, viewer.words);
    let label = portal_label(viewer, ticket.phase(), action);
    Ok(DoPage {
        p: Page::of_portal(viewer, label.clone()).refused(!problems.is_empty()),
        number: ticket.number.clone(),
        about: ticket.short_description.clone(),
        back: viewer.at(&format!("my/{}", ticket.number)),
        label,
        fields,
        problems,
        once: format!("v{}", ticket.version),
    })
}

fn is_of_portal_or_reply(action: &Action) -> bool {
    is_of_portal(*action) || *action == Action::CallerReply
}

/// Carries an action out.
pub(crate) async fn act(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, number, action)): Path<(String, String, String)>,
    form: Form,
) -> Result<Response, PageError> {
    let named = TicketRef::parse(&number);
    let known = action.parse::<Action>().ok().filter(is_of_portal_or_reply);
    let asked = known.ok_or_else(PageError::not_found)?;
    let kind = tickets::find(&state.desk, viewer.caller(), &named).await?.ticket.kind();
    let row = kind.rules().row(asked).ok_or_else(PageError::not_found)?;
    let done = once(&state.desk, &viewer, &form, async |caller| {
        let inputs = row.inputs.iter().map(|input| (input.name, input.takes));
        let input = form.json(inputs, &viewer.clock, false);
        let acted = tickets::act(&state.desk, &caller, &named, asked, input, None);
        let acted = Box::pin(acted).await?;
        Ok(viewer.at(&format!("my/{}?done={asked}", acted.ticket.number)))
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(NotDone::Failed(error)) => Err(error),
        Err(NotDone::Refused(error)) => {
            let faults = Faults::of_error(error)?;
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            if asked == Action::CallerReply {
                let page = page(&state, &viewer, &number, Some(&form), &faults).await?;
                return Ok(show_as(status, &page));
            }
            let page = do_page(&state, &viewer, &number, &action, Some(&form), &faults).await?;
            Ok(show_as(status, &page))
        }
    }
}
