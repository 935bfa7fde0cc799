//! Reading templates: a hand-written descent over one expression at a time.

use super::{Part, RenderError};
use crate::span::Span;
use crate::value::Decimal;

/// How deep expressions may nest: a template cannot exhaust the stack.
const MAX_DEPTH: usize = 50;

/// Names that may stand behind an `@` without brackets.
const ROOTS: [&str; 4] = ["contact", "fields", "urns", "now"];

/// An expression with its place in the template.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Expression {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Kind {
    Text(String),
    Number(Decimal),
    Truth(bool),
    Missing,
    /// `contact.fields.age`
    Path(Vec<String>),
    Call(String, Vec<Expression>),
    Compare(Comparison, Box<Expression>, Box<Expression>),
    Join(Box<Expression>, Box<Expression>),
    Compute(Operation, Box<Expression>, Box<Expression>),
    Negate(Box<Expression>),
    /// `list[0]`
    Index(Box<Expression>, Box<Expression>),
    /// `list[0].name`
    Part(Box<Expression>, String),
    /// `(x) => upper(x)`
    Function(Vec<String>, Box<Expression>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Comparison {
    Equal,
    Differs,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Splits a template into texts and expressions.
pub(super) fn template(text: &str) -> Result<Vec<Part>, RenderError> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('@')) {
        let sign = at + found;
        plain.push_str(text.get(at..sign).unwrap_or_default());
        let rest = text.get(sign + 1..).unwrap_or_default();
        if rest.starts_with('@') {
            plain.push('@');
            at = sign + 2;
            continue;
        }
        let mut reader = Reader { text, at: sign + 1, depth: 0 };
        let expression = if rest.starts_with('(') {
            reader.at += 1;
            let expression = reader.expression()?;
            reader.space();
            if !reader.take(")") {
                return Err(reader.wrong("expected `)`"));
            }
            Some(expression)
        } else {
            reader.bare_path()
        };
        match expression {
            Some(expression) => {
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(Part::Expression(expression));
                at = reader.at;
            }
            None => {
                plain.push('@');
                at = sign + 1;
            }
        }
    }
    plain.push_str(text.get(at..).unwrap_or_default());
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(parts)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn wrong(&self, message: &str) -> RenderError {
        let length = self.rest().chars().next().map_or(0, char::len_utf8);
        RenderError::new(Span::new(self.at, self.at + length), message)
    }

    fn name(&mut self) -> Option<String> {
        let name: String = self.rest().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        if name.is_empty() {
            return None;
        }
        self.at += name.len();
        Some(name.to_ascii_lowercase())
    }

    /// `contact.name` behind an `@`: only the known roots, and a dot counts only in front of a name.
    fn bare_path(&mut self) -> Option<Expression> {
        let start = self.at;
        let root = self.name()?;
        if !ROOTS.contains(&root.as_str()) {
            return None;
        }
        let mut path = vec![root];
        self.path_tail(&mut path);
        Some(Expression { kind: Kind::Path(path), span: Span::new(start, self.at) })
    }

    fn path_tail(&mut self, path: &mut Vec<String>) {
        loop {
            let dot = self.at;
            if !self.take(".") {
                return;
            }
            match self.name() {
                Some(name) => path.push(name),
                None => {
                    self.at = dot;
                    return;
                }
            }
        }
    }

    fn expression(&mut self) -> Result<Expression, RenderError> {
        self.deepen()?;
        let left = self.joined()?;
        self.space();
        let operators = [
            ("!=", Comparison::Differs),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("=", Comparison::Equal),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        let found = operators.into_iter().find(|(symbol, _)| self.take(symbol));
        let result = match found {
            Some((_, comparison)) => {
                let right = self.joined()?;
                let span = left.span.to(right.span);
                Expression { kind: Kind::Compare(comparison, Box::new(left), Box::new(right)), span }
            }
            None => left,
        };
        self.depth -= 1;
        Ok(result)
    }

    /// A chain of operators is as deep as it is long: what it comes to is computed from its innermost pair on.
    fn deepen(&mut self) -> Result<(), RenderError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.wrong(&format!("expressions nest at most {MAX_DEPTH} deep")));
        }
        Ok(())
    }

    /// Operators of one rank, from left to right.
    fn chain<O: Copy>(
        &mut self,
        symbols: &[(&str, O)],
        operand: fn(&mut Self) -> Result<Expression, RenderError>,
        kind: fn(O, Box<Expression>, Box<Expression>) -> Kind,
    ) -> Result<Expression, RenderError> {
        let mut left = operand(self)?;
        let before = self.depth;
        loop {
            self.space();
            let Some(&(_, operator)) = symbols.iter().find(|(symbol, _)| self.take(symbol)) else {
                self.depth = before;
                return Ok(left);
            };
            self.deepen()?;
            let right = operand(self)?;
            let span = left.span.to(right.span);
            left = Expression { kind: kind(operator, Box::new(left), Box::new(right)), span };
        }
    }

    fn joined(&mut self) -> Result<Expression, RenderError> {
        self.chain(&[("&", ())], Self::sum, |(), left, right| Kind::Join(left, right))
    }

    fn sum(&mut self) -> Result<Expression, RenderError> {
        self.chain(&[("+", Operation::Add), ("-", Operation::Subtract)], Self::product, Kind::Compute)
    }

    fn product(&mut self) -> Result<Expression, RenderError> {
        self.chain(&[("*", Operation::Multiply), ("/", Operation::Divide)], Self::power, Kind::Compute)
    }

    fn power(&mut self) -> Result<Expression, RenderError> {
        self.chain(&[("^", Operation::Power)], Self::signed, Kind::Compute)
    }

    fn signed(&mut self) -> Result<Expression, RenderError> {
        self.space();
        let start = self.at;
        if !self.take("-") {
            return self.part();
        }
        self.deepen()?;
        let inner = self.signed()?;
        self.depth -= 1;
        let span = Span::new(start, inner.span.end as usize);
        Ok(Expression { kind: Kind::Negate(Box::new(inner)), span })
    }

    /// A value, and what is picked out of it: `list[0].name`.
    fn part(&mut self) -> Result<Expression, RenderError> {
        let mut whole = self.operand()?;
        let before = self.depth;
        loop {
            let (start, at) = (whole.span.start as usize, self.at);
            if self.take("[") {
                self.deepen()?;
                let index = self.expression()?;
                self.space();
                if !self.take("]") {
                    return Err(self.wrong("expected `]`"));
                }
                let kind = Kind::Index(Box::new(whole), Box::new(index));
                whole = Expression { kind, span: Span::new(start, self.at) };
            } else if self.take(".") {
                self.deepen()?;
                let Some(name) = self.name() else {
                    self.at = at;
                    return Err(self.wrong("expected a name behind the dot"));
                };
                whole = Expression { kind: Kind::Part(Box::new(whole), name), span: Span::new(start, self.at) };
            } else {
                self.depth = before;
                return Ok(whole);
            }
        }
    }

    fn operand(&mut self) -> Result<Expression, RenderError> {
        self.space();
        let start = self.at;
        if let Some(parameters) = self.parameters() {
            let body = self.expression()?;
            let span = Span::new(start, self.at);
            return Ok(Expression { kind: Kind::Function(parameters, Box::new(body)), span });
        }
        if self.take("(") {
            let inner = self.expression()?;
            self.space();
            return if self.take(")") { Ok(inner) } else { Err(self.wrong("expected `)`")) };
        }
        if self.take("\"") {
            return self.quoted(start);
        }
        if self.rest().starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            let length = self.rest().find(|c: char| !(c.is_ascii_digit() || c == '.'));
            let length = length.unwrap_or(self.rest().len());
            let number = self.rest().get(..length).and_then(Decimal::parse);
            self.at += length;
            let span = Span::new(start, self.at);
            return match number {
                Some(number) => Ok(Expression { kind: Kind::Number(number), span }),
                None => Err(RenderError::new(span, "not a number")),
            };
        }
        let Some(name) = self.name() else {
            return Err(self.wrong("expected a value: a name, a number, a text in quotes, or `(`"));
        };
        self.space();
        let kind = if self.take("(") {
            Kind::Call(name, self.arguments()?)
        } else {
            match name.as_str() {
                "true" => Kind::Truth(true),
                "false" => Kind::Truth(false),
                "null" => Kind::Missing,
                _ => {
                    let mut path = vec![name];
                    self.path_tail(&mut path);
                    Kind::Path(path)
                }
            }
        };
        Ok(Expression { kind, span: Span::new(start, self.at) })
    }

    /// The names of `(x, y) =>`, if that is what comes.
    fn parameters(&mut self) -> Option<Vec<String>> {
        let start = self.at;
        let found = self.parameters_here();
        if found.is_none() {
            self.at = start;
        }
        found
    }

    fn parameters_here(&mut self) -> Option<Vec<String>> {
        let mut names = Vec::new();
        if !self.take("(") {
            return None;
        }
        loop {
            self.space();
            names.push(self.name()?);
            self.space();
            if !self.take(",") {
                break;
            }
        }
        if !self.take(")") {
            return None;
        }
        self.space();
        self.take("=>").then_some(names)
    }

    /// The rest of a quoted text. `\"`, `\\` and `\n` are its escapes.
    fn quoted(&mut self, start: usize) -> Result<Expression, RenderError> {
        let mut value = String::new();
        let mut escaped = false;
        for (offset, c) in self.rest().char_indices() {
            match (escaped, c) {
                (true, 'n') => value.push('\n'),
                (true, c) => value.push(c),
                (false, '\\') => {
                    escaped = true;
                    continue;
                }
                (false, '"') => {
                    self.at += offset + 1;
                    return Ok(Expression { kind: Kind::Text(value), span: Span::new(start, self.at) });
                }
                (false, c) => value.push(c),
            }
            escaped = false;
        }
        Err(RenderError::new(Span::new(start, self.text.len()), "this text has no closing quote"))
    }

    fn arguments(&mut self) -> Result<Vec<Expression>, RenderError> {
        let mut arguments = Vec::new();
        self.space();
        if self.take(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression()?);
            self.space();
            if self.take(")") {
                return Ok(arguments);
            }
            if !self.take(",") {
                return Err(self.wrong("expected `,` or `)`"));
            }
        }
    }
}
