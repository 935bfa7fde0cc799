//! The values that contacts and changes are made of. Each says in its own words what it takes.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{custom, under};
use crate::contact::Status;
use crate::ids::Uuid;
use crate::import::error::{shown, suggestion};
use crate::value::{Instant, Urn};
use crate::workspace::change::NamedRef;

/// The key of an object, borrowed where it has no escapes.
pub(super) struct Key<'de>(pub(super) Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// A value that is written as a text.
pub(super) trait FromText: Sized {
    /// What is expected, for messages.
    const EXPECTED: &'static str;
    /// Whether a number is taken as its digits.
    const TAKES_NUMBERS: bool = false;

    /// From the text.
    fn from_text(text: &str) -> Result<Self, String>;

    /// From `null`; `None` if that is no value.
    fn from_null() -> Option<Self> {
        None
    }
}

/// Reads a [`FromText`].
pub(super) struct Value<T>(pub(super) T);

impl<'de, T: FromText> Deserialize<'de> for Value<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor(PhantomData)).map(Value)
    }
}

struct ValueVisitor<T>(PhantomData<T>);

impl<T: FromText> ValueVisitor<T> {
    fn number<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        if T::TAKES_NUMBERS {
            T::from_text(text).map_err(custom)
        } else {
            Err(custom(format_args!("expected {}, not the number {text}", T::EXPECTED)))
        }
    }
}

impl<'de, T: FromText> Visitor<'de> for ValueVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text).map_err(custom)
    }
    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<T, E> {
        self.number(&number.to_string())
    }
    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<T, E> {
        self.number(&number.to_string())
    }
    fn visit_unit<E: serde::de::Error>(self) -> Result<T, E> {
        T::from_null().ok_or_else(|| custom(format_args!("expected {}, not null", T::EXPECTED)))
    }
}

impl FromText for Option<Box<str>> {
    const EXPECTED: &'static str = "a text or null";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok((!text.is_empty()).then(|| text.into()))
    }
    fn from_null() -> Option<Self> {
        Some(None)
    }
}

/// A code of the platform: a text, or a number taken as its digits.
pub(super) struct Code(pub(super) Option<Box<str>>);

impl FromText for Code {
    const EXPECTED: &'static str = "a text, a whole number or null";
    const TAKES_NUMBERS: bool = true;

    fn from_text(text: &str) -> Result<Self, String> {
        FromText::from_text(text).map(Code)
    }
    fn from_null() -> Option<Self> {
        Some(Code(None))
    }
}

impl FromText for Option<Uuid> {
    const EXPECTED: &'static str = "a uuid";

    fn from_text(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(None);
        }
        uuid(text).map(Some)
    }
    fn from_null() -> Option<Self> {
        Some(None)
    }
}

impl FromText for Option<Status> {
    const EXPECTED: &'static str = "a status";

    fn from_text(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(None);
        }
        status(text).map(Some)
    }
    fn from_null() -> Option<Self> {
        Some(None)
    }
}

impl FromText for Option<Instant> {
    const EXPECTED: &'static str = "a time or null";

    fn from_text(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(None);
        }
        moment(text).map(Some)
    }
    fn from_null() -> Option<Self> {
        Some(None)
    }
}

impl FromText for Urn {
    const EXPECTED: &'static str = "an address such as \"tel:+250788123123\"";

    fn from_text(text: &str) -> Result<Self, String> {
        urn(text)
    }
}

/// A uuid, or what is wrong with it.
pub(crate) fn uuid(text: &str) -> Result<Uuid, String> {
    Uuid::parse(text)
        .ok_or_else(|| format!("{} is not a uuid such as `981bf246-8aff-4b76-b668-5e6bd6336027`", shown(text)))
}

/// A status, or what is wrong with it.
pub(crate) fn status(text: &str) -> Result<Status, String> {
    Status::from_name(text).ok_or_else(|| {
        let near = suggestion(text, Status::ALL.iter().map(|status| status.name()));
        format!("{} is not a status: active, blocked, stopped or archived{near}", shown(text))
    })
}

/// A moment, or what is wrong with it.
pub(crate) fn moment(text: &str) -> Result<Instant, String> {
    Instant::parse(text).ok_or_else(|| format!("{} is not a time such as `2026-06-15T12:00:00Z`", shown(text)))
}

/// An address, or what is wrong with it.
pub(crate) fn urn(text: &str) -> Result<Urn, String> {
    Urn::parse(text).map_err(|error| format!("{} is not an address such as `tel:+250788123123`: {error}", shown(text)))
}

