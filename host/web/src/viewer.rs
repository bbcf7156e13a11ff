//! The viewer: who looks at a page, in which organization, language and zone.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use waypost_app::{
    Caller, Unauthenticated,
    sign_ins::{self, SignedIn},
};
use waypost_domain::{key::Key, permission, role::Role};
use waypost_edge::RequestContext;

use crate::{
    WebState, error::PageError, looks::Looks, sign_in::path_of_ours, time::Clockwork, words::Words,
};

/// Who looks at a page.
#[derive(Debug, Clone)]
pub(crate) struct Viewer(Arc<Known>);

/// What is known of a viewer.
#[derive(Debug)]
pub(crate) struct Known {
    /// Who they are, and where.
    pub(crate) who: SignedIn,
    /// Their words.
    pub(crate) words: &'static Words,
    /// Their time.
    pub(crate) clock: Clockwork,
    /// The path of the page.
    pub(crate) path: Arc<str>,
    /// How pages look in their browser.
    pub(crate) looks: Looks,
}

impl std::ops::Deref for Viewer {
    type Target = Known;

    fn deref(&self) -> &Known {
        &self.0
    }
}

impl Known {
    /// Who asks, as every use case knows it.
    pub(crate) fn caller(&self) -> &Caller {
        &self.who.caller
    }

    /// The person's id; nothing for who is none.
    pub(crate) fn person(&self) -> String {
        self.caller().person().map(|person| person.to_string()).unwrap_or_default()
    }

    /// The address of a page of their organization: `home` is `/o/acme/home`.
    pub(crate) fn at(&self, rest: &str) -> String {
        format!("/o/{}/{rest}", self.who.organization.key)
    }

    /// Leads to where they prove again who they are, and from there to this page of their
    /// organization, unless they did so lately. What gives power asks this first.
    pub(crate) fn must_have_proven(&self, next: &str) -> Result<(), PageError> {
        if self.who.has_recently_proven() {
            return Ok(());
        }
        Err(PageError::prove_again(self.again(next)))
    }

    /// Where they prove again who they are, before they go on to this page of their organization.
    pub(crate) fn again(&self, next: &str) -> String {
        format!("{}?next={}", self.at("me/again"), self.at(next))
    }

    /// Whether they are of the desk, and on a page of its or one that it shares with the portal.
    pub(crate) fn is_at_desk(&self) -> bool {
        let is_in = |place: &str| {
            let behind = self.path.strip_prefix(self.at(place).as_str());
            behind.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.is_desk() && ["desk", "approvals", "me"].into_iter().any(is_in)
    }

    /// Whether there may be other organizations in which they work.
    pub(crate) fn has_other_places(&self) -> bool {
        self.is_desk() && (self.who.has_clients || self.who.home != self.who.organization.key)
    }

    /// Whether they see what the desk sees.
    pub(crate) fn is_desk(&self) -> bool {
        permission::sees_internals(self.who.caller.role)
    }
}

/// Where somebody begins: at the desk, or at the portal.
pub(crate) fn home(org: &str, role: Role) -> String {
    match role {
        Role::Requester => format!("/o/{org}/home"),
        Role::Agent | Role::Admin | Role::Auditor => format!("/o/{org}/desk/queue/unassigned"),
    }
}

impl FromRequestParts<WebState> for Viewer {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &WebState) -> Result<Self, PageError> {
        // Absent only where a route was put outside what needs a sign-in; closed is the safe
        // answer.
        parts.extensions.get::<Self>().cloned().ok_or_else(PageError::not_found)
    }
}

/// The secret of the sign-in that the browser sent, if it is one.
pub(crate) fn secret(headers: &HeaderMap, name: &str) -> Option<String> {
    cookie(headers, name).map(str::to_owned)
}

/// What the browser keeps under a name.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(known, _)| known.trim() == name)?;
    Some(value.trim()).filter(|value| !value.is_empty())
}

