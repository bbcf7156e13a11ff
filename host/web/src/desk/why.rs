//! Why a ticket is where it is: the facts of its explanation, in the viewer's words.

use waypost_app::explain::Explanation;
use waypost_domain::{
    explain::{
        ApprovalFact, AwaitedFact, Fact, MajorFact, Messages, NotAsked, Policy, PolicyName, Setter,
    },
    suggestion::SuggestedField,
};

use crate::{text::Html, viewer::Viewer, words::Words};

/// A line of "why here?": what is so, and why.
#[derive(Debug, Clone)]
pub(crate) struct Because {
    pub(crate) what: String,
    pub(crate) value: String,
    /// Who or what set it.
    pub(crate) by: Option<String>,
    /// The reasons: as policies and people put them; the desk's own in the viewer's language.
    pub(crate) reasons: Vec<Html>,
    /// Whether it is nothing that anybody wanted: somebody should look.
    pub(crate) is_trouble: bool,
}

impl Because {
    fn new(what: String, value: String) -> Self {
        Self { what, value, by: None, reasons: Vec::new(), is_trouble: false }
    }

    fn set(self, viewer: &Viewer, by: &Setter) -> Self {
        let t = &viewer.words.text;
        let (by, reasons) = match by {
            Setter::Policy(Some(policy)) => (named(viewer, &policy.name), plain(&policy.reasons)),
            Setter::Policy(None) => (t.why_a_policy(), Vec::new()),
            Setter::Person(reason) => (t.why_a_person(), plain(reason)),
            Setter::Default => (t.why_nobody(), Vec::new()),
        };
        Self { by: Some(by), reasons, ..self }
    }

    fn of_policy(self, viewer: &Viewer, policy: &Policy) -> Self {
        Self { by: Some(named(viewer, &policy.name)), reasons: plain(&policy.reasons), ..self }
    }

    /// Whether the value is a word or two, and no sentence.
    pub(crate) fn is_short(&self) -> bool {
        self.value.chars().count() <= 48
    }

    fn troubling(self) -> Self {
        Self { is_trouble: true, ..self }
    }
}

/// What a policy is called, which revision of it was asked, and whose it is.
fn named(viewer: &Viewer, name: &PolicyName) -> String {
    let PolicyName { binding, revision, layer } = name;
    viewer.words.text.why_policy(binding, revision.to_string(), layer)
}

/// Texts as they were written.
fn plain<'a>(texts: impl IntoIterator<Item = &'a String>) -> Vec<Html> {
    texts.into_iter().map(|text| Html::plain(text)).collect()
}

/// The lines of an explanation. What the head of the page says already is left out, and so is a
/// reason that stands one line above: a policy often has one for several things.
pub(crate) fn because(viewer: &Viewer, explanation: &Explanation) -> Vec<Because> {
    let mut lines: Vec<Because> = Vec::new();
    for mut line in explanation.facts.iter().filter_map(|fact| line(viewer, fact)) {
        let is_told = |reason: &Html| lines.iter().any(|before| before.reasons.contains(reason));
        line.reasons.retain(|reason| !is_told(reason));
        lines.push(line);
    }
    lines
}

