//! Rounds: the snapshot that the decisions about one event of a ticket share.

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::{
    ids::{OrgId, RoundId, TicketId},
    receipt::Round,
};

use crate::{
    ReadTx, StoreError, WriteTx,
    column::Table,
    conn::on,
    pack::{Packer, unpack},
    row::{insert_all, row},
};

const TABLE: Table = Table("rounds");

row! {
    struct RoundRow in "rounds", columns round_columns {
        id: Uuid,
        org_id: Uuid,
        ticket_id: Uuid,
        occasion: String,
        snapshot: Vec<u8>,
        at: DateTime<Utc>,
    }
}

/// Adds a round.
pub async fn insert(tx: &mut WriteTx, round: &Round) -> Result<(), StoreError> {
    insert_many(tx, std::slice::from_ref(round)).await
}

/// Adds many rounds at once.
pub async fn insert_many(tx: &mut WriteTx, rounds: &[Round]) -> Result<(), StoreError> {
    let mut packer = Packer::new()?;
    let rows = rounds
        .iter()
        .map(|round| {
            Ok::<_, StoreError>(RoundRow {
                id: round.id.0,
                org_id: round.org.0,
                ticket_id: round.ticket.0,
                occasion: round.occasion.clone(),
                snapshot: packer.pack(&round.snapshot)?,
                at: round.at,
            })
        })
        .collect::<Result<_, _>>()?;
    insert_all(tx, rows, &[]).await?;
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

/// Lists a ticket's rounds, the oldest first.
pub async fn of_ticket(tx: &mut ReadTx, ticket: TicketId) -> Result<Vec<Round>, StoreError> {
    const LIST: &str = concat!(
        "select ",
        round_columns!(),
        " from rounds where org_id = $1 and ticket_id = $2 order by at, id"
    );
    let rows: Vec<RoundRow> = on!(tx, |conn, org| {
        sqlx::query_as(LIST).bind(org).bind(ticket.0).fetch_all(conn).await?
    });
    rows.into_iter().map(Round::try_from).collect()
}

impl TryFrom<RoundRow> for Round {
    type Error = StoreError;

    fn try_from(row: RoundRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: RoundId(row.id),
            org: OrgId(row.org_id),
            ticket: TicketId(row.ticket_id),
            occasion: row.occasion,
            snapshot: unpack(&row.snapshot).ok_or_else(|| TABLE.corrupt("snapshot"))?,
            at: row.at,
        })
    }
}
