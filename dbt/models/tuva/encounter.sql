select e.id::text as encounter_id, e.patient_id::text as person_id, e.patient_id::text as patient_id,
       case when e.class_code in ('IMP', 'ACUTE', 'inpatient') then 'acute inpatient'
            when e.class_code = 'NONAC' then 'inpatient skilled nursing'
            when e.class_code in ('EMER', 'emergency') then 'emergency department'
            when e.class_code = 'HH' then 'home health'
            when e.class_code = 'VR' then 'telehealth'
            when e.class_code in ('AMB', 'outpatient', 'ambulatory') then 'office visit'
            else 'other' end as encounter_type,
       {{ day('e.period_start_text') }} as encounter_start_date,
       coalesce({{ day('e.period_end_text') }}, {{ day('e.period_start_text') }}) as encounter_end_date,
       e.admit_source_code, null::text as admit_type_code, e.discharge_disposition_code,
       x.practitioner_id::text as attending_provider_id, coalesce(x.name, x.individual_display) as attending_provider_name,
       o.npi as facility_npi, coalesce(o.name, e.service_provider_display) as facility_name,
       {{ tuva_code_system('d.code_system') }} as primary_diagnosis_code_type, d.code as primary_diagnosis_code,
       null::text as drg_code_type, null::text as drg_code,
       null::numeric as paid_amount, null::numeric as allowed_amount, null::numeric as charge_amount,
       e.last_updated::timestamp as ingest_datetime, {{ sender('e.source_id') }} as data_source
  from {{ source('fhirmill', 'encounter') }} e
  left join {{ source('fhirmill', 'organization') }} o on o.id = e.service_provider_id
  left join lateral (select x.practitioner_id, x.individual_display,
                            coalesce(p.name_text, nullif(concat_ws(' ', array_to_string(p.name_given, ' '), p.name_family), '')) as name
                       from {{ source('fhirmill', 'encounter_participant') }} x
                       left join {{ source('fhirmill', 'practitioner') }} p on p.id = x.practitioner_id
                      where x.encounter_id = e.id order by x.type_code in ('PPRF', 'ATND') desc nulls last, x.ordinal limit 1) x on true
  left join lateral (select c.code_system, c.code from {{ source('fhirmill', 'encounter_diagnosis') }} d
                       join {{ source('fhirmill', 'condition') }} c on c.id = d.condition_id
                      where d.encounter_id = e.id and c.code is not null order by d.rank, d.ordinal limit 1) d on true
 where e.period_start_text is not null and coalesce(e.status, '') not in ('planned', 'cancelled', 'entered-in-error')
