//! From a head to every page that it leads to, each of them once, and no further.

use std::cmp::Ordering;

use roaring::RoaringBitmap;

use super::node::{self, Entry, Leads};
use super::{HEADS, Head, INTEGER_KEYS, NO_PAGE, PageFile, Record, u64_at};

/// As deep as LMDB goes.
const DEEPEST: u16 = 32;
/// Problems that are told; the rest is counted.
const TOLD: usize = 20;
/// How often the two heads are read again, if a writer moves them meanwhile.
const TRIES: usize = 20;
/// Of a large file, trees of at most so many pages are walked whole when it is opened.
const SMALL: u64 = 8;

const FREE: &str = "free pages";
const MAIN: &str = "tables";

/// How far to walk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Extent {
    /// Every page.
    Whole,
    /// What opening a store and asking for its state rely on: the table of tables, small trees, the roots of the others.
    /// A few pages, whatever the size of the store.
    Opening,
}

/// A value as it lies in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'p> {
    /// Beside its key.
    Inline(&'p [u8]),
    /// In pages of its own: see [`PageFile::large`].
    Large {
        /// The first of them.
        page: u64,
        /// Bytes of the value.
        length: usize,
    },
}

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// What is wrong, for people; nothing if the pages are sound.
    pub(crate) problems: Vec<String>,
    /// Pages that no table leads to and that are not free. There are none in a sound file; in another one they may hold
    /// what a damaged page led to.
    pub(crate) stray: RoaringBitmap,
    /// Whether the list of free pages could be read whole.
    pub(crate) knows_free: bool,
}

/// Called with the name of a table, a key and its value, as far as they can be read.
pub(crate) type Visit<'v> = dyn FnMut(&str, &[u8], Value<'_>) + 'v;

impl Walk {
    /// Walks the pages of a commit of LMDB, or of the last one; `None` if the file has gone on to later ones.
    ///
    /// Whoever asks for a commit must hold it by a transaction, or its pages may be written over meanwhile.
    ///
    /// Cost: about a microsecond a page, and as much memory as a bit for each.
    pub(crate) fn of(file: &PageFile, commit: Option<u64>, extent: Extent, visit: &mut Visit<'_>) -> Option<Self> {
        let mut walk = Walk::default();
        let head = match head_of(file, commit) {
            Ok(head) => head?,
            Err(problem) => {
                walk.problems.push(problem);
                return Some(walk);
            }
        };
        if head.last_page < HEADS - 1 || head.last_page >= u64::from(u32::MAX) {
            walk.problems.push(format!("the head names {} as the last page", head.last_page));
            return Some(walk);
        }
        let mut walker = Walker {
            file,
            head,
            extent,
            used: RoaringBitmap::new(),
            free: RoaringBitmap::new(),
            told: Vec::new(),
            more: 0,
        };
        walk.knows_free = walker.walk_free();
        walker.walk_tables(visit);
        let Walker { used, free, mut told, more, .. } = walker;
        if extent == Extent::Whole {
            // A damaged head may name far more pages than there are: those behind the end of the file can only be free.
            let end = (head.last_page + 1).min(file.pages());
            let behind = head.last_page + 1 - end;
            if behind > free.len() - free.rank(end.saturating_sub(1) as u32) {
                told.push("the file ends before the last page that is in use".to_owned());
            }
            let mut stray = RoaringBitmap::new();
            stray.insert_range(HEADS as u32..end as u32);
            stray -= &used;
            stray -= &free;
            let both = used.intersection_len(&free);
            if both > 0 {
                told.push(format!("pages in use are listed as free: {both}"));
                walk.knows_free = false;
            }
            if !stray.is_empty() {
                told.push(format!("pages are neither in use nor free: {}", stray.len()));
            }
            walk.stray = stray;
        }
        if more > 0 {
            told.push(format!("and {more} more like these"));
        }
        walk.problems = told;
        Some(walk)
    }
}

/// The head of a commit, or the later one; `None` if that commit is no longer there.
fn head_of(file: &PageFile, commit: Option<u64>) -> Result<Option<Head>, String> {
    for tried in 1.. {
        let heads = [file.head(0), file.head(1)];
        let [first, second] = match heads {
            [Ok(first), Ok(second)] => [first, second],
            [Err(problem), _] | [_, Err(problem)] if tried >= TRIES => return Err(problem),
            _ => continue,
        };
        // Commits take turns, so the two are of neighbouring ones; of a new file both are 0.
        let take_turns = first.commit.is_multiple_of(2)
            && (first.commit.abs_diff(second.commit) == 1 || (first.commit, second.commit) == (0, 0));
        if !take_turns {
            if tried < TRIES {
                continue;
            }
            return Err(format!(
                "the heads are of commits {} and {}, not of neighbouring ones",
                first.commit, second.commit
            ));
        }
        let later = if first.commit > second.commit { first } else { second };
        return Ok(match commit {
            None => Some(later),
            Some(commit) => [first, second].into_iter().find(|head| head.commit == commit),
        });
    }
    Ok(None)
}

