-- Ages, ranges and timings of choices that had no column, performers of activities,
-- notes on reactions, and more of clinical records; systems of codes, comparators.
-- New columns are null until the resources are mapped again (`fhirmill remap`).

alter table encounter
  add column service_type_system text,
  add column priority_system text,
  add column length_comparator text,
  add column admit_source_system text,
  add column re_admission_system text,
  add column discharge_disposition_system text,
  add column pre_admission_identifier_system text,
  add column pre_admission_identifier_value text,
  add column diet_preference_system text,
  add column diet_preference_code text,
  add column diet_preference_display text,
  add column special_courtesy_system text,
  add column special_courtesy_code text,
  add column special_courtesy_display text,
  add column special_arrangement_system text,
  add column special_arrangement_code text,
  add column special_arrangement_display text;
comment on column encounter.service_type_system is 'serviceType: coding.system';
comment on column encounter.priority_system is 'priority: coding.system';
comment on column encounter.length_comparator is 'length: comparator';
comment on column encounter.admit_source_system is 'hospitalization.admitSource: coding.system';
comment on column encounter.re_admission_system is 'hospitalization.reAdmission: coding.system';
comment on column encounter.discharge_disposition_system is 'hospitalization.dischargeDisposition: coding.system';
comment on column encounter.pre_admission_identifier_system is 'hospitalization.preAdmissionIdentifier: system';
comment on column encounter.pre_admission_identifier_value is 'hospitalization.preAdmissionIdentifier: value';
comment on column encounter.diet_preference_system is 'hospitalization.dietPreference[0]: coding.system';
comment on column encounter.diet_preference_code is 'hospitalization.dietPreference[0]: coding.code';
comment on column encounter.diet_preference_display is 'hospitalization.dietPreference[0]: coding.display, else text';
comment on column encounter.special_courtesy_system is 'hospitalization.specialCourtesy[0]: coding.system';
comment on column encounter.special_courtesy_code is 'hospitalization.specialCourtesy[0]: coding.code';
comment on column encounter.special_courtesy_display is 'hospitalization.specialCourtesy[0]: coding.display, else text';
comment on column encounter.special_arrangement_system is 'hospitalization.specialArrangement[0]: coding.system';
comment on column encounter.special_arrangement_code is 'hospitalization.specialArrangement[0]: coding.code';
comment on column encounter.special_arrangement_display is 'hospitalization.specialArrangement[0]: coding.display, else text';

alter table encounter_participant
  add column type_system text;
comment on column encounter_participant.type_system is 'type[0]: coding.system';

alter table encounter_diagnosis
  add column use_system text;
comment on column encounter_diagnosis.use_system is 'use: coding.system';

alter table encounter_location
  add column physical_type_system text;
comment on column encounter_location.physical_type_system is 'physicalType: coding.system';

alter table appointment
  add column cancelation_reason_system text,
  add column service_category_system text,
  add column service_type_system text,
  add column specialty_system text,
  add column appointment_type_system text,
  add column requested_period_start timestamptz,
  add column requested_period_start_text text,
  add column requested_period_end timestamptz,
  add column requested_period_end_text text;
comment on column appointment.cancelation_reason_system is 'cancelationReason: coding.system';
comment on column appointment.service_category_system is 'serviceCategory[0]: coding.system';
comment on column appointment.service_type_system is 'serviceType[0]: coding.system';
comment on column appointment.specialty_system is 'specialty[0]: coding.system';
comment on column appointment.appointment_type_system is 'appointmentType: coding.system';
comment on column appointment.requested_period_start is 'requestedPeriod[0]: start';
comment on column appointment.requested_period_start_text is 'requestedPeriod[0]: start as written';
comment on column appointment.requested_period_end is 'requestedPeriod[0]: end';
comment on column appointment.requested_period_end_text is 'requestedPeriod[0]: end as written';

alter table appointment_participant
  add column type_system text;
comment on column appointment_participant.type_system is 'type[0]: coding.system';

alter table condition
  add column category_system text,
  add column severity_system text,
  add column body_site_system text,
  add column onset_age_comparator text,
  add column onset_range_low_value numeric,
  add column onset_range_high_value numeric,
  add column onset_range_unit text,
  add column abatement_age_comparator text,
  add column abatement_range_low_value numeric,
  add column abatement_range_high_value numeric,
  add column abatement_range_unit text;
