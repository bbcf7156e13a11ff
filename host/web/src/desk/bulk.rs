//! One action on several tickets: first what each would refuse, then what became of each.

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use serde_json::Map;
use waypost_app::{
    CommandError,
    idempotency::{self, Begun, Carrying},
    tickets::bulk::{self, Acted, BulkAction, BulkTicket},
};
use waypost_domain::{
    field::Needed,
    refusal::Refused,
    said::Said,
    ticket::{Action, FieldType, Row as Rule, TicketKind},
};

use super::queue::{back_to, must_be_desk, telling};
use crate::{
    WebState,
    choices::Choices,
    error::PageError,
    form::{Choice, Faults, Field, Fields, Form, Problem, Query},
    once::{repeatable, to},
    page::{Page, show as show_page, show_as},
    people::by_name,
    text::Html,
    ticket::{Badge, badge},
    viewer::Viewer,
};

/// What is offered for several tickets at once: what one does to many of them alike.
pub(crate) const OFFERED: [Action; 10] = [
    Action::Assign,
    Action::Start,
    Action::Comment,
    Action::Note,
    Action::Hold,
    Action::Resume,
    Action::Resolve,
    Action::SetPriority,
    Action::Close,
    Action::Cancel,
];

#[derive(Template)]
#[template(path = "desk/bulk.html")]
struct BulkPage {
    p: Page,
    action: String,
    label: String,
    rows: Vec<Outcome>,
    /// How many of them it would be done to.
    possible: u32,
    fields: Vec<Field>,
    problems: Vec<Problem>,
    once: String,
    /// The list that they were chosen from.
    back: String,
    /// Whether it was done, and these are the results.
    is_done: bool,
}

/// What becomes of a ticket.
struct Outcome {
    number: String,
    /// The version that it has where it is shown what would become of it.
    version: Option<i64>,
    href: String,
    word: String,
    why: Option<Html>,
    state: Option<Badge>,
    is_good: bool,
}

/// The choices for a list: what can be done to several tickets.
pub(crate) fn offered(viewer: &Viewer) -> Vec<Choice> {
    let choice = |action: &Action| Choice {
        value: action.as_str().to_owned(),
        label: viewer.words.name("action", action.as_str()),
        is_chosen: false,
    };
    OFFERED.iter().map(choice).collect()
}

/// What was chosen: the action, the tickets, and the rule of the first ticket's kind that has it.
struct Chosen {
    action: Action,
    tickets: Vec<BulkTicket>,
    kind: TicketKind,
    rule: &'static Rule,
    /// The list that they were chosen from.
    back: String,
}

impl Chosen {
    fn read(
        action: Option<&str>,
        tickets: impl Iterator<Item = BulkTicket>,
        back: String,
    ) -> Result<Self, PageError> {
        let action = action.and_then(|action| action.parse::<Action>().ok());
        let action = action.filter(|action| OFFERED.contains(action));
        let action = action.ok_or_else(PageError::bad_request)?;
        let mut tickets: Vec<BulkTicket> = tickets.collect();
        tickets.dedup_by(|one, other| one.number == other.number);
        tickets.truncate(bulk::MOST);
        let mut kinds = tickets.iter().filter_map(|ticket| TicketKind::of_number(&ticket.number));
        let found = kinds.find_map(|kind| Some((kind, kind.rules().row(action)?)));
        let (kind, rule) = if let Some(found) = found {
            found
        } else {
            let kind = TicketKind::Incident;
            (kind, kind.rules().row(action).ok_or_else(PageError::bad_request)?)
        };
        Ok(Self { action, tickets, kind, rule, back })
    }

    /// The fields that are read from the form.
    fn taken(&self) -> Vec<(&'static str, FieldType)> {
        self.rule.inputs.iter().map(|input| (input.name, input.takes)).collect()
    }

    fn bulk(&self, input: Map<String, serde_json::Value>, is_preview: bool) -> BulkAction {
        BulkAction { action: self.action, input, tickets: self.tickets.clone(), is_preview }
    }
}

