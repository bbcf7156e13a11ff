//! Lists of tickets: filtered, in a stable order, a page at a time.
//!
//! A page starts after the last ticket of the one before (keyset), so a ticket that comes or goes
//! in between neither repeats nor hides another.

use chrono::{DateTime, Utc};
use waypost_domain::{
    ids::{CiId, OrderId, OrgId, PersonId, ServiceId, TeamId, TicketId},
    incident::MajorState,
    key::CategoryPath,
    text,
    ticket::{Phase, State, Ticket, TicketKind},
    waiting::WaitingKind,
};

use super::{
    details::{self, WholeRow},
    known::{Known, tagged},
    walk::{Index, Walk, walks},
};
use crate::{ReadTx, StoreError, conn::Conn, sql::Sql};

/// Which tickets; an empty filter leaves all of the organization's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TicketFilter {
    /// Of one of these kinds; of any when empty.
    pub kinds: Vec<TicketKind>,
    /// In one of these states; in any when empty.
    pub states: Vec<State>,
    /// In one of these phases; in any when empty.
    pub phases: Vec<Phase>,
    /// Whether the desk still has to do something.
    pub active: Option<bool>,
    /// Whether only what the desk still has to do is left: what is active, and resolved major
    /// incidents whose review is not written yet.
    pub unfinished: bool,
    /// Owned by this team.
    pub team: Option<TeamId>,
    /// Owned by one of these teams; by any when empty.
    pub teams: Vec<TeamId>,
    /// Worked on by a person, by anybody, or by nobody.
    pub assignee: Option<Assignee>,
    /// Waiting for this.
    pub waiting_for: Option<WaitingKind>,
    /// Waiting since before this moment.
    pub waiting_before: Option<DateTime<Utc>>,
    /// Of this requester.
    pub requester: Option<PersonId>,
    /// Whom it concerns: requester, opener, watcher, or who is asked to vote; of a task, whom its
    /// ticket concerns, and whom it is assigned to. What a person may see at all who isn't of the
    /// desk; `waypost_domain::permission::sees` says the same of one ticket.
    pub concerns: Option<PersonId>,
    /// With one of these winning priorities; with any when empty.
    pub priorities: Vec<u8>,
    /// In this category or below it.
    pub category: Option<CategoryPath>,
    /// About this service.
    pub service: Option<ServiceId>,
    /// About this CI, as the main one or beside it.
    pub ci: Option<CiId>,
    /// With this tag.
    pub tag: Option<String>,
    /// A child of this ticket, or one of its tasks.
    pub parent: Option<TicketId>,
    /// Resolved or fulfilled at this moment or earlier, and not closed since.
    pub done_until: Option<DateTime<Utc>>,
    /// Incidents that this problem causes.
    pub problem: Option<TicketId>,
    /// Problems whose risk was accepted until this moment or earlier, and for whose review no task
    /// was opened yet.
    pub risk_review_due: Option<DateTime<Utc>>,
    /// Published as known errors, or not.
    pub known_error: Option<bool>,
    /// Standing there as a major incident; anywhere when empty.
    pub major_states: Vec<MajorState>,
    /// Major incidents whose next update was promised for this moment or earlier, and whose silence
    /// nobody was told of yet.
    pub silent_at: Option<DateTime<Utc>>,
    /// Of this order.
    pub order: Option<OrderId>,
    /// Opened at this moment or later.
    pub opened_from: Option<DateTime<Utc>>,
    /// Opened before this moment.
    pub opened_before: Option<DateTime<Utc>>,
    /// Changed at this moment or later.
    pub updated_from: Option<DateTime<Utc>>,
    /// Changed before this moment.
    pub updated_before: Option<DateTime<Utc>>,
    /// With this text in the short description, in whatever case.
    pub text: Option<String>,
    /// Decided by a fallback because a policy failed, or not.
    pub policy_failures: Option<bool>,
    /// From this external source.
    pub external_source: Option<String>,
    /// From this id of an external source.
    pub external_id: Option<String>,
}