comment on column condition.category_system is 'category[0]: coding.system';
comment on column condition.severity_system is 'severity: coding.system';
comment on column condition.body_site_system is 'bodySite[0]: coding.system';
comment on column condition.onset_age_comparator is 'onset[x]: comparator';
comment on column condition.onset_range_low_value is 'onset[x]: low.value';
comment on column condition.onset_range_high_value is 'onset[x]: high.value';
comment on column condition.onset_range_unit is 'onset[x]: low.unit, else high.unit';
comment on column condition.abatement_age_comparator is 'abatement[x]: comparator';
comment on column condition.abatement_range_low_value is 'abatement[x]: low.value';
comment on column condition.abatement_range_high_value is 'abatement[x]: high.value';
comment on column condition.abatement_range_unit is 'abatement[x]: low.unit, else high.unit';

alter table condition_stage
  add column summary_system text,
  add column type_system text,
  add column assessment_type text,
  add column assessment_id bigint,
  add column assessment_display text,
  add column assessment_reference text;
comment on column condition_stage.summary_system is 'summary: coding.system';
comment on column condition_stage.type_system is 'type: coding.system';
comment on column condition_stage.assessment_type is 'assessment[0]: type of the target';
comment on column condition_stage.assessment_id is 'assessment[0]: key of the target';
comment on column condition_stage.assessment_display is 'assessment[0]: display';
comment on column condition_stage.assessment_reference is 'assessment[0]: reference, else identifier, as written; null where the key says it all';

alter table allergy_intolerance
  add column onset_age_comparator text,
  add column onset_range_low_value numeric,
  add column onset_range_high_value numeric,
  add column onset_range_unit text;
comment on column allergy_intolerance.onset_age_comparator is 'onset[x]: comparator';
comment on column allergy_intolerance.onset_range_low_value is 'onset[x]: low.value';
comment on column allergy_intolerance.onset_range_high_value is 'onset[x]: high.value';
comment on column allergy_intolerance.onset_range_unit is 'onset[x]: low.unit, else high.unit';

alter table allergy_intolerance_reaction
  add column exposure_route_system text,
  add column note_text text[];
comment on column allergy_intolerance_reaction.exposure_route_system is 'exposureRoute: coding.system';
comment on column allergy_intolerance_reaction.note_text is 'note.text (the notes on the reaction, in order)';

alter table observation
  add column category_system text,
  add column effective_timing jsonb,
  add column value_ratio_numerator_comparator text,
  add column value_ratio_denominator_comparator text,
  add column interpretation_system text,
  add column body_site_system text,
  add column method_system text;
comment on column observation.category_system is 'category[0]: coding.system';
comment on column observation.effective_timing is 'effective[x]';
comment on column observation.value_ratio_numerator_comparator is 'value[x]: numerator.comparator';
comment on column observation.value_ratio_denominator_comparator is 'value[x]: denominator.comparator';
comment on column observation.interpretation_system is 'interpretation[0]: coding.system';
comment on column observation.body_site_system is 'bodySite: coding.system';
comment on column observation.method_system is 'method: coding.system';

alter table observation_component
  add column value_ratio_numerator_comparator text,
  add column value_ratio_denominator_comparator text,
  add column interpretation_system text;
comment on column observation_component.value_ratio_numerator_comparator is 'value[x]: numerator.comparator';
comment on column observation_component.value_ratio_denominator_comparator is 'value[x]: denominator.comparator';
comment on column observation_component.interpretation_system is 'interpretation[0]: coding.system';

alter table observation_reference_range
  add column type_system text,
  add column applies_to_system text;
comment on column observation_reference_range.type_system is 'type: coding.system';
comment on column observation_reference_range.applies_to_system is 'appliesTo[0]: coding.system';

alter table diagnostic_report
  add column category_system text;
comment on column diagnostic_report.category_system is 'category[0]: coding.system';

