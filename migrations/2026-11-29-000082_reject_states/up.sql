-- Rejects resolve when the mended record has loaded, and can be dismissed.
alter table etl.rejected_record
  add column resolved_at timestamptz,
  add column resolved_by_file_id bigint,
  add column dismissed_at timestamptz,
  add column note text;
comment on column etl.rejected_record.retried_at is 'when fhirmill retry put it into the inbox again; if it is rejected again, that is a reject of its own';
comment on column etl.rejected_record.resolved_at is 'when a mended record of the same source, type and id, or the retried record, had loaded; null until then';
comment on column etl.rejected_record.resolved_by_file_id is 'the file that brought the mended record, etl.load_file';
comment on column etl.rejected_record.dismissed_at is 'when an operator dismissed it (fhirmill rejects dismiss)';
comment on column etl.rejected_record.note is 'why it was dismissed, in the operator''s words';
create index rejected_record_identity on etl.rejected_record (resource_type, fhir_id)
 where resolved_at is null and dismissed_at is null and fhir_id is not null;