/// Refuses a change that a browser asks for which does not say that it comes from here. The layer
/// before this one trusts every page of the same host, encrypted or not, and whoever says nothing:
/// with a sign-in, that could be another site's.
pub(crate) async fn from_here(
    State(state): State<WebState>,
    request: Request,
    next: Next,
) -> Result<Response, PageError> {
    let headers = request.headers();
    let said = |name: &str| -> Vec<&[u8]> {
        let all = headers.get_all(name).iter().map(axum::http::HeaderValue::as_bytes);
        all.filter(|value| !value.is_empty()).collect()
    };
    let is_from_here = match (said("sec-fetch-site").as_slice(), said("origin").as_slice()) {
        ([], []) => secret(headers, state.site.cookie()).is_none(),
        ([], [origin]) => *origin == state.site.url().as_bytes(),
        ([site], [] | [_]) => matches!(*site, b"same-origin" | b"none"),
        // No browser says anything twice.
        _ => false,
    };
    if !request.method().is_safe() && !is_from_here {
        return Err(PageError::of_status(StatusCode::FORBIDDEN));
    }
    Ok(next.run(request).await)
}

/// Puts the viewer into the request, or leads to the page where people sign in.
pub(crate) async fn signed_in(
    State(state): State<WebState>,
    mut request: Request,
    next: Next,
) -> Result<Response, PageError> {
    let context = request.extensions().get::<RequestContext>().cloned();
    let path: Arc<str> = context.as_ref().map_or_else(|| Arc::from("/"), |it| Arc::clone(&it.path));
    let named =
        path.strip_prefix("/o/").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let Ok(org) = named.parse::<Key>() else { return Err(PageError::not_found()) };
    // Nothing is called by what no database keeps, and one of them would fail at the question.
    if path.contains("%00") {
        return Err(PageError::not_found());
    }
    let Some(secret) = secret(request.headers(), state.site.cookie()) else {
        return Ok(to_sign_in(&state, &request));
    };
    // Nobody guesses 32 random bytes, so attempts are not counted: old ones are everybody's. But
    // who makes some up waits for others who do.
    let place = state.acquainted.place_for(&secret).await;
    let now = state.edge.clock.now();
    let found = if is_asked_by_itself(&request) {
        sign_ins::authenticate_unused(&state.desk, &secret, Some(&org), now).await
    } else {
        sign_ins::authenticate(&state.desk, &secret, Some(&org), now).await
    };
    drop(place);
    match &found {
        Ok(_) | Err(Unauthenticated::OutOfReach) => state.acquainted.note(&secret, true),
        Err(Unauthenticated::Token) => state.acquainted.note(&secret, false),
        Err(Unauthenticated::Failed(_)) => {}
    }
    let mut who = match found {
        Ok(who) => who,
        Err(Unauthenticated::Token) => return Ok(to_sign_in(&state, &request)),
        // Whether there is such an organization is not for this person to know.
        Err(Unauthenticated::OutOfReach) => return Err(PageError::not_found()),
        Err(Unauthenticated::Failed(error)) => return Err(error.into()),
    };
    if let Some(context) = &context {
        who.caller.commit = context.commit.clone();
    }
    let spoken = who.language.as_deref().and_then(Words::of_tag);
    let words = spoken.unwrap_or_else(|| accepted(request.headers()));
    let clock = Clockwork { now: who.caller.now, zone: who.zone, words };
    let looks = Looks::read(request.headers());
    request.extensions_mut().insert(who.caller.clone());
    let viewer = Viewer(Arc::new(Known { who, words, clock, path, looks }));
    request.extensions_mut().insert(viewer.clone());
    let mut response = next.run(request).await;
    // For whoever makes a page of an error.
    response.extensions_mut().insert(viewer);
    Ok(response)
}

/// Whether a page asks without anybody doing anything: it waits for hints, or looks for news.
fn is_asked_by_itself(request: &Request) -> bool {
    let query = request.uri().query().unwrap_or_default();
    request.uri().path().ends_with("/live") || query.split('&').any(|it| it.starts_with("seen="))
}

