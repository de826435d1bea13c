select p.patient_id::text as person_id, coalesce(p.medical_record_number, p.fhir_id) as patient_id,
       p.first_name, p.middle_name, p.last_name, n.suffix as name_suffix, coalesce(p.gender, 'unknown') as sex, p.race, p.ethnicity,
       p.birth_date, p.death_date, coalesce(p.is_deceased, false)::integer as death_flag, s.value as social_security_number,
       p.street as address, p.city, p.state, p.postal_code as zip_code, h.district as county,
       h.latitude::double precision as latitude, h.longitude::double precision as longitude, p.phone, p.email,
       r.last_updated::timestamp as ingest_datetime, p.source as data_source
  from {{ source('analytics', 'patient_summary') }} p
  join {{ source('fhirmill', 'patient') }} r on r.id = p.patient_id
  left join {{ source('analytics', 'current_name') }} n on n.patient_id = p.patient_id
  left join {{ source('analytics', 'home_address') }} h on h.patient_id = p.patient_id
  left join lateral (select i.value from {{ source('fhirmill', 'patient_identifier') }} i
                      where i.patient_id = p.patient_id and i.system = 'http://hl7.org/fhir/sid/us-ssn'
                      order by not analytics.is_in_use(i."use", i.period_start, i.period_end), i.ordinal limit 1) s on true
