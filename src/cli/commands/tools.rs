//! Tools that need no workspace.

use clap::CommandFactory;

use crate::cli::Outcome;
use crate::cli::args::Cli;
use crate::cli::args::maintain::{Completions, Generate, Man};
use crate::cli::failure::Failure;
use crate::cli::output::counted;
use crate::cli::settings::Settings;
use crate::generate;

/// Prints completions for a shell.
pub(super) fn completions(args: &Completions, settings: &Settings) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "headcount", &mut script);
    let mut output = settings.output();
    output.bytes(&script)?;
    output.flush()
}

/// Writes a man page for the program and for each command.
pub(super) fn man(args: &Man, settings: &Settings) -> Outcome {
    let failed = |error: std::io::Error| Failure::Failed(format!("{}: {error}", args.folder.display()));
    std::fs::create_dir_all(&args.folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), &args.folder).map_err(failed)?;
    settings.note(&format!("wrote the man pages into {}", args.folder.display()));
    Ok(())
}

/// Makes up a workspace's input. The present is a fixed day unless told, so that the same seed gives the same bytes.
pub(super) fn generate(args: &Generate, settings: &Settings) -> Outcome {
    let usual = generate::Options::default();
    let options = generate::Options {
        contacts: args.contacts,
        groups: args.groups,
        changes: args.changes,
        seed: args.seed,
        now: if settings.is_now_given { settings.now } else { usual.now },
        ..usual
    };
    let summary = generate::generate(&args.folder, &options).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidInput => Failure::Usage(error.to_string()),
        _ => Failure::Failed(format!("{}: {error}", args.folder.display())),
    })?;
    let generate::Summary { contacts, groups, changes, bytes } = summary;
    settings.note(&format!(
        "wrote {}, {} and {} ({}) into {}",
        counted(contacts, "contact"),
        counted(groups, "group"),
        counted(changes, "change"),
        counted(bytes, "byte"),
        args.folder.display()
    ));
    Ok(())
}
