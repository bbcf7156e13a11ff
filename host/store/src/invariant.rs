//! Invariants that span several tables, looked over by set queries: each walks an organization's
//! records once.

use waypost_domain::invariant::{Invariant, Violation};

use crate::{ReadTx, StoreError, conn::on};

/// Lists the tickets of which an invariant is not true, by number, at most so many.
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
    };
    let numbers: Vec<(String,)> = on!(tx, |conn, org| {
        sqlx::query_as(query).bind(org).bind(i64::from(limit)).fetch_all(conn).await?
    });
    Ok(numbers.into_iter().map(|(ticket,)| Violation { invariant, ticket }).collect())
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
