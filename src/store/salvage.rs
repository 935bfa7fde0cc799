//! What a damaged data file still holds, read value by value with plain reads.
//!
//! Values carry checksums that bind them to their table and key, and each commit writes how many there are of what nothing
//! else tells, with a sum over it ([`digest`](super::digest)). So whatever way a value is come by, it is known whether all
//! of them are there, and are those of the last commit: entries are taken from pages whose header is damaged, and from
//! pages that a damaged page no longer leads to, and what was found counts if the sums agree.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use roaring::{RoaringBitmap, RoaringTreemap};

use super::contacts::uuid_hash;
use super::digest::{Part, Tallies, verify_entry};
use super::holders::bucket_entries;
use super::log::LogEntry;
use super::meta::{Directory, State};
use super::pages::{Extent, PageFile, Value, Walk};
use super::schema::decode_group;
use crate::ids::{DocumentNumber, GroupId, Sequence, Uuid};

/// Contacts that are named; the rest is counted.
const NAMED: usize = 20;

/// The table of settings and state.
const META: &str = "meta";

/// The keys that were found, so that each counts once.
#[derive(Default)]
struct Keys {
    rows: RoaringBitmap,
    log: RoaringTreemap,
    others: HashSet<(Option<usize>, Vec<u8>)>,
}

impl Keys {
    /// Whether the key is new.
    fn add(&mut self, part: Option<Part>, key: &[u8]) -> bool {
        match (part, key.try_into().map(u32::from_be_bytes), key.try_into().map(u64::from_be_bytes)) {
            (Some(Part::Rows), Ok(document), _) => self.rows.insert(document),
            (Some(Part::Log), _, Ok(sequence)) => self.log.insert(sequence),
            _ => self.others.insert((part.map(|part| part as usize), key.to_vec())),
        }
    }
}

/// What was found in a data file.
pub(crate) struct Salvage<'f> {
    file: &'f PageFile,
    /// The commit of LMDB whose pages were walked.
    commit: Option<u64>,
    stray: RoaringBitmap,
    /// Settings, state and so on, whole.
    pub(crate) meta: BTreeMap<Vec<u8>, Vec<u8>>,
    rows: RoaringBitmap,
    /// Rows whose checksum does not hold, with the identity that they name.
    damaged: Vec<(DocumentNumber, Option<Uuid>)>,
    tallies: Tallies,
}

/// An entry that nothing else tells of, and that is whole.
pub(crate) struct Kept<'e> {
    /// `None` for settings, state and so on.
    pub(crate) part: Option<Part>,
    pub(crate) table: &'static str,
    pub(crate) key: &'e [u8],
    pub(crate) value: &'e [u8],
}

impl<'f> Salvage<'f> {
    /// Reads everything. Whoever asks must keep others from writing.
    ///
    /// Cost: a pass over the file; memory for the numbers of contacts and entries of the log.
    pub(crate) fn read(file: &'f PageFile, commit: Option<u64>) -> Self {
        let mut salvage = Salvage {
            file,
            commit,
            stray: RoaringBitmap::new(),
            meta: BTreeMap::new(),
            rows: RoaringBitmap::new(),
            damaged: Vec::new(),
            tallies: Tallies::default(),
        };
        let mut damaged = Vec::new();
        let walk = Walk::of(file, commit, Extent::Whole, &mut |table, key, value| {
            let ("rows", Ok(document)) = (table, key.try_into().map(u32::from_be_bytes)) else { return };
            let Some(bytes) = bytes_of(file, value) else { return };
            if damaged.len() < NAMED && verify_entry(table, key, &bytes).is_err() {
                let uuid = bytes.get(7..23).and_then(|uuid| uuid.try_into().ok()).map(Uuid);
                damaged.push((DocumentNumber(document), uuid));
            }
        });
        salvage.damaged = damaged;
        if let Some(walk) = walk.filter(|walk| walk.knows_free) {
            salvage.stray = walk.stray;
        }
        let (mut meta, mut rows, mut tallies) = (BTreeMap::new(), RoaringBitmap::new(), Tallies::default());
        salvage.each(&mut |Kept { part, key, value, .. }| {
            match part {
                Some(part) => tallies.add(part, value),
                None => drop(meta.insert(key.to_vec(), value.to_vec())),
            }
            if let (Some(Part::Rows), Ok(document)) = (part, key.try_into()) {
                rows.insert(u32::from_be_bytes(document));
            }
        });
        Salvage { meta, rows, tallies, ..salvage }
    }

    /// Calls `visit` with each entry that nothing else tells of, and that is whole, once: those that tables lead to in the
    /// order of their keys, then those of stray pages.
    pub(crate) fn each(&self, visit: &mut dyn FnMut(Kept<'_>)) {
        let mut keys = Keys::default();
        let file = self.file;
        let mut offer = |table: &str, key: &[u8], value: Value<'_>| {
            let part = Part::of(table, key);
            let Some(name) = table_named(table).filter(|name| part.is_some() || *name == META) else { return false };
            let Some(value) = bytes_of(file, value) else { return false };
            if verify_entry(table, key, &value).is_err() {
                return false;
            }
            if keys.add(part, key) {
                visit(Kept { part, table: name, key, value: &value });
            }
            true
        };
        Walk::of(file, self.commit, Extent::Whole, &mut |table, key, value| {
            offer(table, key, value);
        });
        for page in &self.stray {
            file.leaf_entries(page.into(), &mut |key, value| {
                // Which table it is of, its checksum tells.
                let _ = TABLES.iter().any(|table| offer(table, key, value));
            });
        }
    }

