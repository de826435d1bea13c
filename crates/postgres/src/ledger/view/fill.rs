//! *Filling* the table of a view from the archive. Files are filled in the order of
//! their numbers, and how far that has come is committed with the rows, so that any process
//! goes on where another one has ended.
//!
//! A resource whose version moves meanwhile to a file that is filled already, and those of
//! files that cannot be read, are in `etl.view_backlog`: they are filled at the end.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Integer, Text};
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::views::View;

use super::super::remap::{RemapFile, begin_selection, selected_files};
use super::super::schema::{view_backlog, view_definition};
use super::lock::{exclusively, lock_filling, lock_views, unlock_filling, unlock_views};
use super::{AppliedView, VIEW_SCHEMA, drop_version, table};

const SELECT_UNFILLED: &str = "\
insert into wanted
select v.file_id, v.position from etl.resource_version v join etl.resource_key k on k.id = v.id
where v.content_hash is not null and k.resource_type = $1 and v.file_id <= $2
  and (v.file_id, v.position) > ($3, $4)";

const SELECT_BACKLOG: &str = "\
insert into wanted
select v.file_id, v.position from etl.view_backlog b join etl.resource_version v on v.id = b.resource_id
where b.name = $1 and b.version = $2 and v.content_hash is not null and v.file_id is not null";

/// Those that are gone: their rows are gone, too.
const FORGET_GONE: &str = "\
delete from etl.view_backlog b where b.name = $1 and b.version = $2
   and not exists (select from etl.resource_version v
                    where v.id = b.resource_id and v.content_hash is not null and v.file_id is not null)";

/// Of at most 50 files and 2,000 resources, always the same ones as long as nothing changes.
const SELECT_SAMPLE: &str = "\
with living as (
  select v.id, v.file_id, v.position from etl.resource_version v join etl.resource_key k on k.id = v.id
   where v.content_hash is not null and v.file_id is not null and k.resource_type = $1),
some_files as (
  select file_id from living group by 1 order by hashint8(file_id), file_id limit 50)
insert into wanted
select file_id, position from living where file_id in (select file_id from some_files)
order by hashint8(id), id limit 2000";

const POSTPONE: &str = "\
insert into etl.view_backlog
select $1, $2, v.id from wanted w
  join etl.resource_version v on v.file_id = w.file_id and v.position = w.position
  join etl.resource_key k on k.id = v.id
where w.file_id = $3 and k.resource_type = $4 and v.content_hash is not null
on conflict do nothing";

const NOTE_MOVED: &str = "\
insert into etl.view_backlog
select d.name, d.version, m.id from etl.view_definition d, unnest($2) m (id)
where d.state = 'filling' and d.resource_type = $1
on conflict do nothing";

/// Notes that the versions of these resources, which stay the same, move to another file.
/// Views that are being filled may have passed that file.
pub(crate) fn note_moved(
    connection: &mut PgConnection,
    resource_type: ResourceType,
    keys: &[i64],
) -> QueryResult<()> {
    sql_query(NOTE_MOVED)
        .bind::<Text, _>(resource_type.name())
        .bind::<Array<BigInt>, _>(keys)
        .execute(connection)?;
    Ok(())
}

impl AppliedView {
    /// Takes the right to fill it, until the connection is closed or
    /// [`AppliedView::end_filling`]. False if another process has it.
    pub fn begin_filling(&self, connection: &mut PgConnection) -> QueryResult<bool> {
        lock_filling(connection, &self.name)
    }

    /// Gives the right to fill it back.
    pub fn end_filling(&self, connection: &mut PgConnection) -> QueryResult<()> {
        unlock_filling(connection, &self.name)
    }

    /// It as the ledger has it now; `None` if it was changed or dropped.
    pub fn current(&self, connection: &mut PgConnection) -> QueryResult<Option<AppliedView>> {
        view_definition::table
            .find((&self.name, self.version))
            .select(AppliedView::as_select())
            .first(connection)
            .optional()
    }

    /// It as the ledger has it now, if it is still to be filled.
    pub fn still_filling(&self, connection: &mut PgConnection) -> QueryResult<Option<AppliedView>> {
        Ok(self.current(connection)?.filter(|current| !current.is_ready()))
    }

    /// Selects the resources that its filling has not come to, and notes their number.
    /// Returns the files that hold them.
    pub fn select_unfilled(&mut self, connection: &mut PgConnection) -> QueryResult<Vec<RemapFile>> {
        begin_selection(connection)?;
        sql_query(SELECT_UNFILLED)
            .bind::<Text, _>(&self.resource_type)
            .bind::<BigInt, _>(self.until_file_id)
            .bind::<BigInt, _>(self.filled_file_id)
            .bind::<BigInt, _>(self.filled_position)
            .execute(connection)?;
        let files = selected_files(connection)?;
        self.total_resources = self.resources + files.iter().map(|file| file.resources).sum::<i64>();
        diesel::update(view_definition::table.find((&self.name, self.version)))
            .set(view_definition::total_resources.eq(self.total_resources))
            .execute(connection)?;
        Ok(files)
    }

