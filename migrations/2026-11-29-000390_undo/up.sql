-- When the records of a file were committed: what came without a time counts from then.
alter table etl.load_batch add column loaded_at timestamptz not null default now();
alter table etl.load_file add column loaded_at timestamptz;
comment on column etl.load_batch.loaded_at is 'when the transaction began that loaded the part';
comment on column etl.load_file.loaded_at is 'when the transaction began that loaded its first part; null of files that were loaded before this was noted';

-- Files that were taken back, so that they can be brought back as they were.
create table etl.undo (
  id bigint generated always as identity primary key,
  file_id bigint not null references etl.load_file (id) on delete cascade,
  status_before text not null,
  loaded_at timestamptz not null,
  undone_at timestamptz not null default now(),
  undone_run_id bigint not null,
  redone_at timestamptz,
  redone_run_id bigint,
  promoted_file_id bigint,
  dismissed_rejects bigint[] not null default '{}',
  reopened_rejects jsonb not null default '[]'
);
create unique index undo_open on etl.undo (file_id) where redone_at is null;
comment on table etl.undo is 'files that were taken back by fhirmill undo: each time one row';
comment on column etl.undo.id is 'the number of the undo';
comment on column etl.undo.file_id is 'the file, etl.load_file';
comment on column etl.undo.status_before is 'the status that the file had before: loaded, duplicate or rejected';
comment on column etl.undo.loaded_at is 'when its records were committed: what came without a time counts from then';
comment on column etl.undo.undone_at is 'when it was taken back';
comment on column etl.undo.undone_run_id is 'the run that took it back, etl.load_run';
comment on column etl.undo.redone_at is 'when it was brought back; null while it is undone';
comment on column etl.undo.redone_run_id is 'the run that brought it back, etl.load_run';
comment on column etl.undo.promoted_file_id is 'the later delivery of the same bytes that counts instead, etl.load_file; null if there is none';
comment on column etl.undo.dismissed_rejects is 'the open rejects of the file, which were dismissed with it, etl.rejected_record';
comment on column etl.undo.reopened_rejects is 'the rejects that the file had resolved, which are open again: id, resolved_at and retried_at of each';

create table etl.undone_key (
  id bigint primary key,
  source_id smallint not null references etl.source (id),
  resource_type text collate "C" not null,
  fhir_id text collate "C" not null
);
comment on table etl.undone_key is 'keys that nothing uses any more after an undo, so that a resource gets its key again if the file is brought back';
comment on column etl.undone_key.id is 'the key, as it was in etl.resource_key';
comment on column etl.undone_key.source_id is 'the sender, etl.source';
comment on column etl.undone_key.resource_type is 'FHIR type of the resource';
comment on column etl.undone_key.fhir_id is 'its FHIR id within the source';

comment on column etl.load_file.status is 'loading | loaded | duplicate (same bytes as a loaded file, and nothing to change) | rejected | failed | abandoned | undone (taken back by fhirmill undo)';
comment on column analytics.load.status is 'loading, loaded, duplicate (nothing new in it), rejected, failed, abandoned, undone (taken back)';
comment on column etl.load_run.command is 'the command that ran: run, once, retry, remap, undo, redo; update for updates that were stored when answered; kafka for messages of a Kafka feed';
