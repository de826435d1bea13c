-- Dosages as a whole: bounds, days and times of day, duration, maximum doses, rates
-- that are ranges, and every dose and rate; systems of codes, comparators; who
-- asked for a drug on whose behalf, and why it was substituted. New columns are
-- null until the resources are mapped again (`fhirmill remap`).

alter table medication
  add column form_system text,
  add column amount_numerator_comparator text,
  add column amount_denominator_comparator text;
comment on column medication.form_system is 'form: coding.system';
comment on column medication.amount_numerator_comparator is 'amount: numerator.comparator';
comment on column medication.amount_denominator_comparator is 'amount: denominator.comparator';

alter table medication_ingredient
  add column strength_numerator_comparator text,
  add column strength_denominator_comparator text;
comment on column medication_ingredient.strength_numerator_comparator is 'strength: numerator.comparator';
comment on column medication_ingredient.strength_denominator_comparator is 'strength: denominator.comparator';

alter table medication_request
  add column status_reason_system text,
  add column category_system text,
  add column reported_reference_type text,
  add column reported_reference_id bigint,
  add column reported_reference_display text,
  add column reported_reference_reference text,
  add column performer_type_system text,
  add column performer_type_code text,
  add column performer_type_display text,
  add column group_identifier_system text,
  add column group_identifier_value text,
  add column course_of_therapy_type_system text,
  add column dispense_expected_supply_duration_comparator text,
  add column dispense_initial_fill_quantity_value numeric,
  add column dispense_initial_fill_quantity_unit text,
  add column dispense_initial_fill_quantity_code text,
  add column dispense_initial_fill_duration_value numeric,
  add column dispense_initial_fill_duration_unit text,
  add column dispense_initial_fill_duration_code text,
  add column dispense_initial_fill_duration_comparator text,
  add column dispense_dispense_interval_value numeric,
  add column dispense_dispense_interval_unit text,
  add column dispense_dispense_interval_code text,
  add column dispense_dispense_interval_comparator text,
  add column substitution_allowed_codeable_concept_system text,
  add column substitution_reason_system text,
  add column substitution_reason_code text,
  add column substitution_reason_display text;
comment on column medication_request.status_reason_system is 'statusReason: coding.system';
comment on column medication_request.category_system is 'category[0]: coding.system';
comment on column medication_request.reported_reference_type is 'reportedReference: type of the target';
comment on column medication_request.reported_reference_id is 'reportedReference: key of the target';
comment on column medication_request.reported_reference_display is 'reportedReference: display';
comment on column medication_request.reported_reference_reference is 'reportedReference: reference, else identifier, as written; null where the key says it all';
comment on column medication_request.performer_type_system is 'performerType: coding.system';
comment on column medication_request.performer_type_code is 'performerType: coding.code';
comment on column medication_request.performer_type_display is 'performerType: coding.display, else text';
comment on column medication_request.group_identifier_system is 'groupIdentifier: system';
comment on column medication_request.group_identifier_value is 'groupIdentifier: value';
comment on column medication_request.course_of_therapy_type_system is 'courseOfTherapyType: coding.system';
comment on column medication_request.dispense_expected_supply_duration_comparator is 'dispenseRequest.expectedSupplyDuration: comparator';
comment on column medication_request.dispense_initial_fill_quantity_value is 'dispenseRequest.initialFill.quantity: value';
comment on column medication_request.dispense_initial_fill_quantity_unit is 'dispenseRequest.initialFill.quantity: unit';
comment on column medication_request.dispense_initial_fill_quantity_code is 'dispenseRequest.initialFill.quantity: code';
comment on column medication_request.dispense_initial_fill_duration_value is 'dispenseRequest.initialFill.duration: value';
comment on column medication_request.dispense_initial_fill_duration_unit is 'dispenseRequest.initialFill.duration: unit';
comment on column medication_request.dispense_initial_fill_duration_code is 'dispenseRequest.initialFill.duration: code';
comment on column medication_request.dispense_initial_fill_duration_comparator is 'dispenseRequest.initialFill.duration: comparator';
comment on column medication_request.dispense_dispense_interval_value is 'dispenseRequest.dispenseInterval: value';
comment on column medication_request.dispense_dispense_interval_unit is 'dispenseRequest.dispenseInterval: unit';
comment on column medication_request.dispense_dispense_interval_code is 'dispenseRequest.dispenseInterval: code';
comment on column medication_request.dispense_dispense_interval_comparator is 'dispenseRequest.dispenseInterval: comparator';
comment on column medication_request.substitution_allowed_codeable_concept_system is 'substitution.allowed[x]: coding.system';
comment on column medication_request.substitution_reason_system is 'substitution.reason: coding.system';
comment on column medication_request.substitution_reason_code is 'substitution.reason: coding.code';
comment on column medication_request.substitution_reason_display is 'substitution.reason: coding.display, else text';

