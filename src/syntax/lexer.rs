//! Text to tokens with byte spans. Bad input is a token, never a failure.

use std::fmt;

use logos::Logos;

use crate::syntax::Dialect;
use crate::syntax::strings;

/// How a property and a value are compared.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operator {
    /// `=`, `is`
    Equal,
    /// `!=`
    NotEqual,
    /// `~`, `has`
    Contains,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
}

impl Operator {
    /// As canonical queries write it.
    pub fn symbol(self) -> &'static str {
        match self {
            Operator::Equal => "=",
            Operator::NotEqual => "!=",
            Operator::Contains => "~",
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
        }
    }
}

/// A token. Its text is the span that comes with it.
#[derive(Logos, Clone, Copy, PartialEq, Eq, Debug)]
#[logos(skip "[ \t\n\r]+")]
#[logos(subpattern letter = "[A-Za-z\u{AA}-\u{F6}\u{F8}-\u{1FFF}\u{2071}-\u{20AB}\u{20AD}-\u{2184}\u{2C00}-\u{D7FB}\u{F900}-\u{FFDC}]")]
pub enum Token {
    /// `(`
    #[token("(")]
    Open,
    /// `)`
    #[token(")")]
    Close,
    /// `,` between the values of a list.
    #[token(",")]
    Comma,
    /// `AND`
    #[token("and", priority = 100, ignore(case))]
    And,
    /// `OR`
    #[token("or", priority = 100, ignore(case))]
    Or,
    /// `NOT`
    #[token("not", priority = 100, ignore(case))]
    Not,
    /// `IN`
    #[token("in", priority = 100, ignore(case))]
    In,
    /// `NOT IN`: two words made one, since the grammar looks only one token ahead.
    NotIn,
    /// `ANNIVERSARY` between a property and a day.
    #[token("anniversary", priority = 100, ignore(case))]
    Anniversary,
    /// `WITHIN` before a window of time.
    #[token("within", priority = 100, ignore(case))]
    Within,
    /// What happened, such as `did.order`: one of the prefixes of events with a name.
    Event,
    /// The same before the bracket of a filter.
    FilteredEvent,
    /// A comparison.
    #[token("=", |_| Operator::Equal)]
    #[token("!=", |_| Operator::NotEqual)]
    #[token("~", |_| Operator::Contains)]
    #[token(">", |_| Operator::Greater)]
    #[token(">=", |_| Operator::GreaterOrEqual)]
    #[token("<", |_| Operator::Less)]
    #[token("<=", |_| Operator::LessOrEqual)]
    #[token("has", |_| Operator::Contains, priority = 100, ignore(case))]
    #[token("is", |_| Operator::Equal, priority = 100, ignore(case))]
    Operator(Operator),
    /// What may be a property, or a value: letters, digits and `_`, perhaps after a prefix of letters and a point.
    #[regex(r"((?&letter)+\.)?((?&letter)|[0-9_])+", priority = 50)]
    Property,
    /// What can only be a value.
    #[regex(r"((?&letter)|[0-9_.\-+/'@:])+", priority = 10)]
    Text,
    /// A string, with its quotes.
    #[token("\"", string)]
    String,
    /// What the language has no use for.
    Bad,
}

fn string(lexer: &mut logos::Lexer<'_, Token>) -> Result<(), ()> {
    let from = lexer.span().start;
    let text = lexer.source().get(from..).unwrap_or_default();
    let length = strings::literal_length(text).ok_or(())?;
    lexer.bump(length - 1);
    Ok(())
}

impl Token {
    /// Whether the token can be a value.
    fn is_literal(self) -> bool {
        matches!(self, Token::Property | Token::Text | Token::String)
    }
}

/// Shown in messages about what was expected.
impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Token::Open => "(",
            Token::Close => ")",
            Token::Comma => ",",
            Token::And => "AND",
            Token::Or => "OR",
            Token::Not => "NOT",
            Token::In => "IN",
            Token::NotIn => "NOT IN",
            Token::Anniversary => "ANNIVERSARY",
            Token::Within => "WITHIN",
            Token::Event | Token::FilteredEvent => "an event",
            Token::Operator(operator) => operator.symbol(),
            Token::Property => "a property",
            Token::Text => "a value",
            Token::String => "a quoted value",
            Token::Bad => "something unreadable",
        })
    }
}

