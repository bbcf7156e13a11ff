//! Pauses of bindings: what one process found out by failures, for all the others.

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::{
    binding::{Hook, Pause},
    ids::BindingId,
};

use crate::{ReadTx, StoreError, WriteTx, column::Table, conn::on};

const TABLE: Table = Table("binding_pauses");

#[derive(Debug, sqlx::FromRow)]
struct PauseRow {
    binding_id: Uuid,
    revision: i64,
    hook: String,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
}

/// Notes a pause of one of the organization's own bindings, in place of an earlier one.
pub async fn put(tx: &mut WriteTx, pause: &Pause) -> Result<(), StoreError> {
    const PUT: &str = "
        insert into binding_pauses (org_id, binding_id, revision, hook, since, until)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (org_id, binding_id, revision, hook)
        do update set since = excluded.since, until = excluded.until";
    on!(tx, |conn, org| {
        sqlx::query(PUT)
            .bind(org)
            .bind(pause.binding.0)
            .bind(pause.revision)
            .bind(pause.hook.as_str())
            .bind(pause.since)
            .bind(pause.until)
            .execute(conn)
            .await?;
    });
    Ok(())
}

/// Ends the pause of a revision at a hook, if there is one.
pub async fn end(
    tx: &mut WriteTx,
    binding: BindingId,
    revision: i64,
    hook: Hook,
) -> Result<(), StoreError> {
    const END: &str = "
        delete from binding_pauses
        where org_id = $1 and binding_id = $2 and revision = $3 and hook = $4";
    on!(tx, |conn, org| {
        sqlx::query(END)
            .bind(org)
            .bind(binding.0)
            .bind(revision)
            .bind(hook.as_str())
            .execute(conn)
            .await?;
    });
    Ok(())
}

/// Ends all pauses of a binding.
pub async fn end_all(tx: &mut WriteTx, binding: BindingId) -> Result<(), StoreError> {
    const END_ALL: &str = "delete from binding_pauses where org_id = $1 and binding_id = $2";
    on!(tx, |conn, org| {
        sqlx::query(END_ALL).bind(org).bind(binding.0).execute(conn).await?;
    });
    Ok(())
}

/// Reads the pauses of the organization's bindings, and of those of the layers above.
pub async fn in_force(tx: &mut ReadTx) -> Result<Vec<Pause>, StoreError> {
    const IN_FORCE: &str = "
        select p.binding_id, p.revision, p.hook, p.since, p.until
        from organization_lines l join binding_pauses p on p.org_id = l.ancestor_id
        where l.org_id = $1";
    let rows: Vec<PauseRow> =
        on!(tx, |conn, org| sqlx::query_as(IN_FORCE).bind(org).fetch_all(conn).await?);
    rows.into_iter().map(Pause::try_from).collect()
}

impl TryFrom<PauseRow> for Pause {
    type Error = StoreError;

    fn try_from(row: PauseRow) -> Result<Self, StoreError> {
        Ok(Self {
            binding: BindingId(row.binding_id),
            revision: row.revision,
            hook: TABLE.parse("hook", &row.hook)?,
            since: row.since,
            until: row.until,
        })
    }
}
