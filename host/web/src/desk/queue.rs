//! Queues: what there is to do, for whom, in which order.

use askama::Template;
use axum::{extract::Path, extract::State, response::Response};
use sha2::{Digest, Sha256};
use waypost_app::{
    CommandError, Cursor, Desk, PageRequest, Total,
    tickets::{self, PersonRef, TicketOrder, TicketQuery, TicketRef, TicketView},
};
use waypost_domain::{
    ids::PersonId,
    incident::MajorState,
    team::Team,
    ticket::{Phase, State as TicketState, TicketKind},
};

use super::bulk::offered;
use crate::{
    WebState,
    choices::all,
    error::PageError,
    form::{Choice, Query},
    live::News,
    once::to,
    page::{Page, show as show_page},
    ticket::{Row, row},
    viewer::Viewer,
};

/// So many tickets are on a page.
const SHOWN: u16 = 50;

#[derive(Template)]
#[template(path = "desk/queue.html")]
struct QueuePage {
    p: Page,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    /// The address without a filter.
    bare: String,
    is_filtered: bool,
    text: String,
    states: Vec<Choice>,
    priorities: Vec<Choice>,
    teams: Vec<Choice>,
    total: Option<String>,
    next: Option<String>,
    empty: String,
    bulk: Vec<Choice>,
    /// Whether it is a team's view, where no other team can be asked for.
    is_team: bool,
    news: News,
}

/// A view of the queue, with how many tickets are in it.
struct Tab {
    href: String,
    label: String,
    count: String,
    is_here: bool,
}

/// Which tickets a view shows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum View {
    Mine,
    Team(String),
    Unassigned,
    Waiting,
    Degraded,
    Major,
    All,
}

impl View {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "mine" => Self::Mine,
            "unassigned" => Self::Unassigned,
            "waiting" => Self::Waiting,
            "degraded" => Self::Degraded,
            "major" => Self::Major,
            "all" => Self::All,
            other => Self::Team(other.strip_prefix("team-")?.to_owned()),
        })
    }

    fn path(&self) -> String {
        match self {
            Self::Mine => "mine".to_owned(),
            Self::Team(key) => format!("team-{key}"),
            Self::Unassigned => "unassigned".to_owned(),
            Self::Waiting => "waiting".to_owned(),
            Self::Degraded => "degraded".to_owned(),
            Self::Major => "major".to_owned(),
            Self::All => "all".to_owned(),
        }
    }

    fn label(&self, viewer: &Viewer, teams: &[Team]) -> String {
        let t = &viewer.words.text;
        match self {
            Self::Mine => t.queue_mine(),
            Self::Team(key) => teams
                .iter()
                .find(|team| team.key.as_str() == key)
                .map_or_else(|| key.clone(), |team| team.name.clone()),
            Self::Unassigned => t.queue_unassigned(),
            Self::Waiting => t.queue_waiting(),
            Self::Degraded => t.queue_degraded(),
            Self::Major => t.queue_major(),
            Self::All => t.queue_all(),
        }
    }

    /// What it asks for, of incidents and requests: problems and tasks have lists of their own.
    fn query(&self, me: Option<PersonId>) -> TicketQuery {
        let open = TicketQuery {
            kinds: vec![TicketKind::Incident, TicketKind::Request],
            order: TicketOrder::Queue,
            active: Some(true),
            ..TicketQuery::default()
        };
        match self {
            Self::Mine => TicketQuery {
                kinds: TicketKind::ALL.to_vec(),
                assignee: me.map(PersonRef::Id),
                ..open
            },
            Self::Team(key) => TicketQuery { team: Some(key.clone()), ..open },
            Self::Unassigned => TicketQuery { assigned: Some(false), ..open },
            Self::Waiting => TicketQuery { phases: vec![Phase::OnHold], ..open },
            Self::Degraded => TicketQuery { policy_failures: Some(true), ..open },
            Self::Major => TicketQuery {
                major_states: vec![MajorState::Proposed, MajorState::Accepted],
                ..open
            },
            Self::All => open,
        }
    }
}

/// Leads to the view where most work begins.
pub(crate) async fn lead(viewer: Viewer) -> Response {
    to(&viewer.at("desk/queue/unassigned"))
}

