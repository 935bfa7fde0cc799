//! What is asked of the database: definitions, contacts by their keys, positions of its log.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Row};

use super::SyncError;
use super::connect::Address;
use super::mapping::{Mapping, for_org, limited};
use super::shape::Shape;

/// A connection for statements, and what its queries of contacts look like.
pub(super) struct Database {
    pub(super) runtime: Runtime,
    pub(super) address: Address,
    client: Client,
    org: Option<i64>,
    /// The query of contacts by keys, made when it is needed and again when the server says that it no longer fits.
    by_keys: Option<tokio_postgres::Statement>,
}

/// A contact as the database gives it.
pub(super) struct SourceRow {
    pub(super) key: String,
    pub(super) json: String,
}

/// A list of keys as a parameter of whatever type the key's column has: sent as the text of an array.
#[derive(Debug)]
struct Keys(String);

impl ToSql for Keys {
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

/// The text of an array of texts.
pub(super) fn array<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::from("{");
    for (at, item) in items.enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push('"');
        for character in item.chars() {
            if matches!(character, '"' | '\\') {
                text.push('\\');
            }
            text.push(character);
        }
        text.push('"');
    }
    text.push('}');
    text
}

/// A name as SQL takes it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The name of a table, perhaps with its schema, as SQL takes it.
pub(super) fn quoted_table(name: &str) -> String {
    name.split('.').map(quoted).collect::<Vec<_>>().join(".")
}

/// How long one statement of ours may take before the server is taken for gone.
const PATIENCE: Duration = Duration::from_secs(3600);

impl Database {
    pub(super) fn connect(address: &Address, org: Option<i64>) -> Result<Self, SyncError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| SyncError::Away(format!("no thread for the network: {error}")))?;
        let client = runtime.block_on(address.connect())?;
        Ok(Database { runtime, address: address.clone(), client, org, by_keys: None })
    }

    /// A second connection, for what goes on beside statements.
    pub(super) fn another_client(&self) -> Result<Client, SyncError> {
        self.runtime.block_on(self.address.connect())
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn org(&self) -> Option<i64> {
        self.org
    }

    /// Waits for an answer.
    pub(super) fn wait<T>(
        &self,
        doing: &str,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, SyncError> {
        let outcome = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, work).await });
        match outcome {
            Ok(outcome) => outcome.map_err(|error| SyncError::statement(doing, &error)),
            Err(_) => Err(SyncError::Away(format!("{doing}: no answer"))),
        }
    }

    /// Statements without an answer.
    pub(super) fn execute(&self, doing: &str, sql: &str) -> Result<(), SyncError> {
        self.wait(doing, self.client.batch_execute(sql))
    }

    /// The rows of a query, each value as text.
    pub(super) fn texts(&self, doing: &str, sql: &str) -> Result<Vec<BTreeMap<String, String>>, SyncError> {
        let messages = self.wait(doing, self.client.simple_query(sql))?;
        let rows = messages.into_iter().filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        Ok(rows
            .map(|row| {
                let columns = row.columns().iter().enumerate();
                columns.filter_map(|(at, column)| Some((column.name().to_owned(), row.get(at)?.to_owned()))).collect()
            })
            .collect())
    }

    /// The rows of a query of the mapping.
    pub(super) fn definitions(&self, doing: &str, query: &str) -> Result<Vec<BTreeMap<String, String>>, SyncError> {
        self.texts(doing, &for_org(query, self.org))
    }

    /// The one value of a query.
    pub(super) fn value(&self, doing: &str, sql: &str) -> Result<Option<String>, SyncError> {
        Ok(self.texts(doing, sql)?.into_iter().next().and_then(|row| row.into_values().next()))
    }

    /// Whether logical replication can be had.
    pub(super) fn is_logical(&self) -> Result<bool, SyncError> {
        Ok(self.value("wal_level", "SHOW wal_level")?.as_deref() == Some("logical"))
    }

    /// How far the server's log has come, as a number that grows.
    pub(super) fn log_position(&self) -> Result<u64, SyncError> {
        let text = self.value("the position of the log", "SELECT pg_current_wal_lsn()::text")?.unwrap_or_default();
        position(&text).ok_or_else(|| SyncError::Setup(format!("`{text}` is no position of the server's log")))
    }

    /// Which columns the query of contacts has.
    pub(super) fn shape(&self, mapping: &Mapping) -> Result<Shape, SyncError> {
        let (query, _) = limited(&mapping.contacts.query, false)?;
        let query = for_org(&query, self.org);
        let statement = self.wait("the query of contacts", self.client.prepare(&query))?;
        let columns = statement.columns().iter().map(|column| (column.name().to_owned(), column.type_().clone()));
        Shape::new(&mapping.contacts, columns.collect())
    }

    /// Contacts as they are now, by their keys. Those that are gone are not among them.
    pub(super) fn contacts(
        &mut self,
        mapping: &Mapping,
        shape: &Shape,
        keys: &[&str],
    ) -> Result<Vec<SourceRow>, SyncError> {
        let keys = Keys(array(keys.iter().copied()));
        let doing = "the query of contacts";
        for is_last in [false, true] {
            let statement = match &self.by_keys {
                Some(statement) => statement.clone(),
                None => {
                    let (query, is_limited) = limited(&mapping.contacts.query, true)?;
                    let sql = shape.by_keys(&for_org(&query, self.org), !is_limited);
                    let statement = self.wait(doing, self.client.prepare(&sql))?;
                    self.by_keys.insert(statement).clone()
                }
            };
            match self.wait(doing, self.client.query(&statement, &[&keys])) {
                Ok(rows) => return rows.iter().map(source_row).collect(),
                // A column was added or changed: the statement is made anew, once.
                Err(SyncError::Statement { .. }) if !is_last => self.by_keys = None,
                Err(error) => return Err(error),
            }
        }
        Ok(Vec::new())
    }

    /// What was asked of the database may look different now.
    pub(super) fn forget_statements(&mut self) {
        self.by_keys = None;
    }
}

fn source_row(row: &Row) -> Result<SourceRow, SyncError> {
    let text = |at| row.try_get(at).map_err(|error| SyncError::statement("a row of contacts", &error));
    Ok(SourceRow { key: text(0)?, json: text(1)? })
}

/// A position of the server's log, such as `16/B374D848`, as a number.
pub(super) fn position(text: &str) -> Option<u64> {
    let (high, low) = text.split_once('/')?;
    Some((u64::from_str_radix(high, 16).ok()? << 32) | u64::from_str_radix(low, 16).ok()?)
}

/// The same as the server writes it.
pub(super) fn shown_position(position: u64) -> String {
    format!("{:X}/{:X}", position >> 32, position & 0xffff_ffff)
}
