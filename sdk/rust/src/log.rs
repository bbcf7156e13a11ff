//! Lines that a policy writes about its own work.
//!
//! The host keeps the first 8 KiB of a decision's lines with its receipt. In tests they are what
//! [`testing::logged`](crate::testing::logged) returns.

pub use crate::bindings::waypost::policy::log::Level;

/// Writes a line for the author, while developing.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// Writes a line that is worth knowing.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// Writes a line that is worth looking at.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

/// Writes a line about something wrong.
pub fn error(message: &str) {
    write(Level::Error, message);
}

/// Writes a line.
pub fn write(level: Level, message: &str) {
    #[cfg(target_family = "wasm")]
    crate::bindings::waypost::policy::log::log(level, message);
    #[cfg(not(target_family = "wasm"))]
    crate::testing::note(level, message);
}
