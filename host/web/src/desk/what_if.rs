//! What if: where a ticket would be if something about it was different.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use waypost_app::{
    CommandError,
    tickets::{self, TicketRef, TicketView, WhatIf},
};
use waypost_domain::ticket::{Action, FieldType};

use super::{doing::choices_of, queue::must_be_desk};
use crate::{
    WebState,
    error::PageError,
    form::{Faults, Field, Fields, Form, Problem, Query, shown},
    page::{Page, show as show_page, show_as},
    viewer::Viewer,
};

/// What can be asked about: what priority and team mostly hang on.
const ASKED: [&str; 4] = ["impact", "urgency", "category", "service"];

#[derive(Template)]
#[template(path = "desk/what_if.html")]
struct WhatIfPage {
    p: Page,
    number: String,
    about: String,
    back: String,
    fields: Vec<Field>,
    problems: Vec<Problem>,
    answer: Option<Answer>,
    /// Whether it could not be found out.
    is_busy: bool,
}

/// Where it would be.
struct Answer {
    rows: Vec<Compared>,
    reasons: Vec<String>,
    failures: Option<String>,
}

/// Something about a ticket, as it is and as it would be.
struct Compared {
    what: String,
    before: String,
    after: String,
    differs: bool,
}

pub(crate) async fn show(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, number)): Path<(String, String)>,
    query: Query,
) -> Result<Response, PageError> {
    must_be_desk(&viewer)?;
    let (desk, caller) = (&state.desk, viewer.caller());
    let named = TicketRef::parse(&number);
    let view = tickets::find(desk, caller, &named).await?;
    if view.ticket.rules().row(Action::Reroute).is_none() {
        return Err(PageError::not_found());
    }
    let rules = view.ticket.rules();
    let taken: Vec<(&'static str, FieldType)> = rules
        .fields()
        .filter(|field| field.edits && ASKED.contains(&field.name))
        .map(|field| (field.name, field.takes))
        .collect();
    let form = query.form();
    let is_asked = taken.iter().any(|(name, _)| form.get(name).is_some());
    let mut faults = Faults::default();
    let (mut answer, mut is_busy) = (None, false);
    if is_asked {
        let changed = taken.iter().copied().filter(|(name, _)| form.is_changed(name));
        let fields = form.json(changed, &viewer.clock, true);
        match Box::pin(tickets::what_if(desk, caller, &named, &fields)).await {
            Ok(told) => answer = Some(compared(&viewer, &told)),
            Err(CommandError::Busy) => is_busy = true,
            Err(error) => faults = Faults::of_error(error)?,
        }
    }
    let page = page(&state, &viewer, &view, &taken, is_asked.then_some(&form), &faults).await?;
    if !faults.is_empty() {
        return Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    Ok(show_page(&WhatIfPage { answer, is_busy, ..page }))
}

async fn page(
    state: &WebState,
    viewer: &Viewer,
    view: &TicketView,
    taken: &[(&'static str, FieldType)],
    form: Option<&Form>,
    faults: &Faults,
) -> Result<WhatIfPage, PageError> {
    let choices = choices_of(state, viewer, view, Action::Edit).await?;
    let make = Fields { words: viewer.words, choices: &choices, form, faults, prefix: "if" };
    let mut fields = Vec::new();
    for (name, takes) in taken {
        let now = shown(view, name, &choices, &viewer.clock);
        let field = make.field(name, *takes, false, now.clone());
        fields.extend(field.map(|field| Field { was: Some(now.unwrap_or_default()), ..field }));
    }
    Ok(WhatIfPage {
        p: Page::of_desk(viewer, viewer.words.text.what_if_title()).refused(!faults.is_empty()),
        number: view.ticket.number.clone(),
        about: view.ticket.short_description.clone(),
        back: viewer.at(&format!("desk/tickets/{}", view.ticket.number)),
        problems: faults.summary(&fields, viewer.words),
        fields,
        answer: None,
        is_busy: false,
    })
}

fn compared(viewer: &Viewer, told: &WhatIf) -> Answer {
    let row = |name: &str, of: &dyn Fn(&TicketView) -> Option<String>| {
        let text = |view| of(view).unwrap_or_else(|| "–".to_owned());
        let (before, after) = (text(&told.before), text(&told.after));
        let differs = before != after;
        Compared { what: viewer.words.name("field", name), before, after, differs }
    };
    let rows = vec![
        row("priority", &|view| Some(format!("P{}", view.priority.0))),
        row("team", &|view| Some(viewer.words.team(view))),
        row("assignee", &|view| view.assignee.as_ref().map(|person| viewer.words.person(person))),
        row("category", &|view| view.ticket.category.as_ref().map(ToString::to_string)),
        row("service", &|view| view.service.as_ref().map(|service| service.name.clone())),
    ];
    let mut reasons: Vec<String> = told.reasons.iter().map(|(_, reason)| reason.clone()).collect();
    reasons.dedup();
    let failures = told.policy_failures.as_ref().map(|mark| viewer.words.failures(mark));
    Answer { rows, reasons, failures }
}
