//! Encodings: which one a file's bytes are, and the text that they say.
//!
//! What is certain is decoded: a mark at the beginning, UTF-16 by its zero bytes, UTF-8 by its
//! rules. What could only be guessed is named, with the option that says so: a wrong guess would be
//! stored with every name and every text.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// So much of a file tells whether it is UTF-16 without a mark.
const LOOKED_AT: usize = 4096;
/// So much of a line is shown.
const SHOWN_CHARS: usize = 60;

/// A text, and how it was written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub(crate) text: String,
    pub(crate) encoding: &'static str,
    /// Where the text holds U+FFFD for bytes that are no UTF-8.
    pub(crate) broken: Vec<usize>,
}

/// Decodes a file. If its encoding is not certain, the error says what it may be.
pub(crate) fn decode(bytes: Vec<u8>, told: Option<&'static Encoding>) -> Result<Decoded, String> {
    refuse_other_files(&bytes)?;
    if let Some((marked, length)) = Encoding::for_bom(&bytes) {
        if let Some(told) = told.filter(|told| *told != marked) {
            return Err(format!(
                "the file is marked as {}, not {}; leave out --encoding",
                marked.name(),
                told.name()
            ));
        }
        return whole(&bytes[length..], marked);
    }
    match told.or_else(|| utf_16(&bytes)) {
        Some(encoding) if encoding != UTF_8 => whole(&bytes, encoding),
        // Whoever says so accepts that rows which are no UTF-8 are refused one by one.
        Some(_) => Ok(with_marks(&bytes)),
        None => match String::from_utf8(bytes) {
            Ok(text) => Ok(utf_8(text)),
            Err(error) => mostly_utf_8(error.as_bytes()),
        },
    }
}

/// Names what people take for a CSV file, by how it begins.
fn refuse_other_files(bytes: &[u8]) -> Result<(), String> {
    const BEGINNINGS: [(&[u8], &str); 6] = [
        (b"\xff\xfe\0\0", "the file is UTF-32; save it as UTF-8"),
        (b"\0\0\xfe\xff", "the file is UTF-32; save it as UTF-8"),
        (b"PK\x03\x04", "the file is a workbook or an archive; save the sheet as CSV"),
        (b"\xd0\xcf\x11\xe0", "the file is a workbook; save the sheet as CSV"),
        (b"%PDF", "the file is a PDF; export the records as CSV"),
        (b"SQLite format 3", "the file is a database; export the records as CSV"),
    ];
    for (beginning, message) in BEGINNINGS {
        if bytes.starts_with(beginning) {
            return Err(message.to_owned());
        }
    }
    let beginning = String::from_utf8_lossy(&bytes[..bytes.len().min(LOOKED_AT)]);
    let beginning = beginning.trim_start_matches('\u{feff}').trim_start().to_lowercase();
    if ["<!doctype", "<html", "<table", "<?xml"].iter().any(|tag| beginning.starts_with(tag)) {
        return Err("the file is HTML or XML; export the records as CSV".to_owned());
    }
    Ok(())
}

/// UTF-16 without a mark: texts of most languages have a zero in every second byte.
fn utf_16(bytes: &[u8]) -> Option<&'static Encoding> {
    let pairs = bytes[..bytes.len().min(LOOKED_AT)].chunks_exact(2);
    let all = pairs.len();
    let [mut first, mut second] = [0, 0];
    for pair in pairs {
        first += usize::from(pair[0] == 0);
        second += usize::from(pair[1] == 0);
    }
    let (many, few) = (all * 4 / 10, all / 10);
    match (first, second) {
        (first, second) if second > many && first <= few => Some(UTF_16LE),
        (first, second) if first > many && second <= few => Some(UTF_16BE),
        (_, _) => None,
    }
}

/// Decodes all of it, or refuses it.
fn whole(bytes: &[u8], encoding: &'static Encoding) -> Result<Decoded, String> {
    if encoding == UTF_8 {
        return std::str::from_utf8(bytes)
            .map(|text| utf_8(text.to_owned()))
            .or_else(|_| mostly_utf_8(bytes));
    }
    let (text, has_errors) = encoding.decode_without_bom_handling(bytes);
    if has_errors {
        let line = text.find('\u{fffd}').map_or(1, |at| line_of(text[..at].as_bytes()));
        let name = encoding.name();
        return Err(format!("the file is not {name}: line {line} holds bytes that mean nothing"));
    }
    Ok(Decoded { text: text.into_owned(), encoding: encoding.name(), broken: Vec::new() })
}

fn utf_8(text: String) -> Decoded {
    Decoded { text, encoding: UTF_8.name(), broken: Vec::new() }
}

/// UTF-8, with a mark in place of all that is none.
fn with_marks(bytes: &[u8]) -> Decoded {
    let mut text = String::with_capacity(bytes.len());
    let mut broken = Vec::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            broken.push(text.len());
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    Decoded { text, encoding: UTF_8.name(), broken }
}

