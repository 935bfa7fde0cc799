//! One consistent moment of a workspace: searches, contacts, groups, log.

use std::sync::{Arc, OnceLock};

use roaring::RoaringBitmap;

use crate::contact::{Contact, ContactView};
use crate::exec::{Order, Position, SortProperty};
use crate::ids::{DocumentNumber, Sequence, Uuid};
use crate::index::text::TextSnapshot;
use crate::index::{IndexError, TextSource};
use crate::language::{self, Parsed, Resolve};
use crate::plan::atom::{Atom, LogicalPlan};
use crate::plan::logical;
use crate::plan::physical::Rules;
use crate::schema::{Environment, FieldType, Schema};
use crate::sema::print;
use crate::sema::query::{Dialect, Query};
use crate::store::{OldestReader, RowView, Snapshot, Store, TableSize};
use crate::value::Instant;
use crate::workspace::Workspace;
use crate::workspace::definitions::Definitions;
use crate::workspace::definitions::plans::with_atom;
use crate::workspace::definitions::settings::Settings;
use crate::workspace::error::WorkspaceError;
use crate::workspace::read::adapters::Overlay;
use crate::workspace::read::cursor::Cursor;
use crate::workspace::read::log::{LogFilter, MembershipEvent, events_of, identity_of};
use crate::workspace::read::page::{Page, PageRequest};
use crate::workspace::read::search::{Searchable, StoreSearch};
use crate::workspace::upkeep::indexing::TextAnswers;
use crate::workspace::write::change::ContactRef;

/// A consistent moment. It does not change while it is held; hold it no longer than needed, since the space of what
/// later commits replace cannot be used again meanwhile.
pub struct Reader<'w> {
    workspace: &'w Workspace,
    definitions: Arc<Definitions>,
    environment: Environment,
    text: TextAnswers,
    snapshot: Snapshot,
    overlay: OnceLock<Overlay>,
}

/// How large a workspace is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stats {
    /// Contacts.
    pub contacts: u64,
    /// Addresses.
    pub urns: u64,
    /// Groups, manual and smart.
    pub groups: u64,
    /// Entries of the membership log.
    pub log_entries: u64,
    /// Contacts whose words are not in the text index yet.
    pub dirty: u64,
    /// The clock.
    pub clock: Instant,
    /// The next moment at which a membership flips by itself.
    pub next_due: Option<Instant>,
    /// Bytes of the store's file.
    pub file_bytes: u64,
    /// Bytes of it that hold nothing: [`Workspace::compact`] gives them back.
    pub free_bytes: u64,
    /// The oldest snapshot that another process reads: what is freed after it cannot be used again. Not known everywhere.
    pub oldest_reader: Option<OldestReader>,
    /// Bytes of the text index.
    pub text_bytes: u64,
    /// Reader slots in use at once so far.
    pub readers: u32,
    /// Tables of the store.
    pub tables: Vec<TableSize>,
}

impl std::fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reader({:?}, now {})", self.snapshot, self.environment.now)
    }
}

impl<'w> Reader<'w> {
    /// The text index is opened first and the store second: what the store does not call dirty is then in the index.
    pub(crate) fn open(workspace: &'w Workspace, now: Instant) -> Result<Self, WorkspaceError> {
        let (text, snapshot) = workspace.text.open_with(&workspace.store)?;
        let definitions = workspace.definitions(snapshot.view())?;
        let environment = definitions.environment(now);
        Ok(Reader { workspace, definitions, environment, text, snapshot, overlay: OnceLock::new() })
    }

    /// The moment that relative dates in searches go by.
    pub fn now(&self) -> Instant {
        self.environment.now
    }

    /// The moment up to which memberships were brought by the last commit.
    pub fn clock(&self) -> Instant {
        self.snapshot.view().state().clock
    }

    /// The next moment at which a membership flips by itself: until then, nothing is lost by sleeping.
    pub fn next_due(&self) -> Option<Instant> {
        Some(self.snapshot().view().state().next_due).filter(|&due| due != Instant::MAX)
    }

    /// Commits so far, of whatever: a count that tells one moment of the store from another.
    pub fn commits(&self) -> u64 {
        self.snapshot.view().state().commit
    }

    /// The environment as it was set.
    pub fn settings(&self) -> Settings {
        Settings::of_stored(&self.definitions.settings)
    }

    /// The environment that texts are read in.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Fields, groups and flows.
    pub fn schema(&self) -> &Schema {
        &self.definitions.schema
    }

