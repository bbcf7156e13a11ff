//! Hints: a page that is looked at is told that something has changed, and looks for itself.
//!
//! A hint has no content: that something happened is all it tells, and only of what its hearer may
//! read. One look-out serves all who wait in an organization; it begins with the first of them and
//! ends after the last.

use std::{
    collections::{HashMap, hash_map::Entry as Held},
    convert::Infallible,
    hash::Hash,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    extract::State,
    http::StatusCode,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream;
use tokio::{
    sync::{Notify, broadcast, broadcast::error::RecvError, watch},
    time::Sleep,
};
use waypost_app::{
    CommandError, Desk,
    live::{Changed, Lookout, may_be_new},
    tickets::{self, Look, Place as PlaceInHistory, TicketRef},
};
use waypost_domain::ids::{OrgId, SignInId, TicketId};

use crate::{
    WebState,
    desk::queue::must_be_desk,
    error::PageError,
    form::Query,
    ticket::{Entry, history, is_longer_by},
    viewer::Viewer,
};

/// So many wait at the same time. Each holds a connection, of which a proxy has few; whoever finds
/// no place looks every half a minute.
const STREAMS: usize = 400;
/// So many of those that others leave no organization takes, or half of them where there are few:
/// there is a place for the next.
const RESERVE: usize = 40;
/// So many with one sign-in: as many windows are looked at.
const OF_A_SIGN_IN: usize = 4;
/// How often a look-out looks.
const PAUSE: Duration = Duration::from_secs(2);
/// How soon after the last time it looks at the earliest, however much is done here.
const BREATH: Duration = Duration::from_millis(500);
/// How long somebody waits before they are asked again who they are.
const LIFE: Duration = Duration::from_mins(10);
/// How soon a browser comes again after that, or after the server has gone away.
const AGAIN: Duration = Duration::from_secs(3);
/// Something is sent at least this often, so that nothing in between thinks the line dead.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// Who waits for hints, and who looks for them.
#[derive(Clone)]
pub(crate) struct Live(Arc<Inner>);

struct Inner {
    waiting: Mutex<Waiting>,
    over: watch::Sender<bool>,
}

#[derive(Default)]
struct Waiting {
    organizations: HashMap<OrgId, Watched>,
    sign_ins: HashMap<SignInId, usize>,
    /// How many places each organization has.
    places: HashMap<OrgId, usize>,
}

impl Waiting {
    /// Whether an organization may take one more place.
    fn has_place_for(&self, org: OrgId) -> bool {
        let taken: usize = self.places.values().sum();
        let own = self.places.get(&org).copied().unwrap_or(0);
        let left = STREAMS - (taken - own);
        taken < STREAMS && own < left.saturating_sub(RESERVE).max(left / 2).max(1)
    }
}

/// An organization in which somebody waits.
struct Watched {
    changes: broadcast::Sender<Arc<Changed>>,
    /// Something has changed here: its look-out need not wait.
    nudge: Arc<Notify>,
    /// When something changed last.
    latest: Option<DateTime<Utc>>,
}

/// An organization that is watched, until its look-out ends, however it does.
struct Watching {
    live: Live,
    org: OrgId,
    nudge: Arc<Notify>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut waiting = self.live.waiting();
        let of_this = waiting.organizations.get(&self.org).map(|watched| &watched.nudge);
        if of_this.is_some_and(|nudge| Arc::ptr_eq(nudge, &self.nudge)) {
            waiting.organizations.remove(&self.org);
        }
    }
}

/// A place among those who wait, until it is dropped.
struct Place {
    live: Live,
    of: SignInId,
    org: OrgId,
}

impl Default for Live {
    fn default() -> Self {
        Self(Arc::new(Inner { waiting: Mutex::default(), over: watch::Sender::new(false) }))
    }
}

impl Live {
    /// Lets everybody go who waits, and nobody wait any more.
    pub(crate) fn end(&self) {
        let _ = self.0.over.send(true);
    }

