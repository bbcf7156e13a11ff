//! Permission: who may do what to a ticket, by role and by how they stand to it.

#[cfg(test)]
mod table;

use thiserror::Error;

use crate::{
    approval::{Approval, SeatState},
    ids::PersonId,
    role::Role,
    task::TaskAction,
    ticket::{Action, Edit, State, Ticket, TicketKind},
};

/// How a caller stands to a ticket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Relation {
    /// They have the trouble or the wish, or wrote it down for somebody.
    pub owns: bool,
    /// They want to hear of every change.
    pub watches: bool,
    /// Their vote is awaited.
    pub holds_seat: bool,
}

/// The caller's role or standing does not allow it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Forbidden {
    /// `forbidden` or `separation-of-duties`.
    pub code: &'static str,
    /// What is needed for it.
    pub message: String,
}

impl Forbidden {
    /// The code of a role or standing that does not suffice.
    pub const FORBIDDEN: &'static str = "forbidden";
    /// The code of a decision on one's own wish.
    pub const SEPARATION_OF_DUTIES: &'static str = "separation-of-duties";

    pub(crate) fn because(message: impl Into<String>) -> Self {
        Self { code: Self::FORBIDDEN, message: message.into() }
    }

    pub(crate) fn duties(message: impl Into<String>) -> Self {
        Self { code: Self::SEPARATION_OF_DUTIES, message: message.into() }
    }
}

impl Relation {
    /// How a person stands to a ticket and its open approval. A caller that is no person stands to none.
    #[must_use]
    pub fn of(person: Option<PersonId>, ticket: &Ticket, approval: Option<&Approval>) -> Self {
        let Some(person) = person else { return Self::default() };
        let holds_seat = approval.is_some_and(|approval| {
            approval.requests().any(|request| {
                request.state == SeatState::Requested
                    && (request.voter == person || request.seat == person)
            })
        });
        let watches = ticket.watchers.contains(&person);
        Self { owns: ticket.is_of(person), watches, holds_seat }
    }
}

/// Whether a caller sees a ticket at all: the desk sees every one, a requester their own, those they watch and those
/// they vote on. The store's filter of a list says the same (`TicketFilter::concerns`).
#[must_use]
pub fn sees(role: Role, relation: Relation) -> bool {
    match role {
        Role::Agent | Role::Admin | Role::Auditor => true,
        Role::Requester => relation.owns || relation.watches || relation.holds_seat,
    }
}

/// Whether a caller sees internal notes, decisions of policies and their reasons.
#[must_use]
pub const fn sees_internals(role: Role) -> bool {
    match role {
        Role::Agent | Role::Admin | Role::Auditor => true,
        Role::Requester => false,
    }
}

/// Refuses a caller who may not open tickets, or not with a field that is the desk's: another system's reference, which names
/// a ticket of whoever, or what the desk knows about an incident's reach.
pub fn allows_opening(role: Role, of_desk: &[&str]) -> Result<(), Forbidden> {
    match role {
        Role::Requester if !of_desk.is_empty() => {
            let fields = of_desk.join("`, `");
            Err(Forbidden::because(format!("`{fields}` is the desk's; leave it out")))
        }
        Role::Requester | Role::Agent | Role::Admin => Ok(()),
        Role::Auditor => Err(changes_nothing()),
    }
}

/// Refuses a caller who may not do this to the ticket in its present state.
///
/// Policies and Waypost itself act without a role; nobody asks here for them.
pub fn allows(
    role: Role,
    relation: Relation,
    action: Action,
    ticket: &Ticket,
) -> Result<(), Forbidden> {
    if role == Role::Auditor {
        return Err(changes_nothing());
    }
    match standing(action) {
        Standing::Desk => match role {
            Role::Agent | Role::Admin => Ok(()),
            Role::Requester | Role::Auditor => {
                let message =
                    format!("`{action}` is for the desk; this needs the role agent or admin");
                Err(Forbidden::because(message))
            }
        },
        Standing::DeskOrOwner => match role {
            Role::Agent | Role::Admin => Ok(()),
            Role::Requester | Role::Auditor => owner_may(relation, action, ticket),
        },
        Standing::Owner if relation.owns => Ok(()),
        Standing::Owner => {
            let message = format!("`{action}` is for the caller of the ticket; the desk comments");
            Err(Forbidden::because(message))
        }
        Standing::SeatHolder if relation.holds_seat => Ok(()),
        Standing::SeatHolder => {
            Err(Forbidden::because("only who holds a seat of the open approval votes"))
        }
        Standing::Nobody => {
            let message = format!("`{action}` follows from what policies and approvers decide");
            Err(Forbidden::because(message))
        }
    }
}

/// Whether anybody can ask for it; the rest follows from what policies and approvers decide.
#[must_use]
pub const fn is_for_callers(action: Action) -> bool {
    !matches!(standing(action), Standing::Nobody)
}

