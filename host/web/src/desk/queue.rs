//! Queues: what there is to do, for whom, in which order.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use sha2::{Digest, Sha256};
use waypost_app::{
    CommandError, Cursor, Desk, PageRequest, Total, saved_views,
    tickets::{self, PersonRef, TicketOrder, TicketQuery, TicketView},
};
use waypost_domain::{
    ids::{PersonId, SavedViewId},
    incident::MajorState,
    saved_view::{FILTERS, ORDERS, QueueView, SavedView},
    team::Team,
    ticket::{Phase, State as TicketState, TicketKind},
    waiting::WaitingKind,
};

use super::bulk::offered;
use crate::{
    WebState,
    choices::{Choices, all},
    error::PageError,
    form::{Choice, Faults, Field, Fields, Form, Problem, Query, Widget},
    live::News,
    once::to,
    page::{Page, show as show_page, show_as},
    sign_in::path_of_ours,
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
    waits: Vec<Choice>,
    orders: Vec<Choice>,
    total: Option<String>,
    next: Option<String>,
    empty: String,
    bulk: Vec<Choice>,
    /// The address of what is looked at, to which what is done to several tickets leads back.
    back: String,
    /// Whether it is a team's view, where no other team can be asked for.
    is_team: bool,
    news: News,
    /// What is looked at now, as a view that can be saved.
    query: String,
    /// Where the saved view that is looked at is removed.
    remove: Option<String>,
    name: Field,
    problems: Vec<Problem>,
}

/// A view of the queue, with how many tickets are in it.
pub(super) struct Tab {
    pub(super) href: String,
    pub(super) label: String,
    pub(super) count: String,
    pub(super) is_here: bool,
}

/// What people call a view.
pub(super) fn label(view: &QueueView, viewer: &Viewer, teams: &[Team]) -> String {
    let t = &viewer.words.text;
    match view {
        QueueView::Mine => t.queue_mine(),
        QueueView::Team(key) => teams
            .iter()
            .find(|team| team.key == *key)
            .map_or_else(|| key.to_string(), |team| team.name.clone()),
        QueueView::Unassigned => t.queue_unassigned(),
        QueueView::Waiting => t.queue_waiting(),
        QueueView::Degraded => t.queue_degraded(),
        QueueView::Major => t.queue_major(),
        QueueView::All => t.queue_all(),
    }
}

