-- The de-identified copy: fhirmill makes its views or tables, as the setting DEIDENTIFIED says.
create schema deidentified;
comment on schema deidentified is 'the tables without what identifies people, for members of the role researcher; made by fhirmill as the setting DEIDENTIFIED says';

create table etl.deidentified (
  is_only boolean primary key default true check (is_only),
  mode text not null check (mode in ('views', 'tables')),
  inner_pad bytea not null,
  outer_pad bytea not null,
  definition text not null,
  made_at timestamptz not null default now()
);
comment on table etl.deidentified is 'how the schema deidentified was made: one row, or none if it is empty; only the owner may read it';
comment on column etl.deidentified.is_only is 'true: there is at most one row';
comment on column etl.deidentified.mode is 'views (always as new as the tables) | tables (made by fhirmill deidentify)';
comment on column etl.deidentified.inner_pad is 'the inner key of HMAC-SHA256, from the secret: whoever has it can tell whose a key is';
comment on column etl.deidentified.outer_pad is 'the outer key of HMAC-SHA256, from the secret';
comment on column etl.deidentified.definition is 'hash of what the copy is made by: rules, secret and settings';
comment on column etl.deidentified.made_at is 'when the schema was last made or refreshed';

create table etl.deidentified_table (
  name text primary key,
  definition text not null,
  rows bigint not null,
  oldest_transaction bigint not null,
  database text not null,
  source_oid bigint not null,
  source_file bigint not null,
  made_at timestamptz not null default now()
);
comment on table etl.deidentified_table is 'the tables of schema deidentified with what tells whether those that they were made from have changed since; none if it has views';
comment on column etl.deidentified_table.name is 'the table';
comment on column etl.deidentified_table.definition is 'hash of what it is made by';
comment on column etl.deidentified_table.rows is 'how many rows it has';
comment on column etl.deidentified_table.oldest_transaction is 'the oldest transaction that was in progress when it was made';
comment on column etl.deidentified_table.database is 'the cluster and the database that it was made in';
comment on column etl.deidentified_table.source_oid is 'the number of the table that it was made from';
comment on column etl.deidentified_table.source_file is 'the number of the file of that table';
comment on column etl.deidentified_table.made_at is 'when it was made';

-- Views keep the columns that they show from being changed.
create function etl.hide_deidentified() returns void language plpgsql as $function$
declare
  shown text;
begin
  for shown in select c.relname from pg_class c where c.relnamespace = 'deidentified'::regnamespace and c.relkind = 'v' loop
    execute format('drop view deidentified.%I', shown);
    update etl.deidentified set definition = '';
  end loop;
end $function$;
comment on function etl.hide_deidentified() is 'drops the views of schema deidentified before migrations; fhirmill makes them again afterwards';
