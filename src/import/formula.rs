//! Texts that a spreadsheet would run.
//!
//! A text that begins with `=`, `+`, `-` or `@` is a formula to a spreadsheet, which may fetch an address or start a
//! program: so whoever can choose their name could reach into the machine of whoever opens an export. A `'` before it makes
//! it a text. `export` puts one there, and importing CSV takes it away, so that a value comes back as it was: also one that
//! has a `'` of its own before what would be a formula, which gets another.

use std::borrow::Cow;

/// What makes a text of a formula.
pub(crate) const QUOTE: char = '\'';

/// Whether a spreadsheet would take it for a formula, or would if there were no quotes before it. Numbers, also of phones,
/// are none.
pub(crate) fn is_one(cell: &str) -> bool {
    let text = cell.trim_start_matches(QUOTE);
    match text.chars().next() {
        Some('=' | '@' | '\t' | '\r') => true,
        Some('+' | '-') => !text.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | ' ' | '(' | ')')),
        _ => false,
    }
}

/// The text as it was before it was quoted.
pub(crate) fn unquoted(cell: Cow<'_, str>) -> Cow<'_, str> {
    if !cell.strip_prefix(QUOTE).is_some_and(is_one) {
        return cell;
    }
    let after = QUOTE.len_utf8();
    match cell {
        Cow::Borrowed(cell) => Cow::Borrowed(cell.get(after..).unwrap_or_default()),
        Cow::Owned(mut cell) => Cow::Owned(cell.split_off(after)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_comes_back() {
        for text in ["=1+1", "@x", "+cmd|' /C calc'!A0", "-x", "\t=1", "'=1", "''=1", "=HYPERLINK(\"http://x\")"] {
            assert!(is_one(text), "{text}");
            let quoted = format!("{QUOTE}{text}");
            assert_eq!(unquoted(Cow::Borrowed(&quoted)), text);
            assert_eq!(unquoted(Cow::Owned(quoted)), text);
        }
        for text in ["", "Ann", "-5", "+250788123123", "-0.5", "'", "'Ann'", "O'=x", "1=1", "+1 (555) 010"] {
            assert!(!is_one(text), "{text}");
            assert_eq!(unquoted(Cow::Borrowed(text)), text);
        }
    }
}
