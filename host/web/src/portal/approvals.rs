//! Approvals: what the viewer is asked to decide.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use waypost_app::{
    Caller, CommandError, Desk,
    approvals::{self, ApprovalView, Vote, WaitingVote},
    tickets::{Look, TicketRef, TicketView},
};
use waypost_domain::{approval::Approval, catalog::CatalogItem, ids::ApprovalRequestId};

use crate::{
    WebState,
    choices::Choices,
    error::PageError,
    form::{Faults, Field, Fields, Form, Problem, Query, Widget},
    once::{NotDone, once},
    page::{Page, show as show_page, show_as},
    text::{Html, html},
    time::{Clockwork, When},
    viewer::Viewer,
    words::Words,
};

#[derive(Template)]
#[template(path = "portal/approvals.html")]
struct ListPage {
    p: Page,
    votes: Vec<Asked>,
}

/// A vote that is asked for.
pub(crate) struct Asked {
    pub(crate) href: String,
    pub(crate) number: String,
    pub(crate) about: String,
    pub(crate) step: String,
    /// Whose seat it is, if not the viewer's.
    pub(crate) instead_of: Option<String>,
    pub(crate) since: Option<When>,
    pub(crate) due: Option<When>,
}

#[derive(Template)]
#[template(path = "portal/vote.html")]
struct VotePage {
    p: Page,
    matter: Matter,
    stages: Vec<Stage>,
    ballot: Ballot,
    once: String,
}

/// What is decided by a vote, as its voter reads it, whether they are signed in or follow a link.
pub(crate) struct Matter {
    pub(crate) vote: Asked,
    /// The page of the ticket; none for whoever is not signed in.
    pub(crate) ticket: Option<String>,
    pub(crate) requester: Option<String>,
    pub(crate) item: Option<String>,
    pub(crate) cost: Option<String>,
    pub(crate) answers: Vec<(String, String)>,
    pub(crate) description: Option<Html>,
    /// What is done once it is approved.
    pub(crate) tasks: Vec<String>,
}

/// Everything that a voter is shown.
pub(crate) struct Shown {
    pub(crate) matter: Matter,
    pub(crate) stages: Vec<Stage>,
    /// The digest of the content.
    pub(crate) digest: String,
    /// The version of the ticket.
    pub(crate) version: i64,
}

/// The form with which a vote is cast.
pub(crate) struct Ballot {
    pub(crate) fields: Vec<Field>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) action: String,
    /// The digest of what the voter decides on.
    pub(crate) digest: String,
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
    let p = Page::shared(&viewer, viewer.words.text.approvals_title()).telling(&query);
    Ok(show_page(&ListPage { p, votes }))
}

fn asked(viewer: &Viewer, vote: &WaitingVote) -> Asked {
    let href = viewer.at(&format!("approvals/{}", vote.request));
    asked_of(viewer.caller(), &viewer.clock, vote, href)
}

