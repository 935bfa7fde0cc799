//! Logical replication: which contacts a transaction changed, read again and committed here with its position.
//!
//! The stream only says which rows changed. What contacts are is asked of the database again, with the mapping's queries,
//! so that a mapping can be any SQL. A contact that is read later than its transaction is at least as new, and the
//! transactions in between read it again: after each, nothing here is older than what was acknowledged there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pgwire_replication::lsn::Lsn;
use pgwire_replication::{ReplicationClient, ReplicationEvent};

use super::apply::{Applier, Batch};
use super::back::Back;
use super::database::{Database, shown_position};
use super::definitions::{Definitions, Smart};
use super::mapping::{Mapping, Watched};
use super::pgoutput::{Decoder, Message, Relation, Value};
use super::rows::{self, Known, Reading};
use super::shape::{KeyIs, Shape};
use super::slot::{self, Slot};
use super::{Counts, Observer, Options, SyncError, Told, copy};
use crate::ids::Uuid;
use crate::value::Instant;
use crate::workspace::change::SourcePosition;
use crate::workspace::{ContactRef, Workspace};

/// Contacts that are read again together.
const LOT: usize = 20_000;
/// Keys from which on transactions that wait are not gathered further.
const ENOUGH: usize = 100_000;
/// How long to wait for the stream before looking at the clock.
const PAUSE: Duration = Duration::from_millis(200);
/// How far the server's log may run ahead of what is kept here while nothing in it concerns us, in bytes.
const IDLE_LAG: u64 = 16 << 20;
/// A source's position that says: a first copy has begun.
const BEGUN: u64 = 1;
/// What marks our messages in the server's log.
const MESSAGE: &str = "headcount";

/// What a transaction touched.
#[derive(Debug, Default)]
struct Touched {
    keys: BTreeSet<String>,
    definitions: bool,
    /// Rows changed of which nobody can tell whose they were.
    all: bool,
}

impl Touched {
    fn merge(&mut self, mut other: Touched) {
        self.keys.append(&mut other.keys);
        self.definitions |= other.definitions;
        self.all |= other.all;
    }

    fn is_nothing(&self) -> bool {
        self.keys.is_empty() && !self.definitions && !self.all
    }
}

/// One connection's worth of following.
pub(super) struct Follower<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) options: &'a Options,
    pub(super) observer: &'a dyn Observer,
    pub(super) database: Database,
    pub(super) shape: Shape,
    pub(super) definitions: Definitions,
    /// The table that memberships go into.
    pub(super) back_table: Option<String>,
    back: Option<Back>,
    /// Contacts that the last look of a poll saw, with the moments at which they had changed.
    pub(super) recent: BTreeSet<(String, String)>,
    pub(super) source: String,
    pub(super) counts: Counts,
    /// The position up to which everything is committed here.
    position: u64,
    decoder: Decoder,
    /// Whether rows of a watched table tell their key as it was, by table.
    tells_key: BTreeMap<String, bool>,
}

impl<'a> Follower<'a> {
    pub(super) fn new(
        workspace: &'a Workspace,
        options: &'a Options,
        observer: &'a dyn Observer,
        database: Database,
        system: &str,
    ) -> Result<Self, SyncError> {
        let shape = database.shape(&options.mapping)?;
        let source = format!("postgres {system} {} {}", database.address.database(), options.slot(database.org()));
        Ok(Follower {
            workspace,
            options,
            observer,
            database,
            shape,
            definitions: Definitions::default(),
            back_table: None,
            back: None,
            recent: BTreeSet::new(),
            source,
            counts: Counts::default(),
            position: 0,
            decoder: Decoder::default(),
            tells_key: BTreeMap::new(),
        })
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    fn mapping(&self) -> &'a Mapping {
        &self.options.mapping
    }

    fn note(&self, text: &str) {
        self.observer.tell(&Told::Note(text));
    }

