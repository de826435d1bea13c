drop table etl.export_file;
drop table etl.export_job;
drop table etl.feed;
