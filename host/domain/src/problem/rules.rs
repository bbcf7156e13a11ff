//! The rules of problems, one test each.

use std::fmt::Write;

use super::*;
use crate::{
    fixture::{
        AGENT, COLLEAGUE, DESK, MANAGER, NETWORK, OWNER, PAYROLL, SERVER, Scene, act, another,
        edit, fault, guard, hours, in_state, monday, nothing, number, opened, pointers,
        resolved_as, round, settings, text, ticket_id, why, with,
    },
    permission::Relation,
    priority::Level,
    role::Role,
    ticket::{AwaitingKind, Done, Given, Notice},
};

fn problem(state: State) -> Ticket {
    in_state(TicketKind::Problem, state, AwaitingKind::Caller)
}

fn facts(ticket: &Ticket) -> &Problem {
    ticket.problem().unwrap()
}

fn told(done: &Done, field: &str) -> Option<(Option<String>, Option<String>)> {
    let change = done.changes.iter().find(|change| change.field == field)?;
    Some((change.before.clone(), change.after.clone()))
}

/// Takes an action with nothing, and says what is missing.
fn missing(state: State, action: Action) -> Vec<String> {
    let refused = act(&mut problem(state), action, nothing()).unwrap_err();
    assert!(matches!(refused, Refused::MissingFields(_)), "{refused}");
    pointers(&refused).into_iter().map(str::to_owned).collect()
}

const SPECIFIED: &str = "\
state \\ action      assess  confirm             start_fix       reanalyze           publish communicate resolve                                      close
new                 assess  -                   -               -                   -       -           duplicate cancelled                          -
assess              -       root_cause_analysis -               -                   -       stays       duplicate cancelled                          -
root_cause_analysis -       -                   fix_in_progress -                   stays   stays       risk_accepted duplicate cancelled            -
fix_in_progress     -       -                   -               root_cause_analysis stays   stays       fix_applied risk_accepted duplicate cancelled -
resolved            -       -                   -               root_cause_analysis stays   stays       -                                            closed
closed              -       -                   -               -                   -       -           -                                            -
";

#[test]
fn every_action_on_a_problem_moves_as_specified() {
    let actions = [
        (Action::Assess, 8),
        (Action::Confirm, 20),
        (Action::StartFix, 16),
        (Action::Reanalyze, 20),
        (Action::PublishKnownError, 8),
        (Action::Communicate, 12),
        (Action::Resolve, 46),
        (Action::Close, 0),
    ];
    let mut table = SPECIFIED.lines().next().unwrap().to_owned() + "\n";
    for (state, _) in PROBLEM.states {
        let mut line = format!("{:<20}", state.as_str());
        for (action, width) in actions {
            let cell = cell(*state, action);
            write!(line, "{cell:<width$}").unwrap();
        }
        writeln!(table, "{}", line.trim_end()).unwrap();
    }
    let squeeze = |table: &str| -> Vec<Vec<String>> {
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
        table.lines().map(words).collect()
    };
    assert!(
        squeeze(&table) == squeeze(SPECIFIED),
        "expected\n{SPECIFIED}\nbut the actions do\n{table}"
    );
}

/// Where an action leads with all that it needs; how a problem can be resolved.
fn cell(state: State, action: Action) -> String {
    let before = problem(state);
    let mut scene = Scene::with_all(24, action, &before);
    if action == Action::Resolve {
        let codes = PROBLEM.codes.iter().filter(|code| {
            let mut ticket = before.clone();
            let resolved = resolve(&mut ticket, **code);
            assert!(resolved.is_err() || ticket.state() == State::Resolved);
            resolved.is_ok()
        });
        let codes = codes.map(|code| code.as_str()).collect::<Vec<_>>();
        return if codes.is_empty() { "-".to_owned() } else { codes.join(" ") };
    }
    let mut ticket = before.clone();
    let row = PROBLEM.row(action).unwrap();
    let given = crate::fixture::all_inputs(&ticket, row, scene.now);
    match scene.act(&mut ticket, action, given) {
        Ok(_) if ticket.state() == state => "stays".to_owned(),
        Ok(_) => ticket.state().to_string(),
        Err(Refused::InvalidTransition { .. }) => "-".to_owned(),
        Err(other) => panic!("{action} in {state}: {other}"),
    }
}

