//! An *erasure* in the ledger: requested, erased, finished. Until it is finished the ledger
//! says whom it erases and what is left to do, so that another process can finish it.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool};
use fhirmill_core::model::Table;
use serde::Serialize;

use super::keys::{drop_unused, vacuum};
use crate::failpoint;
use crate::ledger::schema::{erasure, erasure_subject, erasure_task};
use crate::ledger::{living, try_lock_archive, unlock_archive};

/// For how many seconds an erasure waits for another one, and for whoever else works on the archive.
const LONGEST_WAIT: u64 = 30;
const ASK_EVERY: Duration = Duration::from_millis(100);

/// What becomes of resources that mention other patients, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// They are erased.
    Erase,
    /// They are kept without their references to the person.
    Keep,
}

impl Shared {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Shared::Erase => "erase",
            Shared::Keep => "keep",
        }
    }

    /// That of the word.
    pub fn of_word(word: &str) -> Option<Self> {
        [Shared::Erase, Shared::Keep].into_iter().find(|shared| shared.word() == word)
    }
}

/// Whom an erasure erases, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The sender.
    pub source_id: i16,
    /// The FHIR id of the patient.
    pub fhir_id: String,
    /// What becomes of resources that mention other patients, too.
    pub shared: Option<Shared>,
    /// Whether patients that it is linked with are erased with it.
    pub with_links: bool,
}

/// How much was erased.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Records of patients that are the person.
    pub people: u64,
    /// Resources.
    pub resources: u64,
    /// Rows of clinical tables, history tables and applied views.
    pub rows: u64,
    /// References that were removed from resources that stay.
    pub removed_references: u64,
    /// Records of archived files.
    pub records: u64,
    /// Rejected records.
    pub rejects: u64,
    /// Files that were written again.
    pub files_rewritten: u64,
    /// Files that had no other records.
    pub files_removed: u64,
}

/// A kind of task that is left when the tables no longer have the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskKind {
    /// Remove the file at that location of the archive.
    Archive,
    /// Remove the file at that location of the rejects.
    Rejects,
    /// Write the report on the file with that number again.
    Report,
    /// Remove the text from the logs.
    Log,
    /// Vacuum the table.
    Table,
}

impl TaskKind {
    const ALL: [TaskKind; 5] =
        [TaskKind::Archive, TaskKind::Rejects, TaskKind::Report, TaskKind::Log, TaskKind::Table];

    fn word(self) -> &'static str {
        match self {
            TaskKind::Archive => "archive",
            TaskKind::Rejects => "rejects",
            TaskKind::Report => "report",
            TaskKind::Log => "log",
            TaskKind::Table => "table",
        }
    }
}

/// Something that is left to do.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its number.
    pub id: i64,
    /// What to do.
    pub kind: TaskKind,
    /// With what.
    pub text: String,
}

/// An erasure, as it is told.
#[derive(Clone, Debug, Serialize, Queryable)]
pub struct Erasure {
    /// Its number.
    pub id: i64,
    /// `requested`, `erased` or `finished`.
    pub state: String,
    /// Who erased.
    pub requested_by: String,
    /// When it was requested.
    pub requested_at: DateTime<Utc>,
    /// When nothing was left to do.
    pub finished_at: Option<DateTime<Utc>>,
    /// The resources that were erased.
    pub resources: i64,
    /// The rows that were removed.
    pub rows: i64,
    /// The files that were written again.
    pub files_rewritten: i32,
    /// The files that were removed.
    pub files_removed: i32,
}

/// An erasure that is not finished.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Its number.
    pub id: i64,
    /// Whether the tables no longer have the person.
    pub is_erased: bool,
    /// Whom it erases.
    pub subject: Subject,
}

#[derive(QueryableByName)]
struct Is {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

#[derive(QueryableByName)]
struct Left {
    #[diesel(sql_type = BigInt)]
    left: i64,
}

impl Erasure {
    /// Keeps others from erasing, and from compressing or removing archived files, as long as the
    /// connection lives; false if one still does after a while. The server takes a moment to notice
    /// that a process has died.
    pub fn lock(connection: &mut PgConnection) -> QueryResult<bool> {
        let longest = Duration::from_secs(failpoint::limit("erasure-wait", LONGEST_WAIT));
        let since = Instant::now();
        loop {
            if try_lock_archive(connection)? {
                return Ok(true);
            }
            if since.elapsed() > longest {
                return Ok(false);
            }
            std::thread::sleep(ASK_EVERY);
        }
    }

