-- Names and addresses of practitioners, organizations and related persons are those
-- in use instead of the first, with their use; contacts have their telecoms. The
-- columns change when the resources are mapped again (`fhirmill remap`).

alter table patient
  add column marital_status_system text,
  add column gender_identity_system text;
comment on column patient.marital_status_system is 'maritalStatus: coding.system';
comment on column patient.gender_identity_system is 'extension(''http://hl7.org/fhir/us/core/StructureDefinition/us-core-genderIdentity'').valueCodeableConcept: coding.system';

alter table patient_identifier
  add column type_system text;
comment on column patient_identifier.type_system is 'type: coding.system';

alter table patient_contact
  add column relationship_system text,
  add column name_use text,
  add column name_prefix text[],
  add column name_suffix text[],
  add column address_use text,
  add column address_district text;
comment on column patient_contact.relationship_system is 'relationship[0]: coding.system';
comment on column patient_contact.name_use is 'name.use';
comment on column patient_contact.name_prefix is 'name.prefix';
comment on column patient_contact.name_suffix is 'name.suffix';
comment on column patient_contact.address_use is 'address.use';
comment on column patient_contact.address_district is 'address.district';

create table patient_contact_telecom (
  patient_id bigint not null,
  contact_ordinal integer not null,
  ordinal integer not null,
  system text,
  value text,
  "use" text,
  rank integer,
  period_start timestamptz,
  period_start_text text,
  period_end timestamptz,
  period_end_text text,
  extension jsonb,
  primary key (patient_id, contact_ordinal, ordinal)
);
comment on table patient_contact_telecom is 'phone numbers, e-mail addresses and other ways to reach a contact';
comment on column patient_contact_telecom.patient_id is 'key of the resource that the row belongs to';
comment on column patient_contact_telecom.contact_ordinal is 'position of the enclosing contact, from 1';
comment on column patient_contact_telecom.ordinal is 'position, from 1, in document order';
comment on column patient_contact_telecom.system is 'system';
comment on column patient_contact_telecom.value is 'value';
comment on column patient_contact_telecom."use" is 'use';
comment on column patient_contact_telecom.rank is 'rank';
comment on column patient_contact_telecom.period_start is 'period: start';
comment on column patient_contact_telecom.period_start_text is 'period: start as written';
comment on column patient_contact_telecom.period_end is 'period: end';
comment on column patient_contact_telecom.period_end_text is 'period: end as written';
comment on column patient_contact_telecom.extension is 'extensions of this element that no column takes: an array, each with its path';

alter table patient_communication
  add column language_system text;
comment on column patient_communication.language_system is 'language: coding.system';

alter table related_person
  add column relationship_system text,
  add column name_use text,
  add column address_use text,
  add column address_type text,
  add column address_text text;
comment on column related_person.relationship_system is 'relationship[0]: coding.system';
comment on column related_person.name_use is 'name.inUse().use (of the name that the columns show: neither old nor ended, usual before official)';
comment on column related_person.address_use is 'address.inUse().use (of the address that the columns show: neither old nor ended, billing and temporary ones last)';
comment on column related_person.address_type is 'address.inUse().type';
comment on column related_person.address_text is 'address.inUse().text';

create table related_person_communication (
  related_person_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  language_system text,
  language_code text,
  language_display text,
  preferred boolean,
  extension jsonb,
  primary key (related_person_id, ordinal)
);
comment on table related_person_communication is 'the languages in which a related person can be spoken to about a patient''s health';
comment on column related_person_communication.related_person_id is 'key of the resource that the row belongs to';
comment on column related_person_communication.ordinal is 'position, from 1, in document order';
comment on column related_person_communication.patient_id is 'key of the resource''s patient';
comment on column related_person_communication.language_system is 'language: coding.system';
comment on column related_person_communication.language_code is 'language: coding.code';
comment on column related_person_communication.language_display is 'language: coding.display, else text';
comment on column related_person_communication.preferred is 'preferred';
comment on column related_person_communication.extension is 'extensions of this element that no column takes: an array, each with its path';

alter table practitioner
  add column name_use text,
  add column address_use text,
  add column address_type text,
  add column address_text text;
