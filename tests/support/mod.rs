//! What several test binaries share. Each uses a part of it.
#![allow(dead_code)]

pub(crate) mod corpus;
pub(crate) mod generated;
pub(crate) mod laws;
