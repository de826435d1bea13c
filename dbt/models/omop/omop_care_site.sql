{{ config(alias='care_site') }}
select o.id as care_site_id,
       {{ cut('o.name', 255) }} as care_site_name,
       0 as place_of_service_concept_id,
       (select min(l.id) from {{ source('fhirmill', 'location') }} l where l.managing_organization_id = o.id) as location_id,
       {{ cut('coalesce(o.npi, o.fhir_id)') }} as care_site_source_value,
       {{ cut('coalesce(o.type_display, o.type_code)') }} as place_of_service_source_value
  from {{ source('fhirmill', 'organization') }} o
 where o.container_id is null
