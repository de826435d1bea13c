//! *Candidates*: files that a run wants to claim, with what the ledger holds of their
//! contents and paths, and what is therefore to become of each.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Nullable, SmallInt, Text};
use tracing::info;

use super::advisory_lock::living;
use super::relations::is_superseded;
use super::skipped::has_skipped;
use super::source::BASE_URLS;

/// A file that is to be claimed.
#[derive(Clone, Copy, Debug)]
pub struct NewFile<'f> {
    /// Its path in the inbox.
    pub path: &'f str,
    /// The sender.
    pub source: &'f str,
    /// Its size in bytes.
    pub size: u64,
    /// The hash of its bytes; of its key and version while those are not known, see
    /// [`ObjectVersion::is_hashed`].
    pub sha256: [u8; 32],
    /// Which version it is, if it is an object of a store.
    pub object: Option<ObjectVersion<'f>>,
}

/// A version of an object of a store.
#[derive(Clone, Copy, Debug)]
pub struct ObjectVersion<'f> {
    /// What the store calls it.
    pub etag: Option<&'f str>,
    /// When it was put there, by the clock of the store.
    pub modified: DateTime<Utc>,
    /// Whether the bytes are hashed before the object is claimed. Otherwise they are as they are
    /// loaded, so that the object is read once.
    pub is_hashed: bool,
}

impl NewFile<'_> {
    /// Whether its hash is that of its bytes.
    pub(super) fn is_hashed(&self) -> bool {
        self.object.is_none_or(|object| object.is_hashed)
    }
}

/// What the ledger holds of the content of a file.
#[derive(QueryableByName)]
pub(super) struct ContentEntry {
    #[diesel(sql_type = SmallInt)]
    pub(super) source_id: i16,
    #[diesel(sql_type = Array<Text>)]
    pub(super) base_urls: Vec<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    loaded_id: Option<i64>,
    /// Its path, if its run has not come to its end: it may be this very file.
    #[diesel(sql_type = Nullable<Text>)]
    open_path: Option<String>,
    /// It would change something if it were delivered again, or has records of types
    /// that were skipped and are wanted now.
    #[diesel(sql_type = Bool)]
    is_superseded: bool,
    /// Files of the sender are in progress, which may supersede it.
    #[diesel(sql_type = Bool)]
    has_open: bool,
    /// Where that file lies in the archive, unless another one was put there.
    #[diesel(sql_type = Nullable<Text>)]
    archive_path: Option<String>,
    /// Rejected by a run that has not come to its end.
    #[diesel(sql_type = Nullable<BigInt>)]
    rejected_id: Option<i64>,
    /// That run is alive.
    #[diesel(sql_type = Bool)]
    is_rejecting: bool,
    /// The entry of this very file, if it was read and could not leave the inbox, or if it
    /// repeats another one and its run has not come to its end.
    #[diesel(sql_type = Nullable<BigInt>)]
    stuck_id: Option<i64>,
    /// The status of that entry.
    #[diesel(sql_type = Nullable<Text>)]
    stuck_status: Option<String>,
    /// The file is not hashed, and one of the sender has its size: it may have its bytes.
    #[diesel(sql_type = Bool)]
    has_twin: bool,
}

/// Where the file `loaded` lies in the archive, unless another content was put
/// there.
pub(super) const ARCHIVE_PATH: &str = "\
case when not exists (select from etl.load_file o
                       where o.archive_path = loaded.archive_path and o.sha256 <> loaded.sha256)
     then loaded.archive_path end";

