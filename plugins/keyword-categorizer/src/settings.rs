//! What an administrator may set.

use schemars::JsonSchema;
use serde::Deserialize;
use waypost_sdk::names;
use waypost_sdk::rules::When;
use waypost_sdk::vocabulary::{Kind, Strength};

/// Rules that read a ticket's text and propose what it is about.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The rules, in order. For each field the first rule that matches and sets it wins.
    pub rules: Vec<Rule>,
    /// Whether fields that the ticket already has (a category chosen in the portal, a service named
    /// by monitoring) may be proposed again.
    #[serde(default)]
    pub overwrite: bool,
}

/// When it matches, and what the ticket then is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The name of the rule in explanations.
    pub name: String,
    /// When it matches; without conditions always, which makes a last rule a default.
    #[serde(default)]
    pub when: When,
    /// What it sets.
    #[serde(default)]
    pub set: Fields,
    /// Whether the host applies it or shows it as a suggestion: one word for everything that the
    /// rule sets, or one for each field.
    #[serde(default)]
    pub strength: Strengths,
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
    /// What kind of record it should be. `problem` reaches a person as a suggestion.
    pub kind: Option<Kind>,
    /// The category, from the general to the specific: `["access", "password"]`.
    #[schemars(with = "Option<names::Category>")]
    pub category: Option<Vec<String>>,
    /// The key of the service.
    #[schemars(with = "Option<names::Service>")]
    pub service: Option<String>,
    /// The key of the configuration item.
    #[schemars(with = "Option<names::Ci>")]
    pub ci: Option<String>,
    /// Impact: how much of the business is affected. 1 is the highest.
    #[schemars(range(min = 1, max = 5))]
    pub impact: Option<u8>,
    /// Urgency: how quickly it must be dealt with. 1 is the highest.
    #[schemars(range(min = 1, max = 5))]
    pub urgency: Option<u8>,
    /// Labels to add; a ticket has at most 20. Every matching rule adds its own; where some
    /// are set, none is suggested.
    pub tags: Vec<String>,
}

/// How firmly a rule proposes what it sets.
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
            Self::All(strength) => FieldStrengths {
                kind: strength,
                category: strength,
                service: strength,
                ci: strength,
                impact: strength,
                urgency: strength,
                tags: strength,
            },
            Self::Each(strengths) => strengths,
        }
    }
}

/// How firmly a rule proposes each field.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FieldStrengths {
    /// The kind of record.
    pub kind: Strength,
    /// The category.
    pub category: Strength,
    /// The service.
    pub service: Strength,
    /// The configuration item.
    pub ci: Strength,
    /// The impact.
    pub impact: Strength,
    /// The urgency.
    pub urgency: Strength,
    /// The labels.
    pub tags: Strength,
}

impl Default for FieldStrengths {
    fn default() -> Self {
        Strengths::default().each()
    }
}

/// Below certainty: words can mislead, and a rule of another policy that knows should win.
fn quite_sure() -> u8 {
    90
}
