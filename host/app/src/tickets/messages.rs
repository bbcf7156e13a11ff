//! Messages: what the notification policies want said, turned into one message for each person.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use waypost_domain::{
    ids::{MessageId, PersonId, TicketId},
    message::{DeliveryChannel, Message},
    person::Person,
    proposal::Proposer,
    ticket::Ticket,
};
use waypost_policy::{
    Digest,
    answer::{Notifications, Recipient},
    question::Event,
};

use crate::Desk;

/// No event of one ticket needs more messages than this; a policy that answers more is mistaken.
const MAX_MESSAGES: usize = 50;
/// No event of one ticket concerns more people than this, counted once for each message that they
/// get.
const MAX_PEOPLE: usize = 500;
/// What one answer may put into the outbox, which keeps a text for each person: 500 people get 8
/// KiB each.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Longer keys are replaced by their digest: the database finds messages by key, and its index
/// takes no long ones.
const MAX_DEDUPE_CHARS: usize = 200;

/// No message is held longer: what it says would not be news any more.
const MAX_WAIT: TimeDelta = TimeDelta::days(30);

/// A message to some people, before their addresses are known.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    people: BTreeSet<PersonId>,
    subject: String,
    body: String,
    dedupe_key: String,
    send_at: DateTime<Utc>,
    /// Whoever hears of this ticket by the same command has heard of it.
    pub(crate) unless_told_of: Option<TicketId>,
}

impl Draft {
    /// A message of the desk itself, by no policy.
    pub(crate) fn of_desk(
        people: impl IntoIterator<Item = PersonId>,
        subject: &str,
        body: String,
        dedupe_key: String,
        send_at: DateTime<Utc>,
    ) -> Self {
        let people = people.into_iter().collect();
        let subject = subject.to_owned();
        Self { people, subject, body, dedupe_key, send_at, unless_told_of: None }
    }

    /// The people whom it goes to.
    pub(crate) fn people(&self) -> impl Iterator<Item = PersonId> {
        self.people.iter().copied()
    }

    /// Sends nothing to these people.
    pub(crate) fn leave_out(&mut self, people: &BTreeSet<PersonId>) {
        self.people.retain(|person| !people.contains(person));
    }
}

/// What a policy was told, and which policy.
pub(crate) struct Told<'a> {
    /// What happened.
    pub(crate) event: &'a Event,
    /// To which ticket.
    pub(crate) ticket: &'a Ticket,
    /// The policy.
    pub(crate) proposer: Proposer<'a>,
}

/// Turns a policy's messages into drafts. What cannot be done is named in the second part.
pub(crate) fn drafts(
    notifications: &Notifications,
    told: &Told<'_>,
    now: DateTime<Utc>,
) -> (Vec<Draft>, Vec<String>) {
    let mut overruled = Vec::new();
    let mut drafts = Vec::new();
    let mut room = Room { people: MAX_PEOPLE, bytes: MAX_BYTES };
    for message in notifications.messages.iter().take(MAX_MESSAGES) {
        let except: BTreeSet<PersonId> =
            message.except.iter().filter_map(|id| id.parse().ok()).collect();
        let mut people = BTreeSet::new();
        for recipient in &message.recipients {
            match people_of(recipient, told) {
                Ok(found) => people.extend(found.into_iter().filter(|id| !except.contains(id))),
                Err(why) => overruled.push(why),
            }
        }
        if message.subject.trim().is_empty() {
            overruled.push("a message without a subject".to_owned());
            continue;
        }
        if people.is_empty() {
            continue;
        }
        let send_at = match send_at(message.not_before.as_deref(), now) {
            Ok(send_at) => send_at,
            Err(why) => {
                overruled.push(why);
                continue;
            }
        };
        if let Err(why) = room.take(people.len(), message.subject.len() + message.body.len()) {
            overruled.push(why);
            continue;
        }
        drafts.push(Draft {
            people,
            subject: message.subject.replace(['\r', '\n'], " "),
            body: message.body.clone(),
            dedupe_key: short(&message.dedupe_key),
            send_at,
            unless_told_of: None,
        });
    }
    let asked = notifications.messages.len();
    if asked > MAX_MESSAGES {
        overruled
            .push(format!("{asked} messages are too many; only the first {MAX_MESSAGES} are sent"));
    }
    (drafts, overruled)
}

/// What the messages of one answer may still take.
struct Room {
    people: usize,
    bytes: usize,
}

impl Room {
    /// Makes room for a message, or says why there is none. A smaller one may still fit after it.
    fn take(&mut self, people: usize, bytes_each: usize) -> Result<(), String> {
        let bytes = people.saturating_mul(bytes_each);
        if people > self.people {
            return Err(format!(
                "a message to {people} people; an answer can notify at most {MAX_PEOPLE}, of \
                 which {} are left",
                self.people
            ));
        }
        if bytes > self.bytes {
            return Err(format!(
                "messages of {bytes} bytes to {people} people; an answer can send at most \
                 {MAX_BYTES}, of which {} are left",
                self.bytes
            ));
        }
        self.people -= people;
        self.bytes -= bytes;
        Ok(())
    }
}

