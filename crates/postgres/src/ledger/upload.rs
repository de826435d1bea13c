//! *Uploads*: files that senders push in parts, until they are in the inbox.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{
    Array, BigInt, Binary, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use uuid::Uuid;

/// An upload.
#[derive(Clone, Debug, QueryableByName)]
pub struct Upload {
    /// Its id, and that of the job that it becomes.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// The sender's number.
    #[diesel(sql_type = Integer)]
    pub sender_id: i32,
    /// The name of the sender's source.
    #[diesel(sql_type = Text)]
    pub source: String,
    /// The interface that it was begun on: `rest`, `batch` or `s3`.
    #[diesel(sql_type = Text)]
    pub face: String,
    /// The name that the sender gave the file.
    #[diesel(sql_type = Text)]
    pub filename: String,
    /// How many parts were announced.
    #[diesel(sql_type = Nullable<Integer>)]
    pub part_count: Option<i32>,
    /// How many bytes were announced, or there are.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub size_bytes: Option<i64>,
    /// The announced SHA-256 of the whole file.
    #[diesel(sql_type = Nullable<Binary>)]
    pub sha256: Option<Vec<u8>>,
    /// The size of a regular part, once one has come.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub part_bytes: Option<i64>,
    /// How far it is: `open`, `completing`, `completed`, `aborted` or `expired`.
    #[diesel(sql_type = Text)]
    pub status: String,
    /// When it began.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it is removed if it is not complete by then.
    #[diesel(sql_type = Timestamptz)]
    pub expires_at: DateTime<Utc>,
    /// When the sender asked for its completion.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub completing_at: Option<DateTime<Utc>>,
    /// Its path in the inbox, noted before the file is moved there.
    #[diesel(sql_type = Nullable<Text>)]
    pub landed_path: Option<String>,
    /// Its ETag, once it is complete.
    #[diesel(sql_type = Nullable<Text>)]
    pub etag: Option<String>,
    /// The checksum of S3 that is computed of every part.
    #[diesel(sql_type = Nullable<Text>)]
    pub checksum_algorithm: Option<String>,
    /// What the checksum of the whole file is, `FULL_OBJECT` or `COMPOSITE`.
    #[diesel(sql_type = Nullable<Text>)]
    pub checksum_type: Option<String>,
    /// The checksum of the whole file, once it is complete.
    #[diesel(sql_type = Nullable<Text>)]
    pub checksum: Option<String>,
}

/// An upload that is to begin.
#[derive(Clone, Debug)]
pub struct NewUpload<'u> {
    /// Its id.
    pub id: Uuid,
    /// The sender's number.
    pub sender_id: i32,
    /// The interface that it comes by.
    pub face: &'u str,
    /// The name that the sender gave the file.
    pub filename: &'u str,
    /// How many parts there will be, if that is known.
    pub part_count: Option<i32>,
    /// How many bytes there will be, if that is known.
    pub size_bytes: Option<i64>,
    /// The SHA-256 of the whole file, if it is known.
    pub sha256: Option<&'u [u8]>,
    /// What identifies the call that begins it.
    pub idempotency_key: Option<&'u str>,
    /// What the sender wants to be kept with the file, as a JSON object.
    pub metadata: Option<&'u serde_json::Value>,
    /// The checksum that is computed of every part, and the type of that of the whole file.
    pub checksum: Option<(&'u str, &'u str)>,
    /// How long it may stay open.
    pub expires_in_seconds: i64,
}

/// The checksum of a whole file, as S3 shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeChecksum {
    /// How it is computed.
    pub algorithm: &'static str,
    /// `FULL_OBJECT` or `COMPOSITE`.
    pub kind: &'static str,
    /// Base64, followed by a hyphen and the number of parts if it is composite.
    pub value: String,
}

/// What a sender's open uploads hold.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub struct OpenUploads {
    /// How many there are.
    #[diesel(sql_type = BigInt)]
    pub uploads: i64,
    /// How many bytes were received or announced for them.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

const SELECT: &str = "\
select u.id, u.sender_id, o.code as source, u.face, u.filename, u.part_count, u.size_bytes, u.sha256, u.part_bytes, \
       u.status, u.created_at, u.expires_at, u.completing_at, u.landed_path, u.etag, \
       u.checksum_algorithm, u.checksum_type, u.checksum \
  from etl.upload u join etl.sender s on s.id = u.sender_id join etl.source o on o.id = s.source_id";

