{{ config(alias='person') }}
-- People whose year of birth is known, as OMOP requires it.
select p.id as person_id,
       case p.gender when 'male' then 8507 when 'female' then 8532 else 0 end as gender_concept_id,
       extract(year from p.birth_date)::integer as year_of_birth,
       case when length(p.birth_date_text) >= 7 then extract(month from p.birth_date)::integer end as month_of_birth,
       case when length(p.birth_date_text) >= 10 then extract(day from p.birth_date)::integer end as day_of_birth,
       case when length(p.birth_date_text) >= 10 then coalesce({{ clock('p.birth_time_text') }}, p.birth_date::timestamp) end as birth_datetime,
       case p.race_code when '2106-3' then 8527 when '2054-5' then 8516 when '2028-9' then 8515 when '1002-5' then 8657 when '2076-8' then 8557 else 0 end as race_concept_id,
       case p.ethnicity_code when '2135-2' then 38003563 when '2186-5' then 38003564 else 0 end as ethnicity_concept_id,
       case when h.patient_id is not null then p.id end as location_id,
       a.practitioner_id as provider_id,
       p.managing_organization_id as care_site_id,
       {{ cut('p.fhir_id') }} as person_source_value,
       {{ cut('p.gender') }} as gender_source_value,
       0 as gender_source_concept_id,
       {{ cut('coalesce(p.race_display, p.race_text, p.race_code)') }} as race_source_value,
       0 as race_source_concept_id,
       {{ cut('coalesce(p.ethnicity_display, p.ethnicity_text, p.ethnicity_code)') }} as ethnicity_source_value,
       0 as ethnicity_source_concept_id
  from {{ source('fhirmill', 'patient') }} p
  left join {{ source('analytics', 'home_address') }} h on h.patient_id = p.id
  left join {{ source('analytics', 'patient_attribution') }} a on a.patient_id = p.id
 where p.birth_date is not null and p.container_id is null
