//! The catalog: what can be asked for, and the form of each item.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use serde_json::{Map, Value as Json};
use waypost_app::{
    Caller, CommandError, Desk,
    orders::{self, NewOrder, NewOrderItem},
    registers,
    tickets::{self, OpenTicket, TicketView},
};
use waypost_domain::{
    catalog::{CatalogItem, FieldKind, FormField, Money},
    key::Key,
    refusal, said,
    ticket::{FieldType, TicketKind},
};

use super::then::Then;
use crate::{
    WebState,
    choices::{Choices, all},
    error::PageError,
    form::{Choice, Faults, Field, Fields, Form, Problem, Query, Widget},
    once::{NotDone, once},
    page::{Page, show as show_page, show_as},
    people::by_name,
    text::{Html, html},
    viewer::Viewer,
    words::Words,
};

/// Where a person is named.
const REQUESTER: [(&str, FieldType); 1] = [("requester", FieldType::Person)];
/// More than this can be chosen from in a list; of less, all is seen.
const FEW: usize = 6;

#[derive(Template)]
#[template(path = "portal/catalog.html")]
struct CatalogPage {
    p: Page,
    items: Vec<Offer>,
}

/// What a person can ask for.
struct Offer {
    href: String,
    name: String,
    about: String,
    cost: Option<String>,
    takes: Option<String>,
}

#[derive(Template)]
#[template(path = "portal/item.html")]
struct ItemPage {
    p: Page,
    about: Html,
    cost: Option<String>,
    takes: Option<String>,
    tasks: Vec<String>,
    fields: Vec<Field>,
    problems: Vec<Problem>,
    /// What would come of what was filled in, where that was asked.
    then: Option<Then>,
    /// Whether that was asked and could not be found out.
    is_unforeseen: bool,
    action: String,
    once: String,
}

pub(crate) async fn list(
    State(state): State<WebState>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let mut items: Vec<Offer> = all::<CatalogItem>(&state.desk, viewer.caller())
        .await?
        .into_iter()
        .map(|view| view.record)
        .filter(|item| item.active)
        .map(|item| Offer {
            href: viewer.at(&format!("catalog/{}", item.key)),
            cost: item.cost.as_ref().map(|cost| money(&viewer, cost)),
            takes: item.delivery_hours.map(|hours| takes(&viewer, hours)),
            name: item.name,
            about: item.description,
        })
        .collect();
    items.sort_by(|one, other| one.name.cmp(&other.name));
    let p = Page::of_portal(&viewer, viewer.words.text.catalog_title()).telling(&query);
    Ok(show_page(&CatalogPage { p, items }))
}

/// An amount of money in the viewer's language.
pub(crate) fn money(viewer: &Viewer, money: &Money) -> String {
    written(money, viewer.words.tag())
}

/// As [`money`], for readers of a language.
pub(crate) fn written(money: &Money, language: &str) -> String {
    let (point, group) = if language == "de" { (',', '.') } else { ('.', ',') };
    let (whole, part) = (money.minor_units / 100, money.minor_units % 100);
    let digits = whole.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(group);
        }
        grouped.push(digit);
    }
    format!("{grouped}{point}{part:02} {}", money.currency)
}

/// How long something takes, in working time.
fn takes(viewer: &Viewer, hours: u16) -> String {
    let t = &viewer.words.text;
    if hours >= 16 { t.takes_days(hours.div_ceil(8)) } else { t.takes_hours(hours) }
}

pub(crate) async fn show(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, key)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let item = item(&state, &viewer, &key).await?;
    let once = state.edge.entropy.id(viewer.caller().now).to_string();
    Ok(show_page(&page(&viewer, &item, None, &Choices::default(), &Faults::default(), once)))
}

async fn item(state: &WebState, viewer: &Viewer, key: &str) -> Result<CatalogItem, PageError> {
    let found = registers::find::<CatalogItem>(&state.desk, viewer.caller(), key).await?;
    // What can't be asked for has no form.
    Some(found.record).filter(|item| item.active).ok_or_else(PageError::not_found)
}

