//! The rules of priorities: the matrices people use, and which priority wins.

use crate::{
    fixture::{blank, number, open},
    priority::{Level, Matrix, MatrixFault, Priority, PrioritySource},
    ticket::{Ticket, TicketKind},
};

fn matrix(rows: &[&[u8]]) -> Result<Matrix, MatrixFault> {
    Matrix::new(rows.iter().map(|row| row.iter().copied().map(Level).collect()).collect())
}

fn incident(impact: u32, urgency: u32) -> Ticket {
    let given =
        blank(TicketKind::Incident).with("impact", number(impact)).with("urgency", number(urgency));
    open(TicketKind::Incident, &given, None).unwrap()
}

#[test]
fn w3_payroll_outage_outranks_cosmetic_issue() {
    let cosmetic = incident(3, 3);
    let payroll = incident(1, 1);
    assert_eq!(payroll.priority.effective(), (Level(1), PrioritySource::Matrix));
    assert!(payroll.priority.effective().0 < cosmetic.priority.effective().0);
}

#[test]
fn a_person_outranks_a_policy_and_a_policy_the_matrix() {
    let mut priority = Priority::of_matrix(Level(3));
    assert_eq!(priority.effective(), (Level(3), PrioritySource::Matrix));
    priority.policy = Some(Level(2));
    assert_eq!(priority.effective(), (Level(2), PrioritySource::Policy));
    priority.manual = Some((Level(4), "a test system".to_owned()));
    assert_eq!(priority.effective(), (Level(4), PrioritySource::Override));
}

#[test]
fn what_is_not_known_counts_as_three() {
    let usual = Matrix::default();
    assert_eq!(usual.lookup(None, None), Level(5));
    assert_eq!(usual.lookup(Some(Level(1)), None), Level(3));
    let small = matrix(&[&[1, 2], &[2, 3]]).unwrap();
    assert_eq!(small.lookup(None, Some(Level(1))), Level(2));
}

#[test]
fn the_matrices_of_other_desks_can_be_loaded() {
    let measured = matrix(&[&[1, 2, 3], &[2, 3, 4], &[3, 4, 4]]).unwrap();
    assert_eq!(measured.lookup(Some(Level(3)), Some(Level(3))), Level(4));
    let three_by_four = matrix(&[&[1, 1, 2, 4], &[1, 2, 3, 4], &[2, 3, 3, 4]]).unwrap();
    assert_eq!((three_by_four.impacts(), three_by_four.urgencies()), (3, 4));
    assert_eq!(three_by_four.lookup(Some(Level(1)), Some(Level(4))), Level(4));
    let inverted =
        [[1, 1, 2, 2, 2], [1, 2, 2, 3, 3], [2, 2, 3, 4, 4], [2, 3, 4, 4, 5], [2, 3, 4, 5, 5]];
    let five = matrix(&inverted.each_ref().map(<[u8; 5]>::as_slice)).unwrap();
    for loaded in [measured, three_by_four, five] {
        assert_eq!(loaded.lint(), []);
    }
}

#[test]
fn a_matrix_has_two_to_five_levels_and_no_holes() {
    assert_eq!(matrix(&[&[1, 2]]), Err(MatrixFault::Rows(1)));
    assert_eq!(matrix(&[&[1], &[2]]), Err(MatrixFault::Columns { row: 1, columns: 1 }));
    assert_eq!(
        matrix(&[&[1, 2, 3], &[2, 3]]),
        Err(MatrixFault::Uneven { row: 2, columns: 2, expected: 3 })
    );
    assert_eq!(
        matrix(&[&[1, 2], &[2, 0]]),
        Err(MatrixFault::Cell { impact: 2, urgency: 2, given: 0 })
    );
}

#[test]
fn a_cell_that_gets_worse_with_more_impact_is_pointed_out() {
    let slipped = matrix(&[&[1, 4], &[2, 3]]).unwrap();
    let findings = slipped.lint();
    assert_eq!(findings.len(), 1);
    assert_eq!(
        findings[0].to_string(),
        "impact 1, urgency 2 gives priority 4, but the lesser impact 2, urgency 2 gives 3"
    );
}
