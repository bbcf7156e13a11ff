//! The question of a trial: what is given of a ticket and the facts around it, and defaults for the
//! rest.
//!
//! The fields are those of receipts. For convenience, those of `head` and `details` may stand side
//! by side in the ticket, names of enums are understood with hyphens too (`in-person`), a category
//! as a path (`access/password`), a team as its key, and open fields as an object.

use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use waypost_domain::{
    binding::Hook, organization::Organization, refusal::Faults, said::Said, ticket::TicketKind,
};
use waypost_policy::{
    Description, Need, Question,
    question::{
        ActorKind, Ci, Context, Details, Event, EventKind, Head, IncidentDetails, Person,
        ProblemDetails, RequestDetails, Service, Tally, TaskDetails, Team, TeamRef, Ticket,
        WaitingApproval,
    },
};

use crate::{
    input::Reading,
    tickets::{moment, only, timestamp},
};

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
        | Question::Plan { context, .. }
        | Question::Stalled { context, .. }
        | Question::Notify { context, .. }) = &mut question;
        *context = only(context, &context.layer, &needs);
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
    let mut filler = Filler { faults, organization: organization.key.as_str() };
    let ticket = filler.ticket(parts.ticket, now);
    let context = default_context(organization, now);
    let context = filler.read("/context", "context", context, parts.context);
    let part = parts.part;
    let question = match hook {
        Hook::Categorize | Hook::Route | Hook::Plan => {
            if part.is_some() {
                let message = Said::as_is(format!("`{hook}` takes only the ticket; leave it out."));
                filler.faults.wrong("/part", "not-allowed", message);
            }
            let (ticket, context) = (ticket?, context?);
            match hook {
                Hook::Route => Question::Route { ticket, context },
                Hook::Plan => Question::Plan { ticket, context },
                Hook::Categorize | Hook::Stalled | Hook::Notify => {
                    Question::Categorize { ticket, context }
                }
            }
        }
        Hook::Stalled => {
            let approval = filler.read("/part", "approval", default_approval(now), part);
            Question::Stalled { ticket: ticket?, approval: approval?, context: context? }
        }
        Hook::Notify => {
            let event = filler.read("/part", "event", default_event(), part);
            Question::Notify { event: event?, ticket: ticket?, context: context? }
        }
    };
    Some(Built(question))
}

fn default_head(now: DateTime<Utc>) -> Head {
    Head {
        id: "trial".to_owned(),
        state: "new".to_owned(),
        state_since: timestamp(now),
        requester: Some("requester".to_owned()),
        opened_at: timestamp(now),
        ..Head::default()
    }
}

/// What tickets of a kind have; none for a kind that there is not.
fn default_details(kind: TicketKind) -> Details {
    match kind {
        TicketKind::Incident => Details::Incident(IncidentDetails::default()),
        TicketKind::Request => Details::Request(RequestDetails::default()),
        TicketKind::Problem => Details::Problem(ProblemDetails::default()),
        TicketKind::Task => Details::Task(TaskDetails { mandatory: false }),
    }
}

fn default_context(organization: &Organization, now: DateTime<Utc>) -> Context {
    Context {
        now: moment(organization, now),
        organization: organization.key.to_string(),
        layer: organization.key.to_string(),
        lineage: vec![organization.key.to_string()],
        fallback_approver: organization.settings.fallback_approver.map(|id| id.to_string()),
        requester: None,
        manager: None,
        teams: Some(Vec::new()),
        service: None,
        ci: None,
        services: Some(Vec::new()),
    }
}

fn default_approval(now: DateTime<Utc>) -> WaitingApproval {
    WaitingApproval {
        step: "approval".to_owned(),
        seat: "approver".to_owned(),
        voter: "approver".to_owned(),
        voter_manager: None,
        requested_at: timestamp(now),
        due_at: None,
        waiting_hours: 0,
        reminders: 0,
        delegated: false,
        mandatory: false,
        tally: Tally { needed: 1, approved: 0, rejected: 0, outstanding: 1 },
    }
}

