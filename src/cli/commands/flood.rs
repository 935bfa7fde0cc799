//! Rejected lines as people can read them: ten of each kind, then how many more; all of them in a file, if one is named.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use crate::cli::Outcome;
use crate::cli::failure::Failure;
use crate::cli::output::counted;
use crate::cli::settings::Settings;
use crate::import::LineNumber;

/// Lines of one kind that are told.
const OF_A_KIND: u64 = 10;
/// Lines of all kinds that are told: somebody has to read them.
const IN_ALL: u64 = 40;

/// What was told so far.
pub(super) struct Flood<'s> {
    settings: &'s Settings,
    /// How many there are of each kind, and how many of them were told.
    kinds: BTreeMap<String, (u64, u64)>,
    told: u64,
    /// Lines that may be told, of any kind.
    most: u64,
    /// Lines of one kind that may be told.
    of_a_kind: u64,
    report: Option<csv::Writer<File>>,
    report_name: String,
    /// Whether the command has `--report`.
    reports: bool,
}

impl<'s> Flood<'s> {
    /// `said` lines have been said already that people read beside these.
    pub(super) fn new(settings: &'s Settings, report: Option<&Path>, said: usize) -> Outcome<Self> {
        let most = if said == 0 { IN_ALL } else { 14u64.saturating_sub(said as u64).max(3) };
        let opened = report.map(|path| {
            let mut writer = csv::Writer::from_path(path).map_err(Failure::from)?;
            writer.write_record(["file", "line", "what", "reason"])?;
            Ok::<_, Failure>(writer)
        });
        let report_name = report.map(|path| path.display().to_string()).unwrap_or_default();
        Ok(Flood {
            settings,
            kinds: BTreeMap::new(),
            told: 0,
            most,
            of_a_kind: OF_A_KIND,
            report: opened.transpose()?,
            report_name,
            reports: true,
        })
    }

    /// All of them are told, when they come.
    pub(super) fn endless(settings: &'s Settings) -> Self {
        Flood {
            settings,
            kinds: BTreeMap::new(),
            told: 0,
            most: u64::MAX,
            of_a_kind: u64::MAX,
            report: None,
            report_name: String::new(),
            reports: false,
        }
    }

    /// Whether all of them are written to a file.
    pub(super) fn has_report(&self) -> bool {
        self.report.is_some()
    }

    /// A line without effect. `say` says it, where a progress bar is not in the way.
    pub(super) fn reject(
        &mut self,
        file: &str,
        line: LineNumber,
        reason: &str,
        say: impl FnOnce(&dyn Fn()),
    ) -> Outcome {
        self.write(file, line, "rejected", reason)?;
        let (count, told) = self.kinds.entry(kind(reason)).or_default();
        *count += 1;
        if *told < self.of_a_kind && self.told < self.most {
            *told += 1;
            self.told += 1;
            let settings = self.settings;
            say(&|| settings.line(&format!("{file}:{line}: {reason}")));
        }
        Ok(())
    }

    /// A line into the file alone.
    pub(super) fn write(&mut self, file: &str, line: LineNumber, what: &str, reason: &str) -> Outcome {
        match &mut self.report {
            Some(report) => Ok(report.write_record([file, &line.to_string(), what, reason])?),
            None => Ok(()),
        }
    }

    /// Tells how many more there are.
    pub(super) fn finish(&mut self) -> Outcome {
        let more: Vec<(&String, u64)> =
            self.kinds.iter().map(|(kind, (count, told))| (kind, count - told)).filter(|(_, more)| *more > 0).collect();
        let rest: u64 = more.iter().map(|(_, more)| more).sum();
        if rest > 0 {
            let whole = match &self.report {
                Some(_) => format!("; all of them are in {}", self.report_name),
                None if self.reports => "; --report FILE writes all of them".to_owned(),
                None => String::new(),
            };
            let kinds = if more.len() > 1 { format!(" of {} kinds", more.len()) } else { String::new() };
            let lines = counted(rest, "more line");
            let verb = if rest == 1 { "was" } else { "were" };
            self.settings.line(&format!("… and {lines}{kinds} {verb} rejected{whole}"));
        }
        if let Some(mut report) = self.report.take() {
            report.flush()?;
        }
        Ok(())
    }
}

/// What reasons share that differ only in the value that they name.
fn kind(reason: &str) -> String {
    let mut kind = String::new();
    for (at, piece) in reason.split('`').enumerate() {
        // Values stand between backticks; a name of a column in front does too, and says what kind it is.
        if at % 2 == 0 {
            kind.extend(piece.chars().filter(|c| !c.is_ascii_digit()));
        } else if at == 1 && reason.starts_with('`') {
            kind.push_str(piece);
        }
    }
    kind.truncate(kind.char_indices().nth(80).map_or(kind.len(), |(at, _)| at));
    kind
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_that_differ_in_their_values_are_of_a_kind() {
        assert_eq!(kind("`Status`: `a` is not a status"), kind("`Status`: `b` is not a status"));
        assert_eq!(
            kind("its address `tel:+1` belongs to contact 4"),
            kind("its address `tel:+2` belongs to contact 55")
        );
        assert_ne!(kind("`Status`: `a` is no"), kind("`UUID`: `a` is no"));
    }
}
