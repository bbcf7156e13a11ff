//! Pages: HTML over HTTP, for people with a trouble or a wish, and for the people of the desk.
//!
//! Every address is a whole page, every change is a form, and both work without scripts. A page
//! offers the actions that the desk says are possible, and repeats no rule of its own. No word,
//! time or number is formatted outside the viewer's language and zone.
//!
//! ```text
//! accompany *    the request's id, span, log line
//!   dressed        errors become pages, pages get an entity tag
//!     panic *        a panic becomes an error
//!       csrf           a change that another site asks for is refused
//!         deadline *     a time limit
//!           signed_in      who asks, from the browser's sign-in
//!             body, turn *   bounded, in fair shares
//!               handler
//! ```
//!
//! What is marked is the edge's.

mod accessibility;
mod acquainted;
mod acting;
mod again;
mod assets;
mod choices;
mod desk;
mod dressed;
mod error;
mod form;
mod later;
mod live;
mod looks;
mod me;
mod once;
mod page;
mod password;
mod people;
mod portal;
mod routes;
mod sign_in;
mod site;
mod text;
mod ticket;
mod time;
mod viewer;
mod vote_link;
mod words;

use std::sync::{Arc, atomic::AtomicBool};

use tokio::sync::Semaphore;
use waypost_app::Desk;
use waypost_edge::{Attempts, Edge};

use acquainted::Acquainted;
use later::TaskTracker;

pub use password::letter_of_removal;
pub use routes::{ROUTES, router};
pub use site::{InvalidSite, Site};

/// How many pages are made at the same time for people whom nobody knows.
const STRANGERS: usize = 16;
/// How many pages are made at the same time for people who follow a link to vote with.
const BY_LINK: usize = 8;

/// What every page works with.
#[derive(Clone)]
pub struct WebState {
    /// The use cases.
    pub(crate) desk: Desk,
    /// What the front ends share.
    pub(crate) edge: Edge,
    /// Where people reach the pages.
    pub(crate) site: Site,
    /// Addresses that ask for links.
    pub(crate) asked: Arc<Attempts>,
    /// Addresses that try passwords. Whoever tried too many can still ask for a link.
    pub(crate) tried: Arc<Attempts>,
    /// Turns of those whom nobody knows: their pages ask the database, too.
    pub(crate) strangers: Arc<Semaphore>,
    /// Turns of those who come by a link to vote with: others who want to sign in take none.
    pub(crate) by_link: Arc<Semaphore>,
    /// Whether it is known that there are people.
    pub(crate) is_peopled: Arc<AtomicBool>,
    /// Secrets that were good lately, and the places of those who show others.
    pub(crate) acquainted: Arc<Acquainted>,
    /// Who waits for hints.
    pub(crate) live: live::Live,
    /// What is done after its answer was given.
    later: TaskTracker,
}

impl WebState {
    /// The state of pages that are reached at a site.
    #[must_use]
    pub fn new(desk: Desk, edge: Edge, site: Site) -> Self {
        // 30 in a quarter of an hour.
        let few = || Arc::new(Attempts::of(30.0, 30.0 / 900.0));
        Self {
            desk,
            edge,
            site,
            asked: few(),
            tried: few(),
            strangers: Arc::new(Semaphore::new(STRANGERS)),
            by_link: Arc::new(Semaphore::new(BY_LINK)),
            is_peopled: Arc::default(),
            acquainted: Arc::default(),
            live: live::Live::default(),
            later: TaskTracker::default(),
        }
    }

    /// Lets everybody go who waits for hints: the server is about to stop.
    pub fn end_hints(&self) {
        self.live.end();
    }

    /// Waits until everything is done whose answer was given before.
    pub async fn settled(&self) {
        self.later.settled().await;
    }
}
