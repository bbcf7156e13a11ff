//! Major incidents: one person leads the work, another keeps everybody informed, at times that were
//! promised.
//!
//! ```text
//! none, rejected ──propose──▶ proposed ──accept──▶ accepted ──resolve──▶ review ──finish──▶ done
//! proposed ──reject──▶ rejected                    accepted ◀──reopen── review
//! ```
//!
//! What is done stays done: an incident that is reopened after its review is worked on as any
//! other.

#[cfg(test)]
mod table;
mod trigger;

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    event::FieldChange,
    ids::{PersonId, TicketId},
    name::names,
    person::Person,
    refusal::{Faults, Refused},
    role::Role,
    said,
    said::Part,
    ticket::{
        self, Action, Facts, FieldType, From, MAX_ESCALATION_LEVEL, Notice, Obstacle, Phase, Row,
        State, Ticket, Turn, input, need, row,
    },
};

pub use self::trigger::{MajorMove, MajorOutcome, MajorRule, MajorSigns, MajorWhen};

/// The rows of major incidents.
pub(super) const ROWS: &[Row] = &[
    row(Action::ProposeMajor, "Propose it as a major incident")
        .takes(&[need("reason", FieldType::Reason, "Why it is a major incident.")])
        .unless(|ticket, _| ticket.must_stand(&[MajorState::None, MajorState::Rejected]))
        .by(propose)
        .tells(Notice::MajorChanged),
    row(Action::AcceptMajor, "Accept it as a major incident")
        .takes(&[
            need("manager", FieldType::Person, "The major incident manager, an agent."),
            need("communication_owner", FieldType::Person, "The communication owner, an agent."),
            need("next_update_at", FieldType::Time, "When the next update is due."),
        ])
        .unless(|ticket, _| ticket.must_stand(&[MajorState::Proposed]))
        .by(accept)
        .tells(Notice::MajorChanged),
    // A proposal that outlived the trouble can still be turned down.
    row(Action::RejectMajor, "Reject it as a major incident")
        .wherever(From::NotOver)
        .takes(&[need("reason", FieldType::Reason, "Why it is not a major incident.")])
        .unless(|ticket, _| ticket.must_stand(&[MajorState::Proposed]))
        .by(reject)
        .tells(Notice::MajorChanged),
    row(Action::UpdateMajor, "Post a status update")
        .takes(&[
            need("text", FieldType::Text, "The status update, posted as a public comment."),
            need("next_update_at", FieldType::Time, "When the next update is due."),
            input(
                "manager",
                FieldType::Person,
                "The new major incident manager; unchanged if omitted.",
            ),
            input(
                "communication_owner",
                FieldType::Person,
                "The new communication owner; unchanged if omitted.",
            ),
        ])
        .unless(|ticket, _| ticket.must_stand(&[MajorState::Accepted]))
        .by(update)
        .tells(Notice::Commented),
    row(Action::FinishMajor, "Complete the major incident review")
        .from(&[State::Resolved])
        .takes(&[need(
            "review_note",
            FieldType::Text,
            "Lessons learned; visible to everybody who can see the incident.",
        )])
        .unless(|ticket, _| ticket.must_stand(&[MajorState::Review]))
        .by(finish)
        .tells(Notice::MajorChanged),
];

/// After a reopening, what was promised went with the resolution. So long is enough to see what is
/// wrong again, and short enough that nobody believes it is over.
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

/// What everybody of the organization may know of an accepted major incident, whether they may read
/// the incident or not: its heading, where it stands, and the last update. Updates are written for
/// everybody concerned, and the heading is accepted by whoever accepts the incident; nothing else
/// of it was written for so many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicMajor {
    /// Which incident.
    pub id: TicketId,
    /// The number people use.
    pub number: String,
    /// What it is about.
    pub short_description: String,
    /// Where it stands.
    pub state: State,
    /// Since when.
    pub opened_at: DateTime<Utc>,
    /// What was last told; none before the first update.
    pub last_update: Option<PublicUpdate>,
}

