//! The facts that a hook can ask for, by the names that the contract gives them.

/// A fact that a hook declares as needed. What is not declared is neither read nor passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The requester.
    Requester,
    /// The requester's manager.
    Manager,
    /// The teams, with `open_now` and `lead`.
    Teams,
    /// The teams with their loads.
    TeamLoads,
    /// The teams with their members.
    TeamMembers,
    /// The teams with the people on call.
    OnCall,
    /// The ticket's service.
    Service,
    /// The ticket's main configuration item.
    Ci,
    /// The configuration item with the number of other tickets that are open on it.
    OpenOnCi,
    /// All services of the organization.
    Services,
}

impl Need {
    /// Its name in the contract.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requester => "requester",
            Self::Manager => "manager",
            Self::Teams => "teams",
            Self::TeamLoads => "team-loads",
            Self::TeamMembers => "team-members",
            Self::OnCall => "on-call",
            Self::Service => "service",
            Self::Ci => "ci",
            Self::OpenOnCi => "open-on-ci",
            Self::Services => "services",
        }
    }
}
