//! Warnings about a query, with what the workspace knows: its values and its groups.

use heed::{AnyTls, RoTxn};

use crate::diagnostic::Diagnostic;
use crate::ids::GroupId;
use crate::index::property::{MAX_TEXT_KEY, text_key};
use crate::index::{AttributeIndex, FieldKinds, PropertyId};
use crate::language::Parsed;
use crate::lint::{self, SeenValues};
use crate::plan::atom::TextProperty;
use crate::schema::Schema;
use crate::sema::query::{Dialect, Query};
use crate::store::View;
use crate::workspace::error::WorkspaceError;
use crate::workspace::read::reader::Reader;

/// What a query is written for: it decides what is worth a warning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// A search: that a group has the same query is nothing to tell.
    Search,
    /// A group: a new one, or this one, which is edited.
    Group(Option<GroupId>),
}

impl Reader<'_> {
    /// Reads a query and says what is odd about it: [`Reader::parse`] with its warnings filled in.
    ///
    /// # Errors
    /// As for [`Reader::parse`].
    pub fn parse_and_lint(&self, text: &str, dialect: Dialect, purpose: Purpose) -> Result<Parsed, WorkspaceError> {
        let mut parsed = self.parse(text, dialect)?;
        parsed.warnings = self.lint(text, &parsed.query, purpose);
        Ok(parsed)
    }

    /// What is odd about a query that was read from a text. See [`lint::lint`].
    ///
    /// Cost: some microseconds, and a look at the dictionaries of the index for each value; for a group, a plan of each
    /// other group as well. An index that cannot be read is no warning: the search itself says so.
    pub fn lint(&self, text: &str, query: &Query, purpose: Purpose) -> Vec<Diagnostic> {
        let values = IndexedValues::new(self.snapshot().view(), self.schema());
        let groups = self.definitions().groups.iter().filter(|(id, _)| match purpose {
            Purpose::Search => false,
            Purpose::Group(own) => own != Some(**id),
        });
        let groups: Vec<(&str, &Query)> =
            groups.filter_map(|(_, group)| Some((group.record.name.as_str(), group.active.as_ref()?))).collect();
        let known = lint::Known {
            schema: self.schema(),
            environment: self.environment(),
            values: Some(&values),
            groups: &groups,
        };
        lint::lint(text, query, &known)
    }

    /// The texts that contacts have for a property, folded and ascending: for completing what somebody types. `None` if
    /// they are too many to look through, or are not kept whole, as addresses are not.
    ///
    /// Cost: a comparison or two for each value of each block.
    #[doc(hidden)]
    pub fn values_of(&self, property: &TextProperty) -> Option<Vec<Box<str>>> {
        IndexedValues::new(self.snapshot().view(), self.schema()).all(property)
    }
}

/// Of more values than this, counted in each block, none is looked for that is near another.
const MOST_VALUES: usize = 1 << 17;

/// The values of a view's contacts, as the attribute index has them.
struct IndexedValues<'t> {
    view: View<'t>,
    kinds: FieldKinds,
}

impl<'t> IndexedValues<'t> {
    fn new(view: View<'t>, schema: &Schema) -> Self {
        IndexedValues { view, kinds: FieldKinds::new(schema) }
    }

    fn index(&self) -> (&'t RoTxn<'t, AnyTls>, AttributeIndex) {
        let (rtxn, tables) = self.view.index_tables();
        (rtxn, AttributeIndex::new(tables.index, self.kinds.clone()))
    }
}

/// Where the folded texts of a property are kept whole.
fn dictionary(property: &TextProperty) -> Option<PropertyId> {
    match property {
        TextProperty::Name => Some(PropertyId::Name),
        TextProperty::Language => Some(PropertyId::Language),
        TextProperty::Field(field) | TextProperty::Place(field) => Some(PropertyId::Field(*field)),
        TextProperty::Uuid | TextProperty::Id | TextProperty::Ref | TextProperty::Urn | TextProperty::Scheme(_) => None,
    }
}

impl SeenValues for IndexedValues<'_> {
    fn has(&self, property: &TextProperty, folded: &str) -> Option<bool> {
        let (rtxn, index) = self.index();
        index.has_value(rtxn, dictionary(property)?, &text_key(folded)).ok()
    }

    fn all(&self, property: &TextProperty) -> Option<Vec<Box<str>>> {
        let (rtxn, index) = self.index();
        let keys = index.distinct_values(rtxn, dictionary(property)?, MOST_VALUES).ok()??;
        // Longer texts are cut in the index: nobody mistypes those in a way that can be told.
        let whole = keys.into_iter().filter(|key| key.len() <= MAX_TEXT_KEY);
        Some(whole.filter_map(|key| std::str::from_utf8(key).ok().map(Into::into)).collect())
    }
}
