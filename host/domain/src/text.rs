//! Texts: how long the texts of a record may be, and which characters they may hold.
//!
//! Each function reads one text of an input, notes what is wrong with it, and returns it as it is
//! kept.

use std::collections::BTreeSet;

use crate::refusal::Faults;

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
    if line.is_empty() {
        faults.missing(pointer, "Give a summary in one line.");
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
pub fn body(pointer: &str, text: Option<&str>, what: &str, faults: &mut Faults) -> String {
    let text = text.unwrap_or("").trim();
    if text.is_empty() {
        faults.missing(pointer, what);
    }
    optional(pointer, text, faults)
}

/// A reason that must be given.
pub fn reason(text: Option<&str>, what: &str, faults: &mut Faults) -> String {
    let text = text.unwrap_or("").trim();
    let pointer = "/reason";
    if text.is_empty() {
        faults.missing(pointer, what);
    }
    at_most_chars(pointer, text, MAX_REASON_CHARS, faults);
    plain(pointer, text, faults);
    text.to_owned()
}

/// A name that must be given: of a person, a team, a vendor.
pub fn name(pointer: &str, text: &str, faults: &mut Faults) -> String {
    let text = one_line(text);
    if text.is_empty() {
        faults.missing(pointer, "Give a name.");
    }
    at_most_chars(pointer, &text, MAX_NAME_CHARS, faults);
    plain(pointer, &text, faults);
    text
}

/// An e-mail address. Only what every address has is checked: whether it is anybody's, mail alone
/// can tell.
pub fn email(pointer: &str, text: &str, faults: &mut Faults) -> String {
    let text = text.trim();
    let is_address = text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@')
    });
    if !is_address || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        faults.wrong(pointer, "invalid", "Give an e-mail address, such as ada@example.org.");
    }
    at_most_chars(pointer, text, MAX_EMAIL_CHARS, faults);
    text.to_owned()
}

/// Labels, in lower case and each once. One that is faulted is not among them.
pub fn tags<T: AsRef<str>>(given: &[T], faults: &mut Faults) -> BTreeSet<String> {
    let mut kept = BTreeSet::new();
    for (index, tag) in given.iter().enumerate() {
        let pointer = format!("/tags/{index}");
        let tag = tag.as_ref().trim().to_lowercase();
        let mut wrong = Faults::new();
        if tag.is_empty() {
            wrong.wrong(&pointer, "empty", "A tag needs at least one character; leave it out.");
        }
        at_most_chars(&pointer, &tag, MAX_TAG_CHARS, &mut wrong);
        plain(&pointer, &tag, &mut wrong);
        if wrong.is_empty() {
            kept.insert(tag);
        }
        faults.append(wrong);
    }
    if kept.len() > MAX_TAGS {
        let message =
            format!("{} tags are too many; a ticket can have at most {MAX_TAGS}.", kept.len());
        faults.wrong("/tags", "too-many", message);
    }
    kept
}

/// A text that may be empty.
pub fn optional(pointer: &str, text: &str, faults: &mut Faults) -> String {
    if text.len() > MAX_TEXT_BYTES {
        let message =
            format!("{} bytes are too many; a text can have at most {MAX_TEXT_BYTES}.", text.len());
        faults.wrong(pointer, "too-long", message);
    }
    plain(pointer, text, faults);
    text.to_owned()
}

/// Refuses a text with more characters than this.
pub fn at_most_chars(pointer: &str, text: &str, most: usize, faults: &mut Faults) {
    // A byte count that fits proves the character count, which saves counting nearly every text.
    if text.len() <= most {
        return;
    }
    let length = text.chars().count();
    if length > most {
        let message = format!("{length} characters are too many; use at most {most}.");
        faults.wrong(pointer, "too-long", message);
    }
}

/// A text as one line: each run of white space is one blank, and none is at the ends.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether nothing is seen of a character: it has no width, or only says how others are shown.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    // What Unicode calls "default ignorable", and the marks of annotations.
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Refuses control characters: no database keeps all of them, and terminals obey them.
pub fn plain(pointer: &str, text: &str, faults: &mut Faults) {
    let control = |c: &char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if let Some(character) = text.chars().find(control) {
        let message = format!("Remove the control character U+{:04X}.", character as u32);
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
        assert_eq!(codes(|f| drop(reason(Some(&long), "", f))), ["too-long"]);
        assert_eq!(codes(|f| drop(reason(None, "", f))), ["missing"]);
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
    fn an_address_has_two_parts_and_no_spaces() {
        let is_address = |text: &str| codes(|f| drop(email("/email", text, f))).is_empty();
        assert!(is_address("ada@example.org") && is_address(" ada@localhost "));
        for text in ["", "ada", "@example.org", "ada@", "a da@example.org", "a@b@c"] {
            assert!(!is_address(text), "{text}");
        }
    }
}
