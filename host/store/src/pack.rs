//! Packed texts: what is kept for an explanation and read seldom, compressed into one column.
//!
//! ```text
//! version │ zstd, with that version's dictionary: how many texts, how long each is, the texts
//! ```

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};

use crate::StoreError;

/// More than any snapshot or answer that the host accepts; a damaged row can't make us take more
/// memory than this.
const MAX_UNPACKED_BYTES: usize = 32 * 1024 * 1024;

/// Higher levels cost more than the write they save.
const LEVEL: i32 = 1;

/// What texts are packed with now. Another dictionary is another version; what was packed with the
/// earlier ones stays readable.
const VERSION: u8 = 1;

/// What texts often have, so that short ones need not say it.
const DICTIONARY: &[u8] = include_bytes!("pack/1.dictionary");

thread_local! {
    /// Kept, because making one costs more than a small text's compression.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Packs several texts together.
pub(crate) fn pack(texts: &[&[u8]]) -> Result<Vec<u8>, StoreError> {
    const UNSTORABLE: StoreError = StoreError::Unstorable("snapshot");
    let mut all = Vec::with_capacity(texts.iter().map(|text| text.len() + 4).sum());
    put_number(&mut all, texts.len());
    for text in texts {
        put_number(&mut all, text.len());
    }
    for text in texts {
        all.extend_from_slice(text);
    }
    if all.len() > MAX_UNPACKED_BYTES {
        return Err(UNSTORABLE);
    }
    let compressed = COMPRESSOR.with_borrow_mut(|kept| {
        if kept.is_none() {
            *kept = Some(Compressor::with_dictionary(LEVEL, DICTIONARY)?);
        }
        kept.as_mut().expect("it was just made").compress(&all)
    });
    let compressed = compressed.map_err(|_| UNSTORABLE)?;
    Ok([&[VERSION], &compressed[..]].concat())
}

/// The texts that [`pack`] packed; nothing when they are damaged or larger than any that were.
pub(crate) fn unpack(packed: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (&VERSION, compressed) = packed.split_first()? else { return None };
    let all = DECOMPRESSOR.with_borrow_mut(|kept| {
        if kept.is_none() {
            *kept = Some(Decompressor::with_dictionary(DICTIONARY)?);
        }
        kept.as_mut().expect("it was just made").decompress(compressed, MAX_UNPACKED_BYTES)
    });
    let all = all.ok()?;
    let mut rest = &all[..];
    let many = take_number(&mut rest)?;
    let mut lengths = Vec::new();
    for _ in 0..many {
        lengths.push(take_number(&mut rest)?);
    }
    let mut texts = Vec::with_capacity(lengths.len());
    for length in lengths {
        let (text, after) = rest.split_at_checked(length)?;
        texts.push(text.to_vec());
        rest = after;
    }
    rest.is_empty().then_some(texts)
}

/// Seven bits a byte, the lowest first; the last byte has its highest bit clear.
fn put_number(to: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        to.push(low_bits(number) | 0x80);
        number >>= 7;
    }
    to.push(low_bits(number));
}

fn low_bits(number: usize) -> u8 {
    u8::try_from(number & 0x7f).unwrap_or(0)
}

fn take_number(from: &mut &[u8]) -> Option<usize> {
    let mut number = 0;
    for shift in [0, 7, 14, 21, 28] {
        let (byte, after) = from.split_first()?;
        *from = after;
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_as_they_were() {
        let long = vec![b'x'; 70_000];
        for texts in [&[b"{\"a\":1}" as &[u8], b"", b"[]"][..], &[], &[&long, b"y"]] {
            assert_eq!(unpack(&pack(texts).unwrap()).unwrap(), texts);
        }
    }

    #[test]
    fn a_damaged_pack_is_nothing() {
        let packed = pack(&[b"question", b"answer"]).unwrap();
        assert_eq!(unpack(&packed[..packed.len() - 3]), None);
        assert_eq!(unpack(b"nonsense"), None);
        assert_eq!(unpack(b""), None);
        let mut of_another_version = packed;
        of_another_version[0] += 1;
        assert_eq!(unpack(&of_another_version), None);
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let bomb = zstd::bulk::compress(&vec![0; MAX_UNPACKED_BYTES + 1], 1).unwrap();
        assert!(bomb.len() < 100_000);
        assert_eq!(unpack(&[&[VERSION], &bomb[..]].concat()), None);
        // More texts than there are bytes.
        let bomb = zstd::bulk::compress(&[0xff, 0xff, 0xff, 0xff, 0x0f], 1).unwrap();
        assert_eq!(unpack(&[&[VERSION], &bomb[..]].concat()), None);
    }
}
