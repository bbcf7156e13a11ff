//! Problems: causes, or possible causes, of incidents. A known error is an analyzed problem without
//! a permanent fix.

#[cfg(test)]
mod rules;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::{
    approval::Approval,
    ids::{CiId, PersonId, TicketId},
    refusal::Refused,
    request::Content,
    ticket::{
        self, APPROVED, Action, CLOSE, COMMON, COMMON_FIELDS, CONVERT, Code, EDIT, Field,
        FieldType, From, Kind, Lack, Notice, Obstacle, Phase, Row, SUBJECT_FIELDS, Stage, State,
        Ticket, TicketKind, Turn, Value, WORKED, Who, fill, flag, input, need, row, text_of,
    },
};

/// What only a problem has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problem {
    /// The configuration items concerned beside the main one.
    pub cis: BTreeSet<CiId>,
    /// What people see.
    pub symptom: Option<String>,
    /// Why it happens.
    pub root_cause: Option<String>,
    /// How to live with it.
    pub workaround: Option<String>,
    /// How it is fixed.
    pub fix_notes: Option<String>,
    /// What is done better next time.
    pub improvements: Option<String>,
    /// Whether it is a known error: analyzed, with a workaround, and not fixed.
    pub known_error: bool,
    /// Whether it is behind a major incident, so that its review is written before it is closed.
    pub major: bool,
    /// Who answers for the risk, where it is accepted.
    pub risk_owner: Option<PersonId>,
    /// When the accepted risk is looked at again.
    pub risk_review_at: Option<DateTime<Utc>>,
    /// Whether the task of that review was opened.
    pub risk_review_opened: bool,
    /// The problem that it is the same as.
    pub duplicate_of: Option<TicketId>,
    /// What it became, when it turned out to be no problem.
    pub converted_to: Option<TicketId>,
    /// Why no article tells of it.
    pub no_article_reason: Option<String>,
    /// What was learned, of a major one.
    pub review_note: Option<String>,
}

/// All rules of problems.
pub const PROBLEM: Kind = Kind {
    kind: TicketKind::Problem,
    with_article: "a problem",
    prefix: "PRB",
    path: "problems",
    summary: "A cause, or possible cause, of one or more incidents.",
    states: &[
        (State::New, Phase::Open),
        (State::Assess, Phase::Open),
        (State::RootCauseAnalysis, Phase::Open),
        (State::FixInProgress, Phase::Open),
        (State::Resolved, Phase::Done),
        (State::Closed, Phase::Closed),
    ],
    at_work: State::RootCauseAnalysis,
    codes: &[Code::FixApplied, Code::RiskAccepted, Code::Duplicate, Code::Cancelled],
    outcome: "resolution",
    tasks_worked: From::NotOver,
    opened_by: Who::Desk,
    rows: &[ROWS, COMMON, WORKED, APPROVED],
    fields: &[COMMON_FIELDS, SUBJECT_FIELDS, FIELDS],
};

const ANALYZED: &[State] = &[State::RootCauseAnalysis, State::FixInProgress];

