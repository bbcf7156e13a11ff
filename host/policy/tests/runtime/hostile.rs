//! Guests that mean harm: each ends with its own code, and the host goes on serving.

use std::time::{Duration, Instant};

use waypost_policy::testing::{ANSWER, Guest, REASON};
use waypost_policy::{Failure, Limits, Seed};

use crate::desk::{Desk, failure, limits, question, team};

const FOREVER: &str = "(loop $forever (br $forever))";

/// Asks a guest, expects this code, and makes sure that the host still serves.
#[track_caller]
fn fails_with(guest: &Guest, code: &str) -> Failure {
    let desk = Desk::new();
    let policy = desk.prepare(guest);
    let decision = desk.route(&policy);
    let failure = failure(&decision);
    assert_eq!(failure.code(), code, "{failure}");
    // Twice, for nothing may be left of the first.
    assert_eq!(desk.route(&policy).outcome, decision.outcome);
    desk.assert_serves();
    failure.clone()
}

/// The fields of the answer, by their place.
fn answering(field: u32, bytes: &[u8]) -> Guest {
    Guest::new().data(ANSWER + field, bytes)
}

#[test]
fn a_loop_runs_out_of_fuel() {
    fails_with(&Guest::new().before_answer(FOREVER), "out_of_fuel");
}

#[test]
fn a_loop_with_much_fuel_meets_its_deadline() {
    let desk = Desk::new();
    let policy = desk.prepare(&Guest::new().before_answer(FOREVER));
    let limits = Limits { fuel: u64::MAX / 2, deadline: Duration::from_millis(50), ..limits() };
    let began = Instant::now();
    let decision = desk.runtime.decide(&policy, question(), &limits, Seed([0; 16]));
    assert_eq!(failure(&decision), &Failure::Deadline);
    assert!(began.elapsed() >= Duration::from_millis(50));
    assert!(began.elapsed() < Duration::from_secs(10));
    desk.assert_serves();
}

#[test]
fn growing_memory_ends_at_the_limit() {
    let grow = "(loop $more
        (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
        (br $more))";
    fails_with(&Guest::new().before_answer(grow), "memory");
}

#[test]
fn a_refused_growth_that_the_policy_lives_with_is_no_failure() {
    let desk = Desk::new();
    let guest = Guest::new().before_answer("(drop (memory.grow (i32.const 60000)))");
    assert_eq!(team(&desk.ask(&guest)), "network");
}

#[test]
fn a_limit_below_the_image_is_a_lack_of_memory() {
    let desk = Desk::new();
    let policy = desk.prepare(&Guest::new());
    let limits = Limits { memory_bytes: 65_536, ..limits() };
    let decision = desk.runtime.decide(&policy, question(), &limits, Seed([0; 16]));
    assert_eq!(failure(&decision), &Failure::Memory);
    desk.assert_serves();
}

#[test]
fn growing_a_table_ends_at_the_limit() {
    let guest = Guest::new().with("(table $t 1 funcref)").before_answer(
        "(loop $more
            (if (i32.eq (table.grow $t (ref.null func) (i32.const 10000)) (i32.const -1))
                (then unreachable))
            (br $more))",
    );
    fails_with(&guest, "memory");
}

#[test]
fn recursion_is_a_trap() {
    let guest = Guest::new()
        .with("(func $deeper (param i32) (result i32) (i32.add (call $deeper (local.get 0)) (i32.const 1)))")
        .before_answer("(drop (call $deeper (i32.const 0)))");
    let failure = fails_with(&guest, "trap");
    assert!(failure.to_string().contains("call stack exhausted"), "{failure}");
}

#[test]
fn a_trap_is_told_by_its_name() {
    for (body, name) in [
        ("unreachable", "unreachable"),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", "divide by zero"),
        ("(drop (i32.load (i32.const -4)))", "out of bounds"),
    ] {
        let failure = fails_with(&Guest::new().before_answer(body), "trap");
        assert!(failure.to_string().contains(name), "{failure}");
    }
}

#[test]
fn text_that_is_not_utf_8_is_a_bad_answer() {
    fails_with(&Guest::new().data(ANSWER + 60, b"\xff\xfe"), "bad_answer");
}

#[test]
fn a_case_that_does_not_exist_is_a_bad_answer() {
    fails_with(&answering(0, &[9]), "bad_answer");
    fails_with(&answering(16, &[7]), "bad_answer");
}

#[test]
fn pointers_to_nowhere_are_a_bad_answer() {
    let nowhere = 0xffff_0000_u32.to_le_bytes();
    // The team's text, the list of reasons, and the answer itself.
    fails_with(&answering(8, &nowhere), "bad_answer");
    fails_with(&answering(52, &nowhere), "bad_answer");
    fails_with(&Guest::new().route("i32.const -65536"), "bad_answer");
    fails_with(&Guest::new().route("i32.const 8193"), "bad_answer");
    // A list whose length alone would be larger than any memory.
    fails_with(&answering(56, &u32::MAX.to_le_bytes()), "bad_answer");
}

