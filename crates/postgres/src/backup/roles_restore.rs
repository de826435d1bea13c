//! *Restores* roles: those that the server lacks are created, and nobody's password or rights
//! elsewhere are changed. Readers of another database of the server do not become readers of this one.

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Bool, Nullable, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};

use super::roles::{Membership, Role, Roles};
use crate::database::Readers;
use crate::deidentified::Researchers;

/// The role that owned the tables, if the database that is restored into belongs to another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Former {
    /// The same role owns them again.
    Same,
    /// Another role does; this one is on the server, too.
    There,
    /// Another role does; this one is not on the server.
    Gone,
}

/// What came of the roles.
#[derive(Debug, Default)]
pub struct RestoredRoles {
    /// Those that were created.
    pub created: Vec<String>,
    /// What was not done, for people.
    pub warnings: Vec<String>,
    /// Roles that could not be created, with the SQL for somebody who may.
    pub missing: Vec<String>,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

#[derive(QueryableByName)]
struct Facts {
    #[diesel(sql_type = Text)]
    user: String,
    #[diesel(sql_type = Bool)]
    has_owner: bool,
}

const CREATE: &str = "\
select format('create role %I %s', $1, case when $2 then 'login' else 'nologin' end)
       || case when $3 then '' else ' noinherit' end
       || case when $4 >= 0 then ' connection limit ' || $4 else '' end
       || case when $5 is null then '' else format(' valid until %L', $5) end as text";

impl Roles {
    /// How the role that owned the tables stands to this server.
    pub fn former(&self, connection: &mut PgConnection) -> QueryResult<Former> {
        let facts: Facts = sql_query(
            "select current_user::text as user, exists (select from pg_roles where rolname = $1) as has_owner",
        )
        .bind::<Text, _>(&self.owner)
        .get_result(connection)?;
        Ok(match (facts.user == self.owner, facts.has_owner) {
            (true, _) => Former::Same,
            (false, true) => Former::There,
            (false, false) => Former::Gone,
        })
    }

    /// Creates the roles that the server lacks.
    pub fn create(&self, connection: &mut PgConnection) -> QueryResult<RestoredRoles> {
        let mut restored = RestoredRoles::default();
        for role in &self.roles {
            if exists(connection, &role.name)? {
                continue;
            }
            let create = create_statement(connection, role)?;
            let password = match &role.verifier {
                Some(verifier) => format!(" password {}", literal(connection, verifier)?),
                None => String::new(),
            };
            match connection.batch_execute(&format!("{create}{password}")) {
                Ok(()) => restored.created.push(role.name.clone()),
                Err(_) if exists(connection, &role.name)? => {}
                Err(_) => {
                    restored.missing.push(create);
                    continue;
                }
            }
            if let Some(comment) = &role.comment {
                let comment = format!(
                    "comment on role {} is {}",
                    identifier(connection, &role.name)?,
                    literal(connection, comment)?
                );
                let _ = connection.batch_execute(&comment);
            }
            if !role.server_rights.is_empty() {
                restored
                    .warnings
                    .push(format!("role {} had {}, which it has not now", role.name, role.server_rights));
            }
        }
        Ok(restored)
    }

    /// Gives the roles of the readers of this database, which may have other names than in the backup,
    /// their rights.
    pub fn ensure_readers(&self, connection: &mut PgConnection) -> QueryResult<()> {
        Readers::of(connection)?.ensure(connection)?;
        let has_copy = "select '' as user, to_regnamespace('deidentified') is not null \
             and exists (select from pg_class where relnamespace = to_regnamespace('deidentified')) as has_owner";
        let found: Facts = sql_query(has_copy).get_result(connection)?;
        if found.has_owner { Researchers::of(connection)?.ensure(connection) } else { Ok(()) }
    }

    /// Makes members of roles again. The readers of the backup become readers of this database,
    /// whose role may have another name here.
    pub fn add_members(&self, connection: &mut PgConnection, warnings: &mut Vec<String>) -> QueryResult<()> {
        let readers = Readers::of(connection)?.role;
        let researchers = Researchers::of(connection)?.role;
        for Membership { role, member, is_admin } in &self.memberships {
            let role = match role {
                role if *role == self.readers => &readers,
                role if *role == self.researchers => &researchers,
                role => role,
            };
            let grant = format!(
                "grant {} to {}{}",
                identifier(connection, role)?,
                identifier(connection, member)?,
                if *is_admin { " with admin option" } else { "" }
            );
            if !is_member(connection, member, role)? && connection.batch_execute(&grant).is_err() {
                warnings.push(format!("as a user who may, run `{grant}`"));
            }
        }
        Ok(())
    }

