//! Explaining: why a ticket is where it is, in plain sentences, at most one screen of them
//! (requirement Q1).

#[cfg(test)]
mod rules;

use chrono::{DateTime, Duration, Utc};

use crate::{
    approval::{Approval, Outcome, Step, quorum::Tally},
    binding::Hook,
    ids::{EvaluationId, PersonId},
    incident::{Leadership, Major},
    organization::OrgSettings,
    priority::PrioritySource,
    receipt,
    suggestion::SuggestedField,
    text,
    ticket::Ticket,
    waiting::WaitingFor,
};

/// What the sentences need beside the ticket: names that people read, and what policies decided.
pub struct ExplainFacts<'a> {
    /// The team's name.
    pub team: &'a str,
    /// The service's name.
    pub service: Option<&'a str>,
    /// The configuration item's name.
    pub ci: Option<&'a str>,
    /// The catalog item's name.
    pub item: Option<&'a str>,
    /// What policies decided, in the order in which they were asked.
    pub decisions: &'a [DecisionFacts],
    /// How many suggestions wait for a person.
    pub open_suggestions: usize,
    /// The ticket's latest round of approval.
    pub approval: Option<&'a Approval>,
    /// The name of a person.
    pub name_of: &'a dyn Fn(PersonId) -> String,
    /// The organization's settings.
    pub settings: &'a OrgSettings,
    /// The time of the question.
    pub now: DateTime<Utc>,
}

/// What a policy decided about the ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionFacts {
    /// The round that it belongs to.
    pub evaluation: EvaluationId,
    /// What it was asked.
    pub hook: Hook,
    /// Its name, and whose it is: `team-router of acme`.
    pub policy: String,
    /// What became of it.
    pub outcome: receipt::Outcome,
    /// The fields that it set and that it still decides.
    pub gave: Vec<SuggestedField>,
    /// Its reasons.
    pub reasons: Vec<String>,
}

/// A screen has 24 lines, and some of them are needed for the question.
pub const MAX_SENTENCES: usize = 18;
/// A longer sentence is not read.
const MAX_SENTENCE_CHARS: usize = 300;

/// Explains a ticket: what it is, its priority, category, team and approvals, what went wrong, what
/// it waits for.
#[must_use]
pub fn sentences(ticket: &Ticket, facts: &ExplainFacts<'_>) -> Vec<String> {
    let mut told = vec![
        subject(ticket, facts),
        priority(ticket, facts),
        category(ticket, facts),
        team(ticket, facts),
    ];
    told.extend(major(ticket, facts));
    told.extend(facts.approval.map(|approval| approvals(approval, facts)));
    let waiting = waiting(ticket, facts);
    let mut troubles = troubles(facts);
    if facts.open_suggestions > 0 {
        troubles.push(format!("Open suggestions from policies: {}.", facts.open_suggestions));
    }
    let room = MAX_SENTENCES - told.len() - waiting.len();
    if troubles.len() > room {
        let left_out = troubles.len() - (room - 1);
        troubles.truncate(room - 1);
        troubles.push(format!("For {left_out} more decisions, see the receipts."));
    }
    told.extend(troubles);
    told.extend(waiting);
    told.iter().map(|sentence| shorten(sentence)).collect()
}

fn subject(ticket: &Ticket, facts: &ExplainFacts<'_>) -> String {
    let of = ticket.requester.map(|person| format!(" from {}", (facts.name_of)(person)));
    let mut text = format!(
        "{} is {}{}, {} since {}",
        if ticket.number.is_empty() { "The ticket" } else { &ticket.number },
        ticket.kind().with_article(),
        of.unwrap_or_default(),
        ticket.state().as_str().replace('_', " "),
        minute(ticket.state_since),
    );
    let about = [("for", facts.item), ("about the service", facts.service), ("on", facts.ci)];
    for (word, name) in about {
        if let Some(name) = name {
            text.extend([", ", word, " ", name]);
        }
    }
    text.push('.');
    text
}