/// The entries of contents, in the order of the files.
fn content_entries() -> String {
    let living = living();
    let (archive_path, is_superseded) = (ARCHIVE_PATH, is_superseded("loaded.id", &i64::MAX.to_string()));
    let has_skipped = has_skipped("loaded.id", "$4");
    format!(
        "\
select s.id as source_id, array(select b.base_url from {BASE_URLS} b where b.source_id = s.id) as base_urls, loaded.id as loaded_id, loaded.open_path,
       {is_superseded} or {has_skipped} as is_superseded, {archive_path} as archive_path,
       exists (select from etl.load_file o where o.status = 'loading' and o.source_id = s.id) as has_open,
       rejected.id as rejected_id, rejected.load_run_id in ({living}) is true as is_rejecting,
       stuck.id as stuck_id, stuck.status as stuck_status,
       exists (select from etl.load_file t where t.source_id = s.id and t.size_bytes = a.unhashed_size
                  and t.status in ('loaded', 'rejected')) as has_twin
from unnest($1, $2, $5, $6) with ordinality as a (code, sha256, path, unhashed_size, ordinal)
join etl.source s using (code)
left join lateral (
  select f.id, f.archive_path, f.sha256, case when r.finished_at is null then f.path end as open_path
    from etl.load_file f join etl.load_run r on r.id = f.load_run_id
   where f.source_id = s.id and f.sha256 = a.sha256 and f.status = 'loaded'
   order by f.id desc limit 1) loaded on true
left join lateral (
  select f.id, f.load_run_id from etl.load_file f join etl.load_run r on r.id = f.load_run_id
   where f.source_id = s.id and f.sha256 = a.sha256 and f.status = 'rejected'
     and r.finished_at is null and r.id <> $3
   order by f.id desc limit 1) rejected on true
left join lateral (
  select f.id, f.status from etl.load_file f join etl.load_run r on r.id = f.load_run_id
   where f.source_id = s.id and f.sha256 = a.sha256 and f.path = a.path
     and (f.move_error is not null and f.status in ('loaded', 'duplicate', 'rejected')
       or f.status = 'duplicate' and r.finished_at is null and r.id <> $3)
   order by f.id desc limit 1) stuck on true
order by a.ordinal"
    )
}

/// A file that some run is loading, or was loading when it died.
#[derive(QueryableByName)]
struct OpenFile {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = SmallInt)]
    source_id: i16,
    #[diesel(sql_type = Text)]
    path: String,
    #[diesel(sql_type = BigInt)]
    size: i64,
    #[diesel(sql_type = Binary)]
    sha256: Vec<u8>,
    /// Whether that is the hash of its bytes.
    #[diesel(sql_type = Bool)]
    is_hashed: bool,
    /// Another run that is alive has it.
    #[diesel(sql_type = Bool)]
    is_alive: bool,
    /// This run has it.
    #[diesel(sql_type = Bool)]
    is_own: bool,
}

fn open_files() -> String {
    let living = living();
    format!(
        "\
select f.id, f.source_id, f.path, f.size_bytes as size, f.sha256, f.is_hashed,
       f.load_run_id <> $1 and f.load_run_id in ({living}) as is_alive, f.load_run_id = $1 as is_own
from etl.load_file f
where f.status = 'loading' and (f.sha256 = any($2) or f.path = any($3) or f.size_bytes = any($4)
   or not f.is_hashed)
order by f.id"
    )
}

/// What is to become of a file.
pub(super) enum Decision {
    Loaded {
        id: i64,
        archive_path: Option<String>,
    },
    Rejected {
        id: i64,
    },
    Taken,
    InFlight,
    /// A dead run has begun it.
    Resume {
        id: i64,
    },
    New,
    Duplicate {
        of: i64,
        archive_path: Option<String>,
    },
    /// With the id that a dead run gave it.
    Deferred {
        id: Option<i64>,
    },
}

impl Decision {
    /// The status of the new entry that it makes, if it makes one.
    pub(super) fn new_status(&self) -> Option<&'static str> {
        match self {
            Decision::New | Decision::Deferred { id: None } => Some("loading"),
            Decision::Duplicate { .. } => Some("duplicate"),
            _ => None,
        }
    }

    /// Whether this run loads the file, or may have to.
    fn is_in_progress(&self) -> bool {
        self.new_status() == Some("loading") || self.taken_over().is_some()
    }

    /// The entry of a dead run that it takes over.
    pub(super) fn taken_over(&self) -> Option<i64> {
        match self {
            Decision::Resume { id } => Some(*id),
            Decision::Deferred { id } => *id,
            _ => None,
        }
    }
}

