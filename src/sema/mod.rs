//! Resolution and types: from a syntax tree, a schema and an environment to a typed query.

pub mod query;
