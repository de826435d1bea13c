drop table etl.row_since, etl.file_overlap, etl.superseded_file;
-- Versions before this migration know of no duplicates.
delete from etl.load_file where status = 'duplicate';
comment on column etl.resource_version.effective_at is 'when the version took effect: meta.lastUpdated, else what its Bundle says';
alter table etl.resource_version
  drop column inherited_at,
  drop column inherited_version,
  drop column dated_file_id,
  drop column dated_position,
  drop column content_since,
  drop column content_file_id;
comment on column etl.load_file.sha256 is 'hash of its bytes: the same content of the same source is not loaded twice';
comment on column etl.load_file.status is 'loading | loaded | duplicate | rejected | failed | abandoned';
