//! `sync`

use std::sync::Mutex;
use std::time::{Duration, Instant as Clock};

use serde::Serialize;

use crate::answers::shapes::UuidName;
use crate::answers::why::Explanation;
use crate::cli::Outcome;
use crate::cli::args::sync::Sync as Args;
use crate::answers::hiding::message;
use crate::cli::commands::session::failure;
use crate::cli::failure::Failure;
use crate::cli::output::{Cell, Format, counted};
use crate::cli::settings::Settings;
use crate::sync::{self, Address, Counts, Difference, Mapping, Observer, Options, Stop, SyncError, Told};
use crate::workspace::Workspace;

/// How often the first copy says how far it is.
const PATIENCE: Duration = Duration::from_secs(10);

/// Copies and follows a database.
pub(super) fn sync(args: &Args, settings: &Settings) -> Outcome {
    let mapping = match (&args.profile, &args.mapping) {
        (Some(name), _) => Mapping::profile(name),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| Failure::Failed(format!("the mapping {}: {error}", path.display())))?;
            Mapping::parse(&text)
        }
        (None, None) => return Err(Failure::Usage("give --profile or --mapping".to_owned())),
    };
    let options = Options {
        address: told(Address::parse(&args.address), settings)?,
        mapping: told(mapping, settings)?,
        org: args.org,
        memberships_into: args.memberships_into.clone(),
        slot: args.slot.clone(),
        adopt: args.adopt,
        stop: Stop::default(),
    };
    let workspace = open_or_create(&options, settings)?;
    let hides_addresses = {
        let reader = workspace.reader(settings.now).map_err(|error| failure(error, settings))?;
        reader.settings().redact_urns
    };
    let observer = Teller { settings, hides_addresses, copied: Mutex::new(Clock::now()) };
    if args.compare {
        let differences = told(sync::compare(&workspace, &options, &observer), settings)?;
        return tell_differences(&differences, settings);
    }
    if args.follow {
        stop_on_signals(&options.stop)?;
    }
    let outcome = if args.follow {
        sync::follow(&workspace, &options, &observer)
    } else {
        sync::once(&workspace, &options, &observer)
    };
    tell_counts(&told(outcome, settings)?, &observer)
}

/// A store that is not there is made, with the environment that the database gives.
fn open_or_create(options: &Options, settings: &Settings) -> Outcome<Workspace> {
    let is_new = !settings.store.exists() || std::fs::read_dir(&settings.store).is_ok_and(|mut it| it.next().is_none());
    let opened = if is_new {
        let wanted = told(sync::settings(options), settings)?;
        settings.note(&format!("made the workspace {}", settings.store.display()));
        Workspace::create(&settings.store, &wanted)
    } else {
        Workspace::open(&settings.store)
    };
    opened.map_err(|error| failure(error, settings))
}

fn told<T>(result: Result<T, SyncError>, settings: &Settings) -> Outcome<T> {
    result.map_err(|error| match error {
        SyncError::Workspace(error) => failure(error, settings),
        SyncError::Address(_) | SyncError::Mapping(_) => Failure::Usage(error.to_string()),
        other => Failure::because(other),
    })
}

/// SIGINT and SIGTERM end it after what is being committed.
fn stop_on_signals(stop: &Stop) -> Outcome {
    let stop = stop.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let wait = move || {
        runtime.block_on(async {
            let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
            match terminate {
                Ok(mut terminate) => {
                    tokio::select! {
                        _ = terminate.recv() => {}
                        _ = tokio::signal::ctrl_c() => {}
                    }
                }
                Err(_) => drop(tokio::signal::ctrl_c().await),
            }
        });
        stop.set();
    };
    std::thread::Builder::new().name("headcount-signals".to_owned()).spawn(wait)?;
    Ok(())
}

/// Tells on standard error, without addresses where they are hidden.
struct Teller<'s> {
    settings: &'s Settings,
    hides_addresses: bool,
    /// When the first copy last said how far it is.
    copied: Mutex<Clock>,
}

impl Observer for Teller<'_> {
    fn tell(&self, told: &Told<'_>) {
        match told {
            Told::Copied(contacts) => {
                let Ok(mut last) = self.copied.lock() else { return };
                if last.elapsed() >= PATIENCE {
                    *last = Clock::now();
                    self.settings.note(&format!("copied {} so far", counted(*contacts, "contact")));
                }
            }
            Told::Note(text) => self.settings.note(text),
            Told::Warning(text) => self.settings.warn(text),
            Told::Misfit { table, row, reason } => {
                self.settings.line(&format!("{table} {row}: {}", message(reason, self.hides_addresses)));
            }
        }
    }
}

/// The answer of `sync`.
#[derive(Serialize)]
struct Summary {
    copied: u64,
    read_again: u64,
    created: u64,
    changed: u64,
    deleted: u64,
    transactions: u64,
    rejected: u64,
    left_out: Vec<String>,
}

fn tell_counts(counts: &Counts, teller: &Teller<'_>) -> Outcome {
    let sentences = counts.omissions.sentences();
    let left_out: Vec<String> =
        sentences.iter().map(|sentence| message(sentence, teller.hides_addresses).into_owned()).collect();
    left_out.iter().for_each(|sentence| teller.settings.warn(sentence));
    let summary = Summary {
        copied: counts.copied,
        read_again: counts.read,
        created: counts.created,
        changed: counts.changed,
        deleted: counts.deleted,
        transactions: counts.transactions,
        rejected: counts.misfits,
        left_out,
    };
    let properties = [
        ("Contacts copied", Cell::Count(summary.copied)),
        ("Read again", Cell::Count(summary.read_again)),
        ("Created", Cell::Count(summary.created)),
        ("Changed", Cell::Count(summary.changed)),
        ("Deleted", Cell::Count(summary.deleted)),
        ("Transactions", Cell::Count(summary.transactions)),
    ];
    let settings = teller.settings;
    settings.output().details(settings.format_or(Format::Table), &properties, None, &summary)?;
    if counts.misfits > 0 { Err(Failure::SomeRejected) } else { Ok(()) }
}

/// A line of `sync --compare`.
#[derive(Serialize)]
struct DifferenceItem {
    group: UuidName,
    contact: UuidName,
    there: bool,
    here: bool,
    reason: String,
    why: Option<Explanation>,
}

fn tell_differences(differences: &[Difference], settings: &Settings) -> Outcome {
    let mut output = settings.output();
    for difference in differences {
        let reason = match &difference.why {
            Some(why) => why.reason.clone(),
            None => "there is no such contact".to_owned(),
        };
        let item = DifferenceItem {
            group: UuidName { uuid: difference.group.uuid.to_string(), name: difference.group.name.clone() },
            contact: UuidName {
                uuid: difference.contact.to_string(),
                name: difference.why.as_ref().and_then(|why| why.contact_name.clone()).unwrap_or_default(),
            },
            there: difference.is_member_there,
            here: !difference.is_member_there,
            reason,
            why: difference.why.as_ref().map(Explanation::from),
        };
        output.line(&item)?;
    }
    output.flush()?;
    match differences.len() as u64 {
        0 => {
            settings.note("every membership there is what its query says");
            Ok(())
        }
        many => Err(Failure::Failed(format!("{} there {} not what the queries say", counted(many, "membership"), if many == 1 { "is" } else { "are" }))),
    }
}
