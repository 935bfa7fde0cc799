//! Blocks of JSON: each says what it is, and is read as that.

use headcount::internals::import::{ChangeReader, ContactReader, Source, campaign, groups, queries, schema};
use headcount::internals::schema::Environment;
use headcount::internals::value::Instant;

/// Reads a block as the kind of input that it names; what it says of outputs need only be JSON.
pub(crate) fn accept(what: &str, text: &str) -> Result<(), String> {
    let source = || Source::from_reader("block", std::io::Cursor::new(text.to_owned().into_bytes()));
    let environment = Environment::utc(Instant::now());
    match what {
        "schema" => schema::read(source()).map(drop).map_err(|error| error.to_string()),
        "groups" => groups::read(source()).map(drop).map_err(|error| error.to_string()),
        "campaign" => campaign::read(source()).map(drop).map_err(|error| error.to_string()),
        "contacts" => lines(ContactReader::open(source(), &environment).map_err(|error| error.to_string())?),
        "changes" => lines(ChangeReader::open(source()).map_err(|error| error.to_string())?),
        "queries" => lines(queries::open(source()).map_err(|error| error.to_string())?),
        "output" => {
            let whole = serde_json::from_str::<serde_json::Value>(text).map(drop);
            let by_line =
                || text.lines().try_for_each(|line| serde_json::from_str::<serde_json::Value>(line).map(drop));
            whole.or_else(|_| by_line()).map_err(|error| error.to_string())
        }
        other => Err(format!("`{other}` is no kind of JSON that is known here")),
    }
}

fn lines<L: std::fmt::Debug, T>(
    items: impl Iterator<Item = (L, Result<T, headcount::internals::import::Rejection>)>,
) -> Result<(), String> {
    for (line, item) in items {
        item.map_err(|rejection| format!("line {line:?}: {}", rejection.reason))?;
    }
    Ok(())
}
