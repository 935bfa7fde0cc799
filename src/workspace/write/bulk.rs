//! Many changes at once: the work that one line has to do by itself is done in parallel.
//!
//! What comes of it is what [`Writer::apply`] makes of the same lines one after the other. A line is taken apart from
//! its turn only if that can make no difference: it must change one contact that no other line of the lot looks for by
//! something that the lot changes. All other lines keep their turn.

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::ids::DocumentNumber;
use crate::store::{StoreError, open_row};
use crate::workspace::error::WorkspaceError;
use crate::workspace::write::change::{Change, ContactRef, Event};
use crate::workspace::write::rejection::{Omissions, Rejection};
use crate::workspace::write::staging::Staged;
use crate::workspace::write::transition::Transition;
use crate::workspace::write::writer::{Writer, unknown};

/// Lots of fewer lines are taken one after the other.
pub(super) const WORTH_SPLITTING: usize = 16;

/// What came of each line, in order.
pub type Outcomes<T> = Vec<Result<T, Rejection>>;

/// What came of a change that was not refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Applied {
    /// It was applied.
    Done,
    /// Its source had come this far already, so it did nothing.
    SeenBefore,
}

impl Writer<'_> {
    /// Applies changes, each of which sees the ones before it: the same as [`Writer::apply`] for each, and several times
    /// faster for thousands of them, since what they do to different contacts is done in parallel.
    ///
    /// # Errors
    /// If the store fails; the batch is lost then. In the list: why a change was refused.
    pub fn apply_all(&mut self, changes: &[Change]) -> Result<Outcomes<Applied>, WorkspaceError> {
        let mut outcomes: Outcomes<Applied> = changes.iter().map(|_| Ok(Applied::Done)).collect();
        let mut due = Vec::with_capacity(changes.len());
        for (at, (change, outcome)) in changes.iter().zip(&mut outcomes).enumerate() {
            match &change.source {
                Some(source) if !self.advance_source(source)? => *outcome = Ok(Applied::SeenBefore),
                _ => due.push(at),
            }
        }
        let mut refuse = |at: usize, rejection: Rejection| {
            if let Some(outcome) = outcomes.get_mut(at) {
                *outcome = Err(rejection);
            }
        };
        let Split { apart, in_turn } = self.split(changes, due)?;
        for (at, rejection) in self.apply_apart(changes, &apart)? {
            refuse(at, rejection);
        }
        for at in in_turn {
            let Some(change) = changes.get(at) else { continue };
            if let Err(rejection) = self.apply_now(change)? {
                refuse(at, rejection);
            }
        }
        Ok(outcomes)
    }

    /// Which changes can be taken apart.
    ///
    /// A change that creates or deletes a contact, or touches what contacts are found by, keeps its turn, and so do all
    /// changes to a contact that one of those may touch. Whoever is found by an address otherwise than at the beginning
    /// got it from a change that kept its turn, so the beginning tells which contacts these are.
    fn split(&self, changes: &[Change], due: Vec<usize>) -> Result<Split, WorkspaceError> {
        if due.len() < WORTH_SPLITTING {
            return Ok(Split { apart: Vec::new(), in_turn: due });
        }
        let references = due.iter().filter_map(|&at| Some((changes.get(at)?.contact.as_ref()?, at)));
        let found: FxHashMap<usize, DocumentNumber> = self.find_all(references)?.into_iter().collect();
        let mut unsettled = FxHashSet::default();
        let mut settled = Vec::with_capacity(due.len());
        let mut in_turn = Vec::new();
        for at in due {
            let Some(change) = changes.get(at) else { continue };
            let document = found.get(&at).copied();
            match document.filter(|_| keeps_identity(change)) {
                Some(document) => settled.push((document, at)),
                None => {
                    unsettled.extend(document);
                    in_turn.push(at);
                }
            }
        }
        settled.sort_unstable();
        let (held_back, apart): (Vec<_>, Vec<_>) =
            settled.into_iter().partition(|(document, _)| unsettled.contains(document));
        in_turn.extend(held_back.into_iter().map(|(_, at)| at));
        in_turn.sort_unstable();
        Ok(Split { apart, in_turn })
    }

    /// The contacts that references name now, with what came with each; those that name nobody are left out.
    pub(super) fn find_all<'r, K>(
        &self,
        references: impl Iterator<Item = (&'r ContactRef, K)>,
    ) -> Result<Vec<(K, DocumentNumber)>, WorkspaceError> {
        let mut found = Vec::new();
        // What the batch cannot answer, the store is asked at once.
        let ((mut uuids, mut of_uuids), (mut urns, mut of_urns)) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
        for (reference, key) in references {
            match reference {
                ContactRef::Uuid(uuid) => match self.staging.known_uuid(*uuid) {
                    Some(known) => found.extend(known.map(|document| (key, document))),
                    None => {
                        uuids.push(*uuid);
                        of_uuids.push(key);
                    }
                },
                ContactRef::Urn(urn) => {
                    let identity = urn.identity();
                    match self.staging.known_urn(&identity) {
                        Some(known) => found.extend(known.map(|document| (key, document))),
                        None => {
                            urns.push(identity);
                            of_urns.push(key);
                        }
                    }
                }
                ContactRef::Id(_) | ContactRef::Beginning(_) => {
                    found.extend(self.find(reference)?.map(|document| (key, document)));
                }
            }
        }
        let view = self.txn.view();
        let by_uuid = of_uuids.into_iter().zip(view.documents_by_uuids(&uuids)?);
        let by_urn = of_urns.into_iter().zip(view.documents_by_urns(&urns)?);
        found.extend(by_uuid.chain(by_urn).filter_map(|(key, document)| Some((key, document?))));
        Ok(found)
    }

    /// Applies changes, by document and then in order, to one contact after the other in parallel; gives what was
    /// refused.
    fn apply_apart(
        &mut self,
        changes: &[Change],
        apart: &[(DocumentNumber, usize)],
    ) -> Result<Vec<(usize, Rejection)>, WorkspaceError> {
        let lots: Vec<&[(DocumentNumber, usize)]> = apart.chunk_by(|a, b| a.0 == b.0).collect();
        let documents = lots.iter().filter_map(|lot| Some(lot.first()?.0));
        let contacts = self.bring_in(documents)?;
        let transition = self.transition();
        let worked: Vec<Worked> = contacts
            .into_par_iter()
            .zip(&lots)
            .map(|(mut staged, lot)| {
                let (mut refused, mut omissions) = (Vec::new(), Omissions::default());
                for &(_, at) in *lot {
                    let Some(change) = changes.get(at) else { continue };
                    if let Err(rejection) = apply_to(staged.as_deref_mut(), change, &transition, &mut omissions) {
                        refused.push((at, rejection));
                    }
                }
                Worked { staged, refused, omissions }
            })
            .collect();
        let mut all_refused = Vec::new();
        for (lot, Worked { staged, refused, omissions }) in lots.iter().zip(worked) {
            if let (Some(staged), Some((document, _))) = (staged, lot.first()) {
                self.staging.put(*document, staged);
            }
            all_refused.extend(refused);
            self.omissions.merge(omissions);
        }
        Ok(all_refused)
    }

    /// Takes contacts, ascending and each once, out of the batch, or brings them from the store; nothing for one that
    /// neither has.
    pub(super) fn bring_in(
        &mut self,
        documents: impl Iterator<Item = DocumentNumber>,
    ) -> Result<Vec<Option<Box<Staged>>>, WorkspaceError> {
        let view = self.txn.view();
        let mut held = Vec::new();
        for document in documents {
            held.push((document, if self.staging.holds(document) { None } else { view.row_bytes(document)? }));
        }
        let loaded = held.par_iter().map(|&(document, bytes)| {
            let row = bytes.map(|bytes| open_row(document, bytes)).transpose()?;
            Ok(row.map(|row| Box::new(Staged::loaded(&row))))
        });
        let mut contacts: Vec<Option<Box<Staged>>> = loaded.collect::<Result<_, StoreError>>()?;
        for (slot, (document, _)) in contacts.iter_mut().zip(held) {
            if slot.is_none() {
                *slot = self.staging.take(document);
            }
        }
        Ok(contacts)
    }
}

