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
}

impl<'text> Lexer<'text> {
    /// Reads `text`, which starts at byte `base` of what spans refer to.
    pub fn new(text: &'text str, base: u32, dialect: Dialect) -> Self {
        Lexer { inner: Token::lexer(text), dialect, base, ahead: None, before: [None; 2] }
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

    fn in_extended(&mut self, token: Token, end: u32) -> (Token, u32) {
        match token {
            Token::Not if self.peek() == Some(Token::In) => {
                let end = self.ahead.take().map_or(end, |(_, _, end)| end);
                (Token::NotIn, end)
            }
            // Only between a property and a value; anywhere else it is a word like any other.
            Token::Anniversary => {
                let is_operator = self.before[0] == Some(Token::Property)
                    && !matches!(self.before[1], Some(Token::Operator(_)))
                    && self.peek().is_some_and(Token::is_literal);
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
            Dialect::Extended => self.in_extended(token, end),
            Dialect::ContactQl => match token {
                Token::Not | Token::In | Token::Anniversary => (Token::Property, end),
                Token::Comma => (Token::Bad, end),
                _ => (token, end),
            },
        };
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
            ("age = 18..25", &[Property, Operator(super::Operator::Equal), Text]),
        ];
        for (text, expected) in cases {
            assert_eq!(kinds(text, Dialect::Extended), *expected, "{text}");
        }
    }
}
