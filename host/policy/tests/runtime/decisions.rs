//! What a decision is: a pure function of the policy, the question, the limits and the seed.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use waypost_policy::answer::Assignment;
use waypost_policy::testing::{ANSWER, Guest, REASON};
use waypost_policy::{Answer, Decline, Failure, Limits, LogLevel, Question, RuntimeConfig, Seed};

use crate::desk::{Desk, config, context, failure, limits, question, reasons, team, ticket};

/// Makes the answer a `decline` of this case with one text.
fn declining(case: u8, text: &str) -> Guest {
    let at = 9000_u32;
    let length = u32::try_from(text.len()).unwrap();
    let mut answer = vec![1, 0, 0, 0, case, 0, 0, 0];
    answer.extend_from_slice(&at.to_le_bytes());
    answer.extend_from_slice(&length.to_le_bytes());
    Guest::new().data(ANSWER, &answer).data(at, text.as_bytes())
}

#[test]
fn an_answer_comes_back_with_its_cost() {
    let desk = Desk::new();
    let decision = desk.ask(&Guest::new());
    assert_eq!(team(&decision), "network");
    assert!(decision.fuel > 0);
    assert!(decision.duration > Duration::ZERO);
    assert_eq!((decision.log.len(), decision.log_truncated), (0, false));
}

#[test]
fn a_decline_is_an_outcome_and_no_failure() {
    let desk = Desk::new();
    let decision = desk.ask(&declining(1, "manager"));
    assert_eq!(decision.outcome, Ok(Err(Decline::Incomplete("manager".to_owned()))));
}

#[test]
fn a_policy_that_says_it_is_broken_has_failed() {
    let desk = Desk::new();
    let decision = desk.ask(&declining(2, "no rule table"));
    let message = "no rule table".to_owned();
    assert_eq!(failure(&decision), &Failure::Broken { message });
}

#[test]
fn the_same_question_gives_the_same_bytes_fuel_and_log() {
    let desk = Desk::new();
    let guest = Guest::new()
        .before_answer(&format!("(call $log (i32.const 1) (i32.const {REASON}) (i32.const 0))"));
    let policy = desk.prepare(&guest);
    let bytes = |decision: &waypost_policy::Decision| match &decision.outcome {
        Ok(Ok(answer)) => answer.to_json(),
        other => panic!("{other:?}"),
    };
    let first = desk.route(&policy);
    for _ in 0..20 {
        let again = desk.route(&policy);
        assert_eq!(bytes(&again), bytes(&first));
        assert_eq!((again.fuel, &again.log), (first.fuel, &first.log));
    }
    let restarted = desk.restart(config());
    let after = restarted.route(&restarted.prepare(&guest));
    assert_eq!((bytes(&after), after.fuel), (bytes(&first), first.fuel));
}

