//! `serve`

use crate::cli::Outcome;
use crate::cli::args::serve::Serve;
use crate::cli::commands::session::failure;
use crate::cli::failure::Failure;
use crate::cli::settings::Settings;
use crate::serve::options::{Token, Webhook};
use crate::serve::{Options, ServeError, Server};
use crate::value::Instant;
use crate::workspace::change::{Change, ContactRef, Event};
use crate::workspace::{Reader, Workspace, WorkspaceError};

/// Serves the workspace until the process is told to end.
pub(super) fn serve(args: &Serve, settings: &Settings) -> Outcome {
    let secret = |path: &std::path::PathBuf| Token::read(path).map_err(Failure::Failed);
    let webhook_secret = args.webhook_secret_file.as_ref().map(secret).transpose()?;
    let options = Options {
        listen: args.listen,
        token: args.token_file.as_ref().map(secret).transpose()?,
        allow_write: args.allow_write,
        hosts: args.hosts.clone(),
        now: settings.is_now_given.then_some(settings.now),
        webhook: args.webhook.clone().zip(webhook_secret).map(|(url, secret)| Webhook { url, secret }),
        apply: args.apply.clone(),
    };
    let workspace = Workspace::open(&settings.store).map_err(|error| failure(error, settings))?;
    let told = |error: ServeError| match error {
        ServeError::NeedsToken(_) | ServeError::Option(_) => Failure::Usage(error.to_string()),
        ServeError::Workspace(error) => failure(error, settings),
        error @ ServeError::Io(_) => Failure::Failed(format!("{}: {error}", args.listen)),
    };
    let server = Server::start(workspace, options).map_err(told)?;
    let address = server.address().map_err(told)?;
    settings.note(&format!("serving {} at http://{address}/", settings.store.display()));
    server.run().map_err(told)
}

/// Time between two changes that are made up.
const LIFE: std::time::Duration = std::time::Duration::from_millis(1_200);

/// Serves the demo's workspace, in which somebody is heard from, grows older, or opens a ticket every now and then.
pub(super) fn serve_demo(folder: &std::path::Path, settings: &Settings) -> Outcome {
    let told = |error: ServeError| Failure::Failed(error.to_string());
    let open = || Workspace::open(folder).map_err(|error| failure(error, settings));
    let options = Options { allow_write: true, ..Options::default() };
    let server = Server::start(open()?, options).map_err(told)?;
    let address = server.address().map_err(told)?;
    let living = open()?;
    // It ends with the process.
    std::thread::Builder::new().name("headcount-life".to_owned()).spawn(move || live(&living))?;
    settings.note(&format!("\nlook at http://{address}/ and see the groups move; Ctrl-C ends it"));
    server.run().map_err(told)
}

fn live(workspace: &Workspace) {
    for round in 0.. {
        std::thread::sleep(LIFE);
        // What cannot be written now may go in a moment: this is for looking at only.
        let _ = live_on(workspace, round);
    }
}

/// One change to somebody.
fn live_on(workspace: &Workspace, round: usize) -> Result<(), WorkspaceError> {
    let now = Instant::now();
    let contact = somebody(&workspace.reader(now)?, round)?;
    let field = |key: &str, value: &str| Event::Field { key: key.into(), value: Some(value.into()) };
    let event = match round % 6 {
        0 | 3 => Event::LastSeen(Some(now)),
        1 => field("birth_weight", if round % 12 == 1 { "2.1" } else { "3.2" }),
        2 => Event::Language((round % 12 == 2).then(|| "kin".into())),
        4 => Event::TicketOpened,
        _ => field("crop", if round % 12 == 5 { "coffee" } else { "maize" }),
    };
    let change = Change { contact, event, created_on: Some(now), source: None };
    workspace.write(now, |batch| batch.apply_all(std::slice::from_ref(&change)).map(drop)).map(drop)
}

/// One contact after the other, by leaps.
fn somebody(reader: &Reader<'_>, round: usize) -> Result<Option<ContactRef>, WorkspaceError> {
    let count = usize::try_from(reader.contacts()).unwrap_or(usize::MAX).max(1);
    let document = reader.documents()?.nth(round.wrapping_mul(37) % count).transpose()?;
    let uuid = document.map(|document| reader.identity(document)).transpose()?.flatten();
    Ok(uuid.map(ContactRef::Uuid))
}
