//! Values that no contact has, where some have one that looks alike.

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::SeenValues;
use crate::plan::atom::TextProperty;
use crate::schema::{FieldType, Schema};
use crate::sema::print::current_property_name;
use crate::sema::query::{Condition, Literal, Property, Test, Value};
use crate::sema::suggest::{did_you_mean, nearest};

/// One warning for each value.
pub(super) fn check(conditions: &[&Condition], schema: &Schema, seen: &dyn SeenValues) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for condition in conditions {
        let Some(property) = listed(&condition.property) else { continue };
        for literal in literals(&condition.test) {
            let Value::Text(folded) = &literal.value else { continue };
            let Some(near) = near(&property, folded, seen) else { continue };
            let name = current_property_name(&condition.property, schema);
            let message = format!("no contact has '{}' for {name}", literal.text);
            found.push(
                Diagnostic::new(Code::UnseenValue, message, condition.span)
                    .with("property", name)
                    .with("value", &*literal.text)
                    .help(did_you_mean(Some(near))),
            );
        }
    }
    found
}

/// Properties whose values people choose from a list of their own, more or less.
fn listed(property: &Property) -> Option<TextProperty> {
    match property {
        Property::Name => Some(TextProperty::Name),
        Property::Language => Some(TextProperty::Language),
        Property::Field(field) => {
            let id = field.id?;
            match field.kind {
                FieldType::Text => Some(TextProperty::Field(id)),
                FieldType::State | FieldType::District | FieldType::Ward => Some(TextProperty::Place(id)),
                FieldType::Number | FieldType::Datetime => None,
            }
        }
        _ => None,
    }
}

fn literals(test: &Test) -> &[Literal] {
    match test {
        Test::Equals(literal) | Test::Differs(literal) => std::slice::from_ref(literal),
        Test::In { items, .. } => items,
        _ => &[],
    }
}

fn near(property: &TextProperty, folded: &str, seen: &dyn SeenValues) -> Option<String> {
    if seen.has(property, folded)? {
        return None;
    }
    let without_digits = |text: &str| text.chars().filter(|c| !c.is_numeric()).collect::<String>();
    let rest = without_digits(folded);
    let values = seen.all(property)?;
    // `block 7` is not a slip for `block 8`.
    let likely = values.iter().map(|value| &**value).filter(|value| without_digits(value) != rest);
    nearest(folded, likely).map(str::to_owned)
}