/// When a message leaves: at once, or at a later time that its policy names.
fn send_at(not_before: Option<&str>, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let Some(text) = not_before else { return Ok(now) };
    let at = DateTime::parse_from_rfc3339(text)
        .map_err(|_| format!("a message with the time `{text}`, which is not valid RFC 3339"))?;
    let at = at.to_utc();
    if at > now + MAX_WAIT {
        let days = MAX_WAIT.num_days();
        return Err(format!(
            "a message for {text}; messages can be scheduled at most {days} days ahead"
        ));
    }
    Ok(at.max(now))
}

/// The key, or what stands for it: different keys stay different, and the same key the same.
fn short(dedupe_key: &str) -> String {
    if dedupe_key.chars().nth(MAX_DEDUPE_CHARS).is_none() {
        return dedupe_key.to_owned();
    }
    Digest::of(dedupe_key.as_bytes()).to_string()
}

fn people_of(recipient: &Recipient, told: &Told<'_>) -> Result<Vec<PersonId>, String> {
    let Told { event, ticket, proposer } = told;
    let known =
        |id: &str| id.parse::<PersonId>().map_err(|_| format!("`{id}` is not a person's id"));
    Ok(match recipient {
        Recipient::Person(id) => vec![known(id)?],
        Recipient::Requester => ticket.requester.into_iter().collect(),
        Recipient::Assignee => ticket.assignee.into_iter().collect(),
        Recipient::Team(name) => proposer.team(ticket.org, name)?.members.iter().copied().collect(),
        Recipient::Watchers => ticket.watchers.iter().copied().collect(),
        Recipient::Approvers => {
            event.approvers.iter().map(|id| known(id)).collect::<Result<_, _>>()?
        }
    })
}

/// The people that drafts go to, whose addresses are to be read.
pub(crate) fn people(drafts: &[Draft]) -> BTreeSet<PersonId> {
    drafts.iter().flat_map(Draft::people).collect()
}

/// One message for each person who has an address and still works here.
pub(crate) fn addressed(
    drafts: Vec<Draft>,
    people: &BTreeMap<PersonId, Person>,
    ticket: &Ticket,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Vec<Message> {
    let mut messages = Vec::new();
    for draft in drafts {
        for person in draft.people.iter().filter_map(|id| people.get(id)) {
            let Some(address) = person.email.clone().filter(|_| person.active) else {
                continue;
            };
            messages.push(Message {
                id: MessageId(desk.entropy.id(now)),
                org: ticket.org,
                ticket: Some(ticket.id),
                person: person.id,
                channel: DeliveryChannel::Mail,
                address,
                subject: draft.subject.clone(),
                body: draft.body.clone(),
                dedupe_key: draft.dedupe_key.clone(),
                send_at: draft.send_at,
                created_at: now,
            });
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_reaches_a_bounded_number_of_people_with_a_bounded_number_of_bytes() {
        let mut room = Room { people: MAX_PEOPLE, bytes: MAX_BYTES };
        assert_eq!(room.take(MAX_PEOPLE - 1, 100), Ok(()));
        assert!(room.take(2, 1).unwrap_err().contains("1 are left"));
        assert_eq!(room.take(1, 100), Ok(()));
        assert!(room.take(1, 1).is_err());

        let mut room = Room { people: MAX_PEOPLE, bytes: MAX_BYTES };
        assert!(room.take(2, MAX_BYTES / 2 + 1).unwrap_err().contains("bytes"));
        assert_eq!(room.take(2, MAX_BYTES / 2), Ok(()));
    }

    #[test]
    fn a_message_leaves_at_once_or_at_a_time_within_a_month() {
        let now: DateTime<Utc> = "2026-06-01T08:00:00Z".parse().unwrap();
        let at = |text: &str| send_at(Some(text), now).map(|at| at.to_rfc3339());
        assert_eq!(send_at(None, now), Ok(now));
        assert_eq!(at("2026-06-01T09:30:00+02:00").unwrap(), "2026-06-01T08:00:00+00:00");
        assert_eq!(at("2026-06-02T08:00:00Z").unwrap(), "2026-06-02T08:00:00+00:00");
        assert!(at("2026-07-02T08:00:00Z").unwrap_err().contains("30 days"));
        assert!(at("tomorrow").unwrap_err().contains("RFC 3339"));
    }

    #[test]
    fn a_long_dedupe_key_is_replaced_by_its_digest() {
        let longest = "\u{e4}".repeat(MAX_DEDUPE_CHARS);
        assert_eq!(short(&longest), longest);
        let (one, other) = (format!("{longest}a"), format!("{longest}b"));
        assert_ne!(short(&one), short(&other));
        assert_eq!(short(&one), short(&one.clone()));
        assert!(short(&"x".repeat(60_000)).len() < 100);
    }
}
