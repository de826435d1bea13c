drop schema analytics cascade;
drop schema etl cascade;
