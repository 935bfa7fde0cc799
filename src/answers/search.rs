//! Searches, and what is built on them.

use std::fmt;

use serde::Serialize;

use crate::answers::contact::ContactItem;
use crate::answers::hiding::shown;
use crate::answers::shapes::{Counted, Found, Metadata, Parsed};
use crate::audience::Audience;
use crate::diagnostic::Diagnostic;
use crate::ids::DocumentNumber;
use crate::language::Query;
use crate::render::{RenderError, Subject, Template};
use crate::sema::query::Dialect;
use crate::sema::suggest::nearest;
use crate::workspace::change::ContactRef;
use crate::workspace::{Page, PageRequest, Reader, WorkspaceError};

impl Found<ContactItem> {
    /// The answer of `query`: a page of the contacts that match.
    ///
    /// # Errors
    /// If the cursor is none of this query's, or the store or an index cannot be read.
    pub fn of(reader: &Reader<'_>, query: &Query, request: &PageRequest) -> Result<Self, WorkspaceError> {
        Self::of_page(reader, query, reader.page(query, request)?)
    }

    /// The same of a page that is there.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn of_page(reader: &Reader<'_>, query: &Query, page: Page) -> Result<Self, WorkspaceError> {
        let contacts = items(reader, page.documents)?;
        let metadata = Metadata::of(query, reader.schema());
        Ok(Found { query: page.query, total: page.total, contacts, next: page.next, metadata })
    }
}

fn items(reader: &Reader<'_>, documents: Vec<DocumentNumber>) -> Result<Vec<ContactItem>, WorkspaceError> {
    let mut contacts = Vec::with_capacity(documents.len());
    for document in documents {
        contacts.extend(ContactItem::plain(reader, document)?);
    }
    Ok(contacts)
}

impl Counted {
    /// The answer of `query --count`; of the request, only the group matters.
    ///
    /// # Errors
    /// If the store or an index cannot be read.
    pub fn of(reader: &Reader<'_>, query: &Query, request: &PageRequest) -> Result<Self, WorkspaceError> {
        let total = match request.group {
            None => reader.count_query(query)?,
            Some(_) => reader.page(query, &PageRequest { limit: Some(0), ..request.clone() })?.total,
        };
        Ok(Counted { query: reader.canonical(query), total })
    }
}

impl Parsed {
    /// The answer of `parse`, for a query that was read against this moment's schema.
    pub fn of(reader: &Reader<'_>, query: &Query, warnings: &[Diagnostic]) -> Self {
        Parsed {
            query: reader.canonical(query),
            metadata: Metadata::of(query, reader.schema()),
            warnings: warnings.iter().map(Diagnostic::to_json).collect(),
        }
    }
}

/// Who is to be reached, by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AudienceRequest {
    /// Groups, by name or identity.
    pub groups: Vec<String>,
    /// Contacts.
    pub contacts: Vec<ContactRef>,
    /// A query.
    pub query: Option<String>,
    /// The dialect of the query.
    pub dialect: Dialect,
    /// Groups whose members are left alone.
    pub exclude_groups: Vec<String>,
    /// Leaves alone who is in a flow.
    pub exclude_in_flow: bool,
    /// Leaves alone who has started this flow.
    pub exclude_started: Option<String>,
    /// Leaves alone who was not seen for that many days.
    pub not_seen_since: Option<u32>,
    /// Reaches those too who are not active.
    pub include_inactive: bool,
}

/// The answer of `audience`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Recipients {
    /// The query that it comes to.
    pub query: String,
    /// How many are reached.
    pub total: u64,
    /// All of them.
    pub contacts: Vec<ContactItem>,
}

/// Why nobody can be said to be reached.
#[derive(Debug)]
pub enum AudienceError {
    /// The workspace says why.
    Workspace(WorkspaceError),
    /// There is no flow of this name; with one that is near.
    UnknownFlow(String, Option<String>),
    /// The request names nobody.
    Nobody,
}

