//! The words of a text, folded so that equal words are equal bytes.
//!
//! Most text is ASCII, so its words are hashed where they stand; only a word with another character
//! in it is copied to be folded.

/// What a byte of ASCII is folded to; or one of the two below.
static FOLD: [u8; 256] = fold_table();
/// The byte ends a word.
const SEPARATOR: u8 = 0;
/// The byte begins a character beyond ASCII, or goes on with one.
const BEYOND_ASCII: u8 = 1;

const fn fold_table() -> [u8; 256] {
    let mut table = [SEPARATOR; 256];
    let mut byte = u8::MAX;
    loop {
        table[byte as usize] = if byte.is_ascii_alphanumeric() {
            byte.to_ascii_lowercase()
        } else if byte.is_ascii() {
            SEPARATOR
        } else {
            BEYOND_ASCII
        };
        if byte == 0 {
            return table;
        }
        byte -= 1;
    }
}

/// A word of a text.
#[derive(Clone, Copy)]
pub(super) struct Word<'a> {
    /// Of its folded bytes.
    pub(super) hash: u32,
    spelling: Spelling<'a>,
}

#[derive(Clone, Copy)]
enum Spelling<'a> {
    /// As it stands in the text, in letters of either case.
    Ascii(&'a [u8]),
    Folded(&'a str),
}

impl Word<'_> {
    /// Whether it is this word, which is folded.
    pub(super) fn is(&self, folded: &str) -> bool {
        match self.spelling {
            Spelling::Ascii(bytes) => bytes.eq_ignore_ascii_case(folded.as_bytes()),
            Spelling::Folded(word) => word == folded,
        }
    }

    /// Its first bytes as a word; none if it is shorter, or in the middle of a character.
    pub(super) fn start(&self, length: usize) -> Option<Self> {
        Some(match self.spelling {
            Spelling::Ascii(bytes) => {
                let bytes = bytes.get(..length)?;
                let hash =
                    bytes.iter().fold(EMPTY, |hash, &byte| step(hash, FOLD[usize::from(byte)]));
                Self { hash, spelling: Spelling::Ascii(bytes) }
            }
            Spelling::Folded(word) => folded(word.get(..length)?),
        })
    }

    /// The word, folded.
    pub(super) fn to_folded(self) -> Box<str> {
        match self.spelling {
            Spelling::Ascii(bytes) => {
                bytes.iter().map(|&b| char::from(b.to_ascii_lowercase())).collect()
            }
            Spelling::Folded(word) => word.into(),
        }
    }
}

/// A word that is folded already.
pub(super) fn folded(word: &str) -> Word<'_> {
    Word { hash: word.bytes().fold(EMPTY, step), spelling: Spelling::Folded(word) }
}

/// The hash of no bytes. This is the hash of Fowler, Noll and Vo, 32 bits wide like a sandbox's
/// registers.
const EMPTY: u32 = 0x811c_9dc5;

fn step(hash: u32, byte: u8) -> u32 {
    (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
}

/// Calls `each` with every word of the text, in order.
pub(super) fn each_word(text: &str, mut each: impl FnMut(Word<'_>)) {
    let bytes = text.as_bytes();
    let mut buffer = String::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let mut letter = FOLD[usize::from(byte)];
        if letter == SEPARATOR {
            at += 1;
            continue;
        }
        let start = at;
        let mut hash = EMPTY;
        while letter > BEYOND_ASCII {
            hash = step(hash, letter);
            at += 1;
            letter = bytes.get(at).map_or(SEPARATOR, |&byte| FOLD[usize::from(byte)]);
        }
        if letter == BEYOND_ASCII {
            at = start + fold_word(&text[start..], &mut buffer, &mut each);
        } else {
            each(Word { hash, spelling: Spelling::Ascii(&bytes[start..at]) });
        }
    }
}

/// Folds the word at the text's beginning, if there is one, and says how many bytes of the text are
/// done with.
fn fold_word(text: &str, buffer: &mut String, each: &mut impl FnMut(Word<'_>)) -> usize {
    buffer.clear();
    let mut done = text.len();
    for (at, character) in text.char_indices() {
        if stands_alone(character) && buffer.is_empty() {
            buffer.push(character);
            done = at + character.len_utf8();
            break;
        }
        if stands_alone(character) {
            done = at;
            break;
        }
        if !character.is_alphanumeric() && !is_mark(character) {
            done = at + character.len_utf8();
            break;
        }
        fold(character, buffer);
    }
    if !buffer.is_empty() {
        each(folded(buffer));
    }
    done
}

/// Lower case, and the few letters that lower case alone leaves apart.
fn fold(character: char, word: &mut String) {
    match character {
        'ß' | 'ẞ' => word.push_str("ss"),
        'ς' => word.push('σ'),
        'ſ' => word.push('s'),
        // Its lower case is an i with a second dot above, which nobody types in settings.
        'İ' => word.push('i'),
        _ => word.extend(character.to_lowercase()),
    }
}

/// Accents that follow their letter as a character of their own belong to the word.
fn is_mark(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}')
}

/// Whether the character is of a script that is written without spaces.
fn stands_alone(character: char) -> bool {
    matches!(character,
        '\u{e00}'..='\u{eff}'        // Thai, Lao
        | '\u{1000}'..='\u{109f}'    // Burmese
        | '\u{1780}'..='\u{17ff}'    // Khmer
        | '\u{2e80}'..='\u{2fdf}'    // radicals
        | '\u{3005}'..='\u{3007}'
        | '\u{3040}'..='\u{30ff}'    // hiragana, katakana
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut words = Vec::new();
        each_word(text, |word| {
            let written = word.to_folded();
            assert!(word.is(&written));
            assert_eq!(word.hash, folded(&written).hash, "{written} is hashed alike everywhere");
            words.push(written.into_string());
        });
        words
    }

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        assert_eq!(
            words("Re: VPN/Wi-Fi  down(2nd_time)!"),
            ["re", "vpn", "wi", "fi", "down", "2nd", "time"]
        );
        assert_eq!(words(" …\n"), [""; 0]);
        assert_eq!(words("“down”, isn’t"), ["down", "isn", "t"]);
    }

    #[test]
    fn case_does_not_matter_in_any_script() {
        assert_eq!(words("STRASSE Straße STRAẞE"), ["strasse"; 3]);
        assert_eq!(words("ΟΔΟΣ οδος οδός"), ["οδοσ", "οδοσ", "οδόσ"]);
        assert_eq!(words("ПРИНТЕР принтер"), ["принтер"; 2]);
        assert_eq!(words("İstanbul istanbul"), ["istanbul"; 2]);
        assert_eq!(words("Köln KÖLN"), ["köln"; 2]);
    }

    #[test]
    fn an_accent_after_its_letter_does_not_end_the_word() {
        assert_eq!(words("cafe\u{301}s"), ["cafe\u{301}s"]);
    }

    #[test]
    fn scripts_without_spaces_count_each_character() {
        assert_eq!(words("VPN接続"), ["vpn", "接", "続"]);
        assert_eq!(words("接vpn, 続"), ["接", "vpn", "続"]);
        assert_eq!(words("ลืมรหัส").len(), 7);
    }

    #[test]
    fn the_start_of_a_word_is_a_word() {
        each_word("PRINTER", |word| {
            let start = word.start(5).expect("it is long enough");
            assert!(start.is("print"));
            assert_eq!(start.hash, folded("print").hash);
            assert!(word.start(8).is_none());
        });
        each_word("ÄÖ", |word| {
            assert!(word.start(2).expect("a whole character").is("ä"));
            assert!(word.start(1).is_none());
        });
    }
}
