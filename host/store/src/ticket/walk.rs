//! Walks: along which indexes a list finds its tickets.
//!
//! A list is read in its own order until a page is full, so it costs what a page does, as long as
//! an index has that order and holds little beside what is looked for. Where no single index does,
//! several walks together do: the first tickets of all of them are among the first of each.
//!
//! PostgreSQL finds these indexes by its statistics. SQLite has none, and would take any index that
//! begins with the organization, so there the index is named.

use std::collections::BTreeSet;

use waypost_domain::{
    ids::{CiId, OrgId, PersonId, TeamId},
    incident::MajorState,
    priority::Matrix,
    ticket::{Phase, TicketKind},
    waiting::WaitingKind,
};

use super::{
    filter::{Assignee, TicketFilter, TicketSort},
    known::Known,
};
use crate::sql::Sql;

/// An index of `tickets`; the migration says what each is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Index {
    /// By id: for tickets that another table names.
    Key,
    Opened,
    Updated,
    Requester,
    Open,
    Ended,
    Assignee,
    Ci,
    Failures,
    Parent,
    External,
    PastTeam,
    PastService,
    PastCategory,
    PastPriority,
    PastUnassigned,
}

impl Index {
    /// Names the index after `tickets` in a `from`.
    pub(super) fn add(self, sql: &mut Sql) {
        let name = match self {
            Self::Key => " indexed by sqlite_autoindex_tickets_1",
            Self::Opened => " indexed by tickets_opened",
            Self::Updated => " indexed by tickets_updated",
            Self::Requester => " indexed by tickets_requester",
            Self::Open => " indexed by tickets_open",
            Self::Ended => " indexed by tickets_ended",
            Self::Assignee => " indexed by tickets_assignee",
            Self::Ci => " indexed by tickets_ci",
            Self::Failures => " indexed by tickets_failures",
            Self::Parent => " indexed by tickets_parent",
            Self::External => " indexed by tickets_external_key",
            Self::PastTeam => " indexed by tickets_past_team",
            Self::PastService => " indexed by tickets_past_service",
            Self::PastCategory => " indexed by tickets_past_category",
            Self::PastPriority => " indexed by tickets_past_priority",
            Self::PastUnassigned => " indexed by tickets_past_unassigned",
        };
        sql.push_either(name, "");
    }

    /// Whether all that is on it is past.
    const fn is_past(self) -> bool {
        matches!(
            self,
            Self::PastTeam
                | Self::PastService
                | Self::PastCategory
                | Self::PastPriority
                | Self::PastUnassigned
        )
    }
}

/// Some of a list's tickets: those along an index that are also of this kind, in this phase, …
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Walk {
    pub(super) index: Index,
    pub(super) kind: Option<TicketKind>,
    pub(super) phase: Option<Phase>,
    pub(super) priority: Option<u8>,
    pub(super) team: Option<TeamId>,
    pub(super) category: Option<String>,
    pub(super) concern: Option<Concern>,
    pub(super) about: Option<About>,
}

/// How a ticket is about a CI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// It is the main one, and the desk still has to do something, or not.
    Main(CiId, bool),
    /// It is affected beside another one, or beside none.
    Beside(CiId),
}

/// How a ticket concerns a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Concern {
    /// They asked for it.
    Requester,
    /// They opened it for somebody else, watch it, or work on it as a task.
    Named,
    /// Their vote is waited for.
    Voter,
    /// It is a task of what concerns them in one of the other ways.
    Task,
    /// It is an open one of them, so what they asked for is open, too: of what has ended, only
    /// problems have open tasks (`Invariant::EndedHasNoOpenTask`), and those nobody asks for.
    OpenTask,
}

impl Walk {
    pub(super) fn along(index: Index) -> Self {
        Self {
            index,
            kind: None,
            phase: None,
            priority: None,
            team: None,
            category: None,
            concern: None,
            about: None,
        }
    }

    /// Whether the tickets on it are in this order.
    pub(super) const fn is_in(&self, sort: TicketSort) -> bool {
        match (self.index, sort) {
            (Index::Key | Index::Parent | Index::External, _) => false,
            (Index::Open, TicketSort::Opened) => self.priority.is_some(),
            (Index::Open, _) => matches!(sort, TicketSort::Queue),
            (Index::Updated, _) => matches!(sort, TicketSort::Updated),
            (_, _) => matches!(sort, TicketSort::Opened),
        }
    }

