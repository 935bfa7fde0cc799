//! Custom fields: what people told, as they told it, and what programmes noted about them.

use crate::schema::FieldType;
use crate::value::Instant;

use super::calendar::{DAY, civil, day_of, iso, moment_text};
use super::lists::WORLD;
use super::people::Person;
use super::random::Random;

/// Key, name and type of every field.
pub(super) const FIELDS: [(&str, &str, FieldType); 21] = [
    ("age", "Age", FieldType::Number),
    ("gender", "Gender", FieldType::Text),
    ("dob", "Date of Birth", FieldType::Datetime),
    ("joined", "Joined", FieldType::Datetime),
    ("state", "State", FieldType::State),
    ("district", "District", FieldType::District),
    ("ward", "Ward", FieldType::Ward),
    ("score", "Score", FieldType::Number),
    ("city", "City", FieldType::Text),
    ("notes", "Notes", FieldType::Text),
    ("household", "Household Size", FieldType::Number),
    ("plan", "Plan", FieldType::Text),
    ("edd", "Expected Delivery Date", FieldType::Datetime),
    ("children", "Children", FieldType::Number),
    ("crop", "Main Crop", FieldType::Text),
    ("consent", "Consent", FieldType::Text),
    ("facility", "Health Facility", FieldType::Text),
    ("education", "Education", FieldType::Text),
    ("balance", "Airtime Balance", FieldType::Number),
    ("birth_weight", "Birth Weight (kg)", FieldType::Number),
    ("next_visit", "Next Visit", FieldType::Datetime),
];

/// How people write whether they are women or men.
const FEMALE: [(u64, &str); 6] = [(760, "F"), (120, "Female"), (60, "female"), (40, "f"), (12, "Femme"), (8, " F ")];
const MALE: [(u64, &str); 6] = [(760, "M"), (120, "Male"), (60, "male"), (40, "m"), (12, "Homme"), (8, "M ")];

/// Answers to "how old are you" that are not numbers.
const NOT_AGES: [&str; 6] = ["twenty", "about 5", "25 ans", "?", "30+", "don't know"];

/// Collects the fields of a contact.
struct Answers(Vec<(Box<str>, Option<Box<str>>)>);

impl Answers {
    fn put(&mut self, key: &str, text: impl Into<Box<str>>) {
        self.0.push((key.into(), Some(text.into())));
    }
}

/// The fields that a contact has, in the order of [`FIELDS`].
pub(super) fn draw(random: &mut Random, person: &Person, now: Instant) -> Vec<(Box<str>, Option<Box<str>>)> {
    let mut answers = Answers(Vec::with_capacity(16));
    let today = day_of(now);
    let created = day_of(person.created_on);
    let ward = person.ward;
    if random.chance(780) {
        answers.put("age", age(random, person.age));
    }
    if random.chance(880) {
        answers.put("gender", random.weighted::<&str>(if person.female { &FEMALE } else { &MALE }));
    }
    if random.chance(450) {
        answers.put("dob", date(random, person.born));
    }
    if random.chance(920) {
        answers.put("joined", joined(random, person));
    }
    if random.chance(850) {
        let country = person.country.name;
        answers.put("state", format!("{country} > {}", ward.state));
        if random.chance(820) {
            answers.put("district", format!("{country} > {} > {}", ward.state, ward.district));
            if random.chance(650) {
                answers.put("ward", format!("{country} > {} > {} > {}", ward.state, ward.district, ward.ward));
            }
        }
    }
    if random.chance(550) {
        answers.put("score", score(random));
    }
    if random.chance(500) {
        let city = person.country.cities.pick(random);
        answers.put("city", untidy(random, city));
    }
    if random.chance(180) {
        answers.put("notes", note(random, person));
    }
    if random.chance(600) {
        answers.put("household", household(random));
    }
    if random.chance(650) {
        answers.put("plan", WORLD.plans.pick(random));
    }
    let may_bear = person.female && (15..=46).contains(&person.age);
    let pregnant = may_bear && random.chance(170);
    if pregnant {
        let due = today + random.between(-60, 270);
        answers.put("edd", date(random, due));
    }
    let children = if person.age < 15 { 0 } else { random.small((person.age as u64 - 12).min(10), 2) };
    if person.age >= 15 && random.chance(520) {
        answers.put("children", children.to_string());
    }
    if person.age >= 15 && random.chance(300) {
        answers.put("crop", person.country.crops.pick(random));
    }
    if random.chance(700) {
        answers.put("consent", consent(random));
    }
    if random.chance(if pregnant { 900 } else { 200 }) {
        answers.put("facility", format!("{} {}", ward.district, WORLD.facilities.pick(random)));
    }
    if random.chance(400) {
        answers.put("education", WORLD.educations.pick(random));
    }
    if random.chance(300) {
        let usual = random.between(-200, 2_500);
        answers.put("balance", hundredths(random.normal(usual, 700)));
    }
    if person.female && children > 0 && random.chance(250) {
        answers.put("birth_weight", hundredths(random.normal(310, 52).clamp(90, 560)));
    }
    if random.chance(if pregnant { 700 } else { 90 }) {
        let visit = (created + random.between(1, 400)).max(today - 60);
        answers.put("next_visit", iso(visit));
    }
    answers.0
}

