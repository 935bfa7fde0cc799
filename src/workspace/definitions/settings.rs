//! A workspace's environment as it is stored and set: by name.

use serde::{Deserialize, Serialize};

use crate::schema::{DateFormat, Environment};
use crate::value::Instant;

/// How the texts of a workspace are read.
///
/// ```
/// use headcount::internals::workspace::Settings;
/// let settings = Settings { timezone: "Africa/Kigali".into(), country: Some("RW".into()), ..Settings::default() };
/// assert!(settings.validated().is_ok());
/// assert!(Settings { timezone: "Mars/Olympus".into(), ..Settings::default() }.validated().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// Name of a zone of the time-zone database, such as `Africa/Kigali`.
    pub timezone: String,
    /// `DD-MM-YYYY`, `MM-DD-YYYY` or `YYYY-MM-DD`.
    pub date_format: String,
    /// Two letters, such as `RW`: the country of phone numbers written without one.
    pub country: Option<String>,
    /// Whether addresses are hidden.
    pub redact_urns: bool,
}

/// Why settings are refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The time-zone database has no zone of this name.
    #[error("there is no time zone `{0}`; use a name such as Africa/Kigali or UTC")]
    TimeZone(String),
    /// Not one of the three orders.
    #[error("`{0}` is not a date format; use DD-MM-YYYY, MM-DD-YYYY or YYYY-MM-DD")]
    DateFormat(String),
    /// Not two letters.
    #[error("`{0}` is not a country code; use two letters such as RW")]
    Country(String),
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            timezone: "UTC".into(),
            date_format: DateFormat::default().name().into(),
            country: None,
            redact_urns: false,
        }
    }
}

impl Settings {
    /// The same in their usual spelling.
    ///
    /// # Errors
    /// If a name is unknown.
    pub fn validated(&self) -> Result<Settings, SettingsError> {
        let environment = self.environment(Instant::default())?;
        Ok(Settings {
            timezone: environment.timezone.iana_name().unwrap_or("UTC").to_owned(),
            date_format: environment.date_format.name().to_owned(),
            country: environment.country.map(|code| code.iter().map(|&b| char::from(b)).collect()),
            redact_urns: self.redact_urns,
        })
    }

    /// As the store keeps them.
    pub(crate) fn stored(&self) -> Result<crate::store::Settings, SettingsError> {
        let environment = self.environment(Instant::default())?;
        Ok(crate::store::Settings {
            timezone: environment.timezone.iana_name().unwrap_or("UTC").to_owned(),
            date_format: environment.date_format,
            country: environment.country,
            redact_urns: self.redact_urns,
            ..crate::store::Settings::default()
        })
    }

    /// From what the store keeps.
    pub(crate) fn of_stored(stored: &crate::store::Settings) -> Self {
        Settings {
            timezone: stored.timezone.clone(),
            date_format: stored.date_format.name().to_owned(),
            country: stored.country.map(|code| code.iter().map(|&b| char::from(b)).collect()),
            redact_urns: stored.redact_urns,
        }
    }

    /// The environment that these settings name, at the given moment.
    ///
    /// # Errors
    /// If a name is unknown.
    pub fn environment(&self, now: Instant) -> Result<Environment, SettingsError> {
        let timezone = if self.timezone.eq_ignore_ascii_case("utc") {
            jiff::tz::TimeZone::UTC
        } else {
            jiff::tz::TimeZone::get(&self.timezone).map_err(|_| SettingsError::TimeZone(self.timezone.clone()))?
        };
        let date_format = DateFormat::from_name(&self.date_format)
            .ok_or_else(|| SettingsError::DateFormat(self.date_format.clone()))?;
        let country = match self.country.as_deref().map(str::trim) {
            None | Some("") => None,
            Some(code) => match code.as_bytes() {
                [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                    Some([a.to_ascii_uppercase(), b.to_ascii_uppercase()])
                }
                _ => return Err(SettingsError::Country(code.to_owned())),
            },
        };
        Ok(Environment { timezone, date_format, country, redact_urns: self.redact_urns, now })
    }
}
