//! *Offsets*: how far each partition of a Kafka feed is loaded. An offset moves within the
//! transaction that loads its messages, and only from where the reader believes it to be,
//! so that two readers of one partition cannot both load it.

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz};

use super::file::SYNCHRONOUS_COMMIT;
use super::{ClaimedFile, Run};

/// How far a partition is.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct FeedOffset {
    /// The topic.
    #[diesel(sql_type = Text)]
    pub topic: String,
    /// The partition.
    #[diesel(sql_type = Integer)]
    pub partition: i32,
    /// The offset after the last message that is loaded.
    #[diesel(sql_type = BigInt)]
    pub next_offset: i64,
}

/// A move of an offset: what was read of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetMove {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// Where the offset must be.
    pub from: i64,
    /// Where it moves to.
    pub to: i64,
    /// How many messages are between.
    pub messages: i64,
    /// How many of their records were rejected.
    pub rejected: i64,
    /// The time of the last of them.
    pub message_at: Option<DateTime<Utc>>,
}

/// The offset after the last message of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndOffset {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub end: i64,
}

impl FeedOffset {
    /// Those of a feed.
    pub fn of_feed(connection: &mut PgConnection, feed_id: i32) -> QueryResult<Vec<FeedOffset>> {
        sql_query(
            "select topic, partition, next_offset from etl.feed_offset where feed_id = $1 \
             order by topic, partition",
        )
        .bind::<Integer, _>(feed_id)
        .load(connection)
    }

    /// Enters where a partition begins, unless it is known; returns where it is.
    pub fn enter(connection: &mut PgConnection, feed_id: i32, new: &FeedOffset) -> QueryResult<i64> {
        let entered: FeedOffset = sql_query(
            "insert into etl.feed_offset as o (feed_id, topic, partition, next_offset) values ($1, $2, $3, $4) \
             on conflict (feed_id, topic, partition) do update set next_offset = o.next_offset \
             returning topic, partition, next_offset",
        )
        .bind::<Integer, _>(feed_id)
        .bind::<Text, _>(&new.topic)
        .bind::<Integer, _>(new.partition)
        .bind::<BigInt, _>(new.next_offset)
        .get_result(connection)?;
        Ok(entered.next_offset)
    }

    /// Sets where a feed continues, whatever it has loaded.
    pub fn set(connection: &mut PgConnection, feed_id: i32, new: &FeedOffset) -> QueryResult<()> {
        sql_query(
            "insert into etl.feed_offset (feed_id, topic, partition, next_offset) values ($1, $2, $3, $4) \
             on conflict (feed_id, topic, partition) \
             do update set next_offset = $4, run_id = null, batch_number = null, moved_at = now()",
        )
        .bind::<Integer, _>(feed_id)
        .bind::<Text, _>(&new.topic)
        .bind::<Integer, _>(new.partition)
        .bind::<BigInt, _>(new.next_offset)
        .execute(connection)?;
        Ok(())
    }

    /// Notes that the topic has deleted what is before an offset and was not read: the feed
    /// continues there. False if the offset is no longer where it was.
    pub fn skip_lost(
        connection: &mut PgConnection,
        feed_id: i32,
        at: &FeedOffset,
        earliest: i64,
    ) -> QueryResult<bool> {
        let moved = sql_query(
            "update etl.feed_offset set next_offset = $5, lost_offsets = lost_offsets + greatest($5 - $4, 0), \
             lost_at = now(), moved_at = now() where feed_id = $1 and topic = $2 and partition = $3 and next_offset = $4",
        )
        .bind::<Integer, _>(feed_id)
        .bind::<Text, _>(&at.topic)
        .bind::<Integer, _>(at.partition)
        .bind::<BigInt, _>(at.next_offset)
        .bind::<BigInt, _>(earliest)
        .execute(connection)?;
        Ok(moved == 1)
    }

