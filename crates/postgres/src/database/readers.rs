//! *Readers*: the people who may read the tables and views. They are the members of a
//! role, which every start makes sure of: a restored dump lacks it, and anybody may
//! have dropped it. In schema `workspace` and the two beside it they may create tables
//! and views of their own.
//!
//! Roles belong to the whole server, so a database has a role that no other database
//! uses. The first one on a server has `analyst`, any further one `analyst_DATABASE`.
//! A database whose tables the members of `analyst` read already keeps it, whatever
//! else they read, until somebody creates `analyst_DATABASE`.

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Array, Bool, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};
use serde::Serialize;
use tracing::{info, warn};

/// The role of the first database of a server.
const FIRST_ROLE: &str = "analyst";

/// How many statements a warning shows.
const MOST_STATEMENTS: usize = 5;

/// The role of this database alone. Names end after 63 bytes.
const OWN_ROLE: &str = "case when octet_length(current_database()) <= 55 \
     then 'analyst_' || current_database() else 'analyst_' || md5(current_database()) end";

/// The databases in which a role, the first parameter, has rights.
const DATABASES: &str = "\
select distinct b.datname::text as database from pg_shdepend d
  join pg_roles r on r.oid = d.refobjid join pg_database b on b.oid = d.dbid
 where d.refclassid = 'pg_authid'::regclass and d.deptype = 'a' and r.rolname = $1";

/// What readers may use: schemas and everything in them that can be read. What
/// belongs to somebody else is theirs to give. Usually every table grants them that
/// itself (`aclcontains`), which is quicker to see than whether they have the right by
/// whatever way.
const MISSING: &str = "\
select format('grant usage on schema %I to %I', n.nspname, $1) as statement
  from pg_namespace n
 where n.nspname in ('public', 'analytics', 'views') and not has_schema_privilege($1, n.oid, 'usage')
union all
select format('grant usage, create on schema %I to %I', n.nspname, $1)
  from pg_namespace n
 where n.nspname in ('workspace', 'workspace_omop', 'workspace_tuva') and pg_has_role(n.nspowner, 'usage')
   and not (has_schema_privilege($1, n.oid, 'usage') and has_schema_privilege($1, n.oid, 'create'))
union all
select format('grant select on %s to %I', c.oid::regclass, $1)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname in ('public', 'analytics', 'views') and c.relkind in ('r', 'v', 'm', 'p')
   and aclcontains(c.relacl, makeaclitem((select oid from pg_roles where rolname = $1), c.relowner, 'SELECT', false))
       is not true
   and not has_table_privilege($1, c.oid, 'select') and pg_has_role(c.relowner, 'usage')";

/// What another role may use here.
const GIVEN: &str = "\
select format('revoke all on schema %I from %I', n.nspname, $1) as statement
  from pg_namespace n, aclexplode(n.nspacl) a, pg_roles r
 where r.rolname = $1 and a.grantee = r.oid
   and n.nspname in ('public', 'analytics', 'views', 'etl', 'workspace', 'workspace_omop', 'workspace_tuva')
union
select format('revoke all on %s from %I', c.oid::regclass, $1)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) a, pg_roles r
 where r.rolname = $1 and a.grantee = r.oid and n.nspname in ('public', 'analytics', 'views', 'etl')
union
select format('alter default privileges for role %I in schema %I revoke all on tables from %I',
              pg_get_userbyid(d.defaclrole), n.nspname, $1)
  from pg_default_acl d join pg_namespace n on n.oid = d.defaclnamespace, aclexplode(d.defaclacl) a, pg_roles r
 where r.rolname = $1 and a.grantee = r.oid and d.defaclobjtype = 'r'";

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

/// The role whose members may read this database.
#[derive(Debug, QueryableByName, Serialize)]
pub struct Readers {
    /// Its name.
    #[diesel(sql_type = Text)]
    pub role: String,
    /// Whether it exists.
    #[diesel(sql_type = Bool)]
    pub exists: bool,
    /// Other databases of the server that its members read.
    #[diesel(sql_type = Array<Text>)]
    pub other_databases: Vec<String>,
}

impl Readers {
    /// Finds the role that is, or will be, this database's.
    pub fn of(connection: &mut PgConnection) -> QueryResult<Readers> {
        let role = role(connection)?;
        sql_query(format!(
            "select $1 as role, exists (select from pg_roles where rolname = $1) as exists, \
             array(select database from ({DATABASES}) d where database <> current_database() order by 1) \
             as other_databases"
        ))
        .bind::<Text, _>(role)
        .get_result(connection)
    }

    /// Creates the role if there is none, and gives it what rights it lacks. What the
    /// user may not do is logged, with the SQL for somebody who may.
    pub fn ensure(&self, connection: &mut PgConnection) -> QueryResult<()> {
        if !self.exists {
            let create = format!("create role {} nologin", quoted(connection, &self.role)?);
            if let Err(error) = connection.batch_execute(&create)
                && !has_role(connection, &self.role)?
            {
                warn!(
                    "there is no role {}, so nobody but the owner can read the tables, and this user cannot \
                     create it ({error}): as a user who may, run `{create}`; the next start gives it its rights",
                    self.role
                );
                return Ok(());
            }
            info!("created the role {}, whose members may read the tables", self.role);
        }
        if self.role != FIRST_ROLE {
            execute(connection, GIVEN, FIRST_ROLE)?;
        }
        let denied = execute(connection, MISSING, &self.role)?;
        if !denied.is_empty() {
            let rest = denied.len().saturating_sub(MOST_STATEMENTS);
            let rest = if rest > 0 { format!("; and {rest} more") } else { String::new() };
            warn!(
                "the members of {} cannot read everything, and this user cannot change that: as the owner, run \
                 `{}`{rest}",
                self.role,
                denied.iter().take(MOST_STATEMENTS).map(String::as_str).collect::<Vec<_>>().join("; ")
            );
        }
        Ok(())
    }
}

/// The name of this database's role.
fn role(connection: &mut PgConnection) -> QueryResult<String> {
    let here = format!("exists (select from ({DATABASES}) d where database = current_database())");
    let elsewhere = format!("exists (select from ({DATABASES}) d where database <> current_database())");
    let query = format!(
        "select case when exists (select from pg_roles where rolname = {OWN_ROLE}) then {OWN_ROLE} \
         when {here} or not {elsewhere} then $1 else {OWN_ROLE} end as name"
    );
    let found: Name = sql_query(query).bind::<Text, _>(FIRST_ROLE).get_result(connection)?;
    Ok(found.name)
}

fn has_role(connection: &mut PgConnection, role: &str) -> QueryResult<bool> {
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

/// Executes the statements that a query makes for a role; returns those that failed.
fn execute(connection: &mut PgConnection, query: &str, role: &str) -> QueryResult<Vec<String>> {
    let statements: Vec<Statement> = sql_query(query).bind::<Text, _>(role).load(connection)?;
    let mut failed = Vec::new();
    for Statement { statement } in statements {
        if connection.batch_execute(&statement).is_err() {
            failed.push(statement);
        }
    }
    Ok(failed)
}
