drop table etl.view_definition;
drop schema views cascade;
