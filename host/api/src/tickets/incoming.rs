//! What is taken about tickets: new ones, edits, filters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use waypost_app::tickets::{OpenTicket, TicketEdit, TicketOrder, TicketQuery};
use waypost_domain::{
    ids::OrderId,
    refusal::FieldFault,
    ticket::{State, TicketKind},
};

use crate::{
    problem::Problem,
    tickets::named,
    wire::{
        ChannelName, KindName, MajorStateName, PersonIn, StateName, TimeIn, WaitingKindName,
        patch::{nullable, settable},
    },
};

/// A ticket that comes in.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = NewTicket)]
pub(crate) struct TicketIn {
    /// What it is. Left out at `/tickets`, the organization's policies decide.
    kind: Option<KindName>,
    /// What it is about, in one line of at most 250 characters.
    #[schema(required = true, example = "I can't log in, my password has expired")]
    short_description: String,
    /// The full text.
    description: String,
    /// How it came in; `api` if left out.
    channel: Option<ChannelName>,
    /// Whose trouble or wish it is, by id or e-mail address; the caller if left out.
    requester: Option<PersonIn>,
    /// The category's path.
    #[schema(example = "access/password")]
    category: Option<String>,
    /// The service's key.
    service: Option<String>,
    /// The configuration item's key.
    ci: Option<String>,
    /// How much is affected; 1 is the most.
    #[schema(minimum = 1, maximum = 5)]
    impact: Option<u8>,
    /// How soon it hurts; 1 is the soonest.
    #[schema(minimum = 1, maximum = 5)]
    urgency: Option<u8>,
    /// Free labels.
    tags: Vec<String>,
    /// What is asked for: the catalog item's key. For requests.
    catalog_item: Option<String>,
    /// The answers to the catalog item's form: texts, numbers, true or false.
    #[schema(value_type = BTreeMap<String, Value>)]
    answers: BTreeMap<String, Value>,
    /// How many of the catalog item; one if left out.
    #[schema(minimum = 1, maximum = 1000)]
    quantity: Option<u16>,
    /// Another system's number for it; opening the same again returns the first. For the desk.
    external_ref: Option<ExternalRefWire>,
    /// When the trouble began; now if left out.
    opened_at: Option<TimeIn>,
    /// Whether a request is only written down, to be submitted later.
    draft: bool,
    /// How many people an incident keeps from their work. For the desk.
    #[schema(maximum = 1_000_000)]
    affected_users: Option<u32>,
    /// Whether an incident follows the one that it is made a part of; yes if left out. For the desk.
    sync_with_parent: Option<bool>,
}

/// Another system's number for a ticket.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExternalRef)]
pub(crate) struct ExternalRefWire {
    /// The system.
    #[schema(example = "monitoring")]
    pub(crate) source: String,
    /// Its number there.
    pub(crate) id: String,
}

impl TicketIn {
    /// The command, in a collection that may hold one kind only.
    pub(crate) fn command(self, only: Option<TicketKind>) -> Result<OpenTicket, Problem> {
        let kind = self.kind.map(|kind| kind.0);
        if let (Some(only), Some(kind)) = (only, kind)
            && only != kind
        {
            let message = format!("this collection holds tickets of the kind {only}; leave it out");
            return Err(fault("/kind", message));
        }
        Ok(OpenTicket {
            kind: only.or(kind),
            short_description: self.short_description,
            description: self.description,
            channel: self.channel.map(|channel| channel.0),
            requester: self.requester.map(Into::into),
            category: self.category,
            service: self.service,
            ci: self.ci,
            impact: self.impact,
            urgency: self.urgency,
            tags: self.tags,
            catalog_item: self.catalog_item,
            answers: answers("", self.answers)?,
            quantity: self.quantity,
            external_ref: self.external_ref.map(|other| (other.source, other.id)),
            opened_at: self.opened_at.map(Into::into),
            draft: self.draft,
            affected_users: self.affected_users,
            sync_with_parent: self.sync_with_parent,
        })
    }
}

