//! An evaluation: the hooks asked for one event of one ticket, over one snapshot.
//!
//! An evaluation asks and records; it judges nothing. What the answers change is decided by the
//! domain, in the use case that began the evaluation, which then says of each receipt what became
//! of it.

mod delta;
mod kept;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::Error as _};
use thiserror::Error;
use waypost_domain::{
    binding::Hook,
    ids::{BindingId, EvaluationId, OrgId, ReceiptId, TicketId},
    receipt::{Evaluation as EvaluationRecord, Outcome, Receipt},
    resolution::Asking,
    said,
    said::Said,
};
use waypost_policy::{
    Answer, BreakerOpen, Decision, ENGINE_VERSION, Failure, Need, PolicyRuntime, Question, Seed,
    WIT_VERSION,
    form::{self, FormError},
    question,
};
use waypost_store::{
    StoreError,
    evaluation::{self, PackedEvaluation},
    snapshot_part::{self, PackedPart},
};

use super::{
    decide::Foresight,
    snapshot::{self, SharedFacts, Snapshot},
};
use crate::{
    Desk,
    layers::{Asked, Layers},
};

pub(crate) use self::kept::reasons;
use self::{
    delta::{TicketDelta, To, there},
    kept::log_json,
};

/// An evaluation that is under way.
pub(crate) struct Evaluation {
    runtime: Arc<PolicyRuntime>,
    layers: Arc<Layers>,
    shared: Arc<SharedFacts>,
    snapshot: Snapshot,
    record: EvaluationRecord,
    receipts: Vec<Receipt>,
    policy_failures: Vec<String>,
    tripped: Vec<Tripped>,
    pauses: Vec<PauseChange>,
    /// Where nothing of it is kept: whether more may be asked.
    foresight: Option<Foresight>,
    /// Whether a policy was not asked because the preview was over.
    is_cut_short: bool,
}

/// A pause that began, was prolonged or ended in this evaluation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PauseChange {
    /// The layer whose binding it is.
    pub(crate) layer: OrgId,
    /// The binding.
    pub(crate) binding: BindingId,
    /// The revision's number.
    pub(crate) revision: i64,
    /// The hook.
    pub(crate) hook: Hook,
    /// The pause; none when it ended.
    pub(crate) pause: Option<BreakerOpen>,
}

/// A circuit breaker that opened in this evaluation. Its administrators are told once.
#[derive(Debug, Clone)]
pub(crate) struct Tripped {
    /// The layer whose binding it is.
    pub(crate) layer: OrgId,
    /// The binding's name.
    pub(crate) binding: String,
    /// The hook.
    pub(crate) hook: Hook,
    /// The last failure.
    pub(crate) failure: String,
    /// When it is tried again.
    pub(crate) until: DateTime<Utc>,
}

/// What one policy said.
pub(crate) struct PolicyAnswer {
    /// Where its receipt is in the evaluation.
    pub(crate) receipt: usize,
    /// The binding that was asked.
    pub(crate) asked: Arc<Asked>,
    /// Its answer; none when it declined or failed.
    pub(crate) answer: Option<Answer>,
    /// Whether it failed.
    pub(crate) failed: bool,
}

/// What came of a finished evaluation.
pub(crate) struct Finished {
    /// The evaluation, with its snapshot and one receipt for each policy that was asked, in the
    /// order of asking; none when no policy was.
    pub(crate) record: Option<PackedEvaluation>,
    /// The part of the snapshot that others will have too, if it is not stored yet.
    pub(crate) part: Option<PackedPart>,
    /// `hook: failure` of the policies that failed, for the ticket's mark.
    pub(crate) policy_failures: Vec<String>,
    /// The breakers that opened.
    pub(crate) tripped: Vec<Tripped>,
    /// What others must know of breakers.
    pub(crate) pauses: Vec<PauseChange>,
}

/// What a question has beside the snapshot. Its JSON is what a receipt keeps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct QuestionDelta {
    /// The facts that the policy declared.
    needs: Vec<Need>,
    /// The key of the organization whose binding asked.
    layer: String,
    /// What earlier hooks of the evaluation changed on the ticket.
    #[serde(skip_serializing_if = "TicketDelta::is_empty")]
    ticket: TicketDelta,
    /// The service, where it is not the snapshot's.
    #[serde(deserialize_with = "there", skip_serializing_if = "Option::is_none")]
    service: Option<To<Option<question::Service>>>,
    /// The configuration item, where it is not the snapshot's.
    #[serde(deserialize_with = "there", skip_serializing_if = "Option::is_none")]
    ci: Option<To<Option<question::Ci>>>,
    /// The hook's own part of the question.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<Part>,
}