const ROWS: &[Row] = &[
    row(Action::Assess, "Assign it for assessment")
        .from(&[State::New])
        .to(State::Assess)
        .takes(&[
            need("team", FieldType::Team, "The key of the team that owns it."),
            need("assignee", FieldType::Person, "Who assesses it: a member of the team."),
        ])
        .by(assess)
        .tells(Notice::Assigned),
    row(Action::Confirm, "Confirm it for root cause analysis")
        .from(&[State::Assess])
        .to(State::RootCauseAnalysis)
        .takes(&[
            fill("impact", FieldType::Level, "How much of the business is affected; 1 is the most."),
            fill(
                "urgency",
                FieldType::Level,
                "How quickly it must be dealt with; 1 is the most urgent.",
            ),
            input("service", FieldType::Service, "The service, unless it or a CI is set already.")
                .filling(),
            input("ci", FieldType::Ci, "The CI, unless it or a service is set already.").filling(),
        ])
        .lacking(|ticket, _| {
            let remedy = "Name the service or the configuration item concerned.";
            let lack = Lack { fields: &["service", "ci"], remedy };
            let is_known = ticket.service.is_some() || ticket.ci.is_some();
            if is_known { Vec::new() } else { vec![lack] }
        })
        .by(confirm)
        .tells(Notice::StateChanged),
    row(Action::StartFix, "Start the fix")
        .from(&[State::RootCauseAnalysis])
        .to(State::FixInProgress)
        .takes(&[
            fill("root_cause", FieldType::Text, "Why it happens."),
            fill("fix_notes", FieldType::Text, "How it is fixed."),
        ])
        .tells(Notice::StateChanged),
    row(Action::Reanalyze, "Go back to root cause analysis")
        .from(&[State::FixInProgress, State::Resolved])
        .to(State::RootCauseAnalysis)
        .takes(&[need("reason", FieldType::Reason, "Why the cause was not found, or not cured.")])
        .by(reanalyze)
        .tells(Notice::StateChanged),
    row(Action::PublishKnownError, "Publish it as a known error")
        .from(&[State::RootCauseAnalysis, State::FixInProgress, State::Resolved])
        .takes(&[
            fill("symptom", FieldType::Text, "What people see."),
            fill("workaround", FieldType::Text, "How to live with it."),
        ])
        .unless(is_known_error)
        .by(publish_known_error),
    row(Action::Communicate, "Tell the callers of its incidents about the workaround")
        .from(&[State::Assess, State::RootCauseAnalysis, State::FixInProgress, State::Resolved])
        .takes(&[input(
            "text",
            FieldType::Text,
            "What they read as a comment on their incidents; the workaround, or else the fix, if left out.",
        )])
        .lacking(|ticket, _| {
            let remedy = "Say how to live with it, or fill in the workaround first.";
            let lack = Lack { fields: &["text"], remedy };
            if ticket.known_remedy().is_some() { Vec::new() } else { vec![lack] }
        })
        .by(communicate),
    row(Action::RequestApproval, "Ask the service owner to accept the risk")
        .from(ANALYZED)
        .takes(&[
            need("risk_owner", FieldType::Person, "The owner of the risk.").filling(),
            need("risk_review_at", FieldType::Time, "When the risk is reviewed.").filling(),
            need("reason", FieldType::Reason, "Why the risk is accepted."),
        ])
        .by(ask_for_risk),
    row(Action::Vote, "Vote on accepting its risk").from(ANALYZED).who(Who::SeatHolder),
    row(Action::Approve, "Acceptance of its risk is approved")
        .from(ANALYZED)
        .who(Who::System)
        .tells(Notice::ApprovalDecided),
    row(Action::Reject, "Acceptance of its risk is rejected")
        .from(ANALYZED)
        .who(Who::System)
        .tells(Notice::ApprovalDecided),
    row(Action::Resolve, "Resolve it")
        .to(State::Resolved)
        .takes(&[
            need("resolution_code", FieldType::Code, "How it was resolved."),
            need("resolution_notes", FieldType::Text, "What was done, or why nothing is."),
            input("root_cause", FieldType::Text, "Why it happened; for `fix_applied`, unless it is set already.").filling(),
            input("duplicate_of", FieldType::Ticket, "The problem that goes on; for `duplicate`."),
            input(
                "resolve_incidents",
                FieldType::Flag,
                "Whether the incidents that it causes are resolved as well; those on hold for it resume if not.",
            ),
        ])
        .by(resolve)
        .tells(Notice::Resolved),
    CLOSE
        .from(&[State::Resolved])
        .takes(&[
            need("no_article_reason", FieldType::Reason, "Why no article tells of it."),
            input("review_note", FieldType::Text, "What was learned; needed of a major problem."),
        ])
        .lacking(|ticket, _| {
            let remedy = "Write what was learned: the problem is a major one.";
            let lack = Lack { fields: &["review_note"], remedy };
            let is_major = ticket.problem().is_some_and(|problem| problem.major);
            if is_major { vec![lack] } else { Vec::new() }
        })
        .by(close),
    CONVERT.from(&[State::New]).to(State::Resolved),
    EDIT,
];

/// A text that only problems have.
macro_rules! text_field {
    ($name:ident, $doc:literal) => {
        Field::new(
            stringify!($name),
            FieldType::Text,
            $doc,
            |ticket| ticket.problem()?.$name.clone().map(Value::Text),
            |ticket, value, _| {
                if let Some(problem) = ticket.problem_mut() {
                    let text = text_of(value).map(str::trim).filter(|it| !it.is_empty());
                    problem.$name = text.map(str::to_owned);
                }
            },
        )
    };
}

