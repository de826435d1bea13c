//! A *row buffer* holds rows of one table in the binary format of
//! `COPY … FROM STDIN (FORMAT binary)`
//! (<https://www.postgresql.org/docs/current/sql-copy.html>, "Binary Format").
//!
//! Rows are written once, while a resource is mapped, before the keys of
//! resources are known. A key takes eight bytes, so the buffer leaves room for
//! it and records which *target* it belongs to; [`RowBuffer::fill_keys`] writes
//! the keys once they have been assigned.

mod buffer;
mod numeric;

pub use buffer::{MAX_VALUE_BYTES, Mark, RowBuffer, Target};

/// The start of binary COPY data: signature, flags, no header extension.
pub const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// The end of binary COPY data: a row of -1 columns.
pub const TRAILER: &[u8] = &(-1i16).to_be_bytes();
