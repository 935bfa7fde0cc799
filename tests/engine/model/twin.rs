//! A workspace and its model, which go through the same steps and must not differ.

use std::collections::{BTreeMap, BTreeSet};

use headcount::internals::contact::{Contact, convert_field_text};
use headcount::internals::ids::{DocumentNumber, GroupId, Sequence, Uuid};
use headcount::internals::language::{self, Resolve};
use headcount::internals::model;
use headcount::internals::schema::{Environment, Field, Flow, Group, Schema};
use headcount::internals::sema::query::{Dialect, Query};
use headcount::internals::store::Cause;
use headcount::internals::value::Instant;
use headcount::internals::workspace::change::SourcePosition;
use headcount::internals::workspace::{
    Change, ContactPatch, ContactRef, Event, FieldInput, FillPolicy, NamedRef, Override, Reader, SchemaInput, Settings,
    Workspace, WorkspaceError, Writer,
};

use super::people::{People, Refused, Rules};
use super::steps::{Op, Skip, Step, uuid};
use super::texts::{FLOWS, GROUPS, KINDS, NOON};

const ZONES: [(&str, &str); 5] = [
    ("UTC", "DD-MM-YYYY"),
    ("America/New_York", "MM-DD-YYYY"),
    ("Asia/Kolkata", "YYYY-MM-DD"),
    ("Pacific/Apia", "DD-MM-YYYY"),
    ("Africa/Kigali", "DD-MM-YYYY"),
];

const SOURCE: &str = "stream";

fn settings(at: usize) -> Settings {
    let (timezone, date_format) = ZONES[at % ZONES.len()];
    let (timezone, date_format) = (timezone.to_owned(), date_format.to_owned());
    Settings { timezone, date_format, country: Some("RW".to_owned()), redact_urns: false }
}

/// What the model's side knows.
#[derive(Clone)]
struct Known {
    model: model::Workspace,
    schema: Schema,
    settings: Settings,
    source: Option<u64>,
}

/// What a group's identity on the platform is, by its number here.
type Identities = BTreeMap<Uuid, GroupId>;

pub(crate) struct Twin {
    folder: tempfile::TempDir,
    workspace: Option<Workspace>,
    known: Known,
    identities: Identities,
    next_identity: u8,
    documents: BTreeMap<DocumentNumber, Uuid>,
    compared: usize,
    logged: Sequence,
    steps: usize,
    searched: usize,
    filled: BTreeMap<String, usize>,
}

/// A batch on both sides: what is staged on the model's.
struct Both<'t, 'w> {
    writer: &'t mut Writer<'w>,
    known: &'t mut Known,
    identities: &'t mut Identities,
    next_identity: &'t mut u8,
    staged: BTreeMap<Uuid, Option<Contact>>,
    deleted: BTreeSet<Uuid>,
    now: Instant,
    cause: model::workspace::Cause,
    /// Changes, or else contacts, that the model's side has taken and the writer is yet to be given as one lot, each with
    /// whether it should be taken.
    changes: Vec<(Change, bool)>,
    patches: Vec<(ContactPatch, bool)>,
}

impl Known {
    fn environment(&self, now: Instant) -> Environment {
        self.settings.environment(now).unwrap()
    }

    fn parse(&self, dialect: Dialect, text: &str, now: Instant) -> Option<Query> {
        let environment = self.environment(now);
        language::parse_with(text, dialect, Resolve::Schema(&self.schema), &environment).ok().map(|parsed| parsed.query)
    }
}

impl Twin {
    pub(crate) fn new(fields: &[usize], settings_at: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let start = Instant::parse(NOON).unwrap();
        let settings = settings(settings_at);
        let workspace = Workspace::create_at(&folder.path().join("store"), &settings, start).unwrap();
        fill_in_turns(&workspace, settings_at);
        let zone = settings.environment(start).unwrap().timezone;
        let known = Known { model: model::Workspace::new(zone, start), schema: Schema::new(), settings, source: None };
        let mut twin = Twin {
            folder,
            workspace: Some(workspace),
            known,
            identities: Identities::new(),
            next_identity: 0,
            documents: BTreeMap::new(),
            compared: 0,
            logged: Sequence(0),
            steps: 0,
            searched: 0,
            filled: BTreeMap::new(),
        };
        let input = SchemaInput {
            fields: fields.iter().map(|&at| field_input(at)).collect(),
            groups: Vec::new(),
            flows: FLOWS.map(|name| NamedRef { uuid: None, name: Some(name.into()) }).to_vec(),
        };
        twin.workspace().write(start, |batch| batch.import_schema(&input)).unwrap();
        let schema = twin.workspace().reader(start).unwrap().schema().clone();
        let field = |field: &Field| twin.known.schema.put_field(field.clone());
        schema.fields().iter().for_each(field);
        schema.flows().iter().for_each(|flow: &Flow| twin.known.schema.put_flow(flow.clone()));
        twin
    }

