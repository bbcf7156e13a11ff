//! What an administrator may set.

use schemars::JsonSchema;
use serde::Deserialize;
use waypost_sdk::rules::When;
use waypost_sdk::vocabulary::Strength;

/// Which team gets a ticket, and what happens when nobody works on it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The rules, in order. The first that matches, and whose team can take the ticket, wins.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// The key of the team for tickets that no rule takes. Without it they are left to the next policy.
    pub fallback: Option<String>,
    /// When an open ticket moves up, and to whom.
    #[serde(default)]
    pub escalation: Vec<Step>,
}

/// When it matches, who gets the ticket.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The name by which explanations call the rule.
    pub name: String,
    /// When it matches; without conditions always.
    #[serde(default)]
    pub when: When,
    /// The team.
    pub to: Target,
    /// What to do when the team does not work right now; without it the ticket waits for its morning.
    pub when_closed: Option<WhenClosed>,
    /// Whether somebody of the team gets the ticket at once.
    #[serde(default)]
    pub assign: Assign,
    /// The ids of people who hear of every change.
    #[serde(default)]
    pub watchers: Vec<String>,
    /// The key of the agreement that should hold; without it the organization's own selection.
    pub agreement: Option<String>,
    /// Whether the host applies it or shows it as a suggestion.
    #[serde(default = "set")]
    pub strength: Strength,
    /// How sure the rule is, in percent.
    #[serde(default = "certain")]
    #[schemars(range(max = 100))]
    pub confidence: u8,
}

/// A team, named or found.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The team with this key.
    Team(String),
    /// Of these teams the one with the fewest open tickets per member. Teams that work right now come first.
    LeastLoaded(Vec<String>),
    /// The team that supports the ticket's service or configuration item.
    SupportTeamOf(Supported),
}

/// What a support team supports.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Supported {
    /// The ticket's service.
    Service,
    /// The ticket's configuration item.
    Ci,
}

/// What happens outside a team's working hours.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenClosed {
    /// The team with this key gets the ticket instead.
    Team(String),
    /// The team keeps it, and whoever is on call gets it.
    OnCall,
}

/// Who of the team gets the ticket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Assign {
    /// Nobody: the team decides.
    #[default]
    Nobody,
    /// Whoever is on call, if anybody is.
    OnCall,
}

/// A step up: what happens to a ticket that has waited too long.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The level that is reached, from 1 on. Each level is reached once.
    #[schemars(range(min = 1))]
    pub level: u8,
    /// Which tickets take this step; without conditions all of them.
    #[serde(default)]
    pub when: When,
    /// After how many minutes.
    pub after_minutes: u32,
    /// Minutes of what.
    #[serde(default)]
    pub counting: Clock,
    /// The key of the team that takes over; without it the ticket stays where it is.
    pub team: Option<String>,
    /// Who is told.
    #[serde(default)]
    pub inform: Vec<Inform>,
}

/// What is counted. The minutes are plain minutes; nights and weekends count.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// Since the ticket was opened.
    #[default]
    Age,
    /// Since it has had no assignee.
    Unassigned,
    /// Since anybody of the desk touched it.
    Idle,
}

/// Somebody who is told of a step up.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Inform {
    /// The lead of the team that has had the ticket.
    Lead,
    /// Whoever is on call in the team that has it after the step.
    OnCall,
    /// The person with this id.
    Person(String),
}

fn set() -> Strength {
    Strength::Set
}

fn certain() -> u8 {
    100
}