/// Who works on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assignee {
    /// Nobody.
    Nobody,
    /// Anybody.
    Somebody,
    /// This person.
    Person(PersonId),
}

/// In which order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TicketSort {
    /// The newest first.
    #[default]
    Opened,
    /// The latest changed first.
    Updated,
    /// As a team works: by priority, then the oldest first.
    Queue,
}

/// The place of a ticket in an order: where the next page starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketCursor {
    /// Its winning priority; used by [`TicketSort::Queue`] only.
    pub priority: u8,
    /// When it was opened, or changed last: what the order says.
    pub at: DateTime<Utc>,
    /// Its id, which makes the order total.
    pub id: TicketId,
}

impl TicketCursor {
    /// The place of a ticket.
    #[must_use]
    pub fn of(ticket: &Ticket, sort: TicketSort) -> Self {
        let at = match sort {
            TicketSort::Opened | TicketSort::Queue => ticket.opened_at,
            TicketSort::Updated => ticket.updated_at,
        };
        Self { priority: ticket.priority.effective().0.0, at, id: ticket.id }
    }
}

/// Lists the tickets that a filter leaves, at most `limit`, starting after a place in the order.
pub async fn list(
    tx: &mut ReadTx,
    filter: &TicketFilter,
    sort: TicketSort,
    after: Option<&TicketCursor>,
    limit: u32,
) -> Result<Vec<Ticket>, StoreError> {
    let known = Known::of(tx, filter, sort).await?;
    let page = Page { sort, after, limit };
    let Some(sql) = listing(&tx.conn, tx.org, filter, &known, &page) else {
        return Ok(Vec::new());
    };
    let rows: Vec<WholeRow> = sql.fetch_all(&mut tx.conn).await?;
    rows.into_iter().map(Ticket::try_from).collect()
}

/// Counts the tickets that a filter leaves.
pub async fn count(tx: &mut ReadTx, filter: &TicketFilter) -> Result<u64, StoreError> {
    count_to(tx, filter, u32::MAX).await
}

/// Counts the tickets that a filter leaves, and stops at `limit`: nobody waits for all of a
/// million.
pub async fn count_to(
    tx: &mut ReadTx,
    filter: &TicketFilter,
    limit: u32,
) -> Result<u64, StoreError> {
    let sort = TicketSort::default();
    let known = Known::of(tx, filter, sort).await?;
    let walks = walks(filter, sort, &known);
    let Some(sql) = counting(&tx.conn, tx.org, &walks, filter, &known, limit) else {
        return Ok(0);
    };
    let rows: Vec<(i64,)> = sql.fetch_all(&mut tx.conn).await?;
    let found = rows.first().and_then(|(count,)| u64::try_from(*count).ok()).unwrap_or(0);
    // Several walks find up to the limit each.
    Ok(found.min(limit.into()))
}

/// Counts the tickets that each of some filters leaves, and says `limit` at most. On SQLite, what
/// is open is walked once for all filters that leave nothing else; PostgreSQL walks an index to a
/// limit, but reads a whole table sooner than an index to its end.
pub async fn counts_to(
    tx: &mut ReadTx,
    filters: &[TicketFilter],
    limit: u32,
) -> Result<Vec<u64>, StoreError> {
    let mut counts = vec![0; filters.len()];
    let first = |filter| filters.iter().position(|one| one == filter).unwrap_or_default();
    let is_walked_once = matches!(tx.conn, Conn::Sqlite(_));
    let mut of_open = Vec::new();
    for (place, filter) in filters.iter().enumerate() {
        if first(filter) < place {
            continue;
        }
        // As a queue goes, because only so all that is open is one walk.
        let known = Known::of(tx, filter, TicketSort::Queue).await?;
        match walks(filter, TicketSort::Queue, &known).as_slice() {
            [walk] if is_walked_once && walk.index == Index::Open => of_open.push((place, known)),
            _ => counts[place] = count_to(tx, filter, limit).await?,
        }
    }
    if !of_open.is_empty() {
        count_open(tx, filters, &of_open, &mut counts).await?;
    }
    Ok(filters.iter().map(|filter| counts[first(filter)].min(limit.into())).collect())
}

