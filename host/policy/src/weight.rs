//! Weights: how many bytes a question puts into a policy's memory, and an answer into ours.
//!
//! Counted from texts and lists alone, without serializing anything, for it is done for every
//! decision. Every record is taken apart field by field, so that a field that the contract gains
//! cannot be forgotten here.

use crate::contract::{
    ApprovalPlan, Approver, Assignment, Categorization, CategoryProposal, Ci, Clocks, Context,
    Decline, Escalation, Event, FormAnswer, KeyProposal, KindProposal, LevelProposal, Message,
    Moment, Money, Notifications, Nudge, Person, Recipient, Risk, Service, Stage, Step, Team,
    Ticket, Verdict, WaitingApproval,
};
use crate::{Answer, Question};

/// Something with a size in bytes.
pub(crate) trait Weigh {
    /// The bytes behind its pointers: texts, and the elements of lists.
    fn weight(&self) -> usize;
}

impl Weigh for String {
    fn weight(&self) -> usize {
        self.len()
    }
}

impl<T: Weigh> Weigh for Option<T> {
    fn weight(&self) -> usize {
        self.as_ref().map_or(0, Weigh::weight)
    }
}

impl<T: Weigh> Weigh for Vec<T> {
    fn weight(&self) -> usize {
        self.iter().map(|item| size_of::<T>() + item.weight()).sum()
    }
}

/// Weighs the named fields of a record and names those that have no weight.
macro_rules! weigh {
    ($record:ident { $($heavy:ident),* ; $($light:ident),* }) => {
        impl Weigh for $record {
            fn weight(&self) -> usize {
                let Self { $($heavy,)* $($light: _,)* } = self;
                0 $(+ $heavy.weight())*
            }
        }
    };
}

weigh!(Money { currency; minor_units });
weigh!(FormAnswer { field, value; });
weigh!(Ticket {
    id, number, state, short_description, description, requester, category, service, ci, team,
    assignee, tags, catalog_item, cost, answers, opened_at, major_state;
    kind, channel, impact, urgency, priority
});
weigh!(Person { id, name, email, location, manager; vip });
weigh!(Team { key, name, on_call, lead, members; open_now, load, open_tickets });
weigh!(Service { key, name, owner, support_team; criticality });
weigh!(Ci { key, name, class, service, support_team; criticality, open_tickets });
weigh!(Moment { utc, local_date, zone; weekday, minute_of_day, working_time });
weigh!(Context {
    now, organization, requester, manager, teams, fallback_approver, service, ci, services;
});
weigh!(Clocks {; age_minutes, unassigned_minutes, idle_minutes, level });
weigh!(WaitingApproval {
    step, requested_at, approver, approver_manager;
    waiting_hours, reminders, escalated, mandatory
});
weigh!(Event { actor_person, before_state, text, approvers; kind, actor });

weigh!(KindProposal {; value, strength, confidence });
weigh!(CategoryProposal { value; strength, confidence });
weigh!(KeyProposal { value; strength, confidence });
weigh!(LevelProposal {; value, strength, confidence });
weigh!(Categorization {
    kind, category, service, ci, impact, urgency, priority, tags, reasons;
});
weigh!(Assignment { team, assignee, watchers, agreement, reasons; strength, confidence });
weigh!(Escalation { team, inform, reasons; level });
weigh!(Step { name, approvers, mandatory; quorum, veto, due_hours });
weigh!(Stage { steps; rule });
weigh!(Risk { reasons; score });
weigh!(ApprovalPlan { verdict, risk, reasons; });
weigh!(Message { recipients, except, subject, body, dedupe_key; way, delay_seconds });
weigh!(Notifications { messages, reasons; });

impl Weigh for Approver {
    fn weight(&self) -> usize {
        match self {
            Self::Person(id) => id.weight(),
            Self::Team(key) | Self::TeamLead(key) => key.weight(),
            Self::Manager | Self::ServiceOwner => 0,
        }
    }
}

impl Weigh for Recipient {
    fn weight(&self) -> usize {
        match self {
            Self::Person(id) => id.weight(),
            Self::Team(key) => key.weight(),
            Self::Requester | Self::Assignee | Self::Watchers | Self::Approvers => 0,
        }
    }
}

impl Weigh for Verdict {
    fn weight(&self) -> usize {
        match self {
            Self::Approve => 0,
            Self::Refuse(reason) => reason.weight(),
            Self::Ask(stages) => stages.weight(),
        }
    }
}

impl Weigh for Nudge {
    fn weight(&self) -> usize {
        match self {
            Self::Wait | Self::Remind | Self::Expire => 0,
            Self::Delegate(person) => person.weight(),
        }
    }
}

impl Weigh for Decline {
    fn weight(&self) -> usize {
        match self {
            Self::NoOpinion(reasons) => reasons.weight(),
            Self::Incomplete(text) | Self::Broken(text) => text.weight(),
        }
    }
}

impl Weigh for Question {
    fn weight(&self) -> usize {
        match self {
            Self::Categorize { ticket, context }
            | Self::Route { ticket, context }
            | Self::Plan { ticket, context } => ticket.weight() + context.weight(),
            Self::Escalate { ticket, clocks, context } => {
                ticket.weight() + clocks.weight() + context.weight()
            }
            Self::Stalled { ticket, approval, context } => {
                ticket.weight() + approval.weight() + context.weight()
            }
            Self::Notify { event, ticket, context } => {
                event.weight() + ticket.weight() + context.weight()
            }
        }
    }
}

impl Weigh for Answer {
    fn weight(&self) -> usize {
        match self {
            Self::Categorization(answer) => answer.weight(),
            Self::Assignment(answer) => answer.weight(),
            Self::Escalation(answer) => answer.weight(),
            Self::Plan(answer) => answer.weight(),
            Self::Nudge(answer) => answer.weight(),
            Self::Notifications(answer) => answer.weight(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_list_elements_weigh() {
        let decline = Decline::NoOpinion(vec!["four".to_owned(), "five!".to_owned()]);
        assert_eq!(decline.weight(), 9 + 2 * size_of::<String>());
        assert_eq!(Nudge::Delegate("p-1".to_owned()).weight(), 3);
        assert_eq!(Answer::Escalation(None).weight(), 0);
    }
}
