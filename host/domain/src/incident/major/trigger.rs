//! Trigger rules: by which signs an organization's desk finds a major incident by itself.
//!
//! The rules are ordered and the first that matches wins. Children of a larger incident are
//! skipped, because the larger one is looked at; so is every incident that was proposed before.

use chrono::{DateTime, TimeDelta, Utc};

use super::able;
use crate::{
    directory::Lookup,
    event::FieldChange,
    ids::PersonId,
    incident::{Leadership, MAX_CHILDREN, Major, MajorState},
    person::Person,
    priority::{Level, Matrix},
    refusal::Faults,
    said,
    said::{Part, Said},
    service::Criticality,
    text,
    ticket::{Action, Ticket, TicketKind},
};

/// One rule that finds major incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MajorRule {
    /// Its name, for the event that says which one it was.
    pub name: String,
    /// By which signs.
    pub when: MajorWhen,
    /// What it does.
    pub then: MajorOutcome,
}

/// Signs of a major incident. Every one that is set must be there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MajorWhen {
    /// This priority or a higher one; 1 is the highest.
    pub priority_at_most: Option<Level>,
    /// The service or the configuration item is that critical, or more.
    pub criticality_at_least: Option<Criticality>,
    /// It has more children than this.
    pub children_more_than: Option<u32>,
}

/// What a rule does with an incident that it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MajorOutcome {
    /// Proposes it; a person decides.
    Propose,
    /// Proposes and accepts it at once.
    Promote {
        /// Who leads it.
        led_by: Leadership,
        /// In how many minutes everybody concerned hears of it.
        update_minutes: u32,
    },
}

/// What the rules look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MajorSigns {
    /// The priority in force.
    pub priority: Level,
    /// How much depends on what is concerned: the more critical of service and configuration item.
    pub criticality: Option<Criticality>,
    /// How many children it has, whatever became of them.
    pub children: u32,
}

/// One of the moves that a rule makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MajorMove {
    /// What was done.
    pub action: Action,
    /// What it changed.
    pub changes: Vec<FieldChange>,
    /// Which rule, and by which signs.
    pub reason: String,
}

/// More rules are not kept in mind by those who have to answer for them.
const MAX_RULES: usize = 20;
/// More often than every five minutes nobody writes; less often than once a week nobody waits.
const UPDATE_MINUTES: std::ops::RangeInclusive<u32> = 5..=10_080;

impl MajorRule {
    /// The first rule that these signs match.
    #[must_use]
    pub fn first(rules: &[Self], signs: MajorSigns) -> Option<&Self> {
        rules.iter().find(|rule| rule.when.matches(signs))
    }

    /// Whether a rule looks at the number of children, which only the database knows.
    #[must_use]
    pub fn any_counts_children(rules: &[Self]) -> bool {
        rules.iter().any(|rule| rule.when.children_more_than.is_some())
    }

    /// The people whom rules name.
    pub fn leaders(rules: &[Self]) -> impl Iterator<Item = PersonId> {
        rules
            .iter()
            .filter_map(|rule| rule.then.led_by())
            .flat_map(|led_by| [led_by.manager, led_by.communication_owner])
    }

    /// Notes what is wrong with rules, each by its place.
    pub fn check(rules: &[Self], faults: &mut Faults) {
        if rules.len() > MAX_RULES {
            let message = Said::as_is(format!(
                "{} rules are too many; give at most {MAX_RULES}.",
                rules.len()
            ));
            faults.wrong("/major_rules", "too-many", message);
        }
        for (place, rule) in rules.iter().enumerate() {
            let at = |field: &str| format!("/major_rules/{place}{field}");
            text::name(&at("/name"), &rule.name, faults);
            if rules[..place].iter().any(|earlier| earlier.name == rule.name) {
                let message = Said::as_is(format!(
                    "`{}` is used twice; the names of rules must be unique.",
                    rule.name
                ));
                faults.wrong(&at("/name"), "twice", message);
            }
            rule.when.check(&at, faults);
            if let MajorOutcome::Promote { update_minutes, .. } = rule.then
                && !UPDATE_MINUTES.contains(&update_minutes)
            {
                let (least, most) = (UPDATE_MINUTES.start(), UPDATE_MINUTES.end());
                let message = Said::as_is(format!(
                    "{update_minutes} is not valid; use {least} to {most} minutes."
                ));
                faults.wrong(&at("/promote/update_minutes"), "out-of-range", message);
            }
        }
    }

