//! Numbers that people use: `INC0000042`. Never given twice; gaps are allowed.

use waypost_domain::ticket::TicketKind;

use crate::{StoreError, WriteTx, column::number, conn::on};

/// Takes the next numbers of a kind's series, and returns the first of them as a number.
///
/// The series is locked until the transaction ends, so ask late and for all that are needed at
/// once.
pub async fn next(tx: &mut WriteTx, kind: TicketKind, how_many: u32) -> Result<u64, StoreError> {
    const NEXT: &str = "
        insert into number_series (org_id, kind, last) values ($1, $2, $3)
        on conflict (org_id, kind) do update set last = number_series.last + excluded.last
        returning last";
    let last: i64 = on!(tx, |conn, org| {
        sqlx::query_scalar(NEXT)
            .bind(org)
            .bind(kind.as_str())
            .bind(i64::from(how_many))
            .fetch_one(conn)
            .await?
    });
    let first = last - i64::from(how_many) + 1;
    u64::try_from(first).map_err(|_| StoreError::Corrupt { table: "number_series", column: "last" })
}

/// Gives back the numbers `first..end`, which were taken and never used. It fails, and says so,
/// where somebody has taken numbers behind them: they are a gap then.
pub async fn give_back(
    tx: &mut WriteTx,
    kind: TicketKind,
    first: u64,
    end: u64,
) -> Result<bool, StoreError> {
    const GIVE_BACK: &str = "
        update number_series set last = $3 - 1 where org_id = $1 and kind = $2 and last = $4 - 1";
    let (first, end) = (number("number", first)?, number("number", end)?);
    let changed = on!(tx, |conn, org| {
        sqlx::query(GIVE_BACK)
            .bind(org)
            .bind(kind.as_str())
            .bind(first)
            .bind(end)
            .execute(conn)
            .await?
            .rows_affected()
    });
    Ok(changed > 0)
}

/// A number as people read it: the kind's prefix and at least seven digits.
#[must_use]
pub fn text(kind: TicketKind, number: u64) -> String {
    format!("{}{number:07}", kind.rules().prefix)
}
