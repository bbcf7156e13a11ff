//! Voting by a link in a letter, without signing in.
//!
//! The page shows what is decided and nothing else of the desk, and who opens it is nobody to any
//! other page.

use askama::Template;
use axum::{
    Extension,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use waypost_app::{
    CommandError,
    approvals::Vote,
    tickets::Named,
    vote_links::{self, ByLink},
};
use waypost_edge::RequestContext;

use crate::{
    WebState,
    error::PageError,
    form::{Faults, Form, Query},
    page::{Page, hue, show as show_page, show_as},
    portal::approvals::{self, Ballot, Matter, Shown, Stage},
    time::Clockwork,
    viewer::accepted,
    words::Words,
};

#[derive(Template)]
#[template(path = "vote_link/vote.html")]
struct VotePage {
    p: Page,
    matter: Matter,
    stages: Vec<Stage>,
    ballot: Ballot,
    name: String,
    organization: String,
}

#[derive(Template)]
#[template(path = "vote_link/voted.html")]
struct VotedPage {
    p: Page,
    said: String,
}

/// The secret in an address; one that cannot be read is as good as any wrong one.
type Secret = Result<Path<String>, PathRejection>;

/// Somebody who follows a link, and how they read.
struct Voter {
    who: ByLink,
    secret: String,
    clock: Clockwork,
}

/// Shows what is decided. Programs that look at mail follow links, so this uses nothing up.
pub(crate) async fn show(
    State(state): State<WebState>,
    secret: Secret,
    context: Extension<RequestContext>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let voter = voter(&state, secret, &context, &headers).await?;
    let shown = shown(&state, &voter).await?;
    Ok(show_page(&voter.page(shown, None, &Faults::default())))
}

/// Casts the vote, which uses the link up.
pub(crate) async fn vote(
    State(state): State<WebState>,
    secret: Secret,
    context: Extension<RequestContext>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    let voted = async {
        let voter = voter(&state, secret, &context, &headers).await?;
        try_vote(&state, &voter, &form).await
    };
    voted.await.map_err(|error| error.of_form(&form))
}

async fn try_vote(state: &WebState, voter: &Voter, form: &Form) -> Result<Response, PageError> {
    let cast = approvals::cast(form)?;
    let said = match &cast {
        Vote::Approve { .. } => "approve",
        Vote::Reject { .. } => "reject",
        Vote::Abstain { .. } => "abstain",
        Vote::Delegate { .. } => return Err(PageError::bad_request()),
    };
    let shown = shown(state, voter).await?;
    let digest = form.get("_shown").map(str::to_owned);
    match vote_links::vote(&state.desk, &voter.who, cast, digest).await {
        Ok(_) => {}
        Err(CommandError::NotFound(_)) => return Err(PageError::vote_link_over()),
        Err(error @ CommandError::ContentChanged) => return Err(error.into()),
        Err(error) => {
            let faults = Faults::of_error(error)?;
            let page = voter.page(shown, Some(form), &faults);
            return Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    }
    // Who loads the next page again is told the same, and casts no vote.
    let to = format!("/voted?as={said}&lang={}", voter.clock.words.tag());
    Ok(Redirect::to(&to).into_response())
}

/// Says that a vote was counted. The link is over, so this knows nothing but what its address says:
/// it names neither who voted nor on what.
pub(crate) async fn voted(query: Query, headers: HeaderMap) -> Result<Response, PageError> {
    let spoken = query.get("lang").and_then(Words::of_tag);
    let words = spoken.unwrap_or_else(|| accepted(&headers));
    let text = &words.text;
    let said = match query.get("as") {
        Some("approve") => text.voted_approve(),
        Some("reject") => text.voted_reject(),
        Some("abstain") => text.voted_abstain(),
        Some(_) | None => return Err(PageError::not_found()),
    };
    Ok(show_page(&VotedPage { p: Page::of_stranger(words, text.voted_title()), said }))
}

/// Who votes by the link of an address. Nobody guesses 32 random bytes, so attempts are not
/// counted, as with links to sign in: whoever has an old letter shares an address with others.
async fn voter(
    state: &WebState,
    secret: Secret,
    context: &RequestContext,
    headers: &HeaderMap,
) -> Result<Voter, PageError> {
    let secret = secret.map(|Path(secret)| secret).unwrap_or_default();
    let now = state.edge.clock.now();
    let found = vote_links::look_at(&state.desk, &secret, &context.commit, now).await?;
    let Some(who) = found else { return Err(PageError::vote_link_over()) };
    let spoken = who.language.as_deref().and_then(Words::of_tag);
    let words = spoken.unwrap_or_else(|| accepted(headers));
    let clock = Clockwork { now: who.caller.now, zone: who.zone, words };
    Ok(Voter { who, secret, clock })
}

/// What the voter is shown.
async fn shown(state: &WebState, voter: &Voter) -> Result<Shown, PageError> {
    let ByLink { caller, request, .. } = &voter.who;
    match approvals::shown(&state.desk, caller, &voter.clock, *request).await {
        Ok(Some(shown)) => Ok(shown),
        // The vote was cast a moment ago, and with it its ticket may be out of sight.
        Ok(None) | Err(CommandError::NotFound(_)) => Err(PageError::vote_link_over()),
        Err(error) => Err(error.into()),
    }
}

impl Voter {
    fn page(&self, shown: Shown, form: Option<&Form>, faults: &Faults) -> VotePage {
        let words = self.clock.words;
        let action = format!("/s/{}", self.secret);
        let ballot = Ballot::new(words, &shown, action, form, faults);
        let title = words.text.vote_title(&shown.matter.vote.about);
        VotePage {
            p: self.of_stranger(title).refused(!ballot.problems.is_empty()),
            matter: shown.matter,
            stages: shown.stages,
            ballot,
            name: self.who.name.clone(),
            organization: self.who.organization.name.clone(),
        }
    }

    fn of_stranger(&self, title: String) -> Page {
        let Named { key, name } = &self.who.organization;
        let of_stranger = Page::of_stranger(self.clock.words, title);
        Page { place: name.clone(), hue: Some(hue(key)), ..of_stranger }
    }
}

/// Keeps what a link shows out of every store: who comes to the browser later holds no link.
pub(crate) async fn not_stored(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let value = HeaderValue::from_static("private, no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, value);
    response
}
