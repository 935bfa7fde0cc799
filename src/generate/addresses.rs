//! Addresses that no two contacts share: the part that tells them apart is a permutation of the contact's index.

use crate::value::Urn;

use super::lists::{Country, WORLD};
use super::people::Person;
use super::random::{Permutation, Random};

/// Numbers that one contact may use: its own, and a second one.
const SLOTS: u64 = 2;

/// How many contacts there can be, so that every country has enough phone numbers.
pub(super) const MOST_CONTACTS: u64 = 20_000_000;

/// Gives out addresses.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    /// By country, in the order of [`WORLD`].
    phones: Vec<Permutation>,
    accounts: Permutation,
}

impl Addresses {
    pub(super) fn new(seed: u64) -> Self {
        let phones = WORLD.countries.iter().zip(0..).map(|(country, at)| {
            let half = country.digits / 2;
            let low = 10u64.pow(half);
            let high = 10u64.pow(country.digits - half) * country.prefixes.len() as u64;
            Permutation::new(seed, at, low, high)
        });
        Addresses { phones: phones.collect(), accounts: Permutation::new(seed, 200, 30_000, 30_000) }
    }

    /// A mobile number without `+`. `slot` is below [`SLOTS`].
    pub(super) fn phone(&self, country: &Country, index: u64, slot: u64) -> String {
        let at = WORLD.countries.iter().position(|other| other.code == country.code);
        let Some(permutation) = at.and_then(|at| self.phones.get(at)) else { return String::new() };
        let number = permutation.apply((index * SLOTS + slot) % permutation.len());
        let subscribers = 10u64.pow(country.digits);
        let prefix = country.prefixes.get((number / subscribers) as usize).copied().unwrap_or_default();
        let width = country.digits as usize;
        format!("{}{prefix}{:0width$}", country.calling_code, number % subscribers)
    }

    /// A number that stands for the contact on other platforms, of nine digits.
    fn account(&self, index: u64) -> u64 {
        100_000_000 + self.accounts.apply(index % self.accounts.len())
    }

    /// The addresses of a contact: mostly one phone, sometimes none, sometimes several of several kinds.
    pub(super) fn draw(&self, random: &mut Random, person: &Person, name: &str) -> Vec<Urn> {
        let mut urns = Vec::new();
        let phone = self.phone(person.country, person.index, 0);
        let tel = || Urn::from_parts("tel", &format!("+{phone}"));
        match random.below(1000) {
            0..20 => {}
            20..800 => urns.push(tel()),
            800..875 => urns.extend([tel(), Urn::from_parts("whatsapp", &phone)]),
            875..905 => urns.push(Urn::from_parts("whatsapp", &phone)),
            905..930 => urns.push(self.other("telegram", person, name)),
            930..940 => urns.extend([tel(), self.other("telegram", person, name)]),
            940..955 => urns.push(self.other("facebook", person, name)),
            955..963 => urns.extend([tel(), self.other("mailto", person, name)]),
            963..970 => urns.push(self.other("twitter", person, name)),
            970..985 => urns.extend([tel(), self.second_phone(person)]),
            985..995 => urns.extend([self.other("ext", person, name), tel()]),
            _ => urns.extend([
                tel(),
                self.second_phone(person),
                Urn::from_parts("whatsapp", &phone),
                self.other("mailto", person, name),
                self.other("ext", person, name),
            ]),
        }
        urns
    }

    /// A second phone of the same contact.
    pub(super) fn second_phone(&self, person: &Person) -> Urn {
        Urn::from_parts("tel", &format!("+{}", self.phone(person.country, person.index, 1)))
    }

    /// An address of a scheme that is not a phone.
    pub(super) fn other(&self, scheme: &str, person: &Person, name: &str) -> Urn {
        let account = self.account(person.index);
        let path = match scheme {
            "facebook" => format!("100{account:012}"),
            "twitter" => format!("{}_{account}", handle(name, '_')),
            "mailto" => {
                let host = ["example.com", "mail.example.org", "example.net"];
                format!("{}{account}@{}", handle(name, '.'), host[(account % 3) as usize])
            }
            "ext" => format!("EMR-{}-{account}", person.country.code),
            _ => account.to_string(),
        };
        Urn::from_parts(scheme, &path)
    }
}

/// The first letters of a name that a handle may have.
fn handle(name: &str, separator: char) -> String {
    let mut handle = String::new();
    for c in name.chars().take(16) {
        if c.is_ascii_alphabetic() {
            handle.push(c.to_ascii_lowercase());
        } else if c == ' ' && !handle.is_empty() && !handle.ends_with(separator) {
            handle.push(separator);
        }
    }
    let handle = handle.trim_end_matches(separator);
    if handle.len() < 3 { "contact".to_owned() } else { handle.to_owned() }
}
