//! What can be named at the prompt: properties with what their values are, groups, flows.

use crate::plan::atom::TextProperty;
use crate::schema::{Environment, FieldType, Schema};
use crate::sema::attribute::Attribute;
use crate::value::fold::lower;
use crate::value::urn::KNOWN_SCHEMES;

/// What follows a property.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A number.
    Number,
    /// A date.
    Date,
    /// A text; the property whose values can be listed, if they can.
    Text(Option<TextProperty>),
    /// A text that takes words.
    Words(TextProperty),
    /// An address.
    Address,
    /// A status.
    Status,
    /// A group.
    Group,
    /// A flow.
    Flow,
}

/// The names of one moment, and how texts are read.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    /// Fields, groups and flows.
    pub schema: Schema,
    /// How texts are read.
    pub environment: Environment,
}

impl Vocabulary {
    /// The property of this name, if there is one.
    pub fn property(&self, name: &str) -> Option<Kind> {
        let name = lower(name);
        if let Some(key) = name.strip_prefix("fields.") {
            return self.field(key);
        }
        if name.strip_prefix("urns.").is_some_and(|scheme| !scheme.is_empty()) {
            return Some(Kind::Address);
        }
        let of_attribute = Attribute::from_key(&name).map(|attribute| match attribute {
            Attribute::CreatedOn | Attribute::LastSeenOn => Kind::Date,
            Attribute::Tickets => Kind::Number,
            Attribute::Flow | Attribute::History => Kind::Flow,
            Attribute::Group => Kind::Group,
            Attribute::Status => Kind::Status,
            Attribute::Urn => Kind::Address,
            Attribute::Name => Kind::Words(TextProperty::Name),
            Attribute::Language => Kind::Text(Some(TextProperty::Language)),
            Attribute::Id | Attribute::Ref | Attribute::Uuid => Kind::Text(None),
        });
        let of_scheme = || KNOWN_SCHEMES.contains(&&*name).then_some(Kind::Address);
        of_attribute.or_else(of_scheme).or_else(|| self.field(&name))
    }

    fn field(&self, key: &str) -> Option<Kind> {
        let field = self.schema.field(key)?;
        Some(match field.kind {
            FieldType::Number => Kind::Number,
            FieldType::Datetime => Kind::Date,
            FieldType::Text => Kind::Words(TextProperty::Field(field.id)),
            FieldType::State | FieldType::District | FieldType::Ward => Kind::Text(Some(TextProperty::Place(field.id))),
        })
    }

    /// The names of all properties: those of the workspace first, then attributes, then kinds of addresses.
    pub fn properties(&self) -> Vec<String> {
        let fields = self.schema.fields().iter().map(|field| field.key.clone());
        let built_in = Attribute::ALL.into_iter().map(Attribute::key).chain(KNOWN_SCHEMES);
        fields.chain(built_in.map(str::to_owned)).collect()
    }

    /// The names of groups.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.schema.groups().iter().map(|group| group.name.as_str())
    }

    /// The names of flows.
    pub fn flows(&self) -> impl Iterator<Item = &str> {
        self.schema.flows().iter().map(|flow| flow.name.as_str())
    }
}
