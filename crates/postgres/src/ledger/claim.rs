//! A *claim* makes a file a run's own before it is read.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Nullable, SmallInt, Text, Timestamptz};

use super::candidates::{Candidates, Decision, NewFile};
use super::schema::{load_batch, load_file};

/// A file that this run is to load.
#[derive(Clone, Debug)]
pub struct ClaimedFile {
    /// Its number in the ledger.
    pub id: i64,
    /// The sender's number.
    pub source_id: i16,
    /// The base URLs of the sender's FHIR servers, with a trailing slash: what the
    /// sender's absolute references begin with.
    pub base_urls: Vec<String>,
    /// Parts that an interrupted run has committed: first and last record of each.
    pub done: Vec<(u64, u64)>,
    /// The number of records that were rejected in these parts.
    pub rejected: u64,
}

/// The answer to a claim.
#[derive(Clone, Debug)]
pub enum Claim {
    /// Load it.
    Load(ClaimedFile),
    /// It is loaded already, by a run that has not come to its end or that could not
    /// move it; only the file has to go to the archive, to where others of its content
    /// went.
    Loaded { id: i64, archive_path: Option<String> },
    /// The same content of the same sender was loaded by the file `of`, and would
    /// change nothing. `id` is that of this delivery. The file goes to where the other
    /// one went.
    Duplicate { id: i64, of: i64, archive_path: Option<String> },
    /// The same content of the same sender is loaded or is being loaded. Whether it
    /// would change anything shows when the files before it are loaded: see
    /// [`Run::judge`](super::Run::judge).
    Deferred(ClaimedFile),
    /// A run that broke off, or that could not move it, has rejected it; only the file
    /// has to go to the rejects.
    Rejected { id: i64 },
    /// Another process has it.
    Taken,
    /// This run is loading another file of the same path, or goes on with one of the
    /// same content.
    InFlight,
}

