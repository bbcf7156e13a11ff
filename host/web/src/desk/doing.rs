//! The forms of the desk's actions on a ticket: what each asks for, and carrying it out.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use waypost_app::{
    CommandError,
    approvals::ApprovalView,
    tickets::{self, History, Look, TicketRef, TicketView},
};
use waypost_domain::{
    approval::SeatState,
    ticket::{Action, ActionHint, FieldType},
};

use super::{queue::must_be_desk, tickets::page};
use crate::{
    WebState,
    acting::{Asked, carry_out, taken},
    choices::Choices,
    error::PageError,
    form::{Choice, Faults, Field, Fields, Form, Problem, Query, Widget, shown},
    once::{NotDone, once},
    page::{Page, show as show_page, show_as},
    portal::catalog::questions,
    ticket::{Entry, Told, history},
    viewer::Viewer,
};

#[derive(Template)]
#[template(path = "desk/do.html")]
struct DoPage {
    p: Page,
    number: String,
    about: String,
    back: String,
    label: String,
    /// The words of the button.
    press: String,
    /// What has to be filled in first, elsewhere.
    lacks: Vec<String>,
    /// Where that is done.
    mends: Vec<(String, String)>,
    conflict: Option<Conflict>,
    fields: Vec<Field>,
    problems: Vec<Problem>,
    version: i64,
    /// How many events there were when the form was shown.
    seen: usize,
    once: String,
    /// Whether it leads back to the room of a major incident.
    is_from_room: bool,
}

/// What others did since the form was shown.
struct Conflict {
    entries: Vec<Entry>,
}

/// Shows the form of an action.
pub(crate) async fn ask(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, number, action)): Path<(String, String, String)>,
) -> Result<Response, PageError> {
    let page = do_page(&state, &viewer, &number, &action, None, &Faults::default(), false).await?;
    Ok(show_page(&page))
}

async fn do_page(
    state: &WebState,
    viewer: &Viewer,
    number: &str,
    action: &str,
    form: Option<&Form>,
    faults: &Faults,
    is_stale: bool,
) -> Result<DoPage, PageError> {
    must_be_desk(viewer)?;
    let (desk, caller) = (&state.desk, viewer.caller());
    let named = TicketRef::parse(number);
    let mut look = Look::at(desk, caller, &named).await?;
    let view = look.view().await?;
    let ticket = &view.ticket;
    let hints = look.actions().await?;
    let action = asked(action)?;
    let hint = hints.iter().find(|hint| hint.action == action);
    let Some(hint) = hint else {
        // It may have been possible a moment ago: the desk says why it is not.
        return Err(match ticket.admit(action) {
            Err(refused) => CommandError::Refused(refused).into(),
            Ok(_) => PageError::not_found(),
        });
    };
    let told = look.history().await?;
    let rounds = if action == Action::AppointVoter { look.rounds().await? } else { Vec::new() };
    drop(look);
    let words = viewer.words;
    let mut choices = choices_of(state, viewer, &view, action).await?;
    let taken = taken(ticket.kind(), action).unwrap_or_default();
    choices.offer(desk, caller, form, &taken).await?;
    if action == Action::Start {
        choices.narrow_to_team(ticket.team);
    }
    let mut fields = if action == Action::Edit {
        edited(state, viewer, &view, &choices, form, faults).await?
    } else {
        inputs(viewer, &view, &choices, action, form, faults)?
    };
    if action == Action::AppointVoter {
        offer_seats(viewer, &rounds, &mut fields, form);
    }
    for field in &mut fields {
        field.is_required |= hint.lacks.contains(&format!("/{}", field.name));
    }
    let is_here = |pointer: &&String| {
        fields.iter().any(|field| field.name == pointer.trim_start_matches('/'))
    };
    let lacking: Vec<&str> = hint
        .lacks
        .iter()
        .filter(|pointer| !is_here(pointer))
        .map(|pointer| pointer.trim_start_matches('/'))
        .collect();
    let label = words.name("action", action.as_str());
    let press = if action == Action::Edit { words.text.me_save() } else { label.clone() };
    let problems = faults.summary(&fields, words);
    let seen = told.events.len();
    let conflict = is_stale.then(|| conflict(viewer, told, form));
    Ok(DoPage {
        p: Page::of_desk(viewer, label.clone()).refused(!problems.is_empty() || is_stale),
        number: ticket.number.clone(),
        about: ticket.short_description.clone(),
        back: viewer.at(&format!("desk/tickets/{}", ticket.number)),
        mends: mends(viewer, &view, &hints, &lacking),
        lacks: lacking.iter().map(|name| words.name("field", name)).collect(),
        press,
        label,
        conflict,
        fields,
        problems,
        version: ticket.version,
        seen,
        is_from_room: form.is_some_and(is_from_room),
        once: format!("v{}", ticket.version),
    })
}

