//! The tables of states and actions: what the rows say, what the actions really do, and the page
//! that tells it.

use std::{collections::BTreeSet, fmt::Write, path::Path};

use crate::{
    fixture::{
        Scene, all_inputs, in_every_state, in_state, make_major_for, opened, settings, submit, with,
    },
    organization::{OrgSettings, ResolveDemand},
    refusal::Refused,
    request::Submission,
    ticket::{
        Action, AwaitingKind, Done, From, Kind, Needed, Phase, Row, State, Ticket, TicketKind, To,
        Value, Who,
    },
};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/states.md");

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the test says whether to write it anew"
)]
fn the_page_of_states_says_what_the_rows_say() {
    let (path, rendered) = (Path::new(PAGE), page());
    if std::env::var_os("WAYPOST_BLESS").is_some() {
        std::fs::write(path, &rendered).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == rendered,
        "docs/states.md is not what the rows say; write it anew with WAYPOST_BLESS=1\n{rendered}"
    );
}

#[test]
fn every_action_in_every_state_does_what_its_row_says() {
    for kind in TicketKind::ALL {
        for before in in_every_state(*kind) {
            for action in Action::ALL {
                let scene = Scene::with_all(24, *action, &before);
                let (after, done) = taken(*action, &before, scene, Submission::Asks);
                let place =
                    format!("{action} of {} that is {}", kind.with_article(), before.state());
                let row = kind.rules().row(*action);
                let row = row.filter(|row| row.allows(before.state(), before.phase()));
                match (row, done) {
                    (Some(row), Ok(_)) => {
                        let stays = after.state() == before.state();
                        let is_as_said = match row.to {
                            To::Stays => stays,
                            To::State(state) => after.state() == state,
                            To::OneOf(states) => stays || states.contains(&after.state()),
                        };
                        assert!(is_as_said, "{place} leads to {}", after.state());
                    }
                    (None, Err(Refused::InvalidTransition { state, allowed, .. })) => {
                        assert_eq!(
                            (state, allowed.contains(action)),
                            (before.state(), false),
                            "{place}"
                        );
                        assert_eq!(after, before, "{place} is refused and changes it");
                    }
                    (Some(_), Err(refused)) => panic!("{place} is refused: {refused}"),
                    (None, done) => panic!("{place} is not refused by its state: {done:?}"),
                }
            }
        }
    }
}

#[test]
fn every_state_is_reached_and_every_state_of_a_row_is_one_of_its_kind() {
    for kind in TicketKind::ALL {
        let rules = kind.rules();
        let first = rules.states[0].0;
        for (state, _) in rules.states.iter().filter(|(state, _)| *state != first) {
            let leads_there = |row: &&Row| match row.to {
                To::Stays => false,
                To::State(to) => to == *state,
                To::OneOf(states) => states.contains(state),
            };
            assert!(
                rules.rows().any(|row| leads_there(&row)),
                "nothing leads to {state} of {kind}"
            );
        }
        for row in rules.rows() {
            let from: &[State] = if let From::In(states) = row.from { states } else { &[] };
            let to = match row.to {
                To::Stays => Vec::new(),
                To::State(state) => vec![state],
                To::OneOf(states) => states.to_vec(),
            };
            for state in from.iter().copied().chain(to).chain([rules.at_work]) {
                assert!(
                    rules.phase(state).is_some(),
                    "{kind} has no state {state} ({})",
                    row.action
                );
            }
        }
    }
}

/// What happens to a ticket with everything that the action needs.
fn taken(
    action: Action,
    before: &Ticket,
    mut scene: Scene,
    submission: Submission,
) -> (Ticket, Result<Option<Done>, Refused>) {
    let mut ticket = before.clone();
    make_major_for(action, &mut ticket);
    let start = ticket.clone();
    let done = match action {
        // Where a submission goes, the approval policy has said; and what is edited are fields.
        Action::Submit => ticket.submit(None, submission, &settings(), scene.now).map(|_| None),
        Action::Edit => scene
            .edit(&mut ticket, &with("tags", Value::Texts(vec!["vip".to_owned()])))
            .map(|_| None),
        _ => {
            let row = ticket.rules().row(action);
            let given = row.map(|row| all_inputs(&ticket, row, scene.now)).unwrap_or_default();
            scene.act(&mut ticket, action, given).map(Some)
        }
    };
    if ticket == start { (before.clone(), done) } else { (ticket, done) }
}

