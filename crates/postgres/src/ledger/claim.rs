//! A *claim* makes a file a run's own before it is read.

use std::collections::BTreeMap;

use diesel::sql_types::{Array, BigInt, Binary, Bool, Nullable, SmallInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};
use tracing::{info, warn};

use super::{Id, living};

/// A file that waits to be claimed.
#[derive(Clone, Copy, Debug)]
pub struct NewFile<'f> {
    /// From the inbox on.
    pub path: &'f str,
    pub source: &'f str,
    /// In bytes.
    pub size: u64,
    pub sha256: [u8; 32],
}

/// A file that is this run's to load.
#[derive(Clone, Debug)]
pub struct ClaimedFile {
    pub id: i64,
    pub source_id: i16,
    pub sha256: [u8; 32],
    /// The server behind the source, with a slash at its end: what its
    /// absolute references begin with.
    pub base_url: Option<String>,
    /// Parts that an interrupted run has committed: first and last record.
    pub done: Vec<(u64, u64)>,
    /// How many records were rejected in them.
    pub rejected: u64,
}

/// The answer to a claim.
#[derive(Clone, Debug)]
pub enum Claim {
    /// Load it.
    Load(ClaimedFile),
    /// It is loaded already; it only has to go to the archive, where the first
    /// one of its content went.
    Loaded { id: i64, archive_path: Option<String> },
    /// It was rejected by a run that broke off; it only has to go to the rejects.
    Rejected { id: i64 },
    /// Another process has it.
    Taken,
    /// This run is loading another file of the same content.
    InFlight,
}

/// What the ledger knows of a content.
#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = SmallInt)]
    source_id: i16,
    #[diesel(sql_type = Nullable<Text>)]
    base_url: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    loaded_id: Option<i64>,
    /// Where it lies in the archive, unless another one was put there.
    #[diesel(sql_type = Nullable<Text>)]
    archive_path: Option<String>,
    /// It was rejected, by a run that has not come to its end.
    #[diesel(sql_type = Nullable<BigInt>)]
    rejected_id: Option<i64>,
    #[diesel(sql_type = Bool)]
    is_rejecting: bool,
}

fn known() -> String {
    let living = living();
    format!(
        "\
select s.id as source_id, rtrim(s.base_url, '/') || '/' as base_url, loaded.id as loaded_id,
       case when not exists (select from etl.load_file o
                              where o.archive_path = loaded.archive_path and o.id <> loaded.id)
            then loaded.archive_path end as archive_path,
       rejected.id as rejected_id, rejected.load_run_id in ({living}) is true as is_rejecting
from unnest($1, $2) with ordinality as a (code, sha256, ordinal)
join etl.source s using (code)
left join lateral (
  select f.id, f.archive_path from etl.load_file f
   where f.source_id = s.id and f.sha256 = a.sha256 and f.status = 'loaded' order by f.id limit 1) loaded on true
left join lateral (
  select f.id, f.load_run_id from etl.load_file f join etl.load_run r on r.id = f.load_run_id
   where f.source_id = s.id and f.sha256 = a.sha256 and f.status = 'rejected'
     and r.finished_at is null and r.id <> $3
   order by f.id desc limit 1) rejected on true
order by a.ordinal"
    )
}

/// A file that some run is loading, or was when it died.
#[derive(QueryableByName)]
struct Open {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = SmallInt)]
    source_id: i16,
    #[diesel(sql_type = Text)]
    path: String,
    #[diesel(sql_type = Binary)]
    sha256: Vec<u8>,
    #[diesel(sql_type = Bool)]
    is_alive: bool,
    #[diesel(sql_type = Bool)]
    is_own: bool,
}

fn open() -> String {
    let living = living();
    format!(
        "\
select f.id, f.source_id, f.path, f.sha256, f.load_run_id <> $1 and f.load_run_id in ({living}) as is_alive,
       f.load_run_id = $1 as is_own
from etl.load_file f
where f.status = 'loading' and (f.sha256 = any($2) or f.path = any($3))
order by f.id"
    )
}

#[derive(QueryableByName)]
struct Part {
    #[diesel(sql_type = BigInt)]
    file_id: i64,
    #[diesel(sql_type = BigInt)]
    first_position: i64,
    #[diesel(sql_type = BigInt)]
    last_position: i64,
    #[diesel(sql_type = BigInt)]
    rejected: i64,
}