/// Resolves it with all that the code needs, and an approval where one is needed.
fn resolve(ticket: &mut Ticket, code: Code) -> Result<Done, Refused> {
    let mut scene = Scene::at(24).beside(another(TicketKind::Problem));
    scene.beside.is_approved = true;
    let given = resolved_as(code)
        .with("root_cause", text("a bent pin"))
        .with("duplicate_of", Value::Tickets(vec![ticket_id(1)]));
    scene.act(ticket, Action::Resolve, given)
}

#[test]
fn an_assessment_has_a_team_and_somebody_of_it() {
    assert_eq!(missing(State::New, Action::Assess), ["/team", "/assignee"]);
    let mut new = problem(State::New);
    let owner =
        |team, person| with("team", Value::Team(team)).with("assignee", Value::Person(person));
    let refused = act(&mut new, Action::Assess, owner(DESK, COLLEAGUE)).unwrap_err();
    assert_eq!(pointers(&refused), ["/assignee"]);
    let done = act(&mut new, Action::Assess, owner(NETWORK, COLLEAGUE)).unwrap();
    assert_eq!((new.team, new.assignee, new.state()), (NETWORK, Some(COLLEAGUE), State::Assess));
    assert_eq!(done.tells, Some(Notice::Assigned));
}

#[test]
fn a_confirmed_problem_has_impact_urgency_and_a_service_or_a_configuration_item() {
    assert_eq!(missing(State::Assess, Action::Confirm), ["/impact", "/urgency", "/service"]);
    let confirm = |prepared: Given, given: Given| {
        let mut ticket = problem(State::Assess);
        edit(&mut ticket, &prepared).unwrap();
        act(&mut ticket, Action::Confirm, given).map(|_| ticket)
    };
    let levels = || with("impact", number(1)).with("urgency", number(2));
    let ci = || with("ci", Value::Cis(vec![SERVER]));
    let service = || with("service", Value::Service(PAYROLL));
    let given_now = levels().with("ci", Value::Cis(vec![SERVER]));
    let confirmed = confirm(nothing(), given_now).unwrap();
    assert_eq!((confirmed.ci, confirmed.priority.effective().0), (Some(SERVER), Level(2)));
    confirm(levels().with("service", Value::Service(PAYROLL)), nothing()).unwrap();
    confirm(levels(), service()).unwrap();
    confirm(ci(), levels()).unwrap();
    let refused = confirm(service(), with("impact", number(9)).with("urgency", number(1)));
    assert_eq!(fault(refused), ("/impact".to_owned(), "out-of-range"));
}

#[test]
fn a_fix_is_started_once_the_cause_and_the_cure_are_known() {
    assert_eq!(missing(State::RootCauseAnalysis, Action::StartFix), ["/root_cause", "/fix_notes"]);
    let mut analyzed = problem(State::RootCauseAnalysis);
    let mut null = with("fix_notes", text("a new plug"));
    null.put("root_cause", None);
    for blank in [null.clone(), null.with("root_cause", text("  "))] {
        let refused = fault(act(&mut analyzed, Action::StartFix, blank));
        assert_eq!(refused, ("/root_cause".to_owned(), "missing"));
    }
    edit(&mut analyzed, &with("root_cause", text("a bent pin"))).unwrap();
    let done = act(&mut analyzed, Action::StartFix, with("fix_notes", text("a new plug"))).unwrap();
    assert_eq!(facts(&analyzed).root_cause.as_deref(), Some("a bent pin"));
    assert_eq!(facts(&analyzed).fix_notes.as_deref(), Some("a new plug"));
    assert_eq!(told(&done, "fix_notes"), Some((None, Some("a new plug".to_owned()))));
}

