//! Sign-ins of people, and the links that begin one. Only hashes of their secrets are kept.

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::{
    ids::{OrgId, PersonId, SignInId, SignInLinkId},
    person::Person,
    sign_in::{SignIn, SignInLink},
    text,
};

use crate::{
    ReadTx, Store, StoreError, WriteTx,
    column::Table,
    conn::{Conn, on},
    person::{PersonRow, person_columns},
    row::{insert_all, row},
    sql::Sql,
    sweep::{Sweep, sweep},
};

const SIGN_INS: Table = Table("sign_ins");
const LINKS: Table = Table("sign_in_links");

/// Sign-ins that began before a moment, and links that expired before it.
pub const OLD: [Sweep; 2] = [
    sweep!("sign_ins" by "org_id, id" where "created_at" " < $1"),
    sweep!("sign_in_links" by "org_id, id" where "expires_at" " < $1"),
];

row! {
    struct SignInRow in "sign_ins", columns sign_in_columns {
        id: Uuid,
        org_id: Uuid,
        person_id: Uuid,
        hash: Vec<u8>,
        device: String,
        created_at: DateTime<Utc>,
        used_at: DateTime<Utc>,
        ended_at: Option<DateTime<Utc>>,
        proven_at: Option<DateTime<Utc>>,
    }
}

row! {
    struct LinkRow in "sign_in_links", columns link_columns {
        id: Uuid,
        org_id: Uuid,
        person_id: Uuid,
        purpose: String,
        hash: Vec<u8>,
        created_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
        used_at: Option<DateTime<Utc>>,
    }
}

/// A sign-in that a browser shows, with what decides what its person may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The sign-in.
    pub sign_in: SignIn,
    /// Its person, whether they are still there or have left.
    pub person: Person,
    /// The key of the person's organization.
    pub home: String,
    /// The organization that was asked for, if it is the person's or somewhere below it.
    pub reached: Option<OrgId>,
}

/// A person, with the names of their organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The person.
    pub person: Person,
    /// The key of their organization.
    pub org_key: String,
    /// Its name.
    pub org_name: String,
}

#[derive(Debug, sqlx::FromRow)]
struct SignInOfRow {
    sign_in_id: Uuid,
    hash: Vec<u8>,
    device: String,
    created_at: DateTime<Utc>,
    used_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    proven_at: Option<DateTime<Utc>>,
    home: String,
    reached_id: Option<Uuid>,
    #[sqlx(flatten)]
    person: PersonRow,
}

#[derive(Debug, sqlx::FromRow)]
pub(crate) struct MemberRow {
    org_key: String,
    org_name: String,
    #[sqlx(flatten)]
    person: PersonRow,
}

#[derive(Debug, sqlx::FromRow)]
struct LinkOfRow {
    link_id: Uuid,
    purpose: String,
    hash: Vec<u8>,
    made_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    used_at: Option<DateTime<Utc>>,
    #[sqlx(flatten)]
    member: MemberRow,
}

/// Adds a sign-in.
pub async fn insert(tx: &mut WriteTx, sign_in: &SignIn) -> Result<(), StoreError> {
    insert_all(tx, vec![SignInRow::from(sign_in)], &[]).await?;
    Ok(())
}

/// Reads the sign-in whose secret has this hash, whichever organization's its person is, and
/// however old. `asked` is the key of an organization; one that is elsewhere costs what one costs
/// that is nowhere.
pub async fn shown(
    store: &Store,
    hash: &[u8; 32],
    asked: Option<&str>,
) -> Result<Option<Shown>, StoreError> {
    const SELECT: &str = concat!(
        "select s.id as sign_in_id, s.hash, s.device, s.created_at, s.used_at, s.ended_at, s.proven_at,
            h.key as home, ",
        person_columns!("p."),
        ", (
            select l.org_id from organization_lines l join organizations o on o.id = l.org_id
            where l.ancestor_id = s.org_id and o.key = "
    );
    const FROM: &str = ") as reached_id
        from sign_ins s
        join people p on p.id = s.person_id and p.org_id = s.org_id
        join organizations h on h.id = s.org_id
        where s.hash = ";
    let statement = |conn: &Conn| {
        let mut sql = Sql::new(conn, SELECT);
        sql.bind(asked.map(str::to_owned)).push(FROM).bind(hash.to_vec());
        sql
    };
    let mut rows: Vec<SignInOfRow> = store.look(statement).await?;
    rows.pop().map(Shown::try_from).transpose()
}

/// Reads the people of all organizations who have this address and have not left, at most so many:
/// that of the organization with this key, then the oldest accounts. Whoever makes more accounts
/// with the address pushes nobody out.
pub async fn members_at(
    store: &Store,
    address: &str,
    asked: Option<&str>,
    most: u32,
) -> Result<Vec<Member>, StoreError> {
    const SELECT: &str = concat!(
        "select o.key as org_key, o.name as org_name, ",
        person_columns!("p."),
        " from people p join organizations o on o.id = p.org_id where p.active and p.email_folded = "
    );
    let statement = |conn: &Conn| {
        let mut sql = Sql::new(conn, SELECT);
        sql.bind(text::uncased(address));
        sql.push(" order by case when o.key = ").bind(asked.map(str::to_owned));
        sql.push(" then 0 else 1 end, p.id limit ").bind(i64::from(most));
        sql
    };
    let rows: Vec<MemberRow> = store.look(statement).await?;
    rows.into_iter().map(Member::try_from).collect()
}

