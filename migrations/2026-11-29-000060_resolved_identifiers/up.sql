-- A remap gives a reference by identifier the key that it had, even if the
-- identifier has several owners by now, or another one, or none.
create table etl.resolved_identifier (
  source_id smallint not null references etl.source (id) on delete cascade,
  resource_type text not null,
  system text not null,
  value text not null,
  owner_id bigint not null,
  primary key (source_id, resource_type, system, value, owner_id)
);
comment on table etl.resolved_identifier is 'resources that references by identifier were resolved to; a remap resolves them again to the same one';
comment on column etl.resolved_identifier.source_id is 'the sender of the references, etl.source';
comment on column etl.resolved_identifier.resource_type is 'the type of resource that was looked for; empty if not stated';
comment on column etl.resolved_identifier.system is 'the identifier''s system: * for any, urn:uuid where the value is the FHIR ID itself';
comment on column etl.resolved_identifier.value is 'the identifier''s value';
comment on column etl.resolved_identifier.owner_id is 'key of the only resource that had the identifier then';