fn default_event() -> Event {
    Event {
        id: "event".to_owned(),
        kind: EventKind::Created,
        cause: None,
        actor: ActorKind::System,
        actor_person: None,
        changes: Vec::new(),
        text: None,
        approvers: Vec::new(),
    }
}

/// Fills given parts of records into their defaults.
struct Filler<'a> {
    faults: &'a mut Faults,
    /// The key of the organization that teams belong to where nobody says.
    organization: &'a str,
}

impl Filler<'_> {
    /// The ticket, with `head` and `details` apart or side by side.
    fn ticket(&mut self, given: &Value, now: DateTime<Utc>) -> Option<Ticket> {
        let Value::Object(given) = given else {
            self.faults.wrong("/ticket", "invalid", Said::as_is("Must be a JSON object."));
            return None;
        };
        let is_apart = given.contains_key("head") || given.contains_key("details");
        let (kind, at) = if is_apart {
            (given.get("details").and_then(|details| details.get("kind")), "/ticket/details/kind")
        } else {
            (given.get("kind"), "/ticket/kind")
        };
        let kind = kind.map_or(Some("incident"), Value::as_str).unwrap_or_default();
        let details = default_details(self.faults.parse(at, kind)?);
        let head = default_head(now);
        if is_apart {
            for name in given.keys().filter(|name| !matches!(name.as_str(), "head" | "details")) {
                let message = Said::as_is(format!(
                    "`ticket` has no field `{name}`; use one of: head, details."
                ));
                self.faults.wrong(&format!("/ticket/{name}"), "unknown", message);
            }
            let head = self.read("/ticket/head", "ticket", head, given.get("head"));
            let given = given.get("details");
            let details = self.read("/ticket/details", "ticket", details, given);
            return Some(Ticket { head: head?, details: details? });
        }
        let (of_head, of_details) = (object(&head), object(&details));
        let mut parts = (Map::new(), Map::new());
        for (field, value) in given {
            if of_head.contains_key(field) {
                parts.0.insert(field.clone(), value.clone());
            } else if of_details.contains_key(field) {
                parts.1.insert(field.clone(), value.clone());
            } else {
                let all = of_head.iter().chain(&of_details).map(|(name, _)| name.as_str());
                let all = all.collect::<Vec<_>>().join(", ");
                let message = Said::as_is(format!(
                    "A ticket of the kind {kind} has no field `{field}`; use one of: {all}."
                ));
                self.faults.wrong(&format!("/ticket/{field}"), "unknown", message);
            }
        }
        let is_known = parts.0.len() + parts.1.len() == given.len();
        let head = self.read("/ticket", "ticket", head, Some(&Value::Object(parts.0)));
        let details = self.read("/ticket", "ticket", details, Some(&Value::Object(parts.1)));
        is_known.then_some(Ticket { head: head?, details: details? })
    }

    /// A record: the default with what is given put over it.
    fn read<T: DeserializeOwned + Serialize>(
        &mut self,
        pointer: &str,
        record: &str,
        default: T,
        given: Option<&Value>,
    ) -> Option<T> {
        let Some(given) = given else { return Some(default) };
        let filled = self.fill(pointer, record, value(&default), given)?;
        match serde_path_to_error::deserialize::<_, T>(filled) {
            Ok(read) => Some(read),
            Err(error) => {
                let at = pointer_to(pointer, error.path());
                self.faults.wrong(&at, "invalid", Said::as_is(error.into_inner().to_string()));
                None
            }
        }
    }

    fn fill(
        &mut self,
        pointer: &str,
        record: &str,
        default: Value,
        given: &Value,
    ) -> Option<Value> {
        let (Value::Object(mut fields), Value::Object(given)) = (default, given) else {
            self.faults.wrong(pointer, "invalid", Said::as_is("Must be a JSON object."));
            return None;
        };
        let mut is_complete = true;
        for (field, value) in given {
            let at = format!("{pointer}/{field}");
            if fields.contains_key(field) {
                match self.filled_value(&at, record, field, &fields[field], value) {
                    Some(value) => drop(fields.insert(field.clone(), value)),
                    None => is_complete = false,
                }
            } else {
                is_complete = false;
                self.faults.wrong(
                    &at,
                    "unknown",
                    Said::as_is(unknown_field(record, field, &fields)),
                );
            }
        }
        is_complete.then_some(Value::Object(fields))
    }

    fn filled_value(
        &mut self,
        pointer: &str,
        record: &str,
        field: &str,
        default: &Value,
        given: &Value,
    ) -> Option<Value> {
        let path = format!("{record}.{field}");
        match given {
            Value::Object(named) if field == "fields" => {
                let field =
                    |(name, value): (&String, &Value)| json!({ "name": name, "value": value });
                Some(named.iter().map(field).collect())
            }
            Value::Object(_) => match self.default_record(&path) {
                Some(nested) => self.fill(pointer, &path, nested, given),
                None if default.is_object() => self.fill(pointer, &path, default.clone(), given),
                None => Some(given.clone()),
            },
            Value::Array(items) => {
                let Some(nested) = self.default_record(&path) else { return Some(given.clone()) };
                let mut read = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    let at = format!("{pointer}/{index}");
                    read.push(self.fill(&at, &path, nested.clone(), item));
                }
                // Collected first, so that every wrong item is noted and not the first alone.
                read.into_iter().collect::<Option<Vec<_>>>().map(Value::Array)
            }
            Value::String(text) => Some(self.understood(field, text)),
            Value::Null | Value::Bool(_) | Value::Number(_) => Some(given.clone()),
        }
    }

    /// What a record starts from when only some of its fields are given; none for what is no
    /// record, or has no sensible defaults.
    fn default_record(&self, path: &str) -> Option<Value> {
        let organization = || self.organization.to_owned();
        match path {
            "context.requester" | "context.manager" => {
                Some(value(&Person { id: "person".to_owned(), ..Person::default() }))
            }
            "context.teams" => Some(value(&Team {
                organization: organization(),
                open_now: true,
                load: Some(0),
                open_tickets: Some(0),
                on_call: Some(Vec::new()),
                members: Some(Vec::new()),
                ..Team::default()
            })),
            "context.service" | "context.services" => Some(value(&Service::default())),
            "context.ci" => Some(value(&Ci { open_tickets: Some(0), ..Ci::default() })),
            _ if path == "ticket.team" || path.ends_with(".support_team") => {
                Some(value(&TeamRef { organization: organization(), key: String::new() }))
            }
            _ => None,
        }
    }

    /// A text as the JSON of the record has it.
    fn understood(&self, field: &str, text: &str) -> Value {
        match field {
            "kind" | "channel" | "criticality" | "actor" | "phase" => {
                Value::String(text.replace('-', "_"))
            }
            "category" if text.is_empty() => Value::Array(Vec::new()),
            "category" => text.split('/').map(Value::from).collect(),
            "team" | "support_team" => {
                let (organization, key) = text.split_once('/').unwrap_or((self.organization, text));
                json!({ "organization": organization, "key": key })
            }
            _ => Value::String(text.to_owned()),
        }
    }
}

