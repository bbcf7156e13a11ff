//! Packed texts: what is kept for an explanation and read seldom, compressed into one column.

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};

use crate::StoreError;

/// More than any snapshot or answer that the host accepts; a damaged row can't make us take more
/// memory than this.
const MAX_UNPACKED_BYTES: usize = 32 * 1024 * 1024;

/// Half the size for a few microseconds; higher levels cost more than the write they save.
const LEVEL: i32 = 1;

thread_local! {
    /// Kept, because making a compressor costs more than a small text's compression.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

pub(crate) fn pack(text: &[u8]) -> Result<Vec<u8>, StoreError> {
    if text.len() > MAX_UNPACKED_BYTES {
        return Err(StoreError::Unstorable("snapshot"));
    }
    COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some(compressor) => compressor,
            None => {
                kept.insert(Compressor::new(LEVEL).map_err(|_| StoreError::Unstorable("snapshot"))?)
            }
        };
        compressor.compress(text).map_err(|_| StoreError::Unstorable("snapshot"))
    })
}

/// Packs several texts together; [`unpack_parts`] takes them apart.
pub(crate) fn pack_parts<const N: usize>(parts: [&[u8]; N]) -> Result<Vec<u8>, StoreError> {
    let mut text = Vec::with_capacity(parts.iter().map(|part| part.len() + 4).sum());
    for part in parts {
        let length = u32::try_from(part.len()).map_err(|_| StoreError::Unstorable("decision"))?;
        text.extend_from_slice(&length.to_le_bytes());
    }
    for part in parts {
        text.extend_from_slice(part);
    }
    pack(&text)
}

/// Takes a packed text apart; nothing when it is damaged or larger than anything that was packed.
pub(crate) fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    Decompressor::new().ok()?.decompress(packed, MAX_UNPACKED_BYTES).ok()
}

/// The texts that [`pack_parts`] packed.
pub(crate) fn unpack_parts<const N: usize>(packed: &[u8]) -> Option<[Vec<u8>; N]> {
    let text = unpack(packed)?;
    let (lengths, mut rest) = text.split_at_checked(N * 4)?;
    let mut parts: [Vec<u8>; N] = std::array::from_fn(|_| Vec::new());
    for (part, length) in parts.iter_mut().zip(lengths.as_chunks::<4>().0) {
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (this, after) = rest.split_at_checked(length)?;
        this.clone_into(part);
        rest = after;
    }
    rest.is_empty().then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back_as_they_were() {
        let packed = pack_parts([b"{\"a\":1}", b"", b"[]"]).unwrap();
        let parts: [Vec<u8>; 3] = unpack_parts(&packed).unwrap();
        assert_eq!(parts, [b"{\"a\":1}".to_vec(), vec![], b"[]".to_vec()]);
    }

    #[test]
    fn a_damaged_pack_is_nothing() {
        let packed = pack_parts([b"question", b"answer"]).unwrap();
        assert_eq!(unpack_parts::<2>(&packed[..packed.len() - 3]), None);
        assert_eq!(unpack_parts::<3>(&packed), None);
        assert_eq!(unpack(b"nonsense"), None);
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let bomb = zstd::bulk::compress(&vec![0; MAX_UNPACKED_BYTES + 1], 1).unwrap();
        assert!(bomb.len() < 100_000);
        assert_eq!(unpack(&bomb), None);
    }
}
