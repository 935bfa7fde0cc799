//! Smart and manual groups: made, filled, edited, kept in or out of by hand.
//!
//! What is here runs inside the write transaction of [`write`](crate::workspace::write) and changes definitions and members.
//! Rows and attribute indexes are only read. Which groups a changed row enters or leaves is
//! [`refresh`](crate::refresh)'s to say.

pub(crate) mod filling;
pub(crate) mod manage;
pub(crate) mod overrides;
pub(crate) mod pending;
pub(crate) mod profile;
