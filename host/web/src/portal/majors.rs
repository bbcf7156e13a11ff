//! What is down: major incidents as everybody may know of them, whoever reported them.

use waypost_domain::{incident::PublicMajor, ticket::TicketKind};

use crate::{
    text::{Html, html},
    ticket::{Badge, badge},
    time::When,
    viewer::Viewer,
};

/// A major incident as the portal tells of it.
#[derive(Debug, Clone)]
pub(crate) struct Down {
    pub(crate) number: String,
    pub(crate) title: String,
    pub(crate) state: Option<Badge>,
    pub(crate) since: When,
    /// What was last told, and when.
    pub(crate) update: Option<(Html, When)>,
    /// Where all updates are, for whoever may read them.
    pub(crate) room: Option<String>,
}

impl Down {
    /// What the viewer is told of a major incident.
    pub(crate) fn of(viewer: &Viewer, major: &PublicMajor) -> Self {
        let phase = TicketKind::Incident.rules().phase(major.state);
        let update = major.last_update.as_ref();
        let room = || viewer.at(&format!("desk/major/{}", major.number));
        Self {
            number: major.number.clone(),
            title: major.short_description.clone(),
            state: phase.map(|phase| badge(viewer, major.state, phase)),
            since: viewer.clock.when(major.opened_at),
            update: update.map(|told| (html(&told.text), viewer.clock.when(told.at))),
            room: viewer.is_desk().then(room),
        }
    }

    /// What the viewer is told of several.
    pub(crate) fn all(viewer: &Viewer, majors: &[PublicMajor]) -> Vec<Self> {
        majors.iter().map(|major| Self::of(viewer, major)).collect()
    }
}
