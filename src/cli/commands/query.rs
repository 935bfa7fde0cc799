//! `query` and `explain`

use std::io::Read;

use crate::answers::contact::ContactItem;
use crate::answers::shapes::{Counted, Found, Metadata};
use crate::cli::Outcome;
use crate::cli::args::search::{Explain, QueryArgs};
use crate::cli::commands::queries;
use crate::cli::commands::session::Session;
use crate::cli::failure::Failure;
use crate::cli::output::{Format, Output, grouped};
use crate::cli::settings::Settings;
use crate::exec::Order;
use crate::ids::{DocumentNumber, GroupId};
use crate::language::{Errors, Query};
use crate::workspace::{Page, PageRequest, Purpose, Reader, WorkspaceError};

/// What everybody matches.
const EVERYBODY: &str = "name = \"\" OR name != \"\"";

/// Searches, once or for each query of a file.
pub(super) fn query(args: &QueryArgs, settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    let reader = session.reader()?;
    let search = Search::new(&session, &reader, args)?;
    if let Some(file) = &args.batch {
        return queries::batch(file, settings, |text| search.answer(text));
    }
    let typed = match args.query.as_deref() {
        Some("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            text
        }
        Some(text) => text.to_owned(),
        None => EVERYBODY.to_owned(),
    };
    let text = typed.as_str();
    let read = if args.count {
        reader.parse(text, args.dialect)
    } else {
        reader.parse_and_lint(text, args.dialect, Purpose::Search)
    };
    let parsed = session.told(read)?;
    if args.query.is_some() {
        queries::warnings(text, &parsed.warnings, settings);
    }
    if settings.tells_plans() {
        let explained = session.told(reader.explain(&parsed.query, true))?;
        settings.detail(explained.physical.to_text().trim_end());
    }
    if args.count { search.show_count(&parsed.query) } else { search.show_page(&parsed.query) }
}

/// What every query of one run shares.
struct Search<'s> {
    session: &'s Session<'s>,
    reader: &'s Reader<'s>,
    args: &'s QueryArgs,
    order: Option<Order>,
    group: Option<GroupId>,
}

/// One line of a batch.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum Answer {
    Counted(Counted),
    Found(Found<ContactItem>),
}

impl<'s> Search<'s> {
    fn new(session: &'s Session<'s>, reader: &'s Reader<'s>, args: &'s QueryArgs) -> Outcome<Self> {
        let sign = |descending: bool| if descending { "-" } else { "" };
        let key = args.sort.as_ref().map(|sort| format!("{}{}", sign(sort.descending), sort.property));
        let order = key.map(|key| session.told(reader.order(&key))).transpose()?;
        let group = args.group.as_deref().map(|name| session.told(reader.group_named(name))).transpose()?;
        Ok(Search { session, reader, args, order, group })
    }

    fn request(&self) -> PageRequest {
        let limit = (!self.args.all).then(|| usize::try_from(self.args.limit).unwrap_or(usize::MAX - 1));
        PageRequest {
            order: self.order,
            offset: usize::try_from(self.args.offset).unwrap_or(usize::MAX),
            limit,
            after: self.args.after.clone(),
            group: self.group,
        }
    }

    fn page(&self, query: &Query) -> Result<Page, WorkspaceError> {
        self.reader.page(query, &self.request())
    }

    fn count(&self, query: &Query) -> Result<Counted, WorkspaceError> {
        Counted::of(self.reader, query, &self.request())
    }

    fn found(&self, query: &Query, page: Page) -> Outcome<Found<ContactItem>> {
        self.session.told(Found::of_page(self.reader, query, page))
    }

