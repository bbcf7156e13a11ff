//! Records: the rows of a text, cell by cell, by strict rules for quotes.
//!
//! A quote opens only at the beginning of a cell. Inside, two quotes are one; behind the closing
//! one stands a separator or the end of the line. A quote elsewhere is text (`24" screen`). What
//! breaks these rules is a fault with its line, because whatever a lenient reader makes of it, some
//! rows become part of others.

use std::borrow::Cow;

const QUOTE: u8 = b'"';

/// One row of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record<'t> {
    /// The line that it begins on, counted from 1.
    pub(crate) line: u64,
    /// The line that it ends on.
    pub(crate) last_line: u64,
    /// Where its text lies, without the end of the last line.
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) cells: Vec<Cow<'t, str>>,
}

/// A quote that breaks the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QuoteFault {
    /// The line that it opens on.
    pub(crate) line: u64,
    /// The place of its cell in the row, counted from 0.
    pub(crate) cell: usize,
    /// The line that it ends on in the middle of a cell; none if it never does.
    pub(crate) ends_on: Option<u64>,
    /// Whether some quote stands behind a backslash.
    pub(crate) has_backslashes: bool,
}

/// Reads the rows of a text. Behind a fault it goes on at the next line, as if the quote were text,
/// to find more of them.
#[derive(Debug, Clone)]
pub(crate) struct Records<'t> {
    text: &'t str,
    separator: u8,
    at: usize,
    line: u64,
    width: usize,
}

impl<'t> Records<'t> {
    /// The rows from a place of the text on, which is the beginning of this line.
    pub(crate) fn new(text: &'t str, separator: u8, at: usize, line: u64) -> Self {
        Self { text, separator, at, line, width: 8 }
    }

    /// Where the next row is looked for, and its line.
    pub(crate) fn place(&self) -> (usize, u64) {
        (self.at, self.line)
    }

    /// The next cell, and whether the row goes on behind it.
    fn cell(&mut self) -> Result<(Cow<'t, str>, bool), QuoteFault> {
        let rest = &self.text.as_bytes()[self.at..];
        if rest.first() == Some(&QUOTE) {
            return self.quoted();
        }
        let is_end = |byte: &u8| *byte == self.separator || matches!(byte, b'\n' | b'\r');
        let start = self.at;
        let end = start + rest.iter().position(is_end).unwrap_or(rest.len());
        let goes_on = self.go_behind(end);
        Ok((Cow::Borrowed(&self.text[start..end]), goes_on))
    }

    fn quoted(&mut self) -> Result<(Cow<'t, str>, bool), QuoteFault> {
        let bytes = self.text.as_bytes();
        let (opened, opened_on) = (self.at, self.line);
        let (mut at, mut line) = (opened + 1, opened_on);
        let (mut has_doubled, mut has_backslashes) = (false, false);
        let fault = |ends_on, has_backslashes| QuoteFault {
            line: opened_on,
            cell: 0,
            ends_on,
            has_backslashes,
        };
        loop {
            match bytes.get(at) {
                None => return Err(self.resume(opened, fault(None, has_backslashes))),
                Some(&QUOTE) if bytes.get(at + 1) == Some(&QUOTE) => {
                    has_doubled = true;
                    at += 2;
                }
                Some(&QUOTE) => break,
                Some(_) => {
                    if let Some(next) = line_end(bytes, at) {
                        line += 1;
                        at = next;
                    } else {
                        has_backslashes |= bytes[at] == b'\\' && bytes.get(at + 1) == Some(&QUOTE);
                        at += 1;
                    }
                }
            }
        }
        let is_closed = match bytes.get(at + 1) {
            None => true,
            Some(byte) => *byte == self.separator || matches!(byte, b'\n' | b'\r'),
        };
        if !is_closed {
            return Err(self.resume(opened, fault(Some(line), has_backslashes)));
        }
        self.line = line;
        let goes_on = self.go_behind(at + 1);
        let inside = &self.text[opened + 1..at];
        let inside = if has_doubled { inside.replace("\"\"", "\"").into() } else { inside.into() };
        Ok((inside, goes_on))
    }

    /// Moves on behind a cell that ends here. Says whether its row goes on.
    fn go_behind(&mut self, end: usize) -> bool {
        let bytes = self.text.as_bytes();
        if bytes.get(end) == Some(&self.separator) {
            self.at = end + 1;
            return true;
        }
        self.at = end;
        if let Some(next) = line_end(bytes, end) {
            self.at = next;
            self.line += 1;
        }
        false
    }

    /// Moves on to the line behind the one of a quote.
    fn resume(&mut self, opened: usize, fault: QuoteFault) -> QuoteFault {
        let bytes = self.text.as_bytes();
        let rest = bytes[opened..].iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let end = rest.map_or(bytes.len(), |rest| opened + rest);
        self.at = line_end(bytes, end).unwrap_or(end);
        self.line = fault.line + 1;
        fault
    }
}

