//! Priority: how soon a ticket is worked on, from its impact and urgency.
//!
//! Precedence: a person's override (with a reason), then a policy's value, then the matrix. All
//! three are kept, with the winner (`records.md` section 9). 1 is the highest everywhere.

use std::fmt;

use crate::name::names;

mod matrix;
#[cfg(test)]
mod rules;

pub use self::matrix::{Matrix, MatrixFault, MatrixLint};

/// An impact or an urgency: 1 is high. Valid are 1 to the size of the organization's matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(pub u8);

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which value won.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrioritySource {
    /// The organization's matrix.
    Matrix,
    /// A policy.
    Policy,
    /// A person, with a reason.
    Override,
}

names!("source of a priority", PrioritySource {
    Matrix => "matrix",
    Policy => "policy",
    Override => "override",
});

/// A ticket's priority: every value that was given. The winner is computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priority {
    /// What the matrix says.
    pub matrix: Level,
    /// What a policy says.
    pub policy: Option<Level>,
    /// What a person says, and why.
    pub manual: Option<(Level, String)>,
}

impl Priority {
    /// A priority that only the matrix has given.
    #[must_use]
    pub const fn of_matrix(matrix: Level) -> Self {
        Self { matrix, policy: None, manual: None }
    }

    /// The value in force and where it comes from: a person's before a policy's before the
    /// matrix's.
    #[must_use]
    pub fn effective(&self) -> (Level, PrioritySource) {
        match (&self.manual, self.policy) {
            (Some((level, _)), _) => (*level, PrioritySource::Override),
            (None, Some(level)) => (level, PrioritySource::Policy),
            (None, None) => (self.matrix, PrioritySource::Matrix),
        }
    }
}
