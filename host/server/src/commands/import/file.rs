//! The file: rows of CSV, plain or compressed with gzip.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use csv::{ByteRecord, StringRecord};
use flate2::read::MultiGzDecoder;
use waypost_policy::Digest;

/// What a gzip file begins with, whatever it is called.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A CSV file that was read through once.
#[derive(Debug)]
pub(crate) struct SourceFile {
    path: PathBuf,
    /// The digest of the file as it lies there.
    pub(crate) digest: Digest,
    /// How many rows follow the header.
    pub(crate) rows: u64,
    /// The names of the columns.
    pub(crate) header: StringRecord,
}

/// One row: its text, or why it is none.
pub(crate) type Row = Result<StringRecord, String>;

impl SourceFile {
    /// Reads the file once: to know it again, and to know how far an import is.
    pub(crate) fn inspect(path: &Path) -> Result<Self> {
        let shown = path.display();
        let bytes = std::fs::read(path).with_context(|| format!("reading {shown}"))?;
        let digest = Digest::of(&bytes);
        drop(bytes);
        let mut reader = open(path).with_context(|| format!("reading {shown}"))?;
        let header = reader.headers().with_context(|| format!("reading the header of {shown}"))?;
        // Some programs mark a file as UTF-8 at its beginning; that is no part of the first name.
        let unmarked = |name: &str| name.trim_start_matches('\u{feff}').to_owned();
        let header: StringRecord = header.iter().map(unmarked).collect();
        if header.iter().all(|name| name.trim().is_empty()) {
            bail!("{shown} has no header; its first line names the columns");
        }
        let mut rows = 0;
        let mut record = ByteRecord::new();
        while reader.read_byte_record(&mut record).with_context(|| format!("reading {shown}"))? {
            rows += 1;
        }
        Ok(Self { path: path.to_owned(), digest, rows, header })
    }

    /// The rows with their numbers, the first after the header being 1.
    pub(crate) fn rows(&self) -> Result<impl Iterator<Item = Result<(u64, Row)>>> {
        let shown = self.path.display().to_string();
        let reader = open(&self.path).with_context(|| format!("reading {shown}"))?;
        let columns = self.header.len();
        let rows = reader.into_byte_records().zip(1..).map(move |(record, number)| {
            let record = record.with_context(|| format!("reading row {number} of {shown}"))?;
            Ok((number, check(record, columns)))
        });
        Ok(rows)
    }

    /// The file's name without folder and endings.
    pub(crate) fn stem(&self) -> String {
        let name = self.path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        name.split('.').next().unwrap_or_default().to_owned()
    }
}

fn check(record: ByteRecord, columns: usize) -> Row {
    if record.len() != columns {
        return Err(format!("it has {} columns, the header has {columns}", record.len()));
    }
    StringRecord::from_byte_record(record)
        .map_err(|fault| format!("column {} is not UTF-8", fault.utf8_error().field() + 1))
}

fn open(path: &Path) -> io::Result<csv::Reader<Box<dyn Read + Send>>> {
    let mut file = File::open(path)?;
    let mut begins = Vec::new();
    (&mut file).take(GZIP.len() as u64).read_to_end(&mut begins)?;
    file.rewind()?;
    let plain: Box<dyn Read + Send> = if begins == GZIP {
        Box::new(MultiGzDecoder::new(BufReader::new(file)))
    } else {
        Box::new(file)
    };
    // A row with too few or too many columns is one refused row, not the end of the import.
    Ok(csv::ReaderBuilder::new().flexible(true).from_reader(plain))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const TEXT: &[u8] = b"id,text\n1,\"two\nlines\"\n2\n3,\xff\n4,last\n";

    fn read(bytes: &[u8], name: &str) -> (SourceFile, Vec<(u64, Row)>) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let file = SourceFile::inspect(&path).unwrap();
        let rows = file.rows().unwrap().map(Result::unwrap).collect();
        (file, rows)
    }

    #[test]
    fn a_bad_row_is_refused_and_the_others_are_read() {
        let (file, rows) = read(TEXT, "old.tickets.csv");
        assert_eq!((file.rows, file.stem().as_str()), (4, "old"));
        assert_eq!(&rows[0].1.as_ref().unwrap()[1], "two\nlines");
        assert_eq!(rows[1], (2, Err("it has 1 columns, the header has 2".to_owned())));
        assert_eq!(rows[2], (3, Err("column 2 is not UTF-8".to_owned())));
        assert_eq!(&rows[3].1.as_ref().unwrap()[1], "last");
    }

    #[test]
    fn a_compressed_file_is_known_by_its_content() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(TEXT).unwrap();
        let (compressed, rows) = read(&gzip.finish().unwrap(), "tickets.csv");
        let (plain, same) = read(TEXT, "tickets.csv");
        assert_eq!(rows, same);
        assert_ne!(compressed.digest, plain.digest);
    }

    #[test]
    fn the_mark_of_utf_8_is_no_part_of_the_first_column_s_name() {
        let (file, _) = read(b"\xef\xbb\xbfTitle,Body\nPrinter,on fire\n", "marked.csv");
        assert_eq!(file.header.iter().collect::<Vec<_>>(), ["Title", "Body"]);
    }

    #[test]
    fn a_file_without_a_header_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("empty.csv");
        std::fs::write(&path, "").unwrap();
        let told = SourceFile::inspect(&path).unwrap_err().to_string();
        assert!(told.ends_with("has no header; its first line names the columns"), "{told}");
    }
}
