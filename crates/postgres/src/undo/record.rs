//! What the ledger *records* of an undo: the status of the files, what becomes of their
//! rejects, and which later delivery of the same bytes counts instead.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};

use super::UndoFile;
use crate::ledger::{Account, is_superseded};

/// What an undo did to the ledger.
#[derive(Clone, Debug, Default)]
pub struct Undone {
    /// Open rejects that were dismissed with their file.
    pub dismissed_rejects: u64,
    /// Rejects that count as open again, because the file had resolved them.
    pub reopened_rejects: u64,
    /// Later deliveries of the same bytes that count instead.
    pub promoted: Vec<Promotion>,
}

/// A later delivery of the same bytes as a file that was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promotion {
    /// The file that was taken back.
    pub of: i64,
    /// The delivery that counts instead.
    pub file_id: i64,
}

/// The number of any run, for what is rolled back.
pub fn any_run(connection: &mut PgConnection) -> QueryResult<i64> {
    use crate::ledger::schema::load_run;
    load_run::table.select(load_run::id).order(load_run::id.desc()).first(connection)
}

/// Why a reject is dismissed. Says no more than that.
const NOTE: &str = "its file was taken back";

#[derive(QueryableByName)]
struct Later {
    #[diesel(sql_type = Nullable<BigInt>)]
    file_id: Option<i64>,
}

/// The next duplicate of the file, before the next delivery that was loaded; none if an
/// earlier delivery makes it one.
fn later() -> String {
    let is_superseded = is_superseded("l.id", "d.id");
    format!(
        "\
select d.id as file_id from etl.load_file n
left join lateral (
  select d.id from etl.load_file d
   where d.source_id = n.source_id and d.sha256 = n.sha256 and d.status = 'duplicate' and d.id > n.id
     and not exists (select from etl.load_file o where o.source_id = n.source_id and o.sha256 = n.sha256
                        and o.status = 'loaded' and o.id > n.id and o.id < d.id)
     and not exists (select from etl.load_file l where l.source_id = n.source_id and l.sha256 = n.sha256
                        and l.status = 'loaded' and l.id < n.id and not {is_superseded})
   order by d.id limit 1) d on true
where n.id = $1"
    )
}

const UNDO: &str = "\
with taken as (
  update etl.load_file set status = 'undone' where id = $1 returning id),
dismissed as (
  update etl.rejected_record set dismissed_at = now(), note = '$NOTE'
   where file_id = $1 and $4 is null and resolved_at is null and dismissed_at is null and retried_at is null
  returning id),
resolved as (
  select id, resolved_at, retried_at from etl.rejected_record
   where resolved_by_file_id = $1 and file_id <> $1 for update),
reopened as (
  update etl.rejected_record r set resolved_at = null, resolved_by_file_id = null, retried_at = null
    from resolved where r.id = resolved.id returning r.id),
noted as (
  insert into etl.undo (file_id, status_before, loaded_at, undone_run_id, promoted_file_id,
                        dismissed_rejects, reopened_rejects)
  select $1, $5, $3, $2, $4, array(select id from dismissed),
         coalesce((select jsonb_agg(jsonb_build_object('id', id, 'resolved_at', resolved_at, 'retried_at', retried_at))
                     from resolved), '[]')
  returning id)
select (select count(*) from dismissed) as dismissed, (select count(*) from reopened) as reopened from noted, taken";

#[derive(QueryableByName)]
struct Counts {
    #[diesel(sql_type = BigInt)]
    dismissed: i64,
    #[diesel(sql_type = BigInt)]
    reopened: i64,
}

/// Rejects and skipped records of the file are those of the delivery that counts instead.
const PASS_ON: [&str; 2] = [
    "update etl.rejected_record set file_id = $2 where file_id = $1",
    "update etl.skipped_range set file_id = $2 where file_id = $1",
];

/// Marks the files as taken back by that run; to be called before the other files are
/// read again.
pub fn note_undone(connection: &mut PgConnection, run_id: i64, files: &[&UndoFile]) -> QueryResult<Undone> {
    let mut undone = Undone::default();
    // So that none of them counts instead of another.
    let ids: Vec<i64> = files.iter().map(|file| file.id).collect();
    sql_query("update etl.load_file set status = 'undone' where id = any($1) and status = 'duplicate'")
        .bind::<Array<BigInt>, _>(&ids)
        .execute(connection)?;
    for file in files {
        let is_delivery = file.status_now != "duplicate" && file.is_any_accepted;
        let later: Option<Later> = if is_delivery {
            sql_query(later()).bind::<BigInt, _>(file.id).get_result(connection).optional()?
        } else {
            None
        };
        let promoted = later.and_then(|later| later.file_id);
        let Counts { dismissed, reopened } = sql_query(UNDO.replace("$NOTE", NOTE))
            .bind::<BigInt, _>(file.id)
            .bind::<BigInt, _>(run_id)
            .bind::<Timestamptz, _>(file.loaded_at)
            .bind::<Nullable<BigInt>, _>(promoted)
            .bind::<Text, _>(&file.status_now)
            .get_result(connection)?;
        undone.dismissed_rejects += dismissed.unsigned_abs();
        undone.reopened_rejects += reopened.unsigned_abs();
        if let Some(file_id) = promoted {
            pass_on(connection, file.id, file_id)?;
            sql_query("update etl.load_file set status = 'loaded' where id = $1")
                .bind::<BigInt, _>(file_id)
                .execute(connection)?;
            undone.promoted.push(Promotion { of: file.id, file_id });
        }
    }
    forget_relations(connection, &ids)?;
    Ok(undone)
}