    /// Adds the condition that a ticket is on this walk. What SQLite must read literally to use a
    /// partial index is spelled out.
    pub(super) fn add_condition(&self, sql: &mut Sql, filter: &TicketFilter, org: OrgId) {
        if let Some(kind) = self.kind {
            sql.push(" and kind = '").push(kind.as_str()).push("'");
        }
        if self.index == Index::Open {
            sql.push(" and active");
        }
        if self.index.is_past() {
            sql.push(" and not active");
        }
        if let Some(team) = self.team {
            sql.push(" and team_id = ").bind(team.0);
        }
        if let Some(category) = &self.category {
            sql.push(" and category = ").bind(category.clone());
        }
        if self.index == Index::Ended {
            sql.push(" and phase in ('done', 'rejected', 'cancelled')");
        }
        if let Some(phase) = self.phase {
            sql.push(" and phase = '").push(phase.as_str()).push("'");
        }
        if let Some(priority) = self.priority {
            sql.push(" and priority = ").bind(i64::from(priority));
        }
        if let (Some(concern), Some(person)) = (self.concern, filter.concerns) {
            concern.add_condition(sql, person, org);
        }
        if let Some(about) = self.about {
            about.add_condition(sql, org);
        }
    }
}

impl About {
    fn add_condition(self, sql: &mut Sql, org: OrgId) {
        match self {
            // Compared, because a column of an index is only looked up where it is.
            Self::Main(ci, active) => {
                sql.push(" and ci_id = ").bind(ci.0).push(" and active = ").bind(active);
            }
            Self::Beside(ci) => {
                sql.push(" and (ci_id is null or ci_id <> ").bind(ci.0);
                sql.push(") and tickets.id in (select ticket_id from ticket_cis where org_id = ");
                sql.bind(org.0).push(" and ci_id = ").bind(ci.0).push(")");
            }
        }
    }
}

impl Concern {
    fn add_condition(self, sql: &mut Sql, person: PersonId, org: OrgId) {
        match self {
            Self::Requester => {
                sql.push(" and requester_id = ").bind(person.0);
            }
            Self::Named => {
                sql.push(" and tickets.id in (");
                named(sql, person, org);
                sql.push(")");
            }
            Self::Voter => {
                sql.push(" and tickets.id in (");
                voted_on(sql, person, org);
                sql.push(")");
            }
            Self::Task | Self::OpenTask => {
                sql.push(" and parent_id in (select id from tickets");
                Index::Requester.add(sql);
                sql.push(" where org_id = ").bind(org.0);
                sql.push(" and requester_id = ").bind(person.0);
                if self == Self::OpenTask {
                    sql.push(" and phase in ('open', 'on_hold')");
                }
                named(sql.push(" union all "), person, org);
                voted_on(sql.push(" union all "), person, org);
                sql.push(")");
            }
        }
    }
}

/// The tickets that concern a person beside those they asked for.
fn named(sql: &mut Sql, person: PersonId, org: OrgId) {
    sql.push("select ticket_id from ticket_people where org_id = ").bind(org.0);
    sql.push(" and person_id = ").bind(person.0);
}

/// The tickets of which a vote of the person is waited for.
fn voted_on(sql: &mut Sql, person: PersonId, org: OrgId) {
    sql.push("select subject_id from approvals where outcome in ('waiting', 'pending')");
    sql.push(" and org_id = ").bind(org.0);
    sql.push(" and id in (select approval_id from approval_requests where state = 'requested'");
    sql.push(" and org_id = ").bind(org.0).push(" and voter_id = ").bind(person.0);
    sql.push(" union all select approval_id from approval_requests where state = 'requested'");
    sql.push(" and org_id = ").bind(org.0).push(" and seat_id = ").bind(person.0).push(")");
}

/// So many walks are still fewer steps than most lists take without them.
pub(super) const MOST_WALKS: usize = 64;

