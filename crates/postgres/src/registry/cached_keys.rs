//! *Keys* stand for resources in all tables, for good: those that were loaded
//! and those that were only referred to. They are given in short transactions of
//! their own before the batch that needs them is loaded, so that batches that
//! refer to the same hospital, or to each other's resources, do not wait for each
//! other.

use std::sync::{Arc, Mutex};

use diesel::sql_types::{BigInt, Integer};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query};
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

use super::expectations::Hint;
use crate::LoadError;
use crate::database::CopyTable;
use crate::lock::lock;
use fhirmill_core::map::{Identity, Keys, TargetIdentity};
use fhirmill_core::rows::RowBuffer;

/// A session's own tables, empty between transactions. Text is compared by its
/// bytes, as in the registry, so that both sort alike.
pub(super) const TEMPORARY_TABLES: &str = r#"
create temporary table if not exists batch_target (
  ordinal integer, source_id smallint, resource_type text collate "C", fhir_id text collate "C"
) on commit delete rows;
create temporary table if not exists batch_key (
  id bigint, source_id smallint, resource_type text collate "C", fhir_id text collate "C"
) on commit delete rows;
"#;

const KEY_COLUMNS: [&str; 4] = ["id", "source_id", "resource_type", "fhir_id"];
const TARGET_COLUMNS: [&str; 4] = ["ordinal", "source_id", "resource_type", "fhir_id"];

/// The most keys that are cached, in about 17 MB.
const MAX_CACHED_KEYS: usize = 400_000;
/// The most keys that are given in one transaction.
const KEYS_AT_ONCE: usize = 20_000;

/// Keys that were given before, so that the registry is not asked again in every
/// batch for the same hospital. An identity is cached as 128 bits of its SHA-256:
/// an entry takes the same few bytes however long ids are.
#[derive(Clone, Debug, Default)]
pub(super) struct CachedKeys(Arc<Mutex<FxHashMap<u128, i64>>>);

impl CachedKeys {
    /// Forgets all of them.
    pub fn forget(&self) {
        lock(&self.0).clear();
    }
}

#[derive(QueryableByName)]
struct Existing {
    #[diesel(sql_type = Integer)]
    ordinal: i32,
    #[diesel(sql_type = BigInt)]
    id: i64,
}

const EXISTING: &str = "\
select t.ordinal, coalesce((select a.owner_id from etl.adopted_resource a where a.id = k.id), k.id) as id
from batch_target t join etl.resource_key k using (source_id, resource_type, fhir_id)";

#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// In the same order in every session, so that two of them never wait for each
/// other in a circle.
const GIVE: &str = "\
insert into etl.resource_key (id, source_id, resource_type, fhir_id)
select id, source_id, resource_type, fhir_id from batch_key
order by source_id, resource_type, fhir_id
on conflict do nothing";

/// Gives keys from the registry.
pub(crate) struct RegistryKeys<'r> {
    pub(super) connection: &'r mut PgConnection,
    pub(super) cache: &'r CachedKeys,
    pub(super) new_keys: &'r Hint,
}

impl Keys for RegistryKeys<'_> {
    type Error = LoadError;

    fn keys<'t>(
        &mut self,
        source_id: i16,
        targets: impl ExactSizeIterator<Item = TargetIdentity<'t>>,
    ) -> Result<Vec<i64>, LoadError> {
        let mut keys = vec![0; targets.len()];
        let mut unknown: Vec<Unknown<'_>> = Vec::new();
        {
            let cached = lock(&self.cache.0);
            for (target, identity) in targets.enumerate() {
                match identity {
                    TargetIdentity::Key(key) => keys[target] = key,
                    TargetIdentity::Identity(identity) => {
                        let hash = hash(source_id, identity);
                        match cached.get(&hash) {
                            Some(key) => keys[target] = *key,
                            None => unknown.push(Unknown { identity, target, hash }),
                        }
                    }
                }
            }
        }
        unknown.sort_unstable_by_key(|unknown| unknown.identity);
        for unknown in unknown.chunks(KEYS_AT_ONCE) {
            let expects_new = self.new_keys.holds();
            let (given, were_new) = self
                .connection
                .transaction(|connection| give(connection, source_id, unknown, expects_new))?;
            self.new_keys.set(were_new);
            let mut cached = lock(&self.cache.0);
            if cached.len() + unknown.len() > MAX_CACHED_KEYS {
                cached.clear();
            }
            for (unknown, key) in unknown.iter().zip(given) {
                keys[unknown.target] = key;
                cached.insert(unknown.hash, key);
            }
        }
        Ok(keys)
    }
}

