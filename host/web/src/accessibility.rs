//! What the pages do for everybody to be able to use them, and where to complain.

use askama::Template;
use axum::{extract::State, http::HeaderMap, response::Response};

use crate::{
    WebState,
    page::{Page, show as show_page},
    viewer::accepted,
};

#[derive(Template)]
#[template(path = "accessibility.html")]
struct AccessibilityPage {
    p: Page,
    about: Vec<String>,
}

pub(crate) async fn show(State(_): State<WebState>, headers: HeaderMap) -> Response {
    let words = accepted(&headers);
    let t = &words.text;
    let about = vec![
        t.accessibility_goal(),
        t.accessibility_scripts(),
        t.accessibility_keys(),
        t.accessibility_looks(),
        t.accessibility_tested(),
        t.accessibility_tables(),
        t.accessibility_complain(),
    ];
    let p = Page::of_stranger(words, t.accessibility_title());
    show_page(&AccessibilityPage { p, about })
}
