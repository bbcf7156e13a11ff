//! Receipts: what a policy was asked, what it answered, and what became of it. Enough to ask again.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    binding::Hook,
    ids::{BindingId, EvaluationId, OrgId, ReceiptId, SnapshotPartId},
    subject::Subject,
};

/// The hooks asked for one event of one ticket, and the snapshot they share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// Its id.
    pub id: EvaluationId,
    /// The organization.
    pub org: OrgId,
    /// The record.
    pub subject: Subject,
    /// The event that asked: `create`, `submit`, ...
    pub occasion: String,
    /// The ticket and all declared facts but those of the part, as JSON text.
    pub snapshot: Vec<u8>,
    /// The facts that other evaluations have too; none where the snapshot has them all.
    pub part: Option<Arc<SnapshotPart>>,
    /// When it was taken.
    pub at: DateTime<Utc>,
}

/// The last two bytes of an evaluation's id are zero: its receipts are counted in them.
const RECEIPTS: u128 = 0xffff;

impl EvaluationId {
    /// The id of a new evaluation, from an id that nothing else has.
    #[must_use]
    pub fn of_new(id: Uuid) -> Self {
        Self(Uuid::from_u128(id.as_u128() & !RECEIPTS))
    }
}

impl ReceiptId {
    /// The id of an evaluation's receipt with this number.
    #[must_use]
    pub fn of(evaluation: EvaluationId, seq: i64) -> Self {
        let seq = u16::try_from(seq).unwrap_or(u16::MAX);
        Self(Uuid::from_u128(evaluation.0.as_u128() | u128::from(seq)))
    }

    /// The evaluation whose receipt it is.
    #[must_use]
    pub fn evaluation(self) -> EvaluationId {
        EvaluationId::of_new(self.0)
    }

    /// Its number in the evaluation.
    #[must_use]
    pub fn seq(self) -> i64 {
        i64::try_from(self.0.as_u128() & RECEIPTS).unwrap_or(0)
    }
}

/// What is the same in the snapshots of many evaluations, because it changes only when somebody
/// changes the organization: kept once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotPart {
    /// Its id, which follows from the rest.
    pub id: SnapshotPartId,
    /// The facts, as JSON text.
    pub text: Vec<u8>,
    /// All evaluations that have it were taken before.
    pub until: DateTime<Utc>,
}

/// One recorded decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Its id, which follows from the evaluation and the number; also the seed of the decision's
    /// random bytes.
    pub id: ReceiptId,
    /// The organization.
    pub org: OrgId,
    /// The record.
    pub subject: Subject,
    /// The evaluation, which holds the snapshot.
    pub evaluation: EvaluationId,
    /// 1, 2, 3, … in the evaluation.
    pub seq: i64,
    /// The hook.
    pub hook: Hook,
    /// The layer: the organization whose binding it was.
    pub layer: OrgId,
    /// The binding.
    pub binding: BindingId,
    /// Its revision, which never changes, and which the next three are of.
    pub revision: i64,
    /// The component, as `sha256:…`.
    pub component: String,
    /// The digest of the settings.
    pub settings_digest: String,
    /// The digest of the data files.
    pub data_digest: String,
    /// The contract's version: `0.1.0`.
    pub wit_version: String,
    /// The engine: `wasmtime 48.0.8`.
    pub engine_version: String,
    /// What differs from the snapshot's ticket in the question, and the hook's own part of it
    /// (event, approval), as JSON text.
    pub question: Vec<u8>,
    /// The answer or the decline as JSON text; empty when the policy failed.
    pub answer: Vec<u8>,
    /// The policy's log as JSON text.
    pub log: Vec<u8>,
    /// The instructions used, as wasmtime counts fuel.
    pub fuel: u64,
    /// How long it took, in microseconds of wall clock.
    pub duration_us: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// When.
    pub at: DateTime<Utc>,
}

/// What became of a decision. Exactly one for each receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Applied as answered.
    Applied,
    /// Applied in part or not at all: a lock, a domain rule or an earlier answer stood against it;
    /// which ones.
    Overruled(Vec<String>),
    /// Kept as a suggestion.
    Suggested,
    /// The policy had no opinion.
    Declined,
    /// The policy failed; the code (`trap`, `out_of_fuel`, ...), the message, and the fallback that
    /// decided.
    Failed {
        /// The failure's code.
        code: String,
        /// What happened, for the policy's author.
        message: String,
        /// What decided instead.
        fallback: String,
    },
}

impl Outcome {
    /// The identifier of the outcome, without its facts.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Overruled(_) => "overruled",
            Self::Suggested => "suggested",
            Self::Declined => "declined",
            Self::Failed { .. } => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipts_id_names_its_evaluation_and_its_number() {
        let evaluation = EvaluationId::of_new(Uuid::from_u128(0x0123_4567_89ab_cdef));
        assert_eq!(evaluation.0.as_u128(), 0x0123_4567_89ab_0000);
        for seq in [1, 2, 65_535] {
            let receipt = ReceiptId::of(evaluation, seq);
            assert_eq!((receipt.evaluation(), receipt.seq()), (evaluation, seq));
        }
    }
}
