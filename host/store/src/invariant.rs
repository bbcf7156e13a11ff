//! Invariants that span several tables, looked over by set queries: each walks an organization's
//! records once.

use uuid::Uuid;
use waypost_domain::invariant::{Invariant, Violation};

use crate::{
    ReadTx, StoreError,
    conn::{Conn, on},
};

/// Lists the tickets of which an invariant is not true, by number, or the teams, by id; at most so
/// many.
pub async fn violations(
    tx: &mut ReadTx,
    invariant: Invariant,
    limit: u32,
) -> Result<Vec<Violation>, StoreError> {
    let query = match invariant {
        Invariant::HistoryIsWhole => HISTORY_IS_WHOLE,
        Invariant::HistoryGoesForward => HISTORY_GOES_FORWARD,
        Invariant::EventsNameTheirActor => EVENTS_NAME_THEIR_ACTOR,
        Invariant::ReopeningsAreCounted => REOPENINGS_ARE_COUNTED,
        Invariant::OpenApprovalIsAwaited => OPEN_APPROVAL_IS_AWAITED,
        Invariant::EndedHasNoOpenTask => ENDED_HAS_NO_OPEN_TASK,
        Invariant::CancelledHasNoChild => CANCELLED_HAS_NO_CHILD,
        Invariant::ChangesAreDated => CHANGES_ARE_DATED,
        Invariant::OpenTicketsAreCounted => return miscounted(tx, limit).await,
        Invariant::ConcernedAreListed => match &tx.conn {
            Conn::Sqlite(_) => CONCERNED_ARE_LISTED_SQLITE,
            Conn::Postgres(_) => CONCERNED_ARE_LISTED_POSTGRES,
        },
        Invariant::TaggedAreListed => match &tx.conn {
            Conn::Sqlite(_) => TAGGED_ARE_LISTED_SQLITE,
            Conn::Postgres(_) => TAGGED_ARE_LISTED_POSTGRES,
        },
    };
    let numbers: Vec<(String,)> = on!(tx, |conn, org| {
        sqlx::query_as(query).bind(org).bind(i64::from(limit)).fetch_all(conn).await?
    });
    Ok(numbers.into_iter().map(|(record,)| Violation { invariant, record }).collect())
}

async fn miscounted(tx: &mut ReadTx, limit: u32) -> Result<Vec<Violation>, StoreError> {
    const MISCOUNTED: &str = "
        select team_id from (
            select team_id, open from team_open where org_id = $1
            union all
            select team_id, -1 from tickets where org_id = $1 and active
        ) as counted
        group by team_id having sum(open) <> 0 order by team_id limit $2";
    let invariant = Invariant::OpenTicketsAreCounted;
    let teams: Vec<(Uuid,)> = on!(tx, |conn, org| {
        sqlx::query_as(MISCOUNTED).bind(org).bind(i64::from(limit)).fetch_all(conn).await?
    });
    Ok(teams.into_iter().map(|(id,)| Violation { invariant, record: id.to_string() }).collect())
}

const HISTORY_IS_WHOLE: &str = "
    select t.number from tickets t
    left join (
        select subject_id, count(*) as events, min(seq) as first, max(seq) as last
        from events where org_id = $1 group by subject_id
    ) h on h.subject_id = t.id
    where t.org_id = $1 and (h.events is null or h.first <> 1 or h.last <> h.events)
    order by t.number limit $2";

const HISTORY_GOES_FORWARD: &str = "
    select t.number from tickets t
    where t.org_id = $1 and t.id in (
        select subject_id from (
            select subject_id, at, lag(at) over (partition by subject_id order by seq) as before
            from events where org_id = $1
        ) e where at < before
    )
    order by t.number limit $2";

const EVENTS_NAME_THEIR_ACTOR: &str = "
    select t.number from tickets t
    where t.org_id = $1 and t.id in (
        select subject_id from events where org_id = $1 and actor = 'user' and actor_id is null
    )
    order by t.number limit $2";

