//! What a rule asks of a ticket beside its words, in the form in which it is compared.

use super::When;
use crate::vocabulary::{Channel, Kind};
use crate::{Context, Ticket};

/// A rule's conditions but for its words.
#[derive(Debug)]
pub(super) struct Check {
    /// One bit for each kind that counts; all of them if the rule does not ask.
    kinds: u16,
    /// One bit for each channel that counts; all of them if the rule does not ask.
    channels: u16,
    priority: Option<(u8, u8)>,
    vip: Option<bool>,
    categories: Box<[Box<[String]>]>,
    services: Box<[String]>,
    cis: Box<[String]>,
    catalog_items: Box<[String]>,
    tags: Box<[String]>,
    /// In lower case.
    locations: Box<[String]>,
}

impl Check {
    pub(super) fn new(when: &When) -> Self {
        Self {
            kinds: mask(when.kinds.iter().map(|kind| *kind as u8)),
            channels: mask(when.channels.iter().map(|channel| *channel as u8)),
            priority: when.priority.map(|range| (range.from, range.to)),
            vip: when.vip,
            categories: when.categories.iter().map(|path| path.clone().into()).collect(),
            services: when.services.clone().into(),
            cis: when.cis.clone().into(),
            catalog_items: when.catalog_items.clone().into(),
            tags: when.tags.clone().into(),
            locations: when.locations.iter().map(|place| place.to_lowercase()).collect(),
        }
    }

    /// Whether the ticket is what the rule asks for, its words aside. The cheap conditions come first.
    pub(super) fn holds(&self, ticket: &Ticket, context: &Context) -> bool {
        self.kinds & bit(Kind::from(ticket.kind) as u8) != 0
            && self.channels & bit(Channel::from(ticket.channel) as u8) != 0
            && self.priority.is_none_or(|(from, to)| {
                ticket.priority.is_some_and(|priority| (from..=to).contains(&priority))
            })
            && self.vip.is_none_or(|vip| {
                context.requester.as_ref().is_some_and(|requester| requester.vip == vip)
            })
            && one_of(&self.services, ticket.service.as_ref())
            && one_of(&self.cis, ticket.ci.as_ref())
            && one_of(&self.catalog_items, ticket.catalog_item.as_ref())
            && (self.categories.is_empty()
                || self.categories.iter().any(|path| ticket.category.starts_with(path)))
            && (self.tags.is_empty() || self.tags.iter().any(|tag| ticket.tags.contains(tag)))
            && (self.locations.is_empty() || self.is_at_one_of_the_locations(context))
    }

    fn is_at_one_of_the_locations(&self, context: &Context) -> bool {
        let location = context.requester.as_ref().and_then(|requester| requester.location.as_ref());
        location.is_some_and(|location| self.locations.contains(&location.to_lowercase()))
    }
}

/// Whether a value is in a list; an empty list asks for nothing.
fn one_of(list: &[String], value: Option<&String>) -> bool {
    list.is_empty() || value.is_some_and(|value| list.contains(value))
}

fn bit(number: u8) -> u16 {
    1 << number
}

fn mask(numbers: impl Iterator<Item = u8>) -> u16 {
    match numbers.map(bit).fold(0, |mask, bit| mask | bit) {
        0 => u16::MAX,
        mask => mask,
    }
}
