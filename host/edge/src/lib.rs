//! The edge: what every request meets before a front end reads it, and what takes its answer out.
//!
//! ```text
//! serve            a connection's place, its head within its time
//!   accompany      the request's id, span, log line
//!     panic        a panic is an answer
//!       deadline   a time limit
//!         …          the front end finds out who asks
//!           body     at most so many bytes, of the caller's share
//!             turn   the caller's turn, in fair shares
//! ```
//!
//! What is turned away here is a [`Refused`] in the extensions of a bare answer. How it reads is
//! the front end's affair, which completes each answer: see [`Accompanying`].

mod accompany;
mod attempts;
mod doors;
mod limits;
mod places;
mod refused;
mod serve;
mod turns;

pub use accompany::{Accompanying, RequestContext, accompany, on_panic};
pub use attempts::Attempts;
pub use doors::doors;
pub use limits::{Held, Limits, bounded_body, deadline, in_turn};
pub use places::{Edge, Places, RequestOptions};
pub use refused::Refused;
pub use serve::{Peer, ServeOptions, serve};
pub use turns::{Budget, Full, Turns};