/// The files that are asked for, and what the ledger holds of them.
pub(super) struct Candidates<'c> {
    pub(super) files: &'c [NewFile<'c>],
    /// Of each file.
    pub(super) contents: Vec<ContentEntry>,
    /// Of the same content or path as one of the files, or perhaps of the same content.
    open: Vec<OpenFile>,
}

impl<'c> Candidates<'c> {
    /// Asks the ledger.
    pub(super) fn load(
        connection: &mut PgConnection,
        (run_id, resource_types): (i64, Option<&[String]>),
        files: &'c [NewFile<'c>],
    ) -> QueryResult<Self> {
        let hashes: Vec<&[u8]> = files.iter().map(|file| &file.sha256[..]).collect();
        let codes: Vec<&str> = files.iter().map(|file| file.source).collect();
        let unhashed_sizes: Vec<Option<i64>> =
            files.iter().map(|file| (!file.is_hashed()).then_some(file.size.cast_signed())).collect();
        sql_query(
            "insert into etl.source (code) select distinct code from unnest($1) code on conflict do nothing",
        )
        .bind::<Array<Text>, _>(&codes)
        .execute(connection)?;
        // In this order: a file that another run closes in between is in one of the
        // answers, or in both.
        let open = sql_query(open_files())
            .bind::<BigInt, _>(run_id)
            .bind::<Array<Binary>, _>(&hashes)
            .bind::<Array<Text>, _>(files.iter().map(|file| file.path).collect::<Vec<_>>())
            .bind::<Array<BigInt>, _>(unhashed_sizes.iter().copied().flatten().collect::<Vec<_>>())
            .load(connection)?;
        let contents = sql_query(content_entries())
            .bind::<Array<Text>, _>(&codes)
            .bind::<Array<Binary>, _>(&hashes)
            .bind::<BigInt, _>(run_id)
            .bind::<Nullable<Array<Text>>, _>(resource_types)
            .bind::<Array<Text>, _>(files.iter().map(|file| file.path).collect::<Vec<_>>())
            .bind::<Array<Nullable<BigInt>>, _>(unhashed_sizes)
            .load(connection)?;
        Ok(Candidates { files, contents, open })
    }

    /// What is to become of each file, and the ids of open files that the
    /// candidates replace.
    pub(super) fn decide(&self) -> (Vec<Decision>, Vec<i64>) {
        let mut decisions: Vec<Decision> = Vec::with_capacity(self.files.len());
        let mut abandoned = Vec::new();
        for index in 0..self.files.len() {
            let decision = self.decide_one(index, &decisions);
            // The file was replaced while it was read; what was loaded of it stays.
            let kept = decision.taken_over();
            if kept.is_some() || matches!(decision, Decision::New) {
                let is_replaced = |open: &&OpenFile| {
                    Some(open.id) != kept
                        && !open.is_own
                        && !open.is_alive
                        && open.path == self.files[index].path
                };
                abandoned.extend(self.open_of(index).filter(is_replaced).map(|open| open.id));
            }
            decisions.push(decision);
        }
        (decisions, abandoned)
    }

    fn decide_one(&self, index: usize, earlier: &[Decision]) -> Decision {
        let (file, content) = (&self.files[index], &self.contents[index]);
        if let Some(id) = content.loaded_id.filter(|_| content.open_path.as_deref() == Some(file.path)) {
            return Decision::Loaded { id, archive_path: content.archive_path.clone() };
        }
        if let Some(id) = content.stuck_id {
            let archive_path = content.archive_path.clone();
            return match content.stuck_status.as_deref() {
                Some("rejected") => Decision::Rejected { id },
                _ => Decision::Loaded { id, archive_path },
            };
        }
        if let Some(id) = content.rejected_id {
            return if content.is_rejecting { Decision::Taken } else { Decision::Rejected { id } };
        }
        if self.open_of(index).any(|open| open.is_alive) {
            return Decision::Taken;
        }
        if self.open_of(index).any(|open| open.is_own && open.path == file.path) {
            return Decision::InFlight;
        }
        if let Some(open) = self.left_open(index) {
            if earlier.iter().any(|decision| decision.taken_over() == Some(open.id)) {
                return Decision::InFlight;
            }
            info!(file.id = open.id, "resuming {}, which an earlier run began", file.path);
            let is_deferred = content.loaded_id.is_some() || self.is_being_loaded(index, earlier);
            return match is_deferred {
                true => Decision::Deferred { id: Some(open.id) },
                false => Decision::Resume { id: open.id },
            };
        }
        if let Some(decision) = self.decide_twin(index, earlier) {
            return decision;
        }
        self.decide_new(index, earlier)
    }

    /// Whether a file must wait because it may have the bytes of another one: of one of the two
    /// they are not hashed.
    fn decide_twin(&self, index: usize, earlier: &[Decision]) -> Option<Decision> {
        let (file, content) = (&self.files[index], &self.contents[index]);
        let is_twin = |open: &&OpenFile| {
            open.source_id == content.source_id
                && open.size == file.size.cast_signed()
                && (!file.is_hashed() || !open.is_hashed && (open.is_alive || open.is_own))
        };
        let mut twins = self.open.iter().filter(is_twin);
        if twins.clone().any(|open| open.is_alive) {
            return Some(Decision::Taken);
        }
        let is_of_earlier = |(decision, other): (&Decision, &NewFile<'_>)| {
            // In the order in which most others are ruled out soonest.
            other.size == file.size
                && !(file.is_hashed() && other.is_hashed())
                && decision.is_in_progress()
                && other.source == file.source
        };
        let has_twin =
            content.has_twin || twins.next().is_some() || earlier.iter().zip(self.files).any(is_of_earlier);
        has_twin.then_some(Decision::InFlight)
    }

    /// Decides on a file that the ledger has no entry of.
    fn decide_new(&self, index: usize, earlier: &[Decision]) -> Decision {
        let (file, content) = (&self.files[index], &self.contents[index]);
        let mut in_progress =
            earlier.iter().zip(self.files).filter(|(decision, _)| decision.is_in_progress());
        match content.loaded_id {
            None if self.is_being_loaded(index, earlier) => Decision::Deferred { id: None },
            None => Decision::New,
            Some(_) if content.is_superseded => Decision::New,
            Some(_) if content.has_open || in_progress.any(|(_, other)| other.source == file.source) => {
                Decision::Deferred { id: None }
            }
            Some(of) => Decision::Duplicate { of, archive_path: content.archive_path.clone() },
        }
    }

    /// Whether this run is loading another file of the sender with the same content.
    fn is_being_loaded(&self, index: usize, earlier: &[Decision]) -> bool {
        let file = &self.files[index];
        // In the order in which most others are ruled out soonest.
        let is_same = |other: &NewFile<'_>| other.sha256 == file.sha256 && other.source == file.source;
        earlier.iter().zip(self.files).any(|(decision, other)| decision.is_in_progress() && is_same(other))
            || self.open_of(index).any(|open| open.is_own && open.sha256 == file.sha256)
    }

    /// The open file of a dead run with the file's content, of its path if there is
    /// one.
    fn left_open(&self, index: usize) -> Option<&OpenFile> {
        let file = &self.files[index];
        let mut same = self.open_of(index).filter(|open| !open.is_own && open.sha256 == file.sha256);
        same.clone().find(|open| open.path == file.path).or_else(|| same.next())
    }

    /// The open files of the file's sender with its content or its path.
    fn open_of(&self, index: usize) -> impl Iterator<Item = &OpenFile> + Clone {
        let (file, content) = (&self.files[index], &self.contents[index]);
        self.open.iter().filter(move |open| {
            open.source_id == content.source_id && (open.sha256 == file.sha256 || open.path == file.path)
        })
    }
}
