//! The text index: words of text fields with their positions, kept by tantivy beside the store.
//!
//! Words of names and parts of addresses are not here: they are blocks of the attribute index, which answers them an
//! order of magnitude faster and never trails (`docs/indexes.md` has the figures). Phrases need positions, which
//! tantivy keeps.
//!
//! It trails the rows. Each commit carries a generation; the store keeps the generation that it has seen committed and
//! the set of contacts that changed since. Whatever is not in that set is right here.
//!
//! A word is indexed with its field's number in front, so that one tantivy field serves all, and no phrase crosses from
//! one field into another.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::indexer::{IndexWriterOptions, NoMergePolicy};
use tantivy::postings::Postings;
use tantivy::query::{BooleanQuery, PhrasePrefixQuery, PhraseQuery, Query, TermQuery};
use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{
    DocId, DocSet, Index, IndexReader, IndexWriter, ReloadPolicy, Score, Searcher, SegmentOrdinal, SegmentReader,
    TERMINATED, TantivyDocument, TantivyError, Term,
};

use crate::contact::{ContactView, FieldValueRef, TypedValue};
use crate::ids::{Block, DocumentNumber, FieldId};
use crate::index::bits::{self, WORDS, Words};
use crate::index::folder::{self, Folder, failed};
use crate::index::lookup::KeySpan;
use crate::index::property::FieldKinds;
use crate::index::tokens::{self, FieldWords, MAX_WORD_BYTES, tagged};
use crate::index::{BlockSets, IndexError, TextSource};
use crate::memory;
use crate::plan::atom::WordMatch;
use crate::schema::FieldType;
use crate::value::words;

/// Memory that indexing uses for each of its threads, in bytes, at most.
const MEMORY_PER_THREAD: usize = 64 << 20;

/// Memory below which tantivy does not go.
const LEAST_PER_THREAD: usize = 16 << 20;

/// Fewer documents than this are indexed by one thread: each thread leaves a segment.
const SMALL_BATCH: usize = 20_000;

/// How often a commit is looked for that stays the latest while it is read.
const RELOADS: usize = 20;

/// The name that the schema has for how a text becomes words, in every index there is. tantivy has a tokenizer of this
/// name; ours stands in its place.
const TOKENIZER: &str = "raw";

/// The text index of a workspace.
pub struct TextIndex {
    path: PathBuf,
    index: Index,
    reader: IndexReader,
    generation: u64,
    document: Field,
    words: Field,
}

fn schema() -> Schema {
    let mut builder = Schema::builder();
    builder.add_u64_field("document", INDEXED | FAST);
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(TOKENIZER)
        .set_fieldnorms(false)
        .set_index_option(IndexRecordOption::WithFreqsAndPositions);
    builder.add_text_field("words", TextOptions::default().set_indexing_options(indexing));
    builder.build()
}

