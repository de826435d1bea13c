drop table etl.reading_role;