    /// Copies if nothing is known here yet, or can be known no more; then follows: up to what is committed there now, or
    /// until asked to end.
    pub(super) fn run(&mut self, follows: bool) -> Result<(), SyncError> {
        let publication = self.options.publication(self.database.org());
        slot::publish(&self.database, self.mapping(), &publication, self.observer)?;
        for Watched { table, key } in &self.mapping().contacts.tables {
            self.tells_key.insert(table.clone(), slot::tells_key(&self.database, table, key)?);
        }
        let name = self.options.slot(self.database.org());
        let stored = self.workspace.reader(Instant::now())?.source_offset(&self.source)?;
        let slot = Slot::find(&self.database, &name)?;
        match (stored, slot) {
            (Some(at), Some(slot)) if at > BEGUN => {
                let now = self.database.log_position()?;
                let restored = (at > now).then(|| {
                    let (now, at) = (shown_position(now), shown_position(at));
                    format!("the server's log is at {now}, before {at}, which is known here: it was restored")
                });
                match slot.gap(at).or(restored) {
                    None => {
                        self.position = at;
                        self.definitions = Definitions::read(&self.database, self.mapping())?;
                        self.definitions.apply(self.workspace, self.mapping(), None, Smart::Now, self.observer)?;
                    }
                    Some(reason) => {
                        self.warn_of_gap(&reason);
                        slot.remove(&self.database, &name)?;
                        self.copy(&name)?;
                    }
                }
            }
            (Some(at), None) if at > BEGUN => {
                self.warn_of_gap(&format!("the replication slot `{name}` is gone"));
                self.copy(&name)?;
            }
            (Some(_), slot) => {
                self.note("the first copy was interrupted; it begins again");
                slot.map(|slot| slot.remove(&self.database, &name)).transpose()?;
                self.copy(&name)?;
            }
            (None, Some(_)) => {
                return Err(SyncError::Setup(format!(
                    "the server has a replication slot `{name}` already, which this store did not make: name another with \
                     --slot, or, if no store needs it any more, run: SELECT pg_drop_replication_slot('{name}');"
                )));
            }
            (None, None) => {
                self.refuse_contacts_of_others()?;
                self.copy(&name)?;
            }
        }
        self.feed_back()?;
        let mut stream = slot::start(&self.database, &name, &publication, self.position)?;
        let outcome = self.follow(&mut stream, follows);
        // Says how far we are, so that the server lets go of its log.
        drop(self.database.runtime.block_on(async { tokio::time::timeout(Duration::from_secs(2), stream.shutdown()).await }));
        outcome
    }

    fn warn_of_gap(&self, reason: &str) {
        let text = format!("{reason}: what changed since is not known, so all contacts are copied again");
        self.observer.tell(&Told::Warning(&text));
    }

    /// The database takes a store over: what it does not have is deleted. That is only for a store that has nobody's.
    fn refuse_contacts_of_others(&self) -> Result<(), SyncError> {
        let contacts = self.workspace.reader(Instant::now())?.contacts();
        if contacts == 0 || self.options.adopt {
            return Ok(());
        }
        Err(SyncError::Setup(format!(
            "this store holds {contacts} contacts that do not come from this database: use another store, or --adopt, which \
             deletes those that the database does not have"
        )))
    }

    /// The first copy, in the snapshot that a new slot exports: whatever is committed after it comes by the stream.
    fn copy(&mut self, name: &str) -> Result<(), SyncError> {
        self.keep(BEGUN)?;
        let publication = self.options.publication(self.database.org());
        let config = self.database.address.replication(name, &publication);
        let mut stream = self
            .database
            .runtime
            .block_on(ReplicationClient::connect_gated(config))
            .map_err(|error| SyncError::stream(&error))?;
        let (position, snapshot) = slot::create(&self.database, &mut stream, name)?;
        let begin = format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '{snapshot}'");
        self.database.execute("the snapshot", &begin)?;
        let client = self.database.another_client()?;
        self.database.wait("the snapshot", client.batch_execute(&begin))?;
        drop(stream);
        self.copy_in(client)?;
        self.keep(position)?;
        self.note(&format!("copied {} contacts", self.counts.copied));
        Ok(())
    }