/// Claims what can be had of the files. The caller holds the claim lock.
pub(super) fn claim(
    connection: &mut PgConnection,
    run_id: i64,
    files: &[NewFile<'_>],
) -> Result<Vec<Claim>, diesel::result::Error> {
    let hashes: Vec<&[u8]> = files.iter().map(|file| &file.sha256[..]).collect();
    let codes: Vec<&str> = files.iter().map(|file| file.source).collect();
    sql_query(
        "insert into etl.source (code) select distinct code from unnest($1) code on conflict do nothing",
    )
    .bind::<Array<Text>, _>(&codes)
    .execute(connection)?;
    // In this order: a file that another run closes in between is in one of
    // the answers, or in both.
    let open: Vec<Open> = sql_query(open())
        .bind::<BigInt, _>(run_id)
        .bind::<Array<Binary>, _>(&hashes)
        .bind::<Array<Text>, _>(files.iter().map(|file| file.path).collect::<Vec<_>>())
        .load(connection)?;
    let known: Vec<Known> = sql_query(known())
        .bind::<Array<Text>, _>(&codes)
        .bind::<Array<Binary>, _>(&hashes)
        .bind::<BigInt, _>(run_id)
        .load(connection)?;

    let mut claims = Vec::with_capacity(files.len());
    let mut abandoned = Vec::new();
    let mut resumed = Vec::new();
    let mut new: Vec<usize> = Vec::new();
    for (index, (file, known)) in files.iter().zip(&known).enumerate() {
        if let Some(id) = known.loaded_id {
            claims.push(Claim::Loaded { id, archive_path: known.archive_path.clone() });
            continue;
        }
        if let Some(id) = known.rejected_id {
            claims.push(if known.is_rejecting { Claim::Taken } else { Claim::Rejected { id } });
            continue;
        }
        let is_same = |open: &&Open| open.source_id == known.source_id && open.sha256 == file.sha256[..];
        let is_it =
            |open: &&Open| is_same(open) || (open.source_id == known.source_id && open.path == file.path);
        let mine = || open.iter().filter(is_it);
        let is_twin =
            |other: &usize| files[*other].sha256 == file.sha256 && files[*other].source == file.source;
        if mine().any(|open| open.is_alive) {
            claims.push(Claim::Taken);
            continue;
        }
        if mine().any(|open| open.is_own) || new.iter().any(is_twin) {
            claims.push(Claim::InFlight);
            continue;
        }
        let again = mine().find(is_same).map(|open| open.id);
        if again.is_some_and(|id| resumed.iter().any(|(resumed, _)| *resumed == id)) {
            claims.push(Claim::InFlight);
            continue;
        }
        // The file was replaced while it was read; what was loaded of it stays.
        abandoned.extend(mine().map(|open| open.id).filter(|id| Some(*id) != again));
        match again {
            Some(id) => {
                info!(file.id = id, "goes on with {}, which an earlier run has begun", file.path);
                resumed.push((id, file.path));
            }
            None => new.push(index),
        }
        claims.push(Claim::Load(ClaimedFile {
            id: again.unwrap_or_default(),
            source_id: known.source_id,
            sha256: file.sha256,
            base_url: known.base_url.clone(),
            done: Vec::new(),
            rejected: 0,
        }));
    }

    // From now on it is this run's to move them.
    let rejected: Vec<i64> =
        known.iter().filter(|known| !known.is_rejecting).filter_map(|known| known.rejected_id).collect();
    sql_query("update etl.load_file set load_run_id = $1 where id = any($2)")
        .bind::<BigInt, _>(run_id)
        .bind::<Array<BigInt>, _>(&rejected)
        .execute(connection)?;
    if !abandoned.is_empty() {
        sql_query("update etl.load_file set status = 'abandoned', finished_at = now() where id = any($1)")
            .bind::<Array<BigInt>, _>(&abandoned)
            .execute(connection)?;
    }
    take_over(connection, run_id, &resumed, &mut claims)?;
    let ids = insert(connection, run_id, files, &known, &new)?;
    for (index, id) in new.into_iter().zip(ids) {
        if let Claim::Load(claimed) = &mut claims[index] {
            claimed.id = id;
        }
    }
    Ok(claims)
}

/// A file that a dead run left open a day ago or longer, and no run took over.
#[derive(QueryableByName)]
struct Left {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    path: String,
}

/// Gives up files that somebody took out of the inbox for good after a run
/// died with them. As long as they are open, nothing that is delivered again
/// counts as known. The day is for who only moved a file for a while, and for
/// another inbox. The caller holds the claim lock.
pub(super) fn give_up_lost(
    connection: &mut PgConnection,
    run_id: i64,
    is_in_inbox: &dyn Fn(&str) -> bool,
) -> Result<(), diesel::result::Error> {
    let living = living();
    let mut lost: Vec<Left> = sql_query(format!(
        "select f.id, f.path from etl.load_file f where f.status = 'loading' and f.load_run_id <> $1 \
         and f.load_run_id not in ({living}) and f.started_at < now() - interval '1 day'"
    ))
    .bind::<BigInt, _>(run_id)
    .load(connection)?;
    lost.retain(|file| !is_in_inbox(&file.path));
    if lost.is_empty() {
        return Ok(());
    }
    for Left { id, path } in &lost {
        warn!(
            file.id = id,
            "{path} was being loaded by a run that broke off, and has left the inbox: given up"
        );
    }
    sql_query(
        "update etl.load_file set status = 'abandoned', finished_at = now(), \
         error = 'the run that loaded it broke off, and it left the inbox' where id = any($1)",
    )
    .bind::<Array<BigInt>, _>(lost.iter().map(|file| file.id).collect::<Vec<_>>())
    .execute(connection)?;
    Ok(())
}

/// Makes a dead run's files this run's, and learns which parts are committed.
fn take_over(
    connection: &mut PgConnection,
    run_id: i64,
    resumed: &[(i64, &str)],
    claims: &mut [Claim],
) -> Result<(), diesel::result::Error> {
    if resumed.is_empty() {
        return Ok(());
    }
    let (ids, paths): (Vec<i64>, Vec<&str>) = resumed.iter().copied().unzip();
    sql_query(
        "update etl.load_file f set load_run_id = $1, path = r.path \
         from unnest($2, $3) as r (id, path) where f.id = r.id",
    )
    .bind::<BigInt, _>(run_id)
    .bind::<Array<BigInt>, _>(&ids)
    .bind::<Array<Text>, _>(paths)
    .execute(connection)?;
    let parts: Vec<Part> = sql_query(
        "select file_id, first_position, last_position, rejected from etl.load_batch \
         where file_id = any($1) order by file_id, first_position",
    )
    .bind::<Array<BigInt>, _>(&ids)
    .load(connection)?;
    let mut done: BTreeMap<i64, (Vec<(u64, u64)>, u64)> = BTreeMap::new();
    for part in parts {
        let (ranges, rejected) = done.entry(part.file_id).or_default();
        ranges.push((part.first_position as u64, part.last_position as u64));
        *rejected += part.rejected as u64;
    }
    for claim in claims {
        if let Claim::Load(claimed) = claim
            && claimed.id != 0
        {
            (claimed.done, claimed.rejected) = done.remove(&claimed.id).unwrap_or_default();
        }
    }
    Ok(())
}

/// Enters new files; gives their ids, which are in their order.
fn insert(
    connection: &mut PgConnection,
    run_id: i64,
    files: &[NewFile<'_>],
    known: &[Known],
    new: &[usize],
) -> Result<Vec<i64>, diesel::result::Error> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let of = |index: &usize| files[*index];
    let mut ids: Vec<Id> = sql_query(
        "insert into etl.load_file (load_run_id, source_id, path, size_bytes, sha256, status) \
         select $1, a.source_id, a.path, a.size_bytes, a.sha256, 'loading' \
         from unnest($2, $3, $4, $5) with ordinality as a (source_id, path, size_bytes, sha256, ordinal) \
         order by a.ordinal returning id",
    )
    .bind::<BigInt, _>(run_id)
    .bind::<Array<SmallInt>, _>(new.iter().map(|index| known[*index].source_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(new.iter().map(|index| of(index).path).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(new.iter().map(|index| of(index).size as i64).collect::<Vec<_>>())
    .bind::<Array<Binary>, _>(new.iter().map(|index| files[*index].sha256.to_vec()).collect::<Vec<_>>())
    .load(connection)?;
    ids.sort_unstable_by_key(|id| id.id);
    Ok(ids.into_iter().map(|Id { id }| id).collect())
}
