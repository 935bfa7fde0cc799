//! The schema that contacts imply: which fields, groups and flows they mention, and what the fields' values are.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::ids::Uuid;
use crate::import::error::LineNumber;
use crate::import::schema::{FieldDefinition, NamedDefinition, SchemaFile, is_field_key};
use crate::schema::{Environment, FieldType};
use crate::value::fold::lower;
use crate::value::{Decimal, day};
use crate::workspace::change::{ContactPatch, NamedRef};

/// Of a hundred values of a field, how many must be of a type for it to be the field's.
const NEEDED_PERCENT: u64 = 98;

/// Collects what contacts mention. Memory grows with the number of fields, groups and flows, not of contacts.
///
/// ```
/// use headcount::internals::import::infer::Inference;
/// use headcount::internals::schema::{Environment, FieldType};
/// use headcount::internals::value::Instant;
/// use headcount::internals::workspace::change::ContactPatch;
///
/// let mut inference = Inference::new(Environment::utc(Instant::now()));
/// for age in ["36", "7.5"] {
///     let fields = vec![("Age of child".into(), Some(age.into()))];
///     inference.see(&ContactPatch { fields, ..ContactPatch::default() });
/// }
/// let schema = inference.finish();
/// assert_eq!((schema.fields[0].key.as_str(), schema.fields[0].kind), ("age_of_child", FieldType::Number));
/// ```
#[derive(Debug)]
pub struct Inference {
    environment: Environment,
    /// In the order in which they were met.
    fields: Vec<(Box<str>, Tally)>,
    field_by_name: FxHashMap<Box<str>, usize>,
    groups: Mentions,
    flows: Mentions,
}

impl Inference {
    /// Nothing seen yet. Dates are recognised as the environment writes them.
    pub fn new(environment: Environment) -> Self {
        Inference {
            environment,
            fields: Vec::new(),
            field_by_name: FxHashMap::default(),
            groups: Mentions::default(),
            flows: Mentions::default(),
        }
    }

    /// Takes in one contact.
    pub fn see(&mut self, patch: &ContactPatch) {
        self.see_line(LineNumber(0), patch);
    }

    /// Takes in one contact of a line, which remarks can name.
    pub fn see_line(&mut self, line: LineNumber, patch: &ContactPatch) {
        for (name, value) in &patch.fields {
            let at = match self.field_by_name.get(name) {
                Some(&at) => at,
                None => {
                    let at = self.fields.len();
                    self.field_by_name.insert(name.clone(), at);
                    self.fields.push((name.clone(), Tally::default()));
                    at
                }
            };
            if let (Some(value), Some((_, tally))) = (value, self.fields.get_mut(at)) {
                tally.see(line, value, &self.environment);
            }
        }
        let listed = patch.groups.iter().flatten();
        listed.chain(patch.group_flags.iter().map(|(group, _)| group)).for_each(|group| self.groups.see(group));
        let flow = patch.flow.iter().flatten();
        flow.chain(patch.history.iter().flatten()).for_each(|flow| self.flows.see(flow));
    }

    /// Which value kept a field from being what most of its values are; and which values are none though it is. A
    /// sentence for each field that is not known.
    pub fn remarks(&self, is_known: impl Fn(&str, &str) -> bool) -> Vec<String> {
        let mut remarks = Vec::new();
        for (name, tally) in &self.fields {
            let key = field_key(name);
            if is_known(&key, name) {
                continue;
            }
            let (odd, count, what) = match tally.kind() {
                FieldType::Text if tally.numbers * 2 > tally.values => (&tally.no_number, tally.numbers, "number"),
                FieldType::Text if tally.dates * 2 > tally.values => (&tally.no_date, tally.dates, "date"),
                FieldType::Number if tally.numbers < tally.values => (&tally.no_number, tally.numbers, "number"),
                FieldType::Datetime if tally.dates < tally.values => (&tally.no_date, tally.dates, "date"),
                _ => continue,
            };
            let Some((line, value)) = odd else { continue };
            let others = tally.values - count;
            let kind = tally.kind().name();
            let value = crate::import::error::shown(value);
            let place = if line.0 == 0 { String::new() } else { format!(" in line {line}") };
            remarks.push(if kind == "text" {
                format!("{key} is a text: {value}{place} is no {what}")
            } else {
                format!("{key} is a {what}: {value}{place} is none ({others} of {})", tally.values)
            });
        }
        remarks
    }

    /// The schema. Fields whose names come to the same key are one.
    pub fn finish(self) -> SchemaFile {
        let mut by_key: BTreeMap<String, usize> = BTreeMap::new();
        let letters = |name: &str| -> String { lower(name).chars().filter(|c| c.is_alphanumeric()).collect() };
        let mut fields: Vec<(FieldDefinition, Tally)> = Vec::new();
        for (name, tally) in self.fields {
            let first = field_key(&name);
            let mut key = first.clone();
            // Names in other scripts may come to the same letters and be different names all the same.
            let is_other = |key: &String| {
                let known = by_key.get(key).and_then(|&at| fields.get(at));
                known.is_some_and(|(field, _)| !name.is_ascii() && letters(&field.name) != letters(&name))
            };
            let mut number = 2;
            while is_other(&key) {
                key = format!("{}_{number}", first.get(..first.len().min(58)).unwrap_or(&first));
                number += 1;
            }
            match by_key.get(&key).and_then(|&at| fields.get_mut(at)) {
                Some((_, merged)) => merged.merge(&tally),
                None => {
                    by_key.insert(key.clone(), fields.len());
                    fields.push((FieldDefinition { key, name: name.into(), kind: FieldType::Text }, tally));
                }
            }
        }
        let settle = |(field, tally): (FieldDefinition, Tally)| FieldDefinition { kind: tally.kind(), ..field };
        SchemaFile {
            fields: fields.into_iter().map(settle).collect(),
            groups: self.groups.finish(),
            flows: self.flows.finish(),
            left_out: 0,
        }
    }
}

