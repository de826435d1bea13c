-- The clinical tables, as src/model/*.model declares them, in their order:
-- every resource type with the tables of its lists, then the tables that all
-- types share. Keys are those of the registry, etl.resource.

create table patient (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  active boolean,
  gender text,
  birth_date date,
  birth_date_text text,
  deceased_type text,
  deceased_boolean boolean,
  deceased_date_time timestamptz,
  deceased_date_time_text text,
  marital_status_code text,
  marital_status_display text,
  multiple_birth_type text,
  multiple_birth_boolean boolean,
  multiple_birth_integer integer,
  managing_organization_id bigint,
  managing_organization_display text,
  managing_organization_reference text,
  race_code text,
  race_display text,
  race_text text,
  ethnicity_code text,
  ethnicity_display text,
  ethnicity_text text,
  birth_sex text,
  sex text,
  gender_identity_code text,
  gender_identity_display text,
  mothers_maiden_name text,
  birth_place_city text,
  birth_place_state text,
  birth_place_country text,
  birth_time timestamptz,
  birth_time_text text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table patient is 'a person or animal who receives care; names, addresses and numbers are in tables of their own';
comment on column patient.id is 'key given by the registry, etl.resource';
comment on column patient.fhir_id is 'id: the logical id as the source gave it';
comment on column patient.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column patient.active is 'active';
comment on column patient.gender is 'gender';
comment on column patient.birth_date is 'birthDate';
comment on column patient.birth_date_text is 'birthDate as written';
comment on column patient.deceased_type is 'deceased[x]: which of boolean, dateTime';
comment on column patient.deceased_boolean is 'deceased[x]';
comment on column patient.deceased_date_time is 'deceased[x]';
comment on column patient.deceased_date_time_text is 'deceased[x] as written';
comment on column patient.marital_status_code is 'maritalStatus: coding.code';
comment on column patient.marital_status_display is 'maritalStatus: coding.display, else text';
comment on column patient.multiple_birth_type is 'multipleBirth[x]: which of boolean, integer';
comment on column patient.multiple_birth_boolean is 'multipleBirth[x]';
comment on column patient.multiple_birth_integer is 'multipleBirth[x]';
comment on column patient.managing_organization_id is 'managingOrganization: key of the target';
comment on column patient.managing_organization_display is 'managingOrganization: display';
comment on column patient.managing_organization_reference is 'managingOrganization: reference, else identifier, as written; null where the key says it all';
comment on column patient.race_code is 'extension(''http://hl7.org/fhir/us/core/StructureDefinition/us-core-race'').extension(''ombCategory'')[0].valueCoding.code (first OMB category of US Core race; patient_race has all)';
comment on column patient.race_display is 'extension(''http://hl7.org/fhir/us/core/StructureDefinition/us-core-race'').extension(''ombCategory'')[0].valueCoding.display';
comment on column patient.race_text is 'extension(''http://hl7.org/fhir/us/core/StructureDefinition/us-core-race'').extension(''text'').valueString';
comment on column patient.ethnicity_code is 'extension(''http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity'').extension(''ombCategory'')[0].valueCoding.code (OMB category of US Core ethnicity)';
comment on column patient.ethnicity_display is 'extension(''http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity'').extension(''ombCategory'')[0].valueCoding.display';
comment on column patient.ethnicity_text is 'extension(''http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity'').extension(''text'').valueString';
comment on column patient.birth_sex is 'extension(''http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex'').valueCode (US Core birth sex: M, F, OTH, UNK)';
comment on column patient.sex is 'extension(''http://hl7.org/fhir/us/core/StructureDefinition/us-core-sex'').valueCode | extension(''http://hl7.org/fhir/us/core/StructureDefinition/us-core-sex'').valueCoding.code (US Core sex, from version 5 on)';
comment on column patient.gender_identity_code is 'extension(''http://hl7.org/fhir/us/core/StructureDefinition/us-core-genderIdentity'').valueCodeableConcept: coding.code';
comment on column patient.gender_identity_display is 'extension(''http://hl7.org/fhir/us/core/StructureDefinition/us-core-genderIdentity'').valueCodeableConcept: coding.display, else text';
comment on column patient.mothers_maiden_name is 'extension(''http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName'').valueString';
comment on column patient.birth_place_city is 'extension(''http://hl7.org/fhir/StructureDefinition/patient-birthPlace'').valueAddress.city';
comment on column patient.birth_place_state is 'extension(''http://hl7.org/fhir/StructureDefinition/patient-birthPlace'').valueAddress.state';
comment on column patient.birth_place_country is 'extension(''http://hl7.org/fhir/StructureDefinition/patient-birthPlace'').valueAddress.country';
comment on column patient.birth_time is '_birthDate.extension(''http://hl7.org/fhir/StructureDefinition/patient-birthTime'').valueDateTime';
comment on column patient.birth_time_text is '_birthDate.extension(''http://hl7.org/fhir/StructureDefinition/patient-birthTime'').valueDateTime as written';
comment on column patient.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column patient.last_updated is 'meta.lastUpdated';

create table patient_identifier (
  patient_id bigint not null,
  ordinal integer not null,
  "use" text,
  type_code text,
  type_display text,
  system text,
  value text,
  period_start timestamptz,
  period_start_text text,
  period_end timestamptz,
  period_end_text text,
  assigner_id bigint,
  assigner_display text,
  assigner_reference text,
  extension jsonb,
  primary key (patient_id, ordinal)
);
comment on table patient_identifier is 'the numbers a patient is known by: medical record number, social security number, driver''s licence and so on';
comment on column patient_identifier.patient_id is 'key of the resource that the row belongs to';
comment on column patient_identifier.ordinal is 'position, from 1, in document order';
comment on column patient_identifier."use" is 'use';
comment on column patient_identifier.type_code is 'type: coding.code';
comment on column patient_identifier.type_display is 'type: coding.display, else text';
comment on column patient_identifier.system is 'system';
comment on column patient_identifier.value is 'value';
comment on column patient_identifier.period_start is 'period: start';
comment on column patient_identifier.period_start_text is 'period: start as written';
comment on column patient_identifier.period_end is 'period: end';
comment on column patient_identifier.period_end_text is 'period: end as written';
comment on column patient_identifier.assigner_id is 'assigner: key of the target';
comment on column patient_identifier.assigner_display is 'assigner: display';
comment on column patient_identifier.assigner_reference is 'assigner: reference, else identifier, as written; null where the key says it all';
comment on column patient_identifier.extension is 'extensions of this element that no column takes: an array, each with its path';

create table patient_name (
  patient_id bigint not null,
  ordinal integer not null,
  "use" text,
  text text,
  family text,
  given text[],
  prefix text[],
  suffix text[],
  period_start timestamptz,
  period_start_text text,
  period_end timestamptz,
  period_end_text text,
  extension jsonb,
  primary key (patient_id, ordinal)
);
comment on table patient_name is 'the names of a patient in the current version, in the order given';
comment on column patient_name.patient_id is 'key of the resource that the row belongs to';
comment on column patient_name.ordinal is 'position, from 1, in document order';
comment on column patient_name."use" is 'use';
comment on column patient_name.text is 'text';
comment on column patient_name.family is 'family';
comment on column patient_name.given is 'given';
comment on column patient_name.prefix is 'prefix';
comment on column patient_name.suffix is 'suffix';
comment on column patient_name.period_start is 'period: start';
comment on column patient_name.period_start_text is 'period: start as written';
comment on column patient_name.period_end is 'period: end';
comment on column patient_name.period_end_text is 'period: end as written';
comment on column patient_name.extension is 'extensions of this element that no column takes: an array, each with its path';

create table patient_name_history (
  patient_id bigint not null,
  "use" text,
  text text,
  family text,
  given text[],
  prefix text[],
  suffix text[],
  period_start timestamptz,
  period_start_text text,
  period_end timestamptz,
  period_end_text text,
  extension jsonb,
  content_hash bytea not null,
  valid_from timestamptz,
  valid_to timestamptz not null,
  primary key (patient_id, content_hash, valid_to)
);
comment on table patient_name_history is 'rows of patient_name that a later version no longer has, with the time they were valid';
comment on column patient_name_history.patient_id is 'key of the resource that the row belongs to';
comment on column patient_name_history."use" is 'use';
comment on column patient_name_history.text is 'text';
comment on column patient_name_history.family is 'family';
comment on column patient_name_history.given is 'given';
comment on column patient_name_history.prefix is 'prefix';
comment on column patient_name_history.suffix is 'suffix';
comment on column patient_name_history.period_start is 'period: start';
comment on column patient_name_history.period_start_text is 'period: start as written';
comment on column patient_name_history.period_end is 'period: end';
comment on column patient_name_history.period_end_text is 'period: end as written';
comment on column patient_name_history.extension is 'extensions of this element that no column takes: an array, each with its path';
comment on column patient_name_history.content_hash is 'SHA-256 of the row''s values, so that one value is kept once';
comment on column patient_name_history.valid_from is 'when the version that first had it took effect';
comment on column patient_name_history.valid_to is 'when the version that no longer has it took effect';

create table patient_address (
  patient_id bigint not null,
  ordinal integer not null,
  "use" text,
  type text,
  text text,
  line text[],
  city text,
  district text,
  state text,
  postal_code text,
  country text,
  period_start timestamptz,
  period_start_text text,
  period_end timestamptz,
  period_end_text text,
  latitude numeric,
  longitude numeric,
  extension jsonb,
  primary key (patient_id, ordinal)
);
comment on table patient_address is 'the addresses of a patient in the current version, with longitude and latitude where the sender gives them';
comment on column patient_address.patient_id is 'key of the resource that the row belongs to';
comment on column patient_address.ordinal is 'position, from 1, in document order';
comment on column patient_address."use" is 'use';
comment on column patient_address.type is 'type';
comment on column patient_address.text is 'text';
comment on column patient_address.line is 'line';
comment on column patient_address.city is 'city';
comment on column patient_address.district is 'district';
comment on column patient_address.state is 'state';
comment on column patient_address.postal_code is 'postalCode';
comment on column patient_address.country is 'country';
comment on column patient_address.period_start is 'period: start';
comment on column patient_address.period_start_text is 'period: start as written';
comment on column patient_address.period_end is 'period: end';
comment on column patient_address.period_end_text is 'period: end as written';
comment on column patient_address.latitude is 'extension(''http://hl7.org/fhir/StructureDefinition/geolocation'').extension(''latitude'').valueDecimal';
comment on column patient_address.longitude is 'extension(''http://hl7.org/fhir/StructureDefinition/geolocation'').extension(''longitude'').valueDecimal';
comment on column patient_address.extension is 'extensions of this element that no column takes: an array, each with its path';

create table patient_address_history (
  patient_id bigint not null,
  "use" text,
  type text,
  text text,
  line text[],
  city text,
  district text,
  state text,
  postal_code text,
  country text,
  period_start timestamptz,
  period_start_text text,
  period_end timestamptz,
  period_end_text text,
  latitude numeric,
  longitude numeric,
  extension jsonb,
  content_hash bytea not null,
  valid_from timestamptz,
  valid_to timestamptz not null,
  primary key (patient_id, content_hash, valid_to)
);
comment on table patient_address_history is 'rows of patient_address that a later version no longer has, with the time they were valid';
comment on column patient_address_history.patient_id is 'key of the resource that the row belongs to';
comment on column patient_address_history."use" is 'use';
comment on column patient_address_history.type is 'type';
comment on column patient_address_history.text is 'text';
comment on column patient_address_history.line is 'line';
comment on column patient_address_history.city is 'city';
comment on column patient_address_history.district is 'district';
comment on column patient_address_history.state is 'state';
comment on column patient_address_history.postal_code is 'postalCode';
comment on column patient_address_history.country is 'country';
comment on column patient_address_history.period_start is 'period: start';
comment on column patient_address_history.period_start_text is 'period: start as written';
comment on column patient_address_history.period_end is 'period: end';
comment on column patient_address_history.period_end_text is 'period: end as written';
comment on column patient_address_history.latitude is 'extension(''http://hl7.org/fhir/StructureDefinition/geolocation'').extension(''latitude'').valueDecimal';
comment on column patient_address_history.longitude is 'extension(''http://hl7.org/fhir/StructureDefinition/geolocation'').extension(''longitude'').valueDecimal';
comment on column patient_address_history.extension is 'extensions of this element that no column takes: an array, each with its path';
comment on column patient_address_history.content_hash is 'SHA-256 of the row''s values, so that one value is kept once';
comment on column patient_address_history.valid_from is 'when the version that first had it took effect';
comment on column patient_address_history.valid_to is 'when the version that no longer has it took effect';

create table patient_telecom (
  patient_id bigint not null,
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
  primary key (patient_id, ordinal)
);
comment on table patient_telecom is 'phone numbers, e-mail addresses and other ways to reach a patient';
comment on column patient_telecom.patient_id is 'key of the resource that the row belongs to';
comment on column patient_telecom.ordinal is 'position, from 1, in document order';
comment on column patient_telecom.system is 'system';
comment on column patient_telecom.value is 'value';
comment on column patient_telecom."use" is 'use';
comment on column patient_telecom.rank is 'rank';
comment on column patient_telecom.period_start is 'period: start';
comment on column patient_telecom.period_start_text is 'period: start as written';
comment on column patient_telecom.period_end is 'period: end';
comment on column patient_telecom.period_end_text is 'period: end as written';
comment on column patient_telecom.extension is 'extensions of this element that no column takes: an array, each with its path';

create table patient_contact (
  patient_id bigint not null,
  ordinal integer not null,
  relationship_code text,
  relationship_display text,
  name_family text,
  name_given text[],
  name_text text,
  gender text,
  organization_id bigint,
  organization_display text,
  organization_reference text,
  period_start timestamptz,
  period_start_text text,
  period_end timestamptz,
  period_end_text text,
  address_line text[],
  address_city text,
  address_state text,
  address_postal_code text,
  address_country text,
  extension jsonb,
  primary key (patient_id, ordinal)
);
comment on table patient_contact is 'the people or organizations to turn to about a patient: next of kin, guardian, employer';
comment on column patient_contact.patient_id is 'key of the resource that the row belongs to';
comment on column patient_contact.ordinal is 'position, from 1, in document order';
comment on column patient_contact.relationship_code is 'relationship[0]: coding.code';
comment on column patient_contact.relationship_display is 'relationship[0]: coding.display, else text';
comment on column patient_contact.name_family is 'name.family';
comment on column patient_contact.name_given is 'name.given';
comment on column patient_contact.name_text is 'name.text';
comment on column patient_contact.gender is 'gender';
comment on column patient_contact.organization_id is 'organization: key of the target';
comment on column patient_contact.organization_display is 'organization: display';
comment on column patient_contact.organization_reference is 'organization: reference, else identifier, as written; null where the key says it all';
comment on column patient_contact.period_start is 'period: start';
comment on column patient_contact.period_start_text is 'period: start as written';
comment on column patient_contact.period_end is 'period: end';
comment on column patient_contact.period_end_text is 'period: end as written';
comment on column patient_contact.address_line is 'address.line';
comment on column patient_contact.address_city is 'address.city';
comment on column patient_contact.address_state is 'address.state';
comment on column patient_contact.address_postal_code is 'address.postalCode';
comment on column patient_contact.address_country is 'address.country';
comment on column patient_contact.extension is 'extensions of this element that no column takes: an array, each with its path';

create table patient_communication (
  patient_id bigint not null,
  ordinal integer not null,
  language_code text,
  language_display text,
  preferred boolean,
  extension jsonb,
  primary key (patient_id, ordinal)
);
comment on table patient_communication is 'the languages in which a patient can be spoken to about their health';
comment on column patient_communication.patient_id is 'key of the resource that the row belongs to';
comment on column patient_communication.ordinal is 'position, from 1, in document order';
comment on column patient_communication.language_code is 'language: coding.code';
comment on column patient_communication.language_display is 'language: coding.display, else text';
comment on column patient_communication.preferred is 'preferred';
comment on column patient_communication.extension is 'extensions of this element that no column takes: an array, each with its path';

create table patient_link (
  patient_id bigint not null,
  ordinal integer not null,
  other_type text,
  other_id bigint,
  other_display text,
  other_reference text,
  type text,
  extension jsonb,
  primary key (patient_id, ordinal)
);
comment on table patient_link is 'other patient records about the same person, and whether one replaces the other';
comment on column patient_link.patient_id is 'key of the resource that the row belongs to';
comment on column patient_link.ordinal is 'position, from 1, in document order';
comment on column patient_link.other_type is 'other: type of the target';
comment on column patient_link.other_id is 'other: key of the target';
comment on column patient_link.other_display is 'other: display';
comment on column patient_link.other_reference is 'other: reference, else identifier, as written; null where the key says it all';
comment on column patient_link.type is 'type';
comment on column patient_link.extension is 'extensions of this element that no column takes: an array, each with its path';

create table patient_race (
  patient_id bigint not null,
  ordinal integer not null,
  kind text,
  level text,
  system text,
  code text,
  display text,
  primary key (patient_id, ordinal)
);
comment on table patient_race is 'every race and ethnicity category and detailed code of US Core that a patient has stated, one a row';
comment on column patient_race.patient_id is 'key of the resource that the row belongs to';
comment on column patient_race.ordinal is 'position, from 1, in document order';
comment on column patient_race.kind is 'race | ethnicity';
comment on column patient_race.level is 'ombCategory | detailed';
comment on column patient_race.system is 'valueCoding: system';
comment on column patient_race.code is 'valueCoding: code';
comment on column patient_race.display is 'valueCoding: display';

create table related_person (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  active boolean,
  patient_reference text,
  relationship_code text,
  relationship_display text,
  gender text,
  birth_date date,
  birth_date_text text,
  period_start timestamptz,
  period_start_text text,
  period_end timestamptz,
  period_end_text text,
  name_text text,
  name_family text,
  name_given text[],
  name_prefix text[],
  name_suffix text[],
  address_line text[],
  address_city text,
  address_district text,
  address_state text,
  address_postal_code text,
  address_country text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table related_person is 'a person with a tie to a patient who is not the patient: a parent, partner, carer or neighbour';
comment on column related_person.id is 'key given by the registry, etl.resource';
comment on column related_person.fhir_id is 'id: the logical id as the source gave it';
comment on column related_person.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column related_person.patient_id is 'patient: key of the patient';
comment on column related_person.active is 'active';
comment on column related_person.patient_reference is 'patient: reference, else identifier, as written; null where the key says it all';
comment on column related_person.relationship_code is 'relationship[0]: coding.code';
comment on column related_person.relationship_display is 'relationship[0]: coding.display, else text';
comment on column related_person.gender is 'gender';
comment on column related_person.birth_date is 'birthDate';
comment on column related_person.birth_date_text is 'birthDate as written';
comment on column related_person.period_start is 'period: start';
comment on column related_person.period_start_text is 'period: start as written';
comment on column related_person.period_end is 'period: end';
comment on column related_person.period_end_text is 'period: end as written';
comment on column related_person.name_text is 'name[0].text';
comment on column related_person.name_family is 'name[0].family';
comment on column related_person.name_given is 'name[0].given';
comment on column related_person.name_prefix is 'name[0].prefix';
comment on column related_person.name_suffix is 'name[0].suffix';
comment on column related_person.address_line is 'address[0].line';
comment on column related_person.address_city is 'address[0].city';
comment on column related_person.address_district is 'address[0].district';
comment on column related_person.address_state is 'address[0].state';
comment on column related_person.address_postal_code is 'address[0].postalCode';
comment on column related_person.address_country is 'address[0].country';
comment on column related_person.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column related_person.last_updated is 'meta.lastUpdated';

create table practitioner (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  active boolean,
  gender text,
  birth_date date,
  birth_date_text text,
  name_text text,
  name_family text,
  name_given text[],
  name_prefix text[],
  name_suffix text[],
  address_line text[],
  address_city text,
  address_district text,
  address_state text,
  address_postal_code text,
  address_country text,
  npi text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table practitioner is 'a person who gives or supports care as a professional, with the national provider identifier';
comment on column practitioner.id is 'key given by the registry, etl.resource';
comment on column practitioner.fhir_id is 'id: the logical id as the source gave it';
comment on column practitioner.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column practitioner.active is 'active';
comment on column practitioner.gender is 'gender';
comment on column practitioner.birth_date is 'birthDate';
comment on column practitioner.birth_date_text is 'birthDate as written';
comment on column practitioner.name_text is 'name[0].text';
comment on column practitioner.name_family is 'name[0].family';
comment on column practitioner.name_given is 'name[0].given';
comment on column practitioner.name_prefix is 'name[0].prefix';
comment on column practitioner.name_suffix is 'name[0].suffix';
comment on column practitioner.address_line is 'address[0].line';
comment on column practitioner.address_city is 'address[0].city';
comment on column practitioner.address_district is 'address[0].district';
comment on column practitioner.address_state is 'address[0].state';
comment on column practitioner.address_postal_code is 'address[0].postalCode';
comment on column practitioner.address_country is 'address[0].country';
comment on column practitioner.npi is 'identifier.where(system = ''http://hl7.org/fhir/sid/us-npi'').value (national provider identifier)';
comment on column practitioner.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column practitioner.last_updated is 'meta.lastUpdated';

create table practitioner_qualification (
  practitioner_id bigint not null,
  ordinal integer not null,
  code_system text,
  code text,
  code_display text,
  code_text text,
  period_start timestamptz,
  period_start_text text,
  period_end timestamptz,
  period_end_text text,
  issuer_id bigint,
  issuer_display text,
  issuer_reference text,
  extension jsonb,
  primary key (practitioner_id, ordinal)
);
comment on table practitioner_qualification is 'the degrees, licences and certificates of a practitioner and who issued them';
comment on column practitioner_qualification.practitioner_id is 'key of the resource that the row belongs to';
comment on column practitioner_qualification.ordinal is 'position, from 1, in document order';
comment on column practitioner_qualification.code_system is 'code: coding.system';
comment on column practitioner_qualification.code is 'code: coding.code';
comment on column practitioner_qualification.code_display is 'code: coding.display';
comment on column practitioner_qualification.code_text is 'code: text';
comment on column practitioner_qualification.period_start is 'period: start';
comment on column practitioner_qualification.period_start_text is 'period: start as written';
comment on column practitioner_qualification.period_end is 'period: end';
comment on column practitioner_qualification.period_end_text is 'period: end as written';
comment on column practitioner_qualification.issuer_id is 'issuer: key of the target';
comment on column practitioner_qualification.issuer_display is 'issuer: display';
comment on column practitioner_qualification.issuer_reference is 'issuer: reference, else identifier, as written; null where the key says it all';
comment on column practitioner_qualification.extension is 'extensions of this element that no column takes: an array, each with its path';

create table practitioner_role (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  active boolean,
  period_start timestamptz,
  period_start_text text,
  period_end timestamptz,
  period_end_text text,
  practitioner_id bigint,
  practitioner_display text,
  practitioner_reference text,
  organization_id bigint,
  organization_display text,
  organization_reference text,
  code_system text,
  code text,
  code_display text,
  code_text text,
  specialty_code text,
  specialty_display text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table practitioner_role is 'what a practitioner may do at an organization, and during which time';
comment on column practitioner_role.id is 'key given by the registry, etl.resource';
comment on column practitioner_role.fhir_id is 'id: the logical id as the source gave it';
comment on column practitioner_role.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column practitioner_role.active is 'active';
comment on column practitioner_role.period_start is 'period: start';
comment on column practitioner_role.period_start_text is 'period: start as written';
comment on column practitioner_role.period_end is 'period: end';
comment on column practitioner_role.period_end_text is 'period: end as written';
comment on column practitioner_role.practitioner_id is 'practitioner: key of the target';
comment on column practitioner_role.practitioner_display is 'practitioner: display';
comment on column practitioner_role.practitioner_reference is 'practitioner: reference, else identifier, as written; null where the key says it all';
comment on column practitioner_role.organization_id is 'organization: key of the target';
comment on column practitioner_role.organization_display is 'organization: display';
comment on column practitioner_role.organization_reference is 'organization: reference, else identifier, as written; null where the key says it all';
comment on column practitioner_role.code_system is 'code[0]: coding.system';
comment on column practitioner_role.code is 'code[0]: coding.code';
comment on column practitioner_role.code_display is 'code[0]: coding.display';
comment on column practitioner_role.code_text is 'code[0]: text';
comment on column practitioner_role.specialty_code is 'specialty[0]: coding.code';
comment on column practitioner_role.specialty_display is 'specialty[0]: coding.display, else text';
comment on column practitioner_role.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column practitioner_role.last_updated is 'meta.lastUpdated';

create table organization (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  active boolean,
  name text,
  alias text[],
  type_system text,
  type_code text,
  type_display text,
  type_text text,
  part_of_id bigint,
  part_of_display text,
  part_of_reference text,
  address_line text[],
  address_city text,
  address_district text,
  address_state text,
  address_postal_code text,
  address_country text,
  npi text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table organization is 'a hospital, practice, department, payer or company that takes part in care';
comment on column organization.id is 'key given by the registry, etl.resource';
comment on column organization.fhir_id is 'id: the logical id as the source gave it';
comment on column organization.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column organization.active is 'active';
comment on column organization.name is 'name';
comment on column organization.alias is 'alias';
comment on column organization.type_system is 'type[0]: coding.system';
comment on column organization.type_code is 'type[0]: coding.code';
comment on column organization.type_display is 'type[0]: coding.display';
comment on column organization.type_text is 'type[0]: text';
comment on column organization.part_of_id is 'partOf: key of the target';
comment on column organization.part_of_display is 'partOf: display';
comment on column organization.part_of_reference is 'partOf: reference, else identifier, as written; null where the key says it all';
comment on column organization.address_line is 'address[0].line';
comment on column organization.address_city is 'address[0].city';
comment on column organization.address_district is 'address[0].district';
comment on column organization.address_state is 'address[0].state';
comment on column organization.address_postal_code is 'address[0].postalCode';
comment on column organization.address_country is 'address[0].country';
comment on column organization.npi is 'identifier.where(system = ''http://hl7.org/fhir/sid/us-npi'').value (national provider identifier)';
comment on column organization.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column organization.last_updated is 'meta.lastUpdated';

create table location (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  status text,
  operational_status_system text,
  operational_status_code text,
  operational_status_display text,
  name text,
  alias text[],
  description text,
  mode text,
  type_system text,
  type_code text,
  type_display text,
  type_text text,
  physical_type_code text,
  physical_type_display text,
  address_line text[],
  address_city text,
  address_district text,
  address_state text,
  address_postal_code text,
  address_country text,
  longitude numeric,
  latitude numeric,
  altitude numeric,
  managing_organization_id bigint,
  managing_organization_display text,
  managing_organization_reference text,
  part_of_id bigint,
  part_of_display text,
  part_of_reference text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table location is 'a place where care happens or goods are kept, from a building to a bed';
comment on column location.id is 'key given by the registry, etl.resource';
comment on column location.fhir_id is 'id: the logical id as the source gave it';
comment on column location.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column location.status is 'status';
comment on column location.operational_status_system is 'operationalStatus: system';
comment on column location.operational_status_code is 'operationalStatus: code';
comment on column location.operational_status_display is 'operationalStatus: display';
comment on column location.name is 'name';
comment on column location.alias is 'alias';
comment on column location.description is 'description';
comment on column location.mode is 'mode';
comment on column location.type_system is 'type[0]: coding.system';
comment on column location.type_code is 'type[0]: coding.code';
comment on column location.type_display is 'type[0]: coding.display';
comment on column location.type_text is 'type[0]: text';
comment on column location.physical_type_code is 'physicalType: coding.code';
comment on column location.physical_type_display is 'physicalType: coding.display, else text';
comment on column location.address_line is 'address.line';
comment on column location.address_city is 'address.city';
comment on column location.address_district is 'address.district';
comment on column location.address_state is 'address.state';
comment on column location.address_postal_code is 'address.postalCode';
comment on column location.address_country is 'address.country';
comment on column location.longitude is 'position.longitude';
comment on column location.latitude is 'position.latitude';
comment on column location.altitude is 'position.altitude';
comment on column location.managing_organization_id is 'managingOrganization: key of the target';
comment on column location.managing_organization_display is 'managingOrganization: display';
comment on column location.managing_organization_reference is 'managingOrganization: reference, else identifier, as written; null where the key says it all';
comment on column location.part_of_id is 'partOf: key of the target';
comment on column location.part_of_display is 'partOf: display';
comment on column location.part_of_reference is 'partOf: reference, else identifier, as written; null where the key says it all';
comment on column location.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column location.last_updated is 'meta.lastUpdated';

create table encounter (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  status text,
  class_system text,
  class_code text,
  class_display text,
  type_system text,
  type_code text,
  type_display text,
  type_text text,
  service_type_code text,
  service_type_display text,
  priority_code text,
  priority_display text,
  subject_type text,
  subject_id bigint,
  subject_reference text,
  period_start timestamptz,
  period_start_text text,
  period_end timestamptz,
  period_end_text text,
  length_value numeric,
  length_unit text,
  length_code text,
  reason_code_system text,
  reason_code text,
  reason_code_display text,
  reason_code_text text,
  service_provider_id bigint,
  service_provider_display text,
  service_provider_reference text,
  part_of_id bigint,
  part_of_display text,
  part_of_reference text,
  origin_type text,
  origin_id bigint,
  origin_display text,
  origin_reference text,
  admit_source_code text,
  admit_source_display text,
  re_admission_code text,
  re_admission_display text,
  destination_type text,
  destination_id bigint,
  destination_display text,
  destination_reference text,
  discharge_disposition_code text,
  discharge_disposition_display text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table encounter is 'a visit, stay or call of a patient, with its time, kind, reason, and where the patient came from and went to';
comment on column encounter.id is 'key given by the registry, etl.resource';
comment on column encounter.fhir_id is 'id: the logical id as the source gave it';
comment on column encounter.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column encounter.patient_id is 'subject: key of the patient';
comment on column encounter.status is 'status';
comment on column encounter.class_system is 'class: system';
comment on column encounter.class_code is 'class: code';
comment on column encounter.class_display is 'class: display';
comment on column encounter.type_system is 'type[0]: coding.system';
comment on column encounter.type_code is 'type[0]: coding.code';
comment on column encounter.type_display is 'type[0]: coding.display';
comment on column encounter.type_text is 'type[0]: text';
comment on column encounter.service_type_code is 'serviceType: coding.code';
comment on column encounter.service_type_display is 'serviceType: coding.display, else text';
comment on column encounter.priority_code is 'priority: coding.code';
comment on column encounter.priority_display is 'priority: coding.display, else text';
comment on column encounter.subject_type is 'subject: type of the target';
comment on column encounter.subject_id is 'subject: key of the target';
comment on column encounter.subject_reference is 'subject: reference, else identifier, as written; null where the key says it all';
comment on column encounter.period_start is 'period: start';
comment on column encounter.period_start_text is 'period: start as written';
comment on column encounter.period_end is 'period: end';
comment on column encounter.period_end_text is 'period: end as written';
comment on column encounter.length_value is 'length: value';
comment on column encounter.length_unit is 'length: unit';
comment on column encounter.length_code is 'length: code';
comment on column encounter.reason_code_system is 'reasonCode[0]: coding.system';
comment on column encounter.reason_code is 'reasonCode[0]: coding.code';
comment on column encounter.reason_code_display is 'reasonCode[0]: coding.display';
comment on column encounter.reason_code_text is 'reasonCode[0]: text';
comment on column encounter.service_provider_id is 'serviceProvider: key of the target';
comment on column encounter.service_provider_display is 'serviceProvider: display';
comment on column encounter.service_provider_reference is 'serviceProvider: reference, else identifier, as written; null where the key says it all';
comment on column encounter.part_of_id is 'partOf: key of the target';
comment on column encounter.part_of_display is 'partOf: display';
comment on column encounter.part_of_reference is 'partOf: reference, else identifier, as written; null where the key says it all';
comment on column encounter.origin_type is 'hospitalization.origin: type of the target';
comment on column encounter.origin_id is 'hospitalization.origin: key of the target';
comment on column encounter.origin_display is 'hospitalization.origin: display';
comment on column encounter.origin_reference is 'hospitalization.origin: reference, else identifier, as written; null where the key says it all';
comment on column encounter.admit_source_code is 'hospitalization.admitSource: coding.code';
comment on column encounter.admit_source_display is 'hospitalization.admitSource: coding.display, else text';
comment on column encounter.re_admission_code is 'hospitalization.reAdmission: coding.code';
comment on column encounter.re_admission_display is 'hospitalization.reAdmission: coding.display, else text';
comment on column encounter.destination_type is 'hospitalization.destination: type of the target';
comment on column encounter.destination_id is 'hospitalization.destination: key of the target';
comment on column encounter.destination_display is 'hospitalization.destination: display';
comment on column encounter.destination_reference is 'hospitalization.destination: reference, else identifier, as written; null where the key says it all';
comment on column encounter.discharge_disposition_code is 'hospitalization.dischargeDisposition: coding.code';
comment on column encounter.discharge_disposition_display is 'hospitalization.dischargeDisposition: coding.display, else text';
comment on column encounter.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column encounter.last_updated is 'meta.lastUpdated';

create table encounter_participant (
  encounter_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  type_code text,
  type_display text,
  individual_type text,
  individual_id bigint,
  individual_display text,
  individual_reference text,
  period_start timestamptz,
  period_start_text text,
  period_end timestamptz,
  period_end_text text,
  practitioner_id bigint,
  extension jsonb,
  primary key (encounter_id, ordinal)
);
comment on table encounter_participant is 'the people who took part in an encounter, their roles and times';
comment on column encounter_participant.encounter_id is 'key of the resource that the row belongs to';
comment on column encounter_participant.ordinal is 'position, from 1, in document order';
comment on column encounter_participant.patient_id is 'key of the resource''s patient';
comment on column encounter_participant.type_code is 'type[0]: coding.code';
comment on column encounter_participant.type_display is 'type[0]: coding.display, else text';
comment on column encounter_participant.individual_type is 'individual: type of the target';
comment on column encounter_participant.individual_id is 'individual: key of the target';
comment on column encounter_participant.individual_display is 'individual: display';
comment on column encounter_participant.individual_reference is 'individual: reference, else identifier, as written; null where the key says it all';
comment on column encounter_participant.period_start is 'period: start';
comment on column encounter_participant.period_start_text is 'period: start as written';
comment on column encounter_participant.period_end is 'period: end';
comment on column encounter_participant.period_end_text is 'period: end as written';
comment on column encounter_participant.practitioner_id is 'individual: key of the first that is a Practitioner (the individual where it is a practitioner)';
comment on column encounter_participant.extension is 'extensions of this element that no column takes: an array, each with its path';

create table encounter_diagnosis (
  encounter_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  condition_type text,
  condition_id bigint,
  condition_display text,
  condition_reference text,
  use_code text,
  use_display text,
  rank integer,
  extension jsonb,
  primary key (encounter_id, ordinal)
);
comment on table encounter_diagnosis is 'the conditions and procedures that an encounter was about, with their role and rank';
comment on column encounter_diagnosis.encounter_id is 'key of the resource that the row belongs to';
comment on column encounter_diagnosis.ordinal is 'position, from 1, in document order';
comment on column encounter_diagnosis.patient_id is 'key of the resource''s patient';
comment on column encounter_diagnosis.condition_type is 'condition: type of the target';
comment on column encounter_diagnosis.condition_id is 'condition: key of the target';
comment on column encounter_diagnosis.condition_display is 'condition: display';
comment on column encounter_diagnosis.condition_reference is 'condition: reference, else identifier, as written; null where the key says it all';
comment on column encounter_diagnosis.use_code is 'use: coding.code';
comment on column encounter_diagnosis.use_display is 'use: coding.display, else text';
comment on column encounter_diagnosis.rank is 'rank';
comment on column encounter_diagnosis.extension is 'extensions of this element that no column takes: an array, each with its path';

create table encounter_location (
  encounter_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  location_id bigint,
  location_display text,
  location_reference text,
  status text,
  physical_type_code text,
  physical_type_display text,
  period_start timestamptz,
  period_start_text text,
  period_end timestamptz,
  period_end_text text,
  extension jsonb,
  primary key (encounter_id, ordinal)
);
comment on table encounter_location is 'the places where a patient was during an encounter, and when';
comment on column encounter_location.encounter_id is 'key of the resource that the row belongs to';
comment on column encounter_location.ordinal is 'position, from 1, in document order';
comment on column encounter_location.patient_id is 'key of the resource''s patient';
comment on column encounter_location.location_id is 'location: key of the target';
comment on column encounter_location.location_display is 'location: display';
comment on column encounter_location.location_reference is 'location: reference, else identifier, as written; null where the key says it all';
comment on column encounter_location.status is 'status';
comment on column encounter_location.physical_type_code is 'physicalType: coding.code';
comment on column encounter_location.physical_type_display is 'physicalType: coding.display, else text';
comment on column encounter_location.period_start is 'period: start';
comment on column encounter_location.period_start_text is 'period: start as written';
comment on column encounter_location.period_end is 'period: end';
comment on column encounter_location.period_end_text is 'period: end as written';
comment on column encounter_location.extension is 'extensions of this element that no column takes: an array, each with its path';

create table encounter_status_history (
  encounter_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  status text,
  period_start timestamptz,
  period_start_text text,
  period_end timestamptz,
  period_end_text text,
  extension jsonb,
  primary key (encounter_id, ordinal)
);
comment on table encounter_status_history is 'the statuses that an encounter had before, and when';
comment on column encounter_status_history.encounter_id is 'key of the resource that the row belongs to';
comment on column encounter_status_history.ordinal is 'position, from 1, in document order';
comment on column encounter_status_history.patient_id is 'key of the resource''s patient';
comment on column encounter_status_history.status is 'status';
comment on column encounter_status_history.period_start is 'period: start';
comment on column encounter_status_history.period_start_text is 'period: start as written';
comment on column encounter_status_history.period_end is 'period: end';
comment on column encounter_status_history.period_end_text is 'period: end as written';
comment on column encounter_status_history.extension is 'extensions of this element that no column takes: an array, each with its path';

create table encounter_class_history (
  encounter_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  class_system text,
  class_code text,
  class_display text,
  period_start timestamptz,
  period_start_text text,
  period_end timestamptz,
  period_end_text text,
  extension jsonb,
  primary key (encounter_id, ordinal)
);
comment on table encounter_class_history is 'the classes that an encounter had before, such as emergency before inpatient, and when';
comment on column encounter_class_history.encounter_id is 'key of the resource that the row belongs to';
comment on column encounter_class_history.ordinal is 'position, from 1, in document order';
comment on column encounter_class_history.patient_id is 'key of the resource''s patient';
comment on column encounter_class_history.class_system is 'class: system';
comment on column encounter_class_history.class_code is 'class: code';
comment on column encounter_class_history.class_display is 'class: display';
comment on column encounter_class_history.period_start is 'period: start';
comment on column encounter_class_history.period_start_text is 'period: start as written';
comment on column encounter_class_history.period_end is 'period: end';
comment on column encounter_class_history.period_end_text is 'period: end as written';
comment on column encounter_class_history.extension is 'extensions of this element that no column takes: an array, each with its path';

create table appointment (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  status text,
  cancelation_reason_code text,
  cancelation_reason_display text,
  service_category_code text,
  service_category_display text,
  service_type_code text,
  service_type_display text,
  specialty_code text,
  specialty_display text,
  appointment_type_code text,
  appointment_type_display text,
  reason_code_system text,
  reason_code text,
  reason_code_display text,
  reason_code_text text,
  priority integer,
  description text,
  start_time timestamptz,
  start_time_text text,
  end_time timestamptz,
  end_time_text text,
  minutes_duration integer,
  created timestamptz,
  created_text text,
  comment text,
  patient_instruction text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table appointment is 'a booking of time for a patient with practitioners, places or devices; it becomes an encounter when it is kept';
comment on column appointment.id is 'key given by the registry, etl.resource';
comment on column appointment.fhir_id is 'id: the logical id as the source gave it';
comment on column appointment.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column appointment.patient_id is 'participant.actor: key of the patient';
comment on column appointment.status is 'status';
comment on column appointment.cancelation_reason_code is 'cancelationReason: coding.code';
comment on column appointment.cancelation_reason_display is 'cancelationReason: coding.display, else text';
comment on column appointment.service_category_code is 'serviceCategory[0]: coding.code';
comment on column appointment.service_category_display is 'serviceCategory[0]: coding.display, else text';
comment on column appointment.service_type_code is 'serviceType[0]: coding.code';
comment on column appointment.service_type_display is 'serviceType[0]: coding.display, else text';
comment on column appointment.specialty_code is 'specialty[0]: coding.code';
comment on column appointment.specialty_display is 'specialty[0]: coding.display, else text';
comment on column appointment.appointment_type_code is 'appointmentType: coding.code';
comment on column appointment.appointment_type_display is 'appointmentType: coding.display, else text';
comment on column appointment.reason_code_system is 'reasonCode[0]: coding.system';
comment on column appointment.reason_code is 'reasonCode[0]: coding.code';
comment on column appointment.reason_code_display is 'reasonCode[0]: coding.display';
comment on column appointment.reason_code_text is 'reasonCode[0]: text';
comment on column appointment.priority is 'priority';
comment on column appointment.description is 'description';
comment on column appointment.start_time is 'start';
comment on column appointment.start_time_text is 'start as written';
comment on column appointment.end_time is 'end';
comment on column appointment.end_time_text is 'end as written';
comment on column appointment.minutes_duration is 'minutesDuration';
comment on column appointment.created is 'created';
comment on column appointment.created_text is 'created as written';
comment on column appointment.comment is 'comment';
comment on column appointment.patient_instruction is 'patientInstruction';
comment on column appointment.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column appointment.last_updated is 'meta.lastUpdated';

create table appointment_participant (
  appointment_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  type_code text,
  type_display text,
  actor_type text,
  actor_id bigint,
  actor_display text,
  actor_reference text,
  required text,
  status text,
  period_start timestamptz,
  period_start_text text,
  period_end timestamptz,
  period_end_text text,
  extension jsonb,
  primary key (appointment_id, ordinal)
);
comment on table appointment_participant is 'the patients, practitioners, places and devices asked to an appointment, and what each answered';
comment on column appointment_participant.appointment_id is 'key of the resource that the row belongs to';
comment on column appointment_participant.ordinal is 'position, from 1, in document order';
comment on column appointment_participant.patient_id is 'key of the resource''s patient';
comment on column appointment_participant.type_code is 'type[0]: coding.code';
comment on column appointment_participant.type_display is 'type[0]: coding.display, else text';
comment on column appointment_participant.actor_type is 'actor: type of the target';
comment on column appointment_participant.actor_id is 'actor: key of the target';
comment on column appointment_participant.actor_display is 'actor: display';
comment on column appointment_participant.actor_reference is 'actor: reference, else identifier, as written; null where the key says it all';
comment on column appointment_participant.required is 'required';
comment on column appointment_participant.status is 'status';
comment on column appointment_participant.period_start is 'period: start';
comment on column appointment_participant.period_start_text is 'period: start as written';
comment on column appointment_participant.period_end is 'period: end';
comment on column appointment_participant.period_end_text is 'period: end as written';
comment on column appointment_participant.extension is 'extensions of this element that no column takes: an array, each with its path';

create table condition (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  encounter_id bigint,
  clinical_status text,
  verification_status text,
  category_code text,
  category_display text,
  severity_code text,
  severity_display text,
  code_system text,
  code text,
  code_display text,
  code_text text,
  body_site_code text,
  body_site_display text,
  subject_type text,
  subject_id bigint,
  subject_reference text,
  encounter_reference text,
  onset_type text,
  onset_start timestamptz,
  onset_start_text text,
  onset_end timestamptz,
  onset_end_text text,
  onset_age_value numeric,
  onset_age_unit text,
  onset_age_code text,
  onset_string text,
  abatement_type text,
  abatement_start timestamptz,
  abatement_start_text text,
  abatement_end timestamptz,
  abatement_end_text text,
  abatement_age_value numeric,
  abatement_age_unit text,
  abatement_age_code text,
  abatement_string text,
  recorded_date timestamptz,
  recorded_date_text text,
  recorder_type text,
  recorder_id bigint,
  recorder_display text,
  recorder_reference text,
  asserter_type text,
  asserter_id bigint,
  asserter_display text,
  asserter_reference text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table condition is 'a problem, diagnosis or other state of health of a patient, with when it began, ended and was recorded';
comment on column condition.id is 'key given by the registry, etl.resource';
comment on column condition.fhir_id is 'id: the logical id as the source gave it';
comment on column condition.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column condition.patient_id is 'subject: key of the patient';
comment on column condition.encounter_id is 'encounter: key of the encounter';
comment on column condition.clinical_status is 'clinicalStatus: coding.code, else text';
comment on column condition.verification_status is 'verificationStatus: coding.code, else text';
comment on column condition.category_code is 'category[0]: coding.code';
comment on column condition.category_display is 'category[0]: coding.display, else text';
comment on column condition.severity_code is 'severity: coding.code';
comment on column condition.severity_display is 'severity: coding.display, else text';
comment on column condition.code_system is 'code: coding.system';
comment on column condition.code is 'code: coding.code';
comment on column condition.code_display is 'code: coding.display';
comment on column condition.code_text is 'code: text';
comment on column condition.body_site_code is 'bodySite[0]: coding.code';
comment on column condition.body_site_display is 'bodySite[0]: coding.display, else text';
comment on column condition.subject_type is 'subject: type of the target';
comment on column condition.subject_id is 'subject: key of the target';
comment on column condition.subject_reference is 'subject: reference, else identifier, as written; null where the key says it all';
comment on column condition.encounter_reference is 'encounter: reference, else identifier, as written; null where the key says it all';
comment on column condition.onset_type is 'onset[x]: which of dateTime, Age, Period, string';
comment on column condition.onset_start is 'onset[x]: start';
comment on column condition.onset_start_text is 'onset[x]: start as written';
comment on column condition.onset_end is 'onset[x]: end';
comment on column condition.onset_end_text is 'onset[x]: end as written';
comment on column condition.onset_age_value is 'onset[x]: value';
comment on column condition.onset_age_unit is 'onset[x]: unit';
comment on column condition.onset_age_code is 'onset[x]: code';
comment on column condition.onset_string is 'onset[x]';
comment on column condition.abatement_type is 'abatement[x]: which of dateTime, Age, Period, string';
comment on column condition.abatement_start is 'abatement[x]: start';
comment on column condition.abatement_start_text is 'abatement[x]: start as written';
comment on column condition.abatement_end is 'abatement[x]: end';
comment on column condition.abatement_end_text is 'abatement[x]: end as written';
comment on column condition.abatement_age_value is 'abatement[x]: value';
comment on column condition.abatement_age_unit is 'abatement[x]: unit';
comment on column condition.abatement_age_code is 'abatement[x]: code';
comment on column condition.abatement_string is 'abatement[x]';
comment on column condition.recorded_date is 'recordedDate';
comment on column condition.recorded_date_text is 'recordedDate as written';
comment on column condition.recorder_type is 'recorder: type of the target';
comment on column condition.recorder_id is 'recorder: key of the target';
comment on column condition.recorder_display is 'recorder: display';
comment on column condition.recorder_reference is 'recorder: reference, else identifier, as written; null where the key says it all';
comment on column condition.asserter_type is 'asserter: type of the target';
comment on column condition.asserter_id is 'asserter: key of the target';
comment on column condition.asserter_display is 'asserter: display';
comment on column condition.asserter_reference is 'asserter: reference, else identifier, as written; null where the key says it all';
comment on column condition.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column condition.last_updated is 'meta.lastUpdated';

create table condition_stage (
  condition_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  summary_code text,
  summary_display text,
  type_code text,
  type_display text,
  extension jsonb,
  primary key (condition_id, ordinal)
);
comment on table condition_stage is 'the stages or grades of a condition, such as a cancer''s';
comment on column condition_stage.condition_id is 'key of the resource that the row belongs to';
comment on column condition_stage.ordinal is 'position, from 1, in document order';
comment on column condition_stage.patient_id is 'key of the resource''s patient';
comment on column condition_stage.summary_code is 'summary: coding.code';
comment on column condition_stage.summary_display is 'summary: coding.display, else text';
comment on column condition_stage.type_code is 'type: coding.code';
comment on column condition_stage.type_display is 'type: coding.display, else text';
comment on column condition_stage.extension is 'extensions of this element that no column takes: an array, each with its path';

create table condition_evidence (
  condition_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  code_system text,
  code text,
  code_display text,
  code_text text,
  detail_type text,
  detail_id bigint,
  detail_display text,
  detail_reference text,
  extension jsonb,
  primary key (condition_id, ordinal)
);
comment on table condition_evidence is 'the symptoms and findings that speak for a condition';
comment on column condition_evidence.condition_id is 'key of the resource that the row belongs to';
comment on column condition_evidence.ordinal is 'position, from 1, in document order';
comment on column condition_evidence.patient_id is 'key of the resource''s patient';
comment on column condition_evidence.code_system is 'code[0]: coding.system';
comment on column condition_evidence.code is 'code[0]: coding.code';
comment on column condition_evidence.code_display is 'code[0]: coding.display';
comment on column condition_evidence.code_text is 'code[0]: text';
comment on column condition_evidence.detail_type is 'detail[0]: type of the target';
comment on column condition_evidence.detail_id is 'detail[0]: key of the target';
comment on column condition_evidence.detail_display is 'detail[0]: display';
comment on column condition_evidence.detail_reference is 'detail[0]: reference, else identifier, as written; null where the key says it all';
comment on column condition_evidence.extension is 'extensions of this element that no column takes: an array, each with its path';

create table allergy_intolerance (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  encounter_id bigint,
  clinical_status text,
  verification_status text,
  type text,
  category text[],
  criticality text,
  code_system text,
  code text,
  code_display text,
  code_text text,
  patient_reference text,
  encounter_reference text,
  onset_type text,
  onset_start timestamptz,
  onset_start_text text,
  onset_end timestamptz,
  onset_end_text text,
  onset_age_value numeric,
  onset_age_unit text,
  onset_age_code text,
  onset_string text,
  recorded_date timestamptz,
  recorded_date_text text,
  recorder_type text,
  recorder_id bigint,
  recorder_display text,
  recorder_reference text,
  asserter_type text,
  asserter_id bigint,
  asserter_display text,
  asserter_reference text,
  last_occurrence timestamptz,
  last_occurrence_text text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table allergy_intolerance is 'a patient''s tendency to react badly to a substance, with how certain and how dangerous it is';
comment on column allergy_intolerance.id is 'key given by the registry, etl.resource';
comment on column allergy_intolerance.fhir_id is 'id: the logical id as the source gave it';
comment on column allergy_intolerance.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column allergy_intolerance.patient_id is 'patient: key of the patient';
comment on column allergy_intolerance.encounter_id is 'encounter: key of the encounter';
comment on column allergy_intolerance.clinical_status is 'clinicalStatus: coding.code, else text';
comment on column allergy_intolerance.verification_status is 'verificationStatus: coding.code, else text';
comment on column allergy_intolerance.type is 'type';
comment on column allergy_intolerance.category is 'category';
comment on column allergy_intolerance.criticality is 'criticality';
comment on column allergy_intolerance.code_system is 'code: coding.system';
comment on column allergy_intolerance.code is 'code: coding.code';
comment on column allergy_intolerance.code_display is 'code: coding.display';
comment on column allergy_intolerance.code_text is 'code: text';
comment on column allergy_intolerance.patient_reference is 'patient: reference, else identifier, as written; null where the key says it all';
comment on column allergy_intolerance.encounter_reference is 'encounter: reference, else identifier, as written; null where the key says it all';
comment on column allergy_intolerance.onset_type is 'onset[x]: which of dateTime, Age, Period, string';
comment on column allergy_intolerance.onset_start is 'onset[x]: start';
comment on column allergy_intolerance.onset_start_text is 'onset[x]: start as written';
comment on column allergy_intolerance.onset_end is 'onset[x]: end';
comment on column allergy_intolerance.onset_end_text is 'onset[x]: end as written';
comment on column allergy_intolerance.onset_age_value is 'onset[x]: value';
comment on column allergy_intolerance.onset_age_unit is 'onset[x]: unit';
comment on column allergy_intolerance.onset_age_code is 'onset[x]: code';
comment on column allergy_intolerance.onset_string is 'onset[x]';
comment on column allergy_intolerance.recorded_date is 'recordedDate';
comment on column allergy_intolerance.recorded_date_text is 'recordedDate as written';
comment on column allergy_intolerance.recorder_type is 'recorder: type of the target';
comment on column allergy_intolerance.recorder_id is 'recorder: key of the target';
comment on column allergy_intolerance.recorder_display is 'recorder: display';
comment on column allergy_intolerance.recorder_reference is 'recorder: reference, else identifier, as written; null where the key says it all';
comment on column allergy_intolerance.asserter_type is 'asserter: type of the target';
comment on column allergy_intolerance.asserter_id is 'asserter: key of the target';
comment on column allergy_intolerance.asserter_display is 'asserter: display';
comment on column allergy_intolerance.asserter_reference is 'asserter: reference, else identifier, as written; null where the key says it all';
comment on column allergy_intolerance.last_occurrence is 'lastOccurrence';
comment on column allergy_intolerance.last_occurrence_text is 'lastOccurrence as written';
comment on column allergy_intolerance.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column allergy_intolerance.last_updated is 'meta.lastUpdated';

create table allergy_intolerance_reaction (
  allergy_intolerance_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  substance_system text,
  substance_code text,
  substance_display text,
  substance_text text,
  description text,
  onset timestamptz,
  onset_text text,
  severity text,
  exposure_route_code text,
  exposure_route_display text,
  manifestation_system text,
  manifestation_code text,
  manifestation_display text,
  manifestation_text text,
  extension jsonb,
  primary key (allergy_intolerance_id, ordinal)
);
comment on table allergy_intolerance_reaction is 'each reaction to the substance that is known: when it was, how it showed itself, how severe it was';
comment on column allergy_intolerance_reaction.allergy_intolerance_id is 'key of the resource that the row belongs to';
comment on column allergy_intolerance_reaction.ordinal is 'position, from 1, in document order';
comment on column allergy_intolerance_reaction.patient_id is 'key of the resource''s patient';
comment on column allergy_intolerance_reaction.substance_system is 'substance: coding.system';
comment on column allergy_intolerance_reaction.substance_code is 'substance: coding.code';
comment on column allergy_intolerance_reaction.substance_display is 'substance: coding.display';
comment on column allergy_intolerance_reaction.substance_text is 'substance: text';
comment on column allergy_intolerance_reaction.description is 'description';
comment on column allergy_intolerance_reaction.onset is 'onset';
comment on column allergy_intolerance_reaction.onset_text is 'onset as written';
comment on column allergy_intolerance_reaction.severity is 'severity';
comment on column allergy_intolerance_reaction.exposure_route_code is 'exposureRoute: coding.code';
comment on column allergy_intolerance_reaction.exposure_route_display is 'exposureRoute: coding.display, else text';
comment on column allergy_intolerance_reaction.manifestation_system is 'manifestation[0]: coding.system';
comment on column allergy_intolerance_reaction.manifestation_code is 'manifestation[0]: coding.code';
comment on column allergy_intolerance_reaction.manifestation_display is 'manifestation[0]: coding.display';
comment on column allergy_intolerance_reaction.manifestation_text is 'manifestation[0]: text';
comment on column allergy_intolerance_reaction.extension is 'extensions of this element that no column takes: an array, each with its path';

create table allergy_intolerance_reaction_manifestation (
  allergy_intolerance_id bigint not null,
  reaction_ordinal integer not null,
  ordinal integer not null,
  patient_id bigint,
  system text,
  code text,
  display text,
  text text,
  extension jsonb,
  primary key (allergy_intolerance_id, reaction_ordinal, ordinal)
);
comment on table allergy_intolerance_reaction_manifestation is 'each symptom or sign of a reaction, such as hives or wheezing';
comment on column allergy_intolerance_reaction_manifestation.allergy_intolerance_id is 'key of the resource that the row belongs to';
comment on column allergy_intolerance_reaction_manifestation.reaction_ordinal is 'position of the enclosing reaction, from 1';
comment on column allergy_intolerance_reaction_manifestation.ordinal is 'position, from 1, in document order';
comment on column allergy_intolerance_reaction_manifestation.patient_id is 'key of the resource''s patient';
comment on column allergy_intolerance_reaction_manifestation.system is '$this: coding.system';
comment on column allergy_intolerance_reaction_manifestation.code is '$this: coding.code';
comment on column allergy_intolerance_reaction_manifestation.display is '$this: coding.display';
comment on column allergy_intolerance_reaction_manifestation.text is '$this: text';
comment on column allergy_intolerance_reaction_manifestation.extension is 'extensions of this element that no column takes: an array, each with its path';

create table observation (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  encounter_id bigint,
  status text,
  category_code text,
  category_display text,
  code_system text,
  code text,
  code_display text,
  code_text text,
  subject_type text,
  subject_id bigint,
  subject_reference text,
  encounter_reference text,
  effective_type text,
  effective_start timestamptz,
  effective_start_text text,
  effective_end timestamptz,
  effective_end_text text,
  issued timestamptz,
  issued_text text,
  value_type text,
  value_start timestamptz,
  value_start_text text,
  value_end timestamptz,
  value_end_text text,
  value_quantity_value numeric,
  value_quantity_comparator text,
  value_quantity_unit text,
  value_quantity_system text,
  value_quantity_code text,
  value_codeable_concept_system text,
  value_codeable_concept_code text,
  value_codeable_concept_display text,
  value_codeable_concept_text text,
  value_string text,
  value_boolean boolean,
  value_integer integer,
  value_range_low_value numeric,
  value_range_high_value numeric,
  value_range_unit text,
  value_ratio_numerator_value numeric,
  value_ratio_numerator_unit text,
  value_ratio_denominator_value numeric,
  value_ratio_denominator_unit text,
  value_sampled_data jsonb,
  value_time time,
  data_absent_reason text,
  interpretation_code text,
  interpretation_display text,
  body_site_code text,
  body_site_display text,
  method_code text,
  method_display text,
  specimen_id bigint,
  device_type text,
  device_id bigint,
  reference_range_low_value numeric,
  reference_range_high_value numeric,
  reference_range_text text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table observation is 'a measurement, test result or simple statement about a patient: laboratory values, vital signs, survey answers';
comment on column observation.id is 'key given by the registry, etl.resource';
comment on column observation.fhir_id is 'id: the logical id as the source gave it';
comment on column observation.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column observation.patient_id is 'subject: key of the patient';
comment on column observation.encounter_id is 'encounter: key of the encounter';
comment on column observation.status is 'status';
comment on column observation.category_code is 'category[0]: coding.code';
comment on column observation.category_display is 'category[0]: coding.display, else text';
comment on column observation.code_system is 'code: coding.system';
comment on column observation.code is 'code: coding.code';
comment on column observation.code_display is 'code: coding.display';
comment on column observation.code_text is 'code: text';
comment on column observation.subject_type is 'subject: type of the target';
comment on column observation.subject_id is 'subject: key of the target';
comment on column observation.subject_reference is 'subject: reference, else identifier, as written; null where the key says it all';
comment on column observation.encounter_reference is 'encounter: reference, else identifier, as written; null where the key says it all';
comment on column observation.effective_type is 'effective[x]: which of dateTime, Period, instant';
comment on column observation.effective_start is 'effective[x]: start';
comment on column observation.effective_start_text is 'effective[x]: start as written';
comment on column observation.effective_end is 'effective[x]: end';
comment on column observation.effective_end_text is 'effective[x]: end as written';
comment on column observation.issued is 'issued';
comment on column observation.issued_text is 'issued as written';
comment on column observation.value_type is 'value[x]: which of Quantity, CodeableConcept, string, boolean, integer, Range, Ratio, SampledData, time, dateTime, Period';
comment on column observation.value_start is 'value[x]: start';
comment on column observation.value_start_text is 'value[x]: start as written';
comment on column observation.value_end is 'value[x]: end';
comment on column observation.value_end_text is 'value[x]: end as written';
comment on column observation.value_quantity_value is 'value[x]: value';
comment on column observation.value_quantity_comparator is 'value[x]: comparator';
comment on column observation.value_quantity_unit is 'value[x]: unit';
comment on column observation.value_quantity_system is 'value[x]: system';
comment on column observation.value_quantity_code is 'value[x]: code';
comment on column observation.value_codeable_concept_system is 'value[x]: coding.system';
comment on column observation.value_codeable_concept_code is 'value[x]: coding.code';
comment on column observation.value_codeable_concept_display is 'value[x]: coding.display';
comment on column observation.value_codeable_concept_text is 'value[x]: text';
comment on column observation.value_string is 'value[x]';
comment on column observation.value_boolean is 'value[x]';
comment on column observation.value_integer is 'value[x]';
comment on column observation.value_range_low_value is 'value[x]: low.value';
comment on column observation.value_range_high_value is 'value[x]: high.value';
comment on column observation.value_range_unit is 'value[x]: low.unit, else high.unit';
comment on column observation.value_ratio_numerator_value is 'value[x]: numerator.value';
comment on column observation.value_ratio_numerator_unit is 'value[x]: numerator.unit';
comment on column observation.value_ratio_denominator_value is 'value[x]: denominator.value';
comment on column observation.value_ratio_denominator_unit is 'value[x]: denominator.unit';
comment on column observation.value_sampled_data is 'value[x]';
comment on column observation.value_time is 'value[x]';
comment on column observation.data_absent_reason is 'dataAbsentReason: coding.code, else text';
comment on column observation.interpretation_code is 'interpretation[0]: coding.code';
comment on column observation.interpretation_display is 'interpretation[0]: coding.display, else text';
comment on column observation.body_site_code is 'bodySite: coding.code';
comment on column observation.body_site_display is 'bodySite: coding.display, else text';
comment on column observation.method_code is 'method: coding.code';
comment on column observation.method_display is 'method: coding.display, else text';
comment on column observation.specimen_id is 'specimen: key of the target';
comment on column observation.device_type is 'device: type of the target';
comment on column observation.device_id is 'device: key of the target';
comment on column observation.reference_range_low_value is 'referenceRange[0].low.value';
comment on column observation.reference_range_high_value is 'referenceRange[0].high.value';
comment on column observation.reference_range_text is 'referenceRange[0].text';
comment on column observation.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column observation.last_updated is 'meta.lastUpdated';

create table observation_component (
  observation_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  code_system text,
  code text,
  code_display text,
  code_text text,
  value_type text,
  value_start timestamptz,
  value_start_text text,
  value_end timestamptz,
  value_end_text text,
  value_quantity_value numeric,
  value_quantity_comparator text,
  value_quantity_unit text,
  value_quantity_system text,
  value_quantity_code text,
  value_codeable_concept_system text,
  value_codeable_concept_code text,
  value_codeable_concept_display text,
  value_codeable_concept_text text,
  value_string text,
  value_boolean boolean,
  value_integer integer,
  value_range_low_value numeric,
  value_range_high_value numeric,
  value_range_unit text,
  value_ratio_numerator_value numeric,
  value_ratio_numerator_unit text,
  value_ratio_denominator_value numeric,
  value_ratio_denominator_unit text,
  value_sampled_data jsonb,
  value_time time,
  data_absent_reason text,
  interpretation_code text,
  interpretation_display text,
  reference_range_low_value numeric,
  reference_range_high_value numeric,
  reference_range_text text,
  extension jsonb,
  primary key (observation_id, ordinal)
);
comment on table observation_component is 'the parts of an observation that is made of several values, such as systolic and diastolic blood pressure';
comment on column observation_component.observation_id is 'key of the resource that the row belongs to';
comment on column observation_component.ordinal is 'position, from 1, in document order';
comment on column observation_component.patient_id is 'key of the resource''s patient';
comment on column observation_component.code_system is 'code: coding.system';
comment on column observation_component.code is 'code: coding.code';
comment on column observation_component.code_display is 'code: coding.display';
comment on column observation_component.code_text is 'code: text';
comment on column observation_component.value_type is 'value[x]: which of Quantity, CodeableConcept, string, boolean, integer, Range, Ratio, SampledData, time, dateTime, Period';
comment on column observation_component.value_start is 'value[x]: start';
comment on column observation_component.value_start_text is 'value[x]: start as written';
comment on column observation_component.value_end is 'value[x]: end';
comment on column observation_component.value_end_text is 'value[x]: end as written';
comment on column observation_component.value_quantity_value is 'value[x]: value';
comment on column observation_component.value_quantity_comparator is 'value[x]: comparator';
comment on column observation_component.value_quantity_unit is 'value[x]: unit';
comment on column observation_component.value_quantity_system is 'value[x]: system';
comment on column observation_component.value_quantity_code is 'value[x]: code';
comment on column observation_component.value_codeable_concept_system is 'value[x]: coding.system';
comment on column observation_component.value_codeable_concept_code is 'value[x]: coding.code';
comment on column observation_component.value_codeable_concept_display is 'value[x]: coding.display';
comment on column observation_component.value_codeable_concept_text is 'value[x]: text';
comment on column observation_component.value_string is 'value[x]';
comment on column observation_component.value_boolean is 'value[x]';
comment on column observation_component.value_integer is 'value[x]';
comment on column observation_component.value_range_low_value is 'value[x]: low.value';
comment on column observation_component.value_range_high_value is 'value[x]: high.value';
comment on column observation_component.value_range_unit is 'value[x]: low.unit, else high.unit';
comment on column observation_component.value_ratio_numerator_value is 'value[x]: numerator.value';
comment on column observation_component.value_ratio_numerator_unit is 'value[x]: numerator.unit';
comment on column observation_component.value_ratio_denominator_value is 'value[x]: denominator.value';
comment on column observation_component.value_ratio_denominator_unit is 'value[x]: denominator.unit';
comment on column observation_component.value_sampled_data is 'value[x]';
comment on column observation_component.value_time is 'value[x]';
comment on column observation_component.data_absent_reason is 'dataAbsentReason: coding.code, else text';
comment on column observation_component.interpretation_code is 'interpretation[0]: coding.code';
comment on column observation_component.interpretation_display is 'interpretation[0]: coding.display, else text';
comment on column observation_component.reference_range_low_value is 'referenceRange[0].low.value';
comment on column observation_component.reference_range_high_value is 'referenceRange[0].high.value';
comment on column observation_component.reference_range_text is 'referenceRange[0].text';
comment on column observation_component.extension is 'extensions of this element that no column takes: an array, each with its path';

create table observation_reference_range (
  observation_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  low_value numeric,
  low_unit text,
  low_code text,
  high_value numeric,
  high_unit text,
  high_code text,
  type_code text,
  type_display text,
  applies_to_code text,
  applies_to_display text,
  age_low_value numeric,
  age_high_value numeric,
  age_unit text,
  text text,
  extension jsonb,
  primary key (observation_id, ordinal)
);
comment on table observation_reference_range is 'the ranges of values that an observation''s result is compared with, and for whom each holds';
comment on column observation_reference_range.observation_id is 'key of the resource that the row belongs to';
comment on column observation_reference_range.ordinal is 'position, from 1, in document order';
comment on column observation_reference_range.patient_id is 'key of the resource''s patient';
comment on column observation_reference_range.low_value is 'low: value';
comment on column observation_reference_range.low_unit is 'low: unit';
comment on column observation_reference_range.low_code is 'low: code';
comment on column observation_reference_range.high_value is 'high: value';
comment on column observation_reference_range.high_unit is 'high: unit';
comment on column observation_reference_range.high_code is 'high: code';
comment on column observation_reference_range.type_code is 'type: coding.code';
comment on column observation_reference_range.type_display is 'type: coding.display, else text';
comment on column observation_reference_range.applies_to_code is 'appliesTo[0]: coding.code';
comment on column observation_reference_range.applies_to_display is 'appliesTo[0]: coding.display, else text';
comment on column observation_reference_range.age_low_value is 'age: low.value';
comment on column observation_reference_range.age_high_value is 'age: high.value';
comment on column observation_reference_range.age_unit is 'age: low.unit, else high.unit';
comment on column observation_reference_range.text is 'text';
comment on column observation_reference_range.extension is 'extensions of this element that no column takes: an array, each with its path';

create table diagnostic_report (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  encounter_id bigint,
  status text,
  category_code text,
  category_display text,
  code_system text,
  code text,
  code_display text,
  code_text text,
  subject_type text,
  subject_id bigint,
  subject_reference text,
  encounter_reference text,
  effective_type text,
  effective_start timestamptz,
  effective_start_text text,
  effective_end timestamptz,
  effective_end_text text,
  issued timestamptz,
  issued_text text,
  conclusion text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table diagnostic_report is 'a report of laboratory, imaging or other tests as a whole, with its conclusion';
comment on column diagnostic_report.id is 'key given by the registry, etl.resource';
comment on column diagnostic_report.fhir_id is 'id: the logical id as the source gave it';
comment on column diagnostic_report.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column diagnostic_report.patient_id is 'subject: key of the patient';
comment on column diagnostic_report.encounter_id is 'encounter: key of the encounter';
comment on column diagnostic_report.status is 'status';
comment on column diagnostic_report.category_code is 'category[0]: coding.code';
comment on column diagnostic_report.category_display is 'category[0]: coding.display, else text';
comment on column diagnostic_report.code_system is 'code: coding.system';
comment on column diagnostic_report.code is 'code: coding.code';
comment on column diagnostic_report.code_display is 'code: coding.display';
comment on column diagnostic_report.code_text is 'code: text';
comment on column diagnostic_report.subject_type is 'subject: type of the target';
comment on column diagnostic_report.subject_id is 'subject: key of the target';
comment on column diagnostic_report.subject_reference is 'subject: reference, else identifier, as written; null where the key says it all';
comment on column diagnostic_report.encounter_reference is 'encounter: reference, else identifier, as written; null where the key says it all';
comment on column diagnostic_report.effective_type is 'effective[x]: which of dateTime, Period';
comment on column diagnostic_report.effective_start is 'effective[x]: start';
comment on column diagnostic_report.effective_start_text is 'effective[x]: start as written';
comment on column diagnostic_report.effective_end is 'effective[x]: end';
comment on column diagnostic_report.effective_end_text is 'effective[x]: end as written';
comment on column diagnostic_report.issued is 'issued';
comment on column diagnostic_report.issued_text is 'issued as written';
comment on column diagnostic_report.conclusion is 'conclusion';
comment on column diagnostic_report.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column diagnostic_report.last_updated is 'meta.lastUpdated';

create table diagnostic_report_result (
  diagnostic_report_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  observation_id bigint,
  display text,
  reference text,
  extension jsonb,
  primary key (diagnostic_report_id, ordinal)
);
comment on table diagnostic_report_result is 'the observations that a diagnostic report is made of';
comment on column diagnostic_report_result.diagnostic_report_id is 'key of the resource that the row belongs to';
comment on column diagnostic_report_result.ordinal is 'position, from 1, in document order';
comment on column diagnostic_report_result.patient_id is 'key of the resource''s patient';
comment on column diagnostic_report_result.observation_id is '$this: key of the target';
comment on column diagnostic_report_result.display is '$this: display';
comment on column diagnostic_report_result.reference is '$this: reference, else identifier, as written; null where the key says it all';
comment on column diagnostic_report_result.extension is 'extensions of this element that no column takes: an array, each with its path';

create table diagnostic_report_presented_form (
  diagnostic_report_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  content_type text,
  language text,
  url text,
  size integer,
  hash text,
  title text,
  creation timestamptz,
  creation_text text,
  data_text text,
  extension jsonb,
  primary key (diagnostic_report_id, ordinal)
);
comment on table diagnostic_report_presented_form is 'the whole report as issued, as text where the sender gives text';
comment on column diagnostic_report_presented_form.diagnostic_report_id is 'key of the resource that the row belongs to';
comment on column diagnostic_report_presented_form.ordinal is 'position, from 1, in document order';
comment on column diagnostic_report_presented_form.patient_id is 'key of the resource''s patient';
comment on column diagnostic_report_presented_form.content_type is 'contentType';
comment on column diagnostic_report_presented_form.language is 'language';
comment on column diagnostic_report_presented_form.url is 'url';
comment on column diagnostic_report_presented_form.size is 'size';
comment on column diagnostic_report_presented_form.hash is 'hash';
comment on column diagnostic_report_presented_form.title is 'title';
comment on column diagnostic_report_presented_form.creation is 'creation';
comment on column diagnostic_report_presented_form.creation_text is 'creation as written';
comment on column diagnostic_report_presented_form.data_text is '$this: data, decoded where contentType is text/* (the report itself, decoded where its content type is text)';
comment on column diagnostic_report_presented_form.extension is 'extensions of this element that no column takes: an array, each with its path';

create table specimen (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  accession_identifier_system text,
  accession_identifier_value text,
  status text,
  type_system text,
  type_code text,
  type_display text,
  type_text text,
  subject_type text,
  subject_id bigint,
  subject_reference text,
  received_time timestamptz,
  received_time_text text,
  collector_type text,
  collector_id bigint,
  collector_display text,
  collector_reference text,
  collected_type text,
  collected_start timestamptz,
  collected_start_text text,
  collected_end timestamptz,
  collected_end_text text,
  duration_value numeric,
  duration_unit text,
  duration_code text,
  quantity_value numeric,
  quantity_unit text,
  quantity_code text,
  method_code text,
  method_display text,
  body_site_code text,
  body_site_display text,
  fasting_status_type text,
  fasting_status_codeable_concept_code text,
  fasting_status_codeable_concept_display text,
  fasting_status_duration_value numeric,
  fasting_status_duration_unit text,
  fasting_status_duration_code text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table specimen is 'a sample taken from a patient for tests, with how, when and by whom it was taken';
comment on column specimen.id is 'key given by the registry, etl.resource';
comment on column specimen.fhir_id is 'id: the logical id as the source gave it';
comment on column specimen.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column specimen.patient_id is 'subject: key of the patient';
comment on column specimen.accession_identifier_system is 'accessionIdentifier: system';
comment on column specimen.accession_identifier_value is 'accessionIdentifier: value';
comment on column specimen.status is 'status';
comment on column specimen.type_system is 'type: coding.system';
comment on column specimen.type_code is 'type: coding.code';
comment on column specimen.type_display is 'type: coding.display';
comment on column specimen.type_text is 'type: text';
comment on column specimen.subject_type is 'subject: type of the target';
comment on column specimen.subject_id is 'subject: key of the target';
comment on column specimen.subject_reference is 'subject: reference, else identifier, as written; null where the key says it all';
comment on column specimen.received_time is 'receivedTime';
comment on column specimen.received_time_text is 'receivedTime as written';
comment on column specimen.collector_type is 'collection.collector: type of the target';
comment on column specimen.collector_id is 'collection.collector: key of the target';
comment on column specimen.collector_display is 'collection.collector: display';
comment on column specimen.collector_reference is 'collection.collector: reference, else identifier, as written; null where the key says it all';
comment on column specimen.collected_type is 'collection.collected[x]: which of dateTime, Period';
comment on column specimen.collected_start is 'collection.collected[x]: start';
comment on column specimen.collected_start_text is 'collection.collected[x]: start as written';
comment on column specimen.collected_end is 'collection.collected[x]: end';
comment on column specimen.collected_end_text is 'collection.collected[x]: end as written';
comment on column specimen.duration_value is 'collection.duration: value';
comment on column specimen.duration_unit is 'collection.duration: unit';
comment on column specimen.duration_code is 'collection.duration: code';
comment on column specimen.quantity_value is 'collection.quantity: value';
comment on column specimen.quantity_unit is 'collection.quantity: unit';
comment on column specimen.quantity_code is 'collection.quantity: code';
comment on column specimen.method_code is 'collection.method: coding.code';
comment on column specimen.method_display is 'collection.method: coding.display, else text';
comment on column specimen.body_site_code is 'collection.bodySite: coding.code';
comment on column specimen.body_site_display is 'collection.bodySite: coding.display, else text';
comment on column specimen.fasting_status_type is 'collection.fastingStatus[x]: which of CodeableConcept, Duration';
comment on column specimen.fasting_status_codeable_concept_code is 'collection.fastingStatus[x]: coding.code';
comment on column specimen.fasting_status_codeable_concept_display is 'collection.fastingStatus[x]: coding.display, else text';
comment on column specimen.fasting_status_duration_value is 'collection.fastingStatus[x]: value';
comment on column specimen.fasting_status_duration_unit is 'collection.fastingStatus[x]: unit';
comment on column specimen.fasting_status_duration_code is 'collection.fastingStatus[x]: code';
comment on column specimen.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column specimen.last_updated is 'meta.lastUpdated';

create table specimen_processing (
  specimen_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  description text,
  procedure_system text,
  procedure_code text,
  procedure_display text,
  procedure_text text,
  time_type text,
  time_start timestamptz,
  time_start_text text,
  time_end timestamptz,
  time_end_text text,
  extension jsonb,
  primary key (specimen_id, ordinal)
);
comment on table specimen_processing is 'the steps in which a specimen was treated, and when';
comment on column specimen_processing.specimen_id is 'key of the resource that the row belongs to';
comment on column specimen_processing.ordinal is 'position, from 1, in document order';
comment on column specimen_processing.patient_id is 'key of the resource''s patient';
comment on column specimen_processing.description is 'description';
comment on column specimen_processing.procedure_system is 'procedure: coding.system';
comment on column specimen_processing.procedure_code is 'procedure: coding.code';
comment on column specimen_processing.procedure_display is 'procedure: coding.display';
comment on column specimen_processing.procedure_text is 'procedure: text';
comment on column specimen_processing.time_type is 'time[x]: which of dateTime, Period';
comment on column specimen_processing.time_start is 'time[x]: start';
comment on column specimen_processing.time_start_text is 'time[x]: start as written';
comment on column specimen_processing.time_end is 'time[x]: end';
comment on column specimen_processing.time_end_text is 'time[x]: end as written';
comment on column specimen_processing.extension is 'extensions of this element that no column takes: an array, each with its path';

create table specimen_container (
  specimen_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  description text,
  type_code text,
  type_display text,
  capacity_value numeric,
  capacity_unit text,
  capacity_code text,
  specimen_quantity_value numeric,
  specimen_quantity_unit text,
  specimen_quantity_code text,
  additive_type text,
  additive_code text,
  additive_display text,
  additive_id bigint,
  additive_reference text,
  extension jsonb,
  primary key (specimen_id, ordinal)
);
comment on table specimen_container is 'the tubes, slides and other containers that hold a specimen';
comment on column specimen_container.specimen_id is 'key of the resource that the row belongs to';
comment on column specimen_container.ordinal is 'position, from 1, in document order';
comment on column specimen_container.patient_id is 'key of the resource''s patient';
comment on column specimen_container.description is 'description';
comment on column specimen_container.type_code is 'type: coding.code';
comment on column specimen_container.type_display is 'type: coding.display, else text';
comment on column specimen_container.capacity_value is 'capacity: value';
comment on column specimen_container.capacity_unit is 'capacity: unit';
comment on column specimen_container.capacity_code is 'capacity: code';
comment on column specimen_container.specimen_quantity_value is 'specimenQuantity: value';
comment on column specimen_container.specimen_quantity_unit is 'specimenQuantity: unit';
comment on column specimen_container.specimen_quantity_code is 'specimenQuantity: code';
comment on column specimen_container.additive_type is 'additive[x]: which of CodeableConcept, Reference';
comment on column specimen_container.additive_code is 'additive[x]: coding.code';
comment on column specimen_container.additive_display is 'additive[x]: coding.display, else text; or the reference''s display';
comment on column specimen_container.additive_id is 'additive[x]: key of the target';
comment on column specimen_container.additive_reference is 'additive[x]: reference, else identifier, as written; null where the key says it all';
comment on column specimen_container.extension is 'extensions of this element that no column takes: an array, each with its path';

create table imaging_study (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  encounter_id bigint,
  status text,
  modality_system text,
  modality_code text,
  modality_display text,
  subject_type text,
  subject_id bigint,
  subject_reference text,
  encounter_reference text,
  started timestamptz,
  started_text text,
  referrer_type text,
  referrer_id bigint,
  referrer_display text,
  referrer_reference text,
  number_of_series integer,
  number_of_instances integer,
  procedure_reference_id bigint,
  procedure_reference_display text,
  procedure_reference_reference text,
  procedure_code_system text,
  procedure_code text,
  procedure_code_display text,
  procedure_code_text text,
  location_id bigint,
  location_display text,
  location_reference text,
  description text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table imaging_study is 'one set of images of a patient, such as a CT or an ultrasound, with what was imaged and why';
comment on column imaging_study.id is 'key given by the registry, etl.resource';
comment on column imaging_study.fhir_id is 'id: the logical id as the source gave it';
comment on column imaging_study.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column imaging_study.patient_id is 'subject: key of the patient';
comment on column imaging_study.encounter_id is 'encounter: key of the encounter';
comment on column imaging_study.status is 'status';
comment on column imaging_study.modality_system is 'modality[0]: system';
comment on column imaging_study.modality_code is 'modality[0]: code';
comment on column imaging_study.modality_display is 'modality[0]: display';
comment on column imaging_study.subject_type is 'subject: type of the target';
comment on column imaging_study.subject_id is 'subject: key of the target';
comment on column imaging_study.subject_reference is 'subject: reference, else identifier, as written; null where the key says it all';
comment on column imaging_study.encounter_reference is 'encounter: reference, else identifier, as written; null where the key says it all';
comment on column imaging_study.started is 'started';
comment on column imaging_study.started_text is 'started as written';
comment on column imaging_study.referrer_type is 'referrer: type of the target';
comment on column imaging_study.referrer_id is 'referrer: key of the target';
comment on column imaging_study.referrer_display is 'referrer: display';
comment on column imaging_study.referrer_reference is 'referrer: reference, else identifier, as written; null where the key says it all';
comment on column imaging_study.number_of_series is 'numberOfSeries';
comment on column imaging_study.number_of_instances is 'numberOfInstances';
comment on column imaging_study.procedure_reference_id is 'procedureReference: key of the target';
comment on column imaging_study.procedure_reference_display is 'procedureReference: display';
comment on column imaging_study.procedure_reference_reference is 'procedureReference: reference, else identifier, as written; null where the key says it all';
comment on column imaging_study.procedure_code_system is 'procedureCode[0]: coding.system';
comment on column imaging_study.procedure_code is 'procedureCode[0]: coding.code';
comment on column imaging_study.procedure_code_display is 'procedureCode[0]: coding.display';
comment on column imaging_study.procedure_code_text is 'procedureCode[0]: text';
comment on column imaging_study.location_id is 'location: key of the target';
comment on column imaging_study.location_display is 'location: display';
comment on column imaging_study.location_reference is 'location: reference, else identifier, as written; null where the key says it all';
comment on column imaging_study.description is 'description';
comment on column imaging_study.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column imaging_study.last_updated is 'meta.lastUpdated';

create table imaging_study_series (
  imaging_study_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  uid text,
  number integer,
  modality_system text,
  modality_code text,
  modality_display text,
  description text,
  number_of_instances integer,
  body_site_system text,
  body_site_code text,
  body_site_display text,
  laterality_system text,
  laterality_code text,
  laterality_display text,
  started timestamptz,
  started_text text,
  extension jsonb,
  primary key (imaging_study_id, ordinal)
);
comment on table imaging_study_series is 'the series of an imaging study: images made in one way of one part of the body';
comment on column imaging_study_series.imaging_study_id is 'key of the resource that the row belongs to';
comment on column imaging_study_series.ordinal is 'position, from 1, in document order';
comment on column imaging_study_series.patient_id is 'key of the resource''s patient';
comment on column imaging_study_series.uid is 'uid';
comment on column imaging_study_series.number is 'number';
comment on column imaging_study_series.modality_system is 'modality: system';
comment on column imaging_study_series.modality_code is 'modality: code';
comment on column imaging_study_series.modality_display is 'modality: display';
comment on column imaging_study_series.description is 'description';
comment on column imaging_study_series.number_of_instances is 'numberOfInstances';
comment on column imaging_study_series.body_site_system is 'bodySite: system';
comment on column imaging_study_series.body_site_code is 'bodySite: code';
comment on column imaging_study_series.body_site_display is 'bodySite: display';
comment on column imaging_study_series.laterality_system is 'laterality: system';
comment on column imaging_study_series.laterality_code is 'laterality: code';
comment on column imaging_study_series.laterality_display is 'laterality: display';
comment on column imaging_study_series.started is 'started';
comment on column imaging_study_series.started_text is 'started as written';
comment on column imaging_study_series.extension is 'extensions of this element that no column takes: an array, each with its path';

create table imaging_study_series_instance (
  imaging_study_id bigint not null,
  series_ordinal integer not null,
  ordinal integer not null,
  patient_id bigint,
  uid text,
  sop_class_system text,
  sop_class_code text,
  sop_class_display text,
  number integer,
  title text,
  extension jsonb,
  primary key (imaging_study_id, series_ordinal, ordinal)
);
comment on table imaging_study_series_instance is 'the single images or other objects of a series';
comment on column imaging_study_series_instance.imaging_study_id is 'key of the resource that the row belongs to';
comment on column imaging_study_series_instance.series_ordinal is 'position of the enclosing series, from 1';
comment on column imaging_study_series_instance.ordinal is 'position, from 1, in document order';
comment on column imaging_study_series_instance.patient_id is 'key of the resource''s patient';
comment on column imaging_study_series_instance.uid is 'uid';
comment on column imaging_study_series_instance.sop_class_system is 'sopClass: system';
comment on column imaging_study_series_instance.sop_class_code is 'sopClass: code';
comment on column imaging_study_series_instance.sop_class_display is 'sopClass: display';
comment on column imaging_study_series_instance.number is 'number';
comment on column imaging_study_series_instance.title is 'title';
comment on column imaging_study_series_instance.extension is 'extensions of this element that no column takes: an array, each with its path';

create table document_reference (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  encounter_id bigint,
  master_identifier_system text,
  master_identifier_value text,
  status text,
  doc_status text,
  type_system text,
  type_code text,
  type_display text,
  type_text text,
  category_code text,
  category_display text,
  subject_type text,
  subject_id bigint,
  subject_reference text,
  date timestamptz,
  date_text text,
  authenticator_type text,
  authenticator_id bigint,
  authenticator_display text,
  authenticator_reference text,
  custodian_id bigint,
  custodian_display text,
  custodian_reference text,
  description text,
  encounter_reference text,
  period_start timestamptz,
  period_start_text text,
  period_end timestamptz,
  period_end_text text,
  facility_type_code text,
  facility_type_display text,
  practice_setting_code text,
  practice_setting_display text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table document_reference is 'a note, letter, report or other document about a patient, with its kind, date and who answers for it';
comment on column document_reference.id is 'key given by the registry, etl.resource';
comment on column document_reference.fhir_id is 'id: the logical id as the source gave it';
comment on column document_reference.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column document_reference.patient_id is 'subject: key of the patient';
comment on column document_reference.encounter_id is 'context.encounter[0]: key of the encounter';
comment on column document_reference.master_identifier_system is 'masterIdentifier: system';
comment on column document_reference.master_identifier_value is 'masterIdentifier: value';
comment on column document_reference.status is 'status';
comment on column document_reference.doc_status is 'docStatus';
comment on column document_reference.type_system is 'type: coding.system';
comment on column document_reference.type_code is 'type: coding.code';
comment on column document_reference.type_display is 'type: coding.display';
comment on column document_reference.type_text is 'type: text';
comment on column document_reference.category_code is 'category[0]: coding.code';
comment on column document_reference.category_display is 'category[0]: coding.display, else text';
comment on column document_reference.subject_type is 'subject: type of the target';
comment on column document_reference.subject_id is 'subject: key of the target';
comment on column document_reference.subject_reference is 'subject: reference, else identifier, as written; null where the key says it all';
comment on column document_reference.date is 'date';
comment on column document_reference.date_text is 'date as written';
comment on column document_reference.authenticator_type is 'authenticator: type of the target';
comment on column document_reference.authenticator_id is 'authenticator: key of the target';
comment on column document_reference.authenticator_display is 'authenticator: display';
comment on column document_reference.authenticator_reference is 'authenticator: reference, else identifier, as written; null where the key says it all';
comment on column document_reference.custodian_id is 'custodian: key of the target';
comment on column document_reference.custodian_display is 'custodian: display';
comment on column document_reference.custodian_reference is 'custodian: reference, else identifier, as written; null where the key says it all';
comment on column document_reference.description is 'description';
comment on column document_reference.encounter_reference is 'context.encounter[0]: reference, else identifier, as written; null where the key says it all';
comment on column document_reference.period_start is 'context.period: start';
comment on column document_reference.period_start_text is 'context.period: start as written';
comment on column document_reference.period_end is 'context.period: end';
comment on column document_reference.period_end_text is 'context.period: end as written';
comment on column document_reference.facility_type_code is 'context.facilityType: coding.code';
comment on column document_reference.facility_type_display is 'context.facilityType: coding.display, else text';
comment on column document_reference.practice_setting_code is 'context.practiceSetting: coding.code';
comment on column document_reference.practice_setting_display is 'context.practiceSetting: coding.display, else text';
comment on column document_reference.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column document_reference.last_updated is 'meta.lastUpdated';

create table document_reference_content (
  document_reference_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  content_type text,
  language text,
  url text,
  size integer,
  hash text,
  title text,
  creation timestamptz,
  creation_text text,
  format_system text,
  format_code text,
  format_display text,
  data_text text,
  extension jsonb,
  primary key (document_reference_id, ordinal)
);
comment on table document_reference_content is 'the forms in which a document is given, and its text where that is plain text';
comment on column document_reference_content.document_reference_id is 'key of the resource that the row belongs to';
comment on column document_reference_content.ordinal is 'position, from 1, in document order';
comment on column document_reference_content.patient_id is 'key of the resource''s patient';
comment on column document_reference_content.content_type is 'attachment.contentType';
comment on column document_reference_content.language is 'attachment.language';
comment on column document_reference_content.url is 'attachment.url';
comment on column document_reference_content.size is 'attachment.size';
comment on column document_reference_content.hash is 'attachment.hash';
comment on column document_reference_content.title is 'attachment.title';
comment on column document_reference_content.creation is 'attachment.creation';
comment on column document_reference_content.creation_text is 'attachment.creation as written';
comment on column document_reference_content.format_system is 'format: system';
comment on column document_reference_content.format_code is 'format: code';
comment on column document_reference_content.format_display is 'format: display';
comment on column document_reference_content.data_text is 'attachment: data, decoded where contentType is text/* (the document itself, decoded where its content type is text)';
comment on column document_reference_content.extension is 'extensions of this element that no column takes: an array, each with its path';

create table document_reference_relates_to (
  document_reference_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  code text,
  target_id bigint,
  target_display text,
  target_reference text,
  extension jsonb,
  primary key (document_reference_id, ordinal)
);
comment on table document_reference_relates_to is 'the earlier documents that a document replaces, adds to or signs';
comment on column document_reference_relates_to.document_reference_id is 'key of the resource that the row belongs to';
comment on column document_reference_relates_to.ordinal is 'position, from 1, in document order';
comment on column document_reference_relates_to.patient_id is 'key of the resource''s patient';
comment on column document_reference_relates_to.code is 'code';
comment on column document_reference_relates_to.target_id is 'target: key of the target';
comment on column document_reference_relates_to.target_display is 'target: display';
comment on column document_reference_relates_to.target_reference is 'target: reference, else identifier, as written; null where the key says it all';
comment on column document_reference_relates_to.extension is 'extensions of this element that no column takes: an array, each with its path';

create table procedure (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  encounter_id bigint,
  status text,
  status_reason_code text,
  status_reason_display text,
  category_code text,
  category_display text,
  code_system text,
  code text,
  code_display text,
  code_text text,
  subject_type text,
  subject_id bigint,
  subject_reference text,
  encounter_reference text,
  performed_type text,
  performed_start timestamptz,
  performed_start_text text,
  performed_end timestamptz,
  performed_end_text text,
  performed_string text,
  recorder_type text,
  recorder_id bigint,
  recorder_display text,
  recorder_reference text,
  asserter_type text,
  asserter_id bigint,
  asserter_display text,
  asserter_reference text,
  location_id bigint,
  location_display text,
  location_reference text,
  reason_code_system text,
  reason_code text,
  reason_code_display text,
  reason_code_text text,
  body_site_code text,
  body_site_display text,
  outcome_code text,
  outcome_display text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table procedure is 'something done to or for a patient, from surgery to counselling, with when it was done and why';
comment on column procedure.id is 'key given by the registry, etl.resource';
comment on column procedure.fhir_id is 'id: the logical id as the source gave it';
comment on column procedure.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column procedure.patient_id is 'subject: key of the patient';
comment on column procedure.encounter_id is 'encounter: key of the encounter';
comment on column procedure.status is 'status';
comment on column procedure.status_reason_code is 'statusReason: coding.code';
comment on column procedure.status_reason_display is 'statusReason: coding.display, else text';
comment on column procedure.category_code is 'category: coding.code';
comment on column procedure.category_display is 'category: coding.display, else text';
comment on column procedure.code_system is 'code: coding.system';
comment on column procedure.code is 'code: coding.code';
comment on column procedure.code_display is 'code: coding.display';
comment on column procedure.code_text is 'code: text';
comment on column procedure.subject_type is 'subject: type of the target';
comment on column procedure.subject_id is 'subject: key of the target';
comment on column procedure.subject_reference is 'subject: reference, else identifier, as written; null where the key says it all';
comment on column procedure.encounter_reference is 'encounter: reference, else identifier, as written; null where the key says it all';
comment on column procedure.performed_type is 'performed[x]: which of dateTime, Period, string';
comment on column procedure.performed_start is 'performed[x]: start';
comment on column procedure.performed_start_text is 'performed[x]: start as written';
comment on column procedure.performed_end is 'performed[x]: end';
comment on column procedure.performed_end_text is 'performed[x]: end as written';
comment on column procedure.performed_string is 'performed[x]';
comment on column procedure.recorder_type is 'recorder: type of the target';
comment on column procedure.recorder_id is 'recorder: key of the target';
comment on column procedure.recorder_display is 'recorder: display';
comment on column procedure.recorder_reference is 'recorder: reference, else identifier, as written; null where the key says it all';
comment on column procedure.asserter_type is 'asserter: type of the target';
comment on column procedure.asserter_id is 'asserter: key of the target';
comment on column procedure.asserter_display is 'asserter: display';
comment on column procedure.asserter_reference is 'asserter: reference, else identifier, as written; null where the key says it all';
comment on column procedure.location_id is 'location: key of the target';
comment on column procedure.location_display is 'location: display';
comment on column procedure.location_reference is 'location: reference, else identifier, as written; null where the key says it all';
comment on column procedure.reason_code_system is 'reasonCode[0]: coding.system';
comment on column procedure.reason_code is 'reasonCode[0]: coding.code';
comment on column procedure.reason_code_display is 'reasonCode[0]: coding.display';
comment on column procedure.reason_code_text is 'reasonCode[0]: text';
comment on column procedure.body_site_code is 'bodySite[0]: coding.code';
comment on column procedure.body_site_display is 'bodySite[0]: coding.display, else text';
comment on column procedure.outcome_code is 'outcome: coding.code';
comment on column procedure.outcome_display is 'outcome: coding.display, else text';
comment on column procedure.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column procedure.last_updated is 'meta.lastUpdated';

create table procedure_performer (
  procedure_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  function_code text,
  function_display text,
  actor_type text,
  actor_id bigint,
  actor_display text,
  actor_reference text,
  on_behalf_of_id bigint,
  on_behalf_of_display text,
  on_behalf_of_reference text,
  extension jsonb,
  primary key (procedure_id, ordinal)
);
comment on table procedure_performer is 'the people and devices that carried out a procedure, and for which organization';
comment on column procedure_performer.procedure_id is 'key of the resource that the row belongs to';
comment on column procedure_performer.ordinal is 'position, from 1, in document order';
comment on column procedure_performer.patient_id is 'key of the resource''s patient';
comment on column procedure_performer.function_code is 'function: coding.code';
comment on column procedure_performer.function_display is 'function: coding.display, else text';
comment on column procedure_performer.actor_type is 'actor: type of the target';
comment on column procedure_performer.actor_id is 'actor: key of the target';
comment on column procedure_performer.actor_display is 'actor: display';
comment on column procedure_performer.actor_reference is 'actor: reference, else identifier, as written; null where the key says it all';
comment on column procedure_performer.on_behalf_of_id is 'onBehalfOf: key of the target';
comment on column procedure_performer.on_behalf_of_display is 'onBehalfOf: display';
comment on column procedure_performer.on_behalf_of_reference is 'onBehalfOf: reference, else identifier, as written; null where the key says it all';
comment on column procedure_performer.extension is 'extensions of this element that no column takes: an array, each with its path';

create table service_request (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  encounter_id bigint,
  status text,
  intent text,
  category_code text,
  category_display text,
  priority text,
  do_not_perform boolean,
  code_system text,
  code text,
  code_display text,
  code_text text,
  quantity_type text,
  quantity_quantity_value numeric,
  quantity_quantity_comparator text,
  quantity_quantity_unit text,
  quantity_quantity_system text,
  quantity_quantity_code text,
  quantity_ratio_numerator_value numeric,
  quantity_ratio_numerator_unit text,
  quantity_ratio_denominator_value numeric,
  quantity_ratio_denominator_unit text,
  quantity_range_low_value numeric,
  quantity_range_high_value numeric,
  quantity_range_unit text,
  subject_type text,
  subject_id bigint,
  subject_reference text,
  encounter_reference text,
  occurrence_type text,
  occurrence_start timestamptz,
  occurrence_start_text text,
  occurrence_end timestamptz,
  occurrence_end_text text,
  occurrence_timing jsonb,
  as_needed_type text,
  as_needed_boolean boolean,
  as_needed_codeable_concept_code text,
  as_needed_codeable_concept_display text,
  authored_on timestamptz,
  authored_on_text text,
  requester_type text,
  requester_id bigint,
  requester_display text,
  requester_reference text,
  performer_type_code text,
  performer_type_display text,
  reason_code_system text,
  reason_code text,
  reason_code_display text,
  reason_code_text text,
  requisition_system text,
  requisition_value text,
  patient_instruction text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table service_request is 'an order or plan for a test, a procedure, a referral or another service to a patient';
comment on column service_request.id is 'key given by the registry, etl.resource';
comment on column service_request.fhir_id is 'id: the logical id as the source gave it';
comment on column service_request.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column service_request.patient_id is 'subject: key of the patient';
comment on column service_request.encounter_id is 'encounter: key of the encounter';
comment on column service_request.status is 'status';
comment on column service_request.intent is 'intent';
comment on column service_request.category_code is 'category[0]: coding.code';
comment on column service_request.category_display is 'category[0]: coding.display, else text';
comment on column service_request.priority is 'priority';
comment on column service_request.do_not_perform is 'doNotPerform';
comment on column service_request.code_system is 'code: coding.system';
comment on column service_request.code is 'code: coding.code';
comment on column service_request.code_display is 'code: coding.display';
comment on column service_request.code_text is 'code: text';
comment on column service_request.quantity_type is 'quantity[x]: which of Quantity, Ratio, Range';
comment on column service_request.quantity_quantity_value is 'quantity[x]: value';
comment on column service_request.quantity_quantity_comparator is 'quantity[x]: comparator';
comment on column service_request.quantity_quantity_unit is 'quantity[x]: unit';
comment on column service_request.quantity_quantity_system is 'quantity[x]: system';
comment on column service_request.quantity_quantity_code is 'quantity[x]: code';
comment on column service_request.quantity_ratio_numerator_value is 'quantity[x]: numerator.value';
comment on column service_request.quantity_ratio_numerator_unit is 'quantity[x]: numerator.unit';
comment on column service_request.quantity_ratio_denominator_value is 'quantity[x]: denominator.value';
comment on column service_request.quantity_ratio_denominator_unit is 'quantity[x]: denominator.unit';
comment on column service_request.quantity_range_low_value is 'quantity[x]: low.value';
comment on column service_request.quantity_range_high_value is 'quantity[x]: high.value';
comment on column service_request.quantity_range_unit is 'quantity[x]: low.unit, else high.unit';
comment on column service_request.subject_type is 'subject: type of the target';
comment on column service_request.subject_id is 'subject: key of the target';
comment on column service_request.subject_reference is 'subject: reference, else identifier, as written; null where the key says it all';
comment on column service_request.encounter_reference is 'encounter: reference, else identifier, as written; null where the key says it all';
comment on column service_request.occurrence_type is 'occurrence[x]: which of dateTime, Period, Timing';
comment on column service_request.occurrence_start is 'occurrence[x]: start';
comment on column service_request.occurrence_start_text is 'occurrence[x]: start as written';
comment on column service_request.occurrence_end is 'occurrence[x]: end';
comment on column service_request.occurrence_end_text is 'occurrence[x]: end as written';
comment on column service_request.occurrence_timing is 'occurrence[x]';
comment on column service_request.as_needed_type is 'asNeeded[x]: which of boolean, CodeableConcept';
comment on column service_request.as_needed_boolean is 'asNeeded[x]';
comment on column service_request.as_needed_codeable_concept_code is 'asNeeded[x]: coding.code';
comment on column service_request.as_needed_codeable_concept_display is 'asNeeded[x]: coding.display, else text';
comment on column service_request.authored_on is 'authoredOn';
comment on column service_request.authored_on_text is 'authoredOn as written';
comment on column service_request.requester_type is 'requester: type of the target';
comment on column service_request.requester_id is 'requester: key of the target';
comment on column service_request.requester_display is 'requester: display';
comment on column service_request.requester_reference is 'requester: reference, else identifier, as written; null where the key says it all';
comment on column service_request.performer_type_code is 'performerType: coding.code';
comment on column service_request.performer_type_display is 'performerType: coding.display, else text';
comment on column service_request.reason_code_system is 'reasonCode[0]: coding.system';
comment on column service_request.reason_code is 'reasonCode[0]: coding.code';
comment on column service_request.reason_code_display is 'reasonCode[0]: coding.display';
comment on column service_request.reason_code_text is 'reasonCode[0]: text';
comment on column service_request.requisition_system is 'requisition: system';
comment on column service_request.requisition_value is 'requisition: value';
comment on column service_request.patient_instruction is 'patientInstruction';
comment on column service_request.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column service_request.last_updated is 'meta.lastUpdated';

create table immunization (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  encounter_id bigint,
  status text,
  status_reason_code text,
  status_reason_display text,
  vaccine_code_system text,
  vaccine_code text,
  vaccine_code_display text,
  vaccine_code_text text,
  patient_reference text,
  encounter_reference text,
  occurrence_type text,
  occurrence_date_time timestamptz,
  occurrence_date_time_text text,
  occurrence_string text,
  recorded timestamptz,
  recorded_text text,
  primary_source boolean,
  report_origin_code text,
  report_origin_display text,
  location_id bigint,
  location_display text,
  location_reference text,
  manufacturer_id bigint,
  manufacturer_display text,
  manufacturer_reference text,
  lot_number text,
  expiration_date date,
  expiration_date_text text,
  site_code text,
  site_display text,
  route_code text,
  route_display text,
  dose_quantity_value numeric,
  dose_quantity_unit text,
  dose_quantity_code text,
  reason_code_system text,
  reason_code text,
  reason_code_display text,
  reason_code_text text,
  is_subpotent boolean,
  funding_source_code text,
  funding_source_display text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table immunization is 'a vaccination given to a patient, or the note that it was not given and why';
comment on column immunization.id is 'key given by the registry, etl.resource';
comment on column immunization.fhir_id is 'id: the logical id as the source gave it';
comment on column immunization.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column immunization.patient_id is 'patient: key of the patient';
comment on column immunization.encounter_id is 'encounter: key of the encounter';
comment on column immunization.status is 'status';
comment on column immunization.status_reason_code is 'statusReason: coding.code';
comment on column immunization.status_reason_display is 'statusReason: coding.display, else text';
comment on column immunization.vaccine_code_system is 'vaccineCode: coding.system';
comment on column immunization.vaccine_code is 'vaccineCode: coding.code';
comment on column immunization.vaccine_code_display is 'vaccineCode: coding.display';
comment on column immunization.vaccine_code_text is 'vaccineCode: text';
comment on column immunization.patient_reference is 'patient: reference, else identifier, as written; null where the key says it all';
comment on column immunization.encounter_reference is 'encounter: reference, else identifier, as written; null where the key says it all';
comment on column immunization.occurrence_type is 'occurrence[x]: which of dateTime, string';
comment on column immunization.occurrence_date_time is 'occurrence[x]';
comment on column immunization.occurrence_date_time_text is 'occurrence[x] as written';
comment on column immunization.occurrence_string is 'occurrence[x]';
comment on column immunization.recorded is 'recorded';
comment on column immunization.recorded_text is 'recorded as written';
comment on column immunization.primary_source is 'primarySource';
comment on column immunization.report_origin_code is 'reportOrigin: coding.code';
comment on column immunization.report_origin_display is 'reportOrigin: coding.display, else text';
comment on column immunization.location_id is 'location: key of the target';
comment on column immunization.location_display is 'location: display';
comment on column immunization.location_reference is 'location: reference, else identifier, as written; null where the key says it all';
comment on column immunization.manufacturer_id is 'manufacturer: key of the target';
comment on column immunization.manufacturer_display is 'manufacturer: display';
comment on column immunization.manufacturer_reference is 'manufacturer: reference, else identifier, as written; null where the key says it all';
comment on column immunization.lot_number is 'lotNumber';
comment on column immunization.expiration_date is 'expirationDate';
comment on column immunization.expiration_date_text is 'expirationDate as written';
comment on column immunization.site_code is 'site: coding.code';
comment on column immunization.site_display is 'site: coding.display, else text';
comment on column immunization.route_code is 'route: coding.code';
comment on column immunization.route_display is 'route: coding.display, else text';
comment on column immunization.dose_quantity_value is 'doseQuantity: value';
comment on column immunization.dose_quantity_unit is 'doseQuantity: unit';
comment on column immunization.dose_quantity_code is 'doseQuantity: code';
comment on column immunization.reason_code_system is 'reasonCode[0]: coding.system';
comment on column immunization.reason_code is 'reasonCode[0]: coding.code';
comment on column immunization.reason_code_display is 'reasonCode[0]: coding.display';
comment on column immunization.reason_code_text is 'reasonCode[0]: text';
comment on column immunization.is_subpotent is 'isSubpotent';
comment on column immunization.funding_source_code is 'fundingSource: coding.code';
comment on column immunization.funding_source_display is 'fundingSource: coding.display, else text';
comment on column immunization.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column immunization.last_updated is 'meta.lastUpdated';

create table immunization_performer (
  immunization_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  function_code text,
  function_display text,
  actor_type text,
  actor_id bigint,
  actor_display text,
  actor_reference text,
  extension jsonb,
  primary key (immunization_id, ordinal)
);
comment on table immunization_performer is 'the people and organizations who ordered or gave a vaccination';
comment on column immunization_performer.immunization_id is 'key of the resource that the row belongs to';
comment on column immunization_performer.ordinal is 'position, from 1, in document order';
comment on column immunization_performer.patient_id is 'key of the resource''s patient';
comment on column immunization_performer.function_code is 'function: coding.code';
comment on column immunization_performer.function_display is 'function: coding.display, else text';
comment on column immunization_performer.actor_type is 'actor: type of the target';
comment on column immunization_performer.actor_id is 'actor: key of the target';
comment on column immunization_performer.actor_display is 'actor: display';
comment on column immunization_performer.actor_reference is 'actor: reference, else identifier, as written; null where the key says it all';
comment on column immunization_performer.extension is 'extensions of this element that no column takes: an array, each with its path';

create table immunization_reaction (
  immunization_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  date timestamptz,
  date_text text,
  detail_id bigint,
  detail_display text,
  detail_reference text,
  reported boolean,
  extension jsonb,
  primary key (immunization_id, ordinal)
);
comment on table immunization_reaction is 'the reactions that followed a vaccination';
comment on column immunization_reaction.immunization_id is 'key of the resource that the row belongs to';
comment on column immunization_reaction.ordinal is 'position, from 1, in document order';
comment on column immunization_reaction.patient_id is 'key of the resource''s patient';
comment on column immunization_reaction.date is 'date';
comment on column immunization_reaction.date_text is 'date as written';
comment on column immunization_reaction.detail_id is 'detail: key of the target';
comment on column immunization_reaction.detail_display is 'detail: display';
comment on column immunization_reaction.detail_reference is 'detail: reference, else identifier, as written; null where the key says it all';
comment on column immunization_reaction.reported is 'reported';
comment on column immunization_reaction.extension is 'extensions of this element that no column takes: an array, each with its path';

create table immunization_protocol_applied (
  immunization_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  series text,
  authority_id bigint,
  authority_display text,
  authority_reference text,
  target_disease_code text,
  target_disease_display text,
  dose_number_type text,
  dose_number_positive_int integer,
  dose_number_string text,
  series_doses_type text,
  series_doses_positive_int integer,
  series_doses_string text,
  extension jsonb,
  primary key (immunization_id, ordinal)
);
comment on table immunization_protocol_applied is 'the vaccination schedule that a dose belongs to: disease, dose number and number of doses';
comment on column immunization_protocol_applied.immunization_id is 'key of the resource that the row belongs to';
comment on column immunization_protocol_applied.ordinal is 'position, from 1, in document order';
comment on column immunization_protocol_applied.patient_id is 'key of the resource''s patient';
comment on column immunization_protocol_applied.series is 'series';
comment on column immunization_protocol_applied.authority_id is 'authority: key of the target';
comment on column immunization_protocol_applied.authority_display is 'authority: display';
comment on column immunization_protocol_applied.authority_reference is 'authority: reference, else identifier, as written; null where the key says it all';
comment on column immunization_protocol_applied.target_disease_code is 'targetDisease[0]: coding.code';
comment on column immunization_protocol_applied.target_disease_display is 'targetDisease[0]: coding.display, else text';
comment on column immunization_protocol_applied.dose_number_type is 'doseNumber[x]: which of positiveInt, string';
comment on column immunization_protocol_applied.dose_number_positive_int is 'doseNumber[x]';
comment on column immunization_protocol_applied.dose_number_string is 'doseNumber[x]';
comment on column immunization_protocol_applied.series_doses_type is 'seriesDoses[x]: which of positiveInt, string';
comment on column immunization_protocol_applied.series_doses_positive_int is 'seriesDoses[x]';
comment on column immunization_protocol_applied.series_doses_string is 'seriesDoses[x]';
comment on column immunization_protocol_applied.extension is 'extensions of this element that no column takes: an array, each with its path';

create table device (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  definition_id bigint,
  definition_display text,
  definition_reference text,
  status text,
  distinct_identifier text,
  manufacturer text,
  manufacture_date timestamptz,
  manufacture_date_text text,
  expiration_date timestamptz,
  expiration_date_text text,
  lot_number text,
  serial_number text,
  model_number text,
  part_number text,
  type_system text,
  type_code text,
  type_display text,
  type_text text,
  patient_reference text,
  owner_id bigint,
  owner_display text,
  owner_reference text,
  location_id bigint,
  location_display text,
  location_reference text,
  url text,
  udi_device_identifier text,
  udi_issuer text,
  udi_jurisdiction text,
  udi_carrier_hrf text,
  device_name text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table device is 'a medical device, such as an implant or a monitor, with its maker, numbers and the patient it belongs to';
comment on column device.id is 'key given by the registry, etl.resource';
comment on column device.fhir_id is 'id: the logical id as the source gave it';
comment on column device.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column device.patient_id is 'patient: key of the patient';
comment on column device.definition_id is 'definition: key of the target';
comment on column device.definition_display is 'definition: display';
comment on column device.definition_reference is 'definition: reference, else identifier, as written; null where the key says it all';
comment on column device.status is 'status';
comment on column device.distinct_identifier is 'distinctIdentifier';
comment on column device.manufacturer is 'manufacturer';
comment on column device.manufacture_date is 'manufactureDate';
comment on column device.manufacture_date_text is 'manufactureDate as written';
comment on column device.expiration_date is 'expirationDate';
comment on column device.expiration_date_text is 'expirationDate as written';
comment on column device.lot_number is 'lotNumber';
comment on column device.serial_number is 'serialNumber';
comment on column device.model_number is 'modelNumber';
comment on column device.part_number is 'partNumber';
comment on column device.type_system is 'type: coding.system';
comment on column device.type_code is 'type: coding.code';
comment on column device.type_display is 'type: coding.display';
comment on column device.type_text is 'type: text';
comment on column device.patient_reference is 'patient: reference, else identifier, as written; null where the key says it all';
comment on column device.owner_id is 'owner: key of the target';
comment on column device.owner_display is 'owner: display';
comment on column device.owner_reference is 'owner: reference, else identifier, as written; null where the key says it all';
comment on column device.location_id is 'location: key of the target';
comment on column device.location_display is 'location: display';
comment on column device.location_reference is 'location: reference, else identifier, as written; null where the key says it all';
comment on column device.url is 'url';
comment on column device.udi_device_identifier is 'udiCarrier[0].deviceIdentifier';
comment on column device.udi_issuer is 'udiCarrier[0].issuer';
comment on column device.udi_jurisdiction is 'udiCarrier[0].jurisdiction';
comment on column device.udi_carrier_hrf is 'udiCarrier[0].carrierHRF';
comment on column device.device_name is 'deviceName[0].name';
comment on column device.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column device.last_updated is 'meta.lastUpdated';

create table supply_delivery (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  status text,
  patient_reference text,
  type_system text,
  type_code text,
  type_display text,
  type_text text,
  supplied_item_quantity_value numeric,
  supplied_item_quantity_unit text,
  supplied_item_quantity_code text,
  supplied_item_item_system text,
  supplied_item_item_code text,
  supplied_item_item_display text,
  supplied_item_item_text text,
  supplied_item_item_type text,
  supplied_item_item_id bigint,
  supplied_item_item_reference text,
  occurrence_type text,
  occurrence_start timestamptz,
  occurrence_start_text text,
  occurrence_end timestamptz,
  occurrence_end_text text,
  occurrence_timing jsonb,
  supplier_type text,
  supplier_id bigint,
  supplier_display text,
  supplier_reference text,
  destination_id bigint,
  destination_display text,
  destination_reference text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table supply_delivery is 'goods handed over for a patient, what and how much';
comment on column supply_delivery.id is 'key given by the registry, etl.resource';
comment on column supply_delivery.fhir_id is 'id: the logical id as the source gave it';
comment on column supply_delivery.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column supply_delivery.patient_id is 'patient: key of the patient';
comment on column supply_delivery.status is 'status';
comment on column supply_delivery.patient_reference is 'patient: reference, else identifier, as written; null where the key says it all';
comment on column supply_delivery.type_system is 'type: coding.system';
comment on column supply_delivery.type_code is 'type: coding.code';
comment on column supply_delivery.type_display is 'type: coding.display';
comment on column supply_delivery.type_text is 'type: text';
comment on column supply_delivery.supplied_item_quantity_value is 'suppliedItem.quantity: value';
comment on column supply_delivery.supplied_item_quantity_unit is 'suppliedItem.quantity: unit';
comment on column supply_delivery.supplied_item_quantity_code is 'suppliedItem.quantity: code';
comment on column supply_delivery.supplied_item_item_system is 'suppliedItem.item[x]: coding.system';
comment on column supply_delivery.supplied_item_item_code is 'suppliedItem.item[x]: coding.code';
comment on column supply_delivery.supplied_item_item_display is 'suppliedItem.item[x]: coding.display';
comment on column supply_delivery.supplied_item_item_text is 'suppliedItem.item[x]: text';
comment on column supply_delivery.supplied_item_item_type is 'suppliedItem.item[x]: type of the target';
comment on column supply_delivery.supplied_item_item_id is 'suppliedItem.item[x]: key of the target';
comment on column supply_delivery.supplied_item_item_reference is 'suppliedItem.item[x]: reference, else identifier, as written; null where the key says it all';
comment on column supply_delivery.occurrence_type is 'occurrence[x]: which of dateTime, Period, Timing';
comment on column supply_delivery.occurrence_start is 'occurrence[x]: start';
comment on column supply_delivery.occurrence_start_text is 'occurrence[x]: start as written';
comment on column supply_delivery.occurrence_end is 'occurrence[x]: end';
comment on column supply_delivery.occurrence_end_text is 'occurrence[x]: end as written';
comment on column supply_delivery.occurrence_timing is 'occurrence[x]';
comment on column supply_delivery.supplier_type is 'supplier: type of the target';
comment on column supply_delivery.supplier_id is 'supplier: key of the target';
comment on column supply_delivery.supplier_display is 'supplier: display';
comment on column supply_delivery.supplier_reference is 'supplier: reference, else identifier, as written; null where the key says it all';
comment on column supply_delivery.destination_id is 'destination: key of the target';
comment on column supply_delivery.destination_display is 'destination: display';
comment on column supply_delivery.destination_reference is 'destination: reference, else identifier, as written; null where the key says it all';
comment on column supply_delivery.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column supply_delivery.last_updated is 'meta.lastUpdated';

create table care_plan (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  encounter_id bigint,
  status text,
  intent text,
  category_code text,
  category_display text,
  title text,
  description text,
  subject_type text,
  subject_id bigint,
  subject_reference text,
  encounter_reference text,
  period_start timestamptz,
  period_start_text text,
  period_end timestamptz,
  period_end_text text,
  created timestamptz,
  created_text text,
  author_type text,
  author_id bigint,
  author_display text,
  author_reference text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table care_plan is 'the plan of how the care of a patient is to go for a time, with its aims and reasons in the generic tables';
comment on column care_plan.id is 'key given by the registry, etl.resource';
comment on column care_plan.fhir_id is 'id: the logical id as the source gave it';
comment on column care_plan.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column care_plan.patient_id is 'subject: key of the patient';
comment on column care_plan.encounter_id is 'encounter: key of the encounter';
comment on column care_plan.status is 'status';
comment on column care_plan.intent is 'intent';
comment on column care_plan.category_code is 'category[0]: coding.code';
comment on column care_plan.category_display is 'category[0]: coding.display, else text';
comment on column care_plan.title is 'title';
comment on column care_plan.description is 'description';
comment on column care_plan.subject_type is 'subject: type of the target';
comment on column care_plan.subject_id is 'subject: key of the target';
comment on column care_plan.subject_reference is 'subject: reference, else identifier, as written; null where the key says it all';
comment on column care_plan.encounter_reference is 'encounter: reference, else identifier, as written; null where the key says it all';
comment on column care_plan.period_start is 'period: start';
comment on column care_plan.period_start_text is 'period: start as written';
comment on column care_plan.period_end is 'period: end';
comment on column care_plan.period_end_text is 'period: end as written';
comment on column care_plan.created is 'created';
comment on column care_plan.created_text is 'created as written';
comment on column care_plan.author_type is 'author: type of the target';
comment on column care_plan.author_id is 'author: key of the target';
comment on column care_plan.author_display is 'author: display';
comment on column care_plan.author_reference is 'author: reference, else identifier, as written; null where the key says it all';
comment on column care_plan.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column care_plan.last_updated is 'meta.lastUpdated';

create table care_plan_activity (
  care_plan_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  reference_type text,
  reference_id bigint,
  reference_display text,
  reference_reference text,
  outcome_codeable_concept_code text,
  outcome_codeable_concept_display text,
  detail_kind text,
  detail_code_system text,
  detail_code text,
  detail_code_display text,
  detail_code_text text,
  detail_reason_code_system text,
  detail_reason_code text,
  detail_reason_code_display text,
  detail_reason_code_text text,
  detail_status text,
  detail_status_reason_code text,
  detail_status_reason_display text,
  detail_do_not_perform boolean,
  detail_scheduled_type text,
  detail_scheduled_timing jsonb,
  detail_scheduled_period_start timestamptz,
  detail_scheduled_period_start_text text,
  detail_scheduled_period_end timestamptz,
  detail_scheduled_period_end_text text,
  detail_scheduled_string text,
  detail_location_id bigint,
  detail_location_display text,
  detail_location_reference text,
  detail_product_code text,
  detail_product_display text,
  detail_product_type text,
  detail_product_id bigint,
  detail_product_reference text,
  detail_daily_amount_value numeric,
  detail_daily_amount_unit text,
  detail_daily_amount_code text,
  detail_quantity_value numeric,
  detail_quantity_unit text,
  detail_quantity_code text,
  detail_description text,
  extension jsonb,
  primary key (care_plan_id, ordinal)
);
comment on table care_plan_activity is 'the single activities of a care plan, planned or done';
comment on column care_plan_activity.care_plan_id is 'key of the resource that the row belongs to';
comment on column care_plan_activity.ordinal is 'position, from 1, in document order';
comment on column care_plan_activity.patient_id is 'key of the resource''s patient';
comment on column care_plan_activity.reference_type is 'reference: type of the target';
comment on column care_plan_activity.reference_id is 'reference: key of the target';
comment on column care_plan_activity.reference_display is 'reference: display';
comment on column care_plan_activity.reference_reference is 'reference: reference, else identifier, as written; null where the key says it all';
comment on column care_plan_activity.outcome_codeable_concept_code is 'outcomeCodeableConcept[0]: coding.code';
comment on column care_plan_activity.outcome_codeable_concept_display is 'outcomeCodeableConcept[0]: coding.display, else text';
comment on column care_plan_activity.detail_kind is 'detail.kind';
comment on column care_plan_activity.detail_code_system is 'detail.code: coding.system';
comment on column care_plan_activity.detail_code is 'detail.code: coding.code';
comment on column care_plan_activity.detail_code_display is 'detail.code: coding.display';
comment on column care_plan_activity.detail_code_text is 'detail.code: text';
comment on column care_plan_activity.detail_reason_code_system is 'detail.reasonCode[0]: coding.system';
comment on column care_plan_activity.detail_reason_code is 'detail.reasonCode[0]: coding.code';
comment on column care_plan_activity.detail_reason_code_display is 'detail.reasonCode[0]: coding.display';
comment on column care_plan_activity.detail_reason_code_text is 'detail.reasonCode[0]: text';
comment on column care_plan_activity.detail_status is 'detail.status';
comment on column care_plan_activity.detail_status_reason_code is 'detail.statusReason: coding.code';
comment on column care_plan_activity.detail_status_reason_display is 'detail.statusReason: coding.display, else text';
comment on column care_plan_activity.detail_do_not_perform is 'detail.doNotPerform';
comment on column care_plan_activity.detail_scheduled_type is 'detail.scheduled[x]: which of Timing, Period, string';
comment on column care_plan_activity.detail_scheduled_timing is 'detail.scheduled[x]';
comment on column care_plan_activity.detail_scheduled_period_start is 'detail.scheduled[x]: start';
comment on column care_plan_activity.detail_scheduled_period_start_text is 'detail.scheduled[x]: start as written';
comment on column care_plan_activity.detail_scheduled_period_end is 'detail.scheduled[x]: end';
comment on column care_plan_activity.detail_scheduled_period_end_text is 'detail.scheduled[x]: end as written';
comment on column care_plan_activity.detail_scheduled_string is 'detail.scheduled[x]';
comment on column care_plan_activity.detail_location_id is 'detail.location: key of the target';
comment on column care_plan_activity.detail_location_display is 'detail.location: display';
comment on column care_plan_activity.detail_location_reference is 'detail.location: reference, else identifier, as written; null where the key says it all';
comment on column care_plan_activity.detail_product_code is 'detail.product[x]: coding.code';
comment on column care_plan_activity.detail_product_display is 'detail.product[x]: coding.display, else text; or the reference''s display';
comment on column care_plan_activity.detail_product_type is 'detail.product[x]: type of the target';
comment on column care_plan_activity.detail_product_id is 'detail.product[x]: key of the target';
comment on column care_plan_activity.detail_product_reference is 'detail.product[x]: reference, else identifier, as written; null where the key says it all';
comment on column care_plan_activity.detail_daily_amount_value is 'detail.dailyAmount: value';
comment on column care_plan_activity.detail_daily_amount_unit is 'detail.dailyAmount: unit';
comment on column care_plan_activity.detail_daily_amount_code is 'detail.dailyAmount: code';
comment on column care_plan_activity.detail_quantity_value is 'detail.quantity: value';
comment on column care_plan_activity.detail_quantity_unit is 'detail.quantity: unit';
comment on column care_plan_activity.detail_quantity_code is 'detail.quantity: code';
comment on column care_plan_activity.detail_description is 'detail.description';
comment on column care_plan_activity.extension is 'extensions of this element that no column takes: an array, each with its path';

create table care_team (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  encounter_id bigint,
  status text,
  category_code text,
  category_display text,
  name text,
  subject_type text,
  subject_id bigint,
  subject_reference text,
  encounter_reference text,
  period_start timestamptz,
  period_start_text text,
  period_end timestamptz,
  period_end_text text,
  managing_organization_id bigint,
  managing_organization_display text,
  managing_organization_reference text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table care_team is 'the people and organizations who look after a patient together';
comment on column care_team.id is 'key given by the registry, etl.resource';
comment on column care_team.fhir_id is 'id: the logical id as the source gave it';
comment on column care_team.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column care_team.patient_id is 'subject: key of the patient';
comment on column care_team.encounter_id is 'encounter: key of the encounter';
comment on column care_team.status is 'status';
comment on column care_team.category_code is 'category[0]: coding.code';
comment on column care_team.category_display is 'category[0]: coding.display, else text';
comment on column care_team.name is 'name';
comment on column care_team.subject_type is 'subject: type of the target';
comment on column care_team.subject_id is 'subject: key of the target';
comment on column care_team.subject_reference is 'subject: reference, else identifier, as written; null where the key says it all';
comment on column care_team.encounter_reference is 'encounter: reference, else identifier, as written; null where the key says it all';
comment on column care_team.period_start is 'period: start';
comment on column care_team.period_start_text is 'period: start as written';
comment on column care_team.period_end is 'period: end';
comment on column care_team.period_end_text is 'period: end as written';
comment on column care_team.managing_organization_id is 'managingOrganization[0]: key of the target';
comment on column care_team.managing_organization_display is 'managingOrganization[0]: display';
comment on column care_team.managing_organization_reference is 'managingOrganization[0]: reference, else identifier, as written; null where the key says it all';
comment on column care_team.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column care_team.last_updated is 'meta.lastUpdated';

create table care_team_participant (
  care_team_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  role_code text,
  role_display text,
  member_type text,
  member_id bigint,
  member_display text,
  member_reference text,
  on_behalf_of_id bigint,
  on_behalf_of_display text,
  on_behalf_of_reference text,
  period_start timestamptz,
  period_start_text text,
  period_end timestamptz,
  period_end_text text,
  extension jsonb,
  primary key (care_team_id, ordinal)
);
comment on table care_team_participant is 'the members of a care team, their roles and times';
comment on column care_team_participant.care_team_id is 'key of the resource that the row belongs to';
comment on column care_team_participant.ordinal is 'position, from 1, in document order';
comment on column care_team_participant.patient_id is 'key of the resource''s patient';
comment on column care_team_participant.role_code is 'role[0]: coding.code';
comment on column care_team_participant.role_display is 'role[0]: coding.display, else text';
comment on column care_team_participant.member_type is 'member: type of the target';
comment on column care_team_participant.member_id is 'member: key of the target';
comment on column care_team_participant.member_display is 'member: display';
comment on column care_team_participant.member_reference is 'member: reference, else identifier, as written; null where the key says it all';
comment on column care_team_participant.on_behalf_of_id is 'onBehalfOf: key of the target';
comment on column care_team_participant.on_behalf_of_display is 'onBehalfOf: display';
comment on column care_team_participant.on_behalf_of_reference is 'onBehalfOf: reference, else identifier, as written; null where the key says it all';
comment on column care_team_participant.period_start is 'period: start';
comment on column care_team_participant.period_start_text is 'period: start as written';
comment on column care_team_participant.period_end is 'period: end';
comment on column care_team_participant.period_end_text is 'period: end as written';
comment on column care_team_participant.extension is 'extensions of this element that no column takes: an array, each with its path';

create table goal (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  lifecycle_status text,
  achievement_status text,
  category_code text,
  category_display text,
  priority_code text,
  priority_display text,
  description_code text,
  description_display text,
  subject_type text,
  subject_id bigint,
  subject_reference text,
  start_type text,
  start_date date,
  start_date_text text,
  start_codeable_concept_code text,
  start_codeable_concept_display text,
  status_date date,
  status_date_text text,
  status_reason text,
  expressed_by_type text,
  expressed_by_id bigint,
  expressed_by_display text,
  expressed_by_reference text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table goal is 'an aim agreed on for a patient''s health, with how far it has been reached';
comment on column goal.id is 'key given by the registry, etl.resource';
comment on column goal.fhir_id is 'id: the logical id as the source gave it';
comment on column goal.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column goal.patient_id is 'subject: key of the patient';
comment on column goal.lifecycle_status is 'lifecycleStatus';
comment on column goal.achievement_status is 'achievementStatus: coding.code, else text';
comment on column goal.category_code is 'category[0]: coding.code';
comment on column goal.category_display is 'category[0]: coding.display, else text';
comment on column goal.priority_code is 'priority: coding.code';
comment on column goal.priority_display is 'priority: coding.display, else text';
comment on column goal.description_code is 'description: coding.code';
comment on column goal.description_display is 'description: coding.display, else text';
comment on column goal.subject_type is 'subject: type of the target';
comment on column goal.subject_id is 'subject: key of the target';
comment on column goal.subject_reference is 'subject: reference, else identifier, as written; null where the key says it all';
comment on column goal.start_type is 'start[x]: which of date, CodeableConcept';
comment on column goal.start_date is 'start[x]';
comment on column goal.start_date_text is 'start[x] as written';
comment on column goal.start_codeable_concept_code is 'start[x]: coding.code';
comment on column goal.start_codeable_concept_display is 'start[x]: coding.display, else text';
comment on column goal.status_date is 'statusDate';
comment on column goal.status_date_text is 'statusDate as written';
comment on column goal.status_reason is 'statusReason';
comment on column goal.expressed_by_type is 'expressedBy: type of the target';
comment on column goal.expressed_by_id is 'expressedBy: key of the target';
comment on column goal.expressed_by_display is 'expressedBy: display';
comment on column goal.expressed_by_reference is 'expressedBy: reference, else identifier, as written; null where the key says it all';
comment on column goal.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column goal.last_updated is 'meta.lastUpdated';

create table goal_target (
  goal_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  measure_code text,
  measure_display text,
  detail_type text,
  detail_quantity_value numeric,
  detail_quantity_comparator text,
  detail_quantity_unit text,
  detail_quantity_system text,
  detail_quantity_code text,
  detail_range_low_value numeric,
  detail_range_high_value numeric,
  detail_range_unit text,
  detail_codeable_concept_code text,
  detail_codeable_concept_display text,
  detail_string text,
  detail_boolean boolean,
  detail_integer integer,
  detail_ratio_numerator_value numeric,
  detail_ratio_numerator_unit text,
  detail_ratio_denominator_value numeric,
  detail_ratio_denominator_unit text,
  due_type text,
  due_date date,
  due_date_text text,
  due_duration_value numeric,
  due_duration_unit text,
  due_duration_code text,
  extension jsonb,
  primary key (goal_id, ordinal)
);
comment on table goal_target is 'the measures by which a goal counts as reached, and by when';
comment on column goal_target.goal_id is 'key of the resource that the row belongs to';
comment on column goal_target.ordinal is 'position, from 1, in document order';
comment on column goal_target.patient_id is 'key of the resource''s patient';
comment on column goal_target.measure_code is 'measure: coding.code';
comment on column goal_target.measure_display is 'measure: coding.display, else text';
comment on column goal_target.detail_type is 'detail[x]: which of Quantity, Range, CodeableConcept, string, boolean, integer, Ratio';
comment on column goal_target.detail_quantity_value is 'detail[x]: value';
comment on column goal_target.detail_quantity_comparator is 'detail[x]: comparator';
comment on column goal_target.detail_quantity_unit is 'detail[x]: unit';
comment on column goal_target.detail_quantity_system is 'detail[x]: system';
comment on column goal_target.detail_quantity_code is 'detail[x]: code';
comment on column goal_target.detail_range_low_value is 'detail[x]: low.value';
comment on column goal_target.detail_range_high_value is 'detail[x]: high.value';
comment on column goal_target.detail_range_unit is 'detail[x]: low.unit, else high.unit';
comment on column goal_target.detail_codeable_concept_code is 'detail[x]: coding.code';
comment on column goal_target.detail_codeable_concept_display is 'detail[x]: coding.display, else text';
comment on column goal_target.detail_string is 'detail[x]';
comment on column goal_target.detail_boolean is 'detail[x]';
comment on column goal_target.detail_integer is 'detail[x]';
comment on column goal_target.detail_ratio_numerator_value is 'detail[x]: numerator.value';
comment on column goal_target.detail_ratio_numerator_unit is 'detail[x]: numerator.unit';
comment on column goal_target.detail_ratio_denominator_value is 'detail[x]: denominator.value';
comment on column goal_target.detail_ratio_denominator_unit is 'detail[x]: denominator.unit';
comment on column goal_target.due_type is 'due[x]: which of date, Duration';
comment on column goal_target.due_date is 'due[x]';
comment on column goal_target.due_date_text is 'due[x] as written';
comment on column goal_target.due_duration_value is 'due[x]: value';
comment on column goal_target.due_duration_unit is 'due[x]: unit';
comment on column goal_target.due_duration_code is 'due[x]: code';
comment on column goal_target.extension is 'extensions of this element that no column takes: an array, each with its path';

create table medication (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  code_system text,
  code text,
  code_display text,
  code_text text,
  status text,
  manufacturer_id bigint,
  manufacturer_display text,
  manufacturer_reference text,
  form_code text,
  form_display text,
  amount_numerator_value numeric,
  amount_numerator_unit text,
  amount_denominator_value numeric,
  amount_denominator_unit text,
  lot_number text,
  expiration_date timestamptz,
  expiration_date_text text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table medication is 'a drug or product with its form, ingredients and batch, as prescriptions refer to it';
comment on column medication.id is 'key given by the registry, etl.resource';
comment on column medication.fhir_id is 'id: the logical id as the source gave it';
comment on column medication.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column medication.code_system is 'code: coding.system';
comment on column medication.code is 'code: coding.code';
comment on column medication.code_display is 'code: coding.display';
comment on column medication.code_text is 'code: text';
comment on column medication.status is 'status';
comment on column medication.manufacturer_id is 'manufacturer: key of the target';
comment on column medication.manufacturer_display is 'manufacturer: display';
comment on column medication.manufacturer_reference is 'manufacturer: reference, else identifier, as written; null where the key says it all';
comment on column medication.form_code is 'form: coding.code';
comment on column medication.form_display is 'form: coding.display, else text';
comment on column medication.amount_numerator_value is 'amount: numerator.value';
comment on column medication.amount_numerator_unit is 'amount: numerator.unit';
comment on column medication.amount_denominator_value is 'amount: denominator.value';
comment on column medication.amount_denominator_unit is 'amount: denominator.unit';
comment on column medication.lot_number is 'batch.lotNumber';
comment on column medication.expiration_date is 'batch.expirationDate';
comment on column medication.expiration_date_text is 'batch.expirationDate as written';
comment on column medication.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column medication.last_updated is 'meta.lastUpdated';

create table medication_ingredient (
  medication_id bigint not null,
  ordinal integer not null,
  item_system text,
  item_code text,
  item_display text,
  item_text text,
  item_type text,
  item_id bigint,
  item_reference text,
  is_active boolean,
  strength_numerator_value numeric,
  strength_numerator_unit text,
  strength_denominator_value numeric,
  strength_denominator_unit text,
  extension jsonb,
  primary key (medication_id, ordinal)
);
comment on table medication_ingredient is 'the ingredients of a medication and their strengths';
comment on column medication_ingredient.medication_id is 'key of the resource that the row belongs to';
comment on column medication_ingredient.ordinal is 'position, from 1, in document order';
comment on column medication_ingredient.item_system is 'item[x]: coding.system';
comment on column medication_ingredient.item_code is 'item[x]: coding.code';
comment on column medication_ingredient.item_display is 'item[x]: coding.display';
comment on column medication_ingredient.item_text is 'item[x]: text';
comment on column medication_ingredient.item_type is 'item[x]: type of the target';
comment on column medication_ingredient.item_id is 'item[x]: key of the target';
comment on column medication_ingredient.item_reference is 'item[x]: reference, else identifier, as written; null where the key says it all';
comment on column medication_ingredient.is_active is 'isActive';
comment on column medication_ingredient.strength_numerator_value is 'strength: numerator.value';
comment on column medication_ingredient.strength_numerator_unit is 'strength: numerator.unit';
comment on column medication_ingredient.strength_denominator_value is 'strength: denominator.value';
comment on column medication_ingredient.strength_denominator_unit is 'strength: denominator.unit';
comment on column medication_ingredient.extension is 'extensions of this element that no column takes: an array, each with its path';

create table medication_request (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  encounter_id bigint,
  status text,
  status_reason_code text,
  status_reason_display text,
  intent text,
  category_code text,
  category_display text,
  priority text,
  do_not_perform boolean,
  reported boolean,
  medication_type text,
  medication_system text,
  medication_code text,
  medication_display text,
  medication_text text,
  medication_id bigint,
  medication_reference text,
  subject_type text,
  subject_id bigint,
  subject_reference text,
  encounter_reference text,
  authored_on timestamptz,
  authored_on_text text,
  requester_type text,
  requester_id bigint,
  requester_display text,
  requester_reference text,
  performer_type text,
  performer_id bigint,
  performer_display text,
  performer_reference text,
  recorder_type text,
  recorder_id bigint,
  reason_code_system text,
  reason_code text,
  reason_code_display text,
  reason_code_text text,
  course_of_therapy_type_code text,
  course_of_therapy_type_display text,
  dispense_validity_period_start timestamptz,
  dispense_validity_period_start_text text,
  dispense_validity_period_end timestamptz,
  dispense_validity_period_end_text text,
  dispense_number_of_repeats_allowed integer,
  dispense_quantity_value numeric,
  dispense_quantity_unit text,
  dispense_quantity_code text,
  dispense_expected_supply_duration_value numeric,
  dispense_expected_supply_duration_unit text,
  dispense_expected_supply_duration_code text,
  dispense_performer_id bigint,
  substitution_allowed_type text,
  substitution_allowed_boolean boolean,
  substitution_allowed_codeable_concept_code text,
  substitution_allowed_codeable_concept_display text,
  prior_prescription_id bigint,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table medication_request is 'a prescription or other order of a drug for a patient, with how much may be dispensed';
comment on column medication_request.id is 'key given by the registry, etl.resource';
comment on column medication_request.fhir_id is 'id: the logical id as the source gave it';
comment on column medication_request.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column medication_request.patient_id is 'subject: key of the patient';
comment on column medication_request.encounter_id is 'encounter: key of the encounter';
comment on column medication_request.status is 'status';
comment on column medication_request.status_reason_code is 'statusReason: coding.code';
comment on column medication_request.status_reason_display is 'statusReason: coding.display, else text';
comment on column medication_request.intent is 'intent';
comment on column medication_request.category_code is 'category[0]: coding.code';
comment on column medication_request.category_display is 'category[0]: coding.display, else text';
comment on column medication_request.priority is 'priority';
comment on column medication_request.do_not_perform is 'doNotPerform';
comment on column medication_request.reported is 'reported[x]';
comment on column medication_request.medication_type is 'medication[x]: which of CodeableConcept, Reference';
comment on column medication_request.medication_system is 'medication[x]: coding.system';
comment on column medication_request.medication_code is 'medication[x]: coding.code';
comment on column medication_request.medication_display is 'medication[x]: coding.display';
comment on column medication_request.medication_text is 'medication[x]: text';
comment on column medication_request.medication_id is 'medication[x]: key of the target';
comment on column medication_request.medication_reference is 'medication[x]: reference, else identifier, as written; null where the key says it all';
comment on column medication_request.subject_type is 'subject: type of the target';
comment on column medication_request.subject_id is 'subject: key of the target';
comment on column medication_request.subject_reference is 'subject: reference, else identifier, as written; null where the key says it all';
comment on column medication_request.encounter_reference is 'encounter: reference, else identifier, as written; null where the key says it all';
comment on column medication_request.authored_on is 'authoredOn';
comment on column medication_request.authored_on_text is 'authoredOn as written';
comment on column medication_request.requester_type is 'requester: type of the target';
comment on column medication_request.requester_id is 'requester: key of the target';
comment on column medication_request.requester_display is 'requester: display';
comment on column medication_request.requester_reference is 'requester: reference, else identifier, as written; null where the key says it all';
comment on column medication_request.performer_type is 'performer: type of the target';
comment on column medication_request.performer_id is 'performer: key of the target';
comment on column medication_request.performer_display is 'performer: display';
comment on column medication_request.performer_reference is 'performer: reference, else identifier, as written; null where the key says it all';
comment on column medication_request.recorder_type is 'recorder: type of the target';
comment on column medication_request.recorder_id is 'recorder: key of the target';
comment on column medication_request.reason_code_system is 'reasonCode[0]: coding.system';
comment on column medication_request.reason_code is 'reasonCode[0]: coding.code';
comment on column medication_request.reason_code_display is 'reasonCode[0]: coding.display';
comment on column medication_request.reason_code_text is 'reasonCode[0]: text';
comment on column medication_request.course_of_therapy_type_code is 'courseOfTherapyType: coding.code';
comment on column medication_request.course_of_therapy_type_display is 'courseOfTherapyType: coding.display, else text';
comment on column medication_request.dispense_validity_period_start is 'dispenseRequest.validityPeriod: start';
comment on column medication_request.dispense_validity_period_start_text is 'dispenseRequest.validityPeriod: start as written';
comment on column medication_request.dispense_validity_period_end is 'dispenseRequest.validityPeriod: end';
comment on column medication_request.dispense_validity_period_end_text is 'dispenseRequest.validityPeriod: end as written';
comment on column medication_request.dispense_number_of_repeats_allowed is 'dispenseRequest.numberOfRepeatsAllowed';
comment on column medication_request.dispense_quantity_value is 'dispenseRequest.quantity: value';
comment on column medication_request.dispense_quantity_unit is 'dispenseRequest.quantity: unit';
comment on column medication_request.dispense_quantity_code is 'dispenseRequest.quantity: code';
comment on column medication_request.dispense_expected_supply_duration_value is 'dispenseRequest.expectedSupplyDuration: value';
comment on column medication_request.dispense_expected_supply_duration_unit is 'dispenseRequest.expectedSupplyDuration: unit';
comment on column medication_request.dispense_expected_supply_duration_code is 'dispenseRequest.expectedSupplyDuration: code';
comment on column medication_request.dispense_performer_id is 'dispenseRequest.performer: key of the target';
comment on column medication_request.substitution_allowed_type is 'substitution.allowed[x]: which of boolean, CodeableConcept';
comment on column medication_request.substitution_allowed_boolean is 'substitution.allowed[x]';
comment on column medication_request.substitution_allowed_codeable_concept_code is 'substitution.allowed[x]: coding.code';
comment on column medication_request.substitution_allowed_codeable_concept_display is 'substitution.allowed[x]: coding.display, else text';
comment on column medication_request.prior_prescription_id is 'priorPrescription: key of the target';
comment on column medication_request.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column medication_request.last_updated is 'meta.lastUpdated';

create table medication_request_dosage (
  medication_request_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  sequence integer,
  text text,
  patient_instruction text,
  timing_code text,
  timing_code_display text,
  timing_bounds_start timestamptz,
  timing_bounds_start_text text,
  timing_bounds_end timestamptz,
  timing_bounds_end_text text,
  timing_count integer,
  timing_frequency integer,
  timing_frequency_max integer,
  timing_period numeric,
  timing_period_max numeric,
  timing_period_unit text,
  timing_when text[],
  as_needed_type text,
  as_needed_boolean boolean,
  as_needed_codeable_concept_code text,
  as_needed_codeable_concept_display text,
  site_code text,
  site_display text,
  route_code text,
  route_display text,
  method_code text,
  method_display text,
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
  rate_ratio_numerator_unit text,
  rate_ratio_denominator_value numeric,
  rate_ratio_denominator_unit text,
  rate_quantity_value numeric,
  rate_quantity_unit text,
  rate_quantity_code text,
  max_dose_per_period_numerator_value numeric,
  max_dose_per_period_numerator_unit text,
  max_dose_per_period_denominator_value numeric,
  max_dose_per_period_denominator_unit text,
  additional_instruction_code text,
  additional_instruction_display text,
  extension jsonb,
  primary key (medication_request_id, ordinal)
);
comment on table medication_request_dosage is 'how a prescribed drug is to be taken: dose, times, route, and the words of the instruction';
comment on column medication_request_dosage.medication_request_id is 'key of the resource that the row belongs to';
comment on column medication_request_dosage.ordinal is 'position, from 1, in document order';
comment on column medication_request_dosage.patient_id is 'key of the resource''s patient';
comment on column medication_request_dosage.sequence is 'sequence';
comment on column medication_request_dosage.text is 'text';
comment on column medication_request_dosage.patient_instruction is 'patientInstruction';
comment on column medication_request_dosage.timing_code is 'timing.code: coding.code';
comment on column medication_request_dosage.timing_code_display is 'timing.code: coding.display, else text';
comment on column medication_request_dosage.timing_bounds_start is 'timing.repeat.bounds[x]: start';
comment on column medication_request_dosage.timing_bounds_start_text is 'timing.repeat.bounds[x]: start as written';
comment on column medication_request_dosage.timing_bounds_end is 'timing.repeat.bounds[x]: end';
comment on column medication_request_dosage.timing_bounds_end_text is 'timing.repeat.bounds[x]: end as written';
comment on column medication_request_dosage.timing_count is 'timing.repeat.count';
comment on column medication_request_dosage.timing_frequency is 'timing.repeat.frequency';
comment on column medication_request_dosage.timing_frequency_max is 'timing.repeat.frequencyMax';
comment on column medication_request_dosage.timing_period is 'timing.repeat.period';
comment on column medication_request_dosage.timing_period_max is 'timing.repeat.periodMax';
comment on column medication_request_dosage.timing_period_unit is 'timing.repeat.periodUnit';
comment on column medication_request_dosage.timing_when is 'timing.repeat.when';
comment on column medication_request_dosage.as_needed_type is 'asNeeded[x]: which of boolean, CodeableConcept';
comment on column medication_request_dosage.as_needed_boolean is 'asNeeded[x]';
comment on column medication_request_dosage.as_needed_codeable_concept_code is 'asNeeded[x]: coding.code';
comment on column medication_request_dosage.as_needed_codeable_concept_display is 'asNeeded[x]: coding.display, else text';
comment on column medication_request_dosage.site_code is 'site: coding.code';
comment on column medication_request_dosage.site_display is 'site: coding.display, else text';
comment on column medication_request_dosage.route_code is 'route: coding.code';
comment on column medication_request_dosage.route_display is 'route: coding.display, else text';
comment on column medication_request_dosage.method_code is 'method: coding.code';
comment on column medication_request_dosage.method_display is 'method: coding.display, else text';
comment on column medication_request_dosage.type_code is 'doseAndRate[0].type: coding.code';
comment on column medication_request_dosage.type_display is 'doseAndRate[0].type: coding.display, else text';
comment on column medication_request_dosage.dose_type is 'doseAndRate[0].dose[x]: which of Range, Quantity';
comment on column medication_request_dosage.dose_range_low_value is 'doseAndRate[0].dose[x]: low.value';
comment on column medication_request_dosage.dose_range_high_value is 'doseAndRate[0].dose[x]: high.value';
comment on column medication_request_dosage.dose_range_unit is 'doseAndRate[0].dose[x]: low.unit, else high.unit';
comment on column medication_request_dosage.dose_quantity_value is 'doseAndRate[0].dose[x]: value';
comment on column medication_request_dosage.dose_quantity_unit is 'doseAndRate[0].dose[x]: unit';
comment on column medication_request_dosage.dose_quantity_code is 'doseAndRate[0].dose[x]: code';
comment on column medication_request_dosage.rate_type is 'doseAndRate[0].rate[x]: which of Ratio, Quantity';
comment on column medication_request_dosage.rate_ratio_numerator_value is 'doseAndRate[0].rate[x]: numerator.value';
comment on column medication_request_dosage.rate_ratio_numerator_unit is 'doseAndRate[0].rate[x]: numerator.unit';
comment on column medication_request_dosage.rate_ratio_denominator_value is 'doseAndRate[0].rate[x]: denominator.value';
comment on column medication_request_dosage.rate_ratio_denominator_unit is 'doseAndRate[0].rate[x]: denominator.unit';
comment on column medication_request_dosage.rate_quantity_value is 'doseAndRate[0].rate[x]: value';
comment on column medication_request_dosage.rate_quantity_unit is 'doseAndRate[0].rate[x]: unit';
comment on column medication_request_dosage.rate_quantity_code is 'doseAndRate[0].rate[x]: code';
comment on column medication_request_dosage.max_dose_per_period_numerator_value is 'maxDosePerPeriod: numerator.value';
comment on column medication_request_dosage.max_dose_per_period_numerator_unit is 'maxDosePerPeriod: numerator.unit';
comment on column medication_request_dosage.max_dose_per_period_denominator_value is 'maxDosePerPeriod: denominator.value';
comment on column medication_request_dosage.max_dose_per_period_denominator_unit is 'maxDosePerPeriod: denominator.unit';
comment on column medication_request_dosage.additional_instruction_code is 'additionalInstruction[0]: coding.code';
comment on column medication_request_dosage.additional_instruction_display is 'additionalInstruction[0]: coding.display, else text';
comment on column medication_request_dosage.extension is 'extensions of this element that no column takes: an array, each with its path';

create table medication_dispense (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  encounter_id bigint,
  status text,
  status_reason_type text,
  status_reason_code text,
  status_reason_display text,
  status_reason_id bigint,
  status_reason_reference text,
  category_code text,
  category_display text,
  medication_type text,
  medication_system text,
  medication_code text,
  medication_display text,
  medication_text text,
  medication_id bigint,
  medication_reference text,
  subject_type text,
  subject_id bigint,
  subject_reference text,
  context_reference text,
  location_id bigint,
  location_display text,
  location_reference text,
  authorizing_prescription_id bigint,
  authorizing_prescription_display text,
  authorizing_prescription_reference text,
  type_system text,
  type_code text,
  type_display text,
  type_text text,
  quantity_value numeric,
  quantity_unit text,
  quantity_code text,
  days_supply_value numeric,
  days_supply_unit text,
  days_supply_code text,
  when_prepared timestamptz,
  when_prepared_text text,
  when_handed_over timestamptz,
  when_handed_over_text text,
  destination_id bigint,
  destination_display text,
  destination_reference text,
  substitution_was_substituted boolean,
  substitution_type_code text,
  substitution_type_display text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table medication_dispense is 'a drug handed out or made ready for a patient, with amount, days of supply and the prescription behind it';
comment on column medication_dispense.id is 'key given by the registry, etl.resource';
comment on column medication_dispense.fhir_id is 'id: the logical id as the source gave it';
comment on column medication_dispense.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column medication_dispense.patient_id is 'subject: key of the patient';
comment on column medication_dispense.encounter_id is 'context: key of the encounter';
comment on column medication_dispense.status is 'status';
comment on column medication_dispense.status_reason_type is 'statusReason[x]: which of CodeableConcept, Reference';
comment on column medication_dispense.status_reason_code is 'statusReason[x]: coding.code';
comment on column medication_dispense.status_reason_display is 'statusReason[x]: coding.display, else text; or the reference''s display';
comment on column medication_dispense.status_reason_id is 'statusReason[x]: key of the target';
comment on column medication_dispense.status_reason_reference is 'statusReason[x]: reference, else identifier, as written; null where the key says it all';
comment on column medication_dispense.category_code is 'category: coding.code';
comment on column medication_dispense.category_display is 'category: coding.display, else text';
comment on column medication_dispense.medication_type is 'medication[x]: which of CodeableConcept, Reference';
comment on column medication_dispense.medication_system is 'medication[x]: coding.system';
comment on column medication_dispense.medication_code is 'medication[x]: coding.code';
comment on column medication_dispense.medication_display is 'medication[x]: coding.display';
comment on column medication_dispense.medication_text is 'medication[x]: text';
comment on column medication_dispense.medication_id is 'medication[x]: key of the target';
comment on column medication_dispense.medication_reference is 'medication[x]: reference, else identifier, as written; null where the key says it all';
comment on column medication_dispense.subject_type is 'subject: type of the target';
comment on column medication_dispense.subject_id is 'subject: key of the target';
comment on column medication_dispense.subject_reference is 'subject: reference, else identifier, as written; null where the key says it all';
comment on column medication_dispense.context_reference is 'context: reference, else identifier, as written; null where the key says it all';
comment on column medication_dispense.location_id is 'location: key of the target';
comment on column medication_dispense.location_display is 'location: display';
comment on column medication_dispense.location_reference is 'location: reference, else identifier, as written; null where the key says it all';
comment on column medication_dispense.authorizing_prescription_id is 'authorizingPrescription[0]: key of the target';
comment on column medication_dispense.authorizing_prescription_display is 'authorizingPrescription[0]: display';
comment on column medication_dispense.authorizing_prescription_reference is 'authorizingPrescription[0]: reference, else identifier, as written; null where the key says it all';
comment on column medication_dispense.type_system is 'type: coding.system';
comment on column medication_dispense.type_code is 'type: coding.code';
comment on column medication_dispense.type_display is 'type: coding.display';
comment on column medication_dispense.type_text is 'type: text';
comment on column medication_dispense.quantity_value is 'quantity: value';
comment on column medication_dispense.quantity_unit is 'quantity: unit';
comment on column medication_dispense.quantity_code is 'quantity: code';
comment on column medication_dispense.days_supply_value is 'daysSupply: value';
comment on column medication_dispense.days_supply_unit is 'daysSupply: unit';
comment on column medication_dispense.days_supply_code is 'daysSupply: code';
comment on column medication_dispense.when_prepared is 'whenPrepared';
comment on column medication_dispense.when_prepared_text is 'whenPrepared as written';
comment on column medication_dispense.when_handed_over is 'whenHandedOver';
comment on column medication_dispense.when_handed_over_text is 'whenHandedOver as written';
comment on column medication_dispense.destination_id is 'destination: key of the target';
comment on column medication_dispense.destination_display is 'destination: display';
comment on column medication_dispense.destination_reference is 'destination: reference, else identifier, as written; null where the key says it all';
comment on column medication_dispense.substitution_was_substituted is 'substitution.wasSubstituted';
comment on column medication_dispense.substitution_type_code is 'substitution.type: coding.code';
comment on column medication_dispense.substitution_type_display is 'substitution.type: coding.display, else text';
comment on column medication_dispense.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column medication_dispense.last_updated is 'meta.lastUpdated';

create table medication_dispense_performer (
  medication_dispense_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  function_code text,
  function_display text,
  actor_type text,
  actor_id bigint,
  actor_display text,
  actor_reference text,
  extension jsonb,
  primary key (medication_dispense_id, ordinal)
);
comment on table medication_dispense_performer is 'the people and organizations who dispensed a drug, and their part in it';
comment on column medication_dispense_performer.medication_dispense_id is 'key of the resource that the row belongs to';
comment on column medication_dispense_performer.ordinal is 'position, from 1, in document order';
comment on column medication_dispense_performer.patient_id is 'key of the resource''s patient';
comment on column medication_dispense_performer.function_code is 'function: coding.code';
comment on column medication_dispense_performer.function_display is 'function: coding.display, else text';
comment on column medication_dispense_performer.actor_type is 'actor: type of the target';
comment on column medication_dispense_performer.actor_id is 'actor: key of the target';
comment on column medication_dispense_performer.actor_display is 'actor: display';
comment on column medication_dispense_performer.actor_reference is 'actor: reference, else identifier, as written; null where the key says it all';
comment on column medication_dispense_performer.extension is 'extensions of this element that no column takes: an array, each with its path';

create table medication_dispense_dosage (
  medication_dispense_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  sequence integer,
  text text,
  patient_instruction text,
  timing_code text,
  timing_code_display text,
  timing_bounds_start timestamptz,
  timing_bounds_start_text text,
  timing_bounds_end timestamptz,
  timing_bounds_end_text text,
  timing_count integer,
  timing_frequency integer,
  timing_frequency_max integer,
  timing_period numeric,
  timing_period_max numeric,
  timing_period_unit text,
  timing_when text[],
  as_needed_type text,
  as_needed_boolean boolean,
  as_needed_codeable_concept_code text,
  as_needed_codeable_concept_display text,
  site_code text,
  site_display text,
  route_code text,
  route_display text,
  method_code text,
  method_display text,
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
  rate_ratio_numerator_unit text,
  rate_ratio_denominator_value numeric,
  rate_ratio_denominator_unit text,
  rate_quantity_value numeric,
  rate_quantity_unit text,
  rate_quantity_code text,
  max_dose_per_period_numerator_value numeric,
  max_dose_per_period_numerator_unit text,
  max_dose_per_period_denominator_value numeric,
  max_dose_per_period_denominator_unit text,
  additional_instruction_code text,
  additional_instruction_display text,
  extension jsonb,
  primary key (medication_dispense_id, ordinal)
);
comment on table medication_dispense_dosage is 'how a dispensed drug is to be taken: dose, times, route, and the words of the instruction';
comment on column medication_dispense_dosage.medication_dispense_id is 'key of the resource that the row belongs to';
comment on column medication_dispense_dosage.ordinal is 'position, from 1, in document order';
comment on column medication_dispense_dosage.patient_id is 'key of the resource''s patient';
comment on column medication_dispense_dosage.sequence is 'sequence';
comment on column medication_dispense_dosage.text is 'text';
comment on column medication_dispense_dosage.patient_instruction is 'patientInstruction';
comment on column medication_dispense_dosage.timing_code is 'timing.code: coding.code';
comment on column medication_dispense_dosage.timing_code_display is 'timing.code: coding.display, else text';
comment on column medication_dispense_dosage.timing_bounds_start is 'timing.repeat.bounds[x]: start';
comment on column medication_dispense_dosage.timing_bounds_start_text is 'timing.repeat.bounds[x]: start as written';
comment on column medication_dispense_dosage.timing_bounds_end is 'timing.repeat.bounds[x]: end';
comment on column medication_dispense_dosage.timing_bounds_end_text is 'timing.repeat.bounds[x]: end as written';
comment on column medication_dispense_dosage.timing_count is 'timing.repeat.count';
comment on column medication_dispense_dosage.timing_frequency is 'timing.repeat.frequency';
comment on column medication_dispense_dosage.timing_frequency_max is 'timing.repeat.frequencyMax';
comment on column medication_dispense_dosage.timing_period is 'timing.repeat.period';
comment on column medication_dispense_dosage.timing_period_max is 'timing.repeat.periodMax';
comment on column medication_dispense_dosage.timing_period_unit is 'timing.repeat.periodUnit';
comment on column medication_dispense_dosage.timing_when is 'timing.repeat.when';
comment on column medication_dispense_dosage.as_needed_type is 'asNeeded[x]: which of boolean, CodeableConcept';
comment on column medication_dispense_dosage.as_needed_boolean is 'asNeeded[x]';
comment on column medication_dispense_dosage.as_needed_codeable_concept_code is 'asNeeded[x]: coding.code';
comment on column medication_dispense_dosage.as_needed_codeable_concept_display is 'asNeeded[x]: coding.display, else text';
comment on column medication_dispense_dosage.site_code is 'site: coding.code';
comment on column medication_dispense_dosage.site_display is 'site: coding.display, else text';
comment on column medication_dispense_dosage.route_code is 'route: coding.code';
comment on column medication_dispense_dosage.route_display is 'route: coding.display, else text';
comment on column medication_dispense_dosage.method_code is 'method: coding.code';
comment on column medication_dispense_dosage.method_display is 'method: coding.display, else text';
comment on column medication_dispense_dosage.type_code is 'doseAndRate[0].type: coding.code';
comment on column medication_dispense_dosage.type_display is 'doseAndRate[0].type: coding.display, else text';
comment on column medication_dispense_dosage.dose_type is 'doseAndRate[0].dose[x]: which of Range, Quantity';
comment on column medication_dispense_dosage.dose_range_low_value is 'doseAndRate[0].dose[x]: low.value';
comment on column medication_dispense_dosage.dose_range_high_value is 'doseAndRate[0].dose[x]: high.value';
comment on column medication_dispense_dosage.dose_range_unit is 'doseAndRate[0].dose[x]: low.unit, else high.unit';
comment on column medication_dispense_dosage.dose_quantity_value is 'doseAndRate[0].dose[x]: value';
comment on column medication_dispense_dosage.dose_quantity_unit is 'doseAndRate[0].dose[x]: unit';
comment on column medication_dispense_dosage.dose_quantity_code is 'doseAndRate[0].dose[x]: code';
comment on column medication_dispense_dosage.rate_type is 'doseAndRate[0].rate[x]: which of Ratio, Quantity';
comment on column medication_dispense_dosage.rate_ratio_numerator_value is 'doseAndRate[0].rate[x]: numerator.value';
comment on column medication_dispense_dosage.rate_ratio_numerator_unit is 'doseAndRate[0].rate[x]: numerator.unit';
comment on column medication_dispense_dosage.rate_ratio_denominator_value is 'doseAndRate[0].rate[x]: denominator.value';
comment on column medication_dispense_dosage.rate_ratio_denominator_unit is 'doseAndRate[0].rate[x]: denominator.unit';
comment on column medication_dispense_dosage.rate_quantity_value is 'doseAndRate[0].rate[x]: value';
comment on column medication_dispense_dosage.rate_quantity_unit is 'doseAndRate[0].rate[x]: unit';
comment on column medication_dispense_dosage.rate_quantity_code is 'doseAndRate[0].rate[x]: code';
comment on column medication_dispense_dosage.max_dose_per_period_numerator_value is 'maxDosePerPeriod: numerator.value';
comment on column medication_dispense_dosage.max_dose_per_period_numerator_unit is 'maxDosePerPeriod: numerator.unit';
comment on column medication_dispense_dosage.max_dose_per_period_denominator_value is 'maxDosePerPeriod: denominator.value';
comment on column medication_dispense_dosage.max_dose_per_period_denominator_unit is 'maxDosePerPeriod: denominator.unit';
comment on column medication_dispense_dosage.additional_instruction_code is 'additionalInstruction[0]: coding.code';
comment on column medication_dispense_dosage.additional_instruction_display is 'additionalInstruction[0]: coding.display, else text';
comment on column medication_dispense_dosage.extension is 'extensions of this element that no column takes: an array, each with its path';

create table medication_administration (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  encounter_id bigint,
  status text,
  status_reason_code text,
  status_reason_display text,
  category_code text,
  category_display text,
  medication_type text,
  medication_system text,
  medication_code text,
  medication_display text,
  medication_text text,
  medication_id bigint,
  medication_reference text,
  subject_type text,
  subject_id bigint,
  subject_reference text,
  context_reference text,
  effective_type text,
  effective_start timestamptz,
  effective_start_text text,
  effective_end timestamptz,
  effective_end_text text,
  request_id bigint,
  request_display text,
  request_reference text,
  reason_code_system text,
  reason_code text,
  reason_code_display text,
  reason_code_text text,
  dosage_text text,
  dosage_site_code text,
  dosage_site_display text,
  dosage_route_code text,
  dosage_route_display text,
  dosage_method_code text,
  dosage_method_display text,
  dosage_dose_value numeric,
  dosage_dose_unit text,
  dosage_dose_code text,
  dosage_rate_type text,
  dosage_rate_ratio_numerator_value numeric,
  dosage_rate_ratio_numerator_unit text,
  dosage_rate_ratio_denominator_value numeric,
  dosage_rate_ratio_denominator_unit text,
  dosage_rate_quantity_value numeric,
  dosage_rate_quantity_unit text,
  dosage_rate_quantity_code text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table medication_administration is 'a drug given to or taken by a patient at a time, with dose and route';
comment on column medication_administration.id is 'key given by the registry, etl.resource';
comment on column medication_administration.fhir_id is 'id: the logical id as the source gave it';
comment on column medication_administration.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column medication_administration.patient_id is 'subject: key of the patient';
comment on column medication_administration.encounter_id is 'context: key of the encounter';
comment on column medication_administration.status is 'status';
comment on column medication_administration.status_reason_code is 'statusReason[0]: coding.code';
comment on column medication_administration.status_reason_display is 'statusReason[0]: coding.display, else text';
comment on column medication_administration.category_code is 'category: coding.code';
comment on column medication_administration.category_display is 'category: coding.display, else text';
comment on column medication_administration.medication_type is 'medication[x]: which of CodeableConcept, Reference';
comment on column medication_administration.medication_system is 'medication[x]: coding.system';
comment on column medication_administration.medication_code is 'medication[x]: coding.code';
comment on column medication_administration.medication_display is 'medication[x]: coding.display';
comment on column medication_administration.medication_text is 'medication[x]: text';
comment on column medication_administration.medication_id is 'medication[x]: key of the target';
comment on column medication_administration.medication_reference is 'medication[x]: reference, else identifier, as written; null where the key says it all';
comment on column medication_administration.subject_type is 'subject: type of the target';
comment on column medication_administration.subject_id is 'subject: key of the target';
comment on column medication_administration.subject_reference is 'subject: reference, else identifier, as written; null where the key says it all';
comment on column medication_administration.context_reference is 'context: reference, else identifier, as written; null where the key says it all';
comment on column medication_administration.effective_type is 'effective[x]: which of dateTime, Period';
comment on column medication_administration.effective_start is 'effective[x]: start';
comment on column medication_administration.effective_start_text is 'effective[x]: start as written';
comment on column medication_administration.effective_end is 'effective[x]: end';
comment on column medication_administration.effective_end_text is 'effective[x]: end as written';
comment on column medication_administration.request_id is 'request: key of the target';
comment on column medication_administration.request_display is 'request: display';
comment on column medication_administration.request_reference is 'request: reference, else identifier, as written; null where the key says it all';
comment on column medication_administration.reason_code_system is 'reasonCode[0]: coding.system';
comment on column medication_administration.reason_code is 'reasonCode[0]: coding.code';
comment on column medication_administration.reason_code_display is 'reasonCode[0]: coding.display';
comment on column medication_administration.reason_code_text is 'reasonCode[0]: text';
comment on column medication_administration.dosage_text is 'dosage.text';
comment on column medication_administration.dosage_site_code is 'dosage.site: coding.code';
comment on column medication_administration.dosage_site_display is 'dosage.site: coding.display, else text';
comment on column medication_administration.dosage_route_code is 'dosage.route: coding.code';
comment on column medication_administration.dosage_route_display is 'dosage.route: coding.display, else text';
comment on column medication_administration.dosage_method_code is 'dosage.method: coding.code';
comment on column medication_administration.dosage_method_display is 'dosage.method: coding.display, else text';
comment on column medication_administration.dosage_dose_value is 'dosage.dose: value';
comment on column medication_administration.dosage_dose_unit is 'dosage.dose: unit';
comment on column medication_administration.dosage_dose_code is 'dosage.dose: code';
comment on column medication_administration.dosage_rate_type is 'dosage.rate[x]: which of Ratio, Quantity';
comment on column medication_administration.dosage_rate_ratio_numerator_value is 'dosage.rate[x]: numerator.value';
comment on column medication_administration.dosage_rate_ratio_numerator_unit is 'dosage.rate[x]: numerator.unit';
comment on column medication_administration.dosage_rate_ratio_denominator_value is 'dosage.rate[x]: denominator.value';
comment on column medication_administration.dosage_rate_ratio_denominator_unit is 'dosage.rate[x]: denominator.unit';
comment on column medication_administration.dosage_rate_quantity_value is 'dosage.rate[x]: value';
comment on column medication_administration.dosage_rate_quantity_unit is 'dosage.rate[x]: unit';
comment on column medication_administration.dosage_rate_quantity_code is 'dosage.rate[x]: code';
comment on column medication_administration.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column medication_administration.last_updated is 'meta.lastUpdated';

create table medication_administration_performer (
  medication_administration_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  function_code text,
  function_display text,
  actor_type text,
  actor_id bigint,
  actor_display text,
  actor_reference text,
  extension jsonb,
  primary key (medication_administration_id, ordinal)
);
comment on table medication_administration_performer is 'the people and devices that gave a drug, and their part in it';
comment on column medication_administration_performer.medication_administration_id is 'key of the resource that the row belongs to';
comment on column medication_administration_performer.ordinal is 'position, from 1, in document order';
comment on column medication_administration_performer.patient_id is 'key of the resource''s patient';
comment on column medication_administration_performer.function_code is 'function: coding.code';
comment on column medication_administration_performer.function_display is 'function: coding.display, else text';
comment on column medication_administration_performer.actor_type is 'actor: type of the target';
comment on column medication_administration_performer.actor_id is 'actor: key of the target';
comment on column medication_administration_performer.actor_display is 'actor: display';
comment on column medication_administration_performer.actor_reference is 'actor: reference, else identifier, as written; null where the key says it all';
comment on column medication_administration_performer.extension is 'extensions of this element that no column takes: an array, each with its path';

create table medication_statement (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  encounter_id bigint,
  status text,
  status_reason_code text,
  status_reason_display text,
  category_code text,
  category_display text,
  medication_type text,
  medication_system text,
  medication_code text,
  medication_display text,
  medication_text text,
  medication_id bigint,
  medication_reference text,
  subject_type text,
  subject_id bigint,
  subject_reference text,
  context_reference text,
  effective_type text,
  effective_start timestamptz,
  effective_start_text text,
  effective_end timestamptz,
  effective_end_text text,
  date_asserted timestamptz,
  date_asserted_text text,
  information_source_type text,
  information_source_id bigint,
  information_source_display text,
  information_source_reference text,
  reason_code_system text,
  reason_code text,
  reason_code_display text,
  reason_code_text text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table medication_statement is 'a statement that a patient takes, took or will take a drug, told by the patient or someone else';
comment on column medication_statement.id is 'key given by the registry, etl.resource';
comment on column medication_statement.fhir_id is 'id: the logical id as the source gave it';
comment on column medication_statement.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column medication_statement.patient_id is 'subject: key of the patient';
comment on column medication_statement.encounter_id is 'context: key of the encounter';
comment on column medication_statement.status is 'status';
comment on column medication_statement.status_reason_code is 'statusReason[0]: coding.code';
comment on column medication_statement.status_reason_display is 'statusReason[0]: coding.display, else text';
comment on column medication_statement.category_code is 'category: coding.code';
comment on column medication_statement.category_display is 'category: coding.display, else text';
comment on column medication_statement.medication_type is 'medication[x]: which of CodeableConcept, Reference';
comment on column medication_statement.medication_system is 'medication[x]: coding.system';
comment on column medication_statement.medication_code is 'medication[x]: coding.code';
comment on column medication_statement.medication_display is 'medication[x]: coding.display';
comment on column medication_statement.medication_text is 'medication[x]: text';
comment on column medication_statement.medication_id is 'medication[x]: key of the target';
comment on column medication_statement.medication_reference is 'medication[x]: reference, else identifier, as written; null where the key says it all';
comment on column medication_statement.subject_type is 'subject: type of the target';
comment on column medication_statement.subject_id is 'subject: key of the target';
comment on column medication_statement.subject_reference is 'subject: reference, else identifier, as written; null where the key says it all';
comment on column medication_statement.context_reference is 'context: reference, else identifier, as written; null where the key says it all';
comment on column medication_statement.effective_type is 'effective[x]: which of dateTime, Period';
comment on column medication_statement.effective_start is 'effective[x]: start';
comment on column medication_statement.effective_start_text is 'effective[x]: start as written';
comment on column medication_statement.effective_end is 'effective[x]: end';
comment on column medication_statement.effective_end_text is 'effective[x]: end as written';
comment on column medication_statement.date_asserted is 'dateAsserted';
comment on column medication_statement.date_asserted_text is 'dateAsserted as written';
comment on column medication_statement.information_source_type is 'informationSource: type of the target';
comment on column medication_statement.information_source_id is 'informationSource: key of the target';
comment on column medication_statement.information_source_display is 'informationSource: display';
comment on column medication_statement.information_source_reference is 'informationSource: reference, else identifier, as written; null where the key says it all';
comment on column medication_statement.reason_code_system is 'reasonCode[0]: coding.system';
comment on column medication_statement.reason_code is 'reasonCode[0]: coding.code';
comment on column medication_statement.reason_code_display is 'reasonCode[0]: coding.display';
comment on column medication_statement.reason_code_text is 'reasonCode[0]: text';
comment on column medication_statement.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column medication_statement.last_updated is 'meta.lastUpdated';

create table medication_statement_dosage (
  medication_statement_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  sequence integer,
  text text,
  patient_instruction text,
  timing_code text,
  timing_code_display text,
  timing_bounds_start timestamptz,
  timing_bounds_start_text text,
  timing_bounds_end timestamptz,
  timing_bounds_end_text text,
  timing_count integer,
  timing_frequency integer,
  timing_frequency_max integer,
  timing_period numeric,
  timing_period_max numeric,
  timing_period_unit text,
  timing_when text[],
  as_needed_type text,
  as_needed_boolean boolean,
  as_needed_codeable_concept_code text,
  as_needed_codeable_concept_display text,
  site_code text,
  site_display text,
  route_code text,
  route_display text,
  method_code text,
  method_display text,
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
  rate_ratio_numerator_unit text,
  rate_ratio_denominator_value numeric,
  rate_ratio_denominator_unit text,
  rate_quantity_value numeric,
  rate_quantity_unit text,
  rate_quantity_code text,
  max_dose_per_period_numerator_value numeric,
  max_dose_per_period_numerator_unit text,
  max_dose_per_period_denominator_value numeric,
  max_dose_per_period_denominator_unit text,
  additional_instruction_code text,
  additional_instruction_display text,
  extension jsonb,
  primary key (medication_statement_id, ordinal)
);
comment on table medication_statement_dosage is 'how a drug is or was taken by the statement: dose, times, route, and the words of the instruction';
comment on column medication_statement_dosage.medication_statement_id is 'key of the resource that the row belongs to';
comment on column medication_statement_dosage.ordinal is 'position, from 1, in document order';
comment on column medication_statement_dosage.patient_id is 'key of the resource''s patient';
comment on column medication_statement_dosage.sequence is 'sequence';
comment on column medication_statement_dosage.text is 'text';
comment on column medication_statement_dosage.patient_instruction is 'patientInstruction';
comment on column medication_statement_dosage.timing_code is 'timing.code: coding.code';
comment on column medication_statement_dosage.timing_code_display is 'timing.code: coding.display, else text';
comment on column medication_statement_dosage.timing_bounds_start is 'timing.repeat.bounds[x]: start';
comment on column medication_statement_dosage.timing_bounds_start_text is 'timing.repeat.bounds[x]: start as written';
comment on column medication_statement_dosage.timing_bounds_end is 'timing.repeat.bounds[x]: end';
comment on column medication_statement_dosage.timing_bounds_end_text is 'timing.repeat.bounds[x]: end as written';
comment on column medication_statement_dosage.timing_count is 'timing.repeat.count';
comment on column medication_statement_dosage.timing_frequency is 'timing.repeat.frequency';
comment on column medication_statement_dosage.timing_frequency_max is 'timing.repeat.frequencyMax';
comment on column medication_statement_dosage.timing_period is 'timing.repeat.period';
comment on column medication_statement_dosage.timing_period_max is 'timing.repeat.periodMax';
comment on column medication_statement_dosage.timing_period_unit is 'timing.repeat.periodUnit';
comment on column medication_statement_dosage.timing_when is 'timing.repeat.when';
comment on column medication_statement_dosage.as_needed_type is 'asNeeded[x]: which of boolean, CodeableConcept';
comment on column medication_statement_dosage.as_needed_boolean is 'asNeeded[x]';
comment on column medication_statement_dosage.as_needed_codeable_concept_code is 'asNeeded[x]: coding.code';
comment on column medication_statement_dosage.as_needed_codeable_concept_display is 'asNeeded[x]: coding.display, else text';
comment on column medication_statement_dosage.site_code is 'site: coding.code';
comment on column medication_statement_dosage.site_display is 'site: coding.display, else text';
comment on column medication_statement_dosage.route_code is 'route: coding.code';
comment on column medication_statement_dosage.route_display is 'route: coding.display, else text';
comment on column medication_statement_dosage.method_code is 'method: coding.code';
comment on column medication_statement_dosage.method_display is 'method: coding.display, else text';
comment on column medication_statement_dosage.type_code is 'doseAndRate[0].type: coding.code';
comment on column medication_statement_dosage.type_display is 'doseAndRate[0].type: coding.display, else text';
comment on column medication_statement_dosage.dose_type is 'doseAndRate[0].dose[x]: which of Range, Quantity';
comment on column medication_statement_dosage.dose_range_low_value is 'doseAndRate[0].dose[x]: low.value';
comment on column medication_statement_dosage.dose_range_high_value is 'doseAndRate[0].dose[x]: high.value';
comment on column medication_statement_dosage.dose_range_unit is 'doseAndRate[0].dose[x]: low.unit, else high.unit';
comment on column medication_statement_dosage.dose_quantity_value is 'doseAndRate[0].dose[x]: value';
comment on column medication_statement_dosage.dose_quantity_unit is 'doseAndRate[0].dose[x]: unit';
comment on column medication_statement_dosage.dose_quantity_code is 'doseAndRate[0].dose[x]: code';
comment on column medication_statement_dosage.rate_type is 'doseAndRate[0].rate[x]: which of Ratio, Quantity';
comment on column medication_statement_dosage.rate_ratio_numerator_value is 'doseAndRate[0].rate[x]: numerator.value';
comment on column medication_statement_dosage.rate_ratio_numerator_unit is 'doseAndRate[0].rate[x]: numerator.unit';
comment on column medication_statement_dosage.rate_ratio_denominator_value is 'doseAndRate[0].rate[x]: denominator.value';
comment on column medication_statement_dosage.rate_ratio_denominator_unit is 'doseAndRate[0].rate[x]: denominator.unit';
comment on column medication_statement_dosage.rate_quantity_value is 'doseAndRate[0].rate[x]: value';
comment on column medication_statement_dosage.rate_quantity_unit is 'doseAndRate[0].rate[x]: unit';
comment on column medication_statement_dosage.rate_quantity_code is 'doseAndRate[0].rate[x]: code';
comment on column medication_statement_dosage.max_dose_per_period_numerator_value is 'maxDosePerPeriod: numerator.value';
comment on column medication_statement_dosage.max_dose_per_period_numerator_unit is 'maxDosePerPeriod: numerator.unit';
comment on column medication_statement_dosage.max_dose_per_period_denominator_value is 'maxDosePerPeriod: denominator.value';
comment on column medication_statement_dosage.max_dose_per_period_denominator_unit is 'maxDosePerPeriod: denominator.unit';
comment on column medication_statement_dosage.additional_instruction_code is 'additionalInstruction[0]: coding.code';
comment on column medication_statement_dosage.additional_instruction_display is 'additionalInstruction[0]: coding.display, else text';
comment on column medication_statement_dosage.extension is 'extensions of this element that no column takes: an array, each with its path';

create table communication (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  encounter_id bigint,
  status text,
  status_reason_code text,
  status_reason_display text,
  category_code text,
  category_display text,
  priority text,
  subject_type text,
  subject_id bigint,
  subject_reference text,
  topic_system text,
  topic_code text,
  topic_display text,
  topic_text text,
  encounter_reference text,
  sent timestamptz,
  sent_text text,
  received timestamptz,
  received_text text,
  sender_type text,
  sender_id bigint,
  sender_display text,
  sender_reference text,
  reason_code_system text,
  reason_code text,
  reason_code_display text,
  reason_code_text text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table communication is 'a message about a patient that was sent, or failed to be; recipients and media are in the generic tables';
comment on column communication.id is 'key given by the registry, etl.resource';
comment on column communication.fhir_id is 'id: the logical id as the source gave it';
comment on column communication.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column communication.patient_id is 'subject: key of the patient';
comment on column communication.encounter_id is 'encounter: key of the encounter';
comment on column communication.status is 'status';
comment on column communication.status_reason_code is 'statusReason: coding.code';
comment on column communication.status_reason_display is 'statusReason: coding.display, else text';
comment on column communication.category_code is 'category[0]: coding.code';
comment on column communication.category_display is 'category[0]: coding.display, else text';
comment on column communication.priority is 'priority';
comment on column communication.subject_type is 'subject: type of the target';
comment on column communication.subject_id is 'subject: key of the target';
comment on column communication.subject_reference is 'subject: reference, else identifier, as written; null where the key says it all';
comment on column communication.topic_system is 'topic: coding.system';
comment on column communication.topic_code is 'topic: coding.code';
comment on column communication.topic_display is 'topic: coding.display';
comment on column communication.topic_text is 'topic: text';
comment on column communication.encounter_reference is 'encounter: reference, else identifier, as written; null where the key says it all';
comment on column communication.sent is 'sent';
comment on column communication.sent_text is 'sent as written';
comment on column communication.received is 'received';
comment on column communication.received_text is 'received as written';
comment on column communication.sender_type is 'sender: type of the target';
comment on column communication.sender_id is 'sender: key of the target';
comment on column communication.sender_display is 'sender: display';
comment on column communication.sender_reference is 'sender: reference, else identifier, as written; null where the key says it all';
comment on column communication.reason_code_system is 'reasonCode[0]: coding.system';
comment on column communication.reason_code is 'reasonCode[0]: coding.code';
comment on column communication.reason_code_display is 'reasonCode[0]: coding.display';
comment on column communication.reason_code_text is 'reasonCode[0]: text';
comment on column communication.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column communication.last_updated is 'meta.lastUpdated';

create table communication_payload (
  communication_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  content_type text,
  content_string text,
  content_attachment_content_type text,
  content_attachment_url text,
  content_attachment_title text,
  content_attachment_text text,
  content_reference_type text,
  content_reference_id bigint,
  content_reference_display text,
  content_reference_reference text,
  extension jsonb,
  primary key (communication_id, ordinal)
);
comment on table communication_payload is 'the contents of a message: text, attachments and references';
comment on column communication_payload.communication_id is 'key of the resource that the row belongs to';
comment on column communication_payload.ordinal is 'position, from 1, in document order';
comment on column communication_payload.patient_id is 'key of the resource''s patient';
comment on column communication_payload.content_type is 'content[x]: which of string, Attachment, Reference';
comment on column communication_payload.content_string is 'content[x]';
comment on column communication_payload.content_attachment_content_type is 'content[x]: contentType';
comment on column communication_payload.content_attachment_url is 'content[x]: url';
comment on column communication_payload.content_attachment_title is 'content[x]: title';
comment on column communication_payload.content_attachment_text is 'content[x]: data, decoded where contentType is text/*';
comment on column communication_payload.content_reference_type is 'content[x]: type of the target';
comment on column communication_payload.content_reference_id is 'content[x]: key of the target';
comment on column communication_payload.content_reference_display is 'content[x]: display';
comment on column communication_payload.content_reference_reference is 'content[x]: reference, else identifier, as written; null where the key says it all';
comment on column communication_payload.extension is 'extensions of this element that no column takes: an array, each with its path';

create table communication_request (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  encounter_id bigint,
  status text,
  status_reason_code text,
  status_reason_display text,
  category_code text,
  category_display text,
  priority text,
  do_not_perform boolean,
  subject_type text,
  subject_id bigint,
  subject_reference text,
  encounter_reference text,
  occurrence_type text,
  occurrence_start timestamptz,
  occurrence_start_text text,
  occurrence_end timestamptz,
  occurrence_end_text text,
  authored_on timestamptz,
  authored_on_text text,
  requester_type text,
  requester_id bigint,
  requester_display text,
  requester_reference text,
  sender_type text,
  sender_id bigint,
  sender_display text,
  sender_reference text,
  group_identifier_system text,
  group_identifier_value text,
  reason_code_system text,
  reason_code text,
  reason_code_display text,
  reason_code_text text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table communication_request is 'a request to send someone a message about a patient';
comment on column communication_request.id is 'key given by the registry, etl.resource';
comment on column communication_request.fhir_id is 'id: the logical id as the source gave it';
comment on column communication_request.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column communication_request.patient_id is 'subject: key of the patient';
comment on column communication_request.encounter_id is 'encounter: key of the encounter';
comment on column communication_request.status is 'status';
comment on column communication_request.status_reason_code is 'statusReason: coding.code';
comment on column communication_request.status_reason_display is 'statusReason: coding.display, else text';
comment on column communication_request.category_code is 'category[0]: coding.code';
comment on column communication_request.category_display is 'category[0]: coding.display, else text';
comment on column communication_request.priority is 'priority';
comment on column communication_request.do_not_perform is 'doNotPerform';
comment on column communication_request.subject_type is 'subject: type of the target';
comment on column communication_request.subject_id is 'subject: key of the target';
comment on column communication_request.subject_reference is 'subject: reference, else identifier, as written; null where the key says it all';
comment on column communication_request.encounter_reference is 'encounter: reference, else identifier, as written; null where the key says it all';
comment on column communication_request.occurrence_type is 'occurrence[x]: which of dateTime, Period';
comment on column communication_request.occurrence_start is 'occurrence[x]: start';
comment on column communication_request.occurrence_start_text is 'occurrence[x]: start as written';
comment on column communication_request.occurrence_end is 'occurrence[x]: end';
comment on column communication_request.occurrence_end_text is 'occurrence[x]: end as written';
comment on column communication_request.authored_on is 'authoredOn';
comment on column communication_request.authored_on_text is 'authoredOn as written';
comment on column communication_request.requester_type is 'requester: type of the target';
comment on column communication_request.requester_id is 'requester: key of the target';
comment on column communication_request.requester_display is 'requester: display';
comment on column communication_request.requester_reference is 'requester: reference, else identifier, as written; null where the key says it all';
comment on column communication_request.sender_type is 'sender: type of the target';
comment on column communication_request.sender_id is 'sender: key of the target';
comment on column communication_request.sender_display is 'sender: display';
comment on column communication_request.sender_reference is 'sender: reference, else identifier, as written; null where the key says it all';
comment on column communication_request.group_identifier_system is 'groupIdentifier: system';
comment on column communication_request.group_identifier_value is 'groupIdentifier: value';
comment on column communication_request.reason_code_system is 'reasonCode[0]: coding.system';
comment on column communication_request.reason_code is 'reasonCode[0]: coding.code';
comment on column communication_request.reason_code_display is 'reasonCode[0]: coding.display';
comment on column communication_request.reason_code_text is 'reasonCode[0]: text';
comment on column communication_request.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column communication_request.last_updated is 'meta.lastUpdated';

create table communication_request_payload (
  communication_request_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  content_type text,
  content_string text,
  content_attachment_content_type text,
  content_attachment_url text,
  content_attachment_title text,
  content_attachment_text text,
  content_reference_type text,
  content_reference_id bigint,
  content_reference_display text,
  content_reference_reference text,
  extension jsonb,
  primary key (communication_request_id, ordinal)
);
comment on table communication_request_payload is 'the contents that a requested message shall have: text, attachments and references';
comment on column communication_request_payload.communication_request_id is 'key of the resource that the row belongs to';
comment on column communication_request_payload.ordinal is 'position, from 1, in document order';
comment on column communication_request_payload.patient_id is 'key of the resource''s patient';
comment on column communication_request_payload.content_type is 'content[x]: which of string, Attachment, Reference';
comment on column communication_request_payload.content_string is 'content[x]';
comment on column communication_request_payload.content_attachment_content_type is 'content[x]: contentType';
comment on column communication_request_payload.content_attachment_url is 'content[x]: url';
comment on column communication_request_payload.content_attachment_title is 'content[x]: title';
comment on column communication_request_payload.content_attachment_text is 'content[x]: data, decoded where contentType is text/*';
comment on column communication_request_payload.content_reference_type is 'content[x]: type of the target';
comment on column communication_request_payload.content_reference_id is 'content[x]: key of the target';
comment on column communication_request_payload.content_reference_display is 'content[x]: display';
comment on column communication_request_payload.content_reference_reference is 'content[x]: reference, else identifier, as written; null where the key says it all';
comment on column communication_request_payload.extension is 'extensions of this element that no column takes: an array, each with its path';

create table questionnaire_response (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  encounter_id bigint,
  identifier_system text,
  identifier_value text,
  questionnaire text,
  status text,
  subject_type text,
  subject_id bigint,
  subject_reference text,
  encounter_reference text,
  authored timestamptz,
  authored_text text,
  author_type text,
  author_id bigint,
  author_display text,
  author_reference text,
  information_source_type text,
  information_source_id bigint,
  information_source_display text,
  information_source_reference text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table questionnaire_response is 'a filled-in form about a patient, with who answered it and when';
comment on column questionnaire_response.id is 'key given by the registry, etl.resource';
comment on column questionnaire_response.fhir_id is 'id: the logical id as the source gave it';
comment on column questionnaire_response.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column questionnaire_response.patient_id is 'subject: key of the patient';
comment on column questionnaire_response.encounter_id is 'encounter: key of the encounter';
comment on column questionnaire_response.identifier_system is 'identifier: system';
comment on column questionnaire_response.identifier_value is 'identifier: value';
comment on column questionnaire_response.questionnaire is 'questionnaire';
comment on column questionnaire_response.status is 'status';
comment on column questionnaire_response.subject_type is 'subject: type of the target';
comment on column questionnaire_response.subject_id is 'subject: key of the target';
comment on column questionnaire_response.subject_reference is 'subject: reference, else identifier, as written; null where the key says it all';
comment on column questionnaire_response.encounter_reference is 'encounter: reference, else identifier, as written; null where the key says it all';
comment on column questionnaire_response.authored is 'authored';
comment on column questionnaire_response.authored_text is 'authored as written';
comment on column questionnaire_response.author_type is 'author: type of the target';
comment on column questionnaire_response.author_id is 'author: key of the target';
comment on column questionnaire_response.author_display is 'author: display';
comment on column questionnaire_response.author_reference is 'author: reference, else identifier, as written; null where the key says it all';
comment on column questionnaire_response.information_source_type is 'source: type of the target (who answered; the column source_id is the sender)';
comment on column questionnaire_response.information_source_id is 'source: key of the target (who answered; the column source_id is the sender)';
comment on column questionnaire_response.information_source_display is 'source: display (who answered; the column source_id is the sender)';
comment on column questionnaire_response.information_source_reference is 'source: reference, else identifier, as written; null where the key says it all (who answered; the column source_id is the sender)';
comment on column questionnaire_response.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column questionnaire_response.last_updated is 'meta.lastUpdated';

create table questionnaire_response_item (
  questionnaire_response_id bigint not null,
  ordinal integer not null,
  parent_ordinal integer,
  answer_ordinal integer,
  level integer,
  patient_id bigint,
  link_id text,
  text text,
  definition text,
  value_type text,
  value_boolean boolean,
  value_decimal numeric,
  value_integer integer,
  value_date date,
  value_date_text text,
  value_date_time timestamptz,
  value_date_time_text text,
  value_time time,
  value_string text,
  value_uri text,
  value_attachment_content_type text,
  value_attachment_url text,
  value_attachment_title text,
  value_attachment_text text,
  value_coding_system text,
  value_coding_code text,
  value_coding_display text,
  value_quantity_value numeric,
  value_quantity_comparator text,
  value_quantity_unit text,
  value_quantity_system text,
  value_quantity_code text,
  value_reference_type text,
  value_reference_id bigint,
  value_reference_display text,
  value_reference_reference text,
  extension jsonb,
  primary key (questionnaire_response_id, ordinal)
);
comment on table questionnaire_response_item is 'the questions of a filled-in form, one row an answer, and one where there is none';
comment on column questionnaire_response_item.questionnaire_response_id is 'key of the resource that the row belongs to';
comment on column questionnaire_response_item.ordinal is 'position, from 1, in document order';
comment on column questionnaire_response_item.parent_ordinal is 'ordinal of the row of the enclosing item';
comment on column questionnaire_response_item.answer_ordinal is 'position of the answer in its item; null without one';
comment on column questionnaire_response_item.level is '1 at the top';
comment on column questionnaire_response_item.patient_id is 'key of the resource''s patient';
comment on column questionnaire_response_item.link_id is 'linkId';
comment on column questionnaire_response_item.text is 'text';
comment on column questionnaire_response_item.definition is 'definition';
comment on column questionnaire_response_item.value_type is 'answer.value[x]: which of boolean, decimal, integer, date, dateTime, time, string, uri, Attachment, Coding, Quantity, Reference';
comment on column questionnaire_response_item.value_boolean is 'answer.value[x]';
comment on column questionnaire_response_item.value_decimal is 'answer.value[x]';
comment on column questionnaire_response_item.value_integer is 'answer.value[x]';
comment on column questionnaire_response_item.value_date is 'answer.value[x]';
comment on column questionnaire_response_item.value_date_text is 'answer.value[x] as written';
comment on column questionnaire_response_item.value_date_time is 'answer.value[x]';
comment on column questionnaire_response_item.value_date_time_text is 'answer.value[x] as written';
comment on column questionnaire_response_item.value_time is 'answer.value[x]';
comment on column questionnaire_response_item.value_string is 'answer.value[x]';
comment on column questionnaire_response_item.value_uri is 'answer.value[x]';
comment on column questionnaire_response_item.value_attachment_content_type is 'answer.value[x]: contentType';
comment on column questionnaire_response_item.value_attachment_url is 'answer.value[x]: url';
comment on column questionnaire_response_item.value_attachment_title is 'answer.value[x]: title';
comment on column questionnaire_response_item.value_attachment_text is 'answer.value[x]: data, decoded where contentType is text/*';
comment on column questionnaire_response_item.value_coding_system is 'answer.value[x]: system';
comment on column questionnaire_response_item.value_coding_code is 'answer.value[x]: code';
comment on column questionnaire_response_item.value_coding_display is 'answer.value[x]: display';
comment on column questionnaire_response_item.value_quantity_value is 'answer.value[x]: value';
comment on column questionnaire_response_item.value_quantity_comparator is 'answer.value[x]: comparator';
comment on column questionnaire_response_item.value_quantity_unit is 'answer.value[x]: unit';
comment on column questionnaire_response_item.value_quantity_system is 'answer.value[x]: system';
comment on column questionnaire_response_item.value_quantity_code is 'answer.value[x]: code';
comment on column questionnaire_response_item.value_reference_type is 'answer.value[x]: type of the target';
comment on column questionnaire_response_item.value_reference_id is 'answer.value[x]: key of the target';
comment on column questionnaire_response_item.value_reference_display is 'answer.value[x]: display';
comment on column questionnaire_response_item.value_reference_reference is 'answer.value[x]: reference, else identifier, as written; null where the key says it all';
comment on column questionnaire_response_item.extension is 'extensions of this element that no column takes: an array, each with its path';

create table consent (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  status text,
  scope_code text,
  scope_display text,
  category_code text,
  category_display text,
  patient_reference text,
  date_time timestamptz,
  date_time_text text,
  organization_id bigint,
  organization_display text,
  organization_reference text,
  source_type text,
  source_attachment_content_type text,
  source_attachment_url text,
  source_attachment_title text,
  source_attachment_text text,
  source_reference_type text,
  source_reference_id bigint,
  source_reference_display text,
  source_reference_reference text,
  policy_rule_code text,
  policy_rule_display text,
  provision_type text,
  provision_period_start timestamptz,
  provision_period_start_text text,
  provision_period_end timestamptz,
  provision_period_end_text text,
  provision jsonb,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table consent is 'what a patient allows or forbids: treatment, research, or sharing of records, and for how long';
comment on column consent.id is 'key given by the registry, etl.resource';
comment on column consent.fhir_id is 'id: the logical id as the source gave it';
comment on column consent.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column consent.patient_id is 'patient: key of the patient';
comment on column consent.status is 'status';
comment on column consent.scope_code is 'scope: coding.code';
comment on column consent.scope_display is 'scope: coding.display, else text';
comment on column consent.category_code is 'category[0]: coding.code';
comment on column consent.category_display is 'category[0]: coding.display, else text';
comment on column consent.patient_reference is 'patient: reference, else identifier, as written; null where the key says it all';
comment on column consent.date_time is 'dateTime';
comment on column consent.date_time_text is 'dateTime as written';
comment on column consent.organization_id is 'organization[0]: key of the target';
comment on column consent.organization_display is 'organization[0]: display';
comment on column consent.organization_reference is 'organization[0]: reference, else identifier, as written; null where the key says it all';
comment on column consent.source_type is 'source[x]: which of Attachment, Reference';
comment on column consent.source_attachment_content_type is 'source[x]: contentType';
comment on column consent.source_attachment_url is 'source[x]: url';
comment on column consent.source_attachment_title is 'source[x]: title';
comment on column consent.source_attachment_text is 'source[x]: data, decoded where contentType is text/*';
comment on column consent.source_reference_type is 'source[x]: type of the target';
comment on column consent.source_reference_id is 'source[x]: key of the target';
comment on column consent.source_reference_display is 'source[x]: display';
comment on column consent.source_reference_reference is 'source[x]: reference, else identifier, as written; null where the key says it all';
comment on column consent.policy_rule_code is 'policyRule: coding.code';
comment on column consent.policy_rule_display is 'policyRule: coding.display, else text';
comment on column consent.provision_type is 'provision.type';
comment on column consent.provision_period_start is 'provision.period: start';
comment on column consent.provision_period_start_text is 'provision.period: start as written';
comment on column consent.provision_period_end is 'provision.period: end';
comment on column consent.provision_period_end_text is 'provision.period: end as written';
comment on column consent.provision is 'provision (what is allowed and forbidden, nested to any depth, as written)';
comment on column consent.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column consent.last_updated is 'meta.lastUpdated';

create table coverage (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  status text,
  type_system text,
  type_code text,
  type_display text,
  type_text text,
  policy_holder_type text,
  policy_holder_id bigint,
  policy_holder_display text,
  policy_holder_reference text,
  subscriber_party_type text,
  subscriber_party_id bigint,
  subscriber_party_display text,
  subscriber_party_reference text,
  subscriber_id text,
  beneficiary_reference text,
  dependent text,
  relationship_code text,
  relationship_display text,
  period_start timestamptz,
  period_start_text text,
  period_end timestamptz,
  period_end_text text,
  payor_type text,
  payor_id bigint,
  payor_display text,
  payor_reference text,
  "order" integer,
  network text,
  subrogation boolean,
  group_number text,
  plan_name text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table coverage is 'an insurance or other promise to pay for a patient''s care, with payer, group and plan';
comment on column coverage.id is 'key given by the registry, etl.resource';
comment on column coverage.fhir_id is 'id: the logical id as the source gave it';
comment on column coverage.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column coverage.patient_id is 'beneficiary: key of the patient';
comment on column coverage.status is 'status';
comment on column coverage.type_system is 'type: coding.system';
comment on column coverage.type_code is 'type: coding.code';
comment on column coverage.type_display is 'type: coding.display';
comment on column coverage.type_text is 'type: text';
comment on column coverage.policy_holder_type is 'policyHolder: type of the target';
comment on column coverage.policy_holder_id is 'policyHolder: key of the target';
comment on column coverage.policy_holder_display is 'policyHolder: display';
comment on column coverage.policy_holder_reference is 'policyHolder: reference, else identifier, as written; null where the key says it all';
comment on column coverage.subscriber_party_type is 'subscriber: type of the target';
comment on column coverage.subscriber_party_id is 'subscriber: key of the target';
comment on column coverage.subscriber_party_display is 'subscriber: display';
comment on column coverage.subscriber_party_reference is 'subscriber: reference, else identifier, as written; null where the key says it all';
comment on column coverage.subscriber_id is 'subscriberId';
comment on column coverage.beneficiary_reference is 'beneficiary: reference, else identifier, as written; null where the key says it all';
comment on column coverage.dependent is 'dependent';
comment on column coverage.relationship_code is 'relationship: coding.code';
comment on column coverage.relationship_display is 'relationship: coding.display, else text';
comment on column coverage.period_start is 'period: start';
comment on column coverage.period_start_text is 'period: start as written';
comment on column coverage.period_end is 'period: end';
comment on column coverage.period_end_text is 'period: end as written';
comment on column coverage.payor_type is 'payor[0]: type of the target';
comment on column coverage.payor_id is 'payor[0]: key of the target';
comment on column coverage.payor_display is 'payor[0]: display';
comment on column coverage.payor_reference is 'payor[0]: reference, else identifier, as written; null where the key says it all';
comment on column coverage."order" is 'order';
comment on column coverage.network is 'network';
comment on column coverage.subrogation is 'subrogation';
comment on column coverage.group_number is 'class.where(type.coding.code = ''group'').value';
comment on column coverage.plan_name is 'class.where(type.coding.code = ''plan'').name | class.where(type.coding.code = ''plan'').value';
comment on column coverage.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column coverage.last_updated is 'meta.lastUpdated';

create table coverage_class (
  coverage_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  type_code text,
  type_display text,
  value text,
  name text,
  extension jsonb,
  primary key (coverage_id, ordinal)
);
comment on table coverage_class is 'the group, plan and other classes of a coverage';
comment on column coverage_class.coverage_id is 'key of the resource that the row belongs to';
comment on column coverage_class.ordinal is 'position, from 1, in document order';
comment on column coverage_class.patient_id is 'key of the resource''s patient';
comment on column coverage_class.type_code is 'type: coding.code';
comment on column coverage_class.type_display is 'type: coding.display, else text';
comment on column coverage_class.value is 'value';
comment on column coverage_class.name is 'name';
comment on column coverage_class.extension is 'extensions of this element that no column takes: an array, each with its path';

create table coverage_cost_to_beneficiary (
  coverage_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  type_code text,
  type_display text,
  value_type text,
  value_quantity_value numeric,
  value_quantity_unit text,
  value_quantity_code text,
  value_money_value numeric,
  value_money_currency text,
  extension jsonb,
  primary key (coverage_id, ordinal)
);
comment on table coverage_cost_to_beneficiary is 'what a patient pays themselves under a coverage: copayments, deductibles and the like';
comment on column coverage_cost_to_beneficiary.coverage_id is 'key of the resource that the row belongs to';
comment on column coverage_cost_to_beneficiary.ordinal is 'position, from 1, in document order';
comment on column coverage_cost_to_beneficiary.patient_id is 'key of the resource''s patient';
comment on column coverage_cost_to_beneficiary.type_code is 'type: coding.code';
comment on column coverage_cost_to_beneficiary.type_display is 'type: coding.display, else text';
comment on column coverage_cost_to_beneficiary.value_type is 'value[x]: which of Quantity, Money';
comment on column coverage_cost_to_beneficiary.value_quantity_value is 'value[x]: value';
comment on column coverage_cost_to_beneficiary.value_quantity_unit is 'value[x]: unit';
comment on column coverage_cost_to_beneficiary.value_quantity_code is 'value[x]: code';
comment on column coverage_cost_to_beneficiary.value_money_value is 'value[x]: value';
comment on column coverage_cost_to_beneficiary.value_money_currency is 'value[x]: currency';
comment on column coverage_cost_to_beneficiary.extension is 'extensions of this element that no column takes: an array, each with its path';

create table claim (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  encounter_id bigint,
  status text,
  type_system text,
  type_code text,
  type_display text,
  type_text text,
  sub_type_code text,
  sub_type_display text,
  "use" text,
  patient_reference text,
  billable_period_start timestamptz,
  billable_period_start_text text,
  billable_period_end timestamptz,
  billable_period_end_text text,
  created timestamptz,
  created_text text,
  insurer_id bigint,
  insurer_display text,
  insurer_reference text,
  provider_type text,
  provider_id bigint,
  provider_display text,
  provider_reference text,
  priority_code text,
  priority_display text,
  prescription_type text,
  prescription_id bigint,
  prescription_display text,
  prescription_reference text,
  payee_type_code text,
  payee_type_display text,
  payee_party_type text,
  payee_party_id bigint,
  payee_party_display text,
  payee_party_reference text,
  referral_id bigint,
  referral_display text,
  referral_reference text,
  facility_id bigint,
  facility_display text,
  facility_reference text,
  accident_date date,
  accident_date_text text,
  accident_type_code text,
  accident_type_display text,
  total_value numeric,
  total_currency text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table claim is 'a bill, or a request to approve costs, that a provider sends to a payer for a patient''s care';
comment on column claim.id is 'key given by the registry, etl.resource';
comment on column claim.fhir_id is 'id: the logical id as the source gave it';
comment on column claim.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column claim.patient_id is 'patient: key of the patient';
comment on column claim.encounter_id is 'item.encounter: key of the encounter';
comment on column claim.status is 'status';
comment on column claim.type_system is 'type: coding.system';
comment on column claim.type_code is 'type: coding.code';
comment on column claim.type_display is 'type: coding.display';
comment on column claim.type_text is 'type: text';
comment on column claim.sub_type_code is 'subType: coding.code';
comment on column claim.sub_type_display is 'subType: coding.display, else text';
comment on column claim."use" is 'use';
comment on column claim.patient_reference is 'patient: reference, else identifier, as written; null where the key says it all';
comment on column claim.billable_period_start is 'billablePeriod: start';
comment on column claim.billable_period_start_text is 'billablePeriod: start as written';
comment on column claim.billable_period_end is 'billablePeriod: end';
comment on column claim.billable_period_end_text is 'billablePeriod: end as written';
comment on column claim.created is 'created';
comment on column claim.created_text is 'created as written';
comment on column claim.insurer_id is 'insurer: key of the target';
comment on column claim.insurer_display is 'insurer: display';
comment on column claim.insurer_reference is 'insurer: reference, else identifier, as written; null where the key says it all';
comment on column claim.provider_type is 'provider: type of the target';
comment on column claim.provider_id is 'provider: key of the target';
comment on column claim.provider_display is 'provider: display';
comment on column claim.provider_reference is 'provider: reference, else identifier, as written; null where the key says it all';
comment on column claim.priority_code is 'priority: coding.code';
comment on column claim.priority_display is 'priority: coding.display, else text';
comment on column claim.prescription_type is 'prescription: type of the target';
comment on column claim.prescription_id is 'prescription: key of the target';
comment on column claim.prescription_display is 'prescription: display';
comment on column claim.prescription_reference is 'prescription: reference, else identifier, as written; null where the key says it all';
comment on column claim.payee_type_code is 'payee.type: coding.code';
comment on column claim.payee_type_display is 'payee.type: coding.display, else text';
comment on column claim.payee_party_type is 'payee.party: type of the target';
comment on column claim.payee_party_id is 'payee.party: key of the target';
comment on column claim.payee_party_display is 'payee.party: display';
comment on column claim.payee_party_reference is 'payee.party: reference, else identifier, as written; null where the key says it all';
comment on column claim.referral_id is 'referral: key of the target';
comment on column claim.referral_display is 'referral: display';
comment on column claim.referral_reference is 'referral: reference, else identifier, as written; null where the key says it all';
comment on column claim.facility_id is 'facility: key of the target';
comment on column claim.facility_display is 'facility: display';
comment on column claim.facility_reference is 'facility: reference, else identifier, as written; null where the key says it all';
comment on column claim.accident_date is 'accident.date';
comment on column claim.accident_date_text is 'accident.date as written';
comment on column claim.accident_type_code is 'accident.type: coding.code';
comment on column claim.accident_type_display is 'accident.type: coding.display, else text';
comment on column claim.total_value is 'total: value';
comment on column claim.total_currency is 'total: currency';
comment on column claim.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column claim.last_updated is 'meta.lastUpdated';

create table claim_related (
  claim_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  related_claim_id bigint,
  related_claim_display text,
  related_claim_reference text,
  relationship_code text,
  relationship_display text,
  reference_system text,
  reference_value text,
  extension jsonb,
  primary key (claim_id, ordinal)
);
comment on table claim_related is 'the other claims that a claim follows, replaces or belongs to';
comment on column claim_related.claim_id is 'key of the resource that the row belongs to';
comment on column claim_related.ordinal is 'position, from 1, in document order';
comment on column claim_related.patient_id is 'key of the resource''s patient';
comment on column claim_related.related_claim_id is 'claim: key of the target';
comment on column claim_related.related_claim_display is 'claim: display';
comment on column claim_related.related_claim_reference is 'claim: reference, else identifier, as written; null where the key says it all';
comment on column claim_related.relationship_code is 'relationship: coding.code';
comment on column claim_related.relationship_display is 'relationship: coding.display, else text';
comment on column claim_related.reference_system is 'reference: system';
comment on column claim_related.reference_value is 'reference: value';
comment on column claim_related.extension is 'extensions of this element that no column takes: an array, each with its path';

create table claim_care_team (
  claim_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  sequence integer,
  provider_type text,
  provider_id bigint,
  provider_display text,
  provider_reference text,
  responsible boolean,
  role_code text,
  role_display text,
  qualification_code text,
  qualification_display text,
  extension jsonb,
  primary key (claim_id, ordinal)
);
comment on table claim_care_team is 'the practitioners and organizations behind the services of a claim';
comment on column claim_care_team.claim_id is 'key of the resource that the row belongs to';
comment on column claim_care_team.ordinal is 'position, from 1, in document order';
comment on column claim_care_team.patient_id is 'key of the resource''s patient';
comment on column claim_care_team.sequence is 'sequence';
comment on column claim_care_team.provider_type is 'provider: type of the target';
comment on column claim_care_team.provider_id is 'provider: key of the target';
comment on column claim_care_team.provider_display is 'provider: display';
comment on column claim_care_team.provider_reference is 'provider: reference, else identifier, as written; null where the key says it all';
comment on column claim_care_team.responsible is 'responsible';
comment on column claim_care_team.role_code is 'role: coding.code';
comment on column claim_care_team.role_display is 'role: coding.display, else text';
comment on column claim_care_team.qualification_code is 'qualification: coding.code';
comment on column claim_care_team.qualification_display is 'qualification: coding.display, else text';
comment on column claim_care_team.extension is 'extensions of this element that no column takes: an array, each with its path';

create table claim_supporting_info (
  claim_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  sequence integer,
  category_system text,
  category_code text,
  category_display text,
  category_text text,
  code_system text,
  code text,
  code_display text,
  code_text text,
  timing_type text,
  timing_start timestamptz,
  timing_start_text text,
  timing_end timestamptz,
  timing_end_text text,
  value_type text,
  value_boolean boolean,
  value_string text,
  value_quantity_value numeric,
  value_quantity_comparator text,
  value_quantity_unit text,
  value_quantity_system text,
  value_quantity_code text,
  value_attachment_content_type text,
  value_attachment_url text,
  value_attachment_title text,
  value_attachment_text text,
  value_reference_type text,
  value_reference_id bigint,
  value_reference_display text,
  value_reference_reference text,
  reason_code text,
  reason_display text,
  category_alt_system text,
  category_alt_code text,
  category_alt_display text,
  extension jsonb,
  primary key (claim_id, ordinal)
);
comment on table claim_supporting_info is 'the further facts sent with a claim, such as admission dates, discharge status and attachments';
comment on column claim_supporting_info.claim_id is 'key of the resource that the row belongs to';
comment on column claim_supporting_info.ordinal is 'position, from 1, in document order';
comment on column claim_supporting_info.patient_id is 'key of the resource''s patient';
comment on column claim_supporting_info.sequence is 'sequence';
comment on column claim_supporting_info.category_system is 'category: coding.system';
comment on column claim_supporting_info.category_code is 'category: coding.code';
comment on column claim_supporting_info.category_display is 'category: coding.display';
comment on column claim_supporting_info.category_text is 'category: text';
comment on column claim_supporting_info.code_system is 'code: coding.system';
comment on column claim_supporting_info.code is 'code: coding.code';
comment on column claim_supporting_info.code_display is 'code: coding.display';
comment on column claim_supporting_info.code_text is 'code: text';
comment on column claim_supporting_info.timing_type is 'timing[x]: which of date, Period';
comment on column claim_supporting_info.timing_start is 'timing[x]: start';
comment on column claim_supporting_info.timing_start_text is 'timing[x]: start as written';
comment on column claim_supporting_info.timing_end is 'timing[x]: end';
comment on column claim_supporting_info.timing_end_text is 'timing[x]: end as written';
comment on column claim_supporting_info.value_type is 'value[x]: which of boolean, string, Quantity, Attachment, Reference';
comment on column claim_supporting_info.value_boolean is 'value[x]';
comment on column claim_supporting_info.value_string is 'value[x]';
comment on column claim_supporting_info.value_quantity_value is 'value[x]: value';
comment on column claim_supporting_info.value_quantity_comparator is 'value[x]: comparator';
comment on column claim_supporting_info.value_quantity_unit is 'value[x]: unit';
comment on column claim_supporting_info.value_quantity_system is 'value[x]: system';
comment on column claim_supporting_info.value_quantity_code is 'value[x]: code';
comment on column claim_supporting_info.value_attachment_content_type is 'value[x]: contentType';
comment on column claim_supporting_info.value_attachment_url is 'value[x]: url';
comment on column claim_supporting_info.value_attachment_title is 'value[x]: title';
comment on column claim_supporting_info.value_attachment_text is 'value[x]: data, decoded where contentType is text/*';
comment on column claim_supporting_info.value_reference_type is 'value[x]: type of the target';
comment on column claim_supporting_info.value_reference_id is 'value[x]: key of the target';
comment on column claim_supporting_info.value_reference_display is 'value[x]: display';
comment on column claim_supporting_info.value_reference_reference is 'value[x]: reference, else identifier, as written; null where the key says it all';
comment on column claim_supporting_info.reason_code is 'reason: coding.code';
comment on column claim_supporting_info.reason_display is 'reason: coding.display, else text';
comment on column claim_supporting_info.category_alt_system is 'category: coding.system: of the coding after the one shown (the coding after the one shown in category; CMS puts its variable name there)';
comment on column claim_supporting_info.category_alt_code is 'category: coding.code: of the coding after the one shown (the coding after the one shown in category; CMS puts its variable name there)';
comment on column claim_supporting_info.category_alt_display is 'category: coding.display: of the coding after the one shown (the coding after the one shown in category; CMS puts its variable name there)';
comment on column claim_supporting_info.extension is 'extensions of this element that no column takes: an array, each with its path';

create table claim_diagnosis (
  claim_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  sequence integer,
  diagnosis_type text,
  diagnosis_system text,
  diagnosis_code text,
  diagnosis_display text,
  diagnosis_text text,
  diagnosis_id bigint,
  diagnosis_reference text,
  type_code text,
  type_display text,
  on_admission_code text,
  on_admission_display text,
  package_code text,
  package_code_display text,
  extension jsonb,
  primary key (claim_id, ordinal)
);
comment on table claim_diagnosis is 'the diagnoses of a claim that its lines refer to by number';
comment on column claim_diagnosis.claim_id is 'key of the resource that the row belongs to';
comment on column claim_diagnosis.ordinal is 'position, from 1, in document order';
comment on column claim_diagnosis.patient_id is 'key of the resource''s patient';
comment on column claim_diagnosis.sequence is 'sequence';
comment on column claim_diagnosis.diagnosis_type is 'diagnosis[x]: which of CodeableConcept, Reference';
comment on column claim_diagnosis.diagnosis_system is 'diagnosis[x]: coding.system';
comment on column claim_diagnosis.diagnosis_code is 'diagnosis[x]: coding.code';
comment on column claim_diagnosis.diagnosis_display is 'diagnosis[x]: coding.display';
comment on column claim_diagnosis.diagnosis_text is 'diagnosis[x]: text';
comment on column claim_diagnosis.diagnosis_id is 'diagnosis[x]: key of the target';
comment on column claim_diagnosis.diagnosis_reference is 'diagnosis[x]: reference, else identifier, as written; null where the key says it all';
comment on column claim_diagnosis.type_code is 'type[0]: coding.code';
comment on column claim_diagnosis.type_display is 'type[0]: coding.display, else text';
comment on column claim_diagnosis.on_admission_code is 'onAdmission: coding.code';
comment on column claim_diagnosis.on_admission_display is 'onAdmission: coding.display, else text';
comment on column claim_diagnosis.package_code is 'packageCode: coding.code';
comment on column claim_diagnosis.package_code_display is 'packageCode: coding.display, else text';
comment on column claim_diagnosis.extension is 'extensions of this element that no column takes: an array, each with its path';

create table claim_procedure (
  claim_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  sequence integer,
  type_code text,
  type_display text,
  date timestamptz,
  date_text text,
  procedure_type text,
  procedure_system text,
  procedure_code text,
  procedure_display text,
  procedure_text text,
  procedure_id bigint,
  procedure_reference text,
  extension jsonb,
  primary key (claim_id, ordinal)
);
comment on table claim_procedure is 'the procedures of a claim that its lines refer to by number';
comment on column claim_procedure.claim_id is 'key of the resource that the row belongs to';
comment on column claim_procedure.ordinal is 'position, from 1, in document order';
comment on column claim_procedure.patient_id is 'key of the resource''s patient';
comment on column claim_procedure.sequence is 'sequence';
comment on column claim_procedure.type_code is 'type[0]: coding.code';
comment on column claim_procedure.type_display is 'type[0]: coding.display, else text';
comment on column claim_procedure.date is 'date';
comment on column claim_procedure.date_text is 'date as written';
comment on column claim_procedure.procedure_type is 'procedure[x]: which of CodeableConcept, Reference';
comment on column claim_procedure.procedure_system is 'procedure[x]: coding.system';
comment on column claim_procedure.procedure_code is 'procedure[x]: coding.code';
comment on column claim_procedure.procedure_display is 'procedure[x]: coding.display';
comment on column claim_procedure.procedure_text is 'procedure[x]: text';
comment on column claim_procedure.procedure_id is 'procedure[x]: key of the target';
comment on column claim_procedure.procedure_reference is 'procedure[x]: reference, else identifier, as written; null where the key says it all';
comment on column claim_procedure.extension is 'extensions of this element that no column takes: an array, each with its path';

create table claim_insurance (
  claim_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  sequence integer,
  focal boolean,
  identifier_system text,
  identifier_value text,
  coverage_id bigint,
  coverage_display text,
  coverage_reference text,
  business_arrangement text,
  pre_auth_ref text[],
  claim_response_id bigint,
  claim_response_display text,
  claim_response_reference text,
  extension jsonb,
  primary key (claim_id, ordinal)
);
comment on table claim_insurance is 'the coverages that a claim is to be paid from, in order';
comment on column claim_insurance.claim_id is 'key of the resource that the row belongs to';
comment on column claim_insurance.ordinal is 'position, from 1, in document order';
comment on column claim_insurance.patient_id is 'key of the resource''s patient';
comment on column claim_insurance.sequence is 'sequence';
comment on column claim_insurance.focal is 'focal';
comment on column claim_insurance.identifier_system is 'identifier: system';
comment on column claim_insurance.identifier_value is 'identifier: value';
comment on column claim_insurance.coverage_id is 'coverage: key of the target';
comment on column claim_insurance.coverage_display is 'coverage: display';
comment on column claim_insurance.coverage_reference is 'coverage: reference, else identifier, as written; null where the key says it all';
comment on column claim_insurance.business_arrangement is 'businessArrangement';
comment on column claim_insurance.pre_auth_ref is 'preAuthRef';
comment on column claim_insurance.claim_response_id is 'claimResponse: key of the target';
comment on column claim_insurance.claim_response_display is 'claimResponse: display';
comment on column claim_insurance.claim_response_reference is 'claimResponse: reference, else identifier, as written; null where the key says it all';
comment on column claim_insurance.extension is 'extensions of this element that no column takes: an array, each with its path';

create table claim_item (
  claim_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  sequence integer,
  care_team_sequence integer[],
  diagnosis_sequence integer[],
  procedure_sequence integer[],
  information_sequence integer[],
  revenue_code text,
  revenue_display text,
  category_code text,
  category_display text,
  product_or_service_system text,
  product_or_service_code text,
  product_or_service_display text,
  product_or_service_text text,
  program_code text,
  program_code_display text,
  serviced_type text,
  serviced_start timestamptz,
  serviced_start_text text,
  serviced_end timestamptz,
  serviced_end_text text,
  location_type text,
  location_code text,
  location_display text,
  location_id bigint,
  location_reference text,
  location_address jsonb,
  quantity_value numeric,
  quantity_unit text,
  quantity_code text,
  unit_price_value numeric,
  unit_price_currency text,
  factor numeric,
  net_value numeric,
  net_currency text,
  body_site_code text,
  body_site_display text,
  encounter_id bigint,
  encounter_reference text,
  modifier_codes text[],
  extension jsonb,
  primary key (claim_id, ordinal)
);
comment on table claim_item is 'the lines of a claim: the service or product, its place, time, quantity and price';
comment on column claim_item.claim_id is 'key of the resource that the row belongs to';
comment on column claim_item.ordinal is 'position, from 1, in document order';
comment on column claim_item.patient_id is 'key of the resource''s patient';
comment on column claim_item.sequence is 'sequence';
comment on column claim_item.care_team_sequence is 'careTeamSequence';
comment on column claim_item.diagnosis_sequence is 'diagnosisSequence';
comment on column claim_item.procedure_sequence is 'procedureSequence';
comment on column claim_item.information_sequence is 'informationSequence';
comment on column claim_item.revenue_code is 'revenue: coding.code';
comment on column claim_item.revenue_display is 'revenue: coding.display, else text';
comment on column claim_item.category_code is 'category: coding.code';
comment on column claim_item.category_display is 'category: coding.display, else text';
comment on column claim_item.product_or_service_system is 'productOrService: coding.system';
comment on column claim_item.product_or_service_code is 'productOrService: coding.code';
comment on column claim_item.product_or_service_display is 'productOrService: coding.display';
comment on column claim_item.product_or_service_text is 'productOrService: text';
comment on column claim_item.program_code is 'programCode[0]: coding.code';
comment on column claim_item.program_code_display is 'programCode[0]: coding.display, else text';
comment on column claim_item.serviced_type is 'serviced[x]: which of date, Period';
comment on column claim_item.serviced_start is 'serviced[x]: start';
comment on column claim_item.serviced_start_text is 'serviced[x]: start as written';
comment on column claim_item.serviced_end is 'serviced[x]: end';
comment on column claim_item.serviced_end_text is 'serviced[x]: end as written';
comment on column claim_item.location_type is 'location[x]: which of CodeableConcept, Address, Reference';
comment on column claim_item.location_code is 'location[x]: coding.code';
comment on column claim_item.location_display is 'location[x]: coding.display, else text; or the reference''s display';
comment on column claim_item.location_id is 'location[x]: key of the target';
comment on column claim_item.location_reference is 'location[x]: reference, else identifier, as written; null where the key says it all';
comment on column claim_item.location_address is 'location[x]';
comment on column claim_item.quantity_value is 'quantity: value';
comment on column claim_item.quantity_unit is 'quantity: unit';
comment on column claim_item.quantity_code is 'quantity: code';
comment on column claim_item.unit_price_value is 'unitPrice: value';
comment on column claim_item.unit_price_currency is 'unitPrice: currency';
comment on column claim_item.factor is 'factor';
comment on column claim_item.net_value is 'net: value';
comment on column claim_item.net_currency is 'net: currency';
comment on column claim_item.body_site_code is 'bodySite: coding.code';
comment on column claim_item.body_site_display is 'bodySite: coding.display, else text';
comment on column claim_item.encounter_id is 'encounter[0]: key of the encounter';
comment on column claim_item.encounter_reference is 'encounter[0]: reference, else identifier, as written; null where the key says it all';
comment on column claim_item.modifier_codes is 'modifier.coding[0].code (HCPCS and CPT modifiers, in order)';
comment on column claim_item.extension is 'extensions of this element that no column takes: an array, each with its path';

create table claim_item_detail (
  claim_id bigint not null,
  item_ordinal integer not null,
  detail_ordinal integer not null,
  sub_detail_ordinal integer not null,
  patient_id bigint,
  sequence integer,
  revenue_code text,
  revenue_display text,
  category_code text,
  category_display text,
  product_or_service_system text,
  product_or_service_code text,
  product_or_service_display text,
  product_or_service_text text,
  program_code text,
  program_code_display text,
  quantity_value numeric,
  quantity_unit text,
  quantity_code text,
  unit_price_value numeric,
  unit_price_currency text,
  factor numeric,
  net_value numeric,
  net_currency text,
  modifier_codes text[],
  extension jsonb,
  primary key (claim_id, item_ordinal, detail_ordinal, sub_detail_ordinal)
);
comment on table claim_item_detail is 'the parts that a claim''s line is made of, and the parts of those';
comment on column claim_item_detail.claim_id is 'key of the resource that the row belongs to';
comment on column claim_item_detail.item_ordinal is 'position of the item, from 1';
comment on column claim_item_detail.detail_ordinal is 'position of the detail, from 1';
comment on column claim_item_detail.sub_detail_ordinal is 'position of the subDetail; 0 or null where the row is not of one';
comment on column claim_item_detail.patient_id is 'key of the resource''s patient';
comment on column claim_item_detail.sequence is 'sequence';
comment on column claim_item_detail.revenue_code is 'revenue: coding.code';
comment on column claim_item_detail.revenue_display is 'revenue: coding.display, else text';
comment on column claim_item_detail.category_code is 'category: coding.code';
comment on column claim_item_detail.category_display is 'category: coding.display, else text';
comment on column claim_item_detail.product_or_service_system is 'productOrService: coding.system';
comment on column claim_item_detail.product_or_service_code is 'productOrService: coding.code';
comment on column claim_item_detail.product_or_service_display is 'productOrService: coding.display';
comment on column claim_item_detail.product_or_service_text is 'productOrService: text';
comment on column claim_item_detail.program_code is 'programCode[0]: coding.code';
comment on column claim_item_detail.program_code_display is 'programCode[0]: coding.display, else text';
comment on column claim_item_detail.quantity_value is 'quantity: value';
comment on column claim_item_detail.quantity_unit is 'quantity: unit';
comment on column claim_item_detail.quantity_code is 'quantity: code';
comment on column claim_item_detail.unit_price_value is 'unitPrice: value';
comment on column claim_item_detail.unit_price_currency is 'unitPrice: currency';
comment on column claim_item_detail.factor is 'factor';
comment on column claim_item_detail.net_value is 'net: value';
comment on column claim_item_detail.net_currency is 'net: currency';
comment on column claim_item_detail.modifier_codes is 'modifier.coding[0].code (HCPCS and CPT modifiers, in order)';
comment on column claim_item_detail.extension is 'extensions of this element that no column takes: an array, each with its path';

create table claim_response (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  status text,
  type_system text,
  type_code text,
  type_display text,
  type_text text,
  sub_type_code text,
  sub_type_display text,
  "use" text,
  patient_reference text,
  created timestamptz,
  created_text text,
  insurer_id bigint,
  insurer_display text,
  insurer_reference text,
  requestor_type text,
  requestor_id bigint,
  requestor_display text,
  requestor_reference text,
  request_id bigint,
  request_display text,
  request_reference text,
  outcome text,
  disposition text,
  pre_auth_ref text,
  pre_auth_period_start timestamptz,
  pre_auth_period_start_text text,
  pre_auth_period_end timestamptz,
  pre_auth_period_end_text text,
  payee_type_code text,
  payee_type_display text,
  payment_type_code text,
  payment_type_display text,
  payment_adjustment_value numeric,
  payment_adjustment_currency text,
  payment_adjustment_reason_code text,
  payment_adjustment_reason_display text,
  payment_date date,
  payment_date_text text,
  payment_amount_value numeric,
  payment_amount_currency text,
  payment_identifier_system text,
  payment_identifier_value text,
  funds_reserve_code text,
  funds_reserve_display text,
  form_code text,
  form_code_display text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table claim_response is 'a payer''s answer to a claim or a request for approval, with the outcome and the payment';
comment on column claim_response.id is 'key given by the registry, etl.resource';
comment on column claim_response.fhir_id is 'id: the logical id as the source gave it';
comment on column claim_response.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column claim_response.patient_id is 'patient: key of the patient';
comment on column claim_response.status is 'status';
comment on column claim_response.type_system is 'type: coding.system';
comment on column claim_response.type_code is 'type: coding.code';
comment on column claim_response.type_display is 'type: coding.display';
comment on column claim_response.type_text is 'type: text';
comment on column claim_response.sub_type_code is 'subType: coding.code';
comment on column claim_response.sub_type_display is 'subType: coding.display, else text';
comment on column claim_response."use" is 'use';
comment on column claim_response.patient_reference is 'patient: reference, else identifier, as written; null where the key says it all';
comment on column claim_response.created is 'created';
comment on column claim_response.created_text is 'created as written';
comment on column claim_response.insurer_id is 'insurer: key of the target';
comment on column claim_response.insurer_display is 'insurer: display';
comment on column claim_response.insurer_reference is 'insurer: reference, else identifier, as written; null where the key says it all';
comment on column claim_response.requestor_type is 'requestor: type of the target';
comment on column claim_response.requestor_id is 'requestor: key of the target';
comment on column claim_response.requestor_display is 'requestor: display';
comment on column claim_response.requestor_reference is 'requestor: reference, else identifier, as written; null where the key says it all';
comment on column claim_response.request_id is 'request: key of the target';
comment on column claim_response.request_display is 'request: display';
comment on column claim_response.request_reference is 'request: reference, else identifier, as written; null where the key says it all';
comment on column claim_response.outcome is 'outcome';
comment on column claim_response.disposition is 'disposition';
comment on column claim_response.pre_auth_ref is 'preAuthRef';
comment on column claim_response.pre_auth_period_start is 'preAuthPeriod: start';
comment on column claim_response.pre_auth_period_start_text is 'preAuthPeriod: start as written';
comment on column claim_response.pre_auth_period_end is 'preAuthPeriod: end';
comment on column claim_response.pre_auth_period_end_text is 'preAuthPeriod: end as written';
comment on column claim_response.payee_type_code is 'payeeType: coding.code';
comment on column claim_response.payee_type_display is 'payeeType: coding.display, else text';
comment on column claim_response.payment_type_code is 'payment.type: coding.code';
comment on column claim_response.payment_type_display is 'payment.type: coding.display, else text';
comment on column claim_response.payment_adjustment_value is 'payment.adjustment: value';
comment on column claim_response.payment_adjustment_currency is 'payment.adjustment: currency';
comment on column claim_response.payment_adjustment_reason_code is 'payment.adjustmentReason: coding.code';
comment on column claim_response.payment_adjustment_reason_display is 'payment.adjustmentReason: coding.display, else text';
comment on column claim_response.payment_date is 'payment.date';
comment on column claim_response.payment_date_text is 'payment.date as written';
comment on column claim_response.payment_amount_value is 'payment.amount: value';
comment on column claim_response.payment_amount_currency is 'payment.amount: currency';
comment on column claim_response.payment_identifier_system is 'payment.identifier: system';
comment on column claim_response.payment_identifier_value is 'payment.identifier: value';
comment on column claim_response.funds_reserve_code is 'fundsReserve: coding.code';
comment on column claim_response.funds_reserve_display is 'fundsReserve: coding.display, else text';
comment on column claim_response.form_code is 'formCode: coding.code';
comment on column claim_response.form_code_display is 'formCode: coding.display, else text';
comment on column claim_response.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column claim_response.last_updated is 'meta.lastUpdated';

create table claim_response_item (
  claim_response_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  item_sequence integer,
  note_number integer[],
  extension jsonb,
  primary key (claim_response_id, ordinal)
);
comment on table claim_response_item is 'the claim''s lines that the payer answers';
comment on column claim_response_item.claim_response_id is 'key of the resource that the row belongs to';
comment on column claim_response_item.ordinal is 'position, from 1, in document order';
comment on column claim_response_item.patient_id is 'key of the resource''s patient';
comment on column claim_response_item.item_sequence is 'itemSequence';
comment on column claim_response_item.note_number is 'noteNumber';
comment on column claim_response_item.extension is 'extensions of this element that no column takes: an array, each with its path';

create table claim_response_add_item (
  claim_response_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  item_sequence integer[],
  detail_sequence integer[],
  subdetail_sequence integer[],
  product_or_service_system text,
  product_or_service_code text,
  product_or_service_display text,
  product_or_service_text text,
  serviced_type text,
  serviced_start timestamptz,
  serviced_start_text text,
  serviced_end timestamptz,
  serviced_end_text text,
  location_type text,
  location_code text,
  location_display text,
  location_id bigint,
  location_reference text,
  location_address jsonb,
  quantity_value numeric,
  quantity_unit text,
  quantity_code text,
  unit_price_value numeric,
  unit_price_currency text,
  net_value numeric,
  net_currency text,
  extension jsonb,
  primary key (claim_response_id, ordinal)
);
comment on table claim_response_add_item is 'the lines that the payer added to a claim';
comment on column claim_response_add_item.claim_response_id is 'key of the resource that the row belongs to';
comment on column claim_response_add_item.ordinal is 'position, from 1, in document order';
comment on column claim_response_add_item.patient_id is 'key of the resource''s patient';
comment on column claim_response_add_item.item_sequence is 'itemSequence';
comment on column claim_response_add_item.detail_sequence is 'detailSequence';
comment on column claim_response_add_item.subdetail_sequence is 'subdetailSequence';
comment on column claim_response_add_item.product_or_service_system is 'productOrService: coding.system';
comment on column claim_response_add_item.product_or_service_code is 'productOrService: coding.code';
comment on column claim_response_add_item.product_or_service_display is 'productOrService: coding.display';
comment on column claim_response_add_item.product_or_service_text is 'productOrService: text';
comment on column claim_response_add_item.serviced_type is 'serviced[x]: which of date, Period';
comment on column claim_response_add_item.serviced_start is 'serviced[x]: start';
comment on column claim_response_add_item.serviced_start_text is 'serviced[x]: start as written';
comment on column claim_response_add_item.serviced_end is 'serviced[x]: end';
comment on column claim_response_add_item.serviced_end_text is 'serviced[x]: end as written';
comment on column claim_response_add_item.location_type is 'location[x]: which of CodeableConcept, Address, Reference';
comment on column claim_response_add_item.location_code is 'location[x]: coding.code';
comment on column claim_response_add_item.location_display is 'location[x]: coding.display, else text; or the reference''s display';
comment on column claim_response_add_item.location_id is 'location[x]: key of the target';
comment on column claim_response_add_item.location_reference is 'location[x]: reference, else identifier, as written; null where the key says it all';
comment on column claim_response_add_item.location_address is 'location[x]';
comment on column claim_response_add_item.quantity_value is 'quantity: value';
comment on column claim_response_add_item.quantity_unit is 'quantity: unit';
comment on column claim_response_add_item.quantity_code is 'quantity: code';
comment on column claim_response_add_item.unit_price_value is 'unitPrice: value';
comment on column claim_response_add_item.unit_price_currency is 'unitPrice: currency';
comment on column claim_response_add_item.net_value is 'net: value';
comment on column claim_response_add_item.net_currency is 'net: currency';
comment on column claim_response_add_item.extension is 'extensions of this element that no column takes: an array, each with its path';

create table claim_response_adjudication (
  claim_response_id bigint not null,
  ordinal integer not null,
  level text,
  item_ordinal integer,
  detail_ordinal integer,
  sub_detail_ordinal integer,
  item_sequence integer,
  patient_id bigint,
  category_system text,
  category_code text,
  category_display text,
  category_text text,
  reason_code text,
  reason_display text,
  amount_value numeric,
  amount_currency text,
  value numeric,
  category_alt_system text,
  category_alt_code text,
  category_alt_display text,
  extension jsonb,
  primary key (claim_response_id, ordinal)
);
comment on table claim_response_adjudication is 'every amount that the payer decided on, for the claim as a whole, its lines, their details and added lines';
comment on column claim_response_adjudication.claim_response_id is 'key of the resource that the row belongs to';
comment on column claim_response_adjudication.ordinal is 'position, from 1, in document order';
comment on column claim_response_adjudication.level is 'header | item | detail | sub_detail | add_item';
comment on column claim_response_adjudication.item_ordinal is 'position of the item, from 1';
comment on column claim_response_adjudication.detail_ordinal is 'position of the detail, from 1';
comment on column claim_response_adjudication.sub_detail_ordinal is 'position of the subDetail; 0 or null where the row is not of one';
comment on column claim_response_adjudication.item_sequence is 'sequence of the item';
comment on column claim_response_adjudication.patient_id is 'key of the resource''s patient';
comment on column claim_response_adjudication.category_system is 'category: coding.system';
comment on column claim_response_adjudication.category_code is 'category: coding.code';
comment on column claim_response_adjudication.category_display is 'category: coding.display';
comment on column claim_response_adjudication.category_text is 'category: text';
comment on column claim_response_adjudication.reason_code is 'reason: coding.code';
comment on column claim_response_adjudication.reason_display is 'reason: coding.display, else text';
comment on column claim_response_adjudication.amount_value is 'amount: value';
comment on column claim_response_adjudication.amount_currency is 'amount: currency';
comment on column claim_response_adjudication.value is 'value';
comment on column claim_response_adjudication.category_alt_system is 'category: coding.system: of the coding after the one shown (the coding after the one shown in category; CMS puts its variable name there)';
comment on column claim_response_adjudication.category_alt_code is 'category: coding.code: of the coding after the one shown (the coding after the one shown in category; CMS puts its variable name there)';
comment on column claim_response_adjudication.category_alt_display is 'category: coding.display: of the coding after the one shown (the coding after the one shown in category; CMS puts its variable name there)';
comment on column claim_response_adjudication.extension is 'extensions of this element that no column takes: an array, each with its path';

create table claim_response_total (
  claim_response_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  category_system text,
  category_code text,
  category_display text,
  category_text text,
  amount_value numeric,
  amount_currency text,
  category_alt_system text,
  category_alt_code text,
  category_alt_display text,
  extension jsonb,
  primary key (claim_response_id, ordinal)
);
comment on table claim_response_total is 'the amounts that the payer decided on, added up by category';
comment on column claim_response_total.claim_response_id is 'key of the resource that the row belongs to';
comment on column claim_response_total.ordinal is 'position, from 1, in document order';
comment on column claim_response_total.patient_id is 'key of the resource''s patient';
comment on column claim_response_total.category_system is 'category: coding.system';
comment on column claim_response_total.category_code is 'category: coding.code';
comment on column claim_response_total.category_display is 'category: coding.display';
comment on column claim_response_total.category_text is 'category: text';
comment on column claim_response_total.amount_value is 'amount: value';
comment on column claim_response_total.amount_currency is 'amount: currency';
comment on column claim_response_total.category_alt_system is 'category: coding.system: of the coding after the one shown (the coding after the one shown in category; CMS puts its variable name there)';
comment on column claim_response_total.category_alt_code is 'category: coding.code: of the coding after the one shown (the coding after the one shown in category; CMS puts its variable name there)';
comment on column claim_response_total.category_alt_display is 'category: coding.display: of the coding after the one shown (the coding after the one shown in category; CMS puts its variable name there)';
comment on column claim_response_total.extension is 'extensions of this element that no column takes: an array, each with its path';

create table claim_response_process_note (
  claim_response_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  number integer,
  type text,
  text text,
  language_code text,
  language_display text,
  extension jsonb,
  primary key (claim_response_id, ordinal)
);
comment on table claim_response_process_note is 'the notes of the payer on how a claim was processed';
comment on column claim_response_process_note.claim_response_id is 'key of the resource that the row belongs to';
comment on column claim_response_process_note.ordinal is 'position, from 1, in document order';
comment on column claim_response_process_note.patient_id is 'key of the resource''s patient';
comment on column claim_response_process_note.number is 'number';
comment on column claim_response_process_note.type is 'type';
comment on column claim_response_process_note.text is 'text';
comment on column claim_response_process_note.language_code is 'language: coding.code';
comment on column claim_response_process_note.language_display is 'language: coding.display, else text';
comment on column claim_response_process_note.extension is 'extensions of this element that no column takes: an array, each with its path';

create table claim_response_insurance (
  claim_response_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  sequence integer,
  focal boolean,
  coverage_id bigint,
  coverage_display text,
  coverage_reference text,
  business_arrangement text,
  other_claim_response_id bigint,
  other_claim_response_display text,
  other_claim_response_reference text,
  extension jsonb,
  primary key (claim_response_id, ordinal)
);
comment on table claim_response_insurance is 'the other coverages that the payer took into account';
comment on column claim_response_insurance.claim_response_id is 'key of the resource that the row belongs to';
comment on column claim_response_insurance.ordinal is 'position, from 1, in document order';
comment on column claim_response_insurance.patient_id is 'key of the resource''s patient';
comment on column claim_response_insurance.sequence is 'sequence';
comment on column claim_response_insurance.focal is 'focal';
comment on column claim_response_insurance.coverage_id is 'coverage: key of the target';
comment on column claim_response_insurance.coverage_display is 'coverage: display';
comment on column claim_response_insurance.coverage_reference is 'coverage: reference, else identifier, as written; null where the key says it all';
comment on column claim_response_insurance.business_arrangement is 'businessArrangement';
comment on column claim_response_insurance.other_claim_response_id is 'claimResponse: key of the target';
comment on column claim_response_insurance.other_claim_response_display is 'claimResponse: display';
comment on column claim_response_insurance.other_claim_response_reference is 'claimResponse: reference, else identifier, as written; null where the key says it all';
comment on column claim_response_insurance.extension is 'extensions of this element that no column takes: an array, each with its path';

create table claim_response_error (
  claim_response_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  item_sequence integer,
  detail_sequence integer,
  sub_detail_sequence integer,
  code_system text,
  code text,
  code_display text,
  code_text text,
  extension jsonb,
  primary key (claim_response_id, ordinal)
);
comment on table claim_response_error is 'the errors for which the payer could not process a claim, and the lines they are in';
comment on column claim_response_error.claim_response_id is 'key of the resource that the row belongs to';
comment on column claim_response_error.ordinal is 'position, from 1, in document order';
comment on column claim_response_error.patient_id is 'key of the resource''s patient';
comment on column claim_response_error.item_sequence is 'itemSequence';
comment on column claim_response_error.detail_sequence is 'detailSequence';
comment on column claim_response_error.sub_detail_sequence is 'subDetailSequence';
comment on column claim_response_error.code_system is 'code: coding.system';
comment on column claim_response_error.code is 'code: coding.code';
comment on column claim_response_error.code_display is 'code: coding.display';
comment on column claim_response_error.code_text is 'code: text';
comment on column claim_response_error.extension is 'extensions of this element that no column takes: an array, each with its path';

create table explanation_of_benefit (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  encounter_id bigint,
  status text,
  type_system text,
  type_code text,
  type_display text,
  type_text text,
  sub_type_code text,
  sub_type_display text,
  "use" text,
  patient_reference text,
  billable_period_start timestamptz,
  billable_period_start_text text,
  billable_period_end timestamptz,
  billable_period_end_text text,
  created timestamptz,
  created_text text,
  insurer_id bigint,
  insurer_display text,
  insurer_reference text,
  provider_type text,
  provider_id bigint,
  provider_display text,
  provider_reference text,
  prescription_type text,
  prescription_id bigint,
  prescription_display text,
  prescription_reference text,
  payee_type_code text,
  payee_type_display text,
  payee_party_type text,
  payee_party_id bigint,
  payee_party_display text,
  payee_party_reference text,
  referral_id bigint,
  facility_id bigint,
  facility_display text,
  facility_reference text,
  claim_id bigint,
  claim_display text,
  claim_reference text,
  claim_response_id bigint,
  outcome text,
  disposition text,
  accident_date date,
  accident_date_text text,
  accident_type_code text,
  accident_type_display text,
  payment_type_code text,
  payment_type_display text,
  payment_date date,
  payment_date_text text,
  payment_amount_value numeric,
  payment_amount_currency text,
  claim_type text,
  payer_name text,
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table explanation_of_benefit is 'what a payer tells a patient about a claim: what was billed, by whom, what was paid, and when';
comment on column explanation_of_benefit.id is 'key given by the registry, etl.resource';
comment on column explanation_of_benefit.fhir_id is 'id: the logical id as the source gave it';
comment on column explanation_of_benefit.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column explanation_of_benefit.patient_id is 'patient: key of the patient';
comment on column explanation_of_benefit.encounter_id is 'item.encounter: key of the encounter';
comment on column explanation_of_benefit.status is 'status';
comment on column explanation_of_benefit.type_system is 'type: coding.system';
comment on column explanation_of_benefit.type_code is 'type: coding.code';
comment on column explanation_of_benefit.type_display is 'type: coding.display';
comment on column explanation_of_benefit.type_text is 'type: text';
comment on column explanation_of_benefit.sub_type_code is 'subType: coding.code';
comment on column explanation_of_benefit.sub_type_display is 'subType: coding.display, else text';
comment on column explanation_of_benefit."use" is 'use';
comment on column explanation_of_benefit.patient_reference is 'patient: reference, else identifier, as written; null where the key says it all';
comment on column explanation_of_benefit.billable_period_start is 'billablePeriod: start';
comment on column explanation_of_benefit.billable_period_start_text is 'billablePeriod: start as written';
comment on column explanation_of_benefit.billable_period_end is 'billablePeriod: end';
comment on column explanation_of_benefit.billable_period_end_text is 'billablePeriod: end as written';
comment on column explanation_of_benefit.created is 'created';
comment on column explanation_of_benefit.created_text is 'created as written';
comment on column explanation_of_benefit.insurer_id is 'insurer: key of the target';
comment on column explanation_of_benefit.insurer_display is 'insurer: display';
comment on column explanation_of_benefit.insurer_reference is 'insurer: reference, else identifier, as written; null where the key says it all';
comment on column explanation_of_benefit.provider_type is 'provider: type of the target';
comment on column explanation_of_benefit.provider_id is 'provider: key of the target';
comment on column explanation_of_benefit.provider_display is 'provider: display';
comment on column explanation_of_benefit.provider_reference is 'provider: reference, else identifier, as written; null where the key says it all';
comment on column explanation_of_benefit.prescription_type is 'prescription: type of the target';
comment on column explanation_of_benefit.prescription_id is 'prescription: key of the target';
comment on column explanation_of_benefit.prescription_display is 'prescription: display';
comment on column explanation_of_benefit.prescription_reference is 'prescription: reference, else identifier, as written; null where the key says it all';
comment on column explanation_of_benefit.payee_type_code is 'payee.type: coding.code';
comment on column explanation_of_benefit.payee_type_display is 'payee.type: coding.display, else text';
comment on column explanation_of_benefit.payee_party_type is 'payee.party: type of the target';
comment on column explanation_of_benefit.payee_party_id is 'payee.party: key of the target';
comment on column explanation_of_benefit.payee_party_display is 'payee.party: display';
comment on column explanation_of_benefit.payee_party_reference is 'payee.party: reference, else identifier, as written; null where the key says it all';
comment on column explanation_of_benefit.referral_id is 'referral: key of the target';
comment on column explanation_of_benefit.facility_id is 'facility: key of the target';
comment on column explanation_of_benefit.facility_display is 'facility: display';
comment on column explanation_of_benefit.facility_reference is 'facility: reference, else identifier, as written; null where the key says it all';
comment on column explanation_of_benefit.claim_id is 'claim: key of the target';
comment on column explanation_of_benefit.claim_display is 'claim: display';
comment on column explanation_of_benefit.claim_reference is 'claim: reference, else identifier, as written; null where the key says it all';
comment on column explanation_of_benefit.claim_response_id is 'claimResponse: key of the target';
comment on column explanation_of_benefit.outcome is 'outcome';
comment on column explanation_of_benefit.disposition is 'disposition';
comment on column explanation_of_benefit.accident_date is 'accident.date';
comment on column explanation_of_benefit.accident_date_text is 'accident.date as written';
comment on column explanation_of_benefit.accident_type_code is 'accident.type: coding.code';
comment on column explanation_of_benefit.accident_type_display is 'accident.type: coding.display, else text';
comment on column explanation_of_benefit.payment_type_code is 'payment.type: coding.code';
comment on column explanation_of_benefit.payment_type_display is 'payment.type: coding.display, else text';
comment on column explanation_of_benefit.payment_date is 'payment.date';
comment on column explanation_of_benefit.payment_date_text is 'payment.date as written';
comment on column explanation_of_benefit.payment_amount_value is 'payment.amount: value';
comment on column explanation_of_benefit.payment_amount_currency is 'payment.amount: currency';
comment on column explanation_of_benefit.claim_type is 'type.coding.where(system = ''http://terminology.hl7.org/CodeSystem/claim-type'').code (institutional, professional, pharmacy, oral or vision)';
comment on column explanation_of_benefit.payer_name is 'insurer.display | insurer.resolve().name | insurance.coverage.resolve().payor.display | insurer.identifier.value (the payer, from the insurer or else the contained coverage)';
comment on column explanation_of_benefit.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column explanation_of_benefit.last_updated is 'meta.lastUpdated';

create table explanation_of_benefit_related (
  explanation_of_benefit_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  related_claim_id bigint,
  related_claim_display text,
  related_claim_reference text,
  relationship_code text,
  relationship_display text,
  reference_system text,
  reference_value text,
  extension jsonb,
  primary key (explanation_of_benefit_id, ordinal)
);
comment on table explanation_of_benefit_related is 'the other claims that a claim follows, replaces or belongs to';
comment on column explanation_of_benefit_related.explanation_of_benefit_id is 'key of the resource that the row belongs to';
comment on column explanation_of_benefit_related.ordinal is 'position, from 1, in document order';
comment on column explanation_of_benefit_related.patient_id is 'key of the resource''s patient';
comment on column explanation_of_benefit_related.related_claim_id is 'claim: key of the target';
comment on column explanation_of_benefit_related.related_claim_display is 'claim: display';
comment on column explanation_of_benefit_related.related_claim_reference is 'claim: reference, else identifier, as written; null where the key says it all';
comment on column explanation_of_benefit_related.relationship_code is 'relationship: coding.code';
comment on column explanation_of_benefit_related.relationship_display is 'relationship: coding.display, else text';
comment on column explanation_of_benefit_related.reference_system is 'reference: system';
comment on column explanation_of_benefit_related.reference_value is 'reference: value';
comment on column explanation_of_benefit_related.extension is 'extensions of this element that no column takes: an array, each with its path';

create table explanation_of_benefit_care_team (
  explanation_of_benefit_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  sequence integer,
  provider_type text,
  provider_id bigint,
  provider_display text,
  provider_reference text,
  responsible boolean,
  role_code text,
  role_display text,
  qualification_code text,
  qualification_display text,
  extension jsonb,
  primary key (explanation_of_benefit_id, ordinal)
);
comment on table explanation_of_benefit_care_team is 'the practitioners and organizations behind the services of a claim';
comment on column explanation_of_benefit_care_team.explanation_of_benefit_id is 'key of the resource that the row belongs to';
comment on column explanation_of_benefit_care_team.ordinal is 'position, from 1, in document order';
comment on column explanation_of_benefit_care_team.patient_id is 'key of the resource''s patient';
comment on column explanation_of_benefit_care_team.sequence is 'sequence';
comment on column explanation_of_benefit_care_team.provider_type is 'provider: type of the target';
comment on column explanation_of_benefit_care_team.provider_id is 'provider: key of the target';
comment on column explanation_of_benefit_care_team.provider_display is 'provider: display';
comment on column explanation_of_benefit_care_team.provider_reference is 'provider: reference, else identifier, as written; null where the key says it all';
comment on column explanation_of_benefit_care_team.responsible is 'responsible';
comment on column explanation_of_benefit_care_team.role_code is 'role: coding.code';
comment on column explanation_of_benefit_care_team.role_display is 'role: coding.display, else text';
comment on column explanation_of_benefit_care_team.qualification_code is 'qualification: coding.code';
comment on column explanation_of_benefit_care_team.qualification_display is 'qualification: coding.display, else text';
comment on column explanation_of_benefit_care_team.extension is 'extensions of this element that no column takes: an array, each with its path';

create table explanation_of_benefit_supporting_info (
  explanation_of_benefit_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  sequence integer,
  category_system text,
  category_code text,
  category_display text,
  category_text text,
  code_system text,
  code text,
  code_display text,
  code_text text,
  timing_type text,
  timing_start timestamptz,
  timing_start_text text,
  timing_end timestamptz,
  timing_end_text text,
  value_type text,
  value_boolean boolean,
  value_string text,
  value_quantity_value numeric,
  value_quantity_comparator text,
  value_quantity_unit text,
  value_quantity_system text,
  value_quantity_code text,
  value_attachment_content_type text,
  value_attachment_url text,
  value_attachment_title text,
  value_attachment_text text,
  value_reference_type text,
  value_reference_id bigint,
  value_reference_display text,
  value_reference_reference text,
  reason_system text,
  reason_code text,
  reason_display text,
  category_alt_system text,
  category_alt_code text,
  category_alt_display text,
  extension jsonb,
  primary key (explanation_of_benefit_id, ordinal)
);
comment on table explanation_of_benefit_supporting_info is 'the further facts of a claim, such as admission dates, discharge status, type of bill and the like';
comment on column explanation_of_benefit_supporting_info.explanation_of_benefit_id is 'key of the resource that the row belongs to';
comment on column explanation_of_benefit_supporting_info.ordinal is 'position, from 1, in document order';
comment on column explanation_of_benefit_supporting_info.patient_id is 'key of the resource''s patient';
comment on column explanation_of_benefit_supporting_info.sequence is 'sequence';
comment on column explanation_of_benefit_supporting_info.category_system is 'category: coding.system';
comment on column explanation_of_benefit_supporting_info.category_code is 'category: coding.code';
comment on column explanation_of_benefit_supporting_info.category_display is 'category: coding.display';
comment on column explanation_of_benefit_supporting_info.category_text is 'category: text';
comment on column explanation_of_benefit_supporting_info.code_system is 'code: coding.system';
comment on column explanation_of_benefit_supporting_info.code is 'code: coding.code';
comment on column explanation_of_benefit_supporting_info.code_display is 'code: coding.display';
comment on column explanation_of_benefit_supporting_info.code_text is 'code: text';
comment on column explanation_of_benefit_supporting_info.timing_type is 'timing[x]: which of date, Period';
comment on column explanation_of_benefit_supporting_info.timing_start is 'timing[x]: start';
comment on column explanation_of_benefit_supporting_info.timing_start_text is 'timing[x]: start as written';
comment on column explanation_of_benefit_supporting_info.timing_end is 'timing[x]: end';
comment on column explanation_of_benefit_supporting_info.timing_end_text is 'timing[x]: end as written';
comment on column explanation_of_benefit_supporting_info.value_type is 'value[x]: which of boolean, string, Quantity, Attachment, Reference';
comment on column explanation_of_benefit_supporting_info.value_boolean is 'value[x]';
comment on column explanation_of_benefit_supporting_info.value_string is 'value[x]';
comment on column explanation_of_benefit_supporting_info.value_quantity_value is 'value[x]: value';
comment on column explanation_of_benefit_supporting_info.value_quantity_comparator is 'value[x]: comparator';
comment on column explanation_of_benefit_supporting_info.value_quantity_unit is 'value[x]: unit';
comment on column explanation_of_benefit_supporting_info.value_quantity_system is 'value[x]: system';
comment on column explanation_of_benefit_supporting_info.value_quantity_code is 'value[x]: code';
comment on column explanation_of_benefit_supporting_info.value_attachment_content_type is 'value[x]: contentType';
comment on column explanation_of_benefit_supporting_info.value_attachment_url is 'value[x]: url';
comment on column explanation_of_benefit_supporting_info.value_attachment_title is 'value[x]: title';
comment on column explanation_of_benefit_supporting_info.value_attachment_text is 'value[x]: data, decoded where contentType is text/*';
comment on column explanation_of_benefit_supporting_info.value_reference_type is 'value[x]: type of the target';
comment on column explanation_of_benefit_supporting_info.value_reference_id is 'value[x]: key of the target';
comment on column explanation_of_benefit_supporting_info.value_reference_display is 'value[x]: display';
comment on column explanation_of_benefit_supporting_info.value_reference_reference is 'value[x]: reference, else identifier, as written; null where the key says it all';
comment on column explanation_of_benefit_supporting_info.reason_system is 'reason: system';
comment on column explanation_of_benefit_supporting_info.reason_code is 'reason: code';
comment on column explanation_of_benefit_supporting_info.reason_display is 'reason: display';
comment on column explanation_of_benefit_supporting_info.category_alt_system is 'category: coding.system: of the coding after the one shown (the coding after the one shown in category; CMS puts its variable name there)';
comment on column explanation_of_benefit_supporting_info.category_alt_code is 'category: coding.code: of the coding after the one shown (the coding after the one shown in category; CMS puts its variable name there)';
comment on column explanation_of_benefit_supporting_info.category_alt_display is 'category: coding.display: of the coding after the one shown (the coding after the one shown in category; CMS puts its variable name there)';
comment on column explanation_of_benefit_supporting_info.extension is 'extensions of this element that no column takes: an array, each with its path';

create table explanation_of_benefit_diagnosis (
  explanation_of_benefit_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  sequence integer,
  diagnosis_type text,
  diagnosis_system text,
  diagnosis_code text,
  diagnosis_display text,
  diagnosis_text text,
  diagnosis_id bigint,
  diagnosis_reference text,
  type_code text,
  type_display text,
  on_admission_code text,
  on_admission_display text,
  package_code text,
  package_code_display text,
  extension jsonb,
  primary key (explanation_of_benefit_id, ordinal)
);
comment on table explanation_of_benefit_diagnosis is 'the diagnoses of a claim that its lines refer to by number';
comment on column explanation_of_benefit_diagnosis.explanation_of_benefit_id is 'key of the resource that the row belongs to';
comment on column explanation_of_benefit_diagnosis.ordinal is 'position, from 1, in document order';
comment on column explanation_of_benefit_diagnosis.patient_id is 'key of the resource''s patient';
comment on column explanation_of_benefit_diagnosis.sequence is 'sequence';
comment on column explanation_of_benefit_diagnosis.diagnosis_type is 'diagnosis[x]: which of CodeableConcept, Reference';
comment on column explanation_of_benefit_diagnosis.diagnosis_system is 'diagnosis[x]: coding.system';
comment on column explanation_of_benefit_diagnosis.diagnosis_code is 'diagnosis[x]: coding.code';
comment on column explanation_of_benefit_diagnosis.diagnosis_display is 'diagnosis[x]: coding.display';
comment on column explanation_of_benefit_diagnosis.diagnosis_text is 'diagnosis[x]: text';
comment on column explanation_of_benefit_diagnosis.diagnosis_id is 'diagnosis[x]: key of the target';
comment on column explanation_of_benefit_diagnosis.diagnosis_reference is 'diagnosis[x]: reference, else identifier, as written; null where the key says it all';
comment on column explanation_of_benefit_diagnosis.type_code is 'type[0]: coding.code';
comment on column explanation_of_benefit_diagnosis.type_display is 'type[0]: coding.display, else text';
comment on column explanation_of_benefit_diagnosis.on_admission_code is 'onAdmission: coding.code';
comment on column explanation_of_benefit_diagnosis.on_admission_display is 'onAdmission: coding.display, else text';
comment on column explanation_of_benefit_diagnosis.package_code is 'packageCode: coding.code';
comment on column explanation_of_benefit_diagnosis.package_code_display is 'packageCode: coding.display, else text';
comment on column explanation_of_benefit_diagnosis.extension is 'extensions of this element that no column takes: an array, each with its path';

create table explanation_of_benefit_procedure (
  explanation_of_benefit_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  sequence integer,
  type_code text,
  type_display text,
  date timestamptz,
  date_text text,
  procedure_type text,
  procedure_system text,
  procedure_code text,
  procedure_display text,
  procedure_text text,
  procedure_id bigint,
  procedure_reference text,
  extension jsonb,
  primary key (explanation_of_benefit_id, ordinal)
);
comment on table explanation_of_benefit_procedure is 'the procedures of a claim that its lines refer to by number';
comment on column explanation_of_benefit_procedure.explanation_of_benefit_id is 'key of the resource that the row belongs to';
comment on column explanation_of_benefit_procedure.ordinal is 'position, from 1, in document order';
comment on column explanation_of_benefit_procedure.patient_id is 'key of the resource''s patient';
comment on column explanation_of_benefit_procedure.sequence is 'sequence';
comment on column explanation_of_benefit_procedure.type_code is 'type[0]: coding.code';
comment on column explanation_of_benefit_procedure.type_display is 'type[0]: coding.display, else text';
comment on column explanation_of_benefit_procedure.date is 'date';
comment on column explanation_of_benefit_procedure.date_text is 'date as written';
comment on column explanation_of_benefit_procedure.procedure_type is 'procedure[x]: which of CodeableConcept, Reference';
comment on column explanation_of_benefit_procedure.procedure_system is 'procedure[x]: coding.system';
comment on column explanation_of_benefit_procedure.procedure_code is 'procedure[x]: coding.code';
comment on column explanation_of_benefit_procedure.procedure_display is 'procedure[x]: coding.display';
comment on column explanation_of_benefit_procedure.procedure_text is 'procedure[x]: text';
comment on column explanation_of_benefit_procedure.procedure_id is 'procedure[x]: key of the target';
comment on column explanation_of_benefit_procedure.procedure_reference is 'procedure[x]: reference, else identifier, as written; null where the key says it all';
comment on column explanation_of_benefit_procedure.extension is 'extensions of this element that no column takes: an array, each with its path';

create table explanation_of_benefit_insurance (
  explanation_of_benefit_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  focal boolean,
  coverage_id bigint,
  coverage_display text,
  coverage_reference text,
  pre_auth_ref text[],
  extension jsonb,
  primary key (explanation_of_benefit_id, ordinal)
);
comment on table explanation_of_benefit_insurance is 'the coverages that a claim was paid from';
comment on column explanation_of_benefit_insurance.explanation_of_benefit_id is 'key of the resource that the row belongs to';
comment on column explanation_of_benefit_insurance.ordinal is 'position, from 1, in document order';
comment on column explanation_of_benefit_insurance.patient_id is 'key of the resource''s patient';
comment on column explanation_of_benefit_insurance.focal is 'focal';
comment on column explanation_of_benefit_insurance.coverage_id is 'coverage: key of the target';
comment on column explanation_of_benefit_insurance.coverage_display is 'coverage: display';
comment on column explanation_of_benefit_insurance.coverage_reference is 'coverage: reference, else identifier, as written; null where the key says it all';
comment on column explanation_of_benefit_insurance.pre_auth_ref is 'preAuthRef';
comment on column explanation_of_benefit_insurance.extension is 'extensions of this element that no column takes: an array, each with its path';

create table explanation_of_benefit_item (
  explanation_of_benefit_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  sequence integer,
  care_team_sequence integer[],
  diagnosis_sequence integer[],
  procedure_sequence integer[],
  information_sequence integer[],
  revenue_code text,
  revenue_display text,
  category_code text,
  category_display text,
  product_or_service_system text,
  product_or_service_code text,
  product_or_service_display text,
  product_or_service_text text,
  program_code text,
  program_code_display text,
  serviced_type text,
  serviced_start timestamptz,
  serviced_start_text text,
  serviced_end timestamptz,
  serviced_end_text text,
  location_type text,
  location_code text,
  location_display text,
  location_id bigint,
  location_reference text,
  location_address jsonb,
  quantity_value numeric,
  quantity_unit text,
  quantity_code text,
  unit_price_value numeric,
  unit_price_currency text,
  factor numeric,
  net_value numeric,
  net_currency text,
  body_site_code text,
  body_site_display text,
  encounter_id bigint,
  encounter_reference text,
  note_number integer[],
  modifier_codes text[],
  extension jsonb,
  primary key (explanation_of_benefit_id, ordinal)
);
comment on table explanation_of_benefit_item is 'the lines of a claim: the service or product, its place, time, quantity and price';
comment on column explanation_of_benefit_item.explanation_of_benefit_id is 'key of the resource that the row belongs to';
comment on column explanation_of_benefit_item.ordinal is 'position, from 1, in document order';
comment on column explanation_of_benefit_item.patient_id is 'key of the resource''s patient';
comment on column explanation_of_benefit_item.sequence is 'sequence';
comment on column explanation_of_benefit_item.care_team_sequence is 'careTeamSequence';
comment on column explanation_of_benefit_item.diagnosis_sequence is 'diagnosisSequence';
comment on column explanation_of_benefit_item.procedure_sequence is 'procedureSequence';
comment on column explanation_of_benefit_item.information_sequence is 'informationSequence';
comment on column explanation_of_benefit_item.revenue_code is 'revenue: coding.code';
comment on column explanation_of_benefit_item.revenue_display is 'revenue: coding.display, else text';
comment on column explanation_of_benefit_item.category_code is 'category: coding.code';
comment on column explanation_of_benefit_item.category_display is 'category: coding.display, else text';
comment on column explanation_of_benefit_item.product_or_service_system is 'productOrService: coding.system';
comment on column explanation_of_benefit_item.product_or_service_code is 'productOrService: coding.code';
comment on column explanation_of_benefit_item.product_or_service_display is 'productOrService: coding.display';
comment on column explanation_of_benefit_item.product_or_service_text is 'productOrService: text';
comment on column explanation_of_benefit_item.program_code is 'programCode[0]: coding.code';
comment on column explanation_of_benefit_item.program_code_display is 'programCode[0]: coding.display, else text';
comment on column explanation_of_benefit_item.serviced_type is 'serviced[x]: which of date, Period';
comment on column explanation_of_benefit_item.serviced_start is 'serviced[x]: start';
comment on column explanation_of_benefit_item.serviced_start_text is 'serviced[x]: start as written';
comment on column explanation_of_benefit_item.serviced_end is 'serviced[x]: end';
comment on column explanation_of_benefit_item.serviced_end_text is 'serviced[x]: end as written';
comment on column explanation_of_benefit_item.location_type is 'location[x]: which of CodeableConcept, Address, Reference';
comment on column explanation_of_benefit_item.location_code is 'location[x]: coding.code';
comment on column explanation_of_benefit_item.location_display is 'location[x]: coding.display, else text; or the reference''s display';
comment on column explanation_of_benefit_item.location_id is 'location[x]: key of the target';
comment on column explanation_of_benefit_item.location_reference is 'location[x]: reference, else identifier, as written; null where the key says it all';
comment on column explanation_of_benefit_item.location_address is 'location[x]';
comment on column explanation_of_benefit_item.quantity_value is 'quantity: value';
comment on column explanation_of_benefit_item.quantity_unit is 'quantity: unit';
comment on column explanation_of_benefit_item.quantity_code is 'quantity: code';
comment on column explanation_of_benefit_item.unit_price_value is 'unitPrice: value';
comment on column explanation_of_benefit_item.unit_price_currency is 'unitPrice: currency';
comment on column explanation_of_benefit_item.factor is 'factor';
comment on column explanation_of_benefit_item.net_value is 'net: value';
comment on column explanation_of_benefit_item.net_currency is 'net: currency';
comment on column explanation_of_benefit_item.body_site_code is 'bodySite: coding.code';
comment on column explanation_of_benefit_item.body_site_display is 'bodySite: coding.display, else text';
comment on column explanation_of_benefit_item.encounter_id is 'encounter[0]: key of the encounter';
comment on column explanation_of_benefit_item.encounter_reference is 'encounter[0]: reference, else identifier, as written; null where the key says it all';
comment on column explanation_of_benefit_item.note_number is 'noteNumber';
comment on column explanation_of_benefit_item.modifier_codes is 'modifier.coding[0].code (HCPCS and CPT modifiers, in order)';
comment on column explanation_of_benefit_item.extension is 'extensions of this element that no column takes: an array, each with its path';

create table explanation_of_benefit_item_detail (
  explanation_of_benefit_id bigint not null,
  item_ordinal integer not null,
  detail_ordinal integer not null,
  sub_detail_ordinal integer not null,
  patient_id bigint,
  sequence integer,
  revenue_code text,
  revenue_display text,
  category_code text,
  category_display text,
  product_or_service_system text,
  product_or_service_code text,
  product_or_service_display text,
  product_or_service_text text,
  program_code text,
  program_code_display text,
  quantity_value numeric,
  quantity_unit text,
  quantity_code text,
  unit_price_value numeric,
  unit_price_currency text,
  factor numeric,
  net_value numeric,
  net_currency text,
  note_number integer[],
  modifier_codes text[],
  extension jsonb,
  primary key (explanation_of_benefit_id, item_ordinal, detail_ordinal, sub_detail_ordinal)
);
comment on table explanation_of_benefit_item_detail is 'the parts that a claim''s line is made of, and the parts of those';
comment on column explanation_of_benefit_item_detail.explanation_of_benefit_id is 'key of the resource that the row belongs to';
comment on column explanation_of_benefit_item_detail.item_ordinal is 'position of the item, from 1';
comment on column explanation_of_benefit_item_detail.detail_ordinal is 'position of the detail, from 1';
comment on column explanation_of_benefit_item_detail.sub_detail_ordinal is 'position of the subDetail; 0 or null where the row is not of one';
comment on column explanation_of_benefit_item_detail.patient_id is 'key of the resource''s patient';
comment on column explanation_of_benefit_item_detail.sequence is 'sequence';
comment on column explanation_of_benefit_item_detail.revenue_code is 'revenue: coding.code';
comment on column explanation_of_benefit_item_detail.revenue_display is 'revenue: coding.display, else text';
comment on column explanation_of_benefit_item_detail.category_code is 'category: coding.code';
comment on column explanation_of_benefit_item_detail.category_display is 'category: coding.display, else text';
comment on column explanation_of_benefit_item_detail.product_or_service_system is 'productOrService: coding.system';
comment on column explanation_of_benefit_item_detail.product_or_service_code is 'productOrService: coding.code';
comment on column explanation_of_benefit_item_detail.product_or_service_display is 'productOrService: coding.display';
comment on column explanation_of_benefit_item_detail.product_or_service_text is 'productOrService: text';
comment on column explanation_of_benefit_item_detail.program_code is 'programCode[0]: coding.code';
comment on column explanation_of_benefit_item_detail.program_code_display is 'programCode[0]: coding.display, else text';
comment on column explanation_of_benefit_item_detail.quantity_value is 'quantity: value';
comment on column explanation_of_benefit_item_detail.quantity_unit is 'quantity: unit';
comment on column explanation_of_benefit_item_detail.quantity_code is 'quantity: code';
comment on column explanation_of_benefit_item_detail.unit_price_value is 'unitPrice: value';
comment on column explanation_of_benefit_item_detail.unit_price_currency is 'unitPrice: currency';
comment on column explanation_of_benefit_item_detail.factor is 'factor';
comment on column explanation_of_benefit_item_detail.net_value is 'net: value';
comment on column explanation_of_benefit_item_detail.net_currency is 'net: currency';
comment on column explanation_of_benefit_item_detail.note_number is 'noteNumber';
comment on column explanation_of_benefit_item_detail.modifier_codes is 'modifier.coding[0].code (HCPCS and CPT modifiers, in order)';
comment on column explanation_of_benefit_item_detail.extension is 'extensions of this element that no column takes: an array, each with its path';

create table explanation_of_benefit_add_item (
  explanation_of_benefit_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  item_sequence integer[],
  detail_sequence integer[],
  sub_detail_sequence integer[],
  product_or_service_system text,
  product_or_service_code text,
  product_or_service_display text,
  product_or_service_text text,
  serviced_type text,
  serviced_start timestamptz,
  serviced_start_text text,
  serviced_end timestamptz,
  serviced_end_text text,
  location_type text,
  location_code text,
  location_display text,
  location_id bigint,
  location_reference text,
  location_address jsonb,
  quantity_value numeric,
  quantity_unit text,
  quantity_code text,
  unit_price_value numeric,
  unit_price_currency text,
  net_value numeric,
  net_currency text,
  extension jsonb,
  primary key (explanation_of_benefit_id, ordinal)
);
comment on table explanation_of_benefit_add_item is 'the lines that the payer added to a claim';
comment on column explanation_of_benefit_add_item.explanation_of_benefit_id is 'key of the resource that the row belongs to';
comment on column explanation_of_benefit_add_item.ordinal is 'position, from 1, in document order';
comment on column explanation_of_benefit_add_item.patient_id is 'key of the resource''s patient';
comment on column explanation_of_benefit_add_item.item_sequence is 'itemSequence';
comment on column explanation_of_benefit_add_item.detail_sequence is 'detailSequence';
comment on column explanation_of_benefit_add_item.sub_detail_sequence is 'subDetailSequence';
comment on column explanation_of_benefit_add_item.product_or_service_system is 'productOrService: coding.system';
comment on column explanation_of_benefit_add_item.product_or_service_code is 'productOrService: coding.code';
comment on column explanation_of_benefit_add_item.product_or_service_display is 'productOrService: coding.display';
comment on column explanation_of_benefit_add_item.product_or_service_text is 'productOrService: text';
comment on column explanation_of_benefit_add_item.serviced_type is 'serviced[x]: which of date, Period';
comment on column explanation_of_benefit_add_item.serviced_start is 'serviced[x]: start';
comment on column explanation_of_benefit_add_item.serviced_start_text is 'serviced[x]: start as written';
comment on column explanation_of_benefit_add_item.serviced_end is 'serviced[x]: end';
comment on column explanation_of_benefit_add_item.serviced_end_text is 'serviced[x]: end as written';
comment on column explanation_of_benefit_add_item.location_type is 'location[x]: which of CodeableConcept, Address, Reference';
comment on column explanation_of_benefit_add_item.location_code is 'location[x]: coding.code';
comment on column explanation_of_benefit_add_item.location_display is 'location[x]: coding.display, else text; or the reference''s display';
comment on column explanation_of_benefit_add_item.location_id is 'location[x]: key of the target';
comment on column explanation_of_benefit_add_item.location_reference is 'location[x]: reference, else identifier, as written; null where the key says it all';
comment on column explanation_of_benefit_add_item.location_address is 'location[x]';
comment on column explanation_of_benefit_add_item.quantity_value is 'quantity: value';
comment on column explanation_of_benefit_add_item.quantity_unit is 'quantity: unit';
comment on column explanation_of_benefit_add_item.quantity_code is 'quantity: code';
comment on column explanation_of_benefit_add_item.unit_price_value is 'unitPrice: value';
comment on column explanation_of_benefit_add_item.unit_price_currency is 'unitPrice: currency';
comment on column explanation_of_benefit_add_item.net_value is 'net: value';
comment on column explanation_of_benefit_add_item.net_currency is 'net: currency';
comment on column explanation_of_benefit_add_item.extension is 'extensions of this element that no column takes: an array, each with its path';

create table explanation_of_benefit_adjudication (
  explanation_of_benefit_id bigint not null,
  ordinal integer not null,
  level text,
  item_ordinal integer,
  detail_ordinal integer,
  sub_detail_ordinal integer,
  item_sequence integer,
  patient_id bigint,
  category_system text,
  category_code text,
  category_display text,
  category_text text,
  reason_code text,
  reason_display text,
  amount_value numeric,
  amount_currency text,
  value numeric,
  category_alt_system text,
  category_alt_code text,
  category_alt_display text,
  extension jsonb,
  primary key (explanation_of_benefit_id, ordinal)
);
comment on table explanation_of_benefit_adjudication is 'every amount that the payer decided on, for the claim as a whole, its lines, their details and added lines';
comment on column explanation_of_benefit_adjudication.explanation_of_benefit_id is 'key of the resource that the row belongs to';
comment on column explanation_of_benefit_adjudication.ordinal is 'position, from 1, in document order';
comment on column explanation_of_benefit_adjudication.level is 'header | item | detail | sub_detail | add_item';
comment on column explanation_of_benefit_adjudication.item_ordinal is 'position of the item, from 1';
comment on column explanation_of_benefit_adjudication.detail_ordinal is 'position of the detail, from 1';
comment on column explanation_of_benefit_adjudication.sub_detail_ordinal is 'position of the subDetail; 0 or null where the row is not of one';
comment on column explanation_of_benefit_adjudication.item_sequence is 'sequence of the item';
comment on column explanation_of_benefit_adjudication.patient_id is 'key of the resource''s patient';
comment on column explanation_of_benefit_adjudication.category_system is 'category: coding.system';
comment on column explanation_of_benefit_adjudication.category_code is 'category: coding.code';
comment on column explanation_of_benefit_adjudication.category_display is 'category: coding.display';
comment on column explanation_of_benefit_adjudication.category_text is 'category: text';
comment on column explanation_of_benefit_adjudication.reason_code is 'reason: coding.code';
comment on column explanation_of_benefit_adjudication.reason_display is 'reason: coding.display, else text';
comment on column explanation_of_benefit_adjudication.amount_value is 'amount: value';
comment on column explanation_of_benefit_adjudication.amount_currency is 'amount: currency';
comment on column explanation_of_benefit_adjudication.value is 'value';
comment on column explanation_of_benefit_adjudication.category_alt_system is 'category: coding.system: of the coding after the one shown (the coding after the one shown in category; CMS puts its variable name there)';
comment on column explanation_of_benefit_adjudication.category_alt_code is 'category: coding.code: of the coding after the one shown (the coding after the one shown in category; CMS puts its variable name there)';
comment on column explanation_of_benefit_adjudication.category_alt_display is 'category: coding.display: of the coding after the one shown (the coding after the one shown in category; CMS puts its variable name there)';
comment on column explanation_of_benefit_adjudication.extension is 'extensions of this element that no column takes: an array, each with its path';

create table explanation_of_benefit_total (
  explanation_of_benefit_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  category_system text,
  category_code text,
  category_display text,
  category_text text,
  amount_value numeric,
  amount_currency text,
  category_alt_system text,
  category_alt_code text,
  category_alt_display text,
  extension jsonb,
  primary key (explanation_of_benefit_id, ordinal)
);
comment on table explanation_of_benefit_total is 'the amounts that the payer decided on, added up by category: submitted, allowed, paid and so on';
comment on column explanation_of_benefit_total.explanation_of_benefit_id is 'key of the resource that the row belongs to';
comment on column explanation_of_benefit_total.ordinal is 'position, from 1, in document order';
comment on column explanation_of_benefit_total.patient_id is 'key of the resource''s patient';
comment on column explanation_of_benefit_total.category_system is 'category: coding.system';
comment on column explanation_of_benefit_total.category_code is 'category: coding.code';
comment on column explanation_of_benefit_total.category_display is 'category: coding.display';
comment on column explanation_of_benefit_total.category_text is 'category: text';
comment on column explanation_of_benefit_total.amount_value is 'amount: value';
comment on column explanation_of_benefit_total.amount_currency is 'amount: currency';
comment on column explanation_of_benefit_total.category_alt_system is 'category: coding.system: of the coding after the one shown (the coding after the one shown in category; CMS puts its variable name there)';
comment on column explanation_of_benefit_total.category_alt_code is 'category: coding.code: of the coding after the one shown (the coding after the one shown in category; CMS puts its variable name there)';
comment on column explanation_of_benefit_total.category_alt_display is 'category: coding.display: of the coding after the one shown (the coding after the one shown in category; CMS puts its variable name there)';
comment on column explanation_of_benefit_total.extension is 'extensions of this element that no column takes: an array, each with its path';

create table explanation_of_benefit_process_note (
  explanation_of_benefit_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  number integer,
  type text,
  text text,
  language_code text,
  language_display text,
  extension jsonb,
  primary key (explanation_of_benefit_id, ordinal)
);
comment on table explanation_of_benefit_process_note is 'the notes of the payer on how a claim was processed';
comment on column explanation_of_benefit_process_note.explanation_of_benefit_id is 'key of the resource that the row belongs to';
comment on column explanation_of_benefit_process_note.ordinal is 'position, from 1, in document order';
comment on column explanation_of_benefit_process_note.patient_id is 'key of the resource''s patient';
comment on column explanation_of_benefit_process_note.number is 'number';
comment on column explanation_of_benefit_process_note.type is 'type';
comment on column explanation_of_benefit_process_note.text is 'text';
comment on column explanation_of_benefit_process_note.language_code is 'language: coding.code';
comment on column explanation_of_benefit_process_note.language_display is 'language: coding.display, else text';
comment on column explanation_of_benefit_process_note.extension is 'extensions of this element that no column takes: an array, each with its path';

create table explanation_of_benefit_benefit_balance (
  explanation_of_benefit_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  category_code text,
  category_display text,
  excluded boolean,
  name text,
  description text,
  network_code text,
  network_display text,
  unit_code text,
  unit_display text,
  term_code text,
  term_display text,
  extension jsonb,
  primary key (explanation_of_benefit_id, ordinal)
);
comment on table explanation_of_benefit_benefit_balance is 'what a patient''s plan offers for a kind of service, in or out of network';
comment on column explanation_of_benefit_benefit_balance.explanation_of_benefit_id is 'key of the resource that the row belongs to';
comment on column explanation_of_benefit_benefit_balance.ordinal is 'position, from 1, in document order';
comment on column explanation_of_benefit_benefit_balance.patient_id is 'key of the resource''s patient';
comment on column explanation_of_benefit_benefit_balance.category_code is 'category: coding.code';
comment on column explanation_of_benefit_benefit_balance.category_display is 'category: coding.display, else text';
comment on column explanation_of_benefit_benefit_balance.excluded is 'excluded';
comment on column explanation_of_benefit_benefit_balance.name is 'name';
comment on column explanation_of_benefit_benefit_balance.description is 'description';
comment on column explanation_of_benefit_benefit_balance.network_code is 'network: coding.code';
comment on column explanation_of_benefit_benefit_balance.network_display is 'network: coding.display, else text';
comment on column explanation_of_benefit_benefit_balance.unit_code is 'unit: coding.code';
comment on column explanation_of_benefit_benefit_balance.unit_display is 'unit: coding.display, else text';
comment on column explanation_of_benefit_benefit_balance.term_code is 'term: coding.code';
comment on column explanation_of_benefit_benefit_balance.term_display is 'term: coding.display, else text';
comment on column explanation_of_benefit_benefit_balance.extension is 'extensions of this element that no column takes: an array, each with its path';

create table explanation_of_benefit_benefit_balance_financial (
  explanation_of_benefit_id bigint not null,
  benefit_balance_ordinal integer not null,
  ordinal integer not null,
  patient_id bigint,
  type_code text,
  type_display text,
  allowed_type text,
  allowed_unsigned_int integer,
  allowed_string text,
  allowed_money_value numeric,
  allowed_money_currency text,
  used_type text,
  used_unsigned_int integer,
  used_money_value numeric,
  used_money_currency text,
  extension jsonb,
  primary key (explanation_of_benefit_id, benefit_balance_ordinal, ordinal)
);
comment on table explanation_of_benefit_benefit_balance_financial is 'how much of a benefit is allowed and how much has been used';
comment on column explanation_of_benefit_benefit_balance_financial.explanation_of_benefit_id is 'key of the resource that the row belongs to';
comment on column explanation_of_benefit_benefit_balance_financial.benefit_balance_ordinal is 'position of the enclosing benefit_balance, from 1';
comment on column explanation_of_benefit_benefit_balance_financial.ordinal is 'position, from 1, in document order';
comment on column explanation_of_benefit_benefit_balance_financial.patient_id is 'key of the resource''s patient';
comment on column explanation_of_benefit_benefit_balance_financial.type_code is 'type: coding.code';
comment on column explanation_of_benefit_benefit_balance_financial.type_display is 'type: coding.display, else text';
comment on column explanation_of_benefit_benefit_balance_financial.allowed_type is 'allowed[x]: which of unsignedInt, string, Money';
comment on column explanation_of_benefit_benefit_balance_financial.allowed_unsigned_int is 'allowed[x]';
comment on column explanation_of_benefit_benefit_balance_financial.allowed_string is 'allowed[x]';
comment on column explanation_of_benefit_benefit_balance_financial.allowed_money_value is 'allowed[x]: value';
comment on column explanation_of_benefit_benefit_balance_financial.allowed_money_currency is 'allowed[x]: currency';
comment on column explanation_of_benefit_benefit_balance_financial.used_type is 'used[x]: which of unsignedInt, Money';
comment on column explanation_of_benefit_benefit_balance_financial.used_unsigned_int is 'used[x]';
comment on column explanation_of_benefit_benefit_balance_financial.used_money_value is 'used[x]: value';
comment on column explanation_of_benefit_benefit_balance_financial.used_money_currency is 'used[x]: currency';
comment on column explanation_of_benefit_benefit_balance_financial.extension is 'extensions of this element that no column takes: an array, each with its path';

create table provenance (
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  occurred_type text,
  occurred_start timestamptz,
  occurred_start_text text,
  occurred_end timestamptz,
  occurred_end_text text,
  recorded timestamptz,
  recorded_text text,
  location_id bigint,
  location_display text,
  location_reference text,
  activity_code text,
  activity_display text,
  policy text[],
  extension jsonb,
  last_updated timestamptz,
  primary key (id)
);
comment on table provenance is 'who or what made records the way they are, when and where';
comment on column provenance.id is 'key given by the registry, etl.resource';
comment on column provenance.fhir_id is 'id: the logical id as the source gave it';
comment on column provenance.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column provenance.patient_id is 'target: key of the patient';
comment on column provenance.occurred_type is 'occurred[x]: which of Period, dateTime';
comment on column provenance.occurred_start is 'occurred[x]: start';
comment on column provenance.occurred_start_text is 'occurred[x]: start as written';
comment on column provenance.occurred_end is 'occurred[x]: end';
comment on column provenance.occurred_end_text is 'occurred[x]: end as written';
comment on column provenance.recorded is 'recorded';
comment on column provenance.recorded_text is 'recorded as written';
comment on column provenance.location_id is 'location: key of the target';
comment on column provenance.location_display is 'location: display';
comment on column provenance.location_reference is 'location: reference, else identifier, as written; null where the key says it all';
comment on column provenance.activity_code is 'activity: coding.code';
comment on column provenance.activity_display is 'activity: coding.display, else text';
comment on column provenance.policy is 'policy';
comment on column provenance.extension is 'extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path';
comment on column provenance.last_updated is 'meta.lastUpdated';

create table provenance_target (
  provenance_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  target_type text,
  target_id bigint,
  display text,
  reference text,
  extension jsonb,
  primary key (provenance_id, ordinal)
);
comment on table provenance_target is 'the resources that a provenance speaks of';
comment on column provenance_target.provenance_id is 'key of the resource that the row belongs to';
comment on column provenance_target.ordinal is 'position, from 1, in document order';
comment on column provenance_target.patient_id is 'key of the resource''s patient';
comment on column provenance_target.target_type is '$this: type of the target';
comment on column provenance_target.target_id is '$this: key of the target';
comment on column provenance_target.display is '$this: display';
comment on column provenance_target.reference is '$this: reference, else identifier, as written; null where the key says it all';
comment on column provenance_target.extension is 'extensions of this element that no column takes: an array, each with its path';

create table provenance_agent (
  provenance_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  type_code text,
  type_display text,
  role_code text,
  role_display text,
  who_type text,
  who_id bigint,
  who_display text,
  who_reference text,
  on_behalf_of_type text,
  on_behalf_of_id bigint,
  on_behalf_of_display text,
  on_behalf_of_reference text,
  extension jsonb,
  primary key (provenance_id, ordinal)
);
comment on table provenance_agent is 'the people, organizations and devices that had a hand in the records, and for whom they acted';
comment on column provenance_agent.provenance_id is 'key of the resource that the row belongs to';
comment on column provenance_agent.ordinal is 'position, from 1, in document order';
comment on column provenance_agent.patient_id is 'key of the resource''s patient';
comment on column provenance_agent.type_code is 'type: coding.code';
comment on column provenance_agent.type_display is 'type: coding.display, else text';
comment on column provenance_agent.role_code is 'role[0]: coding.code';
comment on column provenance_agent.role_display is 'role[0]: coding.display, else text';
comment on column provenance_agent.who_type is 'who: type of the target';
comment on column provenance_agent.who_id is 'who: key of the target';
comment on column provenance_agent.who_display is 'who: display';
comment on column provenance_agent.who_reference is 'who: reference, else identifier, as written; null where the key says it all';
comment on column provenance_agent.on_behalf_of_type is 'onBehalfOf: type of the target';
comment on column provenance_agent.on_behalf_of_id is 'onBehalfOf: key of the target';
comment on column provenance_agent.on_behalf_of_display is 'onBehalfOf: display';
comment on column provenance_agent.on_behalf_of_reference is 'onBehalfOf: reference, else identifier, as written; null where the key says it all';
comment on column provenance_agent.extension is 'extensions of this element that no column takes: an array, each with its path';

create table provenance_entity (
  provenance_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  role text,
  what_type text,
  what_id bigint,
  what_display text,
  what_reference text,
  extension jsonb,
  primary key (provenance_id, ordinal)
);
comment on table provenance_entity is 'the sources that records were made from';
comment on column provenance_entity.provenance_id is 'key of the resource that the row belongs to';
comment on column provenance_entity.ordinal is 'position, from 1, in document order';
comment on column provenance_entity.patient_id is 'key of the resource''s patient';
comment on column provenance_entity.role is 'role';
comment on column provenance_entity.what_type is 'what: type of the target';
comment on column provenance_entity.what_id is 'what: key of the target';
comment on column provenance_entity.what_display is 'what: display';
comment on column provenance_entity.what_reference is 'what: reference, else identifier, as written; null where the key says it all';
comment on column provenance_entity.extension is 'extensions of this element that no column takes: an array, each with its path';

create table other_resource (
  resource_type text not null,
  id bigint not null,
  fhir_id text not null,
  source_id smallint not null,
  patient_id bigint,
  encounter_id bigint,
  status text,
  code_system text,
  code text,
  code_display text,
  code_text text,
  date timestamptz,
  date_text text,
  title text,
  last_updated timestamptz,
  body jsonb,
  primary key (resource_type, id)
);
comment on table other_resource is 'resources of the types that have no table of their own, whole, with the few facts that most types share';
comment on column other_resource.resource_type is 'resourceType';
comment on column other_resource.id is 'key given by the registry, etl.resource';
comment on column other_resource.fhir_id is 'id: the logical id as the source gave it';
comment on column other_resource.source_id is 'the sender, etl.source: the health system that the resource came from';
comment on column other_resource.patient_id is 'subject | patient | for | beneficiary | individual: key of the patient';
comment on column other_resource.encounter_id is 'encounter | context: key of the encounter';
comment on column other_resource.status is 'status';
comment on column other_resource.code_system is 'code | type | topic: coding.system';
comment on column other_resource.code is 'code | type | topic: coding.code';
comment on column other_resource.code_display is 'code | type | topic: coding.display';
comment on column other_resource.code_text is 'code | type | topic: text';
comment on column other_resource.date is 'date | authoredOn | recorded | created | issued | period.start | effectiveDateTime';
comment on column other_resource.date_text is 'date | authoredOn | recorded | created | issued | period.start | effectiveDateTime as written';
comment on column other_resource.title is 'title | name | description';
comment on column other_resource.last_updated is 'meta.lastUpdated';
comment on column other_resource.body is 'the whole resource';

create table resource_identifier (
  resource_type text not null,
  resource_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  "use" text,
  type_system text,
  type_code text,
  type_display text,
  type_text text,
  system text,
  value text,
  period_start timestamptz,
  period_end timestamptz,
  assigner_display text,
  primary key (resource_type, resource_id, ordinal)
);
comment on table resource_identifier is 'the numbers of every resource but patients: whose is this number';
comment on column resource_identifier.resource_type is 'type of the resource that the row belongs to';
comment on column resource_identifier.resource_id is 'key of that resource';
comment on column resource_identifier.ordinal is 'position, from 1, in document order';
comment on column resource_identifier.patient_id is 'key of the resource''s patient';
comment on column resource_identifier."use" is 'use';
comment on column resource_identifier.type_system is 'type: coding.system';
comment on column resource_identifier.type_code is 'type: coding.code';
comment on column resource_identifier.type_display is 'type: coding.display';
comment on column resource_identifier.type_text is 'type: text';
comment on column resource_identifier.system is 'system';
comment on column resource_identifier.value is 'value';
comment on column resource_identifier.period_start is 'period.start';
comment on column resource_identifier.period_end is 'period.end';
comment on column resource_identifier.assigner_display is 'assigner.display';

create table resource_telecom (
  resource_type text not null,
  resource_id bigint not null,
  ordinal integer not null,
  system text,
  value text,
  "use" text,
  rank integer,
  period_start timestamptz,
  period_end timestamptz,
  extension jsonb,
  primary key (resource_type, resource_id, ordinal)
);
comment on table resource_telecom is 'phone numbers, e-mail addresses and the like of every resource but patients';
comment on column resource_telecom.resource_type is 'type of the resource that the row belongs to';
comment on column resource_telecom.resource_id is 'key of that resource';
comment on column resource_telecom.ordinal is 'position, from 1, in document order';
comment on column resource_telecom.system is 'system';
comment on column resource_telecom.value is 'value';
comment on column resource_telecom."use" is 'use';
comment on column resource_telecom.rank is 'rank';
comment on column resource_telecom.period_start is 'period.start';
comment on column resource_telecom.period_end is 'period.end';
comment on column resource_telecom.extension is 'extensions of this element: an array, each with its path';

create table resource_concept (
  resource_type text not null,
  resource_id bigint not null,
  element text not null,
  ordinal integer not null,
  patient_id bigint,
  system text,
  code text,
  display text,
  text text,
  primary key (resource_type, resource_id, element, ordinal)
);
comment on table resource_concept is 'every item of every top-level list of CodeableConcept: all categories, reasons, types';
comment on column resource_concept.resource_type is 'type of the resource that the row belongs to';
comment on column resource_concept.resource_id is 'key of that resource';
comment on column resource_concept.element is 'FHIR''s name of the element';
comment on column resource_concept.ordinal is 'position, from 1, in document order';
comment on column resource_concept.patient_id is 'key of the resource''s patient';
comment on column resource_concept.system is 'coding.system';
comment on column resource_concept.code is 'coding.code';
comment on column resource_concept.display is 'coding.display';
comment on column resource_concept.text is 'text';

create table resource_reference (
  resource_type text not null,
  resource_id bigint not null,
  element text not null,
  ordinal integer not null,
  patient_id bigint,
  target_type text,
  target_id bigint,
  display text,
  reference text,
  primary key (resource_type, resource_id, element, ordinal)
);
comment on table resource_reference is 'every item of every top-level list of Reference that has no table of its own';
comment on column resource_reference.resource_type is 'type of the resource that the row belongs to';
comment on column resource_reference.resource_id is 'key of that resource';
comment on column resource_reference.element is 'FHIR''s name of the element';
comment on column resource_reference.ordinal is 'position, from 1, in document order';
comment on column resource_reference.patient_id is 'key of the resource''s patient';
comment on column resource_reference.target_type is 'type of the target';
comment on column resource_reference.target_id is 'key of the target; null while unresolved';
comment on column resource_reference.display is 'display';
comment on column resource_reference.reference is 'as written, where target_id does not say it all';

create table resource_note (
  resource_type text not null,
  resource_id bigint not null,
  ordinal integer not null,
  patient_id bigint,
  author_type text,
  author_id bigint,
  author_display text,
  time timestamptz,
  text text,
  primary key (resource_type, resource_id, ordinal)
);
comment on table resource_note is 'the notes (Annotation) of every resource';
comment on column resource_note.resource_type is 'type of the resource that the row belongs to';
comment on column resource_note.resource_id is 'key of that resource';
comment on column resource_note.ordinal is 'position, from 1, in document order';
comment on column resource_note.patient_id is 'key of the resource''s patient';
comment on column resource_note.author_type is 'authorReference: type of the target';
comment on column resource_note.author_id is 'authorReference: key of the target';
comment on column resource_note.author_display is 'authorReference.display or authorString';
comment on column resource_note.time is 'time';
comment on column resource_note.text is 'text';

create table resource_coding (
  resource_type text not null,
  resource_id bigint not null,
  path text not null,
  ordinal integer not null,
  element text,
  patient_id bigint,
  is_primary boolean,
  system text,
  version text,
  code text,
  display text,
  user_selected boolean,
  primary key (resource_type, resource_id, path, ordinal)
);
comment on table resource_coding is 'every coding of every concept that has two or more of them';
comment on column resource_coding.resource_type is 'type of the resource that the row belongs to';
comment on column resource_coding.resource_id is 'key of that resource';
comment on column resource_coding.path is 'FHIRPath of the concept with indexes from 0, such as item[3].productOrService';
comment on column resource_coding.ordinal is 'position, from 1, in document order';
comment on column resource_coding.element is 'the path without indexes';
comment on column resource_coding.patient_id is 'key of the resource''s patient';
comment on column resource_coding.is_primary is 'true for the coding that the columns of the element''s table show';
comment on column resource_coding.system is 'system';
comment on column resource_coding.version is 'version';
comment on column resource_coding.code is 'code';
comment on column resource_coding.display is 'display';
comment on column resource_coding.user_selected is 'userSelected';

