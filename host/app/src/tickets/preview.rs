//! Previews: what would come of requests that were sent now.
//!
//! The policies are asked as they would be, and the domain judges their answers as it would; then
//! everything is forgotten: no ticket, number, receipt, event or message comes of it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use waypost_domain::{
    approval::{Approval, Quorum, SeatRequest, SeatState, StageRule, Step, quorum::Tally},
    catalog::Money,
    directory::Lookup,
    ids::{PersonId, TeamId, TicketId},
    permission,
    priority::Level,
    task::planned,
    ticket::{Action, Stage, State, TicketKind},
};
use waypost_store::ReadTx;

use super::{
    Named, OpenTicket, PersonName, TicketRef,
    decide::{self, TicketDraft},
    facts::Facts,
    given::LookUps,
    names, open, read,
    scene::Scene,
};
use crate::{
    Caller, CommandError, Desk,
    labels::{former_team, person_name},
};

/// What would come of a request.
#[derive(Debug, Clone)]
pub struct RequestPreview {
    /// What it would be: policies may find that it is something else.
    pub kind: TicketKind,
    /// Its state: whether it awaits approval, is fulfilled at once, or is rejected.
    pub state: State,
    /// Why it is rejected, if it is.
    pub rejection: Option<String>,
    /// What is asked for.
    pub item: Option<Named>,
    /// How many of it.
    pub quantity: u16,
    /// Who has to agree, one stage after the other; none where nobody has to.
    pub stages: Vec<StagePreview>,
    /// The tasks that its fulfilment begins with, in their order.
    pub tasks: Vec<TaskPreview>,
    /// What all of it costs.
    pub cost: Option<Money>,
    /// When it should be there, if it is approved now; none where nothing is promised.
    pub expected_at: Option<DateTime<Utc>>,
    /// The mark of policies that failed, so that a fallback decides.
    pub policy_failures: Option<String>,
    /// What only those hear who see a ticket's internals.
    pub internals: Option<Internals>,
}

/// What the desk sees of a request beside what its requester does.
#[derive(Debug, Clone)]
pub struct Internals {
    /// The team that would own it.
    pub team: Named,
    /// Its priority.
    pub priority: Level,
    /// Why policies, or the host in their place, decide as they do.
    pub reasons: Vec<(Action, String)>,
}

/// Those who are asked at the same time.
#[derive(Debug, Clone)]
pub struct StagePreview {
    /// When it is approved.
    pub rule: StageRule,
    /// Its steps.
    pub steps: Vec<StepPreview>,
}

/// A question to a group of voters.
#[derive(Debug, Clone)]
pub struct StepPreview {
    /// What is asked, in a few words.
    pub name: String,
    /// How many must agree.
    pub quorum: Quorum,
    /// How many those are; 0 where nobody is there to be asked.
    pub needed: usize,
    /// Whether one rejection is enough.
    pub veto: bool,
    /// Hours until it should be decided, from when it is asked.
    pub due_hours: Option<u16>,
    /// Who is asked; nobody where an approver has to be named first.
    pub voters: Vec<VoterPreview>,
}

/// Somebody who would be asked.
#[derive(Debug, Clone)]
pub struct VoterPreview {
    /// Who.
    pub voter: PersonName,
    /// For whom they stand in now, if they do.
    pub instead_of: Option<PersonName>,
    /// Whether nothing is approved without them.
    pub mandatory: bool,
    /// Whether the vote is that of the requester's manager.
    pub is_manager: bool,
}

/// A task that fulfilment would begin with.
#[derive(Debug, Clone)]
pub struct TaskPreview {
    /// What is to be done.
    pub short_description: String,
    /// Who does it.
    pub team: Named,
    /// Whether the request can't be fulfilled without it.
    pub mandatory: bool,
    /// The places of the tasks that come before it, counted from 0.
    pub after: Vec<usize>,
}

