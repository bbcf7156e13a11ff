//! Names: the identifier under which a value of an enum is stored, sent and shown.
//!
//! Each enum has one identifier per variant, in both directions, and the list of all its variants.
//! The macro keeps the three together, so that a new variant can't be forgotten in one of them.

use thiserror::Error;

use crate::{
    said,
    said::{Part, Said},
};

/// A text that names no value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", self.said())]
pub struct UnknownName {
    /// What was expected: `channel`, `state`, ...
    pub what: &'static str,
    /// What was given.
    pub given: String,
    /// Every name that would have been understood.
    pub valid: &'static [&'static str],
}

impl UnknownName {
    fn said(&self) -> Said {
        let what = Part::word("what", self.what);
        let valid = Part::all(self.valid);
        said!(
            "`{given}` is not a valid {what}; use one of: {valid}",
            given = self.given,
            what,
            valid
        )
    }
}

impl From<UnknownName> for Said {
    fn from(unknown: UnknownName) -> Self {
        unknown.said()
    }
}

/// Gives an enum `ALL`, `NAMES`, `as_str`, `Display` and `FromStr`.
macro_rules! names {
    ($what:literal, $type:ident { $($variant:ident => $name:literal,)+ }) => {
        impl $type {
            /// Every value, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The identifier of every value, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($name,)+];

            /// The identifier under which it is stored, sent and shown.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::name::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($name => Ok(Self::$variant),)+
                    _ => Err($crate::name::UnknownName {
                        what: $what,
                        given: text.to_owned(),
                        valid: Self::NAMES,
                    }),
                }
            }
        }
    };
}

pub(crate) use names;

#[cfg(test)]
mod tests {
    use crate::ticket::Channel;

    #[test]
    fn every_name_is_understood_again() {
        for channel in Channel::ALL {
            assert_eq!(channel.as_str().parse(), Ok(*channel));
        }
    }

    #[test]
    fn an_unknown_name_lists_the_valid_ones() {
        let fault = "fax".parse::<Channel>().unwrap_err();
        assert_eq!(
            fault.to_string(),
            "`fax` is not a valid channel; use one of: portal, mail, phone, chat, in_person, monitoring, api, import, schedule"
        );
    }
}
