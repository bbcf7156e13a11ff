//! Adding a task to a ticket.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use serde_json::Value as Json;
use waypost_app::{
    CommandError,
    tickets::{self, Look, OpenTicket, TicketRef, TicketView},
};
use waypost_domain::ticket::TicketKind;

use super::new::{Inputs, inputs, must_open, taken};
use crate::{
    WebState,
    error::PageError,
    form::{Faults, Field, Form, Problem},
    once::{NotDone, once},
    page::{Page, show as show_page, show_as},
    people::by_name,
    viewer::Viewer,
};

#[derive(Template)]
#[template(path = "desk/task.html")]
struct TaskPage {
    p: Page,
    /// The ticket that it belongs to.
    number: String,
    about: String,
    back: String,
    fields: Vec<Field>,
    /// What is asked for more rarely.
    more: Vec<Field>,
    is_more_wrong: bool,
    problems: Vec<Problem>,
    action: String,
    once: String,
}

/// What is asked first, in this order.
const FIRST: [&str; 6] =
    ["short_description", "description", "team", "assignee", "depends_on", "mandatory"];

/// Shows the form of a new task.
pub(crate) async fn ask(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, number)): Path<(String, String)>,
) -> Result<Response, PageError> {
    must_open(&viewer)?;
    let named = TicketRef::parse(&number);
    let mut look = Look::at(&state.desk, viewer.caller(), &named).await?;
    let (parent, tasks) = (look.view().await?, look.tasks().await?);
    drop(look);
    tickets::check_new_task(viewer.caller(), &parent.ticket, tasks.len())?;
    Ok(show_page(&page(&state, &viewer, &parent, None, &Faults::default()).await?))
}

async fn page(
    state: &WebState,
    viewer: &Viewer,
    parent: &TicketView,
    form: Option<&Form>,
    faults: &Faults,
) -> Result<TaskPage, CommandError> {
    // What a task has whose opener says nothing.
    let now = |name: &str| match name {
        "team" => Some(parent.team.key.clone()),
        "channel" => Some(parent.ticket.channel.as_str().to_owned()),
        "mandatory" => Some("true".to_owned()),
        _ => None,
    };
    let inputs = inputs(state, viewer, TicketKind::Task, &FIRST, now, (form, faults)).await?;
    let Inputs { mut fields, more, problems } = inputs;
    for field in fields.iter_mut().filter(|field| field.name == "depends_on") {
        field.hint = Some(viewer.words.text.task_after_hint());
    }
    let ticket = &parent.ticket;
    let back = viewer.at(&format!("desk/tickets/{}", ticket.number));
    Ok(TaskPage {
        p: Page::of_desk(viewer, viewer.words.text.task_add()).refused(!problems.is_empty()),
        number: ticket.number.clone(),
        about: ticket.short_description.clone(),
        action: format!("{back}/tasks/new"),
        back,
        fields,
        is_more_wrong: more.iter().any(|field| field.error.is_some()),
        more,
        problems,
        once: state.edge.entropy.id(viewer.caller().now).to_string(),
    })
}

/// Adds the task, and leads back to its ticket.
pub(crate) async fn add(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, number)): Path<(String, String)>,
    form: Form,
) -> Result<Response, PageError> {
    try_add(&state, &viewer, &number, &form).await.map_err(|error| error.of_form(&form))
}

async fn try_add(
    state: &WebState,
    viewer: &Viewer,
    number: &str,
    form: &Form,
) -> Result<Response, PageError> {
    must_open(viewer)?;
    let named = TicketRef::parse(number);
    let parent = tickets::find(&state.desk, viewer.caller(), &named).await?;
    let added = once(&state.desk, viewer, form, async |caller| {
        let taken = taken(TicketKind::Task);
        let named = by_name(&state.desk, &caller, form, &taken).await?;
        let mut fields = named.json(taken, &viewer.clock, false);
        fields.insert("parent".to_owned(), Json::from(parent.ticket.number.as_str()));
        let new = OpenTicket { kind: Some(TicketKind::Task), fields, draft: false };
        // Boxed: what opening may set off makes a future that would fill the stack.
        let _ = Box::pin(tickets::open(&state.desk, &caller, new)).await?;
        Ok(viewer.at(&format!("desk/tickets/{}?done=task", parent.ticket.number)))
    });
    match added.await {
        Ok(response) => Ok(response),
        Err(NotDone::Failed(error)) => Err(error),
        Err(NotDone::Refused(error)) => {
            let faults = Faults::of_error(error)?;
            let page = page(state, viewer, &parent, Some(form), &faults).await?;
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}
