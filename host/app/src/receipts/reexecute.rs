//! Re-execution: asking the same policy the same question again, which must give the same answer,
//! bit for bit.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use serde_json::Value;
use waypost_domain::{
    binding::Revision,
    ids::{BindingId, EvaluationId, ReceiptId},
    receipt::{Evaluation, Outcome, Receipt},
};
use waypost_policy::{Decision, ENGINE_VERSION, Failure, PolicyRuntime, Prepared, Seed};
use waypost_store::{ReadTx, binding, evaluation, receipt};

use super::{ReceiptQuery, filter, json};
use crate::{
    Caller, CommandError, Desk, Missing, differences::differences, layers, page::MAX_ROWS,
    preparing::on_blocking_thread, tickets::question_of,
};

/// More differences are not read; the answers themselves are at hand.
const TOLD: usize = 20;

/// What came of asking again.
#[derive(Debug, Clone, PartialEq)]
pub struct Reexecution {
    /// The receipt.
    pub receipt: ReceiptId,
    /// Whether it is the same.
    pub verdict: Verdict,
    /// The recorded answer or decline, as JSON; none when the policy failed then.
    pub recorded: Option<Value>,
    /// The answer or decline of now; none when the policy failed, or was not asked.
    pub answer: Option<Value>,
    /// The instructions used then.
    pub fuel_recorded: u64,
    /// The instructions used now; none when the policy was not asked.
    pub fuel: Option<u64>,
    /// How long it took now; none when the policy was not asked.
    pub duration: Option<Duration>,
}

/// Whether a re-execution gave the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The same answer to the byte, or the same failure, for the same fuel.
    Same,
    /// Something else; each difference as a line.
    Different(Vec<String>),
    /// It cannot be asked again; why.
    NotRepeatable(String),
}

/// How far a verification of many receipts has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Receipts that gave the same.
    pub same: u64,
    /// Receipts that gave something else.
    pub different: u64,
    /// Receipts that could not be asked again.
    pub not_repeatable: u64,
}

impl Progress {
    /// How many receipts were looked at.
    #[must_use]
    pub const fn done(&self) -> u64 {
        self.same + self.different + self.not_repeatable
    }
}

/// A repeated decision may wait for its turn on a busy machine; only fuel, which is the same
/// everywhere, should end it.
const MORE_TIME: u32 = 20;

/// Asks one recorded question again. For the desk.
///
/// # Errors
/// [`CommandError::NotFound`] for an unknown receipt, [`CommandError::Busy`] if the organization's
/// share of the runtime is taken.
pub async fn reexecute(
    desk: &Desk,
    caller: &Caller,
    id: ReceiptId,
) -> Result<Reexecution, CommandError> {
    caller.must_be_desk()?;
    let mut tx = desk.store.read(caller.org).await?;
    let found = receipt::find(&mut tx, id).await?;
    let (receipt, evaluation) = found.ok_or(CommandError::NotFound(Missing::Receipt))?;
    let evaluations = BTreeMap::from([(evaluation.id, evaluation)]);
    let mut policies = Policies::default();
    let mut done = batch(desk, caller, tx, vec![receipt], evaluations, &mut policies).await?;
    done.pop().ok_or(CommandError::NotFound(Missing::Receipt))
}