/// Counts what each of these filters leaves of what is open, in one walk.
async fn count_open(
    tx: &mut ReadTx,
    filters: &[TicketFilter],
    of_open: &[(usize, Known)],
    counts: &mut [u64],
) -> Result<(), StoreError> {
    // The numbers come as one text, because a row has as many columns as its type says.
    let mut sql = Sql::new(&tx.conn, "select ");
    let mut before = "count(case when true";
    for (place, known) in of_open {
        sql.push(before);
        // That it is open is said of the whole walk: said again here, SQLite would read each ticket
        // for it, beside the index.
        let (walk, said) = (Walk::along(Index::Key), &filters[*place]);
        let filter = TicketFilter { active: None, ..said.clone() };
        add_conditions(&mut sql, &walk, &filter, known, tx.org);
        before = " then 1 end) || ',' || count(case when true";
    }
    sql.push(" then 1 end) || '' from tickets");
    Index::Open.add(&mut sql);
    sql.push(" where tickets.org_id = ").bind(tx.org.0).push(" and active");
    let rows: Vec<(String,)> = sql.fetch_all(&mut tx.conn).await?;
    let mut found = rows.first().map_or("", |(found,)| found.as_str()).split(',');
    for (place, _) in of_open {
        let count = found.next().and_then(|count| count.parse().ok());
        counts[*place] = count.ok_or(StoreError::Corrupt { table: "tickets", column: "active" })?;
    }
    Ok(())
}

/// Which part of a list, and in which order.
struct Page<'a> {
    sort: TicketSort,
    after: Option<&'a TicketCursor>,
    limit: u32,
}

impl Page<'_> {
    /// Ends a walk or the whole list.
    fn add_end(&self, sql: &mut Sql) {
        sql.push(match self.sort {
            TicketSort::Opened => " order by opened_at desc, tickets.id desc",
            TicketSort::Updated => " order by updated_at desc, tickets.id desc",
            TicketSort::Queue => " order by priority, opened_at, tickets.id",
        });
        sql.push(" limit ").bind(i64::from(self.limit));
    }

    fn add_start(&self, sql: &mut Sql) {
        let Some(TicketCursor { priority, at, id }) = self.after else { return };
        match self.sort {
            TicketSort::Opened => {
                sql.push(" and (opened_at, tickets.id) < (").bind(*at);
            }
            TicketSort::Updated => {
                sql.push(" and (updated_at, tickets.id) < (").bind(*at);
            }
            TicketSort::Queue => {
                sql.push(" and (priority, opened_at, tickets.id) > (").bind(i64::from(*priority));
                sql.push(", ").bind(*at);
            }
        }
        sql.push(", ").bind(id.0).push(")");
    }
}

/// The statement that reads a page; none where nothing can be in it.
fn listing(
    conn: &Conn,
    org: OrgId,
    filter: &TicketFilter,
    known: &Known,
    page: &Page<'_>,
) -> Option<Sql> {
    let mut sql = details::begin(conn);
    match walks(filter, page.sort, known).as_slice() {
        [] => return None,
        [walk] if walk.is_in(page.sort) => {
            sql.push("tickets");
            walk.index.add(&mut sql);
            sql.push(details::JOINS).push(" where tickets.org_id = ").bind(org.0);
            add_conditions(&mut sql, walk, filter, known, org);
            page.add_start(&mut sql);
        }
        // Each walk finds ids; whole tickets are read of the few that come first of all. The
        // `cross join` has SQLite begin with the ids.
        several => {
            add_ids(sql.push("("), several, filter, known, org, |sql| {
                page.add_start(sql);
                page.add_end(sql);
            });
            sql.push(") as found cross join tickets").push(details::JOINS);
            sql.push(" where tickets.id = found.id and tickets.org_id = ").bind(org.0);
        }
    }
    page.add_end(&mut sql);
    Some(sql)
}

