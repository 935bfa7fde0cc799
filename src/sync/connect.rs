//! Connections: what an address says, where passwords come from, which certificates are trusted.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use pgwire_replication::config::{ReplicationConfig, SslMode, TlsConfig};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::SyncError;

/// What the server sees in its list of sessions.
const APPLICATION: &str = "headcount";

/// Where the database is and how to get in. Shows no password.
#[derive(Clone)]
pub struct Address {
    config: Config,
    mode: SslMode,
    roots: Option<PathBuf>,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Address {
    /// Reads `postgres://user@host:port/database?sslmode=…&sslrootcert=…`. What it leaves out comes from `PGHOST`,
    /// `PGPORT`, `PGUSER`, `PGDATABASE`, `PGPASSWORD`, `PGSSLMODE`, `PGSSLROOTCERT`, and the password from the file
    /// `.pgpass` (or `PGPASSFILE`).
    ///
    /// # Errors
    /// If it is no such address, or an option in it is unknown.
    pub fn parse(text: &str) -> Result<Self, SyncError> {
        let (base, options) = text.split_once('?').unwrap_or((text, ""));
        let (mut mode, mut roots, mut kept) = (variable("PGSSLMODE"), variable("PGSSLROOTCERT"), Vec::new());
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value.to_owned()),
                Some(("sslrootcert", value)) => roots = Some(decoded(value)),
                _ => kept.push(option),
            }
        }
        let mode = match mode.as_deref() {
            None | Some("prefer" | "allow") => SslMode::Prefer,
            Some("disable") => SslMode::Disable,
            // As the server's own client does: roots that are given are looked at.
            Some("require") if roots.is_some() => SslMode::VerifyCa,
            Some("require") => SslMode::Require,
            Some("verify-ca") => SslMode::VerifyCa,
            Some("verify-full") => SslMode::VerifyFull,
            Some(other) => {
                return Err(SyncError::Address(format!(
                    "`{other}` is no sslmode: use disable, prefer, require, verify-ca or verify-full"
                )));
            }
        };
        let base = if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) };
        let mut config = Config::from_str(&base).map_err(|error| SyncError::Address(reason(&error)))?;
        complete(&mut config)?;
        config.application_name(APPLICATION);
        config.ssl_mode(match mode {
            SslMode::Disable => tokio_postgres::config::SslMode::Disable,
            SslMode::Prefer => tokio_postgres::config::SslMode::Prefer,
            _ => tokio_postgres::config::SslMode::Require,
        });
        config.options("-c timezone=UTC -c datestyle=ISO,YMD -c intervalstyle=iso_8601");
        Ok(Address { config, mode, roots: roots.map(PathBuf::from) })
    }

    /// The address as it may be shown: without a password.
    pub fn shown(&self) -> String {
        format!(
            "postgres://{}@{}:{}/{}",
            self.config.get_user().unwrap_or_default(),
            self.host(),
            self.port(),
            self.database()
        )
    }

    pub(super) fn database(&self) -> &str {
        self.config.get_dbname().unwrap_or_default()
    }

    fn host(&self) -> String {
        match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            #[cfg(unix)]
            Some(Host::Unix(folder)) => folder.display().to_string(),
            None => "localhost".to_owned(),
        }
    }

    fn port(&self) -> u16 {
        self.config.get_ports().first().copied().unwrap_or(5432)
    }

    /// A connection for statements. Its other half runs on the runtime until the connection ends.
    pub(super) async fn connect(&self) -> Result<Client, SyncError> {
        if self.mode == SslMode::Disable {
            let (client, connection) = self.config.connect(NoTls).await.map_err(SyncError::connecting)?;
            tokio::spawn(connection);
            return Ok(client);
        }
        let tls = MakeRustlsConnect::new(self.client_config()?);
        let (client, connection) = self.config.connect(tls).await.map_err(SyncError::connecting)?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// The same for the stream of changes.
    pub(super) fn replication(&self, slot: &str, publication: &str) -> ReplicationConfig {
        let password = String::from_utf8_lossy(self.config.get_password().unwrap_or_default());
        let user = self.config.get_user().unwrap_or_default();
        let mut config = ReplicationConfig::new(self.host(), user, password, self.database(), slot, publication)
            .with_port(self.port())
            .with_application_name(APPLICATION)
            .with_status_interval(std::time::Duration::from_secs(1));
        if !config.is_unix_socket() {
            config.tls = TlsConfig { mode: self.mode, ca_pem_path: self.roots.clone(), ..TlsConfig::default() };
        }
        config
    }

    fn client_config(&self) -> Result<ClientConfig, SyncError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = |error: rustls::Error| SyncError::Address(format!("TLS: {error}"));
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(tls)?;
        if matches!(self.mode, SslMode::VerifyFull) {
            return Ok(builder.with_root_certificates(self.root_certificates()?).with_no_client_auth());
        }
        let chain = match self.mode {
            SslMode::VerifyCa => Some(
                WebPkiServerVerifier::builder_with_provider(Arc::new(self.root_certificates()?), Arc::clone(&provider))
                    .build()
                    .map_err(|error| SyncError::Address(format!("TLS: {error}")))?,
            ),
            _ => None,
        };
        let verifier = Arc::new(WithoutName { chain, provider });
        Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
    }

    fn root_certificates(&self) -> Result<RootCertStore, SyncError> {
        let Some(path) = &self.roots else {
            return Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
        };
        let unread = |error: &dyn std::fmt::Display| {
            SyncError::Address(format!("the root certificates {}: {error}", path.display()))
        };
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unread(&error))? {
            let certificate = certificate.map_err(|error| unread(&error))?;
            store.add(certificate).map_err(|error| unread(&error))?;
        }
        Ok(store)
    }
}

