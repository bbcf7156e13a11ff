//! Characters as people see them: how lines end, what nobody sees, where a text may be cut, and
//! which texts read alike.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, is_nfc};
use unicode_segmentation::UnicodeSegmentation;

/// The text with one kind of line end. A carriage return alone ends a line too; sent as it is, a
/// mail server may take it for the end of the letter.
#[must_use]
pub fn line_ends(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// Whether nobody sees the character, or it changes only how others are shown: zero width,
/// directions of writing, fillers, tags.
#[must_use]
pub const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Whether a reader sees nothing of it.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|character| character.is_whitespace() || is_invisible(character))
}

/// The text, or its beginning and `…`, in at most so many characters. It is cut between characters
/// as people see them: a letter keeps its accent, a family stays together.
#[must_use]
pub fn cut(text: &str, most_chars: usize) -> Cow<'_, str> {
    match beginning(text, most_chars) {
        None => Cow::Borrowed(text),
        Some(kept) => Cow::Owned(format!("{}…", kept.trim_end())),
    }
}

/// As [`cut`], of a text as one line, between words where there are some.
#[must_use]
pub fn first_words(text: &str, most_chars: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some(kept) = beginning(&line, most_chars) else { return line };
    let is_whole_word = line.get(kept.len()..).is_some_and(|rest| rest.starts_with(' '));
    let words = match kept.rsplit_once(' ') {
        Some((words, _)) if !is_whole_word => words,
        Some(_) | None => kept,
    };
    format!("{}…", words.trim_end())
}

/// What is left of a text that is too long, with room for one more character; none of one that
/// fits.
fn beginning(text: &str, most_chars: usize) -> Option<&str> {
    text.char_indices().nth(most_chars)?;
    let room = most_chars.saturating_sub(1);
    let mut chars = 0;
    let mut end = 0;
    for (at, seen) in text.grapheme_indices(true) {
        chars += seen.chars().count();
        if chars > room {
            break;
        }
        end = at + seen.len();
    }
    if end == 0 {
        // What is seen as one character can be of any length: such a one is cut inside.
        end = text.char_indices().nth(room).map_or(text.len(), |(at, _)| at);
    }
    text.get(..end)
}

/// The text, or as much of its beginning as fits into so many bytes, cut between characters as
/// people see them.
#[must_use]
pub fn cut_bytes(text: &str, most_bytes: usize) -> &str {
    if text.len() <= most_bytes {
        return text;
    }
    let ends = text.grapheme_indices(true).map(|(at, seen)| at + seen.len());
    let end = ends.take_while(|end| *end <= most_bytes).last();
    text.get(..end.unwrap_or_else(|| text.floor_char_boundary(most_bytes))).unwrap_or_default()
}

/// The text in lower case and with composed letters: how tags are kept, and by what addresses are
/// compared. An `é` is one letter, in whichever of its two ways it was typed.
#[must_use]
pub fn uncased(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfc().collect::<String>().to_lowercase().nfc().collect()
}

/// The text with composed letters.
#[must_use]
pub fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc(text) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfc().collect())
}

