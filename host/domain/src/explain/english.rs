//! Facts of an explanation, in English.

use chrono::{DateTime, Duration, Utc};

use super::{
    ApprovalFact, AwaitedFact, Fact, MajorFact, Messages, NotAsked, Policy, Setter, StepFact,
};
use crate::{approval::Outcome, binding::Hook, priority::Level, text};

/// A longer sentence is not read.
const MAX_CHARS: usize = 300;

impl Fact {
    /// The fact as a plain English sentence; `now` is the time of the question.
    #[must_use]
    pub fn sentence(&self, now: DateTime<Utc>) -> String {
        // Policies and people write the reasons; neither may fill the screen.
        let words = self.words(now);
        let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
        text::cut(&line, MAX_CHARS).into_owned()
    }

    fn words(&self, now: DateTime<Utc>) -> String {
        match self {
            Self::Subject { number, kind, requester, state, since, catalog_item, service, ci } => {
                let mut words = format!(
                    "{} is {}{}, {} since {}",
                    if number.is_empty() { "The ticket" } else { number },
                    kind.with_article(),
                    requester.as_ref().map(|name| format!(" from {name}")).unwrap_or_default(),
                    state.as_str().replace('_', " "),
                    minute(*since),
                );
                for (word, name) in
                    [("for", catalog_item), ("about the service", service), ("on", ci)]
                {
                    if let Some(name) = name {
                        words.extend([", ", word, " ", name]);
                    }
                }
                words + "."
            }
            Self::Priority { level, set_by, matrix, impact, urgency, rated_by } => {
                let matrix = format!(
                    "the organization's matrix gives {matrix} for impact {} and urgency {}",
                    known(*impact),
                    known(*urgency)
                );
                match set_by {
                    Setter::Default => {
                        let rated = rated_by.as_ref().map(|policy| format!(" ({})", set(policy)));
                        let rated = rated.unwrap_or_default();
                        format!("It has priority {level}, because {matrix}{rated}.")
                    }
                    Setter::Policy(_) | Setter::Person(_) => {
                        format!(
                            "It has priority {level}, {}; {matrix}.",
                            setter(set_by, "by default")
                        )
                    }
                }
            }
            Self::Category { category, set_by } => {
                format!("Its category is {category}, {}.", setter(set_by, "by default"))
            }
            Self::NoCategory => {
                "It has no category, because neither a person nor a policy has set one.".to_owned()
            }
            Self::Team { team, set_by, assignee } => {
                let fallback = "the organization's fallback team, because no other team was set";
                let assignee = assignee.as_ref().map(|name| format!("; its assignee is {name}"));
                let why = setter(set_by, fallback);
                format!("Its team is {team}, {why}{}.", assignee.unwrap_or_default())
            }
            Self::Major(major) => major.words(),
            Self::Approval(approval) => approval.words(),
            Self::Declined { hook, policy } => {
                let why = reasons(policy).map(|why| format!(": {why}")).unwrap_or_default();
                format!("{} gave no opinion when asked to {}{why}.", policy.name, task(*hook))
            }
            Self::Overruled { policy, wanted, by, .. } => {
                let wanted: Vec<String> =
                    wanted.iter().map(|(field, value)| format!("{field} {value}")).collect();
                let wanted = match wanted.as_slice() {
                    [] => String::new(),
                    some => format!(" wanted {}, and", some.join(", ")),
                };
                format!("{}{wanted} was overruled: {}.", policy.name, by.join("; "))
            }
            Self::Failed { hook, policy, code, fallback } => {
                let (name, task) = (&policy.name, task(*hook));
                format!("{name} failed ({code}) when asked to {task}; instead: {fallback}.")
            }
            Self::NotAsked(NotAsked { hook, policies, by }) => {
                let names = policies.iter().map(ToString::to_string).collect::<Vec<_>>();
                let task = task(*hook);
                format!("Not asked to {task}: {}, replaced by {by}.", names.join(", "))
            }
            Self::Messages(messages) => messages.words(),
            Self::Suggestions { open } => format!("Open suggestions from policies: {open}."),
            Self::MoreDecisions { count } => {
                format!("For {count} more decisions, see the receipts.")
            }
            Self::Waiting { on, since } => {
                let (at, age) = (minute(*since), age(now - since));
                format!("It has been waiting for {} since {at} ({age}).", on.words())
            }
            Self::NotWaiting => "It is not waiting for anybody.".to_owned(),
        }
    }
}

