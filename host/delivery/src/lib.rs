//! What leaves the desk: messages of the outbox, sent at least once.
//!
//! A change of a record and the messages about it are committed together; this crate sends them
//! later. A [`Worker`] claims what is due, hands it to a [`Transport`] and settles it. Whoever
//! crashes in between sends a message twice, with the same `Message-ID`, so that a receiver can
//! drop the repeat; nobody ever loses one.
//!
//! The clock's other work is here too: [`Housekeeping`] removes what is past its retention,
//! [`Upkeep`] lets the desk do what is due: close tickets, look after approvals.

mod every;
mod folder;
mod housekeeping;
mod letter;
mod mailer;
mod retry;
mod sink;
mod smtp;
#[cfg(test)]
mod strict;
mod transport;
mod upkeep;
mod worker;

pub use folder::Folder;
pub use housekeeping::{Housekeeping, HousekeepingOptions, Swept};
pub use letter::{InvalidSender, Sender};
pub use mailer::{MailFault, MailOptions, Mailer};
pub use retry::{Next, RETRY_DELAYS};
pub use sink::Sink;
pub use smtp::Smtp;
pub use transport::{Transport, Undelivered};
pub use upkeep::Upkeep;
pub use worker::{Delivered, Worker, WorkerOptions};
