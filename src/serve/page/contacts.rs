//! Contacts: a query, who matches, and what can be done with them.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Response, header};
use maud::{Markup, html};
use tokio::sync::mpsc;

use super::layout::{moment_or_none, name, page, pager, person};
use super::{reply, value};
use crate::answers::contact::ContactItem;
use crate::answers::shapes::Metadata;
use crate::diagnostic::Errors;
use crate::ids::DocumentNumber;
use crate::language::Query;
use crate::sema::query::Dialect;
use crate::serve::EVERYBODY;
use crate::serve::app::Ask;
use crate::serve::guard::encoded;
use crate::serve::reply::{Problem, Reply};
use crate::value::numeral::{counted, grouped};
use crate::workspace::{PageRequest, Reader, WorkspaceError};

/// Rows of a page.
const ROWS: u64 = 50;
/// Columns for fields that a query looks at.
const FIELD_COLUMNS: usize = 3;
/// Contacts of one piece of an export.
const PIECE: usize = 500;

/// A search as the address holds it.
pub(super) struct Search<'a> {
    text: &'a str,
    sort: &'a str,
    offset: u64,
}

impl<'a> Search<'a> {
    fn of(ask: &'a Ask) -> Result<Self, Problem> {
        Ok(Search {
            text: ask.parameter("q").unwrap_or_default(),
            sort: ask.parameter("sort").unwrap_or_default(),
            offset: ask.number("offset")?.unwrap_or_default(),
        })
    }

    /// The address of this search, without which page of it.
    fn place(&self, sort: &str) -> String {
        match (self.text, sort) {
            ("", "") => "/".to_owned(),
            (text, "") => format!("/?q={}", encoded(text)),
            (text, sort) => format!("/?q={}&sort={}", encoded(text), encoded(sort)),
        }
    }
}

/// A query as somebody typed it; one that is empty finds everybody.
pub(super) fn parsed(reader: &Reader<'_>, text: &str) -> Result<Query, WorkspaceError> {
    let text = if text.trim().is_empty() { EVERYBODY } else { text };
    Ok(reader.parse(text, Dialect::Extended)?.query)
}

pub(super) fn show(ask: &Ask) -> Result<Reply, Problem> {
    let reader = ask.reader()?;
    let search = Search::of(ask)?;
    let results = match parsed(&reader, search.text) {
        Ok(query) => results(ask, &reader, &search, &query)?,
        Err(WorkspaceError::Query { errors, .. }) => {
            if ask.parameter("part").is_some() {
                return reply(html! {});
            }
            mistake(search.text, &errors)
        }
        Err(error) => return Err(error.into()),
    };
    match ask.parameter("part") {
        Some("results") => return reply(results),
        Some("side") => return reply(super::layout::side(ask, &reader, "/")?),
        _ => {}
    }
    let main = html! {
        h1.vh { "Contacts" }
        (query_box("q", search.text, "/", html! {
            input type="hidden" name="sort" value=(search.sort) disabled[search.sort.is_empty()];
            button.main type="submit" { "Search" }
        }))
        div id="results" data-part="results" { (results) }
    };
    page(ask, &reader, "Contacts", "/", &main)
}

/// A box for a query: checked and completed as it is typed where scripts run, and sent as it is where they do not.
pub(super) fn query_box(field: &str, text: &str, action: &str, rest: Markup) -> Markup {
    html! {
        form.query action=(action) role="search" data-query=(field) {
            div.box {
                div.under aria-hidden="true" { }
                textarea name=(field) rows="1" spellcheck="false" autocapitalize="off" autocomplete="off" dir="auto"
                    maxlength="10000" placeholder="age > 30 AND city = Kigali" aria-label="Query" aria-describedby="told"
                    role="combobox" aria-expanded="false" aria-autocomplete="list" aria-controls="offers" { (text) }
                ul.offers id="offers" role="listbox" aria-label="What may be typed" hidden { }
            }
            (rest)
            p.told id="told" aria-live="polite" { }
        }
    }
}

