-- Every value of an observation: results and vital signs become measurements, all
-- others observations. The key has room for 255 components of an observation.
select o.observation_id * 256 + o.component_ordinal as value_id,
       o.observation_id, o.component_ordinal, o.patient_id as person_id, v.visit_occurrence_id,
       o.category_code in ('laboratory', 'vital-signs') as is_measurement,
       {{ day('b.effective_start_text') }} as value_date, {{ clock('b.effective_start_text') }} as value_datetime,
       o.code_system, o.code, o.name, o.value_number, o.comparator, o.unit, o.value_text, o.value_code,
       o.normal_low, o.normal_high
  from {{ source('analytics', 'observation_value') }} o
  join {{ source('fhirmill', 'observation') }} b on b.id = o.observation_id
  join {{ ref('omop_person') }} p on p.person_id = o.patient_id
  left join {{ ref('omop_visit_occurrence') }} v on v.visit_occurrence_id = o.encounter_id
 where b.effective_start_text is not null and o.component_ordinal < 256
   and coalesce(o.status, 'unknown') not in ('registered', 'cancelled', 'entered-in-error')
