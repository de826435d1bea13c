-- One row a member, payer and month, with the practitioner of patient_attribution.
select distinct m.patient_id::text as person_id, coalesce(c.subscriber_id, c.fhir_id) as member_id, to_char(m.month, 'YYYY-MM') as year_month,
       coalesce(m.payer_name, 'unknown') as payer, coalesce(m.plan_name, m.payer_name, 'unknown') as plan,
       null::text as payer_attributed_provider, null::text as payer_attributed_provider_practice,
       null::text as payer_attributed_provider_organization, null::text as payer_attributed_provider_lob,
       coalesce(a.npi, a.practitioner_id::text) as custom_attributed_provider, null::text as custom_attributed_provider_practice,
       null::text as custom_attributed_provider_organization, null::text as custom_attributed_provider_lob,
       null::text as file_name, null::timestamp as ingest_datetime, a.source as data_source
  from {{ source('analytics', 'member_months') }} m
  join {{ source('fhirmill', 'coverage') }} c on c.id = m.coverage_id
  join {{ source('analytics', 'patient_attribution') }} a on a.patient_id = m.patient_id
 where m.container_id is null
