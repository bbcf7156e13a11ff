//! Signing in and out: by a link in a mail, by one that an administrator hands over, or with a
//! password.

use std::{net::IpAddr, sync::atomic::Ordering};

use askama::Template;
use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use waypost_app::{
    CommandError, Unauthenticated,
    passwords::{self, Checked, Given, Warning},
    sign_ins::{self, Begun, Letter, Receiver},
};
use waypost_domain::{
    message::LINK_PLACE,
    password::Password,
    sign_in::{LIFETIME, LinkPurpose},
};
use waypost_edge::{Peer, RequestContext};

use crate::{
    WebState,
    error::PageError,
    form::{Form, Query},
    once::to,
    page::{Page, show as show_page, show_as},
    routes::ROUTES,
    viewer::{accepted, home, secret},
    words::Words,
};

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
/// How the operator makes the first administrator.
const FIRST: &str = "waypost person invite --org platform --email ada@example.com \
                     --name \"Ada Abel\" --role admin";
/// More than any address of ours that somebody begins at.
const MAX_NEXT_BYTES: usize = 120;

#[derive(Template)]
#[template(path = "sign_in/ask.html")]
struct AskPage {
    p: Page,
    email: String,
    next: Option<String>,
    /// Whether one can sign in with a password.
    passwords: bool,
    /// What is wrong with the address.
    error: Option<String>,
    /// Why nobody was signed in with the password.
    refused: Option<String>,
}

/// What an installation shows to whoever comes before there is anybody.
#[derive(Template)]
#[template(path = "sign_in/first.html")]
struct FirstPage {
    p: Page,
    command: &'static str,
}

#[derive(Template)]
#[template(path = "sign_in/sent.html")]
struct SentPage {
    p: Page,
    email: String,
}

#[derive(Template)]
#[template(path = "sign_in/link.html")]
struct LinkPage {
    p: Page,
    who: Receiver,
    next: Option<String>,
    is_setup: bool,
}

/// Leads home, or to the page where people sign in.
pub(crate) async fn start(
    State(state): State<WebState>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let Some(secret) = secret(&headers, state.site.cookie()) else { return Ok(to("/sign-in")) };
    let now = state.edge.clock.now();
    match sign_ins::authenticate(&state.desk, &secret, None, now).await {
        Ok(who) => Ok(to(&home(&who.home, who.caller.role))),
        Err(Unauthenticated::Failed(error)) => Err(error.into()),
        Err(_) => Ok(to("/sign-in")),
    }
}

/// Shows where people sign in, or ask for a link; while there is nobody, how the first one is made.
pub(crate) async fn show(
    State(state): State<WebState>,
    headers: HeaderMap,
    query: Query,
) -> Response {
    let words = accepted(&headers);
    if is_empty(&state).await {
        let p = Page::of_stranger(words, words.text.sign_in_title());
        return show_page(&FirstPage { p, command: FIRST });
    }
    let next = query.get("next").and_then(path_of_ours);
    show_page(&AskPage::new(&state, words, "", next))
}

/// Whether there is nobody yet. People stay in the directory for good, so once there is somebody
/// the database is not asked again.
async fn is_empty(state: &WebState) -> bool {
    if state.is_peopled.load(Ordering::Relaxed) {
        return false;
    }
    match sign_ins::is_anybody_there(&state.desk).await {
        Ok(is_peopled) => {
            state.is_peopled.store(is_peopled, Ordering::Relaxed);
            !is_peopled
        }
        // The form needs no database, and whoever sends it learns what is wrong.
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "it is not known whether there is anybody yet");
            false
        }
    }
}

impl AskPage {
    fn new(state: &WebState, words: &'static Words, email: &str, next: Option<&str>) -> Self {
        Self {
            p: Page::of_stranger(words, words.text.sign_in_title()),
            email: email.to_owned(),
            next: next.map(str::to_owned),
            passwords: state.desk.takes_passwords(),
            error: None,
            refused: None,
        }
    }

    fn with_bad_address(self) -> Self {
        let error = Some(self.p.t().sign_in_no_address());
        Self { p: self.p.refused(true), error, ..self }
    }