    fn workspace(&self) -> &Workspace {
        self.workspace.as_ref().unwrap()
    }

    fn clock(&self) -> Instant {
        self.known.model.clock()
    }

    fn at(&self, skip: Skip) -> Instant {
        let (from, by) = match skip {
            Skip::By(micros) => (self.clock(), micros),
            Skip::Due(micros) => (self.known.model.next_due().unwrap_or(self.clock()), micros),
        };
        Instant::from_micros(from.micros() + by)
    }

    pub(crate) fn step(&mut self, step: &Step, searched: (Dialect, &str)) {
        self.steps += 1;
        let mut look = self.clock();
        match step {
            Step::Batch { skip, by_hand, abandoned, ops } => self.batch(self.at(*skip), *by_hand, *abandoned, ops),
            Step::Tick(skip) => {
                let now = self.at(*skip);
                self.workspace().tick(now).unwrap();
                self.known.model.tick(now);
            }
            Step::Look(skip) => look = self.at(*skip),
            Step::Reopen => {
                self.workspace = None;
                let workspace = Workspace::open(&self.folder.path().join("store")).unwrap();
                fill_in_turns(&workspace, self.steps);
                self.workspace = Some(workspace);
            }
            Step::Index => {
                self.workspace().index().unwrap();
            }
            Step::Keep(days) => {
                let now = self.clock();
                self.workspace().write(now, |writer| writer.keep_log(*days)).unwrap();
                assert_eq!(self.workspace().reader(now).unwrap().keeps_log().unwrap(), *days);
            }
            Step::Fill(skip) => self.fill(self.at(*skip)),
            Step::Rebuild => {
                self.workspace().rebuild(self.clock()).unwrap();
            }
            Step::Settings(at) => {
                let settings = settings(*at);
                self.derive_anew(|writer| writer.set_settings(&settings));
            }
            Step::EditField(at, kind) => {
                if let Some(field) = self.known.schema.field(&format!("f{at}")).cloned() {
                    self.derive_anew(|writer| writer.edit_field(field.id, None, Some(*kind)));
                }
            }
        }
        self.compare(look.max(self.clock()), searched);
        if look < self.clock() {
            self.compare_search(&self.workspace().reader(look).unwrap(), look, searched);
        }
        if self.steps.is_multiple_of(7) || matches!(step, Step::Rebuild | Step::Settings(_) | Step::EditField(..)) {
            self.check();
        }
    }

    /// Entries of the log by cause, and valid searches: that a life was worth living.
    pub(crate) fn tally(&self) -> BTreeMap<String, usize> {
        let mut tally = BTreeMap::from([("searches".to_owned(), self.searched)]);
        tally.extend(self.filled.clone());
        for entry in self.known.model.log() {
            *tally.entry(format!("{:?}", entry.cause)).or_default() += 1;
            *tally.entry("moves".to_owned()).or_default() += entry.moves.len();
        }
        tally
    }

    pub(crate) fn check(&self) {
        assert!(self.known.model.is_settled());
        let report = self.workspace().reader(self.clock()).unwrap().check().unwrap();
        assert!(report.is_sound(), "{:#?}", report.findings);
    }

