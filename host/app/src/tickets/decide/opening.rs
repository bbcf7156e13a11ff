//! Opening: categorize, prioritize, route, plan, in their one order.

use waypost_domain::{
    binding::Hook,
    directory::Lookup,
    ids::TeamId,
    proposal::{self, FieldsTaken},
    said,
    suggestion::SuggestedField,
    ticket::{Action, Notice, State, TicketKind},
};
use waypost_policy::{
    Answer,
    answer::{self, Strength},
};
use waypost_store::ci;

use super::{
    TicketDraft, approving,
    foresight::{Foresight, Receiver},
    proposals,
    run_blocking::{run_blocking, run_preview},
    system,
};
use crate::{Caller, CommandError, Desk, tickets::evaluation::PolicyAnswer};

/// Decides on tickets of one organization that have just come in, and gives them their numbers.
///
/// With `is_categorized`, a person has just said what they are, and `categorize` is not asked.
pub(crate) async fn open(
    desk: &Desk,
    caller: &Caller,
    opening: &mut Vec<TicketDraft>,
    is_categorized: bool,
) -> Result<(), CommandError> {
    unnumbered(desk, caller, opening, is_categorized).await?;
    give_numbers(desk, caller, opening).await
}

/// As [`open`], without numbers: those are taken for good.
async fn unnumbered(
    desk: &Desk,
    caller: &Caller,
    opening: &mut Vec<TicketDraft>,
    is_categorized: bool,
) -> Result<(), CommandError> {
    for one in opening.iter_mut() {
        let changes = one.write.ticket.first_changes(&one.facts);
        one.did(Action::Create, &one.by.clone(), changes);
    }
    if is_categorized {
        run_stage(desk, caller, opening, TicketDraft::route_and_plan).await?;
    } else {
        run_stage(desk, caller, opening, TicketDraft::categorize).await?;
        go_on_with_cis(desk, caller, opening).await?;
    }
    approving::look_up_approvers(desk, caller, opening).await?;
    for one in opening.iter_mut() {
        let by = one.by.clone();
        one.begin_approval(&by)?;
        one.happened(Notice::Created, &by, State::New);
        one.tell_of_approval();
    }
    Ok(())
}

/// Finds out what [`open`] would decide, and what nobody may hear of is left alone: numbers, and
/// the breakers of the policies.
///
/// # Errors
/// [`CommandError::Busy`] where too many previews ask policies, or one of those stalls.
pub(crate) async fn foresee(
    desk: &Desk,
    caller: &Caller,
    opening: &mut Vec<TicketDraft>,
) -> Result<(), CommandError> {
    let _receiver = only_foresee(opening);
    unnumbered(desk, caller, opening, false).await?;
    must_be_whole(opening)
}

/// Asks the policies again who should get stored tickets.
pub(crate) async fn route_again(
    desk: &Desk,
    caller: &Caller,
    routed: &mut Vec<TicketDraft>,
) -> Result<(), CommandError> {
    for one in routed.iter_mut() {
        one.did(Action::Reroute, &caller.actor, Vec::new());
    }
    let were: Vec<_> = routed.iter().map(|one| one.write.ticket.team).collect();
    run_stage(desk, caller, routed, TicketDraft::route).await?;
    for (one, was) in routed.iter_mut().zip(were) {
        if one.write.ticket.team != was {
            let state = one.write.ticket.state();
            one.happened(Notice::Assigned, &system(), state);
        }
    }
    Ok(())
}

/// Finds out what [`route_again`] would decide.
///
/// # Errors
/// As [`foresee`].
pub(crate) async fn foresee_routing(
    desk: &Desk,
    caller: &Caller,
    routed: &mut Vec<TicketDraft>,
) -> Result<(), CommandError> {
    let _receiver = only_foresee(routed);
    route_again(desk, caller, routed).await?;
    must_be_whole(routed)
}

/// What was cut short says nothing: other policies may have decided otherwise.
fn must_be_whole(drafts: &[TicketDraft]) -> Result<(), CommandError> {
    if drafts.iter().any(TicketDraft::is_cut_short) { Err(CommandError::Busy) } else { Ok(()) }
}

