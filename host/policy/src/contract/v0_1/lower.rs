//! `lower`: the host's questions as this version has them. Texts are moved, not copied.
//!
//! A fact that the host gains and this version lacks is left out here, by name.

use super::{Question, all, approval, notification, types};
use crate::question as ours;

/// The question in this version's types.
pub(crate) fn lower(question: ours::Question) -> Question {
    match question {
        ours::Question::Categorize { ticket, context } => {
            Question::Categorize { ticket: ticket.into(), context: context.into() }
        }
        ours::Question::Route { ticket, context } => {
            Question::Route { ticket: ticket.into(), context: context.into() }
        }
        ours::Question::Plan { ticket, context } => {
            Question::Plan { ticket: ticket.into(), context: context.into() }
        }
        ours::Question::Stalled { ticket, approval, context } => Question::Stalled {
            ticket: ticket.into(),
            approval: approval.into(),
            context: context.into(),
        },
        ours::Question::Notify { event, ticket, context } => {
            Question::Notify { event: event.into(), ticket: ticket.into(), context: context.into() }
        }
    }
}

record!(ours::Ticket => types::Ticket {; head, details ; ; });
record!(ours::Head => types::Head {
    id, number, state, state_since, outcome, short_description, description, requester, opened_by,
    opened_at, category, service, ci, cis, impact, urgency, priority, assignee, watchers, tags,
    parent, reopen_count ;
    phase, channel ;
    comments, fields ;
    team, waiting_on
});
record!(ours::IncidentDetails => types::IncidentDetails {
    major_state, affected_users, eta ; ; ;
});
record!(ours::RequestDetails => types::RequestDetails {
    catalog_item, quantity, expected_at ; ; answers ; cost
});
record!(ours::ProblemDetails => types::ProblemDetails {
    known_error, symptom, root_cause, workaround ; ; ;
});
record!(ours::TaskDetails => types::TaskDetails { mandatory ; ; ; });
record!(ours::TeamRef => types::TeamRef { organization, key ; ; ; });
record!(ours::WaitingOn => types::Waiting { what, since ; ; ; });
record!(ours::Comment => types::Comment { author, at, text ; ; ; });
record!(ours::Field => types::Field { name ; value ; ; });
record!(ours::Money => types::Money { minor_units, currency ; ; ; });
record!(ours::FormAnswer => types::FormAnswer { field, value ; ; ; });
record!(ours::Person => types::Person {
    id, name, email, vip, location, manager, zone, language ; ; fields ;
});
record!(ours::Team => types::Team {
    organization, key, name, open_now, lead, load, open_tickets, on_call, members ; ; ;
});
record!(ours::Service => types::Service {
    key, name, owner ; criticality ; fields ; support_team
});
record!(ours::Ci => types::Ci {
    key, name, class, service, open_tickets ; criticality ; fields ; support_team
});
record!(ours::Moment => types::Moment {
    utc, local_date, weekday, minute_of_day, utc_offset, zone, working_time ; ; ;
});
record!(ours::Tally => approval::Tally { needed, approved, rejected, outstanding ; ; ; });
record!(ours::WaitingApproval => approval::WaitingApproval {
    step, seat, voter, voter_manager, requested_at, due_at, waiting_hours, reminders, delegated,
    mandatory ;
    tally ; ;
});
record!(ours::FieldChange => notification::FieldChange { field, before, after ; ; ; });
record!(ours::Event => notification::Event {
    id, cause, actor_person, text, approvers ; kind, actor ; changes ;
});

cases!(ours::Phase => types::Phase { Open, OnHold, Done, Rejected, Closed, Cancelled });
cases!(ours::Channel => types::Channel {
    Portal, Mail, Phone, Chat, InPerson, Monitoring, Api, Import, Schedule
});
cases!(ours::Criticality => types::Criticality { Low, Medium, High });
cases!(ours::EventKind => notification::EventKind {
    Created, Assigned, StateChanged, PriorityChanged, Commented, EtaChanged, ApprovalRequested,
    ApprovalDecided, VoteLate, Escalated, Resolved, Closed, MajorChanged
});
cases!(ours::ActorKind => notification::ActorKind { User, Mail, Api, Alert, Policy, System });

impl From<ours::Details> for types::Details {
    fn from(details: ours::Details) -> Self {
        match details {
            ours::Details::Incident(it) => Self::Incident(it.into()),
            ours::Details::Request(it) => Self::Request(it.into()),
            ours::Details::Problem(it) => Self::Problem(it.into()),
            ours::Details::Task(it) => Self::Task(it.into()),
        }
    }
}

impl From<ours::FieldValue> for types::FieldValue {
    fn from(value: ours::FieldValue) -> Self {
        match value {
            ours::FieldValue::Flag(it) => Self::Flag(it),
            ours::FieldValue::Number(it) => Self::Number(it),
            ours::FieldValue::Text(it) => Self::Text(it),
            ours::FieldValue::Texts(it) => Self::Texts(it),
        }
    }
}

impl From<ours::Context> for types::Context {
    fn from(context: ours::Context) -> Self {
        let ours::Context {
            now,
            organization,
            layer,
            lineage,
            fallback_approver,
            requester,
            manager,
            teams,
            service,
            ci,
            services,
        } = context;
        Self {
            now: now.into(),
            organization,
            layer,
            lineage,
            fallback_approver,
            requester: requester.map(Into::into),
            manager: manager.map(Into::into),
            teams: teams.map(all),
            service: service.map(Into::into),
            ci: ci.map(Into::into),
            services: services.map(all),
        }
    }
}
