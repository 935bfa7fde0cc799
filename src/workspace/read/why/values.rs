//! The values that a clause saw, and edits, as a person reads them.

use super::mend::Edit;
use crate::contact::{Contact, FieldValue, TypedValue};
use crate::ids::GroupId;
use crate::schema::{Environment, FieldType, Schema};
use crate::sema::print;
use crate::sema::query::Property;
use crate::value::{Instant, location};

/// What stands for a hidden address.
const REDACTED: &str = "********";

/// The values of a property, as they are compared; none if it is not set.
pub(super) fn seen(
    property: &Property,
    contact: &Contact,
    groups: &[GroupId],
    schema: &Schema,
    environment: &Environment,
) -> Vec<String> {
    let text = |value: &Option<Box<str>>| value.iter().map(|text| format!("{text:?}")).collect();
    let moment = |instant: Instant| shown(instant, environment);
    let flow = |id| schema.flow_by_id(id).map(|flow| format!("{:?}", flow.name));
    match property {
        Property::Uuid => vec![contact.uuid.to_string()],
        Property::Id => text(&contact.id),
        Property::Ref => text(&contact.reference),
        Property::Name => text(&contact.name),
        Property::Language => text(&contact.language),
        Property::Status => vec![contact.status.name().to_owned()],
        Property::Urn | Property::Scheme(_) => {
            let wanted = |scheme: &str| !matches!(property, Property::Scheme(only) if only.as_str() != scheme);
            let urns = contact.urns.iter().filter(|urn| wanted(urn.scheme()));
            urns.map(|urn| if environment.redact_urns { REDACTED.to_owned() } else { urn.path().to_owned() }).collect()
        }
        Property::Group => {
            groups.iter().filter_map(|&id| schema.group_by_id(id).map(|group| format!("{:?}", group.name))).collect()
        }
        Property::Flow => contact.flow.and_then(flow).into_iter().collect(),
        Property::History => contact.history.iter().filter_map(|&id| flow(id)).collect(),
        Property::Tickets => vec![contact.tickets.to_string()],
        Property::CreatedOn => vec![moment(contact.created_on)],
        Property::LastSeenOn => contact.last_seen_on.map(moment).into_iter().collect(),
        Property::Field(field) => {
            let value = field.id.and_then(|id| contact.fields.get(&id));
            value.map(|value| field_value(value, field.kind, environment)).into_iter().collect()
        }
    }
}

fn field_value(value: &FieldValue, kind: FieldType, environment: &Environment) -> String {
    match value.typed {
        TypedValue::Number(number) => number.to_string(),
        TypedValue::Instant(instant) => shown(instant, environment),
        TypedValue::Text if kind.is_location() => format!("{:?}", location::last_part(&value.text)),
        TypedValue::Text => format!("{:?}", value.text),
        TypedValue::Unconvertible => format!("{:?}, which is not a {kind}", value.text),
    }
}

/// A moment in the workspace's zone, with its offset.
fn shown(instant: Instant, environment: &Environment) -> String {
    let zoned = instant.timestamp().to_zoned(environment.timezone.clone());
    zoned.strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// An edit as a person reads it.
pub(super) fn in_words(edit: &Edit, schema: &Schema, environment: &Environment) -> String {
    let group = |id: &GroupId| schema.group_by_id(*id).map_or_else(|| format!("{id:?}"), |group| group.name.clone());
    match edit {
        Edit::Activate => "make the contact active".to_owned(),
        Edit::Set(property, value) => {
            let value = match Instant::parse(value) {
                Some(instant) => shown(instant, environment),
                None => format!("{value:?}"),
            };
            format!("set {} to {value}", print::property_name(property))
        }
        Edit::SetAny(property) => format!("give {} a value", print::property_name(property)),
        Edit::Clear(property) => format!("clear {}", print::property_name(property)),
        Edit::RemoveAddress(property, text) if environment.redact_urns => {
            let _ = text;
            format!("remove an address ({})", print::property_name(property))
        }
        Edit::RemoveAddress(property, text) => format!("remove {text:?} from {}", print::property_name(property)),
        Edit::Join(id) => format!("make the contact a member of `{}`", group(id)),
        Edit::Leave(id) => format!("take the contact out of `{}`", group(id)),
    }
}
