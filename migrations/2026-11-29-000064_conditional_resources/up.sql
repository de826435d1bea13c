-- A request by identifier makes a resource if none has the identifier. When one comes
-- that has it, the two are one, whichever of them was read first.
create table etl.conditional_resource (
  source_id smallint not null references etl.source (id) on delete cascade,
  resource_type text not null,
  system text not null,
  value text not null,
  resource_id bigint not null,
  is_settled boolean not null default false,
  primary key (source_id, resource_type, system, value)
);
create index conditional_resource_key on etl.conditional_resource (resource_id);
create index conditional_resource_value on etl.conditional_resource (source_id, resource_type, value) where not is_settled;
comment on table etl.conditional_resource is 'resources that were made by requests by identifier (ifNoneExist, PUT Type?identifier=), because none had the identifier';
comment on column etl.conditional_resource.source_id is 'the sender, etl.source';
comment on column etl.conditional_resource.resource_type is 'the type of the resource';
comment on column etl.conditional_resource.system is 'the identifier''s system: * for any, empty where the request says that it has none';
comment on column etl.conditional_resource.value is 'the identifier''s value';
comment on column etl.conditional_resource.resource_id is 'key of the resource';
comment on column etl.conditional_resource.is_settled is 'true once the resource was delivered under its own id or its place was taken: a later owner of the identifier is another resource';

create table etl.adopted_resource (
  id bigint primary key,
  owner_id bigint not null,
  adopted_at timestamptz not null default clock_timestamp()
);
create index adopted_resource_owner on etl.adopted_resource (owner_id);
comment on table etl.adopted_resource is 'resources made by requests by identifier whose place was taken by the resource that has the identifier: its key stands for both';
comment on column etl.adopted_resource.id is 'key of the resource that was made; no table has rows of it';
comment on column etl.adopted_resource.owner_id is 'key of the resource that took its place';
comment on column etl.adopted_resource.adopted_at is 'the moment at which it took the place';

comment on column etl.unresolved_reference.resource_type is 'the type of the target, or the types that the element allows, with bars between them; empty for any';
comment on column etl.resolved_identifier.resource_type is 'the type of resource that was looked for, or the types that the element allows, with bars between them; empty for any';
