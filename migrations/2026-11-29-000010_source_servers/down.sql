drop table etl.source_base_url;
alter table etl.source drop column name, drop column description;
comment on column etl.source.base_url is 'address of the FHIR server behind it, to which its absolute references belong';
delete from etl.unresolved_reference where system in ('*', 'reference');
comment on table etl.unresolved_reference is 'references by a number whose bearer is not known yet; looked at again after each run';
comment on column etl.unresolved_reference.resource_type is 'the type of the bearer; empty if not stated';
comment on column etl.unresolved_reference.system is 'the number''s system; urn:uuid where the value is the id itself';
comment on column etl.unresolved_reference.value is 'the number';
