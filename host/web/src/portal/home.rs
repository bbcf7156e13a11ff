//! The first page of the portal: one search, what can be done, what waits for the viewer.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use waypost_app::{
    CommandError, Desk, PageRequest, approvals, majors,
    tickets::{self, TicketOrder, TicketQuery, TicketView},
};
use waypost_domain::{catalog::CatalogItem, role::Role, waiting::WaitingKind};

use super::{majors::Down, my::concerning};
use crate::{
    WebState,
    choices::all,
    error::PageError,
    form::Query,
    once::to,
    page::{Page, show as show_page},
    ticket::{Row, row},
    viewer::{Viewer, home},
};

/// So many of the viewer's tickets are on the first page.
const SHOWN: usize = 10;
/// Among so many it is looked for what waits for the viewer.
const LOOKED_AT: u16 = 50;

#[derive(Template)]
#[template(path = "portal/home.html")]
struct HomePage {
    p: Page,
    first_name: String,
    votes: usize,
    /// What is down for many.
    down: Vec<Down>,
    waiting: Vec<Row>,
    mine: Vec<Row>,
}

#[derive(Template)]
#[template(path = "portal/search.html")]
struct SearchPage {
    p: Page,
    q: String,
    items: Vec<Item>,
    tickets: Vec<Row>,
}

/// Something of the catalog that was found.
struct Item {
    href: String,
    name: String,
    about: String,
}

/// Leads to where the viewer begins.
pub(crate) async fn lead(viewer: Viewer) -> Response {
    to(&home(&viewer.who.organization.key, viewer.caller().role))
}

/// Leads from a letter to the ticket, as the viewer sees it.
pub(crate) async fn lead_to_ticket(
    viewer: Viewer,
    Path((_, number)): Path<(String, String)>,
) -> Response {
    let place = if viewer.is_desk() { "desk/tickets" } else { "my" };
    // A number is letters and digits; of anything else there is no ticket, and no address.
    let number: String = number.chars().filter(char::is_ascii_alphanumeric).collect();
    to(&viewer.at(&format!("{place}/{number}")))
}

pub(crate) async fn show(
    State(state): State<WebState>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let votes = votes(&state.desk, &viewer).await?;
    let down = majors::in_public(&state.desk, viewer.caller()).await?;
    let down = Down::all(&viewer, &down);
    let (waiting, mut mine) = current(&state.desk, &viewer).await?;
    mine.truncate(SHOWN);
    let title = viewer.words.text.home_title();
    let first_name = viewer.who.name.split_whitespace().next().unwrap_or_default().to_owned();
    let p = Page::of_portal(&viewer, title).telling(&query);
    Ok(show_page(&HomePage { p, first_name, votes, down, waiting, mine }))
}

/// What waits for the viewer, and what else of theirs is open: the latest of each.
pub(crate) async fn current(
    desk: &Desk,
    viewer: &Viewer,
) -> Result<(Vec<Row>, Vec<Row>), CommandError> {
    let open = TicketQuery { active: Some(true), ..concerning(viewer) };
    let open = rows(viewer, &mine(desk, viewer, open).await?);
    let confirming = TicketQuery {
        waiting_on: Some(WaitingKind::Confirmation),
        active: Some(false),
        ..concerning(viewer)
    };
    let confirming = rows(viewer, &mine(desk, viewer, confirming).await?);
    let is_you = |row: &Row| row.waits.as_ref().is_some_and(|waits| waits.is_you);
    let (mut waiting, others): (Vec<Row>, Vec<Row>) = open.into_iter().partition(is_you);
    waiting.extend(confirming.into_iter().filter(is_you));
    Ok((waiting, others))
}

/// How many votes are asked of the viewer. An auditor has none.
async fn votes(desk: &Desk, viewer: &Viewer) -> Result<usize, CommandError> {
    if viewer.caller().role == Role::Auditor {
        return Ok(0);
    }
    Ok(approvals::mine(desk, viewer.caller()).await?.len())
}

/// The viewer's own tickets, the latest change first.
async fn mine(
    desk: &Desk,
    viewer: &Viewer,
    query: TicketQuery,
) -> Result<Vec<TicketView>, CommandError> {
    if viewer.caller().person().is_none() {
        return Ok(Vec::new());
    }
    let query = TicketQuery { order: TicketOrder::UpdatedDesc, ..query };
    let request = PageRequest { limit: LOOKED_AT, after: None };
    Ok(tickets::list(desk, viewer.caller(), &query, &request).await?.rows)
}

fn rows(viewer: &Viewer, views: &[TicketView]) -> Vec<Row> {
    views.iter().map(|view| row(viewer, view, "my")).collect()
}

/// Finds what can be ordered, and the viewer's tickets.
pub(crate) async fn search(
    State(state): State<WebState>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let q = query.get("q").unwrap_or_default().to_owned();
    let (mut items, mut found) = (Vec::new(), Vec::new());
    if !q.is_empty() {
        let words: Vec<String> = q.split_whitespace().map(str::to_lowercase).collect();
        for item in all::<CatalogItem>(&state.desk, viewer.caller()).await? {
            let item = item.record;
            let text = format!("{} {}", item.name, item.description).to_lowercase();
            if item.active && words.iter().all(|word| text.contains(word.as_str())) {
                items.push(Item {
                    href: viewer.at(&format!("catalog/{}", item.key)),
                    name: item.name,
                    about: item.description,
                });
            }
        }
        let query = TicketQuery {
            text: Some(q.clone()),
            order: TicketOrder::UpdatedDesc,
            ..concerning(&viewer)
        };
        let request = PageRequest { limit: 20, after: None };
        found = tickets::list(&state.desk, viewer.caller(), &query, &request).await?.rows;
    }
    let p = Page::of_portal(&viewer, viewer.words.text.search_title());
    Ok(show_page(&SearchPage { p, q, items, tickets: rows(&viewer, &found) }))
}
