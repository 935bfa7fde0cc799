//! Every atom, every order and every rule against a plain model: the rows, one after the other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use heed::EnvOpenOptions;
use heed::types::Bytes;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use roaring::RoaringBitmap;

use super::moments::Clock;
use super::*;
use crate::contact::{Contact, FieldValue, Status, TypedValue};
use crate::ids::{AtomId, FieldId, FlowId};
use crate::index::bits;
use crate::index::{AttributeIndex, FieldKinds, IndexError, Policy, RowChange, TextIndex, TextSource};
use crate::model::{Context, Memberships};
use crate::plan::atom::{
    Atom, Expr, LogicalPlan, NumberBound, NumberProperty, TextProperty, TimeBound, TimeProperty, WordMatch,
};
use crate::plan::physical::{Rules, choose};
use crate::schema::FieldType;
use crate::value::calendar::{AnniversaryDay, RelativeTime, Unit};
use crate::value::{Decimal, Instant, Scheme, Urn};

const GENDER: FieldId = FieldId(0);
const AGE: FieldId = FieldId(1);
const BORN: FieldId = FieldId(2);
const DISTRICT: FieldId = FieldId(3);

#[derive(Default)]
struct Model {
    contacts: BTreeMap<DocumentNumber, Contact>,
    groups: BTreeMap<GroupId, RoaringBitmap>,
}

impl Rows for Model {
    type Found<'a> = &'a Contact;
    type View<'a> = ContactRef<'a>;
    fn find(&self, document: DocumentNumber) -> Result<Option<&Contact>, IndexError> {
        Ok(self.contacts.get(&document))
    }
    fn open<'a>(_: DocumentNumber, found: &&'a Contact) -> Result<ContactRef<'a>, IndexError>
    where
        Self: 'a,
    {
        Ok(ContactRef((*found).clone(), std::marker::PhantomData))
    }
    fn by_uuid(&self, uuid: Uuid) -> Result<Option<DocumentNumber>, IndexError> {
        Ok(self.contacts.iter().find(|(_, contact)| contact.uuid == uuid).map(|(document, _)| *document))
    }
}

/// Rows are given in place by stores; a model gives a copy.
struct ContactRef<'a>(Contact, std::marker::PhantomData<&'a ()>);

impl std::ops::Deref for ContactRef<'_> {
    type Target = Contact;
    fn deref(&self) -> &Contact {
        &self.0
    }
}

impl ContactView for ContactRef<'_> {
    fn uuid(&self) -> Uuid {
        self.0.uuid
    }
    fn id(&self) -> Option<&str> {
        self.0.id.as_deref()
    }
    fn reference(&self) -> Option<&str> {
        self.0.reference.as_deref()
    }
    fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }
    fn language(&self) -> Option<&str> {
        self.0.language.as_deref()
    }
    fn status(&self) -> Status {
        self.0.status
    }
    fn urns(&self) -> impl Iterator<Item = crate::contact::UrnRef<'_>> {
        ContactView::urns(&self.0)
    }
    fn groups(&self) -> impl Iterator<Item = GroupId> {
        ContactView::groups(&self.0)
    }
    fn flow(&self) -> Option<FlowId> {
        self.0.flow
    }
    fn history(&self) -> impl Iterator<Item = FlowId> {
        ContactView::history(&self.0)
    }
    fn tickets(&self) -> u32 {
        self.0.tickets
    }
    fn created_on(&self) -> Instant {
        self.0.created_on
    }
    fn modified_on(&self) -> Option<Instant> {
        self.0.modified_on
    }
    fn last_seen_on(&self) -> Option<Instant> {
        self.0.last_seen_on
    }
    fn field(&self, field: FieldId) -> Option<crate::contact::FieldValueRef<'_>> {
        ContactView::field(&self.0, field)
    }
    fn events(&self) -> crate::event::HistoryRef<'_> {
        self.0.events.as_ref()
    }
    fn fields(&self) -> impl Iterator<Item = (FieldId, crate::contact::FieldValueRef<'_>)> {
        ContactView::fields(&self.0)
    }
}

impl Groups for Model {
    fn members(&self, group: GroupId, block: Block, set: &mut Words) -> Result<(), IndexError> {
        for document in self.groups.get(&group).into_iter().flatten().map(DocumentNumber) {
            if document.block() == block {
                bits::insert(set, document.offset());
            }
        }
        Ok(())
    }
    fn members_of_any(&self, block: Block, set: &mut Words) -> Result<(), IndexError> {
        self.groups.keys().try_for_each(|&group| self.members(group, block, set))
    }
}

