//! Major incidents: one person leads the work, another keeps everybody informed, at times that were promised.
//!
//! ```text
//! none, rejected ──propose──▶ proposed ──accept──▶ accepted ──resolve──▶ review ──finish──▶ done
//! proposed ──reject──▶ rejected                    accepted ◀──reopen── review
//! ```
//!
//! What is done stays done: an incident that is reopened after its review is worked on as any other.

#[cfg(test)]
mod table;
mod trigger;

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    directory::Lookup,
    event::{Actor, Change},
    ids::PersonId,
    name::names,
    person::Person,
    refusal::{Faults, Refused},
    role::Role,
    text,
    ticket::{Action, MAX_ESCALATION_LEVEL, State, Ticket},
};

pub use self::trigger::{MajorMove, MajorOutcome, MajorRule, MajorSigns, MajorWhen};

/// After a reopening, what was promised went with the resolution. So long is enough to see what is wrong again, and short
/// enough that nobody believes it is over.
const UPDATE_AFTER_REOPENING: TimeDelta = TimeDelta::minutes(30);

/// Where an incident stands as a major one, with the facts that are true only there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Major {
    /// An incident as any other.
    #[default]
    None,
    /// Somebody, or a rule, thinks that it is one.
    Proposed,
    /// It is none. Only a person proposes it again.
    Rejected,
    /// It is one.
    Accepted {
        /// Who leads it.
        led_by: Leadership,
        /// When everybody concerned hears of it next.
        next_update_at: DateTime<Utc>,
        /// Whether that time passed without an update, and somebody was told so.
        update_missed: bool,
    },
    /// Service is restored; what can be learned is not written down yet.
    Review {
        /// Who led it.
        led_by: Leadership,
    },
    /// Over, and reviewed.
    Done {
        /// Who led it.
        led_by: Leadership,
        /// What was learned.
        review_note: String,
    },
}

/// Who leads a major incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leadership {
    /// Decides what is done.
    pub manager: PersonId,
    /// Tells everybody concerned.
    pub communication_owner: PersonId,
}

/// Where an incident stands as a major one, without the facts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MajorState {
    /// An incident as any other.
    #[default]
    None,
    /// Somebody, or a rule, thinks that it is one.
    Proposed,
    /// It is one.
    Accepted,
    /// Service is restored; the review is not written.
    Review,
    /// Over, and reviewed.
    Done,
    /// It is none.
    Rejected,
}

names!("major state", MajorState {
    None => "none",
    Proposed => "proposed",
    Accepted => "accepted",
    Review => "review",
    Done => "done",
    Rejected => "rejected",
});

/// What accepting a major incident needs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Acceptance<'a> {
    /// Who decides what is done.
    pub manager: Option<&'a Person>,
    /// Who tells everybody concerned.
    pub communication_owner: Option<&'a Person>,
    /// When everybody concerned hears of it next.
    pub next_update_at: Option<DateTime<Utc>>,
}

/// What an update of a major incident tells.
#[derive(Debug, Clone, Copy, Default)]
pub struct MajorUpdate<'a> {
    /// Where it stands, for everybody concerned.
    pub text: Option<&'a str>,
    /// When they hear of it next.
    pub next_update_at: Option<DateTime<Utc>>,
    /// Who decides from now on what is done; none for who does.
    pub manager: Option<&'a Person>,
    /// Who tells from now on; none for who does.
    pub communication_owner: Option<&'a Person>,
}

impl Major {
    /// The state's name.
    #[must_use]
    pub const fn state(&self) -> MajorState {
        match self {
            Self::None => MajorState::None,
            Self::Proposed => MajorState::Proposed,
            Self::Rejected => MajorState::Rejected,
            Self::Accepted { .. } => MajorState::Accepted,
            Self::Review { .. } => MajorState::Review,
            Self::Done { .. } => MajorState::Done,
        }
    }

    /// Who leads it, or led it.
    #[must_use]
    pub const fn led_by(&self) -> Option<Leadership> {
        match self {
            Self::None | Self::Proposed | Self::Rejected => None,
            Self::Accepted { led_by, .. } | Self::Review { led_by } | Self::Done { led_by, .. } => {
                Some(*led_by)
            }
        }
    }

