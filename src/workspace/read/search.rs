//! A query carried from its text to its answer.

use roaring::RoaringBitmap;

use crate::contact::Status;
use crate::exec::moments::Clock;
use crate::exec::{Prepared, Search, Snapshot};
use crate::ids::{AtomId, Block, DocumentNumber, GroupId};
use crate::index::bits::Words;
use crate::index::{AttributeIndex, FieldKinds, IndexError, TextSource};
use crate::plan::atom::{Atom, Expr, LogicalPlan};
use crate::plan::physical::{self, Rules};
use crate::sema::query::Query;
use crate::store::View;
use crate::value::Instant;
use crate::workspace::Workspace;
use crate::workspace::definitions::Definitions;
use crate::workspace::definitions::plans::with_atom;
use crate::workspace::error::WorkspaceError;
use crate::workspace::read::adapters::{Overlay, StoreGroups, StoreRows};

/// Everything that a search needs of one moment.
#[derive(Clone, Copy)]
pub(crate) struct Searchable<'t> {
    pub(crate) view: View<'t>,
    pub(crate) definitions: &'t Definitions,
    pub(crate) text: Option<&'t dyn TextSource>,
    pub(crate) overlay: Option<&'t Overlay>,
    pub(crate) now: Instant,
    pub(crate) rules: Rules,
}

/// A search over a store.
pub(crate) type StoreSearch<'p, 's, 'r, 't> = Search<'p, 's, 'r, StoreRows<'t>, StoreGroups<'t>>;

impl<'t> Searchable<'t> {
    /// Plans a query and hands the search to `run`.
    pub(crate) fn run<T>(
        &self,
        plan: &LogicalPlan,
        run: impl FnOnce(&StoreSearch<'_, '_, '_, 't>) -> Result<T, IndexError>,
    ) -> Result<T, WorkspaceError> {
        let (rtxn, tables) = self.view.index_tables();
        let index = AttributeIndex::new(tables.index, FieldKinds::new(&self.definitions.schema));
        let rows = StoreRows(self.view);
        let groups = StoreGroups { view: self.view, definitions: self.definitions, overlay: self.overlay };
        let timezone = self.definitions.environment(self.now).timezone;
        let snapshot = Snapshot {
            index: &index,
            rtxn,
            rows: &rows,
            groups: &groups,
            text: self.text,
            clock: Clock { now: self.now, timezone },
        };
        let prepared = Prepared::new(&snapshot, &plan.atoms)?;
        let physical = physical::choose(plan, &prepared, self.rules);
        Ok(run(&Search::new(&prepared, &physical))?)
    }
}

/// What makes a member of a smart group: an active contact that matches or is pinned, and is not excluded.
pub(crate) fn member_plan(definitions: &Definitions, group: GroupId, query: &Query) -> LogicalPlan {
    with_atom(definitions.plan_of(group, query), Atom::StatusIn(Box::new([Status::Active])))
}

impl Workspace {
    /// Who is a member of a group by a query, as a transaction sees it.
    pub(crate) fn active_matches(
        &self,
        view: View<'_>,
        definitions: &Definitions,
        of: (GroupId, &Query),
        now: Instant,
    ) -> Result<RoaringBitmap, WorkspaceError> {
        self.run_for_members(view, definitions, of, now, |search| search.collect())
    }

    /// The same as words by block: how groups are filled.
    pub(crate) fn active_blocks(
        &self,
        view: View<'_>,
        definitions: &Definitions,
        of: (GroupId, &Query),
        now: Instant,
    ) -> Result<Vec<(Block, Box<Words>)>, WorkspaceError> {
        self.run_for_members(view, definitions, of, now, |search| search.sets())
    }

    fn run_for_members<T>(
        &self,
        view: View<'_>,
        definitions: &Definitions,
        of: (GroupId, &Query),
        now: Instant,
        run: impl FnOnce(&StoreSearch<'_, '_, '_, '_>) -> Result<T, IndexError>,
    ) -> Result<T, WorkspaceError> {
        let plan = member_plan(definitions, of.0, of.1);
        // Looking at the text index costs more than most plans: only for those that need it.
        let reads_words = plan.atoms.iter().any(|atom| matches!(atom, Atom::FieldWords(..)));
        let text = if reads_words { self.text.for_writer(view)? } else { None };
        let searchable = Searchable {
            view,
            definitions,
            text: text.as_ref().map(|text| text as &dyn TextSource),
            overlay: None,
            now,
            rules: Rules::default(),
        };
        searchable.run(&plan, run)
    }

    /// The contact of a platform's number.
    pub(crate) fn document_by_id(
        &self,
        view: View<'_>,
        definitions: &Definitions,
        id: &str,
    ) -> Result<Option<DocumentNumber>, WorkspaceError> {
        let folded = crate::value::fold::fold(id).into();
        let atom = Atom::TextIn(crate::plan::atom::TextProperty::Id, Box::new([folded]));
        let plan = LogicalPlan { atoms: vec![atom], root: Expr::Atom { atom: AtomId(0), negated: false } };
        let searchable = Searchable {
            view,
            definitions,
            text: None,
            overlay: None,
            now: Instant::default(),
            rules: Rules::default(),
        };
        Ok(searchable.run(&plan, |search| search.documents(0, 1))?.first().copied())
    }
}
