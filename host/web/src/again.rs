//! Proving again who somebody is, before what gives power.

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use waypost_app::{
    CommandError,
    passwords::{self, Checked},
    sign_ins,
};
use waypost_domain::password::Password;
use waypost_edge::Peer;

use crate::{
    WebState,
    error::PageError,
    form::{Form, Query},
    page::{Page, show as show_page, show_as},
    sign_in::{come_back, letter, path_of_ours, too_often, warn, with_secret},
    time::When,
    viewer::Viewer,
};

#[derive(Template)]
#[template(path = "sign_in/again.html")]
struct AgainPage {
    p: Page,
    next: String,
    proven: When,
    has_password: bool,
    /// Whether a link is on its way.
    is_sent: bool,
    /// What is wrong with the password.
    error: Option<String>,
    /// Why no link is on its way.
    no_link: Option<String>,
}

impl AgainPage {
    async fn new(state: &WebState, viewer: &Viewer, next: Option<&str>) -> Result<Self, PageError> {
        let next = next.and_then(path_of_ours).map(str::to_owned);
        Ok(Self {
            p: Page::shared(viewer, viewer.words.text.again_title()),
            next: next.unwrap_or_else(|| viewer.at("me")),
            proven: viewer.clock.at(viewer.who.proven_at),
            has_password: passwords::set_at(&state.desk, &viewer.who).await?.is_some(),
            is_sent: false,
            error: None,
            no_link: None,
        })
    }

    fn refused(self, why: String) -> Self {
        Self { p: self.p.refused(true), error: Some(why), ..self }
    }

    fn refused_a_link(self, why: String) -> Self {
        Self { p: self.p.refused(true), no_link: Some(why), ..self }
    }
}

/// Asks for the password, or whether to send a link.
pub(crate) async fn show(
    State(state): State<WebState>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    Ok(show_page(&AgainPage::new(&state, &viewer, query.get("next")).await?))
}

/// Looks at the password, or sends a link.
pub(crate) async fn prove(
    State(state): State<WebState>,
    viewer: Viewer,
    peer: Option<axum::Extension<Peer>>,
    form: Form,
) -> Result<Response, PageError> {
    let page = AgainPage::new(&state, &viewer, form.said("next")).await?;
    if form.said("how") == Some("link") {
        let letter = |to: &_| letter(to, viewer.words);
        if sign_ins::ask_again(&state.desk, &viewer.who, &page.next, letter).await? {
            return Ok(show_page(&AgainPage { is_sent: true, ..page }));
        }
        let page = page.refused_a_link(viewer.words.text.again_not_sent());
        return Ok(show_as(StatusCode::TOO_MANY_REQUESTS, &page));
    }
    let (now, words) = (viewer.caller().now, viewer.words);
    let from = peer.map(|axum::Extension(Peer(address))| address);
    if !state.tried.allows(from, "", now) {
        return Err(PageError::too_many());
    }
    let given = Password::of(form.get("password").unwrap_or_default());
    // As at the door: before it is looked at.
    state.tried.failed(from, "", now);
    let checked = passwords::prove(&state.desk, &viewer.who, &given).await;
    if matches!(checked, Ok(Checked::Right(_)) | Err(CommandError::Busy)) {
        state.tried.taken_back(from, now);
    }
    match checked? {
        Checked::Right(renewed) => Ok(with_secret(&state, &page.next, &renewed.secret)),
        Checked::Wrong(wrong) => {
            warn(&state, wrong.to_warn, words, now).await;
            let page = page.refused(words.text.again_wrong());
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Checked::TooOften { until, to_warn } => {
            warn(&state, to_warn, words, now).await;
            Ok(come_back(&page.refused(too_often(words, until, now)), until, now))
        }
    }
}