    /// When everybody concerned hears of it next.
    #[must_use]
    pub const fn next_update_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Accepted { next_update_at, .. } => Some(*next_update_at),
            Self::None
            | Self::Proposed
            | Self::Rejected
            | Self::Review { .. }
            | Self::Done { .. } => None,
        }
    }

    /// Goes into review with the resolution, and comes back with the reopening, however the incident got there.
    pub(crate) fn follow(&mut self, state: State, now: DateTime<Utc>) {
        match self {
            Self::Accepted { led_by, .. } if state == State::Resolved => {
                *self = Self::Review { led_by: *led_by };
            }
            Self::Review { led_by } if state.is_active() => {
                *self = Self::Accepted {
                    led_by: *led_by,
                    next_update_at: now + UPDATE_AFTER_REOPENING,
                    update_missed: false,
                };
            }
            Self::None
            | Self::Proposed
            | Self::Rejected
            | Self::Accepted { .. }
            | Self::Review { .. }
            | Self::Done { .. } => {}
        }
    }
}

impl MajorState {
    /// Whether it allows an action; what is no business of major incidents it always does.
    #[must_use]
    pub const fn allows(self, action: Action) -> bool {
        match action {
            Action::ProposeMajor => matches!(self, Self::None | Self::Rejected),
            Action::AcceptMajor | Action::RejectMajor => matches!(self, Self::Proposed),
            Action::UpdateMajor => matches!(self, Self::Accepted),
            Action::FinishMajor => matches!(self, Self::Review),
            _ => true,
        }
    }

    /// What stands against an action that would end the incident, and what helps.
    const fn against(self, action: Action) -> Option<&'static str> {
        match (self, action) {
            (
                Self::Accepted,
                Action::Close | Action::Cancel | Action::MergeInto | Action::Convert,
            ) => Some("it is an accepted major incident; resolve it, which leads to its review"),
            (Self::Review, Action::Close) => Some(
                "the review of this major incident is not written; finish it with a review_note first",
            ),
            _ => None,
        }
    }
}

impl Ticket {
    /// Refuses to end what is a major incident still.
    pub(crate) fn check_major(&self, action: Action) -> Result<(), Refused> {
        match self.major.state().against(action) {
            Some(why) => Err(Refused::guard(why)),
            None => Ok(()),
        }
    }

    /// Whether an action would be refused because it is a major incident still.
    pub(crate) fn is_kept_by_major(&self, action: Action) -> bool {
        self.major.state().against(action).is_some()
    }

    /// Says that it is a major incident. What was rejected is proposed again by a person only, so that no program asks
    /// the same question over and over.
    pub fn propose_major(
        &mut self,
        reason: Option<&str>,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        self.demand(Action::ProposeMajor)?;
        let mut faults = Faults::new();
        text::reason(reason, "say why it is a major incident", &mut faults);
        faults.finish()?;
        if self.major == Major::Rejected && by.person.is_none() {
            return Err(Refused::guard(
                "it was rejected, and only a person proposes it again; use a token that names one",
            ));
        }
        let before = self.clone();
        self.major = Major::Proposed;
        Ok(self.settle(&before, None, now))
    }

    /// Accepts it as a major incident: from now on somebody leads it, and the next update is promised.
    pub fn accept_major(
        &mut self,
        acceptance: Acceptance<'_>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        self.demand(Action::AcceptMajor)?;
        let mut faults = Faults::new();
        let manager = leader(
            "/manager",
            acceptance.manager,
            "name who decides what is done: an agent of the desk",
            &mut faults,
        );
        let communication_owner = leader(
            "/communication_owner",
            acceptance.communication_owner,
            "name who tells everybody concerned: an agent of the desk",
            &mut faults,
        );
        let next_update_at = promised(acceptance.next_update_at, now, &mut faults);
        let given = manager.zip(communication_owner).zip(next_update_at);
        let ((manager, communication_owner), next_update_at) = faults.finish_with(given)?;
        let before = self.clone();
        let led_by = Leadership { manager, communication_owner };
        self.major = Major::Accepted { led_by, next_update_at, update_missed: false };
        Ok(self.settle(&before, None, now))
    }

