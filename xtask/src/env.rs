//! The environment, read in one place.

use std::path::PathBuf;

/// The value of a variable, if it is set to something.
#[expect(clippy::disallowed_methods, reason = "a task is configured by its environment")]
pub(crate) fn read(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The folders that hold programs.
#[expect(clippy::disallowed_methods, reason = "a task is configured by its environment")]
pub(crate) fn program_folders() -> Vec<PathBuf> {
    std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect()
}
