drop index resource_identifier_value;
drop index patient_identifier_value;