/// Whether the text is what the lexer takes for a property without a prefix: letters, digits and `_`.
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c == '_' || c.is_ascii_digit() || is_letter(c))
}

/// Whether the text is what events are asked for by: one of their prefixes, and names with points between.
fn is_event(text: &str) -> bool {
    let Some((prefix, names)) = text.split_once('.') else { return false };
    EVENT_PREFIXES.iter().any(|own| prefix.eq_ignore_ascii_case(own)) && names.split('.').all(is_name)
}

/// What stands before the name of an event, and a point.
pub const EVENT_PREFIXES: [&str; 4] = ["did", "first", "last", "sum"];

fn is_letter(c: char) -> bool {
    matches!(c, 'A'..='Z' | 'a'..='z' | '\u{AA}'..='\u{F6}' | '\u{F8}'..='\u{1FFF}' | '\u{2071}'..='\u{20AB}'
        | '\u{20AD}'..='\u{2184}' | '\u{2C00}'..='\u{D7FB}' | '\u{F900}'..='\u{FFDC}')
}

/// Tokens of a text in one dialect, as the parser wants them: with the offsets of their bytes.
///
/// In ContactQL the words of the extended dialect are values and a comma is nothing.
#[derive(Clone)]
pub struct Lexer<'text> {
    inner: logos::Lexer<'text, Token>,
    dialect: Dialect,
    base: u32,
    /// Read, but not given out yet.
    ahead: Option<(u32, Token, u32)>,
    /// The kinds of the last two tokens given out, the last one first.
    before: [Option<Token>; 2],
    /// Brackets that are open.
    depth: u32,
    /// Of these, the ones of filters of events, by how many were open before.
    filters: Vec<u32>,
    /// An event, its filter included, was given out last.
    after_event: bool,
}

impl<'text> Lexer<'text> {
    /// Reads `text`, which starts at byte `base` of what spans refer to.
    pub fn new(text: &'text str, base: u32, dialect: Dialect) -> Self {
        let inner = Token::lexer(text);
        Lexer {
            inner,
            dialect,
            base,
            ahead: None,
            before: [None; 2],
            depth: 0,
            filters: Vec::new(),
            after_event: false,
        }
    }

    fn read(&mut self) -> Option<(u32, Token, u32)> {
        if let Some(token) = self.ahead.take() {
            return Some(token);
        }
        let token = self.inner.next()?.unwrap_or(Token::Bad);
        let span = self.inner.span();
        // No text longer than the limit is ever lexed, and the limit is far below `u32::MAX`.
        Some((self.base + span.start as u32, token, self.base + span.end as u32))
    }

    fn peek(&mut self) -> Option<Token> {
        self.ahead = self.read();
        self.ahead.map(|(_, token, _)| token)
    }

    /// Whether what comes next is a value, whatever it looks like.
    fn is_value_next(&self) -> bool {
        matches!(
            self.before,
            [Some(Token::Operator(_) | Token::Comma | Token::Within | Token::Anniversary), _]
                | [Some(Token::Open), Some(Token::In | Token::NotIn)]
        )
    }

    fn in_extended(&mut self, start: u32, token: Token, end: u32) -> (Token, u32) {
        let text = || {
            let span = (start - self.base) as usize..(end - self.base) as usize;
            self.inner.source().get(span).unwrap_or_default()
        };
        match token {
            Token::Property | Token::Text if !self.is_value_next() && is_event(text()) => {
                let is_filtered = self.peek() == Some(Token::Open);
                (if is_filtered { Token::FilteredEvent } else { Token::Event }, end)
            }
            Token::Not if self.peek() == Some(Token::In) => {
                let end = self.ahead.take().map_or(end, |(_, _, end)| end);
                (Token::NotIn, end)
            }
            // Only between a property and a value; anywhere else it is a word like any other.
            Token::Anniversary => {
                let follows_property =
                    self.before[0] == Some(Token::Property) && !matches!(self.before[1], Some(Token::Operator(_)));
                let is_operator = (follows_property || self.after_event) && self.peek().is_some_and(Token::is_literal);
                (if is_operator { Token::Anniversary } else { Token::Property }, end)
            }
            _ => (token, end),
        }
    }
}

