//! The *sinks* themselves, and who sends to them.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Double, Integer, Nullable, SmallInt, Text};

use crate::ledger::advisory_lock::SINK_LOCK;
use crate::registry::lock_source_until_commit;

/// A sink as the settings have it.
#[derive(Clone, Copy, Debug)]
pub struct NewSink<'s> {
    /// Its name.
    pub name: &'s str,
    /// The source whose resources it gets.
    pub source: &'s str,
    /// The base URL of the FHIR server, without a slash at the end.
    pub url: &'s str,
    /// The types that it gets, in their order.
    pub types: &'s [String],
    /// The types that are left out.
    pub leave_out: &'s [String],
}

/// A sink in the ledger.
#[derive(Clone, Debug, QueryableByName)]
pub struct Sink {
    /// Its number.
    #[diesel(sql_type = SmallInt)]
    pub id: i16,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// The number of its source.
    #[diesel(sql_type = SmallInt)]
    pub source_id: i16,
    /// The name of its source.
    #[diesel(sql_type = Text)]
    pub source: String,
    /// The base URL of the FHIR server.
    #[diesel(sql_type = Text)]
    pub url: String,
    /// The types that it gets, in their order.
    #[diesel(sql_type = Array<Text>)]
    pub types: Vec<String>,
    /// The types that are left out.
    #[diesel(sql_type = Array<Text>)]
    pub leave_out: Vec<String>,
    /// Whether the outbox has what was loaded before the sink was added.
    #[diesel(sql_type = Bool)]
    pub is_caught_up: bool,
    /// Whether it has ever accepted anything.
    #[diesel(sql_type = Bool)]
    pub has_accepted: bool,
}

/// Why a sink of the settings is not that of the ledger.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The ledger.
    #[error("the ledger cannot be read or written")]
    Ledger(#[from] diesel::result::Error),
    /// The server has resources of another source.
    #[error(
        "sink {name} gets the resources of source {known}, and the settings name source {wanted}: ids of two senders \
         must not meet on one server"
    )]
    OtherSource {
        /// The sink.
        name: String,
        /// The source in the ledger.
        known: String,
        /// The source in the settings.
        wanted: String,
    },
    /// The name stands for another server.
    #[error(
        "sink {name} was {known}, and the settings name another URL: give the new server a name of its own, or \
         `fhirmill forward forget {name}`"
    )]
    OtherUrl {
        /// The sink.
        name: String,
        /// The URL in the ledger.
        known: String,
    },
    /// The server is one that the ledger has by another name.
    #[error(
        "sink {name} has the URL of sink {other}: one server is one sink; if it was renamed, \
         `fhirmill forward forget {other}` first"
    )]
    SameUrl {
        /// The sink.
        name: String,
        /// The one with the same URL.
        other: String,
    },
}

const SINKS: &str = "\
select s.id, s.name, s.source_id, c.code as source, s.url, s.types, s.leave_out, s.is_caught_up,
       s.accepted > 0 as has_accepted
from etl.sink s join etl.source c on c.id = s.source_id";

const INSERT: &str = "\
insert into etl.sink (name, kind, source_id, url, types, leave_out)
select $1, 'fhir', c.id, $3, $4, $5 from etl.source c where c.code = $2";

/// What was left out before has to be sent anew, and so has all of new types.
const CHANGE: &str = "\
with changed as (
  update etl.sink set types = $2, leave_out = $3, is_caught_up = is_caught_up and $4 where id = $1 returning id)
update etl.sink_batch b set phase = 0 from changed where b.sink_id = changed.id and b.acknowledged_at is null";

const SEND_ALL_ANEW: &str =
    "update etl.sink_resource set sent_hash = null, refused_hash = null where sink_id = $1";

/// A batch of the outbox has about so many positions of a file.
const POSITIONS_OF_A_BATCH: i64 = 20_000;

const CATCH_UP: &str = "\
insert into etl.sink_batch (sink_id, file_ids, first_positions, last_positions, resources)
select $1, array[v.file_id], array[min(v.position)], array[max(v.position)], count(*)
from etl.resource_version v join etl.load_file f on f.id = v.file_id
where f.source_id = $2 and v.content_hash is not null
group by v.file_id, v.position / $3 order by v.file_id, v.position / $3";

