drop table etl.resolved_identifier;
