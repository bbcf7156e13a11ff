//! Endings: how a ticket is closed, cancelled, merged or converted, and how a resolved one is
//! reopened.

use chrono::{DateTime, Utc};

use crate::{
    approval::Approval,
    event::FieldChange,
    ids::TicketId,
    incident::MAX_CHILDREN,
    priority::Priority,
    refusal::Refused,
    said,
    said::Part,
    ticket::{
        Action, CancelOutcome, Cancellation, Closing, Code, Details, MAX_WATCHERS, Stage, State,
        Ticket, TicketKind, Turn,
    },
};

/// Opens it again, because whoever it is for objects. Only while the organization's window is open;
/// the old outcome stays in the history.
pub(crate) fn reopen(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    turn.fields_are_right()?;
    if !ticket.can_reopen(turn.settings, turn.now) {
        return Err(Refused::guard(said!(
            "It could be reopened only within {days} days; open a new ticket instead.",
            days = turn.settings.reopen_window_days
        )));
    }
    ticket.stage = Stage::Open(ticket.rules().at_work);
    ticket.count_reopening(turn.now);
    Ok(())
}

/// Records how it was done: in the state of the phase done that its kind has.
pub(crate) fn finish(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    turn.fields_are_right()?;
    let rules = ticket.rules();
    let notes = turn.given.text(&format!("{}_notes", rules.outcome)).unwrap_or_default().to_owned();
    let code = turn.given.choice(&format!("{}_code", rules.outcome));
    turn.left.reason = Some(notes.clone());
    ticket.stage = Stage::Done(rules.done(), turn.outcome(code, notes));
    Ok(())
}

/// Ends it for good.
pub(crate) fn close(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    turn.fields_are_right()?;
    if let Stage::Done(_, outcome) = &ticket.stage {
        let closing = Closing { at: turn.now, by: turn.by.clone() };
        ticket.stage = Stage::Closed(State::Closed, outcome.clone(), closing);
    }
    Ok(())
}

/// Withdraws it.
pub(crate) fn cancel(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    turn.fields_are_right()?;
    let reason = turn.given.text("reason").unwrap_or_default().to_owned();
    ticket.cancelled(CancelOutcome::Withdrawn, reason, turn);
    Ok(())
}

/// Ends it, because it is about the same as another ticket, which goes on and keeps its people
/// informed.
pub(crate) fn merge_into(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    check_merge(ticket, turn);
    turn.fields_are_right()?;
    let Some(mut target) = turn.beside.target.clone() else { return Ok(()) };
    if target.phase().is_over() {
        return Err(Refused::guard(said!(
            "{number} is {state}; name a ticket that is neither closed nor cancelled.",
            number = target.number,
            state = target.state()
        )));
    }
    let children = turn.beside.children;
    if children > 0 && children.saturating_add(turn.beside.target_children) > MAX_CHILDREN {
        return Err(Refused::guard(said!(
            "Its children would go to {number}, or to the parent of that, which can have {most} \
             children; clear the `{parent}` of some first.",
            number = target.number,
            most = MAX_CHILDREN,
            parent = Part::field("parent")
        )));
    }
    target.watchers.extend(ticket.watchers.iter().copied());
    target.watchers.extend(ticket.requester.filter(|person| target.requester != Some(*person)));
    if target.watchers.len() > MAX_WATCHERS {
        return Err(Refused::guard(said!(
            "{number} would have more than {most} watchers; remove some of either ticket first.",
            number = target.number,
            most = MAX_WATCHERS
        )));
    }
    if let (Some(known), Some(going_on)) = (ticket.incident(), target.incident_mut()) {
        going_on.problem = going_on.problem.or(known.problem);
        going_on.affected_users = going_on.affected_users.max(known.affected_users);
    }
    ticket.cancelled(
        CancelOutcome::MergedInto(target.id),
        said!("duplicate of {number}", number = target.number).into(),
        turn,
    );
    turn.left.target_changes.push(led_from("merged_from", ticket));
    turn.left.reason = Some(said!("merged into {number}", number = target.number).into());
    turn.left.text = Some(target.takes_its_place());
    turn.beside.target = Some(target);
    Ok(())
}

/// Notes what stands against being the same as the ticket that is named.
pub(crate) fn check_merge(ticket: &Ticket, turn: &mut Turn<'_>) {
    let Some(target) = &turn.beside.target else { return };
    if target.id == ticket.id {
        let message = said!("A ticket cannot be merged into itself; name another one.");
        turn.faults.wrong("/target", "itself", message);
    } else if target.parent == Some(ticket.id) {
        let message = said!(
            "{number} is a child of this ticket; merge it into this one instead, or clear its `{parent}` \
             first.",
            number = target.number,
            parent = Part::field("parent")
        );
        turn.faults.wrong("/target", "its-child", message);
    } else if target.org != ticket.org || target.kind() != ticket.kind() {
        let message = said!(
            "Name {kind} of the same organization; convert this ticket first if necessary.",
            kind = ticket.kind()
        );
        turn.faults.wrong("/target", "other-kind", message);
    }
}

