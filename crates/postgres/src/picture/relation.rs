//! The *relations* that a picture has to show: the clinical tables, the tables of users'
//! views, the analytics views, the de-identified copy, and of the ledger what says where rows
//! come from.

use std::collections::{BTreeMap, HashMap};

use diesel::sql_types::{Array, BigInt, Bool, SmallInt, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};
use fhirmill_core::model;

/// The tables of the ledger that say where rows come from. None has a patient's values or a
/// secret that the clinical tables lack.
pub const LINEAGE: [&str; 13] = [
    "adopted_resource",
    "code_map",
    "contained_resource",
    "deviating_element",
    "drug_class",
    "load_file",
    "load_run",
    "resource_key",
    "resource_version",
    "source",
    "source_base_url",
    "unmapped_element",
    "unresolved_reference",
];

/// What a relation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelationKind {
    /// A table.
    Table,
    /// A view, which is a query.
    View,
}

/// A table or view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: RelationKind,
    /// Its number, `pg_class.oid`. A table that is dropped and made again has another.
    pub oid: u32,
    /// The number of its file. A table that is emptied at once or rewritten has another.
    pub file: u32,
    /// How many pages it has, now or later.
    pub pages: i64,
    /// What a row is, for people.
    pub comment: String,
    /// Its columns, in order.
    pub columns: Vec<RelationColumn>,
}

/// A column of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelationColumn {
    /// Its name.
    pub name: String,
    /// Its number. A column that is dropped and made again has another.
    pub number: i16,
    /// The number of its type, `pg_type.oid`.
    pub type_oid: u32,
    /// The name of its type.
    pub sql_type: String,
    /// Whether it may be null.
    pub is_nullable: bool,
    /// What it holds, for people.
    pub comment: String,
}

#[derive(QueryableByName)]
struct RelationRow {
    #[diesel(sql_type = Text)]
    schema: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    is_view: bool,
    #[diesel(sql_type = BigInt)]
    oid: i64,
    #[diesel(sql_type = BigInt)]
    file: i64,
    #[diesel(sql_type = BigInt)]
    pages: i64,
    #[diesel(sql_type = Text)]
    comment: String,
}

#[derive(QueryableByName)]
struct ColumnRow {
    #[diesel(sql_type = BigInt)]
    relation: i64,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = SmallInt)]
    number: i16,
    #[diesel(sql_type = BigInt)]
    type_oid: i64,
    #[diesel(sql_type = Text)]
    sql_type: String,
    #[diesel(sql_type = Bool)]
    is_nullable: bool,
    #[diesel(sql_type = Text)]
    comment: String,
}

/// Domains are sent as the types that they are made of. Tables of views that are still being
/// filled are not shown.
const RELATIONS: &str = "\
select n.nspname::text as schema, c.relname::text as name, c.relkind in ('v', 'm') as is_view, c.oid::bigint as oid,
       c.relfilenode::bigint as file, case when c.relkind = 'r' then
         pg_relation_size(c.oid) / current_setting('block_size')::integer else 0 end as pages, coalesce(obj_description(c.oid, 'pg_class'), '') as comment
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = 'public' and c.relkind = 'r' and c.relname::text = any($1)
    or n.nspname = 'etl' and c.relkind = 'r' and c.relname::text = any($2)
    or n.nspname = 'views' and c.relkind = 'r'
       and c.relname::text in (select table_name from etl.view_definition where state = 'ready')
    or n.nspname = 'analytics' and c.relkind in ('v', 'm')
    or n.nspname = 'deidentified' and c.relkind in ('r', 'v')
 order by 1, 2";

const COLUMNS: &str = "\
select a.attrelid::bigint as relation, a.attname::text as name, a.attnum as number,
       (case when t.typtype = 'd' then t.typbasetype else t.oid end)::bigint as type_oid,
       format_type(a.atttypid, a.atttypmod) as sql_type, not a.attnotnull as is_nullable,
       coalesce(col_description(a.attrelid, a.attnum), '') as comment
  from pg_attribute a join pg_type t on t.oid = a.atttypid
 where a.attrelid = any($1::bigint[]::oid[]) and a.attnum > 0 and not a.attisdropped
 order by a.attrelid, a.attnum";

#[derive(QueryableByName)]
struct FileRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    oid: i64,
    #[diesel(sql_type = BigInt)]
    file: i64,
}

const FILES: &str = "\
select n.nspname || '.' || c.relname as name, c.oid::bigint as oid, c.relfilenode::bigint as file
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'm') and n.nspname in ('public', 'etl', 'views', 'analytics', 'deidentified')";

impl Relation {
    /// All relations that there are, by schema and name.
    pub fn list(connection: &mut PgConnection) -> QueryResult<Vec<Relation>> {
        let declared: Vec<String> = model::tables().into_iter().map(|table| table.name).collect();
        let rows: Vec<RelationRow> = sql_query(RELATIONS)
            .bind::<Array<Text>, _>(declared)
            .bind::<Array<Text>, _>(LINEAGE.to_vec())
            .load(connection)?;
        let oids: Vec<i64> = rows.iter().map(|row| row.oid).collect();
        let mut columns: HashMap<i64, Vec<RelationColumn>> = HashMap::new();
        for row in sql_query(COLUMNS).bind::<Array<BigInt>, _>(oids).load::<ColumnRow>(connection)? {
            let ColumnRow { relation, name, number, type_oid, sql_type, is_nullable, comment } = row;
            let type_oid = number_of(type_oid);
            let column = RelationColumn { name, number, type_oid, sql_type, is_nullable, comment };
            columns.entry(relation).or_default().push(column);
        }
        Ok(rows.into_iter().map(|row| relation(row, &mut columns)).collect())
    }

    /// The numbers of the tables of the database and of their files, by name: what a picture
    /// shows of a table is still there as long as it has the same.
    pub fn table_files(connection: &mut PgConnection) -> QueryResult<BTreeMap<String, (i64, i64)>> {
        let rows: Vec<FileRow> = sql_query(FILES).load(connection)?;
        Ok(rows.into_iter().map(|row| (row.name, (row.oid, row.file))).collect())
    }

    /// Its name with the schema, unless that is `public`.
    pub fn path(&self) -> String {
        match self.schema.as_str() {
            "public" => self.name.clone(),
            schema => format!("{schema}.{}", self.name),
        }
    }
}

fn relation(row: RelationRow, columns: &mut HashMap<i64, Vec<RelationColumn>>) -> Relation {
    let RelationRow { schema, name, is_view, oid, file, pages, comment } = row;
    let kind = if is_view { RelationKind::View } else { RelationKind::Table };
    let columns = columns.remove(&oid).unwrap_or_default();
    Relation { schema, name, kind, oid: number_of(oid), file: number_of(file), pages, comment, columns }
}

/// Numbers of the catalog have 32 bits without a sign.
fn number_of(oid: i64) -> u32 {
    u32::try_from(oid).unwrap_or_default()
}
