//! The desk: pages for those who work on tickets.

pub(crate) mod bulk;
mod children;
pub(crate) mod doing;
mod facts;
pub(crate) mod lists;
pub(crate) mod major;
pub(crate) mod new;
pub(crate) mod organizations;
pub(crate) mod queue;
pub(crate) mod task;
pub(crate) mod tickets;
mod told;
pub(crate) mod what_if;
mod why;
