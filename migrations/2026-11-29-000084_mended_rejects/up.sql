-- Rejects of earlier versions that were mended since: the registry has a version of
-- the same resource that was read later.
update etl.rejected_record r set resolved_at = now(), resolved_by_file_id = v.file_id
  from etl.load_file f, etl.resource_key k, etl.resource_version v
 where r.resolved_at is null and f.id = r.file_id and k.source_id = f.source_id
   and k.resource_type = r.resource_type and k.fhir_id = r.fhir_id and v.id = k.id
   and v.content_hash is not null
   and (v.file_id > r.file_id or (v.file_id = r.file_id and v.position > r.position));
