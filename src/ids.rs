//! Newtypes for everything that is counted, so that one cannot be taken for another.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty), $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $name(pub $inner);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

id! {
    /// The dense number that stands for a contact in bitmaps. Given out once, in order of arrival; never reused.
    DocumentNumber(u32), "doc"
}
id! {
    /// A group, manual or smart. Never reused within a workspace.
    GroupId(u32), "group"
}
id! {
    /// A custom field. Never reused within a workspace.
    FieldId(u16), "field"
}
id! {
    /// A flow. Never reused within a workspace.
    FlowId(u32), "flow"
}
id! {
    /// An atom of a plan or of a table of atoms: an index into it.
    AtomId(u32), "atom"
}
id! {
    /// The position of a commit in the membership log. The first is 1; 0 means "before all".
    Sequence(u64), "seq"
}
id! {
    /// A run of 65,536 document numbers: those with the same upper 16 bits.
    Block(u16), "block"
}

/// Document numbers in one [`Block`].
pub const BLOCK_SIZE: usize = 1 << 16;

impl DocumentNumber {
    /// The block that holds this document.
    pub fn block(self) -> Block {
        Block((self.0 >> 16) as u16)
    }

    /// The document's place within its block.
    pub fn offset(self) -> u16 {
        self.0 as u16
    }
}

impl Block {
    /// The document at `offset` within this block.
    ///
    /// ```
    /// use headcount::internals::ids::{Block, DocumentNumber};
    /// let document = DocumentNumber(70_000);
    /// assert_eq!(document.block().document(document.offset()), document);
    /// ```
    pub fn document(self, offset: u16) -> DocumentNumber {
        DocumentNumber(u32::from(self.0) << 16 | u32::from(offset))
    }
}

/// The identity of a contact, group or flow on the platform, as 16 bytes. Shown in lower case with hyphens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// Reads the usual forms, in any case; `None` if the text is not one.
    ///
    /// ```
    /// use headcount::internals::ids::Uuid;
    /// let uuid = Uuid::parse("981BF246-8aff-4b76-b668-5e6bd6336027").unwrap();
    /// assert_eq!(uuid.to_string(), "981bf246-8aff-4b76-b668-5e6bd6336027");
    /// assert!(Uuid::parse("bob").is_none());
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        uuid::Uuid::try_parse(text.trim()).ok().map(|parsed| Uuid(parsed.into_bytes()))
    }

    /// Writes the form that is shown, without allocating.
    ///
    /// ```
    /// use headcount::internals::ids::Uuid;
    /// let uuid = Uuid::random();
    /// assert_eq!(uuid.encode(&mut [0; 36]), uuid.to_string());
    /// ```
    pub fn encode(self, buffer: &mut [u8; 36]) -> &str {
        uuid::Uuid::from_bytes(self.0).hyphenated().encode_lower(buffer)
    }

    /// The identity that a name has in a namespace: always the same (RFC 9562, version 5).
    #[cfg(feature = "postgres")]
    pub(crate) fn of_name(namespace: Uuid, name: &str) -> Self {
        Uuid(uuid::Uuid::new_v5(&uuid::Uuid::from_bytes(namespace.0), name.as_bytes()).into_bytes())
    }

    /// A new random identity.
    pub fn random() -> Self {
        Uuid(uuid::Uuid::new_v4().into_bytes())
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).hyphenated().fmt(f)
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