impl<'t> Iterator for Records<'t> {
    type Item = Result<Record<'t>, QuoteFault>;

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.text.as_bytes();
        // An empty line is no row.
        while let Some(next) = line_end(bytes, self.at) {
            self.at = next;
            self.line += 1;
        }
        if self.at >= bytes.len() {
            return None;
        }
        let (start, line) = (self.at, self.line);
        let mut cells = Vec::with_capacity(self.width);
        loop {
            match self.cell() {
                Ok((cell, goes_on)) => {
                    cells.push(cell);
                    if !goes_on {
                        break;
                    }
                }
                Err(fault) => return Some(Err(QuoteFault { cell: cells.len(), ..fault })),
            }
        }
        self.width = cells.len();
        let whole = self.text[start..self.at].trim_end_matches(['\n', '\r']);
        // The end of its last line was counted, unless the text ends without one.
        let has_end = whole.len() < self.at - start;
        let last_line = self.line - u64::from(has_end);
        Some(Ok(Record { line, last_line, start, end: start + whole.len(), cells }))
    }
}

/// Where the line behind this place begins, if a line ends exactly here: with CR, LF or both.
pub(crate) fn line_end(bytes: &[u8], at: usize) -> Option<usize> {
    match (bytes.get(at), bytes.get(at + 1)) {
        (Some(b'\r'), Some(b'\n')) => Some(at + 2),
        (Some(b'\r' | b'\n'), _) => Some(at + 1),
        (Some(_) | None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The first and the last line, and the cells.
    type Told = (u64, u64, Vec<String>);

    fn read(text: &str) -> Vec<Result<Told, QuoteFault>> {
        Records::new(text, b',', 0, 1)
            .map(|record| {
                record.map(|it| {
                    (it.line, it.last_line, it.cells.into_iter().map(Cow::into_owned).collect())
                })
            })
            .collect()
    }

    fn cells(text: &str) -> Vec<Vec<String>> {
        read(text).into_iter().map(|row| row.unwrap().2).collect()
    }

    fn fault(line: u64, cell: usize, ends_on: Option<u64>) -> QuoteFault {
        QuoteFault { line, cell, ends_on, has_backslashes: false }
    }

    fn faults(text: &str) -> Vec<QuoteFault> {
        read(text).into_iter().filter_map(Result::err).collect()
    }

    #[test]
    fn a_quote_that_is_opened_ends_its_cell_or_is_a_fault_with_its_line() {
        const HEAD: &str = "id,title,requester\n1,Mouse dead,r@a\n2,\"Monitor flickers,r@a\n";
        let ends_inside = format!("{HEAD}3,Salary slip,m@a\n4,\"Toner,t@a\n5,last,r@a\n");
        assert_eq!(faults(&ends_inside), [fault(3, 1, Some(5)), fault(5, 1, None)]);
        assert_eq!(faults(&format!("{HEAD}3,lost,r@a\n")), [fault(3, 1, None)]);
        let by_text = format!("{HEAD}3,Salary slip,m@a\n4,24\" screen wanted,t@a\n");
        assert_eq!(faults(&by_text), [fault(3, 1, Some(5))]);
        let escaped = faults("a,\"say \\\"hi\\\" to\",b\n");
        assert_eq!(escaped, [QuoteFault { has_backslashes: true, ..fault(1, 1, Some(1)) }]);
        assert_eq!(faults("a,\"b\" ,c\n"), [fault(1, 1, Some(1))]);
    }

    #[test]
    fn a_quote_in_the_middle_of_a_cell_is_text() {
        assert_eq!(cells("24\" screen,a\n"), [["24\" screen", "a"]]);
        assert_eq!(cells("\"24\"\" screen\",\"C:\\\"\n"), [["24\" screen", "C:\\"]]);
    }

    #[test]
    fn lines_are_counted_at_each_kind_of_end() {
        let read = read("a,b\r\n\r\n\"c\nd\",e\rf,\"g\r\rh\"");
        let read: Vec<_> = read.into_iter().map(Result::unwrap).collect();
        let lines: Vec<_> = read.iter().map(|(line, last, _)| (*line, *last)).collect();
        assert_eq!(lines, [(1, 1), (3, 4), (5, 7)]);
        assert_eq!(read[1].2, ["c\nd", "e"]);
    }

    #[test]
    fn an_empty_last_cell_is_one() {
        assert_eq!(cells("a,\nb,"), [["a", ""], ["b", ""]]);
    }

    proptest! {
        #[test]
        fn what_is_written_by_another_hand_is_read_back(
            rows in prop::collection::vec(prop::collection::vec("[a\u{e9},;\"\\\\ \r\n]{0,8}", 3), 0..8),
        ) {
            let mut writer = csv::WriterBuilder::new()
                .quote_style(csv::QuoteStyle::Always)
                .from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            prop_assert_eq!(cells(&text), rows);
        }

        #[test]
        fn no_text_is_read_for_ever_or_beyond_its_end(text in "[a,\"\r\n\u{e9}]{0,60}") {
            let lines = text.replace("\r\n", "\n").matches(['\r', '\n']).count() as u64 + 1;
            let mut before = 0;
            for record in Records::new(&text, b',', 0, 1) {
                let line = match record {
                    Ok(record) => {
                        prop_assert!(record.last_line >= record.line);
                        prop_assert!(record.last_line <= lines);
                        record.line
                    }
                    Err(fault) => fault.line,
                };
                prop_assert!(line >= before);
                before = line;
            }
        }
    }
}
