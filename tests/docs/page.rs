//! Pages and their code blocks.

use std::fs;
use std::path::{Path, PathBuf};

/// A code block.
#[derive(Debug)]
pub(crate) struct Block {
    /// Its kind: the first word after the fence.
    pub(crate) kind: String,
    /// What else stands there.
    pub(crate) detail: String,
    /// The number of its first line, from one.
    pub(crate) line: usize,
    /// Its lines.
    pub(crate) lines: Vec<String>,
}

/// A page of the documentation.
pub(crate) struct Page {
    /// Its name, from the root of the repository.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) blocks: Vec<Block>,
}

impl Page {
    fn read(root: &Path, name: &str) -> Self {
        let path = root.join(name);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut blocks: Vec<Block> = Vec::new();
        let mut is_open = false;
        for (at, line) in text.lines().enumerate() {
            match line.strip_prefix("```") {
                Some(_) if is_open => is_open = false,
                Some(info) => {
                    let (kind, detail) = info.split_once(' ').unwrap_or((info, ""));
                    let (kind, detail) = (kind.to_owned(), detail.to_owned());
                    blocks.push(Block { kind, detail, line: at + 2, lines: Vec::new() });
                    is_open = true;
                }
                None if is_open => blocks.last_mut().unwrap().lines.push(line.to_owned()),
                // A fence that is set in would be a block that nobody runs.
                None => assert!(!line.trim_start().starts_with("```"), "{name}:{}: an indented block", at + 1),
            }
        }
        assert!(!is_open, "{name}: a block without an end");
        Page { name: name.to_owned(), path, blocks }
    }

    /// Where a block stands, for messages.
    pub(crate) fn place(&self, block: &Block) -> String {
        format!("{}:{}", self.name, block.line)
    }
}

/// Every page: those at the root of the repository and those of `docs`.
pub(crate) fn all() -> Vec<Page> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names = Vec::new();
    for folder in ["", "docs/"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".md") {
                names.push(format!("{folder}{name}"));
            }
        }
    }
    names.sort();
    names.iter().map(|name| Page::read(root, name)).collect()
}