/// An action that is carried out on a page. Votes are cast where what is decided is shown.
fn asked(action: &str) -> Result<Action, PageError> {
    let action = action.parse::<Action>().ok();
    let action = action.filter(|one| one.is_asked_by_name() || *one == Action::Edit);
    action.ok_or_else(PageError::not_found)
}

pub(super) async fn choices_of(
    state: &WebState,
    viewer: &Viewer,
    view: &TicketView,
    action: Action,
) -> Result<Choices, PageError> {
    let kind = view.ticket.kind();
    let taken = taken(kind, action).ok_or_else(PageError::not_found)?;
    let types: Vec<FieldType> = taken.iter().map(|(_, takes)| *takes).collect();
    let mut choices = Choices::of(&state.desk, &viewer.who, kind, &types).await?;
    if action == Action::Edit {
        let mut named = view.ticket.watchers.clone();
        named.extend(view.risk_owner.as_ref().map(|person| person.id));
        choices.addresses = tickets::addresses(&state.desk, viewer.caller(), &named).await?;
    }
    Ok(choices)
}

/// The fields of an edit. What somebody else changed meanwhile is shown as it is now, unless it was
/// changed here, too.
async fn edited(
    state: &WebState,
    viewer: &Viewer,
    view: &TicketView,
    choices: &Choices,
    form: Option<&Form>,
    faults: &Faults,
) -> Result<Vec<Field>, PageError> {
    let make = Fields { words: viewer.words, choices, form, faults, prefix: "do" };
    let mut fields = Vec::new();
    for field in view.ticket.rules().fields().filter(|field| field.edits) {
        if field.takes == FieldType::Answers {
            fields.extend(questions(&state.desk, viewer, view, &make).await?);
            continue;
        }
        let now = shown(view, field.name, choices, &viewer.clock);
        let make = make.of_changed(field.name);
        let is_needed = field.needed || field.name == "short_description";
        let input = make.field(field.name, field.takes, is_needed, now.clone());
        fields.extend(input.map(|input| Field { was: Some(now.unwrap_or_default()), ..input }));
    }
    Ok(fields)
}

/// The inputs of an action's row.
pub(super) fn inputs(
    viewer: &Viewer,
    view: &TicketView,
    choices: &Choices,
    action: Action,
    form: Option<&Form>,
    faults: &Faults,
) -> Result<Vec<Field>, PageError> {
    let ticket = &view.ticket;
    let row = ticket.rules().row(action).ok_or_else(PageError::not_found)?;
    let make = Fields { words: viewer.words, choices, form, faults, prefix: "do" };
    let inputs = row.inputs.iter();
    Ok(inputs
        .filter_map(|input| {
            let filled = || shown(view, input.name, choices, &viewer.clock);
            let now = begin(viewer, view, choices, action, input.name)
                .or_else(|| if input.fills { filled() } else { None });
            make.field(input.name, input.takes, input.is_needed(ticket), now)
        })
        .collect())
}

/// Offers the seats whose votes are awaited, by whose they are.
fn offer_seats(
    viewer: &Viewer,
    rounds: &[ApprovalView],
    fields: &mut [Field],
    form: Option<&Form>,
) {
    let mut seats = Vec::new();
    for round in rounds.iter().filter(|round| round.approval.is_open()) {
        for step in round.approval.steps() {
            for seat in &step.requests {
                if matches!(seat.state, SeatState::Requested | SeatState::Vacant) {
                    let voter = waypost_app::person_name(&round.names, seat.voter);
                    let name = viewer.words.person(&voter);
                    let step = viewer.words.step(&step.name);
                    seats.push((seat.id.to_string(), format!("{step}: {name}")));
                }
            }
        }
    }
    for field in fields {
        match field.name.as_str() {
            "request" => {
                let chosen = form.and_then(|form| form.get("request")).unwrap_or_default();
                let options = seats.iter().map(|(value, label)| Choice {
                    is_chosen: value == chosen,
                    value: value.clone(),
                    label: label.clone(),
                });
                let none = (!field.is_required).then(|| Choice {
                    value: String::new(),
                    label: String::new(),
                    is_chosen: false,
                });
                field.widget =
                    Widget::Select { options: none.into_iter().chain(options).collect() };
            }
            "person" => field.hint = Some(viewer.words.text.appoint_hint()),
            _ => {}
        }
    }
}

