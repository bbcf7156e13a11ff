//! Merging: several policies may write to the same person about the same thing, who still hears it once.

use std::collections::BTreeSet;

use crate::{ids::PersonId, message::Way};

/// A message that a policy proposes, for one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedMessage {
    /// Who hears.
    pub person: PersonId,
    /// By which way.
    pub way: Way,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// Seconds from now until it leaves.
    pub delay_seconds: u32,
    /// One message with this key is sent to a person about a ticket.
    pub dedupe_key: String,
}

/// The messages to send, each person and key once. Of several, the first one counts: policies are given in the order
/// in which they were asked.
#[must_use]
pub fn merge(proposed: Vec<ProposedMessage>) -> Vec<ProposedMessage> {
    let mut told = BTreeSet::new();
    let mut merged = Vec::with_capacity(proposed.len());
    for message in proposed {
        if told.insert((message.person, message.dedupe_key.clone())) {
            merged.push(message);
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{AGENT, CALLER};

    fn message(person: PersonId, key: &str, subject: &str) -> ProposedMessage {
        ProposedMessage {
            person,
            way: Way::Mail,
            subject: subject.to_owned(),
            body: String::new(),
            delay_seconds: 0,
            dedupe_key: key.to_owned(),
        }
    }

    #[test]
    fn a_person_hears_of_a_thing_once_from_the_first_policy() {
        let merged = merge(vec![
            message(CALLER, "created", "first"),
            message(AGENT, "created", "to another"),
            message(CALLER, "created", "second"),
            message(CALLER, "assigned", "another thing"),
        ]);
        let subjects = merged.iter().map(|message| message.subject.as_str()).collect::<Vec<_>>();
        assert_eq!(subjects, ["first", "to another", "another thing"]);
    }
}
