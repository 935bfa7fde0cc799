//! Smart groups of the kinds that people make, with names that say what they hold.

use rustc_hash::FxHashSet;

use super::Options;
use super::calendar::{day_of, iso};
use super::lists::{Country, WORLD};
use super::people::empty_country;
use super::random::{Purpose, Random};

/// A smart group as `groups.json` gives it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupDefinition {
    /// Unique, ignoring case.
    pub name: String,
    /// Its query.
    pub query: String,
}

/// A condition and the words for it in a group's name: who the members are, or what is particular about them.
struct Condition {
    topic: Topic,
    query: String,
    words: String,
}

/// What a condition is about, in the order in which people would name it. A group has one condition on each at most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Topic {
    /// A group, a list, a relative date: what only the extended dialect has.
    Special,
    Gender,
    Age,
    #[default]
    Language,
    Text,
    Place,
    Date,
    Number,
    Unset,
    Name,
    Phone,
}

/// Weights of topics.
const TOPICS: [(u64, Topic); 10] = [
    (14, Topic::Age),
    (10, Topic::Gender),
    (16, Topic::Place),
    (10, Topic::Language),
    (14, Topic::Date),
    (8, Topic::Unset),
    (7, Topic::Name),
    (6, Topic::Phone),
    (6, Topic::Number),
    (9, Topic::Text),
];

/// Words that continue a title without a comma.
const CONTINUING: [&str; 13] = [
    "in ", "aged ", "under ", "over ", "on ", "named ", "with ", "joined ", "seen ", "silent ", "born ", "outside ",
    "due ",
];

/// Names of languages, for the names of groups.
const LANGUAGES: [(&str, &str); 18] = [
    ("kin", "Kinyarwanda"),
    ("eng", "English"),
    ("fra", "French"),
    ("swa", "Swahili"),
    ("hau", "Hausa"),
    ("yor", "Yoruba"),
    ("ibo", "Igbo"),
    ("ind", "Indonesian"),
    ("spa", "Spanish"),
    ("hin", "Hindi"),
    ("amh", "Amharic"),
    ("por", "Portuguese"),
    ("ara", "Arabic"),
    ("vie", "Vietnamese"),
    ("tha", "Thai"),
    ("rus", "Russian"),
    ("ben", "Bengali"),
    ("urd", "Urdu"),
];

/// Months, for the names of groups.
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// How many conditions a group has: weight and number. Seventy in a hundred have up to three.
const SIZES: [(u64, usize); 8] = [(26, 1), (27, 2), (18, 3), (11, 4), (7, 5), (5, 6), (4, 7), (2, 8)];

/// All groups. A group that refers to another refers to an earlier one, so there are no cycles.
pub(super) fn groups(options: &Options) -> Vec<GroupDefinition> {
    let mut taken: FxHashSet<String> = WORLD.groups.items().iter().map(|name| name.to_lowercase()).collect();
    let mut groups: Vec<GroupDefinition> = Vec::with_capacity(options.groups as usize);
    for index in 0..options.groups {
        let mut random = Random::new(options.seed, Purpose::Group, index);
        let is_extended = random.below(100) < u64::from(options.extended_groups);
        let today = day_of(options.now);
        let GroupDefinition { name, query } =
            if is_extended { extended(&mut random, today, &groups) } else { plain(&mut random, today) };
        let mut unique = name.clone();
        let mut copy = 2;
        while !taken.insert(unique.to_lowercase()) {
            unique = format!("{name} ({copy})");
            copy += 1;
        }
        groups.push(GroupDefinition { name: unique, query });
    }
    groups
}

