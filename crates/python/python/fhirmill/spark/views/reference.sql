select r.resource_type, r.resource_id, r.element, r.target_type, r.target_id, r.display, r.reference, k.source
from (
select 'Patient' as resource_type, patient.id as resource_id, 'managingOrganization' as element, 'Organization' as target_type, patient.managing_organization_id as target_id, patient.managing_organization_display as display, patient.managing_organization_reference as reference from patient
union all
select 'Patient', patient_identifier.patient_id, 'identifier.assigner', 'Organization', patient_identifier.assigner_id, patient_identifier.assigner_display, patient_identifier.assigner_reference from patient_identifier
union all
select 'Patient', patient_contact.patient_id, 'contact.organization', 'Organization', patient_contact.organization_id, patient_contact.organization_display, patient_contact.organization_reference from patient_contact
union all
select 'Patient', patient_link.patient_id, 'link.other', patient_link.other_type, patient_link.other_id, patient_link.other_display, patient_link.other_reference from patient_link
union all
select 'RelatedPerson', related_person.id, 'patient', 'Patient', related_person.patient_id, related_person.patient_display, related_person.patient_reference from related_person
union all
select 'Practitioner', practitioner_qualification.practitioner_id, 'qualification.issuer', 'Organization', practitioner_qualification.issuer_id, practitioner_qualification.issuer_display, practitioner_qualification.issuer_reference from practitioner_qualification
union all
select 'PractitionerRole', practitioner_role.id, 'practitioner', 'Practitioner', practitioner_role.practitioner_id, practitioner_role.practitioner_display, practitioner_role.practitioner_reference from practitioner_role
union all
select 'PractitionerRole', practitioner_role.id, 'organization', 'Organization', practitioner_role.organization_id, practitioner_role.organization_display, practitioner_role.organization_reference from practitioner_role
union all
select 'Organization', organization.id, 'partOf', 'Organization', organization.part_of_id, organization.part_of_display, organization.part_of_reference from organization
union all
select 'Location', location.id, 'managingOrganization', 'Organization', location.managing_organization_id, location.managing_organization_display, location.managing_organization_reference from location
union all
select 'Location', location.id, 'partOf', 'Location', location.part_of_id, location.part_of_display, location.part_of_reference from location
union all
select 'Encounter', encounter.id, 'subject', encounter.subject_type, encounter.subject_id, encounter.subject_display, encounter.subject_reference from encounter
union all
select 'Encounter', encounter.id, 'serviceProvider', 'Organization', encounter.service_provider_id, encounter.service_provider_display, encounter.service_provider_reference from encounter
union all
select 'Encounter', encounter.id, 'partOf', 'Encounter', encounter.part_of_id, encounter.part_of_display, encounter.part_of_reference from encounter
union all
select 'Encounter', encounter.id, 'hospitalization.origin', encounter.origin_type, encounter.origin_id, encounter.origin_display, encounter.origin_reference from encounter
union all
select 'Encounter', encounter.id, 'hospitalization.destination', encounter.destination_type, encounter.destination_id, encounter.destination_display, encounter.destination_reference from encounter
union all
select 'Encounter', encounter_participant.encounter_id, 'participant.individual', encounter_participant.individual_type, encounter_participant.individual_id, encounter_participant.individual_display, encounter_participant.individual_reference from encounter_participant
union all
select 'Encounter', encounter_diagnosis.encounter_id, 'diagnosis.condition', encounter_diagnosis.condition_type, encounter_diagnosis.condition_id, encounter_diagnosis.condition_display, encounter_diagnosis.condition_reference from encounter_diagnosis
union all
select 'Encounter', encounter_location.encounter_id, 'location.location', 'Location', encounter_location.location_id, encounter_location.location_display, encounter_location.location_reference from encounter_location
union all
select 'Appointment', appointment_participant.appointment_id, 'participant.actor', appointment_participant.actor_type, appointment_participant.actor_id, appointment_participant.actor_display, appointment_participant.actor_reference from appointment_participant
union all
select 'Condition', condition.id, 'encounter', 'Encounter', condition.encounter_id, condition.encounter_display, condition.encounter_reference from condition
union all
select 'Condition', condition.id, 'subject', condition.subject_type, condition.subject_id, condition.subject_display, condition.subject_reference from condition
union all
select 'Condition', condition.id, 'recorder', condition.recorder_type, condition.recorder_id, condition.recorder_display, condition.recorder_reference from condition
union all
select 'Condition', condition.id, 'asserter', condition.asserter_type, condition.asserter_id, condition.asserter_display, condition.asserter_reference from condition
union all
select 'Condition', condition_evidence.condition_id, 'evidence.detail', condition_evidence.detail_type, condition_evidence.detail_id, condition_evidence.detail_display, condition_evidence.detail_reference from condition_evidence
union all
select 'AllergyIntolerance', allergy_intolerance.id, 'patient', 'Patient', allergy_intolerance.patient_id, allergy_intolerance.patient_display, allergy_intolerance.patient_reference from allergy_intolerance
union all
select 'AllergyIntolerance', allergy_intolerance.id, 'encounter', 'Encounter', allergy_intolerance.encounter_id, allergy_intolerance.encounter_display, allergy_intolerance.encounter_reference from allergy_intolerance
union all
select 'AllergyIntolerance', allergy_intolerance.id, 'recorder', allergy_intolerance.recorder_type, allergy_intolerance.recorder_id, allergy_intolerance.recorder_display, allergy_intolerance.recorder_reference from allergy_intolerance
union all
select 'AllergyIntolerance', allergy_intolerance.id, 'asserter', allergy_intolerance.asserter_type, allergy_intolerance.asserter_id, allergy_intolerance.asserter_display, allergy_intolerance.asserter_reference from allergy_intolerance
union all
select 'Observation', observation.id, 'encounter', 'Encounter', observation.encounter_id, observation.encounter_display, observation.encounter_reference from observation
union all
select 'Observation', observation.id, 'subject', observation.subject_type, observation.subject_id, observation.subject_display, observation.subject_reference from observation
union all
select 'Observation', observation.id, 'specimen', 'Specimen', observation.specimen_id, observation.specimen_display, observation.specimen_reference from observation
union all
select 'Observation', observation.id, 'device', observation.device_type, observation.device_id, observation.device_display, observation.device_reference from observation
union all
select 'DiagnosticReport', diagnostic_report.id, 'encounter', 'Encounter', diagnostic_report.encounter_id, diagnostic_report.encounter_display, diagnostic_report.encounter_reference from diagnostic_report
union all
select 'DiagnosticReport', diagnostic_report.id, 'subject', diagnostic_report.subject_type, diagnostic_report.subject_id, diagnostic_report.subject_display, diagnostic_report.subject_reference from diagnostic_report
union all
select 'DiagnosticReport', diagnostic_report_result.diagnostic_report_id, 'result', 'Observation', diagnostic_report_result.observation_id, diagnostic_report_result.display, diagnostic_report_result.reference from diagnostic_report_result
union all
select 'Specimen', specimen.id, 'subject', specimen.subject_type, specimen.subject_id, specimen.subject_display, specimen.subject_reference from specimen
union all
select 'Specimen', specimen.id, 'collection.collector', specimen.collector_type, specimen.collector_id, specimen.collector_display, specimen.collector_reference from specimen
union all
select 'Specimen', specimen_container.specimen_id, 'container.additive', 'Substance', specimen_container.additive_id, specimen_container.additive_display, specimen_container.additive_reference from specimen_container
union all
select 'ImagingStudy', imaging_study.id, 'encounter', 'Encounter', imaging_study.encounter_id, imaging_study.encounter_display, imaging_study.encounter_reference from imaging_study
union all
select 'ImagingStudy', imaging_study.id, 'subject', imaging_study.subject_type, imaging_study.subject_id, imaging_study.subject_display, imaging_study.subject_reference from imaging_study
union all
select 'ImagingStudy', imaging_study.id, 'referrer', imaging_study.referrer_type, imaging_study.referrer_id, imaging_study.referrer_display, imaging_study.referrer_reference from imaging_study
union all
select 'ImagingStudy', imaging_study.id, 'procedureReference', 'Procedure', imaging_study.procedure_reference_id, imaging_study.procedure_reference_display, imaging_study.procedure_reference_reference from imaging_study
union all
select 'ImagingStudy', imaging_study.id, 'location', 'Location', imaging_study.location_id, imaging_study.location_display, imaging_study.location_reference from imaging_study
union all
select 'DocumentReference', document_reference.id, 'subject', document_reference.subject_type, document_reference.subject_id, document_reference.subject_display, document_reference.subject_reference from document_reference
union all
select 'DocumentReference', document_reference.id, 'authenticator', document_reference.authenticator_type, document_reference.authenticator_id, document_reference.authenticator_display, document_reference.authenticator_reference from document_reference
union all
select 'DocumentReference', document_reference.id, 'custodian', 'Organization', document_reference.custodian_id, document_reference.custodian_display, document_reference.custodian_reference from document_reference
union all
select 'DocumentReference', document_reference_relates_to.document_reference_id, 'relatesTo.target', 'DocumentReference', document_reference_relates_to.target_id, document_reference_relates_to.target_display, document_reference_relates_to.target_reference from document_reference_relates_to
union all
select 'Procedure', procedure.id, 'encounter', 'Encounter', procedure.encounter_id, procedure.encounter_display, procedure.encounter_reference from procedure
union all
select 'Procedure', procedure.id, 'subject', procedure.subject_type, procedure.subject_id, procedure.subject_display, procedure.subject_reference from procedure
union all
select 'Procedure', procedure.id, 'recorder', procedure.recorder_type, procedure.recorder_id, procedure.recorder_display, procedure.recorder_reference from procedure
union all
select 'Procedure', procedure.id, 'asserter', procedure.asserter_type, procedure.asserter_id, procedure.asserter_display, procedure.asserter_reference from procedure
union all
select 'Procedure', procedure.id, 'location', 'Location', procedure.location_id, procedure.location_display, procedure.location_reference from procedure
union all
select 'Procedure', procedure_performer.procedure_id, 'performer.actor', procedure_performer.actor_type, procedure_performer.actor_id, procedure_performer.actor_display, procedure_performer.actor_reference from procedure_performer
union all
select 'Procedure', procedure_performer.procedure_id, 'performer.onBehalfOf', 'Organization', procedure_performer.on_behalf_of_id, procedure_performer.on_behalf_of_display, procedure_performer.on_behalf_of_reference from procedure_performer
union all
select 'ServiceRequest', service_request.id, 'encounter', 'Encounter', service_request.encounter_id, service_request.encounter_display, service_request.encounter_reference from service_request
union all
select 'ServiceRequest', service_request.id, 'subject', service_request.subject_type, service_request.subject_id, service_request.subject_display, service_request.subject_reference from service_request
union all
select 'ServiceRequest', service_request.id, 'requester', service_request.requester_type, service_request.requester_id, service_request.requester_display, service_request.requester_reference from service_request
union all
select 'Immunization', immunization.id, 'patient', 'Patient', immunization.patient_id, immunization.patient_display, immunization.patient_reference from immunization
union all
select 'Immunization', immunization.id, 'encounter', 'Encounter', immunization.encounter_id, immunization.encounter_display, immunization.encounter_reference from immunization
union all
select 'Immunization', immunization.id, 'location', 'Location', immunization.location_id, immunization.location_display, immunization.location_reference from immunization
union all
select 'Immunization', immunization.id, 'manufacturer', 'Organization', immunization.manufacturer_id, immunization.manufacturer_display, immunization.manufacturer_reference from immunization
union all
select 'Immunization', immunization_performer.immunization_id, 'performer.actor', immunization_performer.actor_type, immunization_performer.actor_id, immunization_performer.actor_display, immunization_performer.actor_reference from immunization_performer
union all
select 'Immunization', immunization_reaction.immunization_id, 'reaction.detail', 'Observation', immunization_reaction.detail_id, immunization_reaction.detail_display, immunization_reaction.detail_reference from immunization_reaction
union all
select 'Immunization', immunization_protocol_applied.immunization_id, 'protocolApplied.authority', 'Organization', immunization_protocol_applied.authority_id, immunization_protocol_applied.authority_display, immunization_protocol_applied.authority_reference from immunization_protocol_applied
union all
select 'Device', device.id, 'patient', 'Patient', device.patient_id, device.patient_display, device.patient_reference from device
union all
select 'Device', device.id, 'definition', 'DeviceDefinition', device.definition_id, device.definition_display, device.definition_reference from device
union all
select 'Device', device.id, 'owner', 'Organization', device.owner_id, device.owner_display, device.owner_reference from device
union all
select 'Device', device.id, 'location', 'Location', device.location_id, device.location_display, device.location_reference from device
union all
select 'SupplyDelivery', supply_delivery.id, 'patient', 'Patient', supply_delivery.patient_id, supply_delivery.patient_display, supply_delivery.patient_reference from supply_delivery
union all
select 'SupplyDelivery', supply_delivery.id, 'suppliedItem.item', supply_delivery.supplied_item_item_type, supply_delivery.supplied_item_item_id, null, supply_delivery.supplied_item_item_reference from supply_delivery
union all
select 'SupplyDelivery', supply_delivery.id, 'supplier', supply_delivery.supplier_type, supply_delivery.supplier_id, supply_delivery.supplier_display, supply_delivery.supplier_reference from supply_delivery
union all
select 'SupplyDelivery', supply_delivery.id, 'destination', 'Location', supply_delivery.destination_id, supply_delivery.destination_display, supply_delivery.destination_reference from supply_delivery
union all
select 'CarePlan', care_plan.id, 'encounter', 'Encounter', care_plan.encounter_id, care_plan.encounter_display, care_plan.encounter_reference from care_plan
union all
select 'CarePlan', care_plan.id, 'subject', care_plan.subject_type, care_plan.subject_id, care_plan.subject_display, care_plan.subject_reference from care_plan
union all
select 'CarePlan', care_plan.id, 'author', care_plan.author_type, care_plan.author_id, care_plan.author_display, care_plan.author_reference from care_plan
union all
select 'CarePlan', care_plan_activity.care_plan_id, 'activity.reference', care_plan_activity.reference_type, care_plan_activity.reference_id, care_plan_activity.reference_display, care_plan_activity.reference_reference from care_plan_activity
union all
select 'CarePlan', care_plan_activity.care_plan_id, 'activity.detail.location', 'Location', care_plan_activity.detail_location_id, care_plan_activity.detail_location_display, care_plan_activity.detail_location_reference from care_plan_activity
union all
select 'CarePlan', care_plan_activity.care_plan_id, 'activity.detail.product', care_plan_activity.detail_product_type, care_plan_activity.detail_product_id, care_plan_activity.detail_product_display, care_plan_activity.detail_product_reference from care_plan_activity
union all
select 'CareTeam', care_team.id, 'encounter', 'Encounter', care_team.encounter_id, care_team.encounter_display, care_team.encounter_reference from care_team
union all
select 'CareTeam', care_team.id, 'subject', care_team.subject_type, care_team.subject_id, care_team.subject_display, care_team.subject_reference from care_team
union all
select 'CareTeam', care_team_participant.care_team_id, 'participant.member', care_team_participant.member_type, care_team_participant.member_id, care_team_participant.member_display, care_team_participant.member_reference from care_team_participant
union all
select 'CareTeam', care_team_participant.care_team_id, 'participant.onBehalfOf', 'Organization', care_team_participant.on_behalf_of_id, care_team_participant.on_behalf_of_display, care_team_participant.on_behalf_of_reference from care_team_participant
union all
select 'Goal', goal.id, 'subject', goal.subject_type, goal.subject_id, goal.subject_display, goal.subject_reference from goal
union all
select 'Goal', goal.id, 'expressedBy', goal.expressed_by_type, goal.expressed_by_id, goal.expressed_by_display, goal.expressed_by_reference from goal
union all
select 'Medication', medication.id, 'manufacturer', 'Organization', medication.manufacturer_id, medication.manufacturer_display, medication.manufacturer_reference from medication
union all
select 'Medication', medication_ingredient.medication_id, 'ingredient.item', medication_ingredient.item_type, medication_ingredient.item_id, null, medication_ingredient.item_reference from medication_ingredient
union all
select 'MedicationRequest', medication_request.id, 'encounter', 'Encounter', medication_request.encounter_id, medication_request.encounter_display, medication_request.encounter_reference from medication_request
union all
select 'MedicationRequest', medication_request.id, 'medication', 'Medication', medication_request.medication_id, null, medication_request.medication_reference from medication_request
union all
select 'MedicationRequest', medication_request.id, 'subject', medication_request.subject_type, medication_request.subject_id, medication_request.subject_display, medication_request.subject_reference from medication_request
union all
select 'MedicationRequest', medication_request.id, 'requester', medication_request.requester_type, medication_request.requester_id, medication_request.requester_display, medication_request.requester_reference from medication_request
union all
select 'MedicationRequest', medication_request.id, 'performer', medication_request.performer_type, medication_request.performer_id, medication_request.performer_display, medication_request.performer_reference from medication_request
union all
select 'MedicationRequest', medication_request.id, 'recorder', medication_request.recorder_type, medication_request.recorder_id, medication_request.recorder_display, medication_request.recorder_reference from medication_request
union all
select 'MedicationRequest', medication_request.id, 'dispenseRequest.performer', 'Organization', medication_request.dispense_performer_id, medication_request.dispense_performer_display, medication_request.dispense_performer_reference from medication_request
union all
select 'MedicationRequest', medication_request.id, 'priorPrescription', 'MedicationRequest', medication_request.prior_prescription_id, medication_request.prior_prescription_display, medication_request.prior_prescription_reference from medication_request
union all
select 'MedicationDispense', medication_dispense.id, 'context', 'Encounter', medication_dispense.encounter_id, medication_dispense.context_display, medication_dispense.context_reference from medication_dispense
union all
select 'MedicationDispense', medication_dispense.id, 'statusReason', 'DetectedIssue', medication_dispense.status_reason_id, medication_dispense.status_reason_display, medication_dispense.status_reason_reference from medication_dispense
union all
select 'MedicationDispense', medication_dispense.id, 'medication', 'Medication', medication_dispense.medication_id, null, medication_dispense.medication_reference from medication_dispense
union all
select 'MedicationDispense', medication_dispense.id, 'subject', medication_dispense.subject_type, medication_dispense.subject_id, medication_dispense.subject_display, medication_dispense.subject_reference from medication_dispense
union all
select 'MedicationDispense', medication_dispense.id, 'location', 'Location', medication_dispense.location_id, medication_dispense.location_display, medication_dispense.location_reference from medication_dispense
union all
select 'MedicationDispense', medication_dispense.id, 'destination', 'Location', medication_dispense.destination_id, medication_dispense.destination_display, medication_dispense.destination_reference from medication_dispense
union all
select 'MedicationDispense', medication_dispense_performer.medication_dispense_id, 'performer.actor', medication_dispense_performer.actor_type, medication_dispense_performer.actor_id, medication_dispense_performer.actor_display, medication_dispense_performer.actor_reference from medication_dispense_performer
union all
select 'MedicationAdministration', medication_administration.id, 'context', 'Encounter', medication_administration.encounter_id, medication_administration.context_display, medication_administration.context_reference from medication_administration
union all
select 'MedicationAdministration', medication_administration.id, 'medication', 'Medication', medication_administration.medication_id, null, medication_administration.medication_reference from medication_administration
union all
select 'MedicationAdministration', medication_administration.id, 'subject', medication_administration.subject_type, medication_administration.subject_id, medication_administration.subject_display, medication_administration.subject_reference from medication_administration
union all
select 'MedicationAdministration', medication_administration.id, 'request', 'MedicationRequest', medication_administration.request_id, medication_administration.request_display, medication_administration.request_reference from medication_administration
union all
select 'MedicationAdministration', medication_administration_performer.medication_administration_id, 'performer.actor', medication_administration_performer.actor_type, medication_administration_performer.actor_id, medication_administration_performer.actor_display, medication_administration_performer.actor_reference from medication_administration_performer
union all
select 'MedicationStatement', medication_statement.id, 'context', 'Encounter', medication_statement.encounter_id, medication_statement.context_display, medication_statement.context_reference from medication_statement
union all
select 'MedicationStatement', medication_statement.id, 'medication', 'Medication', medication_statement.medication_id, null, medication_statement.medication_reference from medication_statement
union all
select 'MedicationStatement', medication_statement.id, 'subject', medication_statement.subject_type, medication_statement.subject_id, medication_statement.subject_display, medication_statement.subject_reference from medication_statement
union all
select 'MedicationStatement', medication_statement.id, 'informationSource', medication_statement.information_source_type, medication_statement.information_source_id, medication_statement.information_source_display, medication_statement.information_source_reference from medication_statement
union all
select 'Communication', communication.id, 'encounter', 'Encounter', communication.encounter_id, communication.encounter_display, communication.encounter_reference from communication
union all
select 'Communication', communication.id, 'subject', communication.subject_type, communication.subject_id, communication.subject_display, communication.subject_reference from communication
union all
select 'Communication', communication.id, 'sender', communication.sender_type, communication.sender_id, communication.sender_display, communication.sender_reference from communication
union all
select 'Communication', communication_payload.communication_id, 'payload.content', communication_payload.content_reference_type, communication_payload.content_reference_id, communication_payload.content_reference_display, communication_payload.content_reference_reference from communication_payload
union all
select 'CommunicationRequest', communication_request.id, 'encounter', 'Encounter', communication_request.encounter_id, communication_request.encounter_display, communication_request.encounter_reference from communication_request
union all
select 'CommunicationRequest', communication_request.id, 'subject', communication_request.subject_type, communication_request.subject_id, communication_request.subject_display, communication_request.subject_reference from communication_request
union all
select 'CommunicationRequest', communication_request.id, 'requester', communication_request.requester_type, communication_request.requester_id, communication_request.requester_display, communication_request.requester_reference from communication_request
union all
select 'CommunicationRequest', communication_request.id, 'sender', communication_request.sender_type, communication_request.sender_id, communication_request.sender_display, communication_request.sender_reference from communication_request
union all
select 'CommunicationRequest', communication_request_payload.communication_request_id, 'payload.content', communication_request_payload.content_reference_type, communication_request_payload.content_reference_id, communication_request_payload.content_reference_display, communication_request_payload.content_reference_reference from communication_request_payload
union all
select 'QuestionnaireResponse', questionnaire_response.id, 'encounter', 'Encounter', questionnaire_response.encounter_id, questionnaire_response.encounter_display, questionnaire_response.encounter_reference from questionnaire_response
union all
select 'QuestionnaireResponse', questionnaire_response.id, 'subject', questionnaire_response.subject_type, questionnaire_response.subject_id, questionnaire_response.subject_display, questionnaire_response.subject_reference from questionnaire_response
union all
select 'QuestionnaireResponse', questionnaire_response.id, 'author', questionnaire_response.author_type, questionnaire_response.author_id, questionnaire_response.author_display, questionnaire_response.author_reference from questionnaire_response
union all
select 'QuestionnaireResponse', questionnaire_response.id, 'source', questionnaire_response.information_source_type, questionnaire_response.information_source_id, questionnaire_response.information_source_display, questionnaire_response.information_source_reference from questionnaire_response
union all
select 'QuestionnaireResponse', questionnaire_response_item.questionnaire_response_id, 'item.answer.value', questionnaire_response_item.value_reference_type, questionnaire_response_item.value_reference_id, questionnaire_response_item.value_reference_display, questionnaire_response_item.value_reference_reference from questionnaire_response_item
union all
select 'Consent', consent.id, 'patient', 'Patient', consent.patient_id, consent.patient_display, consent.patient_reference from consent
union all
select 'Consent', consent.id, 'source', consent.source_reference_type, consent.source_reference_id, consent.source_reference_display, consent.source_reference_reference from consent
union all
select 'Coverage', coverage.id, 'beneficiary', 'Patient', coverage.patient_id, coverage.beneficiary_display, coverage.beneficiary_reference from coverage
union all
select 'Coverage', coverage.id, 'policyHolder', coverage.policy_holder_type, coverage.policy_holder_id, coverage.policy_holder_display, coverage.policy_holder_reference from coverage
union all
select 'Coverage', coverage.id, 'subscriber', coverage.subscriber_party_type, coverage.subscriber_party_id, coverage.subscriber_party_display, coverage.subscriber_party_reference from coverage
union all
select 'Claim', claim.id, 'patient', 'Patient', claim.patient_id, claim.patient_display, claim.patient_reference from claim
union all
select 'Claim', claim.id, 'insurer', 'Organization', claim.insurer_id, claim.insurer_display, claim.insurer_reference from claim
union all
select 'Claim', claim.id, 'provider', claim.provider_type, claim.provider_id, claim.provider_display, claim.provider_reference from claim
union all
select 'Claim', claim.id, 'prescription', claim.prescription_type, claim.prescription_id, claim.prescription_display, claim.prescription_reference from claim
union all
select 'Claim', claim.id, 'payee.party', claim.payee_party_type, claim.payee_party_id, claim.payee_party_display, claim.payee_party_reference from claim
union all
select 'Claim', claim.id, 'referral', 'ServiceRequest', claim.referral_id, claim.referral_display, claim.referral_reference from claim
union all
select 'Claim', claim.id, 'facility', 'Location', claim.facility_id, claim.facility_display, claim.facility_reference from claim
union all
select 'Claim', claim_related.claim_id, 'related.claim', 'Claim', claim_related.related_claim_id, claim_related.related_claim_display, claim_related.related_claim_reference from claim_related
union all
select 'Claim', claim_care_team.claim_id, 'careTeam.provider', claim_care_team.provider_type, claim_care_team.provider_id, claim_care_team.provider_display, claim_care_team.provider_reference from claim_care_team
union all
select 'Claim', claim_supporting_info.claim_id, 'supportingInfo.value', claim_supporting_info.value_reference_type, claim_supporting_info.value_reference_id, claim_supporting_info.value_reference_display, claim_supporting_info.value_reference_reference from claim_supporting_info
union all
select 'Claim', claim_diagnosis.claim_id, 'diagnosis.diagnosis', 'Condition', claim_diagnosis.diagnosis_id, null, claim_diagnosis.diagnosis_reference from claim_diagnosis
union all
select 'Claim', claim_procedure.claim_id, 'procedure.procedure', 'Procedure', claim_procedure.procedure_id, null, claim_procedure.procedure_reference from claim_procedure
union all
select 'Claim', claim_insurance.claim_id, 'insurance.coverage', 'Coverage', claim_insurance.coverage_id, claim_insurance.coverage_display, claim_insurance.coverage_reference from claim_insurance
union all
select 'Claim', claim_insurance.claim_id, 'insurance.claimResponse', 'ClaimResponse', claim_insurance.claim_response_id, claim_insurance.claim_response_display, claim_insurance.claim_response_reference from claim_insurance
union all
select 'Claim', claim_item.claim_id, 'item.location', 'Location', claim_item.location_id, claim_item.location_display, claim_item.location_reference from claim_item
union all
select 'Claim', claim_item.claim_id, 'item.encounter', 'Encounter', claim_item.encounter_id, claim_item.encounter_display, claim_item.encounter_reference from claim_item
union all
select 'ClaimResponse', claim_response.id, 'patient', 'Patient', claim_response.patient_id, claim_response.patient_display, claim_response.patient_reference from claim_response
union all
select 'ClaimResponse', claim_response.id, 'insurer', 'Organization', claim_response.insurer_id, claim_response.insurer_display, claim_response.insurer_reference from claim_response
union all
select 'ClaimResponse', claim_response.id, 'requestor', claim_response.requestor_type, claim_response.requestor_id, claim_response.requestor_display, claim_response.requestor_reference from claim_response
union all
select 'ClaimResponse', claim_response.id, 'request', 'Claim', claim_response.request_id, claim_response.request_display, claim_response.request_reference from claim_response
union all
select 'ClaimResponse', claim_response_add_item.claim_response_id, 'addItem.location', 'Location', claim_response_add_item.location_id, claim_response_add_item.location_display, claim_response_add_item.location_reference from claim_response_add_item
union all
select 'ClaimResponse', claim_response_insurance.claim_response_id, 'insurance.coverage', 'Coverage', claim_response_insurance.coverage_id, claim_response_insurance.coverage_display, claim_response_insurance.coverage_reference from claim_response_insurance
union all
select 'ClaimResponse', claim_response_insurance.claim_response_id, 'insurance.claimResponse', 'ClaimResponse', claim_response_insurance.other_claim_response_id, claim_response_insurance.other_claim_response_display, claim_response_insurance.other_claim_response_reference from claim_response_insurance
union all
select 'ExplanationOfBenefit', explanation_of_benefit.id, 'patient', 'Patient', explanation_of_benefit.patient_id, explanation_of_benefit.patient_display, explanation_of_benefit.patient_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', explanation_of_benefit.id, 'insurer', 'Organization', explanation_of_benefit.insurer_id, explanation_of_benefit.insurer_display, explanation_of_benefit.insurer_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', explanation_of_benefit.id, 'provider', explanation_of_benefit.provider_type, explanation_of_benefit.provider_id, explanation_of_benefit.provider_display, explanation_of_benefit.provider_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', explanation_of_benefit.id, 'prescription', explanation_of_benefit.prescription_type, explanation_of_benefit.prescription_id, explanation_of_benefit.prescription_display, explanation_of_benefit.prescription_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', explanation_of_benefit.id, 'payee.party', explanation_of_benefit.payee_party_type, explanation_of_benefit.payee_party_id, explanation_of_benefit.payee_party_display, explanation_of_benefit.payee_party_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', explanation_of_benefit.id, 'referral', 'ServiceRequest', explanation_of_benefit.referral_id, explanation_of_benefit.referral_display, explanation_of_benefit.referral_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', explanation_of_benefit.id, 'facility', 'Location', explanation_of_benefit.facility_id, explanation_of_benefit.facility_display, explanation_of_benefit.facility_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', explanation_of_benefit.id, 'claim', 'Claim', explanation_of_benefit.claim_id, explanation_of_benefit.claim_display, explanation_of_benefit.claim_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', explanation_of_benefit.id, 'claimResponse', 'ClaimResponse', explanation_of_benefit.claim_response_id, explanation_of_benefit.claim_response_display, explanation_of_benefit.claim_response_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', explanation_of_benefit_related.explanation_of_benefit_id, 'related.claim', 'Claim', explanation_of_benefit_related.related_claim_id, explanation_of_benefit_related.related_claim_display, explanation_of_benefit_related.related_claim_reference from explanation_of_benefit_related
union all
select 'ExplanationOfBenefit', explanation_of_benefit_care_team.explanation_of_benefit_id, 'careTeam.provider', explanation_of_benefit_care_team.provider_type, explanation_of_benefit_care_team.provider_id, explanation_of_benefit_care_team.provider_display, explanation_of_benefit_care_team.provider_reference from explanation_of_benefit_care_team
union all
select 'ExplanationOfBenefit', explanation_of_benefit_supporting_info.explanation_of_benefit_id, 'supportingInfo.value', explanation_of_benefit_supporting_info.value_reference_type, explanation_of_benefit_supporting_info.value_reference_id, explanation_of_benefit_supporting_info.value_reference_display, explanation_of_benefit_supporting_info.value_reference_reference from explanation_of_benefit_supporting_info
union all
select 'ExplanationOfBenefit', explanation_of_benefit_diagnosis.explanation_of_benefit_id, 'diagnosis.diagnosis', 'Condition', explanation_of_benefit_diagnosis.diagnosis_id, null, explanation_of_benefit_diagnosis.diagnosis_reference from explanation_of_benefit_diagnosis
union all
select 'ExplanationOfBenefit', explanation_of_benefit_procedure.explanation_of_benefit_id, 'procedure.procedure', 'Procedure', explanation_of_benefit_procedure.procedure_id, null, explanation_of_benefit_procedure.procedure_reference from explanation_of_benefit_procedure
union all
select 'ExplanationOfBenefit', explanation_of_benefit_insurance.explanation_of_benefit_id, 'insurance.coverage', 'Coverage', explanation_of_benefit_insurance.coverage_id, explanation_of_benefit_insurance.coverage_display, explanation_of_benefit_insurance.coverage_reference from explanation_of_benefit_insurance
union all
select 'ExplanationOfBenefit', explanation_of_benefit_item.explanation_of_benefit_id, 'item.location', 'Location', explanation_of_benefit_item.location_id, explanation_of_benefit_item.location_display, explanation_of_benefit_item.location_reference from explanation_of_benefit_item
union all
select 'ExplanationOfBenefit', explanation_of_benefit_item.explanation_of_benefit_id, 'item.encounter', 'Encounter', explanation_of_benefit_item.encounter_id, explanation_of_benefit_item.encounter_display, explanation_of_benefit_item.encounter_reference from explanation_of_benefit_item
union all
select 'ExplanationOfBenefit', explanation_of_benefit_add_item.explanation_of_benefit_id, 'addItem.location', 'Location', explanation_of_benefit_add_item.location_id, explanation_of_benefit_add_item.location_display, explanation_of_benefit_add_item.location_reference from explanation_of_benefit_add_item
union all
select 'Provenance', provenance.id, 'location', 'Location', provenance.location_id, provenance.location_display, provenance.location_reference from provenance
union all
select 'Provenance', provenance_target.provenance_id, 'target', provenance_target.target_type, provenance_target.target_id, provenance_target.display, provenance_target.reference from provenance_target
union all
select 'Provenance', provenance_agent.provenance_id, 'agent.who', provenance_agent.who_type, provenance_agent.who_id, provenance_agent.who_display, provenance_agent.who_reference from provenance_agent
union all
select 'Provenance', provenance_agent.provenance_id, 'agent.onBehalfOf', provenance_agent.on_behalf_of_type, provenance_agent.on_behalf_of_id, provenance_agent.on_behalf_of_display, provenance_agent.on_behalf_of_reference from provenance_agent
union all
select 'Provenance', provenance_entity.provenance_id, 'entity.what', provenance_entity.what_type, provenance_entity.what_id, provenance_entity.what_display, provenance_entity.what_reference from provenance_entity
union all
select resource_reference.resource_type, resource_reference.resource_id, resource_reference.element, resource_reference.target_type, resource_reference.target_id, resource_reference.display, resource_reference.reference from resource_reference
union all
select resource_note.resource_type, resource_note.resource_id, 'note.author', resource_note.author_type, resource_note.author_id, resource_note.author_display, null from resource_note
union all
select other_resource.resource_type, other_resource.id, 'patient', 'Patient', other_resource.patient_id, null, null from other_resource
union all
select other_resource.resource_type, other_resource.id, 'encounter', 'Encounter', other_resource.encounter_id, null, null from other_resource
union all
select 'MedicationRequest', medication_request.id, 'reported', medication_request.reported_reference_type, medication_request.reported_reference_id, medication_request.reported_reference_display, medication_request.reported_reference_reference from medication_request
union all
select 'MedicationDispense', medication_dispense.id, 'substitution.responsibleParty', medication_dispense.substitution_responsible_party_type, medication_dispense.substitution_responsible_party_id, medication_dispense.substitution_responsible_party_display, medication_dispense.substitution_responsible_party_reference from medication_dispense
union all
select 'Claim', claim.id, 'accident.location', 'Location', claim.accident_location_reference_id, claim.accident_location_reference_display, claim.accident_location_reference_reference from claim
union all
select 'Claim', claim.id, 'enterer', claim.enterer_type, claim.enterer_id, claim.enterer_display, claim.enterer_reference from claim
union all
select 'Claim', claim.id, 'originalPrescription', claim.original_prescription_type, claim.original_prescription_id, claim.original_prescription_display, claim.original_prescription_reference from claim
union all
select 'ClaimResponse', claim_response_add_item.claim_response_id, 'addItem.provider', claim_response_add_item.provider_type, claim_response_add_item.provider_id, claim_response_add_item.provider_display, claim_response_add_item.provider_reference from claim_response_add_item
union all
select 'ExplanationOfBenefit', explanation_of_benefit.id, 'accident.location', 'Location', explanation_of_benefit.accident_location_reference_id, explanation_of_benefit.accident_location_reference_display, explanation_of_benefit.accident_location_reference_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', explanation_of_benefit.id, 'enterer', explanation_of_benefit.enterer_type, explanation_of_benefit.enterer_id, explanation_of_benefit.enterer_display, explanation_of_benefit.enterer_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', explanation_of_benefit.id, 'originalPrescription', explanation_of_benefit.original_prescription_type, explanation_of_benefit.original_prescription_id, explanation_of_benefit.original_prescription_display, explanation_of_benefit.original_prescription_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', explanation_of_benefit_add_item.explanation_of_benefit_id, 'addItem.provider', explanation_of_benefit_add_item.provider_type, explanation_of_benefit_add_item.provider_id, explanation_of_benefit_add_item.provider_display, explanation_of_benefit_add_item.provider_reference from explanation_of_benefit_add_item
union all
select 'Condition', condition_stage.condition_id, 'stage.assessment', condition_stage.assessment_type, condition_stage.assessment_id, condition_stage.assessment_display, condition_stage.assessment_reference from condition_stage
union all
select 'DiagnosticReport', diagnostic_report_media.diagnostic_report_id, 'media.link', 'Media', diagnostic_report_media.link_id, diagnostic_report_media.link_display, diagnostic_report_media.link_reference from diagnostic_report_media
union all
select 'Specimen', specimen_processing.specimen_id, 'processing.additive', 'Substance', specimen_processing.additive_id, specimen_processing.additive_display, specimen_processing.additive_reference from specimen_processing
union all
select 'Procedure', procedure_focal_device.procedure_id, 'focalDevice.manipulated', 'Device', procedure_focal_device.manipulated_id, procedure_focal_device.manipulated_display, procedure_focal_device.manipulated_reference from procedure_focal_device
union all
select 'Device', device.id, 'parent', 'Device', device.parent_id, device.parent_display, device.parent_reference from device
union all
select 'CarePlan', care_plan_activity_performer.care_plan_id, 'activity.detail.performer', care_plan_activity_performer.target_type, care_plan_activity_performer.target_id, care_plan_activity_performer.display, care_plan_activity_performer.reference from care_plan_activity_performer
union all
select 'CarePlan', care_plan_activity_reason.care_plan_id, 'activity.detail.reasonReference', care_plan_activity_reason.target_type, care_plan_activity_reason.target_id, care_plan_activity_reason.display, care_plan_activity_reason.reference from care_plan_activity_reason
union all
select 'CarePlan', care_plan_activity_goal.care_plan_id, 'activity.detail.goal', 'Goal', care_plan_activity_goal.goal_id, care_plan_activity_goal.display, care_plan_activity_goal.reference from care_plan_activity_goal
union all
select 'CarePlan', care_plan_activity_outcome.care_plan_id, 'activity.outcomeReference', care_plan_activity_outcome.target_type, care_plan_activity_outcome.target_id, care_plan_activity_outcome.display, care_plan_activity_outcome.reference from care_plan_activity_outcome
union all
select 'Consent', consent_verification.consent_id, 'verification.verifiedWith', consent_verification.verified_with_type, consent_verification.verified_with_id, consent_verification.verified_with_display, consent_verification.verified_with_reference from consent_verification
union all
select 'Claim', claim_procedure.claim_id, 'procedure.udi', 'Device', claim_procedure.udi_id, claim_procedure.udi_display, claim_procedure.udi_reference from claim_procedure
union all
select 'Claim', claim_item.claim_id, 'item.udi', 'Device', claim_item.udi_id, claim_item.udi_display, claim_item.udi_reference from claim_item
union all
select 'Claim', claim_item_detail.claim_id, 'item.detail.udi', 'Device', claim_item_detail.udi_id, claim_item_detail.udi_display, claim_item_detail.udi_reference from claim_item_detail
union all
select 'ExplanationOfBenefit', explanation_of_benefit_procedure.explanation_of_benefit_id, 'procedure.udi', 'Device', explanation_of_benefit_procedure.udi_id, explanation_of_benefit_procedure.udi_display, explanation_of_benefit_procedure.udi_reference from explanation_of_benefit_procedure
union all
select 'ExplanationOfBenefit', explanation_of_benefit_item.explanation_of_benefit_id, 'item.udi', 'Device', explanation_of_benefit_item.udi_id, explanation_of_benefit_item.udi_display, explanation_of_benefit_item.udi_reference from explanation_of_benefit_item
union all
select 'ExplanationOfBenefit', explanation_of_benefit_item_detail.explanation_of_benefit_id, 'item.detail.udi', 'Device', explanation_of_benefit_item_detail.udi_id, explanation_of_benefit_item_detail.udi_display, explanation_of_benefit_item_detail.udi_reference from explanation_of_benefit_item_detail
union all
select 'ImagingStudy', imaging_study_series_performer.imaging_study_id, 'series.performer.actor', imaging_study_series_performer.actor_type, imaging_study_series_performer.actor_id, imaging_study_series_performer.actor_display, imaging_study_series_performer.actor_reference from imaging_study_series_performer) as r
left join etl_resource_key k on k.id = r.resource_id
where r.target_id is not null or r.reference is not null
