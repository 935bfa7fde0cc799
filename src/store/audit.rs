//! Every entry of every table: its checksum, and all together against the directory that the commit wrote.

use super::digest::{Part, Tallies, verify_entry};
use super::error::StoreError;
use super::snapshot::{View, damaged};

/// Something that a store holds and should not, or the other way round.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wrong {
    /// The table.
    pub table: &'static str,
    /// What is wrong, and where.
    pub message: String,
    /// Whether it can be computed again from rows and definitions.
    pub is_derived: bool,
}

impl View<'_> {
    /// Visits every entry of every table and verifies its checksum, and compares how many there are, and the sums over
    /// what nothing else tells, with what the commit wrote down: so that what is missing, and what is of an earlier
    /// commit, is found as well. What is wrong is passed to `tell`.
    ///
    /// The pages must be sound ([`Store::check_pages`](super::Store::check_pages)).
    ///
    /// Cost: all values are read and hashed.
    ///
    /// # Errors
    /// If the database refuses.
    pub fn audit(self, mut tell: impl FnMut(Wrong)) -> Result<(), StoreError> {
        let mut counted = Vec::new();
        let mut tallies = Tallies::default();
        for (name, table) in self.tables.all() {
            let mut entries = 0;
            for entry in table.iter(self.txn)? {
                let (key, value) = entry?;
                entries += 1;
                let part = Part::of(name, key);
                if let Err(damage) = verify_entry(name, key, value) {
                    let message = damaged(name, key_for_people(name, key), damage).to_string();
                    tell(Wrong { table: name, message, is_derived: part.is_none() && name != "meta" });
                }
                if let Some(part) = part {
                    tallies.add(part, value);
                }
            }
            counted.push((name, entries));
        }
        let directory = match self.directory() {
            Ok(directory) => directory,
            Err(error) => {
                tell(Wrong { table: "meta", message: error.to_string(), is_derived: false });
                return Ok(());
            }
        };
        for (table, expected) in directory.entries {
            let found = counted.iter().find(|(name, _)| *name == table).map_or(0, |(_, entries)| *entries);
            if found != expected {
                let message = format!("the table {table} has {found} entries where there should be {expected}");
                tell(Wrong { table, message, is_derived: Part::of(table, &[]).is_none() });
            }
        }
        for part in Part::ALL {
            if tallies.get(part) != directory.tallies.get(part) {
                let table = part.name();
                let message = format!(
                    "the table {table} does not hold what the last commit says: some of it is missing, or older"
                );
                tell(Wrong { table, message, is_derived: false });
            }
        }
        Ok(())
    }
}

/// The key of an entry as messages show it: numbers, never a name or an address.
fn key_for_people(table: &str, key: &[u8]) -> String {
    match (table, key.try_into().map(u32::from_be_bytes)) {
        ("rows" | "tombstones", Ok(document)) => format!("doc{document}"),
        ("sources", _) => "an offset".to_owned(),
        ("meta", _) => String::from_utf8_lossy(key).into_owned(),
        _ => format!("{key:02x?}"),
    }
}