alter table medication_request_dosage
  add column timing_code_system text,
  add column timing_event text[],
  add column timing_bounds_duration_value numeric,
  add column timing_bounds_duration_unit text,
  add column timing_bounds_duration_code text,
  add column timing_bounds_duration_comparator text,
  add column timing_bounds_range_low_value numeric,
  add column timing_bounds_range_high_value numeric,
  add column timing_bounds_range_unit text,
  add column timing_count_max integer,
  add column timing_duration numeric,
  add column timing_duration_max numeric,
  add column timing_duration_unit text,
  add column timing_day_of_week text[],
  add column timing_time_of_day text[],
  add column timing_offset integer,
  add column as_needed_codeable_concept_system text,
  add column site_system text,
  add column route_system text,
  add column method_system text,
  add column type_system text,
  add column rate_ratio_numerator_comparator text,
  add column rate_ratio_denominator_comparator text,
  add column rate_range_low_value numeric,
  add column rate_range_high_value numeric,
  add column rate_range_unit text,
  add column max_dose_per_period_numerator_comparator text,
  add column max_dose_per_period_denominator_comparator text,
  add column max_dose_per_administration_value numeric,
  add column max_dose_per_administration_unit text,
  add column max_dose_per_administration_code text,
  add column max_dose_per_lifetime_value numeric,
  add column max_dose_per_lifetime_unit text,
  add column max_dose_per_lifetime_code text,
  add column additional_instruction_system text;
comment on column medication_request_dosage.timing_code_system is 'timing.code: coding.system';
comment on column medication_request_dosage.timing_event is 'timing.event';
comment on column medication_request_dosage.timing_bounds_duration_value is 'timing.repeat.boundsDuration: value';
comment on column medication_request_dosage.timing_bounds_duration_unit is 'timing.repeat.boundsDuration: unit';
comment on column medication_request_dosage.timing_bounds_duration_code is 'timing.repeat.boundsDuration: code';
comment on column medication_request_dosage.timing_bounds_duration_comparator is 'timing.repeat.boundsDuration: comparator';
comment on column medication_request_dosage.timing_bounds_range_low_value is 'timing.repeat.boundsRange: low.value';
comment on column medication_request_dosage.timing_bounds_range_high_value is 'timing.repeat.boundsRange: high.value';
comment on column medication_request_dosage.timing_bounds_range_unit is 'timing.repeat.boundsRange: low.unit, else high.unit';
comment on column medication_request_dosage.timing_count_max is 'timing.repeat.countMax';
comment on column medication_request_dosage.timing_duration is 'timing.repeat.duration';
comment on column medication_request_dosage.timing_duration_max is 'timing.repeat.durationMax';
comment on column medication_request_dosage.timing_duration_unit is 'timing.repeat.durationUnit';
comment on column medication_request_dosage.timing_day_of_week is 'timing.repeat.dayOfWeek';
comment on column medication_request_dosage.timing_time_of_day is 'timing.repeat.timeOfDay (as written)';
comment on column medication_request_dosage.timing_offset is 'timing.repeat.offset (minutes before or after the event)';
comment on column medication_request_dosage.as_needed_codeable_concept_system is 'asNeeded[x]: coding.system';
comment on column medication_request_dosage.site_system is 'site: coding.system';
comment on column medication_request_dosage.route_system is 'route: coding.system';
comment on column medication_request_dosage.method_system is 'method: coding.system';
comment on column medication_request_dosage.type_system is 'doseAndRate[0].type: coding.system';
comment on column medication_request_dosage.rate_ratio_numerator_comparator is 'doseAndRate[0].rate[x]: numerator.comparator';
comment on column medication_request_dosage.rate_ratio_denominator_comparator is 'doseAndRate[0].rate[x]: denominator.comparator';
comment on column medication_request_dosage.rate_range_low_value is 'doseAndRate[0].rate[x]: low.value';
comment on column medication_request_dosage.rate_range_high_value is 'doseAndRate[0].rate[x]: high.value';
comment on column medication_request_dosage.rate_range_unit is 'doseAndRate[0].rate[x]: low.unit, else high.unit';
comment on column medication_request_dosage.max_dose_per_period_numerator_comparator is 'maxDosePerPeriod: numerator.comparator';
comment on column medication_request_dosage.max_dose_per_period_denominator_comparator is 'maxDosePerPeriod: denominator.comparator';
comment on column medication_request_dosage.max_dose_per_administration_value is 'maxDosePerAdministration: value';
comment on column medication_request_dosage.max_dose_per_administration_unit is 'maxDosePerAdministration: unit';
comment on column medication_request_dosage.max_dose_per_administration_code is 'maxDosePerAdministration: code';
comment on column medication_request_dosage.max_dose_per_lifetime_value is 'maxDosePerLifetime: value';
comment on column medication_request_dosage.max_dose_per_lifetime_unit is 'maxDosePerLifetime: unit';
comment on column medication_request_dosage.max_dose_per_lifetime_code is 'maxDosePerLifetime: code';
comment on column medication_request_dosage.additional_instruction_system is 'additionalInstruction[0]: coding.system';

