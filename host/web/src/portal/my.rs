//! The viewer's own tickets: where each stands, what was said, what they can do.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use waypost_app::{
    CommandError, PageRequest, majors,
    tickets::{self, Look, PersonRef, TicketOrder, TicketQuery, TicketRef, TicketView},
};
use waypost_domain::ticket::{Action, FieldType, Phase, TicketKind};

use super::{
    approvals::{Stage, stages},
    catalog::{answers, questions},
    home::current,
    majors::Down,
};
use crate::{
    WebState,
    acting::{Asked, carry_out, taken},
    choices::Choices,
    error::PageError,
    form::{Faults, Field, Fields, Form, Problem, Query, Widget, shown},
    live::News,
    once::{NotDone, once},
    page::{Page, show as show_page, show_as},
    text::{Html, html},
    ticket::{Badge, Entry, Row, Step, Told, Waits, badge, expected, history, row, steps, waits},
    time::When,
    viewer::Viewer,
};

/// So many tickets are on a page.
const SHOWN: u16 = 25;

#[derive(Template)]
#[template(path = "portal/my.html")]
struct ListPage {
    p: Page,
    rows: Vec<Row>,
    groups: Vec<Tab>,
    /// What is said where there is none.
    empty: String,
    next: Option<String>,
}

/// A part of the viewer's tickets that can be looked at.
struct Tab {
    href: String,
    label: String,
    is_here: bool,
}

/// Which of their tickets somebody looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    /// What the desk still has to do something about.
    Open,
    /// What waits for the viewer.
    Waiting,
    /// What was done, rejected or given up.
    Done,
    All,
}

impl Group {
    const ALL: [Self; 4] = [Self::Open, Self::Waiting, Self::Done, Self::All];

    /// What an address calls it.
    const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::All => "all",
        }
    }

    /// The one that an address asks for; what is open, where it asks for none.
    fn of(query: &Query) -> Self {
        let asked = query.get("show");
        Self::ALL.into_iter().find(|one| asked == Some(one.name())).unwrap_or(Self::Open)
    }

    fn label(self, viewer: &Viewer) -> String {
        let t = &viewer.words.text;
        match self {
            Self::Open => t.my_open(),
            Self::Waiting => t.home_waiting(),
            Self::Done => t.my_done(),
            Self::All => t.my_all(),
        }
    }

    fn empty(self, viewer: &Viewer) -> String {
        let t = &viewer.words.text;
        match self {
            Self::Open => t.home_none(),
            Self::Waiting => t.my_none_waiting(),
            Self::Done => t.my_none_done(),
            Self::All => t.my_none(),
        }
    }

    fn tab(self, viewer: &Viewer, here: Self) -> Tab {
        let href = match self {
            Self::Open => viewer.at("my"),
            other => viewer.at(&format!("my?show={}", other.name())),
        };
        Tab { href, label: self.label(viewer), is_here: self == here }
    }
}

#[derive(Template)]
#[template(path = "portal/ticket.html")]
struct TicketPage {
    p: Page,
    number: String,
    version: i64,
    kind: String,
    state: Badge,
    steps: Vec<Step>,
    expected: Option<When>,
    waits: Option<Waits>,
    goes_on: Option<GoesOn>,
    /// The major incident that it is a part of.
    major: Option<Down>,
    description: Option<Html>,
    outcome: Option<Html>,
    facts: Vec<(String, String)>,
    tasks: Vec<Row>,
    entries: Vec<Entry>,
    reply: Option<Field>,
    once: String,
    /// What can be done beside replying: addresses and labels.
    actions: Vec<Doing>,
    stages: Vec<Stage>,
    problems: Vec<Problem>,
    news: News,
}

/// The ticket that goes on instead of one that has ended for it.
struct GoesOn {
    number: String,
    /// Its page, where the viewer may see it.
    href: Option<String>,
}

/// Something that the viewer can do.
pub(crate) struct Doing {
    pub(crate) href: String,
    pub(crate) label: String,
    /// Whether it asks for nothing, so that a press does it.
    pub(crate) is_plain: bool,
    /// Whether it is what one is expected to do.
    pub(crate) is_main: bool,
    /// The key that presses it, at the desk.
    pub(crate) key: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "portal/do.html")]
struct DoPage {
    p: Page,
    version: i64,
    number: String,
    about: String,
    back: String,
    label: String,
    fields: Vec<Field>,
    problems: Vec<Problem>,
    once: String,
}

