//! Places: a path such as `Rwanda > Kigali City > Gasabo`, compared by its last part only.

/// The last part of a path of places, trimmed.
///
/// ```
/// use headcount::internals::value::location::last_part;
/// assert_eq!(last_part("Rwanda > Kigali City > Gasabo"), "Gasabo");
/// assert_eq!(last_part("Gasabo"), "Gasabo");
/// ```
pub fn last_part(path: &str) -> &str {
    path.rsplit('>').next().unwrap_or(path).trim()
}