/// A whole number from `MIN` to `MAX`. What it takes is said in numbers, not in the names of types.
#[derive(Clone, Copy)]
pub(crate) struct Whole<const MIN: i64, const MAX: u64>(i128);

/// What fits into a `u32`.
pub(crate) type Count = Whole<0, { u32::MAX as u64 }>;
/// What fits into a `u64`.
pub(crate) type Place = Whole<0, { u64::MAX }>;
/// What fits into an `i32`.
pub(crate) type Shift = Whole<{ i32::MIN as i64 }, { i32::MAX as u64 }>;

impl<const MIN: i64, const MAX: u64> Whole<MIN, MAX> {
    /// As a type that holds the whole range.
    pub(crate) fn get<T: TryFrom<i128> + Default>(self) -> T {
        T::try_from(self.0).unwrap_or_default()
    }
}

impl<'de, const MIN: i64, const MAX: u64> Deserialize<'de> for Whole<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WholeVisitor<const MIN: i64, const MAX: u64>;
        impl<const MIN: i64, const MAX: u64> WholeVisitor<MIN, MAX> {
            fn within<E: serde::de::Error>(self, number: i128) -> Result<Whole<MIN, MAX>, E> {
                if (i128::from(MIN)..=i128::from(MAX)).contains(&number) {
                    return Ok(Whole(number));
                }
                Err(custom(format_args!("expected a whole number from {MIN} to {MAX}, not {number}")))
            }
        }
        impl<const MIN: i64, const MAX: u64> Visitor<'_> for WholeVisitor<MIN, MAX> {
            type Value = Whole<MIN, MAX>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from {MIN} to {MAX}")
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Self::Value, E> {
                self.within(number.into())
            }
            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Self::Value, E> {
                self.within(number.into())
            }
            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Self::Value, E> {
                Err(custom(format_args!("expected a whole number from {MIN} to {MAX}, not {number}")))
            }
        }
        deserializer.deserialize_any(WholeVisitor)
    }
}

/// A list of at most `MAX` values; `null` is the empty one.
pub(super) struct List<T, const MAX: usize>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T, const MAX: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for ListVisitor<T, MAX> {
            type Value = Vec<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list or null")
            }
            fn visit_unit<E>(self) -> Result<Vec<T>, E> {
                Ok(Vec::new())
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<T>, E> {
                if text.is_empty() {
                    return Ok(Vec::new());
                }
                Err(custom(format_args!("expected a list, not the text {}", shown(text))))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Vec<T>, A::Error> {
                let mut list = Vec::new();
                while let Some(value) = values.next_element()? {
                    if list.len() == MAX {
                        return Err(custom(format_args!("there are more than {MAX}")));
                    }
                    list.push(value);
                }
                Ok(list)
            }
        }
        deserializer.deserialize_any(ListVisitor::<T, MAX>(PhantomData)).map(List)
    }
}

/// A group or a flow: by uuid, by name, or both in an object.
pub(super) struct Named(pub(super) NamedRef);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NamedVisitor).and_then(|named| match named {
            Some(named) => Ok(Named(named)),
            None => Err(custom("expected a uuid, a name, or an object with either, not null")),
        })
    }
}

/// The same, or `null` or an empty text for none.
pub(super) struct NamedOrNone(pub(super) Option<NamedRef>);

impl<'de> Deserialize<'de> for NamedOrNone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NamedVisitor).map(NamedOrNone)
    }
}

struct NamedVisitor;

impl<'de> Visitor<'de> for NamedVisitor {
    type Value = Option<NamedRef>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a uuid, a name, or an object with either")
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok((!text.is_empty()).then(|| uuid_or_name(text)))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut named = NamedRef::default();
        while let Some(Key(key)) = map.next_key()? {
            match &*key {
                "uuid" => named.uuid = map.next_value::<Value<Option<Uuid>>>().map_err(|error| under("uuid", error))?.0,
                "name" => {
                    named.name = map.next_value::<Value<Option<Box<str>>>>().map_err(|error| under("name", error))?.0;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if named.uuid.is_none() && named.name.is_none() {
            return Err(custom("expected a `uuid` or a `name` in the object"));
        }
        Ok(Some(named))
    }
}

/// A text that names a group or a flow. Only the usual form with hyphens is taken for a uuid: a name may be 32 digits.
pub(crate) fn uuid_or_name(text: &str) -> NamedRef {
    match Uuid::parse(text) {
        Some(uuid) if text.len() == 36 => NamedRef { uuid: Some(uuid), name: None },
        _ => NamedRef { uuid: None, name: Some(text.into()) },
    }
}
