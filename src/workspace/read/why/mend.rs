//! The smallest set of changes that would let an absent contact into a group.
//!
//! Each failing clause proposes an edit that makes it hold; an `AND` needs one for each failing child, an `OR` the
//! cheapest of its children. The edits are tried on a copy of the contact and the query is evaluated again: what is
//! proposed is proved. Clauses that pull one property in two directions are settled in a few rounds, or not at all.

use crate::contact::{Contact, FieldValue, Status, convert_field_text};
use crate::schema::{Environment, FieldType};
use crate::sema::query::{
    AnniversaryDay, Comparator, Condition, Literal, Node, PatternKind, Property, RelativeTime, Test, Value,
};
use crate::value::{Decimal, Instant, Urn};

/// One change to one property of a contact.
#[derive(Clone, PartialEq, Debug)]
pub enum Edit {
    /// Give the property this value.
    Set(Property, String),
    /// Give the property any value.
    SetAny(Property),
    /// Take the property's values away.
    Clear(Property),
    /// Take away the addresses whose path is this, or contains it.
    RemoveAddress(Property, String),
    /// Become a member of the group.
    Join(crate::ids::GroupId),
    /// Cease to be a member of the group.
    Leave(crate::ids::GroupId),
    /// Become active.
    Activate,
}

/// Rounds of trying before giving up on clauses that contradict each other.
const ROUNDS: usize = 4;

/// What the search needs to know of the world.
pub(crate) struct Mender<'a, F: Fn(&Node, &Contact, &[Edit]) -> bool> {
    /// Whether a part of the query holds for a contact, given the group moves among the edits made so far.
    pub(crate) holds: F,
    pub(crate) environment: &'a Environment,
}