/// The statement that counts what is on some walks, up to a limit; none where there is no walk.
pub(super) fn counting(
    conn: &Conn,
    org: OrgId,
    walks: &[Walk],
    filter: &TicketFilter,
    known: &Known,
    limit: u32,
) -> Option<Sql> {
    if walks.is_empty() {
        return None;
    }
    let mut sql = Sql::new(conn, "select count(*) from (");
    add_ids(&mut sql, walks, filter, known, org, |sql| {
        sql.push(" limit ").bind(i64::from(limit));
    });
    sql.push(") as found");
    Some(sql)
}

/// Selects the ids along each walk, each of which ends in the same way.
fn add_ids(
    sql: &mut Sql,
    walks: &[Walk],
    filter: &TicketFilter,
    known: &Known,
    org: OrgId,
    end: impl Fn(&mut Sql),
) {
    // What concerns somebody in two ways is on two walks.
    let join = if filter.concerns.is_some() { " union " } else { " union all " };
    let mut before = "";
    for walk in walks {
        sql.push(before).push("select id from (select tickets.id as id from tickets");
        walk.index.add(sql);
        sql.push(" where tickets.org_id = ").bind(org.0);
        add_conditions(sql, walk, filter, known, org);
        end(sql);
        sql.push(") as walk");
        before = join;
    }
}

/// The conditions that a ticket is on the walk, and that the filter leaves it.
fn add_conditions(sql: &mut Sql, walk: &Walk, filter: &TicketFilter, known: &Known, org: OrgId) {
    walk.add_condition(sql, filter, org);
    filter_by_state(sql, filter, walk);
    filter_by_waiting(sql, filter);
    filter_by_people(sql, filter, walk);
    filter_by_subject(sql, filter, walk, org);
    if let Some(tag) = &filter.tag {
        if known.has_few_tagged {
            tagged(sql.push(" and tickets.id in ("), org, tag);
            sql.push(")");
        } else {
            contains(sql.push(" and "), "tags", tag.clone());
        }
    }
    filter_by_details(sql, filter, org);
    filter_by_time(sql, filter);
}

/// What the walk says already is not said twice: SQLite might take the weaker of two conditions to
/// find its place in the index.
fn filter_by_state(sql: &mut Sql, filter: &TicketFilter, walk: &Walk) {
    if !filter.kinds.is_empty() && walk.kind.is_none() {
        sql.push(" and kind in ").bind_list(filter.kinds.iter().map(|kind| kind.as_str()));
    }
    if !filter.states.is_empty() {
        sql.push(" and state in ").bind_list(filter.states.iter().map(|state| state.as_str()));
    }
    if !filter.phases.is_empty() && walk.phase.is_none() {
        sql.push(" and phase in ").bind_list(filter.phases.iter().map(|phase| phase.as_str()));
    }
    let is_said = matches!(walk.index, Index::Open | Index::Ci) || walk.phase.is_some();
    if let Some(active) = filter.active.filter(|_| !is_said) {
        sql.push(if active { " and active" } else { " and not active" });
    }
    if !filter.priorities.is_empty() && walk.priority.is_none() {
        let levels = filter.priorities.iter().map(|level| i64::from(*level));
        sql.push(" and priority in ").bind_list(levels);
    }
    if let Some(has_some) = filter.policy_failures {
        sql.push(" and policy_failures is ").push(if has_some { "not null" } else { "null" });
    }
    if let Some(moment) = filter.done_until {
        sql.push(" and phase = 'done' and outcome_at <= ").bind(moment);
    }
}

