//! What a smart group's query may use.

use crate::diagnostic::{Code, Diagnostic};
use crate::ids::GroupId;
use crate::sema::attribute::Attribute;
use crate::sema::inspect::for_each_condition;
use crate::sema::query::{Condition, Dialect, Property, Query, Test, Value};

/// Checks a query that is to be a smart group's.
///
/// In ContactQL a group may not use `id`, `ref`, `status`, `group`, `flow` or `history`. The extended dialect lifts this
/// for `group` when it names groups; `group = ""` and `group != ""` would undo themselves.
///
/// # Errors
/// One diagnostic for each condition that may not be there, from left to right. The list is not empty.
pub fn group_check(query: &Query) -> Result<(), Vec<Diagnostic>> {
    let mut errors = Vec::new();
    for_each_condition(&query.root, &mut |condition| errors.extend(check(condition, query.dialect)));
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn check(condition: &Condition, dialect: Dialect) -> Option<Diagnostic> {
    let attribute = Attribute::of(&condition.property).filter(|attribute| !attribute.is_allowed_in_group())?;
    let key = attribute.key();
    let refuse = |message: String, help: &str| {
        let diagnostic = Diagnostic::new(Code::UnsupportedInGroup, message, condition.span).with("property", key);
        Some(diagnostic.help(Some(help.to_owned())))
    };
    if attribute != Attribute::Group {
        return refuse(format!("a smart group can't use '{key}'"), "use it in a search instead");
    }
    let asks_for_any = matches!(condition.test, Test::Unset | Test::Set | Test::In { unset: true, .. });
    match dialect {
        Dialect::ContactQl => refuse("a smart group can't use 'group'".to_owned(), "the extended dialect can"),
        Dialect::Extended if asks_for_any => refuse(
            "a smart group can't ask whether a contact is in any group".to_owned(),
            "its own answer would change it: name the groups instead",
        ),
        Dialect::Extended => None,
    }
}

/// The groups that a query refers to, each once, ascending.
pub fn groups_used(query: &Query) -> Vec<GroupId> {
    let mut used = Vec::new();
    for_each_condition(&query.root, &mut |condition| {
        if condition.property != Property::Group {
            return;
        }
        crate::sema::inspect::for_each_literal(condition, |literal| {
            if let Value::Group(Some(id)) = literal.value {
                used.push(id);
            }
        });
    });
    used.sort_unstable();
    used.dedup();
    used
}

/// The error for groups that refer to each other in a circle: the names along it, the first one again at the end.
pub fn group_cycle(names: &[&str], span: crate::span::Span) -> Diagnostic {
    let path = names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(" → ");
    Diagnostic::new(Code::GroupCycle, format!("groups refer to each other in a circle: {path}"), span)
        .with("path", names.join(" > "))
}
