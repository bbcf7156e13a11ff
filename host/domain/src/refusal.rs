//! Refusals: why a move was not made. Nothing was changed.
//!
//! The order of the checks is the same for every action: the state first, then the fields, then
//! what stands around the record. The first class that fails answers, and names everything that is
//! wrong within it.

use thiserror::Error;

use crate::{
    name::names,
    said,
    said::{Part, Said},
    ticket::{Action, State, TicketKind},
};

/// A move was not made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", self.said())]
pub enum Refused {
    /// Where it stands does not allow it.
    InvalidTransition {
        /// What was asked for.
        action: Action,
        /// The kind of ticket.
        kind: TicketKind,
        /// Where it stands, as it stands after "is not possible for an incident".
        why: Said,
        /// Its state.
        state: State,
        /// What is allowed instead.
        allowed: Vec<Action>,
    },
    /// Fields are missing, and nothing else is wrong.
    MissingFields(Vec<FieldFault>),
    /// Fields are wrong; some may be missing too.
    Invalid(Vec<FieldFault>),
    /// Something around the record stands against it.
    Guard {
        /// What kind of thing.
        kind: GuardKind,
        /// What it is, and what helps.
        message: Said,
    },
}

/// What kind of thing stands around a record, against a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GuardKind {
    /// Something else has to be done first, as the message says.
    Failed,
    /// Somebody has to approve first.
    ApprovalRequired,
}

names!("kind of guard", GuardKind {
    Failed => "guard-failed",
    ApprovalRequired => "approval-required",
});

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// A JSON pointer to the field: `/resolution_notes`.
    pub pointer: String,
    /// What kind of fault: `missing`, `too-long`, `unknown`, ...
    pub code: &'static str,
    /// What is wrong, and what would be right.
    pub message: Said,
}

/// The faults found so far in an input, so that all of them are named at once.
///
/// At most [`FieldFault::LISTED`] are kept, whatever was sent; the others are counted.
#[derive(Debug, Default)]
pub struct Faults {
    listed: Vec<FieldFault>,
    more: usize,
}

impl Refused {
    /// Something around the record stands against it.
    #[must_use]
    pub fn guard(message: Said) -> Self {
        Self::Guard { kind: GuardKind::Failed, message }
    }

    /// Why the move was not made, in one sentence.
    #[must_use]
    pub fn said(&self) -> Said {
        match self {
            Self::InvalidTransition { action, kind, why, .. } => {
                said!("`{action}` is not possible for {kind} {why}", action, kind, why)
            }
            Self::MissingFields(faults) => said!("missing: {fields}", fields = pointers(faults)),
            Self::Invalid(faults) => said!("not valid: {fields}", fields = pointers(faults)),
            Self::Guard { message, .. } => message.clone(),
        }
    }

    /// Faults of fields, of which there are some.
    #[must_use]
    pub fn of_fields(faults: Vec<FieldFault>) -> Self {
        if FieldFault::only_missing(faults.iter().map(|fault| fault.code)) {
            Self::MissingFields(faults)
        } else {
            Self::Invalid(faults)
        }
    }
}

impl FieldFault {
    /// The code of a field that is missing.
    pub const MISSING: &'static str = "missing";
    /// The code of the line that counts the faults that are not listed.
    pub const MORE: &'static str = "more";
    /// So many faults of one input are listed. Nobody corrects more at once.
    pub const LISTED: usize = 50;

    /// The line after the last fault that is listed: how many more there are.
    #[must_use]
    pub fn more(count: usize) -> Self {
        let message = said!("And {count} more that are not listed; correct these first.", count);
        Self { pointer: String::new(), code: Self::MORE, message }
    }

    /// Whether nothing is wrong but that fields are missing, by the codes of all faults.
    pub fn only_missing<'a>(codes: impl IntoIterator<Item = &'a str>) -> bool {
        let mut codes = codes.into_iter().peekable();
        codes.peek().is_some() && codes.all(|code| matches!(code, Self::MISSING | Self::MORE))
    }
}

impl Faults {
    /// Starts without a fault.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a field that is missing; the message says what belongs there.
    pub fn missing(&mut self, pointer: &str, message: Said) {
        self.wrong(pointer, FieldFault::MISSING, message);
    }

    /// Notes a field that is wrong; the message says what would be right.
    pub fn wrong(&mut self, pointer: &str, code: &'static str, message: Said) {
        let fault = FieldFault { pointer: pointer.to_owned(), code, message };
        // What the type of a field tells, the field itself may tell again.
        if !self.listed.contains(&fault) {
            self.add(fault);
        }
    }

    fn add(&mut self, fault: FieldFault) {
        if self.listed.len() < FieldFault::LISTED {
            self.listed.push(fault);
        } else {
            self.more += 1;
        }
    }

    /// Adds the faults of a part.
    pub(crate) fn append(&mut self, part: Self) {
        part.listed.into_iter().for_each(|fault| self.add(fault));
        self.more += part.more;
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// The faults, and the line that counts those that are not listed.
    #[must_use]
    pub fn into_vec(mut self) -> Vec<FieldFault> {
        if self.more > 0 {
            self.listed.push(FieldFault::more(self.more));
        }
        self.listed
    }

    /// Refuses if anything was found.
    pub fn finish(self) -> Result<(), Refused> {
        if self.listed.is_empty() { Ok(()) } else { Err(Refused::of_fields(self.into_vec())) }
    }
}

fn pointers(faults: &[FieldFault]) -> Part {
    Part::all(faults.iter().map(|fault| &fault.pointer))
}
