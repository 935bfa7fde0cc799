//! Contacts that live in PostgreSQL: copied, followed, and their memberships given back.
//!
//! A mapping says which queries give fields, groups and contacts ([`Mapping`]). The first copy is made in the snapshot that
//! a replication slot exports, and the stream of changes goes on from there; a position is committed with each batch, so that
//! whatever stops, on either side, the next run goes on where this one was.

mod apply;
mod back;
mod compare;
mod connect;
mod copy;
mod database;
mod definitions;
mod error;
mod follow;
mod mapping;
mod pgoutput;
mod poll;
mod rows;
mod shape;
mod slot;

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

pub use compare::Difference;
pub use connect::Address;
pub use error::SyncError;
pub use mapping::Mapping;

use crate::workspace::{Omissions, Settings, Workspace};
use apply::Done;
use database::{Database, quoted};
use definitions::Definitions;
use follow::Follower;

/// How long to wait for a server that went away, at first and at most.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));

/// What is synced, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the database is.
    pub address: Address,
    /// How it is read.
    pub mapping: Mapping,
    /// The number of the workspace there, where there are several.
    pub org: Option<i64>,
    /// A table there that is kept equal to the memberships here.
    pub memberships_into: Option<String>,
    /// The name of the replication slot; made from the workspace's number if missing.
    pub slot: Option<String>,
    /// Whether a store that holds contacts may be taken over: those that the database does not have are deleted.
    pub adopt: bool,
    /// Set to end.
    pub stop: Stop,
}

impl Options {
    fn slot(&self, org: Option<i64>) -> String {
        let plain = |name: &str| name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect::<String>();
        match (&self.slot, org) {
            (Some(slot), _) => plain(&slot.to_lowercase()),
            (None, Some(org)) => format!("headcount_{}", plain(&org.to_string())),
            (None, None) => "headcount".to_owned(),
        }
    }

    /// The publication has the name of the slot.
    fn publication(&self, org: Option<i64>) -> String {
        self.slot(org)
    }
}

