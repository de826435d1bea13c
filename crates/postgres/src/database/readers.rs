//! *Readers*: the people who may read the tables and views. They are the members of a
//! role, which every start makes sure of: a restored dump lacks it, and anybody may
//! have dropped it. In schema `workspace` and the two beside it they may create tables
//! and views of their own.
//!
//! Roles belong to the whole server, so a database has a role that no other database
//! uses. The first one on a server has `analyst`, any further one `analyst_DATABASE`.
//! A database whose tables the members of `analyst` read already keeps it, whatever
//! else they read, until somebody creates `analyst_DATABASE`.
//!
//! Which role it has is noted in the database (`etl.reading_role`), with the cluster and database
//! that it was chosen for. A copy and a restored dump bring the note of another database: they get
//! a role as a new database does, and take the rights of the other one's role back.

use diesel::sql_types::{Array, Bool, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};
use serde::Serialize;

use super::rights::{DATABASES, Rights};

/// What readers may use: schemas and everything in them that can be read. What
/// belongs to somebody else is theirs to give. Usually every table grants them that
/// itself (`aclcontains`), which is quicker to see than whether they have the right by
/// whatever way; only `case` keeps Postgres from asking that first.
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
   and case when aclcontains(c.relacl, makeaclitem((select oid from pg_roles where rolname = $1), c.relowner, 'SELECT', false))
            then false
            else not has_table_privilege($1, c.oid, 'select') and pg_has_role(c.relowner, 'usage') end";

/// What another role may use here. Roles without rights in this database are the usual case, and
/// quickly seen.
const GIVEN: &str = "\
with other as materialized (
    select oid from pg_roles r where rolname = $1 and exists (
        select from pg_shdepend d join pg_database b on b.oid = d.dbid
         where d.refclassid = 'pg_authid'::regclass and d.refobjid = r.oid and b.datname = current_database()))
select format('revoke all on schema %I from %I', n.nspname, $1) as statement
  from pg_namespace n, aclexplode(n.nspacl) a, other r
 where a.grantee = r.oid
   and n.nspname in ('public', 'analytics', 'views', 'etl', 'workspace', 'workspace_omop', 'workspace_tuva')
union
select format('revoke all on %s from %I', c.oid::regclass, $1)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) a, other r
 where a.grantee = r.oid and n.nspname in ('public', 'analytics', 'views', 'etl')
union
select format('alter default privileges for role %I in schema %I revoke all on tables from %I',
              pg_get_userbyid(d.defaclrole), n.nspname, $1)
  from pg_default_acl d join pg_namespace n on n.oid = d.defaclnamespace, aclexplode(d.defaclacl) a, other r
 where a.grantee = r.oid and d.defaclobjtype = 'r'";

const RIGHTS: Rights = Rights { first_role: "analyst", reads: "the tables", missing: MISSING, given: GIVEN };

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
        let role = RIGHTS.role(connection)?;
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
        RIGHTS.ensure(connection, &self.role)
    }
}
