//! Teams, who works in them, and which client organizations they serve.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::types::Json;
use uuid::Uuid;
use waypost_domain::{
    calendar::{Interval, WorkingHours},
    ids::{OrgId, PersonId, TeamId},
    key::Key,
    team::Team,
};

use crate::{
    ReadTx, Store, StoreError, WriteTx,
    column::Table,
    conn::{Conn, on},
    person,
    row::{insert_all, insert_on, row, update_guarded},
    sql::Sql,
    unique::UniqueKey,
};

const TABLE: Table = Table("teams");

const KEYS: [UniqueKey; 1] =
    [UniqueKey { what: "key", postgres: "teams_key_key", sqlite: "teams.org_id, teams.key" }];

/// The intervals of each day as pairs of minutes, Monday first.
pub(crate) type HoursJson = Vec<Vec<(u16, u16)>>;

row! {
    struct TeamRow in "teams", columns team_columns {
        id: Uuid,
        org_id: Uuid,
        key: String,
        name: String,
        zone: Option<String>,
        working_hours: Option<Json<HoursJson>>,
        lead_id: Option<Uuid>,
        on_call_id: Option<Uuid>,
        active: bool,
        version: i64,
    }
}

row! {
    #[expect(clippy::struct_field_names, reason = "the fields are the columns")]
    struct MemberRow in "team_members", columns member_columns {
        org_id: Uuid,
        team_id: Uuid,
        person_id: Uuid,
    }
}

row! {
    #[expect(clippy::struct_field_names, reason = "the fields are the columns")]
    struct ServesRow in "team_serves", columns serves_columns {
        org_id: Uuid,
        team_id: Uuid,
        client_id: Uuid,
    }
}

/// Adds a team with its members. A key that another team of the organization has is `Taken("key")`.
pub async fn insert(tx: &mut WriteTx, team: &Team) -> Result<(), StoreError> {
    insert_all(tx, vec![TeamRow::from(team)], &KEYS).await?;
    insert_people(&mut tx.conn, team).await
}

/// Writes a team with its members back, provided nobody else has since it was read.
pub async fn update(tx: &mut WriteTx, team: &mut Team) -> Result<(), StoreError> {
    const LEAVE: &str = "delete from team_members where org_id = $1 and team_id = $2";
    const STOP: &str = "delete from team_serves where org_id = $1 and team_id = $2";
    let mut row = TeamRow::from(&*team);
    row.version += 1;
    update_guarded(tx, row, team.id.0, team.version, &KEYS).await?;
    for sql in [LEAVE, STOP] {
        on!(&mut *tx, |conn, org| {
            sqlx::query(sql).bind(org).bind(team.id.0).execute(conn).await?;
        });
    }
    insert_people(&mut tx.conn, team).await?;
    team.version += 1;
    Ok(())
}

/// Reads one team: the organization's own, or a provider's that serves it.
pub async fn find(tx: &mut ReadTx, id: TeamId) -> Result<Option<Team>, StoreError> {
    let teams = select(tx, |sql| {
        sql.push(" and id = ").bind(id.0);
    })
    .await?;
    Ok(teams.into_iter().next())
}

/// Reads the organization's own team with this key.
pub async fn find_by_key(tx: &mut ReadTx, key: &str) -> Result<Option<Team>, StoreError> {
    let org = tx.org;
    let teams = select(tx, |sql| {
        sql.push(" and key = ").bind(key.to_owned());
        sql.push(" and org_id = ").bind(org.0);
    })
    .await?;
    Ok(teams.into_iter().next())
}

/// Lists the organization's own teams and the provider's teams that serve it, by key; inactive ones
/// too.
pub async fn list(tx: &mut ReadTx) -> Result<Vec<Team>, StoreError> {
    select(tx, |_| {}).await
}

/// Lists the teams that can get the organization's tickets: the active ones of [`list`].
pub async fn serving(tx: &mut ReadTx) -> Result<Vec<Team>, StoreError> {
    select(tx, |sql| {
        sql.push(" and active");
    })
    .await
}

/// Lists what the teams of [`serving`] are called, in one query.
pub async fn names(tx: &mut ReadTx) -> Result<Vec<(TeamId, Key, String)>, StoreError> {
    const NAMES: &str = "
        select id, key, name from (
            select id as mine from teams where org_id = $1
            union select team_id from team_serves where client_id = $1
        ) as found cross join teams where id = mine and active";
    let rows: Vec<(Uuid, String, String)> =
        on!(tx, |conn, org| sqlx::query_as(NAMES).bind(org).fetch_all(conn).await?);
    rows.into_iter()
        .map(|(id, key, name)| Ok((TeamId(id), TABLE.parse("key", &key)?, name)))
        .collect()
}

/// Lists which active teams people are in, as organizations see them: their own, and those that
/// serve them.
pub async fn memberships(
    store: &Store,
    wanted: &[(OrgId, PersonId)],
) -> Result<Vec<(OrgId, PersonId, TeamId)>, StoreError> {
    const MEMBERSHIPS: &str = ")
        select v.org_id, m.person_id, m.team_id
        from v join team_members m on m.person_id = v.person_id join teams t on t.id = m.team_id
        where t.active and (t.org_id = v.org_id or exists (
            select 1 from team_serves s where s.team_id = t.id and s.client_id = v.org_id
        ))";
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(Uuid, Uuid, Uuid)> =
        store.look(|conn| person::of_wanted(conn, wanted, MEMBERSHIPS)).await?;
    let membership = |(org, person, team)| (OrgId(org), PersonId(person), TeamId(team));
    Ok(rows.into_iter().map(membership).collect())
}

