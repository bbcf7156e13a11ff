//! Reporting a trouble: what is wrong, and whether it is known already.

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use chrono::TimeDelta;
use serde_json::Value as Json;
use waypost_app::{
    CommandError, Desk, PageRequest, majors,
    tickets::{self, OpenTicket, TicketOrder, TicketQuery, TicketView},
};
use waypost_domain::{
    incident::PublicMajor,
    text,
    ticket::{FieldType, TicketKind},
};

use super::majors::Down;
use crate::{
    WebState,
    choices::Choices,
    error::PageError,
    form::{Faults, Field, Fields, Form, Problem, Query},
    once::{NotDone, once},
    page::{Page, show as show_page, show_as},
    ticket::{Row, row},
    viewer::Viewer,
};

/// What is asked.
const ASKED: [(&str, FieldType, bool); 3] = [
    ("short_description", FieldType::Text, true),
    ("description", FieldType::Text, false),
    ("service", FieldType::Service, false),
];
/// So many tickets about what may be the same are shown.
const SIMILAR: usize = 5;
/// A shorter word is in every text.
const MIN_WORD: usize = 5;

#[derive(Template)]
#[template(path = "portal/report.html")]
struct ReportPage {
    p: Page,
    /// What is down for many.
    down: Vec<Down>,
    fields: Vec<Field>,
    problems: Vec<Problem>,
    once: String,
}

#[derive(Template)]
#[template(path = "portal/similar.html")]
struct SimilarPage {
    p: Page,
    /// What is down for many, and may be this.
    down: Vec<Down>,
    similar: Vec<Row>,
    answers: Vec<Answer>,
    once: String,
}

/// What was answered, repeated before it is sent.
struct Answer {
    name: String,
    label: String,
    value: String,
    shown: String,
}

pub(crate) async fn show(
    State(state): State<WebState>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let form = query.get("q").map(|_| ());
    let choices = choices(&state.desk, &viewer).await?;
    let faults = Faults::default();
    let down = majors::in_public(&state.desk, viewer.caller()).await?;
    let down = Down::all(&viewer, &down);
    let mut page = page(&viewer, &choices, None, &faults, once_of(&state, &viewer));
    page.down = down;
    // What was searched for in vain is what is wrong.
    if form.is_some()
        && let Some(field) = page.fields.first_mut()
    {
        let value = query.get("q").unwrap_or_default().to_owned();
        field.widget = crate::form::Widget::Line { kind: "text", value };
    }
    Ok(show_page(&page))
}

fn once_of(state: &WebState, viewer: &Viewer) -> String {
    state.edge.entropy.id(viewer.caller().now).to_string()
}

async fn choices(desk: &Desk, viewer: &Viewer) -> Result<Choices, CommandError> {
    let types: Vec<FieldType> = ASKED.iter().map(|(_, takes, _)| *takes).collect();
    Choices::of(desk, &viewer.who, TicketKind::Incident, &types).await
}

fn page(
    viewer: &Viewer,
    choices: &Choices,
    form: Option<&Form>,
    faults: &Faults,
    once: String,
) -> ReportPage {
    let words = viewer.words;
    let make = Fields { words, choices, form, faults, prefix: "report" };
    let asked = ASKED.iter().filter_map(|(name, takes, is_required)| {
        let mut field = make.field(name, *takes, *is_required, None)?;
        if let Some(label) = words.named("report", name) {
            field.label = label;
        }
        field.hint = words.named("report-hint", name);
        Some(field)
    });
    let fields: Vec<Field> = asked.collect();
    let problems = faults.summary(&fields, words);
    let p = Page::of_portal(viewer, words.text.report_title()).refused(!problems.is_empty());
    ReportPage { p, down: Vec::new(), fields, problems, once }
}

/// Sends the report; asks once before, where there are tickets that may be about the same.
pub(crate) async fn send(
    State(state): State<WebState>,
    viewer: Viewer,
    form: Form,
) -> Result<Response, PageError> {
    try_send(&state, &viewer, &form).await.map_err(|error| error.of_form(&form))
}

