//! Built-in properties, by the name that queries give them.

use crate::schema::FieldType;
use crate::sema::query::Property;

/// A built-in property.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Attribute {
    /// When it was created.
    CreatedOn,
    /// The flow that the contact is in.
    Flow,
    /// Groups, manual and smart.
    Group,
    /// Flows that it has been in.
    History,
    /// The platform's number.
    Id,
    /// Code of three letters.
    Language,
    /// When it was last heard from.
    LastSeenOn,
    /// The name.
    Name,
    /// The reference code.
    Ref,
    /// Active, blocked, stopped or archived.
    Status,
    /// The number of open tickets.
    Tickets,
    /// The path of any address.
    Urn,
    /// Identity on the platform.
    Uuid,
}

impl Attribute {
    /// All of them, by name.
    pub const ALL: [Attribute; 13] = [
        Attribute::CreatedOn,
        Attribute::Flow,
        Attribute::Group,
        Attribute::History,
        Attribute::Id,
        Attribute::Language,
        Attribute::LastSeenOn,
        Attribute::Name,
        Attribute::Ref,
        Attribute::Status,
        Attribute::Tickets,
        Attribute::Urn,
        Attribute::Uuid,
    ];

    /// The name in queries.
    pub fn key(self) -> &'static str {
        match self {
            Attribute::CreatedOn => "created_on",
            Attribute::Flow => "flow",
            Attribute::Group => "group",
            Attribute::History => "history",
            Attribute::Id => "id",
            Attribute::Language => "language",
            Attribute::LastSeenOn => "last_seen_on",
            Attribute::Name => "name",
            Attribute::Ref => "ref",
            Attribute::Status => "status",
            Attribute::Tickets => "tickets",
            Attribute::Urn => "urn",
            Attribute::Uuid => "uuid",
        }
    }

    /// The attribute of that name, which must be in lower case.
    pub fn from_key(key: &str) -> Option<Self> {
        Some(match key {
            "created_on" => Attribute::CreatedOn,
            "flow" => Attribute::Flow,
            "group" => Attribute::Group,
            "history" => Attribute::History,
            "id" => Attribute::Id,
            "language" => Attribute::Language,
            "last_seen_on" => Attribute::LastSeenOn,
            "name" => Attribute::Name,
            "ref" => Attribute::Ref,
            "status" => Attribute::Status,
            "tickets" => Attribute::Tickets,
            "urn" => Attribute::Urn,
            "uuid" => Attribute::Uuid,
            _ => return None,
        })
    }

    /// The attribute that a property is; `None` for schemes and fields.
    pub fn of(property: &Property) -> Option<Self> {
        Some(match property {
            Property::CreatedOn => Attribute::CreatedOn,
            Property::Flow => Attribute::Flow,
            Property::Group => Attribute::Group,
            Property::History => Attribute::History,
            Property::Id => Attribute::Id,
            Property::Language => Attribute::Language,
            Property::LastSeenOn => Attribute::LastSeenOn,
            Property::Name => Attribute::Name,
            Property::Ref => Attribute::Ref,
            Property::Status => Attribute::Status,
            Property::Tickets => Attribute::Tickets,
            Property::Urn => Attribute::Urn,
            Property::Uuid => Attribute::Uuid,
            Property::Scheme(_) | Property::Field(_) | Property::Event(_) => return None,
        })
    }

    /// As a property.
    pub fn property(self) -> Property {
        match self {
            Attribute::CreatedOn => Property::CreatedOn,
            Attribute::Flow => Property::Flow,
            Attribute::Group => Property::Group,
            Attribute::History => Property::History,
            Attribute::Id => Property::Id,
            Attribute::Language => Property::Language,
            Attribute::LastSeenOn => Property::LastSeenOn,
            Attribute::Name => Property::Name,
            Attribute::Ref => Property::Ref,
            Attribute::Status => Property::Status,
            Attribute::Tickets => Property::Tickets,
            Attribute::Urn => Property::Urn,
            Attribute::Uuid => Property::Uuid,
        }
    }

    /// What its values are.
    pub fn kind(self) -> FieldType {
        match self {
            Attribute::CreatedOn | Attribute::LastSeenOn => FieldType::Datetime,
            Attribute::Tickets => FieldType::Number,
            _ => FieldType::Text,
        }
    }

    /// Whether every contact has a value, or none that a query could miss: then `= ""` says nothing.
    pub fn is_always_set(self) -> bool {
        matches!(
            self,
            Attribute::Uuid
                | Attribute::Id
                | Attribute::Ref
                | Attribute::Status
                | Attribute::CreatedOn
                | Attribute::Tickets
        )
    }

    /// Whether ContactQL allows it in a smart group.
    pub fn is_allowed_in_group(self) -> bool {
        !matches!(
            self,
            Attribute::Id
                | Attribute::Ref
                | Attribute::Status
                | Attribute::Group
                | Attribute::Flow
                | Attribute::History
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_properties_lead_back() {
        for attribute in Attribute::ALL {
            assert_eq!(Attribute::from_key(attribute.key()), Some(attribute));
            assert_eq!(Attribute::of(&attribute.property()), Some(attribute));
        }
        assert!(Attribute::ALL.map(Attribute::key).is_sorted());
    }
}