/// Asks a sync to end, from another thread.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// Asks. What is being committed is committed first.
    pub fn set(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    fn is_set(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits, but not longer than it is asked; whether it is.
    fn wait(&self, pause: Duration) -> bool {
        let guard = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = self.0.1.wait_timeout_while(guard, pause, |is_set| !*is_set);
        *outcome.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// What is told while it goes on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Told<'a> {
    /// Contacts of the first copy that are here, so far.
    Copied(u64),
    /// Something that was done.
    Note(&'a str),
    /// Something that needs somebody's attention.
    Warning(&'a str),
    /// A value that does not fit: left out.
    Misfit {
        /// What it was read for: `contacts`, `groups`, `fields`, `flows`, `workspace`.
        table: &'a str,
        /// Its key there.
        row: &'a str,
        /// What is wrong, and what became of it. May hold an address.
        reason: &'a str,
    },
}

/// Who is told.
pub trait Observer: Sync {
    /// Something happened.
    fn tell(&self, told: &Told<'_>);
}

/// What a sync did.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Contacts of first copies.
    pub copied: u64,
    /// Contacts that were read again because something about them changed.
    pub read: u64,
    /// Contacts created.
    pub created: u64,
    /// Contacts changed.
    pub changed: u64,
    /// Contacts deleted.
    pub deleted: u64,
    /// Transactions of the database.
    pub transactions: u64,
    /// Rows of contacts that do not fit at all, so that those contacts stay as they were.
    pub misfits: u64,
    /// What was left out of contacts.
    pub omissions: Omissions,
}

impl Counts {
    fn add(&mut self, done: &Done) {
        self.created += done.counts.created;
        self.changed += done.counts.changed;
        self.deleted += done.counts.deleted;
        self.omissions.merge(done.omissions.clone());
    }

    fn merge(&mut self, other: Counts) {
        self.copied += other.copied;
        self.read += other.read;
        self.created += other.created;
        self.changed += other.changed;
        self.deleted += other.deleted;
        self.transactions += other.transactions;
        self.misfits += other.misfits;
        self.omissions.merge(other.omissions);
    }
}

/// The settings of a workspace that is to be made for a database.
///
/// # Errors
/// If the database cannot be asked.
pub fn settings(options: &Options) -> Result<Settings, SyncError> {
    let database = connected(options)?;
    Ok(Definitions::read(&database, &options.mapping)?.settings(Settings::default()))
}

/// Brings a workspace up to what the database has committed at this moment: a first copy, or what changed since.
///
/// # Errors
/// If the database or the store fails, or is not set up for it; what was committed stays, and the next sync goes on there.
pub fn once(workspace: &Workspace, options: &Options, observer: &dyn Observer) -> Result<Counts, SyncError> {
    session(workspace, options, observer, false, &mut Counts::default())
}

/// Follows until asked to end. A server that goes away is waited for.
///
/// # Errors
/// As for [`once`].
pub fn follow(workspace: &Workspace, options: &Options, observer: &dyn Observer) -> Result<Counts, SyncError> {
    let mut pause = BACK_OFF.0;
    let mut counts = Counts::default();
    loop {
        let began = std::time::Instant::now();
        match session(workspace, options, observer, true, &mut counts) {
            Err(SyncError::Ended) => return Ok(counts),
            Err(error) if error.is_transient() => {
                if began.elapsed() > BACK_OFF.1 {
                    pause = BACK_OFF.0;
                }
                observer.tell(&Told::Warning(&format!("{error}; trying again in {} s", pause.as_secs_f32())));
                if options.stop.wait(pause) {
                    return Ok(counts);
                }
                pause = (pause * 2).min(BACK_OFF.1);
            }
            Err(error) => return Err(error),
            Ok(_) => return Ok(counts),
        }
    }
}

/// Memberships of smart groups in the database that are not what their queries say. Both sides are brought to one moment
/// first; what is different because something changed meanwhile is looked at again.
///
/// # Errors
/// As for [`once`], and if the mapping has no memberships.
pub fn compare(
    workspace: &Workspace,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Vec<Difference>, SyncError> {
    let database = connected(options)?;
    let mut different: Option<std::collections::BTreeSet<compare::Pair>> = None;
    for _ in 0..2 {
        once(workspace, options, observer)?;
        let now = compare::pairs(&database, &options.mapping, workspace)?;
        different = Some(match different {
            None => now,
            Some(before) => before.intersection(&now).copied().collect(),
        });
        if different.as_ref().is_some_and(std::collections::BTreeSet::is_empty) {
            break;
        }
    }
    compare::explained(different.unwrap_or_default(), workspace)
}

/// A connection, with the number of the workspace there found out.
fn connected(options: &Options) -> Result<Database, SyncError> {
    let database = Database::connect(&options.address, options.org)?;
    let mapping = &options.mapping;
    if options.org.is_some() || !mapping.needs_org() {
        return Ok(database);
    }
    let choices = mapping.workspace.as_ref().and_then(|workspace| workspace.choices.as_ref());
    let rows = match choices {
        Some(query) => database.texts("the workspaces", query)?,
        None => return Err(SyncError::Mapping("its queries ask for {org}: give --org".to_owned())),
    };
    let ids: Vec<String> = rows.into_iter().filter_map(|row| row.into_values().next()).collect();
    match ids.as_slice() {
        [only] => match only.parse() {
            Ok(org) => Database::connect(&options.address, Some(org)),
            Err(_) => Err(SyncError::Mapping(format!("`{only}` is no number of a workspace"))),
        },
        [] => Err(SyncError::Setup("the database has no workspace".to_owned())),
        several => Err(SyncError::Setup(format!("the database has several workspaces; give --org {}", several.join(" or ")))),
    }
}

fn session(
    workspace: &Workspace,
    options: &Options,
    observer: &dyn Observer,
    follows: bool,
    counts: &mut Counts,
) -> Result<Counts, SyncError> {
    let database = connected(options)?;
    let system = match database.value("the server's identity", "SELECT system_identifier::text FROM pg_control_system()") {
        Ok(system) => system.unwrap_or_default(),
        Err(SyncError::Statement { .. }) => options.address.shown(),
        Err(error) => return Err(error),
    };
    let is_logical = database.is_logical()?;
    let back = options.memberships_into.as_ref().map(|table| check_table(table)).transpose()?;
    let mut follower = Follower::new(workspace, options, observer, database, &system)?;
    follower.back_table = back;
    let outcome = if is_logical {
        follower.run(follows)
    } else {
        observer.tell(&Told::Warning("the server's wal_level is not `logical`: contacts are polled each second"));
        follower.poll(follows)
    };
    counts.merge(std::mem::take(&mut follower.counts));
    outcome.map(|()| counts.clone())
}

/// A name that can be a table's.
fn check_table(name: &str) -> Result<String, SyncError> {
    let parts: Vec<&str> = name.split('.').collect();
    let is_good = parts.len() <= 2 && parts.iter().all(|part| !part.is_empty() && part.len() <= 54);
    if is_good { Ok(name.to_owned()) } else { Err(SyncError::Setup(format!("{} is no name of a table", quoted(name)))) }
}
