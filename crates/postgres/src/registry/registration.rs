//! The rows of `etl.resource_version` that a batch brings.

use fhirmill_core::rows::RowBuffer;
use fhirmill_core::sink::{KeyedBatch, Origin};

use super::candidate::{Candidate, Record};
use super::verdict::{Action, Verdict};
use fhirmill_core::map::Registration;

/// The columns of [`rows`], in their order.
pub(super) const COLUMNS: [&str; 25] = [
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
    "inherited_at",
    "inherited_version",
    "dated_file_id",
    "dated_position",
    "content_since",
    "content_file_id",
];

/// A row for each verdict that makes another version the current one.
/// `column_count` is the number of [`COLUMNS`], or one more for the action.
pub(super) fn rows(
    batch: &KeyedBatch<'_>,
    candidates: &[Candidate],
    verdicts: &[Verdict],
    column_count: usize,
) -> RowBuffer {
    let mut buffer = RowBuffer::default();
    for verdict in verdicts {
        let action = match verdict.action {
            Action::Insert => 0,
            Action::Replace => 1,
            Action::Move => 2,
            Action::Raise | Action::Keep => continue,
        };
        let Some(winner) = verdict.winner else { continue };
        let candidate = &candidates[winner];
        let file_id = candidate.version.place.file;
        buffer.begin_row(column_count as i16);
        buffer.bigint(candidate.key);
        match &candidate.content_hash {
            Some(hash) => buffer.bytes(hash),
            None => buffer.null(),
        }
        optional_time(&mut buffer, candidate.version.time);
        match candidate.record {
            Record::Resource(resource) => {
                let registration = &batch.rows.resources()[resource];
                write_resource(&mut buffer, registration, &batch.origins[resource], file_id);
            }
            Record::Delete(_) => write_delete(&mut buffer, candidate, verdict),
        }
        buffer.bigint(file_id);
        write_order(&mut buffer, verdict);
        if column_count > COLUMNS.len() {
            buffer.smallint(action);
        }
    }
    buffer
}

/// Writes the columns from `inherited_at` to `content_file_id`.
fn write_order(buffer: &mut RowBuffer, verdict: &Verdict) {
    let order = &verdict.order;
    let place = order.version.place;
    optional_time(buffer, order.inherited_time);
    optional_bigint(buffer, order.inherited_number);
    let time_place = order.time_place.filter(|time_place| *time_place != place);
    optional_bigint(buffer, time_place.map(|place| place.file));
    optional_bigint(buffer, time_place.map(|place| place.position));
    optional_time(buffer, verdict.content_since());
    optional_bigint(buffer, Some(verdict.content_file).filter(|file| *file != place.file));
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
///
/// Without a time of its own a deletion is taken to be of now, but not older than
/// what it deletes.
fn write_delete(buffer: &mut RowBuffer, delete: &Candidate, verdict: &Verdict) {
    buffer.optional_text(delete.version.number.map(|number| number.to_string()).as_deref());
    buffer.null();
    buffer.bigint(delete.version.place.file);
    buffer.bigint(delete.version.place.position);
    buffer.nulls(3);
    buffer.timestamptz(
        delete.version.time.unwrap_or_else(|| now().max(verdict.order.time().unwrap_or(i64::MIN))),
    );
    buffer.boolean(false);
    buffer.nulls(6);
}

fn optional_time(buffer: &mut RowBuffer, time: Option<i64>) {
    match time {
        Some(time) => buffer.timestamptz(time),
        None => buffer.null(),
    }
}

fn optional_bigint(buffer: &mut RowBuffer, value: Option<i64>) {
    match value {
        Some(value) => buffer.bigint(value),
        None => buffer.null(),
    }
}

/// In microseconds since 2000-01-01 UTC.
fn now() -> i64 {
    chrono::Utc::now().timestamp_micros() - 946_684_800_000_000
}
