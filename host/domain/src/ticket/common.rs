//! What kinds of tickets share: rows of actions, and fields.

use std::collections::BTreeSet;

use crate::{
    approval::appoint_voter,
    field::{choice, input, level, need, person_of, text_of},
    incident::against_ending,
    link::{self, LinkType},
    register::Holds,
    suggestion, text,
    ticket::{
        Action, Asks, Channel, ExternalRef, Field, FieldType, From, Input, Notice, Row, State,
        Value, Who, assign, end, hold, row, talk,
    },
};

/// The row that ends a hold. It is worked on again.
pub(crate) const RESUME: Row = row(Action::Resume, "Take it off hold")
    .from(&[State::OnHold])
    .by(hold::resume)
    .tells(Notice::StateChanged);

/// The row of a reopening; from where to where is the kind's.
pub(crate) const REOPEN: Row = row(Action::Reopen, "Reopen it")
    .who(Who::DeskOrOwner(From::Anywhere))
    .takes(&[need("reason", FieldType::Reason, "Reason for reopening it.")])
    .by(end::reopen)
    .tells(Notice::StateChanged);

/// The row of a closing; from where is the kind's.
pub(crate) const CLOSE: Row =
    row(Action::Close, "Close it").to(State::Closed).by(end::close).tells(Notice::Closed);

/// The row of a withdrawal; who beside the desk withdraws it is the kind's.
pub(crate) const CANCEL: Row = row(Action::Cancel, "Cancel it")
    .to(State::Cancelled)
    .takes(&[need("reason", FieldType::Reason, "Reason for cancelling it.")])
    .by(end::cancel)
    .tells(Notice::Closed);

/// The row of an edit; whether somebody beside the desk edits is the kind's.
pub(crate) const EDIT: Row = row(Action::Edit, "Change its fields").wherever(From::NotOver);

/// Rows of every kind.
pub(crate) const COMMON: &[Row] = &[
    row(Action::Create, "Open it").wherever(From::Nowhere).who(Who::System),
    row(Action::Assign, "Assign it to a team, or to a member of that team")
        .takes(&[
            need(
                "team",
                FieldType::Team,
                "Key of the team to assign it to; required even if only the assignee changes.",
            ),
            input(
                "assignee",
                FieldType::Person,
                "The assignee, a member of the team; unassigned if omitted.",
            ),
        ])
        .by(assign::assign)
        .tells(Notice::Assigned),
    row(Action::Note, "Add an internal note, which requesters cannot see")
        .wherever(From::Anywhere)
        .takes(TEXT)
        .by(talk::note),
    row(Action::Link, "Link it to another ticket")
        .wherever(From::Anywhere)
        .takes(LINK)
        .reading_links()
        .by(link::link),
    row(Action::Unlink, "Remove a link")
        .wherever(From::Anywhere)
        .takes(LINK)
        .reading_links()
        .by(link::unlink),
];

/// Rows of what is worked on by its own right: not of tasks.
pub(crate) const WORKED: &[Row] = &[
    row(Action::Triage, "Confirm its category, impact and urgency")
        .from(&[State::New])
        .takes(&[
            need(
                "category",
                FieldType::Category,
                "Path of the category, such as `access/password`.",
            )
            .filling(),
            need("impact", FieldType::Level, "Impact on the business; 1 is the highest.").filling(),
            need("urgency", FieldType::Level, "Urgency; 1 is the highest.").filling(),
        ])
        .unless(assign::is_triaged)
        .by(assign::triage),
    row(Action::SetPriority, "Override the priority")
        .takes(&[
            need("priority", FieldType::Level, "The priority; 1 is the highest."),
            need("reason", FieldType::Reason, "Reason for the override."),
        ])
        .by(assign::set_priority)
        .tells(Notice::PriorityChanged),
    row(Action::Acknowledge, "Confirm that the desk has seen it").by(talk::acknowledge),
    row(Action::Escalate, "Escalate it to a higher level")
        .takes(&[
            need(
                "level",
                FieldType::Count { least: 1, most: 9 },
                "The new escalation level, above the current one.",
            ),
            need("reason", FieldType::Reason, "Reason for the escalation."),
        ])
        .by(assign::escalate)
        .tells(Notice::Escalated),
    row(Action::Comment, "Add a public comment")
        .wherever(From::NotOver)
        .takes(TEXT)
        .by(talk::comment)
        .tells(Notice::Commented),
    row(Action::AcceptSuggestion, "Accept a policy's suggestion")
        .takes(SUGGESTION)
        .by(suggestion::accept),
    row(Action::DismissSuggestion, "Dismiss a policy's suggestion")
        .takes(SUGGESTION)
        .by(suggestion::dismiss),
];

