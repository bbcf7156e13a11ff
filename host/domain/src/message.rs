//! Messages that leave the desk: committed with the change they tell of, sent later, at least once.

use chrono::{DateTime, Utc};

use crate::ids::{MessageId, OrgId, PersonId, TicketId};
use crate::name::names;

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
    /// By which way.
    pub channel: DeliveryChannel,
    /// The address it goes to, as it was when the message was made.
    pub address: String,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// One message with this key is sent to a person about a ticket.
    pub dedupe_key: String,
    /// When it leaves, at the earliest.
    pub send_at: DateTime<Utc>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
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
}

impl MessageState {
    /// The identifier of the state, without its facts.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent { .. } => "sent",
            Self::Dead { .. } => "dead",
        }
    }
}
