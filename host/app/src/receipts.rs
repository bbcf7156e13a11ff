//! Receipts: what policies were asked, what they answered, what became of it, and asking them
//! again.

mod reexecute;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use waypost_domain::{
    binding::Hook,
    ids::{BindingId, EvaluationId, OrgId, ReceiptId},
    key::Key,
    receipt::{Outcome, Receipt},
    refusal::Faults,
    said::Said,
    subject::Subject,
};
use waypost_policy::LogLine;
use waypost_store::{
    ReadTx, binding, organization,
    receipt::{self, OutcomeKind, ReceiptFilter},
    ticket,
};

use crate::{
    Caller, CommandError, Desk, InvalidCursor, Missing, Page, PageRequest,
    bindings::PolicyName,
    input::Reading,
    page::ListTag,
    tickets::{TicketRef, question_of, reasons},
    trial::level_name,
};

pub use reexecute::{Progress, Reexecution, Verdict, reexecute, reexecute_all};

/// Which receipts are asked for. Every part that is set must match.
#[derive(Debug, Clone, Default)]
pub struct ReceiptQuery {
    /// About this ticket.
    pub ticket: Option<TicketRef>,
    /// Of this hook: `categorize`, `route`, ...
    pub hook: Option<String>,
    /// Of this binding.
    pub binding: Option<BindingId>,
    /// With this outcome: `applied`, `overruled`, `suggested`, `declined` or `failed`.
    pub outcome: Option<String>,
}

/// A recorded decision.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceiptView {
    /// Its id.
    pub id: ReceiptId,
    /// The record.
    pub subject: Subject,
    /// The evaluation.
    pub evaluation: EvaluationId,
    /// 1, 2, 3, … in the evaluation.
    pub seq: i64,
    /// The hook.
    pub hook: Hook,
    /// The key of the layer whose binding it was.
    pub layer: Option<Key>,
    /// The binding.
    pub binding: BindingId,
    /// The binding's name, where the organization may know it.
    pub binding_name: Option<String>,
    /// The binding's revision.
    pub revision: i64,
    /// The component's digest.
    pub component: String,
    /// The component's name and version, where the organization may see it.
    pub policy: Option<PolicyName>,
    /// The digest of the settings.
    pub settings_digest: String,
    /// The digest of the data files.
    pub data_digest: String,
    /// The contract's version.
    pub wit_version: String,
    /// The engine.
    pub engine_version: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The policy's reasons.
    pub reasons: Vec<String>,
    /// The instructions used.
    pub fuel: u64,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// When.
    pub at: DateTime<Utc>,
}

/// A recorded decision with the question and the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceiptDetail {
    /// The receipt.
    pub view: ReceiptView,
    /// The event that asked: `create`, `submit`, ...
    pub occasion: String,
    /// What the policy was asked, as JSON; none where the contract has changed too much since to
    /// read it.
    pub question: Option<Value>,
    /// What it answered, or why it declined, as JSON; none when it failed.
    pub answer: Option<Value>,
    /// What it wrote: level and text.
    pub log: Vec<(&'static str, String)>,
    /// Whether it wrote more than was kept.
    pub log_truncated: bool,
}

/// Lists receipts, the latest first. For the desk.
///
/// # Errors
/// [`CommandError::Invalid`] for an unknown hook or outcome, [`CommandError::NotFound`] for an
/// unknown ticket, [`CommandError::Cursor`] for a cursor of another list.
pub async fn list(
    desk: &Desk,
    caller: &Caller,
    query: &ReceiptQuery,
    request: &PageRequest,
) -> Result<Page<ReceiptView>, CommandError> {
    caller.must_be_desk()?;
    let tag = ListTag::of(caller, "receipts", query);
    let after = tag.place(request.after.as_ref())?;
    let after = after.map(|id| id.parse::<ReceiptId>().map_err(|_| InvalidCursor)).transpose()?;
    let mut tx = desk.store.read(caller.org).await?;
    let filter = filter(&mut tx, query).await?;
    let rows = receipt::list(&mut tx, &filter, after, request.rows_to_read()).await?;
    let page = Page::cut(rows, request, tag, |receipt| receipt.id.to_string());
    let names = Names::read(&mut tx, &page.rows).await?;
    Ok(page.map(|receipt| names.view(receipt)))
}