pub(crate) async fn show(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, view)): Path<(String, String)>,
    query: Query,
) -> Result<Response, PageError> {
    let view = View::parse(&view).ok_or_else(PageError::not_found)?;
    must_be_desk(&viewer)?;
    let me = viewer.caller().person();
    let teams: Vec<Team> = all::<Team>(&state.desk, viewer.caller())
        .await?
        .into_iter()
        .map(|view| view.record)
        .filter(|team| team.active)
        .collect();
    let mut views = vec![View::Mine];
    let mine = teams.iter().filter(|team| me.is_some_and(|me| team.members.contains(&me)));
    views.extend(mine.map(|team| View::Team(team.key.to_string())));
    if !views.contains(&view) && matches!(view, View::Team(_)) {
        views.push(view.clone());
    }
    views.extend([View::Unassigned, View::Waiting, View::Degraded, View::Major, View::All]);
    let mut tabs = Vec::with_capacity(views.len());
    for one in &views {
        let total = count(&state.desk, &viewer, one.query(me)).await?;
        tabs.push(Tab {
            href: viewer.at(&format!("desk/queue/{}", one.path())),
            label: one.label(&viewer, &teams),
            count: shown(total),
            is_here: *one == view,
        });
    }
    let title = view.label(&viewer, &teams);
    let bare = viewer.at(&format!("desk/queue/{}", view.path()));
    let mut asked = view.query(me);
    let filter = Filter::read(&query);
    filter.narrow(&mut asked);
    let listed = listed(&state.desk, &viewer, &asked, &query).await?;
    let t = &viewer.words.text;
    let empty = match &view {
        View::Mine => t.empty_mine(),
        View::Unassigned => t.empty_unassigned(),
        View::Degraded => t.empty_degraded(),
        View::Major => t.empty_major(),
        View::Team(_) | View::Waiting | View::All => t.empty_queue(),
    };
    let p = Page::of_desk(&viewer, title).telling(&query);
    let news = News::of_list(&viewer, &listed.mark, &listed.filter, query.get("seen"));
    let page = QueuePage {
        p,
        tabs,
        rows: listed.rows,
        is_filtered: filter.is_set(),
        states: filter.states(&viewer),
        priorities: filter.priorities(),
        teams: filter.teams(&teams),
        text: filter.text.unwrap_or_default(),
        next: listed.next.map(|next| format!("{bare}?{next}")),
        bare,
        total: listed.total,
        empty,
        bulk: offered(&viewer),
        is_team: matches!(view, View::Team(_)),
        news,
    };
    Ok(show_page(&page))
}

/// What the filter of a list asks for.
#[derive(Debug, Default)]
struct Filter {
    text: Option<String>,
    state: Option<TicketState>,
    priority: Option<u8>,
    team: Option<String>,
}

impl Filter {
    fn read(query: &Query) -> Self {
        Self {
            text: query.get("text").map(str::to_owned),
            state: query.get("state").and_then(|state| state.parse().ok()),
            priority: query.get("priority").and_then(|priority| priority.parse().ok()),
            team: query.get("team").map(str::to_owned),
        }
    }

    fn is_set(&self) -> bool {
        self.text.is_some()
            || self.state.is_some()
            || self.priority.is_some()
            || self.team.is_some()
    }

    fn narrow(&self, asked: &mut TicketQuery) {
        asked.text.clone_from(&self.text);
        asked.states.extend(self.state.map(|state| state.as_str().to_owned()));
        asked.priorities.extend(self.priority);
        if self.team.is_some() && asked.team.is_none() {
            asked.team.clone_from(&self.team);
        }
    }

    fn states(&self, viewer: &Viewer) -> Vec<Choice> {
        let mut states: Vec<TicketState> = Vec::new();
        for kind in [TicketKind::Incident, TicketKind::Request] {
            for (state, phase) in kind.rules().states {
                if phase.is_active() && !states.contains(state) {
                    states.push(*state);
                }
            }
        }
        let choice = |state: TicketState| Choice {
            value: state.as_str().to_owned(),
            label: viewer.words.name("state", state.as_str()),
            is_chosen: self.state == Some(state),
        };
        states.into_iter().map(choice).collect()
    }

    fn priorities(&self) -> Vec<Choice> {
        let choice = |level: u8| Choice {
            value: level.to_string(),
            label: format!("P{level}"),
            is_chosen: self.priority == Some(level),
        };
        (1..=5).map(choice).collect()
    }

    fn teams(&self, teams: &[Team]) -> Vec<Choice> {
        let choice = |team: &Team| Choice {
            is_chosen: self.team.as_deref() == Some(team.key.as_str()),
            value: team.key.to_string(),
            label: team.name.clone(),
        };
        teams.iter().map(choice).collect()
    }
}

/// A page of a list.
#[derive(Default)]
struct Listed {
    rows: Vec<Row>,
    /// The query of the next page.
    next: Option<String>,
    total: Option<String>,
    /// The filter as a part of an address.
    filter: String,
    /// Stands for what is listed: another one says that something has changed.
    mark: String,
}

