//! Base58 with the Bitcoin alphabet (draft-msporny-base58-03), for Multikeys of some forty bytes. The conversion takes quadratic
//! time, so both ways refuse long input.

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// The longest text read: a P-256 Multikey has 49 characters.
const MAX_CHARS: usize = 128;

/// The text for `bytes`, most significant first; each leading zero byte becomes a `1`.
pub(super) fn encode(bytes: &[u8]) -> String {
    // Digits of the number in base 58, least significant first.
    let mut digits: Vec<u8> = Vec::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            carry += u32::from(*digit) << 8;
            *digit = (carry % 58) as u8;
            carry /= 58;
        }
        while carry > 0 {
            digits.push((carry % 58) as u8);
            carry /= 58;
        }
    }
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    std::iter::repeat_n(0, zeros)
        .chain(digits.into_iter().rev())
        .filter_map(|digit| ALPHABET.get(usize::from(digit)))
        .map(|letter| char::from(*letter))
        .collect()
}

/// The bytes that `text` stands for; `None` for a foreign character or a text of more than 128 characters.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    if text.len() > MAX_CHARS {
        return None;
    }
    // Bytes of the number, least significant first.
    let mut bytes: Vec<u8> = Vec::with_capacity(text.len());
    for letter in text.bytes() {
        let mut carry = ALPHABET.iter().position(|known| *known == letter)?;
        for byte in &mut bytes {
            carry += usize::from(*byte) * 58;
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
        while carry > 0 {
            bytes.push((carry & 0xff) as u8);
            carry >>= 8;
        }
    }
    let zeros = text.bytes().take_while(|letter| *letter == b'1').count();
    bytes.extend(std::iter::repeat_n(0, zeros));
    bytes.reverse();
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drafts_examples_convert_both_ways() {
        for (bytes, text) in [
            (b"Hello World!".to_vec(), "2NEpo7TZRRrLZSi2U"),
            (
                b"The quick brown fox jumps over the lazy dog.".to_vec(),
                "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z",
            ),
            (vec![0x00, 0x00, 0x28, 0x7f, 0xb4, 0xcd], "11233QC4"),
            (vec![], ""),
            (vec![0], "1"),
        ] {
            assert_eq!(encode(&bytes), text);
            assert_eq!(decode(text), Some(bytes));
        }
    }

    #[test]
    fn foreign_characters_and_long_texts_are_refused() {
        for text in ["0", "O", "I", "l", "a b", "é", &"2".repeat(129)] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