/// What a search compares: texts that read alike are equal in it, whatever case, composition or
/// width they were typed in, and whatever nobody sees is left out.
#[must_use]
pub fn folded(text: &str) -> String {
    // Most texts; every row of an import pays for this.
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    for character in text.nfkc().filter(|character| !is_invisible(*character)) {
        match character {
            'ß' | 'ẞ' => folded.push_str("ss"),
            'ς' => folded.push('σ'),
            'İ' => folded.push('i'),
            character => folded.extend(character.to_lowercase()),
        }
    }
    folded.nfc().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FAMILY: &str = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";

    #[test]
    fn a_text_has_one_kind_of_line_end() {
        for (given, kept) in [
            ("one\r\ntwo\rthree\nfour", "one\ntwo\nthree\nfour"),
            ("\r.\r\n", "\n.\n"),
            ("\r\r\n\n", "\n\n\n"),
            ("nothing", "nothing"),
            ("", ""),
        ] {
            assert_eq!(line_ends(given), kept, "{given:?}");
        }
    }

    #[test]
    fn what_nobody_sees_says_nothing() {
        for nothing in ["", " \t\n", "\u{200b}\u{200d}\u{feff}", "\u{2060} \u{ad}", "\u{3164}"] {
            assert!(is_blank(nothing), "{nothing:?}");
        }
        for something in ["a", "\u{200b}a", "é", FAMILY, "."] {
            assert!(!is_blank(something), "{something:?}");
        }
    }

    #[test]
    fn a_cut_leaves_characters_whole() {
        let composed_apart = "e\u{301}";
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut(&format!("ab{composed_apart}d"), 4), "ab…");
        assert_eq!(cut(&format!("ab{composed_apart}de"), 5), format!("ab{composed_apart}…"));
        assert_eq!(cut(&FAMILY.repeat(3), 11), format!("{}…", FAMILY.repeat(2)));
        // Two flags of two letters each, of which the second would become another country's.
        assert_eq!(cut("\u{1f1e9}\u{1f1ea}\u{1f1eb}\u{1f1f7}!", 4), "\u{1f1e9}\u{1f1ea}…");
        // Nobody sees an a with ninety accents as something worth keeping whole.
        assert_eq!(cut(&format!("a{}", "\u{301}".repeat(90)), 5).chars().count(), 5);
        assert_eq!(cut("abc", 0), "…");
    }

    #[test]
    fn a_cut_falls_between_words_even_at_the_very_edge() {
        assert_eq!(first_words(" two\n words ", 9), "two words");
        assert_eq!(first_words("aaaa bbbb", 8), "aaaa…");
        assert_eq!(first_words("aaaa bbbb", 5), "aaaa…");
        assert_eq!(first_words("aaaaaaaaa", 5), "aaaa…");
        assert_eq!(first_words(&format!("a{FAMILY}b"), 6), "a…");
    }

    #[test]
    fn a_cut_in_bytes_leaves_characters_whole() {
        assert_eq!(cut_bytes("abc", 3), "abc");
        assert_eq!(cut_bytes("abcd", 3), "abc");
        assert_eq!(cut_bytes("abe\u{301}", 4), "ab");
        assert_eq!(cut_bytes(FAMILY, 9), "\u{1f468}\u{200d}");
    }

    #[test]
    fn texts_that_read_alike_fold_alike() {
        for (one, other) in [
            ("Caf\u{e9}", "CAFE\u{301}"),
            ("Straße", "STRASSE"),
            ("ΟΔΟΣ", "οδος"),
            ("οδός", "ΟΔΌΣ"),
            ("İstanbul", "istanbul"),
            ("ﬁle", "file"),
            ("ＶＰＮ", "vpn"),
            ("pass\u{200b}word", "password"),
            ("Å", "a\u{30a}"),
        ] {
            assert_eq!(folded(one), folded(other), "{one} {other}");
        }
        assert_ne!(folded("cafe"), folded("café"));
    }

    #[test]
    fn an_address_or_a_tag_is_one_however_its_letters_are_composed() {
        assert_eq!(uncased("JOSE\u{301}@Example.ORG"), "jos\u{e9}@example.org");
        // Two mailboxes can differ in this.
        assert_ne!(uncased("strasse"), uncased("straße"));
        assert_eq!(composed("e\u{301}"), "\u{e9}");
    }

    proptest! {
        #[test]
        fn a_cut_text_is_a_beginning_within_its_bound(text in "\\PC{0,40}", most in 1_usize..20) {
            let kept = cut(&text, most);
            prop_assert!(kept.chars().count() <= most);
            let words = kept.strip_suffix('…').unwrap_or(&kept);
            prop_assert!(text.starts_with(words));
            prop_assert!(first_words(&text, most).chars().count() <= most);
            let bytes = cut_bytes(&text, most);
            prop_assert!(bytes.len() <= most && text.starts_with(bytes));
        }

        #[test]
        fn no_text_has_another_line_end(text in "[a\r\n]{0,20}") {
            let kept = line_ends(&text);
            prop_assert!(!kept.contains('\r'));
            prop_assert_eq!(line_ends(&kept), kept.as_ref());
        }
    }
}