async fn listed(
    desk: &Desk,
    viewer: &Viewer,
    asked: &TicketQuery,
    query: &Query,
) -> Result<Listed, CommandError> {
    let after = query.get("after").map(|cursor| Cursor(cursor.to_owned()));
    let request = PageRequest { limit: SHOWN, after };
    let asked = TicketQuery { count: true, ..asked.clone() };
    let page = tickets::list(desk, viewer.caller(), &asked, &request).await?;
    let kept = ["text", "state", "priority", "team"].into_iter().filter_map(|name| {
        let value = query.get(name)?;
        Some(format!("{name}={}&", encoded(value)))
    });
    let kept: String = kept.collect();
    Ok(Listed {
        mark: mark(&page.rows, page.total),
        filter: kept.clone(),
        rows: rows(viewer, &page.rows),
        next: page.next.map(|Cursor(next)| format!("{kept}after={next}")),
        total: page.total.map(shown),
    })
}

fn mark(views: &[TicketView], total: Option<Total>) -> String {
    let mut digest = Sha256::new();
    for view in views {
        digest.update(view.ticket.id.0);
        digest.update(view.ticket.version.to_be_bytes());
    }
    digest.update(total.map_or(0, |total| total.rows).to_be_bytes());
    digest.finalize().iter().take(8).fold(String::new(), |mark, byte| format!("{mark}{byte:02x}"))
}

fn rows(viewer: &Viewer, views: &[TicketView]) -> Vec<Row> {
    views.iter().map(|view| row(viewer, view, "desk/tickets")).collect()
}

async fn count(desk: &Desk, viewer: &Viewer, query: TicketQuery) -> Result<Total, CommandError> {
    let query = TicketQuery { count: true, ..query };
    let request = PageRequest { limit: 1, after: None };
    let page = tickets::list(desk, viewer.caller(), &query, &request).await?;
    Ok(page.total.unwrap_or(Total { rows: 0, is_minimum: false }))
}

fn shown(total: Total) -> String {
    if total.is_minimum { format!("{}+", total.rows) } else { total.rows.to_string() }
}

/// Percent-encodes what is not plain in a query.
fn encoded(text: &str) -> String {
    askama::filters::urlencode_strict(text).map_or_else(|never| match never {}, |it| it.to_string())
}

/// Refuses who is not of the desk.
pub(crate) fn must_be_desk(viewer: &Viewer) -> Result<(), PageError> {
    if viewer.is_desk() {
        return Ok(());
    }
    Err(CommandError::Forbidden(viewer.words.text.needs_desk()).into())
}

#[derive(Template)]
#[template(path = "desk/list.html")]
struct ListPage {
    p: Page,
    rows: Vec<Row>,
    text: String,
    action: String,
    next: Option<String>,
    total: Option<String>,
    new: Option<String>,
    empty: String,
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
    list_of(&state, &viewer, &query, TicketKind::Problem, title, empty, new).await
}

/// All tasks that are open.
pub(crate) async fn tasks(
    State(state): State<WebState>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let t = &viewer.words.text;
    let (title, empty) = (t.tasks_title(), t.empty_tasks());
    list_of(&state, &viewer, &query, TicketKind::Task, title, empty, None).await
}

async fn list_of(
    state: &WebState,
    viewer: &Viewer,
    query: &Query,
    kind: TicketKind,
    title: String,
    empty: String,
    new: Option<String>,
) -> Result<Response, PageError> {
    must_be_desk(viewer)?;
    let text = query.get("text").map(str::to_owned);
    let asked = TicketQuery {
        kinds: vec![kind],
        order: TicketOrder::Queue,
        active: Some(true),
        text: text.clone(),
        ..TicketQuery::default()
    };
    let listed = listed(&state.desk, viewer, &asked, query).await?;
    let action = viewer.path.to_string();
    Ok(show_page(&ListPage {
        p: Page::of_desk(viewer, title).telling(query),
        rows: listed.rows,
        text: text.unwrap_or_default(),
        next: listed.next.map(|next| format!("{action}?{next}")),
        action,
        total: listed.total,
        new,
        empty,
    }))
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
        found = listed(&state.desk, &viewer, &asked, &query).await?;
    }
    let action = viewer.at("desk/search");
    let t = &viewer.words.text;
    let empty = if text.is_empty() { t.search_hint() } else { t.empty_search() };
    Ok(show_page(&ListPage {
        p: Page::of_desk(&viewer, t.search_title()),
        rows: found.rows,
        text: text.to_owned(),
        next: found.next.map(|next| format!("{action}?{next}")),
        action,
        total: found.total,
        new: None,
        empty,
    }))
}
