//! Approving: a request is handed in, the approval policies say who must agree, and a round begins.

use waypost_domain::{
    approval::{
        Approval, Duties, NewRound, Planned, Quorum, SeatState, StagePlan, StageRule, StepPlan,
    },
    binding::Hook,
    directory::Lookup,
    event::{Actor, FieldChange},
    ids::{ApprovalId, ApprovalRequestId, PersonId, ReceiptId},
    proposal::{ApproverFacts, resolve_approvers},
    receipt::Outcome,
    request::Submission,
    said,
    ticket::{Action, Notice, State},
};
use waypost_policy::{
    Answer,
    answer::{self, ApprovalPlan, Verdict},
};
use waypost_store::{approval, person};

use super::{TicketDraft, opening, proposals, system};
use crate::{
    Caller, CommandError, Desk,
    tickets::{content::content_digest, evaluation::PolicyAnswer},
};

/// What the approval policies said about a request.
pub(super) enum PlanAnswer {
    /// A policy has an opinion.
    Opinion(Box<PolicyAnswer>, ApprovalPlan),
    /// None has one: nobody needs to be asked.
    NoOpinion,
    /// A policy failed and none after it had an opinion: nothing is approved by an accident.
    Failed,
}

/// Hands stored requests in.
pub(crate) async fn submit(
    desk: &Desk,
    caller: &Caller,
    submitted: &mut Vec<TicketDraft>,
) -> Result<(), CommandError> {
    for one in submitted.iter_mut() {
        one.write.ticket.check_submission(one.facts.item.as_ref())?;
    }
    ask_plans(desk, caller, submitted).await?;
    for one in submitted.iter_mut() {
        one.begin_approval(&caller.actor)?;
        one.tell_of_approval();
    }
    Ok(())
}

/// Asks the policies who has to agree, and finds out what has to be known of whom they name.
async fn ask_plans(
    desk: &Desk,
    caller: &Caller,
    submitted: &mut Vec<TicketDraft>,
) -> Result<(), CommandError> {
    for one in submitted.iter_mut() {
        one.submits = true;
        one.happened(Notice::StateChanged, &caller.actor, State::New);
    }
    opening::run_stage(desk, caller, submitted, TicketDraft::ask_plan).await?;
    look_up_approvers(desk, caller, submitted).await
}

/// Finds out what [`submit`] would decide on each draft, or what stands against that one.
pub(crate) async fn foresee_submission(
    desk: &Desk,
    caller: &Caller,
    mut submitted: Vec<TicketDraft>,
) -> Result<Vec<Result<TicketDraft, CommandError>>, CommandError> {
    let _receiver = opening::only_foresee(&mut submitted);
    ask_plans(desk, caller, &mut submitted).await?;
    let begun = submitted.into_iter().map(|mut one| {
        if one.is_cut_short() {
            return Err(CommandError::Busy);
        }
        one.write.ticket.check_submission(one.facts.item.as_ref())?;
        one.begin_approval(&caller.actor)?;
        Ok(one)
    });
    Ok(begun.collect())
}

/// Finds out about the people whom plans name by id, who stands in for whom, and which rounds there
/// were before.
pub(super) async fn look_up_approvers(
    desk: &Desk,
    caller: &Caller,
    items: &mut [TicketDraft],
) -> Result<(), CommandError> {
    // Also where no policy had a turn: the fallback approver may be away, too.
    let Some(mut facts) = items.iter().find(|one| one.is_handed_in()).map(|one| one.facts.clone())
    else {
        return Ok(());
    };
    let mut tx = desk.store.read(caller.org).await?;
    facts.add_delegations(&mut tx, caller.now).await?;
    for one in items.iter_mut().filter(|one| one.is_handed_in()) {
        one.facts.delegations = facts.delegations.clone();
        let named: Vec<PersonId> = one.people_named();
        let named = person::find_many(&mut tx, &named).await?;
        let managers: Vec<PersonId> = named.iter().filter_map(|person| person.manager).collect();
        let managers = person::find_many(&mut tx, &managers).await?;
        one.voters.managers.extend(named.iter().filter_map(|one| Some((one.id, one.manager?))));
        one.voters
            .people
            .extend(named.iter().chain(&managers).map(|one| (one.id, facts.can_vote(one))));
        if !one.write.is_new {
            let rounds = approval::of(&mut tx, one.write.ticket.id.into()).await?;
            one.voters.last_round = rounds.iter().map(|round| round.round).max().unwrap_or(0);
        }
    }
    Ok(())
}

/// The people whose votes are awaited by these requests of a round.
pub(crate) fn voters(round: &Approval, opened: &[ApprovalRequestId]) -> Vec<PersonId> {
    let mut voters: Vec<PersonId> = round
        .requests()
        .filter(|request| opened.contains(&request.id))
        .map(|request| request.voter)
        .collect();
    voters.sort_unstable();
    voters.dedup();
    voters
}

/// The requests whose votes are awaited.
fn open_requests(round: &Approval) -> Vec<ApprovalRequestId> {
    let open = round.requests().filter(|request| request.state == SeatState::Requested);
    open.map(|request| request.id).collect()
}