/// An update on a major incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUpdate {
    /// What was told.
    pub text: String,
    /// When.
    pub at: DateTime<Utc>,
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

    /// Goes into review with the resolution, and comes back with the reopening, however the
    /// incident got there.
    pub(crate) fn follow(&mut self, phase: Phase, now: DateTime<Utc>) {
        match self {
            Self::Accepted { led_by, .. } if phase == Phase::Done => {
                *self = Self::Review { led_by: *led_by };
            }
            Self::Review { led_by } if phase.is_active() => {
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

    /// What events tell of it; nothing of an incident as any other.
    pub(crate) fn add_facts(&self, facts: &mut Facts) {
        if *self == Self::None {
            return;
        }
        facts.add("major_state", self.state());
        if let Some(led_by) = self.led_by() {
            facts.add("manager", led_by.manager);
            facts.add("communication_owner", led_by.communication_owner);
        }
        facts.add_time("next_update_at", self.next_update_at());
        if let Self::Accepted { update_missed: true, .. } = self {
            facts.add("update_missed", true);
        }
        if let Self::Done { review_note, .. } = self {
            facts.add("review_note", review_note);
        }
    }
}

/// What keeps a major incident from being closed, cancelled, merged or converted.
pub(crate) fn against_ending(ticket: &Ticket, action: Action) -> Option<Obstacle> {
    match (ticket.major_state(), action) {
        (MajorState::Accepted, _) => Some(Obstacle::Guard(said!(
            "An accepted major incident must be resolved and reviewed; resolve it first."
        ))),
        (MajorState::Review, Action::Close) => Some(Obstacle::Guard(said!(
            "The major incident review is outstanding; use `{finish_major}` first.",
            finish_major = Action::FinishMajor
        ))),
        (
            MajorState::None
            | MajorState::Proposed
            | MajorState::Review
            | MajorState::Done
            | MajorState::Rejected,
            _,
        ) => None,
    }
}

/// Says that it is a major incident. What was rejected is proposed again by a person only, so that
/// no program asks the same question over and over.
fn propose(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    turn.fields_are_right()?;
    if ticket.major_state() == MajorState::Rejected && turn.by.person.is_none() {
        return Err(Refused::guard(said!(
            "It was rejected, so only a person can propose it again; use a person's token."
        )));
    }
    ticket.set_major(Major::Proposed);
    Ok(())
}

/// Accepts it as a major incident: from now on somebody leads it, and the next update is promised.
fn accept(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    let (manager, owner) = (leader("manager", turn), leader("communication_owner", turn));
    turn.must_come("next_update_at");
    turn.fields_are_right()?;
    let (Some(manager), Some(communication_owner), Some(next_update_at)) =
        (manager, owner, turn.given.time("next_update_at"))
    else {
        return Ok(());
    };
    let led_by = Leadership { manager, communication_owner };
    ticket.set_major(Major::Accepted { led_by, next_update_at, update_missed: false });
    Ok(())
}

/// Says that it is not a major incident.
fn reject(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    turn.fields_are_right()?;
    ticket.set_major(Major::Rejected);
    Ok(())
}

/// Tells everybody concerned where it stands, and when they hear of it next. The text is a public
/// comment. At the end of a shift, others are named who lead it from then on.
fn update(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    let (manager, owner) = (leader("manager", turn), leader("communication_owner", turn));
    turn.must_come("next_update_at");
    ticket::comment(ticket, turn)?;
    if let (Some(led_by), Some(next_update_at)) =
        (ticket.led_by(), turn.given.time("next_update_at"))
    {
        let led_by = Leadership {
            manager: manager.unwrap_or(led_by.manager),
            communication_owner: owner.unwrap_or(led_by.communication_owner),
        };
        ticket.set_major(Major::Accepted { led_by, next_update_at, update_missed: false });
    }
    Ok(())
}

/// Ends the review, with what was learned.
fn finish(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    turn.fields_are_right()?;
    let review_note = turn.given.text("review_note").unwrap_or_default().to_owned();
    if let Some(led_by) = ticket.led_by() {
        ticket.set_major(Major::Done { led_by, review_note });
    }
    Ok(())
}

impl Ticket {
    /// Where it stands as a major incident; any other kind never is one.
    #[must_use]
    pub fn major_state(&self) -> MajorState {
        self.incident().map_or(MajorState::None, |incident| incident.major.state())
    }

    /// Who leads it as a major incident, or led it.
    #[must_use]
    pub fn led_by(&self) -> Option<Leadership> {
        self.incident().and_then(|incident| incident.major.led_by())
    }

    pub(super) fn set_major(&mut self, major: Major) {
        if let Some(incident) = self.incident_mut() {
            incident.major = major;
        }
    }

    /// What stands against an action that is for other major incidents than this one.
    fn must_stand(&self, allowed: &[MajorState]) -> Option<Obstacle> {
        let state = self.major_state();
        let why = || {
            Obstacle::Standing(said!(
                "whose `{major_state}` is `{state}`",
                major_state = Part::field("major_state"),
                state
            ))
        };
        (!allowed.contains(&state)).then(why)
    }

    /// Notes that the promised time passed without an update, and escalates the incident, as long
    /// as there is a higher level. Once for each promise: nothing changes for one that was noted,
    /// or that is still to come.
    pub fn miss_update(&mut self, now: DateTime<Utc>) -> Vec<FieldChange> {
        let before = self.clone();
        match self.incident_mut().map(|incident| &mut incident.major) {
            Some(Major::Accepted { next_update_at, update_missed, .. })
                if *next_update_at <= now && !*update_missed =>
            {
                *update_missed = true;
            }
            Some(_) | None => return Vec::new(),
        }
        self.escalation_level = (self.escalation_level + 1).min(MAX_ESCALATION_LEVEL);
        self.record_changes(&before, None, now)
    }
}

/// Whoever leads a major incident works at the desk; notes why somebody can't.
fn leader(name: &str, turn: &mut Turn<'_>) -> Option<PersonId> {
    let id = turn.given.person(name)?;
    if let Some(person) = turn.beside.people.get(&id) {
        able(&format!("/{name}"), person, &mut turn.faults);
    }
    Some(id)
}

fn able(pointer: &str, person: &Person, faults: &mut Faults) {
    let is_of_desk = match person.role {
        Role::Agent | Role::Admin => true,
        Role::Requester | Role::Auditor => false,
    };
    if !person.active {
        faults.wrong(
            pointer,
            "inactive",
            said!("{name} is no longer active; name an active agent.", name = person.name),
        );
    } else if !is_of_desk {
        let message = said!(
            "{name} is not an agent; name a person with the role agent or admin.",
            name = person.name
        );
        faults.wrong(pointer, "not-an-agent", message);
    }
}