    /// Gives what belonged to others to them again, and the database its rights and settings.
    pub fn give(&self, connection: &mut PgConnection, warnings: &mut Vec<String>) -> QueryResult<()> {
        let mut statements = Vec::new();
        for ownership in &self.ownerships {
            if ownership.owner == self.owner {
                continue;
            }
            let owner = identifier(connection, &ownership.owner)?;
            statements.push(format!("alter {} owner to {owner}", ownership.object));
        }
        let database = database(connection)?;
        if let Some(privileges) = &self.privileges {
            statements.push(format!("revoke all on database {database} from public"));
            for privilege in privileges {
                let grantee = match &privilege.grantee {
                    Some(role) => identifier(connection, role)?,
                    None => "public".to_owned(),
                };
                statements.push(format!("grant {} on database {database} to {grantee}", privilege.privilege));
            }
        }
        for setting in &self.settings {
            let value = literal(connection, &setting.value)?;
            let name = identifier(connection, &setting.name)?;
            statements.push(match &setting.role {
                Some(role) => {
                    let role = identifier(connection, role)?;
                    format!("alter role {role} in database {database} set {name} = {value}")
                }
                None => format!("alter database {database} set {name} = {value}"),
            });
        }
        for statement in statements {
            if connection.batch_execute(&statement).is_err() {
                warnings.push(format!("as a user who may, run `{statement}`"));
            }
        }
        Ok(())
    }

    /// Lets this user give things to those whose they are, which takes being a member of their
    /// roles. Returns what takes it back.
    pub fn become_members(&self, connection: &mut PgConnection) -> QueryResult<Vec<String>> {
        let mut takes_back = Vec::new();
        let mut owners: Vec<&str> =
            self.ownerships.iter().map(|ownership| ownership.owner.as_str()).collect();
        owners.sort_unstable();
        owners.dedup();
        for owner in owners {
            let user = current_user(connection)?;
            if !exists(connection, owner)? || is_member(connection, &user, owner)? {
                continue;
            }
            let (role, user) = (identifier(connection, owner)?, identifier(connection, &user)?);
            if connection.batch_execute(&format!("grant {role} to {user}")).is_ok() {
                takes_back.push(format!("revoke {role} from {user}"));
            }
        }
        Ok(takes_back)
    }
}

fn create_statement(connection: &mut PgConnection, role: &Role) -> QueryResult<String> {
    let line: Line = sql_query(CREATE)
        .bind::<Text, _>(&role.name)
        .bind::<Bool, _>(role.login)
        .bind::<Bool, _>(role.inherit)
        .bind::<diesel::sql_types::Integer, _>(role.connection_limit)
        .bind::<Nullable<Text>, _>(role.valid_until.as_deref())
        .get_result(connection)?;
    Ok(line.text)
}

fn exists(connection: &mut PgConnection, role: &str) -> QueryResult<bool> {
    let facts: Facts = sql_query(
        "select current_user::text as user, exists (select from pg_roles where rolname = $1) as has_owner",
    )
    .bind::<Text, _>(role)
    .get_result(connection)?;
    Ok(facts.has_owner)
}

/// Whether the member is one by itself, not because a superuser is a member of everything.
fn is_member(connection: &mut PgConnection, member: &str, role: &str) -> QueryResult<bool> {
    let facts: Facts = sql_query(
        "select '' as user, exists (select from pg_auth_members m join pg_roles r on r.oid = m.roleid \
         join pg_roles p on p.oid = m.member where r.rolname = $2 and p.rolname = $1) \
         or exists (select from pg_roles where rolname = $1 and rolsuper) as has_owner",
    )
    .bind::<Text, _>(member)
    .bind::<Text, _>(role)
    .get_result(connection)?;
    Ok(facts.has_owner)
}

fn text(connection: &mut PgConnection, query: &str, value: &str) -> QueryResult<String> {
    let line: Line = sql_query(query).bind::<Text, _>(value).get_result(connection)?;
    Ok(line.text)
}

fn identifier(connection: &mut PgConnection, name: &str) -> QueryResult<String> {
    text(connection, "select quote_ident($1) as text", name)
}

fn literal(connection: &mut PgConnection, value: &str) -> QueryResult<String> {
    text(connection, "select quote_literal($1) as text", value)
}

fn current_user(connection: &mut PgConnection) -> QueryResult<String> {
    text(connection, "select current_user || left($1, 0) as text", "")
}

fn database(connection: &mut PgConnection) -> QueryResult<String> {
    text(connection, "select quote_ident(current_database()) || left($1, 0) as text", "")
}
