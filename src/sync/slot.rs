//! The replication slot and the publication: made, looked at, and what is wrong with them in words.

use pgwire_replication::ReplicationClient;
use pgwire_replication::lsn::Lsn;

use super::database::{Database, position, quoted, quoted_table, shown_position};
use super::mapping::Mapping;
use super::{Observer, SyncError, Told};

/// What the server knows of a slot.
pub(super) struct Slot {
    /// Up to where we said that we have everything.
    pub(super) confirmed: u64,
    is_active: bool,
    is_lost: bool,
}

impl Slot {
    /// The slot of this name; `None` if there is none.
    pub(super) fn find(database: &Database, name: &str) -> Result<Option<Self>, SyncError> {
        let sql = format!(
            "SELECT confirmed_flush_lsn::text AS confirmed, active::text AS active, wal_status AS status, plugin \
             FROM pg_replication_slots WHERE slot_name = '{name}' AND database = current_database()"
        );
        let Some(row) = database.texts("the replication slot", &sql)?.into_iter().next() else { return Ok(None) };
        let text = |name: &str| row.get(name).map(String::as_str).unwrap_or_default();
        Ok(Some(Slot {
            confirmed: position(text("confirmed")).unwrap_or_default(),
            is_active: text("active") == "true",
            is_lost: text("status") == "lost",
        }))
    }

    /// Why changes from a position on cannot be read from this slot any more.
    pub(super) fn gap(&self, from: u64) -> Option<String> {
        if self.is_lost {
            return Some("the server has dropped the log that the slot had kept (max_slot_wal_keep_size)".to_owned());
        }
        (self.confirmed > from).then(|| {
            format!(
                "the slot is at {} already and this store at {}: it was restored from a backup",
                shown_position(self.confirmed),
                shown_position(from)
            )
        })
    }

    /// Removes a slot that is of no use any more.
    pub(super) fn remove(&self, database: &Database, name: &str) -> Result<(), SyncError> {
        if self.is_active {
            return Err(in_use(name));
        }
        database.execute("dropping the replication slot", &format!("SELECT pg_drop_replication_slot('{name}')"))
    }
}

fn in_use(name: &str) -> SyncError {
    SyncError::Setup(format!(
        "the replication slot `{name}` is in use by another process: another store needs a name of its own (--slot)"
    ))
}

/// Makes a slot on a connection that keeps the slot's snapshot until it starts: the position where it begins, and the
/// name of the snapshot.
pub(super) fn create(
    database: &Database,
    stream: &mut ReplicationClient,
    name: &str,
) -> Result<(u64, String), SyncError> {
    let command = format!("CREATE_REPLICATION_SLOT {} LOGICAL pgoutput (SNAPSHOT 'export')", quoted(name));
    let rows = database.runtime.block_on(stream.simple_query(&command)).map_err(|error| match SyncError::stream(&error) {
        SyncError::Statement { reason, .. } => SyncError::Setup(format!(
            "the replication slot `{name}` cannot be made: {reason}. The role needs the attribute REPLICATION, and the \
             server a free slot (max_replication_slots) and sender (max_wal_senders)"
        )),
        other => other,
    })?;
    let text = |at: usize| {
        let value = rows.first()?.get(at)?.as_ref()?;
        Some(String::from_utf8_lossy(value).into_owned())
    };
    match (text(1).as_deref().and_then(position), text(2)) {
        (Some(at), Some(snapshot)) => Ok((at, snapshot)),
        _ => Err(SyncError::Setup("the server made a slot without a snapshot".to_owned())),
    }
}

/// Opens the stream from a position on.
pub(super) fn start(
    database: &Database,
    name: &str,
    publication: &str,
    from: u64,
) -> Result<ReplicationClient, SyncError> {
    let config = database.address.replication(name, publication).with_start_lsn(Lsn::from_u64(from));
    database.runtime.block_on(async {
        let mut stream =
            ReplicationClient::connect(config).await.map_err(|error| SyncError::stream(&error))?;
        stream.wait_started().await.map_err(|error| match error.to_string() {
            text if text.contains("is active for PID") => in_use(name),
            _ => SyncError::stream(&error),
        })?;
        Ok(stream)
    })
}

