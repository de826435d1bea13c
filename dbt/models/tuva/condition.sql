select c.id::text as source_condition_id, c.patient_id::text as person_id, c.patient_id::text as patient_id, c.encounter_id::text as encounter_id,
       {{ day('c.recorded_date_text') }} as recorded_date, {{ day('c.onset_start_text') }} as onset_date, {{ day('c.abatement_start_text') }} as resolved_date,
       c.clinical_status as status,
       case c.category_code when 'encounter-diagnosis' then 'encounter diagnosis' when 'problem-list-item' then 'problem' else c.category_code end as condition_type,
       {{ tuva_code_system('c.code_system') }} as code_system, c.code as source_code, coalesce(c.code_text, c.code_display) as source_description,
       d.rank as condition_rank, null::text as present_on_admit_code,
       c.last_updated::timestamp as ingest_datetime, {{ sender('c.source_id') }} as data_source
  from {{ source('fhirmill', 'condition') }} c
  left join lateral (select d.rank from {{ source('fhirmill', 'encounter_diagnosis') }} d
                      where d.encounter_id = c.encounter_id and d.condition_id = c.id order by d.rank, d.ordinal limit 1) d on true
 where coalesce(c.verification_status, '') not in ('refuted', 'entered-in-error')
