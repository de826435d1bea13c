-- What the operator's page asks for, it finds by an index: nothing is counted.
create index load_file_run on etl.load_file (load_run_id);
create index load_file_source_started on etl.load_file (source_id, started_at);
create index load_file_not_loaded on etl.load_file (status, id) where status in ('rejected', 'failed', 'abandoned');
-- Files are appended in the order of time, so this needs next to no room.
create index load_file_started on etl.load_file using brin (started_at) with (pages_per_range = 16);
-- The rejects of a file in their order.
drop index etl.rejected_record_file;
create index rejected_record_file on etl.rejected_record (file_id, id);
create index rejected_record_open on etl.rejected_record (reason, id)
  where retried_at is null and resolved_at is null and dismissed_at is null;
create index audit_event_sender on etl.audit_event (sender_id, occurred_at) where sender_id is not null;
-- The upload that a file came by. Paths may be longer than a B-tree takes.
create index upload_landed_path on etl.upload using hash (landed_path);
