select t.patient_id, t.event_time, t.event_date, t.event_type, t.event_id, t.fhir_id, t.encounter_id, t.description, t.status, t.value, t.unit, s.code as source
from (
select encounter.patient_id, encounter.period_start as event_time, LOCAL_DATE(encounter.period_start_text) as event_date, 'Encounter' as event_type, encounter.id as event_id, encounter.fhir_id, encounter.id as encounter_id, coalesce(encounter.type_text, encounter.type_display, encounter.class_display, encounter.class_code) as description, encounter.status, null as value, null as unit, encounter.source_id from encounter
  where (encounter.container_id is null or encounter.period_start is not null)
union all
select condition.patient_id, condition.onset_start, LOCAL_DATE(condition.onset_start_text), 'Condition', condition.id, condition.fhir_id, condition.encounter_id, coalesce(condition.code_text, condition.code_display, condition.code), condition.clinical_status, null, null, condition.source_id from condition
  where (condition.container_id is null or condition.onset_start is not null)
union all
select allergy_intolerance.patient_id, allergy_intolerance.recorded_date, LOCAL_DATE(allergy_intolerance.recorded_date_text), 'AllergyIntolerance', allergy_intolerance.id, allergy_intolerance.fhir_id, allergy_intolerance.encounter_id, coalesce(allergy_intolerance.code_text, allergy_intolerance.code_display, allergy_intolerance.code), allergy_intolerance.clinical_status, null, null, allergy_intolerance.source_id from allergy_intolerance
  where (allergy_intolerance.container_id is null or allergy_intolerance.recorded_date is not null)
union all
select observation.patient_id, observation.effective_start, LOCAL_DATE(observation.effective_start_text), 'Observation', observation.id, observation.fhir_id, observation.encounter_id, coalesce(observation.code_text, observation.code_display, observation.code), observation.status, observation.value_quantity_value, coalesce(observation.value_quantity_unit, observation.value_quantity_code), observation.source_id from observation
  where (observation.container_id is null or observation.effective_start is not null)
union all
select diagnostic_report.patient_id, diagnostic_report.effective_start, LOCAL_DATE(diagnostic_report.effective_start_text), 'DiagnosticReport', diagnostic_report.id, diagnostic_report.fhir_id, diagnostic_report.encounter_id, coalesce(diagnostic_report.code_text, diagnostic_report.code_display, diagnostic_report.code), diagnostic_report.status, null, null, diagnostic_report.source_id from diagnostic_report
  where (diagnostic_report.container_id is null or diagnostic_report.effective_start is not null)
union all
select imaging_study.patient_id, imaging_study.started, LOCAL_DATE(imaging_study.started_text), 'ImagingStudy', imaging_study.id, imaging_study.fhir_id, imaging_study.encounter_id, coalesce(imaging_study.description, imaging_study.procedure_code_text, imaging_study.procedure_code_display, imaging_study.modality_display), imaging_study.status, null, null, imaging_study.source_id from imaging_study
  where (imaging_study.container_id is null or imaging_study.started is not null)
union all
select procedure.patient_id, procedure.performed_start, LOCAL_DATE(procedure.performed_start_text), 'Procedure', procedure.id, procedure.fhir_id, procedure.encounter_id, coalesce(procedure.code_text, procedure.code_display, procedure.code), procedure.status, null, null, procedure.source_id from procedure
  where (procedure.container_id is null or procedure.performed_start is not null)
union all
select service_request.patient_id, service_request.authored_on, LOCAL_DATE(service_request.authored_on_text), 'ServiceRequest', service_request.id, service_request.fhir_id, service_request.encounter_id, coalesce(service_request.code_text, service_request.code_display, service_request.code), service_request.status, null, null, service_request.source_id from service_request
  where (service_request.container_id is null or service_request.authored_on is not null)
union all
select medication_request.patient_id, medication_request.authored_on, LOCAL_DATE(medication_request.authored_on_text), 'MedicationRequest', medication_request.id, medication_request.fhir_id, medication_request.encounter_id, coalesce(medication_request.medication_text, medication_request.medication_display, medication_request.medication_code), medication_request.status, null, null, medication_request.source_id from medication_request
  where (medication_request.container_id is null or medication_request.authored_on is not null)
union all
select medication_dispense.patient_id, medication_dispense.when_handed_over, LOCAL_DATE(medication_dispense.when_handed_over_text), 'MedicationDispense', medication_dispense.id, medication_dispense.fhir_id, medication_dispense.encounter_id, coalesce(medication_dispense.medication_text, medication_dispense.medication_display, medication_dispense.medication_code), medication_dispense.status, medication_dispense.quantity_value, coalesce(medication_dispense.quantity_unit, medication_dispense.quantity_code), medication_dispense.source_id from medication_dispense
  where (medication_dispense.container_id is null or medication_dispense.when_handed_over is not null)
union all
select medication_administration.patient_id, medication_administration.effective_start, LOCAL_DATE(medication_administration.effective_start_text), 'MedicationAdministration', medication_administration.id, medication_administration.fhir_id, medication_administration.encounter_id, coalesce(medication_administration.medication_text, medication_administration.medication_display, medication_administration.medication_code), medication_administration.status, medication_administration.dosage_dose_value, coalesce(medication_administration.dosage_dose_unit, medication_administration.dosage_dose_code), medication_administration.source_id from medication_administration
  where (medication_administration.container_id is null or medication_administration.effective_start is not null)
union all
select immunization.patient_id, immunization.occurrence_date_time, LOCAL_DATE(immunization.occurrence_date_time_text), 'Immunization', immunization.id, immunization.fhir_id, immunization.encounter_id, coalesce(immunization.vaccine_code_text, immunization.vaccine_code_display, immunization.vaccine_code), immunization.status, null, null, immunization.source_id from immunization
  where (immunization.container_id is null or immunization.occurrence_date_time is not null)
union all
select care_plan.patient_id, care_plan.period_start, LOCAL_DATE(care_plan.period_start_text), 'CarePlan', care_plan.id, care_plan.fhir_id, care_plan.encounter_id, coalesce(care_plan.title, care_plan.category_display, care_plan.category_code), care_plan.status, null, null, care_plan.source_id from care_plan
  where (care_plan.container_id is null or care_plan.period_start is not null)
union all
select document_reference.patient_id, document_reference.date, LOCAL_DATE(document_reference.date_text), 'DocumentReference', document_reference.id, document_reference.fhir_id, document_reference.encounter_id, coalesce(document_reference.type_text, document_reference.type_display, document_reference.type_code), document_reference.status, null, null, document_reference.source_id from document_reference
  where (document_reference.container_id is null or document_reference.date is not null)
union all
select communication.patient_id, communication.sent, LOCAL_DATE(communication.sent_text), 'Communication', communication.id, communication.fhir_id, communication.encounter_id, coalesce(communication.topic_text, communication.topic_display, communication.category_display), communication.status, null, null, communication.source_id from communication
  where (communication.container_id is null or communication.sent is not null)
union all
select appointment.patient_id, appointment.start_time, LOCAL_DATE(appointment.start_time_text), 'Appointment', appointment.id, appointment.fhir_id, null, coalesce(appointment.description, appointment.appointment_type_display, appointment.service_type_display), appointment.status, null, null, appointment.source_id from appointment
  where (appointment.container_id is null or appointment.start_time is not null)
union all
select claim.patient_id, claim.billable_period_start, LOCAL_DATE(claim.billable_period_start_text), 'Claim', claim.id, claim.fhir_id, claim.encounter_id, coalesce(claim.type_text, claim.type_display, claim.type_code), claim.status, claim.total_value, claim.total_currency, claim.source_id from claim
  where (claim.container_id is null or claim.billable_period_start is not null)
union all
select explanation_of_benefit.patient_id, explanation_of_benefit.billable_period_start, LOCAL_DATE(explanation_of_benefit.billable_period_start_text), 'ExplanationOfBenefit', explanation_of_benefit.id, explanation_of_benefit.fhir_id, explanation_of_benefit.encounter_id, coalesce(explanation_of_benefit.claim_type, explanation_of_benefit.type_text, explanation_of_benefit.type_display, explanation_of_benefit.type_code), explanation_of_benefit.status, explanation_of_benefit.payment_amount_value, explanation_of_benefit.payment_amount_currency, explanation_of_benefit.source_id from explanation_of_benefit
  where (explanation_of_benefit.container_id is null or explanation_of_benefit.billable_period_start is not null)) as t
left join etl_source s on s.id = t.source_id