fn asked_of(caller: &Caller, clock: &Clockwork, vote: &WaitingVote, href: String) -> Asked {
    Asked {
        href,
        number: vote.number.clone(),
        about: vote.short_description.clone(),
        step: clock.words.step(&vote.step),
        instead_of: (caller.person() != Some(vote.seat.id)).then(|| clock.words.person(&vote.seat)),
        since: vote.requested_at.map(|at| clock.when(at)),
        due: vote.due_at.map(|at| clock.at(at)),
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
    let id: ApprovalRequestId = request.parse().map_err(|_| PageError::not_found())?;
    let shown = shown(&state.desk, viewer.caller(), &viewer.clock, id).await?;
    // What is not asked any more is as if it never was; the list says what is.
    let shown = shown.ok_or_else(PageError::not_found)?;
    let action = viewer.at(&format!("approvals/{id}"));
    let ballot = Ballot::new(viewer.words, &shown, action, form, faults);
    let title = viewer.words.text.vote_title(&shown.matter.vote.about);
    let place = if viewer.is_desk() { "desk/tickets" } else { "my" };
    let ticket = viewer.at(&format!("{place}/{}", shown.matter.vote.number));
    Ok(VotePage {
        p: Page::shared(viewer, title).refused(!ballot.problems.is_empty()),
        matter: Matter { ticket: Some(ticket), ..shown.matter },
        stages: shown.stages,
        ballot,
        once: format!("v{}", shown.version),
    })
}

/// What somebody is shown who is asked for a vote; none if they are not asked for it any more.
pub(crate) async fn shown(
    desk: &Desk,
    caller: &Caller,
    clock: &Clockwork,
    id: ApprovalRequestId,
) -> Result<Option<Shown>, CommandError> {
    let Some(vote) = approvals::waiting(desk, caller, id).await? else { return Ok(None) };
    let named = TicketRef::Number(vote.number.clone());
    let mut look = Look::at(desk, caller, &named).await?;
    let (view, rounds) = (look.view().await?, look.rounds().await?);
    let has_tasks = view.ticket.request().is_some() && view.tasks.total > 0;
    let by_hand = if has_tasks { look.tasks().await? } else { Vec::new() };
    drop(look);
    let round = rounds.iter().find(|round| round.approval.id == vote.approval);
    let words = clock.words;
    let item = super::catalog::item_of(desk, caller, &view).await?;
    let tasks = tasks(&view, item.as_ref(), by_hand);
    let description = Some(&view.ticket.description).filter(|it| !it.is_empty());
    let matter = Matter {
        vote: asked_of(caller, clock, &vote, String::new()),
        ticket: None,
        requester: view.requester.as_ref().map(|person| words.person(person)),
        item: view.catalog_item.as_ref().map(|item| item.name.clone()),
        cost: cost(words, &view),
        answers: super::catalog::answers_to(item.as_ref(), words, &view),
        description: description.map(|it| html(it)),
        tasks,
    };
    Ok(Some(Shown {
        matter,
        stages: round.map(|round| stages_for(words, round)).unwrap_or_default(),
        digest: vote.content_digest,
        version: view.ticket.version,
    }))
}

/// What is done once a request is approved: what its item plans, and what was planned by hand.
fn tasks(view: &TicketView, item: Option<&CatalogItem>, by_hand: Vec<TicketView>) -> Vec<String> {
    if view.ticket.request().is_none() {
        return Vec::new();
    }
    let planned = item.map(|item| item.tasks.as_slice()).unwrap_or_default();
    let planned = planned.iter().map(|task| task.short_description.clone());
    let by_hand = by_hand.into_iter().map(|task| task.ticket.short_description);
    planned.chain(by_hand).collect()
}

impl Ballot {
    /// The form, filled in as it was sent before.
    pub(crate) fn new(
        words: &'static Words,
        shown: &Shown,
        action: String,
        form: Option<&Form>,
        faults: &Faults,
    ) -> Self {
        let choices = Choices::default();
        let make = Fields { words, choices: &choices, form, faults, prefix: "vote" };
        let comment = make.value("comment", None);
        let (label, hint) = (words.text.vote_comment(), words.text.vote_comment_hint());
        let fields =
            vec![make.of("comment", label, Some(hint), false, Widget::Area { value: comment })];
        let problems = faults.summary(&fields, words);
        // What the voter decides on is what they saw when the form was first shown.
        let digest = form.and_then(|form| form.get("_shown")).unwrap_or(&shown.digest).to_owned();
        Self { fields, problems, action, digest }
    }
}

/// The vote that a form casts.
pub(crate) fn cast(form: &Form) -> Result<Vote, PageError> {
    let comment = form.said("comment").map(str::to_owned);
    match form.get("vote") {
        Some("approve") => Ok(Vote::Approve { comment }),
        Some("reject") => Ok(Vote::Reject { comment }),
        Some("abstain") => Ok(Vote::Abstain { comment }),
        _ => Err(PageError::bad_request()),
    }
}

fn cost(words: &Words, view: &TicketView) -> Option<String> {
    let cost = view.ticket.request()?.cost.as_ref()?;
    Some(super::catalog::written(cost, words.tag()))
}

/// The stages of a round, with who said what.
pub(crate) fn stages(viewer: &Viewer, view: &ApprovalView) -> Vec<Stage> {
    stages_for(viewer.words, view)
}

fn stages_for(words: &Words, view: &ApprovalView) -> Vec<Stage> {
    let round: &Approval = &view.approval;
    let step = |step: &waypost_domain::approval::Step| StepRow {
        name: words.step(&step.name),
        outcome: words.name("outcome", step.outcome.as_str()),
        needed: quorum(words, step),
        voters: step
            .requests
            .iter()
            .map(|seat| Voter {
                name: words.person(&waypost_app::person_name(&view.names, seat.voter)),
                state: words.name("seat", seat.state.as_str()),
                comment: seat.comment.clone(),
            })
            .collect(),
    };
    let stages = round.stages.iter();
    stages.map(|stage| Stage { steps: stage.steps.iter().map(step).collect() }).collect()
}

fn quorum(words: &Words, step: &waypost_domain::approval::Step) -> String {
    let tally = waypost_domain::approval::quorum::Tally::of(step);
    let needed = step.quorum.needed(tally.seats);
    words.text.vote_tally(count(tally.approved), count(needed))
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
    let cast = cast(form)?;
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
