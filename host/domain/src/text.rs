//! Texts: how long the texts of a record may be, and which characters they may hold.
//!
//! Each function reads one text of an input, notes what is wrong with it, and returns it as it is
//! kept.

use std::collections::BTreeSet;

use crate::{refusal::Faults, said, said::Said};

mod address;
mod characters;

pub use characters::{
    composed, cut, cut_bytes, first_words, folded, is_blank, is_invisible, line_ends, uncased,
};

/// One line in a list of tickets; longer ones are cut by every mail program.
pub const MAX_SHORT_DESCRIPTION_CHARS: usize = 250;
/// Enough for a long mail; more belongs into an attachment.
pub const MAX_TEXT_BYTES: usize = 32 * 1024;
/// A reason is read in a list of events.
pub const MAX_REASON_CHARS: usize = 2_000;
/// The name of a person, a team, a vendor.
pub const MAX_NAME_CHARS: usize = 200;
/// More tags on one ticket are not read by anybody.
pub const MAX_TAGS: usize = 20;
/// A tag is a word or two.
pub const MAX_TAG_CHARS: usize = 50;
/// RFC 5321 allows 254 characters in a path.
pub const MAX_EMAIL_CHARS: usize = 254;

/// The one line that says what a ticket is about. Line breaks become spaces.
pub fn short_description(text: &str, faults: &mut Faults) -> String {
    let line = one_line(text);
    let pointer = "/short_description";
    if is_blank(&line) {
        faults.missing(pointer, said!("Give a summary in one line."));
    }
    at_most_chars(pointer, &line, MAX_SHORT_DESCRIPTION_CHARS, faults);
    plain(pointer, &line, faults);
    line
}

/// The full text of a ticket; may be empty.
pub fn description(text: &str, faults: &mut Faults) -> String {
    optional("/description", text, faults)
}

/// A text that must say something: a comment, the notes of a resolution.
pub fn body(pointer: &str, text: Option<&str>, what: Said, faults: &mut Faults) -> String {
    let text = text.unwrap_or("").trim();
    if is_blank(text) {
        faults.missing(pointer, what);
    }
    optional(pointer, text, faults)
}

/// A reason that must be given.
pub fn reason(text: Option<&str>, what: Said, faults: &mut Faults) -> String {
    let text = text.unwrap_or("").trim();
    let pointer = "/reason";
    if is_blank(text) {
        faults.missing(pointer, what);
    }
    sentence(pointer, text, faults)
}

/// A text of a sentence or a few: a reason, what a voter says. May be empty.
pub fn sentence(pointer: &str, text: &str, faults: &mut Faults) -> String {
    let text = line_ends(text.trim());
    at_most_chars(pointer, &text, MAX_REASON_CHARS, faults);
    plain(pointer, &text, faults);
    text.into_owned()
}

/// A name that must be given: of a person, a team, a vendor.
pub fn name(pointer: &str, text: &str, faults: &mut Faults) -> String {
    let text = line(pointer, text, faults);
    if is_blank(&text) {
        faults.missing(pointer, said!("Give a name."));
    }
    text
}

/// One line that may be empty: a vendor, a location. Line breaks become spaces.
pub fn line(pointer: &str, text: &str, faults: &mut Faults) -> String {
    let line = one_line(text);
    at_most_chars(pointer, &line, MAX_NAME_CHARS, faults);
    plain(pointer, &line, faults);
    line
}

/// An e-mail address, with composed letters. Whether it is anybody's, mail alone can tell.
pub fn email(pointer: &str, text: &str, faults: &mut Faults) -> String {
    let text = composed(text.trim());
    if let Some(message) = address::fault_of(&text) {
        faults.wrong(pointer, "invalid", message);
    }
    at_most_chars(pointer, &text, MAX_EMAIL_CHARS, faults);
    text.into_owned()
}

/// Labels, in lower case and each once. One that is faulted is not among them.
pub fn tags<T: AsRef<str>>(given: &[T], faults: &mut Faults) -> BTreeSet<String> {
    let mut kept = BTreeSet::new();
    for (index, tag) in given.iter().enumerate() {
        let pointer = format!("/tags/{index}");
        let tag = uncased(tag.as_ref().trim());
        let mut wrong = Faults::new();
        if is_blank(&tag) {
            wrong.wrong(
                &pointer,
                "empty",
                said!("A tag needs at least one character; leave it out."),
            );
        }
        at_most_chars(&pointer, &tag, MAX_TAG_CHARS, &mut wrong);
        plain(&pointer, &tag, &mut wrong);
        if wrong.is_empty() {
            kept.insert(tag);
        }
        faults.append(wrong);
    }
    if kept.len() > MAX_TAGS {
        let message = said!(
            "{count} tags are too many; a ticket can have at most {most}.",
            count = kept.len(),
            most = MAX_TAGS
        );
        faults.wrong("/tags", "too-many", message);
    }
    kept
}

/// A text that may be empty.
pub fn optional(pointer: &str, text: &str, faults: &mut Faults) -> String {
    let text = line_ends(text);
    if text.len() > MAX_TEXT_BYTES {
        let message = said!(
            "{count} bytes are too many; a text can have at most {most}.",
            count = text.len(),
            most = MAX_TEXT_BYTES
        );
        faults.wrong(pointer, "too-long", message);
    }
    plain(pointer, &text, faults);
    text.into_owned()
}

/// Refuses a text with more characters than this.
pub fn at_most_chars(pointer: &str, text: &str, most: usize, faults: &mut Faults) {
    // A byte count that fits proves the character count, which saves counting nearly every text.
    if text.len() <= most {
        return;
    }
    let length = text.chars().count();
    if length > most {
        let message = said!("{length} characters are too many; use at most {most}.", length, most);
        faults.wrong(pointer, "too-long", message);
    }
}