create table diagnostic_report_media (
  diagnostic_report_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  comment text,
  link_id bigint,
  link_display text,
  link_reference text,
  extension jsonb,
  primary key (diagnostic_report_id, ordinal)
);
comment on table diagnostic_report_media is 'the key images of a report';
comment on column diagnostic_report_media.diagnostic_report_id is 'key of the resource that the row belongs to';
comment on column diagnostic_report_media.ordinal is 'position, from 1, in document order';
comment on column diagnostic_report_media.patient_id is 'key of the resource''s patient';
comment on column diagnostic_report_media.comment is 'comment';
comment on column diagnostic_report_media.link_id is 'link: key of the target';
comment on column diagnostic_report_media.link_display is 'link: display';
comment on column diagnostic_report_media.link_reference is 'link: reference, else identifier, as written; null where the key says it all';
comment on column diagnostic_report_media.extension is 'extensions of this element that no column takes: an array, each with its path';

alter table specimen
  add column duration_comparator text,
  add column method_system text,
  add column body_site_system text,
  add column fasting_status_codeable_concept_system text,
  add column fasting_status_duration_comparator text;
comment on column specimen.duration_comparator is 'collection.duration: comparator';
comment on column specimen.method_system is 'collection.method: coding.system';
comment on column specimen.body_site_system is 'collection.bodySite: coding.system';
comment on column specimen.fasting_status_codeable_concept_system is 'collection.fastingStatus[x]: coding.system';
comment on column specimen.fasting_status_duration_comparator is 'collection.fastingStatus[x]: comparator';

alter table specimen_processing
  add column additive_id bigint,
  add column additive_display text,
  add column additive_reference text;
comment on column specimen_processing.additive_id is 'additive[0]: key of the target';
comment on column specimen_processing.additive_display is 'additive[0]: display';
comment on column specimen_processing.additive_reference is 'additive[0]: reference, else identifier, as written; null where the key says it all';

alter table specimen_container
  add column type_system text,
  add column additive_system text;
comment on column specimen_container.type_system is 'type: coding.system';
comment on column specimen_container.additive_system is 'additive[x]: coding.system';

alter table document_reference
  add column category_system text,
  add column facility_type_system text,
  add column practice_setting_system text;
comment on column document_reference.category_system is 'category[0]: coding.system';
comment on column document_reference.facility_type_system is 'context.facilityType: coding.system';
comment on column document_reference.practice_setting_system is 'context.practiceSetting: coding.system';

alter table procedure
  add column status_reason_system text,
  add column category_system text,
  add column performed_age_value numeric,
  add column performed_age_unit text,
  add column performed_age_code text,
  add column performed_age_comparator text,
  add column performed_range_low_value numeric,
  add column performed_range_high_value numeric,
  add column performed_range_unit text,
  add column body_site_system text,
  add column outcome_system text;
comment on column procedure.status_reason_system is 'statusReason: coding.system';
comment on column procedure.category_system is 'category: coding.system';
comment on column procedure.performed_age_value is 'performed[x]: value';
comment on column procedure.performed_age_unit is 'performed[x]: unit';
comment on column procedure.performed_age_code is 'performed[x]: code';
comment on column procedure.performed_age_comparator is 'performed[x]: comparator';
comment on column procedure.performed_range_low_value is 'performed[x]: low.value';
comment on column procedure.performed_range_high_value is 'performed[x]: high.value';
comment on column procedure.performed_range_unit is 'performed[x]: low.unit, else high.unit';
comment on column procedure.body_site_system is 'bodySite[0]: coding.system';
comment on column procedure.outcome_system is 'outcome: coding.system';

alter table procedure_performer
  add column function_system text;
comment on column procedure_performer.function_system is 'function: coding.system';