fn priority(ticket: &Ticket, facts: &ExplainFacts<'_>) -> String {
    let (level, source) = ticket.priority.effective();
    let known = |level: Option<crate::priority::Level>| {
        level.map_or_else(|| "unknown (treated as 3)".to_owned(), |level| level.to_string())
    };
    let matrix = format!(
        "the organization's matrix gives {} for impact {} and urgency {}",
        ticket.priority.matrix,
        known(ticket.impact),
        known(ticket.urgency)
    );
    match (source, &ticket.priority.manual) {
        (PrioritySource::Override, Some((_, reason))) => {
            format!("It has priority {level}, set by a person: {reason}; {matrix}.")
        }
        (PrioritySource::Policy, _) => {
            let by = by(facts, &[SuggestedField::Priority]);
            let by = by.unwrap_or_else(|| "set by a policy".to_owned());
            format!("It has priority {level}, {by}; {matrix}.")
        }
        (PrioritySource::Override | PrioritySource::Matrix, _) => {
            let given = by(facts, &[SuggestedField::Impact, SuggestedField::Urgency]);
            let given = given.map(|by| format!(" ({by})")).unwrap_or_default();
            format!("It has priority {level}, because {matrix}{given}.")
        }
    }
}

fn category(ticket: &Ticket, facts: &ExplainFacts<'_>) -> String {
    let Some(category) = &ticket.category else {
        return "It has no category, because neither a person nor a policy has set one.".to_owned();
    };
    match by(facts, &[SuggestedField::Category]) {
        Some(by) => format!("Its category is {category}, {by}."),
        None => format!("Its category is {category}, set by a person."),
    }
}

fn team(ticket: &Ticket, facts: &ExplainFacts<'_>) -> String {
    let assignee = ticket
        .assignee
        .map(|person| format!("; its assignee is {}", (facts.name_of)(person)))
        .unwrap_or_default();
    let why = match by(facts, &[SuggestedField::Team]) {
        Some(by) => by,
        None if ticket.team == facts.settings.fallback_team => {
            "the organization's fallback team, because no other team was set".to_owned()
        }
        None => "set by a person".to_owned(),
    };
    format!("Its team is {}, {why}{assignee}.", facts.team)
}

/// Where an incident stands as a major one; nothing for all others.
fn major(ticket: &Ticket, facts: &ExplainFacts<'_>) -> Option<String> {
    let led = |led_by: &Leadership| {
        let (manager, owner) = (led_by.manager, led_by.communication_owner);
        format!(
            "its manager is {}, its communication owner is {}",
            (facts.name_of)(manager),
            (facts.name_of)(owner)
        )
    };
    Some(match &ticket.incident()?.major {
        Major::None => return None,
        Major::Proposed => "It is proposed as a major incident and awaits a decision.".to_owned(),
        Major::Rejected => "It was proposed as a major incident and rejected.".to_owned(),
        Major::Accepted { led_by, next_update_at, update_missed } => {
            let at = minute(*next_update_at);
            let due = if *update_missed {
                format!("was due at {at} and was missed")
            } else {
                format!("is due at {at}")
            };
            format!("It is a major incident: {}; the next update {due}.", led(led_by))
        }
        Major::Review { .. } => {
            "It was a major incident; its review must be completed before it can be closed."
                .to_owned()
        }
        Major::Done { .. } => "It was a major incident; its review is complete.".to_owned(),
    })
}

fn approvals(approval: &Approval, facts: &ExplainFacts<'_>) -> String {
    let round = approval.round;
    match approval.outcome {
        Outcome::Approved => format!("Approval round {round} was approved."),
        Outcome::Rejected => {
            let why = approval.rejections().next().map(|(step, request)| {
                let voter = (facts.name_of)(request.voter);
                let comment = request.comment.as_deref().unwrap_or("no reason given");
                format!(": {voter} rejected step {}: {comment}", step.name)
            });
            let why = why.unwrap_or_else(|| ": a step can no longer reach its quorum".to_owned());
            format!("Approval round {round} was rejected{why}.")
        }
        Outcome::Cancelled => {
            format!("Approval round {round} was cancelled and no longer counts.")
        }
        Outcome::Waiting | Outcome::Pending => {
            let steps = approval.open_stage().map(|stage| &stage.steps);
            let steps = steps.into_iter().flatten().map(step).collect::<Vec<_>>();
            format!("Approval round {round} is open: {}.", steps.join("; "))
        }
    }
}

fn step(step: &Step) -> String {
    let tally = Tally::of(step);
    let needed = step.quorum.needed(tally.seats);
    format!("step {} has {} of {needed} required approvals", step.name, tally.approved)
}

