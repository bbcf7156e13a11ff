//! Stories at the pages, told by a visitor whose browser runs no scripts.

mod desk;
mod portal;
mod signing_in;
mod voting;
