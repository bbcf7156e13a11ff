//! What is particular to a major incident, as it is shown.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use waypost_app::tickets::PersonName;
use waypost_domain::incident::Major;

use crate::wire::PersonOut;

/// What is particular to a major incident that was accepted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Major)]
pub(crate) struct MajorOut {
    /// Who decides what is done.
    manager: PersonOut,
    /// Who tells everybody concerned.
    communication_owner: PersonOut,
    /// When everybody concerned hears of it next; null once it is resolved.
    next_update_at: Option<DateTime<Utc>>,
    /// Whether that time passed without an update, and who leads it was told so.
    update_missed: bool,
    /// What was learned; null before the review is written.
    review_note: Option<String>,
}

impl MajorOut {
    /// What is shown of it, with the names of who leads it; none of what was never accepted.
    pub(super) fn of(
        major: Major,
        manager: Option<PersonName>,
        communication_owner: Option<PersonName>,
    ) -> Option<Self> {
        let (manager, communication_owner) = manager.zip(communication_owner)?;
        let next_update_at = major.next_update_at();
        let update_missed = matches!(major, Major::Accepted { update_missed: true, .. });
        let review_note = match major {
            Major::Done { review_note, .. } => Some(review_note),
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
