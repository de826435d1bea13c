-- Checksums of S3: those of the parts, and that of the whole file which follows from them.
alter table etl.upload add column checksum_algorithm text;
alter table etl.upload add column checksum_type text;
alter table etl.upload add column checksum text;
comment on column etl.upload.checksum_algorithm is 'the checksum of S3 that is computed of every part: crc32, crc32c, crc64nvme, sha1 or sha256; null if the sender did not ask for one';
comment on column etl.upload.checksum_type is 'what the checksum of the whole file is, as in S3: FULL_OBJECT is that of all bytes, COMPOSITE that of the checksums of the parts';
comment on column etl.upload.checksum is 'once it is complete, the checksum of the whole file as in S3: Base64, followed by a hyphen and the number of parts if it is COMPOSITE';

alter table etl.upload_part add column checksums jsonb;
comment on column etl.upload_part.checksums is 'its checksums besides MD5 that were computed, by their algorithms, in Base64';