/// What is wrong with a query, under its very words.
pub(super) fn mistake(text: &str, errors: &Errors) -> Markup {
    let errors = errors.to_vec();
    html! {
        div.mistake role="alert" {
            @for error in &errors {
                @let (start, end) = (error.span.start as usize, error.span.end as usize);
                p.bad { (name(&error.message)) @if let Some(help) = &error.help { "; " (name(help)) } }
                @if let (Some(before), Some(wrong), Some(after)) = (text.get(..start), text.get(start..end), text.get(end..)) {
                    p.code dir="auto" { (before) mark { @if wrong.is_empty() { "␣" } @else { (wrong) } } (after) }
                }
            }
        }
    }
}

fn results(ask: &Ask, reader: &Reader<'_>, search: &Search<'_>, query: &Query) -> Result<Markup, Problem> {
    let order = if search.sort.is_empty() { None } else { Some(reader.order(search.sort)?) };
    let request = PageRequest {
        order,
        offset: usize::try_from(search.offset).unwrap_or(usize::MAX),
        limit: Some(ROWS as usize),
        ..PageRequest::default()
    };
    let found = reader.page(query, &request)?;
    let is_all = search.text.trim().is_empty();
    let metadata = Metadata::of(query, reader.schema());
    let fields: Vec<String> = metadata.fields.into_iter().map(|field| field.key).take(FIELD_COLUMNS).collect();
    let shown = found.documents.len() as u64;
    let place = search.place(search.sort);
    Ok(html! {
        div.summary {
            h2.total { span data-total { (grouped(found.total)) } @if found.total == 1 { " contact" } @else { " contacts" } }
            @if !is_all { p.code.canonical title="How the query was read" { bdi { (found.query) } } }
        }
        @if !is_all { (actions(ask, reader, search, found.total, metadata.allow_as_group)) }
        @if found.total == 0 {
            p.empty {
                @if is_all { "There are no contacts here yet. " code { "headcount import contacts.csv" } " brings some in." }
                @else { "No contact matches." }
            }
        } @else {
            (table(reader, &found.documents, &fields, Some(search))?)
            (pager(&place, search.offset, shown, found.total, ROWS))
        }
    })
}

/// Contacts in rows. With a search, its columns sort it.
pub(super) fn table(
    reader: &Reader<'_>,
    documents: &[DocumentNumber],
    fields: &[String],
    search: Option<&Search<'_>>,
) -> Result<Markup, Problem> {
    let mut items = Vec::with_capacity(documents.len());
    for &document in documents {
        items.extend(ContactItem::plain(reader, document)?);
    }
    let column = |key: &str, label: &str, class: &str| {
        let Some(search) = search else { return html! { th scope="col" class=(class) { (label) } } };
        // A field may be named with or without its prefix.
        let is_this = |sort: &str| sort == key || key.strip_prefix("fields.") == Some(sort);
        let (next, direction) = match search.sort.strip_prefix('-') {
            None if is_this(search.sort) => (format!("-{key}"), Some("ascending")),
            Some(sort) if is_this(sort) => (String::new(), Some("descending")),
            _ => (key.to_owned(), None),
        };
        html! { th scope="col" class=(class) aria-sort=[direction] { a href=(search.place(&next)) { (label) } } }
    };
    Ok(html! {
        div.scroll {
            table.contacts {
                thead { tr {
                    (column("name", "Name", ""))
                    th scope="col" { "Addresses" }
                    @for key in fields { (column(&format!("fields.{key}"), key, "")) }
                    (column("language", "Language", "wide-only"))
                    (column("created_on", "Created", "wide-only"))
                    (column("last_seen_on", "Last seen", "wide-only"))
                } }
                tbody {
                    @for item in &items {
                        tr {
                            th scope="row" {
                                a href={ "/contacts/" (item.uuid) } { (person(item.name.as_deref(), &item.uuid)) }
                                @if let Some(status) = item.status.filter(|status| *status != "active") { " " span.state { (status) } }
                            }
                            td.addresses { @for urn in item.urns.iter().take(2) { bdi { (urn) } " " } @if item.urns.len() > 2 { span.soft { "+" (item.urns.len() - 2) } } }
                            @for key in fields { td { (name(item.fields.get(key).map_or("", String::as_str))) } }
                            td.wide-only { (item.language.as_deref().unwrap_or_default()) }
                            td.wide-only.when { (moment_or_none(reader, item.created_on)) }
                            td.wide-only.when { (moment_or_none(reader, item.last_seen_on)) }
                        }
                    }
                }
            }
        }
    })
}