/// What would come of a request that was opened and submitted now. Nothing is stored.
///
/// # Errors
/// As [`super::open()`], but that it may be there already.
pub async fn of_new(
    desk: &Desk,
    caller: &Caller,
    command: OpenTicket,
) -> Result<RequestPreview, CommandError> {
    let command = OpenTicket { kind: Some(TicketKind::Request), draft: false, ..command };
    permission::allows_opening(
        caller.role,
        TicketKind::Request,
        &waypost_domain::ticket::Given::default(),
    )?;
    let (mut tx, facts) = Facts::open(desk, caller).await?;
    let mut scene = Scene::new(desk, caller, facts.clone());
    let mut look_ups = LookUps::default();
    look_ups.look_ahead(&mut tx, open::requester_of(caller, &command).as_slice()).await?;
    let draft = look_ups.draft(&mut tx, desk, caller, &facts, &command).await?;
    drop(tx);
    scene.drafts.push(draft);
    let mut previews = foreseen(scene).await?;
    previews.pop().ok_or(CommandError::Busy)
}

/// What would come of each of these drafts that was submitted now, or what stands against that.
/// Nothing is changed.
///
/// # Errors
/// Trouble of the desk, which is not one draft's own; [`CommandError::Busy`] where too many
/// previews ask policies. A draft of which a stalling policy kept others from being asked has that
/// error for itself.
pub async fn of_drafts(
    desk: &Desk,
    caller: &Caller,
    drafts: &[TicketRef],
) -> Result<Vec<Result<RequestPreview, CommandError>>, CommandError> {
    let (mut tx, facts) = Facts::open(desk, caller).await?;
    let (mut submitted, mut told) = (Vec::new(), Vec::with_capacity(drafts.len()));
    for named in drafts {
        match stored(&mut tx, desk, caller, &facts, named).await {
            Ok(draft) => {
                submitted.push(draft);
                told.push(None);
            }
            Err(error) => told.push(Some(error)),
        }
    }
    drop(tx);
    let mut foreseen = Vec::new();
    if !submitted.is_empty() {
        foreseen = decide::foresee_submission(desk, caller, submitted).await?;
    }
    let names = names_of(desk, caller, foreseen.iter().flatten()).await?;
    let mut foreseen = foreseen.into_iter();
    let one = |refused: Option<CommandError>| match refused {
        Some(error) => Err(error),
        None => foreseen.next().ok_or(CommandError::Busy)??.shown(desk, caller, &names),
    };
    Ok(told.into_iter().map(one).collect())
}

/// A draft that may be submitted.
async fn stored(
    tx: &mut ReadTx,
    desk: &Desk,
    caller: &Caller,
    facts: &Facts,
    named: &TicketRef,
) -> Result<TicketDraft, CommandError> {
    let seen = read::seen(tx, caller, named).await?;
    permission::allows(caller.role, seen.relation, Action::Submit, &seen.ticket)?;
    seen.ticket.admit(Action::Submit)?;
    let mut facts = facts.clone();
    facts.around(tx, &seen.ticket).await?;
    seen.ticket.check_submission(facts.item.as_ref())?;
    let occasion = Action::Submit.as_str();
    Ok(TicketDraft::of_stored(desk, facts, seen.ticket, occasion, caller))
}

/// What would be decided on new requests.
pub(crate) async fn foreseen(mut scene: Scene<'_>) -> Result<Vec<RequestPreview>, CommandError> {
    decide::foresee(scene.desk, scene.caller, &mut scene.drafts).await?;
    let Scene { desk, caller, drafts, .. } = scene;
    let names = names_of(desk, caller, drafts.iter()).await?;
    drafts.iter().map(|draft| draft.shown(desk, caller, &names)).collect()
}

/// The names of all who would be asked.
async fn names_of<'a>(
    desk: &Desk,
    caller: &Caller,
    drafts: impl Iterator<Item = &'a TicketDraft>,
) -> Result<BTreeMap<PersonId, String>, CommandError> {
    let rounds: Vec<Approval> =
        drafts.filter_map(|draft| draft.write.new_approval.clone()).collect();
    if rounds.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut tx = desk.store.read(caller.org).await?;
    names::of_voters(&mut tx, &rounds).await
}

