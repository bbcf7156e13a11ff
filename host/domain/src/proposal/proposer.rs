//! Who proposes: a policy at its binding, and the teams that its names mean.

use crate::{directory::Lookup, ids::OrgId, organization::Organization, said, team::Team};

/// A policy at its binding, in front of one ticket.
#[derive(Clone, Copy)]
pub struct Proposer<'a> {
    /// How the policy is named where it stands in another's way.
    pub name: &'a str,
    /// The layer: the organization that made the binding.
    pub layer: OrgId,
    /// The organizations from the platform down to the ticket's own.
    pub lineage: &'a [Organization],
    /// Where keys and paths are looked up.
    pub directory: &'a dyn Lookup,
}

impl<'a> Proposer<'a> {
    /// The team that a name in its settings or answers means, if tickets of this organization may
    /// get it; otherwise what is wrong with the name, as a sentence.
    ///
    /// A bare key is looked up in the layer of the binding, then in the layers above, and never
    /// below: a client's team cannot stand in for one that its provider's policy names.
    /// `organization/key` names exactly one team.
    pub fn team(&self, org: OrgId, name: &str) -> Result<&'a Team, String> {
        let (found, layer) = if let Some((organization, key)) = name.split_once('/') {
            let owner = self.lineage.iter().find(|one| one.key.as_str() == organization);
            (owner.and_then(|owner| self.team_of(owner.id, key)), None)
        } else {
            let upwards = self.lineage.iter().rev().skip_while(|above| above.id != self.layer);
            let mut found = upwards.map(|above| self.team_of(above.id, name));
            (found.find_map(|found| found), self.its_layer())
        };
        found.filter(|team| team.serves(org)).ok_or_else(|| match layer {
            Some(layer) => String::from(said!(
                "there is no active team `{name}` of `{layer}` or a layer above it that tickets can \
                 be assigned to",
                name,
                layer = layer.key
            )),
            None => String::from(said!(
                "there is no active team `{name}` that tickets can be assigned to",
                name
            )),
        })
    }

    fn team_of(&self, org: OrgId, key: &str) -> Option<&'a Team> {
        self.directory.teams().iter().find(|team| team.org == org && team.key.as_str() == key)
    }

    fn its_layer(&self) -> Option<&'a Organization> {
        self.lineage.iter().find(|org| org.id == self.layer)
    }
}