    fn items<'a>(
        &'a self,
        documents: &'a [DocumentNumber],
        columns: &'a [String],
    ) -> impl Iterator<Item = Outcome<ContactItem>> + 'a {
        documents.iter().filter_map(move |&document| {
            self.session.item(self.reader, document).map(|item| item.map(|item| item.with_columns(columns))).transpose()
        })
    }

    fn answer(&self, text: &str) -> Outcome<Result<Answer, Errors>> {
        let parsed = match self.reader.parse(text, self.args.dialect) {
            Ok(parsed) => parsed,
            Err(WorkspaceError::Query { errors, .. }) => return Ok(Err(errors)),
            Err(error) => return self.session.told(Err(error)),
        };
        if self.args.count {
            return self.session.told(self.count(&parsed.query)).map(|counted| Ok(Answer::Counted(counted)));
        }
        let page = self.session.told(self.page(&parsed.query))?;
        self.found(&parsed.query, page).map(|found| Ok(Answer::Found(found)))
    }

    fn show_count(&self, query: &Query) -> Outcome {
        let counted = self.session.told(self.count(query))?;
        let mut output = self.session.settings.output();
        match self.session.settings.format {
            Some(Format::Json) => output.document(&counted)?,
            Some(Format::Jsonl) => output.line(&counted)?,
            Some(Format::Csv) => output.text(&format!("total\n{}", counted.total))?,
            // A bare number, which scripts read: not grouped.
            None | Some(Format::Table | Format::Ids) => output.text(&counted.total.to_string())?,
        }
        output.flush()
    }

    fn show_page(&self, query: &Query) -> Outcome {
        let settings = self.session.settings;
        let format = settings.format_or(Format::Table);
        let page = self.session.told(self.page(query))?;
        let mut output = settings.output();
        output.set_zone(self.reader.environment().timezone.clone());
        if format == Format::Json {
            return output.document(&self.found(query, page)?);
        }
        let columns: Vec<String> =
            Metadata::of(query, self.reader.schema()).fields.into_iter().map(|field| field.key).collect();
        if format == Format::Ids {
            self.ids(&page.documents, &mut output)?;
        } else {
            let chosen = ContactItem::chosen(&self.args.columns, self.reader.schema()).map_err(Failure::Usage)?;
            let header =
                if chosen.is_empty() { ContactItem::columns(&columns) } else { ContactItem::chosen_columns(&chosen) };
            let mut stream = output.stream(format, header);
            for item in self.items(&page.documents, &columns) {
                stream.push(&item?.with_chosen(&chosen))?;
            }
            stream.finish()?;
        }
        tell_rest(settings, format, page.documents.len(), page.total, page.next.is_some());
        Ok(())
    }

    /// Identities alone, read without decoding the rest of the rows.
    fn ids(&self, documents: &[DocumentNumber], output: &mut Output) -> Outcome {
        for &document in documents {
            if let Some(row) = self.session.told(self.reader.row(document))? {
                output.text(row.uuid().encode(&mut [0; 36]))?;
            }
        }
        output.flush()
    }
}

/// Tells people that there is more than they see.
pub(super) fn tell_rest(settings: &Settings, format: Format, shown: usize, total: u64, has_more: bool) {
    if format == Format::Table && has_more {
        settings.note(&format!("{} of {}; --all gives them all", grouped(shown as u64), grouped(total)));
    } else if format == Format::Table && total == 0 {
        settings.note("no contact matches");
    }
}

/// Tells how a query is answered.
pub(super) fn explain(args: &Explain, settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    let reader = session.reader()?;
    let parsed = session.told(reader.parse_and_lint(&args.query, args.dialect, Purpose::Search))?;
    queries::warnings(&args.query, &parsed.warnings, settings);
    let explained = session.told(reader.explain(&parsed.query, args.analyze))?;
    let mut output = settings.output();
    match settings.format_or(Format::Table) {
        Format::Json => output.document(&explained)?,
        Format::Jsonl => output.line(&explained)?,
        Format::Table | Format::Csv | Format::Ids => {
            output.text(&format!("Query\n  {}\n", explained.query))?;
            output.text(&format!("What is asked\n{}", indented(&explained.logical.to_text())))?;
            output.text("How it is answered")?;
            output.bytes(indented(&explained.physical.to_text()).as_bytes())?;
        }
    }
    output.flush()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