fn line(viewer: &Viewer, fact: &Fact) -> Option<Because> {
    let (t, words) = (&viewer.words.text, viewer.words);
    let field = |name: &str| words.name("field", name);
    Some(match fact {
        Fact::Subject { .. } => return None,
        Fact::Priority { level, set_by, matrix, impact, urgency, rated_by } => {
            let known = |level: &Option<waypost_domain::priority::Level>| {
                level.map_or_else(|| t.why_unknown_level(), |level| level.to_string())
            };
            let matrix = t.why_matrix(known(impact), known(urgency), matrix.to_string());
            let value = format!("P{level}");
            let line = Because::new(field("priority"), value).set(viewer, set_by);
            let mut reasons = line.reasons.clone();
            reasons.push(Html::plain(&matrix));
            let by = match (set_by, rated_by) {
                (Setter::Default, Some(policy)) => {
                    reasons.extend(plain(&policy.reasons));
                    Some(t.why_rated(named(viewer, &policy.name)))
                }
                (Setter::Default, None) => Some(t.why_the_matrix()),
                _ => line.by.clone(),
            };
            Because { by, reasons, ..line }
        }
        Fact::Category { category, set_by } => {
            Because::new(field("category"), category.to_string()).set(viewer, set_by)
        }
        Fact::NoCategory => Because::new(field("category"), t.why_no_category()),
        Fact::Team { team, set_by, assignee } => {
            let value = match assignee {
                Some(assignee) => format!("{}, {}", words.called(team), words.called(assignee)),
                None => words.called(team),
            };
            let line = Because::new(field("team"), value).set(viewer, set_by);
            match set_by {
                Setter::Default => Because { by: Some(t.why_fallback_team()), ..line },
                Setter::Policy(_) | Setter::Person(_) => line,
            }
        }
        Fact::Major(major) => {
            let (state, more) = match major {
                MajorFact::Proposed => ("proposed", Vec::new()),
                MajorFact::Rejected => ("rejected", Vec::new()),
                MajorFact::Accepted {
                    manager,
                    communication_owner,
                    next_update_at,
                    update_missed,
                } => {
                    let due = viewer.clock.when(*next_update_at).short;
                    let update =
                        if *update_missed { t.why_update_missed(due) } else { t.why_update(due) };
                    let led = t.why_led(words.called(manager), words.called(communication_owner));
                    ("accepted", vec![led, update])
                }
                MajorFact::Review => ("review", Vec::new()),
                MajorFact::Done => ("done", Vec::new()),
            };
            let line = Because::new(t.why_major(), words.name("major", state));
            Because { reasons: plain(&more), ..line }
        }
        Fact::Approval(approval) => of_approval(viewer, approval),
        Fact::Declined { hook, policy } => {
            let line = Because::new(words.name("hook", hook.as_str()), t.why_declined());
            // What it lacked is said by the desk.
            let reasons = policy.reasons.iter().map(|reason| words.retell_ours(reason)).collect();
            Because { reasons, ..line.of_policy(viewer, policy) }
        }
        Fact::Overruled { hook, policy, wanted, by } => {
            let line = Because::new(words.name("hook", hook.as_str()), t.why_overruled());
            let reasons = wishes(words, wanted).into_iter().chain(words.retell_by_field(by));
            Because { reasons: reasons.collect(), ..line.of_policy(viewer, policy) }
        }
        Fact::Failed { hook, policy, code, fallback } => {
            let value = t.why_failed(words.name("failure", code));
            let line = Because::new(words.name("hook", hook.as_str()), value);
            let instead = words.retell_in(fallback, |told| t.why_instead(told));
            let line = Because { reasons: vec![instead], ..line.of_policy(viewer, policy) };
            line.troubling()
        }
        Fact::NotAsked(NotAsked { hook, policies, by }) => {
            let names: Vec<String> = policies.iter().map(|name| named(viewer, name)).collect();
            let value = t.why_not_asked(names.join(", "), by);
            Because::new(words.name("hook", hook.as_str()), value)
        }
        Fact::Messages(messages) => of_messages(viewer, *messages),
        Fact::Suggestions { open } => {
            let open = u32::try_from(*open).unwrap_or(u32::MAX);
            Because::new(t.suggestions_title(), t.why_suggestions(open))
        }
        Fact::MoreDecisions { count } => {
            let count = u32::try_from(*count).unwrap_or(u32::MAX);
            Because::new(t.why_more(), t.why_more_decisions(count))
        }
        Fact::Waiting { on, since } => {
            let value = format!("{} ({})", awaited(viewer, on), viewer.clock.since(*since).short);
            Because::new(t.waits_for(), value)
        }
        Fact::NotWaiting => Because::new(t.waits_for(), t.waits_for_nobody()),
    })
}

/// What an overruled policy wanted, field by field.
fn wishes(words: &Words, wanted: &[(SuggestedField, String)]) -> Option<Html> {
    let wishes = wanted.iter().map(|(field, value)| {
        let kind = words.named("kind", value).filter(|_| *field == SuggestedField::Kind);
        let value = kind.unwrap_or_else(|| value.clone());
        format!("{}: {value}", words.name("field", field.as_str()))
    });
    let wishes = wishes.collect::<Vec<_>>().join(", ");
    (!wishes.is_empty()).then(|| Html::plain(&words.text.why_wanted(wishes)))
}

fn of_messages(viewer: &Viewer, messages: Messages) -> Because {
    let t = &viewer.words.text;
    let number = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let parts = [
        (messages.sent, t.why_sent(number(messages.sent))),
        (messages.waiting, t.why_about_to_be_sent(number(messages.waiting))),
        (messages.delayed, t.why_delayed(number(messages.delayed))),
    ];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let value = parts.map(|(_, told)| told).collect::<Vec<_>>().join(", ");
    Because::new(t.why_messages(), value)
}

fn of_approval(viewer: &Viewer, approval: &ApprovalFact) -> Because {
    let (t, words) = (&viewer.words.text, viewer.words);
    let mut reasons: Vec<String> = approval
        .steps
        .iter()
        .map(|step| {
            let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
            let tally = t.vote_tally(number(step.approved), number(step.needed));
            format!("{}: {tally}", words.step(&step.name))
        })
        .collect();
    if let Some(vote) = &approval.rejection {
        let comment = vote.comment.clone().unwrap_or_default();
        reasons.push(format!(
            "{} ({}): {comment}",
            words.called(&vote.voter),
            words.step(&vote.step)
        ));
    }
    let round = if approval.round > 1 { format!(" {}", approval.round) } else { String::new() };
    let what = format!("{}{round}", t.approval_title());
    let line = Because::new(what, words.name("outcome", approval.outcome.as_str()));
    Because { reasons: plain(&reasons), ..line }
}

fn awaited(viewer: &Viewer, on: &AwaitedFact) -> String {
    let words = viewer.words;
    match on {
        AwaitedFact::Approvers(people) => {
            people.iter().map(|name| words.called(name)).collect::<Vec<_>>().join(", ")
        }
        AwaitedFact::ApproverMissing => words.name("waiting", "approver_missing"),
        AwaitedFact::Caller => words.name("waiting", "caller"),
        AwaitedFact::Problem => words.name("waiting", "problem"),
        AwaitedFact::Tasks => words.name("waiting", "tasks"),
        AwaitedFact::Evidence(name) | AwaitedFact::Assignee(name) | AwaitedFact::Team(name) => {
            words.called(name)
        }
        AwaitedFact::Vendor(what) | AwaitedFact::Other(what) => what.clone(),
        AwaitedFact::Confirmation { closes_at: Some(at) } => {
            let when = viewer.clock.when(*at).short;
            words.text.waits_for_confirmation(when)
        }
        AwaitedFact::Confirmation { closes_at: None } => words.name("waiting", "confirmation"),
    }
}