    /// Lets others erase, compress and remove again.
    pub fn unlock(connection: &mut PgConnection) -> QueryResult<()> {
        unlock_archive(connection)
    }

    /// The erasures, newest first.
    pub fn list(connection: &mut PgConnection) -> QueryResult<Vec<Erasure>> {
        erasure::table
            .select((
                erasure::id,
                erasure::state,
                erasure::requested_by,
                erasure::requested_at,
                erasure::finished_at,
                erasure::resources,
                erasure::rows,
                erasure::files_rewritten,
                erasure::files_removed,
            ))
            .order(erasure::id.desc())
            .load(connection)
    }

    /// Notes a request; returns its number.
    pub fn request(connection: &mut PgConnection, subject: &Subject, by: &str) -> QueryResult<i64> {
        connection.transaction(|connection| {
            let id: i64 = diesel::insert_into(erasure::table)
                .values(erasure::requested_by.eq(by))
                .returning(erasure::id)
                .get_result(connection)?;
            diesel::insert_into(erasure_subject::table)
                .values((
                    erasure_subject::erasure_id.eq(id),
                    erasure_subject::source_id.eq(subject.source_id),
                    erasure_subject::fhir_id.eq(&subject.fhir_id),
                    erasure_subject::shared.eq(subject.shared.map(Shared::word)),
                    erasure_subject::with_links.eq(subject.with_links),
                ))
                .execute(connection)?;
            Ok(id)
        })
    }

    /// Forgets a request of which nothing was done.
    pub fn withdraw(connection: &mut PgConnection, id: i64) -> QueryResult<()> {
        diesel::delete(erasure::table.find(id).filter(erasure::state.eq("requested"))).execute(connection)?;
        Ok(())
    }

    /// Those that are not finished, oldest first.
    pub fn pending(connection: &mut PgConnection) -> QueryResult<Vec<Pending>> {
        type Row = (i64, String, i16, String, Option<String>, bool);
        let rows: Vec<Row> = erasure::table
            .inner_join(erasure_subject::table)
            .filter(erasure::state.ne("finished"))
            .select((
                erasure::id,
                erasure::state,
                erasure_subject::source_id,
                erasure_subject::fhir_id,
                erasure_subject::shared,
                erasure_subject::with_links,
            ))
            .order(erasure::id)
            .load(connection)?;
        let pending = |(id, state, source_id, fhir_id, shared, with_links): Row| Pending {
            id,
            is_erased: state == "erased",
            subject: Subject {
                source_id,
                fhir_id,
                shared: shared.as_deref().and_then(Shared::of_word),
                with_links,
            },
        };
        Ok(rows.into_iter().map(pending).collect())
    }

    /// Notes, within the transaction that erases, how much is erased and what is left to do.
    pub fn note(
        connection: &mut PgConnection,
        (id, run_id): (i64, i64),
        counts: &Counts,
        (missing_files, snapshots): (&[i64], &[i64]),
        tasks: &[(TaskKind, String)],
    ) -> QueryResult<()> {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let small = |count: u64| i32::try_from(count).unwrap_or(i32::MAX);
        diesel::update(erasure::table.find(id))
            .set((
                erasure::state.eq("erased"),
                erasure::erased_at.eq(now),
                erasure::run_id.eq(run_id),
                erasure::people.eq(small(counts.people)),
                erasure::resources.eq(number(counts.resources)),
                erasure::rows.eq(number(counts.rows)),
                erasure::removed_references.eq(number(counts.removed_references)),
                erasure::records.eq(number(counts.records)),
                erasure::rejects.eq(number(counts.rejects)),
                erasure::files_rewritten.eq(small(counts.files_rewritten)),
                erasure::files_removed.eq(small(counts.files_removed)),
                erasure::missing_files.eq(missing_files),
                erasure::snapshots.eq(snapshots),
            ))
            .execute(connection)?;
        let rows: Vec<_> = tasks
            .iter()
            .map(|(kind, text)| {
                (
                    erasure_task::erasure_id.eq(id),
                    erasure_task::kind.eq(kind.word()),
                    erasure_task::text.eq(text),
                )
            })
            .collect();
        for rows in rows.chunks(1000) {
            diesel::insert_into(erasure_task::table).values(rows).execute(connection)?;
        }
        Ok(())
    }