    /// What must be there and is not, for people. With nothing of that, the store can be written anew.
    pub(crate) fn missing(&self, state: Option<State>, directory: Option<&Directory>) -> Vec<String> {
        let (Some(state), Some(directory)) = (state, directory) else {
            return vec!["the state of the store is damaged, so nobody knows what there must be".to_owned()];
        };
        let mut missing = Vec::new();
        for part in Part::ALL {
            let (found, expected) = (self.tallies.get(part), directory.tallies.get(part));
            let name = part.name();
            if found.entries != expected.entries {
                missing.push(format!("of {name}, {} of {} can be read", found.entries, expected.entries));
            } else if found != expected {
                missing.push(format!("of {name}, some are older than the last commit"));
            }
        }
        if self.tallies.get(Part::Rows).entries != directory.tallies.get(Part::Rows).entries {
            missing.extend(self.name_contacts(&state));
        }
        missing
    }

    /// The contacts whose rows are gone or damaged, by what identities and the log still say.
    fn name_contacts(&self, state: &State) -> Vec<String> {
        let mut hashes: BTreeMap<u32, u32> = BTreeMap::new();
        let mut is_in: BTreeMap<u32, BTreeSet<GroupId>> = BTreeMap::new();
        let mut names: BTreeMap<GroupId, String> = BTreeMap::new();
        let mut gone = RoaringBitmap::new();
        let file = self.file;
        Walk::of(file, self.commit, Extent::Whole, &mut |table, key, value| {
            if !matches!(table, "uuids" | "urns" | "groups" | "tombstones" | "log") {
                return;
            }
            let Some(value) = bytes_of(file, value) else { return };
            match table {
                "uuids" | "urns" => {
                    for (hash, DocumentNumber(document)) in bucket_entries(table, key, &value) {
                        if !self.rows.contains(document) && document < state.next_document {
                            gone.insert(document);
                            if table == "uuids" {
                                hashes.insert(document, hash);
                            }
                        }
                    }
                }
                "groups" => {
                    if let (Ok(id), Ok(record)) = (key.try_into(), decode_group(key, &value)) {
                        names.insert(GroupId(u32::from_be_bytes(id)), record.name);
                    }
                }
                "tombstones" => {
                    if let Ok(document) = key.try_into().map(u32::from_be_bytes) {
                        is_in.remove(&document);
                    }
                }
                _ => {
                    let Ok(sequence) = key.try_into().map(u64::from_be_bytes).map(Sequence) else { return };
                    let Ok(entry) = LogEntry::open(sequence, &value) else { return };
                    for moves in entry.groups() {
                        for document in moves.entered().filter(|document| !self.rows.contains(*document)) {
                            is_in.entry(document).or_default().insert(moves.group);
                        }
                        for document in moves.left() {
                            if let Some(groups) = is_in.get_mut(&document) {
                                groups.remove(&moves.group);
                            }
                        }
                    }
                }
            }
        });
        gone.extend(self.damaged.iter().map(|(document, _)| document.0));
        gone.extend(is_in.iter().filter(|(_, groups)| !groups.is_empty()).map(|(document, _)| *document));
        let mut told: Vec<String> = Vec::new();
        for document in gone.iter().take(NAMED) {
            let damaged = self.damaged.iter().find(|(other, _)| other.0 == document);
            // The identity that a damaged row names is right if the table of identities says so.
            let uuid = damaged.and_then(|(_, uuid)| *uuid);
            let uuid = uuid.filter(|uuid| hashes.get(&document) == Some(&uuid_hash(*uuid)));
            let who = uuid.map_or_else(|| format!("doc{document}"), |uuid| format!("{uuid} (doc{document})"));
            let what = if damaged.is_some() { "damaged" } else { "gone" };
            let groups = is_in.get(&document).into_iter().flatten();
            let groups: Vec<String> =
                groups.map(|id| names.get(id).map_or_else(|| format!("{id:?}"), |name| format!("`{name}`"))).collect();
            let groups = match groups.as_slice() {
                [] => String::new(),
                groups => format!(", who is in {} by the log", groups.join(", ")),
            };
            told.push(format!("the row of contact {who} is {what}{groups}"));
        }
        if gone.len() > NAMED as u64 {
            told.push(format!("and the rows of {} more contacts", gone.len() - NAMED as u64));
        }
        told
    }

    pub(crate) fn tallies(&self) -> Tallies {
        self.tallies
    }
}

/// Tables with what nothing else tells.
const TABLES: [&str; 9] = ["rows", "log", "members", "tails", "tombstones", "groups", "schema", "sources", META];

fn table_named(name: &str) -> Option<&'static str> {
    TABLES.into_iter().find(|table| *table == name)
}

fn bytes_of<'v>(file: &PageFile, value: Value<'v>) -> Option<std::borrow::Cow<'v, [u8]>> {
    match value {
        Value::Inline(bytes) => Some(bytes.into()),
        Value::Large { page, length } => file.large(page, length).map(Into::into),
    }
}
