//! Values and the texts that stand for them: decimals, instants and days, folded text, words, places, addresses.
//!
//! Nothing here knows of contacts or queries. Every conversion says what it refuses.

pub mod calendar;
pub mod day;
pub mod decimal;
pub mod fold;
pub mod instant;
pub mod location;
pub mod numeral;
pub mod phone;
pub mod sum;
pub mod urn;
pub mod words;

pub use decimal::Decimal;
pub use instant::Instant;
pub use sum::Sum;
pub use urn::{Scheme, Urn};
