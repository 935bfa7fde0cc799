//! Global options, environment variables and the terminal, resolved once into what the commands read.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use crate::cli::args::Global;
use crate::cli::output::progress::ProgressBar;
use crate::cli::output::{Color, Format, Output, harmless_lines};
use crate::value::Instant;

/// Where a workspace is unless told.
pub(crate) const USUAL_STORE: &str = ".headcount";

/// How much to say on standard error.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Verbosity {
    /// Errors only.
    Quiet,
    /// What people want to know.
    Normal,
    /// `-v`: which store, and how long things take.
    Verbose,
    /// `-vv`: also how queries are answered.
    VeryVerbose,
}

/// What every command knows of how it was called.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The workspace's folder.
    pub store: PathBuf,
    /// The format that was asked for; each command has its own otherwise.
    pub format: Option<Format>,
    /// The present moment, as told or by the system's clock at the start.
    pub now: Instant,
    /// Whether [`Settings::now`] was told.
    pub is_now_given: bool,
    /// How much to say.
    pub verbosity: Verbosity,
    /// Whether standard output takes colours.
    pub color_output: bool,
    /// Whether standard error takes colours.
    pub color_errors: bool,
    /// Whether people read standard output as it comes.
    pub answers_terminal: bool,
    /// Whether standard error is a terminal, so that progress can be shown.
    pub shows_progress: bool,
}

impl Settings {
    /// Resolves the global options.
    pub fn resolve(global: Global) -> Self {
        let refuses_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = |is_terminal: bool| match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && !refuses_color,
        };
        let verbosity = match (global.quiet, global.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            (false, 1) => Verbosity::Verbose,
            _ => Verbosity::VeryVerbose,
        };
        let answers_terminal = std::io::stdout().is_terminal();
        let errors_on_terminal = std::io::stderr().is_terminal();
        Settings {
            store: global.store,
            format: global.format,
            now: global.now.unwrap_or_else(Instant::now),
            is_now_given: global.now.is_some(),
            verbosity,
            color_output: color(answers_terminal),
            color_errors: color(errors_on_terminal),
            answers_terminal,
            shows_progress: errors_on_terminal && verbosity > Verbosity::Quiet,
        }
    }

    /// The workspace's folder; where it is the usual one and not here, the one of the nearest folder above that has one.
    pub fn found_store(&self) -> PathBuf {
        let usual = Path::new(USUAL_STORE);
        if self.store != usual || usual.exists() {
            return self.store.clone();
        }
        let here = std::env::current_dir().unwrap_or_default();
        let above = here.ancestors().skip(1).map(|folder| folder.join(usual));
        // A folder of that name may be something else's.
        let is_store = |folder: &PathBuf| folder.join("headcount.json").is_file();
        above.take(64).find(is_store).unwrap_or_else(|| self.store.clone())
    }

    /// Asks before what cannot be taken back, if somebody is there to answer: at a terminal, unless `--yes` was given.
    pub fn is_sure(&self, question: &str, yes: bool) -> bool {
        if yes || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return true;
        }
        let _ = write!(std::io::stderr(), "{question} [y/N] ");
        let mut answer = String::new();
        let read = std::io::stdin().read_line(&mut answer);
        read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
    }

    /// The present moment as it goes on, for what lasts; the one that was told stands still.
    pub fn moment(&self) -> Instant {
        if self.is_now_given { self.now } else { Instant::now() }
    }

    /// The format that was asked for, or else this one.
    pub fn format_or(&self, usual: Format) -> Format {
        self.format.unwrap_or(usual)
    }

    /// Standard output.
    pub fn output(&self) -> Output {
        Output::standard(self.color_output)
    }

    /// Says an error on standard error.
    pub fn error(&self, message: &str) {
        self.say_as("error", "31", message);
    }

    /// Says a warning on standard error, unless quiet.
    pub fn warn(&self, message: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.say_as("warning", "33", message);
        }
    }

    /// Says something that people want to know on standard error, unless quiet.
    pub fn note(&self, message: &str) {
        if self.verbosity > Verbosity::Quiet {
            say("", message);
        }
    }

    /// Says which input was rejected on standard error, even if quiet: nothing is skipped in silence.
    pub fn line(&self, message: &str) {
        say("", message);
    }

    /// Says a detail on standard error with `-v`.
    pub fn detail(&self, message: &str) {
        if self.verbosity >= Verbosity::Verbose {
            say("", message);
        }
    }

    /// Whether the plans of queries are to be told, with `-vv`.
    pub fn tells_plans(&self) -> bool {
        self.verbosity >= Verbosity::VeryVerbose
    }

    /// A progress bar over bytes, or one that shows nothing where none is wanted.
    pub fn progress_bytes(&self, what: &str, total: Option<u64>) -> ProgressBar {
        ProgressBar::bytes(what, total, self.shows_progress)
    }

    /// A progress bar over things, or one that shows nothing where none is wanted.
    pub fn progress_items(&self, what: &str, total: Option<u64>) -> ProgressBar {
        ProgressBar::items(what, total, self.shows_progress)
    }

    /// Shows that something goes on of which only the time can be told, or nothing where that is not wanted.
    pub fn progress_waiting(&self, what: &str) -> ProgressBar {
        ProgressBar::waiting(what, self.shows_progress)
    }

    fn say_as(&self, kind: &str, color: &str, message: &str) {
        if self.color_errors {
            say(&format!("\x1b[1;{color}m{kind}:\x1b[0m "), message);
        } else {
            say(&format!("{kind}: "), message);
        }
    }
}

/// Standard error may be closed, and then there is nobody to tell. What a message quotes does nothing to a terminal.
fn say(kind: &str, message: &str) {
    let _ = writeln!(std::io::stderr(), "{kind}{}", harmless_lines(message));
}