    /// Notes where partitions end.
    pub fn note_ends(connection: &mut PgConnection, feed_id: i32, ends: &[EndOffset]) -> QueryResult<()> {
        sql_query(
            "update etl.feed_offset o set end_offset = e.end_offset, end_seen_at = now() \
             from unnest($2, $3, $4) e (topic, partition, end_offset) \
             where o.feed_id = $1 and o.topic = e.topic and o.partition = e.partition",
        )
        .bind::<Integer, _>(feed_id)
        .bind::<Array<Text>, _>(ends.iter().map(|end| end.topic.as_str()).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(ends.iter().map(|end| end.partition).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(ends.iter().map(|end| end.end).collect::<Vec<_>>())
        .execute(connection)?;
        Ok(())
    }
}

impl OffsetMove {
    /// Moves the offset, for a batch of a run if one has loaded the messages. False if it is
    /// not where it must be: another process has moved it.
    pub fn carry_out(
        &self,
        connection: &mut PgConnection,
        feed_id: i32,
        batch: Option<(i64, u64)>,
    ) -> QueryResult<bool> {
        let moved = sql_query(
            "update etl.feed_offset set next_offset = $5, messages = messages + $6, rejected = rejected + $7, \
             message_at = coalesce($8, message_at), run_id = coalesce($9, run_id), \
             batch_number = coalesce($10, batch_number), moved_at = now() \
             where feed_id = $1 and topic = $2 and partition = $3 and next_offset = $4",
        )
        .bind::<Integer, _>(feed_id)
        .bind::<Text, _>(&self.topic)
        .bind::<Integer, _>(self.partition)
        .bind::<BigInt, _>(self.from)
        .bind::<BigInt, _>(self.to)
        .bind::<BigInt, _>(self.messages)
        .bind::<BigInt, _>(self.rejected)
        .bind::<Nullable<Timestamptz>, _>(self.message_at)
        .bind::<Nullable<BigInt>, _>(batch.map(|(run, _)| run))
        .bind::<Nullable<BigInt>, _>(batch.map(|(_, number)| number.cast_signed()))
        .execute(connection)?;
        Ok(moved == 1)
    }
}

/// A file that a feed writes.
#[derive(Clone, Copy, Debug)]
pub struct FeedFile {
    /// The file.
    pub file_id: i64,
    /// The feed.
    pub feed_id: i32,
}

impl FeedFile {
    /// Notes how many of its bytes are loaded, within the transaction that loads them.
    pub fn note_size(self, connection: &mut PgConnection, size: u64) -> QueryResult<()> {
        sql_query("update etl.feed_file set size_bytes = $2 where file_id = $1")
            .bind::<BigInt, _>(self.file_id)
            .bind::<BigInt, _>(size.cast_signed())
            .execute(connection)?;
        Ok(())
    }

    /// How many bytes of the file with that path are loaded; none if no feed has written it.
    pub fn size_of(connection: &mut PgConnection, path: &str) -> QueryResult<Option<u64>> {
        let size: Option<Size> = sql_query(
            "select s.size_bytes from etl.feed_file s join etl.load_file f on f.id = s.file_id \
             where f.path = $1 order by f.id limit 1",
        )
        .bind::<Text, _>(path)
        .get_result(connection)
        .optional()?;
        Ok(size.map(|size| size.size_bytes.cast_unsigned()))
    }
}

#[derive(QueryableByName)]
struct Size {
    #[diesel(sql_type = BigInt)]
    size_bytes: i64,
}

impl Run {
    /// Notes that a feed writes this file. When this returns, that survives a power failure:
    /// what the file has beyond what is loaded must not be taken for a delivery.
    pub fn note_feed_file(&mut self, file: &ClaimedFile, feed_id: i32) -> QueryResult<FeedFile> {
        self.connection.transaction(|connection| {
            connection.batch_execute(SYNCHRONOUS_COMMIT)?;
            sql_query("insert into etl.feed_file (file_id, feed_id) values ($1, $2)")
                .bind::<BigInt, _>(file.id)
                .bind::<Integer, _>(feed_id)
                .execute(connection)
        })?;
        Ok(FeedFile { file_id: file.id, feed_id })
    }

    /// Whether the source has sent a file after this one that is not of the same feed.
    pub fn has_later_file_than(&mut self, file: &ClaimedFile, feed_id: i32) -> QueryResult<bool> {
        let later: Option<Size> = sql_query(
            "select f.id as size_bytes from etl.load_file f where f.id > $1 and f.source_id = $2 \
             and not exists (select from etl.feed_file s where s.file_id = f.id and s.feed_id = $3) limit 1",
        )
        .bind::<BigInt, _>(file.id)
        .bind::<diesel::sql_types::SmallInt, _>(file.source_id)
        .bind::<Integer, _>(feed_id)
        .get_result(&mut self.connection)
        .optional()?;
        Ok(later.is_some())
    }
}

/// Enters a source, if it is new.
pub fn enter_source(connection: &mut PgConnection, code: &str) -> QueryResult<()> {
    sql_query("insert into etl.source (code) values ($1) on conflict (code) do nothing")
        .bind::<Text, _>(code)
        .execute(connection)?;
    Ok(())
}