create table procedure_focal_device (
  procedure_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  action_system text,
  action_code text,
  action_display text,
  manipulated_id bigint,
  manipulated_display text,
  manipulated_reference text,
  extension jsonb,
  primary key (procedure_id, ordinal)
);
comment on table procedure_focal_device is 'the devices that a procedure implanted, removed or worked on';
comment on column procedure_focal_device.procedure_id is 'key of the resource that the row belongs to';
comment on column procedure_focal_device.ordinal is 'position, from 1, in document order';
comment on column procedure_focal_device.patient_id is 'key of the resource''s patient';
comment on column procedure_focal_device.action_system is 'action: coding.system';
comment on column procedure_focal_device.action_code is 'action: coding.code';
comment on column procedure_focal_device.action_display is 'action: coding.display, else text';
comment on column procedure_focal_device.manipulated_id is 'manipulated: key of the target';
comment on column procedure_focal_device.manipulated_display is 'manipulated: display';
comment on column procedure_focal_device.manipulated_reference is 'manipulated: reference, else identifier, as written; null where the key says it all';
comment on column procedure_focal_device.extension is 'extensions of this element that no column takes: an array, each with its path';

alter table service_request
  add column category_system text,
  add column quantity_ratio_numerator_comparator text,
  add column quantity_ratio_denominator_comparator text,
  add column as_needed_codeable_concept_system text,
  add column performer_type_system text;
comment on column service_request.category_system is 'category[0]: coding.system';
comment on column service_request.quantity_ratio_numerator_comparator is 'quantity[x]: numerator.comparator';
comment on column service_request.quantity_ratio_denominator_comparator is 'quantity[x]: denominator.comparator';
comment on column service_request.as_needed_codeable_concept_system is 'asNeeded[x]: coding.system';
comment on column service_request.performer_type_system is 'performerType: coding.system';

alter table immunization
  add column status_reason_system text,
  add column report_origin_system text,
  add column site_system text,
  add column route_system text,
  add column funding_source_system text;
comment on column immunization.status_reason_system is 'statusReason: coding.system';
comment on column immunization.report_origin_system is 'reportOrigin: coding.system';
comment on column immunization.site_system is 'site: coding.system';
comment on column immunization.route_system is 'route: coding.system';
comment on column immunization.funding_source_system is 'fundingSource: coding.system';

alter table immunization_performer
  add column function_system text;
comment on column immunization_performer.function_system is 'function: coding.system';

alter table immunization_protocol_applied
  add column target_disease_system text;
comment on column immunization_protocol_applied.target_disease_system is 'targetDisease[0]: coding.system';

create table immunization_education (
  immunization_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  document_type text,
  reference text,
  publication_date timestamptz,
  publication_date_text text,
  presentation_date timestamptz,
  presentation_date_text text,
  extension jsonb,
  primary key (immunization_id, ordinal)
);
comment on table immunization_education is 'the material about a vaccination that a patient was given';
comment on column immunization_education.immunization_id is 'key of the resource that the row belongs to';
comment on column immunization_education.ordinal is 'position, from 1, in document order';
comment on column immunization_education.patient_id is 'key of the resource''s patient';
comment on column immunization_education.document_type is 'documentType';
comment on column immunization_education.reference is 'reference';
comment on column immunization_education.publication_date is 'publicationDate';
comment on column immunization_education.publication_date_text is 'publicationDate as written';
comment on column immunization_education.presentation_date is 'presentationDate';
comment on column immunization_education.presentation_date_text is 'presentationDate as written';
comment on column immunization_education.extension is 'extensions of this element that no column takes: an array, each with its path';

alter table device
  add column device_name_type text,
  add column parent_id bigint,
  add column parent_display text,
  add column parent_reference text,
  add column version text;
comment on column device.device_name_type is 'deviceName[0].type';
comment on column device.parent_id is 'parent: key of the target';
comment on column device.parent_display is 'parent: display';
comment on column device.parent_reference is 'parent: reference, else identifier, as written; null where the key says it all';
comment on column device.version is 'version[0].value';

alter table care_plan
  add column category_system text;
comment on column care_plan.category_system is 'category[0]: coding.system';

alter table care_plan_activity
  add column outcome_codeable_concept_system text,
  add column detail_status_reason_system text,
  add column detail_product_system text,
  add column progress_text text[];
comment on column care_plan_activity.outcome_codeable_concept_system is 'outcomeCodeableConcept[0]: coding.system';
comment on column care_plan_activity.detail_status_reason_system is 'detail.statusReason: coding.system';
comment on column care_plan_activity.detail_product_system is 'detail.product[x]: coding.system';
comment on column care_plan_activity.progress_text is 'progress.text (the notes on how the activity goes, in order)';

