-- fhirmill writes files of its own, from updates that come one by one.
comment on column etl.load_run.command is 'the command that ran: run, once, retry, remap; update for updates that were stored when answered';
comment on column etl.load_file.sha256 is 'hash of its bytes: a file with the bytes of an earlier one is read only if it would change the tables; of its path while fhirmill itself writes the file';
