//! `report`

use std::io::Write;

use crate::cli::Outcome;
use crate::cli::args::report::Report as Args;
use crate::cli::commands::session::Session;
use crate::cli::commands::target::Target;
use crate::cli::settings::Settings;
use crate::report::{Options, Report};

/// Draws the page, and puts it in its place when it is whole.
pub(super) fn report(args: &Args, settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    // A page that cannot be written is refused before it is computed.
    let mut target = Target::open(&args.file)?;
    let options = Options { title: args.title.clone(), groups: args.groups.into(), ..Options::default() };
    let report = session.told(Report::gather(&session.reader()?, options))?;
    target.writer.write_all(report.to_html().as_bytes())?;
    target.finish()?;
    if args.file.as_os_str() != "-" {
        settings.note(&format!("wrote {}", args.file.display()));
    }
    Ok(())
}
