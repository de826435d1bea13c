alter table etl.export_file drop column header_count;
alter table etl.export_job drop column retries;
alter table etl.feed
  drop column last_failure_at,
  drop column last_failure,
  drop column last_advice,
  drop column requested_at,
  drop column next_run_at,
  drop column files,
  drop column bytes,
  drop column records,
  drop column retries,
  drop column lag_records,
  drop column lag_seconds;