impl Messages {
    fn words(self) -> String {
        let parts = [
            (self.sent, "sent"),
            (self.waiting, "about to be sent"),
            (self.delayed, "delayed to a later time"),
        ];
        let parts = parts.into_iter().filter(|(count, _)| *count > 0);
        let parts = parts.map(|(count, how)| format!("{count} {how}")).collect::<Vec<_>>();
        format!("Messages about it: {}.", parts.join(", "))
    }
}

impl MajorFact {
    fn words(&self) -> String {
        match self {
            Self::Proposed => {
                "It is proposed as a major incident and awaits a decision.".to_owned()
            }
            Self::Rejected => "It was proposed as a major incident and rejected.".to_owned(),
            Self::Accepted { manager, communication_owner, next_update_at, update_missed } => {
                let at = minute(*next_update_at);
                let due = if *update_missed {
                    format!("was due at {at} and was missed")
                } else {
                    format!("is due at {at}")
                };
                format!(
                    "It is a major incident: its manager is {manager}, its communication owner is \
                     {communication_owner}; the next update {due}."
                )
            }
            Self::Review => {
                "It was a major incident; its review must be completed before it can be closed."
                    .to_owned()
            }
            Self::Done => "It was a major incident; its review is complete.".to_owned(),
        }
    }
}

impl ApprovalFact {
    fn words(&self) -> String {
        let Self { round, outcome, steps, rejection } = self;
        match outcome {
            Outcome::Approved => format!("Approval round {round} was approved."),
            Outcome::Rejected => {
                let why = match rejection {
                    Some(vote) => format!(
                        "{} rejected step {}: {}",
                        vote.voter,
                        vote.step,
                        vote.comment.as_deref().unwrap_or("no reason given")
                    ),
                    None => "a step can no longer reach its quorum".to_owned(),
                };
                format!("Approval round {round} was rejected: {why}.")
            }
            Outcome::Cancelled => {
                format!("Approval round {round} was cancelled and no longer counts.")
            }
            Outcome::Waiting | Outcome::Pending => {
                let step = |StepFact { name, approved, needed }: &StepFact| {
                    format!("step {name} has {approved} of {needed} required approvals")
                };
                let steps = steps.iter().map(step).collect::<Vec<_>>();
                format!("Approval round {round} is open: {}.", steps.join("; "))
            }
        }
    }
}

impl AwaitedFact {
    /// As it stands after "waiting for".
    fn words(&self) -> String {
        match self {
            Self::Approvers(people) => format!("the votes of {}", people.join(", ")),
            Self::ApproverMissing => {
                "an approver (there is none; an administrator must set the organization's \
                 fallback_approver, or use appoint_voter)"
                    .to_owned()
            }
            Self::Caller => "the requester's reply".to_owned(),
            Self::Vendor(vendor) => format!("the vendor {vendor}"),
            Self::Evidence(person) => format!("evidence from {person}"),
            Self::Problem => "a problem to be fixed".to_owned(),
            Self::Other(what) => what.clone(),
            Self::Tasks => "the tasks it depends on".to_owned(),
            Self::Assignee(person) => person.clone(),
            Self::Team(team) => format!("the team {team} to pick it up"),
            Self::Confirmation { closes_at: Some(at) } => {
                format!("the requester's confirmation (closes automatically at {})", minute(*at))
            }
            Self::Confirmation { closes_at: None } => "the requester's confirmation".to_owned(),
        }
    }
}

/// Who set a value, as it stands after a comma.
fn setter(by: &Setter, default: &str) -> String {
    match by {
        Setter::Policy(Some(policy)) => set(policy),
        Setter::Policy(None) => "set by a policy".to_owned(),
        Setter::Person(Some(reason)) => format!("set by a person: {reason}"),
        Setter::Person(None) => "set by a person".to_owned(),
        Setter::Default => default.to_owned(),
    }
}

fn set(policy: &Policy) -> String {
    match reasons(policy) {
        Some(why) => format!("set by {}: {why}", policy.name),
        None => format!("set by {}", policy.name),
    }
}

fn reasons(policy: &Policy) -> Option<String> {
    let trimmed = policy.reasons.iter().map(|reason| reason.trim_end_matches('.'));
    let reasons = trimmed.filter(|reason| !reason.is_empty()).collect::<Vec<_>>();
    (!reasons.is_empty()).then(|| reasons.join("; "))
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

fn known(level: Option<Level>) -> String {
    level.map_or_else(|| "unknown (treated as 3)".to_owned(), |level| level.to_string())
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