/// Asks every recorded question that the query matches again, the latest first, and tells each
/// result with how far it has come. Receipts that are made meanwhile are left out. For the desk.
///
/// # Errors
/// As [`super::list`], and [`CommandError::Busy`] if the organization's share of the runtime is
/// taken.
pub async fn reexecute_all(
    desk: &Desk,
    caller: &Caller,
    query: &ReceiptQuery,
    each: &mut (dyn FnMut(&Reexecution, Progress) + Send),
) -> Result<Progress, CommandError> {
    caller.must_be_desk()?;
    let mut tx = desk.store.read(caller.org).await?;
    let filter = filter(&mut tx, query).await?;
    drop(tx);
    let (mut progress, mut after) = (Progress::default(), None);
    let mut policies = Policies::default();
    loop {
        let mut tx = desk.store.read(caller.org).await?;
        let receipts = receipt::list(&mut tx, &filter, after, MAX_ROWS.into()).await?;
        let Some(last) = receipts.last() else { return Ok(progress) };
        after = Some(last.id);
        let evaluations = evaluations_of(&mut tx, &receipts).await?;
        for done in batch(desk, caller, tx, receipts, evaluations, &mut policies).await? {
            match &done.verdict {
                Verdict::Same => progress.same += 1,
                Verdict::Different(_) => progress.different += 1,
                Verdict::NotRepeatable(_) => progress.not_repeatable += 1,
            }
            each(&done, progress);
        }
    }
}

/// The policies of revisions, ready to be asked, or why one is not.
type Policies = HashMap<(BindingId, i64), Policy>;

/// A revision with its policy.
type Policy = Result<(Arc<Revision>, Arc<Prepared>), String>;

async fn evaluations_of(
    tx: &mut ReadTx,
    receipts: &[Receipt],
) -> Result<BTreeMap<EvaluationId, Evaluation>, CommandError> {
    let mut evaluations = BTreeMap::new();
    for receipt in receipts {
        if !evaluations.contains_key(&receipt.evaluation)
            && let Some(evaluation) = evaluation::find(tx, receipt.evaluation).await?
        {
            evaluations.insert(evaluation.id, evaluation);
        }
    }
    Ok(evaluations)
}

/// Asks some receipts' questions again, with no transaction open, in one turn of the organization.
async fn batch(
    desk: &Desk,
    caller: &Caller,
    mut tx: ReadTx,
    receipts: Vec<Receipt>,
    evaluations: BTreeMap<EvaluationId, Evaluation>,
    policies: &mut Policies,
) -> Result<Vec<Reexecution>, CommandError> {
    let mut unknown: Vec<((BindingId, i64), Option<Revision>)> = Vec::new();
    for receipt in &receipts {
        let at = (receipt.binding, receipt.revision);
        if !policies.contains_key(&at) && !unknown.iter().any(|(known, ..)| *known == at) {
            let revision = binding::find_revision(&mut tx, at.0, at.1).await?;
            unknown.push((at, revision));
        }
    }
    drop(tx);
    for (at, revision) in unknown {
        policies.insert(at, policy(desk, caller, revision).await?);
    }
    let asked = receipts.into_iter().map(|receipt| {
        let policy = policies[&(receipt.binding, receipt.revision)].clone();
        (receipt, policy)
    });
    let asked = asked.collect::<Vec<_>>();
    let permit = desk.runtime.admit(caller.org.0).await.map_err(|_| CommandError::Busy)?;
    let runtime = Arc::clone(&desk.runtime);
    let deadline = desk.options.deadline() * MORE_TIME;
    let work = move || {
        let ask = |(receipt, policy)| {
            ask(&runtime, &receipt, evaluations.get(&receipt.evaluation), policy, deadline)
        };
        let done = asked.into_iter().map(ask).collect::<Result<Vec<_>, CommandError>>();
        drop(permit);
        done
    };
    on_blocking_thread(work).await?
}

async fn policy(
    desk: &Desk,
    caller: &Caller,
    revision: Option<Revision>,
) -> Result<Policy, CommandError> {
    let Some(revision) = revision else {
        return Ok(Err("the revision of the binding no longer exists".to_owned()));
    };
    let prepared = layers::prepared(desk, caller.org, &revision).await?;
    Ok(prepared
        .map(|prepared| (Arc::new(revision), prepared))
        .map_err(|why| format!("the policy cannot be prepared: {why}")))
}

