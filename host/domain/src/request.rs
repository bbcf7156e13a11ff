//! Service requests: what people ask for, from the draft over its approval to the delivery.

mod quantity;
#[cfg(test)]
mod rules;

use chrono::{DateTime, Duration, Utc};

use crate::{
    catalog::{CatalogItem, MAX_ANSWER_CHARS, MAX_FIELDS, Money},
    field::time_of,
    ids::{CatalogItemId, OrderId},
    key::Key,
    organization::OrgSettings,
    refusal::{Faults, Refused},
    said,
    task::check_fulfilment,
    text,
    ticket::{
        self, APPOINT_VOTER, APPROVED, Action, Asks, CALLER_REPLY, CANCEL, CLOSE, COMMON,
        COMMON_FIELDS, CONVERT, Code, EDIT, Field, FieldType, From, INTAKE, INTAKE_FIELDS, Kind,
        Notice, Phase, REOPEN, RESUME, Rejection, Row, SUBJECT_FIELDS, Stage, State, Ticket,
        TicketKind, Turn, Value, WORKED, Who, count, input, need, row,
    },
};

pub use self::quantity::MAX_QUANTITY;

/// What only a service request has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What is asked for; none for a free-text request.
    pub item: Option<CatalogItemId>,
    /// The form's answers, in the form's order.
    pub answers: Vec<(Key, String)>,
    /// How many of it, 1 to [`MAX_QUANTITY`].
    pub quantity: u16,
    /// What was ordered together with other requests.
    pub order: Option<OrderId>,
    /// What all of it costs: the item's cost when it was asked for, times the quantity.
    pub cost: Option<Money>,
    /// When it should be there.
    pub expected_at: Option<DateTime<Utc>>,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            item: None,
            answers: Vec::new(),
            quantity: 1,
            order: None,
            cost: None,
            expected_at: None,
        }
    }
}

/// What the approval policy says about a request that is submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submission {
    /// Nobody needs to be asked.
    Approved,
    /// These people must agree first: an approval has been planned.
    Asks,
    /// It can't be approved.
    Refused {
        /// Why, for the requester.
        reason: String,
    },
}

/// All rules of service requests.
pub const REQUEST: Kind = Kind {
    kind: TicketKind::Request,
    with_article: "a request",
    prefix: "REQ",
    path: "requests",
    summary: "Something that a person asks for: a catalog item, or a free-text request.",
    states: &[
        (State::New, Phase::Open),
        (State::AwaitingApproval, Phase::Open),
        (State::InFulfilment, Phase::Open),
        (State::OnHold, Phase::OnHold),
        (State::Fulfilled, Phase::Done),
        (State::Rejected, Phase::Rejected),
        (State::Closed, Phase::Closed),
        (State::Cancelled, Phase::Cancelled),
    ],
    at_work: State::InFulfilment,
    codes: &[Code::Complete, Code::Partial, Code::Substituted],
    outcome: "fulfillment",
    tasks_worked: From::In(&[State::InFulfilment, State::OnHold]),
    opened_by: Who::DeskOrOwner(From::Anywhere),
    rows: &[ROWS, COMMON, WORKED, INTAKE, APPROVED],
    fields: &[COMMON_FIELDS, INTAKE_FIELDS, SUBJECT_FIELDS, FIELDS],
};