    fn refused(self, why: String) -> Self {
        Self { p: self.p.refused(true), refused: Some(why), ..self }
    }
}

/// Sends a link, or signs in with a password: the form is the same. Who asks is told the same,
/// whoever has the address.
pub(crate) async fn ask(
    State(state): State<WebState>,
    peer: Option<axum::Extension<Peer>>,
    context: axum::Extension<RequestContext>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    let words = accepted(&headers);
    let next = form.said("next").and_then(path_of_ours);
    let email = form.said("email").unwrap_or_default();
    let page = AskPage::new(&state, words, email, next);
    if !looks_like_an_address(email) {
        return Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page.with_bad_address()));
    }
    let now = state.edge.clock.now();
    let from = peer.map(|axum::Extension(Peer(address))| address);
    if page.passwords && form.said("how") == Some("password") {
        return enter(&state, from, &context, &headers, &form, page).await;
    }
    if !state.asked.allows(from, "", now) {
        return Err(PageError::too_many());
    }
    state.asked.failed(from, "", now);
    // Answered before it is known whether anybody has the address.
    let (desk, address, next) = (state.desk.clone(), email.to_owned(), next.map(str::to_owned));
    let asking = async move {
        let letter = |to: &Receiver| letter(to, words);
        let asked = sign_ins::ask(&desk, &address, next.as_deref(), letter, now).await;
        if let Err(error) = asked {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "a link that was asked for was not sent");
        }
    };
    state.later.begin(asking).await;
    let p = Page::of_stranger(words, words.text.sent_title());
    Ok(show_page(&SentPage { p, email: email.to_owned() }))
}

/// Signs in with a password.
async fn enter(
    state: &WebState,
    from: Option<IpAddr>,
    context: &RequestContext,
    headers: &HeaderMap,
    form: &Form,
    page: AskPage,
) -> Result<Response, PageError> {
    let now = state.edge.clock.now();
    if !state.tried.allows(from, "", now) {
        return Err(PageError::too_many());
    }
    let Some(password) = form.get("password").filter(|given| !given.is_empty()) else {
        let why = page.p.t().sign_in_no_password();
        return Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page.refused(why)));
    };
    let password = Password::of(password);
    let org = page.next.as_deref().and_then(|path| path.split('/').nth(2));
    let given =
        Given { address: &page.email, password: &password, org, device: device_of(headers) };
    // Before it is looked at: whoever hangs up meanwhile has tried as well.
    state.tried.failed(from, "", now);
    let checked = passwords::sign_in(&state.desk, given, &context.commit, now).await;
    if matches!(checked, Ok(Checked::Right(_)) | Err(CommandError::Busy)) {
        state.tried.taken_back(from, now);
    }
    match checked? {
        Checked::Right(begun) => Ok(signed_in(state, headers, &begun, page.next.as_deref()).await),
        Checked::Wrong(wrong) => {
            warn(state, wrong.to_warn, page.p.words, now).await;
            let why = page.p.t().sign_in_wrong();
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page.refused(why)))
        }
        Checked::TooOften { until, to_warn } => {
            warn(state, to_warn, page.p.words, now).await;
            let why = too_often(page.p.words, until, now);
            Ok(come_back(&page.refused(why), until, now))
        }
    }
}

/// Tells who is to be told that somebody tries to guess their password: after the answer, so that
/// nobody learns from its time whether there is anybody.
pub(crate) async fn warn(
    state: &WebState,
    to_warn: Option<Warning>,
    tried_in: &'static Words,
    now: DateTime<Utc>,
) {
    let Some(warning) = to_warn else { return };
    let desk = state.desk.clone();
    let warning = async move {
        let letter = |to: &Receiver| {
            let words = words_of(to, tried_in);
            let organization = &to.organization.name;
            Letter {
                subject: words.text.letter_guess_subject(organization),
                body: words.text.letter_guess_body(&to.name, organization),
            }
        };
        if let Err(error) = passwords::warn(&desk, &warning, letter, now).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "whose password was tried too often was not told");
        }
    };
    state.later.begin(warning).await;
}

/// That there were too many tries, and when to come back.
pub(crate) fn too_often(words: &Words, until: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (until - now).num_seconds().max(0);
    words.text.sign_in_too_often((seconds + 59) / 60)
}

