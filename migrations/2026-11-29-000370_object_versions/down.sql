drop index etl.load_file_size;
alter table etl.load_file drop column etag, drop column modified_at, drop column is_hashed;
comment on column etl.load_file.sha256 is 'hash of its bytes: a file with the bytes of an earlier one is read only if it would change the tables; of its path while fhirmill itself writes the file';
