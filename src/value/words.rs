//! Words of names and texts, by UAX 29.
//!
//! A word is a segment that holds an alphabetic character, a decimal digit or a connector punctuation, and has at least
//! 2 bytes. UAX 29 alone breaks Thai, Lao, Khmer and Burmese into single letters, which makes their names unfindable;
//! here an unbroken run of those scripts is one word: their names are written with spaces between given and family
//! name, and a prefix of either finds it.

use unicode_general_category::{GeneralCategory, get_general_category};
use unicode_segmentation::UnicodeSegmentation;

use crate::value::fold::lower_char;

/// Words for `name ~` are cut to this many characters.
pub const WORD_LENGTH: usize = 8;

/// Words shorter than this many bytes are not words.
pub const MIN_WORD_BYTES: usize = 2;

/// Calls `visit` with each word of the text, lower-cased, whole.
///
/// Cost: one pass; the string given is reused from word to word.
pub fn for_each_word(text: &str, mut visit: impl FnMut(&str)) {
    let mut word = String::new();
    if text.is_ascii() {
        return for_each_ascii_word(text, &mut word, &mut visit);
    }
    let mut flush = |word: &mut String| {
        if word.len() >= MIN_WORD_BYTES {
            visit(word);
        }
        word.clear();
    };
    let mut in_run = false;
    for segment in text.split_word_bounds() {
        let is_run = segment.chars().any(is_unsegmented);
        if !(is_run && in_run) {
            flush(&mut word);
        }
        in_run = is_run;
        if is_run || segment.chars().any(is_word_char) {
            word.extend(segment.chars().map(lower_char));
        }
    }
    flush(&mut word);
}

/// ASCII text has few rules: letters, digits and `_` stick together, `.`, `'` and `:` stick between two letters, `.`,
/// `'`, `,` and `;` between two digits.
fn for_each_ascii_word(text: &str, word: &mut String, visit: &mut impl FnMut(&str)) {
    let bytes = text.as_bytes();
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let mut at = 0;
    while let Some(start) = bytes.iter().skip(at).position(is_word).map(|offset| at + offset) {
        let mut end = start + 1;
        while let Some(byte) = bytes.get(end) {
            if is_word(byte) {
                end += 1;
                continue;
            }
            let (before, after) = (bytes.get(end - 1), bytes.get(end + 1));
            let between = |is: fn(&u8) -> bool| before.is_some_and(is) && after.is_some_and(is);
            let sticks = match byte {
                b'.' | b'\'' => between(u8::is_ascii_alphabetic) || between(u8::is_ascii_digit),
                b':' => between(u8::is_ascii_alphabetic),
                b',' | b';' => between(u8::is_ascii_digit),
                _ => false,
            };
            if !sticks {
                break;
            }
            end += 2;
        }
        if end - start >= MIN_WORD_BYTES {
            word.clear();
            word.push_str(text.get(start..end).unwrap_or_default());
            word.make_ascii_lowercase();
            visit(word);
        }
        at = end;
    }
}

/// Words of a text, lower-cased, whole.
///
/// ```
/// use headcount::internals::value::words::words;
/// assert_eq!(words("Bob O'Brien, x²"), ["bob", "o'brien"]);
/// ```
pub fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for_each_word(text, |word| found.push(word.to_owned()));
    found
}

/// Words for `name ~`: lower-cased and cut to 8 characters.
///
/// ```
/// use headcount::internals::value::words::name_words;
/// assert_eq!(name_words("Maximiliane"), ["maximili"]);
/// ```
pub fn name_words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for_each_word(text, |word| found.push(cut(word).to_owned()));
    found
}

/// The first 8 characters of a word.
pub fn cut(word: &str) -> &str {
    match word.char_indices().nth(WORD_LENGTH) {
        Some((end, _)) => &word[..end],
        None => word,
    }
}

/// Whether a segment that holds this character is a word.
fn is_word_char(c: char) -> bool {
    c.is_alphabetic()
        || matches!(get_general_category(c), GeneralCategory::DecimalNumber | GeneralCategory::ConnectorPunctuation)
}

/// Whether the character belongs to a script that is written without spaces between words and that UAX 29 leaves to
/// dictionaries: Thai, Lao, Burmese, Khmer.
fn is_unsegmented(c: char) -> bool {
    matches!(c,
        '\u{0E01}'..='\u{0E3A}' | '\u{0E40}'..='\u{0E4E}'
        | '\u{0E81}'..='\u{0ECE}' | '\u{0EDC}'..='\u{0EDF}'
        | '\u{1000}'..='\u{103F}' | '\u{1050}'..='\u{108F}' | '\u{109A}'..='\u{109F}'
        | '\u{1780}'..='\u{17D3}' | '\u{17D7}' | '\u{17DC}'..='\u{17DD}'
        | '\u{A9E0}'..='\u{A9EF}' | '\u{A9FA}'..='\u{A9FE}' | '\u{AA60}'..='\u{AA7F}')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_what_the_language_says() {
        let cases: [(&str, &[&str]); 9] = [
            ("o'brien bob.smith Ann_Jo", &["o'brien", "bob.smith", "ann_jo"]),
            ("x \u{bd} \u{b2} 12", &["12"]),
            ("\u{738b}\u{5c0f}\u{660e}", &["\u{738b}", "\u{5c0f}", "\u{660e}"]),
            ("1,000.5 a.b 1.a", &["1,000.5", "a.b"]),
            ("\u{c9}lodie-Anne", &["\u{e9}lodie", "anne"]),
            // Thai and Burmese: a run is a word.
            (
                "\u{e2a}\u{e21}\u{e0a}\u{e32}\u{e22} \u{e43}\u{e08}\u{e14}\u{e35}",
                &["\u{e2a}\u{e21}\u{e0a}\u{e32}\u{e22}", "\u{e43}\u{e08}\u{e14}\u{e35}"],
            ),
            ("\u{1021}\u{1031}\u{102c}\u{1004}\u{103a}", &["\u{1021}\u{1031}\u{102c}\u{1004}\u{103a}"]),
            ("Bob\u{e2a}\u{e21}", &["bob", "\u{e2a}\u{e21}"]),
            ("", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn ascii_words_are_those_of_the_standard(text in "[aBz09_.':,; -]{0,16}") {
            let mut expected = Vec::new();
            for segment in text.split_word_bounds() {
                if segment.len() >= MIN_WORD_BYTES && segment.chars().any(is_word_char) {
                    expected.push(segment.to_ascii_lowercase());
                }
            }
            prop_assert_eq!(words(&text), expected);
        }
    }
}
