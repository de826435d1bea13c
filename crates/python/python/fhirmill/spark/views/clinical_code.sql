select c.resource_type, c.resource_id, c.fhir_id, c.patient_id, c.element, c.event_time, c.system, c.code, c.display, c.is_primary, s.code as source, LOCAL_DATE(c.written) as event_date
from (
select 'Encounter' as resource_type, id as resource_id, fhir_id, patient_id, 'type' as element, period_start as event_time, type_system as system, type_code as code, coalesce(type_display, type_text) as display, true as is_primary, source_id, period_start_text as written from encounter
  where type_code is not null
union all
select 'Condition', id, fhir_id, patient_id, 'code', onset_start, code_system, code, coalesce(code_display, code_text), true, source_id, onset_start_text from condition
  where code is not null
union all
select 'AllergyIntolerance', id, fhir_id, patient_id, 'code', recorded_date, code_system, code, coalesce(code_display, code_text), true, source_id, recorded_date_text from allergy_intolerance
  where code is not null
union all
select 'Observation', id, fhir_id, patient_id, 'code', effective_start, code_system, code, coalesce(code_display, code_text), true, source_id, effective_start_text from observation
  where code is not null
union all
select 'DiagnosticReport', id, fhir_id, patient_id, 'code', effective_start, code_system, code, coalesce(code_display, code_text), true, source_id, effective_start_text from diagnostic_report
  where code is not null
union all
select 'Procedure', id, fhir_id, patient_id, 'code', performed_start, code_system, code, coalesce(code_display, code_text), true, source_id, performed_start_text from procedure
  where code is not null
union all
select 'ServiceRequest', id, fhir_id, patient_id, 'code', authored_on, code_system, code, coalesce(code_display, code_text), true, source_id, authored_on_text from service_request
  where code is not null
union all
select 'Immunization', id, fhir_id, patient_id, 'vaccineCode', occurrence_date_time, vaccine_code_system, vaccine_code, coalesce(vaccine_code_display, vaccine_code_text), true, source_id, occurrence_date_time_text from immunization
  where vaccine_code is not null
union all
select 'MedicationRequest', id, fhir_id, patient_id, 'medication', authored_on, medication_system, medication_code, coalesce(medication_display, medication_text), true, source_id, authored_on_text from medication_request
  where medication_code is not null
union all
select 'MedicationDispense', id, fhir_id, patient_id, 'medication', when_handed_over, medication_system, medication_code, coalesce(medication_display, medication_text), true, source_id, when_handed_over_text from medication_dispense
  where medication_code is not null
union all
select 'MedicationAdministration', id, fhir_id, patient_id, 'medication', effective_start, medication_system, medication_code, coalesce(medication_display, medication_text), true, source_id, effective_start_text from medication_administration
  where medication_code is not null
union all
select 'MedicationStatement', id, fhir_id, patient_id, 'medication', effective_start, medication_system, medication_code, coalesce(medication_display, medication_text), true, source_id, effective_start_text from medication_statement
  where medication_code is not null
union all
select 'Device', id, fhir_id, patient_id, 'type', null, type_system, type_code, coalesce(type_display, type_text), true, source_id, null from device
  where type_code is not null
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
