{{ config(alias='death') }}
select p.id as person_id,
       {{ day('p.deceased_date_time_text') }} as death_date,
       {{ clock('p.deceased_date_time_text') }} as death_datetime,
       32817 as death_type_concept_id,
       0 as cause_concept_id,
       null::varchar(50) as cause_source_value,
       0 as cause_source_concept_id
  from {{ source('fhirmill', 'patient') }} p
  join {{ ref('omop_person') }} o on o.person_id = p.id
 where p.deceased_date_time is not null
