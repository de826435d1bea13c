-- Devices that claims name, exceptions of costs, ranges of an observation's parts,
-- who made images. New columns are null until the resources are mapped again
-- (`fhirmill remap`).

alter table practitioner_qualification
  add column identifier_system text,
  add column identifier_value text;
comment on column practitioner_qualification.identifier_system is 'identifier[0]: system';
comment on column practitioner_qualification.identifier_value is 'identifier[0]: value';

create table observation_component_reference_range (
  observation_id bigint not null,
  component_ordinal integer not null,
  ordinal integer not null,
  patient_id bigint,
  low_value numeric,
  low_unit text,
  low_code text,
  high_value numeric,
  high_unit text,
  high_code text,
  type_system text,
  type_code text,
  type_display text,
  applies_to_system text,
  applies_to_code text,
  applies_to_display text,
  age_low_value numeric,
  age_high_value numeric,
  age_unit text,
  text text,
  extension jsonb,
  primary key (observation_id, component_ordinal, ordinal)
);
comment on table observation_component_reference_range is 'the ranges of values that a part''s value is compared with, and for whom each holds';
comment on column observation_component_reference_range.observation_id is 'key of the resource that the row belongs to';
comment on column observation_component_reference_range.component_ordinal is 'position of the enclosing component, from 1';
comment on column observation_component_reference_range.ordinal is 'position, from 1, in document order';
comment on column observation_component_reference_range.patient_id is 'key of the resource''s patient';
comment on column observation_component_reference_range.low_value is 'low: value';
comment on column observation_component_reference_range.low_unit is 'low: unit';
comment on column observation_component_reference_range.low_code is 'low: code';
comment on column observation_component_reference_range.high_value is 'high: value';
comment on column observation_component_reference_range.high_unit is 'high: unit';
comment on column observation_component_reference_range.high_code is 'high: code';
comment on column observation_component_reference_range.type_system is 'type: coding.system';
comment on column observation_component_reference_range.type_code is 'type: coding.code';
comment on column observation_component_reference_range.type_display is 'type: coding.display, else text';
comment on column observation_component_reference_range.applies_to_system is 'appliesTo[0]: coding.system';
comment on column observation_component_reference_range.applies_to_code is 'appliesTo[0]: coding.code';
comment on column observation_component_reference_range.applies_to_display is 'appliesTo[0]: coding.display, else text';
comment on column observation_component_reference_range.age_low_value is 'age: low.value';
comment on column observation_component_reference_range.age_high_value is 'age: high.value';
comment on column observation_component_reference_range.age_unit is 'age: low.unit, else high.unit';
comment on column observation_component_reference_range.text is 'text';
comment on column observation_component_reference_range.extension is 'extensions of this element that no column takes: an array, each with its path';

alter table specimen_container
  add column identifier_system text,
  add column identifier_value text;
comment on column specimen_container.identifier_system is 'identifier[0]: system';
comment on column specimen_container.identifier_value is 'identifier[0]: value';

create table imaging_study_series_performer (
  imaging_study_id bigint not null,
  series_ordinal integer not null,
  ordinal integer not null,
  patient_id bigint,
  function_system text,
  function_code text,
  function_display text,
  actor_type text,
  actor_id bigint,
  actor_display text,
  actor_reference text,
  extension jsonb,
  primary key (imaging_study_id, series_ordinal, ordinal)
);
comment on table imaging_study_series_performer is 'the people and devices that made a series of images, and their part in it';
comment on column imaging_study_series_performer.imaging_study_id is 'key of the resource that the row belongs to';
comment on column imaging_study_series_performer.series_ordinal is 'position of the enclosing series, from 1';
comment on column imaging_study_series_performer.ordinal is 'position, from 1, in document order';
comment on column imaging_study_series_performer.patient_id is 'key of the resource''s patient';
comment on column imaging_study_series_performer.function_system is 'function: coding.system';
comment on column imaging_study_series_performer.function_code is 'function: coding.code';
comment on column imaging_study_series_performer.function_display is 'function: coding.display, else text';
comment on column imaging_study_series_performer.actor_type is 'actor: type of the target';
comment on column imaging_study_series_performer.actor_id is 'actor: key of the target';
comment on column imaging_study_series_performer.actor_display is 'actor: display';
comment on column imaging_study_series_performer.actor_reference is 'actor: reference, else identifier, as written; null where the key says it all';
comment on column imaging_study_series_performer.extension is 'extensions of this element that no column takes: an array, each with its path';

alter table device
  add column udi_entry_type text;
comment on column device.udi_entry_type is 'udiCarrier[0].entryType';

