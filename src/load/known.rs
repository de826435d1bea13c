//! Versions that the registry *knows*: resources that came before, just so.
//! Most of a repeated delivery is of this kind, and needs neither mapping nor
//! writing.

use diesel::sql_types::{Array, Bool, Integer};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query};
use hashbrown::HashMap;

use super::{LoadError, copy_buffer};
use crate::copy::CopyBuffer;
use crate::map::{Fingerprint, Identity};

/// A session's own table, empty between transactions.
pub(super) const TEMPORARY_TABLES: &str = r#"
create temporary table if not exists batch_fingerprint (
  ordinal integer, source_id smallint, resource_type text collate "C", fhir_id text collate "C",
  content_hash bytea, effective_at timestamptz, version_id text
) on commit delete rows"#;

const KNOWN: &str = "\
select coalesce(array_agg(f.ordinal), '{}') as ordinals
from batch_fingerprint f
join etl.resource_key k using (source_id, resource_type, fhir_id)
join etl.resource_version v on v.id = k.id
where v.content_hash = f.content_hash
  and v.effective_at is not distinct from f.effective_at
  and v.version_id is not distinct from f.version_id";

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = Array<Integer>)]
    ordinals: Vec<i32>,
}

#[derive(QueryableByName)]
struct HasResources {
    #[diesel(sql_type = Bool)]
    has_resources: bool,
}

pub(super) fn has_resources(connection: &mut PgConnection) -> Result<bool, LoadError> {
    let query = sql_query("select exists (select from etl.resource_version) as has_resources");
    Ok(query.get_result::<HasResources>(connection)?.has_resources)
}

/// Which of the records, that are all of one batch, the registry has as its
/// current version of their resource. A resource of which the batch also has
/// another version is left to the order rule: none of its records is known.
pub(super) fn known(
    connection: &mut PgConnection,
    source_id: i16,
    fingerprints: &[Option<Fingerprint>],
) -> Result<Vec<bool>, LoadError> {
    let mut buffer = CopyBuffer::default();
    for (ordinal, fingerprint) in fingerprints.iter().enumerate() {
        let Some(fingerprint) = fingerprint else { continue };
        buffer.begin_row(7);
        buffer.integer(ordinal as i32);
        buffer.smallint(source_id);
        buffer.text(fingerprint.identity.resource_type.name());
        buffer.text(&fingerprint.identity.fhir_id);
        buffer.bytes(&fingerprint.content_hash);
        match fingerprint.effective_at {
            Some(effective_at) => buffer.timestamptz(effective_at),
            None => buffer.null(),
        }
        buffer.optional_text(fingerprint.version_id.as_deref());
    }
    let Known { ordinals } = connection.transaction(|connection| {
        copy_buffer(connection, "batch_fingerprint", &buffer)?;
        Ok::<_, LoadError>(sql_query(KNOWN).get_result(connection)?)
    })?;
    let mut known = vec![false; fingerprints.len()];
    for ordinal in ordinals {
        known[ordinal as usize] = true;
    }
    let mut is_settled: HashMap<&Identity, bool> = HashMap::default();
    let identities = || fingerprints.iter().map(|fingerprint| Some(&fingerprint.as_ref()?.identity));
    for (identity, is_known) in identities().zip(&known) {
        if let Some(identity) = identity {
            *is_settled.entry(identity).or_insert(true) &= is_known;
        }
    }
    Ok(identities().map(|identity| identity.is_some_and(|identity| is_settled[identity])).collect())
}