/// The key for a field of that name: in Latin letters without accents, lower case, with `_` for whatever is neither letter
/// nor digit.
///
/// ```
/// use headcount::internals::import::infer::field_key;
/// assert_eq!((field_key("Âge (années)"), field_key("العمر")), ("age_annees".into(), "lmr".into()));
/// ```
pub fn field_key(name: &str) -> String {
    let letters = any_ascii::any_ascii(name.trim());
    // What stands for letters that Latin does not have.
    let letters = if name.is_ascii() { letters } else { letters.replace(['\'', '`', '\u{2019}'], "") };
    let lower = lower(&letters).into_owned();
    if is_field_key(&lower) {
        return lower;
    }
    let mut key = String::new();
    for c in lower.chars() {
        if c.is_ascii_alphanumeric() {
            key.push(c);
        } else if !key.is_empty() && !key.ends_with('_') {
            key.push('_');
        }
    }
    key.truncate(64);
    let key = key.trim_end_matches('_');
    if key.is_empty() { "field".to_owned() } else { key.to_owned() }
}

/// How many values of a field are of which type.
#[derive(Debug, Default, Clone)]
struct Tally {
    /// The first value that is no number, and the first that is no date.
    no_number: Option<(LineNumber, Box<str>)>,
    no_date: Option<(LineNumber, Box<str>)>,
    values: u64,
    numbers: u64,
    dates: u64,
    /// Paths of two, three and four places.
    states: u64,
    districts: u64,
    wards: u64,
}

impl Tally {
    fn see(&mut self, line: LineNumber, text: &str, environment: &Environment) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        self.values += 1;
        match text.matches(" > ").count() {
            0 => {}
            1 => self.states += 1,
            2 => self.districts += 1,
            _ => self.wards += 1,
        }
        // Codes such as `007` would lose their zeros as numbers.
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_code = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
        if !is_code && Decimal::parse(text).is_some() {
            self.numbers += 1;
        } else {
            self.no_number.get_or_insert_with(|| (line, text.into()));
        }
        let is_date = text.len() >= 8 && text.parse::<u64>().is_err() && day::parse_moment(text, environment).is_some();
        if is_date {
            self.dates += 1;
        } else {
            self.no_date.get_or_insert_with(|| (line, text.into()));
        }
    }

    fn merge(&mut self, other: &Tally) {
        self.no_number = self.no_number.take().or_else(|| other.no_number.clone());
        self.no_date = self.no_date.take().or_else(|| other.no_date.clone());
        self.values += other.values;
        self.numbers += other.numbers;
        self.dates += other.dates;
        self.states += other.states;
        self.districts += other.districts;
        self.wards += other.wards;
    }

    fn kind(&self) -> FieldType {
        let is_most = |count: u64| count > 0 && count * 100 >= self.values * NEEDED_PERCENT;
        let kinds = [
            (self.numbers, FieldType::Number),
            (self.dates, FieldType::Datetime),
            (self.states, FieldType::State),
            (self.districts, FieldType::District),
            (self.wards, FieldType::Ward),
        ];
        kinds.into_iter().find(|&(count, _)| is_most(count)).map_or(FieldType::Text, |(_, kind)| kind)
    }
}

/// Groups or flows that were mentioned.
#[derive(Debug, Default)]
struct Mentions {
    /// In the order in which they were met.
    list: Vec<NamedRef>,
    names: FxHashSet<String>,
    uuids: FxHashMap<Uuid, usize>,
}

impl Mentions {
    fn see(&mut self, named: &NamedRef) {
        let at = match (named.uuid, &named.name) {
            (Some(uuid), name) => match self.uuids.get(&uuid) {
                Some(&at) => {
                    // A name may come later than the uuid.
                    if let (Some(known), Some(name)) = (self.list.get_mut(at), name)
                        && known.name.is_none()
                    {
                        known.name = Some(name.clone());
                        self.names.insert(lower(name).into_owned());
                    }
                    return;
                }
                None => Some(uuid),
            },
            (None, Some(name)) if self.names.contains(&*lower(name)) => return,
            (None, _) => None,
        };
        if let Some(uuid) = at {
            self.uuids.insert(uuid, self.list.len());
        }
        if let Some(name) = &named.name {
            self.names.insert(lower(name).into_owned());
        }
        self.list.push(named.clone());
    }

    /// One of each name; one that has no name goes by its uuid.
    fn finish(self) -> Vec<NamedDefinition> {
        let mut seen: FxHashMap<String, usize> = FxHashMap::default();
        let mut definitions: Vec<NamedDefinition> = Vec::new();
        for NamedRef { uuid, name } in self.list {
            let Some(name) = name.map(String::from).or_else(|| uuid.map(|uuid| uuid.to_string())) else { continue };
            match seen.get(&*lower(&name)).and_then(|&at| definitions.get_mut(at)) {
                Some(known) => known.uuid = known.uuid.or(uuid),
                None => {
                    seen.insert(lower(&name).into_owned(), definitions.len());
                    definitions.push(NamedDefinition { uuid, name });
                }
            }
        }
        definitions
    }
}
