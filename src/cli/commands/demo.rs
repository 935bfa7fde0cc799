//! `demo`: the whole of headcount on a small workspace, in a second.

use std::path::Path;
use std::time::Instant as Stopwatch;

use crate::cli::Outcome;
use crate::cli::args::workspace::Demo;
use crate::cli::commands::hints::Hinted;
use crate::cli::commands::session::{Session, failure};
use crate::cli::commands::why;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, grouped, lasting as shown};
use crate::cli::settings::Settings;
use crate::ids::Uuid;
use crate::import::{ChangeReader, ContactReader, Source, groups, schema};
use crate::sema::query::Dialect;
use crate::value::Instant;
use crate::workspace::change::{ContactRef, SourcePosition};
use crate::workspace::{self, GroupInput, LogFilter, MembershipEvent, Reader, Workspace, WorkspaceError};

const SCHEMA: &str = include_str!("../../../corpus/demo/schema.json");
const CONTACTS: &str = include_str!("../../../corpus/demo/contacts.jsonl");
const GROUPS: &str = include_str!("../../../corpus/demo/groups.json");
const QUERIES: &str = include_str!("../../../corpus/demo/queries.txt");
const CHANGES: &str = include_str!("../../../corpus/demo/changes.jsonl");

/// The moment at which the demo's data stands.
const NOW: &str = "2026-06-15T12:00:00Z";
/// A source that only stores of the demo know: how a store is told to be one that may be replaced.
const MARK: &str = "headcount demo";
/// Queries shown: the file has more.
const QUERIES_SHOWN: usize = 8;
/// Moves shown, likewise.
const MOVES_SHOWN: usize = 16;
/// Whose membership is explained.
const EXPLAINED: (&str, &str) = ("f8df5c85-1ec9-4f98-890d-d76ba4bc38e6", "Due within 4 weeks");

/// Builds a workspace, searches it, keeps its groups exact, explains one, and says what to try next.
pub(super) fn demo(args: &Demo, settings: &Settings) -> Outcome {
    let now = if settings.is_now_given { settings.now } else { Instant::parse(NOW).unwrap_or(settings.now) };
    let settings = Settings { now, store: args.folder.clone(), ..settings.clone() };
    make_room(&args.folder, &settings)?;
    let mut tour = Tour { session: build(&settings)?, output: settings.output() };
    tour.output.set_zone(tour.session.reader()?.environment().timezone.clone());
    tour.import()?;
    tour.search()?;
    tour.group()?;
    tour.change()?;
    tour.explain()?;
    tour.say_what_next(&args.folder)?;
    #[cfg(feature = "serve")]
    if args.serve {
        return super::serve::serve_demo(&args.folder, &settings);
    }
    Ok(())
}

/// Takes away what an earlier demo left, and nothing else.
fn make_room(folder: &Path, settings: &Settings) -> Outcome {
    if !folder.exists() {
        return Ok(());
    }
    let is_ours = match Workspace::open(folder) {
        Ok(workspace) => {
            let reader = workspace.reader(settings.now).map_err(|error| failure(error, settings))?;
            reader.source_offset(MARK).map_err(|error| failure(error, settings))?.is_some()
        }
        Err(_) => false,
    };
    if !is_ours {
        let folder = folder.display();
        return Err(Failure::Failed(format!("{folder} is there already and is not a demo's; name another folder")));
    }
    std::fs::remove_dir_all(folder).map_err(|error| Failure::Failed(format!("{}: {error}", folder.display())))
}

fn build(settings: &Settings) -> Outcome<Session<'_>> {
    let chosen = workspace::Settings {
        timezone: "Africa/Kigali".to_owned(),
        country: Some("RW".to_owned()),
        ..workspace::Settings::default()
    };
    let made = Workspace::create_at(&settings.store, &chosen, settings.now);
    let session = Session { workspace: made.map_err(|error| failure(error, settings))?, settings };
    let mark = SourcePosition { name: MARK.into(), offset: 1 };
    session.write(|writer| writer.advance_source(&mark))?;
    Ok(session)
}

