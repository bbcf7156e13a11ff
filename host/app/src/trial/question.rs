//! The question of a trial: what is given of a ticket and the facts around it, and defaults for the rest.
//!
//! The fields are those of the contract. For convenience, names of enums are understood as the desk writes them
//! (`in_person`), and a category as a path (`access/password`).

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use waypost_domain::{binding::Hook, calendar, organization::Organization, refusal::Faults};
use waypost_policy::{Description, Need, Question, contract};

use crate::tickets::{only, timestamp};

/// The parts of a question, as given.
pub(super) struct Parts<'a> {
    /// The ticket.
    pub(super) ticket: &'a Value,
    /// The facts around it.
    pub(super) context: Option<&'a Value>,
    /// What only this hook is asked.
    pub(super) part: Option<&'a Value>,
}

/// A question before the policy is known whose needs decide what is passed.
pub(super) struct Built(Question);

impl Built {
    /// The question as this policy would get it: with the facts that it declared, and no others.
    pub(super) fn for_policy(self, description: &Description) -> Question {
        let mut question = self.0;
        let needs: Vec<Need> = description.needs(question.hook()).unwrap_or_default().to_vec();
        let (Question::Categorize { context, .. }
        | Question::Route { context, .. }
        | Question::Escalate { context, .. }
        | Question::Plan { context, .. }
        | Question::Stalled { context, .. }
        | Question::Notify { context, .. }) = &mut question;
        *context = only(context, &needs);
        question
    }
}

/// Fills in what was not given. Every field that can't be understood is a fault.
pub(super) fn build(
    faults: &mut Faults,
    hook: Hook,
    parts: &Parts<'_>,
    organization: &Organization,
    now: DateTime<Utc>,
) -> Option<Built> {
    let ticket = read(faults, "/ticket", "ticket", default_ticket(now), Some(parts.ticket));
    let context =
        read(faults, "/context", "context", default_context(organization, now), parts.context);
    let part = parts.part;
    let question = match hook {
        Hook::Categorize | Hook::Route | Hook::Plan => {
            if part.is_some() {
                let message = format!("`{hook}` is asked about the ticket alone; leave it out");
                faults.wrong("/part", "not-allowed", message);
            }
            let (ticket, context) = (ticket?, context?);
            match hook {
                Hook::Route => Question::Route { ticket, context },
                Hook::Plan => Question::Plan { ticket, context },
                Hook::Categorize | Hook::Escalate | Hook::Stalled | Hook::Notify => {
                    Question::Categorize { ticket, context }
                }
            }
        }
        Hook::Escalate => {
            let clocks = read(faults, "/part", "clocks", default_clocks(), part);
            Question::Escalate { ticket: ticket?, clocks: clocks?, context: context? }
        }
        Hook::Stalled => {
            let approval = read(faults, "/part", "approval", default_approval(now), part);
            Question::Stalled { ticket: ticket?, approval: approval?, context: context? }
        }
        Hook::Notify => {
            let event = read(faults, "/part", "event", default_event(), part);
            Question::Notify { event: event?, ticket: ticket?, context: context? }
        }
    };
    Some(Built(question))
}

fn default_ticket(now: DateTime<Utc>) -> contract::Ticket {
    contract::Ticket {
        id: "trial".to_owned(),
        number: String::new(),
        kind: contract::Kind::Incident,
        state: "new".to_owned(),
        channel: contract::Channel::Api,
        short_description: String::new(),
        description: String::new(),
        requester: "requester".to_owned(),
        category: Vec::new(),
        service: None,
        ci: None,
        impact: None,
        urgency: None,
        priority: None,
        team: None,
        assignee: None,
        tags: Vec::new(),
        catalog_item: None,
        cost: None,
        answers: Vec::new(),
        opened_at: timestamp(now),
        major_state: None,
    }
}

fn default_context(organization: &Organization, now: DateTime<Utc>) -> contract::Context {
    let settings = &organization.settings;
    let local = calendar::local(now, settings.zone);
    contract::Context {
        now: contract::Moment {
            utc: timestamp(now),
            local_date: local.date,
            weekday: local.weekday,
            minute_of_day: local.minute_of_day,
            zone: settings.zone.name().to_owned(),
            working_time: settings.working_hours.contains(now, settings.zone),
        },
        organization: organization.key.to_string(),
        requester: None,
        manager: None,
        teams: Vec::new(),
        fallback_approver: settings.fallback_approver.map(|id| id.to_string()),
        service: None,
        ci: None,
        services: Vec::new(),
    }
}