create table medication_request_dosage_dose_and_rate (
  medication_request_id bigint not null,
  dosage_ordinal integer not null,
  ordinal integer not null,
  patient_id bigint,
  type_system text,
  type_code text,
  type_display text,
  dose_type text,
  dose_range_low_value numeric,
  dose_range_high_value numeric,
  dose_range_unit text,
  dose_quantity_value numeric,
  dose_quantity_unit text,
  dose_quantity_code text,
  rate_type text,
  rate_ratio_numerator_value numeric,
  rate_ratio_numerator_comparator text,
  rate_ratio_numerator_unit text,
  rate_ratio_denominator_value numeric,
  rate_ratio_denominator_comparator text,
  rate_ratio_denominator_unit text,
  rate_quantity_value numeric,
  rate_quantity_unit text,
  rate_quantity_code text,
  rate_range_low_value numeric,
  rate_range_high_value numeric,
  rate_range_unit text,
  extension jsonb,
  primary key (medication_request_id, dosage_ordinal, ordinal)
);
comment on table medication_request_dosage_dose_and_rate is 'every dose and rate of a dosage, such as an ordered and a calculated one; the dosage''s own columns show the first';
comment on column medication_request_dosage_dose_and_rate.medication_request_id is 'key of the resource that the row belongs to';
comment on column medication_request_dosage_dose_and_rate.dosage_ordinal is 'position of the enclosing dosage, from 1';
comment on column medication_request_dosage_dose_and_rate.ordinal is 'position, from 1, in document order';
comment on column medication_request_dosage_dose_and_rate.patient_id is 'key of the resource''s patient';
comment on column medication_request_dosage_dose_and_rate.type_system is 'type: coding.system';
comment on column medication_request_dosage_dose_and_rate.type_code is 'type: coding.code';
comment on column medication_request_dosage_dose_and_rate.type_display is 'type: coding.display, else text';
comment on column medication_request_dosage_dose_and_rate.dose_type is 'dose[x]: which of Range, Quantity';
comment on column medication_request_dosage_dose_and_rate.dose_range_low_value is 'dose[x]: low.value';
comment on column medication_request_dosage_dose_and_rate.dose_range_high_value is 'dose[x]: high.value';
comment on column medication_request_dosage_dose_and_rate.dose_range_unit is 'dose[x]: low.unit, else high.unit';
comment on column medication_request_dosage_dose_and_rate.dose_quantity_value is 'dose[x]: value';
comment on column medication_request_dosage_dose_and_rate.dose_quantity_unit is 'dose[x]: unit';
comment on column medication_request_dosage_dose_and_rate.dose_quantity_code is 'dose[x]: code';
comment on column medication_request_dosage_dose_and_rate.rate_type is 'rate[x]: which of Ratio, Quantity, Range';
comment on column medication_request_dosage_dose_and_rate.rate_ratio_numerator_value is 'rate[x]: numerator.value';
comment on column medication_request_dosage_dose_and_rate.rate_ratio_numerator_comparator is 'rate[x]: numerator.comparator';
comment on column medication_request_dosage_dose_and_rate.rate_ratio_numerator_unit is 'rate[x]: numerator.unit';
comment on column medication_request_dosage_dose_and_rate.rate_ratio_denominator_value is 'rate[x]: denominator.value';
comment on column medication_request_dosage_dose_and_rate.rate_ratio_denominator_comparator is 'rate[x]: denominator.comparator';
comment on column medication_request_dosage_dose_and_rate.rate_ratio_denominator_unit is 'rate[x]: denominator.unit';
comment on column medication_request_dosage_dose_and_rate.rate_quantity_value is 'rate[x]: value';
comment on column medication_request_dosage_dose_and_rate.rate_quantity_unit is 'rate[x]: unit';
comment on column medication_request_dosage_dose_and_rate.rate_quantity_code is 'rate[x]: code';
comment on column medication_request_dosage_dose_and_rate.rate_range_low_value is 'rate[x]: low.value';
comment on column medication_request_dosage_dose_and_rate.rate_range_high_value is 'rate[x]: high.value';
comment on column medication_request_dosage_dose_and_rate.rate_range_unit is 'rate[x]: low.unit, else high.unit';
comment on column medication_request_dosage_dose_and_rate.extension is 'extensions of this element that no column takes: an array, each with its path';

create table medication_request_dosage_additional_instruction (
  medication_request_id bigint not null,
  dosage_ordinal integer not null,
  ordinal integer not null,
  patient_id bigint,
  system text,
  code text,
  display text,
  text text,
  extension jsonb,
  primary key (medication_request_id, dosage_ordinal, ordinal)
);
comment on table medication_request_dosage_additional_instruction is 'every additional instruction of a dosage, such as to take it with meals';
comment on column medication_request_dosage_additional_instruction.medication_request_id is 'key of the resource that the row belongs to';
comment on column medication_request_dosage_additional_instruction.dosage_ordinal is 'position of the enclosing dosage, from 1';
comment on column medication_request_dosage_additional_instruction.ordinal is 'position, from 1, in document order';
comment on column medication_request_dosage_additional_instruction.patient_id is 'key of the resource''s patient';
comment on column medication_request_dosage_additional_instruction.system is '$this: coding.system';
comment on column medication_request_dosage_additional_instruction.code is '$this: coding.code';
comment on column medication_request_dosage_additional_instruction.display is '$this: coding.display';
comment on column medication_request_dosage_additional_instruction.text is '$this: text';
comment on column medication_request_dosage_additional_instruction.extension is 'extensions of this element that no column takes: an array, each with its path';

alter table medication_dispense
  add column status_reason_system text,
  add column category_system text,
  add column substitution_type_system text,
  add column substitution_reason_system text,
  add column substitution_reason_code text,
  add column substitution_reason_display text,
  add column substitution_responsible_party_type text,
  add column substitution_responsible_party_id bigint,
  add column substitution_responsible_party_display text,
  add column substitution_responsible_party_reference text;
