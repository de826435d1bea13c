//! Postgres' `numeric` in binary: as a decimal of fixed scale, and as text
//! (`numeric_send` in src/backend/utils/adt/numeric.c).

use super::error::ValueProblem;
use crate::column_type::{DECIMAL_PRECISION, DECIMAL_SCALE};

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xc000;
const INFINITY: u16 = 0xd000;
const NEGATIVE_INFINITY: u16 = 0xf000;

/// A `numeric`: base-10,000 digits, the first of which stands for multiples of
/// 10,000^weight, and the number of decimal digits after the point.
#[derive(Clone, Copy)]
pub(super) struct Numeric<'v> {
    digits: &'v [u8],
    weight: i32,
    sign: u16,
    scale: usize,
}

impl<'v> Numeric<'v> {
    pub fn parse(value: &'v [u8]) -> Result<Self, ValueProblem> {
        let Some((header, digits)) = value.split_first_chunk::<8>() else {
            return Err(ValueProblem::Length);
        };
        let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let (count, weight, sign, scale) = (word(0), word(2) as i16, word(4), word(6));
        if digits.len() != 2 * usize::from(count) {
            return Err(ValueProblem::Length);
        }
        let numeric = Numeric { digits, weight: i32::from(weight), sign, scale: usize::from(scale) };
        match sign {
            POSITIVE | NEGATIVE if numeric.digits().all(|digit| digit < 10_000) => Ok(numeric),
            NAN | INFINITY | NEGATIVE_INFINITY if count == 0 => Ok(numeric),
            _ => Err(ValueProblem::Malformed),
        }
    }

    fn digits(&self) -> impl ExactSizeIterator<Item = u16> + use<'v> {
        self.digits.chunks_exact(2).map(|digit| u16::from_be_bytes([digit[0], digit[1]]))
    }

    /// The number as a `Decimal128`; `None` if it has too many digits, or is infinite or
    /// none.
    pub fn decimal(&self) -> Option<i128> {
        const LIMIT: i128 = 10i128.pow(DECIMAL_PRECISION as u32);
        if !matches!(self.sign, POSITIVE | NEGATIVE) {
            return None;
        }
        let count = self.digits.len() / 2;
        if count == 0 {
            return Some(0);
        }
        if count > 11 {
            return None;
        }
        // What the last digit of the last group stands for, as a power of ten of the result.
        let exponent = 4 * (self.weight - (count as i32 - 1)) + i32::from(DECIMAL_SCALE);
        let value = if count <= 4 && exponent >= 0 {
            let value = self.digits().fold(0u64, |value, digit| value * 10_000 + u64::from(digit));
            i128::from(value).checked_mul(power_of_ten(exponent)?)?
        } else {
            self.sum(exponent)?
        };
        (value < LIMIT).then_some(if self.sign == NEGATIVE { -value } else { value })
    }

    /// The digits as one number that ends at that power of ten.
    fn sum(&self, exponent: i32) -> Option<i128> {
        let last = self.digits().len() - 1;
        let (mut value, mut missing) = (0i128, 0);
        for (number, digit) in self.digits().enumerate() {
            let digit = i128::from(digit);
            let below = if number == last { (-exponent).max(0) } else { 0 };
            // The last group may reach below what the result holds, with zeros.
            let divisor = power_of_ten(below.min(4))?;
            if digit % divisor != 0 || (below > 4 && digit != 0) {
                return None;
            }
            value = value.checked_mul(power_of_ten(4 - below.min(4))?)?.checked_add(digit / divisor)?;
            missing = below;
        }
        value.checked_mul(power_of_ten((exponent + missing).max(0))?)
    }

    /// Appends the number as text, with as many digits after the point as were written.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self.sign {
            NAN => return out.extend_from_slice(b"NaN"),
            INFINITY => return out.extend_from_slice(b"Infinity"),
            NEGATIVE_INFINITY => return out.extend_from_slice(b"-Infinity"),
            NEGATIVE => out.push(b'-'),
            _ => {}
        }
        let digit = |place: i32| {
            let at = self.weight - place;
            let pair = usize::try_from(at).ok().and_then(|at| self.digits.get(2 * at..2 * at + 2));
            pair.map_or(0, |pair| u16::from_be_bytes([pair[0], pair[1]]))
        };
        let start = out.len();
        for place in (0..=self.weight).rev() {
            push_group(out, digit(place));
        }
        let leading = out[start..].iter().take_while(|digit| **digit == b'0').count();
        out.drain(start..start + leading);
        if out.len() == start {
            out.push(b'0');
        }
        if self.scale == 0 {
            return;
        }
        out.push(b'.');
        let end = out.len() + self.scale;
        let mut place = -1;
        while out.len() < end {
            push_group(out, digit(place));
            place -= 1;
        }
        out.truncate(end);
    }
}