/// What concerns the viewer. Of who is not of the desk, the desk lists nothing else: their own,
/// what they follow, and the tasks that they have.
pub(crate) fn concerning(viewer: &Viewer) -> TicketQuery {
    let person = viewer.caller().person().map(PersonRef::Id);
    TicketQuery {
        kinds: TicketKind::ALL.to_vec(),
        requester: person.filter(|_| viewer.is_desk()),
        ..TicketQuery::default()
    }
}

pub(crate) async fn list(
    State(state): State<WebState>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let group = Group::of(&query);
    let active = match group {
        Group::Open => Some(true),
        Group::Done => Some(false),
        Group::Waiting | Group::All => None,
    };
    let (rows, next) = if group == Group::Waiting {
        // They are looked for among the latest, as on the first page.
        (current(&state.desk, &viewer).await?.0, None)
    } else {
        let order = TicketOrder::UpdatedDesc;
        let asked = TicketQuery { active, order, ..concerning(&viewer) };
        let after = query.get("after").map(|cursor| waypost_app::Cursor(cursor.to_owned()));
        let request = PageRequest { limit: SHOWN, after };
        let page = tickets::list(&state.desk, viewer.caller(), &asked, &request).await?;
        let rows = page.rows.iter().map(|view| row(&viewer, view, "my")).collect();
        (rows, page.next)
    };
    let show = group.name();
    let next = next.map(|cursor| viewer.at(&format!("my?show={show}&after={}", cursor.0)));
    let p = Page::of_portal(&viewer, viewer.words.text.my_title()).telling(&query);
    let groups = Group::ALL.iter().map(|one| one.tab(&viewer, group)).collect();
    Ok(show_page(&ListPage { p, rows, groups, empty: group.empty(&viewer), next }))
}

pub(crate) async fn show(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, number)): Path<(String, String)>,
    query: Query,
) -> Result<Response, PageError> {
    let page = page(&state, &viewer, &number, None, &Faults::default()).await?;
    let seen = query.get("seen");
    let news = News::of_ticket(&viewer, "my", (&page.number, page.version), &page.entries, seen);
    Ok(show_page(&TicketPage { p: page.p.telling(&query), news, ..page }))
}

async fn page(
    state: &WebState,
    viewer: &Viewer,
    number: &str,
    form: Option<&Form>,
    faults: &Faults,
) -> Result<TicketPage, CommandError> {
    let (desk, caller) = (&state.desk, viewer.caller());
    let named = TicketRef::parse(number);
    let mut look = Look::at(desk, caller, &named).await?;
    let view = look.view().await?;
    let told = look.history().await?;
    let hints = look.actions().await?;
    let rounds = if view.ticket.can_await_approval() { look.rounds().await? } else { Vec::new() };
    let has_tasks = view.tasks.total > 0 && view.ticket.kind() != TicketKind::Task;
    let tasks = if has_tasks { look.tasks().await? } else { Vec::new() };
    drop(look);
    let major = match &view.parent {
        Some(parent) => majors::one_in_public(desk, caller, parent.id).await?,
        None => None,
    };
    let words = viewer.words;
    let ticket = &view.ticket;
    let can_reply = hints.iter().any(|hint| hint.action == Action::CallerReply);
    let choices = Choices::default();
    let make = Fields { words, choices: &choices, form, faults, prefix: "reply" };
    let reply = can_reply.then(|| {
        let value = make.value("text", None);
        let label = words.text.reply_label();
        make.of("text", label, None, true, Widget::Area { value })
    });
    let mut actions: Vec<Doing> = hints
        .iter()
        .filter(|hint| is_of_portal(viewer, hint.action))
        .map(|hint| Doing {
            href: viewer.at(&format!("my/{}/do/{}", ticket.number, hint.action)),
            label: portal_label(viewer, ticket.phase(), hint.action),
            is_plain: matches!(hint.action, Action::Close | Action::Submit),
            is_main: matches!(hint.action, Action::Close | Action::Submit | Action::Start),
            key: None,
        })
        .collect();
    // What is wanted most often stands first.
    actions.sort_by_key(|action| !action.is_main);
    let entries = history(viewer, &told, false);
    let latest = rounds.iter().max_by_key(|round| round.approval.round);
    let title = ticket.short_description.clone();
    Ok(TicketPage {
        p: Page::of_portal(viewer, title).refused(!faults.is_empty()),
        news: News::of_ticket(viewer, "my", (&ticket.number, ticket.version), &entries, None),
        number: ticket.number.clone(),
        version: ticket.version,
        kind: words.name("kind", ticket.kind().as_str()),
        state: badge(viewer, ticket.state(), ticket.phase()),
        steps: steps(viewer, ticket, !rounds.is_empty()),
        expected: expected(ticket).map(|at| viewer.clock.at(at)),
        waits: view.waiting_on.as_ref().map(|on| waits(viewer, &view, on)),
        goes_on: goes_on(state, viewer, &view).await?,
        major: major.map(|major| Down::of(viewer, &major)),
        description: Some(&ticket.description).filter(|it| !it.is_empty()).map(|it| html(it)),
        outcome: outcome(&view),
        facts: facts(viewer, &view, &answers(desk, viewer, &view).await?),
        stages: latest.map(|round| stages(viewer, round)).unwrap_or_default(),
        problems: faults.summary(reply.as_slice(), words),
        tasks: tasks.iter().map(|task| row(viewer, task, "my")).collect(),
        once: format!("v{}-{}", ticket.version, told.events.len()),
        entries,
        reply,
        actions,
    })
}

