//! What an import comes to.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::Outcome;
use crate::cli::output::{Cell, Format, counted};
use crate::cli::settings::Settings;
use crate::import::{NoteKind, Noted};
use crate::workspace::ContactPatch;

/// The answer of `import`.
#[derive(Default, Serialize)]
pub(super) struct Summary {
    /// Lines that hold a contact, or should.
    pub(super) read: u64,
    /// New contacts.
    pub(super) created: u64,
    /// Known contacts that are different now.
    pub(super) changed: u64,
    /// Lines about a contact that an earlier line of the file is about.
    pub(super) repeated: u64,
    /// Lines without effect.
    pub(super) rejected: u64,
    /// What was left out of contacts that were taken, a sentence for each kind.
    pub(super) left_out: Vec<String>,
    /// Whether local numbers can be read.
    #[serde(skip)]
    pub(super) has_country: bool,
    #[serde(skip)]
    local_numbers: LocalNumbers,
    #[serde(skip)]
    notes: BTreeMap<NoteKind, Noted>,
}

/// Phone numbers that are not written in full. They are kept as they are, but whoever searches for a number as people
/// write it looks for the full one.
#[derive(Default)]
struct LocalNumbers {
    count: u64,
    example: Option<String>,
}

impl Summary {
    /// Lines that were taken.
    pub(super) fn taken(&self) -> u64 {
        self.read - self.rejected
    }

    /// Looks at a contact that was taken.
    pub(super) fn see(&mut self, patch: &ContactPatch) {
        let local = patch
            .addresses()
            .filter(|urn| urn.scheme() == "tel" && urn.path().starts_with(|c: char| c.is_ascii_digit()));
        for urn in local {
            self.local_numbers.count += 1;
            self.local_numbers.example.get_or_insert_with(|| urn.path().to_owned());
        }
    }

    /// Takes in the notes of a file.
    pub(super) fn note(&mut self, notes: BTreeMap<NoteKind, Noted>) {
        for (kind, noted) in notes {
            let known = self.notes.entry(kind).or_default();
            known.count += noted.count;
            known.notes.extend(noted.notes);
        }
    }

    /// Tells all of it.
    pub(super) fn tell(&self, settings: &Settings, hides_addresses: bool, is_tried: bool) -> Outcome {
        for (kind, noted) in &self.notes {
            self.tell_noted(*kind, noted, settings, hides_addresses);
        }
        self.left_out.iter().for_each(|sentence| settings.warn(sentence));
        // Told already, with their lines.
        let told = self.notes.get(&NoteKind::NumberKept).map_or(0, |noted| noted.count);
        if self.local_numbers.count > told {
            self.local_numbers.warn(hides_addresses, settings);
        }
        let mut properties = vec![
            ("Lines read", Cell::Count(self.read)),
            ("Contacts created", Cell::Count(self.created)),
            ("Contacts changed", Cell::Count(self.changed)),
        ];
        if self.repeated > 0 {
            properties.push(("Lines repeated", Cell::Count(self.repeated)));
        }
        properties.push(("Lines rejected", Cell::Count(self.rejected)));
        settings.output().details(settings.format_or(Format::Table), &properties, None, self)?;
        if is_tried {
            settings.note("nothing was kept: this was a trial (--dry-run)");
        }
        Ok(())
    }

    fn tell_noted(&self, kind: NoteKind, noted: &Noted, settings: &Settings, hides_addresses: bool) {
        let is_address = matches!(kind, NoteKind::NumberNormalised | NoteKind::NumberKept | NoteKind::NumberLeftOut);
        let hides = hides_addresses && (is_address || kind == NoteKind::Nameless);
        let shown = |value: &str| if hides { "********".to_owned() } else { value.chars().take(40).collect() };
        let first: Vec<String> =
            noted.notes.iter().take(3).map(|note| format!("line {} `{}`", note.line, shown(&note.value))).collect();
        let more = noted.count.saturating_sub(first.len() as u64);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let examples = format!("{}{more}", first.join(", "));
        let numbers = |count: u64| counted(count, "phone number");
        match kind {
            NoteKind::NumberNormalised if hides => {
                settings.note(&format!("brought {} into international form", numbers(noted.count)));
            }
            NoteKind::NumberNormalised => {
                let example = noted.notes.first().map(|note| format!(", such as `{}`", shown(&note.value)));
                let example = example.unwrap_or_default();
                settings.note(&format!("brought {} into international form{example}", numbers(noted.count)));
            }
            NoteKind::NumberKept if !self.has_country => settings.warn(&format!(
                "kept {} that are not in full: {examples}; `headcount workspace set --country RW` (or yours) says how \
                 they are read, in the next import",
                numbers(noted.count)
            )),
            NoteKind::NumberKept => settings.warn(&format!("kept what does not read as a phone number: {examples}")),
            NoteKind::NumberLeftOut => settings.warn(&format!("left out what is no phone number: {examples}")),
            NoteKind::LanguageLeftOut => settings.warn(&format!("left out what is no code of a language: {examples}")),
            NoteKind::CellFailed => settings.warn(&format!("left out what a formula did not find: {examples}")),
            NoteKind::Nameless => settings.warn(&format!("left out cells under no header: {examples}")),
        }
    }
}

impl LocalNumbers {
    fn warn(&self, hides_addresses: bool, settings: &Settings) {
        let Some(example) = &self.example else { return };
        let example = if hides_addresses { String::new() } else { format!(", such as `{example}`") };
        let are = if self.count == 1 { "is" } else { "are" };
        settings.warn(&format!(
            "{} {are} not written in full{example}: searches look for numbers that begin with + and the country's code",
            counted(self.count, "phone number")
        ));
    }
}

/// What a report calls a note.
pub(super) fn title(kind: NoteKind) -> &'static str {
    match kind {
        NoteKind::NumberNormalised => "normalised",
        NoteKind::NumberKept => "kept",
        NoteKind::NumberLeftOut | NoteKind::LanguageLeftOut | NoteKind::CellFailed | NoteKind::Nameless => "left out",
    }
}