/// Writes a team of whichever organization: for creating an organization with its first team.
pub(crate) async fn insert_first(conn: &mut Conn, team: &Team) -> Result<(), StoreError> {
    insert_on(conn, vec![TeamRow::from(team)], "", &KEYS).await?;
    insert_people(conn, team).await
}

async fn insert_people(conn: &mut Conn, team: &Team) -> Result<(), StoreError> {
    let (org_id, team_id) = (team.org.0, team.id.0);
    let members =
        team.members.iter().map(|person| MemberRow { org_id, team_id, person_id: person.0 });
    insert_on(conn, members.collect(), "", &[]).await?;
    let serves =
        team.serves.iter().map(|client| ServesRow { org_id, team_id, client_id: client.0 });
    insert_on(conn, serves.collect(), "", &[]).await?;
    Ok(())
}

/// Reads the visible teams that the filter leaves, with their members, in three queries.
async fn select(tx: &mut ReadTx, filter: impl Fn(&mut Sql)) -> Result<Vec<Team>, StoreError> {
    // Not as two conditions, for which PostgreSQL would read the teams of all organizations. The
    // `cross join` has SQLite begin with the ids.
    const TEAMS: &str =
        concat!("select ", team_columns!(), " from (select id as mine from teams where org_id = ");
    const MEMBERS: &str =
        concat!("select ", member_columns!(), " from team_members where team_id in ");
    const SERVES: &str =
        concat!("select ", serves_columns!(), " from team_serves where team_id in ");
    let org = tx.org.0;
    let mut sql = Sql::new(&tx.conn, TEAMS);
    sql.bind(org);
    sql.push(" union select team_id from team_serves where client_id = ").bind(org);
    sql.push(") as found cross join teams where id = mine");
    filter(&mut sql);
    sql.push(" order by key, id");
    let rows: Vec<TeamRow> = sql.fetch_all(&mut tx.conn).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }

    let mut sql = Sql::new(&tx.conn, MEMBERS);
    sql.bind_list(rows.iter().map(|row| row.id));
    let mut members: BTreeMap<Uuid, BTreeSet<PersonId>> = BTreeMap::new();
    for row in sql.fetch_all::<MemberRow>(&mut tx.conn).await? {
        members.entry(row.team_id).or_default().insert(PersonId(row.person_id));
    }

    let mut sql = Sql::new(&tx.conn, SERVES);
    sql.bind_list(rows.iter().map(|row| row.id));
    // Whom else a provider's team serves is none of this client's business.
    sql.push(" and (org_id = ").bind(org);
    sql.push(" or client_id = ").bind(org).push(")");
    let mut serves: BTreeMap<Uuid, BTreeSet<OrgId>> = BTreeMap::new();
    for row in sql.fetch_all::<ServesRow>(&mut tx.conn).await? {
        serves.entry(row.team_id).or_default().insert(OrgId(row.client_id));
    }

    rows.into_iter()
        .map(|row| {
            let members = members.remove(&row.id).unwrap_or_default();
            let serves = serves.remove(&row.id).unwrap_or_default();
            row.into_team(members, serves)
        })
        .collect()
}

impl From<&Team> for TeamRow {
    fn from(team: &Team) -> Self {
        Self {
            id: team.id.0,
            org_id: team.org.0,
            key: team.key.to_string(),
            name: team.name.clone(),
            zone: team.zone.map(|zone| zone.name().to_owned()),
            working_hours: team.working_hours.as_ref().map(|hours| Json(hours_to_json(hours))),
            lead_id: team.lead.map(|lead| lead.0),
            on_call_id: team.on_call.map(|person| person.0),
            active: team.active,
            version: team.version,
        }
    }
}

impl TeamRow {
    fn into_team(
        self,
        members: BTreeSet<PersonId>,
        serves: BTreeSet<OrgId>,
    ) -> Result<Team, StoreError> {
        let hours = self
            .working_hours
            .map(|hours| hours_from_json(&hours.0).ok_or_else(|| TABLE.corrupt("working_hours")));
        Ok(Team {
            id: TeamId(self.id),
            org: OrgId(self.org_id),
            key: TABLE.parse("key", &self.key)?,
            name: self.name,
            zone: TABLE.parse_some("zone", self.zone.as_deref())?,
            working_hours: hours.transpose()?,
            lead: self.lead_id.map(PersonId),
            on_call: self.on_call_id.map(PersonId),
            members,
            serves,
            active: self.active,
            version: self.version,
        })
    }
}

pub(crate) fn hours_to_json(hours: &WorkingHours) -> HoursJson {
    hours.days.iter().map(|day| day.iter().map(|at| (at.from, at.to)).collect()).collect()
}

pub(crate) fn hours_from_json(days: &HoursJson) -> Option<WorkingHours> {
    let days = days
        .iter()
        .map(|day| day.iter().map(|&(from, to)| Interval { from, to }).collect())
        .collect::<Vec<Vec<Interval>>>();
    Some(WorkingHours { days: days.try_into().ok()? })
}