/// Refuses fields of an edit that a caller may not change. The desk may change all; a requester the texts and answers
/// of their own request while it is not handed in.
pub fn allows_edit(
    role: Role,
    relation: Relation,
    edit: &Edit,
    ticket: &Ticket,
) -> Result<(), Forbidden> {
    allows(role, relation, Action::Edit, ticket)?;
    let is_of_desk = edit.category.is_some()
        || edit.service.is_some()
        || edit.ci.is_some()
        || edit.impact.is_some()
        || edit.urgency.is_some()
        || edit.tags.is_some()
        || edit.watchers.is_some()
        || edit.parent.is_some()
        || edit.sync_with_parent.is_some()
        || edit.affected_users.is_some()
        || edit.expected_at.is_some();
    match role {
        Role::Requester if is_of_desk => Err(Forbidden::because(
            "a requester edits short_description, description, answers and quantity; the rest is the desk's",
        )),
        Role::Requester | Role::Agent | Role::Admin | Role::Auditor => Ok(()),
    }
}

/// Whether a caller sees a task: who sees its request, and who works on it. The store's filter of a list says the same
/// (`TaskFilter::concerns`).
#[must_use]
pub fn sees_task(role: Role, relation: Relation, is_assignee: bool) -> bool {
    is_assignee || sees(role, relation)
}

/// Refuses a caller who may not do this to a task. The desk plans and works; whoever the task is assigned to works on it, unless
/// the request is their own.
pub fn allows_task(
    role: Role,
    relation: Relation,
    is_assignee: bool,
    action: TaskAction,
) -> Result<(), Forbidden> {
    match role {
        Role::Agent | Role::Admin => Ok(()),
        Role::Auditor => Err(changes_nothing()),
        Role::Requester if relation.owns => Err(Forbidden::because(
            "the tasks of a request are for those who fulfil it; comment on the request instead",
        )),
        Role::Requester if is_assignee => match action {
            TaskAction::Start
            | TaskAction::Hold
            | TaskAction::Resume
            | TaskAction::Complete
            | TaskAction::Incomplete => Ok(()),
            TaskAction::Edit | TaskAction::Assign | TaskAction::Skip | TaskAction::Cancel => {
                Err(Forbidden::because(format!(
                    "to {action} a task is for the desk; this needs the role agent or admin"
                )))
            }
        },
        Role::Requester => Err(Forbidden::because(format!(
            "to {action} a task is for the desk and the task's assignee"
        ))),
    }
}

fn changes_nothing() -> Forbidden {
    Forbidden::because("an auditor sees everything and changes nothing")
}

/// Who an action is for.
enum Standing {
    Desk,
    DeskOrOwner,
    Owner,
    SeatHolder,
    Nobody,
}

const fn standing(action: Action) -> Standing {
    match action {
        Action::Assign
        | Action::Reroute
        | Action::Triage
        | Action::SetPriority
        | Action::Acknowledge
        | Action::Comment
        | Action::Note
        | Action::Escalate
        | Action::SetEta
        | Action::Start
        | Action::Hold
        | Action::Resume
        | Action::MergeInto
        | Action::Link
        | Action::Unlink
        | Action::Convert
        | Action::Fulfill
        | Action::AcceptSuggestion
        | Action::DismissSuggestion
        | Action::ProposeMajor
        | Action::AcceptMajor
        | Action::RejectMajor
        | Action::UpdateMajor
        | Action::FinishMajor
        | Action::AddTask
        | Action::EditTask
        | Action::AssignTask
        | Action::StartTask
        | Action::HoldTask
        | Action::ResumeTask
        | Action::CompleteTask
        | Action::IncompleteTask
        | Action::SkipTask
        | Action::CancelTask => Standing::Desk,
        // The desk writes down, hands in and revises for people who call.
        Action::Create
        | Action::Edit
        | Action::Resolve
        | Action::Reopen
        | Action::Close
        | Action::Cancel
        | Action::Submit
        | Action::Revise => Standing::DeskOrOwner,
        Action::CallerReply => Standing::Owner,
        Action::Vote => Standing::SeatHolder,
        Action::Categorize | Action::RequestApproval | Action::Approve | Action::Reject => {
            Standing::Nobody
        }
    }
}

/// What an owner without a role at the desk may do; some of it only in the beginning.
fn owner_may(relation: Relation, action: Action, ticket: &Ticket) -> Result<(), Forbidden> {
    if !relation.owns {
        return Err(Forbidden::because("the ticket is somebody else's"));
    }
    let state = ticket.state();
    let is_begun = match ticket.kind() {
        TicketKind::Incident => state != State::New,
        TicketKind::Request => !matches!(state, State::New | State::AwaitingApproval),
    };
    let too_late =
        (action == Action::Cancel && is_begun) || (action == Action::Edit && !ticket.is_draft());
    // A state that nobody could do it in is the state's refusal, which says what is allowed instead.
    if too_late && action.is_allowed(ticket.kind(), state) {
        let message = format!(
            "the requester can't {action} {} that is {state} any more; ask the desk",
            ticket.kind().with_article()
        );
        return Err(Forbidden::because(message));
    }
    Ok(())
}
