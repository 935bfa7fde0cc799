//! Contacts, groups and changes such as people have: names, places and jobs with few common and many rare values,
//! groups of one to eight conditions. The same for the same seed.

use std::sync::Arc;

use headcount::internals::contact::{Contact, FieldValue, Status, TypedValue};
use headcount::internals::ids::{DocumentNumber, FieldId, GroupId, Uuid};
use headcount::internals::refresh::RowChange;
use headcount::internals::schema::FieldType;
use headcount::internals::sema::query::*;
use headcount::internals::span::Span;
use headcount::internals::value::calendar::date_of;
use headcount::internals::value::day::Day;
use headcount::internals::value::{Decimal, Instant, Scheme, Urn, fold};
use jiff::tz::TimeZone;

/// Where numbers come from: xorshift.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Dice(seed * 2 + 0x9E37_79B9_7F4A_7C15)
    }

    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }

    /// Small numbers more often than large ones.
    fn skewed(&mut self, sides: u64) -> u64 {
        let (a, b) = (self.roll(sides), self.roll(sides));
        a * b / sides
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }
}

/// What a field holds.
#[derive(Clone, Copy)]
enum Content {
    /// One of so many texts.
    Text(u64),
    /// A place of so many.
    Place(u64),
    /// A number below.
    Number(u64),
    /// A day of the years before now.
    Date(u64),
}

/// Fields: key, content, how many contacts in a hundred have it.
const FIELDS: [(&str, Content, u64); 18] = [
    ("gender", Content::Text(3), 95),
    ("age", Content::Number(90), 85),
    ("city", Content::Text(400), 80),
    ("state", Content::Place(30), 75),
    ("district", Content::Place(300), 75),
    ("ward", Content::Place(2000), 60),
    ("joined", Content::Date(6), 95),
    ("dob", Content::Date(70), 60),
    ("last_visit", Content::Date(3), 40),
    ("income", Content::Number(5000), 45),
    ("children", Content::Number(9), 55),
    ("score", Content::Number(100), 70),
    ("job", Content::Text(120), 50),
    ("school", Content::Text(7), 55),
    ("plan", Content::Text(5), 90),
    ("campaign", Content::Text(60), 50),
    ("consent", Content::Text(2), 80),
    ("pregnant", Content::Text(2), 30),
];

const SYLLABLES: [&str; 20] = [
    "ka", "mu", "ni", "ra", "so", "te", "wa", "ya", "bo", "li", "ga", "ha", "ji", "lo", "ma", "na", "pe", "ru", "sha",
    "zi",
];

pub(crate) fn now() -> Instant {
    Instant::parse("2026-06-15T12:00:00Z").expect("a moment")
}

const DAY: i64 = 86_400_000_000;

/// A word of its own for each number.
fn word(mut number: u64, parts: usize) -> String {
    let mut word = String::new();
    for _ in 0..parts {
        word.push_str(SYLLABLES[(number % 20) as usize]);
        number /= 20;
    }
    word[..1].to_uppercase() + &word[1..]
}

fn name(dice: &mut Dice) -> String {
    format!("{} {}", word(dice.skewed(3000), 3), word(dice.skewed(20_000), 4))
}

fn text_of(key: &str, number: u64) -> String {
    match key {
        "gender" => ["F", "M", "O"][number as usize].into(),
        "consent" | "pregnant" => ["yes", "No"][number as usize].into(),
        _ => word(number * 7919 + key.len() as u64, 3),
    }
}

fn field_value(at: usize, dice: &mut Dice) -> FieldValue {
    let (key, content, _) = FIELDS[at];
    match content {
        Content::Text(count) => FieldValue { text: text_of(key, dice.skewed(count)).into(), typed: TypedValue::Text },
        Content::Place(count) => {
            let text = format!("Rwanda > {}", text_of(key, dice.skewed(count)));
            FieldValue { text: text.into(), typed: TypedValue::Text }
        }
        Content::Number(below) => {
            let number = Decimal::from(dice.roll(below) as i64);
            FieldValue { text: number.to_string().into(), typed: TypedValue::Number(number) }
        }
        Content::Date(years) => {
            let days = dice.roll(years * 365) as i64;
            let day = Instant::from_micros((now().micros() / DAY - days) * DAY);
            FieldValue { text: day.to_string().into(), typed: TypedValue::Instant(day) }
        }
    }
}

