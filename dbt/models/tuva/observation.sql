-- Every value that is not of category laboratory.
select o.observation_id::text || case when o.component_ordinal > 0 then '-' || o.component_ordinal else '' end as observation_id,
       o.patient_id::text as person_id, o.patient_id::text as patient_id, o.encounter_id::text as encounter_id,
       case when o.component_ordinal > 0 then o.observation_id::text end as panel_id,
       {{ day('b.effective_start_text') }} as observation_date, coalesce(o.category_code, 'other') as observation_type,
       {{ tuva_code_system('o.code_system') }} as source_code_type, o.code as source_code, o.name as source_description,
       coalesce(o.comparator, '') || coalesce(o.value_number::text, o.value_text) as result,
       o.unit as source_units, null::text as normalized_units, o.normal_low::text as source_reference_range_low, o.normal_high::text as source_reference_range_high,
       null::text as normalized_reference_range_low, null::text as normalized_reference_range_high,
       b.last_updated::timestamp as ingest_datetime, {{ sender('b.source_id') }} as data_source
  from {{ source('analytics', 'observation_value') }} o
  join {{ source('fhirmill', 'observation') }} b on b.id = o.observation_id
 where o.category_code is distinct from 'laboratory' and coalesce(o.status, 'unknown') not in ('registered', 'cancelled', 'entered-in-error')