fn ask(
    runtime: &PolicyRuntime,
    receipt: &Receipt,
    evaluation: Option<&Evaluation>,
    policy: Policy,
    deadline: Duration,
) -> Result<Reexecution, CommandError> {
    let not_asked = |verdict| {
        Ok(Reexecution {
            receipt: receipt.id,
            verdict,
            recorded: json(&receipt.answer)?,
            answer: None,
            fuel_recorded: receipt.fuel,
            fuel: None,
            duration: None,
        })
    };
    let not_repeatable = |why| not_asked(Verdict::NotRepeatable(why));
    if let Some(why) = was_not_the_policy(&receipt.outcome) {
        return not_repeatable(why);
    }
    let (revision, prepared) = match policy {
        Ok(policy) => policy,
        Err(why) => return not_repeatable(why),
    };
    let Some(evaluation) = evaluation else {
        return not_repeatable("the snapshot no longer exists".to_owned());
    };
    let question = match question_of(evaluation, receipt) {
        Ok(question) => question,
        Err(unreadable) => return not_repeatable(unreadable.to_string()),
    };
    if question.ticket().head.id != receipt.subject.id().to_string() {
        let found = "the snapshot is of another record".to_owned();
        return not_asked(Verdict::Different(vec![found]));
    }
    if let Some(why) = other_policy(receipt, &prepared) {
        return not_repeatable(why);
    }
    let mut limits = layers::limits_of(receipt.hook, &revision.limits, deadline);
    limits.deadline = limits.deadline.max(deadline);
    let decision = runtime.decide(&prepared, question, &limits, Seed::from(receipt.id.0));
    let answer = answer_bytes(&decision);
    Ok(Reexecution {
        receipt: receipt.id,
        verdict: verdict(receipt, &decision, &answer)?,
        recorded: json(&receipt.answer)?,
        answer: json(&answer)?,
        fuel_recorded: receipt.fuel,
        fuel: Some(decision.fuel),
        duration: Some(decision.duration),
    })
}

/// Failures that say something of the moment and nothing of the policy.
fn was_not_the_policy(outcome: &Outcome) -> Option<String> {
    let Outcome::Failed { code, .. } = outcome else { return None };
    let of_the_moment = [
        Failure::Busy.code(),
        Failure::BreakerOpen.code(),
        Failure::Deadline.code(),
        Failure::Unavailable { message: String::new() }.code(),
    ];
    let why = format!("it failed with `{code}`, which depends on timing and load");
    of_the_moment.contains(&code.as_str()).then_some(why)
}

/// A policy that is not the one that decided: its digests differ.
fn other_policy(receipt: &Receipt, prepared: &Prepared) -> Option<String> {
    let digests = [
        ("component", &receipt.component, prepared.component()),
        ("settings", &receipt.settings_digest, prepared.settings_digest()),
        ("data", &receipt.data_digest, prepared.data_digest()),
    ];
    let differs = digests.into_iter().find(|(_, then, now)| **then != now.to_string());
    differs.map(|(what, then, now)| format!("the {what} changed from {then} to {now}"))
}

/// What a receipt would keep of the decision.
fn answer_bytes(decision: &Decision) -> Vec<u8> {
    match &decision.outcome {
        Ok(Ok(answer)) => answer.to_json(),
        Ok(Err(decline)) => decline.to_json(),
        Err(_) => Vec::new(),
    }
}

