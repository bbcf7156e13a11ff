//! Organizations and the tree they form: platform, then providers, then clients.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::{
    calendar::WorkingHours,
    ids::{OrgId, PersonId, TeamId},
    incident::MajorRule,
    key::Key,
    name::names,
    priority::Matrix,
    refusal::Faults,
    said::Said,
};

/// Where an organization stands in the tree. A policy layer is an organization on the way up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OrgKind {
    /// The installation itself; the root, exactly one.
    Platform,
    /// A managed service provider, below the platform.
    Provider,
    /// An organization whose desk is run here; below the platform or a provider.
    Client,
}

names!("kind of organization", OrgKind {
    Platform => "platform",
    Provider => "provider",
    Client => "client",
});

/// An organization: the owner of records, and the wall between tenants.
#[derive(Debug, Clone, PartialEq)]
pub struct Organization {
    /// Its id.
    pub id: OrgId,
    /// The organization above; none for the platform only.
    pub parent: Option<OrgId>,
    /// Where it stands in the tree.
    pub kind: OrgKind,
    /// Its key, unique on the installation.
    pub key: Key,
    /// The name people read.
    pub name: String,
    /// What can be set.
    pub settings: OrgSettings,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Rises by one with every change.
    pub version: i64,
}

/// What an organization can set. Every default works without any setting (requirement Q7).
#[derive(Debug, Clone, PartialEq)]
pub struct OrgSettings {
    /// The zone of its days and working hours.
    pub zone: Tz,
    /// When it works.
    pub working_hours: WorkingHours,
    /// Impact × urgency → priority.
    pub matrix: Matrix,
    /// Owns what no policy routes; created with the organization, so no ticket is ever without a
    /// team.
    pub fallback_team: TeamId,
    /// Votes where an approval has no voter left.
    pub fallback_approver: Option<PersonId>,
    /// How long after its resolution a ticket can be reopened, in days.
    pub reopen_window_days: u16,
    /// How long after its resolution a ticket closes by itself, in days; 0 for never.
    pub auto_close_days: u16,
    /// Whether a caller's reply to a resolved incident reopens it.
    pub caller_reply_reopens: bool,
    /// Whether letters that ask for a vote carry a link to vote with.
    pub votes_by_mail: bool,
    /// How long receipts are kept, in days.
    pub receipt_retention_days: u16,
    /// Fields that resolving demands beside code and notes (requirement R12).
    pub resolve_demands: Vec<ResolveDemand>,
    /// By which signs a major incident is found; the first rule that matches wins.
    pub major_rules: Vec<MajorRule>,
}

/// A field that an organization can demand at resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResolveDemand {
    /// The category.
    Category,
    /// The service or the configuration item.
    ServiceOrCi,
    /// The person who worked on it.
    Assignee,
}

names!("demand", ResolveDemand {
    Category => "category",
    ServiceOrCi => "service_or_ci",
    Assignee => "assignee",
});

impl OrgSettings {
    /// What a new organization starts with; only the team has to be named.
    #[must_use]
    pub fn new(fallback_team: TeamId) -> Self {
        Self {
            zone: Tz::UTC,
            working_hours: WorkingHours::default(),
            matrix: Matrix::default(),
            fallback_team,
            fallback_approver: None,
            reopen_window_days: 14,
            auto_close_days: 5,
            caller_reply_reopens: true,
            votes_by_mail: true,
            receipt_retention_days: 400,
            resolve_demands: Vec::new(),
            major_rules: Vec::new(),
        }
    }
}

/// A longer wait than ten years is never looked at again.
const MAX_DAYS: u16 = 3_650;

impl OrgSettings {
    /// Notes settings that would lose what must be kept, or wait for ever.
    pub fn check(&self, faults: &mut Faults) {
        let days = [
            ("/reopen_window_days", self.reopen_window_days, 0),
            ("/auto_close_days", self.auto_close_days, 0),
            ("/receipt_retention_days", self.receipt_retention_days, 1),
        ];
        for (pointer, given, least) in days {
            if !(least..=MAX_DAYS).contains(&given) {
                let message =
                    Said::as_is(format!("{given} is not valid; use {least} to {MAX_DAYS} days."));
                faults.wrong(pointer, "out-of-range", message);
            }
        }
        MajorRule::check(&self.major_rules, faults);
    }
}

impl OrgKind {
    /// Whether an organization of this kind can stand below one of that kind; none is above the
    /// platform only.
    #[must_use]
    pub const fn can_stand_below(self, parent: Option<Self>) -> bool {
        match (self, parent) {
            (Self::Platform, None)
            | (Self::Provider, Some(Self::Platform))
            | (Self::Client, Some(Self::Platform | Self::Provider)) => true,
            (Self::Platform, Some(_))
            | (Self::Provider, None | Some(Self::Provider | Self::Client))
            | (Self::Client, None | Some(Self::Client)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{DESK, monday, opened};
    use crate::ticket::TicketKind;

    #[test]
    fn q7_the_defaults_work_without_any_setting() {
        let settings = OrgSettings::new(DESK);
        let mut faults = Faults::new();
        settings.check(&mut faults);
        faults.finish().unwrap();
        assert_eq!(settings.matrix.lint(), []);
        assert!(settings.working_hours.next_opening(monday(), settings.zone).is_some());
        for kind in TicketKind::ALL {
            let ticket = opened(*kind);
            assert_eq!(ticket.team, DESK);
            assert!(ticket.waiting_on(None, &settings).is_some());
        }
    }

    #[test]
    fn receipts_are_kept_for_a_day_at_least() {
        let mut settings = OrgSettings::new(DESK);
        settings.receipt_retention_days = 0;
        let mut faults = Faults::new();
        settings.check(&mut faults);
        assert!(faults.finish().is_err());
    }

    #[test]
    fn the_tree_is_a_platform_then_providers_then_clients() {
        let below = |parent| {
            let stands = |kind: &&OrgKind| kind.can_stand_below(parent);
            OrgKind::ALL.iter().filter(stands).copied().collect::<Vec<_>>()
        };
        assert_eq!(below(None), [OrgKind::Platform]);
        assert_eq!(below(Some(OrgKind::Platform)), [OrgKind::Provider, OrgKind::Client]);
        assert_eq!(below(Some(OrgKind::Provider)), [OrgKind::Client]);
        assert_eq!(below(Some(OrgKind::Client)), []);
    }
}
