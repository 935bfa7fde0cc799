//! Common mistakes: what people write who come from other languages, and what they should write.

use crate::span::Span;
use crate::syntax::Dialect;

/// A mistake that was recognised.
pub(super) struct Mistake {
    /// One sentence.
    pub(super) message: String,
    /// Where, in bytes of the trimmed text.
    pub(super) span: Span,
    /// What to write instead.
    pub(super) help: Option<String>,
}

/// Operators of other languages, longest first, and what to write here.
const OPERATORS: [(&str, &str); 12] = [
    ("===", "="),
    ("!==", "!="),
    ("==", "="),
    ("=~", "~"),
    ("<>", "!="),
    ("=>", ">="),
    ("=<", "<="),
    ("=!", "!="),
    ("&&", "AND"),
    ("||", "OR"),
    ("&", "AND"),
    ("|", "OR"),
];

/// Looks for a common mistake around the token that the parser could not take.
pub(super) fn find(text: &str, at: Span, dialect: Dialect) -> Option<Mistake> {
    operator(text, at)
        .or_else(|| negation(text, at, dialect))
        .or_else(|| character(text, at, dialect))
        .or_else(|| (at.start == at.end).then(|| brackets(text)).flatten())
}

fn operator(text: &str, at: Span) -> Option<Mistake> {
    let start = at.start as usize;
    // The token before the one in question may be the first half of the operator.
    let from = text.get(..start)?.trim_end_matches(['=', '!', '<', '>', '&', '|']).len();
    let run = text.get(from..)?;
    let (wrong, right) = OPERATORS.iter().find(|(wrong, _)| run.starts_with(wrong))?;
    let span = Span::new(from, from + wrong.len());
    (span.start <= at.start && at.start < span.end).then(|| Mistake {
        message: format!("`{wrong}` is not an operator"),
        span,
        help: Some(format!("did you mean `{right}`?")),
    })
}

/// `not set`, `is not`, `! …`.
fn negation(text: &str, at: Span, dialect: Dialect) -> Option<Mistake> {
    let found = text.get(at.range())?;
    let before = text.get(..at.start as usize)?.trim_end();
    if found == "!" {
        let help = match dialect {
            Dialect::Extended => "did you mean `NOT` before a condition, or `!=`?",
            Dialect::ContactQl => "did you mean `!=`?",
        };
        return Some(Mistake {
            message: "`!` alone is not an operator".to_owned(),
            span: at,
            help: Some(help.to_owned()),
        });
    }
    let word_before = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    let after = text.get(at.end as usize..)?.trim_start();
    let next = after.split(|c: char| c.is_whitespace() || c == ')').next().unwrap_or_default();
    if !found.eq_ignore_ascii_case("not") || dialect == Dialect::ContactQl {
        return None;
    }
    let is_set =
        next.eq_ignore_ascii_case("set") || next.eq_ignore_ascii_case("null") || next.eq_ignore_ascii_case("empty");
    let help = if is_set && next.eq_ignore_ascii_case("set") {
        "for a property without a value, write `= \"\"`".to_owned()
    } else if is_set {
        "for a property with a value, write `!= \"\"`".to_owned()
    } else if word_before.eq_ignore_ascii_case("is") || word_before == "=" {
        "for values that differ, write `!=`; for the word itself, put it in quotes".to_owned()
    } else {
        "`NOT` is a reserved word: put it before a whole condition, or in quotes if it is a value".to_owned()
    };
    Some(Mistake { message: "`NOT` cannot stand here".to_owned(), span: at, help: Some(help) })
}

/// Characters that the language has no use for outside quotes.
fn character(text: &str, at: Span, dialect: Dialect) -> Option<Mistake> {
    let rest = text.get(at.start as usize..)?;
    let first = rest.chars().next()?;
    let width = |length: usize| Span { start: at.start, end: at.start + length as u32 };
    let (message, help) = match first {
        '“' | '”' | '„' | '‟' | '‘' | '’' => {
            let closing = rest.char_indices().skip(1).find(|(_, c)| matches!(c, '“' | '”' | '’'));
            let help = match closing.and_then(|(end, _)| rest.get(first.len_utf8()..end)) {
                Some(inside) => format!("did you mean `\"{}\"`?", inside.replace('"', "\\\"")),
                None => "did you mean `\"`?".to_owned(),
            };
            ("curly quotes are not quotes here".to_owned(), Some(help))
        }
        '"' => ("a quoted value never ends".to_owned(), Some("put a `\"` at its end".to_owned())),
        ',' if dialect == Dialect::ContactQl => {
            ("`,` cannot stand here".to_owned(), Some("did you mean `OR`? Put text with commas in quotes".to_owned()))
        }
        '*' => (
            "`*` cannot stand here".to_owned(),
            Some(match dialect {
                Dialect::Extended => {
                    "for words that begin so, put the value in quotes, with the `*`: `notes ~ \"word*\"`".to_owned()
                }
                Dialect::ContactQl => "`~` finds parts of names and addresses without a `*`".to_owned(),
            }),
        ),
        '[' | ']' | '{' | '}' => (format!("`{first}` is not a bracket here"), Some("use `(` and `)`".to_owned())),
        ')' if text.matches('(').count() < text.matches(')').count() => {
            ("this `)` closes nothing".to_owned(), Some("remove it, or open a bracket before".to_owned()))
        }
        ')' | '(' | '=' | '<' | '>' | '~' | '!' => return None,
        _ if first.is_alphanumeric() || matches!(first, '_' | '.' | '-' | '+' | '/' | '\'' | '@' | ':' | ',') => {
            return None;
        }
        _ => (
            format!("`{}` cannot stand outside quotes", first.escape_debug()),
            Some("put text with such characters in quotes".to_owned()),
        ),
    };
    let length = first.len_utf8();
    Some(Mistake { message, span: width(length), help })
}

fn brackets(text: &str) -> Option<Mistake> {
    let open = text.matches('(').count().checked_sub(text.matches(')').count())?;
    (open > 0).then(|| Mistake {
        message: "a bracket is never closed".to_owned(),
        span: {
            let at = last_open(text);
            Span::new(at, at + 1)
        },
        help: Some("add a `)`".to_owned()),
    })
}

/// The innermost bracket that is still open at the end.
fn last_open(text: &str) -> usize {
    let mut open = Vec::new();
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => open.push(at),
            b')' => drop(open.pop()),
            _ => {}
        }
    }
    open.pop().unwrap_or(0)
}
