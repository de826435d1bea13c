//! Postgres' `numeric` in binary: sign, scale and base-10,000 digits, taken
//! straight from the decimal text, so that `72.0` keeps its zero and
//! `112.41600000000001` its last digit (`numeric_recv` in
//! src/backend/utils/adt/numeric.c).

use crate::json::{Decimal, DecimalError};

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;

/// Appends the binary form of the JSON number `written`, without the length
/// that precedes it. On an error, nothing is appended.
pub(super) fn write(written: &str, out: &mut Vec<u8>) -> Result<(), DecimalError> {
    let decimal = Decimal::parse(written)?;
    if decimal.is_zero() {
        write_words(out, &[0, 0, POSITIVE, decimal.scale]);
        return Ok(());
    }
    let sign = if decimal.is_negative { NEGATIVE } else { POSITIVE };
    let weight = (decimal.point - 1).div_euclid(4);
    let header_at = out.len();
    write_words(out, &[0, weight as i16 as u16, sign, decimal.scale]);
    let group_count = write_groups(&decimal, out);
    out[header_at..header_at + 2].copy_from_slice(&group_count.to_be_bytes());
    Ok(())
}

/// Appends the base-10,000 digits and returns how many there are. They are
/// grouped around the decimal point, so that no group straddles it; groups of
/// zeros at the end are left out, since the scale implies them.
fn write_groups(decimal: &Decimal<'_>, out: &mut Vec<u8>) -> u16 {
    let mut digits_in_group = 3 - (decimal.point - 1).rem_euclid(4);
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
    for digit in decimal.digits() {
        group = group * 10 + u16::from(digit - b'0');
        digits_in_group += 1;
        if digits_in_group == 4 {
            push(group, out);
            group = 0;
            digits_in_group = 0;
        }
    }
    if digits_in_group > 0 {
        push(group * 10u16.pow(4 - digits_in_group as u32), out);
    }
    out.truncate(used_length);
    used_groups
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

    /// The number of groups, the weight of the first, sign, scale, the groups.
    fn words(written: &str) -> Vec<i16> {
        let mut out = Vec::new();
        write(written, &mut out).expect(written);
        out.chunks(2).map(|word| i16::from_be_bytes([word[0], word[1]])).collect()
    }

    #[test]
    fn digits_are_grouped_around_the_point_and_the_scale_keeps_zeros() {
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

    /// The binary form as decimal text.
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
            // They differ only in scale: an exponent moves digits before the point.
            proptest::prop_assert_eq!((&found[..3], &found[4..]), (&zeros[..3], &zeros[4..]));
            proptest::prop_assert_eq!((found[3], zeros[3]), (0, 1));
        }

        #[test]
        fn no_text_makes_it_panic(text in "-?[0-9.eE+-]{0,40}") {
            let _ = write(&text, &mut Vec::new());
        }
    }
}
