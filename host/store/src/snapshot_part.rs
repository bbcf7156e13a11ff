//! Parts of snapshots that many evaluations share: each is kept once, and removed when the last
//! evaluation that can have it has been.

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::{
    ids::{OrgId, SnapshotPartId},
    receipt::SnapshotPart,
};

use crate::{
    ReadTx, StoreError,
    conn::on,
    pack::pack as packed,
    row::{UNLESS_THERE, row},
    write_set::Inserts,
};

row! {
    struct PartRow in "snapshot_parts", columns part_columns {
        id: Uuid,
        org_id: Uuid,
        content: Vec<u8>,
        until: DateTime<Utc>,
    }
}

/// A part as it is stored: compressed before the transaction begins, because others wait for that
/// to end.
#[derive(Debug, Clone)]
pub struct PackedPart(PartRow);

/// Packs an organization's part.
pub fn pack(org: OrgId, part: &SnapshotPart) -> Result<PackedPart, StoreError> {
    let content = packed(&[&part.text])?;
    Ok(PackedPart(PartRow { id: part.id.0, org_id: org.0, content, until: part.until }))
}

/// Adds parts, leaving out those that are there already.
pub async fn keep_many(to: &mut impl Inserts, parts: Vec<PackedPart>) -> Result<(), StoreError> {
    let mut rows: Vec<PartRow> = parts.into_iter().map(|part| part.0).collect();
    rows.sort_by_key(|row| row.id);
    rows.dedup_by_key(|row| row.id);
    to.put(rows, UNLESS_THERE, &[]).await
}

/// Whether a part is there. If it is, it stays for as long as evaluations that have it are made.
pub async fn is_kept(tx: &mut ReadTx, id: SnapshotPartId) -> Result<bool, StoreError> {
    const IS_KEPT: &str = "select count(*) from snapshot_parts where org_id = $1 and id = $2";
    let kept: i64 = on!(tx, |conn, org| {
        sqlx::query_scalar(IS_KEPT).bind(org).bind(id.0).fetch_one(conn).await?
    });
    Ok(kept > 0)
}
