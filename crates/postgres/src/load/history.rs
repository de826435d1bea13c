//! *History*: rows that a resource's new version no longer has, such as a
//! patient's former addresses, move to history tables with the time in which they
//! were valid. A list that is merely reordered adds none.
//!
//! A batch may bring several versions of a resource. Its history is then the same as
//! if they had come one by one: a lifeline gives the contents that it went through.
//! A delete removes the history too.

use diesel::connection::SimpleConnection;
use diesel::data_types::PgTimestamp;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Timestamptz};
use diesel::{PgConnection, RunQueryDsl, sql_query};

use crate::LoadError;
use crate::database::CopyTable;
use crate::registry::{Content, Lifeline};
use fhirmill_core::map::{HistoryTable, Plan};
use fhirmill_core::model::sql;
use fhirmill_core::sink::KeyedBatch;

/// Created in the transactions that need them. Tables of the session would be
/// emptied at the end of every transaction, which takes longer.
fn temporary_tables(tables: &[HistoryTable]) -> String {
    let mut sql = "\
create temporary table lifeline (id bigint, stored_since timestamptz) on commit drop;
create temporary table content (id bigint, valid_from timestamptz, is_deleted boolean) on commit drop;
"
    .to_owned();
    for HistoryTable { current, .. } in tables {
        sql += &format!(
            "create temporary table superseded_{current} (like {current}, row_valid_from timestamptz) on commit drop;\n\
             create temporary table arriving_{current} (like {current}) on commit drop;\n"
        );
    }
    sql
}

/// The history of a batch: the rows of the contents so far lie in temporary tables,
/// each with the time since when it is valid.
pub(super) struct History<'h> {
    tables: Vec<HistoryTable>,
    lifelines: &'h [Lifeline],
}

impl<'h> History<'h> {
    /// Copies the rows of the current versions, and goes through the contents that
    /// followed, but for the last ones, which are to be stored. To be called before
    /// rows are removed. `None` if no resource has history.
    pub fn begin(
        connection: &mut PgConnection,
        plan: &Plan,
        batch: &KeyedBatch<'_>,
        lifelines: &'h [Lifeline],
    ) -> Result<Option<Self>, LoadError> {
        if lifelines.is_empty() {
            return Ok(None);
        }
        let types = plan.types_with_history().iter();
        let tables = types.flat_map(|resource_type| plan.history_tables(*resource_type)).cloned().collect();
        let history = History { tables, lifelines };
        connection.batch_execute(&temporary_tables(&history.tables))?;
        history.copy_stored(connection)?;
        let longest = lifelines.iter().map(|lifeline| lifeline.contents.len()).max().unwrap_or(0);
        for number in 0..longest.saturating_sub(1) {
            let is_last = |lifeline: &&Lifeline| number + 1 >= lifeline.contents.len();
            let passed = lifelines.iter().filter(|lifeline| !is_last(lifeline));
            let passed: Vec<(i64, Content)> =
                passed.map(|lifeline| (lifeline.key, lifeline.contents[number])).collect();
            history.pass(connection, plan, batch, &passed)?;
        }
        Ok(Some(history))
    }

    fn copy_stored(&self, connection: &mut PgConnection) -> Result<(), LoadError> {
        let stored: Vec<(i64, i64)> = self
            .lifelines
            .iter()
            .filter_map(|lifeline| Some((lifeline.key, lifeline.stored_since?)))
            .collect();
        sql_query("insert into lifeline select * from unnest($1, $2)")
            .bind::<Array<BigInt>, _>(stored.iter().map(|(key, _)| *key).collect::<Vec<_>>())
            .bind::<Array<Timestamptz>, _>(
                stored.iter().map(|(_, since)| PgTimestamp(*since)).collect::<Vec<_>>(),
            )
            .execute(connection)?;
        let copies =
            self.tables.iter().map(|HistoryTable { current, key_column, position_column, .. }| {
                format!(
                    "insert into superseded_{current} \
                 select t.*, coalesce(s.valid_from, l.stored_since) \
                   from lifeline l join {current} t on t.{key_column} = l.id \
                   left join etl.row_since s on s.resource_id = l.id and s.table_name = '{current}' \
                        and s.ordinal = t.{position_column};\n"
                )
            });
        connection.batch_execute(&copies.collect::<String>())?;
        Ok(())
    }

    /// Replaces the rows of these resources by those of the contents, which are not
    /// to be stored.
    fn pass(
        &self,
        connection: &mut PgConnection,
        plan: &Plan,
        batch: &KeyedBatch<'_>,
        passed: &[(i64, Content)],
    ) -> Result<(), LoadError> {
        set_contents(connection, passed)?;
        let mut resources: Vec<usize> = passed.iter().filter_map(|(_, content)| content.resource).collect();
        resources.sort_unstable();
        let is_passed = |resource: usize| resources.binary_search(&resource).is_ok();
        for table in &self.tables {
            let arriving = format!("arriving_{}", table.current);
            connection.batch_execute(&format!("truncate {arriving}"))?;
            let Some(number) = plan.tables.iter().position(|of| of.name == table.current) else { continue };
            let columns = plan.tables[number].columns.iter().map(|column| column.name.as_str());
            let count = batch.rows.row_count(number, &is_passed);
            CopyTable::new(&arriving, columns).copy_runs(
                connection,
                count,
                batch.rows.runs(number, &is_passed),
            )?;
            connection.batch_execute(&supersede(table, &arriving))?;
            connection.batch_execute(&follow(table, &arriving))?;
        }
        Ok(())
    }

