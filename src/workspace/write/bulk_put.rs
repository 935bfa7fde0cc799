//! Many contacts at once, as imports give them: each is made or patched in parallel as if it were the only one, and then
//! taken in its turn if the ones before it did not touch what that relied on.

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::contact::Contact;
use crate::ids::{DocumentNumber, Uuid};
use crate::store::{StoreError, open_row};
use crate::value::{Instant, Urn};
use crate::workspace::error::WorkspaceError;
use crate::workspace::write::bulk::{Outcomes, WORTH_SPLITTING};
use crate::workspace::write::change::{ContactPatch, ContactRef};
use crate::workspace::write::rejection::Omissions;
use crate::workspace::write::staging::{Staged, Staging};
use crate::workspace::write::transition::Transition;
use crate::workspace::write::writer::Writer;

/// Who holds addresses, of those that patches mention, before the first of them is taken.
type Holders = FxHashMap<String, DocumentNumber>;

impl Writer<'_> {
    /// Creates or patches contacts, each of which sees the ones before it: the same as [`Writer::put`] for each, and
    /// several times faster for thousands of them.
    ///
    /// # Errors
    /// As for [`Writer::apply_all`].
    pub fn put_all(&mut self, patches: &[ContactPatch]) -> Result<Outcomes<()>, WorkspaceError> {
        if patches.len() < WORTH_SPLITTING {
            return patches.iter().map(|patch| self.put_now(patch)).collect();
        }
        let holders = self.holders(patches)?;
        let known = self.known(patches, &holders)?;
        let (transition, now) = (self.transition(), self.now());
        let prepared: Vec<Option<Prepared>> = patches
            .par_iter()
            .zip(known)
            .map(|(patch, known)| match known {
                Known::Nobody => Prepared::new(patch, &transition, now, &holders),
                Known::Stored(document, staged) => Prepared::patched(patch, &transition, document, staged, &holders),
                Known::InDoubt => None,
            })
            .collect();
        let mut outcomes = Outcomes::<()>::with_capacity(patches.len());
        for (patch, prepared) in patches.iter().zip(prepared) {
            let is_done = match prepared.filter(|prepared| prepared.still_holds(&self.staging)) {
                Some(prepared) => self.take_in(prepared)?,
                None => false,
            };
            outcomes.push(if is_done { Ok(()) } else { self.put_now(patch)? });
        }
        Ok(outcomes)
    }

    fn holders(&self, patches: &[ContactPatch]) -> Result<Holders, WorkspaceError> {
        let mut identities: Vec<String> =
            patches.par_iter().flat_map_iter(|patch| patch.addresses().map(Urn::identity)).collect();
        identities.par_sort_unstable();
        identities.dedup();
        let mut holders = Holders::default();
        let mut unknown = Vec::with_capacity(identities.len());
        for identity in identities {
            match self.staging.known_urn(&identity) {
                Some(Some(document)) => drop(holders.insert(identity, document)),
                Some(None) => {}
                None => unknown.push(identity),
            }
        }
        let found = self.txn.view().documents_by_urns(&unknown)?;
        holders.extend(unknown.into_iter().zip(found).filter_map(|(identity, holder)| Some((identity, holder?))));
        Ok(holders)
    }

    /// Whom each patch is about. A contact that several patches are about, or that the batch has touched, is in doubt.
    fn known(&self, patches: &[ContactPatch], holders: &Holders) -> Result<Vec<Known>, WorkspaceError> {
        let by_uuid: Vec<(ContactRef, usize)> =
            patches.iter().enumerate().filter_map(|(at, patch)| Some((ContactRef::Uuid(patch.uuid?), at))).collect();
        let mut found = self.find_all(by_uuid.iter().map(|(reference, at)| (reference, *at)))?;
        for (at, patch) in patches.iter().enumerate().filter(|(_, patch)| patch.uuid.is_none()) {
            let holder = patch.addresses().find_map(|urn| holders.get(&urn.identity()));
            found.extend(holder.map(|&document| (at, document)));
        }
        let mut known: Vec<Known> = patches.iter().map(|_| Known::Nobody).collect();
        found.sort_unstable_by_key(|&(at, document)| (document, at));
        let view = self.txn.view();
        let mut rows = Vec::new();
        for lot in found.chunk_by(|(_, a), (_, b)| a == b) {
            let row = match lot {
                &[(_, document)] if !self.staging.holds(document) => view.row_bytes(document)?,
                _ => None,
            };
            rows.extend(lot.iter().map(|&(at, document)| (at, document, row)));
        }
        let staged = rows.par_iter().map(|&(at, document, bytes)| {
            let row = bytes.map(|bytes| open_row(document, bytes)).transpose()?;
            Ok((at, row.map_or(Known::InDoubt, |row| Known::Stored(document, Box::new(Staged::loaded(&row))))))
        });
        for (at, is) in staged.collect::<Result<Vec<_>, StoreError>>()? {
            if let Some(slot) = known.get_mut(at) {
                *slot = is;
            }
        }
        Ok(known)
    }

    /// Takes in what was prepared and still holds; `false` if there is no document number left.
    fn take_in(&mut self, prepared: Prepared) -> Result<bool, WorkspaceError> {
        let Prepared { becomes, claimed, omissions, .. } = prepared;
        match becomes {
            Becomes::New(contact) => {
                let document = match self.txn.next_document() {
                    Ok(document) => document,
                    Err(StoreError::Exhausted { .. }) => return Ok(false),
                    Err(error) => return Err(error.into()),
                };
                self.staging.create(document, *contact, claimed);
            }
            Becomes::Patched { document, staged, released } => {
                self.staging.put(document, staged);
                self.staging.readdress(document, released, claimed);
            }
        }
        self.omissions.merge(omissions);
        Ok(true)
    }
}

