//! Versions of configurations: what was read of an organization's directory and bindings before is
//! still what is there, exactly if the versions are.
//!
//! They move in the transaction of each change, by triggers, so no change can forget to.

use uuid::Uuid;

use crate::{ReadTx, StoreError, conn::on};

/// The versions of an organization and of all above it, in one view of the database. Equal ones
/// stand for equal contents.
#[derive(Debug, Clone)]
pub struct ConfigVersions {
    /// A database that was restored or failed over may give a number again for other contents.
    /// Either breaks the connections.
    epoch: Option<u64>,
    versions: Vec<(Uuid, i64)>,
}

impl ConfigVersions {
    /// Whether what was read with the others is what is there now.
    #[must_use]
    pub fn are(&self, others: &Self) -> bool {
        self.epoch.is_some() && self.epoch == others.epoch && self.versions == others.versions
    }
}

/// Reads the versions that the transaction sees.
pub async fn read(tx: &mut ReadTx) -> Result<ConfigVersions, StoreError> {
    const READ: &str = "
        select v.org_id, v.version
        from organization_lines l join config_versions v on v.org_id = l.ancestor_id
        where l.org_id = $1 order by l.depth";
    let versions =
        on!(&mut *tx, |conn, org| sqlx::query_as(READ).bind(org).fetch_all(conn).await?);
    Ok(ConfigVersions { epoch: tx.epoch, versions })
}
