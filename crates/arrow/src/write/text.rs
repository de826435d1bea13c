//! CSV and NDJSON.
//!
//! A number is written with its digits, and not once more beside it. Bytes are Base64, keys
//! UUIDs, dates and times as in ISO 8601, lists JSON arrays. JSON stands in NDJSON as what
//! it is, and in CSV as text.

use std::io::Write;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, Time64MicrosecondType,
    TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::WriteError;
use crate::column_type::ColumnType;
use crate::key::{Key, key_text};
use crate::schema::TableSchema;

/// A column as it is written.
struct TextColumn {
    /// Its name, in CSV quoted if need be, in NDJSON with quotes and colon.
    name: String,
    column_type: ColumnType,
    /// Its place in the record batch; that of the digits if it is a number.
    place: usize,
}

/// Writes CSV or NDJSON.
pub(super) struct TextWriter<W> {
    out: W,
    is_csv: bool,
    columns: Vec<TextColumn>,
    line: Vec<u8>,
}

impl<W: Write> TextWriter<W> {
    pub fn csv(out: W, table: &TableSchema) -> Result<Self, WriteError> {
        let mut writer = TextWriter { out, is_csv: true, columns: columns(table), line: Vec::new() };
        let names: Vec<&str> = writer.columns.iter().map(|column| column.name.as_str()).collect();
        let mut line = Vec::new();
        for (number, name) in names.iter().enumerate() {
            if number > 0 {
                line.push(b',');
            }
            push_csv(&mut line, name);
        }
        line.push(b'\n');
        writer.out.write_all(&line)?;
        Ok(writer)
    }

    pub fn ndjson(out: W, table: &TableSchema) -> Self {
        let mut columns = columns(table);
        for column in &mut columns {
            column.name = format!("{}:", json_string(&column.name));
        }
        TextWriter { out, is_csv: false, columns, line: Vec::new() }
    }

    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        let arrays: Vec<&ArrayRef> = self.columns.iter().map(|column| batch.column(column.place)).collect();
        for row in 0..batch.num_rows() {
            self.line.clear();
            if self.is_csv {
                self.csv_row(&arrays, row);
            } else {
                self.json_row(&arrays, row);
            }
            self.line.push(b'\n');
            self.out.write_all(&self.line)?;
        }
        Ok(())
    }

    pub fn finish(mut self) -> Result<W, WriteError> {
        self.out.flush()?;
        Ok(self.out)
    }

    /// Null is nothing, and an empty text is `""`, as in Postgres' CSV.
    fn csv_row(&mut self, arrays: &[&ArrayRef], row: usize) {
        for (number, (column, array)) in self.columns.iter().zip(arrays).enumerate() {
            if number > 0 {
                self.line.push(b',');
            }
            if array.is_valid(row) {
                match text(column.column_type, array, row) {
                    Text::Plain(text) => self.line.extend_from_slice(text.as_bytes()),
                    Text::String(text) | Text::Json(text) => push_csv(&mut self.line, &text),
                }
            }
        }
    }

    fn json_row(&mut self, arrays: &[&ArrayRef], row: usize) {
        self.line.push(b'{');
        for (column, array) in self.columns.iter().zip(arrays).filter(|(_, array)| array.is_valid(row)) {
            if self.line.len() > 1 {
                self.line.push(b',');
            }
            self.line.extend_from_slice(column.name.as_bytes());
            match text(column.column_type, array, row) {
                // Line breaks are only allowed between the tokens of JSON, where they mean nothing.
                Text::Json(text) => {
                    self.line.extend(text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')))
                }
                Text::Plain(text) if is_json(column.column_type, &text) => {
                    self.line.extend_from_slice(text.as_bytes());
                }
                Text::Plain(text) | Text::String(text) => {
                    self.line.extend_from_slice(json_string(&text).as_bytes());
                }
            }
        }
        self.line.push(b'}');
    }
}

fn columns(table: &TableSchema) -> Vec<TextColumn> {
    let mut place = 0;
    let columns = table.columns().iter().map(|column| {
        place += usize::from(column.column_type == ColumnType::Numeric);
        place += 1;
        TextColumn { name: column.name.clone(), column_type: column.column_type, place: place - 1 }
    });
    columns.collect()
}

