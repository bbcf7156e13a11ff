//! Lets imported tickets have had a life: agents take most of them, and bring all but the latest to
//! their end. Nobody is told, and no policy is asked.
//!
//! It acts as the desk does, by the rules of the domain, so that every ticket has its history.
//! Stopped and started again, it goes on.
//!
//! Usage: `age_tickets URL ORGANIZATION COUNT`: so many tickets were imported, whose external ids
//! end with their numbers, from zero up.

use std::collections::BTreeMap;

use sqlx::error::BoxDynError;
use uuid::Uuid;
use waypost_domain::{
    catalog::Category,
    ci::Ci,
    directory::Lookup,
    event::{Actor, ActorKind, Event},
    ids::{EventId, PersonId, TeamId},
    service::Service,
    team::Team,
    ticket::{Action, Beside, Given, State, Ticket, TicketKind, Turn, Value},
};
use waypost_store::{
    Store, StoreOptions, WriteTx,
    directory::{self, Directory},
    event, organization,
    ticket::{self, TicketCursor, TicketFilter, TicketSort},
};

/// How many tickets one transaction changes.
const BATCH: u32 = 500;
/// How often it says how far it is.
const TOLD: usize = 50_000;

/// How far a ticket has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    /// Nobody has taken it.
    New,
    InProgress,
    /// It waits for its requester, or for a vendor.
    OnHold,
    /// Done, and its requester may object.
    Done,
    Closed,
}

impl Life {
    /// Of a ticket at a place among all: two in a hundred are not done, most of them of the latest,
    /// one more waits for its requester's word.
    fn of(place: usize, all: usize) -> Self {
        let late = place * 1_000 / all.max(1);
        match (place % 4, place % 200 == 7 || late >= 985) {
            (0, true) => Self::New,
            (1, true) => Self::OnHold,
            (_, true) => Self::InProgress,
            (_, false) if late >= 975 => Self::Done,
            (_, false) => Self::Closed,
        }
    }
}

/// The directory, as rules look things up in it.
struct Around(Directory);

impl Lookup for Around {
    fn teams(&self) -> &[Team] {
        &self.0.teams
    }

    fn services(&self) -> &[Service] {
        &self.0.services
    }

    fn cis(&self) -> &[Ci] {
        // No action here names one.
        &[]
    }

    fn categories(&self) -> &[Category] {
        &self.0.categories
    }
}

/// Tickets that have a life.
struct Ageing {
    around: Around,
    members: BTreeMap<TeamId, Vec<PersonId>>,
    all: usize,
}

impl Ageing {
    /// Takes the actions of a ticket's life so far. Returns its new events, none if nobody has
    /// taken it.
    async fn age(&self, tx: &mut WriteTx, one: &mut Ticket) -> Result<Vec<Event>, BoxDynError> {
        let place = place_of(one).ok_or_else(|| format!("{} is not of the import", one.number))?;
        let life = Life::of(place, self.all);
        let members = self.members.get(&one.team);
        let member = members.and_then(|all| all.get(place % all.len().max(1)).copied());
        // Policies may have assigned it; then nobody has begun.
        let is_untouched = one.assignee.is_none() || one.state() == State::New;
        let (Some(worker), true) = (one.assignee.or(member), life != Life::New && is_untouched)
        else {
            return Ok(Vec::new());
        };
        let actor = Actor { kind: ActorKind::User, person: Some(worker) };
        let mut events: Vec<Event> = Vec::new();
        let mut seq = event::last_seq(tx, one.id.into()).await?;
        for (action, given) in actions(life, one, worker, place) {
            seq += 1;
            // Some seconds after what was before: when it was imported, mostly.
            let at = one.updated_at + chrono::TimeDelta::seconds(1);
            let mut beside = Beside::default();
            let settings = &self.around.0.org.settings;
            let mut turn = Turn::new(&given, &actor, at, settings, &self.around, &mut beside);
            let done = one.perform(action, &mut turn)?;
            events.push(Event {
                id: EventId(id_of(one.id.0, seq)),
                subject: one.id.into(),
                seq,
                at,
                actor: actor.clone(),
                cause: None,
                action,
                changes: done.changes,
                policy_digest: None,
                reason: done.reason,
            });
        }
        Ok(events)
    }
}

