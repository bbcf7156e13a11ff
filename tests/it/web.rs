//! Stories at the pages, told by a visitor whose browser runs no scripts.

mod desk;
mod passwords;
mod portal;
mod signing_in;
