//! Problems: causes, or possible causes, of incidents. A known error is an analyzed problem without
//! a permanent fix.

#[cfg(test)]
mod rules;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::{
    approval::Approval,
    field::{person_of, time_of},
    ids::{CiId, PersonId, ServiceId, TicketId},
    refusal::{Faults, GuardKind, Refused},
    request::Content,
    said,
    said::Part,
    ticket::{
        self, APPOINT_VOTER, APPROVED, Action, Asks, CLOSE, COMMON, COMMON_FIELDS, CONVERT, Code,
        EDIT, Field, FieldType, From, Kind, Lack, Notice, Obstacle, Phase, Row, SUBJECT_FIELDS,
        Stage, State, Ticket, TicketKind, Turn, Value, WORKED, Who, fill, flag, input, need, row,
        text_of,
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
            need("team", FieldType::Team, "Key of the team to own it."),
            need("assignee", FieldType::Person, "The assignee, a member of the team."),
        ])
        .by(assess)
        .tells(Notice::Assigned),
    row(Action::Confirm, "Confirm it for root cause analysis")
        .from(&[State::Assess])
        .to(State::RootCauseAnalysis)
        .takes(&[
            fill("impact", FieldType::Level, "Impact on the business; 1 is the highest."),
            fill("urgency", FieldType::Level, "Urgency; 1 is the highest."),
            input(
                "service",
                FieldType::Service,
                "Key of the service, unless a service or CI is already set.",
            )
            .filling(),
            input("ci", FieldType::Ci, "Key of the CI, unless a service or CI is already set.")
                .filling(),
        ])
        .lacking(|ticket, _| {
            let remedy = said!("Name the service or the configuration item concerned.");
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
            fill("root_cause", FieldType::Text, "Root cause."),
            fill("fix_notes", FieldType::Text, "Fix notes: how it is fixed."),
        ])
        .tells(Notice::StateChanged),
    row(Action::Reanalyze, "Go back to root cause analysis")
        .from(&[State::FixInProgress, State::Resolved])
        .to(State::RootCauseAnalysis)
        .takes(&[need("reason", FieldType::Reason, "Why the root cause or the fix was wrong.")])
        .by(reanalyze)
        .tells(Notice::StateChanged),
    row(Action::PublishKnownError, "Publish it as a known error")
        .from(&[State::RootCauseAnalysis, State::FixInProgress, State::Resolved])
        .takes(&[
            fill("symptom", FieldType::Text, "Symptom, as users see it."),
            fill("workaround", FieldType::Text, "Workaround."),
        ])
        .unless(against_publishing)
        .by(publish_known_error),
    row(Action::Communicate, "Send the workaround to the callers of its incidents")
        .from(&[State::Assess, State::RootCauseAnalysis, State::FixInProgress, State::Resolved])
        .takes(&[input(
            "text",
            FieldType::Text,
            "Comment on its incidents; defaults to the workaround, or else to the fix notes.",
        )])
        .lacking(|ticket, _| {
            let remedy = said!("Give a text, or fill in the workaround first.");
            let lack = Lack { fields: &["text"], remedy };
            if ticket.known_remedy().is_some() { Vec::new() } else { vec![lack] }
        })
        .by(communicate),
    row(Action::RequestApproval, "Ask the service owner to accept the risk")
        .from(ANALYZED)
        .takes(&[
            need("risk_owner", FieldType::Person, "The risk owner.").filling(),
            need("risk_review_at", FieldType::Time, "When to review the risk.").filling(),
            need("reason", FieldType::Reason, "Reason for accepting the risk."),
        ])
        .asking(Asks::RiskOwner)
        .by(ask_for_risk),
    row(Action::Vote, "Vote on accepting its risk").from(ANALYZED).who(Who::SeatHolder),
    APPOINT_VOTER.from(ANALYZED),
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
            need("resolution_code", FieldType::Code, "Resolution code."),
            need(
                "resolution_notes",
                FieldType::Text,
                "Resolution notes: what was done, or why nothing was done.",
            ),
            input(
                "root_cause",
                FieldType::Text,
                "Root cause; for `fix_applied`, unless already set.",
            )
            .filling(),
            input(
                "duplicate_of",
                FieldType::Ticket,
                "Id or number of the original problem; for `duplicate`.",
            ),
            input(
                "resolve_incidents",
                FieldType::Flag,
                "Whether to resolve its incidents as well; otherwise those on hold for it resume.",
            ),
        ])
        .by(resolve)
        .tells(Notice::Resolved),
    CLOSE
        .from(&[State::Resolved])
        .takes(&[
            need("no_article_reason", FieldType::Reason, "Why there is no knowledge article."),
            input("review_note", FieldType::Text, "Lessons learned; required for a major problem."),
        ])
        .lacking(|ticket, _| {
            let remedy = said!("Give the lessons learned; a major problem needs a review.");
            let lack = Lack { fields: &["review_note"], remedy };
            let is_major = ticket.problem().is_some_and(|problem| problem.major);
            if is_major { vec![lack] } else { Vec::new() }
        })
        .by(close),
    CONVERT.from(&[State::New]).to(State::Resolved).tells(Notice::Resolved),
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
    text_field!(symptom, "Symptom, as users see it."),
    text_field!(root_cause, "Root cause."),
    text_field!(workaround, "Workaround."),
    text_field!(fix_notes, "Fix notes: how it is fixed."),
    text_field!(improvements, "Improvements for the future."),
    Field::new(
        "cis",
        FieldType::Cis,
        "Keys of the other configuration items concerned. Replaces the whole list.",
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
        "Whether it caused a major incident; it then needs a review before it can be closed.",
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
        "The owner of the accepted risk.",
        |ticket| ticket.problem()?.risk_owner.map(Value::Person),
        |ticket, value, _| {
            if let Some(problem) = ticket.problem_mut() {
                problem.risk_owner = person_of(value);
            }
        },
    )
    .editing(),
    Field::new(
        "risk_review_at",
        FieldType::Time,
        "When to review the accepted risk; a task is opened at that time.",
        |ticket| ticket.problem()?.risk_review_at.map(Value::Time),
        |ticket, value, _| {
            if let Some(problem) = ticket.problem_mut() {
                let at = time_of(value);
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

fn against_publishing(ticket: &Ticket, _: Action) -> Option<Obstacle> {
    let code = ticket.stage.outcome().and_then(|outcome| outcome.code);
    if code.is_some_and(|code| code != Code::RiskAccepted) {
        return Some(Obstacle::Guard(said!(
            "It is not an open error any more: only a problem that is being worked on, or whose \
             risk was accepted, can be a known error. Go back to its analysis first."
        )));
    }
    let is_one = ticket.problem().is_some_and(|problem| problem.known_error);
    is_one.then_some(Obstacle::Guard(said!(
        "It is already a known error; edit its symptom and workaround instead."
    )))
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
        return Err(Refused::guard(said!("An approval is already pending; wait for the votes.")));
    }
    Ok(())
}

/// Records how it is settled. What is needed for it depends on the code.
fn resolve(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    let code: Option<Code> = turn.given.choice("resolution_code");
    let is_fixed = code == Some(Code::FixApplied);
    if is_fixed && ticket.problem().is_some_and(|problem| problem.root_cause.is_none()) {
        turn.faults.missing("/root_cause", said!("Give the root cause."));
    }
    if code == Some(Code::Duplicate) {
        check_duplicate(ticket, turn);
    }
    turn.fields_are_right()?;
    let Some(code) = code else { return Ok(()) };
    let original = turn.beside.target.as_ref().filter(|_| code == Code::Duplicate);
    if let Some(original) = original.filter(|it| it.phase().is_over() || it.is_duplicate()) {
        return Err(Refused::guard(if original.is_duplicate() {
            said!(
                "{number} is a duplicate; name a problem that is neither closed nor a duplicate.",
                number = original.number
            )
        } else {
            said!(
                "{number} is {state}; name a problem that is neither closed nor a duplicate.",
                number = original.number,
                state = original.state()
            )
        }));
    }
    let possible: &[Code] = if ticket.state() == State::FixInProgress {
        PROBLEM.codes
    } else if ticket.state() == State::RootCauseAnalysis {
        &[Code::RiskAccepted, Code::Duplicate, Code::Cancelled]
    } else {
        &[Code::Duplicate, Code::Cancelled]
    };
    if !possible.contains(&code) {
        let names = Part::all(possible);
        return Err(Refused::guard(said!(
            "In state `{state}`, the resolution code must be one of: {names}.",
            state = ticket.state(),
            names
        )));
    }
    if code == Code::RiskAccepted && !turn.beside.is_approved {
        return Err(Refused::Guard {
            kind: GuardKind::ApprovalRequired,
            message: said!(
                "The service owner has not approved this risk; use `{request_approval}` first.",
                request_approval = Action::RequestApproval
            ),
        });
    }
    let duplicate_of = turn.given.ticket("duplicate_of").filter(|_| code == Code::Duplicate);
    if let Some(problem) = ticket.problem_mut() {
        problem.duplicate_of = duplicate_of;
        problem.known_error &= code == Code::RiskAccepted;
    }
    ticket::finish(ticket, turn)
}

fn check_duplicate(ticket: &Ticket, turn: &mut Turn<'_>) {
    let Some(target) = &turn.beside.target else {
        turn.faults.missing("/duplicate_of", said!("Name the problem that this one duplicates."));
        return;
    };
    if target.id == ticket.id {
        let message = said!("A problem cannot be a duplicate of itself; name another one.");
        turn.faults.wrong("/duplicate_of", "itself", message);
    } else if target.problem().is_none() {
        let message = said!("This ticket is not a problem; name a problem.");
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
    /// Notes what a known error must not lose.
    pub(crate) fn check_known_error(&self, faults: &mut Faults) {
        let texts = [("symptom", &self.symptom), ("workaround", &self.workaround)];
        for (name, _) in texts.iter().filter(|(_, text)| self.known_error && text.is_none()) {
            let message = said!(
                "A known error has a {name}, which its incidents show; change it instead.",
                name = Part::field(*name)
            );
            faults.missing(&format!("/{name}"), message);
        }
    }

    /// What the owner of the service agrees to. Another service is another owner's risk.
    pub(crate) fn add_risk(
        &self,
        short_description: &str,
        service: Option<ServiceId>,
        content: &mut Content,
    ) {
        content.add("short_description", short_description);
        content.add("service", &service.map(|it| it.to_string()).unwrap_or_default());
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
