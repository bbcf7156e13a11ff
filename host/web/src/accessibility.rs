//! What the pages do for everybody to be able to use them, and where to complain.

use askama::Template;
use axum::{http::HeaderMap, response::Response};

use crate::{
    page::{Page, show as show_page},
    viewer::{Viewer, accepted},
    words::Words,
};

#[derive(Template)]
#[template(path = "accessibility.html")]
struct AccessibilityPage {
    p: Page,
    about: Vec<String>,
}

/// Shows it to whoever comes, in the language of their browser.
pub(crate) async fn show(headers: HeaderMap) -> Response {
    let words = accepted(&headers);
    let p = Page::of_stranger(words, words.text.accessibility_title());
    show_page(&AccessibilityPage { p, about: about(words) })
}

/// Shows it to somebody who is signed in, in their own, with the way back to where they were.
pub(crate) async fn show_known(viewer: Viewer) -> Response {
    let words = viewer.words;
    let p = Page::of_portal(&viewer, words.text.accessibility_title());
    show_page(&AccessibilityPage { p, about: about(words) })
}

fn about(words: &Words) -> Vec<String> {
    let t = &words.text;
    vec![
        t.accessibility_goal(),
        t.accessibility_scripts(),
        t.accessibility_keys(),
        t.accessibility_looks(),
        t.accessibility_tested(),
        t.accessibility_tables(),
        t.accessibility_complain(),
    ]
}
