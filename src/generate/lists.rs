//! The lists that contacts are drawn from, embedded from `corpus/generate/`.
//!
//! Reading is lenient, since the texts are part of the program: a test checks that every list is whole.

use std::sync::LazyLock;

use super::random::Ranked;

macro_rules! culture {
    ($name:literal) => {
        ($name, include_str!(concat!("../../corpus/generate/names/", $name, ".txt")))
    };
}
macro_rules! place {
    ($code:literal, $file:literal) => {
        ($code, include_str!(concat!("../../corpus/generate/places/", $file, ".txt")))
    };
}
macro_rules! words {
    ($name:literal) => {
        lines(include_str!(concat!("../../corpus/generate/words/", $name, ".txt")))
    };
}

const CULTURES: [(&str, &str); 19] = [
    culture!("kinyarwanda"),
    culture!("swahili"),
    culture!("kenyan"),
    culture!("english"),
    culture!("french"),
    culture!("spanish"),
    culture!("portuguese"),
    culture!("arabic"),
    culture!("hindi"),
    culture!("indian"),
    culture!("chinese"),
    culture!("thai"),
    culture!("vietnamese"),
    culture!("amharic"),
    culture!("russian"),
    culture!("indonesian"),
    culture!("yoruba"),
    culture!("igbo"),
    culture!("hausa"),
];

const PLACES: [(&str, &str); 16] = [
    place!("RW", "rwanda"),
    place!("KE", "kenya"),
    place!("NG", "nigeria"),
    place!("ID", "indonesia"),
    place!("TZ", "tanzania"),
    place!("EC", "ecuador"),
    place!("IN", "india"),
    place!("ET", "ethiopia"),
    place!("CD", "rd-congo"),
    place!("MZ", "mozambique"),
    place!("BR", "brazil"),
    place!("EG", "egypt"),
    place!("VN", "vietnam"),
    place!("TH", "thailand"),
    place!("CN", "china"),
    place!("RU", "russia"),
];

/// How given and family names are put together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum NameOrder {
    #[default]
    GivenFirst,
    FamilyFirst,
    /// Family name first, without a space.
    Joined,
}

/// Names of one culture.
#[derive(Clone, Debug, Default)]
pub(super) struct Culture {
    pub(super) name: &'static str,
    pub(super) order: NameOrder,
    /// Family names that are written.
    pub(super) families: u64,
    /// Per cent of people with one name only.
    pub(super) single: u64,
    pub(super) female: Ranked,
    pub(super) male: Ranked,
    pub(super) family: Ranked,
    /// Family names of women, where they have a form of their own.
    pub(super) family_female: Option<Ranked>,
}

/// A ward, with the place above it and the one above that.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ward {
    pub(super) state: &'static str,
    pub(super) district: &'static str,
    pub(super) ward: &'static str,
}

/// A country with its phones, cultures, languages and places.
#[derive(Clone, Debug, Default)]
pub(super) struct Country {
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    pub(super) share: u64,
    pub(super) offset_minutes: i64,
    pub(super) calling_code: &'static str,
    pub(super) prefixes: Vec<&'static str>,
    pub(super) digits: u32,
    /// Share and index into [`World::cultures`].
    pub(super) cultures: Vec<(u64, usize)>,
    pub(super) languages: Vec<(u64, &'static str)>,
    pub(super) crops: Ranked,
    pub(super) cities: Ranked,
    pub(super) wards: Vec<Ward>,
}

/// A note and the language that it is in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Note {
    pub(super) language: &'static str,
    pub(super) text: &'static str,
}

/// Everything that contacts are drawn from.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    pub(super) cultures: Vec<Culture>,
    pub(super) countries: Vec<Country>,
    /// Share and index of each country.
    pub(super) shares: Vec<(u64, usize)>,
    pub(super) plans: Ranked,
    pub(super) consents: Ranked,
    pub(super) educations: Ranked,
    pub(super) facilities: Ranked,
    pub(super) flows: Ranked,
    pub(super) groups: Ranked,
    pub(super) notes: Vec<Note>,
}