/// A file that is no UTF-8 as a whole: damaged, if most of what is not ASCII says that it is UTF-8;
/// otherwise in another encoding, which is guessed for the message.
fn mostly_utf_8(bytes: &[u8]) -> Result<Decoded, String> {
    let decoded = with_marks(bytes);
    let beyond_ascii = decoded.text.chars().filter(|c| !c.is_ascii()).count();
    if beyond_ascii > 2 * decoded.broken.len() {
        return Ok(decoded);
    }
    let at = decoded.broken.first().copied().unwrap_or_default();
    let line = line_of(&decoded.text.as_bytes()[..at]);
    // Up to the first mark, text and bytes are the same.
    let byte = bytes.get(at).copied().unwrap_or_default();
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    let guess = detector.guess(None, Utf8Detection::Deny);
    let name = guess.name();
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let start = bytes[..at].iter().rposition(is_end).map_or(0, |end| end + 1);
    let end = bytes[at..].iter().position(is_end).map_or(bytes.len(), |end| at + end);
    let (shown, _) = guess.decode_without_bom_handling(&bytes[start..end]);
    let shown = shorten(&shown);
    Err(format!(
        "the file is not UTF-8: line {line} holds the byte 0x{byte:02X}. It may be {name} (that line is `{shown}` then); \
         if so, add --encoding {name}"
    ))
}

/// The number of the line that follows these bytes.
fn line_of(before: &[u8]) -> u64 {
    let mut line = 1;
    for (at, byte) in before.iter().enumerate() {
        let is_end = match byte {
            b'\n' => true,
            b'\r' => before.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        line += u64::from(is_end);
    }
    line
}

/// The beginning of a line, without what terminals obey.
fn shorten(line: &str) -> Cow<'_, str> {
    let is_short = line.chars().count() <= SHOWN_CHARS;
    if is_short && !line.chars().any(char::is_control) {
        return line.into();
    }
    let plain = line.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut shown: String = plain.take(SHOWN_CHARS).collect();
    if !is_short {
        shown.push('…');
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use encoding_rs::WINDOWS_1252;

    use super::*;

    const TEXT: &str = "Nummer,Titel\n1,Drucker hei\u{df}\n";

    fn utf_16_of(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    fn latin(text: &str) -> Vec<u8> {
        text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
    }

    #[test]
    fn one_text_is_read_in_each_encoding_that_is_certain() {
        let little = utf_16_of(TEXT, u16::to_le_bytes);
        let big = utf_16_of(TEXT, u16::to_be_bytes);
        let files = [
            (TEXT.as_bytes().to_vec(), "UTF-8"),
            ([b"\xef\xbb\xbf", TEXT.as_bytes()].concat(), "UTF-8"),
            ([b"\xff\xfe".as_slice(), &little].concat(), "UTF-16LE"),
            (little, "UTF-16LE"),
            ([b"\xfe\xff".as_slice(), &big].concat(), "UTF-16BE"),
            (big, "UTF-16BE"),
        ];
        for (bytes, encoding) in files {
            let read = decode(bytes, None);
            let broken = Vec::new();
            assert_eq!(read, Ok(Decoded { text: TEXT.to_owned(), encoding, broken }));
        }
        let told = decode(latin(TEXT), Some(WINDOWS_1252)).unwrap();
        assert_eq!((told.text.as_str(), told.encoding), (TEXT, "windows-1252"));
    }

    #[test]
    fn what_is_not_certain_is_named_and_not_guessed() {
        let told = decode(latin(TEXT), None).unwrap_err();
        assert!(told.starts_with("the file is not UTF-8: line 2 holds the byte 0xDF. "), "{told}");
        assert!(told.contains("--encoding "), "{told}");
    }

    #[test]
    fn a_damaged_place_is_no_other_encoding() {
        let damaged = [TEXT.as_bytes(), b"2,M\xc3\xbchle\n3,\xff\n"].concat();
        let read = decode(damaged, None).unwrap();
        assert_eq!(read.broken.len(), 1);
        assert!(read.text.is_char_boundary(read.broken[0]));
        assert!(read.text[read.broken[0]..].starts_with("\u{fffd}\n"));
        let told = decode(b"1,\xff\n".to_vec(), Some(UTF_8)).unwrap();
        assert_eq!(told.broken, [2]);
    }

    #[test]
    fn a_single_zero_byte_makes_no_utf_16() {
        let text = "id,title\nN\u{0}2,bad id\n";
        assert_eq!(decode(text.into(), None).unwrap().text, text);
    }

    #[test]
    fn what_only_looks_like_a_sheet_is_named() {
        let told = |bytes: &[u8]| decode(bytes.to_vec(), None).unwrap_err();
        assert!(told(b"PK\x03\x04rest").contains("save the sheet as CSV"));
        assert!(told(b"\xff\xfe\0\0a\0\0\0").contains("UTF-32"));
        assert!(told(b"\xef\xbb\xbf <HTML><table>").contains("HTML"));
        let marked = [b"\xff\xfe".as_slice(), &utf_16_of(TEXT, u16::to_le_bytes)].concat();
        assert!(decode(marked, Some(WINDOWS_1252)).unwrap_err().contains("leave out --encoding"));
    }
}
