//! Contacts and memberships as Parquet, for whoever asks questions of other tools. Behind the feature `parquet`.
//!
//! Two tables, since a contact is in many groups:
//!
//! | contacts | type |
//! | --- | --- |
//! | `uuid`, `status` | text |
//! | `id`, `ref`, `name`, `language`, `flow` | text or null |
//! | `urns` | list of text; not there if the workspace hides addresses |
//! | `tickets` | integer |
//! | `created_on`, `modified_on`, `last_seen_on` | timestamp in microseconds, UTC; the last two or null |
//! | `fields.KEY` | by the field's type: text, timestamp, or a decimal of 38 digits, with as many places as its values need; as text if they need more than 38 digits; null without a value |
//!
//! | memberships | type |
//! | --- | --- |
//! | `group_uuid`, `group_name`, `contact_uuid` | text |
//! | `since` | timestamp: when it last entered; null if that was before the log begins |

use std::fmt;
use std::io::Write;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use rustc_hash::FxHashMap;

use crate::contact::{FieldValueRef, TypedValue};
use crate::ids::{DocumentNumber, FieldId, GroupId};
use crate::index::{AttributeIndex, FieldKinds, PropertyId};
use crate::schema::FieldType;
use crate::store::RowView;
use crate::value::{Decimal, Instant};
use crate::workspace::{GroupInfo, Reader, WorkspaceError};

/// Rows that are in memory at once, and make a row group.
const ROWS: usize = 65_536;
/// Memberships whose beginnings are looked up in one pass over the log.
const MEMBERSHIPS: u64 = 4_000_000;
/// Digits of a decimal column.
const DIGITS: i32 = 38;

/// Why a table was not written.
#[derive(Debug)]
pub enum ExportError {
    /// The workspace could not be read.
    Workspace(WorkspaceError),
    /// The file could not be written.
    Parquet(ParquetError),
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExportError::Workspace(error) => error.fmt(f),
            ExportError::Parquet(error) => write!(f, "the Parquet file could not be written: {error}"),
        }
    }
}

impl std::error::Error for ExportError {}

impl From<WorkspaceError> for ExportError {
    fn from(error: WorkspaceError) -> Self {
        ExportError::Workspace(error)
    }
}

impl From<ParquetError> for ExportError {
    fn from(error: ParquetError) -> Self {
        ExportError::Parquet(error)
    }
}

/// What was written of contacts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ContactsWritten {
    /// Contacts.
    pub contacts: u64,
    /// Texts that do not convert to their field's type: null in the table.
    pub unconvertible: u64,
}

/// The values of one column, those of a row group.
enum Values {
    Text(Vec<ByteArray>),
    Count(Vec<i32>),
    Moment(Vec<i64>),
    /// With so many places.
    Decimal(i32, Vec<FixedLenByteArray>),
}

/// A column in the making. Levels as the format has them: definition 1 where there is a value, repetition 1 where an
/// element goes on with the list of the one before.
struct Column {
    values: Values,
    definitions: Vec<i16>,
    /// Of lists alone.
    repetitions: Option<Vec<i16>>,
    is_required: bool,
}

impl Column {
    fn new(values: Values) -> Self {
        Column { values, definitions: Vec::new(), repetitions: None, is_required: false }
    }

    fn required(self) -> Self {
        Column { is_required: true, ..self }
    }

    fn list(self) -> Self {
        Column { repetitions: Some(Vec::new()), ..self }
    }

    fn text(&mut self, text: Option<&str>) {
        self.definitions.push(text.is_some().into());
        if let (Values::Text(values), Some(text)) = (&mut self.values, text) {
            values.push(ByteArray::from(text.as_bytes().to_vec()));
        }
    }

    fn texts(&mut self, texts: impl Iterator<Item = String>) {
        let Values::Text(values) = &mut self.values else { return };
        let before = values.len();
        values.extend(texts.map(|text| ByteArray::from(text.into_bytes())));
        let count = values.len() - before;
        self.definitions.extend(if count == 0 { vec![0] } else { vec![1; count] });
        if let Some(repetitions) = &mut self.repetitions {
            repetitions.extend((0..count.max(1)).map(|at| i16::from(at > 0)));
        }
    }

