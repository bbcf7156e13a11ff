//! Rounds: the snapshot that the decisions about one event of a record share.

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::{
    ids::{OrgId, RoundId},
    receipt::Round,
    subject::Subject,
};

use crate::{
    ReadTx, StoreError, WriteTx,
    column::Table,
    conn::on,
    pack::{pack as packed, unpack},
    row::{insert_all, row},
};

const TABLE: Table = Table("rounds");

row! {
    struct RoundRow in "rounds", columns round_columns {
        id: Uuid,
        org_id: Uuid,
        subject_kind: String,
        subject_id: Uuid,
        occasion: String,
        snapshot: Vec<u8>,
        at: DateTime<Utc>,
    }
}

/// A round as it is stored: compressed before the transaction begins, because others wait for that
/// to end.
#[derive(Debug, Clone)]
pub struct PackedRound(RoundRow);

/// Packs a round.
pub fn pack(round: Round) -> Result<PackedRound, StoreError> {
    Ok(PackedRound(RoundRow {
        id: round.id.0,
        org_id: round.org.0,
        subject_kind: round.subject.kind().as_str().to_owned(),
        subject_id: round.subject.id(),
        snapshot: packed(&round.snapshot)?,
        occasion: round.occasion,
        at: round.at,
    }))
}

/// Adds rounds.
pub async fn insert_many(tx: &mut WriteTx, rounds: Vec<PackedRound>) -> Result<(), StoreError> {
    insert_all(tx, rounds.into_iter().map(|round| round.0).collect(), &[]).await?;
    Ok(())
}

/// Reads one round.
pub async fn find(tx: &mut ReadTx, id: RoundId) -> Result<Option<Round>, StoreError> {
    const FIND: &str =
        concat!("select ", round_columns!(), " from rounds where org_id = $1 and id = $2");
    let row: Option<RoundRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(id.0).fetch_optional(conn).await?
    });
    row.map(Round::try_from).transpose()
}

/// Lists a record's rounds, the oldest first.
pub async fn of(tx: &mut ReadTx, subject: Subject) -> Result<Vec<Round>, StoreError> {
    const LIST: &str = concat!(
        "select ",
        round_columns!(),
        " from rounds where org_id = $1 and subject_id = $2 order by at, id"
    );
    let rows: Vec<RoundRow> = on!(tx, |conn, org| {
        sqlx::query_as(LIST).bind(org).bind(subject.id()).fetch_all(conn).await?
    });
    rows.into_iter().map(Round::try_from).collect()
}

impl TryFrom<RoundRow> for Round {
    type Error = StoreError;

    fn try_from(row: RoundRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: RoundId(row.id),
            org: OrgId(row.org_id),
            subject: TABLE.subject(&row.subject_kind, row.subject_id)?,
            occasion: row.occasion,
            snapshot: unpack(&row.snapshot).ok_or_else(|| TABLE.corrupt("snapshot"))?,
            at: row.at,
        })
    }
}
