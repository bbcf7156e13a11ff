//! What a password is worth to whoever has to guess it: how many of its parts have to be.
//!
//! A part is a common word, also with digits for letters, a year or another short number, a walk
//! over the keyboard, the same character again and again, or one other character. What is said
//! twice is said once.

use std::{collections::BTreeSet, ops::Range};

/// The fewest characters of a walk, and of a repetition.
const WALK: usize = 3;
/// A longer number is no year, day or count.
const NUMBER: usize = 4;

/// Keys beside each other, and the alphabet.
const ROWS: [&str; 13] = [
    "qwertzuiopü",
    "qwertyuiop",
    "azertyuiop",
    "asdfghjklöä",
    "yxcvbnm",
    "zxcvbnm",
    "qsdfghjklm",
    "12345678901234567890",
    "1qay2wsx3edc4rfv5tgb6zhn7ujm8ik9ol",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol",
    "qayxswedcvfrtgbnhzujm",
    "abcdefghijklmnopqrstuvwxyz",
    "1q2w3e4r5t6z7u8i9o0p",
];

/// What people think of first, in English and in German.
const WORDS: &str = "
    password passwords passwort kennwort passphrase secret geheim login logon signin anmeldung
    anmelden admin administrator root user benutzer guest gast test testing demo sample example
    beispiel default standard access zugang account konto system server computer internet
    windows linux apple google office waypost helpdesk servicedesk service support desk ticket
    changeme change temp temporary new neu pass initial start private privat security sicherheit
    company firma work arbeit business public master super manager chef boss online welcome
    willkommen hello hallo letmein open sesame sesam please bitte danke thanks thankyou trustno
    whatever egal iloveyou love liebe ichliebedich the mein meine and und you for ist
    good gut god gott jesus forever immer never sorry guten morgen morning tag abend january
    february march april may june july august september october november december januar februar
    märz maerz mai juni juli oktober dezember monday tuesday wednesday thursday friday saturday
    sunday montag dienstag mittwoch donnerstag freitag samstag sonntag spring summer autumn fall
    winter frühling fruehling sommer herbst christmas weihnachten easter ostern birthday
    geburtstag today heute year jahr weekend holiday urlaub ferien football fussball fußball
    soccer baseball basketball hockey tennis golf monkey dragon tiger lion eagle adler bear
    horse dog hund cat katze mouse maus butterfly schmetterling unicorn einhorn princess
    prinzessin prince queen king angel engel star stern sunshine sonnenschein sun sonne moon
    mond flower blume rainbow regenbogen chocolate schokolade coffee kaffee beer bier pizza
    cookie banana orange music musik guitar rock metal superman batman spiderman pokemon
    starwars matrix hero ninja pirate hunter killer shadow schatten freedom freiheit lucky happy
    family familie baby schatz mama papa mother father house haus home mercedes porsche ferrari
    audi harley berlin hamburg münchen muenchen köln koeln wien zürich london paris deutschland
    germany austria england america europe bayern red rot blue blau green grün gruen black
    schwarz white weiss gold silver silber";

/// What a text is worth to somebody who also knows these words, in lower case.
pub(super) fn of(text: &str, personal: &[String]) -> usize {
    let chars: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    let personal: Vec<&str> = personal.iter().map(String::as_str).collect();
    // The cheapest way to put the text together up to each place, with the parts it takes.
    let mut cheapest: Vec<BTreeSet<String>> = vec![BTreeSet::new()];
    for end in 1..=chars.len() {
        let mut best: Option<BTreeSet<String>> = None;
        for begin in 0..end {
            let Some(part) = read(&chars, begin..end, &personal) else { continue };
            let Some(before) = cheapest.get(begin) else { continue };
            let mut parts = before.clone();
            // What stands between words is worth nothing.
            if !part.is_empty() {
                parts.insert(part);
            }
            if best.as_ref().is_none_or(|best| parts.len() < best.len()) {
                best = Some(parts);
            }
        }
        cheapest.push(best.unwrap_or_default());
    }
    cheapest.pop().unwrap_or_default().len()
}

/// What a part is, by which it is told from others: an empty text where it is worth nothing, and
/// none where it is more than one part.
fn read(all: &[char], place: Range<usize>, personal: &[&str]) -> Option<String> {
    let part = all.get(place.clone())?;
    let text = || Some(part.iter().collect());
    match part {
        [only] if !only.is_alphanumeric() => return Some(String::new()),
        [_] => return text(),
        [first, rest @ ..] if rest.iter().all(|one| one == first) => {
            return (part.len() >= WALK).then(|| first.to_string());
        }
        _ => {}
    }
    if part.len() <= NUMBER && part.iter().all(char::is_ascii_digit) {
        // A part of a longer number is not short.
        let before = place.start.checked_sub(1).and_then(|index| all.get(index));
        let beside = [before, all.get(place.end)];
        let is_whole = !beside.into_iter().flatten().any(char::is_ascii_digit);
        if is_whole {
            return text();
        }
    }
    if part.len() >= WALK && is_walk(part) {
        return text();
    }
    let mut words = WORDS.split_whitespace().chain(personal.iter().copied());
    words.find(|word| reads_as(part, word)).map(str::to_owned)
}

/// Whether these are keys beside each other, in either direction.
fn is_walk(part: &[char]) -> bool {
    let ahead: String = part.iter().collect();
    let back: String = part.iter().rev().collect();
    ROWS.iter().any(|row| row.contains(&ahead) || row.contains(&back))
}

/// Whether it is the word, also with digits and signs for letters.
fn reads_as(part: &[char], word: &str) -> bool {
    let mut letters = word.chars();
    let is_same = part.iter().all(|given| letters.next().is_some_and(|it| stands_for(*given, it)));
    is_same && letters.next().is_none()
}

fn stands_for(given: char, letter: char) -> bool {
    given == letter
        || matches!(
            (given, letter),
            ('0', 'o')
                | ('1' | '!' | '|', 'i' | 'l')
                | ('3' | '€', 'e')
                | ('4' | '@', 'a')
                | ('5' | '$', 's')
                | ('7' | '+', 't')
                | ('8', 'b')
                | ('9', 'g')
        )
}
