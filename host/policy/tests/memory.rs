//! Memory returns to where it was, whatever policies did. Alone in its process, for it looks at the
//! whole of it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "it is shared with the other tests")]
#[path = "runtime/desk.rs"]
mod desk;

use std::path::Path;
use std::sync::Mutex;

use waypost_policy::{open_dir, testing::Guest};

use crate::desk::Desk;

/// More than what allocators and pools keep for next time; less than what one leaked memory of a
/// greedy guest would be.
const SLACK: usize = 24 * 1024 * 1024;

/// One test at a time: each looks at the memory of the whole process.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn memory_returns_to_where_it_was() {
    let _alone = ALONE.lock();
    let desk = Desk::new();
    let grow = "(loop $more
        (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
        (memory.fill (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 1048576))
            (i32.const 1) (i32.const 1048576))
        (br $more))";
    let hostile = [
        Guest::new().before_answer(grow),
        Guest::new().before_answer("unreachable"),
        Guest::new().before_answer("(loop $forever (br $forever))"),
        Guest::new().before_answer(
            "(loop $more (call $log (i32.const 0) (i32.const 0) (i32.const 4000)) (br $more))",
        ),
    ];
    let policies: Vec<_> = hostile.iter().map(|guest| desk.prepare(guest)).collect();
    let round = || {
        for policy in &policies {
            assert!(desk.route(policy).outcome.is_err());
        }
    };
    round();
    let before = resident();
    for _ in 0..25 {
        round();
    }
    let after = resident();
    assert!(after < before + SLACK, "{before} bytes grew to {after}");
    desk.assert_serves();
}

#[test]
fn refused_uploads_leave_nothing() {
    let _alone = ALONE.lock();
    let desk = Desk::new();
    let whole = Guest::new().build();
    let refuse_many = || {
        for at in (8..whole.len()).step_by(11) {
            let mut changed = whole.clone();
            changed[at] ^= 0x10;
            // Accepted or refused: what is looked at here is what stays.
            drop(desk.runtime.inspect(&changed));
            assert!(desk.runtime.inspect(&whole[..at]).is_err());
        }
    };
    refuse_many();
    let before = resident();
    refuse_many();
    let after = resident();
    assert!(after < before + SLACK, "{before} bytes grew to {after}");
}

/// The bytes of this process that are in memory.
fn resident() -> usize {
    let statm = open_dir(Path::new("/proc/self")).unwrap().read_to_string("statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}
