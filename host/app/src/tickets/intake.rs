//! Tickets of one organization that come in at the same time are decided on together: their facts
//! are read once, after all of them have arrived, and one commit keeps them.
//!
//! Nobody waits for company. A ticket that meets none under way is begun at once, with those that
//! come until its transaction reads; those that come later are the next batch. As soon as that is
//! full, it is begun beside the first one. A smaller one waits: most of its trips are the same
//! however many tickets it has.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{runtime::Handle, sync::oneshot, time::timeout};
use tracing::{Instrument, Span};
use waypost_domain::{ids::OrgId, ticket::TicketKind};
use waypost_store::{Committed, ReadTx, StoreError, ticket};

use super::{
    OpenTicket, PersonRef, TicketView,
    decide::TicketDraft,
    facts::Facts,
    given::LookUps,
    open::{decide_on, kind_of, open_alone, origin},
    scene::Scene,
};
use crate::{Caller, CommandError, Desk};

/// How many tickets are decided on together at most.
const MOST: usize = 16;
/// How long a batch may take: longer than any request. A connection may hang without being broken,
/// and others of the organization wait.
const LONGEST: Duration = Duration::from_mins(1);
/// How many batches of an organization are under way at most.
const BATCHES: usize = 2;

/// Where new tickets wait, by organization.
#[derive(Default)]
pub(crate) struct Intake {
    lines: Mutex<HashMap<OrgId, Line>>,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Coming>,
    under_way: usize,
}

/// A ticket that comes in.
struct Coming {
    caller: Caller,
    command: OpenTicket,
    /// Where what happens to it is logged.
    span: Span,
    tell: oneshot::Sender<Result<TicketView, CommandError>>,
}

impl Coming {
    /// Tells its sender. One who has gone away hears nothing; the ticket is there all the same.
    fn answer(self, told: Result<TicketView, CommandError>) {
        let _: Result<(), _> = self.tell.send(told);
    }
}

/// Opens a ticket, together with those that come in at the same time.
pub(super) async fn open(
    desk: &Desk,
    caller: &Caller,
    command: OpenTicket,
) -> Result<TicketView, CommandError> {
    let (tell, told) = oneshot::channel();
    let coming = Coming { caller: caller.clone(), command, span: Span::current(), tell };
    if desk.intake.join(caller.org, coming) {
        // A task of its own: whoever goes away takes nobody else's ticket along.
        tokio::spawn(work(desk.clone(), caller.org));
    }
    told.await.unwrap_or_else(|lost| Err(CommandError::Internal(Box::new(lost))))
}

impl Intake {
    fn lines(&self) -> MutexGuard<'_, HashMap<OrgId, Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a ticket wait. Answers whether whoever asks has to see to it.
    fn join(&self, org: OrgId, coming: Coming) -> bool {
        let mut lines = self.lines();
        let line = lines.entry(org).or_default();
        line.waiting.push_back(coming);
        line.begin()
    }

    /// The next batch of an organization. Whoever has gone away wants no ticket any more, or comes
    /// again.
    fn next(&self, org: OrgId) -> Vec<Coming> {
        let mut lines = self.lines();
        let Some(line) = lines.get_mut(&org) else { return Vec::new() };
        line.waiting.retain(|one| !one.tell.is_closed());
        let many = line.waiting.len().min(MOST);
        line.waiting.drain(..many).collect()
    }

    /// Notes that a batch is over. Answers whether another one has to be begun in its place.
    fn leave(&self, org: OrgId) -> bool {
        let mut lines = self.lines();
        let Some(line) = lines.get_mut(&org) else { return false };
        line.under_way -= 1;
        let begins = line.begin();
        if line.under_way == 0 {
            lines.remove(&org);
        }
        begins
    }
}

impl Line {
    /// Takes a place for the next batch, if it is to be begun now.
    fn begin(&mut self) -> bool {
        let begins = match self.under_way {
            0 => !self.waiting.is_empty(),
            under_way => under_way < BATCHES && self.waiting.len() >= MOST,
        };
        self.under_way += usize::from(begins);
        begins
    }
}

