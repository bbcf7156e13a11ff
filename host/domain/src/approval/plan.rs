//! Planning a round of approval: from people who must agree to seats that are asked.

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::{
    approval::{
        Approval, Duties, Outcome, Quorum, SeatRequest, SeatState, Stage, StageRule, Step,
        vote::changes,
    },
    event::FieldChange,
    ids::{ApprovalId, ApprovalRequestId, OrgId, PersonId, ReceiptId},
    said,
    said::Said,
    subject::Subject,
};

/// More stages than this are not waited out by anybody.
pub const MAX_STAGES: usize = 20;
/// More steps at the same time are a committee.
pub const MAX_STEPS: usize = 20;
/// More voters than this are an election.
pub const MAX_VOTERS: usize = 200;
/// What is asked is a few words.
const MAX_STEP_NAME_CHARS: usize = 100;

/// Steps that are asked at the same time, with the people who vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagePlan {
    /// When the stage is approved.
    pub rule: StageRule,
    /// Its steps.
    pub steps: Vec<StepPlan>,
}

/// One question, with the people who vote on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepPlan {
    /// What is asked.
    pub name: String,
    /// How many must approve.
    pub quorum: Quorum,
    /// Whether one rejection rejects at once.
    pub veto: bool,
    /// Hours until it should be decided, from its opening.
    pub due_hours: Option<u16>,
    /// Who votes. A person counts once, however often they are named.
    pub voters: Vec<PersonId>,
    /// Who votes too, and without whose yes it can't be approved. Each list is the people behind
    /// one approver of the plan: where nobody of it may vote, the fallback approver's yes is
    /// needed.
    pub mandatory: Vec<Vec<PersonId>>,
}

/// What a round belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRound {
    /// Its id.
    pub id: ApprovalId,
    /// The organization.
    pub org: OrgId,
    /// The record.
    pub subject: Subject,
    /// One more than the record's last round.
    pub round: i64,
    /// The digest of what is shown to the voters.
    pub content_digest: String,
    /// The recorded decision that planned it.
    pub receipt: Option<ReceiptId>,
    /// Who holds no seat.
    pub duties: Duties,
    /// Who votes where nobody is left.
    pub fallback_approver: Option<PersonId>,
}

/// A round that was planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The round; its first stage is open.
    pub approval: Approval,
    /// The requests whose votes are awaited now.
    pub opened: Vec<ApprovalRequestId>,
    /// Where the plan was changed and why, as sentences for the person who asks.
    pub notes: Vec<String>,
}

/// A plan that can't be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", self.said())]
pub enum PlanFault {
    /// No stage, or too many.
    Stages(usize),
    /// A stage without a step, or with too many.
    Steps {
        /// Which, counted from 1.
        stage: usize,
        /// How many it has.
        steps: usize,
    },
    /// A step without a name, or with one that is too long.
    Name {
        /// Which stage, counted from 1.
        stage: usize,
        /// Which step, counted from 1.
        step: usize,
    },
    /// Too many voters.
    Voters {
        /// The step's name.
        step: String,
        /// How many it has.
        voters: usize,
    },
}

impl PlanFault {
    /// What is wrong with the plan.
    #[must_use]
    pub fn said(&self) -> Said {
        match self {
            Self::Stages(given) => said!(
                "a plan must have 1 to {most} stages; this one has {given}",
                most = MAX_STAGES,
                given
            ),
            Self::Steps { stage, steps } => said!(
                "stage {stage} has {steps} steps; a stage must have 1 to {most}",
                stage,
                steps,
                most = MAX_STEPS
            ),
            Self::Name { stage, step } => said!(
                "stage {stage}, step {step}: the name must have 1 to {most} characters",
                stage,
                step,
                most = MAX_STEP_NAME_CHARS
            ),
            Self::Voters { step, voters } => said!(
                "step `{step}` has {voters} voters; the limit is {most}",
                step,
                voters,
                most = MAX_VOTERS
            ),
        }
    }
}

impl Approval {
    /// Plans a round and opens its first stage.
    ///
    /// Nobody decides on their own wish or work: those seats are removed. A step that nobody is
    /// left for, or nobody of those without whom it can't be approved, goes to the fallback
    /// approver; without one it has no seats and stays pending until somebody is appointed, never
    /// approved silently.
    pub fn plan(
        new: NewRound,
        stages: Vec<StagePlan>,
        next_id: &mut dyn FnMut() -> ApprovalRequestId,
        now: DateTime<Utc>,
    ) -> Result<Planned, PlanFault> {
        check(&stages)?;
        let mut notes = Vec::new();
        let stages = stages
            .into_iter()
            .map(|stage| Stage {
                rule: stage.rule,
                steps: stage
                    .steps
                    .into_iter()
                    .map(|step| seat(&step, &new, next_id, &mut notes))
                    .collect(),
                outcome: Outcome::Waiting,
            })
            .collect();
        let mut approval = Self {
            id: new.id,
            org: new.org,
            subject: new.subject,
            round: new.round,
            stages,
            outcome: Outcome::Pending,
            content_digest: new.content_digest,
            receipt: new.receipt,
            created_at: now,
            decided_at: None,
            version: 1,
        };
        let opened = approval.open_next(now);
        Ok(Planned { approval, opened, notes })
    }

    /// What beginning the round changed: its first stage is open, and votes are asked for.
    #[must_use]
    pub fn first_changes(&self) -> Vec<FieldChange> {
        let mut before = self.clone();
        before.outcome = Outcome::Waiting;
        for stage in &mut before.stages {
            stage.outcome = Outcome::Waiting;
            for step in &mut stage.steps {
                step.outcome = Outcome::Waiting;
                step.requests.clear();
            }
        }
        changes(&before, self)
    }

