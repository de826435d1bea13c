-- A ledger of 100,000 files of 20 sources, a million rejects, a million keys and unresolved
-- references.
insert into etl.source (code) select 'source-' || lpad(n::text, 2, '0') from generate_series(1, 20) n on conflict do nothing;
insert into etl.load_run (started_at, finished_at, program_version, command, status, counts)
select now() - (2001 - n) * interval '20 minutes', now() - (2001 - n) * interval '20 minutes' + interval '90 seconds',
       '0.1.0', 'run', 'finished', '{"files": 50, "seen": 5010, "inserted": 5000, "updated": 0, "unchanged": 0, "stale": 0, "deleted": 0, "rejected": 10, "skipped": 0}'
  from generate_series(1, 2000) n;
insert into etl.load_file (load_run_id, source_id, path, size_bytes, sha256, status, started_at, finished_at, archive_path, form, seen, inserted, updated, unchanged, stale, deleted, rejected, skipped, error)
select r.id, 1 + (r.id + f / 10) % 20, 'source/' || r.id || '-' || f || '.ndjson', 1000000, sha256(convert_to(r.id || '-' || f, 'UTF8')),
       case when f = 7 and r.id % 10 = 0 then 'rejected' else 'loaded' end, r.started_at + f * interval '1 second', r.started_at + f * interval '1 second',
       'source/' || r.id || '-' || f || '.ndjson', 'NDJSON', 110, 100, 0, 0, 0, 0, 10, 0, case when f = 7 and r.id % 10 = 0 then 'the file ends early' end
  from etl.load_run r, generate_series(1, 50) f;
insert into etl.rejected_record (file_id, position, location, resource_type, fhir_id, reason, message, raw, created_at, resolved_at)
select f.id, n, 'line ' || n, 'Patient', 'p' || f.id || '-' || n, (array['invalid_value', 'not_json', 'unknown_resource_type', 'too_large'])[1 + n % 4],
       'Patient.birthDate: not a date', convert_to('{"resourceType":"Patient","id":"p"}', 'UTF8'), f.started_at, case when f.id % 3 = 0 then f.finished_at end
  from etl.load_file f, generate_series(1, 10) n;
insert into etl.resource_key (source_id, resource_type, fhir_id) select 1 + n % 20, 'Observation', 'o' || n from generate_series(1, 1000000) n;
insert into etl.unresolved_reference (resource_id, resource_type, system, value) select id, 'Patient', 'reference', 'https://ehr.example.org/Patient/' || id from etl.resource_key;
