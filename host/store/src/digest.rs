//! Digests: `sha256:…` in the program, 32 bytes in a column.

use crate::StoreError;

const PREFIX: &str = "sha256:";

/// The bytes of a digest.
pub(crate) fn to_bytes(what: &'static str, digest: &str) -> Result<Vec<u8>, StoreError> {
    let hex = digest.strip_prefix(PREFIX).filter(|hex| hex.len() == 64 && hex.is_ascii());
    let bytes = hex.and_then(|hex| {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect()
    });
    bytes.ok_or(StoreError::Unstorable(what))
}

/// The digest of the bytes of a column.
pub(crate) fn to_text(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(PREFIX.len() + bytes.len() * 2);
    text.push_str(PREFIX);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_survives_the_column() {
        let digest = format!("sha256:{}", "0f9a".repeat(16));
        assert_eq!(to_text(&to_bytes("component", &digest).unwrap()), digest);
    }

    #[test]
    fn what_is_no_digest_is_not_stored() {
        for text in ["", "sha256:", "md5:00", &format!("sha256:{}", "zz".repeat(32))] {
            assert!(matches!(
                to_bytes("component", text),
                Err(StoreError::Unstorable("component"))
            ));
        }
    }
}
