//! The queue: in which order tickets are worked on.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};

use crate::{ids::TicketId, priority::Level, service::Criticality, ticket::Ticket};

/// A ticket's place in a queue; the least one is worked on first.
///
/// Priority decides, then the nearest due time, then how much depends on the configuration item, then who came first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueuePlace {
    priority: Level,
    // What has a due time goes before what has none.
    due: (bool, Option<DateTime<Utc>>),
    criticality: Reverse<Option<Criticality>>,
    opened_at: DateTime<Utc>,
    id: TicketId,
}

impl Ticket {
    /// Its place in a queue. `due` is the nearest due time of a clock that runs; `criticality` that of its
    /// configuration item.
    #[must_use]
    pub fn queue_place(
        &self,
        due: Option<DateTime<Utc>>,
        criticality: Option<Criticality>,
    ) -> QueuePlace {
        QueuePlace {
            priority: self.priority.effective().0,
            due: (due.is_none(), due),
            criticality: Reverse(criticality),
            opened_at: self.opened_at,
            id: self.id,
        }
    }
}
