{{ config(alias='procedure_occurrence') }}
select r.id as procedure_occurrence_id,
       r.patient_id as person_id,
       {{ concept('r.code_system', 'r.code') }} as procedure_concept_id,
       {{ day('r.performed_start_text') }} as procedure_date,
       {{ clock('r.performed_start_text') }} as procedure_datetime,
       {{ day('r.performed_end_text') }} as procedure_end_date,
       {{ clock('r.performed_end_text') }} as procedure_end_datetime,
       32817 as procedure_type_concept_id,
       0 as modifier_concept_id,
       1 as quantity,
       x.actor_id as provider_id,
       v.visit_occurrence_id,
       null::bigint as visit_detail_id,
       {{ cut('coalesce(r.code, r.code_text)') }} as procedure_source_value,
       {{ source_concept('r.code_system', 'r.code') }} as procedure_source_concept_id,
       null::varchar(50) as modifier_source_value
  from {{ source('fhirmill', 'procedure') }} r
  join {{ ref('omop_person') }} p on p.person_id = r.patient_id
  left join {{ ref('omop_visit_occurrence') }} v on v.visit_occurrence_id = r.encounter_id
  left join lateral (select x.actor_id from {{ source('fhirmill', 'procedure_performer') }} x
                      where x.procedure_id = r.id and x.actor_type = 'Practitioner' order by x.ordinal limit 1) x on true
 where r.performed_start_text is not null and coalesce(r.status, 'unknown') in ('completed', 'in-progress', 'stopped', 'unknown')
