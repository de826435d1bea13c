//! The *rights* of a role that fhirmill makes sure of at every start: a restored dump lacks
//! the role, and anybody may have dropped it.

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Bool, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};
use tracing::{info, warn};

use super::noted_role::NotedRole;

/// How many statements a warning shows.
const MOST_STATEMENTS: usize = 5;

/// The databases in which a role, the first parameter, has rights.
pub(super) const DATABASES: &str = "\
select distinct b.datname::text as database from pg_shdepend d
  join pg_roles r on r.oid = d.refobjid join pg_database b on b.oid = d.dbid
 where d.refclassid = 'pg_authid'::regclass and d.deptype = 'a' and r.rolname = $1";

/// A role, and what its members may do in this database. The first database of a server
/// has the role of that name, any further one a role that no other database uses.
pub(crate) struct Rights {
    /// The role of the first database of a server.
    pub first_role: &'static str,
    /// What its members read, for people.
    pub reads: &'static str,
    /// The statements, as a query, that give a role, the first parameter, what it lacks.
    pub missing: &'static str,
    /// The statements, as a query, that take from a role what it has here.
    pub given: &'static str,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Statement {
    #[diesel(sql_type = Text)]
    statement: String,
}

#[derive(QueryableByName)]
struct Is {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

impl Rights {
    /// The name of this database's role. Names end after 63 bytes.
    pub fn role(&self, connection: &mut PgConnection) -> QueryResult<String> {
        let first = self.first_role;
        let most = 62 - first.len();
        let own = format!(
            "case when octet_length(current_database()) <= {most} then '{first}_' || current_database() \
             else '{first}_' || md5(current_database()) end"
        );
        // What is granted in a copy is no reason to share its readers with the original.
        let here = match NotedRole::of(connection, first)? {
            Some(noted) if !noted.is_here => "false".to_owned(),
            _ => format!("exists (select from ({DATABASES}) d where database = current_database())"),
        };
        let elsewhere = format!("exists (select from ({DATABASES}) d where database <> current_database())");
        let query = format!(
            "select case when exists (select from pg_roles where rolname = {own}) then {own} \
             when {here} or not {elsewhere} then $1 else {own} end as name"
        );
        let found: Name = sql_query(query).bind::<Text, _>(first).get_result(connection)?;
        Ok(found.name)
    }

    /// Creates the role if there is none, and gives it what rights it lacks. What the
    /// user may not do is logged, with the SQL for somebody who may.
    pub fn ensure(&self, connection: &mut PgConnection, role: &str) -> QueryResult<()> {
        let reads = self.reads;
        if !exists(connection, role)? {
            let create = format!("create role {} nologin", quoted(connection, role)?);
            if let Err(error) = connection.batch_execute(&create)
                && !exists(connection, role)?
            {
                warn!(
                    "there is no role {role}, so nobody but the owner can read {reads}, and this user cannot \
                     create it ({error}): as a user who may, run `{create}`; the next start gives it its rights",
                );
                return Ok(());
            }
            info!("created the role {role}, whose members may read {reads}");
        }
        if role != self.first_role {
            execute(connection, self.given, self.first_role)?;
        }
        if let Some(noted) = NotedRole::of(connection, self.first_role)?
            && !noted.is_here
            && noted.role != role
        {
            execute(connection, self.given, &noted.role)?;
        }
        let denied = execute(connection, self.missing, role)?;
        if !denied.is_empty() {
            let rest = denied.len().saturating_sub(MOST_STATEMENTS);
            let rest = if rest > 0 { format!("; and {rest} more") } else { String::new() };
            warn!(
                "the members of {role} cannot read everything, and this user cannot change that: as the owner, run \
                 `{}`{rest}",
                denied.iter().take(MOST_STATEMENTS).map(String::as_str).collect::<Vec<_>>().join("; ")
            );
        }
        NotedRole::note(connection, self.first_role, role)
    }
}

fn exists(connection: &mut PgConnection, role: &str) -> QueryResult<bool> {
    let found: Is = sql_query("select exists (select from pg_roles where rolname = $1) as yes")
        .bind::<Text, _>(role)
        .get_result(connection)?;
    Ok(found.yes)
}

fn quoted(connection: &mut PgConnection, role: &str) -> QueryResult<String> {
    let found: Name =
        sql_query("select quote_ident($1) as name").bind::<Text, _>(role).get_result(connection)?;
    Ok(found.name)
}

/// Executes the statements that a query makes for a role; returns those that failed. They run in
/// one transaction, since there may be hundreds; only if one of them fails does each run by itself.
fn execute(connection: &mut PgConnection, query: &str, role: &str) -> QueryResult<Vec<String>> {
    let statements: Vec<Statement> = sql_query(query).bind::<Text, _>(role).load(connection)?;
    let mut failed = Vec::new();
    let texts: Vec<&str> = statements.iter().map(|Statement { statement }| statement.as_str()).collect();
    // Postgres executes a text of several statements as one transaction.
    if texts.is_empty() || connection.batch_execute(&texts.join(";\n")).is_ok() {
        return Ok(failed);
    }
    for Statement { statement } in statements {
        if connection.batch_execute(&statement).is_err() {
            failed.push(statement);
        }
    }
    Ok(failed)
}
