//! Where the JSON of a *resource* is kept.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::schema::{load_file, resource_body, resource_key, resource_version, source};

/// The current version of a resource, and where its JSON is.
#[derive(Debug, Queryable)]
pub struct StoredResource {
    /// The sender.
    pub source: String,
    /// The JSON itself, where bodies are kept in the database.
    pub body: Option<String>,
    /// The path that the file that brought it had in the inbox.
    pub path: Option<String>,
    /// That file's status.
    pub status: Option<String>,
    /// Its location in the archive, once it has left the inbox.
    pub archive_path: Option<String>,
    /// When retention removed it from the archive.
    pub removed_at: Option<DateTime<Utc>>,
    /// Which document of that file has it, from 0.
    pub member: Option<i32>,
    /// Where it begins in the decompressed document, in bytes.
    pub byte_offset: Option<i64>,
    /// Its length in bytes.
    pub byte_length: Option<i64>,
    /// The number of the file that brought it.
    pub file_id: i64,
    /// The number of the run that loaded that file.
    pub run_id: Option<i64>,
    /// When it was loaded.
    pub loaded_at: DateTime<Utc>,
    /// Its version, as the sender numbers it.
    pub version_id: Option<String>,
    /// When the sender changed it last.
    pub last_updated: Option<DateTime<Utc>>,
}

/// The senders of a resource, and whether it was deleted.
#[derive(Debug, Queryable)]
pub struct ResourceSender {
    /// The sender.
    pub source: String,
    /// When the delete was, if it is deleted.
    pub deleted_at: Option<DateTime<Utc>>,
}

impl ResourceSender {
    /// The senders of that type and id, deleted resources included.
    pub fn find(
        connection: &mut PgConnection,
        resource_type: &str,
        fhir_id: &str,
    ) -> QueryResult<Vec<ResourceSender>> {
        resource_key::table
            .inner_join(source::table.on(source::id.eq(resource_key::source_id)))
            .inner_join(resource_version::table.on(resource_version::id.eq(resource_key::id)))
            .select((source::code, resource_version::deleted_at))
            .filter(resource_key::resource_type.eq(resource_type))
            .filter(resource_key::fhir_id.eq(fhir_id))
            .order(source::code)
            .load(connection)
    }
}

impl StoredResource {
    /// The living resources of that type and id: of one sender, or of each that
    /// has one, ordered by sender.
    pub fn find(
        connection: &mut PgConnection,
        resource_type: &str,
        fhir_id: &str,
        sender: Option<&str>,
    ) -> QueryResult<Vec<StoredResource>> {
        let mut query = resource_key::table
            .inner_join(source::table.on(source::id.eq(resource_key::source_id)))
            .inner_join(resource_version::table.on(resource_version::id.eq(resource_key::id)))
            .left_join(resource_body::table.on(resource_body::id.eq(resource_key::id)))
            .left_join(load_file::table.on(load_file::id.eq(resource_version::file_id)))
            .select((
                source::code,
                resource_body::body.nullable(),
                load_file::path.nullable(),
                load_file::status.nullable(),
                load_file::archive_path.nullable(),
                load_file::archive_removed_at.nullable(),
                resource_version::member,
                resource_version::byte_offset,
                resource_version::byte_length,
                resource_version::file_id,
                load_file::load_run_id.nullable(),
                resource_version::loaded_at,
                resource_version::version_id,
                resource_version::last_updated,
            ))
            .filter(resource_key::resource_type.eq(resource_type))
            .filter(resource_key::fhir_id.eq(fhir_id))
            .filter(resource_version::content_hash.is_not_null())
            .order(source::code)
            .into_boxed();
        if let Some(sender) = sender {
            query = query.filter(source::code.eq(sender));
        }
        query.load(connection)
    }
}
