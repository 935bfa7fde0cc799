//! What is worth telling of cells that were taken, or left out, without their row being rejected.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::import::error::LineNumber;

/// Notes of one kind that are kept.
const KEPT: usize = 20_000;

/// A kind of note.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum NoteKind {
    /// A phone number was brought into international form.
    NumberNormalised,
    /// A text in a column of phone numbers reads as none, and was kept.
    NumberKept,
    /// A text in a column of phone numbers reads as none, and was left out.
    NumberLeftOut,
    /// A text in a column of languages is none, and was left out.
    LanguageLeftOut,
    /// The formula of a cell failed.
    CellFailed,
    /// A cell has no header above it.
    Nameless,
}

/// A note: the line, and the value that the cell holds.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Note {
    /// Where.
    pub line: LineNumber,
    /// The column, as the sheet names it.
    pub column: Box<str>,
    /// What the cell holds.
    pub value: Box<str>,
}

/// The notes of one kind.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Noted {
    /// How many there are.
    pub count: u64,
    /// The first of them, in the order of lines.
    pub notes: Vec<Note>,
}

/// Notes of a sheet that is being read, by the threads that read it.
#[derive(Debug, Default)]
pub(crate) struct Notes(Mutex<BTreeMap<NoteKind, Noted>>);

impl Notes {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<NoteKind, Noted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(&self, kind: NoteKind, line: LineNumber, column: &str, value: &str) {
        let mut kinds = self.lock();
        let noted = kinds.entry(kind).or_default();
        noted.count += 1;
        // Of what goes well, an example is enough.
        let kept = if kind == NoteKind::NumberNormalised { 1 } else { KEPT };
        if noted.notes.len() < kept {
            noted.notes.push(Note { line, column: column.into(), value: value.into() });
        }
    }

    /// All of them so far, in the order of lines.
    pub(crate) fn so_far(&self) -> BTreeMap<NoteKind, Noted> {
        let mut kinds = self.lock().clone();
        kinds.values_mut().for_each(|noted| noted.notes.sort_unstable());
        kinds
    }
}