comment on column medication_dispense.status_reason_system is 'statusReason[x]: coding.system';
comment on column medication_dispense.category_system is 'category: coding.system';
comment on column medication_dispense.substitution_type_system is 'substitution.type: coding.system';
comment on column medication_dispense.substitution_reason_system is 'substitution.reason[0]: coding.system';
comment on column medication_dispense.substitution_reason_code is 'substitution.reason[0]: coding.code';
comment on column medication_dispense.substitution_reason_display is 'substitution.reason[0]: coding.display, else text';
comment on column medication_dispense.substitution_responsible_party_type is 'substitution.responsibleParty[0]: type of the target';
comment on column medication_dispense.substitution_responsible_party_id is 'substitution.responsibleParty[0]: key of the target';
comment on column medication_dispense.substitution_responsible_party_display is 'substitution.responsibleParty[0]: display';
comment on column medication_dispense.substitution_responsible_party_reference is 'substitution.responsibleParty[0]: reference, else identifier, as written; null where the key says it all';

alter table medication_dispense_performer
  add column function_system text;
comment on column medication_dispense_performer.function_system is 'function: coding.system';

alter table medication_dispense_dosage
  add column timing_code_system text,
  add column timing_event text[],
  add column timing_bounds_duration_value numeric,
  add column timing_bounds_duration_unit text,
  add column timing_bounds_duration_code text,
  add column timing_bounds_duration_comparator text,
  add column timing_bounds_range_low_value numeric,
  add column timing_bounds_range_high_value numeric,
  add column timing_bounds_range_unit text,
  add column timing_count_max integer,
  add column timing_duration numeric,
  add column timing_duration_max numeric,
  add column timing_duration_unit text,
  add column timing_day_of_week text[],
  add column timing_time_of_day text[],
  add column timing_offset integer,
  add column as_needed_codeable_concept_system text,
  add column site_system text,
  add column route_system text,
  add column method_system text,
  add column type_system text,
  add column rate_ratio_numerator_comparator text,
  add column rate_ratio_denominator_comparator text,
  add column rate_range_low_value numeric,
  add column rate_range_high_value numeric,
  add column rate_range_unit text,
  add column max_dose_per_period_numerator_comparator text,
  add column max_dose_per_period_denominator_comparator text,
  add column max_dose_per_administration_value numeric,
  add column max_dose_per_administration_unit text,
  add column max_dose_per_administration_code text,
  add column max_dose_per_lifetime_value numeric,
  add column max_dose_per_lifetime_unit text,
  add column max_dose_per_lifetime_code text,
  add column additional_instruction_system text;
comment on column medication_dispense_dosage.timing_code_system is 'timing.code: coding.system';
comment on column medication_dispense_dosage.timing_event is 'timing.event';
comment on column medication_dispense_dosage.timing_bounds_duration_value is 'timing.repeat.boundsDuration: value';
comment on column medication_dispense_dosage.timing_bounds_duration_unit is 'timing.repeat.boundsDuration: unit';
comment on column medication_dispense_dosage.timing_bounds_duration_code is 'timing.repeat.boundsDuration: code';
comment on column medication_dispense_dosage.timing_bounds_duration_comparator is 'timing.repeat.boundsDuration: comparator';
comment on column medication_dispense_dosage.timing_bounds_range_low_value is 'timing.repeat.boundsRange: low.value';
comment on column medication_dispense_dosage.timing_bounds_range_high_value is 'timing.repeat.boundsRange: high.value';
comment on column medication_dispense_dosage.timing_bounds_range_unit is 'timing.repeat.boundsRange: low.unit, else high.unit';
comment on column medication_dispense_dosage.timing_count_max is 'timing.repeat.countMax';
comment on column medication_dispense_dosage.timing_duration is 'timing.repeat.duration';
comment on column medication_dispense_dosage.timing_duration_max is 'timing.repeat.durationMax';
comment on column medication_dispense_dosage.timing_duration_unit is 'timing.repeat.durationUnit';
comment on column medication_dispense_dosage.timing_day_of_week is 'timing.repeat.dayOfWeek';
comment on column medication_dispense_dosage.timing_time_of_day is 'timing.repeat.timeOfDay (as written)';
comment on column medication_dispense_dosage.timing_offset is 'timing.repeat.offset (minutes before or after the event)';
comment on column medication_dispense_dosage.as_needed_codeable_concept_system is 'asNeeded[x]: coding.system';
comment on column medication_dispense_dosage.site_system is 'site: coding.system';
comment on column medication_dispense_dosage.route_system is 'route: coding.system';
comment on column medication_dispense_dosage.method_system is 'method: coding.system';
comment on column medication_dispense_dosage.type_system is 'doseAndRate[0].type: coding.system';
comment on column medication_dispense_dosage.rate_ratio_numerator_comparator is 'doseAndRate[0].rate[x]: numerator.comparator';
comment on column medication_dispense_dosage.rate_ratio_denominator_comparator is 'doseAndRate[0].rate[x]: denominator.comparator';
comment on column medication_dispense_dosage.rate_range_low_value is 'doseAndRate[0].rate[x]: low.value';
comment on column medication_dispense_dosage.rate_range_high_value is 'doseAndRate[0].rate[x]: high.value';
comment on column medication_dispense_dosage.rate_range_unit is 'doseAndRate[0].rate[x]: low.unit, else high.unit';
comment on column medication_dispense_dosage.max_dose_per_period_numerator_comparator is 'maxDosePerPeriod: numerator.comparator';
comment on column medication_dispense_dosage.max_dose_per_period_denominator_comparator is 'maxDosePerPeriod: denominator.comparator';
comment on column medication_dispense_dosage.max_dose_per_administration_value is 'maxDosePerAdministration: value';
comment on column medication_dispense_dosage.max_dose_per_administration_unit is 'maxDosePerAdministration: unit';
comment on column medication_dispense_dosage.max_dose_per_administration_code is 'maxDosePerAdministration: code';
comment on column medication_dispense_dosage.max_dose_per_lifetime_value is 'maxDosePerLifetime: value';
comment on column medication_dispense_dosage.max_dose_per_lifetime_unit is 'maxDosePerLifetime: unit';
comment on column medication_dispense_dosage.max_dose_per_lifetime_code is 'maxDosePerLifetime: code';
comment on column medication_dispense_dosage.additional_instruction_system is 'additionalInstruction[0]: coding.system';

