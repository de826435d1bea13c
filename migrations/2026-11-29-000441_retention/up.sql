-- Retention removes old files, the text of old rejects, and rows of the ledger that nothing needs.
alter table etl.rejected_record add column raw_removed_at timestamptz;
comment on column etl.rejected_record.raw_removed_at is 'when retention removed the text of the record; null while it is kept';

alter table etl.source add column pruned_file_id bigint;
comment on column etl.source.pruned_file_id is 'up to this number, the ledger has no longer all files of the source: retention has removed rows of etl.load_file; null if it has none';