create table coverage_cost_to_beneficiary_exception (
  coverage_id bigint not null,
  cost_to_beneficiary_ordinal integer not null,
  ordinal integer not null,
  patient_id bigint,
  type_system text,
  type_code text,
  type_display text,
  period_start timestamptz,
  period_start_text text,
  period_end timestamptz,
  period_end_text text,
  extension jsonb,
  primary key (coverage_id, cost_to_beneficiary_ordinal, ordinal)
);
comment on table coverage_cost_to_beneficiary_exception is 'when a patient pays less than a cost, or nothing';
comment on column coverage_cost_to_beneficiary_exception.coverage_id is 'key of the resource that the row belongs to';
comment on column coverage_cost_to_beneficiary_exception.cost_to_beneficiary_ordinal is 'position of the enclosing cost_to_beneficiary, from 1';
comment on column coverage_cost_to_beneficiary_exception.ordinal is 'position, from 1, in document order';
comment on column coverage_cost_to_beneficiary_exception.patient_id is 'key of the resource''s patient';
comment on column coverage_cost_to_beneficiary_exception.type_system is 'type: coding.system';
comment on column coverage_cost_to_beneficiary_exception.type_code is 'type: coding.code';
comment on column coverage_cost_to_beneficiary_exception.type_display is 'type: coding.display, else text';
comment on column coverage_cost_to_beneficiary_exception.period_start is 'period: start';
comment on column coverage_cost_to_beneficiary_exception.period_start_text is 'period: start as written';
comment on column coverage_cost_to_beneficiary_exception.period_end is 'period: end';
comment on column coverage_cost_to_beneficiary_exception.period_end_text is 'period: end as written';
comment on column coverage_cost_to_beneficiary_exception.extension is 'extensions of this element that no column takes: an array, each with its path';

alter table claim_procedure
  add column udi_id bigint,
  add column udi_display text,
  add column udi_reference text;
comment on column claim_procedure.udi_id is 'udi[0]: key of the target';
comment on column claim_procedure.udi_display is 'udi[0]: display';
comment on column claim_procedure.udi_reference is 'udi[0]: reference, else identifier, as written; null where the key says it all';

alter table claim_item
  add column udi_id bigint,
  add column udi_display text,
  add column udi_reference text;
comment on column claim_item.udi_id is 'udi[0]: key of the target';
comment on column claim_item.udi_display is 'udi[0]: display';
comment on column claim_item.udi_reference is 'udi[0]: reference, else identifier, as written; null where the key says it all';

alter table claim_item_detail
  add column udi_id bigint,
  add column udi_display text,
  add column udi_reference text;
comment on column claim_item_detail.udi_id is 'udi[0]: key of the target';
comment on column claim_item_detail.udi_display is 'udi[0]: display';
comment on column claim_item_detail.udi_reference is 'udi[0]: reference, else identifier, as written; null where the key says it all';

alter table explanation_of_benefit_procedure
  add column udi_id bigint,
  add column udi_display text,
  add column udi_reference text;
comment on column explanation_of_benefit_procedure.udi_id is 'udi[0]: key of the target';
comment on column explanation_of_benefit_procedure.udi_display is 'udi[0]: display';
comment on column explanation_of_benefit_procedure.udi_reference is 'udi[0]: reference, else identifier, as written; null where the key says it all';

alter table explanation_of_benefit_item
  add column udi_id bigint,
  add column udi_display text,
  add column udi_reference text;
comment on column explanation_of_benefit_item.udi_id is 'udi[0]: key of the target';
comment on column explanation_of_benefit_item.udi_display is 'udi[0]: display';
comment on column explanation_of_benefit_item.udi_reference is 'udi[0]: reference, else identifier, as written; null where the key says it all';

alter table explanation_of_benefit_item_detail
  add column udi_id bigint,
  add column udi_display text,
  add column udi_reference text;
comment on column explanation_of_benefit_item_detail.udi_id is 'udi[0]: key of the target';
comment on column explanation_of_benefit_item_detail.udi_display is 'udi[0]: display';
comment on column explanation_of_benefit_item_detail.udi_reference is 'udi[0]: reference, else identifier, as written; null where the key says it all';

-- Keys for the diagrams and links that clients draw; not enforced, and unknown
-- to servers before PostgreSQL 18.
do $migration$
begin
if current_setting('server_version_num')::int < 180000 then
  return;
end if;
execute $keys$
alter table claim_procedure add constraint claim_procedure_udi_id_fkey foreign key (udi_id) references device (id) not enforced;
alter table claim_item add constraint claim_item_udi_id_fkey foreign key (udi_id) references device (id) not enforced;
alter table claim_item_detail add constraint claim_item_detail_udi_id_fkey foreign key (udi_id) references device (id) not enforced;
alter table explanation_of_benefit_procedure add constraint explanation_of_benefit_procedure_udi_id_fkey foreign key (udi_id) references device (id) not enforced;
alter table explanation_of_benefit_item add constraint explanation_of_benefit_item_udi_id_fkey foreign key (udi_id) references device (id) not enforced;
alter table explanation_of_benefit_item_detail add constraint explanation_of_benefit_item_detail_udi_id_fkey foreign key (udi_id) references device (id) not enforced;
alter table observation_component_reference_range add constraint observation_component_reference_range_observation_id_fkey foreign key (observation_id) references observation (id) not enforced;
alter table observation_component_reference_range add constraint observation_component_reference_range_patient_id_fkey foreign key (patient_id) references patient (id) not enforced;
alter table imaging_study_series_performer add constraint imaging_study_series_performer_imaging_study_id_fkey foreign key (imaging_study_id) references imaging_study (id) not enforced;
alter table imaging_study_series_performer add constraint imaging_study_series_performer_patient_id_fkey foreign key (patient_id) references patient (id) not enforced;
alter table coverage_cost_to_beneficiary_exception add constraint coverage_cost_to_beneficiary_exception_coverage_id_fkey foreign key (coverage_id) references coverage (id) not enforced;
alter table coverage_cost_to_beneficiary_exception add constraint coverage_cost_to_beneficiary_exception_patient_id_fkey foreign key (patient_id) references patient (id) not enforced;
$keys$;
end $migration$;
