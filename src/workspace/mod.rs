//! The façade: open, read, write, subscribe.

pub mod change;
