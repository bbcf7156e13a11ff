//! Differences between a ticket before and after a move, as events tell them.
//!
//! A move changes fields freely and ends in `settle`, which compares the whole ticket: a field that
//! changed can't be missing from the event.

use std::fmt::Display;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::{
    directory::{Lookup, ci_text, service_text, team_text},
    event::Change,
    incident::{Awaiting, CancelOutcome, Cancellation, Hold, IncidentState, Major, Resolution},
    request::{Fulfilment, Request, RequestState},
    ticket::{Body, State, Ticket},
};

/// A field and its value, as text.
pub(crate) type Fact = (String, String);

impl Ticket {
    /// Ends a move: keeps the times of the record, lets a major incident follow its state, and returns what changed.
    ///
    /// The directory is needed by moves that change a team, a service or a configuration item.
    pub(crate) fn settle(
        &mut self,
        before: &Self,
        directory: Option<&dyn Lookup>,
        now: DateTime<Utc>,
    ) -> Vec<Change> {
        self.major.follow(self.state(), now);
        self.updated_at = now.max(before.updated_at);
        if self.state() != before.state() {
            self.state_since = now;
        }
        if self.subject() != before.subject() {
            self.waiting_since = now;
        }
        differences(&facts(before, directory), facts(self, directory))
    }

    /// What the first event of a ticket says: every fact it starts with, but for its texts.
    #[must_use]
    pub fn first_changes(&self, directory: &dyn Lookup) -> Vec<Change> {
        let mut first = differences(&[], facts(self, Some(directory)));
        // The texts stand in the record; a later edit keeps what they were.
        first.retain(|change| {
            change.field != "short_description"
                && change.field != "description"
                && !change.field.starts_with("answers/")
        });
        first
    }
}