/// The same order of conditions as `Ticket::waiting_on` of the domain, which the phases keep apart.
fn filter_by_waiting(sql: &mut Sql, filter: &TicketFilter) {
    /// When the votes of the open round were asked for; none when nobody is asked, or no round is
    /// open. From the ticket's rounds to their votes: the other way round, all votes that are
    /// waited for would be looked at for each ticket.
    const ROUNDS: &str = "(select min(requested_at) from approvals";
    const VOTES: &str = " approval_requests
            on approval_requests.org_id = approvals.org_id and approval_requests.approval_id = approvals.id
        where approvals.org_id = tickets.org_id and approvals.subject_id = tickets.id
            and approvals.outcome in ('waiting', 'pending') and approval_requests.state = 'requested'
    )";
    /// Whether votes are waited for: the state says so, or a round is open beside the work.
    const AWAITS_APPROVAL: &str = "(state = 'awaiting_approval' or exists (
        select 1 from approvals where approvals.org_id = tickets.org_id and approvals.subject_id = tickets.id
            and approvals.outcome in ('waiting', 'pending')
    ))";
    let asked = |sql: &mut Sql| {
        sql.push(ROUNDS).push_either(" cross join", " join").push(VOTES);
    };
    if let Some(kind) = filter.waiting_for {
        match kind {
            WaitingKind::Caller
            | WaitingKind::Vendor
            | WaitingKind::Evidence
            | WaitingKind::Problem
            | WaitingKind::Other => {
                sql.push(" and phase = 'on_hold' and hold_awaiting = ").bind(kind.as_str());
            }
            WaitingKind::Assignee | WaitingKind::Team => {
                // Of what is done for nobody, somebody of the desk says that all is well.
                sql.push(" and (phase = 'done' and requester_id is null or phase = 'open'");
                sql.push(" and state <> 'waiting' and not ").push(AWAITS_APPROVAL);
                sql.push(") and assignee_id is ");
                sql.push(if kind == WaitingKind::Assignee { "not null" } else { "null" });
            }
            WaitingKind::Tasks => {
                sql.push(" and phase = 'open' and state = 'waiting'");
            }
            WaitingKind::Approvers => {
                asked(sql.push(" and phase = 'open' and "));
                sql.push(" is not null");
            }
            WaitingKind::ApproverMissing => {
                sql.push(" and phase = 'open' and ").push(AWAITS_APPROVAL);
                asked(sql.push(" and "));
                sql.push(" is null");
            }
            WaitingKind::Confirmation => {
                sql.push(" and phase = 'done' and requester_id is not null");
            }
        }
    }
    if let Some(moment) = filter.waiting_before {
        sql.push(" and phase in ('open', 'on_hold', 'done')");
        asked(sql.push(" and coalesce(case when phase = 'open' then "));
        sql.push(" end, waiting_since) < ").bind(moment);
    }
}

fn filter_by_people(sql: &mut Sql, filter: &TicketFilter, walk: &Walk) {
    if let Some(team) = filter.team.filter(|team| walk.team != Some(*team)) {
        sql.push(" and team_id = ").bind(team.0);
    }
    if !filter.teams.is_empty() && walk.team.is_none_or(|team| !filter.teams.contains(&team)) {
        sql.push(" and team_id in ").bind_list(filter.teams.iter().map(|team| team.0));
    }
    match filter.assignee {
        Some(Assignee::Person(person)) => {
            sql.push(" and assignee_id = ").bind(person.0);
        }
        Some(Assignee::Nobody) => {
            sql.push(" and assignee_id is null");
        }
        Some(Assignee::Somebody) => {
            sql.push(" and assignee_id is not null");
        }
        None => {}
    }
    if let Some(requester) = filter.requester {
        sql.push(" and requester_id = ").bind(requester.0);
    }
}

fn filter_by_subject(sql: &mut Sql, filter: &TicketFilter, walk: &Walk, org: OrgId) {
    if let Some(category) = filter.category.as_ref().filter(|_| walk.category.is_none()) {
        // The text after a slash sorts before the same text after a zero, the next character.
        sql.push(" and (category = ").bind(category.to_string());
        sql.push(" or category >= ").bind(format!("{category}/"));
        sql.push(" and category < ").bind(format!("{category}0"));
        sql.push(")");
    }
    if let Some(service) = filter.service {
        sql.push(" and service_id = ").bind(service.0);
    }
    if let Some(ci) = filter.ci.filter(|_| walk.about.is_none()) {
        sql.push(" and (ci_id = ").bind(ci.0).push(" or exists (select 1 from ticket_cis");
        sql.push(" where ticket_cis.org_id = ").bind(org.0);
        sql.push(" and ticket_id = tickets.id and ticket_cis.ci_id = ").bind(ci.0).push("))");
    }
    if let Some(parent) = filter.parent {
        sql.push(" and parent_id = ").bind(parent.0);
    }
    if let Some(text) = &filter.text {
        sql.push_either(" and instr(", " and strpos(").push("short_folded, ");
        sql.bind(text::folded(text)).push(") > 0");
    }
    if let Some(source) = &filter.external_source {
        sql.push(" and external_source = ").bind(source.clone());
    }
    if let Some(id) = &filter.external_id {
        sql.push(" and external_id = ").bind(id.clone());
    }
}