    /// Contacts in the workspace.
    pub fn contacts(&self) -> u64 {
        self.snapshot.view().state().contacts
    }

    /// Reads a query against this moment's schema.
    ///
    /// # Errors
    /// [`WorkspaceError::Query`] with everything that is wrong with it.
    pub fn parse(&self, text: &str, dialect: Dialect) -> Result<Parsed, WorkspaceError> {
        language::parse_with(text, dialect, Resolve::Schema(self.schema()), &self.environment)
            .map_err(|errors| WorkspaceError::Query { text: text.to_owned(), errors })
    }

    /// The canonical form of a query.
    pub fn canonical(&self, query: &Query) -> String {
        print::canonical_in(query, self.schema(), &self.environment)
    }

    /// How many contacts, of any status, match a query in the extended dialect.
    ///
    /// # Errors
    /// If the query is not valid, or the store or an index cannot be read.
    pub fn count(&self, text: &str) -> Result<u64, WorkspaceError> {
        let parsed = self.parse(text, Dialect::Extended)?;
        self.count_query(&parsed.query)
    }

    /// How many contacts match.
    ///
    /// # Errors
    /// If the store or an index cannot be read.
    pub fn count_query(&self, query: &Query) -> Result<u64, WorkspaceError> {
        self.run(&logical::lower(query), |search| search.count())
    }

    /// Everybody who matches a query in the extended dialect.
    ///
    /// # Errors
    /// As for [`Reader::count`].
    pub fn matches(&self, text: &str) -> Result<RoaringBitmap, WorkspaceError> {
        let parsed = self.parse(text, Dialect::Extended)?;
        self.matches_query(&parsed.query)
    }

    /// Everybody who matches.
    ///
    /// # Errors
    /// As for [`Reader::count_query`].
    pub fn matches_query(&self, query: &Query) -> Result<RoaringBitmap, WorkspaceError> {
        self.run(&logical::lower(query), |search| search.collect())
    }

    /// The document numbers of everybody who matches a query in the extended dialect, ascending: for who wants a list,
    /// several times faster than [`Reader::matches`].
    ///
    /// # Errors
    /// As for [`Reader::count`].
    pub fn numbers(&self, text: &str) -> Result<Vec<u32>, WorkspaceError> {
        let parsed = self.parse(text, Dialect::Extended)?;
        self.run(&logical::lower(&parsed.query), |search| search.numbers())
    }

    /// A page of the contacts that match.
    ///
    /// # Errors
    /// As for [`Reader::count_query`]; [`WorkspaceError::BadCursor`] if the cursor is none of this query's.
    pub fn page(&self, query: &Query, request: &PageRequest) -> Result<Page, WorkspaceError> {
        let canonical = self.canonical(query);
        let cursor = request.after.as_deref().map(|text| Cursor::read(text, &canonical, request)).transpose()?;
        let mut plan = logical::lower(query);
        if let Some(group) = request.group {
            plan = with_atom(plan, Atom::GroupIn(Box::new([group])));
        }
        let now = cursor.as_ref().map_or(self.now(), |cursor| cursor.now);
        let limit = request.limit.unwrap_or(usize::MAX - 1);
        let after = cursor.as_ref().map(|cursor| &cursor.position);
        let (total, mut places) = self.run_at(&plan, now, |search| {
            let total = search.count()?;
            let wanted = limit.saturating_add(1);
            let places = match (request.order, after) {
                (Some(order), after) => search.page(order, after, request.offset, wanted)?,
                (None, None) => search.documents(request.offset, wanted)?.into_iter().map(unsorted).collect(),
                (None, Some(after)) => {
                    let behind = search.collect()?;
                    let from = after.document.0.saturating_add(1);
                    let rest = behind.range(from..).skip(request.offset).take(wanted);
                    rest.map(|document| unsorted(DocumentNumber(document))).collect()
                }
            };
            Ok((total, places))
        })?;
        let more = places.len() > limit;
        places.truncate(limit);
        let next = places
            .last()
            .filter(|_| more)
            .map(|last| Cursor { now, position: last.clone() }.write(&canonical, request));
        Ok(Page { query: canonical, total, documents: places.into_iter().map(|place| place.document).collect(), next })
    }