impl TicketDraft {
    fn shown(
        &self,
        desk: &Desk,
        caller: &Caller,
        names: &BTreeMap<PersonId, String>,
    ) -> Result<RequestPreview, CommandError> {
        let ticket = &self.write.ticket;
        let rejection = match &ticket.stage {
            Stage::Rejected(rejection) => Some(rejection.reason.clone()),
            Stage::Open(_)
            | Stage::OnHold(_)
            | Stage::Done(..)
            | Stage::Closed(..)
            | Stage::Cancelled(_) => None,
        };
        let request = ticket.request();
        // What is rejected neither costs anything nor comes.
        let request_goes_on = request.filter(|_| rejection.is_none());
        let manager = self.facts().manager.as_ref().map(|manager| manager.id);
        let stages = self.write.new_approval.iter().flat_map(|round| &round.stages);
        let stages = stages.map(|stage| StagePreview {
            rule: stage.rule,
            steps: stage.steps.iter().map(|step| step_shown(step, names, manager)).collect(),
        });
        let item = self.item().filter(|_| request.is_some_and(|request| request.item.is_some()));
        Ok(RequestPreview {
            kind: ticket.kind(),
            state: ticket.state(),
            rejection,
            item: item.map(|item| Named { key: item.key.to_string(), name: item.name }),
            quantity: request.map_or(1, |request| request.quantity),
            stages: stages.collect(),
            tasks: if request_goes_on.is_some() {
                self.tasks_shown(desk, caller)?
            } else {
                Vec::new()
            },
            cost: request_goes_on.and_then(|request| request.cost.clone()),
            expected_at: request_goes_on.and_then(|request| request.expected_at),
            policy_failures: self.failures_so_far(),
            internals: permission::sees_internals(caller.role).then(|| self.internals()),
        })
    }

    /// The tasks that its item plans, as they would be made.
    fn tasks_shown(&self, desk: &Desk, caller: &Caller) -> Result<Vec<TaskPreview>, CommandError> {
        let plan = self.item().map(|item| item.tasks).unwrap_or_default();
        let (ticket, settings) = (&self.write.ticket, self.settings());
        let mut next_id = || TicketId(desk.id(caller));
        let tasks = planned(&plan, ticket, self.facts(), &settings, &mut next_id, self.now())?;
        let place = |id: &TicketId| tasks.iter().position(|task| task.id == *id);
        let shown = tasks.iter().map(|one| {
            let task = one.task();
            TaskPreview {
                short_description: one.short_description.clone(),
                team: self.team_shown(one.team),
                mandatory: task.is_some_and(|task| task.mandatory),
                after: task
                    .map(|it| it.depends_on.iter().filter_map(place).collect())
                    .unwrap_or_default(),
            }
        });
        Ok(shown.collect())
    }

    fn team_shown(&self, id: TeamId) -> Named {
        let found = self.facts().team(id);
        found.map_or_else(
            || former_team(id),
            |team| Named { key: team.key.to_string(), name: team.name.clone() },
        )
    }

    fn internals(&self) -> Internals {
        let ticket = &self.write.ticket;
        Internals {
            team: self.team_shown(ticket.team),
            priority: ticket.priority.effective().0,
            reasons: self.reasons(),
        }
    }

    /// Why policies, or the host in their place, decided as they did.
    pub(super) fn reasons(&self) -> Vec<(Action, String)> {
        let reasons = self.write.events.iter().filter_map(|event| {
            let reason = event.reason.clone().filter(|reason| !reason.is_empty());
            Some((event.action, reason?))
        });
        reasons.collect()
    }
}

fn step_shown(
    step: &Step,
    names: &BTreeMap<PersonId, String>,
    manager: Option<PersonId>,
) -> StepPreview {
    // Whose vote somebody else casts is named beside that one.
    let asked = step.requests.iter().filter(|seat| seat.state != SeatState::Delegated);
    let voter = |seat: &SeatRequest| VoterPreview {
        voter: person_name(names, seat.voter),
        instead_of: (seat.voter != seat.seat).then(|| person_name(names, seat.seat)),
        mandatory: seat.mandatory,
        is_manager: manager == Some(seat.seat),
    };
    let seats = Tally::of(step).seats;
    StepPreview {
        name: step.name.clone(),
        quorum: step.quorum,
        needed: if seats == 0 { 0 } else { step.quorum.needed(seats) },
        veto: step.veto,
        due_hours: step.due_hours,
        voters: asked.map(voter).collect(),
    }
}