/// Makes a preview of drafts, which goes on until the receiver is dropped.
#[must_use]
pub(super) fn only_foresee(drafts: &mut [TicketDraft]) -> Receiver {
    let foresight = Foresight::default();
    for draft in drafts {
        draft.only_foresee(&foresight);
    }
    Receiver(foresight)
}

/// Runs what asks policies, where it may. Where none is bound there is nothing to wait for.
pub(super) async fn run_stage(
    desk: &Desk,
    caller: &Caller,
    items: &mut Vec<TicketDraft>,
    work: fn(&mut TicketDraft),
) -> Result<(), CommandError> {
    if items.iter().all(|one| one.facts.layers.is_empty()) {
        items.iter_mut().for_each(work);
        return Ok(());
    }
    let taken = std::mem::take(items);
    if taken.iter().any(|one| one.foresight.is_some()) {
        *items = run_preview(desk, caller.org, taken, work).await?;
        return Ok(());
    }
    *items = run_blocking(desk, caller.org, taken, work, TicketDraft::mark_busy).await?;
    Ok(())
}

/// Goes on with the tickets of which policies named configuration items that only the database
/// knows.
async fn go_on_with_cis(
    desk: &Desk,
    caller: &Caller,
    opening: &mut Vec<TicketDraft>,
) -> Result<(), CommandError> {
    let all = std::mem::take(opening).into_iter().enumerate();
    let (waiting, mut done): (Vec<_>, Vec<_>) = all.partition(|(_, one)| one.waits_for_cis());
    if !waiting.is_empty() {
        let (places, mut waiting): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        look_up_cis(desk, caller, &mut waiting).await?;
        run_stage(desk, caller, &mut waiting, TicketDraft::go_on).await?;
        done.extend(places.into_iter().zip(waiting));
        done.sort_by_key(|(place, _)| *place);
    }
    opening.extend(done.into_iter().map(|(_, one)| one));
    Ok(())
}

async fn look_up_cis(
    desk: &Desk,
    caller: &Caller,
    waiting: &mut [TicketDraft],
) -> Result<(), CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    for one in waiting {
        let named: Vec<String> = one.cis_named().map(str::to_owned).collect();
        for key in named {
            if let Some(found) = ci::find_by_key(&mut tx, &key).await? {
                one.facts.add_ci(&mut tx, found).await?;
            }
        }
    }
    Ok(())
}

/// Gives every ticket that has none its number.
pub(crate) async fn give_numbers(
    desk: &Desk,
    caller: &Caller,
    opening: &mut [TicketDraft],
) -> Result<(), CommandError> {
    for kind in TicketKind::ALL {
        let lacks = |one: &TicketDraft| {
            one.write.ticket.kind() == *kind && one.write.ticket.number.is_empty()
        };
        let how_many = opening.iter().filter(|one| lacks(one)).count();
        if how_many == 0 {
            continue;
        }
        let numbers = desk.numbers.take(&desk.store, caller.org, *kind, how_many).await?;
        let unnumbered = opening.iter_mut().filter(|one| lacks(one));
        for (one, number) in unnumbered.zip(numbers) {
            one.write.ticket.number = number;
        }
    }
    Ok(())
}

impl TicketDraft {
    /// Asks what it is. Where that names nothing that has to be looked up, it goes on at once, on
    /// the thread that it is on.
    fn categorize(&mut self) {
        self.asking.answers = self.ask(Hook::Categorize, None, |_, _| false);
        if !self.waits_for_cis() {
            self.go_on();
        }
    }

    /// Whether policies named a configuration item that is not known yet, and were not judged.
    fn waits_for_cis(&self) -> bool {
        let known = &self.facts.cis;
        self.cis_named().any(|key| !known.iter().any(|ci| ci.key.as_str() == key))
    }

    fn cis_named(&self) -> impl Iterator<Item = &str> {
        self.asking.answers.iter().filter_map(|said| {
            let Some(Answer::Categorization(answer)) = &said.answer else { return None };
            answer.ci.as_ref().map(|proposed| proposed.value.as_str())
        })
    }

    fn go_on(&mut self) {
        self.judge_categorizations();
        self.route_and_plan();
    }

