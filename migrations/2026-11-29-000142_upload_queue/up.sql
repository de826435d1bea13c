-- Which pushed files are still queued, without asking the ledger for each; and the
-- file that an upload became, by its path. Paths may be longer than a B-tree takes.
alter table etl.upload add column loaded_at timestamptz;
comment on column etl.upload.loaded_at is 'when it was seen that the account of its file is closed; null while it is queued or loading';
create index upload_queued on etl.upload (sender_id) where loaded_at is null and status in ('completing', 'completed');
create index load_file_path on etl.load_file using hash (path);
