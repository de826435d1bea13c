-- The folders are not known here, so the paths stay relative. Versions before
-- this migration look for them in their working directory: start them in the
-- archive to use `show` and `remap`.
comment on column etl.load_file.archive_path is 'where it lies now: in the archive, or in rejects';
