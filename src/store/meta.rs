//! What a store knows about itself: settings that people choose, and the state that commits move on.

use std::collections::BTreeMap;

use super::codec::{Cursor, Tag, put_text, seal, unseal};
use super::digest::Tallies;
use super::error::{Damage, StoreError};
use super::snapshot::{Transaction, View, damaged};
use super::tables::Tables;
use crate::ids::{DocumentNumber, FieldId, FlowId, GroupId, Sequence, Uuid};
use crate::schema::{DateFormat, Environment};
use crate::value::Instant;

const TABLE: &str = "meta";
const VERSION: u8 = 1;
const SETTINGS: &[u8] = b"settings";
const STATE: &[u8] = b"state";
const IDENTITY: &[u8] = b"identity";
/// Missing in stores of before it could be set, and where nothing is set.
const RETENTION: &[u8] = b"retention";
const DIRECTORY: &[u8] = b"directory";
const PURGE: &[u8] = b"purge";

/// What people choose for a workspace, and what the stored values were derived with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The IANA name of the zone in which days begin and end, such as `Africa/Kigali`.
    pub timezone: String,
    /// The order of day, month and year in dates that people write.
    pub date_format: DateFormat,
    /// The country of phone numbers written without one: two letters, upper case.
    pub country: Option<[u8; 2]>,
    /// Whether addresses are hidden.
    pub redact_urns: bool,
    /// Versions of what stored values depend on, each a name and a version: time-zone data, Unicode, the tokeniser.
    /// Opaque to the store.
    pub derived_with: Vec<(String, String)>,
}

impl Default for Settings {
    /// UTC, `DD-MM-YYYY`, no country, nothing hidden.
    fn default() -> Self {
        Settings {
            timezone: "UTC".to_owned(),
            date_format: DateFormat::default(),
            country: None,
            redact_urns: false,
            derived_with: Vec::new(),
        }
    }
}

impl Settings {
    /// The environment in which texts are read at a moment; `None` if the zone is not in the bundled time-zone data.
    pub fn environment(&self, now: Instant) -> Option<Environment> {
        Some(Environment {
            timezone: jiff::tz::TimeZone::get(&self.timezone).ok()?,
            date_format: self.date_format,
            country: self.country,
            redact_urns: self.redact_urns,
            now,
        })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_text(&mut out, &self.timezone);
        out.push(match self.date_format {
            DateFormat::DayMonthYear => 0,
            DateFormat::MonthDayYear => 1,
            DateFormat::YearMonthDay => 2,
        });
        out.extend_from_slice(&self.country.unwrap_or_default());
        out.push(u8::from(self.redact_urns));
        super::codec::put_varint(&mut out, self.derived_with.len() as u64);
        for (name, version) in &self.derived_with {
            put_text(&mut out, name);
            put_text(&mut out, version);
        }
        out
    }

    pub(super) fn decode(payload: &[u8]) -> Result<Self, Damage> {
        let mut cursor = Cursor::new(payload);
        let timezone = cursor.text()?.to_owned();
        let date_format = match cursor.u8()? {
            0 => DateFormat::DayMonthYear,
            1 => DateFormat::MonthDayYear,
            2 => DateFormat::YearMonthDay,
            _ => return Err(Damage::Malformed("its date format is not known")),
        };
        let country = Some(cursor.array()?).filter(|country| *country != [0; 2]);
        let redact_urns = cursor.u8()? != 0;
        let mut derived_with = Vec::new();
        for _ in 0..cursor.varint()? {
            derived_with.push((cursor.text()?.to_owned(), cursor.text()?.to_owned()));
        }
        cursor.end()?;
        Ok(Settings { timezone, date_format, country, redact_urns, derived_with })
    }
}