fn pass_on(connection: &mut PgConnection, from: i64, to: i64) -> QueryResult<()> {
    for statement in PASS_ON {
        sql_query(statement).bind::<BigInt, _>(from).bind::<BigInt, _>(to).execute(connection)?;
    }
    Ok(())
}

/// What the files' relations to others were is found out again when these are read.
fn forget_relations(connection: &mut PgConnection, ids: &[i64]) -> QueryResult<()> {
    for statement in [
        "delete from etl.superseded_file where file_id = any($1)",
        "delete from etl.file_overlap where file_id = any($1) or content_file_id = any($1)",
    ] {
        sql_query(statement).bind::<Array<BigInt>, _>(ids).execute(connection)?;
    }
    Ok(())
}

/// The account of a delivery that counts instead of another one.
const SETTLE: &str = "\
update etl.load_file d set
  form = n.form, seen = n.seen, rejected = n.rejected, skipped = n.skipped, error = n.error,
  inserted = $3, updated = $4, stale = $5, deleted = $6,
  unchanged = n.seen - n.rejected - n.skipped - $3 - $4 - $5 - $6
from etl.load_file n where d.id = $2 and n.id = $1";

/// Closes the account of a delivery that counts instead of another one, when it is read.
pub fn settle_promoted(
    connection: &mut PgConnection,
    promotion: Promotion,
    account: &Account,
) -> QueryResult<()> {
    sql_query(SETTLE)
        .bind::<BigInt, _>(promotion.of)
        .bind::<BigInt, _>(promotion.file_id)
        .bind::<BigInt, _>(account.inserted as i64)
        .bind::<BigInt, _>(account.updated as i64)
        .bind::<BigInt, _>(account.stale as i64)
        .bind::<BigInt, _>(account.deleted as i64)
        .execute(connection)?;
    Ok(())
}

const REDO: &str = "\
with redone as (
  update etl.undo set redone_at = now(), redone_run_id = $2 where file_id = $1 and redone_at is null returning *),
file as (
  update etl.load_file f set status = redone.status_before from redone where f.id = $1 returning f.id),
demoted as (
  update etl.load_file d set status = 'duplicate', form = null, error = null, seen = 0, inserted = 0, updated = 0,
         unchanged = 0, stale = 0, deleted = 0, rejected = 0, skipped = 0
    from redone where d.id = redone.promoted_file_id and d.status = 'loaded' returning d.id),
adjusted as (
  update etl.undo o set status_before = 'duplicate' from redone
   where o.file_id = redone.promoted_file_id and o.file_id <> $1 and o.redone_at is null returning o.id),
dismissed as (
  update etl.rejected_record r set dismissed_at = null, note = null
    from redone where r.id = any(redone.dismissed_rejects) and r.note = '$NOTE' returning r.id),
reopened as (
  update etl.rejected_record r
     set resolved_at = (o ->> 'resolved_at')::timestamptz, retried_at = (o ->> 'retried_at')::timestamptz,
         resolved_by_file_id = $1
    from redone, jsonb_array_elements(redone.reopened_rejects) o
   where r.id = (o ->> 'id')::bigint and r.resolved_at is null returning r.id)
select (select count(*) from dismissed) as dismissed, (select count(*) from reopened) as reopened,
       redone.promoted_file_id as promoted
from redone, file";

#[derive(QueryableByName)]
struct RedoCounts {
    #[diesel(sql_type = BigInt)]
    dismissed: i64,
    #[diesel(sql_type = BigInt)]
    reopened: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    promoted: Option<i64>,
}

/// Marks the files as brought back by that run. The counts are those of rejects that are
/// open again, and that are resolved again.
pub fn note_redone(connection: &mut PgConnection, run_id: i64, ids: &[i64]) -> QueryResult<Undone> {
    let mut undone = Undone::default();
    for id in ids {
        let RedoCounts { dismissed, reopened, promoted } = sql_query(REDO.replace("$NOTE", NOTE))
            .bind::<BigInt, _>(*id)
            .bind::<BigInt, _>(run_id)
            .get_result(connection)?;
        undone.dismissed_rejects += dismissed.unsigned_abs();
        undone.reopened_rejects += reopened.unsigned_abs();
        if let Some(file_id) = promoted {
            pass_on(connection, file_id, *id)?;
            undone.promoted.push(Promotion { of: *id, file_id });
        }
    }
    Ok(undone)
}
