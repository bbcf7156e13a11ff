//! Pages of a list: a bounded number of rows, and where the next page starts.

use std::fmt::Debug;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::Caller;

/// Which page is asked for.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// How many rows: 1 to 200.
    pub limit: u16,
    /// Where it starts; none for the first page.
    pub after: Option<Cursor>,
}

/// The opaque place after a page's last row, bound to the list's organization, filter and order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub String);

/// A cursor that was made for another list, or not by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the cursor does not belong to this list; start again without `after`")]
pub struct InvalidCursor;

/// One page.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// Where the next page starts; none on the last.
    pub next: Option<Cursor>,
    /// How many rows all pages have, if that was asked for.
    pub total: Option<Total>,
}

/// How many rows all pages of a list have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// So many were counted.
    pub rows: u32,
    /// Whether there are more: counting ends at [`Total::MOST`].
    pub is_minimum: bool,
}

impl Total {
    /// Nobody pages through more, and counting a million would take as long as reading them.
    pub const MOST: u32 = 10_000;

    /// So many rows to count at most: one more tells whether there are more.
    pub(crate) const TO_COUNT: u32 = Self::MOST + 1;

    /// The total where so many of [`Total::TO_COUNT`] were found.
    pub(crate) fn of(found: u64) -> Self {
        let rows = u32::try_from(found).unwrap_or(u32::MAX);
        Self { rows: rows.min(Self::MOST), is_minimum: rows > Self::MOST }
    }
}

/// What a list is of: its name, the organization, the filter and the order. A cursor continues no
/// other list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListTag([u8; TAG_BYTES]);

/// Enough that no two lists share a tag by accident. A cursor gives no rights, so nobody gains by
/// forging one.
const TAG_BYTES: usize = 8;

impl ListTag {
    /// The tag of a caller's list with this filter and order.
    pub(crate) fn of(caller: &Caller, list: &str, filter: &impl Debug) -> Self {
        let digest = Sha256::digest(format!("{}/{list}/{filter:?}", caller.org));
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&digest[..TAG_BYTES]);
        Self(tag)
    }

    /// The cursor after a row of this list; `place` is what the list is ordered by.
    pub(crate) fn cursor(self, place: &str) -> Cursor {
        Cursor(URL_SAFE_NO_PAD.encode([&self.0, place.as_bytes()].concat()))
    }

    /// The place where a page of this list starts.
    ///
    /// # Errors
    /// [`InvalidCursor`] for a cursor of another list.
    pub(crate) fn place(self, cursor: Option<&Cursor>) -> Result<Option<String>, InvalidCursor> {
        let Some(Cursor(text)) = cursor else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let place = bytes.strip_prefix(&self.0).ok_or(InvalidCursor)?;
        Ok(Some(std::str::from_utf8(place).map_err(|_| InvalidCursor)?.to_owned()))
    }
}

impl PageRequest {
    /// How many rows to read: one more than asked for tells whether another page follows.
    pub(crate) fn rows_to_read(&self) -> u32 {
        u32::from(self.limit()) + 1
    }

    /// Whether no page follows where so many of the [`PageRequest::rows_to_read`] were found.
    pub(crate) fn is_last(&self, found: usize) -> bool {
        found <= usize::from(self.limit())
    }

    fn limit(&self) -> u16 {
        self.limit.clamp(1, MAX_ROWS)
    }
}

/// More rows in one answer would make others wait for it.
pub(crate) const MAX_ROWS: u16 = 200;

impl<T> Page<T> {
    /// The page of these rows, of which one more than asked for may have been read.
    pub(crate) fn cut(
        mut rows: Vec<T>,
        request: &PageRequest,
        tag: ListTag,
        place: impl Fn(&T) -> String,
    ) -> Self {
        let limit = usize::from(request.limit());
        let more = !request.is_last(rows.len());
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| tag.cursor(&place(row)));
        Self { rows, next, total: None }
    }

    /// A page of a list that was read whole, because it is short in every organization.
    ///
    /// # Errors
    /// [`InvalidCursor`] for a cursor of another list.
    pub(crate) fn of_all(
        mut rows: Vec<T>,
        request: &PageRequest,
        tag: ListTag,
        place: impl Fn(&T) -> String,
    ) -> Result<Self, InvalidCursor> {
        let after = tag.place(request.after.as_ref())?;
        rows.retain(|row| after.as_ref().is_none_or(|after| place(row) > *after));
        rows.sort_by_cached_key(&place);
        Ok(Self::cut(rows, request, tag, place))
    }

    /// The same page with other rows.
    pub(crate) fn map<U>(self, view: impl FnMut(T) -> U) -> Page<U> {
        Page { rows: self.rows.into_iter().map(view).collect(), next: self.next, total: self.total }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use waypost_domain::ids::OrgId;

    use super::*;

    fn caller(org: u128) -> Caller {
        Caller::operator(OrgId(uuid::Uuid::from_u128(org)), DateTime::UNIX_EPOCH)
    }

    #[test]
    fn a_cursor_continues_its_own_list_only() {
        let teams = ListTag::of(&caller(1), "teams", &"active");
        let cursor = teams.cursor("network");
        assert_eq!(teams.place(Some(&cursor)), Ok(Some("network".to_owned())));
        assert_eq!(teams.place(None), Ok(None));

        let others = [
            ListTag::of(&caller(2), "teams", &"active"),
            ListTag::of(&caller(1), "services", &"active"),
            ListTag::of(&caller(1), "teams", &"all"),
        ];
        for other in others {
            assert_eq!(other.place(Some(&cursor)), Err(InvalidCursor));
        }
        assert_eq!(teams.place(Some(&Cursor("no cursor".to_owned()))), Err(InvalidCursor));
    }

    #[test]
    fn a_total_that_is_not_all_says_so() {
        assert_eq!(Total::of(0), Total { rows: 0, is_minimum: false });
        assert_eq!(Total::of(10_000), Total { rows: 10_000, is_minimum: false });
        assert_eq!(Total::of(10_001), Total { rows: 10_000, is_minimum: true });
    }

    #[test]
    fn a_page_says_where_the_next_one_starts() {
        let tag = ListTag::of(&caller(1), "teams", &());
        let request = PageRequest { limit: 2, after: None };
        let page = Page::cut(vec!["a", "b", "c"], &request, tag, ToString::to_string);
        assert_eq!((page.rows, page.next), (vec!["a", "b"], Some(tag.cursor("b"))));
        let last = Page::cut(vec!["c"], &request, tag, ToString::to_string);
        assert_eq!((last.rows, last.next), (vec!["c"], None));

        let second = PageRequest { limit: 2, after: Some(tag.cursor("b")) };
        let rest = Page::of_all(vec!["c", "a", "b"], &second, tag, ToString::to_string).unwrap();
        assert_eq!((rest.rows, rest.next), (vec!["c"], None));
    }
}
