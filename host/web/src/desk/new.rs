//! Intake: opening a ticket for somebody.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use serde_json::Value as Json;
use waypost_app::{
    CommandError,
    tickets::{self, OpenTicket},
};
use waypost_domain::{
    role::Role,
    ticket::{FieldType, TicketKind},
};

use crate::{
    WebState,
    choices::Choices,
    error::PageError,
    form::{Faults, Field, Fields, Form, Problem},
    once::{NotDone, once, to},
    page::{Page, show as show_page, show_as},
    people::by_name,
    viewer::Viewer,
};

use super::queue::must_be_desk;

#[derive(Template)]
#[template(path = "desk/new.html")]
struct NewPage {
    p: Page,
    kinds: Vec<(String, String, bool)>,
    fields: Vec<Field>,
    /// What is asked for more rarely.
    more: Vec<Field>,
    is_more_wrong: bool,
    problems: Vec<Problem>,
    action: String,
    once: String,
}

/// What is asked first, in this order.
const FIRST: [&str; 8] = [
    "requester",
    "short_description",
    "description",
    "category",
    "service",
    "impact",
    "urgency",
    "channel",
];

/// Leads to the kind that most tickets are of.
pub(crate) async fn lead(viewer: Viewer) -> Response {
    to(&viewer.at("desk/new/incident"))
}

/// The kinds that the desk opens by themselves; a task is added on a page of its ticket.
fn kind_of(text: &str) -> Result<TicketKind, PageError> {
    let kind = text.parse::<TicketKind>().ok().filter(|kind| *kind != TicketKind::Task);
    kind.ok_or_else(PageError::not_found)
}

/// Refuses who opens no tickets at the desk.
pub(super) fn must_open(viewer: &Viewer) -> Result<(), PageError> {
    must_be_desk(viewer)?;
    if viewer.caller().role == Role::Auditor {
        return Err(PageError::not_of_desk());
    }
    Ok(())
}

/// The fields that are given when a ticket of the kind is opened.
pub(super) fn asked(kind: TicketKind) -> Vec<(&'static str, FieldType, bool)> {
    let is_elsewhere = |name: &str| match name {
        // What is asked for from the catalog has a form of its own there.
        "catalog_item" | "answers" | "quantity" => true,
        // Which ticket a task belongs to, the address of its form says.
        "parent" => kind == TicketKind::Task,
        _ => false,
    };
    let fields = kind.rules().fields().filter(|field| field.opens && !is_elsewhere(field.name));
    let asked = fields
        .map(|field| (field.name, field.takes, field.needed || field.name == "short_description"));
    asked.collect()
}

/// The same, as they are read.
pub(super) fn taken(kind: TicketKind) -> Vec<(&'static str, FieldType)> {
    asked(kind).into_iter().map(|(name, takes, _)| (name, takes)).collect()
}

pub(crate) async fn show(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, kind)): Path<(String, String)>,
) -> Result<Response, PageError> {
    must_open(&viewer)?;
    let kind = kind_of(&kind)?;
    Ok(show_page(&page(&state, &viewer, kind, None, &Faults::default()).await?))
}

/// The inputs of a new ticket.
pub(super) struct Inputs {
    /// What is asked first.
    pub(super) fields: Vec<Field>,
    /// What is asked for more rarely.
    pub(super) more: Vec<Field>,
    pub(super) problems: Vec<Problem>,
}

/// Makes the inputs of a new ticket, of which those in `first` come first. `now` is what one of
/// them begins with.
pub(super) async fn inputs(
    state: &WebState,
    viewer: &Viewer,
    kind: TicketKind,
    first: &[&str],
    now: impl Fn(&str) -> Option<String>,
    shown: (Option<&Form>, &Faults),
) -> Result<Inputs, CommandError> {
    let asked = asked(kind);
    let types: Vec<FieldType> = asked.iter().map(|(_, takes, _)| *takes).collect();
    let mut choices = Choices::of(&state.desk, &viewer.who, kind, &types).await?;
    let words = viewer.words;
    let (form, faults) = shown;
    choices.offer(&state.desk, viewer.caller(), form, &taken(kind)).await?;
    let make = Fields { words, choices: &choices, form, faults, prefix: "new" };
    let make = |(name, takes, is_required): &(&'static str, FieldType, bool)| {
        make.field(name, *takes, *is_required, now(name))
    };
    let begin = first.iter().filter_map(|name| asked.iter().find(|(known, ..)| known == name));
    let fields: Vec<Field> = begin.filter_map(make).collect();
    let rest = asked.iter().filter(|(name, ..)| !first.contains(name));
    let more: Vec<Field> = rest.filter_map(make).collect();
    let all: Vec<Field> = fields.iter().chain(&more).cloned().collect();
    Ok(Inputs { problems: faults.summary(&all, words), fields, more })
}

async fn page(
    state: &WebState,
    viewer: &Viewer,
    kind: TicketKind,
    form: Option<&Form>,
    faults: &Faults,
) -> Result<NewPage, CommandError> {
    let words = viewer.words;
    let now = |name: &str| (name == "channel").then(|| "phone".to_owned());
    let inputs = inputs(state, viewer, kind, &FIRST, now, (form, faults)).await?;
    let Inputs { fields, more, problems } = inputs;
    let kinds = TicketKind::ALL.iter().filter(|one| **one != TicketKind::Task).map(|one| {
        let href = viewer.at(&format!("desk/new/{one}"));
        (href, words.name("kind", one.as_str()), *one == kind)
    });
    Ok(NewPage {
        p: Page::of_desk(viewer, words.text.new_title()).refused(!problems.is_empty()),
        kinds: kinds.collect(),
        fields,
        is_more_wrong: more.iter().any(|field| field.error.is_some()),
        more,
        problems,
        action: viewer.at(&format!("desk/new/{kind}")),
        once: state.edge.entropy.id(viewer.caller().now).to_string(),
    })
}

/// Opens the ticket.
pub(crate) async fn open(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, kind)): Path<(String, String)>,
    form: Form,
) -> Result<Response, PageError> {
    try_open(state, viewer, &kind, &form).await.map_err(|error| error.of_form(&form))
}

async fn try_open(
    state: WebState,
    viewer: Viewer,
    kind: &str,
    form: &Form,
) -> Result<Response, PageError> {
    must_open(&viewer)?;
    let kind = kind_of(kind)?;
    let opened = once(&state.desk, &viewer, form, async |caller| {
        let taken = taken(kind);
        let named = by_name(&state.desk, &caller, form, &taken).await?;
        let mut fields = named.json(taken, &viewer.clock, false);
        if fields
            .get("answers")
            .is_some_and(|answers| answers == &Json::Object(serde_json::Map::new()))
        {
            fields.remove("answers");
        }
        let new = OpenTicket { kind: Some(kind), fields, draft: false };
        let opened = Box::pin(tickets::open(&state.desk, &caller, new)).await?;
        Ok(viewer.at(&format!("desk/tickets/{}?done=opened", opened.ticket.number)))
    });
    match opened.await {
        Ok(response) => Ok(response),
        Err(NotDone::Failed(error)) => Err(error),
        Err(NotDone::Refused(error)) => {
            let faults = Faults::of_error(error)?;
            let page = page(&state, &viewer, kind, Some(form), &faults).await?;
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}
