-- A file that cannot leave the inbox stays there, and the ledger says why: the
-- next scan tries to move it again instead of loading it again.
alter table etl.load_file add column move_error text;
comment on column etl.load_file.move_error is 'why the file could not leave the inbox after it was read; null once it has';
create index load_file_stuck on etl.load_file (sha256) where move_error is not null;