fn verdict(receipt: &Receipt, decision: &Decision, answer: &[u8]) -> Result<Verdict, CommandError> {
    let mut lines = Vec::new();
    let then = match &receipt.outcome {
        Outcome::Failed { code, .. } => Some(code.as_str()),
        Outcome::Applied | Outcome::Overruled(_) | Outcome::Suggested | Outcome::Declined => None,
    };
    let now = decision.outcome.as_ref().err().map(Failure::code);
    if then != now {
        let said = |code: Option<&str>| {
            code.map_or("answered".to_owned(), |code| format!("failed: {code}"))
        };
        lines.push(format!("the policy {} then, but {} now", said(then), said(now)));
    } else if receipt.answer != answer {
        let (then, now) = (json(&receipt.answer)?, json(answer)?);
        let (then, now) = (then.unwrap_or_default(), now.unwrap_or_default());
        lines = differences(&then, &now, "the answer", TOLD);
        if lines.is_empty() {
            lines.push("the answers are equivalent but encoded differently".to_owned());
        }
    }
    // Another engine may count otherwise; its answers must be the same all the same.
    if receipt.fuel != decision.fuel && receipt.engine_version == ENGINE_VERSION {
        lines.push(format!("fuel: was {}, is {}", receipt.fuel, decision.fuel));
    }
    Ok(if lines.is_empty() { Verdict::Same } else { Verdict::Different(lines) })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;
    use waypost_domain::{
        binding::Hook,
        ids::{OrgId, TicketId},
    };
    use waypost_policy::{Answer, answer::Nudge};

    use super::*;

    fn receipt(answer: &[u8], outcome: Outcome) -> Receipt {
        let id = Uuid::nil();
        Receipt {
            id: ReceiptId(id),
            org: OrgId(id),
            subject: TicketId(id).into(),
            evaluation: EvaluationId(id),
            seq: 1,
            hook: Hook::Stalled,
            layer: OrgId(id),
            binding: BindingId(id),
            revision: 1,
            component: String::new(),
            settings_digest: String::new(),
            data_digest: String::new(),
            wit_version: String::new(),
            engine_version: ENGINE_VERSION.to_owned(),
            question: Vec::new(),
            answer: answer.to_vec(),
            log: Vec::new(),
            fuel: 100,
            duration_us: 1,
            outcome,
            at: DateTime::UNIX_EPOCH,
        }
    }

    fn decision(outcome: Result<Answer, Failure>, fuel: u64) -> Decision {
        let outcome = outcome.map(Ok);
        Decision { outcome, fuel, duration: Duration::ZERO, log: vec![], log_truncated: false }
    }

    fn judged(receipt: &Receipt, decision: &Decision) -> Verdict {
        verdict(receipt, decision, &answer_bytes(decision)).unwrap()
    }

    #[test]
    fn the_same_bytes_for_the_same_fuel_are_the_same() {
        let answer = Answer::Nudge(Nudge::Remind);
        let kept = receipt(&answer.to_json(), Outcome::Applied);
        assert_eq!(judged(&kept, &decision(Ok(answer), 100)), Verdict::Same);
    }

    #[test]
    fn every_difference_is_named() {
        let kept = receipt(&Answer::Nudge(Nudge::Remind).to_json(), Outcome::Applied);
        let Verdict::Different(lines) =
            judged(&kept, &decision(Ok(Answer::Nudge(Nudge::Wait)), 99))
        else {
            panic!("it differs")
        };
        assert_eq!(lines, ["/nudge: was \"remind\", is \"wait\"", "fuel: was 100, is 99"]);

        let Verdict::Different(lines) = judged(&kept, &decision(Err(Failure::OutOfFuel), 100))
        else {
            panic!("it differs")
        };
        assert_eq!(lines, ["the policy answered then, but failed: out_of_fuel now"]);
    }

    #[test]
    fn the_same_failure_is_the_same() {
        let failure = Failure::OutOfFuel;
        let outcome = Outcome::Failed {
            code: failure.code().to_owned(),
            message: failure.to_string(),
            fallback: "next".to_owned(),
        };
        let kept = receipt(&[], outcome);
        assert_eq!(judged(&kept, &decision(Err(failure), 100)), Verdict::Same);
    }

    #[test]
    fn what_depended_on_the_moment_is_not_repeated() {
        let failed = |code: &str| Outcome::Failed {
            code: code.to_owned(),
            message: String::new(),
            fallback: String::new(),
        };
        assert!(was_not_the_policy(&failed("deadline")).is_some());
        assert!(was_not_the_policy(&failed("busy")).is_some());
        assert!(was_not_the_policy(&failed("trap")).is_none());
        assert!(was_not_the_policy(&Outcome::Applied).is_none());
    }
}
