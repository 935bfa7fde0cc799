//! Everything that can go wrong with a workspace.

use crate::diagnostic::Errors;
use crate::index::IndexError;
use crate::schema::FieldType;
use crate::store::StoreError;
use crate::value::urn::UrnError;
use crate::workspace::definitions::settings::SettingsError;
use crate::workspace::write::rejection::Rejection;

/// Why a workspace could not do what it was asked. Nothing was changed, unless the variant says otherwise.
///
/// What matters to a program is asked for by method: whether a change was [refused](WorkspaceError::is_rejected), what
/// is wrong with a [query](WorkspaceError::query), whether the store is [damaged](WorkspaceError::is_damaged).
///
/// ```
/// use headcount::{Code, ContactPatch, Instant, Settings, Workspace};
///
/// # let folder = tempfile::tempdir().unwrap();
/// let workspace = Workspace::create(&folder.path().join("store"), &Settings::default())?;
/// let reader = workspace.reader(Instant::now())?;
/// let error = reader.count("agee > 30").unwrap_err();
/// assert_eq!(error.query().unwrap().first().code, Code::UnknownProperty);
///
/// // A contact that is refused leaves the batch usable.
/// workspace.write(Instant::now(), |batch| {
///     let refused = batch.put(ContactPatch::new().name("Nobody")).unwrap_err();
///     assert!(refused.is_rejected());
///     batch.put(ContactPatch::new().name("Ann").urn("tel:+250788123123")?)
/// })?;
/// assert_eq!(workspace.reader(Instant::now())?.count("name ~ ann")?, 1);
/// # Ok::<(), headcount::Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkspaceError {
    /// The store failed, or is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An index failed, or is damaged.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A query is not valid.
    #[error("{}", errors.first().message)]
    Query {
        /// Its text.
        text: String,
        /// What is wrong with it, the first first.
        errors: Errors,
    },
    /// The environment is not valid.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A text is not an address.
    #[error(transparent)]
    Urn(#[from] UrnError),
    /// A text does not name a contact; what it is instead.
    #[error("{0}")]
    BadReference(String),
    /// Input, such as a file, cannot be read as what it should be.
    #[error(transparent)]
    Input(Box<dyn std::error::Error + Send + Sync>),
    /// The store names a zone that the bundled database does not have.
    #[error("the store is in time zone `{0}`, which this program does not know; use a newer headcount")]
    UnknownTimeZone(String),
    /// The stored query of a group cannot be read.
    #[error("the stored query of group `{0}` cannot be read")]
    DamagedQuery(String),
    /// There is no group of this name.
    #[error("there is no group `{name}`{}", suggestion(near.as_deref()))]
    UnknownGroup {
        /// What was asked for.
        name: String,
        /// A name that is near.
        near: Option<String>,
    },
    /// There is no field of this key.
    #[error("there is no field `{key}`{}", suggestion(near.as_deref()))]
    UnknownField {
        /// What was asked for.
        key: String,
        /// A key that is near.
        near: Option<String>,
    },
    /// There is no such contact.
    #[error("there is no contact {0}")]
    UnknownContact(String),
    /// A group of this name exists.
    #[error("there is already a group named `{0}`")]
    GroupExists(String),
    /// A name that is empty, or longer than 255 characters, or holds a control character.
    #[error("`{0}` cannot be a name: it takes 1 to 255 characters, none of them a control character")]
    BadName(String),
    /// A field key that is not lower-case letters, digits and `_`, or is reserved.
    #[error(
        "`{0}` cannot be a field's key: it takes 1 to 36 lower-case letters, digits and `_`, and is not the name of an \
         attribute or of a kind of address"
    )]
    BadKey(String),
    /// The group is used by these groups, and cannot be deleted.
    #[error("the group `{name}` is used by {}; edit or delete them first", quoted(by))]
    GroupInUse {
        /// The group.
        name: String,
        /// Groups whose queries refer to it.
        by: Vec<String>,
    },
    /// The queries of these groups would refer to each other in a circle.
    #[error("the groups would refer to each other in a circle: {}", .0.join(" → "))]
    GroupCycle(Vec<String>),
    /// Members of a smart group are not added or removed by hand.
    #[error("`{0}` is a smart group: its members follow its query, nobody adds or removes them")]
    SmartGroup(String),
    /// A group whose first query is being filled: it has no other to keep.
    #[error("`{0}` has no query but the one that is being filled")]
    NoOtherQuery(String),
    /// A manual group has no query.
    #[error("`{0}` is a manual group: it has no query")]
    ManualGroup(String),
    /// The field has another type; a change of type derives everything anew.
    #[error("the field `{key}` is of type {from}, not {to}")]
    FieldType {
        /// The field.
        key: String,
        /// Its type.
        from: FieldType,
        /// The type asked for.
        to: FieldType,
    },
    /// The groups would no longer compile.
    #[error("groups would no longer compile:{}", .0.iter().map(|(name, why)| format!(" `{name}` ({why})")).collect::<String>())]
    WouldInvalidate(Vec<(String, String)>),
    /// A contact or a change was refused. It had no effect; the batch goes on.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// A cursor that no `query` gave, or of another query.
    #[error("this cursor belongs to another query, or to none")]
    BadCursor,
    /// The moment asked for lies before the log's horizon.
    #[error("the log reaches back to {0} only")]
    BeforeHorizon(crate::value::Instant),
    /// The text index kept changing while it was opened.
    #[error("the text index kept changing while it was opened; try again")]
    Busy,
    /// The work of the batch gave it up.
    #[error("the batch was given up")]
    Abandoned,
    /// Something in the batch failed between two of its steps, so that nothing of the batch can be kept.
    #[error("a change of this batch failed half-way before, so nothing of the batch is kept")]
    HalfDone,
}

impl WorkspaceError {
    /// Whether a contact or a change was refused: it had no effect, and its batch goes on.
    pub fn is_rejected(&self) -> bool {
        self.rejection().is_some()
    }

    /// Why a contact or a change was refused, if that is what happened.
    pub fn rejection(&self) -> Option<&Rejection> {
        match self {
            WorkspaceError::Rejected(rejection) => Some(rejection),
            _ => None,
        }
    }

    /// Whether stored bytes are not what was written: a check finds all that is damaged, a backup or a repair mends it.
    pub fn is_damaged(&self) -> bool {
        match self {
            WorkspaceError::Store(error) => error.is_damage(),
            WorkspaceError::Index(error) => matches!(error, IndexError::Damaged { .. }),
            WorkspaceError::DamagedQuery(_) => true,
            _ => false,
        }
    }

    /// Whether there is no workspace at the path that was named.
    pub fn is_missing(&self) -> bool {
        matches!(self, WorkspaceError::Store(error) if error.is_missing())
    }

    /// Whether something was asked for by a name that nothing has: a group, a field, a contact.
    pub fn is_unknown(&self) -> bool {
        matches!(
            self,
            WorkspaceError::UnknownGroup { .. }
                | WorkspaceError::UnknownField { .. }
                | WorkspaceError::UnknownContact(_)
        )
    }

    /// Everything that is wrong with a query, if that is what happened.
    pub fn query(&self) -> Option<&Errors> {
        match self {
            WorkspaceError::Query { errors, .. } => Some(errors),
            _ => None,
        }
    }
}

fn suggestion(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