fn default_clocks() -> contract::Clocks {
    contract::Clocks { age_minutes: 0, unassigned_minutes: 0, idle_minutes: 0, level: 0 }
}

fn default_approval(now: DateTime<Utc>) -> contract::WaitingApproval {
    contract::WaitingApproval {
        step: "approval".to_owned(),
        requested_at: timestamp(now),
        waiting_hours: 0,
        reminders: 0,
        escalated: false,
        mandatory: false,
        approver: "approver".to_owned(),
        approver_manager: None,
    }
}

fn default_event() -> contract::Event {
    contract::Event {
        kind: contract::EventKind::Created,
        actor: contract::ActorKind::System,
        actor_person: None,
        before_state: None,
        text: None,
        approvers: Vec::new(),
    }
}

/// What a record of the contract starts from when only some of its fields are given; none for what is no record, or
/// has no sensible defaults.
fn default_record(record: &str) -> Option<Value> {
    let person = || contract::Person {
        id: "person".to_owned(),
        name: String::new(),
        email: None,
        vip: false,
        location: None,
        manager: None,
    };
    let team = || contract::Team {
        key: String::new(),
        name: String::new(),
        open_now: true,
        load: 0,
        open_tickets: 0,
        on_call: None,
        lead: None,
        members: Vec::new(),
    };
    let service = || contract::Service {
        key: String::new(),
        name: String::new(),
        criticality: contract::Criticality::Medium,
        owner: None,
        support_team: None,
    };
    let ci = || contract::Ci {
        key: String::new(),
        name: String::new(),
        class: String::new(),
        criticality: contract::Criticality::Medium,
        service: None,
        support_team: None,
        open_tickets: 0,
    };
    match record {
        "context.requester" | "context.manager" => Some(json(&person())),
        "context.teams" => Some(json(&team())),
        "context.service" | "context.services" => Some(json(&service())),
        "context.ci" => Some(json(&ci())),
        _ => None,
    }
}

fn json(record: &impl serde::Serialize) -> Value {
    serde_json::to_value(record).expect("the contract's types are plain structs and enums")
}

/// A record of the contract: the default with what is given put over it.
fn read<T: DeserializeOwned + serde::Serialize>(
    faults: &mut Faults,
    pointer: &str,
    record: &str,
    default: T,
    given: Option<&Value>,
) -> Option<T> {
    let Some(given) = given else { return Some(default) };
    let filled = fill(faults, pointer, record, json(&default), given)?;
    match serde_path_to_error::deserialize::<_, T>(filled) {
        Ok(read) => Some(read),
        Err(error) => {
            let at = pointer_to(pointer, error.path());
            faults.wrong(&at, "invalid", error.into_inner().to_string());
            None
        }
    }
}

fn fill(
    faults: &mut Faults,
    pointer: &str,
    record: &str,
    default: Value,
    given: &Value,
) -> Option<Value> {
    let (Value::Object(mut fields), Value::Object(given)) = (default, given) else {
        faults.wrong(pointer, "invalid", "must be a JSON object");
        return None;
    };
    let mut is_complete = true;
    for (field, value) in given {
        let at = format!("{pointer}/{field}");
        if fields.contains_key(field) {
            match filled_value(faults, &at, record, field, &fields[field], value) {
                Some(value) => drop(fields.insert(field.clone(), value)),
                None => is_complete = false,
            }
        } else {
            is_complete = false;
            faults.wrong(&at, "unknown", unknown_field(record, field, &fields));
        }
    }
    is_complete.then_some(Value::Object(fields))
}

