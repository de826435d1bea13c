drop index etl.rejected_record_identity;
alter table etl.rejected_record
  drop column resolved_at,
  drop column resolved_by_file_id,
  drop column dismissed_at,
  drop column note;
comment on column etl.rejected_record.retried_at is 'when a retry loaded it';
