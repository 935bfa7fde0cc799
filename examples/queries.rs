//! Queries made by code from what people choose in a form: nothing that they type can change what the query means.
//!
//! `cargo run --example queries FOLDER CITY`

use std::error::Error;
use std::path::PathBuf;

use headcount::{Attribute, Dialect, Expression, Instant, PageRequest, Workspace, attribute, field, scheme};

/// What a form was filled in with; what was left empty does not count.
#[derive(Default)]
pub(crate) struct Form {
    pub(crate) city: Option<String>,
    pub(crate) ages: Option<(i64, i64)>,
    pub(crate) languages: Vec<String>,
    pub(crate) has_phone: bool,
}

impl Form {
    /// The query for it: active contacts that fit everything.
    pub(crate) fn to_query(&self) -> Expression {
        let mut query = attribute(Attribute::Status).equals("active");
        if let Some(city) = &self.city {
            query = query & field("city").equals(city.as_str());
        }
        if let Some((youngest, oldest)) = self.ages {
            query = query & field("age").between(youngest, oldest);
        }
        if let Some(languages) = attribute(Attribute::Language).is_in(self.languages.iter().map(String::as_str)) {
            query = query & languages;
        }
        if self.has_phone {
            query = query & scheme("tel").is_set();
        }
        query
    }
}

/// Names of the youngest of those who fit.
pub(crate) fn youngest(workspace: &Workspace, form: &Form, limit: usize) -> Result<Vec<String>, Box<dyn Error>> {
    let reader = workspace.reader(Instant::now())?;
    let query = reader.parse(&form.to_query().to_string(), Dialect::Extended)?.query;
    let request = PageRequest { order: Some(reader.order("age")?), limit: Some(limit), ..PageRequest::default() };
    let mut names = Vec::new();
    for document in reader.page(&query, &request)?.documents {
        let contact = reader.contact(document)?;
        names.extend(contact.and_then(|contact| contact.name).map(String::from));
    }
    Ok(names)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let folder = arguments.next().map_or_else(|| PathBuf::from(".headcount"), PathBuf::from);
    let city = arguments.next().map(|city| city.to_string_lossy().into_owned());
    let form = Form { city, has_phone: true, ..Form::default() };
    println!("{}", form.to_query());
    for name in youngest(&Workspace::open(&folder)?, &form, 10)? {
        println!("{name}");
    }
    Ok(())
}