/// A certificate's chain without the host's name (`verify-ca`), or nothing but that the server has the key (`require`).
#[derive(Debug)]
struct WithoutName {
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<rustls::crypto::CryptoProvider>,
}

impl ServerCertVerifier for WithoutName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        use rustls::CertificateError::{NotValidForName, NotValidForNameContext};
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The chain is checked before the name.
            Err(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => {
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What the address leaves out, as the server's own client takes it from its surroundings.
fn complete(config: &mut Config) -> Result<(), SyncError> {
    if config.get_hosts().is_empty() {
        config.host(variable("PGHOST").unwrap_or_else(|| "localhost".to_owned()));
    }
    if config.get_ports().is_empty()
        && let Some(port) = variable("PGPORT")
    {
        let port = port.parse().map_err(|_| SyncError::Address(format!("PGPORT: `{port}` is no port")))?;
        config.port(port);
    }
    if config.get_user().is_none() {
        let user = variable("PGUSER").or_else(|| variable("USER"));
        config.user(user.ok_or_else(|| SyncError::Address("no user: write postgres://USER@…".to_owned()))?);
    }
    if config.get_dbname().is_none() {
        let database = variable("PGDATABASE").or_else(|| config.get_user().map(str::to_owned));
        config.dbname(database.unwrap_or_default());
    }
    if config.get_password().is_none()
        && let Some(password) = variable("PGPASSWORD").or_else(|| from_passfile(config))
    {
        config.password(password);
    }
    Ok(())
}

/// The password of the first line of `.pgpass` that fits: `host:port:database:user:password`, where `*` fits all.
fn from_passfile(config: &Config) -> Option<String> {
    let path = variable("PGPASSFILE").map(PathBuf::from).or_else(|| {
        std::env::home_dir().map(|home| home.join(".pgpass"))
    })?;
    let host = match config.get_hosts().first()? {
        Host::Tcp(host) => host.clone(),
        #[cfg(unix)]
        Host::Unix(_) => "localhost".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432).to_string();
    let wanted = [&host, &port, config.get_dbname()?, config.get_user()?];
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let parts = passfile_parts(line);
        let (password, places) = parts.split_last()?;
        let fits = places.len() == wanted.len() && places.iter().zip(wanted).all(|(is, want)| is == "*" || is == want);
        fits.then(|| password.clone())
    })
}

/// The parts of a line of `.pgpass`: `\` takes the next character for what it is.
fn passfile_parts(line: &str) -> Vec<String> {
    let (mut parts, mut characters) = (vec![String::new()], line.chars());
    while let Some(character) = characters.next() {
        match character {
            ':' if parts.len() < 5 => parts.push(String::new()),
            '\\' => parts.last_mut().into_iter().for_each(|part| part.extend(characters.next())),
            other => parts.last_mut().into_iter().for_each(|part| part.push(other)),
        }
    }
    parts
}

/// A percent-encoded value.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [first, after @ ..] = rest {
        let code = match (first, after) {
            (b'%', [a, b, ..]) => std::str::from_utf8(&[*a, *b]).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok()),
            _ => None,
        };
        bytes.push(code.unwrap_or(*first));
        rest = after.get(if code.is_some() { 2 } else { 0 }..).unwrap_or_default();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What an error of the client says, with its causes.
pub(super) fn reason(error: &tokio_postgres::Error) -> String {
    if let Some(server) = error.as_db_error() {
        let detail = server.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
        return format!("{}{detail} [{}]", server.message(), server.code().code());
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        let next_text = next.to_string();
        if !text.contains(&next_text) {
            text = format!("{text}: {next_text}");
        }
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses_never_show_a_password() {
        let address = Address::parse("postgres://ann:secret@db.example:6432/crm?sslmode=verify-full").unwrap();
        assert_eq!(address.shown(), "postgres://ann@db.example:6432/crm");
        assert!(!format!("{address:?}").contains("secret"));
        assert_eq!(address.mode, SslMode::VerifyFull);
        assert_eq!(address.replication("s", "p").password, "secret");
    }

    #[test]
    fn an_unknown_sslmode_is_refused() {
        assert!(Address::parse("postgres://a@b/c?sslmode=maybe").unwrap_err().to_string().contains("verify-full"));
        assert!(Address::parse("mysql://a@b/c").is_err());
    }

    #[test]
    fn roots_that_are_given_are_looked_at() {
        let address = Address::parse("postgres://a@b/c?sslmode=require&sslrootcert=%2Fetc%2Fa%20b.pem").unwrap();
        assert_eq!((address.mode, address.roots), (SslMode::VerifyCa, Some("/etc/a b.pem".into())));
    }

    #[test]
    fn lines_of_a_password_file_are_split_at_colons() {
        assert_eq!(passfile_parts(r"h\:1:5432:*:u\\:p:q"), [r"h:1", "5432", "*", r"u\", "p:q"]);
    }
}
