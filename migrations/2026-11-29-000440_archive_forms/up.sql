-- How archived files are kept, and that retention has removed them.
alter table etl.load_file add column stored_bytes bigint;
alter table etl.load_file add column archive_removed_at timestamptz;
comment on column etl.load_file.stored_bytes is 'how many bytes the file takes in the archive where it lies compressed; null of files that are kept as they were sent';
comment on column etl.load_file.archive_removed_at is 'when retention removed the file from the archive; null while it is there';