create table care_plan_activity_performer (
  care_plan_id bigint not null,
  activity_ordinal integer not null,
  ordinal integer not null,
  patient_id bigint,
  target_type text,
  target_id bigint,
  display text,
  reference text,
  extension jsonb,
  primary key (care_plan_id, activity_ordinal, ordinal)
);
comment on table care_plan_activity_performer is 'who is to carry out an activity';
comment on column care_plan_activity_performer.care_plan_id is 'key of the resource that the row belongs to';
comment on column care_plan_activity_performer.activity_ordinal is 'position of the enclosing activity, from 1';
comment on column care_plan_activity_performer.ordinal is 'position, from 1, in document order';
comment on column care_plan_activity_performer.patient_id is 'key of the resource''s patient';
comment on column care_plan_activity_performer.target_type is '$this: type of the target';
comment on column care_plan_activity_performer.target_id is '$this: key of the target';
comment on column care_plan_activity_performer.display is '$this: display';
comment on column care_plan_activity_performer.reference is '$this: reference, else identifier, as written; null where the key says it all';
comment on column care_plan_activity_performer.extension is 'extensions of this element that no column takes: an array, each with its path';

create table care_plan_activity_reason (
  care_plan_id bigint not null,
  activity_ordinal integer not null,
  ordinal integer not null,
  patient_id bigint,
  target_type text,
  target_id bigint,
  display text,
  reference text,
  extension jsonb,
  primary key (care_plan_id, activity_ordinal, ordinal)
);
comment on table care_plan_activity_reason is 'the conditions and findings that are the reason for an activity';
comment on column care_plan_activity_reason.care_plan_id is 'key of the resource that the row belongs to';
comment on column care_plan_activity_reason.activity_ordinal is 'position of the enclosing activity, from 1';
comment on column care_plan_activity_reason.ordinal is 'position, from 1, in document order';
comment on column care_plan_activity_reason.patient_id is 'key of the resource''s patient';
comment on column care_plan_activity_reason.target_type is '$this: type of the target';
comment on column care_plan_activity_reason.target_id is '$this: key of the target';
comment on column care_plan_activity_reason.display is '$this: display';
comment on column care_plan_activity_reason.reference is '$this: reference, else identifier, as written; null where the key says it all';
comment on column care_plan_activity_reason.extension is 'extensions of this element that no column takes: an array, each with its path';

create table care_plan_activity_goal (
  care_plan_id bigint not null,
  activity_ordinal integer not null,
  ordinal integer not null,
  patient_id bigint,
  goal_id bigint,
  display text,
  reference text,
  extension jsonb,
  primary key (care_plan_id, activity_ordinal, ordinal)
);
comment on table care_plan_activity_goal is 'the goals that an activity is to reach';
comment on column care_plan_activity_goal.care_plan_id is 'key of the resource that the row belongs to';
comment on column care_plan_activity_goal.activity_ordinal is 'position of the enclosing activity, from 1';
comment on column care_plan_activity_goal.ordinal is 'position, from 1, in document order';
comment on column care_plan_activity_goal.patient_id is 'key of the resource''s patient';
comment on column care_plan_activity_goal.goal_id is '$this: key of the target';
comment on column care_plan_activity_goal.display is '$this: display';
comment on column care_plan_activity_goal.reference is '$this: reference, else identifier, as written; null where the key says it all';
comment on column care_plan_activity_goal.extension is 'extensions of this element that no column takes: an array, each with its path';

create table care_plan_activity_outcome (
  care_plan_id bigint not null,
  activity_ordinal integer not null,
  ordinal integer not null,
  patient_id bigint,
  target_type text,
  target_id bigint,
  display text,
  reference text,
  extension jsonb,
  primary key (care_plan_id, activity_ordinal, ordinal)
);
comment on table care_plan_activity_outcome is 'the appointments, findings and procedures that came of an activity';
comment on column care_plan_activity_outcome.care_plan_id is 'key of the resource that the row belongs to';
comment on column care_plan_activity_outcome.activity_ordinal is 'position of the enclosing activity, from 1';
comment on column care_plan_activity_outcome.ordinal is 'position, from 1, in document order';
comment on column care_plan_activity_outcome.patient_id is 'key of the resource''s patient';
comment on column care_plan_activity_outcome.target_type is '$this: type of the target';
comment on column care_plan_activity_outcome.target_id is '$this: key of the target';
comment on column care_plan_activity_outcome.display is '$this: display';
comment on column care_plan_activity_outcome.reference is '$this: reference, else identifier, as written; null where the key says it all';
comment on column care_plan_activity_outcome.extension is 'extensions of this element that no column takes: an array, each with its path';

