//! Answers in one expression: `Assignment::to("network").because("the ticket is about Wi-Fi")`.

use crate::{
    ApprovalPlan, Assignment, Categorization, Decline, Kind, KindProposal, Level, LevelProposal,
    Notifications, Quorum, SettingsError, Stage, StageRule, Step, Strength, TextProposal,
    TextsProposal, Verdict,
};

/// Gives each answer with reasons a method that adds one.
macro_rules! reasons {
    ($($answer:ident),+) => {$(
        impl $answer {
            /// Adds a reason: a short sentence for the person who asks why.
            #[must_use]
            pub fn because(mut self, reason: impl Into<String>) -> Self {
                self.reasons.push(reason.into());
                self
            }
        }
    )+};
}
reasons!(ApprovalPlan, Assignment, Categorization, Notifications);

/// Gives each proposal its constructors.
macro_rules! proposals {
    ($($proposal:ident($value:ty)),+ $(,)?) => {$(
        impl $proposal {
            /// A value that the host applies, with full confidence.
            #[must_use]
            pub fn set(value: impl Into<$value>) -> Self {
                Self { value: value.into(), strength: Strength::Set, confidence: 100 }
            }

            /// A value that the host shows to a person, with full confidence.
            #[must_use]
            pub fn suggested(value: impl Into<$value>) -> Self {
                Self { value: value.into(), strength: Strength::Suggested, confidence: 100 }
            }

            /// The same value with another confidence, in percent.
            #[must_use]
            pub fn confidence(self, percent: u8) -> Self {
                Self { confidence: percent, ..self }
            }
        }
    )+};
}
proposals!(
    KindProposal(Kind),
    LevelProposal(Level),
    TextProposal(String),
    TextsProposal(Vec<String>)
);

/// Proposes nothing.
impl Default for Assignment {
    fn default() -> Self {
        Self { team: None, assignee: None, watchers: None, reasons: Vec::new() }
    }
}

impl Assignment {
    /// Gives the ticket to a team, applied by the host and with full confidence. The rest is left
    /// open.
    #[must_use]
    pub fn to(team: impl Into<String>) -> Self {
        Self { team: Some(TextProposal::set(team)), ..Self::default() }
    }
}

/// Says nothing about any field.
impl Default for Categorization {
    fn default() -> Self {
        Self {
            kind: None,
            category: None,
            service: None,
            ci: None,
            impact: None,
            urgency: None,
            priority: None,
            tags: None,
            reasons: Vec::new(),
        }
    }
}

/// Sends nothing.
impl Default for Notifications {
    fn default() -> Self {
        Self { messages: Vec::new(), reasons: Vec::new() }
    }
}

impl ApprovalPlan {
    /// No approval is needed.
    #[must_use]
    pub fn approve() -> Self {
        Self::of(Verdict::Approve)
    }

    /// It is rejected at once; the requester reads why.
    #[must_use]
    pub fn refuse(reason: impl Into<String>) -> Self {
        Self::of(Verdict::Refuse(reason.into()))
    }

    /// Asks these stages, one after the other.
    #[must_use]
    pub fn ask(stages: Vec<Stage>) -> Self {
        Self::of(Verdict::Ask(stages))
    }

    /// The verdict alone.
    fn of(verdict: Verdict) -> Self {
        Self { verdict, reasons: Vec::new() }
    }
}

impl Stage {
    /// Steps that are asked at the same time and must all be approved.
    #[must_use]
    pub fn all(steps: Vec<Step>) -> Self {
        Self { steps, rule: StageRule::All }
    }
}

impl Step {
    /// Asks these approvers; one approval is enough, without a veto and without a due time.
    #[must_use]
    pub fn any(name: impl Into<String>, approvers: Vec<crate::Approver>) -> Self {
        Self {
            name: name.into(),
            approvers,
            mandatory: Vec::new(),
            quorum: Quorum::Any,
            veto: false,
            due_hours: None,
        }
    }

    /// Also asks these approvers, and is not approved unless they approve.
    #[must_use]
    pub fn not_without(self, mandatory: Vec<crate::Approver>) -> Self {
        Self { mandatory, ..self }
    }
}

impl Decline {
    /// No opinion on this ticket, and why.
    #[must_use]
    pub fn no_opinion(reason: impl Into<String>) -> Self {
        Self::NoOpinion(vec![reason.into()])
    }
}

impl SettingsError {
    /// What is wrong at one place: a JSON pointer into the settings, or `data:NAME` for a data
    /// file.
    #[must_use]
    pub fn at(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}