fn filter_by_details(sql: &mut Sql, filter: &TicketFilter, org: OrgId) {
    if let Some(order) = filter.order {
        beside(sql, "requests", org).push(" and order_id = ").bind(order.0).push(")");
    }
    if let Some(problem) = filter.problem {
        is_caused_by(sql, problem, org);
    }
    if let Some(moment) = filter.risk_review_due {
        sql.push(" and outcome_code = 'risk_accepted'");
        beside(sql, "problems", org);
        // What SQLite must read literally to use the index of the few that there are; below, too.
        sql.push(" and risk_review_at is not null and not risk_review_opened");
        sql.push(" and risk_review_at <= ").bind(moment).push(")");
    }
    if let Some(is_one) = filter.known_error {
        // One row by its key for each problem that is looked at; what is no problem has none.
        sql.push(if is_one { " and coalesce((" } else { " and not coalesce((" });
        sql.push("select problems.known_error from problems");
        sql.push(" where problems.org_id = tickets.org_id and problems.ticket_id = tickets.id");
        sql.push("), false)");
    }
    let names = filter.major_states.iter().map(|state| state.as_str());
    if filter.major_states.contains(&MajorState::None) {
        sql.push(" and not exists (select 1 from incidents where org_id = tickets.org_id");
        sql.push(" and ticket_id = tickets.id and major_state not in ").bind_list(names).push(")");
    } else if !filter.major_states.is_empty() {
        beside(sql, "incidents", org).push(" and major_state <> 'none' and major_state in ");
        sql.bind_list(names).push(")");
    }
    if filter.unfinished {
        sql.push(
            " and (active or phase = 'done' and tickets.id in (select ticket_id from incidents",
        );
        sql.push(" where org_id = ").bind(org.0);
        sql.push(" and major_state <> 'none' and major_state = 'review'))");
    }
    if let Some(moment) = filter.silent_at {
        beside(sql, "incidents", org)
            .push(" and major_state <> 'none' and major_state = 'accepted'");
        sql.push(" and not major_update_missed and major_next_update_at <= ")
            .bind(moment)
            .push(")");
    }
}

/// The condition that a problem causes a ticket.
pub(super) fn is_caused_by(sql: &mut Sql, problem: TicketId, org: OrgId) {
    beside(sql, "incidents", org).push(" and problem_id = ").bind(problem.0).push(")");
}

/// Begins the condition that a ticket has such a row in a table beside. A row of what is few leads
/// to its ticket, in whatever order the tickets are wanted.
fn beside<'s>(sql: &'s mut Sql, table: &'static str, org: OrgId) -> &'s mut Sql {
    sql.push(" and tickets.id in (select ticket_id from ").push(table);
    sql.push(" where org_id = ").bind(org.0)
}

fn filter_by_time(sql: &mut Sql, filter: &TicketFilter) {
    for (comparison, moment) in [
        (" and opened_at >= ", filter.opened_from),
        (" and opened_at < ", filter.opened_before),
        (" and updated_at >= ", filter.updated_from),
        (" and updated_at < ", filter.updated_before),
    ] {
        if let Some(moment) = moment {
            sql.push(comparison).bind(moment);
        }
    }
}

/// Whether a column's JSON list holds a text.
fn contains(sql: &mut Sql, column: &'static str, text: String) {
    sql.push_either("exists (select 1 from json_each(", "jsonb_exists(").push(column);
    sql.push_either(") where value = ", ", ").bind(text).push(")");
}
