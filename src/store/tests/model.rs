//! Random operations on a store and on plain collections, with commits, aborts and reopenings between.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::new_store;
use crate::contact::{Contact, ContactView};
use crate::ids::{Block, DocumentNumber, FieldId, FlowId, GroupId, Sequence, Uuid};
use crate::schema::{Field, FieldType, Flow};
use crate::sema::query::Dialect;
use crate::store::container::zeros;
use crate::store::samples::contact;
use crate::store::*;
use crate::value::{Instant, Urn};

const GROUPS: u32 = 3;

#[derive(Clone, Debug)]
enum Step {
    /// Insert, replace or delete a contact.
    Contact(usize, Option<Box<Contact>>),
    /// Flip these documents in a group: those that are members leave, the others enter.
    Flip(u32, BTreeSet<u32>),
    Replace(u32, BTreeSet<u32>),
    ReplaceBlock(u32, u16, BTreeSet<u16>),
    FillPending(u32, BTreeSet<u32>),
    Promote(u32),
    DeleteGroup(u32),
    PutGroup(u32, String, Vec<u8>),
    MergeAll,
    TruncateLog(prop::sample::Index),
    MarkDirty(BTreeSet<u32>),
    BeginIndexRun,
    FinishIndexRun,
    Source(String, u64),
    Field(u16, String),
    Tick(i64),
    Commit,
    Abort,
}

/// Documents near both ends of a few blocks, so that steps meet.
fn document() -> impl Strategy<Value = u32> {
    (prop_oneof![Just(0u32), Just(1), Just(7)], prop_oneof![0u32..40, 65_500u32..65_536])
        .prop_map(|(block, offset)| block << 16 | offset)
}