/// Opens what waits now; what comes in meanwhile is the next batch.
async fn work(desk: Desk, org: OrgId) {
    let place = Place { desk: desk.clone(), org };
    // It sees what was there when it reads first, so whoever comes until then is in time.
    let begun = desk.store.read(org).await;
    let batch = desk.intake.next(org);
    let span = tracing::info_span!("intake", org.id = %org, tickets = batch.len());
    let opened = Box::pin(open_batch(&desk, batch, begun)).instrument(span);
    // Given up, those of its senders that still wait hear that it failed.
    let alone = timeout(LONGEST, opened).await.unwrap_or_default();
    // The next batch does not wait for them.
    drop(place);
    for one in alone.into_iter().filter(|one| !one.tell.is_closed()) {
        tokio::spawn(open_one(desk.clone(), one, None));
    }
}

/// Opens a ticket by itself, and tells its sender.
async fn open_one(desk: Desk, one: Coming, begun: Option<ReadTx>) {
    let span = one.span.clone();
    let opened = Box::pin(open_alone(&desk, &one.caller, &one.command, begun));
    let told = opened.instrument(span).await;
    one.answer(told);
}

/// A place among the batches under way. Given back however the batch ends.
struct Place {
    desk: Desk,
    org: OrgId,
}

impl Drop for Place {
    fn drop(&mut self) {
        // Without a runtime the process is ending, and nobody waits any more.
        if self.desk.intake.leave(self.org)
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(work(self.desk.clone(), self.org));
        }
    }
}

/// Opens a batch, and returns those that have to be opened by themselves. One of a single ticket is
/// as if there was no batch.
async fn open_batch(
    desk: &Desk,
    mut batch: Vec<Coming>,
    begun: Result<ReadTx, StoreError>,
) -> Vec<Coming> {
    let begun = match begun {
        Ok(begun) => begun,
        Err(error) => return unless_known(batch, &error.into()),
    };
    let mut alone = Vec::new();
    if batch.len() > 1 {
        // All are of one moment: that at which their facts are read.
        if let Some(now) = batch.iter().map(|one| one.caller.now).max() {
            for one in &mut batch {
                one.caller.now = now;
            }
        }
        let mut origins = HashSet::new();
        let repeats = |one: &mut Coming| {
            origin(&one.command).is_some_and(|origin| !origins.insert(origin))
                || kind_of(&one.command) == TicketKind::Task
        };
        alone = batch.extract_if(.., repeats).collect();
    }
    if batch.len() > 1 {
        alone.extend(Box::pin(open_together(desk, batch, begun)).await);
    } else if let Some(one) = batch.pop() {
        open_one(desk.clone(), one, Some(begun)).await;
    }
    alone
}

/// Opens tickets in one commit, and returns those that have to be opened by themselves: they are
/// there already, or something stands against all of them together.
async fn open_together(desk: &Desk, batch: Vec<Coming>, begun: ReadTx) -> Vec<Coming> {
    let (mut deciding, mut alone) = (Vec::new(), Vec::new());
    let drafted = match draft_all(desk, &batch, begun).await {
        Ok(drafted) => drafted,
        Err(error) => return unless_known(batch, &error),
    };
    let Drafted { facts, drafts } = drafted;
    let Some(first) = batch.first().map(|one| one.caller.clone()) else { return alone };
    let mut scene = Scene::new(desk, &first, facts);
    for (one, draft) in batch.into_iter().zip(drafts) {
        match draft {
            Some(draft) => {
                deciding.push((one, draft.write.ticket.id));
                scene.drafts.push(draft);
            }
            None => alone.push(one),
        }
    }
    if deciding.is_empty() {
        return alone;
    }
    let callers: Vec<&Caller> = deciding.iter().map(|(one, _)| &one.caller).collect();
    let opened = Box::pin(finish(scene, &callers)).await;
    match opened {
        Ok(views) => {
            let mut views: HashMap<_, _> =
                views.into_iter().map(|view| (view.ticket.id, view)).collect();
            for (one, id) in deciding {
                one.answer(Ok(views.remove(&id).expect("each draft is a ticket that was written")));
            }
        }
        Err(error) => {
            let batch: Vec<Coming> = deciding.into_iter().map(|(one, _)| one).collect();
            let may_be_kept = batch.iter().any(|one| one.caller.commit.read() != Committed::No);
            if may_be_kept {
                // Opening them once more could make two of each.
                for one in batch {
                    one.answer(Err(same(&error)));
                }
            } else {
                alone.extend(unless_known(batch, &error));
            }
        }
    }
    alone
}

/// What became of the tickets of a batch before policies were asked.
struct Drafted {
    facts: Facts,
    /// In the order of the batch; nothing where the external reference is known, or something is
    /// wrong: by itself, each hears what, and a statement that failed harms its own sender only.
    drafts: Vec<Option<TicketDraft>>,
}