/// The world, read once.
pub(super) static WORLD: LazyLock<World> = LazyLock::new(World::read);

impl World {
    fn read() -> Self {
        let cultures: Vec<Culture> = CULTURES.iter().map(|&(name, text)| read_culture(name, text)).collect();
        let countries: Vec<Country> = lines(include_str!("../../corpus/generate/countries.txt"))
            .filter_map(|line| read_country(line, &cultures))
            .collect();
        World {
            shares: countries.iter().enumerate().map(|(at, country)| (country.share, at)).collect(),
            cultures,
            countries,
            plans: Ranked::new(words!("plans").collect()),
            consents: Ranked::new(words!("consent").collect()),
            educations: Ranked::new(words!("education").collect()),
            facilities: Ranked::new(words!("facilities").collect()),
            flows: Ranked::new(words!("flows").collect()),
            groups: Ranked::new(words!("groups").collect()),
            notes: words!("notes")
                .filter_map(|line| line.split_once(" | "))
                .map(|(language, text)| Note { language, text })
                .collect(),
        }
    }
}

/// Lines that say something: not blank, no comment.
fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
}

fn items(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn read_culture(name: &'static str, text: &'static str) -> Culture {
    let mut culture = Culture { name, families: 1, ..Culture::default() };
    let mut section = "";
    for line in lines(text) {
        if let Some(title) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = title;
        } else if section.is_empty() {
            match line.split_once(": ") {
                Some(("order", "family given")) => culture.order = NameOrder::FamilyFirst,
                Some(("order", "family+given")) => culture.order = NameOrder::Joined,
                Some(("families", number)) => culture.families = number.parse().unwrap_or(1),
                Some(("single", number)) => culture.single = number.parse().unwrap_or(0),
                _ => {}
            }
        } else {
            let list = Ranked::new(items(line).collect());
            match section {
                "female" => culture.female = list,
                "male" => culture.male = list,
                "family" => culture.family = list,
                "family female" => culture.family_female = Some(list),
                _ => {}
            }
        }
    }
    culture
}

fn read_country(line: &'static str, cultures: &[Culture]) -> Option<Country> {
    let mut columns = line.split('|').map(str::trim);
    let mut country = Country {
        code: columns.next()?,
        name: columns.next()?,
        share: columns.next()?.parse().ok()?,
        offset_minutes: columns.next()?.parse().ok()?,
        calling_code: columns.next()?,
        prefixes: columns.next()?.split_whitespace().collect(),
        digits: columns.next()?.parse().ok()?,
        ..Country::default()
    };
    for (name, share) in shares(columns.next()?) {
        let at = cultures.iter().position(|culture| culture.name == name)?;
        country.cultures.push((share, at));
    }
    country.languages = shares(columns.next()?).map(|(name, share)| (share, name)).collect();
    country.crops = Ranked::new(columns.next()?.split_whitespace().collect());
    let (_, places) = PLACES.iter().find(|(code, _)| *code == country.code)?;
    read_places(&mut country, places);
    Some(country)
}

/// `name:share` pairs.
fn shares(column: &'static str) -> impl Iterator<Item = (&'static str, u64)> {
    column
        .split_whitespace()
        .filter_map(|pair| pair.split_once(':'))
        .filter_map(|(name, share)| Some((name, share.parse().ok()?)))
}

/// States stand at the margin, districts with their wards are indented.
fn read_places(country: &mut Country, text: &'static str) {
    let mut state = "";
    for line in lines(text) {
        if let Some(cities) = line.strip_prefix("cities: ") {
            country.cities = Ranked::new(items(cities).collect());
        } else if !line.starts_with(' ') {
            state = line.trim();
        } else if let Some((district, wards)) = line.trim().split_once(": ") {
            country.wards.extend(items(wards).map(|ward| Ward { state, district, ward }));
        }
    }
}
