//! The organizations in which somebody of a desk may work, and the way from one to the next.

use askama::Template;
use axum::{extract::State, response::Response};
use waypost_app::organizations;

use crate::{
    WebState,
    error::PageError,
    page::{Page, hue, show as show_page},
    viewer::Viewer,
};

#[derive(Template)]
#[template(path = "desk/organizations.html")]
struct OrganizationsPage {
    p: Page,
    places: Vec<Place>,
    has_more: bool,
}

/// An organization to go to.
struct Place {
    name: String,
    hue: u32,
    href: String,
    is_here: bool,
}

/// Shows where the viewer may work.
pub(crate) async fn show(
    State(state): State<WebState>,
    viewer: Viewer,
) -> Result<Response, PageError> {
    let found = organizations::places(&state.desk, &viewer.who).await?;
    let places = found.listed.into_iter().map(|one| Place {
        hue: hue(&one.key),
        href: format!("/o/{}/desk/queue/all", one.key),
        is_here: one.key == viewer.who.organization.key,
        name: one.name,
    });
    let title = viewer.words.text.organizations_title();
    Ok(show_page(&OrganizationsPage {
        p: Page::of_desk(&viewer, title),
        places: places.collect(),
        has_more: found.has_more,
    }))
}
