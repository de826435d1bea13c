select p.id::text as practitioner_id, p.npi, p.name_given[1] as first_name, p.name_family as last_name,
       coalesce(o.name, r.organization_display) as practice_affiliation,
       coalesce(r.specialty_display, r.code_display, r.code_text) as specialty, null::text as sub_specialty, {{ sender('p.source_id') }} as data_source
  from {{ source('fhirmill', 'practitioner') }} p
  left join lateral (select r.* from {{ source('fhirmill', 'practitioner_role') }} r
                      where r.practitioner_id = p.id order by r.active desc nulls last, r.id limit 1) r on true
  left join {{ source('fhirmill', 'organization') }} o on o.id = r.organization_id
 where p.container_id is null
