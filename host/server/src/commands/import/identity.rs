//! Identity: what tells a row from all others of its source, also in tomorrow's export.
//!
//! A row without an id of its own is known by what it says: not by its number, which is another
//! one's as soon as a row is added before it.

use std::borrow::Cow;
use std::collections::HashMap;

use waypost_app::import::{Alike, IdCase};
use waypost_domain::refusal::Faults;
use waypost_domain::text::{composed, line_ends};
use waypost_domain::ticket::ExternalRef;
use waypost_policy::Digest;

use super::columns::fold;

/// So much of a digest tells rows apart.
const DIGEST_CHARS: usize = 20;

/// The ids of a sheet's rows, given out in the order of the rows.
pub(crate) struct Identities {
    source: String,
    case: IdCase,
    /// The columns in the order of their names, so that another order makes no other row.
    columns: Vec<(String, usize)>,
    /// How often each row that has no id was there already.
    same: HashMap<String, u64>,
    /// The first row of each id that has letters, by the id in lower case.
    lettered: HashMap<String, Alike>,
}

/// What a row is known by.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) id: String,
    pub(crate) alike: Option<Alike>,
}

impl Identities {
    pub(crate) fn new(source: String, case: IdCase, header: &[String]) -> Self {
        let names = header.iter().enumerate();
        let mut columns: Vec<_> = names.map(|(place, name)| (fold(name), place)).collect();
        columns.sort();
        Self { source, case, columns, same: HashMap::new(), lettered: HashMap::new() }
    }

    /// The id of a row: its own, if it has one.
    pub(crate) fn of(&mut self, row: u64, own: Option<&str>, cells: &[Cow<'_, str>]) -> Identity {
        let Some(own) = own else {
            return Identity { id: self.by_content(cells), alike: None };
        };
        let mut faults = Faults::new();
        let kept = ExternalRef::read(&self.source, own, &mut faults).id;
        if !faults.is_empty() {
            // The row is refused for it.
            return Identity { id: own.to_owned(), alike: None };
        }
        let alike = match self.case {
            IdCase::Exact => None,
            IdCase::Careful => self.alike(row, &kept),
        };
        Identity { id: kept, alike }
    }

    /// The first row whose id differs from this one only in upper and lower case.
    fn alike(&mut self, row: u64, id: &str) -> Option<Alike> {
        if ExternalRef::other_cases(id).is_empty() {
            return None;
        }
        let first = self
            .lettered
            .entry(id.to_lowercase())
            .or_insert_with(|| Alike { row, id: id.to_owned() });
        (first.id != id).then(|| first.clone())
    }

    /// What the row says, as a digest. The n-th row that says the same is another one.
    fn by_content(&mut self, cells: &[Cow<'_, str>]) -> String {
        let mut said = String::new();
        for (name, place) in &self.columns {
            let cell = cells.get(*place).map_or("", |cell| cell.trim());
            // A column that says nothing may be left out of the next export.
            if !cell.is_empty() {
                said.push_str(name);
                said.push('\u{1f}');
                said.push_str(&composed(&line_ends(cell)));
                said.push('\u{1e}');
            }
        }
        let digest = format!("row-{}", &Digest::of(said.as_bytes()).hex()[..DIGEST_CHARS]);
        let count = self.same.entry(digest.clone()).or_default();
        *count += 1;
        if *count == 1 { digest } else { format!("{digest}-{count}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identities(case: IdCase, header: &[&str]) -> Identities {
        let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
        Identities::new("old-desk".to_owned(), case, &header)
    }

    fn content(identities: &mut Identities, cells: &[&str]) -> String {
        let cells: Vec<Cow<'_, str>> = cells.iter().map(|cell| Cow::Borrowed(*cell)).collect();
        identities.of(1, None, &cells).id
    }

    #[test]
    fn a_row_without_an_id_is_known_by_what_it_says() {
        let mut ids = identities(IdCase::Careful, &["title", "requester"]);
        let first = content(&mut ids, &["Caf\u{e9}\r\nclosed", "r@a"]);
        assert!(first.starts_with("row-") && first.len() == 4 + DIGEST_CHARS, "{first}");
        assert_eq!(content(&mut ids, &["Caf\u{e9}\nclosed", "r@a"]), format!("{first}-2"));
        assert_ne!(content(&mut ids, &["Caf\u{e9}\nclosed", "t@a"]), first);
        // Another order, an empty column, other blanks and composition: the same row.
        let mut ids = identities(IdCase::Careful, &["Requester", "notes", "Title"]);
        assert_eq!(content(&mut ids, &[" r@a ", "", "Cafe\u{301}\nclosed"]), first);
    }

    #[test]
    fn ids_that_differ_in_case_name_the_first_row() {
        let mut ids = identities(IdCase::Careful, &["id"]);
        let mut of = |row, id: &str| ids.of(row, Some(id), &[]);
        let first = Alike { row: 1, id: "T-1".to_owned() };
        assert_eq!(of(1, "T-1\u{200b}"), Identity { id: "T-1".to_owned(), alike: None });
        assert_eq!(of(2, "T-1").alike, None);
        assert_eq!(of(3, "t-1").alike, Some(first));
        assert_eq!(of(4, "17").alike, None);
        let mut exact = identities(IdCase::Exact, &["id"]);
        exact.of(1, Some("T-1"), &[]);
        assert_eq!(exact.of(2, Some("t-1"), &[]).alike, None);
    }

    #[test]
    fn an_id_that_cannot_be_kept_is_left_to_be_refused() {
        let mut ids = identities(IdCase::Careful, &["id"]);
        assert_eq!(ids.of(1, Some("N\u{0}2"), &[]).id, "N\u{0}2");
    }
}