    /// Says that something may have changed in an organization.
    pub(crate) fn nudge(&self, org: OrgId) {
        if let Some(watched) = self.waiting().organizations.get(&org) {
            watched.nudge.notify_one();
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, of: SignInId, org: OrgId) -> Option<Place> {
        let mut waiting = self.waiting();
        let own = waiting.sign_ins.get(&of).copied().unwrap_or(0);
        if own >= OF_A_SIGN_IN || !waiting.has_place_for(org) {
            return None;
        }
        *waiting.sign_ins.entry(of).or_default() += 1;
        *waiting.places.entry(org).or_default() += 1;
        Some(Place { live: self.clone(), of, org })
    }

    /// What changes in an organization from now on, and when something did last.
    async fn changes(
        &self,
        desk: &Desk,
        viewer: &Viewer,
    ) -> Result<(broadcast::Receiver<Arc<Changed>>, Option<DateTime<Utc>>), PageError> {
        let org = viewer.caller().org;
        if let Some(watched) = self.waiting().organizations.get(&org) {
            return Ok((watched.changes.subscribe(), watched.latest));
        }
        let lookout = Lookout::begin(desk, org, viewer.caller().now).await?;
        let mut waiting = self.waiting();
        // Somebody else may have been as fast.
        if let Some(watched) = waiting.organizations.get(&org) {
            return Ok((watched.changes.subscribe(), watched.latest));
        }
        let latest = lookout.latest();
        let (changes, receiver) = broadcast::channel(16);
        let nudge = Arc::new(Notify::new());
        waiting.organizations.insert(org, Watched { changes, nudge: Arc::clone(&nudge), latest });
        drop(waiting);
        tokio::spawn(self.clone().look_out(desk.clone(), org, lookout, nudge));
        Ok((receiver, latest))
    }

    /// Looks, again and again, until nobody waits for it.
    async fn look_out(self, desk: Desk, org: OrgId, mut lookout: Lookout, nudge: Arc<Notify>) {
        let mut over = self.0.over.subscribe();
        let _watching = Watching { live: self.clone(), org, nudge: Arc::clone(&nudge) };
        loop {
            tokio::time::sleep(BREATH).await;
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = nudge.notified() => {}
                _ = over.wait_for(|is_over| *is_over) => return,
            }
            {
                // Whoever comes now finds it gone, and begins another.
                let mut waiting = self.waiting();
                let watched = waiting.organizations.get(&org);
                if watched.is_none_or(|watched| watched.changes.receiver_count() == 0) {
                    waiting.organizations.remove(&org);
                    return;
                }
            }
            let changed = match lookout.look(&desk).await {
                Ok(changed) => Arc::new(changed),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "what has changed could not be read");
                    continue;
                }
            };
            if *changed != Changed::Tickets(Vec::new())
                && let Some(watched) = self.waiting().organizations.get_mut(&org)
            {
                watched.latest = lookout.latest();
                // Nobody may be left to hear it.
                let _ = watched.changes.send(changed);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.live.waiting();
        lower(&mut waiting.sign_ins, self.of);
        lower(&mut waiting.places, self.org);
    }
}

fn lower<K: Eq + Hash>(counts: &mut HashMap<K, usize>, of: K) {
    if let Held::Occupied(mut count) = counts.entry(of) {
        *count.get_mut() -= 1;
        if *count.get() == 0 {
            count.remove();
        }
    }
}

/// What a page says when something has happened since it was shown, and how it learns of that.
#[derive(Debug, Clone)]
pub(crate) struct News {
    /// Where hints come from.
    pub(crate) live: String,
    /// The page as it is now, which says what is new since it was shown.
    pub(crate) look: String,
    /// What is new.
    pub(crate) said: Option<String>,
    /// The page with what is new on it.
    pub(crate) show: String,
    /// How long one waits after a hint: the more a page costs, the longer.
    pub(crate) wait_ms: u32,
}

impl News {
    /// Of the page of a ticket, `desk/tickets` or `my`. `seen` is what the viewer has seen of its
    /// history.
    pub(crate) fn of_ticket(
        viewer: &Viewer,
        page: &str,
        (number, version): (&str, i64),
        entries: &[Entry],
        seen: Option<&str>,
    ) -> Self {
        let t = &viewer.words.text;
        let show = viewer.at(&format!("{page}/{number}"));
        let count = seen.and_then(|seen| seen.parse().ok()).unwrap_or(entries.len());
        let new = entries.len().saturating_sub(count);
        // The latest come first.
        let me = viewer.caller().person();
        let of_others = |entry: &&Entry| entry.by.is_none() || entry.by != me;
        let said = entries.iter().take(new).find(of_others).map(|entry| match entry.who.as_str() {
            "" => t.news_ticket(),
            who => t.news_ticket_by(who),
        });
        let shown = entries.len();
        // What is internal changes the version as well.
        let known =
            if viewer.is_desk() { format!("version={version}") } else { format!("seen={shown}") };
        let live = viewer.at(&format!("live?ticket={number}&{known}"));
        Self { live, look: format!("{show}?seen={shown}"), said, show, wait_ms: 500 }
    }

