//! A page of results: which is asked for, and what comes back.

use crate::exec::Order;
use crate::ids::{DocumentNumber, GroupId};

/// Which page of which results.
#[derive(Clone, PartialEq, Debug)]
pub struct PageRequest {
    /// In which order; by document number if none is given.
    pub order: Option<Order>,
    /// Results passed over at the beginning, or behind the cursor.
    pub offset: usize,
    /// Results wanted; all if none is given.
    pub limit: Option<usize>,
    /// Where the last page ended.
    pub after: Option<String>,
    /// Only members of this group.
    pub group: Option<GroupId>,
}

impl Default for PageRequest {
    /// The first 50.
    fn default() -> Self {
        PageRequest { order: None, offset: 0, limit: Some(50), after: None, group: None }
    }
}

/// A page of results.
#[derive(Clone, PartialEq, Debug)]
pub struct Page {
    /// The query in canonical form.
    pub query: String,
    /// All contacts that match, on this page or not.
    pub total: u64,
    /// This page.
    pub documents: Vec<DocumentNumber>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}
