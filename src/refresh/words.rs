//! Words and substrings that groups look for, each value scanned once for all of them.

use aho_corasick::{AhoCorasick, MatchKind};
use rustc_hash::FxHashMap;

use crate::refresh::program::Slot;
use crate::value::Scheme;
use crate::value::words::{MIN_WORD_BYTES, WORD_LENGTH, cut, for_each_word};

/// Words each of which may be a prefix of a word at hand.
#[derive(Default, Debug)]
pub(super) struct Prefixes {
    slots: FxHashMap<Box<str>, Slot>,
    /// Bit n: some of them has n bytes (63 stands for all longer ones).
    lengths: u64,
}

impl Prefixes {
    pub(super) fn slot(&mut self, word: &str, allocate: impl FnOnce() -> Slot) -> Slot {
        if let Some(&slot) = self.slots.get(word) {
            return slot;
        }
        let slot = allocate();
        self.slots.insert(word.into(), slot);
        self.lengths |= 1 << word.len().min(63);
        slot
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Gives the slots of all that are a prefix of the word.
    fn visit(&self, word: &str, found: &mut Vec<Slot>) {
        for length in 0..=word.len() {
            if self.lengths & 1 << length.min(63) != 0
                && let Some(&slot) = word.get(..length).and_then(|prefix| self.slots.get(prefix))
            {
                found.push(slot);
            }
        }
    }

    /// Gives the slots of all that are a prefix of some word of a name.
    pub(super) fn scan_name(&self, name: &str, found: &mut Vec<Slot>) {
        if !is_plain(name) {
            return for_each_word(name, |word| self.visit(cut(word), found));
        }
        let mut word = [0; WORD_LENGTH];
        for letters in name.as_bytes().split(|&byte| byte == b' ').filter(|letters| letters.len() >= MIN_WORD_BYTES) {
            let length = letters.len().min(WORD_LENGTH);
            for (target, letter) in word.iter_mut().zip(letters) {
                *target = letter.to_ascii_lowercase();
            }
            self.visit(word.get(..length).and_then(|word| std::str::from_utf8(word).ok()).unwrap_or_default(), found);
        }
    }
}

/// Whether a text is ASCII letters and spaces alone: then its words lie between the spaces, and the rules of UAX 29
/// need not be asked. Most names are.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b' ')
}

/// Words, phrases and prefixes that text fields may contain.
#[derive(Default, Debug)]
pub(super) struct FieldWords {
    exact: FxHashMap<Box<str>, Slot>,
    prefixes: Prefixes,
    sequences: Vec<Sequence>,
    /// The sequences that begin with a word.
    by_first: FxHashMap<Box<str>, Vec<usize>>,
}

/// Two or more words in a row, the last perhaps a prefix.
#[derive(Debug)]
struct Sequence {
    words: Box<[Box<str>]>,
    open: bool,
    slot: Slot,
}

impl FieldWords {
    pub(super) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefixes.is_empty() && self.sequences.is_empty()
    }

    /// The slot of "contains this word".
    pub(super) fn word(&mut self, word: &str, allocate: impl FnOnce() -> Slot) -> Slot {
        if let Some(&slot) = self.exact.get(word) {
            return slot;
        }
        let slot = allocate();
        self.exact.insert(word.into(), slot);
        slot
    }

    /// The slot of "contains these words in a row", the last as a prefix if `open`. At least one word.
    pub(super) fn sequence(&mut self, words: &[Box<str>], open: bool, allocate: impl FnOnce() -> Slot) -> Slot {
        if let [word] = words {
            return if open { self.prefixes.slot(word, allocate) } else { self.word(word, allocate) };
        }
        let slot = allocate();
        if let Some(first) = words.first() {
            self.by_first.entry(first.clone()).or_default().push(self.sequences.len());
        }
        self.sequences.push(Sequence { words: words.into(), open, slot });
        slot
    }

    /// Gives the slots of all that the text contains; one may come more than once.
    pub(super) fn scan(&self, text: &str, found: &mut Vec<Slot>) {
        let mut words: Vec<Box<str>> = Vec::new();
        for_each_word(text, |word| {
            found.extend(self.exact.get(word));
            self.prefixes.visit(word, found);
            if !self.sequences.is_empty() {
                words.push(word.into());
            }
        });
        for (at, first) in words.iter().enumerate() {
            for &sequence in self.by_first.get(first).into_iter().flatten() {
                let sequence = &self.sequences[sequence];
                if words.get(at..).is_some_and(|rest| sequence.begins(rest)) {
                    found.push(sequence.slot);
                }
            }
        }
    }
}

impl Sequence {
    fn begins(&self, text: &[Box<str>]) -> bool {
        let last = self.words.len() - 1;
        text.len() >= self.words.len()
            && self.words.iter().zip(text).enumerate().all(|(at, (wanted, word))| {
                if self.open && at == last { word.starts_with(&**wanted) } else { word == wanted }
            })
    }
}

/// Substrings of addresses, of any scheme or of one.
#[derive(Default, Debug)]
pub(super) struct Substrings {
    patterns: Vec<Box<str>>,
    /// For each pattern, the schemes that it is looked for in (`None`: any) and their slots.
    wanted: Vec<Vec<(Option<Scheme>, Slot)>>,
    by_pattern: FxHashMap<Box<str>, usize>,
    automaton: Option<AhoCorasick>,
}

impl Substrings {
    pub(super) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    pub(super) fn slot(&mut self, scheme: Option<&Scheme>, pattern: &str, allocate: impl FnOnce() -> Slot) -> Slot {
        let at = *self.by_pattern.entry(pattern.into()).or_insert_with(|| {
            self.patterns.push(pattern.into());
            self.wanted.push(Vec::new());
            self.patterns.len() - 1
        });
        let slot = allocate();
        self.wanted[at].push((scheme.cloned(), slot));
        slot
    }

    /// Builds the automaton; to be called once all patterns are known. If they are too many for one, each is looked
    /// for by itself.
    pub(super) fn finish(&mut self) {
        if !self.patterns.is_empty() {
            let patterns = self.patterns.iter().map(|pattern| pattern.as_bytes());
            self.automaton = AhoCorasick::builder().match_kind(MatchKind::Standard).build(patterns).ok();
        }
    }

    /// Gives the slots of all that a folded path contains; one may come more than once.
    pub(super) fn scan(&self, scheme: &str, path: &str, found: &mut Vec<Slot>) {
        let mut matched = |pattern: usize| {
            for (wanted, slot) in self.wanted.get(pattern).into_iter().flatten() {
                if wanted.as_ref().is_none_or(|wanted| wanted.as_str() == scheme) {
                    found.push(*slot);
                }
            }
        };
        match &self.automaton {
            Some(automaton) => {
                automaton.find_overlapping_iter(path).for_each(|found| matched(found.pattern().as_usize()));
            }
            None => {
                let contained = self.patterns.iter().enumerate().filter(|(_, pattern)| path.contains(&***pattern));
                contained.for_each(|(at, _)| matched(at));
            }
        }
    }
}