/// A group that is valid in both dialects.
fn plain(random: &mut Random, today: i64) -> GroupDefinition {
    let country = country(random);
    let size = random.weighted(&SIZES);
    let mut conditions: Vec<Condition> = Vec::with_capacity(size);
    while conditions.len() < size {
        let next = condition(random, country, today);
        if conditions.iter().all(|other| other.topic != next.topic) {
            conditions.push(next);
        }
    }
    // People join mostly with AND, sometimes with OR, sometimes an OR within.
    let and = if random.chance(150) { " and " } else { " AND " };
    let texts: Vec<&str> = conditions.iter().map(|condition| condition.query.as_str()).collect();
    let mut or = false;
    let query = match (texts.as_slice(), random.below(100)) {
        ([_, _, ..], 0..12) => {
            or = true;
            texts.join(" OR ")
        }
        ([first, middle @ .., last], 12..18) if !middle.is_empty() => {
            format!("{first} AND ({})", [middle, &[last]].concat().join(" OR "))
        }
        ([first, last], 18..21) => format!("{first} {last}"),
        _ => texts.join(and),
    };
    GroupDefinition { name: title(&conditions, or), query }
}

/// The words of the first conditions, as a title.
fn title(conditions: &[Condition], or: bool) -> String {
    let mut named: Vec<&Condition> = conditions.iter().collect();
    named.sort_by_key(|condition| condition.topic);
    let mut title = String::new();
    for condition in named.iter().take(3) {
        if !title.is_empty() {
            let continues = CONTINUING.iter().any(|start| condition.words.starts_with(start));
            title.push_str(if or {
                " or "
            } else if continues {
                " "
            } else {
                ", "
            });
        }
        title.push_str(&condition.words);
    }
    if named.len() > 3 {
        title.push_str(", selected");
    }
    let mut letters = title.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn country(random: &mut Random) -> &'static Country {
    let world = &*WORLD;
    let at = random.weighted(&world.shares);
    world.countries.get(at).unwrap_or_else(|| empty_country())
}

fn condition(random: &mut Random, country: &'static Country, today: i64) -> Condition {
    let topic = random.weighted(&TOPICS);
    let (query, words) = match topic {
        Topic::Age => age(random),
        Topic::Gender => gender(random),
        Topic::Place => place(random, country),
        Topic::Date => date(random, today),
        Topic::Unset => unset(random),
        Topic::Name => name(random, country),
        Topic::Phone => phone(random, country),
        Topic::Number => number(random),
        Topic::Text => text(random, country),
        Topic::Language | Topic::Special => language(random, country),
    };
    Condition { topic, query, words }
}

/// A query and its words.
fn made(query: impl Into<String>, words: impl Into<String>) -> (String, String) {
    (query.into(), words.into())
}

fn age(random: &mut Random) -> (String, String) {
    let low = random.between(2, 13) * 5;
    let high = low + random.between(1, 4) * 5 - 1;
    match random.below(10) {
        0..5 => made(format!("(age >= {low} AND age <= {high})"), format!("aged {low}–{high}")),
        5 => made(format!("age > {low}"), format!("over {low}")),
        6 => made("age < 18", "minors"),
        7 => made("age >= 18", "adults"),
        8 => made(format!("age = {low}"), format!("exactly {low}")),
        _ => made(format!("age < {low}"), format!("under {low}")),
    }
}

fn gender(random: &mut Random) -> (String, String) {
    match random.below(10) {
        0..4 => made("gender = F", "women"),
        4..6 => made("gender = \"M\"", "men"),
        6 => made("(gender = F OR gender = Female)", "all women"),
        7 => made("(gender = M OR gender = Male)", "all men"),
        8 => made("gender is female", "female"),
        _ => made("gender != M", "not men"),
    }
}

fn place(random: &mut Random, country: &Country) -> (String, String) {
    let ward = random.pick(&country.wards);
    let other = random.pick(&country.wards);
    match random.below(12) {
        0..4 => made(format!("state = \"{}\"", ward.state), format!("in {}", ward.state)),
        4..8 => made(format!("district = \"{}\"", ward.district), format!("in {}", ward.district)),
        8 => made(format!("ward = \"{}\"", ward.ward), format!("in {} ward", ward.ward)),
        9 if ward.district != other.district => made(
            format!("(district = \"{}\" OR district = \"{}\")", ward.district, other.district),
            format!("in {} and {}", ward.district, other.district),
        ),
        10 => made(format!("state != \"{}\"", ward.state), format!("outside {}", ward.state)),
        _ => {
            let city = country.cities.pick(random);
            made(format!("city = \"{city}\""), format!("living in {city}"))
        }
    }
}