impl<F: Fn(&Node, &Contact, &[Edit]) -> bool> Mender<'_, F> {
    /// The edits that let the contact in, at most one for each property; `None` if none were found.
    ///
    /// Cost: a few evaluations of each clause.
    pub(crate) fn mend(&self, root: &Node, contact: &Contact) -> Option<Vec<Edit>> {
        let mut trial = contact.clone();
        let mut made: Vec<Edit> = Vec::new();
        if trial.status != Status::Active {
            trial.status = Status::Active;
            made.push(Edit::Activate);
        }
        for _ in 0..ROUNDS {
            if (self.holds)(root, &trial, &made) {
                return Some(made);
            }
            for edit in self.propose(root, true, &trial, &made)? {
                self.perform(&edit, &mut trial)?;
                made.retain(|earlier| subject(earlier) != subject(&edit));
                made.push(edit);
            }
        }
        (self.holds)(root, &trial, &made).then_some(made)
    }

    /// Edits that make `node` come out as `wanted`.
    fn propose(&self, node: &Node, wanted: bool, contact: &Contact, made: &[Edit]) -> Option<Vec<Edit>> {
        if (self.holds)(node, contact, made) == wanted {
            return Some(Vec::new());
        }
        match (node, wanted) {
            (Node::Not(inner), _) => self.propose(inner, !wanted, contact, made),
            (Node::All(children), true) | (Node::Any(children), false) => {
                let mut edits: Vec<Edit> = Vec::new();
                for child in children {
                    for edit in self.propose(child, wanted, contact, made)? {
                        edits.retain(|earlier| subject(earlier) != subject(&edit));
                        edits.push(edit);
                    }
                }
                Some(edits)
            }
            (Node::Any(children), true) | (Node::All(children), false) => children
                .iter()
                .filter_map(|child| self.propose(child, wanted, contact, made))
                .min_by_key(|edits| edits.len()),
            (Node::Condition(condition), _) => self.for_condition(condition, wanted).map(|edit| vec![edit]),
        }
    }

    fn for_condition(&self, condition: &Condition, wanted: bool) -> Option<Edit> {
        let property = condition.property.clone();
        if matches!(property, Property::Uuid | Property::Id | Property::Ref | Property::CreatedOn) {
            return None;
        }
        let set = |literal: &Literal| self.equal_to(&property, literal);
        match (&condition.test, wanted) {
            (Test::Unset, true) | (Test::Set, false) => Some(Edit::Clear(property)),
            (Test::Unset, false) | (Test::Set, true) => Some(Edit::SetAny(property)),
            (Test::Equals(literal), true) | (Test::Differs(literal), false) => set(literal),
            (Test::Equals(literal), false) | (Test::Differs(literal), true) => match &literal.value {
                Value::Group(Some(group)) => Some(Edit::Leave(*group)),
                _ if is_address(&property) => Some(Edit::RemoveAddress(property, literal.text.to_string())),
                _ => Some(Edit::Clear(property)),
            },
            (Test::Contains(pattern), true) => Some(match &pattern.kind {
                PatternKind::NameWords(words) => Edit::Set(property, words.first()?.to_string()),
                _ => Edit::Set(property, pattern.text.trim_end_matches('*').to_owned()),
            }),
            (Test::Contains(pattern), false) if is_address(&property) => {
                Some(Edit::RemoveAddress(property, pattern.text.to_string()))
            }
            (Test::Contains(_) | Test::Compares(..), false) => Some(Edit::Clear(property)),
            (Test::Compares(comparator, literal), true) => self.beyond(property, *comparator, literal),
            (Test::In { items, unset, negated }, _) => match (wanted != *negated, items.first()) {
                (true, Some(first)) => set(first),
                (true, None) => Some(Edit::Clear(property)),
                (false, _) if *unset => Some(Edit::SetAny(property)),
                (false, _) => Some(Edit::Clear(property)),
            },
            (Test::Between { low, high, negated }, _) => match (wanted != *negated, low, high) {
                (true, Some(low), _) => set(low),
                (true, None, Some(high)) => set(high),
                (true, None, None) => None,
                (false, ..) => Some(Edit::Clear(property)),
            },
            (Test::Anniversary { low, .. }, true) => {
                let day = match low {
                    AnniversaryDay::Relative(time) => {
                        self.shown(time.span(self.environment.now, &self.environment.timezone).0)
                    }
                    AnniversaryDay::Fixed { month, day } => format!("2000-{month:02}-{day:02}"),
                };
                Some(Edit::Set(property, day))
            }
            (Test::Anniversary { .. }, false) => Some(Edit::Clear(property)),
        }
    }

    fn equal_to(&self, property: &Property, literal: &Literal) -> Option<Edit> {
        Some(match &literal.value {
            Value::Group(Some(group)) => Edit::Join(*group),
            Value::Group(None) | Value::Flow(None) => return None,
            Value::Day { start, .. } => Edit::Set(property.clone(), self.shown(*start)),
            Value::Relative(time) => Edit::Set(property.clone(), self.shown(self.moment(*time).0)),
            _ => Edit::Set(property.clone(), literal.text.to_string()),
        })
    }

    /// A value just on the wanted side of the literal.
    fn beyond(&self, property: Property, comparator: Comparator, literal: &Literal) -> Option<Edit> {
        let text = match &literal.value {
            Value::Number(number) => match comparator {
                Comparator::GreaterOrEqual | Comparator::LessOrEqual => number.to_string(),
                Comparator::Greater => neighbour(*number, true)?.to_string(),
                Comparator::Less => neighbour(*number, false)?.to_string(),
            },
            Value::Day { start, end } => self.side(*start, *end, comparator),
            Value::Relative(time) => {
                let (start, end) = self.moment(*time);
                self.side(start, end, comparator)
            }
            _ => return None,
        };
        Some(Edit::Set(property, text))
    }

    fn side(&self, start: Instant, end: Instant, comparator: Comparator) -> String {
        self.shown(match comparator {
            Comparator::Greater => end,
            Comparator::GreaterOrEqual | Comparator::LessOrEqual => start,
            Comparator::Less => Instant::from_micros(start.micros().saturating_sub(1)),
        })
    }

    /// A day's span, or an instant and the moment behind it.
    fn moment(&self, time: RelativeTime) -> (Instant, Instant) {
        time.span(self.environment.now, &self.environment.timezone)
    }

    /// The moment as a date field would hold it.
    fn shown(&self, instant: Instant) -> String {
        instant.to_string()
    }

    /// Makes the change on the copy; `None` if it cannot be made.
    fn perform(&self, edit: &Edit, contact: &mut Contact) -> Option<()> {
        match edit {
            Edit::Activate => contact.status = Status::Active,
            Edit::Join(_) | Edit::Leave(_) => {}
            Edit::Set(property, text) => self.set(property, text, contact)?,
            Edit::SetAny(property) => {
                let sample = sample(property);
                self.set(property, sample, contact)?;
            }
            Edit::Clear(property) => self.clear(property, contact)?,
            Edit::RemoveAddress(property, text) => {
                let wanted = crate::value::fold::fold(text).into_owned();
                contact.urns.retain(|urn| {
                    !(has_scheme(urn, property) && crate::value::fold::lower(urn.path()).contains(&wanted))
                });
            }
        }
        Some(())
    }

    fn set(&self, property: &Property, text: &str, contact: &mut Contact) -> Option<()> {
        match property {
            Property::Name => contact.name = Some(text.into()),
            Property::Language => contact.language = Some(text.into()),
            Property::Status => contact.status = Status::from_name(text)?,
            Property::Urn => contact.urns.push(Urn::from_parts("tel", text)),
            Property::Scheme(scheme) => contact.urns.push(Urn::from_parts(scheme.as_str(), text)),
            Property::Tickets => contact.tickets = text.parse().ok()?,
            Property::LastSeenOn => contact.last_seen_on = Some(Instant::parse(text)?),
            Property::Field(field) => {
                let typed = convert_field_text(text, field.kind, self.environment);
                contact.fields.insert(field.id?, FieldValue { text: text.into(), typed });
            }
            Property::Flow | Property::History | Property::Group => return None,
            Property::Uuid | Property::Id | Property::Ref | Property::CreatedOn => return None,
        }
        Some(())
    }

    fn clear(&self, property: &Property, contact: &mut Contact) -> Option<()> {
        match property {
            Property::Name => contact.name = None,
            Property::Language => contact.language = None,
            Property::Urn => contact.urns.clear(),
            Property::Scheme(_) => contact.urns.retain(|urn| !has_scheme(urn, property)),
            Property::Tickets => contact.tickets = 0,
            Property::LastSeenOn => contact.last_seen_on = None,
            Property::Flow => contact.flow = None,
            Property::History => contact.history.clear(),
            Property::Group => contact.groups.clear(),
            Property::Field(field) => {
                contact.fields.remove(&field.id?);
            }
            Property::Status | Property::Uuid | Property::Id | Property::Ref | Property::CreatedOn => return None,
        }
        Some(())
    }
}

