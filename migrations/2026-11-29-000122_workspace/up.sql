-- Where analysts keep tables and views of their own: no migration touches what is in
-- there. Every start gives the readers' role the right to use and fill it. dbt puts
-- the models of OMOP and Tuva into schemas beside it.
create schema if not exists workspace;
comment on schema workspace is 'Tables and views of analysts: every reader may create here, and owns what they create';
create schema if not exists workspace_omop;
comment on schema workspace_omop is 'OMOP CDM 5.4, as dbt builds it from the tables and views';
create schema if not exists workspace_tuva;
comment on schema workspace_tuva is 'The input layer of Tuva, as dbt builds it from the tables and views';
