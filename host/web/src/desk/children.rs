//! The incidents that belong to a ticket: the children of an incident, what a problem causes.

use waypost_app::{
    CommandError, PageRequest,
    tickets::{Look, TicketQuery, TicketRef, TicketView},
};
use waypost_domain::ticket::TicketKind;

use super::{queue, told::Shown};
use crate::{
    ticket::{Row, row},
    viewer::Viewer,
};

/// The incidents that belong to a ticket.
#[derive(Default)]
pub(super) struct Children {
    pub(super) rows: Vec<Row>,
    /// How many there are, listed or not.
    pub(super) total: String,
    /// Where all of them are listed, if some are left out here.
    pub(super) all: Option<String>,
}

/// So many are listed at first.
const FIRST: u16 = 50;
/// So many are listed when all are asked for: as many as an incident can have.
const ALL: u16 = 200;

/// Reads the incidents that belong to a ticket, for the page at this address.
pub(super) async fn children(
    look: &mut Look<'_>,
    viewer: &Viewer,
    view: &TicketView,
    shown: Shown,
    page: &str,
) -> Result<Children, CommandError> {
    let named = Some(TicketRef::Id(view.ticket.id));
    let of =
        TicketQuery { kinds: vec![TicketKind::Incident], count: true, ..TicketQuery::default() };
    let query = match view.ticket.kind() {
        TicketKind::Incident => TicketQuery { parent: named, ..of },
        TicketKind::Problem => TicketQuery { problem: named, ..of },
        TicketKind::Request | TicketKind::Task => return Ok(Children::default()),
    };
    let limit = if shown.has_all_children { ALL } else { FIRST };
    let request = PageRequest { limit, after: None };
    let listed = look.list(&query, &request).await?;
    let has_more = listed.next.is_some() && !shown.has_all_children;
    Ok(Children {
        rows: listed.rows.iter().map(|child| row(viewer, child, "desk/tickets")).collect(),
        total: listed.total.map(queue::shown).unwrap_or_default(),
        all: has_more.then(|| shown.with_all_children(page)),
    })
}
