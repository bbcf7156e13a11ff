//! What is due: which organizations have something for upkeep to do.
//!
//! Asked of all of them at once, so that those in which nothing is due cost a look at some indexes.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::ids::OrgId;

use crate::{StoreError, SystemReadTx, sql::Sql};

/// What an organization may have to be looked after.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each says whether there is some of a kind")]
pub struct Due {
    /// Tickets that are resolved or fulfilled, and may be closed.
    pub done: bool,
    /// Tickets that somebody owns, who may have left.
    pub open: bool,
    /// Rounds of approval that are not decided, whose voters may have left.
    pub pending: bool,
    /// Votes that have waited for long, or are due.
    pub stalled: bool,
    /// Major incidents whose promised update was not given.
    pub silent: bool,
    /// Accepted risks that are to be looked at again.
    pub risks: bool,
}

#[derive(sqlx::FromRow)]
#[expect(clippy::struct_excessive_bools, reason = "each says whether there is some of a kind")]
struct DueRow {
    org_id: Uuid,
    done: bool,
    open: bool,
    pending: bool,
    stalled: bool,
    silent: bool,
    risks: bool,
}

/// Says what each organization may have to be looked after; one that is not there has nothing.
/// Votes have waited for long if they were asked for before `asked_before`.
pub async fn of_all(
    tx: &mut SystemReadTx,
    asked_before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<BTreeMap<OrgId, Due>, StoreError> {
    let mut sql = Sql::new(
        &tx.conn,
        "select id as org_id,
            exists (
                select 1 from tickets where org_id = o.id and kind in ('incident', 'request')
                    and phase in ('done', 'rejected', 'cancelled') and phase = 'done'
            ) as done,
            exists (select 1 from tickets",
    );
    sql.push_either(" indexed by tickets_open", "");
    sql.push(
        " where org_id = o.id and active) as open,
            exists (select 1 from approvals where org_id = o.id and outcome = 'pending') as pending,
            exists (
                select 1 from approval_requests where org_id = o.id and state = 'requested'
                    and (requested_at < ",
    );
    sql.bind(asked_before).push(" or due_at <= ").bind(now);
    sql.push(
        ")
            ) as stalled,
            exists (
                select 1 from incidents where org_id = o.id and major_state <> 'none'
                    and major_state = 'accepted' and not major_update_missed
                    and major_next_update_at <= ",
    );
    sql.bind(now);
    sql.push(
        "
            ) as silent,
            exists (
                select 1 from problems where org_id = o.id and risk_review_at is not null
                    and not risk_review_opened and risk_review_at <= ",
    );
    sql.bind(now).push(
        "
            ) as risks
        from organizations o",
    );
    let rows: Vec<DueRow> = sql.fetch_all(&mut tx.conn).await?;
    let due = rows.into_iter().map(|row| {
        let DueRow { org_id, done, open, pending, stalled, silent, risks } = row;
        (OrgId(org_id), Due { done, open, pending, stalled, silent, risks })
    });
    Ok(due.filter(|(_, due)| *due != Due::default()).collect())
}
