//! The *views that are applied*, and how far those are that are being filled.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz};

use super::BOUND;

/// A version of a view.
#[derive(Clone, Debug, QueryableByName)]
pub struct ViewLine {
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Counted from 1.
    #[diesel(sql_type = Integer)]
    pub version: i32,
    /// Its table in schema `views`.
    #[diesel(sql_type = Text)]
    pub table_name: String,
    /// The type of the resources that it is made of.
    #[diesel(sql_type = Text)]
    pub resource_type: String,
    /// The ViewDefinition.
    #[diesel(sql_type = Text)]
    pub definition: String,
    /// `filling` or `ready`.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// How many resources were read from the archive to fill it.
    #[diesel(sql_type = BigInt)]
    pub resources: i64,
    /// Of how many; none before the filling begins.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub total_resources: Option<i64>,
    /// Why it cannot be completed.
    #[diesel(sql_type = Nullable<Text>)]
    pub problem: Option<String>,
    /// When it was applied.
    #[diesel(sql_type = Timestamptz)]
    pub applied_at: DateTime<Utc>,
    /// When it was complete.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub filled_at: Option<DateTime<Utc>>,
    /// What its table holds.
    #[diesel(sql_type = Nullable<Text>)]
    pub comment: Option<String>,
    /// Its rows, as Postgres last estimated them; none if it never has.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub estimated_rows: Option<i64>,
    /// How many columns it has.
    #[diesel(sql_type = BigInt)]
    pub columns: i64,
    /// Its bytes with those of its indexes.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
}

const SELECT: &str = "\
select v.name, v.version, v.table_name, v.resource_type, v.definition, v.state, v.resources,
       nullif(v.total_resources, 0) as total_resources, v.problem, v.applied_at, v.filled_at, obj_description(c.oid, 'pg_class') as comment,
       case when c.reltuples >= 0 then c.reltuples::bigint end as estimated_rows,
       (select count(*) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
       coalesce(pg_total_relation_size(c.oid), 0) as bytes
  from etl.view_definition v left join pg_class c on c.oid = to_regclass(format('views.%I', v.table_name))";

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

impl ViewLine {
    /// The schema of the tables.
    pub const SCHEMA: &'static str = "views";

    /// All of them, by name and version.
    pub fn list(connection: &mut PgConnection, most: i64) -> QueryResult<Vec<ViewLine>> {
        sql_query(format!("{SELECT} order by v.name, v.version limit $1"))
            .bind::<BigInt, _>(most)
            .load(connection)
    }

    /// The versions of one, the newest first.
    pub fn find(connection: &mut PgConnection, name: &str) -> QueryResult<Vec<ViewLine>> {
        sql_query(format!("{SELECT} where v.name = $1 order by v.version desc"))
            .bind::<Text, _>(name)
            .load(connection)
    }

    /// The rows of its table, counted up to a bound.
    pub fn count_rows(&self, connection: &mut PgConnection) -> QueryResult<i64> {
        let table = self.table_name.replace('"', "\"\"");
        let bound = BOUND + 1;
        let counted: Counted = sql_query(format!(
            "select count(*) as rows from (select from views.\"{table}\" limit {bound}) t"
        ))
        .get_result(connection)?;
        Ok(counted.rows)
    }
}
