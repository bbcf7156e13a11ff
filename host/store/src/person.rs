//! People of an organization's directory.
//!
//! An organization also reads the people of a provider's teams that serve it: somebody has to be
//! named as assignee.

use uuid::Uuid;
use waypost_domain::{
    ids::{OrgId, PersonId},
    key::Key,
    person::Person,
    role::Role,
    text,
};

use crate::{
    ReadTx, Store, StoreError, WriteTx,
    column::Table,
    conn::{Conn, on},
    fields,
    row::{insert_all, row, update_guarded},
    sql::{Sql, padded},
    unique::UniqueKey,
};

const TABLE: Table = Table("people");

const KEYS: [UniqueKey; 1] = [UniqueKey {
    what: "email",
    postgres: "people_email_key",
    sqlite: "people.org_id, people.email_folded",
}];

row! {
    pub(crate) struct PersonRow in "people", columns person_columns {
        id: Uuid,
        org_id: Uuid,
        name: String,
        email: Option<String>,
        email_folded: Option<String>,
        role: String,
        zone: Option<String>,
        manager_id: Option<Uuid>,
        location: Option<String>,
        vip: bool,
        language: Option<String>,
        fields: String,
        active: bool,
        version: i64,
    }
}

pub(crate) use person_columns;

/// Adds a person. An address that another person of the organization has is `Taken("email")`.
pub async fn insert(tx: &mut WriteTx, person: &Person) -> Result<(), StoreError> {
    insert_many(tx, std::slice::from_ref(person)).await
}

/// Adds many people at once.
pub async fn insert_many(tx: &mut WriteTx, people: &[Person]) -> Result<(), StoreError> {
    insert_all(tx, people.iter().map(PersonRow::from).collect(), &KEYS).await?;
    Ok(())
}

/// Writes a person back, provided nobody else has since they were read.
pub async fn update(tx: &mut WriteTx, person: &mut Person) -> Result<(), StoreError> {
    let mut row = PersonRow::from(&*person);
    row.version += 1;
    update_guarded(tx, row, person.id.0, person.version, &KEYS).await?;
    person.version += 1;
    Ok(())
}

/// Reads one person: the organization's own, or of a team that serves it.
pub async fn find(tx: &mut ReadTx, id: PersonId) -> Result<Option<Person>, StoreError> {
    Ok(find_many(tx, &[id]).await?.pop())
}

/// Reads the people with these ids, in no order; ids that the organization can't see are left out.
pub async fn find_many(tx: &mut ReadTx, ids: &[PersonId]) -> Result<Vec<Person>, StoreError> {
    const FIND: &str = concat!("select ", person_columns!(), " from people where id in ");
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(&tx.conn, FIND);
    sql.bind_list(ids.iter().map(|id| id.0));
    add_visible(&mut sql, tx.org.0);
    let rows: Vec<PersonRow> = sql.fetch_all(&mut tx.conn).await?;
    rows.into_iter().map(Person::try_from).collect()
}

/// A person, as an organization sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Who sees them.
    pub org: OrgId,
    /// The key of that organization.
    pub org_key: Key,
    /// The person: one of the organization, or of a team that serves it.
    pub person: Person,
}

/// Reads people as organizations see them: for each organization and person, whom it can see.
pub async fn find_anywhere(
    store: &Store,
    wanted: &[(OrgId, PersonId)],
) -> Result<Vec<Seen>, StoreError> {
    const FIND: &str = concat!(
        ") select v.org_id as seen_by, o.key as seen_by_key, ",
        person_columns!("people."),
        " from v join people on people.id = v.person_id join organizations o on o.id = v.org_id
        where people.org_id = v.org_id or exists (
            select 1 from team_members m join team_serves s on s.team_id = m.team_id
            where m.person_id = people.id and s.client_id = v.org_id limit 1 offset 0
        )"
    );
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<SeenRow> = store.look(|conn| of_wanted(conn, wanted, FIND)).await?;
    rows.into_iter().map(Seen::try_from).collect()
}

/// A statement about people as organizations see them: `v` has an organization and a person each.
pub(crate) fn of_wanted(conn: &Conn, wanted: &[(OrgId, PersonId)], rest: &'static str) -> Sql {
    let mut sql = Sql::new(conn, "with v (org_id, person_id) as (values ");
    sql.bind_rows(padded(wanted), |row, (org, person)| {
        row.add(org.0, "::uuid").add(person.0, "::uuid");
    });
    sql.push(rest);
    sql
}

#[derive(Debug, sqlx::FromRow)]
struct SeenRow {
    seen_by: Uuid,
    seen_by_key: String,
    #[sqlx(flatten)]
    person: PersonRow,
}

impl TryFrom<SeenRow> for Seen {
    type Error = StoreError;

    fn try_from(row: SeenRow) -> Result<Self, StoreError> {
        let org_key = TABLE.parse("seen_by_key", &row.seen_by_key)?;
        Ok(Self { org: OrgId(row.seen_by), org_key, person: row.person.try_into()? })
    }
}

/// Adds the condition that a person is the organization's own, or of a team that serves it.
fn add_visible(sql: &mut Sql, org: Uuid) {
    sql.push(" and (org_id = ").bind(org);
    // Person by person: a provider's teams may have thousands of members. The `offset` keeps
    // PostgreSQL from collecting all members of all teams first.
    sql.push(
        " or exists (
            select 1 from team_members m join team_serves s on s.team_id = m.team_id
            where m.person_id = people.id and s.client_id = ",
    )
    .bind(org)
    .push(" limit 1 offset 0))");
}

