//! What an administrator may set.

use schemars::JsonSchema;
use serde::Deserialize;
use waypost_sdk::names;
use waypost_sdk::rules::When;
use waypost_sdk::vocabulary::Strength;

/// Which team gets a ticket.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The rules, in order. The first that matches, and whose team can take the ticket, wins.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// The team for tickets that no rule takes. Without it they are left to the next policy.
    #[schemars(with = "Option<names::Team>")]
    pub fallback: Option<String>,
}

/// When it matches, and who then gets the ticket.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The name of the rule in explanations.
    pub name: String,
    /// When it matches; without conditions always.
    #[serde(default)]
    pub when: When,
    /// The team.
    pub to: Target,
    /// What to do when the team does not work right now; without it the ticket waits until it does.
    pub when_closed: Option<WhenClosed>,
    /// Whether somebody of the team gets the ticket at once.
    #[serde(default)]
    pub assign: Assign,
    /// The ids of people to add as watchers.
    #[serde(default)]
    #[schemars(with = "Vec<names::Person>", length(max = 100))]
    pub watchers: Vec<String>,
    /// Whether the host applies it or shows it as a suggestion: one word for the whole rule, or one
    /// for each field.
    #[serde(default)]
    pub strength: Strengths,
    /// How sure the rule is, in percent.
    #[serde(default = "certain")]
    #[schemars(range(max = 100))]
    pub confidence: u8,
}

/// A team, named or found. A team is named by its key, which is looked up in the organization that
/// the binding belongs to and then above it; or as `organization/key`, which is exactly that team.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// This team.
    Team(#[schemars(with = "names::Team")] String),
    /// Of these teams the one with the fewest open tickets per member. Teams that work right now
    /// come first.
    LeastLoaded(#[schemars(with = "Vec<names::Team>")] Vec<String>),
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
    /// This team gets the ticket instead.
    Team(#[schemars(with = "names::Team")] String),
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

/// How firmly a rule proposes what it says.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Strengths {
    /// The same for everything.
    All(Strength),
    /// Each field on its own; what is left out is set.
    Each(FieldStrengths),
}

impl Default for Strengths {
    fn default() -> Self {
        Self::All(Strength::Set)
    }
}

impl Strengths {
    /// The strength of each field.
    pub(crate) fn each(self) -> FieldStrengths {
        match self {
            Self::All(strength) => {
                FieldStrengths { team: strength, assignee: strength, watchers: strength }
            }
            Self::Each(strengths) => strengths,
        }
    }
}

/// How firmly a rule proposes each field.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FieldStrengths {
    /// The team.
    pub team: Strength,
    /// The person.
    pub assignee: Strength,
    /// The watchers.
    pub watchers: Strength,
}

impl Default for FieldStrengths {
    fn default() -> Self {
        Strengths::default().each()
    }
}

fn certain() -> u8 {
    100
}