/// The page that says when to come back, which programs are told as well.
pub(crate) fn come_back(
    page: &impl Template,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Response {
    let mut response = show_as(StatusCode::TOO_MANY_REQUESTS, page);
    let seconds = (until - now).num_seconds().max(1);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// The words in which somebody is written to.
pub(crate) fn words_of(to: &Receiver, otherwise: &'static Words) -> &'static Words {
    to.language.as_deref().and_then(Words::of_tag).unwrap_or(otherwise)
}

/// The letter with the link, in its receiver's language.
pub(crate) fn letter(to: &Receiver, asked_in: &'static Words) -> Letter {
    let words = words_of(to, asked_in);
    let organization = &to.organization.name;
    Letter {
        subject: words.text.letter_subject(organization),
        body: words.text.letter_body(&to.name, organization, LINK_PLACE),
    }
}

fn looks_like_an_address(text: &str) -> bool {
    text.len() <= waypost_domain::text::MAX_EMAIL_CHARS * 4
        && text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
}

/// Shows whom a link signs in. Programs that look at mail follow links, so this uses nothing up.
pub(crate) async fn link(
    state: State<WebState>,
    path: Path<String>,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, PageError> {
    look(state, path, headers, query, LinkPurpose::SignIn).await
}

/// Shows whom an invitation signs in.
pub(crate) async fn setup(
    state: State<WebState>,
    path: Path<String>,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, PageError> {
    look(state, path, headers, query, LinkPurpose::Setup).await
}

async fn look(
    State(state): State<WebState>,
    Path(secret): Path<String>,
    headers: HeaderMap,
    query: Query,
    purpose: LinkPurpose,
) -> Result<Response, PageError> {
    let now = state.edge.clock.now();
    let found = sign_ins::look_at(&state.desk, &secret, purpose, now).await?;
    let who = found.ok_or_else(PageError::link_over)?;
    let spoken = who.language.as_deref().and_then(Words::of_tag);
    let words = spoken.unwrap_or_else(|| accepted(&headers));
    let next = query.get("next").and_then(path_of_ours).map(str::to_owned);
    let p = Page::of_stranger(words, words.text.link_title(&who.name));
    Ok(show_page(&LinkPage { p, who, next, is_setup: purpose == LinkPurpose::Setup }))
}

/// Signs in who followed a link.
pub(crate) async fn follow(
    state: State<WebState>,
    path: Path<String>,
    context: axum::Extension<RequestContext>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    begin(state, path, context, headers, form, LinkPurpose::SignIn).await
}

/// Signs in who was invited.
pub(crate) async fn set_up(
    state: State<WebState>,
    path: Path<String>,
    context: axum::Extension<RequestContext>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    begin(state, path, context, headers, form, LinkPurpose::Setup).await
}

async fn begin(
    State(state): State<WebState>,
    Path(link): Path<String>,
    context: axum::Extension<RequestContext>,
    headers: HeaderMap,
    form: Form,
    purpose: LinkPurpose,
) -> Result<Response, PageError> {
    let now = state.edge.clock.now();
    let device = device_of(&headers);
    let begun = sign_ins::begin(&state.desk, &link, purpose, device, &context.commit, now).await;
    let begun = match begun {
        Err(CommandError::NotFound(_)) => return Err(PageError::link_over()),
        begun => begun?,
    };
    let next = form.said("next").and_then(path_of_ours);
    Ok(signed_in(&state, &headers, &begun, next).await)
}

/// What a browser says of itself.
fn device_of(headers: &HeaderMap) -> &str {
    let device = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    device.unwrap_or_default()
}

/// Leads who has just signed in to where they wanted to go.
async fn signed_in(
    state: &WebState,
    headers: &HeaderMap,
    begun: &Begun,
    next: Option<&str>,
) -> Response {
    // Whoever was signed in here before is not any more.
    if let Some(before) = secret(headers, state.site.cookie())
        && let Err(error) = end(state, &before).await
    {
        // Whoever has just signed in is in all the same.
        tracing::warn!(error = ?error, "an earlier sign-in was not ended");
    }
    let address = next.map_or_else(|| home(&begun.home, begun.role), str::to_owned);
    let mut response = with_secret(state, &address, &begun.secret);
    // What the browser kept may be somebody else's.
    response.headers_mut().insert(CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\""));
    response
}

/// Leads to a page, with the secret that the browser keeps from now on.
pub(crate) fn with_secret(state: &WebState, address: &str, secret: &str) -> Response {
    with_cookie(state, to(address), secret, LIFETIME.num_seconds())
}

/// Ends the sign-in of this browser, and clears what it holds of pages.
pub(crate) async fn out(
    State(state): State<WebState>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    if let Some(secret) = secret(&headers, state.site.cookie()) {
        end(&state, &secret).await?;
    }
    let mut response = with_cookie(&state, to("/sign-in"), "", 0);
    let clears = HeaderValue::from_static("\"cache\", \"storage\"");
    response.headers_mut().insert(CLEAR_SITE_DATA, clears);
    Ok(response)
}

/// Ends the sign-in of a secret, if it is one.
async fn end(state: &WebState, secret: &str) -> Result<(), CommandError> {
    let now = state.edge.clock.now();
    match sign_ins::authenticate(&state.desk, secret, None, now).await {
        Ok(who) => sign_ins::sign_out(&state.desk, &who).await,
        Err(Unauthenticated::Failed(error)) => Err(error),
        Err(Unauthenticated::Token | Unauthenticated::OutOfReach) => Ok(()),
    }
}

/// The answer, which sets the cookie of a sign-in. No page and no script can read it.
fn with_cookie(state: &WebState, response: Response, secret: &str, seconds: i64) -> Response {
    let secure = if state.site.is_https() { " Secure;" } else { "" };
    let cookie = format!(
        "{}={secret}; HttpOnly;{secure} SameSite=Lax; Path=/; Max-Age={seconds}",
        state.site.cookie()
    );
    let mut response = response.into_response();
    match HeaderValue::from_str(&cookie) {
        Ok(value) => {
            response.headers_mut().insert(header::SET_COOKIE, value);
            response
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A path of ours: a page to lead on to, and no other site. It stands in a letter, so it says
/// nothing that somebody made up.
pub(crate) fn path_of_ours(text: &str) -> Option<&str> {
    let is_plain = |part: &str| {
        let is_word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        !part.is_empty() && part.len() <= 64 && !part.starts_with('.') && part.bytes().all(is_word)
    };
    let parts: Vec<&str> = text.strip_prefix("/o/")?.split('/').collect();
    let is_page = |route: &str| {
        let known: Vec<&str> = route.strip_prefix("/o/").unwrap_or_default().split('/').collect();
        known.len() == parts.len()
            && known.iter().zip(&parts).all(|(known, part)| known.starts_with('{') || known == part)
    };
    let is_ours = text.len() <= MAX_NEXT_BYTES
        && parts.iter().all(|part| is_plain(part))
        && ROUTES.iter().any(|route| is_page(route));
    is_ours.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_site() {
        for good in ["/o/acme/home", "/o/acme/my/INC0000001", "/o/a.b-c/desk/queue/team-x"] {
            assert_eq!(path_of_ours(good), Some(good));
        }
        for bad in [
            "",
            "/",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "https:/evil.example",
            "javascript:alert(1)",
            "/o//evil.example",
            "/o/../sign-out",
            "/o/a\\b",
            "/o/a\r\nset-cookie: a=b",
            "/o/a b",
            "/sign-out",
            "o/acme/home",
            "/o/acme/\"onload",
            "\t/o/acme",
            "///o/acme",
            "/o/acme/<script>",
            "http://localhost/o/acme",
            "/%2fevil.example",
            "/o/acme/nowhere",
            "/o/acme/home?done=vote",
            "/o/acme/my/call-us-now/please",
        ] {
            assert_eq!(path_of_ours(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_address_has_two_parts() {
        for good in ["ada@acme.example", "ä@b"] {
            assert!(looks_like_an_address(good), "{good}");
        }
        for bad in ["", "ada", "@", "ada@", "@acme"] {
            assert!(!looks_like_an_address(bad), "{bad}");
        }
    }
}
