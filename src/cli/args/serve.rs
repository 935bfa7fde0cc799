//! `serve`

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// `serve`
#[derive(Args, Debug, Clone)]
#[command(
    after_help = "Examples:\n  headcount serve\n  headcount serve --listen 0.0.0.0:8080 --token-file token --allow-write \
                  --host groups.example.org\n\nThe page is at http://127.0.0.1:8080/, the description of the API at \
                  /openapi.json."
)]
pub struct Serve {
    /// Where to listen; an address that other machines reach needs a token
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// A file whose first line callers must show: Authorization: Token …
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Let callers change contacts and groups
    #[arg(long)]
    pub allow_write: bool,
    /// A name under which others reach the service, such as that of a proxy before it
    #[arg(long = "host", value_name = "NAME")]
    pub hosts: Vec<String>,
    /// Send membership changes to this address, signed, at least once and in order
    #[arg(long, value_name = "URL", requires = "webhook_secret_file")]
    pub webhook: Option<String>,
    /// A file whose first line is the key of the webhook's signatures
    #[arg(long, value_name = "FILE", requires = "webhook")]
    pub webhook_secret_file: Option<PathBuf>,
    /// Apply this stream of changes meanwhile, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub apply: Option<PathBuf>,
}