/// A contact after its changes, of which these were refused.
struct Worked {
    /// Nothing if there is no such contact after all.
    staged: Option<Box<Staged>>,
    refused: Vec<(usize, Rejection)>,
    omissions: Omissions,
}

/// Lines, by their place in the lot.
struct Split {
    /// With the contact that each changes, by contact and then in order.
    apart: Vec<(DocumentNumber, usize)>,
    /// In order.
    in_turn: Vec<usize>,
}

/// Whether a change leaves alone that a contact exists and all that it is found by.
fn keeps_identity(change: &Change) -> bool {
    match change.event {
        Event::Urns(_) | Event::Created(_) | Event::Deleted | Event::Patched(_) => false,
        Event::Field { .. }
        | Event::Name(_)
        | Event::Language(_)
        | Event::Status(_)
        | Event::Groups { .. }
        | Event::AddToGroups(_)
        | Event::RemoveFromGroups(_)
        | Event::RemoveFromAllGroups
        | Event::LastSeen(_)
        | Event::Flow(_)
        | Event::RunStarted(_)
        | Event::TicketOpened
        | Event::TicketClosed => true,
    }
}

fn apply_to(
    staged: Option<&mut Staged>,
    change: &Change,
    transition: &Transition<'_>,
    omissions: &mut Omissions,
) -> Result<(), Rejection> {
    let Some((touched, contact)) = staged.and_then(|staged| Some((&mut staged.touched, staged.after.as_mut()?))) else {
        return Err(change.contact.as_ref().map_or(Rejection::NoContact, unknown));
    };
    let mut left_out = Omissions::default();
    if transition.apply(contact, &change.event, &mut left_out)? {
        *touched = true;
        contact.modified_on = change.created_on.or(contact.modified_on);
    }
    omissions.merge(left_out);
    Ok(())
}
