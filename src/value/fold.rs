//! How texts are compared: trimmed and lower-cased character by character, by the simple mapping.
//!
//! The standard library's `to_lowercase` maps the final sigma by context and `İ` to two characters; the language does
//! neither.

use std::borrow::Cow;

/// One character in lower case: always one character.
///
/// ```
/// use headcount::internals::value::fold::lower_char;
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
/// use headcount::internals::value::fold::fold;
/// assert_eq!(fold("  ΟΔΥΣΣΕΥΣ "), "οδυσσευσ");
/// assert_eq!(fold("straße"), "straße");
/// ```
pub fn fold(text: &str) -> Cow<'_, str> {
    lower(text.trim())
}

/// Whether a text, folded, is this folded text: as comparing [`fold`]'s answer, without making it.
///
/// ```
/// use headcount::internals::value::fold::folds_to;
/// assert!(folds_to(" Kigali", "kigali"));
/// assert!(!folds_to("kigali city", "kigali"));
/// ```
pub fn folds_to(text: &str, folded: &str) -> bool {
    let text = text.trim();
    if text.is_ascii() {
        // Simple mappings to ASCII come from beyond it only (`İ`, the Kelvin sign), never the other way.
        return text.len() == folded.len()
            && text.bytes().zip(folded.bytes()).all(|(byte, wanted)| byte.to_ascii_lowercase() == wanted);
    }
    text.chars().map(lower_char).eq(folded.chars())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn comparing_folded_is_folding_and_comparing(
            text in "[ aAbBßéÉİΣσςKμµ]{0,5}", other in "[ aAbBßéÉİΣσςKμµ]{0,5}",
        ) {
            let folded = fold(&other);
            prop_assert_eq!(folds_to(&text, &folded), fold(&text) == folded);
            prop_assert!(folds_to(&other, &folded));
        }

        #[test]
        fn folding_twice_is_folding_once(text in "\\PC{0,20}") {
            let once = fold(&text).into_owned();
            prop_assert_eq!(fold(&once), once.as_str());
        }

        #[test]
        fn a_character_stays_one(c: char) {
            prop_assert_eq!(lower(&c.to_string()).chars().count(), 1);
        }
    }
}