/// The words of the language that a browser accepts.
pub(crate) fn accepted(headers: &HeaderMap) -> &'static Words {
    let header = headers.get(header::ACCEPT_LANGUAGE);
    Words::accepted(header.and_then(|value| value.to_str().ok()))
}

/// The page where people sign in, and from which they come back to where they wanted to go, or to
/// where they were when they sent a form.
fn to_sign_in(state: &WebState, request: &Request) -> Response {
    let path = request.extensions().get::<RequestContext>().map(|context| &*context.path);
    let next = if request.method() == Method::GET {
        path.map(str::to_owned)
    } else {
        path.and_then(|path| page_of_form(path, came_from(state, request.headers())))
    };
    let next = next.map(|path| format!("?next={path}")).unwrap_or_default();
    Redirect::to(&format!("/sign-in{next}")).into_response()
}

/// The path of the page from which a browser says that it comes, if it is one of ours.
fn came_from<'a>(state: &WebState, headers: &'a HeaderMap) -> Option<&'a str> {
    let page = headers.get(header::REFERER)?.to_str().ok()?.strip_prefix(state.site.url())?;
    path_of_ours(page.split(['?', '#']).next()?)
}

/// The page where somebody goes on who was signed out before they sent a form to this address: the
/// ticket that it is about, or where they came from, or what is shown at the address itself.
fn page_of_form(address: &str, from: Option<&str>) -> Option<String> {
    let shown = |address: &str| {
        let parts: Vec<&str> = address.split('/').collect();
        let count = match parts.as_slice() {
            ["", "o", _, .., "do", _] => parts.len() - 2,
            // Here, forms are sent to addresses that show nothing.
            ["", "o", _, "me", "looks" | "devices" | "delegations", ..]
            | ["", "o", _, "desk", "views", ..] => 4,
            ["", "o", _, "me", "password", "remove"] => 5,
            _ => parts.len(),
        };
        parts[..count].join("/")
    };
    let own = shown(address);
    let rest = address.strip_prefix(own.as_str());
    let is_about_a_ticket = rest.is_some_and(|rest| rest.starts_with("/do/"));
    let page = if is_about_a_ticket { own } else { from.map_or(own, shown) };
    path_of_ours(&page).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn whoever_was_signed_out_before_they_sent_a_form_goes_on_where_it_was() {
        let home = Some("/o/acme/home");
        for (address, from, page) in [
            ("/o/acme/my/INC0000001/do/caller_reply", home, Some("/o/acme/my/INC0000001")),
            (
                "/o/acme/desk/tickets/INC0000001/do/edit",
                None,
                Some("/o/acme/desk/tickets/INC0000001"),
            ),
            ("/o/acme/report", None, Some("/o/acme/report")),
            ("/o/acme/report", home, home),
            ("/o/acme/me/looks", home, home),
            ("/o/acme/me/looks", None, Some("/o/acme/me")),
            ("/o/acme/me/delegations", Some("/o/acme/me/delegations"), Some("/o/acme/me")),
            ("/o/acme/me/password/remove", None, Some("/o/acme/me/password")),
            ("/o/acme/desk/views/7/remove", None, Some("/o/acme/desk")),
            ("/o/do/report", None, Some("/o/do/report")),
            ("/o/acme/no\"where", None, None),
        ] {
            assert_eq!(page_of_form(address, from).as_deref(), page, "{address}");
        }
    }

    #[test]
    fn a_secret_is_read_from_its_cookie_only() {
        let of = |text: &str| {
            let value = HeaderValue::from_str(text).unwrap();
            secret(&HeaderMap::from_iter([(header::COOKIE, value)]), "waypost")
        };
        assert_eq!(of("a=1; waypost=abc; b=2").as_deref(), Some("abc"));
        assert_eq!(of("waypost=abc").as_deref(), Some("abc"));
        for other in ["", "waypost", "waypost=", "xwaypost=abc", "a=waypost=abc"] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