const REOPENINGS_ARE_COUNTED: &str = "
    select t.number from tickets t
    left join (
        select subject_id, count(*) as reopenings from events
        where org_id = $1 and action in ('reopen', 'reanalyze') group by subject_id
    ) r on r.subject_id = t.id
    where t.org_id = $1 and t.reopen_count <> coalesce(r.reopenings, 0)
    order by t.number limit $2";

const OPEN_APPROVAL_IS_AWAITED: &str = "
    select t.number from tickets t
    where t.org_id = $1 and t.kind = 'request' and (t.state = 'awaiting_approval') <> exists (
        select 1 from approvals a
        where a.org_id = $1 and a.subject_id = t.id and a.outcome = 'pending'
    )
    order by t.number limit $2";

// A problem whose risk was accepted is over, and has a task once the risk is to be looked at again.
const ENDED_HAS_NO_OPEN_TASK: &str = "
    select t.number from tickets t
    where t.org_id = $1 and not t.active and not (t.kind = 'problem' and t.phase in ('done', 'closed'))
        and t.id in (
            select parent_id from tickets where org_id = $1 and kind = 'task' and active
        )
    order by t.number limit $2";

const CANCELLED_HAS_NO_CHILD: &str = "
    select t.number from tickets t
    where t.org_id = $1 and t.phase = 'cancelled' and t.id in (
        select parent_id from tickets
        where org_id = $1 and kind = 'incident' and parent_id is not null
            and phase not in ('closed', 'cancelled')
    )
    order by t.number limit $2";

const CHANGES_ARE_DATED: &str = "
    select t.number from tickets t
    where t.org_id = $1 and t.id in (
        select e.subject_id from events e
        join tickets c on c.org_id = e.org_id and c.id = e.subject_id
        where e.org_id = $1 and e.at > c.updated_at
    )
    order by t.number limit $2";

/// Compares what a query finds of tickets with what a table lists of them.
macro_rules! are_listed {
    ($listed:literal, $found:literal) => {
        concat!(
            "with found as (",
            $found,
            "), listed as (",
            $listed,
            " where org_id = $1)
    select t.number from tickets t
    where t.org_id = $1 and t.id in (
        select ticket_id from (select * from found except select * from listed) as missing
        union all
        select ticket_id from (select * from listed except select * from found) as needless
    )
    order by t.number limit $2"
        )
    };
}

const CONCERNED_ARE_LISTED_SQLITE: &str = are_listed!(
    "select ticket_id, person_id from ticket_people",
    "
        select t.id as ticket_id, unhex(w.value, '-') as person_id
        from tickets t join json_each(t.watchers) w where t.org_id = $1
        union
        select ticket_id, person_id from (
            select id as ticket_id,
                case kind when 'task' then assignee_id else nullif(opened_by_id, requester_id) end as person_id
            from tickets where org_id = $1
        ) where person_id is not null
    "
);

const CONCERNED_ARE_LISTED_POSTGRES: &str = are_listed!(
    "select ticket_id, person_id from ticket_people",
    "
        select t.id as ticket_id, person_id
        from tickets t,
            concerned_people(t.kind, t.requester_id, t.opened_by_id, t.assignee_id, t.watchers) as person_id
        where t.org_id = $1
    "
);

const TAGGED_ARE_LISTED_SQLITE: &str = are_listed!(
    "select ticket_id, tag from ticket_tags",
    "select t.id as ticket_id, w.value as tag from tickets t join json_each(t.tags) w where t.org_id = $1"
);

const TAGGED_ARE_LISTED_POSTGRES: &str = are_listed!(
    "select ticket_id, tag from ticket_tags",
    "select t.id as ticket_id, w.tag from tickets t, jsonb_array_elements_text(t.tags) as w (tag) where t.org_id = $1"
);
