//! Messages that leave the desk: committed with the change they tell of, sent later, at least once.
//!
//! Whom a message is for is decided when it is made, and looked at again when it leaves: people
//! leave, addresses are corrected, tickets get other assignees and end.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use crate::{
    ids::{MessageId, OrgId, PersonId, TeamId, TicketId},
    incident::Major,
    name::{UnknownName, names},
    person::Person,
    role::Role,
    sign_in::LinkPurpose,
    ticket::{CancelOutcome, Code, Stage, Ticket},
};

/// By which way a message leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryChannel {
    /// E-mail.
    Mail,
}

names!("channel", DeliveryChannel {
    Mail => "mail",
});

/// A message for one person, in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id; the same for all attempts, so a receiver can drop a repeat.
    pub id: MessageId,
    /// The organization.
    pub org: OrgId,
    /// The ticket it is about; none for a message to administrators.
    pub ticket: Option<TicketId>,
    /// Who gets it.
    pub person: PersonId,
    /// As what they get it. One of these is enough to get it still.
    pub told_as: BTreeSet<ToldAs>,
    /// Whether the ticket had been cancelled, merged or converted already: the message tells of
    /// that, or of what came after it.
    pub after_end: bool,
    /// By which way.
    pub channel: DeliveryChannel,
    /// The address it was sent to last; none before the first attempt.
    pub address: Option<String>,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// The link that it carries, where [`LINK_PLACE`] stands in the body. Its secret is made when
    /// the message leaves, so nobody who reads the outbox can follow it.
    pub link: Option<MessageLink>,
    /// One message with this key is sent to a person about a ticket.
    pub dedupe_key: String,
    /// When it leaves, at the earliest.
    pub send_at: DateTime<Utc>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// What stands in a body for the link that the message carries.
pub const LINK_PLACE: &str = "{link}";

/// A link that works once, for whoever gets the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageLink {
    /// Signs its receiver in, and leads on to a page.
    SignIn {
        /// The path of the page, if it is a certain one.
        next: Option<String>,
    },
}

impl fmt::Display for MessageLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignIn { next: None } => f.write_str("sign_in"),
            Self::SignIn { next: Some(next) } => write!(f, "sign_in {next}"),
        }
    }
}

impl FromStr for MessageLink {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let (kind, rest) =
            text.split_once(' ').map_or((text, None), |(kind, rest)| (kind, Some(rest)));
        match kind {
            "sign_in" => Ok(Self::SignIn { next: rest.map(str::to_owned) }),
            _ => Err(UnknownName { what: "link", given: text.to_owned(), valid: &["sign_in"] }),
        }
    }
}

/// As what a person is told something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ToldAs {
    /// As the one whom the ticket is for.
    Requester,
    /// As the one who works on it.
    Assignee,
    /// As one who follows it.
    Watcher,
    /// As one whose vote is asked for.
    Approver,
    /// As one who leads the major incident.
    Leader,
    /// As a member of a team.
    Member(TeamId),
    /// As an administrator of the organization.
    Administrator,
    /// As themselves, whatever they are.
    Named,
}

/// A team is written as `team:` and its id.
impl fmt::Display for ToldAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requester => f.write_str("requester"),
            Self::Assignee => f.write_str("assignee"),
            Self::Watcher => f.write_str("watcher"),
            Self::Approver => f.write_str("approver"),
            Self::Leader => f.write_str("leader"),
            Self::Member(team) => write!(f, "team:{team}"),
            Self::Administrator => f.write_str("administrator"),
            Self::Named => f.write_str("named"),
        }
    }
}

impl FromStr for ToldAs {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let team = || text.strip_prefix("team:").and_then(|id| id.parse().ok());
        match text {
            "requester" => Ok(Self::Requester),
            "assignee" => Ok(Self::Assignee),
            "watcher" => Ok(Self::Watcher),
            "approver" => Ok(Self::Approver),
            "leader" => Ok(Self::Leader),
            "administrator" => Ok(Self::Administrator),
            "named" => Ok(Self::Named),
            _ => team().map(Self::Member).ok_or_else(|| UnknownName {
                what: "recipient",
                given: text.to_owned(),
                valid: &[
                    "requester",
                    "assignee",
                    "watcher",
                    "approver",
                    "leader",
                    "team:ID",
                    "administrator",
                    "named",
                ],
            }),
        }
    }
}

/// Where a message stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageState {
    /// Waits for its time or its next attempt.
    Pending,
    /// Handed over.
    Sent {
        /// When.
        at: DateTime<Utc>,
    },
    /// Given up.
    Dead {
        /// The last attempt's error.
        error: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// Not sent: when it was to leave, nobody was to be told any more.
    Dropped {
        /// Why.
        reason: String,
        /// When.
        at: DateTime<Utc>,
    },
}

impl MessageState {
    /// The identifier of the state, without its facts.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent { .. } => "sent",
            Self::Dead { .. } => "dead",
            Self::Dropped { .. } => "dropped",
        }
    }
}

/// How things stand when a message is to leave.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// The person, if the organization knows them still.
    pub person: Option<Person>,
    /// The ticket.
    pub ticket: Option<Ticket>,
    /// Whether the ticket's approval waits for the person's vote.
    pub is_asked: bool,
    /// The teams that serve the organization, of which the person is a member.
    pub teams: BTreeSet<TeamId>,
}

