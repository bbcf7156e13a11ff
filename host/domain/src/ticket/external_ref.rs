//! Where a ticket came from: another system's name and its id there.
//!
//! The pair is unique in an organization, so it is kept in one spelling: what nobody can see makes
//! no other id. Upper and lower case can be seen, and some systems tell ids apart by them.

use unicode_normalization::{UnicodeNormalization as _, is_nfc};

use crate::{refusal::Faults, said, text};

/// A source's name or number is an identifier, not a text.
const MAX_CHARS: usize = 200;

/// Where a ticket came from, when another system has its own number for it. Unique in the
/// organization: what makes an import idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExternalRef {
    /// The system: `old-desk`.
    pub source: String,
    /// Its number there.
    pub id: String,
}

impl ExternalRef {
    /// The pair as it is kept: composed characters, each run of white space as one blank, none of
    /// them at the ends, nothing invisible.
    pub fn read(source: &str, id: &str, faults: &mut Faults) -> Self {
        let mut part = |pointer: &str, given: &str| {
            let kept = same(given);
            if kept.is_empty() {
                let message =
                    said!("Give the name of the other system and its reference for the ticket.");
                faults.missing(pointer, message);
            }
            text::at_most_chars(pointer, &kept, MAX_CHARS, faults);
            text::plain(pointer, &kept, faults);
            kept
        };
        Self { source: part("/external_ref/source", source), id: part("/external_ref/id", id) }
    }

    /// The ids that look the same but for upper and lower case, as far as a system is likely to
    /// write them: all in lower case, and all in upper case. None of an id without letters.
    #[must_use]
    pub fn other_cases(id: &str) -> Vec<String> {
        let mut others: Vec<_> = [id.to_lowercase(), id.to_uppercase()].into();
        others.retain(|other| other != id);
        others.dedup();
        others
    }
}

/// One spelling of an identifier.
fn same(given: &str) -> String {
    if is_nfc(given) && !given.contains(text::is_invisible) {
        return text::one_line(given);
    }
    let seen = given.chars().filter(|c| !text::is_invisible(*c));
    text::one_line(&seen.nfc().collect::<String>())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(given: &str) -> String {
        let mut faults = Faults::new();
        let kept = ExternalRef::read("old-desk", given, &mut faults).id;
        assert!(faults.is_empty(), "{given:?}: {faults:?}");
        kept
    }

    fn pointers(source: &str, id: &str) -> Vec<String> {
        let mut faults = Faults::new();
        ExternalRef::read(source, id, &mut faults);
        faults.into_vec().into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn ids_that_look_alike_are_one() {
        for alike in
            ["T-1", "T-1 ", " T-1", "T-1\u{a0}", "T-1\u{200b}", "\u{feff}T\u{ad}-1\u{2066}"]
        {
            assert_eq!(id(alike), "T-1", "{alike:?}");
        }
        assert_eq!(id("Cafe\u{301}"), "Caf\u{e9}");
        assert_eq!(id("Cafe\u{200b}\u{301}"), "Caf\u{e9}");
        assert_eq!(id("A \u{a0}\t 1"), "A 1");
    }

    #[test]
    fn differences_that_can_be_seen_are_kept() {
        assert_ne!(id("t-1"), id("T-1"));
        assert_ne!(id("T 1"), id("T1"));
        assert_ne!(id("\u{b9}"), id("1"));
    }

    #[test]
    fn an_id_has_characters_that_can_be_seen_and_kept() {
        assert_eq!(pointers("old", " \u{200b} "), ["/external_ref/id"]);
        assert_eq!(pointers("\u{2060}", "1"), ["/external_ref/source"]);
        assert_eq!(pointers("old", "N\0 2"), ["/external_ref/id"]);
        assert_eq!(pointers("old", &"x".repeat(201)), ["/external_ref/id"]);
        assert!(pointers("old", &format!("{}\u{200b}", "x".repeat(200))).is_empty());
    }

    #[test]
    fn other_cases_are_those_that_a_system_is_likely_to_write() {
        assert_eq!(ExternalRef::other_cases("T-1"), ["t-1"]);
        assert_eq!(ExternalRef::other_cases("aB"), ["ab", "AB"]);
        assert!(ExternalRef::other_cases("2024-17").is_empty());
    }

    proptest! {
        #[test]
        fn what_is_kept_is_one_spelling(given in any::<String>()) {
            let kept = same(&given);
            prop_assert_eq!(same(&kept), kept.clone());
            prop_assert_eq!(same(&format!(" {given}\u{200b}")), kept);
        }
    }
}
