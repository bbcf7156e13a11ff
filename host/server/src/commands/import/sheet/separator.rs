//! Separators: what stands between the cells of a row.

use std::fmt;
use std::str::FromStr;

use super::records::Records;

/// What stands between two cells: one ASCII character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Separator(u8);

/// What files are written with.
const USUAL: [(u8, &str, &str); 4] = [
    (b',', "comma", "commas"),
    (b';', "semicolon", "semicolons"),
    (b'\t', "tab", "tabs"),
    (b'|', "pipe", "pipes"),
];

/// So many rows tell whether all have as many cells as the header.
const LOOKED_AT: usize = 200;

impl Separator {
    /// The most usual one.
    pub(crate) const COMMA: Self = Self(b',');

    /// As it stands in the text.
    pub(crate) fn byte(self) -> u8 {
        self.0
    }
}

impl FromStr for Separator {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((byte, ..)) = USUAL.iter().find(|(_, name, _)| *name == text) {
            return Ok(Self(*byte));
        }
        match text.as_bytes() {
            [byte] if !matches!(byte, b'"' | b'\r' | b'\n' | 0) => Ok(Self(*byte)),
            _ => {
                let names = USUAL.map(|(_, name, _)| name).join(", ");
                Err(format!("use one of: {names}; or one other ASCII character"))
            }
        }
    }
}

impl fmt::Display for Separator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match USUAL.iter().find(|(byte, ..)| *byte == self.0) {
            Some((.., many)) => f.write_str(many),
            None => write!(f, "`{}`", char::from(self.0)),
        }
    }
}

/// The separator that a spreadsheet notes in a line of its own before the header (`sep=;`), and
/// where the text goes on behind that.
pub(crate) fn noted(text: &str) -> Option<(Separator, usize)> {
    let line = text.lines().next()?;
    let (name, value) = line.split_at_checked("sep=".len())?;
    let separator = value.parse().ok().filter(|_| name.eq_ignore_ascii_case("sep="))?;
    let end = text[line.len()..].find('\n').map_or(text.len(), |end| line.len() + end + 1);
    Some((separator, end))
}

/// Recognizes the separator of a text: the one that gives a header of several names, of which
/// `is_known` knows the most, and as many cells in each row.
pub(crate) fn recognize(
    text: &str,
    at: usize,
    is_known: &dyn Fn(&str) -> bool,
) -> Result<Separator, String> {
    let mut found: Vec<((usize, usize), Separator)> = Vec::new();
    for (byte, ..) in USUAL {
        let mut records = Records::new(text, byte, at, 1).take(LOOKED_AT + 1);
        let Some(Ok(header)) = records.next() else { continue };
        let columns = header.cells.len();
        if columns < 2 {
            continue;
        }
        let known = header.cells.iter().filter(|name| is_known(name)).count();
        let (mut rows, mut whole) = (0, 0);
        for record in records {
            rows += 1;
            whole += usize::from(record.is_ok_and(|record| record.cells.len() == columns));
        }
        // Out of a thousand; a sheet without rows is as good as one whose rows all fit.
        let fitting = (whole * 1_000).checked_div(rows).unwrap_or(1_000);
        found.push(((known, fitting), Separator(byte)));
    }
    found.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
    match found.as_slice() {
        [] => Ok(Separator::COMMA),
        [(best, one), (next, other), ..] if best == next => Err(format!(
            "the cells may be separated by {one} or by {other}; say which with --separator"
        )),
        [(_, best), ..] => Ok(*best),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TITLED: &str = "Nummer;Titel;Kunde\n1;Drucker, der raucht;r@a\n2;\"a;b\";t@a\n";

    fn of(text: &str) -> Result<Separator, String> {
        recognize(text, 0, &|name| name == "title")
    }

    #[test]
    fn the_separator_is_the_one_of_which_every_row_has_as_many() {
        for (byte, name, many) in USUAL {
            let text = TITLED.replace(',', ".").replace(';', &char::from(byte).to_string());
            let separator = of(&text).unwrap();
            assert_eq!((separator.byte(), separator.to_string()), (byte, many.to_owned()));
            assert_eq!(name.parse(), Ok(separator));
        }
        assert_eq!(of(TITLED).map(Separator::byte), Ok(b';'));
        assert_eq!(of("text\na, b\n").map(Separator::byte), Ok(b','));
    }

    #[test]
    fn names_that_are_known_tell_more_than_rows() {
        let text = "id,title;x\n1,a\n2,b\n";
        assert_eq!(recognize(text, 0, &|name| name == "id").map(Separator::byte), Ok(b','));
    }

    #[test]
    fn what_may_be_two_is_asked_for() {
        let told = of("a,b;c,d\n1,2;3,4\n").map(Separator::byte);
        assert_eq!(
            told,
            Err(
                "the cells may be separated by commas or by semicolons; say which with --separator"
                    .to_owned()
            )
        );
    }

    #[test]
    fn a_separator_that_is_noted_is_no_row() {
        assert_eq!(noted("sep=;\r\na;b\r\n"), Some((Separator(b';'), 7)));
        assert_eq!(noted("SEP=\t\na\tb\n"), Some((Separator(b'\t'), 6)));
        assert_eq!(noted("separator;x\n"), None);
        assert_eq!(noted("s\u{e9}p\n"), None);
    }

    #[test]
    fn a_separator_is_one_character() {
        assert_eq!("^".parse::<Separator>().map(|it| it.to_string()), Ok("`^`".to_owned()));
        for wrong in ["", "ab", "\"", "\u{a7}"] {
            assert!(wrong.parse::<Separator>().unwrap_err().contains("semicolon"), "{wrong}");
        }
    }
}
