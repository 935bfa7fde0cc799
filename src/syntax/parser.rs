//! Text to a syntax tree, with as many errors as there are.

use lalrpop_util::{ErrorRecovery, ParseError, lalrpop_mod};

use crate::diagnostic::{Code, Diagnostic};
use crate::span::Span;
use crate::syntax::Dialect;
use crate::syntax::lexer::{Lexer, Token};
use crate::syntax::mistakes;
use crate::syntax::tree::{NodeId, Tree};

lalrpop_mod!(
    #[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, clippy::unwrap_used, clippy::panic)]
    contactql
);

/// Characters that a query may have, after trimming.
pub const MAX_LENGTH: usize = 10_000;
/// How deep brackets may nest, of any kind, even inside strings.
pub const MAX_DEPTH: usize = 100;
/// Conditions that a query may have, implicit ones included.
pub const MAX_CONDITIONS: usize = 250;

/// More errors than this are not reported: whoever has mended these sees the others.
const MAX_ERRORS: usize = 20;

/// What was read.
#[derive(Debug)]
pub struct Parse {
    /// All that could be read.
    pub tree: Tree,
    /// The whole query; `None` if not even a broken one could be made of it.
    pub root: Option<NodeId>,
    /// Syntax errors, from left to right. If there are any, the tree is good for more diagnostics only.
    pub errors: Vec<Diagnostic>,
}

/// Whether a trimmed text is within [`MAX_LENGTH`] and [`MAX_DEPTH`].
///
/// Cost: at most one pass over four times `MAX_LENGTH` bytes, however long the text is.
pub fn is_within_limits(text: &str) -> bool {
    if text.len() > MAX_LENGTH && (text.len() > 4 * MAX_LENGTH || text.chars().count() > MAX_LENGTH) {
        return false;
    }
    if text.len() <= MAX_DEPTH {
        return true;
    }
    let mut depth = 0usize;
    text.bytes().all(|byte| {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth <= MAX_DEPTH
    })
}

/// The text trimmed of Unicode white space, and the offset of what is left.
pub fn trim(text: &str) -> (&str, u32) {
    let trimmed = text.trim_start();
    // A text whose offset does not fit is too long anyway.
    (trimmed.trim_end(), u32::try_from(text.len() - trimmed.len()).unwrap_or(u32::MAX))
}

/// Reads a trimmed text that [`is_within_limits`], which starts at byte `base` of what spans refer to.
///
/// Cost: linear in the text; about as many allocations as the logarithm of its length.
pub fn parse(text: &str, base: u32, dialect: Dialect) -> Parse {
    let mut tree = Tree::with_capacity(text.len());
    let mut failures: Vec<ErrorRecovery<u32, Token, ()>> = Vec::new();
    let parsed = contactql::QueryParser::new().parse(&mut tree, &mut failures, Lexer::new(text, base, dialect));
    let (root, fatal) = match parsed {
        Ok(root) => (Some(root), None),
        Err(error) => (None, Some(error)),
    };
    if fatal.is_none() && failures.is_empty() {
        return Parse { tree, root, errors: Vec::new() };
    }
    let whole = Whole { text, base, dialect };
    let mut errors: Vec<Diagnostic> = Vec::new();
    for failure in failures.iter().map(|failure| &failure.error).chain(&fatal) {
        let error = whole.describe(failure);
        if errors.len() < MAX_ERRORS && errors.iter().all(|other| other.span != error.span) {
            errors.push(error);
        }
    }
    errors.sort_by_key(|error| error.span);
    Parse { tree, root, errors }
}

/// What a description of an error needs.
struct Whole<'text> {
    text: &'text str,
    base: u32,
    dialect: Dialect,
}

impl Whole<'_> {
    fn describe(&self, error: &ParseError<u32, Token, ()>) -> Diagnostic {
        let end = self.base + self.text.len() as u32;
        let (span, expected, at_end) = match error {
            ParseError::UnrecognizedToken { token: (start, _, end), expected } => {
                (Span { start: *start, end: *end }, expected.as_slice(), false)
            }
            ParseError::UnrecognizedEof { expected, .. } => (Span { start: end, end }, expected.as_slice(), true),
            ParseError::ExtraToken { token: (start, _, end) } => (Span { start: *start, end: *end }, &[][..], false),
            ParseError::InvalidToken { location } => (Span { start: *location, end: *location }, &[][..], false),
            ParseError::User { .. } => (Span { start: end, end }, &[][..], true),
        };
        let local = Span { start: span.start - self.base, end: span.end - self.base };
        let found = self.text.get(local.range()).unwrap_or_default();
        let mistake = mistakes::find(self.text, local, self.dialect);
        let message = match &mistake {
            Some(mistake) => mistake.message.clone(),
            None if self.text.is_empty() => "the query is empty".to_owned(),
            None if at_end => format!("the query ends too early: expected {}", expectation(expected)),
            None => format!("unexpected `{}`: expected {}", shorten(found), expectation(expected)),
        };
        let span = match &mistake {
            Some(mistake) => Span { start: mistake.span.start + self.base, end: mistake.span.end + self.base },
            None => span,
        };
        Diagnostic::new(Code::Syntax, message, span).help(mistake.and_then(|mistake| mistake.help))
    }
}

/// The start of a text that may be long.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 24;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// What could have stood there, in words.
fn expectation(expected: &[String]) -> String {
    let has = |name: &str| expected.iter().any(|token| token.trim_matches('"') == name);
    let mut wanted: Vec<&str> = Vec::new();
    match (has("property"), has("text") || has("string"), has("(")) {
        (true, true, true) => wanted.push("a condition"),
        (_, true, _) => wanted.push("a value"),
        (true, ..) => wanted.push("a property"),
        _ => {}
    }
    for (name, words) in [
        ("operator", "a comparison"),
        ("WITHIN", "`WITHIN`"),
        ("AND", "`AND`"),
        ("OR", "`OR`"),
        (",", "`,`"),
        (")", "`)`"),
    ] {
        if has(name) {
            wanted.push(words);
        }
    }
    if !wanted.contains(&"a condition") && has("(") {
        wanted.push("`(`");
    }
    match wanted.split_last() {
        None => "the end".to_owned(),
        Some((only, [])) => (*only).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}
