//! What is true of every ticket, whatever is done to it in whichever order.

use proptest::prelude::*;

use super::*;
use crate::{
    fixture::{all_inputs, needed_inputs, task, task_id},
    request::Submission,
    ticket::Phase,
};

/// How an action is asked for.
#[derive(Debug, Clone, Copy)]
enum Asked {
    WithAll,
    WithWhatIsNeeded,
    WithNothing,
}

fn asked() -> impl Strategy<Value = Asked> {
    prop_oneof![
        4 => Just(Asked::WithAll),
        2 => Just(Asked::WithWhatIsNeeded),
        1 => Just(Asked::WithNothing),
    ]
}

fn steps() -> impl Strategy<Value = Vec<(Action, Asked, i64)>> {
    let action = proptest::sample::select(Action::ALL);
    // A clock that goes back happens: it is set right, or another machine's is wrong.
    proptest::collection::vec((action, asked(), -2_i64..9), 1..60)
}

fn begin(kind: TicketKind) -> Ticket {
    if kind == TicketKind::Task { task(0) } else { opened(kind) }
}

fn take(ticket: &mut Ticket, action: Action, asked: Asked, hour: i64) -> Result<(), Refused> {
    let mut scene = Scene::with_all(hour, action, ticket);
    match action {
        Action::Submit => ticket.submit(None, Submission::Asks, &settings(), scene.now).map(|_| ()),
        Action::Edit => {
            let given = with("tags", Value::Texts(vec![format!("hour{hour}")]));
            scene.edit(ticket, &given).map(|_| ())
        }
        _ => {
            let given = ticket.rules().row(action).map(|row| match asked {
                Asked::WithAll => all_inputs(ticket, row, scene.now),
                Asked::WithWhatIsNeeded => needed_inputs(ticket, row, scene.now),
                Asked::WithNothing => nothing(),
            });
            scene.act(ticket, action, given.unwrap_or_default()).map(|_| ())
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
        for (action, asked, later) in steps {
            hour += later;
            let before = ticket.clone();
            let done = take(&mut ticket, action, asked, hour);
            let place = format!("{action} {asked:?} at {hour}: {done:?}");
            let row = kind.rules().row(action);
            let is_allowed = row.is_some_and(|row| row.allows(before.state(), before.phase()));
            match done {
                Ok(()) => prop_assert!(is_allowed, "{}", place),
                Err(_) => prop_assert_eq!(&ticket, &before, "{}", place),
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
        for (hour, (action, asked, _)) in (1..).zip(steps) {
            let _ = take(&mut ticket, action, asked, hour);
        }
        let hints = ticket.allowed_actions(Role::Agent, Relation::default(), &settings());
        for hint in hints {
            let done = take(&mut ticket.clone(), hint.action, Asked::WithAll, 1_000);
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
