{{ config(alias='provider') }}
select p.id as provider_id,
       {{ cut("coalesce(p.name_text, nullif(concat_ws(' ', array_to_string(p.name_given, ' '), p.name_family), ''))", 255) }} as provider_name,
       {{ cut('p.npi', 20) }} as npi,
       null::varchar(20) as dea,
       0 as specialty_concept_id,
       r.organization_id as care_site_id,
       extract(year from p.birth_date)::integer as year_of_birth,
       case p.gender when 'male' then 8507 when 'female' then 8532 else 0 end as gender_concept_id,
       {{ cut('p.fhir_id') }} as provider_source_value,
       {{ cut('coalesce(r.specialty_display, r.specialty_code, r.code_display, r.code)') }} as specialty_source_value,
       0 as specialty_source_concept_id,
       {{ cut('p.gender') }} as gender_source_value,
       0 as gender_source_concept_id
  from {{ source('fhirmill', 'practitioner') }} p
  left join lateral (select r.* from {{ source('fhirmill', 'practitioner_role') }} r
                      where r.practitioner_id = p.id order by r.active desc nulls last, r.id limit 1) r on true
 where p.container_id is null
