//! Bearer tokens. Only the hash of a token's secret is kept.

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::{
    ids::{OrgId, PersonId, TokenId},
    role::Role,
};

use crate::{
    ReadTx, Store, StoreError, WriteTx,
    column::Table,
    conn::{Conn, on},
    row::{insert_all, row},
    sql::{Sql, padded},
    together,
};

const TABLE: Table = Table("tokens");

/// A bearer token: for which organization, with which role, until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// The organization whose records it opens.
    pub org: OrgId,
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
    /// What it is for, as its maker put it.
    pub name: String,
    /// What its bearer may do.
    pub role: Role,
    /// The person it stands for; none for a program.
    pub person: Option<PersonId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when it is refused.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

row! {
    struct TokenRow in "tokens", columns token_columns {
        id: Uuid,
        org_id: Uuid,
        hash: Vec<u8>,
        name: String,
        role: String,
        person_id: Option<Uuid>,
        created_at: DateTime<Utc>,
        expires_at: Option<DateTime<Utc>>,
        revoked_at: Option<DateTime<Utc>>,
    }
}

#[derive(Debug, sqlx::FromRow)]
struct ShownRow {
    place: i64,
    #[sqlx(flatten)]
    token: TokenRow,
    person_role: Option<String>,
    reached_id: Option<Uuid>,
}

/// Adds a token.
pub async fn insert(tx: &mut WriteTx, token: &Token) -> Result<(), StoreError> {
    insert_all(tx, vec![TokenRow::from(token)], &[]).await?;
    Ok(())
}

/// A token that somebody shows, with what decides what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The token.
    pub token: Token,
    /// The role that its person has now; none where it stands for nobody, or for somebody who has
    /// left.
    pub person: Option<Role>,
    /// The organization that was asked for, if it is the token's or somewhere below it.
    pub reached: Option<OrgId>,
}

/// Reads the token whose secret has this hash, whichever organization's it is, and however old, in
/// one statement with those that are shown at the same time. `asked` is the key of an organization;
/// one that is elsewhere costs what one costs that is nowhere, so the time of an answer tells
/// nothing.
pub async fn shown(
    store: &Store,
    hash: &[u8; 32],
    asked: Option<&str>,
) -> Result<Option<Shown>, StoreError> {
    let question = Question { hash: *hash, asked: asked.map(str::to_owned) };
    store.shown.ask(store, question, all_shown).await
}

/// Who shows a token.
#[derive(Debug)]
pub(crate) struct Question {
    hash: [u8; 32],
    asked: Option<String>,
}

async fn all_shown(
    store: Store,
    questions: Vec<Question>,
) -> Result<Vec<Result<Option<Shown>, StoreError>>, StoreError> {
    const FIND: &str = concat!(
        ") select v.place, ",
        token_columns!("t."),
        ", (
            select p.role from people p
            where p.id = t.person_id and p.active and (
                p.org_id = t.org_id or p.id in (
                    select m.person_id from team_members m
                    join team_serves s on s.team_id = m.team_id
                    where s.client_id = t.org_id and m.person_id = t.person_id
                )
            )
        ) as person_role, (
            select l.org_id from organization_lines l join organizations o on o.id = l.org_id
            where l.ancestor_id = t.org_id and o.key = v.asked
        ) as reached_id
        from v join tokens t on t.hash = v.hash"
    );
    let placed = together::placed(&questions);
    let statement = |conn: &Conn| {
        let mut sql = Sql::new(conn, "with v (place, hash, asked) as (values ");
        sql.bind_rows(padded(&placed), |row, (place, question)| {
            row.add(*place, "::bigint").add(question.hash.to_vec(), "::bytea");
            row.add(question.asked.clone(), "::text");
        });
        sql.push(FIND);
        sql
    };
    let rows: Vec<ShownRow> = store.look(statement).await?;
    Ok(together::answers(questions.len(), rows, |row| (row.place, Shown::try_from(row))))
}

/// Lists the organization's tokens in the order they were made.
pub async fn list(tx: &mut ReadTx) -> Result<Vec<Token>, StoreError> {
    const LIST: &str = concat!(
        "select ",
        token_columns!(),
        " from tokens where org_id = $1 order by created_at, id"
    );
    let rows: Vec<TokenRow> =
        on!(tx, |conn, org| sqlx::query_as(LIST).bind(org).fetch_all(conn).await?);
    rows.into_iter().map(Token::try_from).collect()
}

/// Revokes a token. `Stale` when the organization has no such token, or it was revoked before.
pub async fn revoke(tx: &mut WriteTx, id: TokenId, now: DateTime<Utc>) -> Result<(), StoreError> {
    const REVOKE: &str = "
        update tokens set revoked_at = $3 where org_id = $1 and id = $2 and revoked_at is null";
    let revoked = on!(tx, |conn, org| {
        sqlx::query(REVOKE).bind(org).bind(id.0).bind(now).execute(conn).await?.rows_affected()
    });
    if revoked == 0 { Err(StoreError::Stale) } else { Ok(()) }
}

impl From<&Token> for TokenRow {
    fn from(token: &Token) -> Self {
        Self {
            id: token.id.0,
            org_id: token.org.0,
            hash: token.hash.to_vec(),
            name: token.name.clone(),
            role: token.role.as_str().to_owned(),
            person_id: token.person.map(|person| person.0),
            created_at: token.created_at,
            expires_at: token.expires_at,
            revoked_at: token.revoked_at,
        }
    }
}

impl TryFrom<ShownRow> for Shown {
    type Error = StoreError;

    fn try_from(row: ShownRow) -> Result<Self, StoreError> {
        Ok(Self {
            token: row.token.try_into()?,
            person: TABLE.parse_some("person_id", row.person_role.as_deref())?,
            reached: row.reached_id.map(OrgId),
        })
    }
}

impl TryFrom<TokenRow> for Token {
    type Error = StoreError;

    fn try_from(row: TokenRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: TokenId(row.id),
            org: OrgId(row.org_id),
            hash: row.hash.try_into().map_err(|_| TABLE.corrupt("hash"))?,
            name: row.name,
            role: TABLE.parse("role", &row.role)?,
            person: row.person_id.map(PersonId),
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
        })
    }
}