alter table care_team
  add column category_system text;
comment on column care_team.category_system is 'category[0]: coding.system';

alter table care_team_participant
  add column role_system text;
comment on column care_team_participant.role_system is 'role[0]: coding.system';

alter table goal
  add column category_system text,
  add column priority_system text,
  add column description_system text,
  add column start_codeable_concept_system text;
comment on column goal.category_system is 'category[0]: coding.system';
comment on column goal.priority_system is 'priority: coding.system';
comment on column goal.description_system is 'description: coding.system';
comment on column goal.start_codeable_concept_system is 'start[x]: coding.system';

alter table goal_target
  add column measure_system text,
  add column detail_codeable_concept_system text,
  add column detail_ratio_numerator_comparator text,
  add column detail_ratio_denominator_comparator text,
  add column due_duration_comparator text;
comment on column goal_target.measure_system is 'measure: coding.system';
comment on column goal_target.detail_codeable_concept_system is 'detail[x]: coding.system';
comment on column goal_target.detail_ratio_numerator_comparator is 'detail[x]: numerator.comparator';
comment on column goal_target.detail_ratio_denominator_comparator is 'detail[x]: denominator.comparator';
comment on column goal_target.due_duration_comparator is 'due[x]: comparator';

alter table communication
  add column status_reason_system text,
  add column category_system text;
comment on column communication.status_reason_system is 'statusReason: coding.system';
comment on column communication.category_system is 'category[0]: coding.system';

alter table communication_request
  add column status_reason_system text,
  add column category_system text;
comment on column communication_request.status_reason_system is 'statusReason: coding.system';
comment on column communication_request.category_system is 'category[0]: coding.system';

alter table consent
  add column scope_system text,
  add column category_system text,
  add column policy_rule_system text;
comment on column consent.scope_system is 'scope: coding.system';
comment on column consent.category_system is 'category[0]: coding.system';
comment on column consent.policy_rule_system is 'policyRule: coding.system';

create table consent_verification (
  consent_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  verified boolean,
  verified_with_type text,
  verified_with_id bigint,
  verified_with_display text,
  verified_with_reference text,
  verification_date timestamptz,
  verification_date_text text,
  extension jsonb,
  primary key (consent_id, ordinal)
);
comment on table consent_verification is 'whether a patient or a representative confirmed a consent, and when';
comment on column consent_verification.consent_id is 'key of the resource that the row belongs to';
comment on column consent_verification.ordinal is 'position, from 1, in document order';
comment on column consent_verification.patient_id is 'key of the resource''s patient';
comment on column consent_verification.verified is 'verified';
comment on column consent_verification.verified_with_type is 'verifiedWith: type of the target';
comment on column consent_verification.verified_with_id is 'verifiedWith: key of the target';
comment on column consent_verification.verified_with_display is 'verifiedWith: display';
comment on column consent_verification.verified_with_reference is 'verifiedWith: reference, else identifier, as written; null where the key says it all';
comment on column consent_verification.verification_date is 'verificationDate';
comment on column consent_verification.verification_date_text is 'verificationDate as written';
comment on column consent_verification.extension is 'extensions of this element that no column takes: an array, each with its path';

create table consent_policy (
  consent_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  authority text,
  uri text,
  extension jsonb,
  primary key (consent_id, ordinal)
);
comment on table consent_policy is 'the policies that a consent refers to';
comment on column consent_policy.consent_id is 'key of the resource that the row belongs to';
comment on column consent_policy.ordinal is 'position, from 1, in document order';
comment on column consent_policy.patient_id is 'key of the resource''s patient';
comment on column consent_policy.authority is 'authority';
comment on column consent_policy.uri is 'uri';
comment on column consent_policy.extension is 'extensions of this element that no column takes: an array, each with its path';

