//! Preparation: settings, snapshots, artifacts.

use std::sync::Arc;

use waypost_policy::testing::{CONFIGURED, Guest, REASON};
use waypost_policy::{
    ArtifactKey, DataFile, Digest, Failure, Hook, PrepareRefused, Prepared, RuntimeConfig,
    SettingsError,
};

use crate::desk::{Desk, HOOKS, config, failure, reasons, team};

/// A guest that Wizer does not take: it changes a table.
fn not_snapshottable() -> Guest {
    Guest::new()
        .with("(table $t 1 funcref) (func $change (table.set $t (i32.const 0) (ref.null func)))")
}

/// A `configure` that refuses with one error at `/rules/3`.
fn refusing() -> Guest {
    let mut errors = vec![1, 0, 0, 0];
    for number in [9020_u32, 1, 9040, 8, 9048, 12] {
        errors.extend_from_slice(&number.to_le_bytes());
    }
    // The result, the list of one, and its texts.
    Guest::new()
        .data(9000, &[&errors[..4], &9020_u32.to_le_bytes(), &1_u32.to_le_bytes()].concat())
        .data(9020, &errors[12..28])
        .data(9040, b"/rules/3no such team")
        .configure("i32.const 9000")
}

fn settings_errors(refused: Result<Arc<Prepared>, PrepareRefused>) -> Vec<SettingsError> {
    match refused {
        Err(PrepareRefused::Settings(errors)) => errors,
        other => panic!("{other:?}"),
    }
}

