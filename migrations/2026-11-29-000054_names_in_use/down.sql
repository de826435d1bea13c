alter table patient
  drop column marital_status_system,
  drop column gender_identity_system;
alter table patient_identifier
  drop column type_system;
alter table patient_contact
  drop column relationship_system,
  drop column name_use,
  drop column name_prefix,
  drop column name_suffix,
  drop column address_use,
  drop column address_district;
drop table patient_contact_telecom;
alter table patient_communication
  drop column language_system;
alter table related_person
  drop column relationship_system,
  drop column name_use,
  drop column address_use,
  drop column address_type,
  drop column address_text;
drop table related_person_communication;
alter table practitioner
  drop column name_use,
  drop column address_use,
  drop column address_type,
  drop column address_text;
alter table practitioner_role
  drop column specialty_system;
drop table practitioner_role_available_time;
drop table practitioner_role_not_available;
alter table organization
  drop column address_use,
  drop column address_type,
  drop column address_text;
drop table organization_contact;
drop table organization_contact_telecom;
alter table location
  drop column physical_type_system,
  drop column address_use,
  drop column address_type,
  drop column address_text;
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
comment on column organization.address_line is 'address[0].line';
comment on column organization.address_city is 'address[0].city';
comment on column organization.address_district is 'address[0].district';
comment on column organization.address_state is 'address[0].state';
comment on column organization.address_postal_code is 'address[0].postalCode';
comment on column organization.address_country is 'address[0].country';