impl fmt::Display for AudienceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AudienceError::Workspace(error) => error.fmt(f),
            AudienceError::UnknownFlow(name, Some(near)) => {
                write!(f, "there is no flow `{name}`; did you mean `{near}`?")
            }
            AudienceError::UnknownFlow(name, None) => write!(f, "there is no flow `{name}`"),
            AudienceError::Nobody => f.write_str("nobody is named"),
        }
    }
}

impl std::error::Error for AudienceError {}

impl From<WorkspaceError> for AudienceError {
    fn from(error: WorkspaceError) -> Self {
        AudienceError::Workspace(error)
    }
}

impl AudienceRequest {
    /// The query that it comes to.
    ///
    /// # Errors
    /// If a name is unknown, the query is not valid, or nobody is named.
    pub fn to_query(&self, reader: &Reader<'_>) -> Result<Query, AudienceError> {
        let groups = |names: &[String]| names.iter().map(|name| reader.group_named(name)).collect::<Result<_, _>>();
        let schema = reader.schema();
        let started = self.exclude_started.as_deref().map(|name| {
            schema.flow(name).map(|flow| flow.id).ok_or_else(|| {
                let near = nearest(name, schema.flows().iter().map(|flow| flow.name.as_str()));
                AudienceError::UnknownFlow(name.to_owned(), near.map(str::to_owned))
            })
        });
        let mut contacts = Vec::new();
        for reference in &self.contacts {
            contacts.extend(reader.identity(contact_named(reader, reference)?)?);
        }
        let query = self.query.as_deref().map(|text| reader.parse(text, self.dialect)).transpose()?;
        let audience = Audience {
            groups: groups(&self.groups)?,
            contacts,
            query: query.map(|parsed| parsed.query),
            exclude_groups: groups(&self.exclude_groups)?,
            exclude_in_flow: self.exclude_in_flow,
            exclude_started: started.transpose()?,
            not_seen_since: self.not_seen_since,
            include_inactive: self.include_inactive,
        };
        audience.to_query(schema).ok_or(AudienceError::Nobody)
    }
}

impl Recipients {
    /// Everybody whom a request reaches.
    ///
    /// # Errors
    /// If the request is not valid, or the store or an index cannot be read.
    pub fn of(reader: &Reader<'_>, request: &AudienceRequest) -> Result<Self, AudienceError> {
        Self::page(reader, request, None)
    }

    /// How many a request reaches, and the first of them.
    ///
    /// # Errors
    /// As for [`Recipients::of`].
    pub fn page(reader: &Reader<'_>, request: &AudienceRequest, limit: Option<usize>) -> Result<Self, AudienceError> {
        let query = request.to_query(reader)?;
        let page = reader.page(&query, &PageRequest { limit, ..PageRequest::default() })?;
        Ok(Recipients { query: page.query, total: page.total, contacts: items(reader, page.documents)? })
    }
}

/// The contact that input names.
///
/// # Errors
/// [`WorkspaceError::UnknownContact`] without the address if addresses are hidden.
pub fn contact_named(reader: &Reader<'_>, reference: &ContactRef) -> Result<DocumentNumber, WorkspaceError> {
    let hides_addresses = reader.environment().redact_urns;
    reader.find(reference)?.ok_or_else(|| WorkspaceError::UnknownContact(shown(reference, hides_addresses)))
}

/// The answer of `render`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Rendered {
    /// The message.
    pub text: String,
}

impl Rendered {
    /// A message for a contact. Inside: what is wrong with the template for this contact.
    ///
    /// # Errors
    /// Outside: if the store cannot be read.
    pub fn of(
        reader: &Reader<'_>,
        template: &Template,
        document: DocumentNumber,
    ) -> Result<Result<Self, RenderError>, WorkspaceError> {
        let Some(contact) = reader.contact(document)? else {
            return Err(WorkspaceError::UnknownContact(format!("{document:?}")));
        };
        let mut groups = Vec::new();
        for id in reader.groups_of(document)? {
            groups.extend(reader.schema().group_by_id(id).map(|group| (group.uuid, group.name.clone())));
        }
        let (schema, environment) = (reader.schema(), reader.environment());
        let subject = Subject { contact: &contact, groups: &groups, schema, environment };
        Ok(template.render(&subject).map(|text| Rendered { text }))
    }
}
