//! Passwords: what may be one, and how often one may be tried.
//!
//! A good password is long. Nothing is asked of its characters but that they are no common ones: a
//! word, a year, a walk over the keyboard or its owner's name is worth no more than one character
//! of its own.

use chrono::{DateTime, TimeDelta, Utc};
use unicode_normalization::UnicodeNormalization;

use crate::{
    ids::{OrgId, PersonId},
    refusal::FieldFault,
    said,
};

mod worth;

/// The shortest password, in characters.
pub const MIN_CHARS: usize = 12;
/// The longest password, in characters; longer ones cost whoever checks them, and help nobody.
pub const MAX_CHARS: usize = 128;
/// A password has to be worth so many characters: see [`Password::weakness`].
const MIN_WORTH: usize = 5;

/// How often a password may be tried at one address within [`TRY_WINDOW`].
pub const MAX_TRIES: u32 = 5;
/// The time that begins with the first try, and in which tries are counted.
pub const TRY_WINDOW: TimeDelta = TimeDelta::minutes(15);
/// The passwords of so many accounts with one address are compared with what is given, never
/// fewer: an address that nobody has takes as long.
pub const COMPARED: usize = 3;

/// A password as somebody gave it. No log shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// What was typed, in one of the ways in which keyboards write it.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(text.nfkc().collect())
    }

    /// What is hashed.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Why it can't be its owner's password; none where it can.
    #[must_use]
    pub fn weakness(&self, owner: &Owner<'_>) -> Option<Weakness> {
        let length = self.0.chars().count();
        if length < MIN_CHARS {
            return Some(Weakness::TooShort);
        }
        if length > MAX_CHARS {
            return Some(Weakness::TooLong);
        }
        if worth::is_worth(&self.0, MIN_WORTH, &owner.words()) {
            return None;
        }
        let is_anybodys = !worth::is_worth(&self.0, MIN_WORTH, &[]);
        Some(if is_anybodys { Weakness::Common } else { Weakness::Personal })
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Whose password it is to be.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// Their name.
    pub name: &'a str,
    /// Their address, if they have one.
    pub email: Option<&'a str>,
    /// The key of their organization.
    pub org_key: &'a str,
    /// Its name.
    pub org_name: &'a str,
}

impl Owner<'_> {
    /// The words that anybody tries first who knows the owner.
    fn words(&self) -> Vec<String> {
        let texts = [self.name, self.email.unwrap_or_default(), self.org_key, self.org_name];
        let parts = texts.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
        let mut words: Vec<String> =
            parts.filter(|part| part.chars().count() >= 3).map(str::to_lowercase).collect();
        let address = self.email.unwrap_or_default().to_lowercase();
        let user = address.split('@').next().unwrap_or_default().to_owned();
        words.extend([address, user].into_iter().filter(|whole| !whole.is_empty()));
        words
    }
}

/// Why a text can't be somebody's password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// It has fewer than [`MIN_CHARS`] characters.
    TooShort,
    /// It has more than [`MAX_CHARS`] characters.
    TooLong,
    /// It is one of those that are tried first.
    Common,
    /// It is made of its owner's name, address or organization.
    Personal,
}

impl Weakness {
    /// The same as a fault of a field.
    #[must_use]
    pub fn fault(self, pointer: &str) -> FieldFault {
        let (code, message) = match self {
            Self::TooShort => (
                "too-short",
                said!("It is too short; use at least {least} characters.", least = MIN_CHARS),
            ),
            Self::TooLong => (
                "too-long",
                said!("It is too long; use at most {most} characters.", most = MAX_CHARS),
            ),
            Self::Common => {
                ("common", said!("It is easy to guess; use several words that don't go together."))
            }
            Self::Personal => (
                "personal",
                said!("It is made of your name, address or organization; use other words."),
            ),
        };
        FieldFault { pointer: pointer.to_owned(), code, message }
    }
}

/// A password as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    /// The organization of the person.
    pub org: OrgId,
    /// Whose it is.
    pub person: PersonId,
    /// What is left of it: a PHC string, which names the function and what it cost.
    pub phc: String,
    /// When it was set.
    pub set_at: DateTime<Utc>,
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordHash").field("person", &self.person).finish_non_exhaustive()
    }
}

/// How often a password was tried at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    /// When the first of them was.
    pub since: DateTime<Utc>,
    /// How many there were, the last one included.
    pub count: u32,
}

impl Tries {
    /// Until when no more are answered; none while another one is.
    #[must_use]
    pub fn refused_until(&self) -> Option<DateTime<Utc>> {
        (self.count > MAX_TRIES).then(|| self.since + TRY_WINDOW)
    }

