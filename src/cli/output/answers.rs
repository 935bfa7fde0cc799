//! The cells of answers: how tables and CSV show what JSON carries.

use std::borrow::Cow;

use super::{Cell, Column, Row};
use crate::answers::contact::ContactItem;
use crate::answers::shapes::{GroupItem, MembershipChange, UuidName};

impl GroupItem {
    /// The columns of its cells.
    pub fn columns() -> Vec<Column> {
        vec![
            Column::text("Name"),
            Column::number("Count"),
            Column::text("Status"),
            Column::text("Query"),
            Column::text("UUID"),
        ]
    }
}

impl Row for GroupItem {
    fn cells(&self) -> Vec<Cell> {
        vec![
            self.name.as_str().into(),
            Cell::Count(self.count),
            self.status.as_str().into(),
            Cell::text(self.query.as_deref()),
            self.uuid.as_str().into(),
        ]
    }
    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.uuid)
    }
}

impl MembershipChange {
    /// The columns of its cells.
    pub fn columns() -> Vec<Column> {
        vec![
            Column::number("Seq"),
            Column::text("When"),
            Column::text("Contact"),
            Column::text("Entered"),
            Column::text("Left"),
            Column::text("Cause"),
        ]
    }
}

impl Row for MembershipChange {
    fn cells(&self) -> Vec<Cell> {
        let names = |groups: &[UuidName]| -> Cell {
            let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
            names.join(", ").into()
        };
        vec![
            Cell::Text(self.seq.to_string()),
            Cell::Moment(self.created_on),
            self.contact.uuid.as_str().into(),
            names(&self.groups_added),
            names(&self.groups_removed),
            self.cause.name().into(),
        ]
    }
    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.contact.uuid)
    }
}

impl ContactItem {
    /// The columns that were asked for.
    pub fn chosen_columns(chosen: &[String]) -> Vec<Column> {
        chosen.iter().map(Column::text).collect()
    }

    fn cell(&self, column: &str) -> Cell {
        match column {
            "uuid" => self.uuid.as_str().into(),
            "id" => Cell::text(self.id.as_deref()),
            "ref" => Cell::text(self.reference.as_deref()),
            "name" => Cell::text(self.name.as_deref()),
            "language" => Cell::text(self.language.as_deref()),
            "status" => Cell::text(self.status),
            "urns" => self.urns.join(", ").into(),
            "urn" => Cell::text(self.urns.first().map(String::as_str)),
            "flow" => Cell::text(self.flow.as_ref().map(|flow| flow.name.as_str())),
            "tickets" => Cell::Count(self.tickets.into()),
            "created_on" => Cell::moment(self.created_on),
            "modified_on" => Cell::moment(self.modified_on),
            "last_seen_on" => Cell::moment(self.last_seen_on),
            _ => match self.fields.get(column) {
                Some(text) => text.as_str().into(),
                None => {
                    let of_scheme = |urn: &String| {
                        Some(urn.split_once(':')?.1.to_owned()).filter(|_| urn.split(':').next() == Some(column))
                    };
                    Cell::text(self.urns.iter().find_map(of_scheme).as_deref())
                }
            },
        }
    }

    /// The columns of its cells, with those of the fields at the end.
    pub fn columns(fields: &[String]) -> Vec<Column> {
        let fixed = ["UUID", "Name", "Language", "Status", "Addresses", "Created on", "Last seen on"];
        fixed.into_iter().map(Column::text).chain(fields.iter().map(Column::text)).collect()
    }

    /// Its properties, one a line.
    pub fn properties(&self) -> Vec<(String, Cell)> {
        let names = |named: &[UuidName]| -> Cell {
            // A name that holds a comma would read as two.
            let shown = |name: &str| if name.contains(',') { format!("\"{name}\"") } else { name.to_owned() };
            named.iter().map(|named| shown(&named.name)).collect::<Vec<_>>().join(", ").into()
        };
        let mut properties: Vec<(String, Cell)> = vec![
            ("UUID".into(), self.uuid.as_str().into()),
            ("Id".into(), Cell::text(self.id.as_deref())),
            ("Reference".into(), Cell::text(self.reference.as_deref())),
            ("Name".into(), Cell::text(self.name.as_deref())),
            ("Language".into(), Cell::text(self.language.as_deref())),
            ("Status".into(), Cell::text(self.status)),
            ("Addresses".into(), self.urns.join(", ").into()),
            ("Groups".into(), names(self.groups.as_deref().unwrap_or_default())),
            ("Flow".into(), Cell::text(self.flow.as_ref().map(|flow| flow.name.as_str()))),
            ("History".into(), names(&self.history)),
            ("Tickets".into(), Cell::Count(self.tickets.into())),
            ("Created on".into(), Cell::moment(self.created_on)),
            ("Modified on".into(), Cell::moment(self.modified_on)),
            ("Last seen on".into(), Cell::moment(self.last_seen_on)),
        ];
        properties.extend(self.fields.iter().map(|(key, text)| (format!("fields.{key}"), text.as_str().into())));
        properties.retain(|(_, cell)| *cell != Cell::Empty && *cell != Cell::Text(String::new()));
        properties
    }
}

impl Row for ContactItem {
    fn cells(&self) -> Vec<Cell> {
        if !self.chosen.is_empty() {
            return self.chosen.iter().map(|column| self.cell(column)).collect();
        }
        let mut cells = vec![
            self.uuid.as_str().into(),
            Cell::text(self.name.as_deref()),
            Cell::text(self.language.as_deref()),
            Cell::text(self.status),
            self.urns.join(", ").into(),
            Cell::moment(self.created_on),
            Cell::moment(self.last_seen_on),
        ];
        cells.extend(self.columns.iter().map(|key| Cell::text(self.fields.get(key).map(String::as_str))));
        cells
    }
    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.uuid)
    }
}
