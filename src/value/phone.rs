//! Queries that are a phone number.

/// The E.164 form of a whole query that reads as a phone number.
pub fn implicit_number(_text: &str, _country: Option<[u8; 2]>) -> Option<String> {
    None
}