/// The demo on its way.
struct Tour<'s> {
    session: Session<'s>,
    output: Output,
}

impl Tour<'_> {
    fn heading(&mut self, text: &str) -> Outcome {
        let is_first = text.starts_with("Import");
        if !is_first {
            self.output.text("")?;
        }
        if self.output.has_color() {
            self.output.bytes(format!("\x1b[1m{text}\x1b[0m\n").as_bytes())
        } else {
            self.output.text(text)
        }
    }

    /// Reads schema and contacts.
    fn import(&mut self) -> Outcome {
        let began = Stopwatch::now();
        let schema = schema::read(Source::from_reader("schema.json", SCHEMA.as_bytes()))?.into();
        let environment = self.session.reader()?.environment().clone();
        let source = Source::from_reader("contacts.jsonl", CONTACTS.as_bytes());
        let contacts: Vec<_> = ContactReader::open(source, &environment)?.collect();
        let commit = self.session.write(|writer| {
            let fields = writer.import_schema(&schema)?.fields_added;
            let mut rejected = Vec::new();
            for (line, item) in &contacts {
                let refused = match item {
                    Ok(patch) => match writer.put(patch) {
                        Err(error) if error.is_rejected() => Some(Hinted(&error).to_string()),
                        put => put.map(|()| None)?,
                    },
                    Err(rejection) => Some(rejection.reason.clone()),
                };
                rejected.extend(refused.map(|reason| (*line, reason)));
            }
            Ok((fields, rejected))
        })?;
        let took = began.elapsed();
        let (fields, rejected) = commit.value;
        rejected.iter().for_each(|(line, reason)| self.session.rejected("contacts.jsonl", *line, reason));
        let shown = format!("{} contacts with {fields} fields, {}", grouped(commit.counts.created), shown(took));
        self.heading(&format!("Import: {shown}"))
    }

    /// Runs the first queries of the file, each with the comment above it.
    fn search(&mut self) -> Outcome {
        let (mut lines, mut comment) = (Vec::new(), "");
        let session = &self.session;
        // Opened beforehand, as it stays open while a program runs.
        session.told(session.workspace.index())?;
        let reader = session.reader()?;
        session.told(reader.count("name ~ anybody"))?;
        let texts = QUERIES.lines().skip_while(|line| !line.is_empty());
        for line in texts.filter(|line| !line.trim().is_empty()) {
            if let Some(text) = line.strip_prefix("# ") {
                comment = text;
                continue;
            }
            if lines.len() == QUERIES_SHOWN {
                break;
            }
            let began = Stopwatch::now();
            let count = session.told(reader.count(line))?;
            let took = began.elapsed();
            lines.push([format!("  {line}"), grouped(count), shown(took), std::mem::take(&mut comment).to_owned()]);
        }
        drop(reader);
        self.heading("Search: who matches, counted from indexes")?;
        self.output.columns(&lines)
    }

    /// Makes the smart groups.
    fn group(&mut self) -> Outcome {
        let file = groups::read(Source::from_reader("groups.json", GROUPS.as_bytes()))?;
        let inputs: Vec<GroupInput> = file.groups.into_iter().map(Into::into).collect();
        let began = Stopwatch::now();
        self.session.write(|writer| writer.import_groups(&inputs, Dialect::Extended))?;
        let took = began.elapsed();
        let made = self.session.told(self.session.reader()?.groups())?;
        let smart = made.iter().filter(|group| group.smart);
        let lines: Vec<_> = smart
            .map(|group| [format!("  {}", group.name), grouped(group.count), group.query.clone().unwrap_or_default()])
            .collect();
        self.heading(&format!("Groups: {} smart ones filled and stored, {}", lines.len(), shown(took)))?;
        self.output.columns(&lines)
    }

    /// Applies a morning of changes, each at its own moment.
    fn change(&mut self) -> Outcome {
        let changes: Vec<_> = ChangeReader::open(Source::from_reader("changes.jsonl", CHANGES.as_bytes()))?.collect();
        let mut events: Vec<MembershipEvent> = Vec::new();
        let began = Stopwatch::now();
        for (line, item) in &changes {
            let session = &self.session;
            let change = match item {
                Ok(change) => change,
                Err(rejection) => {
                    session.rejected("changes.jsonl", *line, &rejection.reason);
                    continue;
                }
            };
            let now = change.created_on.unwrap_or(session.settings.now);
            let commit = session.told(session.workspace.write(now, |writer| match writer.apply(change) {
                Err(error) if error.is_rejected() => Ok(Some(Hinted(&error).to_string())),
                applied => applied.map(|()| None),
            }))?;
            if let Some(reason) = commit.value.as_ref() {
                session.rejected("changes.jsonl", *line, reason);
            }
            if commit.before < commit.after {
                let reader = session.reader()?;
                for entry in session.told(reader.events_since(commit.before, LogFilter::default()))? {
                    events.extend(session.told(entry)?);
                }
            }
        }
        let took = began.elapsed();
        let each = took / u32::try_from(changes.len().max(1)).unwrap_or(u32::MAX);
        let session = &self.session;
        let reader = session.reader()?;
        let more = events.len().saturating_sub(MOVES_SHOWN);
        let lines = events.iter().take(MOVES_SHOWN).map(|event| session.told(line_of(event, &reader, &self.output)));
        let lines = lines.collect::<Outcome<Vec<_>>>()?;
        drop(reader);
        let (count, each) = (changes.len(), shown(each));
        self.heading(&format!("Changes: {count} of them, each durable before the next, {each} each"))?;
        self.output.columns(&lines)?;
        if more > 0 {
            self.output.text(&format!("  and {more} more lines, which `headcount log` prints"))?;
        }
        Ok(())
    }

    /// Explains one membership.
    fn explain(&mut self) -> Outcome {
        let (contact, group) = EXPLAINED;
        let reader = self.session.reader()?;
        let Some(uuid) = Uuid::parse(contact) else { return Ok(()) };
        let document = self.session.contact(&reader, &ContactRef::Uuid(uuid))?;
        let why = self.session.told(reader.group_named(group).and_then(|group| reader.why(document, group)))?;
        drop(reader);
        let name = why.contact_name.clone().unwrap_or_default();
        self.heading(&format!("Why: {name} and \"{group}\""))?;
        why::tell(&why, &mut self.output)
    }

    fn say_what_next(&mut self, folder: &Path) -> Outcome {
        let folder = folder.display();
        self.heading("Try next")?;
        self.output.text(&format!(
            "  export HEADCOUNT_STORE={folder}\n  \
             headcount query 'uwase AND age > 30'\n  \
             headcount explain 'gender = F AND last_seen_on < -90d' --analyze\n  \
             headcount group members 'Birthday this week'\n  \
             headcount why tel:+250788123123 'Mothers 25–34 in Huye'\n  \
             headcount group edit 'Small babies' --query 'birth_weight < 3' --dry-run\n  \
             headcount log --contact tel:+250722456456\n  \
             headcount check"
        ))?;
        self.output.flush()
    }
}

/// When, who, and what was entered and left.
fn line_of(event: &MembershipEvent, reader: &Reader<'_>, output: &Output) -> Result<[String; 3], WorkspaceError> {
    let document = reader.find(&ContactRef::Uuid(event.contact))?;
    let contact = document.map(|document| reader.contact(document)).transpose()?.flatten();
    let name = contact.and_then(|contact| contact.name).map_or_else(|| event.contact.to_string(), String::from);
    let entered = event.groups_added.iter().map(|group| format!("+ {}", group.name));
    let left = event.groups_removed.iter().map(|group| format!("- {}", group.name));
    let moves: Vec<String> = entered.chain(left).collect();
    Ok([format!("  {}", output.moment(event.time)), name, moves.join(", ")])
}