fn page() -> String {
    let mut page = String::from(
        "# States and actions\n\n\
         For each kind of ticket: in which states an action is possible and where it leads, who can perform it, and \
         its fields. A dash means that the state does not allow the action (409 `invalid-transition`); otherwise \
         the cell names the new state, or `stays`. Actions of *Waypost itself* cannot be requested: they follow \
         from decisions of policies and approvers, and from deadlines.\n\n\
         This page is generated from the rows of the kinds in `host/domain`. After a change there, \
         `WAYPOST_BLESS=1 cargo test -p waypost-domain the_page_of_states` regenerates it; without that, the test \
         fails.\n",
    );
    for kind in TicketKind::ALL {
        about(&mut page, kind.rules());
    }
    page
}

fn about(page: &mut String, kind: &Kind) {
    let states = |is: &dyn Fn(Phase) -> bool| {
        let found = kind.states.iter().filter(|(_, phase)| is(*phase));
        found.map(|(state, _)| format!("`{state}`")).collect::<Vec<_>>().join(", ")
    };
    let mut heading = kind.path.to_owned();
    heading[..1].make_ascii_uppercase();
    writeln!(page, "\n## {heading}\n\n{} Numbers begin with `{}`.", kind.summary, kind.prefix)
        .unwrap();
    let opened_by =
        if kind.opened_by == Who::Desk { "the desk" } else { "the desk and requesters" };
    writeln!(page, "Opened by {opened_by}, as `{}`.", opened(kind.kind).state()).unwrap();
    writeln!(page, "Active: {}. Over: {}.", states(&Phase::is_active), states(&Phase::is_over))
        .unwrap();
    let codes = kind.codes.iter().map(|code| format!("`{code}`")).collect::<Vec<_>>();
    if !codes.is_empty() {
        writeln!(page, "Outcome codes: {}.", codes.join(", ")).unwrap();
    }
    let is_move = |row: &Row| row.to != To::Stays;
    writeln!(page, "\n### Actions that change the state of {}\n", kind.with_article).unwrap();
    table(page, kind, &is_move);
    writeln!(page, "\n### Actions that keep the state of {}\n", kind.with_article).unwrap();
    table(page, kind, &|row| !is_move(row) && row.from != From::Nowhere);
    writeln!(page, "\n### All actions on {}\n", kind.with_article).unwrap();
    writeln!(page, "| action | what it does | who | required | optional |\n|---|---|---|---|---|")
        .unwrap();
    for row in kind.rows().filter(|row| row.from != From::Nowhere) {
        let (needs, takes) = inputs(kind, row);
        writeln!(page, "| {} | {} | {} | {needs} | {takes} |", row.action, row.summary, who(row))
            .unwrap();
    }
}

/// States down, actions across; actions whose cells are all the same share a column.
fn table(page: &mut String, kind: &Kind, is_in: &dyn Fn(&Row) -> bool) {
    let cells = |row: &Row| {
        kind.states.iter().map(|(state, phase)| cell(kind, row, *state, *phase)).collect()
    };
    let mut columns: Vec<(String, Vec<String>)> = Vec::new();
    for row in kind.rows().filter(|row| is_in(row)) {
        let cells: Vec<String> = cells(row);
        match columns.iter_mut().find(|(_, other)| *other == cells) {
            Some((heading, _)) => write!(heading, ", {}", row.action).unwrap(),
            None => columns.push((row.action.to_string(), cells)),
        }
    }
    let headings = columns.iter().map(|(heading, _)| heading.as_str()).collect::<Vec<_>>();
    writeln!(page, "| state \\ action | {} |", headings.join(" | ")).unwrap();
    writeln!(page, "|---{}|", "|---".repeat(columns.len())).unwrap();
    for (place, (state, _)) in kind.states.iter().enumerate() {
        let cells = columns.iter().map(|(_, cells)| cells[place].as_str()).collect::<Vec<_>>();
        writeln!(page, "| {state} | {} |", cells.join(" | ")).unwrap();
    }
}

fn cell(kind: &Kind, row: &Row, state: State, phase: Phase) -> String {
    let named = |to: State| if to == state { "stays".to_owned() } else { to.to_string() };
    match row.to {
        _ if !row.allows(state, phase) => "–".to_owned(),
        To::Stays => "stays".to_owned(),
        To::State(to) => named(to),
        To::OneOf(states) => {
            let reached = reached(kind.kind, row.action, state);
            let mut cells = states.iter().filter(|to| **to != state && reached.contains(to));
            let mut cells = cells.by_ref().map(|to| named(*to)).collect::<Vec<_>>();
            if reached.contains(&state) {
                cells.push("stays".to_owned());
            }
            cells.join(" or ")
        }
    }
}