/// A new value for a field of a contact, as a change brings it: the field as drawn anew, or nothing.
pub(super) fn redraw(random: &mut Random, person: &Person, now: Instant, key: &str) -> Option<Box<str>> {
    let drawn = draw(random, person, now);
    drawn.into_iter().find(|(drawn, _)| **drawn == *key).and_then(|(_, text)| text)
}

fn age(random: &mut Random, age: i64) -> String {
    match random.below(1000) {
        0..9 => random.pick(&NOT_AGES).to_owned(),
        9..15 => format!(" {age} "),
        15..21 => format!("{age}.0"),
        21..24 => format!("{age}.5"),
        24..27 => format!("0{age}"),
        27 => "0".to_owned(),
        28 => format!("-{age}"),
        29 => "999".to_owned(),
        _ => age.to_string(),
    }
}

/// A day as people and platforms write it: mostly ISO, sometimes day first, sometimes with a time.
fn date(random: &mut Random, day: i64) -> String {
    let (year, month, number) = civil(day);
    match random.below(100) {
        0..72 => iso(day),
        72..86 => format!("{}T00:00:00Z", iso(day)),
        86..95 => format!("{number:02}-{month:02}-{year:04}"),
        95..98 => format!("{number}/{month}/{year:04}"),
        98 => year.to_string(),
        _ => "unknown".to_owned(),
    }
}

/// The day of registration: the moment of creation, or a little earlier when a field worker brought a list.
fn joined(random: &mut Random, person: &Person) -> String {
    if random.chance(800) {
        return moment_text(person.created_on);
    }
    let earlier = person.created_on.micros() - random.small(60 * DAY as u64, 2) as i64;
    moment_text(Instant::from_micros(earlier))
}

/// A score in per cent: about normal, with few decimals, now and then out of range.
fn score(random: &mut Random) -> String {
    let tenths = random.normal(620, 180);
    match random.below(100) {
        0..55 => format!("{}", tenths.clamp(0, 1000) / 10),
        55..90 => format!("{}.{}", tenths.clamp(0, 999) / 10, tenths.clamp(0, 999) % 10),
        90..97 => hundredths(random.normal(6_200, 1_800).clamp(0, 10_000)),
        97 => hundredths(random.between(-2_000, -1)),
        98 => "0".to_owned(),
        _ => random.pick(&["n/a", "A+", "80%", "twelve"]).to_owned(),
    }
}

fn household(random: &mut Random) -> String {
    match random.below(200) {
        0 => random.pick(&["about 5", "5 or 6", "many"]).to_owned(),
        1 => random.between(16, 60).to_string(),
        _ => random.normal(5, 2).clamp(1, 15).to_string(),
    }
}

fn consent(random: &mut Random) -> &'static str {
    if random.chance(550) { "yes" } else { WORLD.consents.pick(random) }
}

/// A name of a place as people type it.
fn untidy(random: &mut Random, place: &str) -> String {
    match random.below(40) {
        0..3 => place.to_lowercase(),
        3 => place.to_uppercase(),
        4 => format!("{place} "),
        5 => place.replacen(' ', "  ", 1),
        _ => place.to_owned(),
    }
}

/// A note in the contact's language if there is one, else in any.
fn note(random: &mut Random, person: &Person) -> String {
    let own = WORLD.notes.iter().filter(|note| note.language == person.language);
    let own: Vec<_> = own.copied().collect();
    let note = if !own.is_empty() && random.chance(800) { random.pick(&own) } else { random.pick(&WORLD.notes) };
    let someone = if person.female { &person.culture.male } else { &person.culture.female };
    note.text
        .replace("{n}", &random.between(2, 9).to_string())
        .replace("{c}", person.country.cities.pick(random))
        .replace("{}", someone.pick(random))
}

/// A number of hundredths with as many decimals as it takes.
fn hundredths(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    let (whole, part) = (number.unsigned_abs() / 100, number.unsigned_abs() % 100);
    match (part, part % 10) {
        (0, _) => format!("{sign}{whole}"),
        (_, 0) => format!("{sign}{whole}.{}", part / 10),
        _ => format!("{sign}{whole}.{part:02}"),
    }
}
