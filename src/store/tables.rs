//! The databases of the environment.

use std::ops::Bound;

use heed::types::Bytes;
use heed::{CommitOrAbort, Database, Env, WithoutTls};

use super::codec::Tag;
use super::error::{Damage, StoreError};
use super::holders::Holders;

/// One database of the environment: bytes to bytes, keys in the order of their bytes.
pub type Table = Database<'static, Bytes, Bytes>;

/// How many databases an environment may have; more than there are, so that a later format can add some.
pub(crate) const MAX_TABLES: u32 = 32;

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Handles of all databases.
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct Tables {
            $($(#[$doc])* pub(crate) $name: Table,)*
        }

        const NAMES: &[&str] = &[$(stringify!($name)),*];

        impl Tables {
            fn from_list(list: &[Table]) -> Option<Self> {
                let mut list = list.iter().copied();
                Some(Tables { $($name: list.next()?,)* })
            }

            /// Every database with its name.
            pub(crate) fn all(&self) -> Vec<(&'static str, Table)> {
                vec![$((stringify!($name), self.$name)),*]
            }
        }
    };
}

tables! {
    /// Settings and state.
    meta,
    /// Fields and flows.
    schema,
    /// Document number to row.
    rows,
    /// Who has which identity: see `holders`.
    uuids,
    /// Who holds which address: see `holders`.
    urns,
    /// Name of a source of changes to its last offset.
    sources,
    /// Group number to group.
    groups,
    /// Members by group and block, as of the last merge.
    members,
    /// What was added and taken away since, and how many members there are, by group.
    tails,
    /// Sequence number to what entered and left.
    log,
    /// Documents that the text index has not seen, by half and block.
    dirty,
    /// Document number of a deleted contact to its identity.
    tombstones,
    /// Attribute indexes.
    index,
    /// Attribute indexes: what was not merged yet.
    index_delta,
}

/// The handles of databases travel together through heed's promise that they outlive the transaction.
struct Handles<'e>(Vec<Database<'e, Bytes, Bytes>>);

impl heed::OnCommit for Handles<'_> {
    type Committed = Vec<Table>;

    fn on_commit(self, token: &heed::CommitToken) -> Vec<Table> {
        self.0.into_iter().map(|table| table.on_commit(token)).collect()
    }
}

impl Tables {
    /// Who has which identity.
    pub(crate) fn uuid_holders(&self) -> Holders {
        Holders { table: self.uuids, name: "uuids", tag: Tag::Uuid }
    }

    /// Who holds which address.
    pub(crate) fn urn_holders(&self) -> Holders {
        Holders { table: self.urns, name: "urns", tag: Tag::Urn }
    }

    /// Every database whose entries are counted in the directory, which is itself in the first one.
    pub(crate) fn listed(&self) -> Vec<(&'static str, Table)> {
        self.all().split_off(1)
    }

    /// The database of this name.
    pub(crate) fn named(&self, name: &str) -> Option<Table> {
        self.all().into_iter().find(|(other, _)| *other == name).map(|(_, table)| table)
    }

    /// The names of those databases.
    pub(crate) fn listed_names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().skip(1).copied()
    }

    /// Makes all databases in a new environment.
    pub(crate) fn create(env: &Env<WithoutTls>) -> Result<Self, StoreError> {
        let transaction = env.write_txn()?;
        let made = env.create_databases_and_commit(transaction, |opener, transaction| {
            let mut list = Vec::with_capacity(NAMES.len());
            for name in NAMES {
                list.push(opener.create_database(transaction, Some(name))?);
            }
            Ok::<_, heed::Error>(CommitOrAbort::<_, ()>::Commit(Handles(list)))
        })?;
        Tables::of(made.commit())
    }

    /// Opens all databases of an environment that has them.
    pub(crate) fn open(env: &Env<WithoutTls>) -> Result<Self, StoreError> {
        let transaction = env.read_txn()?;
        let opened = env.open_databases_and_commit(transaction, |opener, transaction| {
            let mut list = Vec::with_capacity(NAMES.len());
            for name in NAMES {
                match opener.open_database(transaction, Some(name))? {
                    Some(table) => list.push(table),
                    None => return Err(missing(name)),
                }
            }
            Ok(CommitOrAbort::<_, ()>::Commit(Handles(list)))
        })?;
        Tables::of(opened.commit())
    }

    fn of(list: Option<Vec<Table>>) -> Result<Self, StoreError> {
        list.as_deref().and_then(Tables::from_list).ok_or_else(|| missing("any"))
    }
}

fn missing(table: &'static str) -> StoreError {
    StoreError::Damaged { table, key: "the whole table".to_owned(), damage: Damage::Missing }
}

/// An entry as LMDB gives it.
type Entry<'t> = heed::Result<(&'t [u8], &'t [u8])>;

/// The entries up to the first that LMDB cannot give: after an error it may give the same one for ever.
pub(crate) fn until_error<'t>(entries: impl Iterator<Item = Entry<'t>>) -> impl Iterator<Item = Entry<'t>> {
    let mut has_failed = false;
    entries.take_while(move |entry| {
        let goes_on = !has_failed;
        has_failed = entry.is_err();
        goes_on
    })
}

/// A range of keys, in the form that heed takes for keys of any length.
pub(crate) type KeyRange<'k> = (Bound<&'k [u8]>, Bound<&'k [u8]>);

/// Keys from the first to the last, both inside.
pub(crate) fn between<'k>(first: &'k [u8], last: &'k [u8]) -> KeyRange<'k> {
    (Bound::Included(first), Bound::Included(last))
}

/// Keys from the first on.
pub(crate) fn from(first: &[u8]) -> KeyRange<'_> {
    (Bound::Included(first), Bound::Unbounded)
}