#[test]
fn a_known_error_has_a_symptom_and_a_workaround_and_is_published_once() {
    for state in [State::RootCauseAnalysis, State::FixInProgress, State::Resolved] {
        assert_eq!(missing(state, Action::PublishKnownError), ["/symptom", "/workaround"]);
        let mut ticket = problem(state);
        let given = || with("symptom", text("no sound")).with("workaround", text("press it twice"));
        let done = act(&mut ticket, Action::PublishKnownError, given()).unwrap();
        assert!(facts(&ticket).known_error);
        assert_eq!(told(&done, "known_error"), Some((None, Some("true".to_owned()))));
        assert_eq!(ticket.state(), state);
        let again = act(&mut ticket, Action::PublishKnownError, given());
        assert!(guard(again).contains("already a known error"));
        let hints = ticket.allowed_actions(Role::Agent, Relation::default(), &settings());
        assert!(hints.iter().all(|hint| hint.action != Action::PublishKnownError));
    }
}

#[test]
fn a_resolved_problem_is_no_known_error_any_more_unless_its_risk_was_accepted() {
    let codes = [Code::FixApplied, Code::RiskAccepted, Code::Duplicate, Code::Cancelled];
    for (code, stays) in codes.map(|code| (code, code == Code::RiskAccepted)) {
        let mut ticket = problem(State::FixInProgress);
        let given = with("symptom", text("no sound")).with("workaround", text("press it twice"));
        act(&mut ticket, Action::PublishKnownError, given).unwrap();
        resolve(&mut ticket, code).unwrap();
        assert_eq!(facts(&ticket).known_error, stays, "{code}");
        let again = guard(act(&mut ticket, Action::PublishKnownError, nothing()));
        assert!(again.contains(if stays { "already a known error" } else { "not an open error" }));
    }
}

#[test]
fn what_is_communicated_is_what_is_given_or_the_workaround_or_the_fix() {
    assert_eq!(missing(State::Assess, Action::Communicate), ["/text"]);
    let communicate = |ticket: &mut Ticket, given| {
        act(ticket, Action::Communicate, given).unwrap().left.text.unwrap()
    };
    let mut fixed = problem(State::FixInProgress);
    assert_eq!(communicate(&mut fixed, nothing()), "a new plug");
    edit(&mut fixed, &with("workaround", text("press it twice"))).unwrap();
    assert_eq!(communicate(&mut fixed, nothing()), "press it twice");
    assert_eq!(communicate(&mut fixed, with("text", text(" be patient "))), "be patient");
    assert_eq!(fixed.state(), State::FixInProgress);
}

#[test]
fn a_reanalysis_has_a_reason_counts_as_a_reopening_and_forgets_the_outcome() {
    for state in [State::FixInProgress, State::Resolved] {
        assert_eq!(missing(state, Action::Reanalyze), ["/reason"]);
        let mut ticket = problem(state);
        let mut scene = Scene::at(400);
        scene.act(&mut ticket, Action::Reanalyze, why()).unwrap();
        assert_eq!((ticket.reopen_count, ticket.last_reopened_at), (1, Some(scene.now)));
        assert_eq!((ticket.state(), ticket.stage.outcome()), (State::RootCauseAnalysis, None));
        scene.act(&mut ticket, Action::StartFix, nothing()).unwrap();
        scene.act(&mut ticket, Action::Reanalyze, why()).unwrap();
        assert_eq!(ticket.reopen_count, 2);
    }
}

#[test]
fn what_is_analyzed_again_is_no_duplicate_any_more() {
    let mut ticket = problem(State::RootCauseAnalysis);
    resolve(&mut ticket, Code::Duplicate).unwrap();
    let done = act(&mut ticket, Action::Reanalyze, why()).unwrap();
    assert_eq!(facts(&ticket).duplicate_of, None);
    assert_eq!(told(&done, "duplicate_of"), Some((Some(ticket_id(1).to_string()), None)));
}

