//! What uses a field or a group: the smart groups whose queries mention it.

use crate::ids::{AtomId, EventId, FieldId, GroupId};
use crate::index::property::instant_of_key;
use crate::index::{AttributeIndex, FieldKinds, PropertyId};
use crate::plan::atom::{Atom, Expr, LogicalPlan, TimeProperty};
use crate::schema::EventType;
use crate::sema::inspect::for_each_condition;
use crate::sema::query::{Condition, Literal, Property, Test, Value};
use crate::value::Instant;
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

    /// The smart groups whose queries ask for events of a name.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn dependents_of_event(&self, event: EventId) -> Result<Vec<Dependent>, WorkspaceError> {
        self.dependents(|condition| matches!(&condition.property, Property::Event(used) if used.event == Some(event)))
    }

    /// The events of that name.
    ///
    /// # Errors
    /// If there are none, with the nearest name.
    pub fn event_named(&self, name: &str) -> Result<EventType, WorkspaceError> {
        let schema = self.schema();
        schema.event(name).cloned().ok_or_else(|| WorkspaceError::unknown_event(name, schema))
    }

    /// How many contacts have events of a name, those of the future included.
    ///
    /// # Errors
    /// If the index cannot be read.
    pub fn contacts_with_event(&self, event: EventId) -> Result<u64, WorkspaceError> {
        let atoms = vec![Atom::TimeRange(TimeProperty::Event(event), None, None)];
        let root = Expr::Atom { atom: AtomId(0), negated: false };
        self.run(&LogicalPlan { atoms, root }, |search| search.count())
    }

    /// The moments of the first and of the last event of a name; `None` if there is none.
    ///
    /// # Errors
    /// If the index cannot be read.
    pub fn event_extent(&self, event: EventId) -> Result<Option<(Instant, Instant)>, WorkspaceError> {
        let (rtxn, tables) = self.snapshot().view().index_tables();
        let index = AttributeIndex::new(tables.index, FieldKinds::new(self.schema()));
        let ends = index.extent(rtxn, PropertyId::Event(event))?;
        Ok(ends.and_then(|(low, high)| Some((instant_of_key(&low)?, instant_of_key(&high)?))))
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