/// Few scattered documents, or a long run that no tail can hold.
fn documents() -> impl Strategy<Value = BTreeSet<u32>> {
    prop_oneof![
        8 => btree_set(document(), 0..30),
        1 => (document(), 1u32..20_000).prop_map(|(first, length)| (first..first + length).collect()),
        1 => (document(), 1u32..9_000).prop_map(|(first, length)| (0..length).map(|at| first + 7 * at).collect()),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let group = || 0..GROUPS;
    prop_oneof![
        4 => (0usize..12, prop::option::weighted(0.8, contact().prop_map(Box::new))).prop_map(|(at, c)| Step::Contact(at, c)),
        6 => (group(), documents()).prop_map(|(group, documents)| Step::Flip(group, documents)),
        1 => (group(), documents()).prop_map(|(group, documents)| Step::Replace(group, documents)),
        1 => (group(), prop_oneof![Just(0u16), Just(1), Just(9)], btree_set(any::<u16>(), 0..20))
            .prop_map(|(group, block, offsets)| Step::ReplaceBlock(group, block, offsets)),
        1 => (group(), documents()).prop_map(|(group, documents)| Step::FillPending(group, documents)),
        1 => group().prop_map(Step::Promote),
        1 => group().prop_map(Step::DeleteGroup),
        1 => (group(), "\\PC{0,8}", vec(any::<u8>(), 0..20)).prop_map(|(group, name, query)| Step::PutGroup(group, name, query)),
        1 => Just(Step::MergeAll),
        1 => any::<prop::sample::Index>().prop_map(Step::TruncateLog),
        2 => documents().prop_map(Step::MarkDirty),
        1 => Just(Step::BeginIndexRun),
        1 => Just(Step::FinishIndexRun),
        1 => (prop_oneof![Just(String::new()), "[a-c]", Just("é".repeat(400))], any::<u64>()).prop_map(|(s, o)| Step::Source(s, o)),
        1 => (0u16..5, "[a-z]{1,5}").prop_map(|(id, key)| Step::Field(id, key)),
        1 => (-50i64..200).prop_map(Step::Tick),
        4 => Just(Step::Commit),
        1 => Just(Step::Abort),
    ]
}

type Members = BTreeMap<u32, BTreeSet<u32>>;

#[derive(Clone, Default)]
struct Model {
    /// Contacts by place in the list of the test, with their document numbers.
    contacts: BTreeMap<usize, (DocumentNumber, Contact)>,
    next_document: u32,
    uuids: BTreeMap<Uuid, DocumentNumber>,
    urns: BTreeMap<String, DocumentNumber>,
    tombstones: BTreeMap<u32, Uuid>,
    members: Members,
    pending: Members,
    groups: BTreeMap<u32, GroupRecord>,
    /// Members of all groups after each entry, with the entry's time.
    log: Vec<(i64, Cause, Members)>,
    horizon: usize,
    current: BTreeSet<u32>,
    flushing: BTreeSet<u32>,
    generation: u64,
    sources: BTreeMap<String, u64>,
    fields: BTreeMap<u16, String>,
    clock: i64,
}

fn bitmap(set: &BTreeSet<u32>) -> RoaringBitmap {
    set.iter().copied().collect()
}

fn list(set: &BTreeSet<u32>) -> Vec<u32> {
    set.iter().copied().collect()
}

fn members(all: &Members, group: u32) -> BTreeSet<u32> {
    all.get(&group).cloned().unwrap_or_default()
}

impl Model {
    /// Logs that the members of a group are now these.
    fn move_to(
        &mut self,
        transaction: &mut Transaction<'_>,
        group: u32,
        after: BTreeSet<u32>,
        cause: Cause,
        apply: bool,
    ) {
        let before = members(&self.members, group);
        let (entered, left) = (list(&(&after - &before)), list(&(&before - &after)));
        let moves = [Moves { group: GroupId(group), entered: &entered, left: &left }];
        let time = Instant::from_micros(self.clock);
        let sequence = if apply {
            transaction.record_moves(time, cause, &moves).unwrap()
        } else {
            transaction.append_log(time, cause, &moves).unwrap()
        };
        self.members.insert(group, after);
        if before != self.members[&group] {
            self.log.push((self.clock, cause, self.members.clone()));
            assert_eq!(sequence, Some(Sequence(self.log.len() as u64)));
        } else {
            assert_eq!(sequence, None);
        }
    }

    fn forget(&mut self, transaction: &mut Transaction<'_>, at: usize) {
        let Some((document, old)) = self.contacts.remove(&at) else { return };
        for urn in &old.urns {
            if self.urns.get(&urn.identity()) == Some(&document) {
                self.urns.remove(&urn.identity());
            }
            transaction.release_urn(&urn.identity(), document).unwrap();
        }
        self.uuids.remove(&old.uuid);
        transaction.release_uuid(old.uuid, document).unwrap();
        assert!(transaction.delete_row(document).unwrap());
        transaction.put_tombstone(document, old.uuid).unwrap();
        self.tombstones.insert(document.0, old.uuid);
    }

    fn store_contact(&mut self, transaction: &mut Transaction<'_>, at: usize, contact: &Contact) {
        let old = self.contacts.get(&at).cloned();
        if self
            .uuids
            .get(&contact.uuid)
            .is_some_and(|&holder| old.as_ref().is_none_or(|(document, _)| *document != holder))
        {
            return;
        }
        let document = match &old {
            Some((document, old)) => {
                for urn in &old.urns {
                    if self.urns.get(&urn.identity()) == Some(document) {
                        self.urns.remove(&urn.identity());
                    }
                    transaction.release_urn(&urn.identity(), *document).unwrap();
                }
                self.uuids.remove(&old.uuid);
                transaction.release_uuid(old.uuid, *document).unwrap();
                *document
            }
            None => transaction.next_document().unwrap(),
        };
        self.next_document = self.next_document.max(document.0 + 1);
        let mut bytes = Vec::new();
        row::encode(document, contact, &mut bytes);
        if old.is_some() {
            assert!(matches!(transaction.insert_row(document, &bytes), Err(StoreError::Conflict { .. })));
            transaction.replace_row(document, &bytes).unwrap();
        } else {
            transaction.insert_row(document, &bytes).unwrap();
        }
        transaction.claim_uuid(contact.uuid, document).unwrap();
        self.uuids.insert(contact.uuid, document);
        for urn in &contact.urns {
            let holder = *self.urns.entry(urn.identity()).or_insert(document);
            let claimed = transaction.claim_urn(&urn.identity(), document);
            assert_eq!(claimed.is_ok(), holder == document);
        }
        self.contacts.insert(at, (document, contact.clone()));
    }

    fn apply(&mut self, transaction: &mut Transaction<'_>, step: &Step) {
        match step {
            Step::Contact(at, None) => self.forget(transaction, *at),
            Step::Contact(at, Some(contact)) => self.store_contact(transaction, *at, contact),
            Step::Flip(group, documents) => {
                let after = &members(&self.members, *group) ^ documents;
                self.move_to(transaction, *group, after, Cause::Change, true);
            }
            Step::Replace(group, documents) => {
                transaction.replace_members(GroupId(*group), &bitmap(documents)).unwrap();
                self.move_to(transaction, *group, documents.clone(), Cause::Edit, false);
            }
            Step::ReplaceBlock(group, block, offsets) => {
                let mut words = zeros();
                offsets.iter().for_each(|&offset| container::set(&mut words, offset));
                transaction.replace_member_blocks(GroupId(*group), [(Block(*block), &*words)]).unwrap();
                let mut after = members(&self.members, *group);
                after.retain(|&document| DocumentNumber(document).block() != Block(*block));
                after.extend(offsets.iter().map(|&offset| Block(*block).document(offset).0));
                self.move_to(transaction, *group, after, Cause::Edit, false);
            }
            Step::FillPending(group, documents) => {
                let before = members(&self.pending, *group);
                let (entered, left) = (list(&(documents - &before)), list(&(&before - documents)));
                transaction.apply_members(MemberSet::Pending(GroupId(*group)), &entered, &left).unwrap();
                self.pending.insert(*group, documents.clone());
            }
            Step::Promote(group) => {
                transaction.promote_members(GroupId(*group)).unwrap();
                let after = self.pending.remove(group).unwrap_or_default();
                self.move_to(transaction, *group, after, Cause::Edit, false);
            }
            Step::DeleteGroup(group) => {
                let was = self.groups.remove(group).is_some();
                assert_eq!(transaction.delete_group(GroupId(*group)).unwrap(), was);
                self.pending.remove(group);
                self.move_to(transaction, *group, BTreeSet::new(), Cause::Edit, false);
            }
            Step::PutGroup(group, name, query) => {
                let query = StoredQuery { dialect: Dialect::ContactQl, bytes: query.clone() };
                let mut record =
                    GroupRecord::smart(Uuid([7; 16]), name.clone(), query.clone(), Instant::from_micros(5));
                if name.len() % 2 == 0 {
                    record.status = GroupStatus::Invalid;
                    record.reason = Some("a field was deleted".to_owned());
                    record.active = Some(StoredQuery { dialect: Dialect::Extended, ..query });
                    record.pending = None;
                    record.filled_to = 77;
                }
                transaction.put_group(GroupId(*group), &record).unwrap();
                self.groups.insert(*group, record);
            }
            Step::MergeAll => {
                transaction.merge_all_members().unwrap();
                assert_eq!(transaction.merge_all_members().unwrap(), 0, "there is nothing left to merge");
            }
            Step::TruncateLog(at) => {
                let at = at.index(self.log.len() + 1);
                transaction.truncate_log(Sequence(at as u64)).unwrap();
                self.horizon = self.horizon.max(at);
            }
            Step::MarkDirty(documents) => {
                transaction.mark_dirty(&list(documents)).unwrap();
                self.current.extend(documents);
            }
            Step::BeginIndexRun => {
                transaction.begin_index_run().unwrap();
                self.flushing.append(&mut self.current);
            }
            Step::FinishIndexRun => {
                assert!(transaction.finish_index_run(self.generation).is_err());
                self.generation += 1;
                transaction.finish_index_run(self.generation).unwrap();
                self.flushing.clear();
            }
            Step::Source(source, offset) => {
                transaction.put_source_offset(source, *offset).unwrap();
                self.sources.insert(source.clone(), *offset);
            }
            Step::Field(id, key) => {
                let field =
                    Field { id: FieldId(*id), key: key.clone(), name: "Name".to_owned(), kind: FieldType::Ward };
                transaction.put_field(&field).unwrap();
                let flow = Flow { id: FlowId(u32::from(*id)), uuid: Uuid([3; 16]), name: key.clone() };
                transaction.put_flow(&flow).unwrap();
                self.fields.insert(*id, key.clone());
            }
            Step::Tick(by) => {
                transaction.advance_clock(Instant::from_micros(self.clock + by));
                self.clock = self.clock.max(self.clock + by);
            }
            Step::Commit | Step::Abort => {}
        }
    }

    fn compare(&self, view: View<'_>) {
        self.compare_contacts(view);
        self.compare_members(view);
        self.compare_log(view);
        let state = view.state();
        assert_eq!(state.clock, Instant::from_micros(self.clock));
        assert_eq!((state.generation, state.next_document), (self.generation, self.next_document));
        assert_eq!(view.dirty().unwrap(), bitmap(&(&self.current | &self.flushing)));
        assert_eq!(view.flushing().unwrap(), bitmap(&self.flushing));
        for (source, &offset) in &self.sources {
            assert_eq!(view.source_offset(source).unwrap(), Some(offset));
        }
        assert_eq!(view.source_offset("never").unwrap(), None);
        let schema = view.schema().unwrap();
        assert_eq!(schema.fields().len(), self.fields.len());
        for (&id, key) in &self.fields {
            assert_eq!(&schema.field_by_id(FieldId(id)).unwrap().key, key);
            assert_eq!(&schema.flow_by_id(FlowId(u32::from(id))).unwrap().name, key);
        }
        assert_eq!(schema.groups().len(), self.groups.len());
        let groups: Vec<_> = view.groups().unwrap().map(Result::unwrap).collect();
        assert_eq!(groups, self.groups.iter().map(|(&id, record)| (GroupId(id), record.clone())).collect::<Vec<_>>());
        assert_eq!(state.groups, self.groups.len() as u64);
    }

    fn compare_contacts(&self, view: View<'_>) {
        let mut expected: Vec<_> = self.contacts.values().cloned().collect();
        expected.sort_by_key(|(document, _)| *document);
        let rows: Vec<_> =
            view.checked_rows().unwrap().map(|row| row.map(|(d, row)| (d, row.to_contact())).unwrap()).collect();
        assert_eq!(rows, expected);
        for (document, contact) in &expected {
            assert_eq!(&view.row(*document).unwrap().unwrap().to_contact(), contact);
        }
        assert_eq!(view.rows_of_block(Block(0)).unwrap().len(), expected.len());
        let mut uuids: Vec<_> = self.uuids.iter().map(|(&uuid, &document)| (uuid_hash(uuid), document)).collect();
        uuids.sort();
        assert_eq!(view.uuids().unwrap().map(Result::unwrap).collect::<Vec<_>>(), uuids);
        for (&uuid, document) in &self.uuids {
            assert_eq!(view.document_by_uuid(uuid).unwrap(), Some(*document));
        }
        let mut urns: Vec<_> = self.urns.iter().map(|(identity, &document)| (urn_hash(identity), document)).collect();
        urns.sort();
        assert_eq!(view.urns().unwrap().map(Result::unwrap).collect::<Vec<_>>(), urns);
        for (identity, document) in &self.urns {
            assert_eq!(view.document_by_urn(identity).unwrap(), Some(*document));
        }
        for (&document, &uuid) in &self.tombstones {
            assert_eq!(view.tombstone(DocumentNumber(document)).unwrap(), Some(uuid));
        }
        assert_eq!(view.tombstones().unwrap().count(), self.tombstones.len());
        let state = view.state();
        let counts = [self.contacts.len(), self.urns.len(), self.tombstones.len()].map(|count| count as u64);
        assert_eq!([state.contacts, state.urns, state.tombstones], counts);
    }

    fn compare_members(&self, view: View<'_>) {
        for group in 0..GROUPS {
            let id = GroupId(group);
            for (set, all) in [(MemberSet::Active(id), &self.members), (MemberSet::Pending(id), &self.pending)] {
                let expected = members(all, group);
                assert_eq!(view.members(set).unwrap(), bitmap(&expected));
                assert_eq!(view.member_count(set).unwrap(), expected.len() as u64);
                for probe in
                    expected.iter().take(3).chain(expected.iter().rev().take(3)).copied().chain([0, 65_536, 458_752])
                {
                    assert_eq!(view.is_member(set, DocumentNumber(probe)).unwrap(), expected.contains(&probe));
                }
                let mut words = zeros();
                container::set(&mut words, 3);
                for block in [0, 1, 7, 9].map(Block) {
                    view.members_in_block(set, block, &mut words).unwrap();
                    let range = block.document(0).0..=block.document(u16::MAX).0;
                    let mut found = Vec::new();
                    container::each(&words, |offset| found.push(block.document(offset).0));
                    assert_eq!(found, expected.range(range).copied().collect::<Vec<_>>());
                }
            }
        }
        assert!(view.member_containers().unwrap().all(|container| container.is_ok()));
        assert!(view.member_tails().unwrap().all(|tail| tail.is_ok()));
    }

    fn compare_log(&self, view: View<'_>) {
        let state = view.state();
        assert_eq!((state.sequence, state.horizon), (Sequence(self.log.len() as u64), Sequence(self.horizon as u64)));
        let entries: Vec<_> = view.log_since(Sequence(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(entries.len(), self.log.len() - self.horizon);
        let empty = Members::new();
        let mut replayed: BTreeMap<u32, RoaringBitmap> =
            (0..GROUPS).map(|group| (group, view.members(MemberSet::Checkpoint(GroupId(group))).unwrap())).collect();
        let at_horizon = self.horizon.checked_sub(1).map_or(&empty, |at| &self.log[at].2);
        for (at, entry) in entries.iter().enumerate() {
            let at = at + self.horizon;
            let (time, cause, _) = &self.log[at];
            assert_eq!((entry.sequence, entry.cause), (Sequence(at as u64 + 1), *cause));
            assert_eq!(entry.time, Instant::from_micros(*time));
            let before = at.checked_sub(1).map_or(&empty, |at| &self.log[at].2);
            assert_eq!(entry.groups().count(), 1);
            for group in entry.groups() {
                let (old, new) = (members(before, group.group.0), members(&self.log[at].2, group.group.0));
                assert_eq!(group.entered().collect::<Vec<_>>(), list(&(&new - &old)));
                assert_eq!(group.left().collect::<Vec<_>>(), list(&(&old - &new)));
                assert_eq!(
                    (group.entered_count, group.left_count),
                    ((&new - &old).len() as u32, (&old - &new).len() as u32)
                );
                assert_eq!(entry.group(group.group).map(|same| same.left_count), Some(group.left_count));
                let members = replayed.get_mut(&group.group.0).unwrap();
                *members |= group.entered().collect::<RoaringBitmap>();
                *members -= group.left().collect::<RoaringBitmap>();
            }
        }
        for group in 0..GROUPS {
            assert_eq!(replayed[&group], bitmap(&members(&self.members, group)), "the log sums up to the members");
            let as_of = view.members_as_of(GroupId(group), state.horizon).unwrap().unwrap();
            assert_eq!(as_of, bitmap(&members(at_horizon, group)));
        }
        if let Some(middle) = (self.horizon > 0).then(|| Sequence(self.horizon as u64 - 1)) {
            assert_eq!(view.members_as_of(GroupId(0), middle).unwrap(), None);
        }
        for (at, (time, _, _)) in self.log.iter().enumerate().skip(self.horizon) {
            let last = self.log.iter().rposition(|(other, _, _)| other <= time).unwrap() + 1;
            assert_eq!(view.sequence_at(Instant::from_micros(*time)).unwrap(), Some(Sequence(last as u64)));
            assert!(last > at);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_store_is_its_collections(steps in vec(step(), 1..50)) {
        let (_folder, store) = new_store();
        let mut committed = Model::default();
        let mut model = committed.clone();
        let mut commits = 0;
        let mut transaction = Some(store.write().unwrap());
        for step in &steps {
            model.apply(transaction.as_mut().unwrap(), step);
            match step {
                Step::Commit => {
                    model.compare(transaction.as_ref().unwrap().view());
                    commits += 1;
                    prop_assert_eq!(transaction.take().unwrap().commit().unwrap(), commits);
                    committed = model.clone();
                }
                Step::Abort => {
                    drop(transaction.take());
                    model = committed.clone();
                }
                _ => continue,
            }
            transaction = Some(store.write().unwrap());
            committed.compare(store.read().unwrap().view());
            store.read().unwrap().view().audit(|wrong| panic!("{wrong:?}")).unwrap();
            prop_assert_eq!(store.check_pages().unwrap(), Vec::<String>::new());
        }
        model.compare(transaction.as_ref().unwrap().view());
        drop(transaction);
        let path = store.folder().to_owned();
        drop(store);
        committed.compare(Store::open(&path).unwrap().read().unwrap().view());
    }
}

#[test]
fn many_claims_are_as_many_single_ones() {
    let (_folder, store) = new_store();
    let mut transaction = store.write().unwrap();
    let (mut uuids, mut urns) = (Vec::new(), Vec::new());
    for at in 0..2_000u32 {
        let document = transaction.next_document().unwrap();
        let mut contact =
            Contact::new(Uuid([at.to_be_bytes(); 4].concat().try_into().unwrap()), Instant::from_micros(0));
        contact.urns = vec![Urn::parse(&format!("tel:+25078800{at:04}")).unwrap()];
        let mut bytes = Vec::new();
        row::encode(document, &contact, &mut bytes);
        transaction.insert_row(document, &bytes).unwrap();
        uuids.push((contact.uuid, document));
        urns.push((contact.urns[0].identity(), document));
    }
    for some in [&uuids[..10], &uuids[5..1_500], &uuids[..]] {
        transaction.claim_uuids(some).unwrap();
    }
    for some in [&urns[..10], &urns[5..1_500], &urns[..]] {
        transaction.claim_urns(some).unwrap();
    }
    assert_eq!(transaction.view().state().urns, 2_000);
    let view = transaction.view();
    assert!(uuids.iter().all(|(uuid, document)| view.document_by_uuid(*uuid).unwrap() == Some(*document)));
    assert!(urns.iter().all(|(identity, document)| view.document_by_urn(identity).unwrap() == Some(*document)));
    assert_eq!((view.uuids().unwrap().count(), view.urns().unwrap().count()), (2_000, 2_000));
    let of_another = [(urns[7].0.clone(), DocumentNumber(8))];
    assert!(matches!(transaction.claim_urns(&of_another), Err(StoreError::Conflict { .. })));
    assert!(matches!(transaction.claim_uuids(&[(uuids[7].0, DocumentNumber(8))]), Err(StoreError::Conflict { .. })));
}
