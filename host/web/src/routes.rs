//! All routes of the pages, with what surrounds them.

use std::time::Duration;

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer, csrf::CsrfLayer};
use waypost_edge::{
    Accompanying, Limits, RequestContext, accompany, bounded_body, deadline, in_turn, on_panic,
};

use crate::{
    WebState, accessibility, again, assets, desk,
    dressed::dressed,
    live, looks, me, page, password, portal, sign_in,
    viewer::{from_here, signed_in},
    vote_link,
};

/// A page that nobody is known on and that takes longer is a failed one.
const PUBLIC_TIMEOUT: Duration = Duration::from_secs(10);
/// Forms hold texts, and no more.
const FORM_LIMIT: usize = 512 * 1024;
/// An address, and where to go on.
const STRANGERS_LIMIT: usize = 8 * 1024;
/// A vote with its comment, each character of which may be written as nine or twelve.
const VOTE_LIMIT: usize = 32 * 1024;

/// Makes the parts of the router, and the list of all their addresses: none can be forgotten.
macro_rules! routes {
    ($($(#[$about:meta])* $part:ident { $($address:literal => $methods:expr,)* })*) => {
        /// The addresses of all pages, as the router knows them.
        pub const ROUTES: &[&str] = &[$($($address,)*)*];

        $($(#[$about])*
        fn $part() -> Router<WebState> {
            Router::new()$(.route($address, $methods))*
        })*
    };
}

routes! {
    /// For whoever comes, whom nobody knows.
    for_strangers {
        "/" => get(sign_in::start),
        "/accessibility" => get(accessibility::show),
        "/sign-in" => get(sign_in::show).post(sign_in::ask),
        "/sign-in/link/{secret}" => get(sign_in::link).post(sign_in::follow),
        "/setup/{secret}" => get(sign_in::setup).post(sign_in::set_up),
        "/voted" => get(vote_link::voted),
        "/sign-out" => post(sign_in::out),
        "/assets/{name}" => get(assets::serve),
    }

    /// For whoever follows a link to vote with.
    for_voters {
        "/s/{secret}" => get(vote_link::show).post(vote_link::vote),
    }

    /// For whoever is signed in.
    for_known {
        "/o/{org}" => get(portal::home::lead),
        "/o/{org}/tickets/{number}" => get(portal::home::lead_to_ticket),
        "/o/{org}/home" => get(portal::home::show),
        "/o/{org}/search" => get(portal::home::search),
        "/o/{org}/report" => get(portal::report::show).post(portal::report::send),
        "/o/{org}/catalog" => get(portal::catalog::list),
        "/o/{org}/catalog/{item}" => get(portal::catalog::show).post(portal::catalog::order),
        "/o/{org}/basket" => get(portal::basket::show).post(portal::basket::send),
        "/o/{org}/my" => get(portal::my::list),
        "/o/{org}/my/{number}" => get(portal::my::show),
        "/o/{org}/my/{number}/do/{action}" => get(portal::my::ask).post(portal::my::act),
        "/o/{org}/approvals" => get(portal::approvals::list),
        "/o/{org}/approvals/{request}" =>
            get(portal::approvals::show).post(portal::approvals::vote),
        "/o/{org}/me" => get(me::show).post(me::prefer),
        "/o/{org}/me/looks" => post(looks::set),
        "/o/{org}/me/again" => get(again::show).post(again::prove),
        "/o/{org}/me/password" => get(password::show).post(password::set),
        "/o/{org}/me/password/remove" => post(password::remove),
        "/o/{org}/me/devices/{id}/end" => post(me::end_device),
        "/o/{org}/me/devices/end-others" => post(me::end_others),
        "/o/{org}/me/delegations" => post(me::delegate),
        "/o/{org}/me/delegations/{id}/end" => post(me::end_delegation),
        "/o/{org}/accessibility" => get(accessibility::show_known),
        "/o/{org}/live" => get(live::hints),
        "/o/{org}/desk" => get(desk::queue::lead),
        "/o/{org}/desk/queue" => get(desk::queue::lead),
        "/o/{org}/desk/queue/{view}" => get(desk::queue::show),
        "/o/{org}/desk/views" => post(desk::queue::save),
        "/o/{org}/desk/views/{id}/remove" => post(desk::queue::remove),
        "/o/{org}/desk/problems" => get(desk::lists::problems),
        "/o/{org}/desk/tasks" => get(desk::lists::tasks),
        "/o/{org}/desk/major/{number}" => get(desk::major::show),
        "/o/{org}/desk/search" => get(desk::lists::search),
        "/o/{org}/desk/organizations" => get(desk::organizations::show),
        "/o/{org}/desk/bulk" => get(desk::bulk::show).post(desk::bulk::act),
        "/o/{org}/desk/new" => get(desk::new::lead),
        "/o/{org}/desk/new/{kind}" => get(desk::new::show).post(desk::new::open),
        "/o/{org}/desk/tickets/{number}" => get(desk::tickets::show),
        "/o/{org}/desk/tickets/{number}/what-if" => get(desk::what_if::show),
        "/o/{org}/desk/tickets/{number}/tasks/new" => get(desk::task::ask).post(desk::task::add),
        "/o/{org}/desk/tickets/{number}/do/{action}" =>
            get(desk::doing::ask).post(desk::doing::act),
    }
}

/// All pages, ready to be served.
///
/// # Panics
/// Never: a [`Site`](crate::Site) is an origin that browsers can send.
pub fn router(state: WebState) -> Router {
    let csrf = CsrfLayer::new()
        .add_trusted_origin(state.site.url())
        .expect("a site is a scheme and a host");
    let with = Accompanying { edge: state.edge.clone(), complete, headers: &page::HEADERS };
    let public = for_strangers()
        .route_layer(from_fn_with_state(state.clone(), among_strangers))
        .route_layer(from_fn_with_state(limits(&state, STRANGERS_LIMIT), bounded_body))
        .route_layer(from_fn_with_state(PUBLIC_TIMEOUT, deadline));
    // Policies are asked about a vote, so it takes as long as any other change.
    let by_link = for_voters()
        .route_layer(from_fn(vote_link::not_stored))
        .route_layer(from_fn_with_state(state.clone(), among_voters))
        .route_layer(from_fn_with_state(limits(&state, VOTE_LIMIT), bounded_body))
        .route_layer(from_fn_with_state(state.edge.options.request_timeout, deadline));
    let limits = limits(&state, FORM_LIMIT);
    let known = for_known()
        .route_layer(from_fn_with_state(limits.clone(), in_turn))
        .route_layer(from_fn_with_state(limits, bounded_body))
        .route_layer(from_fn_with_state(state.clone(), signed_in))
        .route_layer(from_fn_with_state(state.edge.options.request_timeout, deadline));
    public
        .merge(by_link)
        .merge(known)
        .layer(from_fn_with_state(state.clone(), from_here))
        .layer(csrf)
        .layer(CatchPanicLayer::custom(on_panic))
        .layer(from_fn_with_state(state.clone(), dressed))
        .layer(CompressionLayer::new().gzip(true))
        .layer(from_fn_with_state(with, accompany))
        .with_state(state)
}

/// Waits for a turn of those whom nobody knows. Files need none: they ask no database.
async fn among_strangers(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let is_file = request.uri().path().starts_with("/assets/");
    // Nobody closes it.
    let turn = if is_file { None } else { state.strangers.acquire().await.ok() };
    let response = next.run(request).await;
    drop(turn);
    response
}

/// Waits for a turn of those who come by a link to vote with.
async fn among_voters(State(state): State<WebState>, request: Request, next: Next) -> Response {
    // Nobody closes it.
    let turn = state.by_link.acquire().await.ok();
    let response = next.run(request).await;
    drop(turn);
    response
}

fn limits(state: &WebState, most: usize) -> Limits {
    let (options, places) = (&state.edge.options, &state.edge.places);
    Limits {
        body: options.body_limit.min(most),
        bodies: places.bodies.clone(),
        turns: places.turns.clone(),
        slow_turns: None,
    }
}

/// What was refused before anything could make a page of it is said in one line.
fn complete(_: &RequestContext, response: Response) -> Response {
    let status = response.status();
    let is_bare = response.extensions().get::<waypost_edge::Refused>().is_some();
    if !is_bare {
        return response;
    }
    let reason = status.canonical_reason().unwrap_or("Error");
    let status = StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::BAD_REQUEST);
    (status, reason).into_response()
}
