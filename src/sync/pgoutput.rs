//! What the server's `pgoutput` plugin sends, as far as it is needed: which rows of which tables changed.
//!
//! The layout is that of PostgreSQL's "Logical Replication Message Formats", protocol version 1.

use std::collections::HashMap;

/// The columns of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relation {
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) columns: Vec<String>,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Null,
    /// A large value that did not change, so that it is not sent again.
    Unchanged,
    Text(&'a str),
}

/// A message that tells of rows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// The columns of a table, sent before its first row and whenever they change.
    Relation(u32),
    Insert { relation: u32, new: Vec<Value<'a>> },
    /// `old` is there if the table's identity changed, or is the whole row.
    Update { relation: u32, old: Option<Vec<Value<'a>>>, new: Vec<Value<'a>> },
    Delete { relation: u32, old: Vec<Value<'a>> },
    Truncate { relations: Vec<u32> },
    /// Types, origins and messages, which are of no concern.
    Other,
}

/// The tables that were described so far.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    relations: HashMap<u32, Relation>,
}

impl Decoder {
    /// The table of a number; described before its first row.
    pub(super) fn relation(&self, id: u32) -> Option<&Relation> {
        self.relations.get(&id)
    }

    /// Reads a message; `None` if it is not one.
    pub(super) fn decode<'a>(&mut self, data: &'a [u8]) -> Option<Message<'a>> {
        let mut bytes = Bytes(data);
        Some(match bytes.byte()? {
            b'R' => {
                let id = bytes.number()?;
                let (schema, name) = (bytes.text()?.to_owned(), bytes.text()?.to_owned());
                let _identity = bytes.byte()?;
                let count = bytes.short()?;
                let columns = (0..count).map(|_| {
                    let _is_key = bytes.byte()?;
                    let column = bytes.text()?.to_owned();
                    let (_kind, _modifier) = (bytes.number()?, bytes.number()?);
                    Some(column)
                });
                let columns = columns.collect::<Option<Vec<String>>>()?;
                self.relations.insert(id, Relation { schema, name, columns });
                Message::Relation(id)
            }
            b'I' => {
                let relation = bytes.number()?;
                bytes.expect(b'N')?;
                Message::Insert { relation, new: bytes.row()? }
            }
            b'U' => {
                let relation = bytes.number()?;
                match bytes.byte()? {
                    b'K' | b'O' => {
                        let old = Some(bytes.row()?);
                        bytes.expect(b'N')?;
                        Message::Update { relation, old, new: bytes.row()? }
                    }
                    b'N' => Message::Update { relation, old: None, new: bytes.row()? },
                    _ => return None,
                }
            }
            b'D' => {
                let relation = bytes.number()?;
                match bytes.byte()? {
                    b'K' | b'O' => Message::Delete { relation, old: bytes.row()? },
                    _ => return None,
                }
            }
            b'T' => {
                let count = bytes.number()?;
                let _options = bytes.byte()?;
                Message::Truncate { relations: (0..count).map(|_| bytes.number()).collect::<Option<_>>()? }
            }
            _ => Message::Other,
        })
    }
}

/// What is left of a message.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.byte()? == byte).then_some(())
    }

    fn short(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    /// A text that ends with a zero byte.
    fn text(&mut self) -> Option<&'a str> {
        let length = self.0.iter().position(|&byte| byte == 0)?;
        let text = self.take(length)?;
        self.take(1)?;
        std::str::from_utf8(text).ok()
    }

    fn row(&mut self) -> Option<Vec<Value<'a>>> {
        let count = self.short()?;
        (0..count)
            .map(|_| {
                Some(match self.byte()? {
                    b'n' => Value::Null,
                    b'u' => Value::Unchanged,
                    b't' => {
                        let length = usize::try_from(self.number()?).ok()?;
                        Value::Text(std::str::from_utf8(self.take(length)?).ok()?)
                    }
                    _ => return None,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn relation() -> Vec<u8> {
        let mut bytes = b"R\0\0\0\x07public\0people\0d\0\x02".to_vec();
        bytes.extend(b"\x01id\0\0\0\0\x17\xff\xff\xff\xff\0name\0\0\0\0\x19\xff\xff\xff\xff");
        bytes
    }

    #[test]
    fn rows_are_read_by_the_columns_of_their_table() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.decode(&relation()).unwrap(), Message::Relation(7));
        assert_eq!(decoder.relation(7).unwrap().columns, ["id", "name"]);
        let update = b"U\0\0\0\x07K\0\x02t\0\0\0\x011nN\0\x02t\0\0\0\x012u";
        let is = decoder.decode(update).unwrap();
        let old = Some(vec![Value::Text("1"), Value::Null]);
        assert_eq!(is, Message::Update { relation: 7, old, new: vec![Value::Text("2"), Value::Unchanged] });
        let truncate = b"T\0\0\0\x01\0\0\0\0\x07";
        assert_eq!(decoder.decode(truncate).unwrap(), Message::Truncate { relations: vec![7] });
    }

    #[test]
    fn a_message_that_is_cut_off_is_none() {
        let whole = relation();
        for length in 0..whole.len() {
            assert_eq!(Decoder::default().decode(&whole[..length]), None, "{length}");
        }
        assert_eq!(Decoder::default().decode(b"U\0\0\0\x07X"), None);
    }
}
