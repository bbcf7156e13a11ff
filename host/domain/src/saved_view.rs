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
    /// Checks a view before it is saved, and writes its query as all are written.
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
        let query = canonical(&self.query).unwrap_or_else(|| {
            let message = said!(
                "This is no view of the queue; open one at the desk, and take what stands behind \
                 `desk/queue/` in its address."
            );
            faults.wrong("/query", "invalid", message);
            String::new()
        });
        faults.finish()?;
        Ok(Self { name, query, ..self })
    }

    /// Whether another view shows the same, however the two are written.
    #[must_use]
    pub fn shows_same(&self, other: &Self) -> bool {
        canonical(&self.query) == canonical(&other.query)
    }
}

/// A query as all are written: its filters in one order, each of them in one way, and without those
/// that are empty. None for what is no view of the queue.
fn canonical(query: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\');
    if query.len() > MAX_QUERY_BYTES || !query.bytes().all(is_plain) {
        return None;
    }
    let (view, filter) = query.split_once('?').unwrap_or((query, ""));
    let view = view.parse::<QueueView>().ok()?;
    let mut said = FILTERS.map(|_| None);
    for part in filter.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=')?;
        let place = FILTERS.iter().position(|known| *known == name)?;
        let value = checked_value(name, decoded(value)?.trim())?;
        if said[place].replace(value).is_some() {
            return None;
        }
    }
    let mut text = view.to_string();
    let mut before = '?';
    for (name, value) in FILTERS.iter().zip(said) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            text.push(before);
            text.push_str(name);
            text.push('=');
            encode(&value, &mut text);
            before = '&';
        }
    }
    Some(text).filter(|text| text.len() <= MAX_QUERY_BYTES)
}

/// What a filter asks for, as its name says how it is written; none for what it can't ask for.
fn checked_value(name: &str, value: &str) -> Option<String> {
    Some(match name {
        "state" if !value.is_empty() => value.parse::<State>().ok()?.as_str().to_owned(),
        "priority" if !value.is_empty() => {
            let level = value.parse::<u8>().ok().filter(|level| (1..=5).contains(level))?;
            level.to_string()
        }
        "waiting_on" if !value.is_empty() => value.parse::<WaitingKind>().ok()?.as_str().to_owned(),
        "order" if !value.is_empty() => (*ORDERS.iter().find(|known| **known == value)?).to_owned(),
        _ => value.to_owned(),
    })
}

/// The text that is written so in an address; none for what no database keeps.
fn decoded(written: &str) -> Option<String> {
    let hex = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = Vec::with_capacity(written.len());
    let mut rest = written.as_bytes();
    while let [first, behind @ ..] = rest {
        let escaped = match (first, behind) {
            (b'%', [high, low, behind @ ..]) => {
                let byte = hex(*high).zip(hex(*low)).map(|(high, low)| high * 16 + low);
                byte.and_then(|byte| u8::try_from(byte).ok()).map(|byte| (byte, behind))
            }
            (b'+', behind) => Some((b' ', behind)),
            _ => None,
        };
        let (byte, behind) = escaped.unwrap_or((*first, behind));
        bytes.push(byte);
        rest = behind;
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

/// Writes a text as it stands in an address.
fn encode(text: &str, to: &mut String) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            to.push(char::from(byte));
        } else {
            let digits = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
            to.push('%');
            to.extend(digits);
        }
    }
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
            ("a", "all?text=%C3", "/query"),
            ("a", &format!("all?text={}", "/".repeat(MAX_QUERY_BYTES / 2)), "/query"),
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
    fn what_shows_the_same_is_kept_as_the_same() {
        let kept = |query: &str| checked("a", query).unwrap().query;
        for query in [
            "all?text=50%25+%2F+a&state=new&priority=1",
            "all?priority=1&state=new&text=50%25%20/%20a",
            "all?team=&priority=01&text=+50%+%2f%20%61&state=new&",
        ] {
            assert_eq!(kept(query), "all?text=50%25%20%2F%20a&state=new&priority=1", "{query}");
        }
        assert_eq!(kept("mine?text=%C3%A4"), "mine?text=%C3%A4");
        assert_eq!(kept("mine?text=&state=&priority=&team="), "mine");
        assert_eq!(kept("mine?"), "mine");
        let view =
            |query: &str| SavedView { query: query.to_owned(), ..checked("a", "all").unwrap() };
        assert!(view("all?priority=1&text=a").shows_same(&view("all?text=a&priority=1")));
        assert!(!view("all?priority=1").shows_same(&view("all?priority=2")));
    }

    #[test]
    fn one_has_so_many_views_and_no_more() {
        assert!(check_room(MAX_VIEWS - 1).is_ok());
        assert!(check_room(MAX_VIEWS).is_err());
    }
}