fn filled_value(
    faults: &mut Faults,
    pointer: &str,
    record: &str,
    field: &str,
    default: &Value,
    given: &Value,
) -> Option<Value> {
    let path = format!("{record}.{field}");
    match given {
        Value::Object(_) => match default_record(&path) {
            Some(nested) => fill(faults, pointer, &path, nested, given),
            None if default.is_object() => fill(faults, pointer, &path, default.clone(), given),
            None => Some(given.clone()),
        },
        Value::Array(items) => {
            let Some(nested) = default_record(&path) else { return Some(given.clone()) };
            let read = items.iter().enumerate().map(|(index, item)| {
                fill(faults, &format!("{pointer}/{index}"), &path, nested.clone(), item)
            });
            // Collected first, so that every wrong item is noted and not the first alone.
            let read = read.collect::<Vec<_>>();
            read.into_iter().collect::<Option<Vec<_>>>().map(Value::Array)
        }
        Value::String(text) => Some(understood(field, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(given.clone()),
    }
}

fn unknown_field(record: &str, field: &str, fields: &Map<String, Value>) -> String {
    let valid = fields.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let record = record.rsplit('.').next().unwrap_or(record);
    format!("`{record}` has no field `{field}`; it has {valid}")
}

/// A text as the contract's JSON has it.
fn understood(field: &str, text: &str) -> Value {
    match field {
        "kind" | "channel" | "criticality" | "actor" => Value::String(pascal_case(text)),
        "category" if text.is_empty() => Value::Array(Vec::new()),
        "category" => text.split('/').map(Value::from).collect(),
        _ => Value::String(text.to_owned()),
    }
}

/// `in_person` and `in-person` as `InPerson`. What is written that way already stays.
fn pascal_case(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| {
            first.to_uppercase().chain(letters).collect::<String>()
        })
    };
    name.split(['_', '-']).map(capital).collect()
}

fn pointer_to(start: &str, path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(start.to_owned(), |pointer, segment| match segment {
        Segment::Seq { index } => format!("{pointer}/{index}"),
        Segment::Map { key } => format!("{pointer}/{key}"),
        Segment::Enum { .. } | Segment::Unknown => pointer,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ticket(faults: &mut Faults, given: &Value) -> Option<contract::Ticket> {
        read(faults, "/ticket", "ticket", default_ticket(DateTime::UNIX_EPOCH), Some(given))
    }

    fn faults_of(faults: Faults) -> Vec<(String, &'static str)> {
        faults.into_vec().into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn what_is_given_stands_and_the_rest_is_filled_in() {
        let mut faults = Faults::new();
        let given = json!({
            "short_description": "printer on fire", "channel": "in_person",
            "category": "hardware/printer", "impact": 2
        });
        let ticket = ticket(&mut faults, &given).unwrap();
        assert_eq!(ticket.short_description, "printer on fire");
        assert_eq!(ticket.channel, contract::Channel::InPerson);
        assert_eq!(ticket.category, ["hardware", "printer"]);
        assert_eq!((ticket.impact, ticket.urgency), (Some(2), None));
        assert_eq!(ticket.kind, contract::Kind::Incident);
    }

    #[test]
    fn a_wrong_field_is_named() {
        let mut faults = Faults::new();
        assert!(ticket(&mut faults, &json!({ "titel": "x" })).is_none());
        assert!(ticket(&mut faults, &json!({ "impact": "high" })).is_none());
        assert!(ticket(&mut faults, &json!("a printer")).is_none());
        assert_eq!(
            faults_of(faults),
            [
                ("/ticket/titel".to_owned(), "unknown"),
                ("/ticket/impact".to_owned(), "invalid"),
                ("/ticket".to_owned(), "invalid")
            ]
        );
    }

    #[test]
    fn a_team_needs_its_key_only() {
        let organization = Organization {
            id: waypost_domain::ids::OrgId(uuid::Uuid::nil()),
            parent: None,
            kind: waypost_domain::organization::OrgKind::Platform,
            key: "acme".parse().unwrap(),
            name: "Acme".to_owned(),
            settings: waypost_domain::organization::OrgSettings::new(waypost_domain::ids::TeamId(
                uuid::Uuid::nil(),
            )),
            created_at: DateTime::UNIX_EPOCH,
            version: 1,
        };
        let default = || default_context(&organization, DateTime::UNIX_EPOCH);
        let mut faults = Faults::new();
        let given =
            json!({ "teams": [{ "key": "network", "load": 150 }], "now": { "weekday": 7 } });
        let context = read(&mut faults, "/context", "context", default(), Some(&given)).unwrap();
        assert_eq!((context.teams[0].key.as_str(), context.teams[0].load), ("network", 150));
        assert_eq!((context.now.weekday, context.now.minute_of_day), (7, 0));
        assert_eq!(context.organization, "acme");

        let wrong = json!({ "teams": [{ "key": "a" }, { "name": 7 }, { "lod": 1 }] });
        assert!(read(&mut faults, "/context", "context", default(), Some(&wrong)).is_none());
        assert_eq!(faults_of(faults), [("/context/teams/2/lod".to_owned(), "unknown")]);
    }
}
