//! All contacts, copied out of one snapshot of the database.

use bytes::Bytes;
use futures_util::StreamExt;
use rayon::prelude::*;
use rustc_hash::FxHashSet;
use tokio::sync::mpsc;
use tokio_postgres::Client;

use super::apply::{Applier, Batch};
use super::database::{Database, SourceRow};
use super::mapping::{Mapping, for_org, limited};
use super::rows::{self, Reading};
use super::shape::Shape;
use super::{Counts, Observer, SyncError, Told};
use crate::ids::Uuid;
use crate::value::Instant;
use crate::workspace::{Change, ContactRef, Event, Workspace};

/// Contacts that are read and staged together.
const LOT: usize = 16_384;
/// Contacts of a commit.
const COMMIT: usize = 65_536;

/// Reads all contacts through a connection that has its snapshot, and commits them by and by. Afterwards, contacts that
/// are not there are deleted here.
pub(super) fn copy(
    database: &Database,
    snapshot: Client,
    mapping: &Mapping,
    shape: &Shape,
    field_keys: &std::collections::BTreeMap<String, String>,
    workspace: &Workspace,
    observer: &dyn Observer,
) -> Result<Counts, SyncError> {
    let (query, _) = limited(&mapping.contacts.query, false)?;
    let sql = shape.copy(&for_org(&query, database.org()));
    let (sender, mut lots) = mpsc::channel(4);
    let task = database.runtime.spawn(read(snapshot, sql, sender));
    let schema = workspace.reader(Instant::now())?.schema().clone();
    let reading = Reading { shape, field_keys, schema: &schema };
    let applier = Applier { workspace, key_is: shape.key_is(), observer };
    let was_empty = workspace.reader(Instant::now())?.contacts() == 0;
    let mut seen = FxHashSet::default();
    let (mut counts, mut batch) = (Counts::default(), Batch::default());
    let commit = |batch: &mut Batch, counts: &mut Counts| -> Result<(), SyncError> {
        // Whoever holds an address of one of these is somewhere in the copy: read with the snapshot's eyes, they come in
        // their turn, and addresses that are still held then are told.
        counts.add(&applier.commit(batch, &mut |_| Ok(Vec::new()), None)?);
        batch.known.clear();
        observer.tell(&Told::Copied(counts.copied));
        Ok(())
    };
    while let Some(lot) = lots.blocking_recv() {
        let lot: Vec<SourceRow> = lot?;
        let known = rows::read(&lot, &reading, observer);
        counts.copied += known.len() as u64;
        counts.misfits += (lot.len() - known.len()) as u64;
        if !was_empty {
            seen.par_extend(known.par_iter().filter_map(|known| known.patch.uuid));
        }
        batch.known.extend(known);
        if batch.known.len() >= COMMIT {
            commit(&mut batch, &mut counts)?;
        }
    }
    if !batch.known.is_empty() {
        commit(&mut batch, &mut counts)?;
    }
    database.runtime.block_on(task).map_err(|error| SyncError::Away(error.to_string()))?;
    if !was_empty {
        delete_others(workspace, &seen, &mut counts)?;
    }
    Ok(counts)
}

/// Deletes contacts that the copy did not have.
fn delete_others(workspace: &Workspace, seen: &FxHashSet<Uuid>, counts: &mut Counts) -> Result<(), SyncError> {
    let reader = workspace.reader(Instant::now())?;
    let mut others = Vec::new();
    for document in reader.documents()? {
        if let Some(uuid) = reader.identity(document?)?.filter(|uuid| !seen.contains(uuid)) {
            others.push(uuid);
        }
    }
    drop(reader);
    for some in others.chunks(COMMIT) {
        let commit = workspace.write(Instant::now(), |writer| {
            for &uuid in some {
                let contact = Some(ContactRef::Uuid(uuid));
                writer.apply(&Change { contact, event: Event::Deleted, created_on: None, source: None })?;
            }
            Ok(())
        })?;
        counts.deleted += commit.counts.deleted;
    }
    Ok(())
}

type Lot = Result<Vec<SourceRow>, SyncError>;

/// Runs a copy and gives its lines in lots, until nobody takes them any more.
async fn read(client: Client, sql: String, lots: mpsc::Sender<Lot>) {
    let failed = |error: &tokio_postgres::Error| SyncError::statement("copying contacts", error);
    let stream = match client.copy_out(&sql).await {
        Ok(stream) => stream,
        Err(error) => {
            drop(lots.send(Err(failed(&error))).await);
            return;
        }
    };
    let mut stream = std::pin::pin!(stream);
    let (mut lot, mut rest) = (Vec::with_capacity(LOT), Vec::new());
    while let Some(chunk) = stream.next().await {
        match chunk {
            Ok(chunk) => lines(&chunk, &mut rest, &mut lot),
            Err(error) => {
                drop(lots.send(Err(failed(&error))).await);
                return;
            }
        }
        if lot.len() >= LOT && lots.send(Ok(std::mem::take(&mut lot))).await.is_err() {
            return;
        }
    }
    drop(lots.send(Ok(lot)).await);
}

/// Cuts what came into rows; what is left of the last one waits for more.
fn lines(chunk: &Bytes, rest: &mut Vec<u8>, lot: &mut Vec<SourceRow>) {
    for part in chunk.split_inclusive(|&byte| byte == b'\n') {
        let Some(line) = part.strip_suffix(b"\n") else {
            rest.extend_from_slice(part);
            continue;
        };
        rest.extend_from_slice(line);
        let text = String::from_utf8_lossy(rest);
        if let Some((key, json)) = text.split_once('\u{2}') {
            lot.push(SourceRow { key: key.to_owned(), json: json.to_owned() });
        }
        rest.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_wherever_chunks_end() {
        let text = "1\u{2}{\"a\": 1}\n2\u{2}{}\n";
        for at in 0..text.len() {
            let (mut rest, mut lot) = (Vec::new(), Vec::new());
            for part in [&text[..at], &text[at..]] {
                lines(&Bytes::copy_from_slice(part.as_bytes()), &mut rest, &mut lot);
            }
            let rows: Vec<(&str, &str)> = lot.iter().map(|row| (&*row.key, &*row.json)).collect();
            assert_eq!(rows, [("1", "{\"a\": 1}"), ("2", "{}")], "{at}");
            assert!(rest.is_empty());
        }
    }
}