    /// Says that it is no major incident.
    pub fn reject_major(
        &mut self,
        reason: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        self.demand(Action::RejectMajor)?;
        let mut faults = Faults::new();
        text::reason(reason, "say why it is no major incident", &mut faults);
        faults.finish()?;
        let before = self.clone();
        self.major = Major::Rejected;
        Ok(self.settle(&before, None, now))
    }

    /// Tells everybody concerned where it stands, and when they hear of it next. The text is a public comment. At the end of
    /// a shift, others are named who lead it from then on.
    pub fn update_major(
        &mut self,
        update: MajorUpdate<'_>,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        self.demand(Action::UpdateMajor)?;
        let mut faults = Faults::new();
        text::body("/text", update.text, "tell everybody concerned where it stands", &mut faults);
        let next_update_at = promised(update.next_update_at, now, &mut faults);
        let manager = update.manager.map(|named| able("/manager", named, &mut faults));
        let pointer = "/communication_owner";
        let owner = update.communication_owner.map(|named| able(pointer, named, &mut faults));
        let next_update_at = faults.finish_with(next_update_at)?;
        let before = self.clone();
        self.comment(update.text, by, now)?;
        if let Some(led_by) = self.major.led_by() {
            let led_by = Leadership {
                manager: manager.unwrap_or(led_by.manager),
                communication_owner: owner.unwrap_or(led_by.communication_owner),
            };
            self.major = Major::Accepted { led_by, next_update_at, update_missed: false };
        }
        Ok(self.settle(&before, None, now))
    }

    /// Ends the review, with what was learned.
    pub fn finish_major(
        &mut self,
        review_note: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        self.demand(Action::FinishMajor)?;
        let mut faults = Faults::new();
        let review_note =
            text::body("/review_note", review_note, "write what was learned", &mut faults);
        faults.finish()?;
        let before = self.clone();
        if let Some(led_by) = self.major.led_by() {
            self.major = Major::Done { led_by, review_note };
        }
        Ok(self.settle(&before, None, now))
    }

    /// Notes that the promised time passed without an update, and takes the incident a step up, as long as there is one.
    /// Once for each promise: nothing changes for one that was noted, or that is still to come.
    pub fn miss_update(
        &mut self,
        reason: &str,
        directory: &dyn Lookup,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        let before = self.clone();
        match &mut self.major {
            Major::Accepted { next_update_at, update_missed, .. }
                if *next_update_at <= now && !*update_missed =>
            {
                *update_missed = true;
            }
            _ => return Ok(Vec::new()),
        }
        if self.escalation_level < MAX_ESCALATION_LEVEL {
            self.escalate(Some(self.escalation_level + 1), Some(reason), None, directory, now)?;
        }
        Ok(self.settle(&before, Some(directory), now))
    }
}

/// Somebody who must be named to lead a major incident.
fn leader(
    pointer: &str,
    named: Option<&Person>,
    what: &str,
    faults: &mut Faults,
) -> Option<PersonId> {
    let Some(person) = named else {
        faults.missing(pointer, what);
        return None;
    };
    Some(able(pointer, person, faults))
}

/// Somebody who leads a major incident works at the desk.
fn able(pointer: &str, person: &Person, faults: &mut Faults) -> PersonId {
    let is_of_desk = match person.role {
        Role::Agent | Role::Admin => true,
        Role::Requester | Role::Auditor => false,
    };
    if !person.active {
        faults.wrong(pointer, "inactive", format!("{} is not active any more", person.name));
    } else if !is_of_desk {
        let message =
            format!("{} is no agent; name somebody with the role agent or admin", person.name);
        faults.wrong(pointer, "not-an-agent", message);
    }
    person.id
}

fn promised(
    next_update_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    faults: &mut Faults,
) -> Option<DateTime<Utc>> {
    let pointer = "/next_update_at";
    match next_update_at {
        None => faults.missing(pointer, "promise when everybody concerned hears of it next"),
        Some(at) if at <= now => {
            faults.wrong(pointer, "in-the-past", "promise a time that is still to come");
        }
        Some(_) => {}
    }
    next_update_at
}
