//! Diagnostics drawn under the text that they are about.

use ariadne::{Color, Config, IndexType, Label, Report, ReportKind, Source};

use super::{Code, Diagnostic};
use crate::span::Span;

/// Text longer than this many bytes is not drawn, only told about.
const MAX_DRAWN: usize = 40_000;

/// Draws diagnostics under the text that they are about, one after the other.
///
/// Spans beyond the text are cut to it. Colour is for terminals.
pub fn draw(text: &str, diagnostics: &[Diagnostic], colour: bool) -> String {
    let mut out = Vec::new();
    let source = Source::from(if text.len() > MAX_DRAWN { "" } else { text });
    let config = Config::default().with_index_type(IndexType::Byte).with_color(colour).with_compact(false);
    for diagnostic in diagnostics {
        let kind = if diagnostic.code.is_warning() { ReportKind::Warning } else { ReportKind::Error };
        let color = if diagnostic.code.is_warning() { Color::Yellow } else { Color::Red };
        if text.is_empty() || text.len() > MAX_DRAWN {
            let name = if diagnostic.code.is_warning() { "Warning" } else { "Error" };
            let help = diagnostic.help.as_ref().map_or(String::new(), |help| format!("\nHelp: {help}"));
            out.extend_from_slice(format!("[{}] {name}: {}{help}\n", diagnostic.code, diagnostic.message).as_bytes());
            continue;
        }
        let range = within(text, diagnostic.span);
        let mut report = Report::build(kind, ("query", range.clone()))
            .with_config(config)
            .with_code(diagnostic.code.as_str())
            .with_message(&diagnostic.message)
            .with_label(Label::new(("query", range)).with_message(label(diagnostic.code)).with_color(color));
        if let Some(help) = &diagnostic.help {
            report = report.with_help(help);
        }
        // Writing to memory cannot fail.
        let _ = report.finish().write(("query", &source), &mut out);
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The span as a range of whole characters of the text, with at least one byte if there is any.
fn within(text: &str, span: Span) -> std::ops::Range<usize> {
    let end = text.ceil_char_boundary((span.end as usize).min(text.len()));
    let start = text.floor_char_boundary((span.start as usize).min(end));
    if start < end {
        return start..end;
    }
    // An empty span, such as the end of the text: point at the character before it.
    match text.get(..start).and_then(|before| before.chars().next_back()) {
        Some(before) => start - before.len_utf8()..start,
        None => 0..text.chars().next().map_or(0, char::len_utf8),
    }
}

/// What stands at the caret, in few words.
fn label(code: Code) -> &'static str {
    match code {
        Code::Syntax => "here",
        Code::InvalidNumber => "not a number",
        Code::InvalidDate => "not a date",
        Code::InvalidStatus => "no such status",
        Code::InvalidLanguage => "no such language",
        Code::InvalidGroup => "no such group",
        Code::InvalidFlow => "no such flow",
        Code::InvalidPartialName | Code::InvalidPartialUrn | Code::InvalidPartialText => "too short",
        Code::UnsupportedContains => "takes no `~`",
        Code::UnsupportedComparison => "has no order",
        Code::UnsupportedSetcheck => "always set",
        Code::UnknownPropertyType => "no such prefix",
        Code::UnknownProperty => "no such property",
        Code::RedactedUrns => "addresses are hidden",
        Code::TooComplex => "beyond the limits",
        Code::InvalidRange => "not a range",
        Code::InvalidRelative => "not a relative time",
        Code::UnsupportedInstant => "a moment, not a day",
        Code::UnsupportedAnniversary => "not a date",
        Code::InvalidAnniversary => "not a day of the year",
        Code::UnsupportedInGroup => "not in a smart group",
        Code::GroupCycle => "leads back to this group",
        Code::NeverHolds => "never holds",
        Code::AlwaysHolds => "always holds",
        Code::SameAsGroup => "the same group exists",
        Code::UnseenValue => "no contact has this value",
        Code::Suspicious => "is this what you mean?",
    }
}