comment on column practitioner.name_use is 'name.inUse().use (of the name that the columns show: neither old nor ended, usual before official)';
comment on column practitioner.address_use is 'address.inUse().use (of the address that the columns show: neither old nor ended, billing and temporary ones last)';
comment on column practitioner.address_type is 'address.inUse().type';
comment on column practitioner.address_text is 'address.inUse().text';

alter table practitioner_role
  add column specialty_system text;
comment on column practitioner_role.specialty_system is 'specialty[0]: coding.system';

create table practitioner_role_available_time (
  practitioner_role_id bigint not null,
  ordinal integer not null,
  days_of_week text[],
  all_day boolean,
  available_start_time time,
  available_end_time time,
  extension jsonb,
  primary key (practitioner_role_id, ordinal)
);
comment on table practitioner_role_available_time is 'the times of a week at which a practitioner is available';
comment on column practitioner_role_available_time.practitioner_role_id is 'key of the resource that the row belongs to';
comment on column practitioner_role_available_time.ordinal is 'position, from 1, in document order';
comment on column practitioner_role_available_time.days_of_week is 'daysOfWeek';
comment on column practitioner_role_available_time.all_day is 'allDay';
comment on column practitioner_role_available_time.available_start_time is 'availableStartTime';
comment on column practitioner_role_available_time.available_end_time is 'availableEndTime';
comment on column practitioner_role_available_time.extension is 'extensions of this element that no column takes: an array, each with its path';

create table practitioner_role_not_available (
  practitioner_role_id bigint not null,
  ordinal integer not null,
  description text,
  during_start timestamptz,
  during_start_text text,
  during_end timestamptz,
  during_end_text text,
  extension jsonb,
  primary key (practitioner_role_id, ordinal)
);
comment on table practitioner_role_not_available is 'the times at which a practitioner is not available, and why';
comment on column practitioner_role_not_available.practitioner_role_id is 'key of the resource that the row belongs to';
comment on column practitioner_role_not_available.ordinal is 'position, from 1, in document order';
comment on column practitioner_role_not_available.description is 'description';
comment on column practitioner_role_not_available.during_start is 'during: start';
comment on column practitioner_role_not_available.during_start_text is 'during: start as written';
comment on column practitioner_role_not_available.during_end is 'during: end';
comment on column practitioner_role_not_available.during_end_text is 'during: end as written';
comment on column practitioner_role_not_available.extension is 'extensions of this element that no column takes: an array, each with its path';

alter table organization
  add column address_use text,
  add column address_type text,
  add column address_text text;
comment on column organization.address_use is 'address.inUse().use (of the address that the columns show: neither old nor ended, billing and temporary ones last)';
comment on column organization.address_type is 'address.inUse().type';
comment on column organization.address_text is 'address.inUse().text';

create table organization_contact (
  organization_id bigint not null,
  ordinal integer not null,
  purpose_system text,
  purpose_code text,
  purpose_display text,
  name_use text,
  name_text text,
  name_family text,
  name_given text[],
  address_line text[],
  address_city text,
  address_state text,
  address_postal_code text,
  address_country text,
  extension jsonb,
  primary key (organization_id, ordinal)
);
comment on table organization_contact is 'whom to turn to at an organization, for what';
comment on column organization_contact.organization_id is 'key of the resource that the row belongs to';
comment on column organization_contact.ordinal is 'position, from 1, in document order';
comment on column organization_contact.purpose_system is 'purpose: coding.system';
comment on column organization_contact.purpose_code is 'purpose: coding.code';
comment on column organization_contact.purpose_display is 'purpose: coding.display, else text';
comment on column organization_contact.name_use is 'name.use';
comment on column organization_contact.name_text is 'name.text';
comment on column organization_contact.name_family is 'name.family';
comment on column organization_contact.name_given is 'name.given';
comment on column organization_contact.address_line is 'address.line';
comment on column organization_contact.address_city is 'address.city';
comment on column organization_contact.address_state is 'address.state';
comment on column organization_contact.address_postal_code is 'address.postalCode';
comment on column organization_contact.address_country is 'address.country';
comment on column organization_contact.extension is 'extensions of this element that no column takes: an array, each with its path';

