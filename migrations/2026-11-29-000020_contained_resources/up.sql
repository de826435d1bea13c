-- Contained resources have rows in the tables of their own types from now on.
-- They have a key (resource_key.fhir_id is ContainerType/containerId#localId),
-- but no version of their own. Resources that are loaded already get theirs
-- from `fhirmill remap`.
create table etl.contained_resource (
  id bigint primary key,
  container_id bigint not null
);
comment on table etl.contained_resource is 'the contained resources that the tables have: they are replaced and deleted with their containers';
comment on column etl.contained_resource.id is 'key of the contained resource, as in etl.resource_key; its fhir_id is ContainerType/containerId#localId';
comment on column etl.contained_resource.container_id is 'key of the resource that contains it';
create index contained_resource_container on etl.contained_resource (container_id);
comment on column etl.resource.revision is 'how many contents were applied; 0 while it is only referred to, and for contained resources';

-- New columns without a default do not rewrite the tables.
alter table patient add column container_id bigint;
alter table related_person add column container_id bigint;
alter table practitioner add column container_id bigint;
alter table practitioner_role add column container_id bigint;
alter table organization add column container_id bigint;
alter table location add column container_id bigint;
alter table encounter add column container_id bigint;
alter table appointment add column container_id bigint;
alter table condition add column container_id bigint;
alter table allergy_intolerance add column container_id bigint;
alter table observation add column container_id bigint;
alter table diagnostic_report add column container_id bigint;
alter table specimen add column container_id bigint;
alter table imaging_study add column container_id bigint;
alter table document_reference add column container_id bigint;
alter table procedure add column container_id bigint;
alter table service_request add column container_id bigint;
alter table immunization add column container_id bigint;
alter table medication add column container_id bigint;
alter table medication_request add column container_id bigint;
alter table medication_dispense add column container_id bigint;
alter table medication_administration add column container_id bigint;
alter table medication_statement add column container_id bigint;
alter table device add column container_id bigint;
alter table supply_delivery add column container_id bigint;
alter table care_plan add column container_id bigint;
alter table care_team add column container_id bigint;
alter table goal add column container_id bigint;
alter table communication add column container_id bigint;
alter table communication_request add column container_id bigint;
alter table questionnaire_response add column container_id bigint;
alter table consent add column container_id bigint;
alter table coverage add column container_id bigint;
alter table claim add column container_id bigint;
alter table claim_response add column container_id bigint;
alter table explanation_of_benefit add column container_id bigint;
alter table provenance add column container_id bigint;
alter table other_resource add column container_id bigint;

comment on column patient.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column related_person.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column practitioner.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column practitioner_role.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column organization.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column location.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column encounter.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column appointment.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column condition.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column allergy_intolerance.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column observation.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column diagnostic_report.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column specimen.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column imaging_study.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column document_reference.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column procedure.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column service_request.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column immunization.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column medication.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column medication_request.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column medication_dispense.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column medication_administration.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column medication_statement.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column device.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column supply_delivery.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column care_plan.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column care_team.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column goal.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column communication.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column communication_request.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column questionnaire_response.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column consent.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column coverage.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column claim.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column claim_response.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column explanation_of_benefit.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column provenance.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
comment on column other_resource.container_id is 'key of the resource that contains this one (FHIR''s element contained), with which it is replaced and deleted; null for most resources, which are not contained';
