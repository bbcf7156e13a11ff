//! Approvals: who is asked, and how they vote.

mod refused;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use waypost_domain::{
    approval::{
        Approval, Ballot, Duties, Matter, SeatRequest, SeatState, Vote as Cast, VoteRefused,
    },
    ids::{ApprovalId, ApprovalRequestId, PersonId, TicketId},
    permission::{Forbidden, ForbiddenKind},
    refusal::Faults,
    role::Role,
    said,
    ticket::{Action, Ticket},
};
use waypost_store::{ReadTx, approval};

use crate::{
    Caller, CommandError, Desk, Missing,
    labels::person_name,
    refs,
    tickets::{
        Look, PersonName, PersonRef, TicketRef,
        content::content_digest,
        facts::Facts,
        names, read,
        scene::{self, Scene, start_over_if_stale},
    },
    vote_links::LinkUse,
};

/// A round of approval, with the names of the people in it.
#[derive(Debug, Clone)]
pub struct ApprovalView {
    /// The round.
    pub approval: Approval,
    /// The digest of the ticket's present content; a vote names it.
    pub content_digest: String,
    /// The names of everybody who holds a seat or votes.
    pub names: BTreeMap<PersonId, String>,
}

/// A vote that the caller may cast.
#[derive(Debug, Clone)]
pub struct WaitingVote {
    /// The request to answer.
    pub request: ApprovalRequestId,
    /// The round.
    pub approval: ApprovalId,
    /// The ticket's number.
    pub number: String,
    /// What it is about.
    pub short_description: String,
    /// What is asked.
    pub step: String,
    /// Whose seat it is: the caller's own, or of whom they vote for.
    pub seat: PersonName,
    /// Who is asked now: the caller, or who votes for them unless they vote first.
    pub voter: PersonName,
    /// The digest of what is shown; the vote names it.
    pub content_digest: String,
    /// Since when.
    pub requested_at: Option<DateTime<Utc>>,
    /// When it should be decided.
    pub due_at: Option<DateTime<Utc>>,
}

/// What a voter does.
#[derive(Debug, Clone)]
pub enum Vote {
    /// Agrees.
    Approve {
        /// What they say.
        comment: Option<String>,
    },
    /// Does not agree.
    Reject {
        /// Why.
        comment: Option<String>,
    },
    /// Has no opinion.
    Abstain {
        /// What they say.
        comment: Option<String>,
    },
    /// Lets somebody else vote.
    Delegate {
        /// Who.
        to: Option<PersonRef>,
        /// Why.
        reason: Option<String>,
    },
}

impl Look<'_> {
    /// All rounds of approval of the ticket, the first one first.
    pub async fn rounds(&mut self) -> Result<Vec<ApprovalView>, CommandError> {
        let rounds = self.stored_rounds().await?.to_vec();
        let voters = names::of_voters(&mut self.tx, &rounds).await?;
        let digest = content_digest(&self.seen.ticket);
        let view = |approval| ApprovalView {
            approval,
            content_digest: digest.clone(),
            names: voters.clone(),
        };
        Ok(rounds.into_iter().map(view).collect())
    }
}

/// Who has more to decide than this decides the oldest first.
const MAX_WAITING: u32 = 200;

/// The votes that the caller may cast, the oldest first: those that they are asked for, and their
/// own in the hands of somebody else.
pub async fn mine(desk: &Desk, caller: &Caller) -> Result<Vec<WaitingVote>, CommandError> {
    let person = voter(caller)?;
    let mut tx = desk.store.read(caller.org).await?;
    let rounds = approval::waiting_for(&mut tx, person, MAX_WAITING).await?;
    waiting_in(&mut tx, person, rounds).await
}

/// The vote that answers a request, if the caller may cast it now, however many others wait.
pub async fn waiting(
    desk: &Desk,
    caller: &Caller,
    request: ApprovalRequestId,
) -> Result<Option<WaitingVote>, CommandError> {
    let person = voter(caller)?;
    let mut tx = desk.store.read(caller.org).await?;
    let round = approval::find_request(&mut tx, request).await?;
    let waiting = waiting_in(&mut tx, person, Vec::from_iter(round)).await?;
    Ok(waiting.into_iter().find(|vote| vote.request == request))
}

