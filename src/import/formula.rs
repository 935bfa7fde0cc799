//! Texts that a spreadsheet would run.
//!
//! A text that begins with `=`, `+`, `-` or `@` is a formula to a spreadsheet, which may fetch an address or start a
//! program: so whoever can choose their name could reach into the machine of whoever opens an export. A `'` before it makes
//! it a text. `export` puts one there, and importing CSV takes it away, so that a value comes back as it was: also one that
//! has a `'` of its own before what would be a formula, which gets another.

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
pub(crate) fn unquoted(cell: &str) -> &str {
    cell.strip_prefix(QUOTE).filter(|text| is_one(text)).unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_comes_back() {
        for text in ["=1+1", "@x", "+cmd|' /C calc'!A0", "-x", "\t=1", "'=1", "''=1", "=HYPERLINK(\"http://x\")"] {
            assert!(is_one(text), "{text}");
            assert_eq!(unquoted(&format!("{QUOTE}{text}")), text);
        }
        for text in ["", "Ann", "-5", "+250788123123", "-0.5", "'", "'Ann'", "O'=x", "1=1", "+1 (555) 010"] {
            assert!(!is_one(text), "{text}");
            assert_eq!(unquoted(text), text);
        }
    }
}