/// The ticket that goes on instead of one that was merged or became another. Whoever asked for it
/// sees that one mostly, but not a problem of the desk.
async fn goes_on(
    state: &WebState,
    viewer: &Viewer,
    view: &TicketView,
) -> Result<Option<GoesOn>, CommandError> {
    let Some(number) = view.goes_on_in.clone() else { return Ok(None) };
    let named = TicketRef::Number(number.clone());
    let href = match tickets::find(&state.desk, viewer.caller(), &named).await {
        Ok(_) => Some(viewer.at(&format!("my/{number}"))),
        Err(CommandError::NotFound(_)) => None,
        Err(error) => return Err(error),
    };
    Ok(Some(GoesOn { number, href }))
}

/// What was done, once it is.
fn outcome(view: &TicketView) -> Option<Html> {
    let outcome = view.ticket.stage.outcome()?;
    (!outcome.notes.is_empty()).then(|| html(&outcome.notes))
}

/// What one may want to look up about one's own ticket.
fn facts(
    viewer: &Viewer,
    view: &TicketView,
    answers: &[(String, String)],
) -> Vec<(String, String)> {
    let words = viewer.words;
    let mut facts = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        facts.extend(value.map(|value| (words.name("field", name), value)));
    };
    add("service", view.service.as_ref().map(|it| it.name.clone()));
    add("catalog_item", view.catalog_item.as_ref().map(|it| it.name.clone()));
    if let Some(request) = view.ticket.request() {
        add("quantity", (request.quantity > 1).then(|| request.quantity.to_string()));
        add("cost", request.cost.as_ref().map(|cost| super::catalog::money(viewer, cost)));
    }
    add("requester", view.requester.as_ref().map(|it| words.person(it)));
    add("assignee", view.assignee.as_ref().map(|it| words.person(it)));
    facts.extend(answers.iter().cloned());
    facts
}

/// What is done in the portal: all that somebody who is not of the desk may do. Who is of the desk
/// has its pages for the rest.
fn is_of_portal(viewer: &Viewer, action: Action) -> bool {
    if viewer.is_desk() {
        return matches!(
            action,
            Action::Close | Action::Reopen | Action::Cancel | Action::Submit | Action::Revise
        );
    }
    // A reply has its place on the page, and votes have pages of their own.
    action != Action::CallerReply && (action.is_asked_by_name() || action == Action::Edit)
}

fn portal_label(viewer: &Viewer, phase: Phase, action: Action) -> String {
    let t = &viewer.words.text;
    match (action, phase) {
        (Action::Close, _) => t.do_confirm(),
        (Action::Reopen, _) => t.do_not_solved(),
        (Action::Cancel, _) => t.do_withdraw(),
        (Action::Resolve, _) => t.do_works_again(),
        (other, _) => viewer.words.name("action", other.as_str()),
    }
}

/// Shows the form of an action.
pub(crate) async fn ask(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, number, action)): Path<(String, String, String)>,
) -> Result<Response, PageError> {
    let page = do_page(&state, &viewer, &number, &action, None, &Faults::default()).await?;
    Ok(show_page(&page))
}

