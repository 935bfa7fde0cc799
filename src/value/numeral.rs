//! Numbers as people read them.

use crate::value::Decimal;

/// A number with its digits in groups of three.
///
/// ```
/// assert_eq!(headcount::internals::value::numeral::grouped(1_234_567), "1,234,567");
/// ```
pub fn grouped(number: u64) -> String {
    grouped_digits(&number.to_string())
}

fn grouped_digits(digits: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A decimal with its whole part in groups of three; one of very many digits rounded to a few, and its power of ten.
///
/// ```
/// use headcount::internals::value::{Decimal, numeral::grouped_decimal};
/// let shown = |text: &str| Decimal::parse(text).map(|number| grouped_decimal(&number));
/// assert_eq!(shown("-1234567.25").as_deref(), Some("-1,234,567.25"));
/// assert_eq!(shown("9007199254740993").as_deref(), Some("9,007,199,254,740,993"));
/// assert_eq!(shown("340000000000000000000000000000").as_deref(), Some("3.4e29"));
/// ```
pub fn grouped_decimal(number: &Decimal) -> String {
    let text = number.to_string();
    if text.len() > 18 {
        let rounded = format!("{:.3e}", number.to_f64());
        let (digits, power) = rounded.split_once('e').unwrap_or((&rounded, "0"));
        return format!("{}e{power}", digits.trim_end_matches('0').trim_end_matches('.'));
    }
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    match digits.split_once('.') {
        Some((whole, fraction)) => format!("{sign}{}.{fraction}", grouped_digits(whole)),
        None => format!("{sign}{}", grouped_digits(digits)),
    }
}

/// How many of something that takes an `s` in the plural.
///
/// ```
/// use headcount::internals::value::numeral::counted;
/// assert_eq!((counted(1, "contact"), counted(2_000, "contact")), ("1 contact".into(), "2,000 contacts".into()));
/// ```
pub fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", grouped(number))
}