const ROWS: &[Row] = &[
    row(Action::Submit, "Submit it")
        .from(&[State::New])
        .one_of(&[State::AwaitingApproval, State::InFulfilment, State::Rejected])
        .who(Who::DeskOrOwner(From::Anywhere))
        .asking(Asks::Plan)
        .tells(Notice::StateChanged),
    row(Action::Revise, "Withdraw it for revision")
        .from(&[State::AwaitingApproval, State::Rejected])
        .to(State::New)
        .who(Who::DeskOrOwner(From::Anywhere)),
    row(Action::Hold, "Put it on hold")
        .from(&[State::InFulfilment, State::OnHold])
        .to(State::OnHold)
        .takes(&[
            need(
                "awaiting",
                FieldType::Choice(&["caller", "vendor", "evidence"]),
                "What it is waiting for.",
            ),
            input("vendor", FieldType::Line, "The vendor's name; for `vendor`."),
            input(
                "person",
                FieldType::Person,
                "Person who must supply the evidence; for `evidence`.",
            ),
            input(
                "comment",
                FieldType::Text,
                "Question to the requester, posted as a public comment; for `caller`.",
            ),
            input("follow_up_at", FieldType::Time, "When to follow up."),
        ])
        .by(ticket::hold)
        .tells(Notice::StateChanged),
    RESUME.to(State::InFulfilment),
    row(Action::Fulfill, "Fulfill it")
        .from(&[State::InFulfilment])
        .to(State::Fulfilled)
        .takes(&[
            need("fulfillment_code", FieldType::Code, "Fulfillment code."),
            need("fulfillment_notes", FieldType::Text, "Fulfillment notes: what was done."),
        ])
        .by(fulfill)
        .reading_tasks()
        .tells(Notice::Resolved),
    REOPEN.from(&[State::Fulfilled]).to(State::InFulfilment),
    CLOSE.from(&[State::Fulfilled]).who(Who::DeskOrOwner(From::Anywhere)),
    CANCEL.who(Who::DeskOrOwner(From::In(&[State::New, State::AwaitingApproval]))),
    CONVERT.from(&[State::New]),
    EDIT.who(Who::DeskOrOwner(From::In(&[State::New]))),
    CALLER_REPLY.one_of(&[State::InFulfilment]),
    row(Action::RequestApproval, "Its approval is planned, and the first votes are requested")
        .from(&[State::AwaitingApproval])
        .who(Who::System),
    row(Action::Vote, "Vote on its approval").from(&[State::AwaitingApproval]).who(Who::SeatHolder),
    APPOINT_VOTER.from(&[State::AwaitingApproval]),
    row(Action::Approve, "Its approval is granted")
        .from(&[State::AwaitingApproval])
        .to(State::InFulfilment)
        .who(Who::System)
        .by(approve)
        .tells(Notice::ApprovalDecided),
    row(Action::Reject, "Its approval is refused")
        .from(&[State::AwaitingApproval])
        .to(State::Rejected)
        .who(Who::System)
        .by(reject)
        .tells(Notice::ApprovalDecided),
];

const FIELDS: &[Field] = &[
    Field::new(
        "catalog_item",
        FieldType::CatalogItem,
        "Key of the catalog item; omit it for a free-text request.",
        |ticket| ticket.request()?.item.map(Value::CatalogItem),
        |ticket, value, _| {
            if let (Some(request), Some(Value::CatalogItem(item))) = (ticket.request_mut(), value) {
                request.item = Some(*item);
            }
        },
    )
    .opening(),
    Field::new(
        "answers",
        FieldType::Answers,
        "Answers to the catalog item's form: strings, numbers or Booleans. Replaces all answers.",
        |ticket| ticket.request().map(|request| Value::Answers(request.answers.clone())),
        |ticket, value, faults| {
            let given =
                if let Some(Value::Answers(answers)) = value { answers.as_slice() } else { &[] };
            let kept = answers(given, faults);
            if let Some(request) = ticket.request_mut() {
                request.answers = kept;
            }
        },
    )
    .kept(),
    Field::new(
        "quantity",
        FieldType::Count { least: 1, most: MAX_QUANTITY as u32 },
        "Quantity of the catalog item; editable while the request is a draft. Defaults to 1.",
        |ticket| {
            ticket
                .request()
                .map(|it| it.quantity)
                .filter(|it| *it > 1)
                .map(|it| Value::Number(it.into()))
        },
        |ticket, value, faults| {
            let given = count(value).and_then(|given| u16::try_from(given).ok()).unwrap_or(1);
            if let Some(request) = ticket.request_mut() {
                request.set_quantity(given, faults);
            }
        },
    )
    .kept(),
    Field::new(
        "expected_at",
        FieldType::Time,
        "Expected time of delivery. For the desk.",
        |ticket| ticket.request()?.expected_at.map(Value::Time),
        |ticket, value, _| {
            if let Some(request) = ticket.request_mut() {
                request.expected_at = time_of(value);
            }
        },
    )
    .of_desk()
    .editing(),
];

/// Answers as they are kept: as texts, whatever form they belong to. A form says more when the
/// request is submitted; a request in free text has none.
fn answers(given: &[(Key, String)], faults: &mut Faults) -> Vec<(Key, String)> {
    if given.len() > MAX_FIELDS {
        let message = said!(
            "{count} answers are too many; a form has at most {most} fields.",
            count = given.len(),
            most = MAX_FIELDS
        );
        faults.wrong("/answers", "too-many", message);
    }
    let kept = |(field, answer): &(Key, String)| {
        let (pointer, answer) = (format!("/answers/{field}"), text::line_ends(answer.trim()));
        text::at_most_chars(&pointer, &answer, MAX_ANSWER_CHARS, faults);
        text::plain(&pointer, &answer, faults);
        (field.clone(), answer.into_owned())
    };
    given.iter().map(kept).collect()
}

