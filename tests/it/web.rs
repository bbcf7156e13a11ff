//! Stories at the pages, told by a visitor whose browser runs no scripts.

mod attacks;
mod desk;
mod everywhere;
mod forms;
mod live;
mod passwords;
mod people;
mod portal;
mod previews;
mod queues;
mod said;
mod signing_in;
mod tickets;
mod trips;
mod voting;