create table organization_contact_telecom (
  organization_id bigint not null,
  contact_ordinal integer not null,
  ordinal integer not null,
  system text,
  value text,
  "use" text,
  rank integer,
  period_start timestamptz,
  period_start_text text,
  period_end timestamptz,
  period_end_text text,
  extension jsonb,
  primary key (organization_id, contact_ordinal, ordinal)
);
comment on table organization_contact_telecom is 'phone numbers, e-mail addresses and other ways to reach a contact';
comment on column organization_contact_telecom.organization_id is 'key of the resource that the row belongs to';
comment on column organization_contact_telecom.contact_ordinal is 'position of the enclosing contact, from 1';
comment on column organization_contact_telecom.ordinal is 'position, from 1, in document order';
comment on column organization_contact_telecom.system is 'system';
comment on column organization_contact_telecom.value is 'value';
comment on column organization_contact_telecom."use" is 'use';
comment on column organization_contact_telecom.rank is 'rank';
comment on column organization_contact_telecom.period_start is 'period: start';
comment on column organization_contact_telecom.period_start_text is 'period: start as written';
comment on column organization_contact_telecom.period_end is 'period: end';
comment on column organization_contact_telecom.period_end_text is 'period: end as written';
comment on column organization_contact_telecom.extension is 'extensions of this element that no column takes: an array, each with its path';

alter table location
  add column physical_type_system text,
  add column address_use text,
  add column address_type text,
  add column address_text text;
comment on column location.physical_type_system is 'physicalType: coding.system';
comment on column location.address_use is 'address.use';
comment on column location.address_type is 'address.type';
comment on column location.address_text is 'address.text';

-- Comments that say more than before.
comment on column related_person.name_text is 'name.inUse().text';
comment on column related_person.name_family is 'name.inUse().family';
comment on column related_person.name_given is 'name.inUse().given';
comment on column related_person.name_prefix is 'name.inUse().prefix';
comment on column related_person.name_suffix is 'name.inUse().suffix';
comment on column related_person.address_line is 'address.inUse().line';
comment on column related_person.address_city is 'address.inUse().city';
comment on column related_person.address_district is 'address.inUse().district';
comment on column related_person.address_state is 'address.inUse().state';
comment on column related_person.address_postal_code is 'address.inUse().postalCode';
comment on column related_person.address_country is 'address.inUse().country';
comment on column practitioner.name_text is 'name.inUse().text';
comment on column practitioner.name_family is 'name.inUse().family';
comment on column practitioner.name_given is 'name.inUse().given';
comment on column practitioner.name_prefix is 'name.inUse().prefix';
comment on column practitioner.name_suffix is 'name.inUse().suffix';
comment on column practitioner.address_line is 'address.inUse().line';
comment on column practitioner.address_city is 'address.inUse().city';
comment on column practitioner.address_district is 'address.inUse().district';
comment on column practitioner.address_state is 'address.inUse().state';
comment on column practitioner.address_postal_code is 'address.inUse().postalCode';
comment on column practitioner.address_country is 'address.inUse().country';
comment on column organization.address_line is 'address.inUse().line';
comment on column organization.address_city is 'address.inUse().city';
comment on column organization.address_district is 'address.inUse().district';
comment on column organization.address_state is 'address.inUse().state';
comment on column organization.address_postal_code is 'address.inUse().postalCode';
comment on column organization.address_country is 'address.inUse().country';

-- Keys for the diagrams and links that clients draw; not enforced, and unknown
-- to servers before PostgreSQL 18.
do $migration$
begin
if current_setting('server_version_num')::int < 180000 then
  return;
end if;
execute $keys$
alter table patient_contact_telecom add constraint patient_contact_telecom_patient_id_fkey foreign key (patient_id) references patient (id) not enforced;
alter table related_person_communication add constraint related_person_communication_related_person_id_fkey foreign key (related_person_id) references related_person (id) not enforced;
alter table related_person_communication add constraint related_person_communication_patient_id_fkey foreign key (patient_id) references patient (id) not enforced;
alter table practitioner_role_available_time add constraint practitioner_role_available_time_practitioner_role_id_fkey foreign key (practitioner_role_id) references practitioner_role (id) not enforced;
alter table practitioner_role_not_available add constraint practitioner_role_not_available_practitioner_role_id_fkey foreign key (practitioner_role_id) references practitioner_role (id) not enforced;
alter table organization_contact add constraint organization_contact_organization_id_fkey foreign key (organization_id) references organization (id) not enforced;
alter table organization_contact_telecom add constraint organization_contact_telecom_organization_id_fkey foreign key (organization_id) references organization (id) not enforced;
$keys$;
end $migration$;