    fn route_and_plan(&mut self) {
        self.route();
        if self.submits && self.write.ticket.kind() == TicketKind::Request {
            self.ask_plan();
        }
    }

    fn judge_categorizations(&mut self) {
        for said in std::mem::take(&mut self.asking.answers) {
            let Some(Answer::Categorization(answer)) = &said.answer else { continue };
            let by = self.name_of(&said);
            let judged = proposal::apply_categorization(
                &mut self.write.ticket,
                &proposals::categorization(answer),
                &by,
                &self.facts,
                &self.facts.directory.org.settings,
                &mut self.asking.taken,
                self.now,
            );
            self.record(&said, &judged, &answer.reasons);
            self.policy_did(Action::Categorize, &said, judged.changes, &answer.reasons);
        }
    }

    /// Asks until a policy names a team that can get the ticket. Without one, it stays where it is.
    fn route(&mut self) {
        let facts = self.facts.clone();
        let org = self.write.ticket.org;
        let said = self.ask(Hook::Route, None, |asked, answer| {
            let Answer::Assignment(answer::Assignment { team: Some(team), .. }) = answer else {
                return false;
            };
            super::proposer(&facts, "", asked).team(org, &team.value).is_ok()
        });
        let mut is_routed = false;
        for one in said {
            if let Some(Answer::Assignment(answer)) = &one.answer {
                is_routed |= self.judge_assignment(&one, answer);
            } else if one.failed
                && let Some(team) = one.asked.revision.fallback_team_at(Hook::Route)
            {
                is_routed |= self.fall_back(&one, team);
            }
        }
        if !is_routed && self.write.is_new {
            let reason = said!("no policy set a team; assigned to the fallback team");
            self.did_because(Action::Assign, &system(), Vec::new(), Some(reason.into()));
        }
    }

    fn judge_assignment(&mut self, said: &PolicyAnswer, answer: &answer::Assignment) -> bool {
        let is_known =
            |id| self.voters.people.contains_key(&id) || Some(id) == self.write.ticket.requester;
        let (proposed, notes) = proposals::assignment(answer, is_known);
        let by = self.name_of(said);
        let mut judged = proposal::apply_assignment(
            &mut self.write.ticket,
            &proposed,
            super::proposer(&self.facts, &by, &said.asked),
            &mut self.asking.taken,
            self.now,
        );
        judged.overruled.extend(notes);
        self.record(said, &judged, &answer.reasons);
        let sets_team = answer.team.as_ref().is_some_and(|team| team.strength == Strength::Set);
        let is_set = sets_team && self.asking.taken.by(SuggestedField::Team) == Some(by.as_str());
        self.policy_did(Action::Assign, said, judged.changes, &answer.reasons);
        is_set
    }

    /// The binding's own fallback: the team that gets the ticket when the policy fails.
    fn fall_back(&mut self, said: &PolicyAnswer, team: TeamId) -> bool {
        let Some(team) = self.facts.team(team).filter(|team| team.serves(self.write.ticket.org))
        else {
            let otherwise = self.otherwise(Hook::Route);
            let instead = said!(
                "{otherwise}; the binding's own fallback team does not serve the organization",
                otherwise
            );
            if let Some(asked) = &mut self.asking.evaluation {
                asked.set_fallback(said.receipt, instead.into());
            }
            return false;
        };
        let proposed = proposal::AssignmentProposal {
            team: Some(proposal::Proposed {
                value: team.key.to_string(),
                strength: proposal::Strength::Set,
                confidence: 100,
            }),
            ..proposal::AssignmentProposal::default()
        };
        // The binding names its team by id; in the team's own layer its key names no other.
        let fallback = proposal::Proposer {
            layer: team.org,
            ..super::proposer(&self.facts, "the fallback", &said.asked)
        };
        let changes = proposal::apply_assignment(
            &mut self.write.ticket,
            &proposed,
            fallback,
            &mut FieldsTaken::default(),
            self.now,
        )
        .changes;
        let policy = self.name_of(said);
        let reason = said!("{policy} failed; assigned to its fallback team", policy);
        self.did_because(Action::Assign, &system(), changes, Some(reason.into()));
        true
    }
}
