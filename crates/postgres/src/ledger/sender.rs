//! *Senders*: the systems that may push data over the network, and what they prove
//! their identity with.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Binary, Integer, Nullable, SmallInt, Text, Timestamptz};

/// A sender. Its secrets are hashed or encrypted.
#[derive(Clone, Debug, QueryableByName)]
pub struct Sender {
    /// Its number.
    #[diesel(sql_type = Integer)]
    pub id: i32,
    /// Its name, which is also its OAuth client id.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// The source that it pushes data of: the name of its folder in the inbox.
    #[diesel(sql_type = Text)]
    pub source: String,
    /// What it may do.
    #[diesel(sql_type = Array<Text>)]
    pub scopes: Vec<String>,
    /// Argon2 hash of its client secret.
    #[diesel(sql_type = Text)]
    pub client_secret_hash: String,
    /// Its personal key, encrypted.
    #[diesel(sql_type = Binary)]
    pub personal_key: Vec<u8>,
    /// The name of its S3 key.
    #[diesel(sql_type = Text)]
    pub access_key_id: String,
    /// Its S3 secret, encrypted.
    #[diesel(sql_type = Binary)]
    pub secret_access_key: Vec<u8>,
    /// The URL of its public keys.
    #[diesel(sql_type = Nullable<Text>)]
    pub jwks_url: Option<String>,
    /// Its public keys, as a JSON Web Key Set.
    #[diesel(sql_type = Nullable<Text>)]
    pub jwks: Option<String>,
    /// The most uploads that it may have open.
    #[diesel(sql_type = Integer)]
    pub max_open_uploads: i32,
    /// The most bytes that its open uploads may hold together.
    #[diesel(sql_type = BigInt)]
    pub max_open_bytes: i64,
    /// When it was added.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When its secrets were last replaced.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub rotated_at: Option<DateTime<Utc>>,
    /// When it was disabled.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub disabled_at: Option<DateTime<Utc>>,
}

/// The secrets of a sender, as they are kept.
#[derive(Clone, Debug)]
pub struct KeptSecrets {
    /// Argon2 hash of the client secret.
    pub client_secret_hash: String,
    /// The personal key, encrypted.
    pub personal_key: Vec<u8>,
    /// The name of the S3 key.
    pub access_key_id: String,
    /// The S3 secret, encrypted.
    pub secret_access_key: Vec<u8>,
}

/// A sender that is to be added.
#[derive(Clone, Debug)]
pub struct NewSender<'s> {
    /// Its name.
    pub name: &'s str,
    /// The source that it pushes data of.
    pub source: &'s str,
    /// What it may do.
    pub scopes: &'s [String],
    /// The URL of its public keys.
    pub jwks_url: Option<&'s str>,
    /// Its public keys.
    pub jwks: Option<&'s str>,
    /// The most uploads that it may have open.
    pub max_open_uploads: i32,
    /// The most bytes that its open uploads may hold together.
    pub max_open_bytes: i64,
}

const COLUMNS: &str = "\
s.id, s.name, o.code as source, s.scopes, s.client_secret_hash, s.personal_key, s.access_key_id, \
s.secret_access_key, s.jwks_url, s.jwks, s.max_open_uploads, s.max_open_bytes, s.created_at, s.rotated_at, \
s.disabled_at";
const FROM: &str = "etl.sender s join etl.source o on o.id = s.source_id";

impl Sender {
    /// All senders, by name.
    pub fn list(connection: &mut PgConnection) -> QueryResult<Vec<Sender>> {
        sql_query(format!("select {COLUMNS} from {FROM} order by s.name")).load(connection)
    }

    /// The sender of that name that is not disabled.
    pub fn by_name(connection: &mut PgConnection, name: &str) -> QueryResult<Option<Sender>> {
        sql_query(format!("select {COLUMNS} from {FROM} where s.name = $1 and s.disabled_at is null"))
            .bind::<Text, _>(name)
            .get_result(connection)
            .optional()
    }

    /// The sender with that S3 key that is not disabled.
    pub fn by_access_key(connection: &mut PgConnection, access_key_id: &str) -> QueryResult<Option<Sender>> {
        sql_query(format!(
            "select {COLUMNS} from {FROM} where s.access_key_id = $1 and s.disabled_at is null"
        ))
        .bind::<Text, _>(access_key_id)
        .get_result(connection)
        .optional()
    }

    /// Adds a sender, and its source if there is none of that name. False if there is
    /// a sender of that name.
    pub fn add(
        connection: &mut PgConnection,
        sender: &NewSender<'_>,
        secrets: &KeptSecrets,
    ) -> QueryResult<bool> {
        connection.transaction(|connection| {
            sql_query("insert into etl.source (code) values ($1) on conflict (code) do nothing")
                .bind::<Text, _>(sender.source)
                .execute(connection)?;
            let added = sql_query(
                "insert into etl.sender (name, source_id, scopes, client_secret_hash, personal_key, access_key_id, \
                 secret_access_key, jwks_url, jwks, max_open_uploads, max_open_bytes) \
                 select $1, id, $3, $4, $5, $6, $7, $8, $9, $10, $11 from etl.source where code = $2 \
                 on conflict (name) do nothing",
            )
            .bind::<Text, _>(sender.name)
            .bind::<Text, _>(sender.source)
            .bind::<Array<Text>, _>(sender.scopes)
            .bind::<Text, _>(&secrets.client_secret_hash)
            .bind::<Binary, _>(&secrets.personal_key)
            .bind::<Text, _>(&secrets.access_key_id)
            .bind::<Binary, _>(&secrets.secret_access_key)
            .bind::<Nullable<Text>, _>(sender.jwks_url)
            .bind::<Nullable<Text>, _>(sender.jwks)
            .bind::<Integer, _>(sender.max_open_uploads)
            .bind::<BigInt, _>(sender.max_open_bytes)
            .execute(connection)?;
            Ok(added > 0)
        })
    }

