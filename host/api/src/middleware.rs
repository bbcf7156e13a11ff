//! What surrounds the handlers, from the outside in.
//!
//! ```text
//! accompany      the request's id, span, log line; completes errors; security headers
//!   panic        a panic becomes an error
//!     limits     a place, a deadline
//!       authenticate   who asks, and for which organization
//!         body         at most so many bytes
//!           idempotency  a repeated POST gets the first one's answer
//!             handler
//! ```

mod accompany;
mod authenticate;
mod idempotency;
mod limits;

pub(crate) use accompany::{RequestContext, accompany, on_panic};
pub(crate) use authenticate::authenticate;
pub(crate) use idempotency::{StoredInstead, repeatable};
pub(crate) use limits::{Limits, bounded_body, deadline};
