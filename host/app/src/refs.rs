//! References: the keys and addresses of an input, looked up in the caller's organization.
//!
//! What is not found is a fault of the field that named it, so that a sender learns of all of them
//! at once.

use waypost_domain::{
    catalog::Category,
    ci::Ci,
    directory::{Lookup, References},
    ids::{OrgId, PersonId, TeamId},
    person::Person,
    refusal::Faults,
    said,
    service::Service,
    team::Team,
};
use waypost_store::{ReadTx, StoreError, person, service, team};

use crate::{json, tickets::PersonRef};

/// The person that is named, if they are in the organization.
pub(crate) async fn find_person(
    tx: &mut ReadTx,
    named: &PersonRef,
) -> Result<Option<Person>, StoreError> {
    match named {
        PersonRef::Id(id) => {
            // The people of a provider's teams can be read too, but they are the provider's to
            // change.
            let org = tx.org();
            Ok(person::find(tx, *id).await?.filter(|person| person.org == org))
        }
        PersonRef::Email(email) => person::find_by_email(tx, email).await,
    }
}

/// How a person is named, in messages. Nobody's address has a control character: that is a fault,
/// and nobody is looked up.
pub(crate) fn shown(faults: &mut Faults, pointer: &str, named: &PersonRef) -> Option<String> {
    match named {
        PersonRef::Id(id) => Some(id.to_string()),
        PersonRef::Email(email) => json::is_plain(faults, pointer, email).then(|| email.clone()),
    }
}

/// An active person of the organization. One who is not active any more is a fault, and who it is.
pub(crate) async fn person(
    tx: &mut ReadTx,
    faults: &mut Faults,
    pointer: &str,
    named: &PersonRef,
) -> Result<Option<PersonId>, StoreError> {
    let Some(shown) = shown(faults, pointer, named) else { return Ok(None) };
    Ok(match find_person(tx, named).await? {
        Some(person) if person.active => Some(person.id),
        Some(person) => {
            faults.wrong(pointer, "inactive", said!("`{shown}` is not active any more", shown));
            Some(person.id)
        }
        None => {
            let message = said!(
                "there is no person `{shown}`; give the id or e-mail address of a person of this \
                 organization",
                shown
            );
            faults.wrong(pointer, "unknown", message);
            None
        }
    })
}

/// Somebody who can vote: a person of the organization, or of a provider's team that serves it.
pub(crate) async fn voter(
    tx: &mut ReadTx,
    faults: &mut Faults,
    pointer: &str,
    named: &PersonRef,
) -> Result<Option<PersonId>, StoreError> {
    let Some(shown) = shown(faults, pointer, named) else { return Ok(None) };
    let found = match named {
        PersonRef::Id(id) => person::find(tx, *id).await?,
        PersonRef::Email(email) => match person::find_by_email(tx, email).await? {
            Some(own) => Some(own),
            None => serving(tx).await?.into_iter().find(|one| one.is_at(email)),
        },
    };
    let org = tx.org();
    let Some(found) = found.filter(|person| person.active) else {
        let message = said!(
            "there is no active person `{shown}`; give the id or e-mail address of one in the \
             directory",
            shown
        );
        faults.wrong(pointer, "unknown", message);
        return Ok(None);
    };
    let serves =
        found.org == org || serving(tx).await?.into_iter().any(|person| person.id == found.id);
    if !serves || !found.can_vote_in(org) {
        let message = said!(
            "`{shown}` cannot vote here: they are an auditor, or a requester of another \
             organization, or their team does not serve this one; name somebody else",
            shown
        );
        faults.wrong(pointer, "cannot-vote", message);
        return Ok(None);
    }
    Ok(Some(found.id))
}

/// The people of a provider's teams that serve the organization, and of its own teams.
async fn serving(tx: &mut ReadTx) -> Result<Vec<Person>, StoreError> {
    let teams = team::serving(tx).await?;
    let mut members: Vec<PersonId> = teams.into_iter().flat_map(|team| team.members).collect();
    members.sort_unstable();
    members.dedup();
    person::find_many(tx, &members).await
}

/// As [`person()`], where one is named. The outer none is a fault.
pub(crate) async fn person_if(
    tx: &mut ReadTx,
    faults: &mut Faults,
    pointer: &str,
    named: Option<&PersonRef>,
) -> Result<Option<Option<PersonId>>, StoreError> {
    match named {
        None => Ok(Some(None)),
        Some(named) => Ok(person(tx, faults, pointer, named).await?.map(Some)),
    }
}

/// The teams and services that the organization's records can name.
#[derive(Debug)]
pub(crate) struct Known {
    org: OrgId,
    /// Its own teams and those of its provider that serve it.
    pub(crate) teams: Vec<Team>,
    /// Its services.
    pub(crate) services: Vec<Service>,
}

impl Known {
    /// Reads them, inactive ones too.
    pub(crate) async fn read(tx: &mut ReadTx) -> Result<Self, StoreError> {
        let (teams, services) = (team::list(tx).await?, service::list(tx).await?);
        Ok(Self { org: tx.org(), teams, services })
    }

    /// An active team that serves the organization, where one is named. The outer none is a fault.
    #[expect(
        clippy::option_option,
        reason = "the outer level is a fault, the inner an empty field"
    )]
    pub(crate) fn team_if(
        &self,
        faults: &mut Faults,
        pointer: &str,
        key: Option<&str>,
    ) -> Option<Option<TeamId>> {
        let Some(key) = key else { return Some(None) };
        References { directory: self, org: self.org, faults }.team(pointer, key).map(Some)
    }
}

/// Only teams and services: nothing here names a configuration item or a category.
impl Lookup for Known {
    fn teams(&self) -> &[Team] {
        &self.teams
    }

    fn services(&self) -> &[Service] {
        &self.services
    }

    fn cis(&self) -> &[Ci] {
        &[]
    }

    fn categories(&self) -> &[Category] {
        &[]
    }
}