    /// A change of definitions after which everything is derived from the stored texts.
    fn derive_anew(&mut self, edit: impl FnOnce(&mut Writer<'_>) -> Result<(), WorkspaceError>) {
        let now = self.clock();
        match self.workspace().write(now, edit) {
            Ok(_) => {}
            Err(WorkspaceError::WouldInvalidate(_)) => return,
            Err(error) => panic!("{error}"),
        }
        let reader = self.workspace.as_ref().unwrap().reader(now).unwrap();
        let known = &mut self.known;
        let is_changed = known.settings != reader.settings()
            || reader.schema().fields().iter().any(|field| known.schema.field_by_id(field.id) != Some(field));
        if !is_changed {
            return;
        }
        known.settings = reader.settings();
        reader.schema().fields().iter().for_each(|field| known.schema.put_field(field.clone()));
        let environment = known.environment(now);
        let mut contacts: Vec<Contact> = known.model.contacts().values().cloned().collect();
        for (id, value) in contacts.iter_mut().flat_map(|contact| &mut contact.fields) {
            let kind = known.schema.field_by_id(*id).unwrap().kind;
            value.typed = convert_field_text(&value.text, kind, &environment);
        }
        let smart: Vec<GroupId> =
            known.schema.groups().iter().filter(|group| group.smart).map(|group| group.id).collect();
        let queries: Vec<_> =
            smart.iter().filter_map(|&group| Some((group, reader.group_query(group)?.clone()))).collect();
        let pending: Vec<_> = known.model.pending().keys().copied().collect();
        let pending: Vec<_> =
            pending.into_iter().map(|group| (group, reader.pending_query(group).unwrap().clone())).collect();
        known.model.derive_anew(environment.timezone.clone(), contacts, queries, pending, now);
    }

    /// One step of filling: groups that it swaps have their pending queries from now on.
    fn fill(&mut self, now: Instant) {
        let step = self.workspace().fill_step(now).unwrap();
        self.known.model.swap(&step.swapped, now);
        assert!(self.known.model.pending().len() <= step.waiting, "{:?}", self.known.model.pending());
        *self.filled.entry(format!("swapped {}", step.swapped.len().min(3))).or_default() += 1;
    }

    fn batch(&mut self, now: Instant, by_hand: bool, abandoned: bool, ops: &[Op]) {
        let before = (self.known.clone(), self.identities.clone());
        let Twin { known, identities, next_identity, workspace, .. } = self;
        let work = |writer: &mut Writer<'_>| {
            known.model.tick(now);
            let now = known.model.clock();
            assert_eq!(writer.now(), now);
            let cause = if by_hand { model::workspace::Cause::Manual } else { model::workspace::Cause::Change };
            let staged = BTreeMap::new();
            let (deleted, changes, patches) = Default::default();
            let mut both =
                Both { writer, known, identities, next_identity, staged, deleted, now, cause, changes, patches };
            ops.iter().for_each(|op| both.apply(op));
            both.settle();
            both.flush();
            if abandoned { Err(WorkspaceError::Busy) } else { Ok(()) }
        };
        let workspace = workspace.as_ref().unwrap();
        let done = if by_hand { workspace.write_by_hand(now, work) } else { workspace.write(now, work) };
        assert_eq!(done.is_err(), abandoned, "{done:?}");
        if abandoned {
            (self.known, self.identities) = before;
        }
    }

    fn compare(&mut self, now: Instant, searched: (Dialect, &str)) {
        let reader = self.workspace.as_ref().unwrap().reader(now).unwrap();
        let model = &self.known.model;
        assert_eq!(reader.clock(), model.clock());
        assert_eq!(reader.contacts(), model.contacts().len() as u64);
        for (uuid, contact) in model.contacts() {
            let document = reader.find(&ContactRef::Uuid(*uuid)).unwrap().unwrap();
            self.documents.insert(document, *uuid);
            assert_eq!(reader.contact(document).unwrap().as_ref(), Some(contact));
            for urn in &contact.urns {
                assert_eq!(reader.find(&ContactRef::Urn(urn.clone())).unwrap(), Some(document));
            }
        }
        let groups = reader.groups().unwrap();
        let ids = |groups: &[Group]| groups.iter().map(|group| group.id).collect::<BTreeSet<_>>();
        assert_eq!(groups.iter().map(|group| group.id).collect::<BTreeSet<_>>(), ids(self.known.schema.groups()));
        for group in groups {
            let expected = model.members_at(group.id, now);
            assert_eq!(self.uuids(reader.members(group.id).unwrap()), expected, "{} {:?}", group.name, group.query);
            assert_eq!(group.count, expected.len() as u64);
        }
        if let Some((document, uuid)) = self.documents.iter().nth(self.steps % self.documents.len().max(1)) {
            let of_model: BTreeSet<GroupId> = self
                .known
                .schema
                .groups()
                .iter()
                .map(|group| group.id)
                .filter(|&group| model.members_at(group, now).contains(uuid))
                .collect();
            if reader.row(*document).unwrap().is_some() {
                assert_eq!(reader.groups_of(*document).unwrap().into_iter().collect::<BTreeSet<_>>(), of_model);
            }
        }
        let was_valid = self.compare_search(&reader, now, searched);
        self.compare_past(&reader, now);
        self.logged = self.compare_log(&reader);
        self.searched += usize::from(was_valid);
        self.compared = self.known.model.log().len();
    }