/// The votes that somebody may cast in rounds of approval.
async fn waiting_in(
    tx: &mut ReadTx,
    person: PersonId,
    rounds: Vec<Approval>,
) -> Result<Vec<WaitingVote>, CommandError> {
    let mut waiting = Vec::new();
    let names = names::of_voters(tx, &rounds).await?;
    let ids: Vec<TicketId> = rounds.iter().filter_map(|round| round.subject.ticket()).collect();
    let tickets = names::tickets_by_id(tx, &ids).await?;
    for approval in rounds {
        let found = approval.subject.ticket().and_then(|id| tickets.get(&id));
        let Some(ticket) = found else { continue };
        // Nobody casts a vote of theirs on their own wish or work.
        let is_allowed = Duties::about(ticket).allow(person);
        let may_cast = |seat: &&SeatRequest| {
            let is_theirs = seat.voter == person || (seat.seat == person && is_allowed);
            is_theirs && seat.state == SeatState::Requested
        };
        for step in approval.steps() {
            for seat in step.requests.iter().filter(may_cast) {
                waiting.push(WaitingVote {
                    request: seat.id,
                    approval: approval.id,
                    step: step.name.clone(),
                    seat: person_name(&names, seat.seat),
                    voter: person_name(&names, seat.voter),
                    content_digest: content_digest(ticket),
                    requested_at: seat.requested_at,
                    due_at: step.due_at,
                    number: ticket.number.clone(),
                    short_description: ticket.short_description.clone(),
                });
            }
        }
    }
    Ok(waiting)
}

/// Casts a vote. `shown` is the digest of the content that the voter decided on. One that is
/// refused changes nothing, but is kept for whoever audits it.
///
/// # Errors
/// [`CommandError::ContentChanged`] when something else is there now; the domain's refusals
/// otherwise.
pub async fn vote(
    desk: &Desk,
    caller: &Caller,
    request: ApprovalRequestId,
    vote: Vote,
    shown: Option<String>,
) -> Result<ApprovalView, CommandError> {
    vote_by(desk, caller, request, vote, shown, None).await
}

/// As [`vote()`]; by a link, where there is one, which is used up in the same commit.
pub(crate) async fn vote_by(
    desk: &Desk,
    caller: &Caller,
    request: ApprovalRequestId,
    vote: Vote,
    shown: Option<String>,
    link: Option<LinkUse>,
) -> Result<ApprovalView, CommandError> {
    let attempt = || try_vote(desk, caller, request, &vote, shown.as_deref(), link);
    let voted = start_over_if_stale(desk, attempt, async || {
        let mut tx = desk.store.read(caller.org).await?;
        let round = approval::find_request(&mut tx, request).await?;
        let ticket = round.and_then(|round| round.subject.ticket());
        ticket.ok_or(CommandError::NotFound(Missing::Approval))
    })
    .await;
    if let Err(error) = &voted {
        refused::note(desk, caller, request, &vote, error).await;
    }
    voted
}

