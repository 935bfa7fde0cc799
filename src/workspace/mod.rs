//! The façade: a workspace is opened or created, read at one consistent moment, and written in batches.
//!
//! The front page of the crate walks through the whole life of one.

mod definitions;
mod error;
mod groups;
mod read;
mod upkeep;
mod write;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

pub use definitions::plans::Override;
pub use definitions::settings::{Settings, SettingsError};
pub use error::WorkspaceError;
pub use groups::filling::{FillCounters, FillPolicy};
pub use groups::manage::{GroupInput, GroupOutcome, Preview};
pub use groups::pending::FillStep;
pub use groups::profile::GroupProfile;
pub use read::depends::Dependent;
pub use read::explain::Explained;
pub use read::following::Subscription;
pub use read::groups::GroupInfo;
pub use read::history::{Period, Piece};
pub use read::linting::Purpose;
pub use read::log::{LogFilter, MembershipEvent, NamedGroup};
pub use read::page::{Page, PageRequest};
pub use read::reader::{Reader, Stats};
pub use read::{log, why};
pub use upkeep::check::repair::Repaired;
pub use upkeep::check::{CheckReport, Finding};
pub use upkeep::delivery::Delivery;
pub use upkeep::erase::PROMPT_HISTORY;
pub use write::bulk::{Applied, Outcomes};
pub use write::change;
pub use write::change::{Change, ContactPatch, ContactRef, Event, NamedRef};
pub use write::rejection::{Omissions, Rejection};
pub use write::schema::{FieldInput, SchemaCounts, SchemaInput};
pub use write::writer::{Commit, ContactCounts, Writer};

use crate::refresh::Engine;
use crate::store::{Cause, Store, StoreError, View};
use crate::threads;
use crate::value::Instant;
use definitions::Definitions;
use upkeep::indexing::TextIndexes;

/// One store folder: contacts, schema, groups and environment.
///
/// It can be shared between threads. Opening the same folder twice in a process shares the store underneath.
#[derive(Debug)]
pub struct Workspace {
    pub(crate) store: Store,
    pub(crate) text: TextIndexes,
    cache: Mutex<Cache>,
    fills: groups::filling::Fills,
    indexer: Mutex<Option<upkeep::background::Indexer>>,
}

/// Definitions and the engine of their groups, kept as long as no commit changes them.
#[derive(Default, Debug)]
struct Cache {
    definitions: Option<Arc<Definitions>>,
    engine: Option<(u64, Arc<Mutex<Engine>>)>,
}

/// Work on the workspace at this path is shared by the process's threads.
fn start_threads(path: &Path) -> Result<(), StoreError> {
    threads::start().map_err(|error| StoreError::io("work on", path, error))
}

impl Workspace {
    /// Makes a workspace in a folder that does not exist or is empty.
    ///
    /// # Errors
    /// If the folder has something in it, a setting is unknown, or the system refuses.
    pub fn create(path: &Path, settings: &Settings) -> Result<Self, WorkspaceError> {
        Self::create_at(path, settings, Instant::MIN)
    }

    /// The same with a clock that starts at a given moment.
    ///
    /// # Errors
    /// As for [`Workspace::create`].
    #[doc(hidden)]
    pub fn create_at(path: &Path, settings: &Settings, clock: Instant) -> Result<Self, WorkspaceError> {
        let settings = settings.stored()?;
        start_threads(path)?;
        Ok(Self::over(Store::create(path, &settings, clock)?))
    }

    /// Opens a workspace. Costs a fraction of a millisecond whatever its size.
    ///
    /// # Errors
    /// If there is none, or it was made by a newer headcount, or is damaged.
    pub fn open(path: &Path) -> Result<Self, WorkspaceError> {
        start_threads(path)?;
        Ok(Self::over(Store::open(path)?))
    }

    fn over(store: Store) -> Self {
        let text = TextIndexes::new(store.text_folder());
        Workspace {
            store,
            text,
            cache: Mutex::new(Cache::default()),
            fills: groups::filling::Fills::default(),
            indexer: Mutex::new(None),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.store.folder()
    }

    /// A consistent moment to read: everything committed until now, by any process, seen as of `now` (or of the
    /// workspace's clock, if that is later, for memberships).
    ///
    /// # Errors
    /// If the store or the text index cannot be read.
    pub fn reader(&self, now: Instant) -> Result<Reader<'_>, WorkspaceError> {
        Reader::open(self, now)
    }

    /// Makes a batch of changes: all of it is kept and durable when this returns, or nothing.
    ///
    /// Waits for other writers, of this process or others. The clock ticks first.
    ///
    /// # Errors
    /// What `work` returns, or what the store says; nothing is kept then.
    pub fn write<T>(
        &self,
        now: Instant,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T, WorkspaceError>,
    ) -> Result<Commit<T>, WorkspaceError> {
        self.write_as(now, Cause::Change, work)
    }

    /// The same for changes that somebody makes by hand, which the log tells apart.
    ///
    /// # Errors
    /// As for [`Workspace::write`].
    pub fn write_by_hand<T>(
        &self,
        now: Instant,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T, WorkspaceError>,
    ) -> Result<Commit<T>, WorkspaceError> {
        self.write_as(now, Cause::Manual, work)
    }

    fn write_as<T>(
        &self,
        now: Instant,
        cause: Cause,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T, WorkspaceError>,
    ) -> Result<Commit<T>, WorkspaceError> {
        let mut writer = Writer::begin(self, now, cause)?;
        let value = work(&mut writer)?;
        writer.flush()?;
        writer.cut_log(upkeep::retention::CUT_BY_WRITE)?;
        let has_deferred = writer.has_deferred;
        let mut commit = writer.commit(value)?;
        if let Some(indexer) = &*self.indexer() {
            indexer.tell();
        }
        if has_deferred {
            // The batch is kept whatever becomes of this.
            match self.fill_pending(now) {
                Ok(filled) => commit.after = filled.sequence,
                Err(error) => commit.unfilled = Some(error),
            }
        }
        Ok(commit)
    }

    /// Advances the clock, and records every membership that flips on the way at the moment at which it was due.
    ///
    /// # Errors
    /// If the store fails.
    pub fn tick(&self, now: Instant) -> Result<Commit<()>, WorkspaceError> {
        self.write(now, |_| Ok(()))
    }

    /// The definitions of this moment, read again only when they changed.
    pub(crate) fn definitions(&self, view: View<'_>) -> Result<Arc<Definitions>, WorkspaceError> {
        let version = view.state().schema_version;
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = cache.definitions.as_ref().filter(|known| known.version == version) {
            return Ok(Arc::clone(known));
        }
        let loaded = Arc::new(Definitions::load(view)?);
        cache.definitions = Some(Arc::clone(&loaded));
        Ok(loaded)
    }

    /// The engine of the groups of these definitions.
    ///
    /// A transaction that changed definitions and is then dropped leaves an engine of a version that was never
    /// committed: another transaction may come to the same number with other groups. So engines of uncommitted
    /// definitions are not kept.
    pub(crate) fn engine(
        &self,
        definitions: &Definitions,
        committed: bool,
    ) -> Result<Arc<Mutex<Engine>>, WorkspaceError> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if committed
            && let Some((version, engine)) = &cache.engine
            && *version == definitions.version
        {
            return Ok(Arc::clone(engine));
        }
        let engine = Arc::new(Mutex::new(definitions.engine()?));
        if committed {
            cache.engine = Some((definitions.version, Arc::clone(&engine)));
        }
        Ok(engine)
    }
}
