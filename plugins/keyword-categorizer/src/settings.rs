//! What an administrator may set.

use schemars::JsonSchema;
use serde::Deserialize;
use waypost_sdk::rules::When;
use waypost_sdk::vocabulary::{Kind, Strength};

/// Rules that read a ticket's text and propose what it is about.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The rules, in order. For each field the first rule that matches and sets it wins.
    pub rules: Vec<Rule>,
    /// Whether fields that the ticket already has (a category chosen in the portal, a service named by monitoring) may
    /// be proposed anew.
    #[serde(default)]
    pub overwrite: bool,
}

/// When it matches, what the ticket is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The name by which explanations call the rule.
    pub name: String,
    /// When it matches; without conditions always, which makes a last rule a default.
    #[serde(default)]
    pub when: When,
    /// What it sets.
    #[serde(default)]
    pub set: Fields,
    /// Whether the host applies it or shows it as a suggestion.
    #[serde(default = "set")]
    pub strength: Strength,
    /// How sure the rule is, in percent.
    #[serde(default = "quite_sure")]
    #[schemars(range(max = 100))]
    pub confidence: u8,
    /// Whether no later rule is looked at when this one matches.
    #[serde(default)]
    pub stop: bool,
}

/// What a rule says about a ticket. A field that is left out is left to later rules.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Fields {
    /// What kind of record it should be. `problem` and `change` reach a person as a suggestion.
    pub kind: Option<Kind>,
    /// The category, from the general to the special: `["access", "password"]`.
    pub category: Option<Vec<String>>,
    /// The key of the service.
    pub service: Option<String>,
    /// The key of the configuration item.
    pub ci: Option<String>,
    /// How much is affected; 1 is the most.
    #[schemars(range(min = 1, max = 5))]
    pub impact: Option<u8>,
    /// How soon it hurts; 1 is the soonest.
    #[schemars(range(min = 1, max = 5))]
    pub urgency: Option<u8>,
    /// Labels to add. Every matching rule adds its own.
    pub tags: Vec<String>,
}

fn set() -> Strength {
    Strength::Set
}

/// Below certainty: words can mislead, and a rule of another policy that knows should win.
fn quite_sure() -> u8 {
    90
}
