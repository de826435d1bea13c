{{ config(alias='observation') }}
select o.value_id as observation_id,
       o.person_id,
       {{ concept('o.code_system', 'o.code') }} as observation_concept_id,
       o.value_date as observation_date,
       o.value_datetime as observation_datetime,
       32817 as observation_type_concept_id,
       o.value_number as value_as_number,
       {{ cut('o.value_text', 60) }} as value_as_string,
       0 as value_as_concept_id,
       0 as qualifier_concept_id,
       {{ concept("'http://unitsofmeasure.org'", 'o.unit') }} as unit_concept_id,
       null::bigint as provider_id,
       o.visit_occurrence_id,
       null::bigint as visit_detail_id,
       {{ cut('coalesce(o.code, o.name)') }} as observation_source_value,
       {{ source_concept('o.code_system', 'o.code') }} as observation_source_concept_id,
       {{ cut('o.unit') }} as unit_source_value,
       null::varchar(50) as qualifier_source_value,
       {{ cut('coalesce(o.value_code, o.value_text, o.value_number::text)') }} as value_source_value,
       null::bigint as observation_event_id,
       null::integer as obs_event_field_concept_id
  from {{ ref('omop_value') }} o
 where o.is_measurement is not true
union all
-- Allergies, as statements about a person.
select a.id * 256, a.patient_id, {{ concept('a.code_system', 'a.code') }},
       {{ day('coalesce(a.onset_start_text, a.recorded_date_text)') }}, {{ clock('coalesce(a.onset_start_text, a.recorded_date_text)') }},
       32817, null, {{ cut('coalesce(a.code_text, a.code_display)', 60) }}, 0, 0, 0, null, v.visit_occurrence_id, null,
       {{ cut('coalesce(a.code, a.code_text)') }}, {{ source_concept('a.code_system', 'a.code') }}, null, null,
       {{ cut('a.criticality') }}, null, null
  from {{ source('fhirmill', 'allergy_intolerance') }} a
  join {{ ref('omop_person') }} p on p.person_id = a.patient_id
  left join {{ ref('omop_visit_occurrence') }} v on v.visit_occurrence_id = a.encounter_id
 where coalesce(a.onset_start_text, a.recorded_date_text) is not null
   and coalesce(a.verification_status, '') not in ('refuted', 'entered-in-error')