/// The groups of one contact of the model.
struct GroupsOf<'m>(&'m Model, DocumentNumber);

impl Memberships for GroupsOf<'_> {
    fn is_member(&self, group: GroupId) -> bool {
        self.0.groups.get(&group).is_some_and(|members| members.contains(self.1.0))
    }
    fn in_any_group(&self) -> bool {
        self.0.groups.values().any(|members| members.contains(self.1.0))
    }
}

/// Documents in two dense blocks and a sparse one.
fn document() -> impl Strategy<Value = DocumentNumber> {
    prop_oneof![4 => 0u32..60, 2 => 65_500u32..65_600, 1 => Just(200_000u32)].prop_map(DocumentNumber)
}

fn long(word: &str) -> String {
    format!("{} {word}", "very ".repeat(40))
}

fn names() -> Vec<String> {
    let mut names: Vec<String> =
        ["Bob Smith", "bob", "Ann", "Zoé Ann", "  ", "Émile", "O'Brien Jim", "maximilian"].map(String::from).into();
    names.extend([long("a"), long("b"), long("c"), "very ".repeat(25)]);
    names
}

fn instant() -> impl Strategy<Value = Instant> {
    select(vec![
        "2020-02-29T10:00:00Z",
        "2021-02-28T22:00:00Z",
        "2021-03-01T00:00:00Z",
        "2019-12-31T23:30:00Z",
        "2026-06-15T12:00:00Z",
        "2026-06-14T12:00:00Z",
        "1969-07-20T20:17:00Z",
    ])
    .prop_map(|text| Instant::parse(text).unwrap())
}

fn decimal() -> impl Strategy<Value = Decimal> {
    select(vec!["-3", "0", "0.5", "18", "18.01", "30", "31", "99999999999999999999.5"])
        .prop_map(|text| Decimal::parse(text).unwrap())
}

fn urn() -> impl Strategy<Value = Urn> {
    (select(vec!["tel", "mailto"]), select(vec!["+250788123123", "+250788123", "Bob@X.org", "25078 ", "abc"]))
        .prop_map(|(scheme, path)| Urn::parse(&format!("{scheme}:{path}")).unwrap())
}

fn text_field(values: Vec<&'static str>) -> impl Strategy<Value = Option<FieldValue>> {
    proptest::option::of(select(values).prop_map(|text| FieldValue { text: text.into(), typed: TypedValue::Text }))
}

fn contact() -> impl Strategy<Value = Contact> {
    let fields = (
        text_field(vec!["M", "f", " F ", "good friend of mine", "Mine friend good", "x"]),
        proptest::option::of(prop_oneof![
            decimal()
                .prop_map(|number| FieldValue { text: number.to_string().into(), typed: TypedValue::Number(number) }),
            Just(FieldValue { text: "old".into(), typed: TypedValue::Unconvertible }),
        ]),
        proptest::option::of(
            instant().prop_map(|moment| FieldValue { text: "x".into(), typed: TypedValue::Instant(moment) }),
        ),
        text_field(vec!["Rwanda > Kigali > Gasabo", "gasabo", "Rwanda >"]),
    );
    let parts = (
        any::<[u8; 16]>(),
        proptest::option::of(select(vec!["1", "2", "x7"])),
        proptest::option::of(select(names())),
        proptest::option::of(select(vec!["eng", "fra", "ENG"])),
        select(Status::ALL.to_vec()),
        proptest::collection::vec(urn(), 0..3),
        proptest::option::of((0u32..3).prop_map(FlowId)),
        subsequence(vec![FlowId(0), FlowId(1), FlowId(2)], 0..3),
        0u32..3,
    );
    (parts, instant(), proptest::option::of(instant()), fields).prop_map(|(parts, created, seen, fields)| {
        let (uuid, id, name, language, status, urns, flow, history, tickets) = parts;
        let mut contact = Contact::new(Uuid(uuid), created);
        contact.id = id.map(Into::into);
        contact.reference = id.map(|id| format!("AB{id}").into());
        contact.name = name.map(Into::into);
        contact.language = language.map(Into::into);
        (contact.status, contact.urns, contact.flow, contact.history) = (status, urns, flow, history);
        (contact.tickets, contact.last_seen_on) = (tickets, seen);
        let all = [(GENDER, fields.0), (AGE, fields.1), (BORN, fields.2), (DISTRICT, fields.3)];
        contact.fields = all.into_iter().filter_map(|(id, value)| value.map(|value| (id, value))).collect();
        contact
    })
}

