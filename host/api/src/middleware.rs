//! What surrounds the handlers, from the outside in.
//!
//! ```text
//! accompany      the request's id, span, log line; completes errors; security headers
//!   panic        a panic becomes an error
//!     deadline   a time limit
//!       authenticate   who asks, and for which organization
//!         body         at most so many bytes, of the caller's share
//!           turn         the caller's turn, in fair shares
//!             idempotency  a repeated POST gets the first one's answer
//!               handler
//! ```

mod accompany;
mod authenticate;
mod idempotency;
mod limits;

pub(crate) use accompany::{RequestContext, accompany, on_panic};
pub(crate) use authenticate::authenticate;
pub(crate) use idempotency::{StoredInstead, repeatable};
pub(crate) use limits::{Limits, bounded_body, deadline, in_turn};
