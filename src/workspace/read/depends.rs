//! What uses a field or a group: the smart groups whose queries mention it.

use roaring::RoaringBitmap;

use crate::ids::{DocumentNumber, FieldId, GroupId, Uuid};
use crate::sema::inspect::for_each_condition;
use crate::sema::query::{Condition, Literal, Property, Test, Value};
use crate::store::MemberSet;
use crate::workspace::error::WorkspaceError;
use crate::workspace::read::log::identity_of;
use crate::workspace::read::reader::{GroupInfo, Reader};
use crate::workspace::write::writer::Writer;

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

    /// Who a document number stands for, or stood for before the contact was deleted; `None` if it was erased.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn identity(&self, document: DocumentNumber) -> Result<Option<Uuid>, WorkspaceError> {
        identity_of(document, self.snapshot().view())
    }
}

impl Writer<'_> {
    /// The members of a group as this batch found them, or as what it has already carried out left them.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn members(&self, group: GroupId) -> Result<RoaringBitmap, WorkspaceError> {
        Ok(self.txn.view().members(MemberSet::Active(group))?)
    }
}
