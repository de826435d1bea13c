comment on column etl.load_run.command is 'the command that ran: run, once, retry, remap';
comment on column etl.load_file.sha256 is 'hash of its bytes: a file with the bytes of an earlier one is read only if it would change the tables';
