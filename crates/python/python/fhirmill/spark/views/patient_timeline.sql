select t.patient_id, t.event_time, t.event_date, t.event_type, t.event_id, t.fhir_id, t.encounter_id, t.description, t.status, t.value, t.unit, s.code as source
from (
select patient_id, period_start as event_time, LOCAL_DATE(period_start_text) as event_date, 'Encounter' as event_type, id as event_id, fhir_id, id as encounter_id, coalesce(type_text, type_display, class_display, class_code) as description, status, null as value, null as unit, source_id from encounter
  where (container_id is null or period_start is not null)
union all
select patient_id, onset_start, LOCAL_DATE(onset_start_text), 'Condition', id, fhir_id, encounter_id, coalesce(code_text, code_display, code), clinical_status, null, null, source_id from condition
  where (container_id is null or onset_start is not null)
union all
select patient_id, recorded_date, LOCAL_DATE(recorded_date_text), 'AllergyIntolerance', id, fhir_id, encounter_id, coalesce(code_text, code_display, code), clinical_status, null, null, source_id from allergy_intolerance
  where (container_id is null or recorded_date is not null)
union all
select patient_id, effective_start, LOCAL_DATE(effective_start_text), 'Observation', id, fhir_id, encounter_id, coalesce(code_text, code_display, code), status, value_quantity_value, coalesce(value_quantity_unit, value_quantity_code), source_id from observation
  where (container_id is null or effective_start is not null)
union all
select patient_id, effective_start, LOCAL_DATE(effective_start_text), 'DiagnosticReport', id, fhir_id, encounter_id, coalesce(code_text, code_display, code), status, null, null, source_id from diagnostic_report
  where (container_id is null or effective_start is not null)
union all
select patient_id, started, LOCAL_DATE(started_text), 'ImagingStudy', id, fhir_id, encounter_id, coalesce(description, procedure_code_text, procedure_code_display, modality_display), status, null, null, source_id from imaging_study
  where (container_id is null or started is not null)
union all
select patient_id, performed_start, LOCAL_DATE(performed_start_text), 'Procedure', id, fhir_id, encounter_id, coalesce(code_text, code_display, code), status, null, null, source_id from procedure
  where (container_id is null or performed_start is not null)
union all
select patient_id, authored_on, LOCAL_DATE(authored_on_text), 'ServiceRequest', id, fhir_id, encounter_id, coalesce(code_text, code_display, code), status, null, null, source_id from service_request
  where (container_id is null or authored_on is not null)
union all
select patient_id, authored_on, LOCAL_DATE(authored_on_text), 'MedicationRequest', id, fhir_id, encounter_id, coalesce(medication_text, medication_display, medication_code), status, null, null, source_id from medication_request
  where (container_id is null or authored_on is not null)
union all
select patient_id, when_handed_over, LOCAL_DATE(when_handed_over_text), 'MedicationDispense', id, fhir_id, encounter_id, coalesce(medication_text, medication_display, medication_code), status, quantity_value, coalesce(quantity_unit, quantity_code), source_id from medication_dispense
  where (container_id is null or when_handed_over is not null)
union all
select patient_id, effective_start, LOCAL_DATE(effective_start_text), 'MedicationAdministration', id, fhir_id, encounter_id, coalesce(medication_text, medication_display, medication_code), status, dosage_dose_value, coalesce(dosage_dose_unit, dosage_dose_code), source_id from medication_administration
  where (container_id is null or effective_start is not null)
union all
select patient_id, occurrence_date_time, LOCAL_DATE(occurrence_date_time_text), 'Immunization', id, fhir_id, encounter_id, coalesce(vaccine_code_text, vaccine_code_display, vaccine_code), status, null, null, source_id from immunization
  where (container_id is null or occurrence_date_time is not null)
union all
select patient_id, period_start, LOCAL_DATE(period_start_text), 'CarePlan', id, fhir_id, encounter_id, coalesce(title, category_display, category_code), status, null, null, source_id from care_plan
  where (container_id is null or period_start is not null)
union all
select patient_id, date, LOCAL_DATE(date_text), 'DocumentReference', id, fhir_id, encounter_id, coalesce(type_text, type_display, type_code), status, null, null, source_id from document_reference
  where (container_id is null or date is not null)
union all
select patient_id, sent, LOCAL_DATE(sent_text), 'Communication', id, fhir_id, encounter_id, coalesce(topic_text, topic_display, category_display), status, null, null, source_id from communication
  where (container_id is null or sent is not null)
union all
select patient_id, start_time, LOCAL_DATE(start_time_text), 'Appointment', id, fhir_id, null, coalesce(description, appointment_type_display, service_type_display), status, null, null, source_id from appointment
  where (container_id is null or start_time is not null)
union all
select patient_id, billable_period_start, LOCAL_DATE(billable_period_start_text), 'Claim', id, fhir_id, encounter_id, coalesce(type_text, type_display, type_code), status, total_value, total_currency, source_id from claim
  where (container_id is null or billable_period_start is not null)
union all
select patient_id, billable_period_start, LOCAL_DATE(billable_period_start_text), 'ExplanationOfBenefit', id, fhir_id, encounter_id, coalesce(claim_type, type_text, type_display, type_code), status, payment_amount_value, payment_amount_currency, source_id from explanation_of_benefit
  where (container_id is null or billable_period_start is not null)) as t
left join etl_source s on s.id = t.source_id
