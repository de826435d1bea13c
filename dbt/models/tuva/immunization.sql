select i.id::text as immunization_id, i.patient_id::text as person_id, i.patient_id::text as patient_id, i.encounter_id::text as encounter_id,
       {{ tuva_code_system('i.vaccine_code_system') }} as source_code_type, i.vaccine_code as source_code,
       coalesce(i.vaccine_code_text, i.vaccine_code_display) as source_description, i.status, i.status_reason_code as status_reason,
       {{ day('i.occurrence_date_time_text') }} as occurrence_date,
       nullif(concat_ws(' ', i.dose_quantity_value, i.dose_quantity_unit), '') as source_dose, i.lot_number,
       coalesce(i.site_code, i.site_display) as body_site, coalesce(i.route_code, i.route_display) as route,
       i.location_id::text as location_id, x.actor_id::text as practitioner_id,
       i.last_updated::timestamp as ingest_datetime, {{ sender('i.source_id') }} as data_source
  from {{ source('fhirmill', 'immunization') }} i
  left join lateral (select x.actor_id from {{ source('fhirmill', 'immunization_performer') }} x
                      where x.immunization_id = i.id and x.actor_type = 'Practitioner' order by x.ordinal limit 1) x on true