const FIELDS: &[Field] = &[
    text_field!(symptom, "What people see."),
    text_field!(root_cause, "Why it happens."),
    text_field!(workaround, "How to live with it."),
    text_field!(fix_notes, "How it is fixed."),
    text_field!(improvements, "What is done better next time."),
    Field::new(
        "cis",
        FieldType::Cis,
        "The keys of the configuration items concerned beside the main one, all of them.",
        |ticket| {
            let cis = ticket.problem()?.cis.iter().copied().collect::<Vec<_>>();
            (!cis.is_empty()).then_some(Value::Cis(cis))
        },
        |ticket, value, _| {
            if let Some(problem) = ticket.problem_mut() {
                problem.cis = if let Some(Value::Cis(ids)) = value {
                    ids.iter().copied().collect()
                } else {
                    BTreeSet::new()
                };
            }
        },
    )
    .kept(),
    Field::new(
        "major",
        FieldType::Flag,
        "Whether it is behind a major incident, so that its review is written before it is closed.",
        |ticket| ticket.problem().filter(|it| it.major).map(|it| Value::Flag(it.major)),
        |ticket, value, _| {
            if let Some(problem) = ticket.problem_mut() {
                problem.major = flag(value).unwrap_or(false);
            }
        },
    )
    .kept(),
    Field::new(
        "risk_owner",
        FieldType::Person,
        "Who answers for the risk, where it is accepted.",
        |ticket| ticket.problem()?.risk_owner.map(Value::Person),
        |ticket, value, _| {
            if let Some(problem) = ticket.problem_mut() {
                problem.risk_owner =
                    if let Some(Value::Person(id)) = value { Some(*id) } else { None };
            }
        },
    )
    .editing(),
    Field::new(
        "risk_review_at",
        FieldType::Time,
        "When the accepted risk is looked at again; a task is opened then.",
        |ticket| ticket.problem()?.risk_review_at.map(Value::Time),
        |ticket, value, _| {
            if let Some(problem) = ticket.problem_mut() {
                let at = if let Some(Value::Time(at)) = value { Some(*at) } else { None };
                problem.risk_review_opened &= problem.risk_review_at == at;
                problem.risk_review_at = at;
            }
        },
    )
    .editing(),
];

fn assess(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    ticket::assign(ticket, turn)?;
    ticket.stage = Stage::Open(State::Assess);
    Ok(())
}

fn confirm(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    ticket::check_levels(turn.settings, ticket.impact, ticket.urgency, &mut turn.faults);
    turn.fields_are_right()?;
    ticket.prioritize(&turn.settings.matrix);
    ticket.stage = Stage::Open(State::RootCauseAnalysis);
    Ok(())
}

/// Counts as a reopening: what was thought to be the cause, or the cure, was not.
fn reanalyze(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    turn.fields_are_right()?;
    ticket.stage = Stage::Open(State::RootCauseAnalysis);
    if let Some(problem) = ticket.problem_mut() {
        problem.duplicate_of = None;
    }
    ticket.count_reopening(turn.now);
    Ok(())
}

fn is_known_error(ticket: &Ticket, _: Action) -> Option<Obstacle> {
    let is_one = ticket.problem().is_some_and(|problem| problem.known_error);
    is_one.then_some(Obstacle::Guard(
        "It is a known error already; edit its symptom and workaround instead.",
    ))
}

fn publish_known_error(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    turn.fields_are_right()?;
    if let Some(problem) = ticket.problem_mut() {
        problem.known_error = true;
    }
    Ok(())
}

/// Says it on the incidents that it causes; that is what follows from its event.
fn communicate(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    turn.fields_are_right()?;
    turn.left.text = turn.given.text("text").or(ticket.known_remedy()).map(str::to_owned);
    Ok(())
}

/// Notes what the owner of the service is asked to agree to.
fn ask_for_risk(_: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    turn.must_come("risk_review_at");
    turn.fields_are_right()?;
    if turn.beside.round.as_ref().is_some_and(Approval::is_open) {
        return Err(Refused::guard("Its approval is open already; the votes decide it."));
    }
    Ok(())
}

