//! The page: what all of them share, and how one becomes an answer.

use askama::Template;
use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use waypost_domain::role::Role;

use crate::{
    assets,
    form::Query,
    viewer::Viewer,
    words::{L10nLanguage, Words},
};

/// Headers of every answer. Nothing of a page may run, load or be framed but what is its own.
pub(crate) static HEADERS: [(HeaderName, HeaderValue); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // Without it, a browser would not say from where a form was sent.
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    // All powers that browsers know: no page needs one. A name that a browser does not know is a
    // warning in its console, so those that few know yet are left out.
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static(
            "accelerometer=(), autoplay=(), bluetooth=(), camera=(), clipboard-read=(), \
             clipboard-write=(), compute-pressure=(), display-capture=(), encrypted-media=(), \
             fullscreen=(), geolocation=(), gyroscope=(), hid=(), identity-credentials-get=(), \
             idle-detection=(), keyboard-map=(), local-fonts=(), magnetometer=(), microphone=(), \
             midi=(), otp-credentials=(), payment=(), picture-in-picture=(), \
             publickey-credentials-create=(), publickey-credentials-get=(), screen-wake-lock=(), \
             serial=(), storage-access=(), usb=(), window-management=(), xr-spatial-tracking=()",
        ),
    ),
];

/// So many colors say whose desk a page is; the stylesheet has a rule for each.
const HUES: u32 = 8;

/// What every page has: its words, its title, and what is around it.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    /// What it is about, in a few words.
    pub(crate) title: String,
    /// Whose desk it is.
    pub(crate) place: String,
    /// The color that says the same; none of a page that is nobody's.
    pub(crate) hue: Option<u32>,
    /// Who looks at it.
    pub(crate) viewer: Option<Viewer>,
    /// Where one can go from here.
    pub(crate) nav: Vec<NavItem>,
    /// Whether it is one of the desk's.
    pub(crate) is_desk: bool,
    /// What has just been done.
    pub(crate) notice: Option<String>,
    /// Whether something is wrong with what was sent.
    pub(crate) is_refused: bool,
    pub(crate) words: &'static Words,
}

/// A place to go to.
#[derive(Debug, Clone)]
pub(crate) struct NavItem {
    pub(crate) href: String,
    pub(crate) label: String,
    pub(crate) is_here: bool,
    /// The keys that press it, at the desk.
    pub(crate) key: Option<&'static str>,
}

impl Page {
    /// A page for somebody who is not signed in.
    pub(crate) fn of_stranger(words: &'static Words, title: String) -> Self {
        Self {
            title,
            place: "Waypost".to_owned(),
            hue: None,
            viewer: None,
            nav: Vec::new(),
            is_desk: false,
            notice: None,
            is_refused: false,
            words,
        }
    }

    /// A page of the portal.
    pub(crate) fn of_portal(viewer: &Viewer, title: String) -> Self {
        let t = &viewer.words.text;
        let items = [
            ("home", t.nav_home()),
            ("report", t.nav_report()),
            ("catalog", t.nav_catalog()),
            ("my", t.nav_my()),
            ("approvals", t.nav_approvals()),
        ];
        Self::of_viewer(viewer, title, &items, false)
    }

    /// A page of the desk.
    pub(crate) fn of_desk(viewer: &Viewer, title: String) -> Self {
        let t = &viewer.words.text;
        let items = [
            ("desk/queue", t.nav_queue()),
            ("desk/new", t.nav_new()),
            ("desk/problems", t.nav_problems()),
            ("desk/tasks", t.nav_tasks()),
            ("approvals", t.nav_approvals()),
        ];
        Self::of_viewer(viewer, title, &items, true)
    }

    /// A page that portal and desk share: people of the desk keep its frame around them there, with
    /// its search and its keys.
    pub(crate) fn shared(viewer: &Viewer, title: String) -> Self {
        if viewer.is_desk() { Self::of_desk(viewer, title) } else { Self::of_portal(viewer, title) }
    }

    fn of_viewer(viewer: &Viewer, title: String, items: &[(&str, String)], is_desk: bool) -> Self {
        let is_offered = |rest: &str| rest != "approvals" || viewer.caller().role != Role::Auditor;
        let nav = items.iter().filter(|(rest, _)| is_offered(rest)).map(|(rest, label)| {
            let href = viewer.at(rest);
            let is_here = viewer
                .path
                .strip_prefix(href.as_str())
                .is_some_and(|behind| behind.is_empty() || behind.starts_with('/'));
            let key = if is_desk { key_of(rest) } else { None };
            NavItem { href, label: label.clone(), is_here, key }
        });
        Self {
            title,
            place: viewer.who.organization.name.clone(),
            hue: Some(hue(&viewer.who.organization.key)),
            viewer: Some(viewer.clone()),
            nav: nav.collect(),
            is_desk,
            notice: None,
            is_refused: false,
            words: viewer.words,
        }
    }

