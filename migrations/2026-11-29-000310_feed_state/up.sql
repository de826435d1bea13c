-- What operators ask of a feed: when it failed last and what helps, when it runs next,
-- how much it has fetched, and how far it is behind.
alter table etl.feed
  add column last_failure_at timestamptz,
  add column last_failure text,
  add column last_advice text,
  add column requested_at timestamptz,
  add column next_run_at timestamptz,
  add column files bigint not null default 0,
  add column bytes bigint not null default 0,
  add column records bigint not null default 0,
  add column retries bigint not null default 0,
  add column lag_records bigint,
  add column lag_seconds double precision;
comment on column etl.feed.last_failure_at is 'when a run last failed';
comment on column etl.feed.last_failure is 'why that run failed; kept after later runs that succeed';
comment on column etl.feed.last_advice is 'what helps against it';
comment on column etl.feed.requested_at is 'when somebody last asked for a run outside of its schedule; it is due until a run begins';
comment on column etl.feed.next_run_at is 'when it runs next, as the service that has it last computed; null if it is paused or only runs on request';
comment on column etl.feed.files is 'how many files it has fetched, of all runs';
comment on column etl.feed.bytes is 'the bytes that it has fetched, of all runs';
comment on column etl.feed.records is 'how many records were read in what it has fetched, of all runs';
comment on column etl.feed.retries is 'how many calls or connections failed and were tried again, of all runs';
comment on column etl.feed.lag_records is 'of a feed that runs continuously, how many records it is behind its origin; null if that is not known';
comment on column etl.feed.lag_seconds is 'of a feed that runs continuously, how old the oldest record is that it has not loaded; null if that is not known';

alter table etl.export_job add column retries bigint not null default 0;
comment on column etl.export_job.retries is 'how many calls have failed and were made again';
alter table etl.export_file add column header_count bigint;
comment on column etl.export_file.header_count is 'of a file that is organized by a resource type, how many of its records only say which resource the next ones belong to; seen_count has these, too';

update etl.feed f
   set last_failure = f.last_error,
       files = t.files, bytes = t.bytes, records = t.records
  from (select j.feed_id, count(*) filter (where e.status not in ('waiting', 'landing')) as files,
               coalesce(sum(e.size_bytes), 0)::bigint as bytes, coalesce(sum(e.seen_count), 0)::bigint as records
          from etl.export_job j join etl.export_file e on e.job_id = j.id group by 1) t
 where t.feed_id = f.id;
