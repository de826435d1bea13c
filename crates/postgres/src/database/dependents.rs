//! *Dependents*: what others have built on fhirmill's tables and views, such as an
//! analyst's views, materialized views and functions, in any schema, of any owner.
//!
//! Postgres refuses to drop what they depend on. Migrations therefore replace views in
//! place, which touches no dependent. Where one has to drop a view, the dependents are
//! dropped and created again around it, in the migration's transaction, with owners,
//! rights, comments, indexes and triggers. Tables that have a view's row type in a
//! column cannot be; they are only named.

use diesel::result::Error;
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query, sql_types};

/// One object that depends on fhirmill's tables or views, or on another dependent.
#[derive(Debug, QueryableByName)]
pub(super) struct Dependent {
    /// What it is and what it is called, with its owner: for people.
    #[diesel(sql_type = sql_types::Text)]
    pub name: String,
    /// The statement that drops it; null if it must not be dropped.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    drop: Option<String>,
    /// The statements that create it again.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    create: Option<String>,
}

/// All dependents, each after those that it depends on. Ours are the tables of
/// `public`, all of `etl`, and the commented views of `analytics`: everything that
/// migrations create has a comment.
const FIND: &str = include_str!("dependents.sql");

/// The dependents of everything that fhirmill has in the database, in an order in
/// which they can be created.
pub(super) fn find(connection: &mut PgConnection) -> Result<Vec<Dependent>, Error> {
    sql_query(FIND).load(connection)
}

/// Drops the dependents, those that depend on others first.
pub(super) fn drop_all(connection: &mut PgConnection, dependents: &[Dependent]) -> Result<(), Error> {
    for statement in dependents.iter().rev().filter_map(|dependent| dependent.drop.as_ref()) {
        sql_query(statement).execute(connection)?;
    }
    Ok(())
}

/// Creates the dependents again. Fails with the one that does not fit the new views.
pub(super) fn create_all<'d>(
    connection: &mut PgConnection,
    dependents: &'d [Dependent],
) -> Result<(), (&'d Dependent, Error)> {
    use diesel::connection::SimpleConnection;
    for dependent in dependents {
        if let Some(create) = &dependent.create {
            connection.batch_execute(create).map_err(|error| (dependent, error))?;
        }
    }
    Ok(())
}