/// Where an action really leads that leads to one of several states, whatever it depends on.
fn reached(kind: TicketKind, action: Action, state: State) -> BTreeSet<State> {
    let submissions =
        [Submission::Asks, Submission::Approved, Submission::Refused { reason: "no".to_owned() }];
    let mut reached = BTreeSet::new();
    for before in in_every_state(kind).iter().filter(|ticket| ticket.state() == state) {
        for caller_reply_reopens in [true, false] {
            for submission in submissions.clone() {
                let mut scene = Scene::with_all(24, action, before);
                scene.settings.caller_reply_reopens = caller_reply_reopens;
                let (after, done) = taken(action, before, scene, submission);
                assert!(done.is_ok(), "{action} in {state}");
                reached.insert(after.state());
            }
        }
    }
    reached
}

fn who(row: &Row) -> String {
    match row.who {
        Who::Desk => "the desk".to_owned(),
        Who::Admin => "administrators".to_owned(),
        Who::DeskOrOwner(From::In(states)) => {
            let states = states.iter().map(|state| format!("`{state}`")).collect::<Vec<_>>();
            format!("the desk; the requester while it is {}", states.join(" or "))
        }
        Who::DeskOrOwner(_) => "the desk, the requester".to_owned(),
        Who::OwnerOrWatcher => "the requester, watchers".to_owned(),
        Who::DeskOrAssignee => "the desk, the assignee".to_owned(),
        Who::SeatHolder => "the approvers of the open approval".to_owned(),
        Who::System => "Waypost itself".to_owned(),
    }
}

fn inputs(kind: &Kind, row: &Row) -> (String, String) {
    let named = |needed| {
        let inputs = row.inputs.iter().filter(|input| input.needed == needed);
        inputs.map(|input| format!("`{}`", input.name)).collect::<Vec<_>>()
    };
    let (mut needs, takes) = (named(Needed::Always), named(Needed::No));
    let fills = named(Needed::UnlessFilled);
    if !fills.is_empty() {
        needs.push(format!("if not set: {}", fills.join(", ")));
    }
    let own = named(Needed::UnlessOfTeam);
    if !own.is_empty() {
        needs.push(format!("of whoever is not of the team, if not set: {}", own.join(", ")));
    }
    let demanding = OrgSettings { resolve_demands: ResolveDemand::ALL.to_vec(), ..settings() };
    let lacking =
        row.lacks.map(|lacks| lacks(&unfilled(kind.kind), &demanding)).unwrap_or_default();
    let lacking = lacking.into_iter().map(|lack| {
        lack.fields.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
    });
    let lacking = lacking.collect::<Vec<_>>();
    if !lacking.is_empty() {
        let where_asked = match row.action {
            Action::Resolve => "if the organization requires it and it is not set",
            Action::Close => "for a major problem",
            Action::Communicate => "if neither `workaround` nor `fix_notes` is set",
            _ => "if not set",
        };
        needs.push(format!("{where_asked}: {}", lacking.join(", ")));
    }
    (
        needs.join(", "),
        takes.into_iter().filter(|name| !lacking.contains(name)).collect::<Vec<_>>().join(", "),
    )
}

/// A ticket that has no more than it must; a problem is a major one.
fn unfilled(kind: TicketKind) -> Ticket {
    let mut ticket = opened(kind);
    if let Some(problem) = ticket.problem_mut() {
        problem.major = true;
    }
    ticket
}

#[test]
fn a_submission_goes_where_the_approval_policy_says() {
    let after = |submission| {
        let mut request = opened(TicketKind::Request);
        submit(&mut request, submission, 1);
        request.state()
    };
    assert_eq!(after(Submission::Asks), State::AwaitingApproval);
    assert_eq!(after(Submission::Approved), State::InFulfilment);
    assert_eq!(after(Submission::Refused { reason: "no budget".to_owned() }), State::Rejected);
}