pub(crate) fn contact(dice: &mut Dice) -> Contact {
    let mut contact = Contact::new(Uuid([dice.roll(256) as u8; 16]), Instant::from_micros(now().micros() - 400 * DAY));
    contact.name = dice.chance(90).then(|| name(dice).into());
    contact.language = dice.chance(85).then(|| ["eng", "kin", "fra", "swa"][dice.skewed(4) as usize].into());
    contact.status = if dice.chance(94) { Status::Active } else { Status::Blocked };
    let phone = format!("tel:+25078{:07}", dice.roll(10_000_000));
    contact.urns.push(Urn::parse(&phone).expect("an address"));
    if dice.chance(25) {
        let handle = format!("whatsapp:25078{:07}", dice.roll(10_000_000));
        contact.urns.push(Urn::parse(&handle).expect("an address"));
    }
    let seen = now().micros() - dice.skewed(400 * 24 * 60) as i64 * 60_000_000;
    contact.last_seen_on = dice.chance(90).then(|| Instant::from_micros(seen));
    contact.groups =
        (0..dice.roll(3)).map(|group| GroupId(1_000_000 + group as u32 * 5 + dice.roll(5) as u32)).collect();
    contact.tickets = dice.skewed(3) as u32;
    for (at, (_, _, percent)) in FIELDS.iter().enumerate() {
        if dice.chance(*percent) {
            contact.fields.insert(FieldId(at as u16), field_value(at, dice));
        }
    }
    contact
}

/// What happens to contacts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// One field or attribute each, not always the same.
    Mixed,
    /// The city.
    City,
    /// The age.
    Age,
    /// Was heard from.
    LastSeen,
    /// Blocked, or active again.
    Status,
    /// Created.
    New,
    /// All fields.
    All,
}

impl Kind {
    pub(crate) const ALL: [Kind; 7] =
        [Kind::Mixed, Kind::City, Kind::Age, Kind::LastSeen, Kind::Status, Kind::New, Kind::All];
}

fn change(kind: Kind, before: &Contact, dice: &mut Dice) -> Contact {
    let mut after = before.clone();
    let mut set = |at: usize, dice: &mut Dice| {
        after.fields.insert(FieldId(at as u16), field_value(at, dice));
    };
    match kind {
        Kind::Mixed => match dice.roll(22) {
            0 => after.name = Some(name(dice).into()),
            1 => after.language = Some("eng".into()),
            2..4 => after.last_seen_on = Some(now()),
            at => set(at as usize - 4, dice),
        },
        Kind::City => set(2, dice),
        Kind::Age => set(1, dice),
        Kind::LastSeen => after.last_seen_on = Some(now()),
        Kind::Status => {
            after.status = if before.status == Status::Active { Status::Stopped } else { Status::Active };
        }
        Kind::All => (0..FIELDS.len()).for_each(|at| set(at, dice)),
        Kind::New => {}
    }
    after
}

pub(crate) fn changes(kind: Kind, count: usize, seed: u64) -> Vec<RowChange<Contact>> {
    let mut dice = Dice::new(seed);
    (0..count as u32)
        .map(|at| {
            let before = contact(&mut dice);
            let after = change(kind, &before, &mut dice);
            RowChange {
                document: DocumentNumber(at),
                before: (kind != Kind::New).then_some(before),
                after: Some(after),
            }
        })
        .collect()
}

fn field(at: usize) -> Property {
    let (key, content, _) = FIELDS[at];
    let kind = match content {
        Content::Text(_) => FieldType::Text,
        Content::Place(_) => FieldType::District,
        Content::Number(_) => FieldType::Number,
        Content::Date(_) => FieldType::Datetime,
    };
    Property::Field(Arc::new(FieldProperty { id: Some(FieldId(at as u16)), key: key.into(), kind }))
}

fn literal(text: &str, value: Value) -> Literal {
    Literal { text: text.into(), value }
}

fn text(text: &str) -> Literal {
    literal(text, Value::Text(fold::fold(text).into()))
}

fn condition(property: Property, test: Test) -> Node {
    Node::Condition(Box::new(Condition { property, test, span: Span::default() }))
}

fn side(dice: &mut Dice) -> Comparator {
    [Comparator::Greater, Comparator::GreaterOrEqual, Comparator::Less, Comparator::LessOrEqual][dice.roll(4) as usize]
}

