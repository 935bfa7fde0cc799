//! Numbers as people read them.

/// A number with its digits in groups of three.
///
/// ```
/// assert_eq!(headcount::value::numeral::grouped(1_234_567), "1,234,567");
/// ```
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// How many of something that takes an `s` in the plural.
///
/// ```
/// use headcount::value::numeral::counted;
/// assert_eq!((counted(1, "contact"), counted(2_000, "contact")), ("1 contact".into(), "2,000 contacts".into()));
/// ```
pub fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", grouped(number))
}