    /// Copies all, through connections that are in one snapshot; the connection for statements is out of it afterwards.
    pub(super) fn copy_in(&mut self, client: tokio_postgres::Client) -> Result<(), SyncError> {
        let definitions = Definitions::read(&self.database, self.mapping())?;
        self.database.execute("the snapshot", "COMMIT")?;
        definitions.apply(self.workspace, self.mapping(), None, Smart::Later, self.observer)?;
        let (database, shape) = (&self.database, &self.shape);
        let (workspace, observer) = (self.workspace, self.observer);
        let keys = definitions.field_keys();
        self.counts.merge(copy::copy(database, client, self.mapping(), shape, &keys, workspace, observer)?);
        definitions.apply(self.workspace, self.mapping(), None, Smart::Now, self.observer)?;
        self.definitions = definitions;
        Ok(())
    }

    /// Keeps a position, whatever was kept before.
    pub(super) fn keep(&mut self, position: u64) -> Result<(), SyncError> {
        let source = SourcePosition { name: self.source.as_str().into(), offset: position };
        self.workspace.write(Instant::now(), |writer| {
            writer.set_source(&source);
            Ok(())
        })?;
        self.position = position;
        Ok(())
    }

    /// Takes in transactions.
    fn follow(&mut self, stream: &mut ReplicationClient, follows: bool) -> Result<(), SyncError> {
        // A message of our own in the log: when it comes, everything before it has come.
        let until = if follows { None } else { Some(self.mark()?) };
        let (mut open, mut settled, mut seen) = (Touched::default(), Touched::default(), self.position);
        let mut in_transaction = false;
        loop {
            if self.options.stop.is_set() {
                return Err(SyncError::Ended);
            }
            // While something waits to be committed, only what is here already is taken with it.
            let pause = if settled.is_nothing() || in_transaction { PAUSE } else { Duration::ZERO };
            let event = self.database.runtime.block_on(async { tokio::time::timeout(pause, stream.recv()).await });
            let mut is_done = false;
            let mut is_idle = false;
            match event {
                Err(_) => is_idle = true,
                Ok(Err(error)) => return Err(SyncError::stream(&error)),
                Ok(Ok(None)) => return Err(SyncError::Away("the server ended the stream".to_owned())),
                Ok(Ok(Some(event))) => match event {
                    ReplicationEvent::Begin { .. } => in_transaction = true,
                    ReplicationEvent::XLogData { data, .. } => self.see(&data, &mut open)?,
                    ReplicationEvent::Commit { end_lsn, .. } => {
                        in_transaction = false;
                        settled.merge(std::mem::take(&mut open));
                        seen = end_lsn.as_u64();
                        self.counts.transactions += 1;
                    }
                    ReplicationEvent::KeepAlive { wal_end, .. } => {
                        if !in_transaction {
                            seen = seen.max(wal_end.as_u64());
                        }
                    }
                    ReplicationEvent::Message { lsn, prefix, content, .. } if prefix == MESSAGE => {
                        is_done = until.as_ref().is_some_and(|until| until.as_bytes() == &*content);
                        seen = seen.max(lsn.as_u64());
                    }
                    _ => {}
                },
            }
            if !in_transaction && !settled.is_nothing() && (is_idle || is_done || settled.keys.len() >= ENOUGH) {
                self.settle(std::mem::take(&mut settled), seen)?;
                stream.update_applied_lsn(Lsn::from_u64(self.position));
                self.feed_back()?;
            }
            if is_done {
                // What was only looked at is not looked at again.
                if seen > self.position {
                    self.keep(seen)?;
                    stream.update_applied_lsn(Lsn::from_u64(self.position));
                }
                return Ok(());
            }
            if is_idle && settled.is_nothing() && !in_transaction {
                if seen.saturating_sub(self.position) > IDLE_LAG {
                    self.keep(seen)?;
                    stream.update_applied_lsn(Lsn::from_u64(self.position));
                }
                self.tick()?;
            }
        }
    }

