//! Hashes as hex digits and back. A record has a dozen of them, so they are written at once, not a character at a time.

/// The 64 lower-case hex digits of 32 bytes.
pub(crate) fn hex64(bytes: &[u8; 32]) -> [u8; 64] {
    let mut digits = [[0; 2]; 32];
    for (pair, byte) in digits.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 0xf)];
    }
    let mut text = [0; 64];
    text.copy_from_slice(digits.as_flattened());
    text
}

/// [`hex64`] as text.
pub(crate) fn hex_text(bytes: &[u8; 32]) -> String {
    // Digits are ASCII, so this is the text.
    String::from_utf8(hex64(bytes).to_vec()).unwrap_or_default()
}

/// 32 bytes from exactly 64 lower-case hex digits.
pub(crate) fn hex32(text: &str) -> Option<[u8; 32]> {
    let (digits, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let digits: &[[u8; 2]; 32] = digits.try_into().ok()?;
    let (mut bytes, mut wrong) = ([0; 32], 0);
    for (byte, [high, low]) in bytes.iter_mut().zip(digits) {
        let (high, low) = (value(*high), value(*low));
        wrong |= (high | low) & 0xf0;
        *byte = high << 4 | low;
    }
    (wrong == 0).then_some(bytes)
}

const fn digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' - 10 + value }
}

/// Above 15 when it is no digit.
const fn value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => 0xff,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn digits_are_those_of_another_implementation(bytes in any::<[u8; 32]>()) {
            let text = hex::encode(bytes);
            prop_assert_eq!(hex64(&bytes).to_vec(), text.as_bytes());
            prop_assert_eq!(hex_text(&bytes), text.as_str());
            prop_assert_eq!(hex32(&text), Some(bytes));
        }

        #[test]
        fn what_is_no_lower_case_digit_is_refused_wherever_it_stands(at in 0usize..64, other in any::<char>()) {
            let mut text: Vec<char> = "0123456789abcdef".repeat(4).chars().collect();
            text[at] = other;
            let text: String = text.into_iter().collect();
            let is_digit = other.is_ascii_digit() || ('a'..='f').contains(&other);
            prop_assert_eq!(hex32(&text).is_some(), is_digit);
        }
    }

    #[test]
    fn another_length_is_refused() {
        for length in [0, 1, 2, 62, 63, 65, 66, 128] {
            assert_eq!(hex32(&"0".repeat(length)), None);
        }
    }
}
