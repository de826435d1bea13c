//! *Views* that are applied: their definitions, and their tables in schema `views`.
//!
//! Whoever loads holds a shared lock for as long as it uses the tables that it has
//! found here. Tables are made, swapped and dropped under the exclusive lock, in the
//! gaps between loads, so no batch meets a table that it does not know.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Bool;
use fhirmill_core::map::{KEY_OF_VIEW_ROWS, ViewTable, view_columns};
use fhirmill_core::views::{ColumnType, View};
use serde::Serialize;

use super::schema::view_definition;

/// The schema of all tables of views.
pub const VIEW_SCHEMA: &str = "views";

const VIEW_LOCK: i64 = 7_303_017;

/// A version of a view.
#[derive(Clone, Debug, Queryable, Selectable, Serialize)]
#[diesel(table_name = view_definition)]
pub struct AppliedView {
    /// Its name.
    pub name: String,
    /// Counted from 1.
    pub version: i32,
    /// The table that it fills, without the schema.
    pub table_name: String,
    /// The type of the resources that it is made of.
    pub resource_type: String,
    /// The ViewDefinition.
    #[serde(skip)]
    pub definition: String,
    /// `filling` or `ready`.
    pub state: String,
    /// How many resources were read from the archive to fill it.
    pub resources: i64,
}

impl AppliedView {
    /// All of them, by name and version.
    pub fn list(connection: &mut PgConnection) -> QueryResult<Vec<AppliedView>> {
        view_definition::table
            .order((view_definition::name, view_definition::version))
            .select(AppliedView::as_select())
            .load(connection)
    }

    /// Its table and definition, for a plan.
    pub fn table(&self) -> ViewTable {
        ViewTable { table: format!("{VIEW_SCHEMA}.{}", self.table_name), definition: self.definition.clone() }
    }

    /// Ends the filling: makes the indexes, and the table that of the view.
    pub fn complete(&self, connection: &mut PgConnection, view: &View, resources: u64) -> QueryResult<()> {
        for index in indexes(view, &self.table_name) {
            connection.batch_execute(&index)?;
        }
        exclusively(connection, |connection| {
            let older = view_definition::table
                .filter(view_definition::name.eq(&self.name))
                .filter(view_definition::version.lt(self.version));
            let tables: Vec<String> = older.select(view_definition::table_name).load(connection)?;
            for table in &tables {
                connection.batch_execute(&format!("drop table {VIEW_SCHEMA}.\"{table}\""))?;
            }
            diesel::delete(older).execute(connection)?;
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
                    view_definition::resources.eq(resources as i64),
                    view_definition::filled_at.eq(diesel::dsl::now),
                ))
                .execute(connection)?;
            Ok(())
        })
    }
}

/// What `apply` finds or makes.
#[derive(Clone, Debug)]
pub enum NewVersion {
    /// The view is applied with that definition already.
    Unchanged,
    /// A version that is to be filled, perhaps one whose filling broke off.
    ToFill(AppliedView),
}

impl NewVersion {
    /// Makes the table of a view, and from now on every batch fills it.
    pub fn begin(
        connection: &mut PgConnection,
        (name, view): (&str, &View),
        definition: &str,
    ) -> QueryResult<NewVersion> {
        exclusively(connection, |connection| {
            let known = AppliedView::list(connection)?;
            let mut known: Vec<AppliedView> =
                known.into_iter().filter(|known| known.name.eq_ignore_ascii_case(name)).collect();
            let last = known.last().map_or(0, |last| last.version);
            if let Some(unfinished) = known.pop_if(|last| last.state == "filling") {
                if unfinished.definition == definition {
                    return Ok(NewVersion::ToFill(unfinished));
                }
                drop_version(connection, &unfinished)?;
            }
            if known.last().is_some_and(|ready| ready.definition == definition) {
                return Ok(NewVersion::Unchanged);
            }
            let version = last + 1;
            let table = match known.is_empty() {
                true => name.to_ascii_lowercase(),
                false => format!("{}__{version}", name.to_ascii_lowercase()),
            };
            let name = known.first().map_or(name, |known| known.name.as_str());
            connection.batch_execute(&create_table(view, &table))?;
            diesel::insert_into(view_definition::table)
                .values((
                    view_definition::name.eq(name),
                    view_definition::version.eq(version),
                    view_definition::table_name.eq(&table),
                    view_definition::resource_type.eq(view.resource_type.name()),
                    view_definition::definition.eq(definition),
                    view_definition::state.eq("filling"),
                ))
                .execute(connection)?;
            let begun = view_definition::table.find((name, version));
            begun.select(AppliedView::as_select()).first(connection).map(NewVersion::ToFill)
        })
    }
}