fn language(random: &mut Random, country: &Country) -> (String, String) {
    let code = random.weighted(&country.languages);
    let name = LANGUAGES.iter().find(|(known, _)| *known == code).map_or(code, |(_, name)| name);
    match random.below(10) {
        0..6 => made(format!("language = {code}"), format!("{name} speakers")),
        6..8 => made(format!("language != {code}"), format!("not in {name}")),
        8 => made(format!("(language = {code} OR language = \"\")"), format!("{name} or no language")),
        _ => made("language = \"\"", "no language yet"),
    }
}

fn date(random: &mut Random, today: i64) -> (String, String) {
    let day = today - random.small(1_500, 2) as i64;
    let text = iso(day);
    match random.below(16) {
        0..3 => made(format!("joined >= {text}"), format!("joined since {}", month(day))),
        3 => made(format!("joined < \"{text}\""), format!("joined before {}", month(day))),
        4..6 => made(format!("created_on > {text}"), format!("new since {text}")),
        6..8 => made(format!("last_seen_on >= {text}"), format!("seen since {text}")),
        8..10 => made(format!("last_seen_on < {text}"), format!("silent since {text}")),
        10 => made("last_seen_on = \"\"", "never heard from"),
        11 => made(format!("last_seen_on = {text}"), format!("seen on {text}")),
        12 => {
            let year = random.between(1965, 2012);
            made(format!("(dob >= {year}-01-01 AND dob <= {}-12-31)", year + 4), format!("born {year}–{}", year + 4))
        }
        13 => {
            let due = today + random.between(-20, 120);
            made(format!("(edd >= {} AND edd < {})", iso(due), iso(due + 30)), format!("due from {}", iso(due)))
        }
        14 => made("edd != \"\"", "expecting"),
        _ => {
            let visit = today + random.between(-30, 60);
            made(format!("next_visit = {}", iso(visit)), format!("visit on {}", iso(visit)))
        }
    }
}

/// `Mar 2025`
fn month(day: i64) -> String {
    let (year, month, number) = super::calendar::civil(day);
    let name = MONTHS.get(month as usize - 1).copied().unwrap_or_default();
    if number == 1 { format!("{name} {year}") } else { format!("{number} {name} {year}") }
}

fn unset(random: &mut Random) -> (String, String) {
    let (key, words): (&str, &str) = random.pick(&[
        ("age", "age"),
        ("gender", "gender"),
        ("dob", "date of birth"),
        ("district", "district"),
        ("state", "state"),
        ("name", "name"),
        ("urn", "address"),
        ("tel", "phone"),
        ("whatsapp", "WhatsApp"),
        ("facility", "facility"),
        ("consent", "consent"),
        ("plan", "plan"),
        ("notes", "notes"),
        ("children", "number of children"),
        ("telegram", "Telegram"),
    ]);
    if random.chance(550) {
        made(format!("{key} = \"\""), format!("no {words} yet"))
    } else {
        made(format!("{key} != \"\""), format!("with {words}"))
    }
}

fn name(random: &mut Random, country: &Country) -> (String, String) {
    let culture = WORLD.cultures.get(random.weighted(&country.cultures));
    let list = culture.map(|culture| if random.chance(500) { &culture.family } else { &culture.female });
    let full = list.map_or("Ann", |list| list.pick(random));
    let word = full.split(' ').next_back().unwrap_or(full);
    // A word of one letter could not be searched for.
    let start: String = word.chars().take(random.between(3, 5) as usize).collect();
    if random.chance(500) {
        made(format!("name ~ \"{start}\""), format!("named {start}…"))
    } else {
        made(format!("name has \"{word}\""), format!("named {word}"))
    }
}

fn phone(random: &mut Random, country: &Country) -> (String, String) {
    let prefix = random.pick(&country.prefixes);
    let code = country.calling_code;
    match random.below(10) {
        0..3 => made(format!("tel ~ {code}{prefix}"), format!("on +{code} {prefix}")),
        3..5 => {
            let digits = random.between(1_000, 9_999);
            made(format!("tel ~ {digits}"), format!("number with {digits}"))
        }
        // Fewer than three characters cannot be searched for, and some calling codes are shorter.
        5..7 if code.len() > 1 => made(format!("tel ~ +{code}"), format!("in {} by phone", country.name)),
        5..8 => made(format!("whatsapp ~ {code}{prefix}"), format!("WhatsApp on +{code} {prefix}")),
        8 => made("mailto ~ example.com", "mail at example.com"),
        _ => {
            let digits = random.between(100, 999);
            made(format!("urn ~ {digits}"), format!("address with {digits}"))
        }
    }
}

