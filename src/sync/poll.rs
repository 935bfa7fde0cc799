//! Polling, where the server does not tell changes: contacts by the moment at which they changed.
//!
//! A transaction writes its moment before it commits. So nothing later than the oldest transaction that is still open is
//! taken for read, and the last seconds before are read again each time; reading a contact again changes nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use super::follow::Follower;
use super::mapping::{for_org, limited};
use super::{SyncError, Told};
use crate::value::Instant;

/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// How far back each look reads again, in microseconds: a moment may be taken before its transaction begins.
const OVERLAP: u64 = 10_000_000;
/// How often contacts are counted, so that rows which vanished are noticed.
const COUNT_EVERY: Duration = Duration::from_secs(60);

/// The oldest open transaction's beginning, in microseconds since 1970; and whether any was hidden from us.
const BOUND: &str = "SELECT (extract(epoch FROM least(now(), min(xact_start))) * 1000000)::bigint::text AS bound, \
                     bool_or(state IS NULL)::text AS is_hidden FROM pg_stat_activity \
                     WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND datname = current_database()";

impl Follower<'_> {
    /// Copies if nothing is known yet; then looks for what changed, once or until asked to end.
    pub(super) fn poll(&mut self, follows: bool) -> Result<(), SyncError> {
        if self.options.mapping.contacts.changed.is_none() {
            return Err(SyncError::Setup(
                "the server's wal_level is not `logical`, so contacts must be polled, and the mapping does not say which \
                 column tells when one changed (contacts.changed)"
                    .to_owned(),
            ));
        }
        self.source.push_str(" polling");
        let stored = self.workspace.reader(Instant::now())?.source_offset(&self.source)?;
        match stored {
            None => {
                if self.workspace.reader(Instant::now())?.contacts() > 0 && !self.options.adopt {
                    return Err(SyncError::Setup(
                        "this store holds contacts that do not come from this database: use another store, or --adopt"
                            .to_owned(),
                    ));
                }
                let bound = self.bound()?;
                self.read_all()?;
                self.keep(bound)?;
                self.observer.tell(&Told::Note(&format!("copied {} contacts", self.counts.copied)));
            }
            Some(at) => {
                self.keep(at)?;
                self.look()?;
            }
        }
        self.count()?;
        self.feed_back()?;
        let mut counted = std::time::Instant::now();
        while follows {
            if self.options.stop.wait(PAUSE) {
                return Err(SyncError::Ended);
            }
            self.look()?;
            self.tick()?;
            if counted.elapsed() >= COUNT_EVERY {
                self.count()?;
                counted = std::time::Instant::now();
            }
        }
        Ok(())
    }

    fn bound(&mut self) -> Result<u64, SyncError> {
        let row = self.database.texts("open transactions", BOUND)?.into_iter().next().unwrap_or_default();
        if row.get("is_hidden").is_some_and(|text| text == "true") {
            return Err(SyncError::Setup(
                "open transactions of other roles are hidden, so that changes could be missed: GRANT pg_read_all_stats TO \
                 this role"
                    .to_owned(),
            ));
        }
        let bound = row.get("bound").and_then(|text| text.parse().ok());
        bound.ok_or_else(|| SyncError::Setup("the server does not tell its open transactions".to_owned()))
    }

    /// Reads again what changed since the last look.
    fn look(&mut self) -> Result<(), SyncError> {
        self.refresh_definitions()?;
        let bound = self.bound()?;
        let (query, _) = limited(&self.options.mapping.contacts.query, false)?;
        let query = for_org(&query, self.database.org());
        let since = self.position().saturating_sub(OVERLAP);
        let Some(sql) = self.shape.changed_since(&query, since, bound.max(self.position()) + OVERLAP) else {
            return Ok(());
        };
        let rows = self.database.texts("contacts that changed", &sql)?;
        let rows: BTreeSet<(String, String)> = rows
            .into_iter()
            .filter_map(|mut row| Some((row.remove("key")?, row.remove("changed").unwrap_or_default())))
            .collect();
        let fresh: Vec<&str> =
            rows.iter().filter(|row| !self.recent.contains(*row)).map(|(key, _)| key.as_str()).collect();
        for lot in fresh.chunks(20_000) {
            self.read_again(lot, None)?;
        }
        if !fresh.is_empty() || bound > self.position() + OVERLAP {
            self.keep(bound.max(self.position()))?;
        }
        self.recent = rows;
        Ok(())
    }

    /// Rows that vanished leave no moment: where the numbers of contacts differ, all are read again.
    fn count(&mut self) -> Result<(), SyncError> {
        let (query, _) = limited(&self.options.mapping.contacts.query, false)?;
        let keys = self.shape.keys(&for_org(&query, self.database.org()));
        let there = self.database.value("counting contacts", &format!("SELECT count(*)::text FROM ({keys}) AS k"))?;
        let here = self.workspace.reader(Instant::now())?.contacts();
        if there.and_then(|text| text.parse().ok()) != Some(here) {
            self.read_all()?;
        }
        Ok(())
    }
}
