//! The portal: pages for everybody with a trouble or a wish, and for those who approve.

pub(crate) mod approvals;
pub(crate) mod basket;
pub(crate) mod catalog;
pub(crate) mod home;
pub(crate) mod majors;
pub(crate) mod my;
pub(crate) mod report;
pub(crate) mod then;