    /// Opens the first stage that waits.
    pub(crate) fn open_next(&mut self, now: DateTime<Utc>) -> Vec<ApprovalRequestId> {
        let Some(stage) = self.stages.iter_mut().find(|stage| stage.outcome == Outcome::Waiting)
        else {
            return Vec::new();
        };
        stage.outcome = Outcome::Pending;
        stage.steps.iter_mut().flat_map(|step| step.open(now)).collect()
    }

    /// All requests of the round.
    pub fn requests(&self) -> impl Iterator<Item = &SeatRequest> {
        self.steps().flat_map(|step| &step.requests)
    }

    /// All steps of the round.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.stages.iter().flat_map(|stage| &stage.steps)
    }
}

impl Step {
    pub(super) fn open(&mut self, now: DateTime<Utc>) -> Vec<ApprovalRequestId> {
        self.outcome = Outcome::Pending;
        let hours = self.due_hours.map(|hours| chrono::Duration::hours(hours.into()));
        self.due_at = hours.and_then(|hours| now.checked_add_signed(hours));
        let mut opened = Vec::new();
        for request in &mut self.requests {
            if request.state == SeatState::Waiting {
                request.ask(now);
                opened.push(request.id);
            }
        }
        opened
    }
}

impl SeatRequest {
    pub(crate) const fn waiting(id: ApprovalRequestId, seat: PersonId, mandatory: bool) -> Self {
        Self {
            id,
            seat,
            voter: seat,
            mandatory,
            delegation: None,
            state: SeatState::Waiting,
            requested_at: None,
            decided_at: None,
            comment: None,
            reminder_count: 0,
            escalated_at: None,
        }
    }
}

fn check(stages: &[StagePlan]) -> Result<(), PlanFault> {
    if !(1..=MAX_STAGES).contains(&stages.len()) {
        return Err(PlanFault::Stages(stages.len()));
    }
    for (stage_index, stage) in stages.iter().enumerate() {
        if !(1..=MAX_STEPS).contains(&stage.steps.len()) {
            return Err(PlanFault::Steps { stage: stage_index + 1, steps: stage.steps.len() });
        }
        for (step_index, step) in stage.steps.iter().enumerate() {
            let length = step.name.trim().chars().count();
            if !(1..=MAX_STEP_NAME_CHARS).contains(&length) || step.name.contains(char::is_control)
            {
                return Err(PlanFault::Name { stage: stage_index + 1, step: step_index + 1 });
            }
            let voters = step.voters.len() + step.mandatory.iter().map(Vec::len).sum::<usize>();
            if voters > MAX_VOTERS {
                return Err(PlanFault::Voters { step: step.name.clone(), voters });
            }
        }
    }
    Ok(())
}

fn seat(
    plan: &StepPlan,
    new: &NewRound,
    next_id: &mut dyn FnMut() -> ApprovalRequestId,
    notes: &mut Vec<String>,
) -> Step {
    let name = plan.name.trim().to_owned();
    let mut seats = Seats::default();
    seats.add(&plan.voters, IsMandatory::No, new.duties, &name, notes);
    let mut is_complete = true;
    for named in &plan.mandatory {
        is_complete &= seats.add(named, IsMandatory::Yes, new.duties, &name, notes);
    }
    if seats.0.is_empty() || !is_complete {
        let needed = if is_complete { IsMandatory::No } else { IsMandatory::Yes };
        let fallback = new.fallback_approver.filter(|fallback| new.duties.allow(*fallback));
        if let Some(fallback) = fallback {
            let note = said!(
                "step `{step}`: no approver was left; the fallback approver votes",
                step = name
            );
            notes.push(note.into());
            seats.add(&[fallback], needed, new.duties, &name, notes);
        } else {
            let note = said!(
                "step `{step}`: no approver was left, and no fallback approver is set; it waits \
                 until one is appointed",
                step = name
            );
            notes.push(note.into());
            // The others can't make up for a yes that is needed and that nobody can give.
            seats.0.clear();
        }
    }
    let requests = seats
        .0
        .into_iter()
        .map(|(seat, needed)| SeatRequest::waiting(next_id(), seat, needed == IsMandatory::Yes))
        .collect();
    Step {
        name,
        quorum: plan.quorum,
        veto: plan.veto,
        due_at: None,
        due_hours: plan.due_hours,
        requests,
        outcome: Outcome::Waiting,
    }
}

/// Whether a step can't be approved without a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IsMandatory {
    Yes,
    No,
}

/// The seats of a step, in the order in which they were named.
#[derive(Default)]
struct Seats(Vec<(PersonId, IsMandatory)>);

impl Seats {
    /// Gives each of these people a seat, once. Says whether anybody of them may hold one.
    fn add(
        &mut self,
        people: &[PersonId],
        needed: IsMandatory,
        duties: Duties,
        step: &str,
        notes: &mut Vec<String>,
    ) -> bool {
        let mut is_anybody = false;
        for person in people {
            if !duties.allow(*person) {
                let note = if duties.requester == Some(*person) {
                    said!("step `{step}`: the requester's own seat was removed", step)
                } else {
                    said!("step `{step}`: the implementer's own seat was removed", step)
                };
                notes.push(note.into());
                continue;
            }
            is_anybody = true;
            match self.0.iter_mut().find(|(seat, _)| seat == person) {
                Some((_, is_mandatory)) if needed == IsMandatory::Yes => *is_mandatory = needed,
                Some(_) => {}
                None => self.0.push((*person, needed)),
            }
        }
        is_anybody
    }
}