    /// Selects the resources of its backlog; returns the files that hold them.
    pub fn select_backlog(&self, connection: &mut PgConnection) -> QueryResult<Vec<RemapFile>> {
        begin_selection(connection)?;
        for statement in [FORGET_GONE, SELECT_BACKLOG] {
            sql_query(statement)
                .bind::<Text, _>(&self.name)
                .bind::<Integer, _>(self.version)
                .execute(connection)?;
        }
        selected_files(connection)
    }

    /// Selects some of the resources that it is made of; returns the files that hold them.
    pub fn select_sample(&self, connection: &mut PgConnection) -> QueryResult<Vec<RemapFile>> {
        begin_selection(connection)?;
        sql_query(SELECT_SAMPLE).bind::<Text, _>(&self.resource_type).execute(connection)?;
        selected_files(connection)
    }

    /// Within the transaction that writes their rows: so many resources are filled, up to
    /// that place. False if the view is not to be filled any more.
    pub fn note_filled(
        &self,
        connection: &mut PgConnection,
        (file_id, position): (i64, u64),
        resources: u64,
    ) -> QueryResult<bool> {
        let noted = diesel::update(view_definition::table.find((&self.name, self.version)))
            .filter(view_definition::state.eq("filling"))
            .set((
                view_definition::resources.eq(view_definition::resources + resources as i64),
                view_definition::filled_file_id.eq(file_id),
                view_definition::filled_position.eq(position as i64),
            ))
            .execute(connection)?;
        Ok(noted > 0)
    }

    /// Within the transaction that writes their rows: these resources of the backlog are
    /// filled.
    pub fn note_caught_up(&self, connection: &mut PgConnection, keys: &[i64]) -> QueryResult<()> {
        diesel::delete(
            view_backlog::table
                .filter(view_backlog::name.eq(&self.name))
                .filter(view_backlog::version.eq(self.version))
                .filter(view_backlog::resource_id.eq_any(keys)),
        )
        .execute(connection)?;
        Ok(())
    }

    /// Leaves the selected resources of a file for later: it cannot be read to its end. The
    /// filling goes on behind it.
    pub fn postpone(&self, connection: &mut PgConnection, file: &RemapFile) -> QueryResult<()> {
        connection.transaction(|connection| {
            sql_query(POSTPONE)
                .bind::<Text, _>(&self.name)
                .bind::<Integer, _>(self.version)
                .bind::<BigInt, _>(file.file_id)
                .bind::<Text, _>(&self.resource_type)
                .execute(connection)?;
            self.note_filled(connection, (file.file_id, file.last_position()), 0)?;
            Ok(())
        })
    }

    /// Notes why its table cannot be completed, or that nothing is wrong.
    pub fn note_problem(&self, connection: &mut PgConnection, problem: Option<&str>) -> QueryResult<()> {
        diesel::update(view_definition::table.find((&self.name, self.version)))
            .set(view_definition::problem.eq(problem))
            .execute(connection)?;
        Ok(())
    }

    /// Makes the indexes that are missing. False if the view is gone.
    pub fn index(&self, connection: &mut PgConnection, view: &View) -> QueryResult<bool> {
        lock_views(connection)?;
        let indexed = match self.still_filling(connection) {
            Ok(Some(_)) => table::create_indexes(connection, view, &self.table_name).map(|()| true),
            Ok(None) => Ok(false),
            Err(error) => Err(error),
        };
        unlock_views(connection)?;
        indexed
    }

    /// Ends the filling: its table takes the place of that of the version before. False
    /// if there are resources in the backlog, or the view is gone.
    pub fn complete(&self, connection: &mut PgConnection) -> QueryResult<bool> {
        exclusively(connection, |connection| {
            let left = view_backlog::table
                .filter(view_backlog::name.eq(&self.name))
                .filter(view_backlog::version.eq(self.version));
            let left: i64 = left.count().get_result(connection)?;
            if left > 0 || self.still_filling(connection)?.is_none() {
                return Ok(false);
            }
            for older in AppliedView::list(connection)? {
                if older.name == self.name && older.version < self.version {
                    drop_version(connection, &older)?;
                }
            }
            let name = self.name.to_ascii_lowercase();
            if self.table_name != name {
                connection.batch_execute(&format!(
                    "alter table {VIEW_SCHEMA}.\"{}\" rename to \"{name}\"",
                    self.table_name
                ))?;
            }
            diesel::update(view_definition::table.find((&self.name, self.version)))
                .set((
                    view_definition::table_name.eq(&name),
                    view_definition::state.eq("ready"),
                    view_definition::problem.eq(None::<String>),
                    view_definition::filled_at.eq(diesel::dsl::now),
                ))
                .execute(connection)?;
            Ok(true)
        })
    }
}
