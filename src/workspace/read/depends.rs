//! What uses a field or a group: the smart groups whose queries mention it.

use crate::ids::{FieldId, GroupId};
use crate::sema::inspect::for_each_condition;
use crate::sema::query::{Condition, Literal, Property, Test, Value};
use crate::workspace::error::WorkspaceError;
use crate::workspace::read::groups::GroupInfo;
use crate::workspace::read::reader::Reader;

/// A smart group that mentions something, in its query or in the one that is being filled.
pub type Dependent = GroupInfo;

impl Reader<'_> {
    /// The smart groups whose queries look at a field.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn dependents_of_field(&self, field: FieldId) -> Result<Vec<Dependent>, WorkspaceError> {
        self.dependents(|condition| matches!(&condition.property, Property::Field(used) if used.id == Some(field)))
    }

    /// The smart groups whose queries refer to a group.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn dependents_of_group(&self, group: GroupId) -> Result<Vec<Dependent>, WorkspaceError> {
        let is_it = |literal: &Literal| literal.value == Value::Group(Some(group));
        self.dependents(|condition| match &condition.test {
            Test::Equals(literal) | Test::Differs(literal) => is_it(literal),
            Test::In { items, .. } => items.iter().any(is_it),
            _ => false,
        })
    }

    fn dependents(&self, mut uses: impl FnMut(&Condition) -> bool) -> Result<Vec<Dependent>, WorkspaceError> {
        let mut found = Vec::new();
        for (&id, group) in &self.definitions().groups {
            let mut is_used = false;
            for query in [&group.active, &group.pending].into_iter().flatten() {
                for_each_condition(&query.root, &mut |condition| is_used |= uses(condition));
            }
            if is_used {
                found.push(self.group(id)?);
            }
        }
        Ok(found)
    }
}
