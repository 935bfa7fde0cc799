//! What a service is told when it starts.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// How a workspace is served.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// Where to listen.
    pub listen: SocketAddr,
    /// What callers must show; anybody may ask without one.
    pub token: Option<Token>,
    /// Whether callers may change the workspace.
    pub allow_write: bool,
    /// Names under which others reach this service, beside its addresses: those of a proxy before it.
    pub hosts: Vec<String>,
    /// Whether time passes by the system's clock; a given moment stands still.
    pub now: Option<crate::value::Instant>,
    /// Where membership changes are sent.
    pub webhook: Option<Webhook>,
    /// A stream of changes that is applied beside.
    pub apply: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            token: None,
            allow_write: false,
            hosts: Vec::new(),
            now: None,
            webhook: None,
            apply: None,
        }
    }
}

/// Where membership changes are sent, and what they are signed with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Webhook {
    /// `http` or `https`.
    pub url: String,
    /// The key of the signature.
    pub secret: Token,
}

/// A secret text, which no output shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// The fewest characters that a secret may have: fewer can be tried out.
pub const SHORTEST_TOKEN: usize = 16;

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// Reads the first line of a file.
    ///
    /// # Errors
    /// If it cannot be read, or is too short to be a secret, or holds what a header cannot.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Self::new(text.lines().next().unwrap_or_default().trim())
            .ok_or_else(|| format!("{}: a secret is {SHORTEST_TOKEN} visible ASCII characters or more", path.display()))
    }

    /// A secret, if it is long enough and of visible ASCII characters.
    pub fn new(text: &str) -> Option<Self> {
        let is_fit = text.len() >= SHORTEST_TOKEN && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_fit.then(|| Token(text.to_owned()))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Compares in a time that does not tell how much is right.
pub(super) fn is_same(a: &[u8], b: &[u8]) -> bool {
    use sha2::{Digest, Sha256};
    let (a, b) = (Sha256::digest(a), Sha256::digest(b));
    a.iter().zip(b.iter()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_and_never_shown() {
        assert!(Token::new("short").is_none() && Token::new("sixteen letters!").is_none());
        let token = Token::new("sixteen-letters!");
        assert_eq!(format!("{token:?}"), "Some(Token(…))");
        assert!(is_same(b"a", b"a") && !is_same(b"a", b"b") && !is_same(b"", b"b"));
    }
}
