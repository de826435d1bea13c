drop table etl.upload_part;
drop table etl.upload;