/// Drops a view with its tables; says whether there was one.
pub fn remove_view(connection: &mut PgConnection, name: &str) -> QueryResult<bool> {
    exclusively(connection, |connection| {
        let mut is_found = false;
        for version in AppliedView::list(connection)? {
            if version.name.eq_ignore_ascii_case(name) {
                drop_version(connection, &version)?;
                is_found = true;
            }
        }
        Ok(is_found)
    })
}

fn drop_version(connection: &mut PgConnection, version: &AppliedView) -> QueryResult<()> {
    connection.batch_execute(&format!("drop table if exists {VIEW_SCHEMA}.\"{}\"", version.table_name))?;
    diesel::delete(view_definition::table.find((&version.name, version.version))).execute(connection)?;
    Ok(())
}

/// The tables of all views, for a plan. They stay as they are until the connection is
/// closed.
pub fn view_tables(connection: &mut PgConnection) -> QueryResult<Vec<ViewTable>> {
    lock_views(connection)?;
    Ok(AppliedView::list(connection)?.iter().map(AppliedView::table).collect())
}

/// Keeps the tables of views as they are until the connection is closed.
pub fn lock_views(connection: &mut PgConnection) -> QueryResult<()> {
    sql_query(format!("select pg_advisory_lock_shared({VIEW_LOCK})")).execute(connection)?;
    Ok(())
}

#[derive(QueryableByName)]
struct IsLocked {
    #[diesel(sql_type = Bool)]
    is_locked: bool,
}

/// How long a load in progress is waited for at a time.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// Runs `change` in a transaction while nobody loads.
fn exclusively<T>(
    connection: &mut PgConnection,
    change: impl Fn(&mut PgConnection) -> QueryResult<T>,
) -> QueryResult<T> {
    let mut is_told = false;
    loop {
        let changed = connection.transaction(|connection| {
            // Queueing for the lock would keep new loads waiting behind it.
            let query = format!("select pg_try_advisory_xact_lock({VIEW_LOCK}) as is_locked");
            match sql_query(query).get_result::<IsLocked>(connection)?.is_locked {
                true => change(connection).map(Some),
                false => Ok(None),
            }
        })?;
        if let Some(changed) = changed {
            return Ok(changed);
        }
        if !std::mem::replace(&mut is_told, true) {
            tracing::info!("waiting for the load in progress to end");
        }
        std::thread::sleep(PAUSE);
    }
}

/// The statements that make the table of a view, with its comments.
fn create_table(view: &View, table: &str) -> String {
    let columns = view_columns(view);
    let declared = columns.iter().map(|column| {
        let required = if column.is_nullable { "" } else { " not null" };
        format!("\"{}\" {}{required}", column.name, column.sql_type.sql())
    });
    let name = format!("{VIEW_SCHEMA}.\"{table}\"");
    let mut sql = format!("create table {name} ({});\n", declared.collect::<Vec<_>>().join(", "));
    let told = view.description.as_deref().unwrap_or("a view that a user has declared");
    sql.push_str(&format!("comment on table {name} is {};\n", literal(told)));
    for column in columns.iter().filter(|column| !column.comment.is_empty()) {
        let comment = literal(&column.comment);
        sql.push_str(&format!("comment on column {name}.\"{}\" is {comment};\n", column.name));
    }
    // Rows are replaced and deleted by it.
    sql.push_str(&format!("create index on {name} ({KEY_OF_VIEW_ROWS});\n"));
    sql
}

/// The statements that make the indexes of a view: of keys, and by tag.
fn indexes(view: &View, table: &str) -> Vec<String> {
    let name = format!("{VIEW_SCHEMA}.\"{table}\"");
    let mut statements = Vec::new();
    for column in &view.columns {
        let is_tagged = column.tags.iter().any(|tag| tag.name == "fhirmill/index" && tag.value != "false");
        let is_key = column.column_type == ColumnType::Key;
        if column.is_collection || !(is_tagged || is_key) {
            continue;
        }
        // A text may be longer than a B-tree takes.
        let method = match column.column_type {
            ColumnType::Text | ColumnType::Bytes | ColumnType::Json | ColumnType::Decimal => "hash",
            _ => "btree",
        };
        // Postgres finds a name that is free.
        let column = column.name.to_ascii_lowercase();
        statements.push(format!("create index on {name} using {method} (\"{column}\")"));
    }
    statements
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', "''"))
}
