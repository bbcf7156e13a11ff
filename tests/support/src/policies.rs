//! The policies that ship with Waypost, as built by `cargo xtask plugins`.

use std::path::PathBuf;

/// The bytes of a built policy: `team-router`.
///
/// # Panics
/// When it is not built; says what to run.
#[must_use]
pub fn policy(name: &str) -> Vec<u8> {
    let path = folder().join(format!("{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; run `cargo xtask plugins` first", path.display())
    })
}

fn folder() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "tests are started by cargo, not configured")]
    let set = std::env::var("WAYPOST_TEST_POLICIES");
    set.map_or_else(
        |_| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/policies"),
        PathBuf::from,
    )
}
