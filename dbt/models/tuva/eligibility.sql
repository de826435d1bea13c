-- One row a coverage. Coverages that are contained in claims have no period and are
-- left out.
select c.patient_id::text as person_id,
       coalesce(c.subscriber_id, c.fhir_id) as member_id,
       c.subscriber_id,
       coalesce(c.relationship_display, c.relationship_code) as subscriber_relation,
       {{ day('c.period_start_text') }} as enrollment_start_date,
       coalesce({{ day('c.period_end_text') }}, date '9999-12-31') as enrollment_end_date,
       coalesce(o.name, c.payor_display, 'unknown') as payer,
       'commercial'::text as payer_type,
       coalesce(c.plan_name, o.name, c.payor_display, 'unknown') as plan,
       p.first_name, p.middle_name, p.last_name, null::text as name_suffix, s.value as social_security_number,
       p.street as address, p.city, p.state, p.postal_code as zip_code, p.phone, p.email,
       p.ethnicity, coalesce(p.gender, 'unknown') as sex, p.race, p.birth_date, p.death_date, p.is_deceased::integer as death_flag,
       null::text as original_reason_entitlement_code, null::text as dual_status_code, null::text as medicare_status_code,
       null::text as enrollment_status, null::integer as hospice_flag, null::integer as institutional_snp_flag, null::integer as medicaid_indicator,
       null::integer as long_term_institutional_flag, null::text as part_d_raf_type, null::integer as low_income_subsidy_indicator,
       null::text as metal_level, null::integer as csr_indicator, null::integer as enrollment_duration_months, null::integer as esrd_status,
       null::integer as transplant_duration_months, c.group_number as group_id, null::text as group_name,
       null::text as file_name, null::date as file_date, c.last_updated::timestamp as ingest_datetime, {{ sender('c.source_id') }} as data_source
  from {{ source('fhirmill', 'coverage') }} c
  join {{ source('analytics', 'patient_summary') }} p on p.patient_id = c.patient_id
  left join {{ source('fhirmill', 'organization') }} o on o.id = c.payor_id
  left join lateral (select i.value from {{ source('fhirmill', 'patient_identifier') }} i
                      where i.patient_id = c.patient_id and i.system = 'http://hl7.org/fhir/sid/us-ssn'
                      order by not analytics.is_in_use(i."use", i.period_start, i.period_end), i.ordinal limit 1) s on true
 where c.container_id is null and c.period_start_text is not null and coalesce(c.status, 'active') in ('active', 'cancelled')