/// Which fields of a ticket change. What is left out stays; null empties.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = TicketEdit)]
#[expect(clippy::option_option, reason = "left out and emptied are two different wishes")]
pub(crate) struct TicketEditIn {
    /// What it is about, in one line.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = String)]
    short_description: Option<String>,
    /// The full text.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = String)]
    description: Option<String>,
    /// The category's path.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    category: Option<Option<String>>,
    /// The service's key.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    service: Option<Option<String>>,
    /// The configuration item's key.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    ci: Option<Option<String>>,
    /// How much is affected; 1 is the most.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<u8>, minimum = 1, maximum = 5)]
    impact: Option<Option<u8>>,
    /// How soon it hurts; 1 is the soonest.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<u8>, minimum = 1, maximum = 5)]
    urgency: Option<Option<u8>>,
    /// Free labels, all of them.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = Vec<String>)]
    tags: Option<Vec<String>>,
    /// The answers to the catalog item's form, all of them.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = BTreeMap<String, Value>)]
    answers: Option<BTreeMap<String, Value>>,
    /// How many of the catalog item, while the request is a draft.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = u16, minimum = 1, maximum = 1000)]
    quantity: Option<u16>,
    /// When what is asked for should be there. For the desk, and for requests.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    expected_at: Option<Option<TimeIn>>,
    /// The people who hear of every change, all of them, by id or e-mail address.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = Vec<PersonIn>)]
    watchers: Option<Vec<PersonIn>>,
    /// The incident that it is a part of, by id or number; it follows when that is worked on, waits for a vendor or is
    /// resolved. For incidents.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    parent: Option<Option<String>>,
    /// Whether it follows the incident that it is a part of. For incidents.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = bool)]
    sync_with_parent: Option<bool>,
    /// How many people it keeps from their work. For incidents.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = u32, maximum = 1_000_000)]
    affected_users: Option<u32>,
    /// Only here to be refused with the remedy: a state is changed by actions.
    #[serde(deserialize_with = "nullable")]
    #[schema(ignore)]
    state: Option<Option<Value>>,
}

impl TicketEditIn {
    /// The command.
    pub(crate) fn command(self) -> Result<TicketEdit, Problem> {
        if self.state.is_some() {
            return Err(Problem::state_not_patchable(State::NAMES));
        }
        Ok(TicketEdit {
            short_description: self.short_description,
            description: self.description,
            category: self.category,
            service: self.service,
            ci: self.ci,
            impact: self.impact,
            urgency: self.urgency,
            tags: self.tags,
            answers: self.answers.map(|given| answers("", given)).transpose()?,
            quantity: self.quantity,
            expected_at: self.expected_at.map(|at| at.map(Into::into)),
            watchers: self.watchers.map(|people| people.into_iter().map(Into::into).collect()),
            parent: self.parent.map(|parent| parent.as_deref().map(named)),
            sync_with_parent: self.sync_with_parent,
            affected_users: self.affected_users,
        })
    }
}

/// Forms are answered in texts; JSON's other plain values are as good. `at` points to what has the answers.
pub(crate) fn answers(
    at: &str,
    given: BTreeMap<String, Value>,
) -> Result<Vec<(String, String)>, Problem> {
    let answer = |(field, value): (String, Value)| {
        let text = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(value) => value.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => {
                let field = field.replace('~', "~0").replace('/', "~1");
                let pointer = format!("{at}/answers/{field}");
                return Err(fault(&pointer, "must be a text, a number, true or false".to_owned()));
            }
        };
        Ok((field, text))
    };
    given.into_iter().map(answer).collect()
}

fn fault(pointer: &str, message: String) -> Problem {
    let fault = FieldFault { pointer: pointer.to_owned(), code: "invalid", message };
    Problem::faults(vec![fault.into()])
}