    /// Whether there were so many that whose password it is has to hear of it: this is the last one
    /// that is answered for now, or one after it.
    #[must_use]
    pub fn warns(&self) -> bool {
        self.count >= MAX_TRIES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Owner<'_> = Owner {
        name: "Ada Abelmann",
        email: Some("ada.abelmann@acme-corp.example"),
        org_key: "acme",
        org_name: "Acme Rockets",
    };

    fn weakness(text: &str) -> Option<Weakness> {
        Password::of(text).weakness(&OWNER)
    }

    #[test]
    fn what_is_a_bad_password() {
        let table: &[(Option<Weakness>, &[&str])] = &[
            (Some(Weakness::TooShort), &["", "k7#wqz", "k7#wqz9!xm2", "ääääääääääï"]),
            (
                Some(Weakness::Common),
                &[
                    "passwordpassword",
                    "Password1234!",
                    "P@ssw0rd2024!",
                    "Passwort-2025",
                    "Willkommen123!",
                    "Sommer2026!!!!",
                    "summer winter",
                    "MondayTuesday1",
                    "qwertzuiop12",
                    "qwertyqwerty",
                    "asdfghjklöäü",
                    "1qay2wsx3edc",
                    "123456789012",
                    "987654321098",
                    "abcdefghijkl",
                    "aaaaaaaaaaaa",
                    "abababababab",
                    "iloveyou2024",
                    "letmein letmein",
                    "admin-admin-admin",
                    "Fussball1990!",
                    "Michael1987!",
                    "jennifer24121987",
                    "Julia-24.12.1987",
                    "charlotte-19871224",
                    "Stuttgart2025",
                    "Liverpool1892",
                    "schalke04schalke04",
                    "borussia 1909 bvb",
                    "M4nch3ster2024!",
                ],
            ),
            (
                Some(Weakness::Personal),
                &[
                    "ada.abelmann@acme-corp.example",
                    "Abelmann1990!",
                    "Acme-Rockets-2026",
                    "acmeacmeacme1",
                    "ada+acme+2026",
                ],
            ),
            (
                None,
                &[
                    "correct horse battery staple",
                    "k7#wqz9!xm2r",
                    "vierzehn blaue Teekannen",
                    "the cat sat on a mat",
                    "password but longer than you think",
                    "7346190258473",
                    "michael 734619025",
                    "Anna and Paul dig in Graz",
                    "Ада любит ракеты",
                    "Abelmann grows purple turnips",
                ],
            ),
        ];
        for (expected, texts) in table {
            for text in *texts {
                assert_eq!(weakness(text), *expected, "{text}");
            }
        }
        assert_eq!(weakness(&"k7#wqz9!".repeat(16)), None);
        assert_eq!(weakness(&format!("{}x", "k7#wqz9!".repeat(16))), Some(Weakness::TooLong));
    }

    #[test]
    fn no_password_takes_long_to_look_at() {
        let odd: String = (0..128).filter_map(|n| char::from_u32(0x3b1 + n * 37)).collect();
        let keys = "1234567890".repeat(12) + "12345678";
        let texts = [odd, "a1!".repeat(42) + "ab", "a".repeat(128), "l1".repeat(64), keys];
        let _ = weakness("the words are split once");
        for text in texts {
            let begin = std::time::Instant::now();
            let _ = weakness(&text);
            // Not a measurement: what once took a whole list of words for each part took seconds.
            assert!(begin.elapsed().as_millis() < 250, "{text}: {:?}", begin.elapsed());
        }
    }

    #[test]
    fn a_password_is_the_same_on_every_keyboard() {
        assert_eq!(Password::of("Mu\u{308}hlrad ﬁndet"), Password::of("Mühlrad findet"));
    }

    #[test]
    fn nothing_that_is_printed_shows_a_password() {
        let hash = PasswordHash {
            org: OrgId(uuid::Uuid::nil()),
            person: PersonId(uuid::Uuid::nil()),
            phc: "$argon2id$secret".to_owned(),
            set_at: DateTime::UNIX_EPOCH,
        };
        let printed = format!("{:?} {hash:?}", Password::of("a secret of mine"));
        assert!(!printed.contains("secret"), "{printed}");
    }

    #[test]
    fn five_tries_are_answered_and_the_next_one_is_told_when_to_come_back() {
        let tries = |count| Tries { since: DateTime::UNIX_EPOCH, count };
        assert_eq!(tries(5).refused_until(), None);
        assert!(!tries(4).warns() && tries(5).warns() && tries(6).warns());
        assert_eq!(tries(6).refused_until(), Some(DateTime::UNIX_EPOCH + TimeDelta::minutes(15)));
    }
}