/// Where what is lacking is filled in: most of it by an edit, an assignee by assigning it.
fn mends(
    viewer: &Viewer,
    view: &TicketView,
    hints: &[ActionHint],
    lacking: &[&str],
) -> Vec<(String, String)> {
    let number = &view.ticket.number;
    let mut actions: Vec<Action> = lacking
        .iter()
        .map(|name| if *name == "assignee" { Action::Assign } else { Action::Edit })
        .filter(|action| hints.iter().any(|hint| hint.action == *action))
        .collect();
    actions.dedup();
    let mend = |action: Action| {
        let href = viewer.at(&format!("desk/tickets/{number}/do/{action}"));
        (href, viewer.words.name("action", action.as_str()))
    };
    actions.into_iter().map(mend).collect()
}

/// What an input begins with, where there is something that is mostly right.
fn begin(
    viewer: &Viewer,
    view: &TicketView,
    choices: &Choices,
    action: Action,
    name: &str,
) -> Option<String> {
    match (action, name) {
        (Action::Assign, "team") => Some(view.team.key.clone()),
        (Action::Assign, "assignee") => view.ticket.assignee.map(|person| person.to_string()),
        (Action::Start, "assignee") => {
            let is_offered = |person: &String| choices.people.iter().any(|(id, _)| id == person);
            let likely = [viewer.caller().person(), view.ticket.assignee];
            likely.into_iter().flatten().map(|person| person.to_string()).find(is_offered)
        }
        (Action::SetPriority, "priority") => Some(view.priority.0.to_string()),
        (Action::Escalate, "level") => Some((view.ticket.escalation_level + 1).to_string()),
        _ => None,
    }
}

/// What others did since the form was shown.
fn conflict(viewer: &Viewer, mut told: History, form: Option<&Form>) -> Conflict {
    let seen = form.and_then(|form| form.get("_seen")).and_then(|seen| seen.parse::<usize>().ok());
    let seen = seen.unwrap_or(0).min(told.events.len());
    told.events.drain(..seen);
    let since = told.events.first().map(|event| event.at);
    told.comments.retain(|one| since.is_some_and(|since| one.comment.created_at >= since));
    Conflict { entries: history(viewer, &told, true) }
}

/// Carries an action out. What was written is never lost.
pub(crate) async fn act(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, number, action)): Path<(String, String, String)>,
    form: Form,
) -> Result<Response, PageError> {
    let acted = try_act(&state, &viewer, &number, &action, &form).await;
    acted.map_err(|error| error.of_form(&form))
}

/// The page that a form leads back to: the one that it was on.
fn back(form: &Form) -> &'static str {
    if is_from_room(form) { "desk/major" } else { "desk/tickets" }
}

fn is_from_room(form: &Form) -> bool {
    form.get("_from") == Some("major")
}

async fn try_act(
    state: &WebState,
    viewer: &Viewer,
    number: &str,
    action: &str,
    form: &Form,
) -> Result<Response, PageError> {
    must_be_desk(viewer)?;
    let named = TicketRef::parse(number);
    let asked = asked(action)?;
    let view = tickets::find(&state.desk, viewer.caller(), &named).await?;
    let taken = taken(view.ticket.kind(), asked).ok_or_else(PageError::not_found)?;
    let acting = Asked { named: &named, action: asked, taken, version: form.version() };
    let done = once(&state.desk, viewer, form, async |caller| {
        carry_out(&state.desk, viewer, &caller, &acting, form).await?;
        let back = back(form);
        Ok(viewer.at(&format!("{back}/{}?done={asked}", view.ticket.number)))
    });
    let error = match done.await {
        Ok(response) => return Ok(response),
        Err(NotDone::Failed(error)) => return Err(error),
        Err(NotDone::Refused(error)) => error,
    };
    let is_stale = matches!(error, CommandError::Stale);
    let faults = if is_stale { Faults::default() } else { Faults::of_error(error)? };
    let status = if is_stale { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
    if matches!(asked, Action::Comment | Action::Note | Action::CallerReply) {
        let query = Query::default();
        let page = page(state, viewer, number, &query, Some((asked, form)), &faults).await?;
        return Ok(show_as(status, &page));
    }
    let page = do_page(state, viewer, number, action, Some(form), &faults, is_stale).await?;
    Ok(show_as(status, &page))
}