fn texts(values: Vec<&'static str>) -> impl Strategy<Value = Box<[Box<str>]>> {
    let count = values.len();
    subsequence(values, 1..count.min(4)).prop_map(|mut texts| {
        texts.sort_unstable();
        texts.into_iter().map(Box::from).collect()
    })
}

fn atom() -> impl Strategy<Value = Atom> {
    let text_property = || {
        select(vec![
            TextProperty::Id,
            TextProperty::Ref,
            TextProperty::Name,
            TextProperty::Language,
            TextProperty::Urn,
            TextProperty::Scheme(Scheme::new("tel")),
            TextProperty::Scheme(Scheme::new("viber")),
            TextProperty::Field(GENDER),
            TextProperty::Place(DISTRICT),
        ])
    };
    let values = || {
        texts(vec![
            "1",
            "x7",
            "ab1",
            "bob",
            "",
            "eng",
            "fra",
            "+250788123",
            "25078",
            "abc",
            "f",
            "x",
            "gasabo",
            "émile",
        ])
    };
    let number =
        || select(vec![NumberProperty::Tickets, NumberProperty::Field(AGE), NumberProperty::Field(FieldId(9))]);
    let time = || select(vec![TimeProperty::CreatedOn, TimeProperty::LastSeenOn, TimeProperty::Field(BORN)]);
    let bound = || {
        proptest::option::of((decimal(), any::<bool>()).prop_map(|(value, inclusive)| NumberBound { value, inclusive }))
    };
    let relative = || {
        (-800i32..5, select(vec![Unit::Minute, Unit::Hour, Unit::Day, Unit::Week, Unit::Month, Unit::Year]))
            .prop_map(|(amount, unit)| RelativeTime { amount, unit })
    };
    let moment = || {
        proptest::option::of(prop_oneof![
            instant().prop_map(TimeBound::At),
            (relative(), any::<bool>()).prop_map(|(time, after)| TimeBound::Relative { time, after }),
        ])
    };
    let day = || {
        select(vec![(2u8, 28u8), (2, 29), (3, 1), (12, 31), (1, 1), (6, 15)])
            .prop_map(|(month, day)| AnniversaryDay::Fixed { month, day })
    };
    let words = || texts(vec!["good", "friend", "of", "mine", "fri", "x"]);
    prop_oneof![
        4 => (text_property(), values()).prop_map(|(property, values)| Atom::TextIn(property, values)),
        2 => text_property().prop_map(Atom::TextSet),
        1 => (number(), proptest::collection::btree_set(decimal(), 1..4))
            .prop_map(|(property, numbers)| Atom::NumberIn(property, numbers.into_iter().collect())),
        3 => (number(), bound(), bound()).prop_map(|(property, low, high)| Atom::NumberRange(property, low, high)),
        3 => (time(), moment(), moment()).prop_map(|(property, low, high)| Atom::TimeRange(property, low, high)),
        2 => (time(), day(), day()).prop_map(|(property, low, high)| Atom::Anniversary(property, low, high)),
        1 => subsequence(Status::ALL.to_vec(), 1..3).prop_map(|statuses| Atom::StatusIn(statuses.into())),
        1 => subsequence(vec![GroupId(0), GroupId(1), GroupId(2)], 1..3).prop_map(|groups| Atom::GroupIn(groups.into())),
        1 => Just(Atom::GroupSet),
        1 => subsequence(vec![FlowId(0), FlowId(1), FlowId(2)], 1..3).prop_map(|flows| Atom::FlowIn(flows.into())),
        1 => Just(Atom::FlowSet),
        1 => subsequence(vec![FlowId(0), FlowId(1), FlowId(2)], 1..3).prop_map(|flows| Atom::HistoryIn(flows.into())),
        1 => Just(Atom::HistorySet),
        2 => texts(vec!["bo", "ann", "ém", "maximili", "zz", "very"]).prop_map(Atom::NameWords),
        2 => (proptest::option::of(Just(Scheme::new("tel"))), select(vec!["078", "788123", "b@x", "zzz", "123123", "bob@x.org"]))
            .prop_map(|(scheme, part)| Atom::UrnContains(scheme, part.into())),
        1 => words().prop_map(|words| Atom::FieldWords(GENDER, WordMatch::All(words))),
        1 => words().prop_map(|words| Atom::FieldWords(GENDER, WordMatch::Phrase(words))),
        1 => words().prop_map(|words| Atom::FieldWords(GENDER, WordMatch::Prefix(words))),
    ]
}

