//! What is told of all contacts together: status, language, channels, when they were last heard from.

use jiff::tz::TimeZone;
use roaring::RoaringBitmap;

use crate::contact::Status;
use crate::index::PropertyId;
use crate::index::property::instant_key;
use crate::plan::atom::Atom;
use crate::report::fields::{Histogram, TOP, Tallies, only};
use crate::value::Instant;
use crate::workspace::{Reader, WorkspaceError};

/// All contacts.
#[derive(Debug)]
pub(super) struct Contacts {
    /// The active ones.
    pub(super) active: RoaringBitmap,
    /// By status, all four.
    pub(super) statuses: Vec<(&'static str, u64)>,
    /// By language.
    pub(super) languages: Frequent,
    /// Contacts with an address of a scheme; nothing if addresses are hidden.
    pub(super) schemes: Frequent,
    /// By how long ago they were last heard from.
    pub(super) recency: Vec<(&'static str, u64)>,
    /// When they were created.
    pub(super) created: Option<Histogram>,
    /// How many have a name, a language, and so on.
    pub(super) filled: Vec<(&'static str, u64)>,
}

/// The most frequent values of a property.
#[derive(Debug, Default)]
pub(super) struct Frequent {
    /// The most frequent first.
    pub(super) values: Vec<(String, u64)>,
    /// All others together.
    pub(super) others: Option<(String, u64)>,
}

/// Days ago, and what is said of those who were heard from since, but not since the one before.
const RECENCY: [(i64, &str); 5] = [
    (1, "under a day ago"),
    (7, "1 to 7 days ago"),
    (30, "7 to 30 days ago"),
    (90, "30 to 90 days ago"),
    (365, "90 to 365 days ago"),
];

impl Contacts {
    pub(super) fn read(reader: &Reader<'_>, tallies: &Tallies<'_>, zone: &TimeZone) -> Result<Self, WorkspaceError> {
        let total = reader.contacts();
        let active = reader.run(&only(Atom::StatusIn(Box::new([Status::Active]))), |search| search.collect())?;
        let mut statuses = Status::ALL.map(|status| (status.name(), 0)).to_vec();
        tallies.each(PropertyId::Status, |key, count| {
            let code = key.first().copied().unwrap_or_default();
            if let Some(slot) = statuses.get_mut(usize::from(code)) {
                slot.1 = count;
            }
        })?;
        let frequent = |property| -> Result<Frequent, WorkspaceError> {
            let top = tallies.top(property, TOP)?;
            let listed = top.values.iter().map(|(_, count)| count).sum::<u64>();
            let named = |(key, count): (Vec<u8>, u64)| (String::from_utf8_lossy(&key).into_owned(), count);
            let others = (top.total > listed).then(|| ("others".to_owned(), top.total - listed));
            Ok(Frequent { values: top.values.into_iter().map(named).collect(), others })
        };
        let mut languages = frequent(PropertyId::Language)?;
        let speaking = tallies.documents_with(PropertyId::Language)?;
        if total > speaking && speaking > 0 {
            languages.values.push(("not set".to_owned(), total - speaking));
        }
        let hides_addresses = reader.environment().redact_urns;
        let schemes = if hides_addresses { Frequent::default() } else { frequent(PropertyId::UrnScheme)? };
        let filled = [
            ("Name", PropertyId::Name),
            ("Language", PropertyId::Language),
            ("Address", PropertyId::UrnScheme),
            ("Last seen", PropertyId::LastSeenOn),
            ("In a flow", PropertyId::Flow),
        ];
        let filled = filled.into_iter().map(|(name, property)| Ok((name, tallies.documents_with(property)?)));
        Ok(Contacts {
            active,
            statuses,
            languages,
            schemes,
            recency: recency(reader.now(), total, tallies)?,
            created: tallies.moments(PropertyId::CreatedOn, zone)?.map(|(histogram, ..)| histogram),
            filled: filled.collect::<Result<_, WorkspaceError>>()?,
        })
    }

    /// How many contacts have this.
    pub(super) fn with(&self, name: &str) -> u64 {
        self.filled.iter().find(|(other, _)| *other == name).map_or(0, |(_, count)| *count)
    }
}

fn recency(now: Instant, total: u64, tallies: &Tallies<'_>) -> Result<Vec<(&'static str, u64)>, WorkspaceError> {
    let since = |days: i64| instant_key(Instant::from_micros(now.micros().saturating_sub(days * 86_400_000_000)));
    let bounds = RECENCY.map(|(days, _)| since(days));
    let mut counts = [0u64; RECENCY.len() + 1];
    tallies.each(PropertyId::LastSeenOn, |key, count| {
        let at = bounds.iter().position(|bound| key >= bound.as_slice()).unwrap_or(RECENCY.len());
        if let Some(slot) = counts.get_mut(at) {
            *slot += count;
        }
    })?;
    let seen: u64 = counts.iter().sum();
    let names = RECENCY.into_iter().map(|(_, name)| name).chain(["longer ago"]);
    let mut recency: Vec<(&'static str, u64)> = names.zip(counts).collect();
    recency.push(("never", total.saturating_sub(seen)));
    Ok(recency)
}