create table medication_dispense_dosage_dose_and_rate (
  medication_dispense_id bigint not null,
  dosage_ordinal integer not null,
  ordinal integer not null,
  patient_id bigint,
  type_system text,
  type_code text,
  type_display text,
  dose_type text,
  dose_range_low_value numeric,
  dose_range_high_value numeric,
  dose_range_unit text,
  dose_quantity_value numeric,
  dose_quantity_unit text,
  dose_quantity_code text,
  rate_type text,
  rate_ratio_numerator_value numeric,
  rate_ratio_numerator_comparator text,
  rate_ratio_numerator_unit text,
  rate_ratio_denominator_value numeric,
  rate_ratio_denominator_comparator text,
  rate_ratio_denominator_unit text,
  rate_quantity_value numeric,
  rate_quantity_unit text,
  rate_quantity_code text,
  rate_range_low_value numeric,
  rate_range_high_value numeric,
  rate_range_unit text,
  extension jsonb,
  primary key (medication_dispense_id, dosage_ordinal, ordinal)
);
comment on table medication_dispense_dosage_dose_and_rate is 'every dose and rate of a dosage, such as an ordered and a calculated one; the dosage''s own columns show the first';
comment on column medication_dispense_dosage_dose_and_rate.medication_dispense_id is 'key of the resource that the row belongs to';
comment on column medication_dispense_dosage_dose_and_rate.dosage_ordinal is 'position of the enclosing dosage, from 1';
comment on column medication_dispense_dosage_dose_and_rate.ordinal is 'position, from 1, in document order';
comment on column medication_dispense_dosage_dose_and_rate.patient_id is 'key of the resource''s patient';
comment on column medication_dispense_dosage_dose_and_rate.type_system is 'type: coding.system';
comment on column medication_dispense_dosage_dose_and_rate.type_code is 'type: coding.code';
comment on column medication_dispense_dosage_dose_and_rate.type_display is 'type: coding.display, else text';
comment on column medication_dispense_dosage_dose_and_rate.dose_type is 'dose[x]: which of Range, Quantity';
comment on column medication_dispense_dosage_dose_and_rate.dose_range_low_value is 'dose[x]: low.value';
comment on column medication_dispense_dosage_dose_and_rate.dose_range_high_value is 'dose[x]: high.value';
comment on column medication_dispense_dosage_dose_and_rate.dose_range_unit is 'dose[x]: low.unit, else high.unit';
comment on column medication_dispense_dosage_dose_and_rate.dose_quantity_value is 'dose[x]: value';
comment on column medication_dispense_dosage_dose_and_rate.dose_quantity_unit is 'dose[x]: unit';
comment on column medication_dispense_dosage_dose_and_rate.dose_quantity_code is 'dose[x]: code';
comment on column medication_dispense_dosage_dose_and_rate.rate_type is 'rate[x]: which of Ratio, Quantity, Range';
comment on column medication_dispense_dosage_dose_and_rate.rate_ratio_numerator_value is 'rate[x]: numerator.value';
comment on column medication_dispense_dosage_dose_and_rate.rate_ratio_numerator_comparator is 'rate[x]: numerator.comparator';
comment on column medication_dispense_dosage_dose_and_rate.rate_ratio_numerator_unit is 'rate[x]: numerator.unit';
comment on column medication_dispense_dosage_dose_and_rate.rate_ratio_denominator_value is 'rate[x]: denominator.value';
comment on column medication_dispense_dosage_dose_and_rate.rate_ratio_denominator_comparator is 'rate[x]: denominator.comparator';
comment on column medication_dispense_dosage_dose_and_rate.rate_ratio_denominator_unit is 'rate[x]: denominator.unit';
comment on column medication_dispense_dosage_dose_and_rate.rate_quantity_value is 'rate[x]: value';
comment on column medication_dispense_dosage_dose_and_rate.rate_quantity_unit is 'rate[x]: unit';
comment on column medication_dispense_dosage_dose_and_rate.rate_quantity_code is 'rate[x]: code';
comment on column medication_dispense_dosage_dose_and_rate.rate_range_low_value is 'rate[x]: low.value';
comment on column medication_dispense_dosage_dose_and_rate.rate_range_high_value is 'rate[x]: high.value';
comment on column medication_dispense_dosage_dose_and_rate.rate_range_unit is 'rate[x]: low.unit, else high.unit';
comment on column medication_dispense_dosage_dose_and_rate.extension is 'extensions of this element that no column takes: an array, each with its path';

