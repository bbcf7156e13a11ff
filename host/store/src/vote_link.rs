//! Links with which people vote by a letter. Only hashes of their secrets are kept.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::{
    ids::{ApprovalRequestId, MessageId, OrgId, PersonId, VoteLinkId},
    person::Person,
    vote_link::VoteLink,
};

use crate::{
    Store, StoreError, WriteTx,
    column::Table,
    conn::{Conn, on},
    person::{PersonRow, person_columns},
    row::{insert_all, row},
    sql::Sql,
    sweep::{Sweep, sweep},
};

const LINKS: Table = Table("vote_links");

/// Links that expired before a moment.
pub const EXPIRED: Sweep = sweep!("vote_links" by "org_id, id" where "expires_at" " < $1");

row! {
    struct LinkRow in "vote_links", columns link_columns {
        id: Uuid,
        org_id: Uuid,
        person_id: Uuid,
        request_id: Uuid,
        message_id: Uuid,
        hash: Vec<u8>,
        created_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
        used_at: Option<DateTime<Utc>>,
    }
}

#[derive(Debug, sqlx::FromRow)]
struct FoundRow {
    link_id: Uuid,
    request_id: Uuid,
    message_id: Uuid,
    hash: Vec<u8>,
    made_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    used_at: Option<DateTime<Utc>>,
    #[sqlx(flatten)]
    person: PersonRow,
}

#[derive(Debug, sqlx::FromRow)]
struct AddressRow {
    id: Uuid,
    email_folded: String,
}

/// Reads the addresses, as they are compared, of those of these people who are active in the
/// transaction's organization. They keep both until it is over, so that no change of a person that
/// ends links misses those that are added in it.
pub async fn addresses(
    tx: &mut WriteTx,
    people: &[PersonId],
) -> Result<BTreeMap<PersonId, String>, StoreError> {
    if people.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut sql = Sql::new(
        &tx.conn,
        "select id, email_folded from people where active and email_folded is not null and org_id = ",
    );
    sql.bind(tx.org.0).push(" and id in ").bind_list(people.iter().map(|id| id.0));
    // On SQLite, whoever writes is alone.
    sql.push_either("", " order by id for share");
    let rows: Vec<AddressRow> = sql.fetch_all(&mut tx.conn).await?;
    Ok(rows.into_iter().map(|row| (PersonId(row.id), row.email_folded)).collect())
}

/// Adds links of the transaction's organization.
pub async fn insert(tx: &mut WriteTx, links: &[VoteLink]) -> Result<(), StoreError> {
    insert_all(tx, links.iter().map(LinkRow::from).collect(), &[]).await?;
    Ok(())
}

/// Reads the link whose secret has this hash, with its person, whichever organization's they are
/// and however old it is. One whose person has left is not found, nor one whose vote is not asked
/// of its person now: that costs what a secret costs that nobody ever had.
pub async fn find(
    store: &Store,
    hash: &[u8; 32],
) -> Result<Option<(VoteLink, Person)>, StoreError> {
    const SELECT: &str = concat!(
        "select l.id as link_id, l.request_id, l.message_id, l.hash, l.created_at as made_at, l.expires_at,
            l.used_at, ",
        person_columns!("p."),
        " from vote_links l
        join people p on p.id = l.person_id and p.org_id = l.org_id and p.active
        join approval_requests r on r.org_id = l.org_id and r.id = l.request_id
            and r.voter_id = l.person_id and r.state = 'requested'
        where l.hash = "
    );
    let statement = |conn: &Conn| {
        let mut sql = Sql::new(conn, SELECT);
        sql.bind(hash.to_vec());
        sql
    };
    let mut rows: Vec<FoundRow> = store.look(statement).await?;
    let Some(row) = rows.pop() else { return Ok(None) };
    let person = Person::try_from(row.person)?;
    let link = VoteLink {
        id: VoteLinkId(row.link_id),
        org: person.org,
        person: person.id,
        request: ApprovalRequestId(row.request_id),
        message: MessageId(row.message_id),
        hash: row.hash.try_into().map_err(|_| LINKS.corrupt("hash"))?,
        created_at: row.made_at,
        expires_at: row.expires_at,
        used_at: row.used_at,
    };
    Ok(Some((link, person)))
}

/// Uses up a link, and says whether it still was one: not used, ended or expired.
pub async fn use_one(
    tx: &mut WriteTx,
    link: VoteLinkId,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    const USE: &str = "
        update vote_links set used_at = $3
        where org_id = $1 and id = $2 and used_at is null and expires_at > $3";
    Ok(on!(tx, |conn, org| {
        sqlx::query(USE).bind(org).bind(link.0).bind(now).execute(conn).await?.rows_affected() > 0
    }))
}

/// Uses up all links of a person for one request, and says how many they were.
pub async fn use_up(
    tx: &mut WriteTx,
    person: PersonId,
    request: ApprovalRequestId,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    const USE: &str = "
        update vote_links set used_at = $4
        where org_id = $1 and person_id = $2 and request_id = $3 and used_at is null";
    Ok(on!(tx, |conn, org| {
        sqlx::query(USE)
            .bind(org)
            .bind(person.0)
            .bind(request.0)
            .bind(now)
            .execute(conn)
            .await?
            .rows_affected()
    }))
}

/// Ends all links of a person, whatever they are for, and says how many they were.
pub async fn end_all(
    tx: &mut WriteTx,
    person: PersonId,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    const END: &str = "
        update vote_links set used_at = $3
        where org_id = $1 and person_id = $2 and used_at is null";
    Ok(on!(tx, |conn, org| {
        sqlx::query(END).bind(org).bind(person.0).bind(now).execute(conn).await?.rows_affected()
    }))
}

impl From<&VoteLink> for LinkRow {
    fn from(link: &VoteLink) -> Self {
        let OrgId(org_id) = link.org;
        Self {
            id: link.id.0,
            org_id,
            person_id: link.person.0,
            request_id: link.request.0,
            message_id: link.message.0,
            hash: link.hash.to_vec(),
            created_at: link.created_at,
            expires_at: link.expires_at,
            used_at: link.used_at,
        }
    }
}