/// A text as one line: each run of white space is one blank, and none is at the ends.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a text may not hold the character: no database keeps all control characters, and
/// terminals obey them. A carriage return is one: [`line_ends`] has made a line end of it before.
#[must_use]
pub fn is_refused(character: char) -> bool {
    character.is_control() && !matches!(character, '\n' | '\t')
}

/// Refuses what [`is_refused`] names.
pub fn plain(pointer: &str, text: &str, faults: &mut Faults) {
    if let Some(character) = text.chars().find(|character| is_refused(*character)) {
        let message = said!(
            "Remove the control character U+{code}.",
            code = format!("{:04X}", character as u32)
        );
        faults.wrong(pointer, "control-character", message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(read: impl FnOnce(&mut Faults)) -> Vec<&'static str> {
        let mut faults = Faults::new();
        read(&mut faults);
        faults.into_vec().into_iter().map(|fault| fault.code).collect()
    }

    #[test]
    fn a_short_description_is_one_line_of_250_characters() {
        let mut faults = Faults::new();
        assert_eq!(short_description(" a\n b\tc ", &mut faults), "a b c");
        short_description(&"\u{e4}".repeat(250), &mut faults);
        assert!(faults.is_empty());
        assert_eq!(codes(|f| drop(short_description(&"x".repeat(251), f))), ["too-long"]);
        assert_eq!(codes(|f| drop(short_description("a\u{7}b", f))), ["control-character"]);
    }

    #[test]
    fn texts_have_bounds_that_are_named() {
        assert_eq!(codes(|f| drop(description(&"x".repeat(MAX_TEXT_BYTES), f))), [] as [&str; 0]);
        assert_eq!(codes(|f| drop(description(&"x".repeat(MAX_TEXT_BYTES + 1), f))), ["too-long"]);
        let long = "x".repeat(MAX_REASON_CHARS + 1);
        assert_eq!(codes(|f| drop(reason(Some(&long), Said::fixed(""), f))), ["too-long"]);
        assert_eq!(codes(|f| drop(reason(None, Said::fixed(""), f))), ["missing"]);
        assert_eq!(codes(|f| drop(name("/name", &"x".repeat(201), f))), ["too-long"]);
        let many = (0..=MAX_TAGS).map(|n| n.to_string()).collect::<Vec<_>>();
        assert_eq!(codes(|f| drop(tags(&many, f))), ["too-many"]);
    }

    #[test]
    fn tags_are_lower_case_and_each_once() {
        let mut faults = Faults::new();
        let kept = tags(&["VIP", " vip", "Printer"], &mut faults);
        assert_eq!(kept.into_iter().collect::<Vec<_>>(), ["printer", "vip"]);
        assert!(faults.is_empty());
    }

    #[test]
    fn a_faulted_tag_is_not_kept() {
        let mut faults = Faults::new();
        let long = "x".repeat(MAX_TAG_CHARS + 1);
        let kept = tags(&["vip", "a\0b", " ", long.as_str()], &mut faults);
        assert_eq!(kept.into_iter().collect::<Vec<_>>(), ["vip"]);
        let codes: Vec<_> = faults.into_vec().into_iter().map(|fault| fault.code).collect();
        assert_eq!(codes, ["control-character", "empty", "too-long"]);
    }

    #[test]
    fn an_address_is_kept_alone_and_composed() {
        let mut faults = Faults::new();
        assert_eq!(email("/email", " ada@localhost ", &mut faults), "ada@localhost");
        assert_eq!(email("/email", "jose\u{301}@a.example", &mut faults), "jos\u{e9}@a.example");
        assert!(faults.is_empty());
        for text in ["", "<a@b.example>", "a\u{202e}@b.example"] {
            assert_eq!(codes(|f| drop(email("/email", text, f))), ["invalid"], "{text:?}");
        }
    }

    #[test]
    fn what_nobody_sees_is_no_text() {
        let nothing = "\u{200b}\u{2060} \u{feff}";
        assert_eq!(codes(|f| drop(short_description(nothing, f))), ["missing"]);
        assert_eq!(codes(|f| drop(body("/text", Some(nothing), Said::fixed(""), f))), ["missing"]);
        assert_eq!(codes(|f| drop(reason(Some(nothing), Said::fixed(""), f))), ["missing"]);
        assert_eq!(codes(|f| drop(name("/name", nothing, f))), ["missing"]);
        assert_eq!(codes(|f| drop(tags(&[nothing], f))), ["empty"]);
    }

    #[test]
    fn every_kind_of_text_is_kept_with_one_kind_of_line_end() {
        let mut faults = Faults::new();
        let given = "one\r\ntwo\rthree";
        assert_eq!(description(given, &mut faults), "one\ntwo\nthree");
        assert_eq!(body("/text", Some(given), Said::fixed(""), &mut faults), "one\ntwo\nthree");
        assert_eq!(reason(Some(given), Said::fixed(""), &mut faults), "one\ntwo\nthree");
        assert_eq!(sentence("/comment", given, &mut faults), "one\ntwo\nthree");
        assert_eq!(short_description(given, &mut faults), "one two three");
        assert_eq!(name("/name", given, &mut faults), "one two three");
        assert_eq!(line("/vendor", given, &mut faults), "one two three");
        assert!(faults.is_empty());
        assert_eq!(codes(|f| plain("/text", "a\rb", f)), ["control-character"]);
    }

    #[test]
    fn a_tag_is_one_however_its_letters_are_composed() {
        let mut faults = Faults::new();
        assert_eq!(tags(&["Caf\u{e9}", "cafe\u{301}"], &mut faults).len(), 1);
        assert!(faults.is_empty());
    }
}