/// Reads the organization's own people with these addresses and ids, and the managers of all of
/// them as far as the organization can see them; in no order, and one person perhaps twice.
pub async fn find_with_managers(
    tx: &mut ReadTx,
    emails: &[&str],
    ids: &[PersonId],
) -> Result<Vec<Person>, StoreError> {
    const SELECT: &str = concat!("select ", person_columns!(), " from people where ");
    let org = tx.org.0;
    let named = |sql: &mut Sql, by_email: bool| {
        sql.push("org_id = ").bind(org);
        if by_email {
            let emails = emails.iter().map(|email| text::uncased(email));
            sql.push(" and email_folded in ").bind_list(emails);
        } else {
            sql.push(" and id in ").bind_list(ids.iter().map(|id| id.0));
        }
    };
    let ways: Vec<bool> = [(true, !emails.is_empty()), (false, !ids.is_empty())]
        .into_iter()
        .filter_map(|(way, is_asked)| is_asked.then_some(way))
        .collect();
    if ways.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(&tx.conn, "");
    for way in &ways {
        named(sql.push(SELECT), *way);
        sql.push(" union all ");
    }
    sql.push(SELECT).push("id in (");
    let mut before = "";
    for way in &ways {
        named(sql.push(before).push("select manager_id from people where "), *way);
        before = " union all ";
    }
    add_visible(sql.push(")"), org);
    let rows: Vec<PersonRow> = sql.fetch_all(&mut tx.conn).await?;
    rows.into_iter().map(Person::try_from).collect()
}

/// Reads the organization's own person with this address, in whatever case and composition it is
/// written.
pub async fn find_by_email(tx: &mut ReadTx, email: &str) -> Result<Option<Person>, StoreError> {
    const FIND: &str = concat!(
        "select ",
        person_columns!(),
        " from people where org_id = $1 and email_folded = $2"
    );
    let row: Option<PersonRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(text::uncased(email)).fetch_optional(conn).await?
    });
    row.map(Person::try_from).transpose()
}

/// Lists the organization's own people in the order of their ids.
pub async fn list(
    tx: &mut ReadTx,
    after: Option<PersonId>,
    limit: u32,
) -> Result<Vec<Person>, StoreError> {
    const LIST: &str = concat!(
        "select ",
        person_columns!(),
        " from people where org_id = $1 and id > $2 order by id limit $3"
    );
    let after = after.map_or(Uuid::nil(), |id| id.0);
    let rows: Vec<PersonRow> = on!(tx, |conn, org| {
        sqlx::query_as(LIST).bind(org).bind(after).bind(i64::from(limit)).fetch_all(conn).await?
    });
    rows.into_iter().map(Person::try_from).collect()
}

/// Reads the names and addresses of the organization's own active people, at most `limit`, in the
/// order of their ids.
pub async fn names(
    tx: &mut ReadTx,
    limit: u32,
) -> Result<Vec<(PersonId, String, Option<String>)>, StoreError> {
    const NAMES: &str =
        "select id, name, email from people where org_id = $1 and active order by id limit $2";
    let rows: Vec<(Uuid, String, Option<String>)> = on!(tx, |conn, org| {
        sqlx::query_as(NAMES).bind(org).bind(i64::from(limit)).fetch_all(conn).await?
    });
    Ok(rows.into_iter().map(|(id, name, email)| (PersonId(id), name, email)).collect())
}

/// Reads the organization's own active administrators: whom the desk tells about itself.
pub async fn administrators(tx: &mut ReadTx) -> Result<Vec<Person>, StoreError> {
    const LIST: &str = concat!(
        "select ",
        person_columns!(),
        " from people where org_id = $1 and role = $2 and active order by id"
    );
    let role = Role::Admin.as_str();
    let rows: Vec<PersonRow> =
        on!(tx, |conn, org| sqlx::query_as(LIST).bind(org).bind(role).fetch_all(conn).await?);
    rows.into_iter().map(Person::try_from).collect()
}

impl From<&Person> for PersonRow {
    fn from(person: &Person) -> Self {
        Self {
            id: person.id.0,
            org_id: person.org.0,
            name: person.name.clone(),
            email: person.email.clone(),
            email_folded: person.email.as_deref().map(text::uncased),
            role: person.role.as_str().to_owned(),
            zone: person.zone.map(|zone| zone.name().to_owned()),
            manager_id: person.manager.map(|manager| manager.0),
            location: person.location.clone(),
            vip: person.vip,
            language: person.language.as_ref().map(ToString::to_string),
            fields: fields::to_json(&person.fields),
            active: person.active,
            version: person.version,
        }
    }
}

impl TryFrom<PersonRow> for Person {
    type Error = StoreError;

    fn try_from(row: PersonRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: PersonId(row.id),
            org: OrgId(row.org_id),
            name: row.name,
            email: row.email,
            role: TABLE.parse("role", &row.role)?,
            zone: TABLE.parse_some("zone", row.zone.as_deref())?,
            manager: row.manager_id.map(PersonId),
            location: row.location,
            vip: row.vip,
            language: TABLE.parse_some("language", row.language.as_deref())?,
            fields: fields::from_json(TABLE.0, &row.fields)?,
            active: row.active,
            version: row.version,
        })
    }
}
