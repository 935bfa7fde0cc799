//! Text as HTML: escaped, grouped, shortened.

use std::fmt::{self, Write};

pub(super) use crate::value::numeral::{counted, grouped};

/// A page in the making.
#[derive(Default)]
pub(super) struct Html {
    pub(super) out: String,
    ids: u32,
}

impl Html {
    /// Appends formatted HTML: everything in it that is somebody's text goes through [`Escaped`].
    pub(super) fn put(&mut self, html: fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.out.write_fmt(html);
    }

    /// A number that no other part of the page has.
    pub(super) fn id(&mut self) -> u32 {
        self.ids += 1;
        self.ids
    }
}

/// Appends formatted HTML to a page.
macro_rules! put {
    ($html:expr, $($part:tt)*) => { $html.put(format_args!($($part)*)) };
}
pub(super) use put;

/// A text with everything escaped that HTML could take for its own, in elements and in quoted attributes.
///
/// Controls, and characters that turn the direction of the text around them, become replacement characters.
#[derive(Clone, Copy)]
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' | '\r' | '\t' => f.write_char(' ')?,
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => f.write_char('\u{fffd}')?,
                c if c.is_control() => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A name that somebody gave, kept from turning the direction of what is around it.
#[derive(Clone, Copy)]
pub(super) struct Name<'a>(pub(super) &'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<bdi>{}</bdi>", Escaped(self.0))
    }
}

/// A part of a whole in hundredths, which never says none or all of what is neither.
pub(super) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let share = part as f64 / whole as f64 * 100.0;
    match share.round() as u64 {
        0 if part > 0 => "under 1%".to_owned(),
        100 if part < whole => "over 99%".to_owned(),
        rounded => format!("{rounded}%"),
    }
}

/// How wide something is drawn, in hundredths: what is there can be seen.
pub(super) fn width(part: u64, whole: u64) -> f64 {
    if part == 0 || whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 100.0).clamp(0.6, 100.0) }
}

/// A label cut to so many characters.
pub(super) fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// Names in a row, the first few of them.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>, most: usize) -> String {
    let mut list = String::new();
    let mut more = 0;
    for (at, name) in names.enumerate() {
        if at < most {
            let comma = if at > 0 { ", " } else { "" };
            let _ = write!(list, "{comma}{}", Name(&short(name, 60)));
        } else {
            more += 1;
        }
    }
    if more > 0 {
        let _ = write!(list, " and {} more", grouped(more));
    }
    list
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shares_are_never_rounded_to_none_or_all() {
        let shares = [(0, 10, "0%"), (1, 1000, "under 1%"), (999, 1000, "over 99%"), (10, 10, "100%"), (0, 0, "–")];
        for (part, whole, text) in shares {
            assert_eq!(percent(part, whole), text);
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_out(text in "\\PC{0,40}|[<>&\"'\\x00-\\x1f\u{202e}a]{0,40}") {
            let escaped = Escaped(&text).to_string();
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let is_harmless = !escaped.chars().any(|c| c.is_control() || c == '\u{202e}');
            prop_assert!(is_harmless);
            let unescaped = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
                .into_iter()
                .fold(escaped, |text, (escape, plain)| text.replace(escape, plain));
            prop_assert_eq!(unescaped.chars().count(), text.chars().count());
        }
    }
}