impl Upload {
    /// Records a new upload. False if the sender has one with that idempotency key.
    pub fn begin(connection: &mut PgConnection, upload: &NewUpload<'_>) -> QueryResult<bool> {
        let begun = sql_query(
            "insert into etl.upload (id, sender_id, face, filename, part_count, size_bytes, sha256, idempotency_key, \
             metadata, expires_at, checksum_algorithm, checksum_type) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now() + make_interval(secs => $10), $11, $12) \
             on conflict do nothing",
        )
        .bind::<SqlUuid, _>(upload.id)
        .bind::<Integer, _>(upload.sender_id)
        .bind::<Text, _>(upload.face)
        .bind::<Text, _>(upload.filename)
        .bind::<Nullable<Integer>, _>(upload.part_count)
        .bind::<Nullable<BigInt>, _>(upload.size_bytes)
        .bind::<Nullable<Binary>, _>(upload.sha256)
        .bind::<Nullable<Text>, _>(upload.idempotency_key)
        .bind::<Nullable<Jsonb>, _>(upload.metadata)
        .bind::<BigInt, _>(upload.expires_in_seconds)
        .bind::<Nullable<Text>, _>(upload.checksum.map(|checksum| checksum.0))
        .bind::<Nullable<Text>, _>(upload.checksum.map(|checksum| checksum.1))
        .execute(connection)?;
        Ok(begun > 0)
    }

    /// The upload with that id, if it is the sender's.
    pub fn find(connection: &mut PgConnection, id: Uuid, sender_id: i32) -> QueryResult<Option<Upload>> {
        sql_query(format!("{SELECT} where u.id = $1 and u.sender_id = $2"))
            .bind::<SqlUuid, _>(id)
            .bind::<Integer, _>(sender_id)
            .get_result(connection)
            .optional()
    }

    /// The upload of a sender with that idempotency key.
    pub fn find_by_key(
        connection: &mut PgConnection,
        sender_id: i32,
        key: &str,
    ) -> QueryResult<Option<Upload>> {
        sql_query(format!("{SELECT} where u.sender_id = $1 and u.idempotency_key = $2"))
            .bind::<Integer, _>(sender_id)
            .bind::<Text, _>(key)
            .get_result(connection)
            .optional()
    }

    /// The open uploads of a sender, oldest first.
    pub fn list_open(connection: &mut PgConnection, sender_id: i32) -> QueryResult<Vec<Upload>> {
        sql_query(format!(
            "{SELECT} where u.sender_id = $1 and u.status = 'open' order by u.created_at, u.id"
        ))
        .bind::<Integer, _>(sender_id)
        .load(connection)
    }

    /// Open uploads of single S3 calls that began more than a minute ago, and have no part
    /// or began ten minutes ago: their calls may have died.
    pub fn list_stale_puts(connection: &mut PgConnection) -> QueryResult<Vec<Upload>> {
        sql_query(format!(
            "{SELECT} where u.status = 'open' and u.face = 's3' and u.part_count = 1 \
               and u.created_at < now() - interval '1 minute' \
               and (u.created_at < now() - interval '10 minutes' \
                    or not exists (select from etl.upload_part p where p.upload_id = u.id))"
        ))
        .load(connection)
    }

    /// Uploads whose completion was begun and not finished.
    pub fn list_completing(connection: &mut PgConnection) -> QueryResult<Vec<Upload>> {
        sql_query(format!("{SELECT} where u.status = 'completing' order by u.completing_at")).load(connection)
    }

    /// Marks open uploads whose time is over as expired; returns their ids.
    pub fn expire(connection: &mut PgConnection) -> QueryResult<Vec<Uuid>> {
        let ids: Vec<Id> = sql_query(
            "update etl.upload set status = 'expired', finished_at = now() \
             where status = 'open' and expires_at <= now() returning id",
        )
        .load(connection)?;
        Ok(ids.into_iter().map(|Id { id }| id).collect())
    }

    /// Those of the ids that are of open uploads, or of ones that are being completed.
    pub fn unfinished(connection: &mut PgConnection, ids: &[Uuid]) -> QueryResult<Vec<Uuid>> {
        let found: Vec<Id> =
            sql_query("select id from etl.upload where id = any($1) and status in ('open', 'completing')")
                .bind::<Array<SqlUuid>, _>(ids)
                .load(connection)?;
        Ok(found.into_iter().map(|Id { id }| id).collect())
    }

