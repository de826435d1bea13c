//! *Researchers*: the people who may read the copy and nothing else, as members of a role.
//! The first database of a server has `researcher`, any further one `researcher_DATABASE`,
//! as it is with [`crate::database::Readers`].

use diesel::{PgConnection, QueryResult};
use serde::Serialize;

use crate::database::Rights;

/// What researchers may use. They cannot use the schema of the functions, so they call
/// them through the views alone.
const MISSING: &str = "\
select format('grant usage on schema deidentified to %I', $1) as statement
 where not has_schema_privilege($1, 'deidentified', 'usage')
union all
select format('grant select on %s to %I', c.oid::regclass, $1)
  from pg_class c
 where c.relnamespace = 'deidentified'::regnamespace and c.relkind in ('r', 'v')
   and aclcontains(c.relacl, makeaclitem((select oid from pg_roles where rolname = $1), c.relowner, 'SELECT', false))
       is not true
   and pg_has_role(c.relowner, 'usage')
union all
select format('grant execute on function %s to %I', p.oid::regprocedure, $1)
  from pg_proc p
 where p.pronamespace = 'etl'::regnamespace
   and (p.proname like 'deidentified\\_%' or p.proname = 'is_published_code_system')
   and not has_function_privilege($1, p.oid, 'execute')";

/// What another role may use here.
const GIVEN: &str = "\
select format('revoke all on schema deidentified from %I', $1) as statement
  from pg_namespace n, aclexplode(n.nspacl) a, pg_roles r
 where n.nspname = 'deidentified' and r.rolname = $1 and a.grantee = r.oid
union
select format('revoke all on %s from %I', c.oid::regclass, $1)
  from pg_class c, aclexplode(c.relacl) a, pg_roles r
 where c.relnamespace = 'deidentified'::regnamespace and r.rolname = $1 and a.grantee = r.oid
union
select format('revoke all on function %s from %I', p.oid::regprocedure, $1)
  from pg_proc p, aclexplode(p.proacl) a, pg_roles r
 where p.pronamespace = 'etl'::regnamespace and r.rolname = $1 and a.grantee = r.oid";

const RIGHTS: Rights =
    Rights { first_role: "researcher", reads: "the de-identified copy", missing: MISSING, given: GIVEN };

/// The role whose members may read the copy of this database.
#[derive(Debug, Serialize)]
pub struct Researchers {
    /// Its name.
    pub role: String,
}

impl Researchers {
    /// Finds the role that is, or will be, this database's.
    pub fn of(connection: &mut PgConnection) -> QueryResult<Researchers> {
        Ok(Researchers { role: RIGHTS.role(connection)? })
    }

    /// Creates the role if there is none, and gives it what rights it lacks. What the user
    /// may not do is logged, with the SQL for somebody who may.
    pub fn ensure(&self, connection: &mut PgConnection) -> QueryResult<()> {
        RIGHTS.ensure(connection, &self.role)
    }
}
