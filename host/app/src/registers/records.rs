//! The registers: where the records of each are kept, and what is checked that no field says.

use waypost_domain::{
    catalog::{CatalogItem, Category},
    ci::Ci,
    ids::PersonId,
    person::Person,
    refusal::Faults,
    said::Said,
    service::Service,
    team::Team,
};
use waypost_store::{
    ReadTx, StoreError, WriteTx, catalog, category, ci, organization, person, service, team,
};

use super::Kept;
use crate::{CommandError, InvalidCursor, Missing, refs, tickets::PersonRef};

/// How records are written: by the store's module of this name.
macro_rules! written {
    ($store:ident) => {
        async fn insert(tx: &mut WriteTx, record: &Self) -> Result<(), StoreError> {
            $store::insert(tx, record).await
        }

        async fn update(tx: &mut WriteTx, record: &mut Self) -> Result<(), StoreError> {
            $store::update(tx, record).await
        }
    };
}

/// Records that are found by their keys, which are also their names in addresses.
macro_rules! found_by_key {
    ($store:ident) => {
        async fn find(tx: &mut ReadTx, named: &str) -> Result<Option<Self>, StoreError> {
            $store::find_by_key(tx, named).await
        }
    };
}

/// Records of which an organization has so few that all are read at once.
macro_rules! listed_whole {
    ($store:ident) => {
        async fn list(tx: &mut ReadTx, _: Option<&str>, _: u32) -> Result<Vec<Self>, CommandError> {
            Ok($store::list(tx).await?)
        }
    };
}

impl Kept for Service {
    const MISSING: Missing = Missing::Service;

    written!(service);

    found_by_key!(service);

    listed_whole!(service);
}

impl Kept for Ci {
    const MISSING: Missing = Missing::Ci;

    written!(ci);

    found_by_key!(ci);

    async fn list(
        tx: &mut ReadTx,
        after: Option<&str>,
        least: u32,
    ) -> Result<Vec<Self>, CommandError> {
        Ok(ci::list(tx, after, least).await?)
    }
}

impl Kept for CatalogItem {
    const MISSING: Missing = Missing::CatalogItem;

    written!(catalog);

    found_by_key!(catalog);

    listed_whole!(catalog);
}

impl Kept for Category {
    const MISSING: Missing = Missing::Category;

    written!(category);

    async fn find(tx: &mut ReadTx, named: &str) -> Result<Option<Self>, StoreError> {
        let mut all = category::list(tx).await?.into_iter();
        Ok(all.find(|category| category.path.as_str() == named))
    }

    listed_whole!(category);

    async fn check(
        tx: &mut ReadTx,
        before: Option<&Self>,
        after: &Self,
        faults: &mut Faults,
    ) -> Result<(), CommandError> {
        let Some(before) = before else {
            after.path.check_above(&category::list(tx).await?, "/path", faults);
            return Ok(());
        };
        if after.active && !before.active {
            after.path.check_above(&category::list(tx).await?, "/active", faults);
        } else if before.active && !after.active {
            after.check_retiring(&category::list(tx).await?)?;
        }
        Ok(())
    }
}

impl Kept for Team {
    const MISSING: Missing = Missing::Team;

    written!(team);

    /// The organization's own team before the provider's of the same key.
    async fn find(tx: &mut ReadTx, named: &str) -> Result<Option<Self>, StoreError> {
        if let Some(own) = team::find_by_key(tx, named).await? {
            return Ok(Some(own));
        }
        let mut all = team::list(tx).await?.into_iter();
        Ok(all.find(|team| team.key.as_str() == named))
    }

    listed_whole!(team);

    async fn check(
        tx: &mut ReadTx,
        before: Option<&Self>,
        after: &Self,
        faults: &mut Faults,
    ) -> Result<(), CommandError> {
        let retires = before.is_some_and(|before| before.active) && !after.active;
        if retires && organization::load(tx).await?.settings.fallback_team == after.id {
            let message =
                Said::as_is("It owns what no policy routes; set another fallback team first.");
            faults.wrong("/active", "in-use", message);
        }
        Ok(())
    }

    /// The provider may have a team with the same key; a space sorts before every character of a
    /// key.
    fn place(&self) -> String {
        format!("{} {}", self.key, self.id)
    }
}

impl Kept for Person {
    const MISSING: Missing = Missing::Person;

    written!(person);

    /// By id or by e-mail address.
    async fn find(tx: &mut ReadTx, named: &str) -> Result<Option<Self>, StoreError> {
        refs::find_person(tx, &PersonRef::parse(named)).await
    }

    async fn list(
        tx: &mut ReadTx,
        after: Option<&str>,
        least: u32,
    ) -> Result<Vec<Self>, CommandError> {
        let after = after.map(str::parse).transpose().map_err(|_| InvalidCursor)?;
        Ok(person::list(tx, after, least).await?)
    }

    async fn check(
        tx: &mut ReadTx,
        before: Option<&Self>,
        after: &Self,
        faults: &mut Faults,
    ) -> Result<(), CommandError> {
        let Some(before) = before else { return Ok(()) };
        if let Some(manager) = after.manager.filter(|_| after.manager != before.manager)
            && decides_for(tx, after.id, manager).await?
        {
            let message = Said::as_is(
                "They would decide for themselves; name somebody who is not below them.",
            );
            faults.wrong("/manager", "circle", message);
        }
        let stops = before.can_vote_in(after.org) && !after.can_vote_in(after.org);
        if stops && organization::load(tx).await?.settings.fallback_approver == Some(after.id) {
            let message =
                Said::as_is("Approvals fall back to them; set another fallback approver first.");
            let field = if after.active { "/role" } else { "/active" };
            faults.wrong(field, "in-use", message);
        }
        Ok(())
    }
}

/// Longer chains of managers are not walked; nobody has so many.
const MAX_MANAGERS: usize = 50;

/// Whether `boss` stands somewhere above `person`, or is them.
async fn decides_for(
    tx: &mut ReadTx,
    boss: PersonId,
    person: PersonId,
) -> Result<bool, CommandError> {
    let mut next = Some(person);
    for _ in 0..MAX_MANAGERS {
        let Some(id) = next else { return Ok(false) };
        if id == boss {
            return Ok(true);
        }
        next = person::find(tx, id).await?.and_then(|person| person.manager);
    }
    Ok(true)
}