    fn uuids(&self, documents: impl IntoIterator<Item = u32>) -> BTreeSet<Uuid> {
        documents.into_iter().map(|document| self.documents[&DocumentNumber(document)]).collect()
    }

    fn compare_search(&self, reader: &Reader<'_>, now: Instant, (dialect, text): (Dialect, &str)) -> bool {
        let parsed = reader.parse(text, dialect).ok().map(|parsed| parsed.query);
        assert_eq!(parsed, self.known.parse(dialect, text, now), "{text}");
        let Some(query) = parsed else { return false };
        let found = self.uuids(reader.matches_query(&query).unwrap());
        assert_eq!(found, self.known.model.search(&query, now), "{text}");
        assert_eq!(reader.count_query(&query).unwrap(), found.len() as u64, "{text}");
        true
    }

    /// The members at a few moments of the past.
    fn compare_past(&self, reader: &Reader<'_>, now: Instant) {
        let model = &self.known.model;
        let log = model.log();
        let mut moments = vec![model.clock(), now];
        moments.extend(log.len().checked_sub(1 + self.steps % 5).map(|at| log[at].at));
        moments.extend(log.get(self.steps % log.len().max(1)).map(|entry| Instant::from_micros(entry.at.micros() - 1)));
        for moment in moments {
            let mut expected = if moment > model.clock() {
                let mut later = model.clone();
                later.tick(moment);
                later.members_as_of(moment)
            } else {
                model.members_as_of(moment)
            };
            for group in self.known.schema.groups() {
                let members = match reader.members_as_of(group.id, moment) {
                    Ok(members) => members,
                    Err(WorkspaceError::BeforeHorizon(horizon)) => {
                        assert!(moment < horizon && horizon <= model.clock());
                        continue;
                    }
                    Err(error) => panic!("{error}"),
                };
                assert_eq!(
                    self.uuids(members),
                    expected.remove(&group.id).unwrap_or_default(),
                    "{} as of {moment}, read at {now}",
                    group.name
                );
            }
        }
    }

    /// The entries since the last comparison: time, cause and net moves.
    fn compare_log(&self, reader: &Reader<'_>) -> Sequence {
        let mut found = Vec::new();
        for events in reader.events_since(self.logged, Default::default()).unwrap() {
            let events = events.unwrap();
            // A contact that was deleted and made again, and moved nowhere.
            let Some(first) = events.first() else { continue };
            let mut moves: BTreeMap<(GroupId, Uuid), i32> = BTreeMap::new();
            for event in &events {
                assert_eq!((event.sequence, event.time), (first.sequence, first.time));
                let moved = [(&event.groups_added, 1), (&event.groups_removed, -1)];
                for (groups, by) in moved {
                    for group in groups {
                        *moves.entry((self.identities[&group.uuid], event.contact)).or_default() += by;
                    }
                }
            }
            assert!(moves.values().all(|by| by.abs() == 1), "what is told is the net change: {events:?}");
            let moves: BTreeMap<_, _> = moves.into_iter().map(|(key, by)| (key, by > 0)).collect();
            found.push(model::workspace::Entry { at: first.time, cause: cause(first.cause), moves });
        }
        let expected = &self.known.model.log()[self.compared..];
        if reader.horizon() > self.logged {
            // What was cut off before it was compared.
            assert!(expected.ends_with(&found), "{found:?} {expected:?}");
        } else {
            assert_eq!(found, expected);
        }
        reader.sequence()
    }
}

/// Groups are filled by their queries, or by the engine, or the one or the other; at once, later, or the one or the
/// other; in few steps or many.
fn fill_in_turns(workspace: &Workspace, at: usize) {
    workspace.fill_by_engine_from([1, usize::MAX, 3][at % 3]);
    // Contacts times groups: of some two dozen contacts.
    let at_once = [u64::MAX, 0, 40][at / 2 % 3];
    let step = [10, 200, 3_000][at % 3];
    workspace.set_fill_policy(FillPolicy { at_once, step, finish: false });
}

