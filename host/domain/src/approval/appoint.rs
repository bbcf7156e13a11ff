//! Appointing a voter: the action by which administrators let somebody else vote, whatever became
//! of whoever was asked.

use crate::{
    approval::{Approval, Duties, NotAppointed},
    ids::ApprovalRequestId,
    refusal::Refused,
    said,
    said::{Part, Said},
    ticket::{Action, Ticket, Turn},
};

/// Asks a person for one vote of the open approval: for the request that is named, or for a vote
/// that nobody is asked for.
pub(crate) fn appoint_voter(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    check_person(ticket, turn);
    let open = turn.beside.round.clone().filter(Approval::is_open);
    let request = named_request(open.as_ref(), turn);
    turn.fields_are_right()?;
    let (Some(to), Some(id)) = (turn.given.person("person"), turn.beside.new_vote) else {
        return Ok(());
    };
    let Some(mut round) = open else {
        return Err(Refused::guard(said!("No approval is open, so there is no vote to reassign.")));
    };
    match round.appoint_by_hand(request, to, id, turn.now) {
        Ok(appointed) => {
            turn.left.changes.extend(appointed.changes);
            if appointed.asked.is_empty() {
                // The stage of the vote is not open yet: they hear of it when it is.
                turn.left.tells = Some(None);
            }
            turn.left.asked = appointed.asked;
            turn.left.round = Some(round);
            Ok(())
        }
        Err(NotAppointed::NotAwaited(why)) => Err(ticket.refuse(Action::AppointVoter, why.said())),
        Err(NotAppointed::NothingVacant) => Err(Refused::guard(said!(
            "Every vote is asked of somebody; name the `{request}` to reassign.",
            request = Part::field("request")
        ))),
        Err(NotAppointed::Unknown) => {
            turn.faults.wrong("/request", "unknown", unknown());
            turn.fields_are_right()
        }
        Err(NotAppointed::Repeated) => {
            let message = said!("This person already has a vote in this step; name somebody else.");
            turn.faults.wrong("/person", "repeated", message);
            turn.fields_are_right()
        }
    }
}

fn unknown() -> Said {
    said!("There is no such request in the open approval; `GET …/approvals` lists them.")
}

/// Notes what stands against the person as a voter.
fn check_person(ticket: &Ticket, turn: &mut Turn<'_>) {
    let Some(person) = turn.given.person("person") else { return };
    let found = turn.beside.people.get(&person);
    if found.is_none_or(|found| !found.can_vote_in(ticket.org)) {
        let message = said!(
            "This person cannot vote here: they are not active, an auditor, or a \
                       requester of another organization. Name somebody else."
        );
        turn.faults.wrong("/person", "cannot-vote", message);
    } else if !Duties::about(ticket).allow(person) {
        let message = said!("Nobody votes on their own request or work; name somebody else.");
        turn.faults.wrong("/person", "separation-of-duties", message);
    }
}

/// The request that is named, if one is; notes one that the open approval does not have.
fn named_request(open: Option<&Approval>, turn: &mut Turn<'_>) -> Option<ApprovalRequestId> {
    let named = turn.given.text("request")?;
    let id = named.parse().ok();
    let is_known = match (open, id) {
        (Some(round), Some(id)) => round.find(id).is_some(),
        // Without an approval nothing is wrong with the id alone.
        (None, Some(_)) => true,
        (_, None) => false,
    };
    if !is_known {
        turn.faults.wrong("/request", "unknown", unknown());
    }
    id
}