/// The walks that find what a filter leaves, each ticket once, unless the list is of what concerns
/// somebody. None where nothing can be left.
pub(super) fn walks(filter: &TicketFilter, sort: TicketSort, known: &Known) -> Vec<Walk> {
    let places = places(filter);
    if places.is_empty() {
        return Vec::new();
    }
    if filter.concerns.is_some() {
        return concerning(&places);
    }
    if let Some(index) = few(filter, known) {
        return match index {
            Index::Requester | Index::Assignee => by_phase(&Walk::along(index), &places),
            index => vec![Walk::along(index)],
        };
    }
    if let Some(ci) = filter.ci {
        return about(ci, &places);
    }
    if filter.policy_failures == Some(true) {
        return by_phase(&Walk::along(Index::Failures), &places);
    }
    let kinds: BTreeSet<TicketKind> = places.iter().map(|(kind, _)| *kind).collect();
    if places.iter().all(|(_, phase)| *phase != Phase::Closed) {
        let mut walks = Vec::new();
        if places.iter().any(|(_, phase)| phase.is_active()) {
            walks.extend(open(filter, sort));
        }
        let ended = places.into_iter().filter(|(_, phase)| !phase.is_active());
        walks.extend(ended.map(|(kind, phase)| Walk {
            kind: Some(kind),
            phase: Some(phase),
            ..Walk::along(Index::Ended)
        }));
        return walks;
    }
    // Along the first of them where none is known to hold little, if that has the list's order.
    let place = known.little_past.or((sort == TicketSort::Opened).then_some(0));
    if let Some(mut past) = place.and_then(|place| pasts(filter, known).into_iter().nth(place)) {
        if places.iter().any(|(_, phase)| phase.is_active()) {
            past.extend(open(filter, sort));
        }
        return past;
    }
    let index = match sort {
        TicketSort::Updated => Index::Updated,
        // A queue is of what is open; of anything else it is sorted as it comes.
        TicketSort::Opened | TicketSort::Queue => Index::Opened,
    };
    kinds.into_iter().map(|kind| Walk { kind: Some(kind), ..Walk::along(index) }).collect()
}

/// What is open goes by priority. In the order of lists it is walked once for each priority.
fn open(filter: &TicketFilter, sort: TicketSort) -> Vec<Walk> {
    let open = Walk::along(Index::Open);
    match sort {
        TicketSort::Queue | TicketSort::Updated => vec![open],
        TicketSort::Opened => (1..=Matrix::LOWEST.0)
            .filter(|level| filter.priorities.is_empty() || filter.priorities.contains(level))
            .map(|level| Walk { priority: Some(level), ..open.clone() })
            .collect(),
    }
}

/// The ways along what is past and has something that little of it may have: one for each such
/// thing that the filter names, but where it names too many.
pub(super) fn pasts(filter: &TicketFilter, known: &Known) -> Vec<Vec<Walk>> {
    let teams: BTreeSet<TeamId> = filter.teams.iter().copied().chain(filter.team).collect();
    let levels: BTreeSet<u8> = filter.priorities.iter().copied().collect();
    let once = |index, is_named: bool| Vec::from_iter(is_named.then(|| Walk::along(index)));
    let ways = [
        once(Index::PastService, filter.service.is_some()),
        known
            .categories
            .iter()
            .map(|one| Walk { category: Some(one.clone()), ..Walk::along(Index::PastCategory) })
            .collect(),
        teams
            .into_iter()
            .map(|team| Walk { team: Some(team), ..Walk::along(Index::PastTeam) })
            .collect(),
        once(Index::PastUnassigned, filter.assignee == Some(Assignee::Nobody)),
        levels
            .into_iter()
            .map(|level| Walk { priority: Some(level), ..Walk::along(Index::PastPriority) })
            .collect(),
    ];
    ways.into_iter().filter(|walks| (1..=MOST_WALKS).contains(&walks.len())).collect()
}

fn concerning(places: &BTreeSet<(TicketKind, Phase)>) -> Vec<Walk> {
    let by = |index, concern| Walk { concern: Some(concern), ..Walk::along(index) };
    let mut walks = by_phase(&by(Index::Requester, Concern::Requester), places);
    walks.extend([by(Index::Key, Concern::Named), by(Index::Key, Concern::Voter)]);
    let mut tasks = places.iter().filter(|(kind, _)| *kind == TicketKind::Task).peekable();
    if tasks.peek().is_some() {
        let are_open = tasks.all(|(_, phase)| phase.is_active());
        let concern = if are_open { Concern::OpenTask } else { Concern::Task };
        walks.push(Walk { kind: Some(TicketKind::Task), ..by(Index::Parent, concern) });
    }
    walks
}

