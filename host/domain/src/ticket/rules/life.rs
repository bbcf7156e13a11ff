//! What is true of every ticket, whatever is done to it in whichever order.

use proptest::prelude::*;

use super::*;
use crate::{
    fixture::{all_inputs, needed_inputs, task, task_id},
    request::Submission,
    ticket::Phase,
};

/// What an action is given.
#[derive(Debug, Clone, Copy)]
enum Inputs {
    All,
    Needed,
    Nothing,
}

fn inputs() -> impl Strategy<Value = Inputs> {
    prop_oneof![
        4 => Just(Inputs::All),
        2 => Just(Inputs::Needed),
        1 => Just(Inputs::Nothing),
    ]
}

fn steps() -> impl Strategy<Value = Vec<(Action, Inputs, i64)>> {
    let action = proptest::sample::select(Action::ALL);
    // A clock that goes back happens: it is set right, or another machine's is wrong.
    proptest::collection::vec((action, inputs(), -2_i64..9), 1..60)
}

fn begin(kind: TicketKind) -> Ticket {
    if kind == TicketKind::Task { task(0) } else { opened(kind) }
}

fn take(ticket: &mut Ticket, action: Action, inputs: Inputs, hour: i64) -> Result<(), Refused> {
    let mut scene = Scene::with_all(hour, action, ticket);
    match action {
        Action::Submit => ticket.submit(None, Submission::Asks, &settings(), scene.now).map(|_| ()),
        Action::Edit => {
            let given = with("tags", Value::Texts(vec![format!("hour{hour}")]));
            scene.edit(ticket, &given).map(|_| ())
        }
        _ => {
            let given = ticket.rules().row(action).map(|row| match inputs {
                Inputs::All => all_inputs(ticket, row, scene.now),
                Inputs::Needed => needed_inputs(ticket, row, scene.now),
                Inputs::Nothing => nothing(),
            });
            let around = scene.beside.clone();
            let done = scene.act(ticket, action, given.unwrap_or_default()).map(|_| ());
            if done.is_err() {
                assert_eq!(scene.beside.target, around.target, "{action} is refused");
                assert_eq!(scene.beside.suggestion, around.suggestion, "{action} is refused");
            }
            done
        }
    }
}

/// What is wrong with a ticket, if anything is.
fn is_sound(ticket: &Ticket, before: &Ticket) -> Result<(), String> {
    let kind = ticket.kind();
    let must = |holds: bool, what: &str| {
        holds.then_some(()).ok_or(format!("{what}: {kind} that is {}", ticket.state()))
    };
    must(kind == before.kind() && ticket.id == before.id, "it is another ticket")?;
    must(
        kind.rules().phase(ticket.state()) == Some(ticket.phase()),
        "the phase is not the state's",
    )?;
    must(ticket.updated_at >= before.updated_at, "it went back in time")?;
    must(ticket.reopen_count >= before.reopen_count, "it was reopened less often")?;
    must(
        ticket.last_reopened_at.is_some() == (ticket.reopen_count > 0),
        "a reopening has no time",
    )?;
    must(!before.phase().is_over() || ticket.stage == before.stage, "it left an end")?;
    let outcome = ticket.stage.outcome();
    let has_outcome = matches!(ticket.phase(), Phase::Done | Phase::Closed);
    must(outcome.is_some() == has_outcome, "an outcome stands where none belongs")?;
    if let Some(outcome) = outcome {
        let codes = kind.rules().codes;
        must(codes.is_empty() == outcome.code.is_none(), "a code is missing, or too many")?;
        must(outcome.code.is_none_or(|code| codes.contains(&code)), "a code is another kind's")?;
        must(codes.is_empty() || !outcome.notes.is_empty(), "an outcome has no notes")?;
    }
    if let Stage::Cancelled(end) = &ticket.stage {
        must(!end.reason.is_empty(), "it was cancelled for no reason")?;
    }
    must(ticket.requester == before.requester, "it is somebody else's")?;
    must(ticket.waiting_on(None, &settings()).is_some() == waits(ticket), "nobody is waited for")
}

fn waits(ticket: &Ticket) -> bool {
    ticket.phase().is_active() || ticket.phase() == Phase::Done
}

proptest! {
    #[test]
    fn whatever_is_done_to_a_ticket_it_stays_sound_and_a_refusal_changes_nothing(
        kind in proptest::sample::select(TicketKind::ALL),
        steps in steps(),
    ) {
        let mut ticket = begin(kind);
        let mut hour = 0;
        for (action, inputs, later) in steps {
            hour += later;
            let before = ticket.clone();
            let done = take(&mut ticket, action, inputs, hour);
            let place = format!("{action} {inputs:?} at {hour}: {done:?}");
            let row = kind.rules().row(action);
            let is_allowed = row.is_some_and(|row| row.allows(before.state(), before.phase()));
            if done.is_ok() {
                prop_assert!(is_allowed, "{}", place);
            } else {
                prop_assert_eq!(&ticket, &before, "{}", place);
            }
            let sound = is_sound(&ticket, &before);
            prop_assert!(sound.is_ok(), "{}: {:?}", place, sound);
        }
    }

    #[test]
    fn what_a_hint_names_is_never_refused_by_the_state(
        kind in proptest::sample::select(TicketKind::ALL),
        steps in steps(),
    ) {
        let mut ticket = begin(kind);
        for (hour, (action, inputs, _)) in (1..).zip(steps) {
            let _ = take(&mut ticket, action, inputs, hour);
        }
        let hints = ticket.allowed_actions(Role::Agent, Relation::default(), &settings());
        for hint in hints {
            let done = take(&mut ticket.clone(), hint.action, Inputs::All, 1_000);
            let is_state = matches!(done, Err(Refused::InvalidTransition { .. }));
            prop_assert!(!is_state, "{}: {:?}", hint.action, done);
        }
    }

    #[test]
    fn tasks_that_depend_on_each_other_all_open_in_the_end(
        before in proptest::collection::vec(proptest::collection::vec(any::<bool>(), 6), 6),
    ) {
        // Each can depend only on those before it, so that nothing is circular.
        let mut tasks: Vec<Ticket> = (0..6).map(task).collect();
        for (place, depends) in before.iter().enumerate() {
            let on = (0..place).filter(|earlier| depends[*earlier]);
            let on = on.map(|earlier| task_id(earlier as u128)).collect();
            tasks[place].task_mut().unwrap().depends_on = on;
        }
        crate::task::follow_siblings(&mut tasks, monday());
        for _ in 0..6 {
            let open = tasks.iter_mut().find(|task| task.state() == State::Open);
            let Some(open) = open else { break };
            act(open, Action::Complete, nothing()).unwrap();
            crate::task::follow_siblings(&mut tasks, monday() + hours(24));
        }
        prop_assert!(tasks.iter().all(|task| task.state() == State::Done));
    }
}
