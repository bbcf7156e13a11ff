//! What the API takes and gives, where several collections share it. `*In` comes in, `*Out` goes
//! out.
//!
//! Domain types know nothing of JSON; these do, and are converted one by one, so that a change
//! inside never changes the API by accident.

mod fields;
mod hours;
mod names;
pub(crate) mod patch;
mod reference;
mod time;

pub(crate) use fields::FieldWire;
pub(crate) use hours::HoursWire;
pub(crate) use names::*;
pub(crate) use reference::{
    ActorOut, MoneyWire, NamedOut, NothingIn, PersonIn, PersonOut, PolicyNameOut,
};
pub(crate) use time::TimeIn;