create table medication_dispense_dosage_additional_instruction (
  medication_dispense_id bigint not null,
  dosage_ordinal integer not null,
  ordinal integer not null,
  patient_id bigint,
  system text,
  code text,
  display text,
  text text,
  extension jsonb,
  primary key (medication_dispense_id, dosage_ordinal, ordinal)
);
comment on table medication_dispense_dosage_additional_instruction is 'every additional instruction of a dosage, such as to take it with meals';
comment on column medication_dispense_dosage_additional_instruction.medication_dispense_id is 'key of the resource that the row belongs to';
comment on column medication_dispense_dosage_additional_instruction.dosage_ordinal is 'position of the enclosing dosage, from 1';
comment on column medication_dispense_dosage_additional_instruction.ordinal is 'position, from 1, in document order';
comment on column medication_dispense_dosage_additional_instruction.patient_id is 'key of the resource''s patient';
comment on column medication_dispense_dosage_additional_instruction.system is '$this: coding.system';
comment on column medication_dispense_dosage_additional_instruction.code is '$this: coding.code';
comment on column medication_dispense_dosage_additional_instruction.display is '$this: coding.display';
comment on column medication_dispense_dosage_additional_instruction.text is '$this: text';
comment on column medication_dispense_dosage_additional_instruction.extension is 'extensions of this element that no column takes: an array, each with its path';

alter table medication_administration
  add column status_reason_system text,
  add column category_system text,
  add column dosage_site_system text,
  add column dosage_route_system text,
  add column dosage_method_system text,
  add column dosage_rate_ratio_numerator_comparator text,
  add column dosage_rate_ratio_denominator_comparator text;
comment on column medication_administration.status_reason_system is 'statusReason[0]: coding.system';
comment on column medication_administration.category_system is 'category: coding.system';
comment on column medication_administration.dosage_site_system is 'dosage.site: coding.system';
comment on column medication_administration.dosage_route_system is 'dosage.route: coding.system';
comment on column medication_administration.dosage_method_system is 'dosage.method: coding.system';
comment on column medication_administration.dosage_rate_ratio_numerator_comparator is 'dosage.rate[x]: numerator.comparator';
comment on column medication_administration.dosage_rate_ratio_denominator_comparator is 'dosage.rate[x]: denominator.comparator';

alter table medication_administration_performer
  add column function_system text;
comment on column medication_administration_performer.function_system is 'function: coding.system';

alter table medication_statement
  add column status_reason_system text,
  add column category_system text;
comment on column medication_statement.status_reason_system is 'statusReason[0]: coding.system';
comment on column medication_statement.category_system is 'category: coding.system';

alter table medication_statement_dosage
  add column timing_code_system text,
  add column timing_event text[],
  add column timing_bounds_duration_value numeric,
  add column timing_bounds_duration_unit text,
  add column timing_bounds_duration_code text,
  add column timing_bounds_duration_comparator text,
  add column timing_bounds_range_low_value numeric,
  add column timing_bounds_range_high_value numeric,
  add column timing_bounds_range_unit text,
  add column timing_count_max integer,
  add column timing_duration numeric,
  add column timing_duration_max numeric,
  add column timing_duration_unit text,
  add column timing_day_of_week text[],
  add column timing_time_of_day text[],
  add column timing_offset integer,
  add column as_needed_codeable_concept_system text,
  add column site_system text,
  add column route_system text,
  add column method_system text,
  add column type_system text,
  add column rate_ratio_numerator_comparator text,
  add column rate_ratio_denominator_comparator text,
  add column rate_range_low_value numeric,
  add column rate_range_high_value numeric,
  add column rate_range_unit text,
  add column max_dose_per_period_numerator_comparator text,
  add column max_dose_per_period_denominator_comparator text,
  add column max_dose_per_administration_value numeric,
  add column max_dose_per_administration_unit text,
  add column max_dose_per_administration_code text,
  add column max_dose_per_lifetime_value numeric,
  add column max_dose_per_lifetime_unit text,
  add column max_dose_per_lifetime_code text,
  add column additional_instruction_system text;