/// The part of a question that only one hook has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    /// Of `notify`.
    Event(question::Event),
    /// Of `stalled`.
    Approval(question::WaitingApproval),
}

/// A kept question that cannot be read.
#[derive(Debug, Error)]
#[error("the {part} of the recorded decision cannot be read")]
pub(crate) struct Unreadable {
    part: &'static str,
    #[source]
    source: FormError,
}

/// Rebuilds the exact question of a receipt.
pub(crate) fn question_of(
    evaluation: &EvaluationRecord,
    receipt: &Receipt,
) -> Result<Question, Unreadable> {
    let unreadable = |source| Unreadable { part: "snapshot", source };
    let Snapshot { mut ticket, mut context, teams_now } =
        form::from_json(&evaluation.snapshot).map_err(unreadable)?;
    if let Some(part) = &evaluation.part {
        snapshot::put_back(part, &teams_now, &mut context).map_err(unreadable)?;
    }
    let delta: QuestionDelta = form::from_json(&receipt.question)
        .map_err(|source| Unreadable { part: "question", source })?;
    delta.ticket.apply(&mut ticket);
    if let Some(To(service)) = delta.service {
        context.service = service;
    }
    if let Some(To(ci)) = delta.ci {
        context.ci = ci;
    }
    let context = snapshot::only(&context, &delta.layer, &delta.needs);
    question(receipt.hook, ticket, context, delta.part).ok_or_else(|| Unreadable {
        part: "question",
        source: serde_json::Error::custom("the hook's own part is missing").into(),
    })
}

fn question(
    hook: Hook,
    ticket: question::Ticket,
    context: question::Context,
    part: Option<Part>,
) -> Option<Question> {
    Some(match (hook, part) {
        (Hook::Categorize, _) => Question::Categorize { ticket, context },
        (Hook::Route, _) => Question::Route { ticket, context },
        (Hook::Plan, _) => Question::Plan { ticket, context },
        (Hook::Notify, Some(Part::Event(event))) => Question::Notify { event, ticket, context },
        (Hook::Stalled, Some(Part::Approval(approval))) => {
            Question::Stalled { ticket, approval, context }
        }
        (Hook::Notify | Hook::Stalled, _) => return None,
    })
}

impl Evaluation {
    /// Begins an evaluation: takes the snapshot that all its questions share.
    pub(crate) fn begin(
        desk: &Desk,
        layers: Arc<Layers>,
        shared: Arc<SharedFacts>,
        snapshot: Snapshot,
        (org, ticket): (OrgId, TicketId),
        occasion: &str,
        now: DateTime<Utc>,
    ) -> Self {
        let record = EvaluationRecord {
            id: EvaluationId::of_new(desk.entropy.id(now)),
            org,
            subject: ticket.into(),
            occasion: occasion.to_owned(),
            snapshot: form::to_json(&shared.taken_from(&snapshot)),
            part: shared.part.clone(),
            at: now,
        };
        Self {
            runtime: Arc::clone(&desk.runtime),
            layers,
            shared,
            snapshot,
            record,
            receipts: Vec::new(),
            policy_failures: Vec::new(),
            tripped: Vec::new(),
            pauses: Vec::new(),
            foresight: None,
            is_cut_short: false,
        }
    }

    /// The evaluation of a preview: what fails in it is kept nowhere, so it neither opens a breaker
    /// nor is it the trial of an open one.
    pub(crate) fn for_preview(self, foresight: Foresight) -> Self {
        Self { foresight: Some(foresight), ..self }
    }

    /// Whether a policy was not asked because the preview was over.
    pub(crate) fn is_cut_short(&self) -> bool {
        self.is_cut_short
    }

    /// Asks the policies bound to a hook, in their order, until one answers so that `enough` holds.
    /// `otherwise` says what stands if none of them decides.
    ///
    /// Computes on the calling thread: up to the deadline for each policy that stalls.
    pub(crate) fn ask(
        &mut self,
        hook: Hook,
        ticket: &question::Ticket,
        context: &question::Context,
        part: Option<&Part>,
        enough: impl Fn(&Asked, &Answer) -> bool,
        otherwise: &Said,
    ) -> Vec<PolicyAnswer> {
        let layers = Arc::clone(&self.layers);
        let mut said = Vec::new();
        for asked in layers.of(hook) {
            let one = self.ask_one(asked, hook, ticket, context, part);
            let has_own_fallback = one.failed && asked.revision.fallback_team_at(hook).is_some();
            let is_enough =
                has_own_fallback || one.answer.as_ref().is_some_and(|answer| enough(asked, answer));
            said.push(one);
            if is_enough {
                break;
            }
        }
        self.name_fallbacks(hook, &said, otherwise);
        said
    }

