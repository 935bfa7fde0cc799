//! Exported tables read again: the same contacts and memberships, in types that other tools read.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Output};

use headcount::internals::value::{Decimal, Instant};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::Value;

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headcount"));
    command.current_dir(folder).env_remove("HEADCOUNT_STORE").env_remove("NO_COLOR");
    command.args(["--now", "2026-06-15T13:00:00Z"]).args(arguments).output().unwrap()
}

fn well(folder: &Path, arguments: &[&str]) -> (String, String) {
    let ran = run(folder, arguments);
    let [output, errors] = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(ran.status.success(), "{arguments:?}: {errors}");
    (output, errors)
}

fn rows(path: &Path) -> Vec<BTreeMap<String, Field>> {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    reader.get_row_iter(None).unwrap().map(|row| columns(&row.unwrap())).collect()
}

fn columns(row: &Row) -> BTreeMap<String, Field> {
    row.get_column_iter().map(|(name, field)| (name.clone(), field.clone())).collect()
}

/// A value as the JSON lines of the same contact would have it.
fn plain(field: &Field) -> Option<String> {
    match field {
        Field::Null => None,
        Field::Str(text) => Some(text.clone()),
        Field::Int(number) => Some(number.to_string()),
        Field::TimestampMicros(micros) => Some(Instant::from_micros(*micros).to_string()),
        Field::Decimal(decimal) => {
            let bytes: [u8; 16] = decimal.data().try_into().unwrap();
            let number = i128::from_be_bytes(bytes);
            let digits = format!("{:0>width$}", number.unsigned_abs(), width = decimal.scale() as usize + 1);
            let (whole, places) = digits.split_at(digits.len() - decimal.scale() as usize);
            let sign = if number < 0 { "-" } else { "" };
            let text = if places.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{places}") };
            Some(Decimal::parse(&text).unwrap().to_string())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn tables_hold_what_the_lines_hold() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    well(path, &["demo", ".headcount"]);
    // Too many digits for a decimal of any scale: that field becomes a text; the others stay decimals.
    well(path, &["field", "add", "required", "--type", "number"]);
    let (_, told) = well(path, &["export", "all.parquet"]);
    assert!(told.contains("exported 322 contacts, and ") && told.contains("all.memberships.parquet"), "{told}");
    let (lines, _) = well(path, &["export", "-"]);
    let (schema, _) = well(path, &["schema", "show", "--format", "json"]);
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let kind = |key: &str| {
        let field = schema["fields"].as_array().unwrap().iter().find(|field| field["key"] == key).unwrap();
        field["type"].as_str().unwrap().to_owned()
    };
    let table = rows(&path.join("all.parquet"));
    let contacts: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(table.len(), contacts.len());
    let (mut decimals, mut moments, mut left_out) = (0, 0, 0);
    for (row, contact) in table.iter().zip(&contacts) {
        for key in ["uuid", "id", "ref", "name", "language", "status"] {
            assert_eq!(plain(&row[key]).as_deref(), contact[key].as_str(), "{key}: {contact}");
        }
        for key in ["created_on", "last_seen_on"] {
            assert_eq!(plain(&row[key]).as_deref(), contact[key].as_str(), "{key}: {contact}");
        }
        assert_eq!(plain(&row["tickets"]).unwrap(), contact["tickets"].to_string());
        let Field::ListInternal(urns) = &row["urns"] else { panic!("{row:?}") };
        let urns: Vec<String> = urns.elements().iter().filter_map(plain).collect();
        assert_eq!(Value::from(urns), contact["urns"]);
        let Field::Group(fields) = &row["fields"] else { panic!("{row:?}") };
        for (key, field) in columns(fields) {
            let written = contact["fields"][&key].as_str();
            let expected = match kind(&key).as_str() {
                "number" => written.and_then(Decimal::parse).map(|number| number.to_string()),
                // Read in the workspace's zone and order of days; its own reading is tested elsewhere.
                "datetime" => plain(&field),
                _ => written.map(str::to_owned),
            };
            assert_eq!(plain(&field), expected, "{key}: {contact}");
            decimals += u32::from(matches!(field, Field::Decimal(_)));
            moments += u32::from(matches!(field, Field::TimestampMicros(_)));
            left_out += u32::from(written.is_some() && matches!(field, Field::Null));
        }
    }
    assert!(decimals > 300 && moments > 300, "{decimals} {moments}");
    assert!(told.contains(&format!("left out {left_out} values")), "{told}");
}

#[test]
fn memberships_begin_when_the_log_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    well(path, &["demo", ".headcount"]);
    well(path, &["export", "all.parquet"]);
    let mut since: BTreeMap<(String, String), String> = BTreeMap::new();
    for line in well(path, &["log", "--format", "jsonl"]).0.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let key = |group: &Value| (text(&group["uuid"]), text(&event["contact"]["uuid"]));
        event["groups_removed"].as_array().unwrap().iter().for_each(|group| drop(since.remove(&key(group))));
        since.extend(
            event["groups_added"].as_array().unwrap().iter().map(|group| (key(group), text(&event["created_on"]))),
        );
    }
    let table = rows(&path.join("all.memberships.parquet"));
    let told: BTreeMap<(String, String), String> = table
        .iter()
        .map(|row| {
            let text = |key: &str| plain(&row[key]).unwrap();
            ((text("group_uuid"), text("contact_uuid")), text("since"))
        })
        .collect();
    assert!(told.len() > 400);
    assert_eq!(told, since);
}

#[test]
fn hidden_addresses_are_in_no_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    well(path, &["init", "--redact-urns"]);
    std::fs::write(path.join("contacts.jsonl"), "{\"name\": \"Ann\", \"urns\": [\"tel:+250788123123\"]}\n").unwrap();
    well(path, &["import", "contacts.jsonl"]);
    well(path, &["export", "all.parquet"]);
    let table = rows(&path.join("all.parquet"));
    assert!(table.len() == 1 && !table[0].contains_key("urns") && !table[0].contains_key("fields"), "{table:?}");
    let bytes = std::fs::read(path.join("all.parquet")).unwrap();
    assert!(!bytes.windows(9).any(|part| part == b"788123123"));
}
