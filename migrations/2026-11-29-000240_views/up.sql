-- Tables that users declare: ViewDefinitions of SQL on FHIR. `fhirmill views apply`
-- makes them in a schema of their own.
create schema if not exists views;
comment on schema views is 'Tables that users declare by ViewDefinitions of SQL on FHIR; see fhirmill views';

create table etl.view_definition (
  name text not null,
  version integer not null,
  table_name text not null unique,
  resource_type text not null,
  definition text not null,
  state text not null check (state in ('filling', 'ready')),
  resources bigint not null default 0,
  applied_at timestamptz not null default now(),
  filled_at timestamptz,
  primary key (name, version)
);
comment on table etl.view_definition is 'the views that are applied, and new versions of them that are being filled; see fhirmill views list';
comment on column etl.view_definition.name is 'the name of the view and, once it is filled, of its table in schema views';
comment on column etl.view_definition.version is 'how often the view was applied with another definition, from 1';
comment on column etl.view_definition.table_name is 'the table that this version fills, without its schema';
comment on column etl.view_definition.resource_type is 'the type of the resources that the view is made of';
comment on column etl.view_definition.definition is 'the ViewDefinition, as JSON, as it was applied';
comment on column etl.view_definition.state is 'filling while rows of older resources are still being written; ready once the table is complete';
comment on column etl.view_definition.resources is 'how many resources were read from the archive to fill it';
comment on column etl.view_definition.applied_at is 'when this version was applied; every batch since then fills its table';
comment on column etl.view_definition.filled_at is 'when its table was complete; null while it is being filled';
