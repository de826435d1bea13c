//! *Unchanged records*: those of which the registry holds the same content as
//! the current version. Most of a repeated delivery is of this kind, and needs
//! neither mapping nor writing.

use diesel::data_types::PgTimestamp;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Nullable, SmallInt, Text, Timestamptz};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};
use fhirmill_core::map::{Fingerprint, Identity};
use fhirmill_core::sink::BatchId;
use fhirmill_core::version::Place;
use hashbrown::HashMap;
use rustc_hash::FxHashMap;

use super::confirmations::{Confirmation, Confirmations};
use crate::LoadError;
use crate::ledger::FileRelations;

/// The fingerprints come as arrays: a temporary table takes longer to create and
/// drop than the query itself. Nothing counts as unchanged while another run is
/// loading an older file.
const UNCHANGED: &str = "\
select coalesce(array_agg(f.ordinal), '{}') as ordinals, coalesce(array_agg(k.id), '{}') as keys,
       coalesce(array_agg(coalesce(v.content_file_id, v.file_id)), '{}') as content_files
from unnest($4, $5, $6, $7, $8, $9)
  as f (ordinal, resource_type, fhir_id, content_hash, effective_at, version_id)
join etl.resource_key k on k.source_id = $3 and k.resource_type = f.resource_type and k.fhir_id = f.fhir_id
join etl.resource_version v on v.id = k.id
where v.content_hash = f.content_hash
  and v.effective_at is not distinct from f.effective_at
  and v.version_id is not distinct from f.version_id
  and not exists (select from etl.load_file o where o.status = 'loading' and o.load_run_id <> $1 and o.id < $2)";

#[derive(QueryableByName)]
struct Unchanged {
    #[diesel(sql_type = Array<Integer>)]
    ordinals: Vec<i32>,
    #[diesel(sql_type = Array<BigInt>)]
    keys: Vec<i64>,
    #[diesel(sql_type = Array<BigInt>)]
    content_files: Vec<i64>,
}

#[derive(QueryableByName)]
struct HasResources {
    #[diesel(sql_type = Bool)]
    has_resources: bool,
}

/// Whether any resource was ever loaded.
pub fn has_resources(connection: &mut PgConnection) -> QueryResult<bool> {
    let query = sql_query("select exists (select from etl.resource_version) as has_resources");
    query.get_result(connection).map(|HasResources { has_resources }| has_resources)
}

/// The batch whose records may be unchanged.
#[derive(Clone, Copy, Debug)]
pub struct UnchangedQuery<'q> {
    /// The batch.
    pub id: BatchId,
    /// The sender of its files.
    pub source_id: i16,
    /// The last of its files.
    pub file_id: i64,
    /// Where each record was read.
    pub places: &'q [Place],
}

/// Which records are unchanged.
#[derive(Clone, Debug, Default)]
pub struct UnchangedAnswer {
    /// By record.
    pub is_unchanged: Vec<bool>,
    /// Which files have contents that other files brought first.
    pub relations: FileRelations,
}

/// For each fingerprint whether the registry holds the same as its resource's
/// current version. If the batch also has another version of a resource, the
/// order rule decides: none of its records counts as unchanged.
pub(super) fn unchanged(
    connection: &mut PgConnection,
    confirmations: &Confirmations,
    query: UnchangedQuery<'_>,
    fingerprints: &[Option<Fingerprint>],
) -> Result<UnchangedAnswer, LoadError> {
    let asked =
        || fingerprints.iter().enumerate().filter_map(|(ordinal, asked)| Some((ordinal, asked.as_ref()?)));
    let statement = sql_query(UNCHANGED)
        .bind::<BigInt, _>(query.id.run)
        .bind::<BigInt, _>(query.file_id)
        .bind::<SmallInt, _>(query.source_id)
        .bind::<Array<Integer>, _>(asked().map(|(ordinal, _)| ordinal as i32).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(asked().map(|(_, asked)| asked.resource_type.name()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(asked().map(|(_, asked)| asked.fhir_id.as_str()).collect::<Vec<_>>())
        .bind::<Array<Binary>, _>(asked().map(|(_, asked)| &asked.content_hash[..]).collect::<Vec<_>>())
        .bind::<Array<Nullable<Timestamptz>>, _>(
            asked().map(|(_, asked)| asked.effective_at.map(PgTimestamp)).collect::<Vec<_>>(),
        )
        .bind::<Array<Nullable<Text>>, _>(
            asked().map(|(_, asked)| asked.version_id.as_deref()).collect::<Vec<_>>(),
        );
    let _asking = confirmations.asking();
    let Unchanged { ordinals, keys, content_files } = statement.get_result(connection)?;
    let is_unchanged = without_other_versions(fingerprints, &ordinals);
    let mut confirmed: FxHashMap<i64, Confirmation> = FxHashMap::default();
    let mut relations = FileRelations::default();
    for ((ordinal, key), content_file) in ordinals.iter().zip(keys).zip(content_files) {
        let record = *ordinal as usize;
        let Some(fingerprint) = fingerprints[record].as_ref().filter(|_| is_unchanged[record]) else {
            continue;
        };
        let place = query.places[record];
        relations.add_overlap(place.file, content_file);
        let of_key = confirmed.entry(key);
        let Confirmation { place: last, .. } =
            of_key.or_insert(Confirmation { place, content_hash: fingerprint.content_hash });
        *last = place.max(*last);
    }
    confirmations.add(query.id.number, confirmed);
    Ok(UnchangedAnswer { is_unchanged, relations })
}

/// By fingerprint whether its ordinal is among `ordinals`, as are all of the same
/// resource.
fn without_other_versions(fingerprints: &[Option<Fingerprint>], ordinals: &[i32]) -> Vec<bool> {
    let mut unchanged = vec![false; fingerprints.len()];
    for ordinal in ordinals {
        unchanged[*ordinal as usize] = true;
    }
    let mut are_all_unchanged: HashMap<Identity<'_>, bool> = HashMap::default();
    for (fingerprint, is_unchanged) in fingerprints.iter().zip(&unchanged) {
        if let Some(fingerprint) = fingerprint {
            *are_all_unchanged.entry(fingerprint.identity()).or_insert(true) &= is_unchanged;
        }
    }
    for (fingerprint, is_unchanged) in fingerprints.iter().zip(&mut unchanged) {
        *is_unchanged =
            fingerprint.as_ref().is_some_and(|fingerprint| are_all_unchanged[&fingerprint.identity()]);
    }
    unchanged
}
