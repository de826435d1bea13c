//! Making, refreshing and removing the copy. Each is one transaction: readers see the copy
//! as it was before or as it is afterwards.

use std::time::Duration;

use chrono::{Datelike, Utc};
use diesel::connection::SimpleConnection;
use diesel::sql_types::{Binary, Bool, Text};
use diesel::{OptionalExtension, PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};
use fhirmill_core::model::{DeidentifiedTable, Rule, deidentified_tables};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tracing::info;

use super::functions::{functions, literal};
use super::made::{self, Source};
use super::researchers::Researchers;
use super::select::{ShownColumn, columns, select};
use super::{Deidentification, Form};
use crate::database::quoted;

/// The key of the advisory lock of those who make the copy: "deidenti" in ASCII.
const LOCK_KEY: i64 = i64::from_be_bytes(*b"deidenti");

/// What became of the copy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Published {
    /// The tables or views that were made now.
    pub made: Vec<String>,
    /// How many were left as they are, because nothing has changed.
    pub unchanged: usize,
}

#[derive(QueryableByName)]
struct State {
    #[diesel(sql_type = Text)]
    mode: String,
    #[diesel(sql_type = Text)]
    definition: String,
}

/// One relation of the copy, as it is to be.
struct Wanted {
    shown: &'static DeidentifiedTable,
    columns: Vec<ShownColumn>,
    select: String,
    /// Hash of what it is made by.
    definition: String,
}

/// Makes the copy as `wanted` says. Views are made if anything about them is new, tables
/// also if the rows that they were made from have changed.
pub fn publish(connection: &mut PgConnection, wanted: &Deidentification) -> QueryResult<Published> {
    let relations = relations(wanted);
    let mut all = Sha256::new();
    relations.iter().for_each(|relation| all.update(relation.definition.as_bytes()));
    let definition = hex(all);
    let published = alone(connection, |connection| {
        let state = state(connection)?;
        let is_of_form = state.as_ref().is_some_and(|state| state.mode == wanted.form.name());
        let is_same = is_of_form && state.as_ref().is_some_and(|state| state.definition == definition);
        if wanted.form == Form::Views && is_same {
            return Ok(Published { made: Vec::new(), unchanged: relations.len() });
        }
        // Whoever has the old keys must not be able to join them with new ones.
        if !is_of_form {
            clear(connection)?;
        }
        if !is_same {
            create_functions(connection, wanted)?;
            note(connection, wanted, &definition)?;
        }
        match wanted.form {
            Form::Views => make_views(connection, &relations),
            Form::Tables => make_tables(connection, &relations),
        }
    })?;
    Researchers::of(connection)?.ensure(connection)?;
    for name in published.made.iter().filter(|_| wanted.form == Form::Tables) {
        connection.batch_execute(&format!("analyze deidentified.{}", quoted(name)))?;
    }
    if !published.made.is_empty() {
        let number = published.made.len();
        info!(
            "made {number} {} of schema deidentified, {} unchanged",
            wanted.form.name(),
            published.unchanged
        );
    }
    Ok(published)
}

/// Removes the copy and forgets the secret. Returns whether there was any.
pub fn withdraw(connection: &mut PgConnection) -> QueryResult<bool> {
    if state(connection)?.is_none() {
        return Ok(false);
    }
    alone(connection, |connection| {
        clear(connection)?;
        sql_query("delete from etl.deidentified").execute(connection)?;
        info!("removed the tables and views of schema deidentified");
        Ok(true)
    })
}

/// Makes sure of the role that reads the copy, if there is one.
pub fn ensure_researchers(connection: &mut PgConnection) -> QueryResult<()> {
    match state(connection)? {
        Some(_) => Researchers::of(connection)?.ensure(connection),
        None => Ok(()),
    }
}

