//! Sheets: files of rows under a header, plain or compressed with gzip, in whatever encoding and
//! with whatever separator.
//!
//! A sheet knows nothing of what its rows become. The file is read once, and looked through as a
//! whole before anything is made of its first row: what breaks it in one place makes other rows
//! wrong, too.

mod encoding;
mod records;
mod separator;

use std::borrow::Cow;
use std::fmt;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use encoding_rs::Encoding;
use flate2::read::MultiGzDecoder;
use waypost_policy::Digest;

use self::records::{QuoteFault, Record, Records};
pub(crate) use self::separator::Separator;

/// What a gzip file begins with, whatever it is called.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// So many faults are told at once.
const TOLD: usize = 20;

/// How a file is to be read, where somebody said so.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SheetOptions {
    pub(crate) encoding: Option<&'static Encoding>,
    pub(crate) separator: Option<Separator>,
}

/// A file that was read, and looked through.
#[derive(Debug)]
pub(crate) struct Sheet {
    /// The digest of the file as it lies there.
    pub(crate) digest: Digest,
    /// The names of the columns.
    pub(crate) header: Vec<String>,
    /// How many rows follow the header.
    pub(crate) rows: u64,
    pub(crate) encoding: &'static str,
    pub(crate) separator: Separator,
    /// What makes it impossible to say which text belongs to which row, each with its line.
    pub(crate) faults: Vec<String>,
    text: String,
    /// Where rows are no text in the file's encoding.
    broken: Vec<usize>,
    /// Where the rows begin, and on which line.
    body: (usize, u64),
    last_line: u64,
    /// How many rows have several lines.
    spanning: u64,
    /// How many rows hold nothing but separators, as spreadsheets write beyond the last one. They
    /// are no rows.
    blank: u64,
}

/// One row, as it stands in a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SheetRow<'s> {
    /// Its number, counted from 1.
    pub(crate) row: u64,
    /// The line that it begins on.
    pub(crate) line: u64,
    /// As many cells as the header has; or why it is no row.
    pub(crate) cells: Result<Vec<Cow<'s, str>>, String>,
}

impl Sheet {
    /// Reads a file. `is_known` says of which columns something can be made, which tells
    /// separators apart.
    pub(crate) fn open(
        path: &Path,
        options: SheetOptions,
        is_known: &dyn Fn(&str) -> bool,
    ) -> Result<Self> {
        let reading = || format!("reading {}", path.display());
        let bytes = std::fs::read(path).with_context(reading)?;
        let digest = Digest::of(&bytes);
        let bytes = if bytes.starts_with(&GZIP) {
            let mut plain = Vec::new();
            MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).with_context(reading)?;
            plain
        } else {
            bytes
        };
        Self::read(bytes, digest, options, is_known)
            .map_err(|message| anyhow!(message).context(reading()))
    }

    fn read(
        bytes: Vec<u8>,
        digest: Digest,
        options: SheetOptions,
        is_known: &dyn Fn(&str) -> bool,
    ) -> Result<Self, String> {
        let encoding::Decoded { text, encoding, broken } =
            encoding::decode(bytes, options.encoding)?;
        let (noted, start) =
            separator::noted(&text).map_or((None, 0), |(noted, start)| (Some(noted), start));
        let separator = match options.separator.or(noted) {
            Some(separator) => separator,
            None => separator::recognize(&text, start, is_known)?,
        };
        let mut records =
            Records::new(&text, separator.byte(), start, if start > 0 { 2 } else { 1 });
        let header = match records.next() {
            Some(Ok(record)) => record.cells.into_iter().map(Cow::into_owned).collect(),
            Some(Err(fault)) => return Err(told(fault, None)),
            None => Vec::<String>::new(),
        };
        if header.iter().all(|name| name.trim().is_empty()) {
            return Err("the file has no header; its first line names the columns".to_owned());
        }
        let body = records.place();
        let mut sheet = Self {
            digest,
            header,
            rows: 0,
            encoding,
            separator,
            faults: Vec::new(),
            text: String::new(),
            broken,
            body,
            last_line: body.1 - 1,
            spanning: 0,
            blank: 0,
        };
        for record in records {
            if is_blank(&record) {
                sheet.blank += 1;
                continue;
            }
            sheet.rows += 1;
            match record {
                Ok(record) => {
                    sheet.last_line = record.last_line;
                    sheet.spanning += u64::from(record.last_line > record.line);
                }
                Err(fault) => {
                    sheet.last_line = fault.line;
                    if sheet.faults.len() < TOLD {
                        let column = sheet.header.get(fault.cell).map(String::as_str);
                        sheet.faults.push(told(fault, Some((sheet.rows, column))));
                    }
                }
            }
        }
        sheet.text = text;
        Ok(sheet)
    }

    /// The rows, in their order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = SheetRow<'_>> {
        self.records().zip(1..).map(|(record, row)| match record {
            Ok(record) => SheetRow { row, line: record.line, cells: self.whole(record) },
            Err(fault) => SheetRow { row, line: fault.line, cells: Err(told(fault, None)) },
        })
    }

    /// The rows that have several lines of which one reads as a row of its own, so that their
    /// quotes may be balanced by accident. `is_row` says what reads as one.
    pub(crate) fn swallowed(&self, is_row: &dyn Fn(&[&str]) -> bool) -> Vec<String> {
        let separator = char::from(self.separator.byte());
        let mut found = Vec::new();
        for (record, row) in self.records().zip(1_u64..) {
            let Ok(record) = record else { continue };
            if record.last_line == record.line {
                continue;
            }
            let text = self.text[record.start..record.end].replace("\r\n", "\n");
            let mut lines = text.split(['\n', '\r']).zip(record.line..).skip(1);
            let suspect = lines.find(|(line, _)| {
                let cells: Vec<&str> = line.split(separator).collect();
                cells.len() == self.header.len() && is_row(&cells)
            });
            if let Some((_, line)) = suspect {
                found.push(format!(
                    "row {row} has lines {} to {}, and line {line} reads as a row of its own: a quote may be missing; if \
                     the text is right, add --long-cells",
                    record.line, record.last_line
                ));
            }
            if found.len() == TOLD {
                break;
            }
        }
        found
    }

    fn records(&self) -> impl Iterator<Item = Result<Record<'_>, QuoteFault>> {
        let (at, line) = self.body;
        let records = Records::new(&self.text, self.separator.byte(), at, line);
        records.filter(|record| !is_blank(record))
    }

    /// The cells of a row that has as many as the header, all of them text.
    fn whole<'s>(&self, record: Record<'s>) -> Result<Vec<Cow<'s, str>>, String> {
        let (has, wanted) = (record.cells.len(), self.header.len());
        if has != wanted {
            return Err(format!("The row has {has} columns, the header has {wanted}."));
        }
        let next = self.broken.partition_point(|at| *at < record.start);
        if self.broken.get(next).is_some_and(|at| *at < record.end) {
            let column = record.cells.iter().position(|cell| cell.contains('\u{fffd}'));
            let column = column.map_or(1, |place| place + 1);
            return Err(format!("Column {column} holds bytes that are no {}.", self.encoding));
        }
        Ok(record.cells)
    }
}