/// What an agent does with a ticket, up to where it stands in its life.
fn actions(life: Life, one: &Ticket, worker: PersonId, place: usize) -> Vec<(Action, Given)> {
    let text = |text: &str| Value::Text(text.to_owned());
    let given = Given::default;
    let owner = given().with("team", Value::Team(one.team)).with("assignee", Value::Person(worker));
    let mut all = Vec::new();
    if one.assignee.is_none() {
        all.push((Action::Assign, owner));
    }
    let is_request = one.kind() == TicketKind::Request;
    match life {
        Life::New => {}
        // A request is in fulfilment once nobody has to approve it.
        Life::InProgress if is_request => {}
        Life::InProgress => all.push((Action::Start, given())),
        Life::OnHold if place.is_multiple_of(3) => {
            let why = given().with("awaiting", text("vendor")).with("vendor", text("Dell"));
            all.push((Action::Hold, why));
        }
        Life::OnHold => {
            let why = given().with("awaiting", text("caller"));
            all.push((Action::Hold, why.with("comment", text("Which one is it?"))));
        }
        Life::Done | Life::Closed => {
            let (action, code, notes, how) = if is_request {
                (Action::Fulfill, "fulfillment_code", "fulfillment_notes", "complete")
            } else {
                (Action::Resolve, "resolution_code", "resolution_notes", "fixed")
            };
            let outcome = given().with(code, text(how));
            all.push((action, outcome.with(notes, text("It works again, says who asked."))));
        }
    }
    if life == Life::Closed {
        all.push((Action::Close, given()));
    }
    all
}

/// The number at the end of the id that it came with.
fn place_of(one: &Ticket) -> Option<usize> {
    let id = &one.external_ref.as_ref()?.id;
    id.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// An id that no other event has: its ticket's, but for the number in its last bits.
fn id_of(ticket: Uuid, seq: i64) -> Uuid {
    Uuid::from_u128(ticket.as_u128() ^ u128::from(seq.unsigned_abs()))
}

#[tokio::main]
async fn main() -> Result<(), BoxDynError> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [url, org, all] = words.as_slice() else {
        return Err("usage: age_tickets URL ORGANIZATION COUNT".into());
    };
    let options = StoreOptions { create: false, ..StoreOptions::default() };
    let store = Store::connect(url, &options).await?;
    let found = organization::find_by_key(&mut store.system_read().await?, org).await?;
    let org = found.ok_or_else(|| format!("there is no organization {org}"))?.id;
    let around = Around(directory::load(&mut store.read(org).await?).await?);
    let teams = around.0.teams.iter();
    let members = teams.map(|team| (team.id, team.members.iter().copied().collect())).collect();
    let ageing = Ageing { around, members, all: all.parse()? };

    let filter = TicketFilter { active: Some(true), ..TicketFilter::default() };
    let (mut after, mut seen) = (None, 0);
    loop {
        let mut tx = store.write(org).await?;
        let page =
            ticket::list(&mut tx, &filter, TicketSort::Opened, after.as_ref(), BATCH).await?;
        let Some(last) = page.last() else { break };
        after = Some(TicketCursor::of(last, TicketSort::Opened));
        let told = seen / TOLD;
        seen += page.len();
        let mut events = Vec::new();
        for mut one in page {
            let new = ageing.age(&mut tx, &mut one).await?;
            if !new.is_empty() {
                ticket::update(&mut tx, &mut one).await?;
                events.extend(new);
            }
        }
        event::append_many(&mut tx, &events).await?;
        tx.commit().await?;
        if seen / TOLD > told {
            eprintln!("{seen} tickets");
        }
    }
    store.close().await;
    Ok(())
}