async fn draft_all(desk: &Desk, batch: &[Coming], begun: ReadTx) -> Result<Drafted, CommandError> {
    let Some(first) = batch.first() else { return Err(CommandError::Busy) };
    let (mut tx, facts) = Facts::open_in(desk, &first.caller, Some(begun)).await?;
    let mut ids: HashMap<String, Vec<String>> = HashMap::new();
    for origin in batch.iter().filter_map(|one| origin(&one.command)) {
        ids.entry(origin.source).or_default().push(origin.id);
    }
    let mut known = HashSet::new();
    for (source, ids) in ids {
        let found = ticket::known_external_ids(&mut tx, &source, &ids).await?;
        known.extend(found.into_iter().map(|one| (source.clone(), one.external_id)));
    }
    let requesters = batch.iter().filter_map(|one| {
        let named = one.command.fields.get("requester").filter(|json| !json.is_null());
        match named {
            Some(json) => json.as_str().map(PersonRef::parse),
            None => one.caller.person().map(PersonRef::Id),
        }
    });
    let mut look_ups = LookUps::default();
    look_ups.look_ahead(&mut tx, &requesters.collect::<Vec<_>>()).await?;
    let mut drafts = Vec::with_capacity(batch.len());
    for Coming { caller, command, .. } in batch {
        let is_known = origin(command).is_some_and(|one| known.contains(&(one.source, one.id)));
        drafts.push(if is_known {
            None
        } else {
            look_ups.draft(&mut tx, desk, caller, &facts, command).await.ok()
        });
    }
    Ok(Drafted { facts, drafts })
}

/// Decides on the drafts and keeps them, in one commit.
async fn finish(
    mut scene: Scene<'_>,
    callers: &[&Caller],
) -> Result<Vec<TicketView>, CommandError> {
    decide_on(&mut scene).await?;
    super::open::keep_all(scene, callers).await
}

/// Tells all of them what stands against each of them just as well; returns them where it may not.
fn unless_known(batch: Vec<Coming>, error: &CommandError) -> Vec<Coming> {
    if !matches!(error, CommandError::Busy | CommandError::Unavailable(_)) {
        return batch;
    }
    for one in batch {
        one.answer(Err(same(error)));
    }
    Vec::new()
}

/// The same failure, for one more sender.
fn same(error: &CommandError) -> CommandError {
    match error {
        CommandError::Busy => CommandError::Busy,
        CommandError::Unavailable(cause) => CommandError::Unavailable(cause.to_string().into()),
        CommandError::OutcomeUnknown(cause) => {
            CommandError::OutcomeUnknown(cause.to_string().into())
        }
        other => CommandError::Internal(other.to_string().into()),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    const ORG: OrgId = OrgId(Uuid::nil());

    fn coming() -> (Coming, oneshot::Receiver<Result<TicketView, CommandError>>) {
        let (tell, told) = oneshot::channel();
        let caller = Caller::operator(ORG, DateTime::UNIX_EPOCH);
        (Coming { caller, command: OpenTicket::default(), span: Span::none(), tell }, told)
    }

    #[test]
    fn whoever_has_gone_away_is_in_no_batch() {
        let intake = Intake::default();
        let (first, _told) = coming();
        let (second, gone) = coming();
        assert!(intake.join(ORG, first));
        assert!(!intake.join(ORG, second));
        drop(gone);
        assert_eq!(intake.next(ORG).len(), 1);
        assert!(!intake.leave(ORG), "nobody is left");
    }

    #[test]
    fn what_comes_meanwhile_is_the_next_batch_and_a_full_one_begins_beside() {
        let intake = Intake::default();
        let mut told = Vec::new();
        let mut join = || {
            let (one, answer) = coming();
            told.push(answer);
            intake.join(ORG, one)
        };
        assert!(join(), "nobody is under way");
        assert_eq!(intake.next(ORG).len(), 1);
        assert!((1..MOST).all(|_| !join()));
        assert!(join(), "a full one begins beside the first");
        assert!((0..MOST + 3).all(|_| !join()), "no more than two are under way");
        assert_eq!(intake.next(ORG).len(), MOST);
        assert!(intake.leave(ORG), "the next one takes its place");
        assert_eq!(intake.next(ORG).len(), MOST);
        assert!(!intake.leave(ORG), "a small one waits for the other");
        assert!(intake.leave(ORG));
    }
}
