//! Contacts, each drawn from the seed and its index alone.

use crate::contact::Status;
use crate::ids::Uuid;
use crate::value::Instant;
use crate::workspace::change::{ContactPatch, NamedRef};

use super::addresses::Addresses;
use super::answers;
use super::calendar::{DAY, SECOND, at_daytime, civil, day_of};
use super::lists::{Country, Culture, NameOrder, WORLD, Ward};
use super::random::{Permutation, Purpose, Random};

/// Letters of reference codes.
const CODE_LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Shares of ages: weight, youngest, span in years.
const AGES: [(u64, (i64, i64)); 12] = [
    (8, (2, 8)),
    (34, (10, 5)),
    (140, (15, 5)),
    (200, (20, 5)),
    (180, (25, 5)),
    (142, (30, 5)),
    (100, (35, 5)),
    (72, (40, 5)),
    (46, (45, 5)),
    (50, (50, 10)),
    (20, (60, 10)),
    (8, (70, 28)),
];

/// Per cent of contacts (in thousandths) that are in each manual group, in the order of the list.
const GROUP_RATES: [u64; 12] = [6, 25, 180, 45, 30, 40, 60, 80, 10, 35, 8, 3];

/// What a contact is like, before it is written down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person {
    pub(super) index: u64,
    pub(super) country: &'static Country,
    pub(super) culture: &'static Culture,
    pub(super) ward: Ward,
    pub(super) female: bool,
    /// Day of birth since the epoch.
    pub(super) born: i64,
    /// Whole years at the generator's present.
    pub(super) age: i64,
    /// The language that it speaks, whether the platform knows it or not.
    pub(super) language: &'static str,
    pub(super) created_on: Instant,
}

/// Draws people.
#[derive(Clone, Debug)]
pub(super) struct People {
    seed: u64,
    pub(super) addresses: Addresses,
    codes: Permutation,
}

impl People {
    pub(super) fn new(seed: u64) -> Self {
        People { seed, addresses: Addresses::new(seed), codes: Permutation::new(seed, 100, 1 << 15, 1 << 15) }
    }

    /// The contact at an index: what it is like, and as a file gives it.
    pub(super) fn contact(&self, index: u64, now: Instant) -> (Person, ContactPatch) {
        let mut random = Random::new(self.seed, Purpose::Contact, index);
        let person = self.person(&mut random, index, now);
        let name = random.chance(962).then(|| full_name(&mut random, &person));
        let urns = self.addresses.draw(&mut random, &person, name.as_deref().unwrap_or_default());
        let last_seen_on = random.chance(880).then(|| last_seen(&mut random, &person, now));
        let flow = random.chance(80).then(|| reference(WORLD.flows.pick(&mut random)));
        let modified_on = Instant::from_micros(
            last_seen_on.unwrap_or(person.created_on).micros() + random.below(90 * SECOND as u64) as i64,
        )
        .min(now);
        let patch = ContactPatch {
            uuid: Some(identity(self.seed, index)),
            id: Some(Some((10_000 + index).to_string().into())),
            reference: Some(Some(self.code(index).into())),
            status: Some(random.weighted(&[
                (920, Status::Active),
                (40, Status::Stopped),
                (25, Status::Archived),
                (15, Status::Blocked),
            ])),
            language: Some(random.chance(760).then(|| person.language.into())),
            urns: Some(urns),
            groups: Some(groups(&mut random)),
            fields: answers::draw(&mut random, &person, now),
            history: Some(history(&mut random, flow.as_ref())),
            flow: Some(flow),
            tickets: Some(random.weighted(&[(945, 0), (42, 1), (10, 2), (3, 3)])),
            created_on: Some(person.created_on),
            modified_on: Some(Some(modified_on)),
            last_seen_on: Some(last_seen_on),
            name: Some(name.map(Into::into)),
            ..ContactPatch::default()
        };
        (person, patch)
    }

    fn person(&self, random: &mut Random, index: u64, now: Instant) -> Person {
        let world = &*WORLD;
        let at = random.weighted(&world.shares);
        let country = world.countries.get(at).unwrap_or_else(|| empty_country());
        let culture = world.cultures.get(random.weighted(&country.cultures)).unwrap_or_else(|| empty_culture());
        // Places near the head of the list are the ones where programmes started.
        let ward = country.wards.get(random.small(country.wards.len() as u64, 2) as usize).copied().unwrap_or_default();
        let (youngest, span) = random.weighted(&AGES);
        let today = day_of(now);
        let born = today - (youngest * 365_2425 + random.below((span * 365_2425) as u64) as i64) / 10_000;
        let days_ago = random.small(3_650, 3) as i64;
        let created_on = at_daytime(random, today - days_ago, country.offset_minutes)
            .min(Instant::from_micros(now.micros() - SECOND));
        Person {
            index,
            country,
            culture,
            ward,
            female: random.chance(640),
            born,
            age: years_between(born, today),
            language: random.weighted(&country.languages),
            created_on,
        }
    }

