drop index etl.load_file_path;
drop index etl.upload_queued;
alter table etl.upload drop column loaded_at;
