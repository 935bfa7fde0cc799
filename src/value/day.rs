//! Dates that people write.

use crate::schema::Environment;
use crate::value::Instant;

/// The moment that a field's text denotes; a missing time of day is midnight.
pub fn parse_moment(_text: &str, _environment: &Environment) -> Option<Instant> {
    None
}

/// The day that a literal denotes, from its first moment up to but not including the second.
pub fn parse_day(_text: &str, _environment: &Environment) -> Option<(Instant, Instant)> {
    None
}