    /// Puts a message into the server's log, and says which.
    fn mark(&self) -> Result<String, SyncError> {
        let mark = Uuid::random().to_string();
        let sql = format!("SELECT pg_logical_emit_message(false, '{MESSAGE}', '{mark}')::text");
        self.database.value("a message in the server's log", &sql)?;
        Ok(mark)
    }

    /// Memberships that flip because time passes.
    pub(super) fn tick(&mut self) -> Result<(), SyncError> {
        let now = Instant::now();
        if self.workspace.reader(now)?.next_due().is_some_and(|due| due <= now) {
            self.workspace.tick(now)?;
        }
        self.feed_back()
    }

    pub(super) fn feed_back(&mut self) -> Result<(), SyncError> {
        match (&mut self.back, &self.back_table) {
            (Some(back), _) => back.push(self.workspace, &self.database, self.observer),
            (None, Some(table)) => {
                self.back = Some(Back::open(table, self.workspace, &self.database, self.observer)?);
                Ok(())
            }
            (None, None) => Ok(()),
        }
    }

    /// What one message says about contacts.
    fn see(&mut self, data: &[u8], touched: &mut Touched) -> Result<(), SyncError> {
        let unread = || SyncError::Away("a message of the stream cannot be read".to_owned());
        match self.decoder.decode(data).ok_or_else(unread)? {
            Message::Relation(_) => self.database.forget_statements(),
            Message::Insert { relation, new } => self.see_row(relation, &[&new], false, touched),
            Message::Update { relation, old: Some(old), new } => {
                self.see_row(relation, &[&old, &new], false, touched);
            }
            Message::Update { relation, old: None, new } => self.see_row(relation, &[&new], true, touched),
            Message::Delete { relation, old } => self.see_row(relation, &[&old], true, touched),
            Message::Truncate { relations } => {
                for relation in relations {
                    let Some(table) = self.decoder.relation(relation) else { continue };
                    touched.definitions |= self.mapping().definition_tables().any(|name| is_named(table, name));
                    touched.all |= self.mapping().contacts.tables.iter().any(|it| is_named(table, &it.table));
                }
            }
            Message::Other => {}
        }
        Ok(())
    }