impl TextIndex {
    /// Opens the index in this folder; makes an empty one, of generation 0, if there is none.
    ///
    /// # Errors
    /// If the folder cannot be read, or is damaged: [`TextIndex::recreate`] then begins anew, and everything has to be
    /// indexed from the rows.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        guarded("opening it", || Self::open_unguarded(path))
    }

    fn open_unguarded(path: &Path) -> Result<Self, IndexError> {
        let directory = Folder::open(path)?;
        let is_known = Index::exists(&directory).map_err(|error| failed("looking for it", error))?;
        let index =
            if is_known { Index::open(directory) } else { Index::create(directory, schema(), Default::default()) }
                .map_err(|error| failed("opening it", error))?;
        index.tokenizers().register(TOKENIZER, TextAnalyzer::from(FieldWords::default()));
        let field = |name: &str| index.schema().get_field(name).map_err(|error| failed("reading its schema", error));
        let (document, words) = (field("document")?, field("words")?);
        let generation = committed_generation(&index)?;
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()
            .map_err(|error| failed("reading its segments", error))?;
        Ok(TextIndex { path: path.to_owned(), index, reader, generation, document, words })
    }

    /// Removes what is in the folder and begins with an empty index of generation 0. What was there is whole or gone at
    /// any moment.
    ///
    /// # Errors
    /// If the folder cannot be removed or made.
    pub fn recreate(path: &Path) -> Result<Self, IndexError> {
        folder::remove(path)?;
        Self::open(path)
    }

    /// Looks at the latest commit.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn reload(&mut self) -> Result<(), IndexError> {
        // If the generation is the same before and after, what was read in between is of that generation.
        for _ in 0..RELOADS {
            let generation = committed_generation(&self.index)?;
            guarded("reading its segments", || {
                self.reader.reload().map_err(|error| failed("reading its segments", error))
            })?;
            if committed_generation(&self.index)? == generation {
                self.generation = generation;
                return Ok(());
            }
        }
        Err(failed("reading its segments", "it is committed to all the time"))
    }

    /// The generation of the commit that is looked at.
    pub fn payload_generation(&self) -> u64 {
        self.generation
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many contacts have words in it.
    pub fn documents(&self) -> u64 {
        self.reader.searcher().num_docs()
    }

    /// What it knows now, for a snapshot whose dirty set is this: all contacts whose words changed since the
    /// generation.
    pub fn snapshot(&self, dirty: RoaringBitmap) -> TextSnapshot {
        TextSnapshot { searcher: self.reader.searcher(), words: self.words, dirty }
    }

    /// Replaces the words of these contacts, `None` for one that is gone, and commits with this generation.
    ///
    /// Runs on all cores if there are many, in bounded memory. Nothing is visible, here or elsewhere, if it fails; here
    /// it is visible after [`TextIndex::reload`].
    ///
    /// # Errors
    /// If another process is indexing, or the folder cannot be written.
    pub fn index_documents<V: ContactView>(
        &self,
        documents: impl IntoIterator<Item = (DocumentNumber, Option<V>)>,
        kinds: &FieldKinds,
        generation: u64,
    ) -> Result<u64, IndexError> {
        let documents = documents.into_iter();
        let is_small = documents.size_hint().1.is_some_and(|most| most <= SMALL_BATCH);
        let threads = if is_small { 1 } else { rayon::current_num_threads().clamp(1, 8) };
        folder::remove_leftovers(&self.index, &self.path)?;
        let mut writer = match self.writer(threads) {
            // There may be fewer threads to be had.
            Err(_) if threads > 1 => self.writer(1)?,
            writer => writer?,
        };
        let is_empty = self.documents() == 0;
        let mut indexed = 0;
        for (document, view) in documents {
            if !is_empty {
                writer.delete_term(Term::from_field_u64(self.document, u64::from(document.0)));
            }
            if let Some(row) = view.and_then(|view| self.row(document, &view, kinds)) {
                writer.add_document(row).map_err(|error| failed("adding a contact", error))?;
                indexed += 1;
            }
        }
        let mut commit = writer.prepare_commit().map_err(|error| failed("writing", error))?;
        commit.set_payload(&generation.to_string());
        commit.commit().map_err(|error| failed("committing", error))?;
        writer.wait_merging_threads().map_err(|error| failed("merging", error))?;
        Ok(indexed)
    }

    /// Writes every segment anew that holds words of contacts which were deleted or have other words now, and removes the
    /// files that held them: after this no file has a word that no contact has.
    ///
    /// Cost: those segments are read and written; often that is the whole index.
    ///
    /// # Errors
    /// If another process is indexing, or the folder cannot be written.
    pub fn purge(&mut self) -> Result<(), IndexError> {
        folder::remove_leftovers(&self.index, &self.path)?;
        let mut writer = self.writer(1)?;
        writer.set_merge_policy(Box::new(NoMergePolicy));
        let segments = self.index.searchable_segment_metas().map_err(|error| failed("reading its segments", error))?;
        for segment in segments.iter().filter(|segment| segment.has_deletes()) {
            writer.merge(&[segment.id()]).wait().map_err(|error| failed("merging", error))?;
        }
        drop(segments);
        // What a reader has open counts as needed.
        self.reload()?;
        writer.garbage_collect_files().wait().map_err(|error| failed("removing old files", error))?;
        Ok(())
    }

    fn writer(&self, threads: usize) -> Result<IndexWriter, IndexError> {
        let options = IndexWriterOptions::builder()
            .num_worker_threads(threads)
            .memory_budget_per_thread(memory::count(4 * threads as u64, 1, MEMORY_PER_THREAD).max(LEAST_PER_THREAD))
            .num_merge_threads(1)
            .build();
        self.index.writer_with_options(options).map_err(|error| match error {
            TantivyError::LockFailure(..) => {
                IndexError::Text("another process is indexing text; try again when it is done".to_owned())
            }
            error => failed("beginning to write", error),
        })
    }

    /// A contact as it is indexed; `None` if it has no texts.
    fn row<V: ContactView>(&self, document: DocumentNumber, view: &V, kinds: &FieldKinds) -> Option<TantivyDocument> {
        let mut row = TantivyDocument::new();
        texts(view, kinds).for_each(|(field, value)| row.add_text(self.words, tagged(field, value.text)));
        row.field_values().next()?;
        row.add_u64(self.document, u64::from(document.0));
        Some(row)
    }
}