/// Reads a receipt with its question and answer. For the desk.
///
/// # Errors
/// [`CommandError::NotFound`].
pub async fn find(
    desk: &Desk,
    caller: &Caller,
    id: ReceiptId,
) -> Result<ReceiptDetail, CommandError> {
    caller.must_be_desk()?;
    let mut tx = desk.store.read(caller.org).await?;
    let found = receipt::find(&mut tx, id).await?;
    let (receipt, evaluation) = found.ok_or(CommandError::NotFound(Missing::Receipt))?;
    let names = Names::read(&mut tx, std::slice::from_ref(&receipt)).await?;
    let question = question_of(&evaluation, &receipt).ok();
    let question = question.map(|question| json(&question.to_json())).transpose()?;
    let (log, log_truncated) = log(&receipt.log)?;
    Ok(ReceiptDetail {
        occasion: evaluation.occasion,
        question: question.flatten(),
        answer: json(&receipt.answer)?,
        log,
        log_truncated,
        view: names.view(receipt),
    })
}

/// The filter of a query, with its words understood and its ticket found.
async fn filter(tx: &mut ReadTx, query: &ReceiptQuery) -> Result<ReceiptFilter, CommandError> {
    let mut faults = Faults::new();
    let hook = faults.parse_if::<Hook>("/hook", query.hook.as_deref()).flatten();
    let outcome = query.outcome.as_deref().and_then(|name| {
        let outcome = OutcomeKind::ALL.into_iter().find(|outcome| outcome.as_str() == name);
        if outcome.is_none() {
            let valid = OutcomeKind::ALL.map(OutcomeKind::as_str).join(", ");
            let message =
                Said::as_is(format!("`{name}` is not a valid outcome; use one of: {valid}."));
            faults.wrong("/outcome", "invalid", message);
        }
        outcome
    });
    faults.refuse_any()?;
    let ticket = match &query.ticket {
        None => None,
        Some(TicketRef::Id(id)) => Some(ticket::find(tx, *id).await?),
        Some(TicketRef::Number(number)) => Some(ticket::find_by_number(tx, number).await?),
    };
    let ticket = match ticket {
        None => None,
        Some(found) => Some(found.ok_or(CommandError::NotFound(Missing::Ticket))?.id),
    };
    Ok(ReceiptFilter { subject: ticket.map(Into::into), hook, binding: query.binding, outcome })
}

/// The JSON value of a kept text; none where nothing was kept.
fn json(text: &[u8]) -> Result<Option<Value>, CommandError> {
    if text.is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(text).map(Some).map_err(|error| CommandError::Internal(Box::new(error)))
}

/// The lines of a log, level and text, and whether more were written.
type Written = (Vec<(&'static str, String)>, bool);

fn log(text: &[u8]) -> Result<Written, CommandError> {
    #[derive(serde::Deserialize)]
    struct Log {
        lines: Vec<LogLine>,
        truncated: bool,
    }
    if text.is_empty() {
        return Ok((Vec::new(), false));
    }
    let log: Log =
        serde_json::from_slice(text).map_err(|error| CommandError::Internal(Box::new(error)))?;
    let lines = log.lines.into_iter().map(|line| (level_name(line.level), line.message));
    Ok((lines.collect(), log.truncated))
}

/// The names that views of receipts show.
pub(crate) struct Names {
    layers: BTreeMap<OrgId, Key>,
    bindings: BTreeMap<BindingId, String>,
    policies: BTreeMap<String, PolicyName>,
}

impl Names {
    pub(crate) async fn read(tx: &mut ReadTx, receipts: &[Receipt]) -> Result<Self, CommandError> {
        let layers = organization::lineage(tx).await?.into_iter();
        let in_force = binding::in_force(tx).await?.into_iter();
        let mut bindings = in_force
            .map(|(binding, _)| (binding.id, binding.name.to_string()))
            .collect::<BTreeMap<_, _>>();
        // The organization's own that are not in force any more; another layer's stay without a
        // name.
        for receipt in receipts {
            if !bindings.contains_key(&receipt.binding)
                && let Some(found) = binding::find(tx, receipt.binding).await?
            {
                bindings.insert(found.id, found.name.to_string());
            }
        }
        Ok(Self {
            layers: layers.map(|layer| (layer.id, layer.key)).collect(),
            bindings,
            policies: PolicyName::all(tx).await?,
        })
    }

    pub(crate) fn view(&self, receipt: Receipt) -> ReceiptView {
        ReceiptView {
            id: receipt.id,
            subject: receipt.subject,
            evaluation: receipt.evaluation,
            seq: receipt.seq,
            hook: receipt.hook,
            layer: self.layers.get(&receipt.layer).cloned(),
            binding: receipt.binding,
            binding_name: self.bindings.get(&receipt.binding).cloned(),
            revision: receipt.revision,
            policy: self.policies.get(&receipt.component).cloned(),
            component: receipt.component,
            settings_digest: receipt.settings_digest,
            data_digest: receipt.data_digest,
            wit_version: receipt.wit_version,
            engine_version: receipt.engine_version,
            outcome: receipt.outcome,
            reasons: reasons(&receipt.answer),
            fuel: receipt.fuel,
            duration_us: receipt.duration_us,
            at: receipt.at,
        }
    }
}
