//! Arithmetic of templates: exact within 36 digits, quotients to 16 places, as the platform has them.

use crate::value::Decimal;

/// Places of a quotient.
const PLACES: i32 = 16;

/// The largest power that is computed.
const MAX_POWER: u128 = 1_000;

/// The sum; `None` if it needs more digits than a number has.
pub(super) fn add(a: Decimal, b: Decimal) -> Option<Decimal> {
    let ((_, _, a_exponent), (_, _, b_exponent)) = (a.parts(), b.parts());
    let exponent = a_exponent.min(b_exponent);
    let aligned = |number: Decimal| {
        let (negative, coefficient, own) = number.parts();
        let places = if coefficient == 0 { 0 } else { i32::from(own) - i32::from(exponent) };
        let magnitude = i128::try_from(scaled(coefficient, places)?).ok()?;
        Some(if negative { -magnitude } else { magnitude })
    };
    let sum = aligned(a)?.checked_add(aligned(b)?)?;
    number(sum < 0, sum.unsigned_abs(), exponent.into())
}

/// The difference.
pub(super) fn subtract(a: Decimal, b: Decimal) -> Option<Decimal> {
    add(a, negate(b))
}

/// The number with the other sign.
pub(super) fn negate(a: Decimal) -> Decimal {
    let (negative, coefficient, exponent) = a.parts();
    number(!negative, coefficient, exponent.into()).unwrap_or(a)
}

/// The product.
pub(super) fn multiply(a: Decimal, b: Decimal) -> Option<Decimal> {
    let ((a_sign, a, a_exponent), (b_sign, b, b_exponent)) = (a.parts(), b.parts());
    number(a_sign != b_sign, a.checked_mul(b)?, i32::from(a_exponent) + i32::from(b_exponent))
}

/// The quotient, rounded half away from zero; `None` as well where the divisor is zero.
pub(super) fn divide(a: Decimal, b: Decimal) -> Option<Decimal> {
    let ((a_sign, a, a_exponent), (b_sign, b, b_exponent)) = (a.parts(), b.parts());
    if b == 0 {
        return None;
    }
    let power = i32::from(a_exponent) - i32::from(b_exponent) + PLACES;
    let (dividend, divisor) = if power >= 0 { (scaled(a, power)?, b) } else { (a, scaled(b, -power)?) };
    let (quotient, rest) = (dividend / divisor, dividend % divisor);
    let up = u128::from(rest >= divisor - rest);
    number(a_sign != b_sign, quotient + up, -PLACES)
}

/// A whole power.
pub(super) fn power(a: Decimal, exponent: Decimal) -> Option<Decimal> {
    let (negative, coefficient, places) = exponent.parts();
    let times = u32::try_from(places).ok().and_then(|places| coefficient.checked_mul(10u128.checked_pow(places)?));
    let times = times.filter(|&times| times <= MAX_POWER)?;
    let one = Decimal::from(1);
    let product = (0..times).try_fold(one, |product, _| multiply(product, a))?;
    if negative { divide(one, product) } else { Some(product) }
}

/// Rounded to so many places, half away from zero.
pub(super) fn round(a: Decimal, places: i32) -> Option<Decimal> {
    let (negative, coefficient, exponent) = a.parts();
    let cut = -places.clamp(-100, 100) - i32::from(exponent);
    if cut <= 0 {
        return Some(a);
    }
    let Some(unit) = u32::try_from(cut).ok().and_then(|cut| 10u128.checked_pow(cut)) else {
        return Some(Decimal::ZERO);
    };
    let (whole, rest) = (coefficient / unit, coefficient % unit);
    number(negative, whole + u128::from(rest >= unit - rest), i32::from(exponent) + cut)
}

fn scaled(coefficient: u128, places: i32) -> Option<u128> {
    if coefficient == 0 {
        return Some(0);
    }
    coefficient.checked_mul(10u128.checked_pow(u32::try_from(places).ok()?)?)
}

/// From parts that may have trailing zeros.
fn number(negative: bool, mut coefficient: u128, mut exponent: i32) -> Option<Decimal> {
    if coefficient == 0 {
        return Some(Decimal::ZERO);
    }
    while coefficient.is_multiple_of(10) {
        coefficient /= 10;
        exponent += 1;
    }
    Decimal::from_parts(negative, coefficient, i16::try_from(exponent).ok()?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exact(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn quotients_and_powers() {
        let shown = |number: Option<Decimal>| number.map_or_else(String::new, |number| number.to_string());
        assert_eq!(shown(divide(exact("10"), exact("3"))), "3.3333333333333333");
        assert_eq!(shown(divide(exact("2"), exact("3"))), "0.6666666666666667");
        assert_eq!(shown(divide(exact("-7"), exact("2"))), "-3.5");
        assert_eq!(shown(divide(exact("1"), exact("0"))), "");
        assert_eq!(shown(power(exact("2"), exact("10"))), "1024");
        assert_eq!(shown(power(exact("2"), exact("-2"))), "0.25");
        assert_eq!(shown(power(exact("2"), exact("0.5"))), "");
        assert_eq!(shown(power(exact("9"), exact("1000"))), "");
        assert_eq!(shown(round(exact("2.345"), 2)), "2.35");
        assert_eq!(shown(round(exact("-2.5"), 0)), "-3");
        assert_eq!(shown(round(exact("1250"), -2)), "1300");
        assert_eq!(shown(round(exact("0.001"), 2)), "0");
        assert_eq!(shown(multiply(exact(&"9".repeat(30)), exact(&"9".repeat(30)))), "");
    }

    proptest! {
        /// Whole hundredths, so that integers say what comes out.
        #[test]
        fn hundredths_compute_as_integers(a in -1_000_000_000i64..1_000_000_000, b in -1_000_000_000i64..1_000_000_000) {
            let hundredths = |n: i64| divide(Decimal::from(n), Decimal::from(100)).unwrap();
            prop_assert_eq!(add(hundredths(a), hundredths(b)), Some(hundredths(a + b)));
            prop_assert_eq!(subtract(hundredths(a), hundredths(b)), Some(hundredths(a - b)));
            prop_assert_eq!(multiply(hundredths(a), Decimal::from(b)), Some(hundredths(a * b)));
            if b != 0 {
                prop_assert_eq!(divide(Decimal::from(a * b), Decimal::from(b)), Some(Decimal::from(a)));
            }
        }
    }
}
