//! Messages: what the notification policies want said, turned into one message for each person.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use waypost_domain::{
    ids::{MessageId, PersonId, TicketId},
    message::{DeliveryChannel, Message, ToldAs},
    moment,
    proposal::Proposer,
    said, text,
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

/// A subject is read in a list of letters.
const MAX_SUBJECT_CHARS: usize = 2_000;

/// The people who are told something, and as what.
type People = BTreeMap<PersonId, BTreeSet<ToldAs>>;

/// A message to some people. Where each of them gets it is looked up when it leaves.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    people: People,
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
        told_as: ToldAs,
        subject: &str,
        body: String,
        dedupe_key: String,
        send_at: DateTime<Utc>,
    ) -> Self {
        let people = people.into_iter().map(|id| (id, BTreeSet::from([told_as]))).collect();
        let subject = subject.to_owned();
        Self { people, subject, body, dedupe_key, send_at, unless_told_of: None }
    }

    /// The people whom it goes to.
    pub(crate) fn people(&self) -> impl Iterator<Item = PersonId> {
        self.people.keys().copied()
    }

    /// Sends nothing to these people.
    pub(crate) fn leave_out(&mut self, people: &BTreeSet<PersonId>) {
        self.people.retain(|person, _| !people.contains(person));
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
        let mut people = People::new();
        for recipient in &message.recipients {
            match people_of(recipient, told) {
                Ok((told_as, found)) => {
                    for id in found.into_iter().filter(|id| !except.contains(id)) {
                        people.entry(id).or_default().insert(told_as);
                    }
                }
                Err(why) => overruled.push(why),
            }
        }
        if message.subject.trim().is_empty() {
            overruled.push(said!("a message without a subject").into());
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
        let subject = message.subject.replace(char::is_control, " ");
        let kept = text::cut(subject.trim(), MAX_SUBJECT_CHARS);
        if kept != subject.trim() {
            let most = MAX_SUBJECT_CHARS;
            let why = said!("a subject of more than {most} characters; it was cut to that", most);
            overruled.push(why.into());
        }
        drafts.push(Draft {
            people,
            subject: kept.into_owned(),
            body: message.body.clone(),
            dedupe_key: short(&message.dedupe_key),
            send_at,
            unless_told_of: None,
        });
    }
    let asked = notifications.messages.len();
    if asked > MAX_MESSAGES {
        let most = MAX_MESSAGES;
        let why =
            said!("{asked} messages are too many; only the first {most} are sent", asked, most);
        overruled.push(why.into());
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
            return Err(String::from(said!(
                "a message to {people} people; an answer can notify at most {most}, of which \
                 {left} are left",
                people,
                most = MAX_PEOPLE,
                left = self.people
            )));
        }
        if bytes > self.bytes {
            return Err(String::from(said!(
                "messages of {bytes} bytes to {people} people; an answer can send at most {most}, \
                 of which {left} are left",
                bytes,
                people,
                most = MAX_BYTES,
                left = self.bytes
            )));
        }
        self.people -= people;
        self.bytes -= bytes;
        Ok(())
    }
}

/// When a message leaves: at once, or at a later time that its policy names.
fn send_at(not_before: Option<&str>, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let Some(text) = not_before else { return Ok(now) };
    let at = moment::parse(text).map_err(|invalid| {
        said!("a message with the time `{text}`: {why}", text, why = invalid.said())
    })?;
    if at > now + MAX_WAIT {
        let days = MAX_WAIT.num_days();
        return Err(String::from(said!(
            "a message for {text}; messages can be scheduled at most {days} days ahead",
            text,
            days
        )));
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

fn not_an_id(id: &str) -> String {
    said!("`{id}` is not a person's id", id).into()
}

fn people_of(recipient: &Recipient, told: &Told<'_>) -> Result<(ToldAs, Vec<PersonId>), String> {
    let Told { event, ticket, proposer } = told;
    let known = |id: &str| id.parse::<PersonId>().map_err(|_| not_an_id(id));
    Ok(match recipient {
        Recipient::Person(id) => (ToldAs::Named, vec![known(id)?]),
        Recipient::Requester => (ToldAs::Requester, ticket.requester.into_iter().collect()),
        Recipient::Assignee => (ToldAs::Assignee, ticket.assignee.into_iter().collect()),
        Recipient::Team(name) => {
            let team = proposer.team(ticket.org, name)?;
            (ToldAs::Member(team.id), team.members.iter().copied().collect())
        }
        Recipient::Watchers => (ToldAs::Watcher, ticket.watchers.iter().copied().collect()),
        Recipient::Approvers => {
            let approvers = event.approvers.iter().map(|id| known(id));
            (ToldAs::Approver, approvers.collect::<Result<_, _>>()?)
        }
    })
}

/// One message for each person.
pub(crate) fn letters(
    drafts: Vec<Draft>,
    ticket: &Ticket,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Vec<Message> {
    let mut messages = Vec::new();
    for draft in drafts {
        for (person, told_as) in draft.people {
            messages.push(Message {
                id: MessageId(desk.entropy.id(now)),
                org: ticket.org,
                ticket: Some(ticket.id),
                person,
                told_as,
                after_end: ticket.ended_as().is_some(),
                channel: DeliveryChannel::Mail,
                address: None,
                subject: draft.subject.clone(),
                body: draft.body.clone(),
                link: None,
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
        assert!(at("tomorrow").unwrap_err().contains("2026-06-01T08:00:00Z"));
        assert!(at("2026-06-01T23:59:60Z").unwrap_err().contains("leap second"));
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
