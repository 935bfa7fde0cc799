//! How texts are compared: trimmed and lower-cased character by character, by the simple mapping.
//!
//! The standard library's `to_lowercase` maps the final sigma by context and `İ` to two characters; the language does
//! neither.

use std::borrow::Cow;

/// One character in lower case: always one character.
///
/// ```
/// use headcount::value::fold::lower_char;
/// assert_eq!(lower_char('Σ'), 'σ');
/// assert_eq!(lower_char('İ'), 'i');
/// ```
pub fn lower_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    // The simple mapping of `İ`, whose full mapping is two characters; it is the only one of its kind.
    let mut lowered = c.to_lowercase();
    lowered.next().unwrap_or(c)
}

/// The text in lower case, character by character; borrowed if it is already.
pub fn lower(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        }
    } else if text.chars().any(|c| lower_char(c) != c) {
        Cow::Owned(text.chars().map(lower_char).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// The text trimmed of Unicode white space and in lower case: how text values are compared.
///
/// ```
/// use headcount::value::fold::fold;
/// assert_eq!(fold("  ΟΔΥΣΣΕΥΣ "), "οδυσσευσ");
/// assert_eq!(fold("straße"), "straße");
/// ```
pub fn fold(text: &str) -> Cow<'_, str> {
    lower(text.trim())
}
