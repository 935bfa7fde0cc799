//! A campaign from a file: its group and its points.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::campaign::{Offset, Point};
use crate::import::error::{ImportError, shown, suggestion};
use crate::import::json::Shift;
use crate::import::schema::{NamedDefinition, read_document};
use crate::import::source::Source;

/// What a campaign file holds.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(expecting = "an object with `group` and `points`")]
pub struct CampaignFile {
    /// Whom it is for.
    pub group: NamedDefinition,
    /// Its points, in the order of the file.
    pub points: Vec<PointDefinition>,
}

/// A point as a file gives it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PointDefinition {
    /// The key of the field that it counts from, or `created_on` or `last_seen_on`.
    pub relative_to: String,
    /// When it fires.
    pub point: Point,
}

/// Reads a campaign file.
///
/// ```
/// use headcount::internals::campaign::Offset;
/// use headcount::internals::import::{Source, campaign};
///
/// let text = r#"{"group": "Mothers", "points": [{"relative_to": "edd", "offset": -2, "unit": "weeks"}]}"#;
/// let file = campaign::read(Source::from_reader("reminders.json", text.as_bytes())).unwrap();
/// assert_eq!(file.points[0].point.offset, Offset::Weeks(-2));
/// ```
///
/// # Errors
/// If it cannot be read or is no campaign, with the line.
pub fn read(source: Source) -> Result<CampaignFile, ImportError> {
    read_document(source, r#"{"group": …, "points": [{"relative_to": …, "offset": …, "unit": …}]}"#)
}

impl<'de> Deserialize<'de> for PointDefinition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const UNITS: [&str; 4] = ["minutes", "hours", "days", "weeks"];
        #[derive(Deserialize)]
        #[serde(expecting = "a point: an object with `relative_to`, `offset` and `unit`")]
        struct Given {
            relative_to: Property,
            offset: Shift,
            unit: String,
            delivery_hour: Option<Shift>,
        }
        let Given { relative_to: Property(relative_to), offset, unit, delivery_hour } =
            Given::deserialize(deserializer)?;
        let (offset, delivery_hour): (i32, Option<i32>) = (offset.get(), delivery_hour.map(Shift::get));
        let lower = unit.trim().to_ascii_lowercase();
        let offset = match lower.as_str() {
            "m" | "minute" | "minutes" => Offset::Minutes(offset),
            "h" | "hour" | "hours" => Offset::Hours(offset),
            "d" | "day" | "days" => Offset::Days(offset),
            "w" | "week" | "weeks" => Offset::Weeks(offset),
            _ => {
                let near = suggestion(&unit, UNITS);
                return Err(D::Error::custom(format_args!(
                    "{} is no unit of an offset: minutes, hours, days or weeks{near}",
                    shown(&unit)
                )));
            }
        };
        let delivery_hour = match delivery_hour {
            // Platforms write -1 where none is set.
            None | Some(-1) => None,
            Some(hour) => Some(i8::try_from(hour).ok().filter(|hour| (0..24).contains(hour)).ok_or_else(|| {
                D::Error::custom(format_args!(
                    "{hour} is no `delivery_hour`: 0 to 23, or null for the time of the date"
                ))
            })?),
        };
        Ok(PointDefinition { relative_to, point: Point { offset, delivery_hour } })
    }
}

/// A property by key: `"edd"`, or an object with `key` as platforms write it.
struct Property(String);

impl<'de> Deserialize<'de> for Property {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "`relative_to` is the key of a field, `created_on` or `last_seen_on`")]
        enum Given {
            Key(String),
            Object { key: String },
        }
        Ok(Property(match Given::deserialize(deserializer)? {
            Given::Key(key) | Given::Object { key } => key.trim().to_lowercase(),
        }))
    }
}
