//! Uploads: what is accepted, and what is refused with which words.

use waypost_policy::testing::Guest;
use waypost_policy::{Digest, Hook, RuntimeConfig, UploadRefused};

use crate::desk::{Desk, config};

#[track_caller]
fn refused(bytes: &[u8]) -> UploadRefused {
    let desk = Desk::new();
    let refused = desk.runtime.inspect(bytes).unwrap_err();
    desk.assert_serves();
    refused
}

#[test]
fn a_good_upload_says_who_it_is() {
    let desk = Desk::new();
    let bytes = Guest::new().named("team-router").build();
    let inspection = desk.runtime.inspect(&bytes).unwrap();
    assert_eq!(inspection.digest, Digest::of(&bytes));
    assert_eq!(inspection.size, bytes.len());
    assert_eq!(inspection.wit_version, "0.1.0");
    assert_eq!(inspection.description.name, "team-router");
    assert_eq!(inspection.description.needs(Hook::Route), Some(&[][..]));
    assert!(inspection.imports.contains(&"waypost:policy/log@0.1.0".to_owned()));
    assert!(inspection.exports.contains(&"waypost:policy/routing@0.1.0".to_owned()));
}

#[test]
fn too_large_an_upload_is_not_looked_at() {
    let desk = Desk::with(RuntimeConfig { component_bytes: 10, ..config() });
    let refused = desk.runtime.inspect(&Guest::new().build()).unwrap_err();
    assert_eq!(refused.code(), "too_large");
}

#[test]
fn what_is_no_component_is_refused() {
    assert_eq!(refused(&wat::parse_str("(module)").unwrap()).code(), "not_a_component");
    assert_eq!(refused(b"PK\x03\x04").code(), "invalid");
    assert_eq!(refused(b"").code(), "invalid");
    assert_eq!(refused(b"(component)").code(), "invalid");
    assert_eq!(refused(&wat::parse_str("(component)").unwrap()).code(), "missing_export");
}

#[test]
fn a_forbidden_import_is_named_with_the_reason() {
    let guest = Guest::new().import(
        "wasi:http/outgoing-handler@0.2.6",
        r#"(import "wasi:http/outgoing-handler@0.2.6" "handle" (func $handle))"#,
    );
    let message = refused(&guest.build()).to_string();
    assert!(message.contains("wasi:http/outgoing-handler@0.2.6"), "{message}");
    assert!(message.contains("no network"), "{message}");

    let guest = Guest::new().import(
        "wasi:sockets/network@0.2.6",
        r#"(import "wasi:sockets/network@0.2.6" "[resource-drop]network" (func $drop (param i32)))"#,
    );
    assert_eq!(refused(&guest.build()).code(), "forbidden_import");
}

#[test]
fn a_function_outside_an_interface_is_a_forbidden_import() {
    let bytes = wat::parse_str(r#"(component (import "shell" (func)))"#).unwrap();
    assert_eq!(refused(&bytes).code(), "forbidden_import");
}

#[test]
fn another_version_of_the_contract_is_named() {
    let bytes = wat::parse_str(
        r#"(component (instance $i) (export "waypost:lifecycle/lifecycle@0.9.0" (instance $i)))"#,
    );
    let refused = refused(&bytes.unwrap());
    assert_eq!(refused.code(), "contract_version");
    assert!(refused.to_string().contains("0.9.0"), "{refused}");
}

#[test]
fn hooks_of_another_version_are_named_before_anything_is_asked() {
    let bytes = wat::parse_str(
        r#"(component (instance $i)
            (export "waypost:lifecycle/lifecycle@0.1.0" (instance $i))
            (export "waypost:policy/routing@0.9.0" (instance $i)))"#,
    );
    let refused = refused(&bytes.unwrap());
    assert_eq!(refused.code(), "contract_version");
    assert!(refused.to_string().contains("waypost:policy/routing@0.9.0"), "{refused}");
}

#[test]
fn a_hook_that_no_contract_has_is_refused_with_those_that_there_are() {
    let refused = refused(&Guest::new().hooks(&["cook"]).build());
    assert!(refused.to_string().contains("`cook` is not a hook; use one of: categorize"));
}

#[test]
fn an_interface_with_other_types_has_the_wrong_shape() {
    let bytes = wat::parse_str(
        r#"(component (instance $i) (export "waypost:lifecycle/lifecycle@0.1.0" (instance $i)))"#,
    );
    assert_eq!(refused(&bytes.unwrap()).code(), "wrong_shape");

    let bytes = wat::parse_str(
        r#"(component
            (import "waypost:policy/log@0.1.0" (instance $log (export "log" (func (param "x" u32)))))
            (instance $i) (export "waypost:lifecycle/lifecycle@0.1.0" (instance $i)))"#,
    );
    assert_eq!(refused(&bytes.unwrap()).code(), "wrong_shape");
}

