//! Why a change cannot be applied, and what was left out of one that was.

use std::collections::BTreeMap;

use crate::contact::Status;
use crate::value::Urn;

/// Why a change was refused. It had no effect at all.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// No contact has this identity, address or number.
    #[error("there is no contact {0}; import or create it first")]
    UnknownContact(String),
    /// The change does not say whom it is about.
    #[error("the change names no contact; give its uuid or an address")]
    NoContact,
    /// A row of a new contact has neither an identity nor an address.
    #[error("a new contact needs a uuid or an address")]
    NoIdentity,
    /// The address belongs to somebody else.
    #[error("the address {urn} belongs to contact {holder}; take it from them first")]
    UrnTaken {
        /// The address.
        urn: Urn,
        /// The identity of the contact that holds it.
        holder: String,
    },
    /// A contact of this identity exists already.
    #[error("contact {0} exists already")]
    ContactExists(String),
    /// No field has this key.
    #[error("there is no field `{0}`")]
    UnknownField(String),
    /// No group has this name or identity.
    #[error("there is no group `{0}`")]
    UnknownGroup(String),
    /// No flow has this name or identity.
    #[error("there is no flow `{0}`")]
    UnknownFlow(String),
    /// Nobody adds or removes members of a smart group by hand.
    #[error("`{0}` is a smart group: its members follow its query, nobody adds or removes them")]
    SmartGroup(String),
    /// A blocked or stopped contact cannot be added to a group.
    #[error("a {0} contact cannot be added to a group")]
    Inactive(Status),
    /// The workspace holds as many contacts as document numbers can tell apart.
    #[error("the workspace has used all 4,294,967,295 document numbers")]
    Full,
}

/// What was left out of changes that were otherwise applied, with how often.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Omissions {
    /// Fields that the schema does not have.
    pub fields: BTreeMap<String, u64>,
    /// Groups that the workspace does not have.
    pub groups: BTreeMap<String, u64>,
    /// Flows that the workspace does not have.
    pub flows: BTreeMap<String, u64>,
    /// Keys that nothing here knows.
    pub keys: BTreeMap<String, u64>,
    /// Tickets closed that were not open.
    pub tickets: u64,
}

impl Omissions {
    /// Whether nothing was left out.
    pub fn is_empty(&self) -> bool {
        *self == Omissions::default()
    }

    /// Counts one more of `name`.
    pub(crate) fn count(names: &mut BTreeMap<String, u64>, name: &str) {
        match names.get_mut(name) {
            Some(times) => *times += 1,
            None => {
                names.insert(name.to_owned(), 1);
            }
        }
    }

    /// A sentence for each kind, fit for a warning.
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        let kinds = [
            ("unknown field", &self.fields),
            ("unknown group", &self.groups),
            ("unknown flow", &self.flows),
            ("unknown key", &self.keys),
        ];
        for (kind, names) in kinds {
            if names.is_empty() {
                continue;
            }
            let mut by_count: Vec<(&String, &u64)> = names.iter().collect();
            by_count.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
            let total: u64 = names.values().sum();
            let listed: Vec<String> =
                by_count.iter().take(5).map(|(name, times)| format!("`{name}` {times} times")).collect();
            let more = if by_count.len() > 5 { format!(" and {} more", by_count.len() - 5) } else { String::new() };
            sentences.push(format!("left out {total} values of {kind}s: {}{more}", listed.join(", ")));
        }
        if self.tickets > 0 {
            sentences.push(format!("{} tickets were closed that were not open", self.tickets));
        }
        sentences
    }

    /// Adds up the counts of another.
    pub fn merge(&mut self, other: Omissions) {
        for (into, from) in [
            (&mut self.fields, other.fields),
            (&mut self.groups, other.groups),
            (&mut self.flows, other.flows),
            (&mut self.keys, other.keys),
        ] {
            for (name, times) in from {
                *into.entry(name).or_default() += times;
            }
        }
        self.tickets += other.tickets;
    }
}
