//! The table of a task's states and actions, as the specification has it, against what the moves really do.

use std::fmt::Write;

use crate::{
    fixture::{AGENT, COLLEAGUE, NETWORK, hours, monday, task, task_id, world},
    refusal::{Faults, Refused},
    task::{Standing, TaskAction, TaskEdit, TaskMove, TaskState, Tasks},
};

const TABLE: &str = "\
action      waiting      open         in_progress  on_hold      done         incomplete   skipped      cancelled
edit        .            .            .            .            -            -            -            -
assign      .            .            .            .            -            -            -            -
start       -            in_progress  -            -            -            in_progress  -            -
hold        -            on_hold      on_hold      -            -            -            -            -
resume      -            -            -            in_progress  -            -            -            -
complete    -            done         done         done         -            -            -            -
incomplete  -            incomplete   incomplete   incomplete   -            -            -            -
skip        skipped      skipped      skipped      skipped      -            skipped      -            -
cancel      cancelled    cancelled    cancelled    cancelled    -            -            -            -
";

#[test]
fn every_action_on_a_task_moves_as_specified() {
    let actual = table();
    assert!(actual == TABLE, "expected\n{TABLE}\nbut the moves do\n{actual}");
}

fn table() -> String {
    let mut table = line("action", TaskState::ALL.iter().map(ToString::to_string));
    for action in TaskAction::ALL {
        let cells = TaskState::ALL.iter().map(|state| {
            let mut tasks = in_state(*state);
            let before = tasks.clone();
            let done = perform(*action, &mut tasks);
            let is_allowed = action.is_allowed(*state);
            let after = tasks.get(task_id(2)).unwrap().state();
            match done {
                Ok(changes) => {
                    assert!(!changes.is_empty(), "{action} in {state} says nothing");
                    if after == *state { ".".to_owned() } else { after.to_string() }
                }
                Err(Refused::InvalidTaskTransition { .. }) => {
                    assert!(!is_allowed, "{action} is refused in {state} but announced");
                    assert_eq!(tasks, before, "a refused {action} changed the task");
                    "-".to_owned()
                }
                Err(other) => panic!("{action} in {state}: {other}"),
            }
        });
        let row = line(action.as_str(), cells);
        table.push_str(&row);
    }
    table
}

fn line(heading: &str, cells: impl Iterator<Item = String>) -> String {
    let mut line = format!("{heading:<12}");
    for cell in cells {
        write!(line, "{cell:<13}").unwrap();
    }
    format!("{}\n", line.trim_end())
}

/// Two tasks, of which the second is in the state; while it waits, it waits for the first.
fn in_state(state: TaskState) -> Tasks {
    let reason = || "because".to_owned();
    let mut second = task(2);
    second.standing = match state {
        TaskState::Waiting => {
            second.depends_on.insert(task_id(1));
            Standing::Waiting
        }
        TaskState::Open => Standing::Open,
        TaskState::InProgress => Standing::InProgress,
        TaskState::OnHold => Standing::OnHold { reason: reason() },
        TaskState::Done => Standing::Done,
        TaskState::Incomplete => Standing::Incomplete { reason: reason() },
        TaskState::Skipped => Standing::Skipped { reason: reason() },
        TaskState::Cancelled => Standing::Cancelled { reason: reason() },
    };
    Tasks::new(vec![task(1), second])
}

/// Does an action with everything that it needs.
fn perform(action: TaskAction, tasks: &mut Tasks) -> Result<Vec<crate::event::Change>, Refused> {
    let (id, now, reason) = (task_id(2), monday() + hours(1), Some("so it is"));
    let step = match action {
        TaskAction::Edit => {
            let edit = TaskEdit { position: Some(9), ..TaskEdit::default() };
            return tasks.edit(id, edit, Faults::new(), now);
        }
        TaskAction::Assign => TaskMove::Assign { team: Some(NETWORK), assignee: Some(COLLEAGUE) },
        TaskAction::Start => TaskMove::Start { by: Some(AGENT) },
        TaskAction::Hold => TaskMove::Hold { reason },
        TaskAction::Resume => TaskMove::Resume,
        TaskAction::Complete => TaskMove::Complete,
        TaskAction::Incomplete => TaskMove::Incomplete { reason },
        TaskAction::Skip => TaskMove::Skip { reason },
        TaskAction::Cancel => TaskMove::Cancel { reason },
    };
    assert_eq!(step.action(), action);
    tasks.carry_out(id, step, &world(), now)
}
