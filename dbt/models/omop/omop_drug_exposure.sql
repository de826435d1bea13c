{{ config(alias='drug_exposure') }}
-- Prescriptions, dispenses, administrations and vaccinations. Keys are unique over all
-- types of resources.
with exposure as (
  select r.id, r.patient_id, r.encounter_id, r.authored_on_text as started, null::text as ended,
         coalesce(r.dispense_expected_supply_duration_value, 1) as days, 32838 as type_concept_id,
         r.medication_system as system, r.medication_code as code, coalesce(r.medication_display, r.medication_text) as name, r.medication_id,
         r.dispense_number_of_repeats_allowed as refills, r.dispense_quantity_value as quantity, r.dispense_expected_supply_duration_value as days_supply,
         r.requester_id as provider_id, r.requester_type as provider_type, r.dispense_quantity_unit as unit, null::text as lot_number
    from {{ source('fhirmill', 'medication_request') }} r
   where coalesce(r.status, '') not in ('cancelled', 'draft', 'entered-in-error') and coalesce(r.do_not_perform, false) = false
  union all
  select d.id, d.patient_id, d.encounter_id, coalesce(d.when_handed_over_text, d.when_prepared_text), null, coalesce(d.days_supply_value, 1), 32825,
         d.medication_system, d.medication_code, coalesce(d.medication_display, d.medication_text), d.medication_id,
         null, d.quantity_value, d.days_supply_value, null, null, d.quantity_unit, null
    from {{ source('fhirmill', 'medication_dispense') }} d
   where coalesce(d.status, 'unknown') in ('completed', 'unknown')
  union all
  select a.id, a.patient_id, a.encounter_id, a.effective_start_text, a.effective_end_text, 1, 32818,
         a.medication_system, a.medication_code, coalesce(a.medication_display, a.medication_text), a.medication_id,
         null, a.dosage_dose_value, null, null, null, a.dosage_dose_unit, null
    from {{ source('fhirmill', 'medication_administration') }} a
   where coalesce(a.status, 'unknown') in ('completed', 'in-progress', 'unknown')
  union all
  select i.id, i.patient_id, i.encounter_id, i.occurrence_date_time_text, null, 1, 32818,
         i.vaccine_code_system, i.vaccine_code, coalesce(i.vaccine_code_display, i.vaccine_code_text), null,
         null, i.dose_quantity_value, null, null, null, i.dose_quantity_unit, i.lot_number
    from {{ source('fhirmill', 'immunization') }} i
   where i.status = 'completed')
select x.id as drug_exposure_id,
       x.patient_id as person_id,
       {{ concept('coalesce(x.system, m.code_system)', 'coalesce(x.code, m.code)') }} as drug_concept_id,
       {{ day('x.started') }} as drug_exposure_start_date,
       {{ clock('x.started') }} as drug_exposure_start_datetime,
       coalesce({{ day('x.ended') }}, {{ day('x.started') }} + greatest(least(x.days, 3660)::integer - 1, 0)) as drug_exposure_end_date,
       {{ clock('x.ended') }} as drug_exposure_end_datetime,
       {{ day('x.ended') }} as verbatim_end_date,
       x.type_concept_id as drug_type_concept_id,
       null::varchar(20) as stop_reason,
       x.refills::integer as refills,
       x.quantity,
       case when x.days_supply between 0 and 3660 then x.days_supply::integer end as days_supply,
       null::text as sig,
       0 as route_concept_id,
       {{ cut('x.lot_number') }} as lot_number,
       case when x.provider_type = 'Practitioner' then x.provider_id end as provider_id,
       v.visit_occurrence_id,
       null::bigint as visit_detail_id,
       {{ cut('coalesce(x.code, m.code, x.name, m.code_text)') }} as drug_source_value,
       {{ source_concept('coalesce(x.system, m.code_system)', 'coalesce(x.code, m.code)') }} as drug_source_concept_id,
       null::varchar(50) as route_source_value,
       {{ cut('x.unit') }} as dose_unit_source_value
  from exposure x
  join {{ ref('omop_person') }} p on p.person_id = x.patient_id
  left join {{ source('fhirmill', 'medication') }} m on m.id = x.medication_id
  left join {{ ref('omop_visit_occurrence') }} v on v.visit_occurrence_id = x.encounter_id
 where x.started is not null