fn number(random: &mut Random) -> (String, String) {
    match random.below(8) {
        0..2 => {
            let score = random.between(2, 18) * 5;
            made(format!("score > {score}"), format!("score over {score}"))
        }
        2 => {
            let score = random.between(300, 950);
            made(
                format!("score <= {}.{}", score / 10, score % 10),
                format!("score up to {}.{}", score / 10, score % 10),
            )
        }
        3 => {
            let size = random.between(4, 12);
            made(format!("household >= {size}"), format!("households of {size} or more"))
        }
        4 => {
            let number = random.between(0, 6);
            made(format!("children = {number}"), format!("{number} children"))
        }
        5 => made("tickets > 0", "with open tickets"),
        6 => made("birth_weight < 2.5", "low birth weight"),
        _ => {
            let balance = random.between(-3, 30);
            made(format!("balance < \"{balance}\""), format!("balance under {balance}"))
        }
    }
}

fn text(random: &mut Random, country: &Country) -> (String, String) {
    match random.below(6) {
        0..2 => {
            let plan = WORLD.plans.pick(random);
            made(format!("plan = \"{plan}\""), format!("on plan {plan}"))
        }
        2 => {
            let crop = country.crops.pick(random);
            made(format!("crop = {crop}"), format!("{crop} growers"))
        }
        3 => made("(consent = yes OR consent = oui OR consent = ndiyo OR consent = yego)", "consented"),
        4 => made("consent != withdrawn", "may be written to"),
        _ => {
            let education = WORLD.educations.pick(random);
            made(format!("education = \"{education}\""), format!("education {education}"))
        }
    }
}

/// A group of the extended dialect, which may refer to an earlier group.
fn extended(random: &mut Random, today: i64, earlier: &[GroupDefinition]) -> GroupDefinition {
    let country = country(random);
    let next = condition(random, country, today);
    let days = random.pick(&[1, 2, 7, 14, 30, 60, 90, 180]);
    let (special, words) = match random.below(9) {
        0..2 => {
            let manual = WORLD.groups.pick(random);
            let smart = earlier.get(random.below(earlier.len() as u64) as usize).map(|group| group.name.as_str());
            let name = smart.filter(|_| random.chance(500)).unwrap_or(manual);
            made(format!("group = {}", quoted(name)), format!("of {name}"))
        }
        2 => made(format!("last_seen_on < -{days}d"), format!("silent for {days} days")),
        3 => made(format!("joined >= -{days}d"), format!("joined in the last {days} days")),
        4 => made(format!("(edd >= today AND edd <= +{}w)", days), format!("due within {days} weeks")),
        5 => {
            let low = random.between(3, 11) * 5;
            made(format!("age = {low}..{}", low + 9), format!("{low} to {}", low + 9))
        }
        6 => {
            let (one, other) = (random.pick(&country.wards).district, random.pick(&country.wards).district);
            let words = if one == other { format!("district {one}") } else { format!("districts {one}, {other}") };
            made(format!("district IN (\"{one}\", \"{other}\")"), words)
        }
        7 => {
            let not = condition(random, country, today);
            made(format!("NOT ({})", not.query), format!("except {}", not.words))
        }
        _ => made(format!("dob ANNIVERSARY today..+{days}d"), format!("birthday within {days} days")),
    };
    let mut conditions = vec![Condition { topic: Topic::Special, query: special, words }];
    if random.chance(700) {
        conditions.push(next);
    }
    let texts: Vec<&str> = conditions.iter().map(|condition| condition.query.as_str()).collect();
    GroupDefinition { query: texts.join(" AND "), name: title(&conditions, false) }
}

/// A value in quotes; names of groups hold neither quotes nor backslashes.
fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}