impl Iterator for Lexer<'_> {
    type Item = (u32, Token, u32);

    fn next(&mut self) -> Option<Self::Item> {
        let (start, token, end) = self.read()?;
        let (token, end) = match self.dialect {
            Dialect::Extended => self.in_extended(start, token, end),
            Dialect::ContactQl => match token {
                Token::Not | Token::In | Token::Anniversary | Token::Within => (Token::Property, end),
                Token::Comma => (Token::Bad, end),
                _ => (token, end),
            },
        };
        self.after_event = token == Token::Event;
        match token {
            Token::Open => {
                if self.before[0] == Some(Token::FilteredEvent) {
                    self.filters.push(self.depth);
                }
                self.depth += 1;
            }
            Token::Close => {
                self.depth = self.depth.saturating_sub(1);
                self.after_event = self.filters.pop_if(|depth| *depth == self.depth).is_some();
            }
            _ => {}
        }
        self.before = [Some(token), self.before[0]];
        Some((start, token, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str, dialect: Dialect) -> Vec<Token> {
        Lexer::new(text, 0, dialect).map(|(_, token, _)| token).collect()
    }

    #[test]
    fn the_longest_token_wins_and_keywords_before_the_rest() {
        use Token::*;
        let cases: &[(&str, &[Token])] = &[
            ("fields.age.x", &[Text]),
            ("fields.age", &[Property]),
            ("fields.", &[Text]),
            ("a1.b", &[Text]),
            ("and", &[And]),
            ("android", &[Property]),
            ("and.x", &[Property]),
            ("oR", &[Or]),
            ("HAS", &[Operator(super::Operator::Contains)]),
            ("not in", &[Property, Property]),
            ("did.order within", &[Property, Property]),
            ("sum.order.total", &[Text]),
            ("a,b", &[Property, Bad, Property]),
            (">=<", &[Operator(super::Operator::GreaterOrEqual), Operator(super::Operator::Less)]),
            ("名前　太郎", &[Property]),
            ("«bob»", &[Property]),
            ("€5", &[Bad, Property]),
            ("a\u{b}b", &[Property, Bad, Property]),
            ("\"a\\\" b", &[String, Property]),
            ("\"a", &[Bad, Property]),
        ];
        for (text, expected) in cases {
            assert_eq!(kinds(text, Dialect::ContactQl), *expected, "{text}");
        }
    }

    #[test]
    fn words_of_the_extended_dialect() {
        use Token::*;
        let cases: &[(&str, &[Token])] = &[
            ("not in", &[NotIn]),
            ("NOT  IN (", &[NotIn, Open]),
            ("not not in", &[Not, NotIn]),
            ("dob anniversary today", &[Property, Anniversary, Property]),
            ("anniversary", &[Property]),
            ("bob anniversary and", &[Property, Property, And]),
            ("notes = anniversary x", &[Property, Operator(super::Operator::Equal), Property, Property]),
            ("did.order", &[Event]),
            (
                "DID.order(total > 5)",
                &[FilteredEvent, Open, Property, Operator(super::Operator::Greater), Property, Close],
            ),
            ("sum.order.total within 30d", &[Event, Within, Property]),
            ("name = did.order", &[Property, Operator(super::Operator::Equal), Property]),
            ("a in (last.x, first.x)", &[Property, In, Open, Property, Comma, Property, Close]),
            ("last.order anniversary today", &[Event, Anniversary, Property]),
            (
                "last.order(x = 1) anniversary today",
                &[
                    FilteredEvent,
                    Open,
                    Property,
                    Operator(super::Operator::Equal),
                    Property,
                    Close,
                    Anniversary,
                    Property,
                ],
            ),
            ("(bob) anniversary today", &[Open, Property, Close, Property, Property]),
            ("lasts.order first.a-b", &[Property, Text]),
            ("age = 18..25", &[Property, Operator(super::Operator::Equal), Text]),
        ];
        for (text, expected) in cases {
            assert_eq!(kinds(text, Dialect::Extended), *expected, "{text}");
        }
    }
}