/// A condition on a field.
fn field_condition(dice: &mut Dice) -> Node {
    let at = dice.roll(FIELDS.len() as u64) as usize;
    let (key, content, _) = FIELDS[at];
    let test = match content {
        _ if dice.chance(8) => [Test::Unset, Test::Set][dice.roll(2) as usize].clone(),
        Content::Text(count) | Content::Place(count) => {
            let value = |dice: &mut Dice| text(&text_of(key, dice.skewed(count)));
            match dice.roll(10) {
                0..6 => Test::Equals(value(dice)),
                6..8 => Test::Differs(value(dice)),
                _ => {
                    let items = (0..2 + dice.roll(5)).map(|_| value(dice)).collect();
                    Test::In { items, unset: false, negated: dice.chance(20) }
                }
            }
        }
        Content::Number(below) => {
            let step = (below / 100).max(1);
            let number = dice.roll(below) / step * step;
            let value = |number: u64| literal(&number.to_string(), Value::Number(Decimal::from(number as i64)));
            match dice.roll(10) {
                0..6 => Test::Compares(side(dice), value(number)),
                6..8 => Test::Equals(value(number)),
                _ => Test::Between { low: Some(value(number)), high: Some(value(number + step * 10)), negated: false },
            }
        }
        Content::Date(years) => {
            if dice.chance(50) {
                let days = [1, 7, 14, 30, 60, 90, 180, 365][dice.roll(8) as usize];
                let time = RelativeTime { amount: -days, unit: Unit::Day };
                Test::Compares(side(dice), literal("-30d", Value::Relative(time)))
            } else {
                let days = dice.roll(years * 52) as i64 * 7;
                let start = Instant::from_micros((now().micros() / DAY - days) * DAY);
                let day = Day::new(date_of(start, &TimeZone::UTC)).expect("a day of this era");
                Test::Compares(side(dice), literal("a day", Value::Day(day)))
            }
        }
    };
    condition(field(at), test)
}

fn any_condition(dice: &mut Dice, groups: u32) -> Node {
    match dice.roll(100) {
        0..70 => field_condition(dice),
        70..80 => {
            let language = ["eng", "kin", "fra", "swa"][dice.roll(4) as usize];
            condition(Property::Language, Test::Equals(text(language)))
        }
        80..88 => {
            let time = RelativeTime { amount: -[1, 3, 7, 14, 30, 90][dice.roll(6) as usize], unit: Unit::Day };
            condition(Property::LastSeenOn, Test::Compares(side(dice), literal("-30d", Value::Relative(time))))
        }
        88..92 => {
            let word = word(dice.skewed(3000), 3).to_lowercase();
            let kind = PatternKind::NameWords([Box::from(&word[..word.len().min(8)])].into());
            condition(Property::Name, Test::Contains(Pattern { text: word.into(), kind }))
        }
        92..95 => {
            let part = format!("078{:02}", dice.roll(100));
            let kind = PatternKind::Substring(part.as_str().into());
            condition(Property::Scheme(Scheme::new("tel")), Test::Contains(Pattern { text: part.into(), kind }))
        }
        95..97 => condition(Property::Scheme(Scheme::new("whatsapp")), Test::Set),
        97..99 => {
            let group = GroupId(1_000_000 + dice.roll(10) as u32);
            condition(Property::Group, Test::Equals(literal("a group", Value::Group(Some(group)))))
        }
        _ => {
            let group = GroupId(dice.roll(u64::from(groups.max(1))) as u32);
            condition(Property::Group, Test::Equals(literal("a group", Value::Group(Some(group)))))
        }
    }
}

/// A group of one to eight conditions; the last argument counts the groups that it may refer to.
fn query(dice: &mut Dice, groups: u32) -> Query {
    let count = 1 + dice.skewed(10).min(7);
    let mut nodes: Vec<Node> = Vec::new();
    for _ in 0..count {
        let node = any_condition(dice, groups);
        match nodes.last_mut() {
            Some(Node::Any(children)) if dice.chance(40) => children.push(node),
            Some(last) if dice.chance(20) && !matches!(last, Node::Any(_)) => {
                let other = std::mem::replace(last, Node::Any(Vec::new()));
                *last = Node::Any(vec![other, node]);
            }
            _ => nodes.push(if dice.chance(5) { Node::Not(Box::new(node)) } else { node }),
        }
    }
    let root = if nodes.len() == 1 { nodes.remove(0) } else { Node::All(nodes) };
    Query { dialect: Dialect::Extended, root }
}

/// Groups that refer to earlier ones only.
pub(crate) fn groups(count: usize, seed: u64) -> Vec<(GroupId, Query)> {
    let mut dice = Dice::new(seed);
    (0..count as u32).map(|at| (GroupId(at), query(&mut dice, at))).collect()
}