    /// What is left to do, in the order in which to do it.
    pub fn tasks(connection: &mut PgConnection, id: i64) -> QueryResult<Vec<Task>> {
        let rows: Vec<(i64, String, String)> = erasure_task::table
            .filter(erasure_task::erasure_id.eq(id))
            .select((erasure_task::id, erasure_task::kind, erasure_task::text))
            .order(erasure_task::id)
            .load(connection)?;
        let task = |(id, kind, text): (i64, String, String)| {
            let kind = TaskKind::ALL.into_iter().find(|known| known.word() == kind)?;
            Some(Task { id, kind, text })
        };
        Ok(rows.into_iter().filter_map(task).collect())
    }

    /// Notes that a task is done.
    pub fn done(connection: &mut PgConnection, task: &Task) -> QueryResult<()> {
        diesel::delete(erasure_task::table.find(task.id)).execute(connection)?;
        Ok(())
    }

    /// Forgets the keys of erased resources that nothing uses; returns how many the registry
    /// still has, because a process that is running may remember them.
    pub fn forget_keys(connection: &mut PgConnection, id: i64, tables: &[Table]) -> QueryResult<u64> {
        connection.transaction(|connection| {
            let living = living();
            let Is { yes: is_remembered } = sql_query(format!(
                "select exists (select from etl.load_file f join etl.erasure_subject s using (source_id) \
                 where s.erasure_id = $1 and f.load_run_id in ({living})) as yes"
            ))
            .bind::<BigInt, _>(id)
            .get_result(connection)?;
            if !is_remembered {
                connection
                    .batch_execute("set local enable_hashjoin = on; set local enable_mergejoin = on")?;
                drop_unused(connection, id, tables)?;
            }
            let Left { left } = sql_query(
                "select count(*) as left from etl.erasure_key e join etl.resource_key k on k.id = e.key \
                 where e.erasure_id = $1",
            )
            .bind::<BigInt, _>(id)
            .get_result(connection)?;
            Ok(if is_remembered { left.unsigned_abs() } else { 0 })
        })
    }

    /// Notes that nothing is left to do, and forgets whom it erased.
    pub fn finish(connection: &mut PgConnection, id: i64) -> QueryResult<()> {
        connection.transaction(|connection| {
            diesel::delete(erasure_subject::table.find(id)).execute(connection)?;
            sql_query("delete from etl.erasure_key where erasure_id = $1")
                .bind::<BigInt, _>(id)
                .execute(connection)?;
            diesel::update(erasure::table.find(id))
                .set((erasure::state.eq("finished"), erasure::finished_at.eq(now)))
                .execute(connection)?;
            QueryResult::Ok(())
        })?;
        // Several statements at once would be a transaction, in which no table is vacuumed.
        for table in ["etl.erasure_subject", "etl.erasure_task", "etl.erasure_key"] {
            vacuum(connection, table)?;
        }
        Ok(())
    }

    /// The numbers of the snapshots that were taken since the source's first file and are
    /// still there.
    pub fn snapshots(connection: &mut PgConnection, source_id: i16) -> QueryResult<Vec<i64>> {
        #[derive(QueryableByName)]
        struct Numbers {
            #[diesel(sql_type = Array<BigInt>)]
            numbers: Vec<i64>,
        }
        let Numbers { numbers } = sql_query(
            "select array(select s.id from etl.snapshot s where s.removed_at is null and s.state = 'finished' \
               and s.taken_at >= (select min(started_at) from etl.load_file where source_id = $1) order by 1) as numbers",
        )
        .bind::<diesel::sql_types::SmallInt, _>(source_id)
        .get_result(connection)?;
        Ok(numbers)
    }
}
