//! What can be categorized as, and what can be asked for: the category tree and the request
//! catalog.

mod form;
#[cfg(test)]
mod rules;
mod tree;

use crate::{
    ids::{CatalogItemId, CategoryId, OrgId},
    key::{CategoryPath, Key},
    task::PlannedTask,
};

pub use self::form::{MAX_ANSWER_CHARS, MAX_CHOICES, MAX_FIELDS};

/// A working year; what takes longer is a project, whose date somebody plans.
pub const MAX_DELIVERY_HOURS: u16 = 2_000;
/// The contract passes amounts as floating-point numbers, which hold integers up to this exactly.
pub const MAX_MINOR_UNITS: i64 = (1 << 53) - 1;

/// A node of an organization's category tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// Its id.
    pub id: CategoryId,
    /// The organization.
    pub org: OrgId,
    /// Its place in the tree, unique in the organization.
    pub path: CategoryPath,
    /// The name people read.
    pub name: String,
    /// Whether tickets may get it.
    pub active: bool,
    /// Rises by one with every change.
    pub version: i64,
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Money {
    /// Whole minor units (cents), not negative.
    pub minor_units: i64,
    /// ISO 4217: `EUR`.
    pub currency: String,
}

/// Something that people can ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogItem {
    /// Its id.
    pub id: CatalogItemId,
    /// The organization.
    pub org: OrgId,
    /// Its key, unique in the organization.
    pub key: Key,
    /// The name people read.
    pub name: String,
    /// What one gets.
    pub description: String,
    /// What it costs.
    pub cost: Option<Money>,
    /// The questions of its form, in order.
    pub form: Vec<FormField>,
    /// How many working hours of the organization it takes until it is there; none where nothing is
    /// promised.
    pub delivery_hours: Option<u16>,
    /// The tasks that every request for it begins with.
    pub tasks: Vec<PlannedTask>,
    /// Whether it can be asked for.
    pub active: bool,
    /// Rises by one with every change.
    pub version: i64,
}

/// One question of an item's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormField {
    /// Its key in the form.
    pub field: Key,
    /// The question.
    pub label: String,
    /// What is accepted.
    pub kind: FieldKind,
    /// Whether it must be answered.
    pub required: bool,
}

/// What a form field accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldKind {
    /// Any text up to 2,000 characters.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`.
    YesNo,
    /// A date as `2026-06-01`.
    Date,
    /// One of these.
    Choice(Vec<String>),
}

impl FieldKind {
    /// The identifier of the kind, without its choices.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::YesNo => "yes_no",
            Self::Date => "date",
            Self::Choice(_) => "choice",
        }
    }
}