#[test]
fn nothing_of_one_decision_is_left_for_the_next() {
    let desk = Desk::new();
    // Counts its calls down in memory, and gives the number as its confidence.
    let count = format!(
        "(i32.store8 (i32.const {at}) (i32.sub (i32.load8_u (i32.const {at})) (i32.const 1)))",
        at = ANSWER + 17
    );
    let policy = desk.prepare(&Guest::new().before_answer(&count));
    for _ in 0..5 {
        match desk.route(&policy).outcome {
            Ok(Ok(Answer::Assignment(Assignment { team: Some(team), .. }))) => {
                assert_eq!(team.confidence, 99);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_hook_that_is_not_described_is_not_called() {
    let desk = Desk::new();
    let policy = desk.prepare(&Guest::new());
    let plan = Question::Plan { ticket: ticket(), context: context() };
    let decision = desk.runtime.decide(&policy, plan, &limits(), Seed([0; 16]));
    assert_eq!(failure(&decision).code(), "unavailable");
    assert_eq!(decision.fuel, 0);
}

#[test]
fn log_lines_come_with_their_level() {
    let desk = Desk::new();
    let guest = Guest::new()
        .data(9000, "grüße".as_bytes())
        .before_answer("(call $log (i32.const 2) (i32.const 9000) (i32.const 7))");
    let decision = desk.ask(&guest);
    assert_eq!(decision.log.len(), 1);
    assert_eq!(decision.log[0].level, LogLevel::Warn);
    assert_eq!(decision.log[0].message, "grüße");
}

#[test]
fn the_clock_stands_at_the_decisions_time() {
    let desk = Desk::new();
    let guest = Guest::new()
        .import(
            "wasi:clocks/wall-clock@0.2.6",
            r#"(import "wasi:clocks/wall-clock@0.2.6" "now" (func $now (param i32)))"#,
        )
        .before_answer(
            "(call $now (i32.const 9000))
             (if (i64.ne (i64.load (i32.const 9000)) (i64.const 1780302600)) (then unreachable))
             (if (i32.ne (i32.load offset=8 (i32.const 9000)) (i32.const 250000000)) (then unreachable))",
        );
    assert_eq!(team(&desk.ask(&guest)), "network");
}

#[test]
fn random_numbers_follow_from_the_seed() {
    let desk = Desk::new();
    let at = ANSWER + 17;
    let guest = Guest::new()
        .import(
            "wasi:random/random@0.2.6",
            r#"(import "wasi:random/random@0.2.6" "get-random-u64" (func $random (result i64)))
               (import "wasi:random/random@0.2.6" "get-random-bytes" (func $bytes (param i64 i32)))"#,
        )
        .before_answer(&format!(
            "(i32.store8 (i32.const {at}) (i32.wrap_i64 (i64.and (call $random) (i64.const 63))))"
        ));
    let policy = desk.prepare(&guest);
    let confidence = |seed: u8| {
        let decision = desk.runtime.decide(&policy, question(), &limits(), Seed([seed; 16]));
        match decision.outcome {
            Ok(Ok(Answer::Assignment(answer))) => answer.team.unwrap().confidence,
            other => panic!("{other:?}"),
        }
    };
    let numbers: Vec<_> = (0..20).map(confidence).collect();
    assert_eq!(numbers, (0..20).map(confidence).collect::<Vec<_>>());
    assert!(numbers.iter().any(|number| *number != numbers[0]), "{numbers:?}");
}

#[test]
fn the_environment_is_empty_and_there_are_no_files() {
    let desk = Desk::new();
    let guest = Guest::new()
        .import(
            "wasi:cli/environment@0.2.6",
            r#"(import "wasi:cli/environment@0.2.6" "get-environment" (func $environment (param i32)))
               (import "wasi:cli/environment@0.2.6" "get-arguments" (func $arguments (param i32)))"#,
        )
        .import(
            "wasi:filesystem/preopens@0.2.6",
            r#"(import "wasi:filesystem/preopens@0.2.6" "get-directories" (func $directories (param i32)))"#,
        )
        .before_answer(
            "(i64.store (i32.const 9000) (i64.const -1))
             (call $environment (i32.const 9000))
             (if (i32.load offset=4 (i32.const 9000)) (then unreachable))
             (call $arguments (i32.const 9000))
             (if (i32.load offset=4 (i32.const 9000)) (then unreachable))
             (call $directories (i32.const 9000))
             (if (i32.load offset=4 (i32.const 9000)) (then unreachable))",
        );
    assert_eq!(team(&desk.ask(&guest)), "network");
}

#[test]
fn what_a_crash_prints_is_in_the_log_and_the_message() {
    let desk = Desk::new();
    let guest = printing("unreachable");
    let decision = desk.ask(&guest);
    let Failure::Trap { message } = failure(&decision) else { panic!("{decision:?}") };
    assert!(message.contains("unreachable") && message.contains("rule 3 is odd"), "{message}");
    assert_eq!(decision.log[0].level, LogLevel::Error);
}

/// Prints to its standard error, and then does something else.
fn printing(then: &str) -> Guest {
    Guest::new()
        .import(
            "wasi:cli/stderr@0.2.6",
            r#"(import "wasi:cli/stderr@0.2.6" "get-stderr" (func $stderr (result i32)))"#,
        )
        .import(
            "wasi:io/streams@0.2.6",
            r#"(import "wasi:io/streams@0.2.6" "[method]output-stream.blocking-write-and-flush"
                (func $write (param i32 i32 i32 i32)))"#,
        )
        .data(9000, b"rule 3 is odd\n")
        .before_answer(&format!(
            "(call $write (call $stderr) (i32.const 9000) (i32.const 14) (i32.const 9100)) {then}"
        ))
}

#[test]
fn settings_are_in_the_image() {
    let desk = Desk::new();
    let policy = desk.prepare_with(&Guest::new(), r#"{"a": 1}"#).unwrap();
    assert!(policy.snapshotted(), "{:?}", policy.not_snapshotted_because());
    assert_eq!(reasons(&desk.route(&policy)), [r#"{"a": 1}"#]);
}

#[test]
fn a_full_pool_is_a_wait_and_then_busy() {
    let slow = Guest::new().before_answer("(loop $forever (br $forever))");
    let busy_for = |wait: Duration| {
        let desk = Desk::with(RuntimeConfig { instances: 1, admission_wait: wait, ..config() });
        let (slow, quick) = (desk.prepare(&slow), desk.prepare(&Guest::new()));
        let begun = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                let limits =
                    Limits { fuel: u64::MAX / 2, deadline: Duration::from_millis(400), ..limits() };
                begun.wait();
                let decision = desk.runtime.decide(&slow, question(), &limits, Seed([0; 16]));
                assert_eq!(failure(&decision), &Failure::Deadline);
            });
            begun.wait();
            thread::sleep(Duration::from_millis(100));
            desk.route(&quick)
        })
    };
    assert_eq!(failure(&busy_for(Duration::from_millis(10))), &Failure::Busy);
    assert_eq!(team(&busy_for(Duration::from_secs(30))), "network");
}

#[test]
fn many_threads_decide_at_once() {
    let desk = Desk::new();
    let policy = desk.prepare(&Guest::new());
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert_eq!(team(&desk.route(&policy)), "network");
                }
            });
        }
    });
}