    /// The order of a sort key: `name`, `created_on`, `-age` and the like.
    ///
    /// # Errors
    /// If results cannot be sorted by it.
    pub fn order(&self, key: &str) -> Result<Order, WorkspaceError> {
        let (descending, key) = match key.strip_prefix('-') {
            Some(key) => (true, key),
            None => (false, key),
        };
        let lower = key.to_lowercase();
        let property = match lower.as_str() {
            "name" => SortProperty::Name,
            "language" => SortProperty::Language,
            "tickets" => SortProperty::Tickets,
            "created_on" => SortProperty::CreatedOn,
            "last_seen_on" => SortProperty::LastSeenOn,
            _ => {
                let field = self.schema().field(lower.strip_prefix("fields.").unwrap_or(&lower));
                let Some(field) = field else {
                    let known = ["name", "language", "tickets", "created_on", "last_seen_on"];
                    let keys = known.into_iter().chain(self.schema().fields().iter().map(|field| field.key.as_str()));
                    let near = crate::sema::suggest::nearest(&lower, keys).map(str::to_owned);
                    return Err(WorkspaceError::UnknownField { key: key.to_owned(), near });
                };
                match field.kind {
                    FieldType::State | FieldType::District | FieldType::Ward => SortProperty::Place(field.id),
                    FieldType::Text | FieldType::Number | FieldType::Datetime => SortProperty::Field(field.id),
                }
            }
        };
        Ok(Order { property, descending })
    }

