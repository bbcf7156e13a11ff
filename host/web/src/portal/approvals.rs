//! Approvals: what the viewer is asked to decide.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use waypost_app::{
    CommandError,
    approvals::{self, ApprovalView, Vote, WaitingVote},
    tickets::{self, TicketRef, TicketView},
};
use waypost_domain::{approval::Approval, ids::ApprovalRequestId};

use crate::{
    WebState,
    choices::Choices,
    error::PageError,
    form::{Faults, Field, Fields, Form, Problem, Query, Widget},
    once::{NotDone, once},
    page::{Page, show as show_page, show_as},
    text::{Html, html},
    time::When,
    viewer::Viewer,
};

#[derive(Template)]
#[template(path = "portal/approvals.html")]
struct ListPage {
    p: Page,
    votes: Vec<Asked>,
}

/// A vote that is asked for.
struct Asked {
    href: String,
    number: String,
    about: String,
    step: String,
    /// Whose seat it is, if not the viewer's.
    instead_of: Option<String>,
    since: Option<When>,
    due: Option<When>,
}

#[derive(Template)]
#[template(path = "portal/vote.html")]
struct VotePage {
    p: Page,
    vote: Asked,
    requester: Option<String>,
    item: Option<String>,
    cost: Option<String>,
    answers: Vec<(String, String)>,
    description: Option<Html>,
    stages: Vec<Stage>,
    fields: Vec<Field>,
    problems: Vec<Problem>,
    action: String,
    digest: String,
    once: String,
}

/// A stage of a round: who is asked at the same time.
pub(crate) struct Stage {
    pub(crate) steps: Vec<StepRow>,
}

/// A step of a stage, with its voters.
pub(crate) struct StepRow {
    pub(crate) name: String,
    pub(crate) outcome: String,
    pub(crate) needed: String,
    pub(crate) voters: Vec<Voter>,
}

/// Somebody who is asked, and what they said.
pub(crate) struct Voter {
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) comment: Option<String>,
}

pub(crate) async fn list(
    State(state): State<WebState>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let waiting = approvals::mine(&state.desk, viewer.caller()).await?;
    let votes = waiting.iter().map(|vote| asked(&viewer, vote)).collect();
    let p = Page::of_portal(&viewer, viewer.words.text.approvals_title()).telling(&query);
    Ok(show_page(&ListPage { p, votes }))
}

fn asked(viewer: &Viewer, vote: &WaitingVote) -> Asked {
    Asked {
        href: viewer.at(&format!("approvals/{}", vote.request)),
        number: vote.number.clone(),
        about: vote.short_description.clone(),
        step: vote.step.clone(),
        instead_of: (viewer.caller().person() != Some(vote.seat.id))
            .then(|| vote.seat.name.clone()),
        since: vote.requested_at.map(|at| viewer.clock.when(at)),
        due: vote.due_at.map(|at| viewer.clock.at(at)),
    }
}

pub(crate) async fn show(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, request)): Path<(String, String)>,
) -> Result<Response, PageError> {
    Ok(show_page(&page(&state, &viewer, &request, None, &Faults::default()).await?))
}