/// Which tickets are asked for. Every part that is set must match.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct TicketFilter {
    /// Which kind; at `/tickets`.
    #[param(value_type = Option<String>)]
    kind: Option<KindName>,
    /// The states.
    #[param(value_type = Vec<String>, style = Form, explode = false)]
    state: Vec<StateName>,
    /// Whether the desk still has to do something about it.
    active: Option<bool>,
    /// The owning team's key.
    team: Option<String>,
    /// The assignee, by id or e-mail address.
    #[param(value_type = Option<String>)]
    assignee: Option<PersonIn>,
    /// Whether somebody is assigned.
    assigned: Option<bool>,
    /// Whom or what it waits for, as `waiting_on.what` of a ticket says.
    #[param(value_type = Option<String>)]
    waiting_on: Option<WaitingKindName>,
    /// Waiting since before this time.
    #[param(value_type = Option<DateTime<Utc>>)]
    waiting_before: Option<TimeIn>,
    /// The requester, by id or e-mail address.
    #[param(value_type = Option<String>)]
    requester: Option<PersonIn>,
    /// The priorities.
    #[param(style = Form, explode = false)]
    priority: Vec<u8>,
    /// A category's path; everything below it matches too.
    category: Option<String>,
    /// The service's key.
    service: Option<String>,
    /// The configuration item's key.
    ci: Option<String>,
    /// A label.
    tag: Option<String>,
    /// Parts of this incident, by its id or number.
    parent: Option<String>,
    /// Where it stands as a major incident.
    #[param(value_type = Vec<String>, style = Form, explode = false)]
    major_state: Vec<MajorStateName>,
    /// Requests of this order, by its id.
    #[param(value_type = Option<Uuid>)]
    order_id: Option<Uuid>,
    /// Words in the short description.
    text: Option<String>,
    /// Whether a policy failed on it.
    degraded: Option<bool>,
    /// Opened at or after this time.
    #[param(value_type = Option<DateTime<Utc>>)]
    opened_from: Option<TimeIn>,
    /// Opened before this time.
    #[param(value_type = Option<DateTime<Utc>>)]
    opened_to: Option<TimeIn>,
    /// Which order: the newest first, the last changed first, or as a queue: by priority, then the oldest first.
    #[param(inline)]
    order: OrderIn,
    /// Whether `total` is counted.
    count: bool,
}

/// The order of a list of tickets.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OrderIn {
    /// The newest first.
    #[default]
    Opened,
    /// The most recently changed first.
    Updated,
    /// By priority, then the oldest first.
    Queue,
}

impl TicketFilter {
    /// The query, in a collection that may hold one kind only.
    pub(crate) fn query(&self, only: Option<TicketKind>) -> TicketQuery {
        TicketQuery {
            kind: only.or(self.kind.map(|kind| kind.0)),
            states: self.state.iter().map(|state| state.0.as_str().to_owned()).collect(),
            active: self.active,
            team: self.team.clone(),
            assignee: self.assignee.clone().map(Into::into),
            assigned: self.assigned,
            waiting_on: self.waiting_on.map(|kind| kind.0),
            waiting_before: self.waiting_before.map(Into::into),
            requester: self.requester.clone().map(Into::into),
            priorities: self.priority.clone(),
            category: self.category.clone(),
            service: self.service.clone(),
            ci: self.ci.clone(),
            tag: self.tag.clone(),
            parent: self.parent.as_deref().map(named),
            major_states: self.major_state.iter().map(|state| state.0).collect(),
            ordered: self.order_id.map(OrderId),
            text: self.text.clone(),
            degraded: self.degraded,
            opened_from: self.opened_from.map(Into::into),
            opened_to: self.opened_to.map(Into::into),
            order: match self.order {
                OrderIn::Opened => TicketOrder::OpenedDesc,
                OrderIn::Updated => TicketOrder::UpdatedDesc,
                OrderIn::Queue => TicketOrder::Queue,
            },
            count: self.count,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{problem::Slug, reader};

    #[test]
    fn a_patch_of_the_state_is_refused_even_if_it_empties_it() {
        for value in [json!({"state": "closed"}), json!({"state": null})] {
            let edit: TicketEditIn = reader::from_json(value).unwrap();
            assert_eq!(edit.command().unwrap_err().slug(), Slug::StateNotPatchable);
        }
    }

    #[test]
    fn answers_are_plain_values() {
        let value =
            json!({"short_description": "a", "answers": {"count": 2, "now": true, "why": "x"}});
        let ticket: TicketIn = reader::from_json(value).unwrap();
        let command = ticket.command(None).unwrap();
        let texts = command.answers.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>();
        assert_eq!(texts, ["2", "true", "x"]);

        let value = json!({"answers": {"a/b": []}});
        let ticket: TicketIn = reader::from_json(value).unwrap();
        let json = ticket.command(None).unwrap_err().json();
        assert_eq!(json["errors"][0]["pointer"], "/answers/a~1b");
    }

    #[test]
    fn a_collection_of_one_kind_takes_no_other() {
        let ticket: TicketIn = reader::from_json(json!({"kind": "request"})).unwrap();
        let refused = ticket.command(Some(TicketKind::Incident)).unwrap_err();
        assert_eq!(refused.slug(), Slug::ValidationFailed);
    }
}
