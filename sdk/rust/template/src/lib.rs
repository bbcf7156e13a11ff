//! Routes tickets by keywords.

use schemars::JsonSchema;
use serde::Deserialize;
use waypost_sdk::{
    Assignment, Context, DataFile, Decline, Need, Policy, Route, SettingsError, Ticket, log,
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
    /// Text that the ticket must hold; capitals do not matter.
    keyword: String,
    /// The key of the team that gets the ticket.
    team: String,
}

/// Routes tickets by keywords.
pub struct ExampleRouter(Settings);

impl Policy for ExampleRouter {
    type Settings = Settings;

    // Called once, when the settings are bound: do the work here that decisions should find done.
    fn new(mut settings: Settings, _data: &[DataFile]) -> Result<Self, Vec<SettingsError>> {
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
    // The host fills exactly these facts of the context.
    fn needs() -> Vec<Need> {
        vec![Need::Teams, Need::OnCall]
    }

    fn route(&self, ticket: &Ticket, context: &Context) -> Result<Assignment, Decline> {
        let text = format!("{}\n{}", ticket.short_description, ticket.description).to_lowercase();
        let rule = self.0.rules.iter().find(|rule| text.contains(&rule.keyword));
        let mut assignment = match (rule, &self.0.fallback) {
            (Some(rule), _) => {
                log::debug(&format!("found {}", rule.keyword));
                Assignment::to(&rule.team).because(format!("the text holds “{}”", rule.keyword))
            }
            (None, Some(team)) => Assignment {
                confidence: 50,
                ..Assignment::to(team).because("no keyword was found")
            },
            (None, None) => return Err(Decline::no_opinion("no keyword was found")),
        };
        let closed =
            context.teams.iter().find(|team| team.key == assignment.team && !team.open_now);
        if let Some(person) = closed.and_then(|team| team.on_call.clone()) {
            assignment.assignee = Some(person);
            assignment.reasons.push("the team is closed, so the person on call gets it".to_owned());
        }
        Ok(assignment)
    }
}

waypost_sdk::export!(ExampleRouter: route);

#[cfg(test)]
mod tests {
    use serde_json::json;
    use waypost_sdk::Team;
    use waypost_sdk::testing::{Harness, context, team, ticket};

    use super::*;

    #[test]
    fn a_closed_team_is_reached_through_whoever_is_on_call() {
        let settings = json!({ "rules": [{ "keyword": "VPN", "team": "network" }] });
        let router = Harness::<ExampleRouter>::new(&settings).unwrap();
        let network = Team { open_now: false, on_call: Some("nora".to_owned()), ..team("network") };

        let answer =
            router.route(&ticket("vpn down"), &Context { teams: vec![network], ..context() });

        let assignment = answer.unwrap();
        assert_eq!(assignment.team, "network");
        assert_eq!(assignment.assignee.as_deref(), Some("nora"));
    }

    #[test]
    fn an_empty_keyword_is_refused_where_it_stands() {
        let settings = json!({ "rules": [{ "keyword": " ", "team": "network" }] });
        let errors = Harness::<ExampleRouter>::new(&settings).err().unwrap();
        assert_eq!(errors[0].path, "/rules/0/keyword");
    }
}
