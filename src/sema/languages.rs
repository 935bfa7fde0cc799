//! The languages that a contact may have: codes of three letters.

/// One code a line, in lower case: the list that the reference accepts.
const LIST: &str = include_str!("languages.txt");

const LETTERS: usize = 26;
const WORDS: usize = (LETTERS * LETTERS * LETTERS).div_ceil(64);

/// A bit for each possible code.
static KNOWN: [u64; WORDS] = known();

const fn known() -> [u64; WORDS] {
    let mut table = [0; WORDS];
    let bytes = LIST.as_bytes();
    let mut at = 0;
    while at + 3 <= bytes.len() {
        if let Some(index) = index(bytes[at], bytes[at + 1], bytes[at + 2]) {
            table[index / 64] |= 1 << (index % 64);
        }
        at += 4;
    }
    table
}

const fn index(first: u8, second: u8, third: u8) -> Option<usize> {
    let (first, second, third) = (first | 0x20, second | 0x20, third | 0x20);
    if first.is_ascii_lowercase() && second.is_ascii_lowercase() && third.is_ascii_lowercase() {
        Some(((first - b'a') as usize * LETTERS + (second - b'a') as usize) * LETTERS + (third - b'a') as usize)
    } else {
        None
    }
}

/// Whether the text is a code of three letters that stands for a language, in any case; not trimmed.
///
/// ```
/// use headcount::internals::sema::languages::is_language;
/// assert!(is_language("eng") && is_language("KIN"));
/// assert!(!is_language("en") && !is_language("zzz"));
/// ```
pub fn is_language(text: &str) -> bool {
    let &[first, second, third] = text.as_bytes() else { return false };
    index(first, second, third)
        .is_some_and(|index| KNOWN.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1))
}

/// Names and codes of two letters that people write, and the code that they mean.
const NAMES: [(&str, &str, &str); 44] = [
    ("am", "amharic", "amh"),
    ("ar", "arabic", "ara"),
    ("bn", "bengali", "ben"),
    ("bs", "bosnian", "bos"),
    ("de", "german", "deu"),
    ("el", "greek", "ell"),
    ("en", "english", "eng"),
    ("es", "spanish", "spa"),
    ("fa", "persian", "fas"),
    ("fr", "french", "fra"),
    ("gu", "gujarati", "guj"),
    ("ha", "hausa", "hau"),
    ("hi", "hindi", "hin"),
    ("ht", "creole", "hat"),
    ("id", "indonesian", "ind"),
    ("ig", "igbo", "ibo"),
    ("it", "italian", "ita"),
    ("ja", "japanese", "jpn"),
    ("km", "khmer", "khm"),
    ("ko", "korean", "kor"),
    ("lo", "lao", "lao"),
    ("mg", "malagasy", "mlg"),
    ("mr", "marathi", "mar"),
    ("ms", "malay", "msa"),
    ("my", "burmese", "mya"),
    ("ne", "nepali", "nep"),
    ("nl", "dutch", "nld"),
    ("ny", "chichewa", "nya"),
    ("pl", "polish", "pol"),
    ("ps", "pashto", "pus"),
    ("pt", "portuguese", "por"),
    ("ro", "romanian", "ron"),
    ("ru", "russian", "rus"),
    ("rw", "kinyarwanda", "kin"),
    ("so", "somali", "som"),
    ("sw", "swahili", "swa"),
    ("ta", "tamil", "tam"),
    ("th", "thai", "tha"),
    ("tr", "turkish", "tur"),
    ("uk", "ukrainian", "ukr"),
    ("ur", "urdu", "urd"),
    ("vi", "vietnamese", "vie"),
    ("yo", "yoruba", "yor"),
    ("zh", "chinese", "zho"),
];

/// The code that someone means who writes a language's name, or its code of two letters.
pub fn meant(text: &str) -> Option<&'static str> {
    let text = text.trim();
    NAMES
        .iter()
        .find(|(short, name, _)| text.eq_ignore_ascii_case(short) || text.eq_ignore_ascii_case(name))
        .map(|(_, _, code)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_languages_of_the_list_and_no_others() {
        let list: std::collections::HashSet<&str> = LIST.lines().collect();
        let letters = || "abcdefghijklmnopqrstuvwxyz".chars();
        for first in letters() {
            for second in letters() {
                for third in letters() {
                    let code: String = [first, second, third].into_iter().collect();
                    assert_eq!(is_language(&code), list.contains(code.as_str()), "{code}");
                }
            }
        }
        for text in ["", "en", "engl", "e n", "éa", "123", "en\0"] {
            assert!(!is_language(text), "{text}");
        }
        assert!(NAMES.iter().all(|(_, _, code)| is_language(code)));
    }
}
