-- Files that senders push in parts. What a part held is in the spool folder of the
-- inbox; a part is recorded here once its bytes are on disk.
create table etl.upload (
  id uuid primary key,
  sender_id integer not null references etl.sender (id),
  face text not null,
  filename text not null,
  part_count integer,
  size_bytes bigint,
  sha256 bytea,
  part_bytes bigint,
  status text not null default 'open',
  idempotency_key text,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  completing_at timestamptz,
  finished_at timestamptz,
  landed_path text,
  unique (sender_id, idempotency_key)
);
create index upload_sender_id on etl.upload (sender_id) where status in ('open', 'completing');
create index upload_expires_at on etl.upload (expires_at) where status in ('open', 'completing');
comment on table etl.upload is 'files that senders push over the network, by whichever interface; an upload that is complete is a file in the inbox, and its id is that of a job';
comment on column etl.upload.id is 'the id of the upload, and of the job that it becomes';
comment on column etl.upload.sender_id is 'the sender, etl.sender';
comment on column etl.upload.face is 'the interface that it was begun on: rest, batch or s3';
comment on column etl.upload.filename is 'the name that the sender gave the file';
comment on column etl.upload.part_count is 'how many parts were announced; null if that is not known before the end';
comment on column etl.upload.size_bytes is 'how many bytes were announced, and, once it is complete, how many there are';
comment on column etl.upload.sha256 is 'the SHA-256 of the whole file, if it was announced';
comment on column etl.upload.part_bytes is 'the size of a regular part, learned from the first one: part n begins at (n - 1) times this in the spool file';
comment on column etl.upload.status is 'open, completing, completed, aborted or expired';
comment on column etl.upload.idempotency_key is 'SHA-256 of the Idempotency-Key and the sender''s name, in hexadecimal: the same call again is the same upload';
comment on column etl.upload.created_at is 'when it began';
comment on column etl.upload.expires_at is 'when it is removed if it is not complete by then';
comment on column etl.upload.completing_at is 'when the sender asked for its completion';
comment on column etl.upload.finished_at is 'when it was completed, aborted or removed';
comment on column etl.upload.landed_path is 'its path in the inbox, as in etl.load_file.path; noted before the file is moved there';

create table etl.upload_part (
  upload_id uuid not null references etl.upload (id) on delete cascade,
  part_number integer not null,
  size_bytes bigint not null,
  md5 bytea not null,
  file_name text,
  received_at timestamptz not null default now(),
  primary key (upload_id, part_number)
);
comment on table etl.upload_part is 'the parts of unfinished uploads that were received, checked and written to disk';
comment on column etl.upload_part.upload_id is 'the upload, etl.upload';
comment on column etl.upload_part.part_number is 'the number of the part, from 1';
comment on column etl.upload_part.size_bytes is 'its bytes';
comment on column etl.upload_part.md5 is 'the MD5 of its bytes';
comment on column etl.upload_part.file_name is 'the file of the spool that holds it, if it is not in its place in the upload''s own file';
comment on column etl.upload_part.received_at is 'when it was received';