impl TicketDraft {
    pub(super) fn ask_plan(&mut self) {
        let mut failed = false;
        let mut opinion = None;
        for said in self.ask(Hook::Plan, None, |_, _| true) {
            failed |= said.failed;
            if let Some(Answer::Plan(plan)) = said.answer.clone() {
                opinion = Some((said, plan));
            }
        }
        self.asking.plan = Some(match opinion {
            Some((said, plan)) => PlanAnswer::Opinion(Box::new(said), plan),
            None if failed => PlanAnswer::Failed,
            None => PlanAnswer::NoOpinion,
        });
    }

    fn people_named(&self) -> Vec<PersonId> {
        match &self.asking.plan {
            Some(PlanAnswer::Opinion(_, plan)) => match &plan.verdict {
                Verdict::Ask(stages) => proposals::people_named(stages),
                Verdict::Approve | Verdict::Refuse(_) => Vec::new(),
            },
            Some(PlanAnswer::NoOpinion | PlanAnswer::Failed) | None => Vec::new(),
        }
    }

    /// Whether it is a request that the command hands in.
    fn is_handed_in(&self) -> bool {
        self.submits && self.write.ticket.request().is_some()
    }

    /// Hands the request in, as its plan says. Who hands it in and which policy said what comes of
    /// it are events of their own, so that an auditor can tell the two apart.
    pub(super) fn begin_approval(&mut self, by: &Actor) -> Result<(), CommandError> {
        if !self.is_handed_in() {
            return Ok(());
        }
        let (submission, opinion) = match self.asking.plan.take() {
            Some(PlanAnswer::Opinion(said, plan)) => {
                (self.follow_plan(&said, &plan), Some((said, plan)))
            }
            Some(PlanAnswer::NoOpinion) => (Submission::Approved, None),
            // No turn came in time: as if the policy had failed.
            Some(PlanAnswer::Failed) | None => (self.ask_fallback_approver(None), None),
        };
        let (item, settings) = (self.item(), self.settings());
        let changes = self.write.ticket.submit(item.as_ref(), submission, &settings, self.now)?;
        if let Some((said, plan)) = opinion {
            self.note_opinion(by, &said, plan, changes);
        } else {
            self.did(Action::Submit, by, changes);
            self.note_round();
        }
        if let Some(mut round) = self.write.new_approval.take() {
            let opened = open_requests(&round);
            self.stand_in(&mut round, &opened);
            self.write.new_approval = Some(round);
        }
        Ok(())
    }

    /// Notes who handed the request in, and what the policy made of it.
    fn note_opinion(
        &mut self,
        by: &Actor,
        said: &PolicyAnswer,
        plan: ApprovalPlan,
        changes: Vec<FieldChange>,
    ) {
        match plan.verdict {
            Verdict::Approve => {
                self.did(Action::Submit, by, Vec::new());
                self.policy_did(Action::Approve, said, changes, &plan.reasons);
            }
            Verdict::Refuse(reason) => {
                self.did(Action::Submit, by, Vec::new());
                self.policy_did(Action::Reject, said, changes, &[reason]);
            }
            Verdict::Ask(_) => {
                self.did(Action::Submit, by, changes);
                if self.asking.follows_plan {
                    let begun = self.write.new_approval.as_ref().map(Approval::first_changes);
                    let begun = begun.unwrap_or_default();
                    self.policy_did(Action::RequestApproval, said, begun, &plan.reasons);
                } else {
                    self.note_round();
                }
            }
        }
    }

    /// Notes a round that no policy planned.
    fn note_round(&mut self) {
        if let Some(round) = &self.write.new_approval {
            let reason = said!("no approval plan was applicable; the fallback approver decides");
            let begun = round.first_changes();
            self.did_because(Action::RequestApproval, &system(), begun, Some(reason.into()));
        }
    }

    fn follow_plan(&mut self, said: &PolicyAnswer, plan: &ApprovalPlan) -> Submission {
        match &plan.verdict {
            Verdict::Approve => Submission::Approved,
            Verdict::Refuse(reason) => Submission::Refused { reason: reason.clone() },
            Verdict::Ask(stages) => {
                let receipt = self
                    .asking
                    .evaluation
                    .as_ref()
                    .map(|evaluation| evaluation.receipt_id(said.receipt));
                let (stages, mut notes) = self.resolved(said, stages);
                match self.begin_round(stages, receipt) {
                    Ok(changed) => notes.extend(changed),
                    Err(fault) => {
                        notes.push(fault);
                        self.overrule(said, notes);
                        return self.ask_fallback_approver(receipt);
                    }
                }
                if !notes.is_empty() {
                    self.overrule(said, notes);
                }
                self.asking.follows_plan = true;
                Submission::Asks
            }
        }
    }

