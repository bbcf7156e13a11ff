//! Saved views: what somebody of a desk looks at in its queue again and again, under a name.

use chrono::{DateTime, Utc};

use crate::{
    ids::{OrgId, PersonId, SavedViewId},
    refusal::{Faults, Refused},
    said, text,
};

/// How many one person has in an organization.
pub const MAX_VIEWS: usize = 20;
/// The longest name: it stands in a row of tabs.
pub const MAX_NAME_CHARS: usize = 40;
/// The longest query.
pub const MAX_QUERY_BYTES: usize = 500;

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
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\');
        let begins = self.query.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if !begins || self.query.len() > MAX_QUERY_BYTES || !self.query.bytes().all(is_plain) {
            let message = said!("This is no view of the queue; open one, and save it from there.");
            faults.wrong("/query", "invalid", message);
        }
        faults.finish()?;
        Ok(Self { name, ..self })
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
        for (name, query, wrong) in [
            ("", "all", "/name"),
            ("  ", "all", "/name"),
            (&"x".repeat(MAX_NAME_CHARS + 1), "all", "/name"),
            ("a", "", "/query"),
            ("a", "//evil.example", "/query"),
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
