//! Blocks of the language's pages.
//!
//! A line of a `contactql` or `extended` block is a query that is valid in that dialect, perhaps followed by `→` and its
//! canonical form, by `⇒` and who matches of the page's `contacts` blocks, or by `✗` and the code of its first error.

use headcount::internals::contact::Contact;
use headcount::internals::language::{self, Dialect, Query, Resolve};
use headcount::internals::model::{Context, matches};
use headcount::internals::schema::{Environment, Schema};
use headcount::internals::sema::print::canonical;
use serde_json::{Value, json};

use crate::support::corpus;

/// What the examples of one page are about.
pub(crate) struct Examples {
    schema: Schema,
    environment: Environment,
    people: Vec<Contact>,
}

impl Examples {
    pub(crate) fn new() -> Self {
        let environment = corpus::environments().remove("rw").unwrap();
        Examples { schema: corpus::schema(), environment, people: Vec::new() }
    }

    /// One person of a `contacts` block.
    pub(crate) fn person(&mut self, line: &str) {
        let contact = self.contact(line, self.people.len());
        self.people.push(contact);
    }

    fn contact(&self, line: &str, number: usize) -> Contact {
        let mut contact = json!({
            "uuid": format!("00000000-0000-4000-8000-{number:012}"), "id": number.to_string(), "ref": null,
            "language": null, "status": "active", "urns": [], "groups": [], "flow": null, "history": [], "tickets": 0,
            "created_on": "2026-01-01T00:00:00Z", "last_seen_on": null, "fields": {},
        });
        let given: Value = serde_json::from_str(line).unwrap();
        contact.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
        corpus::contact(&contact, &self.schema, &self.environment)
    }

    pub(crate) fn example(&self, line: &str, dialect: Dialect) {
        let parse = |text: &str| language::parse_with(text, dialect, Resolve::Schema(&self.schema), &self.environment);
        let valid = |text: &str| parse(text).unwrap_or_else(|errors| panic!("{line}: {errors}")).query;
        let part = |sign: &str| line.split_once(sign).map(|(query, rest)| (query.trim(), rest.trim()));
        if let Some((text, form)) = part("→") {
            assert_eq!(canonical(&valid(text), &self.schema), form, "{line}");
        } else if let Some((text, code)) = part("✗") {
            let errors = parse(text).expect_err(line);
            assert_eq!(errors.first().code.as_str(), code, "{line}");
        } else if let Some((text, names)) = part("⇒") {
            let found = self.who(&valid(text));
            let found = if found.is_empty() { "nobody".to_owned() } else { found.join(", ") };
            assert_eq!(found, names, "{line}");
        } else {
            valid(line.trim());
        }
    }

    /// First names of those who match.
    fn who(&self, query: &Query) -> Vec<&str> {
        assert!(!self.people.is_empty(), "the page has nobody");
        let holds = |contact: &&Contact| {
            let context =
                Context { zone: &self.environment.timezone, now: self.environment.now, memberships: &contact.groups };
            matches(query, *contact, &context)
        };
        self.people
            .iter()
            .filter(holds)
            .map(|person| person.name.as_deref().unwrap().split(' ').next().unwrap())
            .collect()
    }
}
