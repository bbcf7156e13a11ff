//! Passwords of people, as they are kept, and how often they were tried.

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::{
    ids::{OrgId, PersonId},
    password::{PasswordHash, TRY_WINDOW, Tries},
    text,
};

use crate::{
    ReadTx, Store, StoreError, SystemTx, WriteTx,
    conn::{Conn, on, on_conn},
    person::person_columns,
    row::{insert_in, row},
    sign_in::{Member, MemberRow},
    sql::Sql,
    sweep::{Sweep, sweep},
};

/// Tries that were counted from before a moment on.
pub const TRIES: Sweep = sweep!("password_tries" by "address_hash" where "since" " < $1");

row! {
    struct PasswordRow in "passwords", columns password_columns {
        org_id: Uuid,
        person_id: Uuid,
        phc: String,
        set_at: DateTime<Utc>,
    }
}

/// A password, with whose it is.
#[derive(sqlx::FromRow)]
struct KnownRow {
    phc: String,
    set_at: DateTime<Utc>,
    #[sqlx(flatten)]
    member: MemberRow,
}

/// Sets a person's password, in place of an earlier one.
pub async fn put(tx: &mut WriteTx, password: &PasswordHash) -> Result<(), StoreError> {
    const INSTEAD: &str = " on conflict (org_id, person_id)
        do update set phc = excluded.phc, set_at = excluded.set_at";
    let row = PasswordRow {
        org_id: password.org.0,
        person_id: password.person.0,
        phc: password.phc.clone(),
        set_at: password.set_at,
    };
    insert_in(tx, vec![row], INSTEAD, &[]).await?;
    Ok(())
}

/// Keeps the same password in this way, and says whether it is still there: it may have been
/// changed or removed meanwhile. Until the transaction ends, nobody does that.
pub async fn renew(
    tx: &mut WriteTx,
    password: &PasswordHash,
    phc: &str,
) -> Result<bool, StoreError> {
    const RENEW: &str =
        "update passwords set phc = $4 where org_id = $1 and person_id = $2 and phc = $3";
    let renewed = on!(tx, |conn, org| {
        sqlx::query(RENEW)
            .bind(org)
            .bind(password.person.0)
            .bind(password.phc.as_str())
            .bind(phc)
            .execute(conn)
            .await?
            .rows_affected()
    });
    Ok(renewed > 0)
}

/// Removes a person's password, and says whether there was one.
pub async fn remove(tx: &mut WriteTx, person: PersonId) -> Result<bool, StoreError> {
    const REMOVE: &str = "delete from passwords where org_id = $1 and person_id = $2";
    let removed = on!(tx, |conn, org| {
        sqlx::query(REMOVE).bind(org).bind(person.0).execute(conn).await?.rows_affected()
    });
    Ok(removed > 0)
}

/// Reads a person's password, if they have one.
pub async fn of_person(
    tx: &mut ReadTx,
    person: PersonId,
) -> Result<Option<PasswordHash>, StoreError> {
    const FIND: &str = concat!(
        "select ",
        password_columns!(),
        " from passwords where org_id = $1 and person_id = $2"
    );
    let row: Option<PasswordRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(person.0).fetch_optional(conn).await?
    });
    Ok(row.map(PasswordHash::from))
}

/// Reads the passwords of people of all organizations who have this address and have not left, each
/// with whose it is, at most so many: that in the organization with this key, then those of the
/// oldest accounts. Whoever makes more accounts with the address pushes none of them out.
pub async fn at_address(
    store: &Store,
    address: &str,
    asked: Option<&str>,
    most: u32,
) -> Result<Vec<(PasswordHash, Member)>, StoreError> {
    const SELECT: &str = concat!(
        "select w.phc, w.set_at, o.key as org_key, o.name as org_name, ",
        person_columns!("p."),
        " from people p join passwords w on w.org_id = p.org_id and w.person_id = p.id
        join organizations o on o.id = p.org_id
        where p.active and p.email_folded = "
    );
    let statement = |conn: &Conn| {
        let mut sql = Sql::new(conn, SELECT);
        sql.bind(text::uncased(address));
        sql.push(" order by case when o.key = ").bind(asked.map(str::to_owned));
        sql.push(" then 0 else 1 end, p.id limit ").bind(i64::from(most));
        sql
    };
    let found = |row: KnownRow| -> Result<(PasswordHash, Member), StoreError> {
        let member = Member::try_from(row.member)?;
        let (org, person) = (member.person.org, member.person.id);
        Ok((PasswordHash { org, person, phc: row.phc, set_at: row.set_at }, member))
    };
    let rows: Vec<KnownRow> = store.look(statement).await?;
    rows.into_iter().map(found).collect()
}

/// Counts a try at an address, of which this is the hash, and says how many there were within the
/// window. Of those who try at the same moment, each is told another number.
pub async fn count_try(
    tx: &mut SystemTx,
    address: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<Tries, StoreError> {
    const COUNT: &str = "
        insert into password_tries (address_hash, since, count) values ($1, $2, 1)
        on conflict (address_hash) do update set
            count = case when password_tries.since > $3 then password_tries.count + 1 else 1 end,
            since = case when password_tries.since > $3 then password_tries.since else excluded.since end
        returning since, count";
    let (since, count): (DateTime<Utc>, i64) = on_conn!(&mut tx.conn, |conn| {
        sqlx::query_as(COUNT)
            .bind(address.to_vec())
            .bind(now)
            .bind(now - TRY_WINDOW)
            .fetch_one(conn)
            .await?
    });
    Ok(Tries { since, count: u32::try_from(count).unwrap_or(u32::MAX) })
}

/// Takes one try at an address back, of those within the window that began then: it was right, or
/// nobody looked. What others tried stays counted.
pub async fn take_try_back(
    tx: &mut SystemTx,
    address: &[u8; 32],
    since: DateTime<Utc>,
) -> Result<(), StoreError> {
    const TAKE_BACK: &str = "
        update password_tries set count = count - 1
        where address_hash = $1 and since = $2 and count > 0";
    on_conn!(&mut tx.conn, |conn| {
        sqlx::query(TAKE_BACK).bind(address.to_vec()).bind(since).execute(conn).await.map(drop)?;
    });
    Ok(())
}

impl From<PasswordRow> for PasswordHash {
    fn from(row: PasswordRow) -> Self {
        Self {
            org: OrgId(row.org_id),
            person: PersonId(row.person_id),
            phc: row.phc,
            set_at: row.set_at,
        }
    }
}