    /// Plans a query and hands the search to `run`.
    pub(crate) fn run<'a, T>(
        &'a self,
        plan: &LogicalPlan,
        run: impl FnOnce(&StoreSearch<'_, '_, '_, 'a>) -> Result<T, IndexError>,
    ) -> Result<T, WorkspaceError> {
        self.run_at(plan, self.now(), run)
    }

    pub(crate) fn run_at<'a, T>(
        &'a self,
        plan: &LogicalPlan,
        now: Instant,
        run: impl FnOnce(&StoreSearch<'_, '_, '_, 'a>) -> Result<T, IndexError>,
    ) -> Result<T, WorkspaceError> {
        let reads_groups = plan.atoms.iter().any(|atom| matches!(atom, Atom::GroupIn(_) | Atom::GroupSet));
        let reads_words = plan.atoms.iter().any(|atom| matches!(atom, Atom::FieldWords(..)));
        let source = if reads_words { self.text()? } else { None };
        let searchable = Searchable {
            view: self.snapshot.view(),
            definitions: &self.definitions,
            text: source.map(|source| source as &dyn TextSource),
            overlay: if reads_groups { Some(self.overlay()?) } else { None },
            now,
            rules: Rules::default(),
        };
        searchable.run(plan, run)
    }

    /// The members of groups that a tick to this moment would move, without writing.
    pub(crate) fn overlay(&self) -> Result<&Overlay, WorkspaceError> {
        if let Some(known) = self.overlay.get() {
            return Ok(known);
        }
        let overlay = self.workspace.moves_until(self.snapshot.view(), &self.definitions, self.now())?;
        Ok(self.overlay.get_or_init(|| overlay))
    }

    /// The contact that input names.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn find(&self, reference: &ContactRef) -> Result<Option<DocumentNumber>, WorkspaceError> {
        let view = self.snapshot.view();
        Ok(match reference {
            ContactRef::Uuid(uuid) => view.document_by_uuid_or_damage(*uuid)?,
            ContactRef::Urn(urn) => view.document_by_urn_or_damage(&urn.identity())?,
            ContactRef::Id(id) => self.workspace.document_by_id(view, &self.definitions, id)?,
            ContactRef::Beginning(beginning) => view.document_by_beginning(beginning)?,
        })
    }

    /// The first contacts that a query of the extended dialect finds, in order of document number.
    ///
    /// # Errors
    /// If the query is invalid; if the store cannot be read.
    pub fn find_some(&self, query: &str, most: usize) -> Result<Vec<DocumentNumber>, WorkspaceError> {
        let query = self.parse(query, Dialect::Extended)?.query;
        Ok(self.page(&query, &PageRequest { limit: Some(most), ..PageRequest::default() })?.documents)
    }

    /// A contact's row, read in place.
    ///
    /// # Errors
    /// If the row is damaged.
    #[doc(hidden)]
    pub fn row(&self, document: DocumentNumber) -> Result<Option<RowView<'_>>, WorkspaceError> {
        Ok(self.snapshot.view().row(document)?)
    }

    /// A contact in full.
    ///
    /// # Errors
    /// If the row is damaged.
    pub fn contact(&self, document: DocumentNumber) -> Result<Option<Contact>, WorkspaceError> {
        Ok(self.row(document)?.map(|row| row.to_contact()))
    }

    /// All documents that are contacts, ascending.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn documents(
        &self,
    ) -> Result<impl Iterator<Item = Result<DocumentNumber, WorkspaceError>> + '_, WorkspaceError> {
        let rows = self.snapshot.view().rows(DocumentNumber(0)..=DocumentNumber(u32::MAX))?;
        Ok(rows.map(|entry| Ok(entry?.0)))
    }

    /// Who a document number stands for, or stood for before the contact was deleted; `None` if it was erased.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn identity(&self, document: DocumentNumber) -> Result<Option<Uuid>, WorkspaceError> {
        identity_of(document, self.snapshot().view())
    }

    /// Identities of documents that are contacts.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn uuids_of(&self, documents: &RoaringBitmap) -> Result<Vec<Uuid>, WorkspaceError> {
        let mut uuids = Vec::new();
        for document in documents.iter().map(DocumentNumber) {
            uuids.extend(self.row(document)?.map(|row| row.uuid()));
        }
        Ok(uuids)
    }

    /// The last entry of the membership log.
    pub fn sequence(&self) -> Sequence {
        self.snapshot.view().state().sequence
    }

    /// Events behind a place in the log, entry by entry; an entry of very many events in several pieces, so that memory
    /// stays bounded.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn events_since(
        &self,
        after: Sequence,
        filter: LogFilter,
    ) -> Result<impl Iterator<Item = Result<Vec<MembershipEvent>, WorkspaceError>> + '_, WorkspaceError> {
        self.events_behind(after, 0, filter)
    }

    /// The same, without the documents below a number in the first entry, if it comes in several pieces.
    pub(crate) fn events_behind(
        &self,
        after: Sequence,
        documents: u32,
        filter: LogFilter,
    ) -> Result<impl Iterator<Item = Result<Vec<MembershipEvent>, WorkspaceError>> + '_, WorkspaceError> {
        let view = self.snapshot.view();
        let definitions = &self.definitions;
        Ok(view.log_since(after)?.flat_map(move |entry| -> Box<dyn Iterator<Item = _>> {
            match entry {
                Ok(entry) => {
                    let from = if entry.sequence.0 == after.0 + 1 { documents } else { 0 };
                    Box::new(events_of(entry, view, definitions, filter, from))
                }
                Err(error) => Box::new(std::iter::once(Err(error.into()))),
            }
        }))
    }

    /// The place before the first entry that the log still holds; entries up to it were cut off.
    pub fn horizon(&self) -> Sequence {
        self.snapshot().view().state().horizon
    }

    /// The moment from which on the log still tells everything.
    pub fn horizon_time(&self) -> Instant {
        self.snapshot().view().state().horizon_time
    }

    /// The last position that was seen of a named source of changes.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn source_offset(&self, name: &str) -> Result<Option<u64>, WorkspaceError> {
        Ok(self.snapshot().view().source_offset(name)?)
    }

    /// Sizes and counts.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn stats(&self) -> Result<Stats, WorkspaceError> {
        let view = self.snapshot.view();
        let state = view.state();
        let usage = self.workspace.store.usage()?;
        Ok(Stats {
            contacts: state.contacts,
            urns: state.urns,
            groups: state.groups,
            log_entries: state.sequence.0 - state.horizon.0,
            dirty: view.dirty()?.len(),
            clock: state.clock,
            next_due: Some(state.next_due).filter(|&due| due != Instant::MAX),
            file_bytes: usage.file_bytes,
            free_bytes: usage.free_bytes,
            oldest_reader: usage.oldest_reader,
            text_bytes: self.workspace.text.bytes(),
            readers: usage.readers,
            tables: view.table_sizes()?,
        })
    }

    /// What the text index knows for this moment; `None` if rows answer.
    pub(crate) fn text(&self) -> Result<Option<&TextSnapshot>, WorkspaceError> {
        self.text.source(&self.workspace.text, self.snapshot.view())
    }

    pub(crate) fn workspace(&self) -> &'w Workspace {
        self.workspace
    }

    pub(crate) fn text_folder(&self) -> &std::path::Path {
        self.workspace.text.folder()
    }

    pub(crate) fn text_is_being_written(&self) -> bool {
        self.workspace.text.is_being_written()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.workspace.store
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    pub(crate) fn definitions(&self) -> &Definitions {
        &self.definitions
    }
}

fn unsorted(document: DocumentNumber) -> Position {
    Position { value: None, document }
}