fn plan() -> impl Strategy<Value = LogicalPlan> {
    proptest::collection::vec(atom(), 1..5).prop_flat_map(|atoms| {
        let leaf = (0..atoms.len() as u32, any::<bool>())
            .prop_map(|(atom, negated)| Expr::Atom { atom: AtomId(atom), negated });
        let leaf = prop_oneof![20 => leaf, 1 => any::<bool>().prop_map(Expr::Constant)];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 2..4).prop_map(Expr::All),
                proptest::collection::vec(inner, 2..4).prop_map(Expr::Any),
            ]
        })
        .prop_map(move |root| LogicalPlan { atoms: atoms.clone(), root })
    })
}

/// A write of some documents: `None` deletes.
type Batch = BTreeMap<DocumentNumber, Option<Contact>>;

fn batches() -> impl Strategy<Value = Vec<Batch>> {
    let change = prop_oneof![4 => contact().prop_map(Some), 1 => Just(None)];
    proptest::collection::vec(proptest::collection::btree_map(document(), change, 0..40), 1..5)
}

fn order() -> impl Strategy<Value = Order> {
    let property = select(vec![
        SortProperty::Name,
        SortProperty::Language,
        SortProperty::Tickets,
        SortProperty::CreatedOn,
        SortProperty::LastSeenOn,
        SortProperty::Field(GENDER),
        SortProperty::Field(AGE),
        SortProperty::Field(BORN),
        SortProperty::Place(DISTRICT),
    ]);
    (property, any::<bool>()).prop_map(|(property, descending)| Order { property, descending })
}

fn policy() -> impl Strategy<Value = Policy> {
    (select(vec![0usize, 8, 256]), select(vec![0usize, 16 << 10]), select(vec![0usize, 3, 1024])).prop_map(
        |(delta_documents, small_base, postings_beside_slices)| Policy {
            delta_documents,
            small_base,
            postings_beside_slices,
        },
    )
}

fn kinds() -> FieldKinds {
    [(GENDER, FieldType::Text), (AGE, FieldType::Number), (BORN, FieldType::Datetime), (DISTRICT, FieldType::District)]
        .into_iter()
        .collect()
}

fn clock() -> Clock {
    Clock {
        now: Instant::parse("2026-06-15T12:00:00Z").unwrap(),
        timezone: jiff::tz::TimeZone::get("Africa/Kigali").unwrap(),
    }
}

#[allow(unsafe_code)]
pub(crate) fn environment(path: &std::path::Path) -> (heed::Env, heed::Database<'static, Bytes, Bytes>) {
    // SAFETY: a fresh folder that nobody else maps.
    let env = unsafe { EnvOpenOptions::new().map_size(1 << 34).max_dbs(2).open(path).unwrap() };
    let wtxn = env.write_txn().unwrap();
    let database = env
        .create_databases_and_commit(wtxn, |opener, wtxn| {
            let database = opener.create_database::<Bytes, Bytes>(wtxn, Some("index"))?;
            Ok::<_, heed::Error>(heed::CommitOrAbort::<_, ()>::Commit(database))
        })
        .unwrap()
        .unwrap_commit();
    (env, database)
}

