//! Invariants: what is true of every stored record, whatever happened to it.
//!
//! Most of them the database keeps by itself: every ticket has a team, what is done has an outcome
//! with time and actor, what is cancelled has a reason. Those here span several tables, so they are
//! checked by a report.

use crate::name::names;

/// What is true of every ticket and its history, and of what is counted and listed about tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// Its events are numbered 1, 2, 3, …: none is missing.
    HistoryIsWhole,
    /// No event is earlier than the one before it.
    HistoryGoesForward,
    /// Each event by a person names the person.
    EventsNameTheirActor,
    /// `reopen_count` is the number of its reopenings.
    ReopeningsAreCounted,
    /// A request has an open approval while it awaits approval, and only then.
    OpenApprovalIsAwaited,
    /// What is over has no task that somebody still has to do.
    EndedHasNoOpenTask,
    /// What was cancelled, merged or converted is no parent of an incident that is not over.
    CancelledHasNoChild,
    /// No event is later than its ticket's last change, so whoever asks what has changed since a
    /// moment hears of every event since.
    ChangesAreDated,
    /// A team's count of open tickets is how many it has.
    OpenTicketsAreCounted,
    /// The people whom a ticket concerns are listed: its opener, its watchers, a task's assignee.
    ConcernedAreListed,
    /// A ticket is listed under each of its tags, and no other.
    TaggedAreListed,
}

names!("invariant", Invariant {
    HistoryIsWhole => "history_is_whole",
    HistoryGoesForward => "history_goes_forward",
    EventsNameTheirActor => "events_name_their_actor",
    ReopeningsAreCounted => "reopenings_are_counted",
    OpenApprovalIsAwaited => "open_approval_is_awaited",
    EndedHasNoOpenTask => "ended_has_no_open_task",
    CancelledHasNoChild => "cancelled_has_no_child",
    ChangesAreDated => "changes_are_dated",
    OpenTicketsAreCounted => "open_tickets_are_counted",
    ConcernedAreListed => "concerned_are_listed",
    TaggedAreListed => "tagged_are_listed",
});

/// A record of which an invariant does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What should be true of it.
    pub invariant: Invariant,
    /// The ticket's number, or the team's id.
    pub record: String,
}