/// Makes another kind of ticket of it: this one ends, and the new one starts in its first state
/// with the same facts. The old number leads to the new ticket. Comments stay with the old one,
/// whose number stands at the new one.
pub(crate) fn convert(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    let to: Option<TicketKind> = turn.given.choice("to");
    if let Some(kind) = to.filter(|kind| *kind == ticket.kind()) {
        let message = said!("It is already {kind}.", kind);
        turn.faults.wrong("/to", "same-kind", message);
    }
    let is_for_somebody = to.is_some_and(|kind| kind.rules().has_requester());
    let requester = ticket.requester.or(turn.by.person).filter(|_| is_for_somebody);
    if is_for_somebody && requester.is_none() {
        let message =
            said!("The ticket has no requester; use a person's token to become its requester.");
        turn.faults.wrong("/to", "no-requester", message);
    }
    turn.fields_are_right()?;
    let (Some(to), Some(id)) = (to, turn.beside.new_id) else { return Ok(()) };
    if turn.beside.round.as_ref().is_some_and(Approval::is_open) {
        return Err(Refused::guard(said!(
            "An approval is pending; `{revise}` or `{cancel}` the ticket first.",
            revise = Action::Revise,
            cancel = Action::Cancel
        )));
    }
    let mut converted = ticket.converted(to, id, turn);
    converted.requester = requester;
    if !is_for_somebody {
        // Whoever reported it has their own ticket; this one is the desk's.
        converted.opened_by = turn.by.person;
        converted.watchers.clear();
    }
    turn.left.opened = Some(converted);
    let reason = turn.given.text("reason").unwrap_or_default().to_owned();
    if let Some(problem) = ticket.problem_mut() {
        // A problem is settled, never cancelled: the outcome says that it was none.
        problem.converted_to = Some(id);
        ticket.stage = Stage::Done(State::Resolved, turn.outcome(Some(Code::Cancelled), reason));
    } else {
        ticket.cancelled(CancelOutcome::ConvertedTo(id), reason, turn);
    }
    Ok(())
}

/// The pointer from a ticket that goes on back to the one that led to it, where its earlier
/// comments are read.
pub(crate) fn led_from(field: &str, source: &Ticket) -> FieldChange {
    FieldChange { field: field.to_owned(), before: None, after: Some(source.number.clone()) }
}

impl Ticket {
    pub(crate) fn cancelled(&mut self, outcome: CancelOutcome, reason: String, turn: &Turn<'_>) {
        let (at, by) = (turn.now, turn.by.clone());
        self.stage = Stage::Cancelled(Cancellation { outcome, reason, at, by });
    }

    fn converted(&self, to: TicketKind, id: TicketId, turn: &Turn<'_>) -> Self {
        let now = turn.now;
        Self {
            id,
            number: String::new(),
            stage: Stage::Open(to.rules().states[0].0),
            details: Details::of(to),
            // The other system's number stays with the ticket that it was given for.
            external_ref: None,
            priority: Priority { manual: None, ..self.priority.clone() },
            parent: None,
            assignee: None,
            reassignment_count: 0,
            reopen_count: 0,
            last_reopened_at: None,
            triaged_at: None,
            acknowledged_at: None,
            first_response_at: None,
            eta: None,
            escalation_level: 0,
            policy_failures: None,
            created_at: now,
            updated_at: now,
            state_since: now,
            waiting_since: now,
            version: 1,
            ..self.clone()
        }
    }

    /// The ticket that goes on instead of it, now that it has ended: what it was merged into, or
    /// converted to, or the problem that it is a duplicate of.
    #[must_use]
    pub fn goes_on_in(&self) -> Option<TicketId> {
        match &self.stage {
            Stage::Cancelled(end) => end.outcome.ticket(),
            Stage::Done(..) | Stage::Closed(..) => {
                let problem = self.problem()?;
                problem.converted_to.or(problem.duplicate_of)
            }
            Stage::Open(_) | Stage::OnHold(_) | Stage::Rejected(_) => None,
        }
    }

    /// What people hear of a ticket in whose place this one goes on.
    #[must_use]
    pub fn takes_its_place(&self) -> String {
        said!("It goes on as {number}.", number = self.number).into()
    }

    /// What people hear of a ticket that another one was merged into. No more than its number: what
    /// it says is not everybody's to read.
    #[must_use]
    pub fn was_merged(source: &str) -> String {
        said!("{number} was merged into it.", number = source).into()
    }

    /// Becomes what another's move has made of it. Returns what changed.
    pub fn absorb(&mut self, after: Self, now: DateTime<Utc>) -> Vec<FieldChange> {
        let before = std::mem::replace(self, after);
        self.record_changes(&before, None, now)
    }

    /// What the first event of a converted ticket says of the one that it was.
    #[must_use]
    pub fn converted_from(source: &Self) -> FieldChange {
        led_from("converted_from", source)
    }
}
