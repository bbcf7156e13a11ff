//! E-mail addresses: what a person's address may look like.
//!
//! Only the plain form that mail servers of everybody take: no quoted parts, no comments, no names
//! beside it. Whether it is anybody's, mail alone can tell.

use crate::{said, said::Said};

use super::characters;

/// The longest part before the `@` (RFC 5321).
const MAX_LOCAL_BYTES: usize = 64;
/// The longest part of a domain between two dots (RFC 1035).
const MAX_LABEL_BYTES: usize = 63;

/// What is wrong with an address, with the remedy; none if it is one.
pub(super) fn fault_of(text: &str) -> Option<Said> {
    if let Some(hidden) = text.chars().find(|character| characters::is_invisible(*character)) {
        let code = format!("{:04X}", hidden as u32);
        return Some(said!("Remove the invisible character U+{code} from the address.", code));
    }
    let alone = |c: char| matches!(c, '<' | '>' | '(' | ')' | ',' | ';' | ':' | '"' | '\\');
    if text.contains(alone) {
        let message = said!(
            "Give the address alone, such as ada@example.org: no name, and none of \
                       <>(),;:\"\\ around or in it."
        );
        return Some(message);
    }
    let parts = text.split_once('@').filter(|(local, domain)| is_local(local) && is_domain(domain));
    parts.is_none().then(|| said!("Give an e-mail address, such as ada@example.org."))
}

fn is_local(local: &str) -> bool {
    let is_atom = |atom: &str| !atom.is_empty() && atom.chars().all(is_of_atom);
    local.len() <= MAX_LOCAL_BYTES && local.split('.').all(is_atom)
}

fn is_of_atom(character: char) -> bool {
    match character {
        'a'..='z'
        | 'A'..='Z'
        | '0'..='9'
        | '!'
        | '#'
        | '$'
        | '%'
        | '&'
        | '\''
        | '*'
        | '+'
        | '-'
        | '/'
        | '='
        | '?'
        | '^'
        | '_'
        | '`'
        | '{'
        | '|'
        | '}'
        | '~' => true,
        other => !other.is_ascii() && !other.is_whitespace() && !other.is_control(),
    }
}

fn is_domain(domain: &str) -> bool {
    domain.split('.').all(|label| {
        label.len() <= MAX_LABEL_BYTES
            && label.starts_with(char::is_alphanumeric)
            && !label.ends_with('-')
            && !label.ends_with('_')
            && label.chars().all(is_of_label)
    })
}

fn is_of_label(character: char) -> bool {
    match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => true,
        other => !other.is_ascii() && !other.is_whitespace() && !other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_word_with_two_parts() {
        for address in [
            "ada@example.org",
            "ada@localhost",
            "ada.b+c_d'e@mail-1.example.org",
            "jos\u{e9}@b\u{fc}cher.example",
            "\u{7528}\u{6237}@\u{4f8b}\u{5b50}.example",
        ] {
            assert_eq!(fault_of(address), None, "{address}");
        }
        for address in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "a da@example.org",
            "a@b@c",
            "a@b..c",
            "a@.b",
            "a@b.",
            "a..b@c",
            ".a@b",
            "a.@b",
            "a@-b.example",
            "a@b-.example",
            "a@[10.0.0.1]",
            "a@b\u{a0}c",
            "a@b\u{7}c",
        ] {
            assert!(fault_of(address).is_some(), "{address:?}");
        }
        let long = format!("{}@example.org", "a".repeat(MAX_LOCAL_BYTES + 1));
        assert!(fault_of(&long).is_some());
    }

    #[test]
    fn what_stands_around_an_address_is_named() {
        for address in ["<a@b.example>", "Ada <a@b.example>", "a@b.example, c@d.example", "\"a\"@b"]
        {
            let message = fault_of(address).unwrap();
            assert!(message.starts_with("Give the address alone"), "{address}: {message}");
        }
    }

    #[test]
    fn an_invisible_character_in_an_address_is_named() {
        for (address, code) in [
            ("a\u{202e}@b.example", "U+202E"),
            ("a@b\u{200b}.example", "U+200B"),
            ("\u{feff}a@b.example", "U+FEFF"),
            ("a\u{ad}@b.example", "U+00AD"),
        ] {
            assert!(fault_of(address).unwrap().contains(code), "{address:?}");
        }
    }
}
