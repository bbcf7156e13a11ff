//! Quantities: how many of an item are asked for, and what they cost together.

use crate::{
    catalog::{CatalogItem, MAX_MINOR_UNITS, Money},
    refusal::Faults,
    request::Request,
    said,
};

/// More of one thing is a purchase that somebody negotiates.
pub const MAX_QUANTITY: u16 = 1_000;

/// What so many of an item cost together. More than can be told exactly is a fault.
fn times(cost: &Money, quantity: u16, faults: &mut Faults) -> Option<Money> {
    let total = cost.minor_units.checked_mul(i64::from(quantity));
    let Some(minor_units) = total.filter(|total| *total <= MAX_MINOR_UNITS) else {
        let message = said!("The total exceeds the largest supported amount; reduce the quantity.");
        faults.wrong("/quantity", "out-of-range", message);
        return None;
    };
    Some(Money { minor_units, currency: cost.currency.clone() })
}

impl Request {
    /// Begins with its item: notes what is wrong with it, and says what it costs.
    pub(crate) fn begin(&mut self, item: Option<&CatalogItem>, faults: &mut Faults) {
        if let Some(item) = item.filter(|item| !item.active) {
            let message = said!("`{key}` is no longer offered.", key = item.key);
            faults.wrong("/catalog_item", "inactive", message);
        }
        if item.is_none() && self.quantity > 1 {
            Self::refuse_count(faults);
        }
        let cost = item.and_then(|item| item.cost.as_ref());
        self.cost = cost.and_then(|cost| times(cost, self.quantity, faults));
    }

    /// The same request for another quantity, at the same cost of one.
    pub(crate) fn set_quantity(&mut self, quantity: u16, faults: &mut Faults) {
        if let Some(cost) = &self.cost {
            let one = Money {
                minor_units: cost.minor_units / i64::from(self.quantity.max(1)),
                currency: cost.currency.clone(),
            };
            self.cost = times(&one, quantity, faults);
        }
        self.quantity = quantity;
    }

    /// Only items are counted: a wish in free text says itself how many.
    pub(crate) fn refuse_count(faults: &mut Faults) {
        let message =
            said!("Only catalog items have a quantity; name one, or leave the quantity out.");
        faults.wrong("/quantity", "not-an-item", message);
    }
}