/// Whether anybody is in the directory of any organization.
pub async fn is_anybody_there(store: &Store) -> Result<bool, StoreError> {
    const SELECT: &str = "select id from people limit 1";
    let people: Vec<(Uuid,)> = store.look(|conn: &Conn| Sql::new(conn, SELECT)).await?;
    Ok(!people.is_empty())
}

/// Notes that a sign-in was used.
pub async fn note_use(
    tx: &mut WriteTx,
    id: SignInId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const NOTE: &str =
        "update sign_ins set used_at = $3 where org_id = $1 and id = $2 and used_at < $3";
    on!(tx, |conn, org| {
        sqlx::query(NOTE).bind(org).bind(id.0).bind(now).execute(conn).await.map(drop)?;
    });
    Ok(())
}

/// Notes that the person of a sign-in proved again who they are, and that their browser keeps
/// another secret from now on, of which this is the hash. `Stale` for one that was ended.
pub async fn prove(
    tx: &mut WriteTx,
    id: SignInId,
    hash: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const PROVE: &str = "
        update sign_ins set hash = $3, proven_at = $4
        where org_id = $1 and id = $2 and ended_at is null";
    let proven = on!(tx, |conn, org| {
        sqlx::query(PROVE)
            .bind(org)
            .bind(id.0)
            .bind(hash.to_vec())
            .bind(now)
            .execute(conn)
            .await?
            .rows_affected()
    });
    if proven > 0 { Ok(()) } else { Err(StoreError::Stale) }
}

/// Makes sure that a sign-in of a person was not ended; until the transaction ends, nobody ends it.
/// `Stale` for one that was.
pub async fn must_hold(tx: &mut WriteTx, person: PersonId, id: SignInId) -> Result<(), StoreError> {
    const HOLD: &str = "
        update sign_ins set used_at = used_at
        where org_id = $1 and id = $2 and person_id = $3 and ended_at is null";
    let held = on!(tx, |conn, org| {
        sqlx::query(HOLD).bind(org).bind(id.0).bind(person.0).execute(conn).await?.rows_affected()
    });
    if held > 0 { Ok(()) } else { Err(StoreError::Stale) }
}

/// Lists the sign-ins of a person that were not ended, the latest first.
pub async fn of_person(tx: &mut ReadTx, person: PersonId) -> Result<Vec<SignIn>, StoreError> {
    const LIST: &str = concat!(
        "select ",
        sign_in_columns!(),
        " from sign_ins where org_id = $1 and person_id = $2 and ended_at is null order by created_at desc, id desc"
    );
    let rows: Vec<SignInRow> =
        on!(tx, |conn, org| sqlx::query_as(LIST).bind(org).bind(person.0).fetch_all(conn).await?);
    rows.into_iter().map(SignIn::try_from).collect()
}

/// Ends a sign-in of a person, and says whether it was there. One that is not theirs, or ended
/// before, stays as it is.
pub async fn end(
    tx: &mut WriteTx,
    person: PersonId,
    id: SignInId,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    const END: &str = "
        update sign_ins set ended_at = $4
        where org_id = $1 and id = $2 and person_id = $3 and ended_at is null";
    let ended = on!(tx, |conn, org| {
        let query = sqlx::query(END).bind(org).bind(id.0).bind(person.0).bind(now);
        query.execute(conn).await?.rows_affected()
    });
    Ok(ended > 0)
}

/// Ends all sign-ins of a person but one, and says how many.
pub async fn end_others(
    tx: &mut WriteTx,
    person: PersonId,
    but: Option<SignInId>,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    const END: &str = "
        update sign_ins set ended_at = $4
        where org_id = $1 and person_id = $2 and id <> $3 and ended_at is null";
    let but = but.map_or(Uuid::nil(), |id| id.0);
    Ok(on!(tx, |conn, org| {
        sqlx::query(END)
            .bind(org)
            .bind(person.0)
            .bind(but)
            .bind(now)
            .execute(conn)
            .await?
            .rows_affected()
    }))
}

/// Adds a link.
pub async fn insert_link(tx: &mut WriteTx, link: &SignInLink) -> Result<(), StoreError> {
    insert_all(tx, vec![LinkRow::from(link)], &[]).await?;
    Ok(())
}

