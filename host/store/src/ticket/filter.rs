//! Lists of tickets: filtered, in a stable order, a page at a time.
//!
//! A page starts after the last ticket of the one before (keyset), so a ticket that comes or goes in between neither
//! repeats nor hides another.

use chrono::{DateTime, Utc};
use waypost_domain::{
    ids::{CiId, OrderId, OrgId, PersonId, ServiceId, TeamId, TicketId},
    incident::MajorState,
    key::CategoryPath,
    ticket::{State, Ticket, TicketKind},
    waiting::WaitingKind,
};

use super::row::{TicketRow, ticket_columns};
use crate::{ReadTx, StoreError, sql::Sql};

/// Which tickets; an empty filter leaves all of the organization's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TicketFilter {
    /// Only of this kind.
    pub kind: Option<TicketKind>,
    /// In one of these states; in any when empty.
    pub states: Vec<State>,
    /// Whether the desk still has to do something.
    pub active: Option<bool>,
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
    /// Whom it concerns: requester, opener, watcher, or who is asked to vote. What a person may see at all who isn't of
    /// the desk; `waypost_domain::permission::sees` says the same of one ticket.
    pub concerns: Option<PersonId>,
    /// With one of these winning priorities; with any when empty.
    pub priorities: Vec<u8>,
    /// In this category or below it.
    pub category: Option<CategoryPath>,
    /// About this service.
    pub service: Option<ServiceId>,
    /// About this CI.
    pub ci: Option<CiId>,
    /// With this tag.
    pub tag: Option<String>,
    /// Part of this ticket.
    pub parent: Option<TicketId>,
    /// Standing there as a major incident; anywhere when empty.
    pub major_states: Vec<MajorState>,
    /// Major incidents whose next update was promised for this moment or earlier, and whose silence nobody was told of yet.
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
    pub degraded: Option<bool>,
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
    const LIST: &str = concat!("select ", ticket_columns!(), " from tickets where org_id = ");
    let mut sql = filtered(tx, LIST, filter);
    if let Some(TicketCursor { priority, at, id }) = after {
        match sort {
            TicketSort::Opened => {
                sql.push(" and (opened_at, id) < (").bind(*at);
            }
            TicketSort::Updated => {
                sql.push(" and (updated_at, id) < (").bind(*at);
            }
            TicketSort::Queue => {
                sql.push(" and (priority, opened_at, id) > (").bind(i64::from(*priority));
                sql.push(", ").bind(*at);
            }
        }
        sql.push(", ").bind(id.0).push(")");
    }
    sql.push(match sort {
        TicketSort::Opened => " order by opened_at desc, id desc",
        TicketSort::Updated => " order by updated_at desc, id desc",
        TicketSort::Queue => " order by priority, opened_at, id",
    });
    sql.push(" limit ").bind(i64::from(limit));
    let rows: Vec<TicketRow> = sql.fetch_all(&mut tx.conn).await?;
    rows.into_iter().map(Ticket::try_from).collect()
}

/// Counts the tickets that a filter leaves.
pub async fn count(tx: &mut ReadTx, filter: &TicketFilter) -> Result<u64, StoreError> {
    const COUNT: &str = "select count(*) from tickets where org_id = ";
    let sql = filtered(tx, COUNT, filter);
    let rows: Vec<(i64,)> = sql.fetch_all(&mut tx.conn).await?;
    Ok(rows.first().and_then(|(count,)| u64::try_from(*count).ok()).unwrap_or(0))
}

/// A statement that selects the filter's tickets of the transaction's organization.
fn filtered(tx: &ReadTx, select: &'static str, filter: &TicketFilter) -> Sql {
    let mut sql = Sql::new(&tx.conn, select);
    sql.bind(tx.org.0);
    filter_by_state(&mut sql, filter);
    filter_by_waiting(&mut sql, filter);
    filter_by_people(&mut sql, filter, tx.org);
    filter_by_subject(&mut sql, filter);
    filter_by_major(&mut sql, filter);
    filter_by_time(&mut sql, filter);
    sql
}

fn filter_by_state(sql: &mut Sql, filter: &TicketFilter) {
    if let Some(kind) = filter.kind {
        sql.push(" and kind = ").bind(kind.as_str());
    }
    if !filter.states.is_empty() {
        sql.push(" and state in ").bind_list(filter.states.iter().map(|state| state.as_str()));
    }
    if let Some(active) = filter.active {
        sql.push(if active { " and active" } else { " and not active" });
    }
    if !filter.priorities.is_empty() {
        let levels = filter.priorities.iter().map(|level| i64::from(*level));
        sql.push(" and priority in ").bind_list(levels);
    }
    if let Some(degraded) = filter.degraded {
        sql.push(if degraded { " and degraded is not null" } else { " and degraded is null" });
    }
}

