//! What a rule asks of a ticket beside its words, in the form in which it is compared.

use std::collections::BTreeMap;

use super::When;
use super::fields::{Wanted, all_are};
use crate::vocabulary::{Channel, Phase};
use crate::{Context, Ticket};

/// A rule's conditions but for its words.
#[derive(Debug)]
pub(super) struct Check {
    /// One bit for each kind that counts; all of them if the rule does not ask.
    kinds: u16,
    /// One bit for each phase that counts; all of them if the rule does not ask.
    phases: u16,
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
    fields: BTreeMap<String, Vec<Wanted>>,
    requester_fields: BTreeMap<String, Vec<Wanted>>,
}

impl Check {
    pub(super) fn new(when: &When) -> Self {
        Self {
            kinds: mask(when.kinds.iter().map(|kind| *kind as u8)),
            phases: mask(when.phases.iter().map(|phase| *phase as u8)),
            channels: mask(when.channels.iter().map(|channel| *channel as u8)),
            priority: when.priority.map(|range| (range.from, range.to)),
            vip: when.vip,
            categories: when.categories.iter().map(|path| path.clone().into()).collect(),
            services: when.services.clone().into(),
            cis: when.cis.clone().into(),
            catalog_items: when.catalog_items.clone().into(),
            tags: when.tags.clone().into(),
            locations: when.locations.iter().map(|place| place.to_lowercase()).collect(),
            fields: when.fields.clone(),
            requester_fields: when.requester_fields.clone(),
        }
    }

    /// Whether the ticket is what the rule asks for, its words aside. The cheap conditions come
    /// first.
    pub(super) fn holds(&self, ticket: &Ticket, context: &Context) -> bool {
        let head = &ticket.head;
        self.kinds & bit(ticket.kind() as u8) != 0
            && self.phases & bit(Phase::from(head.phase) as u8) != 0
            && self.channels & bit(Channel::from(head.channel) as u8) != 0
            && self.priority.is_none_or(|(from, to)| {
                head.priority.is_some_and(|priority| (from..=to).contains(&priority))
            })
            && self.vip.is_none_or(|vip| {
                context.requester.as_ref().is_some_and(|requester| requester.vip == vip)
            })
            && one_of(&self.services, head.service.as_ref())
            && (self.cis.is_empty()
                || head.all_cis().any(|ci| self.cis.iter().any(|one| one == ci)))
            && one_of(
                &self.catalog_items,
                ticket.request().and_then(|request| request.catalog_item.as_ref()),
            )
            && (self.categories.is_empty()
                || self.categories.iter().any(|path| head.category.starts_with(path)))
            && (self.tags.is_empty() || self.tags.iter().any(|tag| head.tags.contains(tag)))
            && (self.locations.is_empty() || self.is_at_one_of_the_locations(context))
            && all_are(&self.fields, &head.fields)
            && (self.requester_fields.is_empty()
                || context
                    .requester
                    .as_ref()
                    .is_some_and(|requester| all_are(&self.requester_fields, &requester.fields)))
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
