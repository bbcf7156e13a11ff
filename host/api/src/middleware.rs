//! What surrounds the handlers, from the outside in. What is marked is the edge's.
//!
//! ```text
//! accompany *    the request's id, span, log line; `complete` makes errors whole
//!   panic *      a panic becomes an error
//!     deadline * a time limit
//!       authenticate   who asks, and for which organization
//!         body *       at most so many bytes, of the caller's share
//!           turn *       the caller's turn, in fair shares
//!             idempotency  a repeated POST gets the first one's answer
//!               handler
//! ```

mod authenticate;
mod complete;
mod idempotency;

pub(crate) use authenticate::authenticate;
pub(crate) use complete::{HEADERS, carried_out, complete};
pub(crate) use idempotency::{StoredInstead, repeatable};