#[test]
fn a_resolution_has_a_code_and_notes_and_a_fix_a_cause() {
    assert_eq!(missing(State::New, Action::Resolve), ["/resolution_code", "/resolution_notes"]);
    let mut ticket = problem(State::FixInProgress);
    let mut emptied = nothing();
    emptied.put("root_cause", None);
    edit(&mut ticket, &emptied).unwrap();
    let refused = fault(act(&mut ticket, Action::Resolve, resolved_as(Code::FixApplied)));
    assert_eq!(refused, ("/root_cause".to_owned(), "missing"));
    let given = resolved_as(Code::FixApplied).with("root_cause", text("a bent pin"));
    let done = act(&mut ticket, Action::Resolve, given).unwrap();
    assert_eq!(facts(&ticket).root_cause.as_deref(), Some("a bent pin"));
    assert_eq!(done.reason.as_deref(), Some("a new cable"));
    assert_eq!(told(&done, "resolution_code"), Some((None, Some("fix_applied".to_owned()))));
    assert_eq!(done.tells, Some(Notice::Resolved));
}

#[test]
fn a_text_of_blanks_fills_no_field_in_and_empties_none() {
    let mut ticket = problem(State::FixInProgress);
    let cause = facts(&ticket).root_cause.clone();
    assert!(cause.is_some());
    let given = resolved_as(Code::FixApplied).with("root_cause", text(" "));
    act(&mut ticket, Action::Resolve, given).unwrap();
    assert_eq!(facts(&ticket).root_cause, cause);
}

#[test]
fn the_review_of_a_risk_is_due_again_only_on_another_day() {
    let mut ticket = problem(State::RootCauseAnalysis);
    act(&mut ticket, Action::RequestApproval, risk(48)).unwrap();
    ticket.open_risk_review(monday() + hours(48));
    let at = |hour| with("risk_review_at", Value::Time(monday() + hours(hour)));
    edit(&mut ticket, &at(48)).unwrap();
    assert!(facts(&ticket).risk_review_opened);
    edit(&mut ticket, &at(72)).unwrap();
    assert!(!facts(&ticket).risk_review_opened);
}

#[test]
fn how_a_problem_can_be_resolved_depends_on_how_far_it_is() {
    let refused = guard(resolve(&mut problem(State::Assess), Code::FixApplied));
    assert_eq!(
        refused,
        "In state `assess`, the resolution code must be one of: duplicate, cancelled."
    );
    let early = act(&mut problem(State::New), Action::Resolve, resolved_as(Code::RiskAccepted));
    assert!(guard(early).contains("one of: duplicate, cancelled."));
    assert!(
        guard(resolve(&mut problem(State::RootCauseAnalysis), Code::FixApplied))
            .contains("one of: risk_accepted, duplicate, cancelled.")
    );
}

#[test]
fn a_duplicate_names_another_problem_that_is_not_closed() {
    let as_duplicate = |target: Option<Ticket>| {
        let mut ticket = opened(TicketKind::Problem);
        let mut scene = Scene::at(24);
        let mut given = resolved_as(Code::Duplicate);
        given.put("duplicate_of", target.as_ref().map(|it| Value::Tickets(vec![it.id])));
        scene.beside.target = target;
        scene.act(&mut ticket, Action::Resolve, given).map(|_| ticket)
    };
    let wrong = |target| fault(as_duplicate(target));
    let pointer = "/duplicate_of".to_owned();
    assert_eq!(wrong(None), (pointer.clone(), "missing"));
    assert_eq!(wrong(Some(opened(TicketKind::Problem))), (pointer.clone(), "itself"));
    assert_eq!(wrong(Some(another(TicketKind::Incident))), (pointer, "other-kind"));
    let closed = Ticket { id: ticket_id(1), ..problem(State::Closed) };
    assert!(
        guard(as_duplicate(Some(closed)))
            .ends_with("name a problem that is neither closed nor a duplicate.")
    );
    // A circle of duplicates would have no problem that goes on.
    let mut duplicate = Ticket { id: ticket_id(1), ..problem(State::Resolved) };
    if let Some(problem) = duplicate.problem_mut() {
        problem.duplicate_of = Some(ticket_id(2));
    }
    assert!(guard(as_duplicate(Some(duplicate))).contains("is a duplicate;"));
    // The other one may be resolved already: what it says is true of both.
    let resolved = Ticket { id: ticket_id(1), ..problem(State::Resolved) };
    let duplicate = as_duplicate(Some(resolved)).unwrap();
    assert_eq!(facts(&duplicate).duplicate_of, Some(ticket_id(1)));
}