    fn count(&mut self, count: u32) {
        self.definitions.push(1);
        if let Values::Count(values) = &mut self.values {
            values.push(i32::try_from(count).unwrap_or(i32::MAX));
        }
    }

    fn moment(&mut self, moment: Option<Instant>) {
        self.definitions.push(moment.is_some().into());
        if let (Values::Moment(values), Some(moment)) = (&mut self.values, moment) {
            values.push(moment.micros());
        }
    }

    /// The value of a field; whether it has a text that the column cannot say.
    fn field(&mut self, value: Option<FieldValueRef<'_>>) -> bool {
        let typed = value.map(|value| (value.text, value.typed));
        match (&mut self.values, typed) {
            (Values::Text(_), Some((text, TypedValue::Text))) => self.text(Some(text)),
            (Values::Text(_), Some((_, TypedValue::Number(number)))) => self.text(Some(&number.to_string())),
            (Values::Moment(_), Some((_, TypedValue::Instant(moment)))) => self.moment(Some(moment)),
            (Values::Decimal(places, values), Some((_, TypedValue::Number(number)))) => {
                let bytes = fixed(&number, *places);
                self.definitions.push(bytes.is_some().into());
                values.extend(bytes.map(|bytes| FixedLenByteArray::from(bytes.to_vec())));
            }
            (_, typed) => {
                self.definitions.push(0);
                return typed.is_some();
            }
        }
        false
    }

    fn write(&mut self, writer: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let definitions = (!self.is_required).then_some(self.definitions.as_slice());
        let repetitions = self.repetitions.as_deref();
        match &mut self.values {
            Values::Text(values) => {
                writer.typed::<ByteArrayType>().write_batch(values, definitions, repetitions)?;
                values.clear();
            }
            Values::Count(values) => {
                writer.typed::<Int32Type>().write_batch(values, definitions, repetitions)?;
                values.clear();
            }
            Values::Moment(values) => {
                writer.typed::<Int64Type>().write_batch(values, definitions, repetitions)?;
                values.clear();
            }
            Values::Decimal(_, values) => {
                writer.typed::<FixedLenByteArrayType>().write_batch(values, definitions, repetitions)?;
                values.clear();
            }
        }
        self.definitions.clear();
        if let Some(repetitions) = &mut self.repetitions {
            repetitions.clear();
        }
        Ok(())
    }
}

/// A number with so many places as the 16 bytes of a decimal; `None` if it needs more digits.
fn fixed(number: &Decimal, places: i32) -> Option<[u8; 16]> {
    let (negative, coefficient, exponent) = number.parts();
    let power = u32::try_from(i32::from(exponent) + places).ok()?;
    let scaled = i128::try_from(coefficient).ok()?.checked_mul(10i128.checked_pow(power)?)?;
    let scaled = if negative { -scaled } else { scaled };
    (scaled.unsigned_abs() < 10u128.pow(DIGITS as u32)).then(|| scaled.to_be_bytes())
}

/// The places that a decimal column for all values of a field needs; `None` if they do not fit into one.
fn places(reader: &Reader<'_>, field: FieldId) -> Result<Option<i32>, WorkspaceError> {
    let (rtxn, tables) = reader.snapshot().view().index_tables();
    let index = AttributeIndex::new(tables.index, FieldKinds::new(reader.schema()));
    let (mut places, mut whole) = (0, 0);
    index.tally(rtxn, PropertyId::Field(field), |key, _| {
        let Some(number) = Decimal::from_sort_key(key) else { return };
        let (_, coefficient, exponent) = number.parts();
        let digits = coefficient.checked_ilog10().map_or(0, |power| power as i32 + 1);
        places = places.max(-i32::from(exponent));
        whole = whole.max(digits + i32::from(exponent));
    })?;
    Ok(Some(places).filter(|places| places + whole <= DIGITS))
}

