//! The quorum of a step.