/// All approvals are there: fulfilment begins.
#[expect(clippy::unnecessary_wraps, reason = "every move has this shape")]
fn approve(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    ticket.promise(turn.beside.item.as_ref(), turn.settings, turn.now);
    ticket.stage = Stage::Open(State::InFulfilment);
    Ok(())
}

/// An approval was refused, for the reason that is given.
#[expect(clippy::unnecessary_wraps, reason = "every move has this shape")]
fn reject(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    let reason = turn.given.text("reason").unwrap_or_default().to_owned();
    ticket.stage = Stage::Rejected(Rejection { reason, at: turn.now });
    Ok(())
}

/// Records that what was asked for is there. Not while a mandatory one of its tasks is neither done
/// nor skipped.
fn fulfill(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    turn.fields_are_right()?;
    check_fulfilment(&turn.beside.tasks)?;
    ticket::finish(ticket, turn)
}

impl Ticket {
    /// Whether it is a request that is not submitted, so that its content can still be changed.
    #[must_use]
    pub fn is_draft(&self) -> bool {
        self.request().is_some() && self.state() == State::New
    }

    /// Says what it is ordered together with. Only a request is ordered.
    pub fn order(&mut self, order: OrderId) {
        if let Some(request) = self.request_mut() {
            request.order = Some(order);
        }
    }

    /// Checks whether a request can be submitted, before the approval policy is asked: its state,
    /// and each answer of its form. `item` is the catalog item that it asks for. Returns the
    /// answers as they will be kept.
    pub fn check_submission(
        &self,
        item: Option<&CatalogItem>,
    ) -> Result<Vec<(Key, String)>, Refused> {
        self.admit(Action::Submit)?;
        let Some(request) = self.request() else { return Ok(Vec::new()) };
        item.map_or_else(
            || Ok(request.answers.clone()),
            |item| item.check_answers(&request.answers),
        )
    }

    /// Submits a request: where it goes, the approval policy has said. Returns what changed.
    pub fn submit(
        &mut self,
        item: Option<&CatalogItem>,
        submission: Submission,
        settings: &OrgSettings,
        now: DateTime<Utc>,
    ) -> Result<Vec<crate::event::FieldChange>, Refused> {
        let answers = self.check_submission(item)?;
        let before = self.clone();
        // What waits for approvers is promised from now on; their answer counts it anew.
        if !matches!(submission, Submission::Refused { .. }) {
            self.promise(item, settings, now);
        }
        if let Some(request) = self.request_mut() {
            request.answers = answers;
        }
        self.stage = match submission {
            Submission::Approved => Stage::Open(State::InFulfilment),
            Submission::Asks => Stage::Open(State::AwaitingApproval),
            Submission::Refused { reason } => Stage::Rejected(Rejection { reason, at: now }),
        };
        Ok(self.record_changes(&before, None, now))
    }

    /// What approvers decide on, as a text that is the same for the same content: of a request the
    /// item, how many of it, the answers and the cost, or the texts of one in free text; of a
    /// problem the risk. Its digest is what votes name.
    #[must_use]
    pub fn approval_content(&self) -> String {
        let mut content = Content::default();
        if let Some(request) = self.request() {
            if let Some(item) = request.item {
                content.add("item", &item.to_string());
                if request.quantity > 1 {
                    content.add("quantity", &request.quantity.to_string());
                }
            } else {
                content.add("short_description", &self.short_description);
                content.add("description", &self.description);
            }
            // Where answers are kept, they have no order.
            let mut answers: Vec<_> = request.answers.iter().collect();
            answers.sort();
            for (field, answer) in answers {
                content.add(field.as_str(), answer);
            }
            if let Some(cost) = &request.cost {
                content.add("cost", &format!("{} {}", cost.minor_units, cost.currency));
            }
        }
        if let Some(problem) = self.problem() {
            problem.add_risk(&self.short_description, self.service, &mut content);
        }
        content.0
    }

    /// Says when it should be there, where its item promises a time of delivery: counted in the
    /// organization's working hours. What a person has said stays where nothing is promised.
    fn promise(&mut self, item: Option<&CatalogItem>, settings: &OrgSettings, now: DateTime<Utc>) {
        let Some(hours) = item.and_then(|item| item.delivery_hours) else { return };
        let hours = Duration::hours(hours.into());
        if let Some(request) = self.request_mut() {
            request.expected_at = settings.working_hours.worked_by(now, hours, settings.zone);
        }
    }
}

/// The text that an approval is about.
#[derive(Default)]
pub(crate) struct Content(String);

impl Content {
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        // The length keeps one value from looking like two.
        self.0.extend([name, " ", &value.len().to_string(), " ", value, "\n"]);
    }
}