async fn do_page(
    state: &WebState,
    viewer: &Viewer,
    number: &str,
    action: &str,
    form: Option<&Form>,
    faults: &Faults,
) -> Result<DoPage, PageError> {
    let named = TicketRef::parse(number);
    let mut look = Look::at(&state.desk, viewer.caller(), &named).await?;
    let (view, hints) = (look.view().await?, look.actions().await?);
    drop(look);
    let ticket = &view.ticket;
    let is_possible = |action: &Action| hints.iter().any(|hint| hint.action == *action);
    let action = asked(viewer, action)?;
    if !is_possible(&action) {
        // It may have been possible a moment ago: the desk says why it is not.
        return Err(match ticket.admit(action) {
            Err(refused) => CommandError::Refused(refused).into(),
            Ok(_) => PageError::not_found(),
        });
    }
    let rules = ticket.kind().rules();
    let row = rules.row(action).ok_or_else(PageError::not_found)?;
    let types: Vec<_> = row.inputs.iter().map(|input| input.takes).collect();
    let choices = Choices::of(&state.desk, &viewer.who, ticket.kind(), &types).await?;
    let make = Fields { words: viewer.words, choices: &choices, form, faults, prefix: "do" };
    let fields: Vec<Field> = if action == Action::Edit {
        edited(state, viewer, &view, &make).await?
    } else {
        let inputs = row.inputs.iter();
        inputs
            .filter_map(|input| make.field(input.name, input.takes, input.is_needed(ticket), None))
            .collect()
    };
    let problems = faults.summary(&fields, viewer.words);
    let label = portal_label(viewer, ticket.phase(), action);
    Ok(DoPage {
        p: Page::of_portal(viewer, label.clone()).refused(!problems.is_empty()),
        number: ticket.number.clone(),
        about: ticket.short_description.clone(),
        back: viewer.at(&format!("my/{}", ticket.number)),
        label,
        fields,
        problems,
        once: format!("v{}", ticket.version),
        version: ticket.version,
    })
}

/// An action that is carried out here.
fn asked(viewer: &Viewer, action: &str) -> Result<Action, PageError> {
    let action = action.parse::<Action>().ok();
    let action = action.filter(|one| is_of_portal(viewer, *one) || *one == Action::CallerReply);
    action.ok_or_else(PageError::not_found)
}

/// What whoever asked for it may still change.
const EDITED: [&str; 3] = ["short_description", "description", "quantity"];

/// The fields of an edit, with the questions of the item that is asked for.
async fn edited(
    state: &WebState,
    viewer: &Viewer,
    view: &TicketView,
    make: &Fields<'_>,
) -> Result<Vec<Field>, PageError> {
    let mut fields = Vec::new();
    for field in view.ticket.rules().fields().filter(|field| field.edits) {
        if field.takes == FieldType::Answers {
            fields.extend(questions(&state.desk, viewer, view, make).await?);
        }
        if EDITED.contains(&field.name) {
            let now = shown(view, field.name, make.choices, &viewer.clock);
            let make = make.of_changed(field.name);
            let input =
                make.field(field.name, field.takes, field.name != "description", now.clone());
            fields.extend(input.map(|input| Field { was: Some(now.unwrap_or_default()), ..input }));
        }
    }
    Ok(fields)
}

/// Carries an action out. What was written is never lost.
pub(crate) async fn act(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, number, action)): Path<(String, String, String)>,
    form: Form,
) -> Result<Response, PageError> {
    let acted = Box::pin(try_act(&state, &viewer, &number, &action, &form)).await;
    acted.map_err(|error| error.of_form(&form))
}

async fn try_act(
    state: &WebState,
    viewer: &Viewer,
    number: &str,
    action: &str,
    form: &Form,
) -> Result<Response, PageError> {
    let named = TicketRef::parse(number);
    let asked = asked(viewer, action)?;
    let view = tickets::find(&state.desk, viewer.caller(), &named).await?;
    let mut taken = taken(view.ticket.kind(), asked).unwrap_or_default();
    taken.retain(|(name, _)| asked != Action::Edit || *name == "answers" || EDITED.contains(name));
    // Only what is edited is shown with what was there.
    let version = form.version().filter(|_| asked == Action::Edit);
    let acting = Asked { named: &named, action: asked, taken, version };
    let done = once(&state.desk, viewer, form, async |caller| {
        carry_out(&state.desk, viewer, &caller, &acting, form).await?;
        Ok(viewer.at(&format!("my/{}?done={asked}", view.ticket.number)))
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(NotDone::Failed(error)) => Err(error),
        Err(NotDone::Refused(error)) => {
            let faults = Faults::of_error(error)?;
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            if asked == Action::CallerReply {
                let page = page(state, viewer, number, Some(form), &faults).await?;
                return Ok(show_as(status, &page));
            }
            let page = do_page(state, viewer, number, action, Some(form), &faults).await?;
            Ok(show_as(status, &page))
        }
    }
}