fn power_of_ten(exponent: i32) -> Option<i128> {
    10i128.checked_pow(u32::try_from(exponent).ok()?)
}

fn push_group(out: &mut Vec<u8>, group: u16) {
    let [high, low] = [group / 100, group % 100];
    let digits = [high / 10, high % 10, low / 10, low % 10];
    out.extend_from_slice(&digits.map(|digit| b'0' + digit as u8));
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhirmill_core::rows::RowBuffer;
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    fn binary(written: &str) -> Vec<u8> {
        let mut buffer = RowBuffer::default();
        buffer.numeric(written).expect("a number");
        buffer.as_bytes()[4..].to_vec()
    }

    fn both(written: &str) -> (Option<i128>, String) {
        let value = binary(written);
        let numeric = Numeric::parse(&value).expect("a numeric");
        let mut text = Vec::new();
        numeric.write(&mut text);
        (numeric.decimal(), String::from_utf8(text).expect("digits"))
    }

    #[test]
    fn a_number_is_a_decimal_and_its_digits() {
        const ONE: i128 = 10i128.pow(18);
        assert_eq!(both("72.0"), (Some(72 * ONE), "72.0".to_owned()));
        assert_eq!(both("-0.00010"), (Some(-ONE / 10_000), "-0.00010".to_owned()));
        assert_eq!(both("0"), (Some(0), "0".to_owned()));
        assert_eq!(both("0.000"), (Some(0), "0.000".to_owned()));
        assert_eq!(both("12345678"), (Some(12_345_678 * ONE), "12345678".to_owned()));
        assert_eq!(both("1e3"), (Some(1000 * ONE), "1000".to_owned()));
        let written = "112.41600000000001";
        assert_eq!(both(written), (Some(112_416_000_000_000_010_000), written.to_owned()));
        let written = "0.000000000000000001";
        assert_eq!(both(written), (Some(1), written.to_owned()));
    }

    #[test]
    fn what_no_decimal_holds_is_text_only() {
        for written in ["0.0000000000000000001", "100000000000000000000", "1e60", "1e-60"] {
            assert_eq!(both(written).0, None, "{written}");
        }
        let largest = "99999999999999999999.999999999999999999";
        assert_eq!(both(largest), (Some(10i128.pow(38) - 1), largest.to_owned()));
        let special = |sign: u16| {
            let mut value = vec![0; 8];
            value[4..6].copy_from_slice(&sign.to_be_bytes());
            let mut text = Vec::new();
            Numeric::parse(&value).expect("a numeric").write(&mut text);
            String::from_utf8(text).expect("text")
        };
        assert_eq!([NAN, INFINITY, NEGATIVE_INFINITY].map(special), ["NaN", "Infinity", "-Infinity"]);
    }

    proptest! {
        #[test]
        fn decimals_and_digits_agree(value in -(10i128.pow(25))..10i128.pow(25), scale in 0usize..18) {
            let magnitude = format!("{:0width$}", value.unsigned_abs(), width = scale + 1);
            let (whole, fraction) = magnitude.split_at(magnitude.len() - scale);
            let sign = if value < 0 { "-" } else { "" };
            let dot = if scale > 0 { "." } else { "" };
            let written = format!("{sign}{whole}{dot}{fraction}");
            let expected = value.checked_mul(10i128.pow(18 - scale as u32))
                .filter(|value| value.unsigned_abs() < 10u128.pow(38));
            let (decimal, text) = both(&written);
            prop_assert_eq!(decimal, expected);
            prop_assert_eq!(text, if value == 0 { written.trim_start_matches('-').to_owned() } else { written });
        }

        #[test]
        fn bytes_from_outside_never_panic(value in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(numeric) = Numeric::parse(&value) {
                numeric.decimal();
                numeric.write(&mut Vec::new());
            }
        }
    }
}