/// Along an index that goes by phase, in each of these: what is closed grows for years, and is not
/// asked for where only the rest is wanted.
fn by_phase(walk: &Walk, places: &BTreeSet<(TicketKind, Phase)>) -> Vec<Walk> {
    let phases: BTreeSet<Phase> = places.iter().map(|(_, phase)| *phase).collect();
    phases.into_iter().map(|phase| Walk { phase: Some(phase), ..walk.clone() }).collect()
}

/// A CI has few tickets that are open; what is past, one may have thousands of.
fn about(ci: CiId, places: &BTreeSet<(TicketKind, Phase)>) -> Vec<Walk> {
    let by = |index, about| Walk { about: Some(about), ..Walk::along(index) };
    let main = [true, false]
        .into_iter()
        .filter(|active| places.iter().any(|(_, phase)| phase.is_active() == *active))
        .map(|active| by(Index::Ci, About::Main(ci, active)));
    main.chain([by(Index::Key, About::Beside(ci))]).collect()
}

/// The index of what is few in any case, because the filter names one thing that tickets have to do
/// with.
fn few(filter: &TicketFilter, known: &Known) -> Option<Index> {
    let is_named_beside = known.has_few_tagged
        || filter.order.is_some()
        || filter.problem.is_some()
        || filter.risk_review_due.is_some()
        || filter.silent_at.is_some()
        || !filter.major_states.is_empty() && !filter.major_states.contains(&MajorState::None);
    if is_named_beside {
        Some(Index::Key)
    } else if filter.parent.is_some() {
        Some(Index::Parent)
    } else if filter.external_source.is_some() {
        Some(Index::External)
    } else if filter.ci.is_some() {
        // Somebody may have far more tickets than any CI: whoever's name monitoring uses.
        None
    } else if filter.requester.is_some() {
        Some(Index::Requester)
    } else if matches!(filter.assignee, Some(Assignee::Person(_))) {
        Some(Index::Assignee)
    } else {
        None
    }
}

/// Whether the filter leaves what is closed, which is most of all there ever was.
pub(super) fn has_closed(filter: &TicketFilter) -> bool {
    places(filter).iter().any(|(_, phase)| *phase == Phase::Closed)
}

/// Of which kinds the tickets are that the filter leaves, and in which phases.
fn places(filter: &TicketFilter) -> BTreeSet<(TicketKind, Phase)> {
    let waits = filter.waiting_for.map(phases_of);
    let mut places = BTreeSet::new();
    for kind in TicketKind::ALL {
        if !filter.kinds.is_empty() && !filter.kinds.contains(kind) {
            continue;
        }
        // Only whom it is for confirms that it is done.
        if filter.waiting_for == Some(WaitingKind::Confirmation) && !kind.rules().has_requester() {
            continue;
        }
        for (state, phase) in kind.rules().states {
            let is_left = (filter.states.is_empty() || filter.states.contains(state))
                && (filter.phases.is_empty() || filter.phases.contains(phase))
                && filter.active.is_none_or(|active| active == phase.is_active())
                && waits.is_none_or(|phases| phases.contains(phase))
                && (filter.waiting_before.is_none() || WAITING.contains(phase))
                && (filter.done_until.is_none() || *phase == Phase::Done);
            if is_left {
                places.insert((*kind, *phase));
            }
        }
    }
    places
}

/// The phases in which a ticket waits for anything.
const WAITING: &[Phase] = &[Phase::Open, Phase::OnHold, Phase::Done];

/// The phases in which a ticket waits for this.
const fn phases_of(kind: WaitingKind) -> &'static [Phase] {
    match kind {
        WaitingKind::Caller
        | WaitingKind::Vendor
        | WaitingKind::Evidence
        | WaitingKind::Problem
        | WaitingKind::Other => &[Phase::OnHold],
        WaitingKind::Assignee | WaitingKind::Team => &[Phase::Open, Phase::Done],
        WaitingKind::Tasks | WaitingKind::Approvers | WaitingKind::ApproverMissing => {
            &[Phase::Open]
        }
        WaitingKind::Confirmation => &[Phase::Done],
    }
}
