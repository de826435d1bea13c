-- Every value of category laboratory; the parts of a panel are rows of their own.
select o.observation_id::text || case when o.component_ordinal > 0 then '-' || o.component_ordinal else '' end as lab_result_id,
       o.patient_id::text as person_id, o.patient_id::text as patient_id, o.encounter_id::text as encounter_id,
       s.accession_identifier_value as accession_number,
       {{ tuva_code_system('r.code_system') }} as source_order_type, r.code as source_order_code, coalesce(r.code_text, r.code_display) as source_order_description,
       {{ tuva_code_system('o.code_system') }} as source_component_type, o.code as source_component_code, o.name as source_component_description,
       o.status, coalesce(o.comparator, '') || coalesce(o.value_number::text, o.value_text) as result,
       coalesce({{ clock('b.issued_text') }}, {{ clock('b.effective_start_text') }}) as result_datetime,
       coalesce({{ clock('s.collected_start_text') }}, {{ clock('b.effective_start_text') }}) as collection_datetime,
       o.unit as source_units, null::text as normalized_units, o.normal_low::text as source_reference_range_low, o.normal_high::text as source_reference_range_high,
       null::text as normalized_reference_range_low, null::text as normalized_reference_range_high,
       o.interpretation_code as source_abnormal_flag, null::text as normalized_abnormal_flag,
       coalesce(s.type_display, s.type_text, s.type_code) as specimen, null::text as ordering_practitioner_id,
       b.last_updated::timestamp as ingest_datetime, {{ sender('b.source_id') }} as data_source
  from {{ source('analytics', 'observation_value') }} o
  join {{ source('fhirmill', 'observation') }} b on b.id = o.observation_id
  left join {{ source('fhirmill', 'specimen') }} s on s.id = b.specimen_id
  left join lateral (select d.code_system, d.code, d.code_text, d.code_display
                       from {{ source('fhirmill', 'diagnostic_report_result') }} t
                       join {{ source('fhirmill', 'diagnostic_report') }} d on d.id = t.diagnostic_report_id
                      where b.patient_id is not null and t.patient_id = b.patient_id and t.observation_id = b.id order by d.id limit 1) r on true
 where o.category_code = 'laboratory' and coalesce(o.status, 'unknown') not in ('registered', 'cancelled', 'entered-in-error')
