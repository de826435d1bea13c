-- The version rule is an order now: a version without a time or a number takes
-- what it lacks from the one it follows. All new columns are null for versions
-- that inherit nothing, so no row is rewritten.
alter table etl.resource_version
  add column inherited_at timestamptz,
  add column inherited_version bigint,
  add column dated_file_id bigint,
  add column dated_position bigint,
  add column content_since timestamptz,
  add column content_file_id bigint;
comment on column etl.resource_version.effective_at is 'when the version took effect: meta.lastUpdated, else what its Bundle says; null if neither gives a time';
comment on column etl.resource_version.inherited_at is 'for a version without a time: the time of the version it follows, by which it is compared';
comment on column etl.resource_version.inherited_version is 'for a version without a number: the number of the version it follows, by which it is compared';
comment on column etl.resource_version.dated_file_id is 'file of the first version with the time that counts; null if it is this version';
comment on column etl.resource_version.dated_position is 'position of the first version with the time that counts; null if it is this version';
comment on column etl.resource_version.content_since is 'when the content took effect; null if this version brought it';
comment on column etl.resource_version.content_file_id is 'the first file that brought the content; null if it is file_id';

-- What a file that is delivered again would change.
create table etl.superseded_file (
  file_id bigint primary key,
  first_by_file_id bigint not null,
  last_by_file_id bigint not null
);
comment on table etl.superseded_file is 'files that have a record which another file superseded and which would count again if the file were delivered again';
comment on column etl.superseded_file.file_id is 'the file';
comment on column etl.superseded_file.first_by_file_id is 'the first file that superseded a record of it';
comment on column etl.superseded_file.last_by_file_id is 'the last file that superseded a record of it';

create table etl.file_overlap (
  file_id bigint not null,
  content_file_id bigint not null,
  primary key (file_id, content_file_id)
);
comment on table etl.file_overlap is 'files with records whose content the tables had from an earlier file; a file that supersedes that one supersedes these too';
comment on column etl.file_overlap.file_id is 'the file';
comment on column etl.file_overlap.content_file_id is 'the file that brought the content first';

-- Since when a row of a current version has been there, if longer than the version.
create table etl.row_since (
  resource_id bigint not null,
  table_name text not null,
  ordinal integer not null,
  valid_from timestamptz not null,
  primary key (resource_id, table_name, ordinal)
);
comment on table etl.row_since is 'rows of names and addresses that earlier versions had too: since when they are valid';
comment on column etl.row_since.resource_id is 'key of the resource';
comment on column etl.row_since.table_name is 'the table that has the row';
comment on column etl.row_since.ordinal is 'the row''s position';
comment on column etl.row_since.valid_from is 'when the version that first had the row took effect';

-- Analysts can read the history: names and addresses of deleted patients leave it.
delete from patient_name_history h using etl.resource_version v
 where v.id = h.patient_id and v.deleted_at is not null;
delete from patient_address_history h using etl.resource_version v
 where v.id = h.patient_id and v.deleted_at is not null;
comment on column etl.load_file.sha256 is 'hash of its bytes: a file with the bytes of an earlier one is read only if it would change the tables';
comment on column etl.load_file.status is 'loading | loaded | duplicate (same bytes as a loaded file, and nothing to change) | rejected | failed | abandoned';
