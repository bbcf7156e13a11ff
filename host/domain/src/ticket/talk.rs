//! Talking: what the desk and the caller tell each other about a ticket.

use chrono::{DateTime, Days, Utc};

use crate::{
    comment::Visibility,
    event::ActorKind,
    organization::OrgSettings,
    refusal::Refused,
    said,
    ticket::{Action, Awaiting, Phase, Stage, Ticket, TicketKind, Turn},
};

/// Takes a public comment of the desk. The first one by a human is the first response, also by
/// whoever wrote the ticket down for the caller.
pub(crate) fn comment(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    turn.fields_are_right()?;
    answer(ticket, turn, "text");
    Ok(())
}

/// Says something to the caller.
pub(crate) fn answer(ticket: &mut Ticket, turn: &mut Turn<'_>, input: &str) {
    let is_human = matches!(turn.by.kind, ActorKind::User | ActorKind::Mail);
    let is_desk = turn.by.person.is_some_and(|person| Some(person) != ticket.requester);
    if is_human && is_desk && turn.given.text(input).is_some() {
        ticket.first_response_at.get_or_insert(turn.now);
    }
    turn.say(Visibility::Public, input);
}

/// Takes an internal note, which no requester ever sees. Also allowed when it is over.
pub(crate) fn note(_: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    turn.fields_are_right()?;
    turn.say(Visibility::Internal, "text");
    Ok(())
}

/// Notes that the desk has seen it. Said again, it changes nothing: the first time is kept.
#[expect(clippy::unnecessary_wraps, reason = "every move has this shape")]
pub(crate) fn acknowledge(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    ticket.acknowledged_at.get_or_insert(turn.now);
    Ok(())
}

/// Sets when service should be restored, of a request when it should be delivered; none withdraws
/// what was promised.
pub(crate) fn set_eta(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    turn.must_come("eta");
    turn.fields_are_right()?;
    let eta = turn.given.time("eta");
    match ticket.request_mut() {
        Some(request) => request.expected_at = eta,
        None => ticket.eta = eta,
    }
    Ok(())
}

/// Takes a reply of the caller.
///
/// An answer that was waited for ends the hold; an objection to a resolution reopens the incident,
/// unless the organization has switched that off; a reply to what is over opens another ticket.
/// What a watcher says is kept and moves nothing: neither the question nor the resolution was for
/// them. Where a problem goes on instead of the ticket, the reply is said there. Automatic mail is
/// no reply; whoever calls this has sorted it out.
pub(crate) fn caller_reply(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    turn.fields_are_right()?;
    if turn.beside.goes_on.as_ref().is_some_and(|end| !end.phase().is_over()) {
        turn.left.is_elsewhere = true;
        turn.say(Visibility::Public, "text");
        return Ok(());
    }
    if !turn.by.person.is_some_and(|person| ticket.is_of(person)) {
        if ticket.phase().is_over() {
            return Err(Refused::guard(said!(
                "{number} is {state}, and nobody reads it any more; open a ticket of your own.",
                number = ticket.number,
                state = ticket.state()
            )));
        }
        turn.say(Visibility::Public, "text");
        return Ok(());
    }
    let objects = ticket.kind() == TicketKind::Incident && turn.settings.caller_reply_reopens;
    match ticket.phase() {
        Phase::OnHold if ticket.stage.hold().is_some_and(|it| it.awaiting == Awaiting::Caller) => {
            ticket.stage = Stage::Open(ticket.rules().at_work);
        }
        Phase::Done if objects => {
            if !ticket.can_reopen(turn.settings, turn.now) {
                return open_another(ticket, turn);
            }
            ticket.stage = Stage::Open(ticket.rules().at_work);
            ticket.count_reopening(turn.now);
            turn.left.caused = Some(Action::Reopen);
        }
        Phase::Closed | Phase::Cancelled => return open_another(ticket, turn),
        Phase::Open | Phase::OnHold | Phase::Done | Phase::Rejected => {}
    }
    turn.say(Visibility::Public, "text");
    Ok(())
}

fn open_another(ticket: &Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    let reply = turn.given.text("text").unwrap_or_default();
    turn.left.opened = Some(ticket.following(reply, turn)?);
    turn.left.is_elsewhere = true;
    Ok(())
}

impl Ticket {
    /// When it was resolved or fulfilled, while it is not closed.
    #[must_use]
    pub fn done_at(&self) -> Option<DateTime<Utc>> {
        if let Stage::Done(_, outcome) = &self.stage { Some(outcome.at) } else { None }
    }

    /// Whether it was resolved or fulfilled recently enough to be reopened.
    #[must_use]
    pub fn can_reopen(&self, settings: &OrgSettings, now: DateTime<Utc>) -> bool {
        let window = Days::new(settings.reopen_window_days.into());
        self.done_at()
            .is_some_and(|done_at| done_at.checked_add_days(window).is_none_or(|end| now <= end))
    }

    pub(crate) fn count_reopening(&mut self, now: DateTime<Utc>) {
        self.reopen_count += 1;
        self.last_reopened_at = Some(now);
    }
}
