//! From the text of a field to what tantivy indexes of it, on tantivy's own threads.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use crate::ids::FieldId;
use crate::value::words;

/// Words are cut to this many bytes, so that none is too long for tantivy.
pub(crate) const MAX_WORD_BYTES: usize = 4096;

/// Digits of a field's number, which every text and every term begins with.
const TAG: usize = 4;

/// A text, or a word of one, with its field's number in front.
pub(crate) fn tagged(field: FieldId, text: &str) -> String {
    format!("{:0TAG$x}{text}", field.0)
}

/// As much of a word as is indexed.
pub(crate) fn cut(word: &str) -> &str {
    let mut end = word.len().min(MAX_WORD_BYTES);
    while !word.is_char_boundary(end) {
        end -= 1;
    }
    word.get(..end).unwrap_or_default()
}

/// Cuts a [`tagged`] text into words, each tagged as the text is.
#[derive(Clone, Default)]
pub(crate) struct FieldWords {
    /// The words of the text at hand, one behind the other.
    words: String,
    /// Where each ends.
    ends: Vec<usize>,
    token: Token,
}

/// The words of one text, in order.
pub(crate) struct WordStream<'a> {
    all: &'a mut FieldWords,
    tag: &'a str,
    next: usize,
}

impl Tokenizer for FieldWords {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        let (tag, text) = text.split_at_checked(TAG).unwrap_or_default();
        self.words.clear();
        self.ends.clear();
        words::for_each_word(text, |word| {
            self.words.push_str(cut(word));
            self.ends.push(self.words.len());
        });
        WordStream { all: self, tag, next: 0 }
    }
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        let FieldWords { words, ends, token } = &mut *self.all;
        let Some(&end) = ends.get(self.next) else { return false };
        let start = self.next.checked_sub(1).and_then(|last| ends.get(last)).copied().unwrap_or(0);
        token.position = self.next;
        token.text.clear();
        token.text.push_str(self.tag);
        token.text.push_str(words.get(start..end).unwrap_or_default());
        self.next += 1;
        true
    }

    fn token(&self) -> &Token {
        &self.all.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.all.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_carry_their_field_and_their_place() {
        let mut words = FieldWords::default();
        for (text, expected) in [
            ("A green Boat", vec!["0007green", "0007boat"]),
            ("", vec![]),
            ("né à Évry", vec!["0007né", "0007à", "0007évry"]),
        ] {
            let tagged = tagged(FieldId(7), text);
            let mut found = Vec::new();
            words.token_stream(&tagged).process(&mut |token| {
                assert_eq!(token.position, found.len());
                found.push(token.text.clone());
            });
            assert_eq!(found, expected);
        }
        let long = tagged(FieldId(1), &"é".repeat(MAX_WORD_BYTES));
        words.token_stream(&long).process(&mut |token| assert_eq!(token.text.len(), TAG + MAX_WORD_BYTES));
    }
}