    /// Says of each policy that failed what came instead. That shows only after all were asked.
    fn name_fallbacks(&mut self, hook: Hook, said: &[PolicyAnswer], otherwise: &Said) {
        for (place, one) in said.iter().enumerate().filter(|(_, one)| one.failed) {
            let instead = if one.asked.revision.fallback_team_at(hook).is_some() {
                said!("the binding's fallback team")
            } else {
                match (hook.asking(), said.get(place + 1)) {
                    (Asking::EachField | Asking::All, _) if said.len() > 1 => {
                        said!("the other policies in the order")
                    }
                    (Asking::FirstOpinion, Some(PolicyAnswer { asked, .. })) => said!(
                        "{binding} of {layer} was asked next",
                        binding = asked.binding.name,
                        layer = asked.layer
                    ),
                    (Asking::EachField | Asking::All | Asking::FirstOpinion, _) => {
                        otherwise.clone()
                    }
                }
            };
            self.set_fallback(one.receipt, instead.into());
        }
    }

    /// Says of a policy that failed what came instead.
    pub(crate) fn set_fallback(&mut self, receipt: usize, instead: String) {
        let outcome = self.receipts.get_mut(receipt).map(|receipt| &mut receipt.outcome);
        if let Some(Outcome::Failed { fallback, .. }) = outcome {
            *fallback = instead;
        }
    }

    fn ask_one(
        &mut self,
        asked: &Arc<Asked>,
        hook: Hook,
        ticket: &question::Ticket,
        context: &question::Context,
        part: Option<&Part>,
    ) -> PolicyAnswer {
        let seq = i64::try_from(self.receipts.len()).unwrap_or(i64::MAX).saturating_add(1);
        let id = ReceiptId::of(self.record.id, seq);
        let needs = asked.needs(hook).to_vec();
        let paused = self.runtime.breaker(asked.breaker_key(hook)).open();
        let decision = self.decide(asked, hook, ticket, context, part, Seed::from(id.0));
        let delta = QuestionDelta {
            needs,
            layer: asked.layer.clone(),
            ticket: TicketDelta::between(&self.snapshot.ticket, ticket),
            service: (self.snapshot.context.service != context.service)
                .then(|| To(context.service.clone())),
            ci: (self.snapshot.context.ci != context.ci).then(|| To(context.ci.clone())),
            part: part.cloned(),
        };
        let (answer, answer_json, outcome) = self.weigh(asked, hook, &decision);
        let pause = self.runtime.breaker(asked.breaker_key(hook)).open();
        if pause != paused {
            self.pauses.push(PauseChange {
                layer: asked.binding.org,
                binding: asked.binding.id,
                revision: asked.revision.number,
                hook,
                pause,
            });
        }
        let failed = matches!(outcome, Outcome::Failed { .. });
        self.receipts.push(Receipt {
            id,
            org: self.record.org,
            subject: self.record.subject,
            evaluation: self.record.id,
            seq,
            hook,
            layer: asked.binding.org,
            binding: asked.binding.id,
            revision: asked.revision.number,
            component: asked.revision.component.clone(),
            settings_digest: asked.revision.settings_digest.clone(),
            data_digest: asked.revision.data_digest.clone(),
            wit_version: WIT_VERSION.to_owned(),
            engine_version: ENGINE_VERSION.to_owned(),
            question: form::to_json(&delta),
            answer: answer_json,
            log: log_json(&decision.log, decision.log_truncated),
            fuel: decision.fuel,
            duration_us: u64::try_from(decision.duration.as_micros()).unwrap_or(u64::MAX),
            outcome,
            at: self.record.at,
        });
        PolicyAnswer { receipt: self.receipts.len() - 1, asked: Arc::clone(asked), answer, failed }
    }

    fn decide(
        &mut self,
        asked: &Asked,
        hook: Hook,
        ticket: &question::Ticket,
        context: &question::Context,
        part: Option<&Part>,
        seed: Seed,
    ) -> Decision {
        let prepared = match &asked.prepared {
            Ok(prepared) => prepared,
            Err(message) => return not_asked(Failure::Unavailable { message: message.clone() }),
        };
        if self.foresight.as_ref().is_some_and(Foresight::is_over) {
            self.is_cut_short = true;
            return not_asked(Failure::Busy);
        }
        let breaker = self.runtime.breaker(asked.breaker_key(hook));
        let is_paused = if self.foresight.is_some() {
            breaker.open().is_some_and(|open| self.record.at < open.until)
        } else {
            breaker.check(self.record.at).is_err()
        };
        if is_paused {
            return not_asked(Failure::BreakerOpen);
        }
        let teams_now = &self.snapshot.teams_now;
        let context = self.shared.only(context, teams_now, &asked.layer, asked.needs(hook));
        let Some(question) = question(hook, ticket.clone(), context, part.cloned()) else {
            return not_asked(Failure::Unavailable {
                message: "the question is incomplete".to_owned(),
            });
        };
        let decision = self.runtime.decide(prepared, question, &asked.limits(hook), seed);
        let has_stalled = matches!(decision.outcome, Err(Failure::Deadline | Failure::OutOfFuel));
        if let Some(foresight) = self.foresight.as_ref().filter(|_| has_stalled) {
            foresight.end();
        }
        decision
    }