/// Whether a row holds nothing but separators and blanks.
fn is_blank(record: &Result<Record<'_>, QuoteFault>) -> bool {
    record.as_ref().is_ok_and(|record| record.cells.iter().all(|cell| cell.trim().is_empty()))
}

/// What was recognized: `UTF-8, separated by commas, 3 columns, 1,204 rows on 1,310 lines`.
impl fmt::Display for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { encoding, separator, rows, last_line, spanning, blank, .. } = self;
        write!(f, "{encoding}, ")?;
        match self.header.len() {
            1 => f.write_str("1 column")?,
            columns => write!(f, "separated by {separator}, {columns} columns")?,
        }
        write!(f, ", {rows} {} on {last_line} lines", if *rows == 1 { "row" } else { "rows" })?;
        match spanning {
            0 => {}
            1 => f.write_str("; 1 row has several lines")?,
            many => write!(f, "; {many} rows have several lines")?,
        }
        match blank {
            0 => Ok(()),
            1 => f.write_str("; 1 blank row skipped"),
            many => write!(f, "; {many} blank rows skipped"),
        }
    }
}

/// What a broken quote is told as. The place is its row and column, if it is in no header.
fn told(fault: QuoteFault, place: Option<(u64, Option<&str>)>) -> String {
    let place = match place {
        Some((row, Some(column))) => format!("line {} (row {row}, column {column})", fault.line),
        Some((row, None)) => format!("line {} (row {row})", fault.line),
        None => format!("line {}", fault.line),
    };
    let mut message = match fault.ends_on {
        None => format!("{place}: a quote is opened here and never closed"),
        Some(line) => format!(
            "{place}: the quote opened here ends on line {line} in the middle of a cell; double it there (\"\"), or \
             remove the one here"
        ),
    };
    if fault.has_backslashes {
        message.push_str(
            "; the file seems to mark quotes with backslashes: export it with doubled quotes",
        );
    }
    message
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const TEXT: &[u8] = b"id,text\n1,\"two\nlines\"\n2\n3,M\xc3\xbchle\n4,\xff\n5,last\n";

    fn sheet(bytes: &[u8]) -> Result<Sheet, String> {
        Sheet::read(bytes.to_vec(), Digest::of(bytes), SheetOptions::default(), &|_| false)
    }

    fn rows(sheet: &Sheet) -> Vec<(u64, u64, Result<Vec<String>, String>)> {
        let owned = |cells: Vec<Cow<'_, str>>| cells.into_iter().map(Cow::into_owned).collect();
        sheet.rows().map(|it| (it.row, it.line, it.cells.map(owned))).collect()
    }

    /// As spreadsheets write what lies beyond the last row.
    #[test]
    fn a_row_of_nothing_but_separators_is_none() {
        let sheet = sheet(b"id,text\n,\n1,one\n \t, \xc2\xa0\n\"\",\"\"\n2,\n,\n,\n").unwrap();
        assert_eq!((sheet.rows, sheet.blank), (2, 5));
        let rows: Vec<_> = sheet.rows().map(|row| (row.row, row.line)).collect();
        assert_eq!(rows, [(1, 3), (2, 6)]);
        assert!(sheet.to_string().ends_with("; 5 blank rows skipped"), "{sheet}");
    }

    #[test]
    fn a_bad_row_is_refused_and_the_others_are_read() {
        // As many letters beyond ASCII as broken places, or more, are UTF-8.
        let text = [TEXT, b"6,\xc3\xa4\n"].concat();
        let sheet = sheet(&text).unwrap();
        let rows = rows(&sheet);
        assert_eq!((sheet.rows, rows.len(), sheet.faults.len()), (6, 6, 0));
        assert_eq!(rows[0], (1, 2, Ok(vec!["1".to_owned(), "two\nlines".to_owned()])));
        let short = "The row has 1 columns, the header has 2.";
        assert_eq!(rows[1], (2, 4, Err(short.to_owned())));
        let broken = "Column 2 holds bytes that are no UTF-8.";
        assert_eq!(rows[3], (4, 6, Err(broken.to_owned())));
        assert_eq!(rows[4].2.as_ref().unwrap()[1], "last");
    }

    #[test]
    fn what_was_recognized_is_told() {
        let sheet = sheet("a;b\n1;2\n\n3;\"4\n5\"\n".as_bytes()).unwrap();
        assert_eq!(
            sheet.to_string(),
            "UTF-8, separated by semicolons, 2 columns, 2 rows on 5 lines; 1 row has several lines"
        );
    }

    #[test]
    fn a_compressed_file_is_known_by_its_content() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("tickets.csv");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"id,text\n1,a\n").unwrap();
        std::fs::write(&path, gzip.finish().unwrap()).unwrap();
        let compressed = Sheet::open(&path, SheetOptions::default(), &|_| false).unwrap();
        let plain = sheet(b"id,text\n1,a\n").unwrap();
        assert_eq!(rows(&compressed), rows(&plain));
        assert_ne!(compressed.digest, plain.digest);
    }

    #[test]
    fn a_mark_or_a_noted_separator_is_no_part_of_the_first_column_s_name() {
        let marked = sheet(b"\xef\xbb\xbfTitle,Body\nPrinter,on fire\n").unwrap();
        assert_eq!(marked.header, ["Title", "Body"]);
        let noted = sheet(b"sep=|\r\nTitle|Body\r\nPrinter|on fire\r\n").unwrap();
        assert_eq!(noted.header, ["Title", "Body"]);
        assert_eq!(rows(&noted)[0].1, 3, "lines are those of the file");
    }

    #[test]
    fn a_file_without_a_header_is_refused() {
        for text in ["", "\n\n", " , \n1,2\n"] {
            let told = sheet(text.as_bytes()).unwrap_err();
            assert!(told.ends_with("has no header; its first line names the columns"), "{told}");
        }
    }

    #[test]
    fn a_broken_quote_is_told_with_its_line_row_and_column() {
        let sheet = sheet(b"id,title\n1,ok\n2,\"a\n3,b\n4,\"c,d\n").unwrap();
        assert_eq!(
            sheet.faults,
            [
                "line 3 (row 2, column title): the quote opened here ends on line 5 in the middle of a cell; double it \
                 there (\"\"), or remove the one here",
                "line 5 (row 4, column title): a quote is opened here and never closed",
            ]
        );
    }

    #[test]
    fn quotes_that_are_balanced_by_accident_are_suspected() {
        let sheet =
            sheet(b"id,title,mail\n1,\"a,r@a\n2,b,m@a\n3,c\",t@a\n4,\"d\ne\",r@a\n").unwrap();
        let swallowed = sheet.swallowed(&|cells| cells[2].contains('@'));
        assert_eq!(swallowed.len(), 1, "{swallowed:?}");
        let expected = "row 1 has lines 2 to 4, and line 3 reads as a row of its own";
        assert!(swallowed[0].starts_with(expected), "{swallowed:?}");
    }
}
