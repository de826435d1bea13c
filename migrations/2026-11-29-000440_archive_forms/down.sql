alter table etl.load_file drop column archive_removed_at;
alter table etl.load_file drop column stored_bytes;
