//! The *noted role*: a database notes which role its readers have, and for which cluster and
//! database that was decided. A copy and a restored dump have the note of another database.

use diesel::sql_types::{Bool, Text};
use diesel::{OptionalExtension, PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};

/// Where the role was chosen: the cluster, and the database in it.
const PLACE: &str = "(select system_identifier from pg_control_system()) || '/' \
     || (select oid from pg_database where datname = current_database())";

/// The role that the database has noted.
#[derive(QueryableByName)]
pub(super) struct NotedRole {
    /// Its name.
    #[diesel(sql_type = Text)]
    pub role: String,
    /// Whether it was chosen for this database.
    #[diesel(sql_type = Bool)]
    pub is_here: bool,
}

#[derive(QueryableByName)]
struct Is {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

fn can_note(connection: &mut PgConnection) -> QueryResult<bool> {
    let found: Is =
        sql_query("select to_regclass('etl.reading_role') is not null as yes").get_result(connection)?;
    Ok(found.yes)
}

impl NotedRole {
    /// The note, by the role of the first database of a server; none in a database of an earlier
    /// version, or before the first start.
    pub fn of(connection: &mut PgConnection, first_role: &str) -> QueryResult<Option<Self>> {
        if !can_note(connection)? {
            return Ok(None);
        }
        sql_query(format!("select role, place = {PLACE} as is_here from etl.reading_role where kind = $1"))
            .bind::<Text, _>(first_role)
            .get_result(connection)
            .optional()
    }

    /// Notes the role, unless it is noted.
    pub fn note(connection: &mut PgConnection, first_role: &str, role: &str) -> QueryResult<()> {
        let noted = Self::of(connection, first_role)?;
        if noted.is_some_and(|noted| noted.is_here && noted.role == role) || !can_note(connection)? {
            return Ok(());
        }
        let note = format!(
            "insert into etl.reading_role (kind, role, place) values ($1, $2, {PLACE}) \
             on conflict (kind) do update set role = excluded.role, place = excluded.place, noted_at = now()"
        );
        sql_query(note).bind::<Text, _>(first_role).bind::<Text, _>(role).execute(connection)?;
        Ok(())
    }
}