/// A value as text.
enum Text {
    /// Without anything that CSV would quote.
    Plain(String),
    /// Any text.
    String(String),
    /// JSON.
    Json(String),
}

/// Whether a plain text is a number or a boolean of JSON.
fn is_json(column_type: ColumnType, text: &str) -> bool {
    match column_type {
        ColumnType::Boolean
        | ColumnType::BigInt
        | ColumnType::Integer
        | ColumnType::SmallInt
        | ColumnType::Oid => true,
        ColumnType::Numeric | ColumnType::Double | ColumnType::Real => {
            !text.contains("NaN") && !text.contains("inf") && !text.contains("Inf")
        }
        _ => false,
    }
}

/// The value of a row that has one.
fn text(column_type: ColumnType, array: &ArrayRef, row: usize) -> Text {
    match column_type {
        ColumnType::Text => Text::String(array.as_string::<i32>().value(row).to_owned()),
        ColumnType::Json | ColumnType::Jsonb => Text::Json(array.as_string::<i32>().value(row).to_owned()),
        ColumnType::Key => {
            let bytes = array.as_binary::<i32>().value(row);
            let key = Key::try_from(bytes).map(|key| key_text(&key));
            Text::Plain(key.unwrap_or_else(|_| STANDARD.encode(bytes)))
        }
        ColumnType::Bytes => Text::Plain(STANDARD.encode(array.as_binary::<i32>().value(row))),
        ColumnType::Numeric | ColumnType::Uuid => Text::Plain(array.as_string::<i32>().value(row).to_owned()),
        ColumnType::BigIntArray
        | ColumnType::IntegerArray
        | ColumnType::SmallIntArray
        | ColumnType::TextArray => Text::Json(list(&array.as_list::<i32>().value(row))),
        ColumnType::Date => {
            let date = array.as_primitive::<Date32Type>().value_as_date(row);
            Text::Plain(date.map(|date| date.to_string()).unwrap_or_default())
        }
        ColumnType::Time => {
            let time = array.as_primitive::<Time64MicrosecondType>().value_as_time(row);
            Text::Plain(time.map(|time| time.to_string()).unwrap_or_default())
        }
        ColumnType::Timestamp | ColumnType::Timestamptz => {
            let time = array.as_primitive::<TimestampMicrosecondType>().value_as_datetime(row);
            let text = time.map(|time| time.format("%Y-%m-%dT%H:%M:%S%.f").to_string()).unwrap_or_default();
            Text::Plain(if column_type == ColumnType::Timestamptz { text + "Z" } else { text })
        }
        ColumnType::Boolean
        | ColumnType::BigInt
        | ColumnType::Oid
        | ColumnType::Integer
        | ColumnType::SmallInt
        | ColumnType::Double
        | ColumnType::Real => Text::Plain(scalar(array, row)),
    }
}

/// A number or a boolean.
fn scalar(array: &ArrayRef, row: usize) -> String {
    use arrow_schema::DataType::{Boolean, Float32, Float64, Int16, Int32, Int64};
    match array.data_type() {
        Boolean => array.as_boolean().value(row).to_string(),
        Int16 => array.as_primitive::<Int16Type>().value(row).to_string(),
        Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        Float32 => array.as_primitive::<Float32Type>().value(row).to_string(),
        Float64 => array.as_primitive::<Float64Type>().value(row).to_string(),
        _ => String::new(),
    }
}

/// A list as a JSON array.
fn list(items: &ArrayRef) -> String {
    let is_text = *items.data_type() == arrow_schema::DataType::Utf8;
    let item = |row: usize| match (items.is_null(row), is_text) {
        (true, _) => "null".to_owned(),
        (false, true) => json_string(items.as_string::<i32>().value(row)),
        (false, false) => scalar(items, row),
    };
    let items: Vec<String> = (0..items.len()).map(item).collect();
    format!("[{}]", items.join(","))
}

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Appends a text, quoted if it would be misread otherwise.
fn push_csv(line: &mut Vec<u8>, text: &str) {
    let is_plain =
        !text.is_empty() && !text.contains([',', '"', '\n', '\r']) && text.trim().len() == text.len();
    if is_plain {
        line.extend_from_slice(text.as_bytes());
        return;
    }
    line.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            line.push(b'"');
        }
        line.push(byte);
    }
    line.push(b'"');
}