fn write(index: &AttributeIndex, env: &heed::Env, model: &mut Model, batch: &Batch) {
    let changes: Vec<RowChange<Contact>> = batch
        .iter()
        .map(|(document, after)| RowChange {
            document: *document,
            before: model.contacts.get(document).cloned(),
            after: after.clone(),
        })
        .collect();
    let mut wtxn = env.write_txn().unwrap();
    index.apply(&mut wtxn, &changes).unwrap();
    wtxn.commit().unwrap();
    for (document, after) in batch {
        match after {
            Some(contact) => model.contacts.insert(*document, contact.clone()),
            None => model.contacts.remove(document),
        };
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn answers_are_those_of_the_rows(
        batches in batches(),
        plans in proptest::collection::vec(plan(), 8),
        order in order(),
        page in 1usize..20,
        merged in any::<bool>(),
        with_text in proptest::bool::weighted(0.3),
        policy in policy(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (env, database) = environment(folder.path());
        let index = AttributeIndex::new(database, kinds()).with_policy(policy);
        let clock = clock();
        let mut model = Model::default();
        let mut then = BTreeMap::new();
        let mut dirty = RoaringBitmap::new();
        for (at, batch) in batches.iter().enumerate() {
            write(&index, &env, &mut model, batch);
            if at == 0 {
                then = model.contacts.clone();
            } else {
                dirty.extend(batch.keys().map(|document| document.0));
            }
        }
        if merged {
            let mut wtxn = env.write_txn().unwrap();
            index.merge_all(&mut wtxn).unwrap();
            wtxn.commit().unwrap();
        }
        for (document, contact) in &model.contacts {
            let group = GroupId(contact.tickets);
            model.groups.entry(group).or_default().insert(document.0);
        }
        model.groups.remove(&GroupId(2));
        let text_folder = folder.path().join("text");
        let mut text = TextIndex::open(&text_folder).unwrap();
        if with_text {
            // In two commits, so that the second replaces.
            let (first, second): (Vec<_>, Vec<_>) = then.iter().partition(|(document, _)| document.0 % 2 == 0);
            let all = |list: &[(&DocumentNumber, &Contact)]| {
                list.iter().map(|(document, contact)| (**document, Some((*contact).clone()))).collect::<Vec<_>>()
            };
            text.index_documents(all(&first), &kinds(), 1).unwrap();
            text.reload().unwrap();
            let again: Vec<_> = all(&second).into_iter().chain(all(&first)).collect();
            text.index_documents(again, &kinds(), 2).unwrap();
            text.reload().unwrap();
            prop_assert_eq!(text.payload_generation(), 2);
        }
        let text = text.snapshot(dirty);
        let text: Option<&dyn TextSource> = if with_text { Some(&text) } else { None };
        let rtxn = env.read_txn().unwrap();
        let snapshot =
            Snapshot { index: &index, rtxn: &rtxn, rows: &model, groups: &model, text, clock: clock.clone() };
        for plan in &plans {
            let prepared = Prepared::new(&snapshot, &plan.atoms).unwrap();
            for rules in [Rules::default(), Rules::NONE] {
                let physical = choose(plan, &prepared, rules);
                let matching: Vec<DocumentNumber> = model
                    .contacts
                    .iter()
                    .filter(|(document, contact)| {
                        let memberships = &GroupsOf(&model, **document);
                        plan.evaluate(*contact, &Context { zone: &clock.timezone, now: clock.now, memberships })
                    })
                    .map(|(document, _)| *document)
                    .collect();
                let search = Search::new(&prepared, &physical);
                prop_assert_eq!(search.count().unwrap(), matching.len() as u64, "{:?}", plan);
                let found: Vec<DocumentNumber> = search.collect().unwrap().iter().map(DocumentNumber).collect();
                let numbers: Vec<DocumentNumber> = search.numbers().unwrap().into_iter().map(DocumentNumber).collect();
                prop_assert_eq!(&numbers, &found, "{:?}", plan);
                prop_assert_eq!(&found, &matching);
                let some = search.documents(page / 2, page).unwrap();
                prop_assert_eq!(some, matching.iter().copied().skip(page / 2).take(page).collect::<Vec<_>>());

                let mut sorted: Vec<Position> = matching
                    .iter()
                    .map(|&document| Position { value: order.property.value(&model.contacts[&document]), document })
                    .collect();
                sorted.sort_by(|a, b| {
                    order.compare((a.value.as_deref(), a.document), (b.value.as_deref(), b.document))
                });
                let mut physical = physical;
                for likely in [physical.root.likely, 1 << 40] {
                    // Few matches are read from rows; make both ways run.
                    physical.root.likely = likely;
                    let search = Search::new(&prepared, &physical);
                    let mut paged = Vec::new();
                    loop {
                        let next = search.page(order, paged.last(), 0, page).unwrap();
                        let short = next.len() < page;
                        paged.extend(next);
                        if short {
                            break;
                        }
                        prop_assert!(paged.len() <= sorted.len());
                    }
                    prop_assert_eq!(&paged, &sorted);
                    let skipped = search.page(order, None, page, page).unwrap();
                    prop_assert_eq!(skipped, sorted.iter().skip(page).take(page).cloned().collect::<Vec<_>>());
                }
            }
        }
    }
}
