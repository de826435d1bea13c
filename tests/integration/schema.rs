//! The declarations match the migrated database.

use std::collections::BTreeMap;

use fhirmill_core::model::tables;

use crate::support::TestEnvironment;

/// Type and nullability of each column in a schema, by name: a column that a
/// later migration adds is last in the catalog, wherever it is declared.
fn catalog(environment: &TestEnvironment, schema: &str) -> BTreeMap<String, Vec<[String; 3]>> {
    let rows = environment.query(&format!(
        "select c.relname as table, a.attname as column, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as is_required \
         from pg_class c join pg_attribute a on a.attrelid = c.oid \
         where c.relnamespace = '{schema}'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped \
           and c.relname <> '__diesel_schema_migrations' \
         order by c.relname collate \"C\", a.attname collate \"C\""
    ));
    let mut tables: BTreeMap<String, Vec<[String; 3]>> = BTreeMap::new();
    for row in rows {
        let [table, column, sql_type, is_required] = row.try_into().unwrap();
        tables.entry(table).or_default().push([column, sql_type, is_required]);
    }
    tables
}

/// Postgres' name of a type that the declarations abbreviate.
fn spelled(sql_type: &str) -> &str {
    match sql_type {
        "timestamptz" => "timestamp with time zone",
        "time" => "time without time zone",
        other => other,
    }
}

#[test]
fn the_catalog_matches_the_declarations() {
    let environment = TestEnvironment::new();
    let mut declared = BTreeMap::new();
    for table in tables() {
        let mut columns: Vec<[String; 3]> = table
            .columns
            .iter()
            .chain(&table.filled_by_database())
            .map(|column| {
                let sql_type = spelled(column.sql_type.sql()).to_owned();
                [column.name.clone(), sql_type, (!column.is_nullable).to_string()]
            })
            .collect();
        columns.sort();
        declared.insert(table.name.clone(), columns);
    }
    let found = catalog(&environment, "public");
    let names = |tables: &BTreeMap<String, _>| tables.keys().cloned().collect::<Vec<_>>();
    pretty_assertions::assert_eq!(names(&found), names(&declared));
    for (name, columns) in &declared {
        pretty_assertions::assert_eq!(&found[name], columns, "columns of {name}");
    }
}

#[test]
fn keys_match_the_declarations() {
    let environment = TestEnvironment::new();
    let found = environment.query(
        "select c.conrelid::regclass::text as table, string_agg(a.attname, ',' order by k.position) as columns \
         from pg_constraint c cross join unnest(c.conkey) with ordinality as k (number, position) \
         join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.number \
         where c.contype = 'p' and c.connamespace = 'public'::regnamespace \
           and c.conrelid <> '__diesel_schema_migrations'::regclass group by 1",
    );
    let mut found: Vec<(String, String)> =
        found.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    found.sort();
    let mut declared: Vec<(String, String)> =
        tables().iter().map(|table| (table.name.clone(), table.key.join(","))).collect();
    declared.sort();
    pretty_assertions::assert_eq!(found, declared);
}

/// The words of a comment without the punctuation and capitals that tell
/// `reasonCode: coding.code` from `reason_code`.
fn letters(text: &str) -> String {
    text.chars().filter(|letter| letter.is_ascii_alphanumeric()).collect::<String>().to_lowercase()
}

#[test]
fn no_comment_merely_repeats_the_name() {
    let environment = TestEnvironment::new();
    let columns = environment.query(
        "select c.oid::regclass::text as table, a.attname as column, col_description(c.oid, a.attnum) as comment \
         from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
         where c.relnamespace in ('public'::regnamespace, 'etl'::regnamespace, 'analytics'::regnamespace) \
           and c.relkind in ('r', 'v') and c.relname <> '__diesel_schema_migrations' order by 1, 2",
    );
    assert!(columns.len() > 2_900, "{} columns", columns.len());
    let repeating: Vec<String> = columns
        .iter()
        .filter(|row| {
            let comment = row[2].replace("coding.", "").replace("[0]", "").replace("[x]", "");
            letters(&comment) == letters(&row[1]) || !comment.contains(' ')
        })
        .map(|row| format!("{}.{}: {}", row[0], row[1], row[2]))
        .collect();
    assert!(repeating.is_empty(), "{} comments say nothing new:\n{}", repeating.len(), repeating.join("\n"));
}

#[test]
fn every_table_and_column_has_a_comment() {
    let environment = TestEnvironment::new();
    let silent = environment.query(
        "select c.oid::regclass::text as table, coalesce(a.attname, '') as column \
         from pg_class c left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
         where c.relnamespace in ('public'::regnamespace, 'etl'::regnamespace) and c.relkind = 'r' \
           and c.relname <> '__diesel_schema_migrations' \
           and (trim(coalesce(col_description(c.oid, a.attnum), '')) = '' \
             or trim(coalesce(obj_description(c.oid, 'pg_class'), '')) = '')",
    );
    assert_eq!(silent, Vec::<Vec<String>>::new());
}

#[test]
fn comments_match_the_declarations() {
    let environment = TestEnvironment::new();
    let mut found: Vec<(String, String)> = environment
        .query(
            "select c.relname || coalesce('.' || a.attname, '') as name, coalesce(d.description, '') as comment \
             from pg_class c join pg_description d on d.objoid = c.oid and d.classoid = 'pg_class'::regclass \
             left join pg_attribute a on a.attrelid = c.oid and a.attnum = d.objsubid and a.attnum > 0 \
             where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'",
        )
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    found.sort();
    let mut declared = Vec::new();
    for table in tables() {
        declared.push((table.name.clone(), table.comment.clone()));
        for column in table.columns.iter().chain(&table.filled_by_database()) {
            declared.push((format!("{}.{}", table.name, column.name), column.comment.clone()));
        }
    }
    declared.sort();
    pretty_assertions::assert_eq!(found, declared);
}

#[test]
fn down_leaves_no_objects_behind() {
    let environment = TestEnvironment::without_indexes();
    const OBJECTS: &str = "select 'relation ' || c.oid::regclass as object from pg_class c join pg_namespace n on n.oid = c.relnamespace \
           where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relname !~ '__diesel' \
         union all select 'type ' || t.typname from pg_type t join pg_namespace n on n.oid = t.typnamespace \
           where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and t.typname !~ '__diesel' \
         union all select 'function ' || p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace \
           where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' \
         union all select 'schema ' || nspname from pg_namespace where nspname in ('etl', 'analytics') \
         order by 1";
    const COMMENTS: &str = "select count(*), md5(string_agg(description, '|' order by objoid::regclass::text, objsubid)) as text \
        from pg_description where classoid = 'pg_class'::regclass and objoid >= 16384";
    let (objects, comments) = (environment.query(OBJECTS), environment.query(COMMENTS));
    assert!(objects.len() > 200, "{} objects", objects.len());
    environment.run(&["migrate", "down", "--all"]).expect_code(0);
    assert_eq!(environment.query(OBJECTS), Vec::<Vec<String>>::new());
    environment.run(&["migrate", "up"]).expect_code(0);
    pretty_assertions::assert_eq!(environment.query(OBJECTS), objects);
    assert_eq!(environment.query(COMMENTS), comments);
}
