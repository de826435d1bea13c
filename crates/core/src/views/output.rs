//! Writes rows as CSV or NDJSON. Numbers, dates and strings keep the characters that
//! they are written with.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::evaluate::{Cell, Item, Refused, RowSink, ViewKeys};
use super::program::{View, ViewColumn};
use crate::json::JsonType;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values (RFC 4180) with a header.
    Csv,
    /// One JSON object per line.
    Ndjson,
}

/// The bytes that are collected before they are passed on.
const BUFFER_BYTES: usize = 1 << 16;

/// Writes the rows of a view.
pub struct RowWriter<W> {
    format: Format,
    /// What stands before each value.
    leads: Vec<Vec<u8>>,
    buffer: Vec<u8>,
    /// Where the last complete row ends.
    complete: usize,
    rows: u64,
    out: W,
}

impl<W: Write> RowWriter<W> {
    /// A writer of that view's rows; a header is written at once.
    pub fn new(view: &View, format: Format, out: W) -> Self {
        let mut writer = RowWriter {
            format,
            leads: view
                .columns
                .iter()
                .enumerate()
                .map(|(place, column)| lead(format, place, column))
                .collect(),
            buffer: Vec::with_capacity(BUFFER_BYTES * 2),
            complete: 0,
            rows: 0,
            out,
        };
        if format == Format::Csv {
            let names: Vec<&str> = view.columns.iter().map(|column| column.name.as_str()).collect();
            writer.buffer.extend_from_slice(names.join(",").as_bytes());
            writer.buffer.push(b'\n');
        }
        writer.complete = writer.buffer.len();
        writer
    }

    /// How many rows were written.
    pub fn row_count(&self) -> u64 {
        self.rows
    }

    /// Keeps the rows since the last call.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn keep(&mut self) -> io::Result<()> {
        self.complete = self.buffer.len();
        if self.complete >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    /// Forgets the rows since the last `keep`.
    pub fn forget(&mut self) {
        self.buffer.truncate(self.complete);
    }

    /// Passes everything on.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer[..self.complete])?;
        self.buffer.drain(..self.complete);
        self.complete = 0;
        self.out.flush()
    }
}

fn lead(format: Format, place: usize, column: &ViewColumn) -> Vec<u8> {
    match (format, place) {
        (Format::Csv, 0) => Vec::new(),
        (Format::Csv, _) => vec![b','],
        (Format::Ndjson, 0) => format!("{{\"{}\":", column.name).into_bytes(),
        (Format::Ndjson, _) => format!(",\"{}\":", column.name).into_bytes(),
    }
}

impl<'t, W: Write> RowSink<'t> for RowWriter<W> {
    fn row(&mut self, cells: &[Cell<'t>], keys: &dyn ViewKeys) -> Result<(), Refused> {
        for (lead, cell) in self.leads.iter().zip(cells) {
            self.buffer.extend_from_slice(lead);
            match self.format {
                Format::Csv => csv_cell(&mut self.buffer, cell, keys),
                Format::Ndjson => json_cell(&mut self.buffer, cell, keys),
            }
        }
        self.buffer.extend_from_slice(if self.format == Format::Csv { b"\n" } else { b"}\n" });
        self.rows += 1;
        Ok(())
    }

    fn pending_bytes(&self) -> usize {
        self.buffer.len() - self.complete
    }
}

/// A cell as JSON.
fn json_cell(buffer: &mut Vec<u8>, cell: &Cell<'_>, keys: &dyn ViewKeys) {
    match cell {
        Cell::Empty => buffer.extend_from_slice(b"null"),
        Cell::One(item) => json_item(buffer, item, keys),
        Cell::Many(items) => {
            buffer.push(b'[');
            for (number, item) in items.iter().enumerate() {
                if number > 0 {
                    buffer.push(b',');
                }
                json_item(buffer, item, keys);
            }
            buffer.push(b']');
        }
    }
}

fn json_item(buffer: &mut Vec<u8>, item: &Item<'_>, keys: &dyn ViewKeys) {
    match item {
        Item::Value(value) => match value.json_type() {
            // Line breaks between the members of an object would end the line.
            JsonType::Object | JsonType::Array => {
                buffer.extend(value.raw().bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')));
            }
            _ => buffer.extend_from_slice(value.raw().as_bytes()),
        },
        Item::Boolean(value) => buffer.extend_from_slice(if *value { b"true" } else { b"false" }),
        Item::Number(number) => {
            let _ = write!(AsText(buffer), "{number}");
        }
        Item::Text(text) => json_text(buffer, text),
        Item::Key(key) => json_text(buffer, &keys.text(*key)),
    }
}

fn json_text(buffer: &mut Vec<u8>, text: &str) {
    // Writing a string into memory cannot fail.
    let _ = serde_json::to_writer(buffer, text);
}

/// A cell as CSV.
fn csv_cell(buffer: &mut Vec<u8>, cell: &Cell<'_>, keys: &dyn ViewKeys) {
    match cell {
        Cell::Empty => {}
        Cell::One(item) => match item {
            Item::Key(key) => csv_text(buffer, &keys.text(*key)),
            Item::Text(text) => csv_text(buffer, text),
            Item::Value(value) if value.json_type() == JsonType::String => {
                csv_text(buffer, &value.as_text().unwrap_or_default());
            }
            Item::Value(value) if value.json_type() == JsonType::Object => csv_text(buffer, value.raw()),
            simple => json_item(buffer, simple, keys),
        },
        Cell::Many(_) => {
            let mut list = Vec::new();
            json_cell(&mut list, cell, keys);
            csv_text(buffer, &String::from_utf8_lossy(&list));
        }
    }
}

fn csv_text(buffer: &mut Vec<u8>, text: &str) {
    let must_be_quoted = text.is_empty()
        || text.starts_with(' ')
        || text.ends_with(' ')
        || text.bytes().any(|byte| matches!(byte, b'"' | b',' | b'\n' | b'\r'));
    if !must_be_quoted {
        buffer.extend_from_slice(text.as_bytes());
        return;
    }
    buffer.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            buffer.push(b'"');
        }
        buffer.push(byte);
    }
    buffer.push(b'"');
}

/// Bytes that text is written to.
struct AsText<'b>(&'b mut Vec<u8>);

impl std::fmt::Write for AsText<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}
