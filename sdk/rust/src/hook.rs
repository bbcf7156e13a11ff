//! The hooks, by the names that the contract gives them.

/// A question that the desk asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// What kind of work has arrived?
    Categorize,
    /// Who should work on it?
    Route,
    /// Who must approve?
    Plan,
    /// What should happen to an outstanding vote?
    Stalled,
    /// Who should be notified?
    Notify,
}

impl Hook {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Categorize, Self::Route, Self::Plan, Self::Stalled, Self::Notify];

    /// Its name in the contract.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Categorize => "categorize",
            Self::Route => "route",
            Self::Plan => "plan",
            Self::Stalled => "stalled",
            Self::Notify => "notify",
        }
    }

    /// The hook with a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hook| hook.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hook_is_found_by_its_name() {
        for hook in Hook::ALL {
            assert_eq!(Hook::named(hook.name()), Some(hook));
        }
        assert_eq!(Hook::named("escalate"), None);
    }
}