    /// Of a list of the desk, such as `desk/queue/mine`. `now` stands for what is on it,
    /// `filter` is the rest of its address.
    pub(crate) fn of_list(
        viewer: &Viewer,
        list: &str,
        now: &str,
        filter: &str,
        seen: Option<&str>,
    ) -> Self {
        let show = format!("{}?{filter}", viewer.at(list));
        let said = seen.filter(|seen| *seen != now).map(|_| viewer.words.text.news_list());
        Self {
            live: viewer.at("live?of=list"),
            wait_ms: 2_000,
            look: format!("{show}seen={now}"),
            said,
            show: show.trim_end_matches(['?', '&']).to_owned(),
        }
    }
}

/// Hints for a page: about one ticket, or about all of the desk.
pub(crate) async fn hints(
    State(state): State<WebState>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let named = query.get("ticket").map(TicketRef::parse);
    if named.is_none() {
        must_be_desk(&viewer)?;
    }
    let live = &state.live;
    let place = live.place(viewer.who.sign_in, viewer.caller().org);
    let Some(place) = place.filter(|_| !*live.0.over.borrow()) else {
        return Ok(StatusCode::SERVICE_UNAVAILABLE.into_response());
    };
    let (changes, latest) = live.changes(&state.desk, &viewer).await?;
    // Whoever listens already misses nothing: what is there is looked at after that.
    let (mut about, mut reader) = (None, None);
    let is_stale = if let Some(named) = named {
        let mut look = Look::at(&state.desk, viewer.caller(), &named).await?;
        about = Some(look.ticket().id);
        if viewer.is_desk() {
            let seen = query.get("version").and_then(|version| version.parse().ok());
            seen.is_some_and(|seen: i64| seen != look.ticket().version)
        } else {
            let told = look.history().await?;
            let seen = query.get("seen").and_then(|seen| seen.parse::<usize>().ok());
            let now = history(&viewer, &told, false).len();
            let (desk, viewer) = (state.desk.clone(), viewer.clone());
            reader = Some(Reader { desk, viewer, named, place: told.end(), is_out: false });
            seen.is_some_and(|seen| seen != now)
        }
    } else {
        // How long ago the page was asked for: a browser's clock may be anything.
        let age = query.get("age").and_then(|age| age.parse::<u32>().ok());
        let seen = age.map(|age| viewer.caller().now - TimeDelta::milliseconds(age.into()));
        seen.is_some_and(|seen| may_be_new(latest, seen))
    };
    let until = Box::pin(tokio::time::sleep(LIFE));
    let over = live.0.over.subscribe();
    let waiter =
        Waiter { changes, about, reader, is_told: false, is_stale, over, until, _place: place };
    let hints = stream::unfold(waiter, async |mut waiter| {
        let event = waiter.next().await?;
        Some((Ok::<_, Infallible>(event), waiter))
    });
    let alive = KeepAlive::new().interval(HEARTBEAT);
    let unbuffered = [("x-accel-buffering", "no")];
    Ok((unbuffered, Sse::new(hints).keep_alive(alive)).into_response())
}

/// Somebody who waits for hints.
struct Waiter {
    changes: broadcast::Receiver<Arc<Changed>>,
    about: Option<TicketId>,
    /// Who hears only of what they can read of it; none where that is all.
    reader: Option<Reader>,
    /// Whether they were told when to come again.
    is_told: bool,
    /// Whether something has changed before they came.
    is_stale: bool,
    over: watch::Receiver<bool>,
    until: Pin<Box<Sleep>>,
    _place: Place,
}

