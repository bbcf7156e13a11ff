//! What happens then: who has to agree to a request, what is done, when it comes, what it costs.

use chrono::TimeDelta;
use waypost_app::tickets::preview::{
    RequestPreview, StagePreview, StepPreview, TaskPreview, VoterPreview,
};
use waypost_domain::approval::StageRule;

use super::catalog::money;
use crate::{time::When, viewer::Viewer};

/// What happens once a request is sent.
pub(crate) struct Then {
    /// Why it is refused, if it is.
    pub(crate) rejection: Option<String>,
    /// Whether nobody has to agree first.
    pub(crate) is_free: bool,
    /// What happens, one after the other.
    pub(crate) steps: Vec<Step>,
    pub(crate) expected: Option<When>,
    pub(crate) cost: Option<String>,
    /// Whether a policy failed, so that something else decides.
    pub(crate) is_degraded: bool,
    /// For the desk: which.
    pub(crate) failures: Option<String>,
}

/// Something that happens.
pub(crate) struct Step {
    /// How many of the lines have to come true, where there are several.
    pub(crate) rule: Option<String>,
    pub(crate) lines: Vec<Line>,
}

/// Who does what.
pub(crate) struct Line {
    pub(crate) text: String,
    /// What else there is to say.
    pub(crate) meta: String,
}

impl Then {
    /// As the viewer reads it; `is_own` says whether it is for themselves.
    pub(crate) fn of(viewer: &Viewer, preview: &RequestPreview, is_own: bool) -> Self {
        let stages = preview.stages.iter().map(|stage| of_stage(viewer, stage, is_own));
        let tasks = preview.tasks.iter().map(|task| of_task(viewer, task));
        Self {
            rejection: preview.rejection.clone(),
            is_free: preview.stages.is_empty() && preview.rejection.is_none(),
            steps: stages.chain(tasks).collect(),
            expected: preview.expected_at.map(|at| viewer.clock.at(at)),
            cost: preview.cost.as_ref().map(|cost| money(viewer, cost)),
            is_degraded: preview.policy_failures.is_some(),
            failures: preview
                .policy_failures
                .as_ref()
                .filter(|_| viewer.is_desk())
                .map(|mark| viewer.words.failures(mark)),
        }
    }

    /// The same, where the cost stands already.
    pub(crate) fn without_cost(self) -> Self {
        Self { cost: None, ..self }
    }
}

fn of_stage(viewer: &Viewer, stage: &StagePreview, is_own: bool) -> Step {
    let t = &viewer.words.text;
    let rule = match stage.rule {
        _ if stage.steps.len() < 2 => None,
        StageRule::All => Some(t.then_all()),
        StageRule::Any => Some(t.then_any()),
        StageRule::Majority => Some(t.then_majority()),
        StageRule::FirstDecided => Some(t.then_first()),
    };
    Step { rule, lines: stage.steps.iter().map(|step| of_step(viewer, step, is_own)).collect() }
}

fn of_step(viewer: &Viewer, step: &StepPreview, is_own: bool) -> Line {
    let t = &viewer.words.text;
    let is_all = step.needed >= step.voters.len();
    let name = |voter: &VoterPreview| named(viewer, voter, is_own, is_all);
    let names = step.voters.iter().map(name).collect::<Vec<_>>().join(", ");
    let text = match step.voters.len() {
        0 => t.then_nobody(),
        1 => t.then_agrees(names),
        _ if is_all => t.then_all_agree(names),
        _ if step.needed <= 1 => t.then_one_agrees(names),
        _ => t.then_some_agree(u32::try_from(step.needed).unwrap_or(u32::MAX), names),
    };
    let due =
        step.due_hours.map(|hours| t.then_due(viewer.clock.span(TimeDelta::hours(hours.into()))));
    let meta = std::iter::once(viewer.words.step(&step.name)).chain(due).collect::<Vec<_>>();
    Line { text, meta: meta.join(" · ") }
}

/// A voter, with what makes them one.
fn named(viewer: &Viewer, voter: &VoterPreview, is_own: bool, is_all: bool) -> String {
    let t = &viewer.words.text;
    let manager = match (voter.is_manager, &voter.instead_of) {
        (true, None) if is_own => Some(t.then_your_manager()),
        (true, None) => Some(t.then_manager()),
        (_, Some(instead_of)) => Some(t.vote_instead_of(&instead_of.name)),
        (false, None) => None,
    };
    let must = (voter.mandatory && !is_all).then(|| t.then_mandatory());
    let why: Vec<String> = manager.into_iter().chain(must).collect();
    let name = &voter.voter.name;
    if why.is_empty() { name.clone() } else { format!("{name} ({})", why.join("; ")) }
}

fn of_task(viewer: &Viewer, task: &TaskPreview) -> Step {
    let text = viewer.words.text.then_task(&task.team.name, &task.short_description);
    Step { rule: None, lines: vec![Line { text, meta: String::new() }] }
}
