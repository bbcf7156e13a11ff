//! What can be categorized as, and what can be asked for: the category tree and the request
//! catalog.

mod form;
mod question;
#[cfg(test)]
mod rules;
mod tree;

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::{
    field::{Field, FieldType, Value, count, text_of},
    ids::{CatalogItemId, CategoryId, OrgId},
    key::{CategoryPath, Key},
    refusal::Faults,
    register::{Head, Holds, KEY, Readers, Record, Register, field},
    said::Said,
    task::{PLANNED_TASK, PlannedTask},
    text,
};

pub use self::{
    form::MAX_ANSWER_CHARS,
    question::{FORM_FIELD, MAX_CHOICES, MAX_FIELDS},
};

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

impl Record for Category {
    const REGISTER: Register<Self> = Register {
        noun: "category",
        plural: "categories",
        schema: "Category",
        path: "categories",
        summary: "A node of the category tree.",
        address: "path",
        named_by: "path",
        readers: Readers::All,
        fields: &[
            field!(
                path,
                FieldType::Line,
                "Its place in the tree, such as access/password. The category above it is there already. The path does \
                 not change."
            )
            .needed()
            .opening(),
            field!(name, FieldType::Line, "Display name.").needed(),
            field!(active, FieldType::Flag, "Whether it can be selected on tickets.").kept().editing(),
        ],
    };

    fn blank(id: Uuid, org: OrgId) -> Self {
        let (path, name) = (CategoryPath::unset(), String::new());
        Self { id: CategoryId(id), org, path, name, active: true, version: 1 }
    }

    fn head(&self) -> Head {
        Head { id: self.id.0, org: self.org, active: self.active, version: self.version }
    }
}

impl Record for CatalogItem {
    const REGISTER: Register<Self> = Register {
        noun: "catalog item",
        plural: "catalog items",
        schema: "CatalogItem",
        path: "catalog-items",
        summary: "A catalog item: something that people can request.",
        address: "key",
        named_by: "key",
        readers: Readers::AllActive,
        fields: &[
            field!(key, FieldType::Key, KEY).needed().opening(),
            field!(name, FieldType::Line, "Display name.").needed(),
            Field::<Self>::new(
                "description",
                FieldType::Text,
                "What the requester gets.",
                |item| item.description.value(),
                |item, value, faults| {
                    let body = text_of(value).unwrap_or_default();
                    item.description = text::optional("/description", body, faults);
                },
            )
            .kept(),
            field!(cost, FieldType::Money, "Cost of one."),
            field!(form, FieldType::Objects(&FORM_FIELD), "Questions of its form, in order.")
                .kept(),
            Field::<Self>::new(
                "delivery_hours",
                FieldType::Count { least: 1, most: MAX_DELIVERY_HOURS as u32 },
                "The delivery time in working hours of the organization, from which a request's `expected_at` is \
                 computed.",
                |item| item.delivery_hours.map(|hours| Value::Number(hours.into())),
                |item, value, faults| {
                    item.delivery_hours = count(value).and_then(|hours| u16::try_from(hours).ok());
                    let most = MAX_DELIVERY_HOURS;
                    if item.delivery_hours.is_some_and(|hours| !(1..=most).contains(&hours)) {
                        let message = Said::as_is(format!("Must be 1 to {most}."));
                        faults.wrong("/delivery_hours", "out-of-range", message);
                    }
                },
            ),
            field!(
                tasks,
                FieldType::Objects(&PLANNED_TASK),
                "The tasks that every request for it gets when its fulfilment begins."
            )
            .kept(),
            field!(active, FieldType::Flag, "Whether it can be requested.").kept().editing(),
        ],
    };

    fn blank(id: Uuid, org: OrgId) -> Self {
        Self {
            id: CatalogItemId(id),
            org,
            key: Key::unset(),
            name: String::new(),
            description: String::new(),
            cost: None,
            form: Vec::new(),
            delivery_hours: None,
            tasks: Vec::new(),
            active: true,
            version: 1,
        }
    }

    fn head(&self) -> Head {
        Head { id: self.id.0, org: self.org, active: self.active, version: self.version }
    }
}

impl Holds for Option<Money> {
    fn value(&self) -> Option<Value> {
        self.clone().map(Value::Money)
    }

    fn take(&mut self, pointer: &str, value: Option<&Value>, faults: &mut Faults) {
        *self = if let Some(Value::Money(money)) = value { Some(money.clone()) } else { None };
        if let Some(money) = self {
            money.check(pointer, faults);
        }
    }
}

impl Money {
    /// What several amounts are together, in each currency, by its code.
    #[must_use]
    pub fn sums<'m>(amounts: impl IntoIterator<Item = &'m Self>) -> Vec<Self> {
        let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
        for amount in amounts {
            let sum = sums.entry(&amount.currency).or_default();
            *sum = sum.saturating_add(amount.minor_units);
        }
        let sum = |(currency, minor_units): (&str, i64)| Self {
            minor_units,
            currency: currency.to_owned(),
        };
        sums.into_iter().map(sum).collect()
    }

    /// Notes what is wrong with an amount that somebody gives.
    fn check(&self, pointer: &str, faults: &mut Faults) {
        if !(0..=MAX_MINOR_UNITS).contains(&self.minor_units) {
            let message =
                Said::as_is(format!("Must be whole minor units (cents), 0 to {MAX_MINOR_UNITS}."));
            faults.wrong(&format!("{pointer}/minor_units"), "out-of-range", message);
        }
        if self.currency.len() != 3 || !self.currency.bytes().all(|b| b.is_ascii_uppercase()) {
            let currency = &self.currency;
            let message = Said::as_is(format!(
                "`{currency}` is not a valid currency; use an ISO 4217 code, such as EUR."
            ));
            faults.wrong(&format!("{pointer}/currency"), "invalid", message);
        }
    }
}
