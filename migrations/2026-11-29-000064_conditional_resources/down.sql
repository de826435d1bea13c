drop table etl.adopted_resource;
drop table etl.conditional_resource;

comment on column etl.unresolved_reference.resource_type is 'the type of the target; empty if not stated';
comment on column etl.resolved_identifier.resource_type is 'the type of resource that was looked for; empty if not stated';
