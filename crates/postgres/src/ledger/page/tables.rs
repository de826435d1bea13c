//! The *tables* and views that people read, as the catalog describes them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz};

/// A table or view.
#[derive(Clone, Debug, QueryableByName)]
pub struct TableEntry {
    /// Its schema.
    #[diesel(sql_type = Text)]
    pub schema: String,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Whether it is a view.
    #[diesel(sql_type = Bool)]
    pub is_view: bool,
    /// What it holds.
    #[diesel(sql_type = Nullable<Text>)]
    pub comment: Option<String>,
    /// How many rows it has, as Postgres last estimated them; none if it never has.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub rows: Option<i64>,
    /// Its bytes with those of its indexes.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
    /// Whether its rows tell when they were loaded, and are numbered in the order of arrival.
    #[diesel(sql_type = Bool)]
    pub is_dated: bool,
    /// When a row at its end was loaded.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub newest_at: Option<DateTime<Utc>>,
}

/// A column.
#[derive(Clone, Debug, QueryableByName)]
pub struct ColumnEntry {
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Its type.
    #[diesel(sql_type = Text)]
    pub type_name: String,
    /// What it holds.
    #[diesel(sql_type = Nullable<Text>)]
    pub comment: Option<String>,
    /// Whether it is always filled.
    #[diesel(sql_type = Bool)]
    pub is_required: bool,
}

#[derive(QueryableByName)]
struct Newest {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    newest_at: Option<DateTime<Utc>>,
}

const SELECT: &str = "\
select n.nspname::text as schema, c.relname::text as name, c.relkind = 'v' as is_view,
       obj_description(c.oid, 'pg_class') as comment,
       case when c.relkind <> 'v' and c.reltuples >= 0 then c.reltuples::bigint end as rows,
       case when c.relkind = 'v' then 0 else pg_total_relation_size(c.oid) end as bytes,
       c.relkind = 'r' and (
         select count(*) = 2 from pg_attribute a
          where a.attrelid = c.oid and a.attname in ('id', 'loaded_at') and not a.attisdropped) as is_dated,
       null::timestamptz as newest_at
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname in ('public', 'analytics', 'views') and c.relkind in ('r', 'p', 'v') and not starts_with(c.relname, '__')
   and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')";

impl TableEntry {
    /// All tables and views, by schema and name.
    pub fn list(connection: &mut PgConnection) -> QueryResult<Vec<TableEntry>> {
        let mut tables: Vec<TableEntry> =
            sql_query(format!("{SELECT} order by 1 desc, 2")).load(connection)?;
        let dated: Vec<String> = tables
            .iter()
            .filter(|table| table.is_dated && table.bytes > 0)
            .map(|table| newest_of(&table.schema, &table.name))
            .collect();
        if dated.is_empty() {
            return Ok(tables);
        }
        let newest: Vec<Newest> = sql_query(dated.join(" union all ")).load(connection)?;
        for table in &mut tables {
            let found = newest.iter().find(|newest| table.schema == "public" && newest.name == table.name);
            table.newest_at = found.and_then(|newest| newest.newest_at);
        }
        Ok(tables)
    }

    /// The table or view of that name.
    pub fn find(connection: &mut PgConnection, schema: &str, name: &str) -> QueryResult<Option<TableEntry>> {
        sql_query(format!("{SELECT} and n.nspname = $1 and c.relname = $2"))
            .bind::<Text, _>(schema)
            .bind::<Text, _>(name)
            .get_result(connection)
            .optional()
    }

    /// Its columns, in their order.
    pub fn columns(&self, connection: &mut PgConnection) -> QueryResult<Vec<ColumnEntry>> {
        sql_query(
            "select a.attname::text as name, format_type(a.atttypid, a.atttypmod) as type_name, \
                    col_description(a.attrelid, a.attnum) as comment, a.attnotnull as is_required \
               from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace \
              where n.nspname = $1 and c.relname = $2 and a.attnum > 0 and not a.attisdropped order by a.attnum",
        )
        .bind::<Text, _>(&self.schema)
        .bind::<Text, _>(&self.name)
        .load(connection)
    }
}

/// A query for the load of a row at the end of a table: of the resource that was new last,
/// or of a row in the last pages, which is later if a resource was updated since.
fn newest_of(schema: &str, name: &str) -> String {
    let table = format!("\"{}\".\"{}\"", schema.replace('"', "\"\""), name.replace('"', "\"\""));
    let literal = name.replace('\'', "''");
    let file = table.replace('\'', "''");
    format!(
        "select '{literal}' as name, greatest( \
           (select loaded_at from {table} order by id desc limit 1), \
           (select max(loaded_at) from {table} \
             where ctid >= format('(%s,0)', greatest(pg_relation_size('{file}') / 8192 - 4, 0))::tid)) as newest_at"
    )
}