/// The row of a conversion; from where it is possible is the kind's.
pub(crate) const CONVERT: Row = row(Action::Convert, "Convert it to another kind of ticket")
    .takes(&[
        need(
            "to",
            FieldType::Choice(&["incident", "request", "problem"]),
            "Kind of ticket to convert it to.",
        ),
        need("reason", FieldType::Reason, "Reason for the conversion."),
    ])
    .to(State::Cancelled)
    .unless(against_ending)
    .by(end::convert)
    .tells(Notice::Closed);

/// Rows of what policies take in, somebody asks for, and somebody answers.
pub(crate) const INTAKE: &[Row] = &[
    row(Action::Categorize, "A policy categorizes it").who(Who::System),
    row(Action::Reroute, "Have the policies route it again").asking(Asks::Route),
    row(Action::SetEta, "Set the expected time of restoration")
        .takes(&[input(
            "eta",
            FieldType::Time,
            "The expected time of restoration; null clears it.",
        )])
        .by(talk::set_eta)
        .tells(Notice::EtaChanged),
    row(Action::MergeInto, "Merge it into another ticket about the same issue")
        .takes(&[need("target", FieldType::Ticket, "Id or number of the ticket to merge it into.")])
        .to(State::Cancelled)
        .unless(against_ending)
        .by(end::merge_into)
        .tells(Notice::Closed),
];

/// The row of a reply; where it leads is the kind's.
pub(crate) const CALLER_REPLY: Row =
    row(Action::CallerReply, "Reply as the requester, or as a watcher")
        .wherever(From::Anywhere)
        .who(Who::OwnerOrWatcher)
        .takes(TEXT)
        .by(talk::caller_reply)
        .tells(Notice::Commented);

const TEXT: &[Input] = &[need("text", FieldType::Text, "The text of the comment or note.")];

const LINK: &[Input] = &[
    need(
        "link_type",
        FieldType::Choice(LinkType::NAMES),
        "Type of the link, as seen from this ticket.",
    ),
    need("target", FieldType::Ticket, "Id or number of the other ticket."),
];

const SUGGESTION: &[Input] = &[need("suggestion", FieldType::Suggestion, "Id of the suggestion.")];

/// Fields of every kind.
pub(crate) const COMMON_FIELDS: &[Field] = &[
    Field::new(
        "short_description",
        FieldType::Text,
        "Summary in one line of at most 250 characters.",
        |ticket| Some(Value::Text(ticket.short_description.clone())),
        |ticket, value, faults| {
            let line = text_of(value).unwrap_or_default();
            ticket.short_description = text::short_description(line, faults);
        },
    )
    .kept(),
    Field::new(
        "description",
        FieldType::Text,
        "The full description.",
        |ticket| (!ticket.description.is_empty()).then(|| Value::Text(ticket.description.clone())),
        |ticket, value, faults| {
            ticket.description = text::description(text_of(value).unwrap_or_default(), faults);
        },
    )
    .kept(),
    Field::new(
        "tags",
        FieldType::Tags,
        "Tags; replaces the whole list. After opening, only the desk can change them.",
        |ticket| {
            let tags = ticket.tags.iter().cloned().collect::<Vec<_>>();
            (!tags.is_empty()).then_some(Value::Texts(tags))
        },
        |ticket, value, faults| {
            let given = if let Some(Value::Texts(tags)) = value { tags.as_slice() } else { &[] };
            ticket.tags = text::tags(given, faults);
        },
    )
    .of_desk_later()
    .kept(),
    Field::new(
        "fields",
        FieldType::Facts,
        "Custom fields by name: a Boolean, a number, a string or a list of strings. Replaces all \
         custom fields. For the desk.",
        |ticket| Some(&ticket.fields).filter(|fields| !fields.is_empty()).and_then(Holds::value),
        |ticket, value, faults| ticket.fields.take("/fields", value, faults),
    )
    .of_desk()
    .kept(),
    Field::new(
        "watchers",
        FieldType::People,
        "Watchers, by id or e-mail address. Replaces the whole list. For the desk.",
        |ticket| (!ticket.watchers.is_empty()).then(|| Value::People(ticket.watchers.clone())),
        |ticket, value, _| {
            ticket.watchers = if let Some(Value::People(people)) = value {
                people.clone()
            } else {
                BTreeSet::default()
            };
        },
    )
    .of_desk()
    .editing()
    .kept(),
    Field::new(
        "channel",
        FieldType::Choice(Channel::NAMES),
        "Channel through which it was reported; defaults to `api`.",
        |_| None,
        |ticket, value, _| ticket.channel = choice(value).unwrap_or(Channel::Api),
    )
    .opening(),
    Field::new(
        "opened_at",
        FieldType::Time,
        "When the issue started or the request was made; the current time if omitted.",
        |_| None,
        |ticket, value, _| {
            if let Some(Value::Time(at)) = value {
                ticket.opened_at = *at;
            }
        },
    )
    .opening(),
    Field::new(
        "external_ref",
        FieldType::ExternalRef,
        "The ticket's reference in another system. If a ticket with this reference exists, it is \
         returned instead of a new one. For the desk.",
        |_| None,
        |ticket, value, faults| {
            if let Some(Value::ExternalRef(source, id)) = value {
                ticket.external_ref = Some(ExternalRef::read(source, id, faults));
            }
        },
    )
    .of_desk()
    .opening(),
];

