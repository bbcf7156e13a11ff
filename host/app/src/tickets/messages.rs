//! Messages: what the notification policies want said, turned into one message for each person.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use waypost_domain::{
    directory::Lookup,
    ids::{MessageId, PersonId},
    message::{Message, Way},
    person::Person,
    ticket::Ticket,
};
use waypost_policy::contract;

use super::facts::Facts;
use crate::Desk;

/// No event of one ticket concerns more people than this; a policy that wants more is mistaken.
const MAX_PEOPLE: usize = 500;

/// A message to some people, before their addresses are known.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    people: BTreeSet<PersonId>,
    subject: String,
    body: String,
    dedupe_key: String,
    send_at: DateTime<Utc>,
}

/// Turns a policy's messages into drafts. What cannot be done is named in the second part.
pub(crate) fn drafts(
    notifications: &contract::Notifications,
    event: &contract::Event,
    ticket: &Ticket,
    facts: &Facts,
    now: DateTime<Utc>,
) -> (Vec<Draft>, Vec<String>) {
    let mut overruled = Vec::new();
    let mut drafts = Vec::new();
    for message in &notifications.messages {
        let except: BTreeSet<PersonId> =
            message.except.iter().filter_map(|id| id.parse().ok()).collect();
        let mut people = BTreeSet::new();
        for recipient in &message.recipients {
            match people_of(recipient, event, ticket, facts) {
                Ok(found) => people.extend(found.into_iter().filter(|id| !except.contains(id))),
                Err(why) => overruled.push(why),
            }
        }
        if people.len() > MAX_PEOPLE {
            overruled.push(format!("a message to {} people; at most {MAX_PEOPLE}", people.len()));
            continue;
        }
        if message.subject.trim().is_empty() {
            overruled.push("a message without a subject".to_owned());
            continue;
        }
        if people.is_empty() {
            continue;
        }
        drafts.push(Draft {
            people,
            subject: message.subject.replace(['\r', '\n'], " "),
            body: message.body.clone(),
            dedupe_key: message.dedupe_key.clone(),
            send_at: now + TimeDelta::seconds(message.delay_seconds.into()),
        });
    }
    (drafts, overruled)
}

fn people_of(
    recipient: &contract::Recipient,
    event: &contract::Event,
    ticket: &Ticket,
    facts: &Facts,
) -> Result<Vec<PersonId>, String> {
    let known = |id: &str| id.parse::<PersonId>().map_err(|_| format!("`{id}` is no person's id"));
    Ok(match recipient {
        contract::Recipient::Person(id) => vec![known(id)?],
        contract::Recipient::Requester => vec![ticket.requester],
        contract::Recipient::Assignee => ticket.assignee.into_iter().collect(),
        contract::Recipient::Team(key) => facts
            .team_named(ticket.org, key)
            .ok_or_else(|| format!("there is no team `{key}`"))?
            .members
            .iter()
            .copied()
            .collect(),
        contract::Recipient::Watchers => ticket.watchers.iter().copied().collect(),
        contract::Recipient::Approvers => {
            event.approvers.iter().map(|id| known(id)).collect::<Result<_, _>>()?
        }
    })
}

/// The people that drafts go to, whose addresses are to be read.
pub(crate) fn people(drafts: &[Draft]) -> BTreeSet<PersonId> {
    drafts.iter().flat_map(|draft| draft.people.iter().copied()).collect()
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
                way: Way::Mail,
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
