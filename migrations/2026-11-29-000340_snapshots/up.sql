-- Snapshots are pictures of the tables and views, written as files.
create table etl.snapshot (
  id bigint generated always as identity primary key,
  name text,
  target text not null,
  format text not null,
  program_version text not null,
  state text not null default 'running',
  folder text,
  token uuid unique,
  started_at timestamptz not null default now(),
  beat_at timestamptz not null default now(),
  taken_at timestamptz,
  ended_at timestamptz,
  removed_at timestamptz,
  tables integer not null default 0,
  tables_done integer not null default 0,
  tables_reused integer not null default 0,
  rows bigint not null default 0,
  bytes bigint not null default 0,
  error text
);
create index snapshot_name on etl.snapshot (name, id);
comment on table etl.snapshot is 'snapshots: pictures of the tables and views at one time, written as files; see fhirmill snapshot';
comment on column etl.snapshot.id is 'the number of the snapshot';
comment on column etl.snapshot.name is 'the name of the [[snapshot]] in the settings file; null if it was made by fhirmill snapshot --to';
comment on column etl.snapshot.target is 'the folder that holds the snapshots';
comment on column etl.snapshot.format is 'the format of its files: parquet, arrow, csv or ndjson';
comment on column etl.snapshot.program_version is 'the version of fhirmill that wrote it';
comment on column etl.snapshot.state is 'running, complete or failed; one that is running without a living process was broken off';
comment on column etl.snapshot.folder is 'the name of its folder in the target';
comment on column etl.snapshot.token is 'a random number that is in its manifest, too; noted after the picture was taken, so a database that has it has everything that the picture shows';
comment on column etl.snapshot.started_at is 'when it began';
comment on column etl.snapshot.beat_at is 'when the process that writes it last told how far it is';
comment on column etl.snapshot.taken_at is 'the time of the picture: what was committed before is in it, what came later is not';
comment on column etl.snapshot.ended_at is 'when it was complete or had failed';
comment on column etl.snapshot.removed_at is 'when its files were removed to keep only the newer ones';
comment on column etl.snapshot.tables is 'how many tables and views it has';
comment on column etl.snapshot.tables_done is 'how many of these are written';
comment on column etl.snapshot.tables_reused is 'how many of these have not changed since the snapshot before and share its files';
comment on column etl.snapshot.rows is 'the rows of the tables that are written';
comment on column etl.snapshot.bytes is 'the bytes of their files';
comment on column etl.snapshot.error is 'why it failed';