/// Fields of what has a subject of its own: not of tasks.
pub(crate) const SUBJECT_FIELDS: &[Field] = &[
    Field::new(
        "category",
        FieldType::Category,
        "Path of the category, such as `access/password`. After opening, only the desk can \
         change it.",
        |ticket| ticket.category.clone().map(Value::Category),
        |ticket, value, _| {
            ticket.category =
                if let Some(Value::Category(path)) = value { Some(path.clone()) } else { None };
        },
    )
    .of_desk_later(),
    Field::new(
        "service",
        FieldType::Service,
        "Key of the service concerned. After opening, only the desk can change it.",
        |ticket| ticket.service.map(Value::Service),
        |ticket, value, _| {
            ticket.service = if let Some(Value::Service(id)) = value { Some(*id) } else { None };
        },
    )
    .of_desk_later(),
    Field::new(
        "ci",
        FieldType::Ci,
        "Key of the configuration item concerned; the main one if there are several. After \
         opening, only the desk can change it.",
        |ticket| ticket.ci.map(|id| Value::Cis(vec![id])),
        |ticket, value, _| {
            ticket.ci = if let Some(Value::Cis(ids)) = value { ids.first().copied() } else { None };
        },
    )
    .of_desk_later(),
    Field::new(
        "impact",
        FieldType::Level,
        "Impact on the business; 1 is the highest. After opening, only the desk can change it.",
        |ticket| ticket.impact.map(|level| Value::Number(level.0.into())),
        |ticket, value, _| ticket.impact = level(value),
    )
    .of_desk_later(),
    Field::new(
        "urgency",
        FieldType::Level,
        "Urgency; 1 is the highest. After opening, only the desk can change it.",
        |ticket| ticket.urgency.map(|level| Value::Number(level.0.into())),
        |ticket, value, _| ticket.urgency = level(value),
    )
    .of_desk_later(),
];

/// Fields of what somebody reports or asks for.
pub(crate) const INTAKE_FIELDS: &[Field] = &[Field::new(
    "requester",
    FieldType::Person,
    "Id or e-mail address of the person the ticket is for; defaults to you.",
    |ticket| ticket.requester.map(Value::Person),
    |ticket, value, _| {
        ticket.requester = person_of(value);
    },
)
.opening()];

/// The row of another voter; in which states is the kind's.
pub(crate) const APPOINT_VOTER: Row =
    row(Action::AppointVoter, "Ask somebody else for a vote of the open approval")
        .who(Who::Admin)
        .takes(&[
            need("person", FieldType::Person, "Id or e-mail address of the person to ask."),
            need("reason", FieldType::Reason, "Reason for asking somebody else."),
            input(
                "request",
                FieldType::Line,
                "Id of the approval request to reassign; if omitted, a vote that nobody is \
                 asked for.",
            ),
        ])
        .by(appoint_voter)
        .tells(Notice::ApprovalRequested);

/// Rows of what approvals are about, beside those that are the kind's own.
pub(crate) const APPROVED: &[Row] = &[
    row(Action::RemindVoter, "A voter is reminded").who(Who::System).tells(Notice::VoteLate),
    row(Action::DelegateVote, "A vote is delegated")
        .who(Who::System)
        .tells(Notice::ApprovalRequested),
    row(Action::ExpireVote, "A vote expires").who(Who::System),
    row(Action::VacateVote, "A vote is vacated").who(Who::System),
    row(Action::VoidApproval, "The approval is voided").wherever(From::Anywhere).who(Who::System),
];
