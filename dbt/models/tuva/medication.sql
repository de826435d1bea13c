-- Prescriptions, dispenses and administrations of clinical systems.
with record as (
  select r.id, r.source_id, r.patient_id, r.encounter_id, null::text as dispensed, r.authored_on_text as prescribed,
         r.medication_system as system, r.medication_code as code, coalesce(r.medication_text, r.medication_display) as name, r.medication_id,
         d.route_display as route, r.dispense_quantity_value as quantity, r.dispense_quantity_unit as unit,
         r.dispense_expected_supply_duration_value as days_supply, case when r.requester_type = 'Practitioner' then r.requester_id end as practitioner_id, r.last_updated
    from {{ source('fhirmill', 'medication_request') }} r
    left join lateral (select d.route_display from {{ source('fhirmill', 'medication_request_dosage') }} d
                        where d.medication_request_id = r.id order by d.ordinal limit 1) d on true
   where coalesce(r.status, '') not in ('draft', 'entered-in-error') and coalesce(r.do_not_perform, false) = false
  union all
  select d.id, d.source_id, d.patient_id, d.encounter_id, coalesce(d.when_handed_over_text, d.when_prepared_text), q.authored_on_text,
         d.medication_system, d.medication_code, coalesce(d.medication_text, d.medication_display), d.medication_id,
         null, d.quantity_value, d.quantity_unit, d.days_supply_value, case when q.requester_type = 'Practitioner' then q.requester_id end, d.last_updated
    from {{ source('fhirmill', 'medication_dispense') }} d
    left join {{ source('fhirmill', 'medication_request') }} q on q.id = d.authorizing_prescription_id
   where coalesce(d.status, 'unknown') in ('completed', 'unknown')
  union all
  select a.id, a.source_id, a.patient_id, a.encounter_id, a.effective_start_text, null,
         a.medication_system, a.medication_code, coalesce(a.medication_text, a.medication_display), a.medication_id,
         a.dosage_route_display, a.dosage_dose_value, a.dosage_dose_unit, null, null, a.last_updated
    from {{ source('fhirmill', 'medication_administration') }} a
   where coalesce(a.status, 'unknown') in ('completed', 'in-progress', 'unknown'))
select x.id::text as medication_id, x.patient_id::text as person_id, x.patient_id::text as patient_id, x.encounter_id::text as encounter_id,
       {{ day('x.dispensed') }} as dispensing_date, {{ day('x.prescribed') }} as prescribing_date,
       {{ tuva_code_system('coalesce(x.system, m.code_system)') }} as source_code_type, coalesce(x.code, m.code) as source_code,
       coalesce(x.name, m.code_text, m.code_display) as source_description,
       case when coalesce(x.system, m.code_system) = 'http://hl7.org/fhir/sid/ndc' then replace(coalesce(x.code, m.code), '-', '') end as ndc_code,
       case when coalesce(x.system, m.code_system) = 'http://www.nlm.nih.gov/research/umls/rxnorm' then coalesce(x.code, m.code) end as rxnorm_code,
       null::text as atc_code, x.route, null::text as strength, x.quantity, x.unit as quantity_unit, x.days_supply,
       x.practitioner_id::text as practitioner_id, x.last_updated::timestamp as ingest_datetime, {{ sender('x.source_id') }} as data_source
  from record x
  left join {{ source('fhirmill', 'medication') }} m on m.id = x.medication_id
