//! What a password is worth to whoever has to guess it: how many of its parts have to be.
//!
//! A part is a common word, also with digits for letters, a year or another short number, a walk
//! over the keyboard, the same character again and again, or one other character. What is said
//! twice is said once.

use std::{collections::HashMap, sync::LazyLock};

/// The fewest characters of a walk, and of a repetition.
const WALK: usize = 3;
/// A longer number is no year, day or count.
const NUMBER: usize = 4;
/// Behind a word, a longer number is no day with its year.
const DATE: usize = 8;

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

/// First names, cities and clubs, which people put a year or a day behind.
const NAMES: &str = "
    michael thomas andreas stefan stephan peter martin daniel christian sebastian alexander
    maximilian max felix lukas lucas leon luca paul jonas julian david simon tobias florian
    markus matthias johannes jan tim tom tommy robert john james william george jack harry
    oliver charlie charles joseph joshua andrew matthew anthony kevin brian jason justin ryan
    anna maria julia laura lisa lena lea sarah sara hannah hanna emma mia emilia sophie sofia
    marie katharina christina nicole sandra stefanie stephanie susanne petra monika sabine
    claudia andrea martina barbara jennifer jessica ashley michelle elizabeth emily olivia
    charlotte victoria daniela melanie nadine
    frankfurt stuttgart düsseldorf duesseldorf dortmund essen leipzig dresden hannover nürnberg
    nuernberg bremen bochum graz salzburg innsbruck zuerich basel bern geneva genf newyork
    boston chicago dallas manchester liverpool birmingham edinburgh dublin madrid barcelona
    rome milan amsterdam prague moscow tokyo sydney
    schalke borussia bvb werder hertha eintracht bayer bayernmünchen bayernmuenchen juventus
    arsenal chelsea tottenham everton celtic rangers realmadrid yankees lakers cowboys steelers
    rapid austria";

/// The words by their first letter, so that few are compared.
static KNOWN: LazyLock<HashMap<char, Vec<Vec<char>>>> = LazyLock::new(|| {
    let mut known: HashMap<char, Vec<Vec<char>>> = HashMap::new();
    for word in WORDS.split_whitespace().chain(NAMES.split_whitespace()) {
        let word: Vec<char> = word.chars().collect();
        if let Some(first) = word.first() {
            known.entry(*first).or_default().push(word);
        }
    }
    known
});

static KEYS: LazyLock<Vec<Vec<char>>> =
    LazyLock::new(|| ROWS.iter().map(|row| row.chars().collect()).collect());

/// Whether a text is worth so many parts to somebody who also knows these words, in lower case.
///
/// What is worth more is not looked at any further, so that nothing takes long: not 128 odd
/// characters either.
pub(super) fn is_worth(text: &str, least: usize, personal: &[String]) -> bool {
    let chars: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    let personal: Vec<Vec<char>> = personal.iter().map(|word| word.chars().collect()).collect();
    // The cheapest way to put the text together up to each place, with the parts it takes; none
    // where it takes as many as are needed.
    let mut cheapest: Vec<Option<Vec<String>>> = vec![None; chars.len() + 1];
    cheapest[0] = (least > 0).then(Vec::new);
    for begin in 0..chars.len() {
        let Some(before) = cheapest[begin].take() else { continue };
        for (length, part) in parts(&chars, begin, &personal) {
            // What stands between words is worth nothing, and what was said before neither.
            let is_new = !part.is_empty() && !before.contains(&part);
            let count = before.len() + usize::from(is_new);
            let Some(best) = cheapest.get_mut(begin + length) else { continue };
            if count < best.as_ref().map_or(least, Vec::len) {
                let mut parts = before.clone();
                parts.extend(is_new.then_some(part));
                *best = Some(parts);
            }
        }
    }
    cheapest.pop().flatten().is_none()
}

/// The parts that begin at a place: how long each is, and what it is, by which it is told from
/// others; an empty text where it is worth nothing.
fn parts(all: &[char], begin: usize, personal: &[Vec<char>]) -> Vec<(usize, String)> {
    let (before, rest) = all.split_at(begin);
    let Some(first) = rest.first() else { return Vec::new() };
    let text = |length: usize| (length, rest.iter().take(length).collect());
    let mut found = vec![if first.is_alphanumeric() { text(1) } else { (1, String::new()) }];
    let same = rest.iter().take_while(|one| *one == first).count();
    // Longer repetitions are put together from these.
    found.extend((WALK..=same.min(2 * WALK - 1)).map(|length| (length, first.to_string())));
    let digits = rest.iter().take_while(|one| one.is_ascii_digit()).count();
    // A part of a longer number is not short.
    let is_begin = before.last().is_none_or(|one| !one.is_ascii_digit());
    if is_begin && (1..=longest_number(before)).contains(&digits) {
        found.push(text(digits));
    }
    found.extend((WALK..=longest_walk(rest)).map(text));
    let letters = ('a'..='z').filter(|letter| letter != first && stands_for(*first, *letter));
    let known = letters.chain([*first]).filter_map(|letter| KNOWN.get(&letter)).flatten();
    for word in known.chain(personal) {
        if reads_as(rest, word) {
            found.push((word.len(), word.iter().collect()));
        }
    }
    found
}

/// How many digits count as one: behind a word, it may be a whole date.
fn longest_number(before: &[char]) -> usize {
    let word = match before {
        [rest @ .., between] if !between.is_alphanumeric() => rest,
        all => all,
    };
    if word.last().is_some_and(|one| one.is_alphabetic()) { DATE } else { NUMBER }
}

/// How far these are keys beside each other, in either direction.
fn longest_walk(rest: &[char]) -> usize {
    fn steps<'a>(rest: &[char], keys: impl Iterator<Item = &'a char>) -> usize {
        rest.iter().zip(keys).take_while(|(one, key)| one == key).count()
    }
    let Some(first) = rest.first() else { return 0 };
    let mut longest = 0;
    for row in KEYS.iter() {
        for (place, _) in row.iter().enumerate().filter(|(_, key)| *key == first) {
            let (ahead, back) = (row.iter().skip(place), row.iter().take(place + 1).rev());
            longest = longest.max(steps(rest, ahead)).max(steps(rest, back));
        }
    }
    longest
}

/// Whether it begins with the word, also with digits and signs for letters.
fn reads_as(rest: &[char], word: &[char]) -> bool {
    rest.len() >= word.len()
        && rest.iter().zip(word).all(|(given, letter)| stands_for(*given, *letter))
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
