//! `parse`

use crate::answers::shapes::{GroupUsed, Metadata, Parsed};
use crate::cli::Outcome;
use crate::cli::args::search::Parse;
use crate::cli::args::workspace::EnvironmentOptions;
use crate::cli::commands::queries;
use crate::cli::commands::session::Session;
use crate::cli::failure::Failure;
use crate::cli::output::{Cell, Format};
use crate::cli::settings::Settings;
use crate::diagnostic::{Diagnostic, Errors};
use crate::import::{Source, schema};
use crate::language::{self, Resolve};
use crate::lint;
use crate::schema::{Environment, Schema};
use crate::sema::print::canonical_in;
use crate::workspace::{Purpose, Reader};

/// What names in queries are looked up in.
struct Names<'r> {
    /// Empty if nothing is looked up.
    schema: Schema,
    resolves: bool,
    environment: Environment,
    /// The store that they are from, if they are from one: it knows values and groups.
    reader: Option<&'r Reader<'r>>,
}

/// Checks a query, or each of a file, and prints its canonical form and what it uses.
pub(super) fn parse(args: &Parse, settings: &Settings) -> Outcome {
    let session = if args.schema.is_some() || args.no_resolve { None } else { Some(store(settings)?) };
    let reader = session.as_ref().map(Session::reader).transpose()?;
    let names = Names::of(args, settings, reader.as_ref())?;
    if let Some(file) = &args.batch {
        return queries::batch(file, settings, |text| Ok(names.parse(text, args).map(|(parsed, _)| parsed)));
    }
    let text = args.query.as_deref().unwrap_or_default();
    let mut output = settings.output();
    let (parsed, warnings) = match names.parse(text, args) {
        Ok(parsed) => parsed,
        Err(errors) => return Err(queries::invalid(text, &errors, settings, &mut output)),
    };
    queries::warnings(text, &warnings, settings);
    output.details(settings.format_or(Format::Table), &properties(&parsed), None, &parsed)
}

/// The store, or a hint at what to do without.
fn store(settings: &Settings) -> Outcome<Session<'_>> {
    Session::open(settings).map_err(|failure| match failure {
        Failure::Failed(reason) => {
            Failure::Failed(format!("{reason}; or give a schema with --schema FILE, or say --no-resolve"))
        }
        other => other,
    })
}

impl<'r> Names<'r> {
    fn of(args: &Parse, settings: &Settings, reader: Option<&'r Reader<'r>>) -> Outcome<Self> {
        let (schema, mut environment) = match (reader, &args.schema) {
            (Some(reader), _) => (reader.schema().clone(), reader.environment().clone()),
            (None, Some(file)) => (schema::read(Source::open(file)?)?.to_schema(), Environment::utc(settings.now)),
            (None, None) => (Schema::new(), Environment::utc(settings.now)),
        };
        environment.redact_urns |= args.redact_urns;
        overlay(&mut environment, &args.environment);
        Ok(Names { schema, resolves: reader.is_some() || args.schema.is_some(), environment, reader })
    }

    fn parse(&self, text: &str, args: &Parse) -> Result<(Parsed, Vec<Diagnostic>), Errors> {
        let resolve = if self.resolves { Resolve::Schema(&self.schema) } else { Resolve::Nothing };
        let query = language::parse_with(text, args.dialect, resolve, &self.environment)?.query;
        let warnings = match self.reader {
            Some(reader) => reader.lint(text, &query, Purpose::Group(None)),
            None => lint::lint(text, &query, &lint::Known::new(&self.schema, &self.environment)),
        };
        let parsed = Parsed {
            query: canonical_in(&query, &self.schema, &self.environment),
            metadata: Metadata::of(&query, &self.schema),
            warnings: warnings.iter().map(Diagnostic::to_json).collect(),
        };
        Ok((parsed, warnings))
    }
}

/// What was said on the command line goes before what is known otherwise.
pub(super) fn overlay(environment: &mut Environment, options: &EnvironmentOptions) {
    if let Some(timezone) = &options.timezone {
        environment.timezone = timezone.clone();
    }
    if let Some(date_format) = options.date_format {
        environment.date_format = date_format;
    }
    if let Some(country) = options.country {
        environment.country = Some(country.0);
    }
}

fn properties(parsed: &Parsed) -> Vec<(&'static str, Cell)> {
    let metadata = &parsed.metadata;
    let fields: Vec<&str> = metadata.fields.iter().map(|field| field.key.as_str()).collect();
    let group = |group: &GroupUsed| match group {
        GroupUsed::Resolved(group) => group.name.clone(),
        GroupUsed::ByName { name_match } => name_match.clone(),
    };
    let groups: Vec<String> = metadata.groups.iter().map(group).collect();
    vec![
        ("Query", parsed.query.as_str().into()),
        ("Attributes", metadata.attributes.join(", ").into()),
        ("Schemes", metadata.schemes.join(", ").into()),
        ("Fields", fields.join(", ").into()),
        ("Groups", groups.join(", ").into()),
        ("Allowed as a group", Cell::Flag(metadata.allow_as_group)),
    ]
}
