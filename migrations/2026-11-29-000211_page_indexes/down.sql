drop index etl.upload_landed_path;
drop index etl.audit_event_sender;
drop index etl.rejected_record_open;
drop index etl.rejected_record_file;
create index rejected_record_file on etl.rejected_record (file_id);
drop index etl.load_file_started;
drop index etl.load_file_not_loaded;
drop index etl.load_file_source_started;
drop index etl.load_file_run;
