//! Saved views: what somebody of a desk looks at in its queue again and again, under a name.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};

use crate::{
    ids::{OrgId, PersonId, SavedViewId},
    key::Key,
    refusal::{Faults, Refused},
    said, text,
    ticket::State,
    waiting::WaitingKind,
};

/// How many one person has in an organization.
pub const MAX_VIEWS: usize = 20;
/// The longest name: it stands in a row of tabs.
pub const MAX_NAME_CHARS: usize = 40;
/// The longest query.
pub const MAX_QUERY_BYTES: usize = 500;

/// What a view of the queue can be filtered by, and the order that it is shown in.
pub const FILTERS: [&str; 6] = ["text", "state", "priority", "team", "waiting_on", "order"];
/// The orders that a view can be shown in, by their names in lists of tickets; the first is the
/// queue's own.
pub const ORDERS: [&str; 3] = ["queue", "opened", "updated"];

/// A view of the queue that everybody at the desk has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueView {
    /// What the viewer works on.
    Mine,
    /// What a team has.
    Team(Key),
    /// What nobody works on.
    Unassigned,
    /// What is on hold.
    Waiting,
    /// What a policy could not decide.
    Degraded,
    /// Major incidents: proposed ones, those that are worked on, and those whose review is not
    /// written yet.
    Major,
    /// Everything that is open.
    All,
}

/// A text that names no view of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoView;

impl FromStr for QueueView {
    type Err = NoView;

    fn from_str(text: &str) -> Result<Self, NoView> {
        Ok(match text {
            "mine" => Self::Mine,
            "unassigned" => Self::Unassigned,
            "waiting" => Self::Waiting,
            "degraded" => Self::Degraded,
            "major" => Self::Major,
            "all" => Self::All,
            other => {
                let key = other.strip_prefix("team-").ok_or(NoView)?;
                Self::Team(key.parse().map_err(|_| NoView)?)
            }
        })
    }
}

impl fmt::Display for QueueView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mine => f.write_str("mine"),
            Self::Team(key) => write!(f, "team-{key}"),
            Self::Unassigned => f.write_str("unassigned"),
            Self::Waiting => f.write_str("waiting"),
            Self::Degraded => f.write_str("degraded"),
            Self::Major => f.write_str("major"),
            Self::All => f.write_str("all"),
        }
    }
}

/// A view of the queue that somebody saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedView {
    /// Its id.
    pub id: SavedViewId,
    /// The organization whose queue it shows.
    pub org: OrgId,
    /// Whose it is: nobody else sees it.
    pub person: PersonId,
    /// What they call it.
    pub name: String,
    /// What it shows: a view of the queue, with its filter as a query. `all?priority=1`.
    pub query: String,
    /// When it was saved.
    pub created_at: DateTime<Utc>,
}

impl SavedView {
    /// Checks a view before it is saved.
    ///
    /// # Errors
    /// With every field that is wrong.
    pub fn checked(self) -> Result<Self, Refused> {
        let mut faults = Faults::new();
        let name = text::line("/name", &self.name, &mut faults);
        if name.is_empty() {
            faults.missing("/name", said!("Give the view a name."));
        }
        text::at_most_chars("/name", &name, MAX_NAME_CHARS, &mut faults);
        if self.query.len() > MAX_QUERY_BYTES || !is_of_queue(&self.query) {
            let message = said!(
                "This is no view of the queue; open one at the desk, and take what stands behind \
                 `desk/queue/` in its address."
            );
            faults.wrong("/query", "invalid", message);
        }
        faults.finish()?;
        Ok(Self { name, ..self })
    }
}

/// Whether the queue shows this, and filters it by all that is said there.
fn is_of_queue(query: &str) -> bool {
    let (view, filter) = query.split_once('?').map_or((query, None), |(it, by)| (it, Some(by)));
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\');
    let mut known = Vec::new();
    let is_filter = |part: &str| {
        let Some((name, value)) = part.split_once('=') else { return false };
        let is_new = !known.contains(&name.to_owned());
        known.push(name.to_owned());
        let is_right = match name {
            "state" => value.parse::<State>().is_ok(),
            "priority" => value.parse().is_ok_and(|level: u8| (1..=5).contains(&level)),
            "waiting_on" => value.parse::<WaitingKind>().is_ok(),
            "order" => ORDERS.contains(&value),
            // No database keeps a zero byte.
            _ => FILTERS.contains(&name) && !value.is_empty() && !value.contains("%00"),
        };
        is_new && is_right
    };
    view.parse::<QueueView>().is_ok()
        && query.bytes().all(is_plain)
        && filter.is_none_or(|filter| filter.split('&').all(is_filter))
}

/// Refuses one more view than a person may have.
///
/// # Errors
/// [`Refused::Guard`], which says what to do.
pub fn check_room(saved: usize) -> Result<(), Refused> {
    if saved < MAX_VIEWS {
        return Ok(());
    }
    Err(Refused::guard(said!(
        "You have {most} saved views; remove one of them first.",
        most = MAX_VIEWS
    )))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn checked(name: &str, query: &str) -> Result<SavedView, Vec<String>> {
        let view = SavedView {
            id: SavedViewId(Uuid::nil()),
            org: OrgId(Uuid::nil()),
            person: PersonId(Uuid::nil()),
            name: name.to_owned(),
            query: query.to_owned(),
            created_at: DateTime::UNIX_EPOCH,
        };
        view.checked().map_err(|refused| match refused {
            Refused::Invalid(faults) | Refused::MissingFields(faults) => {
                faults.into_iter().map(|fault| fault.pointer).collect()
            }
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn a_view_has_a_name_that_fits_a_tab_and_shows_a_part_of_the_queue() {
        assert_eq!(checked(" Big  ones ", "all?priority=1").unwrap().name, "Big ones");
        assert!(checked("Ä", "team-network?text=a%20b&state=new").is_ok());
        assert!(checked("a", "all?waiting_on=vendor&order=updated").is_ok());
        for (name, query, wrong) in [
            ("", "all", "/name"),
            ("  ", "all", "/name"),
            (&"x".repeat(MAX_NAME_CHARS + 1), "all", "/name"),
            ("a", "", "/query"),
            ("a", "//evil.example", "/query"),
            ("a", "nonsense?priority=1", "/query"),
            ("a", "team-", "/query"),
            ("a", "all?colour=red", "/query"),
            ("a", "all?state=asleep", "/query"),
            ("a", "all?priority=9", "/query"),
            ("a", "all?waiting_on=godot", "/query"),
            ("a", "all?order=sideways", "/query"),
            ("a", "all?text=a&text=b", "/query"),
            ("a", "all?text=%00", "/query"),
            ("a", "?priority=1", "/query"),
            ("a", "all?text=a b", "/query"),
            ("a", "all#x", "/query"),
            ("a", "all\\x", "/query"),
            ("a", "all?text=ä", "/query"),
            ("a", &"a".repeat(MAX_QUERY_BYTES + 1), "/query"),
        ] {
            assert_eq!(checked(name, query), Err(vec![wrong.to_owned()]), "{name} {query}");
        }
    }

    #[test]
    fn one_has_so_many_views_and_no_more() {
        assert!(check_room(MAX_VIEWS - 1).is_ok());
        assert!(check_room(MAX_VIEWS).is_err());
    }
}