/// Shows which tickets were chosen, and what each would refuse.
pub(crate) async fn show(
    State(state): State<WebState>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    must_be_desk(&viewer)?;
    let back = back_to(&viewer, query.get("back"));
    if query.all("ticket").next().is_none() {
        return Ok(to(&telling(&back, "nothing")));
    }
    let ticket = |number: &str| BulkTicket { number: number.to_owned(), version: None };
    let tickets = query.all("ticket").map(ticket);
    let mut chosen = Chosen::read(query.get("action"), tickets, back)?;
    // What changes from here on is refused: what is decided on is what is shown.
    bulk::add_versions(&state.desk, viewer.caller(), &mut chosen.tickets).await?;
    let page = preview(&state, &viewer, &chosen, None, &Faults::default()).await?;
    Ok(show_page(&page))
}

async fn preview(
    state: &WebState,
    viewer: &Viewer,
    chosen: &Chosen,
    form: Option<&Form>,
    faults: &Faults,
) -> Result<BulkPage, PageError> {
    let taken = chosen.taken();
    let input = match form {
        Some(form) => match by_name(&state.desk, viewer.caller(), form, &taken).await {
            Ok(named) => input(viewer, chosen, &named),
            // What is wrong with names stands at their fields.
            Err(CommandError::Invalid(_)) => Map::new(),
            Err(error) => return Err(error.into()),
        },
        None => Map::new(),
    };
    let bulk = chosen.bulk(input, true);
    let time = state.edge.options.request_timeout / 2;
    let acted =
        bulk::act_on_each(&state.desk, viewer.caller(), state.edge.clock.as_ref(), &bulk, time);
    let acted = acted.await?;
    let rows: Vec<Outcome> = chosen
        .tickets
        .iter()
        .zip(&acted)
        .map(|(ticket, acted)| outcome(viewer, ticket, acted, true))
        .collect();
    let words = viewer.words;
    let types: Vec<FieldType> = chosen.rule.inputs.iter().map(|input| input.takes).collect();
    let mut choices = Choices::of(&state.desk, &viewer.who, chosen.kind, &types).await?;
    choices.offer(&state.desk, viewer.caller(), form, &taken).await?;
    let make = Fields { words, choices: &choices, form, faults, prefix: "bulk" };
    let fields: Vec<Field> = chosen
        .rule
        .inputs
        .iter()
        .filter_map(|input| {
            let is_needed = !matches!(input.needed, Needed::No | Needed::UnlessOfTeam);
            make.field(input.name, input.takes, is_needed, None)
        })
        .collect();
    let problems = faults.summary(&fields, words);
    let label = words.name("action", chosen.action.as_str());
    let possible = rows.iter().filter(|row| row.is_good).count();
    Ok(BulkPage {
        p: Page::of_desk(viewer, label.clone()).refused(!problems.is_empty()),
        action: chosen.action.as_str().to_owned(),
        label,
        possible: u32::try_from(possible).unwrap_or(u32::MAX),
        rows,
        fields,
        problems,
        once: state.edge.entropy.id(viewer.caller().now).to_string(),
        back: chosen.back.clone(),
        is_done: false,
    })
}

fn input(viewer: &Viewer, chosen: &Chosen, form: &Form) -> Map<String, serde_json::Value> {
    form.json(chosen.taken(), &viewer.clock, false)
}