    fn reason(&self, signs: MajorSigns) -> String {
        let mut found = Vec::new();
        if self.when.priority_at_most.is_some() {
            found.push(said!("priority {level}", level = signs.priority));
        }
        if let (Some(_), Some(criticality)) = (self.when.criticality_at_least, signs.criticality) {
            found.push(said!("criticality {criticality}", criticality = criticality.as_str()));
        }
        if self.when.children_more_than.is_some() {
            found.push(said!("{count} children", count = signs.children));
        }
        said!("rule `{rule}`: {signs}", rule = self.name, signs = Part::all(found)).into()
    }
}

impl MajorOutcome {
    /// Who leads what it promotes.
    #[must_use]
    pub const fn led_by(&self) -> Option<Leadership> {
        match self {
            Self::Propose => None,
            Self::Promote { led_by, .. } => Some(*led_by),
        }
    }
}

impl MajorWhen {
    fn matches(&self, signs: MajorSigns) -> bool {
        self.priority_at_most.is_none_or(|most| signs.priority <= most)
            && self.criticality_at_least.is_none_or(|least| signs.criticality >= Some(least))
            && self.children_more_than.is_none_or(|bound| signs.children > bound)
    }

    fn check(&self, at: &dyn Fn(&str) -> String, faults: &mut Faults) {
        if *self == Self::default() {
            let message = Said::as_is(
                "A rule needs a condition; give `priority_at_most`, \
                           `criticality_at_least` or `children_more_than`.",
            );
            faults.missing(&at(""), message);
        }
        let lowest = Matrix::LOWEST;
        if let Some(given) =
            self.priority_at_most.filter(|given| !(1..=lowest.0).contains(&given.0))
        {
            let message = Said::as_is(format!(
                "{given} is not a valid priority; use 1 (highest) to {lowest} (lowest)."
            ));
            faults.wrong(&at("/priority_at_most"), "out-of-range", message);
        }
        if let Some(given) = self.children_more_than.filter(|given| *given >= MAX_CHILDREN) {
            let message = Said::as_is(format!(
                "{given} is too high; an incident can have at most {MAX_CHILDREN} children."
            ));
            faults.wrong(&at("/children_more_than"), "out-of-range", message);
        }
    }
}

impl Ticket {
    /// Whether trigger rules look at it: an incident that is worked on, is no part of another and
    /// was never proposed.
    #[must_use]
    pub fn may_become_major(&self) -> bool {
        self.kind() == TicketKind::Incident
            && self.phase().is_active()
            && self.parent.is_none()
            && self.major_state() == MajorState::None
    }

    /// The signs that trigger rules look at.
    #[must_use]
    pub fn major_signs(&self, children: u32, directory: &dyn Lookup) -> MajorSigns {
        let service = self.service.and_then(|id| directory.service(id)).map(|it| it.criticality);
        let ci = self.ci.and_then(|id| directory.ci(id)).map(|it| it.criticality);
        MajorSigns { priority: self.priority.effective().0, criticality: service.max(ci), children }
    }

    /// Does what a rule says that has found it. Where somebody whom it names can't lead any more,
    /// the incident is proposed, and the reason says so.
    pub fn trigger_major<'a>(
        &mut self,
        rule: &MajorRule,
        signs: MajorSigns,
        person: impl Fn(PersonId) -> Option<&'a Person>,
        now: DateTime<Utc>,
    ) -> Vec<MajorMove> {
        let reason = rule.reason(signs);
        let changes = self.becomes(Major::Proposed, now);
        let mut moves =
            vec![MajorMove { action: Action::ProposeMajor, changes, reason: reason.clone() }];
        let MajorOutcome::Promote { led_by, update_minutes } = rule.then else { return moves };
        let mut faults = Faults::new();
        for id in [led_by.manager, led_by.communication_owner] {
            match person(id) {
                Some(person) => able("", person, &mut faults),
                None => faults.missing("", Said::as_is("There is no such person.")),
            }
        }
        if faults.is_empty() {
            let next_update_at = now + TimeDelta::minutes(update_minutes.into());
            let major = Major::Accepted { led_by, next_update_at, update_missed: false };
            let changes = self.becomes(major, now);
            moves.push(MajorMove { action: Action::AcceptMajor, changes, reason });
        } else {
            moves[0].reason.push_str(
                "; not accepted, because the rule names a person who is no longer an active agent: \
                 correct `major_rules`",
            );
        }
        moves
    }

    fn becomes(&mut self, major: Major, now: DateTime<Utc>) -> Vec<FieldChange> {
        let before = self.clone();
        self.set_major(major);
        self.record_changes(&before, None, now)
    }
}
