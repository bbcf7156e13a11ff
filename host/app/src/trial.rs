//! Trials: asking a policy about a ticket that need not exist. Nothing is kept.
//!
//! A trial runs with the limits of production, so what it shows of fuel, time and failures is what
//! would happen.

mod question;

use std::{borrow::Cow, sync::Arc, time::Duration};

use serde_json::Value;
use waypost_domain::{
    binding::{Hook, LimitChanges},
    refusal::Faults,
    said::Said,
};
use waypost_policy::{Decision, Digest, Failure, LogLevel, Patience};
use waypost_store::{component, organization};

use crate::{
    Caller, CommandError, Desk, Missing,
    bindings::{check_data, check_limits, data_files},
    input::{Reading, checked, without_schema},
    layers::{limits_of, policy_hook},
    policies,
    preparing::{Bytes, Recipe, note_refusal, on_blocking_thread},
    tickets::reasons,
};

/// What is tried.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The policy.
    pub policy: TriedPolicy,
    /// The settings, as JSON text.
    pub settings: String,
    /// The data files: name and content.
    pub data: Vec<(String, Vec<u8>)>,
    /// Limits that differ from the installation's.
    pub limits: LimitChanges,
    /// The hook.
    pub hook: String,
    /// The ticket: a JSON object with any of the contract's fields, those of `head` and `details`
    /// side by side or apart; the rest is filled in.
    pub ticket: Value,
    /// The facts around it: a JSON object with any of the contract's fields.
    pub context: Option<Value>,
    /// What only this hook is asked: `event` of `notify`, `approval` of `stalled`.
    pub part: Option<Value>,
}

/// The policy that is tried.
#[derive(Clone)]
pub enum TriedPolicy {
    /// One that the organization may bind, by its digest.
    Uploaded(String),
    /// A component that is kept nowhere.
    Bytes(Vec<u8>),
}

/// Without the bytes.
impl std::fmt::Debug for TriedPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Uploaded(digest) => f.debug_tuple("Uploaded").field(digest).finish(),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
        }
    }
}

/// What came of a trial.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialView {
    /// The component's digest.
    pub component: String,
    /// What it calls itself, and its version.
    pub policy: (String, String),
    /// What the policy was asked, as JSON.
    pub question: Value,
    /// How it went.
    pub outcome: TrialOutcome,
    /// Its reasons.
    pub reasons: Vec<String>,
    /// The instructions used.
    pub fuel: u64,
    /// The instructions that it may use.
    pub fuel_limit: u64,
    /// How long it took, with the making of the sandbox.
    pub duration: Duration,
    /// The longest that it may take.
    pub deadline: Duration,
    /// What it wrote: level and text.
    pub log: Vec<(&'static str, String)>,
    /// Whether it wrote more than is kept.
    pub log_truncated: bool,
    /// Why each decision has to configure the policy anew, if that is so. Slower, and nothing else.
    pub not_snapshotted_because: Option<String>,
}

/// How a trial went.
#[derive(Debug, Clone, PartialEq)]
pub enum TrialOutcome {
    /// The policy answered; the answer as JSON.
    Answered(Value),
    /// The policy had no opinion, or lacked a fact.
    Declined,
    /// The policy failed.
    Failed(Failure),
}