async fn try_send(state: &WebState, viewer: &Viewer, form: &Form) -> Result<Response, PageError> {
    let about = form.said("short_description").unwrap_or_default();
    if form.get("_sure").is_none() && !about.is_empty() {
        let similar = similar(&state.desk, viewer, about).await?;
        let down = majors::in_public(&state.desk, viewer.caller()).await?;
        let down: Vec<PublicMajor> = down
            .into_iter()
            .filter(|major| may_be(major, about))
            .filter(|major| similar.iter().all(|view| view.ticket.id != major.id))
            .collect();
        if !similar.is_empty() || !down.is_empty() {
            return Ok(show_page(&similar_page(state, viewer, form, &similar, &down).await?));
        }
    }
    let sent = once(&state.desk, viewer, form, async |caller| {
        let asked = ASKED.iter().map(|(name, takes, _)| (*name, *takes));
        let mut fields = form.json(asked, &viewer.clock, false);
        fields.insert("channel".to_owned(), Json::from("portal"));
        if let Some(person) = viewer.caller().person() {
            fields.insert("requester".to_owned(), Json::from(person.to_string()));
        }
        let new = OpenTicket { kind: None, fields, draft: false };
        let opened = Box::pin(tickets::open(&state.desk, &caller, new)).await?;
        Ok(viewer.at(&format!("my/{}?done=create", opened.ticket.number)))
    });
    match sent.await {
        Ok(response) => Ok(response),
        Err(NotDone::Failed(error)) => Err(error),
        Err(NotDone::Refused(error)) => {
            let faults = Faults::of_error(error)?;
            let choices = choices(&state.desk, viewer).await?;
            let once = once_of(state, viewer);
            let page = page(viewer, &choices, Some(form), &faults, once);
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}

async fn similar_page(
    state: &WebState,
    viewer: &Viewer,
    form: &Form,
    similar: &[TicketView],
    down: &[PublicMajor],
) -> Result<SimilarPage, CommandError> {
    let choices = choices(&state.desk, viewer).await?;
    let words = viewer.words;
    let answers = ASKED.iter().filter_map(|(name, takes, _)| {
        let value = form.said(name)?.to_owned();
        let shown = match takes {
            FieldType::Service => {
                let known = choices.services.iter().find(|(key, _)| *key == value);
                known.map_or_else(|| value.clone(), |(_, label)| label.clone())
            }
            _ => value.clone(),
        };
        let label = words.named("report", name).unwrap_or_else(|| words.name("field", name));
        Some(Answer { name: (*name).to_owned(), label, value, shown })
    });
    Ok(SimilarPage {
        p: Page::of_portal(viewer, words.text.similar_title()),
        down: Down::all(viewer, down),
        similar: similar.iter().map(|view| row(viewer, view, "my")).collect(),
        answers: answers.collect(),
        once: once_of(state, viewer),
    })
}

fn is_own_and_new(viewer: &Viewer, view: &TicketView) -> bool {
    let person = viewer.caller().person();
    let age = viewer.caller().now - view.ticket.created_at;
    person.is_some() && view.ticket.requester == person && age < TimeDelta::minutes(5)
}

/// The words that tell most of what a text is about.
fn longest_words(about: &str) -> impl Iterator<Item = &str> {
    let mut words: Vec<&str> = about
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() >= MIN_WORD)
        .collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
    words.dedup();
    words.into_iter().take(2)
}

/// Whether a major incident shares one of the longest words of what somebody reports.
fn may_be(major: &PublicMajor, about: &str) -> bool {
    let told = major.last_update.as_ref().map_or("", |update| update.text.as_str());
    let known = text::uncased(&format!("{} {told}", major.short_description));
    longest_words(about).any(|word| known.contains(&text::uncased(word)))
}

/// Open tickets that the viewer may see and that share the longest words.
async fn similar(
    desk: &Desk,
    viewer: &Viewer,
    about: &str,
) -> Result<Vec<TicketView>, CommandError> {
    let mut found: Vec<TicketView> = Vec::new();
    for word in longest_words(about) {
        let query = TicketQuery {
            kinds: vec![TicketKind::Incident],
            active: Some(true),
            text: Some(word.to_owned()),
            order: TicketOrder::UpdatedDesc,
            ..TicketQuery::default()
        };
        let request = PageRequest { limit: 5, after: None };
        for view in tickets::list(desk, viewer.caller(), &query, &request).await?.rows {
            // What the viewer has just sent is the same report, sent twice.
            if view.ticket.short_description == about && is_own_and_new(viewer, &view) {
                return Ok(Vec::new());
            }
            if found.iter().all(|known| known.ticket.id != view.ticket.id) {
                found.push(view);
            }
        }
    }
    found.truncate(SIMILAR);
    Ok(found)
}