/// Batches with a file that is still in the inbox cannot be sent yet.
const OUTSTANDING: &str = "\
select exists (
  select from etl.sink_batch b where b.sink_id = $1 and b.acknowledged_at is null
     and not exists (select from unnest(b.file_ids) f (id) join etl.load_file l on l.id = f.id
                       where l.archive_path is null and l.status <> 'erased'))
  or exists (
  select from etl.sink_resource where sink_id = $1 and delete_requested_at is not null and delete_refused_at is null) as is";

#[derive(QueryableByName)]
struct Truth {
    #[diesel(sql_type = Bool)]
    is: bool,
}

impl Sink {
    /// All sinks, by name.
    pub fn list(connection: &mut PgConnection) -> QueryResult<Vec<Sink>> {
        sql_query(format!("{SINKS} order by s.name")).load(connection)
    }

    /// The sink of that name.
    pub fn named(connection: &mut PgConnection, name: &str) -> QueryResult<Option<Sink>> {
        sql_query(format!("{SINKS} where s.name = $1"))
            .bind::<Text, _>(name)
            .get_result(connection)
            .optional()
    }

    /// The sink of the settings; it is entered if it is new. From then on, what is loaded is
    /// noted for it, and what was loaded before is noted by this.
    pub fn register(connection: &mut PgConnection, new: &NewSink<'_>) -> Result<Sink, SinkError> {
        let sink = connection.transaction(|connection| Self::enter(connection, new))?;
        if !sink.is_caught_up {
            connection.transaction(|connection| sink.catch_up(connection))?;
        }
        Ok(sink)
    }

    fn enter(connection: &mut PgConnection, new: &NewSink<'_>) -> Result<Sink, SinkError> {
        if let Some(known) = Self::named(connection, new.name)? {
            return known.change(connection, new);
        }
        let with_url = format!("{SINKS} where s.url = $1");
        let same: Option<Sink> =
            sql_query(with_url).bind::<Text, _>(new.url).get_result(connection).optional()?;
        if let Some(same) = same {
            return Err(SinkError::SameUrl { name: new.name.to_owned(), other: same.name });
        }
        sql_query("insert into etl.source (code) values ($1) on conflict (code) do nothing")
            .bind::<Text, _>(new.source)
            .execute(connection)?;
        let source_id: i16 = {
            use crate::ledger::schema::source;
            source::table.select(source::id).filter(source::code.eq(new.source)).first(connection)?
        };
        // Whoever loads a batch of the source has committed it, or will see the sink.
        lock_source_until_commit(connection, source_id)?;
        sql_query(format!("{INSERT} on conflict do nothing"))
            .bind::<Text, _>(new.name)
            .bind::<Text, _>(new.source)
            .bind::<Text, _>(new.url)
            .bind::<Array<Text>, _>(new.types)
            .bind::<Array<Text>, _>(new.leave_out)
            .execute(connection)?;
        match Self::named(connection, new.name)? {
            // Another process may have entered it at the same moment.
            Some(entered) => entered.change(connection, new),
            None => Err(SinkError::SameUrl { name: new.name.to_owned(), other: "another".to_owned() }),
        }
    }

    /// Follows the settings.
    fn change(mut self, connection: &mut PgConnection, new: &NewSink<'_>) -> Result<Sink, SinkError> {
        if self.source != new.source {
            let (known, wanted) = (self.source, new.source.to_owned());
            return Err(SinkError::OtherSource { name: self.name, known, wanted });
        }
        if self.url != new.url {
            return Err(SinkError::OtherUrl { name: self.name, known: self.url });
        }
        if self.types == new.types && self.leave_out == new.leave_out {
            return Ok(self);
        }
        let is_same_form = {
            let sorted = |names: &[String]| {
                let mut names = names.to_vec();
                names.sort_unstable();
                names
            };
            sorted(&self.leave_out) == sorted(new.leave_out)
        };
        if !is_same_form {
            sql_query(SEND_ALL_ANEW).bind::<SmallInt, _>(self.id).execute(connection)?;
        }
        let has_no_new_types = new.types.iter().all(|name| self.types.contains(name));
        sql_query(CHANGE)
            .bind::<SmallInt, _>(self.id)
            .bind::<Array<Text>, _>(new.types)
            .bind::<Array<Text>, _>(new.leave_out)
            .bind::<Bool, _>(is_same_form && has_no_new_types)
            .execute(connection)?;
        self.is_caught_up &= is_same_form && has_no_new_types;
        self.types = new.types.to_vec();
        self.leave_out = new.leave_out.to_vec();
        Ok(self)
    }

