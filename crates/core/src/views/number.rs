//! Decimal numbers of up to 38 digits, for arithmetic. Numbers that are only read and
//! written keep the digits of their text instead.

use std::cmp::Ordering;

use crate::json::Decimal;

/// Digits after the point that a quotient is rounded to if it has more: the step
/// of FHIRPath's decimals.
const QUOTIENT_SCALE: u32 = 8;

/// A decimal number that was computed: `mantissa / 10^scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    mantissa: i128,
    scale: u32,
}

fn power(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

impl Number {
    pub(super) fn integer(value: i64) -> Number {
        Number { mantissa: i128::from(value), scale: 0 }
    }

    /// A number as JSON writes it; `None` if it has too many digits.
    pub(super) fn parse(text: &str) -> Option<Number> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = whole.len() + fraction.len();
        if digits > 40 {
            return None;
        }
        let mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
        let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        match u32::try_from(scale) {
            Ok(scale) if scale <= 38 => Some(Number { mantissa, scale }),
            Ok(_) => None,
            Err(_) => {
                Some(Number { mantissa: mantissa.checked_mul(power(scale.unsigned_abs())?)?, scale: 0 })
            }
        }
    }

    /// Both with the same scale.
    fn aligned(self, other: Number) -> Option<(i128, i128, u32)> {
        let scale = self.scale.max(other.scale);
        let raise = |number: Number| number.mantissa.checked_mul(power(scale - number.scale)?);
        Some((raise(self)?, raise(other)?, scale))
    }

    pub(super) fn add(self, other: Number) -> Option<Number> {
        let (left, right, scale) = self.aligned(other)?;
        Some(Number { mantissa: left.checked_add(right)?, scale })
    }

    pub(super) fn subtract(self, other: Number) -> Option<Number> {
        self.add(other.negative())
    }

    pub(super) fn negative(self) -> Number {
        Number { mantissa: -self.mantissa, ..self }
    }

    pub(super) fn multiply(self, other: Number) -> Option<Number> {
        Some(Number { mantissa: self.mantissa.checked_mul(other.mantissa)?, scale: self.scale + other.scale })
            .filter(|product| product.scale <= 38)
    }

    /// The quotient, without zeros at its end; `None` when dividing by zero.
    pub(super) fn divide(self, other: Number) -> Option<Number> {
        let (left, right, _) = self.aligned(other)?;
        if right == 0 {
            return None;
        }
        // One digit more, to round by.
        let scaled = left.checked_mul(power(QUOTIENT_SCALE + 1)?)?;
        let quotient = scaled / right;
        let half = if quotient < 0 { -5 } else { 5 };
        let mut rounded = Number { mantissa: (quotient + half) / 10, scale: QUOTIENT_SCALE };
        while rounded.scale > 0 && rounded.mantissa % 10 == 0 {
            rounded = Number { mantissa: rounded.mantissa / 10, scale: rounded.scale - 1 };
        }
        Some(rounded)
    }

    /// The whole part of the quotient.
    pub(super) fn quotient(self, other: Number) -> Option<Number> {
        let (left, right, _) = self.aligned(other)?;
        Some(Number { mantissa: left.checked_div(right)?, scale: 0 })
    }

    pub(super) fn remainder(self, other: Number) -> Option<Number> {
        let (left, right, scale) = self.aligned(other)?;
        Some(Number { mantissa: left.checked_rem(right)?, scale })
    }

    /// Half of the last digit more or less.
    pub(super) fn boundary(self, is_high: bool) -> Option<Number> {
        let half = if is_high { 5 } else { -5 };
        let mantissa = self.mantissa.checked_mul(10)?.checked_add(half)?;
        Some(Number { mantissa, scale: self.scale + 1 }).filter(|bound| bound.scale <= 38)
    }

    /// A whole number.
    pub(super) fn as_integer(self) -> Option<i64> {
        let divisor = power(self.scale)?;
        (self.mantissa % divisor == 0).then(|| i64::try_from(self.mantissa / divisor).ok())?
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.scale == 0 {
            return write!(f, "{}", self.mantissa);
        }
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let scale = self.scale as usize;
        let digits = format!("{:0>width$}", self.mantissa.unsigned_abs(), width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

/// The order of two numbers as JSON writes them, however many digits they have.
pub(super) fn compare(left: &str, right: &str) -> Option<Ordering> {
    if let (Some(left), Some(right)) = (Number::parse(left), Number::parse(right))
        && let Some((left, right, _)) = left.aligned(right)
    {
        return Some(left.cmp(&right));
    }
    let (left, right) = (Decimal::parse(left).ok()?, Decimal::parse(right).ok()?);
    let sign = |number: &Decimal<'_>| match (number.is_zero(), number.is_negative) {
        (true, _) => 0,
        (false, true) => -1,
        (false, false) => 1,
    };
    let by_sign = sign(&left).cmp(&sign(&right));
    if by_sign != Ordering::Equal || left.is_zero() {
        return Some(by_sign);
    }
    let by_size = left.point.cmp(&right.point).then_with(|| digits(&left).cmp(&digits(&right)));
    Some(if left.is_negative { by_size.reverse() } else { by_size })
}

/// The digits without zeros at their end.
fn digits(number: &Decimal<'_>) -> Vec<u8> {
    let mut digits: Vec<u8> = number.digits().collect();
    while digits.pop_if(|last| *last == b'0').is_some() {}
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    fn number(text: &str) -> Number {
        Number::parse(text).expect(text)
    }

    #[test]
    fn arithmetic_is_exact() {
        let shown = |number: Option<Number>| number.map(|number| number.to_string()).unwrap_or_default();
        assert_eq!(shown(number("0.1").add(number("0.2"))), "0.3");
        assert_eq!(shown(number("1.50").subtract(number("2"))), "-0.50");
        assert_eq!(shown(number("1.5").multiply(number("-0.5"))), "-0.75");
        assert_eq!(shown(number("3").divide(number("2"))), "1.5");
        assert_eq!(shown(number("6").divide(number("2"))), "3");
        assert_eq!(shown(number("2").divide(number("3"))), "0.66666667");
        assert_eq!(shown(number("-2").divide(number("3"))), "-0.66666667");
        assert_eq!(shown(number("1").divide(number("0"))), "");
        assert_eq!(shown(number("7.5").quotient(number("2"))), "3");
        assert_eq!(shown(number("7.5").remainder(number("2"))), "1.5");
        assert_eq!(shown(number("1.0").boundary(false)), "0.95");
        assert_eq!(shown(number("-1.0").boundary(true)), "-0.95");
        assert_eq!(shown(number("1e2").boundary(true)), "100.5");
        assert_eq!(shown(Number::parse("1e99")), "");
        assert_eq!(shown(number("9e37").multiply(number("9e37"))), "");
    }

    #[test]
    fn numbers_of_any_length_are_compared_by_value() {
        let long = format!("1.{}1", "0".repeat(60));
        for (left, right, expected) in [
            ("1.0", "1.00", Ordering::Equal),
            ("1e2", "100", Ordering::Equal),
            ("-1", "1", Ordering::Less),
            (&long, "1", Ordering::Greater),
            (&long, &format!("{long}0"), Ordering::Equal),
            ("-1e300", "-1e299", Ordering::Less),
            ("0e400", "-0.0", Ordering::Equal),
        ] {
            assert_eq!(compare(left, right), Some(expected), "{left} {right}");
        }
    }
}