/// The same order of conditions as `Ticket::waiting_on` of the domain, which the states keep apart.
fn filter_by_waiting(sql: &mut Sql, filter: &TicketFilter) {
    /// When the votes were asked for that a request waits for; none when nobody is asked.
    const ASKED: &str = "(
        select min(requested_at) from approvals join approval_requests
            on approval_requests.org_id = approvals.org_id and approval_requests.approval_id = approvals.id
        where approvals.org_id = tickets.org_id and approvals.ticket_id = tickets.id
            and approval_requests.state = 'requested'
    )";
    const AT_WORK: &str = " and state in ('new', 'in_progress', 'in_fulfilment')";
    if let Some(kind) = filter.waiting_for {
        match kind {
            WaitingKind::Caller | WaitingKind::Vendor | WaitingKind::Evidence => {
                sql.push(" and state = 'on_hold' and hold_awaiting = ").bind(kind.as_str());
            }
            WaitingKind::Assignee => {
                sql.push(AT_WORK).push(" and assignee_id is not null");
            }
            WaitingKind::Team => {
                sql.push(AT_WORK).push(" and assignee_id is null");
            }
            WaitingKind::Approvers => {
                sql.push(" and state = 'awaiting_approval' and ").push(ASKED).push(" is not null");
            }
            WaitingKind::ApproverMissing => {
                sql.push(" and state = 'awaiting_approval' and ").push(ASKED).push(" is null");
            }
            WaitingKind::Confirmation => {
                sql.push(" and state in ('resolved', 'fulfilled')");
            }
        }
    }
    if let Some(moment) = filter.waiting_before {
        sql.push(" and state not in ('rejected', 'closed', 'cancelled')");
        sql.push(" and coalesce(case when state = 'awaiting_approval' then ").push(ASKED);
        sql.push(" end, waiting_since) < ").bind(moment);
    }
}

fn filter_by_people(sql: &mut Sql, filter: &TicketFilter, org: OrgId) {
    if let Some(team) = filter.team {
        sql.push(" and team_id = ").bind(team.0);
    }
    if !filter.teams.is_empty() {
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
    if let Some(person) = filter.concerns {
        concerns(sql.push(" and "), person, org);
    }
}

/// The condition that a ticket concerns a person.
pub(crate) fn concerns(sql: &mut Sql, person: PersonId, org: OrgId) {
    sql.push("(requester_id = ").bind(person.0);
    sql.push(" or opened_by_id = ").bind(person.0);
    sql.push(" or ");
    contains(sql, "watchers", person.0.to_string());
    sql.push(
        " or state = 'awaiting_approval' and id in (
            select ticket_id from approvals join approval_requests
                on approval_requests.org_id = approvals.org_id
                and approval_requests.approval_id = approvals.id
            where approval_requests.state = 'requested' and approval_requests.org_id = ",
    );
    sql.bind(org.0).push(" and (voter_id = ").bind(person.0).push(" or seat_id = ").bind(person.0);
    sql.push(")))");
}

fn filter_by_subject(sql: &mut Sql, filter: &TicketFilter) {
    if let Some(category) = &filter.category {
        // The text after a slash sorts before the same text after a zero, the next character.
        sql.push(" and (category = ").bind(category.to_string());
        sql.push(" or category >= ").bind(format!("{category}/"));
        sql.push(" and category < ").bind(format!("{category}0"));
        sql.push(")");
    }
    if let Some(service) = filter.service {
        sql.push(" and service_id = ").bind(service.0);
    }
    if let Some(ci) = filter.ci {
        sql.push(" and ci_id = ").bind(ci.0);
    }
    if let Some(parent) = filter.parent {
        sql.push(" and parent_id = ").bind(parent.0);
    }
    if let Some(order) = filter.order {
        sql.push(" and order_id = ").bind(order.0);
    }
    if let Some(tag) = &filter.tag {
        sql.push(" and ");
        contains(sql, "tags", tag.clone());
    }
    if let Some(text) = &filter.text {
        sql.push(" and short_folded like ").bind(pattern(text)).push(" escape '\\'");
    }
    if let Some(source) = &filter.external_source {
        sql.push(" and external_source = ").bind(source.clone());
    }
    if let Some(id) = &filter.external_id {
        sql.push(" and external_id = ").bind(id.clone());
    }
}

fn filter_by_major(sql: &mut Sql, filter: &TicketFilter) {
    // What SQLite must read literally to use the index of the few that there are.
    const IS_ONE: &str = " and major_state <> 'none'";
    if !filter.major_states.is_empty() {
        if !filter.major_states.contains(&MajorState::None) {
            sql.push(IS_ONE);
        }
        let names = filter.major_states.iter().map(|state| state.as_str());
        sql.push(" and major_state in ").bind_list(names);
    }
    if let Some(moment) = filter.silent_at {
        sql.push(IS_ONE).push(" and major_state = 'accepted' and not major_update_missed");
        sql.push(" and major_next_update_at <= ").bind(moment);
    }
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

/// A pattern for `like` that finds a folded text anywhere.
fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.to_lowercase().chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}