async fn page(
    state: &WebState,
    viewer: &Viewer,
    request: &str,
    form: Option<&Form>,
    faults: &Faults,
) -> Result<VotePage, PageError> {
    let (desk, caller) = (&state.desk, viewer.caller());
    let id: ApprovalRequestId = request.parse().map_err(|_| PageError::not_found())?;
    let waiting = approvals::mine(desk, caller).await?;
    // What is not asked any more is as if it never was; the list says what is.
    let vote = waiting.into_iter().find(|vote| vote.request == id);
    let vote = vote.ok_or_else(PageError::not_found)?;
    let named = TicketRef::Number(vote.number.clone());
    let view = tickets::find(desk, caller, &named).await?;
    let rounds = approvals::of_ticket(desk, caller, &named).await?;
    let round = rounds.iter().find(|round| round.approval.id == vote.approval);
    let words = viewer.words;
    let choices = Choices::default();
    let make = Fields { words, choices: &choices, form, faults, prefix: "vote" };
    let comment = make.value("comment", None);
    let label = words.text.vote_comment();
    let hint = words.text.vote_comment_hint();
    let fields =
        vec![make.of("comment", label, Some(hint), false, Widget::Area { value: comment })];
    let problems = faults.summary(&fields, words);
    let title = words.text.vote_title(&vote.short_description);
    Ok(VotePage {
        p: Page::of_portal(viewer, title).refused(!problems.is_empty()),
        requester: view.requester.as_ref().map(|person| person.name.clone()),
        item: view.catalog_item.as_ref().map(|item| item.name.clone()),
        cost: cost(viewer, &view),
        answers: super::catalog::answers(desk, viewer, &view).await?,
        description: Some(&view.ticket.description).filter(|it| !it.is_empty()).map(|it| html(it)),
        stages: round.map(|round| stages(viewer, round)).unwrap_or_default(),
        fields,
        problems,
        action: viewer.at(&format!("approvals/{id}")),
        // What the viewer decides on is what they saw when the form was first shown.
        digest: form.and_then(|form| form.get("_shown")).unwrap_or(&vote.content_digest).to_owned(),
        once: format!("v{}", view.ticket.version),
        vote: asked(viewer, &vote),
    })
}

fn cost(viewer: &Viewer, view: &TicketView) -> Option<String> {
    let cost = view.ticket.request()?.cost.as_ref()?;
    Some(super::catalog::money(viewer, cost))
}

/// The stages of a round, with who said what.
pub(crate) fn stages(viewer: &Viewer, view: &ApprovalView) -> Vec<Stage> {
    let round: &Approval = &view.approval;
    let words = viewer.words;
    let step = |step: &waypost_domain::approval::Step| StepRow {
        name: step.name.clone(),
        outcome: words.name("outcome", step.outcome.as_str()),
        needed: quorum(viewer, step),
        voters: step
            .requests
            .iter()
            .map(|seat| Voter {
                name: waypost_app::person_name(&view.names, seat.voter).name,
                state: words.name("seat", seat.state.as_str()),
                comment: seat.comment.clone(),
            })
            .collect(),
    };
    let stages = round.stages.iter();
    stages.map(|stage| Stage { steps: stage.steps.iter().map(step).collect() }).collect()
}

fn quorum(viewer: &Viewer, step: &waypost_domain::approval::Step) -> String {
    let tally = waypost_domain::approval::quorum::Tally::of(step);
    let needed = step.quorum.needed(tally.seats);
    viewer.words.text.vote_tally(count(tally.approved), count(needed))
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Casts a vote.
pub(crate) async fn vote(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, request)): Path<(String, String)>,
    form: Form,
) -> Result<Response, PageError> {
    try_vote(&state, &viewer, &request, &form).await.map_err(|error| error.of_form(&form))
}

async fn try_vote(
    state: &WebState,
    viewer: &Viewer,
    request: &str,
    form: &Form,
) -> Result<Response, PageError> {
    let id: ApprovalRequestId = request.parse().map_err(|_| PageError::not_found())?;
    let comment = form.said("comment").map(str::to_owned);
    let cast = match form.get("vote") {
        Some("approve") => Vote::Approve { comment },
        Some("reject") => Vote::Reject { comment },
        Some("abstain") => Vote::Abstain { comment },
        _ => return Err(PageError::bad_request()),
    };
    let shown = form.get("_shown").map(str::to_owned);
    let voted = once(&state.desk, viewer, form, async |caller| {
        Box::pin(approvals::vote(&state.desk, &caller, id, cast, shown)).await?;
        Ok(viewer.at("approvals?done=vote"))
    });
    match voted.await {
        Ok(response) => Ok(response),
        Err(NotDone::Refused(error @ CommandError::ContentChanged)) => Err(error.into()),
        Err(NotDone::Failed(error)) => Err(error),
        Err(NotDone::Refused(error)) => {
            let faults = Faults::of_error(error)?;
            let page = page(state, viewer, request, Some(form), &faults).await?;
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}
