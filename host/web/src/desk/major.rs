//! The room of a major incident: who leads it, what is promised, whom it concerns, what was said.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use waypost_app::tickets::{Look, TicketRef};
use waypost_domain::{
    incident::{Major, MajorState},
    ticket::Action,
};

use super::{
    children::{Children, children},
    doing::{choices_of, inputs},
    queue::must_be_desk,
    tickets::key_of,
    told::Shown,
};
use crate::{
    WebState,
    error::PageError,
    form::{Faults, Field, Query},
    live::News,
    page::{Page, show as show_page},
    portal::my::Doing,
    ticket::{Badge, Entry, Told, badge, history},
    time::When,
    viewer::Viewer,
};

/// What is done in the room; the rest is done on the ticket's page.
const ACTIONS: [Action; 6] = [
    Action::AcceptMajor,
    Action::RejectMajor,
    Action::Resolve,
    Action::FinishMajor,
    Action::Note,
    Action::Assign,
];

#[derive(Template)]
#[template(path = "desk/major.html")]
struct MajorPage {
    p: Page,
    number: String,
    priority: u8,
    state: Badge,
    stands: String,
    ticket: String,
    manager: Option<String>,
    communication_owner: Option<String>,
    team: String,
    /// When everybody is told next, and whether that time has passed.
    next_update: Option<(When, bool)>,
    since: When,
    affected: u32,
    children: Children,
    actions: Vec<Doing>,
    /// The form that tells everybody, where it may be used.
    update: Option<Update>,
    said: Vec<Entry>,
    review: Option<String>,
    news: News,
    once: String,
    version: i64,
    /// How many events there were when the page was shown.
    seen: usize,
}

struct Update {
    action: String,
    fields: Vec<Field>,
}

pub(crate) async fn show(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, number)): Path<(String, String)>,
    query: Query,
) -> Result<Response, PageError> {
    must_be_desk(&viewer)?;
    let (desk, caller, words) = (&state.desk, viewer.caller(), viewer.words);
    let named = TicketRef::parse(&number);
    let mut look = Look::at(desk, caller, &named).await?;
    let view = look.view().await?;
    let ticket = &view.ticket;
    let incident = ticket.incident().filter(|it| it.major.state() != MajorState::None);
    let incident = incident.ok_or_else(PageError::not_found)?;
    let hints = look.actions().await?;
    let told = look.history().await?;
    let here = viewer.at(&format!("desk/major/{}", ticket.number));
    let children = children(&mut look, &viewer, &view, Shown::of(&query), &here).await?;
    drop(look);
    let entries = history(&viewer, &told, true);
    let at = |action: Action| viewer.at(&format!("desk/tickets/{}/do/{action}", ticket.number));
    let update = if hints.iter().any(|hint| hint.action == Action::UpdateMajor) {
        let choices = choices_of(&state, &viewer, &view, Action::UpdateMajor).await?;
        let none = Faults::default();
        let fields = inputs(&viewer, &view, &choices, Action::UpdateMajor, None, &none)?;
        Some(Update { action: at(Action::UpdateMajor), fields })
    } else {
        None
    };
    let actions = ACTIONS.iter().filter_map(|action| {
        let hint = hints.iter().find(|hint| hint.action == *action)?;
        Some(Doing {
            href: at(hint.action),
            label: words.name("action", hint.action.as_str()),
            is_plain: false,
            is_main: hint.action == Action::AcceptMajor,
            key: key_of(hint.action),
        })
    });
    let is_heard = |entry: &Entry| match &entry.what {
        Told::Said { .. } => true,
        Told::Did { changes, .. } => changes.iter().any(|it| is_told_of(it.name.as_str())),
        Told::Decided { .. } => false,
    };
    let page = MajorPage {
        p: Page::of_desk(&viewer, ticket.short_description.clone()).telling(&query),
        news: News::of_ticket(
            &viewer,
            "desk/major",
            (&ticket.number, ticket.version),
            &entries,
            query.get("seen"),
        ),
        said: entries.into_iter().filter(is_heard).collect(),
        number: ticket.number.clone(),
        priority: view.priority.0.0,
        state: badge(&viewer, ticket.state(), ticket.phase()),
        stands: words.name("major", incident.major.state().as_str()),
        ticket: viewer.at(&format!("desk/tickets/{}", ticket.number)),
        manager: view.manager.as_ref().map(|person| words.person(person)),
        communication_owner: view.communication_owner.as_ref().map(|person| words.person(person)),
        team: words.team(&view),
        next_update: incident
            .major
            .next_update_at()
            .map(|due| (viewer.clock.when(due), due <= caller.now)),
        since: viewer.clock.when(ticket.opened_at),
        affected: incident.affected_users,
        children,
        actions: actions.collect(),
        update,
        review: match &incident.major {
            Major::Done { review_note, .. } => Some(review_note.clone()),
            _ => None,
        },
        once: format!("v{}-{}", ticket.version, told.events.len()),
        version: ticket.version,
        seen: told.events.len(),
    };
    Ok(show_page(&page))
}

/// What the timeline of the room tells of beside what was said.
fn is_told_of(field: &str) -> bool {
    matches!(field, "state" | "major_state" | "manager" | "communication_owner" | "team" | "eta")
}