/// Asks a policy one question. For the desk.
///
/// # Errors
/// [`CommandError::Invalid`] with every wrong field, [`CommandError::Busy`] if the organization's
/// share of the runtime is taken.
pub async fn run(desk: &Desk, caller: &Caller, trial: Trial) -> Result<TrialView, CommandError> {
    caller.must_be_desk()?;
    let mut faults = Faults::new();
    let hook = faults.parse::<Hook>("/hook", &trial.hook);
    let limits = check_limits(&mut faults, &desk.options, desk.runtime.config(), trial.limits);
    let data = check_data(&mut faults, trial.data).unwrap_or_default();
    let mut tx = desk.store.read(caller.org).await?;
    let own = organization::load(&mut tx).await?;
    drop(tx);
    let question = hook.and_then(|hook| {
        let parts = question::Parts {
            ticket: &trial.ticket,
            context: trial.context.as_ref(),
            part: trial.part.as_ref(),
        };
        question::build(&mut faults, hook, &parts, &own, caller.now)
    });
    let (component, bytes) = find_component(desk, caller, trial.policy).await?;
    // What is no JSON is refused where it is checked.
    let kept = without_schema(&trial.settings).map(Cow::into_owned);
    let settings = kept.unwrap_or(trial.settings);
    // Which settings are right may depend on the hook, so without one they are not looked at.
    let recipe = hook.map(|hook| Recipe {
        component,
        bytes,
        settings,
        data: data_files(&data),
        hooks: vec![hook],
    });
    let prepared = match recipe {
        None => None,
        Some(recipe) => match recipe.prepare(desk, caller.org, Patience::Request).await? {
            Ok(prepared) => Some(prepared),
            Err(refused) => {
                note_refusal(&mut faults, refused)?;
                None
            }
        },
    };
    if let (Some(hook), Some(prepared)) = (hook, &prepared)
        && prepared.description().needs(policy_hook(hook)).is_none()
    {
        let served = prepared.description().hooks.iter().map(|served| served.hook.as_str());
        let served = served.collect::<Vec<_>>().join(", ");
        let message =
            Said::as_is(format!("The policy does not serve `{hook}`; it serves {served}."));
        faults.wrong("/hook", "not-served", message);
    }
    let (hook, limits, question, prepared) = checked!(faults; hook, limits, question, prepared);
    let question = question.for_policy(prepared.description());

    let limits = limits_of(hook, &limits, desk.options.deadline());
    let seed = desk.id(caller).into();
    let permit = desk.runtime.admit(caller.org.0).await.map_err(|_| CommandError::Busy)?;
    let runtime = Arc::clone(&desk.runtime);
    let work = {
        let (prepared, limits) = (Arc::clone(&prepared), limits.clone());
        move || {
            let asked = question.to_json();
            let decision = runtime.decide(&prepared, question, &limits, seed);
            drop(permit);
            (asked, decision)
        }
    };
    let (question, decision) = on_blocking_thread(work).await?;
    let (outcome, reasons) = told(&decision)?;
    let description = prepared.description();
    let log = decision.log.into_iter().map(|line| (level_name(line.level), line.message));
    Ok(TrialView {
        component: prepared.component().to_string(),
        policy: (description.name.clone(), description.version.clone()),
        question: value(&question)?,
        outcome,
        reasons,
        fuel: decision.fuel,
        fuel_limit: limits.fuel,
        duration: decision.duration,
        deadline: limits.deadline,
        log: log.collect(),
        log_truncated: decision.log_truncated,
        not_snapshotted_because: prepared.not_snapshotted_because().map(str::to_owned),
    })
}

/// A policy's bytes: what the organization may bind, or what was sent with the trial.
async fn find_component(
    desk: &Desk,
    caller: &Caller,
    policy: TriedPolicy,
) -> Result<(Digest, Bytes), CommandError> {
    let text = match policy {
        TriedPolicy::Bytes(bytes) => {
            // Compiling somebody's component is an administrator's to allow, as for an upload.
            caller.must_be_admin()?;
            let bytes = Arc::<[u8]>::from(bytes);
            let inspection = policies::inspect(desk, caller, Arc::clone(&bytes)).await?;
            return Ok((inspection.digest, Bytes::Given(bytes)));
        }
        TriedPolicy::Uploaded(text) => text,
    };
    let missing = || CommandError::NotFound(Missing::Policy);
    let digest = text.parse::<Digest>().map_err(|_| missing())?;
    let mut tx = desk.store.read(caller.org).await?;
    component::find(&mut tx, &text).await?.ok_or_else(missing)?;
    Ok((digest, Bytes::Stored))
}

/// What the policy said, and why.
fn told(decision: &Decision) -> Result<(TrialOutcome, Vec<String>), CommandError> {
    Ok(match &decision.outcome {
        Ok(Ok(answer)) => {
            let bytes = answer.to_json();
            (TrialOutcome::Answered(value(&bytes)?), reasons(&bytes))
        }
        Ok(Err(decline)) => (TrialOutcome::Declined, reasons(&decline.to_json())),
        Err(failure) => (TrialOutcome::Failed(failure.clone()), Vec::new()),
    })
}

fn value(json: &[u8]) -> Result<Value, CommandError> {
    serde_json::from_slice(json).map_err(|error| CommandError::Internal(Box::new(error)))
}

/// A log level's name.
pub(crate) fn level_name(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    }
}
