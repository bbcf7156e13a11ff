//! Where an incident stands as a major one, in columns: facts that are true only in one state are empty in the others.

use waypost_domain::{
    ids::PersonId,
    incident::{Leadership, Major, MajorState},
};

use super::row::{TABLE, TicketRow};
use crate::StoreError;

/// Fills the columns.
pub(super) fn write(major: &Major, row: &mut TicketRow) {
    major.state().as_str().clone_into(&mut row.major_state);
    row.major_manager_id = major.led_by().map(|led_by| led_by.manager.0);
    row.major_communication_owner_id = major.led_by().map(|led_by| led_by.communication_owner.0);
    row.major_next_update_at = major.next_update_at();
    match major {
        Major::Accepted { update_missed, .. } => row.major_update_missed = *update_missed,
        Major::Done { review_note, .. } => row.major_review_note = Some(review_note.clone()),
        Major::None | Major::Proposed | Major::Rejected | Major::Review { .. } => {}
    }
}

/// Reads it back; a row whose columns do not fit its state is reported.
pub(super) fn read(row: &TicketRow) -> Result<Major, StoreError> {
    let led_by = || {
        let manager = TABLE.need("major_manager_id", row.major_manager_id)?;
        let owner = TABLE.need("major_communication_owner_id", row.major_communication_owner_id)?;
        Ok::<_, StoreError>(Leadership {
            manager: PersonId(manager),
            communication_owner: PersonId(owner),
        })
    };
    Ok(match TABLE.parse("major_state", &row.major_state)? {
        MajorState::None => Major::None,
        MajorState::Proposed => Major::Proposed,
        MajorState::Rejected => Major::Rejected,
        MajorState::Accepted => Major::Accepted {
            led_by: led_by()?,
            next_update_at: TABLE.need("major_next_update_at", row.major_next_update_at)?,
            update_missed: row.major_update_missed,
        },
        MajorState::Review => Major::Review { led_by: led_by()? },
        MajorState::Done => Major::Done {
            led_by: led_by()?,
            review_note: TABLE.need("major_review_note", row.major_review_note.clone())?,
        },
    })
}
