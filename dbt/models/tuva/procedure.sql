select r.id::text as source_procedure_id, r.patient_id::text as person_id, r.patient_id::text as patient_id, r.encounter_id::text as encounter_id,
       {{ day('r.performed_start_text') }} as procedure_date, {{ tuva_code_system('r.code_system') }} as code_system,
       r.code as source_code, coalesce(r.code_text, r.code_display) as source_description,
       null::text as modifier_1, null::text as modifier_2, null::text as modifier_3, null::text as modifier_4, null::text as modifier_5,
       x.actor_id::text as practitioner_id, r.last_updated::timestamp as ingest_datetime, {{ sender('r.source_id') }} as data_source
  from {{ source('fhirmill', 'procedure') }} r
  left join lateral (select x.actor_id from {{ source('fhirmill', 'procedure_performer') }} x
                      where x.procedure_id = r.id and x.actor_type = 'Practitioner' order by x.ordinal limit 1) x on true
 where coalesce(r.status, 'unknown') in ('completed', 'in-progress', 'stopped', 'unknown')