/// What can be done with all who match.
fn actions(ask: &Ask, reader: &Reader<'_>, search: &Search<'_>, total: u64, can_be_group: bool) -> Markup {
    let manual: Vec<_> = reader.schema().groups().iter().filter(|group| !group.smart).collect();
    let query = html! { input type="hidden" name="q" value=(search.text); };
    html! {
        div.actions {
            @if ask.app.options.allow_write {
                @if can_be_group {
                    details {
                        summary { "Save as smart group" }
                        form method="post" action="/groups" {
                            (query)
                            label { "Name " input name="name" required maxlength="255" autocomplete="off" dir="auto"; }
                            button.main type="submit" { "Save" }
                            p.soft { "Its members follow the query from then on." }
                        }
                    }
                }
                @if !manual.is_empty() && total > 0 {
                    details {
                        summary { "Add all " (grouped(total)) " to a group" }
                        form method="post" action="/act" {
                            (query)
                            label { "Group " select name="group" { @for group in &manual { option value=(group.uuid) { (group.name) } } } }
                            button.main type="submit" { "Add " (counted(total, "contact")) }
                        }
                    }
                }
            }
            @if total > 0 { a href={ "/export.jsonl?q=" (encoded(search.text)) } { "Export" } }
        }
    }
}

/// Adds everybody who matches to a manual group.
pub(super) fn act(ask: &Ask) -> Result<Reply, Problem> {
    let form = ask.form();
    let group = value(&form, "group").ok_or_else(|| Problem::bad("say which group"))?.to_owned();
    let documents = {
        let reader = ask.reader()?;
        let query = parsed(&reader, value(&form, "q").unwrap_or_default())?;
        reader.matches_query(&query)?
    };
    let clock = ask.app.clock;
    let uuid = ask.app.queue.write(move |workspace| {
        let commit = workspace.write_by_hand(clock.now(), |writer| {
            let group = writer.group_named(&group)?;
            let moving = &documents - &writer.members(group)?;
            writer.move_members(group, &moving, true)?;
            Ok(group)
        })?;
        Ok(workspace.reader(clock.now())?.group(commit.value)?.uuid)
    })?;
    Ok(Reply::see(format!("/groups/{uuid}")))
}

/// A body that comes in pieces.
struct Pieces(mpsc::Receiver<Bytes>);

impl futures_core::Stream for Pieces {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|piece| piece.map(Ok))
    }
}

/// Everybody who matches, as JSON lines that `import` reads. Who matches is settled at the beginning; each contact is as
/// it is when its piece is made, so that nothing of the store is held while a client takes its time.
pub(in crate::serve) async fn export(ask: Ask) -> Result<Response<Body>, Problem> {
    let app = Arc::clone(&ask.app);
    let documents = app
        .readers
        .run(move || {
            let reader = ask.reader()?;
            let query = parsed(&reader, ask.parameter("q").unwrap_or_default())?;
            Ok(reader.page(&query, &PageRequest { limit: None, ..PageRequest::default() })?.documents)
        })
        .await?;
    let (send, receive) = mpsc::channel::<Bytes>(1);
    tokio::spawn(async move {
        for piece in documents.chunks(PIECE) {
            let (reading, piece) = (Arc::clone(&app), piece.to_vec());
            let made = app.readers.run(move || {
                let reader = reading.workspace.reader(reading.clock.now())?;
                let mut text = Vec::new();
                for document in piece {
                    if let Some(item) = ContactItem::shown(&reader, document)? {
                        serde_json::to_writer(&mut text, &item).map_err(Problem::internal)?;
                        text.push(b'\n');
                    }
                }
                Ok(text)
            });
            let Ok(text) = made.await else { return };
            if send.send(text.into()).await.is_err() {
                return;
            }
        }
    });
    let mut response = Response::new(Body::from_stream(Pieces(receive)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"contacts.jsonl\""));
    Ok(response)
}