/// What a view asks for, of incidents and requests: problems and tasks have lists of their own.
pub(super) fn shown_by(view: &QueueView, me: Option<PersonId>) -> TicketQuery {
    let open = TicketQuery {
        kinds: vec![TicketKind::Incident, TicketKind::Request],
        order: TicketOrder::Queue,
        active: Some(true),
        ..TicketQuery::default()
    };
    match view {
        QueueView::Mine => {
            TicketQuery { kinds: TicketKind::ALL.to_vec(), assignee: me.map(PersonRef::Id), ..open }
        }
        QueueView::Team(key) => TicketQuery { team: Some(key.to_string()), ..open },
        QueueView::Unassigned => TicketQuery { assigned: Some(false), ..open },
        QueueView::Waiting => TicketQuery { phases: vec![Phase::OnHold], ..open },
        QueueView::Degraded => TicketQuery { policy_failures: Some(true), ..open },
        // What waits for its review is resolved, and not over.
        QueueView::Major => TicketQuery {
            major_states: vec![MajorState::Proposed, MajorState::Accepted, MajorState::Review],
            active: None,
            ..open
        },
        QueueView::All => open,
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
    let view = view.parse::<QueueView>().map_err(|_| PageError::not_found())?;
    let page = page(&state, &viewer, view, &query, None, &Faults::default()).await?;
    Ok(show_page(&page))
}

/// Saves what is looked at as a view of one's own.
pub(crate) async fn save(
    State(state): State<WebState>,
    viewer: Viewer,
    form: Form,
) -> Result<Response, PageError> {
    let shown = form.get("query").unwrap_or_default();
    let (view, filter) = parts(shown);
    let view = view.parse::<QueueView>().map_err(|_| PageError::bad_request())?;
    let query = Query::of(filter);
    let name = form.said("name").unwrap_or_default();
    // What is not of a filter is left out.
    let shown = address(&view, &query);
    match saved_views::save(&state.desk, viewer.caller(), name, &shown).await {
        Ok(saved) => Ok(to(&telling(&viewer.at(&format!("desk/queue/{}", saved.query)), "edit"))),
        Err(error) => {
            let faults = Faults::of_error(error)?;
            let page = page(&state, &viewer, view, &query, Some(&form), &faults).await?;
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}

/// Removes a view of one's own.
pub(crate) async fn remove(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let id: SavedViewId = id.parse().map_err(|_| PageError::not_found())?;
    saved_views::remove(&state.desk, viewer.caller(), id).await?;
    Ok(to(&viewer.at("desk/queue/all?done=view_removed")))
}

/// A saved view's view of the queue, and its filter.
fn parts(query: &str) -> (&str, &str) {
    query.split_once('?').unwrap_or((query, ""))
}

/// What is looked at, as a saved view keeps it.
fn address(view: &QueueView, query: &Query) -> String {
    with(&view.to_string(), &kept(query))
}

/// The parts of an address that filter a list.
fn kept(query: &Query) -> String {
    let parts = FILTERS.into_iter().filter_map(|name| {
        let value = query.get(name)?;
        Some(format!("{name}={}&", encoded(value)))
    });
    parts.collect()
}

/// The same, with the page of the list.
fn place(query: &Query) -> String {
    let kept = kept(query);
    query
        .get("after")
        .map_or_else(|| kept.clone(), |after| format!("{kept}after={}&", encoded(after)))
}

/// An address that also says what was done.
pub(super) fn telling(address: &str, done: &str) -> String {
    let mark = if address.contains('?') { '&' } else { '?' };
    format!("{address}{mark}done={done}")
}

/// The list to which a form leads back: the view of our queue that it names, with its filter; all
/// that is open where it names none. What is not of a filter is left out.
pub(super) fn back_to(viewer: &Viewer, named: Option<&str>) -> String {
    let queue = viewer.at("desk/queue/");
    let found = named.and_then(|named| {
        let (path, filter) = parts(named);
        let path = path_of_ours(path).filter(|path| path.starts_with(&queue))?;
        Some(with(path, &place(&Query::of(filter))))
    });
    found.unwrap_or_else(|| viewer.at("desk/queue/all"))
}

/// An address with what is asked for, if anything is.
fn with(path: &str, asked: &str) -> String {
    let asked = asked.trim_end_matches('&');
    if asked.is_empty() { path.to_owned() } else { format!("{path}?{asked}") }
}

/// The teams that work.
pub(super) async fn active_teams(
    state: &WebState,
    viewer: &Viewer,
) -> Result<Vec<Team>, CommandError> {
    let teams = all::<Team>(&state.desk, viewer.caller()).await?.into_iter();
    Ok(teams.map(|view| view.record).filter(|team| team.active).collect())
}

/// What the viewer works on, and what each team of theirs has.
pub(super) fn own_views(viewer: &Viewer, teams: &[Team]) -> Vec<QueueView> {
    let me = viewer.caller().person();
    let mine = teams.iter().filter(|team| me.is_some_and(|me| team.members.contains(&me)));
    let mine = mine.map(|team| QueueView::Team(team.key.clone()));
    [QueueView::Mine].into_iter().chain(mine).collect()
}

async fn page(
    state: &WebState,
    viewer: &Viewer,
    view: QueueView,
    query: &Query,
    form: Option<&Form>,
    faults: &Faults,
) -> Result<QueuePage, PageError> {
    must_be_desk(viewer)?;
    let me = viewer.caller().person();
    let teams = active_teams(state, viewer).await?;
    let mut views = own_views(viewer, &teams);
    if !views.contains(&view) && matches!(view, QueueView::Team(_)) {
        views.push(view.clone());
    }
    views.extend([
        QueueView::Unassigned,
        QueueView::Waiting,
        QueueView::Degraded,
        QueueView::Major,
        QueueView::All,
    ]);
    let shown_now = address(&view, query);
    let saved = saved_views::mine(&state.desk, viewer.caller()).await?;
    // However the two are written.
    let is_here = |saved: &&SavedView| {
        let (base, filter) = parts(&saved.query);
        base.parse::<QueueView>().is_ok_and(|base| address(&base, &Query::of(filter)) == shown_now)
    };
    let here = saved.iter().find(is_here);
    let mut tabs = Vec::with_capacity(views.len() + saved.len());
    for one in &views {
        let tab = Tab {
            href: viewer.at(&format!("desk/queue/{one}")),
            label: label(one, viewer, &teams),
            count: String::new(),
            is_here: *one == view && here.is_none(),
        };
        tabs.push((tab, shown_by(one, me)));
    }
    for one in &saved {
        let (base, filter) = parts(&one.query);
        let Ok(base) = base.parse::<QueueView>() else { continue };
        let mut asked = shown_by(&base, me);
        Filter::read(&Query::of(filter)).narrow(&mut asked);
        let tab = Tab {
            href: viewer.at(&format!("desk/queue/{}", one.query)),
            label: one.name.clone(),
            count: String::new(),
            is_here: here.is_some_and(|here| here.id == one.id),
        };
        tabs.push((tab, asked));
    }
    let title = here.map_or_else(|| label(&view, viewer, &teams), |saved| saved.name.clone());
    let bare = viewer.at(&format!("desk/queue/{view}"));
    let mut asked = shown_by(&view, me);
    let filter = Filter::read(query);
    filter.narrow(&mut asked);
    // A page that only looks for news is spared the counts. They are of a moment before the rows:
    // at worst, what is shown already is told as news once.
    let (tabs, total) = match query.get("seen") {
        Some(_) => (tabs.into_iter().map(|(tab, _)| tab).collect(), None),
        None => counted(&state.desk, viewer, tabs, &asked).await?,
    };
    let listed = listed(&state.desk, viewer, &asked, query, total).await?;
    let t = &viewer.words.text;
    let empty = match &view {
        QueueView::Mine => t.empty_mine(),
        QueueView::Unassigned => t.empty_unassigned(),
        QueueView::Degraded => t.empty_degraded(),
        QueueView::Major => t.empty_major(),
        QueueView::Team(_) | QueueView::Waiting | QueueView::All => t.empty_queue(),
    };
    let p = Page::of_desk(viewer, title).telling(query).refused(!faults.is_empty());
    let list = format!("desk/queue/{view}");
    let news = News::of_list(viewer, &list, &listed.mark, &listed.address, query.get("seen"));
    let choices = Choices::default();
    let make = Fields { words: viewer.words, choices: &choices, form, faults, prefix: "save" };
    let value = make.value("name", None);
    let line = Widget::Line { kind: "text", value };
    let name = make.of("name", t.view_name(), None, true, line);
    Ok(QueuePage {
        remove: here.map(|saved| viewer.at(&format!("desk/views/{}/remove", saved.id))),
        query: shown_now,
        problems: faults.summary(std::slice::from_ref(&name), viewer.words),
        name,
        p,
        tabs,
        rows: listed.rows,
        is_filtered: filter.is_set(),
        states: filter.states(viewer),
        priorities: filter.priorities(),
        teams: filter.teams(&teams),
        waits: filter.waits(viewer),
        orders: filter.orders(viewer),
        back: with(&bare, &listed.address),
        text: filter.text.unwrap_or_default(),
        next: listed.next.map(|next| format!("{bare}?{next}")),
        bare,
        total: listed.total,
        empty,
        bulk: offered(viewer),
        is_team: matches!(view, QueueView::Team(_)),
        news,
    })
}

/// What the filter of a list asks for.
#[derive(Debug, Default)]
struct Filter {
    text: Option<String>,
    state: Option<TicketState>,
    priority: Option<u8>,
    team: Option<String>,
    waiting_on: Option<WaitingKind>,
    /// None for the queue's own order.
    order: Option<TicketOrder>,
}

/// The order of a name, if it is not the queue's own.
fn order_of(name: &str) -> Option<TicketOrder> {
    match name {
        "opened" => Some(TicketOrder::OpenedDesc),
        "updated" => Some(TicketOrder::UpdatedDesc),
        _ => None,
    }
}

impl Filter {
    fn read(query: &Query) -> Self {
        Self {
            text: query.get("text").map(str::to_owned),
            state: query.get("state").and_then(|state| state.parse().ok()),
            priority: query.get("priority").and_then(|priority| priority.parse().ok()),
            team: query.get("team").map(str::to_owned),
            waiting_on: query.get("waiting_on").and_then(|kind| kind.parse().ok()),
            order: query.get("order").and_then(order_of),
        }
    }

    fn is_set(&self) -> bool {
        self.text.is_some()
            || self.state.is_some()
            || self.priority.is_some()
            || self.team.is_some()
            || self.waiting_on.is_some()
            || self.order.is_some()
    }

    fn narrow(&self, asked: &mut TicketQuery) {
        asked.text.clone_from(&self.text);
        asked.states.extend(self.state.map(|state| state.as_str().to_owned()));
        asked.priorities.extend(self.priority);
        if self.team.is_some() && asked.team.is_none() {
            asked.team.clone_from(&self.team);
        }
        asked.waiting_on = self.waiting_on;
        asked.order = self.order.unwrap_or(asked.order);
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

    fn waits(&self, viewer: &Viewer) -> Vec<Choice> {
        // What waits for its requester's confirmation is done, and not in a queue any more.
        let kinds = WaitingKind::ALL.iter().filter(|kind| **kind != WaitingKind::Confirmation);
        let choice = |kind: &WaitingKind| Choice {
            value: kind.as_str().to_owned(),
            label: viewer.words.name("waiting", kind.as_str()),
            is_chosen: self.waiting_on == Some(*kind),
        };
        kinds.map(choice).collect()
    }

    fn orders(&self, viewer: &Viewer) -> Vec<Choice> {
        let t = &viewer.words.text;
        let choice = |name: &&str| {
            let order = order_of(name);
            let label = match order {
                Some(TicketOrder::OpenedDesc) => t.order_opened(),
                Some(TicketOrder::UpdatedDesc) => t.order_updated(),
                Some(TicketOrder::Queue) | None => t.order_queue(),
            };
            // The queue's own order needs no word in the address.
            let value = order.map(|_| (*name).to_owned()).unwrap_or_default();
            Choice { value, label, is_chosen: self.order == order }
        };
        ORDERS.iter().map(choice).collect()
    }
}

/// A page of a list.
#[derive(Default)]
pub(super) struct Listed {
    pub(super) rows: Vec<Row>,
    /// The query of the next page.
    pub(super) next: Option<String>,
    pub(super) total: Option<String>,
    /// The filter and the page as a part of an address.
    address: String,
    /// Stands for what is listed: another one says that something has changed.
    mark: String,
}

/// Reads a page of a list, whose total may be known already.
pub(super) async fn listed(
    desk: &Desk,
    viewer: &Viewer,
    asked: &TicketQuery,
    query: &Query,
    known: Option<Total>,
) -> Result<Listed, CommandError> {
    let after = query.get("after").map(|cursor| Cursor(cursor.to_owned()));
    let request = PageRequest { limit: SHOWN, after };
    let asked = TicketQuery { count: known.is_none() && is_counted(asked), ..asked.clone() };
    let page = tickets::list(desk, viewer.caller(), &asked, &request).await?;
    let so_far = || {
        let rows = u32::try_from(page.rows.len()).unwrap_or(u32::MAX);
        Total { rows, is_minimum: page.next.is_some() }
    };
    let total = known.or(page.total).or_else(|| request.after.is_none().then(so_far));
    let kept = kept(query);
    Ok(Listed {
        mark: mark(&page.rows, total),
        address: place(query),
        rows: rows(viewer, &page.rows),
        next: page.next.map(|Cursor(next)| format!("{kept}after={next}")),
        total: total.map(shown),
    })
}

fn mark(views: &[TicketView], total: Option<Total>) -> String {
    let mut digest = Sha256::new();
    for view in views {
        digest.update(view.ticket.id.0);
        digest.update(view.ticket.version.to_be_bytes());
    }
    digest.update(total.map_or(0, |total| total.rows).to_be_bytes());
    digest.update([u8::from(total.is_some_and(|total| total.is_minimum))]);
    digest.finalize().iter().take(8).fold(String::new(), |mark, byte| format!("{mark}{byte:02x}"))
}

fn rows(viewer: &Viewer, views: &[TicketView]) -> Vec<Row> {
    views.iter().map(|view| row(viewer, view, "desk/tickets")).collect()
}

/// The tabs, with how many tickets are in each, and how many are in the list that is asked for:
/// however many tabs there are, all are counted in one go.
async fn counted(
    desk: &Desk,
    viewer: &Viewer,
    tabs: Vec<(Tab, TicketQuery)>,
    asked: &TicketQuery,
) -> Result<(Vec<Tab>, Option<Total>), CommandError> {
    let (mut tabs, mut queries): (Vec<Tab>, Vec<TicketQuery>) = tabs.into_iter().unzip();
    queries.extend(is_counted(asked).then(|| asked.clone()));
    let totals = tickets::counts(desk, viewer.caller(), &queries).await?;
    for (tab, total) in tabs.iter_mut().zip(&totals) {
        tab.count = shown(*total);
    }
    let total = totals.get(tabs.len()).copied();
    Ok((tabs, total))
}

/// Whether all of a list is counted. Of what has some words, every title would be read; a tab of
/// such a view is counted all the same, because it is of what is open.
fn is_counted(asked: &TicketQuery) -> bool {
    asked.text.is_none()
}

/// How many rows a list has, as a page says it.
pub(super) fn shown(total: Total) -> String {
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
    Err(PageError::not_of_desk())
}
