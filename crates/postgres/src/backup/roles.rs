//! The *roles* that have something to do with a database, which a dump of it lacks: owners and
//! grantees of what is in it, the members of these, and what is set for them and for the database
//! as a whole.

use diesel::sql_types::{Bool, Integer, Nullable, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};
use serde::{Deserialize, Serialize};

use crate::database::Readers;
use crate::deidentified::Researchers;

/// See the module.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Roles {
    /// The role that the backup was taken as, which owns fhirmill's tables.
    pub owner: String,
    /// The role of the readers.
    pub readers: String,
    /// The role of those who read the de-identified copy.
    pub researchers: String,
    /// All others.
    pub roles: Vec<Role>,
    /// Who is a member of what.
    pub memberships: Vec<Membership>,
    /// What belongs to others than the owner.
    pub ownerships: Vec<Ownership>,
    /// Who may do what with the database as a whole; none if nobody has changed it.
    pub privileges: Option<Vec<Privilege>>,
    /// What is set for the database, or for a role in it.
    pub settings: Vec<DatabaseSetting>,
}

/// A role.
#[derive(Clone, Debug, Deserialize, QueryableByName, Serialize)]
pub struct Role {
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Whether it may log in.
    #[diesel(sql_type = Bool)]
    pub login: bool,
    /// Whether it has the rights of the roles that it is a member of.
    #[diesel(sql_type = Bool)]
    pub inherit: bool,
    /// How many connections it may have; -1 for any number.
    #[diesel(sql_type = Integer)]
    pub connection_limit: i32,
    /// How long its password is good.
    #[diesel(sql_type = Nullable<Text>)]
    pub valid_until: Option<String>,
    /// What its password is verified with, if the backup was taken by a superuser.
    #[diesel(sql_type = Nullable<Text>)]
    pub verifier: Option<String>,
    /// What it is for.
    #[diesel(sql_type = Nullable<Text>)]
    pub comment: Option<String>,
    /// Rights on the whole server, which a restore does not give again.
    #[diesel(sql_type = Text)]
    pub server_rights: String,
}

/// A member of a role.
#[derive(Clone, Debug, Deserialize, QueryableByName, Serialize)]
pub struct Membership {
    /// The role.
    #[diesel(sql_type = Text)]
    pub role: String,
    /// Its member.
    #[diesel(sql_type = Text)]
    pub member: String,
    /// Whether the member may make others members.
    #[diesel(sql_type = Bool)]
    pub is_admin: bool,
}

/// Something that belongs to somebody else than fhirmill's user.
#[derive(Clone, Debug, Deserialize, QueryableByName, Serialize)]
pub struct Ownership {
    /// `table workspace.mine`, as `alter … owner to` names it.
    #[diesel(sql_type = Text)]
    pub object: String,
    /// Whose it is.
    #[diesel(sql_type = Text)]
    pub owner: String,
}

/// A right on the database as a whole.
#[derive(Clone, Debug, Deserialize, QueryableByName, Serialize)]
pub struct Privilege {
    /// Whose; none for everybody.
    #[diesel(sql_type = Nullable<Text>)]
    pub grantee: Option<String>,
    /// `CONNECT`, `CREATE` or `TEMPORARY`.
    #[diesel(sql_type = Text)]
    pub privilege: String,
}

/// A setting of the database, for everybody or for one role.
#[derive(Clone, Debug, Deserialize, QueryableByName, Serialize)]
pub struct DatabaseSetting {
    /// For whom; none for everybody.
    #[diesel(sql_type = Nullable<Text>)]
    pub role: Option<String>,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Its value.
    #[diesel(sql_type = Text)]
    pub value: String,
}

/// The roles: who owns or may use something here, or has a setting here; the members of these, and
/// theirs. The owner and roles of Postgres itself are not among them.
const CONCERNED: &str = "\
with recursive concerned (oid) as (
  select d.refobjid from pg_shdepend d
   where d.refclassid = 'pg_authid'::regclass
     and (d.dbid = (select oid from pg_database where datname = current_database())
      or d.classid = 'pg_database'::regclass and d.objid = (select oid from pg_database where datname = current_database()))
  union
  select s.setrole from pg_db_role_setting s
   where s.setdatabase = (select oid from pg_database where datname = current_database())
  union
  select r.oid from pg_roles r where r.rolname = $1
  union
  select m.member from pg_auth_members m join concerned c on c.oid = m.roleid)
, named as (
  select r.* from pg_roles r join concerned c on c.oid = r.oid
   where r.rolname <> current_user and r.rolname !~ '^pg_' and r.oid <> 10)";

