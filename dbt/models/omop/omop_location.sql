{{ config(alias='location') }}
-- Homes, by the key of the patient, and places of care.
select h.patient_id as location_id,
       {{ cut('h.street') }} as address_1, null::varchar(50) as address_2, {{ cut('h.city') }} as city,
       {{ cut('h.state', 2) }} as state, {{ cut('h.postal_code', 9) }} as zip, {{ cut('h.district', 20) }} as county,
       {{ cut("'Patient/' || h.patient_id") }} as location_source_value,
       0 as country_concept_id, {{ cut('h.country', 80) }} as country_source_value, h.latitude, h.longitude
  from {{ source('analytics', 'home_address') }} h
union all
select l.id, {{ cut("array_to_string(l.address_line, ', ')") }}, null, {{ cut('l.address_city') }},
       {{ cut('l.address_state', 2) }}, {{ cut('l.address_postal_code', 9) }}, {{ cut('l.address_district', 20) }},
       {{ cut("coalesce(l.name, 'Location/' || l.id)") }}, 0, {{ cut('l.address_country', 80) }}, l.position_latitude, l.position_longitude
  from (select l.*, l.latitude as position_latitude, l.longitude as position_longitude from {{ source('fhirmill', 'location') }} l) l
