//! The runtime from outside: guests that behave, and guests that do not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod decisions;
mod desk;
mod hostile;
mod preparing;
mod uploads;
