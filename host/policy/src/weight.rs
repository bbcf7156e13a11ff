//! Weights: how many bytes a question puts into a policy's memory, and an answer into ours.
//!
//! Counted from texts and lists alone, without serializing anything, for it is done for every
//! decision. Every record is taken apart field by field, so that a field that the contract gains
//! cannot be forgotten here.

use crate::answer::{
    ApprovalPlan, Approver, Assignment, Categorization, Kind, Message, Notifications, Nudge,
    Proposal, Recipient, Stage, Step, Verdict,
};
use crate::question::{
    Ci, Comment, Context, Details, Event, Field, FieldChange, FieldValue, FormAnswer, Head,
    IncidentDetails, Moment, Money, Person, ProblemDetails, RequestDetails, Service, TaskDetails,
    Team, TeamRef, Ticket, WaitingApproval, WaitingOn,
};
use crate::{Answer, Decline, Question};

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
weigh!(TeamRef { organization, key; });
weigh!(WaitingOn { what, since; });
weigh!(Comment { author, at, text; });
weigh!(Field { name, value; });
weigh!(Ticket { head, details; });
weigh!(Head {
    id, number, state, state_since, outcome, short_description, description, requester, opened_by,
    opened_at, category, service, ci, cis, team, assignee, watchers, tags, parent, waiting_on,
    comments, fields;
    phase, channel, impact, urgency, priority, reopen_count
});
weigh!(IncidentDetails { major_state, eta; affected_users });
weigh!(RequestDetails { catalog_item, cost, answers, expected_at; quantity });
weigh!(ProblemDetails { symptom, root_cause, workaround; known_error });
weigh!(Person { id, name, email, location, manager, zone, language, fields; vip });
weigh!(Team { organization, key, name, on_call, lead, members; open_now, load, open_tickets });
weigh!(Service { key, name, owner, support_team, fields; criticality });
weigh!(Ci { key, name, class, service, support_team, fields; criticality, open_tickets });
weigh!(Moment { utc, local_date, zone; weekday, minute_of_day, utc_offset, working_time });
weigh!(Context {
    now, organization, layer, lineage, requester, manager, teams, fallback_approver, service, ci, services;
});
weigh!(WaitingApproval {
    step, seat, voter, voter_manager, requested_at, due_at;
    waiting_hours, reminders, delegated, mandatory, tally
});
weigh!(FieldChange { field, before, after; });
weigh!(Event { id, cause, actor_person, changes, text, approvers; kind, actor });

weigh!(Categorization {
    kind, category, service, ci, impact, urgency, priority, tags, reasons;
});
weigh!(Assignment { team, assignee, watchers, reasons; });
weigh!(Step { name, approvers, mandatory; quorum, veto, due_hours });
weigh!(Stage { steps; rule });
weigh!(ApprovalPlan { verdict, reasons; });
weigh!(Message { recipients, except, subject, body, not_before, dedupe_key; channel });
weigh!(Notifications { messages, reasons; });

impl Weigh for u8 {
    fn weight(&self) -> usize {
        0
    }
}

impl Weigh for Kind {
    fn weight(&self) -> usize {
        0
    }
}

impl<T: Weigh> Weigh for Proposal<T> {
    fn weight(&self) -> usize {
        let Self { value, strength: _, confidence: _ } = self;
        value.weight()
    }
}

impl Weigh for Details {
    fn weight(&self) -> usize {
        match self {
            Self::Incident(it) => it.weight(),
            Self::Request(it) => it.weight(),
            Self::Problem(it) => it.weight(),
            Self::Task(TaskDetails { mandatory: _ }) => 0,
        }
    }
}

impl Weigh for FieldValue {
    fn weight(&self) -> usize {
        match self {
            Self::Flag(_) | Self::Number(_) => 0,
            Self::Text(text) => text.weight(),
            Self::Texts(texts) => texts.weight(),
        }
    }
}

impl Weigh for Approver {
    fn weight(&self) -> usize {
        match self {
            Self::Person(id) | Self::ManagerOf(id) => id.weight(),
            Self::Team(name) | Self::TeamLead(name) => name.weight(),
            Self::Manager | Self::ServiceOwner | Self::CiOwner | Self::AssigneeLead => 0,
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
    }
}
