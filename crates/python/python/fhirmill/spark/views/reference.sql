select r.resource_type, r.resource_id, r.element, r.target_type, r.target_id, r.display, r.reference, k.source
from (
select 'Patient' as resource_type, id as resource_id, 'managingOrganization' as element, 'Organization' as target_type, managing_organization_id as target_id, managing_organization_display as display, managing_organization_reference as reference from patient
union all
select 'Patient', patient_id, 'identifier.assigner', 'Organization', assigner_id, assigner_display, assigner_reference from patient_identifier
union all
select 'Patient', patient_id, 'contact.organization', 'Organization', organization_id, organization_display, organization_reference from patient_contact
union all
select 'Patient', patient_id, 'link.other', other_type, other_id, other_display, other_reference from patient_link
union all
select 'RelatedPerson', id, 'patient', 'Patient', patient_id, patient_display, patient_reference from related_person
union all
select 'Practitioner', practitioner_id, 'qualification.issuer', 'Organization', issuer_id, issuer_display, issuer_reference from practitioner_qualification
union all
select 'PractitionerRole', id, 'practitioner', 'Practitioner', practitioner_id, practitioner_display, practitioner_reference from practitioner_role
union all
select 'PractitionerRole', id, 'organization', 'Organization', organization_id, organization_display, organization_reference from practitioner_role
union all
select 'Organization', id, 'partOf', 'Organization', part_of_id, part_of_display, part_of_reference from organization
union all
select 'Location', id, 'managingOrganization', 'Organization', managing_organization_id, managing_organization_display, managing_organization_reference from location
union all
select 'Location', id, 'partOf', 'Location', part_of_id, part_of_display, part_of_reference from location
union all
select 'Encounter', id, 'subject', subject_type, subject_id, subject_display, subject_reference from encounter
union all
select 'Encounter', id, 'serviceProvider', 'Organization', service_provider_id, service_provider_display, service_provider_reference from encounter
union all
select 'Encounter', id, 'partOf', 'Encounter', part_of_id, part_of_display, part_of_reference from encounter
union all
select 'Encounter', id, 'hospitalization.origin', origin_type, origin_id, origin_display, origin_reference from encounter
union all
select 'Encounter', id, 'hospitalization.destination', destination_type, destination_id, destination_display, destination_reference from encounter
union all
select 'Encounter', encounter_id, 'participant.individual', individual_type, individual_id, individual_display, individual_reference from encounter_participant
union all
select 'Encounter', encounter_id, 'diagnosis.condition', condition_type, condition_id, condition_display, condition_reference from encounter_diagnosis
union all
select 'Encounter', encounter_id, 'location.location', 'Location', location_id, location_display, location_reference from encounter_location
union all
select 'Appointment', appointment_id, 'participant.actor', actor_type, actor_id, actor_display, actor_reference from appointment_participant
union all
select 'Condition', id, 'encounter', 'Encounter', encounter_id, encounter_display, encounter_reference from condition
union all
select 'Condition', id, 'subject', subject_type, subject_id, subject_display, subject_reference from condition
union all
select 'Condition', id, 'recorder', recorder_type, recorder_id, recorder_display, recorder_reference from condition
union all
select 'Condition', id, 'asserter', asserter_type, asserter_id, asserter_display, asserter_reference from condition
union all
select 'Condition', condition_id, 'evidence.detail', detail_type, detail_id, detail_display, detail_reference from condition_evidence
union all
select 'AllergyIntolerance', id, 'patient', 'Patient', patient_id, patient_display, patient_reference from allergy_intolerance
union all
select 'AllergyIntolerance', id, 'encounter', 'Encounter', encounter_id, encounter_display, encounter_reference from allergy_intolerance
union all
select 'AllergyIntolerance', id, 'recorder', recorder_type, recorder_id, recorder_display, recorder_reference from allergy_intolerance
union all
select 'AllergyIntolerance', id, 'asserter', asserter_type, asserter_id, asserter_display, asserter_reference from allergy_intolerance
union all
select 'Observation', id, 'encounter', 'Encounter', encounter_id, encounter_display, encounter_reference from observation
union all
select 'Observation', id, 'subject', subject_type, subject_id, subject_display, subject_reference from observation
union all
select 'Observation', id, 'specimen', 'Specimen', specimen_id, specimen_display, specimen_reference from observation
union all
select 'Observation', id, 'device', device_type, device_id, device_display, device_reference from observation
union all
select 'DiagnosticReport', id, 'encounter', 'Encounter', encounter_id, encounter_display, encounter_reference from diagnostic_report
union all
select 'DiagnosticReport', id, 'subject', subject_type, subject_id, subject_display, subject_reference from diagnostic_report
union all
select 'DiagnosticReport', diagnostic_report_id, 'result', 'Observation', observation_id, display, reference from diagnostic_report_result
union all
select 'Specimen', id, 'subject', subject_type, subject_id, subject_display, subject_reference from specimen
union all
select 'Specimen', id, 'collection.collector', collector_type, collector_id, collector_display, collector_reference from specimen
union all
select 'Specimen', specimen_id, 'container.additive', 'Substance', additive_id, additive_display, additive_reference from specimen_container
union all
select 'ImagingStudy', id, 'encounter', 'Encounter', encounter_id, encounter_display, encounter_reference from imaging_study
union all
select 'ImagingStudy', id, 'subject', subject_type, subject_id, subject_display, subject_reference from imaging_study
union all
select 'ImagingStudy', id, 'referrer', referrer_type, referrer_id, referrer_display, referrer_reference from imaging_study
union all
select 'ImagingStudy', id, 'procedureReference', 'Procedure', procedure_reference_id, procedure_reference_display, procedure_reference_reference from imaging_study
union all
select 'ImagingStudy', id, 'location', 'Location', location_id, location_display, location_reference from imaging_study
union all
select 'DocumentReference', id, 'subject', subject_type, subject_id, subject_display, subject_reference from document_reference
union all
select 'DocumentReference', id, 'authenticator', authenticator_type, authenticator_id, authenticator_display, authenticator_reference from document_reference
union all
select 'DocumentReference', id, 'custodian', 'Organization', custodian_id, custodian_display, custodian_reference from document_reference
union all
select 'DocumentReference', document_reference_id, 'relatesTo.target', 'DocumentReference', target_id, target_display, target_reference from document_reference_relates_to
union all
select 'Procedure', id, 'encounter', 'Encounter', encounter_id, encounter_display, encounter_reference from procedure
union all
select 'Procedure', id, 'subject', subject_type, subject_id, subject_display, subject_reference from procedure
union all
select 'Procedure', id, 'recorder', recorder_type, recorder_id, recorder_display, recorder_reference from procedure
union all
select 'Procedure', id, 'asserter', asserter_type, asserter_id, asserter_display, asserter_reference from procedure
union all
select 'Procedure', id, 'location', 'Location', location_id, location_display, location_reference from procedure
union all
select 'Procedure', procedure_id, 'performer.actor', actor_type, actor_id, actor_display, actor_reference from procedure_performer
union all
select 'Procedure', procedure_id, 'performer.onBehalfOf', 'Organization', on_behalf_of_id, on_behalf_of_display, on_behalf_of_reference from procedure_performer
union all
select 'ServiceRequest', id, 'encounter', 'Encounter', encounter_id, encounter_display, encounter_reference from service_request
union all
select 'ServiceRequest', id, 'subject', subject_type, subject_id, subject_display, subject_reference from service_request
union all
select 'ServiceRequest', id, 'requester', requester_type, requester_id, requester_display, requester_reference from service_request
union all
select 'Immunization', id, 'patient', 'Patient', patient_id, patient_display, patient_reference from immunization
union all
select 'Immunization', id, 'encounter', 'Encounter', encounter_id, encounter_display, encounter_reference from immunization
union all
select 'Immunization', id, 'location', 'Location', location_id, location_display, location_reference from immunization
union all
select 'Immunization', id, 'manufacturer', 'Organization', manufacturer_id, manufacturer_display, manufacturer_reference from immunization
union all
select 'Immunization', immunization_id, 'performer.actor', actor_type, actor_id, actor_display, actor_reference from immunization_performer
union all
select 'Immunization', immunization_id, 'reaction.detail', 'Observation', detail_id, detail_display, detail_reference from immunization_reaction
union all
select 'Immunization', immunization_id, 'protocolApplied.authority', 'Organization', authority_id, authority_display, authority_reference from immunization_protocol_applied
union all
select 'Device', id, 'patient', 'Patient', patient_id, patient_display, patient_reference from device
union all
select 'Device', id, 'definition', 'DeviceDefinition', definition_id, definition_display, definition_reference from device
union all
select 'Device', id, 'owner', 'Organization', owner_id, owner_display, owner_reference from device
union all
select 'Device', id, 'location', 'Location', location_id, location_display, location_reference from device
union all
select 'SupplyDelivery', id, 'patient', 'Patient', patient_id, patient_display, patient_reference from supply_delivery
union all
select 'SupplyDelivery', id, 'suppliedItem.item', supplied_item_item_type, supplied_item_item_id, null, supplied_item_item_reference from supply_delivery
union all
select 'SupplyDelivery', id, 'supplier', supplier_type, supplier_id, supplier_display, supplier_reference from supply_delivery
union all
select 'SupplyDelivery', id, 'destination', 'Location', destination_id, destination_display, destination_reference from supply_delivery
union all
select 'CarePlan', id, 'encounter', 'Encounter', encounter_id, encounter_display, encounter_reference from care_plan
union all
select 'CarePlan', id, 'subject', subject_type, subject_id, subject_display, subject_reference from care_plan
union all
select 'CarePlan', id, 'author', author_type, author_id, author_display, author_reference from care_plan
union all
select 'CarePlan', care_plan_id, 'activity.reference', reference_type, reference_id, reference_display, reference_reference from care_plan_activity
union all
select 'CarePlan', care_plan_id, 'activity.detail.location', 'Location', detail_location_id, detail_location_display, detail_location_reference from care_plan_activity
union all
select 'CarePlan', care_plan_id, 'activity.detail.product', detail_product_type, detail_product_id, detail_product_display, detail_product_reference from care_plan_activity
union all
select 'CareTeam', id, 'encounter', 'Encounter', encounter_id, encounter_display, encounter_reference from care_team
union all
select 'CareTeam', id, 'subject', subject_type, subject_id, subject_display, subject_reference from care_team
union all
select 'CareTeam', care_team_id, 'participant.member', member_type, member_id, member_display, member_reference from care_team_participant
union all
select 'CareTeam', care_team_id, 'participant.onBehalfOf', 'Organization', on_behalf_of_id, on_behalf_of_display, on_behalf_of_reference from care_team_participant
union all
select 'Goal', id, 'subject', subject_type, subject_id, subject_display, subject_reference from goal
union all
select 'Goal', id, 'expressedBy', expressed_by_type, expressed_by_id, expressed_by_display, expressed_by_reference from goal
union all
select 'Medication', id, 'manufacturer', 'Organization', manufacturer_id, manufacturer_display, manufacturer_reference from medication
union all
select 'Medication', medication_id, 'ingredient.item', item_type, item_id, null, item_reference from medication_ingredient
union all
select 'MedicationRequest', id, 'encounter', 'Encounter', encounter_id, encounter_display, encounter_reference from medication_request
union all
select 'MedicationRequest', id, 'medication', 'Medication', medication_id, null, medication_reference from medication_request
union all
select 'MedicationRequest', id, 'subject', subject_type, subject_id, subject_display, subject_reference from medication_request
union all
select 'MedicationRequest', id, 'requester', requester_type, requester_id, requester_display, requester_reference from medication_request
union all
select 'MedicationRequest', id, 'performer', performer_type, performer_id, performer_display, performer_reference from medication_request
union all
select 'MedicationRequest', id, 'recorder', recorder_type, recorder_id, recorder_display, recorder_reference from medication_request
union all
select 'MedicationRequest', id, 'dispenseRequest.performer', 'Organization', dispense_performer_id, dispense_performer_display, dispense_performer_reference from medication_request
union all
select 'MedicationRequest', id, 'priorPrescription', 'MedicationRequest', prior_prescription_id, prior_prescription_display, prior_prescription_reference from medication_request
union all
select 'MedicationDispense', id, 'context', 'Encounter', encounter_id, context_display, context_reference from medication_dispense
union all
select 'MedicationDispense', id, 'statusReason', 'DetectedIssue', status_reason_id, status_reason_display, status_reason_reference from medication_dispense
union all
select 'MedicationDispense', id, 'medication', 'Medication', medication_id, null, medication_reference from medication_dispense
union all
select 'MedicationDispense', id, 'subject', subject_type, subject_id, subject_display, subject_reference from medication_dispense
union all
select 'MedicationDispense', id, 'location', 'Location', location_id, location_display, location_reference from medication_dispense
union all
select 'MedicationDispense', id, 'destination', 'Location', destination_id, destination_display, destination_reference from medication_dispense
union all
select 'MedicationDispense', medication_dispense_id, 'performer.actor', actor_type, actor_id, actor_display, actor_reference from medication_dispense_performer
union all
select 'MedicationAdministration', id, 'context', 'Encounter', encounter_id, context_display, context_reference from medication_administration
union all
select 'MedicationAdministration', id, 'medication', 'Medication', medication_id, null, medication_reference from medication_administration
union all
select 'MedicationAdministration', id, 'subject', subject_type, subject_id, subject_display, subject_reference from medication_administration
union all
select 'MedicationAdministration', id, 'request', 'MedicationRequest', request_id, request_display, request_reference from medication_administration
union all
select 'MedicationAdministration', medication_administration_id, 'performer.actor', actor_type, actor_id, actor_display, actor_reference from medication_administration_performer
union all
select 'MedicationStatement', id, 'context', 'Encounter', encounter_id, context_display, context_reference from medication_statement
union all
select 'MedicationStatement', id, 'medication', 'Medication', medication_id, null, medication_reference from medication_statement
union all
select 'MedicationStatement', id, 'subject', subject_type, subject_id, subject_display, subject_reference from medication_statement
union all
select 'MedicationStatement', id, 'informationSource', information_source_type, information_source_id, information_source_display, information_source_reference from medication_statement
union all
select 'Communication', id, 'encounter', 'Encounter', encounter_id, encounter_display, encounter_reference from communication
union all
select 'Communication', id, 'subject', subject_type, subject_id, subject_display, subject_reference from communication
union all
select 'Communication', id, 'sender', sender_type, sender_id, sender_display, sender_reference from communication
union all
select 'Communication', communication_id, 'payload.content', content_reference_type, content_reference_id, content_reference_display, content_reference_reference from communication_payload
union all
select 'CommunicationRequest', id, 'encounter', 'Encounter', encounter_id, encounter_display, encounter_reference from communication_request
union all
select 'CommunicationRequest', id, 'subject', subject_type, subject_id, subject_display, subject_reference from communication_request
union all
select 'CommunicationRequest', id, 'requester', requester_type, requester_id, requester_display, requester_reference from communication_request
union all
select 'CommunicationRequest', id, 'sender', sender_type, sender_id, sender_display, sender_reference from communication_request
union all
select 'CommunicationRequest', communication_request_id, 'payload.content', content_reference_type, content_reference_id, content_reference_display, content_reference_reference from communication_request_payload
union all
select 'QuestionnaireResponse', id, 'encounter', 'Encounter', encounter_id, encounter_display, encounter_reference from questionnaire_response
union all
select 'QuestionnaireResponse', id, 'subject', subject_type, subject_id, subject_display, subject_reference from questionnaire_response
union all
select 'QuestionnaireResponse', id, 'author', author_type, author_id, author_display, author_reference from questionnaire_response
union all
select 'QuestionnaireResponse', id, 'source', information_source_type, information_source_id, information_source_display, information_source_reference from questionnaire_response
union all
select 'QuestionnaireResponse', questionnaire_response_id, 'item.answer.value', value_reference_type, value_reference_id, value_reference_display, value_reference_reference from questionnaire_response_item
union all
select 'Consent', id, 'patient', 'Patient', patient_id, patient_display, patient_reference from consent
union all
select 'Consent', id, 'source', source_reference_type, source_reference_id, source_reference_display, source_reference_reference from consent
union all
select 'Coverage', id, 'beneficiary', 'Patient', patient_id, beneficiary_display, beneficiary_reference from coverage
union all
select 'Coverage', id, 'policyHolder', policy_holder_type, policy_holder_id, policy_holder_display, policy_holder_reference from coverage
union all
select 'Coverage', id, 'subscriber', subscriber_party_type, subscriber_party_id, subscriber_party_display, subscriber_party_reference from coverage
union all
select 'Claim', id, 'patient', 'Patient', patient_id, patient_display, patient_reference from claim
union all
select 'Claim', id, 'insurer', 'Organization', insurer_id, insurer_display, insurer_reference from claim
union all
select 'Claim', id, 'provider', provider_type, provider_id, provider_display, provider_reference from claim
union all
select 'Claim', id, 'prescription', prescription_type, prescription_id, prescription_display, prescription_reference from claim
union all
select 'Claim', id, 'payee.party', payee_party_type, payee_party_id, payee_party_display, payee_party_reference from claim
union all
select 'Claim', id, 'referral', 'ServiceRequest', referral_id, referral_display, referral_reference from claim
union all
select 'Claim', id, 'facility', 'Location', facility_id, facility_display, facility_reference from claim
union all
select 'Claim', claim_id, 'related.claim', 'Claim', related_claim_id, related_claim_display, related_claim_reference from claim_related
union all
select 'Claim', claim_id, 'careTeam.provider', provider_type, provider_id, provider_display, provider_reference from claim_care_team
union all
select 'Claim', claim_id, 'supportingInfo.value', value_reference_type, value_reference_id, value_reference_display, value_reference_reference from claim_supporting_info
union all
select 'Claim', claim_id, 'diagnosis.diagnosis', 'Condition', diagnosis_id, null, diagnosis_reference from claim_diagnosis
union all
select 'Claim', claim_id, 'procedure.procedure', 'Procedure', procedure_id, null, procedure_reference from claim_procedure
union all
select 'Claim', claim_id, 'insurance.coverage', 'Coverage', coverage_id, coverage_display, coverage_reference from claim_insurance
union all
select 'Claim', claim_id, 'insurance.claimResponse', 'ClaimResponse', claim_response_id, claim_response_display, claim_response_reference from claim_insurance
union all
select 'Claim', claim_id, 'item.location', 'Location', location_id, location_display, location_reference from claim_item
union all
select 'Claim', claim_id, 'item.encounter', 'Encounter', encounter_id, encounter_display, encounter_reference from claim_item
union all
select 'ClaimResponse', id, 'patient', 'Patient', patient_id, patient_display, patient_reference from claim_response
union all
select 'ClaimResponse', id, 'insurer', 'Organization', insurer_id, insurer_display, insurer_reference from claim_response
union all
select 'ClaimResponse', id, 'requestor', requestor_type, requestor_id, requestor_display, requestor_reference from claim_response
union all
select 'ClaimResponse', id, 'request', 'Claim', request_id, request_display, request_reference from claim_response
union all
select 'ClaimResponse', claim_response_id, 'addItem.location', 'Location', location_id, location_display, location_reference from claim_response_add_item
union all
select 'ClaimResponse', claim_response_id, 'insurance.coverage', 'Coverage', coverage_id, coverage_display, coverage_reference from claim_response_insurance
union all
select 'ClaimResponse', claim_response_id, 'insurance.claimResponse', 'ClaimResponse', other_claim_response_id, other_claim_response_display, other_claim_response_reference from claim_response_insurance
union all
select 'ExplanationOfBenefit', id, 'patient', 'Patient', patient_id, patient_display, patient_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', id, 'insurer', 'Organization', insurer_id, insurer_display, insurer_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', id, 'provider', provider_type, provider_id, provider_display, provider_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', id, 'prescription', prescription_type, prescription_id, prescription_display, prescription_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', id, 'payee.party', payee_party_type, payee_party_id, payee_party_display, payee_party_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', id, 'referral', 'ServiceRequest', referral_id, referral_display, referral_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', id, 'facility', 'Location', facility_id, facility_display, facility_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', id, 'claim', 'Claim', claim_id, claim_display, claim_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', id, 'claimResponse', 'ClaimResponse', claim_response_id, claim_response_display, claim_response_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', explanation_of_benefit_id, 'related.claim', 'Claim', related_claim_id, related_claim_display, related_claim_reference from explanation_of_benefit_related
union all
select 'ExplanationOfBenefit', explanation_of_benefit_id, 'careTeam.provider', provider_type, provider_id, provider_display, provider_reference from explanation_of_benefit_care_team
union all
select 'ExplanationOfBenefit', explanation_of_benefit_id, 'supportingInfo.value', value_reference_type, value_reference_id, value_reference_display, value_reference_reference from explanation_of_benefit_supporting_info
union all
select 'ExplanationOfBenefit', explanation_of_benefit_id, 'diagnosis.diagnosis', 'Condition', diagnosis_id, null, diagnosis_reference from explanation_of_benefit_diagnosis
union all
select 'ExplanationOfBenefit', explanation_of_benefit_id, 'procedure.procedure', 'Procedure', procedure_id, null, procedure_reference from explanation_of_benefit_procedure
union all
select 'ExplanationOfBenefit', explanation_of_benefit_id, 'insurance.coverage', 'Coverage', coverage_id, coverage_display, coverage_reference from explanation_of_benefit_insurance
union all
select 'ExplanationOfBenefit', explanation_of_benefit_id, 'item.location', 'Location', location_id, location_display, location_reference from explanation_of_benefit_item
union all
select 'ExplanationOfBenefit', explanation_of_benefit_id, 'item.encounter', 'Encounter', encounter_id, encounter_display, encounter_reference from explanation_of_benefit_item
union all
select 'ExplanationOfBenefit', explanation_of_benefit_id, 'addItem.location', 'Location', location_id, location_display, location_reference from explanation_of_benefit_add_item
union all
select 'Provenance', id, 'location', 'Location', location_id, location_display, location_reference from provenance
union all
select 'Provenance', provenance_id, 'target', target_type, target_id, display, reference from provenance_target
union all
select 'Provenance', provenance_id, 'agent.who', who_type, who_id, who_display, who_reference from provenance_agent
union all
select 'Provenance', provenance_id, 'agent.onBehalfOf', on_behalf_of_type, on_behalf_of_id, on_behalf_of_display, on_behalf_of_reference from provenance_agent
union all
select 'Provenance', provenance_id, 'entity.what', what_type, what_id, what_display, what_reference from provenance_entity
union all
select resource_type, resource_id, element, target_type, target_id, display, reference from resource_reference
union all
select resource_type, resource_id, 'note.author', author_type, author_id, author_display, null from resource_note
union all
select resource_type, id, 'patient', 'Patient', patient_id, null, null from other_resource
union all
select resource_type, id, 'encounter', 'Encounter', encounter_id, null, null from other_resource
union all
select 'MedicationRequest', id, 'reported', reported_reference_type, reported_reference_id, reported_reference_display, reported_reference_reference from medication_request
union all
select 'MedicationDispense', id, 'substitution.responsibleParty', substitution_responsible_party_type, substitution_responsible_party_id, substitution_responsible_party_display, substitution_responsible_party_reference from medication_dispense
union all
select 'Claim', id, 'accident.location', 'Location', accident_location_reference_id, accident_location_reference_display, accident_location_reference_reference from claim
union all
select 'Claim', id, 'enterer', enterer_type, enterer_id, enterer_display, enterer_reference from claim
union all
select 'Claim', id, 'originalPrescription', original_prescription_type, original_prescription_id, original_prescription_display, original_prescription_reference from claim
union all
select 'ClaimResponse', claim_response_id, 'addItem.provider', provider_type, provider_id, provider_display, provider_reference from claim_response_add_item
union all
select 'ExplanationOfBenefit', id, 'accident.location', 'Location', accident_location_reference_id, accident_location_reference_display, accident_location_reference_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', id, 'enterer', enterer_type, enterer_id, enterer_display, enterer_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', id, 'originalPrescription', original_prescription_type, original_prescription_id, original_prescription_display, original_prescription_reference from explanation_of_benefit
union all
select 'ExplanationOfBenefit', explanation_of_benefit_id, 'addItem.provider', provider_type, provider_id, provider_display, provider_reference from explanation_of_benefit_add_item
union all
select 'Condition', condition_id, 'stage.assessment', assessment_type, assessment_id, assessment_display, assessment_reference from condition_stage
union all
select 'DiagnosticReport', diagnostic_report_id, 'media.link', 'Media', link_id, link_display, link_reference from diagnostic_report_media
union all
select 'Specimen', specimen_id, 'processing.additive', 'Substance', additive_id, additive_display, additive_reference from specimen_processing
union all
select 'Procedure', procedure_id, 'focalDevice.manipulated', 'Device', manipulated_id, manipulated_display, manipulated_reference from procedure_focal_device
union all
select 'Device', id, 'parent', 'Device', parent_id, parent_display, parent_reference from device
union all
select 'CarePlan', care_plan_id, 'activity.detail.performer', target_type, target_id, display, reference from care_plan_activity_performer
union all
select 'CarePlan', care_plan_id, 'activity.detail.reasonReference', target_type, target_id, display, reference from care_plan_activity_reason
union all
select 'CarePlan', care_plan_id, 'activity.detail.goal', 'Goal', goal_id, display, reference from care_plan_activity_goal
union all
select 'CarePlan', care_plan_id, 'activity.outcomeReference', target_type, target_id, display, reference from care_plan_activity_outcome
union all
select 'Consent', consent_id, 'verification.verifiedWith', verified_with_type, verified_with_id, verified_with_display, verified_with_reference from consent_verification
union all
select 'Claim', claim_id, 'procedure.udi', 'Device', udi_id, udi_display, udi_reference from claim_procedure
union all
select 'Claim', claim_id, 'item.udi', 'Device', udi_id, udi_display, udi_reference from claim_item
union all
select 'Claim', claim_id, 'item.detail.udi', 'Device', udi_id, udi_display, udi_reference from claim_item_detail
union all
select 'ExplanationOfBenefit', explanation_of_benefit_id, 'procedure.udi', 'Device', udi_id, udi_display, udi_reference from explanation_of_benefit_procedure
union all
select 'ExplanationOfBenefit', explanation_of_benefit_id, 'item.udi', 'Device', udi_id, udi_display, udi_reference from explanation_of_benefit_item
union all
select 'ExplanationOfBenefit', explanation_of_benefit_id, 'item.detail.udi', 'Device', udi_id, udi_display, udi_reference from explanation_of_benefit_item_detail
union all
select 'ImagingStudy', imaging_study_id, 'series.performer.actor', actor_type, actor_id, actor_display, actor_reference from imaging_study_series_performer) as r
left join etl_resource_key k on k.id = r.resource_id
where r.target_id is not null or r.reference is not null
