//! The transport: hands one message to the world outside.

use thiserror::Error;
use waypost_domain::message::Message;

/// Hands messages over. One attempt per call; when to try again is the worker's business.
pub trait Transport: Send + Sync + 'static {
    /// Hands one message over. `Ok` means that the receiver took it and answers for it from now on.
    fn send(&self, message: &Message) -> impl Future<Output = Result<(), Undelivered>> + Send;
}

/// A message was not taken.
///
/// The text is kept beside the message for the organization's administrators. It may hold what a
/// mail server said, an address included, so it is never logged.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Undelivered {
    /// It may be taken later.
    #[error("{0}")]
    Temporary(String),
    /// It will never be taken; trying again is in vain.
    #[error("{0}")]
    Permanent(String),
}
