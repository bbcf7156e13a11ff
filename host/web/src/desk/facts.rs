//! Facts: what is known of a ticket beside its title and description.

use std::collections::BTreeMap;

use waypost_app::{person_name, tickets::TicketView};
use waypost_domain::{
    ids::PersonId,
    problem::Problem,
    ticket::{Awaiting, Ticket},
};

use crate::{
    portal::catalog::money,
    text::{Html, html},
    viewer::Viewer,
};

/// Something that is known of a ticket.
pub(super) struct Fact {
    pub(super) name: String,
    pub(super) value: Html,
    /// The tickets that it names: where each is, and its number.
    pub(super) links: Vec<(String, String)>,
}

/// The facts of a ticket. `answers` are those of a request; `people` are the names of those whom
/// the view does not name.
pub(super) fn facts(
    viewer: &Viewer,
    view: &TicketView,
    answers: Vec<(String, String)>,
    people: &BTreeMap<PersonId, String>,
) -> Vec<Fact> {
    let words = viewer.words;
    let ticket = &view.ticket;
    let mut facts = Facts { viewer, all: Vec::new() };
    facts.add("requester", view.requester.as_ref().map(|it| words.person(it)));
    facts.add("team", Some(words.team(view)));
    facts.add("assignee", view.assignee.as_ref().map(|it| words.person(it)));
    facts.add("category", ticket.category.as_ref().map(ToString::to_string));
    facts.add("service", view.service.as_ref().map(|it| it.name.clone()));
    facts.add("ci", view.ci.as_ref().map(|it| it.name.clone()));
    facts.add_list("cis", view.cis.iter().map(|it| it.name.clone()));
    facts.add("impact", ticket.impact.map(|it| it.to_string()));
    facts.add("urgency", ticket.urgency.map(|it| it.to_string()));
    let channel = format!("channel-{}", ticket.channel.as_str());
    facts.add("channel", Some(words.name("option", &channel)));
    let level = ticket.escalation_level;
    facts.add("escalation_level", (level > 0).then(|| level.to_string()));
    facts.add("eta", ticket.eta.map(|at| viewer.clock.at(at).short));
    facts.add_stage(ticket, people);
    facts.add_kind(view);
    facts.add_list("tags", ticket.tags.iter().cloned());
    let watchers = ticket.watchers.iter().map(|id| words.person(&person_name(people, *id)));
    facts.add_list("watchers", watchers);
    facts.add_tickets("goes_on_in", view.goes_on_in.as_slice());
    let own = ticket.fields.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    for (name, value) in answers.into_iter().chain(own) {
        facts.all.push(Fact { name, value: Html::plain(&value), links: Vec::new() });
    }
    facts.all
}

/// The people whom the facts name by their ids.
pub(super) fn people_of(ticket: &Ticket) -> impl Iterator<Item = PersonId> {
    let awaited = match ticket.stage.hold().map(|hold| &hold.awaiting) {
        Some(Awaiting::Evidence(person)) => Some(*person),
        Some(
            Awaiting::Caller | Awaiting::Vendor(_) | Awaiting::Problem(_) | Awaiting::Other(_),
        )
        | None => None,
    };
    ticket.watchers.iter().copied().chain(awaited)
}

/// Facts in the making.
struct Facts<'a> {
    viewer: &'a Viewer,
    all: Vec<Fact>,
}

impl Facts<'_> {
    fn push(&mut self, field: &str, value: Html, links: Vec<(String, String)>) {
        let name = self.viewer.words.name("field", field);
        self.all.push(Fact { name, value, links });
    }

    fn add(&mut self, field: &str, value: Option<String>) {
        if let Some(value) = value {
            self.push(field, Html::plain(&value), Vec::new());
        }
    }

    fn add_list(&mut self, field: &str, values: impl Iterator<Item = String>) {
        let values: Vec<String> = values.collect();
        self.add(field, (!values.is_empty()).then(|| values.join(", ")));
    }

    /// A text of several lines.
    fn add_text(&mut self, field: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.push(field, html(text), Vec::new());
        }
    }

    /// Other tickets, by their numbers.
    fn add_tickets(&mut self, field: &str, numbers: &[String]) {
        let at =
            |number: &String| (self.viewer.at(&format!("desk/tickets/{number}")), number.clone());
        let links: Vec<(String, String)> = numbers.iter().map(at).collect();
        if !links.is_empty() {
            self.push(field, Html::plain(""), links);
        }
    }

    /// What is true only where the ticket stands.
    fn add_stage(&mut self, ticket: &Ticket, people: &BTreeMap<PersonId, String>) {
        let (viewer, words) = (self.viewer, self.viewer.words);
        if let Some(hold) = ticket.stage.hold() {
            if let Awaiting::Evidence(person) = &hold.awaiting {
                let person = person_name(people, *person);
                self.add("evidence_from", Some(self.viewer.words.person(&person)));
            }
            self.add("follow_up_at", hold.follow_up_at.map(|at| viewer.clock.at(at).short));
        }
        let code = ticket.stage.outcome().and_then(|outcome| outcome.code);
        let field = format!("{}_code", ticket.rules().outcome);
        self.add(&field, code.map(|code| words.name("code", code.as_str())));
    }

    /// What only some kinds have.
    fn add_kind(&mut self, view: &TicketView) {
        let (viewer, words) = (self.viewer, self.viewer.words);
        let ticket = &view.ticket;
        if let Some(incident) = ticket.incident() {
            let affected = incident.affected_users;
            self.add("affected_users", (affected > 0).then(|| affected.to_string()));
        }
        if let Some(request) = ticket.request() {
            self.add("catalog_item", view.catalog_item.as_ref().map(|it| it.name.clone()));
            let quantity = request.quantity;
            self.add("quantity", (quantity > 1).then(|| quantity.to_string()));
            self.add("cost", request.cost.as_ref().map(|cost| money(viewer, cost)));
            self.add("expected_at", request.expected_at.map(|at| viewer.clock.at(at).short));
        }
        if let Some(problem) = ticket.problem() {
            self.add_problem(problem, view);
        }
        if let Some(task) = ticket.task() {
            let is_mandatory = if task.mandatory { words.text.yes() } else { words.text.no() };
            self.add("mandatory", Some(is_mandatory));
            self.add_tickets("depends_on", &view.depends_on);
        }
    }

    fn add_problem(&mut self, problem: &Problem, view: &TicketView) {
        let (viewer, words) = (self.viewer, self.viewer.words);
        self.add("known_error", problem.known_error.then(|| words.text.yes()));
        self.add("major", problem.major.then(|| words.text.yes()));
        self.add_text("symptom", problem.symptom.as_deref());
        self.add_text("root_cause", problem.root_cause.as_deref());
        self.add_text("workaround", problem.workaround.as_deref());
        self.add_text("fix_notes", problem.fix_notes.as_deref());
        self.add_text("improvements", problem.improvements.as_deref());
        self.add("risk_owner", view.risk_owner.as_ref().map(|it| it.name.clone()));
        self.add("risk_review_at", problem.risk_review_at.map(|at| viewer.clock.at(at).short));
        self.add_text("no_article_reason", problem.no_article_reason.as_deref());
        self.add_text("review_note", problem.review_note.as_deref());
    }
}
