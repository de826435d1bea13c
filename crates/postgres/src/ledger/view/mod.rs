//! *Views* that are applied: their definitions, and their tables in schema `views`.

mod fill;
mod lock;
mod origin;
mod table;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use fhirmill_core::map::ViewTable;
use fhirmill_core::views::View;
use serde::Serialize;

use super::schema::{view_backlog, view_definition};
pub(crate) use fill::note_moved;
use lock::exclusively;
pub use lock::{give_way_to_view_change, is_view_change_waiting, lock_views, unlock_views};
pub use origin::{DefinitionResource, ViewOrigin, definition_resources};

/// Services listen to it: when a table is to be filled, they are told.
pub(super) const VIEW_CHANNEL: &str = "fhirmill_views";

/// The schema of all tables of views.
pub const VIEW_SCHEMA: &str = "views";

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
    /// How many resources were read from the archive so far to fill it.
    pub resources: i64,
    /// How many there were to read when its filling last began or went on.
    pub total_resources: i64,
    /// Why its table cannot be completed.
    pub problem: Option<String>,
    /// The last file in the ledger when it was applied.
    #[serde(skip)]
    until_file_id: i64,
    /// The file that its filling has come to.
    #[serde(skip)]
    filled_file_id: i64,
    /// The position in that file.
    #[serde(skip)]
    filled_position: i64,
}

impl AppliedView {
    /// All of them, by name and version.
    pub fn list(connection: &mut PgConnection) -> QueryResult<Vec<AppliedView>> {
        view_definition::table
            .order((view_definition::name, view_definition::version))
            .select(AppliedView::as_select())
            .load(connection)
    }

    /// Those whose tables are being filled, or wait for it.
    pub fn filling(connection: &mut PgConnection) -> QueryResult<Vec<AppliedView>> {
        view_definition::table
            .filter(view_definition::state.eq("filling"))
            .order((view_definition::applied_at, view_definition::name))
            .select(AppliedView::as_select())
            .load(connection)
    }

    /// Its table and definition, for a plan.
    pub fn table(&self) -> ViewTable {
        ViewTable { table: format!("{VIEW_SCHEMA}.{}", self.table_name), definition: self.definition.clone() }
    }

    /// Whether its table is complete.
    pub fn is_ready(&self) -> bool {
        self.state == "ready"
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

#[derive(QueryableByName)]
struct LastFile {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

impl NewVersion {
    /// Makes the table of a view, and from now on every batch fills it. An unfinished
    /// version with another definition is given up.
    pub fn begin(
        connection: &mut PgConnection,
        (name, view): (&str, &View),
        definition: &str,
    ) -> QueryResult<NewVersion> {
        if let Some(known) = known_version(&AppliedView::list(connection)?, name, definition) {
            return Ok(known);
        }
        exclusively(connection, |connection| {
            let mut known = AppliedView::list(connection)?;
            if let Some(known) = known_version(&known, name, definition) {
                return Ok(known);
            }
            known.retain(|known| known.name.eq_ignore_ascii_case(name));
            let last = known.last().map_or(0, |last| last.version);
            while let Some(unfinished) = known.pop_if(|last| !last.is_ready()) {
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
            connection.batch_execute(&table::create_table(view, &table))?;
            let last_file: LastFile =
                sql_query("select coalesce(max(id), 0) as id from etl.load_file").get_result(connection)?;
            diesel::insert_into(view_definition::table)
                .values((
                    view_definition::name.eq(name),
                    view_definition::version.eq(version),
                    view_definition::table_name.eq(&table),
                    view_definition::resource_type.eq(view.resource_type.name()),
                    view_definition::definition.eq(definition),
                    view_definition::state.eq("filling"),
                    view_definition::until_file_id.eq(last_file.id),
                ))
                .execute(connection)?;
            connection.batch_execute(&format!("notify {VIEW_CHANNEL}"))?;
            let begun = view_definition::table.find((name, version));
            begun.select(AppliedView::as_select()).first(connection).map(NewVersion::ToFill)
        })
    }
}

/// What there is to do if the newest version of the view has that definition.
fn known_version(known: &[AppliedView], name: &str, definition: &str) -> Option<NewVersion> {
    let newest = known.iter().rfind(|known| known.name.eq_ignore_ascii_case(name))?;
    (newest.definition == definition).then(|| match newest.is_ready() {
        true => NewVersion::Unchanged,
        false => NewVersion::ToFill(newest.clone()),
    })
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
    let backlog = view_backlog::table
        .filter(view_backlog::name.eq(&version.name))
        .filter(view_backlog::version.eq(version.version));
    diesel::delete(backlog).execute(connection)?;
    diesel::delete(view_definition::table.find((&version.name, version.version))).execute(connection)?;
    Ok(())
}