fn is_address(property: &Property) -> bool {
    matches!(property, Property::Urn | Property::Scheme(_))
}

fn has_scheme(urn: &Urn, property: &Property) -> bool {
    match property {
        Property::Scheme(scheme) => urn.scheme() == scheme.as_str(),
        _ => true,
    }
}

/// A value of the property's kind, to stand for "any value".
fn sample(property: &Property) -> &'static str {
    match property {
        Property::Language => "eng",
        Property::Tickets => "1",
        Property::LastSeenOn => "2000-01-01T00:00:00Z",
        Property::Field(field) => match field.kind {
            FieldType::Number => "1",
            FieldType::Datetime => "2000-01-01",
            _ => "something",
        },
        _ => "something",
    }
}

/// The next whole number above or below.
fn neighbour(number: Decimal, above: bool) -> Option<Decimal> {
    let text = number.to_string();
    let whole: i64 = text.split('.').next()?.parse().ok()?;
    let candidates = [whole - 1, whole, whole + 1].map(Decimal::from);
    if above {
        candidates.into_iter().find(|candidate| *candidate > number)
    } else {
        candidates.into_iter().rev().find(|candidate| *candidate < number)
    }
}

/// What an edit is about: a later edit of the same replaces an earlier one.
fn subject(edit: &Edit) -> (&'static str, String) {
    match edit {
        Edit::Set(property, _) | Edit::SetAny(property) | Edit::Clear(property) => {
            ("property", format!("{property:?}"))
        }
        Edit::RemoveAddress(property, text) => ("address", format!("{property:?} {text}")),
        Edit::Join(group) | Edit::Leave(group) => ("group", format!("{group:?}")),
        Edit::Activate => ("status", String::new()),
    }
}
