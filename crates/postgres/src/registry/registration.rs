//! The rows of `etl.resource_version` that a batch brings.

use fhirmill_core::rows::RowBuffer;
use fhirmill_core::sink::{KeyedBatch, Origin};

use super::candidate::{Candidate, Record};
use fhirmill_core::map::Registration;

/// The columns of [`rows`], in their order.
pub(super) const COLUMNS: [&str; 19] = [
    "id",
    "content_hash",
    "effective_at",
    "version_id",
    "last_updated",
    "file_id",
    "position",
    "member",
    "byte_offset",
    "byte_length",
    "deleted_at",
    "is_id_generated",
    "full_url",
    "meta_source",
    "profile",
    "tag",
    "security",
    "language",
    "first_file_id",
];

/// A row for each candidate.
pub(super) fn rows(batch: &KeyedBatch<'_>, candidates: &[Candidate]) -> RowBuffer {
    let mut buffer = RowBuffer::default();
    for candidate in candidates {
        let file_id = batch.file_ids[candidate.file];
        buffer.begin_row(COLUMNS.len() as i16);
        buffer.bigint(candidate.key);
        match &candidate.content_hash {
            Some(hash) => buffer.bytes(hash),
            None => buffer.null(),
        }
        optional_time(&mut buffer, candidate.effective_at);
        match candidate.record {
            Record::Resource(resource) => {
                let registration = &batch.rows.resources()[resource];
                write_resource(&mut buffer, registration, &batch.origins[resource], file_id);
            }
            Record::Delete(_) => write_delete(&mut buffer, candidate, file_id),
        }
        buffer.bigint(file_id);
    }
    buffer
}

/// Writes the columns from `version_id` to `language`.
fn write_resource(buffer: &mut RowBuffer, registration: &Registration, origin: &Origin, file_id: i64) {
    buffer.optional_text(registration.version_id.as_deref());
    optional_time(buffer, registration.last_updated);
    buffer.bigint(file_id);
    buffer.bigint(origin.position as i64);
    buffer.integer(origin.member as i32);
    buffer.bigint(origin.offset as i64);
    buffer.bigint(origin.length as i64);
    buffer.null();
    buffer.boolean(registration.is_id_generated);
    buffer.optional_text(registration.full_url.as_deref());
    buffer.optional_text(registration.meta_source.as_deref());
    if registration.profiles.is_empty() {
        buffer.null();
    } else {
        let profiles: Vec<Option<&str>> =
            registration.profiles.iter().map(|profile| Some(profile.as_str())).collect();
        buffer.text_array(&profiles);
    }
    for json in [&registration.tags, &registration.security] {
        match json {
            Some(json) => buffer.jsonb(&[json]),
            None => buffer.null(),
        }
    }
    buffer.optional_text(registration.language.as_deref());
}

/// Writes the columns from `version_id` to `language`.
fn write_delete(buffer: &mut RowBuffer, delete: &Candidate, file_id: i64) {
    buffer.nulls(2);
    buffer.bigint(file_id);
    buffer.bigint(delete.position as i64);
    buffer.nulls(3);
    buffer.timestamptz(delete.effective_at.unwrap_or_else(now));
    buffer.boolean(false);
    buffer.nulls(6);
}

fn optional_time(buffer: &mut RowBuffer, time: Option<i64>) {
    match time {
        Some(time) => buffer.timestamptz(time),
        None => buffer.null(),
    }
}

/// In microseconds since 2000-01-01 UTC.
fn now() -> i64 {
    chrono::Utc::now().timestamp_micros() - 946_684_800_000_000
}
