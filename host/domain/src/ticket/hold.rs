//! Holding: a ticket waits for somebody or something outside the desk.

use crate::{
    ids::TicketId,
    refusal::{Faults, Refused},
    said, text,
    ticket::{Awaiting, AwaitingKind, Hold, Stage, Ticket, Turn, talk::answer},
};

/// Puts it on hold. Holding it again for another reason starts a new wait; for the same reason it
/// is refused, because that would only hide how long it has waited.
pub(crate) fn hold(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    let awaiting = turn.given.choice("awaiting").and_then(|kind| awaiting(kind, turn));
    turn.must_come("follow_up_at");
    turn.fields_are_right()?;
    let Some(awaiting) = awaiting else { return Ok(()) };
    if let (AwaitingKind::Problem, Some(problem)) = (awaiting.kind(), &turn.beside.target) {
        problem.must_be_active()?;
    }
    if ticket.stage.hold().is_some_and(|hold| hold.awaiting == awaiting) {
        return Err(Refused::guard(said!(
            "It is already on hold for this {awaiting}; resume it, or give another reason.",
            awaiting = awaiting.kind()
        )));
    }
    let follow_up_at = turn.given.time("follow_up_at");
    ticket.stage = Stage::OnHold(Hold { awaiting, since: turn.now, follow_up_at });
    // The question to the caller is a public comment of the same command.
    answer(ticket, turn, "comment");
    Ok(())
}

/// Ends the hold: the desk works on it again.
#[expect(clippy::unnecessary_wraps, reason = "every move has this shape")]
pub(crate) fn resume(ticket: &mut Ticket, _: &mut Turn<'_>) -> Result<(), Refused> {
    ticket.stage = Stage::Open(ticket.rules().at_work);
    Ok(())
}

impl Ticket {
    /// Refuses to wait for a ticket that has ended: nothing would end the wait.
    pub fn must_be_active(&self) -> Result<(), Refused> {
        if self.phase().is_active() {
            return Ok(());
        }
        Err(Refused::guard(said!(
            "{number} is {state}; name an active ticket.",
            number = self.number,
            state = self.state()
        )))
    }

    /// Whether it is on hold for this problem.
    #[must_use]
    pub fn awaits_problem(&self, problem: TicketId) -> bool {
        self.stage.hold().is_some_and(|hold| hold.awaiting == Awaiting::Problem(problem))
    }

    /// An incident on hold for its problem waits for the one that it is linked to: nothing else
    /// would end the hold.
    pub(crate) fn waits_for_its_problem(&mut self, problem: Option<TicketId>, faults: &mut Faults) {
        let Stage::OnHold(hold) = &mut self.stage else { return };
        let Awaiting::Problem(awaited) = &mut hold.awaiting else { return };
        match problem {
            Some(problem) => *awaited = problem,
            None => faults.wrong(
                "/problem",
                "awaited",
                said!("The incident is on hold for this problem; resume it first."),
            ),
        }
    }
}

/// Whom or what it waits for; notes what is missing for it.
fn awaiting(kind: AwaitingKind, turn: &mut Turn<'_>) -> Option<Awaiting> {
    let (given, faults) = (turn.given, &mut turn.faults);
    match kind {
        AwaitingKind::Caller => {
            let what =
                said!("Give the question to the requester; it is posted as a public comment.");
            text::body("/comment", given.text("comment"), what, faults);
            Some(Awaiting::Caller)
        }
        AwaitingKind::Vendor => {
            let Some(vendor) = given.text("vendor") else {
                faults.missing("/vendor", said!("Name the vendor."));
                return None;
            };
            Some(Awaiting::Vendor(text::name("/vendor", vendor, faults)))
        }
        AwaitingKind::Evidence => {
            let person = given.person("person");
            if person.is_none() {
                faults.missing("/person", said!("Name the person who must supply the evidence."));
            }
            person.map(Awaiting::Evidence)
        }
        AwaitingKind::Problem => {
            let Some(problem) = turn.beside.target.as_ref() else {
                faults.missing("/problem", said!("Name the problem to be fixed first."));
                return None;
            };
            if problem.problem().is_none() {
                faults.wrong(
                    "/problem",
                    "other-kind",
                    said!("This ticket is not a problem; name a problem."),
                );
            }
            Some(Awaiting::Problem(problem.id))
        }
        AwaitingKind::Other => given.text("reason").map(|why| Awaiting::Other(why.to_owned())),
    }
}
