//! Quantities: how many of an item are asked for, and what they cost together.

use crate::{
    catalog::{CatalogItem, MAX_MINOR_UNITS, Money},
    refusal::Faults,
    request::Request,
};

/// More of one thing is a purchase that somebody negotiates.
pub const MAX_QUANTITY: u16 = 1_000;

/// Notes what is wrong with a quantity. Only items are counted: a wish in free text says itself how many.
pub(crate) fn check_quantity(quantity: u16, is_of_item: bool, faults: &mut Faults) {
    let pointer = "/quantity";
    if !(1..=MAX_QUANTITY).contains(&quantity) {
        faults.wrong(pointer, "out-of-range", format!("ask for 1 to {MAX_QUANTITY}"));
    } else if quantity > 1 && !is_of_item {
        let message = "only catalog items are counted; name one, or leave the quantity out";
        faults.wrong(pointer, "not-an-item", message);
    }
}

/// What so many of an item cost together. More than can be told exactly is a fault.
pub(crate) fn cost_of(
    item: Option<&CatalogItem>,
    quantity: u16,
    faults: &mut Faults,
) -> Option<Money> {
    let cost = item?.cost.as_ref()?;
    times(cost, quantity, faults)
}

fn times(cost: &Money, quantity: u16, faults: &mut Faults) -> Option<Money> {
    let total = cost.minor_units.checked_mul(i64::from(quantity));
    let Some(minor_units) = total.filter(|total| *total <= MAX_MINOR_UNITS) else {
        let message = "so many of it cost more than can be told; ask for fewer";
        faults.wrong("/quantity", "out-of-range", message);
        return None;
    };
    Some(Money { minor_units, currency: cost.currency.clone() })
}

impl Request {
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
}
