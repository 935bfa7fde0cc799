//! Addresses: `scheme:path`.

use std::borrow::Cow;
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
/// What a platform appends to it, `?query` and `#display`, is kept too, and is no part of the path. In a path that is
/// written, `%23`, `%25` and `%3F` stand for `#`, `%` and `?`.
///
/// ```
/// use headcount::internals::value::Urn;
/// let urn = Urn::parse("Tel:+250788123123?channel=7").unwrap();
/// assert_eq!((urn.scheme(), urn.path(), urn.as_str()), ("tel", "+250788123123", "tel:+250788123123?channel=7"));
/// assert_eq!(urn.identity(), Urn::parse("tel:+250788123123").unwrap().identity());
/// assert!(Urn::parse("tel:").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Urn {
    /// Scheme and path.
    text: Box<str>,
    /// Offset of the colon.
    colon: u16,
    /// The whole as written, where that is more than scheme and path.
    written: Option<Box<str>>,
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
    /// Reads `scheme:path`: the scheme letters and digits, the path 1 to 255 characters.
    ///
    /// # Errors
    /// If the scheme or the path is not of that form. Phone numbers are not judged.
    pub fn parse(text: &str) -> Result<Self, UrnError> {
        let (scheme, written) = text.split_once(':').ok_or(UrnError::Scheme)?;
        let is_word = !scheme.is_empty() && scheme.len() <= 64 && scheme.bytes().all(|b| b.is_ascii_alphanumeric());
        if !is_word {
            return Err(UrnError::Scheme);
        }
        let path = decode_path(written.split(['?', '#']).next().unwrap_or_default());
        if path.is_empty() || path.chars().count() > MAX_PATH {
            return Err(UrnError::Path);
        }
        Ok(Urn::from_written(scheme, &path, (*path != *written).then_some(written)))
    }

    /// From a scheme and a path that were valid when they were stored.
    pub fn from_parts(scheme: &str, path: &str) -> Self {
        // Read again, these would end the path or stand for another character.
        let is_plain = !path.contains(['?', '#']) && *decode_path(path) == *path;
        if is_plain {
            return Urn::from_written(scheme, path, None);
        }
        let written = path.replace('%', "%25").replace('#', "%23").replace('?', "%3F");
        Urn::from_written(scheme, path, Some(&written))
    }

    /// From a scheme, a path, and what was written behind the scheme's colon if that is not the path.
    pub(crate) fn from_written(scheme: &str, path: &str, written: Option<&str>) -> Self {
        let colon = u16::try_from(scheme.len()).unwrap_or(u16::MAX);
        let scheme = lower(scheme);
        let written = written.map(|written| format!("{scheme}:{written}").into());
        Urn { text: format!("{scheme}:{path}").into(), colon, written }
    }

    /// The scheme, in lower case.
    pub fn scheme(&self) -> &str {
        self.text.get(..usize::from(self.colon)).unwrap_or_default()
    }

    /// The path, which searches look at.
    pub fn path(&self) -> &str {
        self.text.get(usize::from(self.colon) + 1..).unwrap_or_default()
    }

    /// What is written behind the scheme's colon: the path, and what a platform appended.
    pub fn written_path(&self) -> &str {
        self.as_str().get(usize::from(self.colon) + 1..).unwrap_or_default()
    }

    /// Its parts, borrowed.
    pub(crate) fn parts(&self) -> (&str, &str, Option<&str>) {
        (self.scheme(), self.path(), self.written.is_some().then(|| self.written_path()))
    }

    /// The whole as written.
    pub fn as_str(&self) -> &str {
        self.written.as_deref().unwrap_or(&self.text)
    }

    /// What two addresses share if they are the same: scheme and path in lower case.
    pub fn identity(&self) -> String {
        lower(&self.text).into_owned()
    }
}

/// Decodes the three characters that a path has to encode.
pub(crate) fn decode_path(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut decoded = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        let (before, from) = rest.split_at(at);
        decoded.push_str(before);
        let (character, length) = match from.get(..3) {
            Some("%23") => ('#', 3),
            Some("%25") => ('%', 3),
            Some("%3F") => ('?', 3),
            _ => ('%', 1),
        };
        decoded.push(character);
        rest = from.get(length..).unwrap_or_default();
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}

impl fmt::Display for Urn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Urn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_appended_is_kept_and_is_no_part_of_the_path() {
        let cases = [
            ("tel:+250788000003?channel=4f", "+250788000003", "tel:+250788000003"),
            ("telegram:12345#joe", "12345", "telegram:12345"),
            ("telegram:12345?id=1#Joe Flow", "12345", "telegram:12345"),
            ("ext:a%23b%3Fc%25d%2523", "a#b?c%d%23", "ext:a#b?c%d%23"),
            ("ext:100%", "100%", "ext:100%"),
            ("ext:A:b", "A:b", "ext:a:b"),
        ];
        for (text, path, identity) in cases {
            let urn = Urn::parse(text).unwrap();
            assert_eq!((urn.path(), urn.as_str(), urn.identity().as_str()), (path, text, identity));
            // Pasted back, it is the same; and so it is made of its parts.
            assert_eq!(Urn::parse(urn.as_str()).unwrap(), urn);
            let again = Urn::from_parts(urn.scheme(), path);
            assert_eq!(Urn::parse(again.as_str()).unwrap().identity(), identity, "{again}");
        }
        for text in ["tel:?channel=1", "tel:#joe", "tel:", "?:x"] {
            assert!(Urn::parse(text).is_err(), "{text}");
        }
        let long = format!("ext:{}?{}", "a".repeat(255), "b".repeat(1_000));
        assert!(Urn::parse(&long).is_ok());
    }
}
