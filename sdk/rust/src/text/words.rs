//! The words of a text, folded so that equal words are equal bytes.

/// Calls `each` with every word of the text, in order, folded. `word` is where they are put together; it is an argument
/// so that several texts share one allocation.
pub(super) fn each_word(text: &str, word: &mut String, mut each: impl FnMut(&str)) {
    word.clear();
    for character in text.chars() {
        if character.is_ascii() {
            if character.is_ascii_alphanumeric() {
                word.push(character.to_ascii_lowercase());
                continue;
            }
        } else if stands_alone(character) {
            if !word.is_empty() {
                each(word);
                word.clear();
            }
            word.push(character);
        } else if character.is_alphanumeric() || is_mark(character) {
            fold(character, word);
            continue;
        }
        if !word.is_empty() {
            each(word);
            word.clear();
        }
    }
    if !word.is_empty() {
        each(word);
        word.clear();
    }
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
        each_word(text, &mut String::new(), |word| words.push(word.to_owned()));
        words
    }

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        assert_eq!(
            words("Re: VPN/Wi-Fi  down(2nd_time)!"),
            ["re", "vpn", "wi", "fi", "down", "2nd", "time"]
        );
        assert_eq!(words(" …\n"), [""; 0]);
    }

    #[test]
    fn case_does_not_matter_in_any_script() {
        assert_eq!(words("STRASSE Straße STRAẞE"), ["strasse"; 3]);
        assert_eq!(words("ΟΔΟΣ οδος οδός"), ["οδοσ", "οδοσ", "οδόσ"]);
        assert_eq!(words("ПРИНТЕР принтер"), ["принтер"; 2]);
        assert_eq!(words("İstanbul istanbul"), ["istanbul"; 2]);
    }

    #[test]
    fn an_accent_after_its_letter_does_not_end_the_word() {
        assert_eq!(words("cafe\u{301}s"), ["cafe\u{301}s"]);
    }

    #[test]
    fn scripts_without_spaces_count_each_character() {
        assert_eq!(words("VPN接続"), ["vpn", "接", "続"]);
        assert_eq!(words("ลืมรหัส").len(), 7);
    }
}
