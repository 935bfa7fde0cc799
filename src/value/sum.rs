//! Sums of decimals, exact however many there are and however far apart they lie.

use std::cmp::Ordering;
use std::fmt;

use num_bigint::BigInt;

use crate::value::Decimal;

/// An exact sum of [`Decimal`]s. It may have more digits than one of them can, so it never overflows.
///
/// ```
/// use headcount::internals::value::{Decimal, Sum};
/// let mut sum = Sum::default();
/// for text in ["12.50", "0.5", "-3"] {
///     sum.add(Decimal::parse(text).unwrap());
/// }
/// assert_eq!(sum.to_string(), "10");
/// assert_eq!(sum.compare(Decimal::from(9)), std::cmp::Ordering::Greater);
/// ```
#[derive(Clone, Debug)]
pub struct Sum {
    units: Units,
    /// The value is `units × 10^exponent`.
    exponent: i16,
}

#[derive(Clone, Debug)]
enum Units {
    /// As long as they fit.
    Few(i128),
    Many(BigInt),
}

impl Default for Sum {
    fn default() -> Self {
        Sum { units: Units::Few(0), exponent: 0 }
    }
}

/// A number of units that are a power of ten smaller; `None` if it does not fit.
fn scaled(units: i128, digits: u32) -> Option<i128> {
    units.checked_mul(10i128.checked_pow(digits)?)
}

fn scaled_big(units: BigInt, digits: u32) -> BigInt {
    units * BigInt::from(10).pow(digits)
}

fn signed(number: Decimal) -> (i128, i16) {
    let (negative, coefficient, exponent) = number.parts();
    // A coefficient has 36 digits at most, an `i128` holds 38.
    let coefficient = i128::try_from(coefficient).unwrap_or(i128::MAX);
    (if negative { -coefficient } else { coefficient }, exponent)
}

impl Sum {
    /// Adds a number.
    ///
    /// Cost: some nanoseconds as long as the sum fits into 38 digits from the smallest decimal on; beyond, a hundred or
    /// so.
    pub fn add(&mut self, number: Decimal) {
        let (units, exponent) = signed(number);
        let least = self.exponent.min(exponent);
        let (own_digits, digits) = (gap(self.exponent, least), gap(exponent, least));
        let few = match self.units {
            Units::Few(own) => {
                scaled(own, own_digits).zip(scaled(units, digits)).and_then(|(own, new)| own.checked_add(new))
            }
            Units::Many(_) => None,
        };
        self.units = match few {
            Some(units) => Units::Few(units),
            None => Units::Many(scaled_big(self.big(), own_digits) + scaled_big(units.into(), digits)),
        };
        self.exponent = least;
    }

    fn big(&self) -> BigInt {
        match &self.units {
            Units::Few(units) => BigInt::from(*units),
            Units::Many(units) => units.clone(),
        }
    }

    /// How the sum compares with a number.
    pub fn compare(&self, number: Decimal) -> Ordering {
        let (units, exponent) = signed(number);
        let least = self.exponent.min(exponent);
        let (own_digits, digits) = (gap(self.exponent, least), gap(exponent, least));
        if let Units::Few(own) = self.units
            && let Some((own, other)) = scaled(own, own_digits).zip(scaled(units, digits))
        {
            return own.cmp(&other);
        }
        scaled_big(self.big(), own_digits).cmp(&scaled_big(units.into(), digits))
    }
}

/// How many powers of ten lie between two exponents, the second one not being above the first.
fn gap(exponent: i16, least: i16) -> u32 {
    u32::from(exponent.saturating_sub(least).unsigned_abs())
}

/// As numbers are written, without trailing zeros behind the point.
impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.big().to_string();
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", text.as_str()),
        };
        if self.exponent >= 0 {
            let zeros = if digits == "0" { 0 } else { usize::from(self.exponent.unsigned_abs()) };
            return write!(f, "{sign}{digits}{:0<zeros$}", "");
        }
        let decimals = usize::from(self.exponent.unsigned_abs());
        let padded = format!("{digits:0>width$}", width = decimals + 1);
        let (whole, fraction) = padded.split_at(padded.len() - decimals);
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            fraction => write!(f, "{sign}{whole}.{fraction}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    fn sum(texts: &[&str]) -> Sum {
        let mut sum = Sum::default();
        texts.iter().for_each(|text| sum.add(Decimal::parse(text).unwrap()));
        sum
    }

    #[test]
    fn nothing_is_lost_however_far_numbers_lie_apart() {
        let (large, small) = (format!("9{}", "0".repeat(100)), format!("0.{}1", "0".repeat(99)));
        let both = sum(&[&large, &small]);
        assert_eq!(both.to_string(), format!("{large}.{}1", "0".repeat(99)));
        assert_eq!(both.compare(Decimal::parse(&large).unwrap()), Ordering::Greater);
        let back = sum(&[&large, &small, &format!("-{large}")]);
        assert_eq!(back.compare(Decimal::parse(&small).unwrap()), Ordering::Equal);
        let digits = "9".repeat(36);
        let many = sum(&vec![digits.as_str(); 1000]);
        assert_eq!(many.to_string(), format!("{digits}000"));
        assert_eq!(sum(&[]).to_string(), "0");
        assert_eq!(sum(&["-0.5", "0.25"]).to_string(), "-0.25");
        assert_eq!(sum(&["100", "900"]).to_string(), "1000");
    }

    proptest! {
        #[test]
        fn sums_of_integers_are_those_of_integers(numbers in proptest::collection::vec(any::<i64>(), 0..20), other: i64) {
            let mut sum = Sum::default();
            numbers.iter().for_each(|&number| sum.add(number.into()));
            let expected: i128 = numbers.iter().map(|&number| i128::from(number)).sum();
            prop_assert_eq!(sum.to_string(), expected.to_string());
            prop_assert_eq!(sum.compare(other.into()), expected.cmp(&i128::from(other)));
        }
    }
}
