//! Answers: what a hook proposes, in the host's own types.
//!
//! An answer is a proposal, which the desk's own rules check before anything changes.

mod plan;
mod proposals;

use serde::{Deserialize, Serialize};

use crate::form::{self, FormError};

pub use self::plan::{
    ApprovalPlan, Approver, DeliveryChannel, Message, Notifications, Nudge, Quorum, Recipient,
    Stage, StageRule, Step, Verdict,
};
pub use self::proposals::{Assignment, Categorization, Kind, Proposal, Strength};

/// What a hook answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Of `categorize`.
    Categorization(Categorization),
    /// Of `route`.
    Assignment(Assignment),
    /// Of `plan`.
    Plan(ApprovalPlan),
    /// Of `stalled`.
    Nudge(Nudge),
    /// Of `notify`.
    Notifications(Notifications),
}

/// Why a hook gives no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decline {
    /// The policy has nothing to say about this ticket; its reasons.
    NoOpinion(Vec<String>),
    /// A fact is missing without which the policy cannot decide; which one.
    Incomplete(String),
    /// The policy found itself in a state that should not occur.
    Broken(String),
}

/// What a policy said, as a receipt keeps it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Reply {
    /// It answered.
    Answer(Answer),
    /// It declined.
    Decline(Decline),
}

impl Answer {
    /// The answer as JSON. Equal answers give equal bytes: this is what "re-executes to the same
    /// bytes" compares.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        form::to_json(self)
    }

    /// Short sentences for the person who asks why.
    #[must_use]
    pub fn reasons(&self) -> &[String] {
        match self {
            Self::Categorization(it) => &it.reasons,
            Self::Assignment(it) => &it.reasons,
            Self::Plan(it) => &it.reasons,
            Self::Nudge(_) => &[],
            Self::Notifications(it) => &it.reasons,
        }
    }
}

impl Decline {
    /// The decline as JSON. Equal ones give equal bytes.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        form::to_json(self)
    }
}

impl Reply {
    /// Reads what a receipt keeps.
    ///
    /// # Errors
    /// [`FormError`] for JSON of a newer form, or of none.
    pub fn from_json(json: &[u8]) -> Result<Self, FormError> {
        form::from_json(json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_policy_said_survives_its_json() {
        let answers = [
            Answer::Nudge(Nudge::Delegate("p-7".to_owned())),
            Answer::Nudge(Nudge::Wait),
            Answer::Notifications(Notifications {
                messages: vec![],
                reasons: vec!["ü".to_owned()],
            }),
        ];
        for answer in answers {
            assert_eq!(Reply::from_json(&answer.to_json()).unwrap(), Reply::Answer(answer));
        }
        let decline = Decline::NoOpinion(vec!["a".to_owned()]);
        assert_eq!(decline.to_json(), br#"{"form":1,"no_opinion":["a"]}"#);
        assert_eq!(Reply::from_json(&decline.to_json()).unwrap(), Reply::Decline(decline));
    }
}
