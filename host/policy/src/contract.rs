//! The contract: what components are built against, and its translation at the border.
//!
//! The host's questions and answers are its own types. Each version of the contract is a module
//! here, with the types generated from its WIT, `lower` (question to generated types) and `lift`
//! (generated answer to ours). A second version is a second module beside the first, and whoever
//! holds [`v0_1::Hooks`] then holds one of either; nothing else of the host notices.

pub(crate) mod lifecycle;
pub(crate) mod v0_1;

/// The package of the hooks.
pub(crate) const PACKAGE: &str = "waypost:policy";

/// The package of `describe` and `configure`, which has versions of its own.
pub(crate) const LIFECYCLE_PACKAGE: &str = "waypost:lifecycle";

/// The version of the contract that this host serves.
pub const WIT_VERSION: &str = "0.1.0";

/// The version of the lifecycle that this host serves.
pub(crate) const LIFECYCLE_VERSION: &str = "0.1.0";

/// The export name of an interface of the hooks.
pub(crate) fn hook_export(interface: &str) -> String {
    format!("{PACKAGE}/{interface}@{WIT_VERSION}")
}

/// The export name of the lifecycle.
pub(crate) fn lifecycle_export() -> String {
    format!("{LIFECYCLE_PACKAGE}/lifecycle@{LIFECYCLE_VERSION}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_that_is_served_is_the_one_that_is_generated() {
        let wit = include_str!("../../../wit/0.1.0/types.wit");
        assert!(wit.starts_with(&format!("package {PACKAGE}@{WIT_VERSION};")));
        let wit = include_str!("../../../wit/0.1.0/deps/lifecycle/lifecycle.wit");
        assert!(wit.starts_with(&format!("package {LIFECYCLE_PACKAGE}@{LIFECYCLE_VERSION};")));
    }
}