const ROLES: &str = "\
select n.rolname::text as name, n.rolcanlogin as login, n.rolinherit as inherit,
       n.rolconnlimit as connection_limit, n.rolvaliduntil::text as valid_until,
       null::text as verifier, shobj_description(n.oid, 'pg_authid') as comment,
       concat_ws(', ', case when n.rolsuper then 'superuser' end, case when n.rolcreaterole then 'createrole' end,
         case when n.rolcreatedb then 'createdb' end, case when n.rolreplication then 'replication' end,
         case when n.rolbypassrls then 'bypassrls' end) as server_rights
  from named n order by 1";

/// Of roles that are named here, or that Postgres has on every server.
const MEMBERSHIPS: &str = "\
select g.rolname::text as role, n.rolname::text as member, bool_or(m.admin_option) as is_admin
  from pg_auth_members m join named n on n.oid = m.member join pg_roles g on g.oid = m.roleid
 where g.oid in (select oid from named) or g.rolname ~ '^pg_'
 group by 1, 2 order by 1, 2";

const VERIFIERS: &str =
    "select rolname::text as name, rolpassword as verifier from pg_authid where rolpassword is not null";

/// Columns, indexes, sequences of columns and types of tables follow their tables.
const OWNERSHIPS: &str = "\
select format('schema %I', n.nspname) as object, r.rolname::text as owner
  from pg_namespace n join pg_roles r on r.oid = n.nspowner
 where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'public') and r.rolname <> current_user
union all
select format('%s %s', case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
                when 'f' then 'foreign table' else 'table' end, c.oid::regclass), r.rolname
  from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_roles r on r.oid = c.relowner
 where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and r.rolname <> current_user
   and (c.relkind in ('r', 'p', 'v', 'm', 'f') or c.relkind = 'S' and not exists (
     select from pg_depend d where d.objid = c.oid and d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')))
union all
select format('%s %s', case p.prokind when 'a' then 'aggregate' when 'p' then 'procedure' else 'function' end,
              p.oid::regprocedure), r.rolname
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_roles r on r.oid = p.proowner
 where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and r.rolname <> current_user
union all
select format('type %s', t.oid::regtype), r.rolname
  from pg_type t join pg_namespace n on n.oid = t.typnamespace join pg_roles r on r.oid = t.typowner
 where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and r.rolname <> current_user
   and (t.typtype in ('e', 'd', 'r') or t.typtype = 'c' and exists (
     select from pg_class c where c.oid = t.typrelid and c.relkind = 'c'))
order by 1";

const PRIVILEGES: &str = "\
select r.rolname::text as grantee, a.privilege_type as privilege
  from pg_database d cross join aclexplode(d.datacl) a left join pg_roles r on r.oid = a.grantee
 where d.datname = current_database() and a.grantee <> d.datdba order by 1, 2";

const SETTINGS: &str = "\
select r.rolname::text as role, split_part(c.config, '=', 1) as name,
       substr(c.config, strpos(c.config, '=') + 1) as value
  from pg_db_role_setting s cross join unnest(s.setconfig) as c (config) left join pg_roles r on r.oid = s.setrole
 where s.setdatabase = (select oid from pg_database where datname = current_database()) order by 1, 2";

#[derive(QueryableByName)]
struct Facts {
    #[diesel(sql_type = Text)]
    owner: String,
    #[diesel(sql_type = Bool)]
    has_privileges: bool,
    #[diesel(sql_type = Bool)]
    sees_verifiers: bool,
}

const FACTS: &str = "\
select current_user::text as owner, d.datacl is not null as has_privileges,
       has_table_privilege('pg_authid', 'select') as sees_verifiers
  from pg_database d where d.datname = current_database()";

#[derive(QueryableByName)]
struct Verifier {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    verifier: String,
}

impl Roles {
    /// Those of the database.
    pub fn of(connection: &mut PgConnection) -> QueryResult<Roles> {
        let readers = Readers::of(connection)?.role;
        let researchers = Researchers::of(connection)?.role;
        let facts: Facts = sql_query(FACTS).get_result(connection)?;
        let mut roles: Vec<Role> =
            sql_query(format!("{CONCERNED} {ROLES}")).bind::<Text, _>(&readers).load(connection)?;
        if facts.sees_verifiers {
            let verifiers: Vec<Verifier> = sql_query(VERIFIERS).load(connection)?;
            for role in &mut roles {
                let found = verifiers.iter().find(|verifier| verifier.name == role.name);
                role.verifier = found.map(|found| found.verifier.clone());
            }
        }
        let memberships =
            sql_query(format!("{CONCERNED} {MEMBERSHIPS}")).bind::<Text, _>(&readers).load(connection)?;
        let privileges = match facts.has_privileges {
            true => Some(sql_query(PRIVILEGES).load(connection)?),
            false => None,
        };
        Ok(Roles {
            owner: facts.owner,
            readers,
            researchers,
            roles,
            memberships,
            ownerships: sql_query(OWNERSHIPS).load(connection)?,
            privileges,
            settings: sql_query(SETTINGS).load(connection)?,
        })
    }
}
