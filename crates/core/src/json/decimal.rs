//! A *decimal* is a JSON number taken apart without converting it: its digits
//! as written and the position of its decimal point. It exists only within
//! the range of Postgres' `numeric`, which is also the range of the numbers in
//! `jsonb` (<https://www.postgresql.org/docs/current/datatype-numeric.html>).

use thiserror::Error;

/// Digits before the decimal point that `numeric` holds.
const MAX_INTEGER_DIGITS: i64 = 131_072;
/// Digits after the decimal point that `numeric` holds.
const MAX_SCALE: i64 = 16_383;

/// Why a text is not a decimal.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DecimalError {
    /// Not a number in JSON's notation.
    #[error("not a number in JSON's notation")]
    Malformed,
    /// More digits than Postgres' `numeric` holds.
    #[error("more digits than Postgres' numeric holds")]
    OutOfRange,
}

/// The value is `0.d1d2d3… × 10^point`, where `d1` is the first digit that is
/// not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal<'t> {
    pub is_negative: bool,
    integer: &'t str,
    fraction: &'t str,
    leading_zeros: usize,
    /// Where the decimal point stands, counted from the first digit that is
    /// not zero.
    pub point: i64,
    /// How many digits after the decimal point the number states.
    pub scale: u16,
}

impl<'t> Decimal<'t> {
    /// Takes apart a number that is written as JSON writes numbers.
    pub fn parse(written: &'t str) -> Result<Self, DecimalError> {
        let (is_negative, unsigned) = match written.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, written),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            // An exponent too long for i64 is out of range whatever its mantissa.
            Some((mantissa, exponent)) => (mantissa, exponent.parse().map_err(|_| DecimalError::OutOfRange)?),
            None => (unsigned, 0i64),
        };
        let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = || integer.bytes().chain(fraction.bytes());
        if integer.is_empty() || digits().any(|digit| !digit.is_ascii_digit()) {
            return Err(DecimalError::Malformed);
        }
        // Bounded first, so that the sums below cannot overflow.
        if exponent.unsigned_abs() > (MAX_INTEGER_DIGITS + MAX_SCALE) as u64 {
            return Err(DecimalError::OutOfRange);
        }
        let leading_zeros = digits().take_while(|&digit| digit == b'0').count();
        let point = integer.len() as i64 + exponent - leading_zeros as i64;
        let scale = (fraction.len() as i64 - exponent).max(0);
        if scale > MAX_SCALE || point > MAX_INTEGER_DIGITS {
            return Err(DecimalError::OutOfRange);
        }
        Ok(Decimal { is_negative, integer, fraction, leading_zeros, point, scale: scale as u16 })
    }

    /// Whether all digits are zeros.
    pub fn is_zero(&self) -> bool {
        self.leading_zeros == self.integer.len() + self.fraction.len()
    }

    /// The digits from the first that is not zero, as ASCII.
    pub fn digits(&self) -> impl Iterator<Item = u8> + use<'t> {
        self.integer.bytes().chain(self.fraction.bytes()).skip(self.leading_zeros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn a_number_is_its_digits_and_the_position_of_its_point() {
        let parts = |written| {
            let decimal = Decimal::parse(written).expect(written);
            let digits = String::from_utf8(decimal.digits().collect()).expect("ASCII");
            (decimal.is_negative, digits, decimal.point, decimal.scale)
        };
        assert_eq!(parts("72.0"), (false, "720".to_owned(), 2, 1));
        assert_eq!(parts("-0.00120"), (true, "120".to_owned(), -2, 5));
        assert_eq!(parts("1.50E+2"), (false, "150".to_owned(), 3, 0));
        assert!(Decimal::parse("-0.000").expect("a number").is_zero());
    }

    #[test]
    fn what_numeric_cannot_hold_is_refused() {
        for written in
            ["1e131073", "1e-16384", "1e99999999999999999999", "1e400000", "1e-9223372036854775808"]
        {
            assert_eq!(Decimal::parse(written), Err(DecimalError::OutOfRange), "{written}");
        }
        for written in ["", "-", "1,5", "abc", ".5"] {
            assert_eq!(Decimal::parse(written), Err(DecimalError::Malformed), "{written}");
        }
        assert!(Decimal::parse("1e131071").is_ok());
    }
}