/// Why a message is not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSent {
    /// The person left, or the team in which they served the organization.
    Left,
    /// The person has no address.
    NoAddress,
    /// Its link would be too late: whoever asked for it has asked again or gone.
    LinkLate,
    /// Its link would go to an address that is not the person's any more.
    OtherAddress,
    /// They are not any more what they were told as.
    NotAnyMore(ToldAs),
    /// The ticket ended since, in this way.
    Ended {
        /// Its number.
        number: String,
        /// `cancelled`, `merged` or `converted`.
        how: &'static str,
    },
}

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not sent: ")?;
        match self {
            Self::Left => f.write_str("the person does not work here any more"),
            Self::NoAddress => f.write_str("the person has no e-mail address"),
            Self::LinkLate => f.write_str("its link would be too late"),
            Self::OtherAddress => f.write_str("the person has another e-mail address since"),
            Self::NotAnyMore(told_as) => f.write_str(match told_as {
                ToldAs::Requester => "the person is not the requester any more",
                ToldAs::Assignee => "the person is not the assignee any more",
                ToldAs::Watcher => "the person does not watch the ticket any more",
                ToldAs::Approver => "the person's vote is not asked for any more",
                ToldAs::Leader => "the person does not lead the major incident any more",
                ToldAs::Member(_) => "the person is not a member of the team any more",
                ToldAs::Administrator => "the person is not an administrator any more",
                ToldAs::Named => "nobody is told of it any more",
            }),
            Self::Ended { number, how } => write!(f, "{number} was {how} before it left"),
        }
    }
}

impl Message {
    /// The address to which it leaves now, or why it does not leave any more.
    pub fn leaves_to(&self, standing: &Standing, now: DateTime<Utc>) -> Result<String, NotSent> {
        if self.link.is_some() && now >= self.created_at + LinkPurpose::SignIn.lifetime() {
            return Err(NotSent::LinkLate);
        }
        let person =
            standing.person.as_ref().filter(|person| person.active).ok_or(NotSent::Left)?;
        if let Some(ticket) = &standing.ticket
            && !self.after_end
            && let Some(how) = ticket.ended_as()
        {
            return Err(NotSent::Ended { number: ticket.number.clone(), how });
        }
        if !self.told_as.iter().any(|told_as| told_as.holds(person, standing)) {
            let first = self.told_as.first().copied().unwrap_or(ToldAs::Named);
            return Err(NotSent::NotAnyMore(first));
        }
        person.email.clone().ok_or(NotSent::NoAddress)
    }
}

impl ToldAs {
    /// Whether the person is this still.
    fn holds(self, person: &Person, standing: &Standing) -> bool {
        let ticket = standing.ticket.as_ref();
        match self {
            Self::Requester => ticket.is_some_and(|it| it.requester == Some(person.id)),
            Self::Assignee => ticket.is_some_and(|it| it.assignee == Some(person.id)),
            Self::Watcher => ticket.is_some_and(|it| it.watchers.contains(&person.id)),
            Self::Approver => standing.is_asked,
            Self::Leader => ticket.is_some_and(|it| it.is_led_by(person.id)),
            Self::Member(team) => standing.teams.contains(&team),
            Self::Administrator => person.role == Role::Admin,
            Self::Named => true,
        }
    }
}

impl Ticket {
    /// How it ended without being done: withdrawn, or another ticket goes on instead.
    #[must_use]
    pub fn ended_as(&self) -> Option<&'static str> {
        match &self.stage {
            Stage::Cancelled(cancellation) => Some(match cancellation.outcome {
                CancelOutcome::Withdrawn => "cancelled",
                CancelOutcome::MergedInto(_) => "merged",
                CancelOutcome::ConvertedTo(_) => "converted",
            }),
            // Problems end in these ways with an outcome code.
            Stage::Done(_, outcome) | Stage::Closed(_, outcome, _) => match outcome.code {
                Some(Code::Duplicate) => Some("merged"),
                Some(Code::Cancelled) => Some("cancelled"),
                Some(
                    Code::Fixed
                    | Code::WorkaroundApplied
                    | Code::Assistance
                    | Code::Training
                    | Code::HardwareRepair
                    | Code::SoftwarePatch
                    | Code::SystemUpdate
                    | Code::ResolvedByProblem
                    | Code::ResolvedByChange
                    | Code::MonitoringCleared
                    | Code::ResolvedByCaller
                    | Code::NoFaultFound
                    | Code::Other
                    | Code::Complete
                    | Code::Partial
                    | Code::Substituted
                    | Code::FixApplied
                    | Code::RiskAccepted,
                )
                | None => None,
            },
            Stage::Open(_) | Stage::OnHold(_) | Stage::Rejected(_) => None,
        }
    }

    /// Whether the person leads it as a major incident that is not over.
    fn is_led_by(&self, person: PersonId) -> bool {
        let Some(Major::Accepted { led_by, .. }) = self.incident().map(|it| &it.major) else {
            return false;
        };
        led_by.manager == person || led_by.communication_owner == person
    }
}

#[cfg(test)]
mod tests;
