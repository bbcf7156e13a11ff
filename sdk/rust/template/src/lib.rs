//! Routes tickets by keywords.

use schemars::JsonSchema;
use serde::Deserialize;
use waypost_sdk::{
    Assignment, Binding, Context, Decline, Need, Policy, Route, SettingsError, Team, TextProposal,
    Ticket, log,
};

/// What an administrator may set.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The first rule whose keyword is in the ticket's text wins.
    rules: Vec<Rule>,
    /// The team for tickets without a keyword; none leaves them to the next policy.
    fallback: Option<String>,
}

/// One keyword and its team.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Text that the ticket must contain; capitals do not matter.
    keyword: String,
    /// The team that gets the ticket: its key, or `organization/key` for exactly that team.
    team: String,
}

/// Routes tickets by keywords.
pub struct ExampleRouter(Settings);

impl Policy for ExampleRouter {
    type Settings = Settings;

    // Called when a binding is prepared: do the work here that decisions should not repeat.
    fn new(mut settings: Settings, _binding: &Binding) -> Result<Self, Vec<SettingsError>> {
        let mut errors = Vec::new();
        for (place, rule) in settings.rules.iter_mut().enumerate() {
            rule.keyword = rule.keyword.trim().to_lowercase();
            if rule.keyword.is_empty() {
                errors
                    .push(SettingsError::at(format!("/rules/{place}/keyword"), "write a keyword"));
            }
        }
        if errors.is_empty() { Ok(Self(settings)) } else { Err(errors) }
    }
}

impl Route for ExampleRouter {
    // The host puts exactly these facts into the context.
    fn needs() -> Vec<Need> {
        vec![Need::Teams, Need::OnCall]
    }

    fn route(&self, ticket: &Ticket, context: &Context) -> Result<Assignment, Decline> {
        let head = &ticket.head;
        let text = format!("{}\n{}", head.short_description, head.description).to_lowercase();
        let rule = self.0.rules.iter().find(|rule| text.contains(&rule.keyword));
        let (team, confidence, reason) = match (rule, &self.0.fallback) {
            (Some(rule), _) => {
                log::debug(&format!("found {}", rule.keyword));
                (&rule.team, 100, format!("the text contains “{}”", rule.keyword))
            }
            (None, Some(team)) => (team, 50, "no keyword was found".to_owned()),
            (None, None) => return Err(Decline::no_opinion("no keyword was found")),
        };
        // Each field that is proposed has a strength and a confidence of its own.
        let mut assignment = Assignment {
            team: Some(TextProposal::set(team).confidence(confidence)),
            ..Assignment::default()
        }
        .because(reason);
        let closed = context.team(team).filter(|team| !team.open_now);
        if let Some(person) = closed.and_then(Team::first_on_call) {
            assignment.assignee = Some(TextProposal::set(person));
            assignment.reasons.push("the team is closed, so the person on call gets it".to_owned());
        }
        Ok(assignment)
    }
}

waypost_sdk::export!(ExampleRouter: route);

#[cfg(test)]
mod tests {
    use serde_json::json;
    use waypost_sdk::testing::{Harness, context, team, ticket};

    use super::*;

    #[test]
    fn a_closed_team_is_reached_through_whoever_is_on_call() {
        let settings = json!({ "rules": [{ "keyword": "VPN", "team": "network" }] });
        let router = Harness::<ExampleRouter>::new(&settings).unwrap();
        let on_call = Some(vec!["nora".to_owned()]);
        let network = Team { open_now: false, on_call, ..team("network") };
        let desk = Context { teams: Some(vec![network]), ..context() };

        let assignment = router.route(&ticket("vpn down"), &desk).unwrap();

        assert_eq!(assignment.team, Some(TextProposal::set("network")));
        assert_eq!(assignment.assignee, Some(TextProposal::set("nora")));
    }

    #[test]
    fn an_empty_keyword_is_refused_where_it_stands() {
        let settings = json!({ "rules": [{ "keyword": " ", "team": "network" }] });
        let errors = Harness::<ExampleRouter>::new(&settings).err().unwrap();
        assert_eq!(errors[0].path, "/rules/0/keyword");
    }
}