#[test]
fn settings_are_checked_against_the_schema_first() {
    let desk = Desk::new();
    let guest =
        Guest::new().schema(r#"{"type":"object","required":["team"]}"#).configure("unreachable");
    let errors = settings_errors(desk.prepare_with(&guest, "{}"));
    assert!(errors[0].message.contains("team"), "{errors:?}");
    let errors = settings_errors(desk.prepare_with(&guest, "{"));
    assert!(errors[0].message.contains("JSON"), "{errors:?}");
}

#[test]
fn the_policys_own_errors_say_where_and_what() {
    let desk = Desk::new();
    let errors = settings_errors(desk.prepare_with(&refusing(), "{}"));
    let (path, message) = ("/rules/3".to_owned(), "no such team".to_owned());
    assert_eq!(errors, [SettingsError { path, message }]);
}

#[test]
fn a_configure_that_loops_or_crashes_refuses_the_binding() {
    let desk = Desk::with(RuntimeConfig {
        configure: waypost_policy::Limits { fuel: 10_000_000, ..config().configure },
        ..config()
    });
    let looping = Guest::new().before_configured("(loop $forever (br $forever))");
    match desk.prepare_with(&looping, "{}") {
        Err(PrepareRefused::Configure(Failure::OutOfFuel)) => {}
        other => panic!("{other:?}"),
    }
    let crashing = Guest::new().configure("unreachable");
    match desk.prepare_with(&crashing, "{}") {
        Err(PrepareRefused::Configure(Failure::Trap { .. })) => {}
        other => panic!("{other:?}"),
    }
    desk.assert_serves();
}

#[test]
fn settings_and_data_have_limits() {
    let desk = Desk::with(RuntimeConfig { settings_bytes: 10, data_bytes: 10, ..config() });
    let errors = settings_errors(desk.prepare_with(&Guest::new(), r#"{"a": "long enough"}"#));
    assert!(errors[0].message.contains("limit is 10"), "{errors:?}");

    let bytes = Guest::new().build();
    let file = |name: &str, size| DataFile { name: name.to_owned(), content: vec![0; size].into() };
    let prepare = |data: &[DataFile]| {
        desk.runtime.prepare(&|_| Ok(bytes.clone()), Digest::of(&bytes), "{}", data, HOOKS)
    };
    assert_eq!(settings_errors(prepare(&[file("a.csv", 11)]))[0].path, "data:a.csv");
    assert_eq!(settings_errors(prepare(&[file("a", 1), file("a", 1)]))[0].path, "data:a");
    assert!(prepare(&[file("a", 1), file("b", 1)]).is_ok());
}

#[test]
fn equal_inputs_share_one_policy_and_different_ones_do_not() {
    let desk = Desk::new();
    let guest = Guest::new();
    let first = desk.prepare_with(&guest, "{}").unwrap();
    assert!(Arc::ptr_eq(&first, &desk.prepare_with(&guest, "{}").unwrap()));
    let other = desk.prepare_with(&guest, r#"{"b":1}"#).unwrap();
    assert_ne!(first.key(), other.key());
    assert_eq!(first.component(), other.component());
    assert_eq!(reasons(&desk.route(&first)), ["{}"]);
    assert_eq!(reasons(&desk.route(&other)), [r#"{"b":1}"#]);
}

#[test]
fn a_policy_is_told_its_hooks_and_asked_no_other() {
    let desk = Desk::new();
    // Gives the name of the first hook as its reason.
    let told = format!(
        "(i32.store (i32.const {REASON}) (i32.load (local.get 4)))
         (i32.store offset=4 (i32.const {REASON}) (i32.load offset=4 (local.get 4)))
         (i32.const {CONFIGURED})"
    );
    let guest = Guest::new().configure(&told);
    let bytes = guest.build();
    let prepare = |hooks: &[Hook]| {
        let source = |_| Ok(bytes.clone());
        desk.runtime.prepare(&source, Digest::of(&bytes), "{}", &[], hooks).unwrap()
    };

    let both = prepare(&[Hook::Plan, Hook::Route, Hook::Route]);
    assert_eq!(reasons(&desk.route(&both)), ["route"]);
    assert_eq!(both.key(), prepare(&[Hook::Route, Hook::Plan]).key());

    let other = prepare(&[Hook::Plan]);
    assert_ne!(other.key(), both.key());
    assert_eq!(failure(&desk.route(&other)).code(), "unavailable");
}

#[test]
fn the_order_of_data_files_does_not_matter() {
    let desk = Desk::new();
    let bytes = Guest::new().build();
    let file = |name: &str| DataFile { name: name.to_owned(), content: [1].into() };
    let prepare = |data: [DataFile; 2]| {
        let prepared =
            desk.runtime.prepare(&|_| Ok(bytes.clone()), Digest::of(&bytes), "{}", &data, HOOKS);
        prepared.unwrap().key()
    };
    assert_eq!(prepare([file("a"), file("b")]), prepare([file("b"), file("a")]));
}

#[test]
fn a_policy_without_a_snapshot_is_configured_for_each_decision() {
    let desk = Desk::new();
    let policy = desk.prepare_with(&not_snapshottable(), r#"{"a": 1}"#).unwrap();
    assert!(!policy.snapshotted());
    assert!(policy.not_snapshotted_because().unwrap().contains("table.set"));
    let first = desk.route(&policy);
    assert_eq!(reasons(&first), [r#"{"a": 1}"#]);
    assert_eq!(desk.route(&policy).fuel, first.fuel);

    let desk = desk.restart(config());
    let bytes = not_snapshottable().build();
    let again = desk.runtime.recall(Digest::of(&bytes), r#"{"a": 1}"#, &[], HOOKS).unwrap();
    assert_eq!(reasons(&desk.route(&again)), [r#"{"a": 1}"#]);
}

#[test]
fn a_policy_is_prepared_once_for_each_set_of_hooks() {
    let desk = Desk::new();
    let bytes = Guest::new().build();
    let prepare = |hooks: &[Hook]| {
        let source = |_| Ok(bytes.clone());
        desk.runtime.prepare(&source, Digest::of(&bytes), "{}", &[], hooks).unwrap()
    };
    let both = prepare(&[Hook::Route, Hook::Categorize]);
    assert_eq!(both.hooks(), [Hook::Categorize, Hook::Route]);
    assert_eq!(prepare(&[Hook::Categorize, Hook::Route]).key(), both.key());
    let one = prepare(&[Hook::Route]);
    assert_ne!(one.key(), both.key());
    assert_eq!(one.settings_digest(), both.settings_digest());
}

#[test]
fn fuel_is_the_hooks_alone_with_and_without_a_snapshot() {
    let desk = Desk::new();
    let with = desk.ask(&Guest::new());
    let without = desk.ask(&not_snapshottable());
    assert_eq!(with.fuel, without.fuel);
}

#[test]
fn a_configure_budget_is_apart_from_the_decisions() {
    // Half a million instructions in `configure`, and a hook that may use a tenth of that.
    let busy = "(local $i i32) (loop $more
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $more (i32.lt_u (local.get $i) (i32.const 100000))))";
    let desk = Desk::new();
    for guest in [Guest::new(), not_snapshottable()] {
        let policy = desk.prepare(&guest.before_configured(busy));
        let limits = waypost_policy::Limits { fuel: 50_000, ..crate::desk::limits() };
        let seed = waypost_policy::Seed([0; 16]);
        let decision = desk.runtime.decide(&policy, crate::desk::question(), &limits, seed);
        assert_eq!(team(&decision), "network");
    }
}

#[test]
fn a_handle_that_configure_keeps_open_prevents_the_snapshot() {
    let desk = Desk::new();
    let guest = Guest::new()
        .import(
            "wasi:cli/stderr@0.2.6",
            r#"(import "wasi:cli/stderr@0.2.6" "get-stderr" (func $stderr (result i32)))"#,
        )
        .import(
            "wasi:io/streams@0.2.6",
            r#"(import "wasi:io/streams@0.2.6" "[resource-drop]output-stream" (func $close (param i32)))"#,
        );
    let open = desk.prepare(&guest.clone().before_configured("(drop (call $stderr))"));
    assert!(open.not_snapshotted_because().unwrap().contains("handle"));
    let closed = desk.prepare(&guest.before_configured("(call $close (call $stderr))"));
    assert!(closed.snapshotted(), "{:?}", closed.not_snapshotted_because());
}

#[test]
fn a_component_with_resources_of_its_own_is_configured_each_time() {
    let guest = Guest::new()
        .export(
            "test:res/things",
            r#"(import "[export]test:res/things" "[resource-new]thing" (func $new (param i32) (result i32)))
               (import "[export]test:res/things" "[resource-rep]thing" (func $rep (param i32) (result i32)))"#,
        )
        .with("(global $handle (mut i32) (i32.const 0))")
        .before_configured("(global.set $handle (call $new (i32.const 7)))")
        .before_answer(
            "(if (i32.ne (call $rep (global.get $handle)) (i32.const 7)) (then unreachable))",
        );
    let desk = Desk::new();
    let policy = desk.prepare(&guest);
    assert!(policy.not_snapshotted_because().unwrap().contains("resources of its own"));
    assert_eq!(team(&desk.route(&policy)), "network");
}

#[test]
fn memory_that_configure_took_is_in_the_image() {
    let desk = Desk::new();
    let guest = Guest::new().before_configured(
        "(drop (memory.grow (i32.const 20))) (i32.store (i32.const 1000000) (i32.const 77))",
    );
    let guest = guest.before_answer(
        "(if (i32.ne (i32.load (i32.const 1000000)) (i32.const 77)) (then unreachable))",
    );
    let policy = desk.prepare(&guest);
    assert!(policy.snapshotted(), "{:?}", policy.not_snapshotted_because());
    assert_eq!(team(&desk.route(&policy)), "network");
}

#[test]
fn a_memory_with_no_room_for_the_instrumentation_is_no_snapshot() {
    let desk = Desk::new();
    let policy = desk.prepare(&Guest::new().memory("2 2"));
    assert!(!policy.snapshotted());
    assert_eq!(team(&desk.route(&policy)), "network");
}

#[test]
fn after_a_restart_the_artifact_is_enough() {
    let desk = Desk::new();
    let bytes = Guest::new().build();
    let digest = Digest::of(&bytes);
    let before = desk.prepare(&Guest::new()).key();
    let desk = desk.restart(config());
    let source = |_| -> Result<Vec<u8>, _> { Err("the component was not needed".into()) };
    let prepared = desk.runtime.prepare(&source, digest, "{}", &[], HOOKS).unwrap();
    assert_eq!(prepared.key(), before);
    assert!(prepared.snapshotted());
    assert_eq!(team(&desk.route(&prepared)), "network");
}

#[test]
fn an_artifact_that_was_tampered_with_is_compiled_anew() {
    let desk = Desk::new();
    desk.prepare(&Guest::new());
    let dir = desk.dir();
    let names: Vec<_> =
        dir.entries().unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    for name in &names {
        let mut bytes = dir.read(name).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x40;
        dir.write(name, &bytes).unwrap();
    }
    let desk = desk.restart(config());
    let bytes = Guest::new().build();
    let digest = Digest::of(&bytes);
    assert!(desk.runtime.recall(digest, "{}", &[], HOOKS).is_none());
    desk.assert_serves();
    // And the good one is back in its place.
    let desk = desk.restart(config());
    assert!(desk.runtime.recall(digest, "{}", &[], HOOKS).is_some());
}

#[test]
fn an_artifact_of_another_installation_is_ignored() {
    let desk = Desk::new();
    desk.prepare(&Guest::new());
    let other = RuntimeConfig { artifact_key: Some(ArtifactKey::from([2; 32])), ..config() };
    let desk = desk.restart(other);
    let bytes = Guest::new().build();
    assert!(desk.runtime.recall(Digest::of(&bytes), "{}", &[], HOOKS).is_none());
    desk.assert_serves();
}

#[test]
fn without_a_key_nothing_is_kept_on_disk() {
    let desk = Desk::with(RuntimeConfig { artifact_key: None, ..config() });
    desk.assert_serves();
    assert_eq!(desk.dir().entries().unwrap().count(), 0);
}

#[test]
fn a_component_that_is_gone_or_changed_is_told() {
    let desk = Desk::new();
    let digest = Digest::of(b"gone");
    let gone = |_| -> Result<Vec<u8>, _> { Err("no such file".into()) };
    let refused = desk.runtime.prepare(&gone, digest, "{}", &[], HOOKS).unwrap_err();
    assert!(matches!(refused, PrepareRefused::Missing { .. }), "{refused}");
    let changed = |_| Ok(b"other".to_vec());
    let refused = desk.runtime.prepare(&changed, digest, "{}", &[], HOOKS).unwrap_err();
    assert!(matches!(refused, PrepareRefused::WrongBytes { .. }), "{refused}");
}

#[test]
fn unused_policies_make_room_for_others() {
    let desk = Desk::with(RuntimeConfig { kept_policy_bytes: 1, ..config() });
    let held = desk.prepare_with(&Guest::new(), "[0]").unwrap();
    for number in 1..5 {
        desk.prepare_with(&Guest::new(), &format!("[{number}]")).unwrap();
    }
    assert!(desk.runtime.kept_policies() <= 2);
    assert!(Arc::ptr_eq(&held, &desk.prepare_with(&Guest::new(), "[0]").unwrap()));
    let key = held.key();
    assert!(desk.runtime.at_hand(key).is_some());
    drop(held);
    desk.prepare_with(&Guest::new(), "[6]").unwrap();
    desk.prepare_with(&Guest::new(), "[7]").unwrap();
    assert!(desk.runtime.at_hand(key).is_none());
}

#[test]
fn a_configure_that_fails_later_is_a_failure_of_the_decision() {
    // It looks at the clock, which stands at nothing while a policy is bound.
    let guest = not_snapshottable()
        .import(
            "wasi:clocks/monotonic-clock@0.2.6",
            r#"(import "wasi:clocks/monotonic-clock@0.2.6" "now" (func $now (result i64)))"#,
        )
        .before_configured("(if (i64.ne (call $now) (i64.const 0)) (then unreachable))");
    let desk = Desk::new();
    let policy = desk.prepare(&guest);
    assert_eq!(failure(&desk.route(&policy)).code(), "trap");
}