/// The fields of a contact whose words are indexed.
fn texts<'v, V: ContactView>(
    view: &'v V,
    kinds: &'v FieldKinds,
) -> impl Iterator<Item = (FieldId, FieldValueRef<'v>)> + 'v {
    let is_text =
        |field, value: &FieldValueRef<'_>| value.typed == TypedValue::Text && kinds.kind(field) == FieldType::Text;
    view.fields().filter(move |(field, value)| is_text(*field, value))
}

/// Every word that the index must have for a contact, as it is stored there, with how often it occurs.
pub fn expected_words<V: ContactView>(view: &V, kinds: &FieldKinds) -> BTreeMap<String, u32> {
    let mut expected = BTreeMap::new();
    for (field, value) in texts(view, kinds) {
        words::for_each_word(value.text, |word| *expected.entry(term_text(field, word)).or_default() += 1);
    }
    expected
}

/// Tantivy trusts its files: bytes that are wrong can make it panic. Whatever it was asked is not answered then.
fn guarded<T>(doing: &str, work: impl FnOnce() -> Result<T, IndexError>) -> Result<T, IndexError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(failed(doing, "its files are damaged")))
}

/// The generation in the payload of the latest commit; 0 if nothing was committed.
fn committed_generation(index: &Index) -> Result<u64, IndexError> {
    let metas = index.load_metas().map_err(|error| failed("reading its metadata", error))?;
    Ok(metas.payload.and_then(|payload| payload.parse().ok()).unwrap_or(0))
}

/// A word of a field, as a term.
fn term_text(field: FieldId, word: &str) -> String {
    tagged(field, tokens::cut(word))
}

/// What the text index knows, at one moment, and for whom it does not.
pub struct TextSnapshot {
    searcher: Searcher,
    words: Field,
    dirty: RoaringBitmap,
}

impl TextSnapshot {
    /// Reads everything: the checksums of all files, and then each word of each contact, with how often it occurs in it.
    ///
    /// # Errors
    /// If a file is damaged, with its name.
    pub fn verify(&self, mut visit: impl FnMut(&[u8], DocumentNumber, u32)) -> Result<(), IndexError> {
        guarded("checking it", || {
            let damaged =
                self.searcher.index().validate_checksum().map_err(|error| failed("checking its files", error))?;
            if let Some(file) = damaged.iter().min() {
                return Err(failed("checking its files", format!("{} is damaged", file.display())));
            }
            self.each_word(&mut visit).map_err(|error| failed("reading its words", error))
        })
    }

    /// Every word of the dictionaries, whether anybody has it or not.
    #[cfg(test)]
    pub(super) fn stored_words(&self) -> tantivy::Result<std::collections::BTreeSet<String>> {
        let mut found = std::collections::BTreeSet::new();
        for segment in self.searcher.segment_readers() {
            let words = segment.inverted_index(self.words)?;
            let mut terms = words.terms().stream()?;
            while let Some((term, _)) = terms.next() {
                found.insert(String::from_utf8_lossy(term).into_owned());
            }
        }
        Ok(found)
    }

    fn each_word(&self, visit: &mut impl FnMut(&[u8], DocumentNumber, u32)) -> tantivy::Result<()> {
        for segment in self.searcher.segment_readers() {
            let numbers = segment.fast_fields().u64("document")?;
            let words = segment.inverted_index(self.words)?;
            let mut terms = words.terms().stream()?;
            while let Some((term, info)) = terms.next() {
                let mut postings = words.read_postings_from_terminfo(info, IndexRecordOption::WithFreqs)?;
                while postings.doc() != TERMINATED {
                    let doc = postings.doc();
                    if !segment.is_deleted(doc)
                        && let Some(number) = numbers.first(doc)
                    {
                        visit(term, DocumentNumber(number as u32), postings.term_freq());
                    }
                    postings.advance();
                }
            }
        }
        Ok(())
    }