/// Runs `work` in a transaction while no other process makes the copy. The lock is of the
/// session and comes before the transaction, which therefore sees what others have made.
fn alone<Outcome>(
    connection: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> QueryResult<Outcome>,
) -> QueryResult<Outcome> {
    // Polled instead of waited for: lock_timeout would end a wait.
    while !ask(connection, &format!("pg_try_advisory_lock({LOCK_KEY})"))? {
        std::thread::sleep(Duration::from_millis(100));
    }
    let outcome = connection.build_transaction().repeatable_read().run(work);
    let unlocked = ask(connection, &format!("pg_advisory_unlock({LOCK_KEY})"));
    let outcome = outcome?;
    unlocked?;
    Ok(outcome)
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

fn ask(connection: &mut PgConnection, question: &str) -> QueryResult<bool> {
    let answer: Answer = sql_query(format!("select {question} as yes")).get_result(connection)?;
    Ok(answer.yes)
}

fn state(connection: &mut PgConnection) -> QueryResult<Option<State>> {
    sql_query("select mode, definition from etl.deidentified").get_result(connection).optional()
}

/// The relations that the copy has.
fn relations(wanted: &Deidentification) -> Vec<Wanted> {
    let (inner, outer) = wanted.secret.pads();
    let functions: String = functions(&wanted.code_systems)
        .into_iter()
        .map(|function| function.signature.to_owned() + &function.body)
        .collect();
    let relation = |shown: &'static DeidentifiedTable| {
        let columns = columns(shown, wanted.timezone);
        let select = select(shown, &columns);
        let mut hash = Sha256::new();
        for part in [wanted.form.name().as_bytes(), &inner, &outer, functions.as_bytes(), select.as_bytes()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        columns.iter().for_each(|column| hash.update(column.comment.as_bytes()));
        // In a new year, others are over 89.
        if wanted.form == Form::Tables && shown.columns.iter().any(|(_, rule)| *rule == Rule::Birth) {
            hash.update(Utc::now().year().to_be_bytes());
        }
        Wanted { shown, columns, select, definition: hex(hash) }
    };
    deidentified_tables().iter().map(relation).collect()
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[derive(QueryableByName)]
struct Statement {
    #[diesel(sql_type = Text)]
    statement: String,
}

/// Drops everything that was made in the schema.
fn clear(connection: &mut PgConnection) -> QueryResult<()> {
    let drops: Vec<Statement> = sql_query(
        "select format('drop %s deidentified.%I', case c.relkind when 'v' then 'view' else 'table' end, c.relname) \
         as statement from pg_class c where c.relnamespace = 'deidentified'::regnamespace and c.relkind in ('v', 'r')",
    )
    .load(connection)?;
    for drop in drops {
        connection.batch_execute(&drop.statement)?;
    }
    connection.batch_execute("delete from etl.deidentified_table")
}

fn create_functions(connection: &mut PgConnection, wanted: &Deidentification) -> QueryResult<()> {
    for function in functions(&wanted.code_systems) {
        let name = format!("etl.{}", function.signature);
        connection.batch_execute(&format!(
            "create or replace function {name} {}; comment on function {name} is {}; \
             revoke all on function {name} from public",
            function.body,
            literal(function.comment)
        ))?;
    }
    Ok(())
}

/// Notes the secret and what the copy is made by.
fn note(connection: &mut PgConnection, wanted: &Deidentification, definition: &str) -> QueryResult<()> {
    let (inner, outer) = wanted.secret.pads();
    sql_query(
        "insert into etl.deidentified (mode, inner_pad, outer_pad, definition) values ($1, $2, $3, $4) \
         on conflict (is_only) do update set mode = excluded.mode, inner_pad = excluded.inner_pad, \
         outer_pad = excluded.outer_pad, definition = excluded.definition, made_at = now()",
    )
    .bind::<Text, _>(wanted.form.name())
    .bind::<Binary, _>(inner)
    .bind::<Binary, _>(outer)
    .bind::<Text, _>(definition)
    .execute(connection)?;
    // Or else the planner takes it for a table of many rows, with which each row is joined.
    connection.batch_execute("analyze etl.deidentified")
}

fn make_views(connection: &mut PgConnection, relations: &[Wanted]) -> QueryResult<Published> {
    // What a view shows may have other columns and types than before.
    clear(connection)?;
    let mut published = Published::default();
    for relation in relations {
        let name = &relation.shown.table.name;
        let path = format!("deidentified.{}", quoted(name));
        connection.batch_execute(&format!(
            "create view {path} with (security_barrier) as {}; {}",
            relation.select,
            comments("view", &path, relation)
        ))?;
        published.made.push(name.clone());
    }
    Ok(published)
}

fn make_tables(connection: &mut PgConnection, relations: &[Wanted]) -> QueryResult<Published> {
    let picture = made::picture(connection)?;
    let mut published = Published::default();
    let mut sources = Vec::new();
    for relation in relations {
        let name = &relation.shown.table.name;
        let source = Source::of(connection, name)?;
        if made::is_unchanged(connection, (name, &relation.definition), &picture, &source)? {
            published.unchanged += 1;
            continue;
        }
        let rows = make_table(connection, relation)?;
        sources.push((name, relation, source, rows));
    }
    // Readers wait for these locks, so they come last.
    for (name, relation, source, rows) in sources {
        put_in_place(connection, relation)?;
        made::note(connection, (name, &relation.definition), &picture, (&source, rows))?;
        published.made.push(name.clone());
    }
    if !published.made.is_empty() {
        connection.batch_execute("update etl.deidentified set made_at = now()")?;
    }
    Ok(published)
}

/// The name of a table until it takes the place of the one before.
fn next_name(name: &str) -> String {
    format!("next {name}")
}

/// The indexes of a table, each with its columns: that of the key, and that of the patient. The
/// first one is no primary key, since no row that somebody sends may keep a copy from being made,
/// and what is hidden of a row can be part of its key.
fn indexes(relation: &Wanted) -> Vec<(String, String)> {
    let table = &relation.shown.table;
    let key: Vec<String> = table.key.iter().map(|key| quoted(key)).collect();
    let mut indexes = vec![(format!("{}_key", table.name), key.join(", "))];
    if relation.shown.patient_column() == Some("patient_id") {
        indexes.push((format!("{}_patient", table.name), "patient_id".to_owned()));
    }
    indexes
}

/// Makes a table beside the one that is there. Returns how many rows it has.
fn make_table(connection: &mut PgConnection, relation: &Wanted) -> QueryResult<i64> {
    let table = &relation.shown.table;
    let path = format!("deidentified.{}", quoted(&next_name(&table.name)));
    let rows = sql_query(format!("create table {path} as {}", relation.select)).execute(connection)?;
    connection.batch_execute(&comments("table", &path, relation))?;
    for (name, columns) in indexes(relation) {
        connection
            .batch_execute(&format!("create index {} on {path} ({columns})", quoted(&next_name(&name))))?;
    }
    Ok(i64::try_from(rows).unwrap_or(i64::MAX))
}

fn put_in_place(connection: &mut PgConnection, relation: &Wanted) -> QueryResult<()> {
    let name = &relation.shown.table.name;
    let mut statements = format!(
        "drop table if exists deidentified.{}; alter table deidentified.{} rename to {};",
        quoted(name),
        quoted(&next_name(name)),
        quoted(name)
    );
    for (index, _) in indexes(relation) {
        let rename =
            format!("alter index deidentified.{} rename to {};", quoted(&next_name(&index)), quoted(&index));
        statements.push_str(&rename);
    }
    connection.batch_execute(&statements)
}

/// The statements that comment a relation and its columns.
fn comments(kind: &str, path: &str, relation: &Wanted) -> String {
    let of_relation = format!("{}, without what identifies people", relation.shown.table.comment);
    let mut statements = format!("comment on {kind} {path} is {};", literal(&of_relation));
    for column in &relation.columns {
        let comment = literal(&column.comment);
        statements.push_str(&format!("comment on column {path}.{} is {comment};", quoted(&column.name)));
    }
    statements
}