comment on column medication_statement_dosage.timing_code_system is 'timing.code: coding.system';
comment on column medication_statement_dosage.timing_event is 'timing.event';
comment on column medication_statement_dosage.timing_bounds_duration_value is 'timing.repeat.boundsDuration: value';
comment on column medication_statement_dosage.timing_bounds_duration_unit is 'timing.repeat.boundsDuration: unit';
comment on column medication_statement_dosage.timing_bounds_duration_code is 'timing.repeat.boundsDuration: code';
comment on column medication_statement_dosage.timing_bounds_duration_comparator is 'timing.repeat.boundsDuration: comparator';
comment on column medication_statement_dosage.timing_bounds_range_low_value is 'timing.repeat.boundsRange: low.value';
comment on column medication_statement_dosage.timing_bounds_range_high_value is 'timing.repeat.boundsRange: high.value';
comment on column medication_statement_dosage.timing_bounds_range_unit is 'timing.repeat.boundsRange: low.unit, else high.unit';
comment on column medication_statement_dosage.timing_count_max is 'timing.repeat.countMax';
comment on column medication_statement_dosage.timing_duration is 'timing.repeat.duration';
comment on column medication_statement_dosage.timing_duration_max is 'timing.repeat.durationMax';
comment on column medication_statement_dosage.timing_duration_unit is 'timing.repeat.durationUnit';
comment on column medication_statement_dosage.timing_day_of_week is 'timing.repeat.dayOfWeek';
comment on column medication_statement_dosage.timing_time_of_day is 'timing.repeat.timeOfDay (as written)';
comment on column medication_statement_dosage.timing_offset is 'timing.repeat.offset (minutes before or after the event)';
comment on column medication_statement_dosage.as_needed_codeable_concept_system is 'asNeeded[x]: coding.system';
comment on column medication_statement_dosage.site_system is 'site: coding.system';
comment on column medication_statement_dosage.route_system is 'route: coding.system';
comment on column medication_statement_dosage.method_system is 'method: coding.system';
comment on column medication_statement_dosage.type_system is 'doseAndRate[0].type: coding.system';
comment on column medication_statement_dosage.rate_ratio_numerator_comparator is 'doseAndRate[0].rate[x]: numerator.comparator';
comment on column medication_statement_dosage.rate_ratio_denominator_comparator is 'doseAndRate[0].rate[x]: denominator.comparator';
comment on column medication_statement_dosage.rate_range_low_value is 'doseAndRate[0].rate[x]: low.value';
comment on column medication_statement_dosage.rate_range_high_value is 'doseAndRate[0].rate[x]: high.value';
comment on column medication_statement_dosage.rate_range_unit is 'doseAndRate[0].rate[x]: low.unit, else high.unit';
comment on column medication_statement_dosage.max_dose_per_period_numerator_comparator is 'maxDosePerPeriod: numerator.comparator';
comment on column medication_statement_dosage.max_dose_per_period_denominator_comparator is 'maxDosePerPeriod: denominator.comparator';
comment on column medication_statement_dosage.max_dose_per_administration_value is 'maxDosePerAdministration: value';
comment on column medication_statement_dosage.max_dose_per_administration_unit is 'maxDosePerAdministration: unit';
comment on column medication_statement_dosage.max_dose_per_administration_code is 'maxDosePerAdministration: code';
comment on column medication_statement_dosage.max_dose_per_lifetime_value is 'maxDosePerLifetime: value';
comment on column medication_statement_dosage.max_dose_per_lifetime_unit is 'maxDosePerLifetime: unit';
comment on column medication_statement_dosage.max_dose_per_lifetime_code is 'maxDosePerLifetime: code';
comment on column medication_statement_dosage.additional_instruction_system is 'additionalInstruction[0]: coding.system';

create table medication_statement_dosage_dose_and_rate (
  medication_statement_id bigint not null,
  dosage_ordinal integer not null,
  ordinal integer not null,
  patient_id bigint,
  type_system text,
  type_code text,
  type_display text,
  dose_type text,
  dose_range_low_value numeric,
  dose_range_high_value numeric,
  dose_range_unit text,
  dose_quantity_value numeric,
  dose_quantity_unit text,
  dose_quantity_code text,
  rate_type text,
  rate_ratio_numerator_value numeric,
  rate_ratio_numerator_comparator text,
  rate_ratio_numerator_unit text,
  rate_ratio_denominator_value numeric,
  rate_ratio_denominator_comparator text,
  rate_ratio_denominator_unit text,
  rate_quantity_value numeric,
  rate_quantity_unit text,
  rate_quantity_code text,
  rate_range_low_value numeric,
  rate_range_high_value numeric,
  rate_range_unit text,
  extension jsonb,
  primary key (medication_statement_id, dosage_ordinal, ordinal)
);
comment on table medication_statement_dosage_dose_and_rate is 'every dose and rate of a dosage, such as an ordered and a calculated one; the dosage''s own columns show the first';
comment on column medication_statement_dosage_dose_and_rate.medication_statement_id is 'key of the resource that the row belongs to';
comment on column medication_statement_dosage_dose_and_rate.dosage_ordinal is 'position of the enclosing dosage, from 1';
comment on column medication_statement_dosage_dose_and_rate.ordinal is 'position, from 1, in document order';
comment on column medication_statement_dosage_dose_and_rate.patient_id is 'key of the resource''s patient';
comment on column medication_statement_dosage_dose_and_rate.type_system is 'type: coding.system';
comment on column medication_statement_dosage_dose_and_rate.type_code is 'type: coding.code';
comment on column medication_statement_dosage_dose_and_rate.type_display is 'type: coding.display, else text';
comment on column medication_statement_dosage_dose_and_rate.dose_type is 'dose[x]: which of Range, Quantity';
comment on column medication_statement_dosage_dose_and_rate.dose_range_low_value is 'dose[x]: low.value';
comment on column medication_statement_dosage_dose_and_rate.dose_range_high_value is 'dose[x]: high.value';
comment on column medication_statement_dosage_dose_and_rate.dose_range_unit is 'dose[x]: low.unit, else high.unit';
comment on column medication_statement_dosage_dose_and_rate.dose_quantity_value is 'dose[x]: value';
comment on column medication_statement_dosage_dose_and_rate.dose_quantity_unit is 'dose[x]: unit';
comment on column medication_statement_dosage_dose_and_rate.dose_quantity_code is 'dose[x]: code';
comment on column medication_statement_dosage_dose_and_rate.rate_type is 'rate[x]: which of Ratio, Quantity, Range';
comment on column medication_statement_dosage_dose_and_rate.rate_ratio_numerator_value is 'rate[x]: numerator.value';
comment on column medication_statement_dosage_dose_and_rate.rate_ratio_numerator_comparator is 'rate[x]: numerator.comparator';
comment on column medication_statement_dosage_dose_and_rate.rate_ratio_numerator_unit is 'rate[x]: numerator.unit';
comment on column medication_statement_dosage_dose_and_rate.rate_ratio_denominator_value is 'rate[x]: denominator.value';
comment on column medication_statement_dosage_dose_and_rate.rate_ratio_denominator_comparator is 'rate[x]: denominator.comparator';
comment on column medication_statement_dosage_dose_and_rate.rate_ratio_denominator_unit is 'rate[x]: denominator.unit';
comment on column medication_statement_dosage_dose_and_rate.rate_quantity_value is 'rate[x]: value';
comment on column medication_statement_dosage_dose_and_rate.rate_quantity_unit is 'rate[x]: unit';
comment on column medication_statement_dosage_dose_and_rate.rate_quantity_code is 'rate[x]: code';
comment on column medication_statement_dosage_dose_and_rate.rate_range_low_value is 'rate[x]: low.value';
comment on column medication_statement_dosage_dose_and_rate.rate_range_high_value is 'rate[x]: high.value';
comment on column medication_statement_dosage_dose_and_rate.rate_range_unit is 'rate[x]: low.unit, else high.unit';
comment on column medication_statement_dosage_dose_and_rate.extension is 'extensions of this element that no column takes: an array, each with its path';