fn page(
    viewer: &Viewer,
    item: &CatalogItem,
    form: Option<&Form>,
    choices: &Choices,
    faults: &Faults,
    once: String,
) -> ItemPage {
    let words = viewer.words;
    let make = Fields { words, choices, form, faults, prefix: "item" };
    let mut fields: Vec<Field> =
        item.form.iter().map(|question| question_field(&make, question, None)).collect();
    let quantity = make.value("quantity", Some("1".to_owned()));
    let label = words.name("field", "quantity");
    let widget = Widget::Line { kind: "number", value: quantity };
    fields.push(make.of("quantity", label, None, true, widget));
    let description = make.value("description", None);
    fields.push(make.of(
        "description",
        words.text.item_remarks(),
        None,
        false,
        Widget::Area { value: description },
    ));
    let requester = make.value("requester", None);
    // Whom it is for is the desk's to say; everybody else asks for themselves.
    let for_others = viewer.is_desk().then(|| {
        make.of(
            "requester",
            words.text.item_for(),
            Some(words.text.item_for_hint()),
            false,
            Widget::Line { kind: "text", value: requester },
        )
    });
    fields.extend(for_others);
    let problems = faults.summary(&fields, words);
    ItemPage {
        p: Page::of_portal(viewer, item.name.clone()).refused(!problems.is_empty()),
        about: html(&item.description),
        cost: item.cost.as_ref().map(|cost| money(viewer, cost)),
        takes: item.delivery_hours.map(|hours| takes(viewer, hours)),
        tasks: item.tasks.iter().map(|task| task.short_description.clone()).collect(),
        fields,
        problems,
        then: None,
        is_unforeseen: false,
        action: viewer.at(&format!("catalog/{}", item.key)),
        once,
    }
}