#[test]
fn an_allocator_that_lies_is_a_bad_answer() {
    let desk = Desk::new();
    // The good allocator until it is configured, then one that hands out what it does not have.
    let guest = Guest::new().before_configured("(global.set $heap (i32.const -1000000))");
    let refused = desk.prepare_with(&guest, "{}").map(|policy| desk.route(&policy));
    let code = match &refused {
        Ok(decision) => failure(decision).code(),
        Err(refused) => panic!("{refused}"),
    };
    assert!(["bad_answer", "memory", "trap"].contains(&code), "{code}");
    desk.assert_serves();
}

#[test]
fn an_answer_above_its_limit_is_too_large() {
    let failure = fails_with(
        &Guest::new().memory("8").before_answer(&format!(
            "(i32.store (i32.const {REASON}) (i32.const 131072))
             (i32.store offset=4 (i32.const {REASON}) (i32.const 100000))"
        )),
        "answer_too_large",
    );
    assert_eq!(failure, Failure::AnswerTooLarge { limit: 65_536 });
}

#[test]
fn an_answer_far_above_its_limit_is_not_even_copied() {
    // A thousand reasons that all are the same half megabyte: half a gigabyte, if it were copied.
    let guest = Guest::new().memory("16").before_answer(&format!(
        "(local $i i32)
         (loop $more
            (i32.store (i32.add (i32.const 20000) (local.get $i)) (i32.const 131072))
            (i32.store offset=4 (i32.add (i32.const 20000) (local.get $i)) (i32.const 500000))
            (local.set $i (i32.add (local.get $i) (i32.const 8)))
            (br_if $more (i32.lt_u (local.get $i) (i32.const 8000))))
         (i32.store (i32.const {}) (i32.const 20000))
         (i32.store (i32.const {}) (i32.const 1000))",
        ANSWER + 52,
        ANSWER + 56
    ));
    fails_with(&guest, "answer_too_large");
}

#[test]
fn a_list_of_empty_texts_counts_too() {
    let guest = Guest::new().memory("16").before_answer(&format!(
        "(i32.store (i32.const {}) (i32.const 131072)) (i32.store (i32.const {}) (i32.const 20000))",
        ANSWER + 52,
        ANSWER + 56
    ));
    fails_with(&guest, "answer_too_large");
}

#[test]
fn a_question_above_its_limit_is_not_asked() {
    let desk = Desk::new();
    let policy = desk.prepare(&Guest::new());
    let limits = Limits { input_bytes: 100, ..limits() };
    let decision = desk.runtime.decide(&policy, question(), &limits, Seed([0; 16]));
    assert_eq!(failure(&decision).code(), "input_too_large");
    assert_eq!(decision.fuel, 0);
}

#[test]
fn a_flood_of_log_lines_is_cut_and_said_so() {
    let desk = Desk::new();
    let guest = Guest::new().before_answer(
        "(local $i i32)
         (loop $more
            (call $log (i32.const 1) (i32.const 0) (i32.const 100))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $more (i32.lt_u (local.get $i) (i32.const 10000))))",
    );
    let decision = desk.ask(&guest);
    assert_eq!(team(&decision), "network");
    assert!(decision.log_truncated);
    let bytes: usize = decision.log.iter().map(|line| line.message.len()).sum();
    assert!(bytes <= 8192 && !decision.log.is_empty());
}

#[test]
fn a_flood_of_calls_to_the_host_runs_out_of_fuel() {
    let flood = "(loop $more (call $log (i32.const 0) (i32.const 0) (i32.const 0)) (br $more))";
    fails_with(&Guest::new().before_answer(flood), "out_of_fuel");
}

#[test]
fn a_huge_log_line_is_no_way_out() {
    let guest = Guest::new()
        .memory("64")
        .before_answer("(call $log (i32.const 0) (i32.const 0) (i32.const 4000000))");
    fails_with(&guest, "answer_too_large");
    let nowhere = "(call $log (i32.const 0) (i32.const -8) (i32.const 100))";
    fails_with(&Guest::new().before_answer(nowhere), "bad_answer");
    let nonsense = "(call $log (i32.const 77) (i32.const 0) (i32.const 0))";
    fails_with(&Guest::new().before_answer(nonsense), "bad_answer");
}

#[test]
fn what_a_policy_may_not_call_is_a_trap_with_its_name() {
    let guest = Guest::new()
        .import(
            "wasi:filesystem/types@0.2.6",
            r#"(import "wasi:filesystem/types@0.2.6" "open" (func $open (result i32)))"#,
        )
        .before_answer("(drop (call $open))");
    let failure = fails_with(&guest, "trap");
    assert!(failure.to_string().contains("wasi:filesystem/types.open"), "{failure}");

    let guest = Guest::new()
        .import(
            "wasi:cli/exit@0.2.6",
            r#"(import "wasi:cli/exit@0.2.6" "exit" (func $exit (param i32)))"#,
        )
        .before_answer("(call $exit (i32.const 0))");
    let failure = fails_with(&guest, "trap");
    assert!(failure.to_string().contains("exit"), "{failure}");
}

#[test]
fn calling_the_host_from_the_allocator_is_a_trap() {
    // The allocator runs while the host copies the question, when nothing may leave the guest.
    let guest = Guest::new()
        .with("(global $noisy (mut i32) (i32.const 0))")
        .before_configured("(global.set $noisy (i32.const 1))")
        .before_allocating(
            "(if (global.get $noisy)
                (then (call $log (i32.const 0) (i32.const 0) (i32.const 0))))",
        );
    fails_with(&guest, "trap");
}
