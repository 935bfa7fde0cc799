//! Commands that make a workspace and fill it.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::values::{self, Country, Days};
use crate::schema::{DateFormat, FieldType};

/// `demo`
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  headcount demo")]
pub struct Demo {
    /// Where to build the workspace; made anew each time
    #[arg(value_name = "DIR", default_value = ".headcount-demo")]
    pub folder: PathBuf,
    /// Then serve it at http://127.0.0.1:8080, with changes made up as time goes by
    #[cfg(feature = "serve")]
    #[arg(long)]
    pub serve: bool,
}

/// How texts are read: what `init`, `workspace set` and `parse` share.
#[derive(Args, Debug, Clone)]
pub struct EnvironmentOptions {
    /// The zone in which days begin and end
    #[arg(long, value_name = "ZONE", value_parser = values::timezone)]
    pub timezone: Option<jiff::tz::TimeZone>,
    /// The order of day, month and year: DD-MM-YYYY, MM-DD-YYYY or YYYY-MM-DD
    #[arg(long, value_name = "FORMAT", value_parser = values::date_format)]
    pub date_format: Option<DateFormat>,
    /// The country of phone numbers written without one
    #[arg(long, value_name = "CC")]
    pub country: Option<Country>,
}

/// `init`
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  headcount init --timezone Africa/Kigali --country RW\n\nAn existing workspace is left alone."
)]
pub struct Init {
    /// How texts will be read.
    #[command(flatten)]
    pub environment: EnvironmentOptions,
    /// Hide addresses: queries may not look into them
    #[arg(long)]
    pub redact_urns: bool,
}

/// `workspace …`
#[derive(Subcommand, Debug)]
pub enum WorkspaceCommand {
    /// Show the environment and what the workspace holds
    #[command(after_help = "Example:\n  headcount workspace show --format json")]
    Show,
    /// Change how texts are read; everything that follows from it is derived anew
    Set(WorkspaceSet),
}

/// `workspace set`
#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    after_help = "Example:\n  headcount workspace set --timezone America/New_York --date-format MM-DD-YYYY"
)]
pub struct WorkspaceSet {
    /// How texts are to be read.
    #[command(flatten)]
    pub environment: EnvironmentOptions,
    /// Whether to hide addresses
    #[arg(long, value_name = "BOOL")]
    pub redact_urns: Option<bool>,
    /// For how many days to keep the membership log, or `forever`
    #[arg(long, value_name = "DAYS")]
    pub keep_log: Option<Days>,
}

/// `schema …`
#[derive(Subcommand, Debug)]
pub enum SchemaCommand {
    /// Read fields, manual groups and flows: adds and renames
    #[command(
        after_help = "Example:\n  headcount schema import schema.json\n\nThe file: {\"fields\": [{\"key\": \"age\", \
                      \"name\": \"Age\", \"type\": \"number\"}], \"groups\": [\"VIP\"], \"flows\": [\"Poll\"]}"
    )]
    Import {
        /// The file, or - for standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Show fields, groups and flows
    #[command(after_help = "Example:\n  headcount schema show")]
    Show,
}

/// `field …`
#[derive(Subcommand, Debug)]
pub enum FieldCommand {
    /// List the fields, with how many contacts have a value
    #[command(after_help = "Example:\n  headcount field list")]
    List,
    /// Add a custom field
    #[command(after_help = "Example:\n  headcount field add children --type number --name \"Children at home\"")]
    Add {
        /// How queries name it: letters, digits and _
        #[arg(value_parser = values::field_key)]
        key: String,
        /// What its values are
        #[arg(long = "type", value_name = "TYPE", value_enum, default_value = "text")]
        kind: FieldType,
        /// How people name it; the key unless told
        #[arg(long, value_parser = values::name)]
        name: Option<String>,
    },
    /// Change a field's type or name; refused if a group would no longer compile
    #[command(after_help = "Example:\n  headcount field edit household --type text")]
    Edit {
        /// How queries name it
        #[arg(value_parser = values::field_key)]
        key: String,
        /// What its values are from now on
        #[arg(long = "type", value_name = "TYPE", value_enum, required_unless_present = "name")]
        kind: Option<FieldType>,
        /// How people name it from now on
        #[arg(long, value_parser = values::name)]
        name: Option<String>,
    },
}

/// `depends`
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  headcount depends household")]
pub struct Depends {
    /// A field by key, or a group by name
    #[arg(value_name = "FIELD or GROUP", value_parser = values::name)]
    pub name: String,
}

/// `import`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  headcount import contacts.jsonl\n  headcount import sheet.xlsx --infer --dry-run\n\n\
                  New contacts are created, known ones (by uuid, else by address) take the values that are given.\n\
                  Columns of a sheet: UUID, Name, Language, Status, Created On, Last Seen On, URN:<scheme>,\n\
                  Field:<key or name>, Group:<name>. A blank cell leaves a value as it is, -- clears it. What other\n\
                  columns hold is guessed from their names and cells, and told."
)]
pub struct Import {
    /// Files, or - for standard input: JSON lines, API pages, CSV, XLSX, Parquet; packed with gzip or not
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Also create the fields, manual groups and flows that the files mention
    #[arg(long)]
    pub infer: bool,
    /// What a column of a sheet holds, such as "Phone=URN:tel", "Born=Field:dob", "Remarks=ignore"; may be repeated
    #[arg(long = "map", value_name = "COLUMN=TARGET", value_parser = mapping)]
    pub maps: Vec<(String, String)>,
    /// Put everybody into this manual group, which is made if there is none of that name
    #[arg(long, value_name = "NAME", value_parser = values::name)]
    pub group: Option<String>,
    /// What becomes of a text in a column of phone numbers that is none
    #[arg(long, value_name = "HOW", value_enum, default_value = "lenient")]
    pub phones: PhonesOption,
    /// The sheet of a workbook, by name; else the first one that is not hidden and holds contacts
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
    /// Say what would come of it, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Write every line that was rejected, changed or left out to this file, as CSV
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Refuse a file as a whole if any line is bad or any contact comes twice
    #[arg(long)]
    pub strict: bool,
}

/// What becomes of bad phone numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum PhonesOption {
    /// Kept as they are, and told
    Lenient,
    /// Their rows are rejected
    Strict,
}

impl From<PhonesOption> for crate::import::Phones {
    fn from(option: PhonesOption) -> Self {
        match option {
            PhonesOption::Lenient => crate::import::Phones::Lenient,
            PhonesOption::Strict => crate::import::Phones::Strict,
        }
    }
}

fn mapping(text: &str) -> Result<(String, String), String> {
    let (column, target) = text.rsplit_once('=').ok_or("a column is mapped with \"COLUMN=TARGET\"")?;
    Ok((column.trim().to_owned(), target.trim().to_owned()))
}
