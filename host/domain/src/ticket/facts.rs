//! Facts: what a ticket holds, as text, and the differences between before and after a move, as
//! events tell them.
//!
//! A move changes fields freely and ends in `settle`, which compares the whole ticket: a field that
//! changed can't be missing from the event.

use std::fmt::Display;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::{
    directory::{Lookup, ci_text, service_text, team_text},
    event::FieldChange,
    ticket::{Awaiting, CancelOutcome, Details, FieldType, Stage, State, Ticket, Value},
};

/// A field and its value, as text.
pub(crate) type Fact = (String, String);

impl Ticket {
    /// Ends a move: keeps the times of the record, lets what depends on the state follow it, and
    /// returns what changed.
    ///
    /// The directory is needed by moves that change a team, a service or a configuration item.
    pub(crate) fn record_changes(
        &mut self,
        before: &Self,
        directory: Option<&dyn Lookup>,
        now: DateTime<Utc>,
    ) -> Vec<FieldChange> {
        let phase = self.phase();
        if let Details::Incident(incident) = &mut self.details {
            incident.major.follow(phase, now);
        }
        self.updated_at = now.max(before.updated_at);
        let is_other_hold = self.stage.hold() != before.stage.hold();
        if self.state() != before.state() || is_other_hold {
            self.state_since = now;
        }
        if self.waits() != before.waits() {
            self.waiting_since = now;
        }
        differences(&facts(before, directory), facts(self, directory))
    }

    /// What the first event of a ticket says: every fact it starts with, but for its texts.
    #[must_use]
    pub fn first_changes(&self, directory: &dyn Lookup) -> Vec<FieldChange> {
        let mut first = differences(&[], facts(self, Some(directory)));
        // The texts stand in the record; a later edit keeps what they were.
        let is_text = |name: &str| {
            let takes = self.rules().field(name).map(|field| field.takes);
            matches!(takes, Some(FieldType::Text | FieldType::Line)) || name.starts_with("answers/")
        };
        first.retain(|change| !is_text(&change.field));
        first
    }

    /// What a field holds, in the words in which events and suggestions are written.
    #[must_use]
    pub fn text_of_field(&self, name: &str, directory: &dyn Lookup) -> Option<String> {
        let all = facts(self, Some(directory));
        all.into_iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }
}

/// What became of the facts before: changed and new ones in their order, then those that are gone.
pub(crate) fn differences(before: &[Fact], after: Vec<Fact>) -> Vec<FieldChange> {
    let value_of = |facts: &[Fact], field: &str| {
        facts.iter().find(|(name, _)| name == field).map(|(_, value)| value.clone())
    };
    let gone = before
        .iter()
        .filter(|(field, _)| after.iter().all(|(name, _)| name != field))
        .map(|(field, value)| FieldChange {
            field: field.clone(),
            before: Some(value.clone()),
            after: None,
        })
        .collect::<Vec<_>>();
    let mut changes = after
        .into_iter()
        .filter_map(|(field, value)| {
            let earlier = value_of(before, &field);
            (earlier.as_ref() != Some(&value)).then_some(FieldChange {
                field,
                before: earlier,
                after: Some(value),
            })
        })
        .collect::<Vec<_>>();
    changes.extend(gone);
    changes
}

fn facts(ticket: &Ticket, directory: Option<&dyn Lookup>) -> Vec<Fact> {
    let mut facts = Facts(Vec::with_capacity(24));
    facts.add("kind", ticket.kind());
    facts.add("state", ticket.state());
    for field in ticket.rules().fields() {
        if let Some(value) = (field.get)(ticket) {
            facts.add_value(field.name, &value, directory);
        }
    }
    let (priority, source) = ticket.priority.effective();
    facts.add("priority", priority);
    facts.add("priority_source", source);
    facts.add_some("priority_reason", ticket.priority.manual.as_ref().map(|(_, reason)| reason));
    facts.add("team", team_text(directory, ticket.team));
    facts.add_some("assignee", ticket.assignee);
    facts.add_some("follows", ticket.follows);
    facts.add_time("eta", ticket.eta);
    facts.add_time("acknowledged_at", ticket.acknowledged_at);
    facts.add_time("first_response_at", ticket.first_response_at);
    facts.add_time("triaged_at", ticket.triaged_at);
    if ticket.escalation_level > 0 {
        facts.add("escalation_level", ticket.escalation_level);
    }
    facts.add_some("policy_failures", ticket.policy_failures.as_ref());
    match &ticket.details {
        Details::Incident(incident) => incident.major.add_facts(&mut facts),
        Details::Request(request) => {
            facts.add_some("order", request.order);
            let cost = request.cost.as_ref();
            facts.add_some("cost", cost.map(|it| format!("{} {}", it.minor_units, it.currency)));
        }
        Details::Problem(problem) => {
            facts.add_set("known_error", problem.known_error);
            facts.add_some("duplicate_of", problem.duplicate_of);
            facts.add_some("converted_to", problem.converted_to);
            facts.add_some("no_article_reason", problem.no_article_reason.as_ref());
            facts.add_some("review_note", problem.review_note.as_ref());
        }
        Details::Task(_) => {}
    }
    facts.add_stage(ticket);
    facts.0
}

