//! The basket: requests that are written down and not handed in yet, sent together.

use std::collections::BTreeMap;

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use serde_json::Map;
use tokio::time::{Instant, timeout_at};
use waypost_app::{
    CommandError, PageRequest,
    orders::MAX_ITEMS,
    tickets::{
        self, PersonRef, TicketOrder, TicketQuery, TicketRef, TicketView,
        bulk::{self, Acted, BulkAction, BulkTicket},
        preview::{self, RequestPreview},
    },
};
use waypost_domain::{
    catalog::{CatalogItem, Money},
    ticket::{Action, State as TicketState, TicketKind},
};

use super::{
    catalog::{answers_to, has_answers, money},
    then::Then,
};
use crate::{
    WebState,
    choices::all,
    error::PageError,
    form::{Form, Query},
    once::{NotDone, once},
    page::{Page, show as show_page, show_as},
    text::Html,
    time::When,
    viewer::Viewer,
};

/// So many requests are in a basket at most; more are sent in a second go.
const SHOWN: u16 = 50;

#[derive(Template)]
#[template(path = "portal/basket.html")]
struct BasketPage {
    p: Page,
    items: Vec<Item>,
    /// What all of it costs that can be sent and is not rejected, in each currency.
    total: Vec<String>,
    /// When the last of it should be there, as far as that is known.
    expected: Option<When>,
    /// Of how many is shown what happens then, where not of all.
    foreseen: Option<usize>,
    /// What was handed in, where not everything was.
    sent: Vec<Sent>,
    /// What stood against the rest.
    refused: Vec<NotSent>,
    once: String,
}

/// A request that was handed in just now.
struct Sent {
    href: String,
    number: String,
}

/// A request that was not, and what stands against it.
struct NotSent {
    href: String,
    number: String,
    why: Html,
    /// Whether it cannot be sent as it is.
    is_refused: bool,
}

/// A request that is not handed in yet.
struct Item {
    href: String,
    number: String,
    /// Of what is shown.
    version: i64,
    name: String,
    quantity: u16,
    cost: Option<String>,
    answers: Vec<(String, String)>,
    /// What happens once it is sent, as far as that was found out.
    then: Option<Then>,
    /// Why it cannot be sent as it is.
    refused: Option<Html>,
    remove: String,
}

pub(crate) async fn show(
    State(state): State<WebState>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    // What is left of it when the basket was read goes to the previews.
    let until = Instant::now() + state.edge.options.request_timeout / 2;
    let page = page(&state, &viewer, Vec::new(), Vec::new(), Some(until)).await?;
    Ok(show_page(&BasketPage { p: page.p.telling(&query), ..page }))
}

/// The page; with what happens then, where there is time until then to find it out.
async fn page(
    state: &WebState,
    viewer: &Viewer,
    sent: Vec<Sent>,
    refused: Vec<NotSent>,
    until: Option<Instant>,
) -> Result<BasketPage, CommandError> {
    let drafts = drafts(state, viewer).await?;
    let mut previews = match until {
        Some(until) => previews(state, viewer, &drafts, until).await.into_iter(),
        None => Vec::new().into_iter(),
    };
    let catalog = catalog(state, viewer, &drafts).await?;
    let item_of = |view: &TicketView| catalog.get(&view.catalog_item.as_ref()?.key);
    let mut costs = Vec::with_capacity(drafts.len());
    let mut expected_at = None;
    let mut items = Vec::with_capacity(drafts.len());
    for view in &drafts {
        let number = &view.ticket.number;
        let request = view.ticket.request();
        let cost = request.and_then(|request| request.cost.clone());
        let (mut then, mut cannot) = (None, None);
        match previews.next() {
            Some(Ok(preview)) => {
                then = Some(Then::of(viewer, &preview, true).without_cost());
                expected_at = expected_at.max(preview.expected_at);
                costs.extend(preview.cost);
            }
            Some(Err(error)) if !error.is_trouble() => {
                cannot = Some(viewer.words.say_all(&error.sentences()));
            }
            Some(Err(_)) | None => {
                let was_refused = |one: &NotSent| one.is_refused && one.number == *number;
                costs.extend(cost.clone().filter(|_| !refused.iter().any(was_refused)));
            }
        }
        items.push(Item {
            href: viewer.at(&format!("my/{number}")),
            number: number.clone(),
            version: view.ticket.version,
            name: view.ticket.short_description.clone(),
            quantity: request.map_or(1, |request| request.quantity),
            cost: cost.map(|cost| money(viewer, &cost)),
            answers: answers_to(item_of(view), viewer.words, view),
            then,
            refused: cannot,
            remove: viewer.at(&format!("my/{number}/do/cancel")),
        });
    }
    let foreseen = items.iter().filter(|it| it.then.is_some() || it.refused.is_some()).count();
    Ok(BasketPage {
        p: Page::of_portal(viewer, viewer.words.text.basket_title()).refused(!refused.is_empty()),
        total: Money::sums(&costs).iter().map(|sum| money(viewer, sum)).collect(),
        expected: expected_at.map(|at| viewer.clock.at(at)),
        foreseen: until.map(|_| foreseen).filter(|foreseen| *foreseen < items.len()),
        items,
        sent,
        refused,
        once: state.edge.entropy.id(viewer.caller().now).to_string(),
    })
}

