//! Exact decimals: at most 36 significant digits, adjusted exponent within ±100. Never through floats.

use std::cmp::Ordering;
use std::fmt;

use smallvec::SmallVec;

/// Significant digits that a number may have, trailing zeros not counted.
const MAX_DIGITS: usize = 36;
/// How far the first significant digit may stand from the decimal point.
const MAX_ADJUSTED_EXPONENT: i32 = 100;

/// An exact decimal number. Equal numbers are equal values: `36.0` is `36`.
///
/// ```
/// use headcount::internals::value::Decimal;
/// let number = Decimal::parse(" 36.50 ").unwrap();
/// assert_eq!(number.to_string(), "36.5");
/// assert!(number > Decimal::parse("36").unwrap());
/// assert!(Decimal::parse("1e5").is_none());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Decimal {
    negative: bool,
    /// Without trailing zeros; 0 for zero.
    coefficient: u128,
    /// The value is `coefficient × 10^exponent`; 0 for zero.
    exponent: i16,
}

impl Decimal {
    /// Zero.
    pub const ZERO: Decimal = Decimal { negative: false, coefficient: 0, exponent: 0 };

    /// Reads `^-?(\d+|\d+\.\d+|\.\d+)$` with ASCII digits, after trimming white space; `None` for anything else, and for
    /// numbers beyond the limits. Zero is valid with any number of decimals.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.trim().as_bytes();
        let (negative, bytes) = match bytes.split_first() {
            Some((b'-', rest)) => (true, rest),
            _ => (false, bytes),
        };
        let point = bytes.iter().position(|&byte| byte == b'.');
        let (whole, fraction) = match point {
            Some(at) => (bytes.get(..at)?, bytes.get(at + 1..)?),
            None => (bytes, &[][..]),
        };
        if (point.is_some() && fraction.is_empty()) || (point.is_none() && whole.is_empty()) {
            return None;
        }
        if !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
            return None;
        }
        // The digits between the first and the last that is not zero, and the power of ten of the last.
        let total = whole.len() + fraction.len();
        let digit = |at: usize| if at < whole.len() { whole.get(at) } else { fraction.get(at - whole.len()) };
        let is_significant = |at: &usize| digit(*at).is_some_and(|&byte| byte != b'0');
        let Some(first) = (0..total).find(is_significant) else {
            return Some(Decimal::ZERO);
        };
        let last = (first..total).rev().find(is_significant)?;
        if last - first + 1 > MAX_DIGITS {
            return None;
        }
        let mut coefficient: u128 = 0;
        for at in first..=last {
            coefficient = coefficient * 10 + u128::from(digit(at)? - b'0');
        }
        let exponent = i32::try_from(whole.len()).ok()? - 1 - i32::try_from(last).ok()?;
        let adjusted = exponent + i32::try_from(last - first).ok()?;
        if adjusted.abs() > MAX_ADJUSTED_EXPONENT {
            return None;
        }
        Some(Decimal { negative, coefficient, exponent: i16::try_from(exponent).ok()? })
    }

    /// From its parts; `None` if they are not what [`Decimal::parts`] can give.
    pub fn from_parts(negative: bool, coefficient: u128, exponent: i16) -> Option<Self> {
        if coefficient == 0 {
            return (!negative && exponent == 0).then_some(Decimal::ZERO);
        }
        let digits = coefficient.ilog10() as i32 + 1;
        let adjusted = i32::from(exponent) + digits - 1;
        let valid =
            !coefficient.is_multiple_of(10) && digits <= MAX_DIGITS as i32 && adjusted.abs() <= MAX_ADJUSTED_EXPONENT;
        valid.then_some(Decimal { negative, coefficient, exponent })
    }

    /// Sign, coefficient without trailing zeros, and power of ten.
    pub fn parts(&self) -> (bool, u128, i16) {
        (self.negative, self.coefficient, self.exponent)
    }

    /// Power of ten of the first digit.
    fn adjusted_exponent(&self) -> i32 {
        i32::from(self.exponent) + self.coefficient.checked_ilog10().unwrap_or(0) as i32
    }

    /// The coefficient moved up to 37 digits, so that coefficients of one adjusted exponent compare as integers.
    fn aligned(&self) -> u128 {
        let digits = self.coefficient.checked_ilog10().unwrap_or(0);
        self.coefficient * 10u128.pow(MAX_DIGITS as u32 - digits)
    }

    /// Bytes whose order is the order of numbers, and which differ for different numbers: for index keys.
    ///
    /// A sign and exponent byte pair, then the digits two to a byte, as many as there are.
    pub fn sort_key(&self) -> SmallVec<[u8; 24]> {
        let mut key = SmallVec::new();
        if self.coefficient == 0 {
            key.push(0x80);
            return key;
        }
        key.push(0xC0);
        // -100..=100 becomes 1..=201.
        key.push((self.adjusted_exponent() + MAX_ADJUSTED_EXPONENT + 1) as u8);
        let mut rest = self.aligned();
        let mut scale = 10u128.pow(MAX_DIGITS as u32 - 1);
        // Each byte is a pair of digits plus one, so that the end (a missing byte) sorts before any pair.
        while rest > 0 {
            let pair = (rest / scale) as u8;
            rest %= scale;
            key.push(pair + 1);
            if scale < 100 {
                if rest > 0 {
                    key.push((rest * 10) as u8 + 1);
                }
                break;
            }
            scale /= 100;
        }
        if self.negative {
            key.push(0);
            key.iter_mut().for_each(|byte| *byte = !*byte);
        }
        key
    }

    /// The number whose [`sort_key`](Decimal::sort_key) this is; `None` if it is none's.
    pub fn from_sort_key(key: &[u8]) -> Option<Self> {
        let (&first, _) = key.split_first()?;
        let negative = first < 0x80;
        let mut bytes: SmallVec<[u8; 24]> = key.into();
        if negative {
            bytes.iter_mut().for_each(|byte| *byte = !*byte);
            bytes.pop().filter(|&end| end == 0)?;
        }
        let (adjusted, pairs) = match bytes.as_slice() {
            [0x80] => return Some(Decimal::ZERO),
            [0xC0, adjusted, pairs @ ..] => (i32::from(*adjusted) - MAX_ADJUSTED_EXPONENT - 1, pairs),
            _ => return None,
        };
        let mut coefficient = 0u128;
        for pair in pairs {
            let pair = pair.checked_sub(1).filter(|&pair| pair < 100)?;
            coefficient = coefficient.checked_mul(100)?.checked_add(pair.into())?;
        }
        // The last pair may end in a zero that is no digit.
        let is_padded = coefficient.is_multiple_of(10);
        let digits = 2 * pairs.len() as i32 - i32::from(is_padded);
        let coefficient = if is_padded { coefficient / 10 } else { coefficient };
        let number = Decimal::from_parts(negative, coefficient, i16::try_from(adjusted + 1 - digits).ok()?)?;
        (number.sort_key().as_slice() == key).then_some(number)
    }

    /// The nearest float: to place a number in a picture, never to compare it.
    pub fn to_f64(&self) -> f64 {
        let magnitude = self.coefficient as f64 * 10f64.powi(self.exponent.into());
        if self.negative { -magnitude } else { magnitude }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Decimal| match (number.coefficient, number.negative) {
            (0, _) => 0,
            (_, true) => -1,
            (_, false) => 1,
        };
        let magnitude = |a: &Decimal, b: &Decimal| {
            a.adjusted_exponent().cmp(&b.adjusted_exponent()).then_with(|| a.aligned().cmp(&b.aligned()))
        };
        sign(self).cmp(&sign(other)).then_with(|| match sign(self) {
            0 => Ordering::Equal,
            1 => magnitude(self, other),
            _ => magnitude(other, self),
        })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<i64> for Decimal {
    fn from(number: i64) -> Self {
        let mut coefficient = u128::from(number.unsigned_abs());
        let mut exponent = 0;
        if coefficient == 0 {
            return Decimal::ZERO;
        }
        while coefficient.is_multiple_of(10) {
            coefficient /= 10;
            exponent += 1;
        }
        Decimal { negative: number < 0, coefficient, exponent }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.coefficient.to_string();
        if self.negative {
            f.write_str("-")?;
        }
        let exponent = i32::from(self.exponent);
        if exponent >= 0 {
            write!(f, "{digits}{:0<1$}", "", exponent as usize)
        } else {
            let places = exponent.unsigned_abs() as usize;
            match digits.len().checked_sub(places) {
                Some(whole) if whole > 0 => {
                    write!(f, "{}.{}", &digits[..whole], &digits[whole..])
                }
                _ => write!(f, "0.{digits:0>places$}"),
            }
        }
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap_or_else(|| panic!("{text} is a number"))
    }

    #[test]
    fn accepts_what_the_language_accepts_and_nothing_else() {
        for text in ["0", "-0", "007", ".5", "-.5", "36.0", "9007199254740993", " 5\t"] {
            assert!(Decimal::parse(text).is_some(), "{text}");
        }
        for text in ["", "-", ".", "36.", "+36", "1e5", "1,000", "1 0", "--1", "٣", "0x1", "- 1"] {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
        assert!(Decimal::parse(&"9".repeat(36)).is_some());
        assert!(Decimal::parse(&"9".repeat(37)).is_none());
        assert!(Decimal::parse(&format!("1{}", "0".repeat(100))).is_some());
        assert!(Decimal::parse(&format!("1{}", "0".repeat(101))).is_none());
        assert!(Decimal::parse(&format!("0.{}1", "0".repeat(99))).is_some());
        assert!(Decimal::parse(&format!("0.{}1", "0".repeat(100))).is_none());
        assert_eq!(number(&format!("0.{}", "0".repeat(500))), Decimal::ZERO);
        assert_eq!(number("36.0"), number("36"));
        assert_ne!(number("9007199254740992"), number("9007199254740993"));
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            "-?[0-9]{1,4}",
            "-?[0-9]{0,3}\\.[0-9]{1,4}",
            "-?[0-9]{1,20}\\.[0-9]{1,14}",
            "-?0\\.0{0,60}[1-9]{1,5}",
        ]
    }

    proptest! {
        #[test]
        fn printing_reads_back(a in text()) {
            let a = number(&a);
            prop_assert_eq!(number(&a.to_string()), a);
            let (negative, coefficient, exponent) = a.parts();
            prop_assert_eq!(Decimal::from_parts(negative, coefficient, exponent), Some(a));
        }

        #[test]
        fn keys_sort_as_numbers_and_differ_when_they_do(a in text(), b in text()) {
            let (a, b) = (number(&a), number(&b));
            prop_assert_eq!(a.sort_key().cmp(&b.sort_key()), a.cmp(&b));
            prop_assert_eq!(Decimal::from_sort_key(&a.sort_key()), Some(a));
        }

        #[test]
        fn other_keys_are_of_no_number(key in proptest::collection::vec(any::<u8>(), 0..30)) {
            if let Some(number) = Decimal::from_sort_key(&key) {
                prop_assert_eq!(number.sort_key().to_vec(), key);
            }
        }

        #[test]
        fn integers_compare_as_integers(a: i64, b: i64) {
            prop_assert_eq!(Decimal::from(a).cmp(&Decimal::from(b)), a.cmp(&b));
            prop_assert_eq!(number(&a.to_string()), Decimal::from(a));
        }
    }
}
