-- Feeds fetch files from elsewhere. Their state outlives the process: a bulk export that
-- was asked for is never asked for again, and what was fetched is not fetched again.
create table etl.feed (
  id integer generated always as identity primary key,
  name text not null unique,
  kind text not null,
  source text not null,
  schedule text,
  registered_at timestamptz not null default now(),
  paused_at timestamptz,
  last_started_at timestamptz,
  last_success_at timestamptz,
  last_error text,
  failed_runs integer not null default 0,
  position text,
  request_hash text
);
comment on table etl.feed is 'the feeds of the settings file: what they fetch, how far they are, and how their last run went; see fhirmill feeds';
comment on column etl.feed.id is 'the number of the feed';
comment on column etl.feed.name is 'its name in the settings file';
comment on column etl.feed.kind is 'what it fetches from: export (a FHIR server with Bulk Data $export)';
comment on column etl.feed.source is 'the source that its files belong to, etl.source.code';
comment on column etl.feed.schedule is 'when it runs, as a cron expression with seconds; null if only by hand';
comment on column etl.feed.registered_at is 'when it was first seen in the settings';
comment on column etl.feed.paused_at is 'when it was paused; null while it runs as scheduled';
comment on column etl.feed.last_started_at is 'when its last run began';
comment on column etl.feed.last_success_at is 'when its last successful run ended';
comment on column etl.feed.last_error is 'why its last run failed; null if it succeeded';
comment on column etl.feed.failed_runs is 'how many runs have failed since the last successful one';
comment on column etl.feed.position is 'where the next run continues: of an export, the _since that it asks for, which is the transactionTime of the last one whose files are committed';
comment on column etl.feed.request_hash is 'SHA-256 of what was asked for when position was noted: if another export is asked for, it begins at the beginning';

create table etl.export_job (
  id bigint generated always as identity primary key,
  feed_id integer references etl.feed (id) on delete set null,
  request_hash text not null,
  source text not null,
  url text not null,
  since text,
  status text not null default 'requested',
  status_url text,
  transaction_time text,
  organized_by text,
  progress text,
  failures integer not null default 0,
  retry_at timestamptz,
  last_error text,
  started_at timestamptz not null default now(),
  accepted_at timestamptz,
  ready_at timestamptz,
  finished_at timestamptz,
  deleted_at timestamptz
);
create index export_job_feed_id on etl.export_job (feed_id);
create unique index export_job_open on etl.export_job (request_hash, source, coalesce(feed_id, 0))
  where status in ('requested', 'exporting', 'fetching', 'loading');
comment on table etl.export_job is 'bulk exports that were asked of FHIR servers';
comment on column etl.export_job.id is 'the number of the export, also in the names of its files in the inbox';
comment on column etl.export_job.feed_id is 'the feed that asked for it, etl.feed; null if fhirmill export did';
comment on column etl.export_job.request_hash is 'SHA-256 of what was asked for, without _since';
comment on column etl.export_job.source is 'the source that its files belong to, etl.source.code';
comment on column etl.export_job.url is 'the URL that it was asked of, without parameters';
comment on column etl.export_job.since is 'its _since; null if everything was asked for';
comment on column etl.export_job.status is 'requested, exporting (the server works on it), fetching, loading (all files are in the inbox), finished, failed or abandoned';
comment on column etl.export_job.status_url is 'the URL that tells how far the server is; kept so that no second export is started after a crash';
comment on column etl.export_job.transaction_time is 'the transactionTime of the server: what changed before it is in the export';
comment on column etl.export_job.organized_by is 'the outputOrganizedBy of the server: the resource type that its files are organized by';
comment on column etl.export_job.progress is 'what the server last said of its progress';
comment on column etl.export_job.failures is 'how many calls in a row have failed';
comment on column etl.export_job.retry_at is 'when the next call is made; null if one is under way';
comment on column etl.export_job.last_error is 'why the last call failed; null after a successful one';
comment on column etl.export_job.started_at is 'when it was asked for';
comment on column etl.export_job.accepted_at is 'when the server accepted it';
comment on column etl.export_job.ready_at is 'when the server had finished it';
comment on column etl.export_job.finished_at is 'when all of its files were loaded, or when it failed or was abandoned';
comment on column etl.export_job.deleted_at is 'when the server was asked to delete it and had done so, or no longer knew it';

create table etl.export_file (
  job_id bigint not null references etl.export_job (id) on delete cascade,
  number integer not null,
  kind text not null,
  resource_type text,
  location text not null,
  announced_count bigint,
  status text not null default 'waiting',
  size_bytes bigint not null default 0,
  validator text,
  landed_path text,
  landing_at timestamptz,
  file_id bigint,
  seen_count bigint,
  rejected_count bigint,
  primary key (job_id, number)
);
comment on table etl.export_file is 'the files of bulk exports, each with the count that the server announced and the count that was loaded';
comment on column etl.export_file.job_id is 'the export, etl.export_job';
comment on column etl.export_file.number is 'its place in the manifest, from 1';
comment on column etl.export_file.kind is 'output, deleted (Bundles of deletes) or outcome (OperationOutcomes about the export)';
comment on column etl.export_file.resource_type is 'the type of its resources, as announced';
comment on column etl.export_file.location is 'its URL without parameters';
comment on column etl.export_file.announced_count is 'how many resources the manifest announced; null if it did not';
comment on column etl.export_file.status is 'waiting (to be fetched), landing (about to enter the inbox), landed, loaded, empty, or kept (in the rejects folder: an outcome file)';
comment on column etl.export_file.size_bytes is 'how many bytes are certainly on disk';
comment on column etl.export_file.validator is 'the ETag or Last-Modified of what was fetched so far: the rest is fetched only of the same content; null if it cannot be continued';
comment on column etl.export_file.landed_path is 'its path in the inbox, as in etl.load_file.path; noted before the file is moved there';
comment on column etl.export_file.landing_at is 'when its path was noted';
comment on column etl.export_file.file_id is 'the file that it was loaded as, etl.load_file';
comment on column etl.export_file.seen_count is 'how many records were read in it; of an outcome file, its OperationOutcomes';
comment on column etl.export_file.rejected_count is 'how many of them were rejected';
