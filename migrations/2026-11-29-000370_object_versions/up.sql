-- Which version of an object a file was: one that was seen and has not changed is not read again.
-- An object that is not hashed before it is loaded is hashed as it is loaded, and so read once.
alter table etl.load_file
  add column etag text,
  add column modified_at timestamptz,
  add column is_hashed boolean not null default true;
comment on column etl.load_file.etag is 'for an object of a store: what the store calls its version (ETag)';
comment on column etl.load_file.modified_at is 'for an object of a store: when it was put there, by the clock of the store';
comment on column etl.load_file.is_hashed is 'whether sha256 is the hash of its bytes; false while an object of a store is loaded that is hashed as it is read';
comment on column etl.load_file.sha256 is 'hash of its bytes: a file with the bytes of an earlier one is read only if it would change the tables; of its path while fhirmill itself writes the file; of its key and version while is_hashed is false';
-- A file of another size has other bytes.
create index load_file_size on etl.load_file (source_id, size_bytes);