macro_rules! state {
    ($($(#[$doc:meta])* $name:ident: $kind:ty = $initial:expr, $to:expr, $from:expr;)*) => {
        /// Where a store stands. Every commit writes it, with the rest of what it changes.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct State {
            $($(#[$doc])* pub $name: $kind,)*
        }

        impl State {
            /// Of a new store.
            fn new(clock: Instant) -> Self {
                State { clock, ..State { $($name: $initial,)* } }
            }

            pub(super) fn encode(&self) -> Vec<u8> {
                let mut out = Vec::new();
                $(out.extend_from_slice(&u64::to_le_bytes($to(self.$name)));)*
                out
            }

            pub(super) fn decode(payload: &[u8]) -> Result<Self, Damage> {
                let mut cursor = Cursor::new(payload);
                let state = State { $($name: $from(cursor.u64()?).ok_or(Damage::Malformed("a number is too large"))?,)* };
                cursor.end()?;
                Ok(state)
            }
        }
    };
}

fn number(number: u64) -> u64 {
    number
}

fn small<T: TryFrom<u64>>(number: u64) -> Option<T> {
    T::try_from(number).ok()
}

fn instant_bits(instant: Instant) -> u64 {
    instant.micros() as u64
}

fn instant_of(bits: u64) -> Option<Instant> {
    Some(Instant::from_micros(bits as i64))
}

state! {
    /// Commits so far.
    commit: u64 = 0, number, Some;
    /// The document number that the next new contact takes.
    next_document: u32 = 0, u64::from, small;
    /// The number that the next new group takes.
    next_group: u32 = 0, u64::from, small;
    /// The number that the next new field takes; beyond `u16` there are none left.
    next_field: u32 = 0, u64::from, small;
    /// The number that the next new flow takes.
    next_flow: u32 = 0, u64::from, small;
    /// The last entry of the membership log.
    sequence: Sequence = Sequence(0), |sequence: Sequence| sequence.0, |number| Some(Sequence(number));
    /// The last entry that was cut off from the membership log; [`Sequence`] 0 if it is all there.
    horizon: Sequence = Sequence(0), |sequence: Sequence| sequence.0, |number| Some(Sequence(number));
    /// The time of the entry at the horizon.
    horizon_time: Instant = Instant::MIN, instant_bits, instant_of;
    /// The workspace's clock, which never goes back.
    clock: Instant = Instant::MIN, instant_bits, instant_of;
    /// The next moment at which the clock flips a membership, or [`Instant::MAX`] if it is not known that there is one.
    next_due: Instant = Instant::MAX, instant_bits, instant_of;
    /// The last generation of the text index that the dirty set counts on.
    generation: u64 = 0, number, Some;
    /// Raised whenever a field, flow, group or setting changes, so that readers know when to load them again.
    schema_version: u64 = 0, number, Some;
    /// Rows.
    contacts: u64 = 0, number, Some;
    /// Addresses.
    urns: u64 = 0, number, Some;
    /// Deleted contacts whose identity is kept.
    tombstones: u64 = 0, number, Some;
    /// Groups.
    groups: u64 = 0, number, Some;
}

/// The first contents of a new store.
pub(crate) fn initial(settings: &Settings, clock: Instant, identity: Uuid) -> Vec<(&'static [u8], Vec<u8>)> {
    [(SETTINGS, settings.encode()), (STATE, State::new(clock).encode()), (IDENTITY, identity.0.to_vec())]
        .into_iter()
        .map(|(key, payload)| (key, seal(Tag::Meta, key, VERSION, &payload)))
        .collect()
}

impl<'t> View<'t> {
    /// What people chose for this workspace.
    ///
    /// # Errors
    /// If the stored settings are damaged.
    pub fn settings(self) -> Result<Settings, StoreError> {
        Settings::decode(self.meta(SETTINGS)?).map_err(|damage| meta_damage(SETTINGS, damage))
    }

    /// For how many days the membership log is to be kept; `None` if for ever.
    ///
    /// # Errors
    /// If the entry is damaged.
    pub fn log_retention(self) -> Result<Option<u32>, StoreError> {
        let Some(value) = self.tables.meta.get(self.txn, RETENTION)? else { return Ok(None) };
        let days = unseal(Tag::Meta, RETENTION, VERSION, value).and_then(|payload| {
            payload.try_into().map(u32::from_le_bytes).map_err(|_| Damage::Malformed("it is not a number of days"))
        });
        days.map(Some).map_err(|damage| meta_damage(RETENTION, damage))
    }

    /// The identity of the store, given at creation.
    pub(crate) fn identity(self) -> Result<Uuid, StoreError> {
        let payload = self.meta(IDENTITY)?;
        payload.try_into().map(Uuid).map_err(|_| meta_damage(IDENTITY, Damage::Truncated))
    }

    /// How many entries there must be.
    ///
    /// # Errors
    /// If the directory is damaged.
    pub(crate) fn directory(self) -> Result<Directory, StoreError> {
        load_directory(self.tables.meta, self.txn)
    }

    /// Whether files of the text index may still hold words of somebody who was erased.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn purge_is_due(self) -> Result<bool, StoreError> {
        Ok(self.tables.meta.get(self.txn, PURGE)?.is_some())
    }

    fn meta(self, key: &'static [u8]) -> Result<&'t [u8], StoreError> {
        load(self.tables.meta.get(self.txn, key)?, key)
    }
}

/// The state as a transaction sees it.
pub(crate) fn load_state(meta: super::Table, txn: &heed::RoTxn<'_>) -> Result<State, StoreError> {
    let payload = load(meta.get(txn, STATE)?, STATE)?;
    State::decode(payload).map_err(|damage| meta_damage(STATE, damage))
}

/// What every commit says of the tables, beside the state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Directory {
    /// Entries of each table, by name.
    pub(crate) entries: Vec<(&'static str, u64)>,
    /// What is kept that nothing else tells.
    pub(crate) tallies: Tallies,
}

impl Directory {
    fn decode(payload: &[u8]) -> Result<Self, Damage> {
        let mut cursor = Cursor::new(payload);
        let entries = Tables::listed_names().map(|name| Ok((name, cursor.u64()?))).collect::<Result<_, _>>()?;
        let tallies = Tallies::decode(&mut cursor)?;
        cursor.end()?;
        Ok(Directory { entries, tallies })
    }
}

/// The state and the directory among what was found in a file, if they are whole.
pub(crate) fn state_of(found: &BTreeMap<Vec<u8>, Vec<u8>>) -> (Option<State>, Option<Directory>) {
    let payload = |key: &'static [u8]| found.get(key).and_then(|value| unseal(Tag::Meta, key, VERSION, value).ok());
    let state = payload(STATE).and_then(|payload| State::decode(payload).ok());
    (state, payload(DIRECTORY).and_then(|payload| Directory::decode(payload).ok()))
}

/// What a data file that is written anew begins with: settings and so on as they were found, and a state in which nothing
/// is counted on that is computed from rows.
pub(crate) fn put_found(
    txn: &mut heed::RwTxn<'_>,
    tables: &Tables,
    found: &BTreeMap<Vec<u8>, Vec<u8>>,
    state: &State,
    tallies: &Tallies,
) -> Result<(), StoreError> {
    for (key, value) in found {
        tables.meta.put(txn, key, value)?;
    }
    // Every contact is to be indexed for words again, and no index is counted on.
    let state = State { generation: 0, ..*state };
    tables.meta.put(txn, STATE, &seal(Tag::Meta, STATE, VERSION, &state.encode()))?;
    put_directory(txn, tables, tallies)
}

/// Whether settings are among what was found, and the identity is that of the store.
pub(crate) fn has_settings(found: &BTreeMap<Vec<u8>, Vec<u8>>, identity: Uuid) -> bool {
    let payload = |key: &'static [u8]| found.get(key).and_then(|value| unseal(Tag::Meta, key, VERSION, value).ok());
    payload(SETTINGS).is_some_and(|payload| Settings::decode(payload).is_ok())
        && payload(IDENTITY) == Some(&identity.0[..])
}

/// The directory as a transaction sees it.
pub(crate) fn load_directory(meta: super::Table, txn: &heed::RoTxn<'_>) -> Result<Directory, StoreError> {
    let payload = load(meta.get(txn, DIRECTORY)?, DIRECTORY)?;
    Directory::decode(payload).map_err(|damage| meta_damage(DIRECTORY, damage))
}

/// Writes the directory: the entries of each table, which LMDB counts as it goes, and what is kept.
pub(crate) fn put_directory(txn: &mut heed::RwTxn<'_>, tables: &Tables, tallies: &Tallies) -> Result<(), StoreError> {
    let mut payload = Vec::new();
    for (_, table) in tables.listed() {
        payload.extend_from_slice(&(table.stat(txn)?.entries as u64).to_le_bytes());
    }
    tallies.encode(&mut payload);
    Ok(tables.meta.put(txn, DIRECTORY, &seal(Tag::Meta, DIRECTORY, VERSION, &payload))?)
}

fn load<'t>(value: Option<&'t [u8]>, key: &'static [u8]) -> Result<&'t [u8], StoreError> {
    value
        .ok_or(Damage::Missing)
        .and_then(|value| unseal(Tag::Meta, key, VERSION, value))
        .map_err(|damage| meta_damage(key, damage))
}

fn meta_damage(key: &[u8], damage: Damage) -> StoreError {
    damaged(TABLE, String::from_utf8_lossy(key), damage)
}

impl Transaction<'_> {
    /// Replaces the settings. Deriving the stored values anew is the caller's.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn put_settings(&mut self, settings: &Settings) -> Result<(), StoreError> {
        self.state.schema_version += 1;
        self.put_meta(SETTINGS, &settings.encode())
    }

    /// Sets for how many days the membership log is to be kept. Cutting off what is older is the caller's.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn put_log_retention(&mut self, days: Option<u32>) -> Result<(), StoreError> {
        match days {
            Some(days) => self.put_meta(RETENTION, &days.to_le_bytes()),
            None => {
                self.tables.meta.delete(&mut self.txn, RETENTION)?;
                Ok(())
            }
        }
    }

    /// Advances the clock; an earlier moment leaves it as it is.
    pub fn advance_clock(&mut self, to: Instant) {
        self.state.clock = self.state.clock.max(to);
    }

    /// Notes the next moment at which the clock flips a membership; `None` if there is none.
    pub fn set_next_due(&mut self, due: Option<Instant>) {
        self.state.next_due = due.unwrap_or(Instant::MAX);
    }

    /// A document number for a new contact.
    ///
    /// # Errors
    /// [`StoreError::Exhausted`] after 4,294,967,295 of them.
    pub fn next_document(&mut self) -> Result<DocumentNumber, StoreError> {
        take(&mut self.state.next_document, u32::MAX, "document numbers").map(DocumentNumber)
    }

    /// A number for a new group.
    ///
    /// # Errors
    /// [`StoreError::Exhausted`] when there are none left.
    pub fn next_group(&mut self) -> Result<GroupId, StoreError> {
        take(&mut self.state.next_group, u32::MAX, "group numbers").map(GroupId)
    }

    /// A number for a new field.
    ///
    /// # Errors
    /// [`StoreError::Exhausted`] after 65,536 of them.
    pub fn next_field(&mut self) -> Result<FieldId, StoreError> {
        take(&mut self.state.next_field, u32::from(u16::MAX) + 1, "field numbers").map(|number| FieldId(number as u16))
    }

    /// A number for a new flow.
    ///
    /// # Errors
    /// [`StoreError::Exhausted`] when there are none left.
    pub fn next_flow(&mut self) -> Result<FlowId, StoreError> {
        take(&mut self.state.next_flow, u32::MAX, "flow numbers").map(FlowId)
    }

    pub(crate) fn put_state(&mut self) -> Result<(), StoreError> {
        let payload = self.state.encode();
        self.put_meta(STATE, &payload)
    }

    /// Notes that files of the text index may hold words of somebody who was erased, or that they do no longer.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn set_purge_due(&mut self, is_due: bool) -> Result<(), StoreError> {
        if is_due {
            self.put_meta(PURGE, &[])
        } else {
            self.tables.meta.delete(&mut self.txn, PURGE)?;
            Ok(())
        }
    }

    fn put_meta(&mut self, key: &'static [u8], payload: &[u8]) -> Result<(), StoreError> {
        Ok(self.tables.meta.put(&mut self.txn, key, &seal(Tag::Meta, key, VERSION, payload))?)
    }
}

fn take(next: &mut u32, limit: u32, what: &'static str) -> Result<u32, StoreError> {
    let taken = *next;
    if taken >= limit {
        return Err(StoreError::Exhausted { what });
    }
    *next += 1;
    Ok(taken)
}