#[test]
fn a_refused_transition_says_what_is_allowed_instead() {
    let mut incident = opened(TicketKind::Incident);
    let refused = Scene::at(0).act(&mut incident, Action::Close, with("reason", Value::Flag(true)));
    let refused = refused.unwrap_err();
    assert_eq!(refused.to_string(), "`close` is not possible for an incident in state `new`");
    let Refused::InvalidTransition { allowed, .. } = refused else { panic!("wrong refusal") };
    assert!(allowed.contains(&Action::Resolve) && !allowed.contains(&Action::Close));
    // What it stands as beside its state counts too, and what nobody can ask for is not offered.
    assert!(allowed.contains(&Action::ProposeMajor) && !allowed.contains(&Action::AcceptMajor));
    assert!(!allowed.contains(&Action::Categorize));
}

#[test]
fn a_refused_step_of_a_task_says_whose_state_stands_against_it() {
    let request = in_state(TicketKind::Request, State::AwaitingApproval, AwaitingKind::Caller);
    let mut task = in_state(TicketKind::Task, State::Open, AwaitingKind::Other);
    let mut scene = Scene::at(24);
    scene.beside.parent = Some(Ticket { number: "REQ0000007".to_owned(), ..request });
    let refused = scene.act(&mut task, Action::Start, with("x", Value::Flag(true))).unwrap_err();
    let wanted = "REQ0000007 is awaiting_approval; its tasks can be worked on only while it is in_fulfilment or on_hold.";
    assert_eq!(refused.to_string(), wanted);
}

#[test]
fn no_kind_says_an_action_or_a_field_twice() {
    for kind in TicketKind::ALL {
        let rules = kind.rules();
        let mut actions = BTreeSet::new();
        for row in rules.rows() {
            assert!(actions.insert(row.action), "{kind} has two rows for {}", row.action);
            let mut names = BTreeSet::new();
            for input in row.inputs {
                assert!(
                    names.insert(input.name),
                    "{kind} {} takes {} twice",
                    row.action,
                    input.name
                );
            }
        }
        let mut names = BTreeSet::new();
        for field in rules.fields() {
            assert!(names.insert(field.name), "{kind} has {} twice", field.name);
        }
    }
}

#[test]
fn an_input_that_is_a_field_too_holds_the_same() {
    for kind in TicketKind::ALL {
        for row in kind.rules().rows() {
            for input in row.inputs {
                if let Some(field) = kind.rules().field(input.name) {
                    assert_eq!(field.takes, input.takes, "{kind} {} {}", row.action, input.name);
                }
            }
        }
    }
}

#[test]
fn an_owner_may_act_only_where_the_action_is_possible() {
    for kind in TicketKind::ALL {
        for row in kind.rules().rows() {
            if let Who::DeskOrOwner(From::In(states)) = row.who {
                for state in states {
                    let phase = kind.rules().phase(*state);
                    let is_possible = phase.is_some_and(|phase| row.allows(*state, phase));
                    assert!(is_possible, "{kind} {} in {state}", row.action);
                }
            }
        }
    }
}

#[test]
fn every_text_of_the_docs_is_a_sentence_and_every_summary_a_command() {
    let is_sentence = |text: &str| {
        text.ends_with('.')
            && !text.contains("  ")
            && text.chars().next().is_some_and(char::is_uppercase)
    };
    for kind in TicketKind::ALL {
        let rules = kind.rules();
        assert!(is_sentence(rules.summary), "{kind}: {}", rules.summary);
        for field in rules.fields() {
            assert!(is_sentence(field.doc), "{kind} {}: {}", field.name, field.doc);
        }
        for row in rules.rows() {
            let (action, summary) = (row.action, row.summary);
            assert!(!summary.ends_with('.') && !summary.is_empty(), "{kind} {action}: {summary}");
            for input in row.inputs {
                assert!(is_sentence(input.doc), "{kind} {action} {}: {}", input.name, input.doc);
            }
        }
    }
}

#[test]
fn every_kind_has_a_series_of_numbers_of_its_own() {
    let mut seen = BTreeSet::new();
    for kind in TicketKind::ALL {
        let rules = kind.rules();
        assert_eq!(rules.kind, *kind);
        assert!(seen.insert(rules.prefix) && seen.insert(rules.path), "{kind}");
        assert_eq!(TicketKind::of_number(&format!("{}0000042", rules.prefix)), Some(*kind));
    }
    assert_eq!(TicketKind::of_number("CHG0000042"), None);
    assert_eq!(TicketKind::of_number("0000042"), None);
}
