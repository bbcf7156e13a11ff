//! Decisions: what came out of asking a policy, as raw material for a receipt.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::contract::v0_1::log;
use crate::{Answer, Decline};

/// What the random numbers of a decision are derived from: its id, usually. The same seed gives the
/// same numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seed(pub [u8; 16]);

impl From<uuid::Uuid> for Seed {
    fn from(id: uuid::Uuid) -> Self {
        Self(id.into_bytes())
    }
}

/// What came out of asking a policy one question.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The answer, or the policy's reason for giving none, or how it failed.
    pub outcome: Result<Result<Answer, Decline>, Failure>,
    /// Instructions used by the hook, roughly; the same for the same question, whatever the
    /// machine.
    pub fuel: u64,
    /// The wall-clock time of the whole evaluation, with the making of the sandbox.
    pub duration: Duration,
    /// What the policy wrote.
    pub log: Vec<LogLine>,
    /// Whether it wrote more than its limit allowed; the rest was dropped.
    pub log_truncated: bool,
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// For the author, while developing.
    Debug,
    /// Worth knowing.
    Info,
    /// Worth looking at.
    Warn,
    /// Wrong.
    Error,
}

impl From<log::Level> for LogLevel {
    fn from(level: log::Level) -> Self {
        match level {
            log::Level::Debug => Self::Debug,
            log::Level::Info => Self::Info,
            log::Level::Warn => Self::Warn,
            log::Level::Error => Self::Error,
        }
    }
}

/// A line that a policy wrote, through `log` or to its standard output or error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// The text.
    pub message: String,
}

/// How an evaluation failed. It costs the policy its proposal, never the ticket: the binding's
/// fallback is used.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Failure {
    /// The policy crashed.
    #[error("the policy trapped: {message}")]
    Trap {
        /// The trap, in the engine's words.
        message: String,
    },
    /// It used up its instructions.
    #[error("the policy exhausted its fuel")]
    OutOfFuel,
    /// It took longer than its wall-clock limit.
    #[error("the policy exceeded its deadline")]
    Deadline,
    /// It asked for more memory than its limit, and gave up when it was refused.
    #[error("the policy exceeded its memory limit")]
    Memory,
    /// Its answer breaks the contract: text that is not UTF-8, a case that does not exist, a
    /// pointer to nowhere.
    #[error("the policy's answer violates the contract: {message}")]
    BadAnswer {
        /// What is wrong with it.
        message: String,
    },
    /// The question is larger than the limit. The policy was not asked.
    #[error("the question has {bytes} bytes; the limit is {limit}")]
    InputTooLarge {
        /// The question's size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The answer is larger than the limit.
    #[error("the policy's answer exceeds {limit} bytes")]
    AnswerTooLarge {
        /// The limit.
        limit: usize,
    },
    /// No turn came in time. The policy was not asked.
    #[error("too many policies were running")]
    Busy,
    /// The binding's circuit breaker is open. The policy was not asked.
    #[error("the policy failed too often and is paused")]
    BreakerOpen,
    /// The policy said itself that it is broken (`decline.broken`).
    #[error("the policy reported an error: {message}")]
    Broken {
        /// In its own words.
        message: String,
    },
    /// The policy refused its settings in a fresh instance, though it had accepted them when it was
    /// bound.
    #[error("the policy could not be configured: {message}")]
    Configure {
        /// What it said.
        message: String,
    },
    /// It made the host panic: an error of the host's, which only this policy provokes.
    #[error("the policy made the host panic")]
    HostPanic,
    /// The host could not ask: the component is missing, or does not serve the hook.
    #[error("the policy could not be asked: {message}")]
    Unavailable {
        /// Why.
        message: String,
    },
}

impl Failure {
    /// The failure's name in JSON, SQL and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Trap { .. } => "trap",
            Self::OutOfFuel => "out_of_fuel",
            Self::Deadline => "deadline",
            Self::Memory => "memory",
            Self::BadAnswer { .. } => "bad_answer",
            Self::InputTooLarge { .. } => "input_too_large",
            Self::AnswerTooLarge { .. } => "answer_too_large",
            Self::Busy => "busy",
            Self::BreakerOpen => "breaker_open",
            Self::Broken { .. } => "broken",
            Self::Configure { .. } => "configure",
            Self::HostPanic => "host_panic",
            Self::Unavailable { .. } => "unavailable",
        }
    }

    /// Whether it is the policy's doing, and so counts for its circuit breaker.
    #[must_use]
    pub const fn is_the_policys_fault(&self) -> bool {
        match self {
            Self::Trap { .. }
            | Self::OutOfFuel
            | Self::Deadline
            | Self::Memory
            | Self::BadAnswer { .. }
            | Self::AnswerTooLarge { .. }
            | Self::Broken { .. }
            | Self::Configure { .. }
            | Self::HostPanic => true,
            Self::InputTooLarge { .. }
            | Self::Busy
            | Self::BreakerOpen
            | Self::Unavailable { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_its_code_in_json() {
        let failures = [
            Failure::Trap { message: "unreachable".to_owned() },
            Failure::OutOfFuel,
            Failure::InputTooLarge { bytes: 9, limit: 3 },
            Failure::Unavailable { message: "gone".to_owned() },
        ];
        for failure in failures {
            let json = serde_json::to_value(&failure).unwrap();
            assert_eq!(json["code"], failure.code());
            assert_eq!(serde_json::from_value::<Failure>(json).unwrap(), failure);
        }
    }
}
