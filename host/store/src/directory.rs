//! The directory: what a decision about a ticket needs of an organization, in few queries.
//!
//! Teams, services and categories are few and come whole. People and CIs can be many;
//! [`person`](crate::person) and [`ci`](crate::ci) look them up one by one.

use std::collections::BTreeMap;

use uuid::Uuid;
use waypost_domain::{
    catalog::Category,
    ids::{CiId, TeamId},
    organization::Organization,
    service::Service,
    team::Team,
};

use crate::{ReadTx, StoreError, category, conn::on, organization, service, team};

/// An organization with what its tickets can name.
#[derive(Debug, Clone, PartialEq)]
pub struct Directory {
    /// The organization.
    pub org: Organization,
    /// The organizations from the platform down, the organization itself last.
    pub lineage: Vec<Organization>,
    /// Its own active teams, and the provider's active teams that serve it.
    pub teams: Vec<Team>,
    /// All its services, inactive ones too.
    pub services: Vec<Service>,
    /// Its whole category tree, inactive nodes too.
    pub categories: Vec<Category>,
}

/// Reads the transaction's organization with its teams, services and categories.
pub async fn load(tx: &mut ReadTx) -> Result<Directory, StoreError> {
    let lineage = organization::lineage(tx).await?;
    let org = lineage
        .last()
        .cloned()
        .ok_or(StoreError::Corrupt { table: "organization_lines", column: "org_id" })?;
    Ok(Directory {
        org,
        lineage,
        teams: team::serving(tx).await?,
        services: service::list(tx).await?,
        categories: category::list(tx).await?,
    })
}

/// Says how many open tickets of the organization each team has that has any. They are counted as
/// tickets are opened and ended, not here.
pub async fn team_loads(tx: &mut ReadTx) -> Result<BTreeMap<TeamId, u32>, StoreError> {
    const LOADS: &str = "
        select team_id, cast(sum(open) as bigint) from team_open where org_id = $1
        group by team_id having sum(open) > 0";
    let rows: Vec<(Uuid, i64)> =
        on!(tx, |conn, org| sqlx::query_as(LOADS).bind(org).fetch_all(conn).await?);
    let load = |(team, open)| (TeamId(team), u32::try_from(open).unwrap_or(u32::MAX));
    Ok(rows.into_iter().map(load).collect())
}

/// Counts the open tickets that name a CI.
pub async fn open_tickets_on_ci(tx: &mut ReadTx, ci: CiId) -> Result<u32, StoreError> {
    // Compared, because a column of an index is only looked up where it is.
    const COUNT: &str =
        "select count(*) from tickets where org_id = $1 and ci_id = $2 and active = $3";
    let open: i64 = on!(tx, |conn, org| {
        sqlx::query_scalar(COUNT).bind(org).bind(ci.0).bind(true).fetch_one(conn).await?
    });
    Ok(u32::try_from(open).unwrap_or(u32::MAX))
}