create table medication_statement_dosage_additional_instruction (
  medication_statement_id bigint not null,
  dosage_ordinal integer not null,
  ordinal integer not null,
  patient_id bigint,
  system text,
  code text,
  display text,
  text text,
  extension jsonb,
  primary key (medication_statement_id, dosage_ordinal, ordinal)
);
comment on table medication_statement_dosage_additional_instruction is 'every additional instruction of a dosage, such as to take it with meals';
comment on column medication_statement_dosage_additional_instruction.medication_statement_id is 'key of the resource that the row belongs to';
comment on column medication_statement_dosage_additional_instruction.dosage_ordinal is 'position of the enclosing dosage, from 1';
comment on column medication_statement_dosage_additional_instruction.ordinal is 'position, from 1, in document order';
comment on column medication_statement_dosage_additional_instruction.patient_id is 'key of the resource''s patient';
comment on column medication_statement_dosage_additional_instruction.system is '$this: coding.system';
comment on column medication_statement_dosage_additional_instruction.code is '$this: coding.code';
comment on column medication_statement_dosage_additional_instruction.display is '$this: coding.display';
comment on column medication_statement_dosage_additional_instruction.text is '$this: text';
comment on column medication_statement_dosage_additional_instruction.extension is 'extensions of this element that no column takes: an array, each with its path';

-- Comments that say more than before.
comment on column medication_request_dosage.rate_type is 'doseAndRate[0].rate[x]: which of Ratio, Quantity, Range';
comment on column medication_dispense_dosage.rate_type is 'doseAndRate[0].rate[x]: which of Ratio, Quantity, Range';
comment on column medication_statement_dosage.rate_type is 'doseAndRate[0].rate[x]: which of Ratio, Quantity, Range';

-- Keys for the diagrams and links that clients draw; not enforced, and unknown
-- to servers before PostgreSQL 18.
do $migration$
begin
if current_setting('server_version_num')::int < 180000 then
  return;
end if;
execute $keys$
alter table medication_request_dosage_dose_and_rate add constraint mrddar_medication_request_id_fkey foreign key (medication_request_id) references medication_request (id) not enforced;
alter table medication_request_dosage_dose_and_rate add constraint medication_request_dosage_dose_and_rate_patient_id_fkey foreign key (patient_id) references patient (id) not enforced;
alter table medication_request_dosage_additional_instruction add constraint mrdai_medication_request_id_fkey foreign key (medication_request_id) references medication_request (id) not enforced;
alter table medication_request_dosage_additional_instruction add constraint mrdai_patient_id_fkey foreign key (patient_id) references patient (id) not enforced;
alter table medication_dispense_dosage_dose_and_rate add constraint mdddar_medication_dispense_id_fkey foreign key (medication_dispense_id) references medication_dispense (id) not enforced;
alter table medication_dispense_dosage_dose_and_rate add constraint medication_dispense_dosage_dose_and_rate_patient_id_fkey foreign key (patient_id) references patient (id) not enforced;
alter table medication_dispense_dosage_additional_instruction add constraint mddai_medication_dispense_id_fkey foreign key (medication_dispense_id) references medication_dispense (id) not enforced;
alter table medication_dispense_dosage_additional_instruction add constraint mddai_patient_id_fkey foreign key (patient_id) references patient (id) not enforced;
alter table medication_statement_dosage_dose_and_rate add constraint msddar_medication_statement_id_fkey foreign key (medication_statement_id) references medication_statement (id) not enforced;
alter table medication_statement_dosage_dose_and_rate add constraint medication_statement_dosage_dose_and_rate_patient_id_fkey foreign key (patient_id) references patient (id) not enforced;
alter table medication_statement_dosage_additional_instruction add constraint msdai_medication_statement_id_fkey foreign key (medication_statement_id) references medication_statement (id) not enforced;
alter table medication_statement_dosage_additional_instruction add constraint msdai_patient_id_fkey foreign key (patient_id) references patient (id) not enforced;
$keys$;
end $migration$;