/// What policies could not do, or did not want to.
fn troubles(facts: &ExplainFacts<'_>) -> Vec<String> {
    facts
        .decisions
        .iter()
        .filter_map(|decision| match &decision.outcome {
            receipt::Outcome::Applied | receipt::Outcome::Suggested => None,
            receipt::Outcome::Declined => {
                let why = reasons(decision).map(|why| format!(": {why}")).unwrap_or_default();
                let (policy, task) = (&decision.policy, task(decision.hook));
                Some(format!("{policy} gave no opinion when asked to {task}{why}."))
            }
            receipt::Outcome::Overruled(why) => {
                Some(format!("{} was overruled: {}.", decision.policy, why.join("; ")))
            }
            receipt::Outcome::Failed { code, fallback, .. } => Some(format!(
                "{} failed ({code}) when asked to {}; instead: {fallback}.",
                decision.policy,
                task(decision.hook)
            )),
        })
        .collect()
}

/// What a hook asks for, as it stands after "when asked to".
const fn task(hook: Hook) -> &'static str {
    match hook {
        Hook::Categorize => "categorize it",
        Hook::Route => "choose its team",
        Hook::Plan => "plan its approval",
        Hook::Stalled => "unblock its approval",
        Hook::Notify => "choose whom to notify",
    }
}

fn waiting(ticket: &Ticket, facts: &ExplainFacts<'_>) -> Vec<String> {
    let open = facts.approval.filter(|approval| approval.outcome == Outcome::Pending);
    let Some(waiting) = ticket.waiting_on(open, facts.settings) else {
        return vec!["It is not waiting for anybody.".to_owned()];
    };
    let name = |person: &PersonId| (facts.name_of)(*person);
    let what = match &waiting.what {
        WaitingFor::Approvers(people) => {
            format!("the votes of {}", people.iter().map(name).collect::<Vec<_>>().join(", "))
        }
        WaitingFor::ApproverMissing => {
            "an approver (there is none; an administrator must set the organization's \
             fallback_approver, or use appoint_voter)"
                .to_owned()
        }
        WaitingFor::Caller => "the requester's reply".to_owned(),
        WaitingFor::Vendor(vendor) => format!("the vendor {vendor}"),
        WaitingFor::Evidence(person) => format!("evidence from {}", name(person)),
        WaitingFor::Problem(_) => "a problem to be fixed".to_owned(),
        WaitingFor::Other(what) => what.clone(),
        WaitingFor::Tasks => "the tasks it depends on".to_owned(),
        WaitingFor::Assignee(person) => name(person),
        WaitingFor::Team(_) => format!("the team {} to pick it up", facts.team),
        WaitingFor::Confirmation { closes_at: Some(at) } => {
            format!("the requester's confirmation (closes automatically at {})", minute(*at))
        }
        WaitingFor::Confirmation { closes_at: None } => "the requester's confirmation".to_owned(),
    };
    let since = minute(waiting.since);
    let age = age(facts.now - waiting.since);
    vec![format!("It has been waiting for {what} since {since} ({age}).")]
}

/// The policy that gave one of these fields, with its reasons: "set by team-router of acme: ...".
fn by(facts: &ExplainFacts<'_>, fields: &[SuggestedField]) -> Option<String> {
    let gave = |decision: &&DecisionFacts| fields.iter().any(|field| decision.gave.contains(field));
    // The latest round stands, and in it the policy that was asked first: those after it may have
    // said the same, but were overruled.
    let latest = facts.decisions.iter().rev().find(gave)?.evaluation;
    let decision = facts.decisions.iter().filter(|one| one.evaluation == latest).find(gave)?;
    Some(match reasons(decision) {
        Some(why) => format!("set by {}: {why}", decision.policy),
        None => format!("set by {}", decision.policy),
    })
}

fn reasons(decision: &DecisionFacts) -> Option<String> {
    let trimmed = decision.reasons.iter().map(|reason| reason.trim_end_matches('.'));
    let reasons = trimmed.filter(|reason| !reason.is_empty()).collect::<Vec<_>>();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

fn age(age: Duration) -> String {
    let plural = |count: i64, unit: &str| match count {
        1 => format!("1 {unit}"),
        _ => format!("{count} {unit}s"),
    };
    match (age.num_days(), age.num_hours(), age.num_minutes()) {
        (days @ 1.., ..) => plural(days, "day"),
        (_, hours @ 1.., _) => plural(hours, "hour"),
        (.., minutes) => plural(minutes.max(0), "minute"),
    }
}

/// Policies and people write the reasons; neither may fill the screen.
fn shorten(sentence: &str) -> String {
    let line = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
    text::cut(&line, MAX_SENTENCE_CHARS).into_owned()
}
