//! What only a major incident has, as it is shown.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use waypost_app::tickets::PersonName;
use waypost_domain::incident::Major;

use crate::wire::PersonOut;

/// Fields of an accepted major incident.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Major)]
pub(crate) struct MajorOut {
    /// The major incident manager.
    manager: PersonOut,
    /// The communication owner.
    communication_owner: PersonOut,
    /// When the next update is due; null once the incident is resolved.
    next_update_at: Option<DateTime<Utc>>,
    /// Whether the next update is overdue; the manager and the communication owner were notified.
    update_missed: bool,
    /// Lessons learned; null until the review is complete.
    review_note: Option<String>,
}

impl MajorOut {
    /// What is shown of it, with the names of who leads it; none of what was never accepted.
    pub(super) fn of(
        major: &Major,
        manager: Option<PersonName>,
        communication_owner: Option<PersonName>,
    ) -> Option<Self> {
        let (manager, communication_owner) = manager.zip(communication_owner)?;
        let next_update_at = major.next_update_at();
        let update_missed = matches!(major, Major::Accepted { update_missed: true, .. });
        let review_note = match major {
            Major::Done { review_note, .. } => Some(review_note.clone()),
            Major::None
            | Major::Proposed
            | Major::Rejected
            | Major::Accepted { .. }
            | Major::Review { .. } => None,
        };
        Some(Self {
            manager: manager.into(),
            communication_owner: communication_owner.into(),
            next_update_at,
            update_missed,
            review_note,
        })
    }
}
