select l.id::text as location_id, coalesce(i.value, o.npi) as npi, l.name, coalesce(l.type_display, l.type_text, l.type_code) as facility_type,
       coalesce(o.name, l.managing_organization_display) as parent_organization, array_to_string(l.address_line, ', ') as address,
       l.address_city as city, l.address_state as state, l.address_postal_code as zip_code,
       l.latitude::double precision as latitude, l.longitude::double precision as longitude, {{ sender('l.source_id') }} as data_source
  from {{ source('fhirmill', 'location') }} l
  left join {{ source('fhirmill', 'organization') }} o on o.id = l.managing_organization_id
  left join lateral (select i.value from {{ source('fhirmill', 'resource_identifier') }} i
                      where i.resource_type = 'Location' and i.resource_id = l.id and i.system = 'http://hl7.org/fhir/sid/us-npi'
                      order by not analytics.is_in_use(i."use", i.period_start, i.period_end), i.ordinal limit 1) i on true
 where l.container_id is null
