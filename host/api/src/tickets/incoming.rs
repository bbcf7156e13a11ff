//! What is taken about tickets: new ones, edits, filters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use waypost_app::tickets::{OpenTicket, TicketOrder, TicketQuery, TicketRef};
use waypost_domain::{ids::OrderId, refusal::FieldFault, said::Said, ticket::TicketKind};

use crate::{
    api_error::{ApiError, FaultOut},
    extract::unreadable,
    reader,
    wire::{KindName, MajorStateName, PersonIn, PhaseName, StateName, TimeIn, WaitingKindName},
};

/// A ticket in another system.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExternalRef)]
pub(crate) struct ExternalRefWire {
    /// The other system.
    #[schema(example = "monitoring")]
    pub(crate) source: String,
    /// The ticket's reference in that system.
    pub(crate) id: String,
}

/// A ticket that comes in, in a collection that may hold one kind only. Which fields its kind
/// takes, the app knows.
pub(super) fn opening(
    mut fields: Map<String, Value>,
    only: Option<TicketKind>,
) -> Result<OpenTicket, ApiError> {
    let kind = take::<KindName>(&mut fields, "kind")?.map(|name| name.0);
    if let (Some(only), Some(kind)) = (only, kind)
        && only != kind
    {
        let path = only.rules().path;
        return Err(fault(
            "/kind",
            format!("Must be `{only}` or be omitted; this collection holds {path} only."),
        ));
    }
    let kind = only.or(kind);
    // Only a request is written before it is submitted.
    let has_drafts = kind.is_none_or(|kind| kind == TicketKind::Request);
    let draft = if has_drafts { take(&mut fields, "draft")? } else { None };
    Ok(OpenTicket { kind, fields, draft: draft.unwrap_or(false) })
}

/// Takes a field out of what was given, if it is there.
fn take<T: DeserializeOwned>(
    fields: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<T>, ApiError> {
    let Some((name, value)) = fields.remove_entry(name) else { return Ok(None) };
    // Read under its name, so that a fault has its place.
    let alone = Value::Object(Map::from_iter([(name, value)]));
    let read = reader::from_json::<BTreeMap<String, Option<T>>>(alone).map_err(unreadable)?;
    Ok(read.into_values().next().flatten())
}

/// Refuses an edit of the state.
pub(super) fn editing(fields: Map<String, Value>) -> Result<Map<String, Value>, ApiError> {
    if fields.contains_key("state") {
        return Err(ApiError::state_not_patchable());
    }
    Ok(fields)
}

pub(super) fn fault(pointer: &str, message: String) -> ApiError {
    let fault =
        FieldFault { pointer: pointer.to_owned(), code: "invalid", message: Said::as_is(message) };
    ApiError::faults(vec![fault.into()])
}

/// Filter for tickets; all conditions must match.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct TicketFilter {
    /// Kinds; defaults to incidents and requests.
    #[param(value_type = Vec<String>, style = Form, explode = false)]
    kind: Vec<KindName>,
    /// The states.
    #[param(value_type = Vec<String>, style = Form, explode = false)]
    state: Vec<StateName>,
    /// The phases.
    #[param(value_type = Vec<String>, style = Form, explode = false)]
    phase: Vec<PhaseName>,
    /// Whether it is active: open or on hold.
    active: Option<bool>,
    /// The owning team's key.
    team: Option<String>,
    /// The assignee, by id or e-mail address.
    #[param(value_type = Option<String>)]
    assignee: Option<PersonIn>,
    /// Whether it has an assignee.
    assigned: Option<bool>,
    /// Whom or what it is waiting for: `waiting_on.what`.
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
    /// Path of the category; its subcategories match too.
    category: Option<String>,
    /// The service's key.
    service: Option<String>,
    /// The configuration item's key.
    ci: Option<String>,
    /// A tag.
    tag: Option<String>,
    /// The parent, by id or number: the child incidents or the tasks of a ticket.
    parent: Option<String>,
    /// The problem, by id or number: the incidents that it causes.
    problem: Option<String>,
    /// Whether it is a known error; only problems are.
    known_error: Option<bool>,
    /// The states as a major incident.
    #[param(value_type = Vec<String>, style = Form, explode = false)]
    major_state: Vec<MajorStateName>,
    /// The id of the order: the requests that were ordered together.
    #[param(value_type = Option<Uuid>)]
    order_id: Option<Uuid>,
    /// Words in the short description.
    text: Option<String>,
    /// Whether a policy failed for it.
    policy_failures: Option<bool>,
    /// Opened at or after this time.
    #[param(value_type = Option<DateTime<Utc>>)]
    opened_from: Option<TimeIn>,
    /// Opened before this time.
    #[param(value_type = Option<DateTime<Utc>>)]
    opened_to: Option<TimeIn>,
    /// Sort order: newest first, last changed first, or as a queue (active tickets only, by
    /// priority, then oldest first; resolved major incidents too, if `major_state` names `review`).
    #[param(inline)]
    order: OrderIn,
    /// Whether to count the `total`, up to 10,000.
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
    /// What is active, by priority, then the oldest first.
    Queue,
}

