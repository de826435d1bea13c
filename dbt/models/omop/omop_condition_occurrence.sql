{{ config(alias='condition_occurrence') }}
select c.id as condition_occurrence_id,
       c.patient_id as person_id,
       {{ concept('c.code_system', 'c.code') }} as condition_concept_id,
       {{ day('coalesce(c.onset_start_text, c.recorded_date_text, e.period_start_text)') }} as condition_start_date,
       {{ clock('coalesce(c.onset_start_text, c.recorded_date_text, e.period_start_text)') }} as condition_start_datetime,
       {{ day('c.abatement_start_text') }} as condition_end_date,
       {{ clock('c.abatement_start_text') }} as condition_end_datetime,
       case when c.category_code = 'problem-list-item' then 32840 else 32827 end as condition_type_concept_id,
       0 as condition_status_concept_id,
       null::varchar(20) as stop_reason,
       null::bigint as provider_id,
       v.visit_occurrence_id,
       null::bigint as visit_detail_id,
       {{ cut('coalesce(c.code, c.code_text)') }} as condition_source_value,
       {{ source_concept('c.code_system', 'c.code') }} as condition_source_concept_id,
       {{ cut('c.clinical_status') }} as condition_status_source_value
  from {{ source('fhirmill', 'condition') }} c
  join {{ ref('omop_person') }} p on p.person_id = c.patient_id
  left join {{ source('fhirmill', 'encounter') }} e on e.id = c.encounter_id
  left join {{ ref('omop_visit_occurrence') }} v on v.visit_occurrence_id = c.encounter_id
 where coalesce(c.onset_start_text, c.recorded_date_text, e.period_start_text) is not null
   and coalesce(c.verification_status, '') not in ('refuted', 'entered-in-error')
