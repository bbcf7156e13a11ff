//! What an administrator may set.

use schemars::JsonSchema;
use serde::Deserialize;
use waypost_sdk::names;
use waypost_sdk::rules::When;
use waypost_sdk::vocabulary::EventKind;

/// Who is notified of what happens to a ticket, and when.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The rules. Every rule that matches sends its message.
    pub rules: Vec<Rule>,
    /// When messages wait; without it they leave at any hour.
    pub quiet_hours: Option<QuietHours>,
}

/// When it matches, and who is then told what.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The name of the rule in explanations. Repeats are recognized by it, so keep it
    /// when the rule changes.
    pub name: String,
    /// The events that trigger the rule.
    pub on: Vec<EventKind>,
    /// Which tickets it applies to; without conditions, all of them.
    #[serde(default)]
    pub when: When,
    /// The states that the ticket must be in afterwards: `on_hold`. Without any, every state.
    #[serde(default)]
    pub states: Vec<String>,
    /// The state that an incident must then have as a major incident. Without any, it does not
    /// matter.
    #[serde(default)]
    pub major_states: Vec<MajorState>,
    /// Who is told.
    pub to: Vec<Recipient>,
    /// Whether the person who caused the event is told too.
    #[serde(default)]
    pub to_actor: bool,
    /// The message's one line, with {placeholders}.
    pub subject: String,
    /// The message, with {placeholders}.
    pub body: String,
    /// Minutes until the message is sent, at most 23 days. Quiet hours may add up to a week to it,
    /// and the desk sends nothing later than in 30 days.
    #[serde(default)]
    #[schemars(range(max = 33120))]
    pub delay_minutes: u32,
    /// How often a person is told.
    #[serde(default)]
    pub once_per: OncePer,
}

/// The state of an incident as a major incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MajorState {
    /// Somebody, or a rule of the desk, has proposed it as one.
    Proposed,
    /// It is one.
    Accepted,
    /// Service is restored; the review is not written.
    Review,
    /// Over, and reviewed.
    Done,
    /// It is not one.
    Rejected,
}

impl MajorState {
    /// The name under which tickets carry it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Accepted => "accepted",
            Self::Review => "review",
            Self::Done => "done",
            Self::Rejected => "rejected",
        }
    }
}

/// Somebody who is told.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// The requester.
    Requester,
    /// The person who works on the ticket, if anybody does.
    Assignee,
    /// Everybody who watches the ticket.
    Watchers,
    /// The people whose approval is asked for, when the event names them.
    Approvers,
    /// Every member of the team that owns the ticket.
    OwningTeam,
    /// Every member of this team: its key, which is looked up in the organization that the binding
    /// belongs to and then above it; or `organization/key` for exactly that team.
    Team(#[schemars(with = "names::Team")] String),
    /// The person with this id.
    Person(#[schemars(with = "names::Person")] String),
}

/// How often the same rule notifies a person about the same ticket.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OncePer {
    /// Of every event.
    #[default]
    Event,
    /// Once while the ticket is in a state.
    State,
    /// Once a day, by the organization's zone.
    Day,
    /// Once.
    Ticket,
}

/// Hours in which messages wait until they are over: by the organization's clock, for the requester
/// by their own if they have a time zone.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// From this time on: `22:00`.
    #[schemars(regex(pattern = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub from: String,
    /// Until this time, on the next morning if it is earlier than `from`.
    #[schemars(regex(pattern = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub to: String,
    /// Days that are quiet all day.
    #[serde(default)]
    pub days: Vec<Weekday>,
    /// Messages about tickets of this priority or a higher one are sent at any hour.
    #[schemars(range(min = 1, max = 5))]
    pub except_priority: Option<u8>,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Weekday {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}
