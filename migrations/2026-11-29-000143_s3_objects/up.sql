-- What S3 clients are told of a file that was delivered, so that they do not send it again.
alter table etl.upload add column etag text;
alter table etl.upload add column metadata jsonb;
comment on column etl.upload.etag is 'once it is complete, its ETag as in S3: the MD5 of the file if it came in one part, otherwise the MD5 of the MD5s of its parts, a hyphen and their number';
comment on column etl.upload.metadata is 'what the sender wants to be kept with the file (x-amz-meta-* of S3), as a JSON object';

-- S3 lists the files of a sender in the order of the bytes of their names.
create index upload_filename on etl.upload (sender_id, filename collate "C", finished_at desc) where status = 'completed';
