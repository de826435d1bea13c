select c.resource_type, c.resource_id, c.fhir_id, c.patient_id, c.element, c.event_time, c.system, c.code, c.display, c.is_primary, s.code as source, LOCAL_DATE(c.written) as event_date
from (
select 'Encounter' as resource_type, encounter.id as resource_id, encounter.fhir_id, encounter.patient_id, 'type' as element, encounter.period_start as event_time, encounter.type_system as system, encounter.type_code as code, coalesce(encounter.type_display, encounter.type_text) as display, true as is_primary, encounter.source_id, encounter.period_start_text as written from encounter
  where encounter.type_code is not null
union all
select 'Condition', condition.id, condition.fhir_id, condition.patient_id, 'code', condition.onset_start, condition.code_system, condition.code, coalesce(condition.code_display, condition.code_text), true, condition.source_id, condition.onset_start_text from condition
  where condition.code is not null
union all
select 'AllergyIntolerance', allergy_intolerance.id, allergy_intolerance.fhir_id, allergy_intolerance.patient_id, 'code', allergy_intolerance.recorded_date, allergy_intolerance.code_system, allergy_intolerance.code, coalesce(allergy_intolerance.code_display, allergy_intolerance.code_text), true, allergy_intolerance.source_id, allergy_intolerance.recorded_date_text from allergy_intolerance
  where allergy_intolerance.code is not null
union all
select 'Observation', observation.id, observation.fhir_id, observation.patient_id, 'code', observation.effective_start, observation.code_system, observation.code, coalesce(observation.code_display, observation.code_text), true, observation.source_id, observation.effective_start_text from observation
  where observation.code is not null
union all
select 'DiagnosticReport', diagnostic_report.id, diagnostic_report.fhir_id, diagnostic_report.patient_id, 'code', diagnostic_report.effective_start, diagnostic_report.code_system, diagnostic_report.code, coalesce(diagnostic_report.code_display, diagnostic_report.code_text), true, diagnostic_report.source_id, diagnostic_report.effective_start_text from diagnostic_report
  where diagnostic_report.code is not null
union all
select 'Procedure', procedure.id, procedure.fhir_id, procedure.patient_id, 'code', procedure.performed_start, procedure.code_system, procedure.code, coalesce(procedure.code_display, procedure.code_text), true, procedure.source_id, procedure.performed_start_text from procedure
  where procedure.code is not null
union all
select 'ServiceRequest', service_request.id, service_request.fhir_id, service_request.patient_id, 'code', service_request.authored_on, service_request.code_system, service_request.code, coalesce(service_request.code_display, service_request.code_text), true, service_request.source_id, service_request.authored_on_text from service_request
  where service_request.code is not null
union all
select 'Immunization', immunization.id, immunization.fhir_id, immunization.patient_id, 'vaccineCode', immunization.occurrence_date_time, immunization.vaccine_code_system, immunization.vaccine_code, coalesce(immunization.vaccine_code_display, immunization.vaccine_code_text), true, immunization.source_id, immunization.occurrence_date_time_text from immunization
  where immunization.vaccine_code is not null
union all
select 'MedicationRequest', medication_request.id, medication_request.fhir_id, medication_request.patient_id, 'medication', medication_request.authored_on, medication_request.medication_system, medication_request.medication_code, coalesce(medication_request.medication_display, medication_request.medication_text), true, medication_request.source_id, medication_request.authored_on_text from medication_request
  where medication_request.medication_code is not null
union all
select 'MedicationDispense', medication_dispense.id, medication_dispense.fhir_id, medication_dispense.patient_id, 'medication', medication_dispense.when_handed_over, medication_dispense.medication_system, medication_dispense.medication_code, coalesce(medication_dispense.medication_display, medication_dispense.medication_text), true, medication_dispense.source_id, medication_dispense.when_handed_over_text from medication_dispense
  where medication_dispense.medication_code is not null
union all
select 'MedicationAdministration', medication_administration.id, medication_administration.fhir_id, medication_administration.patient_id, 'medication', medication_administration.effective_start, medication_administration.medication_system, medication_administration.medication_code, coalesce(medication_administration.medication_display, medication_administration.medication_text), true, medication_administration.source_id, medication_administration.effective_start_text from medication_administration
  where medication_administration.medication_code is not null
union all
select 'MedicationStatement', medication_statement.id, medication_statement.fhir_id, medication_statement.patient_id, 'medication', medication_statement.effective_start, medication_statement.medication_system, medication_statement.medication_code, coalesce(medication_statement.medication_display, medication_statement.medication_text), true, medication_statement.source_id, medication_statement.effective_start_text from medication_statement
  where medication_statement.medication_code is not null
union all
select 'Device', device.id, device.fhir_id, device.patient_id, 'type', null, device.type_system, device.type_code, coalesce(device.type_display, device.type_text), true, device.source_id, null from device
  where device.type_code is not null
union all
select 'Observation', o.id, o.fhir_id, o.patient_id, 'component.code', o.effective_start, c_1.code_system, c_1.code, coalesce(c_1.code_display, c_1.code_text), true, o.source_id, o.effective_start_text
from (observation as o
  join observation_component as c_1 on (c_1.observation_id = o.id))
  where c_1.code is not null
union all
select 'MedicationRequest', m.id, m.fhir_id, m.patient_id, 'medication', m.authored_on, k.code_system, k.code, coalesce(k.code_display, k.code_text), true, m.source_id, m.authored_on_text
from (medication_request as m
  join medication as k on (k.id = m.medication_id))
  where k.code is not null
union all
select 'MedicationDispense', m.id, m.fhir_id, m.patient_id, 'medication', m.when_handed_over, k.code_system, k.code, coalesce(k.code_display, k.code_text), true, m.source_id, m.when_handed_over_text
from (medication_dispense as m
  join medication as k on (k.id = m.medication_id))
  where k.code is not null
union all
select 'MedicationAdministration', m.id, m.fhir_id, m.patient_id, 'medication', m.effective_start, k.code_system, k.code, coalesce(k.code_display, k.code_text), true, m.source_id, m.effective_start_text
from (medication_administration as m
  join medication as k on (k.id = m.medication_id))
  where k.code is not null
union all
select 'MedicationStatement', m.id, m.fhir_id, m.patient_id, 'medication', m.effective_start, k.code_system, k.code, coalesce(k.code_display, k.code_text), true, m.source_id, m.effective_start_text
from (medication_statement as m
  join medication as k on (k.id = m.medication_id))
  where k.code is not null
union all
select 'Encounter', e.id, e.fhir_id, e.patient_id, 'type', e.period_start, k.system, k.code, coalesce(k.display, k.text), true, e.source_id, e.period_start_text
from (encounter as e
  join resource_concept as k on ((k.resource_type = 'Encounter') and (k.resource_id = e.id)))
  where (k.element = 'type' and (k.ordinal > 1) and k.code is not null)
union all
select 'Encounter', r.id, r.fhir_id, r.patient_id, 'type', r.period_start, k.system, k.code, k.display, false, r.source_id, r.period_start_text
from (encounter as r
  join resource_coding as k on ((k.resource_type = 'Encounter') and (k.resource_id = r.id)))
  where (k.element = 'type' and not k.is_primary and k.code is not null)
union all
select 'Condition', r.id, r.fhir_id, r.patient_id, 'code', r.onset_start, k.system, k.code, k.display, false, r.source_id, r.onset_start_text
from (condition as r
  join resource_coding as k on ((k.resource_type = 'Condition') and (k.resource_id = r.id)))
  where (k.element = 'code' and not k.is_primary and k.code is not null)
union all
select 'AllergyIntolerance', r.id, r.fhir_id, r.patient_id, 'code', r.recorded_date, k.system, k.code, k.display, false, r.source_id, r.recorded_date_text
from (allergy_intolerance as r
  join resource_coding as k on ((k.resource_type = 'AllergyIntolerance') and (k.resource_id = r.id)))
  where (k.element = 'code' and not k.is_primary and k.code is not null)
union all
select 'Observation', r.id, r.fhir_id, r.patient_id, 'code', r.effective_start, k.system, k.code, k.display, false, r.source_id, r.effective_start_text
from (observation as r
  join resource_coding as k on ((k.resource_type = 'Observation') and (k.resource_id = r.id)))
  where (k.element = 'code' and not k.is_primary and k.code is not null)
union all
select 'DiagnosticReport', r.id, r.fhir_id, r.patient_id, 'code', r.effective_start, k.system, k.code, k.display, false, r.source_id, r.effective_start_text
from (diagnostic_report as r
  join resource_coding as k on ((k.resource_type = 'DiagnosticReport') and (k.resource_id = r.id)))
  where (k.element = 'code' and not k.is_primary and k.code is not null)
union all
select 'Procedure', r.id, r.fhir_id, r.patient_id, 'code', r.performed_start, k.system, k.code, k.display, false, r.source_id, r.performed_start_text
from (procedure as r
  join resource_coding as k on ((k.resource_type = 'Procedure') and (k.resource_id = r.id)))
  where (k.element = 'code' and not k.is_primary and k.code is not null)
union all
select 'ServiceRequest', r.id, r.fhir_id, r.patient_id, 'code', r.authored_on, k.system, k.code, k.display, false, r.source_id, r.authored_on_text
from (service_request as r
  join resource_coding as k on ((k.resource_type = 'ServiceRequest') and (k.resource_id = r.id)))
  where (k.element = 'code' and not k.is_primary and k.code is not null)
union all
select 'Immunization', r.id, r.fhir_id, r.patient_id, 'vaccineCode', r.occurrence_date_time, k.system, k.code, k.display, false, r.source_id, r.occurrence_date_time_text
from (immunization as r
  join resource_coding as k on ((k.resource_type = 'Immunization') and (k.resource_id = r.id)))
  where (k.element = 'vaccineCode' and not k.is_primary and k.code is not null)
union all
select 'MedicationRequest', r.id, r.fhir_id, r.patient_id, 'medication', r.authored_on, k.system, k.code, k.display, false, r.source_id, r.authored_on_text
from (medication_request as r
  join resource_coding as k on ((k.resource_type = 'MedicationRequest') and (k.resource_id = r.id)))
  where (k.element = 'medicationCodeableConcept' and not k.is_primary and k.code is not null)
union all
select 'MedicationDispense', r.id, r.fhir_id, r.patient_id, 'medication', r.when_handed_over, k.system, k.code, k.display, false, r.source_id, r.when_handed_over_text
from (medication_dispense as r
  join resource_coding as k on ((k.resource_type = 'MedicationDispense') and (k.resource_id = r.id)))
  where (k.element = 'medicationCodeableConcept' and not k.is_primary and k.code is not null)
union all
select 'MedicationAdministration', r.id, r.fhir_id, r.patient_id, 'medication', r.effective_start, k.system, k.code, k.display, false, r.source_id, r.effective_start_text
from (medication_administration as r
  join resource_coding as k on ((k.resource_type = 'MedicationAdministration') and (k.resource_id = r.id)))
  where (k.element = 'medicationCodeableConcept' and not k.is_primary and k.code is not null)
union all
select 'MedicationStatement', r.id, r.fhir_id, r.patient_id, 'medication', r.effective_start, k.system, k.code, k.display, false, r.source_id, r.effective_start_text
from (medication_statement as r
  join resource_coding as k on ((k.resource_type = 'MedicationStatement') and (k.resource_id = r.id)))
  where (k.element = 'medicationCodeableConcept' and not k.is_primary and k.code is not null)
union all
select 'Observation', r.id, r.fhir_id, r.patient_id, 'component.code', r.effective_start, k.system, k.code, k.display, false, r.source_id, r.effective_start_text
from (observation as r
  join resource_coding as k on ((k.resource_type = 'Observation') and (k.resource_id = r.id)))
  where (k.element = 'component.code' and not k.is_primary and k.code is not null)) as c
left join etl_source s on s.id = c.source_id