fn cause(cause: Cause) -> model::workspace::Cause {
    match cause {
        Cause::Change => model::workspace::Cause::Change,
        Cause::Clock => model::workspace::Cause::Clock,
        Cause::Edit => model::workspace::Cause::Edit,
        Cause::Manual => model::workspace::Cause::Manual,
    }
}

fn field_input(at: usize) -> FieldInput {
    FieldInput { key: format!("f{at}"), name: None, kind: KINDS[at] }
}

impl Both<'_, '_> {
    fn people(&self) -> People<'_> {
        People { stored: self.known.model.contacts(), staged: &self.staged }
    }

    /// What is staged becomes one commit's worth of moves.
    fn flush(&mut self) {
        let staged = std::mem::take(&mut self.staged);
        let deleted = std::mem::take(&mut self.deleted);
        deleted.into_iter().for_each(|contact| self.known.model.forget_overrides(contact));
        self.known.model.change(staged, self.now, self.cause);
    }

    fn group(&self, at: usize) -> Option<Group> {
        let groups = self.known.schema.groups();
        groups.get(at.checked_rem(groups.len())?).cloned()
    }

    /// Gives the writer what it was not given yet.
    fn settle(&mut self) {
        let (changes, taken): (Vec<Change>, Vec<bool>) = std::mem::take(&mut self.changes).into_iter().unzip();
        for ((change, taken), outcome) in changes.iter().zip(taken).zip(self.writer.apply_all(&changes).unwrap()) {
            assert_eq!(outcome.is_ok(), taken, "{change:?}: {outcome:?}");
        }
        let (patches, taken): (Vec<ContactPatch>, Vec<bool>) = std::mem::take(&mut self.patches).into_iter().unzip();
        for ((patch, taken), outcome) in patches.iter().zip(taken).zip(self.writer.put_all(&patches).unwrap()) {
            assert_eq!(outcome.is_ok(), taken, "{patch:?}: {outcome:?}");
        }
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Put { .. } if self.changes.is_empty() => {}
            Op::Event { .. } | Op::Create { .. } | Op::Delete { .. } if self.patches.is_empty() => {}
            _ => self.settle(),
        }
        match op {
            Op::Event { contact, by_urn, event, created_on, offset } => {
                let reference = match by_urn {
                    Some(urn) => ContactRef::Urn(urn.clone()),
                    None => ContactRef::Uuid(uuid(*contact)),
                };
                let who = match by_urn {
                    Some(urn) => self.people().holder(urn),
                    None => Some(uuid(*contact)),
                };
                let event = event.clone();
                self.change(reference, who, event, *created_on, *offset);
            }
            Op::Create { contact, patch } => {
                let event = Event::Created(Box::new(patch.clone()));
                self.change(ContactRef::Uuid(uuid(*contact)), Some(uuid(*contact)), event, None, None);
            }
            Op::Delete { contact } => {
                self.change(ContactRef::Uuid(uuid(*contact)), Some(uuid(*contact)), Event::Deleted, None, None);
            }
            Op::Put { contact, patch, by_urn } => self.put(uuid(*contact), patch.clone(), *by_urn),
            Op::CreateSmart { name, dialect, query } => self.create_group(name % GROUPS.len(), Some((*dialect, query))),
            Op::CreateManual { name } => self.create_group(name % GROUPS.len(), None),
            Op::EditGroup { group, dialect, query } => self.edit_group(*group, *dialect, query),
            Op::CancelEdit { group } => self.cancel_edit(*group),
            Op::Rename { group, name } => self.rename_group(*group, GROUPS[name % GROUPS.len()]),
            Op::DeleteGroup { group } => self.delete_group(*group),
            Op::Move { group, contacts, inside } => self.move_members(*group, contacts, *inside),
            Op::Override { group, contacts, to } => self.override_members(*group, contacts, *to),
            Op::AddField { field } => {
                let input = field_input(*field);
                let known = self.known.schema.field(&input.key).map(|field| field.kind);
                let added = self.writer.add_field(&input);
                assert_eq!(added.is_ok(), known.is_none_or(|kind| kind == input.kind));
                self.flush();
                if known.is_none() {
                    let id = self.writer.field_named(&input.key).unwrap();
                    let name = input.key.to_uppercase();
                    self.known.schema.put_field(Field { id, key: input.key, name, kind: input.kind });
                }
            }
        }
    }

    fn change(
        &mut self,
        reference: ContactRef,
        who: Option<Uuid>,
        event: Event,
        created_on: Option<Instant>,
        offset: Option<u64>,
    ) {
        let source = offset.map(|offset| SourcePosition { name: SOURCE.into(), offset });
        let change = Change { contact: Some(reference), event, created_on, source };
        let is_replay = offset.is_some_and(|offset| self.known.source.is_some_and(|last| offset <= last));
        // A replay does nothing, and is no reason to complain.
        let is_taken = is_replay || {
            self.known.source = offset.or(self.known.source);
            self.expected(who, &change.event, created_on).is_ok()
        };
        self.changes.push((change, is_taken));
    }

    /// Applies a change to the model's side.
    fn expected(&mut self, who: Option<Uuid>, event: &Event, created_on: Option<Instant>) -> Result<(), Refused> {
        let who = who.ok_or(Refused)?;
        let environment = self.known.environment(self.now);
        let rules = Rules { schema: &self.known.schema, environment: &environment };
        let before = self.people().get(who).cloned();
        let after = match (event, before) {
            (Event::Created(_), Some(_)) => return Err(Refused),
            (Event::Created(_), None) => {
                let mut contact = Contact::new(who, self.now);
                rules.apply(&mut contact, event)?;
                self.people().are_free(&contact)?;
                Some(contact)
            }
            (_, None) => return Err(Refused),
            (Event::Deleted, Some(_)) => None,
            (_, Some(before)) => {
                let mut contact = before.clone();
                rules.apply(&mut contact, event)?;
                self.people().are_free(&contact)?;
                if contact != before {
                    contact.modified_on = created_on.or(contact.modified_on);
                }
                Some(contact)
            }
        };
        if after.is_none() {
            self.deleted.insert(who);
        }
        self.staged.insert(who, after);
        Ok(())
    }

    fn put(&mut self, who: Uuid, mut patch: ContactPatch, by_urn: bool) {
        let holder = patch.urns.iter().flatten().find_map(|urn| self.people().holder(urn));
        let who = match holder {
            Some(holder) if by_urn => holder,
            _ => {
                patch.uuid = Some(who);
                who
            }
        };
        let is_known = self.people().get(who).is_some();
        let boxed = Box::new(patch.clone());
        let event = if is_known { Event::Patched(boxed) } else { Event::Created(boxed) };
        let is_taken = self.expected(Some(who), &event, None).is_ok();
        self.patches.push((patch, is_taken));
    }

    fn create_group(&mut self, name: usize, query: Option<(Dialect, &String)>) {
        let name = GROUPS[name];
        *self.next_identity = self.next_identity.wrapping_add(1);
        let mut identity = Uuid::random();
        identity.0[0] = *self.next_identity;
        let (dialect, text) = query.map_or((Dialect::Extended, None), |(dialect, text)| (dialect, Some(text.as_str())));
        let created = self.writer.create_group_as(identity, name, text, dialect);
        self.flush();
        let id = match created {
            Ok(id) => id,
            Err(WorkspaceError::GroupExists(_)) => return assert!(self.known.schema.group(name).is_some()),
            Err(WorkspaceError::Query { .. }) => return,
            Err(error) => panic!("{error}"),
        };
        match text {
            None => self.known.model.put_manual_group(id, self.now),
            Some(text) => {
                let query = self.known.parse(dialect, text, self.now).unwrap();
                if self.writer.is_pending(id) {
                    self.known.model.put_pending(id, query, self.now).unwrap();
                } else {
                    self.known.model.put_smart_group(id, query, self.now).unwrap();
                }
            }
        }
        self.identities.insert(identity, id);
        let group = Group { id, uuid: identity, name: name.to_owned(), smart: text.is_some() };
        self.known.schema.put_group(group);
    }

    fn edit_group(&mut self, group: usize, dialect: Dialect, text: &str) {
        let Some(group) = self.group(group) else { return };
        let dry = self.writer.preview(group.id, text, dialect);
        let edited = self.writer.edit_group(group.id, text, dialect);
        self.flush();
        match edited {
            Err(WorkspaceError::ManualGroup(_)) => assert!(!group.smart),
            Err(WorkspaceError::Query { .. }) => {}
            result => {
                let query = self.known.parse(dialect, text, self.now).unwrap();
                let before = self.known.model.members(group.id);
                if self.writer.is_pending(group.id) {
                    let is_another = self.known.model.query(group.id) != Some(&query);
                    let expected = self.known.model.put_pending(group.id, query, self.now);
                    if !is_another {
                        self.known.model.cancel(group.id);
                    }
                    return assert_eq!(result.is_ok(), expected.is_ok(), "{text}: {result:?}, {expected:?}");
                }
                match (result, self.known.model.put_smart_group(group.id, query, self.now)) {
                    (Ok(_), Ok(())) => {
                        let (dry, after) = (dry.unwrap(), self.known.model.members(group.id));
                        assert_eq!(dry.entered.len() as usize, after.difference(&before).count(), "{text}");
                        assert_eq!(dry.left.len() as usize, before.difference(&after).count(), "{text}");
                    }
                    (Err(WorkspaceError::GroupCycle(_)), Err(_)) => {}
                    (found, expected) => panic!("{text}: {found:?}, {expected:?}"),
                }
            }
        }
    }

    fn cancel_edit(&mut self, group: usize) {
        let Some(group) = self.group(group).filter(|group| group.smart) else { return };
        let cancelled = self.writer.cancel_edit(group.id);
        self.flush();
        match cancelled {
            Ok(_) => self.known.model.cancel(group.id),
            Err(WorkspaceError::NoOtherQuery(_)) => assert!(self.known.model.pending().contains_key(&group.id)),
            Err(error) => panic!("{error}"),
        }
    }

    fn override_members(&mut self, group: usize, contacts: &[u8], to: Option<Override>) {
        let Some(group) = self.group(group) else { return };
        let mut documents = roaring::RoaringBitmap::new();
        let mut there = BTreeSet::new();
        for uuid in contacts.iter().map(|&contact| uuid(contact)) {
            if let Some(document) = self.writer.find(&ContactRef::Uuid(uuid)).unwrap()
                && self.people().get(uuid).is_some()
            {
                documents.insert(document.0);
                there.insert(uuid);
            }
        }
        let done = self.writer.override_members(group.id, &documents, to);
        self.flush();
        match done {
            Ok(_) => {
                let to = to.map(|to| to == Override::Pinned);
                self.known.model.put_overrides(group.id, &there, to, self.now);
            }
            Err(WorkspaceError::ManualGroup(_)) => assert!(!group.smart),
            Err(error) => panic!("{error}"),
        }
    }

    fn rename_group(&mut self, group: usize, name: &str) {
        let Some(mut group) = self.group(group) else { return };
        let taken = self.known.schema.group(name).is_some_and(|other| other.id != group.id);
        let renamed = self.writer.rename_group(group.id, name);
        assert_eq!(renamed.is_ok(), !taken, "{renamed:?}");
        self.flush();
        if !taken {
            group.name = name.to_owned();
            self.known.schema.put_group(group);
        }
    }

    fn delete_group(&mut self, group: usize) {
        let Some(group) = self.group(group) else { return };
        let deleted = self.writer.delete_group(group.id);
        self.flush();
        let used = self.known.model.is_used(group.id);
        assert_eq!(deleted.is_ok(), !used, "{deleted:?}");
        if !used {
            self.known.model.remove_group(group.id, self.now);
            self.known.schema.remove_group(group.id);
        }
    }

    fn move_members(&mut self, group: usize, contacts: &[u8], inside: bool) {
        let Some(group) = self.group(group) else { return };
        let contacts: BTreeSet<Uuid> = contacts.iter().map(|&contact| uuid(contact)).collect();
        let mut documents = roaring::RoaringBitmap::new();
        let mut there = Vec::new();
        for uuid in contacts {
            if let Some(document) = self.writer.find(&ContactRef::Uuid(uuid)).unwrap() {
                documents.insert(document.0);
                there.push(uuid);
            }
        }
        let moved = self.writer.move_members(group.id, &documents, inside);
        if group.smart {
            assert!(matches!(moved, Err(WorkspaceError::SmartGroup(_))), "{moved:?}");
            return;
        }
        let named = vec![NamedRef { uuid: None, name: Some(group.name.as_str().into()) }];
        let event = if inside { Event::AddToGroups(named) } else { Event::RemoveFromGroups(named) };
        let refused = there.into_iter().filter(|&uuid| self.expected(Some(uuid), &event, None).is_err()).count();
        assert_eq!(moved.unwrap().len(), refused);
    }
}