    /// What a decision comes to, before the domain judges it; failures count for the breaker.
    fn weigh(
        &mut self,
        asked: &Asked,
        hook: Hook,
        decision: &Decision,
    ) -> (Option<Answer>, Vec<u8>, Outcome) {
        let breaker = self.runtime.breaker(asked.breaker_key(hook));
        let counts = asked.prepared.is_ok() && self.foresight.is_none();
        let opened = if counts { breaker.record(decision, self.record.at) } else { None };
        let failure = match &decision.outcome {
            Ok(Ok(answer)) => {
                return (Some(answer.clone()), answer.to_json(), Outcome::Applied);
            }
            Ok(Err(decline)) => {
                return (None, decline.to_json(), Outcome::Declined);
            }
            Err(failure) => failure,
        };
        self.policy_failures.push(format!("{}: {}", hook.as_str(), failure.code()));
        if let Some(opened) = opened {
            self.tripped.push(Tripped {
                layer: asked.binding.org,
                binding: asked.binding.name.to_string(),
                hook,
                failure: failure.to_string(),
                until: opened.until,
            });
        }
        let outcome = Outcome::Failed {
            code: failure.code().to_owned(),
            message: failure.to_string(),
            // Named once it is known who else was asked.
            fallback: String::new(),
        };
        (None, Vec::new(), outcome)
    }

    /// Says what became of an answer, where it was not simply applied.
    pub(crate) fn set_outcome(&mut self, receipt: usize, outcome: Outcome) {
        if let Some(receipt) = self.receipts.get_mut(receipt) {
            receipt.outcome = outcome;
        }
    }

    /// The id of a receipt of this evaluation.
    pub(crate) fn receipt_id(&self, receipt: usize) -> ReceiptId {
        self.receipts[receipt].id
    }

    /// Marks a failure that happened outside any policy: no turn came in time.
    pub(crate) fn degrade(&mut self, mark: String) {
        self.policy_failures.push(mark);
    }

    /// `hook: failure` of the policies that were asked and failed. Not of those with an open
    /// breaker, which were not asked.
    pub(crate) fn failures(&self) -> Vec<String> {
        let failed = self.receipts.iter().filter_map(|receipt| {
            let Outcome::Failed { code, .. } = &receipt.outcome else { return None };
            let was_asked = code != Failure::BreakerOpen.code();
            was_asked.then(|| format!("{}: {code}", receipt.hook.as_str()))
        });
        failed.collect()
    }

    /// The mark that the ticket gets for what failed so far; none if nothing did.
    pub(crate) fn mark_so_far(&self) -> Option<String> {
        (!self.policy_failures.is_empty()).then(|| mark(&self.policy_failures))
    }

    /// Ends the evaluation, and packs it for the store.
    pub(crate) fn finish(self) -> Result<Finished, StoreError> {
        let was_asked = !self.receipts.is_empty();
        let new = self.record.part.as_ref().filter(|_| was_asked && !self.shared.is_kept);
        Ok(Finished {
            part: new.map(|part| snapshot_part::pack(self.record.org, part)).transpose()?,
            record: was_asked.then(|| evaluation::pack(self.record, &self.receipts)).transpose()?,
            policy_failures: self.policy_failures,
            tripped: self.tripped,
            pauses: self.pauses,
        })
    }
}

/// The mark that a ticket gets for what failed: each kind of failure once.
pub(crate) fn mark(policy_failures: &[String]) -> String {
    let mut kinds: Vec<&str> = Vec::new();
    for one in policy_failures {
        if !kinds.contains(&one.as_str()) {
            kinds.push(one);
        }
    }
    kinds.join(", ")
}

fn not_asked(failure: Failure) -> Decision {
    Decision {
        outcome: Err(failure),
        fuel: 0,
        duration: std::time::Duration::ZERO,
        log: Vec::new(),
        log_truncated: false,
    }
}