/// Makes the publication, or looks whether the one that is there has all tables; and whether each table whose rows belong
/// to contacts says whose row was deleted.
pub(super) fn publish(
    database: &Database,
    mapping: &Mapping,
    publication: &str,
    observer: &dyn Observer,
) -> Result<(), SyncError> {
    let mut tables: Vec<&str> = mapping.contacts.tables.iter().map(|watched| watched.table.as_str()).collect();
    tables.extend(mapping.definition_tables());
    let mut there = Vec::new();
    for table in tables {
        let sql = format!("SELECT to_regclass('{}')::text", quoted_table(table).replace('\'', "''"));
        match database.value("looking for tables", &sql)? {
            Some(_) if !there.contains(&table) => there.push(table),
            Some(_) => {}
            None => return Err(SyncError::Mapping(format!("the database has no table `{table}`"))),
        }
    }
    let list = there.iter().map(|table| quoted_table(table)).collect::<Vec<_>>().join(", ");
    let name = quoted(publication);
    let exists = format!("SELECT 1::text FROM pg_publication WHERE pubname = '{publication}'");
    if database.value("looking for the publication", &exists)?.is_none() {
        database.execute("the publication", &format!("CREATE PUBLICATION {name} FOR TABLE {list}")).map_err(|error| {
            let do_this = format!("let the owner of the tables run: CREATE PUBLICATION {name} FOR TABLE {list};");
            advise(error, &do_this)
        })?;
        for watched in &mapping.contacts.tables {
            if !tells_key(database, &watched.table, &watched.key)? {
                let sql = format!("ALTER TABLE {} REPLICA IDENTITY FULL", quoted_table(&watched.table));
                let do_this = format!("let the owner of the table run: {sql};");
                database.execute("the table's identity", &sql).map_err(|error| advise(error, &do_this))?;
                observer.tell(&Told::Note(&format!("deleted rows of {} now say whose they were: {sql}", watched.table)));
            }
        }
        return Ok(());
    }
    for table in there {
        let sql = format!(
            "SELECT 1::text FROM pg_publication_tables WHERE pubname = '{publication}' \
             AND format('%I.%I', schemaname, tablename)::regclass = to_regclass('{}')",
            quoted_table(table).replace('\'', "''")
        );
        if database.value("looking at the publication", &sql)?.is_none() {
            let sql = format!("ALTER PUBLICATION {name} ADD TABLE {}", quoted_table(table));
            database
                .execute("the publication", &sql)
                .map_err(|error| advise(error, &format!("let the owner of the table run: {sql};")))?;
        }
    }
    for watched in &mapping.contacts.tables {
        if !tells_key(database, &watched.table, &watched.key)? {
            observer.tell(&Told::Warning(&format!(
                "deleted rows of {table} do not say whose they were, so that after each all contacts are read again; let the \
                 owner of the table run: ALTER TABLE {} REPLICA IDENTITY FULL;",
                quoted_table(&watched.table),
                table = watched.table,
            )));
        }
    }
    Ok(())
}

fn advise(error: SyncError, advice: &str) -> SyncError {
    match error {
        SyncError::Statement { doing, reason } => SyncError::Setup(format!("{doing}: {reason}; {advice}")),
        other => other,
    }
}

/// Whether a row of a table that is deleted or changed tells its column `key` as it was before.
pub(super) fn tells_key(database: &Database, table: &str, key: &str) -> Result<bool, SyncError> {
    let table = quoted_table(table).replace('\'', "''");
    let sql = format!(
        "SELECT (c.relreplident = 'f' OR EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid \
         AND a.attnum = ANY(i.indkey) WHERE i.indrelid = c.oid AND a.attname = '{}' \
         AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END))::text \
         FROM pg_class c WHERE c.oid = to_regclass('{table}')",
        key.replace('\'', "''")
    );
    Ok(database.value("looking at a table", &sql)?.as_deref() == Some("true"))
}
