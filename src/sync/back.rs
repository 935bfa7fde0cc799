//! Memberships back into the database: a table of who is in which group, and the log of moves.

use std::pin::pin;

use bytes::Bytes;
use futures_util::SinkExt;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};

use super::database::{Database, array, quoted, quoted_table};
use super::{Observer, SyncError, Told};
use crate::ids::{DocumentNumber, Sequence};
use crate::value::Instant;
use crate::workspace::{LogFilter, MembershipEvent, Workspace};

/// Bytes of a copy that are sent at a time.
const CHUNK: usize = 1 << 18;

/// A table `(group_uuid, contact_uuid)`; beside it `…_log`, and `…_position` with the last entry of the log that it has.
pub(super) struct Back {
    table: String,
    log: String,
    position: String,
    /// The last entry that the table has.
    sequence: Sequence,
    statement: Option<tokio_postgres::Statement>,
}

/// A parameter that is sent as text, whatever its type.
#[derive(Debug)]
struct Text(String);

impl ToSql for Text {
    fn to_sql(&self, _: &Type, out: &mut bytes::BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// A name made from that of a table.
fn beside(table: &str, suffix: &str) -> String {
    match table.rsplit_once('.') {
        Some((schema, name)) => format!("{}.{}", quoted(schema), quoted(&format!("{name}_{suffix}"))),
        None => quoted(&format!("{table}_{suffix}")),
    }
}

impl Back {
    /// Makes the tables if they are not there, and fills the first if it has nothing, or not what this store's log goes
    /// on from.
    pub(super) fn open(
        table: &str,
        workspace: &Workspace,
        database: &Database,
        observer: &dyn Observer,
    ) -> Result<Self, SyncError> {
        let mut back = Back {
            table: quoted_table(table),
            log: beside(table, "log"),
            position: beside(table, "position"),
            sequence: Sequence(0),
            statement: None,
        };
        let Back { table, log, position, .. } = &back;
        let doing = "the table of memberships";
        database.execute(
            doing,
            &format!(
                "SET client_min_messages = warning; \
                 CREATE TABLE IF NOT EXISTS {table} (group_uuid uuid, contact_uuid uuid, \
                 PRIMARY KEY (group_uuid, contact_uuid)); \
                 CREATE TABLE IF NOT EXISTS {log} (seq bigint, group_uuid uuid, contact_uuid uuid, entered boolean NOT NULL, \
                 created_on timestamptz NOT NULL, cause text NOT NULL, PRIMARY KEY (seq, group_uuid, contact_uuid)); \
                 CREATE TABLE IF NOT EXISTS {position} (is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only), \
                 seq bigint NOT NULL)"
            ),
        )?;
        let stored = database.value(doing, &format!("SELECT seq::text FROM {position}"))?;
        let (sequence, horizon) = {
            let reader = workspace.reader(Instant::now())?;
            (reader.sequence(), reader.horizon())
        };
        match stored.and_then(|text| text.parse().ok()).map(Sequence) {
            Some(at) if at <= sequence && at >= horizon => {
                back.sequence = at;
                back.push(workspace, database, observer)?;
            }
            Some(_) => {
                observer.tell(&Told::Warning(
                    "the table of memberships does not go on from this store's log: it is filled anew, and its log lacks the \
                     moves in between",
                ));
                back.fill(workspace, database)?;
            }
            None => back.fill(workspace, database)?,
        }
        Ok(back)
    }

    /// All memberships of one moment, in one transaction.
    fn fill(&mut self, workspace: &Workspace, database: &Database) -> Result<(), SyncError> {
        let doing = "filling the table of memberships";
        let reader = workspace.reader(Instant::now())?;
        let client = database.client();
        database.execute(doing, &format!("BEGIN; DELETE FROM {}", self.table))?;
        let copy = format!("COPY {} (group_uuid, contact_uuid) FROM STDIN", self.table);
        let sink = database.wait(doing, client.copy_in::<_, Bytes>(&copy))?;
        let mut sink = pin!(sink);
        let mut lines = String::new();
        for group in reader.groups()? {
            for document in &reader.members(group.id)? {
                let Some(contact) = reader.identity(DocumentNumber(document))? else { continue };
                lines.push_str(&format!("{}\t{contact}\n", group.uuid));
                if lines.len() >= CHUNK {
                    database.wait(doing, sink.send(Bytes::from(std::mem::take(&mut lines))))?;
                }
            }
        }
        database.wait(doing, sink.send(Bytes::from(lines)))?;
        database.wait(doing, sink.as_mut().finish())?;
        let sequence = reader.sequence();
        let kept = format!(
            "INSERT INTO {} (seq) VALUES ({}) ON CONFLICT (is_only) DO UPDATE SET seq = excluded.seq; COMMIT",
            self.position, sequence.0
        );
        database.execute(doing, &kept)?;
        self.sequence = sequence;
        Ok(())
    }

    /// Every commit since, each in one transaction there: what is read there is a moment that was true here. A commit that
    /// comes again does nothing.
    pub(super) fn push(
        &mut self,
        workspace: &Workspace,
        database: &Database,
        observer: &dyn Observer,
    ) -> Result<(), SyncError> {
        let reader = workspace.reader(Instant::now())?;
        if reader.sequence() == self.sequence {
            return Ok(());
        }
        if self.sequence < reader.horizon() {
            observer.tell(&Told::Warning("the log was cut off before the database had its moves: the table is filled anew"));
            drop(reader);
            return self.fill(workspace, database);
        }
        let mut next = self.sequence;
        for entry in reader.events_since(self.sequence, LogFilter::default())? {
            next = Sequence(next.0 + 1);
            self.push_entry(next, &entry?, database)?;
            self.sequence = next;
        }
        Ok(())
    }

    fn push_entry(
        &mut self,
        sequence: Sequence,
        events: &[MembershipEvent],
        database: &Database,
    ) -> Result<(), SyncError> {
        let doing = "the table of memberships";
        let statement = match &self.statement {
            Some(statement) => statement.clone(),
            None => {
                let sql = format!(
                    "WITH moves AS (SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::boolean[]) AS m(g, c, entered)), \
                     logged AS (INSERT INTO {} (seq, group_uuid, contact_uuid, entered, created_on, cause) \
                     SELECT $1::bigint, g, c, entered, $5::timestamptz, $6::text FROM moves ON CONFLICT DO NOTHING), \
                     gone AS (DELETE FROM {table} t USING moves WHERE NOT entered AND t.group_uuid = g AND t.contact_uuid = c), \
                     come AS (INSERT INTO {table} (group_uuid, contact_uuid) SELECT g, c FROM moves WHERE entered \
                     ON CONFLICT DO NOTHING) \
                     UPDATE {} SET seq = $1::bigint WHERE seq < $1::bigint",
                    self.log,
                    self.position,
                    table = self.table
                );
                let statement = database.wait(doing, database.client().prepare(&sql))?;
                self.statement.insert(statement).clone()
            }
        };
        let moves = events.iter().flat_map(|event| {
            let with = |entered| move |group: &crate::workspace::NamedGroup| (group.uuid, event.contact, entered);
            let added = event.groups_added.iter().map(with(true));
            added.chain(event.groups_removed.iter().map(with(false)))
        });
        let moves: Vec<_> = moves.collect();
        let list = |texts: Vec<String>| Text(array(texts.iter().map(String::as_str)));
        let groups = list(moves.iter().map(|(group, ..)| group.to_string()).collect());
        let contacts = list(moves.iter().map(|(_, contact, _)| contact.to_string()).collect());
        let entered = list(moves.iter().map(|(.., entered)| entered.to_string()).collect());
        let first = events.first();
        let created_on = Text(first.map_or_else(|| Instant::now().to_string(), |event| event.time.to_string()));
        let cause = Text(first.map_or("change", |event| event.cause.name()).to_owned());
        let sequence = Text(sequence.0.to_string());
        let parameters: [&(dyn ToSql + Sync); 6] = [&sequence, &groups, &contacts, &entered, &created_on, &cause];
        database.wait(doing, database.client().execute(&statement, &parameters))?;
        Ok(())
    }
}