/// Facts in the making.
pub(crate) struct Facts(Vec<Fact>);

impl Facts {
    pub(crate) fn add(&mut self, field: &str, value: impl Display) {
        self.0.push((field.to_owned(), value.to_string()));
    }

    pub(crate) fn add_some(&mut self, field: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.add(field, value);
        }
    }

    pub(crate) fn add_set(&mut self, field: &str, value: bool) {
        if value {
            self.add(field, true);
        }
    }

    pub(crate) fn add_time(&mut self, field: &str, time: Option<DateTime<Utc>>) {
        self.add_some(field, time.map(time_text));
    }

    fn add_value(&mut self, field: &str, value: &Value, directory: Option<&dyn Lookup>) {
        match value {
            Value::Text(text) => self.add(field, text),
            Value::Number(number) => self.add(field, number),
            Value::Flag(flag) => self.add(field, flag),
            Value::Time(at) => self.add(field, time_text(*at)),
            Value::Texts(texts) => self.add_list(field, texts),
            Value::Answers(answers) => {
                for (name, answer) in answers {
                    self.add(&format!("{field}/{name}"), answer);
                }
            }
            Value::Facts(facts) => {
                for (name, fact) in facts {
                    self.add(&format!("{field}/{name}"), fact);
                }
            }
            Value::Category(path) => self.add(field, path),
            Value::Service(id) => self.add(field, service_text(directory, *id)),
            Value::Cis(ids) => self.add_list(field, ids.iter().map(|id| ci_text(directory, *id))),
            Value::Team(id) => self.add(field, team_text(directory, *id)),
            Value::Person(id) => self.add(field, id),
            Value::People(ids) => self.add_list(field, ids),
            Value::Tickets(ids) => self.add_list(field, ids),
            Value::CatalogItem(id) => self.add(field, id),
            // Where it came from stands in the record and never changes; the rest no ticket has.
            Value::ExternalRef(..)
            | Value::Organization(_)
            | Value::Organizations(_)
            | Value::Money(_)
            | Value::Objects(_) => {}
        }
    }

    fn add_list<T: Display>(&mut self, field: &str, values: impl IntoIterator<Item = T>) {
        let values = values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>();
        if !values.is_empty() {
            self.add(field, values.join(", "));
        }
    }

    fn add_stage(&mut self, ticket: &Ticket) {
        match &ticket.stage {
            Stage::Open(_) => {}
            Stage::OnHold(hold) => {
                self.add("awaiting", hold.awaiting.as_str());
                match &hold.awaiting {
                    Awaiting::Caller => {}
                    Awaiting::Vendor(vendor) => self.add("vendor", vendor),
                    Awaiting::Evidence(person) => self.add("evidence_from", person),
                    Awaiting::Problem(problem) => self.add("awaiting_problem", problem),
                    Awaiting::Other(why) => self.add("reason", why),
                }
                self.add_time("follow_up_at", hold.follow_up_at);
            }
            Stage::Done(_, outcome) | Stage::Closed(_, outcome, _) => {
                let prefix = ticket.rules().outcome;
                self.add_some(&format!("{prefix}_code"), outcome.code);
                if !outcome.notes.is_empty() {
                    self.add(&format!("{prefix}_notes"), &outcome.notes);
                }
            }
            Stage::Rejected(rejection) => self.add("rejection_reason", &rejection.reason),
            Stage::Cancelled(cancellation) => {
                self.add("cancel_reason", &cancellation.reason);
                match cancellation.outcome {
                    CancelOutcome::Withdrawn => {}
                    CancelOutcome::MergedInto(ticket) => self.add("merged_into", ticket),
                    CancelOutcome::ConvertedTo(ticket) => self.add("converted_to", ticket),
                }
            }
        }
    }
}

fn time_text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// The first change of a state among changes.
#[must_use]
pub fn state_change(changes: &[FieldChange]) -> Option<(Option<State>, State)> {
    let change = changes.iter().find(|change| change.field == "state")?;
    let parse = |name: &Option<String>| name.as_deref().and_then(|name| name.parse().ok());
    Some((parse(&change.before), parse(&change.after)?))
}