    /// `needs_old`: the row may have been somebody else's before, and does not say whose unless its key is in its identity.
    fn see_row(&self, relation: u32, rows: &[&Vec<Value<'_>>], needs_old: bool, touched: &mut Touched) {
        let Some(table) = self.decoder.relation(relation) else { return };
        touched.definitions |= self.mapping().definition_tables().any(|name| is_named(table, name));
        for watched in self.mapping().contacts.tables.iter().filter(|it| is_named(table, &it.table)) {
            let Some(at) = table.columns.iter().position(|column| *column == watched.key) else { continue };
            if needs_old && !self.tells_key.get(&watched.table).copied().unwrap_or(false) {
                touched.all = true;
            }
            for row in rows {
                if let Some(Value::Text(key)) = row.get(at) {
                    touched.keys.insert((*key).to_owned());
                }
            }
        }
    }

    /// Commits what transactions touched, the last of it with the position behind them.
    fn settle(&mut self, touched: Touched, position: u64) -> Result<(), SyncError> {
        if touched.definitions {
            self.refresh_definitions()?;
        }
        if touched.all {
            self.read_all()?;
            return self.keep(position);
        }
        let keys: Vec<&str> = touched.keys.iter().map(String::as_str).collect();
        if keys.is_empty() {
            return self.keep(position);
        }
        let lots = keys.len().div_ceil(LOT);
        for (at, lot) in keys.chunks(LOT).enumerate() {
            let position = (at + 1 == lots).then(|| SourcePosition {
                name: self.source.as_str().into(),
                offset: position,
            });
            self.read_again(lot, position.as_ref())?;
        }
        self.position = position;
        Ok(())
    }

    /// Fields, groups and flows as they are now.
    pub(super) fn refresh_definitions(&mut self) -> Result<(), SyncError> {
        let definitions = Definitions::read(&self.database, self.mapping())?;
        if definitions != self.definitions {
            let before = std::mem::replace(&mut self.definitions, definitions);
            self.definitions.apply(self.workspace, self.mapping(), Some(&before), Smart::Now, self.observer)?;
        }
        Ok(())
    }

    /// Reads contacts again and commits what they are now.
    pub(super) fn read_again(&mut self, keys: &[&str], position: Option<&SourcePosition>) -> Result<(), SyncError> {
        let rows = self.database.contacts(self.mapping(), &self.shape, keys)?;
        let there: BTreeSet<&str> = rows.iter().map(|row| row.key.as_str()).collect();
        let gone = keys.iter().filter(|key| !there.contains(*key)).map(|&key| key.to_owned()).collect();
        let schema = self.workspace.reader(Instant::now())?.schema().clone();
        let field_keys = self.definitions.field_keys();
        let reading = Reading { shape: &self.shape, field_keys: &field_keys, schema: &schema };
        let known = rows::read(&rows, &reading, self.observer);
        self.counts.read += known.len() as u64;
        self.counts.misfits += (rows.len() - known.len()) as u64;
        let applier =
            Applier { workspace: self.workspace, key_is: self.shape.key_is(), observer: self.observer };
        let (database, mapping, shape) = (&mut self.database, &self.options.mapping, &self.shape);
        let (workspace, observer) = (self.workspace, self.observer);
        let mut fetch = |holders: &[String]| -> Result<Vec<Known>, SyncError> {
            let keys = keys_of(workspace, shape.key_is(), holders)?;
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let rows = database.contacts(mapping, shape, &keys)?;
            Ok(rows::read(&rows, &reading, observer))
        };
        let done = applier.commit(&Batch { known, gone }, &mut fetch, position)?;
        self.counts.add(&done);
        Ok(())
    }

    /// Reads all contacts again.
    pub(super) fn read_all(&mut self) -> Result<(), SyncError> {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        self.database.execute("the snapshot", begin)?;
        let snapshot = self.database.value("the snapshot", "SELECT pg_export_snapshot()")?.unwrap_or_default();
        let client = self.database.another_client()?;
        let begin = format!("{begin}; SET TRANSACTION SNAPSHOT '{snapshot}'");
        self.database.wait("the snapshot", client.batch_execute(&begin))?;
        self.copy_in(client)
    }
}

/// The keys there of contacts that are known here by their identities.
fn keys_of(workspace: &Workspace, key_is: KeyIs, identities: &[String]) -> Result<Vec<String>, SyncError> {
    match key_is {
        KeyIs::Uuid => Ok(identities.to_vec()),
        // An identity does not say which key it was made from.
        KeyIs::Origin => Ok(Vec::new()),
        KeyIs::Id => {
            let reader = workspace.reader(Instant::now())?;
            let mut keys = Vec::new();
            for uuid in identities.iter().filter_map(|text| Uuid::parse(text)) {
                let Some(document) = reader.find(&ContactRef::Uuid(uuid))? else { continue };
                keys.extend(reader.contact(document)?.and_then(|contact| contact.id).map(String::from));
            }
            Ok(keys)
        }
    }
}

/// Whether a table of the stream is the one that a mapping names, perhaps with its schema.
fn is_named(table: &Relation, name: &str) -> bool {
    match name.split_once('.') {
        Some((schema, name)) => table.schema == schema && table.name == name,
        None => table.name == name,
    }
}