/// Records how it is settled. What is needed for it depends on the code.
fn resolve(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    let code: Option<Code> = turn.given.choice("resolution_code");
    let is_fixed = code == Some(Code::FixApplied);
    if is_fixed && ticket.problem().is_some_and(|problem| problem.root_cause.is_none()) {
        turn.faults.missing("/root_cause", "Say why it happened.");
    }
    if code == Some(Code::Duplicate) {
        check_duplicate(ticket, turn);
    }
    turn.fields_are_right()?;
    let Some(code) = code else { return Ok(()) };
    let original = turn.beside.target.as_ref().filter(|_| code == Code::Duplicate);
    if let Some(original) = original.filter(|it| it.phase().is_over() || it.is_duplicate()) {
        return Err(Refused::guard(format!(
            "{} is {}; name the problem that goes on.",
            original.number,
            if original.is_duplicate() { "a duplicate itself" } else { original.state().as_str() }
        )));
    }
    let possible: &[Code] = match ticket.state() {
        State::FixInProgress => PROBLEM.codes,
        State::RootCauseAnalysis => &[Code::RiskAccepted, Code::Duplicate, Code::Cancelled],
        _ => &[Code::Duplicate, Code::Cancelled],
    };
    if !possible.contains(&code) {
        let names = possible.iter().map(|code| code.as_str()).collect::<Vec<_>>().join(", ");
        return Err(Refused::guard(format!(
            "In state `{}`, the resolution code must be one of: {names}.",
            ticket.state()
        )));
    }
    if code == Code::RiskAccepted && !turn.beside.is_approved {
        return Err(Refused::Guard {
            code: Refused::APPROVAL_REQUIRED,
            message: "The owner of the service has not agreed to this risk; take the action \
                      request_approval first."
                .to_owned(),
        });
    }
    let duplicate_of = turn.given.ticket("duplicate_of").filter(|_| code == Code::Duplicate);
    if let Some(problem) = ticket.problem_mut() {
        problem.duplicate_of = duplicate_of;
        problem.known_error &= !is_fixed;
    }
    ticket::finish(ticket, turn)
}

fn check_duplicate(ticket: &Ticket, turn: &mut Turn<'_>) {
    let Some(target) = &turn.beside.target else {
        turn.faults.missing("/duplicate_of", "Name the problem that goes on, by its id or number.");
        return;
    };
    if target.id == ticket.id {
        let message = "A problem cannot be the duplicate of itself; name another.";
        turn.faults.wrong("/duplicate_of", "itself", message);
    } else if target.problem().is_none() {
        let message = "It is not a problem; name a problem.";
        turn.faults.wrong("/duplicate_of", "other-kind", message);
    }
}

fn close(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    turn.fields_are_right()?;
    let review_note = turn.given.text("review_note").map(str::to_owned);
    let no_article_reason = turn.given.text("no_article_reason").map(str::to_owned);
    if let Some(problem) = ticket.problem_mut() {
        problem.no_article_reason = no_article_reason;
        problem.review_note = review_note;
    }
    ticket::close(ticket, turn)
}

impl Problem {
    /// What the owner of the service agrees to.
    pub(crate) fn add_risk(&self, short_description: &str, content: &mut Content) {
        content.add("short_description", short_description);
        let texts = [("root_cause", &self.root_cause), ("workaround", &self.workaround)];
        for (name, text) in texts {
            content.add(name, text.as_deref().unwrap_or_default());
        }
        content.add("risk_owner", &self.risk_owner.map(|it| it.to_string()).unwrap_or_default());
        let at = self.risk_review_at.map(|at| at.timestamp().to_string());
        content.add("risk_review_at", &at.unwrap_or_default());
    }
}

impl Ticket {
    fn is_duplicate(&self) -> bool {
        self.problem().is_some_and(|problem| problem.duplicate_of.is_some())
    }

    /// What people are told of a problem: how to live with it, or how it is fixed.
    fn known_remedy(&self) -> Option<&str> {
        let problem = self.problem()?;
        problem.workaround.as_deref().or(problem.fix_notes.as_deref())
    }

    /// Whether the review of an accepted risk is due.
    #[must_use]
    pub fn needs_risk_review(&self, now: DateTime<Utc>) -> bool {
        let is_accepted =
            self.stage.outcome().is_some_and(|it| it.code == Some(Code::RiskAccepted));
        self.problem().is_some_and(|problem| {
            let is_due = problem.risk_review_at.is_some_and(|at| at <= now);
            is_accepted && is_due && !problem.risk_review_opened
        })
    }

    /// Notes that the task of the review of an accepted risk was opened.
    pub fn open_risk_review(&mut self, now: DateTime<Utc>) {
        if let Some(problem) = self.problem_mut() {
            problem.risk_review_opened = true;
        }
        self.updated_at = self.updated_at.max(now);
    }
}