#[test]
fn what_is_no_duplicate_keeps_no_duplicate() {
    let mut ticket = problem(State::New);
    resolve(&mut ticket, Code::Cancelled).unwrap();
    assert_eq!(facts(&ticket).duplicate_of, None);
}

fn risk(hour: i64) -> Given {
    with("risk_owner", Value::Person(OWNER))
        .with("risk_review_at", Value::Time(monday() + hours(hour)))
        .with("reason", text("the part is not made any more"))
}

#[test]
fn whoever_asks_for_a_risk_to_be_accepted_names_its_owner_its_review_and_why() {
    let needed = ["/risk_owner", "/risk_review_at", "/reason"];
    for state in [State::RootCauseAnalysis, State::FixInProgress] {
        assert_eq!(missing(state, Action::RequestApproval), needed);
        let mut ticket = problem(state);
        let past = fault(act(&mut ticket, Action::RequestApproval, risk(24)));
        assert_eq!(past, ("/risk_review_at".to_owned(), "in-the-past"));
        let done = act(&mut ticket, Action::RequestApproval, risk(2_000)).unwrap();
        assert_eq!(facts(&ticket).risk_owner, Some(OWNER));
        assert_eq!(facts(&ticket).risk_review_at, Some(monday() + hours(2_000)));
        assert_eq!(told(&done, "risk_owner"), Some((None, Some(OWNER.to_string()))));
        assert_eq!(done.reason.as_deref(), Some("the part is not made any more"));
        assert_eq!(ticket.state(), state, "the approval moves nothing");
    }
    for state in [State::New, State::Assess, State::Resolved, State::Closed] {
        assert!(!PROBLEM.allowed(state).contains(&Action::RequestApproval), "{state}");
    }
}

#[test]
fn one_approval_of_a_risk_is_open_at_a_time() {
    let mut ticket = problem(State::RootCauseAnalysis);
    let mut scene = Scene::at(24);
    scene.beside.round = Some(round(&[OWNER]));
    assert!(
        guard(scene.act(&mut ticket, Action::RequestApproval, risk(2_000))).contains("pending")
    );
    let mut decided = round(&[OWNER]);
    decided.cancel(monday());
    scene.beside.round = Some(decided);
    scene.act(&mut ticket, Action::RequestApproval, risk(2_000)).unwrap();
}

#[test]
fn a_risk_is_accepted_only_once_the_owner_of_the_service_has_agreed_to_exactly_it() {
    let mut ticket = problem(State::RootCauseAnalysis);
    let mut scene = Scene::at(24);
    scene.act(&mut ticket, Action::RequestApproval, risk(2_000)).unwrap();
    let asked = ticket.approval_content();
    let refused = scene.act(&mut ticket, Action::Resolve, resolved_as(Code::RiskAccepted));
    let Err(Refused::Guard { kind, message }) = refused else { panic!("accepted: {refused:?}") };
    assert_eq!(kind, GuardKind::ApprovalRequired);
    assert!(message.contains("request_approval"), "{message}");
    scene.beside.is_approved = true;
    scene.act(&mut ticket, Action::Resolve, resolved_as(Code::RiskAccepted)).unwrap();
    assert_eq!(ticket.approval_content(), asked, "what was resolved is what was agreed to");
}

#[test]
fn the_content_of_an_approval_is_the_risk_and_each_part_of_it_changes_it() {
    let mut ticket = problem(State::FixInProgress);
    act(&mut ticket, Action::RequestApproval, risk(2_000)).unwrap();
    let content = ticket.approval_content();
    let other = [
        with("short_description", text("everything works")),
        with("root_cause", text("rust")),
        with("workaround", text("press it twice")),
        with("risk_owner", Value::Person(MANAGER)),
        with("risk_review_at", Value::Time(monday() + hours(3_000))),
    ];
    for given in other {
        let mut changed = ticket.clone();
        edit(&mut changed, &given).unwrap();
        assert_ne!(changed.approval_content(), content, "{given:?}");
    }
    // What does not belong to the risk can change meanwhile.
    let mut same = ticket.clone();
    let given = with("tags", Value::Texts(vec!["vip".to_owned()])).with("impact", number(3));
    edit(&mut same, &given).unwrap();
    assert_eq!(same.approval_content(), content);
}