    /// Moves the rows to history that equal no row of the stored version. To be
    /// called when that is stored.
    pub fn keep(&self, connection: &mut PgConnection) -> Result<(), LoadError> {
        let last = |lifeline: &Lifeline| Some((lifeline.key, *lifeline.contents.last()?));
        set_contents(connection, &self.lifelines.iter().filter_map(last).collect::<Vec<_>>())?;
        connection.batch_execute("delete from etl.row_since s using content c where s.resource_id = c.id")?;
        for table in &self.tables {
            connection.batch_execute(&supersede(table, &table.current))?;
            connection.batch_execute(&note_since(table))?;
        }
        Ok(())
    }
}

/// When the batch was delivered: now, unless it is loaded again.
const DELIVERED_AT: &str =
    "coalesce(nullif(current_setting('fhirmill.delivered_at', true), '')::timestamptz, now())";

/// What the resources have next. A content without a time takes effect when it is
/// delivered.
fn set_contents(connection: &mut PgConnection, contents: &[(i64, Content)]) -> Result<(), LoadError> {
    connection.batch_execute("truncate content")?;
    sql_query(format!(
        "insert into content select id, coalesce(valid_from, {DELIVERED_AT}), is_deleted \
         from unnest($1, $2, $3) as c (id, valid_from, is_deleted)"
    ))
    .bind::<Array<BigInt>, _>(contents.iter().map(|(key, _)| *key).collect::<Vec<_>>())
    .bind::<Array<Nullable<Timestamptz>>, _>(
        contents.iter().map(|(_, content)| content.time.map(PgTimestamp)).collect::<Vec<_>>(),
    )
    .bind::<Array<Bool>, _>(
        contents.iter().map(|(_, content)| content.resource.is_none()).collect::<Vec<_>>(),
    )
    .execute(connection)?;
    Ok(())
}

/// Whether a row `n` of a version equals the superseded row `o`.
fn is_same(table: &HistoryTable) -> String {
    let HistoryTable { key_column, position_column, .. } = table;
    format!(
        "n.{key_column} = o.{key_column} \
         and to_jsonb(n) - '{position_column}' = to_jsonb(o) - '{position_column}' - 'row_valid_from'"
    )
}

/// Moves superseded rows to history that equal no row of `arriving`; those of
/// deleted resources, and their history, are removed. A time that is later than the
/// end is unknown.
fn supersede(table: &HistoryTable, arriving: &str) -> String {
    let HistoryTable { current, history, key_column, columns, position_column } = table;
    let columns: Vec<String> = columns.iter().map(|column| sql::quoted(column)).collect();
    let columns = columns.join(", ");
    let has_vanished = format!("not exists (select from {arriving} n where {})", is_same(table));
    format!(
        "insert into {history} ({columns}, content_hash, valid_from, valid_to) \
         select {columns}, \
                sha256(convert_to((to_jsonb(o) - '{position_column}' - 'row_valid_from')::text, 'UTF8')), \
                case when o.row_valid_from <= c.valid_from then o.row_valid_from end, c.valid_from \
           from superseded_{current} o join content c on c.id = o.{key_column} \
          where not c.is_deleted and {has_vanished} \
         on conflict do nothing;\n\
         delete from superseded_{current} o using content c \
          where c.id = o.{key_column} and (c.is_deleted or {has_vanished});\n\
         delete from {history} h using content c where c.id = h.{key_column} and c.is_deleted;\n"
    )
}

/// Adds the rows of `arriving` to the superseded ones: the next content supersedes
/// them. Rows that were there before keep their time.
fn follow(table: &HistoryTable, arriving: &str) -> String {
    let HistoryTable { current, key_column, .. } = table;
    format!(
        "insert into superseded_{current} \
         select n.*, c.valid_from from {arriving} n join content c on c.id = n.{key_column} \
          where not exists (select from superseded_{current} o where {});\n",
        is_same(table)
    )
}

/// Notes since when rows of the stored version are valid that earlier ones had too.
fn note_since(table: &HistoryTable) -> String {
    let HistoryTable { current, key_column, position_column, .. } = table;
    format!(
        "insert into etl.row_since (resource_id, table_name, ordinal, valid_from) \
         select n.{key_column}, '{current}', n.{position_column}, min(o.row_valid_from) \
           from content c join {current} n on n.{key_column} = c.id \
           join superseded_{current} o on {} \
          where o.row_valid_from < c.valid_from \
          group by n.{key_column}, n.{position_column};\n",
        is_same(table)
    )
}