/// Whom a patch is about, before the first is taken.
enum Known {
    Nobody,
    Stored(DocumentNumber, Box<Staged>),
    InDoubt,
}

/// A patch that was carried out as if it were the only one.
struct Prepared {
    becomes: Becomes,
    /// The identity by which it was looked for.
    uuid: Option<Uuid>,
    /// Identities of the addresses by which it was looked for, if it has no identity of its own.
    sought: Vec<String>,
    /// Identities of addresses that it takes.
    claimed: Vec<String>,
    omissions: Omissions,
}

enum Becomes {
    New(Box<Contact>),
    Patched {
        document: DocumentNumber,
        staged: Box<Staged>,
        /// Identities of addresses that it gives up.
        released: Vec<String>,
    },
}

impl Prepared {
    /// `None` if it must wait for its turn: its address is taken, or it has neither identity nor address.
    fn new(patch: &ContactPatch, transition: &Transition<'_>, now: Instant, holders: &Holders) -> Option<Self> {
        let mut contact = Contact::new(patch.uuid.unwrap_or_else(Uuid::random), now);
        let mut omissions = Omissions::default();
        transition.patch(&mut contact, patch, &mut omissions);
        if patch.uuid.is_none() && contact.urns.is_empty() {
            return None;
        }
        let claimed: Vec<String> = contact.urns.iter().map(Urn::identity).collect();
        if claimed.iter().any(|identity| holders.contains_key(identity)) {
            return None;
        }
        let becomes = Becomes::New(Box::new(contact));
        Some(Prepared { becomes, uuid: patch.uuid, sought: sought(patch), claimed, omissions })
    }

    /// `None` if it must wait for its turn: an address is taken.
    fn patched(
        patch: &ContactPatch,
        transition: &Transition<'_>,
        document: DocumentNumber,
        mut staged: Box<Staged>,
        holders: &Holders,
    ) -> Option<Self> {
        let before = staged.after.as_ref()?;
        let mut after = before.clone();
        let mut omissions = Omissions::default();
        transition.patch(&mut after, patch, &mut omissions);
        let (mut released, mut claimed) = (Vec::new(), Vec::new());
        if before.urns != after.urns {
            let old: FxHashSet<String> = before.urns.iter().map(Urn::identity).collect();
            let new: FxHashSet<String> = after.urns.iter().map(Urn::identity).collect();
            released.extend(old.difference(&new).cloned());
            claimed.extend(new.difference(&old).cloned());
            if claimed.iter().any(|identity| holders.contains_key(identity)) {
                return None;
            }
        }
        staged.touched = *before != after;
        staged.after = Some(after);
        let becomes = Becomes::Patched { document, staged, released };
        Some(Prepared { becomes, uuid: patch.uuid, sought: sought(patch), claimed, omissions })
    }

    /// Whether nothing before it in the batch changed whom it is about, or who holds what it takes.
    fn still_holds(&self, staging: &Staging) -> bool {
        let is_same = match &self.becomes {
            Becomes::New(_) => self.uuid.is_none_or(|uuid| staging.known_uuid(uuid).is_none()),
            Becomes::Patched { document, .. } => !staging.holds(*document),
        };
        is_same && self.sought.iter().chain(&self.claimed).all(|identity| staging.known_urn(identity).is_none())
    }
}

fn sought(patch: &ContactPatch) -> Vec<String> {
    if patch.uuid.is_some() { Vec::new() } else { patch.addresses().map(Urn::identity).collect() }
}