#[test]
fn an_accepted_risk_is_reviewed_once_at_its_date() {
    let accepted = |code| {
        let mut ticket = problem(State::FixInProgress);
        act(&mut ticket, Action::RequestApproval, risk(100)).unwrap();
        resolve(&mut ticket, code).unwrap();
        ticket
    };
    let mut ticket = accepted(Code::RiskAccepted);
    let at = |hour| monday() + hours(hour);
    assert!(!ticket.needs_risk_review(at(99)) && ticket.needs_risk_review(at(100)));
    assert!(!accepted(Code::FixApplied).needs_risk_review(at(100)));
    ticket.open_risk_review(at(101));
    assert!(!ticket.needs_risk_review(at(200)));
    assert_eq!(ticket.updated_at, at(101));
    // A new date is a new review; also once the problem is closed.
    edit(&mut ticket, &with("risk_review_at", Value::Time(at(300)))).unwrap();
    act(&mut ticket, Action::Close, with("no_article_reason", text("secret"))).unwrap();
    assert!(!ticket.needs_risk_review(at(299)) && ticket.needs_risk_review(at(300)));
}

#[test]
fn a_problem_is_closed_with_the_reason_why_no_article_tells_of_it() {
    assert_eq!(missing(State::Resolved, Action::Close), ["/no_article_reason"]);
    let mut ticket = problem(State::Resolved);
    let given = with("no_article_reason", text(" nobody else has it "));
    let done = act(&mut ticket, Action::Close, given).unwrap();
    assert_eq!(facts(&ticket).no_article_reason.as_deref(), Some("nobody else has it"));
    assert!(told(&done, "no_article_reason").is_some());
    assert_eq!((ticket.state(), ticket.phase()), (State::Closed, Phase::Closed));
    assert_eq!(ticket.stage.outcome().unwrap().code, Some(Code::RiskAccepted));
}

#[test]
fn a_major_problem_is_closed_with_what_was_learned() {
    let mut ticket = problem(State::Resolved);
    edit(&mut ticket, &with("major", Value::Flag(true))).unwrap();
    let hints = ticket.allowed_actions(Role::Agent, Relation::default(), &settings());
    let close = hints.iter().find(|hint| hint.action == Action::Close).unwrap();
    assert_eq!(close.lacks, ["/no_article_reason", "/review_note"]);
    let given = || with("no_article_reason", text("secret"));
    for lacking in [given(), given().with("review_note", text(" "))] {
        let refused = fault(act(&mut ticket, Action::Close, lacking));
        assert_eq!(refused, ("/review_note".to_owned(), "missing"));
    }
    let given = given().with("review_note", text("two plugs next time"));
    let done = act(&mut ticket, Action::Close, given).unwrap();
    assert_eq!(told(&done, "review_note"), Some((None, Some("two plugs next time".to_owned()))));
}

#[test]
fn what_is_closed_stays_closed_and_takes_notes_only() {
    let closed = PROBLEM.allowed(State::Closed);
    assert_eq!(closed, [Action::Note, Action::Link, Action::Unlink]);
}

#[test]
fn texts_of_a_problem_are_emptied_by_null_and_by_blanks() {
    let mut ticket = problem(State::FixInProgress);
    let mut null = nothing();
    null.put("root_cause", None);
    edit(&mut ticket, &null.with("fix_notes", text(" \n"))).unwrap();
    assert_eq!((&facts(&ticket).root_cause, &facts(&ticket).fix_notes), (&None, &None));
}

#[test]
fn a_problem_is_acknowledged_escalated_and_talked_about_as_other_tickets_are() {
    let mut ticket = problem(State::Assess);
    act(&mut ticket, Action::Acknowledge, nothing()).unwrap();
    let level = with("level", number(1)).with("reason", text("stuck"));
    act(&mut ticket, Action::Escalate, level).unwrap();
    let done = act(&mut ticket, Action::Comment, with("text", text("we look"))).unwrap();
    assert_eq!((ticket.escalation_level, done.left.text.as_deref()), (1, Some("we look")));
    assert_eq!(ticket.assignee, Some(AGENT));
}
