//! Permission: who may do what to a ticket, by role and by how they stand to it. Who may take an
//! action stands in its row.

#[cfg(test)]
mod table;

use thiserror::Error;

use crate::{
    approval::{Approval, SeatState},
    ids::PersonId,
    name::names,
    role::Role,
    said,
    said::{Part, Said},
    ticket::{Action, Given, Ticket, TicketKind, Who, Writer},
};

/// How a caller stands to a ticket. To a task, as to its ticket, and as whoever works on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "any of them can be true beside the others")]
pub struct Relation {
    /// It is for them, or they wrote it down for somebody.
    pub owns: bool,
    /// They want to hear of every change.
    pub watches: bool,
    /// Their vote is awaited.
    pub holds_seat: bool,
    /// The task is assigned to them.
    pub works: bool,
}

/// The caller's role or standing does not allow it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Forbidden {
    /// What stands against it.
    pub kind: ForbiddenKind,
    /// What is needed for it.
    pub message: Said,
}

/// What stands against a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ForbiddenKind {
    /// Their role or standing does not suffice.
    Role,
    /// Nobody decides on their own wish or work.
    Duties,
}

names!("kind of prohibition", ForbiddenKind {
    Role => "forbidden",
    Duties => "separation-of-duties",
});

impl Forbidden {
    pub(crate) fn because(message: Said) -> Self {
        Self { kind: ForbiddenKind::Role, message }
    }

    pub(crate) fn duties(message: Said) -> Self {
        Self { kind: ForbiddenKind::Duties, message }
    }
}

impl Relation {
    /// How a person stands to a ticket and its open approval; `parent` is the ticket of a task. A
    /// caller that is no person stands to none.
    #[must_use]
    pub fn of(
        person: Option<PersonId>,
        ticket: &Ticket,
        parent: Option<&Ticket>,
        approval: Option<&Approval>,
    ) -> Self {
        let Some(person) = person else { return Self::default() };
        let about = parent.filter(|_| ticket.task_of().is_some()).unwrap_or(ticket);
        let holds_seat = approval.is_some_and(|approval| {
            approval.requests().any(|request| {
                request.state == SeatState::Requested
                    && (request.voter == person || request.seat == person)
            })
        });
        Self {
            owns: about.is_of(person),
            watches: about.watchers.contains(&person) || ticket.watchers.contains(&person),
            holds_seat,
            works: ticket.task().is_some() && ticket.assignee == Some(person),
        }
    }
}

/// Whether a caller sees a ticket at all: the desk sees every one, a requester their own, those
/// they watch, those they vote on, and the tasks that are assigned to them. The store's filter of a
/// list says the same (`TicketFilter::concerns`).
#[must_use]
pub fn sees(role: Role, relation: Relation) -> bool {
    match role {
        Role::Agent | Role::Admin | Role::Auditor => true,
        Role::Requester => {
            relation.owns || relation.watches || relation.holds_seat || relation.works
        }
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

/// Refuses a caller who may not open tickets of a kind, or not with a field that is the desk's:
/// another system's reference, which names a ticket of whoever, or what the desk knows about an
/// incident's reach.
pub fn allows_opening(role: Role, kind: TicketKind, given: &Given) -> Result<(), Forbidden> {
    match role {
        Role::Agent | Role::Admin => Ok(()),
        Role::Auditor => Err(changes_nothing()),
        Role::Requester if kind.rules().opened_by == Who::Desk => Err(Forbidden::because(said!(
            "Only the desk can open {kind}; this requires the role agent or admin.",
            kind = kind
        ))),
        Role::Requester => only_own_fields(kind, given, |writer| match writer {
            Writer::Anybody | Writer::Opener => true,
            Writer::Desk => false,
        }),
    }
}

/// Refuses a caller who may not take this action on the ticket in its present state.
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
    let is_desk = matches!(role, Role::Agent | Role::Admin);
    // What the kind does not have is refused by its state, which says what it has instead.
    let Some(row) = ticket.rules().row(action) else {
        return if is_desk { Ok(()) } else { Err(for_desk(action)) };
    };
    match row.who {
        Who::Desk | Who::DeskOrOwner(_) | Who::DeskOrAssignee if is_desk => Ok(()),
        Who::DeskOrAssignee if relation.owns => Err(Forbidden::because(said!(
            "Only the desk and the assignee can work on this task; comment on the request instead."
        ))),
        Who::DeskOrAssignee if relation.works => Ok(()),
        Who::Desk | Who::DeskOrAssignee => Err(for_desk(action)),
        Who::Admin if role == Role::Admin => Ok(()),
        Who::Admin => Err(Forbidden::because(said!(
            "Only an administrator can `{action}`; this requires the role admin.",
            action
        ))),
        Who::DeskOrOwner(_) if !relation.owns => {
            Err(Forbidden::because(said!("The ticket belongs to another requester.")))
        }
        // A state that nobody could do it in is the state's refusal, which says what is allowed
        // instead.
        Who::DeskOrOwner(states) => {
            let (state, phase) = (ticket.state(), ticket.phase());
            if states.holds(state, phase) || !row.allows(state, phase) {
                return Ok(());
            }
            let kind = ticket.kind();
            Err(Forbidden::because(said!(
                "Only the desk can `{action}` {kind} in state `{state}`; ask the desk.",
                action,
                kind,
                state
            )))
        }
        Who::OwnerOrWatcher if relation.owns || (!is_desk && relation.watches) => Ok(()),
        Who::OwnerOrWatcher => {
            let message = said!(
                "Only the requester and watchers can `{action}`; agents use `{comment}`.",
                action,
                comment = Action::Comment
            );
            Err(Forbidden::because(message))
        }
        Who::SeatHolder if relation.holds_seat => Ok(()),
        Who::SeatHolder => {
            Err(Forbidden::because(said!("Only an approver of the open approval can vote.")))
        }
        Who::System => {
            let message = said!(
                "Waypost itself does `{action}`, when policies or approvers decide it.",
                action
            );
            Err(Forbidden::because(message))
        }
    }
}

/// Refuses fields of an edit that a caller may not change. The desk may change all; a requester the
/// texts and answers of their own request while it is not submitted.
pub fn allows_edit(role: Role, given: &Given, ticket: &Ticket) -> Result<(), Forbidden> {
    match role {
        Role::Agent | Role::Admin | Role::Auditor => Ok(()),
        Role::Requester => only_own_fields(ticket.kind(), given, |writer| match writer {
            Writer::Anybody => true,
            Writer::Opener | Writer::Desk => false,
        }),
    }
}

fn only_own_fields(
    kind: TicketKind,
    given: &Given,
    may: impl Fn(Writer) -> bool,
) -> Result<(), Forbidden> {
    let rules = kind.rules();
    let of_desk = given
        .iter()
        .map(|(name, _)| name)
        .filter(|name| rules.field(name).is_some_and(|field| !may(field.writer)));
    let of_desk = of_desk.collect::<Vec<_>>();
    if of_desk.is_empty() {
        return Ok(());
    }
    let fields = Part::all(of_desk.iter().map(|name| Part::field((*name).to_owned())));
    Err(Forbidden::because(if of_desk.len() == 1 {
        said!("Only the desk can set `{fields}`; leave it out.", fields)
    } else {
        said!("Only the desk can set `{fields}`; leave them out.", fields)
    }))
}

fn for_desk(action: Action) -> Forbidden {
    Forbidden::because(said!(
        "Only the desk can `{action}`; this requires the role agent or admin.",
        action
    ))
}

fn changes_nothing() -> Forbidden {
    Forbidden::because(said!("The role auditor is read-only."))
}