    /// A reference code: six letters and digits that cannot be mistaken for each other, unique.
    fn code(&self, index: u64) -> String {
        let number = self.codes.apply(index % self.codes.len());
        (0..6).map(|at| char::from(CODE_LETTERS[(number >> (at * 5) & 31) as usize])).collect()
    }
}

/// A country and a culture with nothing in them, for lists that cannot be read; a test checks that they can.
pub(super) fn empty_country() -> &'static Country {
    static EMPTY: std::sync::LazyLock<Country> = std::sync::LazyLock::new(Country::default);
    &EMPTY
}

fn empty_culture() -> &'static Culture {
    static EMPTY: std::sync::LazyLock<Culture> = std::sync::LazyLock::new(Culture::default);
    &EMPTY
}

/// The identity of the thing at an index: random bits in the form of a version 4 UUID.
pub(super) fn identity(seed: u64, index: u64) -> Uuid {
    let mut random = Random::new(seed, Purpose::Identity, index);
    let mut bits = u128::from(random.bits()) << 64 | u128::from(random.bits());
    bits = bits & !(0xF << 76) | 4 << 76;
    bits = bits & !(0b11 << 62) | 0b10 << 62;
    Uuid(bits.to_be_bytes())
}

/// A group or flow by name.
pub(super) fn reference(name: &str) -> NamedRef {
    NamedRef { uuid: None, name: Some(name.into()) }
}

/// A full name in the culture's order, now and then with what people do to names.
pub(super) fn full_name(random: &mut Random, person: &Person) -> String {
    let culture = person.culture;
    let given = if person.female { &culture.female } else { &culture.male };
    let family = match &culture.family_female {
        Some(female) if person.female => female,
        _ => &culture.family,
    };
    let mut given = given.pick(random).to_owned();
    if culture.order == NameOrder::GivenFirst && random.chance(70) {
        let second = if person.female { &culture.female } else { &culture.male }.pick(random);
        if second != given {
            given = format!("{given} {second}");
        }
    }
    let single = culture.single * 10;
    let mut name = match culture.order {
        _ if random.chance(single.max(30)) => given,
        NameOrder::GivenFirst => {
            let mut name = format!("{given} {}", family.pick(random));
            for _ in 1..culture.families {
                if random.chance(700) {
                    name.push(' ');
                    name.push_str(family.pick(random));
                }
            }
            name
        }
        NameOrder::FamilyFirst => format!("{} {given}", family.pick(random)),
        NameOrder::Joined => format!("{}{given}", family.pick(random)),
    };
    match random.below(200) {
        0..=11 => name = name.to_uppercase(),
        12..=21 => name = name.to_lowercase(),
        22..=24 => name = format!("{} {name}", random.pick(&["Dr", "Mama", "Mr.", "Sister", "Prof.", "Pasteur"])),
        25 => name = name.replacen(' ', "  ", 1),
        26 => name.push_str(random.pick(&[" (CHW)", " 2", " Jr", " - wife", " 🌻", " ❤️"])),
        27 if person.culture.name == "kinyarwanda" => {
            name = name
                .rsplit_once(' ')
                .map(|(given, family)| format!("{} {given}", family.to_uppercase()))
                .unwrap_or(name);
        }
        _ => {}
    }
    name
}

/// A moment between creation and now, more likely lately.
fn last_seen(random: &mut Random, person: &Person, now: Instant) -> Instant {
    let days = (now.micros() - person.created_on.micros()) / DAY;
    let ago = random.small(days as u64 + 1, 4) as i64;
    let seen = at_daytime(random, day_of(now) - ago, person.country.offset_minutes);
    if seen > now || seen < person.created_on {
        // Seen once, right after registration.
        let later = person.created_on.micros() + random.below(600 * SECOND as u64) as i64;
        return Instant::from_micros(later).min(now);
    }
    seen
}

fn groups(random: &mut Random) -> Vec<NamedRef> {
    let mut groups = Vec::new();
    for (name, &rate) in WORLD.groups.items().iter().zip(&GROUP_RATES) {
        if random.chance(rate) {
            groups.push(reference(name));
        }
    }
    groups
}

fn history(random: &mut Random, flow: Option<&NamedRef>) -> Vec<NamedRef> {
    let mut history: Vec<NamedRef> = flow.cloned().into_iter().collect();
    for _ in 0..random.small(6, 2) {
        let next = reference(WORLD.flows.pick(random));
        if !history.contains(&next) {
            history.push(next);
        }
    }
    history
}

/// Whole years from one day to another.
fn years_between(born: i64, today: i64) -> i64 {
    let (year, month, day) = civil(born);
    let (this_year, this_month, this_day) = civil(today);
    this_year - year - i64::from((this_month, this_day) < (month, day))
}
