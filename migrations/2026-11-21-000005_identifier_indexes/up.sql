-- Whose number is this: asked by references that name a number instead of an
-- id, and by people.
create index patient_identifier_value on patient_identifier (value, system);
create index resource_identifier_value on resource_identifier (value, system);