    /// Replaces the secrets of a sender and ends its tokens. False if there is none of
    /// that name.
    pub fn rotate(connection: &mut PgConnection, name: &str, secrets: &KeptSecrets) -> QueryResult<bool> {
        connection.transaction(|connection| {
            let changed = sql_query(
                "update etl.sender set client_secret_hash = $2, personal_key = $3, access_key_id = $4, \
                 secret_access_key = $5, rotated_at = now() where name = $1",
            )
            .bind::<Text, _>(name)
            .bind::<Text, _>(&secrets.client_secret_hash)
            .bind::<Binary, _>(&secrets.personal_key)
            .bind::<Text, _>(&secrets.access_key_id)
            .bind::<Binary, _>(&secrets.secret_access_key)
            .execute(connection)?;
            end_tokens(connection, name)?;
            Ok(changed > 0)
        })
    }

    /// Disables a sender and ends its tokens. False if there is none of that name.
    pub fn disable(connection: &mut PgConnection, name: &str) -> QueryResult<bool> {
        connection.transaction(|connection| {
            let changed =
                sql_query("update etl.sender set disabled_at = coalesce(disabled_at, now()) where name = $1")
                    .bind::<Text, _>(name)
                    .execute(connection)?;
            end_tokens(connection, name)?;
            Ok(changed > 0)
        })
    }
}

fn end_tokens(connection: &mut PgConnection, name: &str) -> QueryResult<usize> {
    sql_query("delete from etl.access_token where sender_id = (select id from etl.sender where name = $1)")
        .bind::<Text, _>(name)
        .execute(connection)
}

/// Who bears an access token, and what the bearer may do.
#[derive(Clone, Debug, QueryableByName)]
pub struct Bearer {
    /// The sender's number.
    #[diesel(sql_type = Integer)]
    pub sender_id: i32,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// The number of its source.
    #[diesel(sql_type = SmallInt)]
    pub source_id: i16,
    /// The name of its source's folder in the inbox.
    #[diesel(sql_type = Text)]
    pub source: String,
    /// What the bearer may do.
    #[diesel(sql_type = Array<Text>)]
    pub scopes: Vec<String>,
    /// The most uploads that the sender may have open.
    #[diesel(sql_type = Integer)]
    pub max_open_uploads: i32,
    /// The most bytes that its open uploads may hold together.
    #[diesel(sql_type = BigInt)]
    pub max_open_bytes: i64,
}

impl Bearer {
    /// The bearer of the token with that SHA-256, unless it has expired or its sender
    /// is disabled.
    pub fn find(connection: &mut PgConnection, token_hash: &[u8]) -> QueryResult<Option<Bearer>> {
        sql_query(format!(
            "select s.id as sender_id, s.name, s.source_id, o.code as source, t.scopes, s.max_open_uploads, \
             s.max_open_bytes from {FROM} join etl.access_token t on t.sender_id = s.id \
             where t.token_hash = $1 and t.expires_at > now() and s.disabled_at is null"
        ))
        .bind::<Binary, _>(token_hash)
        .get_result(connection)
        .optional()
    }

    /// The sender with that S3 key, which may do all that it is allowed to; with its
    /// encrypted S3 secret.
    pub fn by_access_key(
        connection: &mut PgConnection,
        access_key_id: &str,
    ) -> QueryResult<Option<(Bearer, Vec<u8>)>> {
        #[derive(QueryableByName)]
        struct Keyed {
            #[diesel(embed)]
            bearer: Bearer,
            #[diesel(sql_type = Binary)]
            secret_access_key: Vec<u8>,
        }
        let found: Option<Keyed> = sql_query(format!(
            "select s.id as sender_id, s.name, s.source_id, o.code as source, s.scopes, s.max_open_uploads, \
             s.max_open_bytes, s.secret_access_key from {FROM} \
             where s.access_key_id = $1 and s.disabled_at is null"
        ))
        .bind::<Text, _>(access_key_id)
        .get_result(connection)
        .optional()?;
        Ok(found.map(|found| (found.bearer, found.secret_access_key)))
    }

    /// Records a token of a sender that is valid for so many seconds, and forgets the
    /// expired ones.
    pub fn issue(
        connection: &mut PgConnection,
        sender_id: i32,
        token_hash: &[u8],
        scopes: &[String],
        seconds: i32,
    ) -> QueryResult<()> {
        sql_query("delete from etl.access_token where expires_at < now()").execute(connection)?;
        sql_query(
            "insert into etl.access_token (token_hash, sender_id, scopes, expires_at) \
             values ($1, $2, $3, now() + make_interval(secs => $4))",
        )
        .bind::<Binary, _>(token_hash)
        .bind::<Integer, _>(sender_id)
        .bind::<Array<Text>, _>(scopes)
        .bind::<Integer, _>(seconds)
        .execute(connection)?;
        Ok(())
    }
}

/// Notes that a proof of identity was used, until it is invalid anyway. False if it had
/// been used before.
pub fn use_proof(
    connection: &mut PgConnection,
    sender_id: i32,
    proof_hash: &[u8],
    valid_until: DateTime<Utc>,
) -> QueryResult<bool> {
    sql_query("delete from etl.used_proof where expires_at < now()").execute(connection)?;
    let noted = sql_query(
        "insert into etl.used_proof (sender_id, proof_hash, expires_at) values ($1, $2, $3) on conflict do nothing",
    )
    .bind::<Integer, _>(sender_id)
    .bind::<Binary, _>(proof_hash)
    .bind::<Timestamptz, _>(valid_until)
    .execute(connection)?;
    Ok(noted > 0)
}
