create or replace view analytics.patient_timeline as
select patient_id, period_start as event_time, to_date(left(period_start_text, 10), 'YYYY-MM-DD') as event_date, 'Encounter' as event_type, id as event_id, fhir_id, id as encounter_id,
       coalesce(type_text, type_display, class_display, class_code) as description, status as status, null::numeric as value, null::text as unit
  from encounter
union all
select patient_id, onset_start, to_date(left(onset_start_text, 10), 'YYYY-MM-DD'), 'Condition', id, fhir_id, encounter_id,
       coalesce(code_text, code_display, code), clinical_status, null, null
  from condition
union all
select patient_id, recorded_date, to_date(left(recorded_date_text, 10), 'YYYY-MM-DD'), 'AllergyIntolerance', id, fhir_id, encounter_id,
       coalesce(code_text, code_display, code), clinical_status, null, null
  from allergy_intolerance
union all
select patient_id, effective_start, to_date(left(effective_start_text, 10), 'YYYY-MM-DD'), 'Observation', id, fhir_id, encounter_id,
       coalesce(code_text, code_display, code), status, value_quantity_value, coalesce(value_quantity_unit, value_quantity_code)
  from observation
union all
select patient_id, effective_start, to_date(left(effective_start_text, 10), 'YYYY-MM-DD'), 'DiagnosticReport', id, fhir_id, encounter_id,
       coalesce(code_text, code_display, code), status, null, null
  from diagnostic_report
union all
select patient_id, started, to_date(left(started_text, 10), 'YYYY-MM-DD'), 'ImagingStudy', id, fhir_id, encounter_id,
       coalesce(description, procedure_code_text, procedure_code_display, modality_display), status, null, null
  from imaging_study
union all
select patient_id, performed_start, to_date(left(performed_start_text, 10), 'YYYY-MM-DD'), 'Procedure', id, fhir_id, encounter_id,
       coalesce(code_text, code_display, code), status, null, null
  from procedure
union all
select patient_id, authored_on, to_date(left(authored_on_text, 10), 'YYYY-MM-DD'), 'ServiceRequest', id, fhir_id, encounter_id,
       coalesce(code_text, code_display, code), status, null, null
  from service_request
union all
select patient_id, authored_on, to_date(left(authored_on_text, 10), 'YYYY-MM-DD'), 'MedicationRequest', id, fhir_id, encounter_id,
       coalesce(medication_text, medication_display, medication_code), status, null, null
  from medication_request
union all
select patient_id, when_handed_over, to_date(left(when_handed_over_text, 10), 'YYYY-MM-DD'), 'MedicationDispense', id, fhir_id, encounter_id,
       coalesce(medication_text, medication_display, medication_code), status, quantity_value, coalesce(quantity_unit, quantity_code)
  from medication_dispense
union all
select patient_id, effective_start, to_date(left(effective_start_text, 10), 'YYYY-MM-DD'), 'MedicationAdministration', id, fhir_id, encounter_id,
       coalesce(medication_text, medication_display, medication_code), status, dosage_dose_value, coalesce(dosage_dose_unit, dosage_dose_code)
  from medication_administration
union all
select patient_id, occurrence_date_time, to_date(left(occurrence_date_time_text, 10), 'YYYY-MM-DD'), 'Immunization', id, fhir_id, encounter_id,
       coalesce(vaccine_code_text, vaccine_code_display, vaccine_code), status, null, null
  from immunization
union all
select patient_id, period_start, to_date(left(period_start_text, 10), 'YYYY-MM-DD'), 'CarePlan', id, fhir_id, encounter_id,
       coalesce(title, category_display, category_code), status, null, null
  from care_plan
union all
select patient_id, date, to_date(left(date_text, 10), 'YYYY-MM-DD'), 'DocumentReference', id, fhir_id, encounter_id,
       coalesce(type_text, type_display, type_code), status, null, null
  from document_reference
union all
select patient_id, sent, to_date(left(sent_text, 10), 'YYYY-MM-DD'), 'Communication', id, fhir_id, encounter_id,
       coalesce(topic_text, topic_display, category_display), status, null, null
  from communication
union all
select patient_id, start_time, to_date(left(start_time_text, 10), 'YYYY-MM-DD'), 'Appointment', id, fhir_id, null,
       coalesce(description, appointment_type_display, service_type_display), status, null, null
  from appointment
union all
select patient_id, billable_period_start, to_date(left(billable_period_start_text, 10), 'YYYY-MM-DD'), 'Claim', id, fhir_id, encounter_id,
       coalesce(type_text, type_display, type_code), status, total_value, total_currency
  from claim
union all
select patient_id, billable_period_start, to_date(left(billable_period_start_text, 10), 'YYYY-MM-DD'), 'ExplanationOfBenefit', id, fhir_id, encounter_id,
       coalesce(claim_type, type_text, type_display, type_code), status, payment_amount_value, payment_amount_currency
  from explanation_of_benefit;
comment on view analytics.patient_timeline is 'What happened to this person, in order? One row an event: visits, conditions, results, procedures, drugs, vaccines, notes, messages, bills; sort by event_time';
