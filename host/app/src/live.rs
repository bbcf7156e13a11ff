//! What has just changed, for front ends that tell their viewers to look again.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use waypost_domain::ids::{OrgId, TicketId};
use waypost_store::ticket;

use crate::{CommandError, Desk};

/// A change is written with the time at which it began, and seen when it is kept. What takes longer
/// than this is told with the next change of the same ticket.
const LATE: TimeDelta = TimeDelta::seconds(60);
/// Where more have changed than this, everybody looks again.
const MOST: u32 = 500;

/// A look-out for changes in an organization.
///
/// It says which tickets have changed, to nobody but its front end: what a viewer may see of one is
/// found out when they look.
#[derive(Debug, Clone)]
pub struct Lookout {
    org: OrgId,
    /// From when on changes may be new.
    from: DateTime<Utc>,
    /// The time of the latest change that was found.
    latest: Option<DateTime<Utc>>,
    /// What was told already and would be found again: the tickets, each with its version.
    told: HashMap<TicketId, i64>,
}

/// What has changed since the last look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// These tickets; none if nothing has.
    Tickets(Vec<TicketId>),
    /// More than are told one by one.
    Many,
}

impl Lookout {
    /// A look-out for what changes after now. It knows when something changed last before, too:
    /// whoever comes back to a page may have been away for long.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn begin(desk: &Desk, org: OrgId, now: DateTime<Utc>) -> Result<Self, CommandError> {
        let mut lookout = Self::of(org, now);
        let _ = lookout.look(desk).await?;
        if lookout.latest.is_none() {
            let mut tx = desk.store.read(org).await?;
            let last = ticket::changed_since(&mut tx, DateTime::UNIX_EPOCH, 1).await?;
            lookout.latest = last.first().map(|one| one.at);
        }
        Ok(lookout)
    }

    fn of(org: OrgId, from: DateTime<Utc>) -> Self {
        Self { org, from, latest: None, told: HashMap::new() }
    }

    /// The time of the latest change that was found so far; none if nothing ever has changed.
    #[must_use]
    pub fn latest(&self) -> Option<DateTime<Utc>> {
        self.latest
    }

    /// What has changed since the last look. Costs one read, whoever waits for it.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn look(&mut self, desk: &Desk) -> Result<Changed, CommandError> {
        let mut tx = desk.store.read(self.org).await?;
        let found = ticket::changed_since(&mut tx, self.from - LATE, MOST).await?;
        drop(tx);
        Ok(self.note(&found))
    }

    fn note(&mut self, found: &[ticket::Changed]) -> Changed {
        let is_whole = found.len() < MOST as usize;
        let is_new = |one: &&ticket::Changed| self.told.get(&one.id) != Some(&one.version);
        let new: Vec<TicketId> = found.iter().filter(is_new).map(|one| one.id).collect();
        self.latest = self.latest.max(found.iter().map(|one| one.at).max());
        self.from = self.latest.map_or(self.from, |latest| latest.max(self.from));
        self.told = found.iter().map(|one| (one.id, one.version)).collect();
        if is_whole || new.is_empty() { Changed::Tickets(new) } else { Changed::Many }
    }
}

/// Whether something may have been kept since a moment, where the latest change began at another:
/// what began before it may have been kept after it.
#[must_use]
pub fn may_be_new(latest: Option<DateTime<Utc>>, since: DateTime<Utc>) -> bool {
    latest.is_some_and(|latest| latest > since - LATE)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn change(number: u32, seconds: i64, version: i64) -> ticket::Changed {
        ticket::Changed { id: id(number), at: at(seconds), version }
    }

    fn id(number: u32) -> TicketId {
        TicketId(Uuid::from_u128(u128::from(number)))
    }

    #[test]
    fn a_change_is_told_once_and_the_next_one_of_the_same_ticket_again() {
        let mut lookout = Lookout::of(OrgId(Uuid::nil()), at(0));
        let first = [change(1, 1, 1)];
        assert_eq!(lookout.note(&first), Changed::Tickets(vec![id(1)]));
        assert_eq!(lookout.note(&first), Changed::Tickets(vec![]));
        let both = [change(1, 1, 1), change(2, 0, 1)];
        assert_eq!(lookout.note(&both), Changed::Tickets(vec![id(2)]), "one that was kept late");
        let same_moment = [change(1, 1, 2), change(2, 0, 1)];
        assert_eq!(lookout.note(&same_moment), Changed::Tickets(vec![id(1)]));
        assert_eq!(lookout.note(&[change(1, 3, 3)]), Changed::Tickets(vec![id(1)]));
    }

    #[test]
    fn what_began_before_a_page_was_shown_may_be_new_to_it() {
        assert!(may_be_new(Some(at(1)), at(0)));
        // Begun at 0, kept at 3: not on a page of 1.
        assert!(may_be_new(Some(at(0)), at(1)));
        assert!(!may_be_new(Some(at(0)), at(60)));
        assert!(!may_be_new(None, at(0)));
    }

    #[test]
    fn very_many_changes_are_told_as_many() {
        let mut lookout = Lookout::of(OrgId(Uuid::nil()), at(0));
        let many: Vec<_> = (0..MOST).map(|number| change(number, 1, 1)).collect();
        assert_eq!(lookout.note(&many), Changed::Many);
        assert_eq!(lookout.note(&many), Changed::Tickets(vec![]));
        // The latest come first, so that what comes after a burst is told.
        let mut then = many;
        then.insert(0, change(MOST, 2, 1));
        then.truncate(MOST as usize);
        assert_eq!(lookout.note(&then), Changed::Many);
        assert_eq!(lookout.latest(), Some(at(2)));
    }
}
