//! Names in settings: teams, categories, services and people that the layer does not have.
//!
//! They refuse nothing, because a provider binds a policy before its clients have their teams.
//! Whoever binds it is warned.

use serde_json::Value;
use waypost_domain::{
    catalog::Category,
    ci::Ci,
    directory::{Lookup, References},
    ids::{OrgId, PersonId},
    refusal::{Faults, FieldFault},
    said::Said,
    service::Service,
    team::Team,
};
use waypost_policy::references;
use waypost_store::{ReadTx, StoreError, ci, directory, directory::Directory, person};

use crate::input::Reading;

/// The names that nobody has in the transaction's organization, each at its place.
pub(super) async fn unknown(
    tx: &mut ReadTx,
    schema: &Value,
    settings: &str,
) -> Result<Vec<FieldFault>, StoreError> {
    let settings = serde_json::from_str::<Value>(settings).unwrap_or_default();
    let named = references(schema, &settings);
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let Directory { org, lineage, teams, services, categories } = directory::load(tx).await?;
    let mut known = Known { teams, services, categories, cis: Vec::new() };
    for one in named.iter().filter(|one| one.kind == "ci") {
        known.cis.extend(ci::find_by_key(tx, &one.name).await?);
    }
    let mut faults = Faults::new();
    for one in named {
        let pointer = format!("/settings{}", one.pointer);
        if one.kind == "person" {
            let Some(id) = faults.take(&pointer, one.name.trim().parse::<PersonId>()) else {
                continue;
            };
            if !person::find(tx, id).await?.is_some_and(|person| person.active) {
                let message = Said::as_is(format!("there is no active person `{id}`"));
                faults.wrong(&pointer, "unknown", message);
            }
            continue;
        }
        let mut known = References { directory: &known, org: org.id, faults: &mut faults };
        match one.kind.as_str() {
            "team" => {
                if let Some((owner, key)) = one.name.split_once('/') {
                    // A client's teams are not to be seen from the provider's layer.
                    let owner = lineage.iter().find(|layer| layer.key.as_str() == owner);
                    let Some(owner) = owner else { continue };
                    if !has_team(known.directory, owner.id, key) {
                        let message =
                            Said::as_is(format!("there is no active team `{}`", one.name));
                        faults.wrong(&pointer, "unknown", message);
                    }
                } else {
                    known.team(&pointer, &one.name);
                }
            }
            "category" => {
                known.category(&pointer, &one.name);
            }
            "service" => {
                known.service(&pointer, &one.name);
            }
            "ci" => {
                known.ci(&pointer, &one.name);
            }
            // A kind of a later contract.
            _ => {}
        }
    }
    Ok(faults.into_vec())
}

fn has_team(directory: &dyn Lookup, owner: OrgId, key: &str) -> bool {
    let mut teams = directory.teams().iter();
    teams.any(|team| team.active && team.org == owner && team.key.as_str() == key)
}

/// What settings can name.
struct Known {
    teams: Vec<Team>,
    services: Vec<Service>,
    categories: Vec<Category>,
    cis: Vec<Ci>,
}

impl Lookup for Known {
    fn teams(&self) -> &[Team] {
        &self.teams
    }

    fn services(&self) -> &[Service] {
        &self.services
    }

    fn cis(&self) -> &[Ci] {
        &self.cis
    }

    fn categories(&self) -> &[Category] {
        &self.categories
    }
}
