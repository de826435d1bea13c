{{ config(alias='visit_occurrence') }}
select e.id as visit_occurrence_id,
       e.patient_id as person_id,
       case when e.class_code in ('IMP', 'ACUTE', 'NONAC', 'inpatient') then 9201
            when e.class_code in ('EMER', 'emergency') then 9203
            when e.class_code in ('AMB', 'SS', 'outpatient', 'ambulatory') then 9202
            when e.class_code = 'HH' then 581476
            when e.class_code = 'VR' then 5083
            else 0 end as visit_concept_id,
       {{ day('e.period_start_text') }} as visit_start_date,
       {{ clock('e.period_start_text') }} as visit_start_datetime,
       coalesce({{ day('e.period_end_text') }}, {{ day('e.period_start_text') }}) as visit_end_date,
       {{ clock('coalesce(e.period_end_text, e.period_start_text)') }} as visit_end_datetime,
       32817 as visit_type_concept_id,
       x.practitioner_id as provider_id,
       e.service_provider_id as care_site_id,
       {{ cut('e.class_code') }} as visit_source_value,
       0 as visit_source_concept_id,
       0 as admitted_from_concept_id,
       {{ cut('e.admit_source_code') }} as admitted_from_source_value,
       0 as discharged_to_concept_id,
       {{ cut('e.discharge_disposition_code') }} as discharged_to_source_value,
       lag(e.id) over (partition by e.patient_id order by e.period_start, e.id) as preceding_visit_occurrence_id
  from {{ source('fhirmill', 'encounter') }} e
  join {{ ref('omop_person') }} p on p.person_id = e.patient_id
  left join lateral (select x.practitioner_id from {{ source('fhirmill', 'encounter_participant') }} x
                      where x.encounter_id = e.id and x.practitioner_id is not null
                      order by x.type_code in ('PPRF', 'ATND') desc nulls last, x.ordinal limit 1) x on true
 where e.period_start is not null and coalesce(e.status, '') not in ('planned', 'cancelled', 'entered-in-error')