/// A file in the making.
struct Table<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Vec<Column>,
    rows: usize,
}

impl<W: Write + Send> Table<W> {
    fn new(out: W, schema: &str, columns: Vec<Column>) -> Result<Self, ParquetError> {
        let schema = Arc::new(parse_message_type(schema)?);
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        Ok(Table { writer: SerializedFileWriter::new(out, schema, Arc::new(properties))?, columns, rows: 0 })
    }

    fn row_done(&mut self) -> Result<(), ParquetError> {
        self.rows += 1;
        if self.rows == ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        self.rows = 0;
        let mut group = self.writer.next_row_group()?;
        for column in &mut self.columns {
            if let Some(mut writer) = group.next_column()? {
                column.write(&mut writer)?;
                writer.close()?;
            }
        }
        group.close()?;
        Ok(())
    }

    fn finish(mut self) -> Result<(), ParquetError> {
        self.flush()?;
        self.writer.close()?;
        Ok(())
    }
}

/// Writes all contacts; `told` hears how many, from time to time.
///
/// Cost: a pass over the rows, and one over the values of number fields. Memory: 65,536 contacts.
///
/// # Errors
/// If the workspace cannot be read, or `out` cannot be written.
pub fn write_contacts<W: Write + Send>(
    reader: &Reader<'_>,
    out: W,
    mut told: impl FnMut(u64),
) -> Result<ContactsWritten, ExportError> {
    let fields = reader.schema().fields();
    let shows_addresses = !reader.environment().redact_urns;
    let text = || Column::new(Values::Text(Vec::new()));
    let moment = || Column::new(Values::Moment(Vec::new()));
    let mut schema = "message contacts {\n required binary uuid (STRING);\n optional binary id (STRING);\n \
                      optional binary ref (STRING);\n optional binary name (STRING);\n \
                      optional binary language (STRING);\n required binary status (STRING);\n"
        .to_owned();
    let mut columns = vec![text().required(), text(), text(), text(), text(), text().required()];
    if shows_addresses {
        schema.push_str(" required group urns (LIST) { repeated group list { required binary element (STRING); } }\n");
        columns.push(text().list());
    }
    schema.push_str(
        " optional binary flow (STRING);\n required int32 tickets;\n required int64 created_on (TIMESTAMP(MICROS,true));\n \
         optional int64 modified_on (TIMESTAMP(MICROS,true));\n optional int64 last_seen_on (TIMESTAMP(MICROS,true));\n",
    );
    columns.extend([
        text(),
        Column::new(Values::Count(Vec::new())).required(),
        moment().required(),
        moment(),
        moment(),
    ]);
    let before_fields = columns.len();
    if !fields.is_empty() {
        schema.push_str(" required group fields {\n");
    }
    for field in fields {
        let places = if field.kind == FieldType::Number { places(reader, field.id)? } else { None };
        let (column, kind) = match (field.kind, places) {
            (FieldType::Number, Some(places)) => {
                let kind = format!("fixed_len_byte_array({}) {} (DECIMAL({DIGITS},{places}))", 16, field.key);
                (Column::new(Values::Decimal(places, Vec::new())), kind)
            }
            (FieldType::Datetime, _) => (moment(), format!("int64 {} (TIMESTAMP(MICROS,true))", field.key)),
            _ => (text(), format!("binary {} (STRING)", field.key)),
        };
        schema.push_str(&format!("  optional {kind};\n"));
        columns.push(column);
    }
    schema.push_str(if fields.is_empty() { "}" } else { " }\n}" });

    let mut table = Table::new(out, &schema, columns)?;
    let mut written = ContactsWritten::default();
    for document in reader.documents()? {
        let Some(row) = reader.row(document?)? else { continue };
        written.unconvertible += put_contact(reader, &row, shows_addresses, before_fields, &mut table.columns);
        table.row_done()?;
        written.contacts += 1;
        told(written.contacts);
    }
    table.finish()?;
    Ok(written)
}