impl Waiter {
    async fn next(&mut self) -> Option<Event> {
        if !self.is_told {
            self.is_told = true;
            return Some(Event::default().retry(AGAIN).comment("waiting"));
        }
        if std::mem::take(&mut self.is_stale) {
            return Some(Event::default().event("hint").data("look"));
        }
        if self.reader.as_ref().is_some_and(|reader| reader.is_out) {
            return None;
        }
        loop {
            let changed = tokio::select! {
                () = &mut self.until => return None,
                _ = self.over.wait_for(|is_over| *is_over) => return None,
                changed = self.changes.recv() => changed,
            };
            let concerns = match changed {
                Ok(changed) => concerns(self.about, &changed),
                // Whoever has missed some looks as well.
                Err(RecvError::Lagged(_)) => true,
                Err(RecvError::Closed) => return None,
            };
            let is_read = match &mut self.reader {
                Some(reader) if concerns => reader.has_news().await,
                Some(_) | None => true,
            };
            if concerns && is_read {
                return Some(Event::default().event("hint").data("look"));
            }
        }
    }
}

/// Somebody who is not of the desk, and a ticket of which they read a part.
struct Reader {
    desk: Desk,
    viewer: Viewer,
    named: TicketRef,
    /// How far they have read.
    place: PlaceInHistory,
    /// Whether they may not see the ticket any more.
    is_out: bool,
}

impl Reader {
    /// Whether something is there to be read since the last look. Where that can't be found out, or
    /// they may not see the ticket any more, they look for themselves.
    async fn has_news(&mut self) -> bool {
        let caller = self.viewer.caller();
        match tickets::added_since(&self.desk, caller, &self.named, self.place).await {
            Ok(added) => {
                self.place = added.end;
                is_longer_by(&added)
            }
            Err(CommandError::NotFound(_) | CommandError::Forbidden(_)) => {
                self.is_out = true;
                true
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "what is new to somebody could not be read");
                true
            }
        }
    }
}

fn concerns(about: Option<TicketId>, changed: &Changed) -> bool {
    match (about, changed) {
        (Some(ticket), Changed::Tickets(changed)) => changed.contains(&ticket),
        (None, _) | (_, Changed::Many) => true,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_sign_in_has_so_many_places_and_gets_them_back() {
        let (live, acme) = (Live::default(), OrgId(Uuid::from_u128(7)));
        let one = SignInId(Uuid::from_u128(1));
        let place = |of| live.place(of, acme);
        let mut places: Vec<_> = (0..OF_A_SIGN_IN).map(|_| place(one).unwrap()).collect();
        assert!(place(one).is_none());
        assert!(place(SignInId(Uuid::from_u128(2))).is_some());
        places.pop();
        assert!(place(one).is_some());
        places.clear();
        assert!(live.waiting().sign_ins.is_empty() && live.waiting().places.is_empty());
    }

    #[test]
    fn no_organization_takes_the_places_of_all_others() {
        let live = Live::default();
        let mut next = 0;
        // As many as it gets, each with a sign-in of its own.
        let mut all_of = |org: u128| {
            let place = || {
                next += 1;
                live.place(SignInId(Uuid::from_u128(next)), OrgId(Uuid::from_u128(org)))
            };
            std::iter::from_fn(place).collect::<Vec<_>>()
        };
        let first = all_of(1);
        let (second, third) = (all_of(2), all_of(3));
        assert_eq!((first.len(), second.len(), third.len()), (360, 20, 10));
        assert!(all_of(1).is_empty(), "it has its share");
        let others: Vec<_> = (4..1_000).map(&mut all_of).collect();
        let held = first.len() + second.len() + third.len();
        let last: usize = others.iter().map(Vec::len).sum();
        assert_eq!(held + last, STREAMS, "and every place is used");
        drop((first, second, third));
        assert!(!all_of(1_000).is_empty());
    }

    #[test]
    fn whoever_looks_at_a_ticket_is_told_of_that_one_only() {
        let (one, other) = (TicketId(Uuid::from_u128(1)), TicketId(Uuid::from_u128(2)));
        let changed = Changed::Tickets(vec![one]);
        assert!(concerns(Some(one), &changed));
        assert!(!concerns(Some(other), &changed));
        assert!(concerns(None, &changed));
        assert!(concerns(Some(other), &Changed::Many));
    }
}