alter table provenance
  add column activity_system text;
comment on column provenance.activity_system is 'activity: coding.system';

alter table provenance_agent
  add column type_system text,
  add column role_system text;
comment on column provenance_agent.type_system is 'type: coding.system';
comment on column provenance_agent.role_system is 'role[0]: coding.system';

-- Comments that say more than before.
comment on column condition.onset_type is 'onset[x]: which of dateTime, Age, Period, string, Range';
comment on column condition.abatement_type is 'abatement[x]: which of dateTime, Age, Period, string, Range';
comment on column allergy_intolerance.onset_type is 'onset[x]: which of dateTime, Age, Period, string, Range';
comment on column observation.effective_type is 'effective[x]: which of dateTime, Period, instant, Timing';
comment on column procedure.performed_type is 'performed[x]: which of dateTime, Period, string, Age, Range';

-- Keys for the diagrams and links that clients draw; not enforced, and unknown
-- to servers before PostgreSQL 18.
do $migration$
begin
if current_setting('server_version_num')::int < 180000 then
  return;
end if;
execute $keys$
alter table device add constraint device_parent_id_fkey foreign key (parent_id) references device (id) not enforced;
alter table diagnostic_report_media add constraint diagnostic_report_media_diagnostic_report_id_fkey foreign key (diagnostic_report_id) references diagnostic_report (id) not enforced;
alter table diagnostic_report_media add constraint diagnostic_report_media_patient_id_fkey foreign key (patient_id) references patient (id) not enforced;
alter table procedure_focal_device add constraint procedure_focal_device_procedure_id_fkey foreign key (procedure_id) references procedure (id) not enforced;
alter table procedure_focal_device add constraint procedure_focal_device_patient_id_fkey foreign key (patient_id) references patient (id) not enforced;
alter table procedure_focal_device add constraint procedure_focal_device_manipulated_id_fkey foreign key (manipulated_id) references device (id) not enforced;
alter table immunization_education add constraint immunization_education_immunization_id_fkey foreign key (immunization_id) references immunization (id) not enforced;
alter table immunization_education add constraint immunization_education_patient_id_fkey foreign key (patient_id) references patient (id) not enforced;
alter table care_plan_activity_performer add constraint care_plan_activity_performer_care_plan_id_fkey foreign key (care_plan_id) references care_plan (id) not enforced;
alter table care_plan_activity_performer add constraint care_plan_activity_performer_patient_id_fkey foreign key (patient_id) references patient (id) not enforced;
alter table care_plan_activity_reason add constraint care_plan_activity_reason_care_plan_id_fkey foreign key (care_plan_id) references care_plan (id) not enforced;
alter table care_plan_activity_reason add constraint care_plan_activity_reason_patient_id_fkey foreign key (patient_id) references patient (id) not enforced;
alter table care_plan_activity_goal add constraint care_plan_activity_goal_care_plan_id_fkey foreign key (care_plan_id) references care_plan (id) not enforced;
alter table care_plan_activity_goal add constraint care_plan_activity_goal_patient_id_fkey foreign key (patient_id) references patient (id) not enforced;
alter table care_plan_activity_goal add constraint care_plan_activity_goal_goal_id_fkey foreign key (goal_id) references goal (id) not enforced;
alter table care_plan_activity_outcome add constraint care_plan_activity_outcome_care_plan_id_fkey foreign key (care_plan_id) references care_plan (id) not enforced;
alter table care_plan_activity_outcome add constraint care_plan_activity_outcome_patient_id_fkey foreign key (patient_id) references patient (id) not enforced;
alter table consent_verification add constraint consent_verification_consent_id_fkey foreign key (consent_id) references consent (id) not enforced;
alter table consent_verification add constraint consent_verification_patient_id_fkey foreign key (patient_id) references patient (id) not enforced;
alter table consent_policy add constraint consent_policy_consent_id_fkey foreign key (consent_id) references consent (id) not enforced;
alter table consent_policy add constraint consent_policy_patient_id_fkey foreign key (patient_id) references patient (id) not enforced;
$keys$;
end $migration$;