struct Walker<'f> {
    file: &'f PageFile,
    head: Head,
    extent: Extent,
    used: RoaringBitmap,
    free: RoaringBitmap,
    told: Vec<String>,
    more: u64,
}

/// A tree while it is walked.
struct Tree<'n> {
    name: &'n str,
    record: Record,
    /// As many levels are walked.
    levels: u16,
    branch_pages: u64,
    leaf_pages: u64,
    overflow_pages: u64,
    entries: u64,
}

/// Where the keys of a page must lie: from the first on, and before the second.
#[derive(Clone, Copy)]
struct Bounds<'k> {
    from: Option<&'k [u8]>,
    before: Option<&'k [u8]>,
}

impl Tree<'_> {
    fn is_free_list(&self) -> bool {
        self.name == FREE
    }

    fn order(&self, a: &[u8], b: &[u8]) -> Ordering {
        if self.is_free_list() { u64_at(a, 0).cmp(&u64_at(b, 0)) } else { a.cmp(b) }
    }

    fn holds(&self, Bounds { from, before }: Bounds<'_>, key: &[u8]) -> bool {
        from.is_none_or(|from| self.order(from, key) != Ordering::Greater)
            && before.is_none_or(|before| self.order(key, before) == Ordering::Less)
    }
}

impl Walker<'_> {
    fn problem(&mut self, tree: &str, page: u64, what: &str) {
        if self.told.len() < TOLD {
            self.told.push(format!("page {page} of {tree} {what}"));
        } else {
            self.more += 1;
        }
    }

    /// Walks the list of free pages, and says whether it is whole.
    fn walk_free(&mut self) -> bool {
        let free = self.head.free;
        if free.flags != INTEGER_KEYS {
            self.problem(FREE, free.root, "has keys of another kind");
        }
        self.tree(FREE, free, &mut |_, _, _| {});
        self.told.is_empty()
    }

    fn walk_tables(&mut self, visit: &mut Visit<'_>) {
        let main = self.head.main;
        if main.flags != 0 || main.pad != 0 {
            self.problem(MAIN, main.root, "has keys of another kind");
        }
        let mut tables: Vec<(String, Record)> = Vec::new();
        self.tree(MAIN, main, &mut |_, name, value| {
            if let (Value::Inline(record), Ok(name)) = (value, std::str::from_utf8(name))
                && let Some(record) = Record::read(record)
            {
                tables.push((name.to_owned(), record));
            }
        });
        for (name, record) in tables {
            if record.flags != 0 || record.pad != 0 {
                self.problem(&name, record.root, "has keys of another kind");
            }
            self.tree(&name, record, visit);
        }
    }

    fn tree(&mut self, name: &str, record: Record, visit: &mut Visit<'_>) {
        let is_partial = self.extent == Extent::Opening && name != MAIN && record.tree_pages() > SMALL;
        let levels = if is_partial { 1 } else { record.depth };
        let mut tree = Tree { name, record, levels, branch_pages: 0, leaf_pages: 0, overflow_pages: 0, entries: 0 };
        let is_empty = record.root == NO_PAGE;
        if is_empty != (record.depth == 0) || record.depth > DEEPEST {
            self.problem(name, record.root, "is the root of a tree of a depth that cannot be");
            return;
        }
        if !is_empty {
            self.page(&mut tree, record.root, 1, Bounds { from: None, before: None }, visit);
        }
        let found = (tree.branch_pages, tree.leaf_pages, tree.entries);
        let is_whole = self.extent == Extent::Whole;
        if !is_partial && found != (record.branch_pages, record.leaf_pages, record.entries)
            || is_whole && tree.overflow_pages != record.overflow_pages
        {
            self.problem(name, record.root, "is the root of a tree with other counts than are noted");
        }
    }

    /// Takes a run of pages into use; `false` if it is not there, or is in use already.
    fn take(&mut self, first: u64, count: u64) -> bool {
        let last = first.saturating_add(count.saturating_sub(1));
        if count == 0 || first < HEADS || last > self.head.last_page || last >= self.file.pages() {
            return false;
        }
        self.used.insert_range(first as u32..=last as u32) == count
    }

    /// A page of a tree and all below it.
    fn page(&mut self, tree: &mut Tree<'_>, number: u64, level: u16, bounds: Bounds<'_>, visit: &mut Visit<'_>) {
        if !self.take(number, 1) {
            self.problem(tree.name, number, "is not in the file, or in use already");
            return;
        }
        let Some(page) = self.file.page(number) else {
            self.problem(tree.name, number, "cannot be read");
            return;
        };
        let is_leaf = level == tree.record.depth;
        let entries = node::entries(&page, number, is_leaf);
        if let Some(wrong) = entries.wrong {
            self.problem(tree.name, number, wrong);
        }
        let list = &entries.list;
        // The first key of a branch stands for whatever is below the second.
        let named = list.get(usize::from(!is_leaf)..).unwrap_or_default();
        let ascend = named.is_sorted_by(|a, b| tree.order(a.key, b.key) == Ordering::Less);
        let are_within = named.first().is_none_or(|entry| tree.holds(bounds, entry.key))
            && named.last().is_none_or(|entry| tree.holds(bounds, entry.key));
        if !ascend || !are_within {
            self.problem(tree.name, number, "has keys out of order");
        }
        if is_leaf {
            tree.leaf_pages += 1;
            list.iter().for_each(|entry| self.leaf_entry(tree, number, entry, visit));
            return;
        }
        tree.branch_pages += 1;
        if list.len() < 2 && !tree.is_free_list() {
            self.problem(tree.name, number, "has a single child");
        }
        if level == tree.levels {
            return;
        }
        for (at, entry) in list.iter().enumerate() {
            let Leads::Child(child) = entry.leads else { continue };
            let from = if at == 0 { bounds.from } else { Some(entry.key) };
            let before = list.get(at + 1).map_or(bounds.before, |next| Some(next.key));
            self.page(tree, child, level + 1, Bounds { from, before }, visit);
        }
    }

    fn leaf_entry(&mut self, tree: &mut Tree<'_>, number: u64, entry: &Entry<'_>, visit: &mut Visit<'_>) {
        tree.entries += 1;
        let value = match entry.leads {
            Leads::Inline(value) if tree.name != MAIN => Value::Inline(value),
            Leads::Table(record) if tree.name == MAIN && Record::read(record).is_some() => Value::Inline(record),
            Leads::Large { page, length } if tree.name != MAIN => {
                self.large(tree, page, length);
                Value::Large { page, length }
            }
            _ => {
                self.problem(tree.name, number, "has an entry of another kind");
                return;
            }
        };
        if tree.is_free_list() {
            self.list_free(number, entry.key, value);
        } else {
            visit(tree.name, entry.key, value);
        }
    }

    /// Takes the pages of a large value into use.
    fn large(&mut self, tree: &mut Tree<'_>, first: u64, length: usize) {
        let needed = ((node::HEADER - 1 + length) / self.file.page_size + 1) as u64;
        let counted = match self.extent {
            Extent::Opening => Ok(needed),
            Extent::Whole => match self.file.page(first).as_deref().map(|page| node::large_pages(page, first)) {
                Some(Ok(pages)) if pages >= needed => Ok(pages),
                Some(Ok(_)) => Err("has too few pages for its value"),
                Some(Err(wrong)) => Err(wrong),
                None => Err("is not in the file"),
            },
        };
        if let Err(wrong) = counted {
            self.problem(tree.name, first, wrong);
        }
        let pages = counted.unwrap_or(needed);
        tree.overflow_pages += pages;
        if !self.take(first, pages) {
            self.problem(tree.name, first, "is not in the file, or in use already");
        }
    }

    /// Takes an entry of the list of free pages: a number, and as many pages, descending.
    fn list_free(&mut self, number: u64, key: &[u8], value: Value<'_>) {
        let read;
        let bytes = match value {
            Value::Inline(bytes) => bytes,
            Value::Large { page, length } => {
                // No more than the file holds.
                read = self.file.large(page, length).unwrap_or_default();
                &read[..]
            }
        };
        let count = u64_at(bytes, 0);
        let pages = count.and_then(|count| bytes.get(8..)?.get(..usize::try_from(count).ok()?.checked_mul(8)?));
        let is_of_a_commit =
            key.len() == 8 && u64_at(key, 0).is_some_and(|commit| (1..=self.head.commit).contains(&commit));
        let (Some(pages), true) = (pages, is_of_a_commit) else {
            self.problem(FREE, number, "has an entry that makes no sense");
            return;
        };
        let mut last = self.head.last_page + 1;
        for page in pages.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes)) {
            if page >= last || page < HEADS {
                self.problem(FREE, number, "lists pages that are not in the file, or out of order");
                return;
            }
            last = page;
            if !self.free.insert(page as u32) {
                self.problem(FREE, number, "lists a page twice");
                return;
            }
        }
    }
}
