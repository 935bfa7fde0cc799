//! How a line looks while it is typed: its words in colours, and under it what is wrong with it.

use crate::cli::commands::repl::{is_open, query_at};
use crate::complete::Vocabulary;
use crate::language::{self, Dialect, Resolve};
use crate::syntax::lexer::{Lexer, Token};

const BOLD: &str = "1";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const CYAN: &str = "36";

/// The line with colours: what takes none is as it was.
pub(super) fn coloured(line: &str, vocabulary: &Vocabulary) -> String {
    let Some(begin) = query_at(line) else { return in_colour(line, BOLD) };
    let (command, query) = line.split_at_checked(begin).unwrap_or(("", line));
    let mut painted = if command.is_empty() { String::new() } else { in_colour(command, BOLD) };
    let mut at = 0;
    for (start, token, end) in Lexer::new(query, 0, Dialect::Extended) {
        let (start, end) = (start as usize, end as usize);
        painted.push_str(query.get(at..start).unwrap_or_default());
        let word = query.get(start..end).unwrap_or_default();
        match token {
            Token::And | Token::Or | Token::Not | Token::In | Token::NotIn | Token::Anniversary => {
                painted.push_str(&in_colour(word, BOLD));
            }
            Token::String => painted.push_str(&in_colour(word, GREEN)),
            Token::Property if vocabulary.property(word).is_some() => painted.push_str(&in_colour(word, CYAN)),
            Token::Property | Token::Text if word.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+') => {
                painted.push_str(&in_colour(word, YELLOW));
            }
            Token::Bad => painted.push_str(&in_colour(word, RED)),
            _ => painted.push_str(word),
        }
        at = end;
    }
    painted.push_str(query.get(at..).unwrap_or_default());
    painted
}

fn in_colour(text: &str, colour: &str) -> String {
    format!("\x1b[{colour}m{text}\x1b[0m")
}

/// What is wrong with what was typed so far, as a line under it with a caret; nothing while it may still become right.
pub(super) fn mistake(line: &str, indent: usize, vocabulary: &Vocabulary) -> Option<String> {
    let begin = query_at(line)?;
    let query = line.get(begin..)?;
    if query.trim().is_empty() || is_open(query) {
        return None;
    }
    let resolve = Resolve::Schema(&vocabulary.schema);
    let errors = language::parse_with(query, Dialect::Extended, resolve, &vocabulary.environment).err()?;
    let error = errors.first();
    let (start, end) = (error.span.start as usize, error.span.end as usize);
    // At the end something is still to come, and the last word may go on.
    if start >= query.trim_end().len() || end >= query.len() {
        return None;
    }
    let help = error.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
    let message = format!("{}{help}", error.message);
    let above = line.get(..begin + start)?;
    // Under a line that goes on from others, the caret stands under its own line, which has no prompt.
    let is_last_line = !line.get(begin + start..)?.contains('\n');
    let column = match above.rsplit_once('\n') {
        Some((_, above)) => above.chars().count(),
        None => indent + above.chars().count(),
    };
    Some(if is_last_line { format!("\n{}^ {message}", " ".repeat(column)) } else { format!("\n{message}") })
}
