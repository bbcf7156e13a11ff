//! Rules with conditions on a ticket, indexed: two hundred of them cost little more than ten.
//!
//! A settings type holds a [`When`] for each of its rules, [`Rules`] indexes them in
//! [`Policy::new`](crate::Policy::new), and a hook asks which of them hold:
//!
//! ```
//! use waypost_sdk::rules::{Rules, When};
//! use waypost_sdk::testing::{context, ticket};
//!
//! let whens: Vec<When> = serde_json::from_value(serde_json::json!([
//!     { "kinds": ["request"] },
//!     { "words": { "any": ["printer", "toner"] } },
//! ]))
//! .unwrap();
//! let mut rules = Rules::default();
//! let mut errors = Vec::new();
//! for (place, when) in whens.iter().enumerate() {
//!     rules.add(when, &format!("/rules/{place}/when"), &mut errors);
//! }
//!
//! let (ticket, context) = (ticket("No toner left"), context());
//! let matches = rules.of(&ticket, &context);
//! assert_eq!(matches.iter().collect::<Vec<_>>(), [1]);
//! assert_eq!(matches.words_of(1), "“toner”");
//! ```

mod bits;
mod check;
mod fields;
mod index;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::vocabulary::{Channel, Phase, TicketKind};

pub use fields::Wanted;
pub use index::{Matches, Rules};

/// When a rule applies. Every condition given must hold; of a list, one matching value is enough.
/// Without any condition the rule always applies.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// What kind of record the ticket is.
    pub kinds: Vec<TicketKind>,
    /// Where it is in its life cycle, whatever its kind calls the state.
    pub phases: Vec<Phase>,
    /// How it came in.
    pub channels: Vec<Channel>,
    /// Its category, or one below it: `["network"]` stands for `["network", "wifi"]` too.
    pub categories: Vec<Vec<String>>,
    /// The key of its service.
    pub services: Vec<String>,
    /// The key of one of its configuration items, the main one or a further one.
    pub cis: Vec<String>,
    /// The key of the catalog item that a request is for.
    pub catalog_items: Vec<String>,
    /// One of its labels.
    pub tags: Vec<String>,
    /// Its priority. A ticket without one does not match.
    pub priority: Option<Priorities>,
    /// Whether the requester is a VIP. A ticket without a requester does not match.
    pub vip: Option<bool>,
    /// Where the requester works, as the directory has it; capitals do not matter.
    pub locations: Vec<String>,
    /// Fields that the organization defined for its tickets, each with the values that count.
    pub fields: BTreeMap<String, Vec<Wanted>>,
    /// Fields that the organization defined for its people: those of the requester.
    pub requester_fields: BTreeMap<String, Vec<Wanted>>,
    /// Words in its text.
    pub words: Option<Words>,
}

/// A range of priorities, both ends included. 1 is the highest.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Priorities {
    /// The highest priority that counts.
    #[serde(default = "highest")]
    #[schemars(range(min = 1, max = 5))]
    pub from: u8,
    /// The lowest priority that counts.
    #[serde(default = "lowest")]
    #[schemars(range(min = 1, max = 5))]
    pub to: u8,
}

fn highest() -> u8 {
    1
}

fn lowest() -> u8 {
    5
}

/// Words and phrases that a ticket's text must contain, or must not. At least one of the lists is
/// filled. A word that ends in `*` stands for every word that begins with it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Words {
    /// At least one of these.
    pub any: Vec<String>,
    /// Each of these.
    pub all: Vec<String>,
    /// None of these.
    pub none: Vec<String>,
    /// Where they are looked for.
    #[serde(rename = "in")]
    pub place: Place,
}

/// A part of a ticket's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The short description.
    ShortDescription,
    /// The full text.
    Description,
    /// Both.
    #[default]
    Anywhere,
}