/// Puts a contact into the columns; gives the number of its texts that no column can say.
fn put_contact(
    reader: &Reader<'_>,
    row: &RowView<'_>,
    shows_addresses: bool,
    before_fields: usize,
    columns: &mut [Column],
) -> u64 {
    let schema = reader.schema();
    let Some((fixed, of_fields)) = columns.split_at_mut_checked(before_fields) else { return 0 };
    let mut fixed = fixed.iter_mut();
    let mut next = |put: &mut dyn FnMut(&mut Column)| {
        if let Some(column) = fixed.next() {
            put(column);
        }
    };
    next(&mut |column| column.text(Some(&row.uuid().to_string())));
    next(&mut |column| column.text(row.id()));
    next(&mut |column| column.text(row.reference()));
    next(&mut |column| column.text(row.name()));
    next(&mut |column| column.text(row.language()));
    next(&mut |column| column.text(Some(row.status().name())));
    if shows_addresses {
        next(&mut |column| column.texts(row.urns().map(|urn| format!("{}:{}", urn.scheme, urn.written_path()))));
    }
    let flow = row.flow().and_then(|flow| schema.flow_by_id(flow));
    next(&mut |column| column.text(flow.map(|flow| flow.name.as_str())));
    next(&mut |column| column.count(row.tickets()));
    next(&mut |column| column.moment(Some(row.created_on())));
    next(&mut |column| column.moment(row.modified_on()));
    next(&mut |column| column.moment(row.last_seen_on()));
    let fields = schema.fields().iter().zip(of_fields);
    fields.map(|(field, column)| u64::from(column.field(row.field(field.id)))).sum()
}

/// Writes all memberships, by group; gives how many there are.
///
/// Cost: the memberships, and a pass over the membership log for each four million of them.
///
/// # Errors
/// If the workspace cannot be read, or `out` cannot be written.
pub fn write_memberships<W: Write + Send>(reader: &Reader<'_>, out: W) -> Result<u64, ExportError> {
    let schema = "message memberships {\n required binary group_uuid (STRING);\n required binary group_name (STRING);\n \
                  required binary contact_uuid (STRING);\n optional int64 since (TIMESTAMP(MICROS,true));\n}";
    let text = || Column::new(Values::Text(Vec::new())).required();
    let columns = vec![text(), text(), text(), Column::new(Values::Moment(Vec::new()))];
    let mut table = Table::new(out, schema, columns)?;
    let mut written = 0;
    let groups = reader.groups()?;
    let mut rest = groups.as_slice();
    while !rest.is_empty() {
        // As many groups as fit into one pass, and one at least.
        let mut memberships = 0;
        let fits = |group: &&GroupInfo| {
            memberships += group.count;
            memberships <= MEMBERSHIPS
        };
        let (part, after) = rest.split_at(rest.iter().take_while(fits).count().max(1));
        rest = after;
        let since = beginnings(reader, part)?;
        for group in part {
            let uuid = group.uuid.to_string();
            for document in reader.members(group.id)? {
                let Some(row) = reader.row(DocumentNumber(document))? else { continue };
                let [group_uuid, group_name, contact, moment] = table.columns.as_mut_slice() else { continue };
                group_uuid.text(Some(&uuid));
                group_name.text(Some(&group.name));
                contact.text(Some(&row.uuid().to_string()));
                moment.moment(since.get(&(group.id, document)).copied());
                table.row_done()?;
                written += 1;
            }
        }
    }
    table.finish()?;
    Ok(written)
}

/// When each member of these groups entered last, as far as the log tells.
fn beginnings(reader: &Reader<'_>, groups: &[GroupInfo]) -> Result<FxHashMap<(GroupId, u32), Instant>, WorkspaceError> {
    let view = reader.snapshot().view();
    let mut since = FxHashMap::default();
    for entry in view.log_since(view.state().horizon)? {
        let entry = entry?;
        for moves in groups.iter().filter_map(|group| entry.group(group.id)) {
            for document in moves.left() {
                since.remove(&(moves.group, document));
            }
            since.extend(moves.entered().map(|document| ((moves.group, document), entry.time)));
        }
    }
    Ok(since)
}
