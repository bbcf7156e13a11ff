//! Lists beside the queue: problems, tasks, and what a search finds.

use askama::Template;
use axum::{extract::State, response::Response};
use waypost_app::{
    CommandError,
    tickets::{self, TicketOrder, TicketQuery, TicketRef},
};
use waypost_domain::{saved_view::QueueView, team::Team, ticket::TicketKind};

use super::queue::{Listed, Tab, active_teams, label, listed, must_be_desk, own_views, shown_by};
use crate::{
    WebState,
    error::PageError,
    form::Query,
    once::to,
    page::{Page, show as show_page},
    ticket::Row,
    viewer::Viewer,
};

#[derive(Template)]
#[template(path = "desk/list.html")]
struct ListPage {
    p: Page,
    /// Whose of them, or which of them, can be looked at; none of what is found by words.
    tabs: Vec<Tab>,
    /// What is looked at, as the address names it, if it is not everything.
    part: Option<String>,
    rows: Vec<Row>,
    text: String,
    action: String,
    next: Option<String>,
    total: Option<String>,
    new: Option<String>,
    empty: String,
}

/// What of a list is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// All that is open, or what the viewer or a team of theirs has.
    Of(QueueView),
    /// Known errors.
    Known,
}

impl Part {
    /// Reads what the address asks for; everything where it asks for nothing.
    fn read(query: &Query) -> Result<Self, PageError> {
        match query.get("of") {
            None => Ok(Self::Of(QueueView::All)),
            Some("known") => Ok(Self::Known),
            Some(other) => {
                let view = other.parse::<QueueView>().map_err(|_| PageError::not_found())?;
                Ok(Self::Of(view))
            }
        }
    }

    /// As the address names it; none for everything.
    fn name(&self) -> Option<String> {
        match self {
            Self::Of(QueueView::All) => None,
            Self::Of(view) => Some(view.to_string()),
            Self::Known => Some("known".to_owned()),
        }
    }

    fn query(&self, viewer: &Viewer, kind: TicketKind) -> TicketQuery {
        let me = viewer.caller().person();
        let kinds = vec![kind];
        match self {
            Self::Of(view) => TicketQuery { kinds, ..shown_by(view, me) },
            Self::Known => {
                let all = shown_by(&QueueView::All, me);
                TicketQuery { kinds, known_error: Some(true), ..all }
            }
        }
    }
}

/// All problems that are open.
pub(crate) async fn problems(
    State(state): State<WebState>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let t = &viewer.words.text;
    let (title, empty) = (t.problems_title(), t.empty_problems());
    let new = Some(viewer.at("desk/new/problem"));
    list_of(&state, &viewer, &query, TicketKind::Problem, (title, empty), new).await
}

/// All tasks that are open.
pub(crate) async fn tasks(
    State(state): State<WebState>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let t = &viewer.words.text;
    let (title, empty) = (t.tasks_title(), t.empty_tasks());
    list_of(&state, &viewer, &query, TicketKind::Task, (title, empty), None).await
}

async fn list_of(
    state: &WebState,
    viewer: &Viewer,
    query: &Query,
    kind: TicketKind,
    (title, empty): (String, String),
    new: Option<String>,
) -> Result<Response, PageError> {
    must_be_desk(viewer)?;
    let part = Part::read(query)?;
    let teams = active_teams(state, viewer).await?;
    let text = query.get("text").map(str::to_owned);
    let asked = TicketQuery { text: text.clone(), ..part.query(viewer, kind) };
    let listed = listed(&state.desk, viewer, &asked, query, None).await?;
    let action = viewer.path.to_string();
    let name = part.name();
    let kept = name.as_ref().map(|name| format!("of={name}&")).unwrap_or_default();
    let t = &viewer.words.text;
    let is_narrow = name.is_some() || text.is_some();
    Ok(show_page(&ListPage {
        p: Page::of_desk(viewer, title).telling(query),
        tabs: tabs(viewer, &action, kind, &part, &teams),
        part: name,
        rows: listed.rows,
        text: text.unwrap_or_default(),
        next: listed.next.map(|next| format!("{action}?{kept}{next}")),
        action,
        total: listed.total,
        new,
        empty: if is_narrow { t.empty_filter() } else { empty },
    }))
}

/// The parts of a list, as plain links: what the viewer has, what each team of theirs has, known
/// errors among problems, and everything.
fn tabs(viewer: &Viewer, action: &str, kind: TicketKind, here: &Part, teams: &[Team]) -> Vec<Tab> {
    let t = &viewer.words.text;
    let mut parts: Vec<Part> = own_views(viewer, teams).into_iter().map(Part::Of).collect();
    if kind == TicketKind::Problem {
        parts.push(Part::Known);
    }
    if !parts.contains(here) && *here != Part::Of(QueueView::All) {
        parts.push(here.clone());
    }
    parts.push(Part::Of(QueueView::All));
    let tab = |part: Part| Tab {
        href: part.name().map_or_else(|| action.to_owned(), |name| format!("{action}?of={name}")),
        label: match &part {
            Part::Of(view) => label(view, viewer, teams),
            Part::Known => t.known_errors(),
        },
        count: String::new(),
        is_here: part == *here,
    };
    parts.into_iter().map(tab).collect()
}

/// Finds a ticket by its number, or tickets by their words.
pub(crate) async fn search(
    State(state): State<WebState>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    must_be_desk(&viewer)?;
    let text = query.get("text").unwrap_or_default();
    let number = text.to_ascii_uppercase();
    if TicketKind::of_number(&number).is_some() {
        let named = TicketRef::Number(number.clone());
        match tickets::find(&state.desk, viewer.caller(), &named).await {
            Ok(view) => {
                return Ok(to(&viewer.at(&format!("desk/tickets/{}", view.ticket.number))));
            }
            Err(CommandError::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut found = Listed::default();
    if !text.is_empty() {
        let asked = TicketQuery {
            kinds: TicketKind::ALL.to_vec(),
            order: TicketOrder::UpdatedDesc,
            text: Some(text.to_owned()),
            ..TicketQuery::default()
        };
        found = listed(&state.desk, &viewer, &asked, &query, None).await?;
    }
    let action = viewer.at("desk/search");
    let t = &viewer.words.text;
    let empty = if text.is_empty() { t.search_hint() } else { t.empty_search() };
    Ok(show_page(&ListPage {
        p: Page::of_desk(&viewer, t.search_title()),
        tabs: Vec::new(),
        part: None,
        rows: found.rows,
        text: text.to_owned(),
        next: found.next.map(|next| format!("{action}?{next}")),
        action,
        total: found.total,
        new: None,
        empty,
    }))
}