async fn try_vote(
    desk: &Desk,
    caller: &Caller,
    request: ApprovalRequestId,
    vote: &Vote,
    shown: Option<&str>,
    link: Option<LinkUse>,
) -> Result<ApprovalView, CommandError> {
    let by = voter(caller)?;
    let (mut tx, mut facts) = Facts::open(desk, caller).await?;
    let missing = || CommandError::NotFound(Missing::Approval);
    let mut round = approval::find_request(&mut tx, request).await?.ok_or_else(missing)?;
    let subject = round.subject.ticket().ok_or_else(missing)?;
    let seen = read::seen(&mut tx, caller, &TicketRef::Id(subject)).await.map_err(
        // Who may not see the ticket may not know of its approval either.
        |error| match error {
            CommandError::NotFound(_) => missing(),
            other => other,
        },
    )?;
    let mut faults = Faults::new();
    let delegate = match vote {
        Vote::Delegate { to: Some(to), .. } => refs::voter(&mut tx, &mut faults, "/to", to).await?,
        Vote::Delegate { to: None, .. }
        | Vote::Approve { .. }
        | Vote::Reject { .. }
        | Vote::Abstain { .. } => None,
    };
    faults.finish()?;
    facts.around(&mut tx, &seen.ticket).await?;
    facts.add_delegations(&mut tx, caller.now).await?;
    let mut names = names::of_voters(&mut tx, std::slice::from_ref(&round)).await?;
    drop(tx);

    let digest = content_digest(&seen.ticket);
    let (cast, comment) = cast(desk, caller, vote, delegate);
    let ballot = Ballot { request, by, vote: cast, comment, shown };
    let matter = Matter { duties: Duties::about(&seen.ticket), content_digest: &digest };
    let voted = round
        .vote(ballot, matter, caller.now)
        .map_err(|refused| CommandError::of_vote(refused, &seen.ticket))?;
    let mut scene = Scene::new(desk, caller, facts);
    let draft = scene.add_stored(seen.ticket, Action::Vote.as_str());
    let said = comment.map(str::to_owned);
    draft.did_because(Action::Vote, &caller.actor, voted.changes.clone(), said);
    draft.follow_votes(&mut round, &voted)?;
    draft.write.changed_approvals.push(round);
    draft.write.vote_link = link;
    scene.react().await?;
    let people = scene.facts.desk_people.values().map(|person| (person.id, person.name.clone()));
    names.extend(people);
    let (mut writes, ..) = scene.finished()?;
    scene::commit(desk, &[caller], &mut writes).await?;
    let voted = writes.iter_mut().find_map(|one| one.changed_approvals.pop());
    let approval = voted.ok_or_else(missing)?;
    let strangers = approval.requests().any(|it| !names.contains_key(&it.voter));
    if strangers {
        let mut tx = desk.store.read(caller.org).await?;
        names = names::of_voters(&mut tx, std::slice::from_ref(&approval)).await?;
    }
    Ok(ApprovalView { approval, content_digest: digest, names })
}

fn cast<'a>(
    desk: &Desk,
    caller: &Caller,
    vote: &'a Vote,
    delegate: Option<PersonId>,
) -> (Cast, Option<&'a str>) {
    match vote {
        Vote::Approve { comment } => (Cast::Approve, said(comment.as_deref())),
        Vote::Reject { comment } => (Cast::Reject, said(comment.as_deref())),
        Vote::Abstain { comment } => (Cast::Abstain, said(comment.as_deref())),
        Vote::Delegate { reason, .. } => {
            let id = ApprovalRequestId(desk.id(caller));
            (Cast::Delegate { to: delegate, id }, said(reason.as_deref()))
        }
    }
}

/// What a voter says, as it is kept; a text of nothing but spaces is none.
fn said(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn voter(caller: &Caller) -> Result<PersonId, CommandError> {
    if caller.role == Role::Auditor {
        let message = said!("The role auditor is read-only and cannot vote.");
        return Err(CommandError::Forbidden(message));
    }
    caller.person().ok_or_else(|| {
        CommandError::Forbidden(said!("Only a person can vote; use a person's token."))
    })
}

impl CommandError {
    /// Why a vote about a ticket was not counted.
    fn of_vote(refused: VoteRefused, ticket: &Ticket) -> Self {
        match refused {
            VoteRefused::Unknown => Self::NotFound(Missing::Approval),
            VoteRefused::Forbidden(forbidden) => forbidden.into(),
            VoteRefused::NotAwaited(why) => ticket.refuse_vote(why).into(),
            VoteRefused::ContentChanged => Self::ContentChanged,
            VoteRefused::Refused(refused) => refused.into(),
        }
    }
}

impl From<Forbidden> for CommandError {
    fn from(forbidden: Forbidden) -> Self {
        match forbidden.kind {
            ForbiddenKind::Duties => Self::SeparationOfDuties(forbidden.message),
            ForbiddenKind::Role => Self::Forbidden(forbidden.message),
        }
    }
}