#[test]
fn an_import_with_other_types_is_refused_by_name() {
    let guest = Guest::new().import(
        "wasi:filesystem/types@0.2.6",
        r#"(import "wasi:filesystem/types@0.2.6" "filesystem-error-code" (func $code (param i32)))"#,
    );
    let refused = refused(&guest.build());
    assert_eq!(refused.code(), "wrong_shape", "{refused}");
    assert!(refused.to_string().contains("filesystem-error-code"), "{refused}");
}

#[test]
fn ordinary_simd_is_accepted() {
    let guest = Guest::new().before_answer(
        "(drop (i32x4.extract_lane 0 (i32x4.add (i32x4.splat (i32.const 1)) (i32x4.splat (i32.const 2)))))",
    );
    let desk = Desk::new();
    desk.runtime.inspect(&guest.build()).unwrap();
    assert_eq!(crate::desk::team(&desk.ask(&guest)), "network");
}

#[test]
fn what_a_component_says_about_itself_is_bounded_by_name() {
    let schema = format!(r#"{{"title":"{}"}}"#, "a".repeat(200_000));
    let refused = refused(&Guest::new().schema(&schema).memory("8").build());
    assert!(refused.to_string().contains("`settings-schema`"), "{refused}");
}

#[test]
fn a_described_hook_must_be_exported() {
    let refused = refused(&Guest::new().hooks(&["route", "plan"]).build());
    let export = "waypost:policy/approval@0.1.0".to_owned();
    assert_eq!(refused, UploadRefused::HookNotExported { hook: Hook::Plan, export });
}

#[test]
fn a_bad_description_is_refused_with_the_field() {
    let bad_name = refused(&Guest::new().named("Team Router").build());
    assert!(bad_name.to_string().contains("`name`"), "{bad_name}");
    assert_eq!(refused(&Guest::new().hooks(&[]).build()).code(), "description");
    assert_eq!(refused(&Guest::new().schema("{").build()).code(), "description");
    let schema = r#"{"type":"cheese"}"#;
    assert_eq!(refused(&Guest::new().schema(schema).build()).code(), "settings_schema");
    let schema = r##"{"$ref":"#"}"##;
    assert_eq!(refused(&Guest::new().schema(schema).build()).code(), "settings_schema");
}

#[test]
fn a_describe_that_harms_is_refused_with_its_failure() {
    let desk = Desk::with(RuntimeConfig {
        configure: waypost_policy::Limits { fuel: 10_000_000, ..config().configure },
        ..config()
    });
    for (body, code) in [
        ("unreachable", "trap"),
        ("(loop $forever (br $forever)) unreachable", "out_of_fuel"),
        ("i32.const -65536", "bad_answer"),
        ("(call $log (i32.const 9) (i32.const 0) (i32.const 0)) i32.const 1024", "bad_answer"),
    ] {
        match desk.runtime.inspect(&Guest::new().describe(body).build()) {
            Err(UploadRefused::Describe(failure)) => assert_eq!(failure.code(), code),
            other => panic!("{other:?}"),
        }
    }
    desk.assert_serves();
}

#[test]
fn more_memory_than_the_sandbox_has_is_refused_before_compiling() {
    let refused = refused(&Guest::new().memory("2000").build());
    assert_eq!(refused.code(), "too_big");
    assert!(refused.to_string().contains("131072000 bytes"), "{refused}");
}

/// Every prefix would take minutes in which nothing new is learned; these lengths hit every
/// section.
#[test]
fn truncated_components_are_refused() {
    let desk = Desk::new();
    let whole = Guest::new().build();
    // What follows the last export are notes of the tools that made it, without which it is whole.
    let exports =
        wasmparser::Parser::new(0).parse_all(&whole).filter_map(|part| match part.unwrap() {
            wasmparser::Payload::ComponentExportSection(section) => Some(section.range().end),
            _ => None,
        });
    let end = usize::try_from(exports.max().unwrap()).unwrap();
    for length in (0..end).step_by(7) {
        assert!(desk.runtime.inspect(&whole[..length]).is_err(), "{length} bytes were accepted");
    }
    desk.assert_serves();
}

#[test]
fn mutated_components_never_harm_the_host() {
    let desk = Desk::with(RuntimeConfig {
        configure: waypost_policy::Limits { fuel: 1_000_000, ..config().configure },
        artifact_key: None,
        ..config()
    });
    let whole = Guest::new().build();
    let mut accepted = 0;
    for at in (8..whole.len()).step_by(3) {
        let mut changed = whole.clone();
        // A different bit at each place.
        changed[at] ^= 1 << (at / 3 % 8);
        if let Ok(inspection) = desk.runtime.inspect(&changed) {
            accepted += 1;
            let source = |_| Ok(changed.clone());
            if let Ok(policy) =
                desk.runtime.prepare(&source, inspection.digest, "{}", &[], &[Hook::Route])
            {
                let decision = desk.route(&policy);
                assert!(decision.fuel <= crate::desk::limits().fuel);
            }
        }
    }
    assert!(accepted > 0, "no mutation was subtle enough to be accepted");
    desk.assert_serves();
}