    /// Notes for the sink all that was loaded before.
    fn catch_up(&self, connection: &mut PgConnection) -> QueryResult<()> {
        sql_query("set local statement_timeout = 0").execute(connection)?;
        let is_due = sql_query("update etl.sink set is_caught_up = true where id = $1 and not is_caught_up")
            .bind::<SmallInt, _>(self.id)
            .execute(connection)?;
        if is_due > 0 {
            sql_query(CATCH_UP)
                .bind::<SmallInt, _>(self.id)
                .bind::<SmallInt, _>(self.source_id)
                .bind::<BigInt, _>(POSITIONS_OF_A_BATCH)
                .execute(connection)?;
        }
        Ok(())
    }

    /// Forgets the sink, with its outbox and all that is known of what it has. The server
    /// keeps what it has. False if a process sends to it.
    pub fn forget(&self, connection: &mut PgConnection) -> QueryResult<bool> {
        if !self.lock(connection)? {
            return Ok(false);
        }
        let forgotten = connection.transaction(|connection| {
            lock_source_until_commit(connection, self.source_id)?;
            sql_query("delete from etl.sink where id = $1").bind::<SmallInt, _>(self.id).execute(connection)
        });
        self.unlock(connection)?;
        forgotten.map(|_| true)
    }

    /// Takes the lock of whoever sends to the sink, for the session. False if another process
    /// has it.
    pub fn lock(&self, connection: &mut PgConnection) -> QueryResult<bool> {
        let query = sql_query("select pg_try_advisory_lock($1, $2) as is")
            .bind::<Integer, _>(SINK_LOCK)
            .bind::<Integer, _>(i32::from(self.id));
        query.get_result(connection).map(|Truth { is }| is)
    }

    /// Gives the lock back.
    pub fn unlock(&self, connection: &mut PgConnection) -> QueryResult<()> {
        sql_query("select pg_advisory_unlock($1, $2)")
            .bind::<Integer, _>(SINK_LOCK)
            .bind::<Integer, _>(i32::from(self.id))
            .execute(connection)?;
        Ok(())
    }

    /// Forgets batches that were acknowledged long ago. What was sent stays in
    /// `etl.sink_request`.
    pub fn prune(&self, connection: &mut PgConnection) -> QueryResult<()> {
        sql_query(
            "delete from etl.sink_batch where sink_id = $1 and acknowledged_at < now() - interval '30 days'",
        )
        .bind::<SmallInt, _>(self.id)
        .execute(connection)?;
        Ok(())
    }

    /// Notes that calls fail, and when the next one is made.
    pub fn note_failure(&self, connection: &mut PgConnection, reason: &str, wait: f64) -> QueryResult<()> {
        sql_query(
            "update etl.sink set failing_since = coalesce(failing_since, now()), last_error = $2, retries = retries + 1, \
             retry_at = now() + make_interval(secs => $3) where id = $1",
        )
        .bind::<SmallInt, _>(self.id)
        .bind::<Nullable<Text>, _>(Some(reason))
        .bind::<Double, _>(wait)
        .execute(connection)?;
        Ok(())
    }

    /// Whether there is anything to send or to delete that was not refused.
    pub fn has_outstanding(&self, connection: &mut PgConnection) -> QueryResult<bool> {
        sql_query(OUTSTANDING).bind::<SmallInt, _>(self.id).get_result(connection).map(|Truth { is }| is)
    }

    /// Whether something may be in flight that another process has sent.
    pub fn is_sending(&self, connection: &mut PgConnection) -> QueryResult<bool> {
        sql_query(
            "select exists (select from etl.sink_resource where sink_id = $1 and sending_hash is not null) as is",
        )
        .bind::<SmallInt, _>(self.id)
        .get_result(connection)
        .map(|Truth { is }| is)
    }
}
