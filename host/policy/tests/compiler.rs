//! The compiler as a process of its own: it makes what the host itself would, and what it costs, it
//! costs alone.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "it is shared with the other tests")]
#[path = "runtime/desk.rs"]
mod desk;

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;
use waypost_policy::testing::{Guest, costly, with_module};
use waypost_policy::{
    Asker, Compiler, CompilerProgram, Cost, Digest, Making, Novelty, Patience, PrepareRefused,
    RuntimeConfig, UploadRefused,
};

use crate::desk::{Desk, HOOKS, config, reasons, team};

const MIB: usize = 1024 * 1024;

/// The sizes of the other tests, and a compiler of its own.
fn child() -> RuntimeConfig {
    let path = env!("CARGO_BIN_EXE_waypost-compiler").into();
    RuntimeConfig { compiler: Compiler::Child(CompilerProgram { path }), ..config() }
}

fn asker(org: u128) -> Asker {
    Asker { org: Uuid::from_u128(org), patience: Patience::Request }
}

#[test]
fn a_child_makes_what_the_process_itself_would() {
    let (own, other) = (Desk::new(), Desk::with(child()));
    let not_snapshottable = Guest::new()
        .with("(table $t 1 funcref) (func $change (table.set $t (i32.const 0) (ref.null func)))");
    for guest in [Guest::new(), not_snapshottable] {
        let bytes = guest.build();
        let (here, there) = (own.runtime.inspect(&bytes), other.runtime.inspect(&bytes));
        assert_eq!(here.unwrap(), there.unwrap());
        let [here, there] =
            [&own, &other].map(|desk| desk.prepare_with(&guest, r#"{"a":1}"#).unwrap());
        assert_eq!(here.not_snapshotted_because(), there.not_snapshotted_because());
        let (here, there) = (own.route(&here), other.route(&there));
        assert_eq!((&here.outcome, here.fuel), (&there.outcome, there.fuel));
        assert_eq!(reasons(&there), [r#"{"a":1}"#]);
    }
}

#[test]
fn what_is_wrong_is_told_by_a_child_too() {
    let desk = Desk::with(child());
    assert_eq!(desk.runtime.inspect(b"PK").unwrap_err().code(), "invalid");
    let nameless = Guest::new().named("").build();
    assert_eq!(desk.runtime.inspect(&nameless).unwrap_err().code(), "description");
    match desk.prepare_with(&Guest::new().schema(r#"{"required":["team"]}"#), "{}") {
        Err(PrepareRefused::Settings(errors)) => assert!(errors[0].message.contains("team")),
        other => panic!("{other:?}"),
    }
    match desk.prepare_with(&Guest::new().configure("unreachable"), "{}") {
        Err(PrepareRefused::Configure(failure)) => assert_eq!(failure.code(), "trap"),
        other => panic!("{other:?}"),
    }
    desk.assert_serves();
}

#[test]
fn what_can_be_counted_is_refused_before_it_is_compiled() {
    let desk = Desk::with(child());
    let many = "i32 ".repeat(1000);
    for text in [
        format!("(module (type (func (result {many}))))"),
        format!("(module (type (func (param {many}))))"),
        format!("(module (func (local {}) {}))", "i32 ".repeat(2000), "(loop)".repeat(4000)),
        format!("(module {})", "(func)".repeat(200_000)),
    ] {
        let began = Instant::now();
        let refused = desk.runtime.inspect(&with_module(&text)).unwrap_err();
        assert_eq!(refused.code(), "too_big", "{refused}");
        assert!(began.elapsed() < Duration::from_secs(20));
    }
    desk.assert_serves();
}

#[test]
fn what_no_count_foresees_ends_at_the_limit_of_memory() {
    let desk = Desk::with(RuntimeConfig { compile_memory_bytes: 64 * MIB, ..child() });
    let refused = desk.runtime.inspect(&costly(1)).unwrap_err();
    let limit = Cost::Memory { bytes: 64 * MIB };
    assert_eq!(refused, UploadRefused::TooCostly { limit });
    assert_eq!(refused.code(), "too_costly");
    desk.assert_serves();
}

#[test]
fn what_no_count_foresees_ends_at_the_limit_of_time() {
    let desk = Desk::with(RuntimeConfig { compile_time: Duration::from_secs(3), ..child() });
    let began = Instant::now();
    let refused = desk.runtime.inspect(&costly(60)).unwrap_err();
    assert_eq!(refused, UploadRefused::TooCostly { limit: Cost::Time { seconds: 3 } });
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_memory_of_which_much_is_written_down_is_not_kept() {
    // Nine kilobytes that would be sixteen megabytes of image.
    let far = Guest::new().memory("300").data(16 * 1024 * 1024, b"far");
    let desk = Desk::with(child());
    let refused = desk.runtime.inspect(&far.build()).unwrap_err();
    assert_eq!(refused.code(), "too_big", "{refused}");
    desk.assert_serves();
}

#[test]
fn a_schema_of_many_alternatives_refuses_its_binding_only() {
    let alternatives = vec![r#"{"const":1}"#; 500].join(",");
    let guest = Guest::new().schema(&format!(r#"{{"anyOf":[{alternatives}]}}"#));
    let desk = Desk::with(child());
    let settings = format!("\"{}\"", "a".repeat(1_000_000));
    match desk.prepare_with(&guest, &settings) {
        Err(PrepareRefused::Settings(errors)) => {
            assert!(errors[0].message.contains("too many alternatives"), "{errors:?}");
        }
        other => panic!("{other:?}"),
    }
    desk.assert_serves();
}

#[test]
fn patterns_that_take_long_refuse_their_binding_only() {
    let patterns: Vec<_> =
        (250..260).map(|times| format!(r#"{{"pattern":"[01]*1[01]{{{times}}}[^01]"}}"#)).collect();
    let guest = Guest::new().schema(&format!(r#"{{"allOf":[{}]}}"#, patterns.join(",")));
    let desk = Desk::with(child());
    let mut bit = 1_u32;
    let bits = (0..500_000).map(|_| {
        bit = bit.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if bit >> 31 == 0 { '0' } else { '1' }
    });
    let settings = format!("\"{}\"", bits.collect::<String>());
    let began = Instant::now();
    // Refused by what it says or by what it takes, whichever is first on this machine.
    let refused = desk.prepare_with(&guest, &settings);
    assert!(matches!(refused, Err(PrepareRefused::Settings(_))), "{refused:?}");
    assert!(began.elapsed() < Duration::from_mins(1));
    desk.assert_serves();
}

#[test]
fn a_compiler_without_a_job_ends() {
    for (arguments, job) in
        [(vec![], ""), (vec!["1073741824", "20"], ""), (vec!["1073741824", "20"], "no job")]
    {
        let mut compiler = Command::new(env!("CARGO_BIN_EXE_waypost-compiler"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It may end before it is told.
        let _ = compiler.stdin.take().unwrap().write_all(job.as_bytes());
        assert!(!compiler.wait().unwrap().success());
    }
}

#[tokio::test]
async fn a_caller_who_is_gone_ends_its_child() {
    let desk = Desk::with(RuntimeConfig { concurrent_compiles: 1, ..child() });
    let costly = costly(60);
    let began = Instant::now();
    let asked = desk.runtime.inspect_in_turn(asker(1), costly.into(), Novelty::New);
    assert!(tokio::time::timeout(Duration::from_secs(1), asked).await.is_err());

    let good = Guest::new().build();
    let inspected = desk.runtime.inspect_in_turn(asker(2), good.clone().into(), Novelty::New).await;
    assert_eq!(inspected.unwrap().digest, Digest::of(&good));
    assert!(began.elapsed() < Duration::from_secs(15), "it waited for who is gone");
}

#[tokio::test]
async fn while_one_organization_has_costly_things_compiled_another_is_served() {
    let desk = Desk::with(child());
    for functions in [60, 61, 62] {
        let (runtime, costly) = (Arc::clone(&desk.runtime), costly(functions));
        tokio::spawn(async move {
            runtime.inspect_in_turn(asker(1), costly.into(), Novelty::New).await
        });
    }
    // They are in the line when they are looked at first.
    tokio::task::yield_now().await;

    let bytes = Guest::new().build();
    let began = Instant::now();
    desk.runtime.inspect_in_turn(asker(2), bytes.clone().into(), Novelty::New).await.unwrap();
    let making = Making {
        component: Digest::of(&bytes),
        bytes: Some(bytes.into()),
        settings: "{}".to_owned(),
        data: vec![],
        hooks: HOOKS.to_vec(),
    };
    let prepared = desk.runtime.prepare_in_turn(asker(2), making).await.unwrap();

    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert_eq!(team(&desk.route(&prepared)), "network");
}

/// How long an upload takes tells nobody whether another organization has the same.
#[tokio::test]
async fn what_is_new_to_an_organization_is_looked_at_whoever_else_has_it() {
    let bytes = Arc::<[u8]>::from(Guest::new().build());
    let config = || RuntimeConfig { artifact_key: Some([7; 32].into()), ..child() };
    let desk = Desk::with(config());
    desk.runtime.inspect_in_turn(asker(1), Arc::clone(&bytes), Novelty::New).await.unwrap();

    // From now on, whatever has to be compiled fails.
    let no_program = CompilerProgram { path: "/nowhere/waypost".into() };
    let desk = desk.restart(RuntimeConfig { compiler: Compiler::Child(no_program), ..config() });
    let known = desk.runtime.inspect_in_turn(asker(1), Arc::clone(&bytes), Novelty::Known).await;
    assert_eq!(known.unwrap().digest, Digest::of(&bytes));
    let new = desk.runtime.inspect_in_turn(asker(2), bytes, Novelty::New).await;
    assert_eq!(new.unwrap_err().code(), "busy");
}

#[test]
fn a_program_that_cannot_compile_refuses_without_a_word_against_the_component() {
    let no_program = CompilerProgram { path: "/nowhere/waypost".into() };
    let desk = Desk::with(RuntimeConfig { compiler: Compiler::Child(no_program), ..config() });
    assert_eq!(desk.runtime.inspect(&Guest::new().build()).unwrap_err().code(), "busy");
}