/// The items whose questions the drafts answer, by key: all are read at once.
async fn catalog(
    state: &WebState,
    viewer: &Viewer,
    drafts: &[TicketView],
) -> Result<BTreeMap<String, CatalogItem>, CommandError> {
    if !drafts.iter().any(has_answers) {
        return Ok(BTreeMap::new());
    }
    let items = all::<CatalogItem>(&state.desk, viewer.caller()).await?;
    Ok(items.into_iter().map(|item| (item.record.key.to_string(), item.record)).collect())
}

/// What would come of the first of the drafts; of none where that takes too long to wait for or
/// cannot be found out. The basket is there in any case.
async fn previews(
    state: &WebState,
    viewer: &Viewer,
    drafts: &[TicketView],
    until: Instant,
) -> Vec<Result<RequestPreview, CommandError>> {
    let first = drafts.iter().take(MAX_ITEMS);
    let named: Vec<TicketRef> = first.map(|view| TicketRef::Id(view.ticket.id)).collect();
    if named.is_empty() {
        return Vec::new();
    }
    let previews = Box::pin(preview::of_drafts(&state.desk, viewer.caller(), &named));
    match timeout_at(until, previews).await {
        Ok(Ok(previews)) => previews,
        Ok(Err(CommandError::Busy)) | Err(_) => Vec::new(),
        Ok(Err(error)) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "a basket is shown without previews");
            Vec::new()
        }
    }
}

/// The viewer's requests of the catalog that are not handed in: the latest, in the order in which
/// they were written down.
async fn drafts(state: &WebState, viewer: &Viewer) -> Result<Vec<TicketView>, CommandError> {
    let Some(person) = viewer.caller().person() else { return Ok(Vec::new()) };
    let query = TicketQuery {
        kinds: vec![TicketKind::Request],
        states: vec![TicketState::New.as_str().to_owned()],
        requester: Some(PersonRef::Id(person)),
        order: TicketOrder::OpenedDesc,
        ..TicketQuery::default()
    };
    let request = PageRequest { limit: SHOWN, after: None };
    let mut rows = tickets::list(&state.desk, viewer.caller(), &query, &request).await?.rows;
    rows.retain(|view| view.catalog_item.is_some());
    rows.reverse();
    Ok(rows)
}

/// Hands in what the basket showed. What is refused stays in it.
pub(crate) async fn send(
    State(state): State<WebState>,
    viewer: Viewer,
    form: Form,
) -> Result<Response, PageError> {
    let (mut sent, mut refused) = (Vec::new(), Vec::new());
    let done = once(&state.desk, &viewer, &form, async |caller| {
        // What was changed since it was shown is looked at again before it is sent.
        let ticket = |shown: &str| {
            let (number, version) = shown.split_once(' ').unwrap_or((shown, ""));
            BulkTicket { number: number.to_owned(), version: version.parse().ok() }
        };
        let bulk = BulkAction {
            action: Action::Submit,
            input: Map::new(),
            tickets: form.all("ticket").map(ticket).collect(),
            is_preview: false,
        };
        let time = state.edge.options.request_timeout / 2;
        let clock = state.edge.clock.as_ref();
        let acted = bulk::act_on_each(&state.desk, &caller, clock, &bulk, time).await?;
        for (ticket, acted) in bulk.tickets.iter().zip(acted) {
            let number = ticket.number.clone();
            let href = viewer.at(&format!("my/{number}"));
            let t = &viewer.words.text;
            let is_refused = matches!(acted, Acted::Refused(_));
            let why = match acted {
                Acted::Done(_) | Acted::Possible(_) => {
                    sent.push(Sent { href, number });
                    continue;
                }
                Acted::Refused(error) | Acted::Failed(error) => {
                    viewer.words.say_all(&error.sentences())
                }
                Acted::Unknown => Html::plain(&t.bulk_unknown()),
                Acted::NotTried => Html::plain(&t.bulk_not_tried()),
            };
            refused.push(NotSent { href, number, why, is_refused });
        }
        // Whoever sends the same form again is led to what is left.
        Ok(viewer.at(if refused.is_empty() { "my?done=sent" } else { "basket" }))
    });
    match done.await {
        Ok(response) if refused.is_empty() => Ok(response),
        Ok(_) => {
            // The time was for sending; what happens then is shown when the basket is next.
            let page = page(&state, &viewer, sent, refused, None).await?;
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(NotDone::Failed(error)) => Err(error),
        Err(NotDone::Refused(error)) => Err(error.into()),
    }
}
