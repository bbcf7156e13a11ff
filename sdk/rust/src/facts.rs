//! Shortcuts to facts of the contract that policies often need.

use crate::vocabulary::TicketKind;
use crate::{
    Context, Details, Field, FieldValue, Head, IncidentDetails, ProblemDetails, RequestDetails,
    TaskDetails, Team, TeamRef, Ticket,
};

impl Ticket {
    /// What kind of record it is.
    #[must_use]
    pub fn kind(&self) -> TicketKind {
        match self.details {
            Details::Incident(_) => TicketKind::Incident,
            Details::Request(_) => TicketKind::Request,
            Details::Problem(_) => TicketKind::Problem,
            Details::Task(_) => TicketKind::Task,
        }
    }

    /// What only incidents have; none for other kinds.
    #[must_use]
    pub fn incident(&self) -> Option<&IncidentDetails> {
        match &self.details {
            Details::Incident(incident) => Some(incident),
            Details::Request(_) | Details::Problem(_) | Details::Task(_) => None,
        }
    }

    /// What only requests have; none for other kinds.
    #[must_use]
    pub fn request(&self) -> Option<&RequestDetails> {
        match &self.details {
            Details::Request(request) => Some(request),
            Details::Incident(_) | Details::Problem(_) | Details::Task(_) => None,
        }
    }

    /// What only problems have; none for other kinds.
    #[must_use]
    pub fn problem(&self) -> Option<&ProblemDetails> {
        match &self.details {
            Details::Problem(problem) => Some(problem),
            Details::Incident(_) | Details::Request(_) | Details::Task(_) => None,
        }
    }

    /// What only tasks have; none for other kinds.
    #[must_use]
    pub fn task(&self) -> Option<&TaskDetails> {
        match &self.details {
            Details::Task(task) => Some(task),
            Details::Incident(_) | Details::Request(_) | Details::Problem(_) => None,
        }
    }
}

impl Head {
    /// The keys of its configuration items, the main one first.
    pub fn all_cis(&self) -> impl Iterator<Item = &str> {
        self.ci.iter().chain(&self.cis).map(String::as_str)
    }
}

/// The value of a field that the organization defined for itself, in `head.fields`,
/// `person.fields`, `service.fields` or `ci.fields`.
#[must_use]
pub fn value_of<'a>(fields: &'a [Field], name: &str) -> Option<&'a FieldValue> {
    fields.iter().find(|field| field.name == name).map(|field| &field.value)
}

impl Context {
    /// The team that a name in the settings or in an answer means, as the host resolves it, if it
    /// takes tickets now.
    ///
    /// `acme/network` names exactly that team. A bare key is looked up in the layer of the binding
    /// that asks, then in the layers above, never below: a team that a client creates cannot stand
    /// in for one that its provider's binding names. Also none if no need for teams was declared.
    #[must_use]
    pub fn team(&self, name: &str) -> Option<&Team> {
        let teams = self.teams.as_deref()?;
        if let Some((organization, key)) = name.split_once('/') {
            return teams.iter().find(|team| team.organization == organization && team.key == key);
        }
        let upwards = self.lineage.iter().skip_while(|organization| **organization != self.layer);
        let mut named = upwards.map(|organization| {
            teams.iter().find(|team| team.organization == *organization && team.key == name)
        });
        named.find_map(|found| found)
    }
}

impl Team {
    /// Its full name, `acme/network`, which means this team wherever the binding stands. Answers
    /// name a team in this form if they found it in the context.
    #[must_use]
    pub fn full_name(&self) -> String {
        full_name(&self.organization, &self.key)
    }

    /// Whoever is on call right now, the first if there are several. Also none if the need
    /// `on-call` was not declared.
    #[must_use]
    pub fn first_on_call(&self) -> Option<&str> {
        Some(self.on_call.as_ref()?.first()?.as_str())
    }
}

impl TeamRef {
    /// Its full name, `acme/network`, which means this team wherever the binding stands.
    #[must_use]
    pub fn full_name(&self) -> String {
        full_name(&self.organization, &self.key)
    }
}

fn full_name(organization: &str, key: &str) -> String {
    format!("{organization}/{key}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{context, team};

    fn desk(layer: &str) -> Context {
        let of = |organization: &str, key: &str| Team {
            organization: organization.to_owned(),
            ..team(key)
        };
        Context {
            layer: layer.to_owned(),
            lineage: ["acme", "harbor-it", "waypost"].map(str::to_owned).to_vec(),
            teams: Some(vec![
                of("acme", "finance"),
                of("harbor-it", "finance"),
                of("harbor-it", "network"),
                of("acme", "workplace"),
                of("waypost", "network"),
                of("waypost", "platform"),
            ]),
            ..context()
        }
    }

    #[test]
    fn a_bare_key_is_looked_up_in_the_bindings_layer_and_above_and_never_below() {
        for (layer, name, found) in [
            ("acme", "finance", Some("acme/finance")),
            ("acme", "network", Some("harbor-it/network")),
            ("harbor-it", "finance", Some("harbor-it/finance")),
            ("harbor-it", "workplace", None),
            ("harbor-it", "platform", Some("waypost/platform")),
            ("waypost", "network", Some("waypost/network")),
            ("waypost", "finance", None),
            ("platform", "finance", None),
        ] {
            let desk = desk(layer);
            let team = desk.team(name).map(Team::full_name);
            assert_eq!(team.as_deref(), found, "{name} from {layer}");
        }
    }

    #[test]
    fn a_full_name_means_one_team_wherever_the_binding_stands() {
        for layer in ["acme", "harbor-it", "platform"] {
            let desk = desk(layer);
            assert_eq!(
                desk.team("acme/finance").map(Team::full_name).as_deref(),
                Some("acme/finance")
            );
            assert_eq!(desk.team("acme/network"), None);
        }
    }

    #[test]
    fn teams_that_were_not_asked_for_are_not_found() {
        let unasked = Context { teams: None, ..desk("acme") };
        assert_eq!(unasked.team("finance"), None);
        let on_call = |on_call| Team { on_call, ..team("network") };
        assert_eq!(on_call(None).first_on_call(), None);
        assert_eq!(on_call(Some(Vec::new())).first_on_call(), None);
        let two = on_call(Some(vec!["nora".to_owned(), "otto".to_owned()]));
        assert_eq!(two.first_on_call(), Some("nora"));
    }
}
