//! What handlers ask for, taken out of a request: the caller, the body, a page, a version, a wish.

mod body;
mod caller;
mod listing;
mod path;
mod prefer;
mod version;

pub(crate) use body::{JsonBody, WasmBody, unreadable};
pub(crate) use caller::Known;
pub(crate) use listing::{ListOut, Listing, NoFilter, OneFilter, PageParams};
pub(crate) use path::{At, parameter};
pub(crate) use prefer::Prefer;
pub(crate) use version::{IfMatch, KnownVersion, etag};