    /// A plan that failed or makes no sense is never taken for a yes: the fallback approver
    /// decides. Without one the request waits, visibly, until an approver is named.
    fn ask_fallback_approver(&mut self, receipt: Option<ReceiptId>) -> Submission {
        let voters = self.facts.fallback_approver().into_iter().collect();
        let step = StepPlan {
            name: said!("fallback approval").into(),
            quorum: Quorum::Any,
            veto: false,
            due_hours: None,
            voters,
            mandatory: Vec::new(),
        };
        let stage = StagePlan { rule: StageRule::All, steps: vec![step] };
        // One named step is within every bound of a plan.
        let begun = self.begin_round(vec![stage], receipt);
        debug_assert!(begun.is_ok(), "the fallback plan is always valid");
        Submission::Asks
    }

    fn resolved(
        &self,
        said: &PolicyAnswer,
        stages: &[answer::Stage],
    ) -> (Vec<StagePlan>, Vec<String>) {
        let mut notes = Vec::new();
        let can_vote = |id: PersonId| self.voters.people.get(&id).copied().unwrap_or(false);
        let name = self.name_of(said);
        let manager_of = |id: PersonId| self.voters.managers.get(&id).copied();
        let facts = ApproverFacts {
            proposer: self.proposer(&name, said),
            manager: self.facts.manager.as_ref().map(|manager| manager.id),
            manager_of: &manager_of,
            can_vote: &can_vote,
        };
        let stages = stages
            .iter()
            .map(|stage| StagePlan {
                rule: proposals::stage_rule(stage.rule),
                steps: stage
                    .steps
                    .iter()
                    .map(|step| {
                        let mut people = |named: &[answer::Approver]| {
                            let (approvers, senseless) = proposals::approvers(named);
                            let ticket = &self.write.ticket;
                            let resolved = resolve_approvers(&approvers, ticket, &facts);
                            notes.extend(senseless);
                            notes.extend(resolved.notes);
                            resolved.voters
                        };
                        let voters = people(&step.approvers);
                        let mandatory = step.mandatory.iter();
                        let mandatory =
                            mandatory.map(|one| people(std::slice::from_ref(one))).collect();
                        StepPlan {
                            name: step.name.clone(),
                            quorum: proposals::quorum(step.quorum),
                            veto: step.veto,
                            due_hours: step.due_hours,
                            voters,
                            mandatory,
                        }
                    })
                    .collect(),
            })
            .collect();
        (stages, notes)
    }

    /// Begins a round. Returns where the plan was changed, or why it can't be carried out.
    fn begin_round(
        &mut self,
        stages: Vec<StagePlan>,
        receipt: Option<ReceiptId>,
    ) -> Result<Vec<String>, String> {
        let (entropy, now) = (self.desk.entropy.clone(), self.now);
        let ticket = &self.write.ticket;
        let new = NewRound {
            id: ApprovalId(entropy.id(now)),
            org: ticket.org,
            subject: ticket.id.into(),
            round: self.voters.last_round + 1,
            content_digest: content_digest(ticket),
            receipt,
            duties: Duties::about(ticket),
            fallback_approver: self.facts.fallback_approver(),
        };
        let mut next_id = || ApprovalRequestId(entropy.id(now));
        let Planned { approval, notes, .. } =
            Approval::plan(new, stages, &mut next_id, now).map_err(|fault| fault.to_string())?;
        self.write.new_approval = Some(approval);
        Ok(notes)
    }

    /// Asks the owner of the service whether a risk may be accepted. Without one, the fallback
    /// approver decides.
    pub(crate) fn ask_for_risk(&mut self) {
        let can_vote = |id: &PersonId| self.voters.people.get(id).copied().unwrap_or(false);
        let service = self.write.ticket.service.and_then(|id| Lookup::service(&self.facts, id));
        let owner = service.and_then(|service| service.owner).filter(can_vote);
        let step = StepPlan {
            name: said!("risk acceptance").into(),
            quorum: Quorum::Any,
            veto: false,
            due_hours: None,
            voters: owner.into_iter().collect(),
            mandatory: Vec::new(),
        };
        let stage = StagePlan { rule: StageRule::All, steps: vec![step] };
        let begun = self.begin_round(vec![stage], None);
        debug_assert!(begun.is_ok(), "one named step is within every bound of a plan");
        let changes = self.write.new_approval.as_ref().map(Approval::first_changes);
        self.changed_too(changes.unwrap_or_default());
        if let Some(mut round) = self.write.new_approval.take() {
            let opened = open_requests(&round);
            self.stand_in(&mut round, &opened);
            self.write.new_approval = Some(round);
        }
        self.tell_of_approval();
    }

    fn overrule(&mut self, said: &PolicyAnswer, notes: Vec<String>) {
        if let Some(evaluation) = &mut self.asking.evaluation {
            evaluation.set_outcome(said.receipt, Outcome::Overruled(notes));
        }
    }

    /// Lets those who are asked for their vote hear of it.
    pub(super) fn tell_of_approval(&mut self) {
        let Some(round) = &self.write.new_approval else { return };
        let asked = voters(round, &open_requests(round));
        let was = self.write.ticket.state();
        if !asked.is_empty() {
            self.happened(Notice::ApprovalRequested, &system(), was).approvers = asked;
        }
    }
}
