drop index etl.upload_filename;
alter table etl.upload drop column metadata;
alter table etl.upload drop column etag;
