//! The platform organization, which every installation has.

use chrono::{DateTime, Utc};
use waypost_domain::{
    ids::{OrgId, TeamId},
    key::Key,
    organization::{OrgKind, OrgSettings, Organization},
};
use waypost_store::{StoreError, organization};

use crate::{CommandError, Desk, Missing, ToMicros};

/// The key of the platform organization.
pub const PLATFORM_KEY: &str = "platform";

/// Creates the platform organization where there is none, and returns it. Processes that start at
/// the same time all get the one that the first of them made.
///
/// # Errors
/// [`CommandError::Internal`] if the database fails.
pub async fn bootstrap(desk: &Desk, now: DateTime<Utc>) -> Result<Organization, CommandError> {
    if let Some(platform) = find(desk).await? {
        return Ok(platform);
    }
    let now = now.to_micros();
    let first_team = super::first_team(OrgId(desk.entropy.id(now)), TeamId(desk.entropy.id(now)));
    let platform = Organization {
        id: first_team.org,
        parent: None,
        kind: OrgKind::Platform,
        key: platform_key(),
        name: "Platform".to_owned(),
        settings: OrgSettings::new(first_team.id),
        created_at: now,
        version: 1,
    };
    let mut tx = desk.store.system().await?;
    match organization::create(&mut tx, &platform, &first_team).await {
        Ok(()) => {
            tx.commit().await?;
            tracing::info!(org.id = %platform.id, "platform organization created");
            Ok(platform)
        }
        // Another process was faster; what it committed is there now.
        Err(StoreError::Taken(_)) => {
            drop(tx);
            find(desk).await?.ok_or(CommandError::NotFound(Missing::Organization))
        }
        Err(error) => Err(error.into()),
    }
}

fn platform_key() -> Key {
    PLATFORM_KEY.parse().expect("the platform's key is a key")
}

async fn find(desk: &Desk) -> Result<Option<Organization>, CommandError> {
    let mut tx = desk.store.system_read().await?;
    Ok(organization::find_by_key(&mut tx, PLATFORM_KEY).await?)
}