/// Reads the link whose secret has this hash, with whom it signs in; whichever organization's they
/// are, and however old it is. Nobody who has left is found.
pub async fn find_link(
    store: &Store,
    hash: &[u8; 32],
) -> Result<Option<(SignInLink, Member)>, StoreError> {
    const SELECT: &str = concat!(
        "select l.id as link_id, l.purpose, l.hash, l.created_at as made_at, l.expires_at, l.used_at,
            o.key as org_key, o.name as org_name, ",
        person_columns!("p."),
        " from sign_in_links l
        join people p on p.id = l.person_id and p.org_id = l.org_id and p.active
        join organizations o on o.id = l.org_id
        where l.hash = "
    );
    let statement = |conn: &Conn| {
        let mut sql = Sql::new(conn, SELECT);
        sql.bind(hash.to_vec());
        sql
    };
    let mut rows: Vec<LinkOfRow> = store.look(statement).await?;
    let Some(row) = rows.pop() else { return Ok(None) };
    let member = Member::try_from(row.member)?;
    let link = SignInLink {
        id: SignInLinkId(row.link_id),
        org: member.person.org,
        person: member.person.id,
        purpose: LINKS.parse("purpose", &row.purpose)?,
        hash: row.hash.try_into().map_err(|_| LINKS.corrupt("hash"))?,
        created_at: row.made_at,
        expires_at: row.expires_at,
        used_at: row.used_at,
    };
    Ok(Some((link, member)))
}

/// Uses a link up, and all others of its person with it. `Stale` when somebody was first.
pub async fn use_link(
    tx: &mut WriteTx,
    link: &SignInLink,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let used = use_links(tx, link.person, now).await?;
    if used.contains(&link.id.0) { Ok(()) } else { Err(StoreError::Stale) }
}

/// Uses up all links of a person, so that none of them signs anybody in.
pub async fn end_links(
    tx: &mut WriteTx,
    person: PersonId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    use_links(tx, person, now).await.map(drop)
}

/// Uses up all links of a person, and returns which.
async fn use_links(
    tx: &mut WriteTx,
    person: PersonId,
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, StoreError> {
    // One statement: two links of a person that are used at the same moment wait for each other.
    const USE: &str = "
        update sign_in_links set used_at = $3
        where org_id = $1 and person_id = $2 and used_at is null returning id";
    let used: Vec<(Uuid,)> = on!(tx, |conn, org| {
        sqlx::query_as(USE).bind(org).bind(person.0).bind(now).fetch_all(conn).await?
    });
    Ok(used.into_iter().map(|(id,)| id).collect())
}

/// Ends all sign-ins of a person and all links that could begin one, and says how many sign-ins
/// they were.
pub async fn end_all(
    tx: &mut WriteTx,
    person: PersonId,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    use_links(tx, person, now).await?;
    end_others(tx, person, None, now).await
}

impl From<&SignIn> for SignInRow {
    fn from(sign_in: &SignIn) -> Self {
        Self {
            id: sign_in.id.0,
            org_id: sign_in.org.0,
            person_id: sign_in.person.0,
            hash: sign_in.hash.to_vec(),
            device: sign_in.device.clone(),
            created_at: sign_in.created_at,
            used_at: sign_in.used_at,
            ended_at: sign_in.ended_at,
            proven_at: Some(sign_in.proven_at),
        }
    }
}

impl TryFrom<SignInRow> for SignIn {
    type Error = StoreError;

    fn try_from(row: SignInRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: SignInId(row.id),
            org: OrgId(row.org_id),
            person: PersonId(row.person_id),
            hash: row.hash.try_into().map_err(|_| SIGN_INS.corrupt("hash"))?,
            device: row.device,
            created_at: row.created_at,
            used_at: row.used_at,
            proven_at: row.proven_at.unwrap_or(row.created_at),
            ended_at: row.ended_at,
        })
    }
}

impl TryFrom<SignInOfRow> for Shown {
    type Error = StoreError;

    fn try_from(row: SignInOfRow) -> Result<Self, StoreError> {
        let person = Person::try_from(row.person)?;
        let sign_in = SignIn {
            id: SignInId(row.sign_in_id),
            org: person.org,
            person: person.id,
            hash: row.hash.try_into().map_err(|_| SIGN_INS.corrupt("hash"))?,
            device: row.device,
            created_at: row.created_at,
            used_at: row.used_at,
            proven_at: row.proven_at.unwrap_or(row.created_at),
            ended_at: row.ended_at,
        };
        Ok(Self { sign_in, person, home: row.home, reached: row.reached_id.map(OrgId) })
    }
}

impl TryFrom<MemberRow> for Member {
    type Error = StoreError;

    fn try_from(row: MemberRow) -> Result<Self, StoreError> {
        let person = row.person.try_into()?;
        Ok(Self { person, org_key: row.org_key, org_name: row.org_name })
    }
}

impl From<&SignInLink> for LinkRow {
    fn from(link: &SignInLink) -> Self {
        Self {
            id: link.id.0,
            org_id: link.org.0,
            person_id: link.person.0,
            purpose: link.purpose.as_str().to_owned(),
            hash: link.hash.to_vec(),
            created_at: link.created_at,
            expires_at: link.expires_at,
            used_at: link.used_at,
        }
    }
}
