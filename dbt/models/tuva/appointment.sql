select a.id::text as appointment_id, a.patient_id::text as person_id, a.patient_id::text as patient_id, null::text as encounter_id,
       {{ clock('a.start_time_text') }} as start_datetime, {{ clock('a.end_time_text') }} as end_datetime,
       coalesce(a.minutes_duration, least(extract(epoch from a.end_time - a.start_time) / 60, 1000000)::integer) as duration,
       l.actor_id::text as location_id, x.actor_id::text as practitioner_id,
       coalesce(a.appointment_type_code, a.service_type_code) as type_code, coalesce(a.appointment_type_display, a.service_type_display) as type_description,
       a.status as status_code, a.status as status_description, coalesce(a.reason_code_text, a.reason_code_display, a.description) as reason,
       coalesce(a.cancelation_reason_display, a.cancelation_reason_code) as cancellation_reason, {{ sender('a.source_id') }} as data_source
  from {{ source('fhirmill', 'appointment') }} a
  left join lateral (select x.actor_id from {{ source('fhirmill', 'appointment_participant') }} x
                      where x.appointment_id = a.id and x.actor_type = 'Location' order by x.ordinal limit 1) l on true
  left join lateral (select x.actor_id from {{ source('fhirmill', 'appointment_participant') }} x
                      where x.appointment_id = a.id and x.actor_type = 'Practitioner' order by x.ordinal limit 1) x on true
