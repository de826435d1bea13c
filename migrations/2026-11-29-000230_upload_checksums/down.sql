alter table etl.upload_part drop column checksums;
alter table etl.upload drop column checksum;
alter table etl.upload drop column checksum_type;
alter table etl.upload drop column checksum_algorithm;