/// The item that a request asks for, if it can be read still.
pub(crate) async fn item_of(
    desk: &Desk,
    caller: &Caller,
    view: &TicketView,
) -> Result<Option<CatalogItem>, CommandError> {
    let Some(named) = &view.catalog_item else { return Ok(None) };
    match registers::find::<CatalogItem>(desk, caller, &named.key).await {
        Ok(found) => Ok(Some(found.record)),
        Err(CommandError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The answers of a request, each under its question.
pub(crate) async fn answers(
    desk: &Desk,
    viewer: &Viewer,
    view: &TicketView,
) -> Result<Vec<(String, String)>, CommandError> {
    if !has_answers(view) {
        return Ok(Vec::new());
    }
    let item = item_of(desk, viewer.caller(), view).await?;
    Ok(answers_to(item.as_ref(), viewer.words, view))
}

/// Whether a request answers questions of its item.
pub(crate) fn has_answers(view: &TicketView) -> bool {
    view.ticket.request().is_some_and(|request| !request.answers.is_empty())
}

/// As [`answers`], where the item was read.
pub(crate) fn answers_to(
    item: Option<&CatalogItem>,
    words: &Words,
    view: &TicketView,
) -> Vec<(String, String)> {
    let form = item.map(|item| item.form.as_slice()).unwrap_or_default();
    let t = &words.text;
    let given = view.ticket.request().into_iter().flat_map(|request| &request.answers);
    let answers = given.map(|(key, answer)| {
        let question = form.iter().find(|question| question.field == *key);
        let label = question.map_or_else(|| key.to_string(), |one| one.label.clone());
        let is_flag = question.is_some_and(|one| one.kind == FieldKind::YesNo);
        let answer = match (is_flag, answer.as_str()) {
            (true, "true") => t.yes(),
            (true, "false") => t.no(),
            _ => answer.clone(),
        };
        (label, answer)
    });
    answers.collect()
}

/// The questions of the item that a request asks for, with its answers. What somebody else answered
/// meanwhile is shown as it is now, unless it was changed here, too.
pub(crate) async fn questions(
    desk: &Desk,
    viewer: &Viewer,
    view: &TicketView,
    make: &Fields<'_>,
) -> Result<Vec<Field>, CommandError> {
    let Some(item) = item_of(desk, viewer.caller(), view).await? else { return Ok(Vec::new()) };
    let answers = view.ticket.request().map(|it| it.answers.clone()).unwrap_or_default();
    let answer = |question: &FormField| {
        let found = answers.iter().find(|(key, _)| *key == question.field);
        found.map(|(_, answer)| answer.clone())
    };
    let fields = item.form.iter().map(|one| {
        let now = answer(one);
        let was = Some(now.clone().unwrap_or_default());
        let make = make.of_changed(&question_name(one));
        Field { was, ..question_field(&make, one, now) }
    });
    Ok(fields.collect())
}

/// The name of the input in which a question is answered.
fn question_name(question: &FormField) -> String {
    format!("answers/{}", question.field)
}

/// A question of an item's form. Its words are the organization's.
fn question_field(make: &Fields<'_>, question: &FormField, now: Option<String>) -> Field {
    let name = question_name(question);
    let value = make.value(&name, now);
    let choice = |value_of: &str, label: String| Choice {
        is_chosen: value == value_of,
        value: value_of.to_owned(),
        label,
    };
    let widget = match &question.kind {
        FieldKind::Text => Widget::Area { value },
        FieldKind::Number => Widget::Line { kind: "number", value },
        FieldKind::Date => Widget::Line { kind: "date", value },
        FieldKind::YesNo => Widget::Radios {
            options: vec![
                choice("true", make.words.text.yes()),
                choice("false", make.words.text.no()),
            ],
        },
        FieldKind::Choice(options) if options.len() <= FEW => {
            let options = options.iter().map(|option| choice(option, option.clone())).collect();
            Widget::Radios { options }
        }
        FieldKind::Choice(options) => {
            let options = options.iter().map(|option| (option.clone(), option.clone()));
            make.select(options, question.required, &value)
        }
    };
    make.of(&name, question.label.clone(), None, question.required, widget)
}

/// Asks for an item.
pub(crate) async fn order(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, key)): Path<(String, String)>,
    form: Form,
) -> Result<Response, PageError> {
    try_order(&state, &viewer, &key, &form).await.map_err(|error| error.of_form(&form))
}

async fn try_order(
    state: &WebState,
    viewer: &Viewer,
    key: &str,
    form: &Form,
) -> Result<Response, PageError> {
    let item = item(state, viewer, key).await?;
    let named = match by_name(&state.desk, viewer.caller(), form, &REQUESTER).await {
        Ok(named) => named,
        Err(error) => return refused(state, viewer, &item, form, error).await,
    };
    if form.get("preview").is_some() {
        return preview(state, viewer, &item, form, &named).await;
    }
    let ordered = once(&state.desk, viewer, form, async |caller| {
        let (mut wanted, shared) = asked(viewer, key, &named);
        if form.get("basket").is_some() {
            // Written down, and handed in with the rest of the basket; what it lacks is asked now.
            item.check_answers(&given(&wanted))?;
            if form.said("requester").is_some() {
                let mut faults = refusal::Faults::new();
                let message =
                    said!("The basket is your own: send a request for somebody else by itself.");
                faults.wrong("/requester", "own", message);
                faults.finish()?;
            }
            wanted.insert("short_description".to_owned(), Json::from(item.name.as_str()));
            wanted.extend(shared);
            let new = OpenTicket { kind: Some(TicketKind::Request), fields: wanted, draft: true };
            Box::pin(tickets::open(&state.desk, &caller, new)).await?;
            return Ok(viewer.at("basket?done=basket"));
        }
        let new = order_of(wanted, shared);
        let order = Box::pin(orders::place(&state.desk, &caller, new)).await?;
        let number = order.requests.first().map(|request| request.ticket.number.clone());
        Ok(match number {
            Some(number) => viewer.at(&format!("my/{number}?done=submit")),
            None => viewer.at("my"),
        })
    });
    match ordered.await {
        Ok(response) => Ok(response),
        Err(NotDone::Failed(error)) => Err(error),
        Err(NotDone::Refused(error)) => refused(state, viewer, &item, form, error).await,
    }
}

/// The page with what is wrong with what was filled in.
async fn refused(
    state: &WebState,
    viewer: &Viewer,
    item: &CatalogItem,
    form: &Form,
    error: CommandError,
) -> Result<Response, PageError> {
    let faults = Faults::of_error(error)?.behind("/items/0");
    let once = state.edge.entropy.id(viewer.caller().now).to_string();
    let choices = offered(state, viewer, form).await?;
    let page = page(viewer, item, Some(form), &choices, &faults, once);
    Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

/// Whom the names that were filled in can mean.
async fn offered(state: &WebState, viewer: &Viewer, form: &Form) -> Result<Choices, CommandError> {
    let mut choices = Choices::default();
    choices.offer(&state.desk, viewer.caller(), Some(form), &REQUESTER).await?;
    Ok(choices)
}

/// The page with what would come of what was filled in; `named` is the same with ids for names.
async fn preview(
    state: &WebState,
    viewer: &Viewer,
    item: &CatalogItem,
    form: &Form,
    named: &Form,
) -> Result<Response, PageError> {
    let (wanted, shared) = asked(viewer, item.key.as_str(), named);
    let order = order_of(wanted, shared);
    let preview = match Box::pin(orders::preview(&state.desk, viewer.caller(), order)).await {
        Ok(preview) => Some(preview),
        // Too many ask, or a policy stalls. It can be sent all the same.
        Err(CommandError::Busy) => None,
        Err(error) => return refused(state, viewer, item, form, error).await,
    };
    let is_own = form.said("requester").is_none();
    let first = preview.as_ref().and_then(|preview| preview.requests.first());
    let then = first.map(|one| Then::of(viewer, one, is_own));
    let once = state.edge.entropy.id(viewer.caller().now).to_string();
    let choices = offered(state, viewer, form).await?;
    let page = page(viewer, item, Some(form), &choices, &Faults::default(), once);
    Ok(show_page(&ItemPage { is_unforeseen: then.is_none(), then, ..page }))
}

/// What is asked for, and what an order says of all its items.
fn asked(viewer: &Viewer, key: &str, form: &Form) -> (Map<String, Json>, Map<String, Json>) {
    let taken = [
        ("answers", FieldType::Answers),
        ("quantity", FieldType::Count { least: 1, most: u32::MAX }),
        ("description", FieldType::Text),
    ];
    let mut wanted = form.json(taken, &viewer.clock, false);
    wanted.insert("catalog_item".to_owned(), Json::from(key));
    let mut shared = Map::new();
    shared.insert("channel".to_owned(), Json::from("portal"));
    let own = || viewer.caller().person().map(|person| person.to_string());
    let requester = form.said("requester").map(str::to_owned).or_else(own);
    if let Some(requester) = requester {
        shared.insert("requester".to_owned(), Json::from(requester));
    }
    (wanted, shared)
}

/// The order of one item.
fn order_of(wanted: Map<String, Json>, shared: Map<String, Json>) -> NewOrder {
    NewOrder { fields: shared, items: vec![NewOrderItem { fields: wanted }] }
}

/// The answers in what a form says.
fn given(wanted: &Map<String, Json>) -> Vec<(Key, String)> {
    let answers = wanted.get("answers").and_then(Json::as_object).into_iter().flatten();
    let text = |answer: &Json| answer.as_str().map_or_else(|| answer.to_string(), str::to_owned);
    answers.filter_map(|(key, answer)| Some((key.parse().ok()?, text(answer)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_written_as_the_language_does() {
        let of = |minor_units| Money { minor_units, currency: "EUR".to_owned() };
        assert_eq!(written(&of(5), "en"), "0.05 EUR");
        assert_eq!(written(&of(124_000), "en"), "1,240.00 EUR");
        assert_eq!(written(&of(123_456_789), "de"), "1.234.567,89 EUR");
    }
}