impl TicketFilter {
    /// The query, in a collection that may hold one kind only.
    pub(crate) fn query(&self, only: Option<TicketKind>) -> Result<TicketQuery, ApiError> {
        Ok(TicketQuery {
            kinds: self.kinds(only)?,
            states: self.state.iter().map(|state| state.0.as_str().to_owned()).collect(),
            phases: self.phase.iter().map(|phase| phase.0).collect(),
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
            parent: self.parent.as_deref().map(TicketRef::parse),
            problem: self.problem.as_deref().map(TicketRef::parse),
            known_error: self.known_error,
            major_states: self.major_state.iter().map(|state| state.0).collect(),
            ordered: self.order_id.map(OrderId),
            text: self.text.clone(),
            policy_failures: self.policy_failures,
            opened_from: self.opened_from.map(Into::into),
            opened_to: self.opened_to.map(Into::into),
            order: match self.order {
                OrderIn::Opened => TicketOrder::OpenedDesc,
                OrderIn::Updated => TicketOrder::UpdatedDesc,
                OrderIn::Queue => TicketOrder::Queue,
            },
            count: self.count,
        })
    }

    fn kinds(&self, only: Option<TicketKind>) -> Result<Vec<TicketKind>, ApiError> {
        let given = self.kind.iter().map(|name| name.0).collect::<Vec<_>>();
        match only {
            Some(kind) if given.iter().any(|one| *one != kind) => {
                let message =
                    format!("Leave it out; this collection holds {} only.", kind.rules().path);
                Err(ApiError::faults(vec![FaultOut::parameter("kind", message)]))
            }
            Some(kind) => Ok(vec![kind]),
            None if given.is_empty() => Ok(TicketKind::intake()),
            None => Ok(given),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api_error::Slug;

    fn fields(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_patch_of_the_state_is_refused_even_if_it_empties_it() {
        for value in [json!({"state": "closed"}), json!({"state": null})] {
            assert_eq!(editing(fields(value)).unwrap_err().slug(), Slug::StateNotPatchable);
        }
        assert!(editing(fields(json!({"impact": 1}))).is_ok());
    }

    #[test]
    fn kind_and_draft_are_told_from_the_fields() {
        let given = fields(json!({"kind": "request", "draft": true, "quantity": 2}));
        let request = opening(given, None).unwrap();
        assert_eq!((request.kind, request.draft), (Some(TicketKind::Request), true));
        assert_eq!(request.fields, fields(json!({"quantity": 2})));

        let unknown = opening(fields(json!({"kind": null})), None).unwrap();
        assert_eq!((unknown.kind, unknown.draft), (None, false));
    }

    #[test]
    fn only_a_request_has_a_draft() {
        let problem = opening(fields(json!({"draft": true})), Some(TicketKind::Problem)).unwrap();
        assert!(problem.fields.contains_key("draft"), "left for the app to refuse");
    }

    #[test]
    fn a_collection_of_one_kind_takes_no_other() {
        let given = fields(json!({"kind": "request"}));
        let refused = opening(given.clone(), Some(TicketKind::Incident)).unwrap_err();
        assert_eq!(refused.json()["errors"][0]["pointer"], "/kind");
        assert!(opening(given, Some(TicketKind::Request)).is_ok());

        let refused = opening(fields(json!({"kind": "wish"})), None).unwrap_err().json();
        assert_eq!(refused["errors"][0]["pointer"], "/kind");
        let message = refused["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("use one of: incident, request, problem, task"), "{message}");
    }

    #[test]
    fn the_intake_lists_incidents_and_requests_unless_it_is_asked_for_others() {
        let kinds = |names: &[TicketKind], only| {
            let kind = names.iter().map(|kind| KindName(*kind)).collect();
            TicketFilter { kind, ..TicketFilter::default() }.kinds(only)
        };
        let both = vec![TicketKind::Incident, TicketKind::Request];
        assert_eq!(kinds(&[], None).unwrap(), both);
        assert_eq!(kinds(&[TicketKind::Task], None).unwrap(), [TicketKind::Task]);
        assert_eq!(kinds(&[], Some(TicketKind::Problem)).unwrap(), [TicketKind::Problem]);
        let refused = kinds(&[TicketKind::Task], Some(TicketKind::Problem)).unwrap_err();
        assert_eq!(refused.json()["errors"][0]["parameter"], "kind");
    }
}
