//! Keys: the names that people write in settings and files. A key does not change.

use std::{fmt, str::FromStr};

use thiserror::Error;

use crate::{said, said::Said};

/// Long enough for any name people would type, short enough for a column of a report.
pub const MAX_KEY_CHARS: usize = 64;

/// Lower case ASCII letters, digits, dots, underscores and dashes, starting with a letter or digit:
/// `revenue-portal`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

/// A text that is no key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", Said::from(Self))]
pub struct InvalidKey;

impl From<InvalidKey> for Said {
    fn from(_: InvalidKey) -> Self {
        said!(
            "a key must have 1 to {most} lower-case letters, digits, dots, underscores and \
             dashes, and start with a letter or digit",
            most = MAX_KEY_CHARS
        )
    }
}

impl Key {
    /// No key yet, as that of a record that nobody has filled in.
    pub(crate) const fn unset() -> Self {
        Self(String::new())
    }

    /// The key's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Key {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        let is_plain = text.bytes().all(|b| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.')
        });
        if starts_well && is_plain && text.len() <= MAX_KEY_CHARS {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidKey)
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A place in the category tree, from the general to the special: `access/password`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CategoryPath(String);

/// A text that is no category path.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", Said::from(Self))]
pub struct InvalidCategoryPath;

impl From<InvalidCategoryPath> for Said {
    fn from(_: InvalidCategoryPath) -> Self {
        said!(
            "a category path must have 1 to {most} keys separated by slashes, such as \
             access/password",
            most = CategoryPath::MAX_DEPTH
        )
    }
}

impl CategoryPath {
    /// Deeper trees are not read by people any more.
    pub const MAX_DEPTH: usize = 5;

    /// No path yet, as that of a category that nobody has filled in.
    pub(crate) const fn unset() -> Self {
        Self(String::new())
    }

    /// The whole path, joined by slashes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The keys from the general to the special.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The path one step more general, if there is one.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.to_owned()))
    }
}

impl FromStr for CategoryPath {
    type Err = InvalidCategoryPath;

    fn from_str(text: &str) -> Result<Self, InvalidCategoryPath> {
        let keys = text.split('/').map(Key::from_str).collect::<Result<Vec<_>, _>>();
        match keys {
            Ok(keys) if keys.len() <= Self::MAX_DEPTH => Ok(Self(text.to_owned())),
            Ok(_) | Err(_) => Err(InvalidCategoryPath),
        }
    }
}

impl fmt::Display for CategoryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_lower_case_and_starts_with_a_letter_or_digit() {
        for key in ["a", "9", "revenue-portal", "srv_1.example", &"x".repeat(MAX_KEY_CHARS)] {
            assert_eq!(key.parse::<Key>().map(|key| key.to_string()), Ok(key.to_owned()));
        }
        let long = "x".repeat(MAX_KEY_CHARS + 1);
        for text in ["", "-a", ".a", "A", "a b", "a/b", "\u{e9}", &long] {
            assert_eq!(text.parse::<Key>(), Err(InvalidKey));
        }
    }

    #[test]
    fn a_category_path_leads_from_the_general_to_the_special() {
        let path = "access/password/reset".parse::<CategoryPath>().unwrap();
        assert_eq!(path.segments().collect::<Vec<_>>(), ["access", "password", "reset"]);
        let parent = path.parent().unwrap();
        assert_eq!(parent.as_str(), "access/password");
        assert_eq!(parent.parent().and_then(|top| top.parent()), None);
        for text in ["", "/", "a/", "/a", "a//b", "a/b/c/d/e/f", "A"] {
            assert_eq!(text.parse::<CategoryPath>(), Err(InvalidCategoryPath));
        }
    }
}