/// A target whose key is not cached.
struct Unknown<'t> {
    identity: Identity<'t>,
    target: usize,
    hash: u128,
}

fn hash(source_id: i16, identity: Identity<'_>) -> u128 {
    let mut sha256 = Sha256::new();
    sha256.update(source_id.to_be_bytes());
    sha256.update(identity.resource_type.name());
    sha256.update("/");
    sha256.update(identity.fhir_id);
    let digest = sha256.finalize();
    digest[..16].iter().fold(0, |hash, byte| hash << 8 | u128::from(*byte))
}

/// The keys of identities, in their order, with new keys for those that have
/// none; and whether most were new. If all are expected to be new, they are
/// copied into the registry at once instead of being looked up first.
fn give(
    connection: &mut PgConnection,
    source_id: i16,
    identities: &[Unknown<'_>],
    expects_new: bool,
) -> Result<(Vec<i64>, bool), LoadError> {
    let mut keys = vec![0; identities.len()];
    if !expects_new {
        write_targets(connection, source_id, identities)?;
        read_keys(connection, &mut keys)?;
    }
    let missing: Vec<usize> = (0..keys.len()).filter(|ordinal| keys[*ordinal] == 0).collect();
    if missing.is_empty() {
        return Ok((keys, false));
    }
    let new: Vec<Key> =
        sql_query("select nextval('etl.resource_key_id_seq') as id from generate_series(1, $1)")
            .bind::<Integer, _>(missing.len() as i32)
            .load(connection)?;
    let mut buffer = RowBuffer::default();
    // Rows of tables are copied in the order of targets: if keys ascend with them,
    // each goes to the end of its primary key's index.
    let mut in_order = missing.clone();
    in_order.sort_unstable_by_key(|ordinal| identities[*ordinal].target);
    for (ordinal, Key { id }) in in_order.into_iter().zip(new) {
        keys[ordinal] = id;
    }
    for ordinal in &missing {
        buffer.begin_row(4);
        buffer.bigint(keys[*ordinal]);
        write(&mut buffer, source_id, identities[*ordinal].identity);
    }
    if expects_new && CopyTable::new("etl.resource_key", KEY_COLUMNS).copy_if_new(connection, &buffer)? {
        return Ok((keys, true));
    }
    CopyTable::new("batch_key", KEY_COLUMNS).copy_buffer(connection, &buffer)?;
    let given = sql_query(GIVE).execute(connection)?;
    if given < missing.len() {
        // Some existed already, or another session gave them in the meantime.
        if expects_new {
            write_targets(connection, source_id, identities)?;
        }
        read_keys(connection, &mut keys)?;
    }
    Ok((keys, 2 * given > identities.len()))
}

/// Puts the identities into `batch_target`.
fn write_targets(
    connection: &mut PgConnection,
    source_id: i16,
    identities: &[Unknown<'_>],
) -> Result<(), LoadError> {
    let mut buffer = RowBuffer::default();
    for (ordinal, unknown) in identities.iter().enumerate() {
        buffer.begin_row(4);
        buffer.integer(ordinal as i32);
        write(&mut buffer, source_id, unknown.identity);
    }
    CopyTable::new("batch_target", TARGET_COLUMNS).copy_buffer(connection, &buffer)?;
    Ok(())
}

/// Reads the keys of the identities in `batch_target` that have one.
fn read_keys(connection: &mut PgConnection, keys: &mut [i64]) -> Result<(), LoadError> {
    let existing: Vec<Existing> = sql_query(EXISTING).load(connection)?;
    for Existing { ordinal, id } in existing {
        keys[ordinal as usize] = id;
    }
    Ok(())
}

fn write(buffer: &mut RowBuffer, source_id: i16, identity: Identity<'_>) {
    buffer.smallint(source_id);
    buffer.text(identity.resource_type.name());
    buffer.text(identity.fhir_id);
}