    /// The same, which says what has just been done if the address names it.
    pub(crate) fn telling(self, query: &Query) -> Self {
        let said = |done: &str| {
            // An address can say anything; what is no action is not said to be done.
            self.words.named("done", done)?;
            let said = self.words.named("notice", done);
            Some(said.unwrap_or_else(|| self.words.name("notice", "other")))
        };
        Self { notice: query.get("done").and_then(said), ..self }
    }

    /// The same, of a form that was refused.
    pub(crate) fn refused(self, is_refused: bool) -> Self {
        Self { is_refused, ..self }
    }

    /// Its messages.
    pub(crate) fn t(&self) -> &'static L10nLanguage {
        &self.words.text
    }

    /// Whether what the desk and its policies say is in the language of the page.
    pub(crate) fn is_english(&self) -> bool {
        self.words.tag() == "en"
    }

    /// The address of a file.
    #[expect(clippy::unused_self, reason = "templates reach it through the page")]
    pub(crate) fn asset(&self, file: &str) -> String {
        assets::address(file)
    }

    /// The address of a page of the viewer's organization.
    pub(crate) fn at(&self, rest: &str) -> String {
        self.viewer.as_ref().map_or_else(|| "/".to_owned(), |viewer| viewer.at(rest))
    }

    /// Light, dark, more contrast, or what the viewer's system says.
    pub(crate) fn theme(&self) -> &'static str {
        self.viewer.as_ref().map_or("system", |viewer| viewer.looks.theme)
    }

    /// Whether single keys do something here.
    pub(crate) fn has_keys(&self) -> bool {
        self.is_desk && self.viewer.as_ref().is_some_and(|viewer| viewer.looks.has_keys)
    }

    /// Whether votes can be asked of the viewer: an auditor changes nothing.
    pub(crate) fn can_vote(&self) -> bool {
        self.viewer.as_ref().is_some_and(|viewer| viewer.caller().role != Role::Auditor)
    }

    /// Whether the viewer is one of the desk.
    pub(crate) fn sees_desk(&self) -> bool {
        self.viewer.as_ref().is_some_and(|viewer| viewer.is_desk())
    }
}

/// The color of an organization, of those that the stylesheet has. It is the same on each page and
/// at each start, so people come to know it; others may have the same.
pub(crate) fn hue(org: &str) -> u32 {
    // FNV-1a: what the standard library hashes with may change with each of its releases.
    let hash = org
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash % HUES
}

/// The keys that lead to a place of the desk.
fn key_of(place: &str) -> Option<&'static str> {
    Some(match place {
        "desk/queue" => "g q",
        "desk/new" => "c",
        "desk/problems" => "g p",
        "desk/tasks" => "g t",
        "approvals" => "g a",
        _ => return None,
    })
}

/// The answer with a page.
pub(crate) fn show(page: &impl Template) -> Response {
    show_as(StatusCode::OK, page)
}

/// The answer with a page, and a status.
pub(crate) fn show_as(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => {
            let media = HeaderValue::from_static("text/html; charset=utf-8");
            (status, [(header::CONTENT_TYPE, media)], html).into_response()
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a page was not written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organization_has_the_same_color_at_each_start_and_each_color_has_a_rule() {
        let known = ["marlow-county", "fennel-foods", "platform", "harbor-it"].map(hue);
        assert_eq!(known, [0, 1, 2, 7]);
        let style = include_str!("../assets/waypost.css");
        let rules = style.matches("[data-hue=\"").count();
        assert_eq!(rules, HUES as usize);
        for hue in 0..HUES {
            assert!(
                style.contains(&format!("[data-hue=\"{hue}\"] {{ --hue: light-dark(")),
                "{hue}"
            );
        }
    }

    #[test]
    fn every_power_that_is_named_is_off() {
        let (_, value) = &HEADERS[HEADERS.len() - 1];
        let named: Vec<&str> = value.to_str().unwrap().split(", ").collect();
        let mut sorted = named.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(named, sorted);
        for one in named {
            let name = one.strip_suffix("=()").unwrap_or_else(|| panic!("{one}"));
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{one}");
        }
    }
}