    /// The most words that begin so in any segment.
    fn most_words(&self, prefix: &str) -> tantivy::Result<u32> {
        let mut most = 0;
        for segment in self.searcher.segment_readers() {
            let words = segment.inverted_index(self.words)?;
            let mut terms = words.terms().range().ge(prefix.as_bytes());
            if let Some(high) = &KeySpan::prefix(prefix.as_bytes()).high {
                terms = terms.lt(high);
            }
            let mut terms = terms.into_stream()?;
            let mut count = 0;
            while terms.advance() {
                count += 1;
            }
            most = most.max(count);
        }
        Ok(most)
    }
}

impl TextSource for TextSnapshot {
    /// Rows answer where the files turn out to be damaged: slower, and as right.
    fn field_words(&self, field: FieldId, wanted: &WordMatch) -> Result<Option<BlockSets>, IndexError> {
        Ok(guarded("searching", || self.search(field, wanted)).unwrap_or(None))
    }

    fn dirty(&self) -> &RoaringBitmap {
        &self.dirty
    }
}

impl TextSnapshot {
    fn search(&self, field: FieldId, wanted: &WordMatch) -> Result<Option<BlockSets>, IndexError> {
        let (WordMatch::All(list) | WordMatch::Phrase(list) | WordMatch::Prefix(list)) = wanted;
        if list.is_empty() || list.iter().any(|word| word.len() >= MAX_WORD_BYTES) {
            return Ok(None);
        }
        let terms = || list.iter().map(|word| Term::from_field_text(self.words, &term_text(field, word)));
        let single = |term: Term| Box::new(TermQuery::new(term, IndexRecordOption::Basic)) as Box<dyn Query>;
        let query: Box<dyn Query> = match wanted {
            WordMatch::All(_) => Box::new(BooleanQuery::intersection(terms().map(single).collect())),
            WordMatch::Phrase(list) if list.len() == 1 => {
                Box::new(BooleanQuery::intersection(terms().map(single).collect()))
            }
            WordMatch::Phrase(_) => Box::new(PhraseQuery::new(terms().collect())),
            WordMatch::Prefix(_) => {
                let last = list.last().map_or("", |word| word.as_ref());
                let words = self.most_words(&term_text(field, last)).map_err(|error| failed("searching", error))?;
                let mut query = PhrasePrefixQuery::new(terms().collect());
                // It stops at 50 words unless told, and makes room for as many as it is told.
                query.set_max_expansions(words.max(1));
                Box::new(query)
            }
        };
        let found = self.searcher.search(&query, &BlockCollector).map_err(|error| failed("searching", error))?;
        Ok(Some(found))
    }
}

/// Collects document numbers into sets by block, through the fast field.
struct BlockCollector;

struct BlockSegment {
    numbers: Column<u64>,
    sets: BlockSets,
    last: Option<(Block, Box<Words>)>,
}

impl Collector for BlockCollector {
    type Fruit = BlockSets;
    type Child = BlockSegment;

    fn for_segment(&self, _ordinal: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<BlockSegment> {
        let numbers = segment.fast_fields().u64("document")?;
        Ok(BlockSegment { numbers, sets: FxHashMap::default(), last: None })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<BlockSets>) -> tantivy::Result<BlockSets> {
        let mut all = BlockSets::default();
        for (block, set) in segments.into_iter().flatten() {
            match all.entry(block) {
                std::collections::hash_map::Entry::Occupied(mut there) => bits::or(there.get_mut(), &set),
                std::collections::hash_map::Entry::Vacant(slot) => {
                    slot.insert(set);
                }
            }
        }
        Ok(all)
    }
}

impl BlockSegment {
    /// Puts the set that is being filled back among the others.
    fn put_back(&mut self) {
        if let Some((block, set)) = self.last.take() {
            self.sets.insert(block, set);
        }
    }
}

impl SegmentCollector for BlockSegment {
    type Fruit = BlockSets;

    fn collect(&mut self, doc: DocId, _score: Score) {
        let Some(number) = self.numbers.first(doc) else { return };
        let document = DocumentNumber(number as u32);
        // Neighbours are mostly of one block.
        if self.last.as_ref().is_none_or(|(block, _)| *block != document.block()) {
            self.put_back();
            let set = self.sets.remove(&document.block()).unwrap_or_else(|| Box::new([0; WORDS]));
            self.last = Some((document.block(), set));
        }
        if let Some((_, set)) = &mut self.last {
            bits::insert(set, document.offset());
        }
    }

    fn harvest(mut self) -> BlockSets {
        self.put_back();
        self.sets
    }
}
