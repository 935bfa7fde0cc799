//! Addresses: `scheme:path`.

use std::fmt;

use crate::value::fold::lower;

/// The longest path of an address, in characters.
pub const MAX_PATH: usize = 255;

/// Schemes that a query may name without `urns.`.
pub const KNOWN_SCHEMES: [&str; 20] = [
    "bsuid",
    "ext",
    "facebook",
    "fcm",
    "freshchat",
    "instagram",
    "jiochat",
    "line",
    "mailto",
    "rocketchat",
    "slack",
    "tel",
    "telegram",
    "twitter",
    "twitterid",
    "viber",
    "vk",
    "webchat",
    "wechat",
    "whatsapp",
];

/// Whether a query may name this scheme, given in lower case, without `urns.`.
pub fn is_known_scheme(scheme: &str) -> bool {
    KNOWN_SCHEMES.binary_search(&scheme).is_ok()
}

/// The scheme of an address, in lower case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scheme(Box<str>);

impl Scheme {
    /// Lower-cases the name. Any text is taken: a query may ask for a scheme that no address has.
    pub fn new(name: &str) -> Self {
        Scheme(lower(name).into())
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An address: kept as written, but for the case of the scheme.
///
/// ```
/// use headcount::internals::value::Urn;
/// let urn = Urn::parse("Tel:+250788123123").unwrap();
/// assert_eq!((urn.scheme(), urn.path()), ("tel", "+250788123123"));
/// assert!(Urn::parse("tel:").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Urn {
    text: Box<str>,
    /// Offset of the colon.
    colon: u16,
}

/// Why a text is not an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UrnError {
    /// There is no colon, or the scheme is not letters and digits.
    #[error("an address is scheme:path, and the scheme is letters and digits")]
    Scheme,
    /// The path is empty, or longer than [`MAX_PATH`] characters.
    #[error("the path of an address has 1 to 255 characters")]
    Path,
}

impl Urn {
    /// Reads `scheme:path`: the scheme letters and digits, the path 1 to 255 characters, taken as written.
    ///
    /// # Errors
    /// If the scheme or the path is not of that form. Phone numbers are not judged.
    pub fn parse(text: &str) -> Result<Self, UrnError> {
        let (scheme, path) = text.split_once(':').ok_or(UrnError::Scheme)?;
        let is_word = !scheme.is_empty() && scheme.len() <= 64 && scheme.bytes().all(|b| b.is_ascii_alphanumeric());
        if !is_word {
            return Err(UrnError::Scheme);
        }
        if path.is_empty() || path.chars().count() > MAX_PATH {
            return Err(UrnError::Path);
        }
        Ok(Urn::from_parts(scheme, path))
    }

    /// From parts that were valid when they were stored.
    pub fn from_parts(scheme: &str, path: &str) -> Self {
        let colon = u16::try_from(scheme.len()).unwrap_or(u16::MAX);
        Urn { text: format!("{}:{path}", lower(scheme)).into(), colon }
    }

    /// The scheme, in lower case.
    pub fn scheme(&self) -> &str {
        self.text.get(..usize::from(self.colon)).unwrap_or_default()
    }

    /// The path, as written.
    pub fn path(&self) -> &str {
        self.text.get(usize::from(self.colon) + 1..).unwrap_or_default()
    }

    /// `scheme:path`, as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What two addresses share if they are the same: `scheme:path` in lower case.
    pub fn identity(&self) -> String {
        lower(&self.text).into_owned()
    }
}

impl fmt::Display for Urn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Urn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
