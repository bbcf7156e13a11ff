//! When a rule's message is sent, and to whom at which time.
//!
//! Whoever has a clock of their own is told by that clock. Of the people who may be told, the desk
//! says that only of the requester; everybody else lives by the organization's clock.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use waypost_sdk::{Context, Decline, Message, Recipient, Ticket};

use crate::clock::Clock;
use crate::quiet::Quiet;

/// When messages about one event are sent.
pub(crate) struct Schedule<'a> {
    now: DateTime<Utc>,
    /// The quiet hours, if they hold for this ticket.
    quiet: Option<&'a Quiet>,
    organization: Clock,
    /// The requester, if they live by another clock.
    elsewhere: Option<(&'a str, Clock)>,
}

impl<'a> Schedule<'a> {
    pub(crate) fn new(
        quiet: Option<&'a Quiet>,
        ticket: &'a Ticket,
        context: &'a Context,
    ) -> Result<Self, Decline> {
        let moment = &context.now;
        let broken = || {
            let (time, offset) = (&moment.utc, moment.utc_offset);
            Decline::Broken(format!("`{time}`, {offset} minutes ahead of UTC, is not a time"))
        };
        let now = DateTime::parse_from_rfc3339(&moment.utc).map_err(|_| broken())?.to_utc();
        let organization = Clock::of_organization(moment, now).ok_or_else(broken)?;
        let elsewhere = context.requester.as_ref().and_then(|person| {
            let clock = Clock::of_person(person).filter(|clock| *clock != organization)?;
            Some((person.id.as_str(), clock))
        });
        let quiet = quiet.filter(|quiet| !quiet.spares(ticket.head.priority));
        Ok(Self { now, quiet, organization, elsewhere })
    }

    /// The message with its time, in two parts if the requester is told at another time than the
    /// others; and whether quiet hours delay one of them.
    pub(crate) fn send(&self, message: Message, delay_minutes: u32) -> (Vec<Message>, bool) {
        let wish = self.now + TimeDelta::minutes(delay_minutes.into());
        let leaves = |clock| self.quiet.map_or(wish, |quiet| quiet.over(clock, wish));
        let at = |time: DateTime<Utc>, message: Message| Message {
            not_before: (time > self.now)
                .then(|| time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            ..message
        };
        let together = leaves(self.organization);
        let Some((requester, apart)) = self
            .elsewhere
            .map(|(person, clock)| (person, leaves(clock)))
            .filter(|(_, apart)| *apart != together)
        else {
            return (vec![at(together, message)], together > wish);
        };
        let is_requester = |recipient: &Recipient| match recipient {
            Recipient::Requester => true,
            Recipient::Person(id) => id == requester,
            Recipient::Assignee
            | Recipient::Team(_)
            | Recipient::Watchers
            | Recipient::Approvers => false,
        };
        let (theirs, others): (Vec<_>, Vec<_>) =
            message.recipients.iter().cloned().partition(is_requester);
        if theirs.is_empty() {
            return (vec![at(together, message)], together > wish);
        }
        let mut messages = vec![at(apart, Message { recipients: theirs, ..message.clone() })];
        let mut waits = apart > wish;
        if !others.is_empty() {
            // As a member of a group they would be told at the group's time.
            let mut except = message.except.clone();
            except.push(requester.to_owned());
            messages.push(at(together, Message { recipients: others, except, ..message }));
            waits |= together > wish;
        }
        (messages, waits)
    }
}