    /// What the sender's open uploads hold.
    pub fn open_of(connection: &mut PgConnection, sender_id: i32) -> QueryResult<OpenUploads> {
        sql_query(
            "select count(*) as uploads, coalesce(sum(greatest(u.size_bytes, p.bytes)), 0)::bigint as bytes \
               from etl.upload u cross join lateral ( \
                 select coalesce(sum(size_bytes), 0)::bigint as bytes from etl.upload_part where upload_id = u.id) p \
              where u.sender_id = $1 and u.status in ('open', 'completing')",
        )
        .bind::<Integer, _>(sender_id)
        .get_result(connection)
    }

    /// Learns the size of a regular part, unless it is known; returns what it is then.
    pub fn learn_part_bytes(connection: &mut PgConnection, id: Uuid, bytes: i64) -> QueryResult<i64> {
        #[derive(QueryableByName)]
        struct Learned {
            #[diesel(sql_type = BigInt)]
            part_bytes: i64,
        }
        let learned: Learned = sql_query(
            "update etl.upload set part_bytes = coalesce(part_bytes, $2) where id = $1 returning part_bytes",
        )
        .bind::<SqlUuid, _>(id)
        .bind::<BigInt, _>(bytes)
        .get_result(connection)?;
        Ok(learned.part_bytes)
    }

    /// Changes the status from `from` to `to`. False if it was another.
    pub fn advance(connection: &mut PgConnection, id: Uuid, from: &str, to: &str) -> QueryResult<bool> {
        let changed = sql_query(
            "update etl.upload set status = $3, \
             completing_at = case $3 when 'completing' then now() else completing_at end, \
             finished_at = case when $3 in ('completed', 'aborted', 'expired') then now() end \
             where id = $1 and status = $2",
        )
        .bind::<SqlUuid, _>(id)
        .bind::<Text, _>(from)
        .bind::<Text, _>(to)
        .execute(connection)?;
        Ok(changed > 0)
    }

    /// Runs `work` unless another session completes the same upload; `None` in that case.
    pub fn exclusively<T>(
        connection: &mut PgConnection,
        id: Uuid,
        work: impl FnOnce(&mut PgConnection) -> T,
    ) -> QueryResult<Option<T>> {
        #[derive(QueryableByName)]
        struct Locked {
            #[diesel(sql_type = diesel::sql_types::Bool)]
            locked: bool,
        }
        const KEY: &str = "hashtextextended('upload ' || $1::text, 0)";
        let locked: Locked = sql_query(format!("select pg_try_advisory_lock({KEY}) as locked"))
            .bind::<SqlUuid, _>(id)
            .get_result(connection)?;
        if !locked.locked {
            return Ok(None);
        }
        let done = work(connection);
        sql_query(format!("select pg_advisory_unlock({KEY})")).bind::<SqlUuid, _>(id).execute(connection)?;
        Ok(Some(done))
    }

    /// Notes where the file is about to be moved in the inbox, and its size.
    pub fn note_landing(connection: &mut PgConnection, id: Uuid, path: &str, size: i64) -> QueryResult<()> {
        sql_query("update etl.upload set landed_path = $2, size_bytes = $3 where id = $1")
            .bind::<SqlUuid, _>(id)
            .bind::<Text, _>(path)
            .bind::<BigInt, _>(size)
            .execute(connection)?;
        Ok(())
    }

    /// Notes the ETag of the complete file, and its checksum if there is one.
    pub fn note_sums(
        connection: &mut PgConnection,
        id: Uuid,
        etag: &str,
        checksum: Option<&WholeChecksum>,
    ) -> QueryResult<()> {
        sql_query(
            "update etl.upload set etag = $2, checksum_algorithm = coalesce($3, checksum_algorithm), \
             checksum_type = coalesce($4, checksum_type), checksum = $5 where id = $1",
        )
        .bind::<SqlUuid, _>(id)
        .bind::<Text, _>(etag)
        .bind::<Nullable<Text>, _>(checksum.map(|checksum| checksum.algorithm))
        .bind::<Nullable<Text>, _>(checksum.map(|checksum| checksum.kind))
        .bind::<Nullable<Text>, _>(checksum.map(|checksum| checksum.value.as_str()))
        .execute(connection)?;
        Ok(())
    }

    /// Forgets the call that began the upload, so that it can be made again.
    pub fn release_key(connection: &mut PgConnection, id: Uuid) -> QueryResult<()> {
        sql_query("update etl.upload set idempotency_key = null where id = $1")
            .bind::<SqlUuid, _>(id)
            .execute(connection)?;
        Ok(())
    }
}
