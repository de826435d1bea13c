//! `numeric` in binary: sign, scale and digits to the base of 10,000, straight
//! from the decimal as it is written, so that `72.0` keeps its zero and
//! `112.41600000000001` its last digit (src/backend/utils/adt/numeric.c,
//! `numeric_recv`).

use thiserror::Error;

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
/// What `numeric` holds: digits before and after the point.
const MAX_INTEGER_DIGITS: i64 = 131_072;
const MAX_SCALE: i64 = 16_383;

/// Why a JSON number has no `numeric`.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NumericError {
    #[error("not a number as JSON writes it")]
    Malformed,
    #[error("more digits than the type numeric holds")]
    OutOfRange,
}

/// Appends the binary form of the JSON number `written` (without the length
/// that goes before it). On an error `out` may hold a part of it.
pub(super) fn write(written: &str, out: &mut Vec<u8>) -> Result<(), NumericError> {
    let (sign, unsigned) = match written.strip_prefix('-') {
        Some(rest) => (NEGATIVE, rest),
        None => (POSITIVE, written),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        // An exponent too long for i64 is out of range whatever its mantissa.
        Some((mantissa, exponent)) => (mantissa, exponent.parse().map_err(|_| NumericError::OutOfRange)?),
        None => (unsigned, 0i64),
    };
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || integer.bytes().chain(fraction.bytes());
    if integer.is_empty() || digits().any(|digit| !digit.is_ascii_digit()) {
        return Err(NumericError::Malformed);
    }
    if exponent.unsigned_abs() > (MAX_INTEGER_DIGITS + MAX_SCALE) as u64 {
        return Err(NumericError::OutOfRange);
    }

    // The value is 0.d1d2d3… × 10^point, without leading zeros.
    let count = (integer.len() + fraction.len()) as i64;
    let leading_zeros = digits().take_while(|&digit| digit == b'0').count() as i64;
    let point = integer.len() as i64 + exponent - leading_zeros;
    let scale = (fraction.len() as i64 - exponent).max(0);
    if scale > MAX_SCALE || point > MAX_INTEGER_DIGITS {
        return Err(NumericError::OutOfRange);
    }
    if leading_zeros == count {
        write_words(out, &[0, 0, POSITIVE, scale as u16]);
        return Ok(());
    }

    // Group by fours around the point: the first group takes `point` modulo
    // four digits, so that a group never straddles the point.
    let weight = (point - 1).div_euclid(4);
    let mut in_group = 4 - (point - 1).rem_euclid(4) - 1;
    let header_at = out.len();
    write_words(out, &[0, weight as i16 as u16, sign, scale as u16]);
    let mut group = 0u16;
    let mut groups = 0u16;
    let mut used_length = out.len();
    let mut used_groups = 0u16;
    let mut push = |group: u16, out: &mut Vec<u8>| {
        out.extend_from_slice(&group.to_be_bytes());
        groups += 1;
        if group != 0 {
            used_length = out.len();
            used_groups = groups;
        }
    };
    for digit in digits().skip(leading_zeros as usize) {
        group = group * 10 + u16::from(digit - b'0');
        in_group += 1;
        if in_group == 4 {
            push(group, out);
            group = 0;
            in_group = 0;
        }
    }
    if in_group > 0 {
        push(group * 10u16.pow(4 - in_group as u32), out);
    }
    // Trailing zero groups are not stored; the scale remembers them.
    out.truncate(used_length);
    out[header_at..header_at + 2].copy_from_slice(&used_groups.to_be_bytes());
    Ok(())
}

