//! The quorum of a step: how many of its seats must approve, and what its votes amount to.

use crate::approval::{Outcome, Quorum, SeatState, Step};

/// The votes of a step, counted by seats. A seat that was handed to a delegate counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// All seats.
    pub seats: usize,
    /// Seats that approved.
    pub approved: usize,
    /// Seats that rejected.
    pub rejected: usize,
    /// Seats that abstained or did not vote in time.
    pub silent: usize,
    /// Seats that nobody is asked for, until somebody is appointed.
    pub vacant: usize,
    /// Mandatory seats.
    pub mandatory: usize,
    /// Mandatory seats that approved.
    pub mandatory_approved: usize,
    /// Mandatory seats that rejected, abstained or did not vote in time.
    pub mandatory_lost: usize,
    /// Mandatory seats that nobody is asked for, until somebody is appointed.
    pub mandatory_vacant: usize,
}

impl Quorum {
    /// How many of `seats` must approve. Rounded up, so that a rule never needs less than it says.
    #[must_use]
    pub fn needed(self, seats: usize) -> usize {
        let needed = match self {
            Self::Any => 1,
            Self::All => seats,
            Self::Count(count) => usize::from(count),
            Self::Majority => seats / 2 + 1,
            Self::Percent(share) => (seats * usize::from(share)).div_ceil(100),
        };
        needed.clamp(1, seats.max(1))
    }
}

impl Tally {
    /// Counts the seats of a step.
    #[must_use]
    pub fn of(step: &Step) -> Self {
        let mut tally = Self::default();
        for request in &step.requests {
            // The seat goes on in the delegate's request.
            if request.state == SeatState::Delegated {
                continue;
            }
            let mandatory = usize::from(request.mandatory);
            tally.seats += 1;
            tally.mandatory += mandatory;
            match request.state {
                SeatState::Approved => {
                    tally.approved += 1;
                    tally.mandatory_approved += mandatory;
                }
                SeatState::Rejected => {
                    tally.rejected += 1;
                    tally.mandatory_lost += mandatory;
                }
                SeatState::Abstained | SeatState::Expired => {
                    tally.silent += 1;
                    tally.mandatory_lost += mandatory;
                }
                SeatState::Vacant => {
                    tally.vacant += 1;
                    tally.mandatory_vacant += mandatory;
                }
                SeatState::Waiting
                | SeatState::Requested
                | SeatState::Delegated
                | SeatState::Cancelled => {}
            }
        }
        tally
    }

    /// Seats that have not voted: those that are asked, and those that somebody can be appointed
    /// to.
    #[must_use]
    pub const fn outstanding(&self) -> usize {
        self.seats - self.approved - self.rejected - self.silent
    }

    /// What the votes amount to. A step without seats is never approved silently: it stays pending.
    #[must_use]
    pub fn judge(&self, quorum: Quorum, veto: bool) -> Outcome {
        if self.seats == 0 {
            return Outcome::Pending;
        }
        let needed = quorum.needed(self.seats);
        let can_reach = self.approved + self.outstanding() >= needed;
        if self.mandatory_lost > 0 || !can_reach || (veto && self.rejected > 0) {
            Outcome::Rejected
        } else if self.approved >= needed && self.mandatory_approved == self.mandatory {
            Outcome::Approved
        } else {
            Outcome::Pending
        }
    }
}
