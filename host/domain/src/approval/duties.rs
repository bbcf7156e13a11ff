//! Separation of duties: whose wish a record is, and whose work, holds no seat on it.

use crate::{ids::PersonId, permission::Forbidden, said, ticket::Ticket};

/// Who does not decide on a record, because they gain by it.
///
/// Of a request, the implementer is whoever it is assigned to. Most have nobody yet when they are
/// handed in; who takes one on later keeps the seat that they hold by then, and passes the vote on.
/// Who wrote the request down for somebody else may decide on it: that is how managers order for
/// their people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duties {
    /// Who asks; none where it is for nobody.
    pub requester: Option<PersonId>,
    /// Who does the work.
    pub implementer: Option<PersonId>,
}

impl Duties {
    /// The duties about a ticket, as it is now.
    #[must_use]
    pub fn about(ticket: &Ticket) -> Self {
        Self { requester: ticket.requester, implementer: ticket.assignee }
    }

    /// Whether a person may hold a seat.
    #[must_use]
    pub fn allow(self, person: PersonId) -> bool {
        self.check(person).is_ok()
    }

    /// Refuses a person who may not decide.
    pub(super) fn check(self, person: PersonId) -> Result<(), Forbidden> {
        if self.requester == Some(person) {
            Err(Forbidden::duties(said!("You cannot approve your own request.")))
        } else if self.implementer == Some(person) {
            Err(Forbidden::duties(said!(
                "You cannot approve your own work; delegate the vote, or assign the work to \
                 somebody else."
            )))
        } else {
            Ok(())
        }
    }
}