fn write_words(out: &mut Vec<u8>, words: &[u16]) {
    for word in words {
        out.extend_from_slice(&word.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    /// Digits to the base of 10,000, weight of the first, sign, scale.
    fn words(written: &str) -> Vec<i16> {
        let mut out = Vec::new();
        write(written, &mut out).expect(written);
        out.chunks(2).map(|word| i16::from_be_bytes([word[0], word[1]])).collect()
    }

    #[test]
    fn groups_stand_around_the_point_and_the_scale_keeps_zeros() {
        assert_eq!(words("0"), [0, 0, 0, 0]);
        assert_eq!(words("-0.000"), [0, 0, 0, 3]);
        assert_eq!(words("1"), [1, 0, 0, 0, 1]);
        assert_eq!(words("72.0"), [1, 0, 0, 1, 72]);
        assert_eq!(words("10000"), [1, 1, 0, 0, 1]);
        assert_eq!(words("12345.678"), [3, 1, 0, 3, 1, 2345, 6780]);
        assert_eq!(words("-0.00012"), [2, -1, 0x4000, 5, 1, 2000]);
        assert_eq!(words("0.00001"), [1, -2, 0, 5, 1000]);
        assert_eq!(words("112.41600000000001"), [5, 0, 0, 14, 112, 4160, 0, 0, 100]);
        assert_eq!(words("1e3"), [1, 0, 0, 0, 1000]);
        assert_eq!(words("1.50E+2"), [1, 0, 0, 0, 150]);
        assert_eq!(words("1E-22"), [1, -6, 0, 22, 100]);
        assert_eq!(words("-1.0e245"), [1, 61, 0x4000, 0, 10]);
    }

    /// What the binary form says, in decimal digits: each group's at its weight.
    fn text(words: &[i16]) -> String {
        let [_, weight, sign, scale] = words[..4] else { panic!("no header") };
        let group = |at: i32| words[4..].get((i32::from(weight) - at) as usize).copied().unwrap_or(0);
        let digits = |places: std::ops::Range<i32>| -> String {
            let group = |at| if at > i32::from(weight) { 0 } else { group(at) };
            places.rev().map(|at| format!("{:04}", group(at))).collect()
        };
        let integer = digits(0..i32::from(weight).max(0) + 1);
        let fraction = digits(-i32::from(scale).div_euclid(4) - 1..0);
        let integer = integer.trim_start_matches('0');
        let minus = if sign == NEGATIVE as i16 { "-" } else { "" };
        format!("{minus}{integer}.{}", &fraction[..scale as usize])
    }

    proptest::proptest! {
        #[test]
        fn every_digit_is_kept(minus in "-?", integer in "0|[1-9][0-9]{0,30}", fraction in "[0-9]{1,30}") {
            let written = format!("{minus}{integer}.{fraction}");
            let is_zero = written.bytes().all(|byte| !(b'1'..=b'9').contains(&byte));
            let minus = if is_zero { "" } else { minus.as_str() };
            let expected = format!("{minus}{}.{fraction}", integer.trim_start_matches('0'));
            proptest::prop_assert_eq!(text(&words(&written)), expected);
        }

        #[test]
        fn an_exponent_moves_the_point(digits in "[1-9][0-9]{0,20}", exponent in 0usize..40) {
            let moved = format!("{digits}{}.0", "0".repeat(exponent));
            let zeros = words(&moved);
            let found = words(&format!("{digits}e{exponent}"));
            // Only the scale tells them apart: an exponent takes places away.
            proptest::prop_assert_eq!((&found[..3], &found[4..]), (&zeros[..3], &zeros[4..]));
            proptest::prop_assert_eq!((found[3], zeros[3]), (0, 1));
        }

        #[test]
        fn no_text_makes_it_panic(text in "-?[0-9.eE+-]{0,40}") {
            let _ = write(&text, &mut Vec::new());
        }
    }

    #[test]
    fn what_numeric_cannot_hold_is_refused() {
        for written in
            ["1e131073", "1e-16384", "1e99999999999999999999", "1e400000", "1e-9223372036854775808"]
        {
            assert_eq!(write(written, &mut Vec::new()), Err(NumericError::OutOfRange), "{written}");
        }
        for written in ["", "-", "1,5", "abc", ".5"] {
            assert_eq!(write(written, &mut Vec::new()), Err(NumericError::Malformed), "{written}");
        }
        assert_eq!(write("1e131071", &mut Vec::new()), Ok(()));
    }
}