/// Claims the files that are available. The caller holds the claim lock.
pub(super) fn claim(
    connection: &mut PgConnection,
    (run_id, resource_types): (i64, Option<&[String]>),
    files: &[NewFile<'_>],
) -> QueryResult<Vec<Claim>> {
    let candidates = Candidates::load(connection, (run_id, resource_types), files)?;
    let (decisions, abandoned) = candidates.decide();
    take_rejected(connection, run_id, &decisions)?;
    abandon(connection, &abandoned)?;
    let mut resumed = take_over(connection, run_id, &candidates, &decisions)?;
    let mut new_ids = insert(connection, run_id, &candidates, &decisions)?.into_iter();
    let claims = decisions.into_iter().enumerate().map(|(index, decision)| match decision {
        Decision::Loaded { id, archive_path } => Claim::Loaded { id, archive_path },
        Decision::Rejected { id } => Claim::Rejected { id },
        Decision::Taken => Claim::Taken,
        Decision::InFlight => Claim::InFlight,
        Decision::Resume { id } => {
            Claim::Load(claimed(&candidates, index, id, resumed.remove(&id).unwrap_or_default()))
        }
        Decision::Deferred { id: Some(id) } => {
            Claim::Deferred(claimed(&candidates, index, id, resumed.remove(&id).unwrap_or_default()))
        }
        // As many ids as new files were returned, or the insert has failed.
        new => match (new_ids.next(), new) {
            (Some(id), Decision::Duplicate { of, archive_path }) => Claim::Duplicate { id, of, archive_path },
            (Some(id), Decision::Deferred { .. }) => {
                Claim::Deferred(claimed(&candidates, index, id, Committed::default()))
            }
            (Some(id), _) => Claim::Load(claimed(&candidates, index, id, Committed::default())),
            (None, _) => Claim::Taken,
        },
    });
    Ok(claims.collect())
}

/// The claim of a file, with what is committed of it.
fn claimed(candidates: &Candidates<'_>, index: usize, id: i64, committed: Committed) -> ClaimedFile {
    let content = &candidates.contents[index];
    ClaimedFile {
        id,
        source_id: content.source_id,
        base_urls: content.base_urls.clone(),
        done: committed.parts,
        rejected: committed.rejected,
    }
}

/// From now on it is for this run to move the files that were rejected.
fn take_rejected(connection: &mut PgConnection, run_id: i64, decisions: &[Decision]) -> QueryResult<()> {
    let rejected = decisions.iter().filter_map(|decision| match decision {
        Decision::Rejected { id } => Some(*id),
        _ => None,
    });
    let rejected: Vec<i64> = rejected.collect();
    if !rejected.is_empty() {
        diesel::update(load_file::table.filter(load_file::id.eq_any(rejected)))
            .set(load_file::load_run_id.eq(run_id))
            .execute(connection)?;
    }
    Ok(())
}

fn abandon(connection: &mut PgConnection, ids: &[i64]) -> QueryResult<()> {
    if !ids.is_empty() {
        diesel::update(load_file::table.filter(load_file::id.eq_any(ids)))
            .set((load_file::status.eq("abandoned"), load_file::finished_at.eq(now)))
            .execute(connection)?;
    }
    Ok(())
}

/// What a dead run has committed of a file.
#[derive(Default)]
struct Committed {
    /// First and last record of each batch.
    parts: Vec<(u64, u64)>,
    rejected: u64,
}

/// Makes the files that dead runs began this run's; returns what is committed of
/// each, by id.
fn take_over(
    connection: &mut PgConnection,
    run_id: i64,
    candidates: &Candidates<'_>,
    decisions: &[Decision],
) -> QueryResult<BTreeMap<i64, Committed>> {
    let resumed = decisions.iter().zip(candidates.files);
    let resumed: Vec<(i64, &NewFile<'_>)> =
        resumed.filter_map(|(decision, file)| Some((decision.taken_over()?, file))).collect();
    let ids: Vec<i64> = resumed.iter().map(|(id, _)| *id).collect();
    let files = || resumed.iter().map(|(_, file)| *file);
    let mut committed: BTreeMap<i64, Committed> = BTreeMap::new();
    if ids.is_empty() {
        return Ok(committed);
    }
    sql_query(
        "update etl.load_file f set load_run_id = $1, path = r.path, etag = r.etag, modified_at = r.modified_at \
         from unnest($2, $3, $4, $5) as r (id, path, etag, modified_at) where f.id = r.id",
    )
    .bind::<BigInt, _>(run_id)
    .bind::<Array<BigInt>, _>(&ids)
    .bind::<Array<Text>, _>(files().map(|file| file.path).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(etags(files()))
    .bind::<Array<Nullable<Timestamptz>>, _>(times(files()))
    .execute(connection)?;
    let parts: Vec<(i64, i64, i64, i64)> = load_batch::table
        .select((
            load_batch::file_id,
            load_batch::first_position,
            load_batch::last_position,
            load_batch::rejected,
        ))
        .filter(load_batch::file_id.eq_any(&ids))
        .order((load_batch::file_id, load_batch::first_position))
        .load(connection)?;
    for (file_id, first, last, rejected) in parts {
        let of_file = committed.entry(file_id).or_default();
        of_file.parts.push((first as u64, last as u64));
        of_file.rejected += rejected as u64;
    }
    Ok(committed)
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Enters the new files and deliveries; returns their ids, in their order.
fn insert(
    connection: &mut PgConnection,
    run_id: i64,
    candidates: &Candidates<'_>,
    decisions: &[Decision],
) -> QueryResult<Vec<i64>> {
    let new: Vec<usize> =
        (0..decisions.len()).filter(|index| decisions[*index].new_status().is_some()).collect();
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let files = || new.iter().map(|index| &candidates.files[*index]);
    let source_ids: Vec<i16> = new.iter().map(|index| candidates.contents[*index].source_id).collect();
    let mut ids: Vec<Id> = sql_query(
        "insert into etl.load_file (load_run_id, source_id, path, size_bytes, sha256, status, finished_at, etag, \
           modified_at, is_hashed) \
         select $1, a.source_id, a.path, a.size_bytes, a.sha256, a.status, case a.status when 'duplicate' then now() end, \
           a.etag, a.modified_at, a.is_hashed \
         from unnest($2, $3, $4, $5, $6, $7, $8, $9) with ordinality \
           as a (source_id, path, size_bytes, sha256, status, etag, modified_at, is_hashed, ordinal) \
         order by a.ordinal returning id",
    )
    .bind::<BigInt, _>(run_id)
    .bind::<Array<SmallInt>, _>(source_ids)
    .bind::<Array<Text>, _>(files().map(|file| file.path).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(files().map(|file| file.size as i64).collect::<Vec<_>>())
    .bind::<Array<Binary>, _>(files().map(|file| file.sha256.to_vec()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(new.iter().filter_map(|index| decisions[*index].new_status()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(etags(files()))
    .bind::<Array<Nullable<Timestamptz>>, _>(times(files()))
    .bind::<Array<Bool>, _>(files().map(NewFile::is_hashed).collect::<Vec<_>>())
    .load(connection)?;
    ids.sort_unstable_by_key(|id| id.id);
    Ok(ids.into_iter().map(|Id { id }| id).collect())
}

/// What stores call the versions of the files that are objects.
fn etags<'f>(files: impl Iterator<Item = &'f NewFile<'f>>) -> Vec<Option<&'f str>> {
    files.map(|file| file.object.and_then(|object| object.etag)).collect()
}

/// When they were put there.
fn times<'f>(files: impl Iterator<Item = &'f NewFile<'f>>) -> Vec<Option<DateTime<Utc>>> {
    files.map(|file| file.object.map(|object| object.modified)).collect()
}