fn value(record: &impl Serialize) -> Value {
    serde_json::to_value(record).expect("the question's types are plain structs and enums")
}

fn object(record: &impl Serialize) -> Map<String, Value> {
    match value(record) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn unknown_field(record: &str, field: &str, fields: &Map<String, Value>) -> String {
    let valid = fields.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let record = record.rsplit('.').next().unwrap_or(record);
    format!("`{record}` has no field `{field}`; use one of: {valid}.")
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
    use waypost_policy::question::FieldValue;

    use super::*;

    fn filler(faults: &mut Faults) -> Filler<'_> {
        Filler { faults, organization: "acme" }
    }

    fn ticket(faults: &mut Faults, given: &Value) -> Option<Ticket> {
        filler(faults).ticket(given, DateTime::UNIX_EPOCH)
    }

    fn faults_of(faults: Faults) -> Vec<(String, &'static str)> {
        faults.into_vec().into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn what_is_given_stands_and_the_rest_is_filled_in() {
        let mut faults = Faults::new();
        let given = json!({
            "short_description": "printer on fire", "channel": "in-person",
            "category": "hardware/printer", "impact": 2, "team": "print",
            "fields": { "floor": 3 }
        });
        let Ticket { head, details } = ticket(&mut faults, &given).unwrap();
        assert_eq!(head.short_description, "printer on fire");
        assert_eq!(head.channel, waypost_policy::question::Channel::InPerson);
        assert_eq!(head.category, ["hardware", "printer"]);
        assert_eq!((head.impact, head.urgency), (Some(2), None));
        assert_eq!(head.team.map(|team| team.organization).as_deref(), Some("acme"));
        assert_eq!(head.fields[0].value, FieldValue::Number(3.0));
        assert_eq!(details, Details::Incident(IncidentDetails::default()));
    }

    #[test]
    fn the_fields_of_a_kind_stand_beside_the_others_or_apart_as_in_a_receipt() {
        let mut faults = Faults::new();
        let beside = json!({ "kind": "request", "quantity": 3, "state": "in_fulfilment" });
        let apart = json!({
            "head": { "state": "in_fulfilment" },
            "details": { "kind": "request", "quantity": 3 }
        });
        let beside = ticket(&mut faults, &beside).unwrap();
        assert_eq!(beside, ticket(&mut faults, &apart).unwrap());
        let Details::Request(request) = &beside.details else { panic!("{beside:?}") };
        assert_eq!(request.quantity, 3);
        assert_eq!(ticket(&mut faults, &value(&beside)).unwrap(), beside);
    }

    #[test]
    fn a_wrong_field_is_named() {
        let mut faults = Faults::new();
        assert!(ticket(&mut faults, &json!({ "titel": "x" })).is_none());
        assert!(ticket(&mut faults, &json!({ "impact": "high" })).is_none());
        assert!(ticket(&mut faults, &json!({ "quantity": 2 })).is_none());
        assert!(ticket(&mut faults, &json!({ "kind": "wish" })).is_none());
        assert!(ticket(&mut faults, &json!({ "head": {}, "impact": 1 })).is_some());
        assert!(ticket(&mut faults, &json!("a printer")).is_none());
        assert_eq!(
            faults_of(faults),
            [
                ("/ticket/titel".to_owned(), "unknown"),
                ("/ticket/impact".to_owned(), "invalid"),
                ("/ticket/quantity".to_owned(), "unknown"),
                ("/ticket/kind".to_owned(), "invalid"),
                ("/ticket/impact".to_owned(), "unknown"),
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
        let context =
            filler(&mut faults).read("/context", "context", default(), Some(&given)).unwrap();
        let team = &context.teams.unwrap()[0];
        assert_eq!((team.key.as_str(), team.load), ("network", Some(150)));
        assert_eq!(team.organization, "acme");
        assert_eq!((context.now.weekday, context.now.minute_of_day), (7, 0));
        assert_eq!((context.organization.as_str(), context.layer.as_str()), ("acme", "acme"));

        let wrong = json!({ "teams": [{ "key": "a" }, { "name": 7 }, { "lod": 1 }] });
        let read = filler(&mut faults).read("/context", "context", default(), Some(&wrong));
        assert!(read.is_none());
        assert_eq!(faults_of(faults), [("/context/teams/2/lod".to_owned(), "unknown")]);
    }
}