fn outcome(viewer: &Viewer, ticket: &BulkTicket, acted: &Acted, is_preview: bool) -> Outcome {
    let number = ticket.number.as_str();
    let t = &viewer.words.text;
    let why = |error: &CommandError| Some(viewer.words.say_all(&error.sentences()));
    let (word, why, state, is_good) = match acted {
        Acted::Done(ticket) => {
            (t.bulk_done(), None, ticket.as_ref().map(|ticket| ticket.state), true)
        }
        Acted::Possible(state) => (t.bulk_possible(), None, *state, true),
        // What is still to be filled in stands against none of them.
        Acted::Refused(CommandError::Refused(Refused::MissingFields(_))) if is_preview => {
            (t.bulk_possible(), None, None, true)
        }
        Acted::Refused(error) => (t.bulk_refused(), why(error), None, false),
        Acted::Failed(error) => (t.bulk_failed(), why(error), None, false),
        Acted::Unknown => (t.bulk_unknown(), None, None, false),
        Acted::NotTried => (t.bulk_not_tried(), None, None, false),
    };
    let phase = |state| {
        let kind = TicketKind::of_number(number)?;
        kind.rules().phase(state)
    };
    Outcome {
        number: number.to_owned(),
        version: ticket.version,
        href: viewer.at(&format!("desk/tickets/{number}")),
        word,
        why,
        state: state.and_then(|state| Some(badge(viewer, state, phase(state)?))),
        is_good,
    }
}

/// Carries the action out, and shows what became of each ticket. What was written is never lost.
pub(crate) async fn act(
    State(state): State<WebState>,
    viewer: Viewer,
    form: Form,
) -> Result<Response, PageError> {
    try_act(&state, &viewer, &form).await.map_err(|error| error.of_form(&form))
}

async fn try_act(state: &WebState, viewer: &Viewer, form: &Form) -> Result<Response, PageError> {
    must_be_desk(viewer)?;
    let ticket = |number: &str| BulkTicket {
        version: form.get(&format!("_version/{number}")).and_then(|version| version.parse().ok()),
        number: number.to_owned(),
    };
    let tickets = form.all("ticket").map(ticket);
    let back = back_to(viewer, form.get("back"));
    let chosen = Chosen::read(form.get("action"), tickets, back)?;
    let input = match by_name(&state.desk, viewer.caller(), form, &chosen.taken()).await {
        Ok(named) => input(viewer, &chosen, &named),
        Err(error) => {
            let faults = Faults::of_error(error)?;
            let page = preview(state, viewer, &chosen, Some(form), &faults).await?;
            return Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    };
    let missing: Vec<_> = chosen
        .rule
        .inputs
        .iter()
        .filter(|one| one.needed == Needed::Always)
        .filter(|one| !input.contains_key(one.name))
        .map(|one| (one.name, Said::fixed(one.doc)))
        .collect();
    if !missing.is_empty() {
        let faults = Faults::missing(missing);
        let page = preview(state, viewer, &chosen, Some(form), &faults).await?;
        return Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    let carrying = match repeatable(viewer, form) {
        None => None,
        Some(request) => match idempotency::begin(&state.desk, viewer.caller(), &request).await? {
            Begun::Fresh(carrying) => Some(carrying),
            Begun::Replay { .. } => return Ok(to(&chosen.back)),
            Begun::InProgress => return Err(PageError::in_progress()),
            Begun::AnswerLost => return Err(PageError::answer_lost()),
            Begun::Reused => return Err(PageError::bad_request()),
        },
    };
    let caller = carrying.as_ref().map_or_else(|| viewer.caller().clone(), Carrying::caller);
    let bulk = chosen.bulk(input, false);
    let time = state.edge.options.request_timeout / 2;
    let acted = bulk::act_on_each(&state.desk, &caller, state.edge.clock.as_ref(), &bulk, time);
    let acted = acted.await?;
    if let Some(carrying) = carrying {
        carrying.answered(303, Vec::new());
    }
    let rows: Vec<Outcome> = chosen
        .tickets
        .iter()
        .zip(&acted)
        .map(|(ticket, acted)| outcome(viewer, ticket, acted, false))
        .collect();
    let label = viewer.words.name("action", chosen.action.as_str());
    let page = BulkPage {
        p: Page::of_desk(viewer, label.clone()),
        action: chosen.action.as_str().to_owned(),
        label,
        possible: u32::try_from(rows.iter().filter(|row| row.is_good).count()).unwrap_or(0),
        rows,
        fields: Vec::new(),
        problems: Vec::new(),
        once: String::new(),
        back: chosen.back,
        is_done: true,
    };
    Ok(show_page(&page))
}
