//! Syntax: text to tokens to a tree with byte spans. Knows nothing of the schema.

pub mod lexer;
mod mistakes;
pub mod parser;
pub mod strings;
pub mod tree;

/// Which language a text is read in, and printed back in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Dialect {
    /// ContactQL, letter for letter.
    ContactQl,
    /// ContactQL and headcount's additions.
    #[default]
    Extended,
}

impl Dialect {
    /// The name used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Dialect::ContactQl => "contactql",
            Dialect::Extended => "extended",
        }
    }
}