/// What became of the facts before: changed and new ones in their order, then those that are gone.
pub(crate) fn differences(before: &[Fact], after: Vec<Fact>) -> Vec<Change> {
    let value_of = |facts: &[Fact], field: &str| {
        facts.iter().find(|(name, _)| name == field).map(|(_, value)| value.clone())
    };
    let gone = before
        .iter()
        .filter(|(field, _)| after.iter().all(|(name, _)| name != field))
        .map(|(field, value)| Change {
            field: field.clone(),
            before: Some(value.clone()),
            after: None,
        })
        .collect::<Vec<_>>();
    let mut changes = after
        .into_iter()
        .filter_map(|(field, value)| {
            let earlier = value_of(before, &field);
            (earlier.as_ref() != Some(&value)).then_some(Change {
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
    facts.add("short_description", &ticket.short_description);
    if !ticket.description.is_empty() {
        facts.add("description", &ticket.description);
    }
    facts.add_some("category", ticket.category.as_ref());
    facts.add_some("service", ticket.service.map(|id| service_text(directory, id)));
    facts.add_some("ci", ticket.ci.map(|id| ci_text(directory, id)));
    facts.add_some("impact", ticket.impact);
    facts.add_some("urgency", ticket.urgency);
    let (priority, source) = ticket.priority.effective();
    facts.add("priority", priority);
    facts.add("priority_source", source);
    facts.add_some("priority_reason", ticket.priority.manual.as_ref().map(|(_, reason)| reason));
    facts.add("team", team_text(directory, ticket.team));
    facts.add_some("assignee", ticket.assignee);
    facts.add_list("watchers", &ticket.watchers);
    facts.add_list("tags", &ticket.tags);
    facts.add("requester", ticket.requester);
    facts.add_some("parent", ticket.parent);
    if ticket.parent.is_some() || !ticket.sync_with_parent {
        facts.add("sync_with_parent", ticket.sync_with_parent);
    }
    if ticket.affected_users > 0 {
        facts.add("affected_users", ticket.affected_users);
    }
    facts.add_major(&ticket.major);
    facts.add_some("follows", ticket.follows);
    facts.add_time("eta", ticket.eta);
    facts.add_time("acknowledged_at", ticket.acknowledged_at);
    facts.add_time("first_response_at", ticket.first_response_at);
    facts.add_time("triaged_at", ticket.triaged_at);
    if ticket.escalation_level > 0 {
        facts.add("escalation_level", ticket.escalation_level);
    }
    facts.add_some("degraded", ticket.degraded.as_ref());
    match &ticket.body {
        Body::Incident(state) => facts.add_incident(state),
        Body::Request(request) => facts.add_request(request),
    }
    facts.0
}

struct Facts(Vec<Fact>);

impl Facts {
    fn add(&mut self, field: &str, value: impl Display) {
        self.0.push((field.to_owned(), value.to_string()));
    }

    fn add_some(&mut self, field: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.add(field, value);
        }
    }

    fn add_list<T: Display>(&mut self, field: &str, values: impl IntoIterator<Item = T>) {
        let values = values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>();
        if !values.is_empty() {
            self.add(field, values.join(", "));
        }
    }

    fn add_time(&mut self, field: &str, time: Option<DateTime<Utc>>) {
        self.add_some(field, time.map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true)));
    }

    fn add_major(&mut self, major: &Major) {
        if *major == Major::None {
            return;
        }
        self.add("major_state", major.state());
        if let Some(led_by) = major.led_by() {
            self.add("manager", led_by.manager);
            self.add("communication_owner", led_by.communication_owner);
        }
        self.add_time("next_update_at", major.next_update_at());
        if let Major::Accepted { update_missed: true, .. } = major {
            self.add("update_missed", true);
        }
        if let Major::Done { review_note, .. } = major {
            self.add("review_note", review_note);
        }
    }

    fn add_incident(&mut self, state: &IncidentState) {
        match state {
            IncidentState::New | IncidentState::InProgress => {}
            IncidentState::OnHold(hold) => self.add_hold(hold),
            IncidentState::Resolved(resolution) | IncidentState::Closed { resolution, .. } => {
                self.add_resolution(resolution);
            }
            IncidentState::Cancelled(cancellation) => self.add_cancellation(cancellation),
        }
    }

    fn add_request(&mut self, request: &Request) {
        self.add_some("item", request.item);
        if request.quantity > 1 {
            self.add("quantity", request.quantity);
        }
        self.add_some("order", request.order);
        self.add_some(
            "cost",
            request.cost.as_ref().map(|cost| format!("{} {}", cost.minor_units, cost.currency)),
        );
        self.add_time("expected_at", request.expected_at);
        for (field, answer) in &request.answers {
            self.add(&format!("answers/{field}"), answer);
        }
        match &request.state {
            RequestState::New | RequestState::AwaitingApproval | RequestState::InFulfilment => {}
            RequestState::OnHold(hold) => self.add_hold(hold),
            RequestState::Fulfilled(fulfilment) | RequestState::Closed { fulfilment, .. } => {
                self.add_fulfilment(fulfilment);
            }
            RequestState::Rejected { reason, .. } => self.add("rejection_reason", reason),
            RequestState::Cancelled(cancellation) => self.add_cancellation(cancellation),
        }
    }

    fn add_hold(&mut self, hold: &Hold) {
        self.add("awaiting", hold.awaiting.as_str());
        match &hold.awaiting {
            Awaiting::Caller => {}
            Awaiting::Vendor(vendor) => self.add("vendor", vendor),
            Awaiting::Evidence(person) => self.add("evidence_from", person),
        }
        self.add_time("follow_up_at", hold.follow_up_at);
    }

    fn add_resolution(&mut self, resolution: &Resolution) {
        self.add("resolution_code", resolution.code);
        self.add("resolution_notes", &resolution.notes);
    }

    fn add_fulfilment(&mut self, fulfilment: &Fulfilment) {
        self.add("fulfillment_code", fulfilment.code);
        self.add("fulfillment_notes", &fulfilment.notes);
    }

    fn add_cancellation(&mut self, cancellation: &Cancellation) {
        self.add("cancel_reason", &cancellation.reason);
        match cancellation.outcome {
            CancelOutcome::Withdrawn => {}
            CancelOutcome::MergedInto(ticket) => self.add("merged_into", ticket),
            CancelOutcome::ConvertedTo(ticket) => self.add("converted_to", ticket),
        }
    }
}

/// The first change of a state among changes.
#[must_use]
pub fn state_change(changes: &[Change]) -> Option<(Option<State>, State)> {
    let change = changes.iter().find(|change| change.field == "state")?;
    let parse = |name: &Option<String>| name.as_deref().and_then(|name| name.parse().ok());
    Some((parse(&change.before), parse(&change.after)?))
}
