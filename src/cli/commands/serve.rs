//! `serve`

use crate::cli::Outcome;
use crate::cli::args::serve::Serve;
use crate::cli::commands::session::failure;
use crate::cli::failure::Failure;
use crate::cli::settings::Settings;
use crate::serve::options::{Token, Webhook};
use crate::serve::{Options, ServeError, Server};
use crate::workspace::Workspace;

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
