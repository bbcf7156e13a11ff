//! Delegations: who votes for a person while they are away, planned ahead.
//!
//! A delegation is in force between two moments and covers all requests, or those of a category, a
//! service or a catalog item. It never changes but to end early; what was asked under it stays
//! asked.

#[cfg(test)]
mod rules;

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    event::Actor,
    ids::{CatalogItemId, DelegationId, OrgId, PersonId, ServiceId},
    key::CategoryPath,
    permission::Forbidden,
    refusal::{Faults, Refused},
    role::Role,
    said,
    said::Part,
    text,
    ticket::Ticket,
};

/// Who is away longer does not come back soon; the directory's managers are changed then.
pub const MAX_DAYS: i64 = 366;
/// More at the same time are not overseen by anybody.
pub const MAX_OPEN: usize = 20;

/// Which requests a delegation is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All.
    Everything,
    /// Those of a category, and of all below it.
    Category(CategoryPath),
    /// Those about a service.
    Service(ServiceId),
    /// Those that ask for a catalog item.
    CatalogItem(CatalogItemId),
}

/// A vote of a person, in somebody else's hands for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// Its id.
    pub id: DelegationId,
    /// The organization on whose requests it is.
    pub org: OrgId,
    /// Who is away.
    pub from: PersonId,
    /// Who votes instead.
    pub to: PersonId,
    /// About which requests.
    pub scope: Scope,
    /// From when on.
    pub starts_at: DateTime<Utc>,
    /// Until when.
    pub ends_at: DateTime<Utc>,
    /// Why. It stands in the approvals in which it is followed.
    pub reason: String,
    /// When it was planned.
    pub created_at: DateTime<Utc>,
    /// By whom.
    pub created_by: Actor,
    /// When and by whom it was ended early.
    pub ended: Option<(DateTime<Utc>, Actor)>,
    /// Rises by one with every change.
    pub version: i64,
}

/// A delegation as somebody plans it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelegation {
    /// Its id.
    pub id: DelegationId,
    /// The organization.
    pub org: OrgId,
    /// Who is away.
    pub from: PersonId,
    /// Who votes instead.
    pub to: PersonId,
    /// About which requests.
    pub scope: Scope,
    /// From when on; none for at once.
    pub starts_at: Option<DateTime<Utc>>,
    /// Until when.
    pub ends_at: DateTime<Utc>,
    /// Why.
    pub reason: String,
}

impl Delegation {
    /// Plans a delegation.
    pub fn plan(new: NewDelegation, by: &Actor, now: DateTime<Utc>) -> Result<Self, Refused> {
        let mut faults = Faults::new();
        let starts_at = new.starts_at.unwrap_or(now);
        if new.from == new.to {
            faults.wrong("/to", "cycle", said!("Name a person other than the delegator."));
        }
        if new.ends_at <= starts_at {
            faults.wrong(
                "/ends_at",
                "out-of-range",
                said!(
                    "Give a time after `{starts_at}`.",
                    starts_at = Part::word("field", "delegation-starts_at")
                ),
            );
        } else if new.ends_at <= now {
            faults.wrong("/ends_at", "out-of-range", said!("Give a time in the future."));
        } else if new.ends_at - starts_at > TimeDelta::days(MAX_DAYS) {
            let message = said!(
                "A delegation can last at most {most} days; give an earlier end.",
                most = MAX_DAYS
            );
            faults.wrong("/ends_at", "out-of-range", message);
        }
        let what = said!("Give a reason; it is shown in the approvals that follow the delegation.");
        let reason = text::reason(Some(&new.reason), what, &mut faults);
        faults.finish()?;
        Ok(Self {
            id: new.id,
            org: new.org,
            from: new.from,
            to: new.to,
            scope: new.scope,
            starts_at,
            ends_at: new.ends_at,
            reason,
            created_at: now,
            created_by: by.clone(),
            ended: None,
            version: 1,
        })
    }

    /// Ends it before its time. What was asked under it stays asked; the one who is back may vote
    /// first.
    pub fn end(&mut self, by: &Actor, now: DateTime<Utc>) -> Result<(), Refused> {
        if self.is_over(now) {
            return Err(Refused::guard(said!("The delegation has already ended.")));
        }
        self.ended = Some((now, by.clone()));
        Ok(())
    }

    /// Whether it has ended, by itself or early.
    #[must_use]
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.ended.is_some() || self.ends_at <= now
    }

    /// Whether votes are asked of the one who stands in.
    #[must_use]
    pub fn is_in_force(&self, now: DateTime<Utc>) -> bool {
        self.starts_at <= now && !self.is_over(now)
    }

    /// Whether it is about a ticket.
    #[must_use]
    pub fn covers(&self, ticket: &Ticket) -> bool {
        match &self.scope {
            Scope::Everything => true,
            Scope::Category(above) => {
                let mut path = ticket.category.clone();
                while let Some(one) = path {
                    if one == *above {
                        return true;
                    }
                    path = one.parent();
                }
                false
            }
            Scope::Service(service) => ticket.service == Some(*service),
            Scope::CatalogItem(item) => {
                ticket.request().is_some_and(|request| request.item == Some(*item))
            }
        }
    }
}

/// Refuses a caller who may not plan or end a delegation of this person's votes: it is theirs, or
/// an administrator's.
pub fn allows(role: Role, caller: Option<PersonId>, from: PersonId) -> Result<(), Forbidden> {
    match role {
        Role::Admin => Ok(()),
        Role::Requester | Role::Agent if caller == Some(from) => Ok(()),
        Role::Requester | Role::Agent => Err(Forbidden::because(said!(
            "You can delegate only your own votes; others' votes require the role admin."
        ))),
        Role::Auditor => Err(Forbidden::because(said!("The role auditor is read-only."))),
    }
}

/// Refuses one more delegation of a person who has so many that are not over.
pub fn check_room(open: usize) -> Result<(), Refused> {
    if open < MAX_OPEN {
        return Ok(());
    }
    Err(Refused::guard(said!(
        "This person has {open} current or planned delegations, the maximum; end some first.",
        open
    )))
}

/// The delegations in force about one ticket.
#[derive(Debug, Clone, Default)]
pub struct StandIns<'a>(Vec<&'a Delegation>);

impl<'a> StandIns<'a> {
    /// Those of the delegations that are in force about a ticket.
    #[must_use]
    pub fn about(delegations: &'a [Delegation], ticket: &Ticket, now: DateTime<Utc>) -> Self {
        let mut standing: Vec<_> =
            delegations.iter().filter(|one| one.is_in_force(now) && one.covers(ticket)).collect();
        // What is said about the one thing goes before what is said about all; then what was
        // planned last.
        standing
            .sort_by_key(|one| std::cmp::Reverse((one.scope.closeness(), one.created_at, one.id)));
        Self(standing)
    }

    /// The delegations by which a person's vote is asked of somebody else now, the closest first.
    pub fn of(&self, person: PersonId) -> impl Iterator<Item = &'a Delegation> {
        self.0.iter().copied().filter(move |one| one.from == person)
    }
}

impl Scope {
    /// How close it is to a single thing.
    fn closeness(&self) -> usize {
        match self {
            Self::Everything => 0,
            Self::Category(path) => path.segments().count(),
            Self::Service(_) => CategoryPath::MAX_DEPTH + 1,
            Self::CatalogItem(_) => CategoryPath::MAX_DEPTH + 2,
        }
    }
}
